/**
 * A stable merge sort of short lines' records in scratch memory. Short runs of records are sorted
 * by networks (K. E. Batcher, "Sorting networks and their applications", 1968). Runs of equal
 * length are merged from both ends at once, without testing for the end of either: neither can be
 * exhausted before half of the result is written.
 *
 * @module
 */
import { byteSize, type Dtype } from "../../../../base/dtype.ts";
import type { Code } from "../../assembler/code.ts";
import type { Local } from "../../assembler/expression.ts";
import type { Memory } from "../../assembler/memory.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { i32, i64, select, v128 } from "../../assembler/operations.ts";
import { advance, type Pointer, times } from "../addresses.ts";
import { type Builder, type Kernel, SCRATCH_BYTES, type Stage } from "../kernel.ts";
import { chunkEnd, partition } from "../partition.ts";
import {
  INDEX,
  indexOffset,
  type Lines,
  lineStarts,
  readLongKey,
  readShortKey,
  recordBytes,
} from "./lines.ts";

/** The longest run that a network sorts. */
const NETWORK = 8;

/** The parameters of a kernel, apart from its estimates. */
type Work = Pick<Kernel, "stages" | "workspaces">;

/** A number of records that is a power of two times a short run. */
interface Padded {
  readonly total: number;
  /** The length of the runs that are sorted by networks. */
  readonly run: number;
}

/** The smallest number of records, at least `length`, that can be merged from runs of equal length. */
function padded(length: number): Padded {
  let runs = 1;
  while (Math.ceil(length / runs) > NETWORK) runs *= 2;
  const run = Math.ceil(length / runs);
  return { total: run * runs, run };
}

/**
 * Nanoseconds for an element of a line, and additionally for each doubling of the line, on one core
 * of an AMD EPYC (Zen 3) with Deno 2.9.6. The group "time: argsort" of
 * `deno bench bench/thresholds_bench.ts` measures it again.
 */
const ELEMENT_TIME = { self: 8, doubling: 1.5 };

/** The time that sorting a line takes, in nanoseconds. */
function sortTime(length: number): number {
  return length * (ELEMENT_TIME.self + ELEMENT_TIME.doubling * Math.log2(length + 1));
}

/** Sorts each line in scratch memory. */
export function sortByMerging(builder: Builder, lines: Lines): Work {
  const { dtype, length, stride } = lines;
  const record = recordBytes(dtype);
  const parts = partition(lines.count, sortTime(length));
  const sort = builder.once(emitLine, lines);
  const write = builder.once(emitWriteIndices, lines);
  const run = builder.module.function(
    "argsort",
    ["i32", "i32", "i32"],
    "none",
    (code, ...operands) => {
      const [x, out, chunk] = operands;
      const first = times(chunk, parts.perChunk);
      const end = code.let(chunkEnd(parts, chunk));
      code.for({ from: first, below: end }, (line) => {
        const { from, to } = lineStarts(code, lines, x, out, line);
        const sorted = code.let(sort.call(from));
        const last = i32.add(sorted, i32.const(length * record));
        code.do(write.call(sorted, last, to));
      });
    },
  );
  const rows = stride === 1 ? { count: parts.count, perChunk: parts.perChunk } : undefined;
  const stage: Stage = { name: "argsort", run, operands: [0, 1], chunks: parts.chunks, rows };
  return { stages: [stage], workspaces: [] };
}

/** Writes the indices of records from one address in scratch memory to another. */
function emitWriteIndices(builder: Builder, { dtype, stride }: Lines): FunctionReference<
  readonly ["i32", "i32", "i32"],
  "none"
> {
  return builder.module.function(
    "indices",
    ["i32", "i32", "i32"],
    "none",
    (code, from, end, to) => {
      const place = { memory: builder.scratch, offset: indexOffset(dtype) };
      code.for({ from, below: end, step: recordBytes(dtype) }, (from) => {
        code.do(i32.store(to, i32.load(from, place)));
        code.set(to, advance(to, stride * INDEX));
      });
    },
  );
}

/** Sorts a line: a function of its address that returns the start of its records in scratch memory. */
function emitLine(
  builder: Builder,
  lines: Lines,
): FunctionReference<readonly ["i32"], "i32"> {
  const { dtype, length } = lines;
  const record = recordBytes(dtype);
  const { total, run } = padded(length);
  const bytes = total * record;
  const filled = length * record;
  const read = builder.once(emitReadRecords, lines);
  const network = builder.once(emitNetwork, { dtype, run });
  const merge = builder.once(emitMergeRuns, dtype);
  return builder.module.function("line", ["i32"], "i32", (code, line) => {
    const { scratch } = builder;
    code.do(read.call(line));
    code.do(scratch.fill(i32.const(filled), i32.const(0xff), i32.const(bytes - filled)));
    code.do(network.call(i32.const(0), i32.const(bytes)));
    let from = 0;
    for (let half = run * record; half < bytes; half *= 2) {
      const to = SCRATCH_BYTES / 2 - from;
      const shift = i32.const(to - from);
      code.for({ from, below: from + bytes, step: 2 * half }, (at) => {
        code.do(merge.call(at, i32.add(at, shift), i32.const(half)));
      });
      from = to;
    }
    return i32.const(from);
  });
}

/** Writes a line's records to the beginning of scratch memory: a function of the line's address. */
function emitReadRecords(
  builder: Builder,
  { dtype, descending, length, stride }: Lines,
): FunctionReference<readonly ["i32"], "none"> {
  const record = recordBytes(dtype);
  return builder.module.function("records", ["i32"], "none", (code, from) => {
    const { scratch: memory } = builder;
    const index = code.local("i64");
    code.set(index, i64.const(0));
    code.for({ below: length * record, step: record }, (to) => {
      if (dtype === "float64") {
        code.do(i64.store(to, readLongKey(code, descending, from), { memory }));
        code.do(i64.store(to, index, { memory, offset: 8 }));
      } else {
        const key = i64.extendI32U(readShortKey(code, dtype, descending, from));
        code.do(i64.store(to, i64.or(i64.shl(key, i64.const(32)), index), { memory }));
      }
      code.set(index, i64.add(index, i64.const(1)));
      code.set(from, advance(from, stride * byteSize(dtype)));
    });
  });
}

/**
 * Pairs of positions that sort a number of records if they are ordered one after another: Batcher's
 * merge exchange.
 */
function networkOf(length: number): [lower: number, upper: number][] {
  const pairs: [number, number][] = [];
  let top = 1;
  while (top * 2 < length) top *= 2;
  // D. E. Knuth, "The Art of Computer Programming", volume 3, algorithm 5.2.2 M.
  for (let p = top; p >= 1; p = Math.floor(p / 2)) {
    let q = top;
    let r = 0;
    let d = p;
    for (;;) {
      for (let i = 0; i < length - d; i++) if ((i & p) === r) pairs.push([i, i + d]);
      if (q === p) break;
      d = q - p;
      q /= 2;
      r = p;
    }
  }
  return length < 2 ? [] : pairs;
}

/** Sorts each run of a number of records in scratch memory from one address to another. */
function emitNetwork(
  builder: Builder,
  { dtype, run }: { readonly dtype: Dtype; readonly run: number },
): FunctionReference<
  readonly ["i32", "i32"],
  "none"
> {
  const record = recordBytes(dtype);
  return builder.module.function("network", ["i32", "i32"], "none", (code, from, end) => {
    const { scratch: memory } = builder;
    const isLong = record === 16;
    code.for({ from, below: end, step: run * record }, (at) => {
      const places = Array.from({ length: run }, (_, i) => ({ memory, offset: i * record }));
      const keys = places.map((place) => code.let(i64.load(at, place)));
      const indices = !isLong
        ? []
        : places.map(({ offset }) => code.let(i64.load(at, { memory, offset: offset + 8 })));
      function exchange(values: readonly Local<"i64">[], i: number, j: number, swap: Pointer) {
        const lower = code.let(select(swap, values[j], values[i]));
        code.set(values[j], select(swap, values[i], values[j]));
        code.set(values[i], lower);
      }
      for (const [i, j] of networkOf(run)) {
        const isAbove = i64.ltU(keys[j], keys[i]);
        const swap = code.let(
          isLong
            ? i32.or(
              isAbove,
              i32.and(i64.eq(keys[j], keys[i]), i64.ltU(indices[j], indices[i])),
            )
            : isAbove,
        );
        exchange(keys, i, j, swap);
        if (isLong) exchange(indices, i, j, swap);
      }
      places.forEach((place, i) => code.do(i64.store(at, keys[i], place)));
      indices.forEach((index, i) => {
        code.do(i64.store(at, index, { memory, offset: i * record + 8 }));
      });
    });
  });
}

/** Writes code that copies a record. */
function moveRecord(
  code: Code,
  dtype: Dtype,
  to: Pointer,
  from: Pointer,
  memory: Memory,
): void {
  const place = { memory, align: 8 };
  if (recordBytes(dtype) === 16) code.do(v128.store(to, v128.load(from, place), place));
  else code.do(i64.store(to, i64.load(from, place), place));
}

/**
 * Merges two runs of equal length in scratch memory: a function of the address of the first, which
 * the second follows, the address of the result, and the bytes of each run.
 */
function emitMergeRuns(builder: Builder, dtype: Dtype): FunctionReference<
  readonly ["i32", "i32", "i32"],
  "none"
> {
  const record = recordBytes(dtype);
  return builder.module.function(
    "merge",
    ["i32", "i32", "i32"],
    "none",
    (code, first, to, bytes) => {
      const { scratch: memory } = builder;
      const second = code.let(i32.add(first, bytes));
      const lastFirst = code.let(advance(second, -record));
      const lastSecond = code.let(i32.add(lastFirst, bytes));
      const shift = code.let(i32.sub(bytes, i32.const(record)));
      const end = code.let(i32.add(to, bytes));
      const back = code.let(i32.add(end, shift));
      const key = (at: Pointer) => i64.load(at, { memory });
      code.loop((again) => {
        const fromSecond = code.let(i64.ltU(key(second), key(first)));
        const fromFirst = code.let(i64.ltU(key(lastSecond), key(lastFirst)));
        moveRecord(code, dtype, to, select(fromSecond, second, first), memory);
        moveRecord(code, dtype, back, select(fromFirst, lastFirst, lastSecond), memory);
        const step = code.let(times(fromSecond, record));
        code.set(second, i32.add(second, step));
        code.set(first, i32.sub(advance(first, record), step));
        const stepBack = code.let(times(fromFirst, record));
        code.set(lastFirst, i32.sub(lastFirst, stepBack));
        code.set(lastSecond, i32.add(advance(lastSecond, -record), stepBack));
        code.set(back, advance(back, -record));
        code.set(to, advance(to, record));
        code.branchIf(again, i32.ltU(to, end));
      });
    },
  );
}
