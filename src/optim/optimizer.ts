/**
 * Optimisers.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import type { Description } from "../core/description.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import type { Tree } from "../core/tree.ts";
import type { TensorsOf } from "../core/tree_types.ts";

/**
 * The state of an optimiser: a tree that holds only tensors.
 *
 * @category Optimizers
 */
export type OptimizerState = Tree<Tensor>;

/**
 * Inputs of some optimisers in addition to gradients; all others ignore them.
 *
 * @category Optimizers
 */
export interface UpdateExtras {
  /** The loss at the parameters, a floating-point scalar. */
  readonly value?: TensorLike;
  /** The loss as a function of parameters, a tree like those that `update` gets. */
  // deno-lint-ignore no-explicit-any -- A function of one tree of parameters is not a function of any tree.
  readonly loss?: (params: any) => Tensor;
}

/**
 * An optimiser, or one step of one: a pair of pure functions that turn gradients into updates.
 * Updates are what `applyUpdates` adds to the parameters.
 *
 * Parameters are any tree of floating-point tensors. Null holes, as `tree.partition` leaves them,
 * stay holes. A leaf whose gradient is `null`, and a leaf of integers or bools (which has no
 * gradient), gets the update `null`: `applyUpdates` leaves it unchanged, and its part of the
 * state stays too.
 *
 * The state is a tree of tensors only, with the same structure, shapes and dtypes after each
 * update, and no function here reads the value of a tensor: every optimiser works under every
 * transform. Steps are counted in an int32 scalar that saturates at its largest value.
 *
 * @category Optimizers
 * @example An optimiser of one's own: steps of the gradient's sign
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import type { Tensor, TensorLike } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const signs = {
 *   init: () => null,
 *   update: (grads: Tensor) => [grads.sign(), null],
 * } as optim.Optimizer<null>;
 *
 * const optimizer = optim.chain(signs, optim.scale(-0.1));
 * const params = tensor([1, 2]);
 * const [updates] = optimizer.update(tensor([3, -4]), optimizer.init(params), params);
 * assertTensorsClose(updates, tensor([-0.1, 0.1]));
 * ```
 */
export interface Optimizer<State = OptimizerState> {
  /**
   * The state before the first update.
   *
   * @param params The parameters: a tree of tensors.
   * @returns The state to pass to the first `update`.
   */
  init(params: unknown): State;

  /**
   * One update. The arguments are not changed.
   *
   * @param grads The gradients: a tree like `params`, each leaf of the shape and dtype of its
   * parameter, or `null` for none.
   * @param state The state returned by `init` or the last `update`.
   * @param params The parameters that the gradients were taken at.
   * @param extras The loss, for `reduceOnPlateau`, `sam`, `sophia` and `lbfgs`, alone or within others.
   * @returns The updates, a tree like `params`, and the next state.
   * @throws {TreeError} when the gradients or the state are no trees like the parameters; the
   * message names the path of the first difference.
   * @throws {ShapeError} or {DtypeError} when a gradient is not of its parameter's shape or dtype.
   */
  update<Params>(
    grads: unknown,
    state: State,
    params: Params,
    extras?: UpdateExtras,
  ): [updates: TensorsOf<Params>, state: State];

  /**
   * The printed form of the optimiser, alone or as part of another: its name, its settings and its parts.
   * All of `optim` have one; a custom optimiser may have one.
   */
  readonly description?: Description;
}

/** Throws unless `value` is an optimiser. `what` begins the message: "Cannot chain". */
export function checkOptimizer(value: unknown, what: string): void {
  const { init, update } = Object(value) as Partial<Optimizer>;
  if (typeof init !== "function" || typeof update !== "function") {
    throw argumentError(
      `${what} ${describeValue(value)}: expected an optimiser with init and update` +
        (typeof value === "function" ? "; call the function that makes it" : ""),
    );
  }
}
