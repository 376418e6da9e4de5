/**
 * Losses with margins: of scores, of classes, and of pairs and triples of vectors.
 *
 * @module
 */
import { describeValue, isInteger } from "../base/dtype.ts";
import { argumentError, dtypeError, shapeError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { promoteTogether } from "../functions/broadcasting.ts";
import {
  add,
  any,
  arange,
  cumprod,
  div,
  equal,
  expandDims,
  greater,
  greaterEqual,
  logaddexp,
  maximum,
  mean,
  minimum,
  mul,
  neg,
  notEqual,
  sqrt,
  square,
  sub,
  sum,
  take,
  takeAlongAxis,
  where,
} from "../functions/mod.ts";
import { pairwiseDistance } from "./along_axes.ts";
import { checkLossNumber } from "./likelihood_losses.ts";
import {
  checkReduction,
  inDtypeOf,
  lossDtype,
  readPair,
  reduce,
  REDUCTIONS,
  timesWeight,
  wideFloats,
} from "./loss_options.ts";
import type { LossOptions } from "./loss_options.ts";

/** The positive part, with derivative 1 at zero, as PyTorch's losses have it. */
function positivePart(x: Tensor): Tensor {
  return where(greaterEqual(x, 0), x, 0);
}

/** Floats of one dtype, no half floats. */
function wideTogether(what: string, operands: readonly TensorLike[]): Tensor[] {
  return promoteTogether(what, operands).map(wideFloats);
}

/**
 * Options of losses with a margin.
 *
 * @category Losses
 */
export interface MarginLossOptions extends LossOptions {
  /** The margin between positives and negatives; each loss documents its measure, and its default. */
  readonly margin?: number;
}

/** The reduction and the margin, checked to be at least `least`. */
function readMargin(
  what: string,
  options: MarginLossOptions | undefined,
  standard: number,
  least?: number,
): Required<MarginLossOptions> {
  const read = readOptions(what, options, ["reduction", "margin"]);
  const { reduction = "mean", margin = standard } = read;
  checkReduction(what, reduction, REDUCTIONS);
  checkLossNumber(what, "margin", margin, least);
  return { reduction, margin };
}

/** Integers, called `name`. */
function readClasses(what: string, name: string, classes: TensorLike): Tensor {
  const read = toTensor(classes, `${what} with this ${name}`);
  if (isInteger(read.dtype)) return read;
  throw dtypeError(
    `${what} with ${name} ${showType(read)}: expected integers; convert with astype`,
  );
}

/**
 * Distances of pairs that are alike (target 1), and `max(0, margin - distance)` of those that are not (target -1).
 *
 * @category Losses
 * @param input Any shape: distances.
 * @param target The shape of `input`: 1 or -1.
 * @param options The reduction, and the margin (1): how large the distances of unlike pairs shall be.
 * @returns A scalar, or one number for each with reduction `"none"`; a floating-point dtype.
 * @throws {ShapeError} when the shapes differ.
 * @throws {ArgumentError} when an option or the reduction is unknown or makes no sense.
 *
 * @example One of each
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.hingeEmbeddingLoss([2, 0.5], [1, -1], { reduction: "none" }), [2, 0.5]);
 * ```
 */
export function hingeEmbeddingLoss(
  input: TensorLike,
  target: TensorLike,
  options?: MarginLossOptions,
): Tensor {
  const what = "Cannot compute hingeEmbeddingLoss";
  const { reduction, margin } = readMargin(what, options, 1);
  const [x, y] = readPair(what, input, target);
  const alike = where(notEqual(y, -1), x, 0);
  const unlike = where(notEqual(y, 1), positivePart(sub(margin, x)), 0);
  return reduce(add(alike, unlike), reduction, lossDtype(what, [input, target]));
}

/**
 * The hinge loss of support vector machines: `max(0, margin - target * input)`.
 *
 * @category Losses
 * @param input Any shape: scores.
 * @param target The shape of `input`: 1 or -1.
 * @param options The reduction, and the margin (1): how far on the right side scores shall be.
 * @returns A scalar, or one number for each with reduction `"none"`; a floating-point dtype.
 * @throws {ShapeError} when the shapes differ.
 * @throws {ArgumentError} when an option or the reduction is unknown or makes no sense.
 *
 * @example Right by far, and wrong
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.hingeLoss([3, 0.5], [1, -1], { reduction: "none" }), [0, 1.5]);
 * ```
 */
export function hingeLoss(
  input: TensorLike,
  target: TensorLike,
  options?: MarginLossOptions,
): Tensor {
  const what = "Cannot compute hingeLoss";
  const { reduction, margin } = readMargin(what, options, 1);
  const [x, y] = readPair(what, input, target);
  return reduce(positivePart(sub(margin, mul(y, x))), reduction, lossDtype(what, [input, target]));
}

/**
 * The logistic loss of scores: `log(1 + exp(-target * input))`.
 *
 * @category Losses
 * @param input Any shape: scores.
 * @param target The shape of `input`: 1 or -1.
 * @param options The reduction.
 * @returns A scalar, or one number for each with reduction `"none"`; a floating-point dtype.
 * @throws {ShapeError} when the shapes differ.
 * @throws {ArgumentError} when an option or the reduction is unknown or makes no sense.
 *
 * @example Undecided
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.softMarginLoss([0], [1]), Math.log(2));
 * ```
 */
export function softMarginLoss(
  input: TensorLike,
  target: TensorLike,
  options?: LossOptions,
): Tensor {
  const what = "Cannot compute softMarginLoss";
  const { reduction = "mean" } = readOptions(what, options, ["reduction"]);
  checkReduction(what, reduction, REDUCTIONS);
  const [x, y] = readPair(what, input, target);
  return reduce(logaddexp(neg(mul(y, x)), 0), reduction, lossDtype(what, [input, target]));
}

/**
 * How far pairs of scores are from the right order: `max(0, -target * (input1 - input2) + margin)`.
 *
 * @category Losses
 * @param input1 Any shape.
 * @param input2 Any shape.
 * @param target 1 where the first shall be larger, -1 where the second shall be; all broadcast.
 * @param options The reduction, and the margin (0): by how much the better one shall be ahead.
 * @returns A scalar, or one number for each with reduction `"none"`; a floating-point dtype.
 * @throws {ShapeError} when the shapes do not broadcast.
 * @throws {ArgumentError} when an option or the reduction is unknown or makes no sense.
 *
 * @example In order, and out of it
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.marginRankingLoss([2, 0], [1, 3], [1, 1], { reduction: "none" }), [0, 3]);
 * ```
 */
export function marginRankingLoss(
  input1: TensorLike,
  input2: TensorLike,
  target: TensorLike,
  options?: MarginLossOptions,
): Tensor {
  const what = "Cannot compute marginRankingLoss";
  const { reduction, margin } = readMargin(what, options, 0);
  const [a, b, y] = wideTogether(what, [input1, input2, target]);
  const losses = positivePart(add(mul(neg(y), sub(a, b)), margin));
  return reduce(losses, reduction, lossDtype(what, [input1, input2, target]));
}

/**
 * Options of `multiMarginLoss`.
 *
 * @category Losses
 */
export interface MultiMarginLossOptions extends LossOptions {
  /** The power of each term. Default 1. */
  readonly p?: 1 | 2;
  /** By how much the right class shall be ahead. Default 1. */
  readonly margin?: number;
  /** `[classes]`: how much each class counts. Default: all the same. */
  readonly weight?: TensorLike;
}

/**
 * The hinge loss of classes: the mean over classes of `max(0, margin - x[target] + x[i])^p` for all others `i`.
 *
 * @category Losses
 * @param input `[batch, classes]`, or `[classes]`: scores.
 * @param target `[batch]`, or a scalar: the right classes, integers.
 * @param options The reduction, the power, the margin, weights of classes.
 * @returns A scalar, or one number for each with reduction `"none"`; a floating-point dtype.
 * @throws {ShapeError} when the shapes do not fit.
 * @throws {DtypeError} when the target holds no integers.
 * @throws {ArgumentError} when an option or the reduction is unknown or makes no sense.
 *
 * @example Ahead by less than one
 * ```ts
 * import { nn, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const target = tensor([1], { dtype: "int32" });
 * assertTensorsClose(nn.multiMarginLoss([[0, 0.5]], target), 0.25);
 * ```
 */
export function multiMarginLoss(
  input: TensorLike,
  target: TensorLike,
  options?: MultiMarginLossOptions,
): Tensor {
  const what = "Cannot compute multiMarginLoss";
  const { reduction = "mean", p = 1, margin = 1, weight } = readOptions(what, options, [
    "reduction",
    "p",
    "margin",
    "weight",
  ]);
  checkReduction(what, reduction, REDUCTIONS);
  if (p !== 1 && p !== 2) {
    throw argumentError(`${what} with p ${describeValue(p)}: expected 1 or 2`);
  }
  checkLossNumber(what, "margin", margin);
  const x = wideFloats(toTensor(input, what));
  const y = readClasses(what, "target", target);
  if (x.ndim < 1 || x.ndim > 2 || String(y.shape) !== String(x.shape.slice(0, -1))) {
    throw shapeError(
      `${what} of ${showType(x)} against ${showType(y)}: expected [batch, classes] and [batch]`,
    );
  }
  const classes = x.shape.at(-1)!;
  const index = expandDims(y, -1);
  const right = takeAlongAxis(x, index, -1);
  const gap = add(sub(margin, right), x);
  const isCounted = greater(gap, 0).logicalAnd(
    notEqual(arange(classes, { dtype: "int32" }), index),
  );
  let terms = where(isCounted, p === 1 ? gap : square(where(isCounted, gap, 0)), 0);
  if (weight !== undefined) {
    const weights = inDtypeOf(what, "weight", x, weight);
    if (String(weights.shape) !== String([classes])) {
      throw shapeError(`${what} with weight ${showType(weights)}: expected shape [${classes}]`);
    }
    terms = mul(terms, expandDims(take(weights, y, 0), -1));
  }
  const losses = div(sum(terms, -1), classes);
  return reduce(losses, reduction, lossDtype(what, [input, weight]));
}

/**
 * The hinge loss of several right classes: the sum of `max(0, 1 - x[j] + x[i])` over right classes `j` and wrong
 * classes `i`, over the number of classes.
 *
 * @category Losses
 * @param input `[batch, classes]`, or `[classes]`: scores.
 * @param target The shape of `input`: the right classes, integers, which end before the first -1.
 * @param options The reduction.
 * @returns A scalar, or one number for each with reduction `"none"`; a floating-point dtype.
 * @throws {ShapeError} when the shapes differ.
 * @throws {DtypeError} when the target holds no integers.
 * @throws {ArgumentError} when an option or the reduction is unknown or makes no sense.
 *
 * @example Two right classes of three
 * ```ts
 * import { nn, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const target = tensor([[0, 2, -1]], { dtype: "int32" });
 * assertTensorsClose(nn.multiLabelMarginLoss([[1, 0.5, 2]], target), 0.5 / 3);
 * ```
 */
export function multiLabelMarginLoss(
  input: TensorLike,
  target: TensorLike,
  options?: LossOptions,
): Tensor {
  const what = "Cannot compute multiLabelMarginLoss";
  const { reduction = "mean" } = readOptions(what, options, ["reduction"]);
  checkReduction(what, reduction, REDUCTIONS);
  const x = wideFloats(toTensor(input, what));
  const y = readClasses(what, "target", target);
  if (x.ndim < 1 || x.ndim > 2 || String(y.shape) !== String(x.shape)) {
    throw shapeError(
      `${what} of ${showType(x)} against ${showType(y)}: expected [batch, classes] for both`,
    );
  }
  const classes = x.shape.at(-1)!;
  const isRight = cumprod(greaterEqual(y, 0).astype("int32"), -1).greater(0);
  const index = where(isRight, y, 0);
  const same = equal(expandDims(index, -1), arange(classes, { dtype: "int32" }));
  const isTarget = any(same.logicalAnd(expandDims(isRight, -1)), -2);
  const gap = add(sub(1, expandDims(takeAlongAxis(x, index, -1), -1)), expandDims(x, -2));
  const isCounted = greater(gap, 0).logicalAnd(expandDims(isRight, -1))
    .logicalAnd(expandDims(isTarget.logicalNot(), -2));
  const losses = div(sum(where(isCounted, gap, 0), [-2, -1]), classes);
  return reduce(losses, reduction, lossDtype(what, [input]));
}

/**
 * Options of `multiLabelSoftMarginLoss`.
 *
 * @category Losses
 */
export interface MultiLabelSoftMarginLossOptions extends LossOptions {
  /** How much each class counts; broadcasts to the input. Default: all the same. */
  readonly weight?: TensorLike;
}

/**
 * The mean over classes of the cross entropies of yes-or-no targets relative to `sigmoid(input)`.
 *
 * @category Losses
 * @param input `[..., classes]`: scores.
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
 * assertTensorsClose(nn.multiLabelSoftMarginLoss([[0, 0]], [[1, 0]]), Math.log(2));
 * ```
 */
export function multiLabelSoftMarginLoss(
  input: TensorLike,
  target: TensorLike,
  options?: MultiLabelSoftMarginLossOptions,
): Tensor {
  const what = "Cannot compute multiLabelSoftMarginLoss";
  const { reduction = "mean", weight } = readOptions(what, options, ["reduction", "weight"]);
  checkReduction(what, reduction, REDUCTIONS);
  const [x, y] = readPair(what, input, target);
  if (x.ndim === 0) throw shapeError(`${what} of ${showType(x)}: expected [..., classes]`);
  const terms = add(mul(y, logaddexp(neg(x), 0)), mul(sub(1, y), logaddexp(x, 0)));
  return reduce(
    mean(timesWeight(what, terms, weight), -1),
    reduction,
    lossDtype(what, [input, target, weight]),
  );
}

/**
 * One minus the cosine of vectors that are alike (target 1), and `max(0, cosine - margin)` of those that are not
 * (target -1).
 *
 * @category Losses
 * @param input1 `[..., n]`.
 * @param input2 `[..., n]`.
 * @param target `[...]`: 1 or -1.
 * @param options The reduction, and the margin (0): the cosine up to which unlike vectors cost nothing.
 * @returns A scalar, or one number for each with reduction `"none"`; a floating-point dtype.
 * @throws {ShapeError} when the shapes do not fit.
 * @throws {ArgumentError} when an option or the reduction is unknown or makes no sense.
 *
 * @example Orthogonal vectors
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.cosineEmbeddingLoss([[1, 0]], [[0, 1]], [1]), 1);
 * ```
 */
export function cosineEmbeddingLoss(
  input1: TensorLike,
  input2: TensorLike,
  target: TensorLike,
  options?: MarginLossOptions,
): Tensor {
  const what = "Cannot compute cosineEmbeddingLoss";
  const { reduction, margin } = readMargin(what, options, 0);
  const [a, b] = readPair(what, input1, input2);
  if (a.ndim === 0) throw shapeError(`${what} of ${showType(a)}: expected [..., n]`);
  const y = inDtypeOf(what, "target", a, target);
  if (String(y.shape) !== String(a.shape.slice(0, -1))) {
    throw shapeError(
      `${what} of ${showType(a)} against ${showType(y)}: expected [..., n] and [...]`,
    );
  }
  // The constant that PyTorch adds, so that vectors of zeros have a cosine of 0.
  const least = 1e-12;
  const squares = mul(add(sum(square(a), -1), least), add(sum(square(b), -1), least));
  const cosine = div(sum(mul(a, b), -1), sqrt(squares));
  const alike = where(equal(y, 1), sub(1, cosine), 0);
  const losses = add(alike, where(equal(y, -1), positivePart(sub(cosine, margin)), 0));
  return reduce(losses, reduction, lossDtype(what, [input1, input2]));
}

/**
 * Options of `tripletMarginLoss`.
 *
 * @category Losses
 */
export interface TripletMarginLossOptions extends LossOptions {
  /** By how much the unlike one shall be farther away, above 0. Default 1. */
  readonly margin?: number;
  /** The order of the norm. Default 2. */
  readonly p?: number;
  /** Added to each difference. Default 1e-6. */
  readonly eps?: number;
  /** Whether the nearer of anchor and positive counts for the negative. Default `false`. */
  readonly swap?: boolean;
}

/**
 * How far an unlike vector is from being farther away than one that is alike:
 * `max(0, |anchor - positive| - |anchor - negative| + margin)`.
 *
 * @category Losses
 * @param anchor `[..., n]`.
 * @param positive `[..., n]`: alike.
 * @param negative `[..., n]`: unlike; all broadcast.
 * @param options The reduction, the margin, the norm, the swap of Balntas et al. (2016).
 * @returns A scalar, or one number for each with reduction `"none"`; a floating-point dtype.
 * @throws {ShapeError} when the shapes do not broadcast.
 * @throws {ArgumentError} when an option or the reduction is unknown or makes no sense.
 *
 * @example Far enough
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.tripletMarginLoss([[0, 0]], [[0, 1]], [[3, 0]]), 0);
 * ```
 */
export function tripletMarginLoss(
  anchor: TensorLike,
  positive: TensorLike,
  negative: TensorLike,
  options?: TripletMarginLossOptions,
): Tensor {
  const what = "Cannot compute tripletMarginLoss";
  const { reduction = "mean", margin = 1, p = 2, eps = 1e-6, swap = false } = readOptions(
    what,
    options,
    ["reduction", "margin", "p", "eps", "swap"],
  );
  checkReduction(what, reduction, REDUCTIONS);
  checkLossNumber(what, "margin", margin, 0, true);
  checkLossNumber(what, "p", p, 0, true);
  checkLossNumber(what, "eps", eps);
  checkFlag(swap, what, "swap");
  const distance = (x: Tensor, y: Tensor) => pairwiseDistance(x, y, { p, eps });
  const losses = tripletLosses(what, [anchor, positive, negative], distance, margin, swap);
  return reduce(losses, reduction, lossDtype(what, [anchor, positive, negative]));
}

/** How far the third of each triple is from being farther away than the second. */
function tripletLosses(
  what: string,
  triple: readonly TensorLike[],
  distance: (x: Tensor, y: Tensor) => Tensor,
  margin: number,
  swap: boolean,
): Tensor {
  const [a, b, c] = wideTogether(what, triple);
  const near = distance(a, b);
  const far = distance(a, c);
  const farther = swap ? minimum(far, distance(b, c)) : far;
  return positivePart(add(sub(near, farther), margin));
}

/**
 * Options of `tripletMarginWithDistanceLoss`.
 *
 * @category Losses
 */
export interface TripletMarginWithDistanceLossOptions extends LossOptions {
  /** The distance of two batches of vectors `[..., n]`: `[...]`. Default `pairwiseDistance`. */
  readonly distanceFunction?: (x: Tensor, y: Tensor) => Tensor;
  /** By how much the unlike one shall be farther away, above 0. Default 1. */
  readonly margin?: number;
  /** Whether the nearer of anchor and positive counts for the negative. Default `false`. */
  readonly swap?: boolean;
}

/**
 * `tripletMarginLoss` with another distance than a norm:
 * `max(0, distance(anchor, positive) - distance(anchor, negative) + margin)`.
 *
 * @category Losses
 * @param anchor `[..., n]`, or what the distance takes.
 * @param positive Like `anchor`: alike.
 * @param negative Like `anchor`: unlike.
 * @param options The reduction, the distance, the margin, the swap of Balntas et al. (2016).
 * @returns A scalar, or one number for each with reduction `"none"`; a floating-point dtype.
 * @throws {ArgumentError} when an option or the reduction is unknown or makes no sense.
 *
 * @example By cosines
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const distanceFunction = (x: Tensor, y: Tensor) => nn.cosineSimilarity(x, y).neg().add(1);
 * const loss = nn.tripletMarginWithDistanceLoss([[1, 0]], [[2, 0]], [[0, 1]], { distanceFunction });
 * assertTensorsClose(loss, 0);
 * ```
 */
export function tripletMarginWithDistanceLoss(
  anchor: TensorLike,
  positive: TensorLike,
  negative: TensorLike,
  options?: TripletMarginWithDistanceLossOptions,
): Tensor {
  const what = "Cannot compute tripletMarginWithDistanceLoss";
  const { reduction = "mean", distanceFunction = pairwiseDistance, margin = 1, swap = false } =
    readOptions(what, options, ["reduction", "distanceFunction", "margin", "swap"]);
  checkReduction(what, reduction, REDUCTIONS);
  if (typeof distanceFunction !== "function") {
    throw argumentError(
      `${what} with distanceFunction ${describeValue(distanceFunction)}: expected a function`,
    );
  }
  checkLossNumber(what, "margin", margin, 0, true);
  checkFlag(swap, what, "swap");
  const triple = [anchor, positive, negative];
  const distance = (x: Tensor, y: Tensor) => distanceFunction(x, y);
  const losses = tripletLosses(what, triple, distance, margin, swap);
  return reduce(losses, reduction, lossDtype(what, triple));
}

/**
 * The contrastive loss of Hadsell, Chopra and LeCun (2006): `d² / 2` for the distance `d` of vectors that are alike,
 * and `max(0, margin - d)² / 2` of those that are not.
 *
 * @category Losses
 * @param input1 `[..., n]`.
 * @param input2 `[..., n]`.
 * @param target `[...]`: 1 for pairs that are alike, 0 for others.
 * @param options The reduction, and the margin (1, not below 0): how far apart unlike vectors shall be.
 * @returns A scalar, or one number for each with reduction `"none"`; a floating-point dtype.
 * @throws {ShapeError} when the shapes do not fit.
 * @throws {ArgumentError} when an option or the reduction is unknown or makes no sense.
 *
 * @example Alike, and unlike
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const losses = nn.contrastiveLoss([[0, 2], [0, 0]], [[0, 0], [0, 0]], [1, 0], { reduction: "none" });
 * assertTensorsClose(losses, [2, 0.5]);
 * ```
 */
export function contrastiveLoss(
  input1: TensorLike,
  input2: TensorLike,
  target: TensorLike,
  options?: MarginLossOptions,
): Tensor {
  const what = "Cannot compute contrastiveLoss";
  const { reduction, margin } = readMargin(what, options, 1, 0);
  const [a, b] = readPair(what, input1, input2);
  if (a.ndim === 0) throw shapeError(`${what} of ${showType(a)}: expected [..., n]`);
  const y = inDtypeOf(what, "target", a, target);
  if (String(y.shape) !== String(a.shape.slice(0, -1))) {
    throw shapeError(
      `${what} of ${showType(a)} against ${showType(y)}: expected [..., n] and [...]`,
    );
  }
  const squares = sum(square(sub(a, b)), -1);
  const distance = pairwiseDistance(a, b, { eps: 0 });
  const unlike = square(maximum(sub(margin, distance), 0));
  const losses = mul(add(mul(y, squares), mul(sub(1, y), unlike)), 0.5);
  return reduce(losses, reduction, lossDtype(what, [input1, input2]));
}
