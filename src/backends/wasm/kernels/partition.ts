/**
 * Division of work into chunks.
 *
 * @module
 */
import type { Code } from "../assembler/code.ts";
import type { Expression, Local } from "../assembler/expression.ts";
import { i32 } from "../assembler/operations.ts";
import { smaller, times } from "./addresses.ts";
import type { Rows } from "./kernel.ts";

// Measured on two cores of an AMD EPYC (Zen 3) with Deno 2.9.6, on which waking a thread takes some
// microseconds: compare the groups "shared" of `deno bench bench/thresholds_bench.ts -- 1` and `-- 2`.

/** The amount of work that does not pay for a second thread, in nanoseconds. */
const SMALL = 20_000;

/** The shortest and the longest time that a chunk should take, in nanoseconds. */
const SHORTEST = 10_000;
const LONGEST = 100_000;

/** The number of chunks that keeps a few threads busy to the end. */
const ENOUGH = 16;

/** Units of work divided evenly into chunks. */
export interface Partition extends Rows {
  /** The number of chunks; none if there is nothing to do. */
  readonly chunks: number;
}

/** Divides `count` units, each of which takes about the given number of nanoseconds. */
export function partition(count: number, nanoseconds: number): Partition {
  const total = count * nanoseconds;
  const wanted = total < SMALL
    ? 1
    : Math.max(Math.ceil(total / LONGEST), Math.min(ENOUGH, Math.ceil(total / SHORTEST)));
  const perChunk = Math.max(1, Math.ceil(count / wanted));
  return { count, perChunk, chunks: Math.ceil(count / perChunk) };
}

/** The number after a chunk's last unit. */
export function chunkEnd(
  { count, perChunk }: Rows,
  chunk: Expression<"i32">,
): Expression<"i32"> {
  const end = times(i32.add(chunk, i32.const(1)), perChunk);
  return count % perChunk === 0 ? end : smaller(end, i32.const(count));
}

/** Runs `body` for each unit of a chunk. */
export function eachUnit(
  code: Code,
  units: Rows,
  chunk: Expression<"i32">,
  body: (unit: Local<"i32">) => void,
): void {
  const end = code.let(chunkEnd(units, chunk));
  code.for({ from: times(chunk, units.perChunk), below: end }, body);
}
