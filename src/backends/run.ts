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
import { commonDevice, settle } from "../core/trace.ts";
import { someEquation } from "../passes/control.ts";
import { hasIndices } from "../passes/kinds.ts";
import { optimize } from "../passes/mod.ts";
import { backendOf, isOpen, openDevice } from "./backend.ts";
import type { Backend, Donations, Executable } from "./backend.ts";
import { evaluator, makeRunner } from "./evaluator.ts";

// The processor can always evaluate; who opens it for another backend has been here before, or not.
if (!isOpen(cpu)) openDevice(cpu, evaluator);

/** What a program has become. */
interface Entry {
  readonly optimized: Program;
  /** What backends have made of it, by which arguments are given up. */
  readonly versions: Map<Backend, Map<string, Executable>>;
  /** What the last backend has made of it, with no argument given up. */
  plain: readonly [Backend, Executable] | null;
  /** The tensors in it. */
  readonly constants: ReadonlySet<Concrete>;
  /** The device that those were placed on, if any was. */
  readonly device: Device | null;
}

const entries = new WeakMap<Program, Entry>();

function entryOf(program: Program): Entry {
  let entry = entries.get(program);
  if (entry === undefined) {
    const optimized = optimize(program);
    const constants = new Set(constantsOf(optimized));
    const device = commonDevice([...constants], () => "compile a function that captures");
    entry = { optimized, versions: new Map(), plain: null, constants, device };
    entries.set(program, entry);
  }
  return entry;
}

function versionOf({ optimized, versions }: Entry, backend: Backend, names: Donations): Executable {
  let own = versions.get(backend);
  if (own === undefined) versions.set(backend, own = new Map());
  const isDonated = optimized.binders.map((_, i) => (names[i] ?? null) !== null);
  const key = isDonated.map(Number).join("");
  let version = own.get(key);
  if (version === undefined) own.set(key, version = backend.compile(optimized, isDonated));
  return version;
}

/** Where a program runs on these arguments. `doing` is what the error says cannot be done. */
export function deviceOf(args: readonly Concrete[], doing = "run a compiled function"): Device {
  return commonDevice(args, () => doing) ?? defaultDevice();
}

/** The program as a backend runs it, made once for as long as the program lives. */
export function executableOf(program: Program, device: Device = defaultDevice()): Executable {
  return versionOf(entryOf(program), backendOf(device), []);
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
 * @throws {ArgumentError} when arguments, or tensors in the program, are on different devices.
 */
export function runProgram(
  program: Program,
  args: readonly Concrete[],
  names?: Donations,
): readonly Concrete[] {
  const entry = entryOf(program);
  const placed = commonDevice(args, () => "run a compiled function");
  const device = placed ?? entry.device ?? defaultDevice();
  if (entry.device !== null && entry.device !== device) {
    throw argumentError(
      `Cannot run a compiled function on ${device}: it has captured a tensor that is on ` +
        `${entry.device}; pass that one as an argument, or move it with toDevice`,
    );
  }
  const results = execute(entry, backendOf(device), args, names);
  if (placed === null && entry.device === null) return results;
  return results.map((result) =>
    settle(result, device, !args.includes(result) && !entry.constants.has(result))
  );
}

function execute(
  entry: Entry,
  backend: Backend,
  args: readonly Concrete[],
  names: Donations | undefined,
): readonly Concrete[] {
  try {
    if (names !== undefined) return versionOf(entry, backend, names).run(args, names);
    if (entry.plain === null || entry.plain[0] !== backend) {
      entry.plain = [backend, versionOf(entry, backend, [])];
    }
    return entry.plain[1].run(args);
  } catch (error) {
    if (!(error instanceof InternalError)) throw error;
    throw explain(error, entry.optimized, args, names);
  }
}

/** Kernels stop where the evaluator has an error: it is asked, as long as the arguments are there. */
function explain(
  error: Error,
  optimized: Program,
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
    makeRunner(withoutEffects(optimized))(args);
  } catch (reason) {
    return reason;
  }
  return error;
}
