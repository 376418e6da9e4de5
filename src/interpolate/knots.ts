/**
 * Points in order, and between which of them others lie.
 *
 * @module
 */
import { isComplex } from "../base/dtype.ts";
import { argumentError, dtypeError, shapeError } from "../base/errors.ts";
import { showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import { Concrete } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { floatOperand } from "../functions/broadcasting.ts";
import { add, clip, less, lessEqual, logicalAnd, take, where, zeros } from "../functions/mod.ts";

/** Increasing points on a line; whether they increase is known of known ones only. */
export function readKnots(x: TensorLike, what: string, least: number): Tensor {
  const value = floatOperand(toTensor(x, what));
  if (isComplex(value.dtype)) throw dtypeError(`${what} ${showType(value)}: expected real numbers`);
  if (value.ndim !== 1 || value.size < least) {
    throw shapeError(`${what} ${showType(value)}: expected a vector of at least ${least} points`);
  }
  if (value instanceof Concrete) {
    value.elements.forEach((point, i, points) => {
      if (i === 0 || point > points[i - 1] || Number.isNaN(point - points[i - 1])) return;
      throw argumentError(
        `${what} ${showType(value)}: points must increase, got ${points[i - 1]} before ${point}`,
      );
    });
  }
  return value;
}

/**
 * Between which points each element of `x` lies, by halving: the number of the last one that is not
 * above it, at least 0 and at most that of the last but one.
 */
export function intervalOf(knots: Tensor, x: Tensor): Tensor {
  const count = knots.size;
  let low = zeros(x.shape, { dtype: "int32" });
  for (let step = 2 ** Math.floor(Math.log2(Math.max(count - 1, 1))); step >= 1; step /= 2) {
    const next = add(low, step);
    const isBelow = lessEqual(take(knots, clip(next, 0, count - 1), 0), x);
    low = where(logicalAnd(less(next, count), isBelow), next, low);
  }
  return clip(low, 0, Math.max(count - 2, 0));
}
