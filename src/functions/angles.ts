/**
 * Angles: degrees, turns, and the cardinal sine.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { checkAxis, showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import {
  abs,
  add,
  div,
  mod as modulo,
  mul,
  neg,
  offset,
  round,
  scale,
  sub,
} from "../primitives/arithmetic.ts";
import { and, equal, less, select } from "../primitives/comparison.ts";
import { concatenate, sliceAxis } from "../primitives/slicing.ts";
import { constantLike, stopGradient } from "../primitives/structure.ts";
import { sin } from "../primitives/transcendental.ts";
import { floatOperand } from "./broadcasting.ts";
import { cumsum } from "./cumulative.ts";
import { applyFloat, realOperand } from "./operands.ts";

/**
 * Options of `unwrap`.
 *
 * @category Elementary functions
 */
export interface UnwrapOptions {
  /** The axis along which angles follow each other. Default -1. */
  readonly axis?: number;
  /** The least jump that is mended; half a period is the least that counts, and the default. */
  readonly discont?: number;
  /** After how much values repeat. Default `2π`. */
  readonly period?: number;
}

/** Below it the cardinal sine is its series, so that derivatives have all digits too. */
const NEAR = 0.25;

/** The terms of the series, the last one first. */
const SERIES = [9, 8, 7, 6, 5, 4, 3, 2, 1];

/**
 * Degrees as radians.
 *
 * @category Elementary functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become floats of the default
 * dtype.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example Half a turn
 * ```ts
 * import { deg2rad } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(deg2rad([180, 90]), [Math.PI, Math.PI / 2]);
 * ```
 */
export function deg2rad(x: TensorLike): Tensor {
  return applyFloat("Cannot convert degrees", (value) => scale(value, Math.PI / 180), x);
}

/**
 * Radians as degrees.
 *
 * @category Elementary functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become floats of the default
 * dtype.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example Half a turn
 * ```ts
 * import { rad2deg } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(rad2deg([Math.PI, Math.PI / 2]), [180, 90]);
 * ```
 */
export function rad2deg(x: TensorLike): Tensor {
  return applyFloat("Cannot convert radians", (value) => scale(value, 180 / Math.PI), x);
}

/**
 * `sin(πx) / (πx)`, 1 at 0, with all derivatives there.
 *
 * @category Elementary functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become floats of the default
 * dtype.
 * @throws {DtypeError} when `x` is complex.
 *
 * @example A peak and a zero
 * ```ts
 * import { sinc } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(sinc([0, 0.5, 1]), [1, 2 / Math.PI, 0], { atol: 1e-6 });
 * ```
 */
export function sinc(x: TensorLike): Tensor {
  return applyFloat("Cannot take sinc of", (given) => {
    const value = realOperand("sinc", given);
    const turn = scale(value, Math.PI);
    const [one, limit] = [constantLike(value, 1), constantLike(value, NEAR)];
    const isNear = less(abs(value), limit);
    const far = select(isNear, one, turn);
    // Near zeros of the sine, the argument is reduced before it is multiplied by π.
    const period = stopGradient(scale(round(scale(value, 0.5)), 2));
    const wave = sin(scale(sub(value, period), Math.PI));
    const square = mul(turn, turn);
    const near = SERIES.reduce<Tensor>(
      (sum, k) => offset(scale(mul(sum, square), -1 / (2 * k * (2 * k + 1))), 1),
      one,
    );
    return select(isNear, near, div(wave, far));
  }, x);
}

/**
 * Angles along an axis without jumps: whole periods are added so that neighbours differ by half a period at
 * most, as NumPy's `unwrap`.
 *
 * @category Elementary functions
 * @param x Any shape.
 * @param options `axis` (the last by default), `period` (`2π` by default), and `discont`, the least jump
 * that is mended (half a period by default, and at least).
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become floats of the default
 * dtype.
 * @throws {AxisError} when the axis is out of range.
 * @throws {ArgumentError} when a number is not finite, or the period not positive.
 *
 * @example Past a whole turn
 * ```ts
 * import { unwrap } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(unwrap([0, 3, 6, 9].map((x) => x % (2 * Math.PI))), [0, 3, 6, 9], { atol: 1e-5 });
 * ```
 */
export function unwrap(x: TensorLike, options?: UnwrapOptions): Tensor {
  const given = floatOperand(toTensor(x, "Cannot unwrap"));
  const value = realOperand("unwrap", given);
  const what = `Cannot unwrap ${showType(value)}`;
  const { axis = -1, discont, period = 2 * Math.PI } = readOptions(what, options, [
    "axis",
    "discont",
    "period",
  ]);
  for (const number of [period, discont ?? period]) {
    if (typeof number === "number" && number > 0 && Number.isFinite(number)) continue;
    throw argumentError(`${what}: expected a positive number, got ${describeValue(number)}`);
  }
  const along = checkAxis(axis, value.ndim, what);
  const length = value.shape[along];
  if (length < 2) return value;
  const held = stopGradient(value);
  const steps = sub(sliceAxis(held, along, 1, length), sliceAxis(held, along, 0, length - 1));
  const half = constantLike(steps, period / 2);
  const wrapped = sub(modulo(add(steps, half), constantLike(steps, period)), half);
  const isTop = and(equal(wrapped, neg(half)), less(constantLike(steps, 0), steps));
  const least = constantLike(steps, Math.max(discont ?? 0, period / 2));
  const isKept = less(abs(steps), least);
  const turns = select(isKept, constantLike(steps, 0), sub(select(isTop, half, wrapped), steps));
  const first = sliceAxis(held, along, 0, 1);
  return add(value, cumsum(concatenate([constantLike(first, 0), turns], along), along));
}
