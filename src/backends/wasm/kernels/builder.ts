/**
 * Builders of modules that hold kernels.
 *
 * @module
 */
import { encode } from "../../../base/data.ts";
import { describeValue } from "../../../base/dtype.ts";
import { internalError } from "../../../base/errors.ts";
import { type Dtype, wideDtype } from "../../../base/dtype.ts";
import { engine } from "../engine.ts";
import type { Memory } from "../assembler/memory.ts";
import { Module } from "../assembler/module.ts";
import { f32, f64, i32 } from "../assembler/operations.ts";
import { type Builder, type Given, type Plain, SCRATCH_BYTES, type Tile } from "./kernel.ts";
import { Timers } from "./timers.ts";

/** The size of a page of linear memory, in bytes. */
export const PAGE = 65536;

/** Properties of a module's memories. */
export interface BuilderOptions {
  /** The tile of matrix products, or a function that determines it when a product is written. */
  readonly tile: Tile | (() => Tile);
  /** Whether the buffers' memory is shared between threads. */
  readonly shared: boolean;
  /** The most pages that the memory may grow to. */
  readonly maximumPages: number;
  /** Whether calls in loops are measured: the module then imports `host.clock`. */
  readonly isTimed?: boolean;
}

/** Reports that a kernel's parameters are not plain data. */
function refuse(value: WeakKey): never {
  throw internalError(`Cannot tell kernels apart by ${describeValue(value)}: give plain data`);
}

/** A module of kernels. A kernel is written once for equal parameters. */
export class ModuleBuilder implements Builder {
  readonly module: Module = new Module();
  readonly memory: Memory;
  readonly scratch: Memory;
  readonly timers: Timers | null;
  readonly #tile: Tile | (() => Tile);
  /** The result of each emitter, by its parameters. */
  readonly #made = new Map<unknown, Map<string, unknown>>();

  /** The numbers that are inputs of the program, by their index. */
  readonly #given = new Map<number, Given>();

  /** Made by `makeBuilder`. */
  constructor({ tile, shared, maximumPages, isTimed = false }: BuilderOptions) {
    const limits = { minimum: 1, maximum: maximumPages, shared };
    this.memory = this.module.importMemory("host", "memory", limits);
    this.scratch = engine().severalMemories
      ? this.module.importMemory("host", "scratch", { minimum: SCRATCH_BYTES / PAGE })
      : this.memory.from(this.module.importGlobal("host", "scratch", "i32"));
    this.timers = isTimed ? new Timers(this.module) : null;
    this.#tile = tile;
  }

  get tile(): Tile {
    return typeof this.#tile === "function" ? this.#tile() : this.#tile;
  }

  given(index: number, dtype: Dtype): Given {
    let given = this.#given.get(index);
    if (given === undefined) {
      this.#given.set(index, given = { index, dtype, variable: this.#variable(dtype) });
    }
    return given;
  }

  get allGiven(): readonly Given[] {
    return [...this.#given.values()];
  }

  #variable(dtype: Dtype): Given["variable"] {
    if (wideDtype(dtype) === "float32") return this.module.global("f32", f32.const(0));
    return dtype === "float64"
      ? this.module.global("f64", f64.const(0))
      : this.module.global("i32", i32.const(0));
  }

  once<P, T>(emit: (builder: Builder, params: P) => T, params?: Plain<P>): T {
    let made = this.#made.get(emit);
    if (made === undefined) this.#made.set(emit, made = new Map());
    const key = encode(params, refuse);
    if (!made.has(key)) made.set(key, emit(this, params as P));
    return made.get(key) as T;
  }
}

/**
 * An empty module that imports `host.memory`, of at least one page, and `host.scratch`, the memory
 * that `makeScratch` returns.
 */
export function makeBuilder(options: BuilderOptions): Builder {
  return new ModuleBuilder(options);
}

/**
 * The scratch memory of one thread: a separate memory, or, in a module with a single memory,
 * `SCRATCH_BYTES` bytes from address `place` that nothing else uses.
 */
export function makeScratch(place: number): WebAssembly.Memory | number {
  if (!engine().severalMemories) return place;
  return new WebAssembly.Memory({ initial: SCRATCH_BYTES / PAGE });
}
