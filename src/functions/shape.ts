/**
 * The same elements in another shape or order, after NumPy.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError, axisError, shapeError } from "../base/errors.ts";
import {
  checkAxes,
  checkAxis,
  checkNdim,
  checkShape,
  range,
  showShape,
  showType,
  sizeOf,
  withoutAxes,
} from "../base/shape.ts";
import type { AxisArgument, Shape } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import * as slicing from "../primitives/slicing.ts";
import * as structure from "../primitives/structure.ts";
import { checkBroadcast, checkInteger, isScalarAxis, listAxes } from "./arguments.ts";
import { broadcastTo as stretch } from "./broadcasting.ts";

/**
 * The same elements in row-major order, in another shape.
 *
 * @category Shapes
 * @param x Any shape.
 * @param shape The new shape, as a list or as one argument for each length; one entry may be -1, and is
 * computed from the others.
 * @returns `x` in the new shape.
 * @throws {ShapeError} when the sizes differ, when -1 occurs twice, or when -1 could be any length
 * because another axis has length zero.
 *
 * @example Rows of two
 * ```ts
 * import { arange, reshape } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(reshape(arange(6), [-1, 2]), [[0, 1], [2, 3], [4, 5]]);
 * assertTensorsClose(reshape(arange(6), 2, 3), [[0, 1, 2], [3, 4, 5]]);
 * ```
 */
export function reshape(x: TensorLike, ...shape: Shape | readonly [shape: Shape]): Tensor {
  const input = toTensor(x, "Cannot reshape");
  return structure.reshape(input, fillShape(input, listed(shape) as Shape));
}

/** A list that was given as such, or as one argument for each of its entries. */
function listed(rest: readonly unknown[]): unknown {
  return rest.length === 0 || (rest.length === 1 && typeof rest[0] !== "number") ? rest[0] : rest;
}

/**
 * All elements in one vector, in row-major order.
 *
 * @category Shapes
 * @param x Any shape.
 * @returns `[size of x]`
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example A matrix as a vector
 * ```ts
 * import { ravel } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(ravel([[1, 2], [3, 4]]), [1, 2, 3, 4]);
 * ```
 */
export function ravel(x: TensorLike): Tensor {
  const input = toTensor(x, "Cannot flatten");
  return structure.reshape(input, [input.size]);
}

/** `shape` with its -1 replaced by the length that makes the sizes equal. */
function fillShape(x: Tensor, shape: Shape): Shape {
  const what = `Cannot reshape ${showType(x)}`;
  if (Array.isArray(shape)) checkNdim(shape, what);
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
 * @category Shapes
 * @param x Any shape.
 * @param axes Axis `i` of the result is axis `axes[i]` of `x`: a list, or one argument for each axis;
 * left out, the axes are reversed.
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
export function transpose(
  x: TensorLike,
  ...axes: readonly number[] | readonly [axes?: readonly number[] | null]
): Tensor {
  const input = toTensor(x, "Cannot transpose");
  const named = listed(axes);
  if (named === undefined || named === null) {
    return structure.transpose(input, range(input.ndim).reverse());
  }
  return permuted(input, named);
}

/** Axes in the order that a list says. */
function permuted(input: Tensor, axes: unknown): Tensor {
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

/**
 * Axes in another order: `transpose` with all axes named, as PyTorch's `permute`.
 *
 * @category Shapes
 * @param x Any shape.
 * @param axes Axis `i` of the result is axis `axes[i]` of `x`: a list, or one argument for each axis.
 * @returns `x` with its axes in that order.
 * @throws {AxisError} unless every axis of `x` is named once.
 *
 * @example Channels last
 * ```ts
 * import { permute, zeros } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(permute(zeros([8, 3, 32, 24]), 0, 2, 3, 1), zeros([8, 32, 24, 3]));
 * ```
 */
export function permute(
  x: TensorLike,
  ...axes: readonly number[] | readonly [axes: readonly number[]]
): Tensor {
  return permuted(toTensor(x, "Cannot transpose"), axes.length === 0 ? axes : listed(axes));
}

/**
 * Two axes exchanged.
 *
 * @category Shapes
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
 * @category Shapes
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
 * @category Shapes
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
  if (axis === undefined || axis === null || isScalarAxis(input, axis)) {
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
 * @category Shapes
 * @param x Any shape.
 * @param axis The positions of the new axes in the result: one position, or a list.
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
 * @category Shapes
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

/**
 * Elements in reverse order.
 *
 * @category Shapes
 * @param x Any shape.
 * @param axis The axes to reverse; left out, all of them.
 * @returns `x` reversed along these axes.
 * @throws {AxisError} when an axis is out of range or named twice.
 *
 * @example A vector from its end
 * ```ts
 * import { flip } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(flip([1, 2, 3]), [3, 2, 1]);
 * ```
 */
export function flip(x: TensorLike, axis?: AxisArgument): Tensor {
  const input = toTensor(x, "Cannot flip");
  if (isScalarAxis(input, axis)) return input;
  return slicing.flip(input, checkAxes(axis, input.ndim, `Cannot flip ${showType(input)}`));
}

/**
 * Elements shifted, those pushed out at one end coming back in at the other.
 *
 * @category Shapes
 * @param x Any shape.
 * @param shift By how many places: one number, or one for each axis in `axis`. Negative shifts go
 * towards the front.
 * @param axis The axes to shift along; an axis named twice is shifted by the sum. Left out, the
 * elements are shifted in row-major order.
 * @returns `x` shifted.
 * @throws {ArgumentError} when a shift is not an integer, or the lists differ in length.
 * @throws {AxisError} when an axis is out of range.
 *
 * @example One place to the right
 * ```ts
 * import { roll } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(roll([1, 2, 3], 1), [3, 1, 2]);
 * ```
 */
export function roll(
  x: TensorLike,
  shift: number | readonly number[],
  axis?: number | readonly number[] | null,
): Tensor {
  const input = toTensor(x, "Cannot roll");
  const what = `Cannot roll ${showType(input)}`;
  const shifts = Array.from(
    Array.isArray(shift) ? shift : [shift],
    (places) => checkInteger(places, what, "an integer shift"),
  );
  if (axis === undefined || axis === null) {
    const total = shifts.reduce((sum, places) => sum + places, 0);
    if (input.size === 0 || total % input.size === 0) return input;
    const flat = structure.reshape(input, [input.size]);
    return structure.reshape(rollAxis(flat, total, 0), input.shape);
  }
  const axes = Array.from(
    Array.isArray(axis) ? axis : [axis],
    (a) => checkAxis(a, input.ndim, what),
  );
  const count = Math.max(shifts.length, axes.length);
  if (![1, count].includes(shifts.length) || ![1, count].includes(axes.length)) {
    throw argumentError(
      `${what}: expected one shift or one for each axis, ` +
        `got ${shifts.length} shifts and ${axes.length} axes`,
    );
  }
  let result = input;
  for (let i = 0; i < count; i++) {
    result = rollAxis(result, shifts[shifts.length === 1 ? 0 : i], axes[axes.length === 1 ? 0 : i]);
  }
  return result;
}

function rollAxis(x: Tensor, shift: number, axis: number): Tensor {
  const length = x.shape[axis];
  const places = length === 0 ? 0 : ((shift % length) + length) % length;
  if (places === 0) return x;
  return slicing.concatenate([
    slicing.sliceAxis(x, axis, length - places, length),
    slicing.sliceAxis(x, axis, 0, length - places),
  ], axis);
}
