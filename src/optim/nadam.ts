/**
 * NAdam.
 *
 * @module
 */
import { described } from "../core/description.ts";
import { Tensor } from "../core/tensor.ts";
import type { Tree } from "../core/tree.ts";
import { pow } from "../functions/mod.ts";
import { assemble } from "./assemble.ts";
import type { DescentOptions } from "./assemble.ts";
import { checkCount, double, newCount, nextCount } from "./count.ts";
import type { LearningRate } from "./learning_rate.ts";
import { checkScalar } from "./learning_rate.ts";
import { checkState, fillLike, scalarFor, updateLeaves } from "./leaves.ts";
import { checkDecayRates, checkNotNegative, readOptions } from "./options.ts";
import type { Optimizer } from "./optimizer.ts";
import { rootOf } from "./root.ts";

/**
 * Options of `scaleByNadam`.
 *
 * @category Optimizers
 */
export interface ScaleByNadamOptions {
  /** The share of the first moment that stays from one update to the next. Default 0.9. */
  readonly beta1?: number;
  /** The share of the second moment that stays from one update to the next. Default 0.999. */
  readonly beta2?: number;
  /** A constant added to the root of the second moment. Default 1e-8. */
  readonly eps?: number;
  /** How fast the momentum rises to β₁: the δ in the equations. Default 0.004. */
  readonly momentumDecay?: number;
}

/**
 * Options of `nadam`.
 *
 * @category Optimizers
 */
export interface NadamOptions extends ScaleByNadamOptions, DescentOptions {}

/**
 * The state of `scaleByNadam`: the trees are like the parameters.
 *
 * @category Optimizers
 */
export type ScaleByNadamState = {
  /** The number of updates done: an int32 scalar. */
  readonly count: Tensor;
  /** The product π of the momenta μ so far: a float64 scalar. */
  readonly momenta: Tensor;
  /** The decaying mean m of the gradients, not yet corrected for its start at zero. */
  readonly firstMoment: Tree<Tensor>;
  /** The decaying mean v of their squares, in the same form. */
  readonly secondMoment: Tree<Tensor>;
};

const NADAM = { beta1: 0.9, beta2: 0.999, eps: 1e-8, momentumDecay: 4e-3 };

/**
 * NAdam's direction, Adam's with Nesterov's momentum. With gradients g at update t = 1, 2, …, and
 * μ(t) = β₁ (1 − 0.96^(t δ) / 2):
 *
 * ```text
 * m = β₁ m + (1 − β₁) g
 * v = β₂ v + (1 − β₂) g²
 * π = π μ(t)
 * u = ((1 − μ(t)) / (1 − π) g + μ(t + 1) / (1 − π μ(t + 1)) m) / (√(v / (1 − β₂ᵗ)) + ε)
 * ```
 *
 * After Dozat, "Incorporating Nesterov momentum into Adam" (2016), in PyTorch's form.
 *
 * @category Optimizers
 * @param options β₁, β₂, ε and δ.
 * @returns The transform; its state is `{ count, momenta, firstMoment, secondMoment }`.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example The first direction follows the gradient's sign
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const transform = optim.scaleByNadam();
 * const params = tensor([0, 0]);
 * const [updates] = transform.update(tensor([300, -0.02]), transform.init(params), params);
 * assertTensorsClose(updates.sign(), [1, -1]);
 * ```
 */
export function scaleByNadam(options?: ScaleByNadamOptions): Optimizer<ScaleByNadamState> {
  const what = "Cannot scale by NAdam";
  const { beta1, beta2, eps, momentumDecay } = readOptions(what, options ?? {}, NADAM);
  checkDecayRates(what, { beta1, beta2 });
  checkNotNegative(what, { eps, momentumDecay });
  const momentumAt = (t: Tensor): Tensor =>
    pow(0.96, t.mul(momentumDecay)).mul(-0.5).add(1).mul(beta1);
  return described<Optimizer<ScaleByNadamState>>({
    name: "scaleByNadam",
    settings: { beta1, beta2, eps, momentumDecay },
  }, {
    init: (params) => ({
      count: newCount(),
      momenta: double(1),
      firstMoment: fillLike(params, 0),
      secondMoment: fillLike(params, 0),
    }),
    update(grads, state, params) {
      checkState(state, ["count", "momenta", "firstMoment", "secondMoment"]);
      const count = nextCount(checkCount(state.count));
      if (state.momenta instanceof Tensor) {
        checkScalar(state.momenta, "Cannot update with the momenta of this state");
      }
      const t = count.astype("float64");
      const [now, next] = [momentumAt(t), momentumAt(t.add(1))];
      const momenta = state.momenta.mul(now);
      const correction = scalarFor(pow(beta2, t).neg().add(1));
      const ofGradient = scalarFor(now.neg().add(1).div(momenta.neg().add(1)));
      const ofMoment = scalarFor(next.div(momenta.mul(next).neg().add(1)));
      const { firstMoment, secondMoment } = state;
      const old = { firstMoment, secondMoment };
      const [updates, moments] = updateLeaves(grads, params, old, (g, s) => {
        const firstMoment = s.firstMoment.mul(beta1).add(g.mul(1 - beta1));
        const secondMoment = s.secondMoment.mul(beta2).add(g.square().mul(1 - beta2));
        const root = rootOf(secondMoment.div(correction(g))).add(eps);
        const update = g.mul(ofGradient(g)).add(firstMoment.mul(ofMoment(g))).div(root);
        return { update, firstMoment, secondMoment };
      });
      return [updates, { count, momenta, ...moments }];
    },
  });
}

/**
 * NAdam, with PyTorch's equations: the direction of `scaleByNadam` for the gradients g = d + λ p (−d with
 * `maximize`), times −η.
 *
 * @category Optimizers
 * @param learningRate The rate η: a number of at least 0, a scalar tensor, or a schedule. PyTorch's
 * default is 0.002.
 * @param options β₁, β₂, ε, momentum decay δ, weight decay λ, maximize.
 * @returns The optimiser.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example One step downhill
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const optimizer = optim.nadam(0.1);
 * const params = tensor([4]);
 * const [updates] = optimizer.update(tensor([30]), optimizer.init(params), params);
 * assertTensorsClose(updates.sign(), [-1]);
 * ```
 */
export function nadam(learningRate: LearningRate, options?: NadamOptions): Optimizer {
  return assemble("nadam", learningRate, options ?? {}, {
    defaults: NADAM,
    direction: ({ beta1, beta2, eps, momentumDecay }, what) => {
      checkDecayRates(what, { beta1, beta2 });
      checkNotNegative(what, { eps, momentumDecay });
      return [scaleByNadam({ beta1, beta2, eps, momentumDecay })];
    },
  });
}
