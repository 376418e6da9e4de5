/**
 * The kernel of Fourier transforms.
 *
 * @module
 */
import { byteSize, type FloatDtype } from "../../../../base/dtype.ts";
import { range, sizeOf } from "../../../../base/shape.ts";
import type { FourierParams } from "../../../../primitives/fourier.ts";
import type { Code } from "../../assembler/code.ts";
import type { Expression } from "../../assembler/expression.ts";
import { i32 } from "../../assembler/operations.ts";
import { advance, type Pointer, times, VECTOR } from "../addresses.ts";
import { type Buffer, type Builder, type Kernel, SCRATCH_BYTES, type Stage } from "../kernel.ts";
import { eachUnit, partition } from "../partition.ts";
import { emitEmptyLanes, emitFillLanes, emitJoin, rowAt } from "./ends.ts";
import { GAP, lanesOf, type Plan, planOf, SPARE_BYTES, type StagePlan } from "./plan.ts";
import { emitStage } from "./stage.ts";

/** Nanoseconds of a stage for a vector, about. */
const VECTOR_TIME = 3;

/** Operands of the kernel: both parts, the table, both parts of the result; then a workspace. */
const OPERANDS = 5;

/** Bytes of a row from which on threads share each stage, where rows are too few for all of them. */
const LARGE = 2 ** 18;

/** So many rows keep all threads busy. */
const MANY = 8;

/** The most parts of a stage that threads share. */
const MOST_PARTS = 16;

/** What a kernel is written for. */
interface Task {
  readonly dtype: FloatDtype;
  /** The number of rows. */
  readonly count: number;
  readonly plan: Plan;
}

/** The kernel of `fourier`: both parts, and the table of `planOf`, to both parts. */
export function emitFourier(
  builder: Builder,
  [{ dtype, shape }]: readonly Buffer[],
  { inverse }: FourierParams,
  _outputs: readonly Buffer[],
): Kernel {
  const n = shape[shape.length - 1];
  const count = sizeOf(shape.slice(0, -1));
  if (count === 0) return { stages: [], workspaces: [], operations: 0, bytes: 0 };
  const { plan } = planOf(dtype as FloatDtype, n);
  const task: Task = { dtype: dtype as FloatDtype, count, plan };
  const size = byteSize(dtype);
  const isShared = plan.way === "parts" && count < MANY && n * size >= LARGE;
  const { stages, workspaces } = isShared ? emitShared(builder, task) : emitRows(builder, task);
  // The sign of the exponent is the other one for parts that are exchanged.
  const order = inverse ? [1, 0, 2, 4, 3] : [0, 1, 2, 3, 4];
  return {
    stages: stages.map((stage) => ({
      ...stage,
      operands: stage.operands.map((operand) => order[operand] ?? operand),
    })),
    workspaces,
    operations: Math.ceil(5 * count * n * Math.log2(n + 1)),
    bytes: 4 * count * n * size,
    // Whatever is written of a row, all of it has been read.
    inPlace: [[0, 3], [1, 4]],
  };
}

/** Both parts of numbers somewhere. */
interface Parts {
  readonly re: Pointer;
  readonly im: Pointer;
  readonly isScratch: boolean;
}

/** Bytes of two places for vectors, each for both parts of numbers. */
function roomBytes(bytes: number): number {
  return 4 * (bytes + GAP);
}

/** Two places for vectors, between which stages go back and forth. */
function roomsAt(code: Code, base: Expression<"i32">, bytes: number, isScratch: boolean): Parts[] {
  return [0, 1].map((i) => ({
    re: code.let(advance(base, 2 * i * (bytes + GAP))),
    im: code.let(advance(base, (2 * i + 1) * (bytes + GAP))),
    isScratch,
  }));
}

/** Runs a part of a stage. */
function runStage(
  { builder, code, dtype, table }: {
    readonly builder: Builder;
    readonly code: Code;
    readonly dtype: FloatDtype;
    readonly table: Pointer;
  },
  stage: StagePlan,
  from: Parts,
  to: Parts,
  parts: number,
  part: Pointer,
): void {
  const run = builder.once(emitStage, {
    ...stage,
    dtype,
    isFromScratch: from.isScratch,
    isToScratch: to.isScratch,
    parts,
  });
  code.do(run.call(from.re, from.im, to.re, to.im, table, part));
}

/** Rows that are transformed one by one, or some of them side by side. */
function emitRows(
  builder: Builder,
  { dtype, count, plan }: Task,
): Pick<Kernel, "stages" | "workspaces"> {
  const { n, whole: { stages } } = plan;
  const lanes = lanesOf(dtype);
  const size = byteSize(dtype);
  const isParts = plan.way === "parts";
  const bytes = isParts ? n * size : n * VECTOR;
  const isScratch = roomBytes(bytes) <= SCRATCH_BYTES - SPARE_BYTES;
  const units = isParts ? count : Math.ceil(count / lanes);
  const parts = partition(units, (stages.length + 2) * bytes / VECTOR * VECTOR_TIME);
  const operands = range(OPERANDS + (isScratch ? 0 : 1));
  const types = [...operands, 0].map(() => "i32" as const);
  const run = builder.module.function("fourier", types, "none", (code, ...locals) => {
    const [fromRe, fromIm, table, toRe, toIm] = locals;
    const chunk = locals[operands.length];
    const base = isScratch ? i32.const(0) : rowAt(locals[OPERANDS], chunk, roomBytes(bytes));
    const rooms = roomsAt(code, base, bytes, isScratch);
    const zero = i32.const(0);
    const runAll = (from: Parts): Parts =>
      stages.reduce((current, stage) => {
        const next = rooms[current === rooms[0] ? 1 : 0];
        runStage({ builder, code, dtype, table }, stage, current, next, 1, zero);
        return next;
      }, from);
    eachUnit(code, parts, chunk, (unit) => {
      if (plan.way === "parts") {
        const [a, b, c, d] = [fromRe, fromIm, toRe, toIm].map((at) =>
          code.let(rowAt(at, unit, n * size))
        );
        const { re, im } = runAll({ re: a, im: b, isScratch: false });
        const join = builder.once(emitJoin, { dtype, n, isScratch, parts: 1 });
        code.do(join.call(re, im, c, d, advance(table, plan.turns * size), zero));
        return;
      }
      const first = code.let(times(unit, lanes));
      const params = { dtype, n, count, isScratch };
      const fill = builder.once(emitFillLanes, params);
      code.do(fill.call(fromRe, fromIm, rooms[0].re, rooms[0].im, first));
      const { re, im } = runAll(rooms[0]);
      code.do(builder.once(emitEmptyLanes, params).call(toRe, toIm, re, im, first));
    });
  });
  const rows = {
    count,
    perChunk: Math.min(count, isParts ? parts.perChunk : parts.perChunk * lanes),
  };
  const stage: Stage = { name: "fourier", run, operands, chunks: parts.chunks, rows };
  return { stages: [stage], workspaces: isScratch ? [] : [parts.chunks * roomBytes(bytes)] };
}

function greatestDivisor(x: number, y: number): number {
  return y === 0 ? x : greatestDivisor(y, x % y);
}

/** Few long rows: threads share each stage. */
function emitShared(
  builder: Builder,
  { dtype, count, plan }: Task,
): Pick<Kernel, "stages" | "workspaces"> {
  if (plan.way !== "parts") return emitRows(builder, { dtype, count, plan });
  const { n, whole: { stages } } = plan;
  const size = byteSize(dtype);
  const bytes = n * size;
  const operands = range(OPERANDS + 1);
  const types = [...operands, 0].map(() => "i32" as const);
  const share = (
    parts: number,
    write: (code: Code, places: readonly Parts[], table: Pointer, part: Pointer) => void,
  ): Stage => ({
    name: "fourier",
    run: builder.module.function("fourier", types, "none", (code, ...locals) => {
      const [fromRe, fromIm, table, toRe, toIm, work, chunk] = locals;
      const row = code.let(i32.divU(chunk, i32.const(parts)));
      const rooms = roomsAt(code, rowAt(work, row, roomBytes(bytes)), bytes, false);
      const [from, to] = [[fromRe, fromIm], [toRe, toIm]].map(([re, im]) => ({
        re: rowAt(re, row, bytes),
        im: rowAt(im, row, bytes),
        isScratch: false,
      }));
      write(code, [from, ...rooms, to], table, i32.remU(chunk, i32.const(parts)));
    }),
    operands,
    chunks: count * parts,
  });
  // The places of a stage: what is given, then one room and the other.
  const roomOf = (i: number): number => i === 0 ? 0 : 2 - i % 2;
  const all = stages.map((stage, i) => {
    const byRoots = greatestDivisor(stage.rest, MOST_PARTS);
    const parts = byRoots === MOST_PARTS
      ? byRoots
      : Math.max(byRoots, greatestDivisor(stage.before, MOST_PARTS));
    return share(parts, (code, places, table, part) => {
      const context = { builder, code, dtype, table };
      runStage(context, stage, places[roomOf(i)], places[roomOf(i + 1)], parts, part);
    });
  });
  const parts = greatestDivisor(n / lanesOf(dtype) ** 2, MOST_PARTS);
  const join = share(parts, (code, places, table, part) => {
    const run = builder.once(emitJoin, { dtype, n, isScratch: false, parts });
    const { re, im } = places[roomOf(stages.length)];
    const to = places[3];
    code.do(run.call(re, im, to.re, to.im, advance(table, plan.turns * size), part));
  });
  return { stages: [...all, join], workspaces: [count * roomBytes(bytes)] };
}
