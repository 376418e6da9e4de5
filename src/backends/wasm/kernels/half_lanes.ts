/**
 * Half floats in lanes of float32: rounding to them (to nearest, ties to even), and their bits in
 * the lower half of each lane.
 *
 * @module
 */
import { fractionBits, type HalfDtype, largestFinite, leastNormal } from "../../../base/dtype.ts";
import type { Code } from "../assembler/code.ts";
import { f32x4, f64x2, i32, i32x4, i64, i64x2, v128 } from "../assembler/operations.ts";
import type { Vector } from "./addresses.ts";

/** The factor that gives numbers of float16, whose exponents are smaller, the bits of float32. */
const BIAS = 2 ** 112;

/**
 * Makes a function from the bits of half floats, as signed integers, to their numbers. Its
 * constants are locals, so call it outside of loops.
 */
export function halfDecoder(code: Code, dtype: HalfDtype): (bits: Vector) => Vector {
  if (dtype === "bfloat16") return (bits) => i32x4.shl(bits, i32.const(16));
  const kept = code.let(i32x4.const(0x8fffffff | 0));
  const bias = code.let(f32x4.const(BIAS));
  const beyond = code.let(f32x4.const(2 ** 32));
  const endless = code.let(i32x4.const(0x7f800000));
  return (bits) => {
    const small = v128.and(i32x4.shl(bits, i32.const(13)), kept);
    const value = code.let(f32x4.mul(small, bias));
    // Values with the largest exponent of float16 are infinite or NaN.
    const isEndless = f32x4.ge(f32x4.mul(value, value), beyond);
    return v128.or(value, v128.and(isEndless, endless));
  };
}

/** The numbers of half floats, given their bits as signed integers. */
export function decodedHalves(code: Code, dtype: HalfDtype, bits: Vector): Vector {
  return halfDecoder(code, dtype)(bits);
}

/** The bits of half floats; the upper bits of each lane are ignored. */
export function encodedHalves(dtype: HalfDtype, halves: Vector): Vector {
  if (dtype === "bfloat16") return i32x4.shrU(halves, i32.const(16));
  const size = f32x4.min(f32x4.abs(halves), f32x4.const(2 ** 16));
  const bits = i32x4.shrU(f32x4.mul(size, f32x4.const(1 / BIAS)), i32.const(13));
  const sign = i32x4.shrU(halves, i32.const(16));
  return v128.bitselect(bits, sign, i32x4.const(0x7fff));
}

/** Numbers of float32 rounded to half floats. */
export function roundedSingles(code: Code, dtype: HalfDtype, x: Vector): Vector {
  if (dtype === "bfloat16") {
    const odd = v128.and(i32x4.shrU(x, i32.const(16)), i32x4.const(1));
    const sum = i32x4.add(i32x4.add(x, i32x4.const(0x7fff)), odd);
    return withOneNaN(v128.and(sum, i32x4.const(-0x10000)), x);
  }
  const size = code.let(f32x4.min(f32x4.abs(x), f32x4.const(2 ** 17)));
  const power = v128.and(
    f32x4.max(size, f32x4.const(leastNormal(dtype))),
    i32x4.const(0x7f800000),
  );
  // A number so large that the last digit of the sum is the last digit kept.
  const large = code.let(f32x4.mul(power, f32x4.const(1.5 * 2 ** (23 - fractionBits(dtype)))));
  const rounded = code.let(f32x4.sub(f32x4.add(size, large), large));
  const isEndless = f32x4.ge(rounded, f32x4.const(2 ** 16));
  const held = v128.bitselect(f32x4.const(Infinity), rounded, isEndless);
  return withOneNaN(v128.or(held, v128.and(x, i32x4.const(-0x80000000))), x);
}

/** `rounded`, with one fixed NaN wherever `x` is NaN. */
function withOneNaN(rounded: Vector, x: Vector): Vector {
  return v128.bitselect(rounded, i32x4.const(0x7fc00000), f32x4.eq(x, x));
}

/** Numbers of float64 rounded to half floats, once. */
export function roundedDoubles(code: Code, dtype: HalfDtype, x: Vector): Vector {
  const size = code.let(f64x2.min(f64x2.abs(x), f64x2.const(4 * largestFinite(dtype))));
  const power = v128.and(
    f64x2.max(size, f64x2.const(leastNormal(dtype))),
    i64x2.splat(i64.const(0x7ff0000000000000n)),
  );
  const large = code.let(f64x2.mul(power, f64x2.const(1.5 * 2 ** (52 - fractionBits(dtype)))));
  const rounded = f64x2.sub(f64x2.add(size, large), large);
  const sign = v128.and(x, i64x2.splat(i64.const(-(2n ** 63n))));
  // Exact at this point, except for values out of range.
  return roundedSingles(code, dtype, code.let(f32x4.demoteF64x2Zero(v128.or(rounded, sign))));
}

/**
 * Integers that float32 represents exactly and that round to half floats as the given ones do. The
 * last bits of large ones only record whether any of them was set.
 */
export function stickyIntegers(code: Code, from: "int32" | "uint32", x: Vector): Vector {
  const last = i32x4.const(0x3ff);
  const rest = v128.and(x, last);
  const sticky = v128.and(i32x4.ne(rest, i32x4.const(0)), i32x4.const(0x200));
  const short = code.let(v128.or(v128.andnot(x, last), sticky));
  const isSmall = from === "int32"
    ? i32x4.ltU(i32x4.abs(x), i32x4.const(2 ** 24))
    : i32x4.ltU(x, i32x4.const(2 ** 24));
  return v128.bitselect(x, short, isSmall);
}
