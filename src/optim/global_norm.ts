/**
 * The norm of a whole tree.
 *
 * @module
 */
import { defaultFloat, describeValue, isFloat, promoteDtypes } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { splat } from "../core/tensor.ts";
import type { Tensor } from "../core/tensor.ts";
import { norm, stack } from "../functions/mod.ts";
import { flattenTensors } from "../transforms/flatten_function.ts";

/**
 * Options of `globalNorm` and `clipByGlobalNorm`.
 *
 * @category Gradient transformations
 */
export interface GlobalNormOptions {
  /**
   * The order p of the norm: a number above 0, or infinity for the largest magnitude. Default 2.
   */
  readonly ord?: number;
}

/** The order of a norm, checked. */
export function readOrder(what: string, options: GlobalNormOptions): number {
  const { ord = 2 } = readOptions(what, options, ["ord"]);
  if (typeof ord === "number" && ord > 0) return ord;
  throw argumentError(
    `${what} with ord ${describeValue(ord)}: expected a number above 0, or infinity`,
  );
}

/**
 * The norm of all elements of a tree together: (∑ |x|ᵖ)^(1/p).
 *
 * @category Gradient transformations
 * @param tree A tree of tensors. Integer and bool leaves do not count, since updates have none.
 * @param options The order p.
 * @returns A scalar of the widest dtype among the leaves; a float32 zero for a tree without any.
 * Its derivative at zero is zero.
 * @throws {ArgumentError} when the order is not above 0.
 *
 * @example The length of two gradients together
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(optim.globalNorm({ weight: tensor([[1, 2]]), bias: tensor([2]) }), 3);
 * ```
 */
export function globalNorm(tree: unknown, options?: GlobalNormOptions): Tensor {
  if (options === undefined) options = {};
  const what = "Cannot take the global norm";
  const ord = readOrder(what, options);
  const { leaves } = flattenTensors(tree, `${what} of this tree`);
  return normOf(leaves, ord);
}

/** The norm of all elements of these tensors together. */
export function normOf(tensors: readonly (Tensor | null)[], ord: number): Tensor {
  const counted = tensors.filter((x) => x !== null && isFloat(x.dtype) && x.size > 0) as Tensor[];
  if (counted.length === 0) return splat(0, defaultFloat(), []);
  const dtype = counted.map((x) => x.dtype).reduce<Dtype>((a, b) => promoteDtypes(a, b), "float32");
  // A norm of norms, each without a derivative at zero, so that one zero leaf among others is safe.
  return norm(stack(counted.map((x) => norm(x.astype(dtype), null, { ord }))), null, { ord });
}
