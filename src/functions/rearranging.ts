/**
 * Turned, flipped and split axes, common shapes, and diagonals summed and filled, after NumPy.
 *
 * @module
 */
import { axisError, shapeError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { checkAxis, checkShape, showType, stridesOf } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { DiagonalOptions } from "../core/methods.ts";
import { splat } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { mod } from "../primitives/arithmetic.ts";
import { and, equal, less, select } from "../primitives/comparison.ts";
import * as slicing from "../primitives/slicing.ts";
import * as structure from "../primitives/structure.ts";
import { checkInteger, listAxes } from "./arguments.ts";
import { broadcastTo as stretch, commonShape } from "./broadcasting.ts";
import { diagonal } from "./diagonals.ts";
import { tile } from "./joining.ts";
import { sum } from "./reduction.ts";
import { flip, ravel, reshape, swapaxes } from "./shape.ts";
import { castValues } from "./written_values.ts";

/**
 * Options of `fillDiagonal`.
 *
 * @category Shapes
 */
export interface WrapOptions {
  /** Whether the diagonal of a tall matrix begins anew after a row. Default `false`. */
  readonly wrap?: boolean;
}

/**
 * Elements in the order that quarter turns in the plane of two axes give.
 *
 * @category Shapes
 * @param x Any shape of at least two axes.
 * @param count How many quarter turns, from the first axis to the second. Default 1.
 * @param axes The two axes. Default `[0, 1]`.
 * @returns `x` turned.
 * @throws {AxisError} when an axis is out of range.
 * @throws {ArgumentError} when `count` is not an integer.
 *
 * @example A quarter turn
 * ```ts
 * import { rot90 } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(rot90([[1, 2], [3, 4]]), [[2, 4], [1, 3]]);
 * ```
 */
export function rot90(
  x: TensorLike,
  count?: number,
  axes?: readonly [first: number, second: number],
): Tensor {
  const input = toTensor(x, "Cannot turn");
  const what = `Cannot turn ${showType(input)}`;
  const turns = checkInteger(count === undefined ? 1 : count, what, "a number of quarter turns");
  const pair = listAxes(axes === undefined ? [0, 1] : axes, input.ndim, what);
  if (pair.length !== 2) throw axisError(`${what}: expected two axes, got ${pair.length}`);
  const [first, second] = pair;
  switch (((turns % 4) + 4) % 4) {
    case 0:
      return input;
    case 1:
      return swapaxes(slicing.flip(input, [second]), first, second);
    case 2:
      return slicing.flip(input, [...pair].sort((a, b) => a - b));
    default:
      return slicing.flip(swapaxes(input, first, second), [second]);
  }
}

/**
 * Columns in reverse order: `flip` along the second axis.
 *
 * @category Shapes
 * @param x Any shape of at least two axes.
 * @returns `x` reversed.
 * @throws {AxisError} when `x` has fewer than two axes.
 *
 * @example From left to right
 * ```ts
 * import { fliplr } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(fliplr([[1, 2], [3, 4]]), [[2, 1], [4, 3]]);
 * ```
 */
export function fliplr(x: TensorLike): Tensor {
  return flip(x, 1);
}

/**
 * Rows in reverse order: `flip` along the first axis.
 *
 * @category Shapes
 * @param x Any shape of at least one axis.
 * @returns `x` reversed.
 * @throws {AxisError} when `x` is a scalar.
 *
 * @example Upside down
 * ```ts
 * import { flipud } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(flipud([[1, 2], [3, 4]]), [[3, 4], [1, 2]]);
 * ```
 */
export function flipud(x: TensorLike): Tensor {
  const input = toTensor(x, "Cannot flip");
  checkAxis(0, input.ndim, `Cannot flip ${showType(input)}`);
  return flip(input, 0);
}

/**
 * `x` with at least one axis: a scalar becomes a vector of length one.
 *
 * @category Shapes
 * @param x Any shape.
 * @returns `x`, or `[1]`.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example A scalar
 * ```ts
 * import { atLeast1d } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(atLeast1d(5), [5]);
 * ```
 */
export function atLeast1d(x: TensorLike): Tensor {
  const input = toTensor(x, "Cannot add axes to");
  return input.ndim > 0 ? input : structure.reshape(input, [1]);
}

/**
 * `x` with at least two axes: a vector becomes a row.
 *
 * @category Shapes
 * @param x Any shape.
 * @returns `x`, or `[1, n]`.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example A row
 * ```ts
 * import { atLeast2d } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(atLeast2d([5, 6]), [[5, 6]]);
 * ```
 */
export function atLeast2d(x: TensorLike): Tensor {
  const input = toTensor(x, "Cannot add axes to");
  return input.ndim > 1 ? input : structure.reshape(input, [1, input.size]);
}

/**
 * `x` with at least three axes, as NumPy's: a vector becomes `[1, n, 1]`, a matrix `[rows, columns, 1]`.
 *
 * @category Shapes
 * @param x Any shape.
 * @returns `x` with axes of length one added.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example A row of columns
 * ```ts
 * import { atLeast3d } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(atLeast3d([5, 6]), [[[5], [6]]]);
 * ```
 */
export function atLeast3d(x: TensorLike): Tensor {
  const input = toTensor(x, "Cannot add axes to");
  if (input.ndim > 2) return input;
  return structure.reshape(input, input.ndim < 2 ? [1, input.size, 1] : [...input.shape, 1]);
}

/**
 * One axis split into several, as PyTorch's `unflatten`.
 *
 * @category Shapes
 * @param x Any shape with this axis.
 * @param axis The axis to split.
 * @param shape The lengths of the axes in its place; one may be -1, and is computed from the others.
 * @returns `x` with more axes.
 * @throws {ShapeError} when the lengths do not multiply to that of the axis.
 * @throws {AxisError} when an axis is out of range.
 *
 * @example Pairs
 * ```ts
 * import { unflatten } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(unflatten([1, 2, 3, 4], 0, [2, -1]), [[1, 2], [3, 4]]);
 * ```
 */
export function unflatten(x: TensorLike, axis: number, shape: Shape): Tensor {
  const input = toTensor(x, "Cannot unflatten");
  const what = `Cannot unflatten ${showType(input)}`;
  const at = checkAxis(axis, input.ndim, what);
  const line = splat(0, input.dtype, [input.shape[at]]);
  const parts = reshape(line, shape).shape;
  return structure.reshape(
    input,
    checkShape([...input.shape.slice(0, at), ...parts, ...input.shape.slice(at + 1)], what),
  );
}

/**
 * The last two axes exchanged: every matrix of a batch transposed.
 *
 * @category Shapes
 * @param x `[..., rows, columns]`
 * @returns `[..., columns, rows]`
 * @throws {ShapeError} when `x` has fewer than two axes.
 *
 * @example A matrix
 * ```ts
 * import { matrixTranspose } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(matrixTranspose([[1, 2], [3, 4]]), [[1, 3], [2, 4]]);
 * ```
 */
export function matrixTranspose(x: TensorLike): Tensor {
  const input = toTensor(x, "Cannot transpose the matrices of");
  if (input.ndim > 1) return swapaxes(input, -2, -1);
  throw shapeError(
    `Cannot transpose the matrices of ${showType(input)}: expected at least two axes`,
  );
}

/**
 * Tensors stretched to the shape that they broadcast to; each keeps its dtype.
 *
 * @category Shapes
 * @param operands Any shapes that broadcast.
 * @returns The tensors, all of one shape.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example A row and a column
 * ```ts
 * import { broadcastArrays } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [x, y] = broadcastArrays([1, 2], [[10], [20]]);
 * assertTensorsClose(x, [[1, 2], [1, 2]]);
 * assertTensorsClose(y, [[10, 10], [20, 20]]);
 * ```
 */
export function broadcastArrays(...operands: readonly TensorLike[]): Tensor[] {
  const what = "Cannot broadcast";
  const tensors = operands.map((operand) => toTensor(operand, what));
  const shape = commonShape(what, tensors);
  return tensors.map((x) => stretch(x, shape));
}

/**
 * The shape that shapes broadcast to.
 *
 * @category Shapes
 * @param shapes Shapes, or lengths of vectors.
 * @returns The common shape.
 * @throws {ShapeError} when they do not broadcast.
 *
 * @example A row and a column
 * ```ts
 * import assert from "node:assert/strict";
 * import { broadcastShapes } from "@jacobi/jacobi";
 *
 * assert.deepEqual(broadcastShapes([1, 3], [2, 1]), [2, 3]);
 * ```
 */
export function broadcastShapes(...shapes: readonly (number | Shape)[]): number[] {
  const what = "Cannot broadcast";
  const read = shapes.map((shape) => checkShape(typeof shape === "number" ? [shape] : shape, what));
  return [...commonShape(what, read.map((shape) => ({ dtype: "float32", shape })))];
}

/**
 * The sum of a diagonal of each of the matrices on two axes.
 *
 * @category Shapes
 * @param x Any shape of at least two axes.
 * @param options Which diagonal (`offset`, 0 by default), and the two axes (`axis1` 0 and `axis2` 1 by
 * default).
 * @returns The shape of `x` without the two axes.
 * @throws {AxisError} when an axis is out of range.
 *
 * @example The sum of a diagonal
 * ```ts
 * import { trace } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(trace([[1, 2], [3, 4]]), 5);
 * ```
 */
export function trace(x: TensorLike, options?: DiagonalOptions): Tensor {
  return sum(diagonal(x, options), -1);
}

/**
 * A tensor with other values on its main diagonal, as NumPy's `fill_diagonal`.
 *
 * @category Shapes
 * @param x A matrix, or a tensor of more axes that are all equally long.
 * @param value A number, or a vector, which is repeated along the diagonal as often as needed.
 * @param options `wrap`: whether the diagonal of a matrix with more rows than columns begins anew after a
 * row (`false`).
 * @returns `x` with the values, in its dtype.
 * @throws {ShapeError} when `x` has other axes, or `value` no element.
 *
 * @example Zeros on the diagonal
 * ```ts
 * import { fillDiagonal } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(fillDiagonal([[1, 2], [3, 4]], 0), [[0, 2], [3, 0]]);
 * ```
 */
export function fillDiagonal(x: TensorLike, value: TensorLike, options?: WrapOptions): Tensor {
  const input = toTensor(x, "Cannot fill the diagonal");
  const what = `Cannot fill the diagonal of ${showType(input)}`;
  const { wrap = false } = readOptions(what, options, ["wrap"]);
  checkFlag(wrap, what, "wrap");
  const { shape, ndim } = input;
  if (ndim < 2 || (ndim > 2 && shape.some((length) => length !== shape[0]))) {
    throw shapeError(`${what}: expected a matrix, or axes that are all equally long`);
  }
  const values = ravel(castValues(value, input.dtype, what));
  if (values.size === 0) throw shapeError(`${what} with ${showType(values)}: expected a value`);
  const step = stridesOf(shape).reduce((sum, stride) => sum + stride, 0);
  const end = ndim > 2 || wrap ? input.size : Math.min(input.size, shape[1] ** 2);
  const place = structure.iota(input.size);
  const constant = (number: number): Tensor => structure.constantLike(place, number);
  const isOn = and(equal(mod(place, constant(step)), constant(0)), less(place, constant(end)));
  const count = Math.ceil(end / step);
  const row = tile(values, Math.ceil(count / values.size) || 1);
  // One value, then as many zeros as there are elements until the next place.
  const line = structure.reshape(
    slicing.pad(structure.reshape(row, [row.size, 1]), [0, 0], [0, step - 1], [0, 0]),
    [row.size * step],
  );
  const short = Math.max(0, input.size - line.size);
  const spread = slicing.sliceAxis(slicing.pad(line, [0], [short], [0]), 0, 0, input.size);
  return structure.reshape(select(isOn, spread, ravel(input)), shape);
}
