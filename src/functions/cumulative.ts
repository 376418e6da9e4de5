/**
 * Running results along an axis.
 *
 * @module
 */
import { sumDtype } from "../base/dtype.ts";
import { checkAxis, showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import * as reduction from "../primitives/reduction.ts";
import { convert } from "../primitives/structure.ts";
import { isScalarAxis } from "./arguments.ts";

/** A running result along one axis; bools and small integers get 32 bits. */
function running(
  what: string,
  strict: (x: Tensor, axis: number) => Tensor,
  value: TensorLike,
  axis: number,
): Tensor {
  const x = toTensor(value, what);
  const numbers = convert(x, sumDtype(x.dtype));
  if (isScalarAxis(x, axis)) return numbers;
  return strict(numbers, checkAxis(axis, x.ndim, `${what} ${showType(x)}`));
}

/**
 * Running sum along an axis: each element is the sum of those up to and including its place. Floats
 * are added up in double precision, integers modulo 2^32.
 *
 * @param x Any shape.
 * @param axis The axis; negative ones count from the last.
 * @returns The shape and dtype of `x` (`int32` for `bool` and small integers, `uint32` for small unsigned ones).
 * @throws {AxisError} when the axis is out of range.
 *
 * @example Partial sums
 * ```ts
 * import { cumsum } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(cumsum([[1, 2, 3], [4, 5, 6]], 1), [[1, 3, 6], [4, 9, 15]]);
 * ```
 */
export function cumsum(x: TensorLike, axis: number): Tensor {
  return running("Cannot take running sums of", reduction.cumsum, x, axis);
}

/**
 * Running product along an axis: each element is the product of those up to and including its place.
 * Floats are multiplied in double precision, integers modulo 2^32. The derivative is exact where
 * elements are zero.
 *
 * @param x Any shape.
 * @param axis The axis; negative ones count from the last.
 * @returns The shape and dtype of `x` (`int32` for `bool` and small integers, `uint32` for small unsigned ones).
 * @throws {AxisError} when the axis is out of range.
 *
 * @example Factorials
 * ```ts
 * import { cumprod } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(cumprod([1, 2, 3, 4], 0), [1, 2, 6, 24]);
 * ```
 */
export function cumprod(x: TensorLike, axis: number): Tensor {
  return running("Cannot take running products of", reduction.cumprod, x, axis);
}
