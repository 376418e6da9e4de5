/**
 * The common structure of most optimisers: PyTorch's preparation of gradients, a direction, the learning rate.
 *
 * @module
 */
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import { addDecayedWeights } from "./add_decayed_weights.ts";
import { chain } from "./chain.ts";
import { checkLearningRate } from "./learning_rate.ts";
import type { LearningRate } from "./learning_rate.ts";
import { checkNotNegative, readOptions } from "./options.ts";
import type { Optimizer, OptimizerState } from "./optimizer.ts";
import { prepare } from "./prepare.ts";
import { scaleByLearningRate, varied } from "./scale.ts";

/**
 * The options that all of these have.
 *
 * @category Optimizers
 */
export interface DescentOptions {
  /** The weight decay λ. */
  readonly weightDecay?: number;
  /** Whether to climb instead of descending. Default `false`. */
  readonly maximize?: boolean;
}

/** How the parts of an optimiser are put together. */
interface Assembly<D> {
  /** The options of the direction, with their defaults. */
  readonly defaults: D;
  /** The default of the weight decay. Default 0. */
  readonly weightDecay?: number;
  /** The target of the decay: gradients by default, or nothing if the direction applies it. */
  readonly decays?: "gradients" | "direction" | "nothing";
  /** The direction for these options; `what` begins messages. */
  direction(options: D & { weightDecay: number }, what: string): readonly Optimizer[];
  /** The rate after `count` updates: unchanged by default. */
  changesRate?(rate: Tensor, count: Tensor): Tensor;
  /** Transforms of the steps themselves, after the learning rate. */
  after?(options: D & { weightDecay: number }): readonly Optimizer[];
}

/** The optimiser of this name, whose options are those of its direction and of `DescentOptions`. */
export function assemble<D extends Readonly<Record<string, number | boolean>>>(
  name: string,
  learningRate: LearningRate,
  options: unknown,
  { defaults, weightDecay = 0, decays = "gradients", direction, changesRate, after }: Assembly<D>,
): Optimizer {
  const what = `Cannot make ${name}`;
  checkLearningRate(learningRate, what);
  const read = readOptions(what, options, { ...defaults, weightDecay, maximize: false });
  const settings = read as D & { weightDecay: number; maximize: boolean };
  const { maximize, weightDecay: decay } = settings;
  checkNotNegative(what, { weightDecay: decay });
  return described<Optimizer>(
    { name, settings: { learningRate, ...settings } },
    chain<readonly OptimizerState[]>(
      ...prepare({ maximize, weightDecay: decays === "gradients" ? decay : 0 }),
      ...direction(settings, what),
      ...(decays === "direction" ? [addDecayedWeights(decay)] : []),
      scaleByLearningRate(changesRate ? varied(learningRate, changesRate) : learningRate),
      ...(after?.(settings) ?? []),
    ),
  );
}
