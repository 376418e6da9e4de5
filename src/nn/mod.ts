/**
 * Neural-network layers, activations and losses, all pure functions. A layer is
 * `{ init(key): [params, state], apply(params, state, x, { train, key }): [y, state] }`.
 *
 * @example One step of gradient descent
 * ```ts
 * import { grad, nn, random, tensor, tree } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 *
 * const model = nn.sequential(nn.linear(2, 8), nn.tanh, nn.linear(8, 1));
 * const [params, state] = model.init(random.key(0));
 * const x = tensor([[0, 1], [1, 1]]);
 * const y = tensor([[1], [0]]);
 * const loss = (p: typeof params) => nn.mseLoss(model.apply(p, state, x)[0], y);
 * const gradient = grad(loss)(params);
 * const next = tree.map((p: Tensor, g: Tensor) => p.sub(g.mul(0.1)), params, gradient);
 * if (!(Number(loss(next)) < Number(loss(params)))) throw new Error("the loss did not fall");
 * ```
 *
 * @module
 */
export {
  elu,
  gelu,
  hardtanh,
  leakyRelu,
  logSoftmax,
  mish,
  relu,
  sigmoid,
  silu,
  softmax,
  softplus,
  tanh,
} from "./activations.ts";
export type {
  EluOptions,
  GeluOptions,
  HardtanhOptions,
  LeakyReluOptions,
  SoftplusOptions,
} from "./activations.ts";
export * from "./adaptive_log_softmax.ts";
export * from "./along_axes.ts";
export * from "./attention.ts";
export type { AttentionInput } from "./attention_input.ts";
export * from "./binary_losses.ts";
export * from "./combinators.ts";
export * from "./convolution.ts";
export * from "./ctc_loss.ts";
export * from "./dropout.ts";
export * from "./class_losses.ts";
export * from "./embedding.ts";
export { fractionalMaxPool2d, fractionalMaxPool3d } from "./fractional_pooling.ts";
export type { FractionalMaxPoolOptions } from "./fractional_pooling.ts";
export * from "./grouped_query_attention.ts";
export { gru } from "./gru.ts";
/** Initial values of parameters. */
export * as initializers from "./initializers.ts";
export type { Initializer } from "./initializers.ts";
export type {
  AnyLayer,
  Context,
  Empty,
  Layer,
  ParameterOptions,
  ParamsOf,
  StateOf,
} from "./layer.ts";
export * from "./instance_norm.ts";
export { gaussianNllLoss, poissonNllLoss, smoothL1Loss } from "./likelihood_losses.ts";
export type {
  GaussianNllLossOptions,
  PoissonNllLossOptions,
  SmoothL1LossOptions,
} from "./likelihood_losses.ts";
export * from "./linear.ts";
export type { LossOptions, Reduction } from "./loss_options.ts";
export * from "./losses.ts";
export * from "./margin_losses.ts";
export { lstm } from "./lstm.ts";
export type { LstmInput, LstmOptions, LstmResult, LstmState } from "./lstm.ts";
export { init, module } from "./module.ts";
export type { Module, Part, Parts, PartsOf, SeveralInputs } from "./module.ts";
export * from "./bilinear.ts";
export * from "./embedding_bag.ts";
export * from "./piecewise.ts";
export * from "./positions.ts";
export * from "./prelu.ts";
export { channelShuffle, pixelShuffle, pixelUnshuffle, upsample } from "./resampling.ts";
export * from "./zero_pad.ts";
export { batchNorm, groupNorm, layerNorm } from "./normalization.ts";
export type {
  AffineParams,
  BatchNormOptions,
  BatchNormState,
  GroupNormOptions,
  LayerNormOptions,
} from "./normalization.ts";
export * from "./pooling.ts";
export type { RecurrentOptions, RecurrentOutputs, RecurrentParams } from "./recurrent.ts";
export * from "./reparametrization.ts";
export * from "./recurrent_cells.ts";
export { rnn } from "./rnn.ts";
export type { RecurrentInput, RecurrentResult, RnnOptions } from "./rnn.ts";
export { scaledDotProductAttention } from "./scaled_dot_product_attention.ts";
export type { ScaledDotProductAttentionOptions } from "./scaled_dot_product_attention.ts";
export * from "./smooth_units.ts";
export * from "./state_dict.ts";
export * from "./summary.ts";
export * from "./transformer.ts";
