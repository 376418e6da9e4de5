/**
 * From tasks to steps. A step is done by all threads, chunk by chunk; within a chunk, nests that need
 * no more than the rows that the chunk has just written follow at once, while these are in cache.
 *
 * @module
 */
import { byteSize } from "../base/dtype.ts";
import { sizeOf } from "../base/shape.ts";
import type { Builder, Kernel, Rows, Stage } from "../kernels/kernel.ts";
import type { Access, Nest } from "../kernels/loops.ts";
import { emitNest, rowUnit } from "../kernels/nest.ts";
import { kernelFor } from "./kernels.ts";
import type { KernelTask, Lowered, NestTask, Task } from "./lower.ts";
import { isHeavy } from "./rules.ts";

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
}

/** Work between two meetings of the threads. */
export interface Step {
  /** What is done for each chunk, in order. */
  readonly calls: readonly Call[];
  /** How many chunks there are. */
  readonly chunks: number;
  /** How they divide the results, where they divide them by rows. */
  readonly rows: Rows | null;
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

/** Nanoseconds of work that make up one chunk, about. */
const CHUNK_TIME = 50_000;

/** Nests that take no more than this part of a chunk's time are done as soon as they can be. */
const SMALL_PART = 0.1;

/** About how many bytes a chunk should touch: they fit into the cache of one core. */
const CHUNK_BYTES = 2 ** 18;

/** The most chunks that one nest is divided into. */
const MOST_CHUNKS = 64;

/** A step that is still being added to. */
interface OpenStep {
  readonly calls: Call[];
  readonly chunks: number;
  readonly rows: Rows | null;
  /** The buffers that it writes by rows. */
  readonly written: Set<number>;
}

/** Options of `schedule`. */
export interface ScheduleOptions {
  /** Nanoseconds of work that make up one chunk of a nest, about. */
  readonly chunkTime?: number;
  /** Which arguments are given up: what reads them comes first, so that they can be overwritten. */
  readonly isDonated?: readonly boolean[];
}

/** Puts the tasks of a program into steps, and their code into a module. */
export function schedule(
  lowered: Lowered,
  builder: Builder,
  { chunkTime = CHUNK_TIME, isDonated = [] }: ScheduleOptions = {},
): Schedule {
  return new Scheduler(lowered, builder, chunkTime, isDonated).run();
}

/** The buffers that a task reads. */
export function readsOf(task: Task): readonly number[] {
  if (task.kind === "kernel") return task.inputs;
  const { nest, buffers } = task;
  return [...new Set(nest.nodes.flatMap((n) => n.kind === "load" ? [buffers[n.from.buffer]] : []))];
}

/** The buffers that a task writes. */
export function writesOf(task: Task): readonly number[] {
  if (task.kind === "kernel") return task.outputs;
  return task.nest.stores.map(({ to }) => task.buffers[to.buffer]);
}

class Scheduler {
  readonly #lowered: Lowered;
  readonly #builder: Builder;
  readonly #chunkTime: number;
  readonly #areas: number[];
  readonly #steps: (OpenStep | HostStep)[] = [];
  readonly #summaries: KernelSummary[] = [];
  readonly #done = new Set<Task>();
  /** The tasks that read each buffer, in order. */
  readonly #readers = new Map<number, Task[]>();
  /** The tasks that have yet to write to each buffer. */
  readonly #writers = new Map<number, Set<Task>>();
  /** How many buffers each task still waits for. */
  readonly #missing = new Map<Task, number>();
  /** Small nests that wait for nothing. */
  readonly #ready: NestTask[] = [];
  readonly #isDonated: readonly boolean[];
  /** Kernels that are being started. */
  readonly #starting = new Set<KernelTask>();

  constructor(
    lowered: Lowered,
    builder: Builder,
    chunkTime: number,
    isDonated: readonly boolean[],
  ) {
    this.#isDonated = isDonated;
    this.#lowered = lowered;
    this.#builder = builder;
    this.#chunkTime = chunkTime;
    this.#areas = lowered.buffers.map(({ dtype, shape }) => byteSize(dtype) * sizeOf(shape));
    for (const task of lowered.tasks) {
      for (const buffer of readsOf(task)) getOrMake(this.#readers, buffer, () => []).push(task);
      for (const buffer of writesOf(task)) {
        getOrMake(this.#writers, buffer, () => new Set<Task>()).add(task);
      }
    }
    for (const task of lowered.tasks) {
      const missing = readsOf(task).filter((buffer) => this.#writers.has(buffer)).length;
      this.#missing.set(task, missing);
      if (missing === 0) this.#offer(task);
    }
  }

  /** Notes a task that could be done at once, if it is small enough to be done early. */
  #offer(task: Task): void {
    if (task.kind !== "nest" || !this.#isSmall(task)) return;
    // What shares its buffer with other writers keeps its place among them.
    if (writesOf(task).every((buffer) => this.#writers.get(buffer)!.size === 1)) {
      this.#ready.push(task);
    }
  }

  /** Does the small nests that wait for nothing: what comes next may then be followed by more. */
  #flush(): void {
    for (let task = this.#ready.pop(); task !== undefined; task = this.#ready.pop()) {
      if (!this.#done.has(task)) this.#startNest(task);
    }
  }

  run(): Schedule {
    for (const task of this.#lowered.tasks) {
      if (!this.#done.has(task) && !this.#isSmall(task)) this.#flush();
      if (this.#done.has(task)) continue;
      if (task.kind === "nest") this.#startNest(task);
      else this.#startKernel(task);
    }
    return { steps: this.#steps, areas: this.#areas, summaries: this.#summaries };
  }

  #isSmall(task: Task): boolean {
    return task.kind === "nest" && estimate(task.nest) <= SMALL_PART * this.#chunkTime;
  }

  #finished(task: Task): void {
    this.#done.add(task);
    for (const buffer of writesOf(task)) {
      const writers = this.#writers.get(buffer)!;
      writers.delete(task);
      if (writers.size > 0) continue;
      for (const reader of this.#readers.get(buffer) ?? []) {
        const missing = this.#missing.get(reader)! - 1;
        this.#missing.set(reader, missing);
        if (missing === 0 && !this.#done.has(reader)) this.#offer(reader);
      }
    }
  }

  /** Starts what still reads the donated arguments that could be overwritten behind a kernel. */
  #startReaders(task: KernelTask): void {
    if (!this.#isDonated.includes(true)) return;
    // The nests that may follow it, and those that may follow these.
    const followers = new Set<NestTask>();
    const queue: Task[] = [task];
    for (let next = queue.pop(); next !== undefined && followers.size < 16; next = queue.pop()) {
      for (const output of writesOf(next)) {
        for (const reader of this.#readers.get(output) ?? []) {
          if (reader.kind !== "nest" || followers.has(reader)) continue;
          followers.add(reader);
          queue.push(reader);
        }
      }
    }
    for (const buffer of new Set([...followers].flatMap(readsOf))) {
      const { source } = this.#lowered.buffers[buffer];
      if (typeof source !== "number" || !this.#isDonated[source]) continue;
      for (const reader of this.#readers.get(buffer)!) {
        if (reader.kind !== "kernel" || this.#done.has(reader)) continue;
        if (this.#missing.get(reader) === 0 && !this.#starting.has(reader)) {
          this.#startKernel(reader);
        }
      }
    }
  }

  #startKernel(task: KernelTask): void {
    this.#starting.add(task);
    this.#startReaders(task);
    const { equation, inputs, outputs } = task;
    const { buffers } = this.#lowered;
    const kernel = kernelFor(
      this.#builder,
      equation.primitive.name,
      equation.inputs.map((atom, i) => ({
        dtype: buffers[inputs[i]].dtype,
        shape: "type" in atom ? atom.type.shape : atom.shape,
      })),
      equation.params,
      equation.outputs.map(({ type }) => type),
    );
    if (kernel === null) {
      this.#steps.push({ task });
      this.#finished(task);
      this.#summaries.push({
        name: `${equation.primitive.name} (evaluator)`,
        operations: 0,
        bytes: 0,
        chunks: 1,
      });
      return;
    }
    const open = this.#push(
      equation.primitive.name,
      kernel,
      [...inputs, ...outputs],
      null,
      outputs,
    );
    this.#finished(task);
    if (open === null) return;
    if (open.rows !== null) open.written.add(outputs[0]);
    this.#follow(open, outputs);
  }

  #startNest(task: NestTask): void {
    const rows = chooseRows(task.nest, this.#chunkTime);
    const kernel = emitNest(this.#builder, task.nest, rows ?? undefined);
    const open = this.#push(task.name, kernel, task.buffers, task, []);
    this.#finished(task);
    if (open === null) return;
    const outputs = writesOf(task);
    if (open.rows !== null) {
      for (const { to } of task.nest.stores) {
        if (this.#isLocal(task, to, open.rows)) open.written.add(task.buffers[to.buffer]);
      }
    }
    this.#follow(open, outputs);
  }

  /** Adds the stages of a kernel; gives the step of the last one, if there is any. */
  #push(
    name: string,
    kernel: Kernel,
    buffers: readonly number[],
    nest: NestTask | null,
    results: readonly number[],
  ): OpenStep | null {
    const slots = [...buffers];
    for (const bytes of kernel.workspaces) slots.push(this.#areas.push(bytes) - 1);
    let last: OpenStep | null = null;
    for (const stage of kernel.stages) {
      if (stage.chunks === 0) continue;
      const call: Call = {
        name: stage.name,
        run: stage.run,
        slots: stage.operands.map((operand) => slots[operand]),
        nest: kernel.stages.length === 1 ? nest : null,
        rows: stage.rows === undefined ? [] : results,
      };
      const before = this.#steps.at(-1);
      if (stage.chunks === 1 && before !== undefined && "calls" in before && before.chunks === 1) {
        before.calls.push(call);
        last = before;
      } else {
        const rows = stage.rows ?? null;
        last = { calls: [call], chunks: stage.chunks, rows, written: new Set() };
        this.#steps.push(last);
      }
    }
    const chunks = Math.max(0, ...kernel.stages.map((stage) => stage.chunks));
    const { operations, bytes } = kernel;
    this.#summaries.push({ name, operations, bytes, chunks });
    return last;
  }

  /** Adds to a step the nests that can follow within its chunks, and those that can follow these. */
  #follow(open: OpenStep, outputs: readonly number[]): void {
    if (open.chunks === 1 || open.rows === null) return;
    const rows = open.rows;
    const queue = [...outputs];
    for (let buffer = queue.shift(); buffer !== undefined; buffer = queue.shift()) {
      for (const task of this.#readers.get(buffer) ?? []) {
        if (this.#done.has(task) || task.kind !== "nest") continue;
        if (!this.#canFollow(task, open, rows)) continue;
        const kernel = emitNest(this.#builder, task.nest, rows);
        const [stage] = kernel.stages;
        open.calls.push({
          name: stage.name,
          run: stage.run,
          slots: stage.operands.map((operand) => task.buffers[operand]),
          nest: task,
          rows: [],
        });
        const { operations, bytes } = kernel;
        this.#summaries.push({ name: `+ ${task.name}`, operations, bytes, chunks: open.chunks });
        this.#finished(task);
        for (const { to } of task.nest.stores) {
          const target = task.buffers[to.buffer];
          if (this.#isLocal(task, to, rows)) open.written.add(target);
          queue.push(target);
        }
      }
    }
  }

  #canFollow(task: NestTask, open: OpenStep, rows: Rows): boolean {
    const { nest, buffers } = task;
    if (!prefixes(nest).includes(rows.count)) return false;
    // Other tasks that write to the same buffers keep their order.
    for (const buffer of writesOf(task)) {
      if (this.#writers.get(buffer)!.size > 1) return false;
    }
    if (nest.lengths.includes(0)) return false;
    const own = this.#writtenIn(open);
    return nest.nodes.every((node) => {
      if (node.kind !== "load") return true;
      const buffer = buffers[node.from.buffer];
      // What others are still to write is not there yet.
      if ((this.#writers.get(buffer)?.size ?? 0) > 0) return false;
      return !own.has(buffer) ||
        open.written.has(buffer) && this.#isLocal(task, node.from, rows);
    });
  }

  /** Everything that a step writes. */
  #writtenIn(open: OpenStep): ReadonlySet<number> {
    const last = this.#steps.at(-1);
    if (last !== open) return new Set();
    return new Set(
      open.calls.flatMap(({ nest, slots }) => nest === null ? slots : [...writesOf(nest)]),
    );
  }

  /** Whether each round of a nest's rows touches only the same rows of a buffer. */
  #isLocal(task: NestTask, access: Access, rows: Rows): boolean {
    const { shape } = this.#lowered.buffers[task.buffers[access.buffer]];
    return isLocal(task.nest, access, rows.count, sizeOf(shape));
  }
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

/** How long a nest takes, in nanoseconds, about: vectors of four at one node each. */
function estimate(nest: Nest): number {
  let perElement = 0;
  for (const node of nest.nodes) {
    if (node.kind === "map") perElement += isHeavy(node.operation) ? 2 : 0.1;
    else if (node.kind === "load") perElement += 0.1;
    else if (node.kind === "reduce") perElement += 0.05;
  }
  return sizeOf(nest.lengths) * (perElement + 0.1);
}

/** About how many bytes a nest reads and writes. */
function bytesOf({ lengths, nodes, stores, buffers }: Nest): number {
  const accesses = [
    ...nodes.flatMap((node) => node.kind === "load" ? [node.from] : []),
    ...stores.map(({ to }) => to),
  ];
  return accesses.reduce((sum, { buffer, strides }) => {
    const moving = lengths.filter((_, loop) => strides[loop] !== 0);
    return sum + sizeOf(moving) * byteSize(buffers[buffer]);
  }, 0);
}

/** How a nest is divided into chunks, or `null` to leave it to the emitter. */
function chooseRows(nest: Nest, chunkTime: number): Rows | null {
  const chunks = Math.min(MOST_CHUNKS, Math.round(estimate(nest) / chunkTime));
  if (chunks <= 1) return { count: 1, perChunk: 1 };
  const products = prefixes(nest);
  const count = products.find((product) => product >= chunks);
  if (count === undefined) {
    // Few rows: a long reduction is divided by itself, anything else is not worth it.
    return nest.reduced > 0 ? null : { count: products[products.length - 1], perChunk: 1 };
  }
  // What follows in a chunk finds its rows in cache.
  const pieces = Math.max(chunks, Math.ceil(bytesOf(nest) / CHUNK_BYTES));
  const perChunk = Math.ceil(count / pieces);
  const unit = count === sizeOf(nest.lengths) ? 64 : rowUnit(nest, count);
  return { count, perChunk: Math.ceil(perChunk / unit) * unit };
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, value = make());
  return value;
}
