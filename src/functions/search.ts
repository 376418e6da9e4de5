/**
 * Finding: positions in sorted elements, positions where a mask is true, orders by several keys. How many
 * elements a mask chooses depends on its values; in compiled code, `size` says how many places the result
 * has.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError, axisError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { checkAxis, checkSize, range, sameShape, showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { AxisOptions } from "../core/methods.ts";
import { splat, Tensor } from "../core/tensor.ts";
import type { TensorLike } from "../core/tensor.ts";
import { maximum } from "../primitives/arithmetic.ts";
import { less, lessEqual, select } from "../primitives/comparison.ts";
import { gather } from "../primitives/indexing.ts";
import { argsort as strictArgsort } from "../primitives/ordering.ts";
import { insertionPlaces } from "../primitives/searching.ts";
import { sliceAxis } from "../primitives/slicing.ts";
import { broadcast, constantLike, convert, moveAxis, reshape } from "../primitives/structure.ts";
import { takeAlongAxis } from "./along_axis.ts";
import { checkInteger, checkLength, isScalarAxis, toIndices } from "./arguments.ts";
import { promoteTogether } from "./broadcasting.ts";
import { firstPositions, knownPositions, splitPositions } from "./chosen.ts";
import { where as chooseWhere } from "./comparison.ts";
import { stack } from "./joining.ts";
import { realOperand } from "./operands.ts";
import { argsort, sort, takeAlongLast } from "./ordering.ts";
import { fromFront } from "./index_tensors.ts";

/**
 * Options of `searchsorted`.
 *
 * @category Sorting and searching
 */
export interface SearchsortedOptions {
  /** On which side of equal elements the place is; `"left"` by default. */
  readonly side?: "left" | "right";
  /** The order that sorts the elements, as returned by `argsort`: integers `[n]`. */
  readonly sorter?: TensorLike;
}

/**
 * Where elements would have to be inserted to keep the order: a binary search for each. NaN is the
 * largest of all.
 *
 * @category Sorting and searching
 * @param sorted `[n]`, in ascending order.
 * @param values Any shape.
 * @param options `side`: `"left"` of equal elements, the default, or `"right"`; `sorter`: the order in
 * which `sorted` is sorted.
 * @returns `int32`, the shape of `values`: numbers from 0 to n.
 * @throws {ShapeError} when `sorted` has not one axis.
 * @throws {ArgumentError} when the side is unknown.
 *
 * @example Both sides
 * ```ts
 * import { searchsorted } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(searchsorted([1, 2, 2, 3], [2, 5]), [1, 4]);
 * assertTensorsClose(searchsorted([1, 2, 2, 3], [2, 5], { side: "right" }), [3, 4]);
 * ```
 */
export function searchsorted(
  sorted: TensorLike,
  values: TensorLike,
  options?: SearchsortedOptions,
): Tensor {
  const what = "Cannot search";
  const { side = "left", sorter } = readOptions(what, options, ["side", "sorter"]);
  if (side !== "left" && side !== "right") {
    throw argumentError(`${what}: expected a side "left" or "right", got ${describeValue(side)}`);
  }
  const [list, wanted] = promoteTogether(what, [sorted, values], true)
    .map((x) => realOperand("searchsorted", x));
  if (list.ndim !== 1) throw shapeError(`${what} in ${showType(list)}: expected one axis`);
  if (sorter === undefined) return insertionPlaces(list, wanted, side);
  const order = toIndices(sorter, what);
  if (!sameShape(order.shape, list.shape)) {
    throw shapeError(
      `${what} in ${showType(list)} by the sorter ${showType(order)}: the shapes differ`,
    );
  }
  return insertionPlaces(gather(list, fromFront(order, list.size, 0, what)), wanted, side);
}

/**
 * Options of functions whose results have as many elements as a mask chooses.
 *
 * @category Sorting and searching
 */
export interface SizeOptions {
  /** The number of places in the result; needed where the values are traced. Default: all that are found. */
  readonly size?: number;
  /** The value of the remaining places. Default 0. */
  readonly fillValue?: number;
}

/**
 * Options of `nonzero` and `argwhere`.
 *
 * @category Sorting and searching
 */
export interface NonzeroOptions {
  /** The number of places in the result; needed where the values are traced. Default: all that are found. */
  readonly size?: number;
  /** The value of the remaining places: one number, or one for each axis. Default 0. */
  readonly fillValue?: number | readonly number[];
}

/** `size`, where it is one. */
export function checkSizeOption(size: number | undefined, what: string): number | undefined {
  if (size !== undefined) checkSize([checkLength(size, what, "a size")], what);
  return size;
}

/** Row-major positions where `mask` is true, followed by -1 up to `size`. */
export function chosenPositions(mask: Tensor, size: number | undefined): Tensor {
  if (size !== undefined) return firstPositions(mask, size, -1);
  const advice = "how many these are is not known yet; give their number as the option size";
  return knownPositions(mask.concrete("find the chosen elements by", advice));
}

/**
 * Positions of the elements that are not zero (or are true), in row-major order.
 *
 * @category Sorting and searching
 * @param x Any shape of one axis or more.
 * @param options `size`: how many places the results have, needed where the values of `x` are traced;
 * `fillValue`: the value of the remaining places, 0 by default.
 * @returns For each axis of `x` the positions on it, `int32` `[count]`; as a list of entries they name
 * the elements in an index.
 * @throws {ShapeError} when `x` is a scalar.
 * @throws {TraceError} when the values of `x` are traced and not known, and there is no `size`.
 *
 * @example In a matrix
 * ```ts
 * import { nonzero } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [rows, columns] = nonzero([[0, 3], [4, 0]]);
 * assertTensorsClose(rows, [0, 1]);
 * assertTensorsClose(columns, [1, 0]);
 * ```
 */
export function nonzero(x: TensorLike, options?: NonzeroOptions): Tensor[] {
  const what = "Cannot find the nonzero elements of";
  const value = toTensor(x, what);
  const { size, fillValue = 0 } = readOptions(what, options, ["size", "fillValue"]);
  if (value.ndim === 0) throw shapeError(`${what} ${showType(value)}: expected an axis`);
  const fills = Array.isArray(fillValue) ? fillValue : value.shape.map(() => fillValue as number);
  if (fills.length !== value.ndim) {
    throw argumentError(
      `${what} ${showType(value)}: expected one fillValue or ${value.ndim}, got ${fills.length}`,
    );
  }
  fills.forEach((fill) => checkInteger(fill, what, "integers as fillValue"));
  const flat = chosenPositions(
    convert(value, "bool"),
    checkSizeOption(size, `${what} ${showType(value)}`),
  );
  const isFilled = less(flat, constantLike(flat, 0));
  const positions = splitPositions(maximum(flat, constantLike(flat, 0)), value.shape);
  if (size === undefined) return positions;
  return positions.map((places, axis) =>
    select(isFilled, constantLike(places, fills[axis]), places)
  );
}

/**
 * Elements of one tensor where a condition holds, of another elsewhere. Elements that are not
 * chosen have no influence on the result; its derivative, too, is that of the chosen element alone.
 *
 * Both are computed, and where the derivative of an element that is not chosen is infinite or NaN, so is its
 * product with 0: guard such an argument by a `where` inside, as in the example.
 *
 * @category Sorting and searching
 * @param condition Any shape; numbers hold where they are not zero.
 * @param x Any shape that broadcasts with `condition`.
 * @param y Any shape that broadcasts with both.
 * @returns The common dtype of `x` and `y`, in the shape that all three broadcast to. With the condition
 * alone: the positions where it holds, as {@linkcode nonzero} gives them.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example A square root that is flat below zero
 * ```ts
 * import { grad, greater, tensor, where } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const root = (x: Tensor) => {
 *   const inside = greater(x, 0);
 *   return where(inside, where(inside, x, 1).sqrt(), 0);
 * };
 * assertTensorsClose(root(tensor([-1, 4])), [0, 2]);
 * assertTensorsClose(grad((x) => root(x).sum())(tensor([-1, 4])), [0, 0.25]);
 * assertTensorsClose(where([false, true, true])[0], [1, 2]);
 * ```
 */
export function where(condition: TensorLike): Tensor[];
/** Elements of `x` where the condition is true, of `y` elsewhere. */
export function where(condition: TensorLike, x: TensorLike, y: TensorLike): Tensor;
export function where(
  condition: TensorLike,
  x?: TensorLike,
  y?: TensorLike,
): Tensor | Tensor[] {
  if (x === undefined && y === undefined) return nonzero(condition);
  return chooseWhere(condition, x as TensorLike, y as TensorLike);
}

/**
 * Positions of the elements that are not zero (or are true), one row for each.
 *
 * @category Sorting and searching
 * @param x Any shape.
 * @param options `size`, `fillValue`: those of {@linkcode nonzero}.
 * @returns `int32` `[count, ndim]`.
 * @throws {TraceError} when the values of `x` are traced and not known, and there is no `size`.
 *
 * @example In a matrix
 * ```ts
 * import { argwhere } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(argwhere([[0, 3], [4, 0]]), [[0, 1], [1, 0]]);
 * ```
 */
export function argwhere(x: TensorLike, options?: NonzeroOptions): Tensor {
  const what = "Cannot find the nonzero elements of";
  const value = toTensor(x, what);
  if (value.ndim > 0) return stack(nonzero(value, options), 1);
  const [places] = nonzero(reshape(value, [1]), options);
  return reshape(sliceAxis(reshape(places, [places.size, 1]), 1, 0, 0), [places.size, 0]);
}

/**
 * Positions of the elements that are not zero (or are true) in the flattened tensor.
 *
 * @category Sorting and searching
 * @param x Any shape.
 * @param options `size`, `fillValue`: those of {@linkcode nonzero}.
 * @returns `int32` `[count]`.
 * @throws {TraceError} when the values of `x` are traced and not known, and there is no `size`.
 *
 * @example In compiled code
 * ```ts
 * import { flatnonzero, jit, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const places = jit((x) => flatnonzero(x, { size: 3, fillValue: -1 }));
 * assertTensorsClose(places(tensor([0, 5, 0, 7])), [1, 3, -1]);
 * ```
 */
export function flatnonzero(x: TensorLike, options?: SizeOptions): Tensor {
  const value = toTensor(x, "Cannot find the nonzero elements of");
  return nonzero(reshape(value, [value.size]), options)[0];
}

/**
 * Positions along an axis where a condition is true.
 *
 * @category Sorting and searching
 * @param condition `[n]`, n no longer than the axis; elements after it are left out.
 * @param x Any shape.
 * @param axis The axis; left out or `null`: `x` is flattened first.
 * @param options `size`: how many positions the result has, needed where `condition` is traced;
 * `fillValue`: the value of the remaining positions, 0 by default.
 * @returns `x` with the chosen positions along the axis.
 * @throws {ShapeError} when the condition has not one axis, or is longer than that of `x`.
 * @throws {TraceError} when the condition is traced and not known, and there is no `size`.
 *
 * @example Chosen rows
 * ```ts
 * import { compress } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(compress([false, true], [[1, 2], [3, 4], [5, 6]], 0), [[3, 4]]);
 * ```
 */
export function compress(
  condition: TensorLike,
  x: TensorLike,
  axis?: number | null,
  options?: SizeOptions,
): Tensor {
  const what = "Cannot compress";
  const given = toTensor(x, what);
  const isFlat = axis === undefined || axis === null;
  const value = isFlat ? reshape(given, [given.size]) : given;
  const at = isFlat ? 0 : checkAxis(axis, value.ndim, `${what} ${showType(value)}`);
  const mask = convert(toTensor(condition, what), "bool");
  if (mask.ndim !== 1 || mask.size > value.shape[at]) {
    throw shapeError(
      `${what} ${showType(given)} by the condition ${showType(mask)}: expected one axis, ` +
        `not longer than ${value.shape[at]}`,
    );
  }
  const { size, fillValue = 0 } = readOptions(what, options, ["size", "fillValue"]);
  const places = chosenPositions(mask, checkSizeOption(size, what));
  return takeFilled(value, places, at, fillValue);
}

/** Positions along an axis, with `fill` where they are negative. */
export function takeFilled(x: Tensor, places: Tensor, axis: number, fill: TensorLike): Tensor {
  if (x.shape[axis] === 0) {
    const shape = x.shape.with(axis, places.size);
    return chooseWhere(splat(1, "bool", shape), fill, splat(0, x.dtype, shape));
  }
  const entries = gather(x, maximum(places, constantLike(places, 0)), 0, range(axis));
  const isThere = lessEqual(constantLike(places, 0), places);
  return chooseWhere(broadcast(isThere, entries.shape, [axis]), entries, fill);
}

/**
 * The elements where a condition is true, in row-major order.
 *
 * @category Sorting and searching
 * @param condition As many elements as `x` has.
 * @param x Any shape.
 * @param options `size`: how many elements the result has, needed where `condition` is traced; `fillValue`:
 * the value of the remaining places, 0 by default.
 * @returns `[count]`, the dtype of `x`.
 * @throws {ShapeError} when the condition has another number of elements.
 * @throws {TraceError} when the condition is traced and not known, and there is no `size`.
 *
 * @example The even ones
 * ```ts
 * import { extract } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(extract([[true, false], [false, true]], [[2, 3], [5, 8]]), [2, 8]);
 * ```
 */
export function extract(
  condition: TensorLike,
  x: TensorLike,
  options?: SizeOptions,
): Tensor {
  const what = "Cannot extract from";
  const mask = toTensor(condition, what);
  const value = toTensor(x, what);
  if (mask.size === value.size) return compress(reshape(mask, [mask.size]), value, null, options);
  throw shapeError(
    `${what} ${showType(value)} by the condition ${showType(mask)}: expected as many elements`,
  );
}

/**
 * The order that sorts by several keys: by the last one, then by the one before where those are equal,
 * and so on.
 *
 * @category Sorting and searching
 * @param keys A list of tensors of one shape, or a tensor `[keys, ...]`.
 * @param axis The axis to sort along, of a single key; the last by default.
 * @returns `int32`, the shape of one key.
 * @throws {ArgumentError} when there is no key.
 * @throws {ShapeError} when the shapes differ.
 * @throws {AxisError} when the axis is out of range.
 *
 * @example By surname, then by first name
 * ```ts
 * import { lexsort } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(lexsort([[2, 1, 3], [1, 1, 0]]), [2, 1, 0]);
 * ```
 */
export function lexsort(keys: TensorLike | readonly TensorLike[], axis?: number): Tensor {
  const what = "Cannot sort by keys";
  const list = keys instanceof Tensor || !Array.isArray(keys)
    ? splitKeys(toTensor(keys as TensorLike, what), what)
    : keys.map((key) => toTensor(key, what));
  if (list.length === 0) throw argumentError(`${what}: there is no key`);
  const [{ shape, ndim }] = list;
  list.forEach((key) => {
    realOperand("lexsort", key);
    if (sameShape(key.shape, shape)) return;
    throw shapeError(`${what} ${showType(list[0])} and ${showType(key)}: the shapes differ`);
  });
  if (isScalarAxis(list[0], axis ?? -1)) return splat(0, "int32", []);
  const at = checkAxis(axis ?? -1, ndim, `${what} ${showType(list[0])}`);
  const rows = list.map((key) => moveAxis(key, at, ndim - 1));
  return moveAxis(orderBy(rows), ndim - 1, at);
}

/** The order along the last axis that sorts by the last key first. */
export function orderBy(keys: readonly Tensor[]): Tensor {
  const last = keys[0].ndim - 1;
  let order = strictArgsort(keys[0], last, false);
  for (const key of keys.slice(1)) {
    const next = strictArgsort(takeAlongLast(key, order), last, false);
    order = takeAlongLast(order, next);
  }
  return order;
}

/** Each key is a sort of its own. */
const MOST_KEYS = 4096;

function splitKeys(keys: Tensor, what: string): readonly Tensor[] {
  if (keys.ndim === 0) throw axisError(`${what} ${showType(keys)}: expected an axis of keys`);
  const [count, ...shape] = keys.shape;
  if (count > MOST_KEYS) {
    throw argumentError(`${what} ${showType(keys)}: expected at most ${MOST_KEYS} keys`);
  }
  return range(count).map((i) => reshape(sliceAxis(keys, 0, i, i + 1), shape));
}

/**
 * Elements along an axis in an order in which the one at `kth` is where it is when sorted, with smaller ones
 * before it and larger ones after it. The whole axis is sorted.
 *
 * @category Sorting and searching
 * @param x Any shape.
 * @param kth The position; negative counts from the end.
 * @param axis The axis, the last by default.
 * @returns The shape and dtype of `x`.
 * @throws {AxisError} when the axis is out of range.
 * @throws {ArgumentError} when the axis has no position `kth`.
 *
 * @example The two smallest first
 * ```ts
 * import { partition } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(partition([4, 1, 3, 2], 2), [1, 2, 3, 4]);
 * ```
 */
export function partition(x: TensorLike, kth: number, axis?: number): Tensor {
  return sort(checkKth(x, kth, axis, "Cannot partition"), axis);
}

/**
 * The indices that {@linkcode partition} puts in order.
 *
 * @category Sorting and searching
 * @param x Any shape.
 * @param kth The position; negative counts from the end.
 * @param axis The axis, the last by default.
 * @returns `int32`, the shape of `x`.
 * @throws {AxisError} when the axis is out of range.
 * @throws {ArgumentError} when the axis has no position `kth`.
 *
 * @example The place of the smallest first
 * ```ts
 * import { argpartition } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(argpartition([4, 1, 3], 0), [1, 2, 0]);
 * ```
 */
export function argpartition(x: TensorLike, kth: number, axis?: number): Tensor {
  return argsort(checkKth(x, kth, axis, "Cannot partition"), axis);
}

function checkKth(x: TensorLike, kth: number, axis: number | undefined, what: string): Tensor {
  const value = toTensor(x, what);
  const at = isScalarAxis(value, axis ?? -1)
    ? null
    : checkAxis(axis ?? -1, value.ndim, `${what} ${showType(value)}`);
  const length = at === null ? 1 : value.shape[at];
  if (Number.isInteger(kth) && kth >= -length && kth < length) return value;
  throw argumentError(
    `${what} ${showType(value)}: expected kth from ${-length} to ${length - 1}, ` +
      `got ${describeValue(kth)}`,
  );
}

/**
 * Keys in ascending order along an axis, and values in the order of their keys.
 *
 * @category Sorting and searching
 * @param keys Any shape.
 * @param values The shape of `keys`.
 * @param axis The axis, the last by default.
 * @returns Both in order; equal keys keep theirs.
 * @throws {AxisError} when the axis is out of range.
 * @throws {ShapeError} when the shapes differ.
 *
 * @example Values follow their keys
 * ```ts
 * import { sortKeyVal } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [keys, values] = sortKeyVal([3, 1, 2], [30, 10, 20]);
 * assertTensorsClose(keys, [1, 2, 3]);
 * assertTensorsClose(values, [10, 20, 30]);
 * ```
 */
export function sortKeyVal(
  keys: TensorLike,
  values: TensorLike,
  axis?: number,
): [keys: Tensor, values: Tensor] {
  const what = "Cannot sort";
  const [key, value] = [toTensor(keys, what), toTensor(values, what)];
  if (!sameShape(key.shape, value.shape)) {
    throw shapeError(`${what} ${showType(value)} by ${showType(key)}: the shapes differ`);
  }
  if (isScalarAxis(key, axis ?? -1)) return [key, value];
  const at = checkAxis(axis ?? -1, key.ndim, `${what} ${showType(key)}`);
  const order = strictArgsort(realOperand("sortKeyVal", key), at, false);
  return [takeAlongAxis(key, order, at), takeAlongAxis(value, order, at)];
}

/**
 * The `k`-th smallest element along an axis and its index, as PyTorch's `kthvalue`.
 *
 * @category Sorting and searching
 * @param x Any shape.
 * @param k Which one, from 1 on.
 * @param axis The axis, the last by default.
 * @param options `keepdims`: whether the axis stays, with length one.
 * @returns The elements, and their indices as `int32`; both have the shape of `x` without the axis.
 * @throws {AxisError} when the axis is out of range.
 * @throws {ArgumentError} when the axis does not have `k` elements.
 *
 * @example The second smallest
 * ```ts
 * import { kthvalue } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [value, place] = kthvalue([4, 1, 3, 2], 2);
 * assertTensorsClose(value, 2);
 * assertTensorsClose(place, 3);
 * ```
 */
export function kthvalue(
  x: TensorLike,
  k: number,
  axis?: number,
  options?: AxisOptions,
): [values: Tensor, indices: Tensor] {
  const what = "Cannot take the kthvalue of";
  const given = realOperand("kthvalue", toTensor(x, what));
  const { keepdims = false } = readOptions(what, options, ["keepdims"]);
  const value = isScalarAxis(given, axis ?? -1) ? reshape(given, [1]) : given;
  const at = checkAxis(axis ?? -1, value.ndim, `${what} ${showType(value)}`);
  const count = value.shape[at];
  if (!Number.isInteger(k) || k < 1 || k > count) {
    throw argumentError(
      `${what} ${showType(given)}: expected k from 1 to ${count}, got ${describeValue(k)}`,
    );
  }
  const order = sliceAxis(strictArgsort(value, at, false), at, k - 1, k + 0);
  const chosen = takeAlongAxis(value, order, at);
  if (keepdims && given.ndim > 0) return [chosen, order];
  const shape = value.shape.toSpliced(at, 1);
  return [reshape(chosen, shape), reshape(order, shape)];
}
