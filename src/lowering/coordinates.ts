/**
 * Coordinates of elements as sums over the counters of loops, and their transformation by operations
 * that only move elements.
 *
 * @module
 */
import { sizeOf } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import type { Affine } from "./nest.ts";

/** The counter of one loop. */
export function counter(loop: number): Affine {
  const strides = new Array<number>(loop + 1).fill(0);
  strides[loop] = 1;
  return { offset: 0, strides };
}

/** The sum of `factors[i]` times `terms[i]`, and `offset`. */
export function combine(
  terms: readonly Affine[],
  factors: readonly number[],
  offset: number = 0,
): Affine {
  let sum = offset;
  const strides: number[] = [];
  for (let i = 0; i < terms.length; i++) {
    const factor = factors[i];
    if (factor === 0) continue;
    sum += terms[i].offset * factor;
    const own = terms[i].strides;
    for (let loop = 0; loop < own.length; loop++) {
      strides[loop] = (strides[loop] ?? 0) + own[loop] * factor;
    }
  }
  return { offset: sum, strides };
}

/** The affine number with exactly one stride for each of `loops` loops. */
export function padded({ offset, strides }: Affine, loops: number): Affine {
  const all = new Array<number>(loops).fill(0);
  for (let i = 0; i < Math.min(loops, strides.length); i++) all[i] = strides[i];
  return { offset, strides: all };
}

/** A loop that must be split into several before an operation can be followed. */
export interface Division {
  /** The number of the loop. */
  readonly loop: number;
  /** The lengths of the loops that replace it, outermost first. */
  readonly lengths: readonly number[];
}

/**
 * The position in the argument of the element at `coordinates` of a reshape's result: coordinates
 * again, or the loop that must be split first, or `null` if it cannot be expressed by loops. `lengths`
 * are those of the loops.
 */
export function throughReshape(
  coordinates: readonly Affine[],
  from: Shape,
  to: Shape,
  lengths: readonly number[],
): readonly Affine[] | Division | null {
  const result: Affine[] = [];
  let [i, j] = [0, 0];
  if (sizeOf(from) === 0) return from.map(() => ({ offset: 0, strides: [] }));
  while (i < from.length || j < to.length) {
    // The next run of axes on either side with equal products.
    const [firstFrom, firstTo] = [i, j];
    let [a, b] = [from[i++] ?? 1, to[j++] ?? 1];
    while (a !== b) {
      if (a < b) a *= from[i++];
      else b *= to[j++];
    }
    const outer = to.slice(firstTo, j);
    const flat = combine(
      coordinates.slice(firstTo, j),
      outer.map((_, k) => sizeOf(outer.slice(k + 1))),
    );
    const inner = from.slice(firstFrom, i);
    const parts = divide(flat, inner, lengths);
    if (!Array.isArray(parts)) return parts;
    result.push(...parts);
  }
  return result;
}

/** A flat position in an array of this shape as coordinates in it. */
function divide(
  flat: Affine,
  shape: Shape,
  lengths: readonly number[],
): Affine[] | Division | null {
  const long = shape.filter((length) => length !== 1).length;
  if (long <= 1) {
    return shape.map((length) => length === 1 ? { offset: 0, strides: [] } : flat);
  }
  if (flat.offset < 0) return null;
  const parts: Affine[] = [];
  let rest = flat;
  for (let axis = shape.length - 1; axis > 0; axis--) {
    const length = shape[axis];
    const inner: number[] = [];
    const outer: number[] = [];
    let most = rest.offset % length;
    for (let loop = 0; loop < rest.strides.length; loop++) {
      const stride = rest.strides[loop];
      const [isOuter, rounds] = [stride % length === 0, lengths[loop]];
      inner.push(isOuter || rounds === 1 ? 0 : stride);
      outer.push(isOuter ? stride / length : 0);
      if (!isOuter) most += stride * (rounds - 1);
      if (stride < 0) return null;
    }
    if (most >= length) return division(flat, shape, lengths);
    parts.unshift({ offset: rest.offset % length, strides: inner });
    rest = { offset: Math.floor(rest.offset / length), strides: outer };
  }
  return [rest, ...parts];
}

/** The loop to split, if the position is its counter alone. */
function division(flat: Affine, shape: Shape, lengths: readonly number[]): Division | null {
  const moving = flat.strides.flatMap((stride, i) => stride === 0 || lengths[i] === 1 ? [] : [i]);
  const [loop] = moving;
  const isCounter = moving.length === 1 && flat.strides[loop] === 1 && flat.offset === 0 &&
    lengths[loop] === sizeOf(shape);
  return isCounter ? { loop, lengths: shape.filter((length) => length !== 1) } : null;
}
