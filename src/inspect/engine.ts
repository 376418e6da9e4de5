/**
 * What the runtime has, and what compiled programs use of it.
 *
 * @module
 */
import { backendOf } from "../backends/devices.ts";
import { engine as features } from "../backends/cpu.ts";
import { cpu } from "../core/device.ts";

/**
 * What `inspect.engine` tells.
 *
 * @category Inspection
 */
export interface EngineInfo {
  /**
   * What runs programs on the processor: `"wasm"`, code written for them, or `"evaluator"`, one
   * operation after the other, where there are no vector instructions.
   */
  readonly backend: string;
  /** How many threads run compiled programs at most. */
  readonly threads: number;
  /** Whether WebAssembly has vectors of 128 bits. */
  readonly simd: boolean;
  /** Whether it has relaxed vector instructions, such as multiply-add. */
  readonly relaxedSimd: boolean;
  /** Whether a module may have several memories. */
  readonly severalMemories: boolean;
  /** Whether threads can share memory. In browsers, that takes a cross-origin isolated page. */
  readonly sharedMemory: boolean;
}

/**
 * Which features of the JavaScript engine compiled programs use, on how many threads, and what runs them.
 *
 * @category Inspection
 * @returns The features, the number of threads, and the backend's name.
 *
 * @example What compiled programs run on
 * ```ts
 * import { inspect } from "@jacobi/jacobi";
 *
 * const { backend, threads, simd } = inspect.engine();
 * if (backend !== (simd ? "wasm" : "evaluator")) throw new Error(backend);
 * if (!(threads >= 1)) throw new Error(String(threads));
 * ```
 */
export function engine(): EngineInfo {
  const { name, threads } = backendOf(cpu);
  return { backend: name, threads: threads(), ...features() };
}
