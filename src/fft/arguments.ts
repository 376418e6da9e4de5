/**
 * What the transforms have in common: the axis, the length, the norm.
 *
 * @module
 */
import { describeValue, partDtype, wideDtype } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { checkAxis, showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { floatOperand } from "../functions/broadcasting.ts";
import { tensor } from "../functions/creation.ts";
import { mul } from "../primitives/arithmetic.ts";
import { pad, sliceAxis } from "../primitives/slicing.ts";
import { broadcast, convert, moveAxis } from "../primitives/structure.ts";

/**
 * What a transform is divided by: nothing there and the length back (`"backward"`), its square root both ways
 * (`"ortho"`), or the length there and nothing back (`"forward"`).
 *
 * @category Fourier transforms
 */
export type Norm = "backward" | "ortho" | "forward";

/** `value`, when it is a norm. */
export function checkNorm(value: unknown, what: string): Norm {
  if (value === "backward" || value === "ortho" || value === "forward") return value;
  throw argumentError(
    `${what}: norm must be "backward", "ortho" or "forward", got ${describeValue(value)}`,
  );
}

/** `value`, when it is a positive integer; `name` is that of the option. */
export function checkCount(value: unknown, what: string, name: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value > 0) return value;
  throw argumentError(`${what}: ${name} must be a positive integer, got ${describeValue(value)}`);
}

/** The length of the last axis. */
export function lastOf({ shape }: Tensor): number {
  return shape[shape.length - 1];
}

/** Elements `from` to `to` of the last axis. */
export function cut(x: Tensor, from: number, to: number): Tensor {
  return from === 0 && to === lastOf(x) ? x : sliceAxis(x, x.ndim - 1, from, to);
}

/** Zeros in front of and behind the last axis. */
export function surround(x: Tensor, low: number, high: number): Tensor {
  if (low === 0 && high === 0) return x;
  const [none, last] = [x.shape.map(() => 0), x.ndim - 1];
  return pad(x, none.with(last, low), none.with(last, high), none);
}

/** The last axis with so many elements: zeros behind it, or its first ones alone. */
export function fit(x: Tensor, length: number): Tensor {
  return length <= lastOf(x) ? cut(x, 0, length) : surround(x, 0, length - lastOf(x));
}

/** `x` with each row of the last axis multiplied by numbers, which are rounded to its dtype. */
export function weigh(x: Tensor, weights: Float64Array): Tensor {
  return mul(x, broadcast(tensor(weights, { dtype: partDtype(x.dtype) }), x.shape, [x.ndim - 1]));
}

/**
 * Applies `transform` to rows of floats, which are what stands along an axis of `x`, `n` elements of each.
 *
 * @param what Begins messages: "Cannot transform".
 */
export function alongAxis(
  what: string,
  x: TensorLike,
  { n, axis }: { readonly n: number | undefined; readonly axis: number },
  transform: (rows: Tensor, shown: string) => Tensor,
): Tensor {
  const value = floatOperand(toTensor(x, what));
  const shown = `${what} ${showType(value)}`;
  const place = checkAxis(axis, value.ndim, shown);
  const last = value.ndim - 1;
  const length = n === undefined ? value.shape[place] : checkCount(n, shown, "n");
  if (length === 0) {
    throw shapeError(`${shown}: axis ${place} has no elements; give n for as many zeros`);
  }
  // Half floats are rounded once, at the end.
  const wide = convert(value, wideDtype(value.dtype));
  const rows = fit(moveAxis(wide, place, last), length);
  return convert(moveAxis(transform(rows, shown), last, place), value.dtype);
}
