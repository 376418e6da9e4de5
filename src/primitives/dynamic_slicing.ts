/**
 * Primitives that read and replace a block of a tensor whose position may be known only when the
 * program runs: dynamicSlice, updateSlice, addSlice.
 *
 * @module
 */
import { dtypeError, indexError, shapeError } from "../base/errors.ts";
import { range, showType, stridesOf } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { readView, type View, writeView } from "../numeric/strided.ts";
import type { BatchAxis, Primitive } from "../core/primitive.ts";
import { allocateFor, Concrete, dense, zerosOf } from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";
import { lessEqual, select } from "./comparison.ts";
import { copyOf, gather, scatterOnto, scatterSet } from "./indexing.ts";
import { type AxisPositions, mergeAxes, mergePositions } from "./positions.ts";
import { alignBatch, constantLike, moveAxis, reshape } from "./structure.ts";

/** The position of a block: one entry per axis. */
export interface BlockStart {
  /** The first position on each axis; `null` if it is given by the next of the scalar operands. */
  readonly start: readonly (number | null)[];
}

/** Parameters of `dynamicSlice`. */
export interface DynamicSliceParams extends BlockStart {
  /** The number of positions on each axis. */
  readonly sizes: readonly number[];
}

/** Throws unless a block is within `x`, as far as its start is known. */
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

/** The first position of a block on each axis; throws if the block is out of range. */
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
  narrow: "moved",
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
    const isMapped = axis !== null;
    const rows = isMapped ? moveAxis(x, axis, 0) : x;
    const shape = isMapped ? rows.shape.slice(1) : rows.shape;
    const { outer, merged, indices } = blocksOf(shape, sizes, start, starts, axes, size);
    if (!isMapped) return [[gather(reshape(rows, merged), indices, 0, range(outer)), outer]];
    const blocks = reshape(rows, [size, ...merged]);
    return [[gather(blocks, indices, 1, range(1, outer + 1)), 0]];
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

/**
 * The block of `x` with these `sizes` at the position `start`, where `null` represents the next of
 * `starts`.
 */
export function dynamicSlice(
  x: Tensor,
  start: readonly (number | null)[],
  starts: readonly Tensor[],
  sizes: readonly number[],
): Tensor {
  return bindOne(dynamicSlicePrimitive, [x, ...starts], { start, sizes });
}

/** The common parts of replacing a block and adding to it. */
function blockPrimitive(
  name: "updateSlice" | "addSlice",
  adds: boolean,
  bindBlock: typeof updateSlice,
): Primitive<BlockStart> {
  return {
    name,
    ...(adds ? {} : { narrow: "moved" }),
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
      const shape = whole.shape.slice(1);
      const sizes = block.shape.slice(1);
      const { outer, merged, indices } = blocksOf(shape, sizes, start, starts, axes, size);
      const rows = reshape(whole, [size, ...merged]);
      const change = adds ? scatterOnto : scatterSet;
      const changed = change(rows, block, indices, 1, range(1, outer + 1));
      return [[reshape(changed, whole.shape), 0]];
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

/** `x` with `update` in the block at `start`, where `null` represents the next of `starts`. */
export function updateSlice(
  x: Tensor,
  update: Tensor,
  start: readonly (number | null)[],
  starts: readonly Tensor[],
): Tensor {
  return bindOne(updateSlicePrimitive, [x, update, ...starts], { start });
}

/** `x` with `update` added to the block at `start`, where `null` represents the next of `starts`. */
export function addSlice(
  x: Tensor,
  update: Tensor,
  start: readonly (number | null)[],
  starts: readonly Tensor[],
): Tensor {
  return bindOne(addSlicePrimitive, [x, update, ...starts], { start });
}

/** Blocks that differ between examples, as indices into one axis. */
interface Blocks {
  /** The number of leading axes that blocks contain completely. */
  readonly outer: number;
  /** The shape in which the axes between these and the complete trailing ones are combined into one. */
  readonly merged: Shape;
  /** `[examples, sizes...]`: the positions of the blocks on that axis; -1 for those out of range. */
  readonly indices: Tensor;
}

function blocksOf(
  shape: Shape,
  sizes: readonly number[],
  start: readonly (number | null)[],
  starts: readonly Tensor[],
  axes: readonly BatchAxis[],
  size: number,
): Blocks {
  const firsts = starts.map((one, i) => alignBatch(one, axes[i], 0, size));
  const parts = range(shape.length).filter((i) => start[i] === null || sizes[i] < shape[i]);
  const [outer, end] = [parts[0], parts[parts.length - 1] + 1];
  const inner = range(outer, end);
  let next = 0;
  const positions = inner.map((i): AxisPositions => ({
    length: shape[i],
    start: start[i] ?? firsts[next++],
    count: sizes[i],
    step: 1,
    along: i - outer + 1,
  }));
  return {
    outer,
    merged: mergeAxes(shape, outer, end),
    indices: mergePositions(positions, [size, ...inner.map((i) => sizes[i])], [0]),
  };
}

/** The starts moved to the nearest block of these sizes that is within a tensor of this shape. */
export function nearestStart(first: Tensor, length: number, size: number): Tensor {
  const last = constantLike(first, length - size);
  const atLeast = select(lessEqual(constantLike(first, 0), first), first, constantLike(first, 0));
  return select(lessEqual(atLeast, last), atLeast, last);
}
