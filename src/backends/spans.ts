/**
 * Spans of time of work that a device may still be doing when the call returns.
 *
 * @module
 */
import { bytesOf } from "../base/shape.ts";
import { span } from "../core/timeline.ts";
import type { SpanInfo } from "../core/timeline.ts";
import type { Concrete, Type } from "../core/tensor.ts";

/** Bytes of all these values. */
export function totalBytes(types: readonly Type[]): number {
  return types.reduce((sum, type) => sum + bytesOf(type), 0);
}

/** Runs `f`, and records how long it takes until its results are there. */
export function spanOfResults(
  info: SpanInfo,
  f: () => readonly Concrete[],
): readonly Concrete[] {
  return span(info, () => {
    const results = f();
    awaitResults(results);
    return results;
  });
}

/** Waits for results by reading the smallest one, since devices compute in order; not where that is impossible. */
function awaitResults(results: readonly Concrete[]): void {
  const pending = results.filter(({ storage }) => storage.resident?.ready !== undefined);
  if (pending.length === 0) return;
  const least = pending.reduce((a, b) => (b.size < a.size ? b : a));
  try {
    least.storage.peek(() => {});
  } catch {
    // A browser's main thread cannot wait; what failed on the device is reported where it is read.
  }
}
