/**
 * Random elements of a tensor.
 *
 * @module
 */
import { describeValue, wideDtype } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { checkAxis, checkShape, showShape, showType, sizeOf } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { isNumber, toTensor } from "../core/convert.ts";
import { Concrete, splat, Tensor } from "../core/tensor.ts";
import type { TensorLike } from "../core/tensor.ts";
import { floatOperand } from "../functions/broadcasting.ts";
import { minimum, mul, offset, sub } from "../primitives/arithmetic.ts";
import { less, select } from "../primitives/comparison.ts";
import { gather } from "../primitives/indexing.ts";
import { argsort } from "../primitives/ordering.ts";
import { cumsum } from "../primitives/reduction.ts";
import { concatenate, sliceAxis } from "../primitives/slicing.ts";
import {
  broadcast,
  constantLike,
  convert,
  moveAxis,
  reshape,
  stopGradient,
} from "../primitives/structure.ts";
import { log } from "../primitives/transcendental.ts";
import { checkKey, readShape } from "./arguments.ts";
import { MANY, perturb, uniform } from "./continuous.ts";
import { randint } from "./discrete.ts";
import { permutation } from "./permutation.ts";

/**
 * Options of `choice`.
 *
 * @category Distributions
 */
export interface ChoiceOptions {
  /** How many elements to choose, along any number of axes. Default `[]`, a single one. */
  readonly shape?: number | Shape;
  /** Whether an element may be chosen again. Default `true`. */
  readonly replace?: boolean;
  /**
   * The probabilities of the elements: `[n]`, not negative. Only their proportions count. Left out: all
   * are equally probable.
   */
  readonly p?: TensorLike;
  /** The axis of the tensor along which to choose. Default 0. */
  readonly axis?: number;
}

/**
 * Random elements of a tensor, or random integers, with or without replacement.
 *
 * With probabilities and replacement, uniform numbers are looked up among the sums of the first
 * probabilities; without replacement, elements are those of the largest sums of `log p` and Gumbel
 * noise (T. Vieira, "Gumbel-max trick and weighted reservoir sampling", 2014). Without probabilities,
 * positions are those of `randint` or the first ones of `permutation`.
 *
 * The positions are JAX's, with the exceptions of `randint`, and except for float32 probabilities of
 * more than 4096 elements: float32 numbers cannot tell these apart, and float64 is used.
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param x A number `n`, to choose from 0, 1, …, n - 1; or a tensor to choose from.
 * @param options How many, how probable each is, whether elements may be chosen again, and the axis.
 * @returns For a number, `int32` of `options.shape`; for a tensor of shape `[...before, n, ...after]`,
 * a tensor of shape `[...before, ...shape, ...after]`. Gradients follow the elements of `x`.
 * @throws {ArgumentError} when `key` is not a key, `replace` is not a boolean, there is nothing to choose
 * from, or there are fewer elements than must be chosen without replacement; and when probabilities that
 * are arrays of numbers are negative, not finite, or too few of them positive. Probabilities that are
 * tensors are not checked.
 * @throws {ShapeError} when `x` is neither a non-negative integer nor a tensor with an axis, `shape` is not
 * a shape, or `p` has another shape than `[n]`.
 * @throws {AxisError} when the axis is out of range.
 *
 * @example A hand of cards, and a loaded die
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const hand = random.choice(random.key(0), 52, { shape: 5, replace: false });
 * assertTensorsClose(hand.shape, [5]);
 * const p = [0.1, 0.1, 0.1, 0.1, 0.1, 0.5];
 * const die = random.choice(random.key(0), [1, 2, 3, 4, 5, 6], { shape: 2000, p });
 * assertTensorsClose(die.equal(6).mean(), 0.5, { atol: 0.05 });
 * ```
 */
export function choice(key: Tensor, x: TensorLike, options?: ChoiceOptions): Tensor {
  const what = "Cannot choose";
  checkKey(key, what);
  const { shape = [], replace = true, p, axis = 0 } = readOptions(what, options, [
    "shape",
    "replace",
    "p",
    "axis",
  ]);
  const full = readShape(shape, what);
  checkFlag(replace, what, "replace");
  const values = readValues(x, what);
  const along = checkAxis(
    axis,
    values?.ndim ?? 1,
    values ? `${what} from ${showType(values)}` : what,
  );
  const length = values === null ? Number(x) : values.shape[along];
  const count = sizeOf(full);
  checkCount(count, length, replace, what);
  const weights = p === undefined ? null : readWeights(p, length, replace ? 1 : count, what);
  const indices = count === 0
    ? splat(0, "int32", full)
    : chooseIndices(key, full, length, replace, weights);
  if (values === null) return indices;
  const flat = reshape(indices, [count]);
  const chosen = moveAxis(gather(moveAxis(values, along, 0), flat), 0, along);
  return reshape(chosen, [
    ...values.shape.slice(0, along),
    ...full,
    ...values.shape.slice(along + 1),
  ]);
}

/** The tensor to choose from, or `null` for the first integers. */
function readValues(x: TensorLike, what: string): Tensor | null {
  if (typeof x === "number") {
    checkShape([x], `${what} from the first ${describeValue(x)} integers`);
    return null;
  }
  const values = toTensor(x, what);
  if (values.ndim > 0) return values;
  throw shapeError(
    `${what} from ${describeValue(isNumber(x) ? x : values)}: ` +
      `expected a JavaScript number or a tensor with an axis`,
  );
}

/** Throws unless `count` elements can be chosen. */
function checkCount(count: number, length: number, replace: boolean, what: string): void {
  if (count > 0 && length === 0) throw argumentError(`${what} ${count} of no elements`);
  if (!replace && count > length) {
    throw argumentError(`${what} ${count} of ${length} elements without replacement`);
  }
}

/** Probabilities as a tensor of floats; numbers are checked, `needed` of them to be positive. */
function readWeights(p: TensorLike, length: number, needed: number, what: string): Tensor {
  const floats = floatOperand(toTensor(p, what));
  const weights = convert(floats, wideDtype(floats.dtype));
  if (weights.ndim !== 1 || weights.shape[0] !== length) {
    throw shapeError(
      `${what} with p ${showType(weights)}: expected one probability for each of ${length} ` +
        `elements, ${showShape([length])}`,
    );
  }
  if (p instanceof Tensor || !(weights instanceof Concrete)) return weights;
  const values = Array.from(weights.data());
  const wrong = values.findIndex((value) => !(value >= 0 && value < Infinity));
  if (wrong >= 0) {
    throw argumentError(
      `${what} with p: expected probabilities that are finite and not negative, ` +
        `got ${values[wrong]} at [${wrong}]`,
    );
  }
  const positive = values.filter((value) => value > 0).length;
  if (positive < needed) {
    throw argumentError(
      `${what} with p: ${needed} of the probabilities must be positive, ${positive} are`,
    );
  }
  return weights;
}

/** Positions of the chosen elements. */
function chooseIndices(
  key: Tensor,
  shape: Shape,
  length: number,
  replace: boolean,
  weights: Tensor | null,
): Tensor {
  if (weights === null) {
    if (replace) return randint(key, shape, 0, length);
    return reshape(sliceAxis(permutation(key, length), 0, 0, sizeOf(shape)), shape);
  }
  const p = stopGradient(weights);
  // Of very many elements, float32 has no number for each.
  const exact = length > MANY ? convert(p, "float64") : p;
  if (!replace) {
    const order = argsort(perturb(key, log(exact), [length], length), 0, true);
    return reshape(sliceAxis(order, 0, 0, sizeOf(shape)), shape);
  }
  const sums = cumsum(exact, 0);
  const total = broadcast(reshape(sliceAxis(sums, 0, length - 1, length), []), shape, []);
  const u = uniform(key, shape, { dtype: exact.dtype });
  return countBelow(sums, mul(total, sub(constantLike(u, 1), u)));
}

/**
 * How many elements of `sums`, which ascend, are less than each of `x`: a binary search in as many
 * steps as the number has digits. The last element is not less than any of `x`, unless unchecked weights
 * are negative: even then, a position is returned.
 */
function countBelow(sums: Tensor, x: Tensor): Tensor {
  const [length] = sums.shape;
  let digit = 1;
  while (2 * digit < length) digit *= 2;
  const padding = splat(Infinity, sums.dtype, [2 * digit - length]);
  const padded = concatenate([sums, padding], 0);
  let count: Tensor = splat(0, "int32", x.shape);
  for (; digit >= 1; digit /= 2) {
    const raised = offset(count, digit);
    count = select(less(gather(padded, offset(raised, -1)), x), raised, count);
  }
  return minimum(count, constantLike(count, length - 1));
}
