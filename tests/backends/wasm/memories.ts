/**
 * The memories that a module of kernels is instantiated with, in tests that run it alone.
 *
 * @module
 */
import { makeScratch, PAGE } from "../../../src/backends/wasm/kernels/builder.ts";
import { SCRATCH_BYTES } from "../../../src/backends/wasm/kernels/kernel.ts";

/** Memories and what a test sees of them. */
export interface Memories {
  /** What the module imports. */
  readonly host: {
    readonly memory: WebAssembly.Memory;
    readonly scratch: WebAssembly.Memory | number;
  };
  /** The bytes of the memory that are not scratch. */
  readonly content: Uint8Array;
  /** The bytes of the scratch. */
  readonly scratch: Uint8Array;
}

/** A memory of so many pages, and scratch: behind them where a module can have one memory only. */
export function makeMemories(pages: number, shared: boolean = false): Memories {
  const end = pages * PAGE;
  const place = makeScratch(end);
  const all = typeof place === "number" ? pages + SCRATCH_BYTES / PAGE : pages;
  const memory = new WebAssembly.Memory({ initial: all, maximum: all, shared });
  return {
    host: { memory, scratch: place },
    content: new Uint8Array(memory.buffer, 0, end),
    scratch: typeof place === "number"
      ? new Uint8Array(memory.buffer, place, SCRATCH_BYTES)
      : new Uint8Array(place.buffer),
  };
}
