/**
 * Steps in proportion to the parameters: LARS and LAMB.
 *
 * @module
 */
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import { logicalAnd, norm, where } from "../functions/mod.ts";
import { convert } from "../primitives/structure.ts";
import { scaleByAdam } from "./adam.ts";
import { addDecayedWeights } from "./add_decayed_weights.ts";
import { assemble } from "./assemble.ts";
import type { DescentOptions } from "./assemble.ts";
import type { LearningRate } from "./learning_rate.ts";
import { closeUpdates, openGrads, openParams } from "./leaves.ts";
import { checkNesterov, momentum as accumulate } from "./momentum.ts";
import { checkDecayRates, checkNotNegative, readOptions } from "./options.ts";
import type { Optimizer } from "./optimizer.ts";

/**
 * Options of `scaleByTrustRatio`.
 *
 * @category Optimizers
 */
export interface ScaleByTrustRatioOptions {
  /** The ratio's factor c. Default 1. */
  readonly coefficient?: number;
  /** A constant added to the norm of the update. Default 0. */
  readonly eps?: number;
}

/**
 * Options of `lamb`; its eps is 1e-6 by default.
 *
 * @category Optimizers
 */
export interface LambOptions extends DescentOptions {
  /** The share of the first moment that stays from one update to the next. Default 0.9. */
  readonly beta1?: number;
  /** The share of the second moment that stays from one update to the next. Default 0.999. */
  readonly beta2?: number;
  /** A constant added to the root of the second moment. Default 1e-6. */
  readonly eps?: number;
}

/**
 * Options of `lars`; its coefficient is 0.001 by default.
 *
 * @category Optimizers
 */
export interface LarsOptions extends ScaleByTrustRatioOptions, DescentOptions {
  /** The share μ of the buffer that stays from one update to the next. Default 0.9. */
  readonly momentum?: number;
  /** Whether to look one step ahead; needs momentum. Default `false`. */
  readonly nesterov?: boolean;
}

const RATIO = { coefficient: 1, eps: 0 };
const LAMB = { beta1: 0.9, beta2: 0.999, eps: 1e-6 };
const LARS = { coefficient: 1e-3, eps: 0, momentum: 0.9, nesterov: false };

/**
 * Scales the update of each leaf to a share of the leaf's norm: u ← c ‖p‖ / (‖u‖ + ε) u, and u itself
 * where either norm is zero. After You, Gitman and Ginsburg, "Large batch training of convolutional
 * networks" (2017); optax's `scale_by_trust_ratio`.
 *
 * @category Optimizers
 * @param options The factor c and ε.
 * @returns The transform; its state is `null`.
 * @throws {ArgumentError} when an option is negative or not finite.
 *
 * @example An update as long as the parameter
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const transform = optim.scaleByTrustRatio();
 * const params = tensor([3, 4]);
 * const [updates] = transform.update(tensor([0, 2]), transform.init(params), params);
 * assertTensorsClose(updates, [0, 5]);
 * ```
 */
export function scaleByTrustRatio(options?: ScaleByTrustRatioOptions): Optimizer<null> {
  const what = "Cannot scale by the trust ratio";
  const { coefficient, eps } = readOptions(what, options ?? {}, RATIO);
  checkNotNegative(what, { coefficient, eps });
  const scaled = (update: Tensor, parameter: Tensor): Tensor => {
    const wide = update.dtype === "float64" ? "float64" : "float32";
    const [u, p] = [update, parameter].map((x) => norm(convert(x, wide)));
    const isUsual = logicalAnd(u.greater(0), p.greater(0));
    // The quotient that is not chosen must not have an infinite derivative.
    const ratio = p.div(where(isUsual, u.add(eps), 1)).mul(coefficient);
    return convert(convert(update, wide).mul(where(isUsual, ratio, 1)), update.dtype);
  };
  return described<Optimizer<null>>({
    name: "scaleByTrustRatio",
    settings: { coefficient, eps },
  }, {
    init: () => null,
    update(grads, _state, params) {
      const opened = openParams(params);
      const updates = openGrads(grads, opened).map((g, i) => g && scaled(g, opened.leaves[i]));
      return [closeUpdates(opened, updates), null];
    },
  });
}

/**
 * LAMB, Adam with steps in proportion to the parameters: the direction of `scaleByAdam` plus λ p, scaled
 * by `scaleByTrustRatio`, times −η. After You and others, "Large batch optimization for deep learning:
 * Training BERT in 76 minutes" (2020), algorithm 2; optax's `lamb`.
 *
 * @category Optimizers
 * @param learningRate The rate η: a number of at least 0, a scalar tensor, or a schedule.
 * @param options β₁, β₂, ε, weight decay λ, maximize.
 * @returns The optimiser.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example A step of a tenth of the parameter
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const optimizer = optim.lamb(0.1);
 * const params = tensor([5]);
 * const [updates] = optimizer.update(tensor([300]), optimizer.init(params), params);
 * assertTensorsClose(updates, [-0.5], { rtol: 1e-5 });
 * ```
 */
export function lamb(learningRate: LearningRate, options?: LambOptions): Optimizer {
  return assemble("lamb", learningRate, options ?? {}, {
    defaults: LAMB,
    decays: "nothing",
    direction: ({ beta1, beta2, eps, weightDecay }, what) => {
      checkDecayRates(what, { beta1, beta2 });
      checkNotNegative(what, { eps });
      const direction = scaleByAdam({ beta1, beta2, eps });
      return [direction, addDecayedWeights(weightDecay), scaleByTrustRatio()];
    },
  });
}

/**
 * LARS, gradient descent with steps in proportion to the parameters: gradients g + λ p scaled by
 * `scaleByTrustRatio`, times −η, gathered by `momentum`. After You, Gitman and Ginsburg, "Large batch
 * training of convolutional networks" (2017), algorithm 1; optax's `lars`.
 *
 * @category Optimizers
 * @param learningRate The rate η: a number of at least 0, a scalar tensor, or a schedule.
 * @param options The ratio's factor (0.001 by default), ε, momentum μ (0.9 by default), nesterov, weight
 * decay λ, maximize.
 * @returns The optimiser.
 * @throws {ArgumentError} when an option is out of range, or `nesterov` comes without momentum.
 *
 * @example A step of a thousandth of the parameter
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const optimizer = optim.lars(1);
 * const params = tensor([3, 4]);
 * const [updates] = optimizer.update(tensor([0, 2]), optimizer.init(params), params);
 * assertTensorsClose(updates, [0, -0.005], { rtol: 1e-5 });
 * ```
 */
export function lars(learningRate: LearningRate, options?: LarsOptions): Optimizer {
  return assemble("lars", learningRate, options ?? {}, {
    defaults: LARS,
    direction: ({ coefficient, eps, momentum, nesterov }, what) => {
      checkNotNegative(what, { coefficient, eps, momentum });
      checkNesterov(what, nesterov, momentum, 0);
      return [scaleByTrustRatio({ coefficient, eps })];
    },
    after: ({ momentum, nesterov }) => momentum > 0 ? [accumulate(momentum, { nesterov })] : [],
  });
}
