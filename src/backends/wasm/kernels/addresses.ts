/**
 * Addresses, vectors, and arithmetic on addresses and counts.
 *
 * @module
 */
import type { Expression } from "../assembler/expression.ts";
import { i32, select } from "../assembler/operations.ts";

/** Bytes of a vector. */
export const VECTOR = 16;

/** An address in memory, or a number of bytes or of elements. */
export type Pointer = Expression<"i32">;

/** 16 bytes of elements. For bools it is a mask, each lane all ones or all zeros. */
export type Vector = Expression<"v128">;

/** An address a number of bytes further on. */
export function advance(pointer: Pointer, bytes: number): Pointer {
  return bytes === 0 ? pointer : i32.add(pointer, i32.const(bytes));
}

/** A number times a constant. */
export function times(count: Pointer, factor: number): Pointer {
  return factor === 1 ? count : i32.mul(count, i32.const(factor));
}

/** The smaller of two unsigned numbers; the code of both is written twice. */
export function smaller(a: Pointer, b: Pointer): Pointer {
  return select(i32.ltU(a, b), a, b);
}
