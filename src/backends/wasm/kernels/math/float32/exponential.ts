/**
 * The exponential of float32 and functions computed from it alone: exp, expm1, sigmoid, tanh and
 * their derivatives.
 *
 * Source: W. J. Cody and W. Waite, "Software manual for the elementary functions", 1980.
 *
 * @module
 */
import type { Code } from "../../../assembler/code.ts";
import { f32x4, i32, i32x4, v128 } from "../../../assembler/operations.ts";
import { bits, float, polynomial, ROUNDER, SIGN_BIT } from "./terms.ts";
import type { Operation, Vector } from "../operation.ts";

// ln 2 in two parts: the product of the first with a whole number of 15 bits is exact.
const LN2_HIGH = 0.693359375;
const LN2_LOW = Math.LN2 - LN2_HIGH;

/**
 * `(e^r - 1 - r) / r²` for `|r| <= ln 2 / 2`, lowest power first: minimax for the relative error of
 * `e^r - 1`, which is 1.4e-8, by Remez's exchange with coefficients that are floats.
 */
export const EXPONENTIAL: readonly number[] = [
  0.4999999702,
  0.1666653901,
  0.04166774452,
  0.008367056958,
  0.001383883646,
];

/** `x = n ln 2 + r + rest`, and `e^r = 1 + r + r² curve`. */
interface Reduced {
  /** The whole number `n` in the lowest bits of `ROUNDER + n`. */
  readonly shifted: Vector;
  /** The rest, at most `ln 2 / 2` plus a rounding error. */
  readonly r: Vector;
  /** Its rounding error; not computed if it is not used. */
  readonly rest: Vector;
  /** The terms of higher order. */
  readonly curve: Vector;
}

/** Splits the argument of an exponential, for `|x| < 2 ** 14`. */
function prepareReduction(code: Code): (x: Vector) => Reduced {
  const log2e = float(code, Math.LOG2E);
  const rounder = float(code, ROUNDER);
  const ln2High = float(code, LN2_HIGH);
  const ln2Low = float(code, LN2_LOW);
  const coefficients = EXPONENTIAL.map((value) => float(code, value));
  return (x) => {
    const shifted = code.let(f32x4.relaxedMadd(x, log2e, rounder));
    const n = code.let(f32x4.sub(shifted, rounder));
    const rough = code.let(f32x4.relaxedNmadd(n, ln2High, x));
    const r = code.let(f32x4.relaxedNmadd(n, ln2Low, rough));
    const rest = f32x4.relaxedNmadd(n, ln2Low, f32x4.sub(rough, r));
    return { shifted, r, rest, curve: polynomial(coefficients, r) };
  };
}

/** `e^x = 2^n e^r`. */
export interface Exponential {
  /** The whole number `n` in the lowest bits of `ROUNDER + n`. */
  readonly shifted: Vector;
  /** `e^r - 1`, for `|r| <= ln 2 / 2`. */
  readonly less: Vector;
}

/** The exponential in parts, for `|x| < 2 ** 14`. */
export function prepareExponential(code: Code): (x: Vector) => Exponential {
  const reduce = prepareReduction(code);
  return (x) => {
    const { shifted, r, curve } = reduce(x);
    return { shifted, less: f32x4.relaxedMadd(curve, f32x4.mul(r, r), r) };
  };
}

const EXPONENT_BITS = 23;

/**
 * Multiplies by `2^n`, in two factors, so that results below the smallest normal float are rounded
 * once and those past the largest are infinite.
 */
function prepareScaling(code: Code): (power: Vector, shifted: Vector) => Vector {
  const one = float(code, 1);
  return (power, shifted) => {
    // The shifts discard all bits of the rounder.
    const half = code.let(i32x4.shl(i32x4.shrU(shifted, i32.const(1)), i32.const(EXPONENT_BITS)));
    const otherHalf = i32x4.sub(i32x4.shl(shifted, i32.const(EXPONENT_BITS)), half);
    // The bits of 1 are the exponent's bias.
    return f32x4.mul(f32x4.mul(power, i32x4.add(half, one)), i32x4.add(otherHalf, one));
  };
}

/** The arguments at which the exponential becomes 0 and infinite. */
export const EXP_LOW = -104;
const EXP_HIGH = 89;

/** `e^x`. Error at most 1.05 ulp. */
export function exp(code: Code): (x: Vector) => Vector {
  const low = float(code, EXP_LOW);
  const high = float(code, EXP_HIGH);
  const one = float(code, 1);
  const parts = prepareExponential(code);
  const scaled = prepareScaling(code);
  return (x) => {
    // Both return their first operand unless the second is beyond it, so NaN is preserved.
    const bounded = code.let(f32x4.pmin(f32x4.pmax(x, low), high));
    const { shifted, less } = parts(bounded);
    return scaled(f32x4.add(less, one), shifted);
  };
}

/** `e^(x + rest)` for `x` that is not positive, and a small rest. Error at most 0.6 ulp. */
export function prepareExpOfSum(code: Code): (x: Vector, rest: Vector) => Vector {
  const low = float(code, EXP_LOW);
  const one = float(code, 1);
  const reduce = prepareReduction(code);
  const scaled = prepareScaling(code);
  return (x, more) => {
    const { shifted, r, rest, curve } = reduce(code.let(f32x4.pmax(x, low)));
    // Adding from the large end preserves what is lost for the small end.
    const rough = code.let(f32x4.add(r, one));
    const lost = f32x4.add(f32x4.sub(one, rough), r);
    const small = f32x4.relaxedMadd(f32x4.add(rest, more), rough, lost);
    return scaled(f32x4.add(rough, f32x4.relaxedMadd(curve, f32x4.mul(r, r), small)), shifted);
  };
}

/** The argument at which `e^x - 1` becomes -1. */
const EXPM1_LOW = -20;
/** Below this size `e^x - 1` rounds to `x`. */
const EXPM1_SMALL = 2 ** -25;

/**
 * `e^x - 1`, as `2^n (e^r - 1) + (2^n - 1)`. Error at most 1.7 ulp. Half of it is computed and
 * doubled, because 2^n itself may be too large.
 */
function expm1(code: Code): (x: Vector) => Vector {
  const low = float(code, EXPM1_LOW);
  const high = float(code, EXP_HIGH);
  const half = float(code, 0.5);
  const small = float(code, EXPM1_SMALL);
  const parts = prepareExponential(code);
  return (x) => {
    const bounded = code.let(f32x4.pmin(f32x4.pmax(x, low), high));
    const { shifted, less } = parts(bounded);
    // The bits of a half are the exponent's bias, less one.
    const scale = code.let(i32x4.add(i32x4.shl(shifted, i32.const(EXPONENT_BITS)), half));
    const value = code.let(f32x4.relaxedMadd(scale, less, f32x4.sub(scale, half)));
    return i32x4.relaxedLaneselect(x, f32x4.add(value, value), f32x4.lt(f32x4.abs(x), small));
  };
}

/** `e^-|x|`. Error at most 1.05 ulp. */
function decay(code: Code): (x: Vector) => Vector {
  const signBit = bits(code, SIGN_BIT);
  const power = exp(code);
  return (x) => code.let(power(code.let(v128.or(x, signBit))));
}

/** `1 / (1 + e^-x)`, from `e^-|x|`. Error at most 2.4 ulp. */
function sigmoidOfDecay(code: Code): (x: Vector, decay: Vector) => Vector {
  const zero = float(code, 0);
  const one = float(code, 1);
  return (x, decay) => {
    const above = v128.bitselect(decay, one, f32x4.lt(x, zero));
    return f32x4.div(above, f32x4.add(decay, one));
  };
}

/** `1 / (1 + e^-x)`, by `e^-|x|`. */
function sigmoid(code: Code): (x: Vector) => Vector {
  const part = decay(code);
  const value = sigmoidOfDecay(code);
  return (x) => value(x, part(x));
}

/** From here on the hyperbolic tangent rounds to 1. */
const TANH_ONE = 9.1;
/** Up to here a polynomial computes it. */
const TANH_SMALL = 0.55;

/**
 * `(tanh x - x) / x³` in `x²`, for `|x| <= 0.55`, lowest power first: minimax for the relative error
 * of the hyperbolic tangent, which is 1.3e-9, by Remez's exchange with coefficients that are floats.
 */
export const TANH: readonly number[] = [
  -0.3333331645,
  0.1333254427,
  -0.05384754762,
  0.02105134912,
  -0.006245365366,
];

/**
 * A polynomial for small arguments, `(1 - p) / (1 + p)` with the given `p = e^-2|x|` for others, with
 * the sign of `x`. Error at most 1.5 ulp.
 */
function tanhOfDecay(code: Code): (x: Vector, decay: Vector) => Vector {
  const small = float(code, TANH_SMALL);
  const one = float(code, 1);
  const signBit = bits(code, SIGN_BIT);
  const coefficients = TANH.map((value) => float(code, value));
  return (x, decay) => {
    const size = code.let(f32x4.abs(x));
    const square = code.let(f32x4.mul(x, x));
    const cubic = f32x4.mul(square, size);
    const near = f32x4.relaxedMadd(polynomial(coefficients, square), cubic, size);
    const far = f32x4.div(f32x4.sub(one, decay), f32x4.add(decay, one));
    const value = i32x4.relaxedLaneselect(near, far, f32x4.lt(size, small));
    return v128.or(value, v128.and(x, signBit));
  };
}

/** The hyperbolic tangent, by the exponential of an argument that needs no handling of its limits. */
function tanh(code: Code): (x: Vector) => Vector {
  const limit = float(code, TANH_ONE);
  const minusTwo = float(code, -2);
  const one = float(code, 1);
  const parts = prepareExponential(code);
  const value = tanhOfDecay(code);
  return (x) => {
    const bounded = f32x4.pmin(f32x4.abs(x), limit);
    const { shifted, less } = parts(code.let(f32x4.mul(bounded, minusTwo)));
    const scale = i32x4.add(i32x4.shl(shifted, i32.const(EXPONENT_BITS)), one);
    return value(x, code.let(f32x4.mul(f32x4.add(less, one), scale)));
  };
}

/** From here on the derivative of the hyperbolic tangent rounds to 0. */
const TANH_FLAT = 53;

/** `1 / cosh²x`, of which `1 / cosh x = 2p / (1 + p²)` for `p = e^-|x|`. */
function tanhSlope(code: Code): (x: Vector) => Vector {
  const limit = float(code, TANH_FLAT);
  const one = float(code, 1);
  const parts = prepareExponential(code);
  return (x) => {
    const { shifted, less } = parts(code.let(f32x4.neg(f32x4.pmin(f32x4.abs(x), limit))));
    const scale = i32x4.add(i32x4.shl(shifted, i32.const(EXPONENT_BITS)), one);
    const power = code.let(f32x4.mul(f32x4.add(less, one), scale));
    const under = f32x4.relaxedMadd(power, power, one);
    const secant = code.let(f32x4.div(f32x4.add(power, power), under));
    return f32x4.mul(secant, secant);
  };
}

/** Below this, a square of exponentials may be a denormal, and an exponential has lost bits. */
const LEAST = 2 ** -100;

/** A slope computed from `decay`; if that is tiny, it is replaced by the result of `write`. */
function withTail(code: Code, slope: Vector, decay: Vector, write: () => Vector): Vector {
  const result = code.let(slope);
  const isTiny = code.let(f32x4.lt(decay, f32x4.const(LEAST)));
  code.if(v128.anyTrue(isTiny), () => {
    code.set(result, i32x4.relaxedLaneselect(write(), result, isTiny));
  });
  return result;
}

/** `1 / cosh²x = p (1 + |t|)²`, given the hyperbolic tangent `t` and `p = e^-2|x|`. */
function tanhSlopeOfDecay(code: Code): (x: Vector, value: Vector, decay: Vector) => Vector {
  const one = float(code, 1);
  const slope = tanhSlope(code);
  return (x, value, decay) => {
    const over = code.let(f32x4.add(f32x4.abs(value), one));
    return withTail(code, f32x4.mul(f32x4.mul(over, over), decay), decay, () => slope(x));
  };
}

/** `4 s (1 - s)` for the logistic function `s`, which is `1 / cosh²(x / 2)`. */
function sigmoidBell(code: Code): (x: Vector) => Vector {
  const half = float(code, 0.5);
  const slope = tanhSlope(code);
  return (x) => slope(code.let(f32x4.mul(x, half)));
}

/** The same, given `s` and `e^-|x|`. */
function sigmoidBellOfDecay(code: Code): (x: Vector, value: Vector, decay: Vector) => Vector {
  const one = float(code, 1);
  const two = float(code, 2);
  const slope = sigmoidBell(code);
  return (x, s, decay) => {
    const twice = code.let(f32x4.add(s, s));
    // Above 0 the difference is 2 e^-x / (1 + e^-x).
    const above = f32x4.mul(twice, decay);
    const below = f32x4.sub(two, twice);
    const rest = i32x4.relaxedLaneselect(above, below, f32x4.gt(twice, one));
    return withTail(code, f32x4.mul(twice, rest), decay, () => slope(x));
  };
}

/** Exponentials, by the name of their primitive, and parts shared by functions. */
export const exponentialOperations: Readonly<Record<string, Operation>> = {
  exp,
  expm1,
  decay,
  sigmoid,
  sigmoidOfDecay,
  sigmoidBell,
  sigmoidBellOfDecay,
  tanh,
  tanhOfDecay,
  tanhSlope,
  tanhSlopeOfDecay,
};
