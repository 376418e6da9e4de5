/**
 * Steps that are taken or left out, as the values of tensors say.
 *
 * @module
 */
import { splat, Tensor } from "../core/tensor.ts";
import { flatten, unflatten } from "../core/tree.ts";
import { all, isfinite, logicalAnd, where } from "../functions/mod.ts";

/** Whether all of these are finite: a bool scalar. */
export function allFinite(gradients: readonly (Tensor | null)[]): Tensor {
  return gradients.reduce<Tensor>(
    (known, g) => g === null ? known : logicalAnd(known, all(isfinite(g))),
    splat(1, "bool", []),
  );
}

/** A tree where `condition` is true, and otherwise another one like it, or zeros. */
export function chosen<T>(condition: Tensor, tree: T, otherwise: T | null): T {
  const { leaves, structure } = flatten(tree);
  const others = otherwise === null ? null : flatten(otherwise).leaves;
  return unflatten(
    structure,
    leaves.map((leaf, i) =>
      leaf instanceof Tensor
        ? where(condition, leaf, others === null ? 0 : others[i] as Tensor)
        : leaf
    ),
  ) as T;
}
