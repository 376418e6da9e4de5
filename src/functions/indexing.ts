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
  insertAt,
  inversePermutation,
  MAX_NDIM,
  MAX_SIZE,
  range,
  showType,
  sizeOf,
  stridesOf,
  withoutAxes,
} from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { fromJavaScript, isNumber, toTensor, toTensorOf } from "../core/convert.ts";
import type { Index } from "../core/tensor.ts";
import { Concrete, splat, Tensor } from "../core/tensor.ts";
import type { TensorLike } from "../core/tensor.ts";
import { WeakScalar } from "../core/trace.ts";
import { add, minimum, offset, scale } from "../primitives/arithmetic.ts";
import { and, less, lessEqual, select } from "../primitives/comparison.ts";
import * as dynamic from "../primitives/dynamic_slicing.ts";
import * as strict from "../primitives/indexing.ts";
import { type AxisPositions, mergeAxes, mergePositions } from "../primitives/positions.ts";
import * as slicing from "../primitives/slicing.ts";
import { constantLike, convert, moveAxis, reshape, transpose } from "../primitives/structure.ts";
import { checkBroadcast, countAxes, toIndices } from "./arguments.ts";
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
  const block = place.indices.length === 0 ? null : blockOf(place);
  if (block !== null) return takeBlock(input, place, block);
  if (place.indices.length === 0) return takePositions(input, place);
  if (isFew(place)) return takeFew(input, place);
  return takeEntries(takePositions(input, place), place);
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
  const block = blockOf(place);
  if (block !== null) return putBlock(input, block, filling, dynamic.updateSlice);
  if (isFew(place)) return changeFew(input, place, filling, strict.scatterSet);
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
  const block = blockOf(place);
  if (block !== null) return putBlock(input, block, terms, dynamic.addSlice);
  if (isFew(place)) return changeFew(input, place, terms, strict.scatterOnto);
  if (place.indices.length === 0) return add(input, spread(terms, place));
  return add(input, spread(sumEntries(terms, place), place));
}

/** Where a block begins: an integer tensor of one entry per axis, or a list of integers and scalars. */
export type Starts = Tensor | readonly TensorLike[];

/**
 * A block of a tensor of known size, whose position may be computed: `sizes[k]` positions of axis `k`
 * from `starts[k]` on. In a compiled loop only the block is read.
 *
 * @param x Any shape.
 * @param starts The first position on each axis: integers, or integer scalars, in a list, or an
 * integer tensor `[ndim]`. Negative ones count from the end. A block that would stick out is moved to
 * the nearest place where it does not, as in JAX.
 * @param sizes How many positions to take of each axis.
 * @returns The block, of shape `sizes`.
 * @throws {ShapeError} when there is not one start and one size for each axis, or a size is larger
 * than its axis.
 * @throws {DtypeError} when a start is not an integer.
 *
 * @example Two entries from a place that is computed
 * ```ts
 * import { dynamicSlice, jit, tensor } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const pair = jit((x: Tensor, i: Tensor) => dynamicSlice(x, [i], [2]));
 * assertTensorsClose(pair(tensor([1, 2, 3, 4]), tensor(1, { dtype: "int32" })), [2, 3]);
 * assertTensorsClose(pair(tensor([1, 2, 3, 4]), tensor(9, { dtype: "int32" })), [3, 4]);
 * ```
 */
export function dynamicSlice(
  x: TensorLike,
  starts: Starts,
  sizes: readonly number[],
): Tensor {
  const input = toTensor(x, "Cannot slice");
  const what = `Cannot slice ${showType(input)}`;
  if (!Array.isArray(sizes) || sizes.length !== input.ndim) {
    throw shapeError(
      `${what} by sizes ${describeValue(sizes)}: expected a list of ${input.ndim}, one per axis`,
    );
  }
  // Also what a list leaves out is looked at.
  const lengths = Array.from(sizes);
  lengths.forEach((size, axis) => {
    if (Number.isInteger(size) && size >= 0 && size <= input.shape[axis]) return;
    throw shapeError(
      `${what}: the size ${describeValue(size)} on axis ${axis} must be an integer from 0 to ` +
        `${input.shape[axis]}`,
    );
  });
  const { start, open } = readStarts(input, starts, lengths, what);
  if (open.length > 0) return dynamic.dynamicSlice(input, start, open, lengths);
  const first = start as number[];
  const stop = first.map((at, axis) => at + lengths[axis]);
  return slicing.slice(input, first, stop, first.map(() => 1));
}

/**
 * A tensor with a block replaced, whose position may be computed: the inverse of
 * {@linkcode dynamicSlice}. In a compiled loop that carries `x` only the block is written, where it
 * is.
 *
 * @param x Any shape.
 * @param update The block: as many axes as `x`, none longer. It is converted to the dtype of `x`
 * unless that is of a lower category.
 * @param starts The first position of the block on each axis: integers, or integer scalars, in a list,
 * or an integer tensor `[ndim]`. Negative ones count from the end. A block that would stick out is
 * moved to the nearest place where it does not, as in JAX.
 * @returns `x` with `update` in that place.
 * @throws {ShapeError} when the block does not fit into `x`, or there is not one start for each axis.
 * @throws {DtypeError} when a start is not an integer, or the dtype of `x` cannot hold `update`.
 *
 * @example A window written into a row
 * ```ts
 * import { dynamicUpdateSlice } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(dynamicUpdateSlice([1, 2, 3, 4], [8, 9], [1]), [1, 8, 9, 4]);
 * assertTensorsClose(dynamicUpdateSlice([1, 2, 3, 4], [8, 9], [-1]), [1, 2, 8, 9]);
 * ```
 */
export function dynamicUpdateSlice(x: TensorLike, update: TensorLike, starts: Starts): Tensor {
  const input = toTensor(x, "Cannot update");
  const what = `Cannot update ${showType(input)}`;
  const block = castValues(update, input.dtype, what);
  const fits = block.ndim === input.ndim &&
    block.shape.every((length, axis) => length <= input.shape[axis]);
  if (!fits) {
    throw shapeError(
      `${what} with ${showType(block)}: the block must have as many axes, none longer`,
    );
  }
  const { start, open } = readStarts(input, starts, block.shape, what);
  return block.size === 0 ? input : dynamic.updateSlice(input, block, start, open);
}

/** Where a block begins, moved to where it fits: numbers where they are known, tensors elsewhere. */
function readStarts(
  { shape }: Tensor,
  starts: Starts,
  sizes: readonly number[],
  what: string,
): { readonly start: readonly (number | null)[]; readonly open: readonly Tensor[] } {
  const list = starts instanceof Tensor ? splitStarts(starts, shape.length, what) : starts;
  if (!Array.isArray(list) || list.length !== shape.length) {
    throw shapeError(
      `${what} from ${describeValue(list)}: expected a list of ${shape.length}, one start per axis`,
    );
  }
  const open: Tensor[] = [];
  const start = Array.from(list as readonly TensorLike[], (entry, axis) => {
    const where = `${what} from ${describeValue(entry)} on axis ${axis}`;
    const [length, last] = [shape[axis], shape[axis] - sizes[axis]];
    if (typeof entry === "number") {
      if (!Number.isInteger(entry)) throw dtypeError(`${where}: expected an integer`);
      return Math.min(Math.max(entry < 0 ? entry + length : entry, 0), last);
    }
    const at = entry instanceof WeakScalar
      ? toTensorOf(entry, "int32", where)
      : toIndices(entry, where);
    if (at.ndim !== 0) throw shapeError(`${where}: expected a scalar, got ${showType(at)}`);
    open.push(dynamic.nearestStart(countedFromFront(at, length), length, sizes[axis]));
    return null;
  });
  return { start, open };
}

/** The entries of a tensor of starts. */
function splitStarts(starts: Tensor, ndim: number, what: string): readonly Tensor[] {
  if (starts.ndim === 1 && starts.shape[0] === ndim) {
    return range(ndim).map((axis) => reshape(slicing.sliceAxis(starts, 0, axis, axis + 1), []));
  }
  throw shapeError(`${what} from ${showType(starts)}: expected one start per axis, [${ndim}]`);
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
  return strict.gather(input, entries, 0, range(at));
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

/** A list of indices, or an error for anything else. */
function checkList(indices: readonly Index[], what: string): readonly Index[] {
  if (Array.isArray(indices) && indices.length <= MAX_NDIM + 1) return Array.from(indices);
  const got = (indices as unknown) instanceof Tensor ? "a tensor" : describeValue(indices);
  throw argumentError(`${what}: expected a list of indices such as [0, null], got ${got}`);
}

function checkNumbers(x: Tensor, what: string): void {
  if (x.dtype === "bool") throw dtypeError(`${what}: expected numbers; convert with astype`);
}

/** What `indices` name in `x`; throws unless it is there. */
function readPlace(x: Tensor, indices: readonly Index[]): Place {
  const what = `Cannot index ${showType(x)}`;
  const entries = completeIndices(indices, x.ndim, what);
  const positions: Positions[] = [];
  const dropped: number[] = [];
  const axes: number[] = [];
  const tensors: Tensor[] = [];
  // The entries that decide where the axes of the tensors go: NumPy counts integers among them.
  const advanced: { readonly entry: number; readonly axis: number }[] = [];
  entries.forEach((entry, at) => {
    const axis = positions.length;
    const length = x.shape[axis];
    if (entry === "...") {
      const stop = x.ndim - (entries.length - 1 - at);
      for (let i = axis; i < stop; i++) positions.push(wholeAxis(x.shape[i]));
    } else if (entry === null) {
      positions.push(wholeAxis(length));
    } else if (Array.isArray(entry)) {
      positions.push(readSlice(entry, length, axis, what));
    } else if (typeof entry === "number") {
      positions.push({ start: checkIndex(entry, length, axis, what), count: 1, step: 1 });
      dropped.push(axis);
      advanced.push({ entry: at, axis });
    } else {
      positions.push(wholeAxis(length));
      axes.push(axis - dropped.length);
      const tensor = readIndexTensor(entry, axis, what);
      tensors.push(fromFront(tensor, length, axis, what));
      advanced.push({ entry: at, axis });
    }
  });
  const areNeighbours = advanced.every(({ entry }, i) => entry === advanced[0].entry + i);
  const common = commonShape(`${what} with indices`, tensors);
  return {
    shape: x.shape,
    positions,
    dropped,
    axes,
    indices: tensors.map((tensor) => broadcastTo(tensor, common)),
    target: areNeighbours && advanced.length > 0 ? advanced[0].axis : 0,
  };
}

/** The entries of an index of `ndim` axes, with exactly one "...". */
function completeIndices(indices: readonly Index[], ndim: number, what: string): readonly Index[] {
  const dots = indices.filter((entry) => entry === "...").length;
  if (dots > 1) throw argumentError(`${what}: "..." may stand only once`);
  if (indices.length - dots > ndim) {
    throw indexError(`${what} with ${indices.length - dots} entries: it has ${countAxes(ndim)}`);
  }
  return dots === 1 ? indices : [...indices, "..."];
}

function wholeAxis(length: number): Positions {
  return { start: 0, count: length, step: 1 };
}

/** `index` counted from the front; throws unless the axis has it. */
function checkIndex(index: number, length: number, axis: number, what: string): number {
  if (!Number.isInteger(index)) {
    throw indexError(`${what} with ${index} on axis ${axis}: expected an integer`);
  }
  if (index < -length || index >= length) throw outOfRange(index, length, axis, what);
  return index < 0 ? index + length : index === 0 ? 0 : index;
}

function outOfRange(index: number, length: number, axis: number, what: string): Error {
  const range = length === 0 ? "the axis is empty" : `expected ${-length} to ${length - 1}`;
  return indexError(`${what} with ${index} on axis ${axis}: ${range}`);
}

/** The positions of `[start, stop, step]` on an axis, clamped as Python clamps them. */
function readSlice(
  slice: readonly unknown[],
  length: number,
  axis: number,
  what: string,
): Positions {
  const [start, stop, step] = [slice[0] ?? null, slice[1] ?? null, slice[2] ?? 1];
  const isSlice = (slice.length === 2 || slice.length === 3) &&
    [start, stop, step].every((bound) => bound === null || Number.isSafeInteger(bound));
  if (!isSlice || step === 0) {
    const advice = step === 0
      ? "the step must not be 0"
      : "expected [start, stop] or [start, stop, step] of integers and null; " +
        "entries are chosen by a tensor or typed array of integers";
    throw indexError(`${what} with ${describeValue(slice)} on axis ${axis}: ${advice}`);
  }
  const stride = step as number;
  const [lowest, highest] = stride > 0 ? [0, length] : [-1, length - 1];
  const clamp = (bound: unknown, open: number) => {
    if (bound === null) return open;
    const position = bound as number;
    return Math.min(Math.max(position < 0 ? position + length : position, lowest), highest);
  };
  const first = clamp(start, stride > 0 ? 0 : length - 1);
  const count = Math.ceil((clamp(stop, stride > 0 ? length : -1) - first) / stride);
  return count > 0
    ? { start: first, count, step: count === 1 ? 1 : stride }
    : { start: 0, count: 0, step: 1 };
}

function readIndexTensor(entry: unknown, axis: number, what: string): Tensor {
  if (entry instanceof WeakScalar || !(entry instanceof Tensor || ArrayBuffer.isView(entry))) {
    const advice = typeof entry === "boolean"
      ? "choose by a mask with where"
      : 'expected an integer, [start, stop, step], null, "..." or a tensor of integers';
    throw indexError(`${what} with ${describeValue(entry)} on axis ${axis}: ${advice}`);
  }
  const indices = toTensor(entry as TensorLike, what);
  if (isInteger(indices.dtype)) return indices;
  const advice = indices.dtype === "bool"
    ? "choose by a mask with where"
    : 'expected an integer dtype; convert with astype("int32")';
  throw dtypeError(`${what} with ${showType(indices)} on axis ${axis}: ${advice}`);
}

/**
 * Index entries counted from the front, as int32. Those of a concrete tensor are checked; a traced
 * one keeps entries out of range out of range, for the evaluation to find.
 */
function fromFront(indices: Tensor, length: number, axis: number, what: string): Tensor {
  if (indices instanceof Concrete) {
    let isReady = indices.dtype === "int32";
    for (const entry of indices.elements) {
      if (entry < -length || entry >= length) throw outOfRange(entry, length, axis, what);
      if (entry < 0) isReady = false;
    }
    if (isReady) return indices;
    const entries = Int32Array.from(
      indices.elements,
      (entry) => entry < 0 ? entry + length : entry,
    );
    return new Concrete("int32", indices.shape, entries);
  }
  return countedFromFront(indices, length);
}

/** Index entries as int32, negative ones counted from the end. */
function countedFromFront(indices: Tensor, length: number): Tensor {
  if (indices.dtype === "uint32") {
    return convert(minimum(indices, constantLike(indices, 0x7fffffff)), "int32");
  }
  const isNegative = less(indices, constantLike(indices, 0));
  return select(isNegative, offset(indices, length), indices);
}

/** The shape of the part before integer tensors are applied. */
function positionsShape({ positions, dropped }: Place): number[] {
  return withoutAxes(positions.map(({ count }) => count), dropped);
}

/** The shape of the part. */
function partShape(place: Place): Shape {
  const shape = positionsShape(place);
  if (place.indices.length === 0) return shape;
  const rest = withoutAxes(shape, place.axes);
  rest.splice(place.target, 0, ...place.indices[0].shape);
  return checkShape(rest, "Cannot index");
}

/** Where the positions lie as slices with positive steps: first, end, step, and the reversed axes. */
function asSlices({ positions }: Place) {
  const start = positions.map(({ start, count, step }) =>
    step > 0 ? start : start + (count - 1) * step
  );
  const step = positions.map(({ step }) => Math.abs(step));
  const stop = positions.map(({ count }, axis) =>
    count === 0 ? start[axis] : start[axis] + (count - 1) * step[axis] + 1
  );
  const reversed = range(positions.length).filter((axis) => positions[axis].step < 0);
  return { start, stop, step, reversed };
}

/** The positions of a place, without its integer tensors. */
function takePositions(x: Tensor, place: Place): Tensor {
  const { start, stop, step, reversed } = asSlices(place);
  const part = slicing.flip(slicing.slice(x, start, stop, step), reversed);
  return reshape(part, positionsShape(place));
}

/** A place without gaps, as a block with its position: see `dynamicSlice`. */
interface Block {
  readonly start: readonly (number | null)[];
  readonly starts: readonly Tensor[];
  readonly sizes: readonly number[];
  /** The axes that are taken backwards. */
  readonly reversed: readonly number[];
}

/** A place as a block; `null` where positions have gaps, or are those of a list of indices. */
function blockOf(place: Place): Block | null {
  const { start, step, reversed } = asSlices(place);
  const { positions, dropped, axes, indices } = place;
  if (indices.some((entries) => entries.ndim > 0)) return null;
  if (positions.some(({ count }, axis) => count > 1 && step[axis] !== 1)) return null;
  const own = withoutAxes(range(positions.length), dropped);
  const indexed = new Set(axes.map((axis) => own[axis]));
  return {
    start: start.map((first, axis) => indexed.has(axis) ? null : first),
    starts: indices,
    sizes: positions.map(({ count }, axis) => indexed.has(axis) ? 1 : count),
    reversed,
  };
}

function takeBlock(x: Tensor, place: Place, { start, starts, sizes, reversed }: Block): Tensor {
  const part = dynamic.dynamicSlice(x, start, starts, sizes);
  return reshape(slicing.flip(part, reversed), partShape(place));
}

/** `x` with values put, or added, where a block is. */
function putBlock(
  x: Tensor,
  { start, starts, sizes, reversed }: Block,
  values: Tensor,
  put: typeof dynamic.updateSlice,
): Tensor {
  const update = slicing.flip(reshape(values, sizes), reversed);
  if (starts.length > 0 || update.size < x.size) return put(x, update, start, starts);
  return put === dynamic.updateSlice ? update : add(x, update);
}

/** What {@linkcode takePositions} took put back, with zeros everywhere else. */
function spread(part: Tensor, place: Place): Tensor {
  const { start, stop, step, reversed } = asSlices(place);
  const whole = reshape(part, place.positions.map(({ count }) => count));
  return slicing.pad(
    slicing.flip(whole, reversed),
    start,
    place.shape.map((length, axis) => length - stop[axis]),
    step.map((steps) => steps - 1),
  );
}

/** `x` with `part` at the positions of a place. */
function putPositions(x: Tensor, place: Place, part: Tensor): Tensor {
  const spreadPart = spread(part, place);
  if (part.size === x.size) return spreadPart;
  return select(spread(splat(1, "bool", part.shape), place), spreadPart, x);
}

/** Where the whole of a tensor is as large as this many times a known place, only that is touched. */
const MANY = 16;

/** Whether a place has so few elements that they are better visited one by one than as part of all. */
function isFew(place: Place): boolean {
  const { shape, indices } = place;
  const few = sizeOf(partShape(place));
  return few > 0 && (indices.length > 0 ? 4 : MANY) * few <= sizeOf(shape);
}

/** A place as positions on one axis: neighbouring axes with everything between them as one. */
interface Window {
  /** How many axes stand in front of that axis. */
  readonly outer: number;
  /** The shape with that axis. */
  readonly merged: readonly number[];
  /** The positions. */
  readonly positions: Tensor;
  /** Where the axes of the place's integer tensors stand among those of the part. */
  readonly at: number;
}

function windowOf({ shape, positions, dropped, axes, indices, target }: Place): Window {
  const own = withoutAxes(range(shape.length), dropped);
  const indexed = axes.map((axis) => own[axis]);
  const isPart = (axis: number): boolean =>
    indexed.includes(axis) || dropped.includes(axis) || positions[axis].count < shape[axis] ||
    positions[axis].step < 0;
  const parts = range(shape.length).filter(isPart);
  const [outer, end] = [parts[0], parts[parts.length - 1] + 1];
  const inner = range(outer, end);
  const counted = inner.filter((axis) => !indexed.includes(axis) && !dropped.includes(axis));
  const before = Math.min(Math.max(target - outer, 0), counted.length);
  const entries = indices[0]?.shape ?? [];
  const lengths = counted.map((axis) => positions[axis].count);
  const merged = inner.map((axis): AxisPositions => {
    const { start, count, step } = positions[axis];
    const length = shape[axis];
    const index = indexed.indexOf(axis);
    if (index >= 0) return { length, start: indices[index], count: 1, step: 1, along: 0 };
    const place = counted.indexOf(axis);
    return { length, start, count, step, along: place < before ? place : place + entries.length };
  });
  return {
    outer,
    merged: mergeAxes(shape, outer, end),
    positions: mergePositions(
      merged,
      [...lengths.slice(0, before), ...entries, ...lengths.slice(before)],
      range(before, before + entries.length),
    ),
    at: outer + before,
  };
}

/** The few elements of a place. */
function takeFew(x: Tensor, place: Place): Tensor {
  const { outer, merged, positions, at } = windowOf(place);
  const taken = strict.gather(reshape(x, merged), positions, 0, range(outer));
  const count = place.indices[0].ndim;
  return transpose(taken, blockPermutation(taken.ndim, count, at, place.target));
}

/** `x` with the few elements of a place replaced, or with values added to them. */
function changeFew(
  x: Tensor,
  place: Place,
  values: Tensor,
  change: typeof strict.scatterSet,
): Tensor {
  const { outer, merged, positions, at } = windowOf(place);
  const count = place.indices[0]?.ndim ?? 0;
  const entries = transpose(values, blockPermutation(values.ndim, count, place.target, at));
  return reshape(change(reshape(x, merged), entries, positions, 0, range(outer)), x.shape);
}

/** The permutation that takes a block of axes, `count` of them at `from`, to `to` among the others. */
function blockPermutation(ndim: number, count: number, from: number, to: number): number[] {
  const block = range(from, from + count);
  const rest = withoutAxes(range(ndim), block);
  return [...rest.slice(0, to), ...block, ...rest.slice(to)];
}

/** Integer tensors applied to axes as one tensor applied to one axis. */
interface Merged {
  /** The order of axes that makes the indexed ones neighbours. */
  readonly permutation: readonly number[];
  /** The lengths of all axes in that order. */
  readonly shape: readonly number[];
  /** The axes in front of the indexed ones. */
  readonly outer: readonly number[];
  /** How many positions the indexed axes have together. */
  readonly size: number;
  /** The lengths of all axes in that order, the indexed ones as one. */
  readonly rows: readonly number[];
  /** Row-major positions among the indexed axes. */
  readonly flat: Tensor;
}

/** The indexed axes of the part of shape {@linkcode positionsShape} as one axis. */
function mergeIndices(place: Place): Merged {
  const own = positionsShape(place);
  const rest = withoutAxes(range(own.length), place.axes);
  // Neighbours stay where they are.
  const [first] = place.axes;
  const front = place.axes.every((axis, i) => axis === first + i) ? first : 0;
  const permutation = [...rest.slice(0, front), ...place.axes, ...rest.slice(front)];
  const lengths = place.axes.map((axis) => own[axis]);
  const size = sizeOf(lengths);
  return {
    permutation,
    shape: permutation.map((axis) => own[axis]),
    outer: range(front),
    size,
    rows: insertAt(rest.map((axis) => own[axis]), front, size),
    flat: flattenIndices(place.indices, lengths),
  };
}

/** Row-major positions among axes of these lengths; -1 where an index is out of its own range. */
function flattenIndices(indices: readonly Tensor[], lengths: readonly number[]): Tensor {
  if (indices.length === 1) return indices[0];
  const strides = stridesOf(lengths);
  let flat: Tensor | null = null;
  let isInside: Tensor | null = null;
  indices.forEach((entries, i) => {
    const term = scale(entries, strides[i]);
    flat = flat === null ? term : add(flat, term);
    // Concrete entries have been checked.
    if (entries instanceof Concrete) return;
    const fits = and(
      lessEqual(constantLike(entries, 0), entries),
      less(entries, constantLike(entries, lengths[i])),
    );
    isInside = isInside === null ? fits : and(isInside, fits);
  });
  if (isInside === null) return flat!;
  return select(isInside, flat!, constantLike(flat!, -1));
}

/** The entries that the integer tensors of a place name. */
function takeEntries(part: Tensor, place: Place): Tensor {
  const { permutation, outer, size, rows, flat } = mergeIndices(place);
  const shape = partShape(place);
  // Positions of so many can be counted only where another axis is empty.
  if (size > MAX_SIZE) return splat(0, part.dtype, shape);
  const taken = strict.gather(reshape(transpose(part, permutation), rows), flat, 0, outer);
  return transpose(taken, blockPermutation(taken.ndim, flat.ndim, outer.length, place.target));
}

/** `values`, of the shape of a place, with the axes of its integer tensors behind the outer ones. */
function entriesBehind(outer: readonly number[], values: Tensor, place: Place): Tensor {
  const count = place.indices[0].ndim;
  return transpose(values, blockPermutation(values.ndim, count, place.target, outer.length));
}

/** `part` with `values` where the integer tensors of a place point, the last of several. */
function putEntries(part: Tensor, place: Place, values: Tensor): Tensor {
  const { permutation, shape, outer, rows, flat } = mergeIndices(place);
  const before = reshape(transpose(part, permutation), rows);
  const entries = entriesBehind(outer, values, place);
  const result = strict.scatterSet(before, entries, flat, 0, outer);
  return transpose(reshape(result, shape), inversePermutation(permutation));
}

/** The sums of `values` where the integer tensors of a place point, zero elsewhere. */
function sumEntries(values: Tensor, place: Place): Tensor {
  const { permutation, shape, outer, size, flat } = mergeIndices(place);
  const sums = strict.scatterAdd(entriesBehind(outer, values, place), flat, size, 0, outer);
  return transpose(reshape(sums, shape), inversePermutation(permutation));
}

/** `values` in the dtype `dtype` and the shape `shape`. */
function readValues(values: TensorLike, dtype: Dtype, shape: Shape, what: string): Tensor {
  const cast = castValues(values, dtype, what);
  checkBroadcast(`${what}: cannot broadcast`, cast, shape);
  return broadcastTo(cast, shape);
}

/** `values` as `dtype`; an error where that would lose a category, as floats in integers. */
function castValues(values: TensorLike, dtype: Dtype, what: string): Tensor {
  const isWeak = isNumber(values) || typeof values === "boolean" || Array.isArray(values);
  const tensor = isWeak ? weakValues(values, dtype, what) : toTensor(values, what);
  const categories = DTYPES.map(categoryOf);
  const rank = (type: Dtype) => categories.indexOf(categoryOf(type));
  if (rank(tensor.dtype) <= rank(dtype)) return convert(tensor, dtype);
  throw dtypeError(
    `${what}: ${showType(tensor)} does not fit ${dtype}; convert one of them with astype`,
  );
}

/** Numbers adopt the dtype that they are put into, bools stay what they are. */
function weakValues(values: TensorLike, dtype: Dtype, what: string): Tensor {
  if (values instanceof WeakScalar) {
    return toTensorOf(values, dtype === "bool" ? undefined : dtype, what);
  }
  const own = fromJavaScript(values, undefined, what);
  return own.dtype === "bool" || dtype === "bool" ? own : fromJavaScript(values, dtype, what);
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
 * Indices along an axis as positions on one axis, which takes the place of that axis, of all behind it,
 * and of all from the first one on that the indices do not cover; the axes in front are shared.
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
