/**
 * Roots of accumulated squares.
 *
 * @module
 */
import type { Tensor } from "../core/tensor.ts";
import "../functions/mod.ts";

/** The smallest normal numbers. */
const SMALLEST = { float32: 2 ** -126, float64: 2 ** -1022 } as const;

/**
 * The square root of sums of squares. It differs from `sqrt` only at zero, before anything has been added:
 * an infinite derivative there would make NaN of every derivative through an update of a
 * parameter whose gradient was zero so far. The constant added there is far below any usual epsilon.
 */
export function rootOf(squares: Tensor): Tensor {
  return squares.maximum(SMALLEST[squares.dtype as keyof typeof SMALLEST]).sqrt();
}
