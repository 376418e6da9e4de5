/**
 * Where examples come from: tensors in memory, lists, streams and files.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { showType } from "../base/shape.ts";
import { leafToTensor } from "../core/convert.ts";
import type { Concrete, Tensor } from "../core/tensor.ts";
import { flatten, flattenUpTo, leafPaths, showPath, unflatten } from "../core/tree.ts";
import type { Structure } from "../core/tree.ts";
import type { TensorsOf } from "../core/tree_types.ts";
import { concatenate, stack, take } from "../functions/mod.ts";
import { sliceAxis } from "../primitives/slicing.ts";
import { bits, foldIn, permutation } from "../random/mod.ts";

const WHAT = "Cannot make batches";

/**
 * Some examples, in the order in which they are used.
 *
 * @category Batches of data
 */
export interface Chunk<T> {
  /** How many. */
  readonly length: number;
  /** Those from `start` up to `stop` as one batch. */
  slice(start: number, stop: number): T;
}

/**
 * What a source is told of an epoch.
 *
 * @category Batches of data
 */
export interface Plan {
  /** The number of the epoch. */
  readonly epoch: number;
  /** The key of the epoch's order, or `null` for the source's own order. */
  readonly key: Tensor | null;
  /** How long the batches are. */
  readonly batchSize: number;
  /** How many examples of a stream may be held to shuffle them. */
  readonly buffer: number;
}

/**
 * A source of examples, for `batches`: what `examples` and `files` give.
 *
 * @category Batches of data
 */
export abstract class Source<T> {
  /** How many examples an epoch has, or `null` where only reading tells. */
  abstract readonly length: number | null;
  /** The examples of one epoch. */
  abstract chunks(plan: Plan): AsyncIterable<Chunk<T>>;
}

/** Trees of tensors that have the same first axis. */
export class Rows<T> extends Source<T> {
  readonly length: number;
  readonly #leaves: readonly Tensor[];
  readonly #structure: Structure;

  constructor(tree: unknown, what: string = WHAT) {
    super();
    const { leaves, structure } = flatten(tree);
    const paths = leafPaths(structure);
    const hint = "; for a list or a stream of examples, use data.examples";
    this.#leaves = leaves.map((leaf, i) => {
      const isList = typeof leaf !== "object" || leaf === null || Symbol.asyncIterator in leaf;
      const value = isList ? null : leafToTensor(leaf, paths[i], what);
      if (value !== null && value.ndim > 0) return value.concrete("make batches of");
      throw shapeError(
        `${what}: expected a tensor with an axis of examples at ${showPath(paths[i])}, ` +
          `got ${value === null ? describeValue(leaf) : showType(value)}${hint}`,
      );
    });
    if (leaves.length === 0) {
      throw argumentError(`${what}: expected tensors, got ${describeValue(tree)}${hint}`);
    }
    this.#structure = structure;
    this.length = this.#leaves[0].shape[0];
    this.#leaves.forEach(({ shape: [length] }, i) => {
      if (length === this.length) return;
      throw shapeError(
        `${what}: the tensors at ${showPath(paths[0])} and ${showPath(paths[i])} have ` +
          `${this.length} and ${length} examples${hint}`,
      );
    });
  }

  async *chunks({ key }: Plan): AsyncGenerator<Chunk<T>> {
    const order = key === null ? null : permutation(key, this.length);
    yield { length: this.length, slice: (start, stop) => this.slice(order, start, stop) };
  }

  /** The examples from `start` up to `stop` of an order. */
  slice(order: Tensor | null, start: number, stop: number): T {
    const places = order === null ? null : sliceAxis(order, 0, start, stop);
    const parts = this.#leaves.map((leaf) =>
      places === null ? sliceAxis(leaf, 0, start, stop) : take(leaf, places, 0)
    );
    return unflatten(this.#structure, parts) as T;
  }
}

/** Examples as one batch: each of its tensors has them along a new first axis. */
function stackExamples<T>(examples: readonly unknown[]): T {
  const { structure } = flatten(examples[0]);
  const paths = leafPaths(structure);
  const rows = examples.map((example) =>
    flattenUpTo(structure, example, "Cannot stack examples into a batch")
  );
  const columns = paths.map((path, i) =>
    stack(rows.map((row) => leafToTensor(row[i], path, "Cannot stack examples into a batch")))
  );
  return unflatten(structure, columns) as T;
}

/** Some examples of a list. */
function listed<T>(examples: readonly unknown[]): Chunk<T> {
  return {
    length: examples.length,
    slice: (start, stop) => stackExamples(examples.slice(start, stop)),
  };
}

class ListSource<T> extends Source<T> {
  readonly length: number;
  readonly #list: readonly unknown[];

  constructor(list: readonly unknown[]) {
    super();
    this.#list = copyList(list, "Cannot read examples");
    this.length = list.length;
  }

  async *chunks({ key }: Plan): AsyncGenerator<Chunk<T>> {
    if (key === null) return yield listed(this.#list);
    const order: Int32Array = await permutation(key, this.length).read();
    yield listed(Array.from(order, (place) => this.#list[place]));
  }
}

/** How long a list may be: one of holes may claim more than memory holds. */
const LONGEST = 2 ** 24;

/** A copy of a list, which nobody else changes. */
function copyList<E>(list: readonly E[], what: string): E[] {
  if (list.length <= LONGEST) return [...list];
  throw argumentError(
    `${what} from a list of ${list.length}: at most ${LONGEST} fit; hold numbers in tensors, or ` +
      `give a function that opens a stream`,
  );
}

/** Examples that come one after the other. */
type Stream<E> = Iterable<E> | AsyncIterable<E>;

class StreamSource<T> extends Source<T> {
  readonly length = null;
  readonly #open: (epoch: number) => Stream<unknown> | Promise<Stream<unknown>>;
  /** The epoch that used up an iterator or a `ReadableStream`. */
  #usedBy: number | null = null;
  readonly #isSingle: boolean;

  constructor(stream: AsyncIterable<unknown> | ((epoch: number) => Stream<unknown>)) {
    super();
    this.#open = typeof stream === "function" ? stream : () => stream;
    this.#isSingle = typeof stream === "object" && ("next" in stream || "getReader" in stream);
  }

  async *chunks({ epoch, key, batchSize, buffer }: Plan): AsyncGenerator<Chunk<T>> {
    if (this.#isSingle && this.#usedBy !== null) {
      throw argumentError(
        `Cannot read this stream of examples again for epoch ${epoch}: it was used up by epoch ` +
          `${this.#usedBy}; give data.examples a function that opens it anew`,
      );
    }
    this.#usedBy = epoch;
    const stream = await this.#open(epoch);
    if (
      Object(stream) !== stream || !(Symbol.iterator in stream || Symbol.asyncIterator in stream)
    ) {
      throw argumentError(
        `Cannot read examples: expected an iterable from the function that opens the stream, ` +
          `got ${describeValue(stream)}`,
      );
    }
    let examples: unknown[] = [];
    for await (const example of key === null ? stream : shuffled(stream, key, buffer)) {
      examples.push(example);
      if (examples.length < batchSize) continue;
      yield listed(examples);
      examples = [];
    }
    if (examples.length > 0) yield listed(examples);
  }
}

/** How many random words are drawn at a time. */
const WORDS = 1024;

/**
 * A stream in random order: each example waits among at most `size` others, as in `shuffle` of
 * TensorFlow's datasets.
 */
async function* shuffled<E>(stream: Stream<E>, key: Tensor, size: number): AsyncGenerator<E> {
  const held: E[] = [];
  let drawn = 0;
  let words = new Uint32Array(0);
  const draw = async (): Promise<number> => {
    if (drawn % WORDS === 0) words = await bits(foldIn(key, drawn / WORDS), WORDS).read();
    return Math.floor(words[drawn++ % WORDS] / 2 ** 32 * held.length);
  };
  for await (const example of stream) {
    if (held.length < size) {
      held.push(example);
      continue;
    }
    const place = await draw();
    yield held[place];
    held[place] = example;
  }
  while (held.length > 0) {
    const place = await draw();
    yield held[place];
    held[place] = held.at(-1)!;
    held.pop();
  }
}

/**
 * Single examples as a source for `batches`, which stacks them: trees of tensors, typed arrays and numbers
 * that are alike.
 *
 * @category Batches of data
 * @param source A list; an async iterable; or a function that is given the number of the epoch and returns
 * an iterable or async iterable, so that each epoch can read it again. A stream is never held as a whole:
 * it is shuffled within a buffer.
 * @returns The source.
 * @throws {ArgumentError} when `source` is none of these.
 *
 * @example A list of records, and a stream
 * ```ts
 * import { data } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const list = [{ x: [1, 2], y: 3 }, { x: [4, 5], y: 6 }];
 * for await (const { x, y } of data.batches(data.examples(list), { batchSize: 2 })) {
 *   assertTensorsClose(x[1], [2, 5]);
 *   assertTensorsClose(y, [3, 6]);
 * }
 *
 * async function* lines() {
 *   for (let i = 0; i < 5; i++) yield i;
 * }
 * const sizes = [];
 * for await (const batch of data.batches(data.examples(lines), { batchSize: 2 })) {
 *   sizes.push(batch.size);
 * }
 * if (String(sizes) !== "2,2,1") throw new Error(String(sizes));
 * ```
 */
export function examples<E>(
  source: readonly E[] | AsyncIterable<E> | ((epoch: number) => Iterable<E> | AsyncIterable<E>),
): Source<TensorsOf<E>> {
  if (Array.isArray(source)) return new ListSource(source);
  const isStream = typeof source === "object" && source !== null && Symbol.asyncIterator in source;
  if (isStream || typeof source === "function") {
    return new StreamSource(source as AsyncIterable<E> | (() => Iterable<E>));
  }
  throw argumentError(
    `Cannot read examples from ${describeValue(source)}: expected a list, an async iterable or a ` +
      `function that gives an iterable`,
  );
}

/**
 * The batches of what a file gives: a source, or a tree of tensors with the same first axis.
 *
 * @category Batches of data
 */
export type Contents<R> = R extends Source<infer T> ? T : TensorsOf<R>;

class FileSource<Path, T> extends Source<T> {
  readonly length = null;
  readonly #paths: readonly Path[];
  readonly #read: (path: Path) => unknown;

  constructor(paths: readonly Path[], read: (path: Path) => unknown) {
    super();
    this.#paths = copyList(paths, "Cannot read files");
    this.#read = read;
  }

  async *chunks(plan: Plan): AsyncGenerator<Chunk<T>> {
    const { key } = plan;
    const count = this.#paths.length;
    const order: ArrayLike<number> = key === null || count === 0
      ? Array.from({ length: count }, (_, i) => i)
      : await permutation(foldIn(key, 0), count).read<Int32Array>();
    for (let i = 0; i < count; i++) {
      const contents = toSource<T>(await this.#read(this.#paths[order[i]]));
      yield* contents.chunks({ ...plan, key: key === null ? null : foldIn(key, order[i] + 1) });
    }
  }
}

/**
 * Several files as one source for `batches`. Each is read when its turn comes and dropped afterwards.
 * Shuffled, the files come in random order, and so do the examples within each of them.
 *
 * @category Batches of data
 * @param paths Anything that tells `read` what to read, such as paths.
 * @param read Reads one file: a tree of tensors with the same first axis, or what `examples` gives; or a
 * promise of it.
 * @returns The source.
 * @throws {ArgumentError} when `paths` is no list, or `read` no function.
 *
 * @example Two files of unequal length
 * ```ts
 * import { arange, data } from "@jacobi/jacobi";
 *
 * const lengths: Record<string, number> = { "a.npy": 3, "b.npy": 2 };
 * // In earnest: (path) => io.readNpy(await Deno.readFile(path)).
 * const files = data.files(Object.keys(lengths), (path) => arange(lengths[path]));
 * const sizes = [];
 * for await (const batch of data.batches(files, { batchSize: 2 })) sizes.push(batch.size);
 * if (String(sizes) !== "2,2,1") throw new Error(String(sizes));
 * ```
 */
export function files<Path, R>(
  paths: readonly Path[],
  read: (path: Path) => R | Promise<R>,
): Source<Contents<R>> {
  const what = "Cannot read files";
  if (!Array.isArray(paths)) {
    throw argumentError(`${what}: expected a list of paths, got ${describeValue(paths)}`);
  }
  if (typeof read !== "function") {
    throw argumentError(
      `${what}: expected a function that reads a file, got ${describeValue(read)}`,
    );
  }
  return new FileSource(paths, read);
}

/** A source as it is, and a tree of tensors as one. */
export function toSource<T>(value: unknown): Source<T> {
  return value instanceof Source ? value : new Rows(value);
}

/** Batches that follow each other as one. */
export function joinBatches<T>(parts: readonly T[]): T {
  if (parts.length === 1) return parts[0];
  const { leaves, structure } = flatten<Concrete>(parts[0]);
  const rest = parts.slice(1).map((part) =>
    flattenUpTo(structure, part, "Cannot join examples of several files into a batch") as Tensor[]
  );
  const joined = leaves.map((leaf, i) => concatenate([leaf, ...rest.map((row) => row[i])], 0));
  return unflatten(structure, joined) as T;
}
