/**
 * Changes of batches of images.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { checkAxis, checkShape, showShape, showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { floatOperand } from "../functions/broadcasting.ts";
import { div, dynamicSlice, flip, pad, reshape, sub, where } from "../functions/mod.ts";
import { checkKey } from "../random/arguments.ts";
import { bernoulli, randint } from "../random/mod.ts";
import { vmap } from "../transforms/mod.ts";

/** A tensor with an axis of examples. */
function readImages(x: TensorLike, what: string): Tensor {
  const images = toTensor(x, what);
  if (images.ndim > 1) return images;
  throw shapeError(`${what} ${showType(images)}: expected a batch of images`);
}

/** An axis of each image, which is not that of the examples. */
function imageAxis(axis: number, images: Tensor, what: string): number {
  const at = checkAxis(axis, images.ndim, what);
  if (at > 0) return at;
  throw argumentError(`${what}: axis 0 is that of the examples`);
}

/**
 * Options of `randomFlip`.
 *
 * @category Batches of data
 */
export interface RandomFlipOptions {
  /** The axis to flip along. Default -1, the width of `[batch, channels, height, width]`. */
  readonly axis?: number;
  /** How probably an image is flipped, from 0 to 1. Default 0.5. */
  readonly probability?: number;
}

/**
 * Each image of a batch flipped or not, at random.
 *
 * @category Batches of data
 * @param key A random key, `uint32[2]`.
 * @param images `[batch, ...]`, such as `[batch, channels, height, width]`.
 * @param options The axis and the probability.
 * @returns The shape and dtype of `images`.
 * @throws {ArgumentError} when `key` is no key, the axis is 0, or the probability not from 0 to 1.
 * @throws {ShapeError} when `images` is no batch.
 * @throws {AxisError} when the axis is out of range.
 *
 * @example Flipped for certain
 * ```ts
 * import { data, random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const flipped = data.randomFlip(random.key(0), [[[[1, 2]]]], { probability: 1 });
 * assertTensorsClose(flipped, [[[[2, 1]]]]);
 * ```
 */
export function randomFlip(
  key: Tensor,
  images: TensorLike,
  options?: RandomFlipOptions,
): Tensor {
  const what = "Cannot flip images";
  checkKey(key, what);
  const given = readImages(images, what);
  const { axis = -1, probability = 0.5 } = readOptions(what, options, ["axis", "probability"]);
  const at = imageAxis(axis, given, what);
  const [length] = given.shape;
  const isFlipped = reshape(
    bernoulli(key, probability, [length]),
    given.shape.map((length, i) => i === 0 ? length : 1),
  );
  return where(isFlipped, flip(given, at), given);
}

/**
 * Options of `randomCrop`.
 *
 * @category Batches of data
 */
export interface RandomCropOptions {
  /** How many zeros to put before and behind each axis first. Default 0. */
  readonly padding?: number;
  /** The axes of `size`. Default `[-2, -1]`, height and width of `[batch, channels, height, width]`. */
  readonly axes?: readonly [number, number];
}

/**
 * A part of each image of a batch, at a random place.
 *
 * @category Batches of data
 * @param key A random key, `uint32[2]`.
 * @param images `[batch, ...]`, such as `[batch, channels, height, width]`.
 * @param size The height and width of the parts.
 * @param options Padding and axes.
 * @returns The dtype of `images`, and its shape with two axes of lengths `size`.
 * @throws {ArgumentError} when `key` is no key, or an axis is 0.
 * @throws {ShapeError} when `images` is no batch, or the parts are larger than the padded images.
 * @throws {AxisError} when an axis is out of range.
 *
 * @example Moved by up to four pixels
 * ```ts
 * import { data, ones, random } from "@jacobi/jacobi";
 *
 * const images = ones([8, 3, 32, 32]);
 * const cropped = data.randomCrop(random.key(0), images, [32, 32], { padding: 4 });
 * if (String(cropped.shape) !== "8,3,32,32") throw new Error(String(cropped.shape));
 * ```
 */
export function randomCrop(
  key: Tensor,
  images: TensorLike,
  size: readonly [height: number, width: number],
  options?: RandomCropOptions,
): Tensor {
  const what = "Cannot crop images";
  checkKey(key, what);
  const given = readImages(images, what);
  const { padding = 0, axes = [-2, -1] } = readOptions(what, options, ["padding", "axes"]);
  if (!Array.isArray(axes) || axes.length !== 2) {
    throw argumentError(`${what}: expected two axes, got ${describeValue(axes)}`);
  }
  const places = axes.map((axis) => imageAxis(axis, given, what));
  checkShape([padding], `${what} with padding ${describeValue(padding)}`);
  const lengths = checkShape(size, what);
  if (lengths.length !== 2 || places[0] === places[1]) {
    throw shapeError(`${what} to ${showShape(lengths)}: expected two lengths for two axes`);
  }
  const widths = given.shape.map((_, i) => places.includes(i) ? [padding, padding] : [0, 0]);
  const padded = padding === 0 ? given : pad(given, widths as [number, number][]);
  const sizes = [...given.shape.slice(1)];
  const room = places.map((at, i) => {
    sizes[at - 1] = lengths[i];
    return padded.shape[at] - lengths[i];
  });
  if (Math.min(...room) < 0) {
    throw shapeError(
      `${what} ${showType(padded)} to ${showShape(lengths)}: the parts are larger than the images`,
    );
  }
  const last = sizes.map((_, i) => places.includes(i + 1) ? room[places.indexOf(i + 1)] + 1 : 1);
  const starts = randint(key, [given.shape[0], sizes.length], 0, last);
  return vmap((image: Tensor, start: Tensor) => dynamicSlice(image, start, sizes))(padded, starts);
}

/**
 * Options of `normalize`.
 *
 * @category Batches of data
 */
export interface NormalizeOptions {
  /** The axis of the channels. Default -3, that of `[batch, channels, height, width]`. */
  readonly axis?: number;
}

/**
 * Images with the mean and the standard deviation of each channel taken away: `(x - mean) / deviation`.
 *
 * @category Batches of data
 * @param images `[..., channels, height, width]`.
 * @param mean A number, or `[channels]`.
 * @param deviation A number, or `[channels]`.
 * @param options The axis of the channels.
 * @returns The shape of `images`, of a floating-point dtype.
 * @throws {ShapeError} when `mean` or `deviation` is not of this shape.
 * @throws {AxisError} when the axis is out of range.
 *
 * @example Two channels
 * ```ts
 * import { data } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const images = [[[[1, 2]], [[3, 4]]]];
 * assertTensorsClose(data.normalize(images, [1, 2], [1, 2]), [[[[0, 1]], [[0.5, 1]]]]);
 * ```
 */
export function normalize(
  images: TensorLike,
  mean: TensorLike,
  deviation: TensorLike,
  options?: NormalizeOptions,
): Tensor {
  const what = "Cannot normalize images";
  const given = floatOperand(toTensor(images, what));
  const { axis = -3 } = readOptions(what, options, ["axis"]);
  const at = checkAxis(axis, given.ndim, `${what} ${showType(given)}`);
  const besides = (x: TensorLike, name: string): TensorLike => {
    if (typeof x === "number") return x;
    const value = toTensor(x, what);
    if (value.ndim === 0) return value;
    if (value.ndim === 1 && value.shape[0] === given.shape[at]) {
      return reshape(value, given.shape.map((length, i) => i === at ? length : 1));
    }
    throw shapeError(
      `${what} ${showType(given)} with ${name} ${
        showType(value)
      }: expected one number for each of ` +
        `the ${given.shape[at]} channels`,
    );
  };
  return div(sub(given, besides(mean, "mean")), besides(deviation, "deviation"));
}
