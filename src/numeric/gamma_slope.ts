/**
 * The derivative of a gamma distributed number by its concentration at constant rank: implicit
 * reparameterisation (M. Figurnov, S. Mohamed and A. Mnih, "Implicit reparameterization gradients",
 * 2018).
 *
 * Let `y` be the logarithm of the number, `g(a, y) = exp(a y - e^y) / Γ(a)` its density and `G` its
 * cumulative distribution. From `G(a, y(a)) = constant` follows `y'(a) = -∂G/∂a / g`. Higher
 * derivatives need `Rₙ = -∂ⁿG/∂aⁿ / g`, each of which is a single integral. With
 * `hₙ = (∂ⁿg/∂aⁿ) / g`, a polynomial in `y`,
 *
 *     Rₙ(a, y) = -∫ hₙ(a, y + u) g(a, y + u) / g(a, y) du,  u from -∞ to 0,
 *              =  ∫ hₙ(a, y + u) g(a, y + u) / g(a, y) du,  u from 0 to ∞,
 *
 * since the whole integral of `hₙ g` is 0. `h₁ = y - ψ(a)`: below `ψ(a)` the integrand of the first
 * has one sign, above that of the second, so nothing cancels. It is analytic and decays at least
 * exponentially, so Gauss-Legendre quadrature converges fast.
 *
 * @module
 */
import { DIGAMMA_SERIES, polygamma } from "./special.ts";

/** Nodes of the quadrature rule on each panel. */
const NODES = 24;

/** The ends of the panels, as fractions of the range of integration. */
export const PANELS: readonly number[] = [0, 0.35, 1];

/** The integrand is neglected where it has decayed by this power of e. */
export const DEPTH = 44;

/** From here on logarithms of concentrations are factored out of differences. */
export const LARGE = 16;

/**
 * `Rₙ(a, y)` for `order` n >= 1, `concentration` a and `logarithm` y. NaN where `a` is not positive.
 *
 * The relative error is at most 1e-14 for order 1, and for order 2 at most 1e-10, except near its
 * zeros.
 */
export function gammaSlope(order: number, concentration: number, logarithm: number): number {
  const [a, y] = [concentration, logarithm];
  if (!(a > 0) || a === Infinity || Number.isNaN(y)) return NaN;
  // e^y then dominates every power of y.
  if (y > 700) return 0;
  if (y === -Infinity) return order % 2 === 1 ? Infinity : -Infinity;
  if (a >= 1) return integral(centreOf(order, a, 0), a, y);
  const next = centreOf(order, a + 1, 0);
  const first = y - next.digamma;
  if (first >= 0) return integral(centreOf(order, a + 1, 1 / a), a, y);
  // G(a, y) = G(a + 1, y) + e^y g(a, y) / a: all terms have the same sign here as well.
  return (Math.exp(y) * integral(next, a + 1, y) - densityRatio(next, first)) / a;
}

/** The inputs of the polynomial `hₙ`: derivatives of `log g` by the concentration. */
interface Centre {
  readonly order: number;
  /** `ψ(c)` of a concentration `c`. */
  readonly digamma: number;
  /** The derivatives of `log g` at `c` from the second on, which do not depend on `y`. */
  readonly higher: readonly number[];
  /** 0 when `c` is the concentration `a` itself; `1 / a` when it is `a + 1`. */
  readonly inverse: number;
}

function centreOf(order: number, c: number, inverse: number): Centre {
  const higher: number[] = [];
  for (let k = 1; k < order; k++) higher.push(-polygamma(k, c));
  return { order, digamma: polygamma(0, c), higher, inverse };
}

/**
 * `hₙ` where the first derivative of `log g` at `c` is `first`. With `c = a + 1`, `g` is `a` times
 * the differentiated function, so two terms of the product rule remain.
 */
function densityRatio(centre: Centre, first: number): number {
  const { order, higher, inverse } = centre;
  const value = order === 1 ? first : bell(order, first, higher);
  if (inverse === 0) return value;
  return value + order * inverse * (order === 1 ? 1 : bell(order - 1, first, higher));
}

/**
 * The `order`-th derivative of a function over the function, from the derivatives of its logarithm:
 * the complete Bell polynomial (E. T. Bell, "Exponential polynomials", 1934).
 */
function bell(order: number, first: number, higher: readonly number[]): number {
  const values = [1];
  for (let n = 1; n <= order; n++) {
    let sum = first * values[n - 1];
    let binomial = 1;
    for (let k = 2; k <= n; k++) {
      binomial *= (n - k + 1) / (k - 1);
      sum += binomial * higher[k - 2] * values[n - k];
    }
    values.push(sum);
  }
  return values[order];
}

/** The integral of the side on which `h₁` keeps its sign. */
function integral(centre: Centre, a: number, y: number): number {
  // All logarithms come from a single difference, so that they belong to the same y.
  const isLarge = a >= LARGE;
  const difference = isLarge ? y - Math.log(a) : 0;
  const x = isLarge ? a * Math.exp(difference) : Math.exp(y);
  const excess = isLarge ? -a * Math.expm1(difference) : a - x;
  const first = isLarge ? difference + logMinusDigamma(a) : y - centre.digamma;
  // Below 1 only the right side is integrated here, where `first` is not negative.
  const side = first < 0 ? -1 : 1;
  const end = rangeOf(excess, x, side);
  const [nodes, weights] = legendreRule();
  let sum = 0;
  for (let p = 1; p < PANELS.length; p++) {
    const start = end * PANELS[p - 1];
    const length = end * PANELS[p] - start;
    for (let i = 0; i < nodes.length; i++) {
      const u = side * (start + length * nodes[i]);
      sum += weights[i] * length * densityRatio(centre, first + u) *
        Math.exp(exponent(excess, x, u));
    }
  }
  return side * sum;
}

/** `log (g(a, y + u) / g(a, y))`, where `excess` is `a - x` and `x` is `e^y`. */
function exponent(excess: number, x: number, u: number): number {
  return excess * u - x * exponentialRest(u);
}

/** `e^u - 1 - u`. */
export function exponentialRest(u: number): number {
  if (Math.abs(u) > 0.5) return Math.expm1(u) - u;
  let term = u * u / 2;
  let sum = term;
  for (let k = 3; Math.abs(term) > 1e-17 * sum; k++) {
    term *= u / k;
    sum += term;
  }
  return sum;
}

/** The distance on one side up to which the integrand matters; at most a thirtieth too far. */
function rangeOf(excess: number, x: number, side: number): number {
  let outer = 1 / (Math.abs(excess) + Math.sqrt(x));
  while (exponent(excess, x, side * outer) > -DEPTH) outer *= 2;
  let inner = outer / 2;
  for (let i = 0; i < 4; i++) {
    const middle = (inner + outer) / 2;
    if (exponent(excess, x, side * middle) > -DEPTH) inner = middle;
    else outer = middle;
  }
  return outer;
}

/** `log a - ψ(a)` for large `a` (Abramowitz & Stegun 6.3.18). */
function logMinusDigamma(a: number): number {
  const square = 1 / (a * a);
  let sum = 0;
  for (let k = DIGAMMA_SERIES.length - 1; k >= 0; k--) sum = sum * square + DIGAMMA_SERIES[k];
  return 0.5 / a + square * sum;
}

let madeRule: [nodes: Float64Array, weights: Float64Array] | null = null;

/**
 * Nodes and weights on 0 to 1 of Gauss-Legendre quadrature: the zeros of the Legendre polynomial by
 * Newton's method, from Tricomi's approximation.
 */
export function legendreRule(): [nodes: Float64Array, weights: Float64Array] {
  if (madeRule !== null) return madeRule;
  const nodes = new Float64Array(NODES);
  const weights = new Float64Array(NODES);
  for (let i = 0; i < NODES; i++) {
    let z = Math.cos(Math.PI * (i + 0.75) / (NODES + 0.5));
    let slope = 0;
    for (let step = 0; step < 8; step++) {
      let [before, value] = [1, z];
      for (let n = 2; n <= NODES; n++) {
        [before, value] = [value, ((2 * n - 1) * z * value - (n - 1) * before) / n];
      }
      slope = NODES * (z * value - before) / (z * z - 1);
      z -= value / slope;
    }
    nodes[i] = (1 - z) / 2;
    weights[i] = 1 / ((1 - z * z) * slope * slope);
  }
  return madeRule = [nodes, weights];
}
