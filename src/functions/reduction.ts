/**
 * Reductions: functions that make axes go away.
 *
 * @module
 */
import { describeValue, isComplex, largestFinite, sumDtype } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { checkAxes, checkAxis, lengthAlong, range, showType, withoutAxes } from "../base/shape.ts";
import type { AxisArgument } from "../base/shape.ts";
import { realPart } from "../core/complex.ts";
import { toTensor } from "../core/convert.ts";
import type { AxisOptions, NormOptions, VarianceOptions } from "../core/methods.ts";
import { splat } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { abs, add, maximum, minimum, neg, sub } from "../primitives/arithmetic.ts";
import { equal, not, select } from "../primitives/comparison.ts";
import { reduceDeviation, reduceMean, reduceRoot, reduceVariance } from "../primitives/moments.ts";
import { reduceNorm } from "../primitives/norms.ts";
import * as reduction from "../primitives/reduction.ts";
import {
  constantLike,
  convert,
  reduceSum,
  reshape,
  spreadRows,
  stopGradient,
} from "../primitives/structure.ts";
import { exp, log } from "../primitives/transcendental.ts";
import { isScalarAxis } from "./arguments.ts";
import { floatOperand } from "./broadcasting.ts";
import { realOperand } from "./operands.ts";

/** The tensor and the axes that a reduction works on. */
export interface Reduction<Options> {
  readonly x: Tensor;
  /** The axes that go away, increasing. */
  readonly axes: readonly number[];
  readonly options: Partial<Options>;
}

/** Reads the arguments of a reduction; `what` begins its messages: "Cannot sum". */
export function readReduction<Options extends AxisOptions>(
  what: string,
  value: TensorLike,
  axis: AxisArgument,
  options: Options | undefined,
  names: readonly (keyof Options & string)[],
): Reduction<Options> {
  const x = toTensor(value, what);
  const axes = axis === undefined || axis === null
    ? range(x.ndim)
    : isScalarAxis(x, axis)
    ? []
    : checkAxes(axis, x.ndim, `${what} ${showType(x)}`);
  const read = readOptions(what, options, names);
  checkFlag(read.keepdims ?? false, what, "keepdims");
  return { x, axes, options: read };
}

/** The result of a reduction; with `keepdims`, its axes put back with length one. */
export function finish(
  result: Tensor,
  { x, axes, options }: Reduction<AxisOptions>,
): Tensor {
  if (!options.keepdims) return result;
  return reshape(result, x.shape.map((length, i) => axes.includes(i) ? 1 : length));
}

/** How many elements are reduced to one. */
export function countOf({ x, axes }: Reduction<unknown>): number {
  return lengthAlong(x.shape, axes);
}

/** A reduction's result repeated along the axes that went away. */
export function spread(result: Tensor, { x, axes }: Reduction<unknown>): Tensor {
  return spreadRows(result, x, axes);
}

/** Bools and small integers with 32 bits, for what counts or multiplies them. */
export function countable(x: Tensor): Tensor {
  return convert(x, sumDtype(x.dtype));
}

/**
 * Sum over axes. Floats are added up in double precision, integers modulo 2^32; of nothing it is 0.
 *
 * @category Reductions
 * @param x Any shape.
 * @param axis The axis or axes to reduce; negative ones count from the last. Left out or `null`:
 * all.
 * @param options `keepdims`: whether reduced axes stay, with length one.
 * @returns The dtype of `x` (`int32` for `bool` and small integers, `uint32` for small unsigned ones), the shape of `x` without the reduced axes.
 * @throws {AxisError} when an axis is out of range or named twice.
 *
 * @example Rows and columns
 * ```ts
 * import { sum } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = [[1, 2], [3, 4]];
 * assertTensorsClose(sum(x), 10);
 * assertTensorsClose(sum(x, 0), [4, 6]);
 * assertTensorsClose(sum(x, -1, { keepdims: true }), [[3], [7]]);
 * ```
 */
export function sum(x: TensorLike, axis?: AxisArgument, options?: AxisOptions): Tensor {
  const arg = readReduction("Cannot sum", x, axis, options, ["keepdims"]);
  return finish(reduceSum(countable(arg.x), arg.axes), arg);
}

/**
 * Mean over axes; of nothing it is NaN.
 *
 * @category Reductions
 * @param x Any shape.
 * @param axis The axis or axes to reduce; negative ones count from the last. Left out or `null`:
 * all.
 * @param options `keepdims`: whether reduced axes stay, with length one.
 * @returns The dtype of `x` (`float32` for integers and `bool`), the shape of `x` without the
 * reduced axes.
 * @throws {AxisError} when an axis is out of range or named twice.
 *
 * @example A mean of means
 * ```ts
 * import { mean } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(mean([[1, 2], [3, 6]]), 3);
 * assertTensorsClose(mean([[1, 2], [3, 6]], 0), [2, 4]);
 * ```
 */
export function mean(x: TensorLike, axis?: AxisArgument, options?: AxisOptions): Tensor {
  const arg = readReduction("Cannot take the mean of", x, axis, options, ["keepdims"]);
  return finish(reduceMean(floatOperand(arg.x), arg.axes), arg);
}

/**
 * Product over axes. Floats are multiplied in double precision, integers modulo 2^32; of nothing it
 * is 1. The
 * derivative is exact where elements are zero.
 *
 * @category Reductions
 * @param x Any shape.
 * @param axis The axis or axes to reduce; negative ones count from the last. Left out or `null`:
 * all.
 * @param options `keepdims`: whether reduced axes stay, with length one.
 * @returns The dtype of `x` (`int32` for `bool` and small integers, `uint32` for small unsigned ones), the shape of `x` without the reduced axes.
 * @throws {AxisError} when an axis is out of range or named twice.
 *
 * @example A factorial
 * ```ts
 * import { prod } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(prod([[1, 2], [3, 4]]), 24);
 * assertTensorsClose(prod([[1, 2], [3, 4]], 0), [3, 8]);
 * ```
 */
export function prod(x: TensorLike, axis?: AxisArgument, options?: AxisOptions): Tensor {
  const arg = readReduction("Cannot take the product of", x, axis, options, ["keepdims"]);
  return finish(reduction.reduceProd(countable(arg.x), arg.axes), arg);
}

/**
 * Largest element over axes, NaN if there is one. Equal ones share the derivative evenly.
 *
 * @category Reductions
 * @param x Any shape.
 * @param axis The axis or axes to reduce; negative ones count from the last. Left out or `null`:
 * all.
 * @param options `keepdims`: whether reduced axes stay, with length one.
 * @returns The dtype of `x`, the shape of `x` without the reduced axes.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ShapeError} when there is no element to choose from.
 *
 * @example Over columns
 * ```ts
 * import { max } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(max([[1, 5], [7, 3]], 0), [7, 5]);
 * assertTensorsClose(max([[1, 5], [7, 3]]), 7);
 * ```
 */
export function max(x: TensorLike, axis?: AxisArgument, options?: AxisOptions): Tensor {
  const arg = readReduction("Cannot take the max of", x, axis, options, ["keepdims"]);
  return finish(reduction.reduceMax(realOperand("max", arg.x), arg.axes), arg);
}

/**
 * Smallest element over axes, NaN if there is one. Equal ones share the derivative evenly.
 *
 * @category Reductions
 * @param x Any shape.
 * @param axis The axis or axes to reduce; negative ones count from the last. Left out or `null`:
 * all.
 * @param options `keepdims`: whether reduced axes stay, with length one.
 * @returns The dtype of `x`, the shape of `x` without the reduced axes.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ShapeError} when there is no element to choose from.
 *
 * @example Over columns
 * ```ts
 * import { min } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(min([[1, 5], [7, 3]], 0), [1, 3]);
 * assertTensorsClose(min([[1, 5], [7, 3]]), 1);
 * ```
 */
export function min(x: TensorLike, axis?: AxisArgument, options?: AxisOptions): Tensor {
  const arg = readReduction("Cannot take the min of", x, axis, options, ["keepdims"]);
  return finish(reduction.reduceMin(realOperand("min", arg.x), arg.axes), arg);
}

/**
 * Position of the first largest element along an axis; NaN counts as the largest of all.
 *
 * @category Reductions
 * @param x Any shape.
 * @param axis The axis, negative ones counting from the last. Left out or `null`: the position is
 * that in the
 * flattened tensor.
 * @param options `keepdims`: whether reduced axes stay, with length one.
 * @returns `int32`, the shape of `x` without that axis.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ShapeError} when there is no element to choose from.
 *
 * @example In rows, and in the flattened tensor
 * ```ts
 * import { argmax } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(argmax([[1, 5, 2], [7, 3, 7]], 1), new Int32Array([1, 0]));
 * if (argmax([[1, 5, 2], [7, 3, 7]]).item() !== 3) throw new Error();
 * ```
 */
export function argmax(x: TensorLike, axis?: number | null, options?: AxisOptions): Tensor {
  return position("argmax", reduction.argmax, x, axis, options);
}

/**
 * Position of the first smallest element along an axis; NaN counts as the smallest of all.
 *
 * @category Reductions
 * @param x Any shape.
 * @param axis The axis, negative ones counting from the last. Left out or `null`: the position is
 * that in the
 * flattened tensor.
 * @param options `keepdims`: whether reduced axes stay, with length one.
 * @returns `int32`, the shape of `x` without that axis.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ShapeError} when there is no element to choose from.
 *
 * @example In rows, and in the flattened tensor
 * ```ts
 * import { argmin } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(argmin([[1, 5, 2], [7, 3, 7]], 1), new Int32Array([0, 1]));
 * if (argmin([[1, 5, 2], [7, 3, 7]]).item() !== 0) throw new Error();
 * ```
 */
export function argmin(x: TensorLike, axis?: number | null, options?: AxisOptions): Tensor {
  return position("argmin", reduction.argmin, x, axis, options);
}

/** The position of an extreme, along one axis or in the flattened tensor. */
function position(
  name: string,
  strict: (x: Tensor, axis: number) => Tensor,
  value: TensorLike,
  axis: number | null | undefined,
  options: AxisOptions | undefined,
): Tensor {
  const what = `Cannot take the ${name} of`;
  const x = toTensor(value, what);
  const { keepdims = false } = readOptions(what, options, ["keepdims"]);
  checkFlag(keepdims, what, "keepdims");
  if (axis === undefined || axis === null || isScalarAxis(x, axis)) {
    const result = strict(reshape(x, [x.size]), 0);
    return keepdims ? reshape(result, x.shape.map(() => 1)) : result;
  }
  const place = checkAxis(axis, x.ndim, `${what} ${showType(x)}`);
  const result = strict(x, place);
  return keepdims ? reshape(result, x.shape.with(place, 1)) : result;
}

/**
 * Whether any element is true (not zero) over axes; of nothing, `false`. NaN is not zero.
 *
 * @category Reductions
 * @param x Any shape.
 * @param axis The axis or axes to reduce; negative ones count from the last. Left out or `null`:
 * all.
 * @param options `keepdims`: whether reduced axes stay, with length one.
 * @returns `bool`, the shape of `x` without the reduced axes.
 * @throws {AxisError} when an axis is out of range or named twice.
 *
 * @example In each row
 * ```ts
 * import { any } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = [[true, false], [false, false]];
 * assertTensorsClose(any(x, 1), [true, false]);
 * ```
 */
export function any(x: TensorLike, axis?: AxisArgument, options?: AxisOptions): Tensor {
  const arg = readReduction("Cannot apply any to", x, axis, options, ["keepdims"]);
  const truth = convert(arg.x, "bool");
  const result = countOf(arg) === 0
    ? splat(0, "bool", withoutAxes(truth.shape, arg.axes))
    : reduction.reduceMax(truth, arg.axes);
  return finish(result, arg);
}

/**
 * Whether all elements are true (not zero) over axes; of nothing, `true`. NaN is not zero.
 *
 * @category Reductions
 * @param x Any shape.
 * @param axis The axis or axes to reduce; negative ones count from the last. Left out or `null`:
 * all.
 * @param options `keepdims`: whether reduced axes stay, with length one.
 * @returns `bool`, the shape of `x` without the reduced axes.
 * @throws {AxisError} when an axis is out of range or named twice.
 *
 * @example In each row
 * ```ts
 * import { all } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = [[true, false], [true, true]];
 * assertTensorsClose(all(x, 1), [false, true]);
 * ```
 */
export function all(x: TensorLike, axis?: AxisArgument, options?: AxisOptions): Tensor {
  const arg = readReduction("Cannot apply all to", x, axis, options, ["keepdims"]);
  const truth = convert(arg.x, "bool");
  const result = countOf(arg) === 0
    ? splat(1, "bool", withoutAxes(truth.shape, arg.axes))
    : reduction.reduceMin(truth, arg.axes);
  return finish(result, arg);
}

/**
 * Variance over axes: the mean squared distance from the mean. It is NaN where the divisor is 0.
 *
 * @category Reductions
 * @param x Any shape.
 * @param axis The axis or axes to reduce; negative ones count from the last. Left out or `null`:
 * all.
 * @param options `correction`: the number subtracted from the number of elements to give the divisor,
 * 0 by default (1 for
 * the unbiased estimate); `keepdims`.
 * @returns The dtype of `x` (`float32` for integers and `bool`), the shape of `x` without the
 * reduced axes.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ArgumentError} when `correction` is not a finite number.
 *
 * @example Biased and unbiased
 * ```ts
 * import { variance } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(variance([1, 2, 3, 4]), 1.25);
 * assertTensorsClose(variance([1, 2, 3, 4], 0, { correction: 1 }), 5 / 3);
 * ```
 */
export function variance(x: TensorLike, axis?: AxisArgument, options?: VarianceOptions): Tensor {
  const what = "Cannot take the variance of";
  const arg = readReduction(what, x, axis, options, ["correction", "keepdims"]);
  return finish(reduceVariance(floatOperand(arg.x), arg.axes, divisorOf(what, arg)), arg);
}

/**
 * Standard deviation over axes: the square root of the variance. Its derivative where it is 0 is 0.
 *
 * @category Reductions
 * @param x Any shape.
 * @param axis The axis or axes to reduce; negative ones count from the last. Left out or `null`:
 * all.
 * @param options `correction`: the number subtracted from the number of elements to give the divisor,
 * 0 by default (1 for
 * the unbiased estimate); `keepdims`.
 * @returns The dtype of `x` (`float32` for integers and `bool`), the shape of `x` without the
 * reduced axes.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ArgumentError} when `correction` is not a finite number.
 *
 * @example Of four numbers
 * ```ts
 * import { std } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(std([1, 2, 3, 4]), Math.sqrt(1.25));
 * ```
 */
export function std(x: TensorLike, axis?: AxisArgument, options?: VarianceOptions): Tensor {
  const what = "Cannot take the standard deviation of";
  const arg = readReduction(what, x, axis, options, ["correction", "keepdims"]);
  return finish(reduceDeviation(floatOperand(arg.x), arg.axes, divisorOf(what, arg)), arg);
}

/** The divisor of the sum of squares. */
function divisorOf(what: string, arg: Reduction<VarianceOptions>): number {
  const { correction = 0 } = arg.options;
  if (!Number.isFinite(correction)) {
    throw argumentError(
      `${what} ${showType(arg.x)}: correction must be a finite number, ` +
        `got ${describeValue(correction)}`,
    );
  }
  return Math.max(0, countOf(arg) - correction);
}

/**
 * Logarithm of the sum of exponentials over axes, without overflow; of nothing it is negative
 * infinity. Of complex numbers it is the principal logarithm of the sum.
 *
 * @category Reductions
 * @param x Any shape.
 * @param axis The axis or axes to reduce; negative ones count from the last. Left out or `null`:
 * all.
 * @param options `keepdims`: whether reduced axes stay, with length one.
 * @returns The dtype of `x` (`float32` for integers and `bool`), the shape of `x` without the
 * reduced axes.
 * @throws {AxisError} when an axis is out of range or named twice.
 *
 * @example Large logarithms
 * ```ts
 * import { logsumexp } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(logsumexp([1000, 1000]), 1000 + Math.log(2));
 * ```
 */
export function logsumexp(x: TensorLike, axis?: AxisArgument, options?: AxisOptions): Tensor {
  const arg = readReduction("Cannot take the logsumexp of", x, axis, options, ["keepdims"]);
  const value = floatOperand(arg.x);
  if (countOf(arg) === 0) {
    return finish(splat(-Infinity, value.dtype, withoutAxes(value.shape, arg.axes)), arg);
  }
  // The shift cancels out whatever it is, so it is a constant; an infinite one would give NaN.
  const largest = reduction.reduceMax(stopGradient(realPart(value)), arg.axes);
  const most = constantLike(largest, largestFinite(largest.dtype));
  const shift = maximum(minimum(largest, most), neg(most));
  const total = reduceSum(exp(sub(value, spread(shift, arg))), arg.axes);
  // The logarithm of 0 has an infinite derivative, which would meet exponentials that are 0.
  const isVoid = equal(total, constantLike(total, 0));
  const logarithm = log(select(isVoid, constantLike(total, 1), total));
  const sums = add(logarithm, shift);
  return finish(select(isVoid, constantLike(total, -Infinity), sums), arg);
}

/**
 * Vector norm over axes: `(Σ |x|^ord)^(1/ord)`. Order infinity is the largest absolute value, minus
 * infinity the
 * smallest, and 0 the number of elements that are not zero.
 *
 * The derivative by an element that is 0 is 0, and so it is where the norm is 0.
 *
 * @category Reductions
 * @param x Any shape.
 * @param axis The axis or axes to reduce; negative ones count from the last. Left out or `null`:
 * all.
 * @param options `ord`: any number, or plus or minus infinity, 2 by default; `keepdims`.
 * @returns The dtype of `x` (`float32` for integers and `bool`), the shape of `x` without the
 * reduced axes.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ArgumentError} when `ord` is not a number.
 * @throws {ShapeError} when `ord` is infinite and there is no element.
 *
 * @example Three orders
 * ```ts
 * import { norm } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(norm([3, -4]), 5);
 * assertTensorsClose(norm([3, -4], 0, { ord: 1 }), 7);
 * assertTensorsClose(norm([3, -4], 0, { ord: Infinity }), 4);
 * ```
 */
export function norm(x: TensorLike, axis?: AxisArgument, options?: NormOptions): Tensor {
  const what = "Cannot take the norm of";
  const arg = readReduction(what, x, axis, options, ["ord", "keepdims"]);
  const { ord = 2 } = arg.options;
  if (typeof ord !== "number" || Number.isNaN(ord)) {
    throw argumentError(
      `${what} ${showType(arg.x)}: ord must be a number or an infinity, got ${describeValue(ord)}`,
    );
  }
  return finish(strictNorm(floatOperand(arg.x), arg.axes, ord), arg);
}

/** The vector norm of floats. */
function strictNorm(value: Tensor, axes: readonly number[], ord: number): Tensor {
  const x = isComplex(value.dtype) ? abs(value) : value;
  switch (ord) {
    case Infinity:
      return reduction.reduceMax(abs(x), axes);
    case -Infinity:
      return reduction.reduceMin(abs(x), axes);
    case 0:
      return reduceSum(convert(not(equal(x, constantLike(x, 0))), x.dtype), axes);
    case 1:
      return reduceSum(abs(x), axes);
    case 2:
      return reduceRoot(x, axes, 1);
    default:
      return reduceNorm(x, axes, ord);
  }
}
