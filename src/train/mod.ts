/**
 * Training: compiled steps, and a loop that measures, evaluates, saves checkpoints, stops early, shows progress,
 * and continues exactly where it was stopped.
 *
 * @example From data to a trained model
 * ```ts
 * import { data, metrics, nn, optim, random, train } from "@jacobi/jacobi";
 *
 * const x = random.normal(random.key(0), [200, 2]);
 * const y = x.prod(1).greater(0).astype("int32");
 * const [training, test] = data.split(random.key(1), { x, y }, [0.8, 0.2]);
 *
 * const model = nn.sequential(nn.linear(2, 32), nn.relu, nn.linear(32, 2));
 * const step = train.step({
 *   model,
 *   loss: (model, { x, y }) => nn.crossEntropy(model(x), y),
 *   optimizer: optim.adam(0.02),
 * });
 * const run = train.loop({
 *   step,
 *   state: step.init(random.key(2)),
 *   batches: data.batches(training, { batchSize: 32, key: random.key(3) }),
 *   epochs: 30,
 *   evaluate: train.evaluation(
 *     data.batches(test, { batchSize: 40 }),
 *     ({ params, modelState }, { x, y }) => ({
 *       accuracy: metrics.accuracy(model.apply(params, modelState, x)[0], y),
 *     }),
 *   ),
 *   earlyStopping: { metric: "accuracy", mode: "max", patience: 10 },
 * });
 * for await (const { epoch, metrics, evaluation } of run) {
 *   if (epoch % 10 === 0) console.log(epoch, metrics.loss, evaluation?.accuracy);
 * }
 * ```
 *
 * @module
 */
export { folder } from "./checkpoints.ts";
export type { CheckpointInfo, Checkpoints, FolderOptions, FolderPath } from "./checkpoints.ts";
export { evaluation } from "./evaluation.ts";
export { loop } from "./loop.ts";
export type { EarlyStopping, Loop, LoopOptions, Measurement, StopSignal } from "./loop.ts";
export type { Progress, ProgressReport } from "./progress.ts";
export { step } from "./step.ts";
export type {
  LossResult,
  LossStep,
  LossStepOptions,
  ModelStep,
  ModelStepOptions,
  StepMetrics,
  TrainState,
  TrainStep,
} from "./step.ts";
