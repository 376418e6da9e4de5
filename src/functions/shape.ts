/**
 * Functions that rearrange, join, cut, repeat and frame tensors, after NumPy.
 *
 * @module
 */
import { categoryOf, checkDtype, DEFAULT_FLOAT, describeValue, isInteger } from "../base/dtype.ts";
import { argumentError, axisError, dtypeError, shapeError } from "../base/errors.ts";
import {
  broadcastShapes,
  checkAxes,
  checkAxis,
  checkShape,
  checkSize,
  insertAt,
  inversePermutation,
  range,
  sameShape,
  showShape,
  showType,
  sizeOf,
  withoutAxes,
} from "../base/shape.ts";
import type { AxisArgument, Shape } from "../base/shape.ts";
import { fromJavaScript, toTensor } from "../core/convert.ts";
import type { DtypeOptions, PadOptions, PadWidths } from "../core/methods.ts";
import { splat, Tensor, zerosOf } from "../core/tensor.ts";
import type { TensorLike, Type } from "../core/tensor.ts";
import { offset } from "../primitives/arithmetic.ts";
import { equal, lessEqual, select } from "../primitives/comparison.ts";
import * as slicing from "../primitives/slicing.ts";
import * as structure from "../primitives/structure.ts";
import { broadcastTo as stretch, promoteTogether } from "./broadcasting.ts";

/**
 * The same elements in row-major order, in another shape.
 *
 * @param x Any shape.
 * @param shape The new shape; one entry may be -1, and stands for whatever length is left.
 * @returns `x` in the new shape.
 * @throws {ShapeError} when the sizes differ, when -1 stands twice, or when -1 could be any length
 * because another axis has length zero.
 *
 * @example Rows of two
 * ```ts
 * import { arange, reshape } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(reshape(arange(6), [-1, 2]), [[0, 1], [2, 3], [4, 5]]);
 * ```
 */
export function reshape(x: TensorLike, shape: Shape): Tensor {
  const input = toTensor(x, "Cannot reshape");
  return structure.reshape(input, fillShape(input, shape));
}

/** `shape` with its -1 replaced by the length that makes the sizes equal. */
function fillShape(x: Tensor, shape: Shape): Shape {
  const what = `Cannot reshape ${showType(x)}`;
  const open = Array.isArray(shape) ? shape.indexOf(-1) : -1;
  if (open < 0) return checkShape(shape, what);
  if (shape.lastIndexOf(-1) !== open) {
    throw shapeError(`${what} to ${showShape(shape)}: only one length may be -1`);
  }
  const known = sizeOf(checkShape(shape.map((length, i) => i === open ? 1 : length), what));
  if (known === 0) {
    const state = x.size === 0
      ? "-1 could be any length, since another is 0; write it out"
      : `the sizes are ${x.size} and 0`;
    throw shapeError(`${what} to ${showShape(shape)}: ${state}`);
  }
  if (x.size % known !== 0) {
    throw shapeError(
      `${what} to ${showShape(shape)}: its size ${x.size} is not a multiple of ${known}`,
    );
  }
  return checkShape(shape.map((length, i) => i === open ? x.size / known : length), what);
}

/**
 * Axes in another order.
 *
 * @param x Any shape.
 * @param axes Axis `i` of the result is axis `axes[i]` of `x`; left out, the axes are reversed.
 * @returns `x` with its axes in that order.
 * @throws {AxisError} unless every axis of `x` is named once.
 *
 * @example The transpose of a matrix
 * ```ts
 * import { transpose } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(transpose([[1, 2], [3, 4]]), [[1, 3], [2, 4]]);
 * ```
 */
export function transpose(x: TensorLike, axes?: readonly number[]): Tensor {
  const input = toTensor(x, "Cannot transpose");
  if (axes === undefined || axes === null) {
    return structure.transpose(input, range(input.ndim).reverse());
  }
  const what = `Cannot transpose ${showType(input)}`;
  if (!Array.isArray(axes)) {
    throw axisError(`${what}: expected a list of axes, got ${describeValue(axes)}`);
  }
  const permutation = listAxes(axes, input.ndim, what);
  if (permutation.length !== input.ndim) {
    throw axisError(`${what} by ${showShape(axes)}: expected each of its ${input.ndim} axes once`);
  }
  return structure.transpose(input, permutation);
}

/** The distinct axes that `axis` names, in the order given. */
function listAxes(axis: number | readonly number[], ndim: number, what: string): number[] {
  const axes = (Array.isArray(axis) ? Array.from(axis) : [axis]).map((a) =>
    checkAxis(a, ndim, what)
  );
  axes.forEach((a, i) => {
    if (axes.indexOf(a) < i) {
      throw axisError(`${what}: axis ${a} is named twice in ${describeValue(axis)}`);
    }
  });
  return axes;
}

/**
 * Two axes exchanged.
 *
 * @param x Any shape with these axes.
 * @param first One axis; negative counts from the last.
 * @param second The other.
 * @returns `x` with the two axes in each other's place.
 * @throws {AxisError} when an axis is out of range.
 *
 * @example Rows and columns of every matrix of a batch
 * ```ts
 * import { swapaxes, zeros } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(swapaxes(zeros([5, 2, 3]), -1, -2), zeros([5, 3, 2]));
 * ```
 */
export function swapaxes(x: TensorLike, first: number, second: number): Tensor {
  const input = toTensor(x, "Cannot swap axes");
  const what = `Cannot swap axes of ${showType(input)}`;
  const a = checkAxis(first, input.ndim, what);
  const b = checkAxis(second, input.ndim, what);
  return structure.transpose(
    input,
    range(input.ndim).map((axis) => axis === a ? b : axis === b ? a : axis),
  );
}

/**
 * Axes moved to other positions; the others keep their order.
 *
 * @param x Any shape with these axes.
 * @param source The axes to move: one, or a list.
 * @param destination Where each of them goes in the result.
 * @returns `x` with its axes in the new order.
 * @throws {AxisError} when an axis is out of range or named twice, or the lists differ in length.
 *
 * @example Channels first
 * ```ts
 * import { moveaxis, zeros } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(moveaxis(zeros([8, 32, 24, 3]), -1, 1), zeros([8, 3, 32, 24]));
 * ```
 */
export function moveaxis(
  x: TensorLike,
  source: number | readonly number[],
  destination: number | readonly number[],
): Tensor {
  const input = toTensor(x, "Cannot move axes");
  const what = `Cannot move axes of ${showType(input)}`;
  const from = listAxes(source, input.ndim, what);
  const to = listAxes(destination, input.ndim, what);
  if (from.length !== to.length) {
    throw axisError(
      `${what}: expected as many destinations as sources, got ${to.length} and ${from.length}`,
    );
  }
  const rest = withoutAxes(range(input.ndim), from);
  const permutation = range(input.ndim).map((axis) => {
    const moved = to.indexOf(axis);
    return moved < 0 ? rest.shift()! : from[moved];
  });
  return structure.transpose(input, permutation);
}

/**
 * Axes of length one removed.
 *
 * @param x Any shape.
 * @param axis The axes to remove; left out, all axes of length one.
 * @returns `x` without these axes.
 * @throws {ShapeError} when a named axis is not of length one.
 * @throws {AxisError} when an axis is out of range or named twice.
 *
 * @example A column as a vector
 * ```ts
 * import { squeeze } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(squeeze([[1], [2]], 1), [1, 2]);
 * ```
 */
export function squeeze(x: TensorLike, axis?: AxisArgument): Tensor {
  const input = toTensor(x, "Cannot squeeze");
  if (axis === undefined || axis === null) {
    return structure.reshape(input, input.shape.filter((length) => length !== 1));
  }
  const what = `Cannot squeeze ${showType(input)}`;
  const axes = checkAxes(axis, input.ndim, what);
  for (const a of axes) {
    if (input.shape[a] !== 1) {
      throw shapeError(`${what}: axis ${a} has length ${input.shape[a]}, expected 1`);
    }
  }
  return structure.reshape(input, withoutAxes(input.shape, axes));
}

/**
 * New axes of length one.
 *
 * @param x Any shape.
 * @param axis Where the new axes stand in the result: one position, or a list.
 * @returns `x` with one more axis for each position.
 * @throws {AxisError} when a position is out of range or named twice.
 *
 * @example A vector as a column
 * ```ts
 * import { expandDims } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(expandDims([1, 2], -1), [[1], [2]]);
 * ```
 */
export function expandDims(x: TensorLike, axis: number | readonly number[]): Tensor {
  const input = toTensor(x, "Cannot expand");
  const ndim = input.ndim + (Array.isArray(axis) ? axis.length : 1);
  const added = listAxes(axis, ndim, `Cannot add axes to ${showType(input)}`);
  const lengths = [...input.shape];
  return structure.reshape(
    input,
    range(ndim).map((a) => added.includes(a) ? 1 : lengths.shift()!),
  );
}

/**
 * `x` stretched to a shape by NumPy's rule: aligned at the last axis, lengths of one repeated.
 *
 * @param x Any shape that broadcasts to `shape`.
 * @param shape The new shape.
 * @returns `x` repeated to fill it.
 * @throws {ShapeError} when `x` does not broadcast to `shape`.
 *
 * @example One row for all
 * ```ts
 * import { broadcastTo } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(broadcastTo([1, 2], [2, 2]), [[1, 2], [1, 2]]);
 * ```
 */
export function broadcastTo(x: TensorLike, shape: Shape): Tensor {
  const input = toTensor(x, "Cannot broadcast");
  const target = checkShape(shape, `Cannot broadcast ${showType(input)}`);
  checkBroadcast("Cannot broadcast", input, target);
  return stretch(input, target);
}

/** Throws unless `x` broadcasts to `shape`. */
export function checkBroadcast(what: string, x: Type, shape: Shape): void {
  const common = broadcastShapes(x.shape, shape);
  if (common !== null && sameShape(common, shape)) return;
  const added = shape.length - x.shape.length;
  const axis = x.shape.findIndex((length, i) => length !== 1 && length !== shape[added + i]);
  const reason = added < 0
    ? `it has ${x.shape.length} axes, more than ${shape.length}`
    : `axis ${axis} has length ${x.shape[axis]}, expected ${
      shape[added + axis] === 1 ? "" : "1 or "
    }${shape[added + axis]}`;
  throw shapeError(`${what} ${showType(x)} to ${showShape(shape)}: ${reason}`);
}

/**
 * Tensors joined along an axis that they have.
 *
 * @param list At least one; all of the same lengths on every other axis. They meet in one dtype.
 * @param axis The axis along which they follow each other.
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
export function concatenate(list: readonly TensorLike[], axis = 0): Tensor {
  const inputs = checkList(list, "Cannot concatenate");
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

/** The entries of a list of tensors, in a common dtype. */
function checkList(list: readonly TensorLike[], what: string): Tensor[] {
  if (list instanceof Tensor || !Array.isArray(list)) {
    const got = list instanceof Tensor ? showType(list) : describeValue(list);
    throw argumentError(`${what}: expected a list of tensors, got ${got}`);
  }
  if (list.length === 0) throw shapeError(`${what} an empty list: expected at least one tensor`);
  return promoteTogether(what, ...list);
}

/**
 * Tensors joined along a new axis.
 *
 * @param list At least one; all of the same shape. They meet in one dtype.
 * @param axis Where the new axis stands in the result.
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
export function stack(list: readonly TensorLike[], axis = 0): Tensor {
  const inputs = checkList(list, "Cannot stack");
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
 * @param x Any shape with this axis.
 * @param sectionsOrIndices How many equal parts; or a list of positions at which to cut, negative
 * ones counting from the end, as in NumPy.
 * @param axis The axis to cut.
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
  axis = 0,
): Tensor[] {
  const input = toTensor(x, "Cannot split");
  const what = `Cannot split ${showType(input)}`;
  const at = checkAxis(axis, input.ndim, what);
  const length = input.shape[at];
  const cuts = cutPositions(sectionsOrIndices, length, `${what} along axis ${at}`);
  return cuts.slice(1).map((stop, i) =>
    slicing.sliceAxis(input, at, Math.min(cuts[i], stop), Math.max(cuts[i], stop) === stop ? stop : cuts[i])
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
  if (count < 1 || length % count !== 0) {
    throw shapeError(
      `${what} into ${count} equal parts: its length is ${length}; give positions instead`,
    );
  }
  return range(count + 1).map((i) => i * (length / count));
}

/** `value`, or an error that says what was expected. */
export function checkInteger(value: unknown, what: string, expected: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value)) return value === 0 ? 0 : value;
  throw argumentError(`${what}: expected ${expected}, got ${describeValue(value)}`);
}
