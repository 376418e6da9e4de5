/**
 * Convolutions in one to three dimensions, and their transposes.
 *
 * @module
 */
import { defaultFloat } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import { add, conv, convTranspose, reshape } from "../functions/mod.ts";
import type { ConvOptions, ConvTransposeOptions } from "../functions/mod.ts";
import { split } from "../random/mod.ts";
import { defaultBias, defaultWeight } from "./initializers.ts";
import type { Initializer } from "./initializers.ts";
import { inComputeDtype } from "./compute_dtype.ts";
import {
  article,
  checkBoolean,
  checkCount,
  checkInitializer,
  checkInput,
  checkParameterDtype,
  optionalLeaf,
  perAxis,
  readLeaf,
} from "./layer.ts";
import type { Empty, Layer, ParameterOptions } from "./layer.ts";

/**
 * Parameters of convolutions.
 *
 * @category Layers
 */
export interface ConvolutionParams {
  /**
   * `[outChannels, inChannels / groups, ...kernelSize]`; of transposed convolutions
   * `[inChannels, outChannels / groups, ...kernelSize]`.
   */
  readonly weight: Tensor;
  /** `[outChannels]`; absent with `bias: false`. */
  readonly bias?: Tensor;
}

/**
 * Parameters of `conv2d`.
 *
 * @category Layers
 */
export type Conv2dParams = ConvolutionParams;

/**
 * Bias and initialisers of convolutions.
 *
 * @category Layers
 */
export interface ConvolutionBiasOptions extends ParameterOptions {
  /** Whether there is a bias. Default `true`. */
  readonly bias?: boolean;
  /** The weight's initialiser. Default: PyTorch's, uniform in ±1/sqrt(fan-in). */
  readonly weightInit?: Initializer;
  /** The bias's initialiser. Default: PyTorch's, uniform in ±1/sqrt(fan-in). */
  readonly biasInit?: Initializer;
}

/**
 * Options of `conv1d`, `conv2d` and `conv3d`.
 *
 * @category Layers
 */
export interface ConvolutionOptions extends ConvolutionBiasOptions, ConvOptions {}

/**
 * Options of `conv2d`.
 *
 * @category Layers
 */
export type Conv2dOptions = ConvolutionOptions;

/**
 * Options of `convTranspose1d`, `convTranspose2d` and `convTranspose3d`.
 *
 * @category Layers
 */
export interface ConvolutionTransposeOptions extends ConvolutionBiasOptions, ConvTransposeOptions {}

/** The properties of one kind of convolution. */
interface Kind {
  readonly name: string;
  readonly dims: number;
  /** The options of the function that convolves. */
  readonly window: readonly string[];
  readonly convolve: typeof conv | typeof convTranspose;
  readonly shape: (inChannels: number, outChannels: number, groups: number) => [number, number];
}

function plain(dims: number): Kind {
  return {
    name: `conv${dims}d`,
    dims,
    window: ["stride", "padding", "dilation", "groups", "paddingMode"],
    convolve: conv,
    shape: (inChannels, outChannels, groups) => [outChannels, inChannels / groups],
  };
}

function transposed(dims: number): Kind {
  return {
    name: `convTranspose${dims}d`,
    dims,
    window: ["stride", "padding", "outputPadding", "dilation", "groups"],
    convolve: convTranspose,
    shape: (inChannels, outChannels, groups) => [inChannels, outChannels / groups],
  };
}

/** The layer of this kind. */
function convolution(
  { name, dims, window: names, convolve, shape: shapeOf }: Kind,
  inChannels: number,
  outChannels: number,
  kernelSize: number | readonly number[],
  options: ConvolutionOptions | ConvolutionTransposeOptions | undefined,
): Layer<ConvolutionParams, Empty> {
  checkCount(inChannels, "inChannels", name);
  checkCount(outChannels, "outChannels", name);
  const kernel = perAxis(kernelSize, dims, "kernelSize", name);
  const read = readOptions<ConvolutionOptions & ConvolutionTransposeOptions>(
    `Cannot make ${article(name)} layer`,
    options as ConvolutionOptions & ConvolutionTransposeOptions,
    [
      "bias",
      "weightInit",
      "biasInit",
      "dtype",
      "computeDtype",
      ...names as "stride"[],
    ],
  );
  const { bias = true, weightInit = defaultWeight, groups = 1 } = read;
  checkCount(groups, "groups", name);
  if (inChannels % groups !== 0 || outChannels % groups !== 0) {
    throw argumentError(
      `Cannot make a ${name} layer with groups ${groups}: it must divide inChannels ` +
        `${inChannels} and outChannels ${outChannels}`,
    );
  }
  const dtype = checkParameterDtype(read.dtype ?? defaultFloat(), name);
  const shape = [...shapeOf(inChannels, outChannels, groups), ...kernel];
  const { biasInit = defaultBias(shape) } = read;
  checkBoolean(bias, "bias", name);
  checkInitializer(weightInit, "weightInit", name);
  checkInitializer(biasInit, "biasInit", name);
  const given = Object.entries(read).filter(([key, value]) =>
    names.includes(key) && value !== undefined
  );
  const window = { ...Object.fromEntries(given), groups };
  const onAll = (value: unknown) => typeof value === "number" ? new Array(dims).fill(value) : value;
  return inComputeDtype(
    read,
    described({
      name,
      args: [inChannels, outChannels],
      settings: {
        kernelSize: kernel,
        stride: onAll(read.stride ?? 1),
        padding: unless(0, onAll(read.padding)),
        paddingMode: unless("zeros", read.paddingMode),
        outputPadding: unless(0, onAll(read.outputPadding)),
        dilation: unless(1, onAll(read.dilation)),
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
        const input = checkInput(x, name, dims + 2, 1, inChannels);
        const weight = readLeaf(params, "params", "weight", name);
        const bias = optionalLeaf(params, "params", "bias", name);
        const y = convolve(input, weight, window);
        if (bias === undefined) return [y, state];
        return [add(y, reshape(bias, [bias.size, ...kernel.map(() => 1)])), state];
      },
    }),
  );
}

/**
 * One-dimensional convolution (cross-correlation, as everywhere in deep learning).
 *
 * @category Layers
 * @param inChannels Channels of the input.
 * @param outChannels Channels of the output.
 * @param kernelSize The length of the window.
 * @param options Stride, padding and its mode, dilation and groups as for `conv`; bias, initialisers, dtype.
 * @returns A layer from `[batch, inChannels, length]` to `[batch, outChannels, ...]`.
 * @throws {ArgumentError} when a size is not a positive integer.
 * @throws {ShapeError} when the input does not fit.
 *
 * @example A convolution that keeps the length
 * ```ts
 * import { nn, ones, random } from "@jacobi/jacobi";
 *
 * const layer = nn.conv1d(3, 8, 5, { padding: 2 });
 * const [params, state] = layer.init(random.key(0));
 * const [y] = layer.apply(params, state, ones([1, 3, 10]));
 * if (String(y.shape) !== "1,8,10") throw new Error(String(y.shape));
 * ```
 */
export function conv1d(
  inChannels: number,
  outChannels: number,
  kernelSize: number | readonly [number],
  options?: ConvolutionOptions,
): Layer<ConvolutionParams, Empty> {
  return convolution(plain(1), inChannels, outChannels, kernelSize, options);
}

/**
 * Two-dimensional convolution (cross-correlation, as everywhere in deep learning).
 *
 * @category Layers
 * @param inChannels Channels of the input.
 * @param outChannels Channels of the output.
 * @param kernelSize Height and width of the window, in pixels: one number for both, or a pair.
 * @param options Stride, padding and its mode, dilation and groups as for `conv`; bias, initialisers, dtype.
 * @returns A layer from `[batch, inChannels, height, width]` to `[batch, outChannels, ...]`.
 * @throws {ArgumentError} when a size is not a positive integer.
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
  options?: ConvolutionOptions,
): Layer<ConvolutionParams, Empty> {
  return convolution(plain(2), inChannels, outChannels, kernelSize, options);
}

/**
 * Three-dimensional convolution (cross-correlation, as everywhere in deep learning).
 *
 * @category Layers
 * @param inChannels Channels of the input.
 * @param outChannels Channels of the output.
 * @param kernelSize Depth, height and width of the window: one number for all, or three.
 * @param options Stride, padding and its mode, dilation and groups as for `conv`; bias, initialisers, dtype.
 * @returns A layer from `[batch, inChannels, depth, height, width]` to `[batch, outChannels, ...]`.
 * @throws {ArgumentError} when a size is not a positive integer.
 * @throws {ShapeError} when the input does not fit.
 *
 * @example A convolution of volumes
 * ```ts
 * import { nn, ones, random } from "@jacobi/jacobi";
 *
 * const layer = nn.conv3d(1, 2, 3, { stride: 2 });
 * const [params, state] = layer.init(random.key(0));
 * const [y] = layer.apply(params, state, ones([1, 1, 5, 5, 7]));
 * if (String(y.shape) !== "1,2,2,2,3") throw new Error(String(y.shape));
 * ```
 */
export function conv3d(
  inChannels: number,
  outChannels: number,
  kernelSize: number | readonly [number, number, number],
  options?: ConvolutionOptions,
): Layer<ConvolutionParams, Empty> {
  return convolution(plain(3), inChannels, outChannels, kernelSize, options);
}

/**
 * The transpose of a one-dimensional convolution.
 *
 * @category Layers
 * @param inChannels Channels of the input.
 * @param outChannels Channels of the output.
 * @param kernelSize The length of the window.
 * @param options Stride, padding, output padding, dilation and groups as for `convTranspose`; bias, initialisers, dtype.
 * @returns A layer from `[batch, inChannels, length]` to `[batch, outChannels, ...]`.
 * @throws {ArgumentError} when a size is not a positive integer.
 * @throws {ShapeError} when the input does not fit.
 *
 * @example Twice as long
 * ```ts
 * import { nn, ones, random } from "@jacobi/jacobi";
 *
 * const layer = nn.convTranspose1d(4, 2, 2, { stride: 2 });
 * const [params, state] = layer.init(random.key(0));
 * const [y] = layer.apply(params, state, ones([1, 4, 5]));
 * if (String(y.shape) !== "1,2,10") throw new Error(String(y.shape));
 * ```
 */
export function convTranspose1d(
  inChannels: number,
  outChannels: number,
  kernelSize: number | readonly [number],
  options?: ConvolutionTransposeOptions,
): Layer<ConvolutionParams, Empty> {
  return convolution(transposed(1), inChannels, outChannels, kernelSize, options);
}

/**
 * The transpose of a two-dimensional convolution.
 *
 * @category Layers
 * @param inChannels Channels of the input.
 * @param outChannels Channels of the output.
 * @param kernelSize Height and width of the window, in pixels: one number for both, or a pair.
 * @param options Stride, padding, output padding, dilation and groups as for `convTranspose`; bias, initialisers, dtype.
 * @returns A layer from `[batch, inChannels, height, width]` to `[batch, outChannels, ...]`.
 * @throws {ArgumentError} when a size is not a positive integer.
 * @throws {ShapeError} when the input does not fit.
 *
 * @example Twice as large
 * ```ts
 * import { nn, ones, random } from "@jacobi/jacobi";
 *
 * const layer = nn.convTranspose2d(4, 2, 2, { stride: 2 });
 * const [params, state] = layer.init(random.key(0));
 * const [y] = layer.apply(params, state, ones([1, 4, 3, 5]));
 * if (String(y.shape) !== "1,2,6,10") throw new Error(String(y.shape));
 * ```
 */
export function convTranspose2d(
  inChannels: number,
  outChannels: number,
  kernelSize: number | readonly [number, number],
  options?: ConvolutionTransposeOptions,
): Layer<ConvolutionParams, Empty> {
  return convolution(transposed(2), inChannels, outChannels, kernelSize, options);
}

/**
 * The transpose of a three-dimensional convolution.
 *
 * @category Layers
 * @param inChannels Channels of the input.
 * @param outChannels Channels of the output.
 * @param kernelSize Depth, height and width of the window: one number for all, or three.
 * @param options Stride, padding, output padding, dilation and groups as for `convTranspose`; bias, initialisers, dtype.
 * @returns A layer from `[batch, inChannels, depth, height, width]` to `[batch, outChannels, ...]`.
 * @throws {ArgumentError} when a size is not a positive integer.
 * @throws {ShapeError} when the input does not fit.
 *
 * @example Twice as large
 * ```ts
 * import { nn, ones, random } from "@jacobi/jacobi";
 *
 * const layer = nn.convTranspose3d(4, 2, 2, { stride: 2 });
 * const [params, state] = layer.init(random.key(0));
 * const [y] = layer.apply(params, state, ones([1, 4, 1, 2, 3]));
 * if (String(y.shape) !== "1,2,2,4,6") throw new Error(String(y.shape));
 * ```
 */
export function convTranspose3d(
  inChannels: number,
  outChannels: number,
  kernelSize: number | readonly [number, number, number],
  options?: ConvolutionTransposeOptions,
): Layer<ConvolutionParams, Empty> {
  return convolution(transposed(3), inChannels, outChannels, kernelSize, options);
}

/** `value`, unless it is what a setting is by default: then the description leaves it out. */
function unless(standard: unknown, value: unknown): unknown {
  const isStandard = Array.isArray(value)
    ? value.every((entry) => entry === standard)
    : value === standard;
  return isStandard ? undefined : value;
}
