/**
 * Samplers that transform uniform, exponential, normal and gamma distributed numbers.
 *
 * @module
 */
import { argumentError } from "../base/errors.ts";
import type { Shape } from "../base/shape.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { customJvp } from "../control/custom_jvp.ts";
import { broadcastTo } from "../functions/broadcasting.ts";
import {
  add,
  div,
  maximum,
  mul,
  neg,
  offset,
  reciprocal,
  scale as times,
  sqrt,
  square,
  sub,
} from "../primitives/arithmetic.ts";
import { less, lessEqual, select } from "../primitives/comparison.ts";
import { scaledTail } from "../primitives/special_normal.ts";
import { constantLike, convert } from "../primitives/structure.ts";
import { exp, log, log1p, pow } from "../primitives/transcendental.ts";
import {
  checkKey,
  readParameter,
  readPositive,
  readScale,
  readShape,
  sampleShape,
} from "./arguments.ts";
import type { SampleOptions } from "./arguments.ts";
import { drawFloats, exponential, normal, uniformBetween } from "./continuous.ts";
import { epsilonOf, leastNormal } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { logGamma } from "./gamma.ts";
import { split } from "./key.ts";

/**
 * Numbers of the standard logistic distribution, whose distribution function is `sigmoid`: `log(u / (1 -
 * u))` for uniform `u`, as in JAX. In float32 they reach from -87 to 15.9.
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
 * @example The variance
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = random.logistic(random.key(0), [5000]);
 * assertTensorsClose(x.variance(), Math.PI ** 2 / 3, { atol: 0.2 });
 * ```
 */
export function logistic(
  key: Tensor,
  shape?: number | Shape,
  options?: SampleOptions,
): Tensor {
  const what = "Cannot draw logistic numbers";
  checkKey(key, what);
  return drawFloats(options, what, (dtype) => {
    const u = uniformBetween(key, readShape(shape ?? [], what), leastNormal(dtype), 1, dtype);
    return sub(log(u), log1p(neg(u)));
  });
}

/**
 * Numbers whose logarithms are normally distributed with mean 0 and a standard deviation, as JAX draws
 * them.
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param sigma The standard deviation of the logarithms; any shape that broadcasts to the result's.
 * Default 1.
 * @param shape The shape, or the length of a vector. Left out: that of `sigma`.
 * @param options The dtype.
 * @returns A tensor of that shape; `float32` by default. Gradients flow to parameters that are tensors.
 * @throws {ArgumentError} when `key` is not a key.
 * @throws {ShapeError} when `shape` is not a shape, or a parameter does not broadcast to it.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example The mean
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = random.lognormal(random.key(0), 0.5, [5000]);
 * assertTensorsClose(x.mean(), Math.exp(0.125), { atol: 0.05 });
 * ```
 */
export function lognormal(
  key: Tensor,
  sigma?: TensorLike,
  shape?: number | Shape,
  options?: SampleOptions,
): Tensor {
  const what = "Cannot draw log-normal numbers";
  checkKey(key, what);
  return drawFloats(options, what, (dtype) => {
    const deviation = readScale(sigma ?? 1, "sigma", dtype, what);
    const full = sampleShape(shape, { sigma: deviation }, what);
    return exp(mul(normal(key, full, { dtype }), broadcastTo(deviation, full)));
  });
}

/**
 * Numbers of the Pareto distribution, with density `b x^(-b - 1)` for `x` above 1, as JAX draws them.
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param b The exponent, positive; any shape that broadcasts to the result's.
 * @param shape The shape, or the length of a vector. Left out: that of `b`.
 * @param options The dtype.
 * @returns A tensor of that shape; `float32` by default. Gradients flow to parameters that are tensors.
 * @throws {ArgumentError} when `key` is not a key, or `b` is a number, but not positive and finite. Tensors
 * are not looked at.
 * @throws {ShapeError} when `shape` is not a shape, or a parameter does not broadcast to it.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example The mean
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = random.pareto(random.key(0), 4, [5000]);
 * assertTensorsClose(x.mean(), 4 / 3, { atol: 0.05 });
 * ```
 */
export function pareto(
  key: Tensor,
  b: TensorLike,
  shape?: number | Shape,
  options?: SampleOptions,
): Tensor {
  const what = "Cannot draw Pareto numbers";
  checkKey(key, what);
  return drawFloats(options, what, (dtype) => {
    const power = readPositive(b, "b", dtype, what);
    const full = sampleShape(shape, { b: power }, what);
    return exp(div(exponential(key, full, { dtype }), broadcastTo(power, full)));
  });
}

/**
 * Numbers of the Weibull distribution of minima, with distribution function `1 - exp(-(x /
 * scale)^concentration)`, as JAX draws them.
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param scale The scale; any shape that broadcasts to the result's.
 * @param concentration The exponent, positive; any shape that broadcasts to the result's.
 * @param shape The shape, or the length of a vector. Left out: the shape that the parameters broadcast to.
 * @param options The dtype.
 * @returns A tensor of that shape; `float32` by default. Gradients flow to parameters that are tensors.
 * @throws {ArgumentError} when `key` is not a key, or `concentration` is a number, but not positive and
 * finite. Tensors are not looked at.
 * @throws {ShapeError} when `shape` is not a shape, or a parameter does not broadcast to it.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example Of concentration 1: exponential
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = random.weibullMin(random.key(0), 2, 1, [5000]);
 * assertTensorsClose(x.mean(), 2, { atol: 0.1 });
 * ```
 */
export function weibullMin(
  key: Tensor,
  scale: TensorLike,
  concentration: TensorLike,
  shape?: number | Shape,
  options?: SampleOptions,
): Tensor {
  const what = "Cannot draw Weibull numbers";
  checkKey(key, what);
  return drawFloats(options, what, (dtype) => {
    const size = readScale(scale, "scale", dtype, what);
    const power = readPositive(concentration, "concentration", dtype, what);
    const full = sampleShape(shape, { scale: size, concentration: power }, what);
    const e = exponential(key, full, { dtype });
    return mul(pow(e, reciprocal(broadcastTo(power, full))), broadcastTo(size, full));
  });
}

/**
 * Numbers of the Rayleigh distribution, `scale sqrt(-2 log u)` for uniform `u`: the length of a vector of
 * two normally distributed numbers. They are JAX's, except where `u` is 0 and JAX's infinite: there, half of
 * the least other `u` is used.
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param scale The scale; any shape that broadcasts to the result's.
 * @param shape The shape, or the length of a vector. Left out: that of `scale`.
 * @param options The dtype.
 * @returns A tensor of that shape; `float32` by default. Gradients flow to parameters that are tensors.
 * @throws {ArgumentError} when `key` is not a key.
 * @throws {ShapeError} when `shape` is not a shape, or a parameter does not broadcast to it.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example The mean
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = random.rayleigh(random.key(0), 1, [5000]);
 * assertTensorsClose(x.mean(), Math.sqrt(Math.PI / 2), { atol: 0.05 });
 * ```
 */
export function rayleigh(
  key: Tensor,
  scale: TensorLike,
  shape?: number | Shape,
  options?: SampleOptions,
): Tensor {
  const what = "Cannot draw Rayleigh numbers";
  checkKey(key, what);
  return drawFloats(options, what, (dtype) => {
    const size = readScale(scale, "scale", dtype, what);
    const full = sampleShape(shape, { scale: size }, what);
    const u = uniformBetween(key, full, 0, 1, dtype);
    const held = maximum(u, constantLike(u, epsilonOf(dtype) / 2));
    return mul(broadcastTo(size, full), sqrt(times(log(held), -2)));
  });
}

/**
 * Numbers whose density rises evenly from `left` to `mode` and falls evenly to `right`, as JAX draws them.
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param left The least number; any shape that broadcasts to the result's.
 * @param mode The most probable number, from `left` to `right`; any shape that broadcasts to the result's.
 * @param right The largest number; any shape that broadcasts to the result's.
 * @param shape The shape, or the length of a vector. Left out: the shape that the parameters broadcast to.
 * @param options The dtype.
 * @returns A tensor of that shape; `float32` by default. Gradients flow to parameters that are tensors.
 * @throws {ArgumentError} when `key` is not a key.
 * @throws {ShapeError} when `shape` is not a shape, or a parameter does not broadcast to it.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example The mean
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = random.triangular(random.key(0), 0, 1, 2, [5000]);
 * assertTensorsClose(x.mean(), 1, { atol: 0.05 });
 * ```
 */
export function triangular(
  key: Tensor,
  left: TensorLike,
  mode: TensorLike,
  right: TensorLike,
  shape?: number | Shape,
  options?: SampleOptions,
): Tensor {
  const what = "Cannot draw triangular numbers";
  checkKey(key, what);
  return drawFloats(options, what, (dtype) => {
    if ([left, mode, right].every((x) => typeof x === "number")) {
      if (!(left <= mode && mode <= right && left < right)) {
        throw argumentError(
          `${what} from ${left} by ${mode} to ${right}: expected numbers in ascending order`,
        );
      }
    }
    const given = [left, mode, right].map((x) => convert(readParameter(x, dtype, what), dtype));
    const full = sampleShape(shape, { left: given[0], mode: given[1], right: given[2] }, what);
    const [low, middle, high] = given.map((x) => broadcastTo(x, full));
    const u = uniformBetween(key, full, 0, 1, dtype);
    const width = sub(high, low);
    const isLeft = less(u, div(sub(middle, low), width));
    const part = select(
      isLeft,
      mul(u, sub(middle, low)),
      mul(offset(neg(u), 1), sub(high, middle)),
    );
    // The root of 0 has no derivative.
    const product = mul(part, width);
    const isPositive = less(constantLike(product, 0), product);
    const root = sqrt(select(isPositive, product, constantLike(product, 1)));
    const step = select(isPositive, root, constantLike(product, 0));
    return select(isLeft, add(low, step), sub(high, step));
  });
}

/**
 * Numbers of the Wald (inverse Gaussian) distribution with scale 1: the time that a Brownian motion with
 * drift `1 / mean` takes to reach 1.
 *
 * The method is that of J. R. Michael, W. R. Schucany and R. W. Haas (1976), as in JAX, with its roots
 * written so that they do not cancel: for large means JAX's are few or 0. Which of two roots is taken
 * depends on the mean, so JAX's derivative is not that of the distribution; here it is, by implicit
 * reparameterisation (M. Figurnov, S. Mohamed and A. Mnih, 2018).
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param mean The mean, positive; any shape that broadcasts to the result's.
 * @param shape The shape, or the length of a vector. Left out: that of `mean`.
 * @param options The dtype.
 * @returns A tensor of that shape; `float32` by default. Gradients flow to parameters that are tensors.
 * @throws {ArgumentError} when `key` is not a key, or `mean` is a number, but not positive and finite.
 * Tensors are not looked at.
 * @throws {ShapeError} when `shape` is not a shape, or a parameter does not broadcast to it.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example The mean
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = random.wald(random.key(0), 2, [5000]);
 * assertTensorsClose(x.mean(), 2, { atol: 0.2 });
 * ```
 */
export function wald(
  key: Tensor,
  mean: TensorLike,
  shape?: number | Shape,
  options?: SampleOptions,
): Tensor {
  const what = "Cannot draw Wald numbers";
  checkKey(key, what);
  return drawFloats(options, what, (dtype) => {
    const centre = readPositive(mean, "mean", dtype, what);
    const full = sampleShape(shape, { mean: centre }, what);
    return waldOf(key, dtype)(broadcastTo(centre, full));
  });
}

/** The draws of {@linkcode wald} as a function of their means. */
function waldOf(key: Tensor, dtype: Dtype): (mean: Tensor) => Tensor {
  const draw = (mean: Tensor): Tensor => {
    const [first, second] = split(key);
    const w = mul(mean, square(normal(first, mean.shape, { dtype })));
    // Both roots over the mean have the product 1.
    const root = sqrt(add(times(w, 4), square(w)));
    const large = offset(times(add(w, root), 0.5), 1);
    const u = uniformBetween(second, mean.shape, 0, 1, dtype);
    const one = constantLike(large, 1);
    const isSmall = lessEqual(u, div(large, add(large, one)));
    return mul(mean, select(isSmall, reciprocal(large), large));
  };
  const sampler: (mean: Tensor) => Tensor = customJvp(draw, ([mean], [change]) => {
    const x = sampler(mean);
    // The number of the same rank: 2 x^(3/2) / mean² times Mills' ratio, of the tail over the density.
    const place = div(offset(div(x, mean), 1), sqrt(x));
    const mills = times(scaledTail(times(place, Math.SQRT1_2), 0), Math.sqrt(Math.PI / 2));
    const ratio = div(x, mean);
    const slope = times(div(mul(mul(ratio, mills), sqrt(x)), mean), 2);
    return [x, mul(change, slope)];
  });
  return sampler;
}

/**
 * Numbers of the chi-squared distribution: the sum of the squares of `df` normally distributed numbers.
 * They are JAX's, twice gamma distributed ones, with derivatives like these.
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param df The degrees of freedom, positive; any shape that broadcasts to the result's.
 * @param shape The shape, or the length of a vector. Left out: that of `df`.
 * @param options The dtype.
 * @returns A tensor of that shape; `float32` by default. Gradients flow to parameters that are tensors.
 * @throws {ArgumentError} when `key` is not a key, or `df` is a number, but not positive and finite.
 * Tensors are not looked at.
 * @throws {ShapeError} when `shape` is not a shape, or a parameter does not broadcast to it.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example The mean
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = random.chisquare(random.key(0), 3, [5000]);
 * assertTensorsClose(x.mean(), 3, { atol: 0.15 });
 * ```
 */
export function chisquare(
  key: Tensor,
  df: TensorLike,
  shape?: number | Shape,
  options?: SampleOptions,
): Tensor {
  const what = "Cannot draw chi-squared numbers";
  checkKey(key, what);
  return drawFloats(options, what, (dtype) => {
    const degrees = readPositive(df, "df", dtype, what);
    const full = sampleShape(shape, { df: degrees }, what);
    return chisquareOf(key, broadcastTo(degrees, full), dtype);
  });
}

/** {@linkcode chisquare} for degrees of freedom of the result's shape. */
function chisquareOf(key: Tensor, df: Tensor, dtype: Dtype): Tensor {
  return times(exp(logGamma(key, times(df, 0.5), df.shape, { dtype })), 2);
}

/**
 * Numbers of the F distribution: the quotient of two chi-squared numbers, each over its degrees of
 * freedom. They are JAX's.
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param dfnum The degrees of freedom above, positive; any shape that broadcasts to the result's.
 * @param dfden Those below, positive; any shape that broadcasts to the result's.
 * @param shape The shape, or the length of a vector. Left out: the shape that the parameters broadcast to.
 * @param options The dtype.
 * @returns A tensor of that shape; `float32` by default. Gradients flow to parameters that are tensors.
 * @throws {ArgumentError} when `key` is not a key, or `dfnum` or `dfden` is a number, but not positive and
 * finite. Tensors are not looked at.
 * @throws {ShapeError} when `shape` is not a shape, or a parameter does not broadcast to it.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example The mean
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = random.f(random.key(0), 3, 10, [5000]);
 * assertTensorsClose(x.mean(), 10 / 8, { atol: 0.1 });
 * ```
 */
export function f(
  key: Tensor,
  dfnum: TensorLike,
  dfden: TensorLike,
  shape?: number | Shape,
  options?: SampleOptions,
): Tensor {
  const what = "Cannot draw F numbers";
  checkKey(key, what);
  return drawFloats(options, what, (dtype) => {
    const above = readPositive(dfnum, "dfnum", dtype, what);
    const below = readPositive(dfden, "dfden", dtype, what);
    const full = sampleShape(shape, { dfnum: above, dfden: below }, what);
    const [belowKey, aboveKey] = split(key);
    const [first, second] = [above, below].map((x) => broadcastTo(x, full));
    const numerator = div(chisquareOf(aboveKey, first, dtype), first);
    return div(numerator, div(chisquareOf(belowKey, second, dtype), second));
  });
}

/**
 * Numbers of Student's t distribution: normally distributed ones over the root of a chi-squared one over
 * its degrees of freedom. They are JAX's, but finite where a gamma number underflows.
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param df The degrees of freedom, positive; any shape that broadcasts to the result's.
 * @param shape The shape, or the length of a vector. Left out: that of `df`.
 * @param options The dtype.
 * @returns A tensor of that shape; `float32` by default. Gradients flow to parameters that are tensors.
 * @throws {ArgumentError} when `key` is not a key, or `df` is a number, but not positive and finite.
 * Tensors are not looked at.
 * @throws {ShapeError} when `shape` is not a shape, or a parameter does not broadcast to it.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example The variance
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = random.t(random.key(0), 6, [5000]);
 * assertTensorsClose(x.variance(), 6 / 4, { atol: 0.2 });
 * ```
 */
export function t(
  key: Tensor,
  df: TensorLike,
  shape?: number | Shape,
  options?: SampleOptions,
): Tensor {
  const what = "Cannot draw t numbers";
  checkKey(key, what);
  return drawFloats(options, what, (dtype) => {
    const degrees = readPositive(df, "df", dtype, what);
    const full = sampleShape(shape, { df: degrees }, what);
    const half = times(broadcastTo(degrees, full), 0.5);
    const [normalKey, gammaKey] = split(key);
    const logarithm = logGamma(gammaKey, half, full, { dtype });
    const size = exp(times(sub(log(half), logarithm), 0.5));
    return mul(normal(normalKey, full, { dtype }), size);
  });
}
