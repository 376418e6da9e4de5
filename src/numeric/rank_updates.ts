/**
 * Matrix products by rank updates: along rows of the right operand and of the result.
 *
 * @module
 */
import { BLOCK, doubles, load, rowwise, scratchBlocks, share, store } from "./matrix_blocks.ts";
import type { Block, Matrix } from "./matrix_blocks.ts";

/**
 * The rank-update scheme: along rows of `b` and `c`.
 *
 * Rows of `c` that are not doubles, or not contiguous, are summed in scratch memory.
 */
export function updates(c: Matrix, a: Matrix, b: Matrix, m: number, n: number, k: number): void {
  const [blockA, blockB, blockC] = scratchBlocks();
  // With few rows `b` is hardly reused, and long runs suit the memory better.
  const columns = share(n, m <= 8 ? 1024 : 256, 1);
  const terms = share(k, Math.min(512, Math.floor(BLOCK / columns)) & ~3, 4);
  const rows = share(m, 64, 4);
  for (let j = 0; j < n; j += columns) {
    const width = Math.min(columns, n - j);
    for (let i = 0; i < m; i += rows) {
      const height = Math.min(rows, m - i);
      const corner = c.offset + i * c.row + j * c.column;
      const inPlace = c.data instanceof Float64Array && c.column === 1;
      const z = inPlace ? c.data : blockC;
      const z0 = inPlace ? corner : 0;
      const zRow = inPlace ? c.row : width;
      if (!inPlace) load(blockC, c, corner, height, width);
      for (let p = 0; p < k; p += terms) {
        const depth = Math.min(terms, k - p);
        const x = doubles(blockA, a, i, p, height, depth);
        const y = b.column === 1
          ? doubles(blockB, b, p, j, depth, width)
          : rowwise(blockB, b, p, j, depth, width);
        updateBlock(z, z0, zRow, x, y, height, width, depth);
      }
      if (!inPlace) store(c, corner, blockC, height, width);
    }
  }
}

/** Adds the product of the blocks `x` and `y` to the rows of `z`. */
function updateBlock(
  z: Float64Array,
  z0: number,
  zRow: number,
  x: Block,
  y: Block,
  m: number,
  n: number,
  k: number,
): void {
  const a = x.data, aRow = x.row, aColumn = x.column;
  const b = y.data, bRow = y.row;
  let i = 0;
  for (; i + 4 <= m; i += 4) {
    const c0 = z0 + i * zRow;
    let a0 = x.offset + i * aRow, b0 = y.offset, p = 0;
    for (; p + 4 <= k; p += 4, a0 += 4 * aColumn, b0 += 4 * bRow) {
      update4x4(z, c0, zRow, a, a0, aRow, aColumn, b, b0, bRow, n);
    }
    for (; p < k; p++, a0 += aColumn, b0 += bRow) {
      update4x1(z, c0, zRow, a, a0, aRow, b, b0, n);
    }
  }
  if (i === m) return;
  let p = 0;
  for (; p + 4 <= k; p += 4) {
    const b0 = y.offset + p * bRow;
    for (let r = i; r < m; r++) {
      update1x4(z, z0 + r * zRow, a, x.offset + r * aRow + p * aColumn, aColumn, b, b0, bRow, n);
    }
  }
  for (; p < k; p++) {
    const b0 = y.offset + p * bRow;
    for (let r = i; r < m; r++) {
      update1x1(z, z0 + r * zRow, a[x.offset + r * aRow + p * aColumn]!, b, b0, n);
    }
  }
}

// The kernels step with `| 0`, which saves V8 an overflow check at every step, and read their
// operands before they add to sums held in variables: V8 keeps each sum's former value live until
// the last bounds check of an iteration, and more than six sums would exceed the registers.

/** Four terms are added to four rows of `c`. */
function update4x4(
  c: Float64Array,
  c0: number,
  cRow: number,
  a: Float64Array,
  a0: number,
  aRow: number,
  aColumn: number,
  b: Float64Array,
  b0: number,
  bRow: number,
  n: number,
): void {
  const a1 = a0 + aColumn, a2 = a1 + aColumn, a3 = a2 + aColumn;
  const x00 = a[a0]!, x01 = a[a1]!, x02 = a[a2]!, x03 = a[a3]!;
  const x10 = a[a0 + aRow]!, x11 = a[a1 + aRow]!, x12 = a[a2 + aRow]!, x13 = a[a3 + aRow]!;
  const twice = 2 * aRow, thrice = 3 * aRow;
  const x20 = a[a0 + twice]!, x21 = a[a1 + twice]!, x22 = a[a2 + twice]!, x23 = a[a3 + twice]!;
  const x30 = a[a0 + thrice]!, x31 = a[a1 + thrice]!, x32 = a[a2 + thrice]!, x33 = a[a3 + thrice]!;
  let c1 = c0 + cRow, c2 = c1 + cRow, c3 = c2 + cRow;
  let b1 = b0 + bRow, b2 = b1 + bRow, b3 = b2 + bRow;
  for (const end = c0 + n; c0 < end;) {
    const u = b[b0]!, v = b[b1]!, w = b[b2]!, x = b[b3]!;
    c[c0] = c[c0]! + x00 * u + x01 * v + x02 * w + x03 * x;
    c[c1] = c[c1]! + x10 * u + x11 * v + x12 * w + x13 * x;
    c[c2] = c[c2]! + x20 * u + x21 * v + x22 * w + x23 * x;
    c[c3] = c[c3]! + x30 * u + x31 * v + x32 * w + x33 * x;
    c0 = c0 + 1 | 0;
    c1 = c1 + 1 | 0;
    c2 = c2 + 1 | 0;
    c3 = c3 + 1 | 0;
    b0 = b0 + 1 | 0;
    b1 = b1 + 1 | 0;
    b2 = b2 + 1 | 0;
    b3 = b3 + 1 | 0;
  }
}

/** One term is added to four rows of `c`. */
function update4x1(
  c: Float64Array,
  c0: number,
  cRow: number,
  a: Float64Array,
  a0: number,
  aRow: number,
  b: Float64Array,
  b0: number,
  n: number,
): void {
  const x0 = a[a0]!, x1 = a[a0 + aRow]!, x2 = a[a0 + 2 * aRow]!, x3 = a[a0 + 3 * aRow]!;
  let c1 = c0 + cRow, c2 = c1 + cRow, c3 = c2 + cRow;
  for (const end = c0 + n; c0 < end;) {
    const u = b[b0]!;
    c[c0] = c[c0]! + x0 * u;
    c[c1] = c[c1]! + x1 * u;
    c[c2] = c[c2]! + x2 * u;
    c[c3] = c[c3]! + x3 * u;
    c0 = c0 + 1 | 0;
    c1 = c1 + 1 | 0;
    c2 = c2 + 1 | 0;
    c3 = c3 + 1 | 0;
    b0 = b0 + 1 | 0;
  }
}

/** Four terms are added to one row of `c`. */
function update1x4(
  c: Float64Array,
  c0: number,
  a: Float64Array,
  a0: number,
  aColumn: number,
  b: Float64Array,
  b0: number,
  bRow: number,
  n: number,
): void {
  const x0 = a[a0]!, x1 = a[a0 + aColumn]!, x2 = a[a0 + 2 * aColumn]!, x3 = a[a0 + 3 * aColumn]!;
  let b1 = b0 + bRow, b2 = b1 + bRow, b3 = b2 + bRow;
  for (const end = c0 + n; c0 < end;) {
    c[c0] = c[c0]! + x0 * b[b0]! + x1 * b[b1]! + x2 * b[b2]! + x3 * b[b3]!;
    c0 = c0 + 1 | 0;
    b0 = b0 + 1 | 0;
    b1 = b1 + 1 | 0;
    b2 = b2 + 1 | 0;
    b3 = b3 + 1 | 0;
  }
}

/** One term is added to one row of `c`. */
function update1x1(
  c: Float64Array,
  c0: number,
  x: number,
  b: Float64Array,
  b0: number,
  n: number,
): void {
  for (const end = c0 + n; c0 < end;) {
    c[c0] = c[c0]! + x * b[b0]!;
    c0 = c0 + 1 | 0;
    b0 = b0 + 1 | 0;
  }
}
