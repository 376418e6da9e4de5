/**
 * Guards that depend on one loop: their range is known before code is written.
 *
 * @module
 */
import type { Affine, Nest } from "./nest.ts";

/** Whether a number changes with this loop and with no other. */
export function dependsOnlyOn({ strides }: Affine, loop: number): boolean {
  return strides.every((stride, i) => (stride !== 0) === (i === loop));
}

/** The maximum number of parts into which a loop is split. */
const PARTS = 5;

/**
 * The rounds at which guards that depend only on this loop begin or cease to hold, with the ends of the
 * loop.
 */
export function turningPoints({ nodes, lengths }: Nest, loop: number): readonly number[] {
  const points = new Set([0, lengths[loop]]);
  for (const node of nodes) {
    if (node.kind !== "load") continue;
    for (const guard of node.guards ?? []) {
      if (!dependsOnlyOn(guard, loop)) continue;
      const stride = guard.strides[loop];
      // The first round at which the number reaches 0 or `below`, or passes below them if it decreases.
      for (const end of stride > 0 ? [0, guard.below] : [-1, guard.below - 1]) {
        const point = Math.ceil((end - guard.offset) / stride);
        if (point > 0 && point < lengths[loop]) points.add(point);
      }
    }
  }
  return points.size - 1 > PARTS ? [0, lengths[loop]] : [...points].sort((a, b) => a - b);
}
