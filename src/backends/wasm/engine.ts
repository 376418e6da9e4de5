/**
 * The features of the JavaScript engine, detected once by `WebAssembly.validate`. All code that depends on a
 * feature queries this module.
 *
 * @module
 */
import { internalError } from "../../base/errors.ts";

/** The features that code generation depends on. */
export interface EngineFeatures {
  /**
   * Vectors of 128 bits, with the atomic instructions and block fills that every engine with vectors has.
   * Without them no program is compiled.
   */
  readonly simd: boolean;
  /** Fused multiply-add, and vector instructions with implementation-defined edge cases. */
  readonly relaxedSimd: boolean;
  /** More than one memory in a module. */
  readonly severalMemories: boolean;
  /** Memory shared by threads. */
  readonly sharedMemory: boolean;
}

/** The limits of a memory of one page, in the binary format. */
const PAGE = [0x00, 0x01];

/** The same for a shared memory. */
const SHARED_PAGE = [0x03, 0x01, 0x01];

const ZERO = [0x41, 0x00];
const ZERO_VECTOR = [...ZERO, 0xfd, 0x11];
const DROP = 0x1a;

const ATOMIC_LOAD = [...ZERO, 0xfe, 0x10, 0x02, 0x00, DROP];
const VECTOR_LOAD = [...ZERO, 0xfd, 0x00, 0x04, 0x00, DROP];
const BLOCK_FILL = [...ZERO, ...ZERO, ...ZERO, 0xfc, 0x0b, 0x00];
const MULTIPLY_ADD = [...ZERO_VECTOR, ...ZERO_VECTOR, ...ZERO_VECTOR, 0xfd, 0x85, 0x02, DROP];
const SECOND_LOAD = [...ZERO, 0x28, 0x42, 0x01, 0x00, DROP];

/** Whether the engine accepts a module with these memories and a function of this code. */
function takes(memories: readonly (readonly number[])[], code: readonly number[]): boolean {
  const section = (id: number, content: readonly number[]) => [id, content.length, ...content];
  const body = [0, ...code, 0x0b];
  return WebAssembly.validate(
    new Uint8Array([
      ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
      ...section(1, [1, 0x60, 0, 0]),
      ...section(3, [1, 0]),
      ...section(5, [memories.length, ...memories.flat()]),
      ...section(10, [1, body.length, ...body]),
    ]),
  );
}

function findFeatures(): EngineFeatures {
  if (typeof WebAssembly !== "object") {
    return { simd: false, relaxedSimd: false, severalMemories: false, sharedMemory: false };
  }
  return {
    simd: takes([PAGE], [...VECTOR_LOAD, ...ATOMIC_LOAD, ...BLOCK_FILL]),
    relaxedSimd: takes([PAGE], MULTIPLY_ADD),
    severalMemories: takes([PAGE, PAGE], SECOND_LOAD),
    sharedMemory: typeof SharedArrayBuffer === "function" && takes([SHARED_PAGE], ATOMIC_LOAD),
  };
}

let found: EngineFeatures | undefined;
let without: Partial<EngineFeatures> = {};

/** The features of the engine. */
export function engine(): EngineFeatures {
  if (found === undefined) {
    const all = findFeatures();
    const has = (name: keyof EngineFeatures): boolean => all[name] && without[name] !== false;
    found = {
      simd: has("simd"),
      relaxedSimd: has("relaxedSimd"),
      severalMemories: has("severalMemories"),
      sharedMemory: has("sharedMemory"),
    };
  }
  return found;
}

/** Disables the features that are `false` here; must be called before the first use of `engine`. */
export function chooseEngine(features: Partial<EngineFeatures>): void {
  if (found !== undefined) throw internalError("Cannot choose an engine that is in use already");
  without = features;
}

/** Whether this thread may block until another one wakes it: the main thread of a web page may not. */
export function canSleep(): boolean {
  try {
    // The value there differs, so the call returns immediately where blocking is allowed, and throws
    // elsewhere.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
    return true;
  } catch {
    return false;
  }
}
