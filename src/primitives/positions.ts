/**
 * Positions on neighbouring axes as positions on one axis that replaces them. Gathers and scatters,
 * which index one axis, therefore support blocks, steps and lists on any axes, without moving elements.
 *
 * @module
 */
import { range, type Shape, sizeOf, stridesOf } from "../base/shape.ts";
import { Concrete, type Tensor } from "../core/tensor.ts";
import { add, offset, scale } from "./arithmetic.ts";
import { and, lessEqual, select } from "./comparison.ts";
import { broadcast, constantLike, iota } from "./structure.ts";

/** Positions on one of the axes: `count` from `start` on in steps of `step`. */
export interface AxisPositions {
  /** The axis's length. */
  readonly length: number;
  /** The first position: a number, or an integer tensor with one position for each of its entries. */
  readonly start: number | Tensor;
  readonly count: number;
  readonly step: number;
  /** The axis of the result along which positions are counted, unless there is only one. */
  readonly along: number;
}

/**
 * Row-major positions among neighbouring axes, as an integer tensor of the given shape, whose axes `at`
 * are those of all starts that are tensors; -1 for positions that are out of range for their own axis.
 */
export function mergePositions(
  axes: readonly AxisPositions[],
  shape: Shape,
  at: readonly number[],
): Tensor {
  const strides = stridesOf(axes.map(({ length }) => length));
  let first = 0;
  let sum: Tensor | null = null;
  let isInside: Tensor | null = null;
  axes.forEach(({ length, start, count, step }, i) => {
    if (typeof start === "number") {
      first += start * strides[i];
      return;
    }
    const term = scale(start, strides[i]);
    sum = sum === null ? term : add(sum, term);
    // Positions out of range for the only axis are out of range for the result too.
    if (axes.length === 1) return;
    const last = constantLike(start, length - 1 - (count - 1) * step);
    const fits = and(lessEqual(constantLike(start, 0), start), lessEqual(start, last));
    isInside = isInside === null ? fits : and(isInside, fits);
  });
  const counted = range(axes.length).filter((i) => axes[i].count !== 1);
  if (sum === null) return knownPositions(axes, strides, counted, first, shape);
  let positions = broadcast(offset(sum, first), shape, at);
  for (const i of counted) {
    const { count, step, along } = axes[i];
    positions = add(positions, broadcast(scale(iota(count), step * strides[i]), shape, [along]));
  }
  if (isInside === null) return positions;
  return select(broadcast(isInside, shape, at), positions, constantLike(positions, -1));
}

/** Known positions, from `first` on. */
function knownPositions(
  axes: readonly AxisPositions[],
  strides: readonly number[],
  counted: readonly number[],
  first: number,
  shape: Shape,
): Concrete {
  let positions = [first];
  for (const i of counted.toSorted((i, j) => axes[i].along - axes[j].along)) {
    const steps = range(axes[i].count).map((k) => k * axes[i].step * strides[i]);
    positions = positions.flatMap((from) => steps.map((further) => from + further));
  }
  return new Concrete("int32", shape, new Int32Array(positions));
}

/** The shape with the axes from `first` up to `end` combined into one. */
export function mergeAxes(shape: Shape, first: number, end: number): number[] {
  return [...shape.slice(0, first), sizeOf(shape.slice(first, end)), ...shape.slice(end)];
}
