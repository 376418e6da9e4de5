/**
 * Windows, by NumPy's definitions: symmetric, from end to end.
 *
 * @module
 */
import { defaultFloat, describeValue, type FloatDtype } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { tabulate } from "../core/tensor.ts";
import type { Tensor } from "../core/tensor.ts";
import { checkLength } from "../functions/arguments.ts";
import { tensor } from "../functions/creation.ts";
import { checkFloatDtype } from "../functions/options.ts";
import { rootOfUnity } from "../numeric/fft/roots.ts";

/**
 * Options of windows.
 *
 * @category Signals
 */
export interface WindowOptions {
  /** The dtype; by default that of `configure({ defaultFloat })`, float32 at first. */
  readonly dtype?: FloatDtype;
}

/**
 * Windows that have no parameters.
 *
 * @category Signals
 */
export type WindowName = "bartlett" | "blackman" | "hamming" | "hanning";

/** A window of `n` numbers by a function of the place, from 0 to `n - 1`; a single one is 1. */
function windowOf(
  n: number,
  options: WindowOptions | undefined,
  valueAt: (i: number, last: number) => number,
): Tensor {
  const what = "Cannot make a window";
  const { dtype = defaultFloat() } = readOptions(what, options, ["dtype"]);
  checkFloatDtype(what, dtype);
  const length = checkLength(n, what, "a number of elements");
  const values = tabulate(length, (i) => length === 1 ? 1 : valueAt(i, length - 1));
  return tensor(values, { dtype });
}

/** A window that is a sum of cosines. */
function cosines(
  n: number,
  options: WindowOptions | undefined,
  [a, b, c]: readonly [number, number, number],
): Tensor {
  return windowOf(n, options, (i, last) => {
    const [once] = rootOfUnity(i, last);
    const [twice] = rootOfUnity((2 * i) % last, last);
    return a - b * once + c * twice;
  });
}

/**
 * The Bartlett window: a triangle from 0 to 1 and back.
 *
 * @category Signals
 * @param n How many numbers; none are an empty window.
 * @param options The dtype.
 * @returns A vector of `n` numbers.
 * @throws {ArgumentError} when `n` is negative or no integer.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example Five numbers
 * ```ts
 * import { bartlett } from "@jacobi/jacobi/signal";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(bartlett(5), [0, 0.5, 1, 0.5, 0]);
 * ```
 */
export function bartlett(n: number, options?: WindowOptions): Tensor {
  return windowOf(n, options, (i, last) => 2 * Math.min(i, last - i) / last);
}

/**
 * The Blackman window: `0.42 - 0.5 cos(2π i / (n - 1)) + 0.08 cos(4π i / (n - 1))`.
 *
 * @category Signals
 * @param n How many numbers; none are an empty window.
 * @param options The dtype.
 * @returns A vector of `n` numbers.
 * @throws {ArgumentError} when `n` is negative or no integer.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example Five numbers
 * ```ts
 * import { blackman } from "@jacobi/jacobi/signal";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(blackman(5), [0, 0.34, 1, 0.34, 0], { atol: 1e-7 });
 * ```
 */
export function blackman(n: number, options?: WindowOptions): Tensor {
  return cosines(n, options, [0.42, 0.5, 0.08]);
}

/**
 * The Hamming window: `0.54 - 0.46 cos(2π i / (n - 1))`.
 *
 * @category Signals
 * @param n How many numbers; none are an empty window.
 * @param options The dtype.
 * @returns A vector of `n` numbers.
 * @throws {ArgumentError} when `n` is negative or no integer.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example Five numbers
 * ```ts
 * import { hamming } from "@jacobi/jacobi/signal";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(hamming(5), [0.08, 0.54, 1, 0.54, 0.08]);
 * ```
 */
export function hamming(n: number, options?: WindowOptions): Tensor {
  return cosines(n, options, [0.54, 0.46, 0]);
}

/**
 * The Hann window: `0.5 - 0.5 cos(2π i / (n - 1))`.
 *
 * @category Signals
 * @param n How many numbers; none are an empty window.
 * @param options The dtype.
 * @returns A vector of `n` numbers.
 * @throws {ArgumentError} when `n` is negative or no integer.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example Five numbers
 * ```ts
 * import { hanning } from "@jacobi/jacobi/signal";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(hanning(5), [0, 0.5, 1, 0.5, 0]);
 * ```
 */
export function hanning(n: number, options?: WindowOptions): Tensor {
  return cosines(n, options, [0.5, 0.5, 0]);
}

/** From here on the asymptotic series has all digits of a double. */
const LARGE = 40;

/** The modified Bessel function of order 0 divided by `e^x`, for `x` from 0 on (M. Abramowitz and I. Stegun, 1964, 9.6.12 and 9.7.1). */
function scaledBessel(x: number): number {
  let [term, sum] = [1, 1];
  if (x < LARGE) {
    for (let k = 1; term > sum * 1e-17; k++) {
      term *= (x / (2 * k)) ** 2;
      sum += term;
    }
    return sum * Math.exp(-x);
  }
  for (let k = 1; term > 1e-17; k++) {
    term *= (2 * k - 1) ** 2 / (8 * k * x);
    sum += term;
  }
  return sum / Math.sqrt(2 * Math.PI * x);
}

/**
 * The Kaiser window: `I(β √(1 - (2i / (n - 1) - 1)²)) / I(β)`, `I` being the modified Bessel function of
 * order 0.
 *
 * @category Signals
 * @param n How many numbers; none are an empty window.
 * @param beta The shape: 0 is a rectangle, 5 near Hamming's window, 8.6 near Blackman's.
 * @param options The dtype.
 * @returns A vector of `n` numbers.
 * @throws {ArgumentError} when `n` is negative or no integer, or `beta` is not finite.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example Three numbers
 * ```ts
 * import { kaiser } from "@jacobi/jacobi/signal";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(kaiser(3, 1), [0.789848, 1, 0.789848], { rtol: 1e-5 });
 * assertTensorsClose(kaiser(3, 0), [1, 1, 1]);
 * ```
 */
export function kaiser(n: number, beta: number, options?: WindowOptions): Tensor {
  if (typeof beta !== "number" || !Number.isFinite(beta)) {
    throw argumentError(
      `Cannot make a window: beta must be a finite number, got ${describeValue(beta)}`,
    );
  }
  const b = Math.abs(beta);
  return windowOf(n, options, (i, last) => {
    // The root of 1 - (2i / last - 1)², without the difference.
    const x = b * 2 * Math.sqrt(i * (last - i)) / last;
    return scaledBessel(x) / scaledBessel(b) * Math.exp(x - b);
  });
}

const WINDOWS = { bartlett, blackman, hamming, hanning } as const;

/**
 * The first `n` numbers of the window of `n + 1` by its name, which is periodic, in double precision; one
 * alone is 1.
 */
export function periodicWindow(name: string, n: number, what: string): Float64Array {
  if (!Object.hasOwn(WINDOWS, name)) {
    throw argumentError(
      `${what}: the window must be a list of numbers, "bartlett", "blackman", "hamming" or "hanning", got ` +
        describeValue(name),
    );
  }
  const length = n === 1 ? 1 : n + 1;
  const values = WINDOWS[name as WindowName](length, { dtype: "float64" }).data() as Float64Array;
  return values.subarray(0, n);
}
