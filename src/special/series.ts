/**
 * Hypergeometric functions, spherical harmonics and Bernoulli numbers.
 *
 * @module
 */
import { defaultFloat, describeValue, type FloatDtype } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { complex } from "../functions/complex.ts";
import { tabulate } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { tensor } from "../functions/creation.ts";
import { checkFloatDtype } from "../functions/options.ts";
import { mul } from "../primitives/arithmetic.ts";
import { zeta as riemann } from "../numeric/special/zeta.ts";
import * as primitive from "../primitives/special_series.ts";
import { convert } from "../primitives/structure.ts";
import { cos, sin } from "../primitives/transcendental.ts";
import { floats, integersBeside } from "./operands.ts";

/**
 * Kummer's confluent hypergeometric function `Σ (a)ₖ / (b)ₖ xᵏ / k!`. Derivatives flow to all arguments.
 * Infinite where `b` is 0 or a negative integer.
 *
 * Power series, Kummer's transformation and the asymptotic series (NIST Handbook, 2010, 13.2.2, 13.2.39,
 * 13.7.2), whichever cancels least; digits are lost where all do, as for `a` or `b` far below 0.
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
 * @example An exponential
 * ```ts
 * import { hyp1f1 } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(hyp1f1(2, 2, [0, 1]), [1, Math.E]);
 * ```
 */
export function hyp1f1(a: TensorLike, b: TensorLike, x: TensorLike): Tensor {
  return floats("hyp1f1", [a, b, x], (args) => primitive.hyp1f1(args, [0, 0, 0]));
}

/**
 * Gauss's hypergeometric function `Σ (a)ₖ (b)ₖ / (c)ₖ xᵏ / k!`, continued to all `x` up to 1; NaN above,
 * unless it is a polynomial. Derivatives flow to all arguments. Infinite where `c` is 0 or a negative
 * integer.
 *
 * Power series, Pfaff's transformation, and beyond 1/2 power series of the solution of the differential
 * equation step by step (NIST Handbook, 2010, 15.2.1, 15.8.1, 15.10.1); digits are lost where `a`, `b` or
 * `c` are large and terms alternate.
 *
 * @category Special functions
 * @param a Any shape that broadcasts to the result's.
 * @param b Any shape that broadcasts to the result's.
 * @param c Any shape that broadcasts to the result's.
 * @param x Any shape that broadcasts to the result's.
 * @returns The shape that the arguments broadcast to; integers and bools become `float32`.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when an argument is complex.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example A logarithm
 * ```ts
 * import { hyp2f1 } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(hyp2f1(1, 1, 2, [0, -1, 0.5]), [1, Math.LN2, 2 * Math.LN2]);
 * ```
 */
export function hyp2f1(a: TensorLike, b: TensorLike, c: TensorLike, x: TensorLike): Tensor {
  return floats("hyp2f1", [a, b, c, x], (args) => primitive.hyp2f1(args, [0, 0, 0, 0]));
}

/**
 * The spherical harmonic of degree `n` and order `m`, normalised, with the Condon-Shortley phase, as
 * `sph_harm_y` of SciPy has it. 0 where `|m|` is more than `n`; NaN for degrees below 0 and above 10^5.
 * Derivatives flow to both angles.
 *
 * @category Special functions
 * @param n Degrees, integers; any shape that broadcasts to the result's.
 * @param m Orders, integers, likewise.
 * @param theta Polar angles, from 0 to π; likewise.
 * @param phi Azimuths; likewise.
 * @returns `complex64` or `complex128`, of the shape that the arguments broadcast to.
 * @throws {ArgumentError} when an argument is not a tensor, number or array.
 * @throws {DtypeError} when `n` or `m` is not of integers, or an argument is complex.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example The constant one
 * ```ts
 * import { real } from "@jacobi/jacobi";
 * import { sphHarmY } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(real(sphHarmY(0, 0, 1, 2)), Math.sqrt(1 / (4 * Math.PI)));
 * ```
 */
export function sphHarmY(n: TensorLike, m: TensorLike, theta: TensorLike, phi: TensorLike): Tensor {
  return integersBeside("sphHarmY", { n, m }, { theta, phi }, ([n, m], [theta, phi]) => {
    const size = primitive.sphericalLegendre(n, m, theta);
    const angle = mul(convert(m, phi.dtype), phi);
    return complex(mul(size, cos(angle)), mul(size, sin(angle)));
  });
}

/**
 * The Bernoulli numbers B₀ to Bₙ, with B₁ = -1/2: all of them from zeta functions (NIST Handbook, 2010,
 * 24.8.4 and 25.6.2).
 *
 * @category Special functions
 * @param n The last one, an integer from 0 to 10^6.
 * @param options The dtype.
 * @returns A vector of `n + 1` numbers, of the default dtype, unless `dtype` is given.
 * @throws {ArgumentError} when `n` is no such integer.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example The first five
 * ```ts
 * import { bernoulli } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(bernoulli(4), [1, -1 / 2, 1 / 6, 0, -1 / 30]);
 * ```
 */
export function bernoulli(n: number, options?: BernoulliOptions): Tensor {
  const what = "Cannot make Bernoulli numbers";
  const { dtype = defaultFloat() } = readOptions(what, options, ["dtype"]);
  checkFloatDtype(what, dtype);
  if (!(Number.isSafeInteger(n) && n >= 0 && n <= 1e6)) {
    throw argumentError(`${what}: n must be an integer from 0 to 10^6, got ${describeValue(n)}`);
  }
  const values = tabulate(n + 1, (k) => k === 1 ? -0.5 : k % 2 === 1 ? 0 : bernoulliNumber(k));
  return tensor(values, { dtype });
}

/**
 * Options of `bernoulli`.
 *
 * @category Special functions
 */
export interface BernoulliOptions {
  /** The dtype; by default that of `configure({ defaultFloat })`, float32 at first. */
  readonly dtype?: FloatDtype;
}

/** A Bernoulli number of even index. */
function bernoulliNumber(k: number): number {
  if (k === 0) return 1;
  // 2 k! / (2π)ᵏ ζ(k), of alternating sign.
  let value = k % 4 === 0 ? -2 : 2;
  for (let j = 1; j <= k && Math.abs(value) < Infinity; j++) value *= j / (2 * Math.PI);
  return value * riemann(0, k, 1);
}
