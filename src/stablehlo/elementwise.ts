/**
 * Elementwise rules: arithmetic, comparisons, conversions.
 *
 * @module
 */
import {
  epsilonOf,
  fractionBits,
  isFloat,
  isHalf,
  largestFinite,
  leastNormal,
  rangeOf,
} from "../base/dtype.ts";
import type { Dtype, HalfDtype } from "../base/dtype.ts";
import type { ConvertParams } from "../primitives/structure.ts";
import { one } from "./rule.ts";
import type { Rule } from "./rule.ts";
import type { Builder, Direction } from "./builder.ts";
import type { Kind, Value } from "./writer.ts";

/** Whether elements are floats. */
function floats({ dtype }: Value): boolean {
  return isFloat(dtype as Dtype);
}

/** One operation of StableHLO. */
function plain(operation: string): Rule<unknown> {
  return one((b, ...args) => b.elementwise(`stablehlo.${operation}`, ...args));
}

function compared(direction: Direction): Rule<unknown> {
  return one((b, x, y) => b.compare(direction, x, y));
}

/** Operations that integers do not have. */
function ofFloats(operation: string): Rule<unknown> {
  return one((b, x) => floats(x) ? b.elementwise(`stablehlo.${operation}`, x) : x);
}

/** The layout of floats: the unsigned integer of their width, and the number of bits of the significand. */
export const LAYOUTS = {
  float32: { word: "uint32", digits: 23, bias: 127, width: 32 },
  float64: { word: "uint64", digits: 52, bias: 1023, width: 64 },
} as const satisfies Partial<Record<Dtype, unknown>>;

/** The layout of a value's floats. */
export function layoutOf({ dtype }: Value): (typeof LAYOUTS)[keyof typeof LAYOUTS] {
  return LAYOUTS[dtype as keyof typeof LAYOUTS];
}

/** Floats as words. */
export function wordsOf(b: Builder, x: Value): Value {
  return b.bitcast(x, layoutOf(x).word);
}

/** The largest power of two not above each magnitude, among normal numbers. */
export function binadeOf(b: Builder, x: Value): Value {
  const { word, digits, bias } = layoutOf(x);
  const mask = ((1n << BigInt(layoutOf(x).width - 1 - digits)) - 1n) << BigInt(digits);
  const bits = b.elementwise("stablehlo.and", wordsOf(b, x), b.splat(mask, { ...x, dtype: word }));
  const power = b.bitcast(bits, x.dtype);
  return b.min(b.max(power, 2 ** (1 - bias)), 2 ** bias);
}

/** Elements divided by roots, 0 where the root is 0. */
function over(b: Builder, x: Value, root: Value): Value {
  // The factors of the quotient are computed once for repeated roots.
  const repeated = b.repeats.get(root.name);
  const source = repeated?.of ?? root;
  const isZero = b.compare("EQ", source, 0);
  const shrink = b.select(isZero, 0, b.div(1, binadeOf(b, source)));
  const inverse = b.select(isZero, 0, b.div(1, b.mul(source, shrink)));
  const spread = (one: Value) =>
    repeated === undefined ? one : b.broadcast(one, root, repeated.axes);
  return b.mul(b.mul(x, spread(shrink)), spread(inverse));
}

/** The remainder with the sign of the divisor. */
function mod(b: Builder, x: Value, y: Value): Value {
  if (!floats(x)) {
    const isZero = b.compare("EQ", y, 0);
    const divisor = b.select(isZero, 1, y);
    const remainder = b.elementwise("stablehlo.remainder", x, divisor);
    if (x.dtype === "uint32") return b.select(isZero, 0, remainder);
    const differs = b.elementwise(
      "stablehlo.xor",
      b.compare("LT", remainder, 0),
      b.compare("LT", divisor, 0),
    );
    const isOff = b.and(b.compare("NE", remainder, 0), differs);
    return b.select(isZero, 0, b.select(isOff, b.add(remainder, divisor), remainder));
  }
  const remainder = b.elementwise("stablehlo.remainder", x, y);
  const isNegative = b.compare("LT", y, 0);
  const differs = b.elementwise("stablehlo.xor", b.compare("LT", remainder, 0), isNegative);
  const moved = b.select(differs, b.add(remainder, y), remainder);
  const zero = b.select(isNegative, b.splat(-0, y), b.splat(0, y));
  return b.select(b.compare("EQ", remainder, 0), zero, moved);
}

/** The larger or the smaller; NaN if one is, which XLA loses on processors. */
function extreme(
  b: Builder,
  operation: "maximum" | "minimum",
  x: Value,
  y: Value,
): Value {
  const result = b.elementwise(`stablehlo.${operation}`, x, y);
  if (!floats(x)) return result;
  return [y, x].filter(({ name }) => !b.sound.has(name))
    .reduce((rest, one) => b.select(b.isNan(one), one, rest), result);
}

/** Shifted bits, 0 for shifts from 32 on. */
function shifted(operation: string): Rule<unknown> {
  return one((b, x, y) => {
    const amount = b.convert(y, "uint32");
    const isIn = b.compare("LT", amount, 32);
    const result = b.elementwise(`stablehlo.${operation}`, x, b.select(isIn, y, 0));
    return b.select(isIn, result, 0);
  });
}

/** The greatest common divisor (Euclid). */
function gcd(b: Builder, x: Value, y: Value): Value {
  const [divisor] = b.while(
    [x, y],
    ([, rest]) => b.any(b.compare("NE", rest, 0)),
    ([divisor, rest]) => {
      const isOpen = b.compare("NE", rest, 0);
      const unit = b.select(isOpen, rest, 1);
      const next = b.elementwise("stablehlo.remainder", divisor, unit);
      return [b.select(isOpen, rest, divisor), b.select(isOpen, next, 0)];
    },
  );
  return x.dtype === "uint32" ? divisor : b.abs(divisor);
}

/** Another dtype: towards zero and within range for integers, NaN as 0. */
export function convert(b: Builder, x: Value, dtype: Kind): Value {
  if (x.dtype === dtype) return x;
  if (dtype === "bool") return b.compare("NE", x, 0);
  const to = dtype as Dtype;
  if (isHalf(to)) return b.convert(halves(b, x, to), dtype);
  if (isHalf(x.dtype as Dtype)) return convert(b, b.convert(x, "float32"), dtype);
  if (!floats(x) || isFloat(to)) return b.convert(x, dtype);
  const [low, high] = rangeOf(to);
  const known = b.select(b.isNan(x), 0, x);
  // If float32 rounds a limit up, all of its numbers below the rounded limit are in range.
  const isHigh = b.compare("GE", known, high + 1);
  const isLow = b.compare("LE", known, low);
  const inside = b.select(b.or(isHigh, isLow), 0, known);
  const whole = b.convert(inside, dtype);
  return b.select(isHigh, high, b.select(isLow, low, whole));
}

/** The nearest half floats: `x` rounded once, to nearest and ties to even. */
function halves(b: Builder, x: Value, dtype: HalfDtype): Value {
  if (isHalf(x.dtype as Dtype)) return halves(b, b.convert(x, "float32"), dtype);
  if (!floats(x)) return x.dtype === "bool" ? x : halves(b, b.convert(x, "float64"), dtype);
  if (x.dtype === "float32" && dtype === "bfloat16") {
    // XLA may remove a conversion back and forth, but not this operation.
    return b.short("stablehlo.reduce_precision", [x], "format = e8m7", x);
  }
  const size = b.abs(x);
  const half = epsilonOf(dtype) / leastNormal(dtype);
  const isIn = b.compare("LT", size, largestFinite(dtype) + half);
  const inside = b.select(isIn, size, 0);
  const power = b.max(binadeOf(b, inside), leastNormal(dtype));
  // A number so large that the last digit of the sum is the last digit to keep.
  const large = b.mul(power, 1.5 * 2 ** (layoutOf(x).digits - fractionBits(dtype)));
  const rounded = b.sub(b.add(inside, large), large);
  const { word, width } = layoutOf(x);
  const sign = b.splat(1n << BigInt(width - 1), { ...x, dtype: word });
  const bits = b.or(wordsOf(b, rounded), b.and(wordsOf(b, x), sign));
  // Numbers beyond the range are infinite, or NaN.
  return b.select(isIn, b.bitcast(bits, x.dtype), b.mul(x, Infinity));
}

/** The rules, by primitive. */
export const elementwise = {
  equal: compared("EQ"),
  less: compared("LT"),
  lessEqual: compared("LE"),
  isNan: one((b, x) => b.isNan(x)),
  not: plain("not"),
  and: plain("and"),
  or: plain("or"),
  xor: plain("xor"),
  select: one((b, condition, x, y) => b.select(condition, x, y)),
  convert: (b: Builder, [x]: readonly Value[], { params }: { params: ConvertParams }) => [
    convert(b, x, params.dtype),
  ],
  stopGradient: one((_b, x) => x),

  add: plain("add"),
  neg: plain("negate"),
  sub: plain("subtract"),
  mul: plain("multiply"),
  div: plain("divide"),
  reciprocal: one((b, x) => b.div(1, x)),
  mod: one(mod),
  square: one((b, x) => b.mul(x, x)),
  sqrt: plain("sqrt"),
  rsqrt: one((b, x) => b.div(1, b.elementwise("stablehlo.sqrt", x))),
  sign: one((b, x) =>
    x.dtype === "uint32"
      ? b.select(b.compare("EQ", x, 0), x, 1)
      : b.elementwise("stablehlo.sign", x)
  ),
  abs: one((b, x) => x.dtype === "uint32" ? x : b.abs(x)),
  binade: one(binadeOf),
  over: one(over),
  floor: ofFloats("floor"),
  ceil: ofFloats("ceil"),
  round: ofFloats("round_nearest_even"),
  trunc: one((b, x) => {
    if (!floats(x)) return x;
    const [down, up] = [b.elementwise("stablehlo.floor", x), b.elementwise("stablehlo.ceil", x)];
    return b.select(b.compare("LT", x, 0), up, down);
  }),
  maximum: one((b, x, y) => extreme(b, "maximum", x, y)),
  minimum: one((b, x, y) => extreme(b, "minimum", x, y)),
  shiftLeft: shifted("shift_left"),
  shiftRight: shifted("shift_right_logical"),
  gcd: one(gcd),
} as const;
