/**
 * Matrices with three diagonals.
 *
 * @module
 */
import { isComplex } from "../base/dtype.ts";
import { dtypeError, shapeError } from "../base/errors.ts";
import { broadcastShapes, showType } from "../base/shape.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { customLinearSolve } from "../control/custom_linear_solve.ts";
import { scan } from "../control/scan.ts";
import { broadcastTo } from "../functions/broadcasting.ts";
import {
  abs,
  add,
  concatenate,
  conj,
  div,
  equal,
  expandDims,
  greaterEqual,
  index,
  moveaxis,
  mul,
  pad,
  sub,
  where,
  zerosLike,
} from "../functions/mod.ts";
import { checkMatrices, diagonalMatrix } from "../primitives/matrices.ts";
import { readTogether } from "./arguments.ts";
import { eigh } from "./decompositions.ts";

/** The diagonals of a matrix: below, on and above the main one, each `[n, ...]`. */
type Diagonals = readonly [below: Tensor, main: Tensor, above: Tensor];

/** Rows moved down by one place, with zeros first. */
function down(x: Tensor): Tensor {
  return concatenate([zerosLike(index(x, [0, 1])), index(x, [0, -1])], 0);
}

/** Rows moved up by one place, with zeros last. */
function up(x: Tensor): Tensor {
  return concatenate([index(x, [1, null]), zerosLike(index(x, [0, 1]))], 0);
}

/** The product with `x` `[n, ..., k]`. */
function times([below, main, above]: Diagonals, x: Tensor): Tensor {
  const row = (d: Tensor) => expandDims(d, -1);
  return add(
    mul(row(main), x),
    add(mul(row(below), down(x)), mul(row(above), up(x))),
  );
}

/**
 * Elimination with partial pivoting, from the first row to the last: one row waits for the next, and
 * that of both with the larger first element is done.
 */
function eliminate([below, main, above]: Diagonals, b: Tensor): Tensor {
  const zero = zerosLike(index(main, 0));
  const wide = (x: Tensor) => expandDims(x, -1);
  const first = [index(main, 0), index(above, 0), index(b, 0)] as const;
  const rest = [below, main, above, b].map((x) => index(x, [1, null]));
  const [last, done] = scan(
    ([p, q, r], [l, d, u, s]) => {
      const stays = greaterEqual(abs(p), abs(l));
      const pivot = where(stays, p, l);
      const factor = div(where(stays, l, p), where(equal(pivot, 0), 1, pivot));
      const row = [pivot, where(stays, q, d), where(stays, 0, u), where(wide(stays), r, s)];
      const next = [
        sub(where(stays, d, q), mul(factor, where(stays, q, d))),
        sub(where(stays, u, 0), mul(factor, where(stays, 0, u))),
        sub(where(wide(stays), s, r), mul(wide(factor), where(wide(stays), r, s))),
      ];
      return [next as [Tensor, Tensor, Tensor], row];
    },
    first as readonly Tensor[] as [Tensor, Tensor, Tensor],
    rest,
  );
  const rows = [last[0], last[1], zero, last[2]].map((x, i) =>
    concatenate([done[i], expandDims(x, 0)], 0)
  );
  const nothing = zerosLike(last[2]);
  const [, x] = scan(
    ([next, second], [pivot, q, u, r]) => {
      const known = add(mul(wide(q), next), mul(wide(u), second));
      const own = div(sub(r, known), wide(pivot));
      return [[own, next] as [Tensor, Tensor], own];
    },
    [nothing, nothing] as [Tensor, Tensor],
    rows,
    { reverse: true },
  );
  return x;
}

/**
 * The solution of equations whose matrix has three diagonals, in linear time, with partial pivoting.
 *
 * @category Systems of equations
 * @param dl The diagonal below the main one, `[..., n]`: `dl[i]` stands left of `d[i]`, and the first one
 * is not read.
 * @param d The main diagonal, `[..., n]`.
 * @param du The diagonal above, `[..., n]`: `du[i]` stands right of `d[i]`, and the last one is not read.
 * @param b A vector `[n]`, or matrices `[..., n, k]`. Leading axes are broadcast.
 * @returns `[n]` for vectors, else `[..., n, k]`. Infinities and NaN where the matrix is singular.
 * @throws {ShapeError} when the shapes do not fit.
 *
 * @example Three equations
 * ```ts
 * import { tridiagonalSolve } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = tridiagonalSolve([0, 1, 1], [2, 2, 2], [1, 1, 0], [3, 4, 3]);
 * assertTensorsClose(x, [1, 1, 1]);
 * ```
 */
export function tridiagonalSolve(
  dl: TensorLike,
  d: TensorLike,
  du: TensorLike,
  b: TensorLike,
): Tensor {
  const what = "Cannot solve tridiagonal systems";
  const [below, main, above, given] = readTogether(what, [dl, d, du, b]);
  const isVector = given.ndim === 1;
  const right = isVector ? expandDims(given, -1) : given;
  checkMatrices(right, `${what} with the right side`);
  const n = right.shape[right.ndim - 2];
  const shown = `${what} of ${[below, main, above].map(showType).join(", ")} ` +
    `with ${showType(given)} on the right`;
  const batch = [below, main, above].reduce<readonly number[] | null>(
    (shape, x) =>
      shape && x.shape[x.ndim - 1] === n ? broadcastShapes(shape, x.shape.slice(0, -1)) : null,
    right.shape.slice(0, -2),
  );
  if (batch === null) {
    throw shapeError(
      `${shown}: expected diagonals of ${n} elements, and leading axes that broadcast`,
    );
  }
  if (isVector && batch.length > 0) {
    throw shapeError(`${shown}: expected matrices there, since the diagonals have leading axes`);
  }
  const rows = broadcastTo(right, [...batch, ...right.shape.slice(-2)]);
  if (n === 0) return isVector ? given : rows;
  const [l, m, u] = [below, main, above].map((x) => moveaxis(broadcastTo(x, [...batch, n]), -1, 0));
  // What is not read must not move anything either.
  const inside: Diagonals = [down(up(l)), m, up(down(u))];
  const adjoint = [down(inside[2]), m, up(inside[0])].map(conj) as unknown as Diagonals;
  const x = customLinearSolve(
    (y: Tensor) => times(inside, y),
    moveaxis(rows, -2, 0),
    (_, y) => eliminate(inside, y),
    { transposeSolve: (_, y) => eliminate(adjoint, y) },
  );
  const result = moveaxis(x, 0, -2);
  return isVector ? index(result, "...", 0) : result;
}

/** The symmetric matrices with these diagonals. */
function symmetric(what: string, d: TensorLike, e: TensorLike): Tensor {
  const [main, beside] = readTogether(what, [d, e]);
  const shown = `${what} of ${showType(main)} and ${showType(beside)}`;
  if (isComplex(main.dtype)) throw dtypeError(`${shown}: expected real diagonals`);
  if (main.ndim === 0 || beside.ndim === 0) throw shapeError(`${shown}: expected vectors`);
  const n = main.shape[main.ndim - 1];
  const batch = broadcastShapes(main.shape.slice(0, -1), beside.shape.slice(0, -1));
  if (batch === null || beside.shape[beside.ndim - 1] !== n - 1) {
    throw shapeError(
      `${shown}: expected one element less in the second, and leading axes that broadcast`,
    );
  }
  const own = diagonalMatrix(broadcastTo(main, [...batch, n]));
  const other = diagonalMatrix(broadcastTo(beside, [...batch, n - 1]));
  const padded = pad(other, [...batch.map((): [number, number] => [0, 0]), [1, 0], [0, 1]]);
  // The lower triangle is all that is read.
  return add(own, padded);
}

/**
 * The eigenvalues and eigenvectors of symmetric matrices with three diagonals.
 *
 * @category Systems of equations
 * @param d The main diagonal, `[..., n]`, real.
 * @param e The diagonal beside it, `[..., n - 1]`, real. Leading axes are broadcast.
 * @returns `[w, v]` as `eigh` gives them: `[..., n]`, increasing, and `[..., n, n]`.
 * @throws {ShapeError} when `e` has not one element less than `d`.
 * @throws {DtypeError} when a diagonal is complex.
 *
 * @example A chain of two
 * ```ts
 * import { eighTridiagonal } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(eighTridiagonal([2, 2], [-1])[0], [1, 3]);
 * ```
 */
export function eighTridiagonal(d: TensorLike, e: TensorLike): [w: Tensor, v: Tensor] {
  return eigh(symmetric("Cannot decompose the matrices", d, e), { symmetrizeInput: false });
}

/**
 * The eigenvalues of symmetric matrices with three diagonals.
 *
 * @category Systems of equations
 * @param d The main diagonal, `[..., n]`, real.
 * @param e The diagonal beside it, `[..., n - 1]`, real. Leading axes are broadcast.
 * @returns `[..., n]`, increasing.
 * @throws {ShapeError} when `e` has not one element less than `d`.
 * @throws {DtypeError} when a diagonal is complex.
 *
 * @example A chain of two
 * ```ts
 * import { eigvalshTridiagonal } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(eigvalshTridiagonal([2, 2], [-1]), [1, 3]);
 * ```
 */
export function eigvalshTridiagonal(d: TensorLike, e: TensorLike): Tensor {
  return eighTridiagonal(d, e)[0];
}
