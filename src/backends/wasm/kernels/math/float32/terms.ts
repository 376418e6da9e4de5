/**
 * What the formulas of four floats are written with.
 *
 * `relaxedMadd` rounds once or twice as the machine likes. It stands only where both keep the bounds
 * that are stated, and where elementwise arithmetic of the user's is not concerned.
 *
 * @module
 */
import type { Code } from "../../../assembler/code.ts";
import { f32x4, i32x4 } from "../../../assembler/operations.ts";
import type { Vector } from "../operation.ts";

/** Four times the same float, kept in a local. */
export function float(code: Code, value: number): Vector {
  return code.let(f32x4.const(value));
}

/** Four times the same bits, kept in a local. */
export function bits(code: Code, value: number): Vector {
  return code.let(i32x4.const(value));
}

/** The bit that holds the sign of a float. */
export const SIGN_BIT = -(2 ** 31);

/** Adding it rounds to a whole number, which the lowest bits of the sum then hold. */
export const ROUNDER = 1.5 * 2 ** 23;

/** The sum of `coefficients[i] * x ** i`, by Horner's rule. */
export function polynomial(coefficients: readonly Vector[], x: Vector): Vector {
  return coefficients.reduceRight((sum, coefficient) => f32x4.relaxedMadd(sum, x, coefficient));
}
