/**
 * Multilayer perceptrons.
 *
 * @module
 */
import { argumentError } from "../base/errors.ts";
import { describeValue } from "../base/dtype.ts";
import { readOptions } from "../base/options.ts";
import type { Tensor } from "../core/tensor.ts";
import { linear, module, relu } from "../nn/mod.ts";
import type { Empty, Layer, LayerLike, LinearParams, ParameterOptions } from "../nn/mod.ts";

/**
 * Options of `mlp`.
 *
 * @category Ready-made models
 */
export interface MlpOptions extends ParameterOptions {
  /** The function between layers. Default: relu. */
  readonly activation?: (x: Tensor) => Tensor;
}

/**
 * A multilayer perceptron; parameters stand at even positions, activations at odd ones.
 *
 * @category Ready-made models
 */
export type Mlp = Layer<readonly (LinearParams | Empty)[], readonly Empty[]>;

/**
 * A multilayer perceptron: linear layers with an activation between them.
 *
 * @category Ready-made models
 * @param sizes The length of the input, of each hidden layer, and of the output.
 * @param options Activation and dtypes.
 * @returns A layer from `[..., sizes[0]]` to `[..., sizes.at(-1)]`; tree paths are those of PyTorch's
 * `Sequential(Linear, ReLU, Linear, ...)`.
 * @throws {ArgumentError} for fewer than two sizes, or a size that is not a positive integer.
 *
 * @example A classifier of points in the plane
 * ```ts
 * import { models, ones, random } from "@jacobi/jacobi";
 *
 * const model = models.mlp([2, 16, 3]);
 * const [params, state] = model.init(random.key(0));
 * const [y] = model.apply(params, state, ones([5, 2]));
 * if (String(y.shape) !== "5,3") throw new Error(String(y.shape));
 * ```
 */
export function mlp(sizes: readonly number[], options?: MlpOptions): Mlp {
  if (!Array.isArray(sizes) || sizes.length < 2) {
    throw argumentError(
      `Cannot make an mlp of sizes ${describeValue(sizes)}: expected at least input and output`,
    );
  }
  const { activation = relu, ...types } = readOptions("Cannot make an mlp", options, [
    "activation",
    "dtype",
    "computeDtype",
  ]);
  const layers: LayerLike[] = [];
  for (let i = 0; i + 1 < sizes.length; i++) {
    if (i > 0) layers.push(activation);
    layers.push(linear(sizes[i], sizes[i + 1], types));
  }
  // As one list: a call has no room for very many arguments.
  return module(layers, (layers, x) => layers.reduce((y, layer) => layer(y), x));
}
