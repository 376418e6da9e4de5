/**
 * Sorting of numbers: short rows by comparisons, long ones by the digits of their bits.
 *
 * @module
 */
import type { Elements } from "../base/dtype.ts";

/**
 * The minimum number of elements that are sorted by digits: setting up the tables of digits takes
 * as long as comparing that many.
 */
const MANY = 160;

/** Bits of a digit. */
const DIGIT = 11;
const DIGITS = 2 ** DIGIT;

/**
 * Fills `order` with the indices that sort the same number of first elements of `values`. Equal
 * elements keep their order in both directions; NaN is the largest.
 */
export function sortRow(order: Int32Array, values: Elements, descending: boolean): void {
  if (order.length >= MANY) return sortByDigits(order, values, descending);
  // NaN is handled first: comparisons with it would make the order inconsistent.
  let count = 0;
  for (let i = 0; i < order.length; i++) if (Number.isNaN(values[i])) count++;
  let nextNan = descending ? 0 : order.length - count;
  let next = descending ? count : 0;
  const numbers = order.subarray(next, next + order.length - count);
  for (let i = 0; i < order.length; i++) order[Number.isNaN(values[i]) ? nextNan++ : next++] = i;
  // The difference of two finite doubles is 0 only when they are equal; of equal infinities it is
  // NaN, which sorting takes as 0.
  numbers.sort(
    descending ? (i, j) => values[j] - values[i] : (i, j) => values[i] - values[j],
  );
}

/** The same by digits, the lowest first; bits in which no two elements differ are skipped. */
function sortByDigits(order: Int32Array, values: Elements, descending: boolean): void {
  const count = order.length;
  let from = order;
  let to: Int32Array = new Int32Array(count);
  for (let i = 0; i < count; i++) from[i] = i;
  const starts = new Int32Array(DIGITS);
  for (const word of wordsOf(values, count)) {
    let differs = 0;
    for (let i = 0; i < count; i++) {
      if (descending) word[i] = ~word[i];
      differs |= word[i] ^ word[0];
    }
    while (differs !== 0) {
      const shift = 31 - Math.clz32(differs & -differs);
      differs &= ~((DIGITS - 1) << shift);
      starts.fill(0);
      for (let i = 0; i < count; i++) starts[(word[i] >>> shift) & (DIGITS - 1)]++;
      for (let digit = 0, next = 0; digit < DIGITS; digit++) {
        const own = starts[digit];
        starts[digit] = next;
        next += own;
      }
      for (let i = 0; i < count; i++) {
        const index = from[i];
        to[starts[(word[index] >>> shift) & (DIGITS - 1)]++] = index;
      }
      [from, to] = [to, from];
    }
  }
  if (from !== order) order.set(from);
}

/** 32-bit words, the lowest first, that have the order of the numbers; both zeros are equal. */
function wordsOf(values: Elements, count: number): readonly Uint32Array[] {
  const first = new Uint32Array(count);
  if (values instanceof Float32Array) {
    const held = new Float32Array(1);
    const bits = new Int32Array(held.buffer);
    for (let i = 0; i < count; i++) {
      held[0] = values[i] + 0;
      first[i] = Number.isNaN(values[i]) ? -1 : bits[0] ^ (bits[0] >> 31 | 2 ** 31);
    }
    return [first];
  }
  if (values instanceof Float64Array) {
    const second = new Uint32Array(count);
    const held = new DataView(new ArrayBuffer(8));
    for (let i = 0; i < count; i++) {
      held.setFloat64(0, values[i] + 0);
      const high = held.getInt32(0);
      const isNan = Number.isNaN(values[i]);
      second[i] = isNan ? -1 : high ^ (high >> 31 | 2 ** 31);
      first[i] = isNan ? -1 : held.getInt32(4) ^ high >> 31;
    }
    return [first, second];
  }
  const isSigned = values instanceof Int32Array || values instanceof Int16Array ||
    values instanceof Int8Array;
  for (let i = 0; i < count; i++) first[i] = isSigned ? values[i] ^ 2 ** 31 : values[i];
  return [first];
}
