/**
 * Powers of doubles: `x^y = e^(y log x)`, with the logarithm as a sum of two doubles with about 65
 * correct bits, because the digits of the product before the point are lost at the end of the
 * result.
 *
 * @module
 */
import type { Code } from "../../../assembler/code.ts";
import { f64x2, v128 } from "../../../assembler/operations.ts";
import { exponentialOfSum, LN2_HIGH, LN2_LOW } from "./exponential.ts";
import { takingApart } from "./logarithm.ts";
import {
  choose,
  constant,
  exactProduct,
  exactSum,
  keep,
  type Kept,
  type Pair,
  polynomial,
  quickSum,
  SIGN_BIT,
} from "./vectors.ts";
import type { Operation, Vector } from "../operation.ts";

/**
 * `((atanh(s) / s - 1) / s² - 1/3) / s²` in `s²`, for `|s| <= (√2 - 1) / (√2 + 1)`, lowest power
 * first: interpolated at Chebyshev nodes by `tests/fixtures/float64_math.py`; error of `atanh(s) / s`
 * 2^-66.
 */
const COEFFICIENTS: readonly number[] = [
  0.2,
  0.14285714285714682,
  0.11111111110827943,
  0.09090909167696401,
  0.07692297481259215,
  0.06667402346923655,
  0.05853118169745603,
  0.05861589311938259,
];

/** 1/3 in two parts. */
const THIRD_HIGH = 0.3333333333333333;
const THIRD_LOW = 1.850371707708594e-17;

/** The product of two sums, with about 100 correct bits. */
function product(code: Code, x: Pair, y: Pair): Pair {
  const { high, low } = exactProduct(code, x.high, y.high);
  const cross = f64x2.add(f64x2.mul(x.high, y.low), f64x2.mul(x.low, y.high));
  return quickSum(code, high, f64x2.add(low, cross));
}

/** The logarithm of positive finite numbers as a sum of two. */
function logarithmAsSum(code: Code): (x: Kept) => Pair {
  const takeApart = takingApart(code);
  const one = constant(code, 1);
  const [ln2High, ln2Low] = [LN2_HIGH, LN2_LOW].map((value) => constant(code, value));
  const third: Pair = { high: constant(code, THIRD_HIGH), low: constant(code, THIRD_LOW) };
  const curve = polynomial(code, COEFFICIENTS);
  return (x) => {
    const { exponent, factor } = takeApart(x);
    // s = (m - 1) / (m + 1); the difference is exact, the sum has two parts.
    const over = code.let(f64x2.sub(factor, one));
    const under = exactSum(code, factor, one);
    const s = code.let(f64x2.div(over, under.high));
    const back = exactProduct(code, s, under.high);
    const missing = f64x2.sub(f64x2.sub(over, back.high), back.low);
    const rest = f64x2.div(f64x2.sub(missing, f64x2.mul(s, under.low)), under.high);
    const ratio: Pair = { high: s, low: code.let(rest) };
    // atanh(s) = s + s (s² / 3 + s⁴ (...))
    const square = product(code, ratio, ratio);
    const cubic = product(code, square, third);
    const fourth = f64x2.mul(f64x2.mul(square.high, square.high), curve(square.high));
    const bend = quickSum(code, cubic.high, f64x2.add(cubic.low, fourth));
    const bent = product(code, ratio, bend);
    const half = quickSum(code, ratio.high, bent.high);
    const halfLow = code.let(f64x2.add(half.low, f64x2.add(ratio.low, bent.low)));
    // log m = 2 atanh(s)
    const whole = exactSum(code, f64x2.mul(exponent, ln2High), f64x2.add(half.high, half.high));
    const small = f64x2.add(f64x2.mul(exponent, ln2Low), f64x2.add(halfLow, halfLow));
    return quickSum(code, whole.high, f64x2.add(whole.low, small));
  };
}

/** An exponent of this size makes all powers but those of 1 zero or infinite. */
const HUGE = 2 ** 66;

/** The magnitude of logarithms from which all powers are zero or infinite. */
const FARTHEST = 1000;

/** `x^y` for positive finite `x`. */
export function positivePower(code: Code): (x: Kept, y: Kept) => Vector {
  const logarithm = logarithmAsSum(code);
  const power = exponentialOfSum(code);
  const farthest = constant(code, FARTHEST);
  return (x, y) => {
    const log = logarithm(x);
    const sum = exactProduct(code, log.high, y);
    const low = f64x2.add(sum.low, f64x2.mul(log.low, y));
    // Beyond its bounds the exponential clamps the first part, where the second would have too much
    // effect.
    const isNear = f64x2.lt(f64x2.abs(sum.high), farthest);
    return power(sum.high, v128.and(low, isNear));
  };
}

/**
 * `x^y` as in IEEE 754-2008: 1 for `y` of zero and for `x` of 1, even if the other is NaN; 1 for
 * `x` of -1 and infinite `y`.
 */
const pow: Operation = (code) => {
  const power = positivePower(code);
  const [zero, half, one, infinity] = [0, 0.5, 1, Infinity].map((value) => constant(code, value));
  const [huge, minusHuge] = [HUGE, -HUGE].map((value) => constant(code, value));
  const signBit = code.let(SIGN_BIT);
  return (x, y) => {
    const [base, exponent] = [keep(code, x), keep(code, y)];
    const size = code.let(f64x2.abs(base));
    const isOrdinary = v128.and(f64x2.gt(size, zero), f64x2.lt(size, infinity));
    const bounded = code.let(f64x2.pmin(f64x2.pmax(exponent, minusHuge), huge));
    const value = code.let(power(code.let(choose(isOrdinary, size, one)), bounded));

    // A base of 0 or infinity stays or is inverted, depending on the sign of the exponent; a NaN
    // stays.
    const isPole = code.let(v128.or(f64x2.eq(size, zero), f64x2.eq(size, infinity)));
    const grows = f64x2.eq(size, infinity);
    const rises = f64x2.gt(exponent, zero);
    const atPole = v128.andnot(infinity, v128.xor(grows, rises));
    code.set(value, choose(isPole, f64x2.add(atPole, f64x2.sub(bounded, bounded)), value));
    code.set(value, choose(f64x2.eq(size, size), value, size));

    // A negative base requires a whole exponent, and odd powers take its sign.
    const isWhole = f64x2.eq(f64x2.trunc(exponent), exponent);
    const halved = code.let(f64x2.mul(exponent, half));
    const isOdd = v128.andnot(isWhole, f64x2.eq(f64x2.trunc(halved), halved));
    code.set(value, v128.xor(value, v128.and(v128.and(isOdd, base), signBit)));
    const isReal = v128.or(v128.or(isWhole, isPole), f64x2.ge(base, zero));
    code.set(value, choose(isReal, value, f64x2.const(NaN)));

    const isUnit = f64x2.eq(base, one);
    const isFlat = f64x2.eq(exponent, zero);
    const isEnd = v128.and(f64x2.eq(size, one), f64x2.eq(f64x2.abs(exponent), infinity));
    return choose(v128.or(v128.or(isUnit, isFlat), isEnd), one, value);
  };
};

/** Powers, by the name of their primitive. */
export const powerOperations: Readonly<Record<string, Operation>> = { pow };
