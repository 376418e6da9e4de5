/**
 * Exponential and trigonometric integrals of doubles, and the dilogarithm.
 *
 * @module
 */
import { legendreRule } from "../gamma_slope.ts";

const EULER = 0.5772156649015329;

/** The zero of the exponential integral, and its rounding error. */
const ROOT = 0.37250741078136662;
const ROOT_REST = 1.3140183414386028e-17;

/** The exponential integral `Ei(x) = -E₁(-x)`: the principal value of the integral of `eᵗ/t` up to `x`. */
export function expi(x: number): number {
  if (x < 0) return -expn(1, -x);
  if (x === 0) return -Infinity;
  if (x > 720) return Infinity;
  if (x > 0.2 && x < 0.6) {
    // Relative to the zero, so that nothing cancels.
    const [nodes, weights] = legendreRule();
    const length = (x - ROOT) - ROOT_REST;
    let sum = 0;
    for (let i = 0; i < nodes.length; i++) {
      const t = ROOT + length * nodes[i];
      sum += weights[i] * Math.exp(t) / t;
    }
    return length * sum;
  }
  if (x < 42) {
    let term = 1;
    let sum = 0;
    for (let k = 1; k < 200; k++) {
      term *= x / k;
      sum += term / k;
      if (term / k < 1e-18 * sum) break;
    }
    return EULER + Math.log(x) + sum;
  }
  let term = 1;
  let sum = 1;
  for (let k = 1; k < x && term > 1e-18; k++) sum += term *= k / x;
  // In halves, so that there is no overflow unless the result overflows.
  const half = Math.exp(x / 2);
  return half * (sum / x) * half;
}

/**
 * The exponential integral `Eₙ(x)` for integer `n`: `∫ e^(-xt) t⁻ⁿ dt` from 1 to infinity. NaN for
 * negative `x` and other `n`.
 */
export function expn(n: number, x: number): number {
  if (!Number.isInteger(n) || !(x >= 0)) return NaN;
  if (x === Infinity) return 0;
  if (x === 0) return n > 1 ? 1 / (n - 1) : Infinity;
  if (n <= 0) {
    let term = Math.exp(-x) / x;
    let sum = term;
    for (let k = 0; k > n && sum < Infinity; k--) sum += term *= (k - n) / x;
    return sum;
  }
  return x > 1 ? expnFraction(n, x) : expnSeries(n, x);
}

/** The continued fraction (NIST Handbook, 2010, 8.19.17), by Lentz's method. */
function expnFraction(n: number, x: number): number {
  let b = x + n;
  let c = Infinity;
  let d = 1 / b;
  let value = d;
  for (let i = 1; i < 2000; i++) {
    const a = -i * (n - 1 + i);
    b += 2;
    d = 1 / (a * d + b);
    c = b + a / c;
    value *= c * d;
    if (Math.abs(c * d - 1) < 2e-16) break;
  }
  return value * Math.exp(-x);
}

/** The power series (8.19.8), for `x` up to 1. */
function expnSeries(n: number, x: number): number {
  let sum = n === 1 ? -Math.log(x) - EULER : 1 / (n - 1);
  let term = 1;
  for (let k = 1; k < 40 || (k < n + 2 && Math.abs(term) > 1e-300); k++) {
    term *= -x / k;
    if (k !== n - 1) sum -= term / (k - n + 1);
    else {
      let psi = -EULER;
      for (let j = 1; j < n; j++) psi += 1 / j;
      sum += term * (psi - Math.log(x));
    }
  }
  return sum;
}

/**
 * Both auxiliary functions of the trigonometric integrals: `e^(ix) E₁(ix) = g - if`, by its
 * continued fraction.
 */
function auxiliary(x: number): [f: number, g: number] {
  // 1/(z+1 - 1/(z+3 - 4/(z+5 - ...))) at z = ix, by modified Lentz steps of complex numbers.
  let [br, bi] = [1, x];
  const norm = br * br + bi * bi;
  let [dr, di] = [br / norm, -bi / norm];
  let [hr, hi] = [dr, di];
  let [cr, ci] = [1e300, 0];
  for (let k = 1; k < 2000; k++) {
    const a = -k * k;
    br += 2;
    [dr, di] = inverse(a * dr + br, a * di + bi);
    const [er, ei] = inverse(cr, ci);
    [cr, ci] = [br + a * er, bi + a * ei];
    const [sr, si] = [cr * dr - ci * di, cr * di + ci * dr];
    [hr, hi] = [hr * sr - hi * si, hr * si + hi * sr];
    if (Math.abs(sr - 1) + Math.abs(si) < 3e-16) break;
  }
  return [-hi, hr];
}

function inverse(re: number, im: number): [number, number] {
  if (Math.abs(re) >= Math.abs(im)) {
    const r = im / re;
    const d = re + im * r;
    return [1 / d, -r / d];
  }
  const r = re / im;
  const d = im + re * r;
  return [r / d, -1 / d];
}

/** From here on the power series of the trigonometric integrals are not useful. */
const FAR = 4;

/** The derivative of order `n` of the sine integral `∫₀ˣ sin t / t dt`. */
export function sineIntegral(n: number, x: number): number {
  if (n > 0) return sincSlope(n - 1, x);
  if (x < 0) return -sineIntegral(0, -x);
  if (x === Infinity) return Math.PI / 2;
  if (x > FAR) {
    const [f, g] = auxiliary(x);
    return Math.PI / 2 - f * Math.cos(x) - g * Math.sin(x);
  }
  let term = x;
  let sum = x;
  for (let k = 1; k < 30; k++) {
    term *= -x * x / (2 * k * (2 * k + 1));
    sum += term / (2 * k + 1);
  }
  return sum;
}

/** The derivative of order `n` of `sin x / x`. */
function sincSlope(n: number, x: number): number {
  const size = Math.abs(x);
  if (size === Infinity) return 0;
  if (size < n + 1) {
    // Terms (-1)ᵏ x²ᵏ / (2k + 1)!, differentiated.
    let sum = 0;
    for (let k = Math.ceil(n / 2); k < n / 2 + 30 + n; k++) {
      let term = k % 2 === 0 ? 1 / (2 * k + 1) : -1 / (2 * k + 1);
      for (let j = 1; j <= 2 * k - n; j++) term *= x / j;
      sum += term;
    }
    return sum;
  }
  let value = Math.sin(x) / x;
  // x s⁽ᵏ⁾ + k s⁽ᵏ⁻¹⁾ = sin⁽ᵏ⁾ x
  for (let k = 1; k <= n; k++) {
    const wave = k % 2 === 0 ? Math.sin(x) : Math.cos(x);
    value = ((k % 4 < 2 ? wave : -wave) - k * value) / x;
  }
  return value;
}

/** The cosine integral `γ + log x + ∫₀ˣ (cos t - 1) / t dt`, for positive `x`. */
export function cosineIntegral(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : NaN;
  if (x === Infinity) return 0;
  if (x > FAR) {
    const [f, g] = auxiliary(x);
    return f * Math.sin(x) - g * Math.cos(x);
  }
  let term = 1;
  let sum = 0;
  for (let k = 1; k < 30; k++) {
    term *= -x * x / (2 * k * (2 * k - 1));
    sum += term / (2 * k);
  }
  return EULER + Math.log(x) + sum;
}

/** `πx²/2` modulo 2π, from the exact square. */
function quarterTurns(x: number): number {
  const scaled = 134217729 * x;
  const high = scaled - (scaled - x);
  const low = x - high;
  const square = x * x;
  const rest = ((high * high - square) + 2 * high * low) + low * low;
  return Math.PI / 2 * (square % 4 + rest);
}

/** `sin(πx²/2)`, or the cosine. */
export function fresnelSlope(isSine: boolean, x: number): number {
  if (Number.isNaN(x) || Math.abs(x) > 1e150) return NaN;
  const angle = quarterTurns(x);
  return isSine ? Math.sin(angle) : Math.cos(angle);
}

/** The Fresnel integral `∫₀ˣ sin(πt²/2) dt`, or that of the cosine. */
export function fresnel(isSine: boolean, x: number): number {
  if (x < 0) return -fresnel(isSine, -x);
  if (x > 1e17) return 0.5;
  if (x < 1.6) {
    const square = Math.PI / 2 * x * x;
    let term = isSine ? x * square : x;
    let sum = 0;
    for (let k = isSine ? 1 : 0; Math.abs(term) > 1e-18 * Math.abs(sum); k += 2) {
      sum += term / (2 * k + 1);
      term *= -square * square / ((k + 1) * (k + 2));
    }
    return sum;
  }
  return fresnelFar(isSine, x);
}

/** By the continued fraction of the complementary error function (NIST Handbook, 2010, 7.9.2). */
function fresnelFar(isSine: boolean, x: number): number {
  // (1 + i)/2 (1 - e^(iπx²/2) x (1 - i) / (b - 1·2/(b + 4 - 3·4/(b + 8 - ...)))), b = 1 - iπx².
  const turn = Math.PI * x * x;
  let br = 1;
  const bi = -turn;
  let [dr, di] = inverse(br, bi);
  let [hr, hi] = [dr, di];
  let [cr, ci] = [1e300, 0];
  for (let k = 1; k < 2000; k++) {
    const n = 2 * k - 1;
    const a = -n * (n + 1);
    br += 4;
    [dr, di] = inverse(a * dr + br, a * di + bi);
    const [er, ei] = inverse(cr, ci);
    [cr, ci] = [br + a * er, bi + a * ei];
    const [sr, si] = [cr * dr - ci * di, cr * di + ci * dr];
    [hr, hi] = [hr * sr - hi * si, hr * si + hi * sr];
    if (Math.abs(sr - 1) + Math.abs(si) < 3e-16) break;
  }
  const [pr, pi] = [x * (hr + hi), x * (hi - hr)];
  const angle = quarterTurns(x);
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const [vr, vi] = [1 - (c * pr - s * pi), -(c * pi + s * pr)];
  return isSine ? (vr + vi) / 2 : (vr - vi) / 2;
}

/** The derivative of order `n` of `log(1 + t) / t`. */
function logarithmSlope(n: number, t: number): number {
  if (Math.abs(t) < 0.5) {
    let sum = 0;
    for (let k = n + 60 + 10 * n; k >= n; k--) {
      let term = k % 2 === 0 ? 1 / (k + 1) : -1 / (k + 1);
      for (let j = 0; j < n; j++) term *= k - j;
      sum = sum * t + term;
    }
    return sum;
  }
  let value = Math.log1p(t) / t;
  // t g⁽ᵏ⁾ + k g⁽ᵏ⁻¹⁾ is the derivative of log(1 + t).
  let slope = 1 / (1 + t);
  for (let k = 1; k <= n; k++) {
    value = (slope - k * value) / t;
    slope *= -k / (1 + t);
  }
  return value;
}

/**
 * The derivative of order `n` of Spence's function `∫ log t / (1 - t) dt` from 1 to `x`, the dilogarithm of
 * `1 - x`. NaN for negative `x`.
 */
export function spence(n: number, x: number): number {
  if (!(x >= 0)) return NaN;
  if (n > 0) {
    return x === Infinity
      ? -0
      : x === 0
      ? (n % 2 === 0 ? Infinity : -Infinity)
      : -logarithmSlope(n - 1, x - 1);
  }
  if (x === 0) return Math.PI * Math.PI / 6;
  if (x === Infinity) return -Infinity;
  if (x > 1.5) return -0.5 * Math.log(x) ** 2 - spence(0, 1 / x);
  if (x < 0.5) return Math.PI * Math.PI / 6 - Math.log(x) * Math.log1p(-x) - spence(0, 1 - x);
  const z = 1 - x;
  let sum = 0;
  for (let k = 60; k >= 1; k--) sum = z * (sum + 1 / (k * k));
  return sum;
}
