/**
 * Elimination with complete pivoting in complex matrices, and the completion of orthonormal columns.
 *
 * @module
 */
import { quotient } from "./complex.ts";
import { complexes } from "./complex_reflections.ts";
import type { Complexes } from "./complex_reflections.ts";
import { swapRows } from "./vectors.ts";

/** The arrays for the parts of a factorisation. */
export interface ComplexLuParts {
  /** The matrix, and then the upper triangular factor. */
  readonly upper: Complexes;
  /** The unit lower triangular factor, initially zeros. */
  readonly lower: Complexes;
  /** The row of the matrix in each row of the product. */
  readonly rows: Int32Array;
  /** The column of the matrix in each column of the product. */
  readonly columns: Int32Array;
}

/**
 * Factorises an `n × n` matrix like `factorizeLu` for real ones, and returns the sign of both
 * permutations together. The size of an element is the sum of the magnitudes of its parts.
 */
export function factorizeComplexLu(
  { upper: { re, im }, lower, rows, columns }: ComplexLuParts,
  n: number,
  tiny: number,
): number {
  for (let i = 0; i < n; i++) rows[i] = columns[i] = i;
  let sign = 1;
  for (let k = 0; k < n; k++) {
    const place = largestFrom(re, im, n, k);
    const [i, j] = [Math.floor(place / n), place % n];
    if (i !== k) {
      sign = -sign;
      for (const part of [re, im]) swapRows(part, i * n, k * n, n);
      for (const part of [lower.re, lower.im]) swapRows(part, i * n, k * n, k);
      [rows[i], rows[k]] = [rows[k], rows[i]];
    }
    if (j !== k) {
      sign = -sign;
      for (const part of [re, im]) {
        for (let row = 0; row < n * n; row += n) {
          [part[row + j], part[row + k]] = [part[row + k], part[row + j]];
        }
      }
      [columns[j], columns[k]] = [columns[k], columns[j]];
    }
    const top = k * n;
    const c = re[top + k];
    const d = im[top + k];
    lower.re[top + k] = 1;
    for (let row = top + n; row < n * n; row += n) {
      // If the largest element is 0, all remaining elements are.
      const [x, y] = c === 0 && d === 0 ? [0, 0] : quotient(re[row + k], im[row + k], c, d);
      lower.re[row + k] = x;
      lower.im[row + k] = y;
      re[row + k] = im[row + k] = 0;
      for (let j = k + 1; j < n; j++) {
        const u = re[top + j];
        const v = im[top + j];
        re[row + j] -= x * u - y * v;
        im[row + j] -= x * v + y * u;
      }
    }
  }
  const first = n === 0 ? 0 : Math.hypot(re[0], im[0]);
  for (let place = 0; place < n * n - 1; place += n + 1) {
    if (re[place] === 0 && im[place] === 0) re[place] = tiny * (first || 1);
  }
  return sign;
}

/**
 * The position of the largest element of the rows and columns from `k` on; NaN counts as the
 * largest.
 */
function largestFrom(re: Float64Array, im: Float64Array, n: number, k: number): number {
  let [largest, place] = [-1, k * n + k];
  for (let row = k * n; row < n * n; row += n) {
    for (let i = row + k; i < row + n; i++) {
      const size = Math.abs(re[i]) + Math.abs(im[i]);
      if (!(size <= largest)) [largest, place] = [size, i];
    }
  }
  return place;
}

/**
 * The columns that complete the orthonormal ones of `q` `[m, k]` to a basis: unit vectors made
 * orthogonal to all before them, twice (Golub and Van Loan, section 5.2.8). NaN if `q` contains
 * NaN.
 */
export function completeColumns(q: Complexes, m: number, k: number): Complexes {
  const out = complexes(m * (m - k));
  // Stored as rows, so that products run along them.
  const basis = complexes(m * m);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < k; j++) {
      basis.re[j * m + i] = q.re[i * k + j];
      basis.im[j * m + i] = q.im[i * k + j];
    }
  }
  for (let row = k, unit = 0; row < m; unit++) {
    const to = row * m;
    basis.re.fill(0, to, to + m);
    basis.im.fill(0, to, to + m);
    basis.re[to + unit % m] = 1;
    for (let turn = 0; turn < 2; turn++) {
      for (let from = 0; from < to; from += m) takeOff(basis, from, to, m);
    }
    let size = 0;
    for (let i = to; i < to + m; i++) size += basis.re[i] ** 2 + basis.im[i] ** 2;
    // One of the remaining unit vectors is at least this long; a unit vector that was rejected only
    // gets shorter.
    if (size < 0.25 / m && unit < m) continue;
    for (let i = 0; i < m; i++) {
      out.re[i * (m - k) + row - k] = basis.re[to + i] /= Math.sqrt(size);
      out.im[i * (m - k) + row - k] = basis.im[to + i] /= Math.sqrt(size);
    }
    row++;
  }
  return out;
}

/** Subtracts from a row its projection onto another one, of length one. */
function takeOff({ re, im }: Complexes, from: number, to: number, length: number): void {
  let [x, y] = [0, 0];
  for (let i = 0; i < length; i++) {
    const [a, b, c, d] = [re[from + i], im[from + i], re[to + i], im[to + i]];
    x += a * c + b * d;
    y += a * d - b * c;
  }
  for (let i = 0; i < length; i++) {
    const a = re[from + i];
    const b = im[from + i];
    re[to + i] -= x * a - y * b;
    im[to + i] -= x * b + y * a;
  }
}
