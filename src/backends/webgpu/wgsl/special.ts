/**
 * Special functions of float32: the inverse of the error function, and the logarithm of the gamma function
 * with its derivatives. Error bounds hold under the conditions of `transcendental.ts`: for correctly rounded
 * quotients.
 *
 * @module
 */
import {
  BERNOULLI,
  DIGAMMA_ROOT,
  DIGAMMA_SERIES,
  STIRLING,
  STIRLING_CONSTANT,
} from "../../../numeric/special.ts";
import { float, polynomial, type Sources } from "./source.ts";

// Polynomials that interpolate at Chebyshev points, lowest power first.

/** `erfinv(y) / y - 1` in `y²`, for `|y| <= 0.7`: relative error 7.1e-9. */
const ERFINV_CENTRE = [
  -0.1137730705,
  0.2320123305,
  0.1276278572,
  0.0850903011,
  0.07965208662,
  -0.02932704364,
  0.2959398202,
  -0.3925811488,
  0.3585688739,
];

/** The solution of `erfc(z) = exp(-r²)` in `r - 3/2`, for `1.09 <= r <= 9/4`: relative error 2.6e-10. */
const ERFINV_MIDDLE = [
  1.144963782,
  1.039533558,
  0.02449308139,
  -0.02924345224,
  0.02045547916,
  -0.01149686405,
  0.005436001319,
  -0.002059656638,
  0.0004731082224,
  4.190166371e-05,
  -5.181349834e-05,
];

/** The same in `r - 3`, for `9/4 <= r <= 4.09`: relative error 2.9e-9. */
const ERFINV_TAIL = [
  2.714760994,
  1.041752618,
  -0.005441843256,
  6.932757483e-05,
  0.0003582345954,
  -0.0002017210838,
  8.791486265e-05,
  -3.368333963e-05,
  7.500823988e-06,
];

/** `lgamma(1 + t) / t` in `t`, for `|t| <= 1/2`: relative error 3.3e-9. */
const LGAMMA_ONE = [
  -0.5772156661,
  0.8224670345,
  -0.4006851789,
  0.2705803788,
  -0.2074143589,
  0.169584351,
  -0.1433744655,
  0.1248726393,
  -0.1187445865,
  0.1070866866,
  -0.05055400449,
  0.04527804893,
  -0.1776828992,
  0.1662926892,
];

/** `lgamma(2 + t) / t` in `t`, for `-1/2 <= t <= 2`: relative error 2.1e-10. */
const LGAMMA_TWO = [
  0.4227843351,
  0.3224670328,
  -0.06735230156,
  0.02058083053,
  -0.007385567487,
  0.002890288331,
  -0.001192349299,
  0.0005102196349,
  -0.0002253272045,
  0.0001010592174,
  -4.299773521e-05,
  1.537338472e-05,
  -4.020694888e-06,
  6.541964515e-07,
  -4.870521147e-08,
];

/** `lgamma(x)` in `x - 4`, for `4 <= x <= 8`: relative error 6.4e-10. */
const LGAMMA_ABOVE = [
  1.791759468,
  1.256117738,
  0.1419107715,
  -0.01333710731,
  0.001863384966,
  -0.0003049258939,
  5.151573671e-05,
  -7.888459103e-06,
  9.446827512e-07,
  -7.400833288e-08,
  2.743910162e-09,
];

/** `digamma(1 + t) / (1 + t - root)` in `t - 1/2`, for `0 <= t <= 1`: relative error 4.2e-9. */
const DIGAMMA = [
  0.951055876,
  -0.4236274975,
  0.240542535,
  -0.1483988614,
  0.09498468508,
  -0.06205598038,
  0.04085002674,
  -0.02578688364,
  0.01711498903,
  -0.01637362024,
  0.01090258862,
];

/**
 * The number of terms of the Euler-Maclaurin formula, and what follows from it: the point from which the
 * formula replaces sums of powers.
 */
const TERMS = 5;

/** The functions by name. */
export const specialFunctions: Sources = {
  // Ranges and variables are from M. J. Wichura, "Algorithm AS 241: The percentage points of the normal
  // distribution" (1988). Error at most 3 ulp.
  erfinv: {
    calls: ["log_of", "magnitude", "with_sign", "infinity", "is_nan", "nan"],
    code: `fn erfinv(x: f32) -> f32 {
  let size = magnitude(x);
  if (is_nan(x) || size > 1.0f) { return nan(); }
  if (size == 1.0f) { return with_sign(infinity(), x); }
  let square = x * x;
  if (size <= 0.7f) { return fma(${polynomial(ERFINV_CENTRE, "square")}, x, x); }
  let r = sqrt(-log_of(1.0f - size));
  let s = r - 1.5f;
  let t = r - 3.0f;
  let middle = ${polynomial(ERFINV_MIDDLE, "s")};
  let tail = ${polynomial(ERFINV_TAIL, "t")};
  return with_sign(select(tail, middle, r < 2.25f), x);
}`,
  },
  // For x >= 1/2.
  lgamma_above: {
    calls: ["log_of"],
    code: `fn lgamma_near_one(t: f32) -> f32 { return t * ${polynomial(LGAMMA_ONE, "t")}; }
fn lgamma_above(x: f32) -> f32 {
  if (x < 1.5f) { return lgamma_near_one(x - 1.0f); }
  if (x < 4.0f) {
    let t = x - 2.0f;
    return t * ${polynomial(LGAMMA_TWO, "t")};
  }
  if (x < 8.0f) {
    let t = x - 4.0f;
    return ${polynomial(LGAMMA_ABOVE, "t")};
  }
  let inverse = 1.0f / x;
  let square = inverse * inverse;
  let series = ${polynomial(STIRLING.slice(0, 3), "square")} * inverse;
  return fma(x - 0.5f, log_of(x) - 1.0f, ${float(STIRLING_CONSTANT)} + series);
}`,
  },
  // Error at most 4 ulp for positive numbers; below 0 relative to max(1, |lgamma(x)|, |lgamma(-x)|).
  lgamma_of: {
    calls: ["lgamma_above", "log_of", "sin_of", "magnitude", "floored", "infinity", "is_finite"],
    code: `fn lgamma_of(x: f32) -> f32 {
  if (!is_finite(x)) { return magnitude(x); }
  if (x >= 0.5f) { return lgamma_above(x); }
  if ((bitcast<u32>(x) & 0x7fffffffu) == 0u) { return infinity(); }
  if (x > -0.5f) { return lgamma_near_one(x) - log_of(magnitude(x)); }
  let size = magnitude(x);
  let fraction = size - floored(size);
  if (fraction == 0.0f) { return infinity(); }
  // Euler's reflection.
  let sine = sin_of(${float(Math.PI)} * min(fraction, 1.0f - fraction));
  return log_of(${float(Math.PI)} / (size * sine)) - lgamma_above(size);
}`,
  },
  // For positive numbers.
  digamma_above: {
    calls: ["log_of", "opaque"],
    code: `fn digamma_from_one(t: f32) -> f32 {
  let s = t - 0.5f;
  let distance = opaque(t - ${float(DIGAMMA_ROOT)}) - ${
      float(DIGAMMA_ROOT - Math.fround(DIGAMMA_ROOT))
    };
  return distance * ${polynomial(DIGAMMA, "s")};
}
fn digamma_above(x: f32) -> f32 {
  if (x < 1.0f) { return digamma_from_one(x) - 1.0f / x; }
  if (x < 10.0f) {
    var sum = 0.0f;
    var t = x - 1.0f;
    for (; t > 1.0f; t -= 1.0f) { sum += 1.0f / t; }
    return digamma_from_one(t) + sum;
  }
  let inverse = 1.0f / x;
  let square = inverse * inverse;
  let series = ${polynomial(DIGAMMA_SERIES.slice(0, 3), "square")};
  return log_of(x) - fma(square, series, 0.5f * inverse);
}`,
  },
  // Error at most 6 ulp for positive numbers; below 0 relative to the terms of the reflection.
  digamma_of: {
    calls: [
      "digamma_above",
      "lifted",
      "tan_of",
      "magnitude",
      "floored",
      "negated",
      "with_sign",
      "infinity",
      "is_nan",
      "is_finite",
      "nan",
    ],
    code: `fn cotangent_of_turn(t: f32) -> f32 {
  let size = min(t, 1.0f - t);
  let isNear = size <= 0.25f;
  let tangent = tan_of(${float(Math.PI)} * select(0.5f - size, size, isNear));
  let value = select(tangent, 1.0f / tangent, isNear);
  return select(value, -value, t > 0.5f);
}
fn digamma_of(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let bits = bitcast<u32>(x) & 0x7fffffffu;
  if (bits == 0u) { return with_sign(infinity(), negated(x)); }
  // Also where devices take subnormal numbers for 0.
  if (bits < 0x00800000u) { return with_sign(${float(2 ** 48)} / lifted(x), negated(x)); }
  if (bitcast<u32>(x) < 0x80000000u) {
    if (!is_finite(x)) { return x; }
    return digamma_above(x);
  }
  let size = magnitude(x);
  let fraction = size - floored(size);
  if (!is_finite(x) || fraction == 0.0f) { return nan(); }
  var value = 0.0f;
  if (size < 1.0f) { value = digamma_from_one(size); } else { value = digamma_above(1.0f + size); }
  return value + ${float(Math.PI)} * cotangent_of_turn(fraction);
}`,
  },
  // n! ζ(n + 1, x) for positive numbers, n >= 1, as in `numeric/special.ts`.
  polygamma_size: {
    calls: ["pow_of", "is_finite"],
    code: `fn scaled_zeta(s: f32, x: f32) -> f32 {
  let far = 0.5f * (s + 7.0f);
  var sum = 0.0f;
  var w = x;
  var term = 1.0f;
  for (var k = 1.0f; w < far; k += 1.0f) {
    sum += term;
    if (term * w < 1e-9f * sum) { return sum; }
    w = x + k;
    term = pow_of(x / w, s);
  }
  let inverse = 1.0f / w;
  let square = inverse * inverse;
  let numbers = array<f32, ${TERMS}>(${BERNOULLI.slice(0, TERMS).map(float).join(", ")});
  var factor = 0.5f * s;
  var power = inverse;
  var rest = 0.0f;
  for (var k = 0u; k < ${TERMS}u; k++) {
    rest += numbers[k] * factor * power;
    let j = 2.0f * f32(k) + 2.0f;
    factor *= (s + j - 1.0f) * (s + j) / ((j + 1.0f) * (j + 2.0f));
    power *= square;
  }
  return fma(term, w / (s - 1.0f) + 0.5f + rest, sum);
}
fn polygamma_size(order: u32, x: f32) -> f32 {
  if (!is_finite(x)) { return 0.0f; }
  // (n - 1)! / x^n, in an order in which only a result that overflows does.
  let n = f32(order);
  var value = 1.0f / x;
  var low = 1.0f;
  var high = n - 1.0f;
  for (var k = 1u; k < order; k++) {
    if (value > 1.0f) {
      value *= low / x;
      low += 1.0f;
    } else {
      value *= high / x;
      high -= 1.0f;
    }
  }
  return value * n * (scaled_zeta(n + 1.0f, x) / x);
}`,
  },
  // Derivatives of digamma. Error for positive numbers: n + 8 ulp for order n.
  polygamma_of: {
    calls: [
      "polygamma_size",
      "magnitude",
      "raised",
      "negated",
      "with_sign",
      "infinity",
      "is_nan",
      "nan",
    ],
    code: `fn polygamma_of(x: f32, order: u32) -> f32 {
  let isOdd = (order & 1u) == 1u;
  let isNegative = bitcast<u32>(x) > 0x80000000u;
  if (is_nan(x) || (isNegative && !is_finite(x))) { return nan(); }
  if ((bitcast<u32>(x) & 0x7fffffffu) < 0x00800000u) {
    return select(with_sign(infinity(), negated(x)), infinity(), isOdd);
  }
  let part = raised(x) - x;
  if (isNegative && part == 0.0f) { return select(nan(), infinity(), isOdd); }
  // A loop: compilers write a function once for each call.
  var bases = array<f32, 3>(select(x, 1.0f - x, isNegative), part, 1.0f - part);
  var sizes = array<f32, 3>();
  for (var k = 0u; k < select(1u, 3u, isNegative); k++) {
    sizes[k] = polygamma_size(order, bases[k]);
  }
  if (!isNegative) { return select(negated(sizes[0]), sizes[0], isOdd); }
  let right = sizes[2];
  // Those that leave the range are larger than what is taken from them.
  let left = select(sizes[1], sizes[1] - sizes[0], is_finite(sizes[1]));
  if (isOdd) { return right + left; }
  if (part == 0.5f) { return negated(sizes[0]); }
  if (!is_finite(right) && !is_finite(left)) { return select(-infinity(), infinity(), part < 0.5f); }
  return left - right;
}`,
  },
};
