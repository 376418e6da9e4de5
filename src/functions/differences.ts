/**
 * Differences and sums of sampled functions: diff, gradient, trapezoid, interp.
 *
 * @module
 */
import { describeValue, promoteDtypes } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { checkAxis, range, sameShape, showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import {
  add,
  div,
  maximum,
  minimum,
  mod,
  mul,
  offset,
  scale,
  sub,
} from "../primitives/arithmetic.ts";
import { equal, less, not, select } from "../primitives/comparison.ts";
import { gather } from "../primitives/indexing.ts";
import { argsort } from "../primitives/ordering.ts";
import { insertionPlaces } from "../primitives/searching.ts";
import { concatenate, sliceAxis } from "../primitives/slicing.ts";
import { broadcast, constantLike, convert, reduceSum, reshape } from "../primitives/structure.ts";
import { checkLength, listAxes } from "./arguments.ts";
import { broadcastTo, floatOperand, promoteTogether } from "./broadcasting.ts";
import { isnan, where } from "./comparison.ts";
import { realOperand } from "./operands.ts";

/**
 * Options of `diff`.
 *
 * @category Differences and polynomials
 */
export interface DiffOptions {
  /** Values before `x` along the axis: a scalar, or a tensor. */
  readonly prepend?: TensorLike;
  /** Values appended to `x` along the axis: a scalar, or a tensor. */
  readonly append?: TensorLike;
}

/**
 * Differences of neighbours along an axis, taken `n` times.
 *
 * @category Differences and polynomials
 * @param x Any shape of one axis or more.
 * @param n How many times, 1 by default.
 * @param axis The axis, the last by default.
 * @param options `prepend`, `append`: values before and after `x` along the axis.
 * @returns The dtype of `x`; the axis is shorter by `n`. Of bools: whether they differ.
 * @throws {AxisError} when the axis is out of range.
 * @throws {ArgumentError} when `n` is not a count.
 *
 * @example First and second differences
 * ```ts
 * import { diff } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(diff([1, 2, 4, 7]), [1, 2, 3]);
 * assertTensorsClose(diff([1, 2, 4, 7], 2), [1, 1]);
 * ```
 */
export function diff(x: TensorLike, n?: number, axis?: number, options?: DiffOptions): Tensor {
  const what = "Cannot take differences of";
  const value = toTensor(x, what);
  const at = checkAxis(axis ?? -1, value.ndim, `${what} ${showType(value)}`);
  const times = checkLength(n ?? 1, `${what} ${showType(value)}`, "how many times");
  const { prepend, append } = readOptions(what, options, ["prepend", "append"]);
  const given = [prepend, value, append].filter((part) => part !== undefined);
  const parts = promoteTogether(what, given).map((part) =>
    part.ndim === 0 ? broadcastTo(part, value.shape.with(at, 1)) : part
  );
  let result = parts.length === 1 ? parts[0] : concatenate(parts, at);
  for (let i = 0; i < times && result.shape[at] > 0; i++) {
    const length = result.shape[at];
    const [before, behind] = [
      sliceAxis(result, at, 0, length - 1),
      sliceAxis(result, at, 1, length),
    ];
    result = result.dtype === "bool" ? not(equal(behind, before)) : sub(behind, before);
  }
  return result;
}

/**
 * Options of `ediff1d`.
 *
 * @category Differences and polynomials
 */
export interface Ediff1dOptions {
  /** Values before the differences. */
  readonly toBegin?: TensorLike;
  /** Values after the differences. */
  readonly toEnd?: TensorLike;
}

/**
 * Differences of neighbours in the flattened tensor.
 *
 * @category Differences and polynomials
 * @param x Any shape.
 * @param options `toBegin`, `toEnd`: values before and after the differences.
 * @returns One axis.
 * @throws {DtypeError} when `x` is `bool`.
 *
 * @example With a leading zero
 * ```ts
 * import { ediff1d } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(ediff1d([[1, 2], [4, 7]], { toBegin: 0 }), [0, 1, 2, 3]);
 * ```
 */
export function ediff1d(x: TensorLike, options?: Ediff1dOptions): Tensor {
  const what = "Cannot take differences of";
  const { toBegin, toEnd } = readOptions(what, options, ["toBegin", "toEnd"]);
  const value = toTensor(x, what);
  const differences = diff(reshape(value, [value.size]));
  const parts = [toBegin, differences, toEnd].filter((part) => part !== undefined)
    .map((part) => convert(toTensor(part, what), differences.dtype));
  return concatenate(parts.map((part) => reshape(part, [part.size])), 0);
}

/**
 * Options of `gradient`.
 *
 * @category Differences and polynomials
 */
export interface GradientOptions {
  /**
   * The distance of neighbours, or the coordinates along the axis `[length]`; for several axes it may be a
   * list of these. 1 by default.
   */
  readonly spacing?: number | Tensor | readonly (number | TensorLike)[];
}

/**
 * Slopes of a sampled function along an axis: central differences, and differences of the first and of
 * the last two at the ends. (`grad` differentiates functions.)
 *
 * @category Differences and polynomials
 * @param x Any shape; at least two elements along the axis.
 * @param axis The axis.
 * @param options `spacing`: the distance of neighbours, 1 by default, or the coordinates along the axis.
 * @returns The shape of `x`; `float32` for integers and `bool`.
 * @throws {AxisError} when the axis is out of range.
 * @throws {ShapeError} when the axis has less than two elements, or coordinates do not fit.
 *
 * @example Slopes of squares
 * ```ts
 * import { gradient } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(gradient([0, 1, 4, 9], 0), [1, 2, 4, 5]);
 * const [rows, columns] = gradient([[1, 2], [4, 8]]);
 * assertTensorsClose(rows, [[3, 6], [3, 6]]);
 * assertTensorsClose(columns, [[1, 1], [4, 4]]);
 * ```
 */
export function gradient(x: TensorLike, axis: number, options?: GradientOptions): Tensor;
/** The same along several axes, all when left out: one tensor for each. */
export function gradient(
  x: TensorLike,
  axis?: readonly number[] | null,
  options?: GradientOptions,
): Tensor[];
export function gradient(
  x: TensorLike,
  axis?: number | readonly number[] | null,
  options?: GradientOptions,
): Tensor | Tensor[] {
  const what = "Cannot take the gradient of";
  const value = floatOperand(toTensor(x, what));
  const { spacing = 1 } = readOptions(what, options, ["spacing"]);
  const shown = `${what} ${showType(value)}`;
  const axes = listAxes(axis ?? range(value.ndim), value.ndim, shown);
  const isList = Array.isArray(spacing) && axes.length > 1;
  const each = isList ? spacing as readonly TensorLike[] : axes.map(() => spacing as TensorLike);
  if (each.length !== axes.length) {
    throw argumentError(
      `${shown}: expected a spacing for each of ${axes.length} axes, got ${each.length}`,
    );
  }
  const results = axes.map((at, i) => slopesAlong(value, at, each[i], shown));
  return typeof axis === "number" ? results[0] : results;
}

/** Slopes along one axis. */
function slopesAlong(x: Tensor, axis: number, spacing: TensorLike, what: string): Tensor {
  const count = x.shape[axis];
  if (count < 2) {
    throw shapeError(`${what}: expected two elements or more along axis ${axis}, got ${count}`);
  }
  const part = (from: number, to: number) => sliceAxis(x, axis, from, to);
  const steps = sub(part(1, count), part(0, count - 1));
  const given = toTensor(spacing, what);
  const distance = convert(given, x.dtype);
  const over = (differences: Tensor, by: Tensor) =>
    div(differences, broadcast(by, differences.shape, by.ndim === 0 ? [] : [axis]));
  if (distance.ndim === 0) {
    const ends = [
      over(sliceAxis(steps, axis, 0, 1), distance),
      over(sliceAxis(steps, axis, count - 2, count - 1), distance),
    ];
    const inner = over(scale(sub(part(2, count), part(0, count - 2)), 0.5), distance);
    return concatenate([ends[0], inner, ends[1]], axis);
  }
  if (!sameShape(distance.shape, [count])) {
    throw shapeError(
      `${what}: expected ${count} coordinates along axis ${axis}, got ${showType(given)}`,
    );
  }
  const gaps = sub(sliceAxis(distance, 0, 1, count), sliceAxis(distance, 0, 0, count - 1));
  const slopes = over(steps, gaps);
  const [first, last] = [
    sliceAxis(slopes, axis, 0, 1),
    sliceAxis(slopes, axis, count - 2, count - 1),
  ];
  if (count === 2) return concatenate([first, last], axis);
  // The slope of the parabola through three neighbours: each side's slope counts by the other's gap.
  const [before, behind] = [sliceAxis(gaps, 0, 0, count - 2), sliceAxis(gaps, 0, 1, count - 1)];
  const share = broadcast(div(behind, add(before, behind)), slopes.shape.with(axis, count - 2), [
    axis,
  ]);
  const [left, right] = [
    sliceAxis(slopes, axis, 0, count - 2),
    sliceAxis(slopes, axis, 1, count - 1),
  ];
  const inner = add(mul(left, share), mul(right, sub(constantLike(share, 1), share)));
  return concatenate([first, inner, last], axis);
}

/**
 * Options of `trapezoid`.
 *
 * @category Differences and polynomials
 */
export interface TrapezoidOptions {
  /** The distance of neighbours where there are no coordinates; 1 by default. */
  readonly dx?: number;
  /** The axis, the last by default. */
  readonly axis?: number;
}

/**
 * Integral of a sampled function along an axis by the trapezoidal rule.
 *
 * @category Differences and polynomials
 * @param y Any shape of one axis or more.
 * @param x The coordinates: `[length]` of the axis, or the shape of `y`; left out or `null`: `dx` apart.
 * @param options `dx`: the distance of neighbours, 1 by default; `axis`: the last by default.
 * @returns The shape of `y` without the axis; `float32` for integers and `bool`.
 * @throws {AxisError} when the axis is out of range.
 * @throws {ShapeError} when the coordinates do not fit.
 *
 * @example Under a line
 * ```ts
 * import { trapezoid } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(trapezoid([0, 1, 2], [0, 2, 4]), 4);
 * assertTensorsClose(trapezoid([0, 1, 2], null, { dx: 0.5 }), 1);
 * ```
 */
export function trapezoid(
  y: TensorLike,
  x?: TensorLike | null,
  options?: TrapezoidOptions,
): Tensor {
  const what = "Cannot integrate";
  const { dx = 1, axis = -1 } = readOptions(what, options, ["dx", "axis"]);
  if (typeof dx !== "number") {
    throw argumentError(`${what}: expected a number dx, got ${describeValue(dx)}`);
  }
  const given = promoteTogether(what, x === undefined || x === null ? [y] : [y, x]).map(
    floatOperand,
  );
  const [value, coordinates] = given;
  const at = checkAxis(axis, value.ndim, `${what} ${showType(value)}`);
  const count = value.shape[at];
  const part = (from: number, to: number) => sliceAxis(value, at, from, Math.max(to, from));
  const means = scale(add(part(Math.min(1, count), count), part(0, count - 1)), 0.5);
  if (coordinates === undefined) return scale(reduceSum(means, [at]), dx);
  const isVector = sameShape(coordinates.shape, [count]);
  if (!isVector && !sameShape(coordinates.shape, value.shape)) {
    throw shapeError(
      `${what} ${showType(value)} over ${
        showType(coordinates)
      }: expected the same shape, or [${count}]`,
    );
  }
  const along = isVector ? 0 : at;
  const gaps = diff(coordinates, 1, along);
  return reduceSum(mul(means, isVector ? broadcast(gaps, means.shape, [at]) : gaps), [at]);
}

/**
 * Options of `interp`.
 *
 * @category Differences and polynomials
 */
export interface InterpOptions {
  /** The value before the first coordinate; the first value by default. */
  readonly left?: TensorLike;
  /** The value after the last coordinate; the last value by default. */
  readonly right?: TensorLike;
  /** The period of the coordinates; with it there is no outside. */
  readonly period?: number;
}

/**
 * Linear interpolation of a function that is known at some coordinates.
 *
 * @category Differences and polynomials
 * @param x Where to evaluate, any shape.
 * @param xp The coordinates `[n]`, in ascending order (with a period, in any).
 * @param fp The values there, `[n]`.
 * @param options `left`, `right`: the values outside, by default the first and the last of `fp`;
 * `period`: the period of the coordinates.
 * @returns The shape of `x`. Derivatives flow to `x`, `xp` and `fp`; NaN stays.
 * @throws {ShapeError} when `xp` and `fp` are not vectors of one length, or are empty.
 * @throws {ArgumentError} when the period is not a number other than 0.
 *
 * @example Between two points and beyond them
 * ```ts
 * import { interp } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(interp([0.5, 1.5, 9], [0, 1, 2], [0, 10, 30]), [5, 20, 30]);
 * ```
 */
export function interp(
  x: TensorLike,
  xp: TensorLike,
  fp: TensorLike,
  options?: InterpOptions,
): Tensor {
  const what = "Cannot interpolate";
  const { left, right, period } = readOptions(what, options, ["left", "right", "period"]);
  let [at, places] = promoteTogether(what, [x, xp], true)
    .map((part) => floatOperand(realOperand("interp", part)));
  let values = floatOperand(toTensor(fp, what));
  values = convert(values, promoteDtypes(values.dtype, at.dtype, what));
  if (places.ndim !== 1 || places.size === 0 || !sameShape(places.shape, values.shape)) {
    throw shapeError(
      `${what} between ${showType(places)} and ${showType(values)}: expected vectors of one length`,
    );
  }
  if (period !== undefined) {
    if (typeof period !== "number" || !Number.isFinite(period) || period === 0) {
      throw argumentError(`${what}: expected a period other than 0, got ${describeValue(period)}`);
    }
    const length = Math.abs(period);
    at = mod(at, constantLike(at, length));
    places = mod(places, constantLike(places, length));
    const order = argsort(places, 0, false);
    [places, values] = [gather(places, order), gather(values, order)];
    // The last and the first element once more, a period away.
    const around = (part: Tensor, shift: number) => {
      const [first, last] = [
        sliceAxis(part, 0, 0, 1),
        sliceAxis(part, 0, part.size - 1, part.size),
      ];
      return concatenate([offset(last, -shift), part, offset(first, shift)], 0);
    };
    [places, values] = [around(places, length), around(values, 0)];
  }
  const count = places.size;
  const end = (part: Tensor, i: number) => reshape(sliceAxis(part, 0, i, i + 1), []);
  const [first, last] = [end(places, 0), end(places, count - 1)];
  const isBefore = less(at, broadcast(first, at.shape, []));
  const isBehind = less(broadcast(last, at.shape, []), at);
  const outside = (value: TensorLike | undefined, i: number) =>
    value === undefined || period !== undefined ? end(values, i) : value;
  const beyond = (inner: Tensor) =>
    where(isBefore, outside(left, 0), where(isBehind, outside(right, count - 1), inner));
  if (count === 1) {
    return beyond(where(isnan(at), NaN, broadcast(end(values, 0), at.shape, [])));
  }
  const place = offset(insertionPlaces(places, at, "right"), -1);
  const low = maximum(minimum(place, constantLike(place, count - 2)), constantLike(place, 0));
  const high = offset(low, 1);
  const [x0, x1] = [gather(places, low), gather(places, high)];
  const [f0, f1] = [gather(values, low), gather(values, high)];
  const gap = sub(x1, x0);
  // Coordinates that coincide: the last of them counts.
  const isNone = equal(gap, constantLike(gap, 0));
  const share = div(sub(at, x0), select(isNone, constantLike(gap, 1), gap));
  const weight = convert(select(isNone, constantLike(share, 1), share), f0.dtype);
  return beyond(add(f0, mul(weight, sub(f1, f0))));
}
