/**
 * What the last steps tell of the inverse of a Hessian.
 *
 * @module
 */
import type { Tensor } from "../core/tensor.ts";
import { scan } from "../control/scan.ts";
import { slice } from "../core/slices.ts";
import { concatenate, dot, expandDims, sum, where } from "../functions/mod.ts";

/** Rows without the first, and with another one behind the last. */
export function remember(rows: Tensor, row: Tensor): Tensor {
  return concatenate([rows.at(slice(1, null)), expandDims(row, 0)]);
}

/** The reciprocal, but 0 of 0. */
function reciprocal(x: Tensor): Tensor {
  const isZero = x.equal(0);
  return where(isZero, 0, where(isZero, 1, x).reciprocal());
}

/**
 * The inverse of a Hessian times a vector, as far as steps and the changes of the gradient that they made tell:
 * J. Nocedal and S. J. Wright, "Numerical Optimization", 2nd edition, 2006, algorithm 7.4.
 *
 * @param vector `[n]`.
 * @param steps The last steps, the latest last: `[m, n]`; rows of zeros tell nothing.
 * @param changes What the gradient changed by: `[m, n]`.
 * @param scale The inverse where no step tells: a scalar.
 */
export function timesInverse(
  vector: Tensor,
  steps: Tensor,
  changes: Tensor,
  scale: Tensor,
): Tensor {
  const weights = reciprocal(sum(steps.mul(changes), 1));
  const [inner, shares] = scan(
    (q: Tensor, [s, y, weight]: readonly Tensor[]) => {
      const share = dot(s, q).mul(weight);
      return [q.sub(y.mul(share)), share];
    },
    vector,
    [steps, changes, weights] as readonly Tensor[],
    { reverse: true },
  );
  const [outer] = scan(
    (q: Tensor, [s, y, weight, share]: readonly Tensor[]) => {
      const back = dot(y, q).mul(weight);
      return [q.add(s.mul(share.sub(back))), back];
    },
    inner.mul(scale),
    [steps, changes, weights, shares] as readonly Tensor[],
  );
  return outer;
}

/** How large the inverse is by the latest step: 1 where it tells nothing. */
export function scaleOf(steps: Tensor, changes: Tensor): Tensor {
  const [s, y] = [steps.at(-1), changes.at(-1)];
  const square = dot(y, y);
  return where(square.greater(0), dot(s, y).mul(reciprocal(square)), 1);
}
