/**
 * Garbage that engines hardly notice: small objects on the heap from which much memory hangs elsewhere.
 *
 * @module
 */

/** The most of the time that goes into collecting garbage. */
const MOST_COLLECTING = 0.05;

/** Bytes that engines cannot give: more than there are, or, where they refuse that unseen, than browsers give. */
const SIZES = [2 ** 48, 2 ** 34];

/** When garbage may be collected again, in milliseconds. */
let collectAt = 0;

/**
 * Has the engine collect garbage at once, unless it did so lately and it is not urgent. What finalisation registries do about
 * it follows with the next turn of the event loop.
 *
 * @returns Whether it was done.
 */
export function collectGarbage(isUrgent: boolean = false): boolean {
  const start = performance.now();
  if (start < collectAt && !isUrgent) return false;
  let isDone = false;
  for (const size of SIZES) {
    try {
      // Engines collect all garbage before they refuse what they have tried to give.
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
