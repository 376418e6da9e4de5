/**
 * The data types of a scheduled program: steps, their calls and the areas that these access.
 *
 * @module
 */
import type { KernelSummary } from "../../backend.ts";
import type { OpenOrder, Order, Rows, Stage } from "../kernels/kernel.ts";
import type { KernelTask, NestTask } from "../../../lowering/tasks.ts";

/** A function of a step, with the areas whose addresses are its arguments. */
export interface Call {
  /** Its name. */
  readonly name: string;
  /** One stage of a kernel. */
  readonly run: Stage["run"];
  /** The numbers of the areas. */
  readonly slots: readonly number[];
  /** The nest, if the function does nothing else. */
  readonly nest: NestTask | null;
  /** The areas that a kernel writes by the rows of its step. */
  readonly rows: readonly number[];
  /** Areas that a loop reads, each paired with an area that may share its memory. */
  readonly inPlace: readonly (readonly [from: number, to: number])[];
  /** The number of its timer, if its runs are measured. */
  readonly timer: number | null;
}

/** Work between two synchronisations of the threads. */
export interface Step {
  /** The calls for each chunk, in order. */
  readonly calls: readonly Call[];
  /** The number of chunks. */
  readonly chunks: number;
  /** The rows of the results for the chunks, if the chunks divide them by rows. */
  readonly rows: Rows | null;
  /** The order that the chunks must keep, if any. */
  readonly order: Order | null;
  /** Rounds whose number is not known in advance, and the area without memory whose slot counts them. */
  readonly open: { readonly order: OpenOrder; readonly counter: number } | null;
  /** The summaries of the tasks that begin in it. */
  readonly tasks: readonly KernelSummary[];
  /** Whether it continues a kernel of the previous step. */
  readonly goesOn: boolean;
}

/** A step that is left to the evaluator. */
export interface HostStep {
  /** The primitive and its buffers. */
  readonly task: KernelTask;
}

/** The steps of a program, in order. */
export interface Schedule {
  /** Steps of the module, and steps of the evaluator between them. */
  readonly steps: readonly (Step | HostStep)[];
  /** The size of each area in bytes: first the buffers, then the workspaces. */
  readonly areas: readonly number[];
  /** The summary of each task. */
  readonly summaries: readonly KernelSummary[];
}
