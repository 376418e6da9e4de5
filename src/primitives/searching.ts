/**
 * Searches along lines: the positions of elements in sorted ones, which is one operation for the
 * evaluator and a composite of others for compiled code, and the positions of running extremes.
 *
 * @module
 */
import { isFloat } from "../base/dtype.ts";
import { shapeError } from "../base/errors.ts";
import { sameShape, showType, sizeOf } from "../base/shape.ts";
import type { Primitive } from "../core/primitive.ts";
import { allocateFor, Concrete, dense, splat } from "../core/tensor.ts";
import type { Tensor } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";
import { minimum, offset } from "./arithmetic.ts";
import { and, isNan, less, lessEqual, not, or, select } from "./comparison.ts";
import { gather } from "./indexing.ts";
import { alignBatch, constantLike, moveAxis } from "./structure.ts";

/** Parameters of `insertionPlaces`. */
export interface InsertionParams {
  /** The number of leading axes that the lists and the searched elements share. */
  readonly batch: number;
  /** The side of equal elements on which the position is. */
  readonly side: "left" | "right";
}

/** The highest bit of the index of an element. */
function highestBit(count: number): number {
  return 2 ** Math.floor(Math.log2(count));
}

/**
 * The number of elements of sorted lists `[B..., n]` before each of `[B..., M...]`, as int32 `[B...,
 * M...]`; NaN is the largest.
 */
export const insertionPlacesPrimitive: Primitive<InsertionParams> = {
  name: "insertionPlaces",
  isTotal: true,
  type([list, wanted], { batch }) {
    const lead = list.shape.slice(0, batch);
    const fits = list.shape.length === batch + 1 && list.dtype === wanted.dtype &&
      sameShape(lead, wanted.shape.slice(0, batch));
    if (fits) return [{ dtype: "int32", shape: wanted.shape }];
    throw shapeError(`Cannot search in ${showType(list)} for ${showType(wanted)}: expected lists`);
  },
  evaluate([list, wanted], { batch, side }, [type]) {
    const out = allocateFor(type);
    const count = list.shape[batch];
    const [entries, values] = [dense(list), dense(wanted)];
    const width = sizeOf(wanted.shape.slice(batch));
    if (count === 0) return [splat(0, "int32", type.shape)];
    const highest = highestBit(count);
    for (let i = 0; i < values.length; i++) {
      const before = Math.floor(i / width) * count - 1;
      const value = values[i];
      let place = 0;
      for (let step = highest; step >= 1; step /= 2) {
        const next = place + step;
        if (next > count) continue;
        const entry = entries[before + next];
        const isBefore = side === "left" ? comesBefore(entry, value) : !comesBefore(value, entry);
        if (isBefore) place = next;
      }
      out[i] = place;
    }
    return [new Concrete("int32", type.shape, out)];
  },
  batch([list, wanted], [axisL, axisW], size, { batch, side }) {
    if (axisL === null) {
      const place = Math.max(axisW!, batch);
      return [[insertionPlaces(list, moveAxis(wanted, axisW!, place), side, batch), place]];
    }
    const values = alignBatch(wanted, axisW, 0, size);
    return [[insertionPlaces(moveAxis(list, axisL, 0), values, side, batch + 1), 0]];
  },
  derivative: { kind: "zero" },
};

/** The number of elements of the sorted `list` `[B..., n]` before each of `wanted` `[B..., M...]`. */
export function insertionPlaces(
  list: Tensor,
  wanted: Tensor,
  side: "left" | "right",
  batch = 0,
): Tensor {
  return bindOne(insertionPlacesPrimitive, [list, wanted], { batch, side });
}

/** The same by other operations: the number is computed bit by bit, the highest first. */
export function expandInsertionPlaces(
  list: Tensor,
  wanted: Tensor,
  { batch, side }: InsertionParams,
): Tensor {
  const count = list.shape[batch];
  let place: Tensor = splat(0, "int32", wanted.shape);
  if (count === 0) return place;
  for (let step = highestBit(count); step >= 1; step /= 2) {
    const next = offset(place, step);
    const isThere = lessEqual(next, constantLike(next, count));
    const entry = gather(list, offset(minimum(next, constantLike(next, count)), -1), batch);
    const isBefore = side === "left" ? precedes(entry, wanted) : not(precedes(wanted, entry));
    place = select(and(isThere, isBefore), next, place);
  }
  return place;
}

/** Whether `x` comes before `y`, with NaN after all others. */
function precedes(x: Tensor, y: Tensor): Tensor {
  if (!isFloat(x.dtype)) return less(x, y);
  return or(less(x, y), and(isNan(y), not(isNan(x))));
}

function comesBefore(x: number, y: number): boolean {
  return x < y || (Number.isNaN(y) && !Number.isNaN(x));
}

/** Parameters of `runningExtreme`. */
export interface RunningExtremeParams {
  /** Whether the largest is searched for, or the smallest. */
  readonly isMax: boolean;
}

/**
 * The position of the last of the equal extremes so far of each line `[..., n]`, as int32; NaN takes
 * precedence.
 */
export const runningExtremePrimitive: Primitive<RunningExtremeParams> = {
  name: "runningExtreme",
  isTotal: true,
  type: ([x]) => [{ dtype: "int32", shape: x.shape }],
  evaluate([x], { isMax }, [type]) {
    const out = allocateFor(type);
    const length = x.shape[x.ndim - 1];
    const values = dense(x);
    for (let start = 0; start < out.length; start += length) {
      let best = start;
      for (let i = start; i < start + length; i++) {
        const [value, old] = [values[i], values[best]];
        const stays = isMax ? value < old : old < value;
        if (!stays && (Number.isNaN(value) || !Number.isNaN(old))) best = i;
        out[i] = best - start;
      }
    }
    return [new Concrete("int32", type.shape, out)];
  },
  batch: ([x], [axis], _size, { isMax }) => [[runningExtreme(moveAxis(x, axis!, 0), isMax), 0]],
  derivative: { kind: "zero" },
};

/** The positions of the extremes so far along the last axis. */
export function runningExtreme(x: Tensor, isMax: boolean): Tensor {
  return bindOne(runningExtremePrimitive, [x], { isMax });
}
