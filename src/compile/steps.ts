/**
 * What a scheduled program is: steps, their calls and what these touch.
 *
 * @module
 */
import type { OpenOrder, Order, Rows, Stage } from "../kernels/kernel.ts";
import type { Access, Nest } from "../kernels/loops.ts";
import type { KernelTask, NestTask, Task } from "./lower.ts";

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
}

/** What is left to the evaluator. */
export interface HostStep {
  /** The primitive and its buffers. */
  readonly task: KernelTask;
}

/** An estimate of what one kernel does, for people. */
export interface KernelSummary {
  /** The operations in it. */
  readonly name: string;
  /** Arithmetic operations. */
  readonly operations: number;
  /** Bytes read and written. */
  readonly bytes: number;
  /** How many chunks threads can share. */
  readonly chunks: number;
  /** Within how many loops it is; what the loop amounts to counts it already. */
  readonly depth: number;
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

/** The buffers that a task reads. */
export function readsOf(task: Task): readonly number[] {
  if (task.kind === "kernel") return task.inputs;
  if (task.kind === "hand") return [task.from];
  if (task.kind === "straight") return task.buffers.filter((_, i) => !task.code.writes.has(i));
  const { nest, buffers } = task;
  return [...new Set(nest.nodes.flatMap((n) => n.kind === "load" ? [buffers[n.from.buffer]] : []))];
}

/** The buffers that a task writes. */
export function writesOf(task: Task): readonly number[] {
  if (task.kind === "kernel") return task.outputs;
  if (task.kind === "hand") return [task.to];
  if (task.kind === "straight") return task.buffers.filter((_, i) => task.code.writes.has(i));
  return task.nest.stores.map(({ to }) => task.buffers[to.buffer]);
}

/** Whether round `r` of a nest's rows touches only row `r` of a buffer of `size` elements. */
export function isLocal(nest: Nest, access: Access, rows: number, size: number): boolean {
  if (size % rows !== 0) return false;
  const row = size / rows;
  const leading = prefixes(nest).indexOf(rows);
  if (leading < 0) return false;
  let [least, most, expected] = [access.offset, access.offset, row];
  for (let loop = nest.lengths.length - 1; loop >= 0; loop--) {
    const [length, stride] = [nest.lengths[loop], access.strides[loop]];
    if (length === 1) continue;
    if (loop >= leading) {
      if (stride < 0) least += stride * (length - 1);
      else most += stride * (length - 1);
    } else {
      if (stride !== expected) return false;
      expected *= length;
    }
  }
  return least >= 0 && most < row;
}

/** The products of the first loops that are not reduced: of none, of one, and so on. */
export function prefixes({ lengths, reduced }: Nest): readonly number[] {
  const products = [1];
  for (let loop = 0; loop < lengths.length - reduced; loop++) {
    products.push(products[loop] * lengths[loop]);
  }
  return products;
}
