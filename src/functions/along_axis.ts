/**
 * Reading and writing entries at positions of one axis.
 *
 * @module
 */
import { shapeError } from "../base/errors.ts";
import {
  broadcastShapes,
  checkAxis,
  checkShape,
  range,
  showType,
  sizeOf,
  withoutAxes,
} from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { add } from "../primitives/arithmetic.ts";
import * as strict from "../primitives/indexing.ts";
import { type AxisPositions, mergeAxes, mergePositions } from "../primitives/positions.ts";
import * as slicing from "../primitives/slicing.ts";
import { moveAxis, reshape } from "../primitives/structure.ts";
import { checkBroadcast, toIndices } from "./arguments.ts";
import { broadcastTo } from "./broadcasting.ts";
import { fromFront } from "./index_tensors.ts";
import { castValues, checkNumbers, readValues } from "./written_values.ts";

/**
 * Entries at chosen positions of one axis.
 *
 * @category Indexing
 * @param x Any shape.
 * @param indices Positions, integers of any shape; negative ones count from the end.
 * @param axis The axis; left out, `x` is flattened first.
 * @returns `x` with the shape of `indices` in place of the axis.
 * @throws {IndexError} when a position is out of range.
 * @throws {DtypeError} when `indices` is not of an integer dtype.
 * @throws {AxisError} when the axis is out of range.
 *
 * @example Columns in another order
 * ```ts
 * import { take } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(take([[1, 2, 3], [4, 5, 6]], [2, 0], 1), [[3, 1], [6, 4]]);
 * ```
 */
export function take(x: TensorLike, indices: TensorLike, axis?: number | null): Tensor {
  const given = toTensor(x, "Cannot take");
  const isFlat = axis === undefined || axis === null;
  const input = isFlat ? reshape(given, [given.size]) : given;
  const what = `Cannot take from ${showType(input)}`;
  const at = isFlat ? 0 : checkAxis(axis, input.ndim, what);
  const entries = fromFront(toIndices(indices, what), input.shape[at], at, what);
  return strict.gather(input, entries, 0, range(at));
}

/**
 * Entries at positions of one axis that differ along the other axes, as NumPy's `take_along_axis`:
 * the results of `argsort` or `argmax` can be used directly.
 *
 * @category Indexing
 * @param x Any shape.
 * @param indices Positions on the axis, integers; as many axes as `x`, the others broadcast with
 * those of `x`. Negative positions count from the end.
 * @param axis The axis.
 * @returns The entries, in the shape of `indices` with the other axes broadcast.
 * @throws {IndexError} when a position is out of range.
 * @throws {ShapeError} when the numbers of axes differ, or the other axes do not broadcast.
 * @throws {DtypeError} when `indices` is not of an integer dtype.
 *
 * @example One entry of each row
 * ```ts
 * import { takeAlongAxis } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(takeAlongAxis([[1, 2], [3, 4]], [[1], [0]], 1), [[2], [3]]);
 * ```
 */
export function takeAlongAxis(x: TensorLike, indices: TensorLike, axis: number): Tensor {
  const input = toTensor(x, "Cannot take along an axis");
  const what = `Cannot take from ${showType(input)}`;
  const at = checkAxis(axis, input.ndim, what);
  const entries = toIndices(indices, what);
  checkSameAxes(input, entries, `${what} at ${showType(entries)} along axis ${at}`);
  const others = (shape: Shape) => shape.map((length, i) => i === at ? 1 : length);
  const common = broadcastShapes(others(input.shape), others(entries.shape));
  if (common === null) {
    throw shapeError(
      `${what} at ${showType(entries)} along axis ${at}: all other axes must broadcast`,
    );
  }
  const target = (x: Tensor) => common.map((length, i) => i === at ? x.shape[at] : length);
  const stretched = broadcastTo(input, checkShape(target(input), what));
  const checked = fromFront(entries, input.shape[at], at, what);
  return gatherRows(stretched, broadcastTo(checked, checkShape(target(entries), what)), at);
}

/**
 * Entries at positions of one axis that differ along the other axes, as PyTorch's `gather`:
 * `out[i][j][k] = x[i][indices[i][j][k]][k]` along axis 1.
 *
 * @category Indexing
 * @param x Any shape.
 * @param indices Positions on the axis, integers; as many axes as `x`, the others no longer than
 * those of `x`. Negative positions count from the end.
 * @param axis The axis. Default 0.
 * @returns The entries, in the shape of `indices`.
 * @throws {IndexError} when a position is out of range.
 * @throws {ShapeError} when the axes of `indices` do not fit.
 * @throws {DtypeError} when `indices` is not of an integer dtype.
 *
 * @example One entry of each row
 * ```ts
 * import { gather } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(gather([[1, 2], [3, 4]], [[1], [0]], 1), [[2], [3]]);
 * ```
 */
export function gather(x: TensorLike, indices: TensorLike, axis?: number): Tensor {
  if (axis === undefined) axis = 0;
  const input = toTensor(x, "Cannot gather");
  const what = `Cannot gather from ${showType(input)}`;
  const at = checkAxis(axis, input.ndim, what);
  const entries = toIndices(indices, what);
  checkInside(input, entries, at, `${what} at ${showType(entries)} along axis ${at}`);
  const checked = fromFront(entries, input.shape[at], at, what);
  return gatherRows(input, checked, at);
}

/**
 * A tensor with updates added at positions of one axis that differ along the other axes, as PyTorch's
 * `scatter_add`: `out[i][indices[i][j][k]][k] += updates[i][j][k]` along axis 1.
 *
 * @category Indexing
 * @param x Any shape, of a number dtype.
 * @param indices Positions on the axis, integers; as many axes as `x`, the others no longer than
 * those of `x`. Negative positions count from the end.
 * @param updates The values to add: a scalar, or a tensor no shorter than `indices` on any axis, of which
 * only the part that `indices` covers counts. It is converted to the dtype of `x` unless that is of a
 * lower category.
 * @param axis The axis. Default 0.
 * @returns `x` with the updates added; repeated positions add up.
 * @throws {IndexError} when a position is out of range.
 * @throws {ShapeError} when the axes of `indices` or `updates` do not fit.
 * @throws {DtypeError} when `indices` is not of an integer dtype, or the dtype of `x` cannot hold
 * `updates` or is `bool`.
 *
 * @example Sums by label
 * ```ts
 * import { scatterAdd, zeros } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(scatterAdd(zeros([2]), [0, 1, 0], [5, 6, 7]), [12, 6]);
 * ```
 */
export function scatterAdd(
  x: TensorLike,
  indices: TensorLike,
  updates: TensorLike,
  axis?: number,
): Tensor {
  if (axis === undefined) axis = 0;
  const input = toTensor(x, "Cannot scatter");
  const what = `Cannot scatter to ${showType(input)}`;
  checkNumbers(input, what);
  const at = checkAxis(axis, input.ndim, what);
  const entries = toIndices(indices, what);
  const where = `${what} at ${showType(entries)} along axis ${at}`;
  checkInside(input, entries, at, where);
  const terms = cropUpdates(castValues(updates, input.dtype, what), entries, where);
  const checked = fromFront(entries, input.shape[at], at, what);
  if (strict.areFew(terms, input)) {
    const { merged, positions, batch } = windowAlong(input, checked, at);
    return reshape(
      strict.scatterOnto(reshape(input, merged), terms, positions, batch),
      input.shape,
    );
  }
  const sums = strict.scatterAdd(toRows(terms, at), toRows(checked, at), input.shape[at], 1);
  const shape = entries.shape.map((length, i) => i === at ? input.shape[at] : length);
  const none = shape.map(() => 0);
  const missing = shape.map((length, i) => input.shape[i] - length);
  return add(input, slicing.pad(fromRows(sums, shape, at), none, missing, none));
}

/**
 * A tensor with updates in place of elements at positions of one axis that differ along the other axes, as
 * PyTorch's `scatter`: `out[i][indices[i][j][k]][k] = updates[i][j][k]` along axis 1.
 *
 * @category Indexing
 * @param x Any shape.
 * @param indices Positions on the axis, integers; as many axes as `x`, the others no longer than
 * those of `x`. Negative positions count from the end.
 * @param updates The values to put there: a scalar, or a tensor no shorter than `indices` on any axis, of which
 * only the part that `indices` covers counts. It is converted to the dtype of `x` unless that is of a
 * lower category.
 * @param axis The axis. Default 0.
 * @returns `x` with the updates; of several in one place the last stays.
 * @throws {IndexError} when a position is out of range.
 * @throws {ShapeError} when the axes of `indices` or `updates` do not fit.
 * @throws {DtypeError} when `indices` is not of an integer dtype, or the dtype of `x` cannot hold
 * `updates`.
 *
 * @example One entry of each row
 * ```ts
 * import { scatterSet, zeros } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(scatterSet(zeros([2, 2]), [[1], [0]], 5, 1), [[0, 5], [5, 0]]);
 * ```
 */
export function scatterSet(
  x: TensorLike,
  indices: TensorLike,
  updates: TensorLike,
  axis?: number,
): Tensor {
  const { input, entries, terms, at } = readScatter(x, indices, updates, axis);
  if (terms.size === 0) return input;
  const { merged, positions, batch } = windowAlong(input, entries, at);
  return reshape(strict.scatterSet(reshape(input, merged), terms, positions, batch), input.shape);
}

/** The arguments of a scatter along an axis, read and checked. */
export interface Scatter {
  readonly input: Tensor;
  /** Positions from 0 on. */
  readonly entries: Tensor;
  /** The updates, in the shape of the entries and the dtype of the input. */
  readonly terms: Tensor;
  readonly at: number;
}

/** Reads the arguments of a scatter along an axis. */
export function readScatter(
  x: TensorLike,
  indices: TensorLike,
  updates: TensorLike,
  axis: number | undefined,
): Scatter {
  const input = toTensor(x, "Cannot scatter");
  const what = `Cannot scatter to ${showType(input)}`;
  const at = checkAxis(axis ?? 0, input.ndim, what);
  const entries = toIndices(indices, what);
  const where = `${what} at ${showType(entries)} along axis ${at}`;
  checkInside(input, entries, at, where);
  const terms = cropUpdates(castValues(updates, input.dtype, what), entries, where);
  return { input, entries: fromFront(entries, input.shape[at], at, what), terms, at };
}

/** Row-major positions in `input` of the places that a scatter changes, in the shape of its entries. */
export function flatPositions({ input, entries, at }: Scatter): Tensor {
  const axes = input.shape.map((length, i): AxisPositions =>
    i === at
      ? { length, start: entries, count: 1, step: 1, along: 0 }
      : { length, start: 0, count: entries.shape[i], step: 1, along: i }
  );
  return mergePositions(axes, entries.shape, range(input.ndim));
}

/**
 * A tensor with values at positions of one axis that differ along the other axes, as NumPy's
 * `put_along_axis`, which changes its argument: the results of `argsort` or `argmax` can be used directly.
 *
 * @category Indexing
 * @param x Any shape.
 * @param indices Positions on the axis, integers; as many axes as `x`, the others broadcast to those of
 * `x`. Negative positions count from the end.
 * @param values The values to put there; broadcast to the positions.
 * @param axis The axis.
 * @returns `x` with the values; of several in one place the last stays.
 * @throws {IndexError} when a position is out of range.
 * @throws {ShapeError} when the numbers of axes differ, or shapes do not broadcast.
 * @throws {DtypeError} when `indices` is not of an integer dtype, or the dtype of `x` cannot hold `values`.
 *
 * @example The largest of each row replaced
 * ```ts
 * import { argmax, putAlongAxis, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = tensor([[10, 30, 20], [60, 40, 50]]);
 * const places = argmax(x, 1, { keepdims: true });
 * assertTensorsClose(putAlongAxis(x, places, 99, 1), [[10, 99, 20], [99, 40, 50]]);
 * ```
 */
export function putAlongAxis(
  x: TensorLike,
  indices: TensorLike,
  values: TensorLike,
  axis: number,
): Tensor {
  const input = toTensor(x, "Cannot put along an axis");
  const what = `Cannot put in ${showType(input)}`;
  const at = checkAxis(axis, input.ndim, what);
  const entries = toIndices(indices, what);
  const where = `${what} at ${showType(entries)} along axis ${at}`;
  checkSameAxes(input, entries, where);
  const shape = input.shape.map((length, i) => i === at ? entries.shape[i] : length);
  checkBroadcast(`${where}: cannot broadcast`, entries, shape);
  const terms = readValues(values, input.dtype, shape, what);
  return scatterSet(input, broadcastTo(entries, shape), terms, at);
}

/** The part of `updates` that `indices` covers. */
function cropUpdates(updates: Tensor, indices: Tensor, where: string): Tensor {
  if (updates.ndim === 0) return broadcastTo(updates, indices.shape);
  const what = `${where} with updates ${showType(updates)}`;
  checkSameAxes(indices, updates, what);
  const short = updates.shape.findIndex((length, i) => length < indices.shape[i]);
  if (short < 0) return crop(updates, indices.shape, -1);
  throw shapeError(
    `${what}: axis ${short} of the updates has length ${updates.shape[short]}, ` +
      `less than ${indices.shape[short]}`,
  );
}

function checkSameAxes(x: Tensor, other: Tensor, what: string): void {
  if (x.ndim === other.ndim) return;
  throw shapeError(`${what}: expected as many axes, got ${x.ndim} and ${other.ndim}`);
}

/** Throws unless `indices` has the axes of `x`, none longer than that of `x` but `axis`. */
function checkInside(x: Tensor, indices: Tensor, axis: number, what: string): void {
  checkSameAxes(x, indices, what);
  const long = indices.shape.findIndex((length, i) => i !== axis && length > x.shape[i]);
  if (long < 0) return;
  throw shapeError(
    `${what}: axis ${long} of the indices has length ${indices.shape[long]}, ` +
      `more than ${x.shape[long]}`,
  );
}

/** The first positions of `x`, as many as `shape` says on every axis but `axis`. */
function crop(x: Tensor, shape: Shape, axis: number): Tensor {
  const stop = x.shape.map((length, i) => i === axis ? length : shape[i]);
  return slicing.slice(x, stop.map(() => 0), stop, stop.map(() => 1));
}

/** `[rows, length of axis]`: all other axes merged into one. */
function toRows(x: Tensor, axis: number): Tensor {
  const length = x.shape[axis];
  return reshape(moveAxis(x, axis, x.ndim - 1), [sizeOf(withoutAxes(x.shape, [axis])), length]);
}

/** The tensor of shape `shape` whose {@linkcode toRows} is `rows`. */
function fromRows(rows: Tensor, shape: Shape, axis: number): Tensor {
  const moved = [...withoutAxes(shape, [axis]), shape[axis]];
  return moveAxis(reshape(rows, moved), moved.length - 1, axis);
}

/** Entries along an axis, for `indices` no longer than `x` on all others. */
function gatherRows(x: Tensor, indices: Tensor, axis: number): Tensor {
  if (strict.areFew(indices, x)) {
    const { merged, positions, batch } = windowAlong(x, indices, axis);
    return strict.gather(reshape(x, merged), positions, batch);
  }
  const rows = toRows(crop(x, indices.shape, axis), axis);
  return fromRows(strict.gather(rows, toRows(indices, axis), 1), indices.shape, axis);
}

/**
 * Indices along an axis as positions on one axis. It replaces that axis, all later ones,
 * and all from the first one on that the indices do not cover; the axes before it are shared.
 */
function windowAlong(
  x: Tensor,
  indices: Tensor,
  axis: number,
): { readonly merged: readonly number[]; readonly positions: Tensor; readonly batch: number } {
  const isShared = (i: number): boolean => i < axis && indices.shape[i] === x.shape[i];
  const batch = range(x.ndim).findIndex((i) => !isShared(i));
  const axes = range(batch, x.ndim).map((i): AxisPositions =>
    i === axis
      ? { length: x.shape[i], start: indices, count: 1, step: 1, along: 0 }
      : { length: x.shape[i], start: 0, count: indices.shape[i], step: 1, along: i }
  );
  return {
    merged: mergeAxes(x.shape, batch, x.ndim),
    positions: mergePositions(axes, indices.shape, range(x.ndim)),
    batch,
  };
}
