/**
 * Comparisons, tests, logic, and choices between elements.
 *
 * @module
 */
import { isFloat, isInexact } from "../base/dtype.ts";
import { toTensor } from "../core/convert.ts";
import { ComplexTensor } from "../core/complex.ts";
import { Concrete, splat } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { WeakScalar } from "../core/trace.ts";
import { abs } from "../primitives/arithmetic.ts";
import * as comparison from "../primitives/comparison.ts";
import { constantLike, convert } from "../primitives/structure.ts";
import {
  applyBinary,
  broadcastTo,
  broadcastTogether,
  commonShape,
  promoteTogether,
} from "./broadcasting.ts";
import { applyReal, checkReal } from "./operands.ts";

/**
 * Whether the elements of each pair are equal; NaN equals nothing.
 *
 * @category Comparison and logic
 * @param x Any shape.
 * @param y Any shape that broadcasts with `x`.
 * @returns `bool`, in the shape that both broadcast to.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example Pair by pair
 * ```ts
 * import { equal } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(equal([1, 2, NaN], [1, 3, NaN]), [true, false, false]);
 * ```
 */
export function equal(x: TensorLike, y: TensorLike): Tensor {
  return applyBinary("Cannot compare", comparison.equal, x, y);
}

/**
 * Whether the elements of each pair differ; NaN differs from everything.
 *
 * @category Comparison and logic
 * @param x Any shape.
 * @param y Any shape that broadcasts with `x`.
 * @returns `bool`, in the shape that both broadcast to.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example Pair by pair
 * ```ts
 * import { notEqual } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(notEqual([1, 2, NaN], [1, 3, NaN]), [false, true, true]);
 * ```
 */
export function notEqual(x: TensorLike, y: TensorLike): Tensor {
  return applyBinary("Cannot compare", (a, b) => comparison.not(comparison.equal(a, b)), x, y);
}

/**
 * Whether the first element of each pair is less; false for NaN.
 *
 * @category Comparison and logic
 * @param x Any shape.
 * @param y Any shape that broadcasts with `x`.
 * @returns `bool`, in the shape that both broadcast to.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example Below a bound
 * ```ts
 * import { less } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(less([1, 2, 3], 2), [true, false, false]);
 * ```
 */
export function less(x: TensorLike, y: TensorLike): Tensor {
  return applyReal("Cannot compare", "less", comparison.less, x, y);
}

/**
 * Whether the first element of each pair is less or equal; false for NaN.
 *
 * @category Comparison and logic
 * @param x Any shape.
 * @param y Any shape that broadcasts with `x`.
 * @returns `bool`, in the shape that both broadcast to.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example Up to a bound
 * ```ts
 * import { lessEqual } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(lessEqual([1, 2, 3], 2), [true, true, false]);
 * ```
 */
export function lessEqual(x: TensorLike, y: TensorLike): Tensor {
  return applyReal("Cannot compare", "lessEqual", comparison.lessEqual, x, y);
}

/**
 * Whether the first element of each pair is greater; false for NaN.
 *
 * @category Comparison and logic
 * @param x Any shape.
 * @param y Any shape that broadcasts with `x`.
 * @returns `bool`, in the shape that both broadcast to.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example Above a bound
 * ```ts
 * import { greater } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(greater([1, 2, 3], 2), [false, false, true]);
 * ```
 */
export function greater(x: TensorLike, y: TensorLike): Tensor {
  return applyReal("Cannot compare", "greater", (a, b) => comparison.less(b, a), x, y);
}

/**
 * Whether the first element of each pair is greater or equal; false for NaN.
 *
 * @category Comparison and logic
 * @param x Any shape.
 * @param y Any shape that broadcasts with `x`.
 * @returns `bool`, in the shape that both broadcast to.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example From a bound on
 * ```ts
 * import { greaterEqual } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(greaterEqual([1, 2, 3], 2), [false, true, true]);
 * ```
 */
export function greaterEqual(x: TensorLike, y: TensorLike): Tensor {
  return applyReal("Cannot compare", "greaterEqual", (a, b) => comparison.lessEqual(b, a), x, y);
}

/**
 * The bools of `x`: whether elements are not zero. JavaScript values stay what adapts to a shape.
 */
function truth(what: string, x: TensorLike): Tensor | boolean {
  if (typeof x === "boolean") return x;
  if (typeof x === "number") return x !== 0;
  if (x instanceof WeakScalar) return x.as("bool");
  return convert(toTensor(x, what), "bool");
}

/**
 * Whether both elements of each pair are true (not zero).
 *
 * @category Comparison and logic
 * @param x Any shape and dtype.
 * @param y Any shape that broadcasts with `x`.
 * @returns `bool`, in the shape that both broadcast to.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example Conjunction
 * ```ts
 * import { logicalAnd } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(logicalAnd([1, 2, 0], [true, false, false]), [true, false, false]);
 * ```
 */
export function logicalAnd(x: TensorLike, y: TensorLike): Tensor {
  const what = "Cannot take the conjunction of";
  return applyBinary(what, comparison.and, truth(what, x), truth(what, y));
}

/**
 * Whether either element of each pair is true (not zero).
 *
 * @category Comparison and logic
 * @param x Any shape and dtype.
 * @param y Any shape that broadcasts with `x`.
 * @returns `bool`, in the shape that both broadcast to.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example Disjunction
 * ```ts
 * import { logicalOr } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(logicalOr([1, 2, 0], [true, false, false]), [true, true, false]);
 * ```
 */
export function logicalOr(x: TensorLike, y: TensorLike): Tensor {
  const what = "Cannot take the disjunction of";
  return applyBinary(what, comparison.or, truth(what, x), truth(what, y));
}

/**
 * Whether exactly one element of each pair is true (not zero).
 *
 * @category Comparison and logic
 * @param x Any shape and dtype.
 * @param y Any shape that broadcasts with `x`.
 * @returns `bool`, in the shape that both broadcast to.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example Exclusive disjunction
 * ```ts
 * import { logicalXor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(logicalXor([1, 2, 0], [true, false, false]), [false, true, false]);
 * ```
 */
export function logicalXor(x: TensorLike, y: TensorLike): Tensor {
  const what = "Cannot take the exclusive disjunction of";
  return applyBinary(what, comparison.xor, truth(what, x), truth(what, y));
}

/**
 * Whether each element is zero or false.
 *
 * @category Comparison and logic
 * @param x Any shape and dtype.
 * @returns `bool`, the shape of `x`.
 *
 * @example Negation
 * ```ts
 * import { logicalNot } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(logicalNot([0, 2, NaN]), [true, false, false]);
 * ```
 */
export function logicalNot(x: TensorLike): Tensor {
  return comparison.not(convert(toTensor(x, "Cannot negate"), "bool"));
}

/**
 * Whether each element is NaN.
 *
 * @category Comparison and logic
 * @param x Any shape and dtype; integers and bools never are.
 * @returns `bool`, the shape of `x`.
 *
 * @example Finding NaN
 * ```ts
 * import { isnan } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(isnan([1, NaN, Infinity]), [false, true, false]);
 * ```
 */
export function isnan(x: TensorLike): Tensor {
  const value = toTensor(x, "Cannot look for NaN in");
  return isInexact(value.dtype) ? comparison.isNan(value) : splat(0, "bool", value.shape);
}

/**
 * Whether each element is infinite, of either sign.
 *
 * @category Comparison and logic
 * @param x Any shape and dtype; integers and bools never are.
 * @returns `bool`, the shape of `x`.
 *
 * @example Finding infinities
 * ```ts
 * import { isinf } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(isinf([1, NaN, -Infinity]), [false, false, true]);
 * ```
 */
export function isinf(x: TensorLike): Tensor {
  const value = toTensor(x, "Cannot look for infinities in");
  if (value instanceof ComplexTensor) return comparison.or(isinf(value.re), isinf(value.im));
  if (!isFloat(value.dtype)) return splat(0, "bool", value.shape);
  return comparison.equal(abs(value), constantLike(value, Infinity));
}

/**
 * Whether each element is neither infinite nor NaN.
 *
 * @category Comparison and logic
 * @param x Any shape and dtype; integers and bools always are.
 * @returns `bool`, the shape of `x`.
 *
 * @example Finding finite elements
 * ```ts
 * import { isfinite } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(isfinite([1, NaN, -Infinity]), [true, false, false]);
 * ```
 */
export function isfinite(x: TensorLike): Tensor {
  const value = toTensor(x, "Cannot look for finite numbers in");
  if (value instanceof ComplexTensor) return comparison.and(isfinite(value.re), isfinite(value.im));
  if (!isFloat(value.dtype)) return splat(1, "bool", value.shape);
  return comparison.less(abs(value), constantLike(value, Infinity));
}

/** Elements of one tensor where a condition holds, of another elsewhere: the public `where` without its short form. */
export function where(condition: TensorLike, x: TensorLike, y: TensorLike): Tensor {
  const what = "Cannot choose between";
  const test = convert(toTensor(condition, what), "bool");
  const [first, second] = promoteTogether(what, [x, y]);
  const shape = commonShape(what, [test, first, second]);
  return comparison.select(
    broadcastTo(test, shape),
    broadcastTo(first, shape),
    broadcastTo(second, shape),
  );
}

/**
 * Elements held between two bounds; NaN stays, and a bound of NaN gives NaN. The derivative by `x` is 1 between the bounds and at
 * them, 0 beyond.
 *
 * @category Comparison and logic
 * @param x Any shape.
 * @param min The lower bound, of any shape that broadcasts with `x`; `null` for none.
 * @param max The upper bound, of any shape that broadcasts with both; `null` for none. Where it is
 * less than `min`, it is the result.
 * @returns The common dtype, in the shape that all broadcast to.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example Between 0 and 1
 * ```ts
 * import { clip } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(clip([-1, 0.5, 2], 0, 1), [0, 0.5, 1]);
 * assertTensorsClose(clip([-1, 0.5, 2], null, 1), [-1, 0.5, 1]);
 * ```
 */
export function clip(x: TensorLike, min: TensorLike | null, max: TensorLike | null): Tensor {
  const what = "Cannot clip";
  const bounds = [min ?? null, max ?? null].filter((bound) => bound !== null);
  const [value, ...limits] = broadcastTogether(what, x, ...bounds);
  checkReal("clip", [value, ...limits], [x, ...bounds]);
  let result = value;
  if (min !== null && min !== undefined) {
    const low = limits.shift()!;
    result = comparison.select(replaces(low, comparison.less(result, low)), low, result);
  }
  if (max !== null && max !== undefined) {
    const high = limits.shift()!;
    result = comparison.select(replaces(high, comparison.less(high, result)), high, result);
  }
  return result;
}

/** Where a bound replaces an element: where it is passed, or is NaN, which a constant seldom is. */
function replaces(bound: Tensor, isPassed: Tensor): Tensor {
  if (!isFloat(bound.dtype)) return isPassed;
  const isKnown = bound instanceof Concrete && bound.held === 1;
  if (isKnown && !Number.isNaN(bound.elements[0])) return isPassed;
  return comparison.or(isPassed, comparison.isNan(bound));
}
