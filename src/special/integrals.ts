/**
 * Exponential, trigonometric and Fresnel integrals, and the dilogarithm.
 *
 * @module
 */
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { constantLike, convert } from "../primitives/structure.ts";
import * as primitive from "../primitives/special_integrals.ts";
import { floats, integersBeside } from "./operands.ts";

/**
 * The exponential integral `Ei(x)`, the principal value of the integral of `exp(t) / t` from -∞ to `x`, of
 * each element; -Infinity at 0.
 *
 * @category Special functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 *
 * @example Its zero
 * ```ts
 * import { expi } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(expi([0.37250741, 1]), [0, 1.8951178]);
 * ```
 */
export function expi(x: TensorLike): Tensor {
  return floats("expi", [x], ([x]) => primitive.expi(x));
}

/**
 * The exponential integral `E₁(x)`, the integral of `exp(-t) / t` from `x` to ∞, of each element; Infinity
 * at 0, NaN below.
 *
 * @category Special functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 *
 * @example A value
 * ```ts
 * import { exp1 } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(exp1(1), 0.2193839);
 * ```
 */
export function exp1(x: TensorLike): Tensor {
  return floats("exp1", [x], ([x]) => primitive.expn(constantLike(convert(x, "int32"), 1), x));
}

/**
 * The exponential integral `Eₙ(x)`, the integral of `exp(-x t) / tⁿ` over `t` from 1 to ∞, of each
 * element; NaN for negative `x`. For negative `n` it is the same integral.
 *
 * @category Special functions
 * @param n Integers; any shape that broadcasts to the result's.
 * @param x Any shape that broadcasts to the result's.
 * @returns The shape that the arguments broadcast to; integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when `n` is not of integers, or an argument is complex.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example Of order 0
 * ```ts
 * import { expn } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(expn([0, 2], [1, 0]), [Math.exp(-1), 1]);
 * ```
 */
export function expn(n: TensorLike, x: TensorLike): Tensor {
  return integersBeside("expn", { n }, { x }, ([n], [x]) => primitive.expn(n, x));
}

/**
 * The sine integral, of `sin(t) / t` from 0 to `x`, and the cosine integral, minus that of `cos(t) / t`
 * from `x` to ∞, of each element. The cosine integral is -Infinity at 0 and NaN below.
 *
 * @category Special functions
 * @param x Any shape.
 * @returns `[si, ci]`, both of the shape of `x`; integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 *
 * @example Both at 1
 * ```ts
 * import { sici } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [si, ci] = sici(1);
 * assertTensorsClose(si, 0.9460831);
 * assertTensorsClose(ci, 0.3374039);
 * ```
 */
export function sici(x: TensorLike): [si: Tensor, ci: Tensor] {
  const si = floats("sici", [x], ([x]) => primitive.sineIntegral(x, 0));
  return [si, floats("sici", [x], ([x]) => primitive.cosineIntegral(x))];
}

/**
 * The Fresnel integrals, of `sin(π t² / 2)` and `cos(π t² / 2)` from 0 to `x`, of each element. Both tend
 * to a half.
 *
 * @category Special functions
 * @param x Any shape.
 * @returns `[s, c]`, both of the shape of `x`; integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 *
 * @example Both at 1
 * ```ts
 * import { fresnel } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [s, c] = fresnel(1);
 * assertTensorsClose(s, 0.4382591);
 * assertTensorsClose(c, 0.7798934);
 * ```
 */
export function fresnel(x: TensorLike): [s: Tensor, c: Tensor] {
  const s = floats("fresnel", [x], ([x]) => primitive.fresnel(x, true));
  return [s, floats("fresnel", [x], ([x]) => primitive.fresnel(x, false))];
}

/**
 * Spence's function, the integral of `log(t) / (1 - t)` from 1 to `x`, of each element: the dilogarithm of
 * `1 - x`. NaN below 0.
 *
 * @category Special functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 *
 * @example At its end
 * ```ts
 * import { spence } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(spence([0, 1]), [Math.PI ** 2 / 6, 0]);
 * ```
 */
export function spence(x: TensorLike): Tensor {
  return floats("spence", [x], ([x]) => primitive.spence(x, 0));
}
