/**
 * Loads of the vectors of a round: contiguous, broadcast to all lanes, lane by lane, transposed,
 * and guarded.
 *
 * @module
 */
import { byteSize } from "../../../../base/dtype.ts";
import type { Code } from "../../assembler/code.ts";
import type { Expression, Local } from "../../assembler/expression.ts";
import { i32, i32x4 } from "../../assembler/operations.ts";
import type { Guard, LoopNode } from "../../../../lowering/nest.ts";
import { type Cursor, type Cursors, plus } from "./cursors.ts";
import { dependsOnlyOn } from "../../../../lowering/guards.ts";
import { gathered, loadLane, loadShuffled, loadSplat, loadVector, transposed } from "../lanes.ts";
import { isTransposed, type Plan } from "./plan.ts";

type Load = LoopNode & { readonly kind: "load" };

/** The vectors that are computed together. */
export interface Round {
  /** The number of the first of them. */
  readonly first: number;
  /** Their number. */
  readonly vectors: number;
  /**
   * How many lanes of the last one count; all lanes of the others count. In tiles, the number for
   * each.
   */
  readonly active: number;
}

/** Rounds of a loop. */
export interface Segment {
  readonly from: number;
  readonly below: number;
}

/** The current point of the code. */
export interface Spot {
  readonly code: Code;
  readonly plan: Plan;
  readonly cursors: Cursors;
  /** The vectors that are being computed. */
  readonly round: Round;
  /** Which rounds of the vectors' loop are being written, if that is known. */
  readonly segment: Segment | undefined;
}

interface Test {
  readonly guard: { readonly below: number; readonly strides: readonly number[] };
  readonly cursor: Cursor;
}

/** The number of lanes that count in vector `i` of the round. */
export function activeIn(spot: Spot, i: number): number {
  const { vectors, active } = spot.round;
  return i === vectors - 1 || spot.plan.tile !== undefined ? active : spot.plan.lanes;
}

/** The distance of vector `i` of the round from the cursors. */
export function shift(spot: Spot, strides: readonly number[], i: number): number {
  const { tile, vector } = spot.plan;
  const k = spot.round.first + i;
  return k * (tile === undefined ? spot.plan.lanes * strides[vector] : strides[tile.loop]);
}

/** Loads the inputs of a node in this round. */
export function writeLoad(spot: Spot, node: Load, varies: boolean): readonly Local<"v128">[] {
  const code = spot.code;
  const { vector, tile } = spot.plan;
  const { dtype, from: { strides } } = node;
  const guards = openGuards(spot, node);
  if (guards === "fail") return [code.let(i32x4.const(0))];
  const count = varies ? spot.round.vectors : 1;
  if (tile !== undefined && count > 1 && isTransposed(node, vector, tile.loop, spot.plan.lanes)) {
    return loadTransposed(spot, node);
  }
  const results = Array.from({ length: count }, () => code.local("v128"));
  if (guards.length === 0) {
    loadWhole(spot, node, results);
    return results;
  }
  const tests = guards.map((guard) => ({ guard, cursor: spot.cursors.ofCount(guard) }));
  const inside = (i: number, lane: number, these: readonly Test[] = tests): Expression<"i32"> =>
    these
      .map(({ guard, cursor: { current } }) => {
        const distance = shift(spot, guard.strides, i) + lane * guard.strides[vector];
        return i32.ltU(plus(current, distance), i32.const(guard.below));
      })
      .reduce((all, test) => i32.and(all, test));
  // A guard that holds at the ends holds between them.
  const last = count - 1;
  const moving = tests.filter(({ guard }) =>
    shift(spot, guard.strides, last) !== 0 || guard.strides[vector] !== 0
  );
  const ends = [inside(0, 0)];
  if (moving.length > 0) ends.push(inside(last, activeIn(spot, last) - 1, moving));
  if (tile !== undefined && moving.length > 0) {
    ends.push(inside(last, 0, moving), inside(0, activeIn(spot, 0) - 1, moving));
  }
  const all = ends.reduce((every, test) => i32.and(every, test));
  code.if(all, () => loadWhole(spot, node, results), () => {
    for (const result of results) code.set(result, i32x4.const(0));
    // Guards that are the same for all lanes fail for all.
    if (moving.length === 0) return;
    const { cursor: { current }, bytes } = spot.cursors.ofAccess(node.from, true);
    const size = byteSize(dtype);
    results.forEach((result, i) => {
      for (let lane = 0; lane < activeIn(spot, i); lane++) {
        code.if(inside(i, lane), () => {
          const distance = shift(spot, strides, i) + lane * strides[vector];
          // The address of the first lane may lie before the start of the memory, so constant
          // offsets cannot be used.
          const address = plus(current, bytes + distance * size);
          code.set(result, loadLane(dtype, address, 0, result, lane, spot.plan.lanes));
        });
      }
      code.set(result, gathered(code, dtype, result, spot.plan.lanes));
    });
  });
  return results;
}

/** The guards of a load that must be tested, or the information that one is known to fail. */
function openGuards(spot: Spot, { guards = [] }: Load): readonly Guard[] | "fail" {
  const { vector } = spot.plan;
  const segment = spot.segment;
  if (segment === undefined) return guards;
  const open: Guard[] = [];
  for (const guard of guards) {
    const [first, last] = [segment.from, segment.below - 1].map((round) =>
      guard.offset + round * guard.strides[vector]
    );
    const isInside = (number: number): boolean => number >= 0 && number < guard.below;
    if (!dependsOnlyOn(guard, vector)) open.push(guard);
    else if (Math.max(first, last) < 0 || Math.min(first, last) >= guard.below) return "fail";
    else if (!isInside(first) || !isInside(last)) open.push(guard);
  }
  return open;
}

/** Loads if no guard fails. */
function loadWhole(
  spot: Spot,
  { dtype, from, guards = [] }: Load,
  results: readonly Local<"v128">[],
): void {
  const code = spot.code;
  const isGuarded = guards.length > 0;
  const { cursor, bytes } = spot.cursors.ofAccess(from, isGuarded);
  const size = byteSize(dtype);
  const { vector, lanes } = spot.plan;
  const stride = from.strides[vector];
  // If guards hold only here, the first address of the round may lie before the start of the
  // memory.
  const base = isGuarded ? bytes + size * shift(spot, from.strides, 0) : 0;
  const current = base === 0 ? cursor.current : code.let(plus(cursor.current, base));
  results.forEach((result, i) => {
    const start = bytes + size * shift(spot, from.strides, i) - base;
    const isWhole = activeIn(spot, i) === lanes;
    const value = stride === 0
      ? loadSplat(code, dtype, current, start, lanes)
      : stride === 1
      ? loadVector(code, dtype, current, start, lanes)
      : loadShuffled(dtype, current, start, { stride, isWhole, lanes });
    if (value !== undefined) code.set(result, value);
    else {
      code.set(result, i32x4.const(0));
      for (let lane = 0; lane < activeIn(spot, i); lane++) {
        const at = start + lane * stride * size;
        code.set(result, loadLane(dtype, current, at, result, lane, lanes));
      }
      code.set(result, gathered(code, dtype, result, lanes));
    }
  });
}

/**
 * Loads a square of vectors, or the part of it that exists, along the tile's loop, and transposes
 * it.
 */
function loadTransposed(spot: Spot, { dtype, from }: Load): readonly Local<"v128">[] {
  const code = spot.code;
  const { vectors, active } = spot.round;
  const { cursor: { current }, bytes } = spot.cursors.ofAccess(from, false);
  const size = byteSize(dtype);
  const start = bytes + size * shift(spot, from.strides, 0);
  const stride = size * from.strides[spot.plan.vector];
  const rows = Array.from({ length: spot.plan.lanes }, (_, lane) =>
    code.let(
      lane < active
        ? loadVector(code, dtype, current, start + lane * stride, spot.plan.lanes)
        : i32x4.const(0),
    ));
  return transposed(code, rows).slice(0, vectors).map((value) => code.let(value));
}
