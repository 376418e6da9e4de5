/**
 * Factorisations of matrices.
 *
 * @module
 */
import { describeValue, wideDtype } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { showType } from "../base/shape.ts";
import { splat } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { add, scale } from "../primitives/arithmetic.ts";
import * as complexMatrices from "../primitives/complex_matrices.ts";
import { adjoint, completeBasis } from "../primitives/complex_matrices.ts";
import * as orthogonal from "../primitives/orthogonal.ts";
import { concatenate } from "../primitives/slicing.ts";
import { convert } from "../primitives/structure.ts";
import * as triangular from "../primitives/triangular.ts";
import { readMatrices, readSquare } from "./arguments.ts";

/**
 * Options of `cholesky` and `eigh`.
 *
 * @category Factorizations
 */
export interface SymmetricOptions {
  /**
   * Whether the matrix is replaced by the mean of itself and its transpose first, so that gradients are
   * symmetric. Default `true`; without, the lower triangle alone is read.
   */
  readonly symmetrizeInput?: boolean;
}

/** Square matrices that are to be symmetric. */
function readSymmetric(
  x: TensorLike,
  what: string,
  options: SymmetricOptions | undefined,
): Tensor {
  const a = readSquare(x, what);
  const { symmetrizeInput = true } = readOptions(what, options, ["symmetrizeInput"]);
  checkFlag(symmetrizeInput, what, "symmetrizeInput");
  // Halved first, so that large elements do not overflow.
  return symmetrizeInput ? add(scale(a, 0.5), scale(adjoint(a), 0.5)) : a;
}

/**
 * The Cholesky factor of symmetric, or Hermitian, positive definite matrices: the lower triangular `L`
 * with a positive diagonal and `L Lᴴ = a`.
 *
 * Derivative: I. Murray, "Differentiation of the Cholesky decomposition", 2016.
 *
 * @category Factorizations
 * @param a `[..., n, n]`
 * @param options `symmetrizeInput`: whether the mean of `a` and its adjoint is taken first, `true` by
 * default; without, the lower triangle of `a` is read.
 * @returns `[..., n, n]`, zero above the diagonal. A matrix that is not positive definite gives NaN on
 * and below it, the others of its batch do not suffer.
 * @throws {ShapeError} when `a` is not square.
 *
 * @example A factor and its product
 * ```ts
 * import { matmul } from "@jacobi/jacobi";
 * import { cholesky } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const l = cholesky([[4, 2], [2, 5]]);
 * assertTensorsClose(l, [[2, 0], [1, 2]]);
 * assertTensorsClose(matmul(l, l.transpose()), [[4, 2], [2, 5]]);
 * ```
 */
export function cholesky(a: TensorLike, options?: SymmetricOptions): Tensor {
  return triangular.cholesky(readSymmetric(a, "Cannot factorise", options));
}

/**
 * The eigenvalues and eigenvectors of symmetric, or Hermitian, matrices.
 *
 * Derivative: M. Giles, "An extended collection of matrix derivative results", 2008. Eigenvectors of
 * equal eigenvalues are any basis of their space and have no derivative: their turning into each other
 * is taken as 0. Gradients of functions of eigenvalues stay right there; second derivatives, and
 * gradients by eigenvectors of that space, lack what would come from the turning.
 *
 * @category Factorizations
 * @param a `[..., n, n]`
 * @param options `symmetrizeInput`: whether the mean of `a` and its transpose is taken first, `true` by
 * default; without, the lower triangle of `a` is read.
 * @returns `[w, v]`: the eigenvalues `[..., n]`, increasing, and the eigenvectors as the columns of
 * `[..., n, n]`, each of the sign, or phase, that makes its largest element positive. NaN where `a` has an element
 * that is not finite.
 * @throws {ShapeError} when `a` is not square.
 *
 * @example The eigenvalues of a reflection
 * ```ts
 * import { eigh } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [w, v] = eigh([[0, 1], [1, 0]]);
 * assertTensorsClose(w, [-1, 1]);
 * assertTensorsClose(v, [[Math.SQRT1_2, Math.SQRT1_2], [-Math.SQRT1_2, Math.SQRT1_2]]);
 * ```
 */
export function eigh(a: TensorLike, options?: SymmetricOptions): [w: Tensor, v: Tensor] {
  return orthogonal.eigh(readSymmetric(a, "Cannot decompose", options));
}

/**
 * Eigenvalues and eigenvectors of square matrices of any kind: `a v = v w`.
 *
 * Eigenvalues are ordered by their real parts, those that are equal but for rounding by their imaginary
 * ones. Eigenvectors have length one, and their largest elements are real and positive. At equal eigenvalues derivatives are those of
 * matrices that leave them equal; there, and where eigenvectors coincide, they may be infinite or NaN.
 * For symmetric and Hermitian matrices `eigh` is faster and exact about what is real.
 *
 * Source: Hessenberg form and shifted QR steps, G. H. Golub and C. F. Van Loan, "Matrix Computations",
 * 4th edition, 2013, sections 7.4 and 7.5.
 *
 * @category Factorizations
 * @param a Real or complex matrices `[..., n, n]`; integers and bools become `float32`.
 * @returns `[w, v]`: eigenvalues `[..., n]`, and matrices `[..., n, n]` whose columns are the
 * eigenvectors; both complex.
 * @throws {ShapeError} when the matrices are not square.
 *
 * @example A quarter turn
 * ```ts
 * import { complex } from "@jacobi/jacobi";
 * import { eig } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [w] = eig([[0, -1], [1, 0]]);
 * assertTensorsClose(w, complex(0, [-1, 1]));
 * ```
 */
export function eig(a: TensorLike): [w: Tensor, v: Tensor] {
  const value = readSquare(a, "Cannot decompose");
  return complexMatrices.eig(convert(value, wideDtype(value.dtype)));
}

/**
 * Eigenvalues of square matrices of any kind, as `eig` gives them.
 *
 * @category Factorizations
 * @param a Real or complex matrices `[..., n, n]`; integers and bools become `float32`.
 * @returns Complex eigenvalues `[..., n]`, ordered by their real and then by their imaginary parts.
 * @throws {ShapeError} when the matrices are not square.
 *
 * @example The roots of x² + 1, by its companion matrix
 * ```ts
 * import { complex } from "@jacobi/jacobi";
 * import { eigvals } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(eigvals([[0, -1], [1, 0]]), complex(0, [-1, 1]));
 * ```
 */
export function eigvals(a: TensorLike): Tensor {
  return eig(a)[0];
}

/**
 * Options of `qr`.
 *
 * @category Factorizations
 */
export interface QrOptions {
  /** Whether `q` is square. Default `"reduced"`: it has no more columns than `a`. */
  readonly mode?: "reduced" | "complete";
}

/**
 * The QR factorisation: `a = q r`, the columns of `q` orthonormal and `r` upper triangular with a
 * diagonal that is not negative.
 *
 * @category Factorizations
 * @param a `[..., m, n]`
 * @param options `mode`: `"reduced"`, the default, or `"complete"`, which adds columns to `q` until it is
 * square, and rows of zeros to `r`. Of these columns only the space that they span is determined, and
 * only functions of it have gradients.
 * @returns `[q, r]` of shapes `[..., m, k]` and `[..., k, n]`, `k` the smaller of `m` and `n`, or `m` in
 * mode `"complete"`. The derivative needs the first columns of `a`, as many as `m` and `n` allow, to be
 * linearly independent, and is infinite or NaN otherwise.
 * @throws {ShapeError} when `a` has fewer than two axes.
 * @throws {ArgumentError} when there is no such mode.
 *
 * @example Orthonormal columns
 * ```ts
 * import { matmul } from "@jacobi/jacobi";
 * import { qr } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [q, r] = qr([[3, 1], [4, 7]]);
 * assertTensorsClose(q, [[0.6, -0.8], [0.8, 0.6]]);
 * assertTensorsClose(matmul(q, r), [[3, 1], [4, 7]], { rtol: 1e-5 });
 * ```
 */
export function qr(a: TensorLike, options?: QrOptions): [q: Tensor, r: Tensor] {
  const what = "Cannot factorise";
  const value = readMatrices(a, what);
  const { mode = "reduced" } = readOptions(what, options, ["mode"]);
  if (mode !== "reduced" && mode !== "complete") {
    throw argumentError(
      `${what} ${showType(value)}: mode must be "reduced" or "complete", got ${
        describeValue(mode)
      }`,
    );
  }
  const [q, r] = orthogonal.qr(value);
  const [rows, columns] = value.shape.slice(-2);
  if (mode === "reduced" || rows <= columns) return [q, r];
  const zeros = splat(0, r.dtype, [...r.shape.slice(0, -2), rows - columns, columns]);
  return [completeBasis(q), concatenate([r, zeros], r.ndim - 2)];
}

/**
 * Options of `svd`.
 *
 * @category Factorizations
 */
export interface SvdOptions {
  /** Whether the singular vectors are completed to bases. Default `false`. */
  readonly fullMatrices?: boolean;
}

/**
 * The singular value decomposition `a = u diag(s) vt`; `vt` is the adjoint of the right vectors.
 *
 * Derivative: Z. Wan and S. Zhang, "Automatic differentiation for complex valued SVD", 2019. Singular
 * vectors of equal values, or of zero, have none: their turning into each other, or out of their
 * space, is taken as 0. Gradients of functions of singular values stay right there, and those of
 * `u vt`, the nearest orthogonal matrix, where values are equal but not zero.
 *
 * @category Factorizations
 * @param a `[..., m, n]`
 * @param options `fullMatrices`: whether to add columns to `u` and rows to `vt` until they are square.
 * Of these only the space that they span is determined, and only functions of it have gradients.
 * Default `false`, unlike NumPy's.
 * @returns `[u, s, vt]` of shapes `[..., m, k]`, `[..., k]` and `[..., k, n]`, `k` the smaller of `m` and
 * `n`; with `fullMatrices`, `u` is `[..., m, m]` and `vt` `[..., n, n]`. Singular vectors are the columns
 * of `u` and the rows of `vt`, singular values decrease. Of the signs, or phases, of a pair of vectors, that
 * which makes the largest element in `u` positive. NaN where `a` has an element that is not finite.
 * @throws {ShapeError} when `a` has fewer than two axes.
 *
 * @example A matrix of rank one
 * ```ts
 * import { svd } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [u, s, vt] = svd([[3, 0], [4, 0]]);
 * assertTensorsClose(s, [5, 0], { atol: 1e-6 });
 * assertTensorsClose(u.at(null, 0), [0.6, 0.8]);
 * assertTensorsClose(vt.at(0), [1, 0]);
 * ```
 */
export function svd(
  a: TensorLike,
  options?: SvdOptions,
): [u: Tensor, s: Tensor, vt: Tensor] {
  const what = "Cannot decompose";
  const value = readMatrices(a, what);
  const { fullMatrices = false } = readOptions(what, options, ["fullMatrices"]);
  checkFlag(fullMatrices, what, "fullMatrices");
  const [u, s, vt] = orthogonal.svd(value);
  if (!fullMatrices) return [u, s, vt];
  return [completeBasis(u), s, adjoint(completeBasis(adjoint(vt)))];
}

/**
 * The singular values of matrices, as `svd` gives them.
 *
 * @category Factorizations
 * @param a `[..., m, n]`
 * @returns `[..., k]`, decreasing, `k` the smaller of `m` and `n`; real for complex matrices. NaN where
 * `a` has an element that is not finite.
 * @throws {ShapeError} when `a` has fewer than two axes.
 *
 * @example Of a matrix of rank one
 * ```ts
 * import { svdvals } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(svdvals([[3, 0], [4, 0]]), [5, 0], { atol: 1e-6 });
 * ```
 */
export function svdvals(a: TensorLike): Tensor {
  return svd(a)[1];
}

/**
 * The eigenvalues of symmetric, or Hermitian, matrices, as `eigh` gives them.
 *
 * @category Factorizations
 * @param a `[..., n, n]`
 * @param options `symmetrizeInput`: whether the mean of `a` and its adjoint is taken first, `true` by
 * default; without, the lower triangle of `a` is read.
 * @returns `[..., n]`, increasing and real. NaN where `a` has an element that is not finite.
 * @throws {ShapeError} when `a` is not square.
 *
 * @example Of a reflection
 * ```ts
 * import { eigvalsh } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(eigvalsh([[0, 1], [1, 0]]), [-1, 1]);
 * ```
 */
export function eigvalsh(a: TensorLike, options?: SymmetricOptions): Tensor {
  return eigh(a, options)[0];
}
