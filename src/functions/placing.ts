/**
 * NumPy's functions of positions in flattened tensors, and choices among several tensors.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError, indexError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import {
  broadcastShapes,
  checkShape,
  MAX_SIZE,
  sameShape,
  showType,
  sizeOf,
  stridesOf,
} from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import { Tensor } from "../core/tensor.ts";
import type { TensorLike } from "../core/tensor.ts";
import { add, maximum, minimum, mod, offset, scale } from "../primitives/arithmetic.ts";
import { select } from "../primitives/comparison.ts";
import { gather, scatterSet } from "../primitives/indexing.ts";
import { cumsum } from "../primitives/reduction.ts";
import { constantLike, convert, iota, reshape } from "../primitives/structure.ts";
import { toIndices } from "./arguments.ts";
import { broadcastTo, broadcastTogether } from "./broadcasting.ts";
import { splitPositions } from "./chosen.ts";
import { fromFront } from "./index_tensors.ts";
import { stack } from "./joining.ts";
import { castValues } from "./written_values.ts";

/**
 * How positions out of range are treated.
 *
 * @category Indexing
 */
export type IndexMode = "raise" | "wrap" | "clip";

/**
 * Options of `put`, `choose` and `ravelMultiIndex`.
 *
 * @category Indexing
 */
export interface IndexModeOptions {
  /** The treatment of positions out of range: an error (the default), or they are wrapped or clipped. */
  readonly mode?: IndexMode;
}

/** Positions on an axis as numbers from 0 on. */
function readPositions(
  indices: TensorLike,
  length: number,
  options: IndexModeOptions | undefined,
  axis: number,
  what: string,
): Tensor {
  const { mode = "raise" } = readOptions(what, options, ["mode"]);
  const entries = toIndices(indices, what);
  if (mode === "raise") return fromFront(entries, length, axis, what);
  if (mode !== "wrap" && mode !== "clip") {
    throw argumentError(
      `${what}: expected a mode "raise", "wrap" or "clip", got ${describeValue(mode)}`,
    );
  }
  if (length === 0 && entries.size > 0) throw indexError(`${what}: the axis is empty`);
  const wide = convert(entries, "int32");
  if (mode === "wrap") return mod(wide, constantLike(wide, Math.max(length, 1)));
  return maximum(minimum(wide, constantLike(wide, length - 1)), constantLike(wide, 0));
}

/**
 * Row-major positions in a tensor of some shape as positions on each axis.
 *
 * @category Indexing
 * @param indices Positions in the flattened tensor, integers of any shape; negative ones count from the
 * end.
 * @param shape The shape of the tensor.
 * @returns For each axis the positions on it, `int32` in the shape of `indices`.
 * @throws {IndexError} when a position is out of range.
 *
 * @example In a matrix
 * ```ts
 * import { unravelIndex } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [rows, columns] = unravelIndex([1, 5], [2, 3]);
 * assertTensorsClose(rows, [0, 1]);
 * assertTensorsClose(columns, [1, 2]);
 * ```
 */
export function unravelIndex(indices: TensorLike, shape: Shape): Tensor[] {
  const what = "Cannot unravel";
  const lengths = checkShape(shape, what);
  const entries = toIndices(indices, what);
  if (sizeOf(lengths) > MAX_SIZE) throw shapeError(`${what}: [${lengths}] has too many elements`);
  return splitPositions(fromFront(entries, sizeOf(lengths), 0, what), lengths);
}

/**
 * Positions on each axis of a tensor of some shape as row-major positions.
 *
 * @category Indexing
 * @param multiIndex For each axis the positions on it, integers that broadcast together.
 * @param shape The shape of the tensor.
 * @param options `mode`: what becomes of positions out of range: `"raise"`, an error, by default,
 * `"wrap"` or `"clip"`.
 * @returns The positions in the flattened tensor, `int32`.
 * @throws {IndexError} when a position is out of range.
 * @throws {ArgumentError} when there is not one list for each axis.
 *
 * @example In a matrix
 * ```ts
 * import { ravelMultiIndex } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(ravelMultiIndex([[0, 1], [1, 2]], [2, 3]), [1, 5]);
 * ```
 */
export function ravelMultiIndex(
  multiIndex: readonly TensorLike[],
  shape: Shape,
  options?: IndexModeOptions,
): Tensor {
  const what = "Cannot ravel";
  const lengths = checkShape(shape, what);
  if (sizeOf(lengths) > MAX_SIZE) throw shapeError(`${what}: [${lengths}] has too many elements`);
  if (!Array.isArray(multiIndex) || multiIndex.length !== lengths.length || lengths.length === 0) {
    throw argumentError(
      `${what}: expected a list of positions for each axis of [${lengths}], ` +
        `got ${describeValue(multiIndex)}`,
    );
  }
  const positions = broadcastTogether(
    what,
    ...Array.from(
      multiIndex as readonly TensorLike[],
      (entries, axis) => readPositions(entries, lengths[axis], options, axis, what),
    ),
  );
  const strides = stridesOf(lengths);
  return positions.map((entries, axis) => scale(entries, strides[axis])).reduce(add);
}

/**
 * A tensor with values at positions in the flattened tensor, as NumPy's `put`, which changes its argument.
 *
 * @category Indexing
 * @param x Any shape.
 * @param indices Positions in the flattened tensor, integers of any shape; negative ones count from the
 * end.
 * @param values The values, any shape; they are repeated as often as need be.
 * @param options `mode`: what becomes of positions out of range: `"raise"`, an error, by default,
 * `"wrap"` or `"clip"`.
 * @returns `x` with the values; of several in one place the last stays.
 * @throws {IndexError} when a position is out of range.
 * @throws {ShapeError} when there are positions and no values.
 *
 * @example Two elements
 * ```ts
 * import { put } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(put([[1, 2], [3, 4]], [0, -1], [8, 9]), [[8, 2], [3, 9]]);
 * ```
 */
export function put(
  x: TensorLike,
  indices: TensorLike,
  values: TensorLike,
  options?: IndexModeOptions,
): Tensor {
  const input = toTensor(x, "Cannot put");
  const what = `Cannot put in ${showType(input)}`;
  const entries = readPositions(indices, input.size, options, 0, what);
  const flat = reshape(entries, [entries.size]);
  const cast = castValues(values, input.dtype, what);
  if (flat.size === 0) return input;
  const updates = repeatTo(cast, flat.size, what);
  return reshape(scatterSet(reshape(input, [input.size]), updates, flat), input.shape);
}

/** Values, flattened and repeated to this count. */
function repeatTo(values: Tensor, count: number, what: string): Tensor {
  if (values.size === 0) throw shapeError(`${what}: there are no values`);
  const flat = reshape(values, [values.size]);
  if (values.size === count) return flat;
  if (values.size === 1) return broadcastTo(flat, [count]);
  const places = iota(count);
  return gather(flat, mod(places, constantLike(places, values.size)));
}

/**
 * A tensor with values in the places where a mask is true, one after the other, as NumPy's `place`, which
 * changes its argument. The mask may be traced.
 *
 * @category Indexing
 * @param x Any shape.
 * @param mask The shape of `x`.
 * @param values The values, any shape: the first goes to the first place, and so on; they are repeated as
 * often as need be.
 * @returns `x` with the values.
 * @throws {ShapeError} when the mask has another shape, or there are no values.
 *
 * @example In turn
 * ```ts
 * import { place } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(place([1, 2, 3, 4], [true, false, true, true], [8, 9]), [8, 2, 9, 8]);
 * ```
 */
export function place(x: TensorLike, mask: TensorLike, values: TensorLike): Tensor {
  const input = toTensor(x, "Cannot place");
  const what = `Cannot place in ${showType(input)}`;
  const test = convert(toTensor(mask, what), "bool");
  if (!sameShape(test.shape, input.shape)) {
    throw shapeError(`${what} by the mask ${showType(test)}: the shapes differ`);
  }
  const cast = castValues(values, input.dtype, what);
  if (cast.size === 0) throw shapeError(`${what}: there are no values`);
  if (input.size === 0) return input;
  const flat = reshape(test, [input.size]);
  const number = offset(cumsum(convert(flat, "int32"), 0), -1);
  const own = gather(reshape(cast, [cast.size]), mod(number, constantLike(number, cast.size)));
  return reshape(select(flat, own, reshape(input, [input.size])), input.shape);
}

/**
 * Elements of several tensors, at each position from the one selected by its number.
 *
 * @category Indexing
 * @param indices The numbers, integers from 0 on; negative ones count from the end.
 * @param choices The tensors to choose from, as a list or stacked along the first axis.
 * @param options `mode`: what becomes of numbers out of range: `"raise"`, an error, by default, `"wrap"`
 * or `"clip"`.
 * @returns The common dtype, in the shape that `indices` and all choices broadcast to.
 * @throws {IndexError} when a number is out of range.
 * @throws {ArgumentError} when there are no choices.
 * @throws {ShapeError} when shapes do not broadcast.
 *
 * @example Two choices
 * ```ts
 * import { choose } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(choose([0, 1, 0], [[1, 2, 3], [10, 20, 30]]), [1, 20, 3]);
 * ```
 */
export function choose(
  indices: TensorLike,
  choices: TensorLike | readonly TensorLike[],
  options?: IndexModeOptions,
): Tensor {
  const what = "Cannot choose";
  const list = Array.isArray(choices) && !(choices instanceof Tensor)
    ? choices as readonly TensorLike[]
    : null;
  if (list !== null && list.length === 0) throw argumentError(`${what}: there are no choices`);
  const all = list === null
    ? toTensor(choices as TensorLike, what)
    : stack(broadcastTogether(what, ...list), 0);
  if (all.ndim === 0 || all.shape[0] === 0) throw argumentError(`${what}: there are no choices`);
  const [count, ...own] = all.shape;
  const entries = readPositions(indices, count, options, 0, what);
  const shape = broadcastShapes(own, entries.shape);
  if (shape === null) {
    throw shapeError(
      `${what} from ${showType(all)} by ${showType(entries)}: shapes must broadcast`,
    );
  }
  const missing = shape.length - own.length;
  const opened = reshape(all, [count, ...shape.slice(0, missing).map(() => 1), ...own]);
  const rows = reshape(broadcastTo(opened, [count, ...shape]), [count * sizeOf(shape)]);
  const numbers = reshape(broadcastTo(entries, shape), [sizeOf(shape)]);
  if (sizeOf(shape) === 0) return reshape(rows, shape);
  const flat = add(scale(numbers, sizeOf(shape)), iota(sizeOf(shape)));
  return reshape(gather(rows, flat), shape);
}
