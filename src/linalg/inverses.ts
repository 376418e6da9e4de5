/**
 * Pseudo-inverses and ranks; inverses and systems of tensors that are matrices once several axes are
 * taken as one; the polar decomposition.
 *
 * @module
 */
import { describeValue, epsilonOf } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { range, sameShape, showShape, showType, sizeOf } from "../base/shape.ts";
import { ComplexTensor } from "../core/complex.ts";
import { toTensor } from "../core/convert.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { checkInteger, listAxes } from "../functions/arguments.ts";
import { floatOperand, promoteTogether } from "../functions/broadcasting.ts";
import { astype, greater, index, mul, reshape, sum, transpose } from "../functions/mod.ts";
import { add, scale } from "../primitives/arithmetic.ts";
import { adjoint } from "../primitives/complex_matrices.ts";
import { embedded, fromEmbedded, product } from "../primitives/matrices.ts";
import { pseudoInverse } from "../primitives/orthogonal.ts";
import { readMatrices } from "./arguments.ts";
import { svd } from "./decompositions.ts";
import { solve, strictInverse } from "./solving.ts";

/**
 * Options of `pinv` and `matrixRank`.
 *
 * @category Systems of equations
 */
export interface RankOptions {
  /**
   * Singular values up to this times the largest are taken as zero. Default: the distance from 1 to
   * the next number of the dtype, times the larger of `m` and `n`.
   */
  readonly rtol?: number;
}

function readTolerance(what: string, a: Tensor, options: RankOptions | undefined): number {
  const fallback = epsilonOf(a.dtype) * Math.max(...a.shape.slice(-2));
  const { rtol = fallback } = readOptions(what, options, ["rtol"]);
  if (typeof rtol === "number" && rtol >= 0) return rtol;
  throw argumentError(
    `${what} ${showType(a)}: rtol must be a number that is at least 0, got ${describeValue(rtol)}`,
  );
}

/**
 * The Moore-Penrose inverses of matrices, by singular values.
 *
 * The derivative (Golub and Pereyra 1973) supposes that the rank stays what it is.
 *
 * @category Systems of equations
 * @param a `[..., m, n]`
 * @param options `rtol`: up to which part of the largest singular value others count as zero.
 * @returns `[..., n, m]`
 * @throws {ShapeError} when `a` has fewer than two axes.
 * @throws {ArgumentError} when `rtol` is not a number that is at least 0.
 *
 * @example Of a column
 * ```ts
 * import { pinv } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(pinv([[3], [4]]), [[0.12, 0.16]], { rtol: 1e-6 });
 * ```
 */
export function pinv(a: TensorLike, options?: RankOptions): Tensor {
  const what = "Cannot invert";
  const value = readMatrices(a, what);
  const rtol = readTolerance(what, value, options);
  if (!(value instanceof ComplexTensor)) return pseudoInverse(value, rtol).p;
  return fromEmbedded(pseudoInverse(embedded(value), rtol).p);
}

/**
 * How many singular values of matrices are not zero.
 *
 * @category Systems of equations
 * @param a `[..., m, n]`
 * @param options `rtol`: up to which part of the largest singular value others count as zero.
 * @returns `[...]`, int32; 0 where `a` has an element that is not finite.
 * @throws {ShapeError} when `a` has fewer than two axes.
 * @throws {ArgumentError} when `rtol` is not a number that is at least 0.
 *
 * @example Two rows of one direction
 * ```ts
 * import { matrixRank } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(matrixRank([[1, 2], [2, 4]]), 1);
 * ```
 */
export function matrixRank(a: TensorLike, options?: RankOptions): Tensor {
  const what = "Cannot take the rank of";
  const value = readMatrices(a, what);
  const rtol = readTolerance(what, value, options);
  const s = svd(value)[1];
  return sum(astype(greater(s, mul(index(s, "...", [0, 1]), rtol)), "int32"), -1);
}

/**
 * The inverse of a tensor as a matrix: `tensordot(tensorinv(a, ind), b, ind)` is `x` with
 * `tensordot(a, x, b.ndim)` equal to `b`.
 *
 * @category Systems of equations
 * @param a A tensor whose first `ind` axes have as many elements as the others.
 * @param ind How many axes are rows, 2 by default.
 * @returns The shape of `a`, with the first `ind` axes behind the others.
 * @throws {ShapeError} when rows and columns are not equally many.
 * @throws {ArgumentError} when `ind` is not a positive number of axes.
 *
 * @example One axis of four rows, two of columns
 * ```ts
 * import { eye } from "@jacobi/jacobi";
 * import { tensorinv } from "@jacobi/jacobi/linalg";
 *
 * tensorinv(eye(4).reshape([4, 2, 2]), 1); // float32[2,2,4]
 * ```
 */
export function tensorinv(a: TensorLike, ind?: number): Tensor {
  if (ind === undefined) ind = 2;
  const value = floatOperand(toTensor(a, "Cannot invert"));
  const what = `Cannot invert ${showType(value)}`;
  const count = checkInteger(ind, what, "a number of axes");
  if (count <= 0 || count > value.ndim) {
    throw argumentError(`${what}: expected from 1 to ${value.ndim} axes of rows, got ${count}`);
  }
  const [rows, columns] = [value.shape.slice(0, count), value.shape.slice(count)];
  if (sizeOf(rows) !== sizeOf(columns)) {
    throw shapeError(
      `${what}: rows ${showShape(rows)} and columns ${showShape(columns)} must be equally many`,
    );
  }
  const inverse = strictInverse(reshape(value, [sizeOf(rows), sizeOf(columns)]));
  return reshape(inverse, [...columns, ...rows]);
}

/**
 * Options of `tensorsolve`.
 *
 * @category Systems of equations
 */
export interface TensorsolveOptions {
  /** Axes of `a` that are moved to its end first. Default: none. */
  readonly axes?: number | readonly number[];
}

/**
 * The solution `x` of `tensordot(a, x, x.ndim) = b`.
 *
 * @category Systems of equations
 * @param a A tensor of the shape of `b` followed by that of `x`.
 * @param b The right side.
 * @param options `axes`: axes of `a` that are moved to its end first.
 * @returns `x`, of the last axes of `a`.
 * @throws {ShapeError} when `b` does not fit, or `x` would not have as many elements.
 * @throws {AxisError} when an axis is out of range or named twice.
 *
 * @example Equations of two by two unknowns
 * ```ts
 * import { eye } from "@jacobi/jacobi";
 * import { tensorsolve } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const a = eye(4).mul(2).reshape([4, 2, 2]);
 * assertTensorsClose(tensorsolve(a, [2, 4, 6, 8]), [[1, 2], [3, 4]]);
 * ```
 */
export function tensorsolve(a: TensorLike, b: TensorLike, options?: TensorsolveOptions): Tensor {
  const what = "Cannot solve systems of";
  const [matrix, right] = promoteTogether(what, [a, b]).map(floatOperand);
  const shown = `${what} ${showType(matrix)} with ${showType(right)} on the right`;
  const { axes = [] } = readOptions(what, options, ["axes"]);
  const last = listAxes(axes, matrix.ndim, shown);
  const order = range(matrix.ndim).filter((axis) => !last.includes(axis));
  const moved = transpose(matrix, [...order, ...last]);
  const unknowns = moved.shape.slice(right.ndim);
  if (!sameShape(moved.shape.slice(0, right.ndim), right.shape)) {
    throw shapeError(`${shown}: its axes must begin with ${showShape(right.shape)}`);
  }
  if (sizeOf(unknowns) !== right.size) {
    throw shapeError(`${shown}: expected as many unknowns, not ${showShape(unknowns)}`);
  }
  const x = solve(reshape(moved, [right.size, right.size]), reshape(right, [right.size]));
  return reshape(x, unknowns);
}

/**
 * Options of `polar`.
 *
 * @category Systems of equations
 */
export interface PolarOptions {
  /** On which side of the rotation the positive factor stands. Default `"right"`. */
  readonly side?: "right" | "left";
}

/**
 * The polar decomposition `a = u p`, or `a = p u`: `u` has orthonormal columns, or rows, and `p` is
 * symmetric, or Hermitian, and not negative. `u` is the nearest such matrix to `a`.
 *
 * By singular values; the derivative is exact where they are equal but not zero.
 *
 * @category Systems of equations
 * @param a `[..., m, n]`
 * @param options `side`: where `p` stands.
 * @returns `[u, p]`: `[..., m, n]`, and `[..., n, n]`, or `[..., m, m]` on the left.
 * @throws {ShapeError} when `a` has fewer than two axes.
 * @throws {ArgumentError} when there is no such side.
 *
 * @example A rotation and a stretch
 * ```ts
 * import { polar } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [u, p] = polar([[0, -3], [2, 0]]);
 * assertTensorsClose(u, [[0, -1], [1, 0]], { atol: 1e-6 });
 * assertTensorsClose(p, [[2, 0], [0, 3]], { atol: 1e-6 });
 * ```
 */
export function polar(a: TensorLike, options?: PolarOptions): [u: Tensor, p: Tensor] {
  const what = "Cannot decompose";
  const value = readMatrices(a, what);
  const { side = "right" } = readOptions(what, options, ["side"]);
  if (side !== "right" && side !== "left") {
    throw argumentError(
      `${what} ${showType(value)}: side must be "right" or "left", got ${describeValue(side)}`,
    );
  }
  const [left, , right] = svd(value);
  const u = product(left, right);
  const p = side === "right" ? product(adjoint(u), value) : product(value, adjoint(u));
  return [u, add(scale(p, 0.5), scale(adjoint(p), 0.5))];
}
