/**
 * Primitives that take and replace a block of a tensor whose position may be known only when the
 * program runs: dynamicSlice, updateSlice, addSlice.
 *
 * @module
 */
import { dtypeError, indexError, shapeError } from "../base/errors.ts";
import {
  inversePermutation,
  range,
  sameShape,
  showType,
  sizeOf,
  stridesOf,
} from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { readView, type View, writeView } from "../numeric/strided.ts";
import type { BatchAxis, Primitive } from "../core/primitive.ts";
import { allocateFor, Concrete, dense, zerosOf } from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";
import { add, scale } from "./arithmetic.ts";
import { and, lessEqual, select } from "./comparison.ts";
import { copyOf, gather, scatterOnto, scatterSet } from "./indexing.ts";
import {
  alignBatch,
  broadcast,
  constantLike,
  iota,
  moveAxis,
  reshape,
  transpose,
} from "./structure.ts";

/** Where a block begins: one entry per axis. */
export interface BlockStart {
  /** The first position on each axis; `null` where the next of the scalar operands says it. */
  readonly start: readonly (number | null)[];
}

/** Parameters of `dynamicSlice`. */
export interface DynamicSliceParams extends BlockStart {
  /** How many positions are taken on each axis. */
  readonly sizes: readonly number[];
}

/** Throws unless a block fits into `x` wherever its start is known. */
function checkBlock(
  x: Type,
  sizes: Shape,
  { start }: BlockStart,
  starts: readonly Type[],
  what: string,
): void {
  const fits = sizes.length === x.shape.length && start.length === x.shape.length &&
    x.shape.every((length, axis) => {
      const first = start[axis] ?? 0;
      return [sizes[axis], first].every((n) => Number.isSafeInteger(n) && n >= 0) &&
        first + sizes[axis] <= length;
    });
  if (!fits) {
    const from = start.map((first) => first ?? "?").join(",");
    throw shapeError(`${what}: no block of [${sizes}] from [${from}] on fits in`);
  }
  if (starts.length !== start.filter((first) => first === null).length) {
    throw shapeError(`${what}: expected one operand for each start that is not known`);
  }
  const wrong = starts.find(({ dtype, shape }) => dtype !== "int32" || shape.length !== 0);
  if (wrong === undefined) return;
  throw dtypeError(`${what} from ${showType(wrong)} on: expected int32[]`);
}

/** The first position of a block on each axis; throws where the block does not lie inside. */
function readStarts(
  x: Type,
  sizes: Shape,
  { start }: BlockStart,
  starts: readonly Concrete[],
): number[] {
  let next = 0;
  return start.map((known, axis) => {
    const first = known ?? starts[next++].elements[0];
    const [length, size] = [x.shape[axis], sizes[axis]];
    if (first >= 0 && first + size <= length) return first;
    const block = size === 1
      ? `Cannot take index ${first}`
      : `Cannot take ${size} from ${first} on`;
    throw indexError(`${block} on axis ${axis} of length ${length}`);
  });
}

/** A block as a view of the whole. */
function viewOf(x: Type, sizes: Shape, starts: readonly number[]): View {
  const strides = stridesOf(x.shape);
  return {
    shape: sizes,
    strides,
    offset: strides.reduce((sum, stride, axis) => sum + stride * starts[axis], 0),
  };
}

/** A block of a tensor: `sizes` positions from the starts on; `x`, then the starts that are operands. */
export const dynamicSlicePrimitive: Primitive<DynamicSliceParams> = {
  name: "dynamicSlice",
  type([x, ...starts], params) {
    const { sizes } = params;
    checkBlock(x, sizes, params, starts, `Cannot slice ${showType(x)}`);
    return [{ dtype: x.dtype, shape: sizes }];
  },
  evaluate([x, ...starts], params, [type]) {
    const view = viewOf(x, params.sizes, readStarts(x, params.sizes, params, starts));
    const out = allocateFor(type);
    if (x.held === 1) out.fill(x.elements[0]);
    else x.peek((elements) => readView(out, elements, view));
    return [new Concrete(type.dtype, type.shape, out)];
  },
  batch([x, ...starts], [axis, ...axes], size, { start, sizes }) {
    if (axes.every((one) => one === null)) {
      const whole = alignBatch(x, axis, 0, size);
      return [[dynamicSlice(whole, [0, ...start], starts, [size, ...sizes]), 0]];
    }
    const positions = positionsOf(x, axis, starts, axes, size, { start }, sizes);
    const isMapped = axis !== null;
    const rows = isMapped ? moveAxis(x, axis, 0) : x;
    const part = positions.known(rows, isMapped);
    const taken = gather(positions.toRows(part, isMapped), positions.indices, isMapped ? 1 : 0);
    return [[positions.fromBlock(taken), 0]];
  },
  derivative: {
    kind: "linear",
    transpose: ([ct], [x, ...starts], { start }) => [
      updateSlice(zerosOf(x), ct, start, starts as Tensor[]),
      ...starts.map(() => null),
    ],
    onto: (total, ct, [, ...starts], { start }) => addSlice(total, ct, start, starts as Tensor[]),
  },
};

/** The block of `x` with these `sizes` whose position is `start`, `null` taking the next of `starts`. */
export function dynamicSlice(
  x: Tensor,
  start: readonly (number | null)[],
  starts: readonly Tensor[],
  sizes: readonly number[],
): Tensor {
  return bindOne(dynamicSlicePrimitive, [x, ...starts], { start, sizes });
}

/** What replacing a block and adding to it have in common. */
function blockPrimitive(
  name: "updateSlice" | "addSlice",
  adds: boolean,
  bindBlock: typeof updateSlice,
): Primitive<BlockStart> {
  return {
    name,
    type([x, update, ...starts], params) {
      const what = `Cannot ${adds ? "add" : "write"} ${showType(update)} to ${showType(x)}`;
      if (x.dtype !== update.dtype) throw dtypeError(`${what}: the dtypes must be equal`);
      if (adds && x.dtype === "bool") throw dtypeError(`${what}: expected numbers`);
      checkBlock(x, update.shape, params, starts, what);
      return [{ dtype: x.dtype, shape: x.shape }];
    },
    evaluate([x, update, ...starts], params, [type]) {
      const view = viewOf(x, update.shape, readStarts(x, update.shape, params, starts));
      const out = copyOf(x, type);
      const values = dense(update);
      if (!adds) writeView(out, values, view);
      else {
        const sums = allocateFor(update);
        readView(sums, out, view);
        for (let i = 0; i < sums.length; i++) sums[i] += values[i];
        writeView(out, sums, view);
      }
      return [new Concrete(type.dtype, type.shape, out)];
    },
    batch([x, update, ...starts], [axis, updateAxis, ...axes], size, { start }) {
      const whole = alignBatch(x, axis, 0, size);
      const block = alignBatch(update, updateAxis, 0, size);
      if (axes.every((one) => one === null)) {
        return [[bindBlock(whole, block, [0, ...start], starts), 0]];
      }
      const sizes = block.shape.slice(1);
      const positions = positionsOf(whole, 0, starts, axes, size, { start }, sizes);
      const part = positions.known(whole, true);
      const rows = positions.toRows(part, true);
      const values = positions.toBlock(block);
      const changed = adds
        ? scatterOnto(rows, values, positions.indices, 1)
        : scatterSet(rows, values, positions.indices, 1);
      const result = positions.fromRows(changed);
      const known = [0, ...start.map((first) => first ?? 0)];
      return [[
        sameShape(part.shape, whole.shape) ? result : updateSlice(whole, result, known, []),
        0,
      ]];
    },
    derivative: {
      kind: "linear",
      transpose([ct], [, update, ...starts], { start }, [isX, isUpdate]) {
        const at = starts as Tensor[];
        return [
          !isX || adds ? ct : updateSlice(ct, zerosOf(update), start, at),
          isUpdate ? dynamicSlice(ct, start, at, update.shape) : null,
          ...starts.map(() => null),
        ];
      },
    },
  };
}

/** `x` with a block replaced: `x`, the block, then the starts that are operands. */
export const updateSlicePrimitive: Primitive<BlockStart> = blockPrimitive(
  "updateSlice",
  false,
  updateSlice,
);

/** `x` with a block added to one of its own: `x`, the block, then the starts that are operands. */
export const addSlicePrimitive: Primitive<BlockStart> = blockPrimitive("addSlice", true, addSlice);

/** `x` with `update` in the block at `start`, `null` taking the next of `starts`. */
export function updateSlice(
  x: Tensor,
  update: Tensor,
  start: readonly (number | null)[],
  starts: readonly Tensor[],
): Tensor {
  return bindOne(updateSlicePrimitive, [x, update, ...starts], { start });
}

/** `x` with `update` added to the block at `start`, `null` taking the next of `starts`. */
export function addSlice(
  x: Tensor,
  update: Tensor,
  start: readonly (number | null)[],
  starts: readonly Tensor[],
): Tensor {
  return bindOne(addSlicePrimitive, [x, update, ...starts], { start });
}

/** Blocks that differ from example to example, as rows of one axis that indices point to. */
interface BlockPositions {
  /** `[size, window...]`: where the positions of each example's block are on the merged axis. */
  readonly indices: Tensor;
  /** The part that is left when the starts that are known have been applied. */
  known(x: Tensor, isMapped: boolean): Tensor;
  /** That part with the axes of unknown starts merged, in front of the others. */
  toRows(part: Tensor, isMapped: boolean): Tensor;
  /** The part again, given its mapped rows. */
  fromRows(rows: Tensor): Tensor;
  /** Mapped blocks with the axes of unknown starts in front of the others. */
  toBlock(block: Tensor): Tensor;
  /** The blocks again. */
  fromBlock(block: Tensor): Tensor;
}

function positionsOf(
  x: Type,
  axis: BatchAxis,
  starts: readonly Tensor[],
  axes: readonly BatchAxis[],
  size: number,
  { start }: BlockStart,
  sizes: readonly number[],
): BlockPositions {
  const shape = axis === null ? x.shape : x.shape.filter((_, i) => i !== axis);
  const isOpen = (i: number): boolean => start[i] === null;
  const open = range(shape.length).filter(isOpen);
  const order = [...open, ...range(shape.length).filter((i) => !isOpen(i))];
  const partShape = shape.map((length, i) => isOpen(i) ? length : sizes[i]);
  const lengths = open.map((i) => partShape[i]);
  const rest = order.slice(open.length).map((i) => partShape[i]);
  const permuted = [0, ...order.map((i) => i + 1)];
  const firsts = starts.map((one, i) => alignBatch(one, axes[i], 0, size));
  return {
    indices: windowIndices(firsts, lengths, open.map((i) => sizes[i])),
    known(x, isMapped) {
      const front = isMapped ? [size] : [];
      if (sameShape(x.shape, [...front, ...partShape])) return x;
      const known = [...front.map(() => 0), ...start.map((first) => first ?? 0)];
      return dynamicSlice(x, known, [], [...front, ...partShape]);
    },
    toRows(part, isMapped) {
      return isMapped
        ? reshape(transpose(part, permuted), [size, sizeOf(lengths), ...rest])
        : reshape(transpose(part, order), [sizeOf(lengths), ...rest]);
    },
    fromRows(rows) {
      const whole = reshape(rows, [size, ...lengths, ...rest]);
      return transpose(whole, inversePermutation(permuted));
    },
    toBlock: (block) => transpose(block, permuted),
    fromBlock: (block) => transpose(block, inversePermutation(permuted)),
  };
}

/**
 * Row-major positions, among axes of these lengths, of windows of these sizes from the `firsts` on:
 * `[examples, sizes...]`; -1 for a window that sticks out.
 */
function windowIndices(
  firsts: readonly Tensor[],
  lengths: readonly number[],
  sizes: readonly number[],
): Tensor {
  const strides = stridesOf(lengths);
  const window = [firsts[0].shape[0], ...sizes];
  let base = firsts[0];
  if (firsts.length > 1) {
    const [sum, isInside] = firsts.map((first, i) => {
      const last = constantLike(first, lengths[i] - sizes[i]);
      const fits = and(lessEqual(constantLike(first, 0), first), lessEqual(first, last));
      return [scale(first, strides[i]), fits] as const;
    }).reduce(([sum, all], [term, fits]) => [add(sum, term), and(all, fits)]);
    base = select(isInside, sum, constantLike(sum, -1));
  }
  let indices = broadcast(base, window, [0]);
  sizes.forEach((count, i) => {
    if (count === 1) return;
    indices = add(indices, broadcast(scale(iota(count), strides[i]), window, [i + 1]));
  });
  return indices;
}

/** The starts moved to the nearest block of these sizes that lies inside a tensor of this shape. */
export function nearestStart(first: Tensor, length: number, size: number): Tensor {
  const last = constantLike(first, length - size);
  const atLeast = select(lessEqual(constantLike(first, 0), first), first, constantLike(first, 0));
  return select(lessEqual(atLeast, last), atLeast, last);
}
