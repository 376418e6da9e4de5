/**
 * Trends of signals.
 *
 * @module
 */
import { describeValue, wideDtype } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { checkAxis, showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { cut, lastOf, weigh } from "../fft/arguments.ts";
import { sub } from "../functions/arithmetic.ts";
import { floatOperand } from "../functions/broadcasting.ts";
import { mean, sum } from "../functions/reduction.ts";
import { concatenate } from "../primitives/slicing.ts";
import { broadcast, convert, moveAxis } from "../primitives/structure.ts";

/**
 * Options of `detrend`.
 *
 * @category Signals
 */
export interface DetrendOptions {
  /** What is taken away: the line that is nearest by least squares, or the mean. Default `"linear"`. */
  readonly type?: "linear" | "constant";
  /** The axis of the signal; negative ones count from the last. Default -1. */
  readonly axis?: number;
  /** Places where a line ends and another one begins, in order. Default none. */
  readonly breakpoints?: readonly number[];
}

/** Rows of the last axis without their means or nearest lines. */
export function withoutTrend(x: Tensor, type: "linear" | "constant"): Tensor {
  const centred = sub(x, mean(x, -1, { keepdims: true }));
  const n = lastOf(x);
  if (type === "constant" || n === 1) return centred;
  // Places, from the middle, are orthogonal to the mean.
  const places = Float64Array.from({ length: n }, (_, i) => i - (n - 1) / 2);
  const squares = n * (n * n - 1) / 12;
  const slope = sum(weigh(centred, places.map((place) => place / squares)), -1);
  const leading = x.shape.map((_, axis) => axis).slice(0, -1);
  return sub(centred, weigh(broadcast(slope, x.shape, leading), places));
}

/**
 * Signals without their nearest lines, or without their means.
 *
 * @category Signals
 * @param x Any shape but a scalar.
 * @param options What is taken away, the axis, and where lines end.
 * @returns The same shape; the dtype of `x`, `float32` for integers.
 * @throws {AxisError} when the axis is out of range.
 * @throws {ShapeError} when the signal is empty.
 * @throws {ArgumentError} when an option is out of its range.
 *
 * @example A wave on a slope
 * ```ts
 * import { detrend } from "@jacobi/jacobi/signal";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(detrend([1, 3, 5, 7]), [0, 0, 0, 0]);
 * assertTensorsClose(detrend([1, 3, 5, 0, 0], { breakpoints: [3] }), [0, 0, 0, 0, 0], { atol: 1e-6 });
 * ```
 */
export function detrend(x: TensorLike, options?: DetrendOptions): Tensor {
  const what = "Cannot remove trends of";
  const given = toTensor(x, what);
  const shown = `${what} ${showType(given)}`;
  const { type = "linear", axis = -1, breakpoints = [] } = readOptions(shown, options, [
    "type",
    "axis",
    "breakpoints",
  ]);
  if (type !== "linear" && type !== "constant") {
    throw argumentError(
      `${shown}: type must be "linear" or "constant", got ${describeValue(type)}`,
    );
  }
  const place = checkAxis(axis, given.ndim, shown);
  const length = given.shape[place];
  if (length === 0) throw shapeError(`${shown}: expected signals with elements`);
  const isList = Array.isArray(breakpoints) &&
    breakpoints.every((at, i) =>
      Number.isInteger(at) && at > (breakpoints[i - 1] ?? 0) && at < length
    );
  if (!isList) {
    throw argumentError(
      `${shown}: breakpoints must be places from 1 to ${length - 1} in order, got ${
        describeValue(breakpoints)
      }`,
    );
  }
  const value = floatOperand(given);
  const last = value.ndim - 1;
  // Half floats are rounded once, at the end.
  const rows = moveAxis(convert(value, wideDtype(value.dtype)), place, last);
  const ends = type === "linear" ? [0, ...breakpoints, length] : [0, length];
  const parts = ends.slice(1).map((end, i) => withoutTrend(cut(rows, ends[i], end), type));
  const level = parts.length === 1 ? parts[0] : concatenate(parts, last);
  return convert(moveAxis(level, last, place), value.dtype);
}
