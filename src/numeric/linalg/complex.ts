/**
 * Matrices of complex numbers, as pairs of arrays of doubles, and the eigenvalues of any square
 * one. NaN in the input gives NaN in the result.
 *
 * Source: G. H. Golub and C. F. Van Loan, "Matrix Computations", 4th edition, 2013, sections 7.4 and
 * 7.5 (Hessenberg form, shifted QR steps).
 *
 * @module
 */
import { applyLeft, applyRight, complexes, reflect } from "./complex_reflections.ts";
import type { Complexes } from "./complex_reflections.ts";
import { allFinite, scaleOf } from "./vectors.ts";

const EPSILON = 2 ** -52;

/** The maximum number of QR steps for each eigenvalue, far more than are ever needed. */
const MOST_STEPS = 60;

/** The identity matrix with a given number of rows. */
export function identity(n: number): Complexes {
  const out = complexes(n * n);
  for (let i = 0; i < n; i++) out.re[i * n + i] = 1;
  return out;
}

/** Whether all elements are finite. */
export function isFinitePair({ re, im }: Complexes): boolean {
  return allFinite(re, 0, re.length) && allFinite(im, 0, im.length);
}

/** Column `k` times a phase that makes its largest element real and positive. */
export function fixPhase(
  { re, im }: Complexes,
  rows: number,
  columns: number,
  k: number,
): [number, number] {
  let [most, place] = [0, -1];
  let [a, b] = [1, 0];
  for (let i = 0; i < rows; i++) {
    const at = i * columns + k;
    const size = Math.hypot(re[at], im[at]);
    // Among elements that differ only by rounding, the first is used.
    if (size > most * (1 + 64 * EPSILON)) {
      [most, place, a, b] = [size, at, re[at] / size, im[at] / size];
    }
  }
  multiplyColumn({ re, im }, rows, columns, k, [a, -b]);
  // Derivatives identify the element by its zero imaginary part.
  if (place >= 0) im[place] = 0;
  return [a, -b];
}

/** Column `k` times a number. */
export function multiplyColumn(
  { re, im }: Complexes,
  rows: number,
  columns: number,
  k: number,
  [a, b]: readonly [number, number],
): void {
  for (let i = 0; i < rows; i++) {
    const at = i * columns + k;
    const x = re[at];
    const y = im[at];
    re[at] = x * a - y * b;
    im[at] = x * b + y * a;
  }
}

/** The columns of a matrix in another order. */
function ordered({ re, im }: Complexes, rows: number, order: readonly number[]): Complexes {
  const columns = order.length;
  const out = complexes(rows * columns);
  for (let i = 0; i < rows; i++) {
    order.forEach((from, k) => {
      out.re[i * columns + k] = re[i * columns + from];
      out.im[i * columns + k] = im[i * columns + from];
    });
  }
  return out;
}

/** The square of the length of a column. */
function squares({ re, im }: Complexes, rows: number, columns: number, k: number): number {
  let sum = 0;
  for (let at = k; at < rows * columns; at += columns) sum += re[at] * re[at] + im[at] * im[at];
  return sum;
}

/** The quotient of two complex numbers (R. L. Smith, "Algorithm 116: Complex division", 1962). */
export function quotient(a: number, b: number, c: number, d: number): [number, number] {
  if (Math.abs(c) >= Math.abs(d)) {
    const ratio = d / c;
    const divisor = c + d * ratio;
    return [(a + b * ratio) / divisor, (b - a * ratio) / divisor];
  }
  const ratio = c / d;
  const divisor = c * ratio + d;
  return [(a * ratio + b) / divisor, (b * ratio - a) / divisor];
}

/** The principal square root. */
function root(a: number, b: number): [number, number] {
  const size = Math.hypot(a, b);
  const re = Math.sqrt((size + Math.abs(a)) / 2);
  if (re === 0) return [0, 0];
  const im = Math.abs(b) / (2 * re);
  const [x, y] = a >= 0 ? [re, im] : [im, re];
  return [x, b < 0 ? -y : y];
}

/**
 * The eigenvalues of an `n × n` matrix, which is overwritten, ordered by real parts and, if these
 * are equal up to rounding, by imaginary parts; and its eigenvectors as columns, of length one,
 * with the largest element real and positive.
 */
export function complexEigen(a: Complexes, n: number): { w: Complexes; v: Complexes } {
  const [w, z] = [complexes(n), identity(n)];
  if (!isFinitePair(a)) {
    for (const part of [w.re, w.im, z.re, z.im]) part.fill(NaN);
    return { w, v: z };
  }
  const scale = Math.max(scaleOf(a.re, 0, n * n), scaleOf(a.im, 0, n * n));
  for (const part of [a.re, a.im]) for (let i = 0; i < part.length; i++) part[i] /= scale;
  toHessenberg(a, z, n);
  toTriangle(a, z, n);
  const v = multiply(z, triangleVectors(a, n), n);
  for (let k = 0; k < n; k++) {
    multiplyColumn(v, n, n, k, [1 / Math.sqrt(squares(v, n, n, k)), 0]);
    fixPhase(v, n, n, k);
  }
  const order = valuesInOrder(a, n);
  order.forEach((from, k) => {
    w.re[k] = a.re[from * n + from] * scale;
    w.im[k] = a.im[from * n + from] * scale;
  });
  return { w, v: ordered(v, n, order) };
}

/**
 * The positions on the diagonal, ordered by real parts. Those whose real parts are equal up to
 * rounding, as in the pairs of a real matrix, are ordered by imaginary parts.
 */
function valuesInOrder({ re, im }: Complexes, n: number): number[] {
  const places = Array.from({ length: n }, (_, k) => k * n + k).sort((i, j) => re[i] - re[j]);
  const order: number[] = [];
  for (let from = 0, end = 0; from < n; from = end) {
    while (end < n && (end === from || re[places[end]] - re[places[end - 1]] < 64 * n * EPSILON)) {
      end++;
    }
    order.push(...places.slice(from, end).sort((i, j) => im[i] - im[j]));
  }
  return order.map((place) => place / (n + 1));
}

/** Reflections to Hessenberg form, accumulated in `z`. */
export function toHessenberg(a: Complexes, z: Complexes, n: number): void {
  const { re, im } = a;
  const work = complexes(n);
  for (let k = 0; k < n - 2; k++) {
    const v = complexes(n);
    for (let i = k + 1; i < n; i++) {
      v.re[i] = re[i * n + k];
      v.im[i] = im[i * n + k];
      re[i * n + k] = im[i * n + k] = 0;
    }
    const factor = reflect(v, k + 1, n);
    re[(k + 1) * n + k] = factor.head;
    applyLeft(a, n, [k + 1, n], k + 1, v, { a: factor.a, b: -factor.b }, work);
    for (const matrix of [a, z]) applyRight(matrix, n, [0, n], k + 1, v, factor);
  }
}

/** QR steps with Wilkinson's shifts, until the elements below the diagonal are negligible. */
export function toTriangle({ re, im }: Complexes, z: Complexes, n: number): void {
  const size = (i: number, j: number) => Math.abs(re[i * n + j]) + Math.abs(im[i * n + j]);
  let steps = 0;
  for (let high = n - 1; high > 0;) {
    let low = high;
    for (; low > 0; low--) {
      const near = size(low, low) + size(low - 1, low - 1);
      if (size(low, low - 1) <= EPSILON * (near === 0 ? 1 : near)) break;
    }
    if (low > 0) re[low * n + low - 1] = im[low * n + low - 1] = 0;
    if (low === high || steps >= MOST_STEPS) {
      high--;
      steps = 0;
      continue;
    }
    steps++;
    const [s, t] = steps % 10 === 0
      ? [size(high, high - 1) + re[high * n + high], im[high * n + high]]
      : shiftOf({ re, im }, n, high);
    for (let i = low; i <= high; i++) {
      re[i * n + i] -= s;
      im[i * n + i] -= t;
    }
    qrStep({ re, im }, z, n, low, high);
    for (let i = low; i <= high; i++) {
      re[i * n + i] += s;
      im[i * n + i] += t;
    }
  }
}

/** The eigenvalue of the last two rows and columns that is nearer to the last element. */
function shiftOf({ re, im }: Complexes, n: number, high: number): [number, number] {
  const at = (i: number, j: number): [number, number] => [re[i * n + j], im[i * n + j]];
  const [[a, b], [c, d]] = [at(high - 1, high - 1), at(high, high)];
  const [[e, f], [g, h]] = [at(high - 1, high), at(high, high - 1)];
  const [p, q] = [(a - c) / 2, (b - d) / 2];
  const [u, v] = [e * g - f * h, e * h + f * g];
  let [x, y] = root(p * p - q * q + u, 2 * p * q + v);
  if (p * x + q * y < 0) [x, y] = [-x, -y];
  const [i, j] = [p + x, q + y];
  if (i === 0 && j === 0) return [c, d];
  const [k, l] = quotient(u, v, i, j);
  return [c - k, d - l];
}

/** One QR step on the rows and columns from `low` to `high`. */
function qrStep(h: Complexes, z: Complexes, n: number, low: number, high: number): void {
  const { re, im } = h;
  const turns = new Float64Array(4 * (high - low));
  for (let k = low; k < high; k++) {
    const [i, j] = [k * n, (k + 1) * n];
    const size = Math.hypot(re[i + k], im[i + k], re[j + k], im[j + k]);
    const [a, b, c, d] = size === 0
      ? [1, 0, 0, 0]
      : [re[i + k] / size, im[i + k] / size, re[j + k] / size, im[j + k] / size];
    turns.set([a, b, c, d], 4 * (k - low));
    for (let column = k; column < n; column++) {
      const x = re[i + column];
      const y = im[i + column];
      const u = re[j + column];
      const v = im[j + column];
      re[i + column] = a * x + b * y + c * u + d * v;
      im[i + column] = a * y - b * x + c * v - d * u;
      re[j + column] = a * u - b * v - c * x + d * y;
      im[j + column] = a * v + b * u - c * y - d * x;
    }
  }
  // Row by row, so that all rotations run along rows.
  for (const [matrix, rows] of [[h, high + 1], [z, n]] as const) {
    const { re, im } = matrix;
    for (let row = 0; row < rows; row++) {
      const first = matrix === h ? Math.max(0, row - 1 - low) : 0;
      for (let step = first, at = row * n + low + first; step < high - low; step++, at++) {
        const a = turns[4 * step];
        const b = turns[4 * step + 1];
        const c = turns[4 * step + 2];
        const d = turns[4 * step + 3];
        const x = re[at];
        const y = im[at];
        const u = re[at + 1];
        const v = im[at + 1];
        re[at] = x * a - y * b + u * c - v * d;
        im[at] = x * b + y * a + u * d + v * c;
        re[at + 1] = u * a + v * b - x * c - y * d;
        im[at + 1] = v * a - u * b - y * c + x * d;
      }
    }
  }
}

/** The eigenvectors of a triangle, as columns. */
function triangleVectors({ re, im }: Complexes, n: number): Complexes {
  const out = complexes(n * n);
  let norm = 0;
  for (let i = 0; i < n * n; i++) norm = Math.max(norm, Math.abs(re[i]) + Math.abs(im[i]));
  const least = Math.max(EPSILON * norm, Number.MIN_VALUE * 2 ** 52);
  for (let k = 0; k < n; k++) {
    out.re[k * n + k] = 1;
    for (let i = k - 1; i >= 0; i--) {
      let [x, y] = [0, 0];
      for (let j = i + 1; j <= k; j++) {
        const a = re[i * n + j];
        const b = im[i * n + j];
        const c = out.re[j * n + k];
        const d = out.im[j * n + k];
        x += a * c - b * d;
        y += a * d + b * c;
      }
      let [p, q] = [re[k * n + k] - re[i * n + i], im[k * n + k] - im[i * n + i]];
      if (Math.hypot(p, q) < least) [p, q] = [least, 0];
      const [u, v] = quotient(x, y, p, q);
      out.re[i * n + k] = u;
      out.im[i * n + k] = v;
      const size = Math.hypot(u, v);
      // Vectors of matrices that are nearly defective grow; if they become too large, they are
      // scaled down.
      if (size > 2 ** 300) multiplyColumn(out, n, n, k, [1 / size, 0]);
    }
  }
  return out;
}

function multiply(x: Complexes, y: Complexes, n: number): Complexes {
  const out = complexes(n * n);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) {
      const a = x.re[i * n + k];
      const b = x.im[i * n + k];
      for (let j = 0; j < n; j++) {
        const c = y.re[k * n + j];
        const d = y.im[k * n + j];
        out.re[i * n + j] += a * c - b * d;
        out.im[i * n + j] += a * d + b * c;
      }
    }
  }
  return out;
}
