/**
 * Smooth activations, with PyTorch's and JAX's values; infinite inputs give the limits.
 *
 * @module
 */
import { readOptions } from "../base/options.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { add, div, neg, scale, sqrt, square, sub } from "../primitives/arithmetic.ts";
import { less, lessEqual, select } from "../primitives/comparison.ts";
import { constantLike } from "../primitives/structure.ts";
import { exp, expm1, log, log1p, logaddexp, tanh } from "../primitives/transcendental.ts";
import { checkOption, elu, floats } from "./activations.ts";

/**
 * Options of `celu`.
 *
 * @category Activations
 */
export interface CeluOptions {
  /** Minus the limit at minus infinity, above 0. Default 1. */
  readonly alpha?: number;
}

/**
 * Continuously differentiable exponential linear unit (Barron, 2017): `x` above zero,
 * `alpha * (exp(x / alpha) - 1)` elsewhere.
 *
 * @category Activations
 * @param x Any shape.
 * @param options The limit.
 * @returns The shape and dtype of `x` (float32 for integers and bools).
 * @throws {ArgumentError} when an option is unknown, or `alpha` not above 0.
 *
 * @example Values
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.celu([-2, 1], { alpha: 2 }), [2 * Math.expm1(-1), 1]);
 * ```
 */
export function celu(x: TensorLike, options?: CeluOptions): Tensor {
  const { alpha = 1 } = readOptions("Cannot apply celu", options, ["alpha"]);
  checkOption(alpha, "alpha", "celu", Number.MIN_VALUE);
  const input = floats(x, "celu");
  const zero = constantLike(input, 0);
  const isNegative = lessEqual(input, zero);
  const held = div(select(isNegative, input, zero), constantLike(input, alpha));
  return select(isNegative, scale(expm1(held), alpha), input);
}

/**
 * Scaled exponential linear unit (Klambauer et al., "Self-normalizing neural networks", 2017).
 *
 * @category Activations
 * @param x Any shape.
 * @returns The shape and dtype of `x` (float32 for integers and bools).
 *
 * @example Values
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.selu([-1, 1]), [-1.1113307378, 1.0507009874]);
 * ```
 */
export function selu(x: TensorLike): Tensor {
  return scale(elu(floats(x, "selu"), { alpha: 1.6732632423543772 }), 1.0507009873554805);
}

/**
 * The logarithm of the logistic function: `-softplus(-x)`, exact where that is small.
 *
 * @category Activations
 * @param x Any shape.
 * @returns The shape and dtype of `x` (float32 for integers and bools).
 *
 * @example Values
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.logsigmoid([0, -50]), [-Math.log(2), -50]);
 * ```
 */
export function logsigmoid(x: TensorLike): Tensor {
  const input = floats(x, "logsigmoid");
  return neg(logaddexp(neg(input), constantLike(input, 0)));
}

/**
 * The input over one plus its magnitude: `x / (1 + |x|)`.
 *
 * @category Activations
 * @param x Any shape.
 * @returns The shape and dtype of `x` (float32 for integers and bools).
 *
 * @example Values
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.softsign([-1, 3]), [-0.5, 0.75]);
 * ```
 */
export function softsign(x: TensorLike): Tensor {
  const input = floats(x, "softsign");
  const one = constantLike(input, 1);
  const zero = constantLike(input, 0);
  const isNegative = less(input, zero);
  const magnitude = select(isNegative, neg(input), input);
  // Also of infinity: 1 - 1 / (1 + |x|), where |x| is large enough for that to be exact.
  const isLarge = less(one, magnitude);
  const far = sub(one, div(one, add(one, select(isLarge, magnitude, one))));
  const held = select(isLarge, zero, input);
  const near = div(held, add(one, select(isNegative, neg(held), held)));
  return select(isLarge, select(isNegative, neg(far), far), near);
}

/**
 * The input less its hyperbolic tangent.
 *
 * @category Activations
 * @param x Any shape.
 * @returns The shape and dtype of `x` (float32 for integers and bools).
 *
 * @example Values
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.tanhshrink([0, 1]), [0, 1 - Math.tanh(1)]);
 * ```
 */
export function tanhshrink(x: TensorLike): Tensor {
  const input = floats(x, "tanhshrink");
  return sub(input, tanh(input));
}

/**
 * Options of `squareplus`.
 *
 * @category Activations
 */
export interface SquareplusOptions {
  /** How smooth it is, not below 0. Default 4. */
  readonly b?: number;
}

/**
 * A softplus without exponentials (Barron, 2021): `(x + sqrt(x² + b)) / 2`.
 *
 * @category Activations
 * @param x Any shape.
 * @param options How smooth.
 * @returns The shape and dtype of `x` (float32 for integers and bools).
 * @throws {ArgumentError} when an option is unknown, or `b` below 0.
 *
 * @example Values
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.squareplus([0, 1.5]), [1, 2]);
 * ```
 */
export function squareplus(x: TensorLike, options?: SquareplusOptions): Tensor {
  const { b = 4 } = readOptions("Cannot apply squareplus", options, ["b"]);
  checkOption(b, "b", "squareplus", 0);
  const input = floats(x, "squareplus");
  const root = sqrt(add(square(input), constantLike(input, b)));
  const isNegative = less(input, constantLike(input, 0));
  // The same without cancellation: b / (sqrt(x² + b) - x).
  const denominator = sub(root, select(isNegative, input, constantLike(input, -1)));
  const small = div(constantLike(input, b / 2), denominator);
  return select(isNegative, small, scale(add(input, root), 0.5));
}

/**
 * The logarithm of one minus an exponential: `log(1 - exp(-x))`, exact for small and large `x` (Mächler, 2012).
 *
 * @category Activations
 * @param x Positive numbers, of any shape; 0 gives minus infinity, less NaN.
 * @returns The shape and dtype of `x` (float32 for integers and bools).
 *
 * @example A small number
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.log1mexp([1e-10, 40]), [Math.log(1e-10), -Math.exp(-40)]);
 * ```
 */
export function log1mexp(x: TensorLike): Tensor {
  const input = floats(x, "log1mexp");
  const half = constantLike(input, Math.LN2);
  const isSmall = lessEqual(input, half);
  const small = log(neg(expm1(neg(select(isSmall, input, half)))));
  return select(isSmall, small, log1p(neg(exp(neg(select(isSmall, half, input))))));
}
