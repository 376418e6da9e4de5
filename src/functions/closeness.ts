/**
 * Comparisons of whole tensors, and within tolerances.
 *
 * @module
 */
import { describeValue, isInexact } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { broadcastShapes, sameShape } from "../base/shape.ts";
import { splat } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { abs, offset, scale, sub } from "../primitives/arithmetic.ts";
import { and, equal, isNan, less, lessEqual, or } from "../primitives/comparison.ts";
import { constantLike } from "../primitives/structure.ts";
import { broadcastTo, broadcastTogether, floatOperand, promoteTogether } from "./broadcasting.ts";
import { all } from "./reduction.ts";

/**
 * Options of `isclose` and `allclose`.
 *
 * @category Comparison and logic
 */
export interface ClosenessOptions {
  /** The relative tolerance, a factor of the reference. Default 1e-5. */
  readonly rtol?: number;
  /** The absolute tolerance. Default 1e-8. */
  readonly atol?: number;
  /** Whether NaN is close to NaN. Default `false`. */
  readonly equalNan?: boolean;
}

/**
 * Options of `arrayEqual`.
 *
 * @category Comparison and logic
 */
export interface EqualityOptions {
  /** Whether NaN equals NaN. Default `false`. */
  readonly equalNan?: boolean;
}

/**
 * Whether each pair of elements is close: `|x - y| <= atol + rtol * |y|`, as in NumPy and PyTorch. Infinities are
 * close to themselves only.
 *
 * @category Comparison and logic
 * @param x Any shape.
 * @param y The reference, of any shape that broadcasts with `x`.
 * @param options `rtol` (1e-5), `atol` (1e-8), and `equalNan`: whether NaN is close to NaN (`false`).
 * @returns `bool`, in the shape that both broadcast to.
 * @throws {ShapeError} when the shapes do not broadcast.
 * @throws {ArgumentError} when a tolerance is not a number, or negative.
 *
 * @example Within a part in a thousand
 * ```ts
 * import { isclose } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(isclose([1, 2], [1.0001, 3], { rtol: 1e-3 }), [true, false]);
 * ```
 */
export function isclose(x: TensorLike, y: TensorLike, options?: ClosenessOptions): Tensor {
  const what = "Cannot compare";
  const { rtol = 1e-5, atol = 1e-8, equalNan = false } = readOptions(what, options, [
    "rtol",
    "atol",
    "equalNan",
  ]);
  checkFlag(equalNan, what, "equalNan");
  for (const [name, value] of Object.entries({ rtol, atol })) {
    if (typeof value === "number" && value >= 0) continue;
    throw argumentError(`${what}: expected ${name} to be 0 or more, got ${describeValue(value)}`);
  }
  const [first, second] = broadcastTogether(
    what,
    ...promoteTogether(what, [x, y], true).map(floatOperand),
  );
  const distance = abs(sub(first, second));
  const size = abs(second);
  const room = offset(scale(size, rtol), atol);
  const isFinite = less(size, constantLike(size, Infinity));
  const isNear = or(and(isFinite, lessEqual(distance, room)), equal(first, second));
  return equalNan ? or(isNear, and(isNan(first), isNan(second))) : isNear;
}

/**
 * Whether all pairs of elements are close, as `isclose` says.
 *
 * @category Comparison and logic
 * @param x Any shape.
 * @param y The reference, of any shape that broadcasts with `x`.
 * @param options `rtol` (1e-5), `atol` (1e-8), and `equalNan` (`false`).
 * @returns `bool`, a scalar.
 * @throws {ShapeError} when the shapes do not broadcast.
 * @throws {ArgumentError} when a tolerance is not a number, or negative.
 *
 * @example All close
 * ```ts
 * import { allclose } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(allclose([1, 2], [1, 2 + 1e-6]), true);
 * ```
 */
export function allclose(x: TensorLike, y: TensorLike, options?: ClosenessOptions): Tensor {
  return all(isclose(x, y, options));
}

/**
 * Whether two tensors have the same shape and equal elements. NaN equals nothing, unless `equalNan` is set.
 *
 * @category Comparison and logic
 * @param x Any shape.
 * @param y Any shape.
 * @param options `equalNan`: whether NaN equals NaN. Default `false`.
 * @returns `bool`, a scalar.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example Equal, and of another shape
 * ```ts
 * import { arrayEqual } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(arrayEqual([1, 2], [1, 2]), true);
 * assertTensorsClose(arrayEqual([1, 1], [1]), false);
 * ```
 */
export function arrayEqual(x: TensorLike, y: TensorLike, options?: EqualityOptions): Tensor {
  const what = "Cannot compare";
  const { equalNan = false } = readOptions(what, options, ["equalNan"]);
  checkFlag(equalNan, what, "equalNan");
  const [first, second] = promoteTogether(what, [x, y]);
  if (!sameShape(first.shape, second.shape)) return splat(0, "bool", []);
  const isEqual = equal(first, second);
  if (!equalNan || !isInexact(first.dtype)) return all(isEqual);
  return all(or(isEqual, and(isNan(first), isNan(second))));
}

/**
 * Whether two tensors are equal after broadcasting; `false` where their shapes do not broadcast.
 *
 * @category Comparison and logic
 * @param x Any shape.
 * @param y Any shape.
 * @returns `bool`, a scalar.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example A row for all rows
 * ```ts
 * import { arrayEquiv } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(arrayEquiv([[1, 2], [1, 2]], [1, 2]), true);
 * ```
 */
export function arrayEquiv(x: TensorLike, y: TensorLike): Tensor {
  const [first, second] = promoteTogether("Cannot compare", [x, y]);
  const shape = broadcastShapes(first.shape, second.shape);
  if (shape === null) return splat(0, "bool", []);
  return all(equal(broadcastTo(first, shape), broadcastTo(second, shape)));
}
