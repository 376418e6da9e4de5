/**
 * Optimisers with PyTorch's equations as pairs of pure functions, the transforms of gradients that
 * they are chains of, and learning-rate schedules.
 *
 * ```ts
 * import { grad, optim, tensor } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const loss = (x: Tensor) => x.sub(1).square().sum();
 * const optimizer = optim.chain(optim.clipByGlobalNorm(10), optim.adam(0.1));
 * let params = tensor([0, 2]);
 * let state = optimizer.init(params);
 * for (let i = 0; i < 200; i++) {
 *   const [updates, next] = optimizer.update(grad(loss)(params), state, params);
 *   params = optim.applyUpdates(params, updates);
 *   state = next;
 * }
 * assertTensorsClose(params, tensor([1, 1]), { atol: 1e-2 });
 * ```
 *
 * @module
 */
export { adagrad, scaleByAdagrad } from "./adagrad.ts";
export type { AdagradOptions, ScaleByAdagradOptions, ScaleByAdagradState } from "./adagrad.ts";
export { adam, adamw, scaleByAdam } from "./adam.ts";
export type { AdamOptions, ScaleByAdamOptions, ScaleByAdamState } from "./adam.ts";
export { addDecayedWeights } from "./add_decayed_weights.ts";
export { applyUpdates } from "./apply_updates.ts";
export { chain } from "./chain.ts";
export { clipByGlobalNorm, clipByValue } from "./clip.ts";
export { globalNorm } from "./global_norm.ts";
export type { GlobalNormOptions } from "./global_norm.ts";
export type { LearningRate, Schedule } from "./learning_rate.ts";
export { lossScale } from "./loss_scale.ts";
export type { LossScaleOptions, LossScaleState } from "./loss_scale.ts";
export type { Mask, MaskTree } from "./mask.ts";
export { masked } from "./masked.ts";
export type { MaskedState } from "./masked.ts";
export { momentum } from "./momentum.ts";
export type { MomentumOptions, MomentumState } from "./momentum.ts";
export type { Optimizer, OptimizerState } from "./optimizer.ts";
export { rmsprop, scaleByRms } from "./rmsprop.ts";
export type { RmspropOptions, ScaleByRmsOptions, ScaleByRmsState } from "./rmsprop.ts";
export { scale, scaleByLearningRate } from "./scale.ts";
export type { ScaleState } from "./scale.ts";
export {
  constant,
  cosine,
  exponential,
  piecewise,
  polynomial,
  step,
  warmupCosine,
} from "./schedules.ts";
export type {
  CosineOptions,
  Curve,
  ExponentialOptions,
  PiecewiseOptions,
  PolynomialOptions,
  StepOptions,
  WarmupCosineOptions,
} from "./schedules.ts";
export { sgd } from "./sgd.ts";
export type { SgdOptions } from "./sgd.ts";
