/**
 * Factors of matrices that serve several systems, and factors of what is added or multiplied.
 *
 * @module
 */
import { describeValue, isComplex, partDtype } from "../base/dtype.ts";
import { argumentError, dtypeError, shapeError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { broadcastShapes, showType } from "../base/shape.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { customJvp } from "../control/custom_jvp.ts";
import { scan } from "../control/scan.ts";
import { toIndices } from "../functions/arguments.ts";
import { broadcastTo, floatOperand, promoteTogether } from "../functions/broadcasting.ts";
import {
  abs,
  add,
  argmax,
  argsort,
  clip,
  concatenate,
  conj,
  div,
  equal,
  expandDims,
  eye,
  greater,
  imag,
  index,
  less,
  logicalAnd,
  matmul,
  moveaxis,
  mul,
  norm,
  oneHot,
  pad,
  real,
  sub,
  take,
  tril,
  triu,
  where,
} from "../functions/mod.ts";
import { gather } from "../primitives/indexing.ts";
import { lu as strictLu } from "../primitives/lu.ts";
import { adjoint } from "../primitives/complex_matrices.ts";
import { checkMatrices, checkSquare, leading, transposed } from "../primitives/matrices.ts";
import { iota, stopGradient } from "../primitives/structure.ts";
import { readMatrices, readSquare, readSystem } from "./arguments.ts";
import { cholesky } from "./decompositions.ts";
import type { SymmetricOptions } from "./decompositions.ts";
import { identityLike, triangularSolve } from "./solving.ts";

/** The unit lower triangle `l`, the upper triangle `u`, and the order of the rows, `[..., m]`. */
type Factors = [l: Tensor, u: Tensor, rows: Tensor];

/** Matrices with their rows in this order. */
function orderRows(x: Tensor, order: Tensor): Tensor {
  return gather(x, broadcastTo(order, x.shape.slice(0, -1)), x.ndim - 2);
}

/** Some rows, or columns, of matrices. */
function part(x: Tensor, axis: -1 | -2, start: number, stop: number | null): Tensor {
  return axis === -1 ? index(x, "...", [start, stop]) : index(x, "...", [start, stop], null);
}

/** The factors of matrices of any shape by those of their square parts. */
function factorize(a: Tensor): Factors {
  const [m, n] = a.shape.slice(-2);
  const square = isComplex(a.dtype) ? complexSquare : realSquare;
  if (m === n) return square(a);
  if (m < n) {
    const [l, u, rows] = square(part(a, -1, 0, m));
    const rest = orderRows(part(a, -1, m, null), rows);
    const right = triangularSolve(l, rest, { lower: true, unitDiagonal: true });
    return [l, concatenate([u, right], -1), rows];
  }
  // Columns of zeros change no pivot; with the rows in order, the first ones need no other order.
  const widths = a.shape.map((_, i): [number, number] => [0, i === a.ndim - 1 ? m - n : 0]);
  const rows = square(pad(stopGradient(a), widths))[2];
  const ordered = orderRows(a, rows);
  const [l, u] = square(part(ordered, -2, 0, n));
  const below = triangularSolve(u, part(ordered, -2, n, null), { leftSide: false });
  return [concatenate([l, below], -2), u, rows];
}

function realSquare(a: Tensor): Factors {
  const { l, u, rows } = strictLu(a, "partial");
  return [l, u, rows];
}

/** Gaussian elimination, column by column, with the derivative of `lu`. */
const complexSquare: (a: Tensor) => Factors = customJvp(
  (a: Tensor): Factors => {
    const n = a.shape[a.ndim - 1];
    const order = broadcastTo(iota(n), a.shape.slice(0, -1));
    const places = iota(n);
    const [[done, rows]] = scan(
      ([x, rows], k) => {
        const column = take(x, k, -1);
        // LAPACK's measure, so that its pivots are taken.
        const sizes = add(abs(real(column)), abs(imag(column)));
        const size = where(less(places, k), -1, sizes);
        const pivot = expandDims(argmax(size, -1), -1);
        // Rows k and `pivot` change places.
        const swap = where(equal(places, k), pivot, where(equal(places, pivot), k, places));
        const y = orderRows(x, swap);
        const row = take(y, k, -2);
        const head = expandDims(take(row, k, -1), -1);
        const isAfter = greater(places, k);
        const quotients = div(take(y, k, -1), where(equal(head, 0), 1, head));
        const factor = expandDims(where(isAfter, quotients, 0), -1);
        const rest = sub(y, mul(factor, expandDims(where(isAfter, row, 0), -2)));
        const isFactor = logicalAnd(expandDims(isAfter, -1), equal(places, k));
        return [[where(isFactor, factor, rest), gather(rows, swap, rows.ndim - 1)], null];
      },
      [a, order],
      places,
    );
    return [add(tril(done, -1), identityLike(a)), triu(done), rows];
  },
  ([a], [da]) => {
    const [l, u, rows] = complexSquare(a);
    const left = triangularSolve(l, orderRows(da, rows), { lower: true, unitDiagonal: true });
    const inner = triangularSolve(u, left, { leftSide: false });
    return [[l, u, rows], [matmul(l, tril(inner, -1)), matmul(triu(inner), u), null]];
  },
);

/**
 * Options of `lu`.
 *
 * @category Factorizations
 */
export interface LuOptions {
  /** Whether the first result is the permuted lower factor, with two results in all. Default `false`. */
  readonly permuteL?: boolean;
}

/**
 * The LU factorisation with partial pivoting, `a = p l u`.
 *
 * @category Factorizations
 * @param a `[..., m, n]`
 * @param options `permuteL`: whether `[p l, u]` is returned.
 * @returns `[p, l, u]`: a permutation `[..., m, m]`, the unit lower triangle `[..., m, k]` and the upper
 * triangle `[..., k, n]`, `k` the smaller of `m` and `n`. `p` has no derivative.
 * @throws {ShapeError} when `a` has fewer than two axes.
 *
 * @example Rows change places
 * ```ts
 * import { lu } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [p, l, u] = lu([[0, 3], [2, 1]]);
 * assertTensorsClose(p, [[0, 1], [1, 0]]);
 * assertTensorsClose(l, [[1, 0], [0, 1]]);
 * assertTensorsClose(u, [[2, 1], [0, 3]]);
 * ```
 */
export function lu(a: TensorLike, options?: LuOptions): Tensor[] {
  const what = "Cannot factorise";
  const value = readMatrices(a, what);
  const { permuteL = false } = readOptions(what, options, ["permuteL"]);
  checkFlag(permuteL, what, "permuteL");
  const [l, u, rows] = factorize(value);
  if (permuteL) return [orderRows(l, argsort(rows, -1)), u];
  const p = oneHot(rows, value.shape[value.ndim - 2], { dtype: partDtype(value.dtype) });
  return [transposed(p), l, u];
}

/**
 * The LU factorisation with partial pivoting, packed for `luSolve`.
 *
 * @category Factorizations
 * @param a `[..., m, n]`
 * @returns `[lu, rows]`: both triangles in one matrix `[..., m, n]`, without the ones on the diagonal of
 * the lower one, and which row of `a` each row of the product is, `[..., m]`, int32: a permutation, not
 * LAPACK's list of exchanges.
 * @throws {ShapeError} when `a` has fewer than two axes.
 *
 * @example Factors for several systems
 * ```ts
 * import { luFactor, luSolve } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const factors = luFactor([[0, 3], [2, 1]]);
 * assertTensorsClose(factors[0], [[2, 1], [0, 3]]);
 * assertTensorsClose(factors[1], [1, 0]);
 * assertTensorsClose(luSolve(factors, [3, 3]), [1, 1]);
 * ```
 */
export function luFactor(a: TensorLike): [lu: Tensor, rows: Tensor] {
  const [l, u, rows] = factorize(readMatrices(a, "Cannot factorise"));
  const [m, k] = l.shape.slice(-2);
  const n = u.shape[u.ndim - 1];
  const widen = (x: Tensor, axis: number, count: number) =>
    pad(x, x.shape.map((_, i): [number, number] => [0, i === x.ndim + axis ? count : 0]));
  return [add(widen(tril(l, -1), -1, n - k), widen(u, -2, m - k)), rows];
}

/**
 * Options of `luSolve`.
 *
 * @category Factorizations
 */
export interface LuSolveOptions {
  /** Which system is solved: 0 that of `a`, 1 of its transpose, 2 of its adjoint. Default 0. */
  readonly trans?: 0 | 1 | 2;
}

/**
 * The solution of `a x = b` by the factors of `a`.
 *
 * @category Factorizations
 * @param factors What `luFactor` gave: `[lu, rows]`, `[..., n, n]` and `[..., n]`.
 * @param b A vector `[n]`, or matrices `[..., n, k]`. Leading axes are broadcast.
 * @param options `trans`: 0, the default, or 1 for the transpose of `a`, or 2 for its adjoint.
 * @returns `[..., n]` for a vector, else `[..., n, k]`.
 * @throws {ShapeError} when the factors are not square, or something does not fit.
 * @throws {ArgumentError} when `factors` is not a pair or `trans` is none of the three.
 *
 * @example The transposed system
 * ```ts
 * import { luFactor, luSolve } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const factors = luFactor([[0, 3], [2, 1]]);
 * assertTensorsClose(luSolve(factors, [2, 4], { trans: 1 }), [1, 1]);
 * ```
 */
export function luSolve(
  factors: readonly [lu: TensorLike, rows: TensorLike],
  b: TensorLike,
  options?: LuSolveOptions,
): Tensor {
  const what = "Cannot solve systems of";
  if (!Array.isArray(factors) || factors.length !== 2) {
    throw argumentError(
      `${what} ${describeValue(factors)}: expected [lu, rows], as luFactor gives`,
    );
  }
  const { trans = 0 } = readOptions(what, options, ["trans"]);
  if (trans !== 0 && trans !== 1 && trans !== 2) {
    throw argumentError(
      `Cannot solve systems: trans must be 0, 1 or 2, got ${describeValue(trans)}`,
    );
  }
  const { a, b: right, finish } = readSystem(what, factors[0], b, checkSquare);
  const given = toIndices(factors[1], what);
  const length = a.shape[a.ndim - 1];
  const batch = broadcastShapes(given.shape.slice(0, -1), leading(a));
  if (given.shape[given.ndim - 1] !== length || batch?.length !== a.ndim - 2) {
    throw shapeError(`${what} ${showType(a)}: ${showType(given)} is no order of its rows`);
  }
  const rows = broadcastTo(clip(given, 0, Math.max(length - 1, 0)), a.shape.slice(0, -1));
  const solveWith = (x: Tensor, lower: boolean, transposeA: boolean) =>
    triangularSolve(a, x, { lower, transposeA, unitDiagonal: lower });
  if (trans === 0) {
    return finish(solveWith(solveWith(orderRows(right, rows), true, false), false, false));
  }
  const turn = (x: Tensor) => trans === 2 ? conj(x) : x;
  const x = solveWith(solveWith(turn(right), false, true), true, true);
  return finish(turn(orderRows(x, argsort(rows, -1))));
}

/**
 * Options of `choFactor`.
 *
 * @category Factorizations
 */
export interface ChoFactorOptions extends SymmetricOptions {
  /** Whether the factor is the lower triangle. Default `false`. */
  readonly lower?: boolean;
}

/**
 * The Cholesky factor of symmetric, or Hermitian, positive definite matrices for `choSolve`: the upper
 * triangle `u` with `uᴴ u = a`, or the lower one, `l lᴴ = a`.
 *
 * @category Factorizations
 * @param a `[..., n, n]`
 * @param options `lower`, `false` by default as in SciPy; `symmetrizeInput` as in `cholesky`.
 * @returns The factor alone, `[..., n, n]`: give `choSolve` the same option. NaN where `a` is not positive
 * definite.
 * @throws {ShapeError} when `a` is not square.
 *
 * @example Factor once, solve often
 * ```ts
 * import { choFactor, choSolve } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const c = choFactor([[4, 2], [2, 5]]);
 * assertTensorsClose(c, [[2, 1], [0, 2]]);
 * assertTensorsClose(choSolve(c, [6, 7]), [1, 1], { rtol: 1e-6 });
 * ```
 */
export function choFactor(a: TensorLike, options?: ChoFactorOptions): Tensor {
  const what = "Cannot factorise";
  const { lower = false, symmetrizeInput = true } = readOptions(what, options, [
    "lower",
    "symmetrizeInput",
  ]);
  checkFlag(lower, what, "lower");
  const l = cholesky(a, { symmetrizeInput });
  return lower ? l : adjoint(l);
}

/**
 * Options of `choSolve`.
 *
 * @category Factorizations
 */
export interface ChoSolveOptions {
  /** Whether the factor is the lower triangle. Default `false`. */
  readonly lower?: boolean;
}

/**
 * The solution of `a x = b` by the Cholesky factor of `a`.
 *
 * @category Factorizations
 * @param c What `choFactor` gave, `[..., n, n]`; only its triangle is read.
 * @param b A vector `[n]`, or matrices `[..., n, k]`. Leading axes are broadcast.
 * @param options `lower`: which triangle `c` is, the upper one by default.
 * @returns `[..., n]` for a vector, else `[..., n, k]`.
 * @throws {ShapeError} when `c` is not square or `b` does not fit it.
 *
 * @example By the factor of `cholesky`
 * ```ts
 * import { cholesky, choSolve } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const l = cholesky([[4, 2], [2, 5]]);
 * assertTensorsClose(choSolve(l, [6, 7], { lower: true }), [1, 1], { rtol: 1e-6 });
 * ```
 */
export function choSolve(c: TensorLike, b: TensorLike, options?: ChoSolveOptions): Tensor {
  const what = "Cannot solve systems of";
  const { lower = false } = readOptions(what, options, ["lower"]);
  checkFlag(lower, what, "lower");
  const factor = readSquare(c, what);
  const l = lower ? factor : adjoint(factor);
  const y = triangularSolve(l, b, { lower: true });
  return triangularSolve(adjoint(l), y);
}

/**
 * The Cholesky factor of `rᵀ r + x xᵀ`, in quadratic time.
 *
 * Source: P. E. Gill, G. H. Golub, W. Murray and M. A. Saunders, "Methods for modifying matrix
 * factorizations", 1974, by rotations of rows.
 *
 * @category Factorizations
 * @param r Upper triangles, `[..., n, n]`; what is below the diagonal is not read.
 * @param x Vectors, `[..., n]`. Leading axes are broadcast.
 * @returns `[..., n, n]`, upper triangles with a positive diagonal.
 * @throws {ShapeError} when `r` is not square or `x` does not fit it.
 * @throws {DtypeError} when an argument is complex.
 *
 * @example A factor of a sum
 * ```ts
 * import { choleskyUpdate } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(choleskyUpdate([[3, 0], [0, 1]], [4, 0]), [[5, 0], [0, 1]]);
 * ```
 */
export function choleskyUpdate(r: TensorLike, x: TensorLike): Tensor {
  const what = "Cannot update the factors";
  const [factor, vector] = promoteTogether(what, [r, x]).map(floatOperand);
  checkSquare(factor, what);
  const shown = `${what} ${showType(factor)} by ${showType(vector)}`;
  if (isComplex(factor.dtype)) throw dtypeError(`${shown}: expected real numbers`);
  const n = factor.shape[factor.ndim - 1];
  const batch = broadcastShapes(leading(factor), vector.shape.slice(0, -1));
  if (vector.shape[vector.ndim - 1] !== n || batch === null) {
    throw shapeError(`${shown}: expected vectors of ${n} elements, and axes that broadcast`);
  }
  const rows = moveaxis(triu(broadcastTo(factor, [...batch, n, n])), -2, 0);
  const [, updated] = scan(
    (rest, [row, k]) => {
      const [head, other] = [row, rest].map((y) => take(y, expandDims(k, 0), -1));
      const length = norm(concatenate([head, other], -1), -1, { keepdims: true });
      const isZero = equal(length, 0);
      const whole = where(isZero, 1, length);
      const [c, s] = [where(isZero, 1, div(head, whole)), where(isZero, 0, div(other, whole))];
      return [sub(mul(c, rest), mul(s, row)), add(mul(c, row), mul(s, rest))];
    },
    broadcastTo(vector, [...batch, n]),
    [rows, iota(n)],
  );
  return triu(moveaxis(updated, 0, -2));
}

/**
 * The first columns of products of reflections `I - τ v vᴴ`, as QR factorisations hold them.
 *
 * @category Factorizations
 * @param a `[..., m, n]`, `m` at least `n`: below its diagonal stand the vectors `v`, whose elements on
 * the diagonal are 1 and above it 0.
 * @param taus The factors `τ`, `[..., k]`, `k` at most `n`. Leading axes are broadcast.
 * @returns `[..., m, n]`
 * @throws {ShapeError} when the shapes do not fit.
 *
 * @example One reflection
 * ```ts
 * import { householderProduct } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(householderProduct([[9], [1]], [1]), [[0], [-1]]);
 * ```
 */
export function householderProduct(a: TensorLike, taus: TensorLike): Tensor {
  const what = "Cannot multiply the reflections";
  const [vectors, factors] = promoteTogether(what, [a, taus]).map(floatOperand);
  checkMatrices(vectors, what);
  const [m, n] = vectors.shape.slice(-2);
  const shown = `${what} ${showType(vectors)} with factors ${showType(factors)}`;
  if (factors.ndim === 0) throw shapeError(`${shown}: expected vectors of factors`);
  const k = factors.shape[factors.ndim - 1];
  const batch = broadcastShapes(leading(vectors), factors.shape.slice(0, -1));
  if (m < n || k > n || batch === null) {
    throw shapeError(
      `${shown}: expected no more columns than rows, no more factors than columns, ` +
        `and axes that broadcast`,
    );
  }
  const [row, column] = [expandDims(iota(m), -1), iota(n)];
  const unit = where(equal(row, column), 1, tril(vectors, -1));
  const each = moveaxis(broadcastTo(unit, [...batch, m, n]), -1, 0);
  const start = broadcastTo(eye(m, n, { dtype: vectors.dtype }), [...batch, m, n]);
  const [q] = scan(
    (q, [v, tau]) => {
      const along = matmul(expandDims(conj(v), -2), q);
      const moved = mul(expandDims(mul(v, expandDims(tau, -1)), -1), along);
      return [sub(q, moved), null];
    },
    start,
    [index(each, [0, k]), moveaxis(broadcastTo(factors, [...batch, k]), -1, 0)],
    { reverse: true },
  );
  return q;
}
