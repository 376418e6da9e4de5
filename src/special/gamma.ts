/**
 * The gamma function and its relatives.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { polygamma as higher } from "../primitives/transcendental.ts";
import { add, div, floor, mod, neg, offset, sub } from "../primitives/arithmetic.ts";
import { and, equal, isNan, less, lessEqual, or, select } from "../primitives/comparison.ts";
import * as primitive from "../primitives/special_gamma.ts";
import { complexLogGammaPrimitive, partsOf } from "../primitives/special_analytic.ts";
import { zeta as hurwitz } from "../primitives/special_series.ts";
import { constantLike } from "../primitives/structure.ts";
import { exp, lgamma } from "../primitives/transcendental.ts";
import { complexOperand, floats, isComplexLike } from "./operands.ts";

/**
 * The gamma function of each element: `(x - 1)!` for positive integers, exact below 2^53. Infinite at ±0,
 * NaN at the other poles -1, -2, …. Of complex numbers it is the exponential of `loggamma`.
 *
 * @category Special functions
 * @param x Any shape.
 * @returns The shape of `x`; inexact dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 *
 * @example A factorial
 * ```ts
 * import { gamma } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(gamma([5, 0.5]), [24, Math.sqrt(Math.PI)]);
 * ```
 */
export function gamma(x: TensorLike): Tensor {
  if (isComplexLike("gamma", x)) {
    return exp(
      complexOperand("gamma", x, (re, im) => partsOf(complexLogGammaPrimitive, re, im)),
    );
  }
  return floats("gamma", [x], ([x]) => primitive.gamma(x));
}

/**
 * The logarithm of the gamma function of each element, real for positive numbers and analytic everywhere but on
 * the negative ones: the branch of `scipy.special.loggamma`. On its cut the sign of a zero imaginary part says
 * from where it is approached. It is not the logarithm of `gamma`, whose imaginary part is between -π and π.
 *
 * Stirling's series, steps to where that is good, and reflection.
 *
 * @category Special functions
 * @param z Any shape, real or complex. Of real numbers below 0 the result is NaN; `lgamma` gives the logarithm
 * of the absolute value.
 * @returns The shape of `z`; inexact dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 *
 * @example More than one turn
 * ```ts
 * import { complex } from "@jacobi/jacobi";
 * import { loggamma } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(loggamma(complex([1, 3], [1, 8])), complex([-0.650923, -6.410764], [-0.301640, 12.182767]));
 * ```
 */
export function loggamma(z: TensorLike): Tensor {
  if (isComplexLike("loggamma", z)) {
    return complexOperand(
      "loggamma",
      z,
      (re, im) => partsOf(complexLogGammaPrimitive, re, im),
    );
  }
  return floats("loggamma", [z], ([x]) => {
    const isNegative = less(x, constantLike(x, 0));
    const value = lgamma(select(isNegative, constantLike(x, 1), x));
    return select(isNegative, constantLike(x, NaN), value);
  });
}

/**
 * The sign of the gamma function of each element, 1 or -1; NaN at its poles -1, -2, …. Its derivative is
 * 0.
 *
 * @category Special functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 *
 * @example Signs alternate below 0
 * ```ts
 * import { gammasgn } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(gammasgn([1.5, -0.5, -1.5]), [1, -1, 1]);
 * ```
 */
export function gammasgn(x: TensorLike): Tensor {
  return floats("gammasgn", [x], ([x]) => {
    const [zero, one] = [0, 1].map((value) => constantLike(x, value));
    const whole = floor(x);
    const isOdd = equal(mod(whole, constantLike(x, 2)), one);
    const isNegative = less(x, zero);
    // Of the two zeros, only one has a positive quotient.
    const isBelow = and(equal(x, zero), less(div(one, x), zero));
    const sign = select(or(and(isNegative, isOdd), isBelow), neg(one), one);
    const isPole = or(isNan(x), and(isNegative, equal(x, whole)));
    return select(isPole, constantLike(x, NaN), sign);
  });
}

/**
 * The factorial `Γ(n + 1)` of each element; 0 for negative ones. Integers become floats first.
 *
 * @category Special functions
 * @param n Any shape.
 * @returns The shape of `n`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 *
 * @example Small factorials
 * ```ts
 * import { factorial } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(factorial([0, 1, 5]), [1, 1, 120]);
 * ```
 */
export function factorial(n: TensorLike): Tensor {
  return floats("factorial", [n], ([n]) => {
    const isNegative = less(n, constantLike(n, 0));
    const value = primitive.gamma(offset(select(isNegative, constantLike(n, 0), n), 1));
    return select(isNegative, constantLike(n, 0), value);
  });
}

/**
 * The number of ways to choose `k` of `n` things, also for numbers that are no integers; 0 where `k` is
 * negative or more than `n`.
 *
 * @category Special functions
 * @param n Any shape that broadcasts to the result's.
 * @param k Any shape that broadcasts to the result's.
 * @param options Whether things may be chosen again.
 * @returns The shape that the arguments broadcast to; integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example Hands of cards
 * ```ts
 * import { comb } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(comb([5, 52], [2, 5]), [10, 2598960]);
 * ```
 */
export function comb(n: TensorLike, k: TensorLike, options?: CombOptions): Tensor {
  const { repetition = false } = readOptions("Cannot count combinations", options, ["repetition"]);
  return floats("comb", [n, k], ([n, k]) => {
    const [zero, one] = [0, 1].map((value) => constantLike(n, value));
    if (repetition) {
      // Nothing, or (n + k - 1) choose k.
      const isOne = and(equal(k, zero), lessEqual(zero, n));
      return select(isOne, one, choose(offset(add(n, k), -1), k));
    }
    return choose(n, k);
  });
}

/**
 * Options of `comb`.
 *
 * @category Special functions
 */
export interface CombOptions {
  /** Whether things may be chosen more than once. Default `false`. */
  readonly repetition?: boolean;
}

/** `n` choose `k`: `(n - k + 1)ₖ / k!`, which is a polynomial in `n` for integer `k`. */
function choose(n: Tensor, k: Tensor): Tensor {
  const zero = constantLike(n, 0);
  const isPossible = and(lessEqual(zero, k), lessEqual(k, n));
  const [top, part] = [select(isPossible, n, zero), select(isPossible, k, zero)];
  const rest = sub(top, part);
  // The lesser of both is the shorter product.
  const isShort = less(part, rest);
  const [short, long] = [select(isShort, part, rest), select(isShort, rest, part)];
  const count = div(
    primitive.pochhammer(offset(long, 1), short),
    primitive.gamma(offset(short, 1)),
  );
  return select(isPossible, count, zero);
}

/**
 * Pochhammer's symbol `Γ(z + m) / Γ(z)`: the product `z (z + 1) … (z + m - 1)` for integer `m`. Its
 * derivatives are NaN where `z` or `z + m` is 0 or a negative integer.
 *
 * @category Special functions
 * @param z Any shape that broadcasts to the result's.
 * @param m Any shape that broadcasts to the result's.
 * @returns The shape that the arguments broadcast to; integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example A rising product
 * ```ts
 * import { poch } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(poch(3, [0, 1, 4]), [1, 3, 360]);
 * ```
 */
export function poch(z: TensorLike, m: TensorLike): Tensor {
  return floats("poch", [z, m], ([z, m]) => primitive.pochhammer(z, m));
}

/**
 * Euler's beta function `Γ(a) Γ(b) / Γ(a + b)`, without cancellation between these.
 *
 * @category Special functions
 * @param a Any shape that broadcasts to the result's.
 * @param b Any shape that broadcasts to the result's.
 * @returns The shape that the arguments broadcast to; integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example An integral of powers
 * ```ts
 * import { beta } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(beta([2, 0.5], [3, 0.5]), [1 / 12, Math.PI]);
 * ```
 */
export function beta(a: TensorLike, b: TensorLike): Tensor {
  return floats("beta", [a, b], ([a, b]) => primitive.beta(a, b));
}

/**
 * The logarithm of the absolute value of the beta function, also where that is out of range.
 *
 * @category Special functions
 * @param a Any shape that broadcasts to the result's.
 * @param b Any shape that broadcasts to the result's.
 * @returns The shape that the arguments broadcast to; integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example A function that underflows
 * ```ts
 * import { betaln } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(betaln(1e6, 1), -Math.log(1e6));
 * ```
 */
export function betaln(a: TensorLike, b: TensorLike): Tensor {
  return floats("betaln", [a, b], ([a, b]) => primitive.logBeta(a, b));
}

/** The largest dimension of `multigammaln`. */
const MOST_DIMENSIONS = 4096;

/**
 * The logarithm of the multivariate gamma function of dimension `d`, `π^(d (d - 1) / 4) Π Γ(a - j/2)`, j
 * from 0 to d - 1.
 *
 * @category Special functions
 * @param a Any shape; more than `(d - 1) / 2`.
 * @param d The dimension, an integer from 1 to 4096.
 * @returns The shape of `a`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `a` is not a tensor, number or array, or `d` no such integer.
 * @throws {DtypeError} when an argument is complex.
 *
 * @example Of dimension 1
 * ```ts
 * import { multigammaln } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(multigammaln([1, 4], 1), [0, Math.log(6)]);
 * ```
 */
export function multigammaln(a: TensorLike, d: number): Tensor {
  const what = "Cannot take the multivariate gamma function";
  // The sum has as many terms.
  if (!(Number.isSafeInteger(d) && d > 0 && d <= MOST_DIMENSIONS)) {
    throw argumentError(
      `${what}: d must be an integer from 1 to ${MOST_DIMENSIONS}, got ${describeValue(d)}`,
    );
  }
  return floats("multigammaln", [a], ([a]) => {
    let sum: Tensor = constantLike(a, d * (d - 1) / 4 * Math.log(Math.PI));
    for (let j = 0; j < d; j++) sum = add(sum, lgamma(offset(a, -j / 2)));
    return sum;
  });
}

/**
 * The regularised lower incomplete gamma function `1/Γ(a) ∫₀ˣ t^(a - 1) e^-t dt`: the distribution
 * function of the gamma distribution. Derivatives flow to both arguments. NaN for negative arguments.
 *
 * A quadrature of the density from `x` to the end at which it falls, so that tails have all digits (as do
 * derivatives by `a`).
 *
 * @category Special functions
 * @param a Any shape that broadcasts to the result's.
 * @param x Any shape that broadcasts to the result's.
 * @returns The shape that the arguments broadcast to; integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example A quarter of an hour in a queue
 * ```ts
 * import { gammainc } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(gammainc(1, [0, 2]), [0, 1 - Math.exp(-2)]);
 * ```
 */
export function gammainc(a: TensorLike, x: TensorLike): Tensor {
  return floats("gammainc", [a, x], ([a, x]) => primitive.incompleteGamma(a, x, false));
}

/**
 * The regularised upper incomplete gamma function `1 - gammainc(a, x)`, exact where that difference is
 * tiny. Derivatives flow to both arguments. NaN for negative arguments.
 *
 * @category Special functions
 * @param a Any shape that broadcasts to the result's.
 * @param x Any shape that broadcasts to the result's.
 * @returns The shape that the arguments broadcast to; integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example A tail
 * ```ts
 * import { gammaincc } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(gammaincc(1, [0, 80]), [1, Math.exp(-80)]);
 * ```
 */
export function gammaincc(a: TensorLike, x: TensorLike): Tensor {
  return floats("gammaincc", [a, x], ([a, x]) => primitive.incompleteGamma(a, x, true));
}

/**
 * The regularised incomplete beta function `1/B(a, b) ∫₀ˣ t^(a - 1) (1 - t)^(b - 1) dt`: the distribution
 * function of the beta distribution. Derivatives flow to all three arguments. NaN where `a` or `b` is not
 * positive, or `x` not from 0 to 1.
 *
 * A quadrature like that of `gammainc`.
 *
 * @category Special functions
 * @param a Any shape that broadcasts to the result's.
 * @param b Any shape that broadcasts to the result's.
 * @param x Any shape that broadcasts to the result's.
 * @returns The shape that the arguments broadcast to; integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example A polynomial
 * ```ts
 * import { betainc } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(betainc(2, 1, [0, 0.5, 1]), [0, 0.25, 1]);
 * ```
 */
export function betainc(a: TensorLike, b: TensorLike, x: TensorLike): Tensor {
  return floats("betainc", [a, b, x], ([a, b, x]) => primitive.incompleteBeta(a, b, x));
}

/**
 * The derivative of `digamma` taken `n` times, of each element.
 *
 * @category Special functions
 * @param n How often: an integer from 0 to 10^6.
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is not a tensor, number or array, or `n` no such integer.
 * @throws {DtypeError} when an argument is complex.
 *
 * @example Trigamma
 * ```ts
 * import { polygamma } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(polygamma(1, 1), Math.PI ** 2 / 6);
 * ```
 */
export function polygamma(n: number, x: TensorLike): Tensor {
  const what = "Cannot take polygamma";
  if (!(Number.isSafeInteger(n) && n >= 0 && n <= 1e6)) {
    throw argumentError(`${what}: n must be an integer from 0 to 10^6, got ${describeValue(n)}`);
  }
  return floats("polygamma", [x], ([x]) => higher(x, n));
}

/**
 * Hurwitz's zeta function `Σ (q + k)^-x`, k from 0 on; Riemann's, where `q` is left out. Derivatives flow
 * to both arguments. Infinite at `x = 1` and where `q` is 0 or a negative integer; NaN for `x` below 1,
 * and for other negative `q` unless `x` is an integer.
 *
 * Euler and Maclaurin's formula (NIST Handbook, 2010, 25.11.7).
 *
 * @category Special functions
 * @param x Any shape that broadcasts to the result's.
 * @param q Any shape that broadcasts to the result's. Default 1.
 * @returns The shape that the arguments broadcast to; integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example The Basel problem
 * ```ts
 * import { zeta } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(zeta(2), Math.PI ** 2 / 6);
 * ```
 */
export function zeta(x: TensorLike, q?: TensorLike): Tensor {
  return floats("zeta", [x, q ?? 1], ([x, q]) => hurwitz(x, q, 0));
}
