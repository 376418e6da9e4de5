/**
 * Determinants.
 *
 * @module
 */
import type { Tensor, TensorLike } from "../core/tensor.ts";
import {
  abs,
  binade,
  div,
  maximum,
  minimum,
  mul,
  neg,
  offset,
  round,
  scale,
  sign,
  sub,
  trunc,
} from "../primitives/arithmetic.ts";
import { equal, lessEqual, select } from "../primitives/comparison.ts";
import { lu } from "../primitives/lu.ts";
import { diagonalOf } from "../primitives/matrices.ts";
import { reduceProd } from "../primitives/reduction.ts";
import { broadcastAxis, constantLike, reduceSum, stopGradient } from "../primitives/structure.ts";
import { log, log2, pow } from "../primitives/transcendental.ts";
import { readSquare } from "./arguments.ts";

/**
 * The determinants of square matrices.
 *
 * Derivatives are right at singular matrices too, of any rank: elimination with complete pivoting leaves
 * the zeros last, and the gradient, the matrix of cofactors, does not divide by them.
 *
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
  const factors = lu(readSquare(a, "Cannot take the determinant of"));
  return mul(factors.sign, productOf(diagonalOf(factors.u)));
}

/** For each dtype: up to which exponents products need no care, and the largest power of two. */
const EXPONENTS = { float32: [100, 127], float64: [900, 1023] } as const;

/**
 * The product along the last axis, where it is in range also if it is not in between: then of numbers
 * close to one, each divided by a power of two, and the product of these powers in two halves.
 */
function productOf(x: Tensor): Tensor {
  const axis = x.ndim - 1;
  const [most, largest] = EXPONENTS[x.dtype as keyof typeof EXPONENTS];
  const values = stopGradient(x);
  const one = constantLike(x, 1);
  // A pivot of zero makes no product too large or too small.
  const isZero = equal(values, constantLike(x, 0));
  const sizes = binade(select(isZero, one, scale(values, Math.SQRT2)));
  const exponents = round(log2(sizes));
  const total = offset(reduceSum(abs(exponents), [axis]), x.shape[axis]);
  const isUsual = lessEqual(total, constantLike(total, most));
  const isKept = broadcastAxis(isUsual, axis, x.shape[axis]);
  const product = reduceProd(div(x, select(isKept, one, sizes)), [axis]);
  const exponent = select(isUsual, constantLike(total, 0), reduceSum(exponents, [axis]));
  const bound = constantLike(exponent, 2 * largest);
  const bounded = maximum(minimum(exponent, bound), neg(bound));
  const half = trunc(scale(bounded, 0.5));
  return mul(mul(product, powerOfTwo(half)), powerOfTwo(sub(bounded, half)));
}

/** Two to the power of integers, exactly. */
function powerOfTwo(exponent: Tensor): Tensor {
  return binade(scale(pow(constantLike(exponent, 2), exponent), 1.25));
}

/**
 * The sign and the logarithm of the absolute value of determinants, without overflow.
 *
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
  const factors = lu(readSquare(a, "Cannot take the determinant of"));
  const pivots = diagonalOf(factors.u);
  const last = [pivots.ndim - 1];
  return [
    mul(factors.sign, reduceProd(sign(pivots), last)),
    reduceSum(log(abs(pivots)), last),
  ];
}
