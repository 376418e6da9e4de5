/**
 * Inputs of some optimisers in addition to gradients: the loss, as a value or as a function.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { toTensor } from "../core/convert.ts";
import type { Tensor } from "../core/tensor.ts";
import { flattenLike } from "../transforms/flatten_function.ts";
import type { FlatTree } from "../transforms/flatten_function.ts";
import { checkScalar } from "./learning_rate.ts";
import { closeUpdates } from "./leaves.ts";
import type { UpdateExtras } from "./optimizer.ts";

/** The value of the loss in double precision. `what` begins messages. */
export function valueOf(extras: UpdateExtras | undefined, what: string): Tensor {
  const value = extras?.value;
  if (value === undefined) {
    throw argumentError(
      `${what} without the value of the loss: pass { value } as the fourth argument of update`,
    );
  }
  const scalar = toTensor(value, `${what} with this value of the loss`);
  checkScalar(scalar, `${what} with the value`);
  return scalar.astype("float64");
}

/** A function of some leaves of the parameters. */
export type LossOfLeaves = (leaves: readonly Tensor[]) => Tensor;

/**
 * The loss as a function of those leaves of the parameters that `chosen` has something for, in their
 * order. `what` begins messages.
 */
export function lossOf(
  extras: UpdateExtras | undefined,
  what: string,
  params: FlatTree,
  chosen: readonly unknown[],
): LossOfLeaves {
  const loss = extras?.loss;
  if (typeof loss !== "function") {
    throw argumentError(
      `${what} with the loss ${describeValue(loss)}: ` +
        `pass { loss }, a function of the parameters, as the fourth argument of update`,
    );
  }
  return (leaves) => {
    let next = 0;
    const all = params.leaves.map((leaf, i) => chosen[i] === null ? leaf : leaves[next++]);
    return loss(closeUpdates(params, all));
  };
}

/** The extras of an optimiser for a part of the leaves: it sees holes in place of the others. */
export function extrasOfPart(
  extras: UpdateExtras | undefined,
  params: FlatTree,
): UpdateExtras | undefined {
  const loss = extras?.loss;
  if (typeof loss !== "function") return extras;
  const what = "Cannot take the loss of this part of the parameters";
  return {
    ...extras,
    loss: (part: unknown) => {
      const leaves = flattenLike(params.structure, params.leaves, part, what);
      return loss(closeUpdates(params, leaves.map((leaf, i) => leaf ?? params.leaves[i])));
    },
  };
}

/** The places of the leaves that have a gradient. */
export function movable(gradients: readonly (Tensor | null)[]): number[] {
  return gradients.flatMap((gradient, i) => gradient === null ? [] : [i]);
}
