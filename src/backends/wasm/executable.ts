/**
 * Programs as WebAssembly modules, and the steps of a run.
 *
 * @module
 */
import { wideDtype } from "../../base/dtype.ts";
import type { Donations, Executable } from "../backend.ts";
import { target } from "./kernels/table.ts";
import type { Program } from "../../core/program.ts";
import { evaluate } from "../../core/evaluation.ts";
import { Concrete } from "../../core/tensor.ts";
import type { Type } from "../../core/tensor.ts";
import { isRecording, span, spanParts } from "../../core/timeline.ts";
import { engine } from "./engine.ts";
import { makeBuilder, PAGE } from "./kernels/builder.ts";
import type { Builder } from "./kernels/kernel.ts";
import { startTimers } from "./kernels/timers.ts";
import { chooseTile } from "./kernels/product/probe.ts";
import { emitSteps, GIVEN_BYTES } from "./schedule/emit_steps.ts";
import { arena, withPins } from "./memory/blocks.ts";
import {
  addressOf,
  adopt,
  copyIn,
  copyOut,
  donate,
  giveRecipes,
  givesBlock,
  newResident,
  RESIDENT_BYTES,
  restoreAll,
  takeBlock,
} from "./memory/memory.ts";
import { MAX_MEMORY, wholeMemory } from "./memory/linear_memory.ts";
import { Machine } from "./machines.ts";
import { divide, infoOf, partsOf, type Segment } from "./segments.ts";
import { isSame } from "../../passes/bind_constants.ts";
import { expandTransforms } from "./fourier.ts";
import { type Form, formOf } from "../../passes/forms.ts";
import { printLowered } from "../../lowering/print.ts";
import { lower } from "../../lowering/lower.ts";
import type { Lowered } from "../../lowering/tasks.ts";
import { type MemoryPlan, planMemory } from "./schedule/plan_memory.ts";
import { findRecomputable } from "./schedule/recomputable.ts";
import { schedule as scheduleSteps } from "./schedule/schedule.ts";
import type { HostStep, Schedule } from "./schedule/steps.ts";

/**
 * Operations and bytes from which threads share the work: some 50 microseconds. Measured on two cores of an
 * AMD EPYC (Zen 3) with Deno 2.9.6: compare the groups "shared" of `deno bench bench/thresholds_bench.ts --
 * 1` and `-- 2`.
 */
const PARALLEL_WORK = 3_000_000;

/** A compiled program that runs on concrete values. */
export interface CompiledProgram extends Executable {
  /** Its schedule. */
  readonly schedule: Schedule;
  /** The length of its working memory, in bytes. */
  readonly arena: number;
  /** The length of its code, in bytes. */
  readonly code: number;
}

/** Options of `assemble`. */
export interface AssembleOptions {
  /** Runs each kernel, with the nests fused into its chunks, separately and records it. */
  readonly isTimed?: boolean;
  /**
   * The approximate work of a chunk in nanoseconds. If set, every run uses all threads, so small programs
   * take the same path as large ones.
   */
  readonly chunkTime?: number;
}

/** An empty module for the code of a program's steps. */
function emptyBuilder(isTimed: boolean): Builder {
  return makeBuilder({
    isTimed,
    tile: chooseTile,
    shared: engine().sharedMemory,
    maximumPages: MAX_MEMORY / PAGE,
  });
}

/** Compiles an optimised program into a module. `isDonated` selects the donated arguments. */
export function assemble(
  program: Program,
  isDonated: readonly boolean[],
  options: AssembleOptions = {},
): CompiledProgram {
  const form = formOf(expandTransforms(program));
  const { tensors, numbers } = form;
  const code = codeOf(form, isDonated, options);
  const plain: Call = {
    count: program.binders.length,
    given: wordsOf(numbers),
    names: undefined,
  };
  return {
    run: (args, names) =>
      code.run(
        tensors.length === 0 ? args : [...args, ...tensors],
        names === undefined ? plain : { ...plain, names },
      ),
    get schedule() {
      return code.parts.schedule;
    },
    get arena() {
      return code.parts.plan.arena;
    },
    get code() {
      return code.parts.bytes;
    },
    get isWhole() {
      return code.parts.schedule.steps.every((step) => "calls" in step);
    },
    describe() {
      const { lowered, schedule: { summaries, steps }, plan, bytes } = code.parts;
      return {
        kernels: summaries,
        steps: steps.length,
        workspace: plan.arena,
        code: bytes,
        text: printLowered(lowered),
      };
    },
  };
}

/** A program with numbers that are passed at each run. */
export interface OpenProgram {
  /** Runs it with these numbers, each of which is a `Given` in the program. */
  run(args: readonly Concrete[], numbers: readonly Concrete[]): readonly Concrete[];
  /** Its schedule. */
  readonly schedule: Schedule;
}

/** The same for a program without captured tensors; `numbers` is the number of numbers passed at each run. */
export function assembleOpen(program: Program, numbers: number): OpenProgram {
  const isDonated = program.binders.map(() => false);
  const code = new Code(program, { isDonated, numbers, options: {}, onDrop() {} });
  return {
    run: (args, given) =>
      code.run(args, { count: args.length, given: wordsOf(given), names: undefined }),
    get schedule() {
      return code.parts.schedule;
    },
  };
}

/** Code shared by programs of one form. */
interface Shared {
  readonly code: Code;
  /** The numbers that are constants in the code; other numbers do not have to match. */
  readonly numbers: readonly Concrete[];
  readonly isGiven: readonly boolean[];
}

/** The code of each form, as long as its module exists. */
const shared = new Map<string, Shared>();

/**
 * The code for a program: that of an earlier program, if all differences between the two can be passed as
 * numbers.
 */
function codeOf(form: Form, isDonated: readonly boolean[], options: AssembleOptions): Code {
  const { numbers } = form;
  const make = (isGiven: readonly boolean[], onDrop: () => void) =>
    new Code(form.open(isGiven), { isDonated, numbers: numbers.length, options, onDrop });
  const isPlain = !options.isTimed && options.chunkTime === undefined;
  if (form.key === null || !isPlain) return make(numbers.map(() => false), () => {});
  const key = `${isDonated.map(Number).join("")}|${form.key}`;
  const known = shared.get(key);
  const differs = numbers.map((number, i) =>
    known !== undefined && !isSame(number, known.numbers[i])
  );
  if (known !== undefined && differs.every((is, i) => !is || known.isGiven[i])) return known.code;
  const isGiven = numbers.map((_, i) => differs[i] || (known?.isGiven[i] ?? false));
  const code = make(isGiven, () => {
    if (shared.get(key)?.code === code) shared.delete(key);
  });
  shared.set(key, { code, numbers, isGiven });
  return code;
}

/** Numbers as words that the code reads. */
function wordsOf(numbers: readonly Concrete[]): Uint32Array {
  const words = new Uint32Array(numbers.length * GIVEN_BYTES / 4);
  const view = new DataView(words.buffer);
  numbers.forEach(({ dtype, elements: [value] }, i) => {
    const at = i * GIVEN_BYTES;
    if (wideDtype(dtype) === "float32") view.setFloat32(at, value, true);
    else if (dtype === "float64") view.setFloat64(at, value, true);
    else view.setInt32(at, dtype === "bool" ? -value : value, true);
  });
  return words;
}

/** The parts of a compiled program. */
interface Parts {
  readonly lowered: Lowered;
  readonly schedule: Schedule;
  readonly plan: MemoryPlan;
  readonly segments: readonly Segment[];
  readonly isParallel: boolean;
  /** The buffers of results that may be dropped and computed again. */
  readonly recomputable: ReadonlySet<number>;
  readonly machine: Machine;
  /** The offset of the timers of calls in loops in the working memory, and their size, in bytes. */
  readonly timers: { readonly first: number; readonly bytes: number };
  /** The length of the module. */
  readonly bytes: number;
}

/** The inputs of code generation apart from the program. */
interface CodeOptions {
  readonly isDonated: readonly boolean[];
  /** The number of numbers passed at each run. */
  readonly numbers: number;
  readonly options: AssembleOptions;
  /** Called when the module is dropped to free memory. */
  readonly onDrop: () => void;
}

/** Compiles a program into a module. */
function build(program: Program, { isDonated, numbers, options, onDrop }: CodeOptions): Parts {
  const lowered = lower(program, target);
  const { chunkTime, isTimed = false } = options;
  const builder = emptyBuilder(isTimed);
  const schedule = scheduleSteps(lowered, builder, {
    isDonated,
    ...(chunkTime === undefined ? {} : { chunkTime, sharedFrom: 0 }),
  });
  const segments = divide(schedule, isTimed);
  const givenAt = schedule.areas.length * 4;
  const timersAt = Math.ceil((givenAt + numbers * GIVEN_BYTES) / 8) * 8;
  const timerBytes = builder.timers?.bytes ?? 0;
  segments.forEach((segment, i) => {
    if (Array.isArray(segment)) emitSteps(builder, `run${i}`, segment, givenAt, timersAt);
  });
  if (timerBytes > 0) builder.timers!.exportIdle("idle", timersAt);
  const bytes = builder.module.build();
  const machine = new Machine(bytes, onDrop);
  const reserved = Math.ceil((timersAt + timerBytes) / 64) * 64;
  const plan = planMemory(lowered, schedule, { large: RESIDENT_BYTES, isDonated, reserved });
  const work = schedule.summaries.reduce(
    (sum, one) => one.depth === 0 ? sum + one.operations + one.bytes : sum,
    0,
  );
  const hasChunks = schedule.steps.some((step) => "calls" in step && step.chunks > 1);
  return {
    lowered,
    schedule,
    plan,
    segments,
    isParallel: (work >= PARALLEL_WORK && hasChunks) || chunkTime !== undefined,
    recomputable: isTimed ? new Set() : findRecomputable(lowered, schedule, plan, isDonated),
    machine,
    timers: { first: timersAt, bytes: timerBytes },
    bytes: bytes.length,
  };
}

/** Inputs of a run apart from the arguments. */
interface Call {
  /** The number of arguments from the caller; the others are tensors captured by the program. */
  readonly count: number;
  /** The program's numbers. */
  readonly given: Uint32Array;
  readonly names: Donations | undefined;
}

/** The code of a program; it is compiled again if it is needed after its module was dropped. */
class Code {
  readonly #program: Program;
  readonly #options: CodeOptions;
  #parts: Parts | null = null;
  #runner: Runner | null = null;

  constructor(program: Program, options: CodeOptions) {
    this.#program = program;
    const { isDonated } = options;
    // Captured tensors are never donated.
    this.#options = { ...options, isDonated: program.binders.map((_, i) => isDonated[i] ?? false) };
  }

  get parts(): Parts {
    if (this.#parts === null || this.#parts.machine.isDropped) {
      this.#parts = build(this.#program, this.#options);
      this.#runner = null;
    }
    return this.#parts;
  }

  run(args: readonly Concrete[], call: Call): readonly Concrete[] {
    const { parts } = this;
    parts.machine.enter();
    try {
      // Programs that recompute dropped arguments run before this one.
      restoreAll(args);
      return withPins(() => {
        const results = this.#runPinned(parts, args, call);
        if (parts.recomputable.size > 0) this.#giveRecipe(parts, results, args, call);
        return results;
      });
    } finally {
      parts.machine.leave();
    }
  }

  #runPinned(parts: Parts, args: readonly Concrete[], call: Call): readonly Concrete[] {
    const runner = this.#runner ??= new Runner(parts);
    return runner.run(args, call);
  }

  /** Records how to recompute large results, also when arguments are donated. */
  #giveRecipe(
    { lowered, recomputable }: Parts,
    results: readonly Concrete[],
    args: readonly Concrete[],
    { count, given }: Call,
  ): void {
    const places = [...recomputable].map((buffer) =>
      lowered.results.findIndex((result) => "buffer" in result && result.buffer === buffer)
    );
    const chosen = (all: readonly Concrete[]) => places.map((place) => all[place]);
    giveRecipes(chosen(results), args, (again) => {
      const { parts } = this;
      parts.machine.enter();
      try {
        return chosen(this.#runPinned(parts, again, { count, given, names: undefined }));
      } finally {
        parts.machine.leave();
      }
    });
  }
}

class Runner {
  readonly #parts: Parts;
  #isRunning = false;
  /** The same program with a separate arena, for nested runs. */
  #twin: Runner | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
    parts.machine.own(this);
  }

  run(args: readonly Concrete[], call: Call): readonly Concrete[] {
    // A callback of a program may call the program itself.
    if (this.#isRunning) {
      return (this.#twin ??= new Runner(this.#parts)).run(args, call);
    }
    this.#isRunning = true;
    try {
      return this.#run(args, call);
    } finally {
      this.#isRunning = false;
    }
  }

  #run(args: readonly Concrete[], { count, given, names }: Call): readonly Concrete[] {
    const { lowered, plan, segments, machine, isParallel, recomputable } = this.#parts;
    const { schedule: { summaries }, timers } = this.#parts;
    const { places, uploads, outputs } = plan;
    const { buffers, results } = lowered;
    const base = arena(this, plan.arena);
    const addresses: number[] = new Array(places.length).fill(0);
    const tensors = new Map<number, Concrete>();
    // All code that can fail runs before arguments are donated.
    for (let area = 0; area < places.length; area++) {
      const place = places[area];
      if (place === null) continue;
      if (place.kind === "arena") addresses[area] = base + place.offset;
      else if (place.kind === "argument") addresses[area] = addressOf(args[place.index]);
    }
    for (const { source, offset } of uploads) {
      copyIn(args[source], base + offset);
    }
    for (const { buffer, offset, argument } of outputs) {
      if (offset !== null || argument !== null) continue;
      const { tensor, address } = newResident(buffers[buffer], recomputable.has(buffer));
      tensors.set(buffer, tensor);
      addresses[buffer] = address;
    }
    // A donated argument that is also a result becomes another tensor with the same elements, even if it was
    // passed twice or is a constant of the program.
    const isGivenUp = (x: Concrete): boolean =>
      names !== undefined && args.some((arg, i) => arg === x && i < count && names[i] !== null);
    const passed = results.map((result) => {
      // A separate tensor for the caller: the program keeps its constants even if the result is donated.
      if (result instanceof Concrete) return inShape(result, result, true);
      const { source } = buffers[result.buffer];
      if (source === null) return null;
      return inShape(args[source], result.type, source >= count || isGivenUp(args[source]));
    });
    if (names !== undefined) this.#giveUp(args, names, addresses, tensors);
    // Areas that are overwritten by a result later are located in the result's memory, too.
    for (let area = 0; area < places.length; area++) {
      const place = places[area];
      if (place?.kind === "result") addresses[area] = addresses[outputs[place.index].buffer];
    }
    const table = wholeMemory("uint32") as Uint32Array;
    // A loop, since engines copy plain arrays slowly.
    for (let area = 0; area < addresses.length; area++) table[base / 4 + area] = addresses[area];
    if (given.length > 0) table.set(given, base / 4 + addresses.length);
    const isTimed = isRecording();
    const readTimer = isTimed && timers.bytes > 0
      ? startTimers(
        () => {
          const { buffer } = wholeMemory("uint32");
          return new Uint32Array(buffer, base + timers.first, timers.bytes / 4);
        },
        () => machine.executable.run("idle", base, false),
      )
      : null;
    segments.forEach((segment, i) => {
      const run = (): void => {
        if (Array.isArray(segment)) machine.executable.run(`run${i}`, base, isParallel);
        else this.#runHost(segment, addresses);
      };
      if (!isTimed) return run();
      span(infoOf(segment, summaries), () => {
        const start = performance.now();
        run();
        if (readTimer === null || !Array.isArray(segment)) return;
        spanParts(partsOf(segment, summaries, readTimer), start);
      });
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

  /** Marks donated arguments as used and takes their memory for results. */
  #giveUp(
    args: readonly Concrete[],
    names: Donations,
    addresses: number[],
    tensors: Map<number, Concrete>,
  ): void {
    const { lowered: { buffers }, plan: { outputs } } = this.#parts;
    const taken: number[] = [];
    for (const { buffer, argument } of outputs) {
      if (argument === null) continue;
      // A tensor that is passed twice, or whose storage is shared, keeps its memory.
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
    const results = evaluate(equation.primitive, values, equation.params, types);
    results.forEach((result, i) => copyIn(result, addresses[outputs[i]]));
  }
}

/** The same elements in another shape or, if required, as another tensor. */
function inShape(tensor: Concrete, { dtype, shape }: Type, isOther: boolean): Concrete {
  const isSame = !isOther && tensor.shape.length === shape.length &&
    tensor.shape.every((length, i) => length === shape[i]);
  return isSame ? tensor : new Concrete(dtype, shape, tensor.storage);
}
