/**
 * Strided matrices, and their blocks as doubles: in place if they are doubles already, otherwise
 * copied into scratch memory.
 *
 * @module
 */

/** Arrays of floats. */
export type Floats = Float32Array | Float64Array;

/** A strided view of a matrix: element `(i, j)` is `data[offset + i * row + j * column]`. */
export interface Matrix {
  readonly data: Floats;
  offset: number;
  readonly row: number;
  readonly column: number;
}

/** Below this length, the loop along a row does not pay for its setup. */
export const SHORT = 8;

/** Elements of each operand's block: 256 KiB of doubles, a fraction of a second-level cache. */
export const BLOCK = 32768;

/** Allocated by the first product that needs them. */
let held: readonly [a: Float64Array, b: Float64Array, c: Float64Array] | undefined;

/** Scratch for one block of each operand and of the result. */
export function scratchBlocks(): readonly [a: Float64Array, b: Float64Array, c: Float64Array] {
  return held ??= [new Float64Array(BLOCK), new Float64Array(BLOCK), new Float64Array(BLOCK)];
}

/** The same elements with rows and columns exchanged. */
export function transposed(matrix: Matrix): Matrix {
  const { data, offset, row, column } = matrix;
  return { data, offset, row: column, column: row };
}

/** A strided view of doubles. */
export interface Block extends Matrix {
  readonly data: Float64Array;
}

/** `total` divided into the fewest even shares of at most `most`, rounded up to a multiple. */
export function share(total: number, most: number, multiple: number): number {
  return Math.ceil(total / Math.ceil(total / most) / multiple) * multiple;
}

/** A block of `matrix` as doubles, in place or copied in its own layout. */
export function doubles(
  scratch: Float64Array,
  matrix: Matrix,
  i: number,
  j: number,
  m: number,
  n: number,
): Block {
  const { data, row, column } = matrix;
  const offset = matrix.offset + i * row + j * column;
  if (data instanceof Float64Array) return { data, offset, row, column };
  if (column === 1) {
    copyRows(scratch, 0, n, data, offset, row, m, n);
    return { data: scratch, offset: 0, row: n, column: 1 };
  }
  copyRows(scratch, 0, m, data, offset, column, n, m);
  return { data: scratch, offset: 0, row: 1, column: m };
}

/** A block of a `matrix` whose columns are contiguous, copied as doubles with contiguous rows. */
export function rowwise(
  scratch: Float64Array,
  matrix: Matrix,
  i: number,
  j: number,
  m: number,
  n: number,
): Block {
  const { data, column } = matrix;
  let x = matrix.offset + i * matrix.row + j * column, z = 0;
  // Four columns at a time, so that the scattered stores fill larger parts of cache lines.
  for (; z + 4 <= n; z += 4, x += 4 * column) {
    for (let r = 0, x0 = x, z0 = z; r < m; r++, x0++, z0 += n) {
      scratch[z0] = data[x0]!;
      scratch[z0 + 1] = data[x0 + column]!;
      scratch[z0 + 2] = data[x0 + 2 * column]!;
      scratch[z0 + 3] = data[x0 + 3 * column]!;
    }
  }
  for (; z < n; z++, x += column) {
    for (let r = 0, x0 = x, z0 = z; r < m; r++, x0++, z0 += n) scratch[z0] = data[x0]!;
  }
  return { data: scratch, offset: 0, row: n, column: 1 };
}

/** Reads `m` rows of `n` numbers from `corner` of `matrix` into contiguous rows. */
export function load(
  rows: Float64Array,
  matrix: Matrix,
  corner: number,
  m: number,
  n: number,
): void {
  const { data, row, column } = matrix;
  if (column === 1) return copyRows(rows, 0, n, data, corner, row, m, n);
  for (let i = 0, z = 0; i < m; i++) {
    let x = corner + i * row;
    for (let j = 0; j < n; j++, x += column) rows[z++] = data[x]!;
  }
}

/** Writes contiguous rows back to where {@linkcode load} read them. */
export function store(
  matrix: Matrix,
  corner: number,
  rows: Float64Array,
  m: number,
  n: number,
): void {
  const { data, row, column } = matrix;
  if (column === 1) return copyRows(data, corner, row, rows, 0, n, m, n);
  for (let i = 0, z = 0; i < m; i++) {
    let x = corner + i * row;
    for (let j = 0; j < n; j++, x += column) data[x] = rows[z++]!;
  }
}

/** Copies `m` rows of `n` numbers from one row stride to another. */
function copyRows(
  to: Floats,
  toOffset: number,
  toRow: number,
  from: Floats,
  fromOffset: number,
  fromRow: number,
  m: number,
  n: number,
): void {
  if (n === fromRow && n === toRow) {
    to.set(from.subarray(fromOffset, fromOffset + m * n), toOffset);
    return;
  }
  for (let i = 0; i < m; i++, toOffset += toRow, fromOffset += fromRow) {
    if (n < 64) { for (let j = 0; j < n; j++) to[toOffset + j] = from[fromOffset + j]!; }
    else to.set(from.subarray(fromOffset, fromOffset + n), toOffset);
  }
}
