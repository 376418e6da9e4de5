/**
 * The factorisation of square matrices by elimination with pivoting.
 *
 * Source: J. H. Wilkinson, "Error analysis of direct methods of matrix inversion", 1961 (complete
 * pivoting).
 *
 * @module
 */

import { swapRows } from "./vectors.ts";

/** The arrays for the parts of a factorisation, each with its offset. */
export interface LuParts {
  /** The upper triangular factor. */
  readonly upper: Float64Array;
  /** The unit lower triangular factor. */
  readonly lower: Float64Array;
  /** The row of the matrix in each row of the product. */
  readonly rows: Int32Array;
  /** The column of the matrix in each column of the product. */
  readonly columns: Int32Array;
}

/**
 * Factorises matrix number `index`, of `n` rows and columns, which is in `upper` and is
 * overwritten: `lower × upper` is the matrix with its rows and columns in the order of `rows` and
 * `columns`. Returns the sign of both permutations together.
 *
 * The pivot of each step is the largest remaining element (Wilkinson 1961), found while the
 * previous step updates the rest. Pivots of 0, if there are any, come last (J. Demmel et al.,
 * "Computing the singular value decomposition with high relative accuracy", 1999, section 4). All
 * of these but the very last are replaced by `tiny` times the first pivot, so that derivatives can
 * divide by them.
 */
export function factorizeLu(
  { upper, lower, rows, columns }: LuParts,
  index: number,
  n: number,
  tiny: number,
): number {
  const base = index * n * n;
  const order = index * n;
  for (let i = 0; i < n; i++) rows[order + i] = columns[order + i] = i;
  let sign = 1;
  let pivot = findLargest(upper, base, n * n);
  for (let k = 0; k < n; k++) {
    const [i, j] = [Math.floor(pivot / n), pivot % n];
    if (i !== k) {
      sign = -sign;
      swapRows(upper, base + i * n, base + k * n, n);
      swapRows(lower, base + i * n, base + k * n, k);
      swap(rows, order + i, order + k);
    }
    if (j !== k) {
      sign = -sign;
      for (let row = base; row < base + n * n; row += n) swap(upper, row + j, row + k);
      swap(columns, order + j, order + k);
    }
    lower[base + k * n + k] = 1;
    pivot = eliminate(upper, lower, base, n, k);
  }
  for (let k = 0; k < n - 1; k++) {
    const place = base + k * n + k;
    if (upper[place] === 0) upper[place] = tiny * (Math.abs(upper[base]) || 1);
  }
  return sign;
}

/**
 * The same with the largest element of each column as its pivot, so that `columns` stay in order
 * and pivots of 0 are not replaced. This is half of the work, and permits blocks of columns.
 */
export function factorizeLuByRows(
  { upper, lower, rows, columns }: LuParts,
  index: number,
  n: number,
): number {
  const base = index * n * n;
  const order = index * n;
  for (let i = 0; i < n; i++) rows[order + i] = columns[order + i] = i;
  let sign = 1;
  for (let k = 0; k < n; k++) {
    let pivot = k;
    let largest = -1;
    for (let i = k; i < n; i++) {
      const magnitude = Math.abs(upper[base + i * n + k]);
      // NaN counts as the largest.
      if (!(magnitude <= largest)) {
        largest = magnitude;
        pivot = i;
      }
    }
    if (pivot !== k) {
      sign = -sign;
      swapRows(upper, base + pivot * n, base + k * n, n);
      swapRows(lower, base + pivot * n, base + k * n, k);
      swap(rows, order + pivot, order + k);
    }
    lower[base + k * n + k] = 1;
    eliminate(upper, lower, base, n, k);
  }
  return sign;
}

/** Clears column `k` below the diagonal; returns the position of the largest remaining element. */
function eliminate(u: Float64Array, l: Float64Array, base: number, n: number, k: number): number {
  const top = base + k * n;
  const head = u[top + k];
  let largest = -1;
  let place = (k + 1) * n + k + 1;
  for (let i = k + 1; i < n; i++) {
    const row = base + i * n;
    // If the largest element is 0, all remaining elements are.
    const factor = head === 0 ? 0 : u[row + k] / head;
    l[row + k] = factor;
    u[row + k] = 0;
    for (let j = k + 1; j < n; j++) {
      const value = u[row + j] - factor * u[top + j];
      u[row + j] = value;
      const magnitude = Math.abs(value);
      // NaN counts as the largest: it then propagates to all remaining elements.
      if (!(magnitude <= largest)) {
        largest = magnitude;
        place = row - base + j;
      }
    }
  }
  return place;
}

/** The position of the largest magnitude, or of NaN. */
function findLargest(x: Float64Array, from: number, length: number): number {
  let place = 0;
  let largest = -1;
  for (let i = 0; i < length; i++) {
    const magnitude = Math.abs(x[from + i]);
    if (!(magnitude <= largest)) {
      largest = magnitude;
      place = i;
    }
  }
  return place;
}

function swap(x: Float64Array | Int32Array, i: number, k: number): void {
  const value = x[i];
  x[i] = x[k];
  x[k] = value;
}
