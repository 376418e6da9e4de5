/**
 * What a run of a program does: passes, and where what they work on is. It is decided once, without the
 * device.
 *
 * @module
 */
import type { Dtype } from "../../base/dtype.ts";
import { internalError } from "../../base/errors.ts";
import { sizeOf } from "../../base/shape.ts";
import { typeOf } from "../../core/program.ts";
import type { Equation, Program } from "../../core/program.ts";
import { Concrete } from "../../core/tensor.ts";
import { arrange, type Life } from "../../lowering/arrange.ts";
import { effectiveRule } from "../../lowering/equation_rules.ts";
import { lower } from "../../lowering/lower.ts";
import type { Nest } from "../../lowering/nest.ts";
import type { Target } from "../../lowering/target.ts";
import { type Lowered, readsOf, type Task, writesOf } from "../../lowering/tasks.ts";
import { asControl } from "../../passes/control.ts";
import type { KernelSummary } from "../backend.ts";
import type { Kernel, Limits, Pass } from "./wgsl/kernel.ts";
import { wordBytes } from "./wgsl/module.ts";
import { writeNest } from "./wgsl/nest.ts";
import { canWrite } from "./wgsl/operations.ts";
import { kernelFor, widens } from "./wgsl/table.ts";

/** What lowering needs to know of a device. */
function targetFor({ bindings }: Limits): Target {
  return { writes: canWrite, widens, mostBuffers: bindings };
}

/** Places of arenas begin at multiples of so many bytes, as bindings must. */
const ALIGNMENT = 256;

/** Whether a device can compute an equation; a buffer that it binds has `mostBytes` at most. */
export function isOnDevice(equation: Equation, limits: Limits, mostBytes: number): boolean {
  const { primitive: { name }, params } = equation;
  const [inputs, outputs] = [equation.inputs.map(typeOf), equation.outputs.map(typeOf)];
  const fits = [...inputs, ...outputs].every(({ dtype, shape }) =>
    dtype !== "float64" && wordBytes(sizeOf(shape)) <= mostBytes
  );
  if (!fits || asControl(equation) !== null || outputs.length === 0) return false;
  if (effectiveRule(equation, targetFor(limits)).kind !== "kernel" || name === "barrier") {
    return true;
  }
  return kernelFor(name, inputs, params, outputs, limits) !== null;
}

/** A pass with what it binds: numbers of memories. */
export interface Step extends Pick<Pass, "code" | "workgroups"> {
  readonly memories: readonly number[];
}

/** Where the words of a memory are. */
type Place =
  | { readonly kind: "argument"; readonly index: number }
  | { readonly kind: "result"; readonly index: number }
  | { readonly kind: "arena"; readonly offset: number };

/** A program as passes over memories: its buffers, by their numbers, then scratch. */
export interface Plan {
  readonly lowered: Lowered;
  /** The memory of each buffer: those of barriers share that of what they wait for. */
  readonly memories: readonly number[];
  /** What is done, in order. */
  readonly steps: readonly Step[];
  /** The place of each memory; `null` for those that nothing uses. */
  readonly places: readonly (Place | null)[];
  /** How many bytes each memory is. */
  readonly bytes: readonly number[];
  /** The memory of each new tensor. */
  readonly made: readonly number[];
  /** The memories whose first word is 0 unless an index was outside of its axis. */
  readonly flags: readonly number[];
  /** Bytes of the working memory. */
  readonly arena: number;
  /** The tasks, for people. */
  readonly summaries: readonly KernelSummary[];
}

/** Plans a program without tensors in it, which is given so many numbers at each run. */
export function planProgram(program: Program, limits: Limits, numbers: number): Plan {
  const lowered = lower(program, targetFor(limits));
  const { buffers, tasks } = lowered;
  const memories: number[] = [];
  buffers.forEach(({ alias }, i) => memories.push(alias === undefined ? i : memories[alias]));
  const bytes = buffers.map(({ shape }) => wordBytes(sizeOf(shape)));
  const steps: Step[] = [];
  const flags: number[] = [];
  const lives: (Life | null)[] = buffers.map(() => null);
  const summaries = tasks.map((task, i) => {
    const touched = new Set([...readsOf(task), ...writesOf(task)].map((one) => memories[one]));
    for (const memory of touched) (lives[memory] ??= { first: i, last: i }).last = i;
    const { operands, kernel } = kernelOf(task, lowered, limits, numbers);
    const first = lives.length;
    const memoryOf = (operand: number): number =>
      operand < operands.length ? memories[operands[operand]] : first + operand - operands.length;
    const { passes, scratch, flag, operations } = distinct(kernel, operands.length, (operand) => ({
      memory: memories[operands[operand]],
      ...buffers[operands[operand]],
    }), limits);
    for (const size of scratch) {
      bytes.push(Math.max(4, size));
      lives.push({ first: i, last: i });
    }
    for (const { code, workgroups, operands } of passes) {
      steps.push({ code, workgroups, memories: operands.map(memoryOf) });
    }
    if (flag !== undefined) {
      flags.push(memoryOf(flag));
      // It is read at the end.
      lives[memoryOf(flag)]!.last = tasks.length;
    }
    const name = task.kind === "nest" ? task.name : nameOf(task);
    const moved = [...touched].reduce((sum, memory) => sum + bytes[memory], 0);
    return { name, operations, bytes: moved, chunks: 1, depth: 0 };
  });
  const places: (Place | null)[] = lives.map(() => null);
  buffers.forEach(({ source }, i) => {
    if (source !== null) places[i] = { kind: "argument", index: source };
  });
  const made: number[] = [];
  for (const result of lowered.results) {
    if (result instanceof Concrete) continue;
    const memory = memories[result.buffer];
    if (places[memory] !== null) continue;
    places[memory] = { kind: "result", index: made.length };
    made.push(memory);
  }
  const inArena = lives.flatMap((life, i) => life !== null && places[i] === null ? [i] : []);
  const rooms = bytes.map((own) => Math.ceil(own / ALIGNMENT) * ALIGNMENT);
  const { offsets, end } = arrange(inArena, rooms, lives, tasks.length, 0);
  for (const [memory, offset] of offsets) places[memory] = { kind: "arena", offset };
  return { lowered, memories, steps, places, bytes, made, flags, arena: end, summaries };
}

function nameOf(task: Task): string {
  return task.kind === "kernel" ? task.equation.primitive.name : task.kind;
}

/** The kernel of a task and the buffers that are its operands. */
function kernelOf(
  task: Task,
  { buffers }: Lowered,
  limits: Limits,
  numbers: number,
): { readonly operands: readonly number[]; readonly kernel: Kernel } {
  if (task.kind === "nest") {
    const pass = writeNest(task.nest, limits, numbers);
    const operations = sizeOf(task.nest.lengths) *
      task.nest.nodes.filter(({ kind }) => kind === "map" || kind === "reduce").length;
    const kernel = { passes: pass === null ? [] : [pass], scratch: [], operations };
    return { operands: task.buffers, kernel };
  }
  if (task.kind !== "kernel") {
    throw internalError(`A program that is no part of another one has no ${task.kind}`);
  }
  const { primitive: { name }, params, inputs: args, outputs: results } = task.equation;
  const operands = [...task.inputs, ...task.outputs];
  if (name === "barrier") return { operands, kernel: { passes: [], scratch: [], operations: 0 } };
  // A buffer may have the shape that its elements had before, and be held as a narrower dtype.
  const inputs = args.map((atom, i) => ({
    dtype: buffers[task.inputs[i]].dtype,
    shape: typeOf(atom).shape,
  }));
  const outputs = results.map(({ type }) => type);
  const kernel = kernelFor(name, inputs, params, outputs, limits);
  if (kernel === null) throw internalError(`There is no kernel of ${name} on the device`);
  return { operands, kernel };
}

/** What a kernel knows of an operand, and its memory. */
interface Bound {
  readonly memory: number;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

/** The kernel with copies of operands that are the memory of an earlier one: a pass binds each once. */
function distinct(
  kernel: Kernel,
  count: number,
  boundOf: (operand: number) => Bound,
  limits: Limits,
): Kernel {
  const firsts = new Map<number, number>();
  const copies = new Map<number, number>();
  const scratch = [...kernel.scratch];
  const passes: Pass[] = [];
  for (let operand = 0; operand < count; operand++) {
    const { memory, dtype, shape } = boundOf(operand);
    const first = firsts.get(memory);
    if (first === undefined) {
      firsts.set(memory, operand);
      continue;
    }
    const size = sizeOf(shape);
    const copy = count + scratch.push(wordBytes(size)) - 1;
    copies.set(operand, copy);
    const pass = writeNest(copyOf(dtype, size), limits);
    if (pass !== null) {
      passes.push({
        ...pass,
        operands: pass.operands.map((k) => [first, copy][k]),
      });
    }
  }
  if (copies.size === 0) return kernel;
  for (const pass of kernel.passes) {
    passes.push({ ...pass, operands: pass.operands.map((one) => copies.get(one) ?? one) });
  }
  return { ...kernel, passes, scratch };
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
