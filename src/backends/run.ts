/**
 * The one way from a program to its results: a program is optimised, given to the backend of the device
 * that its arguments are on, and kept for as long as it lives.
 *
 * @module
 */
import { argumentError, indexError, InternalError } from "../base/errors.ts";
import { cpu, defaultDevice } from "../core/device.ts";
import type { Device } from "../core/device.ts";
import { programsIn, withoutEffects } from "../core/program.ts";
import type { Program } from "../core/program.ts";
import { Concrete } from "../core/tensor.ts";
import { someEquation } from "../passes/control.ts";
import { hasIndices } from "../passes/kinds.ts";
import { optimize } from "../passes/mod.ts";
import type { Donations, Executable } from "./backend.ts";
import {
  backendOf,
  checkTarget,
  commonDevice,
  isOpen,
  openDevice,
  settle,
  targetOf,
} from "./devices.ts";
import { evaluator, makeRunner } from "./evaluator.ts";

// The processor can always evaluate; who opens it for another backend has been here before, or not.
if (!isOpen(cpu)) openDevice(cpu, evaluator);

/** What a program has become. */
interface Entry {
  /** The program as it was, which the evaluator runs where it must say what is wrong. */
  readonly program: Program;
  readonly optimized: Program;
  /** What has been made of it for each device, by which arguments are given up. */
  readonly versions: Map<Device, Map<string, Executable>>;
  /** What was made of it last, with no argument given up, and for which device. */
  plain: readonly [Device, Executable] | null;
  /** The tensors in it. */
  readonly constants: ReadonlySet<Concrete>;
  /** The device that those were placed on, if any was. */
  readonly placement: Device | null;
  /** The device that it moves values to, if it does. */
  readonly target: Device | null;
}

const entries = new WeakMap<Program, Entry>();

function entryOf(program: Program): Entry {
  let entry = entries.get(program);
  if (entry === undefined) {
    const target = targetOf(program);
    const optimized = optimize(program);
    const constants = new Set(constantsOf(optimized));
    const placement = commonDevice([...constants], () => "compile a function that captures");
    entry = { program, optimized, versions: new Map(), plain: null, constants, placement, target };
    entries.set(program, entry);
  }
  return entry;
}

function versionOf({ optimized, versions }: Entry, device: Device, names: Donations): Executable {
  let own = versions.get(device);
  if (own === undefined) versions.set(device, own = new Map());
  const isDonated = optimized.binders.map((_, i) => (names[i] ?? null) !== null);
  const key = isDonated.map(Number).join("");
  let version = own.get(key);
  if (version === undefined) {
    own.set(key, version = backendOf(device).compile(optimized, { device, isDonated }));
  }
  return version;
}

/** A compiled function and its arguments, as messages name them. */
export interface Caller {
  /** Its name. */
  readonly name: string;
  /** Where an argument of the program came from. */
  pathOf(argument: number): string;
}

/** The device that arguments and program agree on; `null` if nothing was placed. */
function placementOf(
  { placement, target }: Entry,
  args: readonly Concrete[],
  caller: Caller | undefined,
): Device | null {
  const name = caller?.name ?? "a compiled function";
  const placed = caller === undefined
    ? commonDevice(args, () => `run ${name} with`)
    : namedDevice(args, caller);
  const device = placed ?? target ?? placement;
  checkTarget(target, device, name);
  if (placement !== null && placement !== device) {
    throw argumentError(
      `Cannot run ${name} on ${device}: it has captured a tensor that is on ${placement}; ` +
        `pass that one as an argument, or move it with toDevice`,
    );
  }
  return device;
}

/** The common device of arguments that have names. */
function namedDevice(args: readonly Concrete[], { name, pathOf }: Caller): Device | null {
  const first = args.findIndex(({ placement }) => placement !== null);
  if (first < 0) return null;
  const device = args[first].placement;
  const other = args.findIndex(({ placement }) => placement !== null && placement !== device);
  if (other < 0) return device;
  const show = (i: number): string => `${pathOf(i)} is on ${args[i].placement}`;
  throw argumentError(
    `Cannot run ${name}: expected all arguments on one device, ${show(first)} and ` +
      `${show(other)}; move one of them with toDevice`,
  );
}

/**
 * Where a program runs on these arguments.
 *
 * @throws {ArgumentError} when arguments, tensors in the program and moves within it disagree.
 */
export function deviceOf(program: Program, args: readonly Concrete[], caller?: Caller): Device {
  return placementOf(entryOf(program), args, caller) ?? defaultDevice();
}

/** The program as a backend runs it, made once for as long as the program lives. */
export function executableOf(program: Program, device: Device = deviceOf(program, [])): Executable {
  return versionOf(entryOf(program), device, []);
}

/** Every tensor in a program, and in the programs within it. */
function* constantsOf(program: Program): Generator<Concrete> {
  for (const { inputs, params } of program.equations) {
    for (const atom of inputs) if (atom instanceof Concrete) yield atom;
    for (const inner of programsIn(params)) yield* constantsOf(inner);
  }
  for (const atom of program.results) if (atom instanceof Concrete) yield atom;
}

/**
 * Runs a program, on the device of its arguments. `names` are those of arguments that are given up.
 *
 * @throws {ArgumentError} when arguments, tensors in the program and moves within it are on different
 * devices.
 */
export function runProgram(
  program: Program,
  args: readonly Concrete[],
  names?: Donations,
  caller?: Caller,
): readonly Concrete[] {
  const entry = entryOf(program);
  const placed = placementOf(entry, args, caller);
  const results = execute(entry, placed ?? defaultDevice(), args, names);
  if (placed === null) return results;
  return results.map((result) =>
    settle(result, placed, !args.includes(result) && !entry.constants.has(result))
  );
}

function execute(
  entry: Entry,
  device: Device,
  args: readonly Concrete[],
  names: Donations | undefined,
): readonly Concrete[] {
  try {
    if (names !== undefined) return versionOf(entry, device, names).run(args, names);
    if (entry.plain === null || entry.plain[0] !== device) {
      entry.plain = [device, versionOf(entry, device, [])];
    }
    return entry.plain[1].run(args);
  } catch (error) {
    if (!(error instanceof InternalError)) throw error;
    throw explain(error, entry, args, names);
  }
}

/** Kernels stop where the evaluator has an error: it is asked, as long as the arguments are there. */
function explain(
  error: Error,
  { program, optimized }: Entry,
  args: readonly Concrete[],
  names: Donations | undefined,
): unknown {
  if (!someEquation(optimized, ({ primitive }) => hasIndices(primitive.name))) return error;
  if (names?.some((name) => name !== null)) {
    return indexError(
      "Cannot finish a jitted function: an index lies outside of its axis, and the arguments " +
        "that were donated are lost; run it without donateArgnums to see which",
    );
  }
  try {
    makeRunner(withoutEffects(program))(args);
  } catch (reason) {
    return reason;
  }
  return error;
}
