/**
 * Half floats as their 16 bits: `float16` of IEEE 754 (5 bits of exponent, 10 of fraction) and
 * `bfloat16` (the upper half of a float32). Numbers become halves by rounding to nearest, ties to even;
 * numbers beyond the largest half plus half a step become infinite.
 *
 * @module
 */
import { fractionBits, largestFinite, leastNormal } from "./dtype.ts";
import type { Dtype, HalfDtype } from "./dtype.ts";

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
/** The index of the upper word of a double. */
const UPPER = new Uint8Array(Uint32Array.of(1).buffer)[0];
const single = new Float32Array(1);
const singleBits = new Uint32Array(single.buffer);

/** `value` rounded to a floating-point dtype that is narrower than float64, once. */
export function roundTo(value: number, dtype: Dtype): number {
  const fraction = fractionBits(dtype);
  const least = leastNormal(dtype);
  const size = Math.abs(value);
  if (!(size < largestFinite(dtype) + 2 ** -fraction / least)) {
    return value !== value ? NaN : value < 0 ? -Infinity : Infinity;
  }
  double[0] = Math.max(size, least);
  const exponent = (words[UPPER] >>> 20) - 1023;
  // A number so large that the last digit of the sum is the last digit to keep.
  const large = 1.5 * 2 ** (exponent + 52 - fraction);
  const rounded = size + large - large;
  return value < 0 || Object.is(value, -0) ? -rounded : rounded;
}

/** The bits of halves, given those of numbers of float32. */
function halfBits(source: Uint32Array, dtype: HalfDtype): Uint16Array<ArrayBuffer> {
  const out = new Uint16Array(source.length);
  const isBrain = dtype === "bfloat16";
  for (let i = 0; i < source.length; i++) {
    const bits = source[i];
    const size = bits & 0x7fffffff;
    const sign = (bits >>> 16) & 0x8000;
    if (isBrain) {
      out[i] = size > 0x7f800000 ? sign | 0x7fc0 : (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
    } else if (size >= 0x47800000) {
      out[i] = sign | (size > 0x7f800000 ? 0x7e00 : 0x7c00);
    } else if (size < 0x38800000) {
      // Below the normal halves, the last bits of the sum are the fraction.
      singleBits[0] = size;
      single[0] += 0.5;
      out[i] = sign | (singleBits[0] - 0x3f000000);
    } else {
      out[i] = sign | ((size - 0x38000000 + 0xfff + ((size >>> 13) & 1)) >>> 13);
    }
  }
  return out;
}

/** Numbers as the bits of halves, each rounded once. */
export function encodeHalves(
  values: ArrayLike<number>,
  dtype: HalfDtype,
): Uint16Array<ArrayBuffer> {
  const singles = values instanceof Float32Array
    ? values
    : Float32Array.from(values, (value) => roundTo(value, dtype));
  return halfBits(new Uint32Array(singles.buffer, singles.byteOffset, singles.length), dtype);
}

/** The values of the bits of halves; all of them are numbers of float32. */
export function decodeHalves(bits: ArrayLike<number>, dtype: HalfDtype): Float32Array<ArrayBuffer> {
  const values = new Float32Array(bits.length);
  const out = new Uint32Array(values.buffer);
  if (dtype === "bfloat16") {
    for (let i = 0; i < out.length; i++) out[i] = bits[i] << 16;
    return values;
  }
  for (let i = 0; i < out.length; i++) {
    const sign = (bits[i] & 0x8000) << 16;
    const size = (bits[i] & 0x7fff) << 13;
    if (size < 0x800000) {
      values[i] = size * 2 ** -37;
      out[i] |= sign;
    } else out[i] = sign | (size + (size < 0xf800000 ? 0x38000000 : 0x70000000));
  }
  return values;
}
