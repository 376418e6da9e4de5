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
    message(() => signal.welch(complex(x, x))),
    "Cannot compare spectra of complex64[3]: expected real signals; take real(x) and imag(x) by themselves",
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
