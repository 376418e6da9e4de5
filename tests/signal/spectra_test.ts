/**
 * Spectra of segments beside SciPy's, their inverse and their derivatives.
 *
 * @module
 */
import { complex, imag, jit, real, signal, tensor, vmap } from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import fixture from "../fixtures/fft.json" with { type: "json" };
import { numbers } from "../numeric/exact_transform.ts";
import { assertEquals, assertThrows } from "../support/std.ts";

function double(values: unknown): Tensor {
  return tensor(values as number[], { dtype: "float64" });
}

const [a, b] = [21, 210].map((seed) => double(numbers(80, seed)).reshape([2, 40]));
const close = { rtol: 1e-12, atol: 1e-14 };

function assertComplex(x: Tensor, [re, im]: readonly unknown[]): void {
  assertTensorsClose(real(x), double(re), close);
  assertTensorsClose(imag(x), double(im), close);
}

/** Options as they are called here. */
const options = (written: object) => written as signal.StftOptions;

Deno.test("transforms of segments are SciPy's, and come back", () => {
  for (const row of fixture.spectra) {
    const { frequencies, times, values } = signal.stft(a, options(row.options));
    assertTensorsClose(frequencies, double(row.frequencies), close);
    assertTensorsClose(times, double(row.times), close);
    assertEquals(values.shape, row.shape);
    assertComplex(values, row.stft);
    const back = signal.istft(values, options({ nperseg: 40, ...row.options }));
    const near = { rtol: 1e-11, atol: 1e-12 };
    assertTensorsClose(back.split([40], 1)[0], a, near);
    const ends = { ...row.options, scaling: "spectrum", boundary: false, padded: false };
    const bare = signal.stft(a, options(ends));
    assertEquals(bare.values.shape, row.bare.shape);
    assertTensorsClose(bare.times, double(row.bare.times), close);
    assertComplex(bare.values, row.bare.stft);
  }
});

Deno.test("densities are SciPy's", () => {
  for (const row of fixture.spectra) {
    const own = options({ scaling: "spectrum", ...row.options });
    const { frequencies, values } = signal.welch(a, own);
    assertTensorsClose(frequencies, double(row.frequencies), close);
    assertTensorsClose(values, double(row.welch), close);
    assertComplex(signal.csd(a, b, own).values, row.csd);
    const compiled = jit((x: Tensor) => signal.welch(x, own).values);
    assertTensorsClose(compiled(a), double(row.welch), close);
  }
});

Deno.test("a segment of one element is taken as it is, by any window", () => {
  for (const window of ["bartlett", "blackman", "hamming", "hanning"] as const) {
    const own = { window, scaling: "spectrum", detrend: false } as const;
    assertTensorsClose(signal.welch(double([3]), own).values, double([9]), close);
    assertTensorsClose(signal.periodogram(double([3]), own).values, double([9]), close);
    const one = { window, nperseg: 1, boundary: false } as const;
    const x = double([1, 2, 3]);
    assertTensorsClose(signal.welch(x, { ...own, nperseg: 1 }).values, double([14 / 3]), close);
    assertTensorsClose(signal.istft(signal.stft(x, one).values, one), x, close);
  }
});

Deno.test("spectra take any axis, batches and derivatives", () => {
  const own = { nperseg: 8 } as const;
  const columns = signal.stft(a.transpose(), { ...own, axis: 0 }).values;
  assertEquals(columns.shape, [5, 2, 11]);
  const rows = signal.stft(a, own).values;
  assertTensorsClose(real(columns), real(rows).transpose([1, 0, 2]), close);
  const each = vmap((x: Tensor) => signal.welch(x, own).values)(a);
  assertTensorsClose(each, signal.welch(a, own).values, close);
  const x = a.split([1], 0)[0].reshape([40]);
  checkGrads((y: Tensor) => signal.welch(y, own).values.log().sum(), [x]);
  const [re, im] = [real, imag].map((part) => part(signal.stft(x, own).values));
  checkGrads((p: Tensor, q: Tensor) => signal.istft(complex(p, q), own).sin().sum(), [re, im]);
  assertEquals(signal.stft([1, 2, 3]).values.dtype, "complex64");
});

Deno.test("what has no spectrum is told", () => {
  const message = (f: () => unknown): string => assertThrows(f, Error).message;
  const what = "Cannot transform segments of float32[3]";
  const x = [1, 2, 3];
  assertEquals(
    message(() => signal.stft(x, { nperseg: 4 })),
    `${what}: nperseg must be at most the signal's length 3, got 4`,
  );
  assertEquals(
    message(() => signal.stft(x, { noverlap: 3 })),
    `${what}: noverlap must be from 0 to 2, got 3`,
  );
  assertEquals(
    message(() => signal.stft(x, { nfft: 2 })),
    `${what}: nfft must be at least nperseg, 3, got 2`,
  );
  assertEquals(
    message(() => signal.stft(x, { fs: 0 })),
    `${what}: fs must be a positive number, got 0`,
  );
  assertEquals(
    message(() => signal.stft(x, { window: "square" as "hanning" })),
    `${what}: the window must be a list of numbers, "bartlett", "blackman", "hamming" or "hanning", got "square"`,
  );
  assertEquals(
    message(() => signal.stft(x, { window: [1, 2], nperseg: 3 })),
    `${what}: the window must have 3 numbers, got 2`,
  );
  assertEquals(
    message(() => signal.welch(complex(x, x), { onesided: true })),
    "Cannot compute densities of complex64[3]: onesided is for real signals; leave it out, or take real and imag",
  );
  assertEquals(
    message(() => signal.welch(x, { average: "mode" as "mean" })),
    'Cannot compute densities of float32[3]: average must be "mean" or "median", got "mode"',
  );
  assertEquals(
    message(() => signal.stft(x, { detrend: "quadratic" as "linear" })),
    `${what}: detrend must be "constant", "linear" or false, got "quadratic"`,
  );
  assertEquals(
    message(() => signal.stft(x, { boundary: "wrap" as "even" })),
    `${what}: boundary must be a boolean, "zeros", "constant", "even", "odd", got "wrap"`,
  );
  assertEquals(
    message(() => signal.detrend(x, { breakpoints: [2, 2] })),
    "Cannot remove trends of float32[3]: breakpoints must be places from 1 to 2 in order, got [2, 2]",
  );
  assertEquals(
    message(() => signal.convolve2d([x], x)),
    "Cannot convolve float32[1,3] with float32[3]: expected two matrices",
  );
  assertEquals(
    message(() => signal.correlate2d([x], [x], { boundary: "symm" as "wrap" })),
    'Cannot correlate: boundary must be "fill", "wrap" or "symmetric", got "symm"',
  );
  assertEquals(
    message(() => signal.stft([])),
    "Cannot transform segments of float32[0]: expected signals with elements",
  );
  assertEquals(
    message(() => signal.istft(complex(x, x))),
    "Cannot add up segments of complex64[3]: expected axes of frequencies and segments",
  );
  assertEquals(
    message(() => signal.istft(complex([[1], [2], [3]]), { boundary: false })),
    "Cannot add up segments of complex64[3,1]: windows are zero at some places; let them overlap more",
  );
});

const c = complex(
  ...[33, 330].map((seed) => double(numbers(80, seed)).reshape([2, 40])) as [Tensor, Tensor],
);

Deno.test("spectra of both sides, of complex signals, without trends and at mirrors are SciPy's", () => {
  const [a0, b0, c0] = [a, b, c].map((x) => x.split([1], 0)[0].reshape([40]));
  for (const { options: written, single, ...rows } of fixture.sides) {
    const { average, scaling: _, ...segments } = written as signal.WelchOptions;
    const own = { ...written, ...average === undefined ? {} : { average } } as signal.WelchOptions;
    for (const [name, x] of [["real", a0], ["complex", c0], ["onesided", a0]] as const) {
      const row = rows[name];
      const onesided = name === "onesided";
      const { frequencies, values } = signal.stft(x, { detrend: false, ...segments, onesided });
      assertTensorsClose(frequencies, double(row.frequencies), close);
      assertEquals(values.shape, row.shape);
      assertComplex(values, row.stft);
      for (const kind of ["even", "odd", "constant"] as const) {
        const expected = (row.boundaries as Record<string, unknown[]>)[kind];
        if (expected === undefined) continue;
        const mirrored = signal.stft(x, { ...segments, onesided, boundary: kind });
        assertComplex(mirrored.values, expected);
      }
      assertTensorsClose(signal.welch(x, { ...own, onesided }).values, double(row.welch), close);
      assertComplex(signal.csd(x, b0, { ...own, onesided }).values, row.csd);
      const whole = { ...single, onesided } as signal.PeriodogramOptions;
      assertTensorsClose(signal.periodogram(x, whole).values, double(row.periodogram), close);
      // Without a choice, complex signals have both sides and real ones one.
      if (name !== "real") {
        assertTensorsClose(signal.welch(x, own).values, double(row.welch), close);
      }
      const compiled = jit((y: Tensor) => signal.csd(y, b0, { ...own, onesided }).values);
      assertComplex(compiled(x), row.csd);
    }
  }
  for (const onesided of [true, false]) {
    const own = { nperseg: 8, noverlap: 6, onesided } as const;
    const x = onesided ? a : c;
    const back = signal.istft(signal.stft(x, own).values, own);
    assertEquals(back.dtype, x.dtype);
    assertTensorsClose(real(back), real(x), close);
    if (!onesided) assertTensorsClose(imag(back), imag(x), close);
  }
  const first = real(c).split([1], 0)[0];
  checkGrads(
    (p: Tensor, q: Tensor) =>
      signal.welch(complex(p, q), { nperseg: 8, average: "median" }).values.log().sum(),
    [first, imag(c).split([1], 0)[0]],
  );
});

Deno.test("trends are those that SciPy takes away", () => {
  for (const { type, breakpoints, values } of fixture.trends) {
    const own = { type: type as "linear", breakpoints };
    assertComplex(signal.detrend(c, own), values);
    assertTensorsClose(
      signal.detrend(real(c).transpose(), { ...own, axis: 0 }).transpose(),
      double(values[0]),
      close,
    );
    assertTensorsClose(
      jit((x: Tensor) => signal.detrend(x, own))(real(c)),
      double(values[0]),
      close,
    );
  }
  assertTensorsClose(
    vmap((x: Tensor) => signal.detrend(x))(a),
    signal.detrend(a),
    close,
  );
  checkGrads((x: Tensor) => signal.detrend(x, { breakpoints: [20] }).square().sum(), [a]);
  assertEquals(signal.detrend([1, 2, 3]).dtype, "float32");
  assertEquals(signal.detrend(tensor([[5], [6]], { dtype: "float16" })).dtype, "float16");
});

Deno.test("images are convolved and correlated as SciPy does", () => {
  for (const { a, b, options, convolve, correlate } of fixture.images) {
    const [x, y] = [double(a), double(b)];
    const own = options as signal.ImageConvolutionOptions;
    assertTensorsClose(signal.convolve2d(x, y, own), double(convolve), close);
    assertTensorsClose(signal.correlate2d(x, y, own), double(correlate), close);
    const compiled = jit((p: Tensor, q: Tensor) => signal.correlate2d(p, q, own));
    assertTensorsClose(compiled(x, y), double(correlate), close);
  }
  const [image, window] = [
    double(numbers(12, 1)).reshape([3, 4]),
    double(numbers(4, 2)).reshape([2, 2]),
  ];
  checkGrads(
    (p: Tensor, q: Tensor) =>
      signal.convolve2d(p, q, { mode: "same", boundary: "wrap" }).sin().sum(),
    [image, window],
  );
  const two = complex(window, window.mul(2));
  assertTensorsClose(
    real(signal.correlate2d(two, two, { mode: "valid" })),
    window.square().sum().mul(5).reshape([1, 1]),
    close,
  );
});
