/**
 * Matrices of complex numbers, as pairs of arrays of doubles: determinants, Hermitian eigenvalues,
 * singular values, and the eigenvalues of any matrix. NaN in gives NaN out.
 *
 * Sources: G. H. Golub and C. F. Van Loan, "Matrix Computations", 4th edition, 2013, sections 7.4 and
 * 7.5 (Hessenberg form, shifted QR steps) and 8.5 (Jacobi rotations); M. R. Hestenes, "Inversion of
 * matrices by biorthogonalization and related results", 1958 (one-sided rotations).
 *
 * @module
 */
import { allFinite, scaleOf } from "./vectors.ts";

/** Complex numbers by their parts, row-major where they are matrices. */
export interface Complexes {
  /** The real parts. */
  readonly re: Float64Array;
  /** The imaginary parts. */
  readonly im: Float64Array;
}

const EPSILON = 2 ** -52;

/** Sweeps of rotations, or QR steps for each eigenvalue, that are far more than are ever needed. */
const MOST_STEPS = 60;

/** So many complex numbers, all zero. */
export function complexes(length: number): Complexes {
  return { re: new Float64Array(length), im: new Float64Array(length) };
}

function identity(n: number): Complexes {
  const out = complexes(n * n);
  for (let i = 0; i < n; i++) out.re[i * n + i] = 1;
  return out;
}

function isFinitePair({ re, im }: Complexes): boolean {
  return allFinite(re, 0, re.length) && allFinite(im, 0, im.length);
}

/** The determinant of an `n × n` matrix, which is overwritten: itself, its direction and its log. */
export function complexDeterminant(
  { re, im }: Complexes,
  n: number,
): { det: [number, number]; sign: [number, number]; log: number } {
  let det: [number, number] = [1, 0];
  let sign: [number, number] = [1, 0];
  let log = 0;
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) {
      if (
        Math.hypot(re[i * n + k], im[i * n + k]) > Math.hypot(re[pivot * n + k], im[pivot * n + k])
      ) {
        pivot = i;
      }
    }
    const turn = pivot === k ? 1 : -1;
    if (pivot !== k) {
      for (const part of [re, im]) {
        for (let j = k; j < n; j++) {
          const held = part[k * n + j];
          part[k * n + j] = part[pivot * n + j];
          part[pivot * n + j] = held;
        }
      }
    }
    const [a, b] = [re[k * n + k], im[k * n + k]];
    const size = Math.hypot(a, b);
    det = [turn * (det[0] * a - det[1] * b), turn * (det[0] * b + det[1] * a)];
    const [c, d] = size === 0 ? [0, 0] : [a / size, b / size];
    sign = [turn * (sign[0] * c - sign[1] * d), turn * (sign[0] * d + sign[1] * c)];
    log += Math.log(size);
    if (size === 0) continue;
    for (let i = k + 1; i < n; i++) {
      const [x, y] = [re[i * n + k] / size, im[i * n + k] / size];
      const [f, g] = [x * c + y * d, y * c - x * d];
      for (let j = k + 1; j < n; j++) {
        const [u, v] = [re[k * n + j], im[k * n + j]];
        re[i * n + j] -= f * u - g * v;
        im[i * n + j] -= f * v + g * u;
      }
    }
  }
  return { det, sign, log };
}

/** The rotation that makes two numbers, whose product with the phase `d` is real, orthogonal. */
function rotationOf(first: number, second: number, size: number): [c: number, s: number] {
  const tau = (second - first) / (2 * size);
  const t = (tau < 0 ? -1 : 1) / (Math.abs(tau) + Math.hypot(1, tau));
  const c = 1 / Math.hypot(1, t);
  return [c, t * c];
}

/** Columns `p` and `q` rotated, the second times the phase `d + i e` before. */
function rotateColumns(
  { re, im }: Complexes,
  rows: number,
  columns: number,
  [p, q]: readonly [number, number],
  [d, e]: readonly [number, number],
  [c, s]: readonly [number, number],
): void {
  for (let at = 0; at < rows * columns; at += columns) {
    const [x, y] = [re[at + p], im[at + p]];
    const [u, v] = [re[at + q] * d - im[at + q] * e, re[at + q] * e + im[at + q] * d];
    re[at + p] = c * x - s * u;
    im[at + p] = c * y - s * v;
    re[at + q] = s * x + c * u;
    im[at + q] = s * y + c * v;
  }
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
    // Of elements that differ by rounding alone the first counts.
    if (size > most * (1 + 64 * EPSILON)) {
      [most, place, a, b] = [size, at, re[at] / size, im[at] / size];
    }
  }
  multiplyColumn({ re, im }, rows, columns, k, [a, -b]);
  // Derivatives know the element by this.
  if (place >= 0) im[place] = 0;
  return [a, -b];
}

function multiplyColumn(
  { re, im }: Complexes,
  rows: number,
  columns: number,
  k: number,
  [a, b]: readonly [number, number],
): void {
  for (let i = 0; i < rows; i++) {
    const at = i * columns + k;
    const [x, y] = [re[at], im[at]];
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

/**
 * The eigenvalues of a Hermitian `n × n` matrix, increasing, and its eigenvectors as columns, by
 * rotations. The matrix is overwritten; its lower triangle is read. The largest element of each
 * eigenvector is real and positive.
 */
export function hermitianEigen(a: Complexes, n: number): { w: Float64Array; v: Complexes } {
  const { re, im } = a;
  for (let i = 0; i < n; i++) {
    im[i * n + i] = 0;
    for (let j = 0; j < i; j++) {
      re[j * n + i] = re[i * n + j];
      im[j * n + i] = -im[i * n + j];
    }
  }
  const v = identity(n);
  if (!isFinitePair(a)) {
    v.re.fill(NaN);
    v.im.fill(NaN);
    return { w: new Float64Array(n).fill(NaN), v };
  }
  const scale = Math.max(scaleOf(re, 0, n * n), scaleOf(im, 0, n * n));
  for (const part of [re, im]) for (let i = 0; i < part.length; i++) part[i] /= scale;
  for (let sweep = 0, moves = true; moves && sweep < MOST_STEPS; sweep++) {
    moves = false;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const [x, y] = [re[p * n + q], im[p * n + q]];
        const size = Math.hypot(x, y);
        const [first, second] = [re[p * n + p], re[q * n + q]];
        if (size <= EPSILON / 4 * Math.sqrt(Math.abs(first * second)) || size < 2 ** -500) continue;
        if (size < EPSILON * EPSILON) continue;
        moves = true;
        const phase = [x / size, -y / size] as const;
        const rotation = rotationOf(first, second, size);
        rotateColumns(a, n, n, [p, q], phase, rotation);
        rotateColumns(v, n, n, [p, q], phase, rotation);
        rotateRows(a, n, [p, q], phase, rotation);
        for (const at of [p * n + q, q * n + p]) re[at] = im[at] = 0;
        im[p * n + p] = im[q * n + q] = 0;
      }
    }
  }
  const values = Array.from({ length: n }, (_, i) => re[i * n + i]);
  const order = values.map((_, i) => i).sort((i, j) => values[i] - values[j]);
  const vectors = ordered(v, n, order);
  for (let k = 0; k < n; k++) fixPhase(vectors, n, n, k);
  return { w: Float64Array.from(order, (i) => values[i] * scale), v: vectors };
}

/** The rows of a matrix rotated by the adjoint of what rotates its columns. */
function rotateRows(
  { re, im }: Complexes,
  n: number,
  [p, q]: readonly [number, number],
  [d, e]: readonly [number, number],
  [c, s]: readonly [number, number],
): void {
  for (let k = 0; k < n; k++) {
    const [i, j] = [p * n + k, q * n + k];
    const [x, y] = [re[i], im[i]];
    const [u, v] = [re[j] * d + im[j] * e, im[j] * d - re[j] * e];
    re[i] = c * x - s * u;
    im[i] = c * y - s * v;
    re[j] = s * x + c * u;
    im[j] = s * y + c * v;
  }
}

/** The thin singular value decomposition of a matrix: `u` `[m, k]`, `s`, and `v` `[n, k]`. */
export interface SingularValues {
  /** The left vectors, as columns; the largest element of each is real and positive. */
  readonly u: Complexes;
  /** The values, decreasing. */
  readonly s: Float64Array;
  /** The right vectors, as columns. */
  readonly v: Complexes;
}

/** The thin singular value decomposition of an `m × n` matrix, by rotations of its columns. */
export function complexSvd(a: Complexes, m: number, n: number): SingularValues {
  if (m < n) {
    const adjoint = complexes(m * n);
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        adjoint.re[j * m + i] = a.re[i * n + j];
        adjoint.im[j * m + i] = -a.im[i * n + j];
      }
    }
    const { u, s, v } = complexSvd(adjoint, n, m);
    for (let k = 0; k < m; k++) multiplyColumn(u, n, m, k, fixPhase(v, m, m, k));
    return { u: v, s, v: u };
  }
  const g = { re: a.re.slice(), im: a.im.slice() };
  const v = identity(n);
  const s = new Float64Array(n);
  if (!isFinitePair(a)) {
    for (const part of [g.re, g.im, v.re, v.im, s]) part.fill(NaN);
    return { u: g, s, v };
  }
  const scale = Math.max(scaleOf(g.re, 0, m * n), scaleOf(g.im, 0, m * n));
  for (const part of [g.re, g.im]) for (let i = 0; i < part.length; i++) part[i] /= scale;
  for (let sweep = 0, moves = true; moves && sweep < MOST_STEPS; sweep++) {
    moves = false;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const [first, second] = [squares(g, m, n, p), squares(g, m, n, q)];
        const [x, y] = inner(g, m, n, p, q);
        const size = Math.hypot(x, y);
        if (size <= 8 * EPSILON * Math.sqrt(first * second) || size < 2 ** -900) continue;
        moves = true;
        const phase = [x / size, -y / size] as const;
        const rotation = rotationOf(first, second, size);
        rotateColumns(g, m, n, [p, q], phase, rotation);
        rotateColumns(v, n, n, [p, q], phase, rotation);
      }
    }
  }
  const values = Array.from({ length: n }, (_, k) => Math.sqrt(squares(g, m, n, k)));
  const order = values.map((_, k) => k).sort((i, j) => values[j] - values[i]);
  const [u, right] = [ordered(g, m, order), ordered(v, n, order)];
  order.forEach((from, k) => {
    s[k] = values[from] * scale;
    if (values[from] > 2 ** -450) multiplyColumn(u, m, n, k, [1 / values[from], 0]);
    else completeColumn(u, m, n, k);
    multiplyColumn(right, n, n, k, fixPhase(u, m, n, k));
  });
  return { u, s, v: right };
}

/** The square of the length of a column. */
function squares({ re, im }: Complexes, rows: number, columns: number, k: number): number {
  let sum = 0;
  for (let at = k; at < rows * columns; at += columns) sum += re[at] * re[at] + im[at] * im[at];
  return sum;
}

/** The product of the conjugate of column `p` with column `q`. */
function inner(
  { re, im }: Complexes,
  rows: number,
  columns: number,
  p: number,
  q: number,
): [number, number] {
  let [x, y] = [0, 0];
  for (let at = 0; at < rows * columns; at += columns) {
    x += re[at + p] * re[at + q] + im[at + p] * im[at + q];
    y += re[at + p] * im[at + q] - im[at + p] * re[at + q];
  }
  return [x, y];
}

/** Column `k` as a unit vector that is orthogonal to all columns before it. */
function completeColumn(u: Complexes, rows: number, columns: number, k: number): void {
  for (let unit = 0; unit < rows; unit++) {
    for (let i = 0; i < rows; i++) {
      u.re[i * columns + k] = i === unit ? 1 : 0;
      u.im[i * columns + k] = 0;
    }
    for (let turn = 0; turn < 2; turn++) {
      for (let p = 0; p < k; p++) {
        const [x, y] = inner(u, rows, columns, p, k);
        for (let at = 0; at < rows * columns; at += columns) {
          u.re[at + k] -= x * u.re[at + p] - y * u.im[at + p];
          u.im[at + k] -= x * u.im[at + p] + y * u.re[at + p];
        }
      }
    }
    const size = Math.sqrt(squares(u, rows, columns, k));
    if (size < 0.5 / Math.sqrt(rows)) continue;
    multiplyColumn(u, rows, columns, k, [1 / size, 0]);
    return;
  }
}

/** The quotient of two complex numbers (R. L. Smith, "Algorithm 116: Complex division", 1962). */
function quotient(a: number, b: number, c: number, d: number): [number, number] {
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
 * The eigenvalues of an `n × n` matrix, which is overwritten, ordered by real and, where these are equal
 * but for rounding, by imaginary parts, and its eigenvectors as columns: of length one, the largest element real and positive.
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
 * The places on the diagonal by their real parts. Those whose real parts are equal but for rounding, as
 * in the pairs of a real matrix, follow by their imaginary ones.
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

/** Reflections to Hessenberg form, gathered in `z`. */
function toHessenberg({ re, im }: Complexes, z: Complexes, n: number): void {
  const v = complexes(n);
  for (let k = 0; k < n - 2; k++) {
    let sum = 0;
    for (let i = k + 1; i < n; i++) {
      v.re[i] = re[i * n + k];
      v.im[i] = im[i * n + k];
      if (i > k + 1) sum += v.re[i] ** 2 + v.im[i] ** 2;
    }
    if (sum === 0) continue;
    const [x, y] = [v.re[k + 1], v.im[k + 1]];
    const first = Math.hypot(x, y);
    const size = Math.sqrt(sum + first * first);
    const [c, d] = first === 0 ? [1, 0] : [x / first, y / first];
    v.re[k + 1] += c * size;
    v.im[k + 1] += d * size;
    const factor = 2 / (sum + v.re[k + 1] ** 2 + v.im[k + 1] ** 2);
    // From the left: rows less the vector times what it has in common with each column.
    for (let j = 0; j < n; j++) {
      let [p, q] = [0, 0];
      for (let i = k + 1; i < n; i++) {
        const at = i * n + j;
        p += v.re[i] * re[at] + v.im[i] * im[at];
        q += v.re[i] * im[at] - v.im[i] * re[at];
      }
      [p, q] = [p * factor, q * factor];
      for (let i = k + 1; i < n; i++) {
        const at = i * n + j;
        re[at] -= v.re[i] * p - v.im[i] * q;
        im[at] -= v.re[i] * q + v.im[i] * p;
      }
    }
    for (const matrix of [{ re, im }, z]) {
      for (let row = 0; row < n * n; row += n) {
        let [p, q] = [0, 0];
        for (let i = k + 1; i < n; i++) {
          p += matrix.re[row + i] * v.re[i] - matrix.im[row + i] * v.im[i];
          q += matrix.re[row + i] * v.im[i] + matrix.im[row + i] * v.re[i];
        }
        [p, q] = [p * factor, q * factor];
        for (let i = k + 1; i < n; i++) {
          matrix.re[row + i] -= p * v.re[i] + q * v.im[i];
          matrix.im[row + i] -= q * v.re[i] - p * v.im[i];
        }
      }
    }
    for (let i = k + 2; i < n; i++) re[i * n + k] = im[i * n + k] = 0;
  }
}

/** QR steps with Wilkinson's shifts, until what stands below the diagonal is nothing. */
function toTriangle({ re, im }: Complexes, z: Complexes, n: number): void {
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
  const turns: [number, number, number, number][] = [];
  for (let k = low; k < high; k++) {
    const [i, j] = [k * n, (k + 1) * n];
    const size = Math.hypot(re[i + k], im[i + k], re[j + k], im[j + k]);
    const [a, b, c, d] = size === 0
      ? [1, 0, 0, 0]
      : [re[i + k] / size, im[i + k] / size, re[j + k] / size, im[j + k] / size];
    turns.push([a, b, c, d]);
    for (let column = k; column < n; column++) {
      const [x, y] = [re[i + column], im[i + column]];
      const [u, v] = [re[j + column], im[j + column]];
      re[i + column] = a * x + b * y + c * u + d * v;
      im[i + column] = a * y - b * x + c * v - d * u;
      re[j + column] = a * u - b * v - c * x + d * y;
      im[j + column] = a * v + b * u - c * y - d * x;
    }
  }
  turns.forEach(([a, b, c, d], step) => {
    const k = low + step;
    for (const [matrix, rows] of [[h, Math.min(k + 2, high + 1)], [z, n]] as const) {
      for (let row = 0; row < rows; row++) {
        const at = row * n + k;
        const [x, y] = [matrix.re[at], matrix.im[at]];
        const [u, v] = [matrix.re[at + 1], matrix.im[at + 1]];
        matrix.re[at] = x * a - y * b + u * c - v * d;
        matrix.im[at] = x * b + y * a + u * d + v * c;
        matrix.re[at + 1] = u * a + v * b - x * c - y * d;
        matrix.im[at + 1] = v * a - u * b - y * c + x * d;
      }
    }
  });
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
        const [a, b] = [re[i * n + j], im[i * n + j]];
        const [c, d] = [out.re[j * n + k], out.im[j * n + k]];
        x += a * c - b * d;
        y += a * d + b * c;
      }
      let [p, q] = [re[k * n + k] - re[i * n + i], im[k * n + k] - im[i * n + i]];
      if (Math.hypot(p, q) < least) [p, q] = [least, 0];
      const [u, v] = quotient(x, y, p, q);
      out.re[i * n + k] = u;
      out.im[i * n + k] = v;
      const size = Math.hypot(u, v);
      // Vectors of matrices that are nearly defective grow: what grows too large is scaled down.
      if (size > 2 ** 300) multiplyColumn(out, n, n, k, [1 / size, 0]);
    }
  }
  return out;
}

function multiply(x: Complexes, y: Complexes, n: number): Complexes {
  const out = complexes(n * n);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) {
      const [a, b] = [x.re[i * n + k], x.im[i * n + k]];
      for (let j = 0; j < n; j++) {
        const [c, d] = [y.re[k * n + j], y.im[k * n + j]];
        out.re[i * n + j] += a * c - b * d;
        out.im[i * n + j] += a * d + b * c;
      }
    }
  }
  return out;
}
