/**
 * What a scheduled program is: steps, their calls and what these touch.
 *
 * @module
 */
import type { KernelSummary } from "../../backend.ts";
import type { OpenOrder, Order, Rows, Stage } from "../kernels/kernel.ts";
import type { KernelTask, NestTask } from "../../../lowering/tasks.ts";

/** A function of a step, with the areas whose addresses it takes. */
export interface Call {
  /** What it does. */
  readonly name: string;
  /** One stage of a kernel. */
  readonly run: Stage["run"];
  /** The areas, by number. */
  readonly slots: readonly number[];
  /** The nest that it is, where that is all that it does. */
  readonly nest: NestTask | null;
  /** The areas that a kernel writes by the rows of its step. */
  readonly rows: readonly number[];
  /** Areas that a loop reads, each with one that may be the same memory. */
  readonly inPlace: readonly (readonly [from: number, to: number])[];
}

/** Work between two meetings of the threads. */
export interface Step {
  /** What is done for each chunk, in order. */
  readonly calls: readonly Call[];
  /** How many chunks there are. */
  readonly chunks: number;
  /** How they divide the results, where they divide them by rows. */
  readonly rows: Rows | null;
  /** The order that they must keep, where they must keep one. */
  readonly order: Order | null;
  /** Rounds whose number is not known, and the area without memory whose slot counts them. */
  readonly open: { readonly order: OpenOrder; readonly counter: number } | null;
  /** What the tasks that begin in it amount to. */
  readonly tasks: readonly KernelSummary[];
  /** Whether it goes on with a kernel of the step before. */
  readonly goesOn: boolean;
}

/** What is left to the evaluator. */
export interface HostStep {
  /** The primitive and its buffers. */
  readonly task: KernelTask;
}

/** What a program does, in order. */
export interface Schedule {
  /** Steps, and what the evaluator does in between. */
  readonly steps: readonly (Step | HostStep)[];
  /** Bytes of each area: the buffers', then the workspaces'. */
  readonly areas: readonly number[];
  /** What each task amounts to. */
  readonly summaries: readonly KernelSummary[];
}
