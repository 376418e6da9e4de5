/**
 * Sums, products, quotients, powers, roots, signs and extremes of elements.
 *
 * @module
 */
import { describeValue, isFloat, rangeOf } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import type { DivOptions } from "../core/methods.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import * as arithmetic from "../primitives/arithmetic.ts";
import { and, equal, less, or, select } from "../primitives/comparison.ts";
import { constantLike, convert, stopGradient } from "../primitives/structure.ts";
import * as transcendental from "../primitives/transcendental.ts";
import { applyBinary, promote } from "./broadcasting.ts";
import {
  applyFloat,
  applyFloatBinary,
  applyNumbers,
  applyReal,
  numberOperand,
  ofReals,
} from "./operands.ts";

/**
 * Negative of each element.
 *
 * @category Arithmetic
 * @param x Any shape.
 * @returns The shape and dtype of `x`.
 * @throws {DtypeError} when `x` is of dtype `bool`.
 *
 * @example Signs
 * ```ts
 * import { neg } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(neg([1, -2]), [-1, 2]);
 * ```
 */
export function neg(x: TensorLike): Tensor {
  return arithmetic.neg(numberOperand("Cannot negate", x, "use logicalNot, or "));
}

/**
 * Absolute value of each element; its derivative at 0 is 0.
 *
 * @category Arithmetic
 * @param x Any shape.
 * @returns The shape and dtype of `x`.
 * @throws {DtypeError} when `x` is of dtype `bool`.
 *
 * @example Magnitudes
 * ```ts
 * import { abs } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(abs([1, -2]), [1, 2]);
 * ```
 */
export function abs(x: TensorLike): Tensor {
  return arithmetic.abs(numberOperand("Cannot take the absolute value of", x));
}

/**
 * Sign of each element: -1, 0 or 1, and NaN of NaN. Its derivative is 0 everywhere.
 *
 * @category Arithmetic
 * @param x Any shape.
 * @returns The shape and dtype of `x`.
 * @throws {DtypeError} when `x` is of dtype `bool`.
 *
 * @example Signs
 * ```ts
 * import { sign } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(sign([2.5, 0, -3]), [1, 0, -1]);
 * ```
 */
export function sign(x: TensorLike): Tensor {
  return arithmetic.sign(numberOperand("Cannot take the sign of", x));
}

/**
 * Square of each element; integers wrap modulo 2^32.
 *
 * @category Arithmetic
 * @param x Any shape.
 * @returns The shape and dtype of `x`.
 * @throws {DtypeError} when `x` is of dtype `bool`.
 *
 * @example Squares
 * ```ts
 * import { square } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(square([1, 2, -3]), [1, 4, 9]);
 * ```
 */
export function square(x: TensorLike): Tensor {
  return arithmetic.square(numberOperand("Cannot square", x));
}

/**
 * Square root of each element, NaN of negative ones; its derivative at 0 is infinite.
 *
 * @category Arithmetic
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example Square roots
 * ```ts
 * import { sqrt } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(sqrt([1, 4, 9]), [1, 2, 3]);
 * ```
 */
export function sqrt(x: TensorLike): Tensor {
  return applyFloat("Cannot take the square root of", arithmetic.sqrt, x);
}

/**
 * One over the square root of each element.
 *
 * @category Arithmetic
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example Reciprocal square roots
 * ```ts
 * import { rsqrt } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(rsqrt([1, 4, 16]), [1, 0.5, 0.25]);
 * ```
 */
export function rsqrt(x: TensorLike): Tensor {
  return applyFloat("Cannot take the reciprocal square root of", arithmetic.rsqrt, x);
}

/**
 * One over each element.
 *
 * @category Arithmetic
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example Reciprocals
 * ```ts
 * import { reciprocal } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(reciprocal([1, 2, -4]), [1, 0.5, -0.25]);
 * ```
 */
export function reciprocal(x: TensorLike): Tensor {
  return applyFloat("Cannot take the reciprocal of", arithmetic.reciprocal, x);
}

/** Strict sum; of bools, as in PyTorch, the disjunction. */
function addStrict(x: Tensor, y: Tensor): Tensor {
  return x.dtype === "bool" ? or(x, y) : arithmetic.add(x, y);
}

/** Strict product; of bools, as in PyTorch, the conjunction. */
function mulStrict(x: Tensor, y: Tensor): Tensor {
  return x.dtype === "bool" ? and(x, y) : arithmetic.mul(x, y);
}

/**
 * Sum of each pair of elements; of bools, whether either is true.
 *
 * @category Arithmetic
 * @param x Any shape.
 * @param y Any shape that broadcasts with `x`.
 * @returns The common dtype, in the shape that both broadcast to.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example Broadcasting
 * ```ts
 * import { add } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(add([[1, 2], [3, 4]], [10, 20]), [[11, 22], [13, 24]]);
 * ```
 */
export function add(x: TensorLike, y: TensorLike): Tensor {
  return applyBinary("Cannot add", addStrict, x, y);
}

/**
 * Difference of each pair of elements.
 *
 * @category Arithmetic
 * @param x Any shape.
 * @param y Any shape that broadcasts with `x`.
 * @returns The common dtype, in the shape that both broadcast to.
 * @throws {ShapeError} when the shapes do not broadcast.
 * @throws {DtypeError} when both are of dtype `bool`.
 *
 * @example A common offset
 * ```ts
 * import { sub } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(sub([3, 5], 1), [2, 4]);
 * ```
 */
export function sub(x: TensorLike, y: TensorLike): Tensor {
  return applyNumbers("Cannot subtract", arithmetic.sub, x, y, "use logicalXor, or ");
}

/**
 * Product of each pair of elements; integers wrap modulo 2^32; of bools, whether both are true.
 *
 * @category Arithmetic
 * @param x Any shape.
 * @param y Any shape that broadcasts with `x`.
 * @returns The common dtype, in the shape that both broadcast to.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example A common factor
 * ```ts
 * import { mul } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(mul([3, 5], 2), [6, 10]);
 * ```
 */
export function mul(x: TensorLike, y: TensorLike): Tensor {
  return applyBinary("Cannot multiply", mulStrict, x, y);
}

/**
 * Quotient of each pair of elements.
 *
 * @category Arithmetic
 * @param x The dividends, of any shape.
 * @param y The divisors, of any shape that broadcasts with `x`.
 * @param options `roundingMode`: `"floor"` rounds quotients down, as Python's `//`, `"trunc"` towards
 * zero, as C's `/`; then integers stay integers, and the derivative is 0.
 * @returns The common dtype, in the shape that both broadcast to; without rounding, integers and bools
 * become floats of the default dtype. A rounded integer divided by 0 is the integer furthest from 0
 * on its side, and 0 divided by 0 is 0. The least integer of a signed dtype divided by -1 wraps to
 * itself, as in NumPy and JAX.
 * @throws {ShapeError} when the shapes do not broadcast.
 * @throws {ArgumentError} when the rounding mode is unknown.
 *
 * @example Halves
 * ```ts
 * import { div } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(div([3, 5], 2), [1.5, 2.5]);
 * assertTensorsClose(div([3, -5], 2, { roundingMode: "floor" }), [1, -3]);
 * ```
 */
export function div(x: TensorLike, y: TensorLike, options?: DivOptions): Tensor {
  const what = "Cannot divide";
  const { roundingMode } = readOptions(what, options, ["roundingMode"]);
  if (roundingMode === undefined) return applyFloatBinary(what, arithmetic.div, x, y);
  if (roundingMode !== "floor" && roundingMode !== "trunc") {
    throw argumentError(
      `${what}: expected a roundingMode "floor" or "trunc", got ${describeValue(roundingMode)}`,
    );
  }
  const [first, second] = promote(what, x, y).map((operand) =>
    stopGradient(operand.dtype === "bool" ? convert(operand, "int32") : operand)
  );
  const isTrunc = roundingMode === "trunc";
  if (isFloat(first.dtype)) {
    return isTrunc ? arithmetic.trunc(arithmetic.div(first, second)) : floorQuotient(first, second);
  }
  // In double precision a quotient of integers of 32 bits never rounds up to an integer.
  const quotient = arithmetic.div(convert(first, "float64"), convert(second, "float64"));
  const whole = isTrunc ? arithmetic.trunc(quotient) : arithmetic.floor(quotient);
  const result = convert(whole, first.dtype);
  if (rangeOf(first.dtype)[0] === 0) return result;
  // The least integer has no counterpart: conversion would saturate, negation wraps.
  return select(equal(second, constantLike(second, -1)), arithmetic.neg(first), result);
}

/**
 * The floor of quotients of floats, as Python and PyTorch define it: from the remainder, so that it
 * is the floor of the exact quotient also where the quotient rounds up to an integer. The remainder of
 * magnitudes is never larger than the dividend, so that the difference of both stays in range.
 */
function floorQuotient(x: Tensor, y: Tensor): Tensor {
  const [zero, one] = [constantLike(x, 0), constantLike(x, 1)];
  const plain = arithmetic.div(x, y);
  const [size, divisor] = [arithmetic.abs(x), arithmetic.abs(y)];
  const left = arithmetic.mod(size, divisor);
  const count = arithmetic.round(arithmetic.div(arithmetic.sub(size, left), divisor));
  const isBelow = less(arithmetic.mul(arithmetic.sign(x), arithmetic.sign(y)), zero);
  const more = select(equal(left, zero), zero, one);
  const exact = select(isBelow, arithmetic.sub(arithmetic.neg(count), more), count);
  const whole = select(equal(exact, zero), arithmetic.mul(plain, zero), exact);
  return select(equal(y, zero), plain, whole);
}

/**
 * Power of each pair of elements. Integers wrap modulo 2^32, and a negative exponent of integers
 * gives the
 * integer part.
 *
 * The derivative by the base is 0 where the exponent is 0, and that by the exponent is 0 where the
 * base is 0 and
 * the exponent not negative.
 *
 * @category Arithmetic
 * @param x The bases, of any shape.
 * @param y The exponents, of any shape that broadcasts with `x`.
 * @returns The common dtype, in the shape that both broadcast to.
 * @throws {ShapeError} when the shapes do not broadcast.
 * @throws {DtypeError} when both are of dtype `bool`.
 *
 * @example Cubes
 * ```ts
 * import { pow } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(pow([1, 2, -3], 3), [1, 8, -27]);
 * ```
 */
export function pow(x: TensorLike, y: TensorLike): Tensor {
  return applyNumbers("Cannot take the power of", transcendental.pow, x, y);
}

/**
 * Remainder of each pair of elements, with the sign of the divisor `y`: `x - floor(x / y) * y`. The
 * remainder of an
 * integer by 0 is 0, that of a float NaN.
 *
 * @category Arithmetic
 * @param x The dividends, of any shape.
 * @param y The divisors, of any shape that broadcasts with `x`.
 * @returns The common dtype, in the shape that both broadcast to.
 * @throws {ShapeError} when the shapes do not broadcast.
 * @throws {DtypeError} when both are of dtype `bool`.
 *
 * @example The sign of the divisor
 * ```ts
 * import { mod } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(mod([7, -7], 3), [1, 2]);
 * ```
 */
export function mod(x: TensorLike, y: TensorLike): Tensor {
  return applyNumbers("Cannot take the remainder of", ofReals("mod", arithmetic.mod, x, y), x, y);
}

/**
 * Larger of each pair of elements, NaN if either is. A tie splits the derivative in halves.
 *
 * @category Arithmetic
 * @param x Any shape.
 * @param y Any shape that broadcasts with `x`.
 * @returns The common dtype, in the shape that both broadcast to.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example A lower bound
 * ```ts
 * import { maximum } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(maximum([-1, 0.5, 2], 0), [0, 0.5, 2]);
 * ```
 */
export function maximum(x: TensorLike, y: TensorLike): Tensor {
  return applyReal("Cannot take the maximum of", "maximum", arithmetic.maximum, x, y);
}

/**
 * Smaller of each pair of elements, NaN if either is. A tie splits the derivative in halves.
 *
 * @category Arithmetic
 * @param x Any shape.
 * @param y Any shape that broadcasts with `x`.
 * @returns The common dtype, in the shape that both broadcast to.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example An upper bound
 * ```ts
 * import { minimum } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(minimum([-1, 0.5, 2], 1), [-1, 0.5, 1]);
 * ```
 */
export function minimum(x: TensorLike, y: TensorLike): Tensor {
  return applyReal("Cannot take the minimum of", "minimum", arithmetic.minimum, x, y);
}
