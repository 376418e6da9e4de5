/**
 * Functions of complex numbers, as pairs of doubles: Faddeeva's function and the logarithm of the gamma
 * function, with their derivatives.
 *
 * @module
 */
import { BERNOULLI, polygamma } from "../special.ts";

/** A complex number. */
export type Pair = readonly [re: number, im: number];

const times = ([a, b]: Pair, [c, d]: Pair): Pair => [a * c - b * d, a * d + b * c];
const plus = ([a, b]: Pair, [c, d]: Pair): Pair => [a + c, b + d];
const scaled = ([a, b]: Pair, by: number): Pair => [a * by, b * by];

/** `1 / z` (Smith's method). */
function inverse([re, im]: Pair): Pair {
  if (Math.abs(re) >= Math.abs(im)) {
    const [r, d] = [im / re, re + im * (im / re)];
    return [1 / d, -r / d];
  }
  const [r, d] = [re / im, im + re * (re / im)];
  return [r / d, -1 / d];
}

function exponential([re, im]: Pair): Pair {
  const size = Math.exp(re);
  if (im === 0) return [size, im];
  // The angle does not matter, even if it is out of range.
  if (size === 0) return [0, 0];
  // As two factors, because one part may still be in range.
  const [first, second] = size === Infinity ? [Math.exp(re / 2), Math.exp(re / 2)] : [size, 1];
  return [first * Math.cos(im) * second, first * Math.sin(im) * second];
}

/** `exp(z) - 1` */
function exponentialLess([re, im]: Pair): Pair {
  const [size, half] = [Math.expm1(re), Math.sin(im / 2)];
  return [size * Math.cos(im) - 2 * half * half, (size + 1) * Math.sin(im)];
}

/** `exp(-z²)` */
function bell([x, y]: Pair): Pair {
  return exponential([(y - x) * (y + x), -2 * x * y]);
}

const ROOT_PI = 1.7724538509055159;

/** The step of the trapezoidal rule, and the number of steps. */
const STEPS = 12;
const STEP = Math.sqrt(Math.PI / STEPS);

/**
 * Faddeeva's function `w(z) = exp(-z²) erfc(-iz)`, for real and imaginary parts that are not
 * negative, by trapezoidal rules modified for the pole (M. Al Azah and S. N. Chandler-Wilde,
 * "Computation of the complex error function using modified trapezoidal rules", 2021).
 */
function faddeevaFirst([x, y]: Pair): Pair {
  const place = x / STEP;
  const part = place - Math.floor(place);
  const isHigh = y >= Math.max(x, Math.PI / STEP);
  const isMiddle = isHigh || part < 0.25 || part > 0.75;
  // i h z / π times the sum of 2 exp(-t²) / (z² - t²), as partial fractions with positive weights.
  let sum: Pair = isMiddle ? [0, 0] : inverse([x, y]);
  for (let k = isMiddle ? 0 : 1; k < STEPS; k++) {
    const t = (isMiddle ? k + 0.5 : k) * STEP;
    const both = plus(inverse([x - t, y]), inverse([x + t, y]));
    sum = plus(sum, scaled(both, Math.exp(-t * t)));
  }
  const rule = scaled([-sum[1], sum[0]], STEP / Math.PI);
  if (isHigh) return rule;
  // 2 exp(-z²) / (1 ± exp(-2πiz/h)), whose denominator may be out of range.
  const turn = exponential([-2 * Math.PI * y / STEP, 2 * Math.PI * part]);
  const sign = isMiddle ? 1 : -1;
  const pole = times(turn, inverse([turn[0] + sign, turn[1]]));
  return plus(rule, scaled(times(bell([x, y]), pole), 2));
}

/** From here on sums of powers are not affected by the pole. */
const FAR = 6;

/**
 * The derivative over `(2i)ⁿ n!`: `exp(-z²) iⁿerfc(-iz)`, for an imaginary part that is not
 * negative.
 */
function faddeevaAbove(n: number, z: Pair): Pair {
  const [x, y] = z;
  if (n === 0) return faddeevaFirst(z);
  if (Math.hypot(x, y) < FAR) {
    // 2k Fₖ = Fₖ₋₂ + 2iz Fₖ₋₁
    let [before, value]: Pair[] = [[2 / ROOT_PI, 0], faddeevaFirst(z)];
    for (let k = 1; k <= n; k++) {
      [before, value] = [value, scaled(plus(before, scaled(times([-y, x], value), 2)), 0.5 / k)];
    }
    return value;
  }
  // i/π ∫ exp(-t²) / (z - t)ⁿ⁺¹ dt over (-2i)ⁿ
  let sum: Pair = [0, 0];
  for (let k = -STEPS; k < STEPS; k++) {
    const t = (k + 0.5) * STEP;
    const one = inverse([x - t, y]);
    let power = one;
    for (let i = 0; i < n; i++) power = times(power, one);
    sum = plus(sum, scaled(power, Math.exp(-t * t)));
  }
  let factor: Pair = [0, STEP / Math.PI];
  for (let i = 0; i < n; i++) factor = times(factor, [0, 0.5]);
  return times(sum, factor);
}

/**
 * The derivative of order `n` of Faddeeva's function, over `(2i)ⁿ n!`: the derivative of this is
 * the function of order `n + 1` times `2i (n + 1)`, without cancellation.
 */
export function faddeeva(n: number, x: number, y: number): Pair {
  if (Number.isNaN(x) || Number.isNaN(y)) return [NaN, NaN];
  if (Math.abs(x) === Infinity || y === Infinity) return [0, 0];
  if (y < 0) {
    // The contribution of 2 exp(-z²), by the same recurrence starting from zero.
    const away = faddeeva(n, -x, -y);
    let [before, value]: Pair[] = [[0, 0], scaled(bell([x, y]), 2)];
    for (let k = 1; k <= n; k++) {
      [before, value] = [value, scaled(plus(before, scaled(times([-y, x], value), 2)), 0.5 / k)];
    }
    return plus(value, scaled(away, n % 2 === 0 ? -1 : 1));
  }
  // exp(-z²) iⁿerfc(-iz) at -conj(z) is its conjugate.
  if (x >= 0) return faddeevaAbove(n, [x, y]);
  const [re, im] = faddeevaAbove(n, [-x, y]);
  return [re, -im];
}

/** The number of terms of Stirling's series. */
const STIRLING_TERMS = 10;

/** From here on Stirling's series is used. */
const LARGE = 10;

/** `log z`, for real parts that are positive. */
function logarithm([re, im]: Pair): Pair {
  return [Math.log(Math.hypot(re, im)), Math.atan2(im, re)];
}

/** The derivative of order `n` of `log Γ(z)` by Stirling's series, for large `z`. */
function stirling(n: number, z: Pair): Pair {
  const one = inverse(z);
  const square = times(one, one);
  // B₂ₖ/(2k (2k - 1)) z^(1 - 2k), differentiated: the last terms first.
  let sum: Pair = [0, 0];
  for (let k = STIRLING_TERMS; k >= 1; k--) {
    let factor = BERNOULLI[k - 1] / (2 * k * (2 * k - 1));
    for (let i = 0; i < n; i++) factor *= 1 - 2 * k - i;
    sum = plus(times(sum, square), [factor, 0]);
  }
  let power = one;
  for (let i = 0; i < n; i++) power = times(power, one);
  sum = times(sum, power);
  if (n === 0) {
    const log = logarithm(z);
    const main = plus(times([z[0] - 0.5, z[1]], log), scaled(z, -1));
    return plus(plus(main, [0.5 * Math.log(2 * Math.PI), 0]), sum);
  }
  if (n === 1) return plus(plus(logarithm(z), scaled(one, -0.5)), sum);
  // (-1)ⁿ (n - 2)! (z^(1 - n) + (n - 1)/2 z^-n)
  let [factor, base]: [number, Pair] = [n % 2 === 0 ? 1 : -1, one];
  for (let i = 1; i < n - 1; i++) [factor, base] = [factor * i, times(base, one)];
  return plus(scaled(plus(base, scaled(times(base, one), (n - 1) / 2)), factor), sum);
}

/** `ζ(k) - 1` over `k`, with the sign of the series of `log Γ` around 2. */
let around: readonly number[] | null = null;

function seriesAround(): readonly number[] {
  return around ??= Array.from({ length: 45 }, (_, i) => {
    const k = i + 2;
    // The derivatives of log Γ at 2.
    let factorial = 1;
    for (let j = 2; j < k; j++) factorial *= j;
    return polygamma(k - 1, 2) / (factorial * k);
  });
}

/** `1 - γ` */
const SLOPE = 0.42278433509846714;

/** `log Γ(2 + s)` for small `s`. */
function logGammaNear(s: Pair): Pair {
  const series = seriesAround();
  let sum: Pair = [0, 0];
  for (let i = series.length - 1; i >= 0; i--) sum = plus(times(sum, s), [series[i], 0]);
  return times(s, plus([SLOPE, 0], times(s, sum)));
}

/** `log(1 + s)` for small `s`. */
function logarithmNear([a, b]: Pair): Pair {
  return [0.5 * Math.log1p(a * (2 + a) + b * b), Math.atan2(b, 1 + a)];
}

/** The derivative of order `n` of `log Γ(z)`, for real parts of at least a half. */
function logGammaRight(n: number, [x, y]: Pair): Pair {
  if (n === 0) {
    const s: Pair = [x - 2, y];
    if (Math.hypot(...s) < 0.5) return logGammaNear(s);
    const one: Pair = [x - 1, y];
    if (Math.hypot(...one) < 0.5) {
      return plus(logGammaNear(one), scaled(logarithmNear(one), -1));
    }
  }
  // Steps of 1 up to the range of the series: log z, and its derivatives.
  let rest: Pair = [0, 0];
  let from = x;
  for (; Math.hypot(from, y) < LARGE; from++) {
    const z: Pair = [from, y];
    if (n === 0) {
      rest = plus(rest, logarithm(z));
      continue;
    }
    const one = inverse(z);
    let term = one;
    for (let i = 1; i < n; i++) term = scaled(times(term, one), -i);
    rest = plus(rest, term);
  }
  return plus(stirling(n, [from, y]), scaled(rest, -1));
}

/** The derivative of order `n` of `log(1 - exp(2πiz))`, for imaginary parts that are not negative. */
function reflection(n: number, [x, y]: Pair): Pair {
  const angle = 2 * Math.PI * (x - Math.round(x));
  const gap = scaled(exponentialLess([-2 * Math.PI * y, angle]), -1);
  if (n === 0) return [Math.log(Math.hypot(...gap)), Math.atan2(gap[1], gap[0])];
  // A polynomial in v = q/(1 - q), whose derivative is 2πi v (v + 1).
  const v = times(exponential([-2 * Math.PI * y, angle]), inverse(gap));
  let list = [0, -1];
  for (let k = 1; k < n; k++) {
    const next = new Array(list.length + 1).fill(0);
    list.forEach((c, i) => {
      next[i] += i * c;
      next[i + 1] += i * c;
    });
    list = next;
  }
  let value: Pair = [0, 0];
  for (let i = list.length - 1; i >= 0; i--) value = plus(times(value, v), [list[i], 0]);
  for (let i = 0; i < n; i++) value = times(value, [0, 2 * Math.PI]);
  return value;
}

/**
 * The derivative of order `n` of `log Γ(z)`, the branch that is real for positive numbers and has
 * its cut along the negative ones. On the cut, the sign of a zero imaginary part selects the side
 * from which it is approached.
 */
export function logGamma(n: number, x: number, y: number): Pair {
  if (Number.isNaN(x) || Number.isNaN(y)) return [NaN, NaN];
  if (y < 0 || Object.is(y, -0)) {
    const [re, im] = logGamma(n, x, -y);
    return [re, -im];
  }
  if (n === 0 && y === Infinity && x < Infinity) return [-Infinity, NaN];
  if (x >= 0.5) return logGammaRight(n, [x, y]);
  // log Γ(z) + log Γ(1 - z) = log 2π + iπ(z - 1/2) - log(1 - exp(2πiz)) above the real axis.
  const other = scaled(logGammaRight(n, [1 - x, -y]), n % 2 === 0 ? -1 : 1);
  const turned = scaled(reflection(n, [x, y]), -1);
  const line: Pair = n === 0
    ? [Math.log(2 * Math.PI) - Math.PI * y, Math.PI * (x - 0.5)]
    : n === 1
    ? [0, Math.PI]
    : [0, 0];
  return plus(plus(other, turned), line);
}
