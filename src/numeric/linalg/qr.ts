/**
 * The QR factorisation by reflections.
 *
 * Source: A. S. Householder, "Unitary triangularization of a nonsymmetric matrix", 1958.
 *
 * @module
 */
import { makeReflection, reflectColumns } from "./vectors.ts";

/**
 * Factorises the `m × n` matrix `a`, which is overwritten, into `q`, `m × columns`, with orthonormal
 * columns, and the upper triangular `r`, `columns × n`, whose diagonal is not negative. `columns` is
 * at least the smaller of `m` and `n`.
 *
 * Householder's method (G. Golub and C. Van Loan, "Matrix Computations", section 5.2).
 */
export function factorizeQr(
  a: Float64Array,
  m: number,
  n: number,
  columns: number,
  q: Float64Array,
  r: Float64Array,
): void {
  const count = Math.min(m, n);
  const vectors = new Float64Array(count * m);
  const factors = new Float64Array(count);
  const work = new Float64Array(Math.max(n, columns));
  r.fill(0);
  for (let k = 0; k < count; k++) {
    const at = k * m + k;
    for (let i = k; i < m; i++) vectors[k * m + i] = a[i * n + k];
    const { factor, head } = makeReflection(vectors, at, m - k);
    factors[k] = factor;
    const block = { a, stride: n, row: k, rowEnd: m, column: k + 1, columnEnd: n };
    reflectColumns(block, vectors, at, factor, work);
    r[k * n + k] = head;
    for (let j = k + 1; j < n; j++) r[k * n + j] = a[k * n + j];
  }
  q.fill(0);
  for (let k = 0; k < columns; k++) q[k * columns + k] = 1;
  for (let k = count - 1; k >= 0; k--) {
    const block = { a: q, stride: columns, row: k, rowEnd: m, column: k, columnEnd: columns };
    reflectColumns(block, vectors, k * m + k, factors[k], work);
  }
  // For each column, the sign that makes the diagonal positive: the factorisation of a matrix of
  // full rank is then unique.
  for (let k = 0; k < count; k++) {
    if (!(r[k * n + k] < 0)) continue;
    for (let j = k; j < n; j++) r[k * n + j] = 0 - r[k * n + j];
    for (let i = 0; i < m; i++) q[i * columns + k] = 0 - q[i * columns + k];
  }
}
