/**
 * Special functions of one double, in double precision.
 *
 * Ranges without a fast series have a rational approximation, after W. J. Cody, "Rational
 * Chebyshev approximations for the error function" (1969), and his papers with K. E. Hillstrom on
 * the logarithm of the gamma function (1967) and with A. J. Strecok and H. C. Thacher on digamma
 * (1973). The coefficients are computed by `tests/fixtures/special.py coefficients`.
 *
 * The stated errors bound the largest found against 40-digit values, at tens of thousands of random
 * arguments of every range.
 *
 * @module
 */

/** Coefficients of a quotient of polynomials, lowest power first. */
export interface Rational {
  /** The numerator. */
  readonly numerator: readonly number[];
  /** The denominator. */
  readonly denominator: readonly number[];
}

function polynomial(coefficients: readonly number[], x: number): number {
  let sum = coefficients[coefficients.length - 1];
  for (let i = coefficients.length - 2; i >= 0; i--) sum = sum * x + coefficients[i];
  return sum;
}

function rational(quotient: Rational, x: number): number {
  return polynomial(quotient.numerator, x) / polynomial(quotient.denominator, x);
}

/** `erf(x) / x - 1` in `x²`, for `|x| <= 1/2`. */
export const ERF_CENTRE: Rational = {
  numerator: [
    0.1283791670955126,
    -0.3244782318036902,
    -0.029816425057591814,
    -0.006129070425025495,
    -7.456133841032099e-05,
    -3.715970221924109e-06,
  ],
  denominator: [
    1.0,
    0.4023094899012837,
    0.06749439288868982,
    0.005668815281684931,
    0.0002044006317776276,
  ],
};

/** `exp(x²) erfc(x)` in `x`, for `1/2 <= x <= 2`. */
export const ERFCX_NEAR: Rational = {
  numerator: [
    1.000000000008741,
    1.4200530837069474,
    1.0198097068249576,
    0.43792717662621133,
    0.11711779046080655,
    0.018374440507924656,
    0.0013292241221343735,
    -2.29524643442381e-09,
  ],
  denominator: [
    1.0,
    2.5484322509570005,
    2.8954075662720924,
    1.9088652884991961,
    0.7926992640934803,
    0.20873792812801012,
    0.03257019873552936,
    0.0023558488668452495,
  ],
};

/** `exp(x²) erfc(x)` in `x`, for `2 <= x <= 8`. */
export const ERFCX_MIDDLE: Rational = {
  numerator: [
    0.999997441655282,
    2.0078380106199147,
    1.974060031985679,
    1.2067781384579916,
    0.4932048781636528,
    0.13580052313865185,
    0.023723570973344037,
    0.0021954695860513214,
    2.0369593008914504e-14,
  ],
  denominator: [
    1.0,
    3.1361980799577087,
    4.512951161378751,
    3.9149804647462596,
    2.2573643796983482,
    0.8952072591554744,
    0.2426458490763798,
    0.04204893456838402,
    0.0038913685258459476,
  ],
};

/** `x exp(x²) erfc(x)` in `1/x²`, for `8 <= x <= 28`. */
export const ERFCX_FAR: Rational = {
  numerator: [
    0.5641895835477563,
    9.210007662529717,
    42.22554149772275,
    55.20562441299647,
    9.939709674334818,
  ],
  denominator: [1.0, 16.82431354832009, 82.50498040838137, 128.35867662028048, 44.90136889897187],
};

/** The error function, `2/√π ∫₀ˣ exp(-t²) dt`. Relative error at most 4.2e-16. */
export function erf(x: number): number {
  const size = Math.abs(x);
  if (size <= 0.5) return x + x * rational(ERF_CENTRE, x * x);
  return x < 0 ? erfcTail(size) - 1 : 1 - erfcTail(size);
}

/**
 * The complementary error function, `1 - erf(x)`. Relative error at most 1.1e-15 wherever the
 * result is a normal double, and one smallest subnormal below that.
 */
export function erfc(x: number): number {
  if (Math.abs(x) <= 0.5) return 1 - (x + x * rational(ERF_CENTRE, x * x));
  return x < 0 ? 2 - erfcTail(-x) : erfcTail(x);
}

/** `erfc(x)` for `x >= 1/2`, and NaN for NaN. */
function erfcTail(x: number): number {
  if (x < 2) return gaussian(x) * rational(ERFCX_NEAR, x);
  if (x < 8) return gaussian(x) * rational(ERFCX_MIDDLE, x);
  return gaussian(x) * (rational(ERFCX_FAR, 1 / (x * x)) / x);
}

/**
 * `exp(-x²)`, without the error that rounding `x²` would cause: the rounded part, from T. J.
 * Dekker, "A floating-point technique for extending the available precision" (1971), is corrected
 * to first order.
 */
export function gaussian(x: number): number {
  // Beyond, the parts below may be infinite.
  if (Math.abs(x) > 28) return 0;
  const scaled = 134217729 * x;
  const high = scaled - (scaled - x);
  const low = x - high;
  const square = x * x;
  const rest = ((high * high - square) + 2 * high * low) + low * low;
  const value = Math.exp(-square);
  return value - value * rest;
}

/** `erfinv(y) / y - 1` in `y²`, for `|y| <= 1/2`. */
export const ERFINV_CENTRE: Rational = {
  numerator: [
    -0.11377307454724199,
    0.5935796351164627,
    -1.0516331398899357,
    0.8414131850460771,
    -0.31706762791834786,
    0.05051087626959549,
    -0.0022971030018670052,
  ],
  denominator: [
    1.0,
    -3.1779572629170287,
    3.883693925773671,
    -2.2778593543426338,
    0.6492126611815453,
    -0.07915160925371666,
    0.002729511641131691,
  ],
};

/** The solution of `erfc(z) = exp(-r²)` in `r - 13/16`, for `0.83 <= r <= 5/2`. */
export const ERFINV_MIDDLE: Rational = {
  numerator: [
    0.45843958013447605,
    2.722879404958807,
    7.143233494653017,
    10.88035973976023,
    10.546469132314405,
    6.654526810766094,
    2.6666916307596944,
    0.6240612034726212,
    0.07047023253631243,
    0.0025317155141917564,
  ],
  denominator: [
    1.0,
    3.9364171237865526,
    7.248457030675331,
    7.867125460831494,
    5.383675096634879,
    2.3050165973898187,
    0.5744437105150543,
    0.0684366894289063,
    0.0025316327366072147,
    -3.654280656013907e-09,
  ],
};

/** The solution of `erfc(z) = exp(-r²)` in `r - 5/2`, for `5/2 <= r <= 6.1`. */
export const ERFINV_TAIL: Rational = {
  numerator: [
    2.192545921811913,
    4.601787295964287,
    4.075533155215334,
    1.9681529101409967,
    0.5581498779067214,
    0.09303611652831324,
    0.008600713072542471,
    0.00038262238564693116,
    5.782918146549165e-06,
  ],
  denominator: [
    1.0,
    1.6213132109508355,
    1.0867246541381579,
    0.38282588867940603,
    0.07451411093341946,
    0.0076961970986944165,
    0.00036819219132704827,
    5.78281099049156e-06,
  ],
};

/**
 * The inverse of {@linkcode erf}: ±Infinity at ±1, NaN outside [-1, 1]. Relative error at most
 * 8e-16. The ranges and their variables are those of M. J. Wichura, "Algorithm AS 241: The
 * percentage points of the normal distribution" (1988).
 */
export function erfinv(y: number): number {
  const size = Math.abs(y);
  // The sum below would lose the sign of zero.
  if (size === 0) return y;
  if (size <= 0.5) return y + y * rational(ERFINV_CENTRE, y * y);
  if (size === 1) return y * Infinity;
  const r = Math.sqrt(-Math.log(1 - size));
  const x = r <= 2.5 ? rational(ERFINV_MIDDLE, r - 0.8125) : rational(ERFINV_TAIL, r - 2.5);
  return y < 0 ? -x : x;
}

/** The Bernoulli numbers B₂, B₄, …, B₂₄. */
export const BERNOULLI: readonly number[] = [
  1 / 6,
  -1 / 30,
  1 / 42,
  -1 / 30,
  5 / 66,
  -691 / 2730,
  7 / 6,
  -3617 / 510,
  43867 / 798,
  -174611 / 330,
  854513 / 138,
  -236364091 / 2730,
];

/** `B₂ₖ / (2k (2k - 1))`: Stirling's series (Abramowitz & Stegun 6.1.40) in `1/x²`, times `1/x`. */
export const STIRLING: readonly number[] = BERNOULLI.slice(0, 9)
  .map((bernoulli, i) => bernoulli / ((2 * i + 2) * (2 * i + 1)));

/** `(log 2π - 1) / 2` */
export const STIRLING_CONSTANT: number = 0.4189385332046727;

/** `lgamma(x) / ((x - 1) (x - 2))` in `x - 1/2`, for `1/2 <= x <= 3/2`. */
export const LGAMMA_LOW: Rational = {
  numerator: [
    0.7631532572329335,
    4.770777600839297,
    11.686279450746216,
    14.248322727648645,
    9.084916049033625,
    2.915936594905054,
    0.41407125465080974,
    0.018886106123740767,
    6.322464943898965e-05,
  ],
  denominator: [
    1.0,
    7.01525619592896,
    19.73117424251992,
    28.517064123835237,
    22.59016035962625,
    9.707874794337817,
    2.1074882740450134,
    0.1966478092526949,
    0.005324681712354245,
  ],
};

/** `lgamma(x) / ((x - 1) (x - 2))` in `x - 3/2`, for `3/2 <= x <= 4`. */
export const LGAMMA_HIGH: Rational = {
  numerator: [
    0.4831289505409809,
    1.0254413219029004,
    0.8554458988929673,
    0.35645337649295794,
    0.07799635922818374,
    0.008634015137068601,
    0.00042471911601533064,
    6.701546826816374e-06,
    6.913387121779706e-09,
  ],
  denominator: [
    1.0,
    2.4246140010975052,
    2.37292942964245,
    1.2037749591103446,
    0.33847859919888906,
    0.05236515070652605,
    0.004162139441253224,
    0.0001449328840460925,
    1.4952380924468605e-06,
  ],
};

/** `lgamma(x)` in `x - 4`, for `4 <= x <= 8`. */
export const LGAMMA_DIRECT: Rational = {
  numerator: [
    1.791759469228055,
    2.4971307562133243,
    1.3347376789554313,
    0.350447573243098,
    0.047909576338342204,
    0.0033051029595350086,
    0.00010100880055460991,
    9.576823350832878e-07,
  ],
  denominator: [
    1.0,
    0.6926225919800441,
    0.1801640964034067,
    0.021871868935444797,
    0.0012494690161762758,
    2.9501473701668858e-05,
    1.8925025152907927e-07,
    -1.1953811749515574e-10,
  ],
};

/**
 * `log |Γ(x)|`: Infinity at zero, at the negative integers and at ±Infinity. Relative error at most
 * 7e-16 for positive `x`, also near the zeros 1 and 2. For negative `x` the error is at most 7e-16
 * times `max(1, |lgamma(x)|, |lgamma(-x)|)`, which is less near the zeros.
 */
export function lgamma(x: number): number {
  if (x >= 0.5) return lgammaAboveHalf(x);
  if (x > -0.5) {
    const onePlus = x * (x - 1) * rational(LGAMMA_LOW, x + 0.5);
    return onePlus - Math.log(Math.abs(x));
  }
  if (x === Math.floor(x)) return Infinity;
  // Euler's reflection, Γ(x) Γ(-x) = -π / (x sin πx).
  const size = -x;
  const fraction = size - Math.floor(size);
  const sine = Math.sin(Math.PI * (fraction > 0.5 ? 1 - fraction : fraction));
  return Math.log(Math.PI / (size * sine)) - lgammaAboveHalf(size);
}

function lgammaAboveHalf(x: number): number {
  if (x < 1.5) return (1 - x) * (2 - x) * rational(LGAMMA_LOW, x - 0.5);
  if (x < 4) return (x - 1) * (x - 2) * rational(LGAMMA_HIGH, x - 1.5);
  if (x < 8) return rational(LGAMMA_DIRECT, x - 4);
  const inverse = 1 / x;
  const series = polynomial(STIRLING, inverse * inverse) * inverse;
  return (x - 0.5) * (Math.log(x) - 1) + (STIRLING_CONSTANT + series);
}

/** The positive zero of digamma, less one. */
export const DIGAMMA_ROOT: number = 0.46163214496836236;
/** The rounding error of `DIGAMMA_ROOT`. */
export const DIGAMMA_ROOT_REST: number = -1.5522348162858677e-17;

/** `digamma(1 + t) / (1 + t - root)` in `t`, for `0 <= t <= 1`. */
export const DIGAMMA: Rational = {
  numerator: [
    1.2503801375034054,
    1.8675925104074453,
    0.9711327526262392,
    0.21631407251432455,
    0.01996408274151926,
    0.0005811135063985677,
    1.0894678528383955e-06,
  ],
  denominator: [
    1.0,
    2.1771665986671342,
    1.6630736963665909,
    0.5710455727133128,
    0.09111902253303285,
    0.006100975692434821,
    0.00012043151172286901,
  ],
};

/** `B₂ₖ / 2k`: digamma's series (Abramowitz & Stegun 6.3.18) in `1/x²`, times `1/x²`. */
export const DIGAMMA_SERIES: readonly number[] = BERNOULLI.slice(0, 9)
  .map((bernoulli, i) => bernoulli / (2 * i + 2));

/**
 * The derivative of {@linkcode lgamma} taken `order + 1` times: digamma for order 0, trigamma for
 * order 1, and so on for every non-negative integer.
 *
 * At the poles: order 0 and the even orders are -Infinity at 0, Infinity at -0, and NaN at the
 * negative integers, where the limits of the two sides differ; the odd orders are Infinity.
 * At -Infinity the value is NaN.
 *
 * Relative error for positive `x` at most 6e-16 for order 0, also near its zero, 1.3e-15 for orders
 * 1 to 4, 2.2e-15 up to order 20 and 7e-15 up to order 100. For negative `x` the same bounds are
 * relative to the sum of the magnitudes of the terms that the reflection adds.
 *
 * Throws a `RangeError` when `order` is not a non-negative integer.
 */
export function polygamma(order: number, x: number): number {
  if (!Number.isSafeInteger(order) || order < 0) {
    throw new RangeError(
      `Cannot take polygamma: order must be a non-negative integer, got ${order}`,
    );
  }
  if (Number.isNaN(x) || x === -Infinity) return NaN;
  const odd = order % 2 === 1;
  if (x === 0) return odd ? Infinity : -1 / x;
  if (x < 0 && Number.isInteger(x)) return odd ? Infinity : NaN;
  if (order === 0) return x > 0 ? digammaPositive(x) : digammaNegative(x);
  return x > 0 ? (odd ? 1 : -1) * polygammaSize(order, x) : polygammaNegative(order, x);
}

function digammaPositive(x: number): number {
  if (x < 1) return digammaFromOne(x) - 1 / x;
  if (x < 10) {
    let sum = 0;
    let t = x - 1;
    for (; t > 1; t -= 1) sum += 1 / t;
    return digammaFromOne(t) + sum;
  }
  const inverse = 1 / x;
  const square = inverse * inverse;
  return Math.log(x) - (0.5 * inverse + square * polynomial(DIGAMMA_SERIES, square));
}

/** `digamma(1 + t)` for `0 <= t <= 1`. */
function digammaFromOne(t: number): number {
  return ((t - DIGAMMA_ROOT) - DIGAMMA_ROOT_REST) * rational(DIGAMMA, t);
}

/** The reflection `ψ(1 - x) - π cot πx` (Abramowitz & Stegun 6.3.7). */
function digammaNegative(x: number): number {
  const size = -x;
  const reflected = size < 1 ? digammaFromOne(size) : digammaPositive(1 + size);
  return reflected + Math.PI * cotangentOfPi(size - Math.floor(size));
}

/** `cot πt` for `0 < t < 1`. */
function cotangentOfPi(t: number): number {
  if (t > 0.5) return -cotangentOfPi(1 - t);
  return t <= 0.25 ? 1 / Math.tan(Math.PI * t) : Math.tan(Math.PI * (0.5 - t));
}

/**
 * `|ψₙ(x)|` for positive `x` and `n >= 1`: `n! ζ(n + 1, x)` (Abramowitz & Stegun 6.4.10). The
 * powers of `x` are factored out of the sum, so that there is no overflow unless the result
 * overflows.
 */
function polygammaSize(order: number, x: number): number {
  if (x === Infinity) return 0;
  const s = order + 1;
  return factorialOverPower(order - 1, x) * order * (scaledZeta(s, x) / x);
}

/**
 * `xˢ ζ(s, x)`, the Hurwitz zeta function for integer `s >= 2` and positive `x`: the first terms
 * summed, the others by Euler and Maclaurin's formula (NIST Handbook, 2010, 25.11.7).
 */
function scaledZeta(s: number, x: number): number {
  // From here on twelve terms of the expansion reach double precision.
  const far = 0.82 * (s + 11);
  let sum = 0;
  let w = x;
  for (let k = 1; w < far; k++) {
    const term = Math.pow(x / w, s);
    sum += term;
    if (term * w < 1e-18 * sum) return sum;
    w = x + k;
  }
  let tail = w / (s - 1) + 0.5;
  let factor = s / (2 * w);
  for (let k = 0; k < BERNOULLI.length; k++) {
    tail += BERNOULLI[k] * factor;
    const j = 2 * k + 2;
    factor *= (s + j - 1) * (s + j) / ((j + 1) * (j + 2) * w * w);
  }
  return sum + Math.pow(x / w, s) * tail;
}

/** `n! / xⁿ⁺¹`, interleaved so that neither part overflows where the quotient does not. */
function factorialOverPower(n: number, x: number): number {
  let value = 1 / x;
  let low = 1;
  let high = n;
  while (low <= high) value *= (value > 1 ? low++ : high--) / x;
  return value;
}

/**
 * Let `x = -m - y` with `0 < y < 1`. The terms of `ζ(n + 1, x)` with positive base sum to
 * `ζ(n + 1, 1 - y)`; those with negative base, up to sign, to `ζ(n + 1, y) - ζ(n + 1, 1 - x)`. This
 * is the `n`-th derivative of the reflection formula, without the cotangents.
 */
function polygammaNegative(order: number, x: number): number {
  const y = Math.ceil(x) - x;
  const right = polygammaSize(order, 1 - y);
  const left = polygammaSize(order, y) - polygammaSize(order, 1 - x);
  return order % 2 === 1 ? right + left : left - right;
}

/** The derivative of the hyperbolic tangent, `1 / cosh²x`. Relative error at most 8e-16. */
export function tanhSlope(x: number): number {
  const power = Math.exp(-Math.abs(x));
  const secant = 2 * power / (1 + power * power);
  return secant * secant;
}

/** `1 / (1 + exp(-x))`. Relative error at most 3.2e-16. */
export function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const power = Math.exp(x);
  return power / (1 + power);
}

/** Four times the derivative of the logistic function. Relative error at most 8e-16. */
export function sigmoidBell(x: number): number {
  return tanhSlope(x / 2);
}

/**
 * `log(exp(a) + exp(b))` without overflow; exact for infinite arguments. The error is at most
 * 3e-16 times `max(|a|, |b|, 1)`.
 */
export function logaddexp(a: number, b: number): number {
  // The difference of equal infinities is undefined.
  if (a === b) return a + Math.LN2;
  const difference = a - b;
  return difference > 0
    ? a + Math.log1p(Math.exp(-difference))
    : b + Math.log1p(Math.exp(difference));
}

/** From here on every double is an integer. */
const INTEGERS_FROM = 2 ** 52;

/** The nearest integer, with ties to even; the sign of zero is preserved. Exact. */
export function roundHalfEven(x: number): number {
  if (x > 0 && x < INTEGERS_FROM) return (x + INTEGERS_FROM) - INTEGERS_FROM;
  if (x < 0 && x > -INTEGERS_FROM) return -((INTEGERS_FROM - x) - INTEGERS_FROM);
  return x;
}

/**
 * The remainder of `x / y` with the sign of `y`, like `numpy.remainder`: NaN for zero `y` and for
 * infinite `x`; `y` itself for infinite `y` of the other sign; a zero has the sign of `y`.
 */
export function floorMod(x: number, y: number): number {
  const remainder = x % y;
  if (remainder === 0) return y < 0 ? -0 : 0;
  return remainder < 0 !== y < 0 ? remainder + y : remainder;
}
