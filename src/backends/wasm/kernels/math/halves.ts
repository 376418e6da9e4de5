/**
 * Four floats as two vectors of two doubles, for functions that would be inaccurate in single
 * precision.
 *
 * @module
 */
import type { Code } from "../../assembler/code.ts";
import { f32x4, f64x2, i8x16 } from "../../assembler/operations.ts";
import type { Vector } from "./operation.ts";

const range = (length: number, from: number): number[] =>
  Array.from({ length }, (_, i) => from + i);
const HIGH_TWICE = [...range(8, 8), ...range(8, 8)];
const LOW_AND_LOW = [...range(8, 0), ...range(8, 16)];

/** The first two floats as doubles. */
export function lowHalf(x: Vector): Vector {
  return f64x2.promoteLowF32x4(x);
}

/** The last two floats as doubles. */
export function highHalf(x: Vector): Vector {
  return f64x2.promoteLowF32x4(i8x16.shuffle(x, x, HIGH_TWICE));
}

/** Two vectors of doubles rounded to four floats. */
export function join(low: Vector, high: Vector): Vector {
  return i8x16.shuffle(f32x4.demoteF64x2Zero(low), f32x4.demoteF64x2Zero(high), LOW_AND_LOW);
}

/** A function of doubles as a function of floats, rounded once. */
export function inDoubles(
  code: Code,
  compute: (...inputs: readonly Vector[]) => Vector,
): (...inputs: readonly Vector[]) => Vector {
  return (...inputs) => {
    const low = code.let(compute(...inputs.map((x) => code.let(lowHalf(x)))));
    const high = code.let(compute(...inputs.map((x) => code.let(highHalf(x)))));
    return join(low, high);
  };
}
