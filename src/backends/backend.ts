/**
 * The contract of a backend, and the devices that are open.
 *
 * @module
 */
import { argumentError } from "../base/errors.ts";
import type { Device } from "../core/device.ts";
import type { Primitive } from "../core/primitive.ts";
import type { Program } from "../core/program.ts";
import type { Concrete, Type } from "../core/tensor.ts";
import { installDispatcher, settle } from "../core/trace.ts";

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
  /** What it does, in order. */
  readonly text: string;
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
  /** How many threads run its programs, at most. */
  threads(): number;
  /** What its memory holds. */
  memoryUsage(): MemoryUsage;
  /** Takes note of settings; those that it has no use for are left out. */
  configure(options: BackendOptions): void;
}

const open = new Map<Device, Backend>();

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

/** Whether a device is open. */
export function isOpen(device: Device): boolean {
  return open.has(device);
}

/** The backend of a device. */
export function backendOf(device: Device): Backend {
  const backend = open.get(device);
  if (backend === undefined) throw argumentError(`Cannot use ${device}: it is not open`);
  return backend;
}

/** A tensor of the same elements on a device. */
export function moveTo(x: Concrete, device: Device): Concrete {
  const own = settle(x, device, false);
  if (own !== x) backendOf(device).put(own);
  return own;
}
