"""NumPy as a contender, for Fourier transforms: pocketfft, with one thread."""

from contender import Missing, checked, fft_data, repeated, serve, threads_wanted, unavailable

try:
    import numpy
except ImportError as error:
    unavailable(f"NumPy cannot be imported: {error}")
    raise SystemExit from None

if threads_wanted() > 1:
    unavailable("it has one thread for transforms")
    raise SystemExit


def prepare(task):
    if task["kind"] not in ("fft", "fftLoop"):
        raise Missing("only transforms are compared")
    x = fft_data(task)
    fft, n = numpy.fft, task["length"]
    if task["kind"] == "fftLoop" and task["isReal"]:
        return checked(repeated(lambda x: fft.irfft(fft.rfft(x), n), x), lambda y: y)
    if task["kind"] == "fftLoop":
        return checked(repeated(lambda x: fft.ifft(fft.fft(x)), x), lambda y: y)
    transform = numpy.fft.rfft if task["isReal"] else numpy.fft.fft
    return checked(lambda: transform(x), lambda y: y)


serve({"NumPy": numpy.__version__}, prepare)
