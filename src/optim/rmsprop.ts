/**
 * RMSprop.
 *
 * @module
 */
import { argumentError } from "../base/errors.ts";
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Tree } from "../core/tree.ts";
import { assemble } from "./assemble.ts";
import type { DescentOptions } from "./assemble.ts";
import type { LearningRate } from "./learning_rate.ts";
import { checkState, fillLike, updateLeaves } from "./leaves.ts";
import { momentum as accumulate } from "./momentum.ts";
import { checkNotNegative, readOptions } from "./options.ts";
import type { Optimizer } from "./optimizer.ts";
import { rootOf } from "./root.ts";

/**
 * Options of `scaleByRms`.
 *
 * @category Optimizers
 */
export interface ScaleByRmsOptions {
  /** The share of the moments that stays from one update to the next. Default 0.99. */
  readonly alpha?: number;
  /** A constant added to the root. Default 1e-8. */
  readonly eps?: number;
  /**
   * Whether to divide by the deviation from the mean instead of the root of the mean square.
   * Default `false`.
   */
  readonly centered?: boolean;
}

/**
 * Options of `rmsprop`.
 *
 * @category Optimizers
 */
export interface RmspropOptions extends ScaleByRmsOptions, DescentOptions {
  /** The share μ of the buffer that stays from one update to the next. Default 0: no buffer. */
  readonly momentum?: number;
}

/**
 * The state of `scaleByRms`: the trees are like the parameters.
 *
 * @category Optimizers
 */
export type ScaleByRmsState = {
  /** The decaying mean of squared gradients. */
  readonly secondMoment: Tree<Tensor>;
  /** The decaying mean of the gradients; `null` unless `centered`. */
  readonly firstMoment: Tree<Tensor>;
};

const RMS = { alpha: 0.99, eps: 1e-8, centered: false };

function checkRms(what: string, { alpha, eps }: { alpha: number; eps: number }): void {
  checkNotNegative(what, { alpha, eps });
  if (alpha > 1) throw argumentError(`${what} with alpha ${alpha}: expected a number from 0 to 1`);
}

/**
 * Divides gradients by the root of the decaying mean of their squares:
 *
 * ```text
 * v = α v + (1 − α) g²
 * m = α m + (1 − α) g        (only with centered)
 * u = g / (√v + ε), or g / (√(v − m²) + ε) with centered
 * ```
 *
 * After Tieleman and Hinton, "Lecture 6.5: RMSprop" (Neural networks for machine learning, 2012),
 * and Graves, "Generating sequences with recurrent neural networks" (2013), equations 38 to 41, in
 * PyTorch's form, with ε outside the root. The root of a mean below the smallest normal number is
 * that number's, so that derivatives through an update stay finite where a gradient was zero.
 *
 * @category Optimizers
 * @param options α, ε, and whether to subtract the squared mean.
 * @returns The transform; its state is `{ secondMoment, firstMoment }`.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example Large and small gradients come out alike
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const transform = optim.scaleByRms({ alpha: 0.75 });
 * const params = tensor([0, 0]);
 * const [updates] = transform.update(tensor([300, -0.02]), transform.init(params), params);
 * assertTensorsClose(updates, tensor([2, -2]), { rtol: 1e-5 });
 * ```
 */
export function scaleByRms(options?: ScaleByRmsOptions): Optimizer<ScaleByRmsState> {
  if (options === undefined) options = {};
  const what = "Cannot scale by RMS";
  const { alpha, eps, centered } = readOptions(what, options, RMS);
  checkRms(what, { alpha, eps });
  return described<Optimizer<ScaleByRmsState>>({
    name: "scaleByRms",
    settings: { alpha, eps, centered },
  }, {
    init: (params) => ({
      secondMoment: fillLike(params, 0),
      firstMoment: centered ? fillLike(params, 0) : null,
    }),
    update(grads, state, params) {
      checkState(state, ["secondMoment", "firstMoment"]);
      const { secondMoment, firstMoment } = state;
      const old = { secondMoment, ...(centered ? { firstMoment } : {}) };
      const [updates, moments] = updateLeaves(grads, params, old, (g, s) => {
        const secondMoment = s.secondMoment.mul(alpha).add(g.square().mul(1 - alpha));
        const firstMoment = centered ? s.firstMoment.mul(alpha).add(g.mul(1 - alpha)) : undefined;
        const spread = firstMoment ? secondMoment.sub(firstMoment.square()) : secondMoment;
        return { update: g.div(rootOf(spread).add(eps)), secondMoment, firstMoment };
      });
      return [updates, { ...moments, firstMoment: moments.firstMoment ?? null }];
    },
  });
}

/**
 * RMSprop, with PyTorch's equations: the direction of `scaleByRms` for the gradients g = d + λ p
 * (−d with `maximize`), gathered by `momentum` when μ is above 0, times −η.
 *
 * @category Optimizers
 * @param learningRate The rate η: a number of at least 0, a scalar tensor, or a schedule. PyTorch's
 * default is 0.01.
 * @param options α, ε, momentum μ, centered, weight decay λ, maximize.
 * @returns The optimiser.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example A valley that is steep in one direction
 * ```ts
 * import { grad, optim, tensor } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const loss = (x: Tensor) => x.square().mul(tensor([1000, 0.1])).sum();
 * const optimizer = optim.rmsprop(optim.polynomial(0.1, { steps: 200 }), { alpha: 0.9 });
 * let params = tensor([3, 3]);
 * let state = optimizer.init(params);
 * for (let i = 0; i < 200; i++) {
 *   const [updates, next] = optimizer.update(grad(loss)(params), state, params);
 *   params = optim.applyUpdates(params, updates);
 *   state = next;
 * }
 * assertTensorsClose(params, tensor([0, 0]), { atol: 1e-2 });
 * ```
 */
export function rmsprop(learningRate: LearningRate, options?: RmspropOptions): Optimizer {
  return assemble("rmsprop", learningRate, options ?? {}, {
    defaults: { ...RMS, momentum: 0 },
    direction: ({ alpha, eps, centered, momentum }, what) => {
      checkRms(what, { alpha, eps });
      checkNotNegative(what, { momentum });
      return [
        scaleByRms({ alpha, eps, centered }),
        ...(momentum > 0 ? [accumulate(momentum)] : []),
      ] as readonly Optimizer[];
    },
  });
}
