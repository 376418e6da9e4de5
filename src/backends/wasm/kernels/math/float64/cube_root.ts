/**
 * The cube root of doubles.
 *
 * @module
 */
import type { Code } from "../../../assembler/code.ts";
import { f64x2, v128 } from "../../../assembler/operations.ts";
import { takingApart } from "./logarithm.ts";
import {
  choose,
  constant,
  halves,
  keep,
  polynomial,
  powerOfTwo,
  ROUNDER,
  unary,
  withSign,
} from "./vectors.ts";
import type { Operation, Vector } from "../operation.ts";

/** `∛f` from √½ to √2, with a relative error below 2^-13; from `float64_math.py`. */
const COEFFICIENTS = [
  0.49515345405776395,
  0.7317953965293592,
  -0.2827043645567611,
  0.05581122472051606,
];

/**
 * For `2^(3q + r) f` with r = -1, 0 or 1: a polynomial, a step of Halley's method, and another one
 * from a root of 26 bits, whose square is exact (fdlibm's `s_cbrt.c`). Error at most 0.67 ulp.
 */
function cubeRoot(code: Code): (x: Vector) => Vector {
  const takeApart = takingApart(code);
  const curve = polynomial(code, COEFFICIENTS);
  const [zero, half, one, third] = [0, 0.5, 1, 1 / 3].map((value) => constant(code, value));
  const [two, infinity] = [2, Infinity].map((value) => constant(code, value));
  const [below, above] = [Math.cbrt(0.5), Math.cbrt(2)].map((value) => constant(code, value));
  const rounder = constant(code, ROUNDER);
  const byThird = (rest: Vector, down: Vector, up: Vector): Vector =>
    choose(f64x2.lt(rest, zero), down, choose(f64x2.gt(rest, zero), up, one));
  return (x) => {
    const value = keep(code, x);
    const size = code.let(f64x2.abs(value));
    const inside = code.let(v128.and(f64x2.gt(size, zero), f64x2.lt(size, infinity)));
    const { exponent, factor } = takeApart(size);
    const shifted = code.let(f64x2.add(f64x2.mul(exponent, third), rounder));
    const times = f64x2.sub(shifted, rounder);
    const rest = code.let(f64x2.sub(exponent, f64x2.mul(times, f64x2.const(3))));
    const whole = code.let(f64x2.mul(factor, byThird(rest, half, two)));
    const first = code.let(f64x2.mul(curve(factor), byThird(rest, below, above)));
    const step = (root: Vector, quotient: Vector): Vector =>
      f64x2.div(f64x2.sub(quotient, root), f64x2.add(f64x2.add(root, root), quotient));
    const refined = (root: Vector): Vector => {
      const quotient = code.let(f64x2.div(whole, f64x2.mul(root, root)));
      return f64x2.add(root, f64x2.mul(root, step(root, quotient)));
    };
    const { high } = halves(code, refined(first));
    const root = f64x2.mul(refined(high), powerOfTwo(shifted));
    return choose(inside, withSign(root, value), value);
  };
}

/** Roots, by the names of their primitives. */
export const rootOperations: Readonly<Record<string, Operation>> = { cbrt: unary(cubeRoot) };
