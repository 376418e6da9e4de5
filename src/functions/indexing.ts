/**
 * Reading and writing parts of tensors, by NumPy's rules for indices: integers, slices, new axes,
 * integer tensors and masks. Writing gives a new tensor. Places that are known without looking at a tensor's elements
 * become slices, reversals and padding; integer tensors become gathers and scatters along one axis
 * that is merged from all the axes that they index.
 *
 * @module
 */
import {
  insertAt,
  inversePermutation,
  MAX_SIZE,
  range,
  showType,
  sizeOf,
  stridesOf,
  withoutAxes,
} from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { Index } from "../core/tensor.ts";
import { Concrete, splat, type Tensor } from "../core/tensor.ts";
import type { TensorLike } from "../core/tensor.ts";
import { add, scale } from "../primitives/arithmetic.ts";
import { and, less, lessEqual, select } from "../primitives/comparison.ts";
import * as dynamic from "../primitives/dynamic_slicing.ts";
import * as strict from "../primitives/indexing.ts";
import { type AxisPositions, mergeAxes, mergePositions } from "../primitives/positions.ts";
import * as slicing from "../primitives/slicing.ts";
import { broadcast, constantLike, moveAxis, reshape, transpose } from "../primitives/structure.ts";
import {
  checkList,
  chooseByMask,
  maskOf,
  partShape,
  positionsShape,
  readEntries,
  readPlace,
} from "./places.ts";
import type { Entry, Masked, Place } from "./places.ts";
import { castValues, checkNumbers, readValues } from "./written_values.ts";

/**
 * Part of a tensor, by NumPy's rules.
 *
 * @category Indexing
 * @param x Any shape.
 * @param indices One entry per axis, from the first on; axes without an entry are taken whole.
 *
 * - An integer takes one position, and the axis goes away. Negative counts from the end.
 * - `slice(start, stop, step)` takes positions from `start` on, up to but not with `stop`. `null` leaves
 * a side open, positions beyond the ends are clamped, a negative step goes backwards. `[start, stop]` is
 * the same with step one; with a step, a plain array is a slice only where it has a `null`.
 * - `null` takes the whole axis, and `"..."` all axes that have no other entry.
 * - `newAxis` gives the part an axis of length one there.
 * - A tensor or typed array of integers takes the positions that it names. Several are broadcast
 * together and matched entry by entry; the axes of their common shape take the position of the indexed axes
 * were when those (integers included) are neighbours, and come first otherwise.
 * - A mask, a `bool` tensor, takes the positions where it is true, in order, and represents as many axes
 * as it has: it is read as the tensors that `nonzero` gives. Its values must be known; in compiled code
 * `nonzero` with a `size`, or `where`, takes its place.
 * @returns The part.
 * @throws {IndexError} when there are more entries than axes, an integer is out of range, or a plain
 * array of numbers could be meant as a list of entries.
 * @throws {DtypeError} when a tensor is not of an integer dtype or `bool`.
 * @throws {ShapeError} when index tensors do not broadcast together, or a mask has not the lengths of
 * the axes that it represents.
 * @throws {TraceError} when a mask is traced and its values are not known.
 *
 * @example A row, a column backwards, and chosen entries
 * ```ts
 * import { index, slice, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = tensor([[1, 2, 3], [4, 5, 6]]);
 * assertTensorsClose(index(x, 1), [4, 5, 6]);
 * assertTensorsClose(index(x, slice(null, null, -1), -1), [6, 3]);
 * assertTensorsClose(index(x, x.greater(2)), [3, 4, 5, 6]);
 * assertTensorsClose(index(x, new Int32Array([0, 1, 1]), new Int32Array([0, 0, 2])), [1, 4, 6]);
 * ```
 */
export function index(x: TensorLike, ...indices: readonly Index[]): Tensor {
  const given = toTensor(x, "Cannot index");
  const { x: input, entries, what } = readEntries(given, indices);
  return takePlace(input, entries.flatMap(chooseByMask), what);
}

/** The part of a tensor that entries name. */
function takePlace(input: Tensor, entries: readonly Entry[], what: string): Tensor {
  const place = readPlace(input, entries, what);
  const block = place.indices.length === 0 ? null : blockOf(place);
  if (block !== null) return takeBlock(input, place, block);
  if (place.indices.length === 0) return takePositions(input, place);
  if (isFew(place)) return takeFew(input, place);
  return takeEntries(takePositions(input, place), place);
}

/**
 * A tensor with other values in one place.
 *
 * @category Indexing
 * @param x Any shape.
 * @param indices The place: a list of what {@linkcode index} takes.
 * @param values The values to put there; broadcast to the shape of the place, and converted to the dtype of
 * `x` unless that is of a lower category. Where index tensors name a position more than once, the
 * last of its values stays. Values for a mask that is traced must be the same for all entries that it
 * chooses.
 * @returns `x` with `values` in that place. Derivatives flow to the values that stay, and to the
 * rest of `x`.
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
  return changeAt(input, indices, values, `Cannot set in ${showType(input)}`, setPlace, takePlace);
}

/** `input` with `filling` in a place. */
function setPlace(input: Tensor, place: Place, filling: Tensor): Tensor {
  const block = blockOf(place);
  if (block !== null) return putBlock(input, block, filling, dynamic.updateSlice);
  if (isFew(place)) return changeFew(input, place, filling, strict.scatterSet);
  if (place.indices.length === 0) return putPositions(input, place, filling);
  const part = takePositions(input, place);
  return putPositions(input, place, putEntries(part, place, filling));
}

/**
 * A tensor with values added at an index.
 *
 * @category Indexing
 * @param x Any shape, of a number dtype.
 * @param indices The place: a list of what {@linkcode index} takes.
 * @param values The values to add there; broadcast to the shape of the place, and converted to the dtype of
 * `x` unless that is of a lower category. Where index tensors name a position more than once, all of
 * its values are added. Values for a mask that is traced must be the same for all entries that it
 * chooses.
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
  return changeAt(input, indices, values, what, addPlace, null);
}

/** `input` with `terms` added in a place. */
function addPlace(input: Tensor, place: Place, terms: Tensor): Tensor {
  const block = blockOf(place);
  if (block !== null) return putBlock(input, block, terms, dynamic.addSlice);
  if (isFew(place)) return changeFew(input, place, terms, strict.scatterOnto);
  if (place.indices.length === 0) return add(input, spread(terms, place));
  return add(input, spread(sumEntries(terms, place), place));
}

/**
 * `input` changed in the place given by `indices`. Values that are the same for all entries that a mask
 * chooses do not depend on the number of entries: the mask selects them from the result of `unchanged`
 * for the place without the mask, or from zeros.
 */
function changeAt(
  input: Tensor,
  indices: readonly Index[],
  values: TensorLike,
  what: string,
  change: (x: Tensor, place: Place, values: Tensor) => Tensor,
  unchanged: typeof takePlace | null,
): Tensor {
  const { x, entries, what: where } = readEntries(input, checkList(indices, what));
  const cast = castValues(values, input.dtype, what);
  const masked = maskOf(entries);
  const whole = masked === null ? null : readPlace(x, masked.entries, where);
  const stretched = whole === null ? null : stretchValues(cast, masked!, partShape(whole).length);
  let [place, filling] = [whole!, cast];
  if (stretched === null) {
    place = readPlace(x, entries.flatMap(chooseByMask), where);
    filling = readValues(cast, input.dtype, partShape(place), what);
  } else {
    const shape = partShape(whole!);
    const chosen = readValues(stretched, input.dtype, shape, what);
    const axes = masked!.mask.shape.map((_, i) => masked!.from + i);
    const others = unchanged === null
      ? splat(0, input.dtype, shape)
      : unchanged(x, masked!.entries, where);
    filling = select(broadcast(masked!.mask, shape, axes), chosen, others);
  }
  if (filling.size === 0) return input;
  return reshape(change(x, place, filling), input.shape);
}

/**
 * Values for the entries that a mask chooses as values for all entries, in a part of `ndim` axes; `null`
 * where there may be one for each of those.
 */
function stretchValues(
  values: Tensor,
  { mask, from, target }: Masked,
  ndim: number,
): Tensor | null {
  const missing = ndim - mask.ndim + 1 - values.ndim;
  if (missing < 0) return null;
  const shape = [...range(missing).map(() => 1), ...values.shape];
  if (shape[target] !== 1) return null;
  const moved = moveAxis(reshape(values, shape), target, from);
  return reshape(moved, moved.shape.toSpliced(from, 1, ...mask.shape.map(() => 1)));
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

/** The inverse of {@linkcode takePositions}: puts a part back, with zeros everywhere else. */
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
  /** The number of axes before that axis. */
  readonly outer: number;
  /** The shape with that axis. */
  readonly merged: readonly number[];
  /** The positions. */
  readonly positions: Tensor;
  /** The position of the axes of the place's integer tensors among those of the part. */
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
  /** The axes before the indexed ones. */
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
  // This number of positions can be counted only if another axis is empty.
  if (size > MAX_SIZE) return splat(0, part.dtype, shape);
  const taken = strict.gather(reshape(transpose(part, permutation), rows), flat, 0, outer);
  return transpose(taken, blockPermutation(taken.ndim, flat.ndim, outer.length, place.target));
}

/** `values`, of the shape of a place, with the axes of its integer tensors after the outer ones. */
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
