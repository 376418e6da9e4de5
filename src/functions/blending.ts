/**
 * Mixtures of elements: interpolation, and scaled products and quotients added, after PyTorch.
 *
 * @module
 */
import { readOptions } from "../base/options.ts";
import { isComplexTensor } from "../core/complex.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { add, mul, sub } from "../primitives/arithmetic.ts";
import { less } from "../primitives/comparison.ts";
import { constantLike } from "../primitives/structure.ts";
import { add as plus, div as quotient, mul as times } from "./arithmetic.ts";
import { broadcastTogether, floatOperand } from "./broadcasting.ts";
import { where } from "./comparison.ts";

/**
 * Options of `addcmul` and `addcdiv`.
 *
 * @category Arithmetic
 */
export interface ScaledOptions {
  /** The factor of the product or quotient. Default 1. */
  readonly value?: TensorLike;
}

/**
 * Points between `x` and `y`: `x + weight * (y - x)`, which is `x` at weight 0 and `y` at weight 1, exactly.
 *
 * @category Arithmetic
 * @param x Where weights are 0, of any shape.
 * @param y Where weights are 1, of any shape that broadcasts with `x`.
 * @param weight How far to go, of any shape that broadcasts with both.
 * @returns The common dtype, in the shape that all broadcast to. Integers and bools become floats.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example A quarter of the way
 * ```ts
 * import { lerp } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(lerp([0, 10], [4, 20], 0.25), [1, 12.5]);
 * ```
 */
export function lerp(x: TensorLike, y: TensorLike, weight: TensorLike): Tensor {
  const what = "Cannot interpolate between";
  const [start, end, share] = broadcastTogether(what, x, y, weight).map(floatOperand);
  const way = sub(end, start);
  // From the nearer end, as PyTorch does, so that both are met.
  const size = isComplexTensor(share) ? share.re : share;
  const isNear = less(size, constantLike(size, 0.5));
  return where(
    isNear,
    add(start, mul(share, way)),
    sub(end, mul(way, sub(constantLike(share, 1), share))),
  );
}

/**
 * `x + value * y * other`, element by element.
 *
 * @category Arithmetic
 * @param x Any shape.
 * @param y Any shape that broadcasts with `x`.
 * @param other Any shape that broadcasts with both.
 * @param options `value`: a number, or a tensor that broadcasts with them. Default 1.
 * @returns The common dtype, in the shape that all broadcast to.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example A scaled product added
 * ```ts
 * import { addcmul } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(addcmul([1, 2], [3, 4], 10, { value: 0.5 }), [16, 22]);
 * ```
 */
export function addcmul(
  x: TensorLike,
  y: TensorLike,
  other: TensorLike,
  options?: ScaledOptions,
): Tensor {
  const { value = 1 } = readOptions("Cannot add a product", options, ["value"]);
  return plus(x, times(times(value, y), other));
}

/**
 * `x + value * y / other`, element by element.
 *
 * @category Arithmetic
 * @param x Any shape.
 * @param y The dividends, of any shape that broadcasts with `x`.
 * @param other The divisors, of any shape that broadcasts with both.
 * @param options `value`: a number, or a tensor that broadcasts with them. Default 1.
 * @returns The common dtype, in the shape that all broadcast to. Integers and bools become floats.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example A scaled quotient added
 * ```ts
 * import { addcdiv } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(addcdiv([1, 2], [3, 4], 2, { value: 10 }), [16, 22]);
 * ```
 */
export function addcdiv(
  x: TensorLike,
  y: TensorLike,
  other: TensorLike,
  options?: ScaledOptions,
): Tensor {
  const { value = 1 } = readOptions("Cannot add a quotient", options, ["value"]);
  return plus(x, quotient(times(value, y), other));
}
