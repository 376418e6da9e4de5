/**
 * Exponentials, logarithms, trigonometric, hyperbolic and special functions.
 *
 * @module
 */
import type { Primitive } from "../core/primitive.ts";
import type { Tensor } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";
import { div, mul, neg } from "./arithmetic.ts";
import { unary } from "./elementwise.ts";

/** Exponential. */
export const expPrimitive: Primitive<null> = unary({
  name: "exp",
  accepts: "float",
  apply: Math.exp,
  derivative: { kind: "smooth", tangents: [(dx, _args, [out]) => mul(dx, out)] },
});

/** Elementwise exponential. */
export function exp(x: Tensor): Tensor {
  return bindOne(expPrimitive, [x], null);
}

/** Natural logarithm. */
export const logPrimitive: Primitive<null> = unary({
  name: "log",
  accepts: "float",
  apply: Math.log,
  derivative: { kind: "smooth", tangents: [(dx, [x]) => div(dx, x)] },
});

/** Elementwise natural logarithm. */
export function log(x: Tensor): Tensor {
  return bindOne(logPrimitive, [x], null);
}

/** Sine. */
export const sinPrimitive: Primitive<null> = unary({
  name: "sin",
  accepts: "float",
  apply: Math.sin,
  derivative: { kind: "smooth", tangents: [(dx, [x]) => mul(dx, cos(x))] },
});

/** Elementwise sine. */
export function sin(x: Tensor): Tensor {
  return bindOne(sinPrimitive, [x], null);
}

/** Cosine. */
export const cosPrimitive: Primitive<null> = unary({
  name: "cos",
  accepts: "float",
  apply: Math.cos,
  derivative: { kind: "smooth", tangents: [(dx, [x]) => neg(mul(dx, sin(x)))] },
});

/** Elementwise cosine. */
export function cos(x: Tensor): Tensor {
  return bindOne(cosPrimitive, [x], null);
}
