import { InternalError } from "../../../../src/base/errors.ts";
import { Module } from "../../../../src/backends/wasm/assembler/module.ts";
import {
  f32,
  f32x4,
  f64,
  i32,
  i64,
  v128,
} from "../../../../src/backends/wasm/assembler/operations.ts";
import { assertEquals, assertStringIncludes, assertThrows } from "../../../support/std.ts";
import { instantiate } from "./instantiate.ts";

const suffix = " (this is a fault in Jacobi; please report it)";
const one = i32.const(1);

Deno.test("an empty module is a module", () => {
  assertEquals([...new Module().build()], [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  assertEquals(WebAssembly.validate(new Module().build()), true);
});

Deno.test("functions, memories and globals are imported and exported", () => {
  const module = new Module();
  const log = module.importFunction("host", "log", ["i32", "f64"], "none");
  const ask = module.importFunction("host", "ask", [], "f32");
  const memory = module.importMemory("host", "memory", { minimum: 1 });
  const scale = module.importGlobal("host", "scale", "f64");
  const count = module.importGlobal("host", "count", "i32", true);
  const total = module.global("i64", i64.const(-5n));
  module.export(
    "run",
    module.function("run", ["i32"], "f64", (code, x) => {
      code.do(log.call(x, scale), i32.store(x, i32.const(99)));
      code.set(count, i32.add(count, one));
      code.set(total, i64.add(total, i64.extendI32S(x)));
      return f64.promoteF32(ask.call());
    }),
  );
  module.export("again", memory);
  module.export("total", total);
  const logged: unknown[] = [];
  const host = {
    log: (...args: unknown[]) => logged.push(args),
    ask: () => 0.5,
    memory: new WebAssembly.Memory({ initial: 1 }),
    scale: 2.5,
    count: new WebAssembly.Global({ value: "i32", mutable: true }, 7),
  };
  const compiled = new WebAssembly.Module(module.build());
  const { exports } = new WebAssembly.Instance(compiled, { host });
  assertEquals((exports.run as (x: number) => number)(12), 0.5);
  assertEquals(logged, [[12, 2.5]]);
  assertEquals(host.count.value, 8);
  assertEquals((exports.total as WebAssembly.Global).value, 7n);
  assertEquals(exports.again === host.memory, true);
  assertEquals(new DataView(host.memory.buffer).getInt32(12, true), 99);
});

Deno.test("globals of every type start from their constant", () => {
  const module = new Module();
  const double = module.global("f64", f64.const(Math.E), false);
  const single = module.global("f32", f32.const(0.5));
  const vector = module.global("v128", f32x4.const(1, 2, 3, 4), false);
  module.export(
    "run",
    module.function("run", [], "f64", (code) => {
      code.set(single, f32.add(single, f32x4.extractLane(vector, 2)));
      return f64.add(double, f64.promoteF32(single));
    }),
  );
  const run = instantiate(module)("run");
  assertEquals([run(), run()], [Math.E + 3.5, Math.E + 6.5]);
});

Deno.test("functions call each other before they are defined", () => {
  const module = new Module();
  const isOdd = module.function("isOdd", ["i32"], "i32");
  const isEven = module.function("isEven", ["i32"], "i32", (code, x) => {
    code.if(i32.eqz(x), () => code.return(one));
    return isOdd.call(i32.sub(x, one));
  });
  isOdd.define((code, x) => {
    code.if(i32.eqz(x), () => code.return(i32.const(0)));
    return isEven.call(i32.sub(x, one));
  });
  module.export("isEven", isEven);
  const call = instantiate(module)("isEven");
  assertEquals([call(0), call(7), call(100)], [1, 0, 1]);
});

Deno.test("tables call the function with the given number", () => {
  const module = new Module();
  const double = module.function("double", ["i32"], "i32", (_, x) => i32.add(x, x));
  const square = module.function("square", ["i32"], "i32", (_, x) => i32.mul(x, x));
  const other = module.function("other", ["f32"], "i32", () => one);
  module.table([other]);
  const table = module.table([double, square, other]);
  module.export("table", table);
  module.export(
    "run",
    module.function("run", ["i32", "i32"], "i32", (_, which, x) => {
      return table.call({ parameters: ["i32"], result: "i32" }, which, x);
    }),
  );
  const call = instantiate(module)("run");
  assertEquals([call(0, 7), call(1, 7)], [14, 49]);
  assertThrows(() => call(2, 7), WebAssembly.RuntimeError);
  assertThrows(() => call(3, 7), WebAssembly.RuntimeError);
});

Deno.test("data is written into its memory", () => {
  const module = new Module();
  const first = module.memory({ minimum: 1 });
  const second = module.memory({ minimum: 2 });
  module.data(first, 16, new Uint8Array([1, 2, 3]));
  module.data(second, 70_000, new Uint8Array(300).fill(5));
  module.export("first", first);
  module.export("second", second);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.build()));
  const read = (name: string) => new Uint8Array((exports[name] as WebAssembly.Memory).buffer);
  assertEquals([...read("first").subarray(15, 20)], [0, 1, 2, 3, 0]);
  assertEquals(read("second").subarray(70_000, 70_301).reduce((sum, x) => sum + x), 1500);
});

Deno.test("stack traces name the functions", () => {
  const module = new Module();
  const inner = module.function("traps here", [], "none", (code) => code.unreachable());
  module.export(
    "run",
    module.function("calls it", [], "none", (code) => code.do(inner.call())),
  );
  const error = assertThrows(() => instantiate(module)("run")(), WebAssembly.RuntimeError);
  assertStringIncludes((error as Error).stack ?? "", "traps here");
  assertStringIncludes((error as Error).stack ?? "", "calls it");
});

Deno.test("a module may be built again, with more in it", () => {
  const module = new Module();
  module.export("a", module.function("a", [], "i32", () => one));
  assertEquals(module.build(), module.build());
  module.export("b", module.function("b", [], "i32", () => i32.const(2)));
  const find = instantiate(module);
  assertEquals([find("a")(), find("b")()], [1, 2]);
});

Deno.test("two thousand functions build, compile and run", () => {
  const module = new Module();
  module.memory({ minimum: 1 });
  let last = module.function("f0", ["f32"], "f32", (_, x) => x);
  for (let k = 1; k < 2000; k++) {
    const callee = last;
    last = module.function(`f${k}`, ["f32"], "f32", (code, x) => {
      const y = code.let(v128.load(i32.const(16 * (k % 64))));
      for (let i = 0; i < 20; i++) code.set(y, f32x4.add(f32x4.mul(y, y), f32x4.splat(x)));
      code.do(v128.store(i32.const(16 * (k % 64)), y));
      return f32.add(callee.call(x), f32.const(1));
    });
  }
  module.export("last", last);
  assertEquals(instantiate(module)("last")(0.5), 1999.5);
});

Deno.test("a function that was declared and never defined is a fault", () => {
  const module = new Module();
  const later = module.function("later", [], "none");
  assertThrows(
    () => module.build(),
    InternalError,
    `Cannot build a module: later was declared and never defined${suffix}`,
  );
  later.define(() => {});
  assertThrows(
    () => later.define(() => {}),
    InternalError,
    `Cannot define later twice${suffix}`,
  );
});

Deno.test("imports after definitions, and assignments to constants, are faults", () => {
  const module = new Module();
  module.memory({ minimum: 1 });
  const constant = module.global("i32", one, false);
  assertThrows(
    () => module.importMemory("host", "memory", { minimum: 1 }),
    InternalError,
    `Cannot import host.memory: a memory has been defined already${suffix}`,
  );
  module.function("f", [], "none", (code) => {
    assertThrows(
      () => code.set(constant, one),
      InternalError,
      `Cannot assign to global 0: it is a constant${suffix}`,
    );
  });
  assertThrows(
    () => module.global("i32", i32.add(one, one)),
    InternalError,
    `Cannot start a global from i32 code: a constant is needed${suffix}`,
  );
  assertThrows(
    () => new Module().export("f", constant),
    InternalError,
    `Cannot export f of another module${suffix}`,
  );
});
