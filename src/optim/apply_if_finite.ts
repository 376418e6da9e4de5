/**
 * Leaving out steps whose gradients are not finite.
 *
 * @module
 */
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import { logicalOr, where } from "../functions/mod.ts";
import { allFinite, chosen } from "./choose.ts";
import { checkCount, newCount, nextCount } from "./count.ts";
import { checkState, closeUpdates, openGrads, openParams } from "./leaves.ts";
import { checkCounts } from "./options.ts";
import { checkOptimizer } from "./optimizer.ts";
import type { Optimizer } from "./optimizer.ts";

/**
 * The state of `applyIfFinite`.
 *
 * @category Gradient transformations
 */
export type ApplyIfFiniteState<Inner> = {
  /** How many updates in a row, up to the last one, had an infinite gradient or NaN: an int32 scalar. */
  readonly errors: Tensor;
  /** How many updates had one in all: an int32 scalar. */
  readonly allErrors: Tensor;
  /** The state of the optimiser. */
  readonly inner: Inner;
};

/**
 * An optimiser that skips steps in which a gradient is infinite or NaN: updates are zero and its
 * state stays. After too many of them in a row the next ones are applied, so that the
 * fault becomes visible; optax's `apply_if_finite`.
 *
 * @category Gradient transformations
 * @param optimizer The optimiser that gets the gradients.
 * @param maxConsecutiveErrors How many steps in a row may be left out, an integer of at least 0.
 * @returns The optimiser; its state is `{ errors, allErrors, inner }`.
 * @throws {ArgumentError} when `optimizer` is none, or the number is not an integer of at least 0.
 *
 * @example One step is left out
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const optimizer = optim.applyIfFinite(optim.sgd(1), 1);
 * const params = tensor([1, 2]);
 * const grads = tensor([NaN, 3]);
 * const [first, state] = optimizer.update(grads, optimizer.init(params), params);
 * const [second] = optimizer.update(grads, state, params);
 * assertTensorsClose(first, [0, 0]);
 * assertTensorsClose(second, [NaN, -3]);
 * ```
 */
export function applyIfFinite<Inner>(
  optimizer: Optimizer<Inner>,
  maxConsecutiveErrors: number,
): Optimizer<ApplyIfFiniteState<Inner>> {
  const what = "Cannot leave out steps";
  checkOptimizer(optimizer, what);
  checkCounts(what, { maxConsecutiveErrors }, 0);
  return described<Optimizer<ApplyIfFiniteState<Inner>>>({
    name: "applyIfFinite",
    settings: { maxConsecutiveErrors },
    parts: [optimizer],
  }, {
    init: (params) => ({
      errors: newCount(),
      allErrors: newCount(),
      inner: optimizer.init(params),
    }),
    update(grads, state, params, extras) {
      checkState(state, ["errors", "allErrors", "inner"]);
      const [old, all] = [checkCount(state.errors), checkCount(state.allErrors)];
      const opened = openParams(params);
      const given = openGrads(grads, opened);
      const isFinite = allFinite(given);
      const errors = where(isFinite, 0, nextCount(old));
      const isTaken = logicalOr(isFinite, errors.greater(maxConsecutiveErrors));
      const kept = closeUpdates(opened, given.map((g) => g && where(isTaken, g, 0)));
      const [updates, inner] = optimizer.update(kept, state.inner, params, extras);
      return [chosen(isTaken, updates, null), {
        errors,
        allErrors: where(isFinite, all, nextCount(all)),
        inner: chosen(isTaken, inner, state.inner),
      }];
    },
  });
}
