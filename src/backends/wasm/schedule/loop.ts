/**
 * Common parts of the kernels of control flow: functions of a module that run the steps of inner programs.
 *
 * @module
 */
import type { Type } from "../../../core/tensor.ts";
import type { Pointer } from "../kernels/addresses.ts";
import type { Builder, Kernel, Stage } from "../kernels/kernel.ts";
import type { Code } from "../assembler/code.ts";
import type { Local } from "../assembler/expression.ts";
import type { FunctionReference } from "../assembler/module.ts";
import { i32 } from "../assembler/operations.ts";
import { type Region, roomFor, type ScheduleInner } from "./region.ts";
import type { KernelSummary } from "../../backend.ts";

/** The maximum number of chunks of a loop; loops with more run on one thread. */
export const MOST_CHUNKS = 2 ** 27;

/** A kernel that runs programs. */
export interface LoopKernel extends Kernel {
  /** The summaries of the kernels of its programs. */
  readonly inside: readonly KernelSummary[];
}

/** Options of `emitControl` apart from the equation. */
export interface LoopOptions {
  /** Schedules the tasks of an inner program. */
  readonly scheduleInner: ScheduleInner;
  /** The minimum work, in operations and bytes, that sharing a round must take off one thread. */
  readonly sharedFrom: number;
  /** Whether the equation is inside another equation's program. */
  readonly isInner: boolean;
}

/** The addresses of a kernel's operands. */
export type Operands = readonly Local<"i32">[];

/** The single stage of a loop: a function of its operands and the number of a chunk. */
export function loopStage(
  { module }: Builder,
  name: string,
  operands: number,
  chunks: Pick<Stage, "chunks" | "order" | "openOrder" | "rows">,
  body: (code: Code, operands: Operands, chunk: Local<"i32">, counter: Local<"i32">) => void,
): Stage {
  const count = operands + (chunks.openOrder === undefined ? 1 : 2);
  const parameters = Array.from({ length: count }, () => "i32" as const);
  const run = module.function(name, parameters, "none", (code, ...locals) => {
    body(code, locals.slice(0, operands), locals[count - 1], locals[operands]);
  });
  return {
    name,
    run: run as unknown as FunctionReference,
    operands: Array.from({ length: operands }, (_, i) => i),
    ...chunks,
  };
}

/** The summaries of a region's kernels, with one more enclosing loop. */
export function within(region: Region): readonly KernelSummary[] {
  return region.summaries.map((one) => ({ ...one, depth: one.depth + 1 }));
}

/** The number of threads that is assumed in estimates. */
const THREADS = 4;

/**
 * Whether several threads pay off for one run of a region: they must take enough work off one thread,
 * because all threads synchronise between steps.
 */
export function isShared(region: Region, sharedFrom: number): boolean {
  const shared = region.summaries.reduce(
    (sum, { operations, bytes, chunks, depth }) =>
      depth === 0
        ? sum + (operations + bytes) * (1 - 1 / Math.min(Math.max(chunks, 1), THREADS))
        : sum,
    0,
  );
  return region.hasChunks && shared >= sharedFrom;
}

/** The second buffer of a carried value, in the working memory. */
export interface Spare {
  /** Its offset; `null` for values that are overwritten in place. */
  readonly offset: number | null;
  readonly type: Type;
}

/** Allocates second buffers after `start` for the carried values that need one. */
export function planSpares(
  types: readonly Type[],
  needs: (index: number) => boolean,
  start: number,
): { readonly spares: readonly Spare[]; readonly end: number } {
  let end = start;
  const spares = types.map((type, i): Spare => {
    if (!needs(i)) return { offset: null, type };
    const offset = end;
    end += roomFor(type);
    return { offset, type };
  });
  return { spares, end };
}

/** The operands of a loop by role. */
export interface LoopOperands {
  readonly inputs: Operands;
  readonly outputs: Operands;
  readonly workspace: Pointer;
}

/** The operands by role: working memory, if any, follows the results. */
export function divideOperands(operands: Operands, inputs: number, outputs: number): LoopOperands {
  return {
    inputs: operands.slice(0, inputs),
    outputs: operands.slice(inputs, inputs + outputs),
    workspace: operands[inputs + outputs] ?? i32.const(0),
  };
}

/** Initial values whose memory the final ones may take: all rounds read and write in place. */
export function carriedInPlace(
  region: Region,
  first: number,
  inputs: number,
  carry: number,
): readonly (readonly [input: number, result: number])[] {
  return Array.from({ length: carry }, (_, i) => i).flatMap((i) =>
    region.takesOver(i) ? [[first + i, inputs + i] as const] : []
  );
}
