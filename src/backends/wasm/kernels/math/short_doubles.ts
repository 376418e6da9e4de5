/**
 * Exponentials and logarithms in doubles for results that are rounded to floats: accurate to 36
 * bits and more, and cheaper than in full double precision. Multiply-adds may round once or twice.
 *
 * @module
 */
import type { Code } from "../../assembler/code.ts";
import { f64x2, i32, i64x2, v128 } from "../../assembler/operations.ts";
import type { Vector } from "./operation.ts";

/** Twice the same double, kept in a local. */
export function double(code: Code, value: number): Vector {
  return code.let(f64x2.const(value));
}

/** The sum of `coefficients[i] * x ** i`, by Horner's rule. */
export function polynomial(coefficients: readonly Vector[], x: Vector): Vector {
  return coefficients.reduceRight((sum, coefficient) => f64x2.relaxedMadd(sum, x, coefficient));
}

/** Adding it rounds to a whole number, which is then in the lowest bits of the sum. */
const ROUNDER = 1.5 * 2 ** 52;
const EXPONENT_BITS = i32.const(52);

/**
 * `(e^r - 1 - r) / r²` for `|r| <= ln 2 / 2`, lowest power first: minimax for the relative error of
 * `e^r - 1`, which is 5.3e-12, by Remez's exchange.
 */
const EXPONENTIAL = [
  0.5000000000105814,
  0.16666666754403398,
  0.041666665950482074,
  0.008333288963856794,
  0.0013888985490833614,
  0.00019904973773258956,
  2.479637014534031e-5,
];

/** `2^n` and `e^r - 1` where `e^x = 2^n e^r`. */
interface Exponential {
  /** The power of two. */
  readonly scale: Vector;
  /** The rest, minus one; relative error at most 6e-12. */
  readonly less: Vector;
}

/** `e^x` in parts, for `low <= x <= high`; arguments beyond are clamped. */
function prepareExponential(
  code: Code,
  lowest: number,
  highest: number,
): (x: Vector) => Exponential {
  const low = double(code, lowest);
  const high = double(code, highest);
  const log2e = double(code, Math.LOG2E);
  const rounder = double(code, ROUNDER);
  const ln2 = double(code, Math.LN2);
  const one = double(code, 1);
  const coefficients = EXPONENTIAL.map((value) => double(code, value));
  return (x) => {
    // Both return their first operand unless the second is beyond it, so NaN is preserved.
    const bounded = code.let(f64x2.pmin(f64x2.pmax(x, low), high));
    const shifted = code.let(f64x2.relaxedMadd(bounded, log2e, rounder));
    const n = f64x2.sub(shifted, rounder);
    const r = code.let(f64x2.relaxedNmadd(n, ln2, bounded));
    const less = code.let(
      f64x2.relaxedMadd(polynomial(coefficients, r), f64x2.mul(r, r), r),
    );
    // The shift discards all bits of the rounder; the bits of 1 are the exponent's bias.
    const scale = code.let(i64x2.add(i64x2.shl(shifted, EXPONENT_BITS), one));
    return { scale, less };
  };
}

/** `e^x`, for `low <= x <= high`. */
export function prepareExp(code: Code, lowest: number, highest: number): (x: Vector) => Vector {
  const parts = prepareExponential(code, lowest, highest);
  return (x) => {
    const { scale, less } = parts(x);
    return f64x2.relaxedMadd(scale, less, scale);
  };
}

/** `e^x - 1`, for `low <= x <= high`, without cancellation. */
export function prepareExpm1(code: Code, lowest: number, highest: number): (x: Vector) => Vector {
  const one = double(code, 1);
  const parts = prepareExponential(code, lowest, highest);
  return (x) => {
    const { scale, less } = parts(x);
    return f64x2.relaxedMadd(scale, less, f64x2.sub(scale, one));
  };
}

/**
 * `(2 artanh s - 2 s) / s³` in `s²`, for `s = f / (2 + f)` and `√½ <= 1 + f <= √2`, lowest power
 * first: minimax for the relative error of `log(1 + f) = 2 artanh s`, which is 3.0e-14, by Remez's
 * exchange.
 */
const LOGARITHM = [
  0.6666666667577759,
  0.3999999562933562,
  0.28572108409887137,
  0.2217621807767403,
  0.19583754725289865,
];

const BIAS = 1023;
/** The bits of 1 and of √½: their difference makes the exponent change at √½. */
const ONE_BITS = 0x3ff0000000000000n;
const ROOT_HALF_BITS = 0x3fe6a09e667f3bcdn;
/** The bits of the double whose last bit has the value 1. */
const COUNTER_BITS = 0x4330000000000000n;
const COUNTER = 2 ** 52;

/** `x = 2^e (1 + f)`, and `log(1 + f)`. */
interface Logarithm {
  /** The exponent. */
  readonly e: Vector;
  /** `log(1 + f)`. */
  readonly rest: Vector;
}

/**
 * The logarithm of positive finite normal doubles, in parts. With `less`, a more accurate value of
 * `x - 1`, the rest is `log(1 + less)` if the exponent is zero.
 */
function prepareLogarithm(code: Code): (x: Vector, less?: Vector) => Logarithm {
  const one = double(code, 1);
  const two = double(code, 2);
  const zero = double(code, 0);
  const offset = code.let(i64x2.const(ONE_BITS - ROOT_HALF_BITS));
  const fraction = code.let(i64x2.const(2n ** 52n - 1n));
  const root = code.let(i64x2.const(ROOT_HALF_BITS));
  const counter = code.let(i64x2.const(COUNTER_BITS));
  const bias = double(code, COUNTER + BIAS);
  const coefficients = LOGARITHM.map((value) => double(code, value));
  return (x, less) => {
    const shifted = code.let(i64x2.add(x, offset));
    const biased = v128.or(i64x2.shrU(shifted, EXPONENT_BITS), counter);
    const e = code.let(f64x2.sub(biased, bias));
    const mantissa = i64x2.add(v128.and(shifted, fraction), root);
    const above = f64x2.sub(mantissa, one);
    const f = code.let(
      less === undefined ? above : i64x2.relaxedLaneselect(less, above, f64x2.eq(e, zero)),
    );
    const s = code.let(f64x2.div(f, f64x2.add(f, two)));
    const square = code.let(f64x2.mul(s, s));
    const cubic = f64x2.mul(square, s);
    const rest = f64x2.relaxedMadd(
      polynomial(coefficients, square),
      cubic,
      f64x2.add(s, s),
    );
    return { e, rest };
  };
}

/** `log(1 + x)` for doubles, with a relative error below 1e-13; NaN below -1. */
export function prepareLog1p(code: Code): (x: Vector) => Vector {
  const one = double(code, 1);
  const zero = double(code, 0);
  const ln2 = double(code, Math.LN2);
  const infinity = double(code, Infinity);
  const minusInfinity = double(code, -Infinity);
  const parts = prepareLogarithm(code);
  return (x) => {
    const sum = code.let(f64x2.add(x, one));
    const { e, rest } = parts(sum, x);
    const value = f64x2.relaxedMadd(e, ln2, rest);
    const orZero = i64x2.relaxedLaneselect(minusInfinity, value, f64x2.eq(sum, zero));
    const orInfinite = i64x2.relaxedLaneselect(sum, orZero, f64x2.eq(sum, infinity));
    // A value with all bits set is NaN.
    return v128.or(orInfinite, v128.not(f64x2.ge(sum, zero)));
  };
}

/** `log2 x` for doubles that are floats, with a relative error below 1e-13. */
export function prepareLog2(code: Code): (x: Vector) => Vector {
  const zero = double(code, 0);
  const log2e = double(code, Math.LOG2E);
  const infinity = double(code, Infinity);
  const minusInfinity = double(code, -Infinity);
  const parts = prepareLogarithm(code);
  return (x) => {
    const { e, rest } = parts(x);
    const value = f64x2.relaxedMadd(rest, log2e, e);
    const orZero = i64x2.relaxedLaneselect(minusInfinity, value, f64x2.eq(x, zero));
    const orInfinite = i64x2.relaxedLaneselect(x, orZero, f64x2.eq(x, infinity));
    return v128.or(orInfinite, v128.not(f64x2.ge(x, zero)));
  };
}
