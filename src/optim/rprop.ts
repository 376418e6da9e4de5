/**
 * Rprop.
 *
 * @module
 */
import { argumentError } from "../base/errors.ts";
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Tree } from "../core/tree.ts";
import { where } from "../functions/mod.ts";
import { chain } from "./chain.ts";
import type { DescentOptions } from "./assemble.ts";
import { newCount } from "./count.ts";
import { checkLearningRate } from "./learning_rate.ts";
import type { LearningRate } from "./learning_rate.ts";
import { checkState, fillLike, scalarFor, updateLeaves } from "./leaves.ts";
import { checkNotNegative, readOptions } from "./options.ts";
import type { Optimizer, OptimizerState } from "./optimizer.ts";
import { prepare } from "./prepare.ts";
import { callSchedule, scale } from "./scale.ts";

/**
 * Options of `rprop`.
 *
 * @category Optimizers
 */
export interface RpropOptions extends Pick<DescentOptions, "maximize"> {
  /** The factor of a step after the gradient's sign changed; between 0 and 1. Default 0.5. */
  readonly shrink?: number;
  /** The factor of a step while the gradient keeps its sign; above 1. Default 1.2. */
  readonly grow?: number;
  /** The smallest step. Default 1e-6. */
  readonly smallest?: number;
  /** The largest step. Default 50. */
  readonly largest?: number;
}

/** The state of Rprop: trees like the parameters. */
type RpropState = {
  /** The gradient of the update before; zero where its sign has just changed. */
  readonly previous: Tree<Tensor>;
  /** The size of each element's step. */
  readonly stepSize: Tree<Tensor>;
};

/**
 * Rprop, with PyTorch's equations: steps in the direction of the gradient's sign. The step size of each element
 * grows while the sign stays and shrinks when it changes; the element then pauses for one update. After
 * Riedmiller and Braun, "A direct adaptive method for faster backpropagation learning: The RPROP algorithm"
 * (1993). It needs gradients of the whole data set, not of batches.
 *
 * @category Optimizers
 * @param learningRate The first size of all steps: a number of at least 0, a scalar tensor, or a schedule,
 * of which the first value counts. PyTorch's default is 0.01.
 * @param options The factors, the smallest and the largest step, maximize.
 * @returns The optimiser.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example The second step is longer
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const optimizer = optim.rprop(0.1);
 * const params = tensor([4]);
 * const [first, state] = optimizer.update(tensor([30]), optimizer.init(params), params);
 * const [second] = optimizer.update(tensor([20]), state, params);
 * assertTensorsClose(first, [-0.1]);
 * assertTensorsClose(second, [-0.12]);
 * ```
 */
export function rprop(learningRate: LearningRate, options?: RpropOptions): Optimizer {
  const what = "Cannot make rprop";
  checkLearningRate(learningRate, what);
  const settings = readOptions(what, options ?? {}, {
    shrink: 0.5,
    grow: 1.2,
    smallest: 1e-6,
    largest: 50,
    maximize: false,
  });
  const { shrink, grow, smallest, largest, maximize } = settings;
  checkNotNegative(what, { shrink, grow, smallest, largest });
  if (!(shrink > 0 && shrink < 1 && grow > 1)) {
    throw argumentError(
      `${what} with shrink ${shrink} and grow ${grow}: expected one between 0 and 1 and one above 1`,
    );
  }
  if (smallest > largest) {
    throw argumentError(`${what} with smallest ${smallest}: expected at most largest, ${largest}`);
  }
  const signs: Optimizer<RpropState> = {
    init(params) {
      const rate = typeof learningRate === "function"
        ? callSchedule(learningRate, newCount())
        : learningRate;
      const first = scalarFor(rate);
      const filled = updateLeaves(fillLike(params, 0), params, {}, (x) => ({
        update: x.add(first(x)),
      }));
      return { previous: fillLike(params, 0), stepSize: filled[0] as Tree<Tensor> };
    },
    update(grads, state, params) {
      checkState(state, ["previous", "stepSize"]);
      const { previous, stepSize } = state;
      return updateLeaves(grads, params, { previous, stepSize }, (g, s) => {
        const turn = g.mul(s.previous).sign();
        const shrunk = where(turn.less(0), s.stepSize.mul(shrink), s.stepSize);
        const sizes = where(turn.greater(0), s.stepSize.mul(grow), shrunk);
        const stepSize = sizes.clip(smallest, largest);
        const previous = where(turn.less(0), 0, g);
        return { update: previous.sign().mul(stepSize), previous, stepSize };
      });
    },
  };
  return described<Optimizer>(
    { name: "rprop", settings: { learningRate, ...settings } },
    chain<readonly OptimizerState[]>(
      ...prepare({ maximize, weightDecay: 0 }),
      signs as unknown as Optimizer,
      scale(-1) as Optimizer,
    ),
  );
}
