/**
 * Grids, triangles and progressions: tensors made of counts and of ends, after NumPy.
 *
 * @module
 */
import {
  checkDtype,
  defaultFloat,
  describeValue,
  isComplex,
  isFloat,
  isInexact,
  partDtype,
} from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { argumentError, dtypeError, shapeError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import {
  checkAxis,
  checkNdim,
  checkShape,
  checkSize,
  MAX_NDIM,
  range,
  removeAt,
  showType,
} from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { DtypeOptions } from "../core/methods.ts";
import { allocateFor, Concrete, splat } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { abs, floor, mul, sign, sub } from "../primitives/arithmetic.ts";
import { equal, select } from "../primitives/comparison.ts";
import { concatenate, sliceAxis } from "../primitives/slicing.ts";
import {
  broadcast,
  broadcastAxis,
  constantLike,
  convert,
  iota,
  reshape,
} from "../primitives/structure.ts";
import { log10, pow } from "../primitives/transcendental.ts";
import { checkInteger, checkLength } from "./arguments.ts";
import { pow as raise } from "./arithmetic.ts";
import { broadcastTo, commonDtype } from "./broadcasting.ts";
import { linspace, ones, readSpacing } from "./creation.ts";
import type { EyeOptions, LinspaceOptions } from "./creation.ts";
import { tril } from "./diagonals.ts";
import { checkList } from "./joining.ts";
import { readDtype } from "./options.ts";

/**
 * Options of `meshgrid`.
 *
 * @category Creation
 */
export interface MeshgridOptions {
  /** Along which axis of the grid the first vector runs: the second (`"xy"`, the default) or its own. */
  readonly indexing?: "xy" | "ij";
  /** Whether results have length 1 along all axes but their own. Default `false`. */
  readonly sparse?: boolean;
}

/**
 * Options of `logspace`.
 *
 * @category Creation
 */
export interface LogspaceOptions extends LinspaceOptions {
  /** The number that is raised to the powers. Default 10. */
  readonly base?: number;
}

/**
 * Options of `trilIndices` and `triuIndices`.
 *
 * @category Creation
 */
export interface TriangleOptions {
  /** Which diagonal bounds the triangle: 0 is the main one, positive ones lie above. Default 0. */
  readonly diagonal?: number;
}

/**
 * Options of `vander`.
 *
 * @category Creation
 */
export interface VanderOptions {
  /** Whether exponents grow from 0, instead of falling to it. Default `false`. */
  readonly increasing?: boolean;
}

/**
 * Coordinates of the points of a grid, from those along each of its axes.
 *
 * @category Creation
 * @param list Vectors or scalars, one for each axis of the grid.
 * @param options `indexing`: `"xy"` (the default) has the first vector run along the second axis, as plots
 * do; `"ij"` has each run along its own. `sparse`: whether results keep length 1 along all other axes
 * (`false`).
 * @returns One tensor for each vector, all of the shape of the grid.
 * @throws {ShapeError} when an entry has more than one axis.
 * @throws {ArgumentError} when `indexing` is unknown.
 *
 * @example A grid of three by two
 * ```ts
 * import { meshgrid } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [x, y] = meshgrid([[1, 2, 3], [10, 20]]);
 * assertTensorsClose(x, [[1, 2, 3], [1, 2, 3]]);
 * assertTensorsClose(y, [[10, 10, 10], [20, 20, 20]]);
 * ```
 */
export function meshgrid(list: readonly TensorLike[], options?: MeshgridOptions): Tensor[] {
  const what = "Cannot make a grid";
  const { indexing = "xy", sparse = false } = readOptions(what, options, ["indexing", "sparse"]);
  if (indexing !== "xy" && indexing !== "ij") {
    throw argumentError(`${what}: expected indexing "xy" or "ij", got ${describeValue(indexing)}`);
  }
  checkFlag(sparse, what, "sparse");
  const lines = checkList(list, what).map((entry) => {
    const line = toTensor(entry, what);
    if (line.ndim < 2) return line;
    throw shapeError(`${what} of ${showType(line)}: expected vectors`);
  });
  checkNdim(lines.map(() => 1), what);
  const places = range(lines.length);
  if (indexing === "xy" && lines.length > 1) places.splice(0, 2, 1, 0);
  const shape = places.map((place) => lines[place].size);
  checkSize(shape, what);
  return lines.map((line, i) => {
    const own = shape.map((_, axis) => axis === places[i] ? line.size : 1);
    const thin = reshape(line, own);
    return sparse ? thin : broadcastTo(thin, shape);
  });
}

/**
 * The index of each element of a shape along each of its axes.
 *
 * @category Creation
 * @param shape Any shape.
 * @param options `dtype`: that of the indices. Default `int32`.
 * @returns `[axes of shape, ...shape]`: first the indices along axis 0, and so on.
 * @throws {ShapeError} when `shape` is not a shape.
 *
 * @example Rows and columns
 * ```ts
 * import assert from "node:assert/strict";
 * import { indices, unstack } from "@jacobi/jacobi";
 *
 * const [rows, columns] = unstack(indices([2, 2]));
 * assert.deepEqual(rows.toArray(), [[0, 0], [1, 1]]);
 * assert.deepEqual(columns.toArray(), [[0, 1], [0, 1]]);
 * ```
 */
export function indices(shape: Shape, options?: DtypeOptions): Tensor {
  const what = "Cannot make indices";
  const dtype = readDtype(what, options, "int32");
  const own = checkShape(shape, what);
  checkShape([own.length, ...own], what);
  if (own.length === 0) return splat(0, dtype, [0]);
  return convert(
    concatenate(own.map((_, axis) => reshape(indexAlong(own, axis), [1, ...own])), 0),
    dtype,
  );
}

/** The index along an axis, at each element. */
function indexAlong(shape: Shape, axis: number): Tensor {
  return broadcast(iota(shape[axis]), shape, [axis]);
}

/**
 * A tensor made by a function of the indices of its elements, which are tensors of the whole shape.
 *
 * @category Creation
 * @param f Called once, with a tensor of indices for each axis.
 * @param shape The shape of the indices.
 * @param options `dtype`: that of the indices, `configure({ defaultFloat })` by default.
 * @returns The result of `f`.
 * @throws {ShapeError} when `shape` is not a shape.
 *
 * @example Sums of indices
 * ```ts
 * import { add, fromFunction } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(fromFunction((i, j) => add(i, j), [2, 2]), [[0, 1], [1, 2]]);
 * ```
 */
export function fromFunction<T>(
  f: (...indices: Tensor[]) => T,
  shape: Shape,
  options?: DtypeOptions,
): T {
  const what = "Cannot make a tensor from a function";
  if (typeof f !== "function") {
    throw argumentError(`${what}: expected a function of indices, got ${describeValue(f)}`);
  }
  const dtype = readDtype(what, options, defaultFloat());
  const own = checkShape(shape, what);
  return f(...own.map((_, axis) => convert(indexAlong(own, axis), dtype)));
}

/**
 * Numbers whose logarithms are evenly spaced: powers of `base` from `base ** start` to `base ** stop`.
 *
 * @category Creation
 * @param start The first exponent, a number or a tensor.
 * @param stop The last exponent, which broadcasts with `start`.
 * @param count How many numbers. Default 50.
 * @param options `base` (10 by default), `endpoint`, `axis` and `dtype`, as `linspace` has them.
 * @returns As `linspace`.
 * @throws {ArgumentError} when an end is a number, but not finite, `count` no length, or `base` no number.
 * @throws {ShapeError} when the ends do not broadcast.
 *
 * @example Powers of ten
 * ```ts
 * import { logspace } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(logspace(0, 3, 4), [1, 10, 100, 1000]);
 * ```
 */
export function logspace(
  start: TensorLike,
  stop: TensorLike,
  count?: number,
  options?: LogspaceOptions,
): Tensor {
  const what = "Cannot make logarithmically spaced numbers";
  const { base = 10, dtype, ...rest } = readOptions(what, options, [
    "base",
    "endpoint",
    "axis",
    "dtype",
  ]);
  if (typeof base !== "number") {
    throw argumentError(`${what}: expected a number as base, got ${describeValue(base)}`);
  }
  const result = spacedDtype(what, [start, stop], dtype);
  const exponents = linspace(start, stop, count, { ...rest, dtype: "float64" });
  return asSpaced(pow(constantLike(exponents, base), exponents), result);
}

/** The dtype of spaced numbers: what was asked for, or that of the ends. */
function spacedDtype(what: string, ends: readonly TensorLike[], dtype: Dtype | undefined): Dtype {
  if (dtype !== undefined) checkDtype(dtype);
  const common = commonDtype(what, ends);
  if (isComplex(common)) {
    throw dtypeError(`${what} between complex numbers: expected real ones; use exp of linspace`);
  }
  return dtype ?? (isFloat(common) ? common : defaultFloat());
}

/** Numbers of double precision in the dtype of the result; integers are rounded down. */
function asSpaced(x: Tensor, dtype: Dtype): Tensor {
  return convert(isInexact(dtype) ? x : floor(x), dtype);
}

/**
 * Numbers in geometric progression: each is the one before it times a constant.
 *
 * @category Creation
 * @param start The first number, not 0: a number or a tensor.
 * @param stop The last number, of the same sign, which broadcasts with `start` and is met exactly.
 * @param count How many numbers. Default 50.
 * @param options `endpoint`, `axis` and `dtype`, as `linspace` has them.
 * @returns As `linspace`. Ends that are tensors and differ in sign, or are 0, give NaN.
 * @throws {ArgumentError} when an end is a number that is 0 or not finite, both differ in sign, or `count`
 * is no length.
 * @throws {ShapeError} when the ends do not broadcast.
 *
 * @example Powers of two
 * ```ts
 * import { geomspace } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(geomspace(1, 16, 5), [1, 2, 4, 8, 16]);
 * ```
 */
export function geomspace(
  start: TensorLike,
  stop: TensorLike,
  count?: number,
  options?: LinspaceOptions,
): Tensor {
  if (count === undefined) count = 50;
  const what = "Cannot make geometrically spaced numbers";
  const { dtype, endpoint, axis, ends } = readSpacing(what, start, stop, options);
  if (typeof start === "number" && typeof stop === "number" && !(start * stop > 0)) {
    throw argumentError(
      `${what} from ${start} to ${stop}: expected numbers other than 0 and of one sign`,
    );
  }
  const result = spacedDtype(what, [start, stop], dtype);
  const [first, last] = ends.map((end) => convert(end, "float64"));
  // The logarithms of the sizes; ends of different signs have no numbers between them.
  const [from, to] = [first, last].map((end) => log10(abs(end)));
  const powers = linspace(from, to, count, { endpoint, axis });
  const at = checkAxis(axis, powers.ndim, what);
  const along = (end: Tensor, length: number): Tensor =>
    broadcastAxis(broadcastTo(end, removeAt(powers.shape, at)), at, length);
  const [left, right] = [first, last].map((end) => sign(along(end, count)));
  const signs = select(equal(left, right), left, constantLike(left, NaN));
  const numbers = mul(signs, pow(constantLike(powers, 10), powers));
  // The ends are met exactly.
  const [begin, end] = [Math.min(count, 1), endpoint && count > 1 ? count - 1 : count];
  return asSpaced(
    concatenate([
      mul(along(first, begin), abs(sliceAxis(signs, at, 0, begin))),
      sliceAxis(numbers, at, begin, Math.max(begin, end)),
      mul(
        along(last, count - Math.max(begin, end)),
        abs(sliceAxis(signs, at, Math.max(begin, end), count)),
      ),
    ], at),
    result,
  );
}

/**
 * A matrix with ones on and below a diagonal, and zeros above.
 *
 * @category Creation
 * @param rows The number of rows.
 * @param columns The number of columns. Default `rows`.
 * @param options `diagonal`: the highest diagonal of ones, 0 by default, the main one; and the dtype
 * (`configure({ defaultFloat })` by default).
 * @returns `[rows, columns]`
 * @throws {ArgumentError} when a number is no length, or the diagonal no integer.
 *
 * @example A triangle of ones
 * ```ts
 * import { tri } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(tri(2, 3, { diagonal: 1 }), [[1, 1, 0], [1, 1, 1]]);
 * ```
 */
export function tri(rows: number, columns?: number, options?: EyeOptions): Tensor {
  const what = "Cannot make a triangle";
  const { diagonal = 0, dtype = defaultFloat() } = readOptions(what, options, [
    "diagonal",
    "dtype",
  ]);
  return tril(ones(readSides(what, rows, columns), { dtype }), diagonal);
}

/** The shape of a matrix. */
function readSides(what: string, rows: number, columns: number | undefined): Shape {
  const height = checkLength(rows, what, "a number of rows");
  return checkShape(
    [height, columns === undefined ? height : checkLength(columns, what, "a number of columns")],
    what,
  );
}

/**
 * The rows and columns of the places on and below a diagonal of a matrix, row by row.
 *
 * @category Creation
 * @param rows The number of rows.
 * @param columns The number of columns. Default `rows`.
 * @param options `diagonal`: the highest one, 0 by default.
 * @returns Two vectors of indices, `int32`.
 * @throws {ArgumentError} when a number is no length, or the diagonal no integer.
 *
 * @example Below the diagonal
 * ```ts
 * import { trilIndices } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [rows, columns] = trilIndices(2);
 * assertTensorsClose(rows, new Int32Array([0, 1, 1]));
 * assertTensorsClose(columns, new Int32Array([0, 0, 1]));
 * ```
 */
export function trilIndices(
  rows: number,
  columns?: number,
  options?: TriangleOptions,
): [rows: Tensor, columns: Tensor] {
  const { shape, diagonal } = readTriangle(rows, columns, options);
  return placesWhere(
    shape,
    countBelow(shape, diagonal),
    [Math.max(0, -diagonal), shape[0]],
    (row) => [
      0,
      Math.min(row + diagonal + 1, shape[1]),
    ],
  );
}

/**
 * The rows and columns of the places on and above a diagonal of a matrix, row by row.
 *
 * @category Creation
 * @param rows The number of rows.
 * @param columns The number of columns. Default `rows`.
 * @param options `diagonal`: the lowest one, 0 by default.
 * @returns Two vectors of indices, `int32`.
 * @throws {ArgumentError} when a number is no length, or the diagonal no integer.
 *
 * @example Above the diagonal
 * ```ts
 * import { triuIndices } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [rows, columns] = triuIndices(2);
 * assertTensorsClose(rows, new Int32Array([0, 0, 1]));
 * assertTensorsClose(columns, new Int32Array([0, 1, 1]));
 * ```
 */
export function triuIndices(
  rows: number,
  columns?: number,
  options?: TriangleOptions,
): [rows: Tensor, columns: Tensor] {
  const { shape, diagonal } = readTriangle(rows, columns, options);
  const count = shape[0] * shape[1] - countBelow(shape, diagonal - 1);
  return placesWhere(shape, count, [0, Math.min(shape[0], shape[1] - diagonal)], (row) => [
    Math.max(row + diagonal, 0),
    shape[1],
  ]);
}

/** The arguments of functions of triangles. */
function readTriangle(
  rows: number,
  columns: number | undefined,
  options: TriangleOptions | undefined,
): { readonly shape: Shape; readonly diagonal: number } {
  const what = "Cannot take the places of a triangle";
  const { diagonal = 0 } = readOptions(what, options, ["diagonal"]);
  checkInteger(diagonal, what, "an integer diagonal");
  return { shape: readSides(what, rows, columns), diagonal };
}

/** How many places of a matrix are on or below a diagonal. */
function countBelow([rows, columns]: Shape, diagonal: number): number {
  const first = Math.max(0, -diagonal);
  const count = Math.max(0, rows - first);
  const least = Math.min(first + diagonal + 1, columns);
  const growing = Math.min(count, columns - least);
  return growing * least + growing * (growing - 1) / 2 + (count - growing) * columns;
}

/** The `count` places of a matrix within some rows, and a range of columns of each. */
function placesWhere(
  [, columns]: Shape,
  count: number,
  [first, end]: readonly [first: number, end: number],
  columnsOf: (row: number) => readonly [start: number, stop: number],
): [Tensor, Tensor] {
  const shape = checkShape([count], "Cannot take the places of a triangle");
  const found = [0, 1].map(() => allocateFor({ dtype: "int32", shape }));
  let next = 0;
  for (let row = first; row < end && columns > 0; row++) {
    const [start, stop] = columnsOf(row);
    for (let column = start; column < stop; column++, next++) {
      found[0][next] = row;
      found[1][next] = column;
    }
  }
  const [row, column] = found.map((elements) => new Concrete("int32", shape, elements));
  return [row, column];
}

/**
 * The indices of the main diagonal of a tensor whose axes are all equally long.
 *
 * @category Creation
 * @param count The length of the axes.
 * @param ndim How many axes. Default 2.
 * @returns One vector `0, 1, ..., count - 1` for each axis, `int32`.
 * @throws {ArgumentError} when a number is no length.
 *
 * @example The diagonal
 * ```ts
 * import { diagIndices } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [rows, columns] = diagIndices(2);
 * assertTensorsClose(rows, new Int32Array([0, 1]));
 * assertTensorsClose(columns, new Int32Array([0, 1]));
 * ```
 */
export function diagIndices(count: number, ndim?: number): Tensor[] {
  const what = "Cannot take the places of a diagonal";
  const axes = ndim === undefined ? 2 : checkLength(ndim, what, "a number of axes");
  const [length] = checkShape([checkLength(count, what, "a length of axes")], what);
  if (axes > MAX_NDIM) {
    throw argumentError(`${what} of ${axes} axes: at most ${MAX_NDIM} are possible`);
  }
  return range(axes).map(() => iota(length));
}

/**
 * Powers of the elements of a vector, one column for each exponent (a Vandermonde matrix).
 *
 * @category Creation
 * @param x A vector `[n]`.
 * @param columns How many powers. Default `n`.
 * @param options `increasing`: whether exponents grow from 0 instead of falling to it (`false`).
 * @returns `[n, columns]`, in the dtype of `x`.
 * @throws {ShapeError} when `x` is not a vector.
 * @throws {ArgumentError} when `columns` is no length.
 *
 * @example Falling powers
 * ```ts
 * import { vander } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(vander([2, 3], 3), [[4, 2, 1], [9, 3, 1]]);
 * ```
 */
export function vander(x: TensorLike, columns?: number, options?: VanderOptions): Tensor {
  const what = "Cannot make a Vandermonde matrix";
  const { increasing = false } = readOptions(what, options, ["increasing"]);
  checkFlag(increasing, what, "increasing");
  const given = toTensor(x, what);
  const vector = given.dtype === "bool" ? convert(given, "int32") : given;
  if (vector.ndim !== 1) throw shapeError(`${what} of ${showType(given)}: expected a vector`);
  const count = columns === undefined
    ? vector.size
    : checkLength(columns, what, "a number of columns");
  const shape = checkShape([vector.size, count], what);
  const counted = iota(count, "int32");
  const exponents = convert(
    increasing ? counted : sub(constantLike(counted, count - 1), counted),
    isComplex(vector.dtype) ? partDtype(vector.dtype) : vector.dtype,
  );
  return raise(broadcast(vector, shape, [0]), broadcast(exponents, shape, [1]));
}
