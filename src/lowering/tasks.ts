/**
 * The representation of a lowered program: buffers, and tasks that read and write them.
 *
 * @module
 */
import type { Equation } from "../core/program.ts";
import type { Concrete, Type } from "../core/tensor.ts";
import type { Access, Nest } from "./nest.ts";
import type { StraightCode } from "./straight_code.ts";

/** Memory for the elements of a value. */
export interface Buffer extends Type {
  /** The number of the argument that fills it before the program runs; `null` for none. */
  readonly source: number | null;
  /** The earlier buffer whose memory it shares; it may be read only after the task that writes this one. */
  readonly alias?: number;
}

/** A loop nest, with the numbers of its buffers. */
export interface NestTask {
  /** The kind. */
  readonly kind: "nest";
  /** The operations in it. */
  readonly name: string;
  /** The loops. */
  readonly nest: Nest;
  /** The numbers of the nest's buffers. */
  readonly buffers: readonly number[];
}

/** A primitive that is not expressed in loops. */
export interface KernelTask {
  /** The kind. */
  readonly kind: "kernel";
  /** The operation. */
  readonly equation: Equation;
  /** The buffers of its arguments. */
  readonly inputs: readonly number[];
  /** The buffers of its results. */
  readonly outputs: readonly number[];
}

/** A result that is an unchanged argument: copied, unless both are the same memory. */
export interface HandTask {
  /** The kind. */
  readonly kind: "hand";
  /** The argument's buffer. */
  readonly from: number;
  /** The result's buffer. */
  readonly to: number;
}

/** Work on few elements. */
export interface StraightTask {
  /** The kind. */
  readonly kind: "straight";
  /** The straight code. */
  readonly code: StraightCode;
  /** The numbers of the buffers of the code. */
  readonly buffers: readonly number[];
}

/** Work on buffers. */
export type Task = NestTask | KernelTask | HandTask | StraightTask;

/** A result of a program: a buffer, or one number everywhere. */
export type Result = { readonly buffer: number; readonly type: Type } | Concrete;

/** A program as tasks. */
export interface Lowered {
  /** All buffers. */
  readonly buffers: readonly Buffer[];
  /** The tasks, in an order that respects their dependences. */
  readonly tasks: readonly Task[];
  /** The locations of the results. */
  readonly results: readonly Result[];
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

/**
 * Whether each round of a nest that reads an element of `from` reads it at the position where it writes
 * one of `to`: then both may share memory.
 */
export function readsWhereItWrites(task: NestTask, from: number, to: number): boolean {
  const { nest, buffers } = task;
  const stores = nest.stores.filter((store) => buffers[store.to.buffer] === to);
  if (stores.length !== 1 || nest.reduced > 0) return false;
  const [{ to: store }] = stores;
  return nest.nodes.every((node) => {
    if (node.kind !== "load" || buffers[node.from.buffer] !== from) return true;
    return node.guards === undefined && node.dtype === nest.buffers[store.buffer] &&
      node.from.offset === store.offset &&
      node.from.strides.every((stride, i) => stride === store.strides[i] || nest.lengths[i] === 1);
  });
}

/** Whether round `r` of a nest's rows accesses only row `r` of a buffer of `size` elements. */
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

/** The products of the lengths of the first loops that are not reduced: of none, of one, and so on. */
export function prefixes({ lengths, reduced }: Nest): readonly number[] {
  const products = [1];
  for (let loop = 0; loop < lengths.length - reduced; loop++) {
    products.push(products[loop] * lengths[loop]);
  }
  return products;
}
