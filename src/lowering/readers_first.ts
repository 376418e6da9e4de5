/**
 * The order of tasks in which values can be overwritten in place: all other readers of a value precede
 * the task that may overwrite it.
 *
 * @module
 */
import { sizeOf } from "../base/shape.ts";
import { isEffectful } from "../core/program.ts";
import { asControl } from "../passes/control.ts";
import type { Buffer, Task } from "./tasks.ts";
import { heirsOf } from "../passes/heirs.ts";
import { isUpdate } from "../passes/kinds.ts";
import { readsOf, writesOf } from "./tasks.ts";

/** The numbers of the inputs whose memory a task's results may reuse. */
function overwritable(task: Task): readonly number[] {
  if (task.kind === "straight") return task.code.inPlace.map(([from]) => task.buffers[from]);
  if (task.kind !== "kernel") return [];
  const { equation, inputs } = task;
  if (isUpdate(equation.primitive.name)) return inputs.slice(0, 1);
  const control = asControl(equation);
  switch (control?.kind) {
    case "scan":
      return inputs.slice(control.params.consts, control.params.consts + control.params.carry);
    case "while":
      return inputs.slice(control.params.conditionConsts + control.params.bodyConsts);
    case "switch":
      return heirsOf(control.params.branches).flatMap((heir) =>
        heir === null ? [] : [inputs[1 + heir]]
      );
    default:
      return [];
  }
}

/** The tasks in an order that respects all dependences, with readers before the tasks that overwrite. */
export function readersFirst(tasks: readonly Task[], buffers: readonly Buffer[]): readonly Task[] {
  if (!tasks.some((task) => overwritable(task).length > 0)) return tasks;
  const memoryOf = (buffer: number): number => buffers[buffer].alias ?? buffer;
  const writers = new Map<number, number[]>();
  const readers = new Map<number, number[]>();
  const note = (map: Map<number, number[]>, key: number, i: number): void => {
    const list = map.get(key);
    if (list === undefined) map.set(key, [i]);
    else list.push(i);
  };
  const before: Set<number>[] = [];
  let lastEffect = -1;
  tasks.forEach((task, i) => {
    const own = new Set<number>();
    for (const buffer of readsOf(task)) {
      writers.get(buffer)?.forEach((writer) => own.add(writer));
      note(readers, memoryOf(buffer), i);
    }
    for (const buffer of writesOf(task)) {
      writers.get(buffer)?.forEach((writer) => own.add(writer));
      note(writers, buffer, i);
    }
    if (task.kind === "kernel" && isEffectful(task.equation)) {
      if (lastEffect >= 0) own.add(lastEffect);
      lastEffect = i;
    }
    before.push(own);
  });
  const needs = (task: number, other: number): boolean => {
    const seen = new Set<number>();
    const queue = [task];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (next === other) return true;
      if (seen.has(next)) continue;
      seen.add(next);
      queue.push(...before[next]);
    }
    return false;
  };
  let isChanged = false;
  // If two tasks would each have to precede the other, the larger value is updated in place.
  const pairs = tasks.flatMap((task, i) =>
    [...new Set(overwritable(task))].map((buffer) => ({ i, buffer }))
  ).sort((a, b) => sizeOf(buffers[b.buffer].shape) - sizeOf(buffers[a.buffer].shape));
  for (const { i, buffer } of pairs) {
    for (const reader of readers.get(memoryOf(buffer)) ?? []) {
      if (reader === i || needs(reader, i) || needs(i, reader)) continue;
      before[i].add(reader);
      isChanged ||= reader > i;
    }
  }
  if (!isChanged) return tasks;
  const ordered: Task[] = [];
  const done = new Set<number>();
  const place = (i: number): void => {
    if (done.has(i)) return;
    done.add(i);
    before[i].forEach(place);
    ordered.push(tasks[i]);
  };
  tasks.forEach((_, i) => place(i));
  return ordered;
}
