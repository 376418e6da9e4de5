/**
 * Building blocks of the matrix factorisations: inner loops over contiguous elements, and
 * reflections.
 *
 * Matrices are row-major in double precision. Every performance-critical loop runs along a row.
 *
 * Source: A. S. Householder, "Unitary triangularization of a nonsymmetric matrix", 1958
 * (reflections).
 *
 * @module
 */

/** The inner product of `length` elements from index `i` of `x` and index `k` of `y`. */
export function dot(
  x: Float64Array,
  i: number,
  y: Float64Array,
  k: number,
  length: number,
): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  const end = i + length;
  const blocks = i + (length & ~3);
  for (; i < blocks; i += 4, k += 4) {
    a += x[i] * y[k];
    b += x[i + 1] * y[k + 1];
    c += x[i + 2] * y[k + 2];
    d += x[i + 3] * y[k + 3];
  }
  for (; i < end; i++, k++) a += x[i] * y[k];
  return (a + b) + (c + d);
}

/** Adds `factor` times `length` elements from index `i` of `x` to those from index `k` of `y`. */
export function addScaled(
  factor: number,
  x: Float64Array,
  i: number,
  y: Float64Array,
  k: number,
  length: number,
): void {
  for (const end = i + length; i < end; i++, k++) y[k] += factor * x[i];
}

/** Exchanges the rows of `length` elements at indices `i` and `k`. */
export function swapRows(rows: Float64Array, i: number, k: number, length: number): void {
  for (const end = i + length; i < end; i++, k++) {
    const value = rows[i];
    rows[i] = rows[k];
    rows[k] = value;
  }
}

/** Rotates two rows of `length` elements: `x` becomes `c x + s y`, and `y` becomes `c y - s x`. */
export function rotate(
  rows: Float64Array,
  x: number,
  y: number,
  length: number,
  c: number,
  s: number,
): void {
  for (let i = 0; i < length; i++) {
    const a = rows[x + i];
    const b = rows[y + i];
    rows[x + i] = c * a + s * b;
    rows[y + i] = c * b - s * a;
  }
}

/** Rotations of neighbouring rows, where the second row of each is the first of the next. */
export interface Chain {
  /** The number of rotations. */
  count: number;
  /** The cosine of each. */
  readonly c: Float64Array;
  /** The sine of each. */
  readonly s: Float64Array;
}

/** Buffers for a chain of a given number of rotations. */
export function makeChain(length: number): Chain {
  return { count: 0, c: new Float64Array(length), s: new Float64Array(length) };
}

/**
 * Applies the rotations of a chain, one after another, from the row at index `x` on; `stride` is
 * the distance between rows and may be negative. Three at a time, so that rows in between are read
 * and written once.
 */
export function rotateChain(
  rows: Float64Array,
  x: number,
  stride: number,
  length: number,
  { count, c, s }: Chain,
): void {
  let k = 0;
  for (; k + 3 <= count; k += 3, x += 3 * stride) {
    const y = x + stride;
    const z = y + stride;
    const w = z + stride;
    const [c0, c1, c2] = [c[k], c[k + 1], c[k + 2]];
    const [s0, s1, s2] = [s[k], s[k + 1], s[k + 2]];
    for (let i = 0; i < length; i++) {
      const first = rows[x + i];
      const second = rows[y + i];
      const third = rows[z + i];
      const last = rows[w + i];
      rows[x + i] = c0 * first + s0 * second;
      const a = c0 * second - s0 * first;
      rows[y + i] = c1 * a + s1 * third;
      const b = c1 * third - s1 * a;
      rows[z + i] = c2 * b + s2 * last;
      rows[w + i] = c2 * last - s2 * b;
    }
  }
  for (; k < count; k++, x += stride) rotate(rows, x, x + stride, length, c[k], s[k]);
}

/** The length of the vector of `x` and `y`, with neither overflow nor underflow. */
export function hypotenuse(x: number, y: number): number {
  const [a, b] = [Math.abs(x), Math.abs(y)];
  const large = a > b ? a : b;
  if (large === 0) return 0;
  const ratio = (a > b ? b : a) / large;
  return large * Math.sqrt(1 + ratio * ratio);
}

/** The largest power of two up to the largest magnitude; 1 if all elements are 0. */
export function scaleOf(x: Float64Array, from: number, length: number): number {
  let largest = 0;
  for (let i = from; i < from + length; i++) {
    const magnitude = Math.abs(x[i]);
    if (magnitude > largest) largest = magnitude;
  }
  if (largest === 0) return 1;
  // The reciprocal of a smaller power would be infinite.
  const exponent = Math.max(Math.floor(Math.log2(largest)), -1022);
  return 2 ** Math.min(exponent, 1022);
}

/** Whether none of `length` elements from index `from` is infinite or NaN. */
export function allFinite(x: Float64Array, from: number, length: number): boolean {
  for (let i = from; i < from + length; i++) if (!Number.isFinite(x[i])) return false;
  return true;
}

/** The effect of a reflection on the vector that it was made for. */
export interface Reflection {
  /** The reflection is `I - factor v vᵀ`; 0 for the identity. */
  readonly factor: number;
  /** The first element of the reflected vector, the only nonzero one. */
  readonly head: number;
}

/**
 * Replaces `length` elements of `v` from index `at` by the vector of the reflection that maps them
 * to a multiple of the first unit vector (Householder 1958; scaled as in LAPACK's `dlarfg`): its
 * first element becomes 1.
 */
export function makeReflection(v: Float64Array, at: number, length: number): Reflection {
  const head = v[at];
  let largest = 0;
  // NaN is preserved.
  for (let i = at + 1; i < at + length; i++) largest = Math.max(largest, Math.abs(v[i]));
  v[at] = 1;
  if (largest === 0) return { factor: 0, head };
  // Scaled by a power of two, so that values hardly above 0 give an orthogonal reflection, too.
  const scale = powerBelow(Math.max(largest, Math.abs(head)));
  const first = head / scale;
  let squares = first * first;
  for (let i = at + 1; i < at + length; i++) {
    v[i] /= scale;
    squares += v[i] * v[i];
  }
  const image = first > 0 ? -Math.sqrt(squares) : Math.sqrt(squares);
  for (let i = at + 1; i < at + length; i++) v[i] /= first - image;
  return { factor: (image - first) / image, head: image * scale };
}

/** The largest power of two up to a positive number, up to rounding. */
function powerBelow(x: number): number {
  return 2 ** Math.min(Math.floor(Math.log2(x)), 1023);
}

/** A part of a matrix: the rows and columns from the first up to the end (exclusive). */
export interface Block {
  /** The elements of the matrix. */
  readonly a: Float64Array;
  /** Elements from one row to the next. */
  readonly stride: number;
  /** The first row. */
  readonly row: number;
  /** The end of the rows. */
  readonly rowEnd: number;
  /** The first column. */
  readonly column: number;
  /** The end of the columns. */
  readonly columnEnd: number;
}

/** Reflects every column of a block; `work` has room for one row. */
export function reflectColumns(
  { a, stride, row, rowEnd, column, columnEnd }: Block,
  v: Float64Array,
  at: number,
  factor: number,
  work: Float64Array,
): void {
  const width = columnEnd - column;
  if (factor === 0 || width <= 0) return;
  work.fill(0, 0, width);
  let place = row * stride + column;
  let i = at;
  const blocks = at + ((rowEnd - row) & ~3);
  const end = at + rowEnd - row;
  // Four rows at a time, so that the sums are read and written once for them.
  for (; i < blocks; i += 4, place += 4 * stride) {
    const [p, q, r] = [place + stride, place + 2 * stride, place + 3 * stride];
    const [x, y, z, t] = [v[i], v[i + 1], v[i + 2], v[i + 3]];
    for (let j = 0; j < width; j++) {
      work[j] += x * a[place + j] + y * a[p + j] + (z * a[q + j] + t * a[r + j]);
    }
  }
  for (; i < end; i++, place += stride) addScaled(v[i], a, place, work, 0, width);
  place = row * stride + column;
  for (i = at; i < blocks; i += 4, place += 4 * stride) {
    const [p, q, r] = [place + stride, place + 2 * stride, place + 3 * stride];
    const [x, y] = [factor * v[i], factor * v[i + 1]];
    const [z, t] = [factor * v[i + 2], factor * v[i + 3]];
    for (let j = 0; j < width; j++) {
      const sum = work[j];
      a[place + j] -= x * sum;
      a[p + j] -= y * sum;
      a[q + j] -= z * sum;
      a[r + j] -= t * sum;
    }
  }
  for (; i < end; i++, place += stride) addScaled(-factor * v[i], work, 0, a, place, width);
}

/** Reflects every row of a block. */
export function reflectRows(
  { a, stride, row, rowEnd, column, columnEnd }: Block,
  v: Float64Array,
  at: number,
  factor: number,
): void {
  const width = columnEnd - column;
  if (factor === 0 || width <= 0) return;
  let i = row;
  let place = row * stride + column;
  // Four rows at a time, with independent sums.
  for (; i + 4 <= rowEnd; i += 4, place += 4 * stride) {
    const [p, q, r] = [place + stride, place + 2 * stride, place + 3 * stride];
    let x = 0;
    let y = 0;
    let z = 0;
    let t = 0;
    for (let j = 0; j < width; j++) {
      const value = v[at + j];
      x += value * a[place + j];
      y += value * a[p + j];
      z += value * a[q + j];
      t += value * a[r + j];
    }
    x *= factor;
    y *= factor;
    z *= factor;
    t *= factor;
    for (let j = 0; j < width; j++) {
      const value = v[at + j];
      a[place + j] -= x * value;
      a[p + j] -= y * value;
      a[q + j] -= z * value;
      a[r + j] -= t * value;
    }
  }
  for (; i < rowEnd; i++, place += stride) {
    addScaled(-factor * dot(a, place, v, at, width), v, at, a, place, width);
  }
}
