/**
 * Approximate costs of the parts of a nest, in units of an operation on one vector.
 *
 * @module
 */
import type { LoopNode, Nest } from "../../../../lowering/nest.ts";
import { dependsOnlyOn } from "../../../../lowering/guards.ts";
import type { Lanes } from "../lanes.ts";
import { inputsOf, product, reducedBy } from "../../../../lowering/simplify_nest.ts";

// Costs of operations and accesses are those of an AMD EPYC (Zen 3) with Deno 2.9.6, about.
// `deno bench bench/elementwise_bench.ts` and `deno bench bench/wasm_kernels_bench.ts` show them.

/** The work of a chunk, in operations on elements. */
const CHUNK_WORK = 2 ** 18;

/** The maximum number of chunks; larger work has larger chunks. */
const CHUNKS = 64;

/** Operations that take about as long as a load; others are assumed to take ten times as long. */
const quick: ReadonlySet<string> = new Set([
  ...["add", "sub", "mul", "neg", "square", "abs", "maximum", "minimum", "stopGradient"],
  ...["equal", "less", "lessEqual", "isNan", "not", "and", "or", "xor", "select", "convert"],
  ...["floor", "ceil", "round", "trunc", "shiftLeft", "shiftRight", "sign", "binade"],
]);

/** Operations with long code, which grows with the number of vectors at a time. */
const long: ReadonlyMap<string, number> = new Map([
  ...["sin", "cos", "tan", "pow", "erfc", "erfcOfGaussian"].map((name) => [name, 30] as const),
  ...["lgamma", "digamma", "polygamma", "erfinv"].map((name) => [name, 110] as const),
]);

/** Operations between those and the rest. */
const division: ReadonlySet<string> = new Set([
  ...["div", "sqrt", "reciprocal", "rsqrt"],
  ...["sigmoidOfDecay", "sigmoidBellOfDecay", "tanhOfDecay", "tanhSlopeOfDecay"],
]);

/** Whether an operation's code is long. */
export function isLong(operation: string): boolean {
  return !quick.has(operation) && !division.has(operation);
}

type Reduction = LoopNode & { readonly kind: "reduce" };

/** Whether the loops are always run for a reduction. */
export function isRegular({ when }: Reduction): boolean {
  return when === undefined;
}

/** For each node, whether it runs in the rounds of the reduced loops, and for which reductions. */
export function inReduction(
  { nodes }: Nest,
  counts: (reduction: Reduction) => boolean = () => true,
): readonly boolean[] {
  const inside = nodes.map(() => false);
  for (const node of nodes) {
    if (node.kind === "reduce" && counts(node)) {
      for (const input of reducedBy(node)) inside[input] = true;
    }
  }
  for (let i = nodes.length - 1; i >= 0; i--) {
    if (inside[i]) { for (const input of inputsOf(nodes[i])) inside[input] = true; }
  }
  return inside;
}

/** The approximate cost of an operation on one vector. */
function costOf(node: LoopNode): number {
  if (node.kind !== "map") return node.kind === "constant" || node.kind === "given" ? 0 : 1;
  if (quick.has(node.operation)) return 1;
  return division.has(node.operation) ? 4 : long.get(node.operation) ?? 12;
}

/** The cost of accessing the lanes of a vector that are a given number of elements apart. */
function accessCost(stride: number): number {
  return stride === 1 ? 1 : stride === 0 ? 0.2 : stride === -1 ? 1.5 : stride === 2 ? 2.5 : 6;
}

/** An estimate of the work, in operations on vectors, if `loop` fills the lanes. */
export function costAlong(
  nest: Nest,
  lanes: Lanes,
  loop: number,
  inside: readonly boolean[],
): number {
  const { lengths, reduced, nodes, stores } = nest;
  const kept = lengths.length - reduced;
  const outer = product(lengths.slice(0, kept));
  const inner = reduced === 0 ? 1 : product(lengths.slice(kept));
  const vectors = Math.ceil(lengths[loop] / lanes) / lengths[loop];
  const isHorizontal = loop >= kept;
  let cost = 0;
  nodes.forEach((node, i) => {
    const weight = reduced > 0 && !inside[i]
      ? outer * (isHorizontal ? 1 : vectors)
      : outer * inner * vectors;
    const guards = node.kind === "load" ? (node.guards ?? []).length : 0;
    const own = node.kind === "load" ? accessCost(node.from.strides[loop]) : costOf(node);
    cost += weight * (own + guards);
    if (node.kind === "reduce" && isHorizontal) cost += outer * 6;
  });
  for (const { to } of stores) {
    // A little more than for loads, some of which can be transposed in registers.
    cost += outer * (isHorizontal ? 1 : vectors * 1.2 * accessCost(to.strides[loop]));
  }
  return cost;
}

/**
 * The number of vectors that a round should compute: enough to hide latencies, but not more than
 * fit in registers.
 */
export function unrollOf(
  nest: Nest,
  loop: number,
  kept: number,
  inside: readonly boolean[],
): number {
  const regular = nest.nodes.filter((node) => node.kind === "reduce" && isRegular(node));
  const reductions = regular.length;
  // Several vectors are added up before any conversion.
  const areCoarse = loop >= kept && regular.every((node) => "isCoarse" in node);
  const loads = nest.nodes.filter((node) => node.kind === "load");
  const running = nest.nodes.filter((_, i) => reductions === 0 || inside[i]);
  const work = running.reduce((sum, node) => sum + costOf(node), 0);
  const isTested = loads.some(({ guards = [] }) =>
    guards.some((guard) => guard.strides[loop] !== 0 && !dependsOnlyOn(guard, loop))
  );
  if (work > 100) return 1;
  if (isTested) return 2;
  if (loads.some(({ from }) => accessCost(from.strides[loop]) > 2)) return 2;
  if (reductions > 0) {
    if (reductions > 2 && areCoarse) return 4;
    if (reductions > 2 || work > 12) return 2;
    if (reductions > 1) return 4;
    return loop >= kept ? 8 : 4;
  }
  return work > 14 || loads.length > 4 ? 2 : 4;
}

/** How often each node runs: nodes after reductions run once for each result. */
export function roundsOf(nest: Nest): readonly number[] {
  const { lengths, reduced, nodes } = nest;
  const all = product(lengths);
  if (reduced === 0) return nodes.map(() => all);
  const results = product(lengths.slice(0, lengths.length - reduced));
  const inside = inReduction(nest, isRegular);
  return nodes.map((node, i) =>
    inside[i] || (node.kind === "reduce" && isRegular(node)) ? all : results
  );
}

/** The work of a whole nest, in operations on elements. */
export function workOf(nest: Nest): number {
  const rounds = roundsOf(nest);
  const stores = nest.stores.length * product(nest.lengths);
  return nest.nodes.reduce((sum, node, i) => sum + rounds[i] * costOf(node), stores);
}

/** The number of chunks that work of this size should be done in. */
export function chunksFor(work: number): number {
  return work < 2 * CHUNK_WORK ? 1 : Math.min(CHUNKS, Math.ceil(work / CHUNK_WORK));
}
