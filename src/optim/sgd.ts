/**
 * Stochastic gradient descent.
 *
 * @module
 */
import { assemble } from "./assemble.ts";
import type { DescentOptions } from "./assemble.ts";
import type { LearningRate } from "./learning_rate.ts";
import { checkNesterov, momentum as accumulate } from "./momentum.ts";
import { checkNotNegative } from "./options.ts";
import type { Optimizer } from "./optimizer.ts";

/**
 * Options of `sgd`.
 *
 * @category Optimizers
 */
export interface SgdOptions extends DescentOptions {
  /** The share μ of the buffer that stays from one update to the next. Default 0: no buffer. */
  readonly momentum?: number;
  /** The share τ of each gradient but the first that does not enter the buffer. Default 0. */
  readonly dampening?: number;
  /** Whether to look one step ahead; needs momentum and no dampening. Default `false`. */
  readonly nesterov?: boolean;
}

/**
 * Stochastic gradient descent, with PyTorch's equations. With gradients d (−d with `maximize`) and
 * parameters p:
 *
 * ```text
 * g = d + λ p
 * b = g at the first update, μ b + (1 − τ) g after it     (only with momentum)
 * u = −η g without momentum, −η b with it, −η (g + μ b) with nesterov
 * ```
 *
 * @category Optimizers
 * @param learningRate The rate η: a number of at least 0, a scalar tensor, or a schedule.
 * @param options Momentum μ, dampening τ, nesterov, weight decay λ, maximize.
 * @returns The optimiser.
 * @throws {ArgumentError} when an option is out of range, or `nesterov` comes without momentum or
 * with dampening.
 *
 * @example A parabola's minimum
 * ```ts
 * import { grad, optim, tensor } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const loss = (x: Tensor) => x.sub(3).square().sum();
 * const optimizer = optim.sgd(0.1, { momentum: 0.5 });
 * let params = tensor([0, 10]);
 * let state = optimizer.init(params);
 * for (let i = 0; i < 100; i++) {
 *   const [updates, next] = optimizer.update(grad(loss)(params), state, params);
 *   params = optim.applyUpdates(params, updates);
 *   state = next;
 * }
 * assertTensorsClose(params, tensor([3, 3]), { rtol: 1e-5 });
 * ```
 */
export function sgd(learningRate: LearningRate, options?: SgdOptions): Optimizer {
  return assemble("sgd", learningRate, options ?? {}, {
    defaults: { momentum: 0, dampening: 0, nesterov: false },
    direction: ({ momentum, dampening, nesterov }, what) => {
      checkNotNegative(what, { momentum });
      checkNesterov(what, nesterov, momentum, dampening);
      return momentum > 0 ? [accumulate(momentum, { dampening, nesterov })] : [];
    },
  });
}
