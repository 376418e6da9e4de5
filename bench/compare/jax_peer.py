"""JAX as a contender, on the CPU unless JAX_PLATFORMS says otherwise: everything under jit."""

import os

from contender import (
    checked,
    fft_data,
    repeated,
    serve,
    threads_wanted,
    transformer_data,
    unavailable,
)

os.environ.setdefault("JAX_PLATFORMS", "cpu")


def start():
    """JAX with as many threads as wanted: XLA starts as many as the process may use processors."""
    if not hasattr(os, "sched_setaffinity"):
        import jax

        return jax
    processors = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(processors)[: threads_wanted()])
    try:
        import jax

        jax.devices()
    finally:
        # The threads have started: they may run on any processor, like those of the other contenders.
        for thread in os.listdir("/proc/self/task"):
            os.sched_setaffinity(int(thread), processors)
    return jax


try:
    jax = start()
except (ImportError, RuntimeError, AssertionError) as error:
    unavailable(f"JAX does not start on {os.environ['JAX_PLATFORMS']}: {error!r}")
    raise SystemExit from None

# On devices other than CPUs, float32 products may be rounded to fewer bits; Jacobi's never are.
if os.environ["JAX_PLATFORMS"] != "cpu":
    jax.config.update("jax_default_matmul_precision", "highest")

from functools import partial

import jax.numpy as jnp
from jax import lax

keys = iter(jax.random.split(jax.random.key(0), 1000))


def normal(*shape, scale=1.0):
    return scale * jax.random.normal(next(keys), shape)


def ready(function, *args):
    """A call that waits for its result."""
    return lambda: jax.block_until_ready(function(*args))


OPERATIONS = {
    "add": lambda x, y: x + y,
    "exp": lambda x, y: jnp.exp(x),
    "sin": lambda x, y: jnp.sin(x),
    "sum": lambda x, y: x.sum(),
    "chain": lambda x, y: jnp.sin(x) * y + jnp.exp(-jnp.square(x)) / (1 + jnp.square(y)),
    "gelu": lambda x, y: jax.nn.gelu(x, approximate=True),
}


def layer_norm(x, scale, shift):
    centered = x - x.mean(-1, keepdims=True)
    return centered / jnp.sqrt(x.var(-1, keepdims=True) + 1e-5) * scale + shift


def convolve(x, w, stride, padding):
    around = [(padding, padding)] * 2
    layout = ("NCHW", "OIHW", "NCHW")
    return lax.conv_general_dilated(x, w, (stride, stride), around, dimension_numbers=layout)


def conv(task):
    x = normal(task["batch"], task["inputs"], task["size"], task["size"])
    w = normal(task["outputs"], task["inputs"], task["kernel"], task["kernel"])
    forward = partial(convolve, stride=task["stride"], padding=task["padding"])
    if not task["gradients"]:
        return ready(jax.jit(forward), x, w)
    cotangent = normal(*jax.eval_shape(forward, x, w).shape)

    @jax.jit
    def both(x, w, cotangent):
        y, pullback = jax.vjp(forward, x, w)
        return y, pullback(cotangent)

    return ready(both, x, w, cotangent)


def cross_entropy(scores, labels):
    chosen = jnp.take_along_axis(jax.nn.log_softmax(scores), labels[:, None], axis=1)
    return -chosen.mean()


def mlp_step(sizes, batch):
    params = [
        (normal(before, after, scale=before**-0.5), jnp.zeros(after))
        for before, after in zip(sizes, sizes[1:])
    ]
    x = normal(batch, sizes[0])
    labels = jax.random.randint(next(keys), (batch,), 0, sizes[-1])

    def loss(params, x, labels):
        for w, b in params[:-1]:
            x = jax.nn.relu(x @ w + b)
        w, b = params[-1]
        return cross_entropy(x @ w + b, labels)

    @partial(jax.jit, donate_argnums=0)
    def step(params, x, labels):
        value, gradients = jax.value_and_grad(loss)(params, x, labels)
        return jax.tree.map(lambda p, g: p - 0.1 * g, params, gradients), value

    def call():
        nonlocal params
        params, _ = jax.block_until_ready(step(params, x, labels))

    return call


def transformer_step(task):
    params, texts = jax.tree.map(jnp.array, transformer_data(task))
    inputs, targets = texts[:, :-1], texts[:, 1:]
    heads = task["heads"]

    def dense(x, layer):
        w, b = layer
        return x @ w + b

    def loss(params, inputs, targets):
        x = params["tokens"][inputs] + params["places"]
        for block in params["blocks"]:
            parts = dense(layer_norm(x, *block["norm1"]), block["attention"])
            queries, keys, values = jnp.split(
                parts.reshape(*parts.shape[:-1], 3 * heads, -1), 3, axis=2
            )
            y = jax.nn.dot_product_attention(queries, keys, values, is_causal=True)
            x = x + dense(y.reshape(x.shape), block["output"])
            y = jax.nn.gelu(dense(layer_norm(x, *block["norm2"]), block["wide"]))
            x = x + dense(y, block["narrow"])
        scores = dense(layer_norm(x, *params["norm"]), params["logits"])
        return cross_entropy(scores.reshape(-1, scores.shape[-1]), targets.reshape(-1))

    @partial(jax.jit, donate_argnums=0)
    def step(params, inputs, targets):
        value, gradients = jax.value_and_grad(loss)(params, inputs, targets)
        return jax.tree.map(lambda p, g: p - 0.1 * g, params, gradients), value

    def call():
        nonlocal params
        params, value = step(params, inputs, targets)
        return float(value)

    return call


STAGES = [(64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)]
STRIDES = [stride for _, _, stride in STAGES for stride in (stride, 1)]


def init_resnet():
    def layer(inputs, outputs, kernel):
        w = normal(outputs, inputs, kernel, kernel, scale=(inputs * kernel**2) ** -0.5)
        return (w, jnp.ones(outputs), jnp.zeros(outputs)), (jnp.zeros(outputs), jnp.ones(outputs))

    def block(inputs, outputs, stride):
        layers = [layer(inputs, outputs, 3), layer(outputs, outputs, 3)]
        return layers if stride == 1 else [*layers, layer(inputs, outputs, 1)]

    stem = layer(3, 64, 7)
    blocks = [
        made
        for inputs, outputs, stride in STAGES
        for made in (block(inputs, outputs, stride), block(outputs, outputs, 1))
    ]
    convolutions = [[stem[0]]] + [[p for p, _ in block] for block in blocks]
    running = [[stem[1]]] + [[r for _, r in block] for block in blocks]
    head = (normal(512, 1000, scale=0.04), jnp.zeros(1000))
    return (convolutions, head), running


def apply_resnet(params, running, x, trains):
    convolutions, (w, b) = params
    statistics = []

    def normalized(x, layer, averages, stride, padding):
        w, scale, shift = layer
        y = convolve(x, w, stride, padding)
        mean, variance = averages
        if trains:
            own_mean, own_variance = y.mean((0, 2, 3)), y.var((0, 2, 3))
            count = y.size // y.shape[1]
            unbiased = own_variance * (count / max(1, count - 1))
            news = (0.9 * mean + 0.1 * own_mean, 0.9 * variance + 0.1 * unbiased)
            mean, variance = own_mean, own_variance
        else:
            news = averages
        factor = scale / jnp.sqrt(variance + 1e-5)
        offset = shift - mean * factor
        return y * factor[:, None, None] + offset[:, None, None], news

    y, news = normalized(x, convolutions[0][0], running[0][0], 2, 3)
    statistics.append([news])
    around = [(0, 0), (0, 0), (1, 1), (1, 1)]
    y = lax.reduce_window(
        jax.nn.relu(y), -jnp.inf, lax.max, (1, 1, 3, 3), (1, 1, 2, 2), around
    )
    for layers, averages, stride in zip(convolutions[1:], running[1:], STRIDES):
        body, first = normalized(y, layers[0], averages[0], stride, 1)
        body, second = normalized(jax.nn.relu(body), layers[1], averages[1], 1, 1)
        news = [first, second]
        if len(layers) == 3:
            y, third = normalized(y, layers[2], averages[2], stride, 0)
            news.append(third)
        y = jax.nn.relu(body + y)
        statistics.append(news)
    return y.mean((2, 3)) @ w + b, statistics


def resnet_forward(batch, size):
    params, running = init_resnet()
    forward = jax.jit(lambda params, running, x: apply_resnet(params, running, x, False)[0])
    return ready(forward, params, running, normal(batch, 3, size, size))


def resnet_step(batch, size):
    params, running = init_resnet()
    momentum = jax.tree.map(jnp.zeros_like, params)
    x = normal(batch, 3, size, size)
    labels = jax.random.randint(next(keys), (batch,), 0, 1000)

    def loss(params, running, x, labels):
        scores, statistics = apply_resnet(params, running, x, True)
        return cross_entropy(scores, labels), statistics

    @partial(jax.jit, donate_argnums=(0, 1, 2))
    def step(params, running, momentum, x, labels):
        differentiated = jax.value_and_grad(loss, has_aux=True)
        (value, statistics), gradients = differentiated(params, running, x, labels)
        momentum = jax.tree.map(lambda m, g: 0.9 * m + g, momentum, gradients)
        params = jax.tree.map(lambda p, m: p - 0.01 * m, params, momentum)
        return params, statistics, momentum, value

    def call():
        nonlocal params, running, momentum
        params, running, momentum, _ = jax.block_until_ready(
            step(params, running, momentum, x, labels)
        )

    return call


def rnn(steps, batch, hidden, gradients):
    xs = normal(steps, batch, hidden)
    scale = hidden**-0.5
    w = normal(hidden, hidden, scale=scale)
    v = normal(hidden, hidden, scale=scale)

    def outputs(w, v, xs):
        def step(h, x):
            h = jnp.tanh(x + h @ v)
            return h, h

        return lax.scan(step, jnp.zeros((batch, hidden)), xs @ w)[1]

    def total(w, v, xs):
        return outputs(w, v, xs).sum()

    return ready(jax.jit(jax.grad(total, (0, 1)) if gradients else outputs), w, v, xs)


def positive_definite(size):
    a = normal(size, size)
    return a @ a.T / size + jnp.eye(size)


def scalar_function(x):
    return jnp.log1p(jnp.exp(x * jnp.sin(x))) / (1 + jnp.square(x))


def function_of_four(x):
    return (x * jnp.sin(x)).sum() + jnp.square(jnp.square(x).sum())


def prepare(task):
    kind = task["kind"]
    if kind == "matmul":
        size, dtype = task["size"], task.get("dtype", "float32")
        a, b = normal(size, size).astype(dtype), normal(size, size).astype(dtype)
        return ready(jax.jit(jnp.matmul), a, b)
    if kind == "elementwise":
        operation = jax.jit(OPERATIONS[task["operation"]])
        return ready(operation, normal(task["length"]), normal(task["length"]))
    if kind == "softmax":
        return ready(jax.jit(jax.nn.softmax), normal(task["rows"], task["columns"]))
    if kind == "layerNorm":
        columns = task["columns"]
        x = normal(task["rows"], columns)
        return ready(jax.jit(layer_norm), x, normal(columns), normal(columns))
    if kind == "conv":
        return conv(task)
    if kind == "mlpStep":
        return mlp_step(task["sizes"], task["batch"])
    if kind == "transformerStep":
        return transformer_step(task)
    if kind == "resnetForward":
        return resnet_forward(task["batch"], task["size"])
    if kind == "resnetStep":
        return resnet_step(task["batch"], task["size"])
    if kind == "rnn":
        return rnn(task["steps"], task["batch"], task["hidden"], task["gradients"])
    if kind in ("cholesky", "eigh"):
        decompose = jnp.linalg.cholesky if kind == "cholesky" else jnp.linalg.eigh
        return ready(jax.jit(lambda a: decompose(a)), positive_definite(task["size"]))
    if kind == "solve":
        a, b = normal(task["size"], task["size"]), normal(task["size"], task["columns"])
        return ready(jax.jit(jnp.linalg.solve), a, b)
    if kind == "fft":
        jax.config.update("jax_enable_x64", task["dtype"] == "float64")
        transform = jax.jit(jnp.fft.rfft if task["isReal"] else jnp.fft.fft)
        return checked(ready(transform, jnp.array(fft_data(task))), jax.device_get)
    if kind == "fftLoop":
        jax.config.update("jax_enable_x64", task["dtype"] == "float64")
        fft, n = jnp.fft, task["length"]
        there_and_back = (
            (lambda x: fft.irfft(fft.rfft(x), n))
            if task["isReal"]
            else (lambda x: fft.ifft(fft.fft(x)))
        )
        step = jax.jit(there_and_back, donate_argnums=0)
        call = repeated(lambda x: step(x).block_until_ready(), jnp.array(fft_data(task)))
        return checked(call, jax.device_get)
    if kind == "gradient":
        gradient = jax.grad(scalar_function)
        return ready(jax.jit(gradient) if task["compiled"] else gradient, jnp.float32(0.7))
    if kind == "hessian":
        matrix = jax.hessian(function_of_four)
        x = jnp.array([0.1, -0.4, 0.7, 1.2])
        return ready(jax.jit(matrix) if task["compiled"] else matrix, x)
    return ready(jax.jit(lambda x: jnp.sin(x)), jnp.float32(0.7))


serve({"JAX": jax.__version__}, prepare)
