/**
 * Inner programs as code of the module: the branches of a switch, the bodies of loops. The addresses of
 * their arguments and results are known only at run time.
 *
 * @module
 */
import { bytesOf } from "../../../base/shape.ts";
import { target } from "../kernels/table.ts";
import { internalError } from "../../../base/errors.ts";
import type { Program } from "../../../core/program.ts";
import type { Type } from "../../../core/tensor.ts";
import { advance, type Pointer } from "../kernels/addresses.ts";
import { type Builder, type Order, SLACK } from "../kernels/kernel.ts";
import type { Timers } from "../kernels/timers.ts";
import type { Code } from "../assembler/code.ts";
import type { Effect } from "../assembler/expression.ts";
import { i32 } from "../assembler/operations.ts";
import { lower } from "../../../lowering/lower.ts";
import type { Lowered } from "../../../lowering/tasks.ts";
import { type MemoryPlan, planMemory } from "./plan_memory.ts";
import type { Schedule, Step } from "./steps.ts";
import type { KernelSummary } from "../../backend.ts";

/** Schedules the tasks of an inner program. */
export type ScheduleInner = (lowered: Lowered, isDonated: readonly boolean[]) => Schedule;

/** The addresses used by a region at run time. */
export interface Pointers {
  /** The address of each argument. */
  argument(index: number): Pointer;
  /** The address of each result; never that of an argument, unless the result may overwrite it. */
  result(index: number): Pointer;
  /** The address of its working memory. */
  readonly workspace: Pointer;
}

/** An inner program with its schedule and memory plan. */
export class Region {
  readonly #plan: MemoryPlan;
  readonly #lowered: Lowered;
  readonly #timers: Timers | null;
  /** The number of the result in each buffer that holds one. */
  readonly #results: ReadonlyMap<number, number>;
  /** Its steps in order. */
  readonly steps: readonly Step[];
  /** The summaries of its kernels. */
  readonly summaries: readonly KernelSummary[];

  private constructor(
    { timers }: Builder,
    lowered: Lowered,
    schedule: Schedule,
    plan: MemoryPlan,
  ) {
    this.#timers = timers;
    this.#lowered = lowered;
    this.#plan = plan;
    this.#results = new Map(
      lowered.results.map((result, i) => ["buffer" in result ? result.buffer : -1, i]),
    );
    this.steps = schedule.steps.filter((step) => "calls" in step);
    this.summaries = schedule.summaries;
  }

  /**
   * Compiles a program into a region; `null` if part of it is left to the evaluator. `heirOf` maps the
   * number of a result to the argument whose memory the result may take, if the program allows it.
   */
  static make(
    builder: Builder,
    program: Program,
    scheduleInner: ScheduleInner,
    heirOf: (result: number) => number | null = () => null,
  ): Region | null {
    const heirs = program.results.map((_, i) => heirOf(i));
    const isDonated = program.binders.map((_, i) => heirs.includes(i));
    const lowered = lower(program, target, { isInner: true, heirOf });
    const schedule = scheduleInner(lowered, isDonated);
    if (schedule.steps.some((step) => "task" in step)) return null;
    const plan = planMemory(lowered, schedule, {
      large: 0,
      isDonated,
      reserved: 0,
      mayTakeOver: (argument, buffer) =>
        lowered.results.some((result, i) =>
          "buffer" in result && result.buffer === buffer && heirs[i] === argument
        ),
    });
    return new Region(builder, lowered, schedule, plan);
  }

  /** The size of its working memory in bytes. */
  get workspace(): number {
    return this.#plan.arena;
  }

  /** The approximate number of arithmetic operations of one run. */
  get operations(): number {
    return this.#sum(({ operations }) => operations);
  }

  /** The approximate number of bytes read and written by one run. */
  get bytes(): number {
    return this.#sum(({ bytes }) => bytes);
  }

  #sum(of: (summary: KernelSummary) => number): number {
    return this.summaries.reduce((sum, one) => one.depth === 0 ? sum + of(one) : sum, 0);
  }

  /** Whether threads can share some of its work. */
  get hasChunks(): boolean {
    return this.steps.some(({ chunks }) => chunks > 1);
  }

  /** Its chunks in one round. */
  get parts(): readonly (number | Order)[] {
    return this.steps.map(({ chunks, order }) => order ?? chunks);
  }

  /** Whether a result takes the memory of the argument assigned to it. */
  takesOver(result: number): boolean {
    const found = this.#lowered.results[result];
    return "buffer" in found && this.#plan.places[found.buffer]?.kind === "argument";
  }

  #addressOf(area: number, pointers: Pointers): Pointer {
    const source = this.#lowered.buffers[area]?.source ?? null;
    if (typeof source === "number") return pointers.argument(source);
    const place = this.#plan.places[area];
    switch (place?.kind) {
      case "arena":
        return advance(pointers.workspace, place.offset);
      case "result":
        return pointers.result(this.#results.get(this.#plan.outputs[place.index].buffer)!);
      case "argument": {
        // The result that takes the argument's memory, or a buffer that the result overwrites.
        const output = this.#plan.outputs.find(({ argument }) => argument === place.index)!;
        return pointers.result(this.#results.get(output.buffer)!);
      }
      default:
        throw internalError(`Area ${area} of an inner program has no place`);
    }
  }

  /** Writes the calls of a step's functions for a chunk. */
  writeStep(code: Code, step: Step, pointers: Pointers, chunk: Pointer): void {
    for (const { run, slots, timer } of step.calls) {
      const addresses = slots.map((slot) => this.#addressOf(slot, pointers));
      // Typed by the contract of stages; `do` rejects calls that return a result.
      const call = run.call(...addresses, chunk) as Effect;
      if (timer === null) code.do(call);
      else this.#timers!.write(code, timer, () => code.do(call));
    }
  }

  /** Writes all steps, one chunk after the other. */
  write(code: Code, pointers: Pointers): void {
    for (const step of this.steps) {
      if (step.chunks === 1) this.writeStep(code, step, pointers, i32.const(0));
      else code.for({ below: step.chunks }, (i) => this.writeStep(code, step, pointers, i));
    }
  }

  /** Writes code that does the chunk with this number, counted over all steps, and returns. */
  writeChunk(code: Code, pointers: Pointers, chunk: Pointer): void {
    let first = 0;
    for (const step of this.steps) {
      const end = first + step.chunks;
      const from = i32.const(first);
      code.if(i32.ltU(chunk, i32.const(end)), () => {
        this.writeStep(code, step, pointers, i32.sub(chunk, from));
        code.return();
      });
      first = end;
    }
  }
}

/** The size of a value in bytes, including the slack that kernels may read. */
export function roomFor(type: Type): number {
  return Math.ceil((bytesOf(type) + SLACK) / 64) * 64;
}

/** Copies a value. */
export function copyValue(
  { memory }: Builder,
  code: Code,
  type: Type,
  to: Pointer,
  from: Pointer,
): void {
  const bytes = bytesOf(type);
  if (bytes > 0) code.do(memory.copy(to, from, i32.const(bytes)));
}
