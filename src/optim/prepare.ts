/**
 * The preparation of gradients in PyTorch's optimisers, before their own equations.
 *
 * @module
 */
import { addDecayedWeights } from "./add_decayed_weights.ts";
import type { Optimizer } from "./optimizer.ts";
import { scale } from "./scale.ts";

/**
 * The transforms for the options `maximize`, g ← −g, and `weightDecay`, g ← g + λ p, in this order.
 */
export function prepare(
  { maximize, weightDecay }: { readonly maximize: boolean; readonly weightDecay: number },
): Optimizer<null>[] {
  return [
    ...(maximize ? [scale(-1) as Optimizer<null>] : []),
    ...(weightDecay > 0 ? [addDecayedWeights(weightDecay)] : []),
  ];
}
