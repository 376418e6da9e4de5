/**
 * The bilinear layer.
 *
 * @module
 */
import { defaultFloat, describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import { add, einsum } from "../functions/mod.ts";
import { split } from "../random/mod.ts";
import { uniform } from "./initializers.ts";
import { inComputeDtype } from "./compute_dtype.ts";
import {
  checkBoolean,
  checkCount,
  checkInput,
  checkParameterDtype,
  optionalLeaf,
  readLeaf,
} from "./layer.ts";
import type { Empty, Layer, ParameterOptions } from "./layer.ts";
import type { LinearParams } from "./linear.ts";
import type { SeveralInputs } from "./module.ts";

/**
 * Options of `bilinear`.
 *
 * @category Layers
 */
export interface BilinearOptions extends ParameterOptions {
  /** Whether there is a bias. Default `true`. */
  readonly bias?: boolean;
}

/**
 * A bilinear map of two inputs: `y[o] = x1 @ weight[o] @ x2 + bias[o]`.
 *
 * @category Layers
 * @param in1Features The length of the first input's last axis.
 * @param in2Features The length of the second input's last axis.
 * @param outFeatures The length of the output's last axis.
 * @param options Bias, dtype.
 * @returns A layer of two inputs `[x1, x2]`, from `[..., in1Features]` and `[..., in2Features]` to
 * `[..., outFeatures]`; its weight is `[outFeatures, in1Features, in2Features]`.
 * @throws {ArgumentError} when a size is not a positive integer.
 * @throws {ShapeError} when an input does not fit.
 *
 * @example Two inputs
 * ```ts
 * import { nn, ones, random } from "@jacobi/jacobi";
 *
 * const layer = nn.bilinear(2, 3, 4);
 * const [y] = layer.apply(...layer.init(random.key(0)), [ones([5, 2]), ones([5, 3])]);
 * if (String(y.shape) !== "5,4") throw new Error(String(y.shape));
 * ```
 */
export function bilinear(
  in1Features: number,
  in2Features: number,
  outFeatures: number,
  options?: BilinearOptions,
): Layer<LinearParams, Empty, [x1: Tensor, x2: Tensor]> & SeveralInputs {
  checkCount(in1Features, "in1Features", "bilinear");
  checkCount(in2Features, "in2Features", "bilinear");
  checkCount(outFeatures, "outFeatures", "bilinear");
  const read = readOptions("Cannot make a bilinear layer", options, [
    "bias",
    "dtype",
    "computeDtype",
  ]);
  const { bias = true } = read;
  checkBoolean(bias, "bias", "bilinear");
  const dtype = checkParameterDtype(read.dtype ?? defaultFloat(), "bilinear");
  const draw = uniform(-1 / Math.sqrt(in1Features), 1 / Math.sqrt(in1Features));
  const layer: Layer<LinearParams, Empty, [x1: Tensor, x2: Tensor]> = described({
    name: "bilinear",
    settings: { in1Features, in2Features, outFeatures, bias },
  }, {
    init(key) {
      const [weightKey, biasKey] = split(key);
      const weight = draw(weightKey, [outFeatures, in1Features, in2Features], dtype);
      return [bias ? { weight, bias: draw(biasKey, [outFeatures], dtype) } : { weight }, {}];
    },
    apply(params, state, inputs) {
      if (!Array.isArray(inputs) || inputs.length !== 2) {
        throw argumentError(
          `Cannot apply bilinear to ${describeValue(inputs)}: expected a list of two inputs`,
        );
      }
      const x1 = checkInput(inputs[0], "bilinear", 1, -1, in1Features);
      const x2 = checkInput(inputs[1], "bilinear", 1, -1, in2Features);
      const weight = readLeaf(params, "params", "weight", "bilinear");
      const bias = optionalLeaf(params, "params", "bias", "bilinear");
      const y = einsum("...i,oij,...j->...o", x1, weight, x2);
      return [bias === undefined ? y : add(y, bias), state];
    },
  });
  return Object.assign(inComputeDtype(read, layer), { severalInputs: true } as const);
}
