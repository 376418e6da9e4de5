/**
 * Adding updates to parameters.
 *
 * @module
 */
import type { TensorsOf, WithNumbers } from "../core/tree_types.ts";
import { closeUpdates, openParams, openUpdates } from "./leaves.ts";

/**
 * The parameters plus their updates: p + u.
 *
 * @category Optimizers
 * @param params The parameters: a tree of tensors.
 * @param updates The updates returned by an optimiser's `update`: a tree like `params`. A leaf whose update is
 * `null` stays exactly as it is.
 * @returns The new parameters: a tree like `params`.
 * @throws {TreeError} when the updates are no tree like the parameters; the message names the path
 * of the first difference.
 * @throws {ShapeError} or {DtypeError} when an update is not of its parameter's shape or dtype.
 *
 * @example One step of gradient descent
 * ```ts
 * import { grad, optim, tensor } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const loss = ({ w }: { w: Tensor }) => w.square().sum();
 * const params = { w: tensor([1, -2]) };
 * const optimizer = optim.sgd(0.1);
 * const [updates] = optimizer.update(grad(loss)(params), optimizer.init(params), params);
 * assertTensorsClose(optim.applyUpdates(params, updates).w, tensor([0.8, -1.6]));
 * ```
 */
export function applyUpdates<Params>(
  params: Params & WithNumbers<Params>,
  updates: unknown,
): TensorsOf<Params>;
/** The same for parameters that are all tensors, or whose type is a type parameter. */
export function applyUpdates<Params>(params: Params, updates: unknown): Params;
export function applyUpdates<Params>(params: Params, updates: unknown): TensorsOf<Params> {
  const opened = openParams(params);
  const changes = openUpdates(updates, opened, "Cannot apply these updates");
  return closeUpdates(
    opened,
    opened.leaves.map((leaf, i) => {
      const change = changes[i];
      return change === null ? leaf : leaf.add(change);
    }),
  );
}
