/**
 * Error functions and gamma functions of elements.
 *
 * @module
 */
import { toTensor } from "../core/convert.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import * as transcendental from "../primitives/transcendental.ts";
import { floatOperand } from "./broadcasting.ts";
import { applyFloat, realOperand } from "./operands.ts";

/**
 * Error function `2/√π ∫₀ˣ exp(-t²) dt` of each element.
 *
 * @category Elementary functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example Within one standard deviation
 * ```ts
 * import { erf } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(erf(Math.SQRT1_2), 0.6826895);
 * ```
 */
export function erf(x: TensorLike): Tensor {
  return applyFloat("Cannot take erf of", transcendental.erf, x);
}

/**
 * Complementary error function `1 - erf(x)` of each element, exact where that difference is tiny.
 *
 * @category Elementary functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example Both tails
 * ```ts
 * import { erfc } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(erfc([0, -10]), [1, 2]);
 * ```
 */
export function erfc(x: TensorLike): Tensor {
  return applyFloat("Cannot take erfc of", transcendental.erfc, x);
}

/**
 * Inverse error function of each element; infinite at ±1, NaN outside.
 *
 * @category Elementary functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example The inverse of erf
 * ```ts
 * import { erfinv } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(erfinv([0, 0.6826895]), [0, Math.SQRT1_2]);
 * ```
 */
export function erfinv(x: TensorLike): Tensor {
  return applyFloat("Cannot take erfinv of", transcendental.erfinv, x);
}

/**
 * Logarithm of the absolute value of the gamma function of each element.
 *
 * @category Elementary functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example Factorials
 * ```ts
 * import { lgamma } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(lgamma([1, 2, 5]), [0, 0, Math.log(24)]);
 * ```
 */
export function lgamma(x: TensorLike): Tensor {
  return applyFloat("Cannot take lgamma of", transcendental.lgamma, x);
}

/**
 * Derivative of `lgamma` at each element; infinite or NaN at its poles 0, -1, -2, ….
 *
 * @category Elementary functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example Minus the Euler-Mascheroni constant
 * ```ts
 * import { digamma } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(digamma(1), -0.5772157);
 * ```
 */
export function digamma(x: TensorLike): Tensor {
  const value = realOperand("digamma", toTensor(x, "Cannot take digamma of"));
  return transcendental.polygamma(floatOperand(value), 0);
}
