/**
 * Dropout.
 *
 * @module
 */
import { argumentError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { showType } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { Tensor } from "../core/tensor.ts";
import { floatOperand } from "../functions/broadcasting.ts";
import { add, div, greater, mul, where, zerosLike } from "../functions/mod.ts";
import { bernoulli, uniform } from "../random/mod.ts";
import { checkNumber, checkSpatial, readContext, stateless } from "./layer.ts";
import type { Context, Empty, Layer } from "./layer.ts";

/**
 * Dropout (Srivastava et al., 2014): in training each element is zeroed with probability `rate`, and
 * the others divided by `1 - rate`; otherwise nothing happens.
 *
 * @category Normalization and dropout
 * @param rate The probability of being zeroed, from 0 to 1. Default 0.5.
 * @returns A layer on any shape, which needs a `key` in its context in training.
 * @throws {ArgumentError} when `rate` is not a probability, or the key is missing in training.
 *
 * @example Nothing happens outside training
 * ```ts
 * import { nn, random, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const layer = nn.dropout(0.5);
 * assertTensorsClose(layer.apply({}, {}, tensor([1, 2]))[0], [1, 2]);
 * const [y] = layer.apply({}, {}, tensor([1, 1]), { train: true, key: random.key(0) });
 * for (const value of y.data()) if (value !== 0 && value !== 2) throw new Error(String(y));
 * ```
 */
export function dropout(rate?: number): Layer<Empty, Empty> {
  return dropping("dropout", rate, (x) => x.shape, dividing);
}

/** Kept elements, divided by the probability of being kept; zeros elsewhere. */
function dividing(x: Tensor, kept: Tensor, rate: number): Tensor {
  return where(kept, div(x, 1 - rate), 0);
}

/**
 * A layer that drops in training; at rate 1 it leaves zeros.
 *
 * @param maskShape The shape of the random mask for an input.
 * @param drop The output, given the input and the mask.
 */
function dropping(
  name: string,
  rate: number | undefined,
  maskShape: (x: Tensor) => Shape,
  drop: (x: Tensor, kept: Tensor, rate: number) => Tensor,
): Layer<Empty, Empty> {
  const p = rate ?? 0.5;
  checkNumber(p, "rate", name, 0, 1);
  return stateless({ name, settings: { rate: p } }, (x, context) => {
    const input = toTensor(x, `Cannot apply ${name}`);
    const shape = maskShape(input);
    if (p === 0) return input;
    const key = trainingKey(context, name);
    if (key === undefined) return input;
    return p === 1 ? zerosLike(input) : drop(input, bernoulli(key, 1 - p, shape), p);
  });
}

/** The key to draw with in training, which must be there then; `undefined` otherwise. */
function trainingKey(context: Context, name: string): Tensor | undefined {
  const { train = false, key } = readContext(context, name);
  if (!train) return undefined;
  if (key !== undefined) return key;
  throw argumentError(
    `Cannot apply ${name} in training without a key: pass { train: true, key: random.key(seed) }`,
  );
}

/** Dropout of whole channels of an input with this number of spatial axes. */
function channelDropout(dims: number, rate: number | undefined): Layer<Empty, Empty> {
  const name = `dropout${dims}d`;
  const maskShape = (x: Tensor): Shape =>
    checkSpatial(x, dims, name).shape.map((length, axis) => axis < 2 ? length : 1);
  return dropping(name, rate, maskShape, dividing);
}

/**
 * Dropout of whole channels (Tompson et al., 2015): in training each channel of each example is zeroed with
 * probability `rate`, and the others divided by `1 - rate`.
 *
 * @category Normalization and dropout
 * @param rate The probability of being zeroed, from 0 to 1. Default 0.5.
 * @returns A layer on `[batch, channels, length]`, which needs a `key` in its context in training.
 * @throws {ArgumentError} when `rate` is not a probability, or the key is missing in training.
 * @throws {ShapeError} when the input has another number of axes.
 *
 * @example All or nothing
 * ```ts
 * import { nn, ones, random } from "@jacobi/jacobi";
 *
 * const x = ones([1, 3, 4]);
 * const [y] = nn.dropout1d(0.5).apply({}, {}, x, { train: true, key: random.key(0) });
 * for (const channel of y.reshape([3, 4]).toArray() as number[][]) {
 *   if (new Set(channel).size !== 1) throw new Error(String(y));
 * }
 * ```
 */
export function dropout1d(rate?: number): Layer<Empty, Empty> {
  return channelDropout(1, rate);
}

/**
 * Dropout of whole channels (Tompson et al., 2015): in training each channel of each example is zeroed with
 * probability `rate`, and the others divided by `1 - rate`.
 *
 * @category Normalization and dropout
 * @param rate The probability of being zeroed, from 0 to 1. Default 0.5.
 * @returns A layer on `[batch, channels, height, width]`, which needs a `key` in its context in training.
 * @throws {ArgumentError} when `rate` is not a probability, or the key is missing in training.
 * @throws {ShapeError} when the input has another number of axes.
 *
 * @example All or nothing
 * ```ts
 * import { nn, ones, random } from "@jacobi/jacobi";
 *
 * const x = ones([1, 3, 4, 4]);
 * const [y] = nn.dropout2d(0.5).apply({}, {}, x, { train: true, key: random.key(0) });
 * for (const channel of y.reshape([3, 16]).toArray() as number[][]) {
 *   if (new Set(channel).size !== 1) throw new Error(String(y));
 * }
 * ```
 */
export function dropout2d(rate?: number): Layer<Empty, Empty> {
  return channelDropout(2, rate);
}

/**
 * Dropout of whole channels (Tompson et al., 2015): in training each channel of each example is zeroed with
 * probability `rate`, and the others divided by `1 - rate`.
 *
 * @category Normalization and dropout
 * @param rate The probability of being zeroed, from 0 to 1. Default 0.5.
 * @returns A layer on `[batch, channels, depth, height, width]`, which needs a `key` in its context in training.
 * @throws {ArgumentError} when `rate` is not a probability, or the key is missing in training.
 * @throws {ShapeError} when the input has another number of axes.
 *
 * @example All or nothing
 * ```ts
 * import { nn, ones, random } from "@jacobi/jacobi";
 *
 * const x = ones([1, 3, 4, 4, 4]);
 * const [y] = nn.dropout3d(0.5).apply({}, {}, x, { train: true, key: random.key(0) });
 * for (const channel of y.reshape([3, 64]).toArray() as number[][]) {
 *   if (new Set(channel).size !== 1) throw new Error(String(y));
 * }
 * ```
 */
export function dropout3d(rate?: number): Layer<Empty, Empty> {
  return channelDropout(3, rate);
}

/** The limit of `selu` at minus infinity. */
const SELU_LIMIT = -1.7580993408473766;

/**
 * Alpha dropout (Klambauer et al., "Self-normalizing neural networks", 2017), for networks of `selu`: in
 * training each element takes the value that `selu` has at minus infinity with probability `rate`, and all
 * are scaled and shifted so that mean 0 and variance 1 stay so.
 *
 * @category Normalization and dropout
 * @param rate The probability of being dropped, from 0 to 1. Default 0.5.
 * @returns A layer on any shape, which needs a `key` in its context in training. Rate 1 leaves zeros.
 * @throws {ArgumentError} when `rate` is not a probability, or the key is missing in training.
 *
 * @example Mean and variance stay
 * ```ts
 * import { nn, random } from "@jacobi/jacobi";
 *
 * const x = random.normal(random.key(0), [10000]);
 * const [y] = nn.alphaDropout(0.2).apply({}, {}, x, { train: true, key: random.key(1) });
 * if (Math.abs(y.variance().item() - 1) > 0.1) throw new Error(String(y.variance()));
 * ```
 */
export function alphaDropout(rate?: number): Layer<Empty, Empty> {
  return dropping("alphaDropout", rate, (x) => x.shape, saturating);
}

/** Dropped elements have the limit of `selu`; mean and variance are preserved. */
function saturating(x: Tensor, kept: Tensor, rate: number): Tensor {
  const factor = 1 / Math.sqrt((1 - rate) * (1 + rate * SELU_LIMIT ** 2));
  return add(mul(where(kept, x, SELU_LIMIT), factor), -factor * SELU_LIMIT * rate);
}

/**
 * `alphaDropout` of whole channels.
 *
 * @category Normalization and dropout
 * @param rate The probability of being dropped, from 0 to 1. Default 0.5.
 * @returns A layer on `[batch, channels, ...]`, which needs a `key` in its context in training. Rate 1 leaves
 * zeros.
 * @throws {ArgumentError} when `rate` is not a probability, or the key is missing in training.
 * @throws {ShapeError} when the input has fewer than two axes.
 *
 * @example Each channel as a whole
 * ```ts
 * import { nn, ones, random } from "@jacobi/jacobi";
 *
 * const x = ones([1, 3, 4]);
 * const [y] = nn.featureAlphaDropout(0.5).apply({}, {}, x, { train: true, key: random.key(0) });
 * for (const channel of y.reshape([3, 4]).toArray() as number[][]) {
 *   if (new Set(channel).size !== 1) throw new Error(String(y));
 * }
 * ```
 */
export function featureAlphaDropout(rate?: number): Layer<Empty, Empty> {
  const name = "featureAlphaDropout";
  return dropping(name, rate, (x) => {
    if (x.ndim > 1) return x.shape.map((length, axis) => axis < 2 ? length : 1);
    throw shapeError(`Cannot apply ${name} to ${showType(x)}: expected [batch, channels, ...]`);
  }, saturating);
}

/**
 * Options of `rrelu`.
 *
 * @category Normalization and dropout
 */
export interface RreluOptions {
  /** The least slope. Default 1/8. */
  readonly lower?: number;
  /** The largest slope. Default 1/3. */
  readonly upper?: number;
}

/**
 * Randomized leaky ReLU (Xu et al., "Empirical evaluation of rectified activations", 2015): negative elements
 * times a slope, which is drawn uniformly for each in training, and otherwise the mean of both bounds.
 *
 * @category Normalization and dropout
 * @param options The bounds of the slope.
 * @returns A layer on any shape, which needs a `key` in its context in training.
 * @throws {ArgumentError} when a bound is not a number, the lower one is above the upper one, or the key is
 * missing in training.
 *
 * @example The mean slope
 * ```ts
 * import { nn, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const layer = nn.rrelu({ lower: 0.25, upper: 0.75 });
 * assertTensorsClose(layer.apply({}, {}, tensor([-2, 3]))[0], [-1, 3]);
 * ```
 */
export function rrelu(options?: RreluOptions): Layer<Empty, Empty> {
  const name = "rrelu";
  const read = readOptions("Cannot make a rrelu layer", options, ["lower", "upper"]);
  const { lower = 1 / 8, upper = 1 / 3 } = read;
  checkNumber(upper, "upper", name);
  checkNumber(lower, "lower", name, -Infinity, upper);
  return stateless({ name, settings: { lower, upper } }, (x, context) => {
    const input = floatOperand(toTensor(x, `Cannot apply ${name}`));
    const key = trainingKey(context, name);
    const slope = key === undefined
      ? (lower + upper) / 2
      : uniform(key, input.shape, { minval: lower, maxval: upper, dtype: input.dtype });
    return where(greater(input, 0), input, mul(input, slope));
  });
}
