/**
 * Dropout.
 *
 * @module
 */
import { argumentError } from "../base/errors.ts";
import type { Shape } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { Tensor } from "../core/tensor.ts";
import { add, div, mul, where, zerosLike } from "../functions/mod.ts";
import { bernoulli } from "../random/mod.ts";
import { checkNumber, checkSpatial, readContext, stateless } from "./layer.ts";
import type { Empty, Layer } from "./layer.ts";

/**
 * Dropout (Srivastava et al., 2014): in training each element is zeroed with probability `rate`, and
 * the others divided by `1 - rate`; otherwise nothing happens.
 *
 * @param rate The probability of being zeroed, from 0 to 1. Default 0.5.
 * @returns A layer on any shape, which needs a `key` in its context in training.
 * @throws {ArgumentError} when `rate` is no probability, or the key is missing in training.
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

/** What is kept, divided by the probability of being kept; zeros elsewhere. */
function dividing(x: Tensor, kept: Tensor, rate: number): Tensor {
  return where(kept, div(x, 1 - rate), 0);
}

/**
 * A layer that drops in training; at rate 1 it leaves zeros.
 *
 * @param maskShape The shape of what is drawn for an input.
 * @param drop What becomes of the input.
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
    const { train = false, key } = readContext(context, name);
    const input = toTensor(x, `Cannot apply ${name}`);
    const shape = maskShape(input);
    if (!train || p === 0) return input;
    if (key === undefined) {
      throw argumentError(
        `Cannot apply ${name} in training without a key: pass { train: true, key: random.key(seed) }`,
      );
    }
    return p === 1 ? zerosLike(input) : drop(input, bernoulli(key, 1 - p, shape), p);
  });
}

/** Dropout of whole channels of an input with so many spatial axes. */
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
 * @param rate The probability of being zeroed, from 0 to 1. Default 0.5.
 * @returns A layer on `[batch, channels, length]`, which needs a `key` in its context in training.
 * @throws {ArgumentError} when `rate` is no probability, or the key is missing in training.
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
 * @param rate The probability of being zeroed, from 0 to 1. Default 0.5.
 * @returns A layer on `[batch, channels, height, width]`, which needs a `key` in its context in training.
 * @throws {ArgumentError} when `rate` is no probability, or the key is missing in training.
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
 * @param rate The probability of being zeroed, from 0 to 1. Default 0.5.
 * @returns A layer on `[batch, channels, depth, height, width]`, which needs a `key` in its context in training.
 * @throws {ArgumentError} when `rate` is no probability, or the key is missing in training.
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
 * @param rate The probability of being dropped, from 0 to 1. Default 0.5.
 * @returns A layer on any shape, which needs a `key` in its context in training. Rate 1 leaves zeros.
 * @throws {ArgumentError} when `rate` is no probability, or the key is missing in training.
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
  return dropping("alphaDropout", rate, (x) => x.shape, (x, kept, rate) => {
    const factor = 1 / Math.sqrt((1 - rate) * (1 + rate * SELU_LIMIT ** 2));
    return add(mul(where(kept, x, SELU_LIMIT), factor), -factor * SELU_LIMIT * rate);
  });
}
