/**
 * LU factors, eigenvalues and singular values of complex matrices, on pairs of real tensors. Other
 * factorisations are computed by real matrices of twice the size. All operate on matrices in the last
 * two axes; the other axes are a batch.
 *
 * @module
 */
import { isFloat, isHalf } from "../base/dtype.ts";
import { dtypeError, shapeError } from "../base/errors.ts";
import { sameShape, showType } from "../base/shape.ts";
import { complexEigen } from "../numeric/linalg/complex.ts";
import type { Complexes } from "../numeric/linalg/complex_reflections.ts";
import { completeColumns, factorizeComplexLu } from "../numeric/linalg/complex_lu.ts";
import { complexSvd, hermitianEigen } from "../numeric/linalg/complex_reductions.ts";
import { ComplexTensor } from "../core/complex.ts";
import type { Primitive, Tangent } from "../core/primitive.ts";
import { allocateFor, Concrete, withinMemory, zerosOf } from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { bind } from "../core/trace.ts";
import { add, div, mul, neg, scale, sub } from "./arithmetic.ts";
import { equal, select } from "./comparison.ts";
import { luSolve, luTangents, TINY_PIVOT } from "./lu.ts";
import type { LuFactors } from "./lu.ts";
import {
  acrossColumns,
  acrossRows,
  batchLeading,
  checkMatrices,
  checkSquare,
  diagonalMatrix,
  diagonalOf,
  doublesFor,
  embedded,
  fromDoubles,
  fromEmbedded,
  fromLower,
  fromStackedParts,
  inDoubles,
  leading,
  lowerTriangle,
  matrixSize,
  product,
  reciprocalOrZero,
  scaleColumns,
  scaleRows,
  stackedParts,
  transposed,
} from "./matrices.ts";
import { installMatrixRules } from "./matrix_rules.ts";
import { complementPrimitive, completeBasis as completeRealBasis, qr } from "./orthogonal.ts";
import { argmax } from "./reduction.ts";
import { concatenate } from "./slicing.ts";
import { broadcast, constantLike, iota, reduceSum } from "./structure.ts";
import { cholesky, triangularSolve } from "./triangular.ts";
import type { TriangularSolveParams } from "./triangular.ts";

/** Conjugate transposes of matrices. */
export function adjoint(x: Tensor): Tensor {
  if (!(x instanceof ComplexTensor)) return transposed(x);
  return new ComplexTensor(transposed(x.re), neg(transposed(x.im)));
}

function conjugate(x: Tensor): Tensor {
  return x instanceof ComplexTensor ? new ComplexTensor(x.re, neg(x.im)) : x;
}

/** A complex tensor without the imaginary parts of the diagonals of its matrices. */
function withRealDiagonal({ re, im }: ComplexTensor): ComplexTensor {
  return new ComplexTensor(re, sub(im, diagonalMatrix(diagonalOf(im))));
}

/** The Cholesky factor: the real factor of the embedded matrix is the embedded factor. */
function complexCholesky(a: ComplexTensor): Tensor {
  return fromEmbedded(cholesky(embedded(withRealDiagonal(a))));
}

/** The QR factorisation with a real, positive diagonal, which can be embedded. */
export function complexQr(a: ComplexTensor): readonly Tensor[] {
  return qr(embedded(a)).map(fromEmbedded);
}

/**
 * Triangular systems. The diagonal is divided out, so that the embedded triangle is triangular, too; a
 * transpose is the conjugate of the adjoint.
 */
function complexTriangularSolve(
  a: Tensor,
  b: Tensor,
  params: TriangularSolveParams,
): Tensor {
  if (!(a instanceof ComplexTensor)) {
    const { re, im } = b as ComplexTensor;
    return new ComplexTensor(triangularSolve(a, re, params), triangularSolve(a, im, params));
  }
  if (params.transpose) {
    const { re, im } = adjoint(a) as ComplexTensor;
    const other = { ...params, lower: !params.lower, transpose: false };
    return conjugate(complexTriangularSolve(new ComplexTensor(re, im), conjugate(b), other));
  }
  const diagonal = diagonalOf(a);
  const unit = params.unitDiagonal ? a : div(a, acrossColumns(diagonal, a.shape));
  const right = params.unitDiagonal ? b : div(b, acrossColumns(diagonal, b.shape));
  const own = withRealDiagonal(unit as ComplexTensor);
  const x = triangularSolve(embedded(own), stackedParts(right), { ...params, unitDiagonal: true });
  return fromStackedParts(x);
}

/** Throws unless the arguments are both parts of matrices. */
function checkParts(name: string, [re, im]: readonly Type[]): void {
  const shown = `Cannot apply ${name} to ${showType(re)} and ${showType(im)}`;
  if (!isFloat(re.dtype) || isHalf(re.dtype) || re.dtype !== im.dtype) {
    throw dtypeError(`${shown}: expected both parts of complex matrices`);
  }
  if (!sameShape(re.shape, im.shape)) throw shapeError(`${shown}: shapes must be equal`);
}

/** Calls `f` with the doubles of each matrix. */
function eachMatrix(
  [re, im]: readonly Concrete[],
  f: (matrix: Complexes, index: number) => void,
): void {
  const { count, rows, columns } = matrixSize(re);
  const size = rows * columns;
  const [x, y] = [inDoubles(re), inDoubles(im)];
  for (let i = 0; i < count; i++) {
    f({ re: x.slice(i * size, (i + 1) * size), im: y.slice(i * size, (i + 1) * size) }, i);
  }
}

/** Results in double precision, written matrix by matrix. */
function results(
  types: readonly Type[],
  write: (out: readonly Float64Array[]) => void,
): readonly Concrete[] {
  return withinMemory(types[0], () => {
    const out = types.map(doublesFor);
    write(out);
    return out.map((values, i) => fromDoubles(values, types[i]));
  });
}

/** The tangents of both parts of matrices, from those of the matrices. */
function tangentsOf(
  push: (
    da: ComplexTensor,
    args: readonly Tensor[],
    results: readonly Tensor[],
  ) => readonly (Tensor | null)[],
): [Tangent<null>, Tangent<null>] {
  return [
    (dx, args, results) => push(new ComplexTensor(dx, zerosOf(dx)), args, results),
    (dy, args, results) => push(new ComplexTensor(zerosOf(dy), dy), args, results),
  ];
}

function partsOf(x: Tensor): [Tensor, Tensor] {
  const { re, im } = x as ComplexTensor;
  return [re, im];
}

/** The inverses of complex matrices. */
function inverseOf(a: ComplexTensor): Tensor {
  const ones = constantLike({ dtype: a.re.dtype, shape: a.shape.slice(0, -1) }, 1);
  return luSolve(a, diagonalMatrix(ones));
}

/**
 * The LU factorisation with complete pivoting of complex matrices `[..., n, n]`, in the form of `lu`:
 * the parts of `l` and of `u`, the orders of rows and columns `[..., n]`, and the sign of both `[...]`.
 */
export const complexLuPrimitive: Primitive<null> = {
  name: "complexLu",
  type(args) {
    checkParts("complexLu", args);
    checkSquare(args[0], "Cannot factorise");
    const [{ dtype, shape }] = args;
    const factor = { dtype, shape };
    const order = { dtype: "int32", shape: shape.slice(0, -1) } as const;
    return [factor, factor, factor, factor, order, order, { dtype, shape: leading(args[0]) }];
  },
  evaluate: (args, _params, types) =>
    withinMemory(types[0], () => {
      const n = matrixSize(args[0]).columns;
      const [lRe, lIm, uRe, uIm] = types.slice(0, 4).map(doublesFor);
      const [rows, columns] = types.slice(4, 6).map((type) => allocateFor(type) as Int32Array);
      const sign = doublesFor(types[6]).fill(1);
      const tiny = TINY_PIVOT[args[0].dtype as "float32" | "float64"];
      eachMatrix(args, (upper, i) => {
        const [from, to] = [i * n * n, (i + 1) * n * n];
        sign[i] = factorizeComplexLu(
          {
            upper,
            lower: { re: lRe.subarray(from, to), im: lIm.subarray(from, to) },
            rows: rows.subarray(i * n, (i + 1) * n),
            columns: columns.subarray(i * n, (i + 1) * n),
          },
          n,
          tiny,
        );
        uRe.set(upper.re, from);
        uIm.set(upper.im, from);
      });
      return [
        ...[lRe, lIm, uRe, uIm].map((part, k) => fromDoubles(part, types[k])),
        ...[rows, columns].map((order, k) => new Concrete("int32", types[4 + k].shape, order)),
        fromDoubles(sign, types[6]),
      ];
    }),
  batch: (args, axes, size) => batchLeading(complexLuPrimitive, args, axes, size, null),
  derivative: {
    kind: "smooth",
    tangents: tangentsOf((da, _args, [lRe, lIm, uRe, uIm, rows, columns]) => {
      const [l, u] = [new ComplexTensor(lRe, lIm), new ComplexTensor(uRe, uIm)];
      const [dl, du] = luTangents(da, { l, u, rows, columns });
      return [...partsOf(dl), ...partsOf(du), null, null, null];
    }),
  },
};

/** Strict LU factorisation of complex matrices, with complete pivoting. */
export function complexLu({ re, im }: ComplexTensor): LuFactors {
  const [a, b, c, d, rows, columns, sign] = bind(complexLuPrimitive, [re, im], null);
  return { l: new ComplexTensor(a, b), u: new ComplexTensor(c, d), rows, columns, sign };
}

/**
 * The parts of the columns `[..., m, m - k]` that extend the orthonormal columns of `q` `[..., m, k]`
 * to a basis, with the derivative of `complement`.
 */
export const complexComplementPrimitive: Primitive<null> = {
  name: "complexComplement",
  type(args) {
    checkParts("complexComplement", args);
    const [type] = complementPrimitive.type([args[0]], null);
    return [type, type];
  },
  evaluate: (args, _params, types) =>
    results(types, ([re, im]) => {
      const { count, rows: m, columns: rest } = matrixSize(types[0]);
      const size = m * (m - rest);
      const [x, y] = args.map(inDoubles);
      for (let i = 0; i < count; i++) {
        const q = [x, y].map((part) => part.subarray(i * size, (i + 1) * size));
        const columns = completeColumns({ re: q[0], im: q[1] }, m, m - rest);
        re.set(columns.re, i * m * rest);
        im.set(columns.im, i * m * rest);
      }
    }),
  batch: (args, axes, size) => batchLeading(complexComplementPrimitive, args, axes, size, null),
  derivative: {
    kind: "smooth",
    tangents: tangentsOf((dq, [qRe, qIm], [re, im]) => {
      const [q, c] = [new ComplexTensor(qRe, qIm), new ComplexTensor(re, im)];
      return partsOf(neg(product(q, product(adjoint(dq), c))));
    }),
  },
};

/** Orthonormal columns, followed by others that extend them to a basis. */
export function completeBasis(q: Tensor): Tensor {
  if (!(q instanceof ComplexTensor)) return completeRealBasis(q);
  const { rows, columns } = matrixSize(q);
  if (rows === columns) return q;
  const [re, im] = bind(complexComplementPrimitive, [q.re, q.im], null);
  return concatenate([q, new ComplexTensor(re, im)], q.ndim - 1);
}

/** The rotation by each column of `dv` of the element of `v` that must remain real. */
function turnOf(dv: ComplexTensor, v: ComplexTensor): Tensor {
  const row = v.ndim - 2;
  // Zero, but dependent on the tangent.
  if (v.shape[row] === 0) return reduceSum(dv.im, [row]);
  const isReal = equal(v.im, constantLike(v.im, 0));
  const place = argmax(select(isReal, v.re, constantLike(v.re, -1)), row);
  const rows = broadcast(iota(v.shape[row]), v.shape, [row]);
  const isChosen = equal(rows, acrossRows(place, v.shape));
  const chosen = (x: Tensor): Tensor => reduceSum(select(isChosen, x, constantLike(x, 0)), [row]);
  return div(chosen(dv.im), chosen(v.re));
}

/** Vectors whose phases are rotated back by this angle for each column. */
function turnedBack(dv: ComplexTensor, v: ComplexTensor, turn: Tensor): ComplexTensor {
  return new ComplexTensor(
    add(dv.re, scaleColumns(v.im, turn)),
    sub(dv.im, scaleColumns(v.re, turn)),
  );
}

/** Hermitian matrices with the lower triangles of the arguments. */
function hermitianFromLower({ re, im }: ComplexTensor): ComplexTensor {
  const below = lowerTriangle(im, -1);
  return new ComplexTensor(fromLower(re), sub(below, transposed(below)));
}

/**
 * Eigenvalues `w` `[..., n]` of Hermitian matrices, increasing, and the parts of their eigenvectors,
 * the columns of `v` `[..., n, n]`, whose largest elements are real and positive. Only the lower
 * triangle is read. As for `eigh`, eigenvectors of equal eigenvalues are assumed not to mix.
 */
export const complexEighPrimitive: Primitive<null> = {
  name: "complexEigh",
  type(args) {
    checkParts("complexEigh", args);
    checkSquare(args[0], "Cannot decompose");
    const [{ dtype, shape }] = args;
    return [{ dtype, shape: shape.slice(0, -1) }, { dtype, shape }, { dtype, shape }];
  },
  evaluate: (args, _params, types) =>
    results(types, ([values, re, im]) =>
      eachMatrix(args, (matrix, i) => {
        const n = args[0].shape[args[0].ndim - 1];
        const { w, v } = hermitianEigen(matrix, n);
        values.set(w, i * n);
        re.set(v.re, i * n * n);
        im.set(v.im, i * n * n);
      })),
  batch: (args, axes, size) => batchLeading(complexEighPrimitive, args, axes, size, null),
  derivative: {
    kind: "smooth",
    tangents: tangentsOf((da, _args, [w, re, im]) => {
      const v = new ComplexTensor(re, im);
      const inner = product(adjoint(v), product(hermitianFromLower(da), v));
      const gaps = sub(acrossRows(w, v.shape), acrossColumns(w, v.shape));
      const dv = product(v, mul(inner, reciprocalOrZero(gaps))) as ComplexTensor;
      return [
        diagonalOf((inner as ComplexTensor).re),
        ...partsOf(turnedBack(dv, v, turnOf(dv, v))),
      ];
    }),
  },
};

/** Strict eigenvalues and eigenvectors of Hermitian matrices. */
function complexEigh({ re, im }: ComplexTensor): readonly Tensor[] {
  const [w, x, y] = bind(complexEighPrimitive, [re, im], null);
  return [w, new ComplexTensor(x, y)];
}

/**
 * The thin singular value decomposition of complex matrices: the parts of `u` `[..., m, k]`, `s`
 * `[..., k]`, and the parts of `vh` `[..., k, n]`, the adjoint of the right vectors. The largest element
 * of each left vector is real and positive.
 */
export const complexSvdPrimitive: Primitive<null> = {
  name: "complexSvd",
  type(args) {
    checkParts("complexSvd", args);
    checkMatrices(args[0], "Cannot decompose");
    const { rows, columns } = matrixSize(args[0]);
    const { dtype } = args[0];
    const [batch, k] = [leading(args[0]), Math.min(rows, columns)];
    const [u, vh] = [[...batch, rows, k], [...batch, k, columns]].map((shape) => ({
      dtype,
      shape,
    }));
    return [u, u, { dtype, shape: [...batch, k] }, vh, vh];
  },
  evaluate: (args, _params, types) =>
    results(types, ([uRe, uIm, values, vRe, vIm]) =>
      eachMatrix(args, (matrix, i) => {
        const { rows: m, columns: n } = matrixSize(args[0]);
        const k = Math.min(m, n);
        const { u, s, v } = complexSvd(matrix, m, n);
        uRe.set(u.re, i * m * k);
        uIm.set(u.im, i * m * k);
        values.set(s, i * k);
        for (let row = 0; row < n; row++) {
          for (let column = 0; column < k; column++) {
            vRe[(i * k + column) * n + row] = v.re[row * k + column];
            vIm[(i * k + column) * n + row] = -v.im[row * k + column];
          }
        }
      })),
  batch: (args, axes, size) => batchLeading(complexSvdPrimitive, args, axes, size, null),
  derivative: {
    kind: "smooth",
    // As for `svd`, with adjoints; then the phases are rotated back.
    tangents: tangentsOf((da, _args, [uRe, uIm, s, vRe, vIm]) => {
      const [u, vh] = [new ComplexTensor(uRe, uIm), new ComplexTensor(vRe, vIm)];
      const v = adjoint(vh) as ComplexTensor;
      const [m, n, k] = [u.shape[u.ndim - 2], vh.shape[vh.ndim - 1], s.shape[s.ndim - 1]];
      const right = product(da, v);
      const inner = product(adjoint(u), right) as ComplexTensor;
      const [across, down] = [acrossRows(s, inner.shape), acrossColumns(s, inner.shape)];
      const back = adjoint(inner);
      const alike = mul(scale(add(inner, back), 0.5), reciprocalOrZero(sub(across, down)));
      const apart = mul(scale(sub(inner, back), 0.5), reciprocalOrZero(add(across, down)));
      const inverse = reciprocalOrZero(s);
      let du = product(u, add(alike, apart));
      if (m > k) du = add(du, scaleColumns(sub(right, product(u, inner)), inverse));
      let dvh = neg(product(sub(alike, apart), vh));
      if (n > k) {
        const rest = sub(product(adjoint(u), da), product(inner, vh));
        dvh = add(dvh, scaleRows(rest, inverse));
      }
      const turn = turnOf(du as ComplexTensor, u);
      const dv = turnedBack(adjoint(dvh) as ComplexTensor, v, turn);
      return [
        ...partsOf(turnedBack(du as ComplexTensor, u, turn)),
        diagonalOf(inner.re),
        ...partsOf(adjoint(dv)),
      ];
    }),
  },
};

/** Strict thin singular value decomposition of complex matrices. */
export function complexSvdOf({ re, im }: ComplexTensor): readonly Tensor[] {
  const [a, b, s, c, d] = bind(complexSvdPrimitive, [re, im], null);
  return [new ComplexTensor(a, b), s, new ComplexTensor(c, d)];
}

/**
 * The parts of the eigenvalues `w` `[..., n]` of any square matrices, ordered by real and then by
 * imaginary parts, and of their eigenvectors, the columns of `v` `[..., n, n]`: of length one, with a
 * real and positive largest element. Eigenvectors of equal eigenvalues are assumed not to mix.
 */
export const eigPrimitive: Primitive<null> = {
  name: "eig",
  type(args) {
    checkParts("eig", args);
    checkSquare(args[0], "Cannot decompose");
    const [{ dtype, shape }] = args;
    const [w, v] = [shape.slice(0, -1), shape].map((shape) => ({ dtype, shape }));
    return [w, w, v, v];
  },
  evaluate: (args, _params, types) =>
    results(types, ([wRe, wIm, vRe, vIm]) =>
      eachMatrix(args, (matrix, i) => {
        const n = args[0].shape[args[0].ndim - 1];
        const { w, v } = complexEigen(matrix, n);
        wRe.set(w.re, i * n);
        wIm.set(w.im, i * n);
        vRe.set(v.re, i * n * n);
        vIm.set(v.im, i * n * n);
      })),
  batch: (args, axes, size) => batchLeading(eigPrimitive, args, axes, size, null),
  derivative: {
    kind: "smooth",
    tangents: tangentsOf((da, _args, [wRe, wIm, vRe, vIm]) => {
      const [w, v] = [new ComplexTensor(wRe, wIm), new ComplexTensor(vRe, vIm)];
      const inner = product(inverseOf(v), product(da, v));
      const gaps = sub(acrossRows(w, v.shape), acrossColumns(w, v.shape));
      const dv = product(v, mul(inner, reciprocalOrZero(gaps))) as ComplexTensor;
      // The lengths are preserved, and so are the phases.
      const growth = reduceSum(add(mul(dv.re, v.re), mul(dv.im, v.im)), [v.ndim - 2]);
      const kept = sub(dv, scaleColumns(v, growth)) as ComplexTensor;
      return [...partsOf(diagonalOf(inner)), ...partsOf(turnedBack(kept, v, turnOf(kept, v)))];
    }),
  },
};

/** Strict eigenvalues and eigenvectors of any square matrices. */
export function eig(a: Tensor): [w: Tensor, v: Tensor] {
  const [re, im] = a instanceof ComplexTensor ? [a.re, a.im] : [a, zerosOf(a)];
  const [x, y, u, v] = bind(eigPrimitive, [re, im], null);
  return [new ComplexTensor(x, y), new ComplexTensor(u, v)];
}

installMatrixRules({
  triangularSolve: complexTriangularSolve,
  cholesky: complexCholesky,
  qr: complexQr,
  eigh: complexEigh,
  svd: complexSvdOf,
});
