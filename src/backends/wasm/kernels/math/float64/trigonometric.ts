/**
 * Sine, cosine and tangent of doubles: the argument reduced modulo π/2, then polynomials on
 * `|r| <= π/4`, with `r` in two parts so that its rounding error does not matter.
 *
 * @module
 */
import type { Code } from "../../../assembler/code.ts";
import { f64x2, i32, i64x2, v128 } from "../../../assembler/operations.ts";
import { farQuarters } from "./quarters.ts";
import {
  choose,
  constant,
  exactDifference,
  keep,
  type Kept,
  lowestBitMask,
  type Pair,
  polynomial,
  ROUNDER,
  unary,
  whereAny,
} from "./vectors.ts";
import type { Operation, Vector } from "../operation.ts";

/**
 * π/2 in four parts, all but the last of 33 bits: their products with whole numbers of 20 bits are
 * exact (W. J. Cody and W. Waite, "Software manual for the elementary functions", 1980).
 */
const QUARTER = [
  1.5707963267341256,
  6.077100506303966e-11,
  2.0222662487111665e-21,
  8.4784276603689e-32,
];

/** From here on multiples of π/2 do not have 20 bits. */
const FAR = 2 ** 20;

/** From here on the multiples of π/2 need more than 20 bits. */
const TINY = 2 ** -27;

/**
 * `(sin x - x) / x³` and `(cos x - 1 + x²/2) / x⁴` in `x²`, for `|x| <= π/4`, lowest power first:
 * interpolated at Chebyshev nodes by `tests/fixtures/float64_math.py`; relative error of the sine
 * 2^-55.6, of the cosine 2^-59.
 */
const SINE: readonly number[] = [
  -0.16666666666666666,
  0.008333333333330948,
  -0.00019841269836756774,
  2.7557316101617874e-06,
  -2.505113165023518e-08,
  1.5918115263265974e-10,
];
const COSINE: readonly number[] = [
  0.041666666666666664,
  -0.0013888888888887398,
  2.480158729876456e-05,
  -2.7557317271145144e-07,
  2.087614614655861e-09,
  -1.1382623647474604e-11,
];

/** An angle reduced modulo π/2. */
interface Reduced {
  /** The rest, at most a little more than π/4. */
  readonly rest: Pair;
  /** The number of multiples; its lowest two bits, at the end of each lane, are correct. */
  readonly quarters: Kept;
}

/** Reduces angles modulo π/2; NaN and the infinities give NaN. */
function reduction(code: Code): (x: Kept) => Reduced {
  const perQuarter = constant(code, 2 / Math.PI);
  const [rounder, far] = [ROUNDER, FAR].map((value) => constant(code, value));
  const parts = QUARTER.map((part) => constant(code, part));
  return (x) => {
    const quarters = code.let(f64x2.add(f64x2.mul(x, perQuarter), rounder));
    const n = code.let(f64x2.sub(quarters, rounder));
    const rough = f64x2.sub(x, f64x2.mul(n, parts[0]));
    const second = exactDifference(code, rough, f64x2.mul(n, parts[1]));
    const third = exactDifference(code, second.high, f64x2.mul(n, parts[2]));
    const lost = f64x2.add(second.low, third.low);
    const small = code.let(f64x2.sub(lost, f64x2.mul(n, parts[3])));
    const high = code.let(f64x2.add(third.high, small));
    const low = code.let(f64x2.add(f64x2.sub(third.high, high), small));
    const isFar = code.let(f64x2.ge(f64x2.abs(x), far));
    whereAny(code, isFar, () => {
      const reduced = farQuarters(code, x);
      code.set(quarters, choose(isFar, reduced.quarters, quarters));
      code.set(high, choose(isFar, reduced.rest.high, high));
      code.set(low, choose(isFar, reduced.rest.low, low));
    });
    return { rest: { high, low }, quarters };
  };
}

/** Two functions of one angle. */
export interface SineAndCosine {
  /** The sine. */
  readonly sine: Kept;
  /** The cosine. */
  readonly cosine: Kept;
}

/** Sine and cosine of a small angle in two parts; each as K. C. Ng arranged it in FDLIBM (1993). */
export function smallAngle(code: Code): (angle: Pair) => SineAndCosine {
  const [half, one] = [0.5, 1].map((value) => constant(code, value));
  const sineCurve = polynomial(code, SINE);
  const cosineCurve = polynomial(code, COSINE);
  return ({ high, low }) => {
    const square = code.let(f64x2.mul(high, high));
    const halfSquare = code.let(f64x2.mul(half, square));
    // sin(x + y) = sin x + y cos x, cos(x + y) = cos x - y sin x, where one or two terms are
    // sufficient.
    const bend = f64x2.mul(f64x2.mul(high, square), sineCurve(square));
    const shift = f64x2.sub(low, f64x2.mul(low, halfSquare));
    const sine = f64x2.add(high, f64x2.add(bend, shift));
    const top = code.let(f64x2.sub(one, halfSquare));
    const lost = f64x2.sub(f64x2.sub(one, top), halfSquare);
    const fourth = f64x2.mul(f64x2.mul(square, square), cosineCurve(square));
    const rest = f64x2.add(lost, f64x2.sub(fourth, f64x2.mul(high, low)));
    return { sine: code.let(sine), cosine: code.let(f64x2.add(top, rest)) };
  };
}

/** Bit 1 moved to the sign. */
function secondBit(x: Vector): Vector {
  return i64x2.shl(i64x2.shrU(x, i32.const(1)), i32.const(63));
}

/** `x` itself if it is so small that it equals the function up to rounding, with its sign. */
function tinyItself(code: Code): (x: Kept, result: Vector) => Vector {
  const tiny = constant(code, TINY);
  return (x, result) => choose(f64x2.lt(f64x2.abs(x), tiny), x, result);
}

function sine(code: Code): (x: Vector) => Vector {
  const reduce = reduction(code);
  const of = smallAngle(code);
  const orItself = tinyItself(code);
  return (x) => {
    const angle = keep(code, x);
    const { rest, quarters } = reduce(angle);
    const { sine, cosine } = of(rest);
    const size = choose(lowestBitMask(quarters), cosine, sine);
    return orItself(angle, v128.xor(size, secondBit(quarters)));
  };
}

function cosine(code: Code): (x: Vector) => Vector {
  const reduce = reduction(code);
  const of = smallAngle(code);
  return (x) => {
    const { rest, quarters } = reduce(keep(code, x));
    const { sine, cosine } = of(rest);
    const size = choose(lowestBitMask(quarters), sine, cosine);
    return v128.xor(size, secondBit(i64x2.add(quarters, i64x2.const(1))));
  };
}

function tangent(code: Code): (x: Vector) => Vector {
  const reduce = reduction(code);
  const of = smallAngle(code);
  const orItself = tinyItself(code);
  return (x) => {
    const angle = keep(code, x);
    const { rest, quarters } = reduce(angle);
    const { sine, cosine } = of(rest);
    const odd = code.let(lowestBitMask(quarters));
    const over = choose(odd, f64x2.neg(cosine), sine);
    return orItself(angle, f64x2.div(over, choose(odd, sine, cosine)));
  };
}

/** The trigonometric functions, by the names of their primitives. */
export const trigonometricOperations: Readonly<Record<string, Operation>> = {
  sin: unary(sine),
  cos: unary(cosine),
  tan: unary(tangent),
};
