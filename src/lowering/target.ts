/**
 * The capabilities of a backend that lowering depends on.
 *
 * @module
 */
import type { Dtype } from "../base/dtype.ts";

/** The capabilities of a backend. */
export interface Target {
  /** Whether loops may contain an elementwise primitive on elements of this dtype. */
  writes(operation: string, dtype: Dtype): boolean;
  /** Whether the kernel of a primitive also reads operands that are stored as narrower dtypes. */
  widens(operation: string): boolean;
  /** Whether loops compute float64 with full precision. */
  readonly hasDoubles: boolean;
  /** The maximum number of buffers of a nest. */
  readonly mostBuffers: number;
  /** Whether elementwise work with the same loops becomes one nest, since starting another is slow. */
  readonly joinsLoops: boolean;
  /** Whether work on few elements in nested programs becomes straight code. */
  readonly hasStraightCode: boolean;
}
