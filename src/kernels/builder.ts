/**
 * Makes modules that kernels are written into.
 *
 * @module
 */
import { Module } from "../wasm/module.ts";
import { type Builder, SCRATCH_BYTES, type Tile } from "./kernel.ts";

/** The size of a page of linear memory, in bytes. */
export const PAGE = 65536;

/** What a module's memories are like. */
export interface BuilderOptions {
  /** The tile of matrix products, or what finds it out where one is written. */
  readonly tile: Tile | (() => Tile);
  /** Whether the buffers' memory is shared by threads. */
  readonly shared: boolean;
  /** The most pages that the memory may grow to. */
  readonly maximumPages: number;
}

/**
 * An empty module that imports `host.memory`, of at least one page, and `host.scratch`, of
 * `SCRATCH_BYTES`.
 */
export function makeBuilder({ tile, shared, maximumPages }: BuilderOptions): Builder {
  const module = new Module();
  const memory = module.importMemory("host", "memory", {
    minimum: 1,
    maximum: maximumPages,
    shared,
  });
  const scratch = module.importMemory("host", "scratch", { minimum: SCRATCH_BYTES / PAGE });
  const made = new Map<string, unknown>();
  function once<T>(key: string, make: () => T): T {
    if (!made.has(key)) made.set(key, make());
    return made.get(key) as T;
  }
  return {
    module,
    memory,
    scratch,
    get tile() {
      return typeof tile === "function" ? tile() : tile;
    },
    once,
  };
}
