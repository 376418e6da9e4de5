/**
 * Functions of the normal distribution of doubles: scaled tails, Dawson's integral, quantiles, Owen's T.
 *
 * @module
 */
import { legendreRule } from "../gamma_slope.ts";
import { erfc, ERFCX_FAR, ERFCX_MIDDLE, ERFCX_NEAR, gaussian, type Rational } from "../special.ts";

const ROOT_PI = 1.7724538509055159;

function quotient({ numerator, denominator }: Rational, x: number): number {
  const value = (list: readonly number[]) => list.reduceRight((sum, c) => sum * x + c, 0);
  return value(numerator) / value(denominator);
}

/** `exp(x²) erfc(x)` */
function erfcx(x: number): number {
  if (x < 0.5) return erfc(x) / gaussian(x);
  if (x < 2) return quotient(ERFCX_NEAR, x);
  if (x < 8) return quotient(ERFCX_MIDDLE, x);
  return quotient(ERFCX_FAR, 1 / (x * x)) / x;
}

/**
 * The integral from 0 to `end` of `weight(t) exp(exponent(t))`, on panels suited to a decay within
 * it.
 */
function integral(end: number, f: (t: number) => number): number {
  const [nodes, weights] = legendreRule();
  let sum = 0;
  for (const [start, length] of [[0, 0.35 * end], [0.35 * end, 0.65 * end]]) {
    for (let i = 0; i < nodes.length; i++) {
      sum += weights[i] * length * f(start + length * nodes[i]);
    }
  }
  return sum;
}

/**
 * `exp(x²) iⁿerfc(x)`, repeated integrals of the complementary error function (NIST Handbook, 2010,
 * 7.18): `2/√π ∫ tⁿ/n! exp(-t² - 2xt) dt`, t from 0 to infinity. The derivative is the function of
 * order `n + 1` times `-2 (n + 1)`, without cancellation.
 */
export function scaledTail(n: number, x: number): number {
  if (Number.isNaN(x)) return NaN;
  if (n === 0) return erfcx(x);
  if (x === -Infinity) return Infinity;
  if (x < 0) {
    let [before, value] = [erfcx(x), 1 / ROOT_PI - x * erfcx(x)];
    for (let k = 2; k <= n; k++) [before, value] = [value, (before - 2 * x * value) / (2 * k)];
    return value;
  }
  // Below the smallest double.
  if (x > 1e200) return 0;
  // exp(-t² - 2xt) tⁿ is below e^-44 of its largest value from here on.
  const depth = 44 + 4 * n;
  const end = depth / (x + Math.hypot(x, Math.sqrt(depth)));
  // In fractions of the end, whose powers are in range.
  const scale = end / (n + 1);
  let factor = 2 / ROOT_PI;
  for (let k = 1; k <= n; k++) factor *= scale / k;
  return factor * integral(end, (t) => Math.pow(t / scale, n) * Math.exp(-t * (t + 2 * x)));
}

/** From here on Dawson's integral and its derivatives are computed by their asymptotic series. */
const FAR = 7;

/** The derivative of order `n` of Dawson's integral `exp(-x²) ∫₀ˣ exp(t²) dt`. */
export function dawson(n: number, x: number): number {
  if (x < 0) return n % 2 === 0 ? -dawson(n, -x) : dawson(n, -x);
  if (x < FAR) {
    const end = Math.min(x, 44 / (x + Math.sqrt(Math.max(0, x * x - 44))));
    let [before, value] = [0, integral(end, (s) => Math.exp(-s * (2 * x - s)))];
    for (let k = 0; k < n; k++) {
      [before, value] = [value, k === 0 ? 1 - 2 * x * value : -2 * x * value - 2 * k * before];
    }
    return value;
  }
  let term = 0.5 / x;
  for (let k = 1; k <= n; k++) term *= -k / x;
  let sum = term;
  for (let k = 0; k < x * x - n && Math.abs(term) > 1e-18 * Math.abs(sum); k++) {
    term *= (2 * k + n + 1) * (2 * k + n + 2) / ((2 * k + 2) * 2 * x * x);
    sum += term;
  }
  return sum;
}

/** The quantile of the normal distribution: ±Infinity at 0 and 1, NaN outside. */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) return NaN;
  if (p > 0.5) return -tailQuantile(1 - p, p - 0.5);
  return tailQuantile(p, 0.5 - p);
}

/** The quantile of `p` up to a half, where `gap` is a half minus `p`. */
function tailQuantile(p: number, gap: number): number {
  if (p === 0) return -Infinity;
  let z = 0;
  if (gap < 0.4) {
    // Newton's method on erf z = 2 gap.
    for (let i = 0; i < 6; i++) {
      z += (2 * gap - (1 - erfc(z))) * ROOT_PI / 2 / gaussian(z);
    }
    return -Math.SQRT2 * z;
  }
  // Halley's method on log erfc z = log 2p, in z.
  const aim = Math.log(2 * p);
  z = Math.sqrt(-aim - 0.5 * Math.log(-aim * Math.PI));
  for (let i = 0; i < 5; i++) {
    const tail = erfcx(z);
    const slope = -2 / (ROOT_PI * tail);
    const error = Math.log(tail) - z * z - aim;
    const step = error / slope;
    z -= step / (1 + step * (z + slope / 2));
  }
  return -Math.SQRT2 * z;
}

/** Owen's T: `1/2π ∫₀ᵃ exp(-h² (1 + t²) / 2) / (1 + t²) dt`. */
export function owensT(h: number, a: number): number {
  if (Number.isNaN(h) || Number.isNaN(a)) return NaN;
  if (a < 0) return -owensT(h, -a);
  const size = Math.abs(h);
  if (size > 40) return 0;
  const upper = (x: number) => 0.5 * erfc(x * Math.SQRT1_2);
  if (a > 1) {
    const first = upper(size);
    const other = a * size;
    const second = Number.isNaN(other) ? 0.5 : upper(other);
    return first / 2 +
      (second * (0.5 - first) - (size === 0 && a === Infinity ? 0 : owensT(other, 1 / a)));
  }
  const end = Math.min(a, 9.5 / size);
  const bell = gaussian(size * Math.SQRT1_2);
  return bell / (2 * Math.PI) *
    integral(end, (t) => Math.exp(-0.5 * (size * t) ** 2) / (1 + t * t));
}
