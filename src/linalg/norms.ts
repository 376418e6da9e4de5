/**
 * Norms of vectors and matrices.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { checkAxes, range, showType, withoutAxes } from "../base/shape.ts";
import type { AxisArgument } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { AxisOptions, NormOptions } from "../core/methods.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { floatOperand } from "../functions/broadcasting.ts";
import {
  div,
  index,
  isnan,
  max,
  min,
  mul,
  norm as normOfVectors,
  sum,
  where,
} from "../functions/mod.ts";
import { abs } from "../primitives/arithmetic.ts";
import { checkSquare } from "../primitives/matrices.ts";
import { svd } from "../primitives/orthogonal.ts";
import { reshape, transpose } from "../primitives/structure.ts";
import { readMatrices } from "./arguments.ts";
import { strictInverse } from "./solving.ts";

/**
 * Options of `norm`.
 *
 * @category Norms and matrix functions
 */
export interface MatrixNormOptions extends AxisOptions {
  /**
   * The order. Of vectors: any number, or plus or minus infinity. Of matrices: `"fro"`, `"nuc"`, 1, -1,
   * 2, -2, or plus or minus infinity. Left out: the square root of the sum of squares.
   */
  readonly ord?: number | "fro" | "nuc";
}

/** The orders of matrix norms that are numbers. */
const ORDERS: readonly unknown[] = [1, -1, 2, -2, Infinity, -Infinity];

/**
 * Norms of vectors or matrices, by NumPy's rules.
 *
 * With an order, one axis holds vectors and two hold matrices; without, the square root of the sum of
 * squares over any axes. Of vectors, the norm is `(Σ |x|^ord)^(1/ord)`, the largest absolute value for
 * infinity, the smallest for minus infinity, and the number of elements that are not zero for 0. Of
 * matrices it is the square root of the sum of squares for `"fro"`, the sum of the singular values for
 * `"nuc"`, the largest of them for 2 and the smallest for -2, the largest (smallest) sum of absolute
 * values of a column for 1 (-1), and of a row for infinity (minus infinity).
 *
 * @category Norms and matrix functions
 * @param x Any shape.
 * @param axis The axis of vectors, or the two axes of rows and columns; negative ones count from the
 * last. Left out or `null`: all, of which there may be at most two if there is an order.
 * @param options `ord`: the order; `keepdims`: whether reduced axes stay, with length one.
 * @returns The dtype of `x` (`float32` for integers and `bool`), the shape of `x` without the axes.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ArgumentError} when there is no norm of this order over so many axes.
 * @throws {ShapeError} when a largest or smallest of nothing is asked for.
 *
 * @example Norms of a vector and of a matrix
 * ```ts
 * import { norm } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(norm([3, -4]), 5);
 * assertTensorsClose(norm([[3, 0], [0, -4]], null, { ord: "nuc" }), 7);
 * assertTensorsClose(norm([[3, 0], [0, -4]], null, { ord: 2 }), 4);
 * ```
 */
export function norm(x: TensorLike, axis?: AxisArgument, options?: MatrixNormOptions): Tensor {
  const what = "Cannot take the norm of";
  const value = floatOperand(toTensor(x, what));
  const shown = `${what} ${showType(value)}`;
  const axes = readAxes(axis, value.ndim, shown);
  const { ord, keepdims = false } = readOptions(what, options, ["ord", "keepdims"]);
  checkFlag(keepdims, what, "keepdims");
  if (ord === undefined) return normOfVectors(value, axes, { keepdims });
  if (axes.length === 1 && typeof ord === "number") {
    return normOfVectors(value, axes, { ord, keepdims });
  }
  if (axes.length !== 2 || !(ord === "fro" || ord === "nuc" || ORDERS.includes(ord))) {
    const expected = axes.length === 1
      ? "a number for vectors"
      : axes.length === 2
      ? '"fro", "nuc", 1, -1, 2, -2, Infinity or -Infinity for matrices'
      : `one axis for vectors or two for matrices, not ${axes.length}`;
    throw argumentError(`${shown} of order ${describeValue(ord)}: expected ${expected}`);
  }
  const rest = withoutAxes(range(value.ndim), axes);
  const result = normOfMatrices(transpose(value, [...rest, ...axes]), ord);
  if (!keepdims) return result;
  return reshape(result, value.shape.map((length, i) => axes.includes(i) ? 1 : length));
}

/** The axes, in the order in which they are named: rows come before columns. */
function readAxes(axis: AxisArgument, ndim: number, what: string): number[] {
  const sorted = checkAxes(axis, ndim, what);
  if (!Array.isArray(axis) || sorted.length !== 2) return sorted;
  const first = axis[0] < 0 ? axis[0] + ndim : axis[0];
  return first === sorted[0] ? sorted : [sorted[1], sorted[0]];
}

/** The norm of matrices on the last two axes. */
function normOfMatrices(x: Tensor, ord: number | "fro" | "nuc"): Tensor {
  switch (ord) {
    case "fro":
      return normOfVectors(x, [-2, -1]);
    case "nuc":
      return sum(svd(x)[1], -1);
    case 2:
      return max(svd(x)[1], -1);
    case -2:
      return min(svd(x)[1], -1);
    default: {
      const sums = sum(abs(x), Math.abs(ord) === 1 ? -2 : -1);
      return ord > 0 ? max(sums, -1) : min(sums, -1);
    }
  }
}

/**
 * Norms of vectors: of all elements, or along axes, as if they were one vector.
 *
 * @category Norms and matrix functions
 * @param x Any shape.
 * @param axis The axis, or axes; left out or `null`: all.
 * @param options `ord`: any number, or plus or minus infinity, 2 by default; `keepdims`: whether reduced
 * axes stay, with length one.
 * @returns The dtype of `x`, real for complex numbers (`float32` for integers and `bool`), the shape of
 * `x` without the axes.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ShapeError} when the largest or smallest of nothing is asked for.
 *
 * @example The sum of absolute values
 * ```ts
 * import { vectorNorm } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(vectorNorm([[3, -4], [0, 5]], null, { ord: 1 }), 12);
 * ```
 */
export function vectorNorm(x: TensorLike, axis?: AxisArgument, options?: NormOptions): Tensor {
  return normOfVectors(x, axis, options);
}

/**
 * Norms of the matrices on the last two axes.
 *
 * @category Norms and matrix functions
 * @param x `[..., m, n]`
 * @param options `ord`: `"fro"`, the default, `"nuc"`, 1, -1, 2, -2, or plus or minus infinity, as in
 * `norm`; `keepdims`: whether the axes stay, with length one.
 * @returns `[...]`, real for complex matrices; `float32` for integers and `bool`.
 * @throws {ShapeError} when `x` has fewer than two axes, or the largest or smallest of nothing is asked
 * for.
 * @throws {ArgumentError} when there is no norm of this order.
 *
 * @example The largest singular value
 * ```ts
 * import { matrixNorm } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(matrixNorm([[3, 0], [0, -4]], { ord: 2 }), 4);
 * ```
 */
export function matrixNorm(x: TensorLike, options?: MatrixNormOptions): Tensor {
  const what = "Cannot take the norm of";
  const { ord = "fro", keepdims = false } = readOptions(what, options, ["ord", "keepdims"]);
  return norm(readMatrices(x, what), [-2, -1], { ord, keepdims });
}

/**
 * Condition numbers of matrices: by how much relative errors of a right side may grow in solutions.
 *
 * @category Norms and matrix functions
 * @param x `[..., m, n]`, square unless the order is 2 or -2.
 * @param options `ord`: the norm, 2 by default: the largest singular value by the smallest one. Of
 * another one, the norm of the matrix times that of its inverse.
 * @returns `[...]`, real; infinite where the matrix is singular.
 * @throws {ShapeError} when `x` has fewer than two axes, is empty, or is not square where it has to be.
 * @throws {ArgumentError} when there is no norm of this order.
 *
 * @example Of a diagonal matrix
 * ```ts
 * import { cond } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(cond([[4, 0], [0, 0.5]]), 8);
 * ```
 */
export function cond(x: TensorLike, options?: CondOptions): Tensor {
  const what = "Cannot take the condition number of";
  const { ord = 2 } = readOptions(what, options, ["ord"]);
  const value = readMatrices(x, what);
  // What is undefined without being so by an element is that of a singular matrix.
  const known = (result: Tensor) =>
    where(isnan(matrixNorm(value)), NaN, where(isnan(result), Infinity, result));
  if (ord !== 2 && ord !== -2) {
    checkSquare(value, what);
    return known(mul(matrixNorm(value, { ord }), matrixNorm(strictInverse(value), { ord })));
  }
  if (value.shape.slice(-2).includes(0)) {
    throw shapeError(`${what} ${showType(value)}: expected elements`);
  }
  const s = svd(value)[1];
  const [largest, smallest] = [index(s, "...", 0), index(s, "...", -1)];
  return known(ord === 2 ? div(largest, smallest) : div(smallest, largest));
}

/**
 * Options of `cond`.
 *
 * @category Norms and matrix functions
 */
export interface CondOptions {
  /** The order of the norm, as in `norm`. Default 2. */
  readonly ord?: number | "fro" | "nuc";
}
