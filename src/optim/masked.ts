/**
 * Different optimisers for different leaves.
 *
 * @module
 */
import { described } from "../core/description.ts";
import { checkState, closeUpdates, openGrads, openParams, openUpdates } from "./leaves.ts";
import { checkMask, resolveMask } from "./mask.ts";
import type { Mask } from "./mask.ts";
import { checkOptimizer } from "./optimizer.ts";
import type { Optimizer } from "./optimizer.ts";

/** The states of the optimisers of the chosen leaves and of the others. */
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
 * no state for them. The others stay exactly as they are, as parameters that were not given to a
 * PyTorch optimiser do, unless they get an optimiser of their own: PyTorch's parameter groups.
 * (`chain()`, the identity, passes their gradients on to the next transform, as optax's `masked`
 * does.)
 *
 * @param optimizer The optimiser of the chosen leaves.
 * @param mask Which leaves: a tree prefix of booleans, or a function of dotted path and leaf.
 * @param otherwise The optimiser of the other leaves. Default: none, they stay as they are.
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
  return described<Optimizer<MaskedState<Inside, Outside>>>({
    name: "masked",
    settings: { mask },
    parts: { inside: optimizer, outside: otherwise },
  }, {
    init(params) {
      const opened = openParams(params);
      const chosen = resolveMask(mask, opened, what);
      const [inside, outside] = [true, false].map((side) =>
        closeUpdates(opened, opened.leaves.map((leaf, i) => chosen[i] === side ? leaf : null))
      );
      return { inside: optimizer.init(inside), outside: otherwise.init(outside) };
    },
    update(grads, state, params) {
      checkState(state, ["inside", "outside"]);
      const opened = openParams(params);
      const gradients = openGrads(grads, opened);
      const chosen = resolveMask(mask, opened, what);
      const run = <State>(side: boolean, part: Optimizer<State>, old: State) => {
        const keep = <T>(values: readonly T[]) =>
          values.map((value, i) => chosen[i] === side ? value : null);
        const ownParams = closeUpdates<unknown>(opened, keep(opened.leaves));
        const ownGrads = closeUpdates<unknown>(opened, keep(gradients));
        const [updates, next] = part.update(ownGrads, old, ownParams);
        return [openUpdates(updates, opened, "Cannot merge these updates"), next] as const;
      };
      const [inside, nextInside] = run(true, optimizer, state.inside);
      const [outside, nextOutside] = run(false, otherwise, state.outside);
      const updates = chosen.map((isInside, i) => isInside ? inside[i] : outside[i]);
      return [closeUpdates(opened, updates), { inside: nextInside, outside: nextOutside }];
    },
  });
}
