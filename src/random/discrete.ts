/**
 * Samplers of booleans and integers.
 *
 * @module
 */
import { defaultFloat, describeValue, isInexact, rangeOf, wideDtype } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { argumentError, dtypeError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { checkAxis, insertAt, removeAt, showType } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { toInteger, toTensor } from "../core/convert.ts";
import { splat, Tensor } from "../core/tensor.ts";
import type { TensorLike } from "../core/tensor.ts";
import { WeakScalar } from "../core/trace.ts";
import { checkBroadcast } from "../functions/arguments.ts";
import { applyBinary, broadcastTo, floatOperand } from "../functions/broadcasting.ts";
import { realOperand } from "../functions/operands.ts";
import {
  add,
  ceil,
  floor,
  maximum,
  minimum,
  mod,
  mul,
  neg,
  offset,
  scale,
  sub,
} from "../primitives/arithmetic.ts";
import { and, equal, less, lessEqual, not, select, xor } from "../primitives/comparison.ts";
import { argmax } from "../primitives/reduction.ts";
import { constantLike, convert } from "../primitives/structure.ts";
import { checkKey, readParameter, readShape, sampleShape } from "./arguments.ts";
import { doubleFraction, fineFraction, perturb, uniform } from "./continuous.ts";
import { split, words32 } from "./key.ts";

/** Probabilities of `true` or of `false` below this are compared with more digits than float32 has. */
const RARE = 2 ** -10;

/**
 * Booleans that are true with a given probability.
 *
 * They are JAX's: `u < probability` for a uniform `u` of 23 bits, or of 52 when the probability is
 * float64. Where float32 probabilities are within 2^-10 of 0 or 1, and JAX's booleans too often or
 * never the rarer one, `u` has 53 bits, of which the first 23 are the same.
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param probability The probability of `true`: a number from 0 to 1, or a tensor of any shape that
 * broadcasts to the result's. Default 0.5. It is compared in `float32`, also as a half float, or in
 * `float64` when it is a tensor of that dtype.
 * @param shape The shape, or the length of a vector. Left out: that of `probability`.
 * @returns `bool` of that shape.
 * @throws {ArgumentError} when `key` is not a key, or `probability` is a number, but no probability.
 * Tensors are not looked at: where they are negative or NaN the result is `false`, where they are above 1
 * it is `true`.
 * @throws {ShapeError} when `shape` is not a shape, or `probability` does not broadcast to it.
 *
 * @example A biased coin
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const heads = random.bernoulli(random.key(0), 0.3, [1000]);
 * assertTensorsClose(heads.mean(), 0.3, { atol: 0.05 });
 * ```
 */
export function bernoulli(
  key: Tensor,
  probability?: TensorLike,
  shape?: number | Shape,
): Tensor {
  if (probability === undefined) probability = 0.5;
  const what = "Cannot draw booleans";
  checkKey(key, what);
  if (typeof probability === "number" && !(probability >= 0 && probability <= 1)) {
    throw argumentError(
      `${what} that are true with probability ${describeValue(probability)}: ` +
        `expected a number from 0 to 1`,
    );
  }
  const p = wideFloats(readParameter(probability, defaultFloat(), what));
  const full = sampleShape(shape, { probability: p }, what);
  const isSound = p.dtype === "float64" ||
    (typeof probability === "number" && Math.min(probability, 1 - probability) >= RARE);
  if (isSound) return less(uniform(key, full, { dtype: p.dtype }), broadcastTo(p, full));
  return less(fineFraction(key, full), broadcastTo(fineThreshold(p), full));
}

/** Floats of 32 bits or more. */
function wideFloats(x: Tensor): Tensor {
  const floats = floatOperand(x);
  return convert(floats, wideDtype(floats.dtype));
}

/**
 * The thresholds for numbers of 53 bits: float32 probabilities, rounded up to the multiples of
 * 2^-23 that make the comparison that of the first 23 bits, except where these are too few.
 */
function fineThreshold(probability: Tensor): Tensor {
  const p = convert(probability, "float64");
  const rarer = minimum(p, offset(neg(p), 1));
  const rounded = scale(ceil(scale(p, 2 ** 23)), 2 ** -23);
  return select(less(rarer, constantLike(p, RARE)), p, rounded);
}

/**
 * Uniformly distributed integers, at least `minval` and less than `maxval`.
 *
 * As in JAX, a draw is random bits modulo the number of values `n = maxval - minval`: 64 bits up to
 * `n` = 2^16, 32 bits above. With 32 bits the least values would be more probable than others, by up to
 * twice; unlike JAX, words below 2^32 modulo `n` are therefore replaced by `n` times a uniform number
 * of 52 bits. That is less than one draw in `2^32 / n`; all others are JAX's.
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param shape The shape, or the length of a vector; `[]` for a scalar.
 * @param minval The least value: an integer, or an integer tensor of any shape that broadcasts to the
 * result's.
 * @param maxval One more than the largest value, of the same form; at most one more than the dtype holds.
 * @param options The dtype. Integers of 8 and 16 bits are those of int32, as in JAX.
 * @returns A tensor of that shape; `int32` by default.
 * @throws {ArgumentError} when `key` is not a key, or bounds that are numbers are no such integers or leave
 * nothing between them. Tensors are not looked at: where nothing is between them, the result is `minval`,
 * and what the dtype does not hold is taken for the nearest integer that it does.
 * @throws {DtypeError} when the dtype is none of those, or a bound is a tensor, but not of integers.
 * @throws {ShapeError} when `shape` is not a shape, or the bounds do not broadcast to it.
 *
 * @example Dice
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const dice = random.randint(random.key(0), [1000], 1, 7);
 * assertTensorsClose(dice.min(), 1);
 * assertTensorsClose(dice.max(), 6);
 * assertTensorsClose(dice.mean(), 3.5, { atol: 0.2 });
 * ```
 */
export function randint(
  key: Tensor,
  shape: number | Shape,
  minval: TensorLike,
  maxval: TensorLike,
  options?: RandintOptions,
): Tensor {
  const what = "Cannot draw integers";
  checkKey(key, what);
  const { dtype = "int32" } = readOptions(what, options, ["dtype"]);
  if (!DRAWN.includes(dtype)) {
    throw dtypeError(`${what} of dtype ${describeValue(dtype)}: expected ${DRAWN.join(", ")}`);
  }
  const [least, most] = rangeOf(dtype);
  if (typeof minval === "number") checkBound(minval, "minval", least, most, what);
  if (typeof maxval === "number") checkBound(maxval, "maxval", least, most + 1, what);
  if (typeof minval === "number" && typeof maxval === "number") {
    if (minval >= maxval) {
      throw argumentError(
        `${what} from ${minval} to ${maxval}: minval must be less than maxval, ` +
          `which is never reached`,
      );
    }
    const from = dtype === "uint32" ? HALF_WAY : 0;
    const drawn = randintBetween(key, readShape(shape, what), minval - from, maxval - from);
    return dtype === "uint32" ? fromShifted(drawn) : convert(drawn, dtype);
  }
  const read = dtype === "uint32" ? readShifted : readInteger;
  const low = read(minval, "minval", what);
  const high = read(maxval, "maxval", what);
  const full = sampleShape(readShape(shape, what), { minval: low, maxval: high }, what);
  if (dtype === "int32") return randintBetweenTensors(key, full, low, high);
  if (dtype === "uint32") return fromShifted(randintBetweenTensors(key, full, low, high));
  const [start, stop] = [held(low, least, most), held(high, least, most + 1)];
  return convert(randintBetweenTensors(key, full, start, stop), dtype);
}

/** Integers of uint32 are drawn as those of int32 that are less by this. */
const HALF_WAY = 2 ** 31;

/** Integers of int32 raised to those of uint32. */
function fromShifted(x: Tensor): Tensor {
  const words = convert(x, "uint32");
  return xor(words, constantLike(words, HALF_WAY));
}

/** A bound of uint32 lowered to one of int32. */
function readShifted(bound: TensorLike, name: string, what: string): Tensor {
  if (typeof bound === "number") return readInteger(bound - HALF_WAY, name, what);
  const x = readInteger(bound, name, what);
  const words = convert(x.dtype === "uint32" ? x : maximum(x, constantLike(x, 0)), "uint32");
  return convert(xor(words, constantLike(words, HALF_WAY)), "int32");
}

/** Integers held between two numbers, as int32. */
function held(x: Tensor, least: number, most: number): Tensor {
  const integers = clipped(x);
  const raised = maximum(integers, constantLike(integers, least));
  return minimum(raised, constantLike(integers, most));
}

/** The dtypes of integers that are drawn. */
const DRAWN: readonly Dtype[] = ["int8", "uint8", "int16", "uint16", "int32", "uint32"];

/**
 * Options of `randint`.
 *
 * @category Distributions
 */
export interface RandintOptions {
  /** The dtype of the result: `int8`, `uint8`, `int16`, `uint16`, `int32` or `uint32`. Default `int32`. */
  readonly dtype?: Dtype;
}

/**
 * Options of `categorical`.
 *
 * @category Distributions
 */
export interface CategoricalOptions {
  /** The axis of `logits` along which the categories are. Default -1. */
  readonly axis?: number;
  /**
   * The shape of the result, which the shape of `logits` without the axis must broadcast to. Left out:
   * that very shape.
   */
  readonly shape?: number | Shape;
}

/**
 * Positions drawn with probabilities `softmax(logits)`, by the Gumbel-max trick (Maddison et al.,
 * "A* sampling", 2014).
 *
 * They are JAX's for up to 4096 categories, and for logits of float64. Among more, float32 noise is
 * too often equal, of which the first would win, and cannot lift improbable categories, however many
 * they are; there the noise is JAX's with 64 instead of 23 random bits. Most draws are then still
 * JAX's.
 *
 * Categories with logit -Infinity are not drawn, unless all are: then the first is. Where logits are
 * Infinity or NaN, which have no probabilities, the first of those is drawn.
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param logits Unnormalised logarithms of probabilities, `[..., categories, ...]`. Half floats are
 * taken as float32.
 * @param options Where the categories are, and the result's shape.
 * @returns `int32` positions from 0 to `categories - 1`.
 * @throws {ArgumentError} when `key` is not a key.
 * @throws {AxisError} when the axis is out of range.
 * @throws {ShapeError} when there are no categories, or `logits` do not broadcast to the shape.
 *
 * @example A thousand draws from three categories
 * ```ts
 * import { log, random, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const logits = log(tensor([0.2, 0.5, 0.3]));
 * const draws = random.categorical(random.key(0), logits, { shape: [1000] });
 * assertTensorsClose(draws.oneHot(3).mean(0), [0.2, 0.5, 0.3], { atol: 0.05 });
 * ```
 */
export function categorical(
  key: Tensor,
  logits: TensorLike,
  options?: CategoricalOptions,
): Tensor {
  const what = "Cannot draw categories";
  checkKey(key, what);
  const { axis = -1, shape } = readOptions(what, options, ["axis", "shape"]);
  const x = wideFloats(realOperand("random.categorical", toTensor(logits, what)));
  const fromFront = checkAxis(axis, x.ndim, `${what} from ${showType(x)}`);
  const categories = x.shape[fromFront];
  if (categories === 0) {
    throw shapeError(`${what} from ${showType(x)}: axis ${fromFront} has no categories`);
  }
  const own = removeAt(x.shape, fromFront);
  const full = shape === undefined ? own : readShape(shape, what);
  const prefix = `${what} from ${showType(x)}: cannot broadcast`;
  checkBroadcast(prefix, { dtype: x.dtype, shape: own }, full);
  const at = fromFront + full.length - own.length;
  return argmax(perturb(key, x, insertAt(full, at, categories), categories), at);
}

/** Throws unless `bound` is an integer from `least` to `most`. */
function checkBound(
  bound: number,
  name: string,
  least: number,
  most: number,
  what: string,
): void {
  if (Number.isInteger(bound) && bound >= least && bound <= most) return;
  throw argumentError(
    `${what}: expected an integer from ${least} to ${most} as ${name}, ` +
      `got ${describeValue(bound)}`,
  );
}

/** A bound as a tensor of integers. */
function readInteger(bound: TensorLike, name: string, what: string): Tensor {
  const given = toInteger(bound);
  if (given instanceof WeakScalar) checkBound(given.peekNumber(), name, -(2 ** 31), 2 ** 31, what);
  const x = given instanceof Tensor
    ? given
    : readParameter(bound, bound === 2 ** 31 ? "uint32" : "int32", what);
  if (isInexact(x.dtype)) {
    throw dtypeError(`${what}: ${name} is ${showType(x)}; expected integers, convert with astype`);
  }
  return x.dtype === "bool" ? convert(x, "int32") : x;
}

/** Integers between two numbers in order; `key` and `shape` are checked. */
function randintBetween(key: Tensor, shape: Shape, minval: number, maxval: number): Tensor {
  // In 32 bits the span 2^32 is 0, and the multiplier 2^16 squared is too.
  const span = maxval - minval;
  const root = 65536 % span;
  const multiplier = (Math.imul(root, root) >>> 0) % span;
  const [highKey, lowKey] = split(key);
  const low = words32(lowKey, shape);
  const modulus = splat(span, "uint32", shape);
  let draw = span === 2 ** 32 ? low : mod(low, modulus);
  if (multiplier > 0) {
    const high = mod(words32(highKey, shape), modulus);
    draw = mod(add(mul(high, constantLike(high, multiplier)), draw), modulus);
  }
  const rest = 2 ** 32 % span;
  if (span > UNBIASED && rest > 0) {
    const isBiased = less(low, constantLike(low, rest));
    draw = select(isBiased, scaledDraw(highKey, shape, splat(span, "float64", shape)), draw);
  }
  return offset(convert(draw, "int32"), minval);
}

/** Up to this span, draws are made of 64 bits. */
const UNBIASED = 2 ** 16;

/** Integers from 0 to `span`, a float64 of no more than 2^32, by uniform numbers of 52 bits. */
function scaledDraw(key: Tensor, shape: Shape, span: Tensor): Tensor {
  return convert(floor(mul(doubleFraction(key, shape), span)), "uint32");
}

/** Integers between two integer tensors that broadcast to `shape`; `low` where it is not less. */
function randintBetweenTensors(key: Tensor, shape: Shape, low: Tensor, high: Tensor): Tensor {
  const what = "Cannot compare";
  const [start, stop] = [clipped(low), clipped(high)];
  const isEmpty = applyBinary(what, lessEqual, stop, start);
  let span = convert(applyBinary(what, sub, stop, start), "uint32");
  span = select(isEmpty, constantLike(span, 1), span);
  if (high.dtype === "uint32") {
    // A bound beyond int32 means that the largest int32 may be drawn; a span of 2^32 becomes 0.
    const isBeyond = broadcastTo(less(constantLike(high, 2 ** 31 - 1), high), span.shape);
    span = select(and(isBeyond, not(isEmpty)), offset(span, 1), span);
  }
  const root = remainder(constantLike(span, 65536), span);
  const multiplier = broadcastTo(remainder(mul(root, root), span), shape);
  const modulus = broadcastTo(span, shape);
  const [highKey, lowKey] = split(key);
  const [highWords, lowWords] = [words32(highKey, shape), words32(lowKey, shape)];
  const highDraw = remainder(highWords, modulus);
  const lowDraw = remainder(lowWords, modulus);
  const draw = remainder(add(mul(highDraw, multiplier), lowDraw), modulus);
  // In 32 bits -n is 2^32 - n; nothing is less than a rest of 0.
  const isLong = less(constantLike(span, UNBIASED), span);
  const rest = select(isLong, remainder(neg(span), span), constantLike(span, 0));
  const isBiased = less(lowWords, broadcastTo(rest, shape));
  const scaled = scaledDraw(highKey, shape, convert(modulus, "float64"));
  return add(broadcastTo(start, shape), convert(select(isBiased, scaled, draw), "int32"));
}

/** Integers held within int32. */
function clipped(x: Tensor): Tensor {
  return convert(x.dtype === "uint32" ? minimum(x, constantLike(x, 2 ** 31 - 1)) : x, "int32");
}

/** `x` modulo `span`, where a span of 0 means 2^32. */
function remainder(x: Tensor, span: Tensor): Tensor {
  return select(equal(span, constantLike(span, 0)), x, mod(x, span));
}
