/**
 * Factorisations into matrices with orthonormal columns: QR, eigenvalues of symmetric matrices,
 * singular values; and the pseudo-inverse. All operate on matrices in the last two axes; the other axes
 * are a batch.
 *
 * @module
 */
import { shapeError } from "../base/errors.ts";
import { range, sameShape, showType } from "../base/shape.ts";
import { factorizeEigh } from "../numeric/linalg/eigh.ts";
import { factorizeQr } from "../numeric/linalg/qr.ts";
import { factorizeSvd } from "../numeric/linalg/svd.ts";
import type { Primitive } from "../core/primitive.ts";
import { withinMemory } from "../core/tensor.ts";
import type { Tensor } from "../core/tensor.ts";
import { bind, bindOne } from "../core/trace.ts";
import { add, mul, neg, reciprocal, scale, sub } from "./arithmetic.ts";
import { lessEqual, not, select } from "./comparison.ts";
import {
  acrossColumns,
  acrossRows,
  batchLeading,
  checkMatrices,
  checkSquare,
  diagonalOf,
  doublesFor,
  fromDoubles,
  fromLower,
  inDoubles,
  innerProduct,
  leading,
  lowerTriangle,
  matrixSize,
  outerProduct,
  product,
  reciprocalOrZero,
  scaleColumns,
  scaleRows,
  transposed,
  upperTriangle,
} from "./matrices.ts";
import { concatenate, slice } from "./slicing.ts";
import { broadcast, constantLike, convert, reduceSum, reshape, stopGradient } from "./structure.ts";
import { triangularSolve } from "./triangular.ts";

/**
 * The reduced QR factorisation of `a` `[..., m, n]`: `q` `[..., m, k]` with orthonormal columns and the
 * upper triangular `r` `[..., k, n]`, `k` the smaller of `m` and `n`. The diagonal of `r` is not
 * negative.
 *
 * Derivative: S. Walter and L. Lehmann, "Algorithmic differentiation of linear algebra functions",
 * 2010, section 2.2, which for wide matrices applies to their first `m` columns.
 */
export const qrPrimitive: Primitive<null> = {
  name: "qr",
  type([a]) {
    checkMatrices(a, "Cannot factorise");
    const { rows, columns } = matrixSize(a);
    const k = Math.min(rows, columns);
    const batch = leading(a);
    return [
      { dtype: a.dtype, shape: [...batch, rows, k] },
      { dtype: a.dtype, shape: [...batch, k, columns] },
    ];
  },
  evaluate([a], _params, [qType, rType]) {
    return withinMemory(qType, () => {
      const { count, rows: m, columns: n } = matrixSize(a);
      const k = Math.min(m, n);
      const source = inDoubles(a);
      const [q, r] = [doublesFor(qType), doublesFor(rType)];
      for (let i = 0; i < count; i++) {
        factorizeQr(
          source.subarray(i * m * n, (i + 1) * m * n),
          m,
          n,
          k,
          q.subarray(i * m * k, (i + 1) * m * k),
          r.subarray(i * k * n, (i + 1) * k * n),
        );
      }
      return [fromDoubles(q, qType), fromDoubles(r, rType)];
    });
  },
  batch: (args, axes, size) => batchLeading(qrPrimitive, args, axes, size, null),
  derivative: {
    kind: "smooth",
    tangents: [
      (da, _args, [q, r]) => {
        const k = q.shape[q.ndim - 1];
        // dA R⁻¹, for the first k columns.
        const right = { lower: false, transpose: true, unitDiagonal: false };
        const head = transposed(firstColumns(da, k));
        const moved = transposed(triangularSolve(firstColumns(r, k), head, right));
        const inner = innerProduct(q, moved);
        const below = lowerTriangle(inner, -1);
        const turn = sub(below, transposed(below));
        const dq = add(moved, product(q, sub(turn, inner)));
        const dr = upperTriangle(sub(innerProduct(q, da), product(turn, r)));
        return [dq, dr];
      },
    ],
  },
};

/** Strict reduced QR factorisation. */
export function qr(a: Tensor): [q: Tensor, r: Tensor] {
  const [q, r] = bind(qrPrimitive, [a], null);
  return [q, r];
}

/** The first `count` columns of matrices. */
function firstColumns(x: Tensor, count: number): Tensor {
  if (x.shape[x.ndim - 1] === count) return x;
  return slice(x, x.shape.map(() => 0), [...x.shape.slice(0, -1), count], x.shape.map(() => 1));
}

/**
 * Columns `[..., m, m - k]` that extend the orthonormal columns of `q` `[..., m, k]` to a basis.
 *
 * Any orthonormal basis of their space would be valid, so that only functions that do not depend on the
 * choice have a derivative: `-q dqᵀ c`, the smallest rotation that keeps the basis orthonormal.
 */
export const complementPrimitive: Primitive<null> = {
  name: "complement",
  type([q]) {
    checkMatrices(q, "Cannot complete");
    const { rows, columns } = matrixSize(q);
    if (columns > rows) throw shapeError(`Cannot complete ${showType(q)}: it has too many columns`);
    return [{ dtype: q.dtype, shape: [...leading(q), rows, rows - columns] }];
  },
  evaluate([q], _params, [type]) {
    return withinMemory(type, () => {
      const { count, rows: m, columns: rest } = matrixSize(type);
      const k = m - rest;
      const source = inDoubles(q);
      const out = doublesFor(type);
      const [whole, r] = [new Float64Array(m * m), new Float64Array(m * k)];
      for (let index = 0; index < count; index++) {
        factorizeQr(source.subarray(index * m * k, (index + 1) * m * k), m, k, m, whole, r);
        for (let i = 0; i < m; i++) {
          const row = whole.subarray(i * m + k, (i + 1) * m);
          out.set(row, (index * m + i) * rest);
        }
      }
      return [fromDoubles(out, type)];
    });
  },
  batch: (args, axes, size) => batchLeading(complementPrimitive, args, axes, size, null),
  derivative: {
    kind: "smooth",
    tangents: [(dq, [q], [c]) => neg(product(q, innerProduct(dq, c)))],
  },
};

/** Orthonormal columns, followed by others that extend them to a basis. */
export function completeBasis(q: Tensor): Tensor {
  const { rows, columns } = matrixSize(q);
  if (rows === columns) return q;
  return concatenate([q, bindOne(complementPrimitive, [q], null)], q.ndim - 1);
}

/**
 * The eigenvalues `w` `[..., n]`, increasing, and eigenvectors `v` `[..., n, n]`, as columns, of the
 * symmetric matrices with the lower triangles of `a` `[..., n, n]`. The sign of each eigenvector makes
 * its largest element positive.
 *
 * Derivative: M. Giles, "An extended collection of matrix derivative results", 2008, section 3.1.
 * Eigenvectors of equal eigenvalues have none: their rotation into each other is taken as 0.
 */
export const eighPrimitive: Primitive<null> = {
  name: "eigh",
  type([a]) {
    checkSquare(a, "Cannot decompose");
    return [
      { dtype: a.dtype, shape: a.shape.slice(0, -1) },
      { dtype: a.dtype, shape: a.shape },
    ];
  },
  evaluate([a], _params, [wType, vType]) {
    return withinMemory(vType, () => {
      const { count, rows: n } = matrixSize(a);
      const source = inDoubles(a);
      const [w, v] = [doublesFor(wType), doublesFor(vType)];
      for (let i = 0; i < count; i++) {
        factorizeEigh(source.subarray(i * n * n, (i + 1) * n * n), n, w, v, i);
      }
      return [fromDoubles(w, wType), fromDoubles(v, vType)];
    });
  },
  batch: (args, axes, size) => batchLeading(eighPrimitive, args, axes, size, null),
  derivative: {
    kind: "smooth",
    tangents: [
      (da, _args, [w, v]) => {
        const inner = innerProduct(v, product(fromLower(da), v));
        const gaps = sub(acrossRows(w, v.shape), acrossColumns(w, v.shape));
        return [diagonalOf(inner), product(v, mul(inner, reciprocalOrZero(gaps)))];
      },
    ],
  },
};

/** Strict eigenvalues and eigenvectors of symmetric matrices. */
export function eigh(a: Tensor): [w: Tensor, v: Tensor] {
  const [w, v] = bind(eighPrimitive, [a], null);
  return [w, v];
}

/**
 * The thin singular value decomposition of `a` `[..., m, n]`: `u` `[..., m, k]`, `s` `[..., k]`,
 * decreasing, and `vt` `[..., k, n]`, `k` the smaller of `m` and `n`. The sign of each pair of singular
 * vectors makes the largest element in `u` positive.
 *
 * Derivative: Z. Wan and S. Zhang, "Automatic differentiation for complex valued SVD", 2019, section
 * 2. Singular vectors of equal values, or of zero, have none: their rotation into each other, or out of
 * their space, is taken as 0.
 */
export const svdPrimitive: Primitive<null> = {
  name: "svd",
  type([a]) {
    checkMatrices(a, "Cannot decompose");
    const { rows, columns } = matrixSize(a);
    const k = Math.min(rows, columns);
    const batch = leading(a);
    return [
      { dtype: a.dtype, shape: [...batch, rows, k] },
      { dtype: a.dtype, shape: [...batch, k] },
      { dtype: a.dtype, shape: [...batch, k, columns] },
    ];
  },
  evaluate([a], _params, [uType, sType, vType]) {
    return withinMemory(uType, () => {
      const { count, rows: m, columns: n } = matrixSize(a);
      const source = inDoubles(a);
      const out = { u: doublesFor(uType), s: doublesFor(sType), vt: doublesFor(vType) };
      for (let i = 0; i < count; i++) {
        factorizeSvd(source.subarray(i * m * n, (i + 1) * m * n), m, n, out, i);
      }
      return [fromDoubles(out.u, uType), fromDoubles(out.s, sType), fromDoubles(out.vt, vType)];
    });
  },
  batch: (args, axes, size) => batchLeading(svdPrimitive, args, axes, size, null),
  derivative: {
    kind: "smooth",
    tangents: [
      (da, _args, [u, s, vt]) => {
        const [m, n, k] = [u.shape[u.ndim - 2], vt.shape[vt.ndim - 1], s.shape[s.ndim - 1]];
        const right = outerProduct(da, vt);
        const inner = innerProduct(u, right);
        const [across, down] = [acrossRows(s, inner.shape), acrossColumns(s, inner.shape)];
        const back = transposed(inner);
        // Half of the rotation common to both bases, and half of their relative rotation: the latter is
        // determined even for equal values. Neither squares the values, which would overflow or
        // underflow.
        const alike = mul(scale(add(inner, back), 0.5), reciprocalOrZero(sub(across, down)));
        const apart = mul(scale(sub(inner, back), 0.5), reciprocalOrZero(add(across, down)));
        const [turnU, turnV] = [add(alike, apart), sub(alike, apart)];
        const inverse = reciprocalOrZero(s);
        let du = product(u, turnU);
        if (m > k) du = add(du, scaleColumns(sub(right, product(u, inner)), inverse));
        let dvt = neg(product(turnV, vt));
        if (n > k) {
          const rest = sub(innerProduct(u, da), product(inner, vt));
          dvt = add(dvt, scaleRows(rest, inverse));
        }
        return [du, diagonalOf(inner), dvt];
      },
    ],
  },
};

/** Strict thin singular value decomposition. */
export function svd(a: Tensor): [u: Tensor, s: Tensor, vt: Tensor] {
  const [u, s, vt] = bind(svdPrimitive, [a], null);
  return [u, s, vt];
}

/**
 * `p` `[..., n, m]`, which is the pseudo-inverse of `a` `[..., m, n]`, as a function of `a`: `p` itself
 * has no tangent. The derivative, which assumes that the rank does not change, is that of G. Golub and
 * V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems whose
 * variables separate", 1973, equation 4.12. It is exact for equal singular values, unlike that of the
 * decomposition.
 */
export const pseudoInversePrimitive: Primitive<null> = {
  name: "pseudoInverse",
  type([a, p]) {
    checkMatrices(a, "Cannot invert");
    checkMatrices(p, "Cannot invert");
    const { rows, columns } = matrixSize(a);
    if (a.dtype !== p.dtype || !sameShape(p.shape, [...leading(a), columns, rows])) {
      throw shapeError(`Cannot take ${showType(p)} for the pseudo-inverse of ${showType(a)}`);
    }
    return [{ dtype: p.dtype, shape: p.shape }];
  },
  evaluate: ([, p]) => [p],
  batch: (args, axes, size) => batchLeading(pseudoInversePrimitive, args, axes, size, null),
  derivative: {
    kind: "smooth",
    tangents: [
      (da, [a], [p]) => {
        const inside = neg(product(p, product(da, p)));
        const low = product(p, outerProduct(transposed(p), da));
        const first = sub(low, product(product(low, a), p));
        const high = product(innerProduct(da, transposed(p)), p);
        const second = sub(high, product(p, product(a, high)));
        return add(inside, add(first, second));
      },
      null,
    ],
  },
};

/**
 * The pseudo-inverse `p` of `a`, singular values up to `cutoff` times the largest taken as 0; the
 * `rank` `[...]` as int32, and the singular values `s`.
 */
export function pseudoInverse(
  a: Tensor,
  cutoff: number,
): { readonly p: Tensor; readonly rank: Tensor; readonly s: Tensor } {
  const [u, s, vt] = svd(a);
  const values = stopGradient(s);
  const k = s.shape[s.ndim - 1];
  const start = s.shape.map(() => 0);
  const largest = k === 0
    ? values
    : slice(values, start, [...s.shape.slice(0, -1), 1], s.shape.map(() => 1));
  const limit = reshape(scale(largest, cutoff), k === 0 ? s.shape : s.shape.slice(0, -1));
  const limits = k === 0 ? limit : broadcast(limit, s.shape, range(s.ndim - 1));
  // NaN is kept, so that it propagates.
  const isKept = not(lessEqual(values, limits));
  const kept = select(isKept, values, constantLike(values, 1));
  const inverse = select(isKept, reciprocal(kept), constantLike(values, 0));
  const right = transposed(stopGradient(vt));
  const p = product(right, scaleRows(transposed(stopGradient(u)), inverse));
  return {
    p: bindOne(pseudoInversePrimitive, [a, p], null),
    rank: reduceSum(convert(isKept, "int32"), [s.ndim - 1]),
    s,
  };
}
