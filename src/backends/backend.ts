/**
 * The interface of a backend. `devices.ts` holds the open backends and selects the one for an operation;
 * `run.ts` runs programs on them. A backend stores elements outside the heap as `Resident`s
 * (`src/core/storage.ts`), which define how the elements are read, synchronously or through a promise.
 *
 * @module
 */
import type { Primitive } from "../core/primitive.ts";
import type { Program } from "../core/program.ts";
import type { Place, Placement, Sharding } from "../core/sharding.ts";
import type { Concrete, Type } from "../core/tensor.ts";
import type { IsKept } from "../passes/inline_calls.ts";

/** The name of each donated argument for error messages; `null` for all others. */
export type Donations = readonly (string | null)[];

/** An estimate of the work of one kernel, for display. */
export interface KernelSummary {
  /** The operations in it. */
  readonly name: string;
  /** Arithmetic operations. */
  readonly operations: number;
  /** Bytes read and written. */
  readonly bytes: number;
  /** The number of chunks that threads can share. */
  readonly chunks: number;
  /** The number of enclosing loops; the totals already include all of their rounds. */
  readonly depth: number;
  /** The timers of its stages, if they are measured within loops. */
  readonly timers?: readonly TimerOfStage[];
}

/** The timer of a stage of a kernel. */
export interface TimerOfStage {
  /** Its number in the module. */
  readonly timer: number;
  /** The number of chunks of the stage, each of which is a run of the timer. */
  readonly chunks: number;
}

/** A description of a compiled program, for display. */
export interface Description {
  /** The kernels, in the order in which they run. */
  readonly kernels: readonly KernelSummary[];
  /** The number of times that threads wait for each other, plus one. */
  readonly steps: number;
  /** Bytes of working memory, not counting large arguments and results. */
  readonly workspace: number;
  /** The size of its code in bytes. */
  readonly code: number;
  /** Its steps in order, as text. */
  readonly text: string;
}

/** A program that a backend has compiled. */
export interface Executable {
  /**
   * Runs the program, or starts it: results may be residents that are still being computed. The tensors of
   * arguments with names are donated.
   */
  run(args: readonly Concrete[], names?: Donations): readonly Concrete[];
  /**
   * Compiles in advance what the first run would compile, without blocking the event loop; omitted where
   * there is nothing to compile.
   */
  prepare?(): Promise<void>;
  /** Whether no part of it is left to the evaluator. */
  readonly isWhole: boolean;
  /** Describes the program. */
  describe(): Description;
}

/**
 * The memory usage of a backend, in bytes.
 *
 * @category Inspection
 */
export interface MemoryUsage {
  /** Bytes of tensors and compiled programs. */
  readonly held: number;
  /** The largest value of `held` so far. */
  readonly peak: number;
  /** Above this limit, unused tensors move to the heap. */
  readonly limit: number;
  /** The number of tensors in the backend's memory. */
  readonly residents: number;
  /** Bytes of results that are dropped instead of copied, because recomputing them is fast. */
  readonly droppable: number;
  /** The number of these bytes that may stay in memory; it grows once a dropped result had to be recomputed. */
  readonly window: number;
}

/** Settings of a backend; each backend uses those that apply to it. */
export interface BackendOptions {
  /** The number of threads. */
  readonly threads?: number;
  /** The maximum number of bytes for tensors and programs. */
  readonly memoryLimit?: number;
}

/** The target of a compilation. */
export interface CompileOptions {
  /** The device or mesh that the program will run on. */
  readonly place: Place;
  /** On a mesh, the sharding of each argument; empty on a device. */
  readonly shardings: readonly Sharding[];
  /** Which arguments may be donated. */
  readonly isDonated: readonly boolean[];
  /** Whether to run each kernel separately and to record its duration, where that is possible. */
  readonly isTimed?: boolean;
}

/** A backend: runs programs on one or several devices. */
export interface Backend {
  /** Its name. */
  readonly name: string;
  /** Whether its programs may run on a mesh of its devices. */
  readonly hasMeshes?: boolean;
  /**
   * Compiles an optimised program. Its arguments may be on any device: each run transfers those that are
   * elsewhere. Results on a mesh have a sharding.
   */
  compile(program: Program, options: CompileOptions): Executable;
  /** Whether it has a kernel for a call; all other calls are inlined in the programs that it compiles. */
  readonly isKept?: IsKept;
  /** Computes one operation immediately, or returns `null` to leave it to the evaluator. */
  evaluate(
    place: Place,
    primitive: Primitive,
    args: readonly Concrete[],
    params: unknown,
    types: readonly Type[],
  ): readonly Concrete[] | null;
  /** Transfers elements to where programs of this backend read them, possibly later. */
  put(x: Concrete, placement: Placement): void;
  /** The maximum number of threads that run its programs. */
  threads(): number;
  /** Its memory usage. */
  memoryUsage(): MemoryUsage;
  /** Applies settings; those that do not apply are ignored. */
  configure(options: BackendOptions): void;
}
