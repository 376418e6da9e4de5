/**
 * The error function of doubles, its complement and its inverse: the approximations of
 * `numeric/special.ts`, each range is computed only if some lane is in it.
 *
 * @module
 */
import * as special from "../../../../../numeric/special.ts";
import type { Code } from "../../../assembler/code.ts";
import { f64x2, v128 } from "../../../assembler/operations.ts";
import { exponential } from "./exponential.ts";
import { logarithm } from "./logarithm.ts";
import {
  choose,
  constant,
  halves,
  keep,
  type Kept,
  rational,
  setWhere,
  signOf,
  unary,
  whereAny,
  withSign,
} from "./vectors.ts";
import type { Operation, Vector } from "../operation.ts";

/** The ends of the approximations in the middle. */
const CENTRE_END = 0.5;
/** From here on its complement is 0, as is `e^(-x²)`. */
const END = 28;

/** `f(x) = x + x q(x²)`, for `|x| <= 1/2`. */
function centre(code: Code, quotient: special.Rational): (x: Kept) => Vector {
  const curve = rational(code, quotient);
  return (x) => f64x2.add(x, f64x2.mul(x, curve(f64x2.mul(x, x))));
}

/** `e^(-x²)`, accurate to the last bits although `x²` is rounded. */
function gaussian(code: Code): (x: Vector) => Vector {
  const power = exponential(code);
  const end = constant(code, END);
  return (x) => {
    // Further out the result is 0, and the difference of infinities would be NaN.
    const size = code.let(f64x2.pmin(f64x2.abs(x), end));
    const square = code.let(f64x2.mul(size, size));
    const { high, low } = halves(code, size);
    // The square of the upper half, of 26 bits, is exact, and the rest of the square is small.
    const lost = f64x2.sub(f64x2.mul(high, high), square);
    const rest = f64x2.add(lost, f64x2.mul(low, f64x2.add(size, high)));
    const value = code.let(power(f64x2.neg(square)));
    return f64x2.sub(value, f64x2.mul(value, rest));
  };
}

/** Writes `e^(-x²)`. */
type Power = () => Vector;

/** The complement of the error function for `x >= 1/2`; NaN for NaN. */
function complementTail(code: Code): (x: Kept, power: Power) => Vector {
  const near = rational(code, special.ERFCX_NEAR);
  const middle = rational(code, special.ERFCX_MIDDLE);
  const far = rational(code, special.ERFCX_FAR);
  const [zero, one, nearEnd, middleEnd, end] = [0, 1, 2, 8, END].map((x) => constant(code, x));
  return (x, power) => {
    const isNear = code.let(f64x2.lt(x, nearEnd));
    const isFar = code.let(f64x2.ge(x, middleEnd));
    const isMiddle = code.let(v128.not(v128.or(isNear, isFar)));
    const factor = code.let(zero);
    setWhere(code, factor, isNear, () => near(x));
    setWhere(code, factor, isMiddle, () => middle(x));
    setWhere(code, factor, isFar, () => f64x2.div(far(f64x2.div(one, f64x2.mul(x, x))), x));
    return choose(f64x2.gt(x, end), zero, f64x2.mul(power(), factor));
  };
}

function errorFunction(code: Code): (x: Vector, power: Power) => Vector {
  const inner = centre(code, special.ERF_CENTRE);
  const tail = complementTail(code);
  const [one, centreEnd] = [1, CENTRE_END].map((value) => constant(code, value));
  return (x, power) => {
    const argument = keep(code, x);
    const size = code.let(f64x2.abs(argument));
    const value = code.let(inner(argument));
    const isOuter = code.let(v128.not(f64x2.le(size, centreEnd)));
    setWhere(code, value, isOuter, () => withSign(f64x2.sub(one, tail(size, power)), argument));
    return value;
  };
}

function complement(code: Code): (x: Vector, power: Power) => Vector {
  const inner = centre(code, special.ERF_CENTRE);
  const tail = complementTail(code);
  const [zero, one, two] = [0, 1, 2].map((value) => constant(code, value));
  const centreEnd = constant(code, CENTRE_END);
  return (x, power) => {
    const argument = keep(code, x);
    const size = code.let(f64x2.abs(argument));
    const value = code.let(f64x2.sub(one, inner(argument)));
    const isOuter = code.let(v128.not(f64x2.le(size, centreEnd)));
    whereAny(code, isOuter, () => {
      const outer = code.let(tail(size, power));
      const ofSign = choose(f64x2.lt(argument, zero), f64x2.sub(two, outer), outer);
      code.set(value, choose(isOuter, ofSign, value));
    });
    return value;
  };
}

/** A function of `x` that uses `e^(-x²)`, as a function of `x` alone. */
function byItself(make: typeof complement): Operation {
  return (code) => {
    const map = make(code);
    const power = gaussian(code);
    return (x) => {
      const argument = keep(code, x);
      return map(argument, () => power(argument));
    };
  };
}

/** The same as a function of `x` and `e^(-x²)`. */
function ofGaussian(make: typeof complement): Operation {
  return (code) => {
    const map = make(code);
    return (x, power) => map(x, () => power);
  };
}

function inverse(code: Code): (y: Vector) => Vector {
  const inner = centre(code, special.ERFINV_CENTRE);
  const middle = rational(code, special.ERFINV_MIDDLE);
  const tail = rational(code, special.ERFINV_TAIL);
  const log = logarithm(code);
  const [one, centreEnd] = [1, CENTRE_END].map((value) => constant(code, value));
  const [middleOrigin, tailOrigin] = [0.8125, 2.5].map((value) => constant(code, value));
  return (y) => {
    const argument = keep(code, y);
    const size = code.let(f64x2.abs(argument));
    // The sign is already correct, except for that of zero.
    const value = code.let(v128.or(inner(argument), signOf(argument)));
    const isOuter = code.let(v128.not(f64x2.le(size, centreEnd)));
    whereAny(code, isOuter, () => {
      // NaN if the magnitude is above 1.
      const r = code.let(f64x2.sqrt(f64x2.neg(log(f64x2.sub(one, size)))));
      const isTail = code.let(f64x2.gt(r, tailOrigin));
      const outer = code.let(middle(f64x2.sub(r, middleOrigin)));
      setWhere(code, outer, isTail, () => tail(f64x2.sub(r, tailOrigin)));
      const bounded = choose(f64x2.eq(size, one), f64x2.const(Infinity), outer);
      code.set(value, choose(isOuter, v128.xor(bounded, signOf(argument)), value));
    });
    return value;
  };
}

/**
 * The error function and related functions, by the names of their primitives, and versions that
 * take `e^(-x²)`.
 */
export const errorOperations: Readonly<Record<string, Operation>> = {
  gaussian: unary(gaussian),
  erf: byItself(errorFunction),
  erfOfGaussian: ofGaussian(errorFunction),
  erfc: byItself(complement),
  erfcOfGaussian: ofGaussian(complement),
  erfinv: unary(inverse),
};
