/**
 * Hessenberg and Schur forms of square matrices, in double precision. NaN in the input gives NaN in
 * the result.
 *
 * Source: G. H. Golub and C. F. Van Loan, "Matrix Computations", 4th edition, 2013, sections 7.4 and
 * 7.5 (Francis' double steps). Blocks of two are brought into LAPACK's standard form (Z. Bai and J.
 * Demmel, "On swapping diagonal blocks in real Schur form", 1993).
 *
 * @module
 */
import { identity, isFinitePair, toHessenberg, toTriangle } from "./complex.ts";
import { complexes } from "./complex_reflections.ts";
import type { Complexes } from "./complex_reflections.ts";
import { allFinite, scaleOf } from "./vectors.ts";

const EPSILON = 2 ** -52;

/** The maximum number of steps for each eigenvalue, far more than are ever needed. */
const MOST_STEPS = 60;

/** The form to compute: zeros below the subdiagonal, or below the diagonal. */
export type Form = "hessenberg" | "triangle";

/**
 * A complex `n × n` matrix, which is overwritten by its form, and the unitary matrix `q`, filled here:
 * the matrix is `q form qᴴ`.
 */
export function complexForm(a: Complexes, q: Complexes, n: number, form: Form): void {
  if (!isFinitePair(a)) {
    for (const part of [a.re, a.im, q.re, q.im]) part.fill(NaN);
    return;
  }
  q.re.set(identity(n).re);
  const scale = Math.max(scaleOf(a.re, 0, n * n), scaleOf(a.im, 0, n * n));
  for (const part of [a.re, a.im]) for (let i = 0; i < part.length; i++) part[i] /= scale;
  toHessenberg(a, q, n);
  if (form === "triangle") toTriangle(a, q, n);
  for (const part of [a.re, a.im]) {
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        const isZero = j < i - (form === "triangle" ? 0 : 1);
        part[i * n + j] = isZero ? 0 : part[i * n + j] * scale;
      }
    }
  }
}

/**
 * A real `n × n` matrix, which is overwritten by its form, and the orthogonal matrix `q`, filled here:
 * the matrix is `q form qᵀ`. Pairs of complex eigenvalues are blocks of two on the diagonal of the
 * triangle, with equal diagonal elements.
 */
export function realForm(a: Float64Array, q: Float64Array, n: number, form: Form): void {
  if (!allFinite(a, 0, n * n)) {
    a.fill(NaN);
    q.fill(NaN);
    return;
  }
  for (let i = 0; i < n; i++) q[i * n + i] = 1;
  const scale = scaleOf(a, 0, n * n);
  for (let i = 0; i < n * n; i++) a[i] /= scale;
  const { im } = complexes(n * n);
  toHessenberg({ re: a, im }, { re: q, im: im.slice() }, n);
  if (form === "triangle") toQuasiTriangle(a, q, n);
  for (let i = 0; i < n * n; i++) a[i] *= scale;
}

/** Francis' steps on a matrix in Hessenberg form, until only blocks of one or two are left. */
function toQuasiTriangle(h: Float64Array, q: Float64Array, n: number): void {
  let steps = 0;
  for (let high = n - 1; high >= 0;) {
    const low = startOf(h, n, high);
    if (low >= high - 1 || steps >= MOST_STEPS * 2) {
      if (low < high) standardize(h, q, n, high - 1);
      high = Math.min(low, high) - 1;
      steps = 0;
      continue;
    }
    steps++;
    doubleStep(h, q, n, low, high, steps % 10 === 0);
  }
}

/** The start of the block that ends at `high`; negligible elements on the subdiagonal become 0. */
function startOf(h: Float64Array, n: number, high: number): number {
  let low = high;
  for (; low > 0; low--) {
    const near = Math.abs(h[low * n + low]) + Math.abs(h[(low - 1) * (n + 1)]);
    if (Math.abs(h[low * n + low - 1]) <= EPSILON * (near === 0 ? 1 : near)) break;
  }
  if (low > 0) h[low * n + low - 1] = 0;
  return low;
}

/** A step with both eigenvalues of the last two rows as shifts, or occasionally with others. */
function doubleStep(
  h: Float64Array,
  q: Float64Array,
  n: number,
  low: number,
  high: number,
  isOdd: boolean,
): void {
  const at = (i: number, j: number) => h[i * n + j];
  let sum = at(high - 1, high - 1) + at(high, high);
  let product = at(high - 1, high - 1) * at(high, high) - at(high - 1, high) * at(high, high - 1);
  if (isOdd) {
    const size = Math.abs(at(high, high - 1)) + Math.abs(at(high - 1, high - 2));
    [sum, product] = [1.5 * size, size * size];
  }
  let x = at(low, low) ** 2 + at(low, low + 1) * at(low + 1, low) - sum * at(low, low) + product;
  let y = at(low + 1, low) * (at(low, low) + at(low + 1, low + 1) - sum);
  let z = at(low + 1, low) * at(low + 2, low + 1);
  for (let k = low; k < high; k++) {
    const rows = k < high - 1 ? 3 : 2;
    reflect(h, q, n, k, rows === 3 ? [x, y, z] : [x, y], Math.max(k - 1, low), high);
    if (k > low) { for (let i = 1; i < rows; i++) h[(k + i) * n + k - 1] = 0; }
    x = at(k + 1, k);
    y = k + 2 <= high ? at(k + 2, k) : 0;
    z = k + 3 <= high ? at(k + 3, k) : 0;
  }
}

/** The reflection that leaves only the first element of `v`, on rows and columns from `k` on. */
function reflect(
  h: Float64Array,
  q: Float64Array,
  n: number,
  k: number,
  v: number[],
  firstColumn: number,
  high: number,
): void {
  const size = Math.hypot(...v);
  if (size === 0) return;
  const w = v.map((x) => x / size);
  w[0] += w[0] < 0 ? -1 : 1;
  const factor = 2 / w.reduce((sum, x) => sum + x * x, 0);
  for (let j = firstColumn; j < n; j++) {
    let sum = 0;
    for (let i = 0; i < w.length; i++) sum += w[i] * h[(k + i) * n + j];
    for (let i = 0; i < w.length; i++) h[(k + i) * n + j] -= factor * sum * w[i];
  }
  for (const [matrix, rows] of [[h, Math.min(k + 4, high + 1)], [q, n]] as const) {
    for (let row = 0; row < rows; row++) {
      const at = row * n + k;
      let sum = 0;
      for (let i = 0; i < w.length; i++) sum += w[i] * matrix[at + i];
      for (let i = 0; i < w.length; i++) matrix[at + i] -= factor * sum * w[i];
    }
  }
}

/**
 * Makes the block of rows `k` and `k + 1` triangular, or its diagonal constant if that is not
 * possible.
 */
function standardize(h: Float64Array, q: Float64Array, n: number, k: number): void {
  const [p, r] = [k * n + k, (k + 1) * n + k];
  const [turned, cos, sin] = standardBlock(h[p], h[p + 1], h[r], h[r + 1]);
  for (let j = k + 2; j < n; j++) {
    const [x, y] = [h[k * n + j], h[(k + 1) * n + j]];
    h[k * n + j] = cos * x + sin * y;
    h[(k + 1) * n + j] = cos * y - sin * x;
  }
  for (const [matrix, rows] of [[h, k], [q, n]] as const) {
    for (let at = k; at < rows * n; at += n) {
      const [x, y] = [matrix[at], matrix[at + 1]];
      matrix[at] = cos * x + sin * y;
      matrix[at + 1] = cos * y - sin * x;
    }
  }
  [h[p], h[p + 1], h[r], h[r + 1]] = turned;
}

type Block = [a: number, b: number, c: number, d: number];

/** LAPACK's standard form of a block of two, and the rotation that produces it. */
function standardBlock(
  a: number,
  b: number,
  c: number,
  d: number,
): [block: Block, cos: number, sin: number] {
  if (c === 0) return [[a, b, 0, d], 1, 0];
  if (b === 0) return [[d, -c, 0, a], 0, 1];
  if (a === d && Math.sign(b) !== Math.sign(c)) return [[a, b, c, d], 1, 0];
  const gap = a - d;
  const half = gap / 2;
  const most = Math.max(Math.abs(b), Math.abs(c));
  const least = Math.min(Math.abs(b), Math.abs(c)) * Math.sign(b) * Math.sign(c);
  const scale = Math.max(Math.abs(half), most);
  const discriminant = half / scale * half + most / scale * least;
  if (discriminant >= 4 * EPSILON) {
    const root = Math.sqrt(scale) * Math.sqrt(discriminant);
    const z = half + (half < 0 ? -root : root);
    const size = Math.hypot(c, z);
    return [[d + z, b - c, 0, d - most / z * least], z / size, c / size];
  }
  // Complex, or nearly equal: the diagonal becomes constant.
  const sigma = b + c;
  const size = Math.hypot(sigma, gap);
  const cos = Math.sqrt((1 + Math.abs(sigma) / size) / 2);
  const sin = -(half / (size * cos)) * (sigma < 0 ? -1 : 1);
  const [e, f] = [a * cos + b * sin, b * cos - a * sin];
  const [g, i] = [c * cos + d * sin, d * cos - c * sin];
  const mean = (e * cos + g * sin + i * cos - f * sin) / 2;
  const [upper, lower] = [f * cos + i * sin, g * cos - e * sin];
  if (lower === 0) return [[mean, upper, 0, mean], cos, sin];
  if (upper === 0) return [[mean, -lower, 0, mean], -sin, cos];
  if (Math.sign(upper) !== Math.sign(lower)) return [[mean, upper, lower, mean], cos, sin];
  const [rootB, rootC] = [Math.sqrt(Math.abs(upper)), Math.sqrt(Math.abs(lower))];
  const root = lower < 0 ? -rootB * rootC : rootB * rootC;
  const part = 1 / Math.sqrt(Math.abs(upper + lower));
  const [cos2, sin2] = [rootB * part, rootC * part];
  return [
    [mean + root, upper - lower, 0, mean - root],
    cos * cos2 - sin * sin2,
    cos * sin2 + sin * cos2,
  ];
}
