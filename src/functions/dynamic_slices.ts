/**
 * Reading and writing blocks of known size whose positions may be computed.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { dtypeError, shapeError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { checkAxis, range, showType } from "../base/shape.ts";
import { toTensor, toTensorOf } from "../core/convert.ts";
import { Tensor } from "../core/tensor.ts";
import type { TensorLike } from "../core/tensor.ts";
import { WeakScalar } from "../core/trace.ts";
import * as dynamic from "../primitives/dynamic_slicing.ts";
import * as slicing from "../primitives/slicing.ts";
import { reshape } from "../primitives/structure.ts";
import { toIndices } from "./arguments.ts";
import { countedFromFront } from "./index_tensors.ts";
import { castValues } from "./written_values.ts";

/**
 * Where a block begins: an integer tensor of one entry per axis, or a list of integers and scalars.
 *
 * @category Indexing
 */
export type Starts = Tensor | readonly TensorLike[];

/**
 * A block of a tensor of known size, whose position may be computed: `sizes[k]` positions of axis `k`
 * from `starts[k]` on. In a compiled loop only the block is read.
 *
 * @category Indexing
 * @param x Any shape.
 * @param starts The first position on each axis: integers, or integer scalars, in a list, or an
 * integer tensor `[ndim]`. Negative ones count from the end. A block that would stick out is moved to
 * the nearest place where it does not, as in JAX.
 * @param sizes How many positions to take of each axis.
 * @returns The block, of shape `sizes`.
 * @throws {ShapeError} when there is not one start and one size for each axis, or a size is larger
 * than its axis.
 * @throws {DtypeError} when a start is not an integer.
 *
 * @example Two entries from a place that is computed
 * ```ts
 * import { dynamicSlice, jit, tensor } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const pair = jit((x: Tensor, i: Tensor) => dynamicSlice(x, [i], [2]));
 * assertTensorsClose(pair(tensor([1, 2, 3, 4]), tensor(1, { dtype: "int32" })), [2, 3]);
 * assertTensorsClose(pair(tensor([1, 2, 3, 4]), tensor(9, { dtype: "int32" })), [3, 4]);
 * ```
 */
export function dynamicSlice(
  x: TensorLike,
  starts: Starts,
  sizes: readonly number[],
): Tensor {
  const input = toTensor(x, "Cannot slice");
  const what = `Cannot slice ${showType(input)}`;
  if (!Array.isArray(sizes) || sizes.length !== input.ndim) {
    throw shapeError(
      `${what} by sizes ${describeValue(sizes)}: expected a list of ${input.ndim}, one per axis`,
    );
  }
  // Entries that a list leaves out are checked, too.
  const lengths = Array.from(sizes);
  lengths.forEach((size, axis) => {
    if (Number.isInteger(size) && size >= 0 && size <= input.shape[axis]) return;
    throw shapeError(
      `${what}: the size ${describeValue(size)} on axis ${axis} must be an integer from 0 to ` +
        `${input.shape[axis]}`,
    );
  });
  const { start, open } = readStarts(input, starts, lengths, what);
  if (open.length > 0) return dynamic.dynamicSlice(input, start, open, lengths);
  const first = start as number[];
  const stop = first.map((at, axis) => at + lengths[axis]);
  return slicing.slice(input, first, stop, first.map(() => 1));
}

/**
 * A tensor with a block replaced, whose position may be computed: the inverse of
 * {@linkcode dynamicSlice}. In a compiled loop that carries `x` only the block is written, in
 * place.
 *
 * @category Indexing
 * @param x Any shape.
 * @param update The block: as many axes as `x`, none longer. It is converted to the dtype of `x`
 * unless that is of a lower category.
 * @param starts The first position of the block on each axis: integers, or integer scalars, in a list,
 * or an integer tensor `[ndim]`. Negative ones count from the end. A block that would stick out is
 * moved to the nearest place where it does not, as in JAX.
 * @returns `x` with `update` in that place.
 * @throws {ShapeError} when the block does not fit into `x`, or there is not one start for each axis.
 * @throws {DtypeError} when a start is not an integer, or the dtype of `x` cannot hold `update`.
 *
 * @example A window written into a row
 * ```ts
 * import { dynamicUpdateSlice } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(dynamicUpdateSlice([1, 2, 3, 4], [8, 9], [1]), [1, 8, 9, 4]);
 * assertTensorsClose(dynamicUpdateSlice([1, 2, 3, 4], [8, 9], [-1]), [1, 2, 8, 9]);
 * ```
 */
export function dynamicUpdateSlice(x: TensorLike, update: TensorLike, starts: Starts): Tensor {
  const input = toTensor(x, "Cannot update");
  const what = `Cannot update ${showType(input)}`;
  const block = castValues(update, input.dtype, what);
  const fits = block.ndim === input.ndim &&
    block.shape.every((length, axis) => length <= input.shape[axis]);
  if (!fits) {
    throw shapeError(
      `${what} with ${showType(block)}: the block must have as many axes, none longer`,
    );
  }
  const { start, open } = readStarts(input, starts, block.shape, what);
  return block.size === 0 ? input : dynamic.updateSlice(input, block, start, open);
}

/**
 * Options of `dynamicIndex`.
 *
 * @category Indexing
 */
export interface DynamicIndexOptions {
  /** Whether the axis stays, with length one. Default `true`, as in JAX. */
  readonly keepdims?: boolean;
}

/**
 * The part of a tensor at one position of an axis, which may be computed: JAX's
 * `dynamic_index_in_dim`. Where `x.at(i)` refuses a position out of range, this takes the nearest.
 *
 * @category Indexing
 * @param x Any shape of one axis or more.
 * @param index The position: an integer, or an integer scalar; negative ones count from the end.
 * @param axis The axis, 0 by default.
 * @param options `keepdims`: whether the axis stays, with length one, `true` by default.
 * @returns The part.
 * @throws {AxisError} when the axis is out of range.
 * @throws {ShapeError} when the axis is empty.
 * @throws {DtypeError} when the position is not an integer.
 *
 * @example A row
 * ```ts
 * import { dynamicIndex } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(dynamicIndex([[1, 2], [3, 4]], 9), [[3, 4]]);
 * assertTensorsClose(dynamicIndex([[1, 2], [3, 4]], 0, 1, { keepdims: false }), [1, 3]);
 * ```
 */
export function dynamicIndex(
  x: TensorLike,
  index: TensorLike,
  axis?: number,
  options?: DynamicIndexOptions,
): Tensor {
  const what = "Cannot slice";
  const input = toTensor(x, what);
  const { keepdims = true } = readOptions(what, options, ["keepdims"]);
  checkFlag(keepdims, what, "keepdims");
  const at = checkAxis(axis ?? 0, input.ndim, `${what} ${showType(input)}`);
  const starts = input.shape.map((_, i) => i === at ? index : 0);
  const part = dynamicSlice(input, starts, input.shape.with(at, 1));
  return keepdims ? part : reshape(part, input.shape.toSpliced(at, 1));
}

/** Where a block begins, moved to where it fits: numbers where they are known, tensors elsewhere. */
function readStarts(
  { shape }: Tensor,
  starts: Starts,
  sizes: readonly number[],
  what: string,
): { readonly start: readonly (number | null)[]; readonly open: readonly Tensor[] } {
  const list = starts instanceof Tensor ? splitStarts(starts, shape.length, what) : starts;
  if (!Array.isArray(list) || list.length !== shape.length) {
    throw shapeError(
      `${what} from ${describeValue(list)}: expected a list of ${shape.length}, one start per axis`,
    );
  }
  const open: Tensor[] = [];
  const start = Array.from(list as readonly TensorLike[], (entry, axis) => {
    const where = `${what} from ${describeValue(entry)} on axis ${axis}`;
    const [length, last] = [shape[axis], shape[axis] - sizes[axis]];
    if (typeof entry === "number") {
      if (!Number.isInteger(entry)) throw dtypeError(`${where}: expected an integer`);
      return Math.min(Math.max(entry < 0 ? entry + length : entry, 0), last);
    }
    const at = entry instanceof WeakScalar
      ? toTensorOf(entry, "int32", where)
      : toIndices(entry, where);
    if (at.ndim !== 0) throw shapeError(`${where}: expected a scalar, got ${showType(at)}`);
    open.push(dynamic.nearestStart(countedFromFront(at, length), length, sizes[axis]));
    return null;
  });
  return { start, open };
}

/** The entries of a tensor of starts. */
function splitStarts(starts: Tensor, ndim: number, what: string): readonly Tensor[] {
  if (starts.ndim === 1 && starts.shape[0] === ndim) {
    return range(ndim).map((axis) => reshape(slicing.sliceAxis(starts, 0, axis, axis + 1), []));
  }
  throw shapeError(`${what} from ${showType(starts)}: expected one start per axis, [${ndim}]`);
}
