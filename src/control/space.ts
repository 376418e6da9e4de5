/**
 * Trees with the same structure and types: the vector space of a system of equations.
 *
 * @module
 */
import { treeError } from "../base/errors.ts";
import { showType } from "../base/shape.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { unflatten } from "../core/tree.ts";
import type { Structure } from "../core/tree.ts";
import { flattenLike } from "../transforms/flatten_function.ts";
import { ResultShape } from "./custom_rule.ts";

/** Trees of one structure and leaves of given types. */
export class Space {
  /** The structure. */
  readonly structure: Structure;
  /** The types of the leaves. */
  readonly types: readonly Type[];

  /** The trees of this structure. */
  constructor(structure: Structure, types: readonly Type[]) {
    this.structure = structure;
    this.types = types.map(({ dtype, shape }) => ({ dtype, shape }));
  }

  /** The tree of these leaves. */
  tree(leaves: readonly Tensor[]): unknown {
    return unflatten(this.structure, leaves);
  }

  /** The leaves of a tree, which must have this structure and these types. */
  leaves(tree: unknown, what: string, expected: string): Tensor[] {
    const shape = new ResultShape();
    shape.note(this.structure, this.types);
    return shape.read(tree, what, expected);
  }

  /** The leaves of an argument, which may contain numbers in place of tensors. */
  argument(tree: unknown, what: string): Tensor[] {
    return flattenLike(this.structure, this.types, tree, what).map((leaf, i) => {
      if (leaf !== null) return leaf;
      throw treeError(`${what}: expected ${showType(this.types[i])}, got null`);
    });
  }
}
