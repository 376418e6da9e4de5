/**
 * The rule of gamma distributed numbers: the draws of `numeric/gamma_sampler.ts`, for all elements in
 * parallel until the last is accepted.
 *
 * Source: G. Marsaglia and W. W. Tsang, "A simple method for generating gamma variables", 2000.
 *
 * @module
 */
import type { RandomGammaParams } from "../primitives/random_gamma.ts";
import type { Builder } from "./builder.ts";
import { ordering } from "./ordering.ts";
import type { Context } from "./rule.ts";
import type { Value, ValueType } from "./writer.ts";

type Args = readonly Value[];

/** Words of keys: the high ones, and the low ones. */
type Keys = readonly [high: Value, low: Value];

/** This number of terms of the series of `logRest` is sufficient where it is used. */
const TERMS = 30;

/** The maximum number of rejections of an element. */
const MOST_TRIES = 10_000;

/** The first children of keys, all from one copy of the cipher's text. */
function children(b: Builder, keys: Keys, count: number): readonly Keys[] {
  const { shape } = keys[0];
  const type: ValueType = { dtype: "uint32", shape: [count, ...shape] };
  const axes = shape.map((_, axis) => axis + 1);
  const [high, low] = keys.map((word) => b.broadcast(word, type, axes));
  const words = ordering.threefry2x32(b, [high, low, b.splat(0, type), b.iota(type, 0)]);
  return Array.from({ length: count }, (_, i) => {
    const [first, second] = words.map((word) => {
      const start = [i, ...shape.map(() => 0)];
      return b.reshape(b.slice(word, start, [i + 1, ...shape]), shape);
    });
    return [first, second];
  });
}

/** Uniform numbers, with the resolution of the result's dtype. */
function uniform(b: Builder, keys: Keys, isDouble: boolean): Value {
  const [[high, low]] = children(b, keys, 1);
  const shifted = (x: Value, by: number) =>
    b.convert(b.elementwise("stablehlo.shift_right_logical", x, by), "float64");
  if (!isDouble) return b.mul(shifted(b.elementwise("stablehlo.xor", high, low), 9), 2 ** -23);
  return b.add(b.mul(b.convert(high, "float64"), 2 ** -32), b.mul(shifted(low, 12), 2 ** -52));
}

/** The normal numbers with the ranks of uniform ones. */
function normal(b: Builder, u: Value, isDouble: boolean): Value {
  const centred = b.add(b.mul(u, 2), -1 + (isDouble ? 2 ** -53 : 2 ** -24));
  const rounded = isDouble ? centred : b.convert(b.convert(centred, "float32"), "float64");
  return b.mul(b.chlo("erf_inv", rounded), Math.SQRT2);
}

/** `log(1 + t) - t + t²/2 - t³/3`. */
function logRest(b: Builder, t: Value): Value {
  const square = b.mul(t, t);
  const cube = b.mul(square, t);
  const far = b.sub(
    b.add(b.sub(b.elementwise("stablehlo.log_plus_one", t), t), b.mul(square, 0.5)),
    b.div(cube, 3),
  );
  let sum = b.splat(1 / (TERMS + 3), t);
  for (let k = TERMS + 2; k >= 4; k--) sum = b.sub(1 / k, b.mul(t, sum));
  const near = b.neg(b.mul(b.mul(square, square), sum));
  return b.select(b.compare("GT", b.abs(t), 0.25), far, near);
}

/** Normal numbers `x` with `1 + c x > 0`, where the flags are set. */
function positiveStep(b: Builder, keys: Keys, c: Value, isOpen: Value, isDouble: boolean): Value {
  const [, , , , x] = b.while(
    [b.scalar(0, "int32"), isOpen, ...keys, b.splat(0, c)],
    ([tries, open]) => b.and(b.compare("LT", tries, MOST_TRIES), b.any(open)),
    ([tries, open, high, low, x]) => {
      const [next, own] = children(b, [high, low], 2);
      const drawn = normal(b, uniform(b, own, isDouble), isDouble);
      const value = b.select(open, drawn, x);
      const isIn = b.compare("GT", b.add(b.mul(c, value), 1), 0);
      return [b.add(tries, 1), b.and(open, b.not(isIn)), ...next, value];
    },
  );
  return x;
}

/** `t` such that `d (1 + t)³` is gamma distributed with concentration `d + 1/3`. */
function acceptedStep(b: Builder, keys: Keys, d: Value, isAsked: Value, isDouble: boolean): Value {
  const c = b.div(1, b.mul(b.elementwise("stablehlo.sqrt", d), 3));
  const [, , , , t] = b.while(
    [b.scalar(0, "int32"), isAsked, ...keys, b.splat(0, d)],
    ([tries, open]) => b.and(b.compare("LT", tries, MOST_TRIES), b.any(open)),
    ([tries, open, high, low, t]) => {
      const [next, own, forUniform] = children(b, [high, low], 3);
      const x = positiveStep(b, own, c, open, isDouble);
      const u = uniform(b, forUniform, isDouble);
      const square = b.mul(x, x);
      const step = b.mul(c, x);
      const isInside = b.compare("LT", u, b.sub(1, b.mul(b.mul(square, 0.0331), square)));
      // The paper's x²/2 + d (1 - v + log v), in which all other terms cancel.
      const isBelow = b.compare("LT", b.log(u), b.mul(b.mul(d, 3), logRest(b, step)));
      const isAccepted = b.or(isInside, isBelow);
      return [
        b.add(tries, 1),
        b.and(open, b.not(isAccepted)),
        ...next,
        b.select(open, step, t),
      ];
    },
  );
  return t;
}

function randomGamma(
  b: Builder,
  [high, low, concentration]: Args,
  { params: { logSpace }, types: [type] }: Context<RandomGammaParams>,
): Args {
  if (type.shape.includes(0)) return [b.splat(0, type)];
  const isDouble = type.dtype === "float64";
  const given = b.convert(concentration, "float64");
  const isKnown = b.compare("GE", given, 0);
  const isAsked = b.and(isKnown, b.compare("LT", given, Infinity));
  const a = b.select(isAsked, given, 1);
  const isSmall = b.compare("LT", a, 1);
  const d = b.sub(b.select(isSmall, b.add(a, 1), a), 1 / 3);
  const [stepKeys, powerKeys] = children(b, [high, low], 2);
  const t = acceptedStep(b, stepKeys, d, isAsked, isDouble);
  // A concentration below 1 is increased by 1; a power of a uniform number compensates for it.
  const drawn = uniform(b, powerKeys, isDouble);
  const log = b.elementwise("stablehlo.log_plus_one", b.neg(drawn));
  const boost = b.select(b.compare("EQ", log, 0), 0, b.div(log, a));
  const power = b.select(isSmall, boost, 0);
  const v = b.add(t, 1);
  const result = logSpace
    ? b.add(b.add(b.log(d), b.mul(b.elementwise("stablehlo.log_plus_one", t), 3)), power)
    : b.mul(b.mul(d, b.mul(b.mul(v, v), v)), b.exp(power));
  const limit = b.select(isKnown, b.splat(Infinity, given), NaN);
  return [b.convert(b.select(isAsked, result, limit), type.dtype)];
}

/** The rules, by primitive. */
export const gamma = { randomGamma } as const;
