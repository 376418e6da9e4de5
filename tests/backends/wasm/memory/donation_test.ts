import { ArgumentError, InternalError } from "../../../../src/base/errors.ts";
import { Concrete, dense, isSplat, splat } from "../../../../src/core/tensor.ts";
import { reshape, stopGradient } from "../../../../src/primitives/structure.ts";
import { memoryUsage, withPins } from "../../../../src/backends/wasm/memory/blocks.ts";
import {
  addressOf,
  adopt,
  copyIn,
  donate,
  givesBlock,
  newResident,
  takeBlock,
} from "../../../../src/backends/wasm/memory/memory.ts";
import { viewOf } from "../../../../src/backends/wasm/memory/linear_memory.ts";
import { copy, jit, tensor, tree } from "../../../../mod.ts";
import type { Tensor } from "../../../../mod.ts";
import { emptyMemory } from "./support.ts";
import { assertRefused } from "../../../support/errors.ts";
import { assert, assertEquals, assertStrictEquals } from "../../../support/std.ts";

const SIZE = 2 ** 20;
const TYPE = { dtype: "float32", shape: [SIZE] } as const;

function make(value: number): Concrete {
  return new Concrete("float32", [SIZE], new Float32Array(SIZE).fill(value));
}

Deno.test("every use of a donated tensor is an error that names the argument", () => {
  const message = "Cannot use float32[3]: it was donated as params.w; " +
    "use what that call returned, or keep a copy from before it: copy(x), tree.map(copy, params)";
  const uses: readonly ((x: Concrete) => unknown)[] = [
    (x) => x.elements,
    (x) => x.data(),
    (x) => x.toArray(),
    (x) => String(x),
    (x) => x.held,
    (x) => x.storage,
    (x) => x.peek((elements) => elements),
    (x) => dense(x),
    (x) => isSplat(x),
    (x) => JSON.stringify(x),
    (x) => reshape(x, [3, 1]),
    (x) => withPins(() => addressOf(x)),
    (x) => withPins(() => copyIn(x, 64)),
  ];
  for (const use of uses) {
    const x = new Concrete("float32", [3], Float32Array.of(1, 2, 3));
    donate(x, "params.w");
    assertRefused(() => use(x), ArgumentError, message);
    assertEquals([x.dtype, x.shape, x.size], ["float32", [3], 3]);
  }
  const scalar = new Concrete("float32", [], Float32Array.of(1));
  donate(scalar, "x");
  assertRefused(
    () => scalar.item(),
    ArgumentError,
    "Cannot use float32[]: it was donated as x; use what that call returned, or keep a copy from before it: copy(x), tree.map(copy, params)",
  );
});

Deno.test("a tensor donated long ago says by which call, and a copy of it stays", () => {
  const step = jit(function step({ w }: { w: Tensor }) {
    return { w: w.mul(0.5) };
  }, { donateArgnums: 0 });
  let params = { w: tensor([1, 2]) };
  const [kept, best] = [params, tree.map(copy, params)];
  const second = params = step(params);
  for (let i = 0; i < 3; i++) params = step(params);
  const message = (call: number) =>
    `Cannot use float32[2]: it was donated as args[0].w of step (call ${call}); use what that call ` +
    `returned, or keep a copy from before it: copy(x), tree.map(copy, params)`;
  assertRefused(() => kept.w.add(1), ArgumentError, message(1));
  assertRefused(() => second.w.add(1), ArgumentError, message(2));
  assertEquals(best.w.toArray(), [1, 2]);
  assertEquals(params.w.toArray(), [1 / 16, 2 / 16]);
});

Deno.test("copies of large tensors are independent of donation, whichever is donated", () => {
  const addOne = jit((x: Tensor) => x.add(1), { donateArgnums: 0 });
  for (const donatesCopy of [false, true]) {
    const x = make(1);
    const y = x.copy();
    const [donated, kept] = donatesCopy ? [y, x] : [x, y];
    assertEquals(addOne(donated).data()[SIZE - 1], 2);
    assertEquals(kept.data()[SIZE - 1], 1);
    assertEquals(addOne(kept).data()[0], 2);
  }
});

Deno.test("a result takes the block of a donated argument", () => {
  emptyMemory();
  let x = make(1);
  const addresses = new Set<number>();
  for (let step = 0; step < 20; step++) {
    const donated = x;
    x = withPins(() => {
      const address = addressOf(x);
      assert(givesBlock(x));
      donate(x, "x");
      assertRefused(
        () => addressOf(x),
        ArgumentError,
        `Cannot use float32[${x.shape}]: it was donated as x; ` +
          "use what that call returned, or keep a copy from before it: copy(x), tree.map(copy, params)",
      );
      const block = takeBlock(x);
      assertEquals(block, { address, bytes: 4 * SIZE });
      assertEquals(takeBlock(x), null);
      const view = viewOf("float32", address, SIZE);
      view[0]++;
      view[SIZE - 1]--;
      addresses.add(address);
      return adopt({ dtype: "float32", shape: [1024, 1024] }, address);
    });
    assert(x !== donated);
    assertEquals(memoryUsage().residents, 1);
  }
  assertEquals(addresses.size, 1);
  const data = x.data();
  assertEquals([data[0], data[1], data[SIZE - 1]], [21, 1, -19]);
});

Deno.test("a tensor that shares a donated one's elements stays usable", () => {
  emptyMemory();
  const x = make(5);
  const y = reshape(x, [1024, 1024]) as Concrete;
  assertStrictEquals(stopGradient(x), x);
  withPins(() => {
    addressOf(x);
    assert(!givesBlock(x));
    donate(x, "x");
    assertEquals(takeBlock(x), null);
    viewOf("float32", newResident(TYPE).address, SIZE).fill(7);
  });
  assert(y.data().every((element) => element === 5));
  withPins(() => {
    // Now nobody else has them.
    const address = addressOf(y);
    donate(y, "y");
    assertEquals(takeBlock(y)?.address, address);
  });
});

Deno.test("an argument given twice keeps its block while the program runs", () => {
  emptyMemory();
  const x = make(5);
  withPins(() => {
    const address = addressOf(x);
    assertEquals(addressOf(x), address);
    assert(!givesBlock(x));
    donate(x, "a");
    donate(x, "b");
    assertEquals(takeBlock(x), null);
    assert(newResident(TYPE).address !== address);
    assert(viewOf("float32", address, SIZE).every((element) => element === 5));
  });
  assertEquals(memoryUsage().residents, 1);
  assertEquals(memoryUsage().held, 4 * SIZE + 64);
  assertRefused(
    () => x.data(),
    ArgumentError,
    "Cannot use float32[1048576]: it was donated as a; use what that call returned, or keep a copy from before it: copy(x), tree.map(copy, params)",
  );
});

Deno.test("a donated block that no result takes is freed", () => {
  emptyMemory();
  const [x, y] = [make(1), make(2)];
  withPins(() => {
    addressOf(x);
    addressOf(y);
    donate(x, "x");
    donate(y, "y");
    takeBlock(y);
    assertEquals(memoryUsage().held, 2 * (4 * SIZE + 64));
  });
  assertEquals(memoryUsage().held, 0);
  // So it is where the program fails, and outside of programs.
  const z = make(3);
  try {
    withPins(() => {
      addressOf(z);
      donate(z, "z");
      throw new Error("fails");
    });
  } catch (error) {
    assertEquals((error as Error).message, "fails");
  }
  assertEquals(memoryUsage().held, 0);
  const { tensor } = newResident(TYPE);
  donate(tensor, "tensor");
  assertEquals(memoryUsage().held, 0);
});

Deno.test("small tensors, splats and those on the heap have no block to take", () => {
  emptyMemory();
  const small = new Concrete("int32", [2], Int32Array.of(1, 2));
  const zeros = splat(0, "float32", [SIZE]);
  const onHeap = make(1);
  withPins(() => {
    const address = addressOf(zeros);
    addressOf(small);
    for (const x of [small, zeros, onHeap]) {
      assert(!givesBlock(x));
      donate(x, "x");
      assertEquals(takeBlock(x), null);
    }
    assert(viewOf("float32", address, SIZE).every((element) => element === 0));
  });
  assertEquals(memoryUsage().held, 0);
});

Deno.test("a block is adopted once, by a tensor that fits", () => {
  emptyMemory();
  const x = make(1);
  const fault = "(this is a fault in Jacobi; please report it)";
  withPins(() => {
    addressOf(x);
    donate(x, "x");
    const { address } = takeBlock(x)!;
    assertRefused(
      () => adopt({ dtype: "float64", shape: [SIZE] }, address),
      InternalError,
      `Cannot adopt a block for float64[1048576] ${fault}`,
    );
    const half = adopt({ dtype: "int32", shape: [SIZE / 2] }, address);
    assertEquals(half.size, SIZE / 2);
    assertRefused(
      () => adopt(TYPE, address),
      InternalError,
      `Cannot adopt a block for float32[1048576] ${fault}`,
    );
  });
  assertEquals(memoryUsage().residents, 1);
});
