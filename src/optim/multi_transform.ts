/**
 * An optimiser for each group of leaves.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import { broadcastPrefix, dottedPath, leafPaths, showKey } from "../core/tree.ts";
import type { FlatTree } from "../transforms/flatten_function.ts";
import { checkState, openParams } from "./leaves.ts";
import { initParts, updateParts } from "./masked.ts";
import { checkOptimizer } from "./optimizer.ts";
import type { Optimizer } from "./optimizer.ts";

/**
 * Labels at the leaves of a tree prefix of the parameters: each applies to all leaves below it.
 *
 * @category Gradient transformations
 */
export type LabelTree =
  | string
  | null
  | readonly LabelTree[]
  | { readonly [key: string]: LabelTree };

/**
 * Which group a leaf of the parameters belongs to: a tree prefix of labels, or a function of the dotted
 * path (`layer1.0.weight`) and the leaf. The label may depend on a leaf's shape and dtype, not on its
 * value.
 *
 * @category Gradient transformations
 */
export type Labels = LabelTree | ((path: string, leaf: Tensor) => string);

/**
 * The state of each optimiser under its label.
 *
 * @category Gradient transformations
 */
export type MultiTransformState<Optimizers> = {
  readonly [Label in keyof Optimizers]: Optimizers[Label] extends Optimizer<infer State> ? State
    : never;
};

/**
 * Different optimisers for groups of leaves, PyTorch's parameter groups and optax's `partition`. Each
 * optimiser sees `null` holes in place of leaves of other groups, and keeps no state for them.
 *
 * @category Gradient transformations
 * @param optimizers The optimisers by their labels.
 * @param labels The label of each leaf: a tree prefix of strings, or a function of dotted path and leaf.
 * @returns The optimiser; its state is the states by label.
 * @throws {ArgumentError} when one of them is not a optimiser, or `labels` can be none. `init` and `update`
 * throw it for a label that has no optimiser.
 *
 * @example A rate for vectors and another one for matrices; the head stays
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const optimizer = optim.multiTransform(
 *   { vector: optim.sgd(1), matrix: optim.sgd(0.1), frozen: optim.setToZero() },
 *   (path, leaf) => path.startsWith("head") ? "frozen" : leaf.ndim > 1 ? "matrix" : "vector",
 * );
 * const params = { weight: tensor([[5]]), bias: tensor([5]), head: tensor([5]) };
 * const [updates] = optimizer.update(params, optimizer.init(params), params);
 * assertTensorsClose(updates.weight, [[-0.5]]);
 * assertTensorsClose(updates.bias, [-5]);
 * assertTensorsClose(updates.head, [0]);
 * ```
 */
export function multiTransform<
  // deno-lint-ignore no-explicit-any -- An optimiser takes only states of its own.
  Optimizers extends Readonly<Record<string, Optimizer<any>>>,
>(optimizers: Optimizers, labels: Labels): Optimizer<MultiTransformState<Optimizers>> {
  const what = "Cannot group leaves";
  if (typeof optimizers !== "object" || optimizers === null) {
    throw argumentError(
      `${what} for ${describeValue(optimizers)}: expected an object of optimisers`,
    );
  }
  for (const optimizer of Object.values(optimizers)) checkOptimizer(optimizer, `${what} for`);
  if (!["string", "function"].includes(typeof labels) && Object(labels) !== labels) {
    throw argumentError(
      `${what} by ${
        describeValue(labels)
      }: expected a string, a tree of them, or a function of a ` +
        `path and a leaf`,
    );
  }
  const parts = { ...optimizers };
  return described<Optimizer<MultiTransformState<Optimizers>>>({
    name: "multiTransform",
    settings: { labels },
    parts,
  }, {
    init(params) {
      const opened = openParams(params);
      const groups = resolveLabels(labels, Object.keys(parts), opened, what);
      return initParts(parts, groups, opened) as MultiTransformState<Optimizers>;
    },
    update(grads, state, params, extras) {
      checkState(state, Object.keys(parts));
      const opened = openParams(params);
      const groups = resolveLabels(labels, Object.keys(parts), opened, what);
      const [updates, next] = updateParts<typeof params>(
        parts,
        groups,
        opened,
        grads,
        state,
        extras,
      );
      return [updates, next as MultiTransformState<Optimizers>];
    },
  });
}

/** The label of each leaf of the parameters, one of `known`. */
function resolveLabels(
  labels: Labels,
  known: readonly string[],
  params: FlatTree,
  what: string,
): string[] {
  const isString = (value: unknown): value is string => typeof value === "string";
  const paths = leafPaths(params.structure).map(dottedPath);
  const groups: unknown[] = typeof labels === "function"
    ? params.leaves.map((leaf, i) => labels(paths[i], leaf))
    : broadcastPrefix(labels, params.structure, isString, `${what} by this tree`);
  return groups.map((label, i) => {
    if (isString(label) && known.includes(label)) return label;
    throw argumentError(
      `${what} with label ${describeValue(label)} at ${paths[i] || "the root"}: expected ` +
        `one of ${known.map(showKey).join(", ") || "(none)"}`,
    );
  });
}
