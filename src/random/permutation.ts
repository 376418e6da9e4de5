/**
 * Random order.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { checkAxis, checkShape, showType, sizeOf } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { isNumber, toTensor } from "../core/convert.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { gather } from "../primitives/indexing.ts";
import { argsort } from "../primitives/ordering.ts";
import { iota, moveAxis, reshape } from "../primitives/structure.ts";
import { checkKey } from "./arguments.ts";
import { split, words32 } from "./key.ts";

/**
 * Options of `permutation`.
 *
 * @category Distributions
 */
export interface PermutationOptions {
  /** The axis along which to shuffle. Default 0. */
  readonly axis?: number;
  /**
   * Whether each vector along the axis is shuffled by itself; otherwise whole slices change places.
   * Default `false`.
   */
  readonly independent?: boolean;
}

/**
 * A random permutation: each order is equally probable.
 *
 * Elements are sorted by random words, often enough (two or three times for long axes) that equal
 * words do not show. The order is JAX's.
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param x A number `n`, for a permutation of 0, 1, …, n - 1; or a tensor to shuffle.
 * @param options The axis, and whether its vectors are shuffled independently of each other.
 * @returns `int32[n]`, or a tensor like `x`. Gradients follow the elements of `x`.
 * @throws {ArgumentError} when `key` is not a key or an option is of the wrong type.
 * @throws {ShapeError} when `x` is neither a non-negative integer nor a tensor with an axis.
 * @throws {AxisError} when the axis is out of range.
 *
 * @example A shuffled data set
 * ```ts
 * import { arange, random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const order = random.permutation(random.key(42), 10);
 * assertTensorsClose(order, new Int32Array([7, 4, 2, 5, 3, 6, 8, 9, 0, 1]));
 * const rows = arange(20).reshape([10, 2]);
 * assertTensorsClose(random.permutation(random.key(42), rows), rows.take(order, 0));
 * ```
 */
export function permutation(
  key: Tensor,
  x: TensorLike,
  options?: PermutationOptions,
): Tensor {
  const what = "Cannot permute";
  checkKey(key, what);
  const { axis = 0, independent = false } = readOptions(what, options, ["axis", "independent"]);
  if (typeof independent !== "boolean") {
    throw argumentError(
      `${what}: expected true or false as independent, got ${describeValue(independent)}`,
    );
  }
  if (typeof x === "number") {
    const shape = checkShape([x], `${what} the first ${describeValue(x)} integers`);
    checkAxis(axis, 1, what);
    return randomOrder(key, shape, 0) ?? iota(shape[0]);
  }
  const values = toTensor(x, what);
  if (values.ndim === 0) {
    throw shapeError(
      `${what} ${describeValue(isNumber(x) ? x : values)}: ` +
        `expected a JavaScript number or a tensor with an axis`,
    );
  }
  const along = checkAxis(axis, values.ndim, `${what} ${showType(values)}`);
  if (independent) {
    const order = randomOrder(key, values.shape, along);
    return order === null ? values : takeAlong(values, order, along);
  }
  const order = randomOrder(key, [values.shape[along]], 0);
  if (order === null) return values;
  return moveAxis(gather(moveAxis(values, along, 0), order), 0, along);
}

/**
 * Along `axis` of `shape`, where each element comes from, or `null` where there is nothing to
 * shuffle.
 */
function randomOrder(key: Tensor, shape: Shape, axis: number): Tensor | null {
  // JAX's number of rounds: the more elements, the more probable are equal words in one of them.
  const rounds = Math.ceil(3 * Math.log(Math.max(1, sizeOf(shape))) / Math.log(2 ** 32 - 1));
  let order: Tensor | null = null;
  let next = key;
  for (let round = 0; round < rounds; round++) {
    const [rest, own] = split(next);
    const ranks = argsort(words32(own, shape), axis, false);
    order = order === null ? ranks : takeAlong(order, ranks, axis);
    next = rest;
  }
  return order;
}

/** The elements of `x` at `order` along `axis`, both of one shape. */
function takeAlong(x: Tensor, order: Tensor, axis: number): Tensor {
  const last = x.ndim - 1;
  const moved = moveAxis(x, axis, last);
  const length = x.shape[axis];
  const rows = [x.size / length, length];
  const taken = gather(reshape(moved, rows), reshape(moveAxis(order, axis, last), rows), 1);
  return moveAxis(reshape(taken, moved.shape), last, axis);
}
