/**
 * The WebAssembly backend. A program is lowered to tasks (`src/lowering/`). The tasks are scheduled and
 * their memory is planned (`schedule/`). The steps are compiled into one module (`assembler/`, `kernels/`),
 * which runs on the available threads (`threads/`) on tensors in one linear memory (`memory/`).
 * `executable.ts` combines these parts, `eager.ts` does the same for single operations, and `machines.ts`
 * limits the number of modules.
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
