import { configure, inspect } from "../../mod.ts";
import { engine } from "../../src/backends/wasm/engine.ts";
import { threadCount } from "../../src/backends/wasm/threads/threads.ts";
import { assertEquals } from "../support/std.ts";

Deno.test("inspect.engine tells the features, the threads, and what runs programs", () => {
  const before = threadCount();
  const { simd, sharedMemory } = engine();
  for (const threads of [1, 3]) {
    configure({ threads });
    const usable = simd && sharedMemory ? threads : 1;
    assertEquals(inspect.engine(), {
      backend: simd ? "wasm" : "evaluator",
      threads: usable,
      ...engine(),
    });
  }
  configure({ threads: before });
});
