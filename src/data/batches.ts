/**
 * Batches, epoch by epoch.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import type { Tensor } from "../core/tensor.ts";
import type { TensorsOf } from "../core/tree_types.ts";
import { checkKey } from "../random/arguments.ts";
import { foldIn } from "../random/mod.ts";
import { joinBatches, toSource } from "./source.ts";
import type { Chunk, Source } from "./source.ts";

/**
 * A place in the data, between two batches: plain numbers, which can be saved in a tree or as JSON.
 *
 * @category Batches of data
 */
export type Position = {
  /** The number of the epoch, from 0 on. */
  readonly epoch: number;
  /** How many batches of the epoch come before. */
  readonly batch: number;
};

/**
 * A batch with the place behind it.
 *
 * @category Batches of data
 */
export interface Positioned<T> {
  /** The batch. */
  readonly batch: T;
  /** Where to go on after it. */
  readonly position: Position;
}

/**
 * Batches of examples. It is a description, not an iterator: each epoch can be gone through as often as
 * wanted, and always has the same batches. Iterated over itself, it gives those of epoch 0.
 *
 * @category Batches of data
 */
export interface Batches<T> extends AsyncIterable<T> {
  /** How many batches an epoch has, or `null` where only reading tells. */
  readonly length: number | null;
  /** The batches of one epoch, from the batch number `first` on (default 0). */
  epoch(epoch: number, first?: number): AsyncIterable<T>;
  /** All batches from a place on (default the beginning), epoch after epoch without an end. */
  from(position?: Position): AsyncIterable<Positioned<T>>;
}

/**
 * Options of `batches`.
 *
 * @category Batches of data
 */
export interface BatchesOptions {
  /** How many examples a batch has. */
  readonly batchSize: number;
  /** A random key for the order of examples, which is another one in each epoch. */
  readonly key?: Tensor;
  /**
   * Whether to shuffle: by default, if there is a key. A number is that of the examples of a stream that are
   * held to shuffle them; default 1024.
   */
  readonly shuffle?: boolean | number;
  /**
   * Whether to leave out the last batch of an epoch if it is smaller. Default `false`, as in PyTorch and
   * TensorFlow. A compiled function is traced once more for the smaller batch.
   */
  readonly dropLast?: boolean;
  /** How many batches to make ahead while the last one is used. Default 0. */
  readonly prefetch?: number;
}

/** Examples of a stream that are held to shuffle them. */
const BUFFER = 1024;

/**
 * Examples in batches, shuffled anew in each epoch. Everything is decided by the options: the order of epoch
 * `e` is drawn with `random.foldIn(key, e)`, so that training can stop at any batch and go on there.
 *
 * Tensors stay where they are; a batch is cut out of them when its turn comes. What `examples` gives is
 * stacked, and what `files` gives is read file by file.
 *
 * @category Batches of data
 * @param source A tree of tensors and typed arrays that all have the examples along their first axis; or what
 * `examples` or `files` gives.
 * @param options The size of batches, and a key to shuffle.
 * @returns The batches: trees like `source`, with `[batchSize, ...]` at their leaves.
 * @throws {ArgumentError} when an option is not what it should be, or `shuffle` has no key.
 * @throws {ShapeError} when tensors have no first axis, or not the same length of it.
 * @throws {TreeError} when a leaf of `source` is no tensor.
 *
 * @example One epoch
 * ```ts
 * import { data, random, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = tensor([[1, 1], [2, 2], [3, 3], [4, 4], [5, 5]]);
 * const y = new Int32Array([1, 2, 3, 4, 5]);
 * const batches = data.batches({ x, y }, { batchSize: 2, key: random.key(0) });
 * for await (const batch of batches.epoch(3)) {
 *   assertTensorsClose(batch.x.at(null, 0).astype("int32"), batch.y);
 * }
 * if (batches.length !== 3) throw new Error(String(batches.length));
 * ```
 *
 * @example Stopped, and gone on with
 * ```ts
 * import { arange, data, random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const batches = data.batches(arange(6), { batchSize: 2, key: random.key(1) });
 * const seen = [];
 * for await (const { batch, position } of batches.from()) {
 *   seen.push(batch);
 *   if (position.epoch === 1 && position.batch === 2) break;
 * }
 * for await (const { batch } of batches.from({ epoch: 1, batch: 1 })) {
 *   assertTensorsClose(batch, seen[4]);
 *   break;
 * }
 * ```
 */
export function batches<T>(source: Source<T>, options: BatchesOptions): Batches<T>;
/** The same for a tree of tensors and typed arrays. */
export function batches<T>(source: T, options: BatchesOptions): Batches<TensorsOf<T>>;
export function batches<T>(given: unknown, options: BatchesOptions): Batches<T> {
  const what = "Cannot make batches";
  const {
    batchSize,
    key,
    shuffle = key !== undefined,
    dropLast = false,
    prefetch: ahead = 0,
  } = readOptions(what, options, ["batchSize", "key", "shuffle", "dropLast", "prefetch"]);
  checkInteger(batchSize, what, "batchSize", 1);
  checkFlag(dropLast, what, "dropLast");
  checkInteger(ahead, what, "prefetch", 0);
  if (key !== undefined) checkKey(key, what);
  if (typeof shuffle !== "boolean") checkInteger(shuffle, what, "shuffle", 1);
  if (shuffle !== false && key === undefined) {
    throw argumentError(`${what}: to shuffle takes a key; make one with random.key(seed)`);
  }
  const source = toSource<T>(given);
  const buffer = typeof shuffle === "number" ? shuffle : BUFFER;
  const count = source.length === null ? null : source.length / batchSize;
  const made = makeBatches(
    count === null ? null : dropLast ? Math.floor(count) : Math.ceil(count),
    (epoch, first) => {
      const ownKey = shuffle === false ? null : foldIn(key!, epoch);
      const chunks = source.chunks({ epoch, key: ownKey, batchSize, buffer });
      return cut(chunks, batchSize, first * batchSize, dropLast);
    },
  );
  return ahead === 0 ? made : prefetch(made, ahead);
}

/** Throws unless `value` is an integer of at least `least`. */
function checkInteger(
  value: unknown,
  what: string,
  name: string,
  least: number,
): asserts value is number {
  if (Number.isSafeInteger(value) && (value as number) >= least) return;
  throw argumentError(
    `${what}: expected an integer of at least ${least} as ${name}, got ${describeValue(value)}`,
  );
}

/** Batches from a function that goes through one epoch. */
function makeBatches<T>(
  length: number | null,
  run: (epoch: number, first: number) => AsyncIterable<T>,
): Batches<T> {
  const what = "Cannot iterate over batches";
  function epoch(epoch: number, first?: number): AsyncIterable<T> {
    checkInteger(epoch, what, "the number of the epoch", 0);
    checkInteger(first ?? 0, what, "the number of the first batch", 0);
    return run(epoch, first ?? 0);
  }
  function from(position?: Position): AsyncIterable<Positioned<T>> {
    const { epoch: start, batch: first } = position ?? { epoch: 0, batch: 0 };
    checkInteger(start, what, "the number of the epoch", 0);
    checkInteger(first, what, "the number of the first batch", 0);
    return endless(start, first);
  }
  async function* endless(start: number, first: number): AsyncGenerator<Positioned<T>> {
    for (let at = start;; at++) {
      let done = at === start ? first : 0;
      for await (const batch of run(at, done)) {
        yield { batch, position: { epoch: at, batch: ++done } };
      }
      if (done === 0) throw argumentError(`${what}: epoch ${at} has none`);
    }
  }
  return { length, epoch, from, [Symbol.asyncIterator]: () => run(0, 0)[Symbol.asyncIterator]() };
}

/** Chunks in batches of one size, behind the first `skipped` examples. */
async function* cut<T>(
  chunks: AsyncIterable<Chunk<T>>,
  batchSize: number,
  skipped: number,
  dropLast: boolean,
): AsyncGenerator<T> {
  let parts: T[] = [];
  let held = 0;
  for await (const { length, slice } of chunks) {
    let start = Math.min(skipped, length);
    skipped -= start;
    while (start < length) {
      const stop = Math.min(length, start + batchSize - held);
      parts.push(slice(start, stop));
      held += stop - start;
      start = stop;
      if (held < batchSize) continue;
      yield joinBatches(parts);
      [parts, held] = [[], 0];
    }
  }
  if (held > 0 && !dropLast) yield joinBatches(parts);
}

/** `value`, checked to be batches. */
function checkBatches<T>(value: Batches<T>, what: string): Batches<T> {
  const { epoch, from } = Object(value) as Partial<Batches<T>>;
  if (typeof epoch === "function" && typeof from === "function") return value;
  throw argumentError(
    `${what} ${describeValue(value)}: expected batches, which data.batches makes`,
  );
}

/** `f`, checked to be a function. */
function checkFunction<F>(f: F, what: string): F {
  if (typeof f === "function") return f;
  throw argumentError(`${what}: expected a function of a batch, got ${describeValue(f)}`);
}

/**
 * Batches changed by a function.
 *
 * @category Batches of data
 * @param batches Batches.
 * @param f A pure function of a batch, which may give a promise.
 * @returns The batches that `f` gives.
 * @throws {ArgumentError} when an argument is of another kind.
 *
 * @example Pixels as numbers between 0 and 1
 * ```ts
 * import { data } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const pixels = new Uint8Array([0, 51, 255]);
 * const batches = data.map(data.batches(pixels, { batchSize: 3 }), (x) => x.div(255));
 * for await (const batch of batches) assertTensorsClose(batch, [0, 0.2, 1]);
 * ```
 */
export function map<T, U>(batches: Batches<T>, f: (batch: T) => U | Promise<U>): Batches<U> {
  checkFunction(f, "Cannot map batches");
  const given = checkBatches(batches, "Cannot map");
  return makeBatches(given.length, async function* (epoch, first) {
    for await (const batch of given.epoch(epoch, first)) yield await f(batch);
  });
}

/**
 * Batches changed at random: each is given a key of its own, the same one whenever it is made again.
 *
 * @category Batches of data
 * @param batches Batches.
 * @param key A random key, `uint32[2]`, that is used for nothing else.
 * @param f A pure function of a key and a batch, which may give a promise.
 * @returns The batches that `f` gives.
 * @throws {ArgumentError} when an argument is of another kind.
 *
 * @example Half of the images are flipped
 * ```ts
 * import { arange, data, random } from "@jacobi/jacobi";
 *
 * const images = arange(2 * 1 * 2 * 2).reshape([2, 1, 2, 2]);
 * const batches = data.augment(
 *   data.batches({ images }, { batchSize: 2 }),
 *   random.key(1),
 *   (key, { images }) => ({ images: data.randomFlip(key, images) }),
 * );
 * for await (const { images } of batches) {
 *   if (String(images.shape) !== "2,1,2,2") throw new Error(String(images.shape));
 * }
 * ```
 */
export function augment<T, U>(
  batches: Batches<T>,
  key: Tensor,
  f: (key: Tensor, batch: T) => U | Promise<U>,
): Batches<U> {
  const what = "Cannot augment batches";
  const given = checkBatches(batches, "Cannot augment");
  checkKey(key, what);
  checkFunction(f, what);
  return makeBatches(given.length, async function* (epoch, first) {
    const own = foldIn(key, epoch);
    let place = first;
    for await (const batch of given.epoch(epoch, first)) {
      yield await f(foldIn(own, place++), batch);
    }
  });
}

/**
 * The same batches, some of which are made ahead while the last one is used: for reading and changing that
 * wait for something. The option `prefetch` of `batches` does it before `map` and `augment`.
 *
 * @category Batches of data
 * @param batches Batches.
 * @param count How many to make ahead, a positive integer.
 * @returns The same batches.
 * @throws {ArgumentError} when an argument is of another kind.
 *
 * @example Two batches ahead
 * ```ts
 * import { arange, data } from "@jacobi/jacobi";
 *
 * const batches = data.prefetch(data.batches(arange(6), { batchSize: 2 }), 2);
 * let count = 0;
 * for await (const batch of batches) count += batch.size;
 * if (count !== 6) throw new Error(String(count));
 * ```
 */
export function prefetch<T>(batches: Batches<T>, count: number): Batches<T> {
  const what = "Cannot prefetch";
  const given = checkBatches(batches, what);
  checkInteger(count, what, "the number of batches", 1);
  return makeBatches(given.length, async function* (epoch, first) {
    const iterator = given.epoch(epoch, first)[Symbol.asyncIterator]();
    const asked: Promise<IteratorResult<T>>[] = [];
    const end: IteratorResult<T> = { done: true, value: undefined };
    let isStopped = false;
    let last: Promise<unknown> = Promise.resolve();
    try {
      while (true) {
        while (asked.length <= count) {
          // One is asked for after the other, so that to stop is to wait for one at most.
          const next = last.then(() => isStopped ? end : iterator.next());
          // It is awaited when its turn comes.
          next.catch(() => {});
          asked.push(next);
          last = next;
        }
        const { done, value } = await asked.shift()!;
        if (done) return;
        yield value;
      }
    } finally {
      isStopped = true;
      await iterator.return?.();
    }
  });
}
