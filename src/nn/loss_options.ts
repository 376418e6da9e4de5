/**
 * Common parts of losses: reductions, elements with weight 0, and pairs of arguments.
 *
 * @module
 */
import { describeValue, isComplex, isHalf, wideDtype } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { argumentError, dtypeError, shapeError } from "../base/errors.ts";
import { sameShape, showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { Tensor } from "../core/tensor.ts";
import type { TensorLike } from "../core/tensor.ts";
import { checkBroadcast } from "../functions/arguments.ts";
import { commonDtype, floatOperand, promoteTogether } from "../functions/broadcasting.ts";
import {
  equal,
  isfinite,
  logicalAnd,
  logicalNot,
  mean,
  mul,
  sum,
  where,
} from "../functions/mod.ts";
import { convert } from "../primitives/structure.ts";

/**
 * How the losses of all elements are reduced: their mean, their sum, or nothing.
 *
 * @category Losses
 */
export type Reduction = "mean" | "sum" | "none";

/**
 * Options of all losses.
 *
 * @category Losses
 */
export interface LossOptions {
  /** The reduction of the losses of all elements. Default `"mean"`. */
  readonly reduction?: Reduction;
}

/** All reductions. */
export const REDUCTIONS: readonly Reduction[] = ["mean", "sum", "none"];

/** `reduction`, checked to be one of those allowed. */
export function checkReduction<R extends string>(
  what: string,
  reduction: R,
  allowed: readonly R[],
): R {
  if (allowed.includes(reduction)) return reduction;
  const names = allowed.map((name) => JSON.stringify(name));
  throw argumentError(
    `${what} with reduction ${describeValue(reduction)}: ` +
      `expected ${names.slice(0, -1).join(", ")} or ${names[names.length - 1]}`,
  );
}

/** The losses of all elements, reduced, and rounded if the result is in half floats. */
export function reduce(losses: Tensor, reduction: Reduction, dtype: Dtype): Tensor {
  if (reduction === "none") return rounded(losses, dtype);
  return rounded(reduction === "sum" ? sum(losses) : mean(losses), dtype);
}

/** A loss that was computed in float32, rounded to a half float if `dtype` is one. */
export function rounded(loss: Tensor, dtype: Dtype): Tensor {
  return isHalf(dtype) ? convert(loss, dtype) : loss;
}

/** Floats, half floats as float32: losses are rounded once, at the end. */
export function wideFloats(x: Tensor): Tensor {
  const floats = floatOperand(x);
  return convert(floats, wideDtype(floats.dtype));
}

/** The dtype of a loss: that in which these operands meet, those that are left out aside. */
export function lossDtype(what: string, operands: readonly (TensorLike | undefined)[]): Dtype {
  return commonDtype(what, operands.filter((x) => x !== undefined));
}

/** `x`, but 0 where it counts with a weight of 0 and is infinite or NaN. */
export function counted(x: Tensor, weight: Tensor): Tensor {
  return where(logicalAnd(equal(weight, 0), logicalNot(isfinite(x))), 0, x);
}

/**
 * `x` times the weight that it counts with: 0 where the weight is 0, also where `x` is infinite or
 * NaN, and then without a derivative. `source` is what `x` is made of, infinite or NaN where it is.
 */
export function weighted(x: Tensor, weight: Tensor, source: Tensor = x): Tensor {
  const isVoid = logicalAnd(equal(weight, 0), logicalNot(isfinite(source)));
  return mul(where(isVoid, 0, x), weight);
}

/**
 * Two arguments of a loss as floats of one dtype, no half floats, checked to have the same shape; complex
 * numbers where the loss takes them.
 */
export function readPair(
  what: string,
  x: TensorLike,
  y: TensorLike,
  takesComplex = false,
): [input: Tensor, target: Tensor] {
  const [input, target] = promoteTogether(what, [x, y]).map(wideFloats);
  const isRefused = !takesComplex && (isComplex(input.dtype) || isComplex(target.dtype));
  if (sameShape(input.shape, target.shape) && !isRefused) return [input, target];
  const [left, right] = [x, y].map((z) => showType(toTensor(z, what)));
  if (isRefused) {
    throw dtypeError(
      `${what} of ${left} against ${right}: expected real numbers; take abs of the difference, or ` +
        `real and imaginary parts by themselves`,
    );
  }
  throw shapeError(
    `${what} of ${left} against ${right}: shapes must be equal; reshape or broadcast one of them`,
  );
}

/** `losses` times a weight that broadcasts to their shape; unchanged without one. */
export function timesWeight(what: string, losses: Tensor, weight: TensorLike | undefined): Tensor {
  if (weight === undefined) return losses;
  return mul(losses, besideInput(what, "weight", losses, weight));
}

/** The argument `name` in the dtype of its combination with `x`: numbers without a dtype keep their digits. */
export function inDtypeOf(what: string, name: string, x: Tensor, value: TensorLike): Tensor {
  return promoteTogether(`${what} with this ${name}`, [x, value])[1];
}

/** The same, checked to broadcast to the shape of `x`. */
export function besideInput(what: string, name: string, x: Tensor, value: TensorLike): Tensor {
  const tensor = inDtypeOf(what, name, x, value);
  checkBroadcast(`Cannot broadcast ${name}`, tensor, x.shape);
  return tensor;
}
