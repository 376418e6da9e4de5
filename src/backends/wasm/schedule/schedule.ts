/**
 * Turns tasks into steps. A step is done by all threads, chunk by chunk. Within a chunk, nests that need
 * only the rows just written by the chunk follow immediately, while these rows are in cache.
 *
 * @module
 */
import { byteSize } from "../../../base/dtype.ts";
import { sizeOf } from "../../../base/shape.ts";
import { isEffectful } from "../../../core/program.ts";
import type { Builder, Kernel, Rows } from "../kernels/kernel.ts";
import type { Timers } from "../kernels/timers.ts";
import type { Access, Nest } from "../../../lowering/nest.ts";
import { emitNest, rowUnit } from "../kernels/nest/mod.ts";
import { emitHand } from "../kernels/indexing/slicing.ts";
import { emitStraight } from "../kernels/nest/straight.ts";
import { asControl } from "../../../passes/control.ts";
import { kernelFor } from "../kernels/table.ts";
import type {
  HandTask,
  KernelTask,
  Lowered,
  NestTask,
  StraightTask,
  Task,
} from "../../../lowering/tasks.ts";
import type { LoopKernel } from "./loop.ts";
import { emitControl } from "./control.ts";
import { isHeavy } from "../../../passes/kinds.ts";
import type { Call, HostStep, Schedule, Step } from "./steps.ts";
import type { KernelSummary, TimerOfStage } from "../../backend.ts";
import { isLocal, prefixes, readsOf, writesOf } from "../../../lowering/tasks.ts";
import { roundsOf } from "../kernels/nest/cost.ts";

// Measured on two cores of an AMD EPYC (Zen 3) with Deno 2.9.6: compare the groups "shared" of
// `deno bench bench/thresholds_bench.ts -- 1` and `-- 2`; for loops, `deno bench bench/loops_bench.ts`.

/** The approximate work of one chunk in nanoseconds. */
const CHUNK_TIME = 50_000;

/** Nests that take at most this share of a chunk's time are scheduled as early as possible. */
const SMALL_PART = 0.1;

/** The approximate number of bytes that a chunk should access: they fit into the cache of one core. */
const CHUNK_BYTES = 2 ** 18;

/** The maximum number of chunks of one nest. */
const MOST_CHUNKS = 64;

/** The minimum work, in operations and bytes, that sharing a round of a loop must take off one thread. */
const SHARED_FROM = 2_000_000;

/** A step to which calls can still be added. */
interface OpenStep extends Step {
  readonly calls: Call[];
  readonly tasks: KernelSummary[];
  /** The buffers that it writes by rows. */
  readonly written: Set<number>;
}

/** A summary to which timers can still be added. */
interface TimedSummary extends KernelSummary {
  readonly timers?: TimerOfStage[];
}

/** Options of `schedule`. */
export interface ScheduleOptions {
  /** The approximate work of one chunk of a nest in nanoseconds. */
  readonly chunkTime?: number;
  /** Which arguments are donated: tasks that read them come first, so that they can be overwritten. */
  readonly isDonated?: readonly boolean[];
  /** The minimum work, in operations and bytes, that sharing a round of a loop must take off one thread. */
  readonly sharedFrom?: number;
  /** Whether it is an inner program. */
  readonly isInner?: boolean;
}

/** Schedules the tasks of a program, and writes their code into a module. */
export function schedule(
  lowered: Lowered,
  builder: Builder,
  options: ScheduleOptions = {},
): Schedule {
  const { chunkTime = CHUNK_TIME, isDonated = [], sharedFrom = SHARED_FROM, isInner = false } =
    options;
  return new Scheduler(lowered, builder, { chunkTime, isDonated, sharedFrom, isInner }).run();
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
  /** The tasks that must still write to each buffer. */
  readonly #writers = new Map<number, Set<Task>>();
  /** The number of buffers that each task waits for. */
  readonly #missing = new Map<Task, number>();
  /** Small nests that are ready. */
  readonly #ready: NestTask[] = [];
  readonly #isDonated: readonly boolean[];
  readonly #options: Required<ScheduleOptions>;
  /** Kernels that are being started. */
  readonly #starting = new Set<KernelTask>();

  constructor(
    lowered: Lowered,
    builder: Builder,
    options: Required<ScheduleOptions>,
  ) {
    const { chunkTime, isDonated } = options;
    this.#options = options;
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

  /** Records a task that is ready, if it is small enough to be scheduled early. */
  #offer(task: Task): void {
    if (task.kind !== "nest" || !this.#isSmall(task)) return;
    // A task that shares its buffer with other writers keeps its order among them.
    if (writesOf(task).every((buffer) => this.#writers.get(buffer)!.size === 1)) {
      this.#ready.push(task);
    }
  }

  /** Schedules the small nests that are ready, so that more nests may follow the next step. */
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
      else if (task.kind === "hand") this.#startHand(task);
      else if (task.kind === "straight") this.#startStraight(task);
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

  /** Schedules the remaining readers of donated arguments that a kernel could overwrite afterwards. */
  #startReaders(task: KernelTask): void {
    if (!this.#isDonated.includes(true)) return;
    // The nests that may follow it, directly or after other ones.
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
        // Tasks with effects keep their order.
        if (isEffectful(reader.equation)) continue;
        if (this.#missing.get(reader) === 0 && !this.#starting.has(reader)) {
          this.#startKernel(reader);
        }
      }
    }
  }

  /** The kernel of a task, with the summaries of its inner kernels. */
  #kernelOf({ equation, inputs }: KernelTask): (Kernel & Partial<LoopKernel>) | null {
    const control = asControl(equation);
    if (control !== null) {
      const { chunkTime, sharedFrom } = this.#options;
      return emitControl(this.#builder, control, {
        sharedFrom,
        isInner: this.#options.isInner,
        scheduleInner: (lowered, isDonated) =>
          schedule(lowered, this.#builder, { chunkTime, isDonated, sharedFrom, isInner: true }),
      });
    }
    const { buffers } = this.#lowered;
    return kernelFor(
      this.#builder,
      equation.primitive.name,
      equation.inputs.map((atom, i) => ({
        dtype: buffers[inputs[i]].dtype,
        shape: "type" in atom ? atom.type.shape : atom.shape,
      })),
      equation.params,
      equation.outputs.map(({ type }) => type),
    );
  }

  /** The buffer that owns the memory of a buffer. */
  #root(buffer: number): number {
    return this.#lowered.buffers[buffer].alias ?? buffer;
  }

  #startKernel(task: KernelTask): void {
    const { equation, inputs, outputs } = task;
    // From here on, the dependencies of tasks after a barrier are satisfied.
    if (equation.primitive.name === "barrier") return this.#finished(task);
    this.#starting.add(task);
    this.#startReaders(task);
    const kernel = this.#kernelOf(task);
    if (kernel === null) {
      const root = (buffer: number): number => this.#root(buffer);
      this.#steps.push({ task: { ...task, inputs: inputs.map(root) } });
      this.#finished(task);
      this.#summaries.push({
        name: `${equation.primitive.name} (evaluator)`,
        operations: 0,
        bytes: 0,
        chunks: 1,
        depth: 0,
      });
      return;
    }
    const open = this.#push(
      kernel.inside === undefined ? equation.primitive.name : kernel.stages[0].name,
      kernel,
      [...inputs, ...outputs],
      null,
      outputs,
    );
    this.#summaries.push(...kernel.inside ?? []);
    this.#finished(task);
    if (open === null) return;
    if (open.rows !== null) open.written.add(outputs[0]);
    this.#follow(open, outputs);
  }

  #startStraight(task: StraightTask): void {
    const { code: { straight, inPlace }, buffers } = task;
    const kernel = this.#builder.once(emitStraight, { straight, inPlace });
    this.#push("straight", kernel, buffers, null, []);
    this.#finished(task);
  }

  #startHand(task: HandTask): void {
    const { from, to } = task;
    const kernel = this.#builder.once(emitHand, { bytes: this.#areas[from] });
    this.#push("hand on", kernel, [from, to], null, [to]);
    this.#finished(task);
  }

  #startNest(task: NestTask): void {
    const rows = chooseRows(task.nest, this.#chunkTime);
    const kernel = emitNest(this.#builder, task.nest, rows ?? undefined);
    const open = this.#push(task.name, kernel, task.buffers, this.#resolved(task), []);
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

  /** A nest on the buffers that own the memory of its own ones. */
  #resolved(task: NestTask): NestTask {
    return { ...task, buffers: task.buffers.map((buffer) => this.#root(buffer)) };
  }

  /** The timers of calls, if they are measured one by one: those of inner programs. */
  get #timers(): Timers | null {
    return this.#options.isInner ? this.#builder.timers : null;
  }

  /** Whether each task gets steps of its own, which are measured from outside. */
  get #isApart(): boolean {
    return !this.#options.isInner && this.#builder.timers !== null;
  }

  /** Adds the summary of a task. */
  #summary(parts: Omit<KernelSummary, "timers">): TimedSummary {
    const summary = this.#timers === null ? parts : { ...parts, timers: [] };
    this.#summaries.push(summary);
    return summary;
  }

  /** A timer for a call for each of `chunks` chunks, if calls are measured. */
  #timerFor({ timers }: TimedSummary, chunks: number): number | null {
    const timer = this.#timers?.make() ?? null;
    if (timer !== null) timers!.push({ timer, chunks });
    return timer;
  }

  /** Adds the stages of a kernel; returns the step of the last one, if there is any. */
  #push(
    name: string,
    { inPlace = [], ...kernel }: Kernel & Partial<LoopKernel>,
    buffers: readonly number[],
    nest: NestTask | null,
    results: readonly number[],
  ): OpenStep | null {
    const slots = buffers.map((buffer) => this.#root(buffer));
    for (const bytes of kernel.workspaces) slots.push(this.#areas.push(bytes) - 1);
    const { operations, bytes } = kernel;
    const chunks = Math.max(0, ...kernel.stages.map((stage) => stage.chunks));
    const summary = this.#summary({ name, operations, bytes, chunks, depth: 0 });
    let last: OpenStep | null = null;
    for (const stage of kernel.stages) {
      if (stage.chunks === 0) continue;
      const call: Call = {
        name: stage.name,
        run: stage.run,
        slots: stage.operands.map((operand) => slots[operand]),
        nest: kernel.stages.length === 1 ? nest : null,
        rows: stage.rows === undefined ? [] : results,
        inPlace: inPlace.map(([from, to]) => [slots[from], slots[to]]),
        timer: this.#timerFor(summary, stage.chunks),
      };
      const before = this.#steps.at(-1);
      const order = stage.order ?? null;
      const isJoined = stage.chunks === 1 && before !== undefined && "calls" in before &&
        before.chunks === 1 && (last !== null || !this.#isApart);
      if (isJoined) {
        before.calls.push(call);
        if (last === null) before.tasks.push(summary);
        last = before;
      } else {
        const rows = stage.rows ?? null;
        const open = stage.openOrder === undefined
          ? null
          : { order: stage.openOrder, counter: this.#areas.push(0) - 1 };
        const goesOn: boolean = last !== null;
        last = {
          calls: [call],
          chunks: stage.chunks,
          rows,
          order,
          open,
          tasks: goesOn ? [] : [summary],
          goesOn,
          written: new Set(),
        };
        this.#steps.push(last);
      }
    }
    return last;
  }

  /** Adds the nests that can follow within a step's chunks, and those that can follow these. */
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
        const { operations, bytes } = kernel;
        const name = `+ ${task.name}`;
        const summary = this.#summary({ name, operations, bytes, chunks: open.chunks, depth: 0 });
        open.calls.push({
          name: stage.name,
          run: stage.run,
          slots: stage.operands.map((operand) => this.#root(task.buffers[operand])),
          nest: this.#resolved(task),
          rows: [],
          inPlace: [],
          timer: this.#timerFor(summary, open.chunks),
        });
        open.tasks.push(summary);
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
      // Buffers that other tasks must still write are not ready.
      if ((this.#writers.get(buffer)?.size ?? 0) > 0) return false;
      const memory = this.#root(buffer);
      return !own.has(memory) ||
        open.written.has(memory) && this.#isLocal(task, node.from, rows);
    });
  }

  /** All buffers written by a step. */
  #writtenIn(open: OpenStep): ReadonlySet<number> {
    const last = this.#steps.at(-1);
    if (last !== open) return new Set();
    return new Set(
      open.calls.flatMap(({ nest, slots }) => nest === null ? slots : [...writesOf(nest)]),
    );
  }

  /** Whether each round of a nest's rows accesses only the same rows of a buffer. */
  #isLocal(task: NestTask, access: Access, rows: Rows): boolean {
    const { shape } = this.#lowered.buffers[task.buffers[access.buffer]];
    return isLocal(task.nest, access, rows.count, sizeOf(shape));
  }
}

/**
 * The nanoseconds per round of a nest for the loop, and for each node by kind, with vectors of four
 * elements, on one core of an AMD EPYC (Zen 3) with Deno 2.9.6. `deno bench bench/elementwise_bench.ts`
 * measures them again.
 */
const ROUND = { self: 0.1, quick: 0.1, heavy: 2, load: 0.1, reduce: 0.05 };

/** The approximate duration of a nest in nanoseconds. */
function estimate(nest: Nest): number {
  const rounds = roundsOf(nest);
  let time = ROUND.self * sizeOf(nest.lengths);
  nest.nodes.forEach((node, i) => {
    if (node.kind === "map") time += rounds[i] * ROUND[isHeavy(node.operation) ? "heavy" : "quick"];
    else if (node.kind === "load") time += rounds[i] * ROUND.load;
    else if (node.kind === "reduce") time += rounds[i] * ROUND.reduce;
  });
  return time;
}

/** The approximate number of bytes that a nest reads and writes. */
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

/** The division of a nest into chunks, or `null` to leave it to the emitter. */
function chooseRows(nest: Nest, chunkTime: number): Rows | null {
  const chunks = Math.min(MOST_CHUNKS, Math.round(estimate(nest) / chunkTime));
  if (chunks <= 1) return { count: 1, perChunk: 1 };
  const products = prefixes(nest);
  const count = products.find((product) => product >= chunks);
  if (count === undefined) {
    // Few rows: a long reduction is divided itself, other nests are too small.
    return nest.reduced > 0 ? null : { count: products[products.length - 1], perChunk: 1 };
  }
  // The next nest in a chunk finds its rows in cache.
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
