/**
 * The fully connected layer.
 *
 * @module
 */
import { defaultFloat } from "../base/dtype.ts";
import { shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { showType } from "../base/shape.ts";
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import { add, matmul, transpose } from "../functions/mod.ts";
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
  readLeaf,
} from "./layer.ts";
import type { Empty, Layer, ParameterOptions } from "./layer.ts";

/**
 * Parameters of `linear`.
 *
 * @category Layers
 */
export interface LinearParams {
  /** `[outFeatures, inFeatures]`. */
  readonly weight: Tensor;
  /** `[outFeatures]`; absent with `bias: false`. */
  readonly bias?: Tensor;
}

/**
 * Options of `linear`.
 *
 * @category Layers
 */
export interface LinearOptions extends ParameterOptions {
  /** Whether there is a bias. Default `true`. */
  readonly bias?: boolean;
  /** The weight's initialiser. Default: PyTorch's, uniform in ±1/sqrt(inFeatures). */
  readonly weightInit?: Initializer;
  /** The bias's initialiser. Default: PyTorch's, uniform in ±1/sqrt(inFeatures). */
  readonly biasInit?: Initializer;
}

/**
 * The fully connected layer: `y = x @ weight.T + bias`.
 *
 * @category Layers
 * @param inFeatures The length of the input's last axis.
 * @param outFeatures The length of the output's last axis.
 * @param options Bias, initialisers, dtype.
 * @returns A layer from `[..., inFeatures]` to `[..., outFeatures]`.
 * @throws {ArgumentError} when a size is not a positive integer.
 * @throws {ShapeError} when the input does not fit.
 *
 * @example A linear layer
 * ```ts
 * import { nn, ones, random } from "@jacobi/jacobi";
 *
 * const layer = nn.linear(3, 2);
 * const [params, state] = layer.init(random.key(0));
 * const [y] = layer.apply(params, state, ones([5, 3]));
 * if (String(y.shape) !== "5,2") throw new Error(String(y.shape));
 * ```
 */
export function linear(
  inFeatures: number,
  outFeatures: number,
  options?: LinearOptions,
): Layer<LinearParams, Empty> {
  checkCount(inFeatures, "inFeatures", "linear");
  checkCount(outFeatures, "outFeatures", "linear");
  const shape = [outFeatures, inFeatures];
  const read = readOptions("Cannot make a linear layer", options, [
    "bias",
    "weightInit",
    "biasInit",
    "dtype",
    "computeDtype",
  ]);
  const { bias = true, weightInit = defaultWeight, biasInit = defaultBias(shape) } = read;
  checkBoolean(bias, "bias", "linear");
  checkInitializer(weightInit, "weightInit", "linear");
  checkInitializer(biasInit, "biasInit", "linear");
  const dtype = checkParameterDtype(read.dtype ?? defaultFloat(), "linear");
  return inComputeDtype(
    read,
    described({ name: "linear", settings: { inFeatures, outFeatures, bias } }, {
      init(key) {
        const [weightKey, biasKey] = split(key);
        const weight = weightInit(weightKey, shape, dtype);
        return [bias ? { weight, bias: biasInit(biasKey, [outFeatures], dtype) } : { weight }, {}];
      },
      apply(params, state, x) {
        const weight = readLeaf(params, "params", "weight", "linear");
        const bias = optionalLeaf(params, "params", "bias", "linear");
        if (weight.ndim !== 2) {
          throw shapeError(
            `Cannot apply linear with weight ${
              showType(weight)
            }: expected [outFeatures, inFeatures]`,
          );
        }
        const input = checkInput(x, "linear", 1, -1, weight.shape[1]);
        const product = matmul(input, transpose(weight));
        return [bias === undefined ? product : add(product, bias), state];
      },
    }),
  );
}
