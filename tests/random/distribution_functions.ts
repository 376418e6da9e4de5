/**
 * Cumulative distribution functions, and how improbable a statistic is when nothing is wrong. The
 * incomplete functions are NIST's Digital Library of Mathematical Functions, chapter 8.
 *
 * @module
 */
import { erfc, lgamma } from "../../src/numeric/special.ts";

/** A cumulative distribution function. */
export type Cumulative = (x: number) => number;

/** The part of the gamma function's integral up to `x`: 8.7.1 below, 8.9.2 above `a + 1`. */
export function incompleteGamma(a: number, x: number): number {
  if (x <= 0) return 0;
  const factor = Math.exp(a * Math.log(x) - x - lgamma(a + 1));
  if (x < a + 1) {
    let [sum, term] = [1, 1];
    for (let k = 1; term > 1e-17 * sum; k++) sum += term *= x / (a + k);
    return factor * sum;
  }
  const fraction = continued((k) => [k === 1 ? a : -(k - 1) * (k - 1 - a), x + 2 * k - 1 - a]);
  return 1 - factor * fraction;
}

/** The part of the beta function's integral up to `x`: 8.17.22, from the side where it converges. */
export function incompleteBeta(a: number, b: number, x: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(b, a, 1 - x);
  const factor = Math.exp(
    a * Math.log(x) + b * Math.log1p(-x) + lgamma(a + b) - lgamma(a + 1) - lgamma(b),
  );
  return factor * continued((k) => {
    if (k === 1) return [1, 1];
    const m = Math.floor((k - 1) / 2);
    const numerator = k % 2 === 0
      ? -(a + m) * (a + b + m) / ((a + 2 * m) * (a + 2 * m + 1))
      : m * (b - m) / ((a + 2 * m - 1) * (a + 2 * m));
    return [numerator * x, 1];
  });
}

/** `n1 / (d1 + n2 / (d2 + ...))` from the pairs `(n, d)`: W. J. Lentz's method (1976). */
function continued(pair: (k: number) => readonly [numerator: number, denominator: number]): number {
  const tiny = 1e-300;
  let [value, c, d] = [tiny, tiny, 0];
  for (let k = 1; k < 10_000; k++) {
    const [numerator, denominator] = pair(k);
    d = denominator + numerator * d || tiny;
    c = denominator + numerator / c || tiny;
    d = 1 / d;
    value *= c * d;
    if (Math.abs(c * d - 1) < 1e-15) return value;
  }
  throw new Error("The continued fraction does not converge");
}

/** The standard normal distribution. */
export function normal(x: number): number {
  return erfc(-x / Math.SQRT2) / 2;
}

/**
 * How probable it is that independent draws lie at least as far from their distribution as these
 * (Kolmogorov and Smirnov's two-sided test, with M. A. Stephens' correction for their number, 1970).
 */
export function kolmogorovSmirnov(draws: readonly number[], cumulative: Cumulative): number {
  const sorted = Float64Array.from(draws).sort();
  const { length } = sorted;
  let distance = 0;
  sorted.forEach((x, i) => {
    const p = cumulative(x);
    if (!(p >= 0 && p <= 1 + 1e-12)) throw new Error(`The probability of ${x} is ${p}`);
    distance = Math.max(distance, p - i / length, (i + 1) / length - p);
  });
  const root = Math.sqrt(length);
  const t = distance * (root + 0.12 + 0.11 / root);
  let tail = 0;
  for (let k = 1; k < 100; k++) tail += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * k * k * t * t);
  return t < 0.2 ? 1 : tail;
}

/** How probable counts are that are at least as far from these probabilities (Pearson's test). */
export function chiSquare(counts: readonly number[], probabilities: readonly number[]): number {
  const total = counts.reduce((a, b) => a + b, 0);
  let statistic = 0;
  counts.forEach((count, i) => {
    const expected = total * probabilities[i];
    // Below five the statistic is not distributed as it should be.
    if (expected < 5) throw new Error(`Only ${expected} are expected at [${i}]`);
    statistic += (count - expected) ** 2 / expected;
  });
  return 1 - incompleteGamma((counts.length - 1) / 2, statistic / 2);
}
