/**
 * Programs compiled by XLA, and the steps of a run.
 *
 * @module
 */
import { XlaError } from "../../base/errors.ts";
import { bytesOf } from "../../base/shape.ts";
import { typeOf } from "../../core/program.ts";
import type { Atom, Equation, Program } from "../../core/program.ts";
import { shardingIn } from "../../core/sharding.ts";
import type { Sharding } from "../../core/sharding.ts";
import { Concrete } from "../../core/tensor.ts";
import type { Donations, Executable } from "../backend.ts";
import { apartFrom, makeRunner } from "../evaluator.ts";
import { Check, joinChecks } from "../checks.ts";
import type { DeviceArray, Site } from "./memory.ts";
import { resultTilings } from "./pjrt/mod.ts";
import type { Executable as Loaded } from "./pjrt/mod.ts";
import { divide } from "../segments.ts";
import { shardingOf } from "./tilings.ts";
import { lackingIn, writeModule } from "../../stablehlo/mod.ts";
import type { Module } from "../../stablehlo/mod.ts";

/** A segment of a program that devices compute. */
export interface DeviceProgram {
  /** Runs it. Arguments whose flag is set may be donated. */
  run(args: readonly Concrete[], names?: Donations): readonly Concrete[];
  /** The text that it was compiled from. */
  readonly text: string;
  /** The compiled program. */
  readonly loaded: Loaded;
  /** The shardings of its results. */
  readonly shardings: readonly Sharding[];
}

/** The compiled program for a text, loaded from the cache if possible. */
function loadOrCompile(text: string, { memory, devices, isDivided }: Site): Loaded {
  const { client, cache } = memory;
  const deviceIds = devices.map(({ id }) => id);
  const key = `${client.platform} ${client.platformVersion}\ndevice ${deviceIds}\n${text}`;
  const kept = cache?.read(key) ?? null;
  if (kept !== null) {
    try {
      return client.load(kept);
    } catch (error) {
      // It was made by another plugin with the same version label, and is replaced.
      if (!(error instanceof XlaError)) throw error;
    }
  }
  const options = isDivided ? { partitions: devices.length, useShardyPartitioner: true } : {};
  const loaded = client.compile(text, { deviceIds, ...options });
  cache?.write(key, loaded.serialise());
  return loaded;
}

/** Information about a program apart from its equations. */
export interface Layout {
  /** The shardings of arguments; replicated if omitted. */
  readonly shardings?: readonly Sharding[];
  /** The required shardings of results; chosen by XLA if omitted. */
  readonly results?: readonly Sharding[];
  /** Which arguments may be donated. */
  readonly isDonated?: readonly boolean[];
}

/** A text, the program compiled from it, and the shardings of its results. */
interface Compiled extends Module {
  readonly loaded: Loaded;
  readonly divided: readonly Sharding[];
}

function compileText(program: Program, site: Site, layout: Layout): Compiled {
  const { mesh, isDivided } = site;
  const whole = mesh.sharding([]);
  const module = writeModule(program, {
    isDonated: layout.isDonated ?? [],
    hoists: true,
    mesh: isDivided ? mesh : null,
    shardingOf: (x) =>
      typeof x === "number" ? layout.shardings?.[x] ?? whole : shardingIn(mesh, x.placement),
    results: isDivided ? layout.results ?? [] : [],
  });
  const loaded = loadOrCompile(module.text, site);
  const { length } = loaded.outputs;
  const stated = layout.results ?? (mesh.size === 1 ? loaded.outputs.map(() => whole) : null);
  if (stated !== null) return { ...module, loaded, divided: stated };
  const tilings = resultTilings(loaded.optimized(), length, mesh.size);
  const chosen = tilings.map((tiling, i) =>
    tiling === null || i === program.results.length
      ? null
      : shardingOf(mesh, tiling, typeOf(program.results[i]).shape)
  );
  const isKnown = chosen.every((one, i) => one !== null || i === program.results.length);
  if (isKnown) return { ...module, loaded, divided: chosen.map((one) => one ?? whole) };
  // Results whose sharding cannot be expressed by axes of the mesh are replicated instead.
  loaded.delete();
  return compileText(program, site, { ...layout, results: chosen.map((one) => one ?? whole) });
}

/** Compiles a program no part of which is left to the evaluator. */
export function compileWhole(program: Program, site: Site, layout: Layout = {}): DeviceProgram {
  const { memory, mesh, devices, isDivided } = site;
  const { text, constants, mayFail, loaded, divided } = compileText(program, site, layout);
  const whole = mesh.sharding([]);
  const types = program.results.map(typeOf);
  const bytes = loaded.outputs.reduce((sum, type) => sum + bytesOf(type), 0);
  return {
    text,
    loaded,
    shardings: divided,
    run(args, names) {
      const arrays: DeviceArray[] = [];
      for (let i = 0; i < args.length; i++) {
        arrays.push(memory.arrayOf(args[i], layout.shardings?.[i] ?? whole));
      }
      for (const constant of constants) {
        arrays.push(memory.arrayOf(constant, shardingIn(mesh, constant.placement)));
      }
      const donated = names === undefined ? [] : giveUp(args, names, arrays);
      const checks = joinChecks(arrays.map(({ checks }) => checks));
      const given = devices.map((_, d) => arrays.map(({ buffers }) => buffers![d]));
      const results = memory.withRoom(
        devices,
        bytes,
        arrays,
        () => loaded.runShards(given, new Set(donated)),
      );
      for (const i of donated) arrays[i].take();
      const flags = mayFail ? results.map((own) => own.pop()!) : [];
      // All devices have the same flag.
      for (const flag of flags.slice(1)) flag.delete();
      const all = mayFail ? [...checks, new Check(flags[0])] : checks;
      return types.map((type, i) => {
        const result = memory.adopt(results.map((own) => own[i]), type, divided[i], all);
        if (isDivided) result.place(divided[i]);
        return result;
      });
    },
  };
}

/** Donates arguments; returns the positions of those whose memory has no other users. */
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

/** Whether a device can compute an equation, including all programs in it. */
export function isOnDevice(equation: Equation): boolean {
  return lackingIn(equation) === null;
}

/** Compiles a program for devices. */
export function compile(
  program: Program,
  site: Site,
  shardings: readonly Sharding[],
  isDonated: readonly boolean[],
): Executable {
  const segments = divide(program, isOnDevice);
  if (segments.length === 1 && segments[0].isOnDevice) {
    const whole = compileWhole(program, site, { shardings, isDonated });
    return {
      run: whole.run,
      isWhole: true,
      describe: () => describe([whole]),
    };
  }
  // Results of the evaluator are replicated.
  const whole = site.mesh.sharding([]);
  const known = new Map<Atom, Sharding>();
  program.binders.forEach((variable, i) => known.set(variable, shardings[i] ?? whole));
  const parts = segments.map((segment) => {
    if (!segment.isOnDevice) {
      return { ...segment, compiled: null, evaluate: makeRunner(segment.program) };
    }
    const own = segment.inputs.map((variable) => known.get(variable) ?? whole);
    const compiled = compileWhole(segment.program, site, { shardings: own });
    segment.outputs.forEach((variable, i) => known.set(variable, compiled.shardings[i]));
    return { ...segment, compiled, evaluate: null };
  });
  return {
    run(args, names) {
      const values = new Map<Atom, Concrete>();
      program.binders.forEach((variable, i) => values.set(variable, args[i]));
      for (const { inputs, outputs, compiled, evaluate } of parts) {
        const given = inputs.map((variable) => values.get(variable)!);
        const results = compiled?.run(given) ?? evaluate!(given);
        outputs.forEach((variable, i) => values.set(variable, results[i]));
      }
      const own = program.results.map((atom) =>
        atom instanceof Concrete ? atom : values.get(atom)!
      );
      const results = apartFrom(args, own, names);
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
