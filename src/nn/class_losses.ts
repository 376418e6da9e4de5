/**
 * Losses of classes, with PyTorch's weights and means: of class indices, or of probabilities.
 *
 * @module
 */
import { describeValue, isFloat } from "../base/dtype.ts";
import { argumentError, indexError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { removeAt, sameShape, showShape, showType, stridesOf } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { fromJavaScript, toTensor } from "../core/convert.ts";
import { Concrete, Tensor } from "../core/tensor.ts";
import type { TensorLike } from "../core/tensor.ts";
import { toIndices } from "../functions/arguments.ts";
import { promoteTogether } from "../functions/broadcasting.ts";
import { realOperand } from "../functions/operands.ts";
import {
  abs,
  add,
  astype,
  div,
  equal,
  expandDims,
  mul,
  neg,
  sum,
  where,
} from "../functions/mod.ts";
import { not } from "../primitives/comparison.ts";
import { gather } from "../primitives/indexing.ts";
import { broadcast, convert, moveAxis } from "../primitives/structure.ts";
import { logSoftmax } from "./activations.ts";
import {
  checkReduction,
  counted,
  lossDtype,
  reduce,
  REDUCTIONS,
  rounded,
  weighted,
  wideFloats,
} from "./loss_options.ts";
import type { LossOptions } from "./loss_options.ts";

/**
 * Options of `nllLoss`.
 *
 * @category Losses
 */
export interface NllLossOptions extends LossOptions {
  /** `[classes]`: how much each class counts. Default: all the same. */
  readonly weight?: TensorLike;
  /** Targets of this value count for nothing. Default -100. */
  readonly ignoreIndex?: number;
}

/**
 * Options of `crossEntropy`.
 *
 * @category Losses
 */
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
 * @category Losses
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
  const input = wideFloats(toTensor(logits, what));
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
    const loss = classLoss(what, logSoftmax(sound, axis), axis, indices, read);
    return rounded(loss, lossDtype(what, [logits, weight]));
  }
  if (ignoreIndex >= 0) {
    throw argumentError(
      `${what} with ignoreIndex ${ignoreIndex} and probabilities as target: ` +
        `only class indices can be ignored; leave it out`,
    );
  }
  const [own, probabilities] = promoteTogether(what, [logits, target]).map(wideFloats);
  const share = labelSmoothing / input.shape[axis];
  const smooth = labelSmoothing === 0
    ? probabilities
    : add(mul(probabilities, 1 - labelSmoothing), share);
  const [given, weights] = readWeight(what, own, axis, weight);
  const counts = weights === null ? smooth : mul(smooth, broadcast(weights, smooth.shape, [axis]));
  // Rows that count for nothing are finite before anything else is made of them.
  const sound = counted(given, sum(abs(counts), axis, { keepdims: true }));
  const losses = neg(sum(weighted(logSoftmax(sound, axis), counts), axis));
  return reduce(losses, reduction, lossDtype(what, [logits, target, weight]));
}

/**
 * The negative log-likelihood of targets: `-input[target]`, for log-probabilities such as those of
 * `logSoftmax`. Means and weights are those of `crossEntropy`.
 *
 * @category Losses
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
  const { reduction = "mean", ignoreIndex = -100, weight } = read;
  checkReduction(what, reduction, REDUCTIONS);
  checkIgnoreIndex(what, ignoreIndex);
  const scores = wideFloats(realOperand("nllLoss", toTensor(input, what)));
  const axis = classAxis(what, scores);
  const indices = readClasses(what, scores, axis, target, ignoreIndex);
  const loss = classLoss(what, scores, axis, indices, read);
  return rounded(loss, lossDtype(what, [input, weight]));
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
  // Indices that are not known yet are checked by gather once they are.
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
  // An ignored index may be any number: it is replaced by class 0, and masked out again at once,
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
  return reduction === "mean"
    ? div(sum(losses), sum(share))
    : reduce(losses, reduction, losses.dtype);
}
