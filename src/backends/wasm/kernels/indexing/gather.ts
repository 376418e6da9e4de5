/**
 * The kernel of gather: rows at positions held by an integer buffer.
 *
 * @module
 */
import { byteSize } from "../../../../base/dtype.ts";
import { sizeOf } from "../../../../base/shape.ts";
import type { GatherParams } from "../../../../primitives/indexing.ts";
import { i32x4, v128 } from "../../assembler/operations.ts";
import type { Buffer, Builder, Kernel, Stage } from "../kernel.ts";
import { times } from "../addresses.ts";
import { chunkEnd, partition } from "../partition.ts";
import { copyRow, rowTime } from "./rows.ts";
import { eachRow, INDEX, walkOf } from "./walk.ts";
import type { Part, VisitFour } from "./walk.ts";

/** The kernel of `gather`: `x` and `indices` to rows of `x`. */
export function emitGather(
  builder: Builder,
  [x, indices]: readonly Buffer[],
  params: GatherParams,
  output: Buffer,
): Kernel {
  const element = byteSize(x.dtype);
  const at = params.batch + (params.outer?.length ?? 0);
  const width = sizeOf(x.shape.slice(at + 1));
  const rowBytes = width * element;
  const walk = walkOf(x.shape.slice(0, at), indices, params, x.shape[at], rowBytes);
  const parts = partition(walk.batches * walk.rows, rowTime(rowBytes));
  const run = builder.module.function(
    "gather",
    ["i32", "i32", "i32", "i32"],
    "none",
    (code, x, indices, out, chunk) => {
      const part: Part = {
        slots: x,
        indices,
        rows: out,
        first: times(chunk, parts.perChunk),
        end: chunkEnd(parts, chunk),
      };
      const copyFour: VisitFour = (slots, row) => {
        const lane = (i: number) => i32x4.extractLane(slots, i);
        let four = v128.load32Zero(lane(0));
        for (const i of [1, 2, 3]) four = v128.load32Lane(lane(i), four, i);
        code.do(v128.store(row, four, { align: 4 }));
      };
      eachRow(
        code,
        walk,
        part,
        (slot, row) => copyRow(builder, code, row, slot, rowBytes),
        rowBytes === 4 ? copyFour : undefined,
      );
    },
  );
  const rows = { count: parts.count, perChunk: parts.perChunk };
  const stage: Stage = { name: "gather", run, operands: [0, 1, 2], chunks: parts.chunks, rows };
  return {
    stages: parts.chunks === 0 ? [] : [stage],
    workspaces: [],
    operations: 0,
    bytes: 2 * sizeOf(output.shape) * element + sizeOf(indices.shape) * INDEX,
  };
}
