/**
 * Channels as space, and patches of images as columns.
 *
 * @module
 */
import { argumentError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { checkShape, range, showType, sizeOf } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import { withinMemory, zerosOf } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { checkLength } from "../functions/arguments.ts";
import { floatOperand } from "../functions/broadcasting.ts";
import { pad, reshape, swapaxes, take, tensor, transpose } from "../functions/mod.ts";
import { linearTranspose } from "../transforms/linearize.ts";

/** Images, the number of elements beside which stands in place of one, and how messages show both. */
function readFactor(what: string, x: TensorLike, factor: number): [Tensor, number, string] {
  const value = toTensor(x, what);
  const shown = `${what} ${showType(value)}`;
  if (value.ndim < 3) throw shapeError(`${shown}: expected [..., channels, height, width]`);
  const own = checkLength(factor, shown, "a positive factor");
  if (own === 0) throw argumentError(`${shown}: expected a positive factor, got 0`);
  return [value, own, shown];
}

/**
 * Images whose channels become squares of elements, as `torch.nn.functional.pixel_shuffle` makes them.
 *
 * @category Images
 * @param x `[..., channels * factor², height, width]`
 * @param factor The length of a side of the squares.
 * @returns `[..., channels, height * factor, width * factor]`
 * @throws {ShapeError} when the channels are not a multiple of `factor²`.
 * @throws {ArgumentError} when the factor is not a positive integer.
 *
 * @example Four channels, one square
 * ```ts
 * import { image } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(image.pixelShuffle([[[1]], [[2]], [[3]], [[4]]], 2), [[[1, 2], [3, 4]]]);
 * ```
 */
export function pixelShuffle(x: TensorLike, factor: number): Tensor {
  const [value, r, shown] = readFactor("Cannot shuffle the elements of", x, factor);
  const batch = value.shape.slice(0, -3);
  const [channels, height, width] = value.shape.slice(-3);
  if (channels % (r * r) !== 0) {
    throw shapeError(`${shown} by ${r}: expected channels that are a multiple of ${r * r}`);
  }
  const parts = reshape(value, [...batch, channels / (r * r), r, r, height, width]);
  const n = batch.length;
  const order = [...range(n + 1), n + 3, n + 1, n + 4, n + 2];
  return reshape(transpose(parts, order), [...batch, channels / (r * r), height * r, width * r]);
}

/**
 * Images whose squares of elements become channels: the inverse of `pixelShuffle`.
 *
 * @category Images
 * @param x `[..., channels, height * factor, width * factor]`
 * @param factor The length of a side of the squares.
 * @returns `[..., channels * factor², height, width]`
 * @throws {ShapeError} when height or width is not a multiple of the factor.
 * @throws {ArgumentError} when the factor is not a positive integer.
 *
 * @example One square, four channels
 * ```ts
 * import { image } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(image.pixelUnshuffle([[[1, 2], [3, 4]]], 2), [[[1]], [[2]], [[3]], [[4]]]);
 * ```
 */
export function pixelUnshuffle(x: TensorLike, factor: number): Tensor {
  const [value, r, shown] = readFactor("Cannot shuffle the elements of", x, factor);
  const batch = value.shape.slice(0, -3);
  const [channels, height, width] = value.shape.slice(-3);
  if (height % r !== 0 || width % r !== 0) {
    throw shapeError(`${shown} by ${r}: expected height and width that are multiples of it`);
  }
  const parts = reshape(value, [...batch, channels, height / r, r, width / r, r]);
  const n = batch.length;
  const order = [...range(n + 1), n + 2, n + 4, n + 1, n + 3];
  return reshape(transpose(parts, order), [...batch, channels * r * r, height / r, width / r]);
}

/**
 * Channels dealt out anew (Zhang et al., "ShuffleNet", 2017): channel `i` of group `g` becomes channel `g` of
 * group `i`, as `torch.nn.functional.channel_shuffle` does it.
 *
 * @category Images
 * @param x `[batch, channels, ...space]`
 * @param groups How many groups the channels are in.
 * @returns The shape of `x`.
 * @throws {ShapeError} when there are no channels, or not a multiple of the groups.
 * @throws {ArgumentError} when `groups` is not a positive integer.
 *
 * @example Two groups of two
 * ```ts
 * import { image } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(image.channelShuffle([[1, 2, 3, 4]], 2), [[1, 3, 2, 4]]);
 * ```
 */
export function channelShuffle(x: TensorLike, groups: number): Tensor {
  const what = "Cannot shuffle the channels of";
  const value = toTensor(x, what);
  const shown = `${what} ${showType(value)}`;
  const count = checkLength(groups, shown, "a positive number of groups");
  if (count === 0) throw argumentError(`${shown}: expected a positive number of groups, got 0`);
  const [batch, channels, ...space] = value.shape;
  if (value.ndim < 2 || channels % count !== 0) {
    throw shapeError(
      `${shown} in ${count} groups: expected [batch, channels, ...space] with a multiple of ${count} channels`,
    );
  }
  const parts = reshape(value, [batch, count, channels / count, ...space]);
  return reshape(swapaxes(parts, 1, 2), value.shape);
}

/**
 * Options of `unfold` and `fold`: a number for each axis of space, or one for all.
 *
 * @category Images
 */
export interface PatchOptions {
  /** How far apart patches begin. Default 1. */
  readonly stride?: number | readonly number[];
  /** How many zeros stand around the image. Default 0. */
  readonly padding?: number | readonly number[];
  /** How far apart the elements of a patch are. Default 1. */
  readonly dilation?: number | readonly number[];
}

/** Where patches lie. */
interface Patches {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
  /** How many there are along each axis. */
  readonly counts: readonly number[];
}

/** One integer for each axis, no less than `least`. */
function eachAxis(
  value: unknown,
  count: number,
  what: string,
  name: string,
  least: number,
): number[] {
  const list: unknown[] = Array.isArray(value) ? Array.from(value) : Array(count).fill(value);
  if (list.length !== count) {
    throw argumentError(`${what}: expected ${count} numbers as ${name}, got ${list.length}`);
  }
  return list.map((one) => {
    const own = checkLength(one, what, `integers as ${name}`);
    if (own < least) throw argumentError(`${what}: ${name} must be at least ${least}, got ${own}`);
    return own;
  });
}

function readPatches(
  what: string,
  space: readonly number[],
  kernelSize: number | readonly number[],
  options: PatchOptions | undefined,
): Patches {
  const { stride = 1, padding = 0, dilation = 1 } = readOptions(what, options, [
    "stride",
    "padding",
    "dilation",
  ]);
  const count = space.length;
  const kernel = eachAxis(kernelSize, count, what, "kernelSize", 1);
  const steps = eachAxis(stride, count, what, "stride", 1);
  const around = eachAxis(padding, count, what, "padding", 0);
  const apart = eachAxis(dilation, count, what, "dilation", 1);
  const counts = space.map((length, i) =>
    Math.floor((length + 2 * around[i] - apart[i] * (kernel[i] - 1) - 1) / steps[i]) + 1
  );
  if (counts.some((one) => one < 1)) {
    throw shapeError(`${what}: no patch fits into space [${space}], padded by [${around}]`);
  }
  return { kernel, stride: steps, padding: around, dilation: apart, counts };
}

/** The patches of images `[batch, channels, ...space]` as columns. */
function unfolded(x: Tensor, patches: Patches): Tensor {
  const { kernel, stride, padding, dilation, counts } = patches;
  const [batch, channels, ...space] = x.shape;
  const around = padding.map((one): [number, number] => [one, one]);
  const padded = pad(x, [[0, 0], [0, 0], ...around]);
  const lengths = space.map((length, i) => length + 2 * padding[i]);
  const shape = checkShape([sizeOf(kernel), sizeOf(counts)], "Cannot take patches");
  const places = withinMemory({ dtype: "int32", shape }, () => {
    const list = new Int32Array(shape[0] * shape[1]);
    for (let k = 0, at = 0; k < shape[0]; k++) {
      for (let i = 0; i < shape[1]; i++, at++) {
        let [inside, patch, step] = [k, i, 1];
        for (let axis = kernel.length - 1; axis >= 0; axis--) {
          const place = (inside % kernel[axis]) * dilation[axis] +
            (patch % counts[axis]) * stride[axis];
          list[at] += place * step;
          inside = Math.floor(inside / kernel[axis]);
          patch = Math.floor(patch / counts[axis]);
          step *= lengths[axis];
        }
      }
    }
    return reshape(tensor(list), shape);
  });
  const flat = reshape(padded, [batch, channels, sizeOf(lengths)]);
  return reshape(take(flat, places, -1), [batch, channels * shape[0], shape[1]]);
}

/**
 * The patches of images as columns, as `torch.nn.functional.unfold` gives them: what convolutions
 * multiply by their filters.
 *
 * @category Images
 * @param x `[batch, channels, ...space]`, with any number of axes of space.
 * @param kernelSize The lengths of patches, or one for all axes.
 * @param options `stride`, `padding`, `dilation`: a number for each axis, or one for all.
 * @returns `[batch, channels * kernel, patches]`, `kernel` the number of elements of a patch.
 * @throws {ShapeError} when there are no axes of space, or no patch fits.
 * @throws {ArgumentError} when a number is not valid.
 *
 * @example Pairs of neighbours
 * ```ts
 * import { image } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(image.unfold([[[1, 2, 3]]], 2), [[[1, 2], [2, 3]]]);
 * ```
 */
export function unfold(
  x: TensorLike,
  kernelSize: number | readonly number[],
  options?: PatchOptions,
): Tensor {
  const what = "Cannot take patches";
  const value = toTensor(x, what);
  const shown = `${what} of ${showType(value)}`;
  if (value.ndim < 3) throw shapeError(`${shown}: expected [batch, channels, ...space]`);
  return unfolded(value, readPatches(shown, value.shape.slice(2), kernelSize, options));
}

/**
 * Images as the sums of patches, as `torch.nn.functional.fold` gives them: the transpose of `unfold`.
 *
 * @category Images
 * @param x `[batch, channels * kernel, patches]`
 * @param outputSize The lengths of the axes of space.
 * @param kernelSize The lengths of patches, or one for all axes.
 * @param options `stride`, `padding`, `dilation`: a number for each axis, or one for all.
 * @returns `[batch, channels, ...outputSize]`
 * @throws {ShapeError} when `x` does not hold so many patches of this size.
 * @throws {ArgumentError} when a number is not valid.
 *
 * @example Overlapping pairs
 * ```ts
 * import { image } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(image.fold([[[1, 2], [2, 3]]], [3], 2), [[[1, 4, 3]]]);
 * ```
 */
export function fold(
  x: TensorLike,
  outputSize: readonly number[],
  kernelSize: number | readonly number[],
  options?: PatchOptions,
): Tensor {
  const what = "Cannot add up patches";
  const value = floatOperand(toTensor(x, what));
  const shown = `${what} of ${showType(value)}`;
  if (!Array.isArray(outputSize) || outputSize.length === 0 || value.ndim !== 3) {
    throw shapeError(`${shown}: expected [batch, channels * kernel, patches] and lengths of space`);
  }
  const space = checkShape(outputSize, shown);
  const patches = readPatches(shown, space, kernelSize, options);
  const [batch, rows, columns] = value.shape;
  const channels = rows / sizeOf(patches.kernel);
  if (!Number.isInteger(channels) || columns !== sizeOf(patches.counts)) {
    throw shapeError(
      `${shown}: expected a multiple of ${sizeOf(patches.kernel)} rows and ` +
        `${sizeOf(patches.counts)} columns`,
    );
  }
  const shape = checkShape([batch, channels, ...space], shown);
  const back = linearTranspose(
    (y: Tensor) => unfolded(y, patches),
    zerosOf({ dtype: value.dtype, shape }),
  );
  return (back(value) as Tensor[])[0];
}
