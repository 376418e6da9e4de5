/**
 * Inverse trigonometric functions of float32, computed in doubles and rounded once.
 *
 * @module
 */
import type { Code } from "../../../assembler/code.ts";
import { f32x4, f64x2, i64x2, v128 } from "../../../assembler/operations.ts";
import { bits, SIGN_BIT } from "./terms.ts";
import { inDoubles } from "../halves.ts";
import type { Operation, Vector } from "../operation.ts";
import { double, polynomial } from "../short_doubles.ts";

/**
 * `(asin x - x) / x³` in `x²`, for `|x| <= 1/2`, lowest power first: minimax for the relative error
 * of the inverse sine, which is 9.8e-13, by Remez's exchange.
 */
export const ARCSINE: readonly number[] = [
  0.16666666627482848,
  0.07500004965024432,
  0.04464071421468253,
  0.030426410072278105,
  0.021866779432320377,
  0.02064093461998586,
  0.001993508486494369,
  0.0328963334277465,
];

/** The inverse sine of `|x|`: `part` up to 1/2, `π / 2 - 2 part` above it; NaN above 1. */
interface Arcsine {
  readonly isLarge: Vector;
  readonly part: Vector;
  readonly twice: Vector;
}

function prepareArcsine(code: Code): (size: Vector) => Arcsine {
  const half = double(code, 0.5);
  const one = double(code, 1);
  const coefficients = ARCSINE.map((value) => double(code, value));
  return (size) => {
    const isLarge = code.let(f64x2.gt(size, half));
    // The double angle formula: sin² (a / 2) = (1 - cos a) / 2.
    const fromOne = f64x2.mul(f64x2.sub(one, size), half);
    const square = code.let(
      i64x2.relaxedLaneselect(fromOne, f64x2.mul(size, size), isLarge),
    );
    const x = code.let(i64x2.relaxedLaneselect(f64x2.sqrt(square), size, isLarge));
    const cubic = f64x2.mul(square, x);
    const part = code.let(f64x2.relaxedMadd(polynomial(coefficients, square), cubic, x));
    return { isLarge, part, twice: code.let(f64x2.add(part, part)) };
  };
}

/** Inverse sine. */
function asin(code: Code): (x: Vector) => Vector {
  const signBit = bits(code, SIGN_BIT);
  const quarter = double(code, Math.PI / 2);
  const arcsine = prepareArcsine(code);
  const compute = inDoubles(code, (size) => {
    const { isLarge, part, twice } = arcsine(size);
    return i64x2.relaxedLaneselect(f64x2.sub(quarter, twice), part, isLarge);
  });
  return (x) => v128.or(compute(code.let(f32x4.abs(x))), v128.and(x, signBit));
}

/** Inverse cosine, from that of `|x|`. */
function acos(code: Code): (x: Vector) => Vector {
  const zero = double(code, 0);
  const quarter = double(code, Math.PI / 2);
  const half = double(code, Math.PI);
  const arcsine = prepareArcsine(code);
  const compute = inDoubles(code, (x) => {
    const { isLarge, part, twice } = arcsine(code.let(f64x2.abs(x)));
    const angle = code.let(
      i64x2.relaxedLaneselect(twice, f64x2.sub(quarter, part), isLarge),
    );
    return i64x2.relaxedLaneselect(f64x2.sub(half, angle), angle, f64x2.lt(x, zero));
  });
  return (x) => compute(x);
}

/**
 * `(atan x - x) / x³` in `x²`, for `|x| <= √2 - 1`, lowest power first: minimax for the relative
 * error of the inverse tangent, which is 7.9e-13, by Remez's exchange.
 */
export const ARCTANGENT: readonly number[] = [
  -0.333333332956857,
  0.1999999432088971,
  -0.14285423389621574,
  0.11103999424675315,
  -0.08996797650711813,
  0.0699101946887567,
  -0.03792073003339733,
];

/** Below every positive float, so that it can replace a divisor of zero. */
const TINY = 2 ** -200;
/** Above every float but Infinity, which exceeds no part of itself. */
const HUGE = 2 ** 200;

/** The inverse tangent of `y / x`, neither of them negative; also if both are zero or infinite. */
function prepareArctangent(code: Code): (y: Vector, x: Vector) => Vector {
  const tangentOfEighth = double(code, Math.SQRT2 - 1);
  const tiny = double(code, TINY);
  const huge = double(code, HUGE);
  const eighth = double(code, Math.PI / 4);
  const quarter = double(code, Math.PI / 2);
  const coefficients = ARCTANGENT.map((value) => double(code, value));
  return (y, x) => {
    const small = code.let(f64x2.pmin(y, x));
    const large = code.let(f64x2.pmax(y, x));
    // Angles near π / 4 are reduced by it: atan(s / l) = π / 4 + atan((s - l) / (s + l)).
    const limit = f64x2.pmin(f64x2.mul(large, tangentOfEighth), huge);
    const isTurned = code.let(f64x2.gt(small, limit));
    const difference = v128.andnot(f64x2.sub(small, large), f64x2.eq(small, large));
    const dividend = i64x2.relaxedLaneselect(difference, small, isTurned);
    const divisor = i64x2.relaxedLaneselect(f64x2.add(small, large), large, isTurned);
    const t = code.let(f64x2.div(dividend, f64x2.pmax(divisor, tiny)));
    const square = code.let(f64x2.mul(t, t));
    const cubic = f64x2.mul(square, t);
    const part = f64x2.relaxedMadd(polynomial(coefficients, square), cubic, t);
    const angle = code.let(f64x2.add(part, v128.and(eighth, isTurned)));
    return i64x2.relaxedLaneselect(f64x2.sub(quarter, angle), angle, f64x2.gt(y, x));
  };
}

/** Inverse tangent. */
function atan(code: Code): (x: Vector) => Vector {
  const signBit = bits(code, SIGN_BIT);
  const one = double(code, 1);
  const arctangent = prepareArctangent(code);
  // The order preserves NaN.
  const compute = inDoubles(code, (size) => arctangent(size, one));
  return (x) => v128.or(compute(code.let(f32x4.abs(x))), v128.and(x, signBit));
}

/** The angle of the point (x, y). */
function atan2(code: Code): (y: Vector, x: Vector) => Vector {
  const signBit = bits(code, SIGN_BIT);
  const half = double(code, Math.PI);
  const zero = code.let(i64x2.const(0));
  const arctangent = prepareArctangent(code);
  const compute = inDoubles(code, (y, x) => {
    const angle = code.let(arctangent(y, code.let(f64x2.abs(x))));
    // As an integer a negative zero is negative.
    return i64x2.relaxedLaneselect(f64x2.sub(half, angle), angle, i64x2.ltS(x, zero));
  });
  return (y, x) => {
    const value = v128.or(compute(code.let(f32x4.abs(y)), x), v128.and(y, signBit));
    // A value with all bits set is NaN.
    return v128.or(value, v128.or(f32x4.ne(x, x), f32x4.ne(y, y)));
  };
}

/** Inverse trigonometric functions, by the name of their primitive. Errors are at most 0.501 ulp. */
export const inverseTrigonometricOperations: Readonly<Record<string, Operation>> = {
  asin,
  acos,
  atan,
  atan2,
};
