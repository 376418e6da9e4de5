/**
 * Eigenvalues and eigenvectors of symmetric matrices.
 *
 * Source: R. S. Martin, C. Reinsch and J. H. Wilkinson, "Householder's tridiagonalization of a
 * symmetric matrix", 1968; A. Dubrulle, R. S. Martin and J. H. Wilkinson, "The implicit QL
 * algorithm", 1968.
 *
 * @module
 */
import { addScaled, allFinite, dot, hypotenuse, makeChain, makeReflection } from "./vectors.ts";
import { reflectRows, rotateChain, scaleOf, swapRows } from "./vectors.ts";
import type { Chain } from "./vectors.ts";

/** The relative precision of sums and differences of doubles. */
const EPSILON = 2 ** -52;

/**
 * Below this, an element of a matrix whose largest element is about 1 is negligible. Products of
 * two such elements must not underflow.
 */
const TINY = 2 ** -400;

/** The maximum number of steps for each eigenvalue, far more than are ever needed. */
const MOST_STEPS = 90;

/** The ratio of the ends of a block from which it is graded. */
const GRADED = 64;

/**
 * The number of unsuccessful steps after which the order of a block is reversed. If that does not
 * help either, as in a block that is small at both ends, elements that are negligible compared with
 * the whole matrix are set to 0: the reduction to tridiagonal form has left them no more accuracy
 * than that.
 */
const PATIENCE = 15;

/**
 * The eigenvalues of a symmetric `n × n` matrix, increasing, into `w` from index `n index`, and its
 * eigenvectors as the columns of a matrix into `v` from index `n² index`. The lower triangle of `a`
 * is read, and `a` is overwritten. All results are NaN if an element is not finite.
 *
 * Reflections make the matrix tridiagonal; implicit QL steps then make it diagonal (A. Dubrulle,
 * R. Martin and J. Wilkinson, "The implicit QL algorithm", 1968; EISPACK's `tred2` and `imtql2`).
 * Eigenvectors are rows until the end, so that rotations run along them.
 */
export function factorizeEigh(
  a: Float64Array,
  n: number,
  w: Float64Array,
  v: Float64Array,
  index: number,
): void {
  const [base, first] = [index * n * n, index * n];
  for (let i = 0; i < n; i++) a.fill(0, i * n + i + 1, i * n + n);
  if (n === 0) return;
  const fail = () => {
    w.fill(NaN, first, first + n);
    v.fill(NaN, base, base + n * n);
  };
  if (!allFinite(a, 0, n * n)) return fail();
  const scale = scaleOf(a, 0, n * n);
  for (let i = 0; i < n * n; i++) a[i] /= scale;
  const d = new Float64Array(n);
  const e = new Float64Array(n);
  const vectors = tridiagonalize(a, n, d, e);
  if (!iterateQl(d, e, vectors, n)) return fail();
  const order = Array.from(d.keys()).sort((i, k) => d[i] - d[k] || i - k);
  order.forEach((from, to) => {
    w[first + to] = d[from] * scale;
    const sign = signOf(vectors, from * n, n);
    for (let i = 0; i < n; i++) v[base + i * n + to] = sign * vectors[from * n + i];
  });
}

/**
 * The sign that makes the largest element of a vector positive: the first of several that are
 * equally large up to rounding. It does not change under small changes of the vector.
 */
export function signOf(x: Float64Array, from: number, length: number): number {
  let largest = 0;
  for (let i = from; i < from + length; i++) largest = Math.max(largest, Math.abs(x[i]));
  for (let i = from; i < from + length; i++) {
    if (Math.abs(x[i]) >= largest * (1 - 1e-6)) return x[i] < 0 ? -1 : 1;
  }
  return 1;
}

/**
 * Makes the lower triangle of `a` tridiagonal, with diagonal `d` and `e` below it. Returns the
 * orthogonal matrix whose rows will be rotated into eigenvectors.
 */
function tridiagonalize(a: Float64Array, n: number, d: Float64Array, e: Float64Array) {
  const vectors = new Float64Array(n * n);
  const factors = new Float64Array(n);
  const p = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    d[k] = a[k * n + k];
    if (k === n - 1) break;
    const [start, length] = [k + 1, n - k - 1];
    const at = k * n + start;
    for (let i = start; i < n; i++) vectors[k * n + i] = a[i * n + k];
    const { factor, head } = makeReflection(vectors, at, length);
    e[k] = head;
    factors[k] = factor;
    if (factor === 0) continue;
    const v = vectors.subarray(k * n, k * n + n);
    multiplyLower(a, n, start, v, p);
    // A - v wᵀ - w vᵀ for w = factor (p - ½ factor (pᵀ v) v).
    const half = 0.5 * factor * dot(p, start, v, start, length);
    for (let i = start; i < n; i++) p[i] = factor * (p[i] - half * v[i]);
    for (let i = start; i < n; i++) {
      addScaled(-v[i], p, start, a, i * n + start, i - start + 1);
      addScaled(-p[i], v, start, a, i * n + start, i - start + 1);
    }
  }
  const rows = new Float64Array(n * n);
  for (let i = 0; i < n; i++) rows[i * n + i] = 1;
  for (let k = n - 2; k >= 0; k--) {
    const block = { a: rows, stride: n, row: k + 1, rowEnd: n, column: k + 1, columnEnd: n };
    reflectRows(block, vectors, k * n + k + 1, factors[k]);
  }
  return rows;
}

/** The product of the symmetric matrix below and right of `start` and a vector. */
function multiplyLower(
  a: Float64Array,
  n: number,
  start: number,
  v: Float64Array,
  out: Float64Array,
): void {
  out.fill(0, start, n);
  for (let i = start; i < n; i++) {
    const [row, own] = [i * n, v[i]];
    let sum = a[row + i] * own;
    for (let j = start; j < i; j++) {
      sum += a[row + j] * v[j];
      out[j] += a[row + j] * own;
    }
    out[i] += sum;
  }
}

/**
 * Makes a tridiagonal matrix diagonal, and rotates the rows of `vectors` with it; false if it
 * fails.
 */
function iterateQl(d: Float64Array, e: Float64Array, vectors: Float64Array, n: number): boolean {
  const chain = makeChain(n);
  for (let l = 0; l < n; l++) {
    for (let steps = 0;; steps++) {
      let m = l;
      while (m < n - 1) {
        const beside = steps > PATIENCE ? 1 : Math.abs(d[m]) + Math.abs(d[m + 1]);
        const limit = EPSILON * beside;
        if (Math.abs(e[m]) <= limit || Math.abs(e[m]) < TINY) break;
        m++;
      }
      if (m === l) break;
      if (steps === MOST_STEPS) return false;
      // Steps converge at the first row, and small elements there lose accuracy next to large ones.
      // A graded block is therefore ordered to begin with its small end (LAPACK's `dsteqr` switches
      // to QR steps for that).
      const head = Math.abs(d[l]) + Math.abs(e[l]);
      const tail = Math.abs(d[m]) + Math.abs(e[m - 1]);
      const isGraded = head > GRADED * tail;
      if (steps === 0 ? isGraded : steps % PATIENCE === 0) reverse(d, e, vectors, n, l, m);
      stepQl(d, e, vectors, n, l, m, chain);
    }
  }
  return true;
}

/** Reverses the order of rows and columns `l` to `m`. */
function reverse(
  d: Float64Array,
  e: Float64Array,
  vectors: Float64Array,
  n: number,
  l: number,
  m: number,
): void {
  d.subarray(l, m + 1).reverse();
  e.subarray(l, m).reverse();
  for (let i = l, k = m; i < k; i++, k--) swapRows(vectors, i * n, k * n, n);
}

/** One implicit QL step on rows `l` to `m`, with Wilkinson's shift. */
function stepQl(
  d: Float64Array,
  e: Float64Array,
  vectors: Float64Array,
  n: number,
  l: number,
  m: number,
  chain: Chain,
): void {
  const ratio = (d[l + 1] - d[l]) / (2 * e[l]);
  const root = hypotenuse(ratio, 1);
  let g = d[m] - d[l] + e[l] / (ratio + (ratio < 0 ? -root : root));
  let [c, s, p] = [1, 1, 0];
  chain.count = 0;
  for (let i = m - 1; i >= l; i--) {
    const f = s * e[i];
    const b = c * e[i];
    const r = hypotenuse(f, g);
    e[i + 1] = r;
    if (r < TINY * TINY) {
      // The matrix splits here.
      d[i + 1] -= p;
      e[m] = 0;
      rotateChain(vectors, m * n, -n, n, chain);
      return;
    }
    s = f / r;
    c = g / r;
    g = d[i + 1] - p;
    const t = (d[i] - g) * s + 2 * c * b;
    p = s * t;
    d[i + 1] = g + p;
    g = c * t - b;
    chain.c[chain.count] = c;
    chain.s[chain.count++] = s;
  }
  d[l] -= p;
  e[l] = g;
  e[m] = 0;
  rotateChain(vectors, m * n, -n, n, chain);
}
