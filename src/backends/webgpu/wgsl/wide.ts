/**
 * A replacement for float64, which devices do not support: the sum of two float32 times a power of two.
 * These numbers have at least 47 bits, and a larger range than float64. Nests use them for sums of float32,
 * and for formulas of such sums. The arithmetic is that of T. J. Dekker, "A floating-point technique for
 * extending the available precision" (1971).
 *
 * @module
 */
import { float, type Sources } from "./source.ts";

/** A wide number as an expression. */
export function wideConstant(value: number): string {
  if (!Number.isFinite(value) || value === 0) return `Wide(${float(value)}, 0.0f, 0)`;
  const exponent = Math.floor(Math.log2(Math.abs(value)));
  let size = value * 2 ** -exponent;
  let e = exponent;
  while (Math.abs(Math.fround(size)) >= 2) [size, e] = [size / 2, e + 1];
  while (Math.abs(Math.fround(size)) < 1) [size, e] = [size * 2, e - 1];
  const hi = Math.fround(size);
  return `Wide(${float(hi)}, ${float(size - hi)}, ${e})`;
}

/** The declarations by name. */
export const wideFunctions: Sources = {
  // (hi + lo) 2^e with 1 <= |hi| < 2 and hi = hi + lo rounded; or hi alone, 0, infinite or NaN.
  Wide: { code: "struct Wide { hi: f32, lo: f32, e: i32 }" },
  power_of_two: {
    code: "fn power_of_two(e: i32) -> f32 { return bitcast<f32>((e + 127) << 23u); }",
  },
  // The sum of hi and lo times 2^e, with hi the larger one, from 2^-60 on.
  wide_normal: {
    calls: ["Wide", "opaque", "is_finite", "power_of_two"],
    code: `fn wide_normal(high: f32, low: f32, e: i32) -> Wide {
  let hi = opaque(high + low);
  let lo = low - opaque(hi - high);
  if ((bitcast<u32>(hi) & 0x7fffffffu) == 0u || !is_finite(hi)) { return Wide(hi, 0.0f, 0); }
  let k = i32((bitcast<u32>(hi) >> 23u) & 0xffu) - 127;
  let scale = power_of_two(-k);
  return Wide(hi * scale, lo * scale, e + k);
}`,
  },
  wide: {
    calls: ["Wide", "is_finite"],
    code: `fn wide(x: f32) -> Wide {
  let bits = bitcast<u32>(x);
  let size = bits & 0x7fffffffu;
  if (size == 0u || !is_finite(x)) { return Wide(x, 0.0f, 0); }
  if (size >= 0x00800000u) {
    return Wide(bitcast<f32>((bits & 0x807fffffu) | 0x3f800000u), 0.0f, i32(size >> 23u) - 127);
  }
  let shift = countLeadingZeros(size) - 8u;
  let fraction = (size << shift) & 0x007fffffu;
  return Wide(bitcast<f32>((bits & 0x80000000u) | fraction | 0x3f800000u), 0.0f, -126 - i32(shift));
}`,
  },
  narrow: {
    calls: ["Wide", "is_finite", "with_sign", "infinity"],
    code: `fn narrow(x: Wide) -> f32 {
  let bits = bitcast<u32>(x.hi);
  if ((bits & 0x7fffffffu) == 0u || !is_finite(x.hi)) { return x.hi; }
  if (x.e > 127) { return with_sign(infinity(), x.hi); }
  if (x.e >= -126) {
    return bitcast<f32>((bits & 0x807fffffu) | (u32(x.e + 127) << 23u));
  }
  if (x.e < -150) { return with_sign(0.0f, x.hi); }
  // Rounded once more to a multiple of the least number; what was rounded away decides ties.
  let n = u32(-126 - x.e);
  let whole = (bits & 0x007fffffu) | 0x00800000u;
  let rest = whole & ((1u << n) - 1u);
  let half = 1u << (n - 1u);
  let kept = whole >> n;
  let isTie = rest == half;
  let isMore = rest > half || (isTie && (x.lo * x.hi > 0.0f || (x.lo == 0.0f && (kept & 1u) == 1u)));
  return bitcast<f32>((bits & 0x80000000u) | (kept + select(0u, 1u, isMore)));
}`,
  },
  // Sums of float32 are `vec2(sum, rest)`: the rest is the rounding error.
  sum_with: {
    calls: ["sum_parts"],
    code: `fn sum_with(state: vec2<f32>, x: f32) -> vec2<f32> {
  let sum = sum_parts(state.x, x);
  return vec2<f32>(sum.x, state.y + sum.y);
}`,
  },
  sum_with_product: {
    calls: ["sum_parts", "product_parts"],
    code: `fn sum_with_product(state: vec2<f32>, x: f32, y: f32) -> vec2<f32> {
  let product = product_parts(x, y);
  let sum = sum_parts(state.x, product.x);
  return vec2<f32>(sum.x, state.y + (sum.y + product.y));
}`,
  },
  sum_of_sums: {
    calls: ["sum_parts"],
    code: `fn sum_of_sums(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
  let sum = sum_parts(a.x, b.x);
  return vec2<f32>(sum.x, (a.y + b.y) + sum.y);
}`,
  },
  // The rest of an infinite sum is NaN.
  sum_rounded: {
    calls: ["is_finite"],
    code: `fn sum_rounded(state: vec2<f32>) -> f32 {
  return select(state.x, state.x + state.y, is_finite(state.x));
}`,
  },
  // Whether no value has overflowed, and no product has underflowed.
  is_sum_known: {
    code: `fn is_sum_known(state: vec2<f32>) -> bool {
  let size = bitcast<u32>(state.x + state.y) & 0x7fffffffu;
  return size >= 0x10000000u && size < 0x7e000000u;
}`,
  },
  wide_sum: {
    calls: ["wide_normal", "sum_parts"],
    code: `fn wide_sum(state: vec2<f32>) -> Wide {
  let sum = sum_parts(state.x, state.y);
  return wide_normal(sum.x, sum.y, 0);
}`,
  },
  // Integers in the order of floats; NaN is the largest, or the smallest.
  key_for_max: {
    calls: ["is_nan"],
    code: `fn key_for_max(x: f32) -> i32 {
  let bits = bitcast<i32>(x);
  return select(bits ^ ((bits >> 31u) & 0x7fffffff), 0x7fc00000, is_nan(x));
}`,
  },
  key_for_min: {
    calls: ["is_nan"],
    code: `fn key_for_min(x: f32) -> i32 {
  let bits = bitcast<i32>(x);
  return select(bits ^ ((bits >> 31u) & 0x7fffffff), i32(-2143289345), is_nan(x));
}`,
  },
  of_key: {
    code: `fn of_key(key: i32) -> f32 {
  return bitcast<f32>(key ^ ((key >> 31u) & 0x7fffffff));
}`,
  },
  wide_neg: {
    calls: ["Wide", "negated"],
    code: "fn wide_neg(x: Wide) -> Wide { return Wide(negated(x.hi), negated(x.lo), x.e); }",
  },
  wide_abs: {
    calls: ["Wide", "wide_neg"],
    code: `fn wide_abs(x: Wide) -> Wide {
  if ((bitcast<u32>(x.hi) >> 31u) == 1u) { return wide_neg(x); }
  return x;
}`,
  },
  wide_select: {
    calls: ["Wide"],
    code: `fn wide_select(test: bool, x: Wide, y: Wide) -> Wide {
  if (test) { return x; }
  return y;
}`,
  },
  wide_add: {
    calls: ["wide_normal", "is_nan", "nan", "opaque", "sum_parts"],
    code: `fn wide_add(x: Wide, y: Wide) -> Wide {
  if (!is_finite(x.hi) || !is_finite(y.hi)) {
    if (is_nan(x.hi) || is_nan(y.hi)) { return Wide(nan(), 0.0f, 0); }
    if (is_finite(x.hi)) { return y; }
    let differs = ((bitcast<u32>(x.hi) ^ bitcast<u32>(y.hi)) >> 31u) == 1u;
    if (!is_finite(y.hi) && differs) { return Wide(nan(), 0.0f, 0); }
    return x;
  }
  let xZero = (bitcast<u32>(x.hi) & 0x7fffffffu) == 0u;
  let yZero = (bitcast<u32>(y.hi) & 0x7fffffffu) == 0u;
  if (xZero && yZero) {
    return Wide(bitcast<f32>(bitcast<u32>(x.hi) & bitcast<u32>(y.hi)), 0.0f, 0);
  }
  if (yZero) { return x; }
  if (xZero) { return y; }
  var a = x;
  var b = y;
  if (b.e > a.e) {
    a = y;
    b = x;
  }
  let distance = a.e - b.e;
  if (distance > 60) { return a; }
  let scale = power_of_two(-distance);
  let sum = sum_parts(a.hi, b.hi * scale);
  let rest = sum_parts(a.lo, b.lo * scale);
  let first = opaque(sum.y + rest.x);
  let hi = opaque(sum.x + first);
  let lo = (first - opaque(hi - sum.x)) + rest.y;
  return wide_normal(hi, lo, a.e);
}`,
  },
  wide_sub: {
    calls: ["wide_add", "wide_neg"],
    code: "fn wide_sub(x: Wide, y: Wide) -> Wide { return wide_add(x, wide_neg(y)); }",
  },
  wide_mul: {
    calls: ["wide_normal", "is_nan", "nan", "product_parts"],
    code: `fn wide_mul(x: Wide, y: Wide) -> Wide {
  let sign = bitcast<f32>((bitcast<u32>(x.hi) ^ bitcast<u32>(y.hi)) & 0x80000000u);
  let xZero = (bitcast<u32>(x.hi) & 0x7fffffffu) == 0u;
  let yZero = (bitcast<u32>(y.hi) & 0x7fffffffu) == 0u;
  if (!is_finite(x.hi) || !is_finite(y.hi)) {
    if (is_nan(x.hi) || is_nan(y.hi) || xZero || yZero) { return Wide(nan(), 0.0f, 0); }
    return Wide(bitcast<f32>(bitcast<u32>(sign) | 0x7f800000u), 0.0f, 0);
  }
  if (xZero || yZero) { return Wide(sign, 0.0f, 0); }
  let product = product_parts(x.hi, y.hi);
  let low = product.y + (x.hi * y.lo + x.lo * y.hi);
  return wide_normal(product.x, low, x.e + y.e);
}`,
  },
  // The quotient of the first parts, and of the remainder, twice.
  wide_div: {
    calls: ["wide_add", "wide_sub", "wide_mul", "is_nan", "nan"],
    code: `fn wide_div(x: Wide, y: Wide) -> Wide {
  let sign = (bitcast<u32>(x.hi) ^ bitcast<u32>(y.hi)) & 0x80000000u;
  let xZero = (bitcast<u32>(x.hi) & 0x7fffffffu) == 0u;
  let yZero = (bitcast<u32>(y.hi) & 0x7fffffffu) == 0u;
  let isFar = !is_finite(x.hi);
  let byFar = !is_finite(y.hi);
  if (is_nan(x.hi) || is_nan(y.hi) || (isFar && byFar) || (xZero && yZero)) {
    return Wide(nan(), 0.0f, 0);
  }
  if (isFar || yZero) { return Wide(bitcast<f32>(sign | 0x7f800000u), 0.0f, 0); }
  if (xZero || byFar) { return Wide(bitcast<f32>(sign), 0.0f, 0); }
  var quotient = wide_normal(x.hi / y.hi, 0.0f, x.e - y.e);
  for (var i = 0; i < 2; i++) {
    let rest = wide_sub(x, wide_mul(quotient, y));
    quotient = wide_add(quotient, wide_normal(rest.hi / y.hi, 0.0f, rest.e - y.e));
  }
  return quotient;
}`,
  },
  // One Heron step, starting from the root of the first part.
  wide_sqrt: {
    calls: ["wide_sub", "wide_mul", "is_nan", "nan"],
    code: `fn wide_sqrt(x: Wide) -> Wide {
  if ((bitcast<u32>(x.hi) & 0x7fffffffu) == 0u || is_nan(x.hi)) { return x; }
  if ((bitcast<u32>(x.hi) >> 31u) == 1u) { return Wide(nan(), 0.0f, 0); }
  if (!is_finite(x.hi)) { return x; }
  let isOdd = (x.e & 1) == 1;
  let size = sqrt(select(x.hi, 2.0f * x.hi, isOdd));
  let root = wide_normal(size, 0.0f, (x.e - select(0, 1, isOdd)) / 2);
  let rest = wide_sub(x, wide_mul(root, root));
  return wide_add(root, wide_normal(rest.hi / (2.0f * root.hi), 0.0f, rest.e - root.e));
}`,
  },
  wide_less: {
    calls: ["wide_sub", "is_nan", "less"],
    code: `fn wide_less(x: Wide, y: Wide) -> bool {
  if (is_nan(x.hi) || is_nan(y.hi)) { return false; }
  if (!is_finite(x.hi) || !is_finite(y.hi)) { return less(x.hi, y.hi); }
  return less(wide_sub(x, y).hi, 0.0f);
}`,
  },
};
