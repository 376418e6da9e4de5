/**
 * Primitives that read and write at positions given by integer tensors: gather, scatterAdd,
 * scatterOnto, scatterSet, scatterMax, scatterMin, lastOf.
 *
 * @module
 */
import { type Elements, isInteger } from "../base/dtype.ts";
import { dtypeError, indexError, shapeError } from "../base/errors.ts";
import {
  checkSize,
  insertAt,
  range,
  sameShape,
  type Shape,
  showShape,
  showType,
  sizeOf,
  withoutAxes,
} from "../base/shape.ts";
import type { Derivative, Primitive } from "../core/primitive.ts";
import { allocateFor, Concrete, dense, splat, zerosOf } from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";
import { add, div, maximum } from "./arithmetic.ts";
import { equal, select } from "./comparison.ts";
import { alignBatch, broadcast, constantLike, convert, moveAxis } from "./structure.ts";

/** Parameters of `checkIndices`. */
export interface IndexCheck {
  /** The length of the axis. */
  readonly length: number;
  /** The axis, as it is named in messages. */
  readonly axis: number;
  /** The start of messages. */
  readonly what: string;
}

/** The error for an index that is out of range for its axis. */
export function outOfRange(index: number, { length, axis, what }: IndexCheck): Error {
  const range = length === 0 ? "the axis is empty" : `expected ${-length} to ${length - 1}`;
  return indexError(`${what} with ${index} on axis ${axis}: ${range}`);
}

/**
 * The same indices, of which negative ones count from the end; an error for one that is out of range.
 * Compiled code omits it: it stops where the index is used, and the evaluator reports the error.
 */
export const checkIndicesPrimitive: Primitive<IndexCheck> = {
  name: "checkIndices",
  narrow: "own",
  type([indices], { what }) {
    checkIndices(indices, 0, what);
    return [{ dtype: indices.dtype, shape: indices.shape }];
  },
  evaluate([indices], params) {
    for (const index of indices.elements) {
      if (index < -params.length || index >= params.length) throw outOfRange(index, params);
    }
    return [indices];
  },
  batch: ([indices], [axis], _size, params) => [
    [bindOne(checkIndicesPrimitive, [indices], params), axis],
  ],
  derivative: { kind: "zero" },
};

/** Parameters of `gather`. */
export interface GatherParams {
  /** The number of leading axes that the arguments share. */
  readonly batch: number;
  /**
   * The axes before the indexed one that the indices do not have, in increasing order; they are
   * interleaved with the shared ones, and an empty list is equivalent to omitting this.
   */
  readonly outer?: readonly number[];
}

/**
 * `out[b, m, r] = x[b, indices[b, m], r]` for `x` of shape `[B..., n, R...]` and `indices` of shape
 * `[B..., M...]`; the result has shape `[B..., M..., R...]`. Axes of `x` that the indices do not have
 * may be anywhere among `B...`, and are at the same positions in the result.
 */
export const gatherPrimitive: Primitive<GatherParams> = {
  name: "gather",
  narrow: "moved",
  type([x, indices], { batch, outer = [] }) {
    const what = `Cannot gather from ${showType(x)} at ${showType(indices)}`;
    checkIndices(indices, batch, what);
    checkOuter(outer, batch, what);
    const at = batch + outer.length;
    const shared = withoutAxes(x.shape.slice(0, at), outer);
    if (x.shape.length <= at || !sameShape(shared, indices.shape.slice(0, batch))) {
      throw shapeError(`${what}: the shared leading axes must be equal, and one more left`);
    }
    const rest = x.shape.slice(at + 1);
    const shape = [...x.shape.slice(0, at), ...indices.shape.slice(batch), ...rest];
    checkSize(shape, what);
    return [{ dtype: x.dtype, shape }];
  },
  evaluate([x, indices], { batch, outer = [] }, [type]) {
    const at = batch + outer.length;
    const n = x.shape[at];
    const rows = sizeOf(indices.shape.slice(batch));
    const width = sizeOf(x.shape.slice(at + 1));
    const lead = x.shape.slice(0, at);
    if (sizeOf(lead) > 0) {
      checkRange(indices, n, (index) => `Cannot gather index ${index} from an axis of length ${n}`);
    }
    if (x.elements.length === 1) return [splat(x.elements[0], type.dtype, type.shape)];
    const out = allocateFor(type);
    const source = x.elements;
    const places = dense(indices);
    let to = 0;
    eachBatch(lead, outer, (from, shared) => {
      for (let row = shared * rows; row < (shared + 1) * rows; row++) {
        const begin = (from * n + places[row]) * width;
        for (let i = 0; i < width; i++) out[to++] = source[begin + i];
      }
    });
    return [new Concrete(type.dtype, type.shape, out)];
  },
  batch([x, indices], [axisX, axisI], _size, { batch, outer = [] }) {
    const at = batch + outer.length;
    if (axisX === null) {
      const place = Math.max(axisI!, batch);
      const result = gather(x, moveAxis(indices, axisI!, place), batch, outer);
      return [[result, outer.length + place]];
    }
    if (axisI === null) {
      // The axis is carried along at its position.
      if (axisX <= at) return [[gather(x, indices, batch, insertPlace(outer, axisX)), axisX]];
      return [[gather(x, indices, batch, outer), axisX + indices.ndim - batch - 1]];
    }
    const place = Math.min(axisX, at);
    const front = moveAxis(indices, axisI, sharedBefore(outer, place));
    return [[gather(moveAxis(x, axisX, place), front, batch + 1, shifted(outer, place)), place]];
  },
  derivative: {
    kind: "linear",
    transpose: ([ct], [x, indices], { batch, outer = [] }) => [
      scatterAdd(ct, indices as Tensor, x.shape[batch + outer.length], batch, outer),
      null,
    ],
    onto: (total, ct, [, indices], { batch, outer }) =>
      areFew(ct, total) ? scatterOnto(total, ct, indices as Tensor, batch, outer) : null,
  },
};

/**
 * Strict gather: `x` `[B..., n, R...]` at `indices` `[B..., M...]` gives `[B..., M..., R...]`, where
 * the indices have only the first `batch` axes of `x` that are not `outer`.
 */
export function gather(
  x: Tensor,
  indices: Tensor,
  batch = 0,
  outer: readonly number[] = [],
): Tensor {
  return bindOne(gatherPrimitive, [x, indices], { batch, ...unlessEmpty(outer) });
}

/** Parameters of `scatterAdd`. */
export interface ScatterAddParams extends GatherParams {
  /** The length of the axis that the indices point into. */
  readonly size: number;
}

/**
 * The adjoint of `gather`: `out[b, indices[b, m], r]` is the sum of the `updates[b, m, r]` that point
 * there. `updates` has shape `[B..., M..., R...]`, `indices` `[B..., M...]`, the result
 * `[B..., size, R...]`, with the outer axes among `B...` in the updates and in the result. Floats
 * accumulate in double precision, integers modulo 2^32.
 */
export const scatterAddPrimitive: Primitive<ScatterAddParams> = {
  name: "scatterAdd",
  type([updates, indices], { batch, size, outer = [] }) {
    const what = `Cannot scatter ${showType(updates)} to ${showType(indices)}`;
    if (updates.dtype === "bool") {
      throw dtypeError(`${what}: expected numbers; convert bool with astype`);
    }
    checkIndices(indices, batch, what);
    checkOuter(outer, batch, what);
    const ndim = indices.shape.length + outer.length;
    if (!sameShape(withoutAxes(updates.shape.slice(0, ndim), outer), indices.shape)) {
      throw shapeError(`${what}: the updates must begin with the axes of the indices`);
    }
    const lead = updates.shape.slice(0, batch + outer.length);
    const shape = slotShape(lead, size, updates.shape.slice(ndim), what);
    return [{ dtype: updates.dtype, shape }];
  },
  evaluate([updates, indices], { batch, size, outer = [] }, [type]) {
    const lead = updates.shape.slice(0, batch + outer.length);
    const rows = sizeOf(indices.shape.slice(batch));
    const width = sizeOf(updates.shape.slice(indices.ndim + outer.length));
    if (sizeOf(lead) > 0) checkScatter(indices, size);
    if (updates.elements.length === 1 && updates.elements[0] === 0) {
      return [splat(0, type.dtype, type.shape)];
    }
    const out = allocateFor(type);
    const sums = type.dtype === "float32"
      ? allocateFor({ dtype: "float64", shape: type.shape })
      : out;
    const source = dense(updates);
    const places = dense(indices);
    let from = 0;
    eachBatch(lead, outer, (to, shared) => {
      for (let row = shared * rows; row < (shared + 1) * rows; row++) {
        const begin = (to * size + places[row]) * width;
        for (let i = 0; i < width; i++) sums[begin + i] += source[from++];
      }
    });
    if (sums !== out) out.set(sums);
    return [new Concrete(type.dtype, type.shape, out)];
  },
  batch([updates, indices], [axisU, axisI], length, { batch, size, outer = [] }) {
    const at = batch + outer.length;
    const behind = indices.ndim + outer.length;
    if (axisI === null) {
      // The axis is carried along at its position, unless that is among those of the indices.
      if (axisU! >= behind) {
        const result = scatterAdd(updates, indices, size, batch, outer);
        return [[result, at + 1 + axisU! - behind]];
      }
      const place = Math.min(axisU!, at);
      const moved = moveAxis(updates, axisU!, place);
      return [[scatterAdd(moved, indices, size, batch, insertPlace(outer, place)), place]];
    }
    const place = axisU === null ? 0 : Math.min(axisU, at);
    const front = moveAxis(indices, axisI, sharedBefore(outer, place));
    const rows = alignBatch(updates, axisU, place, length);
    return [[scatterAdd(rows, front, size, batch + 1, shifted(outer, place)), place]];
  },
  derivative: {
    kind: "linear",
    transpose: ([ct], [, indices], { batch, outer }) => [
      gather(ct, indices as Tensor, batch, outer),
      null,
    ],
  },
};

/**
 * Strict scatter: `updates` `[B..., M..., R...]` summed into `[B..., size, R...]`, where the indices
 * have only the first `batch` axes of the updates that are not `outer`.
 */
export function scatterAdd(
  updates: Tensor,
  indices: Tensor,
  size: number,
  batch = 0,
  outer: readonly number[] = [],
): Tensor {
  return bindOne(scatterAddPrimitive, [updates, indices], { batch, size, ...unlessEmpty(outer) });
}

/** Whether there are so few updates that adding them individually is faster than adding sums everywhere. */
export function areFew(updates: Type, whole: Type): boolean {
  return 4 * sizeOf(updates.shape) <= sizeOf(whole.shape);
}

/** The operations of the primitives that change selected rows, on an element and its update. */
const changes = {
  scatterOnto: (old: number, update: number): number => old + update,
  scatterSet: (_old: number, update: number): number => update,
  scatterMax: (old: number, update: number): number => Math.max(old, update),
  scatterMin: (old: number, update: number): number => Math.min(old, update),
};

/** The verbs of these primitives in messages. */
const verbs = {
  scatterOnto: "add",
  scatterSet: "write",
  scatterMax: "compare",
  scatterMin: "compare",
} as const;

/** The common part of all primitives that change selected rows. */
function rowsPrimitive(
  name: keyof typeof changes,
  derivative: Derivative<GatherParams>,
): Primitive<GatherParams> {
  const replaces = name === "scatterSet";
  const changed = changes[name];
  const primitive: Primitive<GatherParams> = {
    name,
    ...(replaces ? { narrow: "moved" } : {}),
    type([x, updates, indices], { batch, outer = [] }) {
      const what = `Cannot ${verbs[name]} ${showType(updates)} to ${showType(x)} ` +
        `at ${showType(indices)}`;
      checkIndices(indices, batch, what);
      checkOuter(outer, batch, what);
      if (x.dtype !== updates.dtype) throw dtypeError(`${what}: the dtypes must be equal`);
      if (!replaces && x.dtype === "bool") throw dtypeError(`${what}: expected numbers`);
      const at = batch + outer.length;
      const lead = x.shape.slice(0, at);
      const rows = [...lead, ...indices.shape.slice(batch), ...x.shape.slice(at + 1)];
      const fits = x.shape.length > at && sameShape(updates.shape, rows) &&
        sameShape(withoutAxes(lead, outer), indices.shape.slice(0, batch));
      if (!fits) throw shapeError(`${what}: the updates must be one row for each index`);
      return [{ dtype: x.dtype, shape: x.shape }];
    },
    evaluate([x, updates, indices], { batch, outer = [] }, [type]) {
      const at = batch + outer.length;
      const lead = x.shape.slice(0, at);
      const n = x.shape[at];
      const rows = sizeOf(indices.shape.slice(batch));
      const width = sizeOf(x.shape.slice(at + 1));
      if (sizeOf(lead) > 0) checkScatter(indices, n);
      const out = copyOf(x, type);
      const source = dense(updates);
      const places = dense(indices);
      let from = 0;
      eachBatch(lead, outer, (to, shared) => {
        for (let row = shared * rows; row < (shared + 1) * rows; row++) {
          const begin = (to * n + places[row]) * width;
          for (let i = begin; i < begin + width; i++) out[i] = changed(out[i], source[from++]);
        }
      });
      return [new Concrete(type.dtype, type.shape, out)];
    },
    batch([x, updates, indices], [axisX, axisU, axisI], length, { batch, outer = [] }) {
      const place = Math.min(axisX ?? axisU ?? 0, batch + outer.length);
      const whole = alignBatch(x, axisX, place, length);
      const rows = alignBatch(updates, axisU, place, length);
      if (axisI === null) {
        const around = insertPlace(outer, place);
        return [[bindRows(primitive, whole, rows, indices, batch, around), place]];
      }
      const front = moveAxis(indices, axisI, sharedBefore(outer, place));
      const around = shifted(outer, place);
      return [[bindRows(primitive, whole, rows, front, batch + 1, around), place]];
    },
    derivative,
  };
  return primitive;
}

function bindRows(
  primitive: Primitive<GatherParams>,
  x: Tensor,
  updates: Tensor,
  indices: Tensor,
  batch = 0,
  outer: readonly number[] = [],
): Tensor {
  return bindOne(primitive, [x, updates, indices], { batch, ...unlessEmpty(outer) });
}

/**
 * `x` `[B..., n, R...]` with each row `updates[b, m]` of `[B..., M..., R...]` added to row `indices[b,
 * m]`, one after the other: for few updates of a large `x`.
 */
export const scatterOntoPrimitive: Primitive<GatherParams> = rowsPrimitive("scatterOnto", {
  kind: "linear",
  transpose: ([ct], [, , indices], { batch, outer }, [, isUpdates]) => [
    ct,
    isUpdates ? gather(ct, indices as Tensor, batch, outer) : null,
    null,
  ],
});

/**
 * `x` `[B..., n, R...]` with each row `updates[b, m]` of `[B..., M..., R...]` in place of row
 * `indices[b, m]`; of several updates of one row the last is kept.
 */
export const scatterSetPrimitive: Primitive<GatherParams> = rowsPrimitive("scatterSet", {
  kind: "linear",
  transpose([ct], [, updates, indices], { batch, outer = [] }, [isX, isUpdates]) {
    const at = indices as Tensor;
    return [
      isX ? scatterSet(ct, zerosOf(updates), at, batch, outer) : ct,
      isUpdates ? gatherLast(ct, at, batch, outer) : null,
      null,
    ];
  },
});

/** For extremes, which elements and which updates equal them, and how many share each. */
function sharesOf(
  [x, updates, indices]: readonly Tensor[],
  out: Tensor,
  { batch, outer = [] }: GatherParams,
): { readonly isBest: Tensor; readonly isBestUpdate: Tensor; readonly ties: Tensor } {
  const isBest = equal(x, out);
  const isBestUpdate = equal(updates, gather(out, indices, batch, outer));
  const size = x.shape[batch + outer.length];
  const others = scatterAdd(convert(isBestUpdate, x.dtype), indices, size, batch, outer);
  const ties = add(convert(isBest, x.dtype), others);
  // None if the extreme is NaN.
  return { isBest, isBestUpdate, ties: maximum(ties, constantLike(ties, 1)) };
}

/** Extremes of rows and their updates: equal ones share the derivative equally. */
const ofExtremes: Derivative<GatherParams> = {
  kind: "smooth",
  tangents: [
    (dx, args, [out], params) => {
      const { isBest, ties } = sharesOf(args, out, params);
      return div(select(isBest, dx, zerosOf(dx)), ties);
    },
    (dx, args, [out], params) => {
      const { batch, outer = [] } = params;
      const [x, , indices] = args;
      const { isBestUpdate, ties } = sharesOf(args, out, params);
      const size = x.shape[batch + outer.length];
      const moves = select(isBestUpdate, dx, zerosOf(dx));
      return div(scatterAdd(moves, indices, size, batch, outer), ties);
    },
    null,
  ],
};

/**
 * `x` `[B..., n, R...]` with the larger of each row `indices[b, m]` and `updates[b, m]` of `[B...,
 * M..., R...]`, element by element; NaN is the largest.
 */
export const scatterMaxPrimitive: Primitive<GatherParams> = rowsPrimitive("scatterMax", ofExtremes);

/** The same with the smaller of each; NaN is the smallest. */
export const scatterMinPrimitive: Primitive<GatherParams> = rowsPrimitive("scatterMin", ofExtremes);

/**
 * Strict update: `x` `[B..., n, R...]` plus `updates` `[B..., M..., R...]` at `indices` `[B..., M...]`,
 * which have only the first `batch` axes that are not `outer`.
 */
export function scatterOnto(
  x: Tensor,
  updates: Tensor,
  indices: Tensor,
  batch?: number,
  outer?: readonly number[],
): Tensor {
  return bindRows(scatterOntoPrimitive, x, updates, indices, batch, outer);
}

/** Strict update: `x` with `updates` in place of rows; the shapes are those of `scatterOnto`. */
export function scatterSet(
  x: Tensor,
  updates: Tensor,
  indices: Tensor,
  batch?: number,
  outer?: readonly number[],
): Tensor {
  return bindRows(scatterSetPrimitive, x, updates, indices, batch, outer);
}

/** Strict update: the larger of rows of `x` and `updates`; the shapes are those of `scatterOnto`. */
export function scatterMax(x: Tensor, updates: Tensor, indices: Tensor): Tensor {
  return bindRows(scatterMaxPrimitive, x, updates, indices);
}

/** Strict update: the smaller of rows of `x` and `updates`; the shapes are those of `scatterOnto`. */
export function scatterMin(x: Tensor, updates: Tensor, indices: Tensor): Tensor {
  return bindRows(scatterMinPrimitive, x, updates, indices);
}

/** The adjoint of replacing rows: updates that a later one has overwritten receive nothing. */
function gatherLast(
  ct: Tensor,
  indices: Tensor,
  batch: number,
  outer: readonly number[],
): Tensor {
  const rows = gather(ct, indices, batch, outer);
  if (sizeOf(indices.shape.slice(batch)) === 1) return rows;
  const at = batch + outer.length;
  const stays = lastOf(indices, ct.shape[at], batch);
  const axes = withoutAxes(range(indices.ndim + outer.length), outer);
  return select(broadcast(stays, rows.shape, axes), rows, zerosOf(rows));
}

/** Parameters of `lastOf`. */
export interface ScatterParams {
  /** The number of leading axes of `indices` that are batches. */
  readonly batch: number;
  /** The length of the axis that the indices point into. */
  readonly size: number;
}

/**
 * For each of the `indices` `[B..., M...]`, whether it is the last of those `M...` with its value,
 * below `size`: whether an update is kept when several are written to one row.
 */
export const lastOfPrimitive: Primitive<ScatterParams> = {
  name: "lastOf",
  type([indices], params) {
    const what = `Cannot scatter to ${showType(indices)}`;
    checkIndices(indices, params.batch, what);
    slotShape(indices.shape.slice(0, params.batch), params.size, [], what);
    return [{ dtype: "bool", shape: indices.shape }];
  },
  evaluate([indices], { batch, size }, [type]) {
    const rows = sizeOf(indices.shape.slice(batch));
    checkScatter(indices, size);
    const out = allocateFor(type);
    const at = dense(indices);
    const seen = new Set<number>();
    for (let row = at.length - 1; row >= 0; row--) {
      if ((row + 1) % rows === 0) seen.clear();
      out[row] = seen.has(at[row]) ? 0 : 1;
      seen.add(at[row]);
    }
    return [new Concrete(type.dtype, type.shape, out)];
  },
  batch([indices], [axis], _length, { batch, size }) {
    return [[lastOf(moveAxis(indices, axis!, 0), size, batch + 1), 0]];
  },
  derivative: { kind: "zero" },
};

/** Which of the `indices` are the last with their value, below `size`; bool. */
export function lastOf(indices: Tensor, size: number, batch = 0): Tensor {
  return bindOne(lastOfPrimitive, [indices], { batch, size });
}

/** The elements of a tensor, as a copy to be changed. */
export function copyOf(x: Concrete, type: Type): Elements {
  const out = allocateFor(type);
  if (x.held === 1) return out.fill(x.elements[0]);
  out.set(x.elements);
  return out;
}

/** `outer` as a parameter. */
function unlessEmpty(outer: readonly number[]): Pick<GatherParams, "outer"> {
  return outer.length === 0 ? {} : { outer };
}

/** Outer axes after another axis that the indices have is inserted at `place`. */
function shifted(outer: readonly number[], place: number): number[] {
  return outer.map((axis) => axis < place ? axis : axis + 1);
}

/** Outer axes with an additional one at `place`. */
function insertPlace(outer: readonly number[], place: number): number[] {
  return insertAt(shifted(outer, place), place - sharedBefore(outer, place), place);
}

/** The number of axes before `place` that the indices have. */
function sharedBefore(outer: readonly number[], place: number): number {
  return place - outer.filter((axis) => axis < place).length;
}

/**
 * Visits all positions of the leading axes in order, with their numbers among all axes and among the
 * shared ones.
 */
function eachBatch(
  lead: Shape,
  outer: readonly number[],
  visit: (batch: number, shared: number) => void,
): void {
  const strides = lead.map(() => 0);
  let step = 1;
  for (let axis = lead.length - 1; axis >= 0; axis--) {
    if (outer.includes(axis)) continue;
    strides[axis] = step;
    step *= lead[axis];
  }
  const counters = lead.map(() => 0);
  let shared = 0;
  for (let batch = 0, count = sizeOf(lead); batch < count; batch++) {
    visit(batch, shared);
    for (let axis = lead.length - 1; axis >= 0; axis--) {
      shared += strides[axis];
      if (++counters[axis] < lead[axis]) break;
      shared -= strides[axis] * lead[axis];
      counters[axis] = 0;
    }
  }
}

/** Throws unless `outer` contains increasing positions among the leading axes. */
function checkOuter(outer: readonly number[], batch: number, what: string): void {
  const fits = outer.every((axis, i) =>
    Number.isInteger(axis) && axis > (outer[i - 1] ?? -1) && axis < batch + outer.length
  );
  if (!fits) throw shapeError(`${what}: ${showShape(outer)} are not places of leading axes`);
}

function checkIndices(indices: Type, batch: number, what: string): void {
  if (!isInteger(indices.dtype)) {
    throw dtypeError(`${what}: expected integer indices; convert with astype`);
  }
  if (!Number.isInteger(batch) || batch < 0 || batch > indices.shape.length) {
    throw shapeError(`${what}: the indices do not have ${batch} leading axes to share`);
  }
}

/** The shape `[B..., size, R...]` of a scatter's result. */
function slotShape(lead: Shape, size: number, rest: Shape, what: string): number[] {
  if (!Number.isSafeInteger(size) || size < 0) {
    throw shapeError(`${what}: expected a non-negative integer as the axis's length, got ${size}`);
  }
  const shape = [...lead, size, ...rest];
  checkSize(shape, what);
  return shape;
}

function checkScatter(indices: Concrete, size: number): void {
  checkRange(
    indices,
    size,
    (index) => `Cannot scatter to index ${index} of an axis of length ${size}`,
  );
}

/** Throws unless every index lies from 0 to `length - 1`. */
function checkRange(indices: Concrete, length: number, message: (index: number) => string): void {
  for (const index of indices.elements) {
    if (index < 0 || index >= length) throw indexError(message(index));
  }
}
