/**
 * Compiled programs on a device, and the steps of a run.
 *
 * @module
 */
import { isFloat } from "../../base/dtype.ts";
import { webGpuError } from "../../base/errors.ts";
import { sameShape } from "../../base/shape.ts";
import type { Atom, Equation, Program } from "../../core/program.ts";
import { Concrete } from "../../core/tensor.ts";
import type { Type } from "../../core/tensor.ts";
import { isRecording, span, type SpanInfo, spanParts } from "../../core/timeline.ts";
import { formOf } from "../../passes/forms.ts";
import type { Executable, KernelSummary } from "../backend.ts";
import type { Check } from "../checks.ts";
import { apartFrom, makeRunner } from "../evaluator.ts";
import { divide } from "../segments.ts";
import { type GpuBuffer, USAGE } from "./api.ts";
import { type Dispatch, dispatchesOf } from "./commands.ts";
import { joinFlags } from "./flags.ts";
import type { DeviceArray, DeviceMemory } from "./memory.ts";
import { meansInFloats } from "./means.ts";
import { isOnDevice, type Plan, type PlanOptions, planProgram } from "./plan.ts";
import { readNow } from "./reading.ts";
import { Bases, isOpen, Recorder } from "./recorder.ts";
import type { Pipeline, Range, Session, Uniform } from "./session.ts";
import { PassTimes } from "./timing.ts";
import { basesBytes, wordBytes } from "./wgsl/module.ts";

/** The beginning of error messages about loops. */
const LOOPING = "Cannot tell whether a loop goes on";

/** A program that is computed entirely by the device. */
export class DeviceProgram {
  readonly #memory: DeviceMemory;
  readonly #plan: Plan;
  readonly #tensors: readonly Concrete[];
  readonly #numbers: number;
  readonly #pipelines = new Map<Dispatch, Pipeline>();
  readonly #table: GpuBuffer | null;
  #bases: Bases | null = null;

  /** `options` contain the number of numbers passed at each run, and which arguments are donated. */
  constructor(
    program: Program,
    memory: DeviceMemory,
    options: Omit<PlanOptions, "mostBytes"> = {},
  ) {
    const { session } = memory;
    const form = formOf(program);
    this.#memory = memory;
    this.#tensors = form.tensors;
    this.#numbers = options.numbers ?? 0;
    const mostBytes = session.device.limits.maxBufferSize;
    this.#plan = planProgram(form.open([]), session.limits, { ...options, mostBytes });
    const { counts } = this.#plan;
    this.#table = null;
    if (counts.length > 0) {
      const usage = USAGE.storage | USAGE.indirect | USAGE.copyDst;
      this.#table = session.newBuffer(12 * counts.length, usage);
      session.device.queue.writeBuffer(this.#table, 0, Uint32Array.from(counts.flat()));
    }
  }

  /** The summaries of its kernels, for display. */
  get summaries(): readonly KernelSummary[] {
    return this.#plan.summaries;
  }

  /** The size of its working memory in bytes. */
  get arena(): number {
    return this.#plan.arena.reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Its shaders. */
  get codes(): readonly string[] {
    return dispatchesOf(this.#plan.commands).map(({ code }) => code);
  }

  /** Its shaders with their numbers of operands. */
  get shaders(): readonly (readonly [code: string, operands: number])[] {
    return dispatchesOf(this.#plan.commands).map(({ code, views }) => [code, views.length]);
  }

  /**
   * Runs it, or starts it. The memory of arguments selected by `isGivenUp` is used for results, if the
   * program was planned that way. `times` measures the passes and waits for them.
   */
  run(
    args: readonly Concrete[],
    numbers: readonly Concrete[] = [],
    isGivenUp: (argument: number) => boolean = () => false,
    times: PassTimes | null = null,
  ): readonly Concrete[] {
    const memory = this.#memory;
    const { session } = memory;
    const { commands, places, bytes, made, changed, memories, hasFlag, arena } = this.#plan;
    session.use("Cannot run a program");
    if (!session.readsAtOnce && isOpen(commands)) {
      throw webGpuError(
        "Cannot run a while loop: this runtime cannot wait for a WebGPU device, which alone knows when the loop " +
          "ends; give it the most steps as maxSteps, or use foriLoop or scan",
      );
    }
    const all = [...args, ...this.#tensors];
    const kept = new Set<DeviceArray>();
    const arrays = all.map((x) => {
      const array = memory.arrayOf(x, kept);
      kept.add(array);
      return array;
    });
    const temporary: { readonly buffer: GpuBuffer; readonly bytes: number }[] = [];
    const takeTemporary = (size: number): GpuBuffer => {
      const buffer = memory.take(size, kept);
      temporary.push({ buffer, bytes: size });
      return buffer;
    };
    const argumentOf = (buffer: number): number | null => {
      const place = places[memories.get(buffer)!];
      return place?.kind === "argument" ? place.index : null;
    };
    const adopted = new Set(made.map(argumentOf));
    const uniforms: Uniform[] = [];
    const recorder: Recorder = new Recorder({
      session,
      pipelineOf: (dispatch) => this.#pipelineOf(dispatch),
      rangeOf: (one) => ranges[one]!,
      fixedBases: (operands) => this.#basesFor(operands, numbers, uniforms),
      bases: () => this.#bases ??= new Bases(session, commands),
      table: this.#table,
      times,
      read: (one) => {
        const { buffer, offset: start } = ranges[one]!;
        return new Uint32Array(readNow(session, [{ buffer, start, size: 4 }], LOOPING)[0])[0];
      },
    });
    // A pass can bind each memory only once: arguments that are passed twice are copied, and so are those
    // that must stay unchanged for other users.
    const seen = new Set<DeviceArray>();
    const given = arrays.map((array, i) => {
      const isShared = arrays.some((other, k) => k !== i && other === array);
      const isTaken = changed.has(i) && !isShared && isGivenUp(i);
      if (isTaken) return adopted.has(i) ? memory.release(array) : array.buffer!;
      if (!changed.has(i) && !seen.has(array)) {
        seen.add(array);
        return array.buffer!;
      }
      const size = wordBytes(array.length);
      const copy = adopted.has(i) ? memory.take(size, kept) : takeTemporary(size);
      recorder.commands.copyBufferToBuffer(array.buffer!, 0, copy, 0, size);
      return copy;
    });
    const results = made.map((buffer) => {
      const argument = argumentOf(buffer);
      return argument === null ? memory.take(bytes[memories.get(buffer)!], kept) : given[argument];
    });
    const work = arena.map(takeTemporary);
    const raised = hasFlag ? takeTemporary(4) : null;
    if (raised !== null) recorder.commands.clearBuffer(raised, 0, 4);
    const ranges = places.map((place, i): Range | null => {
      const size = bytes[i];
      switch (place?.kind) {
        case undefined:
          return null;
        case "argument":
          return { buffer: given[place.index], offset: 0, size };
        case "result":
          return { buffer: results[place.index], offset: 0, size };
        case "arena":
          return { buffer: work[place.part], offset: place.offset, size };
        case "table":
          return this.#table === null
            ? null
            : { buffer: this.#table, offset: 0, size: 12 * this.#plan.counts.length };
        case "flag":
          return raised === null ? null : { buffer: raised, offset: 0, size: 4 };
      }
    });
    recorder.record(commands);
    const found = raised === null
      ? []
      : [memory.flags.keep(recorder.commands, [{ buffer: raised, offset: 0 }])];
    recorder.submit();
    for (const { buffer, bytes } of temporary) memory.give(buffer, bytes);
    for (const uniform of uniforms) session.giveUniform(uniform);
    const checks = joinFlags([...arrays.map(({ checks }) => checks), found]);
    return this.#wrap(all, results, checks);
  }

  /** The pipeline of a dispatch, created at the first run unless `makePipelines` created it before. */
  #pipelineOf(dispatch: Dispatch): Pipeline {
    let pipeline = this.#pipelines.get(dispatch);
    if (pipeline === undefined) {
      const { code, views } = dispatch;
      pipeline = this.#memory.session.pipelineOf(code, views.length);
      this.#pipelines.set(dispatch, pipeline);
    }
    return pipeline;
  }

  /** The uniform block of a pass: bases of 0, and the numbers. */
  #basesFor(operands: number, numbers: readonly Concrete[], uniforms: Uniform[]): object {
    const { session } = this.#memory;
    if (this.#numbers === 0) return session.zeros;
    const size = basesBytes(operands, this.#numbers);
    const words = new DataView(new ArrayBuffer(size));
    numbers.forEach(({ dtype, elements: [value] }, i) => {
      const at = (operands + 1 + i) * 4;
      if (isFloat(dtype)) words.setFloat32(at, value, true);
      else words.setInt32(at, value, true);
    });
    const uniform = session.takeUniform(size);
    session.device.queue.writeBuffer(uniform.buffer, 0, new Uint8Array(words.buffer));
    uniforms.push(uniform);
    return uniform.group;
  }

  #wrap(
    args: readonly Concrete[],
    buffers: readonly GpuBuffer[],
    checks: readonly Check[],
  ): readonly Concrete[] {
    const { lowered, made } = this.#plan;
    const tensors = made.map((buffer, i) =>
      this.#memory.adopt(buffers[i], lowered.buffers[buffer], checks)
    );
    const inShape = (x: Concrete, { dtype, shape }: Type) => new Concrete(dtype, shape, x.storage);
    return lowered.results.map((result) => {
      // A separate tensor for the caller: the program keeps its constants even if the result is donated.
      if (result instanceof Concrete) return inShape(result, result);
      const { source } = lowered.buffers[result.buffer];
      if (source !== null) return inShape(args[source], result.type);
      const tensor = tensors[made.indexOf(result.buffer)];
      return sameShape(tensor.shape, result.type.shape) ? tensor : inShape(tensor, result.type);
    });
  }
}

/** Runs a program, and measures its passes if a profile is being recorded. */
function runTimed(
  session: Session,
  run: (times: PassTimes | null) => readonly Concrete[],
): readonly Concrete[] {
  if (!isRecording() || !session.readsAtOnce) return run(null);
  const times = new PassTimes(session);
  const start = performance.now();
  const results = run(times);
  spanParts(times.parts, start);
  return results;
}

/** What the evaluator computes, for profiles. */
function infoOf({ equations }: Program): SpanInfo {
  const names = new Set(equations.map(({ primitive: { name } }) => name));
  return { kind: "evaluator", name: [...names].join(" ") };
}

/** Compiles a program. */
export function compile(
  given: Program,
  memory: DeviceMemory,
  isDonated: readonly boolean[],
): Executable {
  const program = meansInFloats(given);
  const { session } = memory;
  const most = session.device.limits.maxStorageBufferBindingSize;
  const isPossible = (equation: Equation) => isOnDevice(equation, session.limits, most);
  const segments = divide(program, isPossible);
  const parts = segments.map((segment, i) => {
    if (!segment.isOnDevice) {
      return { ...segment, compiled: null, run: makeRunner(segment.program), donated: [] };
    }
    // A donated argument is donated to the last segment that reads it.
    const later = new Set<Atom>(segments.slice(i + 1).flatMap(({ inputs }) => inputs));
    for (const result of program.results) later.add(result);
    const donated = segment.inputs.map((variable) => {
      const argument = program.binders.indexOf(variable);
      return isDonated[argument] === true && !later.has(variable) ? argument : -1;
    });
    const compiled = new DeviceProgram(segment.program, memory, {
      isDonated: donated.map((argument) => argument >= 0),
    });
    return { ...segment, compiled, run: null, donated };
  });
  const programs = parts.flatMap(({ compiled }) => compiled ?? []);
  return {
    run(args, names) {
      const values = new Map<Atom, Concrete>();
      program.binders.forEach((variable, i) => values.set(variable, args[i]));
      const isGivenUp = (argument: number): boolean => {
        const { storage } = args[argument];
        return (names?.[argument] ?? null) !== null && storage.sharers === 1 &&
          args.every((other, i) => i === argument || other.storage !== storage);
      };
      for (const { program: segment, inputs, outputs, compiled, run, donated } of parts) {
        const given = inputs.map((variable) => values.get(variable)!);
        const isTaken = (i: number): boolean => donated[i] >= 0 && isGivenUp(donated[i]);
        const results = compiled === null
          ? span(infoOf(segment), () => run!(given))
          : runTimed(session, (times) => compiled.run(given, [], isTaken, times));
        outputs.forEach((variable, i) => values.set(variable, results[i]));
      }
      const own = program.results.map((atom) =>
        atom instanceof Concrete ? atom : values.get(atom)!
      );
      const results = apartFrom(args, own, names);
      // Intermediate values between segments are freed immediately, since the collector would find them late.
      const kept = new Set([...args, ...results].map(({ storage }) => storage));
      for (const { storage } of values.values()) {
        if (!kept.has(storage)) memory.freeDevice(storage);
      }
      names?.forEach((name, i) => {
        const storage = name === null ? null : args[i].giveUp(name);
        if (storage !== null) memory.free(storage);
      });
      return results;
    },
    prepare: () => session.makePipelines(programs.flatMap(({ shaders }) => shaders)),
    isWhole: parts.every(({ compiled }) => compiled !== null),
    describe: () => ({
      kernels: programs.flatMap(({ summaries }) => summaries),
      steps: parts.length,
      workspace: Math.max(0, ...programs.map(({ arena }) => arena)),
      code: programs.reduce((sum, { codes }) => sum + codes.join("").length, 0),
      text: programs.flatMap(({ codes }) => codes).join("\n"),
    }),
  };
}
