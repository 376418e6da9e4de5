/**
 * Samplers of floating-point numbers. All are smooth functions of their parameters, so that gradients
 * flow through them ("reparameterised").
 *
 * @module
 */
import {
  defaultFloat,
  describeValue,
  epsilonOf,
  fractionBits,
  isComplex,
  isHalf,
  largestFinite,
  leastNormal,
  partDtype,
  wideDtype,
} from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { roundTo } from "../base/half.ts";
import { readOptions } from "../base/options.ts";
import type { Shape } from "../base/shape.ts";
import { ComplexTensor } from "../core/complex.ts";
import { Concrete, splat } from "../core/tensor.ts";
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
import { and, equal, less, lessEqual, not, select, xor } from "../primitives/comparison.ts";
import { constantLike, convert, stopGradient } from "../primitives/structure.ts";
import { erf, erfinv, log, log1p } from "../primitives/transcendental.ts";
import { checkFloat, checkKey, readParameter, readShape, sampleShape } from "./arguments.ts";
import type { SampleOptions } from "./arguments.ts";
import { split, words32, words64 } from "./key.ts";
import { areManyFloats, normalBetween } from "./normal_tail.ts";

/**
 * Options of `uniform`.
 *
 * @category Distributions
 */
export interface UniformOptions extends SampleOptions {
  /** The lower bound, which may be reached; any shape that broadcasts to the result's. Default 0. */
  readonly minval?: TensorLike;
  /** The upper bound; any shape that broadcasts to the result's. Default 1. */
  readonly maxval?: TensorLike;
}

/**
 * Uniformly distributed numbers, at least `minval` and less than `maxval`; all are `minval` when the
 * bounds are equal.
 *
 * They are JAX's: multiples of 2^-23 in float32, of 2^-52 in float64, of 2^-10 in float16 and of 2^-7 in
 * bfloat16, times the distance between the bounds, plus `minval`. Where rounding makes that `maxval`, JAX returns `maxval`; here it is the
 * number before it.
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param shape The shape, or the length of a vector. Left out: the shape that the bounds broadcast to.
 * @param options The bounds and the dtype. Gradients flow to bounds that are tensors.
 * @returns A tensor of that shape; `float32` by default.
 * @throws {ArgumentError} when `key` is not a key, or bounds that are numbers are not finite or not in
 * order, or their distance overflows. Tensors are not looked at: where `minval` is greater, it is the
 * result.
 * @throws {ShapeError} when `shape` is not a shape, or the bounds do not broadcast to it.
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
 * -1 and 1, as JAX does it. They reach from -5.42 to 5.22 in float32, beyond which one number in eight
 * million should be, and from -8.29 to 8.16 in float64.
 *
 * Half floats are those of float32, rounded. JAX's are made of as many random bits as the dtype has
 * digits: in bfloat16 there are 128 different ones, none of which is beyond 2.9.
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param shape The shape, or the length of a vector. Default `[]`, a scalar.
 * @param options The dtype, floating-point or complex. Both parts of complex numbers have variance 1/2.
 * @returns A tensor of that shape; `float32` by default.
 * @throws {ArgumentError} when `key` is not a key.
 * @throws {ShapeError} when `shape` is not a shape.
 * @throws {DtypeError} when the dtype is an integer one or `bool`.
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
  const draw = (key: Tensor, options: SampleOptions | undefined): Tensor =>
    drawFloats(options, what, (dtype) => {
      const u = uniformBetween(key, readShape(shape, what), aboveMinusOne(dtype), 1, dtype);
      return scale(erfinv(u), Math.SQRT2);
    });
  const { dtype } = readOptions(what, options, ["dtype"]);
  if (dtype === undefined || !isComplex(dtype)) return draw(key, options);
  const [re, im] = split(key).map((key) =>
    scale(draw(key, { dtype: partDtype(dtype) }), Math.SQRT1_2)
  );
  return new ComplexTensor(re, im);
}

/**
 * Normally distributed numbers of mean 0 and variance 1, given that they lie between two bounds.
 *
 * They are JAX's, found by uniform probabilities between those of the bounds, if these can be
 * distinguished. If they cannot, far out in a tail or between narrow
 * bounds, JAX's numbers are few or all the same; here they are found from the remaining tail, with
 * the same random bits.
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param lower The lower bound, never reached unless no float lies between the bounds; any shape that broadcasts to the result's.
 * @param upper The upper bound, never reached; any shape that broadcasts to the result's.
 * @param shape The shape, or the length of a vector. Left out: the shape that the bounds broadcast to.
 * @param options The dtype. Gradients flow to bounds that are tensors.
 * @returns A tensor of that shape; `float32` by default.
 * @throws {ArgumentError} when `key` is not a key, or `lower` is greater than `upper` and both are numbers.
 * @throws {ShapeError} when `shape` is not a shape, or the bounds do not broadcast to it.
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
  if (typeof lower === "number" && typeof upper === "number" && !(lower <= upper)) {
    throw argumentError(
      `${what} from ${describeValue(lower)} to ${describeValue(upper)}: ` +
        `lower must not be greater than upper`,
    );
  }
  const low = convert(readParameter(lower, dtype, what), dtype);
  const high = convert(readParameter(upper, dtype, what), dtype);
  const full = sampleShape(shape, { lower: low, upper: high }, what);
  const wide = wideDtype(dtype);
  const fraction = unitFraction(key, full, wide);
  const [start, end] = [low, high].map((bound) => broadcastTo(convert(bound, wide), full));
  const x = convert(truncatedBy(fraction, start, end), dtype);
  const least = nextAbove(stopGradient(low));
  const most = nextBelow(stopGradient(high));
  // If no float lies between the bounds, the lower one is used.
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
 * Exponentially distributed numbers with mean 1: `-log(1 - u)` for uniform `u`, as in JAX. They reach
 * from 0 to 15.94 in float32, and to 36.04 in float64.
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
  return drawFloats(options, what, (dtype) => {
    const u = uniformBetween(key, readShape(shape, what), 0, 1, dtype);
    return neg(log1p(neg(u)));
  });
}

/**
 * Numbers of the standard Gumbel distribution: `-log(-log(u))` for uniform `u`. The position of the
 * largest of `logits + gumbel` is distributed as `softmax(logits)`.
 *
 * They are JAX's, which reach from -4.47 to 15.94 in float32, where many of them are equal: one of
 * millions of categories is better drawn by `categorical`, or in float64 (to 36.04).
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
  return drawFloats(options, what, (dtype) => gumbelOf(key, readShape(shape, what), dtype));
}

/** {@linkcode gumbel} of checked arguments. */
function gumbelOf(key: Tensor, shape: Shape, dtype: Dtype): Tensor {
  return neg(log(neg(log(uniformBetween(key, shape, leastNormal(dtype), 1, dtype)))));
}

/** To choose from more elements than this, the 2^23 uniform numbers of float32 are too few. */
export const MANY: number = 2 ** 12;

/**
 * Logarithms of probabilities, broadcast to `shape`, plus {@linkcode gumbel} noise; the largest of
 * `count` of them will be chosen.
 */
export function perturb(key: Tensor, logits: Tensor, shape: Shape, count: number): Tensor {
  const isFine = logits.dtype === "float64" || count <= MANY;
  const noise = isFine ? gumbelOf(key, shape, logits.dtype) : fineGumbel(key, shape);
  return add(noise, broadcastTo(logits, shape));
}

/**
 * {@linkcode gumbelOf} for float32 with more random bits and up to 44, by `1 - u`, which float32 can
 * hold with all its digits where `u` is next to 1 and the noise is large.
 */
function fineGumbel(key: Tensor, shape: Shape): Tensor {
  const [high, low] = words64(key, shape);
  const words = xor(high, low);
  const inverted = xor(words, constantLike(words, 2 ** 32 - 1));
  const rest = add(
    scale(convert(inverted, "float32"), 2 ** -32),
    scale(offset(convert(low, "float32"), 1), 2 ** -64),
  );
  const least = constantLike(rest, 1 - 2 ** -24);
  return neg(log(neg(log1p(neg(minimum(rest, least))))));
}

/**
 * The numbers of `draw` in the dtype of the options. Half floats are drawn as float32, and rounded.
 */
export function drawFloats(
  options: SampleOptions | undefined,
  what: string,
  draw: (dtype: Dtype) => Tensor,
): Tensor {
  const dtype = readFloat(options, what);
  return convert(draw(wideDtype(dtype)), dtype);
}

/** The dtype that the options name, checked to be floating-point. */
function readFloat(options: SampleOptions | undefined, what: string): Dtype {
  const { dtype = defaultFloat() } = readOptions(what, options, ["dtype"]);
  checkFloat(dtype, what);
  return dtype;
}

/** Throws unless the bounds of a uniform distribution are finite and in order. */
function checkBounds(minval: number, maxval: number, dtype: Dtype, what: string): void {
  const [low, high] = [rounded(minval, dtype), rounded(maxval, dtype)];
  const shown = `${what} from ${describeValue(minval)} to ${describeValue(maxval)}`;
  if (!Number.isFinite(low) || !Number.isFinite(high)) {
    throw argumentError(`${shown}: the bounds must be finite in ${dtype}`);
  }
  if (low > high) throw argumentError(`${shown}: minval must not be greater than maxval`);
  if (!Number.isFinite(rounded(high - low, dtype))) {
    throw argumentError(`${shown}: the distance between the bounds must be finite in ${dtype}`);
  }
}

/** `value` as an element of `dtype`. */
function rounded(value: number, dtype: Dtype): number {
  return dtype === "float64" ? value : roundTo(value, dtype);
}

/**
 * Uniform between two numbers that are finite and in order. `key` and `shape` are checked.
 *
 * In float32, JAX's product and sum are rounded once, together. Here they are computed in float64 and
 * then rounded, which gives the same number, except for sums that float64 rounds to the middle between
 * two neighbours, where it can be the other one. The same holds in float16; in bfloat16, JAX rounds the
 * product too.
 */
export function uniformBetween(
  key: Tensor,
  shape: Shape,
  minval: number,
  maxval: number,
  dtype: Dtype,
): Tensor {
  const [low, high] = [rounded(minval, dtype), rounded(maxval, dtype)];
  const span = rounded(high - low, dtype);
  const x = stretch(key, shape, low, span, dtype);
  const most = (1 - epsilonOf(dtype)) * span;
  const product = dtype === "bfloat16" ? rounded(most, dtype) : most;
  if (low === high || rounded(product + low, dtype) < high) return x;
  return minimum(x, broadcastTo(nextBelow(splat(high, dtype, [])), shape));
}

/** Uniform fractions of `span` above `low`, both of which are numbers of `dtype`. */
function stretch(key: Tensor, shape: Shape, low: number, span: number, dtype: Dtype): Tensor {
  if (dtype === "float64") return offset(scale(doubleFraction(key, shape), span), low);
  if (isHalf(dtype)) {
    // The product has no more digits than float32.
    const product = scale(convert(fraction(key, shape, dtype), "float32"), span * epsilonOf(dtype));
    return convert(offset(roundedProduct(product, dtype), low), dtype);
  }
  // There is one rounding in float32 as well without a sum, or where the product is exact.
  const isExact = span >= 2 ** -100 && (low === 0 || Number.isInteger(Math.log2(span)));
  const steps = convert(fraction(key, shape, dtype), isExact ? "float32" : "float64");
  return convert(offset(scale(steps, span * 2 ** -23), low), "float32");
}

/** A product that is added to a number of `dtype`: rounded first where JAX does it. */
function roundedProduct(product: Tensor, dtype: Dtype): Tensor {
  return dtype === "bfloat16" ? convert(convert(product, dtype), product.dtype) : product;
}

/** Uniform between two tensors of one dtype that broadcast to `shape`; `low` where it is not less. */
function uniformBetweenTensors(key: Tensor, shape: Shape, low: Tensor, high: Tensor): Tensor {
  const [start, end] = [broadcastTo(low, shape), broadcastTo(high, shape)];
  const x = between(unitFraction(key, shape, low.dtype), start, end);
  const isRoundedUp = and(less(start, end), lessEqual(end, x));
  return select(isRoundedUp, broadcastTo(nextBelow(high), shape), x);
}

/** Uniform numbers from 0 to 1 with the resolution of `dtype`, in float64. */
function unitFraction(key: Tensor, shape: Shape, dtype: Dtype): Tensor {
  if (dtype === "float64") return doubleFraction(key, shape);
  return scale(convert(fraction(key, shape, dtype), "float64"), epsilonOf(dtype));
}

/** The number that divides what lies from `low` to `high` as `fraction` does; at least `low`. */
function between(fraction: Tensor, low: Tensor, high: Tensor): Tensor {
  const point = (low: Tensor, high: Tensor): Tensor => {
    // As in `uniformBetween`: product and sum are rounded together in float32.
    const product = mul(fraction, convert(sub(high, low), "float64"));
    return convert(
      add(roundedProduct(product, low.dtype), convert(low, "float64")),
      low.dtype,
    );
  };
  // Where the distance is out of range, that of the halves is not.
  const isWide = equal(sub(high, low), constantLike(low, Infinity));
  const wide = scale(point(scale(low, 0.5), scale(high, 0.5)), 2);
  return maximum(low, select(isWide, wide, point(low, high)));
}

/** Random bits, as many as the mantissa of a float of `dtype` has; at most 32. */
function fraction(key: Tensor, shape: Shape, dtype: Dtype): Tensor {
  const width = dtype === "bfloat16" ? 8 : dtype === "float16" ? 16 : 32;
  const words = convert(words32(key, shape), `uint${width}`);
  return shiftRight(words, constantLike(words, width - fractionBits(dtype)));
}

/** Uniform multiples of 2^-52 from 0 to 1, in float64. */
export function doubleFraction(key: Tensor, shape: Shape): Tensor {
  const [high, low] = words64(key, shape);
  const rest = shiftRight(low, constantLike(low, 12));
  return add(
    scale(convert(high, "float64"), 2 ** -32),
    scale(convert(rest, "float64"), 2 ** -52),
  );
}

/**
 * Uniform multiples of 2^-53 from 0 to 1, in float64, of which a float32 drawn with the same key has
 * the first 23 digits.
 */
export function fineFraction(key: Tensor, shape: Shape): Tensor {
  const [high, low] = words64(key, shape);
  const rest = shiftRight(low, constantLike(low, 11));
  return add(
    scale(convert(xor(high, low), "float64"), 2 ** -32),
    scale(convert(rest, "float64"), 2 ** -53),
  );
}

/** The number next to -1 towards 0. */
export function aboveMinusOne(dtype: Dtype): number {
  return -1 + epsilonOf(dtype) / 2;
}

/** `erf(x / sqrt(2))`: twice the normal distribution's cumulative probability, minus 1. */
function cumulative(x: Tensor): Tensor {
  return erf(div(x, constantLike(x, Math.SQRT2)));
}

/**
 * The number next above each element; Infinity and NaN stay. The added amount is more than half and less
 * than one and a half of the distance to it, so that rounding ends there.
 */
export function nextAbove(x: Tensor): Tensor {
  const { dtype } = x;
  const wide = convert(x, wideDtype(dtype));
  const epsilon = epsilonOf(dtype);
  const step = maximum(
    scale(abs(wide), epsilon / 2 * (1 + 2 ** -10)),
    constantLike(wide, leastNormal(dtype) * epsilon),
  );
  const isLowest = equal(x, constantLike(x, -Infinity));
  const next = convert(add(wide, step), dtype);
  return select(isLowest, constantLike(x, -largestFinite(dtype)), next);
}

/** The number next below each element; -Infinity and NaN stay. */
function nextBelow(x: Tensor): Tensor {
  return neg(nextAbove(neg(x)));
}
