/**
 * Running results along an axis: sums, products, extremes and logarithms of sums.
 *
 * @module
 */
import { sumDtype } from "../base/dtype.ts";
import { checkAxis, showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { prefixesOf } from "../primitives/prefixes.ts";
import * as reduction from "../primitives/reduction.ts";
import { runningExtreme } from "../primitives/searching.ts";
import { convert, moveAxis } from "../primitives/structure.ts";
import { isScalarAxis } from "./arguments.ts";
import { floatOperand } from "./broadcasting.ts";
import { logaddexp } from "./exponential.ts";
import { realOperand } from "./operands.ts";
import { takeAlongLast } from "./ordering.ts";

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
 * Running sum along an axis: each element is the sum of those up to and including its position. Floats are
 * added up in double precision, integers modulo 2^32.
 *
 * @category Reductions
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
 * Running product along an axis: each element is the product of those up to and including its position.
 * Floats are multiplied in double precision, integers modulo 2^32. The derivative is exact where elements
 * are zero.
 *
 * @category Reductions
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

/**
 * Largest element so far along an axis; NaN from the first NaN on. Of equal elements the last has the
 * derivative, as in PyTorch.
 *
 * @category Reductions
 * @param x Any shape.
 * @param axis The axis; negative ones count from the last.
 * @returns The shape and dtype of `x`.
 * @throws {AxisError} when the axis is out of range.
 *
 * @example High-water marks
 * ```ts
 * import { cummax } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(cummax([3, 1, 4, 1, 5], 0), [3, 3, 4, 4, 5]);
 * ```
 */
export function cummax(x: TensorLike, axis: number): Tensor {
  return elementsOfExtremes("cummax", x, axis);
}

/**
 * Smallest element so far along an axis; NaN from the first NaN on. Of equal elements the last has the
 * derivative, as in PyTorch.
 *
 * @category Reductions
 * @param x Any shape.
 * @param axis The axis; negative ones count from the last.
 * @returns The shape and dtype of `x`.
 * @throws {AxisError} when the axis is out of range.
 *
 * @example Low-water marks
 * ```ts
 * import { cummin } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(cummin([3, 1, 4, 1, 0], 0), [3, 1, 1, 1, 0]);
 * ```
 */
export function cummin(x: TensorLike, axis: number): Tensor {
  return elementsOfExtremes("cummin", x, axis);
}

/** The elements at the places of the extremes so far. */
function elementsOfExtremes(name: "cummax" | "cummin", value: TensorLike, axis: number): Tensor {
  const what = `Cannot take the ${name} of`;
  const x = realOperand(name, toTensor(value, what));
  if (isScalarAxis(x, axis)) return x;
  const at = checkAxis(axis, x.ndim, `${what} ${showType(x)}`);
  const last = x.ndim - 1;
  const rows = moveAxis(x, at, last);
  return moveAxis(takeAlongLast(rows, runningExtreme(rows, name === "cummax")), last, at);
}

/**
 * Logarithm of the sum of the exponentials so far along an axis, without overflow.
 *
 * @category Reductions
 * @param x Any shape.
 * @param axis The axis; negative ones count from the last.
 * @returns The dtype of `x` (`float32` for integers and `bool`) and its shape.
 * @throws {AxisError} when the axis is out of range.
 *
 * @example Of equal terms
 * ```ts
 * import { cumlogsumexp } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = cumlogsumexp([1000, 1000, 1000], 0);
 * assertTensorsClose(x, [1000, 1000 + Math.log(2), 1000 + Math.log(3)]);
 * ```
 */
export function cumlogsumexp(x: TensorLike, axis: number): Tensor {
  const what = "Cannot take the cumlogsumexp of";
  const value = floatOperand(realOperand("cumlogsumexp", toTensor(x, what)));
  if (isScalarAxis(value, axis)) return value;
  const at = checkAxis(axis, value.ndim, `${what} ${showType(value)}`);
  return prefixesOf(([x], [y]) => [logaddexp(x, y)], [value], [at])[0];
}
