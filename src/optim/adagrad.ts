/**
 * Adagrad.
 *
 * @module
 */
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Tree } from "../core/tree.ts";
import { chain } from "./chain.ts";
import { checkLearningRate } from "./learning_rate.ts";
import type { LearningRate } from "./learning_rate.ts";
import { checkState, fillLike, updateLeaves } from "./leaves.ts";
import { checkNotNegative, readOptions } from "./options.ts";
import type { Optimizer, OptimizerState } from "./optimizer.ts";
import { prepare } from "./prepare.ts";
import { rootOf } from "./root.ts";
import { scaleByLearningRate, varied } from "./scale.ts";

/**
 * Options of `scaleByAdagrad`.
 *
 * @category Optimizers
 */
export interface ScaleByAdagradOptions {
  /** Where the sum of squares begins. Default 0. */
  readonly initialAccumulator?: number;
  /** A constant added to the root. Default 1e-10. */
  readonly eps?: number;
}

/**
 * Options of `adagrad`.
 *
 * @category Optimizers
 */
export interface AdagradOptions extends ScaleByAdagradOptions {
  /** How fast the learning rate falls by itself. Default 0. */
  readonly lrDecay?: number;
  /** The share λ of the parameters that is added to the gradients. Default 0. */
  readonly weightDecay?: number;
  /** Whether to climb instead of descending. Default `false`. */
  readonly maximize?: boolean;
}

/**
 * The state of `scaleByAdagrad`.
 *
 * @category Optimizers
 */
export type ScaleByAdagradState = {
  /** The sum of all squared gradients: a tree like the parameters. */
  readonly accumulator: Tree<Tensor>;
};

const ADAGRAD = { initialAccumulator: 0, eps: 1e-10 };

/**
 * Divides gradients by the root of the sum of all their squares: s = s + g², u = g / (√s + ε).
 * After Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic
 * optimization" (2011), with PyTorch's ε. The root of a sum below the smallest normal number is
 * that number's, so that derivatives through an update stay finite where a gradient was zero.
 *
 * @category Optimizers
 * @param options Where s begins, and ε.
 * @returns The transform; its state is `{ accumulator }`.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example Equal gradients count less and less
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const transform = optim.scaleByAdagrad();
 * const params = tensor([0]);
 * let state = transform.init(params);
 * let updates = params;
 * for (let i = 0; i < 4; i++) [updates, state] = transform.update(tensor([7]), state, params);
 * assertTensorsClose(updates, tensor([0.5]));
 * ```
 */
export function scaleByAdagrad(
  options?: ScaleByAdagradOptions,
): Optimizer<ScaleByAdagradState> {
  if (options === undefined) options = {};
  const what = "Cannot scale by Adagrad";
  const { initialAccumulator, eps } = readOptions(what, options, ADAGRAD);
  checkNotNegative(what, { initialAccumulator, eps });
  return described<Optimizer<ScaleByAdagradState>>({
    name: "scaleByAdagrad",
    settings: { initialAccumulator, eps },
  }, {
    init: (params) => ({ accumulator: fillLike(params, initialAccumulator) }),
    update(grads, state, params) {
      checkState(state, ["accumulator"]);
      const { accumulator } = state;
      return updateLeaves(grads, params, { accumulator }, (g, old) => {
        const accumulator = old.accumulator.add(g.square());
        return { update: g.div(rootOf(accumulator).add(eps)), accumulator };
      });
    },
  });
}

/**
 * Adagrad, with PyTorch's equations: the direction of `scaleByAdagrad` for the gradients g = d + λ
 * p (−d with `maximize`), times −η / (1 + t ρ), where t is the number of updates done so far.
 *
 * @category Optimizers
 * @param learningRate The rate η: a number of at least 0, a scalar tensor, or a schedule. PyTorch's
 * default is 0.01.
 * @param options The rate's own decay ρ, weight decay λ, the start of the sum of squares, ε,
 * maximize.
 * @returns The optimiser.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example The first step is the learning rate
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const optimizer = optim.adagrad(0.1);
 * const params = tensor([0, 0]);
 * const [updates] = optimizer.update(tensor([300, -0.02]), optimizer.init(params), params);
 * assertTensorsClose(updates, tensor([-0.1, 0.1]));
 * ```
 */
export function adagrad(learningRate: LearningRate, options?: AdagradOptions): Optimizer {
  if (options === undefined) options = {};
  const what = "Cannot make adagrad";
  checkLearningRate(learningRate, what);
  const { lrDecay, weightDecay, initialAccumulator, eps, maximize } = readOptions(what, options, {
    ...ADAGRAD,
    lrDecay: 0,
    weightDecay: 0,
    maximize: false,
  });
  checkNotNegative(what, { lrDecay, weightDecay, initialAccumulator, eps });
  return described<Optimizer>(
    {
      name: "adagrad",
      settings: { learningRate, lrDecay, weightDecay, initialAccumulator, eps, maximize },
    },
    chain<readonly OptimizerState[]>(
      ...prepare({ maximize, weightDecay }),
      scaleByAdagrad({ initialAccumulator, eps }),
      scaleByLearningRate(
        lrDecay === 0
          ? learningRate
          : varied(learningRate, (rate, count) => rate.div(count.mul(lrDecay).add(1))),
      ),
    ),
  );
}
