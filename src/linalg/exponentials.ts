/**
 * Functions of matrices: exponentials, logarithms and square roots.
 *
 * @module
 */
import { isComplex } from "../base/dtype.ts";
import { slice } from "../core/slices.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { customJvp } from "../control/custom_jvp.ts";
import { customLinearSolve } from "../control/custom_linear_solve.ts";
import { scan } from "../control/scan.ts";
import { whileLoop } from "../control/while_loop.ts";
import {
  abs,
  add,
  any,
  astype,
  ceil,
  concatenate,
  div,
  equal,
  expandDims,
  expm1,
  greater,
  index,
  isfinite,
  less,
  log,
  log2,
  logicalAnd,
  matmul,
  max,
  maximum,
  minimum,
  mul,
  onesLike,
  pow,
  sqrt,
  sub,
  sum,
  take,
  triu,
  where,
  zeros,
  zerosLike,
} from "../functions/mod.ts";
import { scale } from "../primitives/arithmetic.ts";
import { adjoint } from "../primitives/complex_matrices.ts";
import { luSolve } from "../primitives/lu.ts";
import {
  checkSquare,
  diagonalMatrix,
  diagonalOf,
  leading,
  product,
} from "../primitives/matrices.ts";
import { schur } from "../primitives/schur.ts";
import { convert, iota, stopGradient } from "../primitives/structure.ts";
import { triangularSolve } from "../primitives/triangular.ts";
import { jvp } from "../transforms/jvp.ts";
import { asComplex, readSquare, readTogether } from "./arguments.ts";
import { strictSylvester, triangularSylvester } from "./schur.ts";
import { identityLike } from "./solving.ts";

/** Coefficients of the Padé approximant of degree 13 of exp (N. J. Higham, 2005). */
const PADE = [
  ...[64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800],
  ...[129060195264000, 10559470521600, 670442572800, 33522128640, 1323241920],
  ...[40840800, 960960, 16380, 182, 1],
];

/** Up to this bound of powers the approximant is exact, and what its error begins with. */
const THETA = 4.25;
const ERROR_TERM = 1.1325077560602111e35;

/** The most squarings: beyond, elements overflow but for matrices of no interest. */
const MOST_SQUARINGS = 64;

/** The largest sum of absolute values of a column. */
function norm1(x: Tensor): Tensor {
  return x.shape[x.ndim - 1] === 0
    ? zeros(leading(x), { dtype: "float64" })
    : max(sum(abs(x), -2), -1);
}

/** Numbers, one for each matrix, that scale matrices. */
function each(x: Tensor): Tensor {
  return expandDims(x, [-2, -1]);
}

/** A sum of matrices with these factors. */
function combination(factors: readonly number[], matrices: readonly Tensor[]): Tensor {
  return matrices.map((x, i) => scale(x, factors[i])).reduce(add);
}

/** How often each matrix is to be halved, from its powers (Al-Mohy and Higham 2009, section 5). */
function squarings(a: Tensor, four: Tensor, six: Tensor): Tensor {
  const roots = [six, product(four, four), product(four, six)].map((power, i) =>
    pow(norm1(power), 1 / (6 + 2 * i))
  );
  const bound = minimum(maximum(roots[0], roots[1]), maximum(roots[1], roots[2]));
  const size = norm1(a);
  // Powers that overflow say nothing.
  const known = where(isfinite(bound), minimum(bound, size), size);
  const halvings = maximum(ceil(log2(div(known, THETA))), 0);
  // Powers may vanish where absolute values do not: then rounding asks for more.
  const halved = mul(abs(a), each(pow(2, mul(halvings, -1))));
  const row = expandDims(onesLike(index(halved, "...", 0, null)), -2);
  const [powers] = scan((v) => [matmul(v, halved), null], row, null, { length: 27 });
  const growth = div(max(powers, [-2, -1]), mul(norm1(halved), ERROR_TERM * 2 ** -53));
  const more = maximum(ceil(div(log2(growth), 26)), 0);
  return add(halvings, where(greater(more, 0), more, 0));
}

/** The exponential of matrices in double precision. */
function strictExpm(a: Tensor): Tensor {
  if (a.size === 0) return a;
  const two = product(a, a);
  const four = product(two, two);
  const six = product(two, four);
  const steps = squarings(stopGradient(a), stopGradient(four), stopGradient(six));
  const halve = (power: number) => each(pow(2, mul(steps, -power)));
  const [a1, a2, a4, a6] = [a, two, four, six].map((x, i) => mul(x, halve([1, 2, 4, 6][i])));
  const one = identityLike(a);
  const high = (odd: number) =>
    product(a6, combination([PADE[12 + odd], PADE[10 + odd], PADE[8 + odd]], [a6, a4, a2]));
  const low = (odd: number) =>
    combination([PADE[6 + odd], PADE[4 + odd], PADE[2 + odd], PADE[odd]], [a6, a4, a2, one]);
  const u = product(a1, add(high(1), low(1)));
  const v = add(high(0), low(0));
  const start = luSolve(sub(v, u), add(v, u));
  const [result] = whileLoop(
    ([, left]) => any(greater(left, 0)),
    ([x, left]) => [where(greater(each(left), 0), product(x, x), x), sub(left, 1)],
    [start, minimum(steps, MOST_SQUARINGS)],
    { maxSteps: MOST_SQUARINGS },
  );
  return where(greater(each(steps), MOST_SQUARINGS), NaN, result);
}

/** `f` of matrices in double precision, whatever their dtype. */
function inDouble(a: Tensor, f: (x: Tensor) => Tensor): Tensor {
  const isNarrow = !["float64", "complex128"].includes(a.dtype);
  if (!isNarrow) return f(a);
  const result = f(astype(a, isComplex(a.dtype) ? "complex128" : "float64"));
  return convert(result, isComplex(result.dtype) && !isComplex(a.dtype) ? "complex64" : a.dtype);
}

/**
 * The exponential of square matrices.
 *
 * Source: A. H. Al-Mohy and N. J. Higham, "A new scaling and squaring algorithm for the matrix
 * exponential", 2009, with the approximant of degree 13. Derivatives are those of the steps.
 *
 * @category Norms and matrix functions
 * @param a `[..., n, n]`
 * @returns `[..., n, n]`; NaN where more than 64 squarings are needed, from norms of about 1e20 on.
 * @throws {ShapeError} when `a` is not square.
 *
 * @example A rotation by a right angle
 * ```ts
 * import { expm } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const angle = Math.PI / 2;
 * assertTensorsClose(expm([[0, -angle], [angle, 0]]), [[0, -1], [1, 0]], { atol: 1e-6 });
 * ```
 */
export function expm(a: TensorLike): Tensor {
  return inDouble(readSquare(a, "Cannot take the exponential of"), strictExpm);
}

/**
 * The exponential of square matrices and its derivative in a direction.
 *
 * @category Norms and matrix functions
 * @param a `[..., n, n]`
 * @param e The directions, of the same shape.
 * @returns `[expm(a), derivative]`, both `[..., n, n]`.
 * @throws {ShapeError} when `a` is not square or `e` is of another shape.
 *
 * @example Along the matrix itself
 * ```ts
 * import { matmul, tensor } from "@jacobi/jacobi";
 * import { expmFrechet } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const a = tensor([[1, 2], [0, 1]]);
 * const [exponential, derivative] = expmFrechet(a, a);
 * assertTensorsClose(derivative, matmul(a, exponential), { rtol: 1e-5 });
 * ```
 */
export function expmFrechet(a: TensorLike, e: TensorLike): [expm: Tensor, derivative: Tensor] {
  const what = "Cannot take the exponential of";
  const [value, direction] = readTogether(what, [a, e]);
  checkSquare(value, what);
  const [out, tangent] = jvp(expm, [value], [direction]);
  return [out, tangent as Tensor];
}

/** Larger triangles are divided into those on the diagonal and what stands between them. */
const LARGEST_TRIANGLE = 16;

/**
 * A square root of triangles, column by column (Å. Björck and S. Hammarling, 1983), or from the roots of
 * two parts and an equation of Sylvester's (E. Deadman, N. J. Higham and R. Ralha, 2013).
 */
function rootOfTriangle(t: Tensor): Tensor {
  const n = t.shape[t.ndim - 1];
  if (n > LARGEST_TRIANGLE) {
    const half = Math.floor(n / 2);
    const [first, last] = [[0, half], [half, n]] as const;
    const part = (rows: readonly [number, number], columns: readonly [number, number]) =>
      index(t, "...", slice(...rows), slice(...columns));
    const [upper, lower] = [rootOfTriangle(part(first, first)), rootOfTriangle(part(last, last))];
    const between = triangularSylvester(upper, lower, part(first, last));
    const nothing = zerosLike(part(last, first));
    return concatenate([
      concatenate([upper, between], -1),
      concatenate([nothing, lower], -1),
    ], -2);
  }
  const places = iota(t.shape[t.ndim - 1]);
  const one = identityLike(t);
  const roots = sqrt(diagonalOf(t));
  const [result] = scan(
    (r, k) => {
      const isBefore = less(places, k);
      const own = expandDims(take(roots, k, -1), -1);
      // Of two zeros the sum is taken for nearly nothing, so that 0 over it is 0.
      const pivots = where(isBefore, add(roots, own), 1);
      const safe = where(equal(pivots, 0), 2 ** -1000, pivots);
      const matrix = add(mul(r, sub(1, one)), diagonalMatrix(safe));
      const right = where(isBefore, take(t, k, -1), 0);
      const x = triangularSolve(matrix, expandDims(right, -1), {
        lower: false,
        transpose: false,
        unitDiagonal: false,
      });
      const column = where(expandDims(equal(places, k), -1), each(take(roots, k, -1)), x);
      return [where(equal(places, k), column, r), null];
    },
    zerosLike(t),
    places,
  );
  return result;
}

const strictSqrtm: (a: Tensor) => Tensor = customJvp(
  (a: Tensor) => {
    const [t, q] = schur(a, "triangle");
    return product(product(q, rootOfTriangle(t)), adjoint(q));
  },
  ([a], [da]) => {
    const x = strictSqrtm(a);
    return [x, strictSylvester(x, x, da)];
  },
);

/**
 * The principal square root of square matrices: that with eigenvalues right of the imaginary axis. For
 * symmetric matrices, `eigh` is faster and exact about what is real.
 *
 * Source: Å. Björck and S. Hammarling, "A Schur method for the square root of a matrix", 1983. The
 * derivative solves Sylvester's equation.
 *
 * @category Norms and matrix functions
 * @param a `[..., n, n]`
 * @returns `[..., n, n]`, complex, as in JAX: take `real` where no eigenvalue is negative. Infinities or
 * NaN where there is no root, as that of `[[0, 1], [0, 0]]`.
 * @throws {ShapeError} when `a` is not square.
 *
 * @example A root and its square
 * ```ts
 * import { real } from "@jacobi/jacobi";
 * import { sqrtm } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(real(sqrtm([[4, 5], [0, 9]])), [[2, 1], [0, 3]], { atol: 1e-6 });
 * ```
 */
export function sqrtm(a: TensorLike): Tensor {
  const value = readSquare(a, "Cannot take the square root of");
  return inDouble(value, (x) => strictSqrtm(asComplex(x)));
}

/** Places and weights of the quadrature of Gauss and Legendre of eight points from 0 to 1. */
const PLACES = [
  ...[0.019855071751231884, 0.10166676129318664, 0.2372337950418355, 0.4082826787521751],
  ...[0.591717321247825, 0.7627662049581645, 0.8983332387068134, 0.9801449282487681],
];
const WEIGHTS = [0.05061426814518813, 0.11119051722668724, 0.15685332293894363, 0.181341891689181];

/** The logarithm of triangles, by their roots (N. J. Higham, "Functions of Matrices", 2008, ch. 11). */
function logOfTriangle(t: Tensor): Tensor {
  const one = identityLike(t);
  const isFar = (x: Tensor) => greater(norm1(sub(x, one)), 0.25);
  const batch = leading(t);
  const [root, count] = whileLoop(
    ([x, count]) => any(logicalAnd(isFar(x), less(count, 100))),
    ([x, count]) => {
      const goes = isFar(x);
      return [where(each(goes), rootOfTriangle(x), x), add(count, where(goes, 1, 0))];
    },
    [t, zeros(batch, { dtype: "float64" })],
  );
  const logs = log(diagonalOf(t));
  const power = pow(2, mul(count, -1));
  // Near 1, the roots of the diagonal have lost digits.
  const rest = expm1(mul(logs, expandDims(power, -1)));
  const x = add(triu(root, 1), diagonalMatrix(rest));
  const params = { lower: false, transpose: false, unitDiagonal: false };
  const parts = PLACES.map((place, i) => {
    const solved = triangularSolve(add(one, scale(x, place)), x, params);
    return scale(solved, WEIGHTS[Math.min(i, PLACES.length - 1 - i)]);
  });
  const whole = mul(parts.reduce(add), each(div(1, power)));
  return add(triu(whole, 1), diagonalMatrix(logs));
}

/** The logarithm, without a derivative. */
function plainLogm(a: Tensor): Tensor {
  const [t, q] = schur(a, "triangle");
  return product(product(q, logOfTriangle(t)), adjoint(q));
}

/** The derivative of the logarithm along `e`, from the logarithm of a block triangle. */
function plainLogmAlong(a: Tensor, e: Tensor): Tensor {
  const n = a.shape[a.ndim - 1];
  const rows = [[a, e], [zerosLike(a), a]].map((row) => concatenate(row, -1));
  return index(plainLogm(concatenate(rows, -2)), "...", [0, n], [n, null]);
}

const strictLogm: (a: Tensor) => Tensor = customJvp(plainLogm, ([a], [da]) => {
  const x = strictLogm(a);
  // The inverse of the derivative of the exponential.
  const dx = customLinearSolve(
    (l: Tensor) => jvp(strictExpm, [x], [l])[1] as Tensor,
    da,
    (_, e) => plainLogmAlong(a, e),
    { transposeSolve: (_, e) => plainLogmAlong(adjoint(a), e) },
  );
  return [x, dx];
});

/**
 * The principal logarithm of square matrices: that whose eigenvalues have imaginary parts between -π
 * and π.
 *
 * Source: N. J. Higham, "Functions of Matrices", 2008, algorithm 11.9: roots of the Schur form, until it
 * is near the identity. The derivative is the inverse of that of the exponential.
 *
 * @category Norms and matrix functions
 * @param a `[..., n, n]`
 * @returns `[..., n, n]`, complex: take `real` where no eigenvalue is negative. Infinities or NaN where `a`
 * is singular.
 * @throws {ShapeError} when `a` is not square.
 *
 * @example The logarithm of an exponential
 * ```ts
 * import { real } from "@jacobi/jacobi";
 * import { expm, logm } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const a = [[1, 2], [-1, 0.5]];
 * assertTensorsClose(real(logm(expm(a))), a, { rtol: 1e-5 });
 * ```
 */
export function logm(a: TensorLike): Tensor {
  const value = readSquare(a, "Cannot take the logarithm of");
  return inDouble(value, (x) => strictLogm(asComplex(x)));
}
