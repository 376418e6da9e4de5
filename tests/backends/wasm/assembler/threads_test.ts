import { Worker } from "node:worker_threads";
import { Module } from "../../../../src/backends/wasm/assembler/module.ts";
import {
  atomicNotify,
  atomicWait32,
  i32,
  i64,
} from "../../../../src/backends/wasm/assembler/operations.ts";
import { assertEquals } from "../../../support/std.ts";
import { instantiate } from "./instantiate.ts";

const rounds = 20_000;
const [counter, turn, finished] = [0, 64, 128].map((at) => i32.const(at));
const one = i32.const(1);

/**
 * `count` adds one many times; `announce` wakes whoever waits for the end; `await` is that wait.
 */
function counting(): Module {
  const module = new Module();
  module.importMemory("host", "memory", { minimum: 1, maximum: 1, shared: true });
  module.export(
    "count",
    module.function("count", [], "none", (code) => {
      code.for({ below: rounds }, () => {
        code.drop(i32.atomicRmwAdd(counter, one));
        // The same again, through a lock of compare-and-exchange.
        code.loop((again) => {
          const before = i32.atomicRmwCmpxchg(turn, i32.const(0), one);
          code.branchIf(again, before);
        });
        code.do(i64.store(counter, i64.add(i64.load(counter, { offset: 8 }), i64.const(1)), {
          offset: 8,
        }));
        code.do(i32.atomicStore(turn, i32.const(0)));
      });
    }),
  );
  module.export(
    "announce",
    module.function("announce", [], "i32", (code) => {
      code.do(i32.atomicStore(finished, one));
      return atomicNotify(finished, i32.const(-1));
    }),
  );
  module.export(
    "await",
    module.function("await", [], "i32", () => {
      return atomicWait32(finished, i32.const(0), i64.const(10_000_000_000));
    }),
  );
  return module;
}

const source = `
const { workerData } = require("node:worker_threads");
const { compiled, memory } = workerData;
const { count, announce } = new WebAssembly.Instance(compiled, { host: { memory } }).exports;
count();
announce();
`;

Deno.test("two threads share a memory: additions, a lock, and waiting for each other", async () => {
  const built = counting();
  const compiled = new WebAssembly.Module(built.build());
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const worker = new Worker(source, { eval: true, workerData: { compiled, memory } });
  const find = instantiate(built, { host: { memory } });
  find("count")();
  // 0: woken; 1: the other thread had finished before.
  assertEquals([0, 1].includes(find("await")() as number), true);
  const data = new DataView(memory.buffer);
  assertEquals(data.getInt32(0, true), 2 * rounds);
  assertEquals(data.getBigInt64(8, true), BigInt(2 * rounds));
  await worker.terminate();
});
