/**
 * Trigonometric and hyperbolic functions of elements, and their inverses.
 *
 * @module
 */
import type { Tensor, TensorLike } from "../core/tensor.ts";
import * as transcendental from "../primitives/transcendental.ts";
import { applyFloat, applyFloatBinary, ofReals } from "./operands.ts";

/**
 * Sine of each element, in radians.
 *
 * @category Elementary functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example A quarter turn
 * ```ts
 * import { sin } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(sin([0, Math.PI / 2]), [0, 1]);
 * ```
 */
export function sin(x: TensorLike): Tensor {
  return applyFloat("Cannot take the sine of", transcendental.sin, x);
}

/**
 * Cosine of each element, in radians.
 *
 * @category Elementary functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example A half turn
 * ```ts
 * import { cos } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(cos([0, Math.PI]), [1, -1]);
 * ```
 */
export function cos(x: TensorLike): Tensor {
  return applyFloat("Cannot take the cosine of", transcendental.cos, x);
}

/**
 * Tangent of each element, in radians.
 *
 * @category Elementary functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example An eighth turn
 * ```ts
 * import { tan } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(tan([0, Math.PI / 4]), [0, 1]);
 * ```
 */
export function tan(x: TensorLike): Tensor {
  return applyFloat("Cannot take the tangent of", transcendental.tan, x);
}

/**
 * Inverse sine of each element, from -π/2 to π/2; NaN outside [-1, 1].
 *
 * @category Elementary functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example Angles
 * ```ts
 * import { asin } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(asin([0, 1]), [0, Math.PI / 2]);
 * ```
 */
export function asin(x: TensorLike): Tensor {
  return applyFloat("Cannot take the inverse sine of", transcendental.asin, x);
}

/**
 * Inverse cosine of each element, from 0 to π; NaN outside [-1, 1].
 *
 * @category Elementary functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example Angles
 * ```ts
 * import { acos } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(acos([1, -1]), [0, Math.PI]);
 * ```
 */
export function acos(x: TensorLike): Tensor {
  return applyFloat("Cannot take the inverse cosine of", transcendental.acos, x);
}

/**
 * Inverse tangent of each element, from -π/2 to π/2.
 *
 * @category Elementary functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example Angles
 * ```ts
 * import { atan } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(atan([0, 1]), [0, Math.PI / 4]);
 * ```
 */
export function atan(x: TensorLike): Tensor {
  return applyFloat("Cannot take the inverse tangent of", transcendental.atan, x);
}

/**
 * Hyperbolic sine of each element.
 *
 * @category Elementary functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example Half a difference of exponentials
 * ```ts
 * import { sinh } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(sinh([0, 1]), [0, (Math.E - 1 / Math.E) / 2]);
 * ```
 */
export function sinh(x: TensorLike): Tensor {
  return applyFloat("Cannot take the hyperbolic sine of", transcendental.sinh, x);
}

/**
 * Hyperbolic cosine of each element.
 *
 * @category Elementary functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example Half a sum of exponentials
 * ```ts
 * import { cosh } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(cosh([0, 1]), [1, (Math.E + 1 / Math.E) / 2]);
 * ```
 */
export function cosh(x: TensorLike): Tensor {
  return applyFloat("Cannot take the hyperbolic cosine of", transcendental.cosh, x);
}

/**
 * Hyperbolic tangent of each element.
 *
 * @category Elementary functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example Between -1 and 1
 * ```ts
 * import { tanh } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(tanh([0, 20, -20]), [0, 1, -1]);
 * ```
 */
export function tanh(x: TensorLike): Tensor {
  return applyFloat("Cannot take the hyperbolic tangent of", transcendental.tanh, x);
}

/**
 * Inverse hyperbolic sine of each element.
 *
 * @category Elementary functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example The inverse of sinh
 * ```ts
 * import { asinh } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(asinh([0, Math.sinh(2)]), [0, 2]);
 * ```
 */
export function asinh(x: TensorLike): Tensor {
  return applyFloat("Cannot take the inverse hyperbolic sine of", transcendental.asinh, x);
}

/**
 * Inverse hyperbolic cosine of each element; NaN below 1.
 *
 * @category Elementary functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example The inverse of cosh
 * ```ts
 * import { acosh } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(acosh([1, Math.cosh(2)]), [0, 2]);
 * ```
 */
export function acosh(x: TensorLike): Tensor {
  return applyFloat("Cannot take the inverse hyperbolic cosine of", transcendental.acosh, x);
}

/**
 * Inverse hyperbolic tangent of each element; NaN outside [-1, 1].
 *
 * @category Elementary functions
 * @param x Any shape.
 * @returns The shape of `x`; floating-point dtypes stay, integers and bools become `float32`.
 * @throws {ArgumentError} when `x` is not a tensor, number or array.
 *
 * @example The inverse of tanh
 * ```ts
 * import { atanh } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(atanh([0, Math.tanh(2)]), [0, 2], { rtol: 1e-4 });
 * ```
 */
export function atanh(x: TensorLike): Tensor {
  return applyFloat("Cannot take the inverse hyperbolic tangent of", transcendental.atanh, x);
}

/**
 * Angle of each point `(x, y)`, counted from the first axis, from -π to π. Its derivative at the
 * origin is 0.
 *
 * @category Elementary functions
 * @param y Second coordinates, of any shape.
 * @param x First coordinates, of any shape that broadcasts with `y`.
 * @returns The common dtype, in the shape that both broadcast to; integers and bools become
 * `float32`.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example Two directions
 * ```ts
 * import { atan2 } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(atan2([1, 0], [0, -1]), [Math.PI / 2, Math.PI]);
 * ```
 */
export function atan2(y: TensorLike, x: TensorLike): Tensor {
  return applyFloatBinary(
    "Cannot take the angle of",
    ofReals("atan2", transcendental.atan2, y, x),
    y,
    x,
  );
}
