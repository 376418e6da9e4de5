/**
 * Matrices on the last two axes: shared code of the primitives of linear algebra and their rules.
 *
 * @module
 */
import { isInexact } from "../base/dtype.ts";
import { dtypeError, shapeError } from "../base/errors.ts";
import { insertAt, range, sameShape, showType, sizeOf } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { ComplexTensor } from "../core/complex.ts";
import type { BatchAxis, Primitive } from "../core/primitive.ts";
import { allocateFor, Concrete, dense, zerosOf } from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { bind } from "../core/trace.ts";
import { mul, neg, offset, reciprocal, scale } from "./arithmetic.ts";
import { equal, lessEqual, select } from "./comparison.ts";
import { contract } from "./contraction.ts";
import { concatenate, slice } from "./slicing.ts";
import { alignBatch, broadcast, constantLike, iota, reshape, transpose } from "./structure.ts";

/** The leading axes of a batch of matrices. */
export function leading({ shape }: Type): Shape {
  return shape.slice(0, -2);
}

/** The number of matrices of a batch, 0 if they have no elements, with the lengths of their axes. */
export function matrixSize(x: Type): { count: number; rows: number; columns: number } {
  const [rows, columns] = x.shape.slice(-2);
  return { count: rows * columns === 0 ? 0 : sizeOf(leading(x)), rows, columns };
}

/** Throws unless `x` holds matrices of floats; `what` is the start of the message: "Cannot factorise". */
export function checkMatrices(x: Type, what: string): void {
  if (!isInexact(x.dtype)) {
    throw dtypeError(
      `${what} ${showType(x)}: expected a floating-point dtype; convert with astype`,
    );
  }
  if (x.shape.length < 2) {
    throw shapeError(`${what} ${showType(x)}: expected a matrix, or a batch of matrices`);
  }
}

/** Throws unless `x` holds square matrices of floats. */
export function checkSquare(x: Type, what: string): void {
  checkMatrices(x, what);
  const [rows, columns] = x.shape.slice(-2);
  if (rows !== columns) {
    throw shapeError(
      `${what} ${showType(x)}: expected square matrices, the last axes have lengths ` +
        `${rows} and ${columns}`,
    );
  }
}

/** Throws unless `b` is a valid right-hand side for the systems of `a`: equal dtypes, batches and rows. */
export function checkRightSide(a: Type, b: Type, what: string): void {
  checkMatrices(b, what);
  const fits = a.dtype === b.dtype && sameShape(leading(a), leading(b)) &&
    a.shape[a.shape.length - 1] === b.shape[b.shape.length - 2];
  if (!fits) throw shapeError(`${what} ${showType(a)} with ${showType(b)} on the right`);
}

/** The elements of `x` in double precision, as a copy that may be overwritten. */
export function inDoubles(x: Concrete): Float64Array {
  const out = allocateFor({ dtype: "float64", shape: x.shape }) as Float64Array;
  out.set(dense(x));
  return out;
}

/** Memory for a result in double precision. */
export function doublesFor({ shape }: Type): Float64Array {
  return allocateFor({ dtype: "float64", shape }) as Float64Array;
}

/** A result that was computed in double precision, as a tensor. */
export function fromDoubles(values: Float64Array, type: Type): Concrete {
  if (type.dtype === "float64") return new Concrete(type.dtype, type.shape, values);
  const out = allocateFor(type);
  out.set(values);
  return new Concrete(type.dtype, type.shape, out);
}

/** The batching rule of all primitives whose leading axes are a batch. */
export function batchLeading<P>(
  primitive: Primitive<P>,
  args: readonly Tensor[],
  axes: readonly BatchAxis[],
  size: number,
  params: P,
): (readonly [Tensor, number])[] {
  const aligned = args.map((arg, i) => alignBatch(arg, axes[i], 0, size));
  return bind(primitive, aligned, params).map((result) => [result, 0] as const);
}

/** Matrices with rows and columns exchanged. */
export function transposed(x: Tensor): Tensor {
  const last = x.ndim - 1;
  return transpose(x, [...range(last - 1), last, last - 1]);
}

/** The products of two batches of matrices. */
export function product(x: Tensor, y: Tensor): Tensor {
  const batch = range(x.ndim - 2);
  return contract(x, y, { contract: [[x.ndim - 1], [y.ndim - 2]], batch: [batch, batch] });
}

/** The products of the transposes of the matrices of `x` and the matrices of `y`. */
export function innerProduct(x: Tensor, y: Tensor): Tensor {
  const batch = range(x.ndim - 2);
  return contract(x, y, { contract: [[x.ndim - 2], [y.ndim - 2]], batch: [batch, batch] });
}

/** The products of the matrices of `x` and the transposes of the matrices of `y`. */
export function outerProduct(x: Tensor, y: Tensor): Tensor {
  const batch = range(x.ndim - 2);
  return contract(x, y, { contract: [[x.ndim - 1], [y.ndim - 1]], batch: [batch, batch] });
}

/** Tensors of one type stacked along a new axis. */
function stackAlong(xs: readonly Tensor[], axis: number): Tensor {
  return concatenate(xs.map((x) => reshape(x, insertAt(x.shape, axis, 1))), axis);
}

/**
 * Complex matrices `[..., m, n]` as real ones `[..., 2m, 2n]` that multiply both parts of vectors: each
 * element `a + i b` becomes `[[a, -b], [b, a]]`. Products, inverses and adjoints of these are those of
 * the complex matrices.
 */
export function embedded({ re, im }: ComplexTensor): Tensor {
  const [m, n] = re.shape.slice(-2);
  const rows = [[re, neg(im)], [im, re]].map((row) => stackAlong(row, re.ndim));
  return reshape(stackAlong(rows, re.ndim - 1), [...leading(re), 2 * m, 2 * n]);
}

/** The complex matrices that are embedded, from their first columns. */
export function fromEmbedded(x: Tensor): ComplexTensor {
  const [m, n] = x.shape.slice(-2).map((length) => length / 2);
  const start = x.shape.map(() => 0);
  const [stop, step] = [
    [...leading(x), 2 * m, 2 * n],
    x.shape.map((_, i) => i < x.ndim - 2 ? 1 : 2),
  ];
  const from = (row: number) => slice(x, start.with(x.ndim - 2, Math.min(row, 2 * m)), stop, step);
  return new ComplexTensor(from(0), from(1));
}

/** The parts of complex matrices `[..., n, k]`, concatenated as the rows of real ones `[..., 2n, k]`. */
export function stackedParts(x: Tensor): Tensor {
  const [re, im] = x instanceof ComplexTensor ? [x.re, x.im] : [x, zerosOf(x)];
  const [n, k] = re.shape.slice(-2);
  return reshape(stackAlong([re, im], re.ndim - 1), [...leading(re), 2 * n, k]);
}

/** The complex matrices whose parts are these rows. */
export function fromStackedParts(x: Tensor): ComplexTensor {
  const row = x.ndim - 2;
  const step = x.shape.map((_, i) => i === row ? 2 : 1);
  const from = (first: number) =>
    slice(x, x.shape.map(() => 0).with(row, Math.min(first, x.shape[row])), x.shape, step);
  return new ComplexTensor(from(0), from(1));
}

/** The row index and the column index of each element. */
function places({ shape }: Type): [row: Tensor, column: Tensor] {
  const [row, column] = [shape.length - 2, shape.length - 1];
  return [
    broadcast(iota(shape[row]), shape, [row]),
    broadcast(iota(shape[column]), shape, [column]),
  ];
}

/** `x` with zeros above a diagonal; 0 is the main one, positive ones are above it. */
export function lowerTriangle(x: Tensor, diagonal = 0): Tensor {
  const [row, column] = places(x);
  return select(lessEqual(column, offset(row, diagonal)), x, constantLike(x, 0));
}

/** `x` with zeros below a diagonal. */
export function upperTriangle(x: Tensor, diagonal = 0): Tensor {
  const [row, column] = places(x);
  return select(lessEqual(offset(row, diagonal), column), x, constantLike(x, 0));
}

/** The symmetric matrices with the lower triangles of `x`. */
export function fromLower(x: Tensor): Tensor {
  const [row, column] = places(x);
  return select(lessEqual(column, row), x, transposed(x));
}

/** The main diagonals `[..., n]` of square matrices `[..., n, n]`. */
export function diagonalOf(x: Tensor): Tensor {
  const n = x.shape[x.ndim - 1];
  const flat = reshape(x, [...leading(x), n * n]);
  const start = flat.shape.map(() => 0);
  const stop = [...leading(x), n === 0 ? 0 : (n - 1) * (n + 1) + 1];
  const step = [...leading(x).map(() => 1), n + 1];
  return slice(flat, start, stop, step);
}

/** The square matrices with diagonals `d` and zeros elsewhere. */
export function diagonalMatrix(d: Tensor): Tensor {
  const full = acrossRows(d, [...d.shape, d.shape[d.ndim - 1]]);
  const [row, column] = places(full);
  return select(equal(row, column), full, constantLike(full, 0));
}

/** Vectors `d` repeated, so that each of their elements fills a column. */
export function acrossRows(d: Tensor, shape: Shape): Tensor {
  return broadcast(d, shape, [...range(shape.length - 2), shape.length - 1]);
}

/** Vectors `d` repeated, so that each of their elements fills a row. */
export function acrossColumns(d: Tensor, shape: Shape): Tensor {
  return broadcast(d, shape, range(shape.length - 1));
}

/** Matrices with each column multiplied by an element of `d`. */
export function scaleColumns(x: Tensor, d: Tensor): Tensor {
  return mul(x, acrossRows(d, x.shape));
}

/** Matrices with each row multiplied by an element of `d`. */
export function scaleRows(x: Tensor, d: Tensor): Tensor {
  return mul(x, acrossColumns(d, x.shape));
}

/** One over each element, and 0 for those that are 0. */
export function reciprocalOrZero(x: Tensor): Tensor {
  const isZero = equal(x, constantLike(x, 0));
  const inverse = reciprocal(select(isZero, constantLike(x, 1), x));
  return select(isZero, constantLike(x, 0), inverse);
}

/** The lower triangles with their diagonals halved. */
export function halvedLower(x: Tensor): Tensor {
  const [row, column] = places(x);
  const half = select(equal(row, column), scale(x, 0.5), x);
  return select(lessEqual(column, row), half, constantLike(x, 0));
}
