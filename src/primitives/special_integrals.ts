/**
 * Exponential and trigonometric integrals, and the dilogarithm.
 *
 * @module
 */
import * as integrals from "../numeric/special/integrals.ts";
import type { Primitive } from "../core/primitive.ts";
import type { Tensor } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";
import { div, mul, neg, offset, scale } from "./arithmetic.ts";
import { mapped } from "./elementwise.ts";
import type { OrderParams } from "./special_gamma.ts";
import { cos, exp } from "./transcendental.ts";

/** The exponential integral Ei. */
export const expiPrimitive: Primitive<null> = mapped({
  name: "expi",
  arity: 1,
  apply: () => integrals.expi,
  derivative: { kind: "smooth", tangents: [(dx, [x]) => mul(dx, div(exp(x), x))] },
});

/** Elementwise Ei(x). */
export function expi(x: Tensor): Tensor {
  return bindOne(expiPrimitive, [x], null);
}

/** The exponential integrals Eₙ, for integers n. */
export const expnPrimitive: Primitive<null> = mapped({
  name: "expn",
  arity: 2,
  integers: 1,
  apply: () => integrals.expn,
  derivative: {
    kind: "smooth",
    tangents: [null, (dx, [n, x]) => neg(mul(dx, expn(offset(n, -1), x)))],
  },
});

/** Strict Eₙ(x). */
export function expn(n: Tensor, x: Tensor): Tensor {
  return bindOne(expnPrimitive, [n, x], null);
}

/** The sine integral, or one of its derivatives. */
export const sineIntegralPrimitive: Primitive<OrderParams> = mapped<OrderParams>({
  name: "sineIntegral",
  arity: 1,
  apply: ({ order }) => (x) => integrals.sineIntegral(order, x),
  derivative: {
    kind: "smooth",
    tangents: [(dx, [x], _out, { order }) => mul(dx, sineIntegral(x, order + 1))],
  },
});

/** Elementwise Si(x), or a derivative. */
export function sineIntegral(x: Tensor, order: number): Tensor {
  return bindOne(sineIntegralPrimitive, [x], { order });
}

/** The cosine integral. */
export const cosineIntegralPrimitive: Primitive<null> = mapped({
  name: "cosineIntegral",
  arity: 1,
  apply: () => integrals.cosineIntegral,
  derivative: { kind: "smooth", tangents: [(dx, [x]) => mul(dx, div(cos(x), x))] },
});

/** Elementwise Ci(x). */
export function cosineIntegral(x: Tensor): Tensor {
  return bindOne(cosineIntegralPrimitive, [x], null);
}

/** Parameters of `fresnel` and `fresnelSlope`. */
export interface FresnelParams {
  /** Whether it is the integral of the sine, or that of the cosine. */
  readonly isSine: boolean;
}

/** The Fresnel integrals. */
export const fresnelPrimitive: Primitive<FresnelParams> = mapped<FresnelParams>({
  name: "fresnel",
  arity: 1,
  apply: ({ isSine }) => (x) => integrals.fresnel(isSine, x),
  derivative: {
    kind: "smooth",
    tangents: [(dx, [x], _out, { isSine }) => mul(dx, fresnelSlope(x, isSine))],
  },
});

/** Elementwise S(x) or C(x). */
export function fresnel(x: Tensor, isSine: boolean): Tensor {
  return bindOne(fresnelPrimitive, [x], { isSine });
}

/** `sin(πx²/2)`, or the cosine, of the exact square. */
export const fresnelSlopePrimitive: Primitive<FresnelParams> = mapped<FresnelParams>({
  name: "fresnelSlope",
  arity: 1,
  apply: ({ isSine }) => (x) => integrals.fresnelSlope(isSine, x),
  derivative: {
    kind: "smooth",
    tangents: [(dx, [x], _out, { isSine }) => {
      const turned = mul(scale(x, isSine ? Math.PI : -Math.PI), fresnelSlope(x, !isSine));
      return mul(dx, turned);
    }],
  },
});

/** Elementwise derivative of a Fresnel integral. */
export function fresnelSlope(x: Tensor, isSine: boolean): Tensor {
  return bindOne(fresnelSlopePrimitive, [x], { isSine });
}

/** Spence's function, or one of its derivatives. */
export const spencePrimitive: Primitive<OrderParams> = mapped<OrderParams>({
  name: "spence",
  arity: 1,
  apply: ({ order }) => (x) => integrals.spence(order, x),
  derivative: {
    kind: "smooth",
    tangents: [(dx, [x], _out, { order }) => mul(dx, spence(x, order + 1))],
  },
});

/** Elementwise dilogarithm of `1 - x`, or a derivative. */
export function spence(x: Tensor, order: number): Tensor {
  return bindOne(spencePrimitive, [x], { order });
}
