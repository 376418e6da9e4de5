/**
 * Activation functions, with PyTorch's values and its choices at kinks. Infinite inputs give the
 * limits of the value and of both derivatives, where PyTorch gives NaN for gelu, silu and mish.
 *
 * @module
 */
import { describeValue, wideDtype } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { checkAxis } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import { Concrete } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { isScalarAxis } from "../functions/arguments.ts";
import { floatOperand } from "../functions/broadcasting.ts";
import { realOperand } from "../functions/operands.ts";
import { div, mul, offset, scale, square } from "../primitives/arithmetic.ts";
import { less, lessEqual, not, select } from "../primitives/comparison.ts";
import { reduceMax } from "../primitives/reduction.ts";
import { softmax as strictSoftmax } from "../primitives/softmax.ts";
import type { SoftmaxForm } from "../primitives/softmax.ts";
import {
  constantLike,
  convert,
  reshape,
  spreadRows,
  stopGradient,
} from "../primitives/structure.ts";
import {
  erfc,
  expm1,
  logaddexp,
  sigmoid as strictSigmoid,
  tanh as strictTanh,
} from "../primitives/transcendental.ts";

// They are the functions of the same name; here they complete the list of activations.
export { sigmoid, tanh } from "../functions/mod.ts";

/** `x` as a tensor of floats; complex numbers are refused. */
export function floats(x: TensorLike, name: string): Tensor {
  return floatOperand(realOperand(name, toTensor(x, `Cannot apply ${name}`)));
}

/** `value`, an option that is any number from `least` on. */
export function checkOption(
  value: unknown,
  name: string,
  activation: string,
  least = -Infinity,
): number {
  if (typeof value === "number" && value >= least) return value;
  const bound = least === -Infinity ? "" : least === 0 ? " of at least 0" : " above 0";
  throw argumentError(
    `Cannot apply ${activation} with ${name} ${describeValue(value)}: expected a number${bound}`,
  );
}

/** Where `x` is above `bound`; false for NaN. */
function above(x: Tensor, bound: number): Tensor {
  return less(constantLike(x, bound), x);
}

/**
 * `x` times a gate that grows from 0 to 1. Beyond `bound` the gate is 1 to the last bit, and beyond
 * minus `bound` the product rounds to zero: there the gate's argument is held, so that infinity never
 * meets 0, neither in the value nor in a derivative.
 */
function gated(x: Tensor, bound: number, gate: (x: Tensor) => Tensor): Tensor {
  const highest = constantLike(x, bound);
  const lowest = constantLike(x, -bound);
  const raised = select(less(x, lowest), lowest, x);
  const isOpen = less(highest, raised);
  const held = select(isOpen, highest, raised);
  return select(isOpen, raised, mul(held, gate(held)));
}

/**
 * The positive part of each element; the derivative at 0 is 0.
 *
 * @category Activations
 * @param x Any shape.
 * @returns The shape and dtype of `x`.
 *
 * @example Negative elements become zero
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.relu([-2, 0, 3]), [0, 0, 3]);
 * ```
 */
export function relu(x: TensorLike): Tensor {
  const input = realOperand("relu", toTensor(x, "Cannot apply relu"));
  const zero = constantLike(input, 0);
  return select(lessEqual(input, zero), zero, input);
}

/**
 * Options of `leakyRelu`.
 *
 * @category Activations
 */
export interface LeakyReluOptions {
  /** The slope below zero. Default 0.01. */
  readonly negativeSlope?: number;
}

/**
 * Leaky rectifier (Maas, Hannun and Ng, 2013): `x` above zero, `negativeSlope * x` elsewhere.
 *
 * @category Activations
 * @param x Any shape.
 * @param options The slope, which is also the derivative at 0.
 * @returns The shape and dtype of `x` (float32 for integers and bools).
 * @throws {ArgumentError} when an option is unknown, or the slope no number.
 *
 * @example Negative elements shrink
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.leakyRelu([-2, 3], { negativeSlope: 0.5 }), [-1, 3]);
 * ```
 */
export function leakyRelu(x: TensorLike, options?: LeakyReluOptions): Tensor {
  const { negativeSlope = 0.01 } = readOptions("Cannot apply leakyRelu", options, [
    "negativeSlope",
  ]);
  checkOption(negativeSlope, "negativeSlope", "leakyRelu");
  const input = floats(x, "leakyRelu");
  // A slope of zero times minus infinity is NaN.
  if (negativeSlope === 0) return relu(input);
  const slope = select(
    above(input, 0),
    constantLike(input, 1),
    constantLike(input, negativeSlope),
  );
  return mul(input, slope);
}

/**
 * Options of `elu`.
 *
 * @category Activations
 */
export interface EluOptions {
  /** The factor below zero. Default 1. */
  readonly alpha?: number;
}

/**
 * Exponential linear unit (Clevert, Unterthiner and Hochreiter, 2016): `x` above zero,
 * `alpha * (exp(x) - 1)` elsewhere.
 *
 * @category Activations
 * @param x Any shape.
 * @param options The factor, which is also the derivative at 0.
 * @returns The shape and dtype of `x` (float32 for integers and bools).
 * @throws {ArgumentError} when an option is unknown, or the factor no number.
 *
 * @example Bounded by minus alpha
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.elu([-Infinity, 3], { alpha: 2 }), [-2, 3]);
 * ```
 */
export function elu(x: TensorLike, options?: EluOptions): Tensor {
  const { alpha = 1 } = readOptions("Cannot apply elu", options, ["alpha"]);
  checkOption(alpha, "alpha", "elu");
  const input = floats(x, "elu");
  const zero = constantLike(input, 0);
  const isNegative = lessEqual(input, zero);
  // The exponential sees zeros in place of large elements, or its infinity would meet a cotangent 0.
  return select(isNegative, scale(expm1(select(isNegative, input, zero)), alpha), input);
}

/**
 * Options of `gelu`.
 *
 * @category Activations
 */
export interface GeluOptions {
  /** Whether to compute it exactly or by the tanh formula. Default `"none"`. */
  readonly approximate?: "none" | "tanh";
}

/**
 * Below minus this, the normal distribution function is zero in double precision; above, it is one.
 */
const NORMAL_RANGE = 40;

/**
 * Gaussian error linear unit (Hendrycks and Gimpel, 2016): `x` times the standard normal
 * distribution function of `x`; or its approximation
 * `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x³)))`.
 *
 * @category Activations
 * @param x Any shape.
 * @param options Whether to approximate.
 * @returns The shape and dtype of `x` (float32 for integers and bools).
 * @throws {ArgumentError} when an option or the name of the approximation is unknown.
 *
 * @example Close to relu away from zero
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.gelu([-9, 0, 1, 9]), [0, 0, 0.8413447, 9]);
 * ```
 */
export function gelu(x: TensorLike, options?: GeluOptions): Tensor {
  const { approximate = "none" } = readOptions("Cannot apply gelu", options, ["approximate"]);
  if (approximate !== "none" && approximate !== "tanh") {
    throw argumentError(
      `Cannot apply gelu with approximate ${describeValue(approximate)}: ` +
        `expected "none" or "tanh"`,
    );
  }
  const gate = approximate === "none" ? normalDistribution : approximateNormalDistribution;
  return gated(floats(x, "gelu"), NORMAL_RANGE, gate);
}

/** The standard normal distribution function. */
function normalDistribution(x: Tensor): Tensor {
  return scale(erfc(scale(x, -Math.SQRT1_2)), 0.5);
}

/** `(1 + tanh(t)) / 2`, which is `sigmoid(2 t)`, with `t = sqrt(2 / pi) * (x + 0.044715 * x³)`. */
function approximateNormalDistribution(x: Tensor): Tensor {
  const factor = 2 * Math.sqrt(2 / Math.PI);
  const inner = mul(x, offset(scale(square(x), factor * 0.044715), factor));
  return strictSigmoid(inner);
}

/** Below minus this, the logistic function is zero in double precision; above, it is one. */
const LOGISTIC_RANGE = 800;

/**
 * Sigmoid linear unit, also called swish: `x * sigmoid(x)` (Hendrycks and Gimpel, 2016).
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
 * assertTensorsClose(nn.silu([-1, 0, 1]), [-0.26894143, 0, 0.7310586]);
 * ```
 */
export function silu(x: TensorLike): Tensor {
  return gated(floats(x, "silu"), LOGISTIC_RANGE, strictSigmoid);
}

/**
 * Options of `softplus`.
 *
 * @category Activations
 */
export interface SoftplusOptions {
  /** How sharp the bend at zero is: a positive number. Default 1. */
  readonly beta?: number;
  /**
   * Where `beta * x` is above this, the result is `x` itself, as in PyTorch, which has 20. Left out,
   * the result and its derivatives are right everywhere.
   */
  readonly threshold?: number;
}

/**
 * A smooth form of relu: `log(1 + exp(beta * x)) / beta`.
 *
 * @category Activations
 * @param x Any shape.
 * @param options How sharp the bend is, and from where on the result is `x`.
 * @returns The shape and dtype of `x` (float32 for integers and bools).
 * @throws {ArgumentError} when an option is unknown, or no number, or `beta` not positive.
 *
 * @example At zero it is log 2
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.softplus([-1000, 0, 1000]), [0, Math.LN2, 1000]);
 * ```
 */
export function softplus(x: TensorLike, options?: SoftplusOptions): Tensor {
  const { beta = 1, threshold = LOGISTIC_RANGE } = readOptions("Cannot apply softplus", options, [
    "beta",
    "threshold",
  ]);
  checkOption(threshold, "threshold", "softplus");
  if (!(checkOption(beta, "beta", "softplus") > 0 && beta < Infinity)) {
    throw argumentError(
      `Cannot apply softplus with beta ${beta}: expected a positive, finite number`,
    );
  }
  const input = floats(x, "softplus");
  const scaled = scale(input, beta);
  const sum = logaddexp(scaled, constantLike(scaled, 0));
  const smooth = beta === 1 ? sum : div(sum, constantLike(sum, beta));
  return select(above(scaled, threshold), input, smooth);
}

/**
 * Options of `hardtanh`.
 *
 * @category Activations
 */
export interface HardtanhOptions {
  /** The smallest value. Default -1. */
  readonly min?: number;
  /** The largest value. Default 1. */
  readonly max?: number;
}

/**
 * Each element held between two bounds; other than that of `clip`, the derivative at a bound is 0.
 *
 * @category Activations
 * @param x Any shape.
 * @param options The bounds.
 * @returns The shape and dtype of `x` (float32 for integers and bools).
 * @throws {ArgumentError} when an option is unknown, or no number, or `min` is above `max`.
 *
 * @example Bounded values
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.hardtanh([-3, 0.5, 3], { max: 2 }), [-1, 0.5, 2]);
 * ```
 */
export function hardtanh(x: TensorLike, options?: HardtanhOptions): Tensor {
  const { min = -1, max = 1 } = readOptions("Cannot apply hardtanh", options, ["min", "max"]);
  if (checkOption(min, "min", "hardtanh") > checkOption(max, "max", "hardtanh")) {
    throw argumentError(`Cannot apply hardtanh with min ${min} and max ${max}: swap them`);
  }
  const input = floats(x, "hardtanh");
  const low = constantLike(input, min);
  const high = constantLike(input, max);
  return select(lessEqual(input, low), low, select(lessEqual(high, input), high, input));
}

/**
 * Mish (Misra, 2019): `x * tanh(softplus(x))`.
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
 * assertTensorsClose(nn.mish([-1, 0, 1]), [-0.30340147, 0, 0.8650984]);
 * ```
 */
export function mish(x: TensorLike): Tensor {
  const gate = (y: Tensor) => strictTanh(logaddexp(y, constantLike(y, 0)));
  return gated(floats(x, "mish"), LOGISTIC_RANGE, gate);
}

/** Flags, or `null` where none is known to be set. */
function unlessNowhere(flags: Tensor): Tensor | null {
  return flags instanceof Concrete && flags.elements.every((flag) => flag === 0) ? null : flags;
}

/**
 * A form of softmax along an axis. Axes 0 and -1 of a scalar name its one element, as in PyTorch. That of
 * half floats is float32's, so that derivatives, too, are rounded once.
 */
function alongRows(x: TensorLike, axis: number, name: string, form: SoftmaxForm): Tensor {
  const given = floats(x, name);
  const input = convert(given, wideDtype(given.dtype));
  const y = isScalarAxis(input, axis)
    ? reshape(strictSoftmax(reshape(input, [1]), [0], form), [])
    : strictSoftmax(input, [checkAxis(axis, input.ndim, `Cannot apply ${name}`)], form);
  return convert(y, given.dtype);
}

/**
 * The softmax of floats, with zeros in a row that consists of minus infinity, and no derivative. If
 * rows with NaN or infinity are set apart, they are zeros too, and `rest`, with an axis of length 1, is
 * NaN where such zeros replace NaN; `null` if nowhere.
 */
export function maskedSoftmax(
  input: Tensor,
  along: number,
  setsApart: boolean,
): { readonly weights: Tensor; readonly rest: Tensor | null } {
  const axes = [along];
  let isUnsound: Tensor | null = null;
  if (setsApart && input.shape[along] > 0) {
    const largest = stopGradient(reduceMax(input, axes));
    isUnsound = unlessNowhere(not(less(largest, constantLike(largest, Infinity))));
  }
  if (isUnsound === null) return { weights: strictSoftmax(input, axes, "masked"), rest: null };
  const sound = select(spreadRows(isUnsound, input, axes), constantLike(input, -Infinity), input);
  const rest = { dtype: input.dtype, shape: isUnsound.shape };
  return {
    weights: strictSoftmax(sound, axes, "masked"),
    rest: reshape(
      select(isUnsound, constantLike(rest, NaN), constantLike(rest, 0)),
      input.shape.with(along, 1),
    ),
  };
}

/**
 * Exponentials divided by their sum over an axis: positive numbers that add up to one.
 *
 * @category Activations
 * @param x Any shape. An element of minus infinity gets probability 0; as in
 * PyTorch, a row of nothing else gives NaN, but its derivative is 0.
 * @param axis The axis that adds up to one. Default -1.
 * @returns The shape and dtype of `x` (float32 for integers and bools).
 * @throws {AxisError} when the axis is out of range.
 *
 * @example Probabilities
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.softmax([0, Math.log(3), -Infinity]), [0.25, 0.75, 0]);
 * ```
 */
export function softmax(x: TensorLike, axis?: number): Tensor {
  if (axis === undefined) axis = -1;
  return alongRows(x, axis, "softmax", "plain");
}

/**
 * The logarithm of `softmax`, without its underflow.
 *
 * @category Activations
 * @param x Any shape. As in PyTorch, a row that consists of minus infinity gives
 * NaN.
 * @param axis The axis whose exponentials add up to one. Default -1.
 * @returns The shape and dtype of `x` (float32 for integers and bools).
 * @throws {AxisError} when the axis is out of range.
 *
 * @example Logarithms of probabilities
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.logSoftmax([0, 1000]), [-1000, 0]);
 * ```
 */
export function logSoftmax(x: TensorLike, axis?: number): Tensor {
  if (axis === undefined) axis = -1;
  return alongRows(x, axis, "logSoftmax", "logarithm");
}
