/**
 * Sets of elements: what occurs, how often, and in which of two tensors. How many different elements there
 * are depends on the values; in compiled code, `size` says how many places the result has.
 *
 * @module
 */
import { checkFlag, readOptions } from "../base/options.ts";
import { checkAxis, range, showType, sizeOf } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import { splat } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { maximum, minimum, offset, sub } from "../primitives/arithmetic.ts";
import { and, equal, less, not, or, xor } from "../primitives/comparison.ts";
import { gather, scatterSet } from "../primitives/indexing.ts";
import { argsort } from "../primitives/ordering.ts";
import { cumsum } from "../primitives/reduction.ts";
import { insertionPlaces } from "../primitives/searching.ts";
import { concatenate, sliceAxis } from "../primitives/slicing.ts";
import {
  broadcast,
  constantLike,
  convert,
  iota,
  moveAxis,
  reduceSum,
  reshape,
} from "../primitives/structure.ts";
import { promoteTogether } from "./broadcasting.ts";
import { firstPositions } from "./chosen.ts";
import { isnan, where } from "./comparison.ts";
import { realOperand } from "./operands.ts";
import {
  checkSizeOption,
  chosenPositions,
  orderBy,
  type SizeOptions,
  takeFilled,
} from "./search.ts";

/**
 * Options of `unique` and its like.
 *
 * @category Sorting and searching
 */
export interface UniqueOptions {
  /** The axis whose slices are compared; left out or `null`: the elements of the flattened tensor. */
  readonly axis?: number | null;
  /** The number of places in the results; needed where the values are traced. Default: all that are found. */
  readonly size?: number;
  /** The value of the remaining places; the smallest element by default, as in JAX. */
  readonly fillValue?: number;
}

/**
 * The result of {@linkcode uniqueAll}.
 *
 * @category Sorting and searching
 */
export interface Unique {
  /** The different elements, or slices, in ascending order. */
  readonly values: Tensor;
  /** Where each of them occurs first: `int32` `[count]`. */
  readonly indices: Tensor;
  /** For each element, or slice, its place among the values: `int32`. */
  readonly inverse: Tensor;
  /** How often each of them occurs: `int32` `[count]`. */
  readonly counts: Tensor;
}

const NAMES = ["axis", "size", "fillValue"] as const;

/**
 * The different elements of a tensor, in ascending order. All NaN are one element.
 *
 * @category Sorting and searching
 * @param x Any shape, of real numbers.
 * @param options `axis`: the axis whose slices are compared instead of elements; `size`: how many places
 * the result has, needed where `x` is traced; `fillValue`: the value of the remaining places, the smallest
 * element by default.
 * @returns `[count]`, or `x` with `count` slices along the axis. The derivative goes to the first of equal
 * elements.
 * @throws {AxisError} when the axis is out of range.
 * @throws {TraceError} when `x` is traced and not known, and there is no `size`.
 *
 * @example Elements, and rows
 * ```ts
 * import { unique } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(unique([3, 1, 3, 2]), [1, 2, 3]);
 * assertTensorsClose(unique([[1, 2], [0, 5], [1, 2]], { axis: 0 }), [[0, 5], [1, 2]]);
 * ```
 */
export function unique(x: TensorLike, options?: UniqueOptions): Tensor {
  return uniqueOf(x, options).values();
}

/**
 * The different elements of a tensor, where they occur first, which one each element is, and how often
 * they occur.
 *
 * @category Sorting and searching
 * @param x Any shape, of real numbers.
 * @param options `axis`, `size`, `fillValue`: those of {@linkcode unique}. In the places that are left,
 * indices are those of the smallest element and counts are 0.
 * @returns The values, and as `int32` the indices `[count]`, the inverse in the shape of `x` (one axis
 * with `axis`), and the counts `[count]`.
 * @throws {AxisError} when the axis is out of range.
 * @throws {TraceError} when `x` is traced and not known, and there is no `size`.
 *
 * @example All of it
 * ```ts
 * import { uniqueAll } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const { values, indices, inverse, counts } = uniqueAll([3, 1, 3]);
 * assertTensorsClose(values, [1, 3]);
 * assertTensorsClose(indices, [1, 0]);
 * assertTensorsClose(inverse, [1, 0, 1]);
 * assertTensorsClose(counts, [1, 2]);
 * ```
 */
export function uniqueAll(x: TensorLike, options?: UniqueOptions): Unique {
  const found = uniqueOf(x, options);
  return {
    values: found.values(),
    indices: found.indices(),
    inverse: found.inverse(),
    counts: found.counts(),
  };
}

/**
 * The different elements of a tensor, and how often they occur.
 *
 * @category Sorting and searching
 * @param x Any shape, of real numbers.
 * @param options `axis`, `size`, `fillValue`: those of {@linkcode unique}.
 * @returns The values, and their counts `[count]` as `int32`.
 * @throws {AxisError} when the axis is out of range.
 * @throws {TraceError} when `x` is traced and not known, and there is no `size`.
 *
 * @example Counts
 * ```ts
 * import { uniqueCounts } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(uniqueCounts([3, 1, 3]).counts, [1, 2]);
 * ```
 */
export function uniqueCounts(
  x: TensorLike,
  options?: UniqueOptions,
): Pick<Unique, "values" | "counts"> {
  const found = uniqueOf(x, options);
  return { values: found.values(), counts: found.counts() };
}

/**
 * The different elements of a tensor, and which one each element is.
 *
 * @category Sorting and searching
 * @param x Any shape, of real numbers.
 * @param options `axis`, `size`, `fillValue`: those of {@linkcode unique}.
 * @returns The values, and the inverse: `int32`, in the shape of `x` (one axis with `axis`).
 * @throws {AxisError} when the axis is out of range.
 * @throws {TraceError} when `x` is traced and not known, and there is no `size`.
 *
 * @example Labels as numbers
 * ```ts
 * import { uniqueInverse } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(uniqueInverse([30, 10, 30]).inverse, [1, 0, 1]);
 * ```
 */
export function uniqueInverse(
  x: TensorLike,
  options?: UniqueOptions,
): Pick<Unique, "values" | "inverse"> {
  const found = uniqueOf(x, options);
  return { values: found.values(), inverse: found.inverse() };
}

/** The distinct elements, with their positions and counts; each part is computed on demand. */
function uniqueOf(
  x: TensorLike,
  options: UniqueOptions | undefined,
): { readonly [Name in keyof Unique]: () => Tensor } {
  const what = "Cannot find the different elements of";
  const given = realOperand("unique", toTensor(x, what));
  const { axis, size, fillValue } = readOptions(what, options, NAMES);
  const isFlat = axis === undefined || axis === null;
  const value = isFlat ? reshape(given, [given.size]) : given;
  const at = isFlat ? 0 : checkAxis(axis, value.ndim, `${what} ${showType(value)}`);
  const length = value.shape[at];
  const rows = moveAxis(value, at, 0);
  const width = sizeOf(rows.shape.slice(1));
  const columns = reshape(rows, [length, width]);
  const column = (i: number) => reshape(sliceAxis(columns, 1, i, i + 1), [length]);
  // The first column decides first.
  const keys = range(width).map((i) => column(width - 1 - i));
  const order = keys.length === 0 ? iota(length) : orderBy(keys);
  const sorted = gather(columns, order);
  const begins = beginsRow(sorted);
  const places = chosenPositions(begins, checkSizeOption(size, `${what} ${showType(given)}`));
  const isThere = not(less(places, constantLike(places, 0)));
  const first = maximum(places, constantLike(places, 0));
  const indices = () => length === 0 ? splat(0, "int32", places.shape) : gather(order, first);
  return {
    indices,
    values: () => {
      const fill = fillValue ??
        (length === 0 ? 0 : gather(rows, gather(order, splat(0, "int32", []))));
      if (length === 0) return moveAxis(takeFilled(rows, places, 0, fill), 0, at);
      const chosen = gather(rows, indices());
      if (size === undefined || fillValue === undefined) return moveAxis(chosen, 0, at);
      return moveAxis(where(broadcast(isThere, chosen.shape, [0]), chosen, fillValue), 0, at);
    },
    counts: () => {
      // The positions where runs begin, including the end of the last run.
      const edges = size === undefined
        ? concatenate([places, splat(length, "int32", [1])], 0)
        : firstPositions(begins, size + 1, length);
      const count = edges.size - 1;
      return sub(sliceAxis(edges, 0, 1, count + 1), sliceAxis(edges, 0, 0, count));
    },
    inverse: () => {
      const ranks = offset(cumsum(convert(begins, "int32"), 0), -1);
      const inverse = scatterSet(constantLike(ranks, 0), ranks, order);
      return isFlat ? reshape(inverse, given.shape) : inverse;
    },
  };
}

/** Whether each of some sorted rows differs from the one before; all NaN are one element. */
function beginsRow(sorted: Tensor): Tensor {
  const [length, width] = sorted.shape;
  if (length === 0) return splat(1, "bool", [0]);
  const [before, behind] = [sliceAxis(sorted, 0, 0, length - 1), sliceAxis(sorted, 0, 1, length)];
  const isSame = or(equal(before, behind), and(isnan(before), isnan(behind)));
  const same = reduceSum(convert(isSame, "int32"), [1]);
  return concatenate([splat(1, "bool", [1]), less(same, constantLike(same, width))], 0);
}

/**
 * Options of `isin`.
 *
 * @category Sorting and searching
 */
export interface IsinOptions {
  /** Whether to negate the result. Default `false`. */
  readonly invert?: boolean;
}

/**
 * Whether each element occurs in another tensor. NaN occurs nowhere.
 *
 * @category Sorting and searching
 * @param x Any shape, of real numbers.
 * @param test The elements to look for, any shape.
 * @param options `invert`: whether to find the elements that do not occur, `false` by default.
 * @returns `bool`, the shape of `x`.
 *
 * @example Members
 * ```ts
 * import { isin } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(isin([1, 2, 3], [3, 1]), [true, false, true]);
 * ```
 */
export function isin(x: TensorLike, test: TensorLike, options?: IsinOptions): Tensor {
  const what = "Cannot look for";
  const { invert = false } = readOptions(what, options, ["invert"]);
  checkFlag(invert, what, "invert");
  const [value, list] = readPair(what, "isin", x, test, true);
  const found = occursIn(value, list);
  return invert ? not(found) : found;
}

/** Two tensors of real numbers in one dtype, the second as one axis. */
function readPair(
  what: string,
  name: string,
  x: TensorLike,
  y: TensorLike,
  isWide = false,
): [Tensor, Tensor] {
  const [value, list] = promoteTogether(what, [x, y], isWide).map((part) =>
    realOperand(name, part)
  );
  return [value, reshape(list, [list.size])];
}

/** Whether elements of `x` are among those of `list`. */
function occursIn(x: Tensor, list: Tensor): Tensor {
  if (list.size === 0) return splat(0, "bool", x.shape);
  const sorted = gather(list, argsort(list, 0, false));
  const place = insertionPlaces(sorted, x, "left");
  const held = minimum(place, constantLike(place, list.size - 1));
  return equal(gather(sorted, held), x);
}

/** The different ones among elements of which `keep` tells, in ascending order. */
function differentOf(
  what: string,
  x: Tensor,
  keep: (sorted: Tensor, begins: Tensor) => Tensor,
  options: SizeOptions | undefined,
): Tensor {
  const { size, fillValue } = readOptions(what, options, ["size", "fillValue"]);
  const sorted = x.size === 0 ? x : gather(x, argsort(x, 0, false));
  const begins = beginsRow(reshape(sorted, [x.size, 1]));
  const mask = and(begins, keep(sorted, begins));
  const places = chosenPositions(mask, checkSizeOption(size, what));
  return takeFilled(sorted, places, 0, fillValue ?? 0);
}

/**
 * The different elements that occur in both of two tensors, in ascending order.
 *
 * @category Sorting and searching
 * @param x Any shape, of real numbers.
 * @param y Any shape, of real numbers.
 * @param options `size`: how many places the result has, needed where a tensor is traced; `fillValue`: the
 * value of the remaining places, 0 by default.
 * @returns `[count]`, the common dtype.
 * @throws {TraceError} when a tensor is traced and not known, and there is no `size`.
 *
 * @example Elements of both
 * ```ts
 * import { intersect1d } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(intersect1d([1, 3, 3, 4], [3, 1, 5]), [1, 3]);
 * ```
 */
export function intersect1d(x: TensorLike, y: TensorLike, options?: SizeOptions): Tensor {
  const what = "Cannot intersect";
  const [value, list] = readPair(what, "intersect1d", x, y);
  const flat = reshape(value, [value.size]);
  return differentOf(what, flat, (sorted) => occursIn(sorted, list), options);
}

/**
 * The different elements that occur in either of two tensors, in ascending order.
 *
 * @category Sorting and searching
 * @param x Any shape, of real numbers.
 * @param y Any shape, of real numbers.
 * @param options `size`, `fillValue`: those of {@linkcode intersect1d}.
 * @returns `[count]`, the common dtype.
 * @throws {TraceError} when a tensor is traced and not known, and there is no `size`.
 *
 * @example Elements of either
 * ```ts
 * import { union1d } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(union1d([1, 3], [2, 3]), [1, 2, 3]);
 * ```
 */
export function union1d(x: TensorLike, y: TensorLike, options?: SizeOptions): Tensor {
  const what = "Cannot unite";
  const [value, list] = readPair(what, "union1d", x, y);
  const both = concatenate([reshape(value, [value.size]), list], 0);
  return differentOf(what, both, (_, begins) => begins, options);
}

/**
 * The different elements of the first tensor that do not occur in the second, in ascending order.
 *
 * @category Sorting and searching
 * @param x Any shape, of real numbers.
 * @param y Any shape, of real numbers.
 * @param options `size`, `fillValue`: those of {@linkcode intersect1d}.
 * @returns `[count]`, the common dtype.
 * @throws {TraceError} when a tensor is traced and not known, and there is no `size`.
 *
 * @example Elements of the first only
 * ```ts
 * import { setdiff1d } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(setdiff1d([1, 3, 2], [3, 4]), [1, 2]);
 * ```
 */
export function setdiff1d(x: TensorLike, y: TensorLike, options?: SizeOptions): Tensor {
  const what = "Cannot take the difference of sets of";
  const [value, list] = readPair(what, "setdiff1d", x, y);
  const flat = reshape(value, [value.size]);
  return differentOf(what, flat, (sorted) => not(occursIn(sorted, list)), options);
}

/**
 * The different elements that occur in one of two tensors only, in ascending order.
 *
 * @category Sorting and searching
 * @param x Any shape, of real numbers.
 * @param y Any shape, of real numbers.
 * @param options `size`, `fillValue`: those of {@linkcode intersect1d}.
 * @returns `[count]`, the common dtype.
 * @throws {TraceError} when a tensor is traced and not known, and there is no `size`.
 *
 * @example Elements of exactly one
 * ```ts
 * import { setxor1d } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(setxor1d([1, 3, 2], [3, 4]), [1, 2, 4]);
 * ```
 */
export function setxor1d(x: TensorLike, y: TensorLike, options?: SizeOptions): Tensor {
  const what = "Cannot take the difference of sets of";
  const [value, list] = readPair(what, "setxor1d", x, y);
  const flat = reshape(value, [value.size]);
  const isInOne = (sorted: Tensor) => xor(occursIn(sorted, flat), occursIn(sorted, list));
  // NaN equals nothing: it counts as in one of both.
  const keep = (sorted: Tensor) => or(isInOne(sorted), isnan(sorted));
  return differentOf(what, concatenate([flat, list], 0), keep, options);
}
