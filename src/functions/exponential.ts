/**
 * Exponential functions and logarithms of elements.
 *
 * @module
 */
import type { Tensor, TensorLike } from "../core/tensor.ts";
import * as transcendental from "../primitives/transcendental.ts";
import { applyFloat, applyFloatBinary } from "./operands.ts";

/**
 * Exponential of each element.
 *
 * @category Elementary functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example Powers of e
 * ```ts
 * import { exp } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(exp([0, 1]), [1, Math.E]);
 * ```
 */
export function exp(x: TensorLike): Tensor {
  return applyFloat("Cannot take the exponential of", transcendental.exp, x);
}

/**
 * Exponential minus one of each element, without cancellation near 0.
 *
 * @category Elementary functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example Near zero
 * ```ts
 * import { expm1 } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(expm1([0, 1e-8]), [0, 1e-8], { atol: 1e-14 });
 * ```
 */
export function expm1(x: TensorLike): Tensor {
  return applyFloat("Cannot take expm1 of", transcendental.expm1, x);
}

/**
 * Natural logarithm of each element: negative infinity of 0, NaN of negative ones.
 *
 * @category Elementary functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example Logarithms
 * ```ts
 * import { log } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(log([1, Math.E, 0]), [0, 1, -Infinity]);
 * ```
 */
export function log(x: TensorLike): Tensor {
  return applyFloat("Cannot take the logarithm of", transcendental.log, x);
}

/**
 * Natural logarithm of one plus each element, without cancellation near 0.
 *
 * @category Elementary functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example Near zero
 * ```ts
 * import { log1p } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(log1p([0, 1e-8]), [0, 1e-8], { atol: 1e-14 });
 * ```
 */
export function log1p(x: TensorLike): Tensor {
  return applyFloat("Cannot take log1p of", transcendental.log1p, x);
}

/**
 * Logarithm to base two of each element.
 *
 * @category Elementary functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example Powers of two
 * ```ts
 * import { log2 } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(log2([1, 8, 0.25]), [0, 3, -2]);
 * ```
 */
export function log2(x: TensorLike): Tensor {
  return applyFloat("Cannot take the logarithm of", transcendental.log2, x);
}

/**
 * Logistic function `1 / (1 + exp(-x))` of each element, without overflow.
 *
 * @category Elementary functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example Between 0 and 1
 * ```ts
 * import { sigmoid } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(sigmoid([-200, 0, 200]), [0, 0.5, 1]);
 * ```
 */
export function sigmoid(x: TensorLike): Tensor {
  return applyFloat("Cannot take the sigmoid of", transcendental.sigmoid, x);
}

/**
 * Logarithm of the sum of the exponentials of each pair of elements, without overflow.
 *
 * @category Elementary functions
 * @param x Any shape.
 * @param y Any shape that broadcasts with `x`.
 * @returns The common dtype, in the shape that both broadcast to; integers and bools become
 * `float32`.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example Adding probabilities by their logarithms
 * ```ts
 * import { logaddexp } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(logaddexp(Math.log(0.25), Math.log(0.5)), Math.log(0.75));
 * ```
 */
export function logaddexp(x: TensorLike, y: TensorLike): Tensor {
  return applyFloatBinary("Cannot take logaddexp of", transcendental.logaddexp, x, y);
}
