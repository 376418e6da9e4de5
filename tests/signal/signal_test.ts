/**
 * Convolutions, correlations and windows, beside SciPy's and NumPy's.
 *
 * @module
 */
import { complex, jit, ones, signal, tensor, vmap } from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import type { NestedArray } from "../../mod.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import fixture from "../fixtures/fft.json" with { type: "json" };
import { assertEquals, assertThrows } from "../support/std.ts";

type Mode = "full" | "same" | "valid";

function double(values: unknown): Tensor {
  return tensor(values as NestedArray, { dtype: "float64" });
}

Deno.test("convolutions and correlations are SciPy's, by either method", () => {
  const close = { rtol: 0, atol: 1e-14 };
  for (const one of fixture.convolutions) {
    const [a, b] = [double(one.a), double(one.b)];
    const mode = one.mode as Mode;
    for (const method of ["auto", "direct", "fft"] as const) {
      const options = { mode, method };
      assertTensorsClose(signal.convolve(a, b, options), double(one.convolve), close);
      assertTensorsClose(signal.correlate(a, b, options), double(one.correlate), close);
    }
    assertTensorsClose(signal.fftConvolve(a, b, { mode }), double(one.convolve), close);
    const compiled = jit((x: Tensor, y: Tensor) => signal.fftConvolve(x, y, { mode }));
    assertTensorsClose(compiled(a, b), double(one.convolve), close);
  }
});

Deno.test("integers are summed exactly, and long signals of floats are transformed", () => {
  const a = tensor([1, 2, 3], { dtype: "int32" });
  assertEquals(signal.convolve(a, a).toArray(), [1, 4, 10, 12, 9]);
  assertEquals(signal.convolve(a, a).dtype, "int32");
  const long = ones([3000]);
  assertTensorsClose(signal.convolve(long, long).max(), 3000, { rtol: 1e-5 });
  assertEquals(signal.fftConvolve(a, a).dtype, "float32");
});

Deno.test("complex signals are convolved by either method, and correlated with conjugates", () => {
  const [a, b] = [complex([1, 2, 3], [0, 1, -1]), complex([1, -1], [2, 0.5])];
  const convolved = complex([1, -1, 2.5, -2.5], [2, 5.5, 5, 2.5]);
  const correlated = complex([-1, -0.5, 0.5, 1], [-0.5, -4, -3.5, -7]);
  for (const method of ["direct", "fft"] as const) {
    assertTensorsClose(signal.convolve(a, b, { method }), convolved, { atol: 1e-5 });
    assertTensorsClose(signal.correlate(a, b, { method }), correlated, { atol: 1e-5 });
  }
  assertTensorsClose(signal.fftConvolve(a, b), convolved, { atol: 1e-5 });
});

Deno.test("other axes than those of the signals are a batch", () => {
  const rows = double([[1, 2, 3, 4], [0, 1, 0, -1]]);
  const filter = double([[1, -1, 2]]);
  const each = vmap((row: Tensor) => signal.convolve(row, filter.reshape([3])))(rows);
  const close = { rtol: 0, atol: 1e-14 };
  assertTensorsClose(signal.fftConvolve(rows, filter, { axes: 1 }), each, close);
  const columns = signal.fftConvolve(rows.transpose(), filter.transpose(), { axes: [0] });
  assertTensorsClose(columns, each.transpose(), close);
  const products = signal.fftConvolve(rows, double([[2], [3]]), { axes: [] });
  assertTensorsClose(products, rows.mul(double([[2], [3]])), close);
});

Deno.test("convolutions are differentiable in both signals, whatever the method", () => {
  const [a, b] = [double([1, -2, 4, 0.5, 3]), double([0.5, 2, -1])];
  for (const mode of ["full", "same", "valid"] as const) {
    for (const method of ["direct", "fft"] as const) {
      const options = { mode, method };
      checkGrads((x: Tensor, y: Tensor) => signal.convolve(x, y, options).sin().sum(), [a, b]);
      checkGrads((x: Tensor, y: Tensor) => signal.correlate(x, y, options).sin().sum(), [a, b]);
    }
  }
});

Deno.test("windows are NumPy's", () => {
  for (const { name, n, beta, values } of fixture.windows) {
    const options = { dtype: "float64" } as const;
    const window = name === "kaiser"
      ? signal.kaiser(n, beta!, options)
      : signal[name as "bartlett" | "blackman" | "hamming" | "hanning"](n, options);
    const close = { rtol: 1e-13, atol: 1e-16 };
    assertEquals(window.shape, [n]);
    if (n > 0) assertTensorsClose(window, double(values), close);
  }
  assertEquals(signal.hanning(4).dtype, "float32");
  // Beyond the range of the Bessel function itself.
  assertEquals(signal.kaiser(3, 1e4).toArray(), [0, 1, 0]);
});

Deno.test("what cannot be convolved is told", () => {
  const message = (f: () => unknown): string => assertThrows(f, Error).message;
  assertEquals(
    message(() => signal.convolve([1, 2], [[1]])),
    "Cannot convolve float32[2] with float32[1,1]: expected signals with as many axes, at least one",
  );
  assertEquals(
    message(() => signal.convolve([1, 2], ones([0]))),
    "Cannot convolve float32[2] with float32[0]: expected signals with elements",
  );
  assertEquals(
    message(() => signal.correlate(ones([2, 5]), ones([3, 4]), { mode: "valid" })),
    "Cannot correlate float32[2,5] with float32[3,4]: expected one signal to be at least as long as the " +
      'other along every axis, for "valid"',
  );
  assertEquals(
    message(() => signal.convolve([1], [1], { mode: "most" as Mode })),
    'Cannot convolve: mode must be "full", "same" or "valid", got "most"',
  );
  assertEquals(
    message(() => signal.convolve([1], [1], { method: "slow" as "fft" })),
    'Cannot convolve: method must be "auto", "direct" or "fft", got "slow"',
  );
  const whole = tensor([1], { dtype: "int32" });
  assertEquals(
    message(() => signal.convolve(whole, whole, { method: "fft" })),
    "Cannot convolve int32[1] with int32[1]: a Fourier transform needs floats; convert with astype",
  );
  assertEquals(
    message(() => signal.fftConvolve(ones([2, 3]), ones([3, 3]), { axes: 1 })),
    "Cannot convolve float32[2,3] with float32[3,3]: other axes must broadcast, current ones are [2] and [3]",
  );
  assertEquals(
    message(() => signal.hanning(-1)),
    "Cannot make a window: expected a number of elements, got -1",
  );
  assertEquals(
    message(() => signal.kaiser(4, NaN)),
    "Cannot make a window: beta must be a finite number, got NaN",
  );
  assertEquals(
    message(() => signal.hanning(4, { dtype: "int32" as "float32" })),
    'Cannot make a window of dtype "int32": expected a floating-point dtype',
  );
});
