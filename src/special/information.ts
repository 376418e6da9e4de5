/**
 * Logarithms, entropies and their inverses, with the limits at 0.
 *
 * @module
 */
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { abs, add, div, mul, neg, offset, scale, square, sub } from "../primitives/arithmetic.ts";
import { and, equal, isNan, less, lessEqual, not, or, select } from "../primitives/comparison.ts";
import { constantLike } from "../primitives/structure.ts";
import { atanh, expm1, log, log1p } from "../primitives/transcendental.ts";
import { floats } from "./operands.ts";

/** `x f(y)`, but 0 where `x` is 0 and `y` is no NaN; the derivative by `y` is 0 there, too. */
function product(x: Tensor, y: Tensor, f: (y: Tensor) => Tensor, stand: number): Tensor {
  const isZero = and(equal(x, constantLike(x, 0)), not(isNan(y)));
  return select(isZero, constantLike(x, 0), mul(x, f(select(isZero, constantLike(y, stand), y))));
}

/** `c₀ + c₁ x + …` with `count` coefficients. */
function polynomial(x: Tensor, count: number, coefficient: (k: number) => number): Tensor {
  let sum: Tensor = constantLike(x, coefficient(count - 1));
  for (let k = count - 2; k >= 0; k--) sum = offset(mul(sum, x), coefficient(k));
  return sum;
}

/**
 * `x log(y)`, 0 where `x` is 0. There the derivatives are 0.
 *
 * @category Special functions
 * @param x Any shape that broadcasts to the result's.
 * @param y Any shape that broadcasts to the result's.
 * @returns The shape that the arguments broadcast to; integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example The limit at 0
 * ```ts
 * import { xlogy } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(xlogy([0, 2], [0, Math.E]), [0, 2]);
 * ```
 */
export function xlogy(x: TensorLike, y: TensorLike): Tensor {
  return floats("xlogy", [x, y], ([x, y]) => product(x, y, log, 1));
}

/**
 * `x log(1 + y)`, 0 where `x` is 0. There the derivatives are 0.
 *
 * @category Special functions
 * @param x Any shape that broadcasts to the result's.
 * @param y Any shape that broadcasts to the result's.
 * @returns The shape that the arguments broadcast to; integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example The limit at 0
 * ```ts
 * import { xlog1py } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(xlog1py([0, 2], [-1, Math.E - 1]), [0, 2]);
 * ```
 */
export function xlog1py(x: TensorLike, y: TensorLike): Tensor {
  return floats("xlog1py", [x, y], ([x, y]) => product(x, y, log1p, 0));
}

/**
 * The term `-x log(x)` of an entropy of each element: 0 at 0, -Infinity below.
 *
 * @category Special functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 *
 * @example The entropy of a coin
 * ```ts
 * import { entr } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(entr([0.5, 0.5]).sum(), Math.LN2);
 * assertTensorsClose(entr([0, 1]), [0, 0]);
 * ```
 */
export function entr(x: TensorLike): Tensor {
  return floats("entr", [x], ([x]) => {
    const zero = constantLike(x, 0);
    const isPositive = less(zero, x);
    const held = select(isPositive, x, constantLike(x, 1));
    const rest = select(less(x, zero), constantLike(x, -Infinity), x);
    return select(isPositive, neg(mul(held, log(held))), rest);
  });
}

/** Where both arguments are positive, `f` of these; where `x` is 0 and `y` is not negative, `rest(y)`; or Infinity. */
function divergence(
  x: Tensor,
  y: Tensor,
  f: (x: Tensor, y: Tensor) => Tensor,
  rest: (y: Tensor) => Tensor,
): Tensor {
  const [zero, one] = [0, 1].map((value) => constantLike(x, value));
  const arePositive = and(less(zero, x), less(zero, y));
  const isZero = and(equal(x, zero), lessEqual(zero, y));
  const value = f(select(arePositive, x, one), select(arePositive, y, one));
  const isUnknown = or(isNan(x), isNan(y));
  const outside = select(isUnknown, constantLike(x, NaN), constantLike(x, Infinity));
  return select(arePositive, value, select(isZero, rest(y), outside));
}

/** Up to this, a relative difference is small. */
const NEAR = 0.5;

/**
 * The term `x log(x / y)` of a relative entropy, good also where `x` and `y` are nearly equal: 0 where `x`
 * is 0 and `y` is not negative, Infinity where one is negative or `y` alone is 0.
 *
 * @category Special functions
 * @param x Any shape that broadcasts to the result's.
 * @param y Any shape that broadcasts to the result's.
 * @returns The shape that the arguments broadcast to; integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example A relative entropy
 * ```ts
 * import { relEntr } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(relEntr([0.5, 0.5], [0.25, 0.75]).sum(), 0.143841);
 * ```
 */
export function relEntr(x: TensorLike, y: TensorLike): Tensor {
  return floats("relEntr", [x, y], ([x, y]) =>
    divergence(x, y, (x, y) => {
      const gap = div(sub(x, y), y);
      const isNear = less(abs(gap), constantLike(gap, NEAR));
      const near = log1p(select(isNear, gap, constantLike(gap, 0)));
      return mul(x, select(isNear, near, sub(log(x), log(y))));
    }, (y) => constantLike(y, 0)));
}

/**
 * The term `x log(x / y) - x + y` of a Kullback-Leibler divergence, never negative and good also where `x`
 * and `y` are nearly equal: `y` where `x` is 0 and `y` is not negative, Infinity where one is negative or
 * `y` alone is 0.
 *
 * @category Special functions
 * @param x Any shape that broadcasts to the result's.
 * @param y Any shape that broadcasts to the result's.
 * @returns The shape that the arguments broadcast to; integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example A divergence
 * ```ts
 * import { klDiv } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(klDiv([1, 0], [2, 3]), [1 - Math.LN2, 3]);
 * ```
 */
export function klDiv(x: TensorLike, y: TensorLike): Tensor {
  return floats("klDiv", [x, y], ([x, y]) =>
    divergence(x, y, (x, y) => {
      const gap = div(sub(x, y), y);
      const isNear = less(abs(gap), constantLike(gap, NEAR));
      // With r = t / (2 + t), log(1 + t) is 2 artanh r, and (1 + t) log(1 + t) - t has no difference left.
      const t = select(isNear, gap, constantLike(gap, 0));
      const r = div(t, offset(t, 2));
      const rest = mul(r, polynomial(square(r), 17, (k) => 1 / (2 * k + 3)));
      const bent = scale(mul(square(r), offset(mul(offset(r, 1), rest), 1)), 2);
      const near = mul(y, div(bent, offset(neg(r), 1)));
      const far = add(sub(mul(x, sub(log(x), log(y))), x), y);
      return select(isNear, near, far);
    }, (y) => y));
}

/**
 * The logarithm of the odds `x / (1 - x)` of each element, the inverse of `sigmoid`, good also near a
 * half: ±Infinity at 0 and 1, NaN outside.
 *
 * @category Special functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 *
 * @example The inverse of sigmoid
 * ```ts
 * import { sigmoid } from "@jacobi/jacobi";
 * import { logit } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(logit(sigmoid([-2, 0, 3])), [-2, 0, 3]);
 * ```
 */
export function logit(x: TensorLike): Tensor {
  return floats("logit", [x], ([x]) => {
    const half = constantLike(x, 0.5);
    const gap = scale(sub(x, half), 2);
    const isNear = less(abs(gap), half);
    const near = scale(atanh(select(isNear, gap, constantLike(x, 0))), 2);
    return select(isNear, near, sub(log(x), log1p(neg(x))));
  });
}

/** `(exp(u) - 1) / u` and all its derivatives, also at 0. */
function quotient(u: Tensor): Tensor {
  const one = constantLike(u, 1);
  const isNear = less(abs(u), one);
  let factorial = 1;
  const coefficients = Array.from({ length: 20 }, (_, k) => 1 / (factorial *= k + 1));
  const near = polynomial(select(isNear, u, constantLike(u, 0)), 20, (k) => coefficients[k]);
  const far = select(isNear, one, u);
  return select(isNear, near, div(expm1(far), far));
}

/** `(exp(lambda y) - 1) / lambda`, with its limits. */
function boxcoxOf(y: Tensor, lambda: Tensor): Tensor {
  const zero = constantLike(y, 0);
  const isEndless = equal(abs(y), constantLike(y, Infinity));
  // Only infinite logarithms have a limit of their own.
  const held = select(isEndless, zero, y);
  const isZero = equal(lambda, zero);
  const power = select(isZero, constantLike(lambda, 1), lambda);
  const end = select(isEndless, y, zero);
  const limit = select(isZero, end, div(expm1(mul(power, end)), power));
  return select(isEndless, limit, mul(held, quotient(mul(lambda, held))));
}

/**
 * The Box-Cox transform `(x^lambda - 1) / lambda`, `log(x)` where `lambda` is 0, with derivatives by both
 * also there. NaN for negative `x`.
 *
 * @category Special functions
 * @param x Any shape that broadcasts to the result's.
 * @param lambda Any shape that broadcasts to the result's.
 * @returns The shape that the arguments broadcast to; integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example Towards a logarithm
 * ```ts
 * import { boxcox } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(boxcox(4, [0.5, 0]), [2, Math.log(4)]);
 * ```
 */
export function boxcox(x: TensorLike, lambda: TensorLike): Tensor {
  return floats("boxcox", [x, lambda], ([x, lambda]) => boxcoxOf(log(x), lambda));
}

/**
 * The Box-Cox transform of `1 + x`, good also for small `x`.
 *
 * @category Special functions
 * @param x Any shape that broadcasts to the result's.
 * @param lambda Any shape that broadcasts to the result's.
 * @returns The shape that the arguments broadcast to; integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example A small number
 * ```ts
 * import { boxcox1p } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(boxcox1p([3, 1e-12], [0.5, 0]), [2, 1e-12]);
 * ```
 */
export function boxcox1p(x: TensorLike, lambda: TensorLike): Tensor {
  return floats("boxcox1p", [x, lambda], ([x, lambda]) => boxcoxOf(log1p(x), lambda));
}
