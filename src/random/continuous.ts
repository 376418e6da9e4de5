/**
 * Samplers of floating-point numbers. All are smooth functions of their parameters, so that gradients
 * flow through them ("reparameterised").
 *
 * @module
 */
import { defaultFloat, describeValue } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import type { Shape } from "../base/shape.ts";
import { Concrete } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { applyBinary, broadcastTo } from "../functions/broadcasting.ts";
import {
  abs,
  add,
  div,
  maximum,
  minimum,
  mul,
  neg,
  offset,
  scale,
  shiftRight,
  sub,
} from "../primitives/arithmetic.ts";
import { equal, less, not, select } from "../primitives/comparison.ts";
import { constantLike, convert, stopGradient } from "../primitives/structure.ts";
import { erf, erfinv, log, log1p } from "../primitives/transcendental.ts";
import { checkFloat, checkKey, readParameter, readShape, sampleShape } from "./arguments.ts";
import type { SampleOptions } from "./arguments.ts";
import { words32, words64 } from "./key.ts";
import { areManyFloats, normalBetween } from "./normal_tail.ts";

/** Options of `uniform`. */
export interface UniformOptions extends SampleOptions {
  /** The lower bound, which may be reached; any shape that broadcasts to the result's. Default 0. */
  readonly minval?: TensorLike;
  /** The upper bound; any shape that broadcasts to the result's. Default 1. */
  readonly maxval?: TensorLike;
}

/**
 * Uniformly distributed numbers, at least `minval` and less than `maxval`. (Between bounds other than
 * 0 and 1 rounding may, rarely, give `maxval` itself.)
 *
 * @param key A key, `uint32[2]`.
 * @param shape The shape, or the length of a vector. Left out: the shape that the bounds broadcast to.
 * @param options The bounds and the dtype. Gradients flow to bounds that are tensors.
 * @returns A tensor of that shape; `float32` unless told otherwise.
 * @throws {ArgumentError} when `key` is no key, or bounds that are numbers are not finite or not in
 * order. Tensors are not looked at: where `minval` is greater, it is the result.
 * @throws {ShapeError} when `shape` is no shape, or the bounds do not broadcast to it.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example Five numbers from -1 to 1
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(random.uniform(random.key(42)), 0.48870957);
 * const x = random.uniform(random.key(42), [5], { minval: -1, maxval: 1 });
 * assertTensorsClose(x.at(0), 2 * 0.48870957 - 1);
 * ```
 */
export function uniform(
  key: Tensor,
  shape?: number | Shape,
  options?: UniformOptions,
): Tensor {
  const what = "Cannot draw uniform numbers";
  checkKey(key, what);
  const { minval = 0, maxval = 1, dtype = defaultFloat() } = readOptions(what, options, [
    "minval",
    "maxval",
    "dtype",
  ]);
  checkFloat(dtype, what);
  if (typeof minval === "number" && typeof maxval === "number") {
    checkBounds(minval, maxval, dtype, what);
    return uniformBetween(key, readShape(shape ?? [], what), minval, maxval, dtype);
  }
  const low = convert(readParameter(minval, dtype, what), dtype);
  const high = convert(readParameter(maxval, dtype, what), dtype);
  const full = sampleShape(shape, { minval: low, maxval: high }, what);
  return uniformBetweenTensors(key, full, low, high);
}

/**
 * Normally distributed numbers with mean 0 and variance 1: `sqrt(2) erfinv(u)` for uniform `u` between
 * -1 and 1, as JAX does it.
 *
 * @param key A key, `uint32[2]`.
 * @param shape The shape, or the length of a vector. Default `[]`, a scalar.
 * @param options The dtype.
 * @returns A tensor of that shape; `float32` unless told otherwise.
 * @throws {ArgumentError} when `key` is no key.
 * @throws {ShapeError} when `shape` is no shape.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example The gradient by a scale
 * ```ts
 * import { grad, random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const noise = random.normal(random.key(0), [1000]);
 * assertTensorsClose(noise.mean(), 0, { atol: 0.1 });
 * assertTensorsClose(noise.std(), 1, { atol: 0.1 });
 * const slope = grad((scale) => random.normal(random.key(0), [1000]).mul(scale).sum())(2);
 * assertTensorsClose(slope, noise.sum());
 * ```
 */
export function normal(
  key: Tensor,
  shape?: number | Shape,
  options?: SampleOptions,
): Tensor {
  if (shape === undefined) shape = [];
  const what = "Cannot draw normal numbers";
  checkKey(key, what);
  const dtype = readFloat(options, what);
  const u = uniformBetween(key, readShape(shape, what), aboveMinusOne(dtype), 1, dtype);
  return scale(erfinv(u), Math.SQRT2);
}

/**
 * Normally distributed numbers of mean 0 and variance 1, given that they lie between two bounds.
 *
 * They are JAX's, found by uniform probabilities between those of the bounds, where these are far
 * enough apart to be told from each other. Where they are not, far out in a tail or between narrow
 * bounds, JAX's numbers are few or all the same; here they are found by the tail that is left, from
 * the same random bits.
 *
 * @param key A key, `uint32[2]`.
 * @param lower The lower bound, never reached unless no float lies between the bounds; any shape that broadcasts to the result's.
 * @param upper The upper bound, never reached; any shape that broadcasts to the result's.
 * @param shape The shape, or the length of a vector. Left out: the shape that the bounds broadcast to.
 * @param options The dtype. Gradients flow to bounds that are tensors.
 * @returns A tensor of that shape; `float32` unless told otherwise.
 * @throws {ArgumentError} when `key` is no key, or bounds that are numbers are not in order.
 * @throws {ShapeError} when `shape` is no shape, or the bounds do not broadcast to it.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example Within two standard deviations
 * ```ts
 * import { random } from "@jacobi/jacobi";
 *
 * const x = random.truncatedNormal(random.key(0), -2, 2, [1000]);
 * if (!(Number(x.abs().max()) < 2)) throw new Error(String(x));
 * ```
 */
export function truncatedNormal(
  key: Tensor,
  lower: TensorLike,
  upper: TensorLike,
  shape?: number | Shape,
  options?: SampleOptions,
): Tensor {
  const what = "Cannot draw truncated normal numbers";
  checkKey(key, what);
  const dtype = readFloat(options, what);
  if (typeof lower === "number" && typeof upper === "number" && !(lower < upper)) {
    throw argumentError(
      `${what} from ${describeValue(lower)} to ${describeValue(upper)}: ` +
        `lower must be less than upper`,
    );
  }
  const low = convert(readParameter(lower, dtype, what), dtype);
  const high = convert(readParameter(upper, dtype, what), dtype);
  const full = sampleShape(shape, { lower: low, upper: high }, what);
  const fraction = unitFraction(key, full, dtype);
  const x = truncatedBy(fraction, broadcastTo(low, full), broadcastTo(high, full));
  const least = nextAbove(stopGradient(low));
  const most = neg(nextAbove(neg(stopGradient(high))));
  // Where no float lies between the bounds, the lower one is what is left.
  const isEmpty = applyBinary(what, less, most, least);
  const inside = minimum(maximum(x, broadcastTo(least, full)), broadcastTo(most, full));
  return select(broadcastTo(isEmpty, full), broadcastTo(low, full), inside);
}

/** {@linkcode truncatedNormal} of bounds of one shape, from uniform float64 numbers from 0 to 1. */
function truncatedBy(fraction: Tensor, low: Tensor, high: Tensor): Tensor {
  const [first, second] = [cumulative(low), cumulative(high)];
  const isSound = areManyFloats(first, second);
  const [known] = isSound instanceof Concrete && isSound.held === 1 ? isSound.elements : [];
  if (known === 1) return scale(erfinv(between(fraction, first, second)), Math.SQRT2);
  // Each way sees bounds that it can do with.
  const hold = (condition: Tensor, x: Tensor, value: number) =>
    select(condition, constantLike(x, value), x);
  const tail = convert(
    normalBetween(
      fraction,
      convert(hold(isSound, low, 1), "float64"),
      convert(hold(isSound, high, 2), "float64"),
    ),
    low.dtype,
  );
  if (known === 0) return tail;
  const unsound = not(isSound);
  const [a, b] = [cumulative(hold(unsound, low, -1)), cumulative(hold(unsound, high, 1))];
  return select(isSound, scale(erfinv(between(fraction, a, b)), Math.SQRT2), tail);
}

/**
 * Exponentially distributed numbers with mean 1: `-log(1 - u)` for uniform `u`.
 *
 * @param key A key, `uint32[2]`.
 * @param shape The shape, or the length of a vector. Default `[]`, a scalar.
 * @param options The dtype.
 * @returns A tensor of that shape; `float32` unless told otherwise.
 * @throws {ArgumentError} when `key` is no key.
 * @throws {ShapeError} when `shape` is no shape.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example Waiting times
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const times = random.exponential(random.key(0), [1000]);
 * assertTensorsClose(times.mean(), 1, { atol: 0.1 });
 * ```
 */
export function exponential(
  key: Tensor,
  shape?: number | Shape,
  options?: SampleOptions,
): Tensor {
  if (shape === undefined) shape = [];
  const what = "Cannot draw exponential numbers";
  checkKey(key, what);
  const dtype = readFloat(options, what);
  const u = uniformBetween(key, readShape(shape, what), 0, 1, dtype);
  return neg(log1p(neg(u)));
}

/**
 * Numbers of the standard Gumbel distribution: `-log(-log(u))` for uniform `u`. The position of the
 * largest of `logits + gumbel` is distributed as `softmax(logits)`.
 *
 * @param key A key, `uint32[2]`.
 * @param shape The shape, or the length of a vector. Default `[]`, a scalar.
 * @param options The dtype.
 * @returns A tensor of that shape; `float32` unless told otherwise.
 * @throws {ArgumentError} when `key` is no key.
 * @throws {ShapeError} when `shape` is no shape.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example The mean is Euler's constant
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(random.gumbel(random.key(0), [5000]).mean(), 0.5772, { atol: 0.05 });
 * ```
 */
export function gumbel(
  key: Tensor,
  shape?: number | Shape,
  options?: SampleOptions,
): Tensor {
  if (shape === undefined) shape = [];
  const what = "Cannot draw Gumbel numbers";
  checkKey(key, what);
  return gumbelOf(key, readShape(shape, what), readFloat(options, what));
}

/** {@linkcode gumbel} of checked arguments. */
export function gumbelOf(key: Tensor, shape: Shape, dtype: Dtype): Tensor {
  const tiny = dtype === "float32" ? 2 ** -126 : 2 ** -1022;
  return neg(log(neg(log(uniformBetween(key, shape, tiny, 1, dtype)))));
}

/** The dtype that the options name, checked to be floating-point. */
export function readFloat(options: SampleOptions | undefined, what: string): Dtype {
  const { dtype = defaultFloat() } = readOptions(what, options, ["dtype"]);
  checkFloat(dtype, what);
  return dtype;
}

/** Throws unless the bounds of a uniform distribution are finite and in order. */
function checkBounds(minval: number, maxval: number, dtype: Dtype, what: string): void {
  const [low, high] = [roundTo(minval, dtype), roundTo(maxval, dtype)];
  const shown = `${what} from ${describeValue(minval)} to ${describeValue(maxval)}`;
  if (!Number.isFinite(low) || !Number.isFinite(high)) {
    throw argumentError(`${shown}: the bounds must be finite in ${dtype}`);
  }
  if (low > high) throw argumentError(`${shown}: minval must not be greater than maxval`);
  if (!Number.isFinite(roundTo(high - low, dtype))) {
    throw argumentError(`${shown}: the distance between the bounds must be finite in ${dtype}`);
  }
}

/** `value` as an element of `dtype`. */
function roundTo(value: number, dtype: Dtype): number {
  return dtype === "float32" ? Math.fround(value) : value;
}

/**
 * Uniform between two numbers that are finite and in order. `key` and `shape` are checked.
 *
 * In float32, JAX's product and sum are rounded once, together. Here they are computed in float64 and
 * then rounded, which gives the same number (but for sums that float64 rounds to the middle between
 * two neighbours, where it can be the other one).
 */
export function uniformBetween(
  key: Tensor,
  shape: Shape,
  minval: number,
  maxval: number,
  dtype: Dtype,
): Tensor {
  const low = roundTo(minval, dtype);
  const span = roundTo(roundTo(maxval, dtype) - low, dtype);
  if (dtype === "float64") return offset(scale(doubleFraction(key, shape), span), low);
  // There is one rounding in float32 as well without a sum, or where the product is exact.
  const isExact = low === 0 || (Number.isInteger(Math.log2(span)) && span >= 2 ** -100);
  const steps = convert(fractionBits(key, shape), isExact ? "float32" : "float64");
  return convert(offset(scale(steps, span * 2 ** -23), low), "float32");
}

/** Uniform between two tensors of one dtype that broadcast to `shape`; `low` where it is greater. */
function uniformBetweenTensors(key: Tensor, shape: Shape, low: Tensor, high: Tensor): Tensor {
  const fraction = unitFraction(key, shape, low.dtype);
  return between(fraction, broadcastTo(low, shape), broadcastTo(high, shape));
}

/** Uniform numbers from 0 to 1 with the resolution of `dtype`, in float64. */
function unitFraction(key: Tensor, shape: Shape, dtype: Dtype): Tensor {
  if (dtype === "float64") return doubleFraction(key, shape);
  return scale(convert(fractionBits(key, shape), "float64"), 2 ** -23);
}

/** The number that divides what lies from `low` to `high` as `fraction` does; at least `low`. */
function between(fraction: Tensor, low: Tensor, high: Tensor): Tensor {
  // As in `uniformBetween`: product and sum are rounded together in float32.
  const product = mul(fraction, convert(sub(high, low), "float64"));
  return maximum(low, convert(add(product, convert(low, "float64")), low.dtype));
}

/** 23 random bits, as many as a float32 between 1 and 2 has behind the point. */
function fractionBits(key: Tensor, shape: Shape): Tensor {
  const words = words32(key, shape);
  return shiftRight(words, constantLike(words, 9));
}

/** Uniform multiples of 2^-52 from 0 to 1, in float64. */
function doubleFraction(key: Tensor, shape: Shape): Tensor {
  const [high, low] = words64(key, shape);
  const rest = shiftRight(low, constantLike(low, 12));
  return add(
    scale(convert(high, "float64"), 2 ** -32),
    scale(convert(rest, "float64"), 2 ** -52),
  );
}

/** The number next to -1 towards 0. */
export function aboveMinusOne(dtype: Dtype): number {
  return -1 + (dtype === "float32" ? 2 ** -24 : 2 ** -53);
}

/** `erf(x / sqrt(2))`: twice the normal distribution's cumulative probability, minus 1. */
function cumulative(x: Tensor): Tensor {
  return erf(div(x, constantLike(x, Math.SQRT2)));
}

/**
 * The number next above each element; Infinity and NaN stay. What is added is more than half and less
 * than one and a half of the distance to it, so that rounding ends there.
 */
export function nextAbove(x: Tensor): Tensor {
  const [half, smallest, largest] = x.dtype === "float32"
    ? [2 ** -24, 2 ** -149, (2 - 2 ** -23) * 2 ** 127]
    : [2 ** -53, 2 ** -1074, Number.MAX_VALUE];
  const step = maximum(scale(abs(x), half * (1 + 2 ** -10)), constantLike(x, smallest));
  const isLowest = equal(x, constantLike(x, -Infinity));
  return select(isLowest, constantLike(x, -largest), add(x, step));
}
