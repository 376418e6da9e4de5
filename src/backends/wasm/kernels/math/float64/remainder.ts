/**
 * The remainder of doubles, exact, by long division with 50 bits of the quotient at a time.
 *
 * @module
 */
import type { Code } from "../../../assembler/code.ts";
import { f64x2, v128 } from "../../../assembler/operations.ts";
import {
  choose,
  constant,
  halves,
  keep,
  type Kept,
  repeatWhileAny,
  signOf,
  withSign,
} from "./vectors.ts";
import type { Operation, Vector } from "../operation.ts";

/** The largest quotient of one step, as a power of two. */
const STEP = 2 ** 50;

/** From here on a multiple of the divisor might be out of range of doubles. */
const LARGE = 2 ** 1000;

/** `x mod y` for `0 <= x <= 2^50 y`, both finite, `y` not zero. */
function shortRemainder(code: Code): (x: Kept, y: Kept) => Vector {
  const [one, large] = [1, LARGE].map((value) => constant(code, value));
  const [down, up] = [2 ** -8, 2 ** 8].map((value) => constant(code, value));
  return (x, y) => {
    const isLarge = code.let(f64x2.ge(x, large));
    const scale = code.let(choose(isLarge, down, one));
    const [over, under] = [x, y].map((value) => code.let(f64x2.mul(value, scale)));
    // The quotient has 50 bits, the divisor's halves have 26 and 27: all products are exact, and so
    // are the differences, because a quotient rounded to nearest keeps the remainder below the
    // divisor.
    const whole = code.let(f64x2.nearest(f64x2.div(over, under)));
    const [n, d] = [halves(code, whole), halves(code, under)];
    const first = f64x2.sub(over, f64x2.mul(n.high, d.high));
    const second = f64x2.sub(first, f64x2.mul(n.high, d.low));
    const third = f64x2.sub(second, f64x2.mul(n.low, d.high));
    const rest = code.let(f64x2.sub(third, f64x2.mul(n.low, d.low)));
    const isBelow = f64x2.lt(rest, f64x2.const(0));
    const mended = choose(isBelow, f64x2.add(rest, under), rest);
    return f64x2.mul(mended, choose(isLarge, up, one));
  };
}

/** The remainder with the sign of the divisor, like `floorMod` of `numeric/special.ts`. */
const mod: Operation = (code) => {
  const shorten = shortRemainder(code);
  const [zero, one, infinity] = [0, 1, Infinity].map((value) => constant(code, value));
  const [up, down] = [STEP, 1 / STEP].map((value) => constant(code, value));
  return (x, y) => {
    const [over, under] = [keep(code, x), keep(code, y)];
    const [size, unit] = [over, under].map((value) => code.let(f64x2.abs(value)));
    const isFinite = code.let(f64x2.lt(size, infinity));
    const isDivisor = v128.and(f64x2.gt(unit, zero), f64x2.lt(unit, infinity));
    const isPlain = code.let(v128.and(isFinite, isDivisor));
    const rest = code.let(v128.and(size, isPlain));
    const least = code.let(choose(isPlain, unit, one));
    // The divisor times a power of two for which the quotient is short, then back step by step.
    const divisor = code.let(least);
    const next = code.local("v128");
    repeatWhileAny(code, () => {
      code.set(next, f64x2.mul(divisor, up));
      const isMore = code.let(f64x2.le(next, rest));
      code.set(divisor, choose(isMore, next, divisor));
      return isMore;
    });
    repeatWhileAny(code, () => {
      code.set(rest, shorten(rest, divisor));
      const isMore = code.let(f64x2.gt(divisor, least));
      code.set(divisor, choose(isMore, f64x2.mul(divisor, down), divisor));
      return isMore;
    });
    // An infinite divisor leaves the dividend; NaN otherwise.
    const isWhole = v128.and(isFinite, f64x2.eq(unit, infinity));
    const whole = choose(isWhole, size, f64x2.const(NaN));
    const remainder = code.let(withSign(choose(isPlain, rest, whole), over));
    const isOther = v128.xor(f64x2.lt(remainder, zero), f64x2.lt(under, zero));
    const moved = choose(isOther, f64x2.add(remainder, under), remainder);
    return choose(f64x2.eq(remainder, zero), signOf(under), moved);
  };
};

/** Remainders, by the name of their primitive. */
export const remainderOperations: Readonly<Record<string, Operation>> = { mod };
