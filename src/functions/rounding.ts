/**
 * Elements rounded to integers and to decimal places.
 *
 * @module
 */
import { isInteger } from "../base/dtype.ts";
import { readOptions } from "../base/options.ts";
import type { RoundOptions } from "../core/methods.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import * as arithmetic from "../primitives/arithmetic.ts";
import { equal, isNan, or, select } from "../primitives/comparison.ts";
import { constantLike, convert, stopGradient } from "../primitives/structure.ts";
import { checkInteger } from "./arguments.ts";
import { numberOperand } from "./operands.ts";

/** A strict function to integers, which changes integers not at all. */
function applyRounding(what: string, strict: (x: Tensor) => Tensor, x: TensorLike): Tensor {
  const value = numberOperand(what, x);
  return isInteger(value.dtype) ? value : strict(value);
}

/**
 * Largest integer not above each element. Its derivative is 0 everywhere.
 *
 * @category Arithmetic
 * @param x Any shape.
 * @returns The shape and dtype of `x`; integers stay as they are.
 * @throws {DtypeError} when `x` is of dtype `bool`.
 *
 * @example Downwards
 * ```ts
 * import { floor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(floor([1.5, -1.5]), [1, -2]);
 * ```
 */
export function floor(x: TensorLike): Tensor {
  return applyRounding("Cannot round", arithmetic.floor, x);
}

/**
 * Smallest integer not below each element. Its derivative is 0 everywhere.
 *
 * @category Arithmetic
 * @param x Any shape.
 * @returns The shape and dtype of `x`; integers stay as they are.
 * @throws {DtypeError} when `x` is of dtype `bool`.
 *
 * @example Upwards
 * ```ts
 * import { ceil } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(ceil([1.5, -1.5]), [2, -1]);
 * ```
 */
export function ceil(x: TensorLike): Tensor {
  return applyRounding("Cannot round", arithmetic.ceil, x);
}

/**
 * Nearest integer of each element, or nearest multiple of a power of ten, halves to the even one. Its
 * derivative is 0 everywhere.
 *
 * @category Arithmetic
 * @param x Any shape.
 * @param options `decimals`: how many decimal places are kept, 0 by default; -2 rounds to hundreds.
 * @returns The shape and dtype of `x`; integers stay as they are, unless `decimals` is negative.
 * @throws {DtypeError} when `x` is of dtype `bool`.
 * @throws {ArgumentError} when `decimals` is not an integer.
 *
 * @example To the nearest
 * ```ts
 * import { round } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(round([0.5, 1.5, 2.4]), [0, 2, 2]);
 * assertTensorsClose(round([3.14159], { decimals: 2 }), [3.14]);
 * ```
 */
export function round(x: TensorLike, options?: RoundOptions): Tensor {
  const what = "Cannot round";
  const { decimals = 0 } = readOptions(what, options, ["decimals"]);
  const places = checkInteger(decimals, what, "an integer number of decimals");
  if (places === 0) return applyRounding(what, arithmetic.round, x);
  const value = numberOperand(what, x);
  if (!isInteger(value.dtype)) return roundTo(value, places);
  if (places > 0) return value;
  return convert(roundTo(convert(value, "float64"), places), value.dtype);
}

/** Floats rounded to this number of decimal places. */
function roundTo(x: Tensor, places: number): Tensor {
  const held = stopGradient(x);
  const power = constantLike(held, 10 ** Math.abs(places));
  const scaled = places > 0 ? arithmetic.mul(held, power) : arithmetic.div(held, power);
  const rounded = arithmetic.round(scaled);
  const result = places > 0 ? arithmetic.div(rounded, power) : arithmetic.mul(rounded, power);
  // A number too large to be scaled has no decimal places, and zero times any power is zero.
  const zero = constantLike(held, 0);
  const isKept = places > 0
    ? or(isNan(scaled), equal(arithmetic.abs(scaled), constantLike(held, Infinity)))
    : equal(rounded, zero);
  return select(isKept, places > 0 ? held : rounded, result);
}

/**
 * Integer part of each element, towards zero. Its derivative is 0 everywhere.
 *
 * @category Arithmetic
 * @param x Any shape.
 * @returns The shape and dtype of `x`; integers stay as they are.
 * @throws {DtypeError} when `x` is of dtype `bool`.
 *
 * @example Towards zero
 * ```ts
 * import { trunc } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(trunc([1.5, -1.5]), [1, -1]);
 * ```
 */
export function trunc(x: TensorLike): Tensor {
  return applyRounding("Cannot truncate", arithmetic.trunc, x);
}
