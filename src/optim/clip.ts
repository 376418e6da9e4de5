/**
 * Bounds on gradients.
 *
 * @module
 */
import { described } from "../core/description.ts";
import { minimum } from "../functions/mod.ts";
import { normOf, readOrder } from "./global_norm.ts";
import type { GlobalNormOptions } from "./global_norm.ts";
import { closeUpdates, openGrads, openParams, scalarFor } from "./leaves.ts";
import { checkNotNegative } from "./options.ts";
import type { Optimizer } from "./optimizer.ts";

/**
 * Shrinks all gradients together when their common norm is too large:
 * g ← g min(1, c / (‖g‖ + 10⁻⁶)), PyTorch's `clip_grad_norm_`, after Pascanu, Mikolov and Bengio,
 * "On the difficulty of training recurrent neural networks" (2013), algorithm 1.
 *
 * @category Gradient transformations
 * @param maxNorm The largest norm c: a number of at least 0.
 * @param options The order of the norm, 2 by default.
 * @returns The transform; its state is `null`. A norm that is not finite makes the gradients so
 * too.
 * @throws {ArgumentError} when `maxNorm` is negative or not finite, or the order is not above 0.
 *
 * @example Gradients of norm 5 brought down to 1
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const clip = optim.clipByGlobalNorm(1);
 * const params = { a: tensor([0]), b: tensor([0]) };
 * const [updates] = clip.update({ a: tensor([3]), b: tensor([4]) }, clip.init(params), params);
 * assertTensorsClose(updates.a, tensor([0.6]), { rtol: 1e-5 });
 * assertTensorsClose(updates.b, tensor([0.8]), { rtol: 1e-5 });
 * ```
 */
export function clipByGlobalNorm(
  maxNorm: number,
  options?: GlobalNormOptions,
): Optimizer<null> {
  if (options === undefined) options = {};
  const what = "Cannot clip by global norm";
  checkNotNegative(what, { maxNorm });
  const ord = readOrder(what, options);
  return described<Optimizer<null>>({ name: "clipByGlobalNorm", settings: { maxNorm, ord } }, {
    init: () => null,
    update(grads, _state, params) {
      const opened = openParams(params);
      const gradients = openGrads(grads, opened);
      const total = normOf(gradients, ord);
      const factor = scalarFor(minimum(total.add(1e-6).reciprocal().mul(maxNorm), 1));
      return [closeUpdates(opened, gradients.map((g) => g && g.mul(factor(g)))), null];
    },
  });
}

/**
 * Holds every element of the gradients between −c and c: g ← max(−c, min(g, c)), PyTorch's
 * `clip_grad_value_`.
 *
 * @category Gradient transformations
 * @param limit The largest magnitude c: a number of at least 0.
 * @returns The transform; its state is `null`.
 * @throws {ArgumentError} when `limit` is negative or not finite.
 *
 * @example No element beyond one
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const clip = optim.clipByValue(1);
 * const params = tensor([0, 0, 0]);
 * const [updates] = clip.update(tensor([-3, 0.5, 2]), clip.init(params), params);
 * assertTensorsClose(updates, tensor([-1, 0.5, 1]));
 * ```
 */
export function clipByValue(limit: number): Optimizer<null> {
  checkNotNegative("Cannot clip by value", { limit });
  return described<Optimizer<null>>({ name: "clipByValue", settings: { limit } }, {
    init: () => null,
    update(grads, _state, params) {
      const opened = openParams(params);
      const clipped = openGrads(grads, opened).map((g) => g && g.clip(-limit, limit));
      return [closeUpdates(opened, clipped), null];
    },
  });
}
