/**
 * Descriptive statistics: weighted means, spans, counts, covariances, ranks, modes.
 *
 * @module
 */
import { describeValue, isComplex } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { checkAxis, lengthAlong, range, sameShape, showType } from "../base/shape.ts";
import type { AxisArgument } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { AxisOptions, VarianceOptions } from "../core/methods.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { add, div, maximum, mul, offset, scale, sqrt, sub } from "../primitives/arithmetic.ts";
import { and, equal, not, or, select } from "../primitives/comparison.ts";
import { argsort } from "../primitives/ordering.ts";
import { prefixesOf } from "../primitives/prefixes.ts";
import { cumsum, reduceMax, reduceMin } from "../primitives/reduction.ts";
import { concatenate, flip, sliceAxis } from "../primitives/slicing.ts";
import {
  broadcast,
  constantLike,
  convert,
  iota,
  moveAxis,
  reduceSum,
  reshape,
} from "../primitives/structure.ts";
import { floatOperand, promoteTogether } from "./broadcasting.ts";
import { clip, isnan } from "./comparison.ts";
import { conj, real } from "./complex.ts";
import { matmul } from "./contraction.ts";
import { diagonal } from "./diagonals.ts";
import { realOperand } from "./operands.ts";
import { takeAlongLast } from "./ordering.ts";
import { finish, mean, readReduction, std } from "./reduction.ts";

/**
 * Options of `average`.
 *
 * @category Statistics
 */
export interface AverageOptions extends AxisOptions {
  /** How much each element counts: the shape of `x`, or `[length]` of the one axis that is reduced. */
  readonly weights?: TensorLike;
}

/**
 * Weighted mean over axes.
 *
 * @category Statistics
 * @param x Any shape.
 * @param axis The axis or axes to reduce; left out or `null`: all.
 * @param options `weights`: how much each element counts, in the shape of `x`, or `[length]` of the one
 * axis that is reduced; left out, all count the same. `keepdims`.
 * @returns The common dtype (`float32` for integers and `bool`), the shape of `x` without the reduced
 * axes. Where the weights add up to 0 it is not finite.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ShapeError} when the weights have another shape.
 *
 * @example Marks that count differently
 * ```ts
 * import { average } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(average([1, 2, 5], 0, { weights: [1, 1, 2] }), 3.25);
 * ```
 */
export function average(x: TensorLike, axis?: AxisArgument, options?: AverageOptions): Tensor {
  const what = "Cannot average";
  const arg = readReduction(what, x, axis, options, ["weights", "keepdims"]);
  const { weights, keepdims = false } = arg.options;
  if (weights === undefined) return mean(arg.x, axis, { keepdims });
  const [value, w] = promoteTogether(what, [arg.x, weights]).map(floatOperand);
  const isVector = arg.axes.length === 1 && sameShape(w.shape, [value.shape[arg.axes[0]]]);
  if (!isVector && !sameShape(w.shape, value.shape)) {
    throw shapeError(
      `${what} ${showType(arg.x)} with weights ${showType(w)}: expected the same shape, ` +
        `or the length of the one axis that is reduced`,
    );
  }
  const full = isVector && value.ndim > 1 ? broadcast(w, value.shape, arg.axes) : w;
  return finish(div(reduceSum(mul(value, full), arg.axes), reduceSum(full, arg.axes)), arg);
}

/**
 * Difference of the largest and the smallest element over axes; NaN where there is one.
 *
 * @category Statistics
 * @param x Any shape, of real numbers.
 * @param axis The axis or axes to reduce; left out or `null`: all.
 * @param options `keepdims`: whether reduced axes stay, with length one.
 * @returns The dtype of `x`, the shape of `x` without the reduced axes.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ShapeError} when there is no element.
 *
 * @example Of rows
 * ```ts
 * import { ptp } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(ptp([[1, 5, 2], [7, 7, 3]], 1), [4, 4]);
 * ```
 */
export function ptp(x: TensorLike, axis?: AxisArgument, options?: AxisOptions): Tensor {
  const arg = readReduction("Cannot take the ptp of", x, axis, options, ["keepdims"]);
  const value = realOperand("ptp", arg.x);
  const [high, low] = [reduceMax(value, arg.axes), reduceMin(value, arg.axes)];
  if (value.dtype === "bool") return finish(not(equal(high, low)), arg);
  return finish(sub(high, low), arg);
}

/**
 * How many elements are not zero (or are true) over axes; NaN counts.
 *
 * @category Statistics
 * @param x Any shape.
 * @param axis The axis or axes to reduce; left out or `null`: all.
 * @param options `keepdims`: whether reduced axes stay, with length one.
 * @returns `int32`, the shape of `x` without the reduced axes.
 * @throws {AxisError} when an axis is out of range or named twice.
 *
 * @example In rows
 * ```ts
 * import { countNonzero } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(countNonzero([[1, 0, 2], [0, 0, 3]], 1), [2, 1]);
 * ```
 */
export function countNonzero(x: TensorLike, axis?: AxisArgument, options?: AxisOptions): Tensor {
  const arg = readReduction("Cannot count in", x, axis, options, ["keepdims"]);
  return finish(reduceSum(convert(convert(arg.x, "bool"), "int32"), arg.axes), arg);
}

/**
 * Standard error of the mean over axes: the standard deviation divided by the root of the number of
 * elements.
 *
 * @category Statistics
 * @param x Any shape.
 * @param axis The axis or axes to reduce; left out or `null`: all.
 * @param options `correction`: the number subtracted from the number of elements to give the divisor of the
 * variance, 1 by default; `keepdims`.
 * @returns The dtype of `x` (`float32` for integers and `bool`), the shape of `x` without the reduced
 * axes.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ArgumentError} when `correction` is not a finite number.
 *
 * @example Of four numbers
 * ```ts
 * import { sem } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(sem([1, 2, 3, 4]), Math.sqrt(5 / 3 / 4));
 * ```
 */
export function sem(x: TensorLike, axis?: AxisArgument, options?: VarianceOptions): Tensor {
  const what = "Cannot take the standard error of";
  const arg = readReduction(what, x, axis, options, ["correction", "keepdims"]);
  const deviation = std(arg.x, arg.axes, { correction: 1, ...arg.options });
  return scale(deviation, 1 / Math.sqrt(lengthAlong(arg.x.shape, arg.axes)));
}

/**
 * Options of `cov`.
 *
 * @category Statistics
 */
export interface CovOptions {
  /** Whether each row is a variable and each column an observation; `true` by default. */
  readonly rowvar?: boolean;
  /** Subtracted from the number of observations to give the divisor; 1 by default. */
  readonly correction?: number;
  /** How often each observation was made: integers `[observations]`. */
  readonly fweights?: TensorLike;
  /** How much each observation counts: `[observations]`. */
  readonly aweights?: TensorLike;
}

/**
 * Covariances of variables.
 *
 * @category Statistics
 * @param x `[variables, observations]`, or `[observations]` of one variable.
 * @param y More variables, with as many observations.
 * @param options `rowvar`: `false` where observations are rows; `correction`: 1 by default; `fweights`:
 * how often each observation was made; `aweights`: how much each counts.
 * @returns `[variables, variables]`, or a scalar for one variable. For complex numbers the second factor
 * is conjugated.
 * @throws {ShapeError} when there are more than two axes, or numbers of observations differ.
 * @throws {ArgumentError} when `correction` is not a finite number.
 *
 * @example Two variables
 * ```ts
 * import { cov } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(cov([[1, 2, 3], [3, 2, 1]]), [[1, -1], [-1, 1]]);
 * ```
 */
export function cov(x: TensorLike, y?: TensorLike | null, options?: CovOptions): Tensor {
  return covariances("Cannot take the covariance of", x, y, options);
}

function covariances(
  what: string,
  x: TensorLike,
  y: TensorLike | null | undefined,
  options: CovOptions | undefined,
): Tensor {
  const { rowvar = true, correction = 1, fweights, aweights } = readOptions(what, options, [
    "rowvar",
    "correction",
    "fweights",
    "aweights",
  ]);
  checkFlag(rowvar, what, "rowvar");
  if (!Number.isFinite(correction)) {
    throw argumentError(
      `${what}: correction must be a finite number, got ${describeValue(correction)}`,
    );
  }
  const given = promoteTogether(what, y === undefined || y === null ? [x] : [x, y]);
  const parts = given.map((part) => {
    if (part.ndim > 2) throw shapeError(`${what} ${showType(part)}: expected one axis or two`);
    const value = floatOperand(part);
    const matrix = reshape(value, value.ndim === 2 ? value.shape : [1, value.size]);
    return !rowvar && value.ndim === 2 ? moveAxis(matrix, 0, 1) : matrix;
  });
  const [{ shape: [, count] }] = parts;
  if (parts.some((part) => part.shape[1] !== count)) {
    throw shapeError(
      `${what} ${given.map(showType).join(" and ")}: expected as many observations in both`,
    );
  }
  const rows = parts.length === 1 ? parts[0] : concatenate(parts, 0);
  const counts = readWeights(fweights, count, rows, `${what} with fweights`);
  const shares = readWeights(aweights, count, rows, `${what} with aweights`);
  const weights = counts === null ? shares : shares === null ? counts : mul(counts, shares);
  const one = weights ?? constantLike({ dtype: partOf(rows), shape: [count] }, 1);
  const total = reduceSum(one, [0]);
  const all = weights === null
    ? rows
    : mul(rows, broadcast(convert(one, rows.dtype), rows.shape, [1]));
  const middle = div(
    reduceSum(all, [1]),
    broadcast(convert(total, rows.dtype), [rows.shape[0]], []),
  );
  const centred = sub(rows, broadcast(middle, rows.shape, [0]));
  const weighted = weights === null
    ? centred
    : mul(centred, broadcast(convert(one, rows.dtype), rows.shape, [1]));
  // NumPy: what the correction takes away, where observations count differently.
  const lost = shares === null || correction === 0
    ? scale(constantLike(total, 1), correction)
    : scale(div(reduceSum(mul(one, shares), [0]), total), correction);
  const divisor = maximum(sub(total, lost), constantLike(total, 0));
  const product = matmul(weighted, moveAxis(conj(centred), 0, 1));
  const result = div(product, broadcast(convert(divisor, product.dtype), product.shape, []));
  return product.shape[0] === 1 ? reshape(result, []) : result;
}

/** The real dtype of `x`. */
function partOf(x: Tensor): Tensor["dtype"] {
  return isComplex(x.dtype) ? real(x).dtype : x.dtype;
}

/** Weights of observations, in the real dtype of `rows`. */
function readWeights(
  weights: TensorLike | undefined,
  count: number,
  rows: Tensor,
  what: string,
): Tensor | null {
  if (weights === undefined) return null;
  const read = realOperand("cov", toTensor(weights, what));
  if (read.ndim === 1 && read.shape[0] === count) return convert(read, partOf(rows));
  throw shapeError(`${what} ${showType(read)}: expected one for each of ${count} observations`);
}

/**
 * Options of `corrcoef`.
 *
 * @category Statistics
 */
export interface CorrcoefOptions {
  /** Whether each row is a variable and each column an observation; `true` by default. */
  readonly rowvar?: boolean;
}

/**
 * Correlation coefficients of variables: covariances divided by both standard deviations, held from -1 to
 * 1. NaN where a variable is constant.
 *
 * @category Statistics
 * @param x `[variables, observations]`, or `[observations]` of one variable.
 * @param y More variables, with as many observations.
 * @param options `rowvar`: `false` where observations are rows.
 * @returns `[variables, variables]`, or a scalar for one variable.
 * @throws {ShapeError} when there are more than two axes, or numbers of observations differ.
 *
 * @example Two variables
 * ```ts
 * import { corrcoef } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(corrcoef([1, 2, 3], [6, 4, 2]), [[1, -1], [-1, 1]]);
 * ```
 */
export function corrcoef(
  x: TensorLike,
  y?: TensorLike | null,
  options?: CorrcoefOptions,
): Tensor {
  const what = "Cannot take the correlation of";
  const c = covariances(what, x, y, readOptions(what, options, ["rowvar"]));
  if (c.ndim === 0) return div(c, c);
  const deviation = sqrt(convert(real(diagonal(c)), partOf(c)));
  const scaled = (value: Tensor, axis: number) =>
    div(value, broadcast(convert(deviation, value.dtype), value.shape, [axis]));
  const quotient = scaled(scaled(c, 0), 1);
  if (isComplex(quotient.dtype)) return quotient;
  return clip(quotient, -1, 1);
}

/**
 * Options of `rankdata`.
 *
 * @category Statistics
 */
export interface RankOptions {
  /** Which rank equal elements have; `"average"` by default. */
  readonly method?: "average" | "min" | "max" | "dense" | "ordinal";
}

const RANK_METHODS = ["average", "min", "max", "dense", "ordinal"] as const;

/**
 * Ranks of elements, from 1 on.
 *
 * @category Statistics
 * @param x Any shape, of real numbers.
 * @param axis The axis to rank along; left out or `null`: the ranks are those in the flattened tensor.
 * @param options `method`: equal elements have the mean of their ranks (`"average"`, the default), the
 * least (`"min"`), the greatest (`"max"`), the least where ranks have no gaps (`"dense"`), or ranks in
 * their order (`"ordinal"`).
 * @returns The shape of `x`, flat without an axis; `float32` for `"average"`, `int32` for others. Rows
 * with a NaN are NaN for `"average"`; otherwise NaN is the greatest.
 * @throws {AxisError} when the axis is out of range.
 * @throws {ArgumentError} when the method is unknown.
 *
 * @example Ties
 * ```ts
 * import { rankdata } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(rankdata([10, 30, 10, 20]), [1.5, 4, 1.5, 3]);
 * ```
 */
export function rankdata(x: TensorLike, axis?: number | null, options?: RankOptions): Tensor {
  const what = "Cannot rank";
  const given = realOperand("rankdata", toTensor(x, what));
  const { method = "average" } = readOptions(what, options, ["method"]);
  if (!RANK_METHODS.includes(method)) {
    throw argumentError(
      `${what}: expected a method among ${RANK_METHODS.join(", ")}, got ${describeValue(method)}`,
    );
  }
  const isFlat = axis === undefined || axis === null || given.ndim === 0;
  const value = isFlat ? reshape(given, [given.size]) : given;
  const at = isFlat ? 0 : checkAxis(axis, value.ndim, `${what} ${showType(value)}`);
  const last = value.ndim - 1;
  const rows = moveAxis(value, at, last);
  const order = argsort(rows, last, false);
  const back = argsort(order, last, false);
  const ranks = (sorted: Tensor) => moveAxis(takeAlongLast(sorted, back), last, at);
  const count = rows.shape[last];
  const places = broadcast(iota(count), rows.shape, [last]);
  if (method === "ordinal") return moveAxis(offset(back, 1), last, at);
  const { first, end } = runsOf(takeAlongLast(rows, order));
  if (method === "dense") return ranks(cumsum(convert(first, "int32"), last));
  const least = lastWhere(first, offset(places, 1));
  const most = firstWhere(end, offset(places, 1));
  if (method !== "average") return ranks(method === "min" ? least : most);
  const middle = scale(convert(add(least, most), "float32"), 0.5);
  const result = ranks(middle);
  if (count === 0) return result;
  const isVoid = broadcast(reduceMax(isnan(rows), [last]), rows.shape, range(last));
  return select(moveAxis(isVoid, last, at), constantLike(result, NaN), result);
}

/** Where runs of equal elements begin and end, along the last axis of sorted rows. */
export function runsOf(sorted: Tensor): { readonly first: Tensor; readonly end: Tensor } {
  const last = sorted.ndim - 1;
  const count = sorted.shape[last];
  if (count === 0) return { first: convert(sorted, "bool"), end: convert(sorted, "bool") };
  const edge = constantLike({ dtype: "bool", shape: sorted.shape.with(last, 1) }, 1);
  const [front, behind] = [
    sliceAxis(sorted, last, 0, count - 1),
    sliceAxis(sorted, last, 1, count),
  ];
  // All NaN are one value.
  const differs = not(or(equal(front, behind), and(isnan(front), isnan(behind))));
  return { first: concatenate([edge, differs], last), end: concatenate([differs, edge], last) };
}

/** For each place of the last axis the value at the last place up to it where the mask is true. */
function lastWhere(mask: Tensor, values: Tensor): Tensor {
  const chosen = select(mask, values, constantLike(values, 0));
  return prefixesOf(([a], [b]) => [maximum(a, b)], [chosen], [values.ndim - 1])[0];
}

/** The same for the first place from it on, for values that increase. */
function firstWhere(mask: Tensor, values: Tensor): Tensor {
  const last = [values.ndim - 1];
  const most = constantLike(values, values.shape[last[0]] + 1);
  const turned = flip(select(mask, sub(most, values), constantLike(values, 0)), last);
  return sub(most, flip(prefixesOf(([a], [b]) => [maximum(a, b)], [turned], last)[0], last));
}

/**
 * Options of `mode`.
 *
 * @category Statistics
 */
export interface ModeOptions {
  /** Whether the reduced axis stays, with length one. Default `false`. */
  readonly keepdims?: boolean;
}

/**
 * Most frequent element along an axis, the smallest of several, and its count. All NaN are
 * one value.
 *
 * @category Statistics
 * @param x Any shape, of real numbers.
 * @param axis The axis, 0 by default; `null` flattens the tensor first.
 * @param options `keepdims`: whether the reduced axis stays, with length one.
 * @returns The elements, and their counts as `int32`; both have the shape of `x` without the axis. The
 * derivative goes to the first of the equal elements.
 * @throws {AxisError} when the axis is out of range.
 * @throws {ShapeError} when there is no element.
 *
 * @example Of columns
 * ```ts
 * import { mode } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [values, counts] = mode([[1, 5], [1, 4], [2, 4]]);
 * assertTensorsClose(values, [1, 4]);
 * assertTensorsClose(counts, [2, 2]);
 * ```
 */
export function mode(
  x: TensorLike,
  axis?: number | null,
  options?: ModeOptions,
): [values: Tensor, counts: Tensor] {
  const what = "Cannot take the mode of";
  const given = realOperand("mode", toTensor(x, what));
  const { keepdims = false } = readOptions(what, options, ["keepdims"]);
  checkFlag(keepdims, what, "keepdims");
  const isFlat = axis === null || given.ndim === 0;
  const value = isFlat ? reshape(given, [given.size]) : given;
  const at = isFlat ? 0 : checkAxis(axis ?? 0, value.ndim, `${what} ${showType(value)}`);
  const count = value.shape[at];
  if (count === 0) throw shapeError(`${what} ${showType(given)}: there is no element`);
  const last = value.ndim - 1;
  const rows = moveAxis(value, at, last);
  const sorted = takeAlongLast(rows, argsort(rows, last, false));
  const starts = runsOf(sorted).first;
  const places = broadcast(iota(count), rows.shape, [last]);
  const length = offset(sub(places, lastWhere(starts, places)), 1);
  const most = reduceMax(length, [last]);
  const isMost = equal(length, broadcast(most, rows.shape, range(last)));
  const end = reduceMin(select(isMost, places, constantLike(places, count)), [last]);
  const start = offset(sub(end, most), 1);
  const shape = [...start.shape, 1];
  const chosen = reshape(takeAlongLast(sorted, reshape(start, shape)), start.shape);
  const target = keepdims
    ? isFlat ? given.shape.map(() => 1) : value.shape.with(at, 1)
    : start.shape;
  return [reshape(chosen, target), reshape(most, target)];
}
