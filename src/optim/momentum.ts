/**
 * Momentum.
 *
 * @module
 */
import { argumentError } from "../base/errors.ts";
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Tree } from "../core/tree.ts";
import { where } from "../functions/mod.ts";
import { checkCount, double, newCount, nextCount } from "./count.ts";
import { checkState, fillLike, scalarFor, updateLeaves } from "./leaves.ts";
import { checkNotNegative, readOptions } from "./options.ts";
import type { Optimizer } from "./optimizer.ts";

/**
 * Options of `momentum`.
 *
 * @category Gradient transformations
 */
export interface MomentumOptions {
  /** The share τ of each gradient but the first that does not enter the buffer. Default 0. */
  readonly dampening?: number;
  /** Whether to look one step ahead. Needs dampening 0. Default `false`. */
  readonly nesterov?: boolean;
}

/**
 * The state of `momentum`.
 *
 * @category Gradient transformations
 */
export type MomentumState = {
  /** The number of updates done: an int32 scalar. */
  readonly count: Tensor;
  /** The sum of past gradients, older ones counting less: a tree like the parameters. */
  readonly buffer: Tree<Tensor>;
};

/**
 * Adds up gradients, the past counting less and less:
 * b₁ = g₁, bₜ = μ bₜ₋₁ + (1 − τ) gₜ, and the update is bₜ, or gₜ + μ bₜ with `nesterov`: PyTorch's
 * form, whose buffer begins with the undampened gradient. After Sutskever, Martens, Dahl and
 * Hinton, "On the importance of initialization and momentum in deep learning" (2013).
 *
 * @category Gradient transformations
 * @param decay The share μ of the buffer that stays: a number of at least 0.
 * @param options Dampening τ, and whether to look ahead.
 * @returns The transform; its state is `{ count, buffer }`.
 * @throws {ArgumentError} when the decay is negative, or `nesterov` comes with a decay of 0 or with
 * dampening.
 *
 * @example The second update carries most of the first
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const transform = optim.momentum(0.9);
 * const params = tensor([0]);
 * const [first, state] = transform.update(tensor([1]), transform.init(params), params);
 * const [second] = transform.update(tensor([1]), state, params);
 * assertTensorsClose(first, tensor([1]));
 * assertTensorsClose(second, tensor([1.9]));
 * ```
 */
export function momentum(decay: number, options?: MomentumOptions): Optimizer<MomentumState> {
  if (options === undefined) options = {};
  const what = "Cannot make momentum";
  const { dampening, nesterov } = readOptions(what, options, { dampening: 0, nesterov: false });
  checkNotNegative(what, { decay });
  checkNesterov(what, nesterov, decay, dampening);
  return described<Optimizer<MomentumState>>({
    name: "momentum",
    settings: { decay, dampening, nesterov },
  }, {
    init: (params) => ({ count: newCount(), buffer: fillLike(params, 0) }),
    update(grads, state, params) {
      checkState(state, ["count", "buffer"]);
      const count = checkCount(state.count);
      // The buffer begins with zeros: a share of one makes it the first gradient itself.
      const share = scalarFor(
        dampening === 0 ? 1 : where(count.equal(0), double(1), double(1 - dampening)),
      );
      const old = { buffer: state.buffer };
      const [updates, next] = updateLeaves(grads, params, old, (g, remembered) => {
        const buffer = remembered.buffer.mul(decay).add(dampening === 0 ? g : g.mul(share(g)));
        return { update: nesterov ? g.add(buffer.mul(decay)) : buffer, buffer };
      });
      return [updates, { count: nextCount(count), ...next }];
    },
  });
}

/** Throws when `nesterov` is combined with options that leave it without meaning. */
export function checkNesterov(
  what: string,
  nesterov: boolean,
  decay: number,
  dampening: number,
): void {
  if (!nesterov || (decay > 0 && dampening === 0)) return;
  throw argumentError(
    `${what} with nesterov, momentum ${decay} and dampening ${dampening}: ` +
      `nesterov needs a momentum above 0 and no dampening`,
  );
}
