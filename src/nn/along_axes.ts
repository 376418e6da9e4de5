/**
 * Activations and normalizations along an axis.
 *
 * @module
 */
import { shapeError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { checkAxis, showType } from "../base/shape.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { promoteTogether } from "../functions/broadcasting.ts";
import {
  add,
  arange,
  argmax,
  cumsum,
  div,
  greater,
  logsumexp,
  max,
  maximum,
  mean,
  moveaxis,
  mul,
  neg,
  norm,
  oneHot,
  rsqrt,
  sigmoid,
  sort,
  split,
  square,
  sub,
  sum,
  where,
} from "../functions/mod.ts";
import { gumbel } from "../random/mod.ts";
import { stopGradient } from "../transforms/no_grad.ts";
import { checkOption, floats, softmax } from "./activations.ts";

/** `axis` of `x`, from 0 on. */
function axisOf(x: Tensor, axis: number, name: string): number {
  if (x.ndim === 0) {
    throw shapeError(`Cannot apply ${name} to ${showType(x)}: expected at least one axis`);
  }
  return checkAxis(axis, x.ndim, `Cannot apply ${name} to ${showType(x)}`);
}

/**
 * Gated linear unit (Dauphin et al., 2016): the first half along an axis times the sigmoid of the second.
 *
 * @category Activations
 * @param x Any shape, of even length along the axis.
 * @param axis The axis. Default -1.
 * @returns The shape of `x` with half the length along the axis.
 * @throws {ShapeError} when the length is odd.
 * @throws {AxisError} when there is no such axis.
 *
 * @example Two halves
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.glu([2, 0]), [1]);
 * ```
 */
export function glu(x: TensorLike, axis?: number): Tensor {
  const input = floats(x, "glu");
  const at = axisOf(input, axis ?? -1, "glu");
  if (input.shape[at] % 2 !== 0) {
    throw shapeError(
      `Cannot apply glu to ${showType(input)}: expected an even length along axis ${at}`,
    );
  }
  const [value, gate] = split(input, 2, at);
  return mul(value, sigmoid(gate));
}

/**
 * The softmax of minus the input: small elements weigh more.
 *
 * @category Activations
 * @param x Any shape.
 * @param axis The axis. Default -1.
 * @returns The shape and dtype of `x` (float32 for integers and bools).
 * @throws {AxisError} when there is no such axis.
 *
 * @example Equal elements
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.softmin([1, 1]), [0.5, 0.5]);
 * ```
 */
export function softmin(x: TensorLike, axis?: number): Tensor {
  return softmax(neg(floats(x, "softmin")), axis ?? -1);
}

/**
 * The projection onto the simplex of probabilities (Martins and Astudillo, "From softmax to sparsemax", 2016): like
 * softmax, but small elements get zero.
 *
 * @category Activations
 * @param x Any shape, finite.
 * @param axis The axis. Default -1.
 * @returns The shape and dtype of `x` (float32 for integers and bools).
 * @throws {AxisError} when there is no such axis.
 *
 * @example A clear winner
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.sparsemax([0.2, 0, 3]), [0, 0, 1]);
 * assertTensorsClose(nn.sparsemax([0.5, 0]), [0.75, 0.25]);
 * ```
 */
export function sparsemax(x: TensorLike, axis?: number): Tensor {
  const input = floats(x, "sparsemax");
  const at = axisOf(input, axis ?? -1, "sparsemax");
  const length = input.shape[at];
  if (length === 0) return input;
  const centred = sub(input, stopGradient(max(input, at, { keepdims: true })));
  const sorted = neg(sort(neg(centred), at));
  const ranks = arange(1, length + 1, 1, { dtype: input.dtype })
    .reshape([length, ...input.shape.slice(at + 1).map(() => 1)]);
  const sums = cumsum(sorted, at);
  // The number of largest elements that are above the threshold determined by them.
  const isIn = greater(add(mul(sorted, ranks), 1), sums);
  const count = sum(isIn.astype(input.dtype), at, { keepdims: true });
  const total = sum(where(isIn, sorted, 0), at, { keepdims: true });
  return maximum(sub(centred, div(sub(total, 1), count)), 0);
}

/**
 * Options of `gumbelSoftmax`.
 *
 * @category Activations
 */
export interface GumbelSoftmaxOptions {
  /** The temperature, above 0. Default 1. */
  readonly tau?: number;
  /** Whether the result is one-hot; its derivative stays that of the soft one. Default `false`. */
  readonly hard?: boolean;
  /** The axis. Default -1. */
  readonly axis?: number;
}

/**
 * Samples of a relaxed categorical distribution (Jang et al.; Maddison et al., 2016):
 * `softmax((x + gumbel noise) / tau)`.
 *
 * @category Activations
 * @param key A random key.
 * @param x Unnormalised log-probabilities, of any shape.
 * @param options Temperature, whether the result is one-hot, axis.
 * @returns The shape and dtype of `x` (float32 for integers and bools).
 * @throws {AxisError} when there is no such axis.
 * @throws {ArgumentError} when an option is unknown, or `tau` not above 0.
 *
 * @example One of two
 * ```ts
 * import { nn, random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const y = nn.gumbelSoftmax(random.key(0), [0, 50], { hard: true });
 * assertTensorsClose(y, [0, 1]);
 * ```
 */
export function gumbelSoftmax(key: Tensor, x: TensorLike, options?: GumbelSoftmaxOptions): Tensor {
  const what = "Cannot apply gumbelSoftmax";
  const { tau = 1, hard = false, axis = -1 } = readOptions(what, options, ["tau", "hard", "axis"]);
  checkOption(tau, "tau", "gumbelSoftmax", Number.MIN_VALUE);
  checkFlag(hard, what, "hard");
  const input = floats(x, "gumbelSoftmax");
  const at = axisOf(input, axis, "gumbelSoftmax");
  const noise = gumbel(key, input.shape, { dtype: input.dtype });
  const soft = softmax(div(add(input, noise), tau), at);
  if (!hard) return soft;
  const chosen = moveaxis(
    oneHot(argmax(soft, at), input.shape[at], { dtype: input.dtype }),
    -1,
    at,
  );
  // The value of one, and the derivative of the other.
  return add(stopGradient(sub(chosen, soft)), soft);
}

/**
 * Options of `standardize`.
 *
 * @category Activations
 */
export interface StandardizeOptions {
  /** The axes. Default -1. */
  readonly axis?: number | readonly number[];
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
}

/**
 * Elements less their mean, over their standard deviation: `(x - mean) / sqrt(variance + eps)`.
 *
 * @category Activations
 * @param x Any shape.
 * @param options Axes and epsilon.
 * @returns The shape and dtype of `x` (float32 for integers and bools).
 * @throws {AxisError} when there is no such axis.
 * @throws {ArgumentError} when an option is unknown, or no number.
 *
 * @example Mean 0 and variance 1
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.standardize([1, 3], { eps: 0 }), [-1, 1]);
 * ```
 */
export function standardize(x: TensorLike, options?: StandardizeOptions): Tensor {
  const { axis = -1, eps = 1e-5 } = readOptions("Cannot apply standardize", options, [
    "axis",
    "eps",
  ]);
  checkOption(eps, "eps", "standardize", 0);
  const input = floats(x, "standardize");
  const centred = sub(input, mean(input, axis, { keepdims: true }));
  const variance = mean(square(centred), axis, { keepdims: true });
  return mul(centred, rsqrt(add(variance, eps)));
}

/**
 * Options of `normalize`.
 *
 * @category Activations
 */
export interface NormalizeOptions {
  /** The order of the norm, above 0. Default 2. */
  readonly p?: number;
  /** The axis. Default 1. */
  readonly axis?: number;
  /** The least that elements are divided by. Default 1e-12. */
  readonly eps?: number;
}

/**
 * Vectors along an axis divided by their norms.
 *
 * @category Activations
 * @param x Any shape.
 * @param options The order of the norm, the axis, the least divisor.
 * @returns The shape and dtype of `x` (float32 for integers and bools).
 * @throws {AxisError} when there is no such axis.
 * @throws {ArgumentError} when an option is unknown, or no number.
 *
 * @example A vector of length one
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.normalize([[3, 4]]), [[0.6, 0.8]]);
 * ```
 */
export function normalize(x: TensorLike, options?: NormalizeOptions): Tensor {
  const { p = 2, axis = 1, eps = 1e-12 } = readOptions("Cannot apply normalize", options, [
    "p",
    "axis",
    "eps",
  ]);
  checkOption(p, "p", "normalize", Number.MIN_VALUE);
  checkOption(eps, "eps", "normalize", 0);
  const input = floats(x, "normalize");
  const at = axisOf(input, axis, "normalize");
  return div(input, maximum(norm(input, at, { ord: p, keepdims: true }), eps));
}

/**
 * Options of `pairwiseDistance`.
 *
 * @category Activations
 */
export interface PairwiseDistanceOptions {
  /** The order of the norm, above 0. Default 2. */
  readonly p?: number;
  /** Added to each difference, as in PyTorch. Default 1e-6. */
  readonly eps?: number;
  /** Whether the last axis stays, with length 1. Default `false`. */
  readonly keepdims?: boolean;
}

/**
 * The norms of the differences of vectors along the last axis.
 *
 * @category Activations
 * @param x `[..., n]`.
 * @param y `[..., n]`; both broadcast.
 * @param options The order of the norm, the constant added to differences, whether the axis stays.
 * @returns `[...]`, or `[..., 1]`.
 * @throws {ShapeError} when the arguments do not broadcast, or have no axis.
 * @throws {ArgumentError} when an option is unknown, or no number.
 *
 * @example Five away
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.pairwiseDistance([[3, 0]], [[0, 4]]), [5], { atol: 1e-5 });
 * ```
 */
export function pairwiseDistance(
  x: TensorLike,
  y: TensorLike,
  options?: PairwiseDistanceOptions,
): Tensor {
  const what = "Cannot compute pairwiseDistance";
  const { p = 2, eps = 1e-6, keepdims = false } = readOptions(what, options, [
    "p",
    "eps",
    "keepdims",
  ]);
  checkOption(p, "p", "pairwiseDistance", Number.MIN_VALUE);
  checkOption(eps, "eps", "pairwiseDistance");
  checkFlag(keepdims, what, "keepdims");
  const [a, b] = promoteTogether(what, [x, y]).map((z) => floats(z, "pairwiseDistance"));
  const difference = add(sub(a, b), eps);
  const at = axisOf(difference, -1, "pairwiseDistance");
  return norm(difference, at, { ord: p, keepdims });
}

/**
 * The logarithm of the mean of exponentials: `logsumexp(x) - log(n)`.
 *
 * @category Activations
 * @param x Any shape.
 * @param axis An axis, several, or `null` for all. Default `null`.
 * @returns The shape of `x` without the axes.
 * @throws {AxisError} when there is no such axis.
 *
 * @example A mean of equal numbers
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nn.logmeanexp([1000, 1000]), 1000);
 * ```
 */
export function logmeanexp(x: TensorLike, axis?: number | readonly number[] | null): Tensor {
  const input = floats(x, "logmeanexp");
  const total = logsumexp(input, axis ?? null);
  return sub(total, Math.log(input.size / Math.max(total.size, 1)));
}
