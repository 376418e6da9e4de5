/**
 * Fusion of elementwise work with the same loops into one nest, for devices on which starting a task is
 * slow. A value that one nest stores and the other loads in the same round is not loaded, and not
 * stored either if nothing else reads it.
 *
 * @module
 */
import { sameShape, sizeOf } from "../base/shape.ts";
import { joined, MOST_NODES, REACH } from "./join_reductions.ts";
import type { Access } from "./nest.ts";
import { type NestTask, readsOf, type Task, writesOf } from "./tasks.ts";

/** Work on up to this number of elements is joined even if it has nothing in common. */
const FEW = 2 ** 16;

/**
 * The tasks, with each elementwise nest merged into an earlier one if that is possible and gives a nest
 * of no more than `mostBuffers` buffers. `isResult` tells which buffers are read after them.
 */
export function joinLoops(
  tasks: readonly Task[],
  mostBuffers: number,
  isResult: (buffer: number) => boolean,
): readonly Task[] {
  const result: Task[] = [];
  let hasJoined = false;
  for (const task of tasks) {
    const place = task.kind === "nest" ? partnerOf(task, result, mostBuffers) : -1;
    if (place < 0) result.push(task);
    else {
      result[place] = joined(result[place] as NestTask, task as NestTask);
      hasJoined = true;
    }
  }
  if (!hasJoined) return result;
  const read = new Set(result.flatMap(readsOf));
  return result.map((task) =>
    task.kind === "nest" ? withStores(task, (buffer) => read.has(buffer) || isResult(buffer)) : task
  );
}

/** The index of an earlier nest that can do the work of this one, too, or -1. */
function partnerOf(task: NestTask, before: readonly Task[], mostBuffers: number): number {
  if (task.nest.reduced > 0) return -1;
  const reads = new Set(readsOf(task));
  const writes = new Set(writesOf(task));
  for (let i = before.length - 1; i >= Math.max(0, before.length - REACH); i--) {
    const other = before[i];
    const written = writesOf(other);
    if (
      written.some((buffer) => writes.has(buffer)) ||
      readsOf(other).some((buffer) => writes.has(buffer))
    ) return -1;
    if (other.kind === "nest" && fit(other, task, mostBuffers)) return i;
    if (written.some((buffer) => reads.has(buffer))) return -1;
  }
  return -1;
}

/** Whether the second nest can be computed in the rounds of the first. */
function fit(first: NestTask, second: NestTask, mostBuffers: number): boolean {
  const [a, b] = [first.nest, second.nest];
  if (a.reduced > 0 || !sameShape(a.lengths, b.lengths)) return false;
  if (a.nodes.length + b.nodes.length > MOST_NODES) return false;
  const buffers = new Set([...first.buffers, ...second.buffers]);
  if (buffers.size > mostBuffers) return false;
  const isCommon = buffers.size < first.buffers.length + second.buffers.length;
  if (!isCommon && sizeOf(a.lengths) > FEW) return false;
  return b.nodes.every((node) => {
    if (node.kind !== "load") return true;
    const stores = a.stores.filter(({ to }) =>
      first.buffers[to.buffer] === second.buffers[node.from.buffer]
    );
    return stores.every(({ node: stored, to }) =>
      stores.length === 1 && node.guards === undefined && a.nodes[stored].dtype === node.dtype &&
      isSame(to, node.from, a.lengths)
    );
  });
}

/** Whether two accesses refer to the same element in every round. */
function isSame(a: Access, b: Access, lengths: readonly number[]): boolean {
  return a.offset === b.offset &&
    lengths.every((length, i) => length === 1 || a.strides[i] === b.strides[i]);
}

/**
 * The nest without stores that are not read, unless these are all of its stores, and without the nodes
 * that only they need.
 */
function withStores(task: NestTask, isNeeded: (buffer: number) => boolean): NestTask {
  const { nest, buffers } = task;
  const stores = nest.stores.filter(({ to }) => isNeeded(buffers[to.buffer]));
  if (stores.length === 0 || stores.length === nest.stores.length) return task;
  const used = new Set(stores.map(({ to }) => to.buffer));
  for (const node of nest.nodes) if (node.kind === "load") used.add(node.from.buffer);
  const places = [...used];
  const moved = (access: Access): Access => ({ ...access, buffer: places.indexOf(access.buffer) });
  return {
    ...task,
    nest: {
      ...nest,
      buffers: places.map((place) => nest.buffers[place]),
      nodes: nest.nodes.map((node) =>
        node.kind === "load" ? { ...node, from: moved(node.from) } : node
      ),
      stores: stores.map(({ node, to }) => ({ node, to: moved(to) })),
    },
    buffers: places.map((place) => buffers[place]),
  };
}
