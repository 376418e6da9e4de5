/**
 * The printed form of layers and optimisers.
 *
 * @module
 */
import { descriptionOf, showDescription } from "../core/description.ts";

/**
 * The printed form of a layer, an optimiser or a schedule: its name, its settings and its parts. Those
 * of the library print themselves; use this function for custom ones, which are printed by their field
 * `description`.
 *
 * @category Inspection
 * @param value Any value with a description.
 * @returns The text, with a line for each part.
 *
 * @example A custom layer, alone and as a part
 * ```ts
 * import { inspect, nn } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { strictEqual } from "node:assert/strict";
 *
 * const double: nn.Layer<nn.Empty, nn.Empty> = {
 *   description: { name: "double", settings: { factor: 2 } },
 *   init: () => [{}, {}],
 *   apply: (_params, state, x: Tensor) => [x.mul(2), state],
 * };
 * strictEqual(inspect.describe(double), "double(factor=2)");
 * strictEqual(
 *   String(nn.sequential(nn.linear(2, 3), double)),
 *   "sequential(\n  (0): linear(inFeatures=2, outFeatures=3, bias=true)\n  (1): double(factor=2)\n)",
 * );
 * ```
 */
export function describe(value: object): string {
  return showDescription(descriptionOf(value));
}
