/**
 * AdaBelief.
 *
 * @module
 */
import { described } from "../core/description.ts";
import { pow } from "../functions/mod.ts";
import { assemble } from "./assemble.ts";
import type { DescentOptions } from "./assemble.ts";
import { checkCount, nextCount } from "./count.ts";
import type { LearningRate } from "./learning_rate.ts";
import { checkState, scalarFor, updateLeaves } from "./leaves.ts";
import { newMoments } from "./moments.ts";
import type { MomentsState } from "./moments.ts";
import { checkDecayRates, checkNotNegative, readOptions } from "./options.ts";
import type { Optimizer } from "./optimizer.ts";
import { rootOf } from "./root.ts";

/**
 * Options of `scaleByBelief`.
 *
 * @category Optimizers
 */
export interface ScaleByBeliefOptions {
  /** The share of the first moment that stays from one update to the next. Default 0.9. */
  readonly beta1?: number;
  /** The share of the second moment that stays from one update to the next. Default 0.999. */
  readonly beta2?: number;
  /** A constant added to the root of the second moment. Default 1e-16. */
  readonly eps?: number;
  /** A constant added to the second moment at each update. Default 1e-16. */
  readonly epsRoot?: number;
}

/**
 * Options of `adabelief`.
 *
 * @category Optimizers
 */
export interface AdabeliefOptions extends ScaleByBeliefOptions, DescentOptions {}

const BELIEF = { beta1: 0.9, beta2: 0.999, eps: 1e-16, epsRoot: 1e-16 };

/**
 * AdaBelief's direction, Adam's with the spread of gradients around their mean in place of their squares.
 * With gradients g at update t = 1, 2, …:
 *
 * ```text
 * m = β₁ m + (1 − β₁) g
 * s = β₂ s + (1 − β₂) (g − m)² + ε′
 * u = m / (1 − β₁ᵗ) / (√(s / (1 − β₂ᵗ)) + ε)
 * ```
 *
 * After Zhuang and others, "AdaBelief optimizer: Adapting stepsizes by the belief in observed gradients"
 * (2020), algorithm 2; optax's `scale_by_belief`.
 *
 * @category Optimizers
 * @param options β₁, β₂, ε and ε′.
 * @returns The transform; its state is `{ count, firstMoment, secondMoment }`.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example The first direction is long: nothing contradicts the mean yet
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const transform = optim.scaleByBelief();
 * const params = tensor([0, 0]);
 * const [updates] = transform.update(tensor([300, -2]), transform.init(params), params);
 * assertTensorsClose(updates, [1 / 0.9, -1 / 0.9], { rtol: 1e-5 });
 * ```
 */
export function scaleByBelief(options?: ScaleByBeliefOptions): Optimizer<MomentsState> {
  const what = "Cannot scale by AdaBelief";
  const { beta1, beta2, eps, epsRoot } = readOptions(what, options ?? {}, BELIEF);
  checkDecayRates(what, { beta1, beta2 });
  checkNotNegative(what, { eps, epsRoot });
  return described<Optimizer<MomentsState>>({
    name: "scaleByBelief",
    settings: { beta1, beta2, eps, epsRoot },
  }, {
    init: newMoments,
    update(grads, state, params) {
      checkState(state, ["count", "firstMoment", "secondMoment"]);
      const count = nextCount(checkCount(state.count));
      const t = count.astype("float64");
      const [first, second] = [beta1, beta2].map((beta) => scalarFor(pow(beta, t).neg().add(1)));
      const { firstMoment, secondMoment } = state;
      const old = { firstMoment, secondMoment };
      const [updates, moments] = updateLeaves(grads, params, old, (g, s) => {
        const firstMoment = s.firstMoment.mul(beta1).add(g.mul(1 - beta1));
        const spread = g.sub(firstMoment).square();
        const secondMoment = s.secondMoment.mul(beta2).add(spread.mul(1 - beta2)).add(epsRoot);
        const root = rootOf(secondMoment.div(second(g))).add(eps);
        return { update: firstMoment.div(first(g)).div(root), firstMoment, secondMoment };
      });
      return [updates, { count, ...moments }];
    },
  });
}

/**
 * AdaBelief: the direction of `scaleByBelief` for the gradients g = d + λ p (−d with `maximize`), times
 * −η; optax's `adabelief`.
 *
 * @category Optimizers
 * @param learningRate The rate η: a number of at least 0, a scalar tensor, or a schedule.
 * @param options β₁, β₂, ε, ε′, weight decay λ, maximize.
 * @returns The optimiser.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example One step
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const optimizer = optim.adabelief(0.09);
 * const params = tensor([4]);
 * const [updates] = optimizer.update(tensor([30]), optimizer.init(params), params);
 * assertTensorsClose(updates, [-0.1], { rtol: 1e-5 });
 * ```
 */
export function adabelief(learningRate: LearningRate, options?: AdabeliefOptions): Optimizer {
  return assemble("adabelief", learningRate, options ?? {}, {
    defaults: BELIEF,
    direction: ({ beta1, beta2, eps, epsRoot }, what) => {
      checkDecayRates(what, { beta1, beta2 });
      checkNotNegative(what, { eps, epsRoot });
      return [scaleByBelief({ beta1, beta2, eps, epsRoot })];
    },
  });
}
