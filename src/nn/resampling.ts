/**
 * Layers that change the size of images.
 *
 * @module
 */
import { readOptions } from "../base/options.ts";
import {
  channelShuffle as deal,
  pixelShuffle as shuffle,
  pixelUnshuffle as unshuffle,
} from "../image/patches.ts";
import { interpolate } from "../image/resizing.ts";
import type { InterpolateOptions } from "../image/resizing.ts";
import { checkCount, stateless } from "./layer.ts";
import type { Empty, Layer } from "./layer.ts";

/**
 * Images of another size, by `image.interpolate`; PyTorch's `Upsample`.
 *
 * @category Layers
 * @param options The new size or the factor, how to interpolate, and where corners lie.
 * @returns A layer on `[batch, channels, ...space]`.
 * @throws {ArgumentError} when an option has no meaning; what does not fit an input, when it is applied.
 *
 * @example Each element twice
 * ```ts
 * import { nn, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [y] = nn.upsample({ scaleFactor: 2 }).apply({}, {}, tensor([[[1, 3]]]));
 * assertTensorsClose(y, [[[1, 1, 3, 3]]]);
 * ```
 */
export function upsample(options: InterpolateOptions): Layer<Empty, Empty> {
  const read = readOptions("Cannot make an upsample layer", options, [
    "size",
    "scaleFactor",
    "mode",
    "alignCorners",
    "antialias",
  ]);
  return stateless({ name: "upsample", settings: read }, (x) => interpolate(x, read));
}

/**
 * Channels as squares of elements, by `image.pixelShuffle`; PyTorch's `PixelShuffle`.
 *
 * @category Layers
 * @param factor The length of a side of the squares.
 * @returns A layer from `[..., channels * factor², height, width]` to
 * `[..., channels, height * factor, width * factor]`.
 * @throws {ArgumentError} when the factor is not a positive integer.
 *
 * @example Four channels become one square
 * ```ts
 * import { nn, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [y] = nn.pixelShuffle(2).apply({}, {}, tensor([[[1]], [[2]], [[3]], [[4]]]));
 * assertTensorsClose(y, [[[1, 2], [3, 4]]]);
 * ```
 */
export function pixelShuffle(factor: number): Layer<Empty, Empty> {
  checkCount(factor, "factor", "pixelShuffle");
  return stateless({ name: "pixelShuffle", args: [factor] }, (x) => shuffle(x, factor));
}

/**
 * Squares of elements as channels, by `image.pixelUnshuffle`; PyTorch's `PixelUnshuffle`.
 *
 * @category Layers
 * @param factor The length of a side of the squares.
 * @returns A layer from `[..., channels, height * factor, width * factor]` to
 * `[..., channels * factor², height, width]`.
 * @throws {ArgumentError} when the factor is not a positive integer.
 *
 * @example One square becomes four channels
 * ```ts
 * import { nn, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [y] = nn.pixelUnshuffle(2).apply({}, {}, tensor([[[1, 2], [3, 4]]]));
 * assertTensorsClose(y, [[[1]], [[2]], [[3]], [[4]]]);
 * ```
 */
export function pixelUnshuffle(factor: number): Layer<Empty, Empty> {
  checkCount(factor, "factor", "pixelUnshuffle");
  return stateless({ name: "pixelUnshuffle", args: [factor] }, (x) => unshuffle(x, factor));
}

/**
 * Channels dealt out anew, by `image.channelShuffle`; PyTorch's `ChannelShuffle`.
 *
 * @category Layers
 * @param groups How many groups the channels are in.
 * @returns A layer on `[batch, channels, ...space]`.
 * @throws {ArgumentError} when `groups` is not a positive integer.
 *
 * @example Two groups of two
 * ```ts
 * import { nn, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [y] = nn.channelShuffle(2).apply({}, {}, tensor([[1, 2, 3, 4]]));
 * assertTensorsClose(y, [[1, 3, 2, 4]]);
 * ```
 */
export function channelShuffle(groups: number): Layer<Empty, Empty> {
  checkCount(groups, "groups", "channelShuffle");
  return stateless({ name: "channelShuffle", args: [groups] }, (x) => deal(x, groups));
}
