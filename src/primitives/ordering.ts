/**
 * Sorting: argsort. Sorted values are gathered with its indices, which also gives their derivatives.
 *
 * @module
 */
import { movePermutation } from "../base/shape.ts";
import type { Primitive } from "../core/primitive.ts";
import { allocateFor, Concrete, dense } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";
import type { Tensor } from "../core/tensor.ts";
import { sortRow } from "../numeric/ordering.ts";
import { reductionRows, transposePrimitive } from "./structure.ts";

/** Parameters of `argsort`. */
export interface ArgsortParams {
  /** The axis to sort along. */
  readonly axis: number;
  /** Whether the largest comes first. */
  readonly descending: boolean;
}

/**
 * The indices that sort along an axis, as int32. The sort is stable in both directions; NaN is the
 * largest.
 */
export const argsortPrimitive: Primitive<ArgsortParams> = {
  name: "argsort",
  isTotal: true,
  type: ([x]) => [{ dtype: "int32", shape: x.shape }],
  evaluate([x], { axis, descending }, [type]) {
    const rows = reductionRows(x, [axis]);
    const order = allocateFor(type) as Int32Array;
    const length = x.shape[axis];
    const values = dense(rows);
    for (let start = 0; start < order.length; start += length) {
      sortRow(order.subarray(start, start + length), values.subarray(start), descending);
    }
    const sorted = new Concrete("int32", rows.shape, order);
    const last = x.ndim - 1;
    if (axis === last) return [sorted];
    return transposePrimitive.evaluate([sorted], {
      permutation: movePermutation(x.ndim, last, axis),
    }, [type]);
  },
  batch([x], [mapped], _size, { axis, descending }) {
    return [[argsort(x, axis < mapped! ? axis : axis + 1, descending), mapped]];
  },
  derivative: { kind: "zero" },
};

/** Indices that sort along `axis`. */
export function argsort(x: Tensor, axis: number, descending: boolean): Tensor {
  return bindOne(argsortPrimitive, [x], { axis, descending });
}
