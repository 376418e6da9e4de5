"""What contenders in Python share: reading requests, measuring, answering (see contender.ts)."""

import json
import statistics
import sys
import time

# The shortest time of a single sample, in seconds: shorter calls are repeated.
SAMPLE = 0.001


class Missing(Exception):
    """Raised by what prepares a work that a contender has no means for."""


def threads_wanted():
    """The number of threads that run.ts asks for, the only argument of a contender."""
    return max(1, int(sys.argv[1])) if len(sys.argv) > 1 else 1


def _say(line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _sample(call, repeats):
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - start) / repeats


def _measure(call, seconds, last):
    # A call that takes longer than the whole measurement is not repeated for warm-up.
    if last > seconds:
        return [_sample(call, 1)]
    warm = time.perf_counter() + 0.5 * seconds
    fastest = last
    while True:
        fastest = min(fastest, _sample(call, 1))
        if time.perf_counter() >= warm:
            break
    repeats = max(1, int(-(-SAMPLE // max(fastest, 1e-8))))
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        times.append(_sample(call, repeats))
    return times


def noise(shape, seed):
    """Numbers from 0 to 1, the same in every language (see contender.ts)."""
    import numpy

    places = numpy.arange(1, numpy.prod(shape) + 1, dtype=numpy.float64)
    x = 43758.5453 * numpy.sin(12.9898 * places + 78.233 * seed)
    return (x - numpy.floor(x)).reshape(shape)


def fft_data(task):
    """What is transformed, real or complex numbers of one row without an axis for it, or of several."""
    shape = (task["rows"], task["length"]) if task["rows"] > 1 else (task["length"],)
    re, im = ((2 * noise(shape, i) - 1).astype(task["dtype"]) for i in (0, 1))
    return re if task["isReal"] else re + 1j * im


def repeated(step, x):
    """Calls that each go on from what the one before has made."""

    def call():
        nonlocal x
        x = step(x)
        return x

    return call


def checked(call, array):
    """The call, with the sum of its result as an array of NumPy with weights (see contender.ts)."""
    import numpy

    def check():
        y = array(call())
        parts = numpy.concatenate([y.real.ravel(), y.imag.ravel()]).astype("float64")
        return float(parts @ (2 * noise(parts.shape, 2) - 1))

    call.check = check
    return call


def transformer_data(task):
    """The parameters, as float32 arrays, and tokens of a transformer, one more for each text than it reads."""
    width, tokens, length = task["width"], task["tokens"], task["length"]
    seeds = iter(range(1000))

    def weight(*shape, scale=None):
        scale = shape[0] ** -0.5 if scale is None else scale
        return ((2 * noise(shape, next(seeds)) - 1) * scale).astype("float32")

    def affine():
        return 1 + weight(width, scale=0.1), weight(width, scale=0.1)

    def dense(before, after):
        return weight(before, after), weight(after, scale=0.1)

    def block():
        return {
            "norm1": affine(),
            "attention": dense(width, 3 * width),
            "output": dense(width, width),
            "norm2": affine(),
            "wide": dense(width, 4 * width),
            "narrow": dense(4 * width, width),
        }

    params = {
        "tokens": weight(tokens, width, scale=1),
        "places": weight(length, width, scale=1),
        "blocks": [block() for _ in range(task["layers"])],
        "norm": affine(),
        "logits": dense(width, tokens),
    }
    texts = (noise((task["batch"], length + 1), next(seeds)) * tokens).astype("int32")
    return params, texts


def unavailable(reason):
    """Says that this contender cannot run here."""
    _say({"unavailable": reason})


def serve(versions, prepare):
    """Answers requests until there are no more."""
    _say({"versions": versions})
    name, call, last = None, None, 0.0
    for line in sys.stdin:
        request = json.loads(line)
        work, seconds = request["work"], request["seconds"]
        answer = {"work": work["name"]}
        try:
            if name != work["name"]:
                name, call = None, None
                call = prepare(work["task"])
                start = time.perf_counter()
                result = call()
                first = time.perf_counter() - start
                if hasattr(call, "check"):
                    result = call.check()
                if isinstance(result, float):
                    answer["result"] = result
                name = work["name"]
                answer["first_ms"] = 1000 * first
                # The first call shows whether a work is far too long to be repeated.
                if first > request.get("longest", 30):
                    _say({**answer, "median_ms": 1000 * first, "samples": 1})
                    continue
                last = _sample(call, 1)
            times = _measure(call, seconds, last)
            answer["median_ms"] = 1000 * statistics.median(times)
            answer["samples"] = len(times)
        except Exception as error:  # An answer is due, whatever went wrong.
            answer = {"work": work["name"], "missing": str(error).split("\n")[0]}
        _say(answer)
