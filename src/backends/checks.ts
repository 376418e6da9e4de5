/**
 * What programs find out while they run on a device: whether an index was outside of its axis. Nobody
 * waits for it; who reads a result, or what was computed from it, gets the error.
 *
 * @module
 */
import { indexError } from "../base/errors.ts";

/** Where a device says whether something was wrong: the bytes are 0 where nothing was. */
export interface Flag {
  /** Whether something was wrong, where that is known without waiting; left out where it never is. */
  peek?(): boolean | null;
  /** Waits for the bytes. */
  read(into: Uint8Array): void;
  /** A promise for bytes that can be read without waiting; left out where waiting is no matter. */
  arrive?(): Promise<void>;
  /** Frees the memory. */
  delete(): void;
}

/** The flag of one run. */
export class Check {
  #flag: Flag | null;
  #error: Error | null = null;

  constructor(flag: Flag) {
    this.#flag = flag;
  }

  /** Where the device says it, until that is known. */
  get flag(): Flag | null {
    return this.#flag;
  }

  /** Whether it was found to be in order. */
  get isDone(): boolean {
    if (this.#flag?.peek?.() === false) {
      this.#flag.delete();
      this.#flag = null;
    }
    return this.#flag === null && this.#error === null;
  }

  /** A promise for a flag that `verify` need not wait for. */
  arrive(): Promise<void> {
    return this.#flag?.arrive?.() ?? Promise.resolve();
  }

  /** Waits for the flag; throws where it is set. */
  verify(): void {
    if (this.#flag !== null) {
      const value = new Uint8Array(1);
      this.#flag.read(value);
      this.#flag.delete();
      this.#flag = null;
      if (value[0] !== 0) {
        this.#error = indexError(
          "Cannot read what was computed on a device: an index lay outside of its axis; " +
            "run the function on cpu:0 to see which",
        );
      }
    }
    if (this.#error !== null) throw this.#error;
  }
}

/** How many checks a value carries along before the oldest are waited for. */
const MOST = 16;

/** The checks of what is computed from several values; the oldest of many are waited for. */
export function joinChecks(lists: readonly (readonly Check[])[]): readonly Check[] {
  if (lists.every((list) => list.length === 0)) return [];
  const all = [...new Set(lists.flat())];
  for (const check of all.splice(0, all.length - MOST)) check.verify();
  return all.filter((check) => !check.isDone);
}
