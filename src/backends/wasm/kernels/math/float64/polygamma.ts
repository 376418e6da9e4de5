/**
 * The derivatives of the logarithm of the gamma function of doubles, by the methods of
 * `numeric/special.ts`.
 *
 * @module
 */
import * as special from "../../../../../numeric/special.ts";
import type { PolygammaParams } from "../../../../../primitives/transcendental.ts";
import type { Code } from "../../../assembler/code.ts";
import { f64x2, i32, v128 } from "../../../assembler/operations.ts";
import { foldedAngle } from "./gamma.ts";
import { logarithm } from "./logarithm.ts";
import { positivePower } from "./power.ts";
import {
  choose,
  constant,
  keep,
  type Kept,
  polynomial,
  rational,
  repeatWhileAny,
  SIGN_BIT,
  whereAny,
} from "./vectors.ts";
import type { Operation, Vector } from "../operation.ts";

/** `cot πt` for `0 < t < 1`. */
function cotangentOfPi(code: Code): (t: Kept) => Vector {
  const angle = foldedAngle(code);
  const [half, one] = [0.5, 1].map((value) => constant(code, value));
  return (t) => {
    const isUpper = code.let(f64x2.gt(t, half));
    const folded = code.let(choose(isUpper, f64x2.sub(one, t), t));
    const { isSame, sine, cosine } = angle(folded);
    const size = f64x2.div(choose(isSame, cosine, sine), choose(isSame, sine, cosine));
    return v128.xor(size, v128.and(isUpper, SIGN_BIT));
  };
}

/** `digamma(1 + t) + sum` for `0 <= t <= 9`, by its recurrence down to `t <= 1`. */
function nearDigamma(code: Code): (t: Kept) => Vector {
  const curve = rational(code, special.DIGAMMA);
  const [root, rest] = [special.DIGAMMA_ROOT, special.DIGAMMA_ROOT_REST]
    .map((value) => constant(code, value));
  const one = constant(code, 1);
  return (start) => {
    const t = code.local("v128");
    code.set(t, start);
    const sum = code.let(f64x2.const(0));
    const isMore = code.let(f64x2.gt(t, one));
    whereAny(code, isMore, () =>
      repeatWhileAny(code, () => {
        code.set(sum, f64x2.add(sum, v128.and(f64x2.div(one, t), isMore)));
        code.set(t, f64x2.sub(t, v128.and(one, isMore)));
        code.set(isMore, f64x2.gt(t, one));
        return isMore;
      }));
    const fromRoot = f64x2.sub(f64x2.sub(t, root), rest);
    return f64x2.add(f64x2.mul(fromRoot, curve(t)), sum);
  };
}

/** `digamma(x)` for `x >= 10`, by its series. */
function farDigamma(code: Code): (x: Kept) => Vector {
  const log = logarithm(code);
  const series = polynomial(code, special.DIGAMMA_SERIES);
  const [half, one] = [0.5, 1].map((value) => constant(code, value));
  return (x) => {
    const inverse = code.let(f64x2.div(one, x));
    const square = code.let(f64x2.mul(inverse, inverse));
    const small = f64x2.add(f64x2.mul(half, inverse), f64x2.mul(square, series(square)));
    return f64x2.sub(log(x), small);
  };
}

function digamma(code: Code): (x: Vector) => Vector {
  const near = nearDigamma(code);
  const far = farDigamma(code);
  const cotangent = cotangentOfPi(code);
  const [zero, one, ten] = [0, 1, 10].map((value) => constant(code, value));
  const [pi, notNumber] = [Math.PI, NaN].map((value) => constant(code, value));
  return (x) => {
    const argument = keep(code, x);
    const size = code.let(f64x2.abs(argument));
    const isNegative = code.let(f64x2.lt(argument, zero));
    // The reflection ψ(1 - x) - π cot πx (Abramowitz & Stegun 6.3.7) maps negative arguments to
    // those above 1.
    const above = code.let(choose(isNegative, f64x2.add(one, size), argument));
    const isFar = code.let(f64x2.ge(above, ten));
    const isBelowOne = f64x2.lt(size, one);
    const start = code.let(choose(isBelowOne, size, f64x2.sub(above, one)));
    const value = code.let(near(code.let(v128.andnot(start, isFar))));
    const isFraction = v128.andnot(isBelowOne, isNegative);
    const step = v128.and(f64x2.div(one, argument), isFraction);
    code.set(value, f64x2.sub(value, step));
    whereAny(code, isFar, () => code.set(value, choose(isFar, far(above), value)));
    whereAny(code, isNegative, () => {
      const part = code.let(f64x2.sub(size, f64x2.floor(size)));
      const reflected = f64x2.add(value, f64x2.mul(pi, cotangent(part)));
      const isPole = f64x2.eq(part, zero);
      code.set(value, choose(isNegative, choose(isPole, notNumber, reflected), value));
    });
    // At zero the value is infinite, with a sign that depends on that of zero.
    const atZero = f64x2.neg(f64x2.div(one, argument));
    return choose(f64x2.eq(argument, zero), atZero, value);
  };
}

/** `n! / xⁿ⁺¹`, interleaved so that neither part overflows where the quotient does not. */
function factorialOverPower(code: Code, n: number): (x: Kept) => Kept {
  const one = constant(code, 1);
  const highest = constant(code, n);
  return (x) => {
    const value = code.let(f64x2.div(one, x));
    const low = code.let(one);
    const high = code.let(highest);
    code.for({ below: n }, () => {
      const isLarge = code.let(f64x2.gt(value, one));
      code.set(value, f64x2.mul(value, f64x2.div(choose(isLarge, low, high), x)));
      code.set(low, f64x2.add(low, v128.and(one, isLarge)));
      code.set(high, f64x2.sub(high, v128.andnot(one, isLarge)));
    });
    return value;
  };
}

/** `B₂ₖ s (s + 1) ... (s + 2k - 2) / (2k)!`, the factors of `w^(1 - 2k)` in Euler and Maclaurin's formula. */
function tailCoefficients(s: number): number[] {
  let factor = s / 2;
  return special.BERNOULLI.map((bernoulli, k) => {
    const coefficient = bernoulli * factor;
    const j = 2 * k + 2;
    factor *= (s + j - 1) * (s + j) / ((j + 1) * (j + 2));
    return coefficient;
  });
}

/**
 * `xˢ ζ(s, x)`, the Hurwitz zeta function for positive `x`: the first terms summed, the others by
 * Euler and Maclaurin's formula (NIST Handbook, 2010, 25.11.7).
 */
function scaledZeta(code: Code, s: number): (x: Kept) => Vector {
  const power = positivePower(code);
  const tail = polynomial(code, tailCoefficients(s));
  const [half, one, exponent] = [0.5, 1, s].map((value) => constant(code, value));
  const perRest = constant(code, 1 / (s - 1));
  const [far, enough] = [0.82 * (s + 11), 1e-18].map((value) => constant(code, value));
  const powerOver = (x: Kept, w: Kept) => power(code.let(f64x2.div(x, w)), exponent);
  return (x) => {
    const w = code.local("v128");
    code.set(w, x);
    const sum = code.let(f64x2.const(0));
    const k = code.let(one);
    const isDone = code.let(f64x2.const(0));
    const isMore = code.let(f64x2.lt(w, far));
    whereAny(code, isMore, () =>
      repeatWhileAny(code, () => {
        const term = code.let(v128.and(powerOver(x, w), isMore));
        code.set(sum, f64x2.add(sum, term));
        const isSmall = f64x2.lt(f64x2.mul(term, w), f64x2.mul(enough, sum));
        code.set(isDone, v128.or(isDone, v128.and(isMore, isSmall)));
        code.set(w, choose(v128.andnot(isMore, isDone), f64x2.add(x, k), w));
        code.set(k, f64x2.add(k, one));
        code.set(isMore, v128.andnot(f64x2.lt(w, far), isDone));
        return isMore;
      }));
    const inverse = code.let(f64x2.div(one, w));
    const rest = f64x2.mul(inverse, tail(f64x2.mul(inverse, inverse)));
    const integral = f64x2.add(f64x2.mul(w, perRest), half);
    const remainder = f64x2.mul(powerOver(x, w), f64x2.add(integral, rest));
    return f64x2.add(sum, v128.andnot(remainder, isDone));
  };
}

/** `|ψₙ(x)|` for positive `x` and `n >= 1`: `n! ζ(n + 1, x)` (Abramowitz & Stegun 6.4.10). */
function polygammaSize(code: Code, order: number): (x: Kept) => Vector {
  const factor = factorialOverPower(code, order - 1);
  const zeta = scaledZeta(code, order + 1);
  const [times, infinity] = [order, Infinity].map((value) => constant(code, value));
  return (x) => {
    const product = f64x2.mul(factor(x), times);
    const size = code.let(f64x2.mul(product, f64x2.div(zeta(x), x)));
    return v128.andnot(size, f64x2.eq(x, infinity));
  };
}

/**
 * Orders from 1 on. With `x = -m - y`, `0 < y < 1`, negative arguments need three sizes, as in
 * `polygammaNegative` of `numeric/special.ts`.
 */
function higherPolygamma(code: Code, order: number): (x: Vector) => Vector {
  const sizeOf = polygammaSize(code, order);
  const isOdd = order % 2 === 1;
  const [zero, one] = [0, 1].map((value) => constant(code, value));
  const [infinity, notNumber] = [Infinity, NaN].map((value) => constant(code, value));
  return (x) => {
    const argument = keep(code, x);
    const isNegative = code.let(f64x2.lt(argument, zero));
    const part = code.let(f64x2.sub(f64x2.ceil(argument), argument));
    // The arguments of the sizes, and the sizes: each round takes the first and appends its result.
    const first = code.let(choose(isNegative, f64x2.sub(one, part), argument));
    const second = code.let(choose(isNegative, part, one));
    const third = code.let(choose(isNegative, f64x2.sub(one, argument), one));
    const sizes = [0, 1, 2].map(() => code.local("v128"));
    code.for({ below: 3 }, (i) => {
      const isNeeded = i32.or(i32.eqz(i), v128.anyTrue(isNegative));
      const size = code.let(f64x2.const(0));
      code.if(isNeeded, () => {
        const input = code.let(choose(f64x2.gt(first, zero), first, one));
        code.set(size, sizeOf(input));
      });
      code.set(first, second);
      code.set(second, third);
      sizes.forEach((kept, k) => code.set(kept, sizes[k + 1] ?? size));
    });
    const [right, positive, far] = sizes;
    const left = f64x2.sub(positive, far);
    const below = isOdd ? f64x2.add(right, left) : f64x2.sub(left, right);
    const above = isOdd ? right : f64x2.neg(right);
    const value = code.let(choose(isNegative, below, above));
    const isPole = v128.and(isNegative, f64x2.eq(part, zero));
    const isDefined = v128.andnot(
      f64x2.eq(argument, argument),
      f64x2.eq(argument, f64x2.neg(infinity)),
    );
    const atZero = isOdd ? infinity : f64x2.neg(f64x2.div(one, argument));
    code.set(value, choose(isPole, isOdd ? infinity : notNumber, value));
    code.set(value, choose(f64x2.eq(argument, zero), atZero, value));
    return choose(isDefined, value, notNumber);
  };
}

const polygamma: Operation = (code, params) => {
  const { order } = params as PolygammaParams;
  const map = order === 0 ? digamma(code) : higherPolygamma(code, order);
  return (x) => map(x);
};

/** Derivatives of the logarithm of the gamma function, by the name of their primitive. */
export const polygammaOperations: Readonly<Record<string, Operation>> = { polygamma };
