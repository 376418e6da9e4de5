/**
 * Samplers whose numbers are far from the centre more often than normal ones.
 *
 * @module
 */
import { epsilonOf } from "../base/dtype.ts";
import type { Shape } from "../base/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import { abs, mul, neg, offset, scale, sign } from "../primitives/arithmetic.ts";
import { log1p, tan } from "../primitives/transcendental.ts";
import { checkKey, readShape } from "./arguments.ts";
import type { SampleOptions } from "./arguments.ts";
import { aboveMinusOne, drawFloats, uniformBetween } from "./continuous.ts";

/**
 * Numbers of the standard Laplace distribution, with density `exp(-|x|) / 2`: the mean is 0 and the
 * variance 2. Multiply by a scale and add a location for others.
 *
 * The numbers are JAX's, made of uniform ones between -1 and 1. They reach from -15.5 to 16.6 in
 * float32, and from -35.0 to 36.7 in float64.
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param shape The shape, or the length of a vector. Default `[]`, a scalar.
 * @param options The dtype.
 * @returns A tensor of that shape; `float32` by default.
 * @throws {ArgumentError} when `key` is not a key.
 * @throws {ShapeError} when `shape` is not a shape.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example The mean distance from the centre
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = random.laplace(random.key(0), [5000]);
 * assertTensorsClose(x.abs().mean(), 1, { atol: 0.05 });
 * ```
 */
export function laplace(
  key: Tensor,
  shape?: number | Shape,
  options?: SampleOptions,
): Tensor {
  if (shape === undefined) shape = [];
  const what = "Cannot draw Laplace numbers";
  checkKey(key, what);
  return drawFloats(options, what, (dtype) => {
    const u = uniformBetween(key, readShape(shape, what), aboveMinusOne(dtype), 1, dtype);
    return mul(sign(u), log1p(neg(abs(u))));
  });
}

/**
 * Numbers of the standard Cauchy distribution, with density `1 / (π (1 + x²))`: the median is 0, half
 * of the numbers lie between -1 and 1, and there is no mean. Multiply by a scale and add a location
 * for others.
 *
 * The numbers are JAX's, `tan(π (u - 1/2))` for uniform `u`. They reach to 2.7e6 in float32, where
 * rounding moves the outermost by up to a third, and to 1.4e15 in float64.
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param shape The shape, or the length of a vector. Default `[]`, a scalar.
 * @param options The dtype.
 * @returns A tensor of that shape; `float32` by default.
 * @throws {ArgumentError} when `key` is not a key.
 * @throws {ShapeError} when `shape` is not a shape.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example Half of the numbers are between the quartiles
 * ```ts
 * import { less, random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = random.cauchy(random.key(0), [5000]);
 * assertTensorsClose(less(x.abs(), 1).mean(), 0.5, { atol: 0.05 });
 * ```
 */
export function cauchy(
  key: Tensor,
  shape?: number | Shape,
  options?: SampleOptions,
): Tensor {
  if (shape === undefined) shape = [];
  const what = "Cannot draw Cauchy numbers";
  checkKey(key, what);
  return drawFloats(options, what, (dtype) => {
    const u = uniformBetween(key, readShape(shape, what), epsilonOf(dtype), 1, dtype);
    return tan(scale(offset(u, -0.5), Math.PI));
  });
}
