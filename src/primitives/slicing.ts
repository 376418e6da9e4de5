/**
 * Primitives that extract parts of tensors or combine them: slice, pad, concatenate, flip.
 *
 * @module
 */
import { dtypeError, shapeError } from "../base/errors.ts";
import {
  checkSize,
  insertAt,
  range,
  showShape,
  showType,
  sizeOf,
  stridesOf,
} from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { readView, writeView } from "../numeric/strided.ts";
import type { Primitive } from "../core/primitive.ts";
import { allocateFor, Concrete, dense, isSplat, splat } from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";
import { addSlice } from "./dynamic_slicing.ts";
import { scatterOnto } from "./indexing.ts";
import { type AxisPositions, mergeAxes, mergePositions } from "./positions.ts";
import { alignBatch, reshape } from "./structure.ts";

/** Parameters of `slice`: one entry per axis in each list. */
export interface SliceParams {
  /** The first position. */
  readonly start: readonly number[];
  /** The end: at least `start`, at most the axis's length. */
  readonly stop: readonly number[];
  /** Steps from one position to the next, at least one. */
  readonly step: readonly number[];
}

/** From this number of elements on, the number of positions that an addition changes is relevant. */
const LARGE = 1024;

/** The positions from `start` to `stop` in steps of `step`, on every axis. */
export const slicePrimitive: Primitive<SliceParams> = {
  name: "slice",
  isTotal: true,
  narrow: "moved",
  type([x], { start, stop, step }) {
    const ndim = x.shape.length;
    const fits = start.length === ndim && stop.length === ndim && step.length === ndim &&
      x.shape.every((length, axis) =>
        areIntegers(start[axis], stop[axis], step[axis]) && start[axis] >= 0 &&
        start[axis] <= stop[axis] && stop[axis] <= length && step[axis] >= 1
      );
    if (!fits) {
      throw shapeError(
        `Cannot slice ${showType(x)} from ${showShape(start)} to ${showShape(stop)} ` +
          `in steps of ${showShape(step)}`,
      );
    }
    const shape = x.shape.map((_, axis) => Math.ceil((stop[axis] - start[axis]) / step[axis]));
    return [{ dtype: x.dtype, shape }];
  },
  evaluate([x], { start, step }, [type]) {
    if (isSplat(x)) return [splat(x.elements[0], type.dtype, type.shape)];
    const strides = stridesOf(x.shape);
    const out = allocateFor(type);
    const view = {
      shape: type.shape,
      strides: strides.map((stride, axis) => stride * step[axis]),
      offset: strides.reduce((sum, stride, axis) => sum + stride * start[axis], 0),
    };
    // In place: for a large tensor, only the elements of the slice are moved.
    x.peek((elements) => readView(out, elements, view));
    return [new Concrete(type.dtype, type.shape, out)];
  },
  batch([x], [axis], size, { start, stop, step }) {
    const at = axis!;
    return [[
      slice(x, insertAt(start, at, 0), insertAt(stop, at, size), insertAt(step, at, 1)),
      at,
    ]];
  },
  derivative: {
    kind: "linear",
    transpose([ct], [x], { start, step }) {
      const high = x.shape.map((length, axis) =>
        length - start[axis] - spreadLength(ct.shape[axis], step[axis])
      );
      return [pad(ct, start, high, step.map((s) => s - 1))];
    },
    // A small part of a large tensor: most of the work would be adding zeros to the rest.
    onto(total, ct, _args, { start, step }) {
      if (total.size < LARGE || 8 * ct.size > total.size) return null;
      if (step.every((s) => s === 1)) return addSlice(total, ct, start, []);
      const axes = range(total.ndim).filter((i) => ct.shape[i] < total.shape[i]);
      const [outer, end] = [axes[0], axes[axes.length - 1] + 1];
      const positions = range(outer, end).map((i): AxisPositions => ({
        length: total.shape[i],
        start: start[i],
        count: ct.shape[i],
        step: step[i],
        along: i - outer,
      }));
      const indices = mergePositions(positions, ct.shape.slice(outer, end), []);
      const rows = reshape(total, mergeAxes(total.shape, outer, end));
      return reshape(scatterOnto(rows, ct, indices, 0, range(outer)), total.shape);
    },
  },
};

/** Strict slice with steps of at least one; no operation when it takes everything. */
export function slice(
  x: Tensor,
  start: readonly number[],
  stop: readonly number[],
  step: readonly number[],
): Tensor {
  const takesAll = start.length === x.ndim && stop.length === x.ndim && step.length === x.ndim &&
    x.shape.every((n, axis) => start[axis] === 0 && stop[axis] === n && step[axis] === 1);
  return takesAll ? x : bindOne(slicePrimitive, [x], { start, stop, step });
}

/** Parameters of `pad`: one entry per axis in each list. */
export interface PadParams {
  /** Zeros before the first element; a negative number removes elements. */
  readonly low: readonly number[];
  /** Zeros after the last element; a negative number removes elements. */
  readonly high: readonly number[];
  /** Zeros between neighbours, not negative. */
  readonly interior: readonly number[];
}

/** Zeros inserted around and between elements. */
export const padPrimitive: Primitive<PadParams> = {
  name: "pad",
  isTotal: true,
  narrow: "moved",
  type([x], { low, high, interior }) {
    const ndim = x.shape.length;
    const isComplete = low.length === ndim && high.length === ndim && interior.length === ndim;
    const shape = x.shape.map((length, axis) =>
      low[axis] + high[axis] + spreadLength(length, interior[axis] + 1)
    );
    const fits = isComplete &&
      shape.every((length, axis) =>
        areIntegers(low[axis], high[axis], interior[axis]) && interior[axis] >= 0 && length >= 0
      );
    if (!fits) {
      throw shapeError(
        `Cannot pad ${showType(x)} by ${showShape(low)} before, ${showShape(high)} after ` +
          `and ${showShape(interior)} between elements`,
      );
    }
    checkSize(shape, `Cannot pad ${showType(x)}`);
    return [{ dtype: x.dtype, shape }];
  },
  evaluate([x], { low, high, interior }, [type]) {
    const { dtype, shape } = type;
    const value = x.elements.length === 1 ? x.elements[0] : undefined;
    const onlyCrops = low.every((_, i) => low[i] <= 0 && high[i] <= 0 && interior[i] === 0);
    if (Object.is(value, 0) || (value !== undefined && onlyCrops)) {
      return [splat(value!, dtype, shape)];
    }
    // Only the elements whose positions are within the result are copied.
    const step = interior.map((zeros) => zeros + 1);
    const first = x.shape.map((_, i) => Math.max(0, Math.ceil(-low[i] / step[i])));
    const kept = x.shape.map((length, i) =>
      Math.max(0, Math.min(length, Math.ceil((shape[i] - low[i]) / step[i])) - first[i])
    );
    const out = allocateFor(type);
    if (sizeOf(kept) === 0) return [new Concrete(dtype, shape, out)];
    const from = stridesOf(x.shape);
    const to = stridesOf(shape);
    let source = dense(x);
    if (sizeOf(kept) < x.size) {
      source = allocateFor({ dtype, shape: kept });
      const offset = from.reduce((sum, stride, i) => sum + stride * first[i], 0);
      readView(source, dense(x), { shape: kept, strides: from, offset });
    }
    writeView(out, source, {
      shape: kept,
      strides: to.map((stride, i) => stride * step[i]),
      offset: to.reduce((sum, stride, i) => sum + stride * (low[i] + first[i] * step[i]), 0),
    });
    return [new Concrete(dtype, shape, out)];
  },
  batch([x], [axis], _size, { low, high, interior }) {
    const at = axis!;
    return [[pad(x, insertAt(low, at, 0), insertAt(high, at, 0), insertAt(interior, at, 0)), at]];
  },
  derivative: {
    kind: "linear",
    transpose([ct], [x], { low, high, interior }) {
      // Cropped elements have cotangent zero: insert these first, then take the position of every element.
      const none = low.map(() => 0);
      const whole = pad(ct, low.map(negativePart), high.map(negativePart), none);
      const step = interior.map((zeros) => zeros + 1);
      const start = low.map((zeros) => Math.max(zeros, 0));
      const stop = start.map((at, i) => at + spreadLength(x.shape[i], step[i]));
      return [slice(whole, start, stop, step)];
    },
  },
};

/** Strict padding with zeros, one entry per axis in each list; no operation when there is none. */
export function pad(
  x: Tensor,
  low: readonly number[],
  high: readonly number[],
  interior: readonly number[],
): Tensor {
  const ndim = x.ndim;
  const isComplete = low.length === ndim && high.length === ndim && interior.length === ndim;
  // Interior padding of fewer than two elements changes nothing.
  const isNothing = isComplete &&
    x.shape.every((length, i) =>
      low[i] === 0 && high[i] === 0 && (interior[i] === 0 || (interior[i] > 0 && length < 2))
    );
  return isNothing ? x : bindOne(padPrimitive, [x], { low, high, interior });
}

/** The length of `count` elements at a distance of `step`. */
function spreadLength(count: number, step: number): number {
  return count === 0 ? 0 : (count - 1) * step + 1;
}

function negativePart(amount: number): number {
  return Math.max(-amount, 0);
}

function areIntegers(...values: readonly number[]): boolean {
  return values.every(Number.isSafeInteger);
}

/** Parameters of `concatenate`. */
export interface ConcatenateParams {
  /** The axis along which the arguments are concatenated. */
  readonly axis: number;
}

/** Concatenation along an axis; all other axes have equal lengths. */
export const concatenatePrimitive: Primitive<ConcatenateParams> = {
  name: "concatenate",
  isTotal: true,
  narrow: "moved",
  type(args, { axis }) {
    const what = `Cannot concatenate ${args.map(showType).join(", ") || "no tensors"}`;
    if (args.length === 0) throw shapeError(`${what}: expected at least one`);
    const [first] = args;
    if (args.some((arg) => arg.dtype !== first.dtype)) {
      throw dtypeError(`${what}: dtypes must be equal`);
    }
    const fits = Number.isInteger(axis) && axis >= 0 && axis < first.shape.length &&
      args.every(({ shape }) =>
        shape.length === first.shape.length &&
        shape.every((length, i) => i === axis || length === first.shape[i])
      );
    if (!fits) {
      throw shapeError(`${what} along axis ${axis}: all other axes must have equal lengths`);
    }
    const length = args.reduce((sum, arg) => sum + arg.shape[axis], 0);
    const shape = first.shape.map((n, i) => i === axis ? length : n);
    checkSize(shape, what);
    return [{ dtype: first.dtype, shape }];
  },
  evaluate(args, { axis }, [type]) {
    const parts = args.filter((arg) => arg.size > 0);
    const value = parts[0]?.elements[0];
    if (parts.every((p) => p.elements.length === 1 && Object.is(p.elements[0], value))) {
      return [splat(value ?? 0, type.dtype, type.shape)];
    }
    const out = allocateFor(type);
    const row = sizeOf(type.shape.slice(axis));
    let start = 0;
    for (const part of parts) {
      const width = sizeOf(part.shape.slice(axis));
      const source = part.elements;
      for (let at = 0, to = start; to < out.length; at += width, to += row) {
        if (isSplat(part)) out.fill(source[0], to, to + width);
        else if (width < 16) { for (let i = 0; i < width; i++) out[to + i] = source[at + i]; }
        else out.set(source.subarray(at, at + width), to);
      }
      start += width;
    }
    return [new Concrete(type.dtype, type.shape, out)];
  },
  batch(args, axes, size, { axis }) {
    const target = axes.find((a) => a !== null)!;
    const aligned = args.map((arg, i) => alignBatch(arg, axes[i], target, size));
    return [[concatenate(aligned, axis < target ? axis : axis + 1), target]];
  },
  derivative: {
    kind: "linear",
    transpose([ct], args, { axis }, needed) {
      let start = 0;
      return args.map((arg, i) => {
        const from = start;
        start += arg.shape[axis];
        return needed[i] ? sliceAxis(ct, axis, from, start) : null;
      });
    },
  },
};

/** Strict concatenation along an axis; a single tensor is returned unchanged. */
export function concatenate(xs: readonly Tensor[], axis: number): Tensor {
  return xs.length === 1 ? xs[0] : bindOne(concatenatePrimitive, xs, { axis });
}

/** The positions from `start` to `stop` of one axis, all of the others. */
export function sliceAxis(x: Tensor, axis: number, start: number, stop: number): Tensor {
  return slice(
    x,
    x.shape.map((_, i) => i === axis ? start : 0),
    x.shape.map((length, i) => i === axis ? stop : length),
    x.shape.map(() => 1),
  );
}

/** Parameters of `flip`. */
export interface FlipParams {
  /** The axes whose order is reversed. */
  readonly axes: readonly number[];
}

/** Axes in reverse order. */
export const flipPrimitive: Primitive<FlipParams> = {
  name: "flip",
  isTotal: true,
  narrow: "moved",
  type([x], { axes }) {
    checkDistinctAxes(x, axes, "Cannot flip");
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  evaluate([x], { axes }, [type]) {
    if (x.elements.length <= 1) return [x];
    const strides = stridesOf(x.shape);
    let offset = 0;
    for (const axis of axes) {
      offset += strides[axis] * (x.shape[axis] - 1);
      strides[axis] = -strides[axis];
    }
    const out = allocateFor(type);
    readView(out, x.elements, { shape: x.shape, strides, offset });
    return [new Concrete(type.dtype, type.shape, out)];
  },
  batch([x], [axis], _size, { axes }) {
    return [[flip(x, axes.map((a) => a < axis! ? a : a + 1)), axis]];
  },
  derivative: {
    kind: "linear",
    transpose: ([ct], _args, { axes }) => [flip(ct, axes)],
    isPermutation: true,
  },
};

/** `x` with the order of the given distinct axes reversed. */
export function flip(x: Tensor, axes: readonly number[]): Tensor {
  return axes.length === 0 ? x : bindOne(flipPrimitive, [x], { axes });
}

/** Throws unless `axes` are distinct axes of `x`. */
function checkDistinctAxes({ dtype, shape }: Type, axes: Shape, what: string): void {
  const areAxes = axes.every((axis) => Number.isInteger(axis) && axis >= 0 && axis < shape.length);
  if (!areAxes || new Set(axes).size !== axes.length) {
    throw shapeError(
      `${what} ${showType({ dtype, shape })} along axes ${showShape(axes)}: ` +
        `expected distinct axes from 0 to ${shape.length - 1}`,
    );
  }
}
