/**
 * Building blocks of operations on vectors of two doubles.
 *
 * Neither these nor those operations use a relaxed multiply-add, so the results have the same bits
 * on every machine.
 *
 * @module
 */
import type { Rational } from "../../../../../numeric/special.ts";
import type { Code } from "../../../assembler/code.ts";
import { Local } from "../../../assembler/expression.ts";
import { f64x2, i32, i64x2, v128 } from "../../../assembler/operations.ts";
import type { Operation, Vector } from "../operation.ts";

/** A function of one vector, made for one function of the module. */
export type Unary = (x: Vector) => Vector;

/** A vector that can be used more than once without being computed more than once. */
export type Kept = Local<"v128">;

/** Two doubles for each lane that represent their sum; the second is small compared with the first. */
export interface Pair {
  /** The sum, rounded. */
  readonly high: Kept;
  /** The rounding error of the sum, or nearly so. */
  readonly low: Kept;
}

/** `value` computed once. */
export function keep(code: Code, value: Vector): Kept {
  return value instanceof Local ? value : code.let(value);
}

/** The same double in both lanes, computed once. */
export function constant(code: Code, value: number): Kept {
  return code.let(f64x2.const(value));
}

/** Lanes of `x` where the mask is all ones, of `y` where it is zero; masks have no other values. */
export function choose(mask: Vector, x: Vector, y: Vector): Vector {
  return i64x2.relaxedLaneselect(x, y, mask);
}

/** The sign bit of each lane. */
export const SIGN_BIT: Vector = i64x2.const(1n << 63n);

/** The upper 32 bits of each lane, which contain 21 bits of the fraction. */
export const UPPER_WORD: Vector = i64x2.const(-1n << 32n);

/** The sign bits of `x`, all other bits zero. */
export function signOf(x: Vector): Vector {
  return v128.and(x, SIGN_BIT);
}

/** `size`, which is not negative, with the sign of `x`. */
export function withSign(size: Vector, x: Vector): Vector {
  return v128.or(size, signOf(x));
}

/** Coefficients of a polynomial put into locals, for Horner's rule; lowest power first. */
function horner(code: Code, coefficients: readonly number[]): (x: Kept) => Vector {
  const kept = coefficients.map((value) => constant(code, value)).toReversed();
  return (x) =>
    kept.slice(1).reduce<Vector>(
      (sum, coefficient) => f64x2.add(f64x2.mul(sum, x), coefficient),
      kept[0],
    );
}

/**
 * Coefficients of a polynomial put into locals; lowest power first. Pairs of terms are joined, then
 * pairs of these, and so on (G. Estrin, 1960): most of the operations are independent.
 */
export function polynomial(code: Code, coefficients: readonly number[]): Unary {
  const kept = coefficients.map((value) => constant(code, value));
  return (x) => {
    let power = keep(code, x);
    let terms: readonly Vector[] = kept;
    for (;;) {
      const joined: Vector[] = [];
      for (let i = 0; i < terms.length; i += 2) {
        const [low, high] = [terms[i], terms[i + 1]];
        joined.push(high === undefined ? low : f64x2.add(low, f64x2.mul(high, power)));
      }
      if (joined.length === 1) return joined[0];
      terms = joined;
      power = code.let(f64x2.mul(power, power));
    }
  };
}

/** A quotient of polynomials, its coefficients put into locals. */
export function rational(
  code: Code,
  { numerator, denominator }: Rational,
): Unary {
  const over = horner(code, numerator);
  const under = horner(code, denominator);
  return (x) => {
    const variable = keep(code, x);
    return f64x2.div(over(variable), under(variable));
  };
}

/** Runs code only if the mask is set in some lane. */
export function whereAny(code: Code, mask: Vector, body: () => void): void {
  code.if(v128.anyTrue(mask), body);
}

/** If the mask is set in some lane, computes `value` and stores it in those lanes of `target`. */
export function setWhere(code: Code, target: Kept, mask: Kept, value: () => Vector): void {
  whereAny(code, mask, () => code.set(target, choose(mask, value(), target)));
}

/** A loop that continues while the mask that `body` leaves is set in some lane. */
export function repeatWhileAny(code: Code, body: () => Vector): void {
  code.loop((again) => code.branchIf(again, v128.anyTrue(body())));
}

/** `x + y` exactly, for `|x| >= |y|` (T. J. Dekker, 1971). */
export function quickSum(code: Code, x: Vector, y: Vector): Pair {
  const [a, b] = [keep(code, x), keep(code, y)];
  const high = code.let(f64x2.add(a, b));
  return { high, low: code.let(f64x2.sub(b, f64x2.sub(high, a))) };
}

/** `x + y` exactly (D. E. Knuth, "Seminumerical Algorithms", 4.2.2). */
export function exactSum(code: Code, x: Vector, y: Vector): Pair {
  const [a, b] = [keep(code, x), keep(code, y)];
  const high = code.let(f64x2.add(a, b));
  const fromY = code.let(f64x2.sub(high, a));
  const lostOfX = f64x2.sub(a, f64x2.sub(high, fromY));
  return { high, low: code.let(f64x2.add(lostOfX, f64x2.sub(b, fromY))) };
}

/** `x - y` exactly. */
export function exactDifference(code: Code, x: Vector, y: Vector): Pair {
  return exactSum(code, x, f64x2.neg(y));
}

/** The upper 26 bits of `x`, and the other 27. */
export function halves(code: Code, x: Vector): Pair {
  const whole = keep(code, x);
  const high = code.let(v128.and(whole, UPPER_HALF));
  return { high, low: code.let(f64x2.sub(whole, high)) };
}

const UPPER_HALF = i64x2.const(-1n << 27n);

/** 2^27 + 1 */
const SPLITTER = f64x2.const(134217729);

/** `x` as the sum of two doubles of 26 bits each, by rounding; it overflows from 2^996 on. */
function split(code: Code, x: Kept): Pair {
  const scaled = code.let(f64x2.mul(x, SPLITTER));
  const high = code.let(f64x2.sub(scaled, f64x2.sub(scaled, x)));
  return { high, low: code.let(f64x2.sub(x, high)) };
}

/** `x y` exactly, for factors below 2^996 and products that do not underflow (T. J. Dekker, 1971). */
export function exactProduct(code: Code, x: Vector, y: Vector): Pair {
  const [a, b] = [keep(code, x), keep(code, y)];
  const high = code.let(f64x2.mul(a, b));
  const [p, q] = [split(code, a), split(code, b)];
  const upper = f64x2.sub(f64x2.mul(p.high, q.high), high);
  const middle = f64x2.add(upper, f64x2.mul(p.high, q.low));
  const lower = f64x2.add(middle, f64x2.mul(p.low, q.high));
  return { high, low: code.let(f64x2.add(lower, f64x2.mul(p.low, q.low))) };
}

/** Adding and subtracting it rounds to whole numbers, which the lowest bits then contain. */
export const ROUNDER = 1.5 * 2 ** 52;

/** The power of two whose exponent is, as an integer, in the low half of each lane. */
export function powerOfTwo(exponent: Vector): Vector {
  return i64x2.add(i64x2.shl(exponent, i32.const(52)), f64x2.const(1));
}

/** All ones where the lowest bit of a 64-bit lane is one. */
export function lowestBitMask(x: Vector): Vector {
  return i64x2.ne(v128.and(x, i64x2.const(1)), i64x2.const(0));
}

/** An operation of one vector, from a function that creates it within a function. */
export function unary(make: (code: Code) => Unary): Operation {
  return (code) => {
    const map = make(code);
    return (x) => map(x);
  };
}
