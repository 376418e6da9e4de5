/**
 * Splits arrays into the parts stored on devices, and reassembles them.
 *
 * @module
 */
import { allocateStored } from "../../base/dtype.ts";
import type { Elements } from "../../base/dtype.ts";
import { sizeOf } from "../../base/shape.ts";
import type { Shape } from "../../base/shape.ts";
import { partsOf } from "../../core/sharding.ts";
import type { Sharding } from "../../core/sharding.ts";
import type { Type } from "../../core/tensor.ts";
import type { Buffer } from "./pjrt/mod.ts";

/** The positions of a part's elements within the whole: runs of equal length, in the order of the part. */
interface Runs {
  readonly length: number;
  readonly starts: readonly number[];
}

/** The runs of the part of shape `own` that is number `at[axis]` along each axis. */
function runsOf(shape: Shape, own: Shape, at: readonly number[]): Runs {
  const last = shape.findLastIndex((length, axis) => length !== own[axis]);
  if (last < 0) return { length: sizeOf(shape), starts: [0] };
  let starts = [0];
  for (let axis = 0; axis <= last; axis++) {
    const stride = sizeOf(shape.slice(axis + 1));
    const first = at[axis] * own[axis];
    const count = axis === last ? 1 : own[axis];
    starts = starts.flatMap((start) =>
      Array.from({ length: count }, (_, i) => start + (first + i) * stride)
    );
  }
  return { length: sizeOf(own.slice(last)), starts };
}

/** A part of row-major elements; no copy is made if it is contiguous. */
export function cutPart(
  elements: Elements,
  shape: Shape,
  own: Shape,
  at: readonly number[],
): Elements {
  const { length, starts } = runsOf(shape, own, at);
  if (starts.length === 1) return elements.subarray(starts[0], starts[0] + length);
  const part = new (elements.constructor as Float32ArrayConstructor)(length * starts.length);
  starts.forEach((start, i) =>
    part.set(elements.subarray(start, start + length) as Float32Array, i * length)
  );
  return part;
}

/** Reads the first copy of each part into its position. */
export function pasteParts(
  into: Elements,
  { dtype, shape }: Type,
  sharding: Sharding,
  buffers: readonly Buffer[],
): void {
  const done = new Set<string>();
  partsOf(sharding, shape.length).forEach((at, i) => {
    if (done.has(String(at))) return;
    done.add(String(at));
    const { length, starts } = runsOf(shape, buffers[i].shape, at);
    if (starts.length === 1) {
      return buffers[i].read(into.subarray(starts[0], starts[0] + length));
    }
    const part = allocateStored(dtype, length * starts.length);
    buffers[i].read(part);
    starts.forEach((start, k) =>
      into.set(part.subarray(k * length, (k + 1) * length) as Float32Array, start)
    );
  });
}
