/**
 * Averages of parameters in place of schedules.
 *
 * @module
 */
import { argumentError, treeError } from "../base/errors.ts";
import { described } from "../core/description.ts";
import { Tensor } from "../core/tensor.ts";
import type { Tree } from "../core/tree.ts";
import type { TensorsOf } from "../core/tree_types.ts";
import { maximum, pow, where } from "../functions/mod.ts";
import { checkCount, double, newCount, nextCount } from "./count.ts";
import { checkLearningRate } from "./learning_rate.ts";
import type { LearningRate } from "./learning_rate.ts";
import { checkState, closeUpdates, copyOf, openParams, openUpdates } from "./leaves.ts";
import { scalarFor, updateLeaves } from "./leaves.ts";
import { checkNotNegative, readOptions } from "./options.ts";
import { checkOptimizer } from "./optimizer.ts";
import type { Optimizer } from "./optimizer.ts";
import { varied } from "./scale.ts";

/**
 * Options of `scheduleFree`.
 *
 * @category Optimizers
 */
export interface ScheduleFreeOptions {
  /** The share β of the mean in the parameters, above 0 and at most 1. Default 0.9. */
  readonly beta?: number;
  /** The power r of the rate that weighs points in the mean. Default 2. */
  readonly weightPower?: number;
}

/**
 * The state of `scheduleFree`.
 *
 * @category Optimizers
 */
export type ScheduleFreeState<Inner> = {
  /** The number of updates done: an int32 scalar. */
  readonly count: Tensor;
  /** The share β of the mean in the parameters: a float64 scalar. */
  readonly beta: Tensor;
  /** The highest rate so far: a float64 scalar. */
  readonly highestRate: Tensor;
  /** The sum of all weights: a float64 scalar. */
  readonly weightSum: Tensor;
  /** Where the optimiser's own steps lead: a tree like the parameters. */
  readonly base: Tree<Tensor>;
  /** The state of the optimiser. */
  readonly inner: Inner;
};

/**
 * An optimiser that needs no schedule: its steps u move a point z, parameters y, at which gradients are taken,
 * lie between z and a weighted mean x of it, and x is what to evaluate with (`scheduleFreeParams`). With the
 * highest rate ρ so far and β, r of the options:
 *
 * ```text
 * z ← z + u,   x ← (1 − c) x + c z with c = ρʳ / ∑ ρʳ,   y ← β x + (1 − β) z
 * ```
 *
 * The optimiser should have no momentum, which β has the place of: `sgd`, or `adamw` with β₁ = 0. After Defazio
 * and others, "The road less scheduled" (2024), equations 18 to 20; optax's `contrib.schedule_free`.
 *
 * @category Optimizers
 * @param optimizer The optimiser that takes the steps.
 * @param learningRate Its rate: a number of at least 0, a scalar tensor, or a schedule, which is asked, as in
 * optax, for the rate of the next update.
 * @param options β and r.
 * @returns The optimiser; its state is `{ count, beta, highestRate, weightSum, base, inner }`.
 * @throws {ArgumentError} when `optimizer` is none, or an option is out of range.
 *
 * @example The mean of three points
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const optimizer = optim.scheduleFree(optim.sgd(1), 1, { beta: 0.5 });
 * let params = tensor([9]);
 * let state = optimizer.init(params);
 * for (let i = 0; i < 3; i++) {
 *   const [updates, next] = optimizer.update(tensor([1]), state, params);
 *   params = optim.applyUpdates(params, updates);
 *   state = next;
 * }
 * assertTensorsClose(params, [(6 + 7) / 2], { rtol: 1e-5 });
 * assertTensorsClose(optim.scheduleFreeParams(params, state), [(8 + 7 + 6) / 3], { rtol: 1e-5 });
 * ```
 */
export function scheduleFree<Inner>(
  optimizer: Optimizer<Inner>,
  learningRate: LearningRate,
  options?: ScheduleFreeOptions,
): Optimizer<ScheduleFreeState<Inner>> {
  const what = "Cannot make scheduleFree";
  checkOptimizer(optimizer, what);
  checkLearningRate(learningRate, what);
  const { beta, weightPower } = readOptions(what, options ?? {}, { beta: 0.9, weightPower: 2 });
  checkNotNegative(what, { weightPower });
  if (beta <= 0 || beta > 1) {
    throw argumentError(`${what} with beta ${beta}: expected a number above 0 and at most 1`);
  }
  const rateAt = varied(learningRate, (rate) => rate);
  return described<Optimizer<ScheduleFreeState<Inner>>>({
    name: "scheduleFree",
    settings: { learningRate, beta, weightPower },
    parts: [optimizer],
  }, {
    init: (params) => ({
      count: newCount(),
      beta: double(beta),
      highestRate: double(0),
      weightSum: double(0),
      base: copyOf(params),
      inner: optimizer.init(params),
    }),
    update(grads, state, params, extras) {
      checkState(state, ["count", "beta", "highestRate", "weightSum", "base", "inner"]);
      const count = nextCount(checkCount(state.count));
      const highestRate = maximum(state.highestRate, rateAt(count));
      const weight = pow(highestRate, weightPower);
      const weightSum = state.weightSum.add(weight);
      const isAny = weightSum.greater(0);
      const share = scalarFor(where(isAny, weight.div(where(isAny, weightSum, 1)), 0));
      const [steps, inner] = optimizer.update(grads, state.inner, params, extras);
      const [updates, next] = updateLeaves(steps, params, { base: state.base }, (u, old, y) => {
        const base = old.base.add(u);
        const mean = meanOf(y, old.base, beta);
        const moved = mean.add(base.sub(mean).mul(share(y)));
        return { update: moved.mul(beta).add(base.mul(1 - beta)).sub(y), base };
      });
      return [updates, { count, beta: state.beta, highestRate, weightSum, ...next, inner }];
    },
  });
}

/** The mean that parameters and the point of the steps lie around. */
function meanOf(params: Tensor, base: Tensor, beta: number | Tensor): Tensor {
  const own = typeof beta === "number" ? 1 - beta : beta.neg().add(1);
  return params.sub(base.mul(own)).div(beta);
}

/**
 * The parameters to evaluate with while `scheduleFree` trains others: x = (y − (1 − β) z) / β; optax's
 * `schedule_free_eval_params`.
 *
 * @category Optimizers
 * @param params The parameters y that are trained.
 * @param state The state of `scheduleFree`.
 * @returns Parameters like `params`.
 * @throws {TreeError} when `state` is none of `scheduleFree`, or belongs to other parameters.
 *
 * @example Before the first step they are the parameters
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const params = tensor([1, 2]);
 * const state = optim.scheduleFree(optim.sgd(1), 1).init(params);
 * assertTensorsClose(optim.scheduleFreeParams(params, state), [1, 2]);
 * ```
 */
export function scheduleFreeParams<Params, Inner>(
  params: Params,
  state: ScheduleFreeState<Inner>,
): TensorsOf<Params> {
  checkState(state, ["base", "beta"]);
  const { beta } = state;
  if (!(beta instanceof Tensor)) {
    throw treeError(`Cannot evaluate with this state: beta is missing`);
  }
  const opened = openParams(params);
  const base = openUpdates(state.base, opened, "Cannot evaluate with this state");
  const factor = scalarFor(beta);
  return closeUpdates(
    opened,
    opened.leaves.map((y, i) => {
      const z = base[i];
      return z === null ? y : meanOf(y, z, factor(y));
    }),
  );
}
