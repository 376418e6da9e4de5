/**
 * Adan.
 *
 * @module
 */
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Tree } from "../core/tree.ts";
import { pow, where } from "../functions/mod.ts";
import { assemble } from "./assemble.ts";
import type { DescentOptions } from "./assemble.ts";
import { checkCount, nextCount } from "./count.ts";
import type { LearningRate } from "./learning_rate.ts";
import { checkState, fillLike, scalarFor, updateLeaves } from "./leaves.ts";
import { newMoments } from "./moments.ts";
import type { MomentsState } from "./moments.ts";
import { checkDecayRates, checkNotNegative, readOptions } from "./options.ts";
import type { Optimizer } from "./optimizer.ts";
import { rootOf } from "./root.ts";

/**
 * Options of `scaleByAdan`.
 *
 * @category Optimizers
 */
export interface ScaleByAdanOptions {
  /** The share of the mean of gradients that stays from one update to the next. Default 0.98. */
  readonly beta1?: number;
  /** The share of the mean of their differences that stays. Default 0.92. */
  readonly beta2?: number;
  /** The share of the second moment that stays. Default 0.99. */
  readonly beta3?: number;
  /** A constant added to the root of the second moment. Default 1e-8. */
  readonly eps?: number;
  /** A constant added to the second moment within the root. Default 0; 1e-8 for `adan`. */
  readonly epsRoot?: number;
}

/**
 * Options of `adan`.
 *
 * @category Optimizers
 */
export interface AdanOptions extends ScaleByAdanOptions, DescentOptions {}

/**
 * The state of `scaleByAdan`: trees like the parameters.
 *
 * @category Optimizers
 */
export type ScaleByAdanState = MomentsState & {
  /** The decaying mean of differences of gradients, not yet corrected for its start at zero. */
  readonly differences: Tree<Tensor>;
  /** The gradients of the last update. */
  readonly gradients: Tree<Tensor>;
};

const ADAN = { beta1: 0.98, beta2: 0.92, beta3: 0.99, eps: 1e-8, epsRoot: 0 };

function checkAdan(what: string, { eps, epsRoot, ...betas }: typeof ADAN): void {
  checkDecayRates(what, betas);
  checkNotNegative(what, { eps, epsRoot });
}

/**
 * Adan's direction, with Nesterov's step ahead made of differences of gradients. With gradients g at update
 * t = 1, 2, …, and d = g − g of the update before (0 at the first):
 *
 * ```text
 * m = β₁ m + (1 − β₁) g,   w = β₂ w + (1 − β₂) d,   v = β₃ v + (1 − β₃) (g + (1 − β₂) d)²
 * u = (m / (1 − β₁ᵗ) + (1 − β₂) w / (1 − β₂ᵗ)) / (√(v / (1 − β₃ᵗ) + ε′) + ε)
 * ```
 *
 * After Xie and others, "Adan: Adaptive Nesterov momentum algorithm for faster optimizing deep models" (2022),
 * algorithm 1; optax's `scale_by_adan`.
 *
 * @category Optimizers
 * @param options β₁, β₂, β₃, ε and ε′.
 * @returns The transform; its state is `{ count, firstMoment, secondMoment, differences, gradients }`.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example The first direction
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const transform = optim.scaleByAdan();
 * const params = tensor([0, 0]);
 * const [updates] = transform.update(tensor([300, -2]), transform.init(params), params);
 * assertTensorsClose(updates, [1, -1], { rtol: 1e-5 });
 * ```
 */
export function scaleByAdan(options?: ScaleByAdanOptions): Optimizer<ScaleByAdanState> {
  const what = "Cannot scale by Adan";
  const settings = readOptions(what, options ?? {}, ADAN);
  checkAdan(what, settings);
  const { beta1, beta2, beta3, eps, epsRoot } = settings;
  return described<Optimizer<ScaleByAdanState>>({ name: "scaleByAdan", settings }, {
    init: (params) => ({
      ...newMoments(params),
      differences: fillLike(params, 0),
      gradients: fillLike(params, 0),
    }),
    update(grads, state, params) {
      checkState(state, ["count", "firstMoment", "secondMoment", "differences", "gradients"]);
      const { count: done, ...old } = state;
      const count = nextCount(checkCount(done));
      const isFirst = done.equal(0);
      const t = count.astype("float64");
      const [first, second, third] = [beta1, beta2, beta3].map((beta) =>
        scalarFor(pow(beta, t).neg().add(1))
      );
      const [updates, next] = updateLeaves(grads, params, old, (g, s) => {
        const towards = (mean: Tensor, now: Tensor, beta: number) =>
          mean.mul(beta).add(now.mul(1 - beta));
        const difference = where(isFirst, 0, g.sub(s.gradients));
        const firstMoment = towards(s.firstMoment, g, beta1);
        const differences = towards(s.differences, difference, beta2);
        const ahead = g.add(difference.mul(1 - beta2));
        const secondMoment = towards(s.secondMoment, ahead.square(), beta3);
        const root = rootOf(secondMoment.div(third(g)).add(epsRoot)).add(eps);
        const mean = firstMoment.div(first(g)).add(differences.div(second(g)).mul(1 - beta2));
        return { update: mean.div(root), firstMoment, secondMoment, differences, gradients: g };
      });
      return [updates, { count, ...next }];
    },
  });
}

/**
 * Adan: the direction of `scaleByAdan` plus λ p, times −η; optax's `adan`.
 *
 * @category Optimizers
 * @param learningRate The rate η: a number of at least 0, a scalar tensor, or a schedule.
 * @param options β₁, β₂, β₃, ε, ε′, weight decay λ, maximize.
 * @returns The optimiser.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example One step
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const optimizer = optim.adan(0.1);
 * const params = tensor([4]);
 * const [updates] = optimizer.update(tensor([30]), optimizer.init(params), params);
 * assertTensorsClose(updates, [-0.1], { rtol: 1e-5 });
 * ```
 */
export function adan(learningRate: LearningRate, options?: AdanOptions): Optimizer {
  return assemble("adan", learningRate, options ?? {}, {
    defaults: { ...ADAN, epsRoot: 1e-8 },
    decays: "direction",
    direction: ({ beta1, beta2, beta3, eps, epsRoot }, what) => {
      const own = { beta1, beta2, beta3, eps, epsRoot };
      checkAdan(what, own);
      return [scaleByAdan(own)];
    },
  });
}
