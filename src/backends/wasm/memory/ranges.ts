/**
 * The free ranges of a memory: best fit, with adjacent ranges merged.
 *
 * @module
 */
import { internalError } from "../../../base/errors.ts";

/** The bytes from `start` to `end` (exclusive). */
interface Range {
  readonly start: number;
  readonly end: number;
}

/** Orders by position. */
function byStart(a: Range, b: Range): number {
  return a.start - b.start;
}

/** Orders by length, then by position. */
function byLength(a: Range, b: Range): number {
  return (a.end - a.start) - (b.end - b.start) || a.start - b.start;
}

/** The index of `range` in a sorted list, or its insertion index. */
function placeOf(
  list: readonly Range[],
  range: Range,
  order: (a: Range, b: Range) => number,
): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (order(list[middle], range) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Ranges of bytes that neither overlap nor touch. */
export class FreeRanges {
  // The same ranges in two orders, so that both neighbours and fits are found by bisection.
  readonly #positions: Range[] = [];
  readonly #lengths: Range[] = [];
  #total = 0;

  /** The total number of free bytes. */
  get total(): number {
    return this.#total;
  }

  /** The length of the longest range. */
  get longest(): number {
    const last = this.#lengths.at(-1);
    return last === undefined ? 0 : last.end - last.start;
  }

  /** The number of free bytes right before `end`. */
  before(end: number): number {
    const at = placeOf(this.#positions, { start: end, end }, byStart) - 1;
    const range = this.#positions[at];
    return range !== undefined && range.end === end ? end - range.start : 0;
  }

  /** Takes `bytes` from the shortest range that is long enough; returns their start, or -1. */
  take(bytes: number): number {
    if (!(bytes > 0)) throw internalError(`Cannot take ${bytes} bytes`);
    const fit = this.#lengths[placeOf(this.#lengths, { start: 0, end: bytes }, byLength)];
    if (fit === undefined) return -1;
    this.#remove(fit);
    if (fit.end - fit.start > bytes) this.#insert({ start: fit.start + bytes, end: fit.end });
    return fit.start;
  }

  /** Gives back the bytes from `start` to `end`. */
  release(start: number, end: number): void {
    const at = placeOf(this.#positions, { start, end }, byStart);
    const left = this.#positions[at - 1];
    const right = this.#positions[at];
    if (!(start < end) || left?.end > start || right?.start < end) {
      throw internalError(`Cannot release the bytes from ${start} to ${end}: some are free`);
    }
    const joinsLeft = left?.end === start;
    const joinsRight = right?.start === end;
    if (joinsLeft) this.#remove(left);
    if (joinsRight) this.#remove(right);
    this.#insert({
      start: joinsLeft ? left.start : start,
      end: joinsRight ? right.end : end,
    });
  }

  /** Removes all bytes from `end` on. */
  cut(end: number): void {
    for (let last = this.#positions.at(-1); last !== undefined && last.end > end;) {
      this.#remove(last);
      if (last.start < end) this.#insert({ start: last.start, end });
      last = this.#positions.at(-1);
    }
  }

  #insert(range: Range): void {
    this.#positions.splice(placeOf(this.#positions, range, byStart), 0, range);
    this.#lengths.splice(placeOf(this.#lengths, range, byLength), 0, range);
    this.#total += range.end - range.start;
  }

  #remove(range: Range): void {
    this.#positions.splice(placeOf(this.#positions, range, byStart), 1);
    this.#lengths.splice(placeOf(this.#lengths, range, byLength), 1);
    this.#total -= range.end - range.start;
  }
}
