/**
 * Matrices to be multiplied, whose elements are read by expressions.
 *
 * @module
 */
import type { Held } from "../module.ts";
import type { Bound } from "./passes.ts";
import type { Walk } from "./walks.ts";

/** One of the factors. */
export interface Matrix {
  /** The number of its operand, 0 or 1. */
  readonly operand: 0 | 1;
  /** The type in which its elements are stored. */
  readonly held: Held;
  /**
   * Statements that return an element in the type of the products: of matrix `t`, in row `i` of the left or
   * column `j` of the right one, at position `p` of the sum.
   */
  readonly read: string;
  /** Whether elements adjacent in sums are adjacent in memory, rather than those in rows or columns. */
  readonly along: boolean;
  /** The same elements, traversed by the loops of the product. */
  readonly walk: Walk;
}

/** Matrix products, which are operand 2. */
export interface Product {
  /** The type of the products. */
  readonly held: Held;
  /** The number of products, their rows and columns, and the length of the sums. */
  readonly batch: number;
  readonly rows: number;
  readonly columns: number;
  readonly length: number;
  /** The loops of the sums, outermost first: the product of their lengths is the length. */
  readonly loops: readonly number[];
  /**
   * Whether elements without a partner in the other matrix are skipped, including infinities and NaN;
   * otherwise they are multiplied by zero.
   */
  readonly skips: boolean;
  readonly left: Matrix;
  readonly right: Matrix;
  /** The position of element (`i`, `j`) of product `t` in the result, as an expression. */
  readonly place: string;
}

/** The operands that passes bind. */
export function boundBy({ held, left, right }: Product, output: number): Bound[] {
  return [[left.operand, left.held], [right.operand, right.held], [output, held]];
}
