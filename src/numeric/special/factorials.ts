/**
 * The gamma function of doubles, and functions of several of its values: quotients in which large
 * logarithms would cancel.
 *
 * @module
 */
import { BERNOULLI, lgamma, polygamma, STIRLING, STIRLING_CONSTANT } from "../special.ts";

/** `log √(2π)` */
const LOG_ROOT_TURN = STIRLING_CONSTANT + 0.5;

/** Whether `x` is a pole of the gamma function. */
export function isPole(x: number): boolean {
  return x <= 0 && Number.isInteger(x);
}

/** `log(1 + t) - t`, accurate also for small `t`. */
export function logRest(t: number): number {
  if (t < -0.4 || t > 0.6) return Math.log1p(t) - t;
  // log(1 + t) = 2 artanh r, and 2 r - t = -r t.
  const r = t / (2 + t);
  const square = r * r;
  let sum = 0;
  for (let k = 20; k >= 1; k--) sum = (sum + 2 / (2 * k + 1)) * square;
  return r * (sum - t);
}

/** The error of Stirling's formula: `log Γ(x) - (x - 1/2) log x + x - log √(2π)`. */
export function stirlingRest(x: number): number {
  if (x < 8) return lgamma(x) - ((x - 0.5) * Math.log(x) - x + LOG_ROOT_TURN);
  const inverse = 1 / x;
  let sum = 0;
  for (let k = STIRLING.length - 1; k >= 0; k--) sum = sum * inverse * inverse + STIRLING[k];
  return sum * inverse;
}

/** `a log(a / m) + m - a`, after C. Loader, "Fast and accurate computation of binomial probabilities" (2000). */
export function deviance(a: number, m: number): number {
  const t = (m - a) / a;
  return t < -0.5 ? a * Math.log(a / m) + m - a : -a * logRest(t);
}

/** The gamma function; 1/x at zeros, NaN at other poles. Exact if it is an integer below 2^53. */
export function gamma(x: number): number {
  if (x === 0) return 1 / x;
  if (isPole(x)) return NaN;
  if (x > 172) return Infinity;
  if (x === -Infinity) return NaN;
  if (x > 23) {
    const root = Math.pow(x, 0.5 * x - 0.25) * Math.exp(-0.5 * x);
    return root * Math.exp(LOG_ROOT_TURN + stirlingRest(x)) * root;
  }
  if (x >= 0.5) {
    let product = 1;
    let t = x;
    while (t > 2) product *= --t;
    return product * Math.exp(lgamma(t));
  }
  if (x > -0.5) return gamma(x + 1) / x;
  const size = -x;
  const whole = Math.floor(size);
  const part = size - whole;
  const sine = Math.sin(Math.PI * (part > 0.5 ? 1 - part : part));
  const value = size < 170 ? Math.PI / (size * sine * gamma(size)) : Math.exp(lgamma(x));
  return whole % 2 === 0 ? -value : value;
}

/** The sign of the gamma function; NaN at negative poles. */
export function gammaSign(x: number): number {
  if (x > 0 || Object.is(x, 0)) return 1;
  if (x === 0) return -1;
  return isPole(x) || !(x > -Infinity) ? NaN : Math.floor(x) % 2 === 0 ? 1 : -1;
}

/** `log(Γ(z + m) / Γ(z))` for positive `z` and `z + m`. */
function logQuotient(z: number, m: number): number {
  if (Math.min(z, z + m) < 10) return lgamma(z + m) - lgamma(z);
  return (z + m - 0.5) * Math.log1p(m / z) + m * (Math.log(z) - 1) +
    (stirlingRest(z + m) - stirlingRest(z));
}

/** The number of factors up to which they are multiplied one by one. */
const FACTORS = 40;

/** Pochhammer's symbol `Γ(z + m) / Γ(z)`; its limit if both are poles. */
export function pochhammer(z: number, m: number): number {
  if (m === 0) return 1;
  if (Number.isInteger(m) && m > 0 && m <= FACTORS) {
    let product = 1;
    for (let k = 0; k < m; k++) product *= z + k;
    return product;
  }
  const end = z + m;
  if (z > 0 && end > 0) return Math.exp(logQuotient(z, m));
  if (isPole(z)) {
    if (!isPole(end)) return Number.isNaN(m) ? NaN : 0;
    return (m % 2 === 0 ? 1 : -1) / pochhammer(1 - z, -m);
  }
  if (isPole(end)) return Infinity;
  return gammaSign(end) * gammaSign(z) * Math.exp(lgamma(end) - lgamma(z));
}

/** `log |B(a, b)|`, after A. DiDonato and A. Morris, "Algorithm 708" (1992). */
export function logBeta(a: number, b: number): number {
  const [p, q] = a <= b ? [a, b] : [b, a];
  if (!(p > 0)) return lgamma(a) + (lgamma(b) - lgamma(a + b));
  if (q < 10) return lgamma(p) + (lgamma(q) - lgamma(p + q));
  if (q === Infinity) return -Infinity;
  if (p < 10) return lgamma(p) - logQuotient(q, p);
  const ratio = p / q;
  const rest = stirlingRest(p) + stirlingRest(q) - stirlingRest(p + q);
  return LOG_ROOT_TURN - 0.5 * Math.log(q) + rest +
    ((p - 0.5) * Math.log(ratio / (1 + ratio)) - q * Math.log1p(ratio));
}

/** Euler's beta function. */
export function beta(a: number, b: number): number {
  if (isPole(a) || isPole(b)) {
    const [pole, other] = isPole(a) ? [a, b] : [b, a];
    if (!Number.isInteger(other) || other <= 0 || !isPole(a + b)) return Infinity;
    return (other % 2 === 0 ? 1 : -1) * beta(1 - pole - other, other);
  }
  if (isPole(a + b)) return 0;
  const sign = a > 0 && b > 0 ? 1 : gammaSign(a) * gammaSign(b) * gammaSign(a + b);
  return sign * Math.exp(logBeta(a, b));
}

/** `(w + h)^-s - w^-s` */
function powerStep(w: number, h: number, s: number): number {
  if (Math.abs(h) > w / 2) return Math.pow(w + h, -s) - Math.pow(w, -s);
  return Math.pow(w, -s) * Math.expm1(-s * Math.log1p(h / w));
}

/**
 * `ψₙ(x + h) - ψₙ(x)` for `order` n, without cancellation for small `h`: the differences of the
 * terms of Euler and Maclaurin's formula (NIST Handbook, 2010, 25.11.7).
 */
export function polygammaStep(order: number, x: number, h: number): number {
  if (!(x > 0 && x + h > 0 && x < Infinity && h < Infinity)) {
    return polygamma(order, x + h) - polygamma(order, x);
  }
  const s = order + 1;
  const far = 0.82 * (s + 11);
  let w = x;
  let sum = 0;
  while (Math.min(w, w + h) < far) {
    sum += powerStep(w, h, s);
    w += 1;
  }
  sum += order === 0 ? -Math.log1p(h / w) : powerStep(w, h, s - 1) / (s - 1);
  sum += powerStep(w, h, s) / 2;
  let factor = s / 2;
  for (let k = 0; k < BERNOULLI.length; k++) {
    sum += BERNOULLI[k] * factor * powerStep(w, h, s + 2 * k + 1);
    const j = 2 * k + 2;
    factor *= (s + j - 1) * (s + j) / ((j + 1) * (j + 2));
  }
  let value = order % 2 === 0 ? -sum : sum;
  for (let k = 2; k <= order; k++) value *= k;
  return value;
}
