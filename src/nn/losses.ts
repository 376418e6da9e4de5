/**
 * Losses, with PyTorch's values, weights and means. Shapes must be equal where PyTorch would warn
 * and broadcast: a `[batch, 1]` prediction against a `[batch]` target is nearly always a mistake.
 *
 * @module
 */
import { describeValue, largestFinite } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { checkAxis, range, showType } from "../base/shape.ts";
import { Concrete, type Tensor } from "../core/tensor.ts";
import type { TensorLike } from "../core/tensor.ts";
import { broadcastTogether } from "../functions/broadcasting.ts";
import {
  abs,
  add,
  div,
  equal,
  exp,
  isfinite,
  lessEqual,
  log,
  logaddexp,
  mul,
  neg,
  square,
  sub,
  sum,
  where,
} from "../functions/mod.ts";
import { reduceCosine, reduceSquares } from "../primitives/moments.ts";
import { stopGradient } from "../primitives/structure.ts";
import {
  besideInput,
  checkReduction,
  counted,
  lossDtype,
  readPair,
  reduce,
  REDUCTIONS,
  rounded,
  weighted,
  wideFloats,
} from "./loss_options.ts";
import type { LossOptions, Reduction } from "./loss_options.ts";

/**
 * The squared error `(input - target)²`.
 *
 * @category Losses
 * @param input Any shape: the predictions.
 * @param target The shape of `input`: the true values.
 * @param options The reduction.
 * @returns A scalar, or the shape of `input` with reduction `"none"`; a floating-point dtype.
 * @throws {ShapeError} when the shapes differ.
 * @throws {ArgumentError} when an option or the reduction is unknown.
 *
 * @example The mean of 1 and 9
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.mseLoss([1, 5], [2, 2]), 5);
 * ```
 */
export function mseLoss(input: TensorLike, target: TensorLike, options?: LossOptions): Tensor {
  const what = "Cannot compute mseLoss";
  const { reduction = "mean" } = readOptions(what, options, ["reduction"]);
  checkReduction(what, reduction, REDUCTIONS);
  const [x, y] = readPair(what, input, target);
  const dtype = lossDtype(what, [input, target]);
  const difference = sub(x, y);
  if (reduction !== "mean") return reduce(square(difference), reduction, dtype);
  // In range where the mean is, also if squares are not.
  return rounded(reduceSquares(difference, range(difference.ndim), difference.size), dtype);
}

/**
 * The absolute error `|input - target|`; its derivative where they are equal is 0.
 *
 * @category Losses
 * @param input Any shape: the predictions.
 * @param target The shape of `input`: the true values.
 * @param options The reduction.
 * @returns A scalar, or the shape of `input` with reduction `"none"`; a floating-point dtype.
 * @throws {ShapeError} when the shapes differ.
 * @throws {ArgumentError} when an option or the reduction is unknown.
 *
 * @example The mean of 1 and 3
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.l1Loss([1, 5], [2, 2]), 2);
 * ```
 */
export function l1Loss(input: TensorLike, target: TensorLike, options?: LossOptions): Tensor {
  const what = "Cannot compute l1Loss";
  const { reduction = "mean" } = readOptions(what, options, ["reduction"]);
  checkReduction(what, reduction, REDUCTIONS);
  const [x, y] = readPair(what, input, target, true);
  return reduce(abs(sub(x, y)), reduction, lossDtype(what, [input, target]));
}

/**
 * Options of `huberLoss`.
 *
 * @category Losses
 */
export interface HuberLossOptions extends LossOptions {
  /** Up to which difference the loss is quadratic. Default 1. */
  readonly delta?: number;
}

/**
 * Huber's loss (1964): `d² / 2` for a difference `d` of at most `delta`, and
 * `delta * (|d| - delta / 2)` beyond.
 *
 * @category Losses
 * @param input Any shape: the predictions.
 * @param target The shape of `input`: the true values.
 * @param options The reduction, and where the loss becomes linear.
 * @returns A scalar, or the shape of `input` with reduction `"none"`; a floating-point dtype.
 * @throws {ShapeError} when the shapes differ.
 * @throws {ArgumentError} when an option or the reduction is unknown, or `delta` not positive.
 *
 * @example Quadratic, then linear
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.huberLoss([1, 5], [2, 2], { reduction: "none" }), [0.5, 2.5]);
 * ```
 */
export function huberLoss(
  input: TensorLike,
  target: TensorLike,
  options?: HuberLossOptions,
): Tensor {
  const what = "Cannot compute huberLoss";
  const { reduction = "mean", delta = 1 } = readOptions(what, options, ["reduction", "delta"]);
  checkReduction(what, reduction, REDUCTIONS);
  if (!(typeof delta === "number" && delta > 0 && delta < Infinity)) {
    throw argumentError(
      `${what} with delta ${describeValue(delta)}: expected a positive, finite number`,
    );
  }
  const [x, y] = readPair(what, input, target);
  const difference = sub(x, y);
  const size = abs(difference);
  // Beyond the largest float there is no difference.
  const bound = Math.min(delta, largestFinite(x.dtype));
  const isSmall = lessEqual(size, bound);
  // The square sees zeros in place of large differences, or its infinity would meet a cotangent 0.
  const inner = where(isSmall, difference, 0);
  const small = mul(inner, mul(inner, 0.5));
  // A part of a difference may be in range where it is not itself.
  const large = bound < 1
    ? mul(mul(sub(abs(sub(mul(x, 0.5), mul(y, 0.5))), bound / 4), bound), 2)
    : mul(sub(size, bound / 2), bound);
  return reduce(where(isSmall, small, large), reduction, lossDtype(what, [input, target]));
}

/**
 * Options of `binaryCrossEntropyWithLogits`.
 *
 * @category Losses
 */
export interface BinaryCrossEntropyWithLogitsOptions extends LossOptions {
  /** How much each element counts; broadcasts to the input. The mean is not divided by it. */
  readonly weight?: TensorLike;
  /** How much more the positive class counts than the negative; broadcasts to the input. */
  readonly posWeight?: TensorLike;
}

/**
 * The cross entropy of yes-or-no targets relative to the probabilities `sigmoid(input)`:
 * `-posWeight * target * log sigmoid(input) - (1 - target) * log sigmoid(-input)`, without the
 * underflow of either.
 *
 * @category Losses
 * @param input Any shape: scores, the logarithms of odds.
 * @param target The shape of `input`: probabilities from 0 to 1.
 * @param options The reduction and weights.
 * @returns A scalar, or the shape of `input` with reduction `"none"`; a floating-point dtype.
 * @throws {ShapeError} when the shapes differ, or a weight does not broadcast to them.
 * @throws {ArgumentError} when an option or the reduction is unknown.
 *
 * @example Undecided, and sure of the wrong answer
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const losses = nn.binaryCrossEntropyWithLogits([0, -1000], [1, 1], { reduction: "none" });
 * assertTensorsClose(losses, [Math.log(2), 1000]);
 * ```
 */
export function binaryCrossEntropyWithLogits(
  input: TensorLike,
  target: TensorLike,
  options?: BinaryCrossEntropyWithLogitsOptions,
): Tensor {
  const what = "Cannot compute binaryCrossEntropyWithLogits";
  const read = readOptions(what, options, ["reduction", "weight", "posWeight"]);
  const { reduction = "mean", weight, posWeight } = read;
  checkReduction(what, reduction, REDUCTIONS);
  const [scores, y] = readPair(what, input, target);
  const weights = weight === undefined ? null : besideInput(what, "weight", scores, weight);
  const positive = posWeight === undefined
    ? null
    : besideInput(what, "posWeight", scores, posWeight);
  // Elements with weight 0 are made finite before anything else.
  const x = weights === null ? scores : counted(scores, weights);
  const own = positive === null ? x : counted(x, positive);
  const isKnown = y instanceof Concrete;
  const still = isKnown ? y : where(isfinite(scores), stopGradient(y), y);
  // -log sigmoid(x) and -log sigmoid(-x). They differ by x, but computing one from the other would
  // lose all digits of the smaller one, and of its derivative.
  const no = weighted(logaddexp(x, 0), sub(1, still), x);
  const ofYes = logaddexp(neg(own), 0);
  const yes = weighted(ofYes, still, own);
  let losses = add(positive === null ? yes : mul(yes, positive), no);
  if (!isKnown) {
    // The derivative by the target is their difference, which would lose digits near 0.
    const slope = positive === null ? neg(x) : sub(mul(ofYes, sub(positive, 1)), x);
    losses = add(losses, mul(sub(y, stopGradient(y)), where(isfinite(scores), slope, 0)));
  }
  const dtype = lossDtype(what, [input, target, weight, posWeight]);
  return reduce(weights === null ? losses : mul(losses, weights), reduction, dtype);
}

/**
 * Options of `klDiv`.
 *
 * @category Losses
 */
export interface KlDivOptions {
  /**
   * The reduction of the terms of all elements; `"batchmean"` is their sum divided by the length of
   * the first axis, which is the divergence proper. Default `"mean"`.
   */
  readonly reduction?: Reduction | "batchmean";
  /** Whether the target, too, holds logarithms of probabilities. Default `false`. */
  readonly logTarget?: boolean;
}

/**
 * The terms of the Kullback-Leibler divergence of `target` from `input`:
 * `target * (log(target) - input)`, which is 0 where the target is, whatever the input.
 *
 * @category Losses
 * @param input Any shape: logarithms of probabilities.
 * @param target The shape of `input`: probabilities, or their logarithms.
 * @param options The reduction, and what the target holds.
 * @returns A scalar, or the shape of `input` with reduction `"none"`; a floating-point dtype.
 * @throws {ShapeError} when the shapes differ.
 * @throws {ArgumentError} when an option or the reduction is unknown.
 *
 * @example A certain outcome and an even guess
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const guess = [[Math.log(0.5), Math.log(0.5)]];
 * const divergence = nn.klDiv(guess, [[1, 0]], { reduction: "batchmean" });
 * assertTensorsClose(divergence, Math.log(2));
 * ```
 */
export function klDiv(input: TensorLike, target: TensorLike, options?: KlDivOptions): Tensor {
  const what = "Cannot compute klDiv";
  const read = readOptions(what, options, ["reduction", "logTarget"]);
  const { reduction = "mean", logTarget = false } = read;
  checkFlag(logTarget, what, "logTarget");
  checkReduction(what, reduction, [...REDUCTIONS, "batchmean"]);
  const [x, y] = readPair(what, input, target);
  // Where the target's probability is 0, both logarithms may be infinite, and are taken as 0.
  const isImpossible = equal(y, logTarget ? -Infinity : 0);
  const logarithm = logTarget ? y : log(where(isImpossible, 1, y));
  const terms = mul(
    logTarget ? exp(y) : y,
    where(isImpossible, 0, sub(logarithm, x)),
  );
  const dtype = lossDtype(what, [input, target]);
  if (reduction !== "batchmean") return reduce(terms, reduction, dtype);
  return rounded(terms.ndim === 0 ? terms : div(sum(terms), terms.shape[0]), dtype);
}

/**
 * Options of `cosineSimilarity`.
 *
 * @category Losses
 */
export interface CosineSimilarityOptions {
  /** The axis along which the vectors lie. Default 1. */
  readonly axis?: number;
  /** The least length that a vector is divided by. Default 1e-8. */
  readonly eps?: number;
  /** The reduction of the similarities. Default `"none"`. */
  readonly reduction?: Reduction;
}

/**
 * The cosine of the angle between vectors: their inner product divided by both their lengths.
 *
 * @category Losses
 * @param x1 Any shape of at least one axis.
 * @param x2 A shape that broadcasts with that of `x1`.
 * @param options The axis of the vectors, the reduction, and the least length.
 * @returns The common shape without the axis, or a scalar with another reduction than `"none"`.
 * @throws {ShapeError} when the shapes do not broadcast.
 * @throws {AxisError} when the axis is out of range.
 * @throws {ArgumentError} when an option or the reduction is unknown, or `eps` negative.
 *
 * @example Parallel and orthogonal
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.cosineSimilarity([[3, 4], [3, 4]], [[6, 8], [-4, 3]]), [1, 0]);
 * ```
 */
export function cosineSimilarity(
  x1: TensorLike,
  x2: TensorLike,
  options?: CosineSimilarityOptions,
): Tensor {
  const what = "Cannot compute cosineSimilarity";
  const read = readOptions(what, options, ["axis", "eps", "reduction"]);
  const { axis = 1, eps = 1e-8, reduction = "none" } = read;
  checkReduction(what, reduction, REDUCTIONS);
  if (!(typeof eps === "number" && eps >= 0 && eps < Infinity)) {
    throw argumentError(`${what} with eps ${describeValue(eps)}: expected a number from 0 up`);
  }
  const [x, y] = broadcastTogether(what, x1, x2).map(wideFloats);
  const along = checkAxis(axis, x.ndim, `${what} of ${showType(x)}`);
  return reduce(reduceCosine(x, y, [along], eps), reduction, lossDtype(what, [x1, x2]));
}
