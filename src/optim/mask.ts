/**
 * Choosing leaves of the parameters.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import type { Tensor } from "../core/tensor.ts";
import { broadcastPrefix, dottedPath, leafPaths } from "../core/tree.ts";
import type { FlatTree } from "../transforms/flatten_function.ts";

/**
 * Booleans at the leaves of a tree prefix of the parameters: each applies to all leaves below it.
 *
 * @category Gradient transformations
 */
export type MaskTree =
  | boolean
  | null
  | readonly MaskTree[]
  | { readonly [key: string]: MaskTree };

/**
 * Which leaves of the parameters are chosen: a tree prefix of booleans, or a function of the dotted path
 * (`layer1.0.weight`) and the leaf. The choice may depend on a leaf's shape and dtype, not on its value.
 *
 * @category Gradient transformations
 * @example All but biases and scales, which have one axis
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const matrices: optim.Mask = (_path, leaf) => leaf.ndim > 1;
 * const decay = optim.addDecayedWeights(0.1, matrices);
 * const params = { weight: tensor([[1, 2]]), bias: tensor([3]) };
 * const grads = { weight: tensor([[0, 0]]), bias: tensor([0]) };
 * const [updates] = decay.update(grads, decay.init(params), params);
 * assertTensorsClose(updates.weight, tensor([[0.1, 0.2]]));
 * assertTensorsClose(updates.bias, tensor([0]));
 * ```
 */
export type Mask = MaskTree | ((path: string, leaf: Tensor) => boolean);

/** Throws unless `mask` can be one; `what` begins messages: "Cannot mask". */
export function checkMask(mask: unknown, what: string): void {
  if (typeof mask === "boolean" || typeof mask === "function") return;
  if (typeof mask === "object" && mask !== null) return;
  throw argumentError(
    `${what} by ${describeValue(mask)}: expected true, false, a tree of them, or a function of a ` +
      `path and a leaf`,
  );
}

/** Whether each leaf of the parameters is chosen. */
export function resolveMask(mask: Mask, params: FlatTree, what: string): boolean[] {
  if (typeof mask !== "function") {
    return broadcastPrefix(mask, params.structure, isBoolean, `${what} by this tree`);
  }
  const paths = leafPaths(params.structure);
  return params.leaves.map((leaf, i) => {
    const chosen: unknown = mask(dottedPath(paths[i]), leaf);
    if (isBoolean(chosen)) return chosen;
    throw argumentError(
      `${what} by a function that gives ${describeValue(chosen)} at ${dottedPath(paths[i])}: ` +
        `expected true or false`,
    );
  });
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === "boolean";
}
