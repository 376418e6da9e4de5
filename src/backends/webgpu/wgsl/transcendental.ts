/**
 * Elementary functions of float32, with the same approximations as in the WebAssembly backend: those of WGSL
 * differ by driver, and may be inaccurate. Error bounds hold if no value is flushed to 0 and arithmetic is
 * correctly rounded; a driver with less accurate quotients adds its error to functions that divide.
 *
 * @module
 */
import { EXPONENTIAL, TANH } from "../../wasm/kernels/math/float32/exponential.ts";
import { ERF_CENTRE, ERF_TAIL, ERFC } from "../../wasm/kernels/math/float32/error.ts";
import { ARCSINE, ARCTANGENT } from "../../wasm/kernels/math/float32/inverse_trigonometric.ts";
import { LOGARITHM } from "../../wasm/kernels/math/float32/logarithm.ts";
import { COSINE, QUARTER_PARTS, SINE } from "../../wasm/kernels/math/float32/trigonometric.ts";
import { float, polynomial, type Sources } from "./source.ts";

/** The functions that compute primitives, and helpers shared by several of them, by name. */
export const transcendental: Readonly<Record<string, string>> = {
  exp: "exp_of",
  expm1: "expm1_of",
  decay: "decay",
  sigmoid: "sigmoid",
  sigmoidOfDecay: "sigmoid_of_decay",
  sigmoidBell: "sigmoid_bell",
  sigmoidBellOfDecay: "sigmoid_bell_of_decay",
  tanh: "tanh_of",
  tanhOfDecay: "tanh_of_decay",
  tanhSlope: "tanh_slope",
  tanhSlopeOfDecay: "tanh_slope_of_decay",
  log: "log_of",
  log1p: "log1p_of",
  log2: "log2_of",
  log10: "log10_of",
  logaddexp: "logaddexp",
  pow: "pow_of",
  cbrt: "cbrt",
  sinh: "sinh_of",
  cosh: "cosh_of",
  asinh: "asinh_of",
  acosh: "acosh_of",
  atanh: "atanh_of",
  sin: "sin_of",
  cos: "cos_of",
  tan: "tan_of",
  asin: "asin_of",
  acos: "acos_of",
  atan: "atan_of",
  atan2: "atan2_of",
  gaussian: "gaussian",
  erf: "erf",
  erfc: "erfc",
};

// ln 2 in two parts: the product of the first with an integer of 14 bits is exact.
const LN2_HIGH = 0.693359375;
const LN2_LOW = Math.LN2 - LN2_HIGH;

/** For significands near `i / 16`, i from 11 to 23: factors that bring them near 1. They have 7 bits. */
const FACTORS = Array.from({ length: 13 }, (_, k) => Math.round(1024 / (k + 11)) / 64);

/** A number as the sum of two floats. */
function parts(value: number): string {
  const high = Math.fround(value);
  return `vec2<f32>(${float(high)}, ${float(value - high)})`;
}

/** The bits of 2 / π, 32 at a time. */
const QUARTERS_PER_RADIAN = [
  0xa2f9836e,
  0x4e441529,
  0xfc2757d1,
  0xf534ddc0,
  0xdb629599,
  0x3c439041,
  0xfe5163ab,
];

const half = Math.PI / 2;

/** The functions by name. */
export const transcendentalFunctions: Sources = {
  // The magnitude times 2^48, also for subnormal numbers on devices that treat them as 0.
  lifted: {
    code: `fn lifted(x: f32) -> f32 {
  let bits = bitcast<u32>(x) & 0x7fffffffu;
  if (bits < 0x00800000u) { return f32(bits) * ${float(2 ** -101)}; }
  return bitcast<f32>(bits) * ${float(2 ** 48)};
}`,
  },
  // x 2^n in two steps, so that subnormal results are rounded once.
  scaled: {
    code: `fn scaled(x: f32, n: i32) -> f32 {
  let first = n >> 1u;
  return x * bitcast<f32>((first + 127) << 23u) * bitcast<f32>((n - first + 127) << 23u);
}`,
  },
  // e^(x + rest) = 2^n (1 + less), for |x| < 2^13. After W. J. Cody and W. Waite, "Software manual for the elementary
  // functions" (1980).
  exp_parts: {
    calls: ["opaque"],
    code: `struct ExpParts { n: i32, less: f32 }
fn exp_parts(x: f32, rest: f32) -> ExpParts {
  let n = round(x * ${float(Math.LOG2E)});
  let rough = opaque(x - n * ${float(LN2_HIGH)});
  let r = fma(n, ${float(-LN2_LOW)}, rough) + rest;
  let curve = ${polynomial(EXPONENTIAL, "r")};
  return ExpParts(i32(n), fma(curve, r * r, r));
}`,
  },
  // e^(x + rest), for a small rest. Error at most 1.7 ulp.
  exp_of_sum: {
    calls: ["exp_parts", "scaled", "is_nan"],
    code: `fn exp_of_sum(x: f32, rest: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let parts = exp_parts(clamp(x, -104.0f, 89.0f), rest);
  return scaled(1.0f + parts.less, parts.n);
}`,
  },
  exp_of: {
    calls: ["exp_of_sum"],
    code: "fn exp_of(x: f32) -> f32 { return exp_of_sum(x, 0.0f); }",
  },
  // As 2^n (e^r - 1) + (2^n - 1). Error at most 1.8 ulp.
  expm1_of: {
    calls: ["exp_parts", "is_nan", "magnitude"],
    code: `fn expm1_of(x: f32) -> f32 {
  if (is_nan(x) || magnitude(x) < ${float(2 ** -25)}) { return x; }
  let parts = exp_parts(clamp(x, -20.0f, 89.0f), 0.0f);
  let half = bitcast<f32>((parts.n + 126) << 23u);
  let value = fma(half, parts.less, half - 0.5f);
  return value + value;
}`,
  },
  decay: {
    calls: ["exp_of", "magnitude", "negated"],
    code: "fn decay(x: f32) -> f32 { return exp_of(negated(magnitude(x))); }",
  },
  sigmoid_of_decay: {
    code: `fn sigmoid_of_decay(x: f32, decay: f32) -> f32 {
  return select(1.0f, decay, x < 0.0f) / (1.0f + decay);
}`,
  },
  sigmoid: {
    calls: ["decay", "sigmoid_of_decay"],
    code: "fn sigmoid(x: f32) -> f32 { return sigmoid_of_decay(x, decay(x)); }",
  },
  // A polynomial near 0, and (1 - p) / (1 + p) with p = e^-2|x| elsewhere.
  tanh_of_decay: {
    calls: ["magnitude", "with_sign", "is_nan"],
    code: `fn tanh_of_decay(x: f32, decay: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let size = magnitude(x);
  let square = x * x;
  let near = fma(${polynomial(TANH, "square")}, square * size, size);
  return with_sign(select((1.0f - decay) / (1.0f + decay), near, size < 0.55f), x);
}`,
  },
  tanh_of: {
    calls: ["decay", "tanh_of_decay"],
    code: "fn tanh_of(x: f32) -> f32 { return tanh_of_decay(x, decay(x + x)); }",
  },
  // 1 / cosh x = 2 p / (1 + p²) for p = e^-|x|.
  tanh_slope: {
    calls: ["decay"],
    code: `fn tanh_slope(x: f32) -> f32 {
  let power = decay(x);
  let secant = (power + power) / fma(power, power, 1.0f);
  return secant * secant;
}`,
  },
  tanh_slope_of_decay: {
    calls: ["tanh_slope", "magnitude"],
    code: `fn tanh_slope_of_decay(x: f32, value: f32, decay: f32) -> f32 {
  if (decay < ${float(2 ** -100)}) { return tanh_slope(x); }
  let over = magnitude(value) + 1.0f;
  return over * over * decay;
}`,
  },
  sigmoid_bell: {
    calls: ["tanh_slope"],
    code: "fn sigmoid_bell(x: f32) -> f32 { return tanh_slope(0.5f * x); }",
  },
  sigmoid_bell_of_decay: {
    calls: ["sigmoid_bell"],
    code: `fn sigmoid_bell_of_decay(x: f32, value: f32, decay: f32) -> f32 {
  if (decay < ${float(2 ** -100)}) { return sigmoid_bell(x); }
  let twice = value + value;
  return twice * select(2.0f - twice, twice * decay, twice > 1.0f);
}`,
  },
  // x = 2^e (1 + f) with √½ <= 1 + f <= √2, for numbers above 0.
  log_parts: {
    code: `struct LogParts { e: f32, f: f32 }
fn log_parts(x: f32) -> LogParts {
  let bits = bitcast<u32>(x);
  let shift = select(0u, countLeadingZeros(bits) - 8u, bits < 0x00800000u);
  let above = i32(bits << shift) - 0x3f3504f3;
  let e = (above >> 23u) - i32(shift);
  let mantissa = bitcast<f32>((above & 0x007fffff) + 0x3f3504f3);
  return LogParts(f32(e), mantissa - 1.0f);
}`,
  },
  // log(1 + f) + small - f.
  log_rest: {
    code: `fn log_rest(f: f32, small: f32) -> f32 {
  return fma(f * f, ${polynomial(LOGARITHM, "f")}, small);
}`,
  },
  // Logarithms of special values: NaN, infinity, 0 and negative numbers.
  log_edge: {
    calls: ["is_nan", "nan", "infinity"],
    code: `fn log_edge(x: f32) -> f32 {
  if ((bitcast<u32>(x) & 0x7fffffffu) == 0u) { return -infinity(); }
  return select(nan(), x, bitcast<u32>(x) <= 0x7f800000u);
}
fn has_log(x: f32) -> bool { return bitcast<u32>(x) - 1u < 0x7f7fffffu; }`,
  },
  // Error at most 1 ulp.
  log_of: {
    calls: ["log_parts", "log_rest", "log_edge"],
    code: `fn log_of(x: f32) -> f32 {
  if (!has_log(x)) { return log_edge(x); }
  let parts = log_parts(x);
  let rest = log_rest(parts.f, parts.e * ${float(LN2_LOW)});
  return fma(parts.e, ${float(LN2_HIGH)}, parts.f + rest);
}`,
  },
  // log(1 + x), including the rounding error of 1 + x. Error at most 1.6 ulp.
  log1p_of: {
    calls: ["log_parts", "log_rest", "log_edge", "sum_parts"],
    code: `fn log1p_of(x: f32) -> f32 {
  let sum = sum_parts(1.0f, x);
  if (!has_log(sum.x)) { return log_edge(sum.x); }
  let parts = log_parts(sum.x);
  if (parts.e == 0.0f) { return select(x + log_rest(x, 0.0f), x, (bitcast<u32>(x) & 0x7fffffffu) == 0u); }
  let f = parts.f + select(sum.y * bitcast<f32>((127 - i32(parts.e)) << 23u), 0.0f, parts.e > 126.0f);
  let rest = log_rest(f, parts.e * ${float(LN2_LOW)});
  return fma(parts.e, ${float(LN2_HIGH)}, f + rest);
}`,
  },
  // The binary logarithm of positive numbers in two floats: a factor from a table brings the significand near
  // 1, where f - f²/2 is the dominant part. After P. Tang, "Table-driven implementation of the logarithm
  // function in IEEE floating-point arithmetic" (1990).
  log2_parts: {
    calls: ["log_parts", "sum_parts", "product_parts"],
    code: `fn log2_parts(x: f32) -> vec2<f32> {
  let factors = array<f32, 13>(${FACTORS.map(float).join(", ")});
  let logs = array<vec2<f32>, 13>(${FACTORS.map((factor) => parts(-Math.log2(factor))).join(", ")});
  let known = log_parts(x);
  let m = 1.0f + known.f;
  let i = u32(round(m * 16.0f)) - 11u;
  let near = product_parts(m, factors[i]);
  let f = near.x - 1.0f;
  let square = product_parts(f, f);
  let first = sum_parts(f, -0.5f * square.x);
  let tail = f * f * f * ${polynomial(LOGARITHM.slice(1), "f")};
  let rest = first.y + (near.y - 0.5f * square.y - f * near.y) + tail;
  let scaled = product_parts(first.x, ${float(Math.LOG2E)});
  let low = scaled.y + first.x * ${float(Math.LOG2E - Math.fround(Math.LOG2E))} + rest * ${
      float(Math.LOG2E)
    };
  let whole = sum_parts(known.e, logs[i].x);
  let sum = sum_parts(whole.x, scaled.x);
  let less = sum.y + (whole.y + (logs[i].y + low));
  let high = opaque(sum.x + less);
  return vec2<f32>(high, less - opaque(high - sum.x));
}`,
  },
  // Error slightly above half an ulp.
  log2_of: {
    calls: ["log2_parts", "log_edge"],
    code: `fn log2_of(x: f32) -> f32 {
  if (!has_log(x)) { return log_edge(x); }
  return log2_parts(x).x;
}`,
  },
  log10_of: {
    calls: ["log2_parts", "log_edge", "product_parts"],
    code: `fn log10_of(x: f32) -> f32 {
  if (!has_log(x)) { return log_edge(x); }
  let log2 = log2_parts(x);
  let scale = ${parts(Math.LOG10E * Math.LN2)};
  let product = product_parts(log2.x, scale.x);
  return product.x + (product.y + (log2.x * scale.y + log2.y * scale.x));
}`,
  },
  logaddexp: {
    calls: ["is_nan", "exp_of", "log1p_of", "maximum", "minimum"],
    code: `fn logaddexp(x: f32, y: f32) -> f32 {
  let larger = maximum(x, y);
  if (is_nan(larger) || bitcast<u32>(x) == bitcast<u32>(y)) { return larger + ${float(Math.LN2)}; }
  let distance = minimum(x, y) - larger;
  return larger + log1p_of(exp_of(distance));
}`,
  },
  // |x|^y = 2^(y log2 |x|). Error at most 1.8 ulp.
  pow_of: {
    calls: [
      "log2_parts",
      "product_parts",
      "scaled",
      "is_nan",
      "is_finite",
      "nan",
      "infinity",
      "magnitude",
      "truncated",
    ],
    code: `fn pow_of(x: f32, y: f32) -> f32 {
  let size = magnitude(x);
  let yBits = bitcast<u32>(y) & 0x7fffffffu;
  if (yBits == 0u || bitcast<u32>(x) == 0x3f800000u) { return 1.0f; }
  if (is_nan(x) || is_nan(y)) { return nan(); }
  let isWhole = yBits >= 0x4b000000u || bitcast<u32>(truncated(y)) == bitcast<u32>(y);
  let isOdd = isWhole && yBits < 0x4b800000u && (u32(magnitude(y)) & 1u) == 1u;
  let sign = select(0u, bitcast<u32>(x) & 0x80000000u, isOdd);
  let isBelow = (bitcast<u32>(y) >> 31u) == 1u;
  let isZero = bitcast<u32>(size) == 0u;
  if (isZero || !is_finite(x)) {
    let isLarge = isZero == isBelow;
    return bitcast<f32>(select(0u, 0x7f800000u, isLarge) | sign);
  }
  if ((bitcast<u32>(x) >> 31u) == 1u && !isWhole) { return nan(); }
  if (!is_finite(y)) {
    if (size == 1.0f) { return 1.0f; }
    return bitcast<f32>(select(0u, 0x7f800000u, (size > 1.0f) != isBelow));
  }
  let log2 = log2_parts(size);
  let rough = log2.x * y;
  if (rough > 129.0f) { return bitcast<f32>(0x7f800000u | sign | zero()); }
  if (rough < -151.0f) { return bitcast<f32>(sign); }
  let product = product_parts(log2.x, y);
  let n = round(product.x);
  let r = ((product.x - n) + (product.y + log2.y * y)) * ${float(Math.LN2)};
  let curve = ${polynomial(EXPONENTIAL, "r")};
  let value = scaled(1.0f + fma(curve, r * r, r), i32(n));
  return bitcast<f32>(bitcast<u32>(value) | sign);
}`,
  },
  // Halley's steps from a third of the exponent.
  cbrt: {
    calls: ["is_finite", "magnitude", "with_sign", "lifted"],
    code: `fn cbrt(x: f32) -> f32 {
  if (!is_finite(x) || (bitcast<u32>(x) & 0x7fffffffu) == 0u) { return x; }
  // Sizes whose sums stay in range, and cubes that are normal numbers.
  let isSmall = magnitude(x) < 1.0f;
  let size = select(magnitude(x) * ${float(2 ** -48)}, lifted(x), isSmall);
  var root = bitcast<f32>(bitcast<u32>(size) / 3u + 0x2a514067u);
  for (var i = 0; i < 3; i++) {
    let cube = root * root * root;
    root = root + root * ((size - cube) / (cube + cube + size));
  }
  return with_sign(root * select(65536.0f, ${float(2 ** -16)}, isSmall), x);
}`,
  },
  // Half of t + t / (t + 1) with t = e^|x| - 1; where powers are large, computed from half the argument.
  sinh_of: {
    calls: ["expm1_of", "exp_of", "magnitude", "with_sign"],
    code: `fn sinh_of(x: f32) -> f32 {
  let size = magnitude(x);
  if (size > 20.0f) {
    let power = exp_of(0.5f * size);
    return with_sign(0.5f * power * power, x);
  }
  let t = expm1_of(size);
  return with_sign(0.5f * (t + t / (t + 1.0f)), x);
}`,
  },
  cosh_of: {
    calls: ["exp_of", "magnitude"],
    code: `fn cosh_of(x: f32) -> f32 {
  let power = exp_of(0.5f * magnitude(x));
  if (power > 20000.0f) { return 0.5f * power * power; }
  let whole = exp_of(magnitude(x));
  return 0.5f * (whole + 1.0f / whole);
}`,
  },
  asinh_of: {
    calls: ["log1p_of", "log_of", "magnitude", "with_sign", "is_finite"],
    code: `fn asinh_of(x: f32) -> f32 {
  if (!is_finite(x)) { return x; }
  let size = magnitude(x);
  if (size > 1e8f) { return with_sign(log_of(size) + ${float(Math.LN2)}, x); }
  let square = size * size;
  return with_sign(log1p_of(size + square / (1.0f + sqrt(square + 1.0f))), x);
}`,
  },
  acosh_of: {
    calls: ["log1p_of", "log_of", "is_nan", "nan"],
    code: `fn acosh_of(x: f32) -> f32 {
  if (is_nan(x) || x < 1.0f) { return nan(); }
  if (x > 1e8f) { return log_of(x) + ${float(Math.LN2)}; }
  let t = x - 1.0f;
  return log1p_of(t + sqrt(t * (t + 2.0f)));
}`,
  },
  atanh_of: {
    calls: ["log1p_of", "magnitude", "with_sign", "is_nan", "nan", "infinity"],
    code: `fn atanh_of(x: f32) -> f32 {
  let size = magnitude(x);
  if (is_nan(x) || size > 1.0f) { return nan(); }
  if (size == 1.0f) { return with_sign(infinity(), x); }
  return with_sign(0.5f * log1p_of((size + size) / (1.0f - size)), x);
}`,
  },
  // A nonnegative angle in quarter turns and a remainder of two floats. Up to 6400 after Cody and Waite;
  // above, by the product with the relevant bits of 2 / π, after M. H. Payne and R. N. Hanek, "Radian
  // reduction for trigonometric functions" (1983).
  turn: {
    calls: ["opaque", "product_parts"],
    code: `struct Turn { quarters: u32, r: f32, rest: f32 }
fn upper_product(x: u32, y: u32) -> u32 {
  let middle = (x & 0xffffu) * (y >> 16u) + (((x & 0xffffu) * (y & 0xffffu)) >> 16u);
  let other = (x >> 16u) * (y & 0xffffu) + (middle & 0xffffu);
  return (x >> 16u) * (y >> 16u) + (middle >> 16u) + (other >> 16u);
}
fn turn(size: f32) -> Turn {
  if (size <= 6400.0f) {
    let n = round(size * ${float(2 / Math.PI)});
    let rough = opaque(size - n * ${float(QUARTER_PARTS[0])});
    let near = opaque(rough - n * ${float(QUARTER_PARTS[1])});
    let third = opaque(n * ${float(QUARTER_PARTS[2])});
    let nearer = opaque(near - third);
    let last = opaque(fma(n, ${float(QUARTER_PARTS[3])}, third - opaque(near - nearer)));
    let r = opaque(nearer - last);
    return Turn(u32(n), r, opaque(nearer - r) - last);
  }
  let words = array<u32, 9>(0u, ${
      QUARTERS_PER_RADIAN.map((word) => `0x${word.toString(16)}u`).join(", ")
    }, 0u);
  let bits = bitcast<u32>(size);
  let whole = (bits & 0x007fffffu) | 0x00800000u;
  // From this bit on, products are less than four quarters.
  let start = (bits >> 23u) - 150u + 30u;
  let k = start >> 5u;
  let shift = start & 31u;
  var window = vec3<u32>(words[k], words[k + 1u], words[k + 2u]);
  if (shift > 0u) {
    window = (window << vec3<u32>(shift)) |
      (vec3<u32>(words[k + 1u], words[k + 2u], words[k + 3u]) >> vec3<u32>(32u - shift));
  }
  let low = whole * window.z;
  let middle = whole * window.y + upper_product(whole, window.z);
  let carry = select(0u, 1u, middle < whole * window.y);
  let high = whole * window.x + upper_product(whole, window.y) + carry;
  var first = (high << 2u) | (middle >> 30u);
  var second = (middle << 2u) | (low >> 30u);
  var quarters = high >> 30u;
  let isAbove = (first >> 31u) == 1u;
  if (isAbove) {
    quarters += 1u;
    second = ~second + 1u;
    first = ~first + select(0u, 1u, second == 0u);
  }
  let zeros = countLeadingZeros(first);
  if (zeros == 32u) { return Turn(quarters & 3u, 0.0f, 0.0f); }
  if (zeros > 0u) { first = (first << zeros) | (second >> (32u - zeros)); }
  second = second << zeros;
  let unit = bitcast<f32>((127u - 32u - zeros) << 23u);
  let a = f32(first & 0xffffff00u) * unit;
  let b = (f32(first & 0xffu) + f32(second >> 8u) * ${float(2 ** -24)}) * unit;
  let product = product_parts(a, ${float(half)});
  let rest = product.y + (a * ${float(half - Math.fround(half))} + b * ${float(half)});
  if (isAbove) { return Turn(quarters & 3u, -product.x, -rest); }
  return Turn(quarters & 3u, product.x, rest);
}`,
  },
  // The sine of a nonnegative angle plus this number of quarter turns. Error at most 1.6 ulp.
  sine: {
    calls: ["turn", "is_finite", "nan"],
    code: `fn sine(size: f32, more: u32) -> f32 {
  if (!is_finite(size)) { return nan(); }
  let angle = turn(size);
  let quarters = angle.quarters + more;
  let r = angle.r;
  let square = r * r;
  let even = r + fma(${polynomial(SINE, "square")}, square * r, angle.rest);
  let odd = fma(${
      polynomial(COSINE, "square")
    }, square * square, fma(square, -0.5f, 1.0f)) - r * angle.rest;
  let value = select(even, odd, (quarters & 1u) == 1u);
  return bitcast<f32>(bitcast<u32>(value) ^ ((quarters & 2u) << 30u));
}`,
  },
  sin_of: {
    calls: ["sine", "magnitude"],
    code: `fn sin_of(x: f32) -> f32 {
  return bitcast<f32>(bitcast<u32>(sine(magnitude(x), 0u)) ^ (bitcast<u32>(x) & 0x80000000u));
}`,
  },
  cos_of: {
    calls: ["sine", "magnitude"],
    code: "fn cos_of(x: f32) -> f32 { return sine(magnitude(x), 1u); }",
  },
  tan_of: {
    calls: ["sin_of", "cos_of"],
    code: "fn tan_of(x: f32) -> f32 { return sin_of(x) / cos_of(x); }",
  },
  // The inverse sine of numbers up to 1/2.
  asin_near: {
    code: `fn asin_near(x: f32, square: f32) -> f32 {
  return fma(${polynomial(ARCSINE, "square")}, square * x, x);
}`,
  },
  asin_of: {
    calls: ["asin_near", "magnitude", "with_sign", "is_nan", "nan"],
    code: `fn asin_of(x: f32) -> f32 {
  let size = magnitude(x);
  if (is_nan(x) || size > 1.0f) { return nan(); }
  if (size <= 0.5f) { return asin_near(x, x * x); }
  let square = (1.0f - size) * 0.5f;
  let part = asin_near(sqrt(square), square);
  return with_sign(${float(half)} - ((part + part) - ${float(half - Math.fround(half))}), x);
}`,
  },
  acos_of: {
    calls: ["asin_near", "magnitude", "is_nan", "nan"],
    code: `fn acos_of(x: f32) -> f32 {
  let size = magnitude(x);
  if (is_nan(x) || size > 1.0f) { return nan(); }
  let rest = ${float(half - Math.fround(half))};
  if (size <= 0.5f) { return ${float(half)} - (asin_near(x, x * x) - rest); }
  let square = (1.0f - size) * 0.5f;
  let part = asin_near(sqrt(square), square);
  return select(part + part, ${float(Math.PI)} - ((part + part) - 2.0f * rest), x < 0.0f);
}`,
  },
  // The inverse tangent of y / x, neither of them negative or NaN. Angles near π / 8 are rotated by it.
  arctangent: {
    calls: ["is_finite", "lifted"],
    code: `fn arctangent(y: f32, x: f32) -> f32 {
  let isSteep = y > x;
  var small = select(y, x, isSteep);
  var large = select(x, y, isSteep);
  if (!is_finite(large)) {
    small = select(0.0f, 1.0f, !is_finite(small));
    large = 1.0f;
  }
  // Away from the ends of the range, where sums are infinite and quotients are lost.
  if (large < 1.0f) {
    small = lifted(small);
    large = lifted(large);
  } else if (large > 1e37f) {
    small *= 0.25f;
    large *= 0.25f;
  }
  let isTurned = small > large * ${float(Math.SQRT2 - 1)};
  let t = select(small, small - large, isTurned) /
    max(select(large, small + large, isTurned), ${float(2 ** -120)});
  let square = t * t;
  let part = fma(${polynomial(ARCTANGENT, "square")}, square * t, t);
  let angle = select(part, ${float(Math.PI / 4)} + (part + ${
      float(Math.PI / 4 - Math.fround(Math.PI / 4))
    }), isTurned);
  return select(angle, ${float(half)} - (angle - ${float(half - Math.fround(half))}), isSteep);
}`,
  },
  atan_of: {
    calls: ["arctangent", "magnitude", "with_sign", "is_nan"],
    code: `fn atan_of(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  return with_sign(arctangent(magnitude(x), 1.0f), x);
}`,
  },
  atan2_of: {
    calls: ["arctangent", "magnitude", "with_sign", "is_nan", "nan"],
    code: `fn atan2_of(y: f32, x: f32) -> f32 {
  if (is_nan(x) || is_nan(y)) { return nan(); }
  let angle = arctangent(magnitude(y), magnitude(x));
  let isBehind = (bitcast<u32>(x) >> 31u) == 1u;
  let whole = ${float(Math.PI)} - (angle - ${float(Math.PI - Math.fround(Math.PI))});
  return with_sign(select(angle, whole, isBehind), y);
}`,
  },
  // e^(-x²), including the rounding error of the square.
  gaussian: {
    calls: ["exp_of_sum", "product_parts", "magnitude", "negated", "is_nan"],
    code: `fn gaussian(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let size = min(magnitude(x), 11.0f);
  let square = product_parts(size, size);
  return exp_of_sum(negated(square.x), negated(square.y));
}`,
  },
  // A polynomial near 0, and 1 - e^(x p(x)) elsewhere. Error at most 1.3 ulp.
  erf: {
    calls: ["exp_of", "magnitude", "with_sign", "is_nan"],
    code: `fn erf(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let size = magnitude(x);
  let square = x * x;
  let near = fma(${polynomial(ERF_CENTRE, "square")}, size, size);
  let bounded = min(size, 3.95f);
  let far = 1.0f - exp_of(${polynomial(ERF_TAIL, "bounded")} * bounded);
  return with_sign(select(far, near, size < 0.9f), x);
}`,
  },
  // e^(-x²) p(t) / (1 + 2 x) in t = (x - 2) / (x + 2). Error at most 5 ulp.
  erfc: {
    calls: ["gaussian", "magnitude", "is_nan"],
    code: `fn erfc(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let size = min(magnitude(x), 10.1f);
  let t = (size - 2.0f) / (size + 2.0f);
  let value = gaussian(size) * (${polynomial(ERFC, "t")} / (size + size + 1.0f));
  return select(value, 2.0f - value, x < 0.0f);
}`,
  },
};
