/**
 * Functions of the normal distribution: scaled tails, Dawson's integral, quantiles, Owen's T.
 *
 * @module
 */
import * as normal from "../numeric/special/normal.ts";
import type { Primitive } from "../core/primitive.ts";
import type { Tensor } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";
import { abs, div, mul, offset, scale, square, sub } from "./arithmetic.ts";
import { and, less, select } from "./comparison.ts";
import { mapped } from "./elementwise.ts";
import type { OrderParams } from "./special_gamma.ts";
import { constantLike } from "./structure.ts";
import { erf, exp, gaussian } from "./transcendental.ts";

/** `exp(x²) iⁿerfc(x)`, repeated integrals of the complementary error function. */
export const scaledTailPrimitive: Primitive<OrderParams> = mapped<OrderParams>({
  name: "scaledTail",
  arity: 1,
  apply: ({ order }) => (x) => normal.scaledTail(order, x),
  derivative: {
    kind: "smooth",
    tangents: [
      (dx, [x], _out, { order }) => mul(dx, scale(scaledTail(x, order + 1), -2 * (order + 1))),
    ],
  },
});

/** Elementwise `exp(x²) iⁿerfc(x)`. */
export function scaledTail(x: Tensor, order: number): Tensor {
  return bindOne(scaledTailPrimitive, [x], { order });
}

/** Dawson's integral, or one of its derivatives. */
export const dawsonPrimitive: Primitive<OrderParams> = mapped<OrderParams>({
  name: "dawson",
  arity: 1,
  apply: ({ order }) => (x) => normal.dawson(order, x),
  derivative: {
    kind: "smooth",
    tangents: [(dx, [x], _out, { order }) => mul(dx, dawson(x, order + 1))],
  },
});

/** Elementwise Dawson's integral, or a derivative. */
export function dawson(x: Tensor, order: number): Tensor {
  return bindOne(dawsonPrimitive, [x], { order });
}

/** The quantile of the normal distribution. */
export const normalQuantilePrimitive: Primitive<null> = mapped({
  name: "normalQuantile",
  arity: 1,
  apply: () => normal.normalQuantile,
  derivative: {
    kind: "smooth",
    tangents: [
      (dp, [p], [out]) => {
        const middle = scale(exp(scale(square(out), 0.5)), Math.sqrt(2 * Math.PI));
        // In tails the density is the probability divided by Mills' ratio: errors of the quantile are
        // not amplified there.
        const [zero, one] = [0, 1].map((value) => constantLike(p, value));
        const least = select(less(out, zero), p, sub(one, p));
        const isTail = and(less(zero, least), less(least, constantLike(p, 0.02)));
        const mills = scale(scaledTail(scale(abs(out), Math.SQRT1_2), 0), Math.sqrt(Math.PI / 2));
        return mul(dp, select(isTail, div(mills, select(isTail, least, one)), middle));
      },
    ],
  },
});

/** Elementwise quantile of the normal distribution. */
export function normalQuantile(p: Tensor): Tensor {
  return bindOne(normalQuantilePrimitive, [p], null);
}

/** Owen's T. */
export const owensTPrimitive: Primitive<null> = mapped({
  name: "owensT",
  arity: 2,
  apply: () => normal.owensT,
  derivative: {
    kind: "smooth",
    tangents: [
      (dh, [h, a]) => {
        const size = scale(h, Math.SQRT1_2);
        const slope = scale(mul(gaussian(size), erf(mul(a, size))), -Math.sqrt(1 / (8 * Math.PI)));
        return mul(dh, slope);
      },
      (da, [h, a]) => {
        const size = scale(h, Math.SQRT1_2);
        const bell = mul(gaussian(size), gaussian(mul(a, size)));
        return mul(da, div(bell, scale(offset(square(a), 1), 2 * Math.PI)));
      },
    ],
  },
});

/** Strict Owen's T. */
export function owensT(h: Tensor, a: Tensor): Tensor {
  return bindOne(owensTPrimitive, [h, a], null);
}
