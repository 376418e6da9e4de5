/**
 * Determinants.
 *
 * @module
 */
import { ComplexTensor } from "../core/complex.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { abs, mul, sign } from "../primitives/arithmetic.ts";
import { complexLu } from "../primitives/complex_matrices.ts";
import { lu } from "../primitives/lu.ts";
import type { LuFactors } from "../primitives/lu.ts";
import { diagonalOf } from "../primitives/matrices.ts";
import { reduceProd } from "../primitives/reduction.ts";
import { reduceSum } from "../primitives/structure.ts";
import { log } from "../primitives/transcendental.ts";
import { readSquare } from "./arguments.ts";

function factorsOf(a: TensorLike): LuFactors {
  const matrices = readSquare(a, "Cannot take the determinant of");
  return matrices instanceof ComplexTensor ? complexLu(matrices) : lu(matrices);
}

/**
 * The determinants of square matrices.
 *
 * Derivatives are right at singular matrices too, of any rank: elimination with complete pivoting leaves
 * the zeros last, and the gradient, the matrix of cofactors, does not divide by them.
 *
 * @category Norms and matrix functions
 * @param a `[..., n, n]`
 * @returns `[...]`; 1 for matrices without elements.
 * @throws {ShapeError} when `a` is not square.
 *
 * @example The gradient at a singular matrix
 * ```ts
 * import { grad, tensor } from "@jacobi/jacobi";
 * import { det } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const a = tensor([[1, 2], [2, 4]]);
 * assertTensorsClose(det(a), 0);
 * assertTensorsClose(grad(det)(a), [[4, -2], [-2, 1]]);
 * ```
 */
export function det(a: TensorLike): Tensor {
  const factors = factorsOf(a);
  return mul(factors.sign, reduceProd(diagonalOf(factors.u), [factors.u.ndim - 2]));
}

/**
 * The sign and the logarithm of the absolute value of determinants, without overflow.
 *
 * @category Norms and matrix functions
 * @param a `[..., n, n]`
 * @returns `[sign, logdet]`, both `[...]`. A singular matrix has sign 0 and logarithm negative infinity;
 * its gradient is infinite or NaN.
 * @throws {ShapeError} when `a` is not square.
 *
 * @example A determinant too large for a number
 * ```ts
 * import { eye, mul } from "@jacobi/jacobi";
 * import { slogdet } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [sign, logdet] = slogdet(mul(eye(100), -1e30));
 * assertTensorsClose(sign, 1);
 * assertTensorsClose(logdet, 3000 * Math.LN10);
 * ```
 */
export function slogdet(a: TensorLike): [sign: Tensor, logdet: Tensor] {
  const factors = factorsOf(a);
  const pivots = diagonalOf(factors.u);
  const last = [pivots.ndim - 1];
  return [
    mul(factors.sign, reduceProd(sign(pivots), last)),
    reduceSum(log(abs(pivots)), last),
  ];
}
