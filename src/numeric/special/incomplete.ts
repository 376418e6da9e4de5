/**
 * Incomplete gamma and beta functions of doubles, and their derivatives by their parameters.
 *
 * All are integrals of a density `g` of the exponential family, from the argument to one end, in a
 * variable in which it is smooth on the whole line: the logarithm of `x`, or `log(x / (1 - x))`.
 * Divided by the density at the argument, the integrand starts at 1 (times a polynomial of
 * logarithms, for derivatives). The integral is taken to the end towards which the integrand decays
 * and keeps its sign, so nothing cancels. It is computed by Gauss-Legendre quadrature, as in
 * `gamma_slope.ts`.
 *
 * @module
 */
import { DEPTH, exponentialRest, legendreRule, PANELS } from "../gamma_slope.ts";
import { lgamma, polygamma } from "../special.ts";
import { deviance, gamma, logRest, polygammaStep, stirlingRest } from "./factorials.ts";

/** The maximum length of a panel of the quadrature where the integrand may have structure. */
const PANEL = 4;

/**
 * The integral from 0 of `weight(u) exp(exponent(u))` in the direction of `side`. For long
 * integrands, the length of the panels up to `core` is limited by the nearest singularity, a
 * distance π away; beyond, the integrand is merely exponential.
 */
function tail(
  side: number,
  scale: number,
  core: number,
  exponent: (u: number) => number,
  weight: (u: number) => number,
): number {
  let outer = 1 / scale;
  while (exponent(side * outer) > -DEPTH) outer *= 2;
  let inner = outer / 2;
  for (let i = 0; i < 4; i++) {
    const middle = (inner + outer) / 2;
    if (exponent(side * middle) > -DEPTH) inner = middle;
    else outer = middle;
  }
  const [nodes, weights] = legendreRule();
  const panel = (start: number, length: number) => {
    let sum = 0;
    for (let i = 0; i < nodes.length; i++) {
      const u = side * (start + length * nodes[i]);
      sum += weights[i] * weight(u) * Math.exp(exponent(u));
    }
    return length * sum;
  };
  let total = 0;
  let start = 0;
  while (start < outer) {
    const natural = start === 0 ? outer * PANELS[1] : outer - start;
    const allowed = start < core ? PANEL : Math.max(PANEL, start - core);
    const length = Math.min(natural, allowed, outer - start);
    const part = panel(start, length);
    total += part;
    if (Math.abs(part) < 1e-18 * Math.abs(total)) break;
    start += length;
  }
  return total;
}

/** `x^a e^-x / Γ(a + 1)` */
function poisson(a: number, x: number): number {
  if (x === 0) return a === 0 ? 1 : 0;
  if (a >= 10) return Math.exp(-stirlingRest(a) - deviance(a, x)) / Math.sqrt(2 * Math.PI * a);
  if (x > 600) return Math.exp(a * Math.log(x) - x - lgamma(a + 1));
  return Math.pow(x, a) * Math.exp(-x) / gamma(a + 1);
}

/** The density `x^(a - 1) e^-x / Γ(a)` of the gamma distribution; NaN if `a` is not positive. */
export function gammaDensity(a: number, x: number): number {
  if (!(a > 0 && x >= 0)) return NaN;
  if (x === Infinity || a === Infinity) return 0;
  if (a >= 1) return poisson(a - 1, x);
  if (x > 600) return a / x * poisson(a, x);
  return Math.pow(x, a - 1) * Math.exp(-x) * a / gamma(a + 1);
}

/**
 * The part of the integral of the gamma function on one side of `x`, divided by `x` times the
 * density there.
 */
function gammaTail(side: number, a: number, x: number): number {
  const excess = a - x;
  const exponent = (u: number) => excess * u - x * exponentialRest(u);
  return tail(side, Math.abs(excess) + Math.sqrt(x), Infinity, exponent, () => 1);
}

/**
 * The regularised lower incomplete gamma function `P(a, x)`, or the upper one `Q = 1 - P`: NaN for
 * negative arguments, and if both are 0 or infinite.
 */
export function incompleteGamma(isUpper: boolean, a: number, x: number): number {
  if (!(a >= 0 && x >= 0) || (a === 0 && x === 0) || (a === Infinity && x === Infinity)) return NaN;
  if (a === 0 || x === Infinity) return isUpper ? 0 : 1;
  if (x === 0 || a === Infinity) return isUpper ? 1 : 0;
  // If P is small, P is computed; for a below 1 each is computed directly.
  const isFar = a < 1 ? isUpper : x >= a;
  if (isFar) {
    const upper = x > 800 && x > 40 * a ? 0 : a * poisson(a, x) * gammaTail(1, a, x);
    return isUpper ? upper : 1 - upper;
  }
  const weight = poisson(a, x);
  const lower = a < 1
    ? weight +
      (x < 1 || x < a + 1
        ? (a + 1) * poisson(a + 1, x) * gammaTail(-1, a + 1, x)
        : 1 - (a + 1) * poisson(a + 1, x) * gammaTail(1, a + 1, x))
    : a * weight * gammaTail(-1, a, x);
  return isUpper ? 1 - lower : lower;
}

/** `x^a (1 - x)^b / B(a, b)` */
function betaWeight(a: number, b: number, x: number): number {
  const sum = a + b;
  const exponent = stirlingRest(sum) - stirlingRest(a) - stirlingRest(b) -
    deviance(a, sum * x) - deviance(b, sum * (1 - x));
  return Math.sqrt(a / sum * (b / (2 * Math.PI))) * Math.exp(exponent);
}

/** The density `x^(a - 1) (1 - x)^(b - 1) / B(a, b)` of the beta distribution. */
export function betaDensity(a: number, b: number, x: number): number {
  if (!(a > 0 && b > 0 && x >= 0 && x <= 1)) return NaN;
  if (x === 0) return a < 1 ? Infinity : a === 1 ? b : 0;
  if (x === 1) return b < 1 ? Infinity : b === 1 ? a : 0;
  return betaWeight(a, b, x) / (x * (1 - x));
}

/** `log(1 + p (e^v - 1)) - p v`, for `0 < p < 1` with complement `q`: no less than 0. */
function logMean(p: number, q: number, v: number): number {
  if (p > 0.5) return logMean(q, p, -v);
  if (v > 30) return q * v + Math.log(p + q * Math.exp(-v));
  const s = p * Math.expm1(v);
  return v > 1 ? Math.log1p(s) - p * v : logRest(s) + p * exponentialRest(v);
}

/**
 * The regularised incomplete beta function. NaN if a parameter is not positive, or `x` is not in
 * [0, 1].
 */
export function incompleteBeta(a: number, b: number, x: number): number {
  if (!(a > 0 && b > 0 && x >= 0 && x <= 1)) return NaN;
  if (x === 0 || x === 1) return x;
  const isLeft = x < a / (a + b);
  const part = betaWeight(a, b, x) * betaTail([0, 0], a, b, x, isLeft ? -1 : 1);
  return isLeft ? part : 1 - part;
}

/** How often a function of `a` and `b` is differentiated by each. */
export type Orders = readonly [a: number, b: number];

/**
 * The derivative of {@linkcode incompleteBeta} of these orders, at least one of which is not 0,
 * divided by the weight `x^a (1 - x)^b / B(a, b)`.
 */
export function incompleteBetaSlope(orders: Orders, a: number, b: number, x: number): number {
  if (!(a > 0 && b > 0 && x >= 0 && x <= 1)) return NaN;
  if (x === 0 || x === 1) return NaN;
  const isLeft = orders[0] > 0
    ? Math.log(x) + polygammaStep(0, a, b) < 0
    : Math.log1p(-x) + polygammaStep(0, b, a) > 0;
  const side = isLeft ? -1 : 1;
  return -side * betaTail(orders, a, b, x, side);
}

/** The integral on one side of `x` of the derivative of the weight, divided by the weight at `x`. */
function betaTail(orders: Orders, a: number, b: number, x: number, side: number): number {
  const y = 1 - x;
  const excess = a * y - b * x;
  const sum = a + b;
  const place = side * (Math.log(x) - Math.log1p(-x));
  const core = 40 + Math.log1p(side < 0 ? b : a) - place;
  const scale = Math.abs(excess) + Math.sqrt(sum * x * y);
  const exponent = (u: number) => excess * u - sum * logMean(x, y, u);
  if (orders[0] + orders[1] === 0) return tail(side, scale, core, exponent, () => 1);
  const higher = higherSlopes(orders, a, b);
  const [first, second] = [
    Math.log(x) + polygammaStep(0, a, b),
    Math.log1p(-x) + polygammaStep(0, b, a),
  ];
  // log(t / x) and log((1 - t) / (1 - x)) at distance u from x.
  const change = (u: number): [number, number] => {
    const rise = logMean(x, y, u);
    return [y * u - rise, -x * u - rise];
  };
  return tail(side, scale, core, exponent, (u) => {
    const [da, db] = change(u);
    return bell(orders, first + da, second + db, higher);
  });
}

/** Derivatives of the logarithm of the weight from the second on; they do not depend on `x`. */
function higherSlopes([m, n]: Orders, a: number, b: number): number[][] {
  return Array.from({ length: m + 1 }, (_, i) =>
    Array.from({ length: n + 1 }, (_, j) => {
      if (i + j < 2) return 0;
      if (j === 0) return polygammaStep(i - 1, a, b);
      if (i === 0) return polygammaStep(j - 1, b, a);
      return polygamma(i + j - 1, a + b);
    }));
}

/** The derivative of a function divided by the function, from the derivatives of its logarithm. */
function bell(
  [m, n]: Orders,
  first: number,
  second: number,
  higher: readonly (readonly number[])[],
): number {
  if (m + n === 1) return m === 1 ? first : second;
  const slope = (i: number, j: number) =>
    i === 1 && j === 0 ? first : i === 0 && j === 1 ? second : higher[i][j];
  const values: number[][] = [];
  for (let i = 0; i <= m; i++) {
    values.push([]);
    for (let j = 0; j <= n; j++) {
      if (i + j === 0) {
        values[0].push(1);
        continue;
      }
      // One derivative is taken last: by a, if there is one by a.
      const [p, q] = i > 0 ? [i - 1, j] : [0, j - 1];
      let sum = 0;
      let left = 1;
      for (let k = 0; k <= p; k++) {
        let right = left;
        for (let l = 0; l <= q; l++) {
          sum += right * (i > 0 ? slope(k + 1, l) : slope(k, l + 1)) * values[p - k][q - l];
          right *= (q - l) / (l + 1);
        }
        left *= (p - k) / (k + 1);
      }
      values[i].push(sum);
    }
  }
  return values[m][n];
}
