/**
 * The gamma function, quotients of its values, and the incomplete functions.
 *
 * @module
 */
import * as factorials from "../numeric/special/factorials.ts";
import * as incomplete from "../numeric/special/incomplete.ts";
import type { Orders } from "../numeric/special/incomplete.ts";
import type { Primitive } from "../core/primitive.ts";
import type { Tensor } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";
import { add, div, mul, neg, offset, reciprocal, scale, sub } from "./arithmetic.ts";
import { and, equal, less, select } from "./comparison.ts";
import { mapped } from "./elementwise.ts";
import { randomGammaSlope } from "./random_gamma.ts";
import { constantLike } from "./structure.ts";
import { log, log1p, polygamma } from "./transcendental.ts";

/** The gamma function. */
export const gammaPrimitive: Primitive<null> = mapped({
  name: "gamma",
  arity: 1,
  apply: () => factorials.gamma,
  derivative: {
    kind: "smooth",
    tangents: [(dx, [x], [out]) => mul(dx, mul(out, polygamma(x, 0)))],
  },
});

/** Elementwise Γ(x). */
export function gamma(x: Tensor): Tensor {
  return bindOne(gammaPrimitive, [x], null);
}

/** The order of a derivative. */
export interface OrderParams {
  /** The order of the derivative, or the order of the function itself: a non-negative integer. */
  readonly order: number;
}

/** `ψₙ(x + h) - ψₙ(x)` of order n, without cancellation where `h` is small. */
export const polygammaStepPrimitive: Primitive<OrderParams> = mapped<OrderParams>({
  name: "polygammaStep",
  arity: 2,
  apply: ({ order }) => (x, h) => factorials.polygammaStep(order, x, h),
  derivative: {
    kind: "smooth",
    tangents: [
      (dx, [x, h], _out, { order }) => mul(dx, polygammaStep(x, h, order + 1)),
      (dh, [x, h], _out, { order }) => mul(dh, polygamma(add(x, h), order + 1)),
    ],
  },
});

/** Strict `ψₙ(x + h) - ψₙ(x)`. */
export function polygammaStep(x: Tensor, h: Tensor, order: number): Tensor {
  return bindOne(polygammaStepPrimitive, [x, h], { order });
}

/** Euler's beta function. */
export const betaPrimitive: Primitive<null> = mapped({
  name: "beta",
  arity: 2,
  apply: () => factorials.beta,
  derivative: {
    kind: "smooth",
    tangents: [
      (da, [a, b], [out]) => neg(mul(da, mul(out, polygammaStep(a, b, 0)))),
      (db, [a, b], [out]) => neg(mul(db, mul(out, polygammaStep(b, a, 0)))),
    ],
  },
});

/** Strict B(a, b). */
export function beta(a: Tensor, b: Tensor): Tensor {
  return bindOne(betaPrimitive, [a, b], null);
}

/** The logarithm of the absolute value of the beta function. */
export const logBetaPrimitive: Primitive<null> = mapped({
  name: "logBeta",
  arity: 2,
  apply: () => factorials.logBeta,
  derivative: {
    kind: "smooth",
    tangents: [
      (da, [a, b]) => neg(mul(da, polygammaStep(a, b, 0))),
      (db, [a, b]) => neg(mul(db, polygammaStep(b, a, 0))),
    ],
  },
});

/** Strict log |B(a, b)|. */
export function logBeta(a: Tensor, b: Tensor): Tensor {
  return bindOne(logBetaPrimitive, [a, b], null);
}

/** `Γ(z + m) / Γ(z)` */
export const pochhammerPrimitive: Primitive<null> = mapped({
  name: "pochhammer",
  arity: 2,
  apply: () => factorials.pochhammer,
  derivative: {
    kind: "smooth",
    tangents: [
      (dz, [z, m], [out]) => mul(dz, mul(out, polygammaStep(z, m, 0))),
      (dm, [z, m], [out]) => mul(dm, mul(out, polygamma(add(z, m), 0))),
    ],
  },
});

/** Strict `Γ(z + m) / Γ(z)`. */
export function pochhammer(z: Tensor, m: Tensor): Tensor {
  return bindOne(pochhammerPrimitive, [z, m], null);
}

/** The density of the gamma distribution, `x^(a - 1) e^-x / Γ(a)`. */
export const gammaDensityPrimitive: Primitive<null> = mapped({
  name: "gammaDensity",
  arity: 2,
  apply: () => incomplete.gammaDensity,
  derivative: {
    kind: "smooth",
    tangents: [
      (da, [a, x], [out]) => mul(da, weighted(out, sub(log(x), polygamma(a, 0)))),
      (dx, [a, x], [out]) => {
        // x^(a - 2) is the density of a - 1, if there is one, also at 0.
        const before = offset(a, -1);
        const one = constantLike(a, 1);
        const isAbove = less(one, a);
        const lower = gammaDensity(select(isAbove, before, one), x);
        const below = select(equal(a, one), before, mul(before, div(out, x)));
        return mul(dx, sub(select(isAbove, lower, below), out));
      },
    ],
  },
});

/** Strict density of the gamma distribution. */
export function gammaDensity(a: Tensor, x: Tensor): Tensor {
  return bindOne(gammaDensityPrimitive, [a, x], null);
}

/** `weight factor`, but 0 where the weight is 0, for all factors. */
function weighted(weight: Tensor, factor: Tensor): Tensor {
  const isZero = equal(weight, constantLike(weight, 0));
  return select(isZero, weight, mul(weight, select(isZero, constantLike(factor, 1), factor)));
}

/** Parameters of `incompleteGamma`. */
export interface IncompleteGammaParams {
  /** Whether it is the integral from `x` on. */
  readonly isUpper: boolean;
}

/** The regularised incomplete gamma functions. */
export const incompleteGammaPrimitive: Primitive<IncompleteGammaParams> = mapped<
  IncompleteGammaParams
>({
  name: "incompleteGamma",
  arity: 2,
  apply: ({ isUpper }) => (a, x) => incomplete.incompleteGamma(isUpper, a, x),
  derivative: {
    kind: "smooth",
    tangents: [
      (da, [a, x], _out, { isUpper }) => {
        const isZero = equal(x, constantLike(x, 0));
        const held = select(isZero, constantLike(x, 1), x);
        const weight = mul(held, gammaDensity(a, held));
        const slope = weighted(weight, randomGammaSlope(a, log(held), 1));
        const kept = select(isZero, constantLike(x, 0), slope);
        return mul(da, isUpper ? kept : neg(kept));
      },
      (dx, [a, x], _out, { isUpper }) => {
        const density = gammaDensity(a, x);
        return mul(dx, isUpper ? neg(density) : density);
      },
    ],
  },
});

/** Strict regularised incomplete gamma function. */
export function incompleteGamma(a: Tensor, x: Tensor, isUpper: boolean): Tensor {
  return bindOne(incompleteGammaPrimitive, [a, x], { isUpper });
}

/**
 * `log x - ψ(a) + ψ(a + b)` and `log(1 - x) - ψ(b) + ψ(a + b)`: the derivatives of the logarithm of a
 * beta density.
 */
function densitySlopes(a: Tensor, b: Tensor, x: Tensor): [Tensor, Tensor] {
  return [
    add(log(x), polygammaStep(a, b, 0)),
    add(log1p(neg(x)), polygammaStep(b, a, 0)),
  ];
}

/** The density of the beta distribution, `x^(a - 1) (1 - x)^(b - 1) / B(a, b)`. */
export const betaDensityPrimitive: Primitive<null> = mapped({
  name: "betaDensity",
  arity: 3,
  apply: () => incomplete.betaDensity,
  derivative: {
    kind: "smooth",
    tangents: [
      (da, [a, b, x], [out]) => mul(da, weighted(out, densitySlopes(a, b, x)[0])),
      (db, [a, b, x], [out]) => mul(db, weighted(out, densitySlopes(a, b, x)[1])),
      (dx, [a, b, x], [out]) => {
        const y = offset(neg(x), 1);
        const first = powerSlope(a, x, out, b, (lower) => betaDensity(lower, b, x));
        const second = powerSlope(b, y, out, a, (lower) => betaDensity(a, lower, x));
        return mul(dx, sub(first, second));
      },
    ],
  },
});

/** `(a - 1) / x` times the density, also at 0, where it may be that of `a - 1`. */
function powerSlope(
  a: Tensor,
  x: Tensor,
  out: Tensor,
  b: Tensor,
  densityOf: (a: Tensor) => Tensor,
): Tensor {
  const before = offset(a, -1);
  const one = constantLike(a, 1);
  const isAbove = less(one, a);
  const lower = mul(add(before, b), densityOf(select(isAbove, before, one)));
  return select(
    isAbove,
    lower,
    select(equal(a, one), before, mul(before, div(out, x))),
  );
}

/** Strict density of the beta distribution. */
export function betaDensity(a: Tensor, b: Tensor, x: Tensor): Tensor {
  return bindOne(betaDensityPrimitive, [a, b, x], null);
}

/** The regularised incomplete beta function. */
export const incompleteBetaPrimitive: Primitive<null> = mapped({
  name: "incompleteBeta",
  arity: 3,
  apply: () => incomplete.incompleteBeta,
  derivative: {
    kind: "smooth",
    tangents: [
      (da, [a, b, x]) => mul(da, parameterSlope([1, 0], a, b, x)),
      (db, [a, b, x]) => mul(db, parameterSlope([0, 1], a, b, x)),
      (dx, [a, b, x]) => mul(dx, betaDensity(a, b, x)),
    ],
  },
});

/** A first derivative of the incomplete function; 0 at the ends. */
function parameterSlope(orders: Orders, a: Tensor, b: Tensor, x: Tensor): Tensor {
  const [zero, half, one] = [0, 0.5, 1].map((value) => constantLike(x, value));
  const isInside = and(less(zero, x), less(x, one));
  const held = select(isInside, x, half);
  const weight = mul(mul(held, offset(neg(held), 1)), betaDensity(a, b, held));
  const slope = weighted(weight, incompleteBetaSlope(a, b, held, orders));
  return select(isInside, slope, zero);
}

/** Strict regularised incomplete beta function. */
export function incompleteBeta(a: Tensor, b: Tensor, x: Tensor): Tensor {
  return bindOne(incompleteBetaPrimitive, [a, b, x], null);
}

/** Parameters of `incompleteBetaSlope`. */
export interface IncompleteBetaSlopeParams {
  /** The orders of the derivatives with respect to `a` and `b`. */
  readonly orders: Orders;
}

/**
 * Derivatives of the incomplete function with respect to its parameters, divided by `x^a (1 - x)^b /
 * B(a, b)`. By the quotient rule the derivatives of one are functions of it and the next, so that all
 * exist.
 */
export const incompleteBetaSlopePrimitive: Primitive<IncompleteBetaSlopeParams> = mapped<
  IncompleteBetaSlopeParams
>({
  name: "incompleteBetaSlope",
  arity: 3,
  apply: ({ orders }) => (a, b, x) => incomplete.incompleteBetaSlope(orders, a, b, x),
  derivative: {
    kind: "smooth",
    tangents: [
      (da, [a, b, x], [out], { orders: [m, n] }) => {
        const [first] = densitySlopes(a, b, x);
        return mul(da, sub(incompleteBetaSlope(a, b, x, [m + 1, n]), mul(out, first)));
      },
      (db, [a, b, x], [out], { orders: [m, n] }) => {
        const [, second] = densitySlopes(a, b, x);
        return mul(db, sub(incompleteBetaSlope(a, b, x, [m, n + 1]), mul(out, second)));
      },
      (dx, [a, b, x], [out], { orders }) => {
        const y = offset(neg(x), 1);
        const density = mul(ratio(orders, a, b, x), reciprocal(mul(x, y)));
        return mul(dx, sub(density, mul(out, sub(div(a, x), div(b, y)))));
      },
    ],
  },
});

/** Strict derivative of the incomplete beta function divided by its weight. */
export function incompleteBetaSlope(a: Tensor, b: Tensor, x: Tensor, orders: Orders): Tensor {
  return bindOne(incompleteBetaSlopePrimitive, [a, b, x], { orders });
}

/** A derivative of the weight divided by it: the Bell polynomial of the derivatives of its logarithm. */
function ratio([m, n]: Orders, a: Tensor, b: Tensor, x: Tensor): Tensor {
  if (m + n === 0) return constantLike(x, 1);
  const [first, second] = densitySlopes(a, b, x);
  const slope = (i: number, j: number): Tensor => {
    if (i + j === 1) return i === 1 ? first : second;
    if (j === 0) return polygammaStep(a, b, i - 1);
    return i === 0 ? polygammaStep(b, a, j - 1) : polygamma(add(a, b), i + j - 1);
  };
  // One derivative is taken last: with respect to a, if there is one.
  const [p, q] = m > 0 ? [m - 1, n] : [0, n - 1];
  let sum: Tensor | null = null;
  let left = 1;
  for (let k = 0; k <= p; k++) {
    let binomials = left;
    for (let l = 0; l <= q; l++) {
      const factor = m > 0 ? slope(k + 1, l) : slope(k, l + 1);
      const term = scale(mul(factor, ratio([p - k, q - l], a, b, x)), binomials);
      sum = sum === null ? term : add(sum, term);
      binomials *= (q - l) / (l + 1);
    }
    left *= (p - k) / (k + 1);
  }
  return sum!;
}
