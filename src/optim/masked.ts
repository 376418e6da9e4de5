/**
 * Different optimisers for different leaves.
 *
 * @module
 */
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import type { TensorsOf } from "../core/tree_types.ts";
import type { FlatTree } from "../transforms/flatten_function.ts";
import { checkState, closeUpdates, openGrads, openParams, openUpdates } from "./leaves.ts";
import { extrasOfPart } from "./extras.ts";
import { checkMask, resolveMask } from "./mask.ts";
import type { Mask } from "./mask.ts";
import { checkOptimizer } from "./optimizer.ts";
import type { Optimizer, UpdateExtras } from "./optimizer.ts";

/**
 * The states of the optimisers of the chosen leaves and of the others.
 *
 * @category Gradient transformations
 */
export type MaskedState<Inside, Outside = null> = {
  /** That of the chosen leaves. */
  readonly inside: Inside;
  /** That of the others. */
  readonly outside: Outside;
};

/** No update for any leaf. */
const frozen: Optimizer<null> = described<Optimizer<null>>(
  { name: "frozen", args: [] },
  {
    init: () => null,
    update(_grads, _state, params) {
      const opened = openParams(params);
      return [closeUpdates(opened, opened.leaves.map(() => null)), null];
    },
  } satisfies Optimizer<null>,
);

/**
 * An optimiser for the chosen leaves only: it sees `null` holes in place of the others, and keeps
 * no state for them. The others stay unchanged, like parameters that were not passed to a
 * PyTorch optimiser, unless they get an optimiser of their own: PyTorch's parameter groups.
 * (`chain()`, the identity, passes their gradients on to the next transform, as optax's `masked`
 * does.)
 *
 * @category Gradient transformations
 * @param optimizer The optimiser of the chosen leaves.
 * @param mask Which leaves: a tree prefix of booleans, or a function of dotted path and leaf.
 * @param otherwise The optimiser of the other leaves. Default: none, they stay unchanged.
 * @returns The optimiser; its state is `{ inside, outside }`.
 * @throws {ArgumentError} when an optimiser or the mask is none.
 *
 * @example A smaller rate for all but the head, and biases that stay
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const head = { head: true, body: false };
 * const optimizer = optim.masked(
 *   optim.masked(optim.sgd(1), head, optim.sgd(0.1)),
 *   (path) => !path.endsWith("bias"),
 * );
 * const params = {
 *   head: { weight: tensor([5]), bias: tensor([5]) },
 *   body: { weight: tensor([5]), bias: tensor([5]) },
 * };
 * const [updates] = optimizer.update(params, optimizer.init(params), params);
 * const next = optim.applyUpdates(params, updates);
 * assertTensorsClose(next.head.weight, tensor([0]));
 * assertTensorsClose(next.body.weight, tensor([4.5]));
 * assertTensorsClose(next.body.bias, tensor([5]));
 * ```
 */
export function masked<Inside, Outside = null>(
  optimizer: Optimizer<Inside>,
  mask: Mask,
  otherwise?: Optimizer<Outside>,
): Optimizer<MaskedState<Inside, Outside>> {
  if (otherwise === undefined) otherwise = frozen as unknown as Optimizer<Outside>;
  const what = "Cannot mask";
  checkOptimizer(optimizer, what);
  checkOptimizer(otherwise, what);
  checkMask(mask, what);
  const parts = { inside: optimizer, outside: otherwise };
  return described<Optimizer<MaskedState<Inside, Outside>>>({
    name: "masked",
    settings: { mask },
    parts,
  }, {
    init(params) {
      const opened = openParams(params);
      const state = initParts(parts, sidesOf(mask, opened, what), opened);
      return state as MaskedState<Inside, Outside>;
    },
    update(grads, state, params, extras) {
      checkState(state, ["inside", "outside"]);
      const opened = openParams(params);
      const sides = sidesOf(mask, opened, what);
      const [updates, next] = updateParts<typeof params>(
        parts,
        sides,
        opened,
        grads,
        state,
        extras,
      );
      return [updates, next as MaskedState<Inside, Outside>];
    },
  });
}

/** The part that each leaf belongs to. */
function sidesOf(mask: Mask, params: FlatTree, what: string): string[] {
  return resolveMask(mask, params, what).map((isInside) => isInside ? "inside" : "outside");
}

/** Optimisers, or their states, by the label of the leaves that they are for. */
type Parts<T> = Readonly<Record<string, T>>;

/** The leaves that have this label, and holes in place of the others. */
function only(
  label: string,
  labels: readonly string[],
  params: FlatTree,
  leaves: readonly (Tensor | null)[],
): unknown {
  return closeUpdates<unknown>(params, leaves.map((leaf, i) => labels[i] === label ? leaf : null));
}

/** The states of optimisers that have a part of the leaves each: `labels` has one for each leaf. */
export function initParts(
  // deno-lint-ignore no-explicit-any -- An optimiser takes only states of its own.
  parts: Parts<Optimizer<any>>,
  labels: readonly string[],
  params: FlatTree,
): Parts<unknown> {
  const init = ([label, part]: [string, Optimizer<unknown>]) =>
    [label, part.init(only(label, labels, params, params.leaves))] as const;
  return Object.fromEntries(Object.entries(parts).map(init));
}

/** One update of optimisers that have a part of the leaves each, and their next states. */
export function updateParts<Params>(
  // deno-lint-ignore no-explicit-any -- An optimiser takes only states of its own.
  parts: Parts<Optimizer<any>>,
  labels: readonly string[],
  params: FlatTree,
  grads: unknown,
  state: Parts<unknown>,
  extras: UpdateExtras | undefined,
): [updates: TensorsOf<Params>, state: Parts<unknown>] {
  const gradients = openGrads(grads, params);
  const ownExtras = extrasOfPart(extras, params);
  const merged: (Tensor | null)[] = labels.map(() => null);
  const next = Object.entries(parts).map(([label, part]) => {
    const [ownGrads, ownParams] = [gradients, params.leaves].map((leaves) =>
      only(label, labels, params, leaves)
    );
    const [updates, own] = part.update(ownGrads, state[label], ownParams, ownExtras);
    openUpdates(updates, params, "Cannot merge these updates").forEach((update, i) => {
      if (labels[i] === label) merged[i] = update;
    });
    return [label, own] as const;
  });
  return [closeUpdates<Params>(params, merged), Object.fromEntries(next)];
}
