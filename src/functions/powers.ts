/**
 * Roots, powers and logarithms other than those of `exponential.ts`.
 *
 * @module
 */
import { isComplex } from "../base/dtype.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { hypot as hypotenuse } from "../primitives/analytic.ts";
import { scale } from "../primitives/arithmetic.ts";
import { constantLike } from "../primitives/structure.ts";
import * as transcendental from "../primitives/transcendental.ts";
import { applyFloat, applyFloatBinary } from "./operands.ts";

/**
 * Cube root of each element, of negative ones too; its derivative at 0 is infinite.
 *
 * @category Elementary functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become floats of the default
 * dtype.
 * @throws {DtypeError} when `x` is complex.
 *
 * @example Cube roots
 * ```ts
 * import { cbrt } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(cbrt([8, -27, 0]), [2, -3, 0]);
 * ```
 */
export function cbrt(x: TensorLike): Tensor {
  return applyFloat("Cannot take the cube root of", transcendental.cbrt, x);
}

/**
 * Two to the power of each element.
 *
 * @category Elementary functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become floats of the default
 * dtype.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example Powers of two
 * ```ts
 * import { exp2 } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(exp2([3, -1, 0.5]), [8, 0.5, Math.SQRT2]);
 * ```
 */
export function exp2(x: TensorLike): Tensor {
  return applyFloat(
    "Cannot take powers of two of",
    (value) =>
      // The logarithm of 2 is real: it scales both parts, also infinite ones.
      isComplex(value.dtype)
        ? transcendental.exp(scale(value, Math.LN2))
        : transcendental.pow(constantLike(value, 2), value),
    x,
  );
}

/**
 * Logarithm to base ten of each element: negative infinity of 0, NaN of negative ones.
 *
 * @category Elementary functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become floats of the default
 * dtype.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example Powers of ten
 * ```ts
 * import { log10 } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(log10([1, 1000, 0.01]), [0, 3, -2]);
 * ```
 */
export function log10(x: TensorLike): Tensor {
  return applyFloat("Cannot take the logarithm of", transcendental.log10, x);
}

/**
 * Logarithm to base two of the sum of the powers of two of each pair of elements, without overflow.
 *
 * @category Elementary functions
 * @param x Any shape.
 * @param y Any shape that broadcasts with `x`.
 * @returns The common dtype, in the shape that both broadcast to. Integers and bools become floats.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example Sums of powers
 * ```ts
 * import { logaddexp2 } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(logaddexp2([3, 2000], [3, 2000]), [4, 2001]);
 * ```
 */
export function logaddexp2(x: TensorLike, y: TensorLike): Tensor {
  return applyFloatBinary(
    "Cannot take logaddexp2 of",
    (a, b) => {
      const [first, second] = [a, b].map((side) => scale(side, Math.LN2));
      return scale(transcendental.logaddexp(first, second), Math.LOG2E);
    },
    x,
    y,
  );
}

/**
 * Length of the hypotenuse of each pair of legs, `sqrt(x² + y²)`, without overflow; its derivative at the origin
 * is 0.
 *
 * @category Elementary functions
 * @param x Any shape.
 * @param y Any shape that broadcasts with `x`.
 * @returns The common dtype, in the shape that both broadcast to. Integers and bools become floats.
 * @throws {ShapeError} when the shapes do not broadcast.
 * @throws {DtypeError} when either is complex.
 *
 * @example A right triangle
 * ```ts
 * import { hypot } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(hypot([3, 1e30], [4, 0]), [5, 1e30]);
 * ```
 */
export function hypot(x: TensorLike, y: TensorLike): Tensor {
  return applyFloatBinary("Cannot take the hypotenuse of", hypotenuse, x, y);
}

/**
 * Power of each pair of elements as floats: `pow` after conversion of integers and bools.
 *
 * @category Elementary functions
 * @param x The bases, of any shape.
 * @param y The exponents, of any shape that broadcasts with `x`.
 * @returns The common dtype, in the shape that both broadcast to. Integers and bools become floats of the
 * default dtype.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example A negative power of an integer
 * ```ts
 * import { floatPower, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(floatPower(tensor([2, 4], { dtype: "int32" }), -1), [0.5, 0.25]);
 * ```
 */
export function floatPower(x: TensorLike, y: TensorLike): Tensor {
  return applyFloatBinary("Cannot take the power of", transcendental.pow, x, y);
}
