/**
 * Checks that programs record while they run on a device: whether an index was out of range. No code waits
 * for a check; the error is thrown when a result, or a value computed from it, is read.
 *
 * @module
 */
import { indexError } from "../base/errors.ts";

/** The memory in which a device reports an error: the bytes are 0 if there was none. */
export interface Flag {
  /** Whether there was an error, if that is known without waiting; omitted where it never is. */
  peek?(): boolean | null;
  /** Waits for the bytes. */
  read(into: Uint8Array): void;
  /** A promise for bytes that can be read without waiting; omitted where waiting is always possible. */
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

  /** The device's flag, until its value is known. */
  get flag(): Flag | null {
    return this.#flag;
  }

  /** Whether the check is known to have passed. */
  get isDone(): boolean {
    if (this.#flag?.peek?.() === false) {
      this.#flag.delete();
      this.#flag = null;
    }
    return this.#flag === null && this.#error === null;
  }

  /** A promise after which `verify` does not have to wait. */
  arrive(): Promise<void> {
    return this.#flag?.arrive?.() ?? Promise.resolve();
  }

  /** Waits for the flag; throws if it is set. */
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

/** The maximum number of checks that a value carries before the oldest ones are waited for. */
const MOST = 16;

/**
 * The joined checks of a value computed from several values; if there are too many, the oldest are waited
 * for.
 */
export function joinChecks(lists: readonly (readonly Check[])[]): readonly Check[] {
  if (lists.every((list) => list.length === 0)) return [];
  const all = [...new Set(lists.flat())];
  for (const check of all.splice(0, all.length - MOST)) check.verify();
  return all.filter((check) => !check.isDone);
}
