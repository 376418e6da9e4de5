/**
 * Arithmetic on numbers: sums, products, quotients, roots, rounding, and the bit shifts.
 *
 * @module
 */
import type { Dtype } from "../base/dtype.ts";
import { mapOne } from "../numeric/map.ts";
import { floorMod, roundHalfEven } from "../numeric/special.ts";
import type { Primitive } from "../core/primitive.ts";
import { allocateFor, Concrete } from "../core/tensor.ts";
import type { Tensor } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";
import { equal, less, select } from "./comparison.ts";
import { binary, unary } from "./elementwise.ts";
import { constantLike } from "./structure.ts";

const zero = { kind: "zero" } as const;

/** Sum. */
export const addPrimitive: Primitive<null> = binary({
  name: "add",
  accepts: "number",
  apply: (x, y) => x + y,
  loop(z, x, y, n) {
    for (let i = 0; i < n; i++) z[i] = x[i] + y[i];
  },
  derivative: {
    kind: "linear",
    transpose: ([ct]) => [ct, ct],
    sparse: ([dx, dy]) => dx ?? dy!,
  },
});

/** Strict x + y. */
export function add(x: Tensor, y: Tensor): Tensor {
  return bindOne(addPrimitive, [x, y], null);
}

/** Negative. */
export const negPrimitive: Primitive<null> = unary({
  name: "neg",
  accepts: "number",
  apply: (x) => -x,
  derivative: { kind: "linear", transpose: ([ct]) => [neg(ct)] },
});

/** Elementwise -x. */
export function neg(x: Tensor): Tensor {
  return bindOne(negPrimitive, [x], null);
}

/** Difference. */
export const subPrimitive: Primitive<null> = binary({
  name: "sub",
  accepts: "number",
  apply: (x, y) => x - y,
  loop(z, x, y, n) {
    for (let i = 0; i < n; i++) z[i] = x[i] - y[i];
  },
  derivative: {
    kind: "linear",
    transpose: ([ct], _args, _params, [, forY]) => [ct, forY ? neg(ct) : null],
    sparse: ([dx, dy]) => dx ?? neg(dy!),
  },
});

/** Strict x - y. */
export function sub(x: Tensor, y: Tensor): Tensor {
  return bindOne(subPrimitive, [x, y], null);
}

/** Product. */
export const mulPrimitive: Primitive<null> = binary({
  name: "mul",
  accepts: "number",
  apply: (x, y) => x * y,
  loop(z, x, y, n) {
    for (let i = 0; i < n; i++) z[i] = x[i] * y[i];
  },
  applyInteger: Math.imul,
  derivative: {
    kind: "bilinear",
    transpose: [(ct, y) => mul(ct, y), (ct, x) => mul(ct, x)],
  },
});

/** Strict x * y. */
export function mul(x: Tensor, y: Tensor): Tensor {
  return bindOne(mulPrimitive, [x, y], null);
}

/** `x` times a JavaScript number. */
export function scale(x: Tensor, factor: number): Tensor {
  return factor === 1 ? x : mul(x, constantLike(x, factor));
}

/** `x` plus a JavaScript number. */
export function offset(x: Tensor, amount: number): Tensor {
  return amount === 0 ? x : add(x, constantLike(x, amount));
}

/** Quotient of floats. */
export const divPrimitive: Primitive<null> = binary({
  name: "div",
  accepts: "float",
  apply: (x, y) => x / y,
  loop(z, x, y, n) {
    for (let i = 0; i < n; i++) z[i] = x[i] / y[i];
  },
  derivative: {
    kind: "smooth",
    tangents: [
      (dx, [, y]) => div(dx, y),
      (dy, [, y], [out]) => neg(mul(dy, div(out, y))),
    ],
    transpose: [(ct, y) => div(ct, y), null],
  },
});

/** Strict x / y. */
export function div(x: Tensor, y: Tensor): Tensor {
  return bindOne(divPrimitive, [x, y], null);
}

/** One over each element. */
export const reciprocalPrimitive: Primitive<null> = unary({
  name: "reciprocal",
  accepts: "float",
  apply: (x) => 1 / x,
  derivative: {
    kind: "smooth",
    // Multiplied one after the other: the square may be out of range when the product is not.
    tangents: [(dx, _args, [out]) => neg(mul(mul(dx, out), out))],
  },
});

/** Elementwise 1 / x. */
export function reciprocal(x: Tensor): Tensor {
  return bindOne(reciprocalPrimitive, [x], null);
}

/** Remainder with the sign of the divisor; an integer modulo zero is zero. */
export const modPrimitive: Primitive<null> = binary({
  name: "mod",
  accepts: "number",
  apply: floorMod,
  applyInteger: (x, y) => y === 0 ? 0 : floorMod(x, y),
  derivative: {
    kind: "smooth",
    tangents: [
      (dx) => dx,
      // The integer quotient of x by y. Rounding the quotient of x - out is exact, whereas the floor of
      // the rounded x / y may not be.
      (dy, [x, y], [out]) => neg(mul(dy, round(div(sub(x, out), y)))),
    ],
  },
});

/** Strict x mod y. */
export function mod(x: Tensor, y: Tensor): Tensor {
  return bindOne(modPrimitive, [x, y], null);
}

/** Square. */
export const squarePrimitive: Primitive<null> = unary({
  name: "square",
  accepts: "number",
  apply: (x) => x * x,
  applyInteger: (x) => Math.imul(x, x),
  derivative: { kind: "smooth", tangents: [(dx, [x]) => mul(dx, scale(x, 2))] },
});

/** Elementwise x * x. */
export function square(x: Tensor): Tensor {
  return bindOne(squarePrimitive, [x], null);
}

/** Square root; its derivative at 0 is infinite. */
export const sqrtPrimitive: Primitive<null> = unary({
  name: "sqrt",
  accepts: "float",
  apply: Math.sqrt,
  derivative: {
    kind: "smooth",
    tangents: [(dx, _args, [out]) => mul(dx, div(constantLike(out, 0.5), out))],
  },
});

/** Elementwise square root. */
export function sqrt(x: Tensor): Tensor {
  return bindOne(sqrtPrimitive, [x], null);
}

/** One over the square root. */
export const rsqrtPrimitive: Primitive<null> = unary({
  name: "rsqrt",
  accepts: "float",
  apply: (x) => 1 / Math.sqrt(x),
  derivative: {
    kind: "smooth",
    tangents: [(dx, [x], [out]) => mul(dx, scale(div(out, x), -0.5))],
  },
});

/** Elementwise 1 / sqrt(x). */
export function rsqrt(x: Tensor): Tensor {
  return bindOne(rsqrtPrimitive, [x], null);
}

/** Sign: -1, 0 or 1; NaN for NaN. */
export const signPrimitive: Primitive<null> = unary({
  name: "sign",
  accepts: "number",
  apply: Math.sign,
  derivative: zero,
});

/** Elementwise sign. */
export function sign(x: Tensor): Tensor {
  return bindOne(signPrimitive, [x], null);
}

/** Absolute value; its derivative at 0 is 0. */
export const absPrimitive: Primitive<null> = unary({
  name: "abs",
  accepts: "number",
  apply: Math.abs,
  derivative: { kind: "smooth", tangents: [(dx, [x]) => mul(dx, sign(x))] },
});

/** Elementwise absolute value. */
export function abs(x: Tensor): Tensor {
  return bindOne(absPrimitive, [x], null);
}

const bits = new Float64Array(1);
const words = new Uint32Array(bits.buffer);
const UPPER = new Uint8Array(Uint32Array.of(1).buffer)[0];

/** The largest power of two not above the magnitude of a normal double. */
function powerBelow(x: number): number {
  bits[0] = x;
  words[UPPER] &= 0x7ff00000;
  words[1 - UPPER] = 0;
  return bits[0];
}

/** The smallest and the largest power of two among the normal numbers of each dtype. */
const BINADES = {
  float32: [2 ** -126, 2 ** 127],
  float64: [2 ** -1022, 2 ** 1023],
} as const;

/** The power of two of a number, clamped to the range of a dtype. */
export function binadeOf(value: number, dtype: Dtype): number {
  const [least, most] = BINADES[dtype as keyof typeof BINADES];
  return Math.min(Math.max(powerBelow(value), least), most);
}

/**
 * The largest power of two not above each element's magnitude: division by it is exact and gives a
 * number from 1 to 2. It is always a normal number, the smallest for smaller magnitudes, the largest
 * for infinity and NaN.
 */
export const binadePrimitive: Primitive<null> = {
  ...unary({ name: "binade", accepts: "float", apply: powerBelow, derivative: zero }),
  evaluate([x], _params, [type]) {
    const out = allocateFor({ dtype: type.dtype, shape: [x.elements.length] });
    mapOne(out, x.elements, (value) => binadeOf(value, type.dtype));
    return [new Concrete(type.dtype, type.shape, out)];
  },
  batch: ([x], [axis]) => [[binade(x), axis]],
};

/** Elementwise power of two close to the magnitude. */
export function binade(x: Tensor): Tensor {
  return bindOne(binadePrimitive, [x], null);
}

/** Largest integer not above each element. */
export const floorPrimitive: Primitive<null> = unary({
  name: "floor",
  accepts: "number",
  apply: Math.floor,
  derivative: zero,
});

/** Elementwise floor. */
export function floor(x: Tensor): Tensor {
  return bindOne(floorPrimitive, [x], null);
}

/** Smallest integer not below each element. */
export const ceilPrimitive: Primitive<null> = unary({
  name: "ceil",
  accepts: "number",
  apply: Math.ceil,
  derivative: zero,
});

/** Elementwise ceiling. */
export function ceil(x: Tensor): Tensor {
  return bindOne(ceilPrimitive, [x], null);
}

/** Nearest integer, halves to even. */
export const roundPrimitive: Primitive<null> = unary({
  name: "round",
  accepts: "number",
  apply: roundHalfEven,
  derivative: zero,
});

/** Elementwise rounding. */
export function round(x: Tensor): Tensor {
  return bindOne(roundPrimitive, [x], null);
}

/** Integer part, towards zero. */
export const truncPrimitive: Primitive<null> = unary({
  name: "trunc",
  accepts: "number",
  apply: Math.trunc,
  derivative: zero,
});

/** Elementwise truncation. */
export function trunc(x: Tensor): Tensor {
  return bindOne(truncPrimitive, [x], null);
}

/**
 * The fraction of the tangent that an argument receives: 0 if it is not chosen, 1/2 in a tie, 1
 * otherwise: if it is chosen, or if the result is NaN, as in PyTorch.
 */
function winnerShare(loses: Tensor, tie: Tensor, like: Tensor): Tensor {
  const one = constantLike(like, 1);
  const none = constantLike(like, 0);
  return select(tie, constantLike(like, 0.5), select(loses, none, one));
}

/** Larger of two; a tie splits its derivative in halves. NaN takes precedence. */
export const maximumPrimitive: Primitive<null> = binary({
  name: "maximum",
  accepts: "any",
  apply: Math.max,
  derivative: {
    kind: "smooth",
    tangents: [
      (dx, [x, y]) => mul(dx, winnerShare(less(x, y), equal(x, y), x)),
      (dy, [x, y]) => mul(dy, winnerShare(less(y, x), equal(x, y), x)),
    ],
  },
});

/** Strict elementwise maximum. */
export function maximum(x: Tensor, y: Tensor): Tensor {
  return bindOne(maximumPrimitive, [x, y], null);
}

/** Smaller of two; a tie splits its derivative in halves. NaN takes precedence. */
export const minimumPrimitive: Primitive<null> = binary({
  name: "minimum",
  accepts: "any",
  apply: Math.min,
  derivative: {
    kind: "smooth",
    tangents: [
      (dx, [x, y]) => mul(dx, winnerShare(less(y, x), equal(x, y), x)),
      (dy, [x, y]) => mul(dy, winnerShare(less(x, y), equal(x, y), x)),
    ],
  },
});

/** Strict elementwise minimum. */
export function minimum(x: Tensor, y: Tensor): Tensor {
  return bindOne(minimumPrimitive, [x, y], null);
}

/** The greatest common divisor of the magnitudes of two numbers (Euclid). */
function commonDivisor(x: number, y: number): number {
  let [a, b] = [Math.abs(x), Math.abs(y)];
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}

/** Greatest common divisor; that of 0 and a number is the number's magnitude. */
export const gcdPrimitive: Primitive<null> = binary({
  name: "gcd",
  accepts: "integer",
  apply: commonDivisor,
  derivative: zero,
});

/** Strict greatest common divisor. */
export function gcd(x: Tensor, y: Tensor): Tensor {
  return bindOne(gcdPrimitive, [x, y], null);
}

/** Bits of the first argument shifted left by the second; zero from 32 on. */
export const shiftLeftPrimitive: Primitive<null> = binary({
  name: "shiftLeft",
  accepts: "integer",
  apply: (x, y) => y >>> 0 > 31 ? 0 : x << y,
  derivative: zero,
});

/** Strict x << y. */
export function shiftLeft(x: Tensor, y: Tensor): Tensor {
  return bindOne(shiftLeftPrimitive, [x, y], null);
}

/** Bits of the first argument shifted right by the second, with zeros shifted in; zero from 32 on. */
export const shiftRightPrimitive: Primitive<null> = binary({
  name: "shiftRight",
  accepts: "integer",
  apply: (x, y) => y >>> 0 > 31 ? 0 : x >>> y,
  derivative: zero,
});

/** Strict x >>> y. */
export function shiftRight(x: Tensor, y: Tensor): Tensor {
  return bindOne(shiftRightPrimitive, [x, y], null);
}
