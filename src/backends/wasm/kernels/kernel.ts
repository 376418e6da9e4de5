/**
 * What kernels are: work on buffers in linear memory, written as WebAssembly functions that do one
 * chunk of it each. Chunks are the same for every number of threads, and so are the bits they give.
 *
 * @module
 */
import type { Dtype } from "../../../base/dtype.ts";
import type { FunctionReference, Module } from "../assembler/module.ts";
import type { Global } from "../assembler/expression.ts";
import type { Memory } from "../assembler/memory.ts";

/** Bytes behind the end of every buffer that may be read, and never written. */
export const SLACK = 64;

/** Bytes of a thread's scratch memory; all of them may be used through constant addresses. */
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

/** A number that a program is given at each run: code reads it from a variable of the module. */
export interface Given {
  /** Which it is. */
  readonly index: number;
  /** What it is a number of. A bool has all bits or none. */
  readonly dtype: Dtype;
  /** Where it is while the program runs. */
  readonly variable: Global<"f32"> | Global<"f64"> | Global<"i32">;
}

/** The module that kernels are written into. */
export interface Builder {
  /** The module. */
  readonly module: Module;
  /** The memory of all buffers, shared by the threads. */
  readonly memory: Memory;
  /** The memory of one thread alone, `SCRATCH_BYTES` long: constant addresses need no checks. */
  readonly scratch: Memory;
  /** The tile that runs best here. */
  readonly tile: Tile;
  /** Number `index` of those that a program is given at each run. */
  given(index: number, dtype: Dtype): Given;
  /** All that are in use so far. */
  readonly allGiven: readonly Given[];
  /**
   * What `emit` gives for these parameters, which is written once. The parameters are all that `emit`
   * gets, and the whole of them is compared, so `emit` must be a function of a module, not one made in
   * another function: then nothing that its code depends on can be missing from the comparison. (A
   * function made anew for each call would be compared by its identity, and written each time.)
   */
  once<T>(emit: (builder: Builder) => T): T;
  once<P, T>(emit: (builder: Builder, params: P) => T, params: Plain<P>): T;
}

/**
 * Data without functions and instances of classes, which parameters of kernels are made of. What is
 * `unknown` is looked at when a kernel is written.
 */
export type Plain<P> = unknown extends P ? P
  : P extends (...args: never[]) => unknown ? never
  : { readonly [K in keyof P]: Plain<P[K]> };

/** How the chunks of a stage divide the rows of its result: chunk `i` starts at row `i * perChunk`. */
export interface Rows {
  /** How many rows there are: the product of some leading axes of the result. */
  readonly count: number;
  /** How many of them one chunk does; the last may do fewer. */
  readonly perChunk: number;
}

/**
 * Rounds of parts, one after the other: a part is a number of chunks that can be done in any order,
 * or rounds of its own. Chunks are numbered through all rounds.
 */
export interface Order {
  /** How often the parts are done. */
  readonly rounds: number;
  /** What is done in a round, in order. */
  readonly parts: readonly (number | Order)[];
}

/**
 * Rounds that go on for as long as the work itself says: what it is asked comes first in each round,
 * and one more chunk behind the last one ends it. A word in memory counts the rounds that are known
 * to go on; it never gets less, so that threads that come late read what the others have read. The
 * stage's functions take its address behind those of the operands.
 */
export interface OpenOrder {
  /** What must be done before it is known whether a round goes on. */
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
  /** What it is called in lists of kernels. */
  readonly name: string;
  /** The address of each operand, then the number of the chunk. */
  readonly run: FunctionReference;
  /** Which buffer each address is of. */
  readonly operands: readonly number[];
  /** The number of chunks. */
  readonly chunks: number;
  /**
   * The rows of the result that each chunk writes, where these are all that it writes: what reads
   * just these rows may then run right behind it.
   */
  readonly rows?: Rows | undefined;
  /** The order that its chunks must keep, where they must keep one. */
  readonly order?: Order | undefined;
  /** The same for rounds whose number is not known; chunks are then those of one round. */
  readonly openOrder?: OpenOrder | undefined;
}

/** One operation on buffers. Its inputs are numbered first, then its results, then its workspaces. */
export interface Kernel {
  /** What is done, in order. */
  readonly stages: readonly Stage[];
  /** Bytes of each buffer that is needed in between. */
  readonly workspaces: readonly number[];
  /** An estimate of the arithmetic operations. */
  readonly operations: number;
  /** An estimate of the bytes that are read and written. */
  readonly bytes: number;
  /** Inputs and results, by their operands, that may be the same memory. */
  readonly inPlace?: readonly (readonly [input: number, result: number])[];
}

/** The type of a buffer: elements in row-major order, from an address that is a multiple of 64. */
export interface Buffer {
  /** The element type; `bool` is held as bytes of 0 and 1. */
  readonly dtype: Dtype;
  /** The length of each axis. */
  readonly shape: readonly number[];
}
