/**
 * Plans the code of a nest: which loop fills the lanes of vectors, the order of the loops, and
 * which rounds form a chunk.
 *
 * @module
 */
import { byteSize, isFloat } from "../../../../base/dtype.ts";
import { internalError } from "../../../../base/errors.ts";
import type { Rows } from "../kernel.ts";
import type { LoopNode, Nest } from "../../../../lowering/nest.ts";
import { chunksFor, costAlong, inReduction, isRegular, unrollOf, workOf } from "./cost.ts";
import type { Lanes } from "../lanes.ts";
import { inputsOf, mapAffines } from "../../../../lowering/simplify_nest.ts";

/**
 * The rounds of a block that is read along one loop and written along another. More rounds would
 * use more of each cache line at once, but the lines written would evict each other if rows are a
 * multiple of 4 KiB apart: a cache has 8 ways for such lines.
 */
const TILE = 8;

/** The rounds of the loop of the vectors that are done before the next block. */
const RUN = 64;

/** The plan of a nest. */
export interface Plan {
  /** The nest, with its loops in the order in which they are written. */
  readonly nest: Nest;
  readonly lanes: Lanes;
  /** The number of kept loops; they come first. */
  readonly kept: number;
  /** The loop that runs over the lanes of vectors: the last one, or the last that is kept. */
  readonly vector: number;
  /** The number of vectors that one round of that loop computes. */
  readonly unroll: number;
  /** The number of these that are computed at a time: few, if that saves registers. */
  readonly group: number;
  /**
   * The loop around that of the vectors, if it is done in blocks of a number of rounds because
   * operands are contiguous along it: squares of them are transposed in registers.
   */
  readonly tile: { readonly loop: number; readonly rounds: number } | undefined;
  /** The loops that chunks divide, as one loop of `count` rounds, `perChunk` to a chunk. */
  readonly split: Split;
}

/** The division of the loops into chunks. */
export interface Split extends Rows {
  /**
   * The loops whose counters are computed from the number of the round. The end of a chunk may cut
   * the last of them anywhere.
   */
  readonly loops: readonly number[];
  /** The number of chunks. */
  readonly chunks: number;
  /** Whether a chunk writes nothing but these rows, as required by `Stage.rows`. */
  readonly isRows: boolean;
}

/** Rounds of the first given number of loops, and the number of rounds in a chunk. */
interface LoopSplit extends Rows {
  readonly loops: number;
}

/**
 * 2 lanes if a double is involved, otherwise 4. Also 4 if doubles are only sums of float32 and
 * values computed from these until they are float32 again.
 */
function lanesOf({ nodes }: Nest): Lanes {
  const isWide = (i: number): boolean => nodes[i].dtype === "float64";
  const isFloating = ({ dtype }: LoopNode): boolean => isFloat(dtype);
  const isSum: boolean[] = [];
  const isApart = (node: LoopNode): boolean => {
    switch (node.kind) {
      case "constant":
      case "given":
        return true;
      case "reduce":
        return !isWide(node.input);
      case "map":
        return node.operation === "convert"
          ? isSum[node.inputs[0]] && isFloating(nodes[node.inputs[0]])
          : node.inputs.every(isWide) && node.dtype === "float64";
      default:
        return false;
    }
  };
  const areApart = nodes.every((node) => {
    const inputs = inputsOf(node);
    isSum.push(node.kind === "reduce" || inputs.some((input) => isSum[input]));
    const takesPart = node.dtype === "float64" || inputs.some(isWide);
    return !takesPart || (isFloating(node) && isApart(node));
  });
  return areApart ? 4 : 2;
}

/** `nest` with its loops in another order. */
function reordered(nest: Nest, order: readonly number[]): Nest {
  const mapped = mapAffines(nest, (affine) => ({
    ...affine,
    strides: order.map((loop) => affine.strides[loop]),
  }));
  return { ...mapped, lengths: order.map((loop) => nest.lengths[loop]) };
}

/** `nest` inside a loop of one round. */
function withLoop(nest: Nest): Nest {
  const mapped = mapAffines(nest, (affine) => ({ ...affine, strides: [0, ...affine.strides] }));
  return { ...mapped, lengths: [1, ...nest.lengths] };
}

/** `nest` with one loop split in two, the inner one of the given length. */
function cut(nest: Nest, loop: number, length: number): Nest {
  const mapped = mapAffines(nest, (affine) => ({
    ...affine,
    strides: affine.strides.toSpliced(loop, 0, affine.strides[loop] * length),
  }));
  const lengths = nest.lengths.toSpliced(loop, 1, nest.lengths[loop] / length, length);
  return { ...mapped, lengths };
}

/** The leading kept loops whose rounds together are the rows; the rows are converted to rounds. */
function splitByRows(lengths: readonly number[], kept: number, rows: Rows): LoopSplit {
  let [loops, rounds] = [0, 1];
  while (rounds < rows.count && loops < kept) rounds *= lengths[loops++];
  const unit = rounds / rows.count;
  if (!Number.isInteger(unit)) {
    throw internalError(`Cannot divide loops of ${lengths.slice(0, kept)} into ${rows.count} rows`);
  }
  return { loops, count: rounds, perChunk: rows.perChunk * unit };
}

/** Loops that no chunk cuts need not be split. */
function trimmed(
  lengths: readonly number[],
  split: LoopSplit,
): LoopSplit {
  let { loops, count, perChunk } = split;
  while (loops > 1 && perChunk % lengths[loops - 1] === 0) {
    loops--;
    count /= lengths[loops];
    perChunk /= lengths[loops];
  }
  return { loops, count, perChunk };
}

/**
 * The loop along which those loads are contiguous that are not contiguous along the loop of the
 * vectors; together with the vectors of several of its rounds they can be transposed.
 */
function tileOf(nest: Nest, vector: number, first: number, lanes: Lanes): number | undefined {
  if (nest.reduced > 0) return undefined;
  let [best, most] = [-1, 0];
  for (let loop = first; loop < nest.lengths.length; loop++) {
    if (loop === vector || nest.lengths[loop] < lanes) continue;
    const count = nest.nodes.filter((node) => isTransposed(node, vector, loop, lanes)).length;
    if (count > most) [best, most] = [loop, count];
  }
  return most > 0 ? best : undefined;
}

/**
 * Whether a node loads from elements that are contiguous along `tile` and far apart along `vector`.
 */
export function isTransposed(node: LoopNode, vector: number, tile: number, lanes: Lanes): boolean {
  return node.kind === "load" && (node.guards ?? []).length === 0 &&
    byteSize(node.dtype) * lanes === 16 &&
    node.from.strides[tile] === 1 && Math.abs(node.from.strides[vector]) > 1;
}

/** The loop to fill lanes with: the cheapest of `loops`, and among equals the last. */
function cheapest(loops: readonly number[], cost: (loop: number) => number): number {
  let [best, least] = [loops[0], Infinity];
  for (const loop of loops) {
    const own = cost(loop);
    if (own <= least) [best, least] = [loop, own];
  }
  return best;
}

/** The number of rounds of a loop that are unrolled into one. */
export function blockOf({ vector, unroll, lanes, tile }: Plan, loop: number): number {
  return loop === vector ? unroll * lanes : loop === tile?.loop ? tile.rounds : 1;
}

/** The loops that chunks divide, if the rows of each chunk are given. */
function fixedSplit({ lengths, reduced }: Nest, rows: Rows | undefined): LoopSplit | undefined {
  if (rows === undefined) return undefined;
  return trimmed(lengths, splitByRows(lengths, lengths.length - reduced, rows));
}

/**
 * Plans a simplified nest without empty loops.
 *
 * @param rows The rows that each chunk does; chosen by the plan by default.
 */
export function makePlan(simplified: Nest, rows?: Rows): Plan {
  const nest = simplified.lengths.length === 0 ? withLoop(simplified) : simplified;
  const { lengths } = nest;
  const lanes = lanesOf(nest);
  const inside = inReduction(nest, isRegular);
  const loops = fixedSplit(nest, rows)?.loops ?? 0;
  // All but the last of the loops that chunks divide must stay outside.
  const first = Math.max(0, loops - 1);
  const candidates = lengths.map((_, loop) => loop).slice(first);
  const vector = cheapest(candidates, (loop) => costAlong(nest, lanes, loop, inside));
  const tile = tileOf(nest, vector, first, lanes);
  if (
    tile !== undefined && vector >= loops && lengths[vector] > RUN && lengths[vector] % RUN === 0
  ) {
    // In short runs, the rest of each cache line that has been read is used soon.
    return planAlong(cut(nest, vector, RUN), vector + 1, tile > vector ? tile + 1 : tile, rows);
  }
  return planAlong(nest, vector, tile, rows);
}

/** Plans a nest whose vectors run along `vector`, in tiles with the loop `tileLoop` if it is given. */
function planAlong(
  nest: Nest,
  vector: number,
  tileLoop: number | undefined,
  rows: Rows | undefined,
): Plan {
  const { lengths, reduced } = nest;
  const kept = lengths.length - reduced;
  const lanes = lanesOf(nest);
  const inside = inReduction(nest, isRegular);
  const fixed = fixedSplit(nest, rows);
  const all = lengths.map((_, loop) => loop);
  const unroll = tileLoop === undefined ? unrollOf(nest, vector, kept, inside) : 1;
  const units = lengths.map((_, loop) => loop === vector ? unroll * lanes : 1);
  if (tileLoop !== undefined) units[tileLoop] = TILE;
  // All loops but the last divided one stay outside.
  const last = Math.min(vector, tileLoop ?? vector, kept - 1);
  const divided = fixed ?? chooseSplit(nest, last, units);
  const others = all.filter((loop) => loop !== vector && loop !== tileLoop);
  const inner = tileLoop === undefined ? [vector] : [tileLoop, vector];
  const order = vector < kept
    ? [...others.slice(0, kept - inner.length), ...inner, ...others.slice(kept - inner.length)]
    : [...others, vector];
  const ordered = reordered(nest, order);
  const position = order.indexOf(vector);
  return {
    nest: ordered,
    lanes,
    kept,
    vector: position,
    unroll,
    group: position >= kept ? Math.min(unroll, 2) : unroll,
    tile: tileLoop === undefined ? undefined : { loop: position - 1, rounds: TILE },
    split: {
      loops: Array.from({ length: divided.loops }, (_, loop) => order.indexOf(loop)),
      count: divided.count,
      perChunk: divided.perChunk,
      chunks: Math.ceil(divided.count / divided.perChunk),
      isRows: divided.loops > 0,
    },
  };
}

/**
 * Leading loops, at most up to loop `last`, divided into about as many chunks as the work
 * justifies. A chunk has a multiple of `units` rounds of the last of them.
 */
function chooseSplit(
  nest: Nest,
  last: number,
  units: readonly number[],
): LoopSplit {
  const { lengths } = nest;
  const wanted = chunksFor(workOf(nest));
  let [loops, count] = [0, 1];
  while (count < wanted && loops <= last) count *= lengths[loops++];
  if (loops === 0) return { loops: 0, count: 1, perChunk: 1 };
  if (loops > 1 && lengths[loops - 1] < 4 * units[loops - 1]) {
    // A short loop is not worth cutting.
    loops--;
    count /= lengths[loops];
  }
  const unit = units[loops - 1];
  const perChunk = Math.ceil(Math.ceil(count / wanted) / unit) * unit;
  return trimmed(lengths, { loops, count, perChunk });
}
