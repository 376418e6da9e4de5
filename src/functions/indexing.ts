/**
 * Reading and writing parts of tensors, by NumPy's rules for indices: integers, slices and integer
 * tensors. Writing gives a new tensor. Places that are known without looking at a tensor's elements
 * become slices, reversals and padding; integer tensors become gathers and scatters along one axis
 * that is merged from all the axes that they index.
 *
 * @module
 */
import { categoryOf, describeValue, DTYPES, isInteger } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { argumentError, dtypeError, indexError, shapeError } from "../base/errors.ts";
import {
  broadcastShapes,
  checkAxis,
  checkShape,
  inversePermutation,
  MAX_SIZE,
  range,
  showShape,
  showType,
  sizeOf,
  stridesOf,
  withoutAxes,
} from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { fromJavaScript, toTensor } from "../core/convert.ts";
import type { Index } from "../core/methods.ts";
import { Concrete, splat, Tensor } from "../core/tensor.ts";
import type { TensorLike } from "../core/tensor.ts";
import { add, maximum, minimum, offset, scale } from "../primitives/arithmetic.ts";
import { and, less, lessEqual, select } from "../primitives/comparison.ts";
import * as strict from "../primitives/indexing.ts";
import * as slicing from "../primitives/slicing.ts";
import {
  broadcast,
  constantLike,
  convert,
  moveAxis,
  reshape,
  transpose,
} from "../primitives/structure.ts";
import { checkBroadcast, toIndices } from "./arguments.ts";
import { broadcastTo, commonShape } from "./broadcasting.ts";

/** The positions that an index takes on one axis: `count` from `start` in steps of `step`. */
interface Positions {
  readonly start: number;
  readonly count: number;
  /** Negative where positions are taken in reverse. */
  readonly step: number;
}

/** A part of a tensor. */
interface Place {
  /** The tensor's shape. */
  readonly shape: Shape;
  /** What is taken of each axis; everything of those that a tensor indexes. */
  readonly positions: readonly Positions[];
  /** The axes that an integer indexes, and that the part does not have. */
  readonly dropped: readonly number[];
  /** The axes that tensors index, counted without the dropped ones. */
  readonly axes: readonly number[];
  /** The tensors, in a common shape, with entries from 0 on. */
  readonly indices: readonly Tensor[];
  /** Where the axes of the indices stand in the part. */
  readonly target: number;
}

/**
 * Part of a tensor, by NumPy's rules.
 *
 * @param x Any shape.
 * @param indices One entry per axis, from the first on; axes without an entry are taken whole.
 *
 * - An integer takes one position, and the axis goes away. Negative counts from the end.
 * - `[start, stop, step]` takes positions from `start` on, up to but not with `stop`. `null` leaves a
 *   side open, positions beyond the ends are clamped, a negative step goes backwards.
 * - `null` takes the whole axis, and `"..."` all axes that have no other entry.
 * - A tensor or typed array of integers takes the positions that it names. Several are broadcast
 *   together and matched entry by entry; the axes of their common shape stand where the indexed axes
 *   were when those (integers included) are neighbours, and come first otherwise.
 * @returns The part.
 * @throws {IndexError} when there are more entries than axes, or an integer is out of range.
 * @throws {DtypeError} when a tensor is not of an integer dtype; `where` chooses by a mask.
 * @throws {ShapeError} when index tensors do not broadcast together.
 *
 * @example A row, a column backwards, and chosen entries
 * ```ts
 * import { index, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = tensor([[1, 2, 3], [4, 5, 6]]);
 * assertTensorsClose(index(x, 1), [4, 5, 6]);
 * assertTensorsClose(index(x, [null, null, -1], -1), [6, 3]);
 * assertTensorsClose(index(x, new Int32Array([0, 1, 1]), new Int32Array([0, 0, 2])), [1, 4, 6]);
 * ```
 */
export function index(x: TensorLike, ...indices: readonly Index[]): Tensor {
  const input = toTensor(x, "Cannot index");
  const place = readPlace(input, indices);
  const part = takePositions(input, place);
  return place.indices.length === 0 ? part : takeEntries(part, place);
}

/**
 * A tensor with other values in one place.
 *
 * @param x Any shape.
 * @param indices The place: a list of what {@linkcode index} takes.
 * @param values What to put there; broadcast to the shape of the place, and converted to the dtype of
 * `x` unless that is of a lower category. Where index tensors name a position more than once, the
 * last of its values stays.
 * @returns `x` with `values` in that place. Derivatives flow to the values that stay, and to what is
 * left of `x`.
 * @throws {IndexError} when the place is not in `x`.
 * @throws {ShapeError} when `values` does not broadcast to the place.
 * @throws {DtypeError} when the dtype of `x` cannot hold `values`.
 *
 * @example A row replaced
 * ```ts
 * import { set, zeros } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(set(zeros([2, 3]), [1], [7, 8, 9]), [[0, 0, 0], [7, 8, 9]]);
 * ```
 */
export function set(x: TensorLike, indices: readonly Index[], values: TensorLike): Tensor {
  const input = toTensor(x, "Cannot set");
  const what = `Cannot set in ${showType(input)}`;
  const place = readPlace(input, checkList(indices, what));
  const filling = readValues(values, input.dtype, partShape(place), what);
  if (filling.size === 0) return input;
  if (place.indices.length === 0) return putPositions(input, place, filling);
  const part = takePositions(input, place);
  return putPositions(input, place, putEntries(part, place, filling));
}

/**
 * A tensor with values added in one place.
 *
 * @param x Any shape, of a number dtype.
 * @param indices The place: a list of what {@linkcode index} takes.
 * @param values What to add there; broadcast to the shape of the place, and converted to the dtype of
 * `x` unless that is of a lower category. Where index tensors name a position more than once, all of
 * its values are added.
 * @returns `x` with `values` added.
 * @throws {IndexError} when the place is not in `x`.
 * @throws {ShapeError} when `values` does not broadcast to the place.
 * @throws {DtypeError} when the dtype of `x` cannot hold `values`, or is `bool`.
 *
 * @example Counting
 * ```ts
 * import { addAt, zeros } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const labels = new Int32Array([2, 0, 2]);
 * assertTensorsClose(addAt(zeros([3]), [labels], 1), [1, 0, 2]);
 * ```
 */
export function addAt(x: TensorLike, indices: readonly Index[], values: TensorLike): Tensor {
  const input = toTensor(x, "Cannot add");
  const what = `Cannot add in ${showType(input)}`;
  checkNumbers(input, what);
  const place = readPlace(input, checkList(indices, what));
  const terms = readValues(values, input.dtype, partShape(place), what);
  if (terms.size === 0) return input;
  const part = place.indices.length === 0 ? terms : sumEntries(terms, place);
  return add(input, spread(part, place));
}

/**
 * Entries at chosen positions of one axis.
 *
 * @param x Any shape.
 * @param indices Positions, integers of any shape; negative ones count from the end.
 * @param axis The axis; left out, `x` is flattened first.
 * @returns `x` with the shape of `indices` in the place of the axis.
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
  const taken = strict.gather(moveAxis(input, at, 0), entries);
  return transpose(taken, blockPermutation(taken.ndim, entries.ndim, at));
}

/**
 * Entries at positions of one axis that differ along the other axes, as NumPy's `take_along_axis`:
 * what `argsort` or `argmax` give can be used as it is.
 *
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
export function gather(x: TensorLike, indices: TensorLike, axis = 0): Tensor {
  const input = toTensor(x, "Cannot gather");
  const what = `Cannot gather from ${showType(input)}`;
  const at = checkAxis(axis, input.ndim, what);
  const entries = toIndices(indices, what);
  checkInside(input, entries, at, `${what} at ${showType(entries)} along axis ${at}`);
  const checked = fromFront(entries, input.shape[at], at, what);
  return gatherRows(crop(input, entries.shape, at), checked, at);
}

/**
 * A tensor with updates added at positions of one axis that differ along the other axes, as PyTorch's
 * `scatter_add`: `out[i][indices[i][j][k]][k] += updates[i][j][k]` along axis 1.
 *
 * @param x Any shape, of a number dtype.
 * @param indices Positions on the axis, integers; as many axes as `x`, the others no longer than
 * those of `x`. Negative positions count from the end.
 * @param updates What to add: a scalar, or a tensor no shorter than `indices` on any axis, of which
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
  axis = 0,
): Tensor {
  const input = toTensor(x, "Cannot scatter");
  const what = `Cannot scatter to ${showType(input)}`;
  checkNumbers(input, what);
  const at = checkAxis(axis, input.ndim, what);
  const entries = toIndices(indices, what);
  checkInside(input, entries, at, `${what} at ${showType(entries)} along axis ${at}`);
  const terms = castValues(updates, input.dtype, what);
  const part = terms.ndim === 0 ? broadcastTo(terms, entries.shape) : cropUpdates();
  const checked = fromFront(entries, input.shape[at], at, what);
  const [rows, positions] = [part, checked].map((value) => toRows(value, at));
  const sums = strict.scatterAdd(rows, positions, input.shape[at], 1);
  const shape = entries.shape.map((length, i) => i === at ? input.shape[at] : length);
  const none = shape.map(() => 0);
  const missing = shape.map((length, i) => input.shape[i] - length);
  return add(input, slicing.pad(fromRows(sums, shape, at), none, missing, none));

  function cropUpdates(): Tensor {
    const shown = `${what} at ${showType(entries)} along axis ${at}`;
    checkSameAxes(input, terms, `${shown} with updates ${showType(terms)}`);
    const short = terms.shape.findIndex((length, i) => length < entries.shape[i]);
    if (short >= 0) {
      throw shapeError(
        `${shown} with updates ${showType(terms)}: axis ${short} of the updates has length ` +
          `${terms.shape[short]}, less than ${entries.shape[short]}`,
      );
    }
    return crop(terms, entries.shape, -1);
  }
}

/** A list of indices, or an error for anything else. */
function checkList(indices: readonly Index[], what: string): readonly Index[] {
  if (Array.isArray(indices)) return Array.from(indices);
  const got = (indices as unknown) instanceof Tensor ? "a tensor" : describeValue(indices);
  throw argumentError(`${what}: expected a list of indices such as [0, null], got ${got}`);
}

function checkNumbers(x: Tensor, what: string): void {
  if (x.dtype === "bool") throw dtypeError(`${what}: expected numbers; convert with astype`);
}

/** What `indices` name in `x`; throws unless it is there. */
function readPlace(x: Tensor, indices: readonly Index[]): Place {
  const what = `Cannot index ${showType(x)}`;
  const entries = fillIndices(indices, x.ndim, what);
  const positions: Positions[] = [];
  const dropped: number[] = [];
  const axes: number[] = [];
  const tensors: Tensor[] = [];
  // Entries that NumPy counts as advanced beside a tensor, by their places among the entries.
  const advanced: number[] = [];
  let before = 0;
  let axis = 0;
  entries.forEach((entry, place) => {
    if (entry === "...") {
      const count = x.ndim - (entries.length - 1);
      for (let i = 0; i < count; i++) positions.push(wholeAxis(x.shape[axis++]));
      return;
    }
    const length = x.shape[axis];
    if (typeof entry === "number") {
      positions.push({ start: checkIndex(entry, length, axis, what), count: 1, step: 1 });
      dropped.push(axis);
      advanced.push(place);
    } else if (entry === null) {
      positions.push(wholeAxis(length));
    } else if (Array.isArray(entry)) {
      positions.push(readSlice(entry, length, axis, what));
    } else {
      const tensor = readIndexTensor(entry, axis, what);
      positions.push(wholeAxis(length));
      axes.push(axis - dropped.length);
      tensors.push(fromFront(tensor, length, axis, what));
      advanced.push(place);
    }
    axis++;
    if (advanced.length === 0) before = axis;
  });
  const areNeighbours = advanced.every((place, i) => place === advanced[0] + i);
  if (advanced.length > 0 && entries.indexOf("...") >= 0 && entries.indexOf("...") < advanced[0]) {
    before += 0;
  }
  const common = commonShape(`${what} with index tensors`, tensors);
  return {
    shape: x.shape,
    positions,
    dropped,
    axes,
    indices: tensors.map((tensor) => broadcastTo(tensor, common)),
    target: areNeighbours ? before : 0,
  };
}
