/**
 * Inverse trigonometric functions of doubles: polynomials near zero, and the addition theorems
 * elsewhere.
 *
 * @module
 */
import type { Code } from "../../../assembler/code.ts";
import { f64x2, i64x2, v128 } from "../../../assembler/operations.ts";
import { QUARTER_HIGH, QUARTER_LOW } from "./quarters.ts";
import {
  choose,
  constant,
  keep,
  type Kept,
  polynomial,
  signOf,
  unary,
  UPPER_WORD,
  withSign,
} from "./vectors.ts";
import type { Operation, Vector } from "../operation.ts";

/**
 * `(asin x - x) / x³` in `x²`, for `|x| <= ½`, and `(atan x - x) / x³`, for `|x| <= tan π/8`, lowest
 * power first: interpolated at Chebyshev nodes by `tests/fixtures/float64_math.py`; relative errors
 * of the functions 2^-57.
 */
const ARCSINE: readonly number[] = [
  0.16666666666666669,
  0.07499999999998433,
  0.04464285714635543,
  0.030381944138531247,
  0.02237217294214989,
  0.017352392720869973,
  0.013971212973552933,
  0.011479177415184906,
  0.01032281435018578,
  0.005457506718640358,
  0.01740087944269402,
  -0.014851887071247204,
  0.028757851367421566,
];
const ARCTANGENT: readonly number[] = [
  -0.3333333333333333,
  0.19999999999995516,
  -0.14285714284665682,
  0.11111111015187018,
  -0.0909090457530649,
  0.07692183125376892,
  -0.06664510525508936,
  0.05858140904866328,
  -0.050854078345894844,
  0.03923044778479309,
  -0.019175404711104935,
];

/** Intermediate values of the inverse sine and the inverse cosine. */
interface Arc {
  /** The argument's magnitude. */
  readonly size: Kept;
  /** Whether it is below ½. */
  readonly isSmall: Kept;
  /** The magnitude itself below ½, otherwise `√((1 - size) / 2)`, rounded to few bits. */
  readonly root: Kept;
  /** The inverse sine of the unrounded root, minus `root`. */
  readonly rest: Kept;
}

/**
 * The inverse sine of the reduced argument, which is at most ½. Above ½, the inverse cosine of the
 * magnitude is twice the inverse sine of `√((1 - size) / 2)`.
 */
function arc(code: Code): (x: Vector) => Arc {
  const [half, one] = [0.5, 1].map((value) => constant(code, value));
  const curve = polynomial(code, ARCSINE);
  const upper = code.let(UPPER_WORD);
  return (x) => {
    const size = code.let(f64x2.abs(x));
    const isSmall = code.let(f64x2.lt(size, half));
    const halfAway = f64x2.mul(half, f64x2.sub(one, size));
    const square = code.let(choose(isSmall, f64x2.mul(size, size), halfAway));
    const full = code.let(choose(isSmall, size, f64x2.sqrt(square)));
    const root = code.let(choose(isSmall, full, v128.and(full, upper)));
    // The rounding error of the root: (square - root²) / (√square + root), which is 0 / 0 at an
    // end.
    const lack = f64x2.div(f64x2.sub(square, f64x2.mul(root, root)), f64x2.add(full, root));
    const isExact = v128.or(isSmall, f64x2.eq(square, f64x2.const(0)));
    const correction = v128.andnot(lack, isExact);
    const bend = f64x2.mul(full, f64x2.mul(square, curve(square)));
    return { size, isSmall, root, rest: code.let(f64x2.add(correction, bend)) };
  };
}

function inverseSine(code: Code): (x: Vector) => Vector {
  const arcOf = arc(code);
  const [eighth, low] = [QUARTER_HIGH / 2, QUARTER_LOW].map((value) => constant(code, value));
  return (x) => {
    const argument = keep(code, x);
    const { isSmall, root, rest } = arcOf(argument);
    const small = f64x2.add(root, rest);
    // π/2 in halves: the first difference is small, with a small rounding error.
    const twice = f64x2.add(rest, rest);
    const upper = f64x2.sub(eighth, f64x2.add(root, root));
    const large = f64x2.add(eighth, f64x2.sub(upper, f64x2.sub(twice, low)));
    return withSign(f64x2.abs(choose(isSmall, small, large)), argument);
  };
}

function inverseCosine(code: Code): (x: Vector) => Vector {
  const arcOf = arc(code);
  const [quarter, low] = [QUARTER_HIGH, QUARTER_LOW].map((value) => constant(code, value));
  const zero = constant(code, 0);
  return (x) => {
    const argument = keep(code, x);
    const { isSmall, root, rest } = arcOf(argument);
    const isNegative = code.let(f64x2.lt(argument, zero));
    const sign = signOf(argument);
    // π/2 - asin x.
    const signedRest = v128.xor(rest, sign);
    const near = f64x2.sub(
      quarter,
      f64x2.sub(argument, f64x2.sub(low, signedRest)),
    );
    // 2 asin √((1 - x) / 2), and π minus that of -x.
    const half = code.let(f64x2.add(root, rest));
    const above = f64x2.add(half, half);
    const left = f64x2.sub(quarter, f64x2.add(root, f64x2.sub(rest, low)));
    const below = f64x2.mul(f64x2.const(2), left);
    return choose(isSmall, near, choose(isNegative, below, above));
  };
}

/** Above `tan π/8` and above `tan 3π/8`, angles are computed relative to π/4 and to π/2. */
const MIDDLE = Math.SQRT2 - 1;
const UPPER = Math.SQRT2 + 1;

/** The angle whose tangent is a given magnitude: without sign, NaN for NaN. */
function angleOfSize(code: Code): (size: Kept) => Kept {
  const [one, middle, upper] = [1, MIDDLE, UPPER].map((value) => constant(code, value));
  const [quarter, low] = [QUARTER_HIGH, QUARTER_LOW].map((value) => constant(code, value));
  const half = constant(code, 0.5);
  const curve = polynomial(code, ARCTANGENT);
  return (size) => {
    const isMiddle = code.let(f64x2.gt(size, middle));
    const isUpper = code.let(f64x2.gt(size, upper));
    // tan (α - π/4) = (t - 1) / (t + 1), tan (α - π/2) = -1 / t.
    const over = choose(isUpper, f64x2.neg(one), f64x2.sub(size, one));
    const under = choose(isUpper, size, f64x2.add(size, one));
    const turned = f64x2.div(over, under);
    const tangent = code.let(choose(isMiddle, turned, size));
    const square = code.let(f64x2.mul(tangent, tangent));
    const bend = f64x2.mul(f64x2.mul(tangent, square), curve(square));
    const share = code.let(v128.and(isMiddle, choose(isUpper, f64x2.const(1), half)));
    const rest = f64x2.add(bend, f64x2.mul(share, low));
    return code.let(f64x2.add(f64x2.mul(share, quarter), f64x2.add(tangent, rest)));
  };
}

function inverseTangent(code: Code): (x: Vector) => Vector {
  const angle = angleOfSize(code);
  return (x) => {
    const argument = keep(code, x);
    return withSign(angle(code.let(f64x2.abs(argument))), argument);
  };
}

/** The angle of the point (x, y), with the sign of `y`; `x` may be a negative zero. */
const atan2: Operation = (code) => {
  const angle = angleOfSize(code);
  const [zero, one, infinity] = [0, 1, Infinity].map((value) => constant(code, value));
  const [half, low] = [2 * QUARTER_HIGH, 2 * QUARTER_LOW].map((value) => constant(code, value));
  return (y, x) => {
    const [up, right] = [keep(code, y), keep(code, x)];
    const [height, width] = [up, right].map((value) => code.let(f64x2.abs(value)));
    // Both zero give an angle of 0, both infinite one of π/4.
    const atOrigin = v128.and(f64x2.eq(height, zero), f64x2.eq(width, zero));
    const atInfinity = v128.and(f64x2.eq(height, infinity), f64x2.eq(width, infinity));
    const quotient = f64x2.div(height, width);
    const tangent = choose(atOrigin, zero, choose(atInfinity, one, quotient));
    const size = angle(code.let(tangent));
    const isLeft = i64x2.ltS(right, f64x2.const(0));
    const turned = f64x2.sub(half, f64x2.sub(size, low));
    return withSign(choose(isLeft, turned, size), up);
  };
};

/** The inverse trigonometric functions, by the names of their primitives. */
export const inverseTrigonometricOperations: Readonly<Record<string, Operation>> = {
  asin: unary(inverseSine),
  acos: unary(inverseCosine),
  atan: unary(inverseTangent),
  atan2,
};
