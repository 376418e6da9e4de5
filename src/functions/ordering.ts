/**
 * Sorting and selection by size. Values are gathered at sorted indices, so that derivatives follow
 * each element to its place.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { checkAxis, showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { SortOptions, TopKOptions } from "../core/methods.ts";
import { splat } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { gather } from "../primitives/indexing.ts";
import * as ordering from "../primitives/ordering.ts";
import { sliceAxis } from "../primitives/slicing.ts";
import { moveAxis, reshape } from "../primitives/structure.ts";
import { isScalarAxis } from "./arguments.ts";

/** The elements of `x` `[..., n]` at `indices` `[..., k]` of its last axis. */
export function takeAlongLast(x: Tensor, indices: Tensor): Tensor {
  return gather(x, indices, x.ndim - 1);
}

/**
 * Elements in order along an axis. Equal elements keep their order in both directions; NaN is the
 * largest of all.
 *
 * @category Sorting and searching
 * @param x Any shape.
 * @param axis The axis, the last by default; negative ones count from the last.
 * @param options `descending`: whether the largest comes first.
 * @returns The shape and dtype of `x`.
 * @throws {AxisError} when the axis is out of range.
 *
 * @example Rows in order
 * ```ts
 * import { sort } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(sort([[3, 1, 2], [4, 6, 5]]), [[1, 2, 3], [4, 5, 6]]);
 * assertTensorsClose(sort([3, 1, 2], 0, { descending: true }), [3, 2, 1]);
 * ```
 */
export function sort(x: TensorLike, axis?: number, options?: SortOptions): Tensor {
  if (axis === undefined) axis = -1;
  const what = "Cannot sort";
  const value = toTensor(x, what);
  const { descending = false } = readOptions(what, options, ["descending"]);
  checkFlag(descending, what, "descending");
  if (isScalarAxis(value, axis)) return value;
  const place = checkAxis(axis, value.ndim, `${what} ${showType(value)}`);
  const last = value.ndim - 1;
  const rows = moveAxis(value, place, last);
  const sorted = takeAlongLast(rows, ordering.argsort(rows, last, descending));
  return moveAxis(sorted, last, place);
}

/**
 * The indices that put elements in order along an axis. Equal elements keep their order in both
 * directions; NaN is the largest of all.
 *
 * @category Sorting and searching
 * @param x Any shape.
 * @param axis The axis, the last by default; negative ones count from the last.
 * @param options `descending`: whether the largest comes first.
 * @returns `int32`, the shape of `x`.
 * @throws {AxisError} when the axis is out of range.
 *
 * @example The places of the smallest, the middle and the largest
 * ```ts
 * import { argsort } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(argsort([3, 1, 2]), new Int32Array([1, 2, 0]));
 * ```
 */
export function argsort(x: TensorLike, axis?: number, options?: SortOptions): Tensor {
  if (axis === undefined) axis = -1;
  const what = "Cannot sort";
  const value = toTensor(x, what);
  const { descending = false } = readOptions(what, options, ["descending"]);
  checkFlag(descending, what, "descending");
  if (isScalarAxis(value, axis)) return splat(0, "int32", []);
  const place = checkAxis(axis, value.ndim, `${what} ${showType(value)}`);
  return ordering.argsort(value, place, descending);
}

/**
 * The largest elements along an axis, in order, with their indices. Of equal elements the first come
 * first; NaN is the largest of all.
 *
 * @category Sorting and searching
 * @param x Any shape.
 * @param k How many.
 * @param axis The axis, the last by default; negative ones count from the last.
 * @param options `largest`: `false` for the smallest elements, smallest first.
 * @returns The elements, and their indices as `int32`; both have the shape of `x` with length `k`
 * along the axis.
 * @throws {AxisError} when the axis is out of range.
 * @throws {ArgumentError} when the axis does not have `k` elements.
 *
 * @example The two best scores
 * ```ts
 * import { topK } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [scores, places] = topK([0.1, 0.7, 0.05, 0.15], 2);
 * assertTensorsClose(scores, [0.7, 0.15]);
 * assertTensorsClose(places, new Int32Array([1, 3]));
 * ```
 */
export function topK(
  x: TensorLike,
  k: number,
  axis?: number,
  options?: TopKOptions,
): [Tensor, Tensor] {
  if (axis === undefined) axis = -1;
  const what = "Cannot take the top of";
  const value = toTensor(x, what);
  const shown = `${what} ${showType(value)}`;
  if (isScalarAxis(value, axis)) {
    const pair = topK(reshape(value, [1]), k, 0, options);
    return k === 1 ? [reshape(pair[0], []), reshape(pair[1], [])] : pair;
  }
  const place = checkAxis(axis, value.ndim, shown);
  const { largest = true } = readOptions(what, options, ["largest"]);
  checkFlag(largest, what, "largest");
  const length = value.shape[place];
  if (!Number.isInteger(k) || k < 0 || k > length) {
    throw argumentError(
      `${shown}: k must be an integer from 0 to ${length}, the length of axis ${place}, ` +
        `got ${describeValue(k)}`,
    );
  }
  const last = value.ndim - 1;
  const rows = moveAxis(value, place, last);
  const order = sliceAxis(ordering.argsort(rows, last, largest), last, 0, k + 0);
  return [moveAxis(takeAlongLast(rows, order), last, place), moveAxis(order, last, place)];
}
