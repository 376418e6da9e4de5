/**
 * Exponentials, logarithms, trigonometric, hyperbolic and special functions, and powers.
 *
 * @module
 */
import { describeValue, leastNormal } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import * as special from "../numeric/special.ts";
import type { Primitive } from "../core/primitive.ts";
import { Concrete } from "../core/tensor.ts";
import type { Tensor } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";
import {
  abs,
  add,
  binade,
  div,
  maximum,
  minimum,
  mul,
  neg,
  offset,
  reciprocal,
  rsqrt,
  scale,
  square,
  sub,
} from "./arithmetic.ts";
import { and, equal, isNan, less, lessEqual, or, select } from "./comparison.ts";
import { binary, unary } from "./elementwise.ts";
import { constantLike, stopGradient } from "./structure.ts";

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

/** Exponential minus one, without cancellation near 0. */
export const expm1Primitive: Primitive<null> = unary({
  name: "expm1",
  accepts: "float",
  apply: Math.expm1,
  // exp(x) instead of out + 1, which is 0 where exp(x) is tiny.
  derivative: { kind: "smooth", tangents: [(dx, [x]) => mul(dx, exp(x))] },
});

/** Elementwise exp(x) - 1. */
export function expm1(x: Tensor): Tensor {
  return bindOne(expm1Primitive, [x], null);
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

/** Natural logarithm of one plus each element, without cancellation near 0. */
export const log1pPrimitive: Primitive<null> = unary({
  name: "log1p",
  accepts: "float",
  apply: Math.log1p,
  derivative: { kind: "smooth", tangents: [(dx, [x]) => div(dx, offset(x, 1))] },
});

/** Elementwise log(1 + x). */
export function log1p(x: Tensor): Tensor {
  return bindOne(log1pPrimitive, [x], null);
}

/** Logarithm to base two. */
export const log2Primitive: Primitive<null> = unary({
  name: "log2",
  accepts: "float",
  apply: Math.log2,
  derivative: { kind: "smooth", tangents: [(dx, [x]) => div(dx, scale(x, Math.LN2))] },
});

/** Elementwise logarithm to base two. */
export function log2(x: Tensor): Tensor {
  return bindOne(log2Primitive, [x], null);
}

/** Logarithm to base ten. */
export const log10Primitive: Primitive<null> = unary({
  name: "log10",
  accepts: "float",
  apply: Math.log10,
  derivative: { kind: "smooth", tangents: [(dx, [x]) => div(dx, scale(x, Math.LN10))] },
});

/** Elementwise logarithm to base ten. */
export function log10(x: Tensor): Tensor {
  return bindOne(log10Primitive, [x], null);
}

/** Cube root, also of negative numbers; its derivative at 0 is infinite. */
export const cbrtPrimitive: Primitive<null> = unary({
  name: "cbrt",
  accepts: "float",
  apply: Math.cbrt,
  derivative: {
    kind: "smooth",
    tangents: [(dx, _args, [out]) => div(dx, scale(square(out), 3))],
  },
});

/** Elementwise cube root. */
export function cbrt(x: Tensor): Tensor {
  return bindOne(cbrtPrimitive, [x], null);
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

/** Tangent. */
export const tanPrimitive: Primitive<null> = unary({
  name: "tan",
  accepts: "float",
  apply: Math.tan,
  derivative: {
    kind: "smooth",
    tangents: [(dx, _args, [out]) => mul(dx, offset(square(out), 1))],
  },
});

/** Elementwise tangent. */
export function tan(x: Tensor): Tensor {
  return bindOne(tanPrimitive, [x], null);
}

/**
 * `1 - x²`, as `(1 - x) (1 + x)` where the difference cancels. Near 0 the derivative of that product
 * would cancel instead.
 */
function oneMinusSquare(x: Tensor): Tensor {
  const one = constantLike(x, 1);
  const isSmall = less(abs(x), constantLike(x, 0.5));
  return select(isSmall, sub(one, square(x)), mul(sub(one, x), offset(x, 1)));
}

/** Inverse sine. */
export const asinPrimitive: Primitive<null> = unary({
  name: "asin",
  accepts: "float",
  apply: Math.asin,
  derivative: { kind: "smooth", tangents: [(dx, [x]) => mul(dx, rsqrt(oneMinusSquare(x)))] },
});

/** Elementwise inverse sine. */
export function asin(x: Tensor): Tensor {
  return bindOne(asinPrimitive, [x], null);
}

/** Inverse cosine. */
export const acosPrimitive: Primitive<null> = unary({
  name: "acos",
  accepts: "float",
  apply: Math.acos,
  derivative: { kind: "smooth", tangents: [(dx, [x]) => neg(mul(dx, rsqrt(oneMinusSquare(x))))] },
});

/** Elementwise inverse cosine. */
export function acos(x: Tensor): Tensor {
  return bindOne(acosPrimitive, [x], null);
}

/** Inverse tangent. */
export const atanPrimitive: Primitive<null> = unary({
  name: "atan",
  accepts: "float",
  apply: Math.atan,
  derivative: { kind: "smooth", tangents: [(dx, [x]) => mul(dx, atanSlope(x))] },
});

/** Elementwise inverse tangent. */
export function atan(x: Tensor): Tensor {
  return bindOne(atanPrimitive, [x], null);
}

/**
 * `x / (x² + y²)`, and 0 at the origin. Both are first divided by a power of two close to the larger,
 * so that squares stay in range.
 */
function overSquaredDistance(x: Tensor, y: Tensor): Tensor {
  const size = binade(stopGradient(maximum(abs(x), abs(y))));
  const near = div(x, size);
  const sum = add(square(near), square(div(y, size)));
  const isOrigin = equal(sum, constantLike(sum, 0));
  return div(div(near, select(isOrigin, constantLike(sum, Infinity), sum)), size);
}

/** The angle of the point (x, y), given y first; its derivative at the origin is 0. */
export const atan2Primitive: Primitive<null> = binary({
  name: "atan2",
  accepts: "float",
  apply: Math.atan2,
  derivative: {
    kind: "smooth",
    tangents: [
      (dy, [y, x]) => mul(dy, overSquaredDistance(x, y)),
      (dx, [y, x]) => neg(mul(dx, overSquaredDistance(y, x))),
    ],
  },
});

/** Strict angle of the point (x, y). */
export function atan2(y: Tensor, x: Tensor): Tensor {
  return bindOne(atan2Primitive, [y, x], null);
}

/** Hyperbolic sine. */
export const sinhPrimitive: Primitive<null> = unary({
  name: "sinh",
  accepts: "float",
  apply: Math.sinh,
  derivative: { kind: "smooth", tangents: [(dx, [x]) => mul(dx, cosh(x))] },
});

/** Elementwise hyperbolic sine. */
export function sinh(x: Tensor): Tensor {
  return bindOne(sinhPrimitive, [x], null);
}

/** Hyperbolic cosine. */
export const coshPrimitive: Primitive<null> = unary({
  name: "cosh",
  accepts: "float",
  apply: Math.cosh,
  derivative: { kind: "smooth", tangents: [(dx, [x]) => mul(dx, sinh(x))] },
});

/** Elementwise hyperbolic cosine. */
export function cosh(x: Tensor): Tensor {
  return bindOne(coshPrimitive, [x], null);
}

/** Hyperbolic tangent. */
export const tanhPrimitive: Primitive<null> = unary({
  name: "tanh",
  accepts: "float",
  apply: Math.tanh,
  derivative: {
    kind: "smooth",
    // From the argument: the result is rounded to ±1 long before its derivative vanishes.
    tangents: [(dx, [x]) => mul(dx, tanhSlope(x))],
  },
});

/** Elementwise hyperbolic tangent. */
export function tanh(x: Tensor): Tensor {
  return bindOne(tanhPrimitive, [x], null);
}

/** The derivative of the hyperbolic tangent: the square of the hyperbolic secant. */
export const tanhSlopePrimitive: Primitive<null> = unary({
  name: "tanhSlope",
  accepts: "float",
  apply: special.tanhSlope,
  derivative: {
    kind: "smooth",
    tangents: [(dx, [x], [out]) => mul(dx, mul(scale(tanh(x), -2), out))],
  },
});

/** Elementwise 1 - tanh(x)², without its cancellation. */
export function tanhSlope(x: Tensor): Tensor {
  return bindOne(tanhSlopePrimitive, [x], null);
}

/** `x` and one, both divided by a power of two close to a large `x`, so that squares stay in range. */
function besideOne(x: Tensor): [x: Tensor, one: Tensor] {
  const size = binade(maximum(abs(stopGradient(x)), constantLike(x, 1)));
  const one = reciprocal(size);
  return [mul(x, one), one];
}

/** `1 / (x² + 1)`. */
function atanSlope(x: Tensor): Tensor {
  const [near, one] = besideOne(x);
  return mul(div(one, add(square(near), square(one))), one);
}

/** `1 / √p`, with `p` the square of `x` plus or minus one as `square` writes it. */
function overRootOf(x: Tensor, square: (x: Tensor, one: Tensor) => Tensor): Tensor {
  const [near, one] = besideOne(x);
  return mul(rsqrt(square(near, one)), one);
}

/** `1 / √(x² + 1)`. */
function asinhSlope(x: Tensor): Tensor {
  return overRootOf(x, (x, one) => add(square(x), square(one)));
}

/** `1 / √(x² - 1)`, as a product without the cancellation near 1. */
function acoshSlope(x: Tensor): Tensor {
  return overRootOf(x, (x, one) => mul(sub(x, one), add(x, one)));
}

/** Inverse hyperbolic sine. */
export const asinhPrimitive: Primitive<null> = unary({
  name: "asinh",
  accepts: "float",
  apply: Math.asinh,
  derivative: { kind: "smooth", tangents: [(dx, [x]) => mul(dx, asinhSlope(x))] },
});

/** Elementwise inverse hyperbolic sine. */
export function asinh(x: Tensor): Tensor {
  return bindOne(asinhPrimitive, [x], null);
}

/** Inverse hyperbolic cosine. */
export const acoshPrimitive: Primitive<null> = unary({
  name: "acosh",
  accepts: "float",
  apply: Math.acosh,
  derivative: {
    kind: "smooth",
    tangents: [(dx, [x]) => mul(dx, acoshSlope(x))],
  },
});

/** Elementwise inverse hyperbolic cosine. */
export function acosh(x: Tensor): Tensor {
  return bindOne(acoshPrimitive, [x], null);
}

/** Inverse hyperbolic tangent. */
export const atanhPrimitive: Primitive<null> = unary({
  name: "atanh",
  accepts: "float",
  apply: Math.atanh,
  derivative: { kind: "smooth", tangents: [(dx, [x]) => div(dx, oneMinusSquare(x))] },
});

/** Elementwise inverse hyperbolic tangent. */
export function atanh(x: Tensor): Tensor {
  return bindOne(atanhPrimitive, [x], null);
}

/** Logistic function. */
export const sigmoidPrimitive: Primitive<null> = unary({
  name: "sigmoid",
  accepts: "float",
  apply: special.sigmoid,
  derivative: {
    kind: "smooth",
    // From the argument, as for tanh.
    tangents: [(dx, [x]) => mul(dx, scale(sigmoidBell(x), 0.25))],
  },
});

/** Elementwise 1 / (1 + exp(-x)). */
export function sigmoid(x: Tensor): Tensor {
  return bindOne(sigmoidPrimitive, [x], null);
}

/**
 * Four times the derivative of the logistic function, which is 1 at 0: the smallest floats have two
 * more bits of precision.
 */
export const sigmoidBellPrimitive: Primitive<null> = unary({
  name: "sigmoidBell",
  accepts: "float",
  apply: special.sigmoidBell,
  derivative: {
    kind: "smooth",
    // The logistic function is `(1 + tanh(x / 2)) / 2`.
    tangents: [(dx, [x], [out]) => mul(dx, mul(neg(tanh(scale(x, 0.5))), out))],
  },
});

/** Elementwise 4 sigmoid(x) (1 - sigmoid(x)), without its cancellation. */
export function sigmoidBell(x: Tensor): Tensor {
  return bindOne(sigmoidBellPrimitive, [x], null);
}

/** `exp(-x²)`, accurate to the last bits although `x²` is rounded. */
export const gaussianPrimitive: Primitive<null> = unary({
  name: "gaussian",
  accepts: "float",
  apply: special.gaussian,
  derivative: {
    kind: "smooth",
    tangents: [(dx, [x], [out]) => {
      // For large arguments the result is 0, which must not be multiplied by infinity.
      const bound = constantLike(x, 40);
      const held = maximum(neg(bound), minimum(x, bound));
      return mul(dx, mul(scale(held, -2), out));
    }],
  },
});

/** Elementwise exp(-x²). */
export function gaussian(x: Tensor): Tensor {
  return bindOne(gaussianPrimitive, [x], null);
}

/** `2/√π exp(-x²)`, the derivative of the error function. */
function erfSlope(x: Tensor): Tensor {
  return scale(gaussian(x), 2 / Math.sqrt(Math.PI));
}

/** Error function. */
export const erfPrimitive: Primitive<null> = unary({
  name: "erf",
  accepts: "float",
  apply: special.erf,
  derivative: { kind: "smooth", tangents: [(dx, [x]) => mul(dx, erfSlope(x))] },
});

/** Elementwise error function. */
export function erf(x: Tensor): Tensor {
  return bindOne(erfPrimitive, [x], null);
}

/** Complementary error function. */
export const erfcPrimitive: Primitive<null> = unary({
  name: "erfc",
  accepts: "float",
  apply: special.erfc,
  derivative: { kind: "smooth", tangents: [(dx, [x]) => neg(mul(dx, erfSlope(x)))] },
});

/** Elementwise 1 - erf(x). */
export function erfc(x: Tensor): Tensor {
  return bindOne(erfcPrimitive, [x], null);
}

/** Inverse error function. */
export const erfinvPrimitive: Primitive<null> = unary({
  name: "erfinv",
  accepts: "float",
  apply: special.erfinv,
  derivative: {
    kind: "smooth",
    tangents: [
      (dx, _args, [out]) => mul(dx, scale(exp(square(out)), Math.sqrt(Math.PI) / 2)),
    ],
  },
});

/** Elementwise inverse error function. */
export function erfinv(x: Tensor): Tensor {
  return bindOne(erfinvPrimitive, [x], null);
}

/** Logarithm of the absolute value of the gamma function. */
export const lgammaPrimitive: Primitive<null> = unary({
  name: "lgamma",
  accepts: "float",
  apply: special.lgamma,
  derivative: { kind: "smooth", tangents: [(dx, [x]) => mul(dx, polygamma(x, 0))] },
});

/** Elementwise log |gamma(x)|. */
export function lgamma(x: Tensor): Tensor {
  return bindOne(lgammaPrimitive, [x], null);
}

/** Parameters of `polygamma`. */
export interface PolygammaParams {
  /** The order of the derivative of digamma: a non-negative integer. */
  readonly order: number;
}

/** The type and the implementation of `polygamma` of one order. */
function polygammaOf(order: number): Pick<Primitive<null>, "type" | "evaluate"> {
  if (!Number.isSafeInteger(order) || order < 0) {
    throw argumentError(
      `Cannot apply polygamma of order ${describeValue(order)}: expected a non-negative integer`,
    );
  }
  const apply = (x: number) => special.polygamma(order, x);
  return unary({ name: "polygamma", accepts: "float", apply, derivative: { kind: "zero" } });
}

/** The derivative of `lgamma` taken `order + 1` times; digamma for order 0. */
export const polygammaPrimitive: Primitive<PolygammaParams> = {
  name: "polygamma",
  type: (args, { order }) => polygammaOf(order).type(args, null),
  evaluate: (args, { order }, types) => polygammaOf(order).evaluate(args, null, types),
  batch: ([x], [axis], _size, { order }) => [[polygamma(x, order), axis]],
  derivative: {
    kind: "smooth",
    tangents: [(dx, [x], _results, { order }) => mul(dx, polygamma(x, order + 1))],
  },
};

/** Elementwise polygamma function of the given order. */
export function polygamma(x: Tensor, order: number): Tensor {
  return bindOne(polygammaPrimitive, [x], { order });
}

/** `x - y`, but 0 for two equal infinities: neither is larger. */
function excess(x: Tensor, y: Tensor): Tensor {
  const difference = sub(x, y);
  if ([x, y].some((z) => Number.isFinite(singleValue(z)))) return difference;
  const isTie = and(equal(x, y), isNan(difference));
  return select(isTie, constantLike(x, 0), difference);
}

/** Logarithm of the sum of the exponentials of two; equal infinities share the derivative equally. */
export const logaddexpPrimitive: Primitive<null> = binary({
  name: "logaddexp",
  accepts: "float",
  apply: special.logaddexp,
  derivative: {
    kind: "smooth",
    tangents: [
      (dx, [x, y]) => mul(dx, sigmoid(excess(x, y))),
      (dy, [x, y]) => mul(dy, sigmoid(excess(y, x))),
    ],
  },
});

/** Strict log(exp(x) + exp(y)). */
export function logaddexp(x: Tensor, y: Tensor): Tensor {
  return bindOne(logaddexpPrimitive, [x, y], null);
}

/**
 * IEEE 754's pow, which differs from JavaScript's for a base of 1, and for a base of -1 with an infinite
 * exponent.
 */
function floatPower(x: number, y: number): number {
  if (x === 1 || (x === -1 && (y === Infinity || y === -Infinity))) return 1;
  return Math.pow(x, y);
}

/**
 * The power modulo 2^32, by repeated squaring. A negative exponent gives the integer part of the power:
 * 0, except for a base of 1 or -1; 0 also for a base of 0.
 */
function integerPower(x: number, y: number): number {
  if (y < 0) return x === 1 ? 1 : x === -1 ? ((y & 1) === 0 ? 1 : -1) : 0;
  let power = 1;
  let square = x;
  for (let exponent = y; exponent > 0; exponent = Math.floor(exponent / 2)) {
    if (exponent % 2 === 1) power = Math.imul(power, square);
    square = Math.imul(square, square);
  }
  return power;
}

/** The value of all elements of a known constant, or `null`. */
function singleValue(x: Tensor): number | null {
  return x instanceof Concrete && x.held === 1 ? x.elements[0] : null;
}

/** Below this, a base is kept away from 0 where its exponent is 0. */
const TINY_BASE = 1e-8;

/**
 * `y x^(y - 1)`, but 0 where `y` is 0, or infinite and the power 0, as it is next to there. With an
 * exponent of 0 the power `x^-1` must not overflow, nor its next derivatives, since 0 times infinity is
 * NaN: there a base near 0 is a constant, and a base that has no inverse, or is NaN, is replaced by 1.
 */
function powerSlope(x: Tensor, y: Tensor): Tensor {
  const exponent = singleValue(y);
  if (exponent !== null && exponent !== 0 && Math.abs(exponent) !== Infinity) {
    return mul(y, pow(x, constantLike(x, exponent - 1)));
  }
  const size = abs(x);
  const isUsable = lessEqual(constantLike(x, TINY_BASE), size);
  const hasInverse = lessEqual(
    constantLike(x, leastNormal(x.dtype)),
    size,
  );
  const constant = select(hasInverse, stopGradient(x), constantLike(x, 1));
  const isFlat = equal(y, constantLike(y, 0));
  const held = select(isFlat, select(isUsable, x, constant), x);
  // Like the power itself, its slope, if it is finite, does not depend on the exponent at a base of 0.
  const isFinite = or(isFlat, lessEqual(constantLike(y, 1), y));
  const isZero = equal(x, constantLike(x, 0));
  const free = select(and(isZero, isFinite), stopGradient(y), y);
  // Where it is infinite, its dependence on the exponent is that of the power.
  const factor = select(isZero, stopGradient(y), y);
  const [zero, one, infinity] = [0, 1, Infinity].map((value) => constantLike(x, value));
  const vanishes = or(
    and(equal(y, infinity), less(size, one)),
    and(equal(y, neg(infinity)), less(one, size)),
  );
  return mul(select(vanishes, zero, factor), pow(held, offset(free, -1)));
}

/**
 * `log x`, but finite where `x` is 0 and `y` is not negative: there the power is assumed not to depend
 * on `y`. The number is 0 where the slope of the power is finite, and below 0 where it is not. It is 0,
 * too, where `x` is infinity and `y` minus infinity.
 */
function powerLog(x: Tensor, y: Tensor): Tensor {
  const base = singleValue(x);
  if (base !== null && base !== 0 && base !== Infinity) return log(x);
  const [zero, one, infinity] = [0, 1, Infinity].map((value) => constantLike(x, value));
  const isZero = equal(x, zero);
  const isSteep = and(less(zero, y), less(y, one));
  const stand = select(isSteep, constantLike(x, 0.5), one);
  const isFixed = and(isZero, lessEqual(zero, y));
  const isGone = and(equal(x, infinity), equal(y, neg(infinity)));
  return log(select(isFixed, stand, select(isGone, one, x)));
}

/**
 * Power. Integers wrap modulo 2^32; a negative exponent of integers gives the integer part. The
 * derivative with respect to the base is 0 where the exponent is 0; the derivative with respect to the
 * exponent is 0 where the base is 0 and the exponent not negative. Where a power is 0 for an infinite
 * exponent, so are all of its derivatives, except those with respect to the exponent of a negative
 * base; PyTorch returns NaN there for the derivative with respect to the base.
 */
export const powPrimitive: Primitive<null> = binary({
  name: "pow",
  accepts: "number",
  apply: floatPower,
  applyInteger: integerPower,
  derivative: {
    kind: "smooth",
    tangents: [
      (dx, [x, y]) => mul(dx, powerSlope(x, y)),
      (dy, [x, y], [out]) => mul(dy, mul(out, powerLog(x, y))),
    ],
  },
});

/** Strict power. */
export function pow(x: Tensor, y: Tensor): Tensor {
  return bindOne(powPrimitive, [x, y], null);
}
