/**
 * Products of vectors and matrices other than `matmul`, and distances, after NumPy and PyTorch.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { checkAxis, checkNdim, checkShape, checkSize, range, showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import { Concrete } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { convert, reshape } from "../primitives/structure.ts";
import { take } from "./along_axis.ts";
import { mul, neg, sub } from "./arithmetic.ts";
import { unstack } from "./assembling.ts";
import { floatOperand, promoteTogether } from "./broadcasting.ts";
import { conj } from "./complex.ts";
import { dot, matmul, tensordot } from "./contraction.ts";
import { readList, stack } from "./joining.ts";
import { broadcastArrays } from "./rearranging.ts";
import { norm } from "./reduction.ts";
import { expandDims, moveaxis, ravel, squeeze } from "./shape.ts";

/**
 * Options of `cdist` and `pdist`.
 *
 * @category Products
 */
export interface CdistOptions {
  /** The order of the norm. Default 2. */
  readonly p?: number;
}

/** Two operands as tensors of one dtype; of bools, as int32, since products are counted. */
function pair(what: string, x: TensorLike, y: TensorLike): [Tensor, Tensor] {
  const [a, b] = promoteTogether(what, [x, y]);
  return a.dtype === "bool" ? [convert(a, "int32"), convert(b, "int32")] : [a, b];
}

/**
 * Sums of products over the last axis of both; leading axes are not matched but combined.
 *
 * @category Products
 * @param x `[..., k]`, or a scalar.
 * @param y `[..., k]`, or a scalar.
 * @returns The leading axes of `x`, then those of `y`; the product when either is a scalar.
 * @throws {ShapeError} when the last axes differ.
 *
 * @example Rows with rows
 * ```ts
 * import { inner } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(inner([[1, 2], [3, 4]], [10, 1]), [12, 34]);
 * ```
 */
export function inner(x: TensorLike, y: TensorLike): Tensor {
  const what = "Cannot multiply";
  const [a, b] = pair(what, x, y);
  if (a.ndim === 0 || b.ndim === 0) return mul(a, b);
  checkLast(what, a, b);
  return tensordot(a, b, [-1, -1]);
}

/** Throws unless the last axes are equally long. */
function checkLast(what: string, x: Tensor, y: Tensor): void {
  const [first, second] = [x, y].map(({ shape }) => shape[shape.length - 1]);
  if (first === second) return;
  throw shapeError(
    `${what} ${showType(x)} by ${showType(y)}: last axes must be equal, ` +
      `current sizes are ${first} and ${second}`,
  );
}

/**
 * The sum of products of all elements of two tensors of one size, those of `x` conjugated.
 *
 * @category Products
 * @param x Any shape.
 * @param y Any shape of the same size.
 * @returns A scalar.
 * @throws {ShapeError} when the sizes differ.
 *
 * @example Two matrices as vectors
 * ```ts
 * import { vdot } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(vdot([[1, 2], [3, 4]], [1, 1, 1, 1]), 10);
 * ```
 */
export function vdot(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = pair("Cannot multiply", x, y).map((operand) => ravel(operand));
  return dot(conj(a), b);
}

/**
 * The sum of products along an axis, the elements of `x` conjugated; other axes broadcast.
 *
 * @category Products
 * @param x Any shape with this axis.
 * @param y Any shape that broadcasts with `x` and is as long along this axis.
 * @param axis The axis that is summed, of the shape that both broadcast to. Default -1.
 * @returns The common shape without this axis.
 * @throws {ShapeError} when the shapes do not broadcast, or the axis differs in length.
 * @throws {AxisError} when the axis is out of range.
 *
 * @example Rows by rows
 * ```ts
 * import { vecdot } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(vecdot([[1, 2], [3, 4]], [10, 1]), [12, 34]);
 * ```
 */
export function vecdot(x: TensorLike, y: TensorLike, axis?: number): Tensor {
  const what = "Cannot multiply";
  const operands = pair(what, x, y);
  const at = axis === undefined ? -1 : axis;
  const [a, b] = operands.map((operand) =>
    moveaxis(operand, checkAxis(at, operand.ndim, `${what} ${showType(operand)}`), -1)
  );
  checkLast(what, a, b);
  const row = expandDims(conj(a), -2);
  return squeeze(matmul(row, expandDims(b, -1)), [-2, -1]);
}

/**
 * Products of matrices and vectors; leading axes broadcast.
 *
 * @category Products
 * @param x `[..., n, k]`
 * @param y `[..., k]`
 * @returns `[..., n]`
 * @throws {ShapeError} when the shapes do not fit.
 *
 * @example A matrix by a vector
 * ```ts
 * import { matvec } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(matvec([[1, 2], [3, 4]], [1, 10]), [21, 43]);
 * ```
 */
export function matvec(x: TensorLike, y: TensorLike): Tensor {
  const [matrix, vector] = withVector(x, y);
  return squeeze(matmul(matrix, expandDims(vector, -1)), -1);
}

/** A matrix and a vector, or batches of them. */
function withVector(matrix: TensorLike, vector: TensorLike): [Tensor, Tensor] {
  const [a, b] = pair("Cannot multiply", matrix, vector);
  if (a.ndim > 1 && b.ndim > 0) return [a, b];
  throw shapeError(
    `Cannot multiply ${showType(a)} by ${showType(b)}: expected matrices and vectors`,
  );
}

/**
 * Products of vectors, which are conjugated, and matrices; leading axes broadcast.
 *
 * @category Products
 * @param x `[..., k]`
 * @param y `[..., k, n]`
 * @returns `[..., n]`
 * @throws {ShapeError} when the shapes do not fit.
 *
 * @example A vector by a matrix
 * ```ts
 * import { vecmat } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(vecmat([1, 10], [[1, 2], [3, 4]]), [31, 42]);
 * ```
 */
export function vecmat(x: TensorLike, y: TensorLike): Tensor {
  const [matrix, vector] = withVector(y, x);
  return squeeze(matmul(expandDims(conj(vector), -2), matrix), -2);
}

/**
 * Kronecker's product: `y` in place of each element of `x`, times that element.
 *
 * @category Products
 * @param x Any shape.
 * @param y Any shape.
 * @returns The products of the lengths of the axes, aligned at the last.
 * @throws {ShapeError} when the result is too large.
 *
 * @example A block for each element
 * ```ts
 * import { kron } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(kron([1, 10], [1, 2, 3]), [1, 2, 3, 10, 20, 30]);
 * ```
 */
export function kron(x: TensorLike, y: TensorLike): Tensor {
  const what = "Cannot take the Kronecker product";
  const [a, b] = pair(what, x, y);
  const ndim = Math.max(a.ndim, b.ndim);
  const [first, second] = [a, b].map(({ shape }) => [
    ...range(ndim - shape.length).map(() => 1),
    ...shape,
  ]);
  const target = checkShape(first.map((length, i) => length * second[i]), what);
  checkNdim(range(2 * ndim), what);
  const spread = [
    reshape(a, first.flatMap((length) => [length, 1])),
    reshape(b, second.flatMap((length) => [1, length])),
  ];
  return reshape(mul(spread[0], spread[1]), target);
}

/**
 * Cross products of vectors of three elements along an axis; other axes broadcast. Vectors of two have a third element of 0.
 *
 * @category Products
 * @param x Any shape, of length 3 or 2 along the axis.
 * @param y Any shape that broadcasts with `x` elsewhere.
 * @param axis The axis of the vectors. Default -1.
 * @returns The vectors at right angles to both, along the same axis; of two vectors of two elements only
 * the third element, without the axis.
 * @throws {ShapeError} when an axis has another length, or others do not broadcast.
 * @throws {AxisError} when the axis is out of range.
 *
 * @example Two axes give the third
 * ```ts
 * import { cross } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(cross([1, 0, 0], [0, 1, 0]), [0, 0, 1]);
 * ```
 */
export function cross(x: TensorLike, y: TensorLike, axis?: number): Tensor {
  const what = "Cannot take the cross product of";
  const operands = pair(what, x, y);
  const at = axis === undefined ? -1 : axis;
  const parts = operands.map((operand) => {
    const shown = `${what} ${showType(operand)}`;
    const along = checkAxis(at, operand.ndim, shown);
    const length = operand.shape[along];
    if (length !== 2 && length !== 3) {
      throw shapeError(`${shown}: expected vectors of 3 or 2, axis ${along} has length ${length}`);
    }
    const list = unstack(operand, along);
    return [list[0], list[1], list[2] ?? null];
  });
  const [a, b] = parts;
  // Zeros in the third place are left out.
  const times = (p: Tensor | null, q: Tensor | null): Tensor | null =>
    p === null || q === null ? null : mul(p, q);
  const minus = (p: Tensor | null, q: Tensor | null): Tensor =>
    p === null ? neg(q!) : q === null ? p : sub(p, q);
  const last = minus(times(a[0], b[1]), times(a[1], b[0]));
  if (a[2] === null && b[2] === null) return last;
  const first = minus(times(a[1], b[2]), times(a[2], b[1]));
  const second = minus(times(a[2], b[0]), times(a[0], b[2]));
  const together = broadcastArrays(first, second, last);
  const ndim = together[0].ndim + 1;
  const place = at < 0 ? ndim + at : at + ndim - Math.max(...operands.map((one) => one.ndim));
  return stack(together, place);
}

/**
 * The product of two or more matrices, in the order of multiplications that takes the fewest operations.
 *
 * @category Products
 * @param list Matrices `[n, k]`, `[k, m]`, ...; the first and the last may be vectors.
 * @returns The product: `[n, m]`, without the axes that vectors do not have.
 * @throws {ShapeError} when there are fewer than two, or inner axes differ.
 *
 * @example The small product first
 * ```ts
 * import { multiDot, ones } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(multiDot([ones([3, 2]), ones([2, 4]), ones([4])]), [8, 8, 8]);
 * ```
 */
export function multiDot(list: readonly TensorLike[]): Tensor {
  const what = "Cannot multiply";
  const matrices = readList(list, what);
  const { length } = matrices;
  if (length < 2) throw shapeError(`${what} ${length} matrix: expected two or more`);
  matrices.forEach((matrix, i) => {
    const isEnd = i === 0 || i === length - 1;
    if (matrix.ndim === 2 || (matrix.ndim === 1 && isEnd)) return;
    throw shapeError(`${what} ${showType(matrix)}: expected a matrix at position ${i}`);
  });
  // By lengths of runs of factors (T. H. Cormen et al., "Introduction to Algorithms", 15.2).
  const [first, last] = [matrices[0], matrices[length - 1]];
  const sizes = [
    first.ndim === 1 ? 1 : first.shape[0],
    ...matrices.slice(1).map((matrix) => matrix.shape[0]),
    last.ndim === 1 ? 1 : last.shape[1],
  ];
  const costs = matrices.map(() => new Array<number>(length).fill(0));
  const cuts = matrices.map(() => new Array<number>(length).fill(0));
  for (let run = 1; run < length; run++) {
    for (let from = 0; from + run < length; from++) {
      const to = from + run;
      costs[from][to] = Infinity;
      for (let cut = from; cut < to; cut++) {
        const cost = costs[from][cut] + costs[cut + 1][to] +
          sizes[from] * sizes[cut + 1] * sizes[to + 1];
        if (cost >= costs[from][to]) continue;
        costs[from][to] = cost;
        cuts[from][to] = cut;
      }
    }
  }
  const product = (from: number, to: number): Tensor =>
    from === to
      ? matrices[from]
      : matmul(product(from, cuts[from][to]), product(cuts[from][to] + 1, to));
  return product(0, length - 1);
}

/**
 * Distances of each pair of rows of two matrices, or batches of them, as PyTorch's `cdist`.
 *
 * @category Products
 * @param x `[..., n, k]`
 * @param y `[..., m, k]`; leading axes broadcast.
 * @param options `p`: the order of the norm of differences, 2 by default: any positive number or infinity,
 * or 0, which counts the elements that differ.
 * @returns `[..., n, m]`; integers and bools become floats. The derivative where rows are equal is 0.
 * @throws {ShapeError} when the shapes do not fit.
 * @throws {ArgumentError} when `p` is not a number, or negative.
 *
 * @example A point and two others
 * ```ts
 * import { cdist } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(cdist([[0, 0]], [[3, 4], [0, 1]]), [[5, 1]]);
 * ```
 */
export function cdist(x: TensorLike, y: TensorLike, options?: CdistOptions): Tensor {
  const what = "Cannot take distances";
  const p = readOrder(what, options);
  const [a, b] = promoteTogether(what, [x, y]).map(floatOperand);
  if (a.ndim < 2 || b.ndim < 2) {
    throw shapeError(`${what} of ${showType(a)} and ${showType(b)}: expected matrices`);
  }
  checkLast("Cannot compare", a, b);
  return norm(sub(expandDims(a, -2), expandDims(b, -3)), -1, { ord: p });
}

/** The order of a norm. */
function readOrder(what: string, options: CdistOptions | undefined): number {
  const { p = 2 } = readOptions(what, options, ["p"]);
  if (typeof p === "number" && p >= 0) return p;
  throw argumentError(`${what}: expected p of 0 or more, got ${describeValue(p)}`);
}

/**
 * Distances of the rows of a matrix, each pair once, as PyTorch's and SciPy's `pdist`.
 *
 * @category Products
 * @param x `[..., n, k]`
 * @param options `p`: the order of the norm of differences, as for `cdist`.
 * @returns `[..., n * (n - 1) / 2]`: the pairs (0, 1), (0, 2), ..., (1, 2), ...; integers and bools become
 * floats. The derivative where rows are equal is 0.
 * @throws {ShapeError} when there are fewer than two axes.
 * @throws {ArgumentError} when `p` is not a number, or negative.
 *
 * @example Three points
 * ```ts
 * import { pdist } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(pdist([[0, 0], [3, 4], [3, 0]]), [5, 3, 4]);
 * ```
 */
export function pdist(x: TensorLike, options?: CdistOptions): Tensor {
  const what = "Cannot take distances";
  const p = readOrder(what, options);
  const rows = floatOperand(toTensor(x, what));
  if (rows.ndim < 2) throw shapeError(`${what} of ${showType(rows)}: expected a matrix`);
  const count = rows.shape[rows.ndim - 2];
  checkSize(
    [...rows.shape.slice(0, -2), (count * (count - 1)) / 2, rows.shape[rows.ndim - 1]],
    what,
  );
  const firsts: number[] = [];
  const seconds: number[] = [];
  for (let i = 0; i < count; i++) {
    for (let j = i + 1; j < count; j++) {
      firsts.push(i);
      seconds.push(j);
    }
  }
  const [a, b] = [firsts, seconds].map((places) =>
    take(rows, new Concrete("int32", [places.length], Int32Array.from(places)), -2)
  );
  return norm(sub(a, b), -1, { ord: p });
}
