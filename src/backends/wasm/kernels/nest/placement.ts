/**
 * Placement of the nodes of a nest in its loops: as far out as possible.
 *
 * @module
 */
import { inReduction } from "./cost.ts";
import type { Plan } from "./plan.ts";
import { affinesOf, inputsOf } from "../../../../lowering/simplify_nest.ts";

/** Information about a node before code is written. */
export interface Placement {
  /** The number of loops, from the outside, that it must be in. */
  readonly depth: number;
  /** Whether it is different in each vector of a round. */
  readonly varies: boolean;
  /** Whether it comes after the reduced loops. */
  readonly isAfter: boolean;
}

/** The placement of each node. */
export function placementsOf({ nest, kept, vector, tile }: Plan): readonly Placement[] {
  const { nodes } = nest;
  const placements: Placement[] = [];
  nodes.forEach((node) => {
    const inputs = inputsOf(node).map((input) => placements[input]);
    if (node.kind === "reduce") {
      placements.push({ depth: kept, varies: vector < kept, isAfter: true });
      return;
    }
    const moves = affinesOf(node).map(({ strides }) => strides.map((stride) => stride !== 0));
    const depth = Math.max(
      ...moves.map((moving) => moving.lastIndexOf(true) + 1),
      ...inputs.map(({ depth }) => depth),
      0,
    );
    placements.push({
      depth,
      varies: moves.some((moving) => moving[tile?.loop ?? vector]) ||
        inputs.some(({ varies }) => varies),
      // A node within the reduced loops belongs to a reduction that they are run again for.
      isAfter: depth <= kept && inputs.some(({ isAfter }) => isAfter),
    });
  });
  if (!nodes.some(({ kind }) => kind === "reduce")) return placements;
  const inside = inReduction(nest);
  // A node that only the end needs is computed there, if it cannot be placed further out.
  return placements.map((placement, i) => ({
    ...placement,
    isAfter: placement.isAfter || (!inside[i] && placement.depth === kept),
  }));
}
