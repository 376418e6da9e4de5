/**
 * The frequencies of transforms, and their order.
 *
 * @module
 */
import { defaultFloat, describeValue, type FloatDtype } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { checkAxes, showType } from "../base/shape.ts";
import type { AxisArgument } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import { tabulate } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { tensor } from "../functions/creation.ts";
import { roll } from "../functions/shape.ts";
import { halfLength } from "../numeric/fft/real.ts";
import { checkFloatDtype } from "../functions/options.ts";
import { checkCount } from "./arguments.ts";

/**
 * Options of `fftfreq` and `rfftfreq`.
 *
 * @category Fourier transforms
 */
export interface FrequencyOptions {
  /** The distance of samples; its unit's reciprocal is that of the frequencies. Default 1. */
  readonly d?: number;
  /** The dtype; by default that of `configure({ defaultFloat })`, float32 at first. */
  readonly dtype?: FloatDtype;
}

function frequencies(
  n: number,
  options: FrequencyOptions | undefined,
  count: (n: number) => number,
  placeOf: (i: number, n: number) => number,
): Tensor {
  const what = "Cannot list frequencies";
  const { d = 1, dtype = defaultFloat() } = readOptions(what, options, ["d", "dtype"]);
  checkCount(n, what, "n");
  checkFloatDtype(what, dtype);
  if (typeof d !== "number" || !Number.isFinite(d) || d === 0) {
    throw argumentError(`${what}: d must be a finite number other than 0, got ${describeValue(d)}`);
  }
  return tensor(tabulate(count(n), (i) => placeOf(i, n) / (n * d)), { dtype });
}

/**
 * The frequencies of a transform's results in cycles per unit: those from 0 on, then the negative ones.
 *
 * @category Fourier transforms
 * @param n The length of the transform.
 * @param options The distance of samples, and the dtype.
 * @returns A vector of `n` numbers.
 * @throws {ArgumentError} when `n` is not a positive integer, or the distance is 0 or not finite.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example Eight samples, a tenth apart
 * ```ts
 * import { fftfreq } from "@jacobi/jacobi/fft";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(fftfreq(8, { d: 0.1 }), [0, 1.25, 2.5, 3.75, -5, -3.75, -2.5, -1.25]);
 * ```
 */
export function fftfreq(n: number, options?: FrequencyOptions): Tensor {
  return frequencies(n, options, (n) => n, (i, n) => i < n / 2 ? i : i - n);
}

/**
 * The frequencies of the results of a transform of real numbers, in cycles per unit.
 *
 * @category Fourier transforms
 * @param n The length of the transform.
 * @param options The distance of samples, and the dtype.
 * @returns A vector of `floor(n / 2) + 1` numbers.
 * @throws {ArgumentError} when `n` is not a positive integer, or the distance is 0 or not finite.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example Five samples
 * ```ts
 * import { rfftfreq } from "@jacobi/jacobi/fft";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(rfftfreq(5), [0, 0.2, 0.4]);
 * ```
 */
export function rfftfreq(n: number, options?: FrequencyOptions): Tensor {
  return frequencies(n, options, halfLength, (i) => i);
}

/**
 * Options of `fftshift` and `ifftshift`.
 *
 * @category Fourier transforms
 */
export interface ShiftOptions {
  /** The axis, or axes; negative ones count from the last. Default all. */
  readonly axes?: AxisArgument;
}

function shifted(
  what: string,
  x: TensorLike,
  options: ShiftOptions | undefined,
  by: (length: number) => number,
): Tensor {
  const { axes } = readOptions(what, options, ["axes"]);
  const value = toTensor(x, what);
  return checkAxes(axes, value.ndim, `${what} ${showType(value)}`)
    .reduce((moved, axis) => roll(moved, by(value.shape[axis]), axis), value);
}

/**
 * `x` with the frequency 0 in the middle.
 *
 * @category Fourier transforms
 * @param x Any shape.
 * @param options The axes.
 * @returns The shape and dtype of `x`.
 * @throws {AxisError} when an axis is out of range or named twice.
 *
 * @example The order of frequencies
 * ```ts
 * import { fftfreq, fftshift } from "@jacobi/jacobi/fft";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(fftshift(fftfreq(5)), [-0.4, -0.2, 0, 0.2, 0.4]);
 * ```
 */
export function fftshift(x: TensorLike, options?: ShiftOptions): Tensor {
  return shifted("Cannot shift", x, options, (length) => Math.floor(length / 2));
}

/**
 * The inverse of `fftshift`.
 *
 * @category Fourier transforms
 * @param x Any shape.
 * @param options The axes.
 * @returns The shape and dtype of `x`.
 * @throws {AxisError} when an axis is out of range or named twice.
 *
 * @example There and back
 * ```ts
 * import { fftshift, ifftshift } from "@jacobi/jacobi/fft";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(ifftshift(fftshift([1, 2, 3])), [1, 2, 3]);
 * ```
 */
export function ifftshift(x: TensorLike, options?: ShiftOptions): Tensor {
  return shifted("Cannot shift back", x, options, (length) => -Math.floor(length / 2));
}
