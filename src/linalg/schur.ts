/**
 * Hessenberg and Schur forms, and Sylvester's equation, which is solved by them.
 *
 * @module
 */
import { describeValue, isComplex } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { broadcastShapes, showType } from "../base/shape.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { customJvp } from "../control/custom_jvp.ts";
import { customLinearSolve } from "../control/custom_linear_solve.ts";
import { scan } from "../control/scan.ts";
import { broadcastTo } from "../functions/broadcasting.ts";
import {
  add,
  equal,
  expandDims,
  matmul,
  mul,
  real,
  sub,
  take,
  where,
  zerosLike,
} from "../functions/mod.ts";
import { adjoint } from "../primitives/complex_matrices.ts";
import { checkMatrices, checkSquare, leading, product } from "../primitives/matrices.ts";
import { schur as strictSchur } from "../primitives/schur.ts";
import { convert, iota } from "../primitives/structure.ts";
import { triangularSolve as strictTriangularSolve } from "../primitives/triangular.ts";
import { asComplex, readSquare, readTogether } from "./arguments.ts";
import { identityLike } from "./solving.ts";

/** `f`, with an error that gives advice in place of a derivative. */
function withoutDerivative(
  name: string,
  f: (a: Tensor) => [Tensor, Tensor],
): (a: Tensor) => [Tensor, Tensor] {
  return customJvp(f, () => {
    throw argumentError(
      `Cannot differentiate ${name}: its zeros are a choice that has no derivative; ` +
        `use eig, expm, logm, sqrtm or solveSylvester, which have one, or stopGradient`,
    );
  });
}

/**
 * Options of `schur`.
 *
 * @category Factorizations
 */
export interface SchurOptions {
  /** Whether real matrices get a real form, with blocks, or a complex one. Default `"real"`. */
  readonly output?: "real" | "complex";
}

/**
 * The Schur decomposition `a = z t zᴴ`: `z` is orthogonal, or unitary, and `t` triangular. The real form
 * of a real matrix has a block of two on the diagonal for each pair of complex eigenvalues, with equal
 * elements on the diagonal. It has no derivative.
 *
 * Source: G. H. Golub and C. F. Van Loan, "Matrix Computations", 4th edition, 2013, section 7.5.
 *
 * @category Factorizations
 * @param a `[..., n, n]`
 * @param options `output`: `"complex"` for a triangle without blocks.
 * @returns `[t, z]`, both `[..., n, n]`. NaN where `a` has an element that is not finite.
 * @throws {ShapeError} when `a` is not square.
 * @throws {ArgumentError} when there is no such output, or when it is differentiated.
 *
 * @example A rotation is its own real form
 * ```ts
 * import { matmul } from "@jacobi/jacobi";
 * import { schur } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const a = [[1, 2, 0], [0, 3, 1], [1, 0, 2]];
 * const [t, z] = schur(a);
 * assertTensorsClose(matmul(z, matmul(t, z.transpose())), a, { atol: 1e-5 });
 * ```
 */
export function schur(a: TensorLike, options?: SchurOptions): [t: Tensor, z: Tensor] {
  const what = "Cannot decompose";
  const value = readSquare(a, what);
  const { output = "real" } = readOptions(what, options, ["output"]);
  if (output !== "real" && output !== "complex") {
    throw argumentError(
      `${what} ${showType(value)}: output must be "real" or "complex", got ${
        describeValue(output)
      }`,
    );
  }
  const own = output === "complex" ? asComplex(value) : value;
  return withoutDerivative("schur", (x) => strictSchur(x, "triangle"))(own);
}

/**
 * The complex Schur decomposition that belongs to a real one.
 *
 * @category Factorizations
 * @param t The real form, `[..., n, n]`.
 * @param z The orthogonal matrices, `[..., n, n]`.
 * @returns `[t, z]`, complex, with the same product `z t zᴴ`; `t` has no blocks. No derivative.
 * @throws {ShapeError} when the matrices are not square or do not fit each other.
 *
 * @example A block with the eigenvalues i and -i
 * ```ts
 * import { abs, eye } from "@jacobi/jacobi";
 * import { rsf2csf } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [t] = rsf2csf([[0, 2], [-0.5, 0]], eye(2));
 * assertTensorsClose(abs(t.diagonal()), [1, 1]);
 * ```
 */
export function rsf2csf(t: TensorLike, z: TensorLike): [t: Tensor, z: Tensor] {
  const what = "Cannot make a complex form of";
  const [form, basis] = readTogether(what, [t, z]);
  [form, basis].forEach((x) => checkSquare(x, what));
  const [triangle, turn] = withoutDerivative("rsf2csf", (x) => strictSchur(x, "triangle"))(
    asComplex(form),
  );
  return [triangle, matmul(asComplex(basis), turn)];
}

/**
 * The Hessenberg form `a = q h qᴴ`: `q` is orthogonal, or unitary, and `h` zero below the first diagonal
 * under the main one. It has no derivative.
 *
 * Source: G. H. Golub and C. F. Van Loan, "Matrix Computations", 4th edition, 2013, section 7.4.
 *
 * @category Factorizations
 * @param a `[..., n, n]`
 * @returns `[h, q]`, both `[..., n, n]`. NaN where `a` has an element that is not finite.
 * @throws {ShapeError} when `a` is not square.
 * @throws {ArgumentError} when it is differentiated.
 *
 * @example A zero in the corner
 * ```ts
 * import { hessenberg } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [h] = hessenberg([[1, 2, 3], [4, 5, 6], [7, 8, 9]]);
 * assertTensorsClose(h.at(2, 0), 0);
 * ```
 */
export function hessenberg(a: TensorLike): [h: Tensor, q: Tensor] {
  const value = readSquare(a, "Cannot decompose");
  return withoutDerivative("hessenberg", (x) => strictSchur(x, "hessenberg"))(value);
}

/**
 * The solution of Sylvester's equation `a x + x b = q`.
 *
 * Source: R. H. Bartels and G. W. Stewart, "Solution of the matrix equation AX + XB = C", 1972, by complex
 * Schur forms. The derivative is that of the solution: another equation of the kind.
 *
 * @category Factorizations
 * @param a `[..., m, m]`
 * @param b `[..., n, n]`
 * @param q `[..., m, n]`. Leading axes are broadcast.
 * @returns `[..., m, n]`. Infinities or NaN where an eigenvalue of `a` is minus one of `b`.
 * @throws {ShapeError} when the shapes do not fit.
 *
 * @example Two by one unknowns
 * ```ts
 * import { solveSylvester } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(solveSylvester([[1, 0], [0, 3]], [[1]], [[2], [8]]), [[1], [2]]);
 * ```
 */
export function solveSylvester(a: TensorLike, b: TensorLike, q: TensorLike): Tensor {
  const what = "Cannot solve Sylvester's equation";
  const [left, right, sum] = readTogether(what, [a, b, q]);
  checkSquare(left, `${what} of`);
  checkSquare(right, `${what} of`);
  checkMatrices(sum, `${what} of`);
  const [m, n] = [left, right].map(({ shape }) => shape[shape.length - 1]);
  const between = broadcastShapes(leading(left), leading(right));
  const batch = between && broadcastShapes(between, leading(sum));
  const [rows, columns] = sum.shape.slice(-2);
  if (batch === null || rows !== m || columns !== n) {
    throw shapeError(
      `${what} of ${showType(left)} and ${showType(right)} with ${showType(sum)} on the right: ` +
        `expected [${m},${n}] there, and leading axes that broadcast`,
    );
  }
  const [x, y, z] = [left, right, sum].map((one) =>
    broadcastTo(one, [...batch, ...one.shape.slice(-2)])
  );
  return strictSylvester(x, y, z);
}

/** Sylvester's equation of matrices of one dtype and batch. */
export function strictSylvester(a: Tensor, b: Tensor, q: Tensor): Tensor {
  return customLinearSolve(
    (x: Tensor) => add(product(a, x), product(x, b)),
    q,
    (_, right) => bartelsStewart(a, b, right),
    { transposeSolve: (_, right) => bartelsStewart(adjoint(a), adjoint(b), right) },
  );
}

/** The equation in the bases of both Schur forms, where it is solved column by column. */
function bartelsStewart(a: Tensor, b: Tensor, q: Tensor): Tensor {
  const [r, u] = strictSchur(asComplex(a), "triangle");
  const [s, v] = strictSchur(asComplex(b), "triangle");
  const right = product(product(adjoint(u), asComplex(q)), v);
  const y = triangularSylvester(r, s, right);
  const x = product(product(u, y), adjoint(v));
  return isComplex(q.dtype) ? x : convert(real(x), q.dtype);
}

/** The equation `r y + y s = right` of upper triangles, column by column. */
export function triangularSylvester(r: Tensor, s: Tensor, right: Tensor): Tensor {
  const columns = iota(s.shape[s.ndim - 1]);
  const one = identityLike(r);
  const [y] = scan(
    (y, k) => {
      const column = take(s, k, -1);
      const known = matmul(y, expandDims(column, -1));
      const shift = expandDims(take(column, k, -1), [-2, -1]);
      const solved = strictTriangularSolve(
        add(r, mul(one, shift)),
        sub(expandDims(take(right, k, -1), -1), known),
        { lower: false, transpose: false, unitDiagonal: false },
      );
      return [where(equal(columns, k), solved, y), null];
    },
    zerosLike(right),
    columns,
  );
  return y;
}
