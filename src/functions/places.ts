/**
 * Reads indices by NumPy's rules: integers, slices, `null`, "...", new axes, integer tensors and masks
 * name a place in a tensor.
 *
 * @module
 */
import { describeValue, isInteger } from "../base/dtype.ts";
import { argumentError, dtypeError, indexError, shapeError } from "../base/errors.ts";
import {
  checkShape,
  MAX_NDIM,
  range,
  sameShape,
  showShape,
  showType,
  withoutAxes,
} from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import { newAxis, Slice, slice } from "../core/slices.ts";
import type { Index } from "../core/tensor.ts";
import { Tensor } from "../core/tensor.ts";
import { WeakScalar } from "../core/trace.ts";
import { outOfRange } from "../primitives/indexing.ts";
import { reshape } from "../primitives/structure.ts";
import { countAxes } from "./arguments.ts";
import { broadcastTo, commonShape } from "./broadcasting.ts";
import { knownPositions, splitPositions } from "./chosen.ts";
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
  /** The positions taken on each axis; all positions of axes that a tensor indexes. */
  readonly positions: readonly Positions[];
  /** The axes that an integer indexes, and that the part does not have. */
  readonly dropped: readonly number[];
  /** The axes that tensors index, counted without the dropped ones. */
  readonly axes: readonly number[];
  /** The tensors, in a common shape, with entries from 0 on. */
  readonly indices: readonly Tensor[];
  /** The position of the axes of the indices in the part. */
  readonly target: number;
}

/** A list of indices, or an error for anything else. */
export function checkList(indices: readonly Index[], what: string): readonly Index[] {
  if (Array.isArray(indices) && indices.length <= MAX_NDIM + 1) return Array.from(indices);
  const got = (indices as unknown) instanceof Tensor ? "a tensor" : describeValue(indices);
  throw argumentError(`${what}: expected a list of indices such as [0, null], got ${got}`);
}

/** One entry of an index, with the axes that it covers. */
export interface Entry {
  /** An integer, `null` for the whole axis, a slice, a tensor of integers, or a mask. */
  readonly value: number | null | Slice | Tensor;
  /** Its number among the entries that were given. */
  readonly at: number;
  /** Its first axis, as the tensor had it before it got new ones. */
  readonly axis: number;
}

/** The number of axes that an entry covers. */
function axesOf({ value }: Entry): number {
  return value instanceof Tensor && value.dtype === "bool" ? value.ndim : 1;
}

/**
 * An index as a list of entries for all axes of a tensor, from the first on, and the tensor with the new
 * axes that the index names. `what` begins messages on entries.
 */
export function readEntries(
  x: Tensor,
  indices: readonly Index[],
): { readonly x: Tensor; readonly entries: readonly Entry[]; readonly what: string } {
  const what = `Cannot index ${showType(x)}`;
  const values = indices.map((entry) => ArrayBuffer.isView(entry) ? toTensor(entry, what) : entry);
  const isMask = (entry: Index) => entry instanceof Tensor && entry.dtype === "bool";
  const widths = values.map((entry) =>
    entry === "..." || entry === newAxis ? 0 : isMask(entry) ? (entry as Tensor).ndim : 1
  );
  const named = widths.reduce((sum, width) => sum + width, 0);
  const dots = values.filter((entry) => entry === "...").length;
  if (dots > 1) throw argumentError(`${what}: "..." may occur only once`);
  if (named > x.ndim) {
    const count = values.filter((entry) => entry !== "..." && entry !== newAxis).length;
    const axes = named > count ? ` for ${countAxes(named)}` : "";
    throw indexError(`${what} with ${count} entries${axes}: it has ${countAxes(x.ndim)}`);
  }
  const entries: Entry[] = [];
  const shape: number[] = [];
  let axis = 0;
  const take = (value: Entry["value"], at: number, width: number) => {
    entries.push({ value, at, axis });
    for (let i = 0; i < width; i++) shape.push(x.shape[axis++]);
  };
  const complete = dots === 1 ? values : [...values, "..." as const];
  complete.forEach((value, at) => {
    if (value === "...") {
      for (let rest = x.ndim - named; rest > 0; rest--) take(null, at, 1);
    } else if (value === newAxis) {
      entries.push({ value: null, at, axis });
      shape.push(1);
    } else take(readEntry(value, axis, x, what), at, widths[at]);
  });
  return { x: reshape(x, checkShape(shape, what)), entries, what };
}

/** An entry that is none of "..." and `newAxis`. */
function readEntry(value: unknown, axis: number, x: Tensor, what: string): Entry["value"] {
  if (value === null || value instanceof Slice) return value;
  if (typeof value === "number" && Number.isInteger(value)) return value;
  if (Array.isArray(value)) return readBounds(value, x.shape[axis], axis, what);
  if (typeof value === "number") {
    throw indexError(`${what} with ${value} on axis ${axis}: expected an integer`);
  }
  if (value instanceof WeakScalar || !(value instanceof Tensor)) {
    const advice = typeof value === "boolean"
      ? "choose by a mask, a tensor of booleans"
      : 'expected an integer, a slice, null, "...", newAxis or a tensor of integers or booleans';
    throw indexError(`${what} with ${describeValue(value)} on axis ${axis}: ${advice}`);
  }
  if (value.dtype === "bool") {
    const lengths = x.shape.slice(axis, axis + value.ndim);
    if (value.ndim > 0 && sameShape(lengths, value.shape)) return value;
    const expected = value.ndim > 0 ? showShape(lengths) : "one axis or more";
    throw shapeError(
      `${what} by the mask ${showType(value)} on axis ${axis}: expected the shape ${expected}`,
    );
  }
  if (isInteger(value.dtype)) return value;
  throw dtypeError(
    `${what} with ${showType(value)} on axis ${axis}: expected an integer dtype; ` +
      'convert with astype("int32")',
  );
}

/** A plain array as a slice; an error where it could be meant as a list of entries. */
function readBounds(list: readonly unknown[], length: number, axis: number, what: string): Slice {
  const isBound = (bound: unknown) => bound === null || Number.isSafeInteger(bound);
  const where = `${what} with ${describeValue(list)} on axis ${axis}`;
  const isList = list.length > 0 && list.every((bound) => Number.isSafeInteger(bound));
  if (isList && list.length !== 2) throw indexError(`${where}: ${twoReadings(list)}`);
  const [start, stop, step = 1] = list;
  const isSlice = (list.length === 2 || list.length === 3) && isBound(start) && isBound(stop) &&
    Number.isSafeInteger(step);
  if (!isSlice || step === 0) {
    const advice = step === 0
      ? "the step must not be 0"
      : "expected [start, stop] of integers and null, or slice(start, stop, step); " +
        "entries are chosen by a tensor or typed array of integers, or by a tensor of bools";
    throw indexError(`${where}: ${advice}`);
  }
  const fromFront = (bound: unknown) => (bound as number) + ((bound as number) < 0 ? length : 0);
  if (isList && fromFront(start) > fromFront(stop)) {
    throw indexError(`${where}: ${twoReadings(list)}`);
  }
  return slice(start as number | null, stop as number | null, step as number);
}

/** The possible meanings of an array of numbers. */
function twoReadings(list: readonly unknown[]): string {
  const [start, stop, step] = list;
  const entries = describeValue(list).replace(/^array of/, "a list of");
  const whole = list.length > 3 || step === 0
    ? "slice(start, stop, step)"
    : String(slice(start as number, (stop ?? null) as number | null, step as number | undefined));
  return `write ${whole} for a slice, and tensor(${entries}, { dtype: "int32" }) or an Int32Array ` +
    `for a list of entries`;
}

/** A mask as tensors of the positions that it chooses, one for each of its axes; others unchanged. */
export function chooseByMask(entry: Entry): readonly Entry[] {
  const { value, at, axis } = entry;
  if (!(value instanceof Tensor) || value.dtype !== "bool") return [entry];
  const known = value.concrete(
    "index by the mask",
    "how many entries it chooses is not known yet; use nonzero(mask, { size }), or where",
  );
  return splitPositions(knownPositions(known), value.shape)
    .map((positions, i) => ({ value: positions, at, axis: axis + i }));
}

/** The place in a tensor that entries without masks refer to; throws unless it exists. */
export function readPlace(x: Tensor, entries: readonly Entry[], what: string): Place {
  const positions: Positions[] = [];
  const dropped: number[] = [];
  const axes: number[] = [];
  const tensors: Tensor[] = [];
  // The entries that decide where the axes of the tensors go: NumPy counts integers among them.
  const advanced: { readonly at: number; readonly place: number }[] = [];
  entries.forEach(({ value, at, axis }, place) => {
    const length = x.shape[place];
    if (value === null) return positions.push({ start: 0, count: length, step: 1 });
    if (value instanceof Slice) return positions.push(positionsOn(value, length));
    advanced.push({ at, place });
    if (typeof value === "number") {
      positions.push({ start: checkIndex(value, length, axis, what), count: 1, step: 1 });
      return dropped.push(place);
    }
    positions.push({ start: 0, count: length, step: 1 });
    axes.push(place - dropped.length);
    return tensors.push(fromFront(value, length, axis, what));
  });
  const common = commonShape(`${what} with indices`, tensors);
  return {
    shape: x.shape,
    positions,
    dropped,
    axes,
    indices: tensors.map((tensor) => broadcastTo(tensor, common)),
    target: targetOf(advanced),
  };
}

/**
 * The position of the axes of index tensors in the part: that of the first integer or tensor entry
 * if these entries are neighbours, otherwise the front.
 */
function targetOf(advanced: readonly { readonly at: number; readonly place: number }[]): number {
  const areNeighbours = advanced.every(({ at }, i) => i === 0 || at - advanced[i - 1].at <= 1);
  return areNeighbours && advanced.length > 0 ? advanced[0].place : 0;
}

/** The mask of an index, with what values for the entries that it chooses are stretched by. */
export interface Masked {
  /** The entries with whole axes in place of the mask. */
  readonly entries: readonly Entry[];
  /** The mask. */
  readonly mask: Tensor;
  /** Where its axes begin in the part that those entries name. */
  readonly from: number;
  /** The position of a mask's axis of chosen elements in the part. */
  readonly target: number;
}

/** The only mask of an index without lists of positions; `null` otherwise. */
export function maskOf(entries: readonly Entry[]): Masked | null {
  const masks = entries.filter((entry) => entry.value instanceof Tensor && entry.value.ndim > 0);
  const [entry] = masks;
  if (masks.length !== 1 || (entry.value as Tensor).dtype !== "bool") return null;
  const isAdvanced = ({ value }: Entry) => typeof value === "number" || value instanceof Tensor;
  const place = entries.indexOf(entry);
  const from = entries.slice(0, place).filter((entry) => !isAdvanced(entry)).length;
  const advanced = entries.filter(isAdvanced).map(({ at }) => ({ at, place: from }));
  const whole = range(axesOf(entry)).map((i): Entry => ({
    ...entry,
    value: null,
    axis: entry.axis + i,
  }));
  return {
    entries: [...entries.slice(0, place), ...whole, ...entries.slice(place + 1)],
    mask: entry.value as Tensor,
    from,
    target: targetOf(advanced),
  };
}

/** `index` counted from the front; throws unless the axis has it. */
function checkIndex(index: number, length: number, axis: number, what: string): number {
  if (index < -length || index >= length) throw outOfRange(index, { length, axis, what });
  return index < 0 ? index + length : index === 0 ? 0 : index;
}

/** The positions of a slice on an axis, clamped as Python clamps them. */
function positionsOn({ start, stop, step }: Slice, length: number): Positions {
  const [lowest, highest] = step > 0 ? [0, length] : [-1, length - 1];
  const clamp = (bound: number | null, open: number) => {
    if (bound === null) return open;
    return Math.min(Math.max(bound < 0 ? bound + length : bound, lowest), highest);
  };
  const first = clamp(start, step > 0 ? 0 : length - 1);
  const count = Math.ceil((clamp(stop, step > 0 ? length : -1) - first) / step);
  return count > 0
    ? { start: first, count, step: count === 1 ? 1 : step }
    : { start: 0, count: 0, step: 1 };
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
