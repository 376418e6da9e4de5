/**
 * Entries of an index besides integers and tensors: slices, and new axes.
 *
 * @module
 */
import { describeValue, DESCRIPTION } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";

/**
 * Positions on an axis, as created by {@linkcode slice}.
 *
 * @category Tensors
 */
export class Slice {
  /** The first position; `null` begins at the end of the axis from which the step starts. */
  readonly start: number | null;
  /** The end of the slice, exclusive; `null` continues to the end of the axis. */
  readonly stop: number | null;
  /** The step between positions, not zero; a negative step goes backwards. */
  readonly step: number;

  /** Created by {@linkcode slice}. @internal */
  constructor(start: number | null, stop: number | null, step: number) {
    this.start = start;
    this.stop = stop;
    this.step = step;
    Object.freeze(this);
  }

  /** The source form, for messages. */
  toString(): string {
    return `slice(${this.start}, ${this.stop}${this.step === 1 ? "" : `, ${this.step}`})`;
  }

  /** The text in messages. @internal */
  get [DESCRIPTION](): string {
    return this.toString();
  }
}

/**
 * Positions on an axis, as one entry of an index: from `start` up to `stop`, exclusive.
 *
 * @category Tensors
 * @param start The first position; negative counts from the end of the axis, `null` leaves it open.
 * @param stop The end, exclusive; negative counts from the end, `null` leaves it open.
 * @param step The step between positions, 1 by default; a negative step goes backwards.
 * @returns The slice. Positions beyond the ends of an axis are clamped when it is used.
 * @throws {ArgumentError} when `start` or `stop` is neither an integer nor `null`, or `step` is not an
 * integer or is 0.
 *
 * @example Every second element, and all backwards
 * ```ts
 * import { slice, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = tensor([0, 1, 2, 3, 4]);
 * assertTensorsClose(x.at(slice(0, 4, 2)), [0, 2]);
 * assertTensorsClose(x.at(slice(null, null, -1)), [4, 3, 2, 1, 0]);
 * assertTensorsClose(x.set([slice(3, null)], 9), [0, 1, 2, 9, 9]);
 * ```
 */
export function slice(start: number | null, stop: number | null, step?: number): Slice {
  const isBound = (bound: unknown) => bound === null || Number.isSafeInteger(bound);
  const [from, to, stride] = [start, stop, step === undefined ? 1 : step];
  if (to === undefined && isBound(from)) {
    throw argumentError(
      `Cannot slice by one number: write slice(${from}, null) for what begins there, or ` +
        `slice(null, ${from}) for what ends there`,
    );
  }
  if (!isBound(from) || !isBound(to) || !Number.isSafeInteger(stride) || stride === 0) {
    const given = [from, to, stride].map(describeValue).join(", ");
    throw argumentError(
      `Cannot slice by (${given}): expected integers or null as start and stop, ` +
        `and an integer that is not 0 as step`,
    );
  }
  return new Slice(from, to, stride);
}

/**
 * An entry of an index that inserts a new axis of length one, as NumPy's `newaxis`. (`null` takes a
 * whole axis.)
 *
 * @category Tensors
 * @example A column
 * ```ts
 * import { newAxis, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(tensor([1, 2]).at(null, newAxis), [[1], [2]]);
 * ```
 */
export const newAxis: unique symbol = Symbol("newAxis");
