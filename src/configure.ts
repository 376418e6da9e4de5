/**
 * Settings of the runtime.
 *
 * @module
 */
import { readOptions } from "./base/options.ts";
import { configureMemory } from "./runtime/memory.ts";
import { configureThreads } from "./runtime/threads.ts";

/** Options of `configure`; what is left out stays as it is. */
export interface ConfigureOptions {
  /**
   * How many threads run compiled programs, the main thread included: 1 to 256. Left alone, there
   * are as many as the machine has cores, and 8 at most. With 1, no worker is ever started. Results
   * are the same, bit for bit, for any number.
   */
  readonly threads?: number;
  /**
   * The most bytes that tensors and compiled programs take in linear memory: 64 KiB to 4 GiB less
   * 64 KiB. What is not in use moves out to the ordinary heap rather than to go beyond; a program
   * that needs more at once fails with a clear error. Left alone, tensors move out from 1 GiB on,
   * and a program may use up to 4 GiB. Linear memory never shrinks: set it before the first compiled
   * program runs.
   */
  readonly memoryLimit?: number;
}

/**
 * Chooses how compiled programs run, from the next run on.
 *
 * @param options Threads and memory.
 * @throws {ArgumentError} when an option is unknown or out of range.
 *
 * @example On one thread
 * ```ts
 * import { configure, jit, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * configure({ threads: 1 });
 * assertTensorsClose(jit((x) => x.mul(2))(tensor([1, 2])), [2, 4]);
 * ```
 */
export function configure(options: ConfigureOptions): void {
  const { threads, memoryLimit } = readOptions("Cannot configure", options, [
    "threads",
    "memoryLimit",
  ]);
  if (threads !== undefined) configureThreads({ threads });
  if (memoryLimit !== undefined) configureMemory({ limit: memoryLimit });
}
