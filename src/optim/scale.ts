/**
 * Multiplying updates by a number, a scalar or a schedule.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { described } from "../core/description.ts";
import { Tensor } from "../core/tensor.ts";
import { WeakScalar } from "../core/trace.ts";
import { checkCount, double, newCount, nextCount } from "./count.ts";
import { checkLearningRate, checkScalar } from "./learning_rate.ts";
import type { LearningRate, Schedule } from "./learning_rate.ts";
import { checkState, closeUpdates, openGrads, openParams, scalarFor } from "./leaves.ts";
import { checkFinite } from "./options.ts";
import type { Optimizer } from "./optimizer.ts";

/**
 * The number of updates done so far, where a schedule needs it; `null` otherwise.
 *
 * @category Gradient transformations
 */
export type ScaleState = { readonly count: Tensor } | null;

/**
 * Multiplies updates by a factor: u ← f u.
 *
 * @category Gradient transformations
 * @param factor A number, a floating-point scalar tensor, or a schedule of the number of updates
 * done so far. It is rounded to the dtype of each leaf.
 * @returns The transform; its state is `{ count }` for a schedule, `null` otherwise.
 * @throws {ArgumentError} when a number is not finite, or the factor is none of these.
 * @throws {ShapeError} or {DtypeError} when a tensor is not a floating-point scalar.
 *
 * @example Climbing instead of descending
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const ascend = optim.scale(0.5);
 * const params = tensor([1, 2]);
 * const [updates] = ascend.update(tensor([4, -2]), ascend.init(params), params);
 * assertTensorsClose(updates, tensor([2, -1]));
 * ```
 */
export function scale(factor: number | Tensor | Schedule): Optimizer<ScaleState> {
  const what = "Cannot scale by factor";
  const description = { name: "scale", args: [factor] };
  if (typeof factor === "function") {
    return described<Optimizer<ScaleState>>(
      description,
      {
        init: () => ({ count: newCount() }),
        update(grads, state, params) {
          checkState(state, ["count"]);
          const count = checkCount(state!.count);
          return [scaleBy(grads, params, callSchedule(factor, count)), { count: nextCount(count) }];
        },
      } satisfies Optimizer<ScaleState>,
    );
  }
  if (factor instanceof Tensor) checkScalar(factor, what);
  else if (typeof factor === "number") checkFinite("Cannot scale", "factor", factor);
  else {
    throw argumentError(
      `${what} ${describeValue(factor)}: expected a number, a scalar tensor or a schedule`,
    );
  }
  return described<Optimizer<ScaleState>>(
    description,
    {
      init: () => null,
      update: (grads, _, params) => [scaleBy(grads, params, factor), null],
    } satisfies Optimizer<ScaleState>,
  );
}

/**
 * Multiplies updates by minus the learning rate: u ← −η u. The last step of every optimiser, which
 * turns the direction of steepest ascent into a step downhill.
 *
 * @category Gradient transformations
 * @param learningRate A number of at least 0, a floating-point scalar tensor, or a schedule of the
 * number of updates done so far. It is rounded to the dtype of each leaf.
 * @returns The transform; its state is `{ count }` for a schedule, `null` otherwise.
 * @throws {ArgumentError} when a number is negative or not finite, or the rate is none of these.
 * @throws {ShapeError} or {DtypeError} when a tensor is not a floating-point scalar.
 *
 * @example Gradient descent whose gradients are clipped one by one
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const optimizer = optim.chain(optim.clipByValue(1), optim.scaleByLearningRate(0.1));
 * const params = tensor([1, 2]);
 * const [updates] = optimizer.update(tensor([5, -0.5]), optimizer.init(params), params);
 * assertTensorsClose(updates, tensor([-0.1, 0.05]));
 * ```
 */
export function scaleByLearningRate(learningRate: LearningRate): Optimizer<ScaleState> {
  checkLearningRate(learningRate, "Cannot scale");
  return described<Optimizer<ScaleState>>(
    { name: "scaleByLearningRate", args: [learningRate] },
    descend(learningRate),
  );
}

/** The transform that multiplies by minus the learning rate. */
function descend(learningRate: LearningRate): Optimizer<ScaleState> {
  if (typeof learningRate === "number") return scale(-learningRate);
  if (learningRate instanceof WeakScalar) {
    // Negated where it has met a leaf and taken its dtype: before, that would round it.
    return {
      init: () => null,
      update: (grads, _, params) => [scaleBy(grads, params, learningRate, negative), null],
    };
  }
  if (learningRate instanceof Tensor) return scale(learningRate.neg());
  return scale((count) => negative(callSchedule(learningRate, count)) as Tensor);
}

function negative(value: number | Tensor): number | Tensor {
  return typeof value === "number" ? -value : value.neg();
}

/** A schedule's value, checked: users write schedules too, and may return numbers from them. */
export function callSchedule(schedule: Schedule, count: Tensor): number | Tensor {
  const value: unknown = schedule(count);
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (!(value instanceof Tensor)) {
    throw argumentError(
      `Cannot use the result of this schedule, ${describeValue(value)}: expected a scalar tensor`,
    );
  }
  checkScalar(value, "Cannot use the result of this schedule,");
  return value;
}

/** A rate that changes with the number of updates done so far, too; both in double precision. */
export function varied(
  rate: LearningRate,
  equation: (rate: Tensor, count: Tensor) => Tensor,
): Schedule {
  return (count) => {
    const now = typeof rate === "function" ? callSchedule(rate, count) : rate;
    const wide = now instanceof Tensor ? now.astype("float64") : double(now);
    return equation(wide, count.astype("float64"));
  };
}

/** `grads` times `factor`, once `change` was applied to it in the dtype of each leaf. */
export function scaleBy<Params>(
  grads: unknown,
  params: Params,
  factor: number | Tensor,
  change = (value: number | Tensor) => value,
) {
  const opened = openParams(params);
  const scalar = scalarFor(factor);
  return closeUpdates<Params>(
    opened,
    openGrads(grads, opened).map((g) => g && g.mul(change(scalar(g)))),
  );
}
