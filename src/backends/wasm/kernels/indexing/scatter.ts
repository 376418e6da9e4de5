/**
 * The kernels that write rows into an operand at positions held by an integer buffer: scatterOnto,
 * scatterMax, scatterMin, scatterSet, and lastOf, which finds the last row for each slot.
 *
 * @module
 */
import { byteSize } from "../../../../base/dtype.ts";
import { sizeOf } from "../../../../base/shape.ts";
import type { GatherParams, ScatterParams } from "../../../../primitives/indexing.ts";
import type { Local } from "../../assembler/expression.ts";
import { i32 } from "../../assembler/operations.ts";
import type { Buffer, Builder, Kernel, Stage } from "../kernel.ts";
import { times } from "../addresses.ts";
import { chunkEnd, partition } from "../partition.ts";
import { combineRow, copyRow, rowTime } from "./rows.ts";
import { eachRow, INDEX, walkOf } from "./walk.ts";
import type { Visit, Walk } from "./walk.ts";

/** The operation on rows; `null` if rows are replaced by the updates. */
const COMBINED = {
  scatterSet: null,
  scatterOnto: "add",
  scatterMax: "max",
  scatterMin: "min",
} as const;

/** The kernels that change rows, which may write over their first operand. */
function emitRows(
  name: keyof typeof COMBINED,
): (builder: Builder, inputs: readonly Buffer[], params: GatherParams) => Kernel {
  const combined = COMBINED[name];
  return (builder, [x, updates, indices], params) => {
    const { dtype } = x;
    const at = params.batch + (params.outer?.length ?? 0);
    const width = sizeOf(x.shape.slice(at + 1));
    const rowBytes = width * byteSize(dtype);
    const walk = walkOf(x.shape.slice(0, at), indices, params, x.shape[at], rowBytes);
    const { batches, rows, slots } = walk;
    const parts = partition(batches, rows * rowTime(rowBytes));
    const batchBytes = slots * rowBytes;
    const run = builder.module.function(
      name,
      ["i32", "i32", "i32", "i32", "i32"],
      "none",
      (code, x, updates, indices, out, chunk) => {
        const first = code.let(times(chunk, parts.perChunk));
        const end = code.let(chunkEnd(parts, chunk));
        const start = times(first, batchBytes);
        const length = times(i32.sub(end, first), batchBytes);
        code.if(i32.ne(x, out), () => {
          code.do(builder.memory.copy(i32.add(out, start), i32.add(x, start), length));
        });
        if (rows === 0) return;
        eachRow(code, walk, {
          slots: out,
          indices,
          rows: updates,
          first: times(first, rows),
          end: times(end, rows),
        }, (slot, row) => {
          if (combined === null) copyRow(builder, code, slot, row, rowBytes);
          else combineRow(code, combined, dtype, dtype, slot, row, width);
        });
      },
    );
    const stage: Stage = {
      name,
      run,
      operands: [0, 1, 2, 3],
      chunks: parts.chunks,
      rows: { count: parts.count, perChunk: parts.perChunk },
    };
    return {
      stages: parts.chunks === 0 ? [] : [stage],
      workspaces: [],
      operations: combined === null ? 0 : sizeOf(updates.shape),
      // In place, that is all; otherwise, the time for copying the whole is added.
      bytes: 3 * sizeOf(updates.shape) * byteSize(dtype) + sizeOf(indices.shape) * INDEX,
      inPlace: [[0, 3]],
    };
  };
}

export const emitScatterSet = emitRows("scatterSet");

export const emitScatterOnto = emitRows("scatterOnto");

export const emitScatterMax = emitRows("scatterMax");

export const emitScatterMin = emitRows("scatterMin");

/** The kernel of `lastOf`: which indices are the last to point to their slot. */
export function emitLastOf(
  builder: Builder,
  [indices]: readonly Buffer[],
  { batch, size }: ScatterParams,
): Kernel {
  const lead = indices.shape.slice(0, batch);
  const batches = sizeOf(lead);
  const walk: Walk = {
    ...walkOf(lead, indices, { batch }, size, 1),
    slotBytes: INDEX,
    batches: 1,
  };
  const { rows } = walk;
  const count = sizeOf(indices.shape);
  const run = builder.module.function(
    "lastOf",
    ["i32", "i32", "i32", "i32"],
    "none",
    (code, indices, out, slots, _chunk) => {
      // Each slot holds the last position that was written to it; other slots are never read.
      const eachPosition = (batch: Local<"i32">, visit: Visit): void =>
        eachRow(code, walk, {
          slots,
          indices: i32.add(indices, times(batch, rows * INDEX)),
          rows: i32.add(out, times(batch, rows)),
          first: i32.const(0),
          end: i32.const(rows),
        }, visit);
      code.for({ below: batches }, (batch) => {
        eachPosition(batch, (slot, row) => code.do(i32.store(slot, row)));
        eachPosition(batch, (slot, row) => {
          code.do(i32.store8(row, i32.eq(i32.load(slot), row)));
        });
      });
    },
  );
  const stage: Stage = { name: "lastOf", run, operands: [0, 1, 2], chunks: 1 };
  return {
    stages: count === 0 ? [] : [stage],
    workspaces: [size * INDEX],
    operations: 0,
    bytes: 4 * count * INDEX,
  };
}
