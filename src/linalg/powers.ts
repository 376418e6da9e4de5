/**
 * Powers of matrices.
 *
 * @module
 */
import { checkInteger } from "../functions/arguments.ts";
import { showType } from "../base/shape.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { product } from "../primitives/matrices.ts";
import { readSquare } from "./arguments.ts";
import { identityLike, strictInverse } from "./solving.ts";

/**
 * Integer powers of square matrices, by squaring: a power `n` takes about `2 log2(n)` products.
 *
 * @category Norms and matrix functions
 * @param a `[..., n, n]`
 * @param power An integer. Of a negative one, the inverse is raised to its absolute value; the power 0
 * is the identity.
 * @returns `[..., n, n]`
 * @throws {ShapeError} when `a` is not square.
 * @throws {ArgumentError} when the power is not an integer.
 *
 * @example Fibonacci numbers
 * ```ts
 * import { matrixPower } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(matrixPower([[1, 1], [1, 0]], 10), [[89, 55], [55, 34]]);
 * ```
 */
export function matrixPower(a: TensorLike, power: number): Tensor {
  const what = "Cannot take a power of";
  const value = readSquare(a, what);
  const exponent = checkInteger(power, `${what} ${showType(value)}`, "an integer power");
  let square = exponent < 0 ? strictInverse(value) : value;
  let result: Tensor | null = null;
  // Division instead of shifts, since exponents may have more than 32 bits.
  for (let left = Math.abs(exponent); left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = result === null ? square : product(result, square);
    if (left > 1) square = product(square, square);
  }
  return result ?? identityLike(value);
}
