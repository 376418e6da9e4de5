/**
 * Decaying means of gradients.
 *
 * @module
 */
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Tree } from "../core/tree.ts";
import { pow } from "../functions/mod.ts";
import { checkCount, newCount, nextCount } from "./count.ts";
import { checkState, fillLike, scalarFor, updateLeaves } from "./leaves.ts";
import { checkDecayRates, checkFinite, readOptions } from "./options.ts";
import type { Optimizer } from "./optimizer.ts";

/**
 * Options of `ema`.
 *
 * @category Gradient transformations
 */
export interface EmaOptions {
  /** Whether to correct the mean for its start at zero. Default `true`. */
  readonly debias?: boolean;
}

/**
 * The state of `ema`.
 *
 * @category Gradient transformations
 */
export type EmaState = {
  /** The number of updates done: an int32 scalar. */
  readonly count: Tensor;
  /** The decaying mean, not yet corrected for its start at zero: a tree like the parameters. */
  readonly mean: Tree<Tensor>;
};

/**
 * The decaying mean of the gradients: m = β m + (1 − β) g, and u = m / (1 − βᵗ) at update t = 1, 2, …
 * (u = m without `debias`); optax's `ema`. At the end of a chain it is a mean of the steps.
 *
 * @category Gradient transformations
 * @param decay The share β of the mean that stays from one update to the next, from 0 to below 1.
 * @param options Whether to correct the mean for its start at zero.
 * @returns The transform; its state is `{ count, mean }`.
 * @throws {ArgumentError} when the decay or an option is out of range.
 *
 * @example The mean of two gradients, the later of which counts for more
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const transform = optim.ema(0.5);
 * const params = tensor([0]);
 * const [first, state] = transform.update(tensor([3]), transform.init(params), params);
 * const [second] = transform.update(tensor([6]), state, params);
 * assertTensorsClose(first, [3]);
 * assertTensorsClose(second, [5]);
 * ```
 */
export function ema(decay: number, options?: EmaOptions): Optimizer<EmaState> {
  const what = "Cannot make ema";
  const { debias } = readOptions(what, options ?? {}, { debias: true });
  checkFinite(what, "decay", decay);
  checkDecayRates(what, { decay });
  return described<Optimizer<EmaState>>({ name: "ema", settings: { decay, debias } }, {
    init: (params) => ({ count: newCount(), mean: fillLike(params, 0) }),
    update(grads, state, params) {
      checkState(state, ["count", "mean"]);
      const count = nextCount(checkCount(state.count));
      const correction = scalarFor(pow(decay, count.astype("float64")).neg().add(1));
      const [updates, next] = updateLeaves(grads, params, { mean: state.mean }, (g, old) => {
        const mean = old.mean.mul(decay).add(g.mul(1 - decay));
        return { update: debias ? mean.div(correction(g)) : mean, mean };
      });
      return [updates, { count, ...next }];
    },
  });
}
