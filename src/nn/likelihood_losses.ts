/**
 * Losses of numbers: smooth absolute errors, and likelihoods of counts and of normal distributions.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { broadcastShapes, showType } from "../base/shape.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import {
  add,
  div,
  exp,
  expandDims,
  greater,
  log,
  maximum,
  mul,
  square,
  sub,
  where,
} from "../functions/mod.ts";
import { stopGradient } from "../transforms/no_grad.ts";
import {
  checkReduction,
  inDtypeOf,
  lossDtype,
  readPair,
  reduce,
  REDUCTIONS,
} from "./loss_options.ts";
import type { LossOptions } from "./loss_options.ts";
import { huberLoss, l1Loss } from "./losses.ts";

/** `value`, an option that is a number of at least `least`, or above it. */
export function checkLossNumber(
  what: string,
  name: string,
  value: unknown,
  least = -Infinity,
  isStrict = false,
): number {
  if (typeof value === "number" && (isStrict ? value > least : value >= least)) return value;
  const bound = least === -Infinity ? "" : isStrict ? ` above ${least}` : ` of at least ${least}`;
  throw argumentError(`${what} with ${name} ${describeValue(value)}: expected a number${bound}`);
}

/**
 * Options of `smoothL1Loss`.
 *
 * @category Losses
 */
export interface SmoothL1LossOptions extends LossOptions {
  /** Up to which difference the loss is quadratic; 0 for nowhere. Default 1. */
  readonly beta?: number;
}

/**
 * The absolute error, made quadratic near zero: `d² / (2 beta)` for a difference `d` below `beta`, and
 * `|d| - beta / 2` beyond.
 *
 * @category Losses
 * @param input Any shape: the predictions.
 * @param target The shape of `input`: the true values.
 * @param options The reduction, and where the loss becomes linear.
 * @returns A scalar, or one number for each with reduction `"none"`; a floating-point dtype.
 * @throws {ShapeError} when the shapes differ.
 * @throws {ArgumentError} when an option or the reduction is unknown or makes no sense.
 *
 * @example Quadratic, then linear
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.smoothL1Loss([1, 5], [2, 2], { reduction: "none" }), [0.5, 2.5]);
 * ```
 */
export function smoothL1Loss(
  input: TensorLike,
  target: TensorLike,
  options?: SmoothL1LossOptions,
): Tensor {
  const what = "Cannot compute smoothL1Loss";
  const { reduction = "mean", beta = 1 } = readOptions(what, options, ["reduction", "beta"]);
  checkReduction(what, reduction, REDUCTIONS);
  checkLossNumber(what, "beta", beta, 0);
  if (beta === 0) return l1Loss(input, target, { reduction });
  return div(huberLoss(input, target, { reduction, delta: beta }), beta);
}

/**
 * Options of `poissonNllLoss`.
 *
 * @category Losses
 */
export interface PoissonNllLossOptions extends LossOptions {
  /** Whether the input is the logarithm of the rate. Default `true`. */
  readonly logInput?: boolean;
  /** Whether Stirling's approximation of log(target!) is added. Default `false`. */
  readonly full?: boolean;
  /** Added to a rate before its logarithm is taken. Default 1e-8. */
  readonly eps?: number;
}

/**
 * The negative log-likelihood of counts under Poisson distributions, less a constant: `exp(x) - target * x` for the
 * logarithm `x` of the rate.
 *
 * @category Losses
 * @param input Any shape: logarithms of rates, or rates.
 * @param target The shape of `input`: counts.
 * @param options The reduction, what the input is, whether constants are added.
 * @returns A scalar, or one number for each with reduction `"none"`; a floating-point dtype.
 * @throws {ShapeError} when the shapes differ.
 * @throws {ArgumentError} when an option or the reduction is unknown or makes no sense.
 *
 * @example Rate 1
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.poissonNllLoss([0], [3]), 1);
 * ```
 */
export function poissonNllLoss(
  input: TensorLike,
  target: TensorLike,
  options?: PoissonNllLossOptions,
): Tensor {
  const what = "Cannot compute poissonNllLoss";
  const { reduction = "mean", logInput = true, full = false, eps = 1e-8 } = readOptions(
    what,
    options,
    ["reduction", "logInput", "full", "eps"],
  );
  checkReduction(what, reduction, REDUCTIONS);
  checkFlag(logInput, what, "logInput");
  checkFlag(full, what, "full");
  checkLossNumber(what, "eps", eps, 0);
  const [x, y] = readPair(what, input, target);
  let losses = logInput ? sub(exp(x), mul(y, x)) : sub(x, mul(y, log(add(x, eps))));
  if (full) {
    const isLarge = greater(y, 1);
    const held = where(isLarge, y, 1);
    const stirling = add(sub(mul(held, log(held)), held), mul(log(mul(held, 2 * Math.PI)), 0.5));
    losses = add(losses, where(isLarge, stirling, 0));
  }
  return reduce(losses, reduction, lossDtype(what, [input, target]));
}

/**
 * Options of `gaussianNllLoss`.
 *
 * @category Losses
 */
export interface GaussianNllLossOptions extends LossOptions {
  /** Whether the constant log(2π) / 2 is added. Default `false`. */
  readonly full?: boolean;
  /** The least variance; its derivative is that of the variance given. Default 1e-6. */
  readonly eps?: number;
}

/**
 * The negative log-likelihood of numbers under normal distributions, less a constant:
 * `(log(variance) + (input - target)² / variance) / 2`.
 *
 * @category Losses
 * @param input Any shape: the means.
 * @param target The shape of `input`: the numbers.
 * @param variance The shape of `input`, or that without its last axis, or anything that broadcasts to it.
 * @param options The reduction, the least variance, whether the constant is added.
 * @returns A scalar, or one number for each with reduction `"none"`; a floating-point dtype.
 * @throws {ShapeError} when the shapes do not fit.
 * @throws {ArgumentError} when an option or the reduction is unknown or makes no sense.
 *
 * @example Two deviations away
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.gaussianNllLoss([0], [2], [1]), 2);
 * ```
 */
export function gaussianNllLoss(
  input: TensorLike,
  target: TensorLike,
  variance: TensorLike,
  options?: GaussianNllLossOptions,
): Tensor {
  const what = "Cannot compute gaussianNllLoss";
  const { reduction = "mean", full = false, eps = 1e-6 } = readOptions(what, options, [
    "reduction",
    "full",
    "eps",
  ]);
  checkReduction(what, reduction, REDUCTIONS);
  checkFlag(full, what, "full");
  checkLossNumber(what, "eps", eps, 0, true);
  const [x, y] = readPair(what, input, target);
  const given = inDtypeOf(what, "variance", x, variance);
  const isByRow = given.ndim === x.ndim - 1 && String(given.shape) === String(x.shape.slice(0, -1));
  const own = isByRow ? expandDims(given, -1) : given;
  if (String(broadcastShapes(own.shape, x.shape)) !== String(x.shape)) {
    throw shapeError(
      `${what} of ${showType(x)} with variance ${
        showType(given)
      }: expected the shape of the input, ` +
        `or that without its last axis`,
    );
  }
  const held = add(own, stopGradient(sub(maximum(own, eps), own)));
  let losses = mul(add(log(held), div(square(sub(x, y)), held)), 0.5);
  if (full) losses = add(losses, Math.log(2 * Math.PI) / 2);
  return reduce(losses, reduction, lossDtype(what, [input, target, variance]));
}
