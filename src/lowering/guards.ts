/**
 * Guards that depend on one loop: where they hold is known before code is written.
 *
 * @module
 */
import type { Affine, Nest } from "./nest.ts";

/** Whether a number changes with this loop and with no other. */
export function dependsOnlyOn({ strides }: Affine, loop: number): boolean {
  return strides.every((stride, i) => (stride !== 0) === (i === loop));
}

/** The most parts that a loop is written out in. */
const PARTS = 5;

/** Where the guards that depend on a loop alone begin or cease to hold, with its ends. */
export function turningPoints({ nodes, lengths }: Nest, loop: number): readonly number[] {
  const points = new Set([0, lengths[loop]]);
  for (const node of nodes) {
    if (node.kind !== "load") continue;
    for (const guard of node.guards ?? []) {
      if (!dependsOnlyOn(guard, loop)) continue;
      const stride = guard.strides[loop];
      // The first round at which the number has come to 0 or `below`, or on its way down past them.
      for (const end of stride > 0 ? [0, guard.below] : [-1, guard.below - 1]) {
        const point = Math.ceil((end - guard.offset) / stride);
        if (point > 0 && point < lengths[loop]) points.add(point);
      }
    }
  }
  return points.size - 1 > PARTS ? [0, lengths[loop]] : [...points].sort((a, b) => a - b);
}
