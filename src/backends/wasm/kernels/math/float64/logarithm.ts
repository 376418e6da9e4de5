/**
 * Logarithms of doubles: `x = 2^k (1 + f)` with `1 + f` between `√½` and `√2`, and
 * `log (1 + f) = f - f²/2 + s (f²/2 + R(s²))` with `s = f / (2 + f)`, the arrangement of K. C. Ng's
 * log in the FDLIBM library (Sun Microsystems, 1993), whose error stays under one unit.
 *
 * @module
 */
import type { Code } from "../../../assembler/code.ts";
import { f64x2, i32, i64x2, v128 } from "../../../assembler/operations.ts";
import { exponential, LN2_HIGH, LN2_LOW } from "./exponential.ts";
import {
  choose,
  constant,
  exactSum,
  keep,
  type Kept,
  polynomial,
  unary,
  UPPER_WORD,
} from "./vectors.ts";
import type { Operation, Vector } from "../operation.ts";

/**
 * `(log((1 + s) / (1 - s)) - 2s) / s³` in `s²`, for `|s| <= (√2 - 1) / (√2 + 1)`, lowest power
 * first: interpolated at Chebyshev nodes by `tests/fixtures/float64_math.py`; relative error of the
 * logarithm 2^-57.
 */
const COEFFICIENTS: readonly number[] = [
  0.666666666666667,
  0.39999999999899444,
  0.2857142862600327,
  0.22222211130259878,
  0.18182889455674947,
  0.15331710618210773,
  0.14616585424888623,
];

const SMALLEST_NORMAL = 2 ** -1022;

/** Makes the smallest doubles normal. */
const LIFT = 54;

/** The bits of √½, rounded down, and of the exponent of 1. */
const ROOT_HALF = 0x3fe6a09e00000000n;
const ONE = 0x3ff0000000000000n;

/** A positive number split into two factors. */
export interface Parts {
  /** The power of two. */
  readonly exponent: Kept;
  /** The factor, from √½ to √2. */
  readonly factor: Kept;
}

/** Splits positive finite numbers; the result is meaningless for others. */
export function takingApart(code: Code): (x: Vector) => Parts {
  const smallest = constant(code, SMALLEST_NORMAL);
  const lift = constant(code, 2 ** LIFT);
  const [bias, liftedBias] = [0, LIFT].map((by) => constant(code, 2 ** 52 + 1023 + by));
  const toBiased = code.let(i64x2.const(ONE - ROOT_HALF));
  const one = code.let(i64x2.const(ONE));
  const integers = constant(code, 2 ** 52);
  return (x) => {
    const value = keep(code, x);
    const tiny = code.let(f64x2.lt(value, smallest));
    const lifted = code.let(choose(tiny, f64x2.mul(value, lift), value));
    const biased = code.let(i64x2.shrU(i64x2.add(lifted, toBiased), i32.const(52)));
    const factor = i64x2.add(i64x2.sub(lifted, i64x2.shl(biased, i32.const(52))), one);
    // A whole number in the lowest bits of 2^52 is added to it.
    const exponent = f64x2.sub(v128.or(biased, integers), choose(tiny, liftedBias, bias));
    return { exponent: code.let(exponent), factor: code.let(factor) };
  };
}

/** The terms of `log (1 + f)`, which is `f - (square - bent)`. */
interface Terms {
  /** `f² / 2` */
  readonly square: Kept;
  /** `s (f² / 2 + R)` */
  readonly bent: Kept;
}

function logarithmTerms(code: Code): (f: Kept) => Terms {
  const [half, two] = [0.5, 2].map((value) => constant(code, value));
  const curve = polynomial(code, COEFFICIENTS);
  return (f) => {
    const square = code.let(f64x2.mul(f64x2.mul(half, f), f));
    const s = code.let(f64x2.div(f, f64x2.add(two, f)));
    const z = code.let(f64x2.mul(s, s));
    const bent = f64x2.mul(s, f64x2.add(square, f64x2.mul(z, curve(z))));
    return { square, bent: code.let(bent) };
  };
}

/** `k ln 2 + log (1 + f) + rest`, smallest terms first. */
function joining(code: Code): (k: Kept, f: Kept, terms: Terms, rest?: Vector) => Vector {
  const [ln2High, ln2Low] = [LN2_HIGH, LN2_LOW].map((value) => constant(code, value));
  return (k, f, { square, bent }, rest) => {
    const low = f64x2.mul(k, ln2Low);
    const small = f64x2.add(bent, rest === undefined ? low : f64x2.add(low, rest));
    return f64x2.sub(f64x2.mul(k, ln2High), f64x2.sub(f64x2.sub(square, small), f));
  };
}

/**
 * The values of logarithms at the ends of their domain: -Infinity at `pole`, NaN below it and for
 * NaN, `x` itself at infinity.
 */
function atEnds(code: Code, pole: number): (x: Kept, inside: Vector, result: Vector) => Vector {
  const [end, notNumber, lowest] = [pole, NaN, -Infinity].map((value) => constant(code, value));
  return (x, inside, result) => {
    const above = choose(f64x2.gt(x, end), x, notNumber);
    return choose(inside, result, choose(f64x2.eq(x, end), lowest, above));
  };
}

/** `log x`. */
export function logarithm(code: Code): (x: Vector) => Vector {
  const takeApart = takingApart(code);
  const terms = logarithmTerms(code);
  const join = joining(code);
  const orEnd = atEnds(code, 0);
  const [zero, one, infinity] = [0, 1, Infinity].map((value) => constant(code, value));
  return (x) => {
    const value = keep(code, x);
    const inside = code.let(v128.and(f64x2.gt(value, zero), f64x2.lt(value, infinity)));
    const { exponent, factor } = takeApart(value);
    const f = code.let(f64x2.sub(factor, one));
    return orEnd(value, inside, join(exponent, f, terms(f)));
  };
}

/** `log (1 + x)`: the rounding error of `1 + x`, divided by the sum, is added to its logarithm. */
export function logarithmOfOnePlus(code: Code): (x: Vector) => Vector {
  const takeApart = takingApart(code);
  const terms = logarithmTerms(code);
  const join = joining(code);
  const orEnd = atEnds(code, -1);
  const [zero, minusOne, one] = [0, -1, 1].map((value) => constant(code, value));
  const infinity = constant(code, Infinity);
  return (x) => {
    const value = keep(code, x);
    const within = v128.and(f64x2.gt(value, minusOne), f64x2.lt(value, infinity));
    // A zero is returned unchanged, with its sign.
    const inside = code.let(v128.and(within, f64x2.ne(value, zero)));
    const sum = exactSum(code, one, value);
    const { exponent, factor } = takeApart(sum.high);
    const f = code.let(f64x2.sub(factor, one));
    const rest = f64x2.div(sum.low, sum.high);
    return orEnd(value, inside, join(exponent, f, terms(f), rest));
  };
}

/** 1 / ln 2 in two parts, the first of 21 bits. */
const PER_LN2_HIGH = 1.4426946640014648;
const PER_LN2_LOW = 3.768874985636099e-07;

/** 1 / ln 10 in two parts, the first of 21 bits, and log10 2, the first part of 42 bits. */
const PER_LN10_HIGH = 0.4342944622039795;
const PER_LN10_LOW = 1.9699272335463627e-8;
const LOG10_2_HIGH = 0.30102999566395283;
const LOG10_2_LOW = 2.8363394551044964e-14;

/** A base: 1 over its natural logarithm, and the logarithm of 2 to it, in two parts each. */
interface Base {
  readonly perLn: readonly [high: number, low: number];
  /** Omitted for base 2. */
  readonly ofTwo?: readonly [high: number, low: number];
}

/**
 * `log x` to a base, the product with the reciprocal of the base's logarithm in two parts: exact
 * for powers of two to base 2.
 */
function logarithmTo({ perLn, ofTwo }: Base): (code: Code) => (x: Vector) => Vector {
  return (code) => {
    const takeApart = takingApart(code);
    const terms = logarithmTerms(code);
    const orEnd = atEnds(code, 0);
    const [zero, one, infinity] = [0, 1, Infinity].map((value) => constant(code, value));
    const [perLnHigh, perLnLow] = perLn.map((x) => constant(code, x));
    const two = ofTwo?.map((x) => constant(code, x));
    const upper = code.let(UPPER_WORD);
    return (x) => {
      const value = keep(code, x);
      const inside = code.let(v128.and(f64x2.gt(value, zero), f64x2.lt(value, infinity)));
      const { exponent, factor } = takeApart(value);
      const f = code.let(f64x2.sub(factor, one));
      const { square, bent } = terms(f);
      const high = code.let(v128.and(f64x2.sub(f, square), upper));
      const low = code.let(f64x2.add(f64x2.sub(f64x2.sub(f, high), square), bent));
      const product = code.let(f64x2.mul(high, perLnHigh));
      const rest = f64x2.add(
        f64x2.mul(f64x2.add(low, high), perLnLow),
        f64x2.mul(low, perLnHigh),
      );
      const whole = two === undefined ? exponent : code.let(f64x2.mul(exponent, two[0]));
      const small = two === undefined ? rest : f64x2.add(f64x2.mul(exponent, two[1]), rest);
      const sum = code.let(f64x2.add(whole, product));
      const lost = f64x2.add(f64x2.sub(whole, sum), product);
      return orEnd(value, inside, f64x2.add(sum, f64x2.add(lost, small)));
    };
  };
}

/** `log (e^x + e^y)` as the larger one plus `log (1 + e^-|x - y|)`. */
const logaddexp: Operation = (code) => {
  const power = exponential(code);
  const logOnePlus = logarithmOfOnePlus(code);
  const ln2 = constant(code, Math.LN2);
  return (x, y) => {
    const [a, b] = [keep(code, x), keep(code, y)];
    const difference = code.let(f64x2.abs(f64x2.sub(a, b)));
    const larger = choose(f64x2.gt(a, b), a, b);
    const more = code.let(logOnePlus(power(f64x2.neg(difference))));
    // The difference of equal infinities is undefined.
    return f64x2.add(larger, choose(f64x2.eq(a, b), ln2, more));
  };
};

/** The logarithms, by the names of their primitives. */
export const logarithmOperations: Readonly<Record<string, Operation>> = {
  log: unary(logarithm),
  log1p: unary(logarithmOfOnePlus),
  log2: unary(logarithmTo({ perLn: [PER_LN2_HIGH, PER_LN2_LOW] })),
  log10: unary(
    logarithmTo({
      perLn: [PER_LN10_HIGH, PER_LN10_LOW],
      ofTwo: [LOG10_2_HIGH, LOG10_2_LOW],
    }),
  ),
  logaddexp,
};
