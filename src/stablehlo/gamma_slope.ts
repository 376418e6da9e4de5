/**
 * The rule for the derivative of gamma distributed numbers with respect to their concentration: the
 * integrals of `numeric/gamma_slope.ts`, for all elements at once.
 *
 * Source: M. Figurnov, S. Mohamed and A. Mnih, "Implicit reparameterization gradients", 2018.
 *
 * @module
 */
import { DEPTH, LARGE, legendreRule, PANELS } from "../numeric/gamma_slope.ts";
import { DIGAMMA_SERIES } from "../numeric/special.ts";
import type { RandomGammaSlopeParams } from "../primitives/random_gamma.ts";
import type { Builder } from "./builder.ts";
import type { Context } from "./rule.ts";
import type { Value } from "./writer.ts";

/** This number of terms of the series of `exponentialRest` is sufficient where it is used. */
const TERMS = 16;

/** `e^u - 1 - u`. */
function exponentialRest(b: Builder, u: Value): Value {
  const far = b.sub(b.elementwise("stablehlo.exponential_minus_one", u), u);
  let sum = b.splat(1, u);
  for (let k = TERMS; k > 2; k--) sum = b.add(b.mul(b.div(u, k), sum), 1);
  const near = b.mul(b.mul(b.mul(u, u), 0.5), sum);
  return b.select(b.compare("GT", b.abs(u), 0.5), far, near);
}

/** The complete Bell polynomials up to `order` of the derivatives of a logarithm. */
function bellPolynomials(b: Builder, order: number, first: Value, higher: readonly Value[]) {
  const values = [b.splat(1, first)];
  for (let n = 1; n <= order; n++) {
    let sum = b.mul(first, values[n - 1]);
    let binomial = 1;
    for (let k = 2; k <= n; k++) {
      binomial *= (n - k + 1) / (k - 1);
      sum = b.add(sum, b.mul(b.mul(higher[k - 2], values[n - k]), binomial));
    }
    values.push(sum);
  }
  return values;
}

/** `log a - ψ(a)` for large `a` (Abramowitz & Stegun 6.3.18). */
function logMinusDigamma(b: Builder, a: Value): Value {
  const square = b.div(1, b.mul(a, a));
  const sum = DIGAMMA_SERIES.reduceRight(
    (sum, coefficient) => b.add(b.mul(sum, square), coefficient),
    b.splat(0, a),
  );
  return b.add(b.div(0.5, a), b.mul(square, sum));
}

/** The distance on one side at which the integrand becomes negligible, if `exponent` is its logarithm. */
function rangeOf(b: Builder, start: Value, exponent: (distance: Value) => Value): Value {
  const isShort = (distance: Value) => b.compare("GT", exponent(distance), -DEPTH);
  const [outer] = b.while(
    [start],
    ([outer]) => b.any(b.and(isShort(outer), b.compare("LT", outer, 2 ** 1000))),
    ([outer]) => [b.select(isShort(outer), b.mul(outer, 2), outer)],
  );
  const [, end] = b.repeat(4, [b.mul(outer, 0.5), outer], (_i, [inner, outer]) => {
    const middle = b.mul(b.add(inner, outer), 0.5);
    const isInside = isShort(middle);
    return [b.select(isInside, middle, inner), b.select(isInside, outer, middle)];
  });
  return end;
}

/** The nodes and weights of all panels, for a range of length 1. */
function panelRule(): readonly (readonly [node: number, weight: number])[] {
  const [nodes, weights] = legendreRule();
  return PANELS.slice(1).flatMap((end, panel) => {
    const length = end - PANELS[panel];
    return Array.from(
      nodes,
      (node, i) => [PANELS[panel] + length * node, length * weights[i]] as const,
    );
  });
}

/** The slopes of numbers where they are neither 0 nor infinite nor NaN. */
function slopeOf(b: Builder, a: Value, y: Value, order: number): Value {
  const isSmall = b.compare("LT", a, 1);
  const c = b.select(isSmall, b.add(a, 1), a);
  const digamma = b.chlo("digamma", c);
  const higher = Array.from(
    { length: order - 1 },
    (_, k) => b.neg(b.chlo("polygamma", b.splat(k + 1, c), c)),
  );
  const gap = b.sub(y, digamma);
  const isLeft = b.and(isSmall, b.compare("LT", gap, 0));
  const isShifted = b.and(isSmall, b.not(isLeft));
  const inverse = b.select(isShifted, b.div(order, a), 0);
  const density = (first: Value) => {
    const values = bellPolynomials(b, order, first, higher);
    return b.add(values[order], b.mul(inverse, values[order - 1]));
  };
  const own = b.select(isLeft, c, a);
  const isLarge = b.compare("GE", own, LARGE);
  // Computed from one difference of logarithms, so that all of them belong to the same y.
  const difference = b.sub(y, b.log(own));
  const power = b.exp(y);
  const x = b.select(isLarge, b.mul(own, b.exp(difference)), power);
  const change = b.elementwise("stablehlo.exponential_minus_one", difference);
  const excess = b.select(isLarge, b.neg(b.mul(own, change)), b.sub(own, x));
  const first = b.select(isLarge, b.add(difference, logMinusDigamma(b, own)), gap);
  const side = b.select(b.compare("LT", first, 0), b.splat(-1, first), 1);
  const exponent = (u: Value) => b.sub(b.mul(excess, u), b.mul(x, exponentialRest(b, u)));
  const start = b.div(1, b.add(b.abs(excess), b.elementwise("stablehlo.sqrt", x)));
  const end = rangeOf(b, start, (distance) => exponent(b.mul(side, distance)));
  const points = panelRule();
  const type = { dtype: "float64", shape: [points.length] } as const;
  const [nodes, weights] = [0, 1].map((part) =>
    b.constant(Float64Array.from(points, (point) => point[part]), type)
  );
  const [sum] = b.repeat(points.length, [b.splat(0, end)], (i, [sum]) => {
    const [node, weight] = [nodes, weights].map((list) =>
      b.broadcast(b.reshape(b.dynamicSlice(list, [i], [1]), []), end, [])
    );
    const u = b.mul(side, b.mul(end, node));
    const value = b.mul(density(b.add(first, u)), b.exp(exponent(u)));
    return [b.add(sum, b.mul(b.mul(weight, end), value))];
  });
  const integral = b.mul(side, sum);
  // G(a, y) = G(a + 1, y) + e^y g(a, y) / a: the terms have one sign on the left as well.
  const whole = b.div(b.sub(b.mul(power, integral), density(gap)), a);
  return b.select(isLeft, whole, integral);
}

function randomGammaSlope(
  b: Builder,
  args: readonly Value[],
  { params: { order }, types: [type] }: Context<RandomGammaSlopeParams>,
): readonly Value[] {
  if (type.shape.includes(0)) return [b.splat(0, type)];
  const [a, y] = args.map((x) => b.convert(x, "float64"));
  const isPositive = b.and(b.compare("GT", a, 0), b.compare("LT", a, Infinity));
  const isKnown = b.and(isPositive, b.not(b.isNan(y)));
  const isLow = b.compare("EQ", y, -Infinity);
  // e^y then grows faster than every power of y.
  const isHigh = b.compare("GT", y, 700);
  const isPlain = b.and(isKnown, b.not(b.or(isLow, isHigh)));
  const slope = slopeOf(b, b.select(isPlain, a, 1), b.select(isPlain, y, 0), order);
  const limit = b.select(isLow, order % 2 === 1 ? Infinity : -Infinity, b.splat(0, a));
  const result = b.select(isPlain, slope, b.select(isKnown, limit, NaN));
  return [b.convert(result, type.dtype)];
}

/** The rule, by its primitive. */
export const gammaSlope = { randomGammaSlope } as const;
