/**
 * Complex numbers as pairs of arrays of doubles, and reflections of complex vectors.
 *
 * Source: LAPACK's `zlarfg` and `zlarf`.
 *
 * @module
 */
/** Complex numbers by their parts, row-major if they are matrices. */
export interface Complexes {
  /** The real parts. */
  readonly re: Float64Array;
  /** The imaginary parts. */
  readonly im: Float64Array;
}

/** A given number of complex numbers, all zero. */
export function complexes(length: number): Complexes {
  return { re: new Float64Array(length), im: new Float64Array(length) };
}

/** `I - (a + i b) v vᴴ`, whose adjoint makes a vector a real multiple of the first unit vector. */
export interface Reflection {
  /** The real part of its factor. */
  readonly a: number;
  /** The imaginary part. */
  readonly b: number;
  /** The real multiple. */
  readonly head: number;
}

const IDENTITY = { a: 0, b: 0 };

/**
 * Replaces the elements from index `at` on by the vector of their reflection, whose first element
 * is 1.
 */
export function reflect({ re, im }: Complexes, at: number, end: number): Reflection {
  const [first, second] = [re[at], im[at]];
  re[at] = 1;
  im[at] = 0;
  let largest = Math.abs(second);
  for (let i = at + 1; i < end; i++) {
    largest = Math.max(largest, Math.abs(re[i]), Math.abs(im[i]));
  }
  if (largest === 0) return { ...IDENTITY, head: first };
  // Scaled by a power of two, so that values hardly above 0 give a unitary reflection, too.
  const scale = 2 ** Math.floor(Math.log2(Math.max(largest, Math.abs(first))));
  const [x, y] = [first / scale, second / scale];
  let squares = x * x + y * y;
  for (let i = at + 1; i < end; i++) {
    re[i] /= scale;
    im[i] /= scale;
    squares += re[i] * re[i] + im[i] * im[i];
  }
  const image = x > 0 ? -Math.sqrt(squares) : Math.sqrt(squares);
  const p = x - image;
  const size = p * p + y * y;
  for (let i = at + 1; i < end; i++) {
    const [u, v] = [re[i], im[i]];
    re[i] = (u * p + v * y) / size;
    im[i] = (v * p - u * y) / size;
  }
  return { a: (image - x) / image, b: -y / image, head: image * scale };
}

/**
 * Multiplies the rows from `first` on, where the vector begins, of a matrix with a given number of
 * columns by `I - (a + i b) v vᴴ` from the left. Columns before `column` are not changed.
 */
export function applyLeft(
  { re, im }: Complexes,
  columns: number,
  [first, end]: readonly [number, number],
  column: number,
  v: Complexes,
  { a, b }: { readonly a: number; readonly b: number },
  work: Complexes,
): void {
  if (a === 0 && b === 0) return;
  work.re.fill(0, column, columns);
  work.im.fill(0, column, columns);
  const { re: sumRe, im: sumIm } = work;
  // Two rows at a time, so that the sums are read and written once for both.
  for (let i = first; i < end; i += 2) {
    const isPair = i + 1 < end;
    const [x, y] = [v.re[i], v.im[i]];
    const [p, q] = isPair ? [v.re[i + 1], v.im[i + 1]] : [0, 0];
    const row = i * columns;
    const next = isPair ? row + columns : row;
    for (let j = column; j < columns; j++) {
      const u = re[row + j];
      const w = im[row + j];
      const s = re[next + j];
      const t = im[next + j];
      sumRe[j] += x * u + y * w + (p * s + q * t);
      sumIm[j] += x * w - y * u + (p * t - q * s);
    }
  }
  for (let i = first; i < end; i++) {
    const [x, y] = [v.re[i] * a - v.im[i] * b, v.re[i] * b + v.im[i] * a];
    const row = i * columns;
    for (let j = column; j < columns; j++) {
      const u = sumRe[j];
      const w = sumIm[j];
      re[row + j] -= x * u - y * w;
      im[row + j] -= x * w + y * u;
    }
  }
}

/**
 * Multiplies rows from `first` on by `I - (a + i b) v vᴴ` from the right; columns before `column`
 * are not changed.
 */
export function applyRight(
  { re, im }: Complexes,
  columns: number,
  [first, end]: readonly [number, number],
  column: number,
  v: Complexes,
  { a, b }: { readonly a: number; readonly b: number },
): void {
  if (a === 0 && b === 0) return;
  const { re: vRe, im: vIm } = v;
  for (let row = first * columns; row < end * columns; row += columns) {
    // Four independent sums.
    let p = 0;
    let q = 0;
    let r = 0;
    let s = 0;
    for (let j = column; j < columns; j++) {
      const u = re[row + j];
      const w = im[row + j];
      p += u * vRe[j];
      q += w * vIm[j];
      r += u * vIm[j];
      s += w * vRe[j];
    }
    const x = (p - q) * a - (r + s) * b;
    const y = (p - q) * b + (r + s) * a;
    for (let j = column; j < columns; j++) {
      const u = vRe[j];
      const w = vIm[j];
      re[row + j] -= x * u + y * w;
      im[row + j] -= y * u - x * w;
    }
  }
}
