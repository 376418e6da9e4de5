/**
 * The kernel of Fourier transforms.
 *
 * @module
 */
import { byteSize, type FloatDtype } from "../../../../base/dtype.ts";
import { range, sizeOf } from "../../../../base/shape.ts";
import type { FourierParams, RealParams } from "../../../../primitives/fourier.ts";
import type { Code } from "../../assembler/code.ts";
import type { Expression } from "../../assembler/expression.ts";
import { i32 } from "../../assembler/operations.ts";
import { advance, type Pointer, smaller, times, VECTOR } from "../addresses.ts";
import { type Buffer, type Builder, type Kernel, SCRATCH_BYTES, type Stage } from "../kernel.ts";
import { eachUnit, partition } from "../partition.ts";
import { canJoin, emitEmptyLanes, emitFillLanes, emitJoin, emitLast, rowAt } from "./ends.ts";
import { emitHalves } from "./halves.ts";
import { blocksOf, GAP, lanesOf, type Plan, planOf, SPARE_BYTES } from "./plan.ts";
import { emitStage } from "./stage.ts";

/** Approximate nanoseconds of a stage for a vector. */
const VECTOR_TIME = 3;

/** Bytes of a row from which threads share each stage, if there are too few rows for all threads. */
const LARGE = 2 ** 18;

/** The number of rows that keeps all threads busy. */
const MANY = 8;

/** The maximum number of parts of a stage that threads share. */
const MOST_PARTS = 16;

/** Parameters of a kernel. */
interface Task {
  readonly dtype: FloatDtype;
  /** The number of rows. */
  readonly count: number;
  readonly plan: Plan;
  /** The buffers of both parts, of the table, and of both parts of the result. */
  readonly operands: readonly number[];
}

function kernelOf(
  builder: Builder,
  { dtype, shape }: Buffer,
  n: number,
  real: "from" | "back" | null,
  operands: readonly number[],
): Kernel {
  const count = sizeOf(shape.slice(0, -1));
  if (count === 0) return { stages: [], workspaces: [], operations: 0, bytes: 0 };
  const { plan } = planOf(dtype as FloatDtype, n, real);
  const task: Task = { dtype: dtype as FloatDtype, count, plan, operands };
  const size = byteSize(dtype);
  const isShared = plan.turns !== null && count < MANY && n * size >= LARGE;
  return {
    ...isShared ? emitShared(builder, task) : emitRows(builder, task),
    // Radix 16 takes fewer than the 5 n log n by which transforms are compared.
    operations: Math.ceil(4 * count * n * Math.log2(n)),
    bytes: 4 * count * n * size,
  };
}

/** The kernel of `fourier`: both parts, and the table of `planOf`, to both parts. */
export function emitFourier(
  builder: Builder,
  [input]: readonly Buffer[],
  { inverse }: FourierParams,
): Kernel {
  // Exchanging the parts reverses the sign of the exponent.
  const operands = inverse ? [1, 0, 2, 4, 3] : [0, 1, 2, 3, 4];
  return {
    ...kernelOf(builder, input, input.shape[input.shape.length - 1], null, operands),
    // All of a row has been read before any of it is written.
    inPlace: [[0, 3], [1, 4]],
  };
}

/** The kernel of `fourierOfReal`, of an even length: rows, and the table of half of it, to both parts. */
export function emitFourierOfReal(builder: Builder, [input]: readonly Buffer[]): Kernel {
  const n = input.shape[input.shape.length - 1] / 2;
  return kernelOf(builder, input, n, "from", [0, 0, 1, 2, 3]);
}

/** The kernel of `realOfFourier`, of an even length: both parts, and the table of half of it, to rows. */
export function emitRealOfFourier(
  builder: Builder,
  [input]: readonly Buffer[],
  { length }: RealParams,
): Kernel {
  return kernelOf(builder, input, length / 2, "back", [0, 1, 2, 3, 3]);
}

/** The location of both parts of numbers. */
interface Parts {
  readonly re: Pointer;
  readonly im: Pointer;
  readonly isScratch: boolean;
}

/** The context in which code is written. */
interface Context {
  readonly builder: Builder;
  readonly code: Code;
  readonly table: Pointer;
}

/** A step of the work on a row, which may be divided into parts. */
interface Step {
  readonly parts: number;
  write(context: Context, from: Parts, to: Parts, part: Pointer): void;
}

/** Bytes of two locations for vectors, each for both parts of numbers. */
function roomBytes(bytes: number): number {
  return 4 * (bytes + GAP);
}

/** Two locations for vectors, between which steps alternate. */
function roomsAt(code: Code, base: Expression<"i32">, bytes: number, isScratch: boolean): Parts[] {
  return [0, 1].map((i) => ({
    re: code.let(advance(base, 2 * i * (bytes + GAP))),
    im: code.let(advance(base, (2 * i + 1) * (bytes + GAP))),
    isScratch,
  }));
}

/** Runs steps one after another, from a source to a target through temporary locations. */
function runSteps(
  context: Context,
  steps: readonly Step[],
  rooms: readonly Parts[],
  from: Parts,
  to: Parts | null,
): Parts {
  return steps.reduce((current, step, i) => {
    const isLast = i === steps.length - 1;
    const next = isLast && to !== null ? to : rooms[current === rooms[0] ? 1 : 0];
    step.write(context, current, next, i32.const(0));
    return next;
  }, from);
}

function greatestDivisor(x: number, y: number): number {
  return y === 0 ? x : greatestDivisor(y, x % y);
}

/** The stages of a transform of vectors. */
function stagesOf({ dtype, plan: { whole, turns, halves } }: Task, most: number): Step[] {
  return whole.stages.map((stage, i): Step => {
    const byRoots = greatestDivisor(stage.rest, most);
    const parts = byRoots === most
      ? byRoots
      : Math.max(byRoots, greatestDivisor(stage.before, most));
    const arePairs = i === 0 && turns !== null && halves?.isBack === false;
    return {
      parts,
      write({ builder, code, table }, from, to, part) {
        const run = builder.once(emitStage, {
          ...stage,
          dtype,
          isFromScratch: from.isScratch,
          isToScratch: to.isScratch,
          arePairs,
          parts,
        });
        code.do(run.call(from.re, from.im, to.re, to.im, table, part));
      },
    };
  });
}

/** The conversion to or from real numbers: at the beginning, or at the end. */
function halvesOf({ dtype, plan: { n, halves } }: Task, most: number): Step[] {
  if (halves === null) return [];
  const parts = Math.max(1, Math.min(most, blocksOf(dtype, n)));
  return [{
    parts,
    write({ builder, code, table }, from, to, part) {
      const run = builder.once(emitHalves, {
        ...halves,
        dtype,
        n,
        isFromScratch: from.isScratch,
        isToScratch: to.isScratch,
        parts,
      });
      code.do(run.call(from.re, from.im, to.re, to.im, table, part));
    },
  }];
}

/** All steps on a row whose parts are lanes. */
function stepsOf(task: Task, most: number): Step[] {
  const { dtype, plan: { n, turns, halves, whole: { stages } } } = task;
  const parts = greatestDivisor(n / lanesOf(dtype) ** 2, most);
  const last = stages[stages.length - 1];
  const isOne = most === 1 && canJoin(dtype, last);
  const join: Step = {
    parts,
    write({ builder, code, table }, from, to, part) {
      const params = {
        dtype,
        n,
        isScratch: from.isScratch,
        isToScratch: to.isScratch,
        arePairs: halves?.isBack === true,
      };
      const run = isOne
        ? builder.once(emitLast, { ...params, radix: last.radix })
        : builder.once(emitJoin, { ...params, parts });
      const roots = advance(table, turns! * byteSize(dtype));
      code.do(run.call(from.re, from.im, to.re, to.im, roots, part));
    },
  };
  const whole = [...isOne ? stagesOf(task, most).slice(0, -1) : stagesOf(task, most), join];
  const ends = halvesOf(task, most);
  return halves?.isBack ? [...ends, ...whole] : [...whole, ...ends];
}

/** Bytes of the rows of the input, and of the result. */
function rowBytes({ dtype, plan: { n, halves } }: Task): readonly [from: number, to: number] {
  const size = byteSize(dtype);
  if (halves === null) return [n * size, n * size];
  const [pairs, parts] = [2 * n * size, (n + 1) * size];
  return halves.isBack ? [parts, pairs] : [pairs, parts];
}

/** Row `i` of the input, or of the result. */
function rowOf(code: Code, parts: readonly Pointer[], i: Pointer, bytes: number): Parts {
  const [re, im] = parts.map((part) => code.let(rowAt(part, i, bytes)));
  return { re, im, isScratch: false };
}

/** Rows that are transformed one by one, or some of them in parallel lanes. */
function emitRows(builder: Builder, task: Task): Pick<Kernel, "stages" | "workspaces"> {
  const { dtype, count, plan: { n, turns, whole }, operands } = task;
  const lanes = lanesOf(dtype);
  const areParts = turns !== null;
  const bytes = areParts ? n * byteSize(dtype) : n * VECTOR;
  const isScratch = roomBytes(bytes) <= SCRATCH_BYTES - SPARE_BYTES;
  const units = areParts ? count : Math.ceil(count / lanes);
  const parts = partition(units, (whole.stages.length + 2) * bytes / VECTOR * VECTOR_TIME);
  const all = [...operands, ...isScratch ? [] : [Math.max(...operands) + 1]];
  const types = [...all, 0].map(() => "i32" as const);
  const [fromBytes, toBytes] = rowBytes(task);
  const run = builder.module.function("fourier", types, "none", (code, ...locals) => {
    const [fromRe, fromIm, table, toRe, toIm] = locals;
    const chunk = locals[all.length];
    const base = isScratch ? i32.const(0) : rowAt(locals[5], chunk, roomBytes(bytes));
    const rooms = roomsAt(code, base, bytes, isScratch);
    const context = { builder, code, table };
    eachUnit(code, parts, chunk, (unit) => {
      if (!areParts) {
        return writeSideBySide(context, task, rooms, [[fromRe, fromIm], [toRe, toIm]], unit);
      }
      const from = rowOf(code, [fromRe, fromIm], unit, fromBytes);
      const to = rowOf(code, [toRe, toIm], unit, toBytes);
      runSteps(context, stepsOf(task, 1), rooms, from, to);
    });
  });
  const rows = {
    count,
    perChunk: Math.min(count, areParts ? parts.perChunk : parts.perChunk * lanes),
  };
  const stage: Stage = { name: "fourier", run, operands: all, chunks: parts.chunks, rows };
  return { stages: [stage], workspaces: isScratch ? [] : [parts.chunks * roomBytes(bytes)] };
}

/** Transforms one row per lane. */
function writeSideBySide(
  context: Context,
  task: Task,
  rooms: readonly Parts[],
  [given, results]: readonly (readonly Pointer[])[],
  unit: Pointer,
): void {
  const { builder, code } = context;
  const { dtype, count, plan: { n, halves } } = task;
  const lanes = lanesOf(dtype);
  const first = code.let(times(unit, lanes));
  const [fromBytes, toBytes] = rowBytes(task);
  const [{ isScratch }] = rooms;
  /** From a temporary location to the rows of the batch, or back. */
  const eachRow = (write: (row: Pointer, room: Pointer) => void): void =>
    range(lanes).forEach((lane) =>
      write(code.let(smaller(advance(first, lane), i32.const(count - 1))), i32.const(lane))
    );
  const inRoom = ({ re, im }: Parts, i: Pointer): Parts => ({
    ...rowOf(code, [re, im], i, n * byteSize(dtype)),
    isScratch,
  });
  const run = (steps: readonly Step[], from: Parts, to: Parts) =>
    runSteps(context, steps, [], from, to);
  const atEnds = halvesOf(task, 1);
  const params = { dtype, n, count, isScratch, arePairs: false };
  const pairs = { ...params, arePairs: true };
  const inRooms = { ...params, count: null };
  let current = rooms[0];
  if (halves?.isBack) {
    eachRow((row, room) => run(atEnds, rowOf(code, given, row, fromBytes), inRoom(rooms[0], room)));
    current = rooms[1];
    const fill = builder.once(emitFillLanes, inRooms);
    code.do(fill.call(rooms[0].re, rooms[0].im, current.re, current.im, first));
  } else {
    const fill = builder.once(emitFillLanes, halves === null ? params : pairs);
    code.do(fill.call(given[0], given[1], current.re, current.im, first));
  }
  const { re, im } = current = runSteps(context, stagesOf(task, 1), rooms, current, null);
  if (halves === null || halves.isBack) {
    const empty = builder.once(emitEmptyLanes, halves === null ? params : pairs);
    code.do(empty.call(results[0], results[1], re, im, first));
    return;
  }
  const other = rooms[current === rooms[0] ? 1 : 0];
  code.do(builder.once(emitEmptyLanes, inRooms).call(other.re, other.im, re, im, first));
  eachRow((row, room) => run(atEnds, inRoom(other, room), rowOf(code, results, row, toBytes)));
}

/** Few long rows: threads share each step. */
function emitShared(builder: Builder, task: Task): Pick<Kernel, "stages" | "workspaces"> {
  const { dtype, count, plan: { n }, operands } = task;
  const bytes = n * byteSize(dtype);
  const all = [...operands, Math.max(...operands) + 1];
  const types = [...all, 0].map(() => "i32" as const);
  const [fromBytes, toBytes] = rowBytes(task);
  const steps = stepsOf(task, MOST_PARTS);
  // The locations used by a step: the input, then the two temporary ones in turn.
  const roomOf = (i: number): number => i === 0 ? 0 : i === steps.length ? 3 : 2 - i % 2;
  const stages = steps.map((step, i): Stage => ({
    name: "fourier",
    run: builder.module.function("fourier", types, "none", (code, ...locals) => {
      const [fromRe, fromIm, table, toRe, toIm, work, chunk] = locals;
      const row = code.let(i32.divU(chunk, i32.const(step.parts)));
      const rooms = roomsAt(code, rowAt(work, row, roomBytes(bytes)), bytes, false);
      const places = [
        rowOf(code, [fromRe, fromIm], row, fromBytes),
        ...rooms,
        rowOf(code, [toRe, toIm], row, toBytes),
      ];
      const part = i32.remU(chunk, i32.const(step.parts));
      step.write({ builder, code, table }, places[roomOf(i)], places[roomOf(i + 1)], part);
    }),
    operands: all,
    chunks: count * step.parts,
  }));
  return { stages, workspaces: [count * roomBytes(bytes)] };
}
