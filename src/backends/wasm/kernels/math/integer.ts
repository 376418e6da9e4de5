/**
 * Elementwise operations on vectors of four 32-bit integers; all results are exact modulo 2^32.
 *
 * @module
 */
import type { Code } from "../../assembler/code.ts";
import { f64x2, i32, i32x4, i64x2, i8x16, v128 } from "../../assembler/operations.ts";
import type { Operation, Vector } from "./operation.ts";

function unary(instruction: (x: Vector) => Vector): Operation {
  return () => (x) => instruction(x);
}

function binary(instruction: (x: Vector, y: Vector) => Vector): Operation {
  return () => (x, y) => instruction(x, y);
}

function integer(code: Code, value: number): Vector {
  return code.let(i32x4.const(value));
}

/** The last two lanes, twice. */
const HIGH_TWICE = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];
/** The first halves of two vectors. */
const LOW_AND_LOW = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
/** The upper words of two vectors of 64-bit lanes. */
const UPPER_WORDS = [4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31];

/**
 * The remainder with the sign of the divisor, 0 for a divisor of 0. The distance of quotients of
 * 32-bit integers that are not whole from whole numbers exceeds a double's rounding error, and all
 * other steps are exact. A divisor of 0 gives NaN, which converts to 0.
 */
function mod(toDoubles: (x: Vector) => Vector, toIntegers: (x: Vector) => Vector): Operation {
  return (code) => {
    function remainder(x: Vector, y: Vector): Vector {
      const dividend = code.let(toDoubles(x));
      const divisor = code.let(toDoubles(y));
      const times = f64x2.floor(f64x2.div(dividend, divisor));
      return toIntegers(f64x2.sub(dividend, f64x2.mul(times, divisor)));
    }
    const high = (x: Vector): Vector => i8x16.shuffle(x, x, HIGH_TWICE);
    return (x, y) => {
      const low = code.let(remainder(x, y));
      return i8x16.shuffle(low, remainder(high(x), high(y)), LOW_AND_LOW);
    };
  };
}

/** The greatest common divisor (Euclid), of magnitudes: the remainder is that of unsigned numbers. */
function gcd(size: (x: Vector) => Vector): Operation {
  const remainder = mod(f64x2.convertLowI32x4U, i32x4.truncSatF64x2UZero);
  return (code) => {
    const rest = remainder(code, null);
    const zero = integer(code, 0);
    return (x, y) => {
      const divisor = code.let(size(x));
      const left = code.let(size(y));
      code.loop((again) => {
        const next = code.let(rest(divisor, left));
        const isOpen = i32x4.ne(left, zero);
        code.set(divisor, v128.bitselect(left, divisor, isOpen));
        code.set(left, next);
        code.branchIf(again, v128.anyTrue(left));
      });
      return divisor;
    };
  };
}

/** The power modulo 2^32, by repeated squaring. */
function wholePower(code: Code): (x: Vector, y: Vector) => Vector {
  const one = integer(code, 1);
  return (x, y) => {
    const power = code.let(one);
    const square = code.let(x);
    const exponent = code.let(y);
    code.loop((again) => {
      const isOdd = i32x4.neg(v128.and(exponent, one));
      code.set(power, v128.bitselect(i32x4.mul(power, square), power, isOdd));
      code.set(square, i32x4.mul(square, square));
      code.set(exponent, i32x4.shrU(exponent, i32.const(1)));
      code.branchIf(again, v128.anyTrue(exponent));
    });
    return power;
  };
}

/**
 * A negative exponent gives the integer part of the power: 0, except for a base of 1 or -1, whose
 * powers depend only on the lowest bit of the exponent.
 */
function signedPower(code: Code): (x: Vector, y: Vector) => Vector {
  const zero = integer(code, 0);
  const one = integer(code, 1);
  const power = wholePower(code);
  return (x, y) => {
    const isFraction = v128.and(i32x4.ltS(y, zero), i32x4.ne(i32x4.abs(x), one));
    return v128.andnot(power(x, y), isFraction);
  };
}

const WORD_BITS = 32;
const EXPONENT_BITS = i32.const(23);
const EXPONENT_BIAS = 127;

/** Writes `2 ** exponent`, for exponents of 0 to 31 to which the bias of floats has been added. */
function powerOfTwo(biased: Vector): Vector {
  return i32x4.truncSatF32x4U(i32x4.shl(biased, EXPONENT_BITS));
}

/** Multiplies by a power of two, because a vector shift uses the same count for all lanes. */
function shiftLeft(code: Code): (x: Vector, y: Vector) => Vector {
  const bias = integer(code, EXPONENT_BIAS);
  const wordBits = integer(code, WORD_BITS);
  return (x, y) => v128.and(i32x4.mul(x, powerOfTwo(i32x4.add(y, bias))), i32x4.ltU(y, wordBits));
}

/** The upper word of the product with `2 ** (32 - y)`; y itself is 0 if that is not a word. */
function shiftRight(code: Code): (x: Vector, y: Vector) => Vector {
  const complement = integer(code, WORD_BITS + EXPONENT_BIAS);
  const wordBits = integer(code, WORD_BITS);
  const zero = integer(code, 0);
  return (x, y) => {
    const factor = code.let(powerOfTwo(i32x4.sub(complement, y)));
    const shifted = i8x16.shuffle(
      i64x2.extmulLowI32x4U(x, factor),
      i64x2.extmulHighI32x4U(x, factor),
      UPPER_WORDS,
    );
    const inRange = v128.and(shifted, i32x4.ltU(y, wordBits));
    return v128.bitselect(x, inRange, i32x4.eq(y, zero));
  };
}

const itself = unary((x) => x);

/** Operations that do not depend on signedness. */
const common: Readonly<Record<string, Operation>> = {
  add: binary(i32x4.add),
  sub: binary(i32x4.sub),
  mul: binary(i32x4.mul),
  neg: unary(i32x4.neg),
  square: unary((x) => i32x4.mul(x, x)),
  floor: itself,
  ceil: itself,
  round: itself,
  trunc: itself,
  shiftLeft,
  shiftRight,
  and: binary(v128.and),
  or: binary(v128.or),
  xor: binary(v128.xor),
  equal: binary(i32x4.eq),
  select: () => (mask, x, y) => v128.bitselect(x, y, mask),
};

const int32Operations: Readonly<Record<string, Operation>> = {
  ...common,
  abs: unary(i32x4.abs),
  sign: unary((x) => i32x4.minS(i32x4.maxS(x, i32x4.const(-1)), i32x4.const(1))),
  mod: mod(f64x2.convertLowI32x4S, i32x4.truncSatF64x2SZero),
  gcd: gcd(i32x4.abs),
  pow: signedPower,
  maximum: binary(i32x4.maxS),
  minimum: binary(i32x4.minS),
  less: binary(i32x4.ltS),
  lessEqual: binary(i32x4.leS),
};

const uint32Operations: Readonly<Record<string, Operation>> = {
  ...common,
  abs: itself,
  sign: unary((x) => i32x4.minU(x, i32x4.const(1))),
  mod: mod(f64x2.convertLowI32x4U, i32x4.truncSatF64x2UZero),
  gcd: gcd((x) => x),
  pow: wholePower,
  maximum: binary(i32x4.maxU),
  minimum: binary(i32x4.minU),
  less: binary(i32x4.ltU),
  lessEqual: binary(i32x4.leU),
};

/**
 * The operations of each integer dtype, by the name of their primitive. Comparisons leave masks, and
 * `select` takes one.
 */
export const integerOperations: Readonly<
  Record<"int32" | "uint32", Readonly<Record<string, Operation>>>
> = { int32: int32Operations, uint32: uint32Operations };
