/**
 * Sums, products and extremes of the rows that have the same number, and scatters that combine updates with
 * the existing values.
 *
 * @module
 */
import { isFloat, rangeOf, sumDtype, wideDtype } from "../base/dtype.ts";
import { shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { showType, sizeOf } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import { splat } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { mul, offset } from "../primitives/arithmetic.ts";
import { and, less, lessEqual, or, select } from "../primitives/comparison.ts";
import * as strict from "../primitives/indexing.ts";
import { argsort } from "../primitives/ordering.ts";
import { prefixesOf } from "../primitives/prefixes.ts";
import { insertionPlaces } from "../primitives/searching.ts";
import { concatenate, sliceAxis } from "../primitives/slicing.ts";
import { broadcast, constantLike, convert, iota, reshape } from "../primitives/structure.ts";
import { flatPositions, readScatter } from "./along_axis.ts";
import { checkLength, toIndices } from "./arguments.ts";
import { sumsByPlace } from "./histograms.ts";
import { countedFromFront } from "./index_tensors.ts";
import { realOperand } from "./operands.ts";
import { checkNumbers } from "./written_values.ts";

/**
 * Options of `segmentSum` and its like.
 *
 * @category Indexing
 */
export interface SegmentOptions {
  /** How many segments there are; needed where the numbers of the rows are traced. */
  readonly numSegments?: number;
}

/** The rows of a segmented reduction, with their segments. */
interface Segments {
  readonly rows: Tensor;
  /** `[rows]`; those that are outside of all have the number `count`. */
  readonly ids: Tensor;
  readonly count: number;
}

function readSegments(
  name: string,
  x: TensorLike,
  segmentIds: TensorLike,
  options: SegmentOptions | undefined,
): Segments {
  const what = `Cannot apply ${name} to`;
  const rows = toTensor(x, what);
  const given = toIndices(segmentIds, `Cannot apply ${name}`);
  const { numSegments } = readOptions(what, options, ["numSegments"]);
  if (rows.ndim === 0 || given.ndim !== 1 || given.size !== rows.shape[0]) {
    throw shapeError(
      `${what} ${showType(rows)} by ${showType(given)}: expected a number for each row`,
    );
  }
  let count = numSegments === undefined
    ? 0
    : checkLength(numSegments, what, "a number of segments");
  if (numSegments === undefined) {
    const advice = "the largest of these is not known yet; give the option numSegments";
    const known = given.concrete("count the segments of", advice);
    for (const id of known.elements) if (id >= count) count = id + 1;
  }
  const ids = given.dtype === "uint32" ? countedFromFront(given, 0) : convert(given, "int32");
  const outside = constantLike(ids, count);
  const isInside = and(lessEqual(constantLike(ids, 0), ids), less(ids, outside));
  return { rows, ids: select(isInside, ids, outside), count };
}

/**
 * Sums of the rows that have the same number.
 *
 * @category Indexing
 * @param x `[n, ...]`, of numbers.
 * @param segmentIds The number of the segment of each row, integers `[n]` in any order; rows whose number
 * is negative or not less than `numSegments` are left out.
 * @param options `numSegments`: how many segments there are, by default one more than the largest number;
 * needed where the numbers are traced.
 * @returns `[numSegments, ...]`, the dtype of `x` (32 bits for smaller integers and `bool`); 0 for
 * segments without rows.
 * @throws {ShapeError} when there is not one number for each row.
 * @throws {TraceError} when the numbers are traced and not known, and there is no `numSegments`.
 *
 * @example Sums by label
 * ```ts
 * import { segmentSum } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(segmentSum([1, 2, 3, 4], [0, 2, 0, 2]), [4, 0, 6]);
 * ```
 */
export function segmentSum(
  x: TensorLike,
  segmentIds: TensorLike,
  options?: SegmentOptions,
): Tensor {
  const { rows, ids, count } = readSegments("segmentSum", x, segmentIds, options);
  return sumsByPlace(convert(rows, sumDtype(rows.dtype)), ids, count);
}

/**
 * Products of the rows that have the same number.
 *
 * @category Indexing
 * @param x `[n, ...]`, of real numbers.
 * @param segmentIds The number of the segment of each row, integers `[n]` in any order; rows whose number
 * is negative or not less than `numSegments` are left out.
 * @param options `numSegments`: how many segments there are; needed where the numbers are traced.
 * @returns `[numSegments, ...]`, the dtype of `x` (32 bits for smaller integers and `bool`); 1 for
 * segments without rows. The derivative is exact where elements are zero.
 * @throws {ShapeError} when there is not one number for each row.
 * @throws {TraceError} when the numbers are traced and not known, and there is no `numSegments`.
 *
 * @example Products by label
 * ```ts
 * import { segmentProd } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(segmentProd([1, 2, 3, 4], [0, 2, 0, 2]), [3, 1, 8]);
 * ```
 */
export function segmentProd(
  x: TensorLike,
  segmentIds: TensorLike,
  options?: SegmentOptions,
): Tensor {
  const read = readSegments("segmentProd", x, segmentIds, options);
  const rows = realOperand("segmentProd", convert(read.rows, sumDtype(read.rows.dtype)));
  return products({ ...read, rows });
}

/**
 * Largest of the rows that have the same number, element by element; NaN where there is one.
 *
 * @category Indexing
 * @param x `[n, ...]`, of real numbers.
 * @param segmentIds The number of the segment of each row, integers `[n]` in any order; rows whose number
 * is negative or not less than `numSegments` are left out.
 * @param options `numSegments`: how many segments there are; needed where the numbers are traced.
 * @returns `[numSegments, ...]`, the dtype of `x`; minus infinity, or the least integer, for segments
 * without rows. Equal elements share the derivative evenly.
 * @throws {ShapeError} when there is not one number for each row.
 * @throws {TraceError} when the numbers are traced and not known, and there is no `numSegments`.
 *
 * @example The best of each group
 * ```ts
 * import { segmentMax } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(segmentMax([1, 2, 3, 4], [0, 1, 0, 1]), [3, 4]);
 * ```
 */
export function segmentMax(
  x: TensorLike,
  segmentIds: TensorLike,
  options?: SegmentOptions,
): Tensor {
  return extremes(readSegments("segmentMax", x, segmentIds, options), "segmentMax");
}

/**
 * Smallest of the rows that have the same number, element by element; NaN where there is one.
 *
 * @category Indexing
 * @param x `[n, ...]`, of real numbers.
 * @param segmentIds The number of the segment of each row, integers `[n]` in any order; rows whose number
 * is negative or not less than `numSegments` are left out.
 * @param options `numSegments`: how many segments there are; needed where the numbers are traced.
 * @returns `[numSegments, ...]`, the dtype of `x`; infinity, or the largest integer, for segments
 * without rows. Equal elements share the derivative evenly.
 * @throws {ShapeError} when there is not one number for each row.
 * @throws {TraceError} when the numbers are traced and not known, and there is no `numSegments`.
 *
 * @example The least of each group
 * ```ts
 * import { segmentMin } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(segmentMin([1, 2, 3, 4], [0, 1, 0, 1]), [1, 2]);
 * ```
 */
export function segmentMin(
  x: TensorLike,
  segmentIds: TensorLike,
  options?: SegmentOptions,
): Tensor {
  return extremes(readSegments("segmentMin", x, segmentIds, options), "segmentMin");
}

/** Extremes of segments; equal elements share the derivative evenly. */
function extremes(
  { rows: given, ids, count }: Segments,
  name: "segmentMax" | "segmentMin",
): Tensor {
  const isBool = realOperand(name, given).dtype === "bool";
  const rows = isBool ? convert(given, "int32") : given;
  const bounds = isFloat(rows.dtype)
    ? [-Infinity, Infinity]
    : isBool
    ? [0, 1]
    : rangeOf(rows.dtype);
  const isMax = name === "segmentMax";
  // The last place is for rows that are outside of all.
  const none = splat(bounds[isMax ? 0 : 1], rows.dtype, [count + 1, ...rows.shape.slice(1)]);
  const values = (isMax ? strict.scatterMax : strict.scatterMin)(none, rows, ids);
  return convert(sliceAxis(values, 0, 0, count), given.dtype);
}

/** Products of the rows of each segment, which are rounded once; 1 where there are none. */
function products({ rows: given, ids, count }: Segments): Tensor {
  const [length, ...rest] = given.shape;
  const shape = [count, ...rest];
  if (length === 0 || sizeOf(shape) === 0) return splat(1, given.dtype, shape);
  const rows = convert(given, wideDtype(given.dtype));
  const order = argsort(ids, 0, false);
  const [sortedIds, sorted] = [strict.gather(ids, order), strict.gather(rows, order)];
  const before = concatenate([splat(-1, "int32", [1]), sliceAxis(sortedIds, 0, 0, length - 1)], 0);
  const begins = less(before, sortedIds);
  const join = ([f, x]: readonly Tensor[], [g, y]: readonly Tensor[]): readonly Tensor[] => [
    or(f, g),
    select(broadcast(g, y.shape, [0]), y, mul(x, y)),
  ];
  const [, prefixes] = prefixesOf(join, [begins, sorted], [0, 0]);
  const ends = insertionPlaces(sortedIds, iota(count), "right");
  const starts = insertionPlaces(sortedIds, iota(count), "left");
  const last = offset(select(less(starts, ends), ends, constantLike(ends, 1)), -1);
  const found = strict.gather(prefixes, last);
  const isThere = broadcast(less(starts, ends), found.shape, [0]);
  return convert(select(isThere, found, constantLike(found, 1)), given.dtype);
}

/** A scatter along an axis as one along the only axis: the target, the updates, and their positions. */
function combineAt(
  x: TensorLike,
  indices: TensorLike,
  updates: TensorLike,
  axis: number | undefined,
  combine: (x: Tensor, updates: Tensor, places: Tensor) => Tensor,
): Tensor {
  const scatter = readScatter(x, indices, updates, axis);
  const { input, terms } = scatter;
  checkNumbers(input, `Cannot scatter to ${showType(input)}`);
  if (terms.size === 0) return input;
  const places = reshape(flatPositions(scatter), [terms.size]);
  const flat = combine(reshape(input, [input.size]), reshape(terms, [terms.size]), places);
  return reshape(flat, input.shape);
}

/**
 * A tensor with the larger of elements and updates at positions of one axis that differ along the other
 * axes, as PyTorch's `scatter_reduce` by `"amax"`.
 *
 * @category Indexing
 * @param x Any shape, of real numbers.
 * @param indices Positions on the axis, integers; as many axes as `x`, the others no longer than
 * those of `x`. Negative positions count from the end.
 * @param updates A scalar, or a tensor no shorter than `indices` on any axis.
 * @param axis The axis. Default 0.
 * @returns The shape and dtype of `x`. Equal elements share the derivative evenly.
 * @throws {IndexError} when a position is out of range.
 * @throws {ShapeError} when the axes of `indices` or `updates` do not fit.
 * @throws {DtypeError} when `indices` is not of an integer dtype, or the dtype of `x` cannot hold
 * `updates` or is `bool`.
 *
 * @example The best by label
 * ```ts
 * import { scatterMax, zeros } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(scatterMax(zeros([2]), [0, 1, 0], [5, -6, 7]), [7, 0]);
 * ```
 */
export function scatterMax(
  x: TensorLike,
  indices: TensorLike,
  updates: TensorLike,
  axis?: number,
): Tensor {
  return combineAt(
    realOperand("scatterMax", toTensor(x, "Cannot scatter")),
    indices,
    updates,
    axis,
    strict.scatterMax,
  );
}

/**
 * A tensor with the smaller of elements and updates at positions of one axis that differ along the other
 * axes, as PyTorch's `scatter_reduce` by `"amin"`.
 *
 * @category Indexing
 * @param x Any shape, of real numbers.
 * @param indices Positions on the axis, integers; as many axes as `x`, the others no longer than
 * those of `x`. Negative positions count from the end.
 * @param updates A scalar, or a tensor no shorter than `indices` on any axis.
 * @param axis The axis. Default 0.
 * @returns The shape and dtype of `x`. Equal elements share the derivative evenly.
 * @throws {IndexError} when a position is out of range.
 * @throws {ShapeError} when the axes of `indices` or `updates` do not fit.
 * @throws {DtypeError} when `indices` is not of an integer dtype, or the dtype of `x` cannot hold
 * `updates` or is `bool`.
 *
 * @example The least by label
 * ```ts
 * import { scatterMin, zeros } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(scatterMin(zeros([2]), [0, 1, 0], [5, -6, 7]), [0, -6]);
 * ```
 */
export function scatterMin(
  x: TensorLike,
  indices: TensorLike,
  updates: TensorLike,
  axis?: number,
): Tensor {
  return combineAt(
    realOperand("scatterMin", toTensor(x, "Cannot scatter")),
    indices,
    updates,
    axis,
    strict.scatterMin,
  );
}

/**
 * A tensor with elements multiplied by updates at positions of one axis that differ along the other axes,
 * as PyTorch's `scatter_reduce` by `"prod"`.
 *
 * @category Indexing
 * @param x Any shape, of real numbers.
 * @param indices Positions on the axis, integers; as many axes as `x`, the others no longer than
 * those of `x`. Negative positions count from the end.
 * @param updates A scalar, or a tensor no shorter than `indices` on any axis.
 * @param axis The axis. Default 0.
 * @returns The shape and dtype of `x`; repeated positions multiply. The derivative is exact where elements
 * are zero.
 * @throws {IndexError} when a position is out of range.
 * @throws {ShapeError} when the axes of `indices` or `updates` do not fit.
 * @throws {DtypeError} when `indices` is not of an integer dtype, or the dtype of `x` cannot hold
 * `updates` or is `bool`.
 *
 * @example Products by label
 * ```ts
 * import { ones, scatterMul } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(scatterMul(ones([2]), [0, 1, 0], [5, 6, 7]), [35, 6]);
 * ```
 */
export function scatterMul(
  x: TensorLike,
  indices: TensorLike,
  updates: TensorLike,
  axis?: number,
): Tensor {
  return combineAt(x, indices, updates, axis, (input, terms, places) => {
    const given = realOperand("scatterMul", concatenate([input, terms], 0));
    const ids = concatenate([iota(input.size), places], 0);
    return convert(products({ rows: given, ids, count: input.size }), input.dtype);
  });
}
