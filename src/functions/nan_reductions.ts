/**
 * Reductions and running results that leave NaN out.
 *
 * @module
 */
import { describeValue, isHalf, isInexact } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { checkAxis, range, showType } from "../base/shape.ts";
import type { AxisArgument } from "../base/shape.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { toTensor } from "../core/convert.ts";
import type { AxisOptions, VarianceOptions } from "../core/methods.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { div, maximum, offset, sqrt, square, sub } from "../primitives/arithmetic.ts";
import { and, equal, not, select } from "../primitives/comparison.ts";
import * as reduction from "../primitives/reduction.ts";
import { constantLike, convert, reduceSum, reshape } from "../primitives/structure.ts";
import { isScalarAxis } from "./arguments.ts";
import { abs } from "./arithmetic.ts";
import { floatOperand } from "./broadcasting.ts";
import { isnan, where } from "./comparison.ts";
import { cumprod, cumsum } from "./cumulative.ts";
import { realOperand } from "./operands.ts";
import { countable, finish, readReduction, spread } from "./reduction.ts";
import type { Reduction } from "./reduction.ts";

/** `x` with `value` where it is NaN. */
function filled(x: Tensor, value: number): Tensor {
  return isInexact(x.dtype) ? where(isnan(x), value, x) : x;
}

/** How many elements are not NaN, in the real dtype of `like`. */
function countNumbers(arg: Reduction<AxisOptions>, like: Tensor): Tensor {
  return reduceSum(convert(not(isnan(arg.x)), like.dtype), arg.axes);
}

/** Half floats as float32, so that results are rounded once. */
function widened(x: Tensor): Tensor {
  return isHalf(x.dtype) ? convert(x, "float32") : x;
}

/**
 * Sum over axes without NaN; where all elements are NaN it is 0.
 *
 * @category Reductions
 * @param x Any shape.
 * @param axis The axis or axes to reduce; left out or `null`: all.
 * @param options `keepdims`: whether reduced axes stay, with length one.
 * @returns As {@linkcode sum}; the derivative by an element that is NaN is 0.
 * @throws {AxisError} when an axis is out of range or named twice.
 *
 * @example A missing value
 * ```ts
 * import { nansum } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nansum([1, NaN, 2]), 3);
 * ```
 */
export function nansum(x: TensorLike, axis?: AxisArgument, options?: AxisOptions): Tensor {
  const arg = readReduction("Cannot sum", x, axis, options, ["keepdims"]);
  return finish(reduceSum(countable(filled(arg.x, 0)), arg.axes), arg);
}

/**
 * Product over axes without NaN; where all elements are NaN it is 1.
 *
 * @category Reductions
 * @param x Any shape.
 * @param axis The axis or axes to reduce; left out or `null`: all.
 * @param options `keepdims`: whether reduced axes stay, with length one.
 * @returns As {@linkcode prod}; the derivative by an element that is NaN is 0.
 * @throws {AxisError} when an axis is out of range or named twice.
 *
 * @example A missing value
 * ```ts
 * import { nanprod } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nanprod([2, NaN, 3]), 6);
 * ```
 */
export function nanprod(x: TensorLike, axis?: AxisArgument, options?: AxisOptions): Tensor {
  const arg = readReduction("Cannot take the product of", x, axis, options, ["keepdims"]);
  return finish(reduction.reduceProd(countable(filled(arg.x, 1)), arg.axes), arg);
}

/**
 * Mean over axes without NaN; where all elements are NaN it is NaN.
 *
 * @category Reductions
 * @param x Any shape.
 * @param axis The axis or axes to reduce; left out or `null`: all.
 * @param options `keepdims`: whether reduced axes stay, with length one.
 * @returns As {@linkcode mean}; the derivative by an element that is NaN is 0.
 * @throws {AxisError} when an axis is out of range or named twice.
 *
 * @example A missing value
 * ```ts
 * import { nanmean } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nanmean([[1, NaN], [3, 4]], 1), [1, 3.5]);
 * ```
 */
export function nanmean(x: TensorLike, axis?: AxisArgument, options?: AxisOptions): Tensor {
  const arg = readReduction("Cannot take the mean of", x, axis, options, ["keepdims"]);
  const value = floatOperand(arg.x);
  return finish(convert(meanOf(widened(value), arg), value.dtype), arg);
}

/** The mean of the elements that are not NaN. */
function meanOf(value: Tensor, arg: Reduction<AxisOptions>): Tensor {
  const total = reduceSum(filled(value, 0), arg.axes);
  return div(total, countNumbers(arg, total));
}

/**
 * Variance over axes without NaN; NaN where the divisor is not positive.
 *
 * @category Reductions
 * @param x Any shape.
 * @param axis The axis or axes to reduce; left out or `null`: all.
 * @param options `correction`: the number subtracted from the count of elements that are not NaN to give
 * the divisor, 0 by default; `keepdims`.
 * @returns As {@linkcode variance}; the derivative by an element that is NaN is 0.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ArgumentError} when `correction` is not a finite number.
 *
 * @example A missing value
 * ```ts
 * import { nanvar } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nanvar([1, NaN, 3]), 1);
 * assertTensorsClose(nanvar([1, NaN, 3], 0, { correction: 1 }), 2);
 * ```
 */
export function nanvar(x: TensorLike, axis?: AxisArgument, options?: VarianceOptions): Tensor {
  const what = "Cannot take the variance of";
  const arg = readReduction(what, x, axis, options, ["correction", "keepdims"]);
  const value = floatOperand(arg.x);
  const result = spreadOf(what, widened(value), arg);
  if (!isHalf(value.dtype)) return finish(result, arg);
  return finish(convert(result, value.dtype), arg);
}

/** The variance of the elements that are not NaN. */
function spreadOf(what: string, value: Tensor, arg: Reduction<VarianceOptions>): Tensor {
  const { correction = 0 } = arg.options;
  if (!Number.isFinite(correction)) {
    throw argumentError(
      `${what} ${showType(arg.x)}: correction must be a finite number, ` +
        `got ${describeValue(correction)}`,
    );
  }
  const difference = sub(value, spread(meanOf(value, arg), arg));
  // Differences of infinities are NaN too, and count.
  const distance = where(isnan(value), 0, difference);
  const total = reduceSum(square(abs(distance)), arg.axes);
  const count = offset(countNumbers(arg, total), -correction);
  return div(total, maximum(count, constantLike(count, 0)));
}

/**
 * Standard deviation over axes without NaN: the square root of {@linkcode nanvar}. Its derivative where
 * it is 0 is 0.
 *
 * @category Reductions
 * @param x Any shape.
 * @param axis The axis or axes to reduce; left out or `null`: all.
 * @param options `correction`: the number subtracted from the count of elements that are not NaN to give
 * the divisor, 0 by default; `keepdims`.
 * @returns As {@linkcode std}; the derivative by an element that is NaN is 0.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ArgumentError} when `correction` is not a finite number.
 *
 * @example A missing value
 * ```ts
 * import { nanstd } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nanstd([1, NaN, 5]), 2);
 * ```
 */
export function nanstd(x: TensorLike, axis?: AxisArgument, options?: VarianceOptions): Tensor {
  const what = "Cannot take the standard deviation of";
  const arg = readReduction(what, x, axis, options, ["correction", "keepdims"]);
  const value = floatOperand(arg.x);
  const variance = spreadOf(what, widened(value), arg);
  // The square root has an infinite derivative at 0.
  const isZero = equal(variance, constantLike(variance, 0));
  const root = sqrt(select(isZero, constantLike(variance, 1), variance));
  const result = select(isZero, constantLike(root, 0), root);
  return finish(isHalf(value.dtype) ? convert(result, value.dtype) : result, arg);
}

/**
 * Largest element over axes without NaN; where all elements are NaN it is NaN.
 *
 * @category Reductions
 * @param x Any shape.
 * @param axis The axis or axes to reduce; left out or `null`: all.
 * @param options `keepdims`: whether reduced axes stay, with length one.
 * @returns As {@linkcode max}.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ShapeError} when there is no element to choose from.
 *
 * @example A missing value
 * ```ts
 * import { nanmax } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nanmax([1, NaN, 2]), 2);
 * ```
 */
export function nanmax(x: TensorLike, axis?: AxisArgument, options?: AxisOptions): Tensor {
  return extreme("max", reduction.reduceMax, -Infinity, x, axis, options);
}

/**
 * Smallest element over axes without NaN; where all elements are NaN it is NaN.
 *
 * @category Reductions
 * @param x Any shape.
 * @param axis The axis or axes to reduce; left out or `null`: all.
 * @param options `keepdims`: whether reduced axes stay, with length one.
 * @returns As {@linkcode min}.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ShapeError} when there is no element to choose from.
 *
 * @example A missing value
 * ```ts
 * import { nanmin } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nanmin([1, NaN, 2]), 1);
 * ```
 */
export function nanmin(x: TensorLike, axis?: AxisArgument, options?: AxisOptions): Tensor {
  return extreme("min", reduction.reduceMin, Infinity, x, axis, options);
}

/** An extreme of the elements that are not NaN; `worst` is never chosen before another. */
function extreme(
  name: string,
  strict: (x: Tensor, axes: readonly number[]) => Tensor,
  worst: number,
  x: TensorLike,
  axis: AxisArgument,
  options: AxisOptions | undefined,
): Tensor {
  const arg = readReduction(`Cannot take the ${name} of`, x, axis, options, ["keepdims"]);
  const value = realOperand(`nan${name}`, arg.x);
  const result = strict(filled(value, worst), arg.axes);
  if (!isInexact(value.dtype)) return finish(result, arg);
  const isVoid = arg.axes.length === 0 ? isnan(value) : reduction.reduceMin(isnan(value), arg.axes);
  return finish(select(isVoid, constantLike(result, NaN), result), arg);
}

/**
 * Position of the first largest element along an axis, NaN left out; -1 where all elements are NaN, as in
 * JAX.
 *
 * @category Reductions
 * @param x Any shape.
 * @param axis The axis. Left out or `null`: the position is that in the flattened tensor.
 * @param options `keepdims`: whether the reduced axis stays, with length one.
 * @returns `int32`, the shape of `x` without that axis.
 * @throws {AxisError} when the axis is out of range.
 * @throws {ShapeError} when there is no element to choose from.
 *
 * @example A missing value
 * ```ts
 * import { nanargmax } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nanargmax([1, NaN, 2]), 2);
 * assertTensorsClose(nanargmax([NaN, NaN]), -1);
 * ```
 */
export function nanargmax(x: TensorLike, axis?: number | null, options?: AxisOptions): Tensor {
  return position("nanargmax", reduction.reduceMax, -Infinity, x, axis, options);
}

/**
 * Position of the first smallest element along an axis, NaN left out; -1 where all elements are NaN, as
 * in JAX.
 *
 * @category Reductions
 * @param x Any shape.
 * @param axis The axis. Left out or `null`: the position is that in the flattened tensor.
 * @param options `keepdims`: whether the reduced axis stays, with length one.
 * @returns `int32`, the shape of `x` without that axis.
 * @throws {AxisError} when the axis is out of range.
 * @throws {ShapeError} when there is no element to choose from.
 *
 * @example A missing value
 * ```ts
 * import { nanargmin } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nanargmin([NaN, 3, 2]), 2);
 * ```
 */
export function nanargmin(x: TensorLike, axis?: number | null, options?: AxisOptions): Tensor {
  return position("nanargmin", reduction.reduceMin, Infinity, x, axis, options);
}

/** The position of an extreme of the elements that are not NaN. */
function position(
  name: string,
  strict: (x: Tensor, axes: readonly number[]) => Tensor,
  worst: number,
  value: TensorLike,
  axis: number | null | undefined,
  options: AxisOptions | undefined,
): Tensor {
  const what = `Cannot take the ${name} of`;
  const given = realOperand(name, toTensor(value, what));
  const { keepdims = false } = readOptions(what, options, ["keepdims"]);
  checkFlag(keepdims, what, "keepdims");
  const isFlat = axis === undefined || axis === null || isScalarAxis(given, axis);
  const x = isFlat ? reshape(given, [given.size]) : given;
  const at = isFlat ? 0 : checkAxis(axis, x.ndim, `${what} ${showType(x)}`);
  const arg: Reduction<AxisOptions> = { x, axes: [at], options: {} };
  const best = spread(strict(filled(x, worst), [at]), arg);
  const isBest = and(equal(filled(x, worst), best), not(isnan(x)));
  const place = reduction.argmax(convert(isBest, "int32"), at);
  const isVoid = not(reduction.reduceMax(isBest, [at]));
  const result = select(isVoid, constantLike(place, -1), place);
  if (!keepdims) return result;
  return reshape(result, isFlat ? range(given.ndim).map(() => 1) : x.shape.with(at, 1));
}

/**
 * Running sum along an axis in which NaN counts as 0.
 *
 * @category Reductions
 * @param x Any shape.
 * @param axis The axis; negative ones count from the last.
 * @returns As {@linkcode cumsum}.
 * @throws {AxisError} when the axis is out of range.
 *
 * @example A missing value
 * ```ts
 * import { nancumsum } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nancumsum([1, NaN, 2], 0), [1, 1, 3]);
 * ```
 */
export function nancumsum(x: TensorLike, axis: number): Tensor {
  return cumsum(filled(toTensor(x, "Cannot take running sums of"), 0), axis);
}

/**
 * Running product along an axis in which NaN counts as 1.
 *
 * @category Reductions
 * @param x Any shape.
 * @param axis The axis; negative ones count from the last.
 * @returns As {@linkcode cumprod}.
 * @throws {AxisError} when the axis is out of range.
 *
 * @example A missing value
 * ```ts
 * import { nancumprod } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nancumprod([2, NaN, 3], 0), [2, 2, 6]);
 * ```
 */
export function nancumprod(x: TensorLike, axis: number): Tensor {
  return cumprod(filled(toTensor(x, "Cannot take running products of"), 1), axis);
}
