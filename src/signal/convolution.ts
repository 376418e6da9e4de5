/**
 * Convolutions and correlations of signals over any axes, directly or by Fourier transforms.
 *
 * @module
 */
import { describeValue, isComplex, isInexact, wideDtype } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import {
  broadcastShapes,
  checkAxes,
  range,
  showShape,
  showType,
  sizeOf,
  withoutAxes,
} from "../base/shape.ts";
import type { AxisArgument, Shape } from "../base/shape.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { fit } from "../fft/arguments.ts";
import { invertAxes, transformAxes } from "../fft/real_axes.ts";
import { applyBinary, floatOperand, promoteTogether } from "../functions/broadcasting.ts";
import { conj } from "../functions/complex.ts";
import { conv } from "../functions/window.ts";
import { smoothFrom } from "../numeric/fft/lengths.ts";
import { add, mul, sub } from "../primitives/arithmetic.ts";
import { flip, slice } from "../primitives/slicing.ts";
import { convert, moveAxis, reshape, transpose } from "../primitives/structure.ts";

/**
 * Which part of the whole is given: all of it (`"full"`), the middle of it, as long as the first signal
 * (`"same"`), or what depends on no zeros around the signals (`"valid"`).
 *
 * @category Signals
 */
export type ConvolutionMode = "full" | "same" | "valid";

/**
 * Options of `convolve` and `correlate`.
 *
 * @category Signals
 */
export interface ConvolutionOptions {
  /** The part that is given. Default `"full"`. */
  readonly mode?: ConvolutionMode;
  /**
   * By sums of products, by transforms, or by what takes fewer operations. Integers are never transformed.
   * Default `"auto"`.
   */
  readonly method?: "auto" | "direct" | "fft";
}

/**
 * Options of `fftConvolve`.
 *
 * @category Signals
 */
export interface FftConvolutionOptions {
  /** The part that is given. Default `"full"`. */
  readonly mode?: ConvolutionMode;
  /** The axes of the signals; the others are a batch, and broadcast. Default all. */
  readonly axes?: AxisArgument;
}

/** Operations of a transform for each element and doubling of the length, beside those of a sum. */
const TRANSFORM_COST = 12;

/**
 * The convolution of two signals: `y[k] = Σ a[j] b[k - j]`, over all axes.
 *
 * @category Signals
 * @param a Any shape but a scalar.
 * @param b As many axes as `a`.
 * @param options The part that is given, and the method.
 * @returns Along each axis, of lengths `m` and `n`: `m + n - 1` elements (`"full"`), `m` (`"same"`) or
 * `max(m, n) - min(m, n) + 1` (`"valid"`). The common dtype of both; sums of integers are modulo 2^32.
 * @throws {ShapeError} when the numbers of axes differ, a signal is empty, or, for `"valid"`, neither signal
 * is at least as long as the other along every axis.
 * @throws {ArgumentError} when an option is out of its range.
 *
 * @example A running mean
 * ```ts
 * import { convolve } from "@jacobi/jacobi/signal";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(convolve([1, 3, 5], [0.5, 0.5]), [0.5, 2, 4, 2.5]);
 * assertTensorsClose(convolve([1, 3, 5], [0.5, 0.5], { mode: "valid" }), [2, 4]);
 * ```
 */
export function convolve(a: TensorLike, b: TensorLike, options?: ConvolutionOptions): Tensor {
  return choose("Cannot convolve", a, b, options, false);
}

/**
 * The correlation of two signals: `y[k] = Σ a[j + k - (n - 1)] conj(b[j])`, over all axes, `n` being the length
 * of `b`. It is the convolution of `a` with the conjugate of `b` from its end on.
 *
 * @category Signals
 * @param a Any shape but a scalar.
 * @param b As many axes as `a`.
 * @param options The part that is given, and the method.
 * @returns Along each axis, of lengths `m` and `n`: `m + n - 1` elements (`"full"`), `m` (`"same"`) or
 * `max(m, n) - min(m, n) + 1` (`"valid"`). The common dtype of both; sums of integers are modulo 2^32.
 * @throws {ShapeError} when the numbers of axes differ, a signal is empty, or, for `"valid"`, neither signal
 * is at least as long as the other along every axis.
 * @throws {ArgumentError} when an option is out of its range.
 *
 * @example Where a pattern is
 * ```ts
 * import { correlate } from "@jacobi/jacobi/signal";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(correlate([0, 1, 2, 0], [1, 2], { mode: "valid" }), [2, 5, 2]);
 * ```
 */
export function correlate(a: TensorLike, b: TensorLike, options?: ConvolutionOptions): Tensor {
  return choose("Cannot correlate", a, b, options, true);
}

/**
 * The convolution of two signals by Fourier transforms: for long signals far fewer operations than sums of
 * products, and errors relative to the largest results.
 *
 * @category Signals
 * @param a Any shape but a scalar.
 * @param b As many axes as `a`.
 * @param options The part that is given, and the axes.
 * @returns Along each of the axes, of lengths `m` and `n`: `m + n - 1` elements (`"full"`), `m` (`"same"`) or
 * `max(m, n) - min(m, n) + 1` (`"valid"`); the others broadcast. The common dtype, `float32` for integers.
 * @throws {ShapeError} when the numbers of axes differ, a signal is empty, other axes do not broadcast, or,
 * for `"valid"`, neither signal is at least as long as the other along every axis.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ArgumentError} when an option is out of its range.
 *
 * @example Rows by one filter
 * ```ts
 * import { fftConvolve } from "@jacobi/jacobi/signal";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const rows = [[1, 2, 3], [0, 0, 1]];
 * assertTensorsClose(fftConvolve(rows, [[1, 1]], { axes: 1 }), [[1, 3, 5, 3], [0, 0, 1, 1]], { atol: 1e-6 });
 * ```
 */
export function fftConvolve(
  a: TensorLike,
  b: TensorLike,
  options?: FftConvolutionOptions,
): Tensor {
  const what = "Cannot convolve";
  const { mode = "full", axes } = readOptions(what, options, ["mode", "axes"]);
  const [x, y] = promoteTogether(what, [a, b]).map(floatOperand);
  const shown = checkPair(what, x, y);
  const list = checkAxes(axes, x.ndim, shown);
  const [own, other] = [x, y].map(({ shape }) => withoutAxes(shape, list));
  if (broadcastShapes(own, other) === null) {
    throw shapeError(
      `${shown}: other axes must broadcast, current ones are ${showShape(own)} and ${
        showShape(other)
      }`,
    );
  }
  if (list.length === 0) return applyBinary(shown, mul, x, y);
  const signal = readSignals(shown, x, y, list, checkMode(mode, what));
  return transformed(shown, x, y, signal);
}

/** Signals along some axes, the lengths of the whole convolution and of what is given of it. */
interface Signals {
  readonly axes: readonly number[];
  readonly whole: Shape;
  readonly start: Shape;
  readonly lengths: Shape;
}

/** `mode`, when it is one. */
export function checkMode(mode: unknown, what: string): ConvolutionMode {
  if (mode === "full" || mode === "same" || mode === "valid") return mode;
  throw argumentError(
    `${what}: mode must be "full", "same" or "valid", got ${describeValue(mode)}`,
  );
}

/** Throws unless both have as many axes; gives the beginning of messages about them. */
function checkPair(what: string, x: Tensor, y: Tensor): string {
  const shown = `${what} ${showType(x)} with ${showType(y)}`;
  if (x.ndim !== y.ndim || x.ndim === 0) {
    throw shapeError(`${shown}: expected signals with as many axes, at least one`);
  }
  return shown;
}

function readSignals(
  shown: string,
  x: Tensor,
  y: Tensor,
  axes: readonly number[],
  mode: ConvolutionMode,
): Signals {
  const pairs = axes.map((axis) => [x.shape[axis], y.shape[axis]] as const);
  if (pairs.some(([m, n]) => m === 0 || n === 0)) {
    throw shapeError(`${shown}: expected signals with elements`);
  }
  const whole = pairs.map(([m, n]) => m + n - 1);
  if (mode === "full") return { axes, whole, start: whole.map(() => 0), lengths: whole };
  if (mode === "same") {
    const start = pairs.map(([, n]) => Math.floor((n - 1) / 2));
    return { axes, whole, start, lengths: pairs.map(([m]) => m) };
  }
  if (!pairs.every(([m, n]) => m >= n) && !pairs.every(([m, n]) => n >= m)) {
    throw shapeError(
      `${shown}: expected one signal to be at least as long as the other along every axis, for "valid"`,
    );
  }
  return {
    axes,
    whole,
    start: pairs.map(([m, n]) => Math.min(m, n) - 1),
    lengths: pairs.map(([m, n]) => Math.abs(m - n) + 1),
  };
}

function choose(
  what: string,
  a: TensorLike,
  b: TensorLike,
  options: ConvolutionOptions | undefined,
  isReversed: boolean,
): Tensor {
  const { mode = "full", method = "auto" } = readOptions(what, options, ["mode", "method"]);
  checkMode(mode, what);
  if (method !== "auto" && method !== "direct" && method !== "fft") {
    throw argumentError(
      `${what}: method must be "auto", "direct" or "fft", got ${describeValue(method)}`,
    );
  }
  const [x, y] = promoteTogether(what, [a, b]);
  const shown = checkPair(what, x, y);
  const signals = readSignals(shown, x, y, range(x.ndim), mode);
  const other = !isReversed
    ? y
    : isComplex(y.dtype)
    ? conj(flip(y, range(y.ndim)))
    : flip(y, range(y.ndim));
  if (!isInexact(x.dtype) && method === "fft") {
    throw argumentError(`${shown}: a Fourier transform needs floats; convert with astype`);
  }
  const size = sizeOf(signals.whole);
  const products = sizeOf(signals.lengths) * Math.min(x.size, y.size);
  const isLong = products > TRANSFORM_COST * size * Math.log2(size + 1);
  const isDirect = method === "direct" || !isInexact(x.dtype) || (method === "auto" && !isLong);
  return isDirect ? direct(x, other, signals) : transformed(shown, x, other, signals);
}

/** Sums of products: the shorter signal is the filter. */
function direct(x: Tensor, y: Tensor, { start, lengths }: Signals): Tensor {
  const [signal, filter] = x.size >= y.size ? [x, y] : [y, x];
  const image = reshape(signal, [1, 1, ...signal.shape]);
  const window = reshape(flip(filter, range(filter.ndim)), [1, 1, ...filter.shape]);
  // Zeros that what is given begins and ends with; less than none where it is further inside.
  const low = filter.shape.map((n, i) => n - 1 - start[i]);
  const high = filter.shape.map((n, i) => lengths[i] + n - 1 - low[i] - signal.shape[i]);
  const padding = low.map((zeros, i) => [Math.max(zeros, 0), Math.max(high[i], 0)] as const);
  const result = conv(image, window, { padding });
  const from = low.map((zeros) => Math.max(-zeros, 0));
  const given = slice(
    result,
    [0, 0, ...from],
    [1, 1, ...from.map((first, i) => first + lengths[i])],
    result.shape.map(() => 1),
  );
  return reshape(given, lengths);
}

/** The inverse transform of the product of the transforms of both. */
function transformed(
  shown: string,
  x: Tensor,
  y: Tensor,
  { axes, whole, start, lengths }: Signals,
): Tensor {
  const order = [...withoutAxes(range(x.ndim), axes), ...axes];
  const sizes = whole.map(smoothFrom);
  const count = axes.length;
  // Half floats are rounded once, at the end.
  const wide = wideDtype(x.dtype);
  const [[a, b], [c, d]] = [x, y].map((signal) => {
    const rows = transpose(convert(signal, wide), order);
    const long = sizes.reduce((value, size, i) => {
      const axis = x.ndim - count + i;
      return moveAxis(fit(moveAxis(value, axis, x.ndim - 1), size), x.ndim - 1, axis);
    }, rows);
    return transformAxes(long, count);
  });
  const product = (p: Tensor, q: Tensor): Tensor => applyBinary(shown, mul, p, q);
  const parts = [sub(product(a, c), product(b, d)), add(product(a, d), product(b, c))] as const;
  const result = invertAxes(parts, count, sizes[count - 1]);
  const batch = result.shape.slice(0, -count);
  const given = slice(
    result,
    [...batch.map(() => 0), ...start],
    [...batch, ...start.map((from, i) => from + lengths[i])],
    result.shape.map(() => 1),
  );
  const back = order.map((_, axis) => order.indexOf(axis));
  return convert(transpose(given, back), x.dtype);
}
