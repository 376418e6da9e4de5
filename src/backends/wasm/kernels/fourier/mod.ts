/**
 * The kernel of Fourier transforms.
 *
 * @module
 */
import { byteSize, type FloatDtype } from "../../../../base/dtype.ts";
import { range, sizeOf } from "../../../../base/shape.ts";
import type { FourierParams } from "../../../../primitives/fourier.ts";
import type { Code } from "../../assembler/code.ts";
import type { Expression, Local } from "../../assembler/expression.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { i32 } from "../../assembler/operations.ts";
import { advance, type Pointer, times, VECTOR } from "../addresses.ts";
import { type Buffer, type Builder, type Kernel, SCRATCH_BYTES, type Stage } from "../kernel.ts";
import { eachUnit, type Partition, partition } from "../partition.ts";
import { emitEmptyLanes, emitFillLanes, emitJoin, emitTurn, rowAt } from "./ends.ts";
import { BLOCK, GAP, lanesOf, type Plan, planOf, SPARE_BYTES, type Stages } from "./plan.ts";
import { emitStage, type Side } from "./stage.ts";

/** Nanoseconds of a stage for a vector, about. */
const VECTOR_TIME = 3;

/** Operands of the kernel: parts, table, parts of the result, then workspaces. */
const OPERANDS = 5;

/** The kernel of `fourier`: parts, and the table of `planOf`, to parts. */
export function emitFourier(
  builder: Builder,
  [{ dtype, shape }]: readonly Buffer[],
  { inverse }: FourierParams,
  _outputs: readonly Buffer[],
): Kernel {
  const n = shape[shape.length - 1];
  const task = { dtype: dtype as FloatDtype, n, count: sizeOf(shape.slice(0, -1)) };
  if (task.count === 0) return { stages: [], workspaces: [], operations: 0, bytes: 0 };
  const { plan } = planOf(task.dtype, n);
  const { stages, workspaces } = plan.way === "matrix"
    ? emitMatrix(builder, task, plan)
    : emitRows(builder, task, plan);
  // The sign of the exponent is the other one for parts that are exchanged.
  const order = inverse ? [1, 0, 2, 4, 3] : [0, 1, 2, 3, 4];
  const size = task.count * n;
  return {
    stages: stages.map((stage) => ({
      ...stage,
      operands: stage.operands.map((operand) => order[operand] ?? operand),
    })),
    workspaces,
    operations: Math.ceil(5 * size * Math.log2(n + 1)),
    bytes: 4 * size * byteSize(task.dtype),
    // Whatever is written of a row, all of it has been read.
    inPlace: [[0, 3], [1, 4]],
  };
}

interface Task {
  readonly dtype: FloatDtype;
  readonly n: number;
  /** The number of rows. */
  readonly count: number;
}

/** Parts of numbers somewhere. */
interface Parts {
  readonly re: Pointer;
  readonly im: Pointer;
  readonly side: Side;
}

/** Bytes of two places for vectors, each for both parts of a number. */
function roomBytes(bytes: number): number {
  return 4 * (bytes + GAP);
}

/** Two places for vectors, between which stages go back and forth. */
function roomsAt(code: Code, base: Expression<"i32">, bytes: number, isScratch: boolean): Parts[] {
  return [0, 1].map((i) => ({
    re: code.let(advance(base, 2 * i * (bytes + GAP))),
    im: code.let(advance(base, (2 * i + 1) * (bytes + GAP))),
    side: { isScratch },
  }));
}

/** Runs stages from a place to another, by way of two rooms; the last one's is given. */
function runStages(
  builder: Builder,
  code: Code,
  dtype: FloatDtype,
  { stages }: Stages,
  { from, rooms, to, table }: {
    readonly from: Parts;
    readonly rooms: readonly Parts[];
    readonly to: Parts | null;
    readonly table: Pointer;
  },
): Parts {
  let current = from;
  stages.forEach((stage, i) => {
    const isLast = i === stages.length - 1;
    const next = isLast && to !== null ? to : rooms[current === rooms[0] ? 1 : 0];
    const sides = { from: current.side, to: next.side };
    const run = builder.once(emitStage, { ...stage, dtype, ...sides });
    code.do(run.call(current.re, current.im, next.re, next.im, table));
    current = next;
  });
  return current;
}

const MEMORY: Side = { isScratch: false };

/** Rows that are transformed one by one, or some of them side by side. */
function emitRows(
  builder: Builder,
  { dtype, n, count }: Task,
  plan: Plan & { readonly way: "rows" | "parts" },
): Pick<Kernel, "stages" | "workspaces"> {
  const lanes = lanesOf(dtype);
  const isParts = plan.way === "parts";
  const bytes = isParts ? n * byteSize(dtype) : n * VECTOR;
  const isScratch = roomBytes(bytes) <= SCRATCH_BYTES - SPARE_BYTES;
  const units = isParts ? count : Math.ceil(count / lanes);
  const { stages } = isParts ? plan.part : plan.whole;
  const parts = partition(units, (stages.length + 2) * bytes / VECTOR * VECTOR_TIME);
  const run = emitChunk(builder, { dtype, n, count, plan, parts, isScratch });
  const rows = {
    count,
    perChunk: Math.min(count, isParts ? parts.perChunk : parts.perChunk * lanes),
  };
  const operands = range(OPERANDS + (isScratch ? 0 : 1));
  const stage: Stage = { name: "fourier", run, operands, chunks: parts.chunks, rows };
  return { stages: [stage], workspaces: isScratch ? [] : [parts.chunks * roomBytes(bytes)] };
}

interface ChunkParams extends Task {
  readonly plan: Plan & { readonly way: "rows" | "parts" };
  readonly parts: Partition;
  readonly isScratch: boolean;
}

function emitChunk(
  builder: Builder,
  { dtype, n, count, plan, parts, isScratch }: ChunkParams,
): FunctionReference {
  const size = byteSize(dtype);
  const row = n * size;
  const bytes = plan.way === "parts" ? row : n * VECTOR;
  const types = range(OPERANDS + (isScratch ? 1 : 2)).map(() => "i32" as const);
  return builder.module.function("fourier", types, "none", (code, ...locals) => {
    const [fromRe, fromIm, table, toRe, toIm] = locals;
    const chunk = locals[locals.length - 1];
    const base = isScratch ? i32.const(0) : rowAt(locals[OPERANDS], chunk, roomBytes(bytes));
    const rooms = roomsAt(code, base, bytes, isScratch);
    eachUnit(code, parts, chunk, (unit) => {
      if (plan.way === "parts") {
        const [a, b, c, d] = [fromRe, fromIm, toRe, toIm].map((at) =>
          code.let(rowAt(at, unit, row))
        );
        const from = { re: a, im: b, side: MEMORY };
        const { re, im } = runStages(builder, code, dtype, plan.part, {
          from,
          rooms,
          to: null,
          table,
        });
        const join = builder.once(emitJoin, { dtype, n, isScratch });
        code.do(join.call(re, im, c, d, advance(table, plan.turns * size)));
        return;
      }
      const first: Local<"i32"> = code.let(times(unit, lanesOf(dtype)));
      const params = { dtype, n, count, isScratch };
      const fill = builder.once(emitFillLanes, params);
      code.do(fill.call(fromRe, fromIm, rooms[0].re, rooms[0].im, first));
      const { re, im } = runStages(builder, code, dtype, plan.whole, {
        from: rooms[0],
        rooms,
        to: null,
        table,
      });
      code.do(builder.once(emitEmptyLanes, params).call(toRe, toIm, re, im, first));
    });
  });
}

/** A row as a matrix: first its columns, then those of the matrix that these become rows of. */
function emitMatrix(
  builder: Builder,
  { dtype, n, count }: Task,
  plan: Plan & { readonly way: "matrix" },
): Pick<Kernel, "stages" | "workspaces"> {
  const size = byteSize(dtype);
  const [first, second] = [plan.columns.length, plan.rows.length];
  const width = BLOCK / VECTOR;
  const types = range(OPERANDS + 3).map(() => "i32" as const);
  const timeOf = ({ length, stages }: Stages) => (stages.length + 1) * length * width * VECTOR_TIME;

  const stageOf = (
    name: string,
    blocks: number,
    stages: Stages,
    write: (code: Code, at: readonly Local<"i32">[], row: Pointer, block: Local<"i32">) => void,
  ): Stage => {
    const parts = partition(count * blocks, timeOf(stages));
    const run = builder.module.function(name, types, "none", (code, ...locals) => {
      eachUnit(code, parts, locals[types.length - 1], (unit) => {
        const row = code.let(i32.divU(unit, i32.const(blocks)));
        const block = code.let(i32.remU(unit, i32.const(blocks)));
        write(code, locals, row, block);
      });
    });
    return { name, run, operands: range(types.length - 1), chunks: parts.chunks };
  };

  const columns = stageOf(
    "fourier: columns",
    second * size / BLOCK,
    plan.columns,
    (code, [fromRe, fromIm, table, , , workRe, workIm], row, block) => {
      const rooms = roomsAt(code, i32.const(0), first * BLOCK, true);
      const offset = code.let(i32.add(times(row, n * size), times(block, BLOCK)));
      const side: Side = { isScratch: false, rows: { width, pitch: second * size } };
      const from = { re: i32.add(fromRe, offset), im: i32.add(fromIm, offset), side };
      const { re, im } = runStages(builder, code, dtype, plan.columns, {
        from,
        rooms,
        to: null,
        table,
      });
      const turn = builder.once(emitTurn, { dtype, length: first, pitch: second * BLOCK });
      // Blocks of columns become blocks of the rows of each block.
      const target = code.let(i32.add(times(row, n * size), times(block, BLOCK * BLOCK / size)));
      code.do(turn.call(
        re,
        im,
        i32.add(workRe, target),
        i32.add(workIm, target),
        i32.add(advance(table, plan.coarse * size), times(block, 2 * first * size)),
        advance(table, plan.fine * size),
      ));
    },
  );
  const rows = stageOf(
    "fourier: rows",
    first * size / BLOCK,
    plan.rows,
    (code, [, , table, toRe, toIm, workRe, workIm], row, block) => {
      const rooms = roomsAt(code, i32.const(0), second * BLOCK, true);
      const start = times(row, n * size);
      const source = code.let(i32.add(start, times(block, second * BLOCK)));
      const target = code.let(i32.add(start, times(block, BLOCK)));
      const side: Side = { isScratch: false, rows: { width, pitch: first * size } };
      runStages(builder, code, dtype, plan.rows, {
        from: { re: i32.add(workRe, source), im: i32.add(workIm, source), side: MEMORY },
        rooms,
        to: { re: i32.add(toRe, target), im: i32.add(toIm, target), side },
        table,
      });
    },
  );
  return { stages: [columns, rows], workspaces: [count * n * size, count * n * size] };
}
