/**
 * The LU factorisation, and systems of linear equations solved by it. All operate on matrices in the
 * last two axes; the other axes are a batch.
 *
 * @module
 */
import type { Elements } from "../base/dtype.ts";
import { factorizeLu, factorizeLuByRows } from "../numeric/linalg/lu.ts";
import { solveTriangle } from "../numeric/linalg/triangular.ts";
import { ComplexTensor } from "../core/complex.ts";
import type { Primitive } from "../core/primitive.ts";
import { allocateFor, Concrete, withinMemory } from "../core/tensor.ts";
import type { Tensor } from "../core/tensor.ts";
import { bind, bindOne } from "../core/trace.ts";
import { add, neg, reciprocal } from "./arithmetic.ts";
import { equal, select } from "./comparison.ts";
import { gather } from "./indexing.ts";
import {
  batchLeading,
  checkRightSide,
  checkSquare,
  diagonalOf,
  doublesFor,
  embedded,
  fromDoubles,
  fromStackedParts,
  inDoubles,
  leading,
  lowerTriangle,
  matrixSize,
  product,
  scaleColumns,
  scaleRows,
  stackedParts,
  transposed,
  upperTriangle,
} from "./matrices.ts";
import { broadcast, constantLike, iota, stopGradient } from "./structure.ts";
import { batchSystems, columnsOf, fromColumns, triangularSolve } from "./triangular.ts";

/** Parameters of `lu`. */
export interface LuParams {
  /**
   * Where pivots are searched for: in the whole remaining matrix, which reveals the rank, or in the
   * current column, which is faster and sufficient for solving equations.
   */
  readonly pivoting: "complete" | "partial";
}

/**
 * The LU factorisation with pivoting of `a` `[..., n, n]`: the unit lower triangular `l` and
 * the upper triangular `u` with `l u` equal to `a` with its rows in the order `rows` `[..., n]` and its
 * columns in the order `columns` `[..., n]`, and the sign of both orders together `[...]`.
 *
 * With `u = D V`, `D` diagonal and `V` unit triangular, and `N = l⁻¹ (P dA Q) V⁻¹`, the derivative is
 * `du = triu(N) V` and `dl = l tril(N D⁻¹, -1)`. There is no division by the last pivot, and if several
 * pivots are 0 the others are replaced by numbers far below rounding: the derivatives of the product of
 * the pivots, the determinant, are correct at singular matrices of any rank. This holds with complete
 * pivoting; with partial pivoting, pivots of 0 are not replaced.
 */
export const luPrimitive: Primitive<LuParams> = {
  name: "lu",
  type([a]) {
    checkSquare(a, "Cannot factorise");
    const batch = leading(a);
    const order = { dtype: "int32", shape: a.shape.slice(0, -1) } as const;
    const factor = { dtype: a.dtype, shape: a.shape };
    return [factor, factor, order, order, { dtype: a.dtype, shape: batch }];
  },
  evaluate([a], { pivoting }, [lowerType, upperType, rowType, columnType, signType]) {
    return withinMemory(lowerType, () => {
      const { count, rows: n } = matrixSize(a);
      const upper = inDoubles(a);
      const lower = doublesFor(lowerType);
      const rows = allocateFor(rowType) as Int32Array;
      const columns = allocateFor(columnType) as Int32Array;
      const sign = doublesFor(signType).fill(1);
      const tiny = TINY_PIVOT[a.dtype as "float32" | "float64"];
      const parts = { upper, lower, rows, columns };
      for (let i = 0; i < count; i++) {
        sign[i] = pivoting === "partial"
          ? factorizeLuByRows(parts, i, n)
          : factorizeLu(parts, i, n, tiny);
      }
      return [
        fromDoubles(lower, lowerType),
        fromDoubles(upper, upperType),
        new Concrete("int32", rowType.shape, rows),
        new Concrete("int32", columnType.shape, columns),
        fromDoubles(sign, signType),
      ];
    });
  },
  batch: (args, axes, size, params) => batchLeading(luPrimitive, args, axes, size, params),
  derivative: {
    kind: "smooth",
    tangents: [
      (da, _args, [l, u, rows, columns]) => [
        ...luTangents(da, { l, u, rows, columns }),
        null,
        null,
        null,
      ],
    ],
  },
};

/** The tangents of both factors of real or complex matrices. */
export function luTangents(
  da: Tensor,
  { l, u, rows, columns }: Pick<LuFactors, "l" | "u" | "rows" | "columns">,
): [dl: Tensor, du: Tensor] {
  const n = da.shape[da.ndim - 1];
  const pivots = diagonalOf(u);
  const one = constantLike(pivots, 1);
  const place = broadcast(iota(n), pivots.shape, [pivots.ndim - 1]);
  const isLast = equal(place, constantLike(place, n - 1));
  // There are no elements to the right of the last pivot, or below it.
  const inverse = reciprocal(select(isLast, one, pivots));
  const v = scaleRows(u, inverse);
  const unit = { lower: true, transpose: false, unitDiagonal: true };
  const left = triangularSolve(l, arrange(da, rows, columns), unit);
  const right = { lower: false, transpose: true, unitDiagonal: true };
  const inner = transposed(triangularSolve(v, transposed(left), right));
  const upper = upperTriangle(inner);
  const du = add(upper, product(upper, upperTriangle(v, 1)));
  const below = lowerTriangle(inner, -1);
  return [product(l, scaleColumns(below, inverse)), du];
}

/**
 * The replacement of a pivot of 0, relative to the first pivot: far below rounding, but its powers are
 * in range.
 */
export const TINY_PIVOT: Readonly<Record<"float32" | "float64", number>> = {
  float32: 2 ** -40,
  float64: 2 ** -100,
};

/** The factors of square matrices, as returned by `lu`. */
export interface LuFactors {
  /** Unit lower triangular. */
  readonly l: Tensor;
  /** Upper triangular. */
  readonly u: Tensor;
  /** The row of the matrix for each row of the product. */
  readonly rows: Tensor;
  /** The column of the matrix for each column of the product. */
  readonly columns: Tensor;
  /** The sign of both orders together. */
  readonly sign: Tensor;
}

/** Strict LU factorisation. */
export function lu(a: Tensor, pivoting: LuParams["pivoting"] = "complete"): LuFactors {
  const [l, u, rows, columns, sign] = bind(luPrimitive, [a], { pivoting });
  return { l, u, rows, columns, sign };
}

/** Matrices with their rows and columns in these orders. */
function arrange(x: Tensor, rows: Tensor, columns: Tensor): Tensor {
  return transposed(orderRows(transposed(orderRows(x, rows)), columns));
}

/** Matrices with their rows in this order. */
function orderRows(x: Tensor, order: Tensor): Tensor {
  return gather(x, order, x.ndim - 2);
}

/** Parameters of `luSolve`. */
export interface LuSolveParams {
  /** Whether the systems use the transposed matrices. */
  readonly transpose: boolean;
}

/**
 * `x` with `op(a) x = b` for `a` `[..., n, n]` and `b` `[..., n, k]`, by `a`'s factors `l, u, rows,
 * columns`. These only save work: they were computed from `a`, so that they have no tangents, and the
 * derivative with respect to `a` is that of the solution, computed with the same factors.
 */
export const luSolvePrimitive: Primitive<LuSolveParams> = {
  name: "luSolve",
  type([a, , , , , b]) {
    checkSquare(a, "Cannot solve systems of");
    checkRightSide(a, b, "Cannot solve systems of");
    return [{ dtype: b.dtype, shape: b.shape }];
  },
  evaluate([, l, u, rows, columns, b], { transpose }, [type]) {
    return withinMemory(type, () => {
      const { count, rows: n, columns: width } = matrixSize(b);
      const [lower, upper, given] = [inDoubles(l), inDoubles(u), columnsOf(b)];
      const [from, to] = (transpose ? [columns, rows] : [rows, columns]).map((x) => x.elements);
      const x = new Float64Array(given.length);
      for (let matrix = 0; matrix < count; matrix++) {
        const base = matrix * width * n;
        permute(given, x, base, width, from.subarray(matrix * n, (matrix + 1) * n), false);
        for (const isLower of [!transpose, transpose]) {
          const triangle = { lower: isLower, transpose, unitDiagonal: isLower };
          const factor = isLower ? lower : upper;
          solveTriangle(factor, matrix * n * n, n, x, base, width, triangle);
        }
        permute(x, given, base, width, to.subarray(matrix * n, (matrix + 1) * n), true);
      }
      return [fromColumns(given, type)];
    });
  },
  batch: (args, axes, size, params) => batchSystems(luSolvePrimitive, args, axes, size, params),
  derivative: {
    kind: "smooth",
    tangents: [
      (da, args, [x], params) => {
        const moved = product(params.transpose ? transposed(da) : da, x);
        return neg(bindOne(luSolvePrimitive, [...args.slice(0, 5), moved], params));
      },
      null,
      null,
      null,
      null,
      (db, args, _results, params) => bindOne(luSolvePrimitive, [...args.slice(0, 5), db], params),
    ],
    transpose: [
      null,
      null,
      null,
      null,
      null,
      (ct, _other, _own, { transpose }, args) => {
        const factors = args.slice(0, 5) as unknown as readonly Tensor[];
        return bindOne(luSolvePrimitive, [...factors, ct], { transpose: !transpose });
      },
    ],
  },
};

/** Copies vectors with their elements in another order: from the positions in `order`, or to them. */
function permute(
  source: Float64Array,
  out: Float64Array,
  base: number,
  count: number,
  order: Elements,
  isTo: boolean,
): void {
  const n = order.length;
  for (let place = base; count > 0; count--, place += n) {
    for (let i = 0; i < n; i++) {
      if (isTo) out[place + order[i]] = source[place + i];
      else out[place + i] = source[place + order[i]];
    }
  }
}

/** Strict solution of `a x = b`; one factorisation is used for it and all of its derivatives. */
export function luSolve(a: Tensor, b: Tensor): Tensor {
  if (a instanceof ComplexTensor) return fromStackedParts(luSolve(embedded(a), stackedParts(b)));
  if (b instanceof ComplexTensor) return new ComplexTensor(luSolve(a, b.re), luSolve(a, b.im));
  const { l, u, rows, columns } = lu(stopGradient(a), "partial");
  return bindOne(luSolvePrimitive, [a, l, u, rows, columns, b], { transpose: false });
}
