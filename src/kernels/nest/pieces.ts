/**
 * Long reductions to few results, done in pieces: first the reduction of each piece, then that of
 * the pieces' results.
 *
 * @module
 */
import type { Affine, LoopNode, Nest } from "../loops.ts";
import { chunksFor, workOf } from "./cost.ts";
import { mapAffines, mapInputs, product } from "./simplify.ts";

/** With at least so many results there are chunks enough without pieces. */
const RESULTS = 128;

/** A reduction in pieces. Workspaces are numbered after the nest's buffers, one per reduction. */
export interface Pieces {
  /** The full pieces, and where there is one, the rest, which is shorter. */
  readonly parts: readonly Nest[];
  /** How many full pieces there are. */
  readonly full: number;
  /** What makes the results from those of the pieces. */
  readonly last: Nest;
  /** The elements of each workspace, which have the dtypes of the last buffers of `last`. */
  readonly results: number;
}

/** The numbers of a nest's reductions. */
type Reductions = readonly number[];

/** A simplified nest in pieces, where that makes sense. */
export function piecesOf(nest: Nest): Pieces | undefined {
  const { lengths, reduced } = nest;
  const kept = lengths.length - reduced;
  const results = product(lengths.slice(0, kept));
  const wanted = chunksFor(workOf(nest));
  if (reduced === 0 || wanted < 4 || results >= RESULTS) return undefined;
  // The longest loop is cut.
  const longest = Math.max(...lengths.slice(kept));
  const cut = lengths.indexOf(longest, kept);
  // Pieces of whole cache lines, which vectors divide.
  const length = Math.ceil(Math.ceil(longest / wanted) / 64) * 64;
  const full = Math.floor(longest / length);
  const rest = longest - full * length;
  if (full < 2) return undefined;
  const reductions = nest.nodes.flatMap(({ kind }, i) => kind === "reduce" ? [i] : []);
  const count = full + (rest > 0 ? 1 : 0);
  const parts = [piece(nest, cut, reductions, { first: 0, start: 0, count: full, length })];
  if (rest > 0) {
    const start = full * length;
    parts.push(piece(nest, cut, reductions, { first: full, start, count: 1, length: rest }));
  }
  return { parts, full, last: lastNest(nest, reductions, count, results), results };
}

/** The strides of results in row-major order. */
function rowMajor(lengths: readonly number[]): number[] {
  return lengths.map((_, i) => product(lengths.slice(i + 1)));
}

/**
 * `count` pieces, from number `first` on, whose rounds of the cut loop begin at `start`: a loop over
 * them, then the nest's own, and a result of each reduction for each.
 */
function piece(
  nest: Nest,
  cut: number,
  reductions: Reductions,
  { first, start, count, length }: {
    readonly first: number;
    readonly start: number;
    readonly count: number;
    readonly length: number;
  },
): Nest {
  const { lengths, reduced, buffers } = nest;
  const kept = lengths.length - reduced;
  function cutAffine<A extends Affine>(affine: A): A {
    const stride = affine.strides[cut];
    return {
      ...affine,
      offset: affine.offset + start * stride,
      strides: [length * stride, ...affine.strides],
    };
  }
  const mapped = mapAffines({ ...nest, stores: [] }, cutAffine);
  const results = product(lengths.slice(0, kept));
  const own = rowMajor(lengths.slice(0, kept));
  return {
    lengths: [count, ...lengths.with(cut, length)],
    reduced,
    buffers: [...buffers, ...reductions.map((node) => nest.nodes[node].dtype)],
    // Whether a reduction is needed is known only when all pieces are done.
    nodes: mapped.nodes.map((node) => {
      if (node.kind !== "reduce") return node;
      const { when: _, ...always } = node;
      return always;
    }),
    stores: reductions.map((node, i) => ({
      node,
      to: {
        buffer: buffers.length + i,
        offset: first * results,
        strides: [results, ...own, ...lengths.slice(kept).map(() => 0)],
      },
    })),
  };
}

/** The nest with its reductions taken over the results of the pieces. */
function lastNest(
  nest: Nest,
  reductions: Reductions,
  count: number,
  results: number,
): Nest {
  const { lengths, reduced, buffers } = nest;
  const kept = lengths.length - reduced;
  const keptLengths = lengths.slice(0, kept);
  const mapped = mapAffines(nest, (affine) => ({
    ...affine,
    strides: [...affine.strides.slice(0, kept), 0],
  }));
  const places: number[] = [];
  const nodes: LoopNode[] = [];
  mapped.nodes.forEach((node, i) => {
    // What only the pieces need is left out when the nest is simplified.
    if (node.kind === "reduce") {
      const buffer = buffers.length + reductions.indexOf(i);
      const strides = [...rowMajor(keptLengths), results];
      const { dtype, operation } = node;
      nodes.push({ kind: "load", dtype, from: { buffer, offset: 0, strides } });
      nodes.push({ kind: "reduce", dtype, operation, input: nodes.length - 1 });
    } else nodes.push(mapInputs(node, (input) => places[input]));
    places.push(nodes.length - 1);
  });
  return {
    lengths: [...keptLengths, count],
    reduced: 1,
    buffers: [...buffers, ...reductions.map((node) => nest.nodes[node].dtype)],
    nodes,
    stores: mapped.stores.map(({ node, to }) => ({ node: places[node], to })),
  };
}
