import { makeBuilder, makeScratch } from "../../../../src/backends/wasm/kernels/builder.ts";
import { startTimers } from "../../../../src/backends/wasm/kernels/timers.ts";
import { assert, assertEquals } from "../../../support/std.ts";

Deno.test("timers count all runs, and sample the times of many", () => {
  const { module, timers } = makeBuilder({
    tile: { rows: 6, vectors: 2, depth: 64 },
    shared: false,
    maximumPages: 1,
    isTimed: true,
  });
  assertEquals(timers!.bytes, 0);
  const numbers = [timers!.make(), timers!.make()];
  const run = module.function("run", ["i32"], "none", (code, runs) => {
    code.for({ below: runs }, () => {
      timers!.write(code, numbers[0], () => timers!.write(code, numbers[1], () => {}));
    });
  });
  module.export("run", run);
  timers!.exportIdle("idle", 0);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  let readings = 0;
  // Each reading of this clock takes 5 ms.
  const clock = (): number => 5 * readings++;
  const host = { memory, scratch: makeScratch(0), clock };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.build()), { host });
  const words = new Uint32Array(memory.buffer, 0, timers!.bytes / 4);
  const call = exports as Record<string, (...args: readonly number[]) => void>;
  for (const runs of [0, 1, 200, 20_000]) {
    const read = startTimers(() => words, () => call.idle(0, 0, 1));
    readings = 0;
    call.run(runs);
    const [outer, inner] = numbers.map(read);
    assertEquals([outer.runs, inner.runs], [runs, runs]);
    // Of the times that the inner timer measures, one reading is subtracted, and of the outer one's three.
    const error = runs > 200 ? 10 * 61 : 1e-6;
    assert(inner.milliseconds <= error);
    assert(Math.abs(outer.milliseconds - 10 * runs) <= 2 * error);
    assert(readings <= 4 * Math.min(runs, 256 + runs / 60));
  }
});
