/**
 * Programs as WebAssembly modules, and what happens when one is called.
 *
 * @module
 */
import type { Program } from "../core/program.ts";
import { Concrete } from "../core/tensor.ts";
import type { Type } from "../core/tensor.ts";
import { makeBuilder, PAGE } from "../kernels/builder.ts";
import type { Builder } from "../kernels/kernel.ts";
import { chooseTile } from "../kernels/probe.ts";
import { emitSteps } from "../kernels/steps.ts";
import {
  addressOf,
  adopt,
  arena,
  copyIn,
  copyOut,
  donate,
  giveRecipe,
  givesBlock,
  isShared,
  linearMemory,
  newResident,
  RESIDENT_BYTES,
  restoreAll,
  takeBlock,
  withPins,
} from "../runtime/memory.ts";
import { MAX_MEMORY, wholeMemory } from "../runtime/linear_memory.ts";
import { Executable } from "../runtime/threads.ts";
import { lower, type Lowered } from "./lower.ts";
import { type MemoryPlan, planMemory } from "./plan_memory.ts";
import { findRecomputable } from "./recomputable.ts";
import { schedule } from "./schedule.ts";
import type { HostStep, Schedule, Step } from "./steps.ts";

/** Operations and bytes from which on threads share the work: some 50 microseconds. */
const PARALLEL_WORK = 3_000_000;

/** An argument that is given up: what messages call it. */
export type Donations = readonly (string | null)[];

/** A program ready to run on concrete values. */
export interface CompiledProgram {
  /** Runs it. `names` are those of donated arguments, `null` for all others. */
  run(args: readonly Concrete[], names?: Donations): readonly Concrete[];
  /** What it does. */
  readonly schedule: Schedule;
  /** The length of its working memory, in bytes. */
  readonly arena: number;
  /** The length of its code, in bytes. */
  readonly code: number;
}

/** Options of `assemble`. */
export interface AssembleOptions {
  /** Has each step run by itself and told how long it took, in milliseconds. */
  readonly timed?: (step: number, time: number) => void;
  /**
   * Nanoseconds of work that make up a chunk, about. Given, it makes every run one on all threads: so
   * small programs take the ways of large ones.
   */
  readonly chunkTime?: number;
}

/** A module with the code of a program's steps in it. */
function emptyBuilder(): Builder {
  return makeBuilder({
    tile: chooseTile,
    shared: isShared,
    maximumPages: MAX_MEMORY / PAGE,
  });
}

/** Writes a program, already optimised, as a module. `isDonated` says which arguments are given up. */
export function assemble(
  program: Program,
  isDonated: readonly boolean[],
  options: AssembleOptions = {},
): CompiledProgram {
  const lowered = lower(program);
  const builder = emptyBuilder();
  const { chunkTime, timed } = options;
  const scheduled = schedule(lowered, builder, {
    isDonated,
    ...(chunkTime === undefined ? {} : { chunkTime, sharedFrom: 0 }),
  });
  const segments: Segment[] = timed === undefined
    ? divideAtHost(scheduled)
    : scheduled.steps.map((step) => "task" in step ? step : [step]);
  segments.forEach((segment, i) => {
    if (Array.isArray(segment)) emitSteps(builder, `run${i}`, segment);
  });
  const bytes = builder.module.build();
  const executable = new Executable(bytes, linearMemory());
  const reserved = Math.ceil(scheduled.areas.length * 4 / 64) * 64;
  const plan = planMemory(lowered, scheduled, { large: RESIDENT_BYTES, isDonated, reserved });
  const work = scheduled.summaries.reduce(
    (sum, one) => one.depth === 0 ? sum + one.operations + one.bytes : sum,
    0,
  );
  const hasChunks = scheduled.steps.some((step) => "calls" in step && step.chunks > 1);
  const isParallel = (work >= PARALLEL_WORK && hasChunks) || chunkTime !== undefined;
  const recomputable = timed === undefined
    ? findRecomputable(lowered, scheduled, plan, isDonated)
    : null;
  const runner = new Runner(
    lowered,
    plan,
    segments,
    executable,
    isParallel,
    recomputable,
    options.timed,
  );
  return {
    run: (args, names) => runner.run(args, names),
    schedule: scheduled,
    arena: plan.arena,
    code: bytes.length,
  };
}

/** Steps that run in one go, or what the evaluator does between two such runs. */
type Segment = Step[] | HostStep;

function divideAtHost({ steps }: Schedule): Segment[] {
  const segments: Segment[] = [];
  for (const step of steps) {
    const last = segments.at(-1);
    if ("task" in step) segments.push(step);
    else if (Array.isArray(last)) last.push(step);
    else segments.push([step]);
  }
  return segments;
}

/** The tensors in memory plans that are no arguments, each once. */
function constantsOf({ places, uploads }: MemoryPlan): readonly Concrete[] {
  const constants = new Set<Concrete>();
  for (const place of places) if (place?.kind === "constant") constants.add(place.value);
  for (const { source } of uploads) if (typeof source !== "number") constants.add(source);
  return [...constants];
}

class Runner {
  readonly #lowered: Lowered;
  readonly #plan: MemoryPlan;
  readonly #segments: readonly Segment[];
  readonly #executable: Executable;
  readonly #isParallel: boolean;
  /** The buffer of the result that may be dropped and computed again. */
  readonly #recomputable: number | null;
  /** Tensors that are part of the program and have a buffer. */
  readonly #constants: readonly Concrete[];
  /** Their numbers in that list. */
  readonly #constantNumbers: ReadonlyMap<Concrete, number>;
  readonly #timed: AssembleOptions["timed"];
  #isRunning = false;
  /** The same program with an arena of its own, for runs within a run. */
  #twin: Runner | null = null;

  constructor(
    lowered: Lowered,
    plan: MemoryPlan,
    segments: readonly Segment[],
    executable: Executable,
    isParallel: boolean,
    recomputable: number | null,
    timed: AssembleOptions["timed"],
  ) {
    this.#timed = timed;
    this.#lowered = lowered;
    this.#plan = plan;
    this.#segments = segments;
    this.#executable = executable;
    this.#isParallel = isParallel;
    this.#recomputable = recomputable;
    this.#constants = constantsOf(plan);
    this.#constantNumbers = new Map(this.#constants.map((value, i) => [value, i]));
  }

  run(args: readonly Concrete[], names: Donations | undefined): readonly Concrete[] {
    // What a program's callback calls may be the program itself.
    if (this.#isRunning) return (this.#twin ??= this.#copy()).run(args, names);
    this.#isRunning = true;
    try {
      return this.#runAlone(args, names);
    } finally {
      this.#isRunning = false;
    }
  }

  #copy(): Runner {
    return new Runner(
      this.#lowered,
      this.#plan,
      this.#segments,
      this.#executable,
      this.#isParallel,
      this.#recomputable,
      this.#timed,
    );
  }

  #runAlone(args: readonly Concrete[], names: Donations | undefined): readonly Concrete[] {
    // Programs that compute arguments again run before this one.
    restoreAll(args);
    restoreAll(this.#constants);
    return withPins(() => {
      const results = this.#run(args, this.#constants, names);
      if (this.#recomputable !== null) this.#giveRecipe(results, args);
      return results;
    });
  }

  /** Notes how the large result is computed again, also when arguments and constants are donated. */
  #giveRecipe(results: readonly Concrete[], args: readonly Concrete[]): void {
    const place = this.#lowered.results.findIndex((result) =>
      "buffer" in result && result.buffer === this.#recomputable
    );
    const count = args.length;
    giveRecipe(
      results[place],
      [...args, ...this.#constants],
      (all) => this.#run(all.slice(0, count), all.slice(count), undefined)[place],
    );
  }

  #run(
    args: readonly Concrete[],
    constants: readonly Concrete[],
    names: Donations | undefined,
  ): readonly Concrete[] {
    const valueOf = (source: number | Concrete): Concrete =>
      typeof source === "number" ? args[source] : constants[this.#constantNumbers.get(source)!];
    const { places, uploads, outputs } = this.#plan;
    const { buffers, results } = this.#lowered;
    const base = arena(this, this.#plan.arena);
    const addresses: number[] = new Array(places.length).fill(0);
    const tensors = new Map<number, Concrete>();
    // Everything that can fail comes before arguments are given up.
    for (let area = 0; area < places.length; area++) {
      const place = places[area];
      if (place === null) continue;
      if (place.kind === "arena") addresses[area] = base + place.offset;
      else if (place.kind === "constant") addresses[area] = addressOf(valueOf(place.value));
      else if (place.kind === "argument") addresses[area] = addressOf(valueOf(place.index));
    }
    for (const { source, offset } of uploads) {
      copyIn(valueOf(source), base + offset);
    }
    for (const { buffer, offset, argument } of outputs) {
      if (offset !== null || argument !== null) continue;
      const { tensor, address } = newResident(buffers[buffer], buffer === this.#recomputable);
      tensors.set(buffer, tensor);
      addresses[buffer] = address;
    }
    // What is given up and comes back is another tensor with the same elements, also where it was
    // given a second time, or is part of the program.
    const isGivenUp = (x: Concrete): boolean =>
      names !== undefined && args.some((arg, i) => arg === x && names[i] !== null);
    const passed = results.map((result) => {
      // A tensor of the caller's own: the program keeps the constant, whoever donates the result.
      if (result instanceof Concrete) return inShape(result, result, true);
      const { source } = buffers[result.buffer];
      if (source === null) return null;
      const tensor = typeof source === "number" ? args[source] : source;
      return inShape(tensor, result.type, typeof source !== "number" || isGivenUp(tensor));
    });
    this.#giveUp(args, names, addresses, tensors);
    // Also what a result is written over, later on, is where the result will be.
    for (let area = 0; area < places.length; area++) {
      const place = places[area];
      if (place?.kind === "result") addresses[area] = addresses[outputs[place.index].buffer];
    }
    const table = wholeMemory("uint32") as Uint32Array;
    table.set(addresses, base / 4);
    this.#segments.forEach((segment, i) => {
      const start = this.#timed && performance.now();
      if (Array.isArray(segment)) this.#executable.run(`run${i}`, base, this.#isParallel);
      else this.#runHost(segment, addresses);
      if (start !== undefined) this.#timed?.(i, performance.now() - start);
    });
    for (const { buffer, offset, argument } of outputs) {
      if (offset !== null) tensors.set(buffer, copyOut(buffers[buffer], addresses[buffer]));
      else if (argument !== null && !tensors.has(buffer)) {
        tensors.set(buffer, adopt(buffers[buffer], addresses[buffer]));
      }
    }
    return results.map((result, i) => {
      const known = passed[i];
      if (known !== null) return known;
      const { buffer, type } = result as { buffer: number; type: Type };
      return inShape(tensors.get(buffer)!, type, false);
    });
  }

  /** Marks donated arguments as used up and takes their memory for results. */
  #giveUp(
    args: readonly Concrete[],
    names: Donations | undefined,
    addresses: number[],
    tensors: Map<number, Concrete>,
  ): void {
    if (names === undefined) return;
    const { buffers } = this.#lowered;
    const taken: number[] = [];
    for (const { buffer, argument } of this.#plan.outputs) {
      if (argument === null) continue;
      // A tensor that is given twice, or that others share, keeps its memory.
      if (givesBlock(args[argument])) taken.push(argument);
      else {
        const { tensor, address } = newResident(buffers[buffer]);
        tensors.set(buffer, tensor);
        addresses[buffer] = address;
      }
    }
    names.forEach((name, i) => name !== null && donate(args[i], name));
    for (const argument of taken) takeBlock(args[argument]);
  }

  #runHost({ task }: HostStep, addresses: readonly number[]): void {
    const { equation, inputs, outputs } = task;
    const values = inputs.map((buffer, i) => {
      const atom = equation.inputs[i];
      const type: Type = "type" in atom ? atom.type : atom;
      return copyOut(type, addresses[buffer]);
    });
    const types = equation.outputs.map(({ type }) => type);
    const results = equation.primitive.evaluate(values, equation.params, types);
    results.forEach((result, i) => copyIn(result, addresses[outputs[i]]));
  }
}

/** The same elements in another shape, or, if need be, as another tensor. */
function inShape(tensor: Concrete, { dtype, shape }: Type, isOther: boolean): Concrete {
  const isSame = !isOther && tensor.shape.length === shape.length &&
    tensor.shape.every((length, i) => length === shape[i]);
  return isSame ? tensor : new Concrete(dtype, shape, tensor.storage);
}
