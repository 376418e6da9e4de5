/**
 * The contract of a backend. `devices.ts` holds those that are open and says which one work goes to;
 * `run.ts` is the way from a program to its results. A backend keeps elements outside of the heap as
 * `Resident`s (`src/core/storage.ts`), which say how they are read, at once or by a promise.
 *
 * @module
 */
import type { Primitive } from "../core/primitive.ts";
import type { Program } from "../core/program.ts";
import type { Place, Placement, Sharding } from "../core/sharding.ts";
import type { Concrete, Type } from "../core/tensor.ts";

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
  /**
   * Runs it, or starts doing so: results may be residents that are still being computed. The tensors of
   * arguments with names are given up.
   */
  run(args: readonly Concrete[], names?: Donations): readonly Concrete[];
  /** Compiles what the first run would compile, without holding up the event loop; left out where that is nothing. */
  prepare?(): Promise<void>;
  /** Whether nothing of it is left to the evaluator. */
  readonly isWhole: boolean;
  /** What it does. */
  describe(): Description;
}

/**
 * What the memory of a backend holds, in bytes.
 *
 * @category Inspection
 */
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

/** What a program is compiled for. */
export interface CompileOptions {
  /** Where it will run. */
  readonly place: Place;
  /** Over a mesh, how each argument is divided; empty on a device. */
  readonly shardings: readonly Sharding[];
  /** Which arguments may be given up. */
  readonly isDonated: readonly boolean[];
  /** Whether each kernel is to run by itself and to record how long it takes, where that is possible. */
  readonly isTimed?: boolean;
}

/** A way to run programs, on one device or several. */
export interface Backend {
  /** What it is called. */
  readonly name: string;
  /** Whether its programs may run on a mesh of its devices. */
  readonly hasMeshes?: boolean;
  /**
   * Makes an optimised program ready to run. Its arguments may be anywhere: what is not there yet is
   * brought there by each run. Results over a mesh say how they are divided.
   */
  compile(program: Program, options: CompileOptions): Executable;
  /** Computes one operation at once, or gives `null` where the evaluator is to do it. */
  evaluate(
    place: Place,
    primitive: Primitive,
    args: readonly Concrete[],
    params: unknown,
    types: readonly Type[],
  ): readonly Concrete[] | null;
  /** Brings elements to where programs that run there read them; it may do so later. */
  put(x: Concrete, placement: Placement): void;
  /** How many threads run its programs, at most. */
  threads(): number;
  /** What its memory holds. */
  memoryUsage(): MemoryUsage;
  /** Takes note of settings; those that it has no use for are left out. */
  configure(options: BackendOptions): void;
}
