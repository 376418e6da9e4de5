import { makeBuilder } from "../../../../src/backends/wasm/kernels/builder.ts";
import type { Builder } from "../../../../src/backends/wasm/kernels/kernel.ts";
import {
  control,
  emitSteps,
  type Step,
} from "../../../../src/backends/wasm/schedule/emit_steps.ts";
import type { FunctionReference } from "../../../../src/backends/wasm/assembler/module.ts";
import { i32 } from "../../../../src/backends/wasm/assembler/operations.ts";
import { assertEquals, assertThrows } from "../../../support/std.ts";
import { instantiate } from "../assembler/instantiate.ts";
import { makeMemories } from "../memories.ts";

// The number of threads that a list of steps is told makes no difference to one that runs alone:
// every test here runs the plain loops (one thread) and the shared counters (more).

const CONTROL = 64;
const TABLE = 1024;
const LOG = 4096;

function makeTestBuilder(shared: boolean = true): Builder {
  return makeBuilder({ tile: { rows: 6, vectors: 2, depth: 64 }, shared, maximumPages: 64 });
}

/** A function of `addresses` addresses and a chunk that writes them and its own number to a log. */
function emitLogger(builder: Builder, id: number, addresses: number): FunctionReference {
  const parameters = Array<"i32">(addresses + 1).fill("i32");
  return builder.module.function(`log ${id}`, parameters, "none", (code, ...locals) => {
    const at = code.let(i32.load(i32.const(LOG)));
    code.do(i32.store(at, i32.const(id)));
    locals.forEach((local, i) => code.do(i32.store(at, local, { offset: 4 + 4 * i })));
    code.do(i32.store(i32.const(LOG), i32.add(at, i32.const(4 * (locals.length + 1)))));
  });
}

/** What a list of steps logs, with the addresses 1000, 1001, ... in its table. */
function run(
  make: (builder: Builder) => readonly Step[],
  threads: number,
  shared: boolean = true,
  prepare: (words: Int32Array) => void = () => {},
): number[] {
  const builder = makeTestBuilder(shared);
  emitSteps(builder, "run", make(builder));
  const { host } = makeMemories(1, shared);
  const words = new Int32Array(host.memory.buffer);
  words[LOG / 4] = LOG + 4;
  for (let slot = 0; slot < 100; slot++) words[TABLE / 4 + slot] = 1000 + slot;
  prepare(words);
  instantiate(builder.module, { host })("run")(TABLE, CONTROL, threads);
  return [...words.slice(LOG / 4 + 1, words[LOG / 4] / 4)];
}

// Negative, threads do not sleep.
for (const threads of [1, 2, -2]) {
  const name = `with ${threads === 1 ? "one thread" : "the counters"}`;

  Deno.test(`steps run in order, and their chunks too where nobody else takes any, ${name}`, () => {
    const logged = run((builder) => {
      const [a, b, c] = [1, 2, 3].map((id) => emitLogger(builder, id, 0));
      return [
        { calls: [{ run: a, slots: [] }], chunks: 3 },
        { calls: [{ run: b, slots: [] }], chunks: 1 },
        { calls: [{ run: c, slots: [] }], chunks: 2 },
        { calls: [{ run: a, slots: [] }], chunks: 2 },
      ];
    }, threads);
    assertEquals(logged, [1, 0, 1, 1, 1, 2, 2, 0, 3, 0, 3, 1, 1, 0, 1, 1]);
  });

  Deno.test(`calls get the addresses of their slots, then the chunk, ${name}`, () => {
    const logged = run((builder) => {
      const a = emitLogger(builder, 1, 3);
      return [{ calls: [{ run: a, slots: [7, 0, 40] }], chunks: 2 }];
    }, threads);
    assertEquals(logged, [1, 1007, 1000, 1040, 0, 1, 1007, 1000, 1040, 1]);
  });

  Deno.test(`the calls of a step follow each other for each chunk, ${name}`, () => {
    const logged = run((builder) => {
      const [a, b] = [1, 2].map((id) => emitLogger(builder, id, 1));
      return [{ calls: [{ run: a, slots: [3] }, { run: b, slots: [4] }], chunks: 2 }];
    }, threads);
    assertEquals(logged, [1, 1003, 0, 2, 1004, 0, 1, 1003, 1, 2, 1004, 1]);
  });

  Deno.test(`steps of one chunk in a row all run, ${name}`, () => {
    const ids = Array.from({ length: 50 }, (_, i) => i);
    const logged = run((builder) => {
      const loggers = ids.map((id) => emitLogger(builder, id, 1));
      return loggers.map((run, i) => ({ calls: [{ run, slots: [i] }], chunks: 1 }));
    }, threads);
    assertEquals(logged, ids.flatMap((id) => [id, 1000 + id, 0]));
  });

  Deno.test(`steps without chunks or calls do nothing, ${name}`, () => {
    assertEquals(run(() => [], threads), []);
    const logged = run((builder) => {
      const a = emitLogger(builder, 1, 0);
      const calls = [{ run: a, slots: [] }];
      return [
        { calls, chunks: 0 },
        { calls: [], chunks: 9 },
        { calls, chunks: 2 },
        { calls, chunks: 0 },
        { calls, chunks: 1 },
        { calls: [], chunks: 1 },
      ];
    }, threads);
    assertEquals(logged, [1, 0, 1, 1, 1, 0]);
  });

  Deno.test(`memory that is not shared will do, ${name}`, () => {
    const logged = run(
      (builder) => {
        const a = emitLogger(builder, 1, 0);
        return [{ calls: [{ run: a, slots: [] }], chunks: 2 }];
      },
      threads,
      false,
    );
    assertEquals(logged, [1, 0, 1, 1]);
  });
}

Deno.test("several lists stand in one module, and share what they can", () => {
  const builder = makeTestBuilder();
  const [a, b] = [1, 2].map((id) => emitLogger(builder, id, 1));
  emitSteps(builder, "first", [{ calls: [{ run: a, slots: [1] }], chunks: 2 }]);
  emitSteps(builder, "second", [{ calls: [{ run: b, slots: [2] }], chunks: 1 }]);
  const { host } = makeMemories(1, true);
  const words = new Int32Array(host.memory.buffer);
  words[LOG / 4] = LOG + 4;
  words.set([0, 1001, 1002], TABLE / 4);
  const find = instantiate(builder.module, { host });
  find("second")(TABLE, CONTROL, 1);
  find("first")(TABLE, CONTROL, 2);
  assertEquals([...words.slice(LOG / 4 + 1, words[LOG / 4] / 4)], [
    ...[2, 1002, 0],
    ...[1, 1001, 0],
    ...[1, 1001, 1],
  ]);
});

const twoSteps = (builder: Builder): Step[] => {
  const a = emitLogger(builder, 1, 0);
  const calls = [{ run: a, slots: [] }];
  return [{ calls, chunks: 2 }, { calls, chunks: 3 }];
};

Deno.test("chunks that others have taken are left to them", () => {
  const logged = run(twoSteps, 2, true, (words) => {
    // Another thread has done chunk 0.
    words[(CONTROL + control.taken) / 4] = 1;
    words[(CONTROL + control.done) / 4] = 1;
  });
  assertEquals(logged, [1, 1, 1, 0, 1, 1, 1, 2]);
  const late = run(twoSteps, 2, true, (words) => {
    words[(CONTROL + control.taken) / 4] = 5;
  });
  assertEquals(late, []);
});

Deno.test("once a thread has failed, nobody waits for its chunk and no step is begun", () => {
  const logged = run(twoSteps, 2, true, (words) => {
    words[(CONTROL + control.taken) / 4] = 2;
    words[(CONTROL + control.done) / 4] = -(2 ** 31) + 1;
  });
  assertEquals(logged, []);
});

Deno.test("a function that leaves a result is no step", () => {
  const builder = makeTestBuilder();
  const run = builder.module.function("seven", ["i32"], "i32", () => i32.const(7));
  assertThrows(
    () => emitSteps(builder, "run", [{ calls: [{ run, slots: [] }], chunks: 1 }]),
    Error,
    "Cannot do what leaves i32 behind: drop it",
  );
});

Deno.test("more chunks than can be numbered are refused", () => {
  const builder = makeTestBuilder();
  const calls = [{ run: emitLogger(builder, 1, 0), slots: [] }];
  assertThrows(
    () => emitSteps(builder, "run", [{ calls, chunks: 2 ** 30 }, { calls, chunks: 2 ** 30 }]),
    Error,
    "Cannot number 2147483648 chunks",
  );
});
