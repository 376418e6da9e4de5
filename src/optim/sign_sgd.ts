/**
 * Steps of the gradients' signs.
 *
 * @module
 */
import { assemble } from "./assemble.ts";
import type { DescentOptions } from "./assemble.ts";
import { ema } from "./ema.ts";
import { scaleBySign } from "./gradients.ts";
import type { LearningRate } from "./learning_rate.ts";
import { checkDecayRates } from "./options.ts";
import type { Optimizer } from "./optimizer.ts";

/**
 * Options of `signSgd`.
 *
 * @category Optimizers
 */
export interface SignSgdOptions extends DescentOptions {
  /** The share β of the mean of gradients that stays from one update to the next. Default 0: no mean. */
  readonly beta?: number;
}

/**
 * Steps of one length: −η sign(m) with m = β m + (1 − β) g for the gradients g = d + λ p (−d with `maximize`).
 * After Bernstein and others, "signSGD: Compressed optimisation for non-convex problems" (2018), algorithms 1
 * and, with β, 2; optax's `sign_sgd` and `signum`, whose β is 0.9.
 *
 * @category Optimizers
 * @param learningRate The rate η: a number of at least 0, a scalar tensor, or a schedule.
 * @param options β, weight decay λ, maximize.
 * @returns The optimiser.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example One step
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const optimizer = optim.signSgd(0.1);
 * const params = tensor([1, 2, 3]);
 * const [updates] = optimizer.update(tensor([5, 0, -0.01]), optimizer.init(params), params);
 * assertTensorsClose(updates, [-0.1, 0, 0.1]);
 * ```
 */
export function signSgd(learningRate: LearningRate, options?: SignSgdOptions): Optimizer {
  return assemble("signSgd", learningRate, options ?? {}, {
    defaults: { beta: 0 },
    direction: ({ beta }, what) => {
      checkDecayRates(what, { beta });
      const mean = beta > 0 ? [ema(beta, { debias: false })] : [];
      return [...mean, scaleBySign()] as readonly Optimizer[];
    },
  });
}
