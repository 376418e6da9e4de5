/**
 * Comparisons of trees of tensors, for the tests of optimisers.
 *
 * @module
 */
import { showType } from "../../src/base/shape.ts";
import { Tensor } from "../../src/core/tensor.ts";
import { flatten, leafPaths, showPath, unflatten } from "../../src/core/tree.ts";
import { tensor } from "../../src/functions/mod.ts";
import { assert, assertEquals } from "../support/std.ts";

/** A float64 tensor. */
export function double(value: number | readonly unknown[]): Tensor {
  return tensor(value as number, { dtype: "float64" });
}

/** A tree with every leaf replaced. */
export function mapTree<T>(tree: unknown, f: (leaf: Tensor) => T): unknown {
  const { leaves, structure } = flatten<Tensor>(tree);
  return unflatten(structure, leaves.map(f));
}

/** A tree with each tensor as its type: what must stay the same from one state to the next. */
export function typesOf(tree: unknown): unknown {
  return mapTree(tree, (leaf) => leaf instanceof Tensor ? showType(leaf) : typeof leaf);
}

/** A tree with each tensor as its type and its elements, for comparisons bit by bit. */
export function contentsOf(tree: unknown): unknown {
  return mapTree(tree, (leaf) => ({ type: showType(leaf), data: Array.from(leaf.data(), bitsOf) }));
}

function bitsOf(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

/** Fails unless both trees have the same structure, types and, up to `atol`, elements. */
export function assertTreesClose(actual: unknown, expected: unknown, atol: number): void {
  assertEquals(typesOf(actual), typesOf(expected));
  const found = flatten<Tensor>(actual);
  const paths = leafPaths(found.structure);
  flatten<Tensor>(expected).leaves.forEach((leaf, i) => {
    const values = found.leaves[i].data();
    leaf.data().forEach((value, k) => {
      const difference = Math.abs(values[k] - value);
      assert(
        difference <= atol || Object.is(values[k], value),
        `at ${showPath(paths[i])}, element ${k}: ${values[k]} is not within ${atol} of ${value}`,
      );
    });
  });
}

/** Freezes every array and object of a tree, so that writing to one throws. */
export function freezeTree<T>(tree: T): T {
  if (typeof tree === "object" && tree !== null && !(tree instanceof Tensor)) {
    Object.values(tree).forEach(freezeTree);
    Object.freeze(tree);
  }
  return tree;
}
