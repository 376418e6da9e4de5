/**
 * Tensors put together and cut apart, after NumPy: stacks, blocks, entries put in and taken out.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError, indexError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import {
  checkAxis,
  checkShape,
  MAX_NDIM,
  range,
  removeAt,
  showType,
  sizeOf,
} from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import { splat } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import * as slicing from "../primitives/slicing.ts";
import * as structure from "../primitives/structure.ts";
import { take } from "./along_axis.ts";
import { checkBroadcast, checkInteger } from "./arguments.ts";
import { broadcastTo as stretch, promoteTogether } from "./broadcasting.ts";
import { logicalNot } from "./comparison.ts";
import { concatenate, readList, split, tile } from "./joining.ts";
import { atLeast1d, atLeast2d, atLeast3d } from "./rearranging.ts";
import { ravel } from "./shape.ts";

/**
 * Tensors and numbers in nested lists.
 *
 * @category Shapes
 */
export type Blocks = TensorLike | readonly Blocks[];

/**
 * Options of `trimZeros`.
 *
 * @category Shapes
 */
export interface TrimOptions {
  /** At which ends: the front, the back, or both (the default). */
  readonly trim?: "f" | "b" | "fb";
}

/** How many parts a list may have. */
const MAX_PARTS = 2 ** 20;

/**
 * Tensors one below the other: joined along their first axis; vectors count as rows.
 *
 * @category Shapes
 * @param list At least one tensor. They meet in one dtype.
 * @returns The joined tensor, of at least two axes.
 * @throws {ShapeError} when the list is empty, or lengths differ elsewhere.
 *
 * @example Rows
 * ```ts
 * import { vstack } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(vstack([[1, 2], [3, 4]]), [[1, 2], [3, 4]]);
 * ```
 */
export function vstack(list: readonly TensorLike[]): Tensor {
  return concatenate(readList(list, "Cannot stack").map(atLeast2d), 0);
}

/**
 * Tensors side by side: joined along their second axis; vectors along their only one.
 *
 * @category Shapes
 * @param list At least one tensor. They meet in one dtype.
 * @returns The joined tensor, of at least one axis.
 * @throws {ShapeError} when the list is empty, or lengths differ elsewhere.
 *
 * @example Side by side
 * ```ts
 * import { hstack } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(hstack([[1, 2], [3]]), [1, 2, 3]);
 * ```
 */
export function hstack(list: readonly TensorLike[]): Tensor {
  const inputs = readList(list, "Cannot stack").map(atLeast1d);
  return concatenate(inputs, inputs[0].ndim === 1 ? 0 : 1);
}

/**
 * Tensors stacked in depth: joined along their third axis, which vectors and matrices get first, as
 * `atLeast3d` says.
 *
 * @category Shapes
 * @param list At least one tensor. They meet in one dtype.
 * @returns The joined tensor, of at least three axes.
 * @throws {ShapeError} when the list is empty, or lengths differ elsewhere.
 *
 * @example In depth
 * ```ts
 * import { dstack } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(dstack([[1, 2], [3, 4]]), [[[1, 3], [2, 4]]]);
 * ```
 */
export function dstack(list: readonly TensorLike[]): Tensor {
  return concatenate(readList(list, "Cannot stack").map(atLeast3d), 2);
}

/**
 * Vectors and matrices side by side, vectors as columns.
 *
 * @category Shapes
 * @param list At least one tensor. They meet in one dtype.
 * @returns The joined tensor, of at least two axes.
 * @throws {ShapeError} when the list is empty, or lengths differ elsewhere.
 *
 * @example Two columns
 * ```ts
 * import { columnStack } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(columnStack([[1, 2], [3, 4]]), [[1, 3], [2, 4]]);
 * ```
 */
export function columnStack(list: readonly TensorLike[]): Tensor {
  const columns = readList(list, "Cannot stack").map((x) =>
    x.ndim < 2 ? structure.reshape(x, [x.size, 1]) : x
  );
  return concatenate(columns, 1);
}

/**
 * A tensor of blocks, given as nested lists: innermost lists are joined along the last axis, those around them along the one before, and so on, as NumPy's `block`.
 *
 * @category Shapes
 * @param list Tensors in lists nested to the same depth; numbers at the innermost level are blocks too.
 * @returns The joined tensor, with at least as many axes as lists are nested.
 * @throws {ShapeError} when a list is empty or nested unevenly, or blocks do not fit.
 *
 * @example Four blocks
 * ```ts
 * import { block, ones, zeros } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(block([[ones([1, 2]), zeros([1, 1])], [zeros([1, 2]), ones([1, 1])]]), [
 *   [1, 1, 0],
 *   [0, 0, 1],
 * ]);
 * ```
 */
export function block(list: Blocks): Tensor {
  const what = "Cannot join blocks";
  const depthOf = (entry: Blocks, most: number): number => {
    if (!Array.isArray(entry)) return 0;
    if (most === 0) throw shapeError(`${what}: they are nested deeper than ${MAX_NDIM} levels`);
    if (entry.length === 0) throw shapeError(`${what} of an empty list: expected at least one`);
    const depths = Array.from(entry, (part) => depthOf(part, most - 1));
    if (depths.some((depth) => depth !== depths[0])) {
      throw shapeError(`${what}: expected lists nested to the same depth everywhere`);
    }
    return depths[0] + 1;
  };
  const depth = depthOf(list, MAX_NDIM);
  const leaves: Tensor[] = [];
  const collect = (entry: Blocks): void => {
    if (Array.isArray(entry)) entry.forEach(collect);
    else leaves.push(toTensor(entry as TensorLike, what));
  };
  collect(list);
  const ndim = Math.max(depth, ...leaves.map((leaf) => leaf.ndim));
  const join = (entry: Blocks, level: number): Tensor => {
    if (Array.isArray(entry)) {
      return concatenate(entry.map((part) => join(part, level + 1)), ndim - depth + level);
    }
    const leaf = toTensor(entry as TensorLike, what);
    return structure.reshape(leaf, [...range(ndim - leaf.ndim).map(() => 1), ...leaf.shape]);
  };
  return join(list, 0);
}

/**
 * A tensor followed by another one.
 *
 * @category Shapes
 * @param x Any shape.
 * @param values The values to append; of the shape of `x` except for this axis.
 * @param axis The axis along which they follow each other; left out, both are flattened first.
 * @returns The joined tensor.
 * @throws {ShapeError} when lengths differ elsewhere.
 * @throws {AxisError} when an axis is out of range.
 *
 * @example At the end
 * ```ts
 * import { append } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(append([[1, 2]], [3]), [1, 2, 3]);
 * ```
 */
export function append(x: TensorLike, values: TensorLike, axis?: number | null): Tensor {
  const pair = [x, values].map((part) => toTensor(part, "Cannot append"));
  if (axis === undefined || axis === null) return concatenate(pair.map((part) => ravel(part)), 0);
  return concatenate(pair, axis);
}

/**
 * `x` cut into parts along an axis, which need not be equal: the first ones are one longer where the length does not divide.
 *
 * @category Shapes
 * @param x Any shape with this axis.
 * @param sectionsOrIndices How many parts; or a list of positions at which to cut, as `split` has them.
 * @param axis The axis to cut. Default 0.
 * @returns The parts in order.
 * @throws {ArgumentError} when the number of parts is not positive.
 * @throws {AxisError} when an axis is out of range.
 *
 * @example Uneven parts
 * ```ts
 * import { arraySplit } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [first, second] = arraySplit([1, 2, 3], 2);
 * assertTensorsClose(first, [1, 2]);
 * assertTensorsClose(second, [3]);
 * ```
 */
export function arraySplit(
  x: TensorLike,
  sectionsOrIndices: number | readonly number[],
  axis?: number,
): Tensor[] {
  if (axis === undefined) axis = 0;
  const input = toTensor(x, "Cannot split");
  const what = `Cannot split ${showType(input)}`;
  const at = checkAxis(axis, input.ndim, what);
  if (Array.isArray(sectionsOrIndices)) return split(input, sectionsOrIndices, at);
  const count = checkInteger(sectionsOrIndices, what, "a number of parts or a list of positions");
  if (count < 1 || count > MAX_PARTS) {
    throw argumentError(`${what} into ${count} parts: expected 1 to ${MAX_PARTS}`);
  }
  const length = input.shape[at];
  const [whole, more] = [Math.floor(length / count), length % count];
  return split(input, range(1, count).map((i) => i * whole + Math.min(i, more)), at);
}

/**
 * The entries along an axis as tensors of their own: the inverse of `stack`.
 *
 * @category Shapes
 * @param x Any shape with this axis.
 * @param axis The axis that goes. Default 0.
 * @returns A list of as many tensors as the axis is long.
 * @throws {AxisError} when an axis is out of range.
 *
 * @example Rows
 * ```ts
 * import { unstack } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [first, second] = unstack([[1, 2], [3, 4]]);
 * assertTensorsClose(first, [1, 2]);
 * assertTensorsClose(second, [3, 4]);
 * ```
 */
export function unstack(x: TensorLike, axis?: number): Tensor[] {
  const input = toTensor(x, "Cannot unstack");
  const what = `Cannot unstack ${showType(input)}`;
  const at = checkAxis(axis === undefined ? 0 : axis, input.ndim, what);
  const length = input.shape[at];
  if (length > MAX_PARTS) {
    throw shapeError(`${what} into ${length} parts: at most ${MAX_PARTS} fit into a list`);
  }
  const shape = removeAt(input.shape, at);
  return range(length).map((i) => structure.reshape(slicing.sliceAxis(input, at, i, i + 1), shape));
}

/**
 * `x` without the entries at some positions of an axis.
 *
 * @category Shapes
 * @param x Any shape with this axis.
 * @param places One place or a list of them; negative ones count from the end.
 * @param axis The axis; left out, the tensor is flattened first.
 * @returns The rest, in order.
 * @throws {IndexError} when a place is out of range.
 * @throws {AxisError} when an axis is out of range.
 *
 * @example Without the first
 * ```ts
 * import { deleteAt } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(deleteAt([5, 6, 7], [0, -1]), [6]);
 * ```
 */
export function deleteAt(
  x: TensorLike,
  places: number | readonly number[],
  axis?: number | null,
): Tensor {
  const { input, at, what } = alongAxis("Cannot delete from", x, axis);
  const gone = new Set(readPlaces(places, input.shape[at], `${what} along axis ${at}`));
  return take(input, Int32Array.from(range(input.shape[at]).filter((i) => !gone.has(i))), at);
}

/**
 * `x` with values inserted at positions of an axis, as NumPy's `insert`.
 *
 * @category Shapes
 * @param x Any shape with this axis.
 * @param places One place, or a list of them: positions in `x`, before which values go; its length is the
 * end. Negative ones count from the end.
 * @param values The values to insert. At one place, a tensor whose shape without this axis broadcasts with that of
 * `x`, or one entry; at a list of places, one entry for each of them, or one for all.
 * @param axis The axis; left out, the tensor is flattened first.
 * @returns `x` with the values between.
 * @throws {IndexError} when a place is out of range.
 * @throws {ShapeError} when the values do not fit.
 * @throws {AxisError} when an axis is out of range.
 *
 * @example In the middle
 * ```ts
 * import { insert } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(insert([1, 4], 1, [2, 3]), [1, 2, 3, 4]);
 * ```
 */
export function insert(
  x: TensorLike,
  places: number | readonly number[],
  values: TensorLike,
  axis?: number | null,
): Tensor {
  const { input, at, what } = alongAxis("Cannot insert into", x, axis);
  const length = input.shape[at];
  const list = readPlaces(places, length, `${what} along axis ${at}`, 1);
  const [own, given] = promoteTogether(what, [input, toTensor(values, what)]);
  const aligned = given.ndim >= own.ndim
    ? given
    : structure.reshape(given, [...range(own.ndim - given.ndim).map(() => 1), ...given.shape]);
  if (aligned.ndim > own.ndim) throw shapeError(`${what}: ${showType(given)} has too many axes`);
  const count = Array.isArray(places) ? list.length : aligned.shape[at];
  const shape = own.shape.map((size, i) => i === at ? count : size);
  checkBroadcast(`${what}: cannot broadcast`, aligned, shape);
  const added = stretch(aligned, shape);
  // Values at one place follow each other; the sort is stable.
  const entries = range(count).map((i) => ({ place: list[Array.isArray(places) ? i : 0], i }))
    .sort((a, b) => a.place - b.place);
  const order = new Int32Array(length + count);
  let next = 0;
  for (let place = 0, to = 0; place <= length; place++) {
    while (next < count && entries[next].place === place) order[to++] = length + entries[next++].i;
    if (place < length) order[to++] = place;
  }
  return take(concatenate([own, added], at), order, at);
}

/** The tensor to work on: flattened if no axis is given. */
function alongAxis(
  what: string,
  x: TensorLike,
  axis: number | null | undefined,
): { readonly input: Tensor; readonly at: number; readonly what: string } {
  const given = toTensor(x, what);
  const shown = `${what} ${showType(given)}`;
  if (axis === undefined || axis === null) return { input: ravel(given), at: 0, what: shown };
  return { input: given, at: checkAxis(axis, given.ndim, shown), what: shown };
}

/** Places on an axis, counted from the front; `room` more than it is long may be named. */
function readPlaces(
  places: number | readonly number[],
  length: number,
  what: string,
  room = 0,
): number[] {
  return Array.from(Array.isArray(places) ? places : [places], (place) => {
    const index = checkInteger(place, what, "an integer place");
    if (index >= -length && index < length + room) return index < 0 ? index + length : index;
    throw indexError(`${what} at ${index}: expected ${-length} to ${length + room - 1}`);
  });
}

/**
 * The elements of `x`, over and over, in another shape.
 *
 * @category Shapes
 * @param x Any shape.
 * @param shape The new shape, of any size.
 * @returns The elements in row-major order, from the beginning again after the last one; zeros where `x`
 * has none.
 * @throws {ShapeError} when `shape` is not a shape.
 *
 * @example Over and over
 * ```ts
 * import { resize } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(resize([1, 2, 3], [2, 2]), [[1, 2], [3, 1]]);
 * ```
 */
export function resize(x: TensorLike, shape: number | Shape): Tensor {
  const input = toTensor(x, "Cannot resize");
  const target = checkShape(
    typeof shape === "number" ? [shape] : shape,
    `Cannot resize ${showType(input)}`,
  );
  const size = sizeOf(target);
  if (input.size === 0 || size === 0) return splat(0, input.dtype, target);
  const times = Math.ceil(size / input.size);
  const flat = times === 1 ? ravel(input) : tile(ravel(input), times);
  return structure.reshape(slicing.sliceAxis(flat, 0, 0, size), target);
}

/**
 * A vector without the zeros at its ends. The length of the result depends on the elements, so that they must be known: not within `jit`, `vmap` or a derivative.
 *
 * @category Shapes
 * @param x A vector.
 * @param options `trim`: at which ends, `"f"` the front, `"b"` the back, `"fb"` both (the default).
 * @returns The part between.
 * @throws {ShapeError} when `x` is not a vector.
 * @throws {TraceError} when the elements are not known.
 *
 * @example Both ends
 * ```ts
 * import { trimZeros } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(trimZeros([0, 1, 0, 2, 0]), [1, 0, 2]);
 * ```
 */
export function trimZeros(x: TensorLike, options?: TrimOptions): Tensor {
  const what = "Cannot trim";
  const { trim = "fb" } = readOptions(what, options, ["trim"]);
  if (trim !== "f" && trim !== "b" && trim !== "fb") {
    throw argumentError(`${what}: expected trim "f", "b" or "fb", got ${describeValue(trim)}`);
  }
  const vector = toTensor(x, what);
  if (vector.ndim !== 1) throw shapeError(`${what} ${showType(vector)}: expected a vector`);
  const isZero = logicalNot(vector).data() as Uint8Array;
  let [start, stop] = [0, isZero.length];
  if (trim !== "b") { while (start < stop && isZero[start]) start++; }
  if (trim !== "f") { while (stop > start && isZero[stop - 1]) stop--; }
  return slicing.sliceAxis(vector, 0, start, stop);
}
