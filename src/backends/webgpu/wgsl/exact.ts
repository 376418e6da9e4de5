/**
 * Functions of float32 and integers whose results are exact, or rounded once; and sums and products together
 * with their rounding errors (T. J. Dekker, "A floating-point technique for extending the available
 * precision", 1971; D. E. Knuth, "The Art of Computer Programming", volume 2, section 4.2.2). Compilers may
 * reorder sums, but not through `opaque`.
 *
 * @module
 */
import type { Sources } from "./source.ts";

/** The functions by name. */
export const exactFunctions: Sources = {
  nan: { code: "fn nan() -> f32 { return bitcast<f32>(0x7fc00000u | zero()); }" },
  infinity: { code: "fn infinity() -> f32 { return bitcast<f32>(0x7f800000u | zero()); }" },
  // The number itself, hidden from the optimiser: sums with it are not simplified.
  opaque: { code: "fn opaque(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) | zero()); }" },
  // A sum and its rounding error.
  sum_parts: {
    calls: ["opaque"],
    code: `fn sum_parts(x: f32, y: f32) -> vec2<f32> {
  let sum = opaque(x + y);
  let part = opaque(sum - x);
  return vec2<f32>(sum, opaque(x - opaque(sum - part)) + opaque(y - part));
}`,
  },
  // A product and its rounding error. Products of 12-bit factors are exact, whether or not they are fused
  // with sums.
  product_parts: {
    calls: ["opaque"],
    code: `fn product_parts(x: f32, y: f32) -> vec2<f32> {
  let a = bitcast<f32>(bitcast<u32>(x) & 0xfffff000u);
  let b = bitcast<f32>(bitcast<u32>(y) & 0xfffff000u);
  let c = x - a;
  let d = y - b;
  let product = opaque(x * y);
  let first = opaque(opaque(a * b) - product);
  let second = opaque(opaque(first + opaque(a * d)) + opaque(c * b));
  return vec2<f32>(product, second + opaque(c * d));
}`,
  },
  is_nan: {
    code: "fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }",
  },
  is_finite: {
    code: "fn is_finite(x: f32) -> bool { return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u; }",
  },
  // Integers in the order of the floats that are not NaN; both zeros are 0.
  order: {
    code: `fn order(x: f32) -> i32 {
  let bits = bitcast<i32>(x);
  return select(bits, -(bits & 0x7fffffff), bits < 0);
}`,
  },
  less: {
    calls: ["is_nan", "order"],
    code: `fn less(x: f32, y: f32) -> bool {
  return !is_nan(x) && !is_nan(y) && order(x) < order(y);
}`,
  },
  less_equal: {
    calls: ["is_nan", "order"],
    code: `fn less_equal(x: f32, y: f32) -> bool {
  return !is_nan(x) && !is_nan(y) && order(x) <= order(y);
}`,
  },
  equal: {
    calls: ["is_nan", "order"],
    code:
      `fn equal(x: f32, y: f32) -> bool { return !is_nan(x) && !is_nan(y) && order(x) == order(y); }`,
  },
  // NaN if either operand is; +0 is larger than -0.
  maximum: {
    calls: ["is_nan"],
    code: `fn maximum(x: f32, y: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (is_nan(y)) { return y; }
  let a = bitcast<i32>(x);
  let b = bitcast<i32>(y);
  return select(y, x, select(a, a ^ 0x7fffffff, a < 0) > select(b, b ^ 0x7fffffff, b < 0));
}`,
  },
  minimum: {
    calls: ["is_nan"],
    code: `fn minimum(x: f32, y: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (is_nan(y)) { return y; }
  let a = bitcast<i32>(x);
  let b = bitcast<i32>(y);
  return select(y, x, select(a, a ^ 0x7fffffff, a < 0) < select(b, b ^ 0x7fffffff, b < 0));
}`,
  },
  sign_of: {
    calls: ["is_nan"],
    code: `fn sign_of(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let one = bitcast<f32>((bits & 0x80000000u) | 0x3f800000u);
  return select(one, x, is_nan(x) || (bits & 0x7fffffffu) == 0u);
}`,
  },
  negated: {
    code: "fn negated(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ 0x80000000u); }",
  },
  magnitude: {
    code: "fn magnitude(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) & 0x7fffffffu); }",
  },
  with_sign: {
    code: `fn with_sign(x: f32, sign: f32) -> f32 {
  return bitcast<f32>((bitcast<u32>(x) & 0x7fffffffu) | (bitcast<u32>(sign) & 0x80000000u));
}`,
  },
  // The largest power of two not above the magnitude; the least one for zero, and the largest for infinity.
  binade: {
    code: `fn binade(x: f32) -> f32 {
  return bitcast<f32>(clamp(bitcast<u32>(x) & 0x7f800000u, 0x00800000u, 0x7f000000u));
}`,
  },
  // Whole numbers are unchanged; the fraction of others has at most 23 bits.
  truncated: {
    calls: ["with_sign"],
    code: `fn truncated(x: f32) -> f32 {
  let exponent = (bitcast<u32>(x) >> 23u) & 0xffu;
  if (exponent >= 150u) { return x; }
  if (exponent < 127u) { return with_sign(0.0f, x); }
  return bitcast<f32>(bitcast<u32>(x) & ~(0x007fffffu >> (exponent - 127u)));
}`,
  },
  floored: {
    calls: ["truncated"],
    code: `fn floored(x: f32) -> f32 {
  let whole = truncated(x);
  return select(whole, whole - 1.0f, (bitcast<u32>(x) >> 31u) == 1u && bitcast<u32>(whole) != bitcast<u32>(x));
}`,
  },
  raised: {
    calls: ["negated", "floored"],
    code: "fn raised(x: f32) -> f32 { return negated(floored(negated(x))); }",
  },
  // Rounds to the nearest whole number, ties to even.
  rounded: {
    calls: ["truncated", "with_sign", "magnitude"],
    code: `fn rounded(x: f32) -> f32 {
  let whole = truncated(x);
  let rest = magnitude(x - whole);
  let isOdd = (i32(clamp(whole, -16777216.0f, 16777216.0f)) & 1) == 1;
  let exponent = (bitcast<u32>(x) >> 23u) & 0xffu;
  if (exponent >= 150u || rest < 0.5f || (rest == 0.5f && !isOdd)) { return whole; }
  return with_sign(magnitude(whole) + 1.0f, x);
}`,
  },
  // Converts floats to integers modulo 2^32; values out of range are clamped, NaN becomes 0.
  to_signed: {
    calls: ["is_nan"],
    code: `fn to_signed(x: f32) -> i32 {
  if (is_nan(x)) { return 0; }
  if (x >= 2147483648.0f) { return 2147483647; }
  if (x <= -2147483648.0f) { return i32(-2147483648); }
  return i32(x);
}`,
  },
  to_unsigned: {
    calls: ["is_nan"],
    code: `fn to_unsigned(x: f32) -> u32 {
  if (is_nan(x) || x <= 0.0f) { return 0u; }
  if (x >= 4294967296.0f) { return 4294967295u; }
  return u32(x);
}`,
  },
  // A float of at least 17 bits, and a sticky bit that is 1 if digits were dropped: rounding it further then
  // rounds only once.
  unsigned_to_odd: {
    code: `fn unsigned_to_odd(x: u32) -> f32 {
  let rest = select(0u, 0x100u, (x & 0xffu) != 0u);
  return f32(select(x, (x & 0xffffff00u) | rest, x >= 0x01000000u));
}`,
  },
  signed_to_odd: {
    calls: ["unsigned_to_odd"],
    code: `fn signed_to_odd(x: i32) -> f32 {
  let size = unsigned_to_odd(select(bitcast<u32>(x), 0u - bitcast<u32>(x), x < 0));
  return select(size, -size, x < 0);
}`,
  },
  to_bfloat16: {
    calls: ["is_nan"],
    code: `fn to_bfloat16(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  if (is_nan(x)) { return bitcast<f32>(bits | 0x00400000u); }
  return bitcast<f32>((bits + 0x7fffu + ((bits >> 16u) & 1u)) & 0xffff0000u);
}`,
  },
  // From 2^-14 on 13 bits are rounded away; below that, the result is a multiple of 2^-24.
  to_float16: {
    calls: ["is_nan", "with_sign"],
    code: `fn to_float16(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let size = bits & 0x7fffffffu;
  if (is_nan(x)) { return x; }
  if (size >= 0x477ff000u) { return bitcast<f32>((bits & 0x80000000u) | 0x7f800000u | zero()); }
  if (size >= 0x38800000u) {
    return bitcast<f32>((bits + 0xfffu + ((bits >> 13u) & 1u)) & 0xffffe000u);
  }
  if (size <= 0x33000000u) { return with_sign(0.0f, x); }
  let drop = 126u - (size >> 23u);
  let whole = (size & 0x007fffffu) | 0x00800000u;
  let kept = (whole + (1u << (drop - 1u)) - 1u + ((whole >> drop) & 1u)) >> drop;
  return with_sign(f32(kept) * 5.9604644775390625e-8f, x);
}`,
  },
  // The remainder with the sign of the divisor, computed one digit of the quotient at a time.
  remainder: {
    calls: ["is_nan", "is_finite", "with_sign", "magnitude", "nan"],
    code: `fn remainder(x: f32, y: f32) -> f32 {
  let a = bitcast<u32>(x) & 0x7fffffffu;
  let b = bitcast<u32>(y) & 0x7fffffffu;
  if (is_nan(x) || is_nan(y) || !is_finite(x) || b == 0u) { return nan(); }
  if (a == 0u) { return with_sign(0.0f, y); }
  var rest = a;
  if (a >= b) {
    // Significands and exponents, those of subnormal numbers without the leading bit.
    let low = max(b >> 23u, 1u);
    let divisor = select(b & 0x007fffffu, (b & 0x007fffffu) | 0x00800000u, b >= 0x00800000u);
    var left = select(a & 0x007fffffu, (a & 0x007fffffu) | 0x00800000u, a >= 0x00800000u);
    for (var i = max(a >> 23u, 1u) - low; i > 0u; i--) {
      left = (left % divisor) << 1u;
    }
    left = left % divisor;
    if (left == 0u) { return with_sign(0.0f, y); }
    let shift = min(countLeadingZeros(left) - 8u, low - 1u);
    let lead = left << shift;
    rest = select(lead, (lead & 0x007fffffu) | ((low - shift) << 23u), lead >= 0x00800000u);
  }
  let value = bitcast<f32>(rest | (bitcast<u32>(x) & 0x80000000u));
  return select(value, value + y, ((bitcast<u32>(x) ^ bitcast<u32>(y)) >> 31u) == 1u);
}`,
  },
  signed_remainder: {
    code: `fn signed_remainder(x: i32, y: i32) -> i32 {
  if (y == 0 || y == -1) { return 0; }
  let rest = x % y;
  return select(rest, rest + y, rest != 0 && ((rest ^ y) < 0));
}`,
  },
  unsigned_remainder: {
    code: `fn unsigned_remainder(x: u32, y: u32) -> u32 {
  if (y == 0u) { return 0u; }
  return x % y;
}`,
  },
  common_divisor: {
    code: `fn common_divisor(x: u32, y: u32) -> u32 {
  var a = x;
  var b = y;
  while (b != 0u) {
    let rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}`,
  },
  whole_power: {
    code: `fn whole_power(x: u32, y: u32) -> u32 {
  var power = 1u;
  var square = x;
  for (var exponent = y; exponent != 0u; exponent = exponent >> 1u) {
    if ((exponent & 1u) == 1u) { power = power * square; }
    square = square * square;
  }
  return power;
}`,
  },
  // A negative exponent yields the whole part of the power.
  signed_power: {
    calls: ["whole_power"],
    code: `fn signed_power(x: i32, y: i32) -> i32 {
  if (y < 0 && x != 1 && x != -1) { return 0; }
  return bitcast<i32>(whole_power(bitcast<u32>(x), bitcast<u32>(y)));
}`,
  },
};
