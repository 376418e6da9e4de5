/**
 * Tensors joined, cut into parts, and repeated, after NumPy.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { checkAxis, checkShape, insertAt, range, sameShape, showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import { Tensor } from "../core/tensor.ts";
import type { TensorLike } from "../core/tensor.ts";
import * as slicing from "../primitives/slicing.ts";
import * as structure from "../primitives/structure.ts";
import { checkInteger, checkLength } from "./arguments.ts";
import { broadcastTo as stretch, promoteTogether } from "./broadcasting.ts";

/**
 * Tensors joined along an axis that they have.
 *
 * @category Shapes
 * @param list At least one; all of the same lengths on every other axis. They meet in one dtype.
 * @param axis The axis along which they follow each other. Default 0.
 * @returns The joined tensor.
 * @throws {ShapeError} when the list is empty, holds a scalar, or other axes differ in length.
 * @throws {AxisError} when the axis is out of range.
 *
 * @example Two vectors in one
 * ```ts
 * import { concatenate } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(concatenate([[1, 2], [3]]), [1, 2, 3]);
 * ```
 */
export function concatenate(list: readonly TensorLike[], axis?: number): Tensor {
  if (axis === undefined) axis = 0;
  const inputs = readList(list, "Cannot concatenate");
  const [first] = inputs;
  for (const input of inputs) {
    if (input.ndim === 0) {
      throw shapeError(`Cannot concatenate ${showType(input)}: a scalar has no axes; use stack`);
    }
  }
  const at = checkAxis(axis, first.ndim, `Cannot concatenate ${showType(first)}`);
  for (const input of inputs) {
    const what = `Cannot concatenate ${showType(first)} and ${showType(input)} along axis ${at}`;
    if (input.ndim !== first.ndim) {
      throw shapeError(`${what}: they have ${first.ndim} and ${input.ndim} axes`);
    }
    const wrong = input.shape.findIndex((length, i) => i !== at && length !== first.shape[i]);
    if (wrong >= 0) {
      throw shapeError(
        `${what}: axis ${wrong} has lengths ${first.shape[wrong]} and ${input.shape[wrong]}`,
      );
    }
  }
  return slicing.concatenate(inputs, at);
}

/** The entries of a list of tensors, of which there is at least one. */
export function checkList(list: readonly TensorLike[], what: string): TensorLike[] {
  if (list instanceof Tensor || !Array.isArray(list)) {
    const got = list instanceof Tensor ? showType(list) : describeValue(list);
    throw argumentError(`${what}: expected a list of tensors, got ${got}`);
  }
  if (list.length === 0) throw shapeError(`${what} an empty list: expected at least one tensor`);
  // A hole stops the copy, which a long list of nothing else would never end.
  return Array.from(list, (entry) => entry ?? toTensor(entry, what));
}

/** The entries of a list of tensors, in a common dtype. */
export function readList(list: readonly TensorLike[], what: string): Tensor[] {
  return promoteTogether(what, checkList(list, what));
}

/**
 * Tensors joined along a new axis.
 *
 * @category Shapes
 * @param list At least one; all of the same shape. They meet in one dtype.
 * @param axis The position of the new axis in the result. Default 0.
 * @returns The joined tensor, with one more axis.
 * @throws {ShapeError} when the list is empty or the shapes differ.
 * @throws {AxisError} when the axis is out of range.
 *
 * @example Two rows in a matrix
 * ```ts
 * import { stack } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(stack([[1, 2], [3, 4]], 1), [[1, 3], [2, 4]]);
 * ```
 */
export function stack(list: readonly TensorLike[], axis?: number): Tensor {
  if (axis === undefined) axis = 0;
  const inputs = readList(list, "Cannot stack");
  const [first] = inputs;
  const at = checkAxis(axis, first.ndim + 1, `Cannot stack ${showType(first)}`);
  for (const input of inputs) {
    if (!sameShape(input.shape, first.shape)) {
      throw shapeError(
        `Cannot stack ${showType(first)} and ${showType(input)}: shapes must be equal`,
      );
    }
  }
  const shape = insertAt(first.shape, at, 1);
  return slicing.concatenate(inputs.map((input) => structure.reshape(input, shape)), at);
}

/**
 * `x` cut into parts along an axis.
 *
 * @category Shapes
 * @param x Any shape with this axis.
 * @param sectionsOrIndices How many equal parts; or a list of positions at which to cut, negative
 * ones counting from the end, as in NumPy.
 * @param axis The axis to cut. Default 0.
 * @returns The parts in order.
 * @throws {ShapeError} when the axis does not divide into that many equal parts.
 * @throws {AxisError} when the axis is out of range.
 *
 * @example Equal parts, and parts between positions
 * ```ts
 * import { split } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [first, second] = split([1, 2, 3, 4], 2);
 * assertTensorsClose(first, [1, 2]);
 * assertTensorsClose(second, [3, 4]);
 * const [head, tail] = split([1, 2, 3, 4], [1]);
 * assertTensorsClose(head, [1]);
 * assertTensorsClose(tail, [2, 3, 4]);
 * ```
 */
export function split(
  x: TensorLike,
  sectionsOrIndices: number | readonly number[],
  axis?: number,
): Tensor[] {
  if (axis === undefined) axis = 0;
  const input = toTensor(x, "Cannot split");
  const what = `Cannot split ${showType(input)}`;
  const at = checkAxis(axis, input.ndim, what);
  const length = input.shape[at];
  const cuts = cutPositions(sectionsOrIndices, length, `${what} along axis ${at}`);
  return cuts.slice(1).map((stop, i) =>
    slicing.sliceAxis(input, at, cuts[i], Math.max(cuts[i], stop))
  );
}

/** The ends of the parts of an axis of this length, from 0 to `length`. */
function cutPositions(parts: number | readonly number[], length: number, what: string): number[] {
  if (Array.isArray(parts)) {
    const inner = Array.from(parts, (cut) => {
      const position = checkInteger(cut, what, "an integer position");
      return Math.min(Math.max(position < 0 ? position + length : position, 0), length);
    });
    return [0, ...inner, length];
  }
  const count = checkInteger(parts, what, "a number of parts or a list of positions");
  // Only an empty axis divides into more parts than it has positions; their number is limited.
  if (count < 1 || length % count !== 0 || count > Math.max(length, 2 ** 16)) {
    throw shapeError(
      `${what} into ${count} equal parts: its length is ${length}; give positions instead`,
    );
  }
  if (count > MAX_PARTS) {
    throw shapeError(`${what} into ${count} parts: at most ${MAX_PARTS} fit into a list`);
  }
  return range(count + 1).map((i) => i * (length / count));
}

/** How many parts `split` may give. */
const MAX_PARTS = 2 ** 20;

/**
 * The whole tensor repeated along its axes, as NumPy's `tile`.
 *
 * @category Shapes
 * @param x Any shape.
 * @param repetitions How often along each axis; the shorter of the shape and this list counts from
 * the last axis. One number repeats along the last axis.
 * @returns The copies side by side.
 * @throws {ArgumentError} when a number of repetitions is negative or no integer.
 *
 * @example A vector twice
 * ```ts
 * import { tile } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(tile([1, 2], 2), [1, 2, 1, 2]);
 * assertTensorsClose(tile([1, 2], [2, 1]), [[1, 2], [1, 2]]);
 * ```
 */
export function tile(x: TensorLike, repetitions: number | readonly number[]): Tensor {
  const input = toTensor(x, "Cannot tile");
  const what = `Cannot tile ${showType(input)}`;
  const list = Array.from(
    Array.isArray(repetitions) ? repetitions : [repetitions],
    (count) => checkLength(count, what, "a number of repetitions"),
  );
  const ndim = Math.max(list.length, input.ndim);
  const counts = [...range(ndim - list.length).map(() => 1), ...list];
  const lengths = [...range(ndim - input.ndim).map(() => 1), ...input.shape];
  const target = checkShape(lengths.map((length, i) => length * counts[i]), what);
  // Every repeated axis gets one of length one before it, which is stretched and merged with it.
  const split = lengths.flatMap((length, i) => counts[i] === 1 ? [length] : [1, length]);
  const repeated = lengths.flatMap((length, i) => counts[i] === 1 ? [length] : [counts[i], length]);
  return structure.reshape(stretch(structure.reshape(input, split), repeated), target);
}

/**
 * Each element repeated in place.
 *
 * @category Shapes
 * @param x Any shape.
 * @param repetitions How often each element is repeated.
 * @param axis The axis along which to repeat; left out, the tensor is flattened first.
 * @returns `x` with that axis longer by the factor `repetitions`.
 * @throws {ArgumentError} when the number of repetitions is negative or no integer.
 * @throws {AxisError} when the axis is out of range.
 *
 * @example Each element twice
 * ```ts
 * import { repeat } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(repeat([1, 2], 2), [1, 1, 2, 2]);
 * ```
 */
export function repeat(x: TensorLike, repetitions: number, axis?: number | null): Tensor {
  const given = toTensor(x, "Cannot repeat");
  const what = `Cannot repeat ${showType(given)}`;
  const count = checkLength(repetitions, what, "a number of repetitions");
  const isFlat = axis === undefined || axis === null;
  const input = isFlat ? structure.reshape(given, [given.size]) : given;
  const at = isFlat ? 0 : checkAxis(axis, input.ndim, what);
  const target = checkShape(input.shape.map((n, i) => i === at ? n * count : n), what);
  return structure.reshape(structure.broadcastAxis(input, at + 1, count), target);
}
