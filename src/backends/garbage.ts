/**
 * Garbage that engines hardly notice: small objects on the heap from which much memory hangs elsewhere.
 *
 * @module
 */

/** The most of the time that goes into collecting garbage. */
const MOST_COLLECTING = 0.05;

/** When garbage may be collected again, in milliseconds. */
let collectAt = 0;

/**
 * Has the engine collect garbage at once, unless it did so lately. What finalisation registries do about
 * it follows with the next turn of the event loop.
 *
 * @returns Whether it was done.
 */
export function collectGarbage(): boolean {
  const start = performance.now();
  if (start < collectAt) return false;
  let isDone = false;
  try {
    // More than there is: engines collect all garbage before they refuse it.
    new ArrayBuffer(2 ** 48);
  } catch {
    isDone = true;
  }
  const end = performance.now();
  collectAt = end + (end - start) / MOST_COLLECTING;
  return isDone;
}
