/**
 * Makes the memory of devices visible to the engine's garbage collector. A tensor is a small object on the
 * heap, so the engine would rarely search for dead ones; reporting additional bytes for them makes it do so.
 *
 * @module
 */
import { phantom } from "./pjrt/mod.ts";

/** Bytes that new arrays take before the first report to the engine. */
const FREE = 2 ** 25;

/** Bytes between two reports. */
const STEP = 2 ** 23;

/**
 * The maximum number of reports: each one reports twice as many bytes as the previous one, and the last
 * exceed the available memory.
 */
const MOST = 20;

/** The memory taken by one device's arrays since dead ones were last freed. */
export class Pressure {
  #added = 0;
  readonly #phantoms: ArrayBuffer[] = [];

  /** Counts a new array. */
  add(bytes: number): void {
    this.#added += bytes;
    const count = this.#phantoms.length;
    // Engines observe the growth rate of memory, and adapt to a constant rate.
    if (this.#added < FREE + count * STEP || count === MOST) return;
    this.#phantoms.push(phantom(STEP * 2 ** count));
  }

  /** Withdraws all reports, once dead arrays are being freed. */
  release(): void {
    this.#added = 0;
    for (const one of this.#phantoms.splice(0)) one.transfer(0);
  }
}
