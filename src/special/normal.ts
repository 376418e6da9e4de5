/**
 * Error functions and the normal distribution.
 *
 * @module
 */
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { neg, scale, square, sub } from "../primitives/arithmetic.ts";
import { less, select } from "../primitives/comparison.ts";
import { faddeevaPrimitive, partsOf } from "../primitives/special_analytic.ts";
import * as primitive from "../primitives/special_normal.ts";
import { constantLike } from "../primitives/structure.ts";
import { erfc, log, log1p } from "../primitives/transcendental.ts";
import { complexOperand, floats } from "./operands.ts";

/**
 * The scaled complementary error function `exp(x²) erfc(x)` of each element, also where `erfc` underflows.
 *
 * @category Special functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 *
 * @example Far out
 * ```ts
 * import { erfcx } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(erfcx([0, 1e6]), [1, 1e-6 / Math.sqrt(Math.PI)]);
 * ```
 */
export function erfcx(x: TensorLike): Tensor {
  return floats("erfcx", [x], ([x]) => primitive.scaledTail(x, 0));
}

/**
 * Faddeeva's function `exp(-z²) erfc(-iz)` of each element, whose real part for `x + iy` is Voigt's profile.
 * Errors are relative to its absolute value, 1e-14 and less; in the upper half plane both parts have 12 digits.
 *
 * @category Special functions
 * @param z Any shape, real or complex.
 * @returns The shape of `z`; `complex128` for doubles and `complex128`, else `complex64`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 *
 * @example A scaled error function along the imaginary axis
 * ```ts
 * import { complex } from "@jacobi/jacobi";
 * import { wofz } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(wofz(complex([0, 0], [0, 1])), complex([1, 0.4275836], 0));
 * ```
 */
export function wofz(z: TensorLike): Tensor {
  return complexOperand("wofz", z, (re, im) => partsOf(faddeevaPrimitive, re, im));
}

/**
 * Dawson's integral `exp(-x²) ∫₀ˣ exp(t²) dt` of each element.
 *
 * @category Special functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 *
 * @example An odd function
 * ```ts
 * import { dawsn } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(dawsn([-1, 0, 1]), [-0.5380795, 0, 0.5380795]);
 * ```
 */
export function dawsn(x: TensorLike): Tensor {
  return floats("dawsn", [x], ([x]) => primitive.dawson(x, 0));
}

/**
 * The distribution function of the normal distribution of each element.
 *
 * @category Special functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 *
 * @example Two standard deviations
 * ```ts
 * import { ndtr } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(ndtr([-2, 0, 2]), [0.0227501, 0.5, 0.9772499]);
 * ```
 */
export function ndtr(x: TensorLike): Tensor {
  return floats("ndtr", [x], ([x]) => scale(erfc(scale(x, -Math.SQRT1_2)), 0.5));
}

/**
 * The logarithm of `ndtr`, also where that underflows or is nearly 1.
 *
 * @category Special functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 *
 * @example Far out
 * ```ts
 * import { logNdtr } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(logNdtr([-40, 0]), [-804.6084, Math.log(0.5)]);
 * ```
 */
export function logNdtr(x: TensorLike): Tensor {
  return floats("logNdtr", [x], ([x]) => {
    const isLow = less(x, constantLike(x, -1));
    const low = select(isLow, x, constantLike(x, -1));
    const high = select(isLow, constantLike(x, 0), x);
    const tail = log(scale(primitive.scaledTail(scale(low, -Math.SQRT1_2), 0), 0.5));
    const rest = log1p(neg(scale(erfc(scale(high, Math.SQRT1_2)), 0.5)));
    return select(isLow, sub(tail, scale(square(low), 0.5)), rest);
  });
}

/**
 * The quantile of the normal distribution, the inverse of `ndtr`, of each element: ±Infinity at 0 and 1,
 * NaN outside.
 *
 * @category Special functions
 * @param p Any shape.
 * @returns The shape of `p`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 *
 * @example A confidence interval of 95 %
 * ```ts
 * import { ndtri } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(ndtri([0.025, 0.5, 0.975]), [-1.959964, 0, 1.959964]);
 * ```
 */
export function ndtri(p: TensorLike): Tensor {
  return floats("ndtri", [p], ([p]) => primitive.normalQuantile(p));
}

/**
 * Owen's T, `1/2π ∫₀ᵃ exp(-h² (1 + t²) / 2) / (1 + t²) dt`: the probability that of two independent normal
 * numbers, the first is more than `h` and the second between 0 and `a` times it.
 *
 * @category Special functions
 * @param h Any shape that broadcasts to the result's.
 * @param a Any shape that broadcasts to the result's.
 * @returns The shape that the arguments broadcast to; integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example At h = 0 an angle
 * ```ts
 * import { owensT } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(owensT(0, 1), 1 / 8);
 * ```
 */
export function owensT(h: TensorLike, a: TensorLike): Tensor {
  return floats("owensT", [h, a], ([h, a]) => primitive.owensT(h, a));
}
