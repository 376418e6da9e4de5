/**
 * Values that are written into a tensor, in its dtype.
 *
 * @module
 */
import { ALL_DTYPES, categoryOf, isComplex } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { dtypeError } from "../base/errors.ts";
import { showType } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { isComplexNumber } from "../core/complex.ts";
import { isNumber, tensorFrom, toTensor, toTensorOf } from "../core/convert.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { WeakScalar } from "../core/trace.ts";
import { convert } from "../primitives/structure.ts";
import { checkBroadcast } from "./arguments.ts";
import { broadcastTo } from "./broadcasting.ts";

export function checkNumbers(x: Tensor, what: string): void {
  if (x.dtype === "bool") throw dtypeError(`${what}: expected numbers; convert with astype`);
}

/** `values` in the dtype `dtype` and the shape `shape`. */
export function readValues(values: TensorLike, dtype: Dtype, shape: Shape, what: string): Tensor {
  const cast = castValues(values, dtype, what);
  checkBroadcast(`${what}: cannot broadcast`, cast, shape);
  return broadcastTo(cast, shape);
}

/** `values` as `dtype`; an error where that would lose a category, as floats in integers. */
export function castValues(values: TensorLike, dtype: Dtype, what: string): Tensor {
  const isWeak = isNumber(values) || isComplexNumber(values) || typeof values === "boolean" ||
    Array.isArray(values);
  const tensor = isWeak ? weakValues(values, dtype, what) : toTensor(values, what);
  const categories = ALL_DTYPES.map(categoryOf);
  const rank = (type: Dtype) => categories.indexOf(categoryOf(type));
  if (rank(tensor.dtype) <= rank(dtype)) return convert(tensor, dtype);
  throw dtypeError(
    `${what}: ${showType(tensor)} does not fit ${dtype}; convert one of them with astype`,
  );
}

/** Numbers adopt the dtype that they are put into, bools stay bools. */
function weakValues(values: TensorLike, dtype: Dtype, what: string): Tensor {
  if (values instanceof WeakScalar) {
    return toTensorOf(values, dtype === "bool" ? undefined : dtype, what);
  }
  const own = tensorFrom(values, undefined, what);
  if (own.dtype === "bool" || dtype === "bool") return own;
  return isComplex(own.dtype) && !isComplex(dtype) ? own : tensorFrom(values, dtype, what);
}
