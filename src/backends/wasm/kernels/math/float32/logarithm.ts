/**
 * The natural logarithm of float32, and functions computed from it: log, log1p, logaddexp.
 *
 * @module
 */
import type { Code } from "../../../assembler/code.ts";
import { f32x4, i32, i32x4, v128 } from "../../../assembler/operations.ts";
import { EXP_LOW, prepareExpOfSum } from "./exponential.ts";
import { bits, float, polynomial, SIGN_BIT } from "./terms.ts";
import type { Operation, Vector } from "../operation.ts";

// ln 2 in two parts: the product of the first with a whole number of 9 bits is exact.
const LN2_HIGH = 0.693359375;
const LN2_LOW = Math.LN2 - LN2_HIGH;

/**
 * `(log(1 + f) - f) / f²` for `√½ <= 1 + f <= √2`, lowest power first: minimax for the relative
 * error of the logarithm, which is 3.9e-9, by Remez's exchange with coefficients that are floats, of
 * which the first is given.
 */
export const LOGARITHM: readonly number[] = [
  -0.5,
  0.3333331347,
  -0.2500001192,
  0.2000202239,
  -0.1666794419,
  0.1422261,
  -0.124049522,
  0.1185277328,
  -0.1168956533,
  0.06890381128,
];

/** `log(1 + f) + small - f`, for `√½ <= 1 + f <= √2`. */
function prepareRest(code: Code): (f: Vector, small: Vector) => Vector {
  const coefficients = LOGARITHM.map((value) => float(code, value));
  return (f, small) => f32x4.relaxedMadd(f32x4.mul(f, f), polynomial(coefficients, f), small);
}

const SMALLEST_NORMAL = 2 ** -126;
/** Makes subnormal floats normal. */
const LIFT = 2 ** 23;
/** The bits of √½, relative to which the exponent is computed. */
const ROOT_HALF = 0x3f3504f3;
const EXPONENT_BITS = 23;

/** `log x`. Error at most 0.9 ulp; NaN for negative numbers, -Infinity for both zeros. */
function log(code: Code): (x: Vector) => Vector {
  const smallest = float(code, SMALLEST_NORMAL);
  const lift = float(code, LIFT);
  const lifted = float(code, Math.log2(LIFT));
  const root = bits(code, ROOT_HALF);
  const fraction = bits(code, 2 ** EXPONENT_BITS - 1);
  const one = float(code, 1);
  const ln2High = float(code, LN2_HIGH);
  const ln2Low = float(code, LN2_LOW);
  const zero = float(code, 0);
  const infinity = float(code, Infinity);
  const minusInfinity = float(code, -Infinity);
  const restOf = prepareRest(code);
  return (x) => {
    const isSmall = code.let(f32x4.lt(x, smallest));
    const normal = i32x4.relaxedLaneselect(f32x4.mul(x, lift), x, isSmall);
    // x = 2^e (1 + f): the difference from the bits of √½ has e in its exponent bits.
    const above = code.let(i32x4.sub(normal, root));
    const e = code.let(f32x4.sub(
      f32x4.convertI32x4S(i32x4.shrS(above, i32.const(EXPONENT_BITS))),
      v128.and(lifted, isSmall),
    ));
    const mantissa = i32x4.add(v128.and(above, fraction), root);
    const f = code.let(f32x4.sub(mantissa, one));
    const rest = restOf(f, f32x4.mul(e, ln2Low));
    const value = f32x4.relaxedMadd(e, ln2High, f32x4.add(f, rest));
    const orInfinite = i32x4.relaxedLaneselect(x, value, f32x4.eq(x, infinity));
    const orZero = i32x4.relaxedLaneselect(minusInfinity, orInfinite, f32x4.eq(x, zero));
    // A value with all bits set is NaN.
    return v128.or(orZero, v128.not(f32x4.ge(x, zero)));
  };
}

/**
 * `log(1 + x)`. Error at most 1.55 ulp; NaN below -1. The rounding error of `1 + x` is added to
 * `f`; if the exponent is zero, `f` is `x` itself.
 */
function log1p(code: Code): (x: Vector) => Vector {
  const root = bits(code, ROOT_HALF);
  const fraction = bits(code, 2 ** EXPONENT_BITS - 1);
  const one = float(code, 1);
  const ln2High = float(code, LN2_HIGH);
  const ln2Low = float(code, LN2_LOW);
  const zero = float(code, 0);
  const infinity = float(code, Infinity);
  const minusInfinity = float(code, -Infinity);
  const signBit = bits(code, SIGN_BIT);
  const restOf = prepareRest(code);
  return (x) => {
    const sum = code.let(f32x4.add(x, one));
    const larger = f32x4.pmax(x, one);
    const lost = f32x4.sub(f32x4.pmin(x, one), f32x4.sub(sum, larger));
    // As in `log`: 1 + x = 2^e (1 + f).
    const above = code.let(i32x4.sub(sum, root));
    const e = code.let(f32x4.convertI32x4S(i32x4.shrS(above, i32.const(EXPONENT_BITS))));
    const exponent = code.let(v128.andnot(above, fraction));
    // 2^-e; the largest exponent has no such power of two, and nothing to add.
    const scale = f32x4.pmax(i32x4.sub(one, exponent), zero);
    const mantissa = i32x4.add(v128.and(above, fraction), root);
    const far = f32x4.relaxedMadd(lost, scale, f32x4.sub(mantissa, one));
    const f = code.let(i32x4.relaxedLaneselect(x, far, i32x4.eq(exponent, zero)));
    const rest = restOf(f, f32x4.mul(e, ln2Low));
    const value = f32x4.relaxedMadd(e, ln2High, f32x4.add(f, rest));
    const signed = v128.or(value, v128.and(x, signBit));
    const orInfinite = i32x4.relaxedLaneselect(x, signed, f32x4.eq(x, infinity));
    const orZero = i32x4.relaxedLaneselect(minusInfinity, orInfinite, f32x4.eq(sum, zero));
    // A value with all bits set is NaN.
    return v128.or(orZero, v128.not(f32x4.ge(sum, zero)));
  };
}

/**
 * `max(x, y) + log(1 + t)` with `t = e^-|x - y|`. Error at most 2.2 ulp if the terms do not cancel;
 * 1e-7 if they do.
 */
function logaddexp(code: Code): (x: Vector, y: Vector) => Vector {
  const half = float(code, 0.5);
  const minusHalf = float(code, -0.5);
  const limit = float(code, Math.SQRT2 - 1);
  const ln2High = float(code, LN2_HIGH);
  const ln2Low = float(code, LN2_LOW);
  const signBit = bits(code, SIGN_BIT);
  const far = float(code, -EXP_LOW);
  const power = prepareExpOfSum(code);
  const restOf = prepareRest(code);
  return (x, y) => {
    const larger = code.let(f32x4.pmax(x, y));
    const smaller = code.let(f32x4.pmin(x, y));
    const distance = code.let(f32x4.abs(f32x4.sub(x, y)));
    // The difference of equal infinities is undefined.
    const exponent = code.let(v128.or(v128.andnot(distance, f32x4.eq(x, y)), signBit));
    // The rounding error of the distance, after D. E. Knuth, matters where e^-distance does.
    const added = code.let(f32x4.sub(distance, larger));
    const error = f32x4.add(
      f32x4.add(smaller, added),
      f32x4.sub(f32x4.sub(distance, added), larger),
    );
    const t = code.let(power(exponent, v128.and(error, f32x4.lt(distance, far))));
    // 1 + t = 2 (1 + (t - 1) / 2)
    const isLarge = code.let(f32x4.gt(t, limit));
    const f = code.let(
      i32x4.relaxedLaneselect(f32x4.relaxedMadd(t, half, minusHalf), t, isLarge),
    );
    const rest = restOf(f, v128.and(ln2Low, isLarge));
    const value = f32x4.add(v128.and(ln2High, isLarge), f32x4.add(f, rest));
    return f32x4.add(larger, value);
  };
}

/** Logarithms, by the name of their primitive. */
export const logarithmOperations: Readonly<Record<string, Operation>> = { log, log1p, logaddexp };
