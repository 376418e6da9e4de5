/**
 * The zeta function, hypergeometric functions, and Legendre functions of spherical harmonics.
 *
 * @module
 */
import { hyp1f1 as confluent, hyp2f1 as gauss } from "../numeric/special/hypergeometric.ts";
import { sphericalLegendre as legendre } from "../numeric/special/legendre.ts";
import { zeta as hurwitz } from "../numeric/special/zeta.ts";
import type { Primitive } from "../core/primitive.ts";
import type { Tensor } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";
import { add, maximum, mul, neg, offset, scale, sqrt, sub } from "./arithmetic.ts";
import { mapped } from "./elementwise.ts";
import type { OrderParams } from "./special_gamma.ts";
import { constantLike, convert } from "./structure.ts";

/** Hurwitz's zeta function, differentiated with respect to its exponent. */
export const zetaPrimitive: Primitive<OrderParams> = mapped<OrderParams>({
  name: "zeta",
  arity: 2,
  apply: ({ order }) => (s, q) => hurwitz(order, s, q),
  derivative: {
    kind: "smooth",
    tangents: [
      (ds, [s, q], _out, { order }) => mul(ds, zeta(s, q, order + 1)),
      (dq, [s, q], _out, { order }) => {
        const above = offset(s, 1);
        const slope = mul(s, zeta(above, q, order));
        const rest = order === 0 ? slope : add(slope, scale(zeta(above, q, order - 1), order));
        return neg(mul(dq, rest));
      },
    ],
  },
});

/** Strict ζ(s, q), or a derivative with respect to s. */
export function zeta(s: Tensor, q: Tensor, order: number): Tensor {
  return bindOne(zetaPrimitive, [s, q], { order });
}

/** Parameters of the hypergeometric functions. */
export interface HypergeometricParams {
  /** The order of the derivative with respect to each argument. */
  readonly orders: readonly number[];
}

/** The orders with one more for argument `place`. */
function raised(orders: readonly number[], place: number): readonly number[] {
  return orders.map((order, i) => i === place ? order + 1 : order);
}

/** The confluent hypergeometric function, or one of its derivatives. */
export const hyp1f1Primitive: Primitive<HypergeometricParams> = mapped<HypergeometricParams>({
  name: "hyp1f1",
  arity: 3,
  apply: ({ orders }) => confluent(orders),
  derivative: {
    kind: "smooth",
    tangents: [
      (da, args, _out, { orders }) => mul(da, hyp1f1(args, raised(orders, 0))),
      (db, args, _out, { orders }) => mul(db, hyp1f1(args, raised(orders, 1))),
      (dx, args, _out, { orders }) => mul(dx, hyp1f1(args, raised(orders, 2))),
    ],
  },
});

/** Strict ₁F₁, or a derivative. */
export function hyp1f1(args: readonly Tensor[], orders: readonly number[]): Tensor {
  return bindOne(hyp1f1Primitive, args, { orders });
}

/** Gauss's hypergeometric function, or one of its derivatives. */
export const hyp2f1Primitive: Primitive<HypergeometricParams> = mapped<HypergeometricParams>({
  name: "hyp2f1",
  arity: 4,
  apply: ({ orders }) => gauss(orders),
  derivative: {
    kind: "smooth",
    tangents: [
      (da, args, _out, { orders }) => mul(da, hyp2f1(args, raised(orders, 0))),
      (db, args, _out, { orders }) => mul(db, hyp2f1(args, raised(orders, 1))),
      (dc, args, _out, { orders }) => mul(dc, hyp2f1(args, raised(orders, 2))),
      (dx, args, _out, { orders }) => mul(dx, hyp2f1(args, raised(orders, 3))),
    ],
  },
});

/** Strict ₂F₁, or a derivative. */
export function hyp2f1(args: readonly Tensor[], orders: readonly number[]): Tensor {
  return bindOne(hyp2f1Primitive, args, { orders });
}

/** Spherical harmonics at azimuth 0. */
export const sphericalLegendrePrimitive: Primitive<null> = mapped({
  name: "sphericalLegendre",
  arity: 3,
  integers: 2,
  apply: () => legendre,
  derivative: {
    kind: "smooth",
    tangents: [null, null, (dtheta, [n, m, theta]) => {
      // By the operators that raise and lower the order.
      const root = (x: Tensor, y: Tensor) =>
        sqrt(convert(maximum(mul(x, y), constantLike(x, 0)), theta.dtype));
      const [up, down] = [offset(m, 1), offset(m, -1)];
      const raised = mul(root(sub(n, m), add(n, up)), sphericalLegendre(n, up, theta));
      const lowered = mul(root(add(n, m), sub(n, down)), sphericalLegendre(n, down, theta));
      return mul(dtheta, scale(sub(raised, lowered), 0.5));
    }],
  },
});

/** Strict spherical harmonics at azimuth 0. */
export function sphericalLegendre(n: Tensor, m: Tensor, theta: Tensor): Tensor {
  return bindOne(sphericalLegendrePrimitive, [n, m, theta], null);
}
