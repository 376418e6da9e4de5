/**
 * What stands in an index besides integers and tensors: slices, and new axes.
 *
 * @module
 */
import { describeValue, DESCRIPTION } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";

/**
 * Positions on an axis: what {@linkcode slice} gives.
 *
 * @category Tensors
 */
export class Slice {
  /** The first position; `null` begins at the end that the step comes from. */
  readonly start: number | null;
  /** The position before which it stops; `null` goes on to the end of the axis. */
  readonly stop: number | null;
  /** The distance of neighbours, not zero; a negative one goes backwards. */
  readonly step: number;

  /** Made by {@linkcode slice}. @internal */
  constructor(start: number | null, stop: number | null, step: number) {
    this.start = start;
    this.stop = stop;
    this.step = step;
    Object.freeze(this);
  }

  /** How it is written, for messages. */
  toString(): string {
    return `slice(${this.start}, ${this.stop}${this.step === 1 ? "" : `, ${this.step}`})`;
  }

  /** What messages show. @internal */
  get [DESCRIPTION](): string {
    return this.toString();
  }
}

/**
 * Positions on an axis, as one entry of an index: from `start` on, up to but not with `stop`.
 *
 * @category Tensors
 * @param start The first position; negative counts from the end of the axis, `null` leaves it open.
 * @param stop The position to stop before; negative counts from the end, `null` leaves it open.
 * @param step The distance of neighbours, 1 by default; a negative one goes backwards.
 * @returns The slice. Positions beyond the ends of the axis that it meets are clamped.
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
 * An entry of an index that gives the part a new axis of length one there, as NumPy's `newaxis`. (`null`
 * takes a whole axis.)
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
