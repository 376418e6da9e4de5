/**
 * Bessel functions.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { stack } from "../functions/joining.ts";
import { abs, add, mul, neg, offset, scale, sign, square } from "../primitives/arithmetic.ts";
import { less, select } from "../primitives/comparison.ts";
import * as primitive from "../primitives/special_bessel.ts";
import { constantLike } from "../primitives/structure.ts";
import { exp } from "../primitives/transcendental.ts";
import { floats } from "./operands.ts";

/** `I₁(x) / (x/2)` of `t = x²/4` up to 1/4: `Σ tᵏ / (k! (k + 1)!)`. */
function seriesNear(t: Tensor): Tensor {
  let sum: Tensor = constantLike(t, 1);
  for (let k = 10; k >= 1; k--) sum = offset(scale(mul(sum, t), 1 / (k * (k + 1))), 1);
  return sum;
}

/** `Iₙ(x)` for n = 0 or 1 over `(x/2)ⁿ`. */
function series(x: Tensor, n: number): Tensor {
  return primitive.besselSeries(square(scale(x, 0.5)), n);
}

/**
 * The modified Bessel function of the first kind of order 0, of each element.
 *
 * @category Special functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 *
 * @example At 0 and beyond
 * ```ts
 * import { i0 } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(i0([0, 1]), [1, 1.2660659]);
 * ```
 */
export function i0(x: TensorLike): Tensor {
  return floats("i0", [x], ([x]) => series(x, 0));
}

/**
 * `exp(-|x|) i0(x)`, also where `i0` overflows. At its kink 0 the derivative is 0.
 *
 * @category Special functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 *
 * @example Far out
 * ```ts
 * import { i0e } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(i0e(1e6), 1 / Math.sqrt(2e6 * Math.PI));
 * ```
 */
export function i0e(x: TensorLike): Tensor {
  return floats("i0e", [x], ([x]) => primitive.besselScaled(abs(x), 0));
}

/**
 * The modified Bessel function of the first kind of order 1, of each element.
 *
 * @category Special functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 *
 * @example The derivative of i0
 * ```ts
 * import { grad } from "@jacobi/jacobi";
 * import { i0, i1 } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(i1(2), grad(i0)(2));
 * ```
 */
export function i1(x: TensorLike): Tensor {
  return floats("i1", [x], ([x]) => mul(scale(x, 0.5), series(x, 1)));
}

/**
 * `exp(-|x|) i1(x)`, also where `i1` overflows.
 *
 * @category Special functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 *
 * @example An odd function
 * ```ts
 * import { i1e } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(i1e([-1, 0, 1]), [-0.2079104, 0, 0.2079104]);
 * ```
 */
export function i1e(x: TensorLike): Tensor {
  return floats("i1e", [x], ([x]) => {
    const size = abs(x);
    // I₁ is the derivative of I₀; near 0 this difference has no digits left, and its series few terms.
    const far = mul(sign(x), add(primitive.besselScaled(size, 0), primitive.besselScaled(size, 1)));
    const isNear = less(size, constantLike(size, 1));
    const part = select(isNear, scale(x, 0.5), constantLike(x, 0));
    return select(isNear, mul(mul(part, exp(neg(size))), seriesNear(square(part))), far);
  });
}

/**
 * The Bessel functions of the first kind of all orders from 0 to `v`, of each element. Errors are relative
 * to the amplitude, about `√(2 / (π x))`.
 *
 * Power series, Miller's recurrence and Hankel's series (NIST Handbook, 2010, 10.2.2, 10.74(iv), 10.17.3),
 * where each is good.
 *
 * @category Special functions
 * @param x Any shape.
 * @param v The highest order, an integer from 0 to 999.
 * @returns `[v + 1, ...]`: the shape of `x` for each order; integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is not a tensor, number or array, or `v` is out of range.
 * @throws {DtypeError} when an argument is complex.
 *
 * @example Two orders
 * ```ts
 * import { besselJn } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(besselJn([0, 1], 1), [[1, 0.7651977], [0, 0.4400506]]);
 * ```
 */
export function besselJn(x: TensorLike, v: number): Tensor {
  const what = "Cannot take Bessel functions";
  if (!(Number.isSafeInteger(v) && v >= 0 && v < 1000)) {
    throw argumentError(`${what}: v must be an integer from 0 to 999, got ${describeValue(v)}`);
  }
  return floats("besselJn", [x], ([x]) => {
    return stack(Array.from({ length: v + 1 }, (_, n) => primitive.besselJ(x, n)), 0);
  });
}
