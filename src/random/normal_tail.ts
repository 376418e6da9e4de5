/**
 * The normal distribution between two bounds of one sign, by the remaining part of its tail: accurate however
 * far out and however close to each other the bounds are.
 *
 * @module
 */
import { ERFCX_FAR } from "../numeric/special.ts";
import type { Tensor } from "../core/tensor.ts";
import {
  abs,
  add,
  div,
  maximum,
  minimum,
  mul,
  neg,
  offset,
  reciprocal,
  scale,
  sqrt,
  square,
  sub,
} from "../primitives/arithmetic.ts";
import { less, lessEqual, select } from "../primitives/comparison.ts";
import { constantLike, stopGradient } from "../primitives/structure.ts";
import { erfc, exp, expm1, log, log1p } from "../primitives/transcendental.ts";

/** Where the approximation of the tail by its series begins, in units of √2. */
const FAR = 8;

/** So far beyond a bound that is not negative, nothing is left of the tail there. */
const REACH = 40;

/** Below this, the tail's logarithm is taken to fall evenly, as the slope in the middle says. */
const SHORT = 1e-5;

/** Steps of Newton's method, each of which doubles the number of good digits. */
const STEPS = 4;

/** `coefficients[0] + coefficients[1] x + …` */
function polynomial(coefficients: readonly number[], x: Tensor): Tensor {
  const [first, ...rest] = coefficients.toReversed();
  return rest.reduce<Tensor>((sum, value) => offset(mul(sum, x), value), constantLike(x, first));
}

/** Mills' ratio for positive `x`: the tail beyond `x` over the density at `x`. */
function tailOverDensity(x: Tensor): Tensor {
  const z = scale(x, Math.SQRT1_2);
  const isFar = less(constantLike(z, FAR), z);
  const near = select(isFar, constantLike(z, 1), z);
  const far = select(isFar, z, constantLike(z, FAR));
  const inverse = reciprocal(far);
  const power = square(inverse);
  const series = div(
    polynomial(ERFCX_FAR.numerator, power),
    polynomial(ERFCX_FAR.denominator, power),
  );
  const scaled = select(isFar, mul(series, inverse), mul(exp(square(near)), erfc(near)));
  return scale(scaled, Math.sqrt(Math.PI / 2));
}

/** How much the logarithm of the tail falls from `a` to `a + t`, for positive `a`. */
function fall(a: Tensor, t: Tensor): Tensor {
  const half = scale(t, 0.5);
  const isShort = less(t, constantLike(t, SHORT));
  const short = div(t, tailOverDensity(add(a, half)));
  const ratio = div(tailOverDensity(add(a, t)), tailOverDensity(a));
  return select(isShort, short, sub(mul(t, add(a, half)), log(ratio)));
}

/**
 * The number below which a part `fraction` of the normal distribution between the bounds lies, above
 * which it lies when the bounds are negative. All are float64 tensors of one shape; the bounds are in
 * order and of one sign. Derivatives of the first and second order flow to the bounds.
 */
export function normalBetween(fraction: Tensor, low: Tensor, high: Tensor): Tensor {
  const isNegative = less(low, constantLike(low, 0));
  const start = select(isNegative, neg(high), low);
  const end = select(isNegative, neg(low), high);
  const width = minimum(sub(end, start), constantLike(start, REACH));
  // The tail falls by so much to the number: a part of what it falls by to the end.
  const target = neg(log1p(mul(fraction, expm1(neg(fall(start, width))))));
  const number = add(start, solve(start, target));
  return select(isNegative, neg(number), number);
}

/** The `t` with `fall(a, t) = target`. */
function solve(a: Tensor, target: Tensor): Tensor {
  const [fixed, aim] = [stopGradient(a), stopGradient(target)];
  // The tail's slope grows by nearly as much as `a`.
  const slope = reciprocal(tailOverDensity(fixed));
  const root = sqrt(add(square(slope), scale(aim, 2)));
  let t = div(scale(aim, 2), add(slope, root));
  const zero = constantLike(t, 0);
  const step = (a: Tensor, target: Tensor, t: Tensor) =>
    sub(t, mul(sub(fall(a, t), target), tailOverDensity(add(a, t))));
  for (let i = 0; i < STEPS; i++) t = maximum(zero, step(fixed, aim, t));
  // One step from the solution has its derivative, the second one that of the derivative.
  t = stopGradient(t);
  return step(a, target, step(a, target, t));
}

/**
 * The least part that an interval of probabilities must be of the larger one: of 2^24 floats between a
 * half and one at least 2^12 are in it, of 2^53 doubles 2^32.
 */
const LEAST_PART = { float32: 2 ** -12, float64: 2 ** -21 };

/**
 * Whether probabilities between `first` and `second`, which are values of the error function from -1
 * to 1, are floats enough for numbers to be found by them.
 */
export function areManyFloats(first: Tensor, second: Tensor): Tensor {
  const largest = maximum(abs(first), abs(second));
  const least = LEAST_PART[first.dtype as keyof typeof LEAST_PART];
  return lessEqual(scale(largest, least), sub(second, first));
}
