/**
 * Discrete Fourier transforms of complex and of real tensors, by NumPy's definitions.
 *
 * @module
 */
import { describeValue, isComplex, wideDtype } from "../base/dtype.ts";
import { argumentError, dtypeError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { checkAxis, range, showType } from "../base/shape.ts";
import { ComplexTensor } from "../core/complex.ts";
import { toTensor } from "../core/convert.ts";
import { tabulate, zerosOf } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { listAxes } from "../functions/arguments.ts";
import { floatOperand } from "../functions/broadcasting.ts";
import { halfLength } from "../numeric/fft/real.ts";
import { neg, scale } from "../primitives/arithmetic.ts";
import { fourier, fourierOfReal, realOfFourier } from "../primitives/fourier.ts";
import { convert, moveAxis } from "../primitives/structure.ts";
import { checkCount, checkNorm, fit, type Norm, weigh } from "./arguments.ts";

/**
 * Options of transforms along one axis.
 *
 * @category Fourier transforms
 */
export interface TransformOptions {
  /** The length: zeros behind the elements, or the first of them alone. Default what there are. */
  readonly n?: number;
  /** The axis; negative ones count from the last. Default -1. */
  readonly axis?: number;
  /**
   * What is divided by: nothing there and the length back (`"backward"`, the default), the root of the
   * length both ways (`"ortho"`), or the length there and nothing back (`"forward"`).
   */
  readonly norm?: Norm;
}

/**
 * Options of transforms along several axes.
 *
 * @category Fourier transforms
 */
export interface TransformsOptions {
  /** The lengths along the axes: zeros behind the elements, or the first of them alone. */
  readonly s?: readonly number[];
  /** The axes; negative ones count from the last. Default the last two, or those that `s` has lengths for, or all. */
  readonly axes?: readonly number[];
  /**
   * What is divided by: nothing there and the lengths back (`"backward"`, the default), the root of their
   * product both ways (`"ortho"`), or the lengths there and nothing back (`"forward"`).
   */
  readonly norm?: Norm;
}

const WHAT = "Cannot transform";

/** Real and imaginary parts. */
type Parts = readonly [re: Tensor, im: Tensor];

/** An axis, and the length of its transform. */
interface Along {
  readonly axis: number;
  readonly n: number;
}

/** Floats of 32 bits or more. */
function wide(x: Tensor): Tensor {
  const value = floatOperand(x);
  return convert(value, wideDtype(value.dtype));
}

function partsOf(value: Tensor): Parts {
  if (value instanceof ComplexTensor) return [value.re, value.im];
  const re = wide(value);
  return [re, zerosOf(re)];
}

/** A tensor of real numbers. */
function realOf(value: Tensor, advice: string): Tensor {
  if (!isComplex(value.dtype)) return wide(value);
  throw dtypeError(`${WHAT} ${showType(value)}: expected real numbers; ${advice}`);
}

/** The other way of dividing. */
const OPPOSITE: Readonly<Record<Norm, Norm>> = {
  backward: "forward",
  ortho: "ortho",
  forward: "backward",
};

/** What results are multiplied by. */
function factorOf(norm: Norm, n: number, inverse: boolean): number {
  if (norm === "ortho") return 1 / Math.sqrt(n);
  return (norm === "forward") === inverse ? 1 : 1 / n;
}

function times(x: Tensor, factor: number): Tensor {
  return factor === 1 ? x : scale(x, factor);
}

/** The options of a transform along one axis; `lengthOf` gives the length where they name none. */
function readOne(
  x: Tensor,
  options: TransformOptions | undefined,
  lengthOf: (length: number) => number = (length) => length,
): Along & { readonly norm: Norm } {
  const what = `${WHAT} ${showType(x)}`;
  const { n, axis = -1, norm = "backward" } = readOptions(what, options, ["n", "axis", "norm"]);
  const place = checkAxis(axis, x.ndim, what);
  const length = n === undefined ? lengthOf(x.shape[place]) : checkCount(n, what, "n");
  checkLengths(what, [{ axis: place, n: length }]);
  return { axis: place, n: length, norm: checkNorm(norm, what) };
}

function checkLengths(what: string, list: readonly Along[]): void {
  const empty = list.find(({ n }) => n <= 0);
  if (empty === undefined) return;
  throw shapeError(
    `${what}: axis ${empty.axis} has too few elements; give the length of its transform`,
  );
}

/** The options of a transform along several axes, which are the last `count` ones unless they say. */
function readSeveral(
  x: Tensor,
  options: TransformsOptions | undefined,
  count: number | null,
  lengthOf: (length: number) => number = (length) => length,
): { readonly list: readonly Along[]; readonly norm: Norm } {
  const what = `${WHAT} ${showType(x)}`;
  const { s, axes, norm = "backward" } = readOptions(what, options, ["s", "axes", "norm"]);
  if (s !== undefined && !Array.isArray(s)) {
    throw argumentError(`${what}: s must be a list of lengths, got ${describeValue(s)}`);
  }
  const named = axes ?? range(-(count ?? s?.length ?? x.ndim), 0);
  const places = listAxes(named, x.ndim, what);
  if (places.length === 0) throw argumentError(`${what}: expected at least one axis`);
  if (s !== undefined && s.length !== places.length) {
    throw argumentError(
      `${what}: s must have a length for each axis, got ${s.length} for ${places.length}`,
    );
  }
  const list = places.map((axis, i) => {
    const given = s === undefined ? undefined : checkCount(s[i], what, `s[${i}]`);
    const own = x.shape[axis];
    return { axis, n: given ?? (i === places.length - 1 ? lengthOf(own) : own) };
  });
  checkLengths(what, list);
  return { list, norm: checkNorm(norm, what) };
}

/** Transforms of complex numbers, one axis after the other. */
function complexes(parts: Parts, list: readonly Along[], norm: Norm, inverse: boolean): Parts {
  return list.reduce<Parts>(([re, im], { axis, n }) => {
    const last = re.ndim - 1;
    const factor = factorOf(norm, n, inverse);
    const [a, b] = [re, im].map((part) => fit(moveAxis(part, axis, last), n));
    const [c, d] = fourier(a, b, { inverse })
      .map((part) => moveAxis(times(part, factor), last, axis));
    return [c, d];
  }, parts);
}

/** Transforms of real numbers: along the last of the axes what symmetry does not give. */
function ofReals(x: Tensor, list: readonly Along[], norm: Norm): Tensor {
  const { axis, n } = list[list.length - 1];
  const last = x.ndim - 1;
  const factor = factorOf(norm, n, false);
  const [re, im] = fourierOfReal(fit(moveAxis(x, axis, last), n))
    .map((part) => moveAxis(times(part, factor), last, axis));
  return joined(complexes([re, im], list.slice(0, -1), norm, false));
}

/** Their inverse, which along the last of the axes takes the rest for given by symmetry. */
function toReals(parts: Parts, list: readonly Along[], norm: Norm): Tensor {
  const { axis, n } = list[list.length - 1];
  const [re, im] = complexes(parts, list.slice(0, -1), norm, true);
  const last = re.ndim - 1;
  const factor = factorOf(norm, n, true);
  const weights = tabulate(halfLength(n), (k) => (k === 0 || 2 * k === n ? 1 : 2) * factor);
  const [a, b] = [re, im].map((part) =>
    weigh(fit(moveAxis(part, axis, last), weights.length), weights)
  );
  return moveAxis(realOfFourier(a, b, { length: n }), last, axis);
}

function joined([re, im]: Parts): Tensor {
  return new ComplexTensor(re, im);
}

/** How many real numbers so many complex ones come from, where nobody says. */
function wholeLength(length: number): number {
  return 2 * (length - 1);
}
/**
 * The Fourier transform along an axis: `y[k] = Σ x[j] e^(-2πi jk / n)`.
 *
 * @category Fourier transforms
 * @param x Any shape but a scalar, real or complex.
 * @param options The length, the axis and the norm.
 * @returns `complex128` for `float64` and `complex128`, else `complex64`; the shape of `x`, with the length along the axis.
 * @throws {AxisError} when the axis is out of range.
 * @throws {ShapeError} when there are no elements along it.
 * @throws {ArgumentError} when an option is out of its range.
 *
 * @example Of an impulse
 * ```ts
 * import { complex } from "@jacobi/jacobi";
 * import { fft } from "@jacobi/jacobi/fft";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(fft([0, 1, 0, 0]), complex([1, 0, -1, 0], [0, -1, 0, 1]));
 * ```
 */
export function fft(x: TensorLike, options?: TransformOptions): Tensor {
  return one(x, options, false);
}

/**
 * The inverse of `fft`: `x[j] = Σ y[k] e^(2πi jk / n) / n`.
 *
 * @category Fourier transforms
 * @param x Any shape but a scalar, real or complex.
 * @param options The length, the axis and the norm.
 * @returns `complex128` for `float64` and `complex128`, else `complex64`; the shape of `x`, with the length along the axis.
 * @throws {AxisError} when the axis is out of range.
 * @throws {ShapeError} when there are no elements along it.
 * @throws {ArgumentError} when an option is out of its range.
 *
 * @example There and back
 * ```ts
 * import { complex } from "@jacobi/jacobi";
 * import { fft, ifft } from "@jacobi/jacobi/fft";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const z = complex([1, 2, 3], [4, 5, 6]);
 * assertTensorsClose(ifft(fft(z)), z, { atol: 1e-6 });
 * ```
 */
export function ifft(x: TensorLike, options?: TransformOptions): Tensor {
  return one(x, options, true);
}

function one(x: TensorLike, options: TransformOptions | undefined, inverse: boolean): Tensor {
  const value = toTensor(x, WHAT);
  const { norm, ...axis } = readOne(value, options);
  return joined(complexes(partsOf(value), [axis], norm, inverse));
}

/**
 * The Fourier transform of real numbers along an axis: the first `floor(n / 2) + 1` results, of which the
 * others are conjugates.
 *
 * @category Fourier transforms
 * @param x Any shape but a scalar, real.
 * @param options The length, the axis and the norm.
 * @returns `complex128` for `float64`, else `complex64`; `floor(n / 2) + 1` elements along the axis.
 * @throws {DtypeError} when `x` is complex.
 * @throws {AxisError} when the axis is out of range.
 * @throws {ShapeError} when there are no elements along it.
 * @throws {ArgumentError} when an option is out of its range.
 *
 * @example Half of the transform
 * ```ts
 * import { complex } from "@jacobi/jacobi";
 * import { rfft } from "@jacobi/jacobi/fft";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(rfft([1, 2, 3, 4]), complex([10, -2, -2], [0, 2, 0]));
 * ```
 */
export function rfft(x: TensorLike, options?: TransformOptions): Tensor {
  const value = realOf(toTensor(x, WHAT), "fft takes complex ones");
  const { norm, ...axis } = readOne(value, options);
  return ofReals(value, [axis], norm);
}

/**
 * The inverse of `rfft`. The imaginary parts of the first element, and for even lengths of the last, do not
 * count.
 *
 * @category Fourier transforms
 * @param x Any shape but a scalar, real or complex.
 * @param options The length `n` of the result, by default twice one less than that of `x`; the axis; the norm.
 * @returns `float64` for `float64` and `complex128`, else `float32`; `n` elements along the axis.
 * @throws {AxisError} when the axis is out of range.
 * @throws {ShapeError} when there are no elements along it.
 * @throws {ArgumentError} when an option is out of its range.
 *
 * @example An odd length is told
 * ```ts
 * import { irfft, rfft } from "@jacobi/jacobi/fft";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(irfft(rfft([1, 2, 3]), { n: 3 }), [1, 2, 3]);
 * ```
 */
export function irfft(x: TensorLike, options?: TransformOptions): Tensor {
  const value = toTensor(x, WHAT);
  const { norm, ...axis } = readOne(value, options, wholeLength);
  return toReals(partsOf(value), [axis], norm);
}

/**
 * The Fourier transform, which is real, of numbers that are the conjugates of those opposite to them.
 *
 * @category Fourier transforms
 * @param x Any shape but a scalar, real or complex: the first half.
 * @param options The length `n` of the result, by default twice one less than that of `x`; the axis; the norm.
 * @returns `float64` for `float64` and `complex128`, else `float32`; `n` elements along the axis.
 * @throws {AxisError} when the axis is out of range.
 * @throws {ShapeError} when there are no elements along it.
 * @throws {ArgumentError} when an option is out of its range.
 *
 * @example The whole is 1, 2, 3, 2
 * ```ts
 * import { hfft } from "@jacobi/jacobi/fft";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(hfft([1, 2, 3]), [8, -2, 0, -2]);
 * ```
 */
export function hfft(x: TensorLike, options?: TransformOptions): Tensor {
  const value = toTensor(x, WHAT);
  const { norm, ...axis } = readOne(value, options, wholeLength);
  const [re, im] = partsOf(value);
  return toReals([re, neg(im)], [axis], OPPOSITE[norm]);
}

/**
 * The inverse of `hfft`: the first `floor(n / 2) + 1` numbers.
 *
 * @category Fourier transforms
 * @param x Any shape but a scalar, real.
 * @param options The length, the axis and the norm.
 * @returns `complex128` for `float64`, else `complex64`; `floor(n / 2) + 1` elements along the axis.
 * @throws {DtypeError} when `x` is complex.
 * @throws {AxisError} when the axis is out of range.
 * @throws {ShapeError} when there are no elements along it.
 * @throws {ArgumentError} when an option is out of its range.
 *
 * @example There and back
 * ```ts
 * import { complex } from "@jacobi/jacobi";
 * import { hfft, ihfft } from "@jacobi/jacobi/fft";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(ihfft(hfft([1, 2, 3])), complex([1, 2, 3]), { atol: 1e-6 });
 * ```
 */
export function ihfft(x: TensorLike, options?: TransformOptions): Tensor {
  const value = realOf(toTensor(x, WHAT), "ifft takes complex ones");
  const { norm, ...axis } = readOne(value, options);
  const { re, im } = ofReals(value, [axis], OPPOSITE[norm]) as ComplexTensor;
  return joined([re, neg(im)]);
}

/**
 * The Fourier transform along two axes, the last ones by default.
 *
 * @category Fourier transforms
 * @param x At least two axes, real or complex.
 * @param options The lengths, the axes and the norm.
 * @returns `complex128` for `float64` and `complex128`, else `complex64`; the shape of `x`, with the lengths along the axes.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ShapeError} when there are no elements along one.
 * @throws {ArgumentError} when an option is out of its range.
 *
 * @example A square
 * ```ts
 * import { complex } from "@jacobi/jacobi";
 * import { fft2 } from "@jacobi/jacobi/fft";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(fft2([[1, 2], [3, 4]]), complex([[10, -2], [-4, 0]]));
 * ```
 */
export function fft2(x: TensorLike, options?: TransformsOptions): Tensor {
  return several(x, options, 2, false);
}

/**
 * The inverse of `fft2`.
 *
 * @category Fourier transforms
 * @param x At least two axes, real or complex.
 * @param options The lengths, the axes and the norm.
 * @returns `complex128` for `float64` and `complex128`, else `complex64`; the shape of `x`, with the lengths along the axes.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ShapeError} when there are no elements along one.
 * @throws {ArgumentError} when an option is out of its range.
 *
 * @example There and back
 * ```ts
 * import { complex } from "@jacobi/jacobi";
 * import { fft2, ifft2 } from "@jacobi/jacobi/fft";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(ifft2(fft2([[1, 2], [3, 4]])), complex([[1, 2], [3, 4]]), { atol: 1e-6 });
 * ```
 */
export function ifft2(x: TensorLike, options?: TransformsOptions): Tensor {
  return several(x, options, 2, true);
}

/**
 * The Fourier transform of real numbers along two axes, the last ones by default: along the last of these the first
 * `floor(n / 2) + 1` results, of which the others are conjugates.
 *
 * @category Fourier transforms
 * @param x At least two axes, real.
 * @param options The lengths, the axes and the norm.
 * @returns `complex128` for `float64`, else `complex64`; the lengths along the axes, `floor(n / 2) + 1` along the last of
 * them.
 * @throws {DtypeError} when `x` is complex.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ShapeError} when there are no elements along one.
 * @throws {ArgumentError} when an option is out of its range.
 *
 * @example A square
 * ```ts
 * import { complex } from "@jacobi/jacobi";
 * import { rfft2 } from "@jacobi/jacobi/fft";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(rfft2([[1, 2], [3, 4]]), complex([[10, -2], [-4, 0]]));
 * ```
 */
export function rfft2(x: TensorLike, options?: TransformsOptions): Tensor {
  const value = realOf(toTensor(x, WHAT), "fft2 takes complex ones");
  const { list, norm } = readSeveral(value, options, 2);
  return ofReals(value, list, norm);
}

/**
 * The inverse of `rfft2`.
 *
 * @category Fourier transforms
 * @param x At least two axes, real or complex.
 * @param options The lengths of the result, the last by default twice one less than that of `x`; the axes; the
 * norm.
 * @returns `float64` for `float64` and `complex128`, else `float32`; the lengths along the axes.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ShapeError} when there are no elements along one.
 * @throws {ArgumentError} when an option is out of its range.
 *
 * @example There and back
 * ```ts
 * import { irfft2, rfft2 } from "@jacobi/jacobi/fft";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(irfft2(rfft2([[1, 2], [3, 4]])), [[1, 2], [3, 4]]);
 * ```
 */
export function irfft2(x: TensorLike, options?: TransformsOptions): Tensor {
  const value = toTensor(x, WHAT);
  const { list, norm } = readSeveral(value, options, 2, wholeLength);
  return toReals(partsOf(value), list, norm);
}

/**
 * The Fourier transform along several axes, all by default.
 *
 * @category Fourier transforms
 * @param x Any shape but a scalar, real or complex.
 * @param options The lengths, the axes and the norm.
 * @returns `complex128` for `float64` and `complex128`, else `complex64`; the shape of `x`, with the lengths along the axes.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ShapeError} when there are no elements along one.
 * @throws {ArgumentError} when an option is out of its range.
 *
 * @example A square
 * ```ts
 * import { complex } from "@jacobi/jacobi";
 * import { fftn } from "@jacobi/jacobi/fft";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(fftn([[1, 2], [3, 4]]), complex([[10, -2], [-4, 0]]));
 * ```
 */
export function fftn(x: TensorLike, options?: TransformsOptions): Tensor {
  return several(x, options, null, false);
}

/**
 * The inverse of `fftn`.
 *
 * @category Fourier transforms
 * @param x Any shape but a scalar, real or complex.
 * @param options The lengths, the axes and the norm.
 * @returns `complex128` for `float64` and `complex128`, else `complex64`; the shape of `x`, with the lengths along the axes.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ShapeError} when there are no elements along one.
 * @throws {ArgumentError} when an option is out of its range.
 *
 * @example There and back
 * ```ts
 * import { complex } from "@jacobi/jacobi";
 * import { fftn, ifftn } from "@jacobi/jacobi/fft";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(ifftn(fftn([[1, 2], [3, 4]])), complex([[1, 2], [3, 4]]), { atol: 1e-6 });
 * ```
 */
export function ifftn(x: TensorLike, options?: TransformsOptions): Tensor {
  return several(x, options, null, true);
}

/**
 * The Fourier transform of real numbers along several axes, all by default: along the last of these the first
 * `floor(n / 2) + 1` results, of which the others are conjugates.
 *
 * @category Fourier transforms
 * @param x Any shape but a scalar, real.
 * @param options The lengths, the axes and the norm.
 * @returns `complex128` for `float64`, else `complex64`; the lengths along the axes, `floor(n / 2) + 1` along the last of
 * them.
 * @throws {DtypeError} when `x` is complex.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ShapeError} when there are no elements along one.
 * @throws {ArgumentError} when an option is out of its range.
 *
 * @example A square
 * ```ts
 * import { complex } from "@jacobi/jacobi";
 * import { rfftn } from "@jacobi/jacobi/fft";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(rfftn([[1, 2], [3, 4]]), complex([[10, -2], [-4, 0]]));
 * ```
 */
export function rfftn(x: TensorLike, options?: TransformsOptions): Tensor {
  const value = realOf(toTensor(x, WHAT), "fftn takes complex ones");
  const { list, norm } = readSeveral(value, options, null);
  return ofReals(value, list, norm);
}

/**
 * The inverse of `rfftn`.
 *
 * @category Fourier transforms
 * @param x Any shape but a scalar, real or complex.
 * @param options The lengths of the result, the last by default twice one less than that of `x`; the axes; the
 * norm.
 * @returns `float64` for `float64` and `complex128`, else `float32`; the lengths along the axes.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ShapeError} when there are no elements along one.
 * @throws {ArgumentError} when an option is out of its range.
 *
 * @example There and back
 * ```ts
 * import { irfftn, rfftn } from "@jacobi/jacobi/fft";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(irfftn(rfftn([[1, 2], [3, 4]])), [[1, 2], [3, 4]]);
 * ```
 */
export function irfftn(x: TensorLike, options?: TransformsOptions): Tensor {
  const value = toTensor(x, WHAT);
  const { list, norm } = readSeveral(value, options, null, wholeLength);
  return toReals(partsOf(value), list, norm);
}

function several(
  x: TensorLike,
  options: TransformsOptions | undefined,
  count: number | null,
  inverse: boolean,
): Tensor {
  const value = toTensor(x, WHAT);
  const { list, norm } = readSeveral(value, options, count);
  return joined(complexes(partsOf(value), list, norm, inverse));
}
