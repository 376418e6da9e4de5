/**
 * Arithmetic, rounding, comparisons and selection of float32: every result is exact.
 *
 * @module
 */
import type { Code } from "../../../assembler/code.ts";
import { f32x4, f64x2, v128 } from "../../../assembler/operations.ts";
import { bits, float, SIGN_BIT } from "./terms.ts";
import { highHalf, join, lowHalf } from "../halves.ts";
import type { Operation, Vector } from "../operation.ts";

function unary(instruction: (x: Vector) => Vector): Operation {
  return () => (x) => instruction(x);
}

function binary(instruction: (x: Vector, y: Vector) => Vector): Operation {
  return () => (x, y) => instruction(x, y);
}

function reciprocal(code: Code): (x: Vector) => Vector {
  const one = float(code, 1);
  return (x) => f32x4.div(one, x);
}

/** Error at most 1.5 ulp: the root and the quotient are both rounded. */
function rsqrt(code: Code): (x: Vector) => Vector {
  const one = float(code, 1);
  return (x) => f32x4.div(one, f32x4.sqrt(x));
}

function sign(code: Code): (x: Vector) => Vector {
  const one = float(code, 1);
  const signBit = bits(code, SIGN_BIT);
  const zero = float(code, 0);
  // Zeros and NaN are returned as their own sign.
  return (x) =>
    v128.bitselect(
      v128.or(v128.and(x, signBit), one),
      x,
      f32x4.lt(zero, f32x4.abs(x)),
    );
}

/**
 * `pmax` gives its first operand unless the second is larger. The two orders differ only for zeros
 * of different signs, which subtracting their difference makes positive, and for NaN, which stays
 * NaN with any bits added.
 */
function maximum(code: Code): (x: Vector, y: Vector) => Vector {
  return (x, y) => {
    const one = code.let(f32x4.pmax(x, y));
    const other = code.let(f32x4.pmax(y, x));
    return f32x4.sub(v128.or(one, other), v128.xor(one, other));
  };
}

/** As `maximum`; for zeros of different signs, the union of the bits is the negative zero. */
function minimum(): (x: Vector, y: Vector) => Vector {
  return (x, y) => v128.or(f32x4.pmin(x, y), f32x4.pmin(y, x));
}

/** Quotients below it, and the remainders, are exact in doubles. */
const EXACT_QUOTIENT = 2 ** 28;

/** Steps of the long division: `2 ** (28 * 10)` exceeds every quotient of floats. */
const DIVISION_STEPS = 10;

/**
 * The remainder with the sign of the divisor. In doubles the truncated quotient times the divisor
 * is exact if the quotient is small, and so is the remainder; if a quotient was rounded up to a
 * whole number, the remainder has the other sign, which the last step corrects. Larger quotients
 * are reduced in steps.
 */
function mod(code: Code): (x: Vector, y: Vector) => Vector {
  const zero = float(code, 0);
  const signBit = bits(code, SIGN_BIT);
  const limit = code.let(f64x2.const(EXACT_QUOTIENT));

  function remainder(x: Vector, y: Vector): Vector {
    const quotient = code.let(f64x2.div(x, y));
    const rest = code.let(f64x2.sub(x, f64x2.mul(f64x2.trunc(quotient), y)));
    const isLarge = f64x2.ge(f64x2.abs(quotient), limit);
    code.if(v128.anyTrue(isLarge), () => {
      const left = code.let(x);
      const scale = code.let(f64x2.const(EXACT_QUOTIENT ** (DIVISION_STEPS - 1)));
      code.for({ below: DIVISION_STEPS }, () => {
        const divisor = code.let(f64x2.mul(y, scale));
        const times = f64x2.trunc(f64x2.div(left, divisor));
        code.set(left, f64x2.sub(left, f64x2.mul(times, divisor)));
        code.set(scale, f64x2.mul(scale, f64x2.const(1 / EXACT_QUOTIENT)));
      });
      code.set(rest, v128.bitselect(left, rest, isLarge));
    });
    return rest;
  }

  return (x, y) => {
    const low = remainder(code.let(lowHalf(x)), code.let(lowHalf(y)));
    const high = remainder(code.let(highHalf(x)), code.let(highHalf(y)));
    // This also preserves finite x if y is infinite.
    const isWhole = f32x4.lt(f32x4.abs(x), f32x4.abs(y));
    const rest = code.let(v128.bitselect(x, join(low, high), isWhole));
    const differs = v128.xor(f32x4.lt(rest, zero), f32x4.lt(y, zero));
    const floored = f32x4.add(rest, v128.and(y, differs));
    return v128.bitselect(v128.and(y, signBit), floored, f32x4.eq(rest, zero));
  };
}

/** The bits of the exponent alone are the power of two; those of infinity and of zero are bounded. */
function binade(code: Code): (x: Vector) => Vector {
  const exponent = float(code, Infinity);
  const least = float(code, 2 ** -126);
  const most = float(code, 2 ** 127);
  return (x) => f32x4.pmax(f32x4.pmin(v128.and(x, exponent), most), least);
}

/** The exact operations, by the name of their primitive. */
export const basicOperations: Readonly<Record<string, Operation>> = {
  add: binary(f32x4.add),
  sub: binary(f32x4.sub),
  mul: binary(f32x4.mul),
  div: binary(f32x4.div),
  neg: unary(f32x4.neg),
  abs: unary(f32x4.abs),
  binade,
  square: unary((x) => f32x4.mul(x, x)),
  sqrt: unary(f32x4.sqrt),
  floor: unary(f32x4.floor),
  ceil: unary(f32x4.ceil),
  round: unary(f32x4.nearest),
  trunc: unary(f32x4.trunc),
  sign,
  reciprocal,
  rsqrt,
  mod,
  maximum,
  minimum,
  equal: binary(f32x4.eq),
  less: binary(f32x4.lt),
  lessEqual: binary(f32x4.le),
  isNan: unary((x) => f32x4.ne(x, x)),
  select: () => (mask, x, y) => v128.bitselect(x, y, mask),
};
