/**
 * Help for tests of the linear memory.
 *
 * @module
 */
import { SLACK } from "../../../../src/backends/wasm/kernels/kernel.ts";
import { configureMemory } from "../../../../src/backends/wasm/memory/blocks.ts";
import { donate, newResident } from "../../../../src/backends/wasm/memory/memory.ts";
import { RESERVED_BYTES } from "../../../../src/backends/wasm/threads/threads.ts";

/** Moves everything out of the linear memory. */
export function emptyMemory(): void {
  configureMemory({ limit: 65536 });
  // What needs all that is allowed drives out the rest.
  const { tensor } = newResident({ dtype: "bool", shape: [65536 - RESERVED_BYTES - SLACK] });
  donate(tensor, "tensor");
  configureMemory({});
}
