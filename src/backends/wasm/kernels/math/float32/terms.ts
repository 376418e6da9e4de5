/**
 * Building blocks of formulas on four floats.
 *
 * `relaxedMadd` rounds once or twice, depending on the machine. It is used only where both satisfy
 * the stated error bounds, and never for the user's own elementwise arithmetic.
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

/** The sign bit of a float. */
export const SIGN_BIT = -(2 ** 31);

/** Adding it rounds to a whole number, which is then in the lowest bits of the sum. */
export const ROUNDER = 1.5 * 2 ** 23;

/** The sum of `coefficients[i] * x ** i`, by Horner's rule. */
export function polynomial(coefficients: readonly Vector[], x: Vector): Vector {
  return coefficients.reduceRight((sum, coefficient) => f32x4.relaxedMadd(sum, x, coefficient));
}
