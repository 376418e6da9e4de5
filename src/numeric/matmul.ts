/**
 * Matrix products of contiguous row-major typed arrays.
 *
 * Floating-point sums are formed in double precision, in the order `k = 0, 1, 2, …`, whatever the
 * blocking: every path below gives the bits of the three naive loops, rounded once on the store.
 * Integer sums wrap modulo 2³².
 *
 * Two schemes share the work. Both keep one operand's small block in the cache and stream the other
 * past it, as in K. Goto and R. van de Geijn, "Anatomy of High-Performance Matrix Multiplication",
 * ACM Transactions on Mathematical Software 34(3), 2008; they differ in the innermost loop:
 *
 * - _Rank updates_ run along contiguous rows of the right operand and of the result. Four rows of the
 *   result take two terms of the sum at a time, with the eight coefficients in registers. This is the
 *   faster loop, but it needs long rows.
 * - _Dot products_ run along the summed axis, three rows of one operand against two of the other, and
 *   serve products in which one side of the result is short.
 *
 * Operands whose layout already suits the loop are read in place. Others (single precision, or
 * transposed the wrong way) are copied block by block into double-precision scratch, so that the inner
 * loops only ever see `Float64Array` and stay monomorphic.
 *
 * @module
 */

/** The typed arrays that hold numbers. */
export type Numbers = Float32Array | Float64Array | Int32Array | Uint32Array;

/** The extents of a batch of matrix products, and how their operands are stored. */
export interface MatmulSize {
  /** The number of independent products. */
  readonly batch: number;
  /** Rows of the left operand and of the result. */
  readonly m: number;
  /** Columns of the right operand and of the result. */
  readonly n: number;
  /** Columns of the left operand and rows of the right one: the summed axis. */
  readonly k: number;
  /** Whether the left operand is stored `[batch, k, m]` rather than `[batch, m, k]`. */
  readonly transposeA: boolean;
  /** Whether the right operand is stored `[batch, n, k]` rather than `[batch, k, n]`. */
  readonly transposeB: boolean;
}

/**
 * Writes the matrix products `out[t, i, j] = Σₚ a[t, i, p] b[t, p, j]` of a batch.
 *
 * Sums over an empty axis are zero, and NaN and infinities propagate: no term is skipped. Arrays of
 * floating-point numbers may be mixed; each result is rounded once. Arrays of integers may be mixed
 * among themselves, and wrap modulo 2³².
 *
 * @param out The result, `[batch, m, n]`; its former contents are overwritten. It must share no memory
 * with `a` or `b`.
 * @param a The left operand, `[batch, m, k]`, or `[batch, k, m]` with `transposeA`.
 * @param b The right operand, `[batch, k, n]`, or `[batch, n, k]` with `transposeB`.
 * @param size The extents; any of them may be zero.
 * @throws {TypeError} If floating-point numbers meet integers.
 */
export function matmul(out: Numbers, a: Numbers, b: Numbers, size: MatmulSize): void {
  out.fill(0, 0, size.batch * size.m * size.n);
  accumulateMatmul(out, a, b, size);
}

/**
 * Adds the matrix products of a batch to `out`: `out[t, i, j] += Σₚ a[t, i, p] b[t, p, j]`.
 *
 * As {@linkcode matmul}, but the sums start from the former contents of `out` instead of zero.
 *
 * @param out The result, `[batch, m, n]`.
 * @param a The left operand, `[batch, m, k]`, or `[batch, k, m]` with `transposeA`.
 * @param b The right operand, `[batch, k, n]`, or `[batch, n, k]` with `transposeB`.
 * @param size The extents; any of them may be zero.
 * @throws {TypeError} If floating-point numbers meet integers.
 */
export function accumulateMatmul(out: Numbers, a: Numbers, b: Numbers, size: MatmulSize): void {
  const { batch, m, n, k } = size;
  if (batch === 0 || m === 0 || n === 0 || k === 0) return;
  if (isFloat(out)) {
    const left = {
      data: floats(a),
      offset: 0,
      row: size.transposeA ? 1 : k,
      column: size.transposeA ? m : 1,
    };
    const right = {
      data: floats(b),
      offset: 0,
      row: size.transposeB ? 1 : n,
      column: size.transposeB ? k : 1,
    };
    const result = { data: out, offset: 0, row: n, column: 1 };
    for (let t = 0; t < batch; t++) {
      multiply(result, left, right, m, n, k);
      result.offset += m * n;
      left.offset += m * k;
      right.offset += k * n;
    }
  } else {
    const result = words(out), left = words(a), right = words(b);
    for (let t = 0; t < batch; t++) multiplyWords(result, left, right, t, size);
  }
}

type Floats = Float32Array | Float64Array;

/** A strided view of a matrix: element `(i, j)` is `data[offset + i * row + j * column]`. */
interface Matrix {
  readonly data: Floats;
  offset: number;
  readonly row: number;
  readonly column: number;
}

function isFloat(array: Numbers): array is Floats {
  return array instanceof Float64Array || array instanceof Float32Array;
}

function floats(array: Numbers): Floats {
  if (isFloat(array)) return array;
  throw new TypeError("a floating-point matrix product takes floating-point operands");
}

/** The same 32-bit words, read as signed: sums and products modulo 2³² do not depend on the sign. */
function words(array: Numbers): Int32Array {
  if (array instanceof Int32Array) return array;
  if (array instanceof Uint32Array) {
    return new Int32Array(array.buffer, array.byteOffset, array.length);
  }
  throw new TypeError("an integer matrix product takes integer operands");
}

/** Below this length, the loop along a row no longer pays for its setting up. */
const SHORT = 8;

/** Products of no more than this many terms are formed by the naive loops. */
const TINY = 128;

/** Elements of each operand's block: 256 KiB of doubles, a fraction of a second-level cache. */
const BLOCK = 32768;

let blockA = new Float64Array(0);
let blockB = new Float64Array(0);
let blockC = new Float64Array(0);

/** Adds `a b` to `c`, of `m` rows and `n` columns, with `k` terms to each sum. */
function multiply(c: Matrix, a: Matrix, b: Matrix, m: number, n: number, k: number): void {
  if (m * n * k <= TINY) return naive(c, a, b, m, n, k);
  if (blockA.length === 0) {
    blockA = new Float64Array(BLOCK);
    blockB = new Float64Array(BLOCK);
    blockC = new Float64Array(BLOCK);
  }
  const alongB = b.column === 1 && n >= SHORT;
  const alongA = a.row === 1 && m >= SHORT;
  if (alongB && !(alongA && m > 4 * n)) return updates(c, a, b, m, n, k);
  if (alongA) return updates(transposed(c), transposed(b), transposed(a), n, m, k);
  if (Math.min(m, n) >= SHORT) return updates(c, a, b, m, n, k);
  if (m >= n) return dots(c, a, transposed(b), m, n, k);
  return dots(transposed(c), transposed(b), a, n, m, k);
}

function transposed(matrix: Matrix): Matrix {
  const { data, offset, row, column } = matrix;
  return { data, offset, row: column, column: row };
}

function naive(c: Matrix, a: Matrix, b: Matrix, m: number, n: number, k: number): void {
  const left = a.data, right = b.data, out = c.data;
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      const z = c.offset + i * c.row + j * c.column;
      let x = a.offset + i * a.row, y = b.offset + j * b.column, sum = out[z]!;
      for (let p = 0; p < k; p++, x += a.column, y += b.row) sum += left[x]! * right[y]!;
      out[z] = sum;
    }
  }
}

/**
 * The rank-update scheme: along rows of `b` and `c`.
 *
 * Rows of `c` that are not doubles, or not contiguous, are summed in `blockC`.
 */
function updates(c: Matrix, a: Matrix, b: Matrix, m: number, n: number, k: number): void {
  // With few rows `b` is hardly used again, and long runs suit the memory better.
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

// The kernels step with `| 0`, which spares V8 a check for overflow at every step, and read their
// operands before they add to sums held in variables: V8 keeps each sum's former value alive up to the
// last bounds check of a turn, and more than six sums would overflow the registers.

/** Four rows of `c` take four terms. */
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

/** Four rows of `c` take one term. */
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

/** One row of `c` takes four terms. */
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

/** One row of `c` takes one term. */
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

/**
 * The dot-product scheme: `c += a bᵀ` along rows of `a` and of `b`, which has fewer than
 * {@linkcode SHORT} of them.
 *
 * Sums that are not doubles are gathered in an array of their own.
 */
function dots(c: Matrix, a: Matrix, b: Matrix, m: number, n: number, k: number): void {
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
    // Past the last row, the last one is taken again: its sums are formed anew and stored again.
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

/** A strided view of doubles. */
interface Block extends Matrix {
  readonly data: Float64Array;
}

/** `total` cut into the fewest even shares of at most `most`, rounded up to a multiple. */
function share(total: number, most: number, multiple: number): number {
  return Math.ceil(total / Math.ceil(total / most) / multiple) * multiple;
}

/** A block of `matrix` as doubles, in place or copied in its own layout. */
function doubles(
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
function rowwise(
  scratch: Float64Array,
  matrix: Matrix,
  i: number,
  j: number,
  m: number,
  n: number,
): Block {
  const { data, column } = matrix;
  let x = matrix.offset + i * matrix.row + j * column, z = 0;
  // Four columns at a time, so that the scattered stores fill whole pieces of cache lines.
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
function load(
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
function store(
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

/** Copies `m` rows of `n` numbers from one spacing of rows to another. */
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

/** Adds product number `t` of a batch of integers. */
function multiplyWords(
  out: Int32Array,
  a: Int32Array,
  b: Int32Array,
  t: number,
  { m, n, k, transposeA, transposeB }: MatmulSize,
): void {
  const aRow = transposeA ? 1 : k, aColumn = transposeA ? m : 1;
  for (let i = 0; i < m; i++) {
    const x = t * m * k + i * aRow, y = t * k * n, z = (t * m + i) * n;
    if (transposeB) {
      for (let j = 0; j < n; j++) {
        let sum = out[z + j]!;
        for (let p = 0; p < k; p++) {
          sum = sum + Math.imul(a[x + p * aColumn]!, b[y + j * k + p]!) | 0;
        }
        out[z + j] = sum;
      }
    } else {
      for (let p = 0; p < k; p++) {
        const u = a[x + p * aColumn]!;
        for (let j = 0; j < n; j++) out[z + j] = out[z + j]! + Math.imul(u, b[y + p * n + j]!);
      }
    }
  }
}
