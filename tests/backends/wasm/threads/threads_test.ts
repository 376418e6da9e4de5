import { makeBuilder, PAGE } from "../../../../src/backends/wasm/kernels/builder.ts";
import type { Builder } from "../../../../src/backends/wasm/kernels/kernel.ts";
import { emitSteps, type Step } from "../../../../src/backends/wasm/schedule/emit_steps.ts";
import {
  configureThreads,
  Executable,
  RESERVED_BYTES,
  scratchBytes,
  threadCount,
} from "../../../../src/backends/wasm/threads/threads.ts";
import type { FunctionReference } from "../../../../src/backends/wasm/assembler/module.ts";
import {
  atomicNotify,
  atomicWait32,
  i32,
  i64,
} from "../../../../src/backends/wasm/assembler/operations.ts";
import { assertEquals, assertThrows } from "../../../support/std.ts";
import { meet as meetAnywhere } from "./meet.ts";

const suffix = " (this is a fault in Jacobi; please report it)";

/** Slots of the table of addresses: an area of words each, and where they stand in memory. */
const slots = { seed: 0, first: 1, second: 2, counts: 3, barrier: 4 } as const;
const TABLE = RESERVED_BYTES + scratchBytes();
const PAGES = scratchBytes() / PAGE + 2;
const AREA = 4096;
const CHUNKS = 24;

function areaOf(slot: number): number {
  return TABLE + AREA * (1 + slot);
}

function makeMemory(shared: boolean = true): WebAssembly.Memory {
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared });
  const table = new Int32Array(memory.buffer, TABLE, 16);
  for (const slot of Object.values(slots)) table[slot] = areaOf(slot);
  return memory;
}

function readArea(memory: WebAssembly.Memory, slot: number, length: number): number[] {
  return [...new Int32Array(memory.buffer, areaOf(slot), length)];
}

type Word = ReturnType<typeof i32.load>;

function element(address: Word, index: Word): Word {
  return i32.add(address, i32.mul(index, i32.const(4)));
}

/** `result[chunk] = (result[chunk] + the sum of all source) * 5 + chunk`. */
function emitMix(builder: Builder): FunctionReference {
  return builder.module.function("mix", ["i32", "i32", "i32"], "none", (code, from, to, chunk) => {
    const total = code.local("i32");
    code.for({ below: CHUNKS }, (i) => {
      code.set(total, i32.add(total, i32.load(element(from, i))));
    });
    const at = code.let(element(to, chunk));
    const sum = i32.mul(i32.add(i32.load(at), total), i32.const(5));
    code.do(i32.store(at, i32.add(sum, chunk)));
  });
}

/** Counts how often each chunk runs, and not atomically: chunks of one number never meet. */
function emitCount(builder: Builder): FunctionReference {
  return builder.module.function("count", ["i32", "i32"], "none", (code, counts, chunk) => {
    const at = code.let(element(counts, chunk));
    code.do(i32.store(at, i32.add(i32.load(at), i32.const(1))));
  });
}

/** Waits until as many chunks as there are have begun: each needs a thread of its own. */
function emitMeet(builder: Builder, chunks: number): FunctionReference {
  return builder.module.function(`meet ${chunks}`, ["i32", "i32"], "none", (code, barrier) => {
    code.drop(i32.atomicRmwAdd(barrier, i32.const(1)));
    code.drop(atomicNotify(barrier, i32.const(-1)));
    const begun = code.local("i32");
    code.loop((again) => {
      code.set(begun, i32.atomicLoad(barrier));
      code.if(i32.ltU(begun, i32.const(chunks)), () => {
        code.drop(atomicWait32(barrier, begun, i64.const(-1)));
        code.branch(again);
      });
    });
  });
}

/** Traps where the private memory does not bear the mark of the main thread. */
function emitTrapInWorker(builder: Builder): FunctionReference {
  return builder.module.function("trap", ["i32"], "none", (code) => {
    const marked = i32.load(i32.const(0), { memory: builder.scratch });
    code.if(i32.eqz(marked), () => code.unreachable());
  });
}

function emitTrapInMain(builder: Builder): FunctionReference {
  return builder.module.function("trap", ["i32"], "none", (code) => {
    const marked = i32.load(i32.const(0), { memory: builder.scratch });
    code.if(marked, () => code.unreachable());
  });
}

function emitMark(builder: Builder): FunctionReference {
  return builder.module.function("mark", ["i32"], "none", (code) => {
    code.do(i32.store(i32.const(0), i32.const(1), { memory: builder.scratch }));
  });
}

const rounds = 6;

/** Every chunk depends on all chunks of the step before, through steps of many and of one chunk. */
function mixing(builder: Builder): Step[] {
  const run = emitMix(builder);
  const count = { run: emitCount(builder), slots: [slots.counts] };
  return Array.from({ length: rounds }, () => [
    { calls: [{ run, slots: [slots.seed, slots.first] }, count], chunks: CHUNKS },
    { calls: [{ run, slots: [slots.first, slots.second] }], chunks: 1 },
    { calls: [{ run, slots: [slots.second, slots.seed] }], chunks: 1 },
    { calls: [{ run, slots: [slots.second, slots.first] }], chunks: CHUNKS },
    { calls: [{ run, slots: [slots.first, slots.seed] }], chunks: 3 },
  ]).flat();
}

/** What `mixing` makes of the areas. */
function mixed(areas: readonly number[][]): void {
  const steps = [[0, 1, CHUNKS], [1, 2, 1], [2, 0, 1], [2, 1, CHUNKS], [1, 0, 3]];
  for (let round = 0; round < rounds; round++) {
    for (const [from, to, chunks] of steps) {
      const total = areas[from].reduce((sum, x) => (sum + x) | 0, 0);
      for (let chunk = 0; chunk < chunks; chunk++) {
        areas[to][chunk] = (Math.imul(areas[to][chunk] + total, 5) + chunk) | 0;
      }
    }
  }
}

function load(
  memory: WebAssembly.Memory,
  lists: Readonly<Record<string, (builder: Builder) => readonly Step[]>>,
): Executable {
  const builder = makeBuilder({
    tile: { rows: 6, vectors: 2, depth: 64 },
    shared: memory.buffer instanceof SharedArrayBuffer,
    maximumPages: PAGES,
  });
  for (const [name, make] of Object.entries(lists)) emitSteps(builder, name, make(builder));
  return new Executable(builder.module.build(), memory);
}

/** Comes back once as many threads as there are to be run at the same time. */
function meet(memory: WebAssembly.Memory, threads: number): void {
  configureThreads({ threads });
  const run = load(memory, {
    meet: (builder) => [{
      calls: [{ run: emitMeet(builder, threads), slots: [slots.barrier] }],
      chunks: threads,
    }],
  });
  new Int32Array(memory.buffer, areaOf(slots.barrier), 1)[0] = 0;
  run.run("meet", TABLE, true);
}

/** Tests share a memory where they can: each has workers of its own. */
const common = makeMemory();

function threadsTest(name: string, body: () => void | Promise<void>): void {
  Deno.test(name, async () => {
    const before = threadCount();
    try {
      await body();
    } finally {
      configureThreads({ threads: before });
    }
  });
}

threadsTest("thousands of runs give the same on every number of threads", () => {
  const executable = load(common, { mix: mixing });
  const runs = 700;
  const expected = [0, 1, 2].map((slot) => Array.from({ length: CHUNKS }, (_, i) => i * slot - 7));
  const start = expected.map((area) => [...area]);
  for (let run = 0; run < runs; run++) mixed(expected);
  for (const threads of [1, 2, 3, 4]) {
    if (threads > 1) meet(common, threads);
    configureThreads({ threads });
    start.forEach((area, slot) => new Int32Array(common.buffer).set(area, areaOf(slot) / 4));
    new Int32Array(common.buffer, areaOf(slots.counts), CHUNKS).fill(0);
    for (let run = 0; run < runs; run++) executable.run("mix", TABLE, true);
    for (const slot of [0, 1, 2]) assertEquals(readArea(common, slot, CHUNKS), expected[slot]);
    const counts = readArea(common, slots.counts, CHUNKS);
    assertEquals(counts, Array(CHUNKS).fill(runs * rounds));
  }
});

threadsTest("chunks that wait for each other run at the same time", () => {
  for (const threads of [2, 3, 4, 2]) {
    meet(common, threads);
    assertEquals(readArea(common, slots.barrier, 1), [threads]);
  }
});

threadsTest("runs go on while workers are still starting", () => {
  const memory = makeMemory();
  configureThreads({ threads: 3 });
  const executable = load(memory, { mix: mixing });
  const expected = [0, 1, 2].map(() => Array<number>(CHUNKS).fill(0));
  for (let run = 0; run < 300; run++) {
    executable.run("mix", TABLE, true);
    mixed(expected);
  }
  for (const slot of [0, 1, 2]) assertEquals(readArea(memory, slot, CHUNKS), expected[slot]);
  meet(memory, 3);
});

threadsTest("the number of threads may change between any two runs", () => {
  const executable = load(common, { mix: mixing });
  const expected = [0, 1, 2].map((slot) => readArea(common, slot, CHUNKS));
  for (let run = 0; run < 400; run++) {
    configureThreads({ threads: 1 + (run * 7) % 4 });
    executable.run("mix", TABLE, run % 5 !== 0);
    mixed(expected);
  }
  for (const slot of [0, 1, 2]) assertEquals(readArea(common, slot, CHUNKS), expected[slot]);
});

threadsTest("many programs share the workers", () => {
  meet(common, 2);
  const expected = [0, 1, 2].map((slot) => readArea(common, slot, CHUNKS));
  for (let generation = 0; generation < 5; generation++) {
    const executables = Array.from({ length: 6 }, () => load(common, { mix: mixing }));
    for (let run = 0; run < 60; run++) {
      executables[run % 6].run("mix", TABLE, true);
      mixed(expected);
    }
    meet(common, 2);
  }
  for (const slot of [0, 1, 2]) assertEquals(readArea(common, slot, CHUNKS), expected[slot]);
});

for (
  const [place, emitTrap] of [["a worker", emitTrapInWorker], ["main", emitTrapInMain]] as const
) {
  threadsTest(`a trap in ${place} is an error, and leaves the threads as they were`, () => {
    for (const threads of [2, 3]) {
      meet(common, threads);
      const executable = load(common, {
        mark: (builder) => [{ calls: [{ run: emitMark(builder), slots: [] }], chunks: 1 }],
        trap: (builder) => [
          {
            calls: [
              { run: emitMeet(builder, threads), slots: [slots.barrier] },
              { run: emitTrap(builder), slots: [] },
            ],
            chunks: threads,
          },
          // Nobody comes here: a chunk of the step before is never done.
          { calls: [{ run: emitCount(builder), slots: [slots.counts] }], chunks: CHUNKS },
        ],
        mix: mixing,
      });
      executable.run("mark", TABLE, false);
      new Int32Array(common.buffer, areaOf(slots.counts), CHUNKS).fill(0);
      for (let run = 0; run < 20; run++) {
        new Int32Array(common.buffer, areaOf(slots.barrier), 1)[0] = 0;
        const error = assertThrows(() => executable.run("trap", TABLE, true), Error);
        assertEquals(
          (error as Error).message,
          `Cannot finish trap: RuntimeError: unreachable${suffix}`,
        );
      }
      assertEquals(readArea(common, slots.counts, CHUNKS), Array(CHUNKS).fill(0));
      const expected = [0, 1, 2].map((slot) => readArea(common, slot, CHUNKS));
      executable.run("mix", TABLE, true);
      mixed(expected);
      for (const slot of [0, 1, 2]) assertEquals(readArea(common, slot, CHUNKS), expected[slot]);
      meet(common, threads);
    }
  });
}

threadsTest("a trap without workers is the same error", () => {
  configureThreads({ threads: 1 });
  const executable = load(common, {
    mark: (builder) => [{ calls: [{ run: emitMark(builder), slots: [] }], chunks: 1 }],
    trap: (builder) => [{ calls: [{ run: emitTrapInMain(builder), slots: [] }], chunks: 4 }],
  });
  executable.run("mark", TABLE, true);
  const error = assertThrows(() => executable.run("trap", TABLE, true), Error);
  assertEquals(
    (error as Error).message,
    `Cannot finish trap: RuntimeError: unreachable${suffix}`,
  );
});

interface Process {
  getBuiltinModule?: unknown;
}

/** Runs `body` in a runtime that has `found` in place of its workers. */
function withWorkerThreads(found: unknown, body: () => void): void {
  const { process } = globalThis as unknown as { process: Process };
  const before = process.getBuiltinModule;
  process.getBuiltinModule = () => found;
  try {
    body();
  } finally {
    process.getBuiltinModule = before;
  }
}

/** Runs `mixing` in a fresh memory. */
function assertRuns(memory: WebAssembly.Memory): void {
  const executable = load(memory, { mix: mixing });
  const expected = [0, 1, 2].map(() => Array<number>(CHUNKS).fill(0));
  for (let run = 0; run < 3; run++) {
    executable.run("mix", TABLE, true);
    mixed(expected);
  }
  for (const slot of [0, 1, 2]) assertEquals(readArea(memory, slot, CHUNKS), expected[slot]);
}

threadsTest("with one thread no worker is started, with more one fewer", () => {
  let started = 0;
  class Worker {
    constructor() {
      started++;
    }
    on(): void {}
    unref(): void {}
    postMessage(): void {}
  }
  // These workers never answer, and are not waited for.
  withWorkerThreads({ Worker }, () => {
    const memory = makeMemory();
    configureThreads({ threads: 1 });
    assertRuns(memory);
    assertEquals(started, 0);
    configureThreads({ threads: 4 });
    const executable = load(memory, { mix: mixing });
    executable.run("mix", TABLE, false);
    assertEquals(started, 0);
    executable.run("mix", TABLE, true);
    executable.run("mix", TABLE, true);
    assertEquals(started, 3);
    configureThreads({ threads: 2 });
    executable.run("mix", TABLE, true);
    assertEquals(started, 3);
    assertRuns(makeMemory());
    assertEquals(started, 4);
  });
});

threadsTest("one thread does it all where workers are missing or cannot be started", () => {
  configureThreads({ threads: 3 });
  class Worker {
    constructor() {
      throw new Error("no more threads");
    }
  }
  for (const found of [undefined, {}, { Worker }]) {
    withWorkerThreads(found, () => assertRuns(makeMemory()));
  }
});

threadsTest(
  "Web Workers take part where a page is isolated, whose main thread never sleeps",
  async () => {
    const started: Worker[] = [];
    // Deno's have no classic scripts.
    class WebWorker extends Worker {
      constructor(url: string | URL) {
        super(url, { type: "module" });
        started.push(this);
      }
    }
    const page = globalThis as { Worker: typeof Worker; crossOriginIsolated?: boolean };
    const { Worker: before } = page;
    const { wait } = Atomics;
    const { process } = globalThis as unknown as { process: Process };
    const { getBuiltinModule } = process;
    page.Worker = WebWorker;
    page.crossOriginIsolated = true;
    delete process.getBuiltinModule;
    Atomics.wait = () => {
      throw new TypeError("Atomics.wait cannot be called in this context");
    };
    try {
      assertEquals(await meetAnywhere(3), { met: 3, canSleep: false });
      assertEquals(started.length, 2);
      page.crossOriginIsolated = false;
      assertEquals(await meetAnywhere(1), { met: 1, canSleep: false });
      assertRuns(makeMemory());
      assertEquals(started.length, 2);
    } finally {
      page.Worker = before;
      delete page.crossOriginIsolated;
      process.getBuiltinModule = getBuiltinModule;
      Atomics.wait = wait;
      for (const worker of started) worker.terminate();
    }
  },
);

threadsTest("one thread does it all where the memory is not shared", () => {
  configureThreads({ threads: 3 });
  assertRuns(makeMemory(false));
});

Deno.test("a list that is not there cannot run", () => {
  const executable = load(common, { mix: mixing });
  const error = assertThrows(() => executable.run("mixed", TABLE, true), Error);
  assertEquals((error as Error).message, `Cannot run mixed: there is no such function${suffix}`);
});

threadsTest("options that make no sense are refused", () => {
  const before = threadCount();
  for (
    const [options, message] of [
      [{ threads: 0 }, "threads must be an integer from 1 to 256, got 0"],
      [{ threads: 2.5 }, "threads must be an integer from 1 to 256, got 2.5"],
      [{ threads: 257 }, "threads must be an integer from 1 to 256, got 257"],
      [{ threads: "2" }, 'threads must be an integer from 1 to 256, got "2"'],
      [{ workers: 2 }, 'there is no option "workers", the options are threads'],
      [2, "expected options such as { threads }, got 2"],
    ] as const
  ) {
    const error = assertThrows(() => configureThreads(options as { threads: number }), TypeError);
    assertEquals((error as Error).message, `Cannot configure threads: ${message}`);
  }
  configureThreads({});
  assertEquals(threadCount(), before);
  configureThreads({ threads: 5 });
  assertEquals(threadCount(), 5);
});

Deno.test({
  name: "the sanitizers have nothing to say about runs on threads",
  sanitizeOps: true,
  sanitizeResources: true,
  sanitizeExit: true,
  fn: () => {
    const before = threadCount();
    meet(makeMemory(), 2);
    configureThreads({ threads: before });
  },
});
