/**
 * Adamax.
 *
 * @module
 */
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Tree } from "../core/tree.ts";
import { pow } from "../functions/mod.ts";
import { assemble } from "./assemble.ts";
import type { DescentOptions } from "./assemble.ts";
import { checkCount, newCount, nextCount } from "./count.ts";
import type { LearningRate } from "./learning_rate.ts";
import { checkState, fillLike, scalarFor, updateLeaves } from "./leaves.ts";
import { checkDecayRates, checkNotNegative, readOptions } from "./options.ts";
import type { Optimizer } from "./optimizer.ts";

/**
 * Options of `scaleByAdamax`.
 *
 * @category Optimizers
 */
export interface ScaleByAdamaxOptions {
  /** The share of the first moment that stays from one update to the next. Default 0.9. */
  readonly beta1?: number;
  /** The share of the largest gradient that stays from one update to the next. Default 0.999. */
  readonly beta2?: number;
  /** A constant added to the magnitude of each gradient. Default 1e-8. */
  readonly eps?: number;
}

/**
 * Options of `adamax`.
 *
 * @category Optimizers
 */
export interface AdamaxOptions extends ScaleByAdamaxOptions, DescentOptions {}

/**
 * The state of `scaleByAdamax`: the trees are like the parameters.
 *
 * @category Optimizers
 */
export type ScaleByAdamaxState = {
  /** The number of updates done: an int32 scalar. */
  readonly count: Tensor;
  /** The decaying mean m of the gradients, not yet corrected for its start at zero. */
  readonly firstMoment: Tree<Tensor>;
  /** The decaying largest magnitude n of a gradient. */
  readonly largest: Tree<Tensor>;
};

const ADAMAX = { beta1: 0.9, beta2: 0.999, eps: 1e-8 };

/**
 * Adamax's direction, Adam's with the largest gradient in place of the second moment. With gradients g at
 * update t = 1, 2, …:
 *
 * ```text
 * m = β₁ m + (1 − β₁) g
 * n = max(β₂ n, |g| + ε)
 * u = m / ((1 − β₁ᵗ) n)
 * ```
 *
 * After Kingma and Ba, "Adam: A method for stochastic optimization" (2015), algorithm 2, in PyTorch's form.
 *
 * @category Optimizers
 * @param options β₁, β₂ and ε.
 * @returns The transform; its state is `{ count, firstMoment, largest }`.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example The first direction is the gradient's sign
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const transform = optim.scaleByAdamax();
 * const params = tensor([0, 0]);
 * const [updates] = transform.update(tensor([300, -0.02]), transform.init(params), params);
 * assertTensorsClose(updates, [1, -1], { rtol: 1e-5 });
 * ```
 */
export function scaleByAdamax(options?: ScaleByAdamaxOptions): Optimizer<ScaleByAdamaxState> {
  const what = "Cannot scale by Adamax";
  const { beta1, beta2, eps } = readOptions(what, options ?? {}, ADAMAX);
  checkDecayRates(what, { beta1, beta2 });
  checkNotNegative(what, { eps });
  return described<Optimizer<ScaleByAdamaxState>>({
    name: "scaleByAdamax",
    settings: { beta1, beta2, eps },
  }, {
    init: (params) => ({
      count: newCount(),
      firstMoment: fillLike(params, 0),
      largest: fillLike(params, 0),
    }),
    update(grads, state, params) {
      checkState(state, ["count", "firstMoment", "largest"]);
      const count = nextCount(checkCount(state.count));
      const correction = scalarFor(pow(beta1, count.astype("float64")).neg().add(1));
      const { firstMoment, largest } = state;
      const [updates, moments] = updateLeaves(grads, params, { firstMoment, largest }, (g, s) => {
        const firstMoment = s.firstMoment.mul(beta1).add(g.mul(1 - beta1));
        const largest = s.largest.mul(beta2).maximum(g.abs().add(eps));
        return { update: firstMoment.div(largest.mul(correction(g))), firstMoment, largest };
      });
      return [updates, { count, ...moments }];
    },
  });
}

/**
 * Adamax, with PyTorch's equations: the direction of `scaleByAdamax` for the gradients g = d + λ p (−d
 * with `maximize`), times −η.
 *
 * @category Optimizers
 * @param learningRate The rate η: a number of at least 0, a scalar tensor, or a schedule. PyTorch's
 * default is 0.002.
 * @param options β₁, β₂, ε, weight decay λ, maximize.
 * @returns The optimiser.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example One step
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const optimizer = optim.adamax(0.1);
 * const params = tensor([4]);
 * const [updates] = optimizer.update(tensor([30]), optimizer.init(params), params);
 * assertTensorsClose(updates, [-0.1], { rtol: 1e-5 });
 * ```
 */
export function adamax(learningRate: LearningRate, options?: AdamaxOptions): Optimizer {
  return assemble("adamax", learningRate, options ?? {}, {
    defaults: ADAMAX,
    direction: ({ beta1, beta2, eps }, what) => {
      checkDecayRates(what, { beta1, beta2 });
      checkNotNegative(what, { eps });
      return [scaleByAdamax({ beta1, beta2, eps })];
    },
  });
}
