/**
 * Matrices of a given structure: of vectors along diagonals, and well-known ones of numbers.
 *
 * @module
 */
import { defaultFloat, describeValue } from "../base/dtype.ts";
import type { FloatDtype } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { broadcastShapes, checkShape, range, showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import { splat, withinMemory } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { checkLength } from "../functions/arguments.ts";
import { broadcastTo, floatOperand, promoteTogether } from "../functions/broadcasting.ts";
import {
  abs,
  complex,
  concatenate,
  conj,
  div,
  expandDims,
  flip,
  index,
  neg,
  pad,
  reshape,
  sub,
  take,
  tensor,
  zeros,
} from "../functions/mod.ts";
import { checkFloatDtype } from "../functions/options.ts";
import { rootOfUnity } from "../numeric/fft/roots.ts";

/**
 * Options of matrices of numbers.
 *
 * @category Special matrices
 */
export interface MatrixOptions {
  /** The dtype; by default that of `configure({ defaultFloat })`, float32 at first. */
  readonly dtype?: FloatDtype;
}

/** The matrix of these elements, computed in double precision. */
function fromEntries(
  what: string,
  rows: number,
  columns: number,
  dtype: FloatDtype,
  entry: (i: number, j: number) => number,
): Tensor {
  const shape = checkShape([rows, columns], what);
  return withinMemory({ dtype, shape }, () => {
    const values = new Float64Array(rows * columns);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) values[i * columns + j] = entry(i, j);
    }
    return reshape(tensor(values, { dtype }), shape);
  });
}

/** The size and the dtype of a square matrix of numbers. */
function readSize(
  what: string,
  n: number,
  options: MatrixOptions | undefined,
): { size: number; dtype: FloatDtype } {
  const { dtype = defaultFloat() } = readOptions(what, options, ["dtype"]);
  checkFloatDtype(what, dtype);
  return { size: checkLength(n, what, "a number of rows"), dtype };
}

/** `x` as vectors on the last axis. */
function readVectors(x: TensorLike, what: string): Tensor {
  const value = toTensor(x, what);
  if (value.ndim > 0) return value;
  throw shapeError(`${what} ${showType(value)}: expected a vector, or a batch of vectors`);
}

/** The elements of vectors on the last axis at places that follow from row and column. */
function arranged(
  what: string,
  x: Tensor,
  rows: number,
  columns: number,
  place: (i: number, j: number) => number,
): Tensor {
  checkShape([...x.shape.slice(0, -1), rows, columns], what);
  if (rows * columns === 0) {
    return zeros([...x.shape.slice(0, -1), rows, columns], { dtype: x.dtype });
  }
  const type = { dtype: "int32", shape: [rows, columns] } as const;
  const places = withinMemory(type, () => {
    const values = new Int32Array(rows * columns);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) values[i * columns + j] = place(i, j);
    }
    return reshape(tensor(values), type.shape);
  });
  return take(x, places, -1);
}

/** Two batches of vectors, of one dtype and with the same leading axes. */
function readPair(what: string, first: TensorLike, second: TensorLike): [Tensor, Tensor] {
  const [a, b] = promoteTogether(what, [first, second]).map((x) => readVectors(x, what));
  const batch = broadcastShapes(a.shape.slice(0, -1), b.shape.slice(0, -1));
  if (batch === null) {
    throw shapeError(
      `${what} ${showType(a)} and ${showType(b)}: the axes before the last must broadcast`,
    );
  }
  const [x, y] = [a, b].map((x) => broadcastTo(x, [...batch, x.shape[x.ndim - 1]]));
  return [x, y];
}

/** The elements of vectors from a place on. */
function from(x: Tensor, start: number): Tensor {
  return index(x, "...", [start, null]);
}

/**
 * Matrices along the diagonal of one, with zeros elsewhere. Vectors are rows, and numbers matrices of
 * one element.
 *
 * @category Special matrices
 * @param matrices Each of at most two axes.
 * @returns A matrix with as many rows, and columns, as all together.
 * @throws {ShapeError} when one has more than two axes.
 *
 * @example Two blocks
 * ```ts
 * import { blockDiag } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(blockDiag([[1, 2]], 3), [[1, 2, 0], [0, 0, 3]]);
 * ```
 */
export function blockDiag(...matrices: readonly TensorLike[]): Tensor {
  const what = "Cannot put blocks on a diagonal";
  if (matrices.length === 0) throw argumentError(`${what}: expected at least one`);
  const blocks = promoteTogether(what, matrices).map((x) => {
    if (x.ndim <= 2) return reshape(x, [...[1, 1].slice(x.ndim), ...x.shape]);
    throw shapeError(`${what}: got ${showType(x)}, expected matrices`);
  });
  const width = blocks.reduce((sum, { shape }) => sum + shape[1], 0);
  let before = 0;
  const rows = blocks.map((x) => {
    const left = before;
    before += x.shape[1];
    return pad(x, [[0, 0], [left, width - before]]);
  });
  return concatenate(rows, 0);
}

/**
 * Toeplitz matrices, whose diagonals are constant, from their first columns and rows.
 *
 * @category Special matrices
 * @param c The first columns, `[..., m]`.
 * @param r The first rows, `[..., n]`, whose first elements are not read. Left out: the conjugates of
 * `c`. Leading axes are broadcast.
 * @returns `[..., m, n]`
 * @throws {ShapeError} when an argument is a number, or leading axes do not broadcast.
 *
 * @example From a column and a row
 * ```ts
 * import { toeplitz } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(toeplitz([1, 2, 3], [1, 4, 5]), [[1, 4, 5], [2, 1, 4], [3, 2, 1]]);
 * ```
 */
export function toeplitz(c: TensorLike, r?: TensorLike): Tensor {
  const what = "Cannot make Toeplitz matrices of";
  const [first, second] = r === undefined
    ? [readVectors(c, what), conj(readVectors(c, what))]
    : readPair(what, c, r);
  const [m, n] = [first, second].map(({ shape }) => shape[shape.length - 1]);
  const diagonals = concatenate([flip(from(second, 1), -1), first], -1);
  return arranged(what, diagonals, m, n, (i, j) => n - 1 + i - j);
}

/**
 * Hankel matrices, whose diagonals from the lower left to the upper right are constant, from their
 * first columns and last rows.
 *
 * @category Special matrices
 * @param c The first columns, `[..., m]`.
 * @param r The last rows, `[..., n]`, whose first elements are not read. Left out: zeros, as many as in
 * `c`. Leading axes are broadcast.
 * @returns `[..., m, n]`
 * @throws {ShapeError} when an argument is a number, or leading axes do not broadcast.
 *
 * @example From a column and a row
 * ```ts
 * import { hankel } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(hankel([1, 2, 3], [0, 4, 5]), [[1, 2, 3], [2, 3, 4], [3, 4, 5]]);
 * ```
 */
export function hankel(c: TensorLike, r?: TensorLike): Tensor {
  const what = "Cannot make Hankel matrices of";
  const column = readVectors(c, what);
  const [first, second] = r === undefined
    ? [column, splat(0, column.dtype, column.shape)]
    : readPair(what, c, r);
  const [m, n] = [first, second].map(({ shape }) => shape[shape.length - 1]);
  return arranged(what, concatenate([first, from(second, 1)], -1), m, n, (i, j) => i + j);
}

/**
 * Circulant matrices: each column is the one before it, moved down by one place and around.
 *
 * @category Special matrices
 * @param c The first columns, `[..., n]`.
 * @returns `[..., n, n]`
 * @throws {ShapeError} when `c` is a number.
 *
 * @example Of three elements
 * ```ts
 * import { circulant } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(circulant([1, 2, 3]), [[1, 3, 2], [2, 1, 3], [3, 2, 1]]);
 * ```
 */
export function circulant(c: TensorLike): Tensor {
  const what = "Cannot make circulant matrices of";
  const first = readVectors(c, what);
  const n = first.shape[first.ndim - 1];
  return arranged(what, first, n, n, (i, j) => (i - j + n) % n);
}

/**
 * Options of `convolutionMatrix`.
 *
 * @category Special matrices
 */
export interface ConvolutionMatrixOptions {
  /** Which part of the convolution the product is, as in `signal.convolve`. Default `"full"`. */
  readonly mode?: "full" | "same" | "valid";
}

/**
 * The Toeplitz matrices whose products with vectors of `n` elements are convolutions.
 *
 * @category Special matrices
 * @param a `[..., m]`, at least one element.
 * @param n The number of elements of the vectors, at least 1.
 * @param options `mode`: `"full"`, `"same"` (of the larger length, in the middle) or `"valid"`.
 * @returns `[..., k, n]`, `k` the length of the convolution.
 * @throws {ShapeError} when `a` is a number or empty.
 * @throws {ArgumentError} when `n` is not a positive integer or there is no such mode.
 *
 * @example A convolution as a product
 * ```ts
 * import { matmul } from "@jacobi/jacobi";
 * import { convolutionMatrix } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const a = convolutionMatrix([1, 2], 3);
 * assertTensorsClose(a, [[1, 0, 0], [2, 1, 0], [0, 2, 1], [0, 0, 2]]);
 * assertTensorsClose(matmul(a, [1, 1, 1]), [1, 3, 3, 2]);
 * ```
 */
export function convolutionMatrix(
  a: TensorLike,
  n: number,
  options?: ConvolutionMatrixOptions,
): Tensor {
  const what = "Cannot make matrices of convolution with";
  const vectors = readVectors(a, what);
  const shown = `${what} ${showType(vectors)}`;
  const m = vectors.shape[vectors.ndim - 1];
  const columns = checkLength(n, shown, "a number of elements of the other vector");
  if (m === 0 || columns === 0) {
    throw shapeError(`${shown} of ${columns} columns: expected elements`);
  }
  const { mode = "full" } = readOptions(what, options, ["mode"]);
  const full = m + columns - 1;
  const [first, rows] = mode === "full"
    ? [0, full]
    : mode === "same"
    ? [Math.floor((Math.min(m, columns) - 1) / 2), Math.max(m, columns)]
    : mode === "valid"
    ? [Math.min(m, columns) - 1, Math.abs(m - columns) + 1]
    : [0, -1];
  if (rows < 0) {
    throw argumentError(
      `${shown}: mode must be "full", "same" or "valid", got ${describeValue(mode)}`,
    );
  }
  const around = checkShape([...vectors.shape.slice(0, -1), full + columns - 1], shown);
  const widths = around.map((_, i): [number, number] =>
    i < around.length - 1 ? [0, 0] : [columns - 1, columns - 1]
  );
  return arranged(shown, pad(vectors, widths), rows, columns, (i, j) => {
    return first + i - j + columns - 1;
  });
}

/** The square matrices with a first row, ones below the diagonal and zeros elsewhere. */
function belowFirstRow(row: Tensor, below: Tensor): Tensor {
  const n = row.shape[row.ndim - 1];
  const widths = [...range(row.ndim).map((): [number, number] => [0, 0]), [0, 1] as const];
  const rest = pad(diagonals(below), widths);
  return n === 1 ? expandDims(row, -2) : concatenate([expandDims(row, -2), rest], -2);
}

/** Square matrices with these diagonals. */
function diagonals(x: Tensor): Tensor {
  const n = x.shape[x.ndim - 1];
  const widths = [...range(x.ndim - 1).map((): [number, number] => [0, 0]), [0, 1] as const];
  return arranged("Cannot make matrices of", pad(x, widths), n, n, (i, j) => i === j ? i : n);
}

/**
 * The companion matrices of polynomials: their eigenvalues are the roots.
 *
 * @category Special matrices
 * @param a The coefficients, of the highest power first, `[..., n]`, at least two.
 * @returns `[..., n - 1, n - 1]`; integers and bools become floats.
 * @throws {ShapeError} when there are fewer than two coefficients.
 *
 * @example The roots of (x - 1)(x - 3)
 * ```ts
 * import { real } from "@jacobi/jacobi";
 * import { companion, eigvals } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(companion([1, -4, 3]), [[4, -3], [1, 0]]);
 * assertTensorsClose(real(eigvals(companion([1, -4, 3]))), [1, 3], { rtol: 1e-6 });
 * ```
 */
export function companion(a: TensorLike): Tensor {
  const what = "Cannot make companion matrices of";
  const vectors = floatOperand(readVectors(a, what));
  const n = vectors.shape[vectors.ndim - 1];
  if (n < 2) throw shapeError(`${what} ${showType(vectors)}: expected at least two coefficients`);
  const row = div(neg(from(vectors, 1)), index(vectors, "...", [0, 1]));
  const ones = splat(1, vectors.dtype, [...vectors.shape.slice(0, -1), n - 2]);
  return belowFirstRow(row, ones);
}

/**
 * Leslie matrices, by which the ages of a population are multiplied each year.
 *
 * @category Special matrices
 * @param births How many offspring each age has, `[..., n]`.
 * @param survival Which part of each age but the last survives, `[..., n - 1]`. Leading axes are broadcast.
 * @returns `[..., n, n]`
 * @throws {ShapeError} when `survival` has not one element less than `births`.
 *
 * @example Three ages
 * ```ts
 * import { leslie } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(leslie([0, 2, 1], [0.5, 0.8]), [[0, 2, 1], [0.5, 0, 0], [0, 0.8, 0]]);
 * ```
 */
export function leslie(births: TensorLike, survival: TensorLike): Tensor {
  const what = "Cannot make Leslie matrices of";
  const [row, below] = readPair(what, births, survival);
  if (row.shape[row.ndim - 1] !== below.shape[below.ndim - 1] + 1) {
    throw shapeError(
      `${what} ${showType(row)} and ${showType(below)}: ` +
        `expected one element less in the second`,
    );
  }
  return belowFirstRow(row, below);
}

/**
 * Fiedler matrices: the absolute differences of all pairs of elements.
 *
 * @category Special matrices
 * @param a `[..., n]`
 * @returns `[..., n, n]`
 * @throws {ShapeError} when `a` is a number.
 *
 * @example Distances on a line
 * ```ts
 * import { fiedler } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(fiedler([1, 4, 6]), [[0, 3, 5], [3, 0, 2], [5, 2, 0]]);
 * ```
 */
export function fiedler(a: TensorLike): Tensor {
  const vectors = readVectors(a, "Cannot make Fiedler matrices of");
  return abs(sub(expandDims(vectors, -1), expandDims(vectors, -2)));
}

/**
 * Fiedler's companion matrices of polynomials, of five diagonals: their eigenvalues are the roots.
 *
 * Source: M. Fiedler, "A note on companion matrices", 2003.
 *
 * @category Special matrices
 * @param a The coefficients, of the highest power first, `[..., n]`, at least two.
 * @returns `[..., n - 1, n - 1]`; integers and bools become floats.
 * @throws {ShapeError} when there are fewer than two coefficients.
 *
 * @example Of a cubic polynomial
 * ```ts
 * import { fiedlerCompanion } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(fiedlerCompanion([1, -2, 3, -4]), [[2, -3, 1], [1, 0, 0], [0, 4, 0]]);
 * ```
 */
export function fiedlerCompanion(a: TensorLike): Tensor {
  const what = "Cannot make companion matrices of";
  const vectors = floatOperand(readVectors(a, what));
  const n = vectors.shape[vectors.ndim - 1] - 1;
  if (n < 1) throw shapeError(`${what} ${showType(vectors)}: expected at least two coefficients`);
  // The coefficients, then a zero and a one.
  const row = div(neg(from(vectors, 1)), index(vectors, "...", [0, 1]));
  const ends = [0, 1].map((value) => splat(value, row.dtype, [...row.shape.slice(0, -1), 1]));
  const [zero, one] = [n, n + 1];
  return arranged(what, concatenate([row, ...ends], -1), n, n, (i, j) => {
    if (i === 0) return j < 2 ? j : j === 2 ? one : zero;
    if (i === 1 && j === 0) return one;
    // Coefficients in every second row, beside ones.
    if (i % 2 === 0) {
      if (j === i - 1) return i;
      if (j === i + 1) return i + 1;
      return j === i + 2 ? one : zero;
    }
    return j === i - 2 ? one : zero;
  });
}

/**
 * Hadamard's matrix of 1 and -1 by Sylvester's construction: its rows are orthogonal.
 *
 * @category Special matrices
 * @param n The number of rows, a power of two.
 * @param options `dtype`, the default float at first.
 * @returns `[n, n]`
 * @throws {ArgumentError} when `n` is not a power of two.
 *
 * @example Of two rows
 * ```ts
 * import { hadamard } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(hadamard(2), [[1, 1], [1, -1]]);
 * ```
 */
export function hadamard(n: number, options?: MatrixOptions): Tensor {
  const what = "Cannot make Hadamard's matrix";
  const { size, dtype } = readSize(what, n, options);
  if (!Number.isInteger(Math.log2(size))) {
    throw argumentError(`${what} of ${size} rows: expected a power of two`);
  }
  return fromEntries(what, size, size, dtype, (i, j) => {
    let bits = i & j;
    let sign = 1;
    for (; bits !== 0; bits &= bits - 1) sign = -sign;
    return sign;
  });
}

/**
 * Hilbert's matrix, with the elements `1 / (i + j + 1)`.
 *
 * @category Special matrices
 * @param n The number of rows.
 * @param options `dtype`, the default float at first.
 * @returns `[n, n]`
 * @throws {ArgumentError} when `n` is not a number of rows.
 *
 * @example Of two rows
 * ```ts
 * import { hilbert } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(hilbert(2), [[1, 1 / 2], [1 / 2, 1 / 3]]);
 * ```
 */
export function hilbert(n: number, options?: MatrixOptions): Tensor {
  const what = "Cannot make Hilbert's matrix";
  const { size, dtype } = readSize(what, n, options);
  return fromEntries(what, size, size, dtype, (i, j) => 1 / (i + j + 1));
}

/** Binomial coefficients, exact up to 2^53. */
function choose(n: number, k: number): number {
  if (k < 0 || k > n) return 0;
  let result = 1;
  for (let i = 1; i <= Math.min(k, n - k); i++) result = result * (n - i + 1) / i;
  return result;
}

/**
 * The inverse of Hilbert's matrix, whose elements are integers: exact up to `n` of 12 in float64.
 *
 * @category Special matrices
 * @param n The number of rows.
 * @param options `dtype`, the default float at first.
 * @returns `[n, n]`
 * @throws {ArgumentError} when `n` is not a number of rows.
 *
 * @example Of two rows
 * ```ts
 * import { invhilbert } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(invhilbert(2), [[4, -6], [-6, 12]]);
 * ```
 */
export function invhilbert(n: number, options?: MatrixOptions): Tensor {
  const what = "Cannot make the inverse of Hilbert's matrix";
  const { size, dtype } = readSize(what, n, options);
  return fromEntries(what, size, size, dtype, (i, j) => {
    const sign = (i + j) % 2 === 0 ? 1 : -1;
    const middle = choose(i + j, i);
    return sign * (i + j + 1) * choose(size + i, size - j - 1) * choose(size + j, size - i - 1) *
      middle * middle;
  });
}

/**
 * Options of Pascal's matrices.
 *
 * @category Special matrices
 */
export interface PascalOptions extends MatrixOptions {
  /** Whether the matrix is the symmetric one or one of its triangular factors. Default "symmetric". */
  readonly kind?: "symmetric" | "lower" | "upper";
}

/** The size, dtype and kind of Pascal's matrix. */
function readPascal(
  what: string,
  n: number,
  options: PascalOptions | undefined,
): { size: number; dtype: FloatDtype; kind: string } {
  const { kind = "symmetric", dtype } = readOptions(what, options, ["kind", "dtype"]);
  if (!["symmetric", "lower", "upper"].includes(kind)) {
    throw argumentError(
      `${what}: kind must be "symmetric", "lower" or "upper", got ${describeValue(kind)}`,
    );
  }
  return { ...readSize(what, n, dtype === undefined ? {} : { dtype }), kind };
}

/**
 * Pascal's matrix of binomial coefficients.
 *
 * @category Special matrices
 * @param n The number of rows.
 * @param options `kind`: `"symmetric"`, the default, with the elements `(i + j)! / (i! j!)`, or its
 * factor, `"lower"` or `"upper"`; `dtype`, the default float at first.
 * @returns `[n, n]`
 * @throws {ArgumentError} when `n` is not a number of rows or there is no such kind.
 *
 * @example Both kinds
 * ```ts
 * import { pascal } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(pascal(3), [[1, 1, 1], [1, 2, 3], [1, 3, 6]]);
 * assertTensorsClose(pascal(3, { kind: "lower" }), [[1, 0, 0], [1, 1, 0], [1, 2, 1]]);
 * ```
 */
export function pascal(n: number, options?: PascalOptions): Tensor {
  const what = "Cannot make Pascal's matrix";
  const { size, dtype, kind } = readPascal(what, n, options);
  return fromEntries(what, size, size, dtype, (i, j) => {
    if (kind === "symmetric") return choose(i + j, i);
    return kind === "lower" ? choose(i, j) : choose(j, i);
  });
}

/**
 * The inverse of Pascal's matrix, whose elements are integers.
 *
 * @category Special matrices
 * @param n The number of rows.
 * @param options `kind`: that of the matrix, `"symmetric"` by default, `"lower"` or `"upper"`; `dtype`,
 * the default float at first.
 * @returns `[n, n]`
 * @throws {ArgumentError} when `n` is not a number of rows or there is no such kind.
 *
 * @example Of three rows
 * ```ts
 * import { invpascal } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(invpascal(3), [[3, -3, 1], [-3, 5, -2], [1, -2, 1]]);
 * ```
 */
export function invpascal(n: number, options?: PascalOptions): Tensor {
  const what = "Cannot make the inverse of Pascal's matrix";
  const { size, dtype, kind } = readPascal(what, n, options);
  return fromEntries(what, size, size, dtype, (i, j) => {
    const sign = (i + j) % 2 === 0 ? 1 : -1;
    if (kind === "lower") return sign * choose(i, j);
    if (kind === "upper") return sign * choose(j, i);
    let sum = 0;
    for (let k = Math.max(i, j); k < size; k++) sum += choose(k, i) * choose(k, j);
    return sign * sum;
  });
}

/**
 * Options of `helmert`.
 *
 * @category Special matrices
 */
export interface HelmertOptions extends MatrixOptions {
  /** Whether the first row, of equal elements, is there. Default `false`. */
  readonly full?: boolean;
}

/**
 * Helmert's matrix: orthonormal rows, each of which compares an element with the mean of those before.
 *
 * @category Special matrices
 * @param n The number of columns, at least 1.
 * @param options `full`: whether the row of equal elements comes first, `false` by default; `dtype`, the
 * default float at first.
 * @returns `[n - 1, n]`, or `[n, n]` if it is full.
 * @throws {ArgumentError} when `n` is not a positive integer.
 *
 * @example Of two columns
 * ```ts
 * import { helmert } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(helmert(2), [[Math.SQRT1_2, -Math.SQRT1_2]]);
 * ```
 */
export function helmert(n: number, options?: HelmertOptions): Tensor {
  const what = "Cannot make Helmert's matrix";
  const { full = false, dtype } = readOptions(what, options, ["full", "dtype"]);
  checkFlag(full, what, "full");
  const { size, dtype: own } = readSize(what, n, dtype === undefined ? {} : { dtype });
  if (size === 0) throw argumentError(`${what}: expected at least one column, got 0`);
  const first = full ? 0 : 1;
  return fromEntries(what, size - first, size, own, (row, j) => {
    const i = row + first;
    if (i === 0) return 1 / Math.sqrt(size);
    return j < i ? 1 / Math.sqrt(i * (i + 1)) : j === i ? -Math.sqrt(i / (i + 1)) : 0;
  });
}

/**
 * Options of `dft`.
 *
 * @category Special matrices
 */
export interface DftOptions extends MatrixOptions {
  /** What divides the matrix: nothing by default, or `√n`, which makes it unitary, or `n`. */
  readonly scale?: "sqrtn" | "n";
}

/**
 * The matrix of the discrete Fourier transform, with the elements `exp(-2πi j k / n)`. To transform,
 * `fft.fft` is faster.
 *
 * @category Special matrices
 * @param n The number of rows.
 * @param options `scale`: `"sqrtn"` divides by the square root of `n`, `"n"` by `n`; `dtype`: that of
 * both parts, the default float at first.
 * @returns Complex `[n, n]`.
 * @throws {ArgumentError} when `n` is not a number of rows or there is no such scale.
 *
 * @example Of two rows
 * ```ts
 * import { real } from "@jacobi/jacobi";
 * import { dft } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(real(dft(2)), [[1, 1], [1, -1]]);
 * ```
 */
export function dft(n: number, options?: DftOptions): Tensor {
  const what = "Cannot make the matrix of Fourier's transform";
  const { scale, dtype } = readOptions(what, options, ["scale", "dtype"]);
  if (scale !== undefined && scale !== "sqrtn" && scale !== "n") {
    throw argumentError(`${what}: scale must be "sqrtn" or "n", got ${describeValue(scale)}`);
  }
  const { size, dtype: own } = readSize(what, n, dtype === undefined ? {} : { dtype });
  if (own !== "float32" && own !== "float64") {
    throw argumentError(`${what} of parts of dtype ${own}: expected float32 or float64`);
  }
  const divisor = scale === "sqrtn" ? Math.sqrt(size) : scale === "n" ? size : 1;
  const part = (which: 0 | 1) =>
    fromEntries(what, size, size, own, (i, j) => {
      const [re, im] = rootOfUnity((i * j) % size, size);
      return (which === 0 ? re : -im) / divisor;
    });
  return complex(part(0), part(1));
}
