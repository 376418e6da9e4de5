/**
 * Functions that rearrange, join, cut, repeat and frame tensors, after NumPy.
 *
 * @module
 */
import { defaultFloat, describeValue } from "../base/dtype.ts";
import { argumentError, axisError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import {
  checkAxes,
  checkAxis,
  checkNdim,
  checkShape,
  insertAt,
  range,
  sameShape,
  showShape,
  showType,
  sizeOf,
  withoutAxes,
} from "../base/shape.ts";
import type { AxisArgument, Shape } from "../base/shape.ts";
import { fromJavaScript, toTensor } from "../core/convert.ts";
import type { DiagonalOptions, DtypeOptions, PadOptions, PadWidths } from "../core/methods.ts";
import { splat, Tensor, zerosOf } from "../core/tensor.ts";
import type { TensorLike } from "../core/tensor.ts";
import { offset } from "../primitives/arithmetic.ts";
import { equal, lessEqual, select } from "../primitives/comparison.ts";
import * as slicing from "../primitives/slicing.ts";
import * as structure from "../primitives/structure.ts";
import {
  checkBroadcast,
  checkInteger,
  checkLength,
  isScalarAxis,
  listAxes,
  toIndices,
} from "./arguments.ts";
import { broadcastTo as stretch, promoteTogether } from "./broadcasting.ts";
import { readDtype } from "./options.ts";

/**
 * The same elements in row-major order, in another shape.
 *
 * @param x Any shape.
 * @param shape The new shape; one entry may be -1, and stands for whatever length is left.
 * @returns `x` in the new shape.
 * @throws {ShapeError} when the sizes differ, when -1 stands twice, or when -1 could be any length
 * because another axis has length zero.
 *
 * @example Rows of two
 * ```ts
 * import { arange, reshape } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(reshape(arange(6), [-1, 2]), [[0, 1], [2, 3], [4, 5]]);
 * ```
 */
export function reshape(x: TensorLike, shape: Shape): Tensor {
  const input = toTensor(x, "Cannot reshape");
  return structure.reshape(input, fillShape(input, shape));
}

/** `shape` with its -1 replaced by the length that makes the sizes equal. */
function fillShape(x: Tensor, shape: Shape): Shape {
  const what = `Cannot reshape ${showType(x)}`;
  if (Array.isArray(shape)) checkNdim(shape, what);
  const open = Array.isArray(shape) ? shape.indexOf(-1) : -1;
  if (open < 0) return checkShape(shape, what);
  if (shape.lastIndexOf(-1) !== open) {
    throw shapeError(`${what} to ${showShape(shape)}: only one length may be -1`);
  }
  const known = sizeOf(checkShape(shape.map((length, i) => i === open ? 1 : length), what));
  if (known === 0) {
    const state = x.size === 0
      ? "-1 could be any length, since another is 0; write it out"
      : `the sizes are ${x.size} and 0`;
    throw shapeError(`${what} to ${showShape(shape)}: ${state}`);
  }
  if (x.size % known !== 0) {
    throw shapeError(
      `${what} to ${showShape(shape)}: its size ${x.size} is not a multiple of ${known}`,
    );
  }
  return checkShape(shape.map((length, i) => i === open ? x.size / known : length), what);
}

/**
 * Axes in another order.
 *
 * @param x Any shape.
 * @param axes Axis `i` of the result is axis `axes[i]` of `x`; left out, the axes are reversed.
 * @returns `x` with its axes in that order.
 * @throws {AxisError} unless every axis of `x` is named once.
 *
 * @example The transpose of a matrix
 * ```ts
 * import { transpose } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(transpose([[1, 2], [3, 4]]), [[1, 3], [2, 4]]);
 * ```
 */
export function transpose(x: TensorLike, axes?: readonly number[]): Tensor {
  const input = toTensor(x, "Cannot transpose");
  if (axes === undefined || axes === null) {
    return structure.transpose(input, range(input.ndim).reverse());
  }
  const what = `Cannot transpose ${showType(input)}`;
  if (!Array.isArray(axes)) {
    throw axisError(`${what}: expected a list of axes, got ${describeValue(axes)}`);
  }
  const permutation = listAxes(axes, input.ndim, what);
  if (permutation.length !== input.ndim) {
    throw axisError(`${what} by ${showShape(axes)}: expected each of its ${input.ndim} axes once`);
  }
  return structure.transpose(input, permutation);
}

/**
 * Two axes exchanged.
 *
 * @param x Any shape with these axes.
 * @param first One axis; negative counts from the last.
 * @param second The other.
 * @returns `x` with the two axes in each other's place.
 * @throws {AxisError} when an axis is out of range.
 *
 * @example Rows and columns of every matrix of a batch
 * ```ts
 * import { swapaxes, zeros } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(swapaxes(zeros([5, 2, 3]), -1, -2), zeros([5, 3, 2]));
 * ```
 */
export function swapaxes(x: TensorLike, first: number, second: number): Tensor {
  const input = toTensor(x, "Cannot swap axes");
  const what = `Cannot swap axes of ${showType(input)}`;
  const a = checkAxis(first, input.ndim, what);
  const b = checkAxis(second, input.ndim, what);
  return structure.transpose(
    input,
    range(input.ndim).map((axis) => axis === a ? b : axis === b ? a : axis),
  );
}

/**
 * Axes moved to other positions; the others keep their order.
 *
 * @param x Any shape with these axes.
 * @param source The axes to move: one, or a list.
 * @param destination Where each of them goes in the result.
 * @returns `x` with its axes in the new order.
 * @throws {AxisError} when an axis is out of range or named twice, or the lists differ in length.
 *
 * @example Channels first
 * ```ts
 * import { moveaxis, zeros } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(moveaxis(zeros([8, 32, 24, 3]), -1, 1), zeros([8, 3, 32, 24]));
 * ```
 */
export function moveaxis(
  x: TensorLike,
  source: number | readonly number[],
  destination: number | readonly number[],
): Tensor {
  const input = toTensor(x, "Cannot move axes");
  const what = `Cannot move axes of ${showType(input)}`;
  const from = listAxes(source, input.ndim, what);
  const to = listAxes(destination, input.ndim, what);
  if (from.length !== to.length) {
    throw axisError(
      `${what}: expected as many destinations as sources, got ${to.length} and ${from.length}`,
    );
  }
  const rest = withoutAxes(range(input.ndim), from);
  const permutation = range(input.ndim).map((axis) => {
    const moved = to.indexOf(axis);
    return moved < 0 ? rest.shift()! : from[moved];
  });
  return structure.transpose(input, permutation);
}

/**
 * Axes of length one removed.
 *
 * @param x Any shape.
 * @param axis The axes to remove; left out, all axes of length one.
 * @returns `x` without these axes.
 * @throws {ShapeError} when a named axis is not of length one.
 * @throws {AxisError} when an axis is out of range or named twice.
 *
 * @example A column as a vector
 * ```ts
 * import { squeeze } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(squeeze([[1], [2]], 1), [1, 2]);
 * ```
 */
export function squeeze(x: TensorLike, axis?: AxisArgument): Tensor {
  const input = toTensor(x, "Cannot squeeze");
  if (axis === undefined || axis === null || isScalarAxis(input, axis)) {
    return structure.reshape(input, input.shape.filter((length) => length !== 1));
  }
  const what = `Cannot squeeze ${showType(input)}`;
  const axes = checkAxes(axis, input.ndim, what);
  for (const a of axes) {
    if (input.shape[a] !== 1) {
      throw shapeError(`${what}: axis ${a} has length ${input.shape[a]}, expected 1`);
    }
  }
  return structure.reshape(input, withoutAxes(input.shape, axes));
}

/**
 * New axes of length one.
 *
 * @param x Any shape.
 * @param axis Where the new axes stand in the result: one position, or a list.
 * @returns `x` with one more axis for each position.
 * @throws {AxisError} when a position is out of range or named twice.
 *
 * @example A vector as a column
 * ```ts
 * import { expandDims } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(expandDims([1, 2], -1), [[1], [2]]);
 * ```
 */
export function expandDims(x: TensorLike, axis: number | readonly number[]): Tensor {
  const input = toTensor(x, "Cannot expand");
  const ndim = input.ndim + (Array.isArray(axis) ? axis.length : 1);
  const added = listAxes(axis, ndim, `Cannot add axes to ${showType(input)}`);
  const lengths = [...input.shape];
  return structure.reshape(
    input,
    range(ndim).map((a) => added.includes(a) ? 1 : lengths.shift()!),
  );
}

/**
 * `x` stretched to a shape by NumPy's rule: aligned at the last axis, lengths of one repeated.
 *
 * @param x Any shape that broadcasts to `shape`.
 * @param shape The new shape.
 * @returns `x` repeated to fill it.
 * @throws {ShapeError} when `x` does not broadcast to `shape`.
 *
 * @example One row for all
 * ```ts
 * import { broadcastTo } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(broadcastTo([1, 2], [2, 2]), [[1, 2], [1, 2]]);
 * ```
 */
export function broadcastTo(x: TensorLike, shape: Shape): Tensor {
  const input = toTensor(x, "Cannot broadcast");
  const target = checkShape(shape, `Cannot broadcast ${showType(input)}`);
  checkBroadcast("Cannot broadcast", input, target);
  return stretch(input, target);
}

/**
 * Tensors joined along an axis that they have.
 *
 * @param list At least one; all of the same lengths on every other axis. They meet in one dtype.
 * @param axis The axis along which they follow each other. Default 0.
 * @returns The joined tensor.
 * @throws {ShapeError} when the list is empty, holds a scalar, or other axes differ in length.
 * @throws {AxisError} when the axis is out of range.
 *
 * @example Two vectors in one
 * ```ts
 * import { concatenate } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(concatenate([[1, 2], [3]]), [1, 2, 3]);
 * ```
 */
export function concatenate(list: readonly TensorLike[], axis?: number): Tensor {
  if (axis === undefined) axis = 0;
  const inputs = checkList(list, "Cannot concatenate");
  const [first] = inputs;
  for (const input of inputs) {
    if (input.ndim === 0) {
      throw shapeError(`Cannot concatenate ${showType(input)}: a scalar has no axes; use stack`);
    }
  }
  const at = checkAxis(axis, first.ndim, `Cannot concatenate ${showType(first)}`);
  for (const input of inputs) {
    const what = `Cannot concatenate ${showType(first)} and ${showType(input)} along axis ${at}`;
    if (input.ndim !== first.ndim) {
      throw shapeError(`${what}: they have ${first.ndim} and ${input.ndim} axes`);
    }
    const wrong = input.shape.findIndex((length, i) => i !== at && length !== first.shape[i]);
    if (wrong >= 0) {
      throw shapeError(
        `${what}: axis ${wrong} has lengths ${first.shape[wrong]} and ${input.shape[wrong]}`,
      );
    }
  }
  return slicing.concatenate(inputs, at);
}

/** The entries of a list of tensors, in a common dtype. */
function checkList(list: readonly TensorLike[], what: string): Tensor[] {
  if (list instanceof Tensor || !Array.isArray(list)) {
    const got = list instanceof Tensor ? showType(list) : describeValue(list);
    throw argumentError(`${what}: expected a list of tensors, got ${got}`);
  }
  if (list.length === 0) throw shapeError(`${what} an empty list: expected at least one tensor`);
  // A hole stops the copy, which a long list of nothing else would never end.
  return promoteTogether(what, Array.from(list, (entry) => entry ?? toTensor(entry, what)));
}

/**
 * Tensors joined along a new axis.
 *
 * @param list At least one; all of the same shape. They meet in one dtype.
 * @param axis Where the new axis stands in the result. Default 0.
 * @returns The joined tensor, with one more axis.
 * @throws {ShapeError} when the list is empty or the shapes differ.
 * @throws {AxisError} when the axis is out of range.
 *
 * @example Two rows in a matrix
 * ```ts
 * import { stack } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(stack([[1, 2], [3, 4]], 1), [[1, 3], [2, 4]]);
 * ```
 */
export function stack(list: readonly TensorLike[], axis?: number): Tensor {
  if (axis === undefined) axis = 0;
  const inputs = checkList(list, "Cannot stack");
  const [first] = inputs;
  const at = checkAxis(axis, first.ndim + 1, `Cannot stack ${showType(first)}`);
  for (const input of inputs) {
    if (!sameShape(input.shape, first.shape)) {
      throw shapeError(
        `Cannot stack ${showType(first)} and ${showType(input)}: shapes must be equal`,
      );
    }
  }
  const shape = insertAt(first.shape, at, 1);
  return slicing.concatenate(inputs.map((input) => structure.reshape(input, shape)), at);
}

/**
 * `x` cut into parts along an axis.
 *
 * @param x Any shape with this axis.
 * @param sectionsOrIndices How many equal parts; or a list of positions at which to cut, negative
 * ones counting from the end, as in NumPy.
 * @param axis The axis to cut. Default 0.
 * @returns The parts in order.
 * @throws {ShapeError} when the axis does not divide into that many equal parts.
 * @throws {AxisError} when the axis is out of range.
 *
 * @example Equal parts, and parts between positions
 * ```ts
 * import { split } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [first, second] = split([1, 2, 3, 4], 2);
 * assertTensorsClose(first, [1, 2]);
 * assertTensorsClose(second, [3, 4]);
 * const [head, tail] = split([1, 2, 3, 4], [1]);
 * assertTensorsClose(head, [1]);
 * assertTensorsClose(tail, [2, 3, 4]);
 * ```
 */
export function split(
  x: TensorLike,
  sectionsOrIndices: number | readonly number[],
  axis?: number,
): Tensor[] {
  if (axis === undefined) axis = 0;
  const input = toTensor(x, "Cannot split");
  const what = `Cannot split ${showType(input)}`;
  const at = checkAxis(axis, input.ndim, what);
  const length = input.shape[at];
  const cuts = cutPositions(sectionsOrIndices, length, `${what} along axis ${at}`);
  return cuts.slice(1).map((stop, i) =>
    slicing.sliceAxis(input, at, cuts[i], Math.max(cuts[i], stop))
  );
}

/** The ends of the parts of an axis of this length, from 0 to `length`. */
function cutPositions(parts: number | readonly number[], length: number, what: string): number[] {
  if (Array.isArray(parts)) {
    const inner = Array.from(parts, (cut) => {
      const position = checkInteger(cut, what, "an integer position");
      return Math.min(Math.max(position < 0 ? position + length : position, 0), length);
    });
    return [0, ...inner, length];
  }
  const count = checkInteger(parts, what, "a number of parts or a list of positions");
  // Only an empty axis divides into more parts than it has positions; their number is limited.
  if (count < 1 || length % count !== 0 || count > Math.max(length, 2 ** 16)) {
    throw shapeError(
      `${what} into ${count} equal parts: its length is ${length}; give positions instead`,
    );
  }
  if (count > MAX_PARTS) {
    throw shapeError(`${what} into ${count} parts: at most ${MAX_PARTS} fit into a list`);
  }
  return range(count + 1).map((i) => i * (length / count));
}

/** How many parts `split` may give. */
const MAX_PARTS = 2 ** 20;

/**
 * Elements in reverse order.
 *
 * @param x Any shape.
 * @param axis The axes to reverse; left out, all of them.
 * @returns `x` reversed along these axes.
 * @throws {AxisError} when an axis is out of range or named twice.
 *
 * @example A vector from its end
 * ```ts
 * import { flip } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(flip([1, 2, 3]), [3, 2, 1]);
 * ```
 */
export function flip(x: TensorLike, axis?: AxisArgument): Tensor {
  const input = toTensor(x, "Cannot flip");
  if (isScalarAxis(input, axis)) return input;
  return slicing.flip(input, checkAxes(axis, input.ndim, `Cannot flip ${showType(input)}`));
}

/**
 * Elements shifted, those pushed out at one end coming back in at the other.
 *
 * @param x Any shape.
 * @param shift By how many places: one number, or one for each axis in `axis`. Negative shifts go
 * towards the front.
 * @param axis The axes to shift along; an axis named twice is shifted by the sum. Left out, the
 * elements are shifted in row-major order.
 * @returns `x` shifted.
 * @throws {ArgumentError} when a shift is not an integer, or the lists differ in length.
 * @throws {AxisError} when an axis is out of range.
 *
 * @example One place to the right
 * ```ts
 * import { roll } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(roll([1, 2, 3], 1), [3, 1, 2]);
 * ```
 */
export function roll(
  x: TensorLike,
  shift: number | readonly number[],
  axis?: number | readonly number[] | null,
): Tensor {
  const input = toTensor(x, "Cannot roll");
  const what = `Cannot roll ${showType(input)}`;
  const shifts = Array.from(
    Array.isArray(shift) ? shift : [shift],
    (places) => checkInteger(places, what, "an integer shift"),
  );
  if (axis === undefined || axis === null) {
    const total = shifts.reduce((sum, places) => sum + places, 0);
    if (input.size === 0 || total % input.size === 0) return input;
    const flat = structure.reshape(input, [input.size]);
    return structure.reshape(rollAxis(flat, total, 0), input.shape);
  }
  const axes = Array.from(
    Array.isArray(axis) ? axis : [axis],
    (a) => checkAxis(a, input.ndim, what),
  );
  const count = Math.max(shifts.length, axes.length);
  if (![1, count].includes(shifts.length) || ![1, count].includes(axes.length)) {
    throw argumentError(
      `${what}: expected one shift or one for each axis, ` +
        `got ${shifts.length} shifts and ${axes.length} axes`,
    );
  }
  let result = input;
  for (let i = 0; i < count; i++) {
    result = rollAxis(result, shifts[shifts.length === 1 ? 0 : i], axes[axes.length === 1 ? 0 : i]);
  }
  return result;
}

function rollAxis(x: Tensor, shift: number, axis: number): Tensor {
  const length = x.shape[axis];
  const places = length === 0 ? 0 : ((shift % length) + length) % length;
  if (places === 0) return x;
  return slicing.concatenate([
    slicing.sliceAxis(x, axis, length - places, length),
    slicing.sliceAxis(x, axis, 0, length - places),
  ], axis);
}

/** The values that `pad` takes as its mode. */
const PAD_MODES = ["constant", "edge", "reflect", "symmetric", "wrap"] as const;

/**
 * Elements added around a tensor.
 *
 * @param x Any shape.
 * @param widths How many places to add: one `[before, after]` per axis, or one pair, or one number
 * for all axes. A negative one takes so many elements away, before anything is added.
 * @param options The mode, as NumPy's: `"constant"` fills with `value` (default 0), `"edge"` repeats
 * the outermost element, `"reflect"` mirrors about it, `"symmetric"` mirrors about the edge itself,
 * and `"wrap"` goes on from the other end. Mirrors and wraps repeat as often as they must.
 * @returns `x` in its frame, which is differentiable in every mode.
 * @throws {ArgumentError} when a width is no integer, or the mode is unknown.
 * @throws {ShapeError} when the widths do not fit the axes, more elements are taken away than there
 * are, or an empty axis has nothing to repeat.
 *
 * @example A frame of zeros, and a mirror
 * ```ts
 * import { pad } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(pad([1, 2, 3], [1, 2]), [0, 1, 2, 3, 0, 0]);
 * assertTensorsClose(pad([1, 2, 3], [1, 2], { mode: "reflect" }), [2, 1, 2, 3, 2, 1]);
 * ```
 */
export function pad(x: TensorLike, widths: PadWidths, options?: PadOptions): Tensor {
  const input = toTensor(x, "Cannot pad");
  const what = `Cannot pad ${showType(input)}`;
  const { mode = "constant", value = 0 } = readOptions(what, options, ["mode", "value"]);
  if (!PAD_MODES.includes(mode)) {
    throw argumentError(
      `${what}: expected a mode out of ${PAD_MODES.join(", ")}, got ${describeValue(mode)}`,
    );
  }
  const amounts = widthPairs(widths, input.ndim, what);
  const cropped = crop(input, amounts, what);
  const pairs = amounts.map(([before, after]): Pair => [Math.max(before, 0), Math.max(after, 0)]);
  checkShape(cropped.shape.map((length, i) => pairs[i][0] + length + pairs[i][1]), what);
  if (mode === "constant") return padConstant(cropped, pairs, value, what);
  return pairs.reduce((result, pair, axis) => extend(result, axis, pair, mode, what), cropped);
}

/** `x` without the elements that negative widths take away. */
function crop(x: Tensor, pairs: readonly Pair[], what: string): Tensor {
  return pairs.reduce((result, [before, after], axis) => {
    const [start, stop] = [Math.max(-before, 0), x.shape[axis] + Math.min(after, 0)];
    if (start > Math.max(stop, 0) || stop < 0) {
      throw shapeError(
        `${what} by [${before}, ${after}] along axis ${axis}: ` +
          `it has only ${x.shape[axis]} elements to take away`,
      );
    }
    return start === 0 && stop === x.shape[axis]
      ? result
      : slicing.sliceAxis(result, axis, start, stop);
  }, x);
}

type Pair = readonly [before: number, after: number];

/** One pair of widths per axis. */
function widthPairs(widths: PadWidths, ndim: number, what: string): Pair[] {
  const readWidth = (width: unknown): number =>
    checkInteger(width, what, "widths such as [[before, after], ...]");
  if (!Array.isArray(widths)) {
    const width = readWidth(widths);
    return range(ndim).map(() => [width, width]);
  }
  checkNdim(widths, what);
  const entries: readonly unknown[] = Array.from<unknown>(widths);
  const lists = entries.every(Array.isArray) ? entries : [entries];
  const pairs = lists.map((pair): Pair => {
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw argumentError(`${what}: expected [before, after], got ${describeValue(pair)}`);
    }
    return [readWidth(pair[0]), readWidth(pair[1])];
  });
  if (pairs.length === ndim) return pairs;
  if (pairs.length === 1) return range(ndim).map(() => pairs[0]);
  throw shapeError(`${what}: expected ${ndim} pairs of widths, one per axis, got ${pairs.length}`);
}

function padConstant(x: Tensor, pairs: readonly Pair[], value: number, what: string): Tensor {
  const low = pairs.map(([before]) => before);
  const high = pairs.map(([, after]) => after);
  const interior = pairs.map(() => 0);
  const fill = fromJavaScript(value, x.dtype, what);
  if (fill.ndim !== 0) throw argumentError(`${what}: expected a number as value`);
  const padded = slicing.pad(x, low, high, interior);
  if (padded === x || Object.is(fill.elements[0], 0)) return padded;
  const inside = slicing.pad(splat(1, "bool", x.shape), low, high, interior);
  return select(inside, padded, splat(fill.elements[0], x.dtype, padded.shape));
}

/** `x` with more elements on both sides of one axis, taken from those that it has. */
function extend(
  x: Tensor,
  axis: number,
  [before, after]: Pair,
  mode: "edge" | "reflect" | "symmetric" | "wrap",
  what: string,
): Tensor {
  if (before === 0 && after === 0) return x;
  const period = x.shape[axis];
  if (period === 0) {
    throw shapeError(`${what} in mode ${mode}: axis ${axis} has no elements to repeat`);
  }
  const part = (source: Tensor, start: number, stop: number) =>
    slicing.sliceAxis(source, axis, start, stop);
  const mirrored = (source: Tensor, start: number, stop: number) =>
    slicing.flip(part(source, start, stop), [axis]);
  if (mode === "edge" || period === 1) {
    const repeated = (position: number, count: number) =>
      stretch(
        part(x, position, position + 1),
        x.shape.map((length, i) => i === axis ? count : length),
      );
    const sides = [repeated(0, before), x, repeated(period - 1, after)];
    return slicing.concatenate(sides, axis);
  }
  let result = x;
  let [low, high] = [before, after];
  const edge = mode === "reflect" ? 1 : 0;
  // Each round adds nearly as much as there is, so that even wide frames take few rounds. It adds whole
  // periods to a side that needs another round, which keeps that end at a mirror.
  while (low > 0 || high > 0) {
    const length = result.shape[axis];
    const most = length - edge - (length - edge) % (period - edge);
    const [left, right] = [Math.min(low, most), Math.min(high, most)];
    const sides = mode === "wrap"
      ? [part(result, most - left, most), part(result, length - most, length - most + right)]
      : [
        mirrored(result, edge, edge + left),
        mirrored(result, length - edge - right, length - edge),
      ];
    result = slicing.concatenate([sides[0], result, sides[1]], axis);
    low -= left;
    high -= right;
  }
  return result;
}

/**
 * The whole tensor repeated along its axes, as NumPy's `tile`.
 *
 * @param x Any shape.
 * @param repetitions How often along each axis; the shorter of the shape and this list counts from
 * the last axis. One number repeats along the last axis.
 * @returns The copies side by side.
 * @throws {ArgumentError} when a number of repetitions is negative or no integer.
 *
 * @example A vector twice
 * ```ts
 * import { tile } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(tile([1, 2], 2), [1, 2, 1, 2]);
 * assertTensorsClose(tile([1, 2], [2, 1]), [[1, 2], [1, 2]]);
 * ```
 */
export function tile(x: TensorLike, repetitions: number | readonly number[]): Tensor {
  const input = toTensor(x, "Cannot tile");
  const what = `Cannot tile ${showType(input)}`;
  const list = Array.from(
    Array.isArray(repetitions) ? repetitions : [repetitions],
    (count) => checkLength(count, what, "a number of repetitions"),
  );
  const ndim = Math.max(list.length, input.ndim);
  const counts = [...range(ndim - list.length).map(() => 1), ...list];
  const lengths = [...range(ndim - input.ndim).map(() => 1), ...input.shape];
  const target = checkShape(lengths.map((length, i) => length * counts[i]), what);
  // Every repeated axis gets one of length one before it, which is stretched and merged with it.
  const split = lengths.flatMap((length, i) => counts[i] === 1 ? [length] : [1, length]);
  const repeated = lengths.flatMap((length, i) => counts[i] === 1 ? [length] : [counts[i], length]);
  return structure.reshape(stretch(structure.reshape(input, split), repeated), target);
}

/**
 * Each element repeated in place.
 *
 * @param x Any shape.
 * @param repetitions How often each element stands in the result.
 * @param axis The axis along which to repeat; left out, the tensor is flattened first.
 * @returns `x` with that axis so many times as long.
 * @throws {ArgumentError} when the number of repetitions is negative or no integer.
 * @throws {AxisError} when the axis is out of range.
 *
 * @example Each element twice
 * ```ts
 * import { repeat } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(repeat([1, 2], 2), [1, 1, 2, 2]);
 * ```
 */
export function repeat(x: TensorLike, repetitions: number, axis?: number | null): Tensor {
  const given = toTensor(x, "Cannot repeat");
  const what = `Cannot repeat ${showType(given)}`;
  const count = checkLength(repetitions, what, "a number of repetitions");
  const isFlat = axis === undefined || axis === null;
  const input = isFlat ? structure.reshape(given, [given.size]) : given;
  const at = isFlat ? 0 : checkAxis(axis, input.ndim, what);
  const target = checkShape(input.shape.map((n, i) => i === at ? n * count : n), what);
  return structure.reshape(structure.broadcastAxis(input, at + 1, count), target);
}

/**
 * The lower triangle of matrices: zeros above a diagonal.
 *
 * @param x `[..., rows, columns]`
 * @param diagonal The highest diagonal that is kept; 0 is the main one, positive lies above it. Default 0.
 * @returns `x` with zeros above that diagonal.
 * @throws {ShapeError} when `x` has fewer than two axes.
 *
 * @example A lower triangle
 * ```ts
 * import { tril } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(tril([[1, 2], [3, 4]]), [[1, 0], [3, 4]]);
 * ```
 */
export function tril(x: TensorLike, diagonal?: number): Tensor {
  if (diagonal === undefined) diagonal = 0;
  const input = toTensor(x, "Cannot take the lower triangle");
  const below = triangleMask(input, diagonal, 0, "Cannot take the lower triangle");
  return select(below, input, zerosOf(input));
}

/**
 * The upper triangle of matrices: zeros below a diagonal.
 *
 * @param x `[..., rows, columns]`
 * @param diagonal The lowest diagonal that is kept; 0 is the main one, positive lies above it. Default 0.
 * @returns `x` with zeros below that diagonal.
 * @throws {ShapeError} when `x` has fewer than two axes.
 *
 * @example An upper triangle
 * ```ts
 * import { triu } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(triu([[1, 2], [3, 4]]), [[1, 2], [0, 4]]);
 * ```
 */
export function triu(x: TensorLike, diagonal?: number): Tensor {
  if (diagonal === undefined) diagonal = 0;
  const input = toTensor(x, "Cannot take the upper triangle");
  const below = triangleMask(input, diagonal, -1, "Cannot take the upper triangle");
  return select(below, zerosOf(input), input);
}

/** Where elements of the last two axes lie on or below the diagonal `diagonal + shift`. */
function triangleMask(x: Tensor, diagonal: number, shift: number, what: string): Tensor {
  if (x.ndim < 2) throw shapeError(`${what} of ${showType(x)}: expected at least two axes`);
  const highest = checkInteger(diagonal, `${what} of ${showType(x)}`, "an integer diagonal");
  const [rows, columns] = x.shape.slice(-2);
  // Beyond these diagonals lies everything or nothing; so held, the sums fit into int32.
  const limit = Math.min(Math.max(highest + shift, -rows), columns);
  const row = offset(structure.iota(rows), limit);
  const mask = lessEqual(
    structure.broadcast(structure.iota(columns), [rows, columns], [1]),
    structure.broadcast(row, [rows, columns], [0]),
  );
  return stretch(mask, x.shape);
}

/**
 * The matrix with a given diagonal, or the diagonal of a matrix.
 *
 * @param x A vector `[n]` or a matrix `[rows, columns]`.
 * @param diagonal Which diagonal; 0 is the main one, positive lies above it. Default 0.
 * @returns For a vector, the square matrix of `n + |diagonal|` rows that is zero elsewhere; for a
 * matrix, its diagonal, which is empty outside of the matrix.
 * @throws {ShapeError} when `x` is neither.
 *
 * @example There and back
 * ```ts
 * import { diag } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(diag([1, 2]), [[1, 0], [0, 2]]);
 * assertTensorsClose(diag([[1, 2], [3, 4]]), [1, 4]);
 * ```
 */
export function diag(x: TensorLike, diagonal?: number): Tensor {
  if (diagonal === undefined) diagonal = 0;
  const input = toTensor(x, "Cannot take the diagonal");
  const what = `Cannot take the diagonal of ${showType(input)}`;
  const place = checkInteger(diagonal, what, "an integer diagonal");
  if (input.ndim === 1) return diagonalMatrix(input, place);
  if (input.ndim === 2) return diagonalOfLast(input, place);
  throw shapeError(`${what}: expected a vector or a matrix; use diagonal for more axes`);
}

/** One diagonal of the matrices on the last two axes, as the last axis of the result. */
function diagonalOfLast(x: Tensor, place: number): Tensor {
  const batch = x.shape.slice(0, -2);
  const [rows, columns] = x.shape.slice(-2);
  const first = place >= 0 ? place : -place * columns;
  const count = Math.min(rows - Math.max(-place, 0), columns - Math.max(place, 0));
  const flat = structure.reshape(x, [...batch, rows * columns]);
  const [start, stop] = count <= 0 ? [0, 0] : [first, first + (count - 1) * (columns + 1) + 1];
  const zeros = batch.map(() => 0);
  const ones = batch.map(() => 1);
  return slicing.slice(flat, [...zeros, start], [...batch, stop], [...ones, columns + 1]);
}

/**
 * A diagonal of each of the matrices on two axes.
 *
 * @param x Any shape of at least two axes.
 * @param options Which diagonal, and the two axes (the first two by default, as in NumPy and PyTorch).
 * @returns The shape of `x` without the two axes, with the diagonal as a new last axis.
 * @throws {AxisError} when an axis is out of range, or both are the same.
 *
 * @example The diagonals of a batch
 * ```ts
 * import { diagonal } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = [[[1, 2], [3, 4]], [[5, 6], [7, 8]]];
 * assertTensorsClose(diagonal(x, { axis1: 1, axis2: 2 }), [[1, 4], [5, 8]]);
 * assertTensorsClose(diagonal(x, { offset: 1, axis1: 1, axis2: 2 }), [[2], [6]]);
 * ```
 */
export function diagonal(x: TensorLike, options?: DiagonalOptions): Tensor {
  const input = toTensor(x, "Cannot take the diagonals");
  const what = `Cannot take the diagonals of ${showType(input)}`;
  const { offset = 0, axis1 = 0, axis2 = 1 } = readOptions(what, options, [
    "offset",
    "axis1",
    "axis2",
  ]);
  const place = checkInteger(offset, what, "an integer offset");
  const pair = listAxes([axis1, axis2], input.ndim, what);
  const others = range(input.ndim).filter((axis) => !pair.includes(axis));
  return diagonalOfLast(structure.transpose(input, [...others, ...pair]), place);
}

/** The square matrix with `x` on one of its diagonals. */
function diagonalMatrix(x: Tensor, place: number): Tensor {
  const [above, below] = [Math.max(place, 0), Math.max(-place, 0)];
  const size = x.shape[0] + above + below;
  const shape = checkShape([size, size], `Cannot put ${showType(x)} on diagonal ${place}`);
  // By columns, element i stands in column i + above, so that one row with all of them, repeated and
  // masked, is the matrix.
  const row = slicing.pad(x, [above], [below], [0]);
  const onDiagonal = equal(
    structure.broadcast(offset(structure.iota(size), -place), shape, [1]),
    structure.broadcast(structure.iota(size), shape, [0]),
  );
  return select(
    onDiagonal,
    structure.broadcast(row, shape, [1]),
    splat(0, x.dtype, shape),
  );
}

/**
 * Indices as vectors that are one at the index and zero elsewhere.
 *
 * @param x Integers of any shape. An index below 0 or not below `classes` gives a row of zeros, as in
 * JAX.
 * @param classes The number of classes.
 * @param options The dtype of the result; default `float32`.
 * @returns `x`'s shape with a new last axis of length `classes`.
 * @throws {DtypeError} when `x` is not of an integer dtype.
 *
 * @example Labels of three classes
 * ```ts
 * import { oneHot } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(oneHot([2, 0], 3), [[0, 0, 1], [1, 0, 0]]);
 * ```
 */
export function oneHot(x: TensorLike, classes: number, options?: DtypeOptions): Tensor {
  const indices = toIndices(x, "Cannot encode as one-hot");
  const what = `Cannot encode ${showType(indices)} as one-hot`;
  const dtype = readDtype(what, options, defaultFloat());
  const shape = checkShape(
    [...indices.shape, checkLength(classes, what, "a number of classes")],
    what,
  );
  const hot = equal(
    structure.broadcast(indices, shape, range(indices.ndim)),
    structure.broadcast(structure.iota(shape[indices.ndim], indices.dtype), shape, [indices.ndim]),
  );
  return structure.convert(hot, dtype);
}
