/**
 * Triangular systems and the Cholesky factorisation.
 *
 * Source: G. Golub and C. Van Loan, "Matrix computations", 2013, sections 3.1 and 4.2.
 *
 * @module
 */
import { dot } from "./vectors.ts";

/** The triangle of a matrix, and how it is used. */
export interface Triangle {
  /** Whether it is the lower one. */
  readonly lower: boolean;
  /** Whether the system is that of the transposed matrix. */
  readonly transpose: boolean;
  /** Whether its diagonal is all ones, regardless of the stored values. */
  readonly unitDiagonal: boolean;
}

/**
 * Solves `op(T) x = b` in place for `count` vectors of `n` elements that are stored consecutively
 * in `x` from index `at`; `T` is a triangle of the `n × n` matrix at index `from` of `a`. Each
 * vector's result is bit for bit independent of the others.
 */
export function solveTriangle(
  a: Float64Array,
  from: number,
  n: number,
  x: Float64Array,
  at: number,
  count: number,
  triangle: Triangle,
): void {
  const { lower, transpose, unitDiagonal } = triangle;
  const forward = lower !== transpose;
  // Four vectors at a time, so that the matrix is read once for all four.
  for (let vector = 0; vector < count; at += 4 * n, vector += 4) {
    const width = Math.min(4, count - vector);
    for (let step = 0; step < n; step++) {
      const i = forward ? step : n - 1 - step;
      const row = from + i * n;
      const first = lower ? 0 : i + 1;
      const end = lower ? i : n;
      const pivot = unitDiagonal ? 1 : a[row + i];
      // Row i of a transposed matrix is column i of the system: as soon as an unknown is found, it
      // is eliminated from all other equations. Otherwise the known unknowns are eliminated from
      // its own equation.
      if (!transpose) takeKnown(a, row, first, end, x, at, n, i, width);
      for (let k = 0, place = at + i; k < width; k++, place += n) x[place] /= pivot;
      if (transpose) takeOut(a, row, first, end, x, at, n, i, width);
    }
  }
}

/** Subtracts the products of a row with unknowns `first` to `end` from the right side `i`. */
function takeKnown(
  a: Float64Array,
  row: number,
  first: number,
  end: number,
  x: Float64Array,
  at: number,
  n: number,
  i: number,
  width: number,
): void {
  if (width < 4) {
    for (let k = 0; k < width; k++, at += n) {
      let sum = 0;
      for (let j = first; j < end; j++) sum += a[row + j] * x[at + j];
      x[at + i] -= sum;
    }
    return;
  }
  const [p, q, r] = [at + n, at + 2 * n, at + 3 * n];
  let s = 0;
  let t = 0;
  let u = 0;
  let v = 0;
  for (let j = first; j < end; j++) {
    const factor = a[row + j];
    s += factor * x[at + j];
    t += factor * x[p + j];
    u += factor * x[q + j];
    v += factor * x[r + j];
  }
  x[at + i] -= s;
  x[p + i] -= t;
  x[q + i] -= u;
  x[r + i] -= v;
}

/** Subtracts the products of a row and unknown `i` from the right sides `first` to `end`. */
function takeOut(
  a: Float64Array,
  row: number,
  first: number,
  end: number,
  x: Float64Array,
  at: number,
  n: number,
  i: number,
  width: number,
): void {
  if (width < 4) {
    for (let k = 0; k < width; k++, at += n) {
      const value = x[at + i];
      for (let j = first; j < end; j++) x[at + j] -= value * a[row + j];
    }
    return;
  }
  const [p, q, r] = [at + n, at + 2 * n, at + 3 * n];
  const [s, t, u, v] = [x[at + i], x[p + i], x[q + i], x[r + i]];
  for (let j = first; j < end; j++) {
    const factor = a[row + j];
    x[at + j] -= s * factor;
    x[p + j] -= t * factor;
    x[q + j] -= u * factor;
    x[r + j] -= v * factor;
  }
}

/**
 * Overwrites the `n × n` matrix at index `from` of `a`, of which the lower triangle is read, with
 * its Cholesky factor, or with NaN on and below the diagonal if it is not positive definite.
 */
export function cholesky(a: Float64Array, from: number, n: number): void {
  let fails = false;
  // Four rows at a time: left of their diagonal block they are solutions with the triangle above.
  for (let first = 0; first < n && !fails; first += 4) {
    const end = Math.min(first + 4, n);
    const known = end - first === 4 ? first : 0;
    if (known > 0) solveFour(a, from, n, from + first * n, known);
    for (let i = first; i < end && !fails; i++) {
      const row = from + i * n;
      for (let k = known; k < i; k++) {
        const other = from + k * n;
        a[row + k] = (a[row + k] - dot(a, row, a, other, k)) / a[other + k];
      }
      const pivot = a[row + i] - dot(a, row, a, row, i);
      fails = !(pivot > 0 && pivot < Infinity);
      a[row + i] = Math.sqrt(pivot);
    }
  }
  for (let i = 0; i < n; i++) {
    const row = from + i * n;
    a.fill(0, row + i + 1, row + n);
    if (fails) a.fill(NaN, row, row + i + 1);
  }
}

/** Solves `L x = b` for the first `count` unknowns of four vectors, the rows from index `at` on. */
function solveFour(a: Float64Array, from: number, n: number, at: number, count: number): void {
  const [p, q, r] = [at + n, at + 2 * n, at + 3 * n];
  for (let k = 0, row = from; k < count; k++, row += n) {
    let s = 0;
    let t = 0;
    let u = 0;
    let v = 0;
    for (let j = 0; j < k; j++) {
      const factor = a[row + j];
      s += factor * a[at + j];
      t += factor * a[p + j];
      u += factor * a[q + j];
      v += factor * a[r + j];
    }
    const pivot = a[row + k];
    a[at + k] = (a[at + k] - s) / pivot;
    a[p + k] = (a[p + k] - t) / pivot;
    a[q + k] = (a[q + k] - u) / pivot;
    a[r + k] = (a[r + k] - v) / pivot;
  }
}
