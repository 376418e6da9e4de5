/**
 * Products of matrices and contractions.
 *
 * There are four methods, chosen by shapes and strides (`stack.ts`):
 *
 * - shared: B is packed into panels once, then chunks of rows of C are multiplied
 * - local: one stage, in which each chunk packs the part of B that it needs
 * - strips: B is read in place, some of its rows at a time; for few rows of C or a small B
 * - dots: B is read in place, along the sums; for few rows of C
 *
 * Each also computes `Cᵀ = Bᵀ Aᵀ`. Sums that are long compared with the result are cut into pieces.
 *
 * Source: K. Goto and R. van de Geijn, "Anatomy of high-performance matrix multiplication", 2008.
 *
 * @module
 */
import type { Builder, Kernel } from "../kernel.ts";
import type { Number } from "../panels.ts";
import type { Operand } from "./blocks.ts";
import { emitProducts } from "./stack.ts";

export { type Contraction, emitContract } from "./contract.ts";

/** Distances between the elements of a stack of matrices, in elements. */
export interface Strides extends Operand {
  /** From one matrix to the next. */
  readonly batch: number;
}

/** `C[b, m, n] = Σ_k A[b, m, k] B[b, k, n]`. */
export interface BatchProduct {
  /** The type of the computation, and that of C. */
  readonly dtype: Number;
  /** The number of matrices of each kind. */
  readonly batch: number;
  /** Rows of A and C. */
  readonly m: number;
  /** Columns of B and C. */
  readonly n: number;
  /** Columns of A and rows of B. */
  readonly k: number;
  /** The strides of A. */
  readonly a: Strides;
  /** The strides of B. */
  readonly b: Strides;
  /** The strides of C. */
  readonly c: Strides;
}

/** `C = A B`: A and B are operands 0 and 1, C is 2. All elements of C are written, and no others. */
export function emitProduct(builder: Builder, spec: BatchProduct): Kernel {
  const { batch, a, b, c } = spec;
  const stack = [{ length: batch, a: a.batch, b: b.batch, c: c.batch }];
  return emitProducts(builder, { ...spec, stack });
}
