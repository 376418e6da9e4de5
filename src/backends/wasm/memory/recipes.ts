/**
 * Results that can be recomputed. Tensors never change and programs are deterministic, so the result of a
 * quick program may be dropped when its memory is needed. In a loop, most of these results are dead,
 * although the collector has not found them yet, so no copy is made. If a dropped result is needed after
 * all, the program runs again on the same arguments.
 *
 * A droppable result is never an argument of a recipe. So recomputing a result never requires recomputing
 * another one, and no chain of results keeps its history in memory.
 *
 * @module
 */
import { Concrete } from "../../../core/tensor.ts";
import type { Type } from "../../../core/tensor.ts";
import type { Storage } from "../../../core/storage.ts";

/** Runs a program again; returns its large results, each in its own memory. */
export type Rerun = (args: readonly Concrete[]) => readonly Concrete[];

/**
 * The initial number of bytes of droppable results that stay in memory: about the size of the cache. `deno
 * run -A bench/training_loop.ts` measures loops whose results are never read.
 */
const WINDOW = 2 ** 24;

/** How to recompute a result. */
export class Recipe {
  readonly #rerun: Rerun;
  readonly #types: readonly Type[];
  /** The storages of the arguments: their tensors may be donated. */
  readonly storages: readonly Storage[];
  /** Whether the result itself has been an argument of such a program. */
  isUsed = false;

  /** The index of the result of `rerun`. */
  readonly place: number;

  constructor(rerun: Rerun, place: number, args: readonly Concrete[]) {
    this.#rerun = rerun;
    this.place = place;
    this.#types = args.map(({ dtype, shape }) => ({ dtype, shape }));
    this.storages = args.map(({ storage }) => storage);
  }

  /** Protects the arguments' elements from donation: the result was dropped. */
  keep(): void {
    for (const storage of this.storages) storage.sharers++;
  }

  /** Undoes `keep`. */
  discard(): void {
    for (const storage of this.storages) storage.sharers--;
  }

  /** Recomputes the result, and the other results of the same run. */
  follow(): readonly Concrete[] {
    const args = this.storages.map((storage, i) => {
      const { dtype, shape } = this.#types[i];
      return new Concrete(dtype, shape, storage);
    });
    try {
      return this.#rerun(args);
    } finally {
      for (const x of args) x.giveUp("a recipe");
    }
  }
}

/** A block in memory that can be dropped. */
interface Droppable {
  readonly bytes: number;
}

/**
 * The droppable blocks, least recently used first. As long as no dropped block is needed again, only a few
 * bytes are kept, so the memory of a loop over dead results stays in the cache.
 */
export class Window<T extends Droppable> {
  readonly #members = new Set<T>();
  #bytes = 0;
  #size = WINDOW;

  /** The total size of its members in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The size in bytes above which members are dropped. */
  get size(): number {
    return this.#size;
  }

  /** Whether there is room for this many more bytes. */
  hasRoom(bytes: number): boolean {
    return this.#bytes + bytes <= this.#size;
  }

  /** The members; they may be deleted during the iteration. */
  [Symbol.iterator](): IterableIterator<T> {
    return this.#members.values();
  }

  /** Adds a member as the most recently used. */
  add(member: T): void {
    this.#members.add(member);
    this.#bytes += member.bytes;
  }

  /** Makes a member the most recently used; does nothing for other blocks. */
  touch(member: T): void {
    if (this.#members.delete(member)) this.#members.add(member);
  }

  /** Removes a member; does nothing for other blocks. */
  delete(member: T): void {
    if (this.#members.delete(member)) this.#bytes -= member.bytes;
  }

  /** Increases the size, up to `limit`: a dropped block was needed again. */
  widen(limit: number): void {
    this.#size = Math.max(this.#size, Math.min(this.#size * 2, limit));
  }

  /** Resets the size to its initial value. */
  reset(): void {
    this.#size = WINDOW;
  }
}
