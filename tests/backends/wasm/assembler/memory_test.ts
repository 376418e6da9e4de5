import { InternalError } from "../../../../src/base/errors.ts";
import { Module } from "../../../../src/backends/wasm/assembler/module.ts";
import {
  atomicFence,
  atomicNotify,
  atomicWait32,
  f32,
  f64,
  i32,
  i32x4,
  i64,
  v128,
} from "../../../../src/backends/wasm/assembler/operations.ts";
import { assertEquals, assertThrows } from "../../../support/std.ts";
import { instantiate } from "./instantiate.ts";

const suffix = " (this is a fault in Jacobi; please report it)";
const bytes = Array.from({ length: 64 }, (_, i) => (i * 37 + 131) & 0xff);

function filledMemory(pages = 1): WebAssembly.Memory {
  const memory = new WebAssembly.Memory({ initial: pages });
  new Uint8Array(memory.buffer).set(bytes);
  return memory;
}

const view = (memory: WebAssembly.Memory): DataView => new DataView(memory.buffer);

Deno.test("loads of integers extend by sign or by zero", () => {
  const module = new Module();
  module.importMemory("host", "memory", { minimum: 1 });
  for (const name of ["load", "load8S", "load8U", "load16S", "load16U"] as const) {
    const added = module.function(`i32.${name}`, ["i32"], "i32", (_, at) => {
      return i32[name](at, { offset: 3, align: 1 });
    });
    module.export(added.name, added);
  }
  const longs = ["load", "load8S", "load8U", "load16S", "load16U", "load32S", "load32U"] as const;
  for (const name of longs) {
    const added = module.function(`i64.${name}`, ["i32"], "i64", (_, at) => {
      return i64[name](at, { offset: 3, align: 1 });
    });
    module.export(added.name, added);
  }
  const memory = filledMemory();
  const find = instantiate(module, { host: { memory } });
  const expected = view(memory);
  for (let at = 0; at < 32; at++) {
    const p = at + 3;
    assertEquals(find("i32.load")(at), expected.getInt32(p, true));
    assertEquals(find("i32.load8S")(at), expected.getInt8(p));
    assertEquals(find("i32.load8U")(at), expected.getUint8(p));
    assertEquals(find("i32.load16S")(at), expected.getInt16(p, true));
    assertEquals(find("i32.load16U")(at), expected.getUint16(p, true));
    assertEquals(find("i64.load")(at), expected.getBigInt64(p, true));
    assertEquals(find("i64.load8S")(at), BigInt(expected.getInt8(p)));
    assertEquals(find("i64.load8U")(at), BigInt(expected.getUint8(p)));
    assertEquals(find("i64.load16S")(at), BigInt(expected.getInt16(p, true)));
    assertEquals(find("i64.load16U")(at), BigInt(expected.getUint16(p, true)));
    assertEquals(find("i64.load32S")(at), BigInt(expected.getInt32(p, true)));
    assertEquals(find("i64.load32U")(at), BigInt(expected.getUint32(p, true)));
  }
});

Deno.test("stores write the bytes that their names say, and no others", () => {
  const module = new Module();
  module.importMemory("host", "memory", { minimum: 1 });
  const long = 0x1122334455667788n;
  const run = module.function("run", [], "none", (code) => {
    const at = (p: number) => i32.const(p);
    code.do(
      i32.store(at(0), i32.const(0x11223344)),
      i32.store8(at(8), i32.const(0x11223344)),
      i32.store16(at(16), i32.const(0x11223344)),
      i64.store(at(24), i64.const(long)),
      i64.store8(at(32), i64.const(long)),
      i64.store16(at(40), i64.const(long)),
      i64.store32(at(48), i64.const(long)),
      f32.store(at(56), f32.const(1.5)),
      f64.store(at(64), f64.load(at(72))),
    );
  });
  module.export("run", run);
  const memory = new WebAssembly.Memory({ initial: 1 });
  const data = view(memory);
  new Uint8Array(memory.buffer).fill(0xee, 0, 72);
  data.setFloat64(72, Math.PI, true);
  const expected = new DataView(memory.buffer.slice(0) as ArrayBuffer);
  expected.setInt32(0, 0x11223344, true);
  expected.setInt8(8, 0x44);
  expected.setInt16(16, 0x3344, true);
  expected.setBigInt64(24, long, true);
  expected.setInt8(32, 0x88);
  expected.setInt16(40, 0x7788, true);
  expected.setInt32(48, 0x55667788, true);
  expected.setFloat32(56, 1.5, true);
  expected.setFloat64(64, Math.PI, true);
  instantiate(module, { host: { memory } })("run")();
  assertEquals(new Uint8Array(memory.buffer), new Uint8Array(expected.buffer));
});

Deno.test("loads of vectors widen, splat, fill with zeros or replace one lane", () => {
  const module = new Module();
  module.importMemory("host", "memory", { minimum: 1 });
  const names = [
    "load",
    "load8x8S",
    "load8x8U",
    "load16x4S",
    "load16x4U",
    "load32x2S",
    "load32x2U",
    "load8Splat",
    "load16Splat",
    "load32Splat",
    "load64Splat",
    "load32Zero",
    "load64Zero",
  ] as const;
  for (const name of names) {
    const added = module.function(name, ["i32"], "none", (code, at) => {
      code.do(v128.store(i32.const(128), v128[name](at, { offset: 1 })));
    });
    module.export(name, added);
  }
  for (const [name, lane] of [["8", 9], ["16", 7], ["32", 2], ["64", 1]] as const) {
    const added = module.function(`load${name}Lane`, ["i32"], "none", (code, at) => {
      const vector = v128[`load${name}Lane`](at, i32x4.const(-1), lane, { offset: 1 });
      code.do(v128.store(i32.const(128), vector));
    });
    module.export(added.name, added);
  }
  const memory = filledMemory();
  const find = instantiate(module, { host: { memory } });
  function result(name: string): Uint8Array {
    find(name)(4);
    return new Uint8Array(memory.buffer.slice(128, 144) as ArrayBuffer);
  }
  const input = bytes.slice(5, 21);
  const signed = (x: number[]) => [...new Int8Array(x)];
  const shorts = [...new Int16Array(new Uint8Array(input).buffer)].slice(0, 4);
  const words = [...new Int32Array(new Uint8Array(input).buffer)].slice(0, 2);
  const of = (list: { buffer: ArrayBufferLike }) => new Uint8Array(list.buffer);
  assertEquals(result("load"), new Uint8Array(input));
  assertEquals(result("load8x8S"), of(new Int16Array(signed(input.slice(0, 8)))));
  assertEquals(result("load8x8U"), of(new Int16Array(input.slice(0, 8))));
  assertEquals(result("load16x4S"), of(new Int32Array(shorts)));
  assertEquals(result("load16x4U"), of(new Int32Array(shorts.map((x) => x & 0xffff))));
  assertEquals(result("load32x2S"), of(new BigInt64Array(words.map(BigInt))));
  assertEquals(result("load32x2U"), of(new BigInt64Array(words.map((x) => BigInt(x >>> 0)))));
  for (const width of [1, 2, 4, 8]) {
    const splat = Array.from({ length: 16 }, (_, i) => input[i % width]);
    assertEquals(result(`load${8 * width}Splat`), new Uint8Array(splat));
  }
  for (const width of [4, 8]) {
    const zero = Array.from({ length: 16 }, (_, i) => i < width ? input[i] : 0);
    assertEquals(result(`load${8 * width}Zero`), new Uint8Array(zero));
  }
  for (const [width, lane] of [[1, 9], [2, 7], [4, 2], [8, 1]]) {
    const expected = new Uint8Array(16).fill(0xff);
    expected.set(input.slice(0, width), lane * width);
    assertEquals(result(`load${8 * width}Lane`), expected);
  }
});

Deno.test("stores of lanes write one lane", () => {
  const module = new Module();
  module.importMemory("host", "memory", { minimum: 1 });
  for (const [name, lane] of [["8", 9], ["16", 7], ["32", 2], ["64", 1]] as const) {
    const added = module.function(name, [], "none", (code) => {
      code.do(v128[`store${name}Lane`](i32.const(128), v128.load(i32.const(0)), lane));
    });
    module.export(name, added);
  }
  const memory = filledMemory();
  const find = instantiate(module, { host: { memory } });
  for (const [width, lane] of [[1, 9], [2, 7], [4, 2], [8, 1]]) {
    const target = new Uint8Array(memory.buffer as ArrayBuffer, 128, 16).fill(0);
    find(`${8 * width}`)();
    const expected = new Uint8Array(16);
    expected.set(bytes.slice(lane * width, (lane + 1) * width));
    assertEquals(target, expected);
  }
});

Deno.test("memories reach past 64 KiB, grow, and trap past their end", () => {
  const module = new Module();
  const memory = module.memory({ minimum: 3, maximum: 5 });
  module.export("memory", memory);
  module.export(
    "write",
    module.function("write", ["i32", "i32"], "none", (code, at, value) => {
      code.do(i32.store(at, value, { offset: 100_000 }));
    }),
  );
  module.export(
    "read",
    module.function("read", ["i32"], "i32", (_, at) => i32.load(at, { offset: 100_000 })),
  );
  module.export("size", module.function("size", [], "i32", () => memory.size()));
  module.export("grow", module.function("grow", ["i32"], "i32", (_, by) => memory.grow(by)));
  const find = instantiate(module);
  find("write")(90_000, 42);
  assertEquals(find("read")(90_000), 42);
  assertEquals(find("size")(), 3);
  assertThrows(() => find("write")(100_000, 1), WebAssembly.RuntimeError);
  assertThrows(() => find("write")(-4, 1), WebAssembly.RuntimeError);
  assertEquals(find("grow")(2), 3);
  find("write")(100_000, 7);
  assertEquals([find("read")(100_000), find("size")(), find("grow")(1)], [7, 5, -1]);
});

Deno.test("fill and copy work on blocks, within a memory and between two", () => {
  const module = new Module();
  const first = module.importMemory("host", "first", { minimum: 1 });
  const second = module.memory({ minimum: 1 });
  module.export(
    "run",
    module.function("run", [], "none", (code) => {
      const n = (x: number) => i32.const(x);
      code.do(
        first.fill(n(4), n(0x1ab), n(8)),
        first.copy(n(2), n(0), n(8)),
        second.copy(n(100), n(0), n(12), first),
        second.fill(n(104), n(1), n(2)),
        first.copy(n(20), n(100), n(12), second),
      );
    }),
  );
  const memory = new WebAssembly.Memory({ initial: 1 });
  const data = new Uint8Array(memory.buffer as ArrayBuffer);
  data.set([1, 2, 3]);
  const expected = data.slice(0, 64);
  expected.fill(0xab, 4, 12);
  expected.copyWithin(2, 0, 8);
  const copy = expected.slice(0, 12);
  copy.fill(1, 4, 6);
  expected.set(copy, 20);
  instantiate(module, { host: { first: memory } })("run")();
  assertEquals(data.slice(0, 64), expected);
});

Deno.test("every kind of access reaches a second memory", () => {
  const module = new Module();
  const shared = { minimum: 1, maximum: 1, shared: true };
  module.importMemory("host", "first", shared);
  const memory = module.importMemory("host", "second", shared);
  const place = { memory, offset: 8 };
  const zero = i32.const(0);
  module.export(
    "run",
    module.function("run", [], "i32", (code) => {
      code.do(i32.store(zero, i32.const(5), place), atomicFence());
      code.drop(i32.atomicRmwAdd(zero, i32.const(2), place));
      code.do(i32.atomicStore(zero, i32.mul(i32.atomicLoad(zero, place), i32.const(3)), place));
      const lanes = code.let(v128.load32Splat(zero, place));
      code.do(v128.store(zero, lanes, { memory, offset: 16 }));
      code.do(v128.store64Lane(zero, lanes, 1, { memory, offset: 64 }));
      const mixed = v128.load32Lane(zero, i32x4.const(0), 2, { memory, offset: 64 });
      return i32.add(i32x4.extractLane(mixed, 2), atomicNotify(zero, i32.const(1), place));
    }),
  );
  const [first, second] = [0, 1].map(() =>
    new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true })
  );
  assertEquals(instantiate(module, { host: { first, second } })("run")(), 21);
  assertEquals([...new Int32Array(first.buffer)].every((x) => x === 0), true);
  const words = [...new Int32Array(second.buffer)].slice(0, 20);
  assertEquals(words, [0, 0, 21, 0, 21, 21, 21, 21, 0, 0, 0, 0, 0, 0, 0, 0, 21, 21, 0, 0]);
});

const updates = {
  atomicRmwAdd: (x: bigint, y: bigint) => x + y,
  atomicRmwSub: (x: bigint, y: bigint) => x - y,
  atomicRmwAnd: (x: bigint, y: bigint) => x & y,
  atomicRmwOr: (x: bigint, y: bigint) => x | y,
  atomicRmwXor: (x: bigint, y: bigint) => x ^ y,
  atomicRmwXchg: (_: bigint, y: bigint) => y,
};

Deno.test("atomic updates leave the old value and write the new one", () => {
  const module = new Module();
  module.importMemory("host", "memory", { minimum: 1, maximum: 1, shared: true });
  const names = Object.keys(updates) as (keyof typeof updates)[];
  for (const name of names) {
    module.export(
      `i32.${name}`,
      module.function(name, ["i32"], "i32", (_, x) => i32[name](i32.const(8), x)),
    );
    module.export(
      `i64.${name}`,
      module.function(name, ["i64"], "i64", (_, x) => i64[name](i32.const(16), x)),
    );
  }
  module.export(
    "i32.exchange",
    module.function("exchange", ["i32", "i32"], "i32", (_, expected, replacement) => {
      return i32.atomicRmwCmpxchg(i32.const(8), expected, replacement);
    }),
  );
  module.export(
    "i64.exchange",
    module.function("exchange", ["i64", "i64"], "i64", (_, expected, replacement) => {
      return i64.atomicRmwCmpxchg(i32.const(16), expected, replacement);
    }),
  );
  module.export(
    "copy",
    module.function("copy", [], "none", (code) => {
      const loaded = i64.atomicLoad(i32.const(16));
      code.do(i64.atomicStore(i32.const(24), loaded));
      code.do(i32.atomicStore(i32.const(12), i32.atomicLoad(i32.const(8))));
    }),
  );
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const find = instantiate(module, { host: { memory } });
  const data = view(memory);
  for (const name of names) {
    data.setInt32(8, 0b1100, true);
    data.setBigInt64(16, 3n << 40n, true);
    assertEquals(find(`i32.${name}`)(0b1010), 0b1100);
    assertEquals(find(`i64.${name}`)(5n << 40n), 3n << 40n);
    assertEquals(BigInt(data.getInt32(8, true)), updates[name](0b1100n, 0b1010n));
    assertEquals(data.getBigInt64(16, true), updates[name](3n << 40n, 5n << 40n));
  }
  data.setInt32(8, 6, true);
  data.setBigInt64(16, 6n, true);
  assertEquals([find("i32.exchange")(5, 1), find("i64.exchange")(5n, 1n)], [6, 6n]);
  assertEquals([data.getInt32(8, true), data.getBigInt64(16, true)], [6, 6n]);
  assertEquals([find("i32.exchange")(6, 1), find("i64.exchange")(6n, -1n)], [6, 6n]);
  find("copy")();
  assertEquals([data.getInt32(12, true), data.getBigInt64(24, true)], [1, -1n]);
});

Deno.test("waiting ends at once for another value, and after the time for the same one", () => {
  const module = new Module();
  module.importMemory("host", "memory", { minimum: 1, maximum: 1, shared: true });
  const wait = module.function("wait", ["i32", "i64"], "i32", (_, expected, nanoseconds) => {
    return atomicWait32(i32.const(0), expected, nanoseconds);
  });
  module.export("wait", wait);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const call = instantiate(module, { host: { memory } })("wait");
  assertEquals(call(1, -1n), 1);
  assertEquals(call(0, 1000n), 2);
});

Deno.test("impossible limits and alignments are faults", () => {
  const module = new Module();
  assertThrows(
    () => module.memory({ minimum: 2, maximum: 1 }),
    InternalError,
    `Cannot make a memory of 2 to 1 pages: 65536 are the limit${suffix}`,
  );
  assertThrows(
    () => module.memory({ minimum: 1, shared: true }),
    InternalError,
    `Cannot share a memory without a maximum${suffix}`,
  );
  assertThrows(
    () => f32.load(i32.const(0), { align: 8 }),
    InternalError,
    `Cannot align 8: a power of two up to 4 is needed${suffix}`,
  );
  assertThrows(
    () => f32.load(i32.const(0), { offset: -4 }),
    InternalError,
    `Cannot encode -4: an unsigned integer of 32 bits is needed${suffix}`,
  );
});
