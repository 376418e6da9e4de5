/**
 * Garbage that engines underestimate: small objects on the heap that own much memory elsewhere.
 *
 * @module
 */

/** The maximum share of time spent on garbage collection. */
const MOST_COLLECTING = 0.05;

/**
 * Sizes that engines cannot allocate: more than the address space, or, for engines that refuse that
 * immediately, more than browsers allow.
 */
const SIZES = [2 ** 48, 2 ** 34];

/** The time from which garbage may be collected again, in milliseconds. */
let collectAt = 0;

/**
 * Makes the engine collect garbage immediately, unless it did so recently and the call is not urgent.
 * Finalisation registries run in the next turn of the event loop.
 *
 * @returns Whether garbage was collected.
 */
export function collectGarbage(isUrgent: boolean = false): boolean {
  const start = performance.now();
  if (start < collectAt && !isUrgent) return false;
  let isDone = false;
  for (const size of SIZES) {
    try {
      // Engines collect all garbage before they fail an allocation.
      new ArrayBuffer(size);
    } catch (error) {
      isDone = (error as Error).message.includes("failed");
    }
    if (isDone) break;
  }
  const end = performance.now();
  collectAt = end + (end - start) / MOST_COLLECTING;
  return isDone;
}
