/**
 * Losses of probabilities of yes or no.
 *
 * @module
 */
import { readOptions } from "../base/options.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { add, greater, log, mul, neg, pow, sigmoid, sub, where } from "../functions/mod.ts";
import { checkLossNumber } from "./likelihood_losses.ts";
import {
  checkReduction,
  lossDtype,
  readPair,
  reduce,
  REDUCTIONS,
  timesWeight,
} from "./loss_options.ts";
import type { LossOptions } from "./loss_options.ts";
import { binaryCrossEntropyWithLogits } from "./losses.ts";

/** The least logarithm of a probability, as in PyTorch. */
const LEAST = -100;

function boundedLog(p: Tensor): Tensor {
  const isLarge = greater(p, Math.exp(LEAST));
  return where(isLarge, log(where(isLarge, p, 1)), LEAST);
}

/**
 * Options of `binaryCrossEntropy`.
 *
 * @category Losses
 */
export interface BinaryCrossEntropyOptions extends LossOptions {
  /** How much each element counts; broadcasts to the input. The mean is not divided by it. */
  readonly weight?: TensorLike;
}

/**
 * The cross entropy of yes-or-no targets relative to probabilities; logarithms are at least -100, and have no
 * derivative there. `binaryCrossEntropyWithLogits` of scores is more exact.
 *
 * @category Losses
 * @param input Any shape: probabilities from 0 to 1.
 * @param target The shape of `input`: probabilities from 0 to 1.
 * @param options The reduction and weights.
 * @returns A scalar, or one number for each with reduction `"none"`; a floating-point dtype.
 * @throws {ShapeError} when the shapes differ, or the weight does not broadcast.
 * @throws {ArgumentError} when an option or the reduction is unknown or makes no sense.
 *
 * @example Undecided
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.binaryCrossEntropy([0.5], [1]), Math.log(2));
 * ```
 */
export function binaryCrossEntropy(
  input: TensorLike,
  target: TensorLike,
  options?: BinaryCrossEntropyOptions,
): Tensor {
  const what = "Cannot compute binaryCrossEntropy";
  const { reduction = "mean", weight } = readOptions(what, options, ["reduction", "weight"]);
  checkReduction(what, reduction, REDUCTIONS);
  const [p, y] = readPair(what, input, target);
  const losses = neg(add(mul(y, boundedLog(p)), mul(sub(1, y), boundedLog(sub(1, p)))));
  return reduce(
    timesWeight(what, losses, weight),
    reduction,
    lossDtype(what, [input, target, weight]),
  );
}

/**
 * Options of `focalLoss`.
 *
 * @category Losses
 */
export interface FocalLossOptions extends LossOptions {
  /** How much targets 1 count, and `1 - alpha` targets 0; `null` for all the same. Default 0.25. */
  readonly alpha?: number | null;
  /** How much less those count that are right already, not below 0. Default 2. */
  readonly gamma?: number;
}

/**
 * The focal loss (Lin et al., "Focal loss for dense object detection", 2017): the cross entropy of yes-or-no targets
 * relative to `sigmoid(input)`, times `(1 - p)^gamma` for the probability `p` of the correct answer.
 *
 * @category Losses
 * @param input Any shape: scores, the logarithms of odds.
 * @param target The shape of `input`: probabilities from 0 to 1.
 * @param options The reduction, alpha and gamma.
 * @returns A scalar, or one number for each with reduction `"none"`; a floating-point dtype.
 * @throws {ShapeError} when the shapes differ.
 * @throws {ArgumentError} when an option or the reduction is unknown or makes no sense.
 *
 * @example Undecided
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.focalLoss([0], [1], { alpha: null }), Math.log(2) / 4);
 * ```
 */
export function focalLoss(
  input: TensorLike,
  target: TensorLike,
  options?: FocalLossOptions,
): Tensor {
  const what = "Cannot compute focalLoss";
  const { reduction = "mean", alpha = 0.25, gamma = 2 } = readOptions(what, options, [
    "reduction",
    "alpha",
    "gamma",
  ]);
  checkReduction(what, reduction, REDUCTIONS);
  if (alpha !== null) checkLossNumber(what, "alpha", alpha, 0);
  checkLossNumber(what, "gamma", gamma, 0);
  const [x, y] = readPair(what, input, target);
  const entropy = binaryCrossEntropyWithLogits(x, y, { reduction: "none" });
  // The probability of the wrong answer, without cancellation.
  const wrong = add(mul(sigmoid(neg(x)), y), mul(sigmoid(x), sub(1, y)));
  let losses = mul(entropy, pow(wrong, gamma));
  if (alpha !== null) losses = mul(losses, add(mul(y, alpha), mul(sub(1, y), 1 - alpha)));
  return reduce(losses, reduction, lossDtype(what, [input, target]));
}
