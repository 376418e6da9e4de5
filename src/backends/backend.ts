/**
 * The contract of a backend, the devices that are open, and the one way from a program to its results:
 * a program is optimised, given to the backend of the device that its arguments are on, and kept
 * for as long as it lives.
 *
 * @module
 */
import { argumentError, indexError, InternalError } from "../base/errors.ts";
import { cpu, defaultDevice } from "../core/device.ts";
import type { Device } from "../core/device.ts";
import type { Primitive } from "../core/primitive.ts";
import { programsIn, withoutEffects } from "../core/program.ts";
import type { Program } from "../core/program.ts";
import { Concrete } from "../core/tensor.ts";
import type { Type } from "../core/tensor.ts";
import { commonDevice, installDispatcher, settle } from "../core/trace.ts";
import { someEquation } from "../passes/control.ts";
import { hasIndices } from "../passes/kinds.ts";
import { optimize } from "../passes/mod.ts";
import { evaluator, makeRunner } from "./evaluator.ts";

/** What messages call each argument that is given up; `null` for all others. */
export type Donations = readonly (string | null)[];

/** An estimate of what one kernel does, for people. */
export interface KernelSummary {
  /** The operations in it. */
  readonly name: string;
  /** Arithmetic operations. */
  readonly operations: number;
  /** Bytes read and written. */
  readonly bytes: number;
  /** How many chunks threads can share. */
  readonly chunks: number;
  /** Within how many loops it is; what the loop amounts to counts it already. */
  readonly depth: number;
}

/** What a backend has made of a program, for people. */
export interface Description {
  /** The kernels, in the order in which they run. */
  readonly kernels: readonly KernelSummary[];
  /** How often threads wait for each other, and once more. */
  readonly steps: number;
  /** Bytes of memory that the program works in, besides large arguments and results. */
  readonly workspace: number;
  /** Bytes of its code. */
  readonly code: number;
}

/** A program that a backend has made ready to run. */
export interface Executable {
  /** Runs it. The tensors of arguments with names are given up. */
  run(args: readonly Concrete[], names?: Donations): readonly Concrete[];
  /** Whether nothing of it is left to the evaluator. */
  readonly isWhole: boolean;
  /** What it does. */
  describe(): Description;
}

/** What the memory of a backend holds, in bytes. */
export interface MemoryUsage {
  /** Taken by tensors and compiled programs. */
  readonly held: number;
  /** The most that was ever taken. */
  readonly peak: number;
  /** From here on, what is not in use moves out to the heap. */
  readonly limit: number;
  /** How many tensors are in the backend's memory. */
  readonly residents: number;
  /** Taken by results that are dropped rather than copied, since they are quickly computed again. */
  readonly droppable: number;
  /** Of those, so many stay; more once something had to be computed again. */
  readonly window: number;
}

/** Settings that a backend may have a use for. */
export interface BackendOptions {
  /** How many threads it uses. */
  readonly threads?: number;
  /** The most bytes that it takes for tensors and programs. */
  readonly memoryLimit?: number;
}

/** A way to run programs. */
export interface Backend {
  /** What it is called. */
  readonly name: string;
  /** Makes an optimised program ready to run. `isDonated` says which arguments may be given up. */
  compile(program: Program, isDonated: readonly boolean[]): Executable;
  /** Computes one operation at once, or gives `null` where the evaluator is to do it. */
  evaluate(
    primitive: Primitive,
    args: readonly Concrete[],
    params: unknown,
    types: readonly Type[],
  ): readonly Concrete[] | null;
  /** Brings elements to where programs of this backend read them. */
  put(x: Concrete): void;
  /** What its memory holds. */
  memoryUsage(): MemoryUsage;
  /** Takes note of settings; those that it has no use for are left out. */
  configure(options: BackendOptions): void;
}

const open = new Map<Device, Backend>([[cpu, evaluator]]);

/** Opens a device, or gives an open one another backend; eager operations go through it, too. */
export function openDevice(device: Device, backend: Backend): void {
  open.set(device, backend);
  installDispatcher((device, primitive, args, params, types) =>
    backendOf(device).evaluate(primitive, args, params, types)
  );
}

/** Every device that is open. */
export function openDevices(): readonly Device[] {
  return [...open.keys()];
}

/** The backend of a device. */
export function backendOf(device: Device): Backend {
  const backend = open.get(device);
  if (backend === undefined) throw argumentError(`Cannot use ${device}: it is not open`);
  return backend;
}

/** A tensor of the same elements on a device. */
export function moveTo(x: Concrete, device: Device): Concrete {
  if (x.placement === device) return x;
  const { dtype, shape } = x;
  const own = new Concrete(dtype, shape, x.storage);
  own.place(device);
  backendOf(device).put(own);
  return own;
}

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
