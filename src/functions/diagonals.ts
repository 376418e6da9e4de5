/**
 * Triangles and diagonals of matrices, after NumPy.
 *
 * @module
 */
import { shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { checkShape, range, showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { DiagonalOptions } from "../core/methods.ts";
import { splat, type Tensor, zerosOf } from "../core/tensor.ts";
import type { TensorLike } from "../core/tensor.ts";
import { offset } from "../primitives/arithmetic.ts";
import { equal, lessEqual, select } from "../primitives/comparison.ts";
import * as slicing from "../primitives/slicing.ts";
import * as structure from "../primitives/structure.ts";
import { checkInteger, listAxes } from "./arguments.ts";
import { broadcastTo as stretch } from "./broadcasting.ts";

/**
 * The lower triangle of matrices: zeros above a diagonal.
 *
 * @category Shapes
 * @param x `[..., rows, columns]`
 * @param diagonal The highest diagonal that is kept; 0 is the main one, positive lies above it. Default 0.
 * @returns `x` with zeros above that diagonal.
 * @throws {ShapeError} when `x` has fewer than two axes.
 *
 * @example A lower triangle
 * ```ts
 * import { tril } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(tril([[1, 2], [3, 4]]), [[1, 0], [3, 4]]);
 * ```
 */
export function tril(x: TensorLike, diagonal?: number): Tensor {
  if (diagonal === undefined) diagonal = 0;
  const input = toTensor(x, "Cannot take the lower triangle");
  const below = triangleMask(input, diagonal, 0, "Cannot take the lower triangle");
  return select(below, input, zerosOf(input));
}

/**
 * The upper triangle of matrices: zeros below a diagonal.
 *
 * @category Shapes
 * @param x `[..., rows, columns]`
 * @param diagonal The lowest diagonal that is kept; 0 is the main one, positive lies above it. Default 0.
 * @returns `x` with zeros below that diagonal.
 * @throws {ShapeError} when `x` has fewer than two axes.
 *
 * @example An upper triangle
 * ```ts
 * import { triu } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(triu([[1, 2], [3, 4]]), [[1, 2], [0, 4]]);
 * ```
 */
export function triu(x: TensorLike, diagonal?: number): Tensor {
  if (diagonal === undefined) diagonal = 0;
  const input = toTensor(x, "Cannot take the upper triangle");
  const below = triangleMask(input, diagonal, -1, "Cannot take the upper triangle");
  return select(below, zerosOf(input), input);
}

/** Where elements of the last two axes lie on or below the diagonal `diagonal + shift`. */
function triangleMask(x: Tensor, diagonal: number, shift: number, what: string): Tensor {
  if (x.ndim < 2) throw shapeError(`${what} of ${showType(x)}: expected at least two axes`);
  const highest = checkInteger(diagonal, `${what} of ${showType(x)}`, "an integer diagonal");
  const [rows, columns] = x.shape.slice(-2);
  // Beyond these diagonals lies everything or nothing; so held, the sums fit into int32.
  const limit = Math.min(Math.max(highest + shift, -rows), columns);
  const row = offset(structure.iota(rows), limit);
  const mask = lessEqual(
    structure.broadcast(structure.iota(columns), [rows, columns], [1]),
    structure.broadcast(row, [rows, columns], [0]),
  );
  return stretch(mask, x.shape);
}

/**
 * The matrix with a given diagonal, or the diagonal of a matrix.
 *
 * @category Shapes
 * @param x A vector `[n]` or a matrix `[rows, columns]`.
 * @param diagonal Which diagonal; 0 is the main one, positive lies above it. Default 0.
 * @returns For a vector, the square matrix of `n + |diagonal|` rows that is zero elsewhere; for a
 * matrix, its diagonal, which is empty outside of the matrix.
 * @throws {ShapeError} when `x` is neither.
 *
 * @example There and back
 * ```ts
 * import { diag } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(diag([1, 2]), [[1, 0], [0, 2]]);
 * assertTensorsClose(diag([[1, 2], [3, 4]]), [1, 4]);
 * ```
 */
export function diag(x: TensorLike, diagonal?: number): Tensor {
  if (diagonal === undefined) diagonal = 0;
  const input = toTensor(x, "Cannot take the diagonal");
  const what = `Cannot take the diagonal of ${showType(input)}`;
  const place = checkInteger(diagonal, what, "an integer diagonal");
  if (input.ndim === 1) return diagonalMatrices(input, place);
  if (input.ndim === 2) return diagonalOfLast(input, place);
  throw shapeError(`${what}: expected a vector or a matrix; use diagonal for more axes`);
}

/** One diagonal of the matrices on the last two axes, as the last axis of the result. */
function diagonalOfLast(x: Tensor, place: number): Tensor {
  const batch = x.shape.slice(0, -2);
  const [rows, columns] = x.shape.slice(-2);
  const first = place >= 0 ? place : -place * columns;
  const count = Math.min(rows - Math.max(-place, 0), columns - Math.max(place, 0));
  const flat = structure.reshape(x, [...batch, rows * columns]);
  const [start, stop] = count <= 0 ? [0, 0] : [first, first + (count - 1) * (columns + 1) + 1];
  const zeros = batch.map(() => 0);
  const ones = batch.map(() => 1);
  return slicing.slice(flat, [...zeros, start], [...batch, stop], [...ones, columns + 1]);
}

/**
 * A diagonal of each of the matrices on two axes.
 *
 * @category Shapes
 * @param x Any shape of at least two axes.
 * @param options Which diagonal, and the two axes (the first two by default, as in NumPy and PyTorch).
 * @returns The shape of `x` without the two axes, with the diagonal as a new last axis.
 * @throws {AxisError} when an axis is out of range, or both are the same.
 *
 * @example The diagonals of a batch
 * ```ts
 * import { diagonal } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = [[[1, 2], [3, 4]], [[5, 6], [7, 8]]];
 * assertTensorsClose(diagonal(x, { axis1: 1, axis2: 2 }), [[1, 4], [5, 8]]);
 * assertTensorsClose(diagonal(x, { offset: 1, axis1: 1, axis2: 2 }), [[2], [6]]);
 * ```
 */
export function diagonal(x: TensorLike, options?: DiagonalOptions): Tensor {
  const input = toTensor(x, "Cannot take the diagonals");
  const what = `Cannot take the diagonals of ${showType(input)}`;
  const { offset = 0, axis1 = 0, axis2 = 1 } = readOptions(what, options, [
    "offset",
    "axis1",
    "axis2",
  ]);
  const place = checkInteger(offset, what, "an integer offset");
  const pair = listAxes([axis1, axis2], input.ndim, what);
  const others = range(input.ndim).filter((axis) => !pair.includes(axis));
  return diagonalOfLast(structure.transpose(input, [...others, ...pair]), place);
}

/**
 * Matrices with given diagonals and zeros elsewhere, as PyTorch's `diag_embed`.
 *
 * @category Shapes
 * @param x `[..., n]`
 * @param options Which diagonal (`offset`, 0 by default), and the axes of the result that are the rows and
 * columns of the matrices (`axis1`, -2 by default, and `axis2`, -1).
 * @returns The shape of `x` without its last axis, with two axes of length `n + |offset|`.
 * @throws {ShapeError} when `x` is a scalar.
 * @throws {AxisError} when an axis is out of range, or both are the same.
 *
 * @example Two matrices
 * ```ts
 * import { diagEmbed } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(diagEmbed([[1, 2], [3, 4]]), [[[1, 0], [0, 2]], [[3, 0], [0, 4]]]);
 * ```
 */
export function diagEmbed(x: TensorLike, options?: DiagonalOptions): Tensor {
  const input = toTensor(x, "Cannot make diagonal matrices");
  const what = `Cannot make diagonal matrices of ${showType(input)}`;
  const { offset = 0, axis1 = -2, axis2 = -1 } = readOptions(what, options, [
    "offset",
    "axis1",
    "axis2",
  ]);
  const place = checkInteger(offset, what, "an integer offset");
  if (input.ndim === 0) throw shapeError(`${what}: expected at least one axis`);
  const pair = listAxes([axis1, axis2], input.ndim + 1, what);
  const matrices = diagonalMatrices(input, place);
  const others = range(matrices.ndim).filter((axis) => !pair.includes(axis));
  const order = [...others, ...pair];
  return structure.transpose(matrices, range(matrices.ndim).map((axis) => order.indexOf(axis)));
}

/** Square matrices with the last axis of `x` on one of their diagonals. */
function diagonalMatrices(x: Tensor, place: number): Tensor {
  const batch = x.shape.slice(0, -1);
  const [above, below] = [Math.max(place, 0), Math.max(-place, 0)];
  const size = x.shape[batch.length] + above + below;
  const shape = checkShape(
    [...batch, size, size],
    `Cannot put ${showType(x)} on diagonal ${place}`,
  );
  // By columns, element i is in column i + above, so one row with all of them, repeated and
  // masked, is the matrix.
  const none = batch.map(() => 0);
  const row = slicing.pad(x, [...none, above], [...none, below], [...none, 0]);
  const [rows, columns] = [batch.length, batch.length + 1];
  const onDiagonal = equal(
    structure.broadcast(offset(structure.iota(size), -place), shape, [columns]),
    structure.broadcast(structure.iota(size), shape, [rows]),
  );
  const spread = structure.broadcast(row, shape, [...range(rows), columns]);
  return select(onDiagonal, spread, splat(0, x.dtype, shape));
}
