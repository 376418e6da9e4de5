/**
 * Angles as parts of a turn, for arguments of any size.
 *
 * @module
 */
import type { Code } from "../../assembler/code.ts";
import { f64x2 } from "../../assembler/operations.ts";
import type { Vector } from "./operation.ts";

/** `1 / 2π` in parts of 29 bits, so that the product of each with a float is an exact double. */
const TURNS = [
  0.15915494225919247,
  8.327028684640414e-10,
  5.69002511952534e-19,
  6.317065083361892e-27,
  5.595982707708916e-36,
  6.551007945072098e-45,
  9.301187157400502e-54,
];

/** A sum of two doubles. */
export interface Turns {
  /** The rounded sum, at most half a turn. */
  readonly high: Vector;
  /** The rounding error. */
  readonly low: Vector;
}

/**
 * `x / 2π` modulo whole turns, with an error below `2 ** -74`, for doubles that are floats; NaN for
 * infinite ones. After M. H. Payne and R. N. Hanek, "Radian reduction for trigonometric functions"
 * (1983), with exact products in place of integers.
 */
export function turnsOf(code: Code, x: Vector): Turns {
  const high = code.let(f64x2.const(0));
  const low = code.let(f64x2.const(0));
  for (const part of TURNS) {
    const product = code.let(f64x2.mul(x, f64x2.const(part)));
    const rest = code.let(f64x2.sub(product, f64x2.nearest(product)));
    // The sum and its rounding error, after D. E. Knuth.
    const sum = code.let(f64x2.add(high, rest));
    const added = code.let(f64x2.sub(sum, high));
    const error = f64x2.add(f64x2.sub(high, f64x2.sub(sum, added)), f64x2.sub(rest, added));
    code.set(low, f64x2.add(low, error));
    code.set(high, f64x2.sub(sum, f64x2.nearest(sum)));
  }
  return { high, low };
}
