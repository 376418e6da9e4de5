/**
 * Results that can be computed again. Tensors never change and programs do the same each time, so
 * the result of a quick program may be dropped when its memory is wanted: no copy is made of what,
 * in a loop, is mostly dead, though nothing tells so. If it turns out to be alive, the program runs
 * again, on the same arguments.
 *
 * A result that can be dropped is no argument of a recipe: so computing one again never needs
 * another one computed again, and no chain of results keeps its history alive.
 *
 * @module
 */
import { Concrete } from "../../../core/tensor.ts";
import type { Type } from "../../../core/tensor.ts";
import type { Storage } from "../../../core/storage.ts";

/** Runs a program again: gives its large results, each in memory of its own. */
export type Rerun = (args: readonly Concrete[]) => readonly Concrete[];

/**
 * How many bytes of results that can be dropped stay in memory at first: about what stays in cache.
 * `deno run -A bench/training_loop.ts` measures loops whose results nobody asks for.
 */
const WINDOW = 2 ** 24;

/** How to compute a result again. */
export class Recipe {
  readonly #rerun: Rerun;
  readonly #types: readonly Type[];
  /** The arguments' elements: their tensors may be donated. */
  readonly storages: readonly Storage[];
  /** Whether the result has been an argument of such a program itself. */
  isUsed = false;

  /** Which result of `rerun` it is for. */
  readonly place: number;

  constructor(rerun: Rerun, place: number, args: readonly Concrete[]) {
    this.#rerun = rerun;
    this.place = place;
    this.#types = args.map(({ dtype, shape }) => ({ dtype, shape }));
    this.storages = args.map(({ storage }) => storage);
  }

  /** From now on, no donation takes the arguments' elements away: the result was dropped. */
  keep(): void {
    for (const storage of this.storages) storage.sharers++;
  }

  /** Ends what `keep` began. */
  discard(): void {
    for (const storage of this.storages) storage.sharers--;
  }

  /** Computes the result again, and those that belong to it. */
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

/** Something in memory that can be dropped. */
interface Droppable {
  readonly bytes: number;
}

/**
 * What can be dropped, the least recently used first. As long as nothing that was dropped is wanted
 * again, not much of it is kept, so that a loop over dead results finds its memory in the cache.
 */
export class Window<T extends Droppable> {
  readonly #members = new Set<T>();
  #bytes = 0;
  #size = WINDOW;

  /** How many bytes are in it. */
  get bytes(): number {
    return this.#bytes;
  }

  /** From how many bytes on something is dropped. */
  get size(): number {
    return this.#size;
  }

  /** Whether there is room for so many bytes more. */
  hasRoom(bytes: number): boolean {
    return this.#bytes + bytes <= this.#size;
  }

  /** The members; they may be deleted meanwhile. */
  [Symbol.iterator](): IterableIterator<T> {
    return this.#members.values();
  }

  /** Adds a member as the most recently used. */
  add(member: T): void {
    this.#members.add(member);
    this.#bytes += member.bytes;
  }

  /** Makes a member, if it is one, the most recently used. */
  touch(member: T): void {
    if (this.#members.delete(member)) this.#members.add(member);
  }

  /** Takes a member out, if it is one. */
  delete(member: T): void {
    if (this.#members.delete(member)) this.#bytes -= member.bytes;
  }

  /** Keeps more from now on, up to `limit`: something was wanted again. */
  widen(limit: number): void {
    this.#size = Math.max(this.#size, Math.min(this.#size * 2, limit));
  }

  /** Begins again with few bytes. */
  reset(): void {
    this.#size = WINDOW;
  }
}
