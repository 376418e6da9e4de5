/**
 * Whether threads run at the same time, for any runtime: it needs nothing but the library's sources.
 *
 * @module
 */
import { canSleep, engine } from "../../../../src/backends/wasm/engine.ts";
import { i32 } from "../../../../src/backends/wasm/assembler/operations.ts";
import { makeBuilder, PAGE } from "../../../../src/backends/wasm/kernels/builder.ts";
import { emitSteps } from "../../../../src/backends/wasm/schedule/emit_steps.ts";
import {
  configureThreads,
  Executable,
  RESERVED_BYTES,
  scratchBytes,
  threadCount,
} from "../../../../src/backends/wasm/threads/threads.ts";

/** What `meet` has found. */
export interface Meeting {
  /** How many threads have been in one step at the same time. */
  readonly met: number;
  /** Whether the main thread may sleep. */
  readonly canSleep: boolean;
}

/** How often a chunk looks for the others before it goes on without them. */
const LOOKS = 20_000_000;

/** How often the meeting is tried, with time in between for workers to start. */
const TRIES = 40;

/**
 * Runs a step in which each chunk waits until as many have begun as there are to be threads, until all
 * of them have met, or a while has passed.
 */
export async function meet(threads: number): Promise<Meeting> {
  const before = threadCount();
  configureThreads({ threads });
  const pages = Math.ceil((RESERVED_BYTES + scratchBytes()) / PAGE) + 1;
  const shared = engine().sharedMemory;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
  const builder = makeBuilder({
    tile: { rows: 6, vectors: 2, depth: 32 },
    shared,
    maximumPages: pages,
  });
  const run = builder.module.function("meet", ["i32", "i32"], "none", (code, place) => {
    code.drop(i32.atomicRmwAdd(place, i32.const(1)));
    code.block((exit) => {
      code.for({ below: LOOKS }, () => {
        code.branchIf(exit, i32.geU(i32.atomicLoad(place), i32.const(threads)));
        code.branchIf(exit, i32.atomicLoad(place, { offset: 4 }));
      });
      code.do(i32.atomicStore(place, i32.const(1), { offset: 4 }));
    });
  });
  emitSteps(builder, "meet", [{ calls: [{ run, slots: [0] }], chunks: threads }]);
  const executable = new Executable(builder.module.build(), memory);
  const table = (pages - 1) * PAGE;
  const words = new Int32Array(memory.buffer, table, 3);
  let met = 1;
  for (let i = 0; i < TRIES && met < threads; i++) {
    // The place where chunks meet: how many have begun, and whether one has given up.
    words.set([table + 4, 0, 0]);
    executable.run("meet", table, true);
    if (words[2] === 0) met = threads;
    // Workers start, and receive programs, while the event loop turns.
    else await new Promise((resolve) => setTimeout(resolve, 50));
  }
  configureThreads({ threads: before });
  return { met, canSleep: canSleep() };
}
