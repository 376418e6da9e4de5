/**
 * Matrix products by dot products: along the summed axis of both operands.
 *
 * @module
 */
import {
  BLOCK,
  doubles,
  load,
  rowwise,
  scratchBlocks,
  share,
  SHORT,
  store,
} from "./matrix_blocks.ts";
import type { Block, Matrix } from "./matrix_blocks.ts";

/**
 * The dot-product scheme: `c += a bᵀ` along rows of `a` and of `b`, where `b` has fewer than
 * {@linkcode SHORT} rows.
 *
 * Sums that are not doubles are accumulated in a separate array.
 */
export function dots(c: Matrix, a: Matrix, b: Matrix, m: number, n: number, k: number): void {
  const [blockA, blockB, blockC] = scratchBlocks();
  const terms = share(k, BLOCK / SHORT, 1);
  const rows = share(m, Math.floor(BLOCK / terms / 3) * 3, 3);
  const inPlace = c.data instanceof Float64Array;
  const z = inPlace ? c.data : m * n <= BLOCK ? blockC : new Float64Array(m * n);
  const z0 = inPlace ? c.offset : 0;
  const zRow = inPlace ? c.row : n;
  const zColumn = inPlace ? c.column : 1;
  if (!inPlace) load(z, c, c.offset, m, n);
  for (let p = 0; p < k; p += terms) {
    const depth = Math.min(terms, k - p);
    const y = b.column === 1
      ? doubles(blockB, b, 0, p, n, depth)
      : rowwise(blockB, b, 0, p, n, depth);
    for (let i = 0; i < m; i += rows) {
      const height = Math.min(rows, m - i);
      const x = a.column === 1
        ? doubles(blockA, a, i, p, height, depth)
        : rowwise(blockA, a, i, p, height, depth);
      dotBlock(z, z0 + i * zRow, zRow, zColumn, x, y, height, n, depth);
    }
  }
  if (!inPlace) store(c, c.offset, z, m, n);
}

/** Adds the product of the rows of `x` with those of `y` to `z`. */
function dotBlock(
  z: Float64Array,
  z0: number,
  zRow: number,
  zColumn: number,
  x: Block,
  y: Block,
  m: number,
  n: number,
  k: number,
): void {
  for (let i = 0; i < m; i += 3) {
    // Past the last row, the last one is used again: its sums are computed and stored again.
    const i1 = Math.min(i + 1, m - 1), i2 = Math.min(i + 2, m - 1);
    const x0 = x.offset + i * x.row, x1 = x.offset + i1 * x.row, x2 = x.offset + i2 * x.row;
    const c0 = z0 + i * zRow, c1 = z0 + i1 * zRow, c2 = z0 + i2 * zRow;
    let y0 = y.offset, j = 0;
    for (; j + 2 <= n; j += 2, y0 += 2 * y.row) {
      const j0 = j * zColumn;
      dot3x2(z, c0 + j0, c1 + j0, c2 + j0, zColumn, x.data, x0, x1, x2, y.data, y0, y.row, k);
    }
    if (j < n) {
      const j0 = j * zColumn;
      dot3x1(z, c0 + j0, c1 + j0, c2 + j0, x.data, x0, x1, x2, y.data, y0, k);
    }
  }
}

/** Adds the products of three rows of `a` with two of `b`. */
function dot3x2(
  c: Float64Array,
  c0: number,
  c1: number,
  c2: number,
  cColumn: number,
  a: Float64Array,
  a0: number,
  a1: number,
  a2: number,
  b: Float64Array,
  b0: number,
  bRow: number,
  k: number,
): void {
  let z00 = c[c0]!, z01 = c[c0 + cColumn]!;
  let z10 = c[c1]!, z11 = c[c1 + cColumn]!;
  let z20 = c[c2]!, z21 = c[c2 + cColumn]!;
  let b1 = b0 + bRow;
  for (const end = a0 + k; a0 < end;) {
    const u = b[b0]!, v = b[b1]!, x0 = a[a0]!, x1 = a[a1]!, x2 = a[a2]!;
    z00 += x0 * u;
    z01 += x0 * v;
    z10 += x1 * u;
    z11 += x1 * v;
    z20 += x2 * u;
    z21 += x2 * v;
    a0 = a0 + 1 | 0;
    a1 = a1 + 1 | 0;
    a2 = a2 + 1 | 0;
    b0 = b0 + 1 | 0;
    b1 = b1 + 1 | 0;
  }
  c[c0] = z00;
  c[c0 + cColumn] = z01;
  c[c1] = z10;
  c[c1 + cColumn] = z11;
  c[c2] = z20;
  c[c2 + cColumn] = z21;
}

/** Adds the products of three rows of `a` with one of `b`. */
function dot3x1(
  c: Float64Array,
  c0: number,
  c1: number,
  c2: number,
  a: Float64Array,
  a0: number,
  a1: number,
  a2: number,
  b: Float64Array,
  b0: number,
  k: number,
): void {
  let z0 = c[c0]!, z1 = c[c1]!, z2 = c[c2]!;
  for (const end = a0 + k; a0 < end;) {
    const u = b[b0]!, x0 = a[a0]!, x1 = a[a1]!, x2 = a[a2]!;
    z0 += x0 * u;
    z1 += x1 * u;
    z2 += x2 * u;
    a0 = a0 + 1 | 0;
    a1 = a1 + 1 | 0;
    a2 = a2 + 1 | 0;
    b0 = b0 + 1 | 0;
  }
  c[c0] = z0;
  c[c1] = z1;
  c[c2] = z2;
}
