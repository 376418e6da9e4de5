/**
 * Lookahead.
 *
 * @module
 */
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Tree } from "../core/tree.ts";
import { where } from "../functions/mod.ts";
import { newCount, nextPlace } from "./count.ts";
import { checkState, copyOf, updateLeaves } from "./leaves.ts";
import { checkCounts, checkFinite } from "./options.ts";
import { checkOptimizer } from "./optimizer.ts";
import type { Optimizer } from "./optimizer.ts";

/**
 * The state of `lookahead`.
 *
 * @category Gradient transformations
 */
export type LookaheadState<Inner> = {
  /** How many steps there were since the parameters last met: an int32 scalar. */
  readonly count: Tensor;
  /** The slow parameters: a tree like the parameters. */
  readonly slow: Tree<Tensor>;
  /** The state of the optimiser. */
  readonly inner: Inner;
};

/**
 * Lookahead: an optimiser takes its steps, and after every k of them the parameters p go back towards
 * where they were k steps ago, the slow parameters s: s ← s + α (p − s), p ← s. The slow parameters are
 * those to evaluate with. After Zhang and others, "Lookahead optimizer: k steps forward, 1 step back"
 * (2019), algorithm 1; optax's `lookahead`, with slow parameters in the state.
 *
 * @category Gradient transformations
 * @param optimizer The optimiser that takes the steps.
 * @param steps The number k, a positive integer.
 * @param rate The share α of the step, a finite number; between 0.5 and 0.8 in the paper.
 * @returns The optimiser; its state is `{ count, slow, inner }`.
 * @throws {ArgumentError} when `optimizer` is none, or a number is out of range.
 *
 * @example Two steps forward, one back
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const optimizer = optim.lookahead(optim.sgd(1), 2, 0.5);
 * let params = tensor([10]);
 * let state = optimizer.init(params);
 * for (let i = 0; i < 2; i++) {
 *   const [updates, next] = optimizer.update(tensor([2]), state, params);
 *   params = optim.applyUpdates(params, updates);
 *   state = next;
 * }
 * assertTensorsClose(params, [8]);
 * ```
 */
export function lookahead<Inner>(
  optimizer: Optimizer<Inner>,
  steps: number,
  rate: number,
): Optimizer<LookaheadState<Inner>> {
  const what = "Cannot look ahead";
  checkOptimizer(optimizer, what);
  checkCounts(what, { steps }, 1);
  checkFinite(what, "rate", rate);
  return described<Optimizer<LookaheadState<Inner>>>({
    name: "lookahead",
    settings: { steps, rate },
    parts: [optimizer],
  }, {
    init: (params) => ({
      count: newCount(),
      slow: copyOf(params),
      inner: optimizer.init(params),
    }),
    update(grads, state, params, extras) {
      checkState(state, ["count", "slow", "inner"]);
      const { isLast, count } = nextPlace(state.count, steps);
      const [fast, inner] = optimizer.update(grads, state.inner, params, extras);
      const { slow } = state;
      const [updates, next] = updateLeaves(fast, params, { slow }, (u, { slow }, parameter) => {
        const met = slow.add(parameter.add(u).sub(slow).mul(rate));
        return {
          update: where(isLast, met.sub(parameter), u),
          slow: where(isLast, met, slow),
        };
      });
      return [updates, { count, ...next, inner }];
    },
  });
}
