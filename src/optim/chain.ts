/**
 * Composing transforms of gradients.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { treeError } from "../base/errors.ts";
import { described } from "../core/description.ts";
import type { TensorsOf } from "../core/tree_types.ts";
import { checkOptimizer } from "./optimizer.ts";
import type { Optimizer } from "./optimizer.ts";

/**
 * One optimiser after the other: the updates of each are the gradients of the next, as in optax.
 * All see the same parameters.
 *
 * @category Gradient transformations
 * @param transforms Optimisers, or transforms of gradients such as `clipByGlobalNorm`, the one that
 * sees the gradients first. None at all gives the identity.
 * @returns The optimiser; its state is the list of their states.
 * @throws {ArgumentError} when one of them is not a optimiser.
 *
 * @example Adam on clipped gradients
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const optimizer = optim.chain(optim.clipByGlobalNorm(1), optim.sgd(0.1));
 * const params = tensor([0, 0]);
 * const [updates] = optimizer.update(tensor([3, 4]), optimizer.init(params), params);
 * assertTensorsClose(updates, tensor([-0.06, -0.08]), { rtol: 1e-5 });
 * ```
 */
export function chain<States extends readonly unknown[]>(
  ...transforms: { readonly [K in keyof States]: Optimizer<States[K]> }
): Optimizer<States> {
  const steps: readonly Optimizer<unknown>[] = transforms;
  steps.forEach((transform) => checkOptimizer(transform, "Cannot chain"));
  return described<Optimizer<States>>({ name: "chain", parts: steps }, {
    init: (params) => steps.map((transform) => transform.init(params)) as unknown as States,
    update(grads, state, params, extras) {
      if (!Array.isArray(state) || state.length !== steps.length) {
        throw treeError(
          `Cannot update with this state: expected an array of ${steps.length}, got ${
            Array.isArray(state) ? `an array of ${state.length}` : describeValue(state)
          }; pass what init or the last update gave`,
        );
      }
      let updates = grads;
      const states = steps.map((transform, i) => {
        const [next, nextState] = transform.update(updates, state[i], params, extras);
        updates = next;
        return nextState;
      });
      return [updates as TensorsOf<typeof params>, states as unknown as States];
    },
  });
}
