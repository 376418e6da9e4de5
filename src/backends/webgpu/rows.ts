/**
 * Consecutive loop nests that one pass can run row by row, such as the reductions of a softmax and the
 * elementwise work on the same rows.
 *
 * @module
 */
import { sizeOf } from "../../base/shape.ts";
import type { Access } from "../../lowering/nest.ts";
import { isLocal, type Lowered, type NestTask, readsOf, writesOf } from "../../lowering/tasks.ts";
import type { Limits } from "./wgsl/kernel.ts";

/** Consecutive tasks of a program that one pass runs, row by row. */
export interface Rows {
  readonly tasks: readonly NestTask[];
  /** The number of rows. */
  readonly rows: number;
  /** The buffers of which a row accesses only a row. */
  readonly local: ReadonlySet<number>;
}

/** The minimum number of rows on a processor, where one invocation runs a row. */
const LEAST_ON_PROCESSOR = 64;

/** The minimum length of a row that a workgroup shares. */
const LEAST_LENGTH = 32;

/** The minimum number of rows that keep a device busy, and the maximum length of a row below that. */
const ENOUGH = 256;
const MOST_LENGTH = 4096;

/** The rounds of the loops of a nest that are not reduced. */
function keptOf({ nest: { lengths, reduced } }: NestTask): number {
  return sizeOf(lengths.slice(0, lengths.length - reduced));
}

/** Whether a device runs that many rows of this length well in one pass. */
function isWorthwhile(rows: number, length: number, { isProcessor }: Limits): boolean {
  if (isProcessor) return rows >= LEAST_ON_PROCESSOR;
  return length >= LEAST_LENGTH && (length <= MOST_LENGTH || rows >= ENOUGH);
}

/** The rows of consecutive tasks; `null` if they cannot or need not be run row by row. */
function rowsOf(
  { buffers }: Lowered,
  tasks: readonly NestTask[],
  limits: Limits,
): Rows | null {
  const reduction = tasks.find(({ nest }) => nest.reduced > 0);
  if (reduction === undefined) return null;
  const rows = keptOf(reduction);
  if (rows === 0) return null;
  const lengths = tasks.map(({ nest }) => sizeOf(nest.lengths) / rows);
  if (lengths.includes(0) || !isWorthwhile(rows, Math.max(...lengths), limits)) return null;
  if (tasks.some((task) => task.nest.reduced > 0 && keptOf(task) !== rows)) return null;
  const distant = new Set<number>();
  const used = new Set<number>();
  for (const { nest, buffers: own } of tasks) {
    const look = (access: Access): void => {
      const buffer = own[access.buffer];
      used.add(buffer);
      if (!isLocal(nest, access, rows, sizeOf(buffers[buffer].shape))) distant.add(buffer);
    };
    for (const node of nest.nodes) if (node.kind === "load") look(node.from);
    for (const { to } of nest.stores) look(to);
  }
  if (used.size > limits.bindings) return null;
  if (tasks.some((task) => writesOf(task).some((buffer) => distant.has(buffer)))) return null;
  return { tasks, rows, local: new Set([...used].filter((one) => !distant.has(one))) };
}

/** The longest sequences of at least two tasks for one pass, by the number of the first task. */
export function findRows(lowered: Lowered, limits: Limits): ReadonlyMap<number, Rows> {
  const { tasks } = lowered;
  const found = new Map<number, Rows>();
  for (let first = 0; first < tasks.length;) {
    let best: Rows | null = null;
    const own: NestTask[] = [];
    const touched = new Set<number>();
    let hasReduction = false;
    for (let i = first; i < tasks.length; i++) {
      const task = tasks[i];
      if (task.kind !== "nest") break;
      if (i > first && !readsOf(task).some((buffer) => touched.has(buffer))) break;
      own.push(task);
      for (const buffer of [...readsOf(task), ...writesOf(task)]) touched.add(buffer);
      hasReduction ||= task.nest.reduced > 0;
      // Without a reduction so far, a later task may bring one.
      if (i === first || !hasReduction) continue;
      const rows = rowsOf(lowered, [...own], limits);
      if (rows === null) break;
      best = rows;
    }
    if (best !== null) found.set(first, best);
    first += best?.tasks.length ?? 1;
  }
  return found;
}
