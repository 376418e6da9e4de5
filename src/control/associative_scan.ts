/**
 * Prefixes of an associative operation.
 *
 * @module
 */
import { argumentError, shapeError, treeError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { checkAxis, sameShape, showType } from "../base/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import { firstDifference, leafPaths, unflatten } from "../core/tree.ts";
import type { Structure } from "../core/tree.ts";
import type { TensorsOf, TupleHint, WithNumbers } from "../core/tree_types.ts";
import { prefixesOf } from "../primitives/prefixes.ts";
import { flip } from "../primitives/slicing.ts";
import { checkFunction, checkSynchronous, flattenTensors } from "../transforms/flatten_function.ts";
import { placeOf } from "./stage_body.ts";

/**
 * Options of `associativeScan`.
 *
 * @category Control flow
 */
export interface AssociativeScanOptions {
  /** The axis of every tensor to scan along; default 0. */
  readonly axis?: number;
  /** Whether to start from the last element. */
  readonly reverse?: boolean;
}

/**
 * All prefixes of a sequence under an associative operation, in a number of steps that grows with the
 * logarithm of the length: `[x0, x0 ∘ x1, x0 ∘ x1 ∘ x2, …]`. Whereas `scan` processes one element at a
 * time, this function combines whole halves at once.
 *
 * Source: Blelloch, "Prefix sums and their applications" (1990).
 *
 * @category Control flow
 * @param combine The operation on two trees like `xs`, applied to many elements at once: it must work
 * elementwise along the axis and be associative; otherwise the result depends on the grouping.
 * @param xs A tree of tensors, all of one length along the axis.
 * @param options The axis, and the direction.
 * @returns A tree like `xs`: element `i` combines the elements up to `i`, or from `i` with `reverse`.
 * @throws {AxisError} when a tensor has no such axis.
 * @throws {ShapeError} when lengths differ, or `combine` changes a shape.
 * @throws {TreeError} when `combine` changes the structure.
 *
 * @example A linear recurrence y[i] = a[i] y[i - 1] + b[i]
 * ```ts
 * import { associativeScan, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [, y] = associativeScan(
 *   ([a, b], [c, d]) => [a.mul(c), b.mul(c).add(d)],
 *   [tensor([0, 2, 3]), tensor([1, 1, 1])],
 * );
 * assertTensorsClose(y, [1, 3, 10]);
 * ```
 */
export function associativeScan<Xs>(
  combine: (left: TensorsOf<Xs>, right: TensorsOf<Xs>) => TensorsOf<Xs> | TupleHint,
  xs: Xs & WithNumbers<Xs>,
  options?: AssociativeScanOptions,
): TensorsOf<Xs>;
/** The same for a tree that holds only tensors, or whose type is a type parameter. */
export function associativeScan<Xs>(
  combine: (left: NoInfer<Xs>, right: NoInfer<Xs>) => NoInfer<Xs> | TupleHint,
  xs: Xs,
  options?: AssociativeScanOptions,
): Xs;
export function associativeScan<Xs>(
  combine: (left: TensorsOf<Xs>, right: TensorsOf<Xs>) => TensorsOf<Xs> | TupleHint,
  xs: Xs,
  options?: AssociativeScanOptions,
): TensorsOf<Xs> {
  checkFunction(combine, "associativeScan");
  const what = "Cannot scan";
  const { axis = 0, reverse = false } = readOptions(what, options, ["axis", "reverse"]);
  checkFlag(reverse, what, "reverse");
  const { leaves, structure } = flattenTensors(xs, `${what} over this sequence`);
  if (leaves.length === 0) {
    throw argumentError(`${what} without sequences: the tree has no tensors`);
  }
  const axes = leaves.map((leaf) => checkAxis(axis, leaf.ndim, `${what} over ${showType(leaf)}`));
  const length = leaves[0].shape[axes[0]];
  leaves.forEach((leaf, i) => {
    if (leaf.shape[axes[i]] === length) return;
    throw shapeError(
      `${what} over sequences of different lengths: ${
        showType(leaves[0])
      } has ${length} elements ` +
        `along axis ${axes[0]}, ${showType(leaf)} has ${leaf.shape[axes[i]]} along axis ${axes[i]}`,
    );
  });
  const operation = (left: readonly Tensor[], right: readonly Tensor[]): readonly Tensor[] => {
    const [x, y] = [left, right].map((list) => unflatten(structure, list) as TensorsOf<Xs>);
    const output = combine(x, y);
    checkSynchronous(output, "associativeScan");
    const result = flattenTensors(output, `${what} with this result of the operation`);
    checkResult(structure, left, result, what);
    return result.leaves;
  };
  const turned = reverse ? leaves.map((leaf, i) => flip(leaf, [axes[i]])) : leaves;
  const prefixes = prefixesOf(operation, turned, axes);
  const results = reverse ? prefixes.map((leaf, i) => flip(leaf, [axes[i]])) : prefixes;
  return unflatten(structure, results) as TensorsOf<Xs>;
}

function checkResult(
  structure: Structure,
  given: readonly Tensor[],
  result: { readonly leaves: readonly Tensor[]; readonly structure: Structure },
  what: string,
): void {
  const difference = firstDifference(structure, result.structure);
  if (difference !== null) {
    throw treeError(`${what}: the operation must give a tree like its arguments; ${difference}`);
  }
  given.forEach((leaf, i) => {
    const own = result.leaves[i];
    if (sameShape(leaf.shape, own.shape) && leaf.dtype === own.dtype) return;
    throw shapeError(
      `${what}: the operation gives ${showType(own)} for ${showType(leaf)}` +
        `${placeOf(leafPaths(structure)[i])}; it must keep shapes and dtypes`,
    );
  });
}
