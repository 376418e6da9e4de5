/**
 * The singular value decomposition.
 *
 * Source: G. Golub and W. Kahan, "Calculating the singular values and pseudo-inverse of a matrix",
 * 1965; G. Golub and C. Reinsch, "Singular value decomposition and least squares solutions", 1970.
 *
 * @module
 */
import { signOf } from "./eigh.ts";
import { factorizeQr } from "./qr.ts";
import { allFinite, dot, hypotenuse, makeChain, makeReflection, scaleOf } from "./vectors.ts";
import { reflectColumns, reflectRows, rotate, rotateChain } from "./vectors.ts";
import type { Chain } from "./vectors.ts";

/** The relative precision of sums and differences of doubles. */
const EPSILON = 2 ** -52;

/**
 * Below this, an element of a matrix whose largest element is about 1 is negligible. Products of
 * two such elements must not underflow.
 */
const TINY = 2 ** -400;

/**
 * The maximum number of steps for each singular value, far more than are ever needed. The limit
 * applies to all values together: in a graded matrix the first value takes more than its share, and
 * the values after it have then nearly converged.
 */
const MOST_STEPS = 60;

/** The ratio of rows to columns from which an initial QR factorisation saves work (T. Chan, 1982). */
const TALL = 1.6;

/** Singular vectors as rows, and singular values. */
interface Parts {
  /** Left singular vectors. */
  readonly u: Float64Array;
  /** Singular values. */
  readonly s: Float64Array;
  /** Right singular vectors. */
  readonly v: Float64Array;
}

/** The arrays for the results of a batch. */
export interface SvdParts {
  /** Left singular vectors, the columns of `m × k` matrices. */
  readonly u: Float64Array;
  /** Singular values, decreasing. */
  readonly s: Float64Array;
  /** Right singular vectors, the rows of `k × n` matrices. */
  readonly vt: Float64Array;
}

/**
 * Decomposes the `m × n` matrix `a`, which may be overwritten, into part number `index` of `out`;
 * `k` is the smaller of `m` and `n`. All results are NaN if an element is not finite.
 *
 * Reflections make the matrix bidiagonal, implicit QR steps then diagonal (G. Golub and C. Reinsch,
 * "Singular value decomposition and least squares solutions", 1970; LINPACK's `dsvdc`).
 */
export function factorizeSvd(
  a: Float64Array,
  m: number,
  n: number,
  out: SvdParts,
  index: number,
): void {
  const k = Math.min(m, n);
  if (k === 0) return;
  const [u, s, vt] = [
    out.u.subarray(index * m * k, (index + 1) * m * k),
    out.s.subarray(index * k, (index + 1) * k),
    out.vt.subarray(index * k * n, (index + 1) * k * n),
  ];
  const fail = () => [u, s, vt].forEach((part) => part.fill(NaN));
  if (!allFinite(a, 0, m * n)) return fail();
  const scale = scaleOf(a, 0, m * n);
  const flipped = m < n;
  const tall = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) tall[flipped ? j * m + i : i * n + j] = a[i * n + j] / scale;
  }
  const parts = decomposeTall(tall, Math.max(m, n), k);
  if (parts === null) return fail();
  const [left, right] = flipped ? [parts.v, parts.u] : [parts.u, parts.v];
  const order = Array.from(parts.s.keys()).sort((i, j) => parts.s[j] - parts.s[i] || i - j);
  order.forEach((from, to) => {
    s[to] = parts.s[from] * scale;
    const sign = signOf(left, from * m, m);
    for (let i = 0; i < m; i++) u[i * k + to] = sign * left[from * m + i];
    for (let j = 0; j < n; j++) vt[to * n + j] = sign * right[from * n + j];
  });
}

/** Decomposes a matrix that has at least as many rows as columns; `null` if it fails. */
function decomposeTall(a: Float64Array, m: number, n: number): Parts | null {
  if (m < TALL * n) return decompose(a, m, n);
  const q = new Float64Array(m * n);
  const r = new Float64Array(n * n);
  factorizeQr(a, m, n, n, q, r);
  const parts = decompose(r, n, n);
  if (parts === null) return null;
  // Row i of the vectors is that of the small matrix times the transpose of q.
  const u = new Float64Array(n * m);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) u[j * m + i] = dot(parts.u, j * n, q, i * n, n);
  }
  return { ...parts, u };
}

function decompose(a: Float64Array, m: number, n: number): Parts | null {
  const s = new Float64Array(n);
  const e = new Float64Array(n);
  const { u, v } = bidiagonalize(a, m, n, s, e);
  return iterate(s, e, u, v, m, n) ? { u, s, v } : null;
}

/** Makes `a` upper bidiagonal, with diagonal `s` and `e` above it. */
function bidiagonalize(a: Float64Array, m: number, n: number, s: Float64Array, e: Float64Array) {
  const left = new Float64Array(n * m);
  const right = new Float64Array(n * n);
  const leftFactors = new Float64Array(n);
  const rightFactors = new Float64Array(n);
  const work = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    for (let i = k; i < m; i++) left[k * m + i] = a[i * n + k];
    const column = makeReflection(left, k * m + k, m - k);
    s[k] = column.head;
    leftFactors[k] = column.factor;
    const rest = { a, stride: n, row: k, rowEnd: m, column: k + 1, columnEnd: n };
    reflectColumns(rest, left, k * m + k, column.factor, work);
    if (k + 1 === n) break;
    const at = k * n + k + 1;
    for (let j = k + 1; j < n; j++) right[k * n + j] = a[k * n + j];
    const row = makeReflection(right, at, n - k - 1);
    e[k] = row.head;
    rightFactors[k] = row.factor;
    reflectRows({ ...rest, row: k + 1 }, right, at, row.factor);
  }
  const u = new Float64Array(n * m);
  const v = new Float64Array(n * n);
  for (let k = n - 1; k >= 0; k--) {
    u[k * m + k] = v[k * n + k] = 1;
    const columns = { a: u, stride: m, row: k, rowEnd: n, column: k, columnEnd: m };
    reflectRows(columns, left, k * m + k, leftFactors[k]);
    if (k + 1 === n) continue;
    const rows = { a: v, stride: n, row: k + 1, rowEnd: n, column: k + 1, columnEnd: n };
    reflectRows(rows, right, k * n + k + 1, rightFactors[k]);
  }
  return { u, v };
}

/**
 * Makes a bidiagonal matrix diagonal and not negative, and rotates the vectors with it; false if it
 * fails.
 */
function iterate(
  s: Float64Array,
  e: Float64Array,
  u: Float64Array,
  v: Float64Array,
  m: number,
  n: number,
): boolean {
  const chains = { left: makeChain(n), right: makeChain(n) };
  let steps = 0;
  for (let end = n; end > 0;) {
    const start = findStart(s, e, end);
    if (start === end - 1) {
      if (s[start] < 0) {
        s[start] = -s[start];
        for (let j = start * n; j < (start + 1) * n; j++) v[j] = -v[j];
      }
      end--;
      continue;
    }
    const zero = findZero(s, e, start, end);
    if (zero === end - 1) clearColumn(s, e, v, n, start, end);
    else if (zero >= 0) clearRow(s, e, u, m, zero, end);
    else {
      if (steps++ === MOST_STEPS * n) return false;
      stepQr(s, e, u, v, m, n, start, end, chains);
    }
  }
  return true;
}

/** The first row of the last block that does not split. */
function findStart(s: Float64Array, e: Float64Array, end: number): number {
  for (let k = end - 2; k >= 0; k--) {
    if (Math.abs(e[k]) <= TINY + EPSILON * (Math.abs(s[k]) + Math.abs(s[k + 1]))) {
      e[k] = 0;
      return k + 1;
    }
  }
  return 0;
}

/**
 * The last row of a block whose diagonal element is negligible compared with its neighbours, or -1.
 */
function findZero(s: Float64Array, e: Float64Array, start: number, end: number): number {
  for (let k = end - 1; k >= start; k--) {
    const after = k < end - 1 ? Math.abs(e[k]) : 0;
    const before = k > start ? Math.abs(e[k - 1]) : 0;
    if (Math.abs(s[k]) <= TINY + EPSILON * (after + before)) {
      s[k] = 0;
      return k;
    }
  }
  return -1;
}

/** Eliminates the element above a last diagonal element of zero from its column. */
function clearColumn(
  s: Float64Array,
  e: Float64Array,
  v: Float64Array,
  n: number,
  start: number,
  end: number,
): void {
  let f = e[end - 2];
  e[end - 2] = 0;
  for (let j = end - 2; j >= start; j--) {
    const t = hypotenuse(s[j], f);
    const [c, q] = t === 0 ? [1, 0] : [s[j] / t, f / t];
    s[j] = t;
    if (j > start) {
      f = -q * e[j - 1];
      e[j - 1] *= c;
    }
    rotate(v, j * n, (end - 1) * n, n, c, q);
  }
}

/** Eliminates the element next to a diagonal element of zero, in row `zero`, from its row. */
function clearRow(
  s: Float64Array,
  e: Float64Array,
  u: Float64Array,
  m: number,
  zero: number,
  end: number,
): void {
  let f = e[zero];
  e[zero] = 0;
  for (let j = zero + 1; j < end; j++) {
    const t = hypotenuse(s[j], f);
    const [c, q] = t === 0 ? [1, 0] : [s[j] / t, f / t];
    s[j] = t;
    f = -q * e[j];
    e[j] *= c;
    rotate(u, j * m, zero * m, m, c, q);
  }
}

/** Buffers for the rotations of one step. */
interface Chains {
  /** Those of left singular vectors. */
  readonly left: Chain;
  /** Those of right singular vectors. */
  readonly right: Chain;
}

/** One implicit QR step with the shift from the last two rows and columns. */
function stepQr(
  s: Float64Array,
  e: Float64Array,
  u: Float64Array,
  v: Float64Array,
  m: number,
  n: number,
  start: number,
  end: number,
  { left, right }: Chains,
): void {
  const last = end - 1;
  left.count = right.count = 0;
  const scale = Math.max(
    Math.abs(s[last]),
    Math.abs(s[last - 1]),
    Math.abs(e[last - 1]),
    Math.abs(s[start]),
    Math.abs(e[start]),
  );
  const [p, q, r] = [s[last] / scale, s[last - 1] / scale, e[last - 1] / scale];
  const [head, beside] = [s[start] / scale, e[start] / scale];
  const b = ((q + p) * (q - p) + r * r) / 2;
  const square = p * r * (p * r);
  let shift = 0;
  if (b !== 0 || square !== 0) {
    const root = Math.sqrt(b * b + square);
    shift = square / (b + (b < 0 ? -root : root));
  }
  let f = (head + p) * (head - p) + shift;
  let g = head * beside;
  for (let j = start; j < last; j++) {
    let t = hypotenuse(f, g);
    let [c, z] = t === 0 ? [1, 0] : [f / t, g / t];
    if (j > start) e[j - 1] = t;
    f = c * s[j] + z * e[j];
    e[j] = c * e[j] - z * s[j];
    g = z * s[j + 1];
    s[j + 1] *= c;
    right.c[right.count] = c;
    right.s[right.count++] = z;
    t = hypotenuse(f, g);
    [c, z] = t === 0 ? [1, 0] : [f / t, g / t];
    s[j] = t;
    f = c * e[j] + z * s[j + 1];
    s[j + 1] = c * s[j + 1] - z * e[j];
    g = z * e[j + 1];
    e[j + 1] *= c;
    left.c[left.count] = c;
    left.s[left.count++] = z;
  }
  e[last - 1] = f;
  rotateChain(v, start * n, n, n, right);
  rotateChain(u, start * m, m, m, left);
}
