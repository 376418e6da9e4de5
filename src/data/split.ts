/**
 * Data sets divided at random.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import type { Tensor } from "../core/tensor.ts";
import type { TensorsOf } from "../core/tree_types.ts";
import { checkKey } from "../random/arguments.ts";
import { permutation } from "../random/mod.ts";
import { Rows } from "./source.ts";

/**
 * A data set divided at random, such as into training and validation.
 *
 * @category Batches of data
 * @param key A random key, `uint32[2]`.
 * @param tree A tree of tensors and typed arrays that all have the examples along their first axis.
 * @param sizes The sizes of the parts: numbers of examples, or shares between 0 and 1. They add up to all
 * examples, or to 1. What rounding of shares leaves over goes to the first parts, as in PyTorch's
 * `random_split`.
 * @returns A list of trees like `tree`, one for each size.
 * @throws {ArgumentError} when `key` is no key, or sizes do not add up.
 * @throws {ShapeError} when tensors have no first axis, or not the same length of it.
 *
 * @example Four fifths for training
 * ```ts
 * import { arange, data, random } from "@jacobi/jacobi";
 *
 * const set = { x: arange(30).reshape([10, 3]), y: arange(10) };
 * const [train, test] = data.split(random.key(0), set, [0.8, 0.2]);
 * if (train.x.shape[0] !== 8 || test.y.shape[0] !== 2) throw new Error();
 * ```
 */
export function split<T, const Sizes extends readonly number[]>(
  key: Tensor,
  tree: T,
  sizes: Sizes,
): { -readonly [K in keyof Sizes]: TensorsOf<T> } {
  const what = "Cannot split data";
  checkKey(key, what);
  const rows = new Rows<TensorsOf<T>>(tree, what);
  const counts = readSizes(sizes, rows.length, what);
  const order = permutation(key, rows.length);
  let start = 0;
  const parts = counts.map((count) => rows.slice(order, start, start += count));
  return parts as { -readonly [K in keyof Sizes]: TensorsOf<T> };
}

/** How many parts there may be. */
const LONGEST = 2 ** 16;

/** Sizes as numbers of examples. */
function readSizes(sizes: readonly number[], length: number, what: string): number[] {
  // A list of holes may claim any length.
  const list = Array.isArray(sizes) && sizes.length <= LONGEST ? sizes : [];
  const isNumber = (size: unknown): boolean => typeof size === "number" && size >= 0;
  const total = list.every(isNumber) ? list.reduce((sum, size) => sum + size, 0) : NaN;
  if (list.every(Number.isInteger) && total === length) return [...list];
  if (!(Math.abs(total - 1) < 1e-6)) {
    throw argumentError(
      `${what} of ${length} examples: expected sizes that add up to ${length}, or shares that add ` +
        `up to 1, got ${describeValue(sizes)}`,
    );
  }
  // Shares such as 0.1 + 0.2 are rounded themselves.
  const counts = list.map((share) => Math.floor(share * length + 1e-6));
  const left = length - counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count, i) => count + (i < left ? 1 : 0));
}
