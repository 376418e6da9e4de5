/**
 * Keys: where random numbers come from. There is no hidden state. A key is an ordinary tensor, the
 * same key always gives the same numbers, and new keys are derived from old ones.
 *
 * The streams are JAX's in its default configuration, bit for bit: Threefry-2x32 (Salmon et al.,
 * "Parallel random numbers: as easy as 1, 2, 3", 2011) under the key, with the flat position of each
 * element as its counter ("partitionable"), so that an element depends only on its key and
 * its position.
 *
 * @module
 */
import { describeValue, isInteger, rangeOf } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { argumentError, dtypeError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { checkShape, showType, sizeOf } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { toInteger } from "../core/convert.ts";
import { Concrete, splat, Tensor, zerosOf } from "../core/tensor.ts";
import { WeakScalar } from "../core/trace.ts";
import { less, select, xor } from "../primitives/comparison.ts";
import { threefry2x32 } from "../primitives/random_bits.ts";
import { concatenate, slice, sliceAxis } from "../primitives/slicing.ts";
import { broadcast, convert, iota, reshape } from "../primitives/structure.ts";
import { checkKey, readShape } from "./arguments.ts";

/**
 * The key that belongs to a seed.
 *
 * All 64 bits of the seed's two's complement count, as in JAX with 64-bit types enabled; for seeds
 * from 0 to 2^32 - 1 that is also JAX's default.
 *
 * @category Keys
 * @param seed An integer: a JavaScript number, a bigint from -2^63 to 2^64 - 1, or an integer scalar
 * tensor (which may be traced).
 * @returns A key: `uint32[2]`, the high word first.
 * @throws {ArgumentError} when a number or bigint is no such integer, or `seed` is none of these.
 * @throws {DtypeError} when a tensor is not of integers.
 * @throws {ShapeError} when a tensor is not a scalar.
 *
 * @example Seed 42
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(random.key(42), new Uint32Array([0, 42]));
 * ```
 */
export function key(seed: number | bigint | Tensor): Tensor {
  const given = toInteger(seed);
  if (given instanceof Tensor && !(given instanceof WeakScalar)) {
    checkIntegerScalar(given, `Cannot make a key from ${showType(given)}`);
    const low = convert(given, "uint32");
    const zero = zerosOf(low);
    const high = rangeOf(given.dtype)[0] < 0
      ? select(less(given, zerosOf(given)), splat(0xffffffff, "uint32", []), zero)
      : zero;
    return pairs(high, low, []);
  }
  if (typeof seed === "number" && Number.isSafeInteger(seed)) {
    return new Concrete("uint32", [2], Uint32Array.of(Math.floor(seed / 2 ** 32), seed));
  }
  if (typeof seed === "bigint" && seed >= -(2n ** 63n) && seed < 2n ** 64n) {
    const words = [seed >> 32n, seed].map((word) => Number(BigInt.asUintN(32, word)));
    return new Concrete("uint32", [2], new Uint32Array(words));
  }
  throw argumentError(
    `Cannot make a key from ${describeValue(seed)}: ` +
      `expected a safe integer, a bigint of 64 bits, or an integer scalar tensor`,
  );
}

/** The most keys in a list; a tensor of keys may have more. */
const LONGEST_LIST = 2 ** 20;

/**
 * The lists that `split` gives for small counts, so that all of their entries are known to exist.
 *
 * @category Keys
 */
export interface KeyLists {
  /** The list of one key. */
  readonly 1: [Tensor];
  /** The list of two keys. */
  readonly 2: [Tensor, Tensor];
  /** The list of three keys. */
  readonly 3: [Tensor, Tensor, Tensor];
  /** The list of four keys. */
  readonly 4: [Tensor, Tensor, Tensor, Tensor];
  /** The list of five keys. */
  readonly 5: [Tensor, Tensor, Tensor, Tensor, Tensor];
  /** The list of six keys. */
  readonly 6: [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
}

/**
 * A list of `Count` keys.
 *
 * @category Keys
 */
export type Keys<Count extends number> = Count extends keyof KeyLists ? KeyLists[Count] : Tensor[];

/**
 * A list of independent new keys from one key. Use the new keys and not the old one any more: a key
 * that is used twice gives the same numbers twice.
 *
 * @category Keys
 * @param key A key, `uint32[2]`.
 * @param count How many. Default 2.
 * @returns A list of `count` keys, to be destructured as in `const [a, b] = split(key)`. For many keys,
 * or keys to map over, give a shape.
 * @throws {ArgumentError} when `key` is not a key, or `count` is more than 2^20.
 * @throws {ShapeError} when `count` is not a non-negative integer.
 *
 * @example One key for each purpose
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [first, second] = random.split(random.key(42));
 * assertTensorsClose(first, new Uint32Array([1832780943, 270669613]));
 * assertTensorsClose(second, new Uint32Array([64467757, 2916123636]));
 * ```
 */
export function split<const Count extends number = 2>(key: Tensor, count?: Count): Keys<Count>;
/**
 * A tensor of independent new keys from one key. Use the new keys and not the old one any more: a key
 * that is used twice gives the same numbers twice.
 *
 * @param key A key, `uint32[2]`.
 * @param shape How many keys, along any number of axes; `[n]` for the keys that the number `n` gives.
 * @returns `uint32[...shape, 2]`.
 * @throws {ArgumentError} when `key` is not a key.
 * @throws {ShapeError} when `shape` is not a shape.
 *
 * @example A batch of keys, mapped over
 * ```ts
 * import { random, vmap } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const keys = random.split(random.key(0), [5]);
 * const draws = vmap((key) => random.normal(key, [3]))(keys);
 * assertTensorsClose(draws.at(4), random.normal(keys.at(4), [3]));
 * ```
 */
export function split(key: Tensor, shape: Shape): Tensor;
export function split(key: Tensor, count?: number | Shape): Tensor[] | Tensor {
  if (count === undefined) count = 2;
  const what = "Cannot split";
  checkKey(key, what);
  if (typeof count !== "number") return children(key, checkShape(count, what), what);
  const [length] = checkShape([count], what);
  if (length > LONGEST_LIST) {
    throw argumentError(
      `${what} into a list of ${length} keys: at most ${LONGEST_LIST} fit; ` +
        `split(key, [${length}]) gives one tensor`,
    );
  }
  const rows = children(key, [length], what);
  const list: Tensor[] = [];
  for (let i = 0; i < length; i++) list.push(reshape(sliceAxis(rows, 0, i, i + 1), [2]));
  return list;
}

/**
 * A new key from a key and a number, for example one key per step or per layer without passing a key
 * along.
 *
 * As in JAX, `foldIn(key, i)` is entry `i` of `split(key, n)`: do not use both on one key.
 *
 * @category Keys
 * @param key A key, `uint32[2]`.
 * @param data An integer that fits into 32 bits, signed or not (`-1` and `2 ** 32 - 1` are the same),
 * or an integer scalar tensor, which may be traced.
 * @returns A key, independent of those for other numbers.
 * @throws {ArgumentError} when `key` is not a key, or `data` is no such number.
 * @throws {DtypeError} when `data` is a tensor, but not of integers.
 * @throws {ShapeError} when `data` is a tensor, but no scalar.
 *
 * @example A key for each step
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const key = random.key(42);
 * assertTensorsClose(random.foldIn(key, 7), new Uint32Array([2547012911, 1371500959]));
 * ```
 */
export function foldIn(key: Tensor, data: number | Tensor): Tensor {
  checkKey(key, "Cannot fold into a key");
  const counter = readData(data);
  const [high, low] = keyWords(key);
  return pairs(...threefry2x32(high, low, zerosOf(counter), counter), []);
}

/**
 * Options of `bits`.
 *
 * @category Keys
 */
export interface BitsOptions {
  /** The dtype of the result: `uint8`, `uint16` or `uint32`. Default `uint32`. */
  readonly dtype?: Dtype;
}

/**
 * Uniformly distributed words of 32 bits, or the lower 8 or 16 bits of such.
 *
 * @category Keys
 * @param key A key, `uint32[2]`.
 * @param shape The shape, or the length of a vector. Default `[]`, a scalar.
 * @param options The dtype.
 * @returns A tensor of that shape; `uint32` by default.
 * @throws {ArgumentError} when `key` is not a key.
 * @throws {ShapeError} when `shape` is not a shape.
 * @throws {DtypeError} when the dtype is no unsigned integer.
 *
 * @example One word
 * ```ts
 * import { random } from "@jacobi/jacobi";
 *
 * const word = random.bits(random.key(42));
 * if (word.item() !== 2098992034) throw new Error(String(word));
 * ```
 */
export function bits(key: Tensor, shape?: number | Shape, options?: BitsOptions): Tensor {
  if (shape === undefined) shape = [];
  const what = "Cannot draw bits";
  checkKey(key, what);
  const { dtype = "uint32" } = readOptions(what, options, ["dtype"]);
  if (dtype !== "uint8" && dtype !== "uint16" && dtype !== "uint32") {
    throw dtypeError(`${what} of dtype ${describeValue(dtype)}: expected uint8, uint16 or uint32`);
  }
  return convert(words32(key, readShape(shape, what)), dtype);
}

/** The pair of 32-bit words that belongs to each position of `shape`. `key` is checked. */
export function words64(key: Tensor, shape: Shape): [high: Tensor, low: Tensor] {
  const length = sizeOf(shape);
  const [high, low] = keyWords(key).map((word) => broadcast(word, [length], []));
  // The counter is the flat position as a 64-bit number, and no tensor has 2^32 elements.
  const positions = iota(length, "uint32");
  const [first, second] = threefry2x32(high, low, zerosOf(positions), positions);
  return [reshape(first, shape), reshape(second, shape)];
}

/** The 32-bit word that belongs to each position of `shape`. `key` is checked. */
export function words32(key: Tensor, shape: Shape): Tensor {
  const [high, low] = words64(key, shape);
  return xor(high, low);
}

/** The two words of a key, as scalars. */
function keyWords(key: Tensor): [high: Tensor, low: Tensor] {
  return [
    reshape(slice(key, [0], [1], [1]), []),
    reshape(slice(key, [1], [2], [1]), []),
  ];
}

/** The keys `[...shape, 2]` that come from splitting. */
function children(key: Tensor, shape: Shape, what: string): Tensor {
  checkShape([...shape, 2], what);
  return pairs(...words64(key, shape), shape);
}

/** `[...shape, 2]` from two tensors of `shape`. */
function pairs(high: Tensor, low: Tensor, shape: Shape): Tensor {
  return concatenate(
    [reshape(high, [...shape, 1]), reshape(low, [...shape, 1])],
    shape.length,
  );
}

/** The number to fold into a key, as a scalar. */
function readData(data: unknown): Tensor {
  const given = toInteger(data);
  if (given instanceof Tensor && !(given instanceof WeakScalar)) {
    checkIntegerScalar(given, `Cannot fold ${showType(given)} into a key`);
    return convert(given, "uint32");
  }
  if (Number.isInteger(data) && Number(data) >= -(2 ** 31) && Number(data) < 2 ** 32) {
    return splat(Number(data), "uint32", []);
  }
  throw argumentError(
    `Cannot fold ${describeValue(data)} into a key: expected an integer of 32 bits ` +
      `or an integer scalar tensor`,
  );
}

function checkIntegerScalar(x: Tensor, what: string): void {
  if (!isInteger(x.dtype)) {
    throw dtypeError(`${what}: expected an integer scalar; convert with astype`);
  }
  if (x.ndim > 0) {
    throw shapeError(`${what}: expected an integer scalar; map over it with vmap`);
  }
}
