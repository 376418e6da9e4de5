/**
 * Weight decay.
 *
 * @module
 */
import { described } from "../core/description.ts";
import { closeUpdates, openGrads, openParams } from "./leaves.ts";
import { checkMask, resolveMask } from "./mask.ts";
import type { Mask } from "./mask.ts";
import { checkNotNegative } from "./options.ts";
import type { Optimizer } from "./optimizer.ts";

/**
 * Adds a share of the parameters to the updates: u ← u + λ p. Before the rest of an optimiser it is
 * the gradient of (λ/2) ‖p‖²; after it, and before the learning rate, it is the decoupled weight
 * decay of `adamw`.
 *
 * @category Gradient transformations
 * @param rate The share λ: a number of at least 0.
 * @param mask Which leaves decay: a tree prefix of booleans, or a function of dotted path and leaf.
 * Default `true`, all. The updates of the others stay as they are.
 * @returns The transform; its state is `null`.
 * @throws {ArgumentError} when the rate is negative or not finite, or the mask is none.
 *
 * @example Decay for the weight, not for the bias
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const decay = optim.addDecayedWeights(0.1, { weight: true, bias: false });
 * const params = { weight: tensor([10]), bias: tensor([10]) };
 * const grads = { weight: tensor([1]), bias: tensor([1]) };
 * const [updates] = decay.update(grads, decay.init(params), params);
 * assertTensorsClose(updates.weight, tensor([2]));
 * assertTensorsClose(updates.bias, tensor([1]));
 * ```
 */
export function addDecayedWeights(rate: number, mask?: Mask): Optimizer<null> {
  if (mask === undefined) mask = true;
  const what = "Cannot add decayed weights";
  checkNotNegative(what, { rate });
  checkMask(mask, what);
  return described<Optimizer<null>>({ name: "addDecayedWeights", settings: { rate, mask } }, {
    init: () => null,
    update(grads, _state, params) {
      const opened = openParams(params);
      const chosen = resolveMask(mask, opened, what);
      const updates = openGrads(grads, opened).map((g, i) =>
        g && chosen[i] ? g.add(opened.leaves[i].mul(rate)) : g
      );
      return [closeUpdates(opened, updates), null];
    },
  });
}
