/**
 * The logarithm of the gamma function of doubles: the approximations of `numeric/special.ts`, each
 * range is computed only if some lane is in it.
 *
 * @module
 */
import * as special from "../../../../../numeric/special.ts";
import type { Code } from "../../../assembler/code.ts";
import { f64x2, v128 } from "../../../assembler/operations.ts";
import { logarithm } from "./logarithm.ts";
import { smallAngle } from "./trigonometric.ts";
import {
  choose,
  constant,
  keep,
  type Kept,
  polynomial,
  rational,
  setWhere,
  type Unary,
  unary,
  whereAny,
} from "./vectors.ts";
import type { Operation, Vector } from "../operation.ts";

/** The sine and cosine of an angle `πt`, `0 <= t <= 1/2`, reduced to an angle of at most π/4. */
export interface FoldedAngle {
  /** Whether that angle is `πt`; it is `π (1/2 - t)` otherwise. */
  readonly isSame: Kept;
  /** Its sine. */
  readonly sine: Kept;
  /** Its cosine. */
  readonly cosine: Kept;
}

/** Folds angles `πt`, for `0 <= t <= 1/2`. */
export function foldedAngle(code: Code): (t: Kept) => FoldedAngle {
  const functions = smallAngle(code);
  const [zero, quarter, half] = [0, 0.25, 0.5].map((value) => constant(code, value));
  const pi = constant(code, Math.PI);
  return (t) => {
    const isSame = code.let(f64x2.le(t, quarter));
    const turn = choose(isSame, t, f64x2.sub(half, t));
    const high = code.let(f64x2.mul(pi, turn));
    return { isSame, ...functions({ high, low: zero }) };
  };
}

/** `log Γ(x)` for `x >= 8`, by Stirling's series. */
function farLogGamma(code: Code, log: Unary): (x: Kept) => Vector {
  const series = polynomial(code, special.STIRLING);
  const [half, one] = [0.5, 1].map((value) => constant(code, value));
  const rest = constant(code, special.STIRLING_CONSTANT);
  return (x) => {
    const inverse = code.let(f64x2.div(one, x));
    const small = f64x2.mul(series(f64x2.mul(inverse, inverse)), inverse);
    const large = f64x2.mul(f64x2.sub(x, half), f64x2.sub(log(x), one));
    return f64x2.add(large, f64x2.add(rest, small));
  };
}

/** `log Γ(x)` for `x >= 3/2`; 0 below it. */
function logGammaAbove(code: Code, log: Unary): (x: Kept) => Kept {
  const high = rational(code, special.LGAMMA_HIGH);
  const direct = rational(code, special.LGAMMA_DIRECT);
  const far = farLogGamma(code, log);
  const [low, one, two, four, eight] = [1.5, 1, 2, 4, 8].map((value) => constant(code, value));
  return (x) => {
    const value = code.let(f64x2.const(0));
    const isAbove = (end: Kept) => f64x2.ge(x, end);
    const isHigh = code.let(v128.andnot(isAbove(low), isAbove(four)));
    const isDirect = code.let(v128.andnot(isAbove(four), isAbove(eight)));
    setWhere(code, value, isHigh, () => {
      const zeros = f64x2.mul(f64x2.sub(x, one), f64x2.sub(x, two));
      return f64x2.mul(zeros, high(f64x2.sub(x, low)));
    });
    setWhere(code, value, isDirect, () => direct(f64x2.sub(x, four)));
    setWhere(code, value, code.let(isAbove(eight)), () => far(x));
    return value;
  };
}

/** `log |Γ(x)|`. */
function logGamma(code: Code): (x: Vector) => Vector {
  const log = logarithm(code);
  const lower = rational(code, special.LGAMMA_LOW);
  const above = logGammaAbove(code, log);
  const angle = foldedAngle(code);
  const [half, one, two, low] = [0.5, 1, 2, 1.5].map((value) => constant(code, value));
  const [minusHalf, pi, infinity] = [-0.5, Math.PI, Infinity].map((value) => constant(code, value));
  return (x) => {
    const argument = keep(code, x);
    const isPositive = code.let(f64x2.ge(argument, half));
    const isNegative = code.let(f64x2.le(argument, minusHalf));
    const size = code.let(choose(isNegative, f64x2.neg(argument), argument));
    const value = above(size);

    // One rational function is used for 1/2 to 3/2 and, by Γ(x + 1) = x Γ(x), for the middle range.
    const isLow = code.let(f64x2.lt(size, low));
    const isMiddle = code.let(v128.not(v128.or(isPositive, isNegative)));
    setWhere(code, value, isLow, () => {
      const onePlus = f64x2.mul(argument, f64x2.sub(argument, one));
      const straight = f64x2.mul(f64x2.sub(one, size), f64x2.sub(two, size));
      const origin = f64x2.add(size, choose(isMiddle, half, minusHalf));
      return f64x2.mul(choose(isMiddle, onePlus, straight), lower(origin));
    });
    setWhere(code, value, isMiddle, () => f64x2.sub(value, log(f64x2.abs(argument))));

    // Euler's reflection, Γ(x) Γ(-x) = -π / (x sin πx).
    whereAny(code, isNegative, () => {
      const whole = code.let(f64x2.floor(size));
      const part = code.let(f64x2.sub(size, whole));
      const turn = choose(f64x2.gt(part, half), f64x2.sub(one, part), part);
      const { isSame, sine, cosine } = angle(code.let(turn));
      const product = f64x2.mul(size, choose(isSame, sine, cosine));
      const reflected = f64x2.sub(log(f64x2.div(pi, product)), value);
      const isPole = f64x2.eq(size, whole);
      code.set(value, choose(isNegative, choose(isPole, infinity, reflected), value));
    });
    return choose(f64x2.eq(argument, argument), value, argument);
  };
}

/** The logarithm of the gamma function, by the name of its primitive. */
export const gammaOperations: Readonly<Record<string, Operation>> = { lgamma: unary(logGamma) };
