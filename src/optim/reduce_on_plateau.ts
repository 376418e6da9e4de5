/**
 * Smaller steps where the loss no longer falls.
 *
 * @module
 */
import { argumentError } from "../base/errors.ts";
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import { logicalAnd, logicalNot, where } from "../functions/mod.ts";
import { checkCount, double, newCount, nextCount, nextPlace } from "./count.ts";
import { valueOf } from "./extras.ts";
import { checkState } from "./leaves.ts";
import { checkCounts, checkNotNegative, readOptions } from "./options.ts";
import type { Optimizer } from "./optimizer.ts";
import { scaleBy } from "./scale.ts";

/**
 * Options of `reduceOnPlateau`.
 *
 * @category Schedules
 */
export interface ReduceOnPlateauOptions {
  /** The factor of the scale, above 0 and below 1. Default 0.1. */
  readonly factor?: number;
  /** After how many values in a row without improvement the scale falls. Default 10. */
  readonly patience?: number;
  /** The share of the best value by which a lower one improves on it, at most 1. Default 1e-4. */
  readonly rtol?: number;
  /** By how much, besides, a lower value improves on the best one. Default 0. */
  readonly atol?: number;
  /** How many values are not counted after the scale fell. Default 0. */
  readonly cooldown?: number;
  /** Of how many updates a value is the mean. Default 1. */
  readonly accumulationSize?: number;
  /** The least scale. Default 0. */
  readonly minScale?: number;
}

/**
 * The state of `reduceOnPlateau`; float64 and int32 scalars.
 *
 * @category Schedules
 */
export type ReduceOnPlateauState = {
  /** The factor of updates. */
  readonly scale: Tensor;
  /** The best value so far. */
  readonly bestValue: Tensor;
  /** How many values in a row were no better. */
  readonly plateauCount: Tensor;
  /** How many of the next values are not counted. */
  readonly cooldownCount: Tensor;
  /** How many losses are in the mean. */
  readonly count: Tensor;
  /** The mean of the losses since the last value. */
  readonly meanValue: Tensor;
};

const PLATEAU = {
  factor: 0.1,
  patience: 10,
  rtol: 1e-4,
  atol: 0,
  cooldown: 0,
  accumulationSize: 1,
  minScale: 0,
};

const KEYS = ["scale", "bestValue", "plateauCount", "cooldownCount", "count", "meanValue"];

/**
 * Multiplies updates by a scale that falls when the loss has not improved for a while: after `patience`
 * values in a row that are not below (1 − rtol) best − atol, it is multiplied by the factor. It comes after an
 * optimiser in a chain, and needs the loss: `update(grads, state, params, { value })`. optax's
 * `reduce_on_plateau`; PyTorch's `ReduceLROnPlateau` counts one value more.
 *
 * @category Schedules
 * @param options factor, patience, rtol, atol, cooldown, the number of losses in a value, the least scale.
 * @returns The transform; its state is `{ scale, bestValue, plateauCount, cooldownCount, count, meanValue }`.
 * @throws {ArgumentError} when an option is out of range. `update` throws it without a value.
 * @throws {ShapeError} or {DtypeError} from `update`, when the value is not a floating-point scalar.
 *
 * @example Half the step after two losses that are no better
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const optimizer = optim.chain(optim.sgd(1), optim.reduceOnPlateau({ factor: 0.5, patience: 2 }));
 * const params = tensor([3]);
 * let state = optimizer.init(params);
 * const steps = [7, 7, 8, 5].map((value) => {
 *   const [updates, next] = optimizer.update(tensor([1]), state, params, { value });
 *   state = next;
 *   return updates.item();
 * });
 * assertTensorsClose(tensor(steps), [-1, -1, -0.5, -0.5]);
 * ```
 */
export function reduceOnPlateau(
  options?: ReduceOnPlateauOptions,
): Optimizer<ReduceOnPlateauState> {
  const what = "Cannot reduce on a plateau";
  const settings = readOptions(what, options ?? {}, PLATEAU);
  const { factor, patience, rtol, atol, cooldown, accumulationSize, minScale } = settings;
  if (factor <= 0 || factor >= 1) {
    throw argumentError(`${what} with factor ${factor}: expected a number between 0 and 1`);
  }
  checkNotNegative(what, { rtol, atol, minScale });
  if (rtol > 1) throw argumentError(`${what} with rtol ${rtol}: expected a number from 0 to 1`);
  checkCounts(what, { cooldown }, 0);
  checkCounts(what, { patience, accumulationSize }, 1);
  return described<Optimizer<ReduceOnPlateauState>>({ name: "reduceOnPlateau", settings }, {
    init: () => ({
      scale: double(1),
      bestValue: double(Infinity),
      plateauCount: newCount(),
      cooldownCount: newCount(),
      count: newCount(),
      meanValue: double(0),
    }),
    update(grads, state, params, extras) {
      checkState(state, KEYS);
      const { scale, bestValue, plateauCount, cooldownCount, meanValue } = state;
      const loss = valueOf(extras, what);
      const { place, isLast, count } = nextPlace(state.count, accumulationSize);
      const mean = meanValue.add(loss.sub(meanValue).div(place));
      const isBetter = mean.less(bestValue.mul(1 - rtol).sub(atol));
      const isCold = checkCount(cooldownCount).greater(0);
      const bad = where(isBetter, 0, nextCount(checkCount(plateauCount)));
      const falls = logicalAnd(logicalNot(isCold), bad.greaterEqual(patience));
      const kept = (after: Tensor | number, before: Tensor) => where(isLast, after, before);
      const lower = where(isCold, scale, where(falls, scale.mul(factor), scale).maximum(minScale));
      const next = {
        scale: kept(lower, scale),
        bestValue: kept(where(isBetter, mean, bestValue), bestValue),
        plateauCount: kept(
          where(logicalAnd(logicalNot(isCold), logicalNot(falls)), bad, 0),
          plateauCount,
        ),
        cooldownCount: kept(
          where(isCold, cooldownCount.sub(1), where(falls, cooldown, cooldownCount)),
          cooldownCount,
        ),
        count,
        meanValue: where(isLast, 0, mean),
      };
      return [scaleBy(grads, params, next.scale), next];
    },
  });
}
