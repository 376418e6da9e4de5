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
export { adabelief, scaleByBelief } from "./adabelief.ts";
export type { AdabeliefOptions, ScaleByBeliefOptions } from "./adabelief.ts";
export { adadelta, scaleByAdadelta } from "./adadelta.ts";
export type { AdadeltaOptions, ScaleByAdadeltaOptions, ScaleByAdadeltaState } from "./adadelta.ts";
export { adafactor, scaleByAdafactor } from "./adafactor.ts";
export type {
  AdafactorOptions,
  ScaleByAdafactorOptions,
  ScaleByAdafactorState,
} from "./adafactor.ts";
export { adagrad, scaleByAdagrad } from "./adagrad.ts";
export type { AdagradOptions, ScaleByAdagradOptions, ScaleByAdagradState } from "./adagrad.ts";
export { adam, adamw, scaleByAdam } from "./adam.ts";
export type { AdamOptions, ScaleByAdamOptions, ScaleByAdamState } from "./adam.ts";
export { adamax, scaleByAdamax } from "./adamax.ts";
export type { AdamaxOptions, ScaleByAdamaxOptions, ScaleByAdamaxState } from "./adamax.ts";
export { adan, scaleByAdan } from "./adan.ts";
export type { AdanOptions, ScaleByAdanOptions, ScaleByAdanState } from "./adan.ts";
export { addDecayedWeights } from "./add_decayed_weights.ts";
export { applyIfFinite } from "./apply_if_finite.ts";
export type { ApplyIfFiniteState } from "./apply_if_finite.ts";
export { applyUpdates } from "./apply_updates.ts";
export type { DescentOptions } from "./assemble.ts";
export { chain } from "./chain.ts";
export { clipByGlobalNorm, clipByValue } from "./clip.ts";
export { ema } from "./ema.ts";
export type { EmaOptions, EmaState } from "./ema.ts";
export { injectHyperparams } from "./inject_hyperparams.ts";
export type { InjectHyperparamsState } from "./inject_hyperparams.ts";
export { addNoise, noisySgd } from "./noise.ts";
export type { AddNoiseOptions, AddNoiseState, NoisySgdOptions } from "./noise.ts";
export { reduceOnPlateau } from "./reduce_on_plateau.ts";
export type { ReduceOnPlateauOptions, ReduceOnPlateauState } from "./reduce_on_plateau.ts";
export { sam } from "./sam.ts";
export type { SamOptions } from "./sam.ts";
export { scheduleFree, scheduleFreeParams } from "./schedule_free.ts";
export type { ScheduleFreeOptions, ScheduleFreeState } from "./schedule_free.ts";
export { scaleBySophia, sophia } from "./sophia.ts";
export type { ScaleBySophiaOptions, ScaleBySophiaState, SophiaOptions } from "./sophia.ts";
export { globalNorm } from "./global_norm.ts";
export type { GlobalNormOptions } from "./global_norm.ts";
export { centralize, scaleBySign, setToZero, zeroNans } from "./gradients.ts";
export { lbfgs, lineSearch, scaleByLbfgs } from "./lbfgs.ts";
export type {
  LbfgsOptions,
  LineSearchOptions,
  LineSearchState,
  ScaleByLbfgsOptions,
  ScaleByLbfgsState,
} from "./lbfgs.ts";
export type { LearningRate, Schedule } from "./learning_rate.ts";
export { lion, scaleByLion } from "./lion.ts";
export type { LionOptions, ScaleByLionOptions, ScaleByLionState } from "./lion.ts";
export { lookahead } from "./lookahead.ts";
export type { LookaheadState } from "./lookahead.ts";
export { lossScale } from "./loss_scale.ts";
export type { LossScaleOptions, LossScaleState } from "./loss_scale.ts";
export type { Mask, MaskTree } from "./mask.ts";
export { masked } from "./masked.ts";
export type { MaskedState } from "./masked.ts";
export type { MomentsState } from "./moments.ts";
export { momentum } from "./momentum.ts";
export type { MomentumOptions, MomentumState } from "./momentum.ts";
export { multiSteps } from "./multi_steps.ts";
export type { MultiStepsState } from "./multi_steps.ts";
export { multiTransform } from "./multi_transform.ts";
export type { Labels, LabelTree, MultiTransformState } from "./multi_transform.ts";
export { muon, scaleByMuon } from "./muon.ts";
export type { MuonOptions, ScaleByMuonOptions, ScaleByMuonState } from "./muon.ts";
export { nadam, scaleByNadam } from "./nadam.ts";
export type { NadamOptions, ScaleByNadamOptions, ScaleByNadamState } from "./nadam.ts";
export { novograd, scaleByNovograd } from "./novograd.ts";
export type { NovogradOptions, ScaleByNovogradOptions } from "./novograd.ts";
export type { Optimizer, OptimizerState, UpdateExtras } from "./optimizer.ts";
export { polyakSgd } from "./polyak.ts";
export type { PolyakSgdOptions } from "./polyak.ts";
export { radam, scaleByRadam } from "./radam.ts";
export type { RadamOptions, ScaleByRadamOptions } from "./radam.ts";
export { rmsprop, scaleByRms } from "./rmsprop.ts";
export type { RmspropOptions, ScaleByRmsOptions, ScaleByRmsState } from "./rmsprop.ts";
export { rprop } from "./rprop.ts";
export type { RpropOptions } from "./rprop.ts";
export { scale, scaleByLearningRate } from "./scale.ts";
export type { ScaleState } from "./scale.ts";
export {
  constant,
  cosine,
  exponential,
  join,
  linear,
  oneCycle,
  piecewise,
  polynomial,
  step,
  warmRestarts,
  warmupCosine,
} from "./schedules.ts";
export type {
  CosineOptions,
  Curve,
  ExponentialOptions,
  LinearOptions,
  OneCycleOptions,
  PiecewiseOptions,
  PolynomialOptions,
  StepOptions,
  WarmRestartsOptions,
  WarmupCosineOptions,
} from "./schedules.ts";
export { signSgd } from "./sign_sgd.ts";
export type { SignSgdOptions } from "./sign_sgd.ts";
export { sgd } from "./sgd.ts";
export type { SgdOptions } from "./sgd.ts";
export { lamb, lars, scaleByTrustRatio } from "./trust_ratio.ts";
export type { LambOptions, LarsOptions, ScaleByTrustRatioOptions } from "./trust_ratio.ts";
export { scaleByYogi, yogi } from "./yogi.ts";
export type { ScaleByYogiOptions, YogiOptions } from "./yogi.ts";
