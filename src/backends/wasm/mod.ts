/**
 * The WebAssembly backend. A program is lowered to tasks (`src/lowering/`), scheduled and given places
 * in memory (`schedule/`), written as one module (`assembler/`, `kernels/`), and run on the threads that
 * there are (`threads/`), on tensors that stay in one linear memory (`memory/`). `executable.ts` is
 * the way through all of these, `eager.ts` the same for single operations, and `machines.ts` bounds how
 * many modules are kept.
 *
 * @module
 */
import type { Backend } from "../backend.ts";
import { evaluate } from "./eager.ts";
import { assemble } from "./executable.ts";
import { configureMemory, memoryUsage } from "./memory/blocks.ts";
import { configureThreads, usableThreads } from "./threads/threads.ts";

/** Programs as WebAssembly modules. */
export const wasm: Backend = {
  name: "wasm",
  compile: (program, { isDonated, isTimed = false }) => assemble(program, isDonated, { isTimed }),
  evaluate: (_device, primitive, args, params, types) => evaluate(primitive, args, params, types),
  put() {},
  threads: usableThreads,
  memoryUsage,
  configure({ threads, memoryLimit }) {
    if (threads !== undefined) configureThreads({ threads });
    if (memoryLimit !== undefined) configureMemory({ limit: memoryLimit });
  },
};
