/**
 * Reads indices by NumPy's rules: integers, slices, `null`, "..." and integer tensors name a place in a
 * tensor.
 *
 * @module
 */
import { describeValue, isInteger } from "../base/dtype.ts";
import { argumentError, dtypeError, indexError } from "../base/errors.ts";
import { checkShape, MAX_NDIM, showType, withoutAxes } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { Index } from "../core/tensor.ts";
import { Tensor } from "../core/tensor.ts";
import type { TensorLike } from "../core/tensor.ts";
import { WeakScalar } from "../core/trace.ts";
import { outOfRange } from "../primitives/indexing.ts";
import { countAxes } from "./arguments.ts";
import { broadcastTo, commonShape } from "./broadcasting.ts";
import { fromFront } from "./index_tensors.ts";

/** The positions that an index takes on one axis: `count` from `start` in steps of `step`. */
interface Positions {
  readonly start: number;
  readonly count: number;
  /** Negative where positions are taken in reverse. */
  readonly step: number;
}

/** A part of a tensor. */
export interface Place {
  /** The tensor's shape. */
  readonly shape: Shape;
  /** What is taken of each axis; everything of those that a tensor indexes. */
  readonly positions: readonly Positions[];
  /** The axes that an integer indexes, and that the part does not have. */
  readonly dropped: readonly number[];
  /** The axes that tensors index, counted without the dropped ones. */
  readonly axes: readonly number[];
  /** The tensors, in a common shape, with entries from 0 on. */
  readonly indices: readonly Tensor[];
  /** Where the axes of the indices stand in the part. */
  readonly target: number;
}

/** A list of indices, or an error for anything else. */
export function checkList(indices: readonly Index[], what: string): readonly Index[] {
  if (Array.isArray(indices) && indices.length <= MAX_NDIM + 1) return Array.from(indices);
  const got = (indices as unknown) instanceof Tensor ? "a tensor" : describeValue(indices);
  throw argumentError(`${what}: expected a list of indices such as [0, null], got ${got}`);
}

/** What `indices` name in `x`; throws unless it is there. */
export function readPlace(x: Tensor, indices: readonly Index[]): Place {
  const what = `Cannot index ${showType(x)}`;
  const entries = completeIndices(indices, x.ndim, what);
  const positions: Positions[] = [];
  const dropped: number[] = [];
  const axes: number[] = [];
  const tensors: Tensor[] = [];
  // The entries that decide where the axes of the tensors go: NumPy counts integers among them.
  const advanced: { readonly entry: number; readonly axis: number }[] = [];
  entries.forEach((entry, at) => {
    const axis = positions.length;
    const length = x.shape[axis];
    if (entry === "...") {
      const stop = x.ndim - (entries.length - 1 - at);
      for (let i = axis; i < stop; i++) positions.push(wholeAxis(x.shape[i]));
    } else if (entry === null) {
      positions.push(wholeAxis(length));
    } else if (Array.isArray(entry)) {
      positions.push(readSlice(entry, length, axis, what));
    } else if (typeof entry === "number") {
      positions.push({ start: checkIndex(entry, length, axis, what), count: 1, step: 1 });
      dropped.push(axis);
      advanced.push({ entry: at, axis });
    } else {
      positions.push(wholeAxis(length));
      axes.push(axis - dropped.length);
      const tensor = readIndexTensor(entry, axis, what);
      tensors.push(fromFront(tensor, length, axis, what));
      advanced.push({ entry: at, axis });
    }
  });
  const areNeighbours = advanced.every(({ entry }, i) => entry === advanced[0].entry + i);
  const common = commonShape(`${what} with indices`, tensors);
  return {
    shape: x.shape,
    positions,
    dropped,
    axes,
    indices: tensors.map((tensor) => broadcastTo(tensor, common)),
    target: areNeighbours && advanced.length > 0 ? advanced[0].axis : 0,
  };
}

/** The entries of an index of `ndim` axes, with exactly one "...". */
function completeIndices(indices: readonly Index[], ndim: number, what: string): readonly Index[] {
  const dots = indices.filter((entry) => entry === "...").length;
  if (dots > 1) throw argumentError(`${what}: "..." may stand only once`);
  if (indices.length - dots > ndim) {
    throw indexError(`${what} with ${indices.length - dots} entries: it has ${countAxes(ndim)}`);
  }
  return dots === 1 ? indices : [...indices, "..."];
}

function wholeAxis(length: number): Positions {
  return { start: 0, count: length, step: 1 };
}

/** `index` counted from the front; throws unless the axis has it. */
function checkIndex(index: number, length: number, axis: number, what: string): number {
  if (!Number.isInteger(index)) {
    throw indexError(`${what} with ${index} on axis ${axis}: expected an integer`);
  }
  if (index < -length || index >= length) throw outOfRange(index, { length, axis, what });
  return index < 0 ? index + length : index === 0 ? 0 : index;
}

/** The positions of `[start, stop, step]` on an axis, clamped as Python clamps them. */
function readSlice(
  slice: readonly unknown[],
  length: number,
  axis: number,
  what: string,
): Positions {
  const [start, stop, step] = [slice[0] ?? null, slice[1] ?? null, slice[2] ?? 1];
  const isSlice = (slice.length === 2 || slice.length === 3) &&
    [start, stop, step].every((bound) => bound === null || Number.isSafeInteger(bound));
  if (!isSlice || step === 0) {
    const advice = step === 0
      ? "the step must not be 0"
      : "expected [start, stop] or [start, stop, step] of integers and null; " +
        "entries are chosen by a tensor or typed array of integers";
    throw indexError(`${what} with ${describeValue(slice)} on axis ${axis}: ${advice}`);
  }
  const stride = step as number;
  const [lowest, highest] = stride > 0 ? [0, length] : [-1, length - 1];
  const clamp = (bound: unknown, open: number) => {
    if (bound === null) return open;
    const position = bound as number;
    return Math.min(Math.max(position < 0 ? position + length : position, lowest), highest);
  };
  const first = clamp(start, stride > 0 ? 0 : length - 1);
  const count = Math.ceil((clamp(stop, stride > 0 ? length : -1) - first) / stride);
  return count > 0
    ? { start: first, count, step: count === 1 ? 1 : stride }
    : { start: 0, count: 0, step: 1 };
}

function readIndexTensor(entry: unknown, axis: number, what: string): Tensor {
  if (entry instanceof WeakScalar || !(entry instanceof Tensor || ArrayBuffer.isView(entry))) {
    const advice = typeof entry === "boolean"
      ? "choose by a mask with where"
      : 'expected an integer, [start, stop, step], null, "..." or a tensor of integers';
    throw indexError(`${what} with ${describeValue(entry)} on axis ${axis}: ${advice}`);
  }
  const indices = toTensor(entry as TensorLike, what);
  if (isInteger(indices.dtype)) return indices;
  const advice = indices.dtype === "bool"
    ? "choose by a mask with where"
    : 'expected an integer dtype; convert with astype("int32")';
  throw dtypeError(`${what} with ${showType(indices)} on axis ${axis}: ${advice}`);
}

/** The shape of the part before integer tensors are applied. */
export function positionsShape({ positions, dropped }: Place): number[] {
  return withoutAxes(positions.map(({ count }) => count), dropped);
}

/** The shape of the part. */
export function partShape(place: Place): Shape {
  const shape = positionsShape(place);
  if (place.indices.length === 0) return shape;
  const rest = withoutAxes(shape, place.axes);
  rest.splice(place.target, 0, ...place.indices[0].shape);
  return checkShape(rest, "Cannot index");
}
