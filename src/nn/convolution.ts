/**
 * Two-dimensional convolution.
 *
 * @module
 */
import { defaultFloat } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import { add, conv, reshape } from "../functions/mod.ts";
import type { ConvOptions } from "../functions/mod.ts";
import { split } from "../random/mod.ts";
import { defaultBias, defaultWeight } from "./initializers.ts";
import type { Initializer } from "./initializers.ts";
import { inComputeDtype } from "./compute_dtype.ts";
import {
  checkBoolean,
  checkCount,
  checkInitializer,
  checkInput,
  checkParameterDtype,
  optionalLeaf,
  pair,
  readLeaf,
} from "./layer.ts";
import type { Empty, Layer, ParameterOptions } from "./layer.ts";

/** Parameters of `conv2d`. */
export interface Conv2dParams {
  /** `[outChannels, inChannels / groups, height, width]`. */
  readonly weight: Tensor;
  /** `[outChannels]`; absent with `bias: false`. */
  readonly bias?: Tensor;
}

/** Options of `conv2d`. */
export interface Conv2dOptions extends ParameterOptions, ConvOptions {
  /** Whether there is a bias. Default `true`. */
  readonly bias?: boolean;
  /** The weight's initialiser. Default: PyTorch's, uniform in ±1/sqrt(fan-in). */
  readonly weightInit?: Initializer;
  /** The bias's initialiser. Default: PyTorch's, uniform in ±1/sqrt(fan-in). */
  readonly biasInit?: Initializer;
}

/**
 * Two-dimensional convolution (cross-correlation, as everywhere in deep learning).
 *
 * @param inChannels Channels of the input.
 * @param outChannels Channels of the output.
 * @param kernelSize Height and width of the window, in pixels: one number for both, or a pair.
 * @param options Stride, padding, dilation and groups as for `conv`; bias, initialisers, dtype.
 * @returns A layer from `[batch, inChannels, height, width]` to `[batch, outChannels, ...]`.
 * @throws {ArgumentError} when a size is no positive integer.
 * @throws {ShapeError} when the input does not fit.
 *
 * @example A convolution that keeps the size
 * ```ts
 * import { nn, ones, random } from "@jacobi/jacobi";
 *
 * const layer = nn.conv2d(3, 8, 3, { padding: 1 });
 * const [params, state] = layer.init(random.key(0));
 * const [y] = layer.apply(params, state, ones([1, 3, 5, 5]));
 * if (String(y.shape) !== "1,8,5,5") throw new Error(String(y.shape));
 * ```
 */
export function conv2d(
  inChannels: number,
  outChannels: number,
  kernelSize: number | readonly [number, number],
  options?: Conv2dOptions,
): Layer<Conv2dParams, Empty> {
  checkCount(inChannels, "inChannels", "conv2d");
  checkCount(outChannels, "outChannels", "conv2d");
  const kernel = pair(kernelSize, "kernelSize", "conv2d");
  const read = readOptions("Cannot make a conv2d layer", options, [
    "bias",
    "weightInit",
    "biasInit",
    "dtype",
    "computeDtype",
    "stride",
    "padding",
    "dilation",
    "groups",
  ]);
  const { bias = true, weightInit = defaultWeight, groups = 1 } = read;
  checkCount(groups, "groups", "conv2d");
  if (inChannels % groups !== 0 || outChannels % groups !== 0) {
    throw argumentError(
      `Cannot make a conv2d layer with groups ${groups}: it must divide inChannels ` +
        `${inChannels} and outChannels ${outChannels}`,
    );
  }
  const dtype = checkParameterDtype(read.dtype ?? defaultFloat(), "conv2d");
  const shape = [outChannels, inChannels / groups, ...kernel];
  const { biasInit = defaultBias(shape) } = read;
  checkBoolean(bias, "bias", "conv2d");
  checkInitializer(weightInit, "weightInit", "conv2d");
  checkInitializer(biasInit, "biasInit", "conv2d");
  const { stride, padding, dilation } = read;
  const window: ConvOptions = {
    groups,
    ...(stride === undefined ? {} : { stride }),
    ...(padding === undefined ? {} : { padding }),
    ...(dilation === undefined ? {} : { dilation }),
  };
  return inComputeDtype(
    read,
    described({
      name: "conv2d",
      args: [inChannels, outChannels],
      settings: {
        kernelSize: kernel,
        stride: onBoth(stride ?? 1),
        padding: unless(0, onBoth(padding)),
        dilation: unless(1, onBoth(dilation)),
        groups: unless(1, groups),
        bias: unless(true, bias),
      },
    }, {
      init(key) {
        const [weightKey, biasKey] = split(key);
        const weight = weightInit(weightKey, shape, dtype);
        return [bias ? { weight, bias: biasInit(biasKey, [outChannels], dtype) } : { weight }, {}];
      },
      apply(params, state, x) {
        const input = checkInput(x, "conv2d", 4, 1, inChannels);
        const weight = readLeaf(params, "params", "weight", "conv2d");
        const bias = optionalLeaf(params, "params", "bias", "conv2d");
        const y = conv(input, weight, window);
        return [bias === undefined ? y : add(y, reshape(bias, [bias.size, 1, 1])), state];
      },
    }),
  );
}

/** A number for both spatial axes as a pair, for the description. */
function onBoth(value: unknown): unknown {
  return typeof value === "number" ? [value, value] : value;
}

/** `value`, unless it is what a setting is by default: then the description leaves it out. */
function unless(standard: unknown, value: unknown): unknown {
  const isStandard = Array.isArray(value)
    ? value.every((entry) => entry === standard)
    : value === standard;
  return isStandard ? undefined : value;
}
