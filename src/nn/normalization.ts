/**
 * Normalisation layers.
 *
 * @module
 */
import { defaultFloat, isHalf, promoteDtypes, wideDtype } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { lengthAlong, range, showShape, showType, sizeOf } from "../base/shape.ts";
import { described } from "../core/description.ts";
import { toTensor } from "../core/convert.ts";
import { Tensor } from "../core/tensor.ts";
import {
  add,
  astype,
  div,
  full,
  mean,
  mul,
  ones,
  reshape,
  rsqrt,
  sub,
  zeros,
} from "../functions/mod.ts";
import { floatOperand } from "../functions/broadcasting.ts";
import { reduceDeviation, reduceVariance, standardize } from "../primitives/moments.ts";
import { convert } from "../primitives/structure.ts";
import { stopGradient } from "../transforms/no_grad.ts";
import { inComputeDtype } from "./compute_dtype.ts";
import {
  checkBoolean,
  checkCount,
  checkInput,
  checkNumber,
  checkParameterDtype,
  lastLengths,
  optionalLeaf,
  readContext,
  readLeaf,
} from "./layer.ts";
import type { Empty, Layer, ParameterOptions } from "./layer.ts";

/**
 * The scale and the shift of a normalisation layer; empty with `affine: false`.
 *
 * @category Normalization and dropout
 */
export interface AffineParams {
  /** The scale, one at first. */
  readonly weight?: Tensor;
  /** The shift, zero at first. */
  readonly bias?: Tensor;
}

/**
 * The running statistics of `batchNorm`.
 *
 * @category Normalization and dropout
 */
export interface BatchNormState {
  /** `[features]`: the running mean, zero at first. */
  readonly running_mean: Tensor;
  /** `[features]`: the running unbiased variance, one at first. */
  readonly running_var: Tensor;
  /** int32 scalar: how many batches the statistics have seen. */
  readonly num_batches_tracked: Tensor;
}

/**
 * Options of `batchNorm`.
 *
 * @category Normalization and dropout
 */
export interface BatchNormOptions extends ParameterOptions {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** The weight of a new batch in the running statistics; `null` averages all batches. Default 0.1. */
  readonly momentum?: number | null;
  /** Whether there are a scale and a shift. Default `true`. */
  readonly affine?: boolean;
  /** With `affine`: whether there is a scale. Default `true`. */
  readonly weight?: boolean;
  /** With `affine`: whether there is a shift. Default `true`. */
  readonly bias?: boolean;
}

/**
 * Batch normalisation (Ioffe and Szegedy, 2015) over all axes but the second.
 *
 * In training it normalises by the batch's mean and biased variance, and moves the running
 * statistics towards the batch's mean and unbiased variance:
 * `running = (1 - momentum) * running + momentum * batch`. Otherwise it normalises by the running
 * statistics. Freezing the parameters does not freeze the statistics: `train` decides.
 *
 * @category Normalization and dropout
 * @param features The length of the second axis.
 * @param options Epsilon, momentum, scale and shift, dtype.
 * @returns A layer on `[batch, features, ...]` of two or more axes.
 * @throws {ShapeError} in training, when there is only one value per feature.
 *
 * @example Statistics move in training only
 * ```ts
 * import { nn, random, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const layer = nn.batchNorm(1);
 * const [params, state] = layer.init(random.key(0));
 * const [y, next] = layer.apply(params, state, tensor([[1], [3]]), { train: true });
 * assertTensorsClose(y, [[-1], [1]], { atol: 1e-4 });
 * assertTensorsClose(next.running_mean, [0.2]);
 * ```
 */
export function batchNorm(
  features: number,
  options?: BatchNormOptions,
): Layer<AffineParams, BatchNormState> {
  checkCount(features, "features", "batchNorm");
  const read = readOptions("Cannot make a batchNorm layer", options, [
    "eps",
    "momentum",
    "affine",
    "weight",
    "bias",
    "dtype",
    "computeDtype",
  ]);
  const { eps = 1e-5, momentum = 0.1, affine = true, weight = true, bias = true } = read;
  checkBoolean(weight, "weight", "batchNorm");
  checkBoolean(bias, "bias", "batchNorm");
  checkBoolean(affine, "affine", "batchNorm");
  checkNumber(eps, "eps", "batchNorm", 0);
  if (momentum !== null) checkNumber(momentum, "momentum", "batchNorm", 0, 1);
  const dtype = checkParameterDtype(read.dtype ?? defaultFloat(), "batchNorm");
  return inComputeDtype(
    read,
    described({
      name: "batchNorm",
      args: [features],
      settings: { eps, momentum, affine, ...shownParts(weight, bias) },
    }, {
      init: () => [
        freshAffine([features], dtype, affine && weight, affine && bias),
        {
          running_mean: zeros([features], { dtype }),
          running_var: ones([features], { dtype }),
          num_batches_tracked: full([], 0, { dtype: "int32" }),
        },
      ],
      apply(params, state, x, context) {
        const { train = false } = readContext(context, "batchNorm");
        const given = floatOperand(checkInput(x, "batchNorm", 2, 1, features));
        const input = widened(given);
        const affine = readAffine(params, "batchNorm");
        const runningMean = readLeaf(state, "state", "running_mean", "batchNorm");
        const runningVariance = readLeaf(state, "state", "running_var", "batchNorm");
        const perFeature = [features, ...input.shape.slice(2).map(() => 1)];
        if (!train) {
          const centred = sub(input, reshape(runningMean, perFeature));
          const inverse = rsqrt(add(widened(runningVariance), eps));
          const factor = affine.weight === undefined ? inverse : mul(inverse, affine.weight);
          const y = shift(mul(centred, reshape(factor, perFeature)), affine, perFeature);
          return [rounded(y, [given, runningMean, runningVariance, affine]), state];
        }
        const axes = range(input.ndim).filter((axis) => axis !== 1);
        const count = input.size / features;
        if (count <= 1) {
          throw shapeError(
            `Cannot normalize ${showType(given)} by batch in training: ` +
              `expected more than one value per feature, got ${count}`,
          );
        }
        const batchMean = mean(input, axes);
        const normal = normalize(input, axes, eps);
        const { weight } = affine;
        const scaled = weight === undefined ? normal : mul(normal, reshape(weight, perFeature));
        const y = shift(scaled, affine, perFeature);
        const batchVariance = reduceVariance(stopGradient(input), axes, count);
        const seen = add(readLeaf(state, "state", "num_batches_tracked", "batchNorm"), 1);
        // Numbers stay numbers: combined with a float64 tensor, they have full precision.
        const share = momentum ?? div(1, astype(seen, wideDtype(runningMean.dtype)));
        const rest = momentum === null ? sub(1, share) : 1 - momentum;
        const move = (running: Tensor, batch: Tensor): Tensor =>
          astype(add(mul(widened(running), rest), mul(meet(batch, running), share)), running.dtype);
        return [rounded(y, [given, affine]), {
          running_mean: move(runningMean, batchMean),
          running_var: move(runningVariance, mul(batchVariance, count / (count - 1))),
          num_batches_tracked: seen,
        }];
      },
    }),
    false,
  );
}

/** Fresh parameters: a scale of ones, a shift of zeros, or one of them. */
export function freshAffine(
  shape: readonly number[],
  dtype: Dtype,
  hasWeight: boolean,
  hasBias: boolean,
): AffineParams {
  return {
    ...(hasWeight ? { weight: ones(shape, { dtype }) } : {}),
    ...(hasBias ? { bias: zeros(shape, { dtype }) } : {}),
  };
}

/** The scale and the shift among a layer's parameters. */
export function readAffine(params: unknown, layer: string): { weight?: Tensor; bias?: Tensor } {
  const weight = optionalLeaf(params, "params", "weight", layer);
  const bias = optionalLeaf(params, "params", "bias", layer);
  return { ...(weight === undefined ? {} : { weight }), ...(bias === undefined ? {} : { bias }) };
}

/** Half floats as float32: scale and shift are applied before anything is rounded. */
export function widened(x: Tensor): Tensor {
  return convert(x, wideDtype(x.dtype));
}

/** A statistic of a batch in the dtype in which it meets the running one. */
function meet(batch: Tensor, running: Tensor): Tensor {
  return astype(stopGradient(batch), wideDtype(running.dtype));
}

/** The result of a normalization in the dtype in which these operands meet. */
export function rounded(y: Tensor, operands: readonly (Tensor | object)[]): Tensor {
  const dtypes = operands.flatMap((operand) =>
    (operand instanceof Tensor ? [operand] : Object.values(operand) as (Tensor | undefined)[])
      .flatMap((x) => x === undefined ? [] : [x.dtype])
  );
  const dtype = dtypes.reduce((a, b) => promoteDtypes(a, b));
  return isHalf(dtype) ? convert(y, dtype) : y;
}

/** `x` plus the shift, brought into `shape`. */
function shift(x: Tensor, { bias }: AffineParams, shape: readonly number[]): Tensor {
  return bias === undefined ? x : add(x, reshape(bias, shape));
}

/** Elements less their mean over the given axes, over their root mean square and `eps`. */
export function normalize(x: Tensor, axes: readonly number[], eps: number): Tensor {
  const count = lengthAlong(x.shape, axes);
  const floats = widened(floatOperand(x));
  return standardize(floats, reduceDeviation(floats, axes, count, eps), axes);
}

/**
 * Options of `layerNorm`.
 *
 * @category Normalization and dropout
 */
export interface LayerNormOptions extends ParameterOptions {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** Whether there are a scale and a shift. Default `true`. */
  readonly elementwiseAffine?: boolean;
  /** With `elementwiseAffine`: whether there is a scale. Default `true`. */
  readonly weight?: boolean;
  /** With `elementwiseAffine`: whether there is a shift. Default `true`. */
  readonly bias?: boolean;
}

/**
 * Layer normalisation (Ba, Kiros and Hinton, 2016) over the last axes, example by example.
 *
 * @category Normalization and dropout
 * @param normalizedShape The lengths of the last axes, or of the last one.
 * @param options Epsilon, scale and shift, dtype.
 * @returns A layer on `[..., ...normalizedShape]`.
 * @throws {ShapeError} when the input's last axes have other lengths.
 *
 * @example Rows of mean zero
 * ```ts
 * import { nn, random, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const layer = nn.layerNorm(2);
 * const [params, state] = layer.init(random.key(0));
 * const [y] = layer.apply(params, state, tensor([[1, 3], [10, 30]]));
 * assertTensorsClose(y, [[-1, 1], [-1, 1]], { atol: 1e-4 });
 * ```
 */
export function layerNorm(
  normalizedShape: number | readonly number[],
  options?: LayerNormOptions,
): Layer<AffineParams, Empty> {
  const shape = lastLengths(normalizedShape, "layerNorm");
  const read = readOptions("Cannot make a layerNorm layer", options, [
    "eps",
    "elementwiseAffine",
    "weight",
    "bias",
    "dtype",
    "computeDtype",
  ]);
  const { eps = 1e-5, elementwiseAffine = true, weight = true, bias = true } = read;
  checkBoolean(weight, "weight", "layerNorm");
  checkBoolean(elementwiseAffine, "elementwiseAffine", "layerNorm");
  checkBoolean(bias, "bias", "layerNorm");
  checkNumber(eps, "eps", "layerNorm", 0);
  const dtype = checkParameterDtype(read.dtype ?? defaultFloat(), "layerNorm");
  return inComputeDtype(
    read,
    described(
      {
        name: "layerNorm",
        args: [shape],
        settings: { eps, elementwiseAffine, ...shownParts(weight, bias) },
      },
      {
        init: () => [
          freshAffine(shape, dtype, elementwiseAffine && weight, elementwiseAffine && bias),
          {},
        ],
        apply(params, state, x) {
          const input = toTensor(x, "Cannot apply layerNorm");
          const last = input.shape.slice(input.ndim - shape.length);
          if (input.ndim < shape.length || showShape(last) !== showShape(shape)) {
            throw shapeError(
              `Cannot apply layerNorm to ${showType(input)}: expected last axes ${
                showShape(shape)
              }`,
            );
          }
          const axes = range(input.ndim - shape.length, input.ndim);
          let y = normalize(input, axes, eps);
          const { weight, bias } = readAffine(params, "layerNorm");
          if (weight !== undefined) y = mul(y, weight);
          if (bias !== undefined) y = add(y, bias);
          return [rounded(y, [floatOperand(input), { weight, bias }]), state];
        },
      },
    ),
    false,
  );
}

/**
 * Options of `groupNorm`.
 *
 * @category Normalization and dropout
 */
export interface GroupNormOptions extends ParameterOptions {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** Whether there are a scale and a shift per channel. Default `true`. */
  readonly affine?: boolean;
  /** With `affine`: whether there is a scale. Default `true`. */
  readonly weight?: boolean;
  /** With `affine`: whether there is a shift. Default `true`. */
  readonly bias?: boolean;
}

/**
 * Group normalisation (Wu and He, 2018): each example's channels in groups, each group by its own
 * mean and variance.
 *
 * @category Normalization and dropout
 * @param groups How many groups; must divide `channels`.
 * @param channels The length of the second axis.
 * @param options Epsilon, scale and shift, dtype.
 * @returns A layer on `[batch, channels, ...]`.
 * @throws {ArgumentError} when the groups do not divide the channels.
 * @throws {ShapeError} when the input does not fit.
 *
 * @example Each channel by itself
 * ```ts
 * import { nn, random, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const layer = nn.groupNorm(2, 2);
 * const [params, state] = layer.init(random.key(0));
 * const [y] = layer.apply(params, state, tensor([[[1, 3], [10, 30]]]));
 * assertTensorsClose(y, [[[-1, 1], [-1, 1]]], { atol: 1e-4 });
 * ```
 */
export function groupNorm(
  groups: number,
  channels: number,
  options?: GroupNormOptions,
): Layer<AffineParams, Empty> {
  checkCount(groups, "groups", "groupNorm");
  checkCount(channels, "channels", "groupNorm");
  if (channels % groups !== 0) {
    throw argumentError(
      `Cannot make a groupNorm layer with groups ${groups}: it must divide channels ${channels}`,
    );
  }
  const read = readOptions("Cannot make a groupNorm layer", options, [
    "eps",
    "affine",
    "weight",
    "bias",
    "dtype",
    "computeDtype",
  ]);
  const { eps = 1e-5, affine = true, weight = true, bias = true } = read;
  checkBoolean(weight, "weight", "groupNorm");
  checkBoolean(bias, "bias", "groupNorm");
  checkBoolean(affine, "affine", "groupNorm");
  checkNumber(eps, "eps", "groupNorm", 0);
  const dtype = checkParameterDtype(read.dtype ?? defaultFloat(), "groupNorm");
  return inComputeDtype(
    read,
    described({
      name: "groupNorm",
      args: [groups, channels],
      settings: { eps, affine, ...shownParts(weight, bias) },
    }, {
      init: () => [
        freshAffine([channels], dtype, affine && weight, affine && bias),
        {},
      ],
      apply(params, state, x) {
        const input = checkInput(x, "groupNorm", 2, 1, channels);
        const [batch] = input.shape;
        const width = (channels / groups) * sizeOf(input.shape.slice(2));
        const grouped = reshape(input, [batch, groups, width]);
        let y = reshape(normalize(grouped, [2], eps), input.shape);
        const perChannel = [channels, ...input.shape.slice(2).map(() => 1)];
        const { weight, bias } = readAffine(params, "groupNorm");
        if (weight !== undefined) y = mul(y, reshape(weight, perChannel));
        if (bias !== undefined) y = add(y, reshape(bias, perChannel));
        return [rounded(y, [floatOperand(input), { weight, bias }]), state];
      },
    }),
    false,
  );
}

/** For the description: the parts that are left out. */
function shownParts(weight: boolean, bias: boolean): object {
  return { ...(weight ? {} : { weight }), ...(bias ? {} : { bias }) };
}
