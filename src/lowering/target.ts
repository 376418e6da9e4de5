/**
 * What lowering asks the backend that writes the code.
 *
 * @module
 */
import type { Dtype } from "../base/dtype.ts";

/** A backend's answers. */
export interface Target {
  /** Whether loops may contain an elementwise primitive on elements of this dtype. */
  writes(operation: string, dtype: Dtype): boolean;
  /** Whether the kernel of a primitive also reads operands that are held as narrower dtypes. */
  widens(operation: string): boolean;
  /** Whether loops compute float64 with all of its digits. */
  readonly hasDoubles: boolean;
  /** How many buffers a nest may have at most. */
  readonly mostBuffers: number;
  /** Whether elementwise work by the same loops becomes one nest, since it takes long to begin another. */
  readonly joinsLoops: boolean;
  /** Whether work on few elements in programs within others becomes straight code. */
  readonly hasStraightCode: boolean;
}
