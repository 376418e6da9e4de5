/**
 * Learning rates: numbers, scalar tensors and schedules.
 *
 * @module
 */
import { describeValue, isFloat } from "../base/dtype.ts";
import { argumentError, dtypeError, shapeError } from "../base/errors.ts";
import { showType } from "../base/shape.ts";
import { Tensor } from "../core/tensor.ts";
import { checkNotNegative } from "./options.ts";

/**
 * A value that changes while training: a pure function of the number of updates done so far (an
 * int32 scalar, 0 at the first update), giving a floating-point scalar.
 *
 * @category Schedules
 * @example A schedule of one's own: one over the root of the number of updates
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const schedule = (count: Tensor) => count.astype("float64").add(1).rsqrt();
 * const optimizer = optim.sgd(schedule);
 * const params = tensor([1]);
 * let state = optimizer.init(params);
 * let updates = params;
 * for (let i = 0; i < 4; i++) [updates, state] = optimizer.update(tensor([1]), state, params);
 * assertTensorsClose(updates, tensor([-0.5]));
 * ```
 */
export type Schedule = (count: Tensor) => Tensor;

/**
 * A learning rate: a number, a floating-point scalar tensor (which may be traced: `vmap` over it,
 * differentiate by it), or a schedule.
 *
 * @category Schedules
 */
export type LearningRate = number | Tensor | Schedule;

/** Throws unless `rate` is a learning rate; numbers must not be negative. */
export function checkLearningRate(rate: unknown, what: string): void {
  if (typeof rate === "function") return;
  if (rate instanceof Tensor) return checkScalar(rate, `${what} with learning rate`);
  if (typeof rate !== "number") {
    throw argumentError(
      `${what} with learning rate ${describeValue(rate)}: ` +
        `expected a number, a scalar tensor or a schedule`,
    );
  }
  checkNotNegative(what, { "learning rate": rate });
}

/** Throws unless `value` is a floating-point scalar. */
export function checkScalar(value: Tensor, what: string): void {
  if (value.ndim !== 0) {
    throw shapeError(
      `${what} ${showType(value)}: expected a scalar; use vmap for one optimiser per entry`,
    );
  }
  if (!isFloat(value.dtype)) {
    throw dtypeError(
      `${what} ${showType(value)}: expected a floating-point scalar; convert with astype`,
    );
  }
}
