/**
 * Matrix products of contiguous row-major typed arrays.
 *
 * Floating-point sums are formed in double precision, in the order `k = 0, 1, 2, …`, independent of
 * the blocking: every path below gives the same bits as the three naive loops, rounded once on the
 * store. Integer sums wrap modulo 2³².
 *
 * There are two schemes. Both keep a small block of one operand in the cache and stream the other
 * operand, as in K. Goto and R. van de Geijn, "Anatomy of High-Performance Matrix Multiplication",
 * ACM Transactions on Mathematical Software 34(3), 2008; they differ in the innermost loop:
 *
 * - _Rank updates_ run along contiguous rows of the right operand and of the result. Four rows of the
 *   result take two terms of the sum at a time, with the eight coefficients in registers. This is the
 *   faster loop, but it needs long rows.
 * - _Dot products_ run along the summed axis, three rows of one operand with two of the other, and
 *   are used for products in which one side of the result is short.
 *
 * Operands with a suitable layout are read in place. Others (single precision, or with an
 * unsuitable transposition) are copied block by block into double-precision scratch memory, so that
 * the inner loops access only `Float64Array` and stay monomorphic.
 *
 * @module
 */
import { dots } from "./dot_products.ts";
import { SHORT, transposed } from "./matrix_blocks.ts";
import type { Floats, Matrix } from "./matrix_blocks.ts";
import { updates } from "./rank_updates.ts";

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
 * Like {@linkcode matmul}, but the sums start from the former contents of `out` instead of zero.
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

/** Products of at most this many terms are computed by the naive loops. */
const TINY = 128;

/** Adds `a b` to `c`, of `m` rows and `n` columns, with `k` terms to each sum. */
function multiply(c: Matrix, a: Matrix, b: Matrix, m: number, n: number, k: number): void {
  if (m * n * k <= TINY) return naive(c, a, b, m, n, k);
  const alongB = b.column === 1 && n >= SHORT;
  const alongA = a.row === 1 && m >= SHORT;
  if (alongB && !(alongA && m > 4 * n)) return updates(c, a, b, m, n, k);
  if (alongA) return updates(transposed(c), transposed(b), transposed(a), n, m, k);
  if (Math.min(m, n) >= SHORT) return updates(c, a, b, m, n, k);
  if (m >= n) return dots(c, a, transposed(b), m, n, k);
  return dots(transposed(c), transposed(b), a, n, m, k);
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
