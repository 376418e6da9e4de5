/**
 * The memories that a module of kernels is instantiated with, in tests that run it alone, and how they
 * are compared.
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

/** Memories up to this size are kept: making new ones costs more than running most kernels. */
const MOST_KEPT_PAGES = 16;

const kept = new Map<number, Memories>();

/** Memories of so many pages for one who is done with them before the next one asks; anything is in them. */
export function borrowMemories(pages: number): Memories {
  const memories = kept.get(pages) ?? makeMemories(pages);
  if (pages <= MOST_KEPT_PAGES) kept.set(pages, memories);
  return memories;
}

/** The first place at which two memories of as many whole words differ, or -1 if there is none. */
export function firstDifference(a: Uint8Array, b: Uint8Array): number {
  const wordsOf = (bytes: Uint8Array) =>
    new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const [x, y] = [wordsOf(a), wordsOf(b)];
  for (let i = 0; i < x.length; i++) {
    if (x[i] !== y[i]) return a.findIndex((byte, k) => k >= 4 * i && byte !== b[k]);
  }
  return -1;
}
