/**
 * Tensors as text, in the manner of PyTorch and NumPy.
 *
 * @module
 */
import type { Dtype } from "../base/dtype.ts";
import type { Shape } from "../base/shape.ts";

/** `tensor([1, 2])`: the elements of a tensor as text, elided when there are many. */
export function formatTensor(
  elements: ArrayLike<number>,
  type: { readonly dtype: Dtype; readonly shape: Shape },
): string {
  // Replaced by the full printer; kept minimal while the core is assembled.
  return `tensor(${Array.from(elements).join(", ")}, ${type.dtype}[${type.shape.join(",")}])`;
}
