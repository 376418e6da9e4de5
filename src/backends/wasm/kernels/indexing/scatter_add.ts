/**
 * The kernel of scatterAdd: sums of the rows of each slot.
 *
 * @module
 */
import { byteSize, type Dtype } from "../../../../base/dtype.ts";
import { sizeOf } from "../../../../base/shape.ts";
import type { ScatterAddParams } from "../../../../primitives/indexing.ts";
import type { Effect } from "../../assembler/expression.ts";
import { f32, f64, i32 } from "../../assembler/operations.ts";
import type { Buffer, Builder, Kernel, Stage } from "../kernel.ts";
import { advance, type Pointer, smaller, times, VECTOR } from "../addresses.ts";
import { chunkEnd, type Partition, partition } from "../partition.ts";
import { combineRow, rowTime } from "./rows.ts";
import { eachRow, INDEX, walkOf } from "./walk.ts";
import type { Walk } from "./walk.ts";

/**
 * The average number of updates per slot from which they are summed in a workspace, in double
 * precision.
 */
const OFTEN = 16;

/** The maximum number of separate copies of the sums for chunks that share slots. */
const COPIES = 8;

/** The kernel of `scatterAdd`: `updates` and `indices` to sums. */
export function emitScatterAdd(
  builder: Builder,
  [updates, indices]: readonly Buffer[],
  params: ScatterAddParams,
  output: Buffer,
): Kernel {
  const { dtype } = updates;
  const { size } = params;
  const at = params.batch + (params.outer?.length ?? 0);
  const width = sizeOf(output.shape.slice(at + 1));
  const rowBytes = width * byteSize(dtype);
  const walk = walkOf(updates.shape.slice(0, at), indices, params, size, rowBytes);
  const often = walk.rows >= OFTEN * size && size > 0 && width > 0;
  const stages = often
    ? builder.once(scatterToCopies, { dtype, width, walk })
    : builder.once(scatterDirectly, { dtype, width, walk });
  const count = sizeOf(updates.shape);
  return {
    ...stages,
    operations: count,
    bytes: (count * 3 + sizeOf(output.shape)) * byteSize(dtype) + sizeOf(indices.shape) * INDEX,
  };
}

// Measured on one core of an AMD EPYC (Zen 3) with Deno 2.9.6, about: the groups "time: scatterAdd" of
// `deno bench bench/thresholds_bench.ts` measure them again.

/** Nanoseconds for an index, in addition to its row. */
const INDEX_TIME = 1;

/** Bytes set to zero per nanosecond, as part of other work and by a separate stage. */
const CLEARED = { onTheWay: 32, alone: 10 };

/** Nanoseconds to add one sum to another. */
const SUM_TIME = 1;

/** The parameters of a kernel, apart from its estimates. */
type Work = Pick<Kernel, "stages" | "workspaces">;

/** Adds updates to the result itself: each chunk owns batches, or columns of a few batches' rows. */
function scatterDirectly(
  builder: Builder,
  { dtype, width, walk }: { readonly dtype: Dtype; readonly width: number; readonly walk: Walk },
): Work {
  const { batches, rows, slots, slotBytes } = walk;
  const element = byteSize(dtype);
  const time = slots * slotBytes / CLEARED.onTheWay +
    rows * (INDEX_TIME + rowTime(walk.rowBytes));
  const parts = partition(batches, time);
  const wanted = partition(width, batches * time / Math.max(1, width)).chunks;
  const columns = parts.chunks >= 8 ? 1 : columnParts(width, element, wanted);
  if (columns > 1) {
    const own = width / columns;
    const run = builder.module.function(
      "scatterAdd",
      ["i32", "i32", "i32", "i32"],
      "none",
      (code, updates, indices, out, chunk) => {
        const start = code.let(times(chunk, own * element));
        eachRow(code, walk, {
          slots: i32.add(out, start),
          indices,
          rows: i32.add(updates, start),
          first: i32.const(0),
          end: i32.const(batches * rows),
        }, (slot, row) => combineRow(code, "add", dtype, dtype, slot, row, own));
      },
    );
    const clear = builder.once(clearStage, { bytes: batches * slots * slotBytes, operand: 2 });
    const stage: Stage = { name: "scatterAdd", run, operands: [0, 1, 2], chunks: columns };
    return { stages: rows === 0 ? clear : [...clear, stage], workspaces: [] };
  }
  const batchBytes = slots * slotBytes;
  const run = builder.module.function(
    "scatterAdd",
    ["i32", "i32", "i32", "i32"],
    "none",
    (code, updates, indices, out, chunk) => {
      const first = code.let(times(chunk, parts.perChunk));
      const end = code.let(chunkEnd(parts, chunk));
      const start = i32.add(out, times(first, batchBytes));
      const length = times(i32.sub(end, first), batchBytes);
      code.do(builder.memory.fill(start, i32.const(0), length));
      if (rows === 0) return;
      eachRow(code, walk, {
        slots: out,
        indices,
        rows: updates,
        first: times(first, rows),
        end: times(end, rows),
      }, (slot, row) => combineRow(code, "add", dtype, dtype, slot, row, width));
    },
  );
  const stage: Stage = {
    name: "scatterAdd",
    run,
    operands: [0, 1, 2],
    chunks: parts.chunks,
    rows: { count: parts.count, perChunk: parts.perChunk },
  };
  return { stages: parts.chunks === 0 ? [] : [stage], workspaces: [] };
}

/** The number of equal parts of whole vectors to divide a number of columns into; at most `wanted`. */
function columnParts(width: number, element: number, wanted: number): number {
  for (
    let parts = Math.min(wanted, Math.floor(width * element / (4 * VECTOR)));
    parts > 1;
    parts--
  ) {
    if ((width * element) % (parts * VECTOR) === 0) return parts;
  }
  return 1;
}

/** A stage that sets bytes of a buffer to zero. */
function clearStage(
  builder: Builder,
  { bytes, operand }: { readonly bytes: number; readonly operand: number },
): Stage[] {
  const unit = 4096;
  const parts = partition(Math.ceil(bytes / unit), unit / CLEARED.alone);
  if (parts.chunks === 0) return [];
  const run = builder.module.function("clear", ["i32", "i32"], "none", (code, out, chunk) => {
    const start = code.let(times(chunk, parts.perChunk * unit));
    const length = smaller(i32.const(parts.perChunk * unit), i32.sub(i32.const(bytes), start));
    code.do(builder.memory.fill(i32.add(out, start), i32.const(0), length));
  });
  return [{ name: "clear", run, operands: [operand], chunks: parts.chunks }];
}

/**
 * Adds updates to sums in a workspace. Chunks that share slots have separate copies, which are
 * added up at the end. There are few slots compared with updates.
 */
function scatterToCopies(
  builder: Builder,
  { dtype, width, walk }: { readonly dtype: Dtype; readonly width: number; readonly walk: Walk },
): Work {
  const { batches, rows, slots } = walk;
  const sumDtype: Dtype = dtype === "float32" ? "float64" : dtype;
  const sumBytes = byteSize(sumDtype);
  const sums = { ...walk, slotBytes: width * sumBytes };
  const batchBytes = slots * sums.slotBytes;
  const total = batches * slots * width;
  const time = rows * (INDEX_TIME + rowTime(walk.rowBytes));
  const byBatch = batches >= COPIES;
  const parts = byBatch
    ? partition(batches, time)
    : partition(batches * rows, time / Math.max(1, rows));
  // Sums of rows that several chunks share need a copy for each of them.
  const affordable = Math.min(COPIES, Math.floor(rows / (slots * OFTEN / 2)));
  const shared = byBatch ? parts : atMost(parts, affordable);
  const copies = byBatch ? 1 : shared.chunks;
  const copyBytes = Math.ceil(batches * batchBytes / 64) * 64;
  const run = builder.module.function(
    "scatterAdd",
    ["i32", "i32", "i32", "i32"],
    "none",
    (code, updates, indices, out, chunk) => {
      const first = code.let(times(chunk, shared.perChunk));
      const end = code.let(chunkEnd(shared, chunk));
      const copy = code.let(byBatch ? out : i32.add(out, times(chunk, copyBytes)));
      const start = byBatch ? i32.add(copy, times(first, batchBytes)) : copy;
      const length = byBatch
        ? times(i32.sub(end, first), batchBytes)
        : i32.const(batches * batchBytes);
      code.do(builder.memory.fill(start, i32.const(0), length));
      const perUnit = byBatch ? rows : 1;
      eachRow(code, sums, {
        slots: copy,
        indices,
        rows: updates,
        first: times(first, perUnit),
        end: times(end, perUnit),
      }, (slot, row) => combineRow(code, "add", sumDtype, dtype, slot, row, width));
    },
  );
  const stages: Stage[] = [{
    name: "scatterAdd",
    run,
    operands: [0, 1, 3],
    chunks: shared.chunks,
  }];
  const finals = partition(total, copies * SUM_TIME);
  const finish = builder.module.function(
    "finish",
    ["i32", "i32", "i32"],
    "none",
    (code, out, sums, chunk) => {
      const first = code.let(times(chunk, finals.perChunk));
      const from = code.let(i32.add(sums, times(first, sumBytes)));
      const to = code.let(i32.add(out, times(first, byteSize(dtype))));
      const end = i32.add(sums, times(chunkEnd(finals, chunk), sumBytes));
      const stop = code.let(end);
      code.for({ from, below: stop, step: sumBytes }, (from) => {
        code.do(storeSum(dtype, to, from, copies, copyBytes));
        code.set(to, advance(to, byteSize(dtype)));
      });
    },
  );
  stages.push({ name: "scatterAdd", run: finish, operands: [2, 3], chunks: finals.chunks });
  return { stages: parts.chunks === 0 ? [] : stages, workspaces: [copies * copyBytes] };
}

/** The same units in at most a given number of chunks. */
function atMost(parts: Partition, chunks: number): Partition {
  const perChunk = Math.max(parts.perChunk, Math.ceil(parts.count / chunks));
  return { count: parts.count, perChunk, chunks: Math.ceil(parts.count / perChunk) };
}

/** Stores the sum of the copies of one element. */
function storeSum(
  dtype: Dtype,
  to: Pointer,
  from: Pointer,
  copies: number,
  copyBytes: number,
): Effect {
  // An address this far away cannot be an offset of an access.
  const place = (i: number) => advance(from, i * copyBytes);
  if (dtype === "float32" || dtype === "float64") {
    let sum = f64.load(from);
    for (let i = 1; i < copies; i++) sum = f64.add(sum, f64.load(place(i)));
    return dtype === "float64" ? f64.store(to, sum) : f32.store(to, f32.demoteF64(sum));
  }
  let sum = i32.load(from);
  for (let i = 1; i < copies; i++) sum = i32.add(sum, i32.load(place(i)));
  return i32.store(to, sum);
}
