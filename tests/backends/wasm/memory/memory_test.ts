import fc from "fast-check";
import { allocate, DTYPES } from "../../../../src/base/dtype.ts";
import type { Dtype } from "../../../../src/base/dtype.ts";
import { ArgumentError, InternalError, MemoryError } from "../../../../src/base/errors.ts";
import { sizeOf } from "../../../../src/base/shape.ts";
import { Storage } from "../../../../src/core/storage.ts";
import { Concrete, isSplat, splat } from "../../../../src/core/tensor.ts";
import type { Tensor, Type } from "../../../../src/core/tensor.ts";
import { mul } from "../../../../src/functions/arithmetic.ts";
import { jit } from "../../../../src/jit.ts";
import { reshape, stopGradient } from "../../../../src/primitives/structure.ts";
import {
  arena,
  configureMemory,
  memoryUsage,
  withPins,
} from "../../../../src/backends/wasm/memory/blocks.ts";
import {
  addressOf,
  copyIn,
  copyOut,
  isLarge,
  newResident,
  RESIDENT_BYTES,
} from "../../../../src/backends/wasm/memory/memory.ts";
import { linearMemory } from "../../../../src/backends/wasm/memory/linear_memory.ts";
import { viewOf } from "../../../../src/backends/wasm/memory/linear_memory.ts";
import { FreeRanges } from "../../../../src/backends/wasm/memory/ranges.ts";
import { isWhole } from "../../../support/part.ts";
import { emptyMemory } from "./support.ts";
import { assertRefused } from "../../../support/errors.ts";
import { assert, assertEquals, assertNotEquals, assertStrictEquals } from "../../../support/std.ts";

const MEBIBYTE = 2 ** 20;

/** Runs `f` under a limit, with all blocks of earlier tests moved out. */
function withLimit(limit: number, f: () => void): void {
  emptyMemory();
  configureMemory({ limit });
  try {
    f();
  } finally {
    configureMemory({});
  }
}

function matrix(bytes: number): Type {
  return { dtype: "float32", shape: [bytes / 4096, 1024] };
}

/** A resident with `mark` at both of its ends; what is between is left as it is. */
function marked(bytes: number, mark: number): Concrete {
  const { tensor, address } = newResident(matrix(bytes));
  const view = viewOf("float32", address, tensor.size);
  view[0] = mark;
  view[view.length - 1] = mark;
  return tensor;
}

function marksOf(x: Concrete): number[] {
  return x.peek((elements) => [elements[0], elements[elements.length - 1]]);
}

function counting(dtype: Dtype, size: number): Concrete {
  const elements = allocate(dtype, size);
  for (let i = 0; i < size; i++) elements[i] = dtype === "bool" ? i % 2 : i;
  return new Concrete(dtype, [size], elements);
}

Deno.test("free ranges neither overlap nor get lost, and neighbours join", () => {
  const action = fc.oneof(
    fc.record({ take: fc.integer({ min: 1, max: 300 }) }),
    fc.record({ release: fc.nat() }),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const size = 1000;
      const ranges = new FreeRanges();
      ranges.release(0, size);
      const taken: { start: number; bytes: number }[] = [];
      const isFree = new Array<boolean>(size).fill(true);
      const mark = (start: number, bytes: number, free: boolean) => {
        for (let i = start; i < start + bytes; i++) {
          assertEquals(isFree[i], !free);
          isFree[i] = free;
        }
      };
      for (const step of actions) {
        if ("take" in step) {
          const runs = runsOf(isFree).filter((run) => run >= step.take);
          const start = ranges.take(step.take);
          assertEquals(start >= 0, runs.length > 0);
          if (start < 0) continue;
          mark(start, step.take, false);
          // It came from the shortest run that is long enough.
          const left = runsOf(isFree);
          const shortest = Math.min(...runs) - step.take;
          assert(shortest === 0 || left.includes(shortest));
          taken.push({ start, bytes: step.take });
        } else if (taken.length > 0) {
          const [{ start, bytes }] = taken.splice(step.release % taken.length, 1);
          ranges.release(start, start + bytes);
          mark(start, bytes, true);
        }
        const runs = runsOf(isFree);
        assertEquals(ranges.longest, Math.max(0, ...runs));
        assertEquals(ranges.total, runs.reduce((sum, run) => sum + run, 0));
        assertEquals(ranges.before(size), isFree.length - 1 - isFree.lastIndexOf(false));
      }
      for (const { start, bytes } of taken) ranges.release(start, start + bytes);
      assertEquals([ranges.longest, ranges.total], [size, size]);
    }),
    { seed: 1 },
  );
});

/** The lengths of the runs of `true`. */
function runsOf(isFree: readonly boolean[]): number[] {
  return isFree.map((free) => free ? "x" : " ").join("").split(/ +/).filter((run) => run !== "")
    .map((run) => run.length);
}

Deno.test("free ranges are cut at the end, and refuse what is free already", () => {
  const ranges = new FreeRanges();
  ranges.release(0, 10);
  ranges.release(20, 30);
  ranges.cut(25);
  assertEquals([ranges.total, ranges.before(25), ranges.before(10)], [15, 5, 10]);
  ranges.cut(15);
  assertEquals([ranges.total, ranges.before(15)], [10, 0]);
  assertRefused(
    () => ranges.release(9, 12),
    InternalError,
    "Cannot release the bytes from 9 to 12: some are free " +
      "(this is a fault in Jacobi; please report it)",
  );
});

Deno.test("tensors of every dtype move into memory and out again unchanged", () => {
  for (const dtype of DTYPES) {
    const x = counting(dtype, 2 ** 19);
    const before = x.stored.slice();
    withPins(() => {
      const address = addressOf(x);
      assertEquals(address % 64, 0);
      assert(address > 0);
      assertEquals(viewOf(dtype, address, x.size).slice(), before);
      assertEquals(addressOf(x), address);
    });
    assert(memoryUsage().residents > 0);
    assertEquals(x.stored, before, dtype);
    configureMemory({ limit: 65536 });
    assertEquals(memoryUsage().residents, 0);
    assertEquals(x.stored, before, dtype);
    configureMemory({});
    withPins(() => assertEquals(viewOf(dtype, addressOf(x), x.size).slice(), before));
    assertEquals(x.stored, before, dtype);
  }
});

Deno.test("what a tensor in memory gives out is a copy on the heap", () => {
  for (const size of [4096, 2 ** 20]) {
    const { tensor, address } = newResident({ dtype: "int32", shape: [size] });
    viewOf("int32", address, size).fill(7);
    for (const copy of [tensor.data(), tensor.elements]) {
      assert(!(copy.buffer instanceof SharedArrayBuffer));
      assert(copy.buffer !== linearMemory().buffer);
      assertEquals(copy.length, size);
      assert(copy.every((element) => element === 7));
    }
    const data = tensor.data();
    data[0] = 1;
    assertEquals(tensor.data()[0], 7);
    assertEquals((tensor.toArray() as number[])[size - 1], 7);
    assertStrictEquals(tensor.elements, tensor.elements);
  }
  const { tensor, address } = newResident({ dtype: "bool", shape: [] });
  viewOf("bool", address, 1)[0] = 1;
  assertEquals([tensor.item<boolean>(), tensor.toArray(), String(tensor)], [
    true,
    true,
    "tensor(true)",
  ]);
});

Deno.test("reading a tensor leaves it in memory; taking its elements moves a large one out", () => {
  withLimit(64 * MEBIBYTE, () => {
    const x = marked(8 * MEBIBYTE, 3);
    x.data();
    x.toString();
    assertEquals(memoryUsage().residents, 1);
    x.elements;
    assertEquals(memoryUsage().residents, 0);
    assertEquals(marksOf(x), [3, 3]);
    const small = marked(65536, 4);
    small.elements;
    assertEquals(memoryUsage().residents, 1);
  });
});

Deno.test("reshaped tensors and those that stop gradients share one block", () => {
  withLimit(64 * MEBIBYTE, () => {
    const x = counting("float32", 2 ** 20);
    const y = reshape(x, [1024, 1024]) as Concrete;
    const z = stopGradient(reshape(y, [2, 2 ** 19])) as Concrete;
    withPins(() => {
      assertEquals(addressOf(y), addressOf(x));
      assertEquals(addressOf(z), addressOf(x));
    });
    assertEquals(memoryUsage().residents, 1);
    assertStrictEquals(z.elements, x.elements);
    assertEquals([y.shape, y.data()[5]], [[1024, 1024], 5]);
  });
});

Deno.test("splats and small tensors stay on the heap and are copied at each run", () => {
  withLimit(64 * MEBIBYTE, () => {
    const small = counting("float64", 8);
    const large = splat(3, "int32", [1024, 1024]);
    const part = reshape(splat(2, "float32", [64, 128]), [8192]) as Concrete;
    assert(isLarge(large) && !isLarge(small));
    assert(isLarge({ dtype: "bool", shape: [RESIDENT_BYTES] }));
    assert(!isLarge({ dtype: "bool", shape: [RESIDENT_BYTES - 1] }));
    withPins(() => {
      const addresses = [small, large, part, large].map(addressOf);
      assertEquals(new Set(addresses).size, 4);
      assertEquals(Array.from(viewOf("float64", addresses[0], 8)), [0, 1, 2, 3, 4, 5, 6, 7]);
      assert(viewOf("int32", addresses[1], 2 ** 20).every((element) => element === 3));
      assert(viewOf("float32", addresses[2], 8192).every((element) => element === 2));
      assert(memoryUsage().held > 8 * MEBIBYTE);
    });
    assertEquals([memoryUsage().held, memoryUsage().residents], [0, 0]);
    assert(isSplat(large) && isSplat(part));
  });
});

Deno.test("inputs are copied in and results out, splats written in full", () => {
  const owner = {};
  withPins(() => {
    const address = arena(owner, 4096);
    copyIn(counting("float64", 5), address + 8);
    copyIn(splat(9, "int32", [2, 3]), address + 64);
    copyIn(splat(9, "int32", [0, 3]), address + 88);
    const { tensor, address: from } = newResident({ dtype: "bool", shape: [3] });
    viewOf("bool", from, 3).set([1, 0, 1]);
    copyIn(tensor, address + 129);
    const results = [
      copyOut({ dtype: "float64", shape: [5] }, address + 8),
      copyOut({ dtype: "int32", shape: [3, 2] }, address + 64),
      copyOut({ dtype: "bool", shape: [3] }, address + 129),
      copyOut({ dtype: "bool", shape: [0, 2] }, address),
    ];
    viewOf("bool", address, 4096).fill(255);
    assertEquals(results.map((result) => result.toArray()), [
      [0, 1, 2, 3, 4],
      [[9, 9], [9, 9], [9, 9]],
      [true, false, true],
      [],
    ]);
  });
});

Deno.test("what is not used for long moves out first, and keeps its values", () => {
  withLimit(64 * MEBIBYTE, () => {
    const tensors = Array.from({ length: 40 }, (_, i) => marked(4 * MEBIBYTE, i));
    assertEquals(memoryUsage().residents, 15);
    assert(memoryUsage().held <= 64 * MEBIBYTE);
    assertEquals(tensors.map(marksOf), tensors.map((_, i) => [i, i]));
    // The oldest that is still in memory is used, so that the next one has to go.
    const before = withPins(() => addressOf(tensors[25]));
    const next = marked(4 * MEBIBYTE, 40);
    withPins(() => {
      assertEquals(addressOf(tensors[25]), before);
      assertEquals(addressOf(next), addressOf(next));
      // All of these move in again, in the place of others.
      for (const x of tensors.slice(0, 12)) {
        const view = viewOf("float32", addressOf(x), x.size);
        assertEquals([view[0], view[x.size - 1]], marksOf(x));
      }
    });
    assertEquals([...tensors, next].map(marksOf), [...tensors, next].map((_, i) => [i, i]));
  });
});

Deno.test("what a program has asked for stays in its place while it runs", () => {
  withLimit(64 * MEBIBYTE, () => {
    const kept = Array.from({ length: 5 }, (_, i) => marked(4 * MEBIBYTE, i));
    const idle = Array.from({ length: 30 }, (_, i) => marked(4 * MEBIBYTE, 10 + i));
    const owner = {};
    withPins(() => {
      const addresses = kept.map(addressOf);
      const own = arena(owner, MEBIBYTE);
      viewOf("bool", own, MEBIBYTE).fill(17);
      // A program that runs inside does not end the outer one.
      withPins(() => addressOf(kept[0]));
      const results = Array.from({ length: 10 }, (_, i) => marked(4 * MEBIBYTE, 50 + i));
      assertRefused(
        () => marked(4 * MEBIBYTE, 0),
        MemoryError,
        "Cannot make room for float32[1024,1024] in linear memory: it takes 4194368 bytes, " +
          "63964160 are held by what is running, 67108864 are allowed; work on less at once or " +
          "raise memoryLimit with configure",
      );
      kept.forEach((x) => x.elements);
      assertEquals(kept.map(addressOf), addresses);
      assertEquals(arena(owner, MEBIBYTE), own);
      assert(viewOf("bool", own, MEBIBYTE).every((byte) => byte === 17));
      assertEquals(results.map(marksOf), results.map((_, i) => [50 + i, 50 + i]));
    });
    assertEquals(kept.map(marksOf), kept.map((_, i) => [i, i]));
    assertEquals(idle.map(marksOf), idle.map((_, i) => [10 + i, 10 + i]));
  });
});

Deno.test("an arena is kept from run to run, grows with its program, and makes room for others", () => {
  withLimit(64 * MEBIBYTE, () => {
    const [owner, other] = [{}, {}];
    const run = (who: object, bytes: number) => withPins(() => arena(who, bytes));
    const first = run(owner, 8 * MEBIBYTE);
    assertEquals(run(owner, 8 * MEBIBYTE), first);
    assertEquals(run(owner, MEBIBYTE), first);
    assertNotEquals(run(other, MEBIBYTE), first);
    const { held } = memoryUsage();
    run(owner, 16 * MEBIBYTE);
    assertEquals(memoryUsage().held - held, 8 * MEBIBYTE);
    // Evicting it leaves no copy behind: the bytes are just gone.
    run(other, 60 * MEBIBYTE);
    assert(memoryUsage().held < 61 * MEBIBYTE);
    run(owner, 16 * MEBIBYTE);
    assert(memoryUsage().held < 17 * MEBIBYTE);
    assertEquals(memoryUsage().residents, 0);
  });
});

Deno.test("addresses are only for running programs", () => {
  const fault = "(this is a fault in Jacobi; please report it)";
  assertRefused(
    () => addressOf(counting("int32", 3)),
    InternalError,
    `addressOf is only for programs that run ${fault}`,
  );
  assertRefused(() => arena({}, 3), InternalError, `arena is only for programs that run ${fault}`);
});

Deno.test("memory that runs out is a clear error, after which everything goes on", () => {
  withLimit(64 * MEBIBYTE, () => {
    const kept = [1, 2, 3, 4].map((mark) => marked(4 * MEBIBYTE, mark));
    assertRefused(
      () => newResident({ dtype: "float64", shape: [64, 2 ** 17] }),
      MemoryError,
      "Cannot make room for float64[64,131072] in linear memory: it takes 67108928 bytes, " +
        "0 are held by what is running, 67108864 are allowed; work on less at once or raise " +
        "memoryLimit with configure",
    );
    // What cannot succeed has moved nothing out.
    assertEquals(memoryUsage().residents, 4);
    withPins(() => {
      kept.forEach(addressOf);
      assertRefused(
        () => arena({}, 50 * MEBIBYTE),
        MemoryError,
        "Cannot make room for the intermediate results of a jitted function in linear memory: " +
          "it takes 52428864 bytes, 16777472 are held by what is running, 67108864 are allowed; " +
          "work on less at once or raise memoryLimit with configure",
      );
    });
    assertEquals(kept.map(marksOf), [[1, 1], [2, 2], [3, 3], [4, 4]]);
    assertEquals(marksOf(marked(60 * MEBIBYTE, 5)), [5, 5]);
    assertEquals(kept.map(marksOf), [[1, 1], [2, 2], [3, 3], [4, 4]]);
  });
});

Deno.test("a running program may go beyond the limit from which others move out", () => {
  // Without an own limit there is a soft one; nothing is written, so that no memory is really taken.
  const { limit } = memoryUsage();
  assertEquals(limit, 2 ** 28);
  const owner = {};
  const idle = marked(4 * MEBIBYTE, 8);
  withPins(() => {
    const address = arena(owner, limit + 4 * MEBIBYTE);
    assertEquals(memoryUsage().residents, 0);
    assert(linearMemory().buffer.byteLength >= address + limit + 4 * MEBIBYTE + 64);
    // The last bytes are behind the limit, and can be used.
    const end = address + limit + 4 * MEBIBYTE;
    viewOf("bool", end - 4, 4).set([1, 2, 3, 4]);
    assertEquals(
      copyOut({ dtype: "bool", shape: [4] }, end - 4).elements,
      Uint8Array.of(1, 2, 3, 4),
    );
  });
  assertEquals(marksOf(idle), [8, 8]);
  configureMemory({ limit: 64 * MEBIBYTE });
  assertEquals(memoryUsage().held, 0);
  configureMemory({});
});

Deno.test("values that are not used again take little memory, and those that are stay from then on", () => {
  emptyMemory();
  const { limit } = memoryUsage();
  const fill = (bytes: number) => {
    for (let made = 0; made < bytes; made += 16 * MEBIBYTE) marked(16 * MEBIBYTE, made);
  };
  const first = marked(16 * MEBIBYTE, 1);
  fill(2 * limit);
  assert(memoryUsage().held <= limit, `${memoryUsage().held} bytes`);
  // What is only looked at need not stay.
  assertEquals(marksOf(first), [1, 1]);
  assertEquals(memoryUsage().limit, limit);
  for (const times of [2, 4, 4]) {
    withPins(() => addressOf(first));
    assertEquals(memoryUsage().limit, times * limit);
    fill(memoryUsage().limit);
  }
  configureMemory({ limit: 64 * MEBIBYTE });
  withPins(() => addressOf(first));
  assertEquals(memoryUsage().limit, 64 * MEBIBYTE);
  configureMemory({});
  assertEquals(memoryUsage().limit, limit);
});

Deno.test("a limit is checked", () => {
  const message =
    "Cannot configure the memory: memoryLimit must be an integer from 65536 to 4294901760";
  assertRefused(() => configureMemory({ limit: 5 }), ArgumentError, `${message}, got 5`);
  assertRefused(
    () => configureMemory({ limit: 2 ** 32 }),
    ArgumentError,
    `${message}, got 4294967296`,
  );
  assertRefused(() => configureMemory({ limit: NaN }), ArgumentError, `${message}, got NaN`);
  assertRefused(
    () => configureMemory({ limit: "1 GB" } as unknown as { limit: number }),
    ArgumentError,
    `${message}, got "1 GB"`,
  );
  assertRefused(
    () => configureMemory({ size: 1 } as unknown as { limit: number }),
    ArgumentError,
    'Cannot configure the memory: there is no option "size", the options are limit',
  );
  assertRefused(
    () => withPins(() => configureMemory({})),
    ArgumentError,
    "Cannot configure the memory while a program runs",
  );
});

Deno.test("a synchronous loop of any length runs in a bounded memory", () => {
  withLimit(64 * MEBIBYTE, () => {
    const owner = {};
    let carry = marked(4 * MEBIBYTE, 0);
    const before = Deno.memoryUsage().rss;
    let largest = 0;
    const steps = isWhole ? 10_000 : 2500;
    for (let i = 1; i <= steps; i++) {
      carry = withPins(() => {
        arena(owner, MEBIBYTE);
        const [last] = viewOf("float32", addressOf(carry), 1);
        assertEquals(last, i - 1);
        return marked(4 * MEBIBYTE, i);
      });
      if (i % 100 === 0) largest = Math.max(largest, Deno.memoryUsage().rss - before);
      assert(memoryUsage().held <= 64 * MEBIBYTE);
    }
    assertEquals(marksOf(carry), [steps, steps]);
    // 10 or 40 GB went through; the dead are reclaimed while the loop still runs.
    assert(largest < 2 ** 31, `${largest} bytes more`);
  });
});

Deno.test("the blocks of collected tensors are freed", async () => {
  emptyMemory();
  const kept = marked(4 * MEBIBYTE, 1);
  let dead = 0;
  let freed = false;
  // Garbage on the heap makes a collection likely; where none comes, nothing can be said.
  for (let turn = 0; turn < 30 && !freed; turn++) {
    for (let i = 0; i < 4; i++) {
      marked(MEBIBYTE, 2);
      withPins(() => arena({}, MEBIBYTE));
      dead += 2;
    }
    for (let i = 0; i < 50; i++) new Float64Array(MEBIBYTE / 8);
    await new Promise((resolve) => setTimeout(resolve, 1));
    freed = memoryUsage().held < dead * MEBIBYTE;
  }
  const { held, residents } = memoryUsage();
  assert(residents >= 1 && held >= 4 * MEBIBYTE);
  assert(held <= 5 * MEBIBYTE + dead * (MEBIBYTE + 64));
  assertEquals(sizeOf(kept.shape), MEBIBYTE);
  assertEquals(marksOf(kept), [1, 1]);
  withPins(() => assertEquals(viewOf("float32", addressOf(kept), 1)[0], 1));
});

Deno.test("elements that another backend keeps are copied in, once while they stay", () => {
  emptyMemory();
  let reads = 0;
  const kept = Float32Array.from({ length: 2 ** 15 }, (_, i) => i);
  const storage = new Storage({
    peek: (f) => {
      reads++;
      return f(kept);
    },
    elements: () => kept,
  }, kept.length);
  const x = new Concrete("float32", [kept.length], storage);
  const double = jit((x: Tensor) => mul(x, 2));
  for (let call = 0; call < 3; call++) assertEquals(double(x).data().at(-1), 2 * (2 ** 15 - 1));
  assertEquals(reads, 1);
  assertStrictEquals(storage.resident === null, false);
  emptyMemory();
  assertEquals(double(x).data().at(-1), 2 * (2 ** 15 - 1));
  assertEquals(reads, 2);
  assertEquals(jit((x: Tensor) => mul(x, 2), { donateArgnums: 0 })(x).data().at(1), 2);
});
