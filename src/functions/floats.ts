/**
 * Floats by their parts: signs, powers of two, neighbours, whole numbers, and NaN.
 *
 * @module
 */
import {
  describeValue,
  epsilonOf,
  isInexact,
  largestFinite,
  leastNormal,
  partDtype,
} from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { ComplexTensor } from "../core/complex.ts";
import { toTensor } from "../core/convert.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import * as arithmetic from "../primitives/arithmetic.ts";
import { and, equal, isNan, less, not, or, select, xor } from "../primitives/comparison.ts";
import { constantLike, convert, stopGradient } from "../primitives/structure.ts";
import { log2, pow } from "../primitives/transcendental.ts";
import { toIndices } from "./arguments.ts";
import { broadcastTo, commonShape, floatOperand } from "./broadcasting.ts";
import { applyFloatBinary, checkReal, realOperand } from "./operands.ts";

/**
 * Options of `nanToNum`.
 *
 * @category Arithmetic
 */
export interface NanToNumOptions {
  /** The replacement for NaN. Default 0. */
  readonly nan?: number;
  /** The replacement for infinity. By default the largest finite number of the dtype. */
  readonly posinf?: number;
  /** The replacement for negative infinity. By default the least finite number of the dtype. */
  readonly neginf?: number;
}

/**
 * Whether the sign of each element is negative, that of -0 too. NaN counts as positive.
 *
 * @category Arithmetic
 * @param x Any shape.
 * @returns `bool`, in the shape of `x`.
 * @throws {DtypeError} when `x` is complex.
 *
 * @example The sign of zero
 * ```ts
 * import { signbit } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(signbit([-2, -0, 0, 3]), [true, true, false, false]);
 * ```
 */
export function signbit(x: TensorLike): Tensor {
  return isNegative(realFloat("signbit", "Cannot take the sign bits of", x));
}

/** Whether floats have a negative sign; 1 over a zero has the sign of it. */
function isNegative(x: Tensor): Tensor {
  const zero = constantLike(x, 0);
  return or(less(x, zero), less(arithmetic.reciprocal(x), zero));
}

/** An operand as a real float. */
function realFloat(name: string, what: string, x: TensorLike): Tensor {
  return realOperand(name, floatOperand(toTensor(x, what)));
}

/** Two operands as real floats. */
function realFloats(
  name: string,
  what: string,
  strict: (x: Tensor, y: Tensor) => Tensor,
  x: TensorLike,
  y: TensorLike,
): Tensor {
  return applyFloatBinary(
    what,
    (a, b) => {
      checkReal(name, [a, b], [x, y]);
      return strict(a, b);
    },
    x,
    y,
  );
}

/**
 * The size of each element of `x` with the sign of that of `y`. The sign of NaN counts as positive.
 *
 * @category Arithmetic
 * @param x The sizes, of any shape.
 * @param y The signs, of any shape that broadcasts with `x`.
 * @returns The common dtype, in the shape that both broadcast to. Integers and bools become floats.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example Signs of zeros
 * ```ts
 * import { copysign } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(copysign([1, -2, 3], [-0, 5, -1]), [-1, 2, -3]);
 * ```
 */
export function copysign(x: TensorLike, y: TensorLike): Tensor {
  return realFloats(
    "copysign",
    "Cannot copy signs to",
    (size, sign) => {
      const positive = arithmetic.abs(size);
      return select(isNegative(stopGradient(sign)), arithmetic.neg(positive), positive);
    },
    x,
    y,
  );
}

/**
 * The next number of the dtype after each element of `x`, towards that of `y`. Its derivative by `x` is 1, by
 * `y` 0.
 *
 * @category Arithmetic
 * @param x Any shape.
 * @param y Which way to go, of any shape that broadcasts with `x`.
 * @returns The common dtype, in the shape that both broadcast to. Integers and bools become floats. `y`
 * where both are equal.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example One unit in the last place
 * ```ts
 * import { nextafter } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nextafter([1, 0], 2), [1 + 2 ** -23, 2 ** -149], { rtol: 0 });
 * ```
 */
export function nextafter(x: TensorLike, y: TensorLike): Tensor {
  return realFloats(
    "nextafter",
    "Cannot take the numbers next to",
    (from, to) => {
      const [start, aim] = [from, to].map((side) => stopGradient(side));
      const constant = (value: number): Tensor => constantLike(start, value);
      const size = arithmetic.abs(start);
      const [least, most] = [leastNormal(start.dtype), largestFinite(start.dtype)];
      const up = less(start, aim);
      const isAway = or(equal(size, constant(0)), not(xor(less(constant(0), start), up)));
      // Below a power of two numbers are half as far apart, unless they are subnormal there.
      const power = arithmetic.maximum(arithmetic.binade(size), constant(least));
      const isEdge = and(equal(size, power), less(constant(least), size));
      const unit = arithmetic.scale(power, epsilonOf(start.dtype));
      const gap = select(and(isEdge, not(isAway)), arithmetic.scale(unit, 0.5), unit);
      const step = select(up, gap, arithmetic.neg(gap));
      const isEndless = equal(size, constant(Infinity));
      const back = select(isAway, start, arithmetic.mul(arithmetic.sign(start), constant(most)));
      const isSpecial = or(equal(start, aim), or(isNan(start), isNan(aim)));
      const special = select(equal(start, aim), aim, constant(NaN));
      const known = select(isSpecial, special, back);
      return select(or(isSpecial, isEndless), known, arithmetic.add(from, step));
    },
    x,
    y,
  );
}

/**
 * Each element of `x` times two to the power of that of `y`, rounded once.
 *
 * @category Arithmetic
 * @param x Any shape.
 * @param y Integers, of any shape that broadcasts with `x`.
 * @returns The dtype of `x`, of which integers and bools become floats, in the shape that both broadcast
 * to.
 * @throws {ShapeError} when the shapes do not broadcast.
 * @throws {DtypeError} when `y` is not a tensor of integers.
 *
 * @example Beyond the range of powers
 * ```ts
 * import { ldexp } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(ldexp([1, 3], [4, -1]), [16, 1.5]);
 * ```
 */
export function ldexp(x: TensorLike, y: TensorLike): Tensor {
  const what = "Cannot multiply by powers of two";
  const value = realFloat("ldexp", what, x);
  const exponents = convert(toIndices(y, what), "float64");
  const shape = commonShape(what, [value, exponents]);
  const [factor, power] = [value, exponents].map((side) => broadcastTo(side, shape));
  const bounded = (side: Tensor): Tensor =>
    arithmetic.minimum(
      arithmetic.maximum(side, constantLike(side, -1022)),
      constantLike(side, 1023),
    );
  // In three factors, the one furthest from 1 last: so only the last product is rounded.
  const last = bounded(power);
  const middle = bounded(arithmetic.sub(power, last));
  const first = bounded(arithmetic.sub(arithmetic.sub(power, last), middle));
  const wide = convert(factor, "float64");
  const product = [first, middle, last].reduce<Tensor>(
    (so_far, part) => arithmetic.mul(so_far, exactPower(part)),
    wide,
  );
  return convert(product, value.dtype);
}

/** Two to a whole power of -1022 to 1023, exactly: the binade of a slightly larger number. */
function exactPower(exponent: Tensor): Tensor {
  const power = pow(constantLike(exponent, 2), stopGradient(exponent));
  return arithmetic.binade(arithmetic.scale(power, 1 + 2 ** -20));
}

/**
 * Each element taken apart into a factor from 1/2 up to 1 and an exponent of two: `x = factor * 2 ** exponent`.
 * The derivative of the factor is that of `x` over the power; zeros, infinities and NaN are their own factors,
 * with exponent 0.
 *
 * @category Arithmetic
 * @param x Any shape.
 * @returns The factors, in the float dtype of `x`, and the exponents, `int32`.
 * @throws {DtypeError} when `x` is complex.
 *
 * @example Taken apart
 * ```ts
 * import { frexp } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [factors, exponents] = frexp([8, -0.75, 0]);
 * assertTensorsClose(factors, [0.5, -0.75, 0]);
 * assertTensorsClose(exponents, new Int32Array([4, 0, 0]));
 * ```
 */
export function frexp(x: TensorLike): [factors: Tensor, exponents: Tensor] {
  const value = realFloat("frexp", "Cannot take apart", x);
  const wide = convert(value, "float64");
  const size = arithmetic.abs(stopGradient(wide));
  const isPlain = and(
    less(constantLike(size, 0), size),
    less(size, constantLike(size, Infinity)),
  );
  // Numbers that are subnormal in double precision are made normal first.
  const isTiny = less(size, constantLike(size, 2 ** -1022));
  const [lift, one] = [2 ** 54, 1].map((factor) => constantLike(size, factor));
  const raised = select(isTiny, lift, one);
  const power = arithmetic.binade(arithmetic.mul(size, raised));
  const parts = arithmetic.scale(arithmetic.div(arithmetic.mul(wide, raised), power), 0.5);
  const shift = select(isTiny, constantLike(size, -53), one);
  const exponents = convert(arithmetic.add(log2(power), shift), "int32");
  return [
    convert(select(isPlain, parts, wide), value.dtype),
    select(isPlain, exponents, constantLike(exponents, 0)),
  ];
}

/**
 * The fractional part and the integer part of each element, both with the sign of
 * the element; infinities have a fractional part of 0. The derivative of the first part is 1, of the second 0.
 *
 * @category Arithmetic
 * @param x Any shape.
 * @returns Two tensors like `x`, of which integers and bools become floats.
 * @throws {DtypeError} when `x` is complex.
 *
 * @example Fractional and integer parts
 * ```ts
 * import { modf } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [fractions, wholes] = modf([2.5, -1.25]);
 * assertTensorsClose(fractions, [0.5, -0.25]);
 * assertTensorsClose(wholes, [2, -1]);
 * ```
 */
export function modf(x: TensorLike): [fractions: Tensor, wholes: Tensor] {
  const value = realFloat("modf", "Cannot take apart", x);
  const whole = arithmetic.trunc(value);
  const isEndless = equal(arithmetic.abs(value), constantLike(value, Infinity));
  const rest = arithmetic.sub(value, select(isEndless, constantLike(value, 0), whole));
  const zero = constantLike(value, 0);
  const signed = select(isNegative(stopGradient(value)), constantLike(value, -0), zero);
  return [select(or(isEndless, equal(rest, zero)), signedZero(value, signed), rest), whole];
}

/** Zeros with these signs, and the derivative of `x` where it is finite. */
function signedZero(x: Tensor, zero: Tensor): Tensor {
  const finite = select(less(arithmetic.abs(x), constantLike(x, Infinity)), x, zero);
  return arithmetic.add(arithmetic.sub(finite, stopGradient(finite)), zero);
}

/**
 * NaN and infinities replaced by numbers; the derivative of replaced elements is 0.
 *
 * @category Arithmetic
 * @param x Any shape.
 * @param options The replacements: `nan` (0 by default), `posinf` and `neginf` (by default the largest and
 * the least number of the dtype).
 * @returns The shape and dtype of `x`; integers and bools as they are.
 * @throws {ArgumentError} when a replacement is not a number.
 *
 * @example Replaced
 * ```ts
 * import { nanToNum } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nanToNum([1, NaN, -Infinity], { nan: 5, neginf: -9 }), [1, 5, -9]);
 * ```
 */
export function nanToNum(x: TensorLike, options?: NanToNumOptions): Tensor {
  const what = "Cannot replace what is no number";
  const value = toTensor(x, what);
  const { nan = 0, posinf, neginf } = readOptions(what, options, ["nan", "posinf", "neginf"]);
  for (const number of [nan, posinf ?? 0, neginf ?? 0]) {
    if (typeof number === "number") continue;
    throw argumentError(`${what}: expected numbers to replace by, got ${describeValue(number)}`);
  }
  if (!isInexact(value.dtype)) return value;
  const most = largestFinite(partDtype(value.dtype));
  const replaced = (part: Tensor): Tensor => {
    const constant = (number: number): Tensor => constantLike(part, number);
    const above = select(equal(part, constant(Infinity)), constant(posinf ?? most), part);
    const bounded = select(equal(part, constant(-Infinity)), constant(neginf ?? -most), above);
    return select(isNan(part), constant(nan), bounded);
  };
  return value instanceof ComplexTensor
    ? new ComplexTensor(replaced(value.re), replaced(value.im))
    : replaced(value);
}

/**
 * Whether each element is positive infinity.
 *
 * @category Arithmetic
 * @param x Any shape.
 * @returns `bool`, in the shape of `x`.
 * @throws {DtypeError} when `x` is complex.
 *
 * @example Above all numbers
 * ```ts
 * import { isposinf } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(isposinf([1, Infinity, -Infinity]), [false, true, false]);
 * ```
 */
export function isposinf(x: TensorLike): Tensor {
  const value = realFloat("isposinf", "Cannot test", x);
  return equal(value, constantLike(value, Infinity));
}

/**
 * Whether each element is negative infinity.
 *
 * @category Arithmetic
 * @param x Any shape.
 * @returns `bool`, in the shape of `x`.
 * @throws {DtypeError} when `x` is complex.
 *
 * @example Below all numbers
 * ```ts
 * import { isneginf } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(isneginf([1, Infinity, -Infinity]), [false, false, true]);
 * ```
 */
export function isneginf(x: TensorLike): Tensor {
  const value = realFloat("isneginf", "Cannot test", x);
  return equal(value, constantLike(value, -Infinity));
}
