/**
 * Counting updates.
 *
 * @module
 */
import { dtypeError } from "../base/errors.ts";
import { describeValue } from "../base/dtype.ts";
import { showType } from "../base/shape.ts";
import { splat, Tensor } from "../core/tensor.ts";
import { where } from "../functions/mod.ts";

const LARGEST = 2 ** 31 - 1;

/** No updates yet. */
export function newCount(): Tensor {
  return splat(0, "int32", []);
}

/** The count in a state, checked. */
export function checkCount(count: unknown): Tensor {
  if (count instanceof Tensor && count.dtype === "int32" && count.ndim === 0) return count;
  throw dtypeError(
    `Cannot update with the count of this state: expected int32[], got ${
      count instanceof Tensor ? showType(count) : describeValue(count)
    }; pass what init or the last update gave`,
  );
}

/** One update more; the largest count stays. */
export function nextCount(count: Tensor): Tensor {
  return count.minimum(LARGEST - 1).add(1);
}

/** The next position in a cycle of `steps` updates, from 1; the last one resets the count to 0. */
export function nextPlace(
  count: unknown,
  steps: number,
): { readonly place: Tensor; readonly isLast: Tensor; readonly count: Tensor } {
  const place = nextCount(checkCount(count));
  const isLast = place.greaterEqual(steps);
  return { place, isLast, count: where(isLast, 0, place) };
}

/**
 * A double-precision constant. Values derived from counts (powers of a decay rate, schedules) are
 * computed in double precision whatever the dtype of the parameters, and rounded to it at the end.
 */
export function double(value: number): Tensor {
  return splat(value, "float64", []);
}
