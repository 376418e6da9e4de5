/**
 * How much compiled code there is at a time. Engines free code only when they collect garbage, and
 * never tell a synchronous loop what is dead; so the number of modules is bounded here: the one that
 * was used longest ago makes room. Whoever still wants it compiles it again.
 *
 * @module
 */
import { collectGarbage } from "../garbage.ts";
import { linearMemory } from "./memory/linear_memory.ts";
import { dropArena } from "./memory/blocks.ts";
import { Executable } from "./threads/threads.ts";

// Estimates. `deno run -A bench/many_programs.ts` prints the memory that thousands of programs take.

/** The most modules: together with what it is made of, one takes some 300 kB. */
const MOST = 256;

/** The most bytes of modules; code takes several times as many. */
const MOST_BYTES = 2 ** 26;

/** From how many dropped modules on garbage is collected. */
const COLLECTED_FROM = 256;

const machines = new Set<Machine>();
let dropped = 0;
let totalBytes = 0;
let clock = 0;

/** How many modules there are, and their bytes. */
export function machineUsage(): { readonly modules: number; readonly bytes: number } {
  return { modules: machines.size, bytes: totalBytes };
}

/** A module that can run, until others need the room. */
export class Machine {
  /** Its code. */
  readonly executable: Executable;
  readonly #bytes: number;
  /** What has working memory for runs of it. */
  readonly #owners: object[] = [];
  #lastUse = 0;
  #runs = 0;
  #isDropped = false;
  readonly #onDrop: () => void;

  /** Compiles a module; `onDrop` is called when it has to go. */
  constructor(bytes: Uint8Array<ArrayBuffer>, onDrop: () => void) {
    this.executable = new Executable(bytes, linearMemory());
    this.#bytes = bytes.length;
    this.#onDrop = onDrop;
    machines.add(this);
    totalBytes += this.#bytes;
    this.#lastUse = ++clock;
    makeRoom(this);
  }

  /** Whether it had to make room. */
  get isDropped(): boolean {
    return this.#isDropped;
  }

  /** Has the working memory of `owner` freed together with the code. */
  own(owner: object): void {
    this.#owners.push(owner);
  }

  /** The code stays until `leave` has been called as often. */
  enter(): void {
    this.#lastUse = ++clock;
    this.#runs++;
  }

  /** Ends what `enter` began. */
  leave(): void {
    this.#runs--;
  }

  /** When it was used last; never, where it may not go. */
  get idleSince(): number {
    return this.#runs > 0 ? Infinity : this.#lastUse;
  }

  /** Frees everything. */
  drop(): void {
    this.#isDropped = true;
    machines.delete(this);
    totalBytes -= this.#bytes;
    this.executable.drop();
    // Only a module's handle is on the heap.
    if (++dropped >= COLLECTED_FROM && collectGarbage()) dropped = 0;
    for (const owner of this.#owners) dropArena(owner);
    this.#onDrop();
  }
}

/** Drops what was used longest ago until the rest is within the bounds; never the newest. */
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
