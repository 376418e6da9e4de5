/**
 * Features of the runtime, and those that compiled programs use.
 *
 * @module
 */
import { backendOf } from "../backends/devices.ts";
import { engine as features } from "../backends/cpu.ts";
import { cpu } from "../core/device.ts";

/**
 * The result of `inspect.engine`.
 *
 * @category Inspection
 */
export interface EngineInfo {
  /**
   * The backend for the processor: `"wasm"`, compiled code, or `"evaluator"`, one operation after the
   * other, if there are no vector instructions.
   */
  readonly backend: string;
  /** The maximum number of threads that run compiled programs. */
  readonly threads: number;
  /** Whether WebAssembly supports vectors of 128 bits. */
  readonly simd: boolean;
  /** Whether it supports relaxed vector instructions, such as multiply-add. */
  readonly relaxedSimd: boolean;
  /** Whether a module may have several memories. */
  readonly severalMemories: boolean;
  /** Whether threads can share memory. In browsers, this requires a cross-origin isolated page. */
  readonly sharedMemory: boolean;
}

/**
 * The features of the JavaScript engine that compiled programs use, the number of threads, and the
 * backend.
 *
 * @category Inspection
 * @returns The features, the number of threads, and the backend's name.
 *
 * @example The environment of compiled programs
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
