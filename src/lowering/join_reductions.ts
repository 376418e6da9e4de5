/**
 * Reductions of the same elements by the same loops, joined into one nest, which reads them once.
 *
 * @module
 */
import { encode } from "../base/data.ts";
import { sameShape } from "../base/shape.ts";
import type { Access, LoopNode } from "./nest.ts";
import { mapInputs } from "./simplify_nest.ts";
import { readsOf, writesOf } from "./tasks.ts";
import type { NestTask, Task } from "./tasks.ts";

/** The number of previous tasks that are searched for a nest. */
export const REACH = 16;

/** The maximum number of nodes of joined nests: their values should fit into registers. */
export const MOST_NODES = 80;

/** The maximum number of results. */
const MOST_STORES = 4;

/**
 * The tasks, with each reduction merged into an earlier one if that is possible, and if the nest then
 * has no more than `mostBuffers` buffers.
 */
export function joinReductions(tasks: readonly Task[], mostBuffers: number): readonly Task[] {
  const result: Task[] = [];
  for (const task of tasks) {
    const place = task.kind === "nest" ? partnerOf(task, result, mostBuffers) : -1;
    if (place < 0) result.push(task);
    else result[place] = joined(result[place] as NestTask, task as NestTask);
  }
  return result;
}

/** The index of an earlier nest that can do the work of this one, too, or -1. */
function partnerOf(task: NestTask, before: readonly Task[], mostBuffers: number): number {
  if (task.nest.reduced === 0) return -1;
  const reads = new Set(readsOf(task));
  const writes = new Set(writesOf(task));
  for (let i = before.length - 1; i >= Math.max(0, before.length - REACH); i--) {
    const other = before[i];
    const written = writesOf(other);
    const isFree = !written.some((buffer) => reads.has(buffer) || writes.has(buffer)) &&
      !readsOf(other).some((buffer) => writes.has(buffer));
    if (!isFree) return -1;
    if (other.kind !== "nest" || !fit(other, task)) continue;
    if (new Set([...other.buffers, ...task.buffers]).size <= mostBuffers) return i;
  }
  return -1;
}

/** Whether two nests have the same loops and read a common value in all of them. */
function fit(first: NestTask, second: NestTask): boolean {
  const [a, b] = [first.nest, second.nest];
  if (a.reduced !== b.reduced || !sameShape(a.lengths, b.lengths)) return false;
  if (a.nodes.length + b.nodes.length > MOST_NODES) return false;
  if (a.stores.length + b.stores.length > MOST_STORES) return false;
  const loads = new Set(a.nodes.flatMap((node) => keyOfLoad(node, first)));
  return b.nodes.some((node) => keyOfLoad(node, second).some((key) => loads.has(key)));
}

/** A key for a load of a different element in each round; none for other nodes. */
function keyOfLoad(node: LoopNode, { nest, buffers }: NestTask): readonly string[] {
  if (node.kind !== "load") return [];
  const { from, guards = [] } = node;
  if (nest.lengths.some((length, i) => length > 1 && from.strides[i] === 0)) return [];
  return [encode([buffers[from.buffer], from.offset, from.strides, guards])];
}

/** The node that a nest stores at the location of a load, whose buffers have the numbers in `buffers`. */
function storeOf(
  { nest, buffers: own }: NestTask,
  buffers: readonly number[],
  from: Access,
): number | undefined {
  const store = nest.stores.find(({ to }) => own[to.buffer] === buffers[from.buffer]);
  return store?.node;
}

/** Both nests as one; values that the second one loads and the first one stores are used directly. */
export function joined(first: NestTask, second: NestTask): NestTask {
  const buffers = [...new Set([...first.buffers, ...second.buffers])];
  const places = second.buffers.map((buffer) => buffers.indexOf(buffer));
  const nodes = [...first.nest.nodes];
  const known = new Map(nodes.map((node, i) => [encode(node), i]));
  const numbers: number[] = [];
  for (const node of second.nest.nodes) {
    const own = mapInputs(node, (input) => numbers[input]);
    const moved = own.kind === "load"
      ? { ...own, from: { ...own.from, buffer: places[own.from.buffer] } }
      : own;
    const stored = moved.kind === "load" ? storeOf(first, buffers, moved.from) : undefined;
    const key = encode(moved);
    let number = stored ?? known.get(key);
    if (number === undefined) {
      number = nodes.push(moved) - 1;
      known.set(key, number);
    }
    numbers.push(number);
  }
  const dtypes = buffers.map((buffer) => {
    const own = first.buffers.indexOf(buffer);
    return own < 0 ? second.nest.buffers[second.buffers.indexOf(buffer)] : first.nest.buffers[own];
  });
  const stores = second.nest.stores.map(({ node, to }) => ({
    node: numbers[node],
    to: { ...to, buffer: places[to.buffer] },
  }));
  return {
    kind: "nest",
    name: first.name === second.name ? first.name : `${first.name}, ${second.name}`,
    nest: { ...first.nest, buffers: dtypes, nodes, stores: [...first.nest.stores, ...stores] },
    buffers,
  };
}
