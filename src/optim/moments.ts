/**
 * The state of optimisers with two moments.
 *
 * @module
 */
import type { Tensor } from "../core/tensor.ts";
import type { Tree } from "../core/tree.ts";
import { newCount } from "./count.ts";
import { fillLike } from "./leaves.ts";

/**
 * The moments of gradients so far: the trees are like the parameters.
 *
 * @category Optimizers
 */
export type MomentsState = {
  /** The number of updates done: an int32 scalar. */
  readonly count: Tensor;
  /** The decaying mean m of the gradients, not yet corrected for its start at zero. */
  readonly firstMoment: Tree<Tensor>;
  /** The decaying mean of their squares, or of their squared distances from m, in the same form. */
  readonly secondMoment: Tree<Tensor>;
};

/** The state before the first update. */
export function newMoments(params: unknown): MomentsState {
  return {
    count: newCount(),
    firstMoment: fillLike(params, 0),
    secondMoment: fillLike(params, 0),
  };
}
