/**
 * Triangular systems and the Cholesky factorisation. All operate on matrices in the last two axes; the
 * other axes are a batch.
 *
 * @module
 */
import * as numeric from "../numeric/linalg/triangular.ts";
import type { Triangle } from "../numeric/linalg/triangular.ts";
import type { BatchAxis, Primitive } from "../core/primitive.ts";
import { withinMemory } from "../core/tensor.ts";
import type { Concrete, Tensor, Type } from "../core/tensor.ts";
import { bind, bindOne } from "../core/trace.ts";
import { neg } from "./arithmetic.ts";
import {
  batchLeading,
  checkRightSide,
  checkSquare,
  fromDoubles,
  fromLower,
  halvedLower,
  inDoubles,
  lowerTriangle,
  matrixSize,
  product,
  transposed,
  upperTriangle,
} from "./matrices.ts";
import { moveAxis, reshape } from "./structure.ts";

/** Parameters of `triangularSolve`. */
export type TriangularSolveParams = Triangle;

/**
 * `x` with `op(T) x = b`, for `T` a triangle of `a` `[..., n, n]` and `b` `[..., n, k]`. The other
 * triangle of `a` is not read, nor is its diagonal if it is assumed to be ones.
 */
export const triangularSolvePrimitive: Primitive<TriangularSolveParams> = {
  name: "triangularSolve",
  type([a, b]) {
    checkSquare(a, "Cannot solve triangular systems of");
    checkRightSide(a, b, "Cannot solve triangular systems of");
    return [{ dtype: b.dtype, shape: b.shape }];
  },
  evaluate([a, b], params, [type]) {
    return withinMemory(type, () => {
      const { count, rows: n, columns } = matrixSize(b);
      const matrices = inDoubles(a);
      const x = columnsOf(b);
      for (let i = 0; i < count; i++) {
        numeric.solveTriangle(matrices, i * n * n, n, x, i * n * columns, columns, params);
      }
      return [fromColumns(x, type)];
    });
  },
  batch(args, axes, size, params) {
    return batchSystems(triangularSolvePrimitive, args, axes, size, params);
  },
  derivative: {
    kind: "smooth",
    tangents: [
      (da, [a], [x], params) => {
        const { lower, transpose, unitDiagonal } = params;
        const diagonal = unitDiagonal ? 1 : 0;
        const part = lower ? lowerTriangle(da, -diagonal) : upperTriangle(da, diagonal);
        const moved = product(transpose ? transposed(part) : part, x);
        return neg(triangularSolve(a, moved, params));
      },
      (db, [a], _results, params) => triangularSolve(a, db, params),
    ],
    transpose: [
      null,
      (ct, a, _own, params) => triangularSolve(a, ct, { ...params, transpose: !params.transpose }),
    ],
  },
};

/** Strict solution of `op(T) x = b`, for `T` a triangle of `a`. */
export function triangularSolve(a: Tensor, b: Tensor, params: TriangularSolveParams): Tensor {
  return bindOne(triangularSolvePrimitive, [a, b], params);
}

/** The columns of matrices, one after another, in double precision. */
export function columnsOf(x: Concrete): Float64Array {
  const { count, rows, columns } = matrixSize(x);
  const source = inDoubles(x);
  return columns === 1 ? source : exchange(source, count, rows, columns);
}

/** The matrices with these columns. */
export function fromColumns(x: Float64Array, type: Type): Concrete {
  const { count, rows, columns } = matrixSize(type);
  return fromDoubles(columns === 1 ? x : exchange(x, count, columns, rows), type);
}

/** The transposes of matrices. */
function exchange(x: Float64Array, count: number, rows: number, columns: number): Float64Array {
  const out = new Float64Array(x.length);
  for (let matrix = 0, from = 0; matrix < count; matrix++) {
    const base = from;
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++, from++) out[base + j * rows + i] = x[from];
    }
  }
  return out;
}

/**
 * The batching rule of systems, whose right-hand side is the last argument: if only this is mapped, its
 * mapped axis becomes additional columns of the same systems.
 */
export function batchSystems<P>(
  primitive: Primitive<P>,
  args: readonly Tensor[],
  axes: readonly BatchAxis[],
  size: number,
  params: P,
): (readonly [Tensor, number])[] {
  const last = args.length - 1;
  if (axes.slice(0, last).some((axis) => axis !== null)) {
    return batchLeading(primitive, args, axes, size, params);
  }
  const b = moveAxis(args[last], axes[last]!, args[last].ndim - 1);
  const shape = b.shape.slice(0, -2);
  const columns = b.shape[b.ndim - 2];
  const wide = reshape(b, [...shape, columns * size]);
  const [x] = bind(primitive, [...args.slice(0, last), wide], params);
  return [[reshape(x, b.shape), b.ndim - 1]];
}

/**
 * The Cholesky factor: the lower triangular `L` with a positive diagonal and `L Lᵀ = A`, for the
 * symmetric matrix `A` with the lower triangle of `a` `[..., n, n]`; NaN on and below the diagonal if
 * it is not positive definite.
 *
 * Derivative: I. Murray, "Differentiation of the Cholesky decomposition", 2016, equation 8.
 */
export const choleskyPrimitive: Primitive<null> = {
  name: "cholesky",
  type([a]) {
    checkSquare(a, "Cannot factorise");
    return [{ dtype: a.dtype, shape: a.shape }];
  },
  evaluate([a], _params, [type]) {
    const { count, rows: n } = matrixSize(a);
    const out = inDoubles(a);
    for (let i = 0; i < count; i++) numeric.cholesky(out, i * n * n, n);
    return [fromDoubles(out, type)];
  },
  batch: (args, axes, size) => batchLeading(choleskyPrimitive, args, axes, size, null),
  derivative: {
    kind: "smooth",
    tangents: [
      (da, _args, [l]) => {
        const lower = { lower: true, transpose: false, unitDiagonal: false };
        const left = triangularSolve(l, fromLower(da), lower);
        return product(l, halvedLower(triangularSolve(l, transposed(left), lower)));
      },
    ],
  },
};

/** Strict Cholesky factor. */
export function cholesky(a: Tensor): Tensor {
  return bindOne(choleskyPrimitive, [a], null);
}
