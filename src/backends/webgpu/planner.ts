/**
 * Plans the commands of a program and the lifetimes of the memories that they use, including those of inner
 * programs.
 *
 * @module
 */
import type { Dtype } from "../../base/dtype.ts";
import { internalError } from "../../base/errors.ts";
import { sizeOf } from "../../base/shape.ts";
import { type Program, typeOf } from "../../core/program.ts";
import type { Type } from "../../core/tensor.ts";
import type { Life } from "../../lowering/arrange.ts";
import { lower } from "../../lowering/lower.ts";
import type { Access, Nest } from "../../lowering/nest.ts";
import type { Target } from "../../lowering/target.ts";
import {
  type KernelTask,
  type Lowered,
  type NestTask,
  readsOf,
  readsWhereItWrites,
  type Task,
  writesOf,
} from "../../lowering/tasks.ts";
import { asControl, type ControlEquation } from "../../passes/control.ts";
import type { KernelSummary } from "../backend.ts";
import { type Command, type Label, memoriesOf, resolve, type View } from "./commands.ts";
import { type Entry, type GateParts, gatePass } from "./wgsl/gates.ts";
import type { Limits, Pass } from "./wgsl/kernel.ts";
import { wordBytes } from "./wgsl/module.ts";
import { findRows, type Rows } from "./rows.ts";
import { writeNest, writeRows } from "./wgsl/nest.ts";
import { canWrite } from "./wgsl/operations.ts";
import { kernelFor, widens } from "./wgsl/table.ts";

/** The properties of a device that lowering depends on. */
export function targetFor({ bindings }: Limits): Target {
  return {
    writes: canWrite,
    widens,
    hasDoubles: false,
    mostBuffers: bindings,
    joinsLoops: true,
    hasStraightCode: false,
  };
}

/** What a pass does, for profiles. */
type PassWork = Omit<Label, "bytes">;

/** Plans an equation that contains programs: its inputs and outputs are buffers of the frame. */
export type PlanControl = (
  planner: Planner,
  frame: Frame,
  equation: ControlEquation,
  task: KernelTask,
  number: number,
) => void;

/** A word that controls whether passes have something to do. */
export interface Guard {
  readonly state: View;
  readonly index: number;
}

/** The destination of a result of an inner program. */
export interface Goal {
  readonly view: View;
  /** The binder at the same location, if there is one. */
  readonly heir: number | null;
}

/** The parts of a frame. */
interface FrameParts {
  readonly lowered: Lowered;
  /** The views of the arguments. */
  readonly binders: readonly View[];
  /** Views of arguments that operations which change some elements may overwrite. */
  readonly changeable?: ReadonlySet<View>;
  /** Required locations of buffers. */
  readonly homes?: ReadonlyMap<number, View>;
  /** Preferred locations of buffers, once they are free: the first possible one is used. */
  readonly wishes?: ReadonlyMap<number, readonly View[]>;
}

/** A lowered program during planning, with the locations of its buffers. */
export class Frame {
  readonly lowered: Lowered;
  readonly views: (View | undefined)[];
  readonly #planner: Planner;
  readonly #homes: ReadonlyMap<number, View>;
  readonly #wishes: ReadonlyMap<number, readonly View[]>;
  readonly #changeable: Set<View>;
  /** Views of memories owned by this frame. */
  readonly #own = new Set<View>();
  /** The last task that reads or writes each buffer. */
  readonly #last: readonly number[];

  constructor(planner: Planner, parts: FrameParts) {
    const { lowered, binders, changeable = [], homes = new Map(), wishes = new Map() } = parts;
    this.#planner = planner;
    this.lowered = lowered;
    this.#changeable = new Set(changeable);
    this.#homes = homes;
    this.#wishes = wishes;
    const { buffers, tasks, results } = lowered;
    this.views = buffers.map(({ source }) => source === null ? undefined : binders[source]);
    const last = buffers.map(() => -1);
    tasks.forEach((task, i) => {
      for (const one of [...readsOf(task), ...writesOf(task)]) last[one] = i;
    });
    for (const result of results) if ("buffer" in result) last[result.buffer] = Infinity;
    buffers.forEach(({ alias }, i) => {
      if (alias !== undefined) last[alias] = Math.max(last[alias], last[i]);
    });
    this.#last = last;
  }

  /** The location of a buffer that has been written. */
  viewOf(buffer: number): View {
    const view = this.views[buffer];
    if (view === undefined) throw internalError(`Buffer ${buffer} has not been written`);
    return view;
  }

  /** Whether the location of a buffer has no other use once a task has read it there. */
  isFreed(buffer: number, task: number, read: readonly number[]): boolean {
    const view = this.viewOf(buffer);
    return read.filter((one) => this.views[one] === view).length === 1 &&
      this.#isFree(view, task + 1);
  }

  /** Whether nothing reads a location at or after a task. */
  #isFree(view: View, task: number): boolean {
    return this.views.every((one, i) => one !== view || this.#last[i] < task);
  }

  /**
   * Assigns a location to a buffer that a task writes: the required one, that of a buffer which it may
   * change or take over, or a preferred one; otherwise a new one.
   */
  place(
    buffer: number,
    task: number,
    changed: number | null = null,
    overwritten: readonly number[] = [],
  ): View {
    const known = this.views[buffer];
    if (known !== undefined) return known;
    return this.views[buffer] = this.#homes.get(buffer) ??
      this.#placeOfOld(buffer, task, changed, overwritten) ?? this.#placeOfNew(buffer);
  }

  #placeOfOld(
    buffer: number,
    task: number,
    changed: number | null,
    overwritten: readonly number[],
  ): View | undefined {
    if (changed !== null) {
      const view = this.viewOf(changed);
      if (this.#own.has(view) || this.#changeable.has(view)) return view;
    }
    const bytes = this.bytesOf(buffer);
    const wished = this.#wishes.get(buffer)?.find((view) =>
      this.#planner.bytesOf(view) === bytes &&
      (this.#isFree(view, task) || overwritten.some((one) => this.views[one] === view))
    );
    if (wished !== undefined) return wished;
    const old = overwritten.find((one) =>
      this.#own.has(this.viewOf(one)) && this.bytesOf(one) === bytes
    );
    return old === undefined ? undefined : this.viewOf(old);
  }

  #placeOfNew(buffer: number): View {
    const view = this.#planner.newMemory(this.bytesOf(buffer));
    this.#own.add(view);
    return view;
  }

  /** The size of a buffer in bytes. */
  bytesOf(buffer: number): number {
    return wordBytes(sizeOf(this.lowered.buffers[buffer].shape));
  }
}

/** Writes commands. */
export class Planner {
  readonly limits: Limits;
  /** The size of each memory in bytes, and its lifetime. */
  readonly bytes: number[] = [];
  readonly lives: (Life | null)[] = [];
  /** The workgroup counts of the passes controlled by gates, for the case that they have something to do. */
  readonly counts: (readonly [number, number, number])[] = [];
  readonly summaries: KernelSummary[] = [];
  /** The memory of the table of counts, and of the word that reports an index out of range. */
  readonly table: number;
  readonly flag: number;
  /** Memories that are written. */
  readonly written = new Set<number>();
  #commands: Command[] = [];
  #time = 0;
  /** The number of rounds of each loop, and the enclosing loops. */
  readonly #lengths: number[] = [];
  #around: readonly number[] = [];
  #guard: Guard | null = null;
  /** The passes controlled by each state. */
  #entries: Entry[] = [];
  #depth = 0;
  readonly #numbers: number;
  readonly #planControl: PlanControl;

  constructor(limits: Limits, numbers: number, planControl: PlanControl) {
    this.limits = limits;
    this.#numbers = numbers;
    this.#planControl = planControl;
    [this.table, this.flag] = [4, 4].map((bytes) => memoriesOf(this.newMemory(bytes))[0]);
  }

  /** The commands, and the number of steps that they take. */
  get commands(): readonly Command[] {
    return this.#commands;
  }

  /** The number of steps so far, in which lifetimes are measured. */
  get time(): number {
    return this.#time;
  }

  /** A new memory with this many bytes. */
  newMemory(bytes: number): View {
    this.lives.push(null);
    return { kind: "memory", memory: this.bytes.push(Math.max(4, bytes)) - 1 };
  }

  #touch(view: View): void {
    for (const memory of memoriesOf(view)) {
      (this.lives[memory] ??= { first: this.#time, last: this.#time }).last = this.#time;
    }
  }

  #labelOf(work: PassWork, views: readonly View[]): Label {
    return { ...work, bytes: views.reduce((sum, view) => sum + this.bytesOf(view), 0) };
  }

  /** Adds a pass on these operands. */
  #push(
    { code, workgroups, operands }: Pass,
    viewOf: (operand: number) => View,
    work: PassWork,
  ): void {
    const views = operands.map(viewOf);
    views.forEach((view) => this.#touch(view));
    this.#time++;
    let entry: number | null = null;
    if (this.#guard !== null) {
      entry = this.counts.push(workgroups) - 1;
      this.#entries.push({ index: entry, groups: workgroups[0], branch: this.#guard.index });
    }
    const label = this.#labelOf(work, views);
    this.#commands.push({ kind: "dispatch", code, workgroups, views, entry, label });
  }

  /**
   * Adds a nest on these operands; its outputs must not share memory with other operands, unless that is
   * allowed.
   */
  #pushNest(nest: Nest, views: readonly View[], work: PassWork): void {
    const pass = writeNest(nest, this.limits, this.#numbers);
    if (pass !== null) this.#pushApart(pass, views, work);
  }

  /**
   * Adds a pass; an operand that may share memory with an earlier one is copied: a pass binds each memory
   * once.
   */
  #pushApart(pass: Pass, views: readonly View[], work: PassWork): void {
    const given = [...views];
    pass.operands.forEach((operand, i) => {
      const before = pass.operands.slice(0, i).map((one) => given[one]);
      if (!before.some((one) => this.#mayMeet(one, given[operand]))) return;
      const bytes = this.bytesOf(given[operand]);
      const copy = this.newMemory(bytes);
      this.copy(given[operand], copy, bytes / 4);
      given[operand] = copy;
    });
    this.#push(pass, (operand) => given[operand], work);
  }

  /** The size of a view in bytes. */
  bytesOf(view: View): number {
    switch (view.kind) {
      case "memory":
        return this.bytes[view.memory];
      case "element":
        return wordBytes(Math.abs(view.step));
      case "turn":
        return this.bytesOf(view.turns[0]);
    }
  }

  /** Whether two views are in the same memory in some round. */
  #mayMeet(one: View, other: View): boolean {
    if (one.kind === "memory" && other.kind === "memory") return one.memory === other.memory;
    const own = new Set(memoriesOf(one));
    if (!memoriesOf(other).some((memory) => own.has(memory))) return false;
    const rounds: number[] = [];
    const tryFrom = (depth: number): boolean => {
      if (depth === this.#around.length) {
        return resolve(one, rounds).memory === resolve(other, rounds).memory;
      }
      const loop = this.#around[depth];
      // The first round, and both alternating rounds after it.
      for (let round = 0; round < Math.min(3, this.#lengths[loop]); round++) {
        rounds[loop] = round;
        if (tryFrom(depth + 1)) return true;
      }
      return false;
    };
    return tryFrom(0);
  }

  /** Copies words. */
  copy(from: View, to: View, words: number): void {
    this.#write(to);
    this.#pushNest(copyOf("uint32", words), [from, to], { name: "copy" });
  }

  #write(view: View): void {
    for (const memory of memoriesOf(view)) this.written.add(memory);
  }

  /** Plans all tasks of a frame. */
  run(frame: Frame): void {
    const { tasks } = frame.lowered;
    const all = findRows(frame.lowered, this.limits);
    for (let i = 0; i < tasks.length;) {
      const rows = all.get(i);
      if (rows === undefined) this.#runTask(frame, tasks[i], i);
      else this.#runRows(frame, rows, i);
      i += rows?.tasks.length ?? 1;
    }
  }

  /** Adds one pass for tasks that run row by row, or one for each if views may be in the same memory. */
  #runRows(frame: Frame, { tasks, rows, local }: Rows, first: number): void {
    // What other rows still read must stay until the pass has ended.
    tasks.forEach((task, k) =>
      this.#placeOutputs(frame, task, first + k, first, (from) => local.has(from))
    );
    const all = [...new Set(tasks.flatMap(({ buffers }) => buffers))];
    const views = all.map((buffer) => frame.viewOf(buffer));
    const distinct = [...new Set(views)];
    if (
      distinct.some((one, i) => distinct.slice(0, i).some((other) => this.#mayMeet(one, other)))
    ) {
      for (const task of tasks) this.#addNest(frame, task);
      return;
    }
    const { buffers } = frame.lowered;
    const nests = tasks.map(({ nest, buffers: own }) =>
      joinBuffers(
        {
          ...moveBuffers(nest, own.map((buffer) => all.indexOf(buffer))),
          buffers: all.map((buffer) => buffers[buffer].dtype),
        },
        views,
      )
    );
    const operations = tasks.reduce((sum, { nest }) => sum + operationsOf(nest), 0);
    const name = [...new Set(tasks.flatMap((task) => task.name.split(" ")))].join(" ");
    this.#summarize(name, operations, frame, all);
    this.#pushApart(writeRows(nests, rows, this.limits, this.#numbers), views, {
      name,
      operations,
    });
  }

  #runTask(frame: Frame, task: Task, i: number): void {
    switch (task.kind) {
      case "nest":
        return this.#runNest(frame, task, i);
      case "kernel":
        return this.#runKernel(frame, task, i);
      case "hand": {
        const from = frame.viewOf(task.from);
        const to = frame.place(
          task.to,
          i,
          null,
          frame.isFreed(task.from, i, [task.from]) ? [task.from] : [],
        );
        if (to !== from) this.copy(from, to, frame.bytesOf(task.to) / 4);
        return;
      }
      case "straight":
        throw internalError("Straight code is not for devices");
    }
  }

  #runNest(frame: Frame, task: NestTask, i: number): void {
    this.#placeOutputs(frame, task, i);
    this.#addNest(frame, task);
  }

  /**
   * Assigns locations to the outputs of task `i`. Buffers that `mayTake` allows may be overwritten where they
   * are read, and others if nothing reads them from task `from` on.
   */
  #placeOutputs(
    frame: Frame,
    task: NestTask,
    i: number,
    from: number = i,
    mayTake: (buffer: number) => boolean = () => true,
  ): void {
    const read = readsOf(task);
    for (const to of writesOf(task)) {
      const old = read.filter((one) =>
        mayTake(one) && readsWhereItWrites(task, one, to) && frame.isFreed(one, i, read)
      );
      frame.place(to, from, null, old);
      this.#write(frame.viewOf(to));
    }
  }

  /** Adds the pass of a nest whose buffers have locations. */
  #addNest(frame: Frame, task: NestTask): void {
    const { name, nest, buffers } = task;
    const views = buffers.map((buffer) => frame.viewOf(buffer));
    const operations = operationsOf(nest);
    this.#summarize(name, operations, frame, [...readsOf(task), ...writesOf(task)]);
    this.#pushNest(joinBuffers(nest, views), views, { name, operations });
  }

  #runKernel(frame: Frame, task: KernelTask, i: number): void {
    const { equation, inputs, outputs } = task;
    const { primitive: { name }, params } = equation;
    if (name === "barrier") {
      outputs.forEach((output) => {
        frame.views[output] = frame.viewOf(frame.lowered.buffers[output].alias!);
      });
      return;
    }
    const control = asControl(equation);
    if (control !== null) return this.#planControl(this, frame, control, task, i);
    const { buffers } = frame.lowered;
    // A buffer may have the shape before a reshape of its elements, and be stored as a narrower dtype.
    const types = equation.inputs.map((atom, k): Type => ({
      dtype: buffers[inputs[k]].dtype,
      shape: typeOf(atom).shape,
    }));
    const kernel = kernelFor(
      name,
      types,
      params,
      equation.outputs.map(({ type }) => type),
      this.limits,
    );
    if (kernel === null) throw internalError(`There is no kernel of ${name} on the device`);
    const { passes, scratch, flag, operations, isChange } = kernel;
    const changed = isChange && frame.isFreed(inputs[0], i, inputs) ? inputs[0] : null;
    outputs.forEach((output) => this.#write(frame.place(output, i, changed)));
    const all = [...inputs, ...outputs];
    const isInPlace = isChange && frame.viewOf(outputs[0]) === frame.viewOf(inputs[0]);
    this.#summarize(name, operations, frame, isInPlace ? inputs.slice(1) : all);
    if (isChange && !isInPlace) {
      this.copy(frame.viewOf(inputs[0]), frame.viewOf(outputs[0]), frame.bytesOf(outputs[0]) / 4);
    }
    const views = [
      ...all.map((buffer) => frame.viewOf(buffer)),
      ...scratch.map((bytes, k): View =>
        all.length + k === flag ? { kind: "memory", memory: this.flag } : this.newMemory(bytes)
      ),
    ];
    if (flag !== undefined) this.#write(views[flag]);
    passes.forEach((pass, k) => {
      const work = passes.length === 1
        ? { name, operations }
        : { name: `${name} ${k + 1}/${passes.length}` };
      this.#pushApart(pass, views, work);
    });
  }

  #summarize(name: string, operations: number, frame: Frame, touched: readonly number[]): void {
    const bytes = [...new Set(touched)].reduce((sum, buffer) => sum + frame.bytesOf(buffer), 0);
    this.summaries.push({ name, operations, bytes, chunks: 1, depth: this.#depth });
  }

  /**
   * Plans an inner program of a frame, given the views of its arguments and the destinations of its results.
   */
  inner(program: Program, binders: readonly View[], goals: readonly Goal[]): void {
    const lowered = lower(program, targetFor(this.limits), {
      isInner: true,
      heirOf: (result) => goals[result].heir,
    });
    const buffers = lowered.results.map((result) => {
      if ("buffer" in result) return result.buffer;
      throw internalError("A result of an inner program is a constant");
    });
    const placed = goals.map(({ view, heir }, i) => ({ buffer: buffers[i], view, heir }));
    const heirs = placed.filter(({ heir }) => heir !== null);
    const homes = placed.filter(({ heir }) => heir === null);
    const frame = new Frame(this, {
      lowered,
      binders,
      homes: new Map(homes.map(({ buffer, view }) => [buffer, view])),
      wishes: new Map(heirs.map(({ buffer, view }) => [buffer, [view]])),
      changeable: new Set(heirs.map(({ view }) => view)),
    });
    this.run(frame);
    for (const { buffer, view } of heirs) {
      const made = frame.viewOf(buffer);
      if (made !== view) this.copy(made, view, frame.bytesOf(buffer) / 4);
    }
  }

  /** The guard that controls whether the next passes have something to do, if there is one. */
  get guard(): Guard | null {
    return this.#guard;
  }

  /** Adds the commands of `body`, which run only if the word is set; gates must control them. */
  within(guard: Guard, body: () => void): void {
    const outer = this.#guard;
    this.#guard = guard;
    body();
    this.#guard = outer;
  }

  /** The passes that `body` adds and that gates must control. */
  entriesOf(body: () => void): readonly Entry[] {
    const outer = this.#entries;
    this.#entries = [];
    body();
    const own = this.#entries;
    this.#entries = outer;
    return own;
  }

  /**
   * Reserves a position for a gate on these operands; it is written once the passes that it controls are
   * known.
   */
  reserveGate(operands: readonly View[]): (parts: Omit<GateParts, "operands">) => void {
    const views: readonly View[] = [{ kind: "memory", memory: this.table }, ...operands];
    views.forEach((view) => this.#touch(view));
    this.#time++;
    const list = this.#commands;
    const place = list.length;
    const write = (parts: Omit<GateParts, "operands">): void => {
      const { code, workgroups } = gatePass({ ...parts, operands: operands.length });
      const label = this.#labelOf({ name: "test" }, views);
      list[place] = { kind: "dispatch", code, workgroups, views, entry: null, label };
    };
    write({ conditions: [], entries: [] });
    return write;
  }

  /** Adds a loop of `length` rounds, or of at most that many, around the commands of `body`. */
  loop(
    name: string,
    length: number,
    state: View | null,
    body: (loop: number) => void,
  ): void {
    const loop = this.#lengths.push(length) - 1;
    const [commands, around, start, outside] = [
      this.#commands,
      this.#around,
      this.#time,
      this.bytes.length,
    ];
    const summary = this.summaries.length;
    this.#commands = [];
    this.#around = [...around, loop];
    this.#depth++;
    body(loop);
    if (state !== null) this.#touch(state);
    const own = this.#commands;
    this.#commands = commands;
    this.#around = around;
    this.#depth--;
    const end = this.#time++;
    // Memories that existed before the loop and are used in it are needed in all rounds.
    for (let memory = 0; memory < outside; memory++) {
      const life = this.lives[memory];
      if (life === null || life.last < start) continue;
      life.first = Math.min(life.first, start);
      life.last = end;
    }
    if (state === null) commands.push({ kind: "repeat", loop, length, body: own });
    else {
      const most = Number.isFinite(length) ? length : null;
      commands.push({ kind: "until", loop, state: memoriesOf(state)[0], most, body: own });
    }
    this.#sumUp(name, state === null ? length : 1, summary);
  }

  /** Inserts the total of a loop or a switch before its summaries. */
  #sumUp(name: string, rounds: number, from: number): void {
    const depth = this.#depth;
    const inside = this.summaries.slice(from).filter((one) => one.depth === depth + 1);
    const sum = (of: (one: KernelSummary) => number) =>
      rounds * inside.reduce((total, one) => total + of(one), 0);
    this.summaries.splice(from, 0, {
      name,
      operations: sum(({ operations }) => operations),
      bytes: sum(({ bytes }) => bytes),
      chunks: 1,
      depth,
    });
  }

  /** Adds the commands of `body` as those of a switch. */
  branches(name: string, body: () => void): void {
    const from = this.summaries.length;
    this.#depth++;
    body();
    this.#depth--;
    this.#sumUp(name, 1, from);
  }
}

/** A nest that copies elements from buffer 0 to buffer 1. */
function copyOf(dtype: Dtype, size: number): Nest {
  const at = { offset: 0, strides: [1] };
  return {
    lengths: [size],
    reduced: 0,
    buffers: [dtype, dtype],
    nodes: [{ kind: "load", dtype, from: { ...at, buffer: 0 } }],
    stores: [{ node: 0, to: { ...at, buffer: 1 } }],
  };
}

/** The number of elementary operations of a nest. */
function operationsOf({ lengths, nodes }: Nest): number {
  return sizeOf(lengths) *
    nodes.filter(({ kind }) => kind === "map" || kind === "reduce").length;
}

/** A nest in which buffers of one dtype at the same location are merged. */
function joinBuffers(
  nest: Nest,
  views: readonly View[],
): Nest {
  const first = views.map((view, i) =>
    views.findIndex((other, k) => other === view && nest.buffers[k] === nest.buffers[i])
  );
  if (first.every((k, i) => k === i)) return nest;
  return moveBuffers(nest, first);
}

/** A nest with the numbers of its buffers replaced. */
function moveBuffers(nest: Nest, numbers: readonly number[]): Nest {
  const moved = (access: Access): Access => ({ ...access, buffer: numbers[access.buffer] });
  return {
    ...nest,
    nodes: nest.nodes.map((node) =>
      node.kind === "load" ? { ...node, from: moved(node.from) } : node
    ),
    stores: nest.stores.map(({ node, to }) => ({ node, to: moved(to) })),
  };
}
