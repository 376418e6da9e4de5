/**
 * Polyak's steps.
 *
 * @module
 */
import { described } from "../core/description.ts";
import { minimum, where } from "../functions/mod.ts";
import { valueOf } from "./extras.ts";
import { normOf } from "./global_norm.ts";
import { openGrads, openParams } from "./leaves.ts";
import { checkNotNegative, readOptions } from "./options.ts";
import type { Optimizer } from "./optimizer.ts";
import { scaleBy } from "./scale.ts";

/**
 * Options of `polyakSgd`.
 *
 * @category Optimizers
 */
export interface PolyakSgdOptions {
  /** The least value of the loss, or a lower bound of it. Default 0. */
  readonly leastValue?: number;
  /** The largest rate. Default 1. */
  readonly maxLearningRate?: number;
  /** A constant added to the squared norm. Default 0. */
  readonly eps?: number;
}

/**
 * Gradient descent with the rate that would reach the least value f* of a linear loss:
 * u = −min((f − f*) / (‖g‖² + ε), η) g, and 0 where ‖g‖² + ε is below 2⁻⁵². It needs the loss,
 * `update(grads, state, params, { value })`. After Loizou and others, "Stochastic Polyak step-size for SGD"
 * (2021), equation 2; optax's `polyak_sgd`.
 *
 * @category Optimizers
 * @param options f*, η and ε.
 * @returns The optimiser; its state is `null`.
 * @throws {ArgumentError} when an option is out of range. `update` throws it without a value.
 *
 * @example A loss that is linear
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const optimizer = optim.polyakSgd();
 * const params = tensor([4]);
 * const [updates] = optimizer.update(tensor([2]), optimizer.init(params), params, { value: 4 });
 * assertTensorsClose(updates, [-2]);
 * ```
 */
export function polyakSgd(options?: PolyakSgdOptions): Optimizer<null> {
  const what = "Cannot make polyakSgd";
  const settings = readOptions(what, options ?? {}, { leastValue: 0, maxLearningRate: 1, eps: 0 });
  const { leastValue, maxLearningRate, eps } = settings;
  checkNotNegative(what, { maxLearningRate, eps });
  return described<Optimizer<null>>({ name: "polyakSgd", settings }, {
    init: () => null,
    update(grads, _state, params, extras) {
      const gap = valueOf(extras, "Cannot update by polyakSgd").sub(leastValue);
      const gradients = openGrads(grads, openParams(params));
      const square = normOf(gradients, 2).astype("float64").square().add(eps);
      const isFlat = square.lessEqual(2 ** -52);
      const rate = minimum(gap.div(where(isFlat, 1, square)), maxLearningRate);
      return [scaleBy(grads, params, where(isFlat, 0, rate.neg())), null];
    },
  });
}
