/**
 * Eigenvalues of Hermitian matrices and singular values of complex ones: reflections with complex
 * factors make the matrix tridiagonal, or bidiagonal, and real; the rest is as for real matrices.
 * NaN in the input gives NaN in the result.
 *
 * Source: LAPACK's `zhetd2` and `zgebd2`.
 *
 * @module
 */
import { fixPhase, isFinitePair, multiplyColumn } from "./complex.ts";
import type { Complexes } from "./complex_reflections.ts";
import { applyLeft, applyRight, complexes, reflect } from "./complex_reflections.ts";
import type { Reflection } from "./complex_reflections.ts";
import { factorizeEigh } from "./eigh.ts";
import { factorizeSvd } from "./svd.ts";
import { scaleOf } from "./vectors.ts";

/** The vectors of the reflections, the first one first, and their factors. */
interface Reflections {
  readonly vectors: Complexes[];
  readonly factors: Reflection[];
}

/**
 * A matrix with a given number of columns, multiplied from the left by all reflections, the last
 * one first.
 */
function applyAll(
  { vectors, factors }: Reflections,
  x: Complexes,
  columns: number,
  end: number,
  offset: number,
): void {
  const work = complexes(columns);
  for (let k = factors.length - 1; k >= 0; k--) {
    applyLeft(x, columns, [k + offset, end], 0, vectors[k], factors[k], work);
  }
}

/** The power of two by which the elements of a matrix were divided. */
function normalize({ re, im }: Complexes): number {
  const scale = Math.max(scaleOf(re, 0, re.length), scaleOf(im, 0, im.length));
  for (const part of [re, im]) for (let i = 0; i < part.length; i++) part[i] /= scale;
  return scale;
}

/**
 * The eigenvalues of a Hermitian `n × n` matrix, increasing, and its eigenvectors as columns. The
 * matrix is overwritten; its lower triangle is read. The largest element of each eigenvector is real and
 * positive.
 */
export function hermitianEigen(a: Complexes, n: number): { w: Float64Array; v: Complexes } {
  const { re, im } = a;
  for (let i = 0; i < n; i++) {
    im[i * n + i] = 0;
    for (let j = 0; j < i; j++) {
      re[j * n + i] = re[i * n + j];
      im[j * n + i] = -im[i * n + j];
    }
  }
  const [w, v] = [new Float64Array(n), complexes(n * n)];
  if (!isFinitePair(a)) {
    for (const part of [w, v.re, v.im]) part.fill(NaN);
    return { w, v };
  }
  const scale = normalize(a);
  const reduced = new Float64Array(n * n);
  const reflections = tridiagonalize(a, n, reduced);
  factorizeEigh(reduced, n, w, v.re, 0);
  for (let i = 0; i < n; i++) w[i] *= scale;
  applyAll(reflections, v, n, n, 1);
  for (let k = 0; k < n; k++) fixPhase(v, n, n, k);
  return { w, v };
}

/** Reduces a Hermitian matrix to the lower triangle of a real tridiagonal one. */
function tridiagonalize(a: Complexes, n: number, out: Float64Array): Reflections {
  const { re, im } = a;
  const reflections: Reflections = { vectors: [], factors: [] };
  const product = complexes(n);
  for (let k = 0; k < n; k++) {
    out[k * n + k] = re[k * n + k];
    if (k === n - 1) break;
    const v = complexes(n);
    for (let i = k + 1; i < n; i++) {
      v.re[i] = re[i * n + k];
      v.im[i] = im[i * n + k];
    }
    const factor = reflect(v, k + 1, n);
    out[(k + 1) * n + k] = factor.head;
    reflections.vectors.push(v);
    reflections.factors.push(factor);
    const { a: c, b: d } = factor;
    if (c === 0 && d === 0) continue;
    const { re: vRe, im: vIm } = v;
    const { re: pRe, im: pIm } = product;
    // The product with the vector, and its projection onto the vector.
    let common = 0;
    for (let i = k + 1; i < n; i++) {
      let p = 0;
      let q = 0;
      let r = 0;
      let s = 0;
      const row = i * n;
      for (let j = k + 1; j < n; j++) {
        const u = re[row + j];
        const w = im[row + j];
        p += u * vRe[j];
        q += w * vIm[j];
        r += u * vIm[j];
        s += w * vRe[j];
      }
      const [x, y] = [p - q, r + s];
      product.re[i] = x * c - y * d;
      product.im[i] = x * d + y * c;
      common += v.re[i] * x + v.im[i] * y;
    }
    const half = (c * c + d * d) * common / 2;
    for (let i = k + 1; i < n; i++) {
      product.re[i] -= half * v.re[i];
      product.im[i] -= half * v.im[i];
    }
    for (let i = k + 1; i < n; i++) {
      const [x, y, p, q] = [vRe[i], vIm[i], pRe[i], pIm[i]];
      const row = i * n;
      for (let j = k + 1; j < n; j++) {
        const u = vRe[j];
        const w = vIm[j];
        const r = pRe[j];
        const s = pIm[j];
        re[row + j] -= x * r + y * s + p * u + q * w;
        im[row + j] -= y * r - x * s + q * u - p * w;
      }
    }
  }
  return reflections;
}

/** The thin singular value decomposition of a matrix: `u` `[m, k]`, `s`, and `v` `[n, k]`. */
export interface SingularValues {
  /** The left vectors, as columns; the largest element of each is real and positive. */
  readonly u: Complexes;
  /** The values, decreasing. */
  readonly s: Float64Array;
  /** The right vectors, as columns. */
  readonly v: Complexes;
}

/** The thin singular value decomposition of an `m × n` matrix, which is overwritten. */
export function complexSvd(a: Complexes, m: number, n: number): SingularValues {
  if (m < n) {
    const adjoint = complexes(m * n);
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        adjoint.re[j * m + i] = a.re[i * n + j];
        adjoint.im[j * m + i] = -a.im[i * n + j];
      }
    }
    const { u: v, s, v: u } = decomposeTall(adjoint, n, m);
    return withPhases(u, s, v, m, n);
  }
  const { u, s, v } = decomposeTall(a, m, n);
  return withPhases(u, s, v, m, n);
}

/** Rotates the phases so that the largest element of each left vector is real and positive. */
function withPhases(
  u: Complexes,
  s: Float64Array,
  v: Complexes,
  m: number,
  n: number,
): SingularValues {
  for (let k = 0; k < s.length; k++) {
    multiplyColumn(v, n, s.length, k, fixPhase(u, m, s.length, k));
  }
  return { u, s, v };
}

/** For a matrix that has at least as many rows as columns; the vectors have arbitrary phases. */
function decomposeTall(a: Complexes, m: number, n: number): SingularValues {
  const [u, s, v] = [complexes(m * n), new Float64Array(n), complexes(n * n)];
  if (!isFinitePair(a)) {
    for (const part of [u.re, u.im, s, v.re, v.im]) part.fill(NaN);
    return { u, s, v };
  }
  const scale = normalize(a);
  const reduced = new Float64Array(n * n);
  const { left, right } = bidiagonalize(a, m, n, reduced);
  const vt = new Float64Array(n * n);
  factorizeSvd(reduced, n, n, { u: u.re, s, vt }, 0);
  for (let i = 0; i < n; i++) {
    s[i] *= scale;
    for (let j = 0; j < n; j++) v.re[i * n + j] = vt[j * n + i];
  }
  applyAll(left, u, n, m, 0);
  applyAll(right, v, n, n, 1);
  return { u, s, v };
}

/** Reduces a matrix to a real upper bidiagonal one. */
function bidiagonalize(
  a: Complexes,
  m: number,
  n: number,
  out: Float64Array,
): { left: Reflections; right: Reflections } {
  const { re, im } = a;
  const left: Reflections = { vectors: [], factors: [] };
  const right: Reflections = { vectors: [], factors: [] };
  const work = complexes(n);
  for (let k = 0; k < n; k++) {
    const v = complexes(m);
    for (let i = k; i < m; i++) {
      v.re[i] = re[i * n + k];
      v.im[i] = im[i * n + k];
    }
    const factor = reflect(v, k, m);
    out[k * n + k] = factor.head;
    left.vectors.push(v);
    left.factors.push(factor);
    applyLeft(a, n, [k, m], k + 1, v, { a: factor.a, b: -factor.b }, work);
    if (k === n - 1) break;
    const w = complexes(n);
    for (let j = k + 1; j < n; j++) {
      w.re[j] = re[k * n + j];
      w.im[j] = -im[k * n + j];
    }
    const other = reflect(w, k + 1, n);
    out[k * n + k + 1] = other.head;
    right.vectors.push(w);
    right.factors.push(other);
    applyRight(a, n, [k + 1, m], k + 1, w, other);
  }
  return { left, right };
}
