/**
 * The plan of a program: its commands and the locations of the memories that they use. Planning does not
 * need the device.
 *
 * @module
 */
import { sizeOf } from "../../base/shape.ts";
import { programsIn, typeOf } from "../../core/program.ts";
import type { Equation, Program } from "../../core/program.ts";
import { Concrete } from "../../core/tensor.ts";
import { arrange, type Life } from "../../lowering/arrange.ts";
import { effectiveRule } from "../../lowering/equation_rules.ts";
import { lower } from "../../lowering/lower.ts";
import type { Lowered } from "../../lowering/tasks.ts";
import { asControl } from "../../passes/control.ts";
import { ancestorOf } from "../../passes/heirs.ts";
import type { KernelSummary } from "../backend.ts";
import { type Command, memoriesOf, type View } from "./commands.ts";
import { planControl } from "./control.ts";
import { Frame, Planner, targetFor } from "./planner.ts";
import type { Limits } from "./wgsl/kernel.ts";
import { wordBytes } from "./wgsl/module.ts";
import { kernelFor } from "./wgsl/table.ts";

/** The alignment of memories in arenas in bytes, as required for bindings. */
const ALIGNMENT = 256;

/** Whether a device can compute an equation; a buffer that it binds has at most `mostBytes`. */
export function isOnDevice(equation: Equation, limits: Limits, mostBytes: number): boolean {
  const { primitive: { name }, params } = equation;
  const [inputs, outputs] = [equation.inputs.map(typeOf), equation.outputs.map(typeOf)];
  const fits = [...inputs, ...outputs].every(({ dtype, shape }) =>
    dtype !== "float64" && wordBytes(sizeOf(shape)) <= mostBytes
  );
  if (!fits || outputs.length === 0) return false;
  if (asControl(equation) !== null) {
    return programsIn(params).every(({ equations }) =>
      equations.every((inner) => isOnDevice(inner, limits, mostBytes))
    );
  }
  if (effectiveRule(equation, targetFor(limits)).kind !== "kernel" || name === "barrier") {
    return true;
  }
  return kernelFor(name, inputs, params, outputs, limits) !== null;
}

/**
 * The arithmetic operations from which kernels for calls are used on drivers that run on the CPU. Below, such
 * a kernel saves little memory there, takes seconds to compile, and gradients take twice as long.
 */
const LARGE = 2 ** 30;

/** Whether a device uses a kernel for a call. */
export function isFused({ primitive, params, inputs, outputs }: Equation, limits: Limits): boolean {
  if (primitive.isCall !== true) return false;
  const types = outputs.map(typeOf);
  const kernel = kernelFor(primitive.name, inputs.map(typeOf), params, types, limits);
  return kernel !== null && (!limits.isProcessor || kernel.operations >= LARGE);
}

/** The location of a memory. */
export type Place =
  /** In an argument's buffer. */
  | { readonly kind: "argument"; readonly index: number }
  /** In the buffer of a new tensor. */
  | { readonly kind: "result"; readonly index: number }
  /** In a part of the working memory. */
  | { readonly kind: "arena"; readonly part: number; readonly offset: number }
  /** In the table of counts, which the device fills in. */
  | { readonly kind: "table" }
  /** In the word that is set if an index is out of range. */
  | { readonly kind: "flag" };

/** A program as commands on memories. */
export interface Plan {
  readonly lowered: Lowered;
  /** The commands, in order. */
  readonly commands: readonly Command[];
  /** The location of each memory; `null` for unused ones. */
  readonly places: readonly (Place | null)[];
  /** The size of each memory in bytes. */
  readonly bytes: readonly number[];
  /** The memory of each buffer of the lowered program that is a result. */
  readonly memories: ReadonlyMap<number, number>;
  /** The buffers of new tensors. */
  readonly made: readonly number[];
  /** The arguments whose memory is overwritten. */
  readonly changed: ReadonlySet<number>;
  /** Whether an index may be out of range. */
  readonly hasFlag: boolean;
  /** The workgroup counts of the passes that may have nothing to do. */
  readonly counts: readonly (readonly [number, number, number])[];
  /** The size of each part of the working memory in bytes. */
  readonly arena: readonly number[];
  /** The tasks, for display. */
  readonly summaries: readonly KernelSummary[];
}

/** Inputs of a plan apart from the program. */
export interface PlanOptions {
  /** The number of numbers passed to the program at each run. */
  readonly numbers?: number;
  /** Which arguments are donated. */
  readonly isDonated?: readonly boolean[];
  /** The maximum size of a part of the working memory in bytes. */
  readonly mostBytes?: number;
}

/** Plans a program without captured tensors. */
export function planProgram(
  program: Program,
  limits: Limits,
  { numbers = 0, isDonated = [], mostBytes = Infinity }: PlanOptions = {},
): Plan {
  const lowered = lower(program, targetFor(limits));
  const { buffers, results } = lowered;
  const planner = new Planner(limits, numbers, planControl);
  const binders = program.binders.map(({ type }) =>
    planner.newMemory(wordBytes(sizeOf(type.shape)))
  );
  const isDonor = (argument: number | null): argument is number =>
    argument !== null && isDonated[argument] === true;
  // Results that are arguments with some elements changed take over these arguments, which nothing else may
  // use.
  const heirs = program.results.map((atom) => ancestorOf(program, atom)).map((argument) =>
    isDonor(argument) ? argument : null
  );
  const donors = binders.filter((_, i) => isDonor(i) && !heirs.includes(i));
  const wishes = new Map<number, readonly View[]>();
  results.forEach((result, i) => {
    if (!("buffer" in result)) return;
    const heir = heirs[i];
    wishes.set(result.buffer, heir === null ? donors : [binders[heir]]);
  });
  const changeable = new Set(heirs.flatMap((heir) => heir === null ? [] : [binders[heir]]));
  const frame = new Frame(planner, { lowered, binders, changeable, wishes });
  planner.run(frame);
  const { bytes, lives, commands, summaries, written } = planner;
  // A gate binds the table, even if the passes that it controls turn out to be empty.
  const isAsked = lives[planner.table] !== null && planner.counts.length === 0;
  const counts = isAsked ? [[0, 0, 0] as const] : planner.counts;
  const places: (Place | null)[] = lives.map(() => null);
  binders.forEach((view, index) => places[memoriesOf(view)[0]] = { kind: "argument", index });
  places[planner.table] = { kind: "table" };
  places[planner.flag] = { kind: "flag" };
  const changed = new Set(
    binders.flatMap((view, i) => written.has(memoriesOf(view)[0]) ? [i] : []),
  );
  const memories = new Map<number, number>();
  const made: number[] = [];
  for (const result of results) {
    if (result instanceof Concrete || memories.has(result.buffer)) continue;
    const { buffer } = result;
    const [memory] = memoriesOf(frame.viewOf(buffer));
    memories.set(buffer, memory);
    if (buffers[buffer].source !== null) continue;
    places[memory] ??= { kind: "result", index: made.length };
    made.push(buffer);
  }
  const inArena = lives.flatMap((life, i) => life !== null && places[i] === null ? [i] : []);
  const arena = arrangeWithin(inArena, bytes, lives, planner.time, mostBytes, places);
  const hasFlag = written.has(planner.flag);
  return {
    lowered,
    commands,
    places,
    bytes,
    memories,
    made,
    changed,
    hasFlag,
    counts,
    arena,
    summaries,
  };
}

/** Places memories in as many parts as necessary; returns the sizes of the parts in bytes. */
function arrangeWithin(
  memories: readonly number[],
  bytes: readonly number[],
  lives: readonly (Life | null)[],
  steps: number,
  most: number,
  places: (Place | null)[],
): readonly number[] {
  const rooms = bytes.map((own) => Math.ceil(own / ALIGNMENT) * ALIGNMENT);
  const parts: number[] = [];
  const put = (list: readonly number[]): void => {
    if (list.length === 0) return;
    const { offsets, end } = arrange(list, rooms, lives, steps, 0);
    if (end > most && list.length > 1) {
      const half = list.length >> 1;
      put(list.slice(0, half));
      put(list.slice(half));
      return;
    }
    for (const [memory, offset] of offsets) {
      places[memory] = { kind: "arena", part: parts.length, offset };
    }
    parts.push(end);
  };
  put([...memories].sort((a, b) => lives[a]!.first - lives[b]!.first));
  return parts;
}
