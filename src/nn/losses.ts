/**
 * Losses, with PyTorch's values, weights and means. Shapes must be equal where PyTorch would warn
 * and broadcast: a `[batch, 1]` prediction against a `[batch]` target is nearly always a mistake.
 *
 * @module
 */
import { describeValue, isFloat, LARGEST_FINITE } from "../base/dtype.ts";
import { argumentError, indexError, shapeError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import {
  checkAxis,
  range,
  removeAt,
  sameShape,
  showShape,
  showType,
  stridesOf,
} from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { fromJavaScript, toTensor } from "../core/convert.ts";
import { Concrete, Tensor } from "../core/tensor.ts";
import type { TensorLike } from "../core/tensor.ts";
import { checkBroadcast, toIndices } from "../functions/arguments.ts";
import { broadcastTogether, floatOperand, promoteTogether } from "../functions/broadcasting.ts";
import {
  abs,
  add,
  astype,
  div,
  equal,
  exp,
  expandDims,
  isfinite,
  lessEqual,
  log,
  logaddexp,
  logicalAnd,
  logicalNot,
  mean,
  mul,
  neg,
  square,
  sub,
  sum,
  where,
} from "../functions/mod.ts";
import { not } from "../primitives/comparison.ts";
import { gather } from "../primitives/indexing.ts";
import { reduceCosine, reduceSquares } from "../primitives/moments.ts";
import { broadcast, convert, moveAxis, stopGradient } from "../primitives/structure.ts";
import { logSoftmax } from "./activations.ts";

/** What becomes of the losses of all elements: their mean, their sum, or nothing. */
export type Reduction = "mean" | "sum" | "none";

/** Options of all losses. */
export interface LossOptions {
  /** What becomes of the losses of all elements. Default `"mean"`. */
  readonly reduction?: Reduction;
}

const REDUCTIONS: readonly Reduction[] = ["mean", "sum", "none"];

/** `reduction`, checked to be one of those allowed. */
function checkReduction<R extends string>(what: string, reduction: R, allowed: readonly R[]): R {
  if (allowed.includes(reduction)) return reduction;
  const names = allowed.map((name) => JSON.stringify(name));
  throw argumentError(
    `${what} with reduction ${describeValue(reduction)}: ` +
      `expected ${names.slice(0, -1).join(", ")} or ${names[names.length - 1]}`,
  );
}

/** The losses of all elements, reduced. */
function reduce(losses: Tensor, reduction: Reduction): Tensor {
  if (reduction === "none") return losses;
  return reduction === "sum" ? sum(losses) : mean(losses);
}

/** `x`, but 0 where it counts with a weight of 0 and is infinite or NaN. */
function counted(x: Tensor, weight: Tensor): Tensor {
  return where(logicalAnd(equal(weight, 0), logicalNot(isfinite(x))), 0, x);
}

/**
 * `x` times the weight that it counts with: 0 where the weight is 0, also where `x` is infinite or
 * NaN, and then without a derivative. `source` is what `x` is made of, infinite or NaN where it is.
 */
function weighted(x: Tensor, weight: Tensor, source: Tensor = x): Tensor {
  const isVoid = logicalAnd(equal(weight, 0), logicalNot(isfinite(source)));
  return mul(where(isVoid, 0, x), weight);
}

/** Two arguments of a loss as floats of one dtype, checked to have the same shape. */
function readPair(what: string, x: TensorLike, y: TensorLike): [input: Tensor, target: Tensor] {
  const [input, target] = promoteTogether(what, [x, y]).map(floatOperand);
  if (sameShape(input.shape, target.shape)) return [input, target];
  const [left, right] = [x, y].map((z) => showType(toTensor(z, what)));
  throw shapeError(
    `${what} of ${left} against ${right}: shapes must be equal; reshape or broadcast one of them`,
  );
}

/**
 * The squared error `(input - target)²`.
 *
 * @param input Any shape: the predictions.
 * @param target The shape of `input`: what they should be.
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
  const difference = sub(x, y);
  if (reduction !== "mean") return reduce(square(difference), reduction);
  // In range where the mean is, also if squares are not.
  return reduceSquares(difference, range(difference.ndim), difference.size);
}

/**
 * The absolute error `|input - target|`; its derivative where they are equal is 0.
 *
 * @param input Any shape: the predictions.
 * @param target The shape of `input`: what they should be.
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
  const [x, y] = readPair(what, input, target);
  return reduce(abs(sub(x, y)), reduction);
}

/** Options of `huberLoss`. */
export interface HuberLossOptions extends LossOptions {
  /** Up to which difference the loss is quadratic. Default 1. */
  readonly delta?: number;
}

/**
 * Huber's loss (1964): `d² / 2` for a difference `d` of at most `delta`, and
 * `delta * (|d| - delta / 2)` beyond.
 *
 * @param input Any shape: the predictions.
 * @param target The shape of `input`: what they should be.
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
  const bound = Math.min(delta, LARGEST_FINITE[x.dtype as "float32" | "float64"]);
  const isSmall = lessEqual(size, bound);
  // The square sees zeros in place of large differences, or its infinity would meet a cotangent 0.
  const inner = where(isSmall, difference, 0);
  const small = mul(inner, mul(inner, 0.5));
  // A part of a difference may be in range where it is not itself.
  const large = bound < 1
    ? mul(mul(sub(abs(sub(mul(x, 0.5), mul(y, 0.5))), bound / 4), bound), 2)
    : mul(sub(size, bound / 2), bound);
  return reduce(where(isSmall, small, large), reduction);
}

/** Options of `nllLoss`. */
export interface NllLossOptions extends LossOptions {
  /** `[classes]`: how much each class counts. Default: all the same. */
  readonly weight?: TensorLike;
  /** Targets of this value count for nothing. Default -100. */
  readonly ignoreIndex?: number;
}

/** Options of `crossEntropy`. */
export interface CrossEntropyOptions extends NllLossOptions {
  /** The share of each target, from 0 to 1, that is spread evenly over all classes. Default 0. */
  readonly labelSmoothing?: number;
}

/**
 * The cross entropy of targets relative to softmax probabilities: `-log softmax(logits)[target]`.
 *
 * With class weights the mean is weighted, as in PyTorch: the sum of the weighted losses divided by
 * the sum of the targets' weights. If all targets are ignored, that is 0 / 0. The mean for
 * probabilities as targets is over all positions.
 *
 * @param logits `[batch, classes, ...]`, or `[classes]` for one example: scores, which need no
 * normalisation.
 * @param target `[batch, ...]`, or `[]` for one example: class indices of an integer dtype; or
 * probabilities of the shape of `logits` and a floating-point dtype. Numbers and nested arrays are
 * taken as one or the other by their shape.
 * @param options The reduction, class weights, label smoothing, and the index to ignore (which only
 * class indices have).
 * @returns A scalar, or the shape of the class indices with reduction `"none"`.
 * @throws {ShapeError} when the shapes do not fit.
 * @throws {DtypeError} when class indices are no integers.
 * @throws {IndexError} when a class index is out of range.
 * @throws {ArgumentError} when an option is unknown or out of range.
 *
 * @example Two examples, three classes
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const logits = [[0, 0, Math.log(2)], [5, 5, -Infinity]];
 * const losses = nn.crossEntropy(logits, [2, 0], { reduction: "none" });
 * assertTensorsClose(losses, [Math.log(2), Math.log(2)]);
 * ```
 */
export function crossEntropy(
  logits: TensorLike,
  target: TensorLike,
  options?: CrossEntropyOptions,
): Tensor {
  const what = "Cannot compute crossEntropy";
  const read = readOptions(what, options, [
    "reduction",
    "weight",
    "labelSmoothing",
    "ignoreIndex",
  ]);
  const { reduction = "mean", weight, labelSmoothing = 0, ignoreIndex = -100 } = read;
  checkReduction(what, reduction, REDUCTIONS);
  if (!(typeof labelSmoothing === "number" && labelSmoothing >= 0 && labelSmoothing <= 1)) {
    throw argumentError(
      `${what} with labelSmoothing ${describeValue(labelSmoothing)}: ` +
        `expected a number from 0 to 1`,
    );
  }
  checkIgnoreIndex(what, ignoreIndex);
  const input = floatOperand(toTensor(logits, what));
  const axis = classAxis(what, input);
  if (!isProbabilities(what, target, input.shape)) {
    const indices = readClasses(what, input, axis, target, ignoreIndex);
    // The logarithms of an ignored row could be NaN, also times a cotangent of zero.
    const isIgnored = equal(indices, ignoreIndex);
    const known = where(expandDims(isIgnored, axis), 0, input);
    const [scores, weights] = readWeight(what, known, axis, weight);
    const sound = weights === null || labelSmoothing > 0
      ? scores
      : counted(scores, expandDims(gather(weights, where(isIgnored, 0, indices)), axis));
    return classLoss(what, logSoftmax(sound, axis), axis, indices, read);
  }
  if (ignoreIndex >= 0) {
    throw argumentError(
      `${what} with ignoreIndex ${ignoreIndex} and probabilities as target: ` +
        `only class indices can be ignored; leave it out`,
    );
  }
  const [own, probabilities] = promoteTogether(what, [logits, target]).map(floatOperand);
  const share = labelSmoothing / input.shape[axis];
  const smooth = labelSmoothing === 0
    ? probabilities
    : add(mul(probabilities, 1 - labelSmoothing), share);
  const [given, weights] = readWeight(what, own, axis, weight);
  const counts = weights === null ? smooth : mul(smooth, broadcast(weights, smooth.shape, [axis]));
  // Rows that count for nothing are finite before anything else is made of them.
  const sound = counted(given, sum(abs(counts), axis, { keepdims: true }));
  return reduce(neg(sum(weighted(logSoftmax(sound, axis), counts), axis)), reduction);
}

/**
 * The negative log-likelihood of targets: `-input[target]`, for log-probabilities such as those of
 * `logSoftmax`. Means and weights are those of `crossEntropy`.
 *
 * @param input `[batch, classes, ...]`, or `[classes]` for one example: log-probabilities.
 * @param target `[batch, ...]`, or `[]` for one example: class indices.
 * @param options The reduction, class weights, and the index to ignore.
 * @returns A scalar, or the shape of `target` with reduction `"none"`.
 * @throws {ShapeError} when the shapes do not fit.
 * @throws {DtypeError} when class indices are no integers.
 * @throws {IndexError} when a class index is out of range.
 * @throws {ArgumentError} when an option is unknown or out of range.
 *
 * @example The score of the second class
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.nllLoss([[-1, -2, -3]], [1]), 2);
 * ```
 */
export function nllLoss(
  input: TensorLike,
  target: TensorLike,
  options?: NllLossOptions,
): Tensor {
  const what = "Cannot compute nllLoss";
  const read = readOptions(what, options, ["reduction", "weight", "ignoreIndex"]);
  const { reduction = "mean", ignoreIndex = -100 } = read;
  checkReduction(what, reduction, REDUCTIONS);
  checkIgnoreIndex(what, ignoreIndex);
  const scores = floatOperand(toTensor(input, what));
  const axis = classAxis(what, scores);
  const indices = readClasses(what, scores, axis, target, ignoreIndex);
  return classLoss(what, scores, axis, indices, read);
}

/** Throws unless `value` is an integer. */
function checkIgnoreIndex(what: string, value: unknown): void {
  if (Number.isSafeInteger(value)) return;
  throw argumentError(
    `${what} with ignoreIndex ${describeValue(value)}: expected an integer`,
  );
}

/** The axis of the classes: the second, or the only one. */
function classAxis(what: string, input: Tensor): number {
  if (input.ndim > 0) return Math.min(input.ndim - 1, 1);
  throw shapeError(
    `${what} of ${showType(input)}: expected [batch, classes, ...], or [classes] for one example`,
  );
}

/** Whether a target holds probabilities: floats, or numbers of no dtype, of the logits' shape. */
function isProbabilities(what: string, target: TensorLike, shape: Shape): boolean {
  const isWeak = typeof target === "number" || Array.isArray(target);
  const value = isWeak ? fromJavaScript(target, "float64", what) : toTensor(target, what);
  return isFloat(value.dtype) && sameShape(value.shape, shape);
}

/** A target of class indices, checked as far as its values are known. */
function readClasses(
  what: string,
  input: Tensor,
  axis: number,
  target: TensorLike,
  ignoreIndex: number,
): Tensor {
  const expected = removeAt(input.shape, axis);
  const given = target instanceof Tensor ? target : toTensor(target, what);
  if (!sameShape(given.shape, expected)) {
    throw shapeError(
      `${what} of ${showType(input)} against ${showType(given)}: ` +
        `expected integer class indices of shape ${showShape(expected)}` +
        (what.endsWith("crossEntropy")
          ? ` or floating-point probabilities of shape ${showShape(input.shape)}`
          : ""),
    );
  }
  const indices = toIndices(target, what);
  // What is not known yet, gather checks when it is.
  if (indices instanceof Concrete) {
    const classes = input.shape[axis];
    const wrong = indices.elements.findIndex((index) =>
      index !== ignoreIndex && !(index >= 0 && index < classes)
    );
    if (wrong >= 0) {
      const place = stridesOf(expected).map((stride, i) =>
        `[${Math.floor(wrong / stride) % expected[i]}]`
      );
      throw indexError(
        `${what}: class index ${indices.elements[wrong]}${
          place.length === 0 ? "" : ` at ${place.join("")}`
        } is out of range for ${classes} classes; ignoreIndex is ${ignoreIndex}`,
      );
    }
  }
  // Signed, so that a negative ignoreIndex can be compared with them.
  return astype(indices, "int32");
}

/** Scores in the dtype in which they meet class weights, and these weights. */
function readWeight(
  what: string,
  scores: Tensor,
  axis: number,
  weight: TensorLike | undefined,
): [scores: Tensor, weights: Tensor | null] {
  if (weight === undefined) return [scores, null];
  const [own, weights] = promoteTogether(what, [scores, weight]);
  const expected = [scores.shape[axis]];
  if (sameShape(weights.shape, expected)) return [own, weights];
  throw shapeError(
    `${what} with weight ${showType(toTensor(weight, what))}: ` +
      `expected one weight per class, of shape ${showShape(expected)}`,
  );
}

/** `x` times the weight of each class, the classes lying along `axis`. */
function weigh(x: Tensor, axis: number, weights: Tensor | null): Tensor {
  return weights === null ? x : weighted(x, broadcast(weights, x.shape, [axis]));
}

/** The loss of class indices. */
function classLoss(
  what: string,
  logProbabilities: Tensor,
  axis: number,
  indices: Tensor,
  { reduction = "mean", weight, ignoreIndex = -100, labelSmoothing = 0 }: CrossEntropyOptions,
): Tensor {
  const [scores, weights] = readWeight(what, logProbabilities, axis, weight);
  const last = scores.ndim - 1;
  const isIgnored = equal(indices, ignoreIndex);
  // An ignored index may lie anywhere: class 0 stands in for it, and is masked out again at once,
  // so that neither its score nor its weight meets anything that could be infinite.
  const known = where(isIgnored, 0, convert(indices, "int32"));
  const masked = (x: Tensor): Tensor => where(isIgnored, 0, x);
  const share = weights === null
    ? convert(not(isIgnored), scores.dtype)
    : masked(gather(weights, known));
  const picked = masked(neg(gather(moveAxis(scores, axis, last), known, last)));
  const own = weights === null ? picked : weighted(picked, share);
  let losses = own;
  if (labelSmoothing > 0) {
    const all = masked(neg(sum(weigh(scores, axis, weights), axis)));
    const spread = mul(all, labelSmoothing / scores.shape[axis]);
    losses = labelSmoothing === 1 ? spread : add(mul(own, 1 - labelSmoothing), spread);
  }
  return reduction === "mean" ? div(sum(losses), sum(share)) : reduce(losses, reduction);
}

/** Options of `binaryCrossEntropyWithLogits`. */
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
  // What counts for nothing is finite before anything else is made of it.
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
  return reduce(weights === null ? losses : mul(losses, weights), reduction);
}

/** The option `name` in the dtype in which it meets `x`, checked to broadcast to its shape. */
function besideInput(what: string, name: string, x: Tensor, value: TensorLike): Tensor {
  const [, tensor] = promoteTogether(`${what} with this ${name}`, [x, value]);
  checkBroadcast(`Cannot broadcast ${name}`, tensor, x.shape);
  return tensor;
}

/** Options of `klDiv`. */
export interface KlDivOptions {
  /**
   * What becomes of the terms of all elements; `"batchmean"` is their sum divided by the length of
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
  if (reduction !== "batchmean") return reduce(terms, reduction);
  return terms.ndim === 0 ? terms : div(sum(terms), terms.shape[0]);
}

/** Options of `cosineSimilarity`. */
export interface CosineSimilarityOptions {
  /** The axis along which the vectors lie. Default 1. */
  readonly axis?: number;
  /** The least length that a vector is divided by. Default 1e-8. */
  readonly eps?: number;
  /** What becomes of the similarities. Default `"none"`. */
  readonly reduction?: Reduction;
}

/**
 * The cosine of the angle between vectors: their inner product divided by both their lengths.
 *
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
  const [x, y] = broadcastTogether(what, x1, x2).map(floatOperand);
  const along = checkAxis(axis, x.ndim, `${what} of ${showType(x)}`);
  return reduce(reduceCosine(x, y, [along], eps), reduction);
}
