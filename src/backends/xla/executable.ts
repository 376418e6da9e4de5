/**
 * Programs compiled by XLA, and what happens when one is called.
 *
 * @module
 */
import { XlaError } from "../../base/errors.ts";
import { bytesOf } from "../../base/shape.ts";
import { typeOf } from "../../core/program.ts";
import type { Atom, Program } from "../../core/program.ts";
import { Concrete } from "../../core/tensor.ts";
import type { Donations, Executable } from "../backend.ts";
import { makeRunner } from "../evaluator.ts";
import { Check, joinChecks } from "./checks.ts";
import type { DeviceArray, DeviceMemory } from "./memory.ts";
import type { Executable as Loaded } from "./pjrt/mod.ts";
import { divide } from "./segments.ts";
import { writeModule } from "../../stablehlo/mod.ts";

/** A part of a program that the device computes. */
export interface DeviceProgram {
  /** Runs it. Arguments whose flag is set may be used up. */
  run(args: readonly Concrete[], names?: Donations): readonly Concrete[];
  /** The text that it was compiled from. */
  readonly text: string;
  /** The compiled program. */
  readonly loaded: Loaded;
}

/** The compiled program for a text, from a file where it was kept in one. */
function loadOrCompile(text: string, { client, device, cache }: DeviceMemory): Loaded {
  const key = `${client.platform} ${client.platformVersion}\ndevice ${device.id}\n${text}`;
  const kept = cache?.read(key) ?? null;
  if (kept !== null) {
    try {
      return client.load(kept);
    } catch (error) {
      // It was made by a plugin that calls itself the same, and is replaced.
      if (!(error instanceof XlaError)) throw error;
    }
  }
  const loaded = client.compile(text, { deviceIds: [device.id] });
  cache?.write(key, loaded.serialise());
  return loaded;
}

/** Compiles a program of which nothing is left to the evaluator. */
export function compileWhole(
  program: Program,
  memory: DeviceMemory,
  isDonated: readonly boolean[] = [],
): DeviceProgram {
  const { text, constants, mayFail } = writeModule(program, { isDonated, hoists: true });
  const loaded = loadOrCompile(text, memory);
  const types = program.results.map(typeOf);
  const bytes = types.reduce((sum, type) => sum + bytesOf(type), 0);
  return {
    text,
    loaded,
    run(args, names) {
      const arrays: DeviceArray[] = [];
      for (const arg of args) arrays.push(memory.arrayOf(arg));
      for (const constant of constants) arrays.push(memory.arrayOf(constant));
      const donated = names === undefined ? [] : giveUp(args, names, arrays);
      const checks = joinChecks(arrays.map(({ checks }) => checks));
      const buffers = memory.withRoom(
        bytes,
        arrays,
        () => loaded.run(arrays.map(({ buffer }) => buffer!), new Set(donated)),
      );
      for (const i of donated) arrays[i].take();
      const flag = mayFail ? buffers.pop()! : null;
      const all = flag === null ? checks : [...checks, new Check(flag)];
      return buffers.map((buffer, i) => memory.adopt(buffer, types[i], all));
    },
  };
}

/** Gives arguments up; gives the positions of those whose memory nobody else uses. */
function giveUp(
  args: readonly Concrete[],
  names: Donations,
  arrays: readonly DeviceArray[],
): readonly number[] {
  const free: number[] = [];
  names.forEach((name, i) => {
    if (name === null) return;
    const storage = args[i].giveUp(name);
    const isUsedTwice = arrays.filter((array) => array === arrays[i]).length > 1;
    if (storage?.resident === arrays[i] && !isUsedTwice) free.push(i);
  });
  return free;
}

/** Makes a program ready to run on a device. */
export function compile(
  program: Program,
  memory: DeviceMemory,
  isDonated: readonly boolean[],
): Executable {
  const segments = divide(program);
  if (segments.length === 1 && segments[0].isOnDevice) {
    const whole = compileWhole(program, memory, isDonated);
    return {
      run: whole.run,
      isWhole: true,
      describe: () => describe([whole]),
    };
  }
  const parts = segments.map((segment) => ({
    ...segment,
    compiled: segment.isOnDevice ? compileWhole(segment.program, memory) : null,
    evaluate: segment.isOnDevice ? null : makeRunner(segment.program),
  }));
  return {
    run(args, names) {
      const values = new Map<Atom, Concrete>();
      program.binders.forEach((variable, i) => values.set(variable, args[i]));
      for (const { inputs, outputs, compiled, evaluate } of parts) {
        const given = inputs.map((variable) => values.get(variable)!);
        const results = compiled?.run(given) ?? evaluate!(given);
        outputs.forEach((variable, i) => values.set(variable, results[i]));
      }
      const results = program.results.map((atom) =>
        atom instanceof Concrete ? atom : values.get(atom)!
      );
      names?.forEach((name, i) => name !== null && args[i].giveUp(name));
      return results;
    },
    isWhole: segments.every(({ isOnDevice }) => isOnDevice),
    describe: () => describe(parts.flatMap(({ compiled }) => compiled ?? [])),
  };
}

function describe(programs: readonly DeviceProgram[]) {
  const memories = programs.map(({ loaded }) => loaded.memory());
  const total = (read: (memory: NonNullable<(typeof memories)[number]>) => number): number =>
    memories.reduce((sum, memory) => sum + (memory === null ? 0 : read(memory)), 0);
  return {
    kernels: programs.flatMap(({ loaded }) => {
      const cost = loaded.cost();
      if (cost === null) return [];
      const [operations, bytes] = [Number(cost.flops ?? 0), Number(cost["bytes accessed"] ?? 0)];
      return [{ name: loaded.name, operations, bytes, chunks: 1, depth: 0 }];
    }),
    steps: programs.length,
    workspace: total(({ temporaries }) => temporaries),
    code: total(({ code }) => code),
    text: programs.map(({ text }) => text).join("\n"),
  };
}
