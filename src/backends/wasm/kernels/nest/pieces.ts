/**
 * Long reductions to few results, done in pieces: first the reduction of each piece, then that of
 * the pieces' results. Reductions that are needed in few cases are not done in pieces. Instead,
 * their loops are run again as a whole, if the results of the others require it.
 *
 * @module
 */
import type { Dtype } from "../../../../base/dtype.ts";
import type { Affine, LoopNode, Nest } from "../../../../lowering/nest.ts";
import { chunksFor, isRegular, workOf } from "./cost.ts";
import { mapAffines, mapInputs, product } from "../../../../lowering/simplify_nest.ts";

/** With at least this many results there are enough chunks without pieces. */
const RESULTS = 128;

/** A reduction in pieces. Workspaces are numbered after the nest's buffers, one per reduction. */
export interface Pieces {
  /** The full pieces and, if there is one, the shorter rest. */
  readonly parts: readonly Nest[];
  /** The number of full pieces. */
  readonly full: number;
  /** The nests that compute the results from those of the pieces, in order. */
  readonly last: readonly Nest[];
  /** The number of results. */
  readonly results: number;
  /** The workspaces: a dtype and a number of elements. */
  readonly workspaces: readonly (readonly [dtype: Dtype, elements: number])[];
}

/** The numbers of a nest's reductions. */
type Reductions = readonly number[];

/** A simplified nest divided into pieces, if that makes sense. */
export function piecesOf(nest: Nest): Pieces | undefined {
  const { lengths, reduced } = nest;
  const kept = lengths.length - reduced;
  const results = product(lengths.slice(0, kept));
  const wanted = chunksFor(workOf(nest));
  if (reduced === 0 || wanted < 4 || results >= RESULTS) return undefined;
  // The longest loop is cut.
  const longest = Math.max(...lengths.slice(kept));
  const cut = lengths.indexOf(longest, kept);
  // Pieces of whole cache lines, which are multiples of vectors.
  const length = Math.ceil(Math.ceil(longest / wanted) / 64) * 64;
  const full = Math.floor(longest / length);
  const rest = longest - full * length;
  if (full < 2) return undefined;
  const reductions = nest.nodes.flatMap((node, i) =>
    node.kind === "reduce" && isRegular(node) ? [i] : []
  );
  const count = full + (rest > 0 ? 1 : 0);
  const parts = [piece(nest, cut, reductions, { first: 0, start: 0, count: full, length })];
  if (rest > 0) {
    const start = full * length;
    parts.push(piece(nest, cut, reductions, { first: full, start, count: 1, length: rest }));
  }
  const dtypes = reductions.map((node) => nest.nodes[node].dtype);
  const partial = dtypes.map((dtype) => [dtype, count * results] as const);
  const ends = lastNest(nest, reductions, count, results);
  if (nest.nodes.every((node) => node.kind !== "reduce" || isRegular(node))) {
    return { parts, full, last: [ends], results, workspaces: partial };
  }
  const totals = dtypes.map((dtype) => [dtype, results] as const);
  return {
    parts,
    full,
    last: withTotals(nest, ends, reductions),
    results,
    workspaces: [...partial, ...totals],
  };
}

/** The strides of results in row-major order. */
function rowMajor(lengths: readonly number[]): number[] {
  return lengths.map((_, i) => product(lengths.slice(i + 1)));
}

/**
 * `count` pieces, from number `first` on, whose rounds of the cut loop begin at `start`: a loop
 * over them, then the nest's own loops, with a result of each reduction for each piece.
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
  const { nodes } = mapAffines({ ...nest, stores: [] }, cutAffine);
  const results = product(lengths.slice(0, kept));
  const own = rowMajor(lengths.slice(0, kept));
  return {
    lengths: [count, ...lengths.with(cut, length)],
    reduced,
    buffers: [...buffers, ...reductions.map((node) => nest.nodes[node].dtype)],
    nodes,
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
    // Nodes that only the pieces need are removed when the nest is simplified.
    if (node.kind === "reduce" && isRegular(node)) {
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

/**
 * A nest with rarely needed reductions, as two: the first computes the totals of the other
 * reductions from those of the pieces, and the second has the nest's own loops for the rest.
 */
function withTotals(nest: Nest, ends: Nest, reductions: Reductions): readonly [Nest, Nest] {
  const { lengths, reduced } = nest;
  const kept = lengths.length - reduced;
  const strides = rowMajor(lengths.slice(0, kept));
  const dtypes = reductions.map((node) => nest.nodes[node].dtype);
  const sums = ends.nodes.flatMap((node, i) =>
    node.kind === "reduce" && isRegular(node) ? [i] : []
  );
  const zeros = lengths.slice(kept).map(() => 0);
  const total = (i: number) => ends.buffers.length + i;
  const buffers = [...ends.buffers, ...dtypes];
  return [{
    ...ends,
    buffers,
    stores: sums.map((node, i) => ({
      node,
      to: { buffer: total(i), offset: 0, strides: [...strides, 0] },
    })),
  }, {
    ...nest,
    buffers,
    nodes: nest.nodes.map((node, i): LoopNode => {
      const place = reductions.indexOf(i);
      if (place < 0) return node;
      const from = { buffer: total(place), offset: 0, strides: [...strides, ...zeros] };
      return { kind: "load", dtype: node.dtype, from };
    }),
  }];
}
