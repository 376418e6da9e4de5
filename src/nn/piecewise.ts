/**
 * Activations made of pieces, with PyTorch's values and its derivatives at kinks.
 *
 * @module
 */
import { readOptions } from "../base/options.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { abs, add, div, mul, scale, square } from "../primitives/arithmetic.ts";
import { less, lessEqual, select } from "../primitives/comparison.ts";
import { constantLike, stopGradient } from "../primitives/structure.ts";
import { checkOption, floats, hardtanh } from "./activations.ts";

/** The pieces of a function: below `low`, between, and above `high`; each sees finite numbers only. */
function pieces(
  x: Tensor,
  low: number,
  high: number,
  below: Tensor,
  between: (x: Tensor) => Tensor,
  above: Tensor,
): Tensor {
  const isBelow = lessEqual(x, constantLike(x, low));
  const isAbove = lessEqual(constantLike(x, high), x);
  const zero = constantLike(x, 0);
  const held = select(isBelow, zero, select(isAbove, zero, x));
  return select(isBelow, below, select(isAbove, above, between(held)));
}

function magnitude(x: Tensor): Tensor {
  return abs(stopGradient(x));
}

function plus(x: Tensor, value: number): Tensor {
  return add(x, constantLike(x, value));
}

/**
 * The positive part up to 6 (Krizhevsky, 2010): `min(max(x, 0), 6)`; its derivative is 0 at 0 and 6.
 *
 * @category Activations
 * @param x Any shape.
 * @returns The shape and dtype of `x` (float32 for integers and bools).
 *
 * @example Clipped
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.relu6([-1, 3, 8]), [0, 3, 6]);
 * ```
 */
export function relu6(x: TensorLike): Tensor {
  return hardtanh(floats(x, "relu6"), { min: 0, max: 6 });
}

/**
 * A sigmoid of straight pieces: `min(max(x + 3, 0), 6) / 6`.
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
 * assertTensorsClose(nn.hardsigmoid([-4, 0, 4]), [0, 0.5, 1]);
 * ```
 */
export function hardsigmoid(x: TensorLike): Tensor {
  const input = floats(x, "hardsigmoid");
  const one = constantLike(input, 1);
  return pieces(
    input,
    -3,
    3,
    constantLike(input, 0),
    (x) => div(plus(x, 3), constantLike(x, 6)),
    one,
  );
}

/**
 * The input times `hardsigmoid` of it (Howard et al., "Searching for MobileNetV3", 2019).
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
 * assertTensorsClose(nn.hardswish([-4, 1, 4]), [0, 2 / 3, 4]);
 * ```
 */
export function hardswish(x: TensorLike): Tensor {
  const input = floats(x, "hardswish");
  const between = (x: Tensor) => div(mul(x, plus(x, 3)), constantLike(x, 6));
  return pieces(input, -3, 3, constantLike(input, 0), between, input);
}

/**
 * Options of `softshrink`.
 *
 * @category Activations
 */
export interface SoftshrinkOptions {
  /** How much elements shrink. Default 0.5. */
  readonly lambda?: number;
}

/**
 * Elements nearer to zero by `lambda`, and zero for those that are not farther away.
 *
 * @category Activations
 * @param x Any shape.
 * @param options How much.
 * @returns The shape and dtype of `x` (float32 for integers and bools).
 * @throws {ArgumentError} when an option is unknown, or `lambda` below 0.
 *
 * @example Nearer
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.softshrink([-2, 0.25, 1]), [-1.5, 0, 0.5]);
 * ```
 */
export function softshrink(x: TensorLike, options?: SoftshrinkOptions): Tensor {
  const { lambda = 0.5 } = readOptions("Cannot apply softshrink", options, ["lambda"]);
  checkOption(lambda, "lambda", "softshrink", 0);
  const input = floats(x, "softshrink");
  const isInside = lessEqual(magnitude(input), constantLike(input, lambda));
  const isNegative = less(input, constantLike(input, 0));
  const nearer = select(isNegative, plus(input, lambda), plus(input, -lambda));
  return select(isInside, constantLike(input, 0), nearer);
}

/**
 * Options of `hardshrink`.
 *
 * @category Activations
 */
export interface HardshrinkOptions {
  /** The largest magnitude that becomes zero. Default 0.5. */
  readonly lambda?: number;
}

/**
 * Zero for elements of a magnitude up to `lambda`; others stay.
 *
 * @category Activations
 * @param x Any shape.
 * @param options The largest magnitude.
 * @returns The shape and dtype of `x` (float32 for integers and bools).
 * @throws {ArgumentError} when an option is unknown, or `lambda` below 0.
 *
 * @example Small ones vanish
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.hardshrink([-2, 0.25, 1]), [-2, 0, 1]);
 * ```
 */
export function hardshrink(x: TensorLike, options?: HardshrinkOptions): Tensor {
  const { lambda = 0.5 } = readOptions("Cannot apply hardshrink", options, ["lambda"]);
  checkOption(lambda, "lambda", "hardshrink", 0);
  const input = floats(x, "hardshrink");
  const isInside = lessEqual(magnitude(input), constantLike(input, lambda));
  return select(isInside, constantLike(input, 0), input);
}

/**
 * Elements above a threshold, and a value in place of the others.
 *
 * @category Activations
 * @param x Any shape.
 * @param threshold The threshold.
 * @param value The value of the other elements.
 * @returns The shape and dtype of `x` (float32 for integers and bools).
 * @throws {ArgumentError} when threshold or value is not a number.
 *
 * @example Large ones stay
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.threshold([1, 2, 3], 1.5, -1), [-1, 2, 3]);
 * ```
 */
export function threshold(x: TensorLike, threshold: number, value: number): Tensor {
  checkOption(threshold, "threshold", "threshold");
  checkOption(value, "value", "threshold");
  const input = floats(x, "threshold");
  const isLow = lessEqual(input, constantLike(input, threshold));
  return select(isLow, constantLike(input, value), input);
}

/**
 * Zero up to -1, the input from 1 on, and `(x + 1)² / 4` between; its derivative is `sparseSigmoid`.
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
 * assertTensorsClose(nn.sparsePlus([-2, 0, 2]), [0, 0.25, 2]);
 * ```
 */
export function sparsePlus(x: TensorLike): Tensor {
  const input = floats(x, "sparsePlus");
  const between = (x: Tensor) => scale(square(plus(x, 1)), 0.25);
  return pieces(input, -1, 1, constantLike(input, 0), between, input);
}

/**
 * Zero up to -1, one from 1 on, and `(x + 1) / 2` between.
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
 * assertTensorsClose(nn.sparseSigmoid([-2, 0.5, 2]), [0, 0.75, 1]);
 * ```
 */
export function sparseSigmoid(x: TensorLike): Tensor {
  const input = floats(x, "sparseSigmoid");
  const between = (x: Tensor) => scale(plus(x, 1), 0.5);
  return pieces(input, -1, 1, constantLike(input, 0), between, constantLike(input, 1));
}
