/**
 * Lion.
 *
 * @module
 */
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Tree } from "../core/tree.ts";
import { assemble } from "./assemble.ts";
import type { DescentOptions } from "./assemble.ts";
import type { LearningRate } from "./learning_rate.ts";
import { checkState, fillLike, updateLeaves } from "./leaves.ts";
import { checkDecayRates, readOptions } from "./options.ts";
import type { Optimizer } from "./optimizer.ts";

/**
 * Options of `scaleByLion`.
 *
 * @category Optimizers
 */
export interface ScaleByLionOptions {
  /** The share of the mean in the direction. Default 0.9. */
  readonly beta1?: number;
  /** The share of the mean that stays from one update to the next. Default 0.99. */
  readonly beta2?: number;
}

/**
 * Options of `lion`; its weight decay is 0.001 by default.
 *
 * @category Optimizers
 */
export interface LionOptions extends ScaleByLionOptions, DescentOptions {}

/**
 * The state of `scaleByLion`.
 *
 * @category Optimizers
 */
export type ScaleByLionState = {
  /** The decaying mean m of the gradients: a tree like the parameters. */
  readonly firstMoment: Tree<Tensor>;
};

const LION = { beta1: 0.9, beta2: 0.99 };

/**
 * Lion's direction, the sign of a mean of the gradient and past ones: u = sign(β₁ m + (1 − β₁) g), and
 * after it m = β₂ m + (1 − β₂) g. After Chen and others, "Symbolic discovery of optimization
 * algorithms" (2023), program 1; optax's `scale_by_lion`.
 *
 * @category Optimizers
 * @param options β₁ and β₂.
 * @returns The transform; its state is `{ firstMoment }`.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example Signs alone
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const transform = optim.scaleByLion();
 * const params = tensor([0, 0, 0]);
 * const [updates] = transform.update(tensor([300, -0.02, 0]), transform.init(params), params);
 * assertTensorsClose(updates, [1, -1, 0]);
 * ```
 */
export function scaleByLion(options?: ScaleByLionOptions): Optimizer<ScaleByLionState> {
  const what = "Cannot scale by Lion";
  const { beta1, beta2 } = readOptions(what, options ?? {}, LION);
  checkDecayRates(what, { beta1, beta2 });
  return described<Optimizer<ScaleByLionState>>(
    { name: "scaleByLion", settings: { beta1, beta2 } },
    {
      init: (params) => ({ firstMoment: fillLike(params, 0) }),
      update(grads, state, params) {
        checkState(state, ["firstMoment"]);
        const { firstMoment } = state;
        return updateLeaves(grads, params, { firstMoment }, (g, { firstMoment: m }) => ({
          update: m.mul(beta1).add(g.mul(1 - beta1)).sign(),
          firstMoment: m.mul(beta2).add(g.mul(1 - beta2)),
        }));
      },
    },
  );
}

/**
 * Lion: u = −η (s + λ p), where s is the direction of `scaleByLion`; optax's `lion`. Every step has the
 * same size, so rates are about a tenth of Adam's.
 *
 * @category Optimizers
 * @param learningRate The rate η: a number of at least 0, a scalar tensor, or a schedule.
 * @param options β₁, β₂, weight decay λ (0.001 by default), maximize.
 * @returns The optimiser.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example One step
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const optimizer = optim.lion(0.1, { weightDecay: 0.5 });
 * const params = tensor([4, 0]);
 * const [updates] = optimizer.update(tensor([3, -7]), optimizer.init(params), params);
 * assertTensorsClose(updates, [-0.3, 0.1]);
 * ```
 */
export function lion(learningRate: LearningRate, options?: LionOptions): Optimizer {
  return assemble("lion", learningRate, options ?? {}, {
    defaults: LION,
    weightDecay: 1e-3,
    decays: "direction",
    direction: ({ beta1, beta2 }, what) => {
      checkDecayRates(what, { beta1, beta2 });
      return [scaleByLion({ beta1, beta2 })];
    },
  });
}
