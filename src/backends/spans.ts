/**
 * Timed spans of work that a device may still be doing when the call returns.
 *
 * @module
 */
import { bytesOf } from "../base/shape.ts";
import { span } from "../core/timeline.ts";
import type { SpanInfo } from "../core/timeline.ts";
import type { Concrete, Type } from "../core/tensor.ts";

/** The total size of values of these types in bytes. */
export function totalBytes(types: readonly Type[]): number {
  return types.reduce((sum, type) => sum + bytesOf(type), 0);
}

/** Runs `f` and records the time until its results are available. */
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

/**
 * Waits for results by reading the smallest one, since devices compute in order; does nothing where waiting
 * is impossible.
 */
function awaitResults(results: readonly Concrete[]): void {
  const pending = results.filter(({ storage }) => storage.resident?.ready !== undefined);
  if (pending.length === 0) return;
  const least = pending.reduce((a, b) => (b.size < a.size ? b : a));
  try {
    least.storage.peek(() => {});
  } catch {
    // A browser's main thread cannot wait; errors on the device are reported when the result is read.
  }
}
