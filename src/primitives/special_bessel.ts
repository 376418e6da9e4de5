/**
 * Bessel functions of integer order.
 *
 * @module
 */
import * as bessel from "../numeric/special/bessel.ts";
import type { Primitive } from "../core/primitive.ts";
import type { Tensor } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";
import { mul, neg, scale, sub } from "./arithmetic.ts";
import { mapped } from "./elementwise.ts";
import type { OrderParams } from "./special_gamma.ts";

/** `Iₙ(x) / (x/2)ⁿ` of `x²/4`, which has no kink at 0. */
export const besselSeriesPrimitive: Primitive<OrderParams> = mapped<OrderParams>({
  name: "besselSeries",
  arity: 1,
  apply: ({ order }) => (t) => bessel.besselSeries(order, t),
  derivative: {
    kind: "smooth",
    tangents: [(dt, [t], _out, { order }) => mul(dt, besselSeries(t, order + 1))],
  },
});

/** Elementwise `Iₙ(x) / (x/2)ⁿ` of `x²/4`. */
export function besselSeries(t: Tensor, order: number): Tensor {
  return bindOne(besselSeriesPrimitive, [t], { order });
}

/** Derivatives of `exp(-x) I₀(x)` for non-negative `x`. */
export const besselScaledPrimitive: Primitive<OrderParams> = mapped<OrderParams>({
  name: "besselScaled",
  arity: 1,
  apply: ({ order }) => (x) => bessel.besselScaled(order, x),
  derivative: {
    kind: "smooth",
    tangents: [(dx, [x], _out, { order }) => mul(dx, besselScaled(x, order + 1))],
  },
});

/** Elementwise derivative of `exp(-x) I₀(x)`. */
export function besselScaled(x: Tensor, order: number): Tensor {
  return bindOne(besselScaledPrimitive, [x], { order });
}

/** The Bessel function of the first kind. */
export const besselJPrimitive: Primitive<OrderParams> = mapped<OrderParams>({
  name: "besselJ",
  arity: 1,
  apply: ({ order }) => (x) => bessel.besselJ(order, x),
  derivative: {
    kind: "smooth",
    tangents: [(dx, [x], _out, { order }) => {
      if (order === 0) return neg(mul(dx, besselJ(x, 1)));
      return mul(dx, scale(sub(besselJ(x, order - 1), besselJ(x, order + 1)), 0.5));
    }],
  },
});

/** Elementwise Jₙ(x). */
export function besselJ(x: Tensor, order: number): Tensor {
  return bindOne(besselJPrimitive, [x], { order });
}
