/**
 * The types of kernels. A kernel is work on buffers in linear memory, written as WebAssembly
 * functions that do one chunk of it each. The chunks, and thus the bits of the results, are the
 * same for every number of threads.
 *
 * @module
 */
import type { Dtype } from "../../../base/dtype.ts";
import type { FunctionReference, Module } from "../assembler/module.ts";
import type { Global } from "../assembler/expression.ts";
import type { Memory } from "../assembler/memory.ts";
import type { Timers } from "./timers.ts";

/** Bytes after the end of every buffer that may be read but are never written. */
export const SLACK = 64;

/** Bytes of a thread's scratch memory; all of them can be accessed through constant addresses. */
export const SCRATCH_BYTES = 2 ** 21;

/** The part of a matrix product that stays in registers. */
export interface Tile {
  /** Rows of the left operand. */
  readonly rows: number;
  /** Columns of the right operand, in vectors of 16 bytes. */
  readonly vectors: number;
  /** The length of the sums written out without a loop. */
  readonly depth: number;
}

/** A number that is an input of each run of a program: code reads it from a variable of the module. */
export interface Given {
  /** Its index. */
  readonly index: number;
  /** Its dtype. A bool has all bits set or none. */
  readonly dtype: Dtype;
  /** The variable that holds it while the program runs. */
  readonly variable: Global<"f32"> | Global<"f64"> | Global<"i32">;
}

/** The module that kernels are written into. */
export interface Builder {
  /** The module. */
  readonly module: Module;
  /** The memory of all buffers, shared between threads. */
  readonly memory: Memory;
  /**
   * The private memory of one thread, `SCRATCH_BYTES` long: constant addresses need no bounds
   * checks.
   */
  readonly scratch: Memory;
  /** The fastest tile on this machine. */
  readonly tile: Tile;
  /** Number `index` of the inputs of each run. */
  given(index: number, dtype: Dtype): Given;
  /** All that have been used so far. */
  readonly allGiven: readonly Given[];
  /** The timers of calls in loops, if these are measured. */
  readonly timers: Timers | null;
  /**
   * The result of `emit` for these parameters, which is written once. `emit` receives nothing but
   * the parameters, and all of them are compared. It must therefore be a function of a module, not
   * a closure: then its code cannot depend on anything that is missing from the comparison. (A
   * function created anew for each call would be compared by identity, and written each time.)
   */
  once<T>(emit: (builder: Builder) => T): T;
  once<P, T>(emit: (builder: Builder, params: P) => T, params: Plain<P>): T;
}

/**
 * Data without functions and class instances, which parameters of kernels consist of. Values of
 * type `unknown` are checked when a kernel is written.
 */
export type Plain<P> = unknown extends P ? P
  : P extends (...args: never[]) => unknown ? never
  : { readonly [K in keyof P]: Plain<P[K]> };

/** How the chunks of a stage divide the rows of its result: chunk `i` starts at row `i * perChunk`. */
export interface Rows {
  /** The number of rows: the product of some leading axes of the result. */
  readonly count: number;
  /** The number of rows of one chunk; the last chunk may have fewer. */
  readonly perChunk: number;
}

/**
 * Rounds of parts, one after another. A part is a number of chunks that can be done in any order,
 * or nested rounds. Chunks are numbered through all rounds.
 */
export interface Order {
  /** The number of times that the parts are done. */
  readonly rounds: number;
  /** The parts of a round, in order. */
  readonly parts: readonly (number | Order)[];
}

/**
 * Rounds whose number is determined by the work itself. Each round starts with its condition, and
 * one more chunk after the last one ends it. A word in memory counts the rounds that are known to
 * continue. It never decreases, so late threads read the same as the others. The stage's functions
 * take its address after those of the operands.
 */
export interface OpenOrder {
  /** The work that must be done before it is known whether the rounds continue. */
  readonly asked: readonly (number | Order)[];
  /** The rest of the round. */
  readonly done: readonly (number | Order)[];
}

/** The number of chunks in all rounds. */
export function chunksOf({ rounds, parts }: Order): number {
  return rounds *
    parts.reduce<number>((sum, one) => sum + (typeof one === "number" ? one : chunksOf(one)), 0);
}

/** Work that can be done in any order and on any threads, once all stages before it are done. */
export interface Stage {
  /** Its name in lists of kernels. */
  readonly name: string;
  /** The address of each operand, then the number of the chunk. */
  readonly run: FunctionReference;
  /** The buffer of each address. */
  readonly operands: readonly number[];
  /** The number of chunks. */
  readonly chunks: number;
  /**
   * The rows of the result that each chunk writes, if it writes nothing else: work that reads only
   * these rows may then run right after it.
   */
  readonly rows?: Rows | undefined;
  /** The order that its chunks must keep, if there is one. */
  readonly order?: Order | undefined;
  /** The same for an unknown number of rounds; the chunks are then those of one round. */
  readonly openOrder?: OpenOrder | undefined;
}

/** One operation on buffers. Its inputs are numbered first, then its results, then its workspaces. */
export interface Kernel {
  /** The stages, in order. */
  readonly stages: readonly Stage[];
  /** The size in bytes of each temporary buffer. */
  readonly workspaces: readonly number[];
  /** An estimate of the arithmetic operations. */
  readonly operations: number;
  /** An estimate of the bytes that are read and written. */
  readonly bytes: number;
  /** Inputs and results, by operand number, that may share memory. */
  readonly inPlace?: readonly (readonly [input: number, result: number])[];
}

/** The type of a buffer: elements in row-major order, from an address that is a multiple of 64. */
export interface Buffer {
  /** The element type; `bool` is held as bytes of 0 and 1. */
  readonly dtype: Dtype;
  /** The length of each axis. */
  readonly shape: readonly number[];
}
