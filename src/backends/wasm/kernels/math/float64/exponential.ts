/**
 * Exponentials of doubles: `x = n ln 2 + r` with `|r| <= ln 2 / 2`, and `e^x = 2^n e^r`, as in
 * P. T. P. Tang, "Table-driven implementation of the exponential function" (1989), with a
 * polynomial in place of the table.
 *
 * @module
 */
import type { Code } from "../../../assembler/code.ts";
import { f64x2, i32, i32x4, i64x2, v128 } from "../../../assembler/operations.ts";
import {
  choose,
  constant,
  keep,
  type Kept,
  polynomial,
  powerOfTwo,
  ROUNDER,
  unary,
} from "./vectors.ts";
import type { Operation, Vector } from "../operation.ts";

/** ln 2 in two parts: the first, of 42 bits, times a whole number of 11 bits is exact. */
export const LN2_HIGH = 0.6931471805598903;
/** The difference between ln 2 and the first part. */
export const LN2_LOW = 5.497923018708371e-14;

/**
 * `(e^r - 1 - r) / r²` for `|r| <= ln 2 / 2`, lowest power first: interpolated at Chebyshev nodes by
 * `tests/fixtures/float64_math.py`; relative error of `e^r - 1` 2^-60.
 */
const COEFFICIENTS: readonly number[] = [
  0.5,
  0.1666666666666667,
  0.04166666666666667,
  0.008333333333326136,
  0.0013888888888883748,
  0.00019841269874820627,
  2.4801587325547743e-05,
  2.7557255400206422e-06,
  2.75572736431103e-07,
  2.5105217004720745e-08,
  2.0914686968086876e-09,
];

/** Beyond these, `e^x / 2` is 0 or infinite. */
const LOWEST = -746;
const HIGHEST = 712;

/** Up to this size of `x`, `e^x` and `e^x / 2` are normal numbers. */
const ORDINARY = 707;

/** Below this, `e^x - 1` is -1. */
const LOWEST_MINUS_ONE = -40;

/** The parts of an exponential after powers of two are factored out. */
interface Reduced {
  /** `n`, in the low 32 bits of each lane. */
  readonly whole: Kept;
  /** `x - n ln 2` without the lower part of ln 2: exact. */
  readonly high: Kept;
  /** The amount still to be subtracted from it. */
  readonly minus: Kept;
  /** `r`: the difference of the two, rounded. */
  readonly rest: Kept;
  /** `e^r - 1 - r`. */
  readonly curve: Vector;
}

/** Factors powers of two out of `e^(x + low)`, for `x` within the bounds; NaN stays NaN. */
function reduction(code: Code): (x: Vector, low?: Vector) => Reduced {
  const [perLn2, rounder] = [Math.LOG2E, ROUNDER].map((value) => constant(code, value));
  const [ln2High, ln2Low] = [LN2_HIGH, LN2_LOW].map((value) => constant(code, value));
  const curve = polynomial(code, COEFFICIENTS);
  return (x, low) => {
    const argument = keep(code, x);
    const shifted = code.let(f64x2.add(f64x2.mul(argument, perLn2), rounder));
    const n = code.let(f64x2.sub(shifted, rounder));
    const high = code.let(f64x2.sub(argument, f64x2.mul(n, ln2High)));
    const tail = f64x2.mul(n, ln2Low);
    const minus = code.let(low === undefined ? tail : f64x2.sub(tail, low));
    const rest = code.let(f64x2.sub(high, minus));
    return {
      whole: code.let(i64x2.sub(shifted, rounder)),
      high,
      minus,
      rest,
      curve: f64x2.mul(f64x2.mul(rest, rest), curve(rest)),
    };
  };
}

/** `x` clamped between a lower bound and the highest argument; NaN stays NaN. */
function between(code: Code, lowest: number): (x: Vector) => Vector {
  const [least, most] = [lowest, HIGHEST].map((bound) => constant(code, bound));
  // Both return their first operand unless the second is beyond it, so NaN is preserved.
  return (x) => f64x2.pmin(f64x2.pmax(x, least), most);
}

/**
 * `x 2^n`, rounded once: the power in two factors, because it may itself be out of range of
 * doubles.
 */
function scale(code: Code, x: Vector, whole: Kept): Vector {
  const first = code.let(i32x4.shrS(whole, i32.const(1)));
  const second = i64x2.sub(whole, first);
  return f64x2.mul(f64x2.mul(x, powerOfTwo(first)), powerOfTwo(second));
}

function less(whole: Kept, halvings: number): Vector {
  return halvings === 0 ? whole : i64x2.sub(whole, i64x2.const(halvings));
}

/** The largest arguments for which `e^x` and `e^x / 2` are finite. */
const LARGEST = [709.782712893384, 710.4758600739439] as const;

/**
 * `e^x / 2^halvings`, for at most one halving; overflow and underflow are those of the result.
 * Denormal results are assembled as integers, because floating-point instructions with denormal
 * results are slow.
 */
export function exponential(code: Code, halvings: 0 | 1 = 0): (x: Vector) => Vector {
  const reduce = reduction(code);
  const [one, ordinary] = [1, ORDINARY].map((value) => constant(code, value));
  return (x) => {
    const argument = keep(code, x);
    const { whole, high, minus, curve } = reduce(argument);
    const power = code.let(f64x2.add(one, f64x2.add(high, f64x2.sub(curve, minus))));
    const exponent = keep(code, less(whole, halvings));
    // The exponent of a normal result is a sum of exponents.
    const result = code.let(i64x2.add(power, i64x2.shl(exponent, i32.const(52))));
    const areOrdinary = i64x2.bitmask(f64x2.lt(f64x2.abs(argument), ordinary));
    code.if(i32.ne(areOrdinary, i32.const(0b11)), () => {
      const setIf = (mask: Vector, value: Vector) => code.set(result, choose(mask, value, result));
      // The multiple of the smallest denormal, which is a denormal's bits: rounded by adding 2^52.
      const multiple = code.let(
        f64x2.mul(power, powerOfTwo(i64x2.add(exponent, i64x2.const(1074)))),
      );
      const limit = f64x2.const(2 ** 52);
      const isDenormal = v128.and(
        f64x2.lt(multiple, limit),
        f64x2.lt(argument, f64x2.const(-ORDINARY)),
      );
      setIf(isDenormal, i64x2.sub(f64x2.add(multiple, limit), limit));
      setIf(f64x2.lt(argument, f64x2.const(LOWEST)), f64x2.const(0));
      setIf(f64x2.gt(argument, f64x2.const(LARGEST[halvings])), f64x2.const(Infinity));
      setIf(f64x2.ne(argument, argument), argument);
    });
    return result;
  };
}

/** `e^(high + low)`, for a sum with more bits than a double has. */
export function exponentialOfSum(code: Code): (high: Vector, low: Vector) => Vector {
  const bound = between(code, LOWEST);
  const reduce = reduction(code);
  const one = constant(code, 1);
  return (x, low) => {
    const { whole, high, minus, rest, curve } = reduce(bound(x), low);
    // The rounding error of r is multiplied by e^r, for which 1 + r is accurate enough.
    const lost = f64x2.sub(f64x2.sub(high, rest), minus);
    const correction = f64x2.sub(f64x2.mul(lost, rest), minus);
    const power = f64x2.add(one, f64x2.add(high, f64x2.add(curve, correction)));
    return scale(code, power, whole);
  };
}

/**
 * `(e^x - 1) / 2^halvings`, for at most one halving: as `2^n (e^r - 1 + (1 - 2^-n))`, a sum without
 * cancellation.
 */
export function exponentialMinusOne(code: Code, halvings: 0 | 1 = 0): (x: Vector) => Vector {
  const bound = between(code, LOWEST_MINUS_ONE);
  const reduce = reduction(code);
  const [zero, one] = [0, 1].map((value) => constant(code, value));
  const factor = constant(code, 0.5 ** halvings);
  const largest = code.let(i32x4.const(1000));
  return (x) => {
    const argument = keep(code, x);
    const { whole, high, minus, curve } = reduce(bound(argument));
    const small = f64x2.add(high, f64x2.sub(curve, minus));
    // If n is above 1000, its inverse power is negligible compared with 1, as it is at 1000.
    const inverse = powerOfTwo(i64x2.sub(zero, i32x4.minS(whole, largest)));
    const sum = f64x2.add(small, f64x2.sub(one, inverse));
    const result = scale(code, sum, keep(code, less(whole, halvings)));
    // A zero keeps its sign.
    return choose(f64x2.eq(argument, zero), f64x2.mul(argument, factor), result);
  };
}

/** `e^-|x|`. */
export function decay(code: Code): (x: Vector) => Vector {
  const power = exponential(code);
  return (x) => power(f64x2.neg(f64x2.abs(x)));
}

/** `1 / (1 + e^-x)`, from `e^-|x|`. */
function sigmoidOfDecay(code: Code): (x: Vector, decay: Vector) => Vector {
  const [zero, one] = [0, 1].map((value) => constant(code, value));
  return (x, decay) => {
    const small = keep(code, decay);
    // For each sign, the form that does not cancel: e^x / (1 + e^x) below 0, 1 / (1 + e^-x) above.
    return f64x2.div(choose(f64x2.lt(x, zero), small, one), f64x2.add(one, small));
  };
}

/** `1 / (1 + e^-x)`. */
function sigmoid(code: Code): (x: Vector) => Vector {
  const small = decay(code);
  const value = sigmoidOfDecay(code);
  return (x) => {
    const argument = keep(code, x);
    return value(argument, small(argument));
  };
}

/** The exponentials, by the names of their primitives, and parts shared by functions. */
export const exponentialOperations: Readonly<Record<string, Operation>> = {
  exp: unary(exponential),
  expm1: unary(exponentialMinusOne),
  decay: unary(decay),
  sigmoid: unary(sigmoid),
  sigmoidOfDecay,
};
