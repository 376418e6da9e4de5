/**
 * Rules of transcendental functions: operations of StableHLO and CHLO if these are sufficiently
 * accurate, and formulas of them otherwise.
 *
 * @module
 */
import { isFloat } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import type { PolygammaParams } from "../primitives/transcendental.ts";
import { binadeOf, layoutOf, wordsOf } from "./elementwise.ts";
import { one } from "./rule.ts";
import type { Rule } from "./rule.ts";
import type { Builder } from "./builder.ts";
import type { Value } from "./writer.ts";

function plain(operation: string): Rule<unknown> {
  return one((b, ...args) => b.elementwise(`stablehlo.${operation}`, ...args));
}

function chlo(operation: string): Rule<unknown> {
  return one((b, x) => b.chlo(operation, x));
}

/** The same in double precision: that of float32 loses digits for small results. */
function inDoubles(b: Builder, x: Value, f: (wide: Value) => Value): Value {
  return b.convert(f(b.convert(x, "float64")), x.dtype);
}

/** The logarithm to base two, exact for powers of two. */
function log2(b: Builder, x: Value): Value {
  const { word, digits, bias } = layoutOf(x);
  // Numbers that are not normal are scaled first; infinity, NaN and 0 are unchanged.
  const isTiny = b.compare("LT", b.abs(x), 2 ** (1 - bias));
  const raised = b.select(isTiny, b.mul(x, 2 ** digits), x);
  const power = binadeOf(b, raised);
  const shifted = b.elementwise(
    "stablehlo.shift_right_logical",
    wordsOf(b, power),
    b.splat(digits, { ...x, dtype: word }),
  );
  const exponent = b.sub(
    b.convert(shifted, x.dtype),
    b.select(isTiny, bias + digits, b.splat(bias, x)),
  );
  const rest = b.div(raised, power);
  // Halves the range around 1, so that nothing cancels there.
  const isLarge = b.compare("GT", rest, Math.SQRT2);
  const near = b.select(isLarge, b.mul(rest, 0.5), rest);
  const whole = b.select(isLarge, b.add(exponent, 1), exponent);
  return b.add(whole, b.mul(b.log(near), Math.LOG2E));
}

/** The logarithm to base ten, by double precision, in which powers of ten give integers. */
function log10(b: Builder, x: Value): Value {
  if (x.dtype !== "float64") return inDoubles(b, x, (wide) => log10(b, wide));
  const value = b.mul(b.log(x), Math.LOG10E);
  const whole = b.elementwise("stablehlo.round_nearest_even", value);
  const isWhole = b.compare("EQ", b.elementwise("stablehlo.power", b.splat(10, x), whole), x);
  return b.select(isWhole, whole, value);
}

/** `1 / cosh²x`. */
function tanhSlope(b: Builder, x: Value): Value {
  const power = b.exp(b.neg(b.abs(x)));
  const secant = b.div(b.mul(power, 2), b.add(b.mul(power, power), 1));
  return b.mul(secant, secant);
}

/** `exp(-x²)`: the square is computed of a number with few digits, so that it is exact. */
function gaussian(b: Builder, x: Value): Value {
  const { word, digits, width } = layoutOf(x);
  const mask = (1n << BigInt(width)) - (1n << BigInt(Math.ceil(digits / 2) + 1));
  const head = b.bitcast(
    b.elementwise("stablehlo.and", wordsOf(b, x), b.splat(mask, { ...x, dtype: word })),
    x.dtype,
  );
  const rest = b.exp(b.neg(b.mul(b.sub(x, head), b.add(x, head))));
  const result = b.mul(b.exp(b.neg(b.mul(head, head))), rest);
  // If the square is out of range, so is the rest.
  return b.select(b.compare("GT", b.abs(x), 40), 0, result);
}

/** `log(exp(x) + exp(y))`. */
function logaddexp(b: Builder, x: Value, y: Value): Value {
  const gap = b.neg(b.abs(b.sub(x, y)));
  const sum = b.add(b.max(x, y), b.elementwise("stablehlo.log_plus_one", b.exp(gap)));
  return b.select(b.compare("EQ", x, y), b.add(x, Math.LN2), sum);
}

/** Powers; 1 to every power and every number to the power of 0 is 1. */
function pow(b: Builder, x: Value, y: Value): Value {
  if (isFloat(x.dtype as Dtype)) return b.elementwise("stablehlo.power", x, y);
  if (x.dtype === "uint32") {
    // Exponents are read as signed. From 2^31 on, even bases give 0, and for odd bases 2^31 has no effect.
    const isHigh = b.compare("GE", y, 2 ** 31);
    const power = b.elementwise("stablehlo.power", x, b.and(y, 2 ** 31 - 1));
    const isEven = b.compare("EQ", b.and(x, 1), 0);
    return b.select(b.and(isHigh, isEven), 0, power);
  }
  // A negative exponent gives nonzero results only for 1 and -1.
  const isNegative = b.compare("LT", y, 0);
  const power = b.elementwise("stablehlo.power", x, b.select(isNegative, 0, y));
  const isOdd = b.compare("NE", b.and(y, 1), 0);
  const ofOnes = b.select(
    b.compare("EQ", x, 1),
    1,
    b.select(b.compare("EQ", x, -1), b.select(isOdd, b.splat(-1, x), b.splat(1, x)), 0),
  );
  return b.select(isNegative, ofOnes, power);
}

/** The derivatives of the logarithm of the gamma function. */
function polygamma(
  b: Builder,
  [x]: readonly Value[],
  { params: { order } }: { readonly params: PolygammaParams },
): readonly Value[] {
  return [
    inDoubles(
      b,
      x,
      (x) => order === 0 ? b.chlo("digamma", x) : b.chlo("polygamma", b.splat(order, x), x),
    ),
  ];
}

/** The rules, by primitive. */
export const transcendental = {
  exp: plain("exponential"),
  expm1: plain("exponential_minus_one"),
  log: plain("log"),
  log1p: plain("log_plus_one"),
  log2: one(log2),
  log10: one(log10),
  cbrt: plain("cbrt"),
  sin: plain("sine"),
  cos: plain("cosine"),
  tan: plain("tan"),
  asin: chlo("asin"),
  acos: chlo("acos"),
  // XLA of October 2026 gives 0 for half of the float64 elements of atan2(x, 1) on processors with AVX2.
  atan: one((b, x) => b.elementwise("stablehlo.atan2", b.mul(x, 2), 2)),
  atan2: plain("atan2"),
  sinh: chlo("sinh"),
  cosh: chlo("cosh"),
  tanh: plain("tanh"),
  tanhSlope: one(tanhSlope),
  asinh: chlo("asinh"),
  acosh: chlo("acosh"),
  atanh: chlo("atanh"),
  sigmoid: plain("logistic"),
  sigmoidBell: one((b, x) => tanhSlope(b, b.mul(x, 0.5))),
  gaussian: one(gaussian),
  erf: chlo("erf"),
  erfc: chlo("erfc"),
  erfinv: chlo("erf_inv"),
  lgamma: one((b, x) => inDoubles(b, x, (x) => b.chlo("lgamma", x))),
  polygamma,
  logaddexp: one(logaddexp),
  pow: one(pow),
} as const;
