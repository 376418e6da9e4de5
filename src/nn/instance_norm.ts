/**
 * Normalisation by root mean squares, by instance and by neighbouring channels.
 *
 * @module
 */
import { defaultFloat, epsilonOf, wideDtype } from "../base/dtype.ts";
import { shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { lengthAlong, range, showShape, showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import {
  add,
  astype,
  avgPool,
  div,
  full,
  mean,
  mul,
  ones,
  pow,
  reshape,
  rsqrt,
  square,
  sub,
  zeros,
} from "../functions/mod.ts";
import { floatOperand } from "../functions/broadcasting.ts";
import { reduceVariance } from "../primitives/moments.ts";
import { stopGradient } from "../transforms/no_grad.ts";
import { inComputeDtype } from "./compute_dtype.ts";
import {
  checkBoolean,
  checkCount,
  checkInput,
  checkNumber,
  checkParameterDtype,
  lastLengths,
  readContext,
  readLeaf,
  stateless,
} from "./layer.ts";
import type { Empty, Layer, ParameterOptions } from "./layer.ts";
import { freshAffine, normalize, readAffine, rounded, widened } from "./normalization.ts";
import type { AffineParams, BatchNormState } from "./normalization.ts";

/**
 * Options of `rmsNorm`.
 *
 * @category Normalization and dropout
 */
export interface RmsNormOptions extends ParameterOptions {
  /** Added to the mean square. Default: the distance from 1 to the next number of the input's dtype. */
  readonly eps?: number;
  /** Whether there is a scale. Default `true`. */
  readonly elementwiseAffine?: boolean;
}

/**
 * Parameters of `rmsNorm`.
 *
 * @category Normalization and dropout
 */
export interface RmsNormParams {
  /** The scale, one at first; absent with `elementwiseAffine: false`. */
  readonly weight?: Tensor;
}

/**
 * Normalisation by the root mean square of the last axes (Zhang and Sennrich, 2019):
 * `x / sqrt(mean(x²) + eps) * weight`.
 *
 * @category Normalization and dropout
 * @param normalizedShape The lengths of the last axes, or of the last one.
 * @param options Epsilon, scale, dtype.
 * @returns A layer on `[..., ...normalizedShape]`.
 * @throws {ArgumentError} when a length is not a positive integer.
 * @throws {ShapeError} when the input's last axes have other lengths.
 *
 * @example Rows of mean square one
 * ```ts
 * import { nn, random, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const layer = nn.rmsNorm(2);
 * const [params, state] = layer.init(random.key(0));
 * const [y] = layer.apply(params, state, tensor([[1, 7], [-3, 3]]));
 * assertTensorsClose(y, [[0.2, 1.4], [-1, 1]]);
 * ```
 */
export function rmsNorm(
  normalizedShape: number | readonly number[],
  options?: RmsNormOptions,
): Layer<RmsNormParams, Empty> {
  const shape = lastLengths(normalizedShape, "rmsNorm");
  const read = readOptions("Cannot make an rmsNorm layer", options, [
    "eps",
    "elementwiseAffine",
    "dtype",
    "computeDtype",
  ]);
  const { eps, elementwiseAffine = true } = read;
  if (eps !== undefined) checkNumber(eps, "eps", "rmsNorm", 0);
  checkBoolean(elementwiseAffine, "elementwiseAffine", "rmsNorm");
  const dtype = checkParameterDtype(read.dtype ?? defaultFloat(), "rmsNorm");
  return inComputeDtype(
    read,
    described({ name: "rmsNorm", args: [shape], settings: { eps, elementwiseAffine } }, {
      init: () => [elementwiseAffine ? { weight: ones(shape, { dtype }) } : {}, {}],
      apply(params, state, x) {
        const input = floatOperand(toTensor(x, "Cannot apply rmsNorm"));
        const last = input.shape.slice(Math.max(0, input.ndim - shape.length));
        if (showShape(last) !== showShape(shape)) {
          throw shapeError(
            `Cannot apply rmsNorm to ${showType(input)}: expected last axes ${showShape(shape)}`,
          );
        }
        const axes = range(input.ndim - shape.length, input.ndim);
        const wide = widened(input);
        const moment = mean(square(wide), axes, { keepdims: true });
        const normal = mul(wide, rsqrt(add(moment, eps ?? epsilonOf(input.dtype))));
        const affine = readAffine(params, "rmsNorm");
        const y = affine.weight === undefined ? normal : mul(normal, affine.weight);
        return [rounded(y, [input, affine]), state];
      },
    }),
    false,
  );
}

/**
 * Options of `instanceNorm`.
 *
 * @category Normalization and dropout
 */
export interface InstanceNormOptions extends ParameterOptions {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** The weight of a new batch in the running statistics. Default 0.1. */
  readonly momentum?: number;
  /** Whether there are a scale and a shift. Default `false`. */
  readonly affine?: boolean;
  /** Whether running statistics are kept in training, and used otherwise. Default `false`. */
  readonly trackRunningStats?: boolean;
}

/**
 * Instance normalisation (Ulyanov, Vedaldi and Lempitsky, 2016): each channel of each example by its own
 * mean and variance.
 *
 * @category Normalization and dropout
 * @param features The length of the second axis.
 * @param options Epsilon, momentum, scale and shift, running statistics, dtype.
 * @returns A layer on `[batch, features, ...spatial]`, of three or more axes.
 * @throws {ShapeError} when the input does not fit, or has only one value per channel.
 *
 * @example Each channel by itself
 * ```ts
 * import { nn, random, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const layer = nn.instanceNorm(2);
 * const [params, state] = layer.init(random.key(0));
 * const [y] = layer.apply(params, state, tensor([[[1, 3], [10, 30]]]));
 * assertTensorsClose(y, [[[-1, 1], [-1, 1]]], { atol: 1e-4 });
 * ```
 */
export function instanceNorm(
  features: number,
  options?: InstanceNormOptions,
): Layer<AffineParams, BatchNormState | Empty> {
  checkCount(features, "features", "instanceNorm");
  const read = readOptions("Cannot make an instanceNorm layer", options, [
    "eps",
    "momentum",
    "affine",
    "trackRunningStats",
    "dtype",
    "computeDtype",
  ]);
  const { eps = 1e-5, momentum = 0.1, affine = false, trackRunningStats = false } = read;
  checkNumber(eps, "eps", "instanceNorm", 0);
  checkNumber(momentum, "momentum", "instanceNorm", 0, 1);
  checkBoolean(affine, "affine", "instanceNorm");
  checkBoolean(trackRunningStats, "trackRunningStats", "instanceNorm");
  const dtype = checkParameterDtype(read.dtype ?? defaultFloat(), "instanceNorm");
  return inComputeDtype<AffineParams, BatchNormState | Empty, Tensor, Tensor>(
    read,
    described({
      name: "instanceNorm",
      args: [features],
      settings: { eps, momentum, affine, trackRunningStats },
    }, {
      init: () => [
        freshAffine([features], dtype, affine, affine),
        trackRunningStats
          ? {
            running_mean: zeros([features], { dtype }),
            running_var: ones([features], { dtype }),
            num_batches_tracked: full([], 0, { dtype: "int32" }),
          }
          : {},
      ],
      apply(params, state, x, context) {
        const { train = false } = readContext(context, "instanceNorm");
        const given = floatOperand(checkInput(x, "instanceNorm", 3, 1, features));
        const input = widened(given);
        const axes = range(2, input.ndim);
        const perChannel = [features, ...axes.map(() => 1)];
        const own = readAffine(params, "instanceNorm");
        const finish = (normal: Tensor, next: BatchNormState | Empty): [
          Tensor,
          BatchNormState | Empty,
        ] => {
          const { weight, bias } = own;
          let y = normal;
          if (weight !== undefined) y = mul(y, reshape(weight, perChannel));
          if (bias !== undefined) y = add(y, reshape(bias, perChannel));
          return [rounded(y, [given, own]), next];
        };
        const running = (name: string): Tensor => readLeaf(state, "state", name, "instanceNorm");
        if (trackRunningStats && !train) {
          const centred = sub(input, reshape(running("running_mean"), perChannel));
          const inverse = rsqrt(add(widened(running("running_var")), eps));
          return finish(mul(centred, reshape(inverse, perChannel)), state);
        }
        const count = lengthAlong(input.shape, axes);
        if (count <= 1) {
          throw shapeError(
            `Cannot normalize ${showType(given)} by instance: expected more than one value per ` +
              `channel, got ${count}`,
          );
        }
        const normal = normalize(input, axes, eps);
        if (!trackRunningStats) return finish(normal, state);
        const seen = stopGradient(input);
        const variances = mul(reduceVariance(seen, axes, count), count / (count - 1));
        const move = (old: Tensor, batch: Tensor): Tensor => {
          const now = astype(mean(batch, 0), wideDtype(old.dtype));
          return astype(add(mul(widened(old), 1 - momentum), mul(now, momentum)), old.dtype);
        };
        return finish(normal, {
          running_mean: move(running("running_mean"), mean(seen, axes)),
          running_var: move(running("running_var"), variances),
          // As in PyTorch, batches are not counted here.
          num_batches_tracked: running("num_batches_tracked"),
        });
      },
    }),
    false,
  );
}

/**
 * Options of `localResponseNorm`.
 *
 * @category Normalization and dropout
 */
export interface LocalResponseNormOptions {
  /** The factor of the mean square. Default 1e-4. */
  readonly alpha?: number;
  /** The exponent. Default 0.75. */
  readonly beta?: number;
  /** The constant added to the mean square. Default 1. */
  readonly k?: number;
}

/**
 * Local response normalisation (Krizhevsky, Sutskever and Hinton, 2012): each channel by the mean square
 * of its neighbours, `x / (k + alpha * mean)^beta`.
 *
 * @category Normalization and dropout
 * @param size How many neighbouring channels count, the channel itself among them.
 * @param options Factor, exponent, offset.
 * @returns A layer on `[batch, channels, ...]`.
 * @throws {ArgumentError} when `size` is not a positive integer, or an option no number.
 * @throws {ShapeError} when the input has fewer than two axes.
 *
 * @example A window of three channels
 * ```ts
 * import { nn, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const layer = nn.localResponseNorm(3, { alpha: 3, beta: 1, k: 0 });
 * assertTensorsClose(layer.apply({}, {}, tensor([[1, 2, 2]]))[0], [[0.2, 2 / 9, 0.25]]);
 * ```
 */
export function localResponseNorm(
  size: number,
  options?: LocalResponseNormOptions,
): Layer<Empty, Empty> {
  const name = "localResponseNorm";
  checkCount(size, "size", name);
  const { alpha = 1e-4, beta = 0.75, k = 1 } = readOptions(`Cannot make a ${name} layer`, options, [
    "alpha",
    "beta",
    "k",
  ]);
  for (const [option, value] of Object.entries({ alpha, beta, k })) {
    checkNumber(value, option, name);
  }
  return stateless({ name, args: [size], settings: { alpha, beta, k } }, (x) => {
    const input = floatOperand(toTensor(x, `Cannot apply ${name}`));
    if (input.ndim < 2) {
      throw shapeError(
        `Cannot apply ${name} to ${showType(input)}: expected [batch, channels, ...]`,
      );
    }
    const [batch, channels] = input.shape;
    const rows = reshape(square(input), [batch, 1, channels, -1]);
    const before = Math.floor(size / 2);
    const means = avgPool(rows, [size, 1], {
      stride: 1,
      padding: [[before, size - 1 - before], [0, 0]],
    });
    return div(input, pow(add(mul(reshape(means, input.shape), alpha), k), beta));
  });
}
