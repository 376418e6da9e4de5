/**
 * Functions of each element, and of pairs of elements after promotion and broadcasting.
 *
 * @module
 */
import { defaultFloat, describeValue, isFloat, isInteger } from "../base/dtype.ts";
import { argumentError, dtypeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { showType } from "../base/shape.ts";
import { isNumber, toTensor } from "../core/convert.ts";
import type { DivOptions, RoundOptions } from "../core/methods.ts";
import { Tensor } from "../core/tensor.ts";
import type { TensorLike } from "../core/tensor.ts";
import * as arithmetic from "../primitives/arithmetic.ts";
import { and, equal, isNan, less, or, select } from "../primitives/comparison.ts";
import { constantLike, convert, stopGradient } from "../primitives/structure.ts";
import * as transcendental from "../primitives/transcendental.ts";
import { checkInteger } from "./arguments.ts";
import { applyBinary, floatOperand, promote } from "./broadcasting.ts";

/** `x` as a tensor of numbers; bools are refused. */
function numberOperand(what: string, x: TensorLike, hint = ""): Tensor {
  const value = toTensor(x, what);
  if (value.dtype === "bool") {
    throw dtypeError(`${what} ${showType(value)}: expected numbers; ${hint}convert with astype`);
  }
  return value;
}

/** A strict function of floats: integers and bools become float32 first. */
function applyFloat(what: string, strict: (x: Tensor) => Tensor, x: TensorLike): Tensor {
  return strict(floatOperand(toTensor(x, what)));
}

/** A strict function to integers, which changes integers not at all. */
function applyRounding(what: string, strict: (x: Tensor) => Tensor, x: TensorLike): Tensor {
  const value = numberOperand(what, x);
  return isInteger(value.dtype) ? value : strict(value);
}

/** A strict function of two floats: after promotion, integers and bools become float32. */
function applyFloatBinary(
  what: string,
  strict: (x: Tensor, y: Tensor) => Tensor,
  x: TensorLike,
  y: TensorLike,
): Tensor {
  const [first, second] = promote(what, floatBeside(x, y), floatBeside(y, x));
  return strict(floatOperand(first), floatOperand(second));
}

/** A tensor that meets a number only: a float already, so that the number becomes one with it. */
function floatBeside(x: TensorLike, y: TensorLike): TensorLike {
  if (!(x instanceof Tensor) || isFloat(x.dtype) || !isNumber(y)) return x;
  return convert(x, defaultFloat());
}

/** A strict function of two numbers; bools are refused. */
function applyNumbers(
  what: string,
  strict: (x: Tensor, y: Tensor) => Tensor,
  x: TensorLike,
  y: TensorLike,
  hint = "",
): Tensor {
  const [first, second] = promote(what, x, y);
  if (first.dtype === "bool") {
    const [left, right] = [x, y].map((z) => showType(toTensor(z, what)));
    throw dtypeError(
      `${what} ${left} and ${right}: expected numbers; ${hint}convert with astype`,
    );
  }
  return strict(first, second);
}

/**
 * Negative of each element.
 *
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
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is no tensor, number or array.
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
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is no tensor, number or array.
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
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is no tensor, number or array.
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

/**
 * Exponential of each element.
 *
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is no tensor, number or array.
 *
 * @example Powers of e
 * ```ts
 * import { exp } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(exp([0, 1]), [1, Math.E]);
 * ```
 */
export function exp(x: TensorLike): Tensor {
  return applyFloat("Cannot take the exponential of", transcendental.exp, x);
}

/**
 * Exponential minus one of each element, without cancellation near 0.
 *
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is no tensor, number or array.
 *
 * @example Near zero
 * ```ts
 * import { expm1 } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(expm1([0, 1e-8]), [0, 1e-8], { atol: 1e-14 });
 * ```
 */
export function expm1(x: TensorLike): Tensor {
  return applyFloat("Cannot take expm1 of", transcendental.expm1, x);
}

/**
 * Natural logarithm of each element: negative infinity of 0, NaN of negative ones.
 *
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is no tensor, number or array.
 *
 * @example Logarithms
 * ```ts
 * import { log } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(log([1, Math.E, 0]), [0, 1, -Infinity]);
 * ```
 */
export function log(x: TensorLike): Tensor {
  return applyFloat("Cannot take the logarithm of", transcendental.log, x);
}

/**
 * Natural logarithm of one plus each element, without cancellation near 0.
 *
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is no tensor, number or array.
 *
 * @example Near zero
 * ```ts
 * import { log1p } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(log1p([0, 1e-8]), [0, 1e-8], { atol: 1e-14 });
 * ```
 */
export function log1p(x: TensorLike): Tensor {
  return applyFloat("Cannot take log1p of", transcendental.log1p, x);
}

/**
 * Logarithm to base two of each element.
 *
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is no tensor, number or array.
 *
 * @example Powers of two
 * ```ts
 * import { log2 } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(log2([1, 8, 0.25]), [0, 3, -2]);
 * ```
 */
export function log2(x: TensorLike): Tensor {
  return applyFloat("Cannot take the logarithm of", transcendental.log2, x);
}

/**
 * Sine of each element, in radians.
 *
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is no tensor, number or array.
 *
 * @example A quarter turn
 * ```ts
 * import { sin } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(sin([0, Math.PI / 2]), [0, 1]);
 * ```
 */
export function sin(x: TensorLike): Tensor {
  return applyFloat("Cannot take the sine of", transcendental.sin, x);
}

/**
 * Cosine of each element, in radians.
 *
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is no tensor, number or array.
 *
 * @example A half turn
 * ```ts
 * import { cos } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(cos([0, Math.PI]), [1, -1]);
 * ```
 */
export function cos(x: TensorLike): Tensor {
  return applyFloat("Cannot take the cosine of", transcendental.cos, x);
}

/**
 * Tangent of each element, in radians.
 *
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is no tensor, number or array.
 *
 * @example An eighth turn
 * ```ts
 * import { tan } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(tan([0, Math.PI / 4]), [0, 1]);
 * ```
 */
export function tan(x: TensorLike): Tensor {
  return applyFloat("Cannot take the tangent of", transcendental.tan, x);
}

/**
 * Inverse sine of each element, from -π/2 to π/2; NaN outside [-1, 1].
 *
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is no tensor, number or array.
 *
 * @example Angles
 * ```ts
 * import { asin } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(asin([0, 1]), [0, Math.PI / 2]);
 * ```
 */
export function asin(x: TensorLike): Tensor {
  return applyFloat("Cannot take the inverse sine of", transcendental.asin, x);
}

/**
 * Inverse cosine of each element, from 0 to π; NaN outside [-1, 1].
 *
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is no tensor, number or array.
 *
 * @example Angles
 * ```ts
 * import { acos } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(acos([1, -1]), [0, Math.PI]);
 * ```
 */
export function acos(x: TensorLike): Tensor {
  return applyFloat("Cannot take the inverse cosine of", transcendental.acos, x);
}

/**
 * Inverse tangent of each element, from -π/2 to π/2.
 *
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is no tensor, number or array.
 *
 * @example Angles
 * ```ts
 * import { atan } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(atan([0, 1]), [0, Math.PI / 4]);
 * ```
 */
export function atan(x: TensorLike): Tensor {
  return applyFloat("Cannot take the inverse tangent of", transcendental.atan, x);
}

/**
 * Hyperbolic sine of each element.
 *
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is no tensor, number or array.
 *
 * @example Half a difference of exponentials
 * ```ts
 * import { sinh } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(sinh([0, 1]), [0, (Math.E - 1 / Math.E) / 2]);
 * ```
 */
export function sinh(x: TensorLike): Tensor {
  return applyFloat("Cannot take the hyperbolic sine of", transcendental.sinh, x);
}

/**
 * Hyperbolic cosine of each element.
 *
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is no tensor, number or array.
 *
 * @example Half a sum of exponentials
 * ```ts
 * import { cosh } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(cosh([0, 1]), [1, (Math.E + 1 / Math.E) / 2]);
 * ```
 */
export function cosh(x: TensorLike): Tensor {
  return applyFloat("Cannot take the hyperbolic cosine of", transcendental.cosh, x);
}

/**
 * Hyperbolic tangent of each element.
 *
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is no tensor, number or array.
 *
 * @example Between -1 and 1
 * ```ts
 * import { tanh } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(tanh([0, 20, -20]), [0, 1, -1]);
 * ```
 */
export function tanh(x: TensorLike): Tensor {
  return applyFloat("Cannot take the hyperbolic tangent of", transcendental.tanh, x);
}

/**
 * Inverse hyperbolic sine of each element.
 *
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is no tensor, number or array.
 *
 * @example The inverse of sinh
 * ```ts
 * import { asinh } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(asinh([0, Math.sinh(2)]), [0, 2]);
 * ```
 */
export function asinh(x: TensorLike): Tensor {
  return applyFloat("Cannot take the inverse hyperbolic sine of", transcendental.asinh, x);
}

/**
 * Inverse hyperbolic cosine of each element; NaN below 1.
 *
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is no tensor, number or array.
 *
 * @example The inverse of cosh
 * ```ts
 * import { acosh } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(acosh([1, Math.cosh(2)]), [0, 2]);
 * ```
 */
export function acosh(x: TensorLike): Tensor {
  return applyFloat("Cannot take the inverse hyperbolic cosine of", transcendental.acosh, x);
}

/**
 * Inverse hyperbolic tangent of each element; NaN outside [-1, 1].
 *
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is no tensor, number or array.
 *
 * @example The inverse of tanh
 * ```ts
 * import { atanh } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(atanh([0, Math.tanh(2)]), [0, 2], { rtol: 1e-4 });
 * ```
 */
export function atanh(x: TensorLike): Tensor {
  return applyFloat("Cannot take the inverse hyperbolic tangent of", transcendental.atanh, x);
}

/**
 * Logistic function `1 / (1 + exp(-x))` of each element, without overflow.
 *
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is no tensor, number or array.
 *
 * @example Between 0 and 1
 * ```ts
 * import { sigmoid } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(sigmoid([-200, 0, 200]), [0, 0.5, 1]);
 * ```
 */
export function sigmoid(x: TensorLike): Tensor {
  return applyFloat("Cannot take the sigmoid of", transcendental.sigmoid, x);
}

/**
 * Error function `2/√π ∫₀ˣ exp(-t²) dt` of each element.
 *
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is no tensor, number or array.
 *
 * @example Within one standard deviation
 * ```ts
 * import { erf } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(erf(Math.SQRT1_2), 0.6826895);
 * ```
 */
export function erf(x: TensorLike): Tensor {
  return applyFloat("Cannot take erf of", transcendental.erf, x);
}

/**
 * Complementary error function `1 - erf(x)` of each element, exact where that difference is tiny.
 *
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is no tensor, number or array.
 *
 * @example Both tails
 * ```ts
 * import { erfc } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(erfc([0, -10]), [1, 2]);
 * ```
 */
export function erfc(x: TensorLike): Tensor {
  return applyFloat("Cannot take erfc of", transcendental.erfc, x);
}

/**
 * Inverse error function of each element; infinite at ±1, NaN outside.
 *
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is no tensor, number or array.
 *
 * @example The inverse of erf
 * ```ts
 * import { erfinv } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(erfinv([0, 0.6826895]), [0, Math.SQRT1_2]);
 * ```
 */
export function erfinv(x: TensorLike): Tensor {
  return applyFloat("Cannot take erfinv of", transcendental.erfinv, x);
}

/**
 * Logarithm of the absolute value of the gamma function of each element.
 *
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is no tensor, number or array.
 *
 * @example Factorials
 * ```ts
 * import { lgamma } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(lgamma([1, 2, 5]), [0, 0, Math.log(24)]);
 * ```
 */
export function lgamma(x: TensorLike): Tensor {
  return applyFloat("Cannot take lgamma of", transcendental.lgamma, x);
}

/**
 * Derivative of `lgamma` at each element; infinite or NaN at its poles 0, -1, -2, ….
 *
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is no tensor, number or array.
 *
 * @example Minus the Euler-Mascheroni constant
 * ```ts
 * import { digamma } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(digamma(1), -0.5772157);
 * ```
 */
export function digamma(x: TensorLike): Tensor {
  return transcendental.polygamma(floatOperand(toTensor(x, "Cannot take digamma of")), 0);
}

/**
 * Largest integer not above each element. Its derivative is 0 everywhere.
 *
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
 * @param x Any shape.
 * @param options `decimals`: how many decimal places are kept, 0 by default; -2 rounds to hundreds.
 * @returns The shape and dtype of `x`; integers stay as they are, unless `decimals` is negative.
 * @throws {DtypeError} when `x` is of dtype `bool`.
 * @throws {ArgumentError} when `decimals` is no integer.
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

/** Floats rounded to so many decimal places. */
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
 * @param x The dividends, of any shape.
 * @param y The divisors, of any shape that broadcasts with `x`.
 * @param options `roundingMode`: `"floor"` rounds quotients down, as Python's `//`, `"trunc"` towards
 * zero, as C's `/`; then integers stay integers, and the derivative is 0.
 * @returns The common dtype, in the shape that both broadcast to; without rounding, integers and bools
 * become floats of the default dtype. A rounded integer divided by 0 is the integer furthest from 0
 * on its side, and 0 divided by 0 is 0.
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
  return convert(isTrunc ? arithmetic.trunc(quotient) : arithmetic.floor(quotient), first.dtype);
}

/**
 * The floor of quotients of floats, as Python and PyTorch define it: from the remainder, so that it
 * is the floor of the exact quotient also where the quotient rounds up to an integer.
 */
function floorQuotient(x: Tensor, y: Tensor): Tensor {
  const [zero, infinity] = [constantLike(x, 0), constantLike(x, Infinity)];
  const plain = arithmetic.div(x, y);
  const exact = arithmetic.round(arithmetic.div(arithmetic.sub(x, arithmetic.mod(x, y)), y));
  const whole = select(equal(exact, zero), arithmetic.mul(plain, zero), exact);
  // Beside an infinite divisor a finite number is as good as zero, but for its sign.
  const isSmall = and(
    equal(arithmetic.abs(y), infinity),
    less(arithmetic.abs(x), infinity),
  );
  const isBelow = less(arithmetic.mul(arithmetic.sign(x), arithmetic.sign(y)), zero);
  const beside = select(isBelow, constantLike(x, -1), plain);
  return select(equal(y, zero), plain, select(isSmall, beside, whole));
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
  return applyNumbers("Cannot take the remainder of", arithmetic.mod, x, y);
}

/**
 * Angle of each point `(x, y)`, counted from the first axis, from -π to π. Its derivative at the
 * origin is 0.
 *
 * @param y Second coordinates, of any shape.
 * @param x First coordinates, of any shape that broadcasts with `y`.
 * @returns The common dtype, in the shape that both broadcast to; integers and bools become
 * `float32`.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example Two directions
 * ```ts
 * import { atan2 } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(atan2([1, 0], [0, -1]), [Math.PI / 2, Math.PI]);
 * ```
 */
export function atan2(y: TensorLike, x: TensorLike): Tensor {
  return applyFloatBinary("Cannot take the angle of", transcendental.atan2, y, x);
}

/**
 * Larger of each pair of elements, NaN if either is. A tie splits the derivative in halves.
 *
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
  return applyBinary("Cannot take the maximum of", arithmetic.maximum, x, y);
}

/**
 * Smaller of each pair of elements, NaN if either is. A tie splits the derivative in halves.
 *
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
  return applyBinary("Cannot take the minimum of", arithmetic.minimum, x, y);
}

/**
 * Logarithm of the sum of the exponentials of each pair of elements, without overflow.
 *
 * @param x Any shape.
 * @param y Any shape that broadcasts with `x`.
 * @returns The common dtype, in the shape that both broadcast to; integers and bools become
 * `float32`.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example Adding probabilities by their logarithms
 * ```ts
 * import { logaddexp } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(logaddexp(Math.log(0.25), Math.log(0.5)), Math.log(0.75));
 * ```
 */
export function logaddexp(x: TensorLike, y: TensorLike): Tensor {
  return applyFloatBinary("Cannot take logaddexp of", transcendental.logaddexp, x, y);
}
