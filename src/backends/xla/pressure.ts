/**
 * Memory of devices as the engine's collector sees it. A tensor is a small object on the heap, so the
 * engine would hardly ever look for dead ones; bytes that are counted for them make it do so.
 *
 * @module
 */
import { phantom } from "./pjrt/mod.ts";

/** Bytes that new arrays take before the engine hears of it. */
const FREE = 2 ** 25;

/** Bytes between one time that it does and the next. */
const STEP = 2 ** 23;

/** How often it does, at most: each time counts twice as many bytes, and the last are more than there are. */
const MOST = 20;

/** What one device's arrays have taken since dead ones were found last. */
export class Pressure {
  #added = 0;
  readonly #phantoms: ArrayBuffer[] = [];

  /** Counts a new array. */
  add(bytes: number): void {
    this.#added += bytes;
    const count = this.#phantoms.length;
    // Engines look at how fast memory grows, and get used to any steady pace.
    if (this.#added < FREE + count * STEP || count === MOST) return;
    this.#phantoms.push(phantom(STEP * 2 ** count));
  }

  /** Takes all back, once dead arrays are being freed. */
  release(): void {
    this.#added = 0;
    for (const one of this.#phantoms.splice(0)) one.transfer(0);
  }
}
