/**
 * Checks of arguments that several functions share.
 *
 * @module
 */
import { describeValue, isInteger } from "../base/dtype.ts";
import { argumentError, axisError, dtypeError, shapeError } from "../base/errors.ts";
import { broadcastShapes, checkAxis, sameShape, showShape, showType } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { isNumber, toTensor, toTensorOf } from "../core/convert.ts";
import type { Tensor, TensorLike, Type } from "../core/tensor.ts";

/**
 * `value`, when it is an integer.
 *
 * @param what Begins the message: "Cannot roll float32[3]".
 * @param expected The expected value, in words: "an integer shift".
 */
export function checkInteger(value: unknown, what: string, expected: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value)) return value === 0 ? 0 : value;
  throw argumentError(`${what}: expected ${expected}, got ${describeValue(value)}`);
}

/**
 * `value`, when it is an integer and not negative.
 *
 * @param what Begins the message: "Cannot tile float32[3]".
 * @param expected The expected value, in words: "a number of repetitions".
 */
export function checkLength(value: unknown, what: string, expected: string): number {
  const length = checkInteger(value, what, expected);
  if (length >= 0) return length;
  throw argumentError(`${what}: expected ${expected}, got ${length}`);
}

/** The distinct axes that `axis` names, counted from the front, in the order given. */
export function listAxes(axis: number | readonly number[], ndim: number, what: string): number[] {
  const axes = Array.from(Array.isArray(axis) ? axis : [axis], (a) => checkAxis(a, ndim, what));
  axes.forEach((a, i) => {
    if (axes.indexOf(a) < i) {
      throw axisError(`${what}: axis ${a} is named twice in ${describeValue(axis)}`);
    }
  });
  return axes;
}

/** Whether `axis` names the one element of a scalar, as 0 and -1 do in PyTorch. */
export function isScalarAxis(x: Tensor, axis: unknown): boolean {
  return x.ndim === 0 && (axis === 0 || axis === -1);
}

/** `1 axis`, `2 axes`: how messages count them. */
export function countAxes(count: number): string {
  return `${count} ${count === 1 ? "axis" : "axes"}`;
}

/** Throws unless `x` broadcasts to `shape`; `what` begins the message: "Cannot broadcast". */
export function checkBroadcast(what: string, x: Type, shape: Shape): void {
  const common = broadcastShapes(x.shape, shape);
  if (common !== null && sameShape(common, shape)) return;
  const added = shape.length - x.shape.length;
  const axis = x.shape.findIndex((length, i) => length !== 1 && length !== shape[added + i]);
  const expected = shape[added + axis] === 1 ? "1" : `1 or ${shape[added + axis]}`;
  const reason = added < 0
    ? `it has ${countAxes(x.shape.length)}, more than ${shape.length}`
    : `axis ${axis} has length ${x.shape[axis]}, expected ${expected}`;
  throw shapeError(`${what} ${showType(x)} to ${showShape(shape)}: ${reason}`);
}

/**
 * `x` as a tensor of integers; numbers and nested arrays of numbers are read as int32.
 *
 * @param what Begins the message: "Cannot take".
 * @throws {DtypeError} when `x` is of another dtype.
 */
export function toIndices(x: TensorLike, what: string): Tensor {
  const isWeak = isNumber(x) || (Array.isArray(x) && !hasBooleans(x));
  const indices = isWeak ? toTensorOf(x, "int32", what) : toTensor(x, what);
  if (isInteger(indices.dtype)) return indices;
  const advice = indices.dtype === "bool"
    ? "choose by a mask with where"
    : 'convert with astype("int32")';
  throw dtypeError(
    `${what} with ${showType(indices)} as indices: expected an integer dtype; ${advice}`,
  );
}

/** Whether a nested array begins with a boolean. */
function hasBooleans(x: unknown): boolean {
  for (let depth = 0; Array.isArray(x) && depth < 64; depth++) x = x[0];
  return typeof x === "boolean";
}
