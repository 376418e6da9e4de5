/**
 * Products of matrices and contractions.
 *
 * There are four ways, chosen by shapes and strides (`stack.ts`):
 *
 * - shared: B is packed into panels once, then chunks of rows of C are multiplied
 * - local: one stage, whose chunks pack what they need of B
 * - strips: B is read where it stands, some of its rows at a time; for few rows of C or a small B
 * - dots: B is read where it stands, along the sums; for few rows of C
 *
 * Each also serves `Cᵀ = Bᵀ Aᵀ`. Sums that are long beside the result are cut into pieces.
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
  /** The type that is computed with, and that of C. */
  readonly dtype: Number;
  /** How many matrices of each kind there are. */
  readonly batch: number;
  /** Rows of A and C. */
  readonly m: number;
  /** Columns of B and C. */
  readonly n: number;
  /** Columns of A and rows of B. */
  readonly k: number;
  /** Where the elements of A stand. */
  readonly a: Strides;
  /** Where the elements of B stand. */
  readonly b: Strides;
  /** Where the elements of C stand. */
  readonly c: Strides;
}

/** `C = A B`: A and B are operands 0 and 1, C is 2. All elements of C are written, and no others. */
export function emitProduct(builder: Builder, spec: BatchProduct): Kernel {
  const { batch, a, b, c } = spec;
  const stack = [{ length: batch, a: a.batch, b: b.batch, c: c.batch }];
  return emitProducts(builder, { ...spec, stack });
}
