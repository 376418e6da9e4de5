/**
 * Programs on a device, and what happens when one is called.
 *
 * @module
 */
import { isFloat } from "../../base/dtype.ts";
import { internalError } from "../../base/errors.ts";
import { sameShape } from "../../base/shape.ts";
import type { Atom, Equation, Program } from "../../core/program.ts";
import { Concrete } from "../../core/tensor.ts";
import type { Type } from "../../core/tensor.ts";
import { formOf } from "../../passes/forms.ts";
import type { Executable, KernelSummary } from "../backend.ts";
import type { Check } from "../checks.ts";
import { makeRunner } from "../evaluator.ts";
import { divide } from "../segments.ts";
import type { GpuBuffer } from "./api.ts";
import { joinFlags } from "./flags.ts";
import type { DeviceArray, DeviceMemory } from "./memory.ts";
import { isOnDevice, type Plan, planProgram } from "./plan.ts";
import type { Pipeline, Range, Uniform } from "./session.ts";
import { basesBytes, wordBytes } from "./wgsl/module.ts";

/** A program that the device computes as a whole. */
export class DeviceProgram {
  readonly #memory: DeviceMemory;
  readonly #plan: Plan;
  readonly #tensors: readonly Concrete[];
  readonly #numbers: number;
  readonly #pipelines: readonly Pipeline[];

  /** `numbers` says how many numbers it is given at each run. */
  constructor(program: Program, memory: DeviceMemory, numbers: number = 0) {
    const { session } = memory;
    const form = formOf(program);
    this.#memory = memory;
    this.#tensors = form.tensors;
    this.#numbers = numbers;
    this.#plan = planProgram(form.open([]), session.limits, numbers);
    this.#pipelines = this.#plan.steps.map(({ code, memories }) =>
      session.pipelineOf(code, memories.length)
    );
  }

  /** What it does, for people. */
  get summaries(): readonly KernelSummary[] {
    return this.#plan.summaries;
  }

  /** Bytes of its working memory. */
  get arena(): number {
    return this.#plan.arena;
  }

  /** Its shaders. */
  get codes(): readonly string[] {
    return this.#plan.steps.map(({ code }) => code);
  }

  /** Runs it, or starts doing so. */
  run(args: readonly Concrete[], numbers: readonly Concrete[] = []): readonly Concrete[] {
    const memory = this.#memory;
    const { session } = memory;
    const { steps, places, bytes, made, flags, arena } = this.#plan;
    session.use("Cannot run a program");
    const all = [...args, ...this.#tensors];
    const kept = new Set<DeviceArray>();
    const arrays = all.map((x) => {
      const array = memory.arrayOf(x, kept);
      kept.add(array);
      return array;
    });
    const commands = session.device.createCommandEncoder();
    const temporary: { readonly buffer: GpuBuffer; readonly bytes: number }[] = [];
    const takeTemporary = (size: number): GpuBuffer => {
      const buffer = memory.take(size, kept);
      temporary.push({ buffer, bytes: size });
      return buffer;
    };
    // One memory is bound once in a pass: what is given twice is copied.
    const seen = new Set<DeviceArray>();
    const given = arrays.map((array) => {
      if (!seen.has(array)) {
        seen.add(array);
        return array.buffer!;
      }
      const size = wordBytes(array.length);
      const copy = takeTemporary(size);
      commands.copyBufferToBuffer(array.buffer!, 0, copy, 0, size);
      return copy;
    });
    const results = made.map((one) => memory.take(bytes[one], kept));
    const work = arena > 0 ? takeTemporary(arena) : null;
    const resources = places.map((place, i): Range | null => {
      if (place === null) return null;
      const size = bytes[i];
      switch (place.kind) {
        case "argument":
          return { buffer: given[place.index], offset: 0, size };
        case "result":
          return { buffer: results[place.index], offset: 0, size };
        case "arena":
          return { buffer: work!, offset: place.offset, size };
      }
    });
    const pass = commands.beginComputePass();
    const uniforms: Uniform[] = [];
    steps.forEach(({ memories, workgroups }, i) => {
      const pipeline = this.#pipelines[i];
      pass.setPipeline(pipeline.pipeline);
      pass.setBindGroup(0, session.groupOf(pipeline, memories.map((one) => resources[one]!)));
      pass.setBindGroup(1, this.#basesFor(memories.length, numbers, uniforms), [0]);
      pass.dispatchWorkgroups(...workgroups);
    });
    pass.end();
    const found = flags.length === 0
      ? []
      : [memory.flags.keep(commands, flags.map((flag) => resources[flag]!))];
    session.device.queue.submit([commands.finish()]);
    for (const { buffer, bytes } of temporary) memory.give(buffer, bytes);
    for (const uniform of uniforms) session.giveUniform(uniform);
    const checks = joinFlags([...arrays.map(({ checks }) => checks), found]);
    return this.#wrap(all, results, checks);
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
    session.device.queue.writeBuffer(uniform.buffer, 0, words);
    uniforms.push(uniform);
    return uniform.group;
  }

  #wrap(
    args: readonly Concrete[],
    buffers: readonly GpuBuffer[],
    checks: readonly Check[],
  ): readonly Concrete[] {
    const { lowered, memories, made, places } = this.#plan;
    const tensors = made.map((memory, i) =>
      this.#memory.adopt(buffers[i], lowered.buffers[memory], checks)
    );
    const inShape = (x: Concrete, { dtype, shape }: Type) => new Concrete(dtype, shape, x.storage);
    return lowered.results.map((result) => {
      // A tensor of the caller's own: the program keeps its constants, whoever donates the result.
      if (result instanceof Concrete) return inShape(result, result);
      const place = places[memories[result.buffer]]!;
      if (place.kind === "argument") return inShape(args[place.index], result.type);
      if (place.kind === "arena") throw internalError("A result is in the working memory");
      const tensor = tensors[place.index];
      return sameShape(tensor.shape, result.type.shape) ? tensor : inShape(tensor, result.type);
    });
  }
}

/** Makes a program ready to run. */
export function compile(program: Program, memory: DeviceMemory): Executable {
  const { session } = memory;
  const most = session.device.limits.maxStorageBufferBindingSize;
  const isPossible = (equation: Equation) => isOnDevice(equation, session.limits, most);
  const parts = divide(program, isPossible).map((segment) => {
    if (segment.isOnDevice) {
      return { ...segment, compiled: new DeviceProgram(segment.program, memory), run: null };
    }
    return { ...segment, compiled: null, run: makeRunner(segment.program) };
  });
  const programs = parts.flatMap(({ compiled }) => compiled ?? []);
  return {
    run(args, names) {
      const values = new Map<Atom, Concrete>();
      program.binders.forEach((variable, i) => values.set(variable, args[i]));
      for (const { inputs, outputs, compiled, run } of parts) {
        const given = inputs.map((variable) => values.get(variable)!);
        const results = compiled?.run(given) ?? run!(given);
        outputs.forEach((variable, i) => values.set(variable, results[i]));
      }
      const results = program.results.map((atom) =>
        atom instanceof Concrete ? atom : values.get(atom)!
      );
      // What went from part to part is not waited for: the collector finds it late.
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
