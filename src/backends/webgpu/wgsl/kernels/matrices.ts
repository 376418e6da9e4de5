/**
 * Matrices that are multiplied, of which elements are read by expressions.
 *
 * @module
 */
import type { Held } from "../module.ts";
import type { Bound } from "./passes.ts";
import type { Walk } from "./walks.ts";

/** One of the matrices that are multiplied. */
export interface Matrix {
  /** The number of the operand that holds it, the other one's being 1 or 0. */
  readonly operand: 0 | 1;
  /** What its elements are held as. */
  readonly held: Held;
  /**
   * Statements that return an element, as what products are made of: of matrix `t`, in row `i` of the left
   * or column `j` of the right one, at position `p` of the sum.
   */
  readonly read: string;
  /** Whether neighbours in sums are neighbours in memory, rather than those in rows or columns. */
  readonly along: boolean;
  /** The same elements by the loops of the product. */
  readonly walk: Walk;
}

/** Products of matrices, which are operand 2. */
export interface Product {
  /** What products are made of. */
  readonly held: Held;
  /** How many there are, the rows and columns of each, and the length of the sums. */
  readonly batch: number;
  readonly rows: number;
  readonly columns: number;
  readonly length: number;
  /** Loops that the sums are, from the outermost on: the product of their lengths is the length. */
  readonly loops: readonly number[];
  /**
   * Whether what has no partner in the other matrix is left out, infinities and NaN as well; otherwise it is
   * multiplied with zero.
   */
  readonly skips: boolean;
  readonly left: Matrix;
  readonly right: Matrix;
  /** Where element (`i`, `j`) of product `t` stands in the result: an expression. */
  readonly place: string;
}

/** What passes bind. */
export function boundBy({ held, left, right }: Product, output: number): Bound[] {
  return [[left.operand, left.held], [right.operand, right.held], [output, held]];
}
