/**
 * Tensors of positions along an axis, counted from its front.
 *
 * @module
 */
import { Concrete, type Tensor } from "../core/tensor.ts";
import { minimum, offset } from "../primitives/arithmetic.ts";
import { bindOne } from "../core/trace.ts";
import { less, select } from "../primitives/comparison.ts";
import { checkIndicesPrimitive, outOfRange } from "../primitives/indexing.ts";
import { constantLike, convert } from "../primitives/structure.ts";

/**
 * Index entries counted from the front, as int32. Those of a concrete tensor are checked; a traced
 * one keeps entries out of range out of range, for the evaluation to find.
 */
export function fromFront(indices: Tensor, length: number, axis: number, what: string): Tensor {
  if (indices instanceof Concrete) {
    let isReady = indices.dtype === "int32";
    for (const entry of indices.elements) {
      if (entry < -length || entry >= length) throw outOfRange(entry, { length, axis, what });
      if (entry < 0) isReady = false;
    }
    if (isReady) return indices;
    const entries = Int32Array.from(
      indices.elements,
      (entry) => entry < 0 ? entry + length : entry,
    );
    return new Concrete("int32", indices.shape, entries);
  }
  const checked = bindOne(checkIndicesPrimitive, [indices], { length, axis, what });
  return countedFromFront(checked, length);
}

/** Index entries as int32, negative ones counted from the end. */
export function countedFromFront(indices: Tensor, length: number): Tensor {
  if (indices.dtype === "uint32") {
    return convert(minimum(indices, constantLike(indices, 0x7fffffff)), "int32");
  }
  // Narrow integers may not hold the length.
  const wide = convert(indices, "int32");
  return select(less(wide, constantLike(wide, 0)), offset(wide, length), wide);
}
