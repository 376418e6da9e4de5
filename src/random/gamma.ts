/**
 * Samplers that are made of gamma distributed numbers. Gradients flow to their concentrations by
 * implicit reparameterisation: the derivative of a number is that of the number of the same rank.
 *
 * @module
 */
import { shapeError } from "../base/errors.ts";
import { showType } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { checkBroadcast } from "../functions/arguments.ts";
import { broadcastTo } from "../functions/broadcasting.ts";
import { add, div, maximum, mul, sub } from "../primitives/arithmetic.ts";
import { less, select } from "../primitives/comparison.ts";
import { randomGamma } from "../primitives/random_gamma.ts";
import { reduceMax } from "../primitives/reduction.ts";
import { broadcastAxis, constantLike, reduceSum, stopGradient } from "../primitives/structure.ts";
import { exp } from "../primitives/transcendental.ts";
import { checkKey, readPositive, readShape, sampleShape } from "./arguments.ts";
import type { SampleOptions } from "./arguments.ts";
import { drawFloats } from "./continuous.ts";
import { split, words64 } from "./key.ts";

/**
 * Numbers of the gamma distribution with unit scale, with density `x^(a - 1) exp(-x) / Γ(a)` for
 * positive `x`: mean and variance are `a`. Multiply by a scale, or divide by a rate, for others.
 *
 * G. Marsaglia and W. W. Tsang, "A simple method for generating gamma variables" (2000), with a key of
 * its own for each element, as in JAX. Derivatives of all orders flow to the concentration: M. Figurnov,
 * S. Mohamed and A. Mnih, "Implicit reparameterization gradients" (2018).
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param concentration The shape parameter `a`, positive; any shape that broadcasts to the result's.
 * @param shape The shape, or the length of a vector. Left out: that of `concentration`.
 * @param options The dtype.
 * @returns A tensor of that shape; `float32` by default. Concentrations well below 1 give numbers that
 * underflow to 0; `logGamma` gives their logarithms.
 * @throws {ArgumentError} when `key` is not a key, or `concentration` is a number, but not positive and
 * finite. Tensors are not looked at: where a concentration is negative or NaN, so is the result NaN.
 * @throws {ShapeError} when `shape` is not a shape, or `concentration` does not broadcast to it.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example The mean, and its derivative
 * ```ts
 * import { grad, random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const key = random.key(0);
 * assertTensorsClose(random.gamma(key, 3, [5000]).mean(), 3, { atol: 0.1 });
 * const slope = grad((a) => random.gamma(key, a, [5000]).mean())(3);
 * assertTensorsClose(slope, 1, { atol: 0.05 });
 * ```
 */
export function gamma(
  key: Tensor,
  concentration: TensorLike,
  shape?: number | Shape,
  options?: SampleOptions,
): Tensor {
  return gammaOf("Cannot draw gamma numbers", key, concentration, shape, options, false);
}

/**
 * Logarithms of the numbers that `gamma` draws with the same arguments, to their full precision also
 * where the numbers themselves would underflow to 0: those of small concentrations.
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param concentration The shape parameter of the gamma distribution, positive; any shape that
 * broadcasts to the result's.
 * @param shape The shape, or the length of a vector. Left out: that of `concentration`.
 * @param options The dtype.
 * @returns A tensor of that shape; `float32` by default. Gradients flow to the concentration.
 * @throws {ArgumentError} when `key` is not a key, or `concentration` is a number, but not positive and
 * finite. Tensors are not looked at: where a concentration is negative or NaN, so is the result NaN.
 * @throws {ShapeError} when `shape` is not a shape, or `concentration` does not broadcast to it.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example Ratios of numbers that are all too small for floats
 * ```ts
 * import { nn, random } from "@jacobi/jacobi";
 *
 * const logarithms = random.logGamma(random.key(0), 1e-4, [8]);
 * const parts = nn.softmax(logarithms);
 * if (Number(random.gamma(random.key(0), 1e-4, [8]).max()) !== 0) throw new Error();
 * if (Math.abs(Number(parts.sum()) - 1) > 1e-6) throw new Error(String(parts));
 * ```
 */
export function logGamma(
  key: Tensor,
  concentration: TensorLike,
  shape?: number | Shape,
  options?: SampleOptions,
): Tensor {
  const what = "Cannot draw logarithms of gamma numbers";
  return gammaOf(what, key, concentration, shape, options, true);
}

/**
 * Numbers of the beta distribution, with density proportional to `x^(a - 1) (1 - x)^(b - 1)` for `x`
 * between 0 and 1: the mean is `a / (a + b)`.
 *
 * A number is `x / (x + y)` for gamma distributed `x` and `y`, whose logarithms are drawn, so that
 * small parameters are harmless. The numbers are JAX's.
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param a The first parameter, positive; any shape that broadcasts to the result's.
 * @param b The second parameter, positive; any shape that broadcasts to the result's.
 * @param shape The shape, or the length of a vector. Left out: the shape that the parameters broadcast
 * to.
 * @param options The dtype.
 * @returns A tensor of that shape; `float32` by default. Gradients flow to parameters that are tensors.
 * @throws {ArgumentError} when `key` is not a key, or a parameter is a number, but not positive and finite.
 * Tensors are not looked at: where one is negative or NaN, so is the result NaN.
 * @throws {ShapeError} when `shape` is not a shape, or the parameters do not broadcast to it.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example A success probability, given three successes and one failure
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const p = random.beta(random.key(0), 1 + 3, 1 + 1, [5000]);
 * assertTensorsClose(p.mean(), 4 / 6, { atol: 0.02 });
 * ```
 */
export function beta(
  key: Tensor,
  a: TensorLike,
  b: TensorLike,
  shape?: number | Shape,
  options?: SampleOptions,
): Tensor {
  const what = "Cannot draw beta numbers";
  checkKey(key, what);
  return drawFloats(options, what, (dtype) => {
    const first = readPositive(a, "a", dtype, what);
    const second = readPositive(b, "b", dtype, what);
    const full = sampleShape(shape, { a: first, b: second }, what);
    const [firstKey, secondKey] = split(key);
    const both = [first, second].map((parameter) => broadcastTo(parameter, full));
    const larger = maximum(both[0], both[1]);
    const [x, y] = [firstKey, secondKey].map((key, i) => draw(key, raised(both[i], larger), true));
    const most = stopGradient(maximum(x, y));
    const part = exp(sub(x, most));
    return div(part, add(part, exp(sub(y, most))));
  });
}

/**
 * Vectors of the Dirichlet distribution, with density proportional to the product of
 * `xᵢ^(aᵢ - 1)` over vectors of non-negative numbers that sum to 1: the mean is `a / sum(a)`.
 *
 * A vector is the softmax of logarithms of gamma distributed numbers, so that small concentrations
 * do no harm. The vectors are JAX's.
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param concentration The parameters `a`, positive: `[..., categories]`.
 * @param shape How many vectors, along any number of axes, which the shape of `concentration` without
 * its last axis must broadcast to. Left out: that very shape.
 * @param options The dtype.
 * @returns `[...shape, categories]`; `float32` by default. Gradients flow to the concentrations.
 * @throws {ArgumentError} when `key` is not a key, or `concentration` is not a tensor or array. Its
 * elements are not looked at: where one is negative or NaN, so is its vector NaN.
 * @throws {ShapeError} when `shape` is not a shape, `concentration` has no axis or no categories, or does
 * not broadcast to the shape.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example Random probabilities of three categories
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const p = random.dirichlet(random.key(0), [1, 2, 5], [4000]);
 * assertTensorsClose(p.shape, [4000, 3]);
 * assertTensorsClose(p.sum(1).mean(), 1);
 * assertTensorsClose(p.mean(0), [1 / 8, 2 / 8, 5 / 8], { atol: 0.02 });
 * ```
 */
export function dirichlet(
  key: Tensor,
  concentration: TensorLike,
  shape?: number | Shape,
  options?: SampleOptions,
): Tensor {
  const what = "Cannot draw Dirichlet vectors";
  checkKey(key, what);
  return drawFloats(options, what, (dtype) => {
    const a = readPositive(concentration, "concentration", dtype, what);
    const categories = a.shape.at(-1);
    if (categories === undefined || categories === 0) {
      throw shapeError(
        `${what} with concentration ${
          showType(a)
        }: expected at least one category along the last axis`,
      );
    }
    const own = a.shape.slice(0, -1);
    const outer = shape === undefined ? own : readShape(shape, what);
    const prefix = `${what} with concentration ${showType(a)}: cannot broadcast`;
    checkBroadcast(prefix, { dtype, shape: own }, outer);
    const last = outer.length;
    const largest = broadcastAxis(reduceMax(a, [own.length]), own.length, categories);
    const logarithms = draw(key, broadcastTo(raised(a, largest), [...outer, categories]), true);
    const most = stopGradient(reduceMax(logarithms, [last]));
    const parts = exp(sub(logarithms, broadcastAxis(most, last, categories)));
    return div(parts, broadcastAxis(reduceSum(parts, [last]), last, categories));
  });
}

/** Concentrations from here on have gamma numbers whose logarithms are finite, and their derivatives. */
const LEAST_CONCENTRATION = { float32: 2 ** -60, float64: 2 ** -500 } as const;

/**
 * Concentrations the largest of which is tiny, all multiplied by a factor so that it is not. Only their
 * ratios matter then: all but one of the parts are zero, and have no derivative.
 */
function raised(a: Tensor, largest: Tensor): Tensor {
  const least = constantLike(a, LEAST_CONCENTRATION[a.dtype as keyof typeof LEAST_CONCENTRATION]);
  const isTiny = less(largest, least);
  return select(isTiny, mul(stopGradient(div(a, largest)), least), a);
}

/** {@linkcode gamma}, or {@linkcode logGamma} with `logSpace`. */
function gammaOf(
  what: string,
  key: Tensor,
  concentration: TensorLike,
  shape: number | Shape | undefined,
  options: SampleOptions | undefined,
  logSpace: boolean,
): Tensor {
  checkKey(key, what);
  return drawFloats(options, what, (dtype) => {
    const a = readPositive(concentration, "concentration", dtype, what);
    const full = sampleShape(shape, { concentration: a }, what);
    return draw(key, broadcastTo(a, full), logSpace);
  });
}

/** A gamma distributed number, or its logarithm, for each of these concentrations. */
function draw(key: Tensor, concentration: Tensor, logSpace: boolean): Tensor {
  const [high, low] = words64(key, concentration.shape);
  return randomGamma(high, low, concentration, logSpace);
}
