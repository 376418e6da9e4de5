/**
 * NovoGrad.
 *
 * @module
 */
import { described } from "../core/description.ts";
import { where } from "../functions/mod.ts";
import { assemble } from "./assemble.ts";
import type { DescentOptions } from "./assemble.ts";
import { checkCount, nextCount } from "./count.ts";
import type { LearningRate } from "./learning_rate.ts";
import { checkState, fillLike, updateLeaves } from "./leaves.ts";
import type { ShapeOf } from "./leaves.ts";
import { newMoments } from "./moments.ts";
import type { MomentsState } from "./moments.ts";
import { checkDecayRates, checkNotNegative, readOptions } from "./options.ts";
import type { Optimizer } from "./optimizer.ts";
import { rootOf } from "./root.ts";

/**
 * Options of `scaleByNovograd`.
 *
 * @category Optimizers
 */
export interface ScaleByNovogradOptions {
  /** The share of the first moment that stays from one update to the next. Default 0.9. */
  readonly beta1?: number;
  /** The share of the second moment that stays from one update to the next. Default 0.25. */
  readonly beta2?: number;
  /** A constant added to the root of the second moment. Default 1e-8; 1e-6 for `novograd`. */
  readonly eps?: number;
  /** A constant added to the second moment within the root. Default 0. */
  readonly epsRoot?: number;
  /** The weight decay λ. Default 0. */
  readonly weightDecay?: number;
}

/**
 * Options of `novograd`.
 *
 * @category Optimizers
 */
export interface NovogradOptions extends ScaleByNovogradOptions, DescentOptions {
  /** The weight decay λ. Default 0. */
  readonly weightDecay?: number;
}

const NOVOGRAD = { beta1: 0.9, beta2: 0.25, eps: 1e-8, epsRoot: 0 };

function checkNovograd(what: string, { beta1, beta2, eps, epsRoot }: typeof NOVOGRAD): void {
  checkDecayRates(what, { beta1, beta2 });
  checkNotNegative(what, { eps, epsRoot });
}

/** One number for each leaf. */
const scalar: ShapeOf = () => [];

/**
 * NovoGrad's direction, gradients divided by a norm that each leaf has as a whole. With gradients g and
 * parameters p of a leaf:
 *
 * ```text
 * v = ‖g‖² at the first update, β₂ v + (1 − β₂) ‖g‖² after it
 * u = m = β₁ m + g / (√(v + ε′) + ε) + λ p
 * ```
 *
 * After Ginsburg and others, "Stochastic gradient methods with layer-wise adaptive moments for training of
 * deep networks" (2019), algorithm 1; optax's `scale_by_novograd`.
 *
 * @category Optimizers
 * @param options β₁, β₂, ε, ε′ and the weight decay λ.
 * @returns The transform; its state is `{ count, firstMoment, secondMoment }`, whose second moment has a
 * scalar for each leaf.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example A direction of length 1
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const transform = optim.scaleByNovograd();
 * const params = tensor([0, 0]);
 * const [updates] = transform.update(tensor([300, -400]), transform.init(params), params);
 * assertTensorsClose(updates, [0.6, -0.8], { rtol: 1e-5 });
 * ```
 */
export function scaleByNovograd(options?: ScaleByNovogradOptions): Optimizer<MomentsState> {
  const what = "Cannot scale by NovoGrad";
  const settings = readOptions(what, options ?? {}, { ...NOVOGRAD, weightDecay: 0 });
  checkNovograd(what, settings);
  const { beta1, beta2, eps, epsRoot, weightDecay } = settings;
  checkNotNegative(what, { weightDecay });
  return described<Optimizer<MomentsState>>({ name: "scaleByNovograd", settings }, {
    init: (params) => ({ ...newMoments(params), secondMoment: fillLike(params, 0, scalar) }),
    update(grads, state, params) {
      checkState(state, ["count", "firstMoment", "secondMoment"]);
      const old = checkCount(state.count);
      const isFirst = old.equal(0);
      const { firstMoment, secondMoment } = state;
      const [updates, moments] = updateLeaves(
        grads,
        params,
        { firstMoment, secondMoment },
        (g, s, p) => {
          const square = g.square().sum();
          const mean = s.secondMoment.mul(beta2).add(square.mul(1 - beta2));
          const secondMoment = where(isFirst, square, mean);
          const direction = g.div(rootOf(secondMoment.add(epsRoot)).add(eps));
          const moved = s.firstMoment.mul(beta1).add(direction);
          const firstMoment = weightDecay === 0 ? moved : moved.add(p.mul(weightDecay));
          return { update: firstMoment, firstMoment, secondMoment };
        },
        { secondMoment: scalar },
      );
      return [updates, { count: nextCount(old), ...moments }];
    },
  });
}

/**
 * NovoGrad: the direction of `scaleByNovograd`, times −η; optax's `novograd`.
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
 * const optimizer = optim.novograd(0.1);
 * const params = tensor([4, 4]);
 * const [updates] = optimizer.update(tensor([3, 4]), optimizer.init(params), params);
 * assertTensorsClose(updates, [-0.06, -0.08], { rtol: 1e-5 });
 * ```
 */
export function novograd(learningRate: LearningRate, options?: NovogradOptions): Optimizer {
  return assemble("novograd", learningRate, options ?? {}, {
    defaults: { ...NOVOGRAD, eps: 1e-6 },
    decays: "nothing",
    direction: ({ beta1, beta2, eps, epsRoot, weightDecay }, what) => {
      checkNovograd(what, { beta1, beta2, eps, epsRoot });
      return [scaleByNovograd({ beta1, beta2, eps, epsRoot, weightDecay })];
    },
  });
}
