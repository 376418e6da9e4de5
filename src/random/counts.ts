/**
 * Samplers of counts.
 *
 * @module
 */
import { defaultFloat, describeValue, wideDtype } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { showType } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { whileLoop } from "../control/while_loop.ts";
import { scan } from "../control/scan.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { checkBroadcast } from "../functions/arguments.ts";
import { broadcastTo, commonShape, floatOperand } from "../functions/broadcasting.ts";
import { flip, moveaxis } from "../functions/shape.ts";
import {
  abs,
  add,
  ceil,
  div,
  floor,
  maximum,
  minimum,
  mul,
  neg,
  offset,
  scale,
  sqrt,
  sub,
} from "../primitives/arithmetic.ts";
import { and, equal, less, lessEqual, not, or, select } from "../primitives/comparison.ts";
import { cumsum } from "../functions/cumulative.ts";
import { any } from "../functions/reduction.ts";
import { constantLike, convert, stopGradient } from "../primitives/structure.ts";
import { lgamma, log, log1p } from "../primitives/transcendental.ts";
import { checkKey, readParameter, readShape, sampleShape } from "./arguments.ts";
import type { SampleOptions } from "./arguments.ts";
import { drawFloats, fineFraction, uniform } from "./continuous.ts";
import { split } from "./key.ts";

/** Floats of 32 bits or more, that is what JAX computes with. */
function wideFloats(x: Tensor): Tensor {
  const floats = floatOperand(x);
  return stopGradient(convert(floats, wideDtype(floats.dtype)));
}

/** A probability as a tensor; a number is checked to be one, above 0 where that is asked for. */
function readProbability(p: TensorLike, what: string, isPositive: boolean): Tensor {
  if (typeof p === "number" && !(isPositive ? p > 0 && p <= 1 : p >= 0 && p <= 1)) {
    throw argumentError(
      `${what} with probability ${describeValue(p)}: expected a number ` +
        (isPositive ? "above 0, and at most 1" : "from 0 to 1"),
    );
  }
  return wideFloats(readParameter(p, defaultFloat(), what));
}

/** Uniform numbers, which are JAX's for floats like `like`, as doubles. */
function uniformLike(like: Tensor, key: Tensor, shape: Shape): Tensor {
  return convert(uniform(key, shape, { dtype: like.dtype }), "float64");
}

/** The largest int32. */
const MOST = 2 ** 31 - 1;

/**
 * The number of independent trials up to the first success: at least one.
 *
 * As in JAX, `floor(log(u) / log(1 - p)) + 1` for uniform `u`, which, unlike JAX's in float32, has 53 bits instead
 * of 23, the first of which are the same: so rare events are as rare as they should be, and nearly all
 * other numbers are JAX's. Counts beyond int32 are its largest.
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param p The probability of success, above 0 and at most 1; any shape that broadcasts to the result's.
 * @param shape The shape, or the length of a vector. Left out: that of `p`.
 * @returns `int32` of that shape.
 * @throws {ArgumentError} when `key` is not a key, or `p` is a number, but no such probability. Tensors are
 * not looked at.
 * @throws {ShapeError} when `shape` is not a shape, or a parameter does not broadcast to it.
 *
 * @example The mean
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = random.geometric(random.key(0), 0.25, [5000]);
 * assertTensorsClose(x.mean(), 4, { atol: 0.2 });
 * ```
 */
export function geometric(
  key: Tensor,
  p: TensorLike,
  shape?: number | Shape,
): Tensor {
  const what = "Cannot draw geometric numbers";
  checkKey(key, what);
  const rate = readProbability(p, what, true);
  const full = sampleShape(shape, { p: rate }, what);
  const isWide = rate.dtype === "float64";
  const u = isWide ? uniformLike(rate, key, full) : fineFraction(key, full);
  const held = select(equal(u, constantLike(u, 0)), constantLike(u, 1), u);
  const fall = log1p(neg(convert(broadcastTo(rate, full), "float64")));
  // A certain success has an infinite logarithm.
  const count = offset(floor(div(log(held), fall)), 1);
  return convert(minimum(count, constantLike(count, MOST)), "int32");
}

/**
 * Numbers of the Poisson distribution: how many of many independent rare events happen, `rate` of them on
 * average.
 *
 * The methods are JAX's: D. Knuth's products of uniform numbers for rates below 10, and W. Hörmann's
 * transformed rejection ("PTRS", 1993) above, from the same uniform numbers; but all else is computed in
 * float64, since float32 cannot tell the probabilities of large counts apart. So nearly all numbers are
 * JAX's for rates up to some thousands. Counts beyond int32 are its largest.
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param rate The mean, not negative; any shape that broadcasts to the result's. Compared and drawn in
 * float32, as in JAX.
 * @param shape The shape, or the length of a vector. Left out: that of `rate`.
 * @returns `int32` of that shape; 0 where a rate is negative or NaN.
 * @throws {ArgumentError} when `key` is not a key, or `rate` is a number, but negative or not finite.
 * @throws {ShapeError} when `shape` is not a shape, or a parameter does not broadcast to it.
 *
 * @example The mean
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = random.poisson(random.key(0), 3.5, [5000]);
 * assertTensorsClose(x.mean(), 3.5, { atol: 0.15 });
 * ```
 */
export function poisson(
  key: Tensor,
  rate: TensorLike,
  shape?: number | Shape,
): Tensor {
  const what = "Cannot draw Poisson numbers";
  checkKey(key, what);
  if (typeof rate === "number" && !(rate >= 0 && rate < Infinity)) {
    throw argumentError(
      `${what}: rate must be a finite number, not negative, got ${describeValue(rate)}`,
    );
  }
  const given = stopGradient(convert(readParameter(rate, "float32", what), "float32"));
  const full = sampleShape(shape, { rate: given }, what);
  const mean = broadcastTo(given, full);
  const isSmall = not(lessEqual(constantLike(mean, 10), mean));
  const few = knuth(key, select(isSmall, mean, constantLike(mean, 0)));
  const many = transformedRejection(key, select(isSmall, constantLike(mean, 1e5), mean));
  const count = select(isSmall, few, many);
  const isValid = less(constantLike(mean, 0), mean);
  const held = select(isValid, count, constantLike(count, 0));
  return convert(minimum(held, constantLike(held, MOST)), "int32");
}

/** The carry of the loops: counts, a value that determines whether they are done, and a key. */
type Loop = [count: Tensor, state: Tensor, key: Tensor];

/** The number of uniform numbers until their product is below `exp(-mean)`, minus one. */
function knuth(key: Tensor, mean: Tensor): Tensor {
  const least = neg(convert(mean, "float64"));
  const zero: Tensor = constantLike(least, 0);
  const start: Loop = [zero, zero, key];
  const [count] = whileLoop(
    ([, sum]) => any(less(least, sum)),
    ([count, sum, key]) => {
      const [next, own] = split(key);
      const more = select(less(least, sum), offset(count, 1), count);
      return [more, add(sum, log(uniformLike(mean, own, mean.shape))), next];
    },
    start,
  );
  return maximum(offset(count, -1), zero);
}

/** W. Hörmann, "The transformed rejection method for generating Poisson random variables" (1993). */
function transformedRejection(key: Tensor, rate: Tensor): Tensor {
  const mean = convert(rate, "float64");
  const logarithm = log(mean);
  const b = offset(scale(sqrt(mean), 2.53), 0.931);
  const a = offset(scale(b, 0.02483), -0.059);
  const inverse = offset(div(constantLike(b, 1.1328), offset(b, -3.4)), 1.1239);
  const bound = offset(neg(div(constantLike(b, 3.6224), offset(b, -2))), 0.9277);
  return rejection(key, rate, ([u, v, rest]) => {
    const stretched = mul(add(div(scale(a, 2), rest), b), u);
    const k = floor(offset(add(stretched, mean), 0.43));
    const s = log(div(mul(v, inverse), add(div(a, mul(rest, rest)), b)));
    const t = sub(sub(mul(k, logarithm), mean), lgamma(offset(k, 1)));
    const isOut = or(
      less(k, constantLike(k, 0)),
      and(less(rest, constantLike(rest, 0.013)), less(rest, v)),
    );
    return [k, isInside(rest, v, bound), isOut, lessEqual(s, t)];
  });
}

/** Whether a draw is accepted at once. */
function isInside(rest: Tensor, v: Tensor, bound: Tensor): Tensor {
  return and(lessEqual(constantLike(rest, 0.07), rest), lessEqual(v, bound));
}

/**
 * Draws until each has been accepted: a number, whether it is at once, whether it is refused, and whether
 * it is accepted otherwise, for uniform `u` between ±1/2, `v` from 0 to 1, and what `u` lacks of its ends.
 */
function rejection(
  key: Tensor,
  like: Tensor,
  draw: (uniforms: readonly [Tensor, Tensor, Tensor]) => readonly [Tensor, Tensor, Tensor, Tensor],
): Tensor {
  const none = constantLike(convert(like, "float64"), -1);
  const start: Loop = [none, constantLike(convert(like, "bool"), 0), key];
  const [count] = whileLoop(
    ([, isDone]) => any(not(isDone)),
    ([count, isDone, key]) => {
      const [next, first, second] = split(key, 3);
      const u = offset(uniformLike(like, first, like.shape), -0.5);
      const v = uniformLike(like, second, like.shape);
      const rest = offset(neg(abs(u)), 0.5);
      const [k, isSure, isOut, isLikely] = draw([u, v, rest]);
      const isAccepted = or(isSure, and(not(isOut), isLikely));
      return [select(isAccepted, k, count), or(isDone, isAccepted), next];
    },
    start,
  );
  return count;
}

/** Throws unless a number of trials that is known is a non-negative integer. */
function checkTrials(n: TensorLike, what: string): void {
  if (typeof n === "number" && !(Number.isInteger(n) && n >= 0)) {
    throw argumentError(`${what}: n must be a non-negative integer, got ${describeValue(n)}`);
  }
}

/**
 * Numbers of the binomial distribution: how many of `n` independent events of probability `p` happen.
 *
 * The methods are JAX's: sums of geometric numbers where fewer than ten events of the rarer kind are
 * expected, and W. Hörmann's transformed rejection ("BTRS", 1993) elsewhere, from the same uniform
 * numbers; but all else is computed in float64. So nearly all numbers are JAX's.
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param n How many events, a non-negative integer; any shape that broadcasts to the result's.
 * @param p Their probability, from 0 to 1; any shape that broadcasts to the result's.
 * @param shape The shape, or the length of a vector. Left out: the shape that the parameters broadcast to.
 * @param options The dtype, floating-point as in JAX, since counts may be beyond integers.
 * @returns A tensor of that shape; `float32` by default. NaN where `n` is negative or `p` no probability.
 * @throws {ArgumentError} when `key` is not a key, `n` is a number, but no non-negative integer, or `p` a
 * number that is not a probability.
 * @throws {ShapeError} when `shape` is not a shape, or a parameter does not broadcast to it.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example The mean
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = random.binomial(random.key(0), 20, 0.3, [5000]);
 * assertTensorsClose(x.mean(), 6, { atol: 0.2 });
 * ```
 */
export function binomial(
  key: Tensor,
  n: TensorLike,
  p: TensorLike,
  shape?: number | Shape,
  options?: SampleOptions,
): Tensor {
  const what = "Cannot draw binomial numbers";
  checkKey(key, what);
  checkTrials(n, what);
  const rate = readProbability(p, what, false);
  const total = wideFloats(readParameter(n, rate.dtype, what));
  return drawFloats(options, what, (dtype) => {
    const full = sampleShape(shape, { n: total, p: rate }, what);
    return convert(binomialOf(key, broadcastTo(total, full), broadcastTo(rate, full)), dtype);
  });
}

/** {@linkcode binomial} of floats of one shape, as float64. */
function binomialOf(key: Tensor, n: Tensor, p: Tensor): Tensor {
  const total = floor(convert(n, "float64"));
  const [zero, half, one] = [0, 0.5, 1].map((value) => constantLike(p, value));
  const isValid = and(
    and(lessEqual(zero, p), lessEqual(p, one)),
    and(lessEqual(constantLike(total, 0), total), less(total, constantLike(total, Infinity))),
  );
  const isRare = less(p, half);
  const rarer = select(isValid, select(isRare, p, sub(one, p)), zero);
  const count = select(isValid, total, constantLike(total, 0));
  // As JAX computes it, for the choice to be the same.
  const expected = mul(convert(count, p.dtype), rarer);
  const isFew = lessEqual(expected, constantLike(expected, 10));
  const few = inversion(
    key,
    select(isFew, count, constantLike(count, 0)),
    select(isFew, rarer, constantLike(rarer, 0.5)),
  );
  const many = transformedBinomial(
    key,
    select(isFew, constantLike(count, 1e4), count),
    select(isFew, half, rarer),
  );
  const draws = select(isFew, few, many);
  const turned = select(isRare, draws, sub(total, draws));
  return select(isValid, turned, constantLike(turned, NaN));
}

/** How many geometric numbers have a sum of at most `n`. */
function inversion(key: Tensor, n: Tensor, p: Tensor): Tensor {
  const fall = log1p(neg(convert(p, "float64")));
  const zero = constantLike(n, 0);
  const start: Loop = [zero, zero, key];
  const [count] = whileLoop(
    ([, sum]) => any(lessEqual(sum, n)),
    ([count, sum, key]) => {
      const [own, next] = split(key);
      const more = select(lessEqual(sum, n), offset(count, 1), count);
      const step = ceil(div(log(uniformLike(p, own, n.shape)), fall));
      return [more, add(sum, step), next];
    },
    start,
  );
  return offset(count, -1);
}

/** W. Hörmann, "The generation of binomial random variates" (1993). */
function transformedBinomial(key: Tensor, n: Tensor, rate: Tensor): Tensor {
  const p = convert(rate, "float64");
  const q = offset(neg(p), 1);
  const deviation = sqrt(mul(mul(n, p), q));
  const b = offset(scale(deviation, 2.53), 1.15);
  const a = offset(add(scale(b, 0.0248), scale(p, 0.01)), -0.0873);
  const centre = offset(mul(n, p), 0.5);
  const bound = offset(neg(div(constantLike(b, 4.2), b)), 0.92);
  const odds = log(div(p, q));
  const alpha = mul(offset(div(constantLike(b, 5.1), b), 2.83), deviation);
  const mode = floor(mul(offset(n, 1), p));
  const weight = (k: Tensor): Tensor => {
    const rest = sub(n, k);
    return sub(mul(k, odds), add(lgamma(offset(k, 1)), lgamma(offset(rest, 1))));
  };
  const top = weight(mode);
  return rejection(key, rate, ([u, v, rest]) => {
    const k = floor(add(mul(add(div(scale(a, 2), rest), b), u), centre));
    const isOut = or(less(k, constantLike(k, 0)), less(n, k));
    const s = log(div(mul(v, alpha), add(div(a, mul(rest, rest)), b)));
    const held = select(isOut, mode, k);
    return [k, isInside(rest, v, bound), isOut, lessEqual(s, sub(weight(held), top))];
  });
}

/**
 * Numbers of the multinomial distribution: how many of `n` independent draws fall into each category. As
 * in JAX, a binomial number for each category, of the draws left by the ones before it.
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param n How many draws, a non-negative integer; any shape that broadcasts to the result's without
 * categories.
 * @param p The probabilities of the categories, `[..., categories]`, in any scale.
 * @param shape How many vectors, along any number of axes, which `n` and `p` without its last axis must
 * broadcast to. Left out: what these broadcast to.
 * @param options The dtype.
 * @returns `[...shape, categories]`; `float32` by default.
 * @throws {ArgumentError} when `key` is not a key, or `n` is a number, but no non-negative integer.
 * @throws {ShapeError} when `shape` is not a shape, `p` has no categories, or either does not broadcast to
 * the shape.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example A hundred draws
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = random.multinomial(random.key(0), 100, [0.2, 0.3, 0.5]);
 * assertTensorsClose(x.sum(), 100);
 * ```
 */
export function multinomial(
  key: Tensor,
  n: TensorLike,
  p: TensorLike,
  shape?: number | Shape,
  options?: SampleOptions,
): Tensor {
  const what = "Cannot draw multinomial vectors";
  checkKey(key, what);
  checkTrials(n, what);
  const parts = wideFloats(readParameter(p, defaultFloat(), what));
  const total = convert(wideFloats(readParameter(n, parts.dtype, what)), parts.dtype);
  const categories = parts.shape.at(-1);
  if (categories === undefined || categories === 0) {
    throw shapeError(
      `${what} with p ${showType(parts)}: expected at least one category along the last axis`,
    );
  }
  return drawFloats(options, what, (dtype) => {
    const own = { dtype: parts.dtype, shape: parts.shape.slice(0, -1) };
    const outer = shape === undefined
      ? commonShape(`${what} with n and p`, [total, own])
      : readShape(shape, what);
    checkBroadcast(`${what}: cannot broadcast n`, total, outer);
    checkBroadcast(`${what}: cannot broadcast p`, own, outer);
    const weights = moveaxis(broadcastTo(parts, [...outer, categories]), -1, 0);
    const left = flip(cumsum(flip(weights, 0), 0), 0);
    const isNone = equal(left, constantLike(left, 0));
    const ratios = div(weights, select(isNone, constantLike(left, 1), left));
    const bounded = minimum(ratios, constantLike(ratios, 1));
    const [, counts] = scan(
      (rest: Tensor, [ratio, own]: [Tensor, Tensor]) => {
        const count = convert(binomialOf(own, rest, ratio), rest.dtype);
        return [sub(rest, count), count];
      },
      broadcastTo(total, outer),
      [bounded, split(key, [categories])] as [Tensor, Tensor],
    );
    return convert(moveaxis(counts, 0, -1), dtype);
  });
}
