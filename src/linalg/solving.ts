/**
 * Solving systems of linear equations.
 *
 * @module
 */
import { complexDtype, describeValue, epsilonOf } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { showType } from "../base/shape.ts";
import { ComplexTensor } from "../core/complex.ts";
import { splat } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { shiftRight, square, sub } from "../primitives/arithmetic.ts";
import { complexSvdOf } from "../primitives/complex_matrices.ts";
import { luSolve } from "../primitives/lu.ts";
import {
  checkMatrices,
  checkSquare,
  diagonalMatrix,
  embedded,
  fromStackedParts,
  product,
  stackedParts,
} from "../primitives/matrices.ts";
import { pseudoInverse } from "../primitives/orthogonal.ts";
import { constantLike, convert, reduceSum } from "../primitives/structure.ts";
import * as triangular from "../primitives/triangular.ts";
import { readSquare, readSystem } from "./arguments.ts";
import type { System } from "./arguments.ts";

/**
 * Options of `triangularSolve`.
 *
 * @category Systems of equations
 */
export interface TriangularSolveOptions {
  /** Whether to read the lower triangle of `a`. Default `false`: the upper one. */
  readonly lower?: boolean;
  /** Whether `x` stands right of the triangle, as in `a x = b`. Default `true`; else `x a = b`. */
  readonly leftSide?: boolean;
  /** Whether the triangle is transposed. Default `false`. */
  readonly transposeA?: boolean;
  /** Whether the diagonal is taken for ones, whatever it holds. Default `false`. */
  readonly unitDiagonal?: boolean;
}

/**
 * The solution of equations whose matrix is triangular.
 *
 * @category Systems of equations
 * @param a `[..., n, n]`; only one triangle of it is read.
 * @param b `[n]`, or `[..., n, k]` (with `leftSide: false`, `[..., k, n]`). Leading axes are broadcast.
 * @param options `lower`, `transposeA` and `unitDiagonal` say what the triangle is, `leftSide` where it
 * stands.
 * @returns The shape of `b`, after broadcasting. A zero on the diagonal gives infinities and NaN.
 * @throws {ShapeError} when `a` is not square or `b` does not fit it.
 *
 * @example A lower triangle
 * ```ts
 * import { triangularSolve } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = triangularSolve([[2, 0], [1, 4]], [2, 9], { lower: true });
 * assertTensorsClose(x, [1, 2]);
 * ```
 */
export function triangularSolve(
  a: TensorLike,
  b: TensorLike,
  options?: TriangularSolveOptions,
): Tensor {
  const what = "Cannot solve triangular systems";
  const names = ["lower", "leftSide", "transposeA", "unitDiagonal"] as const;
  const { lower = false, leftSide = true, transposeA = false, unitDiagonal = false } = readOptions(
    what,
    options,
    names,
  );
  checkFlag(lower, what, "lower");
  checkFlag(leftSide, what, "leftSide");
  checkFlag(transposeA, what, "transposeA");
  checkFlag(unitDiagonal, what, "unitDiagonal");
  const system = readSystem(`${what} of`, a, b, checkSquare, leftSide);
  const params = { lower, transpose: transposeA === leftSide, unitDiagonal };
  return system.finish(triangular.triangularSolve(system.a, system.b, params));
}

/**
 * The solution of `a x = b`, by LU factorisation with partial pivoting. The factors serve the
 * derivatives too: a gradient costs two more triangular systems and a product.
 *
 * @category Systems of equations
 * @param a `[..., n, n]`
 * @param b A vector `[n]`, or matrices `[..., n, k]`. Leading axes are broadcast.
 * @returns `x`: `[..., n]` for a vector, else `[..., n, k]`. Where `a` is singular, infinities and NaN.
 * @throws {ShapeError} when `a` is not square or `b` does not fit it.
 *
 * @example Two equations
 * ```ts
 * import { solve } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(solve([[2, 1], [1, 3]], [4, 7]), [1, 2]);
 * ```
 */
export function solve(a: TensorLike, b: TensorLike): Tensor {
  const system = readSystem("Cannot solve systems of", a, b, checkSquare);
  return system.finish(luSolve(system.a, system.b));
}

/**
 * The inverses of square matrices. To multiply by an inverse, `solve` is faster and more accurate.
 *
 * @category Systems of equations
 * @param a `[..., n, n]`
 * @returns `[..., n, n]`; infinities and NaN where `a` is singular.
 * @throws {ShapeError} when `a` is not square.
 *
 * @example An inverse
 * ```ts
 * import { inv } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(inv([[2, 0], [0, 4]]), [[0.5, 0], [0, 0.25]]);
 * ```
 */
export function inv(a: TensorLike): Tensor {
  return strictInverse(readSquare(a, "Cannot invert"));
}

/** The inverses of square matrices of floats. */
export function strictInverse(a: Tensor): Tensor {
  return luSolve(a, identityLike(a));
}

/** Identity matrices of the type of `a`. */
export function identityLike(a: Tensor): Tensor {
  return diagonalMatrix(splat(1, a.dtype, a.shape.slice(0, -1)));
}

/**
 * Least squares of complex numbers: those of both parts. The singular values are those of the complex
 * matrix: that of both parts has each of them twice, and their second derivatives divide by the gaps.
 */
function complexLstsq(
  { a, b, finish, finishSums }: System,
  rcond: number,
): [x: Tensor, residuals: Tensor, rank: Tensor, s: Tensor] {
  const own = convert(a, complexDtype(a.dtype)) as ComplexTensor;
  const matrix = embedded(own);
  const right = stackedParts(b);
  const { p, rank } = pseudoInverse(matrix, rcond);
  const x = product(p, right);
  const squares = square(sub(right, product(matrix, x)));
  const residuals = reduceSum(squares, [squares.ndim - 2]);
  const half = shiftRight(rank, constantLike(rank, 1));
  return [finish(fromStackedParts(x)), finishSums(residuals), half, complexSvdOf(own)[1]];
}

/**
 * Options of `lstsq`.
 *
 * @category Systems of equations
 */
export interface LstsqOptions {
  /**
   * Singular values up to this times the largest are taken as zero. Default: the distance from 1 to
   * the next number of the dtype, times the larger of `m` and `n`.
   */
  readonly rcond?: number;
}

/**
 * The least-squares solution of `a x = b`: of all `x` that make the length of `a x - b` smallest, the
 * shortest. By singular values.
 *
 * The derivative of `x` (Golub and Pereyra 1973) supposes that the rank stays what it is.
 *
 * @category Systems of equations
 * @param a `[..., m, n]`
 * @param b A vector `[m]`, or matrices `[..., m, k]`. Leading axes are broadcast.
 * @param options `rcond`: up to which part of the largest singular value others count as zero.
 * @returns `[x, residuals, rank, s]`, as in JAX: `x` is `[..., n]` or `[..., n, k]`, `residuals` the sum
 * of squares of `b - a x` for each column, `[..., k]` (`[..., 1]` for a vector), `rank` int32 and `s` the
 * singular values of `a`. Where all leading axes are those of `b`, `rank` and `s` are those of the one
 * matrix `a`.
 * @throws {ShapeError} when `b` does not fit `a`.
 * @throws {ArgumentError} when `rcond` is not a number that is at least 0.
 *
 * @example A line through three points
 * ```ts
 * import { lstsq } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [x, residuals] = lstsq([[0, 1], [1, 1], [2, 1]], [1, 3, 5]);
 * assertTensorsClose(x, [2, 1], { atol: 1e-5 });
 * assertTensorsClose(residuals, [0], { atol: 1e-9 });
 * ```
 */
export function lstsq(
  a: TensorLike,
  b: TensorLike,
  options?: LstsqOptions,
): [x: Tensor, residuals: Tensor, rank: Tensor, s: Tensor] {
  const what = "Cannot solve systems of";
  const system = readSystem(what, a, b, checkMatrices);
  const matrix = system.a;
  const [m, n] = matrix.shape.slice(-2);
  const epsilon = epsilonOf(matrix.dtype);
  const { rcond = epsilon * Math.max(m, n) } = readOptions(what, options, ["rcond"]);
  if (typeof rcond !== "number" || !(rcond >= 0)) {
    throw argumentError(
      `${what} ${showType(matrix)}: rcond must be a number that is at least 0, ` +
        `got ${describeValue(rcond)}`,
    );
  }
  if (matrix instanceof ComplexTensor || system.b instanceof ComplexTensor) {
    return complexLstsq(system, rcond);
  }
  const { p, rank, s } = pseudoInverse(matrix, rcond);
  const x = product(p, system.b);
  const squares = square(sub(system.b, product(matrix, x)));
  const residuals = reduceSum(squares, [squares.ndim - 2]);
  return [system.finish(x), system.finishSums(residuals), rank, s];
}
