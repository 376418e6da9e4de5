/**
 * The Hurwitz zeta function of doubles, and its derivatives by the exponent.
 *
 * @module
 */
import { BERNOULLI } from "../special.ts";

/**
 * The derivative of order `n` by `s` of `Σ (q + k)⁻ˢ`, k from 0 to infinity, for `s > 1`: the first
 * terms summed, the others by Euler and Maclaurin's formula (NIST Handbook, 2010, 25.11.7).
 * Infinite at poles; NaN if `s < 1`, and if `q` is negative and `s` is not an integer or the
 * function is differentiated.
 */
export function zeta(n: number, s: number, q: number): number {
  if (!(s >= 1) || Number.isNaN(q)) return NaN;
  if (s === 1) return n % 2 === 0 ? Infinity : -Infinity;
  if (q <= 0) {
    if (Number.isInteger(q)) return n === 0 ? Infinity : NaN;
    if (!Number.isInteger(s) || n > 0) return NaN;
    // Bases of both signs.
    const part = Math.ceil(q) - q;
    const below = zeta(0, s, part) - zeta(0, s, 1 - q);
    return zeta(0, s, 1 - part) + (s % 2 === 0 ? below : -below);
  }
  if (q === Infinity) return 0;
  if (s === Infinity) return q > 1 || n > 0 ? 0 : q === 1 ? 1 : Infinity;
  const power = (w: number) => Math.pow(w, -s) * (n === 0 ? 1 : Math.pow(-Math.log(w), n));
  const far = 0.82 * (Math.min(s, 300) + 11) + 2 * n;
  let sum = 0;
  let w = q;
  for (let k = 1; w < far; k++) {
    const term = power(w);
    sum += term;
    if (w > Math.E ** (n / s) + 1 && Math.abs(term * w) < 1e-18 * Math.abs(sum)) return sum;
    w = q + k;
  }
  return sum + tail(n, s, w);
}

/** The rest of the sum, from `w` on: coefficient `n` of its power series in a change of `s`, times `n!`. */
function tail(n: number, s: number, w: number): number {
  const log = -Math.log(w);
  // w^-s (w / (s - 1) + 1/2 + Σ B₂ₖ/(2k)! s (s + 1) ... (s + 2k - 2) w^(1 - 2k))
  const factor = Array.from({ length: n + 1 }, (_, i) => Number(i === 0));
  const sum = factor.map((_, i) => (i % 2 === 0 ? w : -w) / (s - 1) ** (i + 1));
  sum[0] += 0.5;
  const times = (constant: number, scale: number) => {
    for (let i = n; i >= 0; i--) {
      factor[i] = (factor[i] * constant + (i > 0 ? factor[i - 1] : 0)) * scale;
    }
  };
  times(s, 0.5 / w);
  for (let k = 0; k < BERNOULLI.length; k++) {
    for (let i = 0; i <= n; i++) sum[i] += BERNOULLI[k] * factor[i];
    const j = 2 * k + 2;
    times(s + j - 1, 1 / ((j + 1) * w));
    times(s + j, 1 / ((j + 2) * w));
  }
  let value = 0;
  let power = Math.pow(w, -s);
  for (let i = 0; i <= n; i++) {
    value += power * sum[n - i];
    power *= log / (i + 1);
  }
  for (let k = 2; k <= n; k++) value *= k;
  return value;
}
