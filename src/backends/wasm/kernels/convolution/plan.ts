/**
 * Types and functions shared by all methods of computing convolutions.
 *
 * @module
 */
import { range, stridesOf } from "../../../../base/shape.ts";
import { type FrameAxis, frameOffset, frameStrides } from "./frame.ts";
import type { Role } from "./size.ts";
import type { Kernel } from "../kernel.ts";

/** The parts of a kernel. */
export type Plan = Pick<Kernel, "stages" | "workspaces">;

/** All combinations of one entry of each list, the last list varying fastest. */
export function product<T>(lists: readonly (readonly T[])[]): T[][] {
  return lists.reduce<T[][]>(
    (all, list) => all.flatMap((some) => list.map((entry) => [...some, entry])),
    [[]],
  );
}

/** All indices of arrays of some lengths, in order. */
export function indicesOf(lengths: readonly number[]): number[][] {
  return product(lengths.map((length) => range(length)));
}

/** Columns along one axis that have the same steps. */
export interface AxisPart {
  /** The position of the first one in the frame, in steps, and in the result; and their number. */
  readonly from: number;
  readonly first: number;
  readonly count: number;
  /**
   * Positions of the kernel, and the offsets in the frame from the column to the elements that they
   * read.
   */
  readonly taps: readonly { readonly tap: number; readonly distance: number }[];
}

/** Sums over framed images: the parameters of the two directions that use such sums. */
export interface Framed {
  readonly name: string;
  /** The operand that holds the images. */
  readonly images: Role;
  /** The channels of each group that are summed, and those that are computed. */
  readonly summed: number;
  readonly rows: number;
  readonly frame: readonly FrameAxis[];
  /** Elements of the filters from one row, one summed channel and one group to the next. */
  readonly filters: Readonly<Record<"row" | "channel" | "group", number>>;
  /** The lengths of the kernel's axes and of the result's. */
  readonly kernel: readonly number[];
  readonly lengths: readonly number[];
  /** The columns along each axis, and their distance in positions of the result. */
  readonly columns: readonly (readonly AxisPart[])[];
  readonly every: readonly number[];
}

/** Columns that have the same steps; distances are in elements. */
export interface FramedPart {
  /** The positions of the kernel, as elements of the filters and of the frame. */
  readonly elements: readonly number[];
  readonly offsets: readonly number[];
  /** The number of columns along each axis, and their distances in the result. */
  readonly counts: readonly number[];
  readonly steps: readonly number[];
  /** The position of the first column in the frame and in the result. */
  readonly from: number;
  readonly first: number;
}

/** The sum of the products of two lists. */
export function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}

/** All combinations of the columns of each axis. */
export function partsOf({ frame, kernel, lengths, columns, every }: Framed): FramedPart[] {
  const [taps, results, strides] = [stridesOf(kernel), stridesOf(lengths), frameStrides(frame)];
  return product(columns).map((some) => {
    const list = product(some.map((part) => part.taps));
    return {
      elements: list.map((positions) => dot(positions.map(({ tap }) => tap), taps)),
      offsets: list.map((positions) =>
        frameOffset(frame, positions.map(({ distance }) => distance))
      ),
      counts: some.map(({ count }) => count),
      steps: results.map((step, i) => step * every[i]),
      from: dot(some.map(({ from }) => from), strides),
      first: dot(some.map(({ first }) => first), results),
    };
  });
}

/** The columns of an axis grouped by which positions of the kernel overlap the image. */
export function splitColumns(
  columns: readonly AxisPart[],
  { length, low, stride }: FrameAxis,
  every: number,
): AxisPart[] {
  return columns.flatMap(({ from, first, count, taps }) => {
    const parts: AxisPart[] = [];
    for (const i of range(count)) {
      const seen = taps.filter(({ distance }) => {
        const position = (from + i) * stride + distance - low;
        return position >= 0 && position < length;
      });
      const last = parts.at(-1);
      // The lists are runs of consecutive positions, so two lists are the same if their ends are.
      if (last?.taps.length === seen.length && last.taps[0] === seen[0]) {
        parts[parts.length - 1] = { ...last, count: last.count + 1 };
      } else parts.push({ from: from + i, first: first + i * every, count: 1, taps: seen });
    }
    return parts;
  });
}
