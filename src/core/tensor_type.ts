/**
 * Types as values: the result of `evalShape`, and the arguments of `makeProgram` in place of tensors.
 *
 * @module
 */
import { checkDtype } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { checkShape, showType } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import type { Type } from "./tensor.ts";

/**
 * The dtype and shape of a tensor without its elements.
 *
 * @category Tensors
 * @example Tracing without data
 * ```ts
 * import { evalShape, TensorType } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 *
 * const out = evalShape((x: Tensor) => x.matmul(x))(new TensorType("float32", [3, 3]));
 * if (String(out) !== "float32[3,3]") throw new Error(String(out));
 * ```
 */
export class TensorType implements Type {
  /** The element type. */
  readonly dtype: Dtype;
  /** The length of each axis, outermost first; frozen. */
  readonly shape: Shape;

  /**
   * Creates a type.
   *
   * @throws {DtypeError} when `dtype` is not a dtype.
   * @throws {ShapeError} when `shape` is not a shape.
   */
  constructor(dtype: Dtype, shape: readonly number[]) {
    checkDtype(dtype);
    this.dtype = dtype;
    this.shape = checkShape(shape, "Cannot make a tensor type");
    Object.freeze(this);
  }

  /** The type as it is printed in messages: `float32[2,3]`. */
  toString(): string {
    return showType(this);
  }
}
