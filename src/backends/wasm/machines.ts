/**
 * Bounds the amount of compiled code. Engines free code only during garbage collection, which may never run
 * in a synchronous loop, so the number of modules is limited here. The least recently used module is
 * dropped. If it is needed again, it is compiled again.
 *
 * @module
 */
import { collectGarbage } from "../garbage.ts";
import { linearMemory } from "./memory/linear_memory.ts";
import { dropArena } from "./memory/blocks.ts";
import { Executable } from "./threads/threads.ts";

// Estimates. `deno run -A bench/many_programs.ts` prints the memory used by thousands of programs.

/** The maximum number of modules: each takes some 300 kB, including the data that it is compiled from. */
const MOST = 256;

/** The maximum total size of modules; machine code takes several times as much. */
const MOST_BYTES = 2 ** 26;

/** The number of dropped modules after which garbage is collected. */
const COLLECTED_FROM = 256;

const machines = new Set<Machine>();
let dropped = 0;
let totalBytes = 0;
let clock = 0;

/** The number of modules, and their bytes. */
export function machineUsage(): { readonly modules: number; readonly bytes: number } {
  return { modules: machines.size, bytes: totalBytes };
}

/** A module that can run until it is dropped to free memory. */
export class Machine {
  /** Its code. */
  readonly executable: Executable;
  readonly #bytes: number;
  /** Objects with working memory for its runs. */
  readonly #owners: object[] = [];
  #lastUse = 0;
  #runs = 0;
  #isDropped = false;
  readonly #onDrop: () => void;

  /** Compiles a module; `onDrop` is called when it is dropped. */
  constructor(bytes: Uint8Array<ArrayBuffer>, onDrop: () => void) {
    this.executable = new Executable(bytes, linearMemory());
    this.#bytes = bytes.length;
    this.#onDrop = onDrop;
    machines.add(this);
    totalBytes += this.#bytes;
    this.#lastUse = ++clock;
    makeRoom(this);
  }

  /** Whether it was dropped. */
  get isDropped(): boolean {
    return this.#isDropped;
  }

  /** Frees the working memory of `owner` together with the code. */
  own(owner: object): void {
    this.#owners.push(owner);
  }

  /** Keeps the code until `leave` has been called the same number of times. */
  enter(): void {
    this.#lastUse = ++clock;
    this.#runs++;
  }

  /** Undoes one `enter`. */
  leave(): void {
    this.#runs--;
  }

  /** The time of its last use; infinite if it must not be dropped. */
  get idleSince(): number {
    return this.#runs > 0 ? Infinity : this.#lastUse;
  }

  /** Frees all resources. */
  drop(): void {
    this.#isDropped = true;
    machines.delete(this);
    totalBytes -= this.#bytes;
    this.executable.drop();
    // On the heap, a module is only a small handle.
    if (++dropped >= COLLECTED_FROM && collectGarbage()) dropped = 0;
    for (const owner of this.#owners) dropArena(owner);
    this.#onDrop();
  }
}

/** Drops the least recently used modules until the others are within the limits; never the newest. */
function makeRoom(newest: Machine): void {
  while (machines.size > MOST || totalBytes > MOST_BYTES) {
    let oldest: Machine | null = null;
    let since = Infinity;
    for (const machine of machines) {
      if (machine === newest || machine.idleSince >= since) continue;
      oldest = machine;
      since = machine.idleSince;
    }
    if (oldest === null) return;
    oldest.drop();
  }
}
