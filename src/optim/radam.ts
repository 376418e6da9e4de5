/**
 * RAdam.
 *
 * @module
 */
import { described } from "../core/description.ts";
import { pow, where } from "../functions/mod.ts";
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
 * Options of `scaleByRadam`.
 *
 * @category Optimizers
 */
export interface ScaleByRadamOptions {
  /** The share of the first moment that stays from one update to the next. Default 0.9. */
  readonly beta1?: number;
  /** The share of the second moment that stays from one update to the next. Default 0.999. */
  readonly beta2?: number;
  /** A constant added to the root of the second moment. Default 1e-8. */
  readonly eps?: number;
}

/**
 * Options of `radam`.
 *
 * @category Optimizers
 */
export interface RadamOptions extends ScaleByRadamOptions, DescentOptions {}

const RADAM = { beta1: 0.9, beta2: 0.999, eps: 1e-8 };

/**
 * RAdam's direction: Adam's once there are enough gradients to estimate their spread, rectified for their small
 * number, and momentum's before. With gradients g at update t = 1, 2, …:
 *
 * ```text
 * m = β₁ m + (1 − β₁) g
 * v = β₂ v + (1 − β₂) g²
 * ρ∞ = 2 / (1 − β₂) − 1,  ρ = ρ∞ − 2 t β₂ᵗ / (1 − β₂ᵗ)
 * u = m / (1 − β₁ᵗ), and if ρ > 5 that times
 *     √((ρ − 4) (ρ − 2) ρ∞ / ((ρ∞ − 4) (ρ∞ − 2) ρ)) √(1 − β₂ᵗ) / (√v + ε)
 * ```
 *
 * After Liu and others, "On the variance of the adaptive learning rate and beyond" (2020), algorithm 2, in
 * PyTorch's form.
 *
 * @category Optimizers
 * @param options β₁, β₂ and ε.
 * @returns The transform; its state is `{ count, firstMoment, secondMoment }`.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example The first direction is the gradient
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const transform = optim.scaleByRadam();
 * const params = tensor([0, 0]);
 * const [updates] = transform.update(tensor([3, -2]), transform.init(params), params);
 * assertTensorsClose(updates, [3, -2], { rtol: 1e-5 });
 * ```
 */
export function scaleByRadam(options?: ScaleByRadamOptions): Optimizer<MomentsState> {
  const what = "Cannot scale by RAdam";
  const { beta1, beta2, eps } = readOptions(what, options ?? {}, RADAM);
  checkDecayRates(what, { beta1, beta2 });
  checkNotNegative(what, { eps });
  const longest = 2 / (1 - beta2) - 1;
  return described<Optimizer<MomentsState>>({
    name: "scaleByRadam",
    settings: { beta1, beta2, eps },
  }, {
    init: newMoments,
    update(grads, state, params) {
      checkState(state, ["count", "firstMoment", "secondMoment"]);
      const count = nextCount(checkCount(state.count));
      const t = count.astype("float64");
      const left = pow(beta2, t);
      const correction = scalarFor(pow(beta1, t).neg().add(1));
      const length = t.mul(left).div(left.neg().add(1)).mul(-2).add(longest);
      const isEnough = length.greater(5);
      // Where it is not chosen, the root must not be of a negative number.
      const known = where(isEnough, length, 6);
      const spread = known.sub(4).mul(known.sub(2)).div(known)
        .mul(longest / ((longest - 4) * (longest - 2)));
      const factor = scalarFor(spread.mul(left.neg().add(1)).sqrt());
      const { firstMoment, secondMoment } = state;
      const old = { firstMoment, secondMoment };
      const [updates, moments] = updateLeaves(grads, params, old, (g, s) => {
        const firstMoment = s.firstMoment.mul(beta1).add(g.mul(1 - beta1));
        const secondMoment = s.secondMoment.mul(beta2).add(g.square().mul(1 - beta2));
        const mean = firstMoment.div(correction(g));
        const rectified = mean.mul(factor(g)).div(rootOf(secondMoment).add(eps));
        return { update: where(isEnough, rectified, mean), firstMoment, secondMoment };
      });
      return [updates, { count, ...moments }];
    },
  });
}

/**
 * RAdam, with PyTorch's equations: the direction of `scaleByRadam` for the gradients g = d + λ p (−d with
 * `maximize`), times −η.
 *
 * @category Optimizers
 * @param learningRate The rate η: a number of at least 0, a scalar tensor, or a schedule. PyTorch's
 * default is 0.001.
 * @param options β₁, β₂, ε, weight decay λ, maximize.
 * @returns The optimiser.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example The first step is gradient descent's
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const optimizer = optim.radam(0.1);
 * const params = tensor([4]);
 * const [updates] = optimizer.update(tensor([30]), optimizer.init(params), params);
 * assertTensorsClose(updates, [-3], { rtol: 1e-5 });
 * ```
 */
export function radam(learningRate: LearningRate, options?: RadamOptions): Optimizer {
  return assemble("radam", learningRate, options ?? {}, {
    defaults: RADAM,
    direction: ({ beta1, beta2, eps }, what) => {
      checkDecayRates(what, { beta1, beta2 });
      checkNotNegative(what, { eps });
      return [scaleByRadam({ beta1, beta2, eps })];
    },
  });
}
