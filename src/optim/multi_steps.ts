/**
 * Gradient accumulation.
 *
 * @module
 */
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Tree } from "../core/tree.ts";
import { where } from "../functions/mod.ts";
import { chosen } from "./choose.ts";
import { newCount, nextPlace } from "./count.ts";
import { checkState, fillLike, scalarFor, updateLeaves } from "./leaves.ts";
import { checkCounts } from "./options.ts";
import { checkOptimizer } from "./optimizer.ts";
import type { Optimizer } from "./optimizer.ts";

/**
 * The state of `multiSteps`.
 *
 * @category Gradient transformations
 */
export type MultiStepsState<Inner> = {
  /** How many gradients are in the mean: an int32 scalar. */
  readonly count: Tensor;
  /** The mean of the gradients since the optimiser's last step: a tree like the parameters. */
  readonly mean: Tree<Tensor>;
  /** The state of the optimiser. */
  readonly inner: Inner;
};

/**
 * Gradient accumulation: an optimiser that takes one step for every `steps` updates, with the mean of
 * their gradients, as if they were one batch. The other updates are zero, and the optimiser's state
 * (with it, schedules) stays; optax's `MultiSteps`. The mean is kept in the parameters' dtypes.
 *
 * @category Gradient transformations
 * @param optimizer The optimiser that gets the mean.
 * @param steps How many updates make one step, a positive integer.
 * @returns The optimiser; its state is `{ count, mean, inner }`.
 * @throws {ArgumentError} when `optimizer` is none, or `steps` is not a positive integer.
 *
 * @example Two small batches
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const optimizer = optim.multiSteps(optim.sgd(1), 2);
 * const params = tensor([10]);
 * const [first, state] = optimizer.update(tensor([1]), optimizer.init(params), params);
 * const [second] = optimizer.update(tensor([3]), state, params);
 * assertTensorsClose(first, [0]);
 * assertTensorsClose(second, [-2]);
 * ```
 */
export function multiSteps<Inner>(
  optimizer: Optimizer<Inner>,
  steps: number,
): Optimizer<MultiStepsState<Inner>> {
  const what = "Cannot accumulate gradients";
  checkOptimizer(optimizer, what);
  checkCounts(what, { steps }, 1);
  return described<Optimizer<MultiStepsState<Inner>>>({
    name: "multiSteps",
    settings: { steps },
    parts: [optimizer],
  }, {
    init: (params) => ({
      count: newCount(),
      mean: fillLike(params, 0),
      inner: optimizer.init(params),
    }),
    update(grads, state, params, extras) {
      checkState(state, ["count", "mean", "inner"]);
      const { place, isLast, count } = nextPlace(state.count, steps);
      const share = scalarFor(place.astype("float64").reciprocal());
      const [mean, next] = updateLeaves(grads, params, { mean: state.mean }, (g, old) => {
        const mean = old.mean.add(g.sub(old.mean).mul(share(g)));
        return { update: mean, mean: where(isLast, 0, mean) };
      });
      const [updates, inner] = optimizer.update(mean, state.inner, params, extras);
      return [chosen(isLast, updates, null), {
        count,
        ...next,
        inner: chosen(isLast, inner, state.inner),
      }];
    },
  });
}
