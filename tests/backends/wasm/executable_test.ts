import { configure, flip, full, inspect, jit, matmul, tanh, tensor } from "../../../mod.ts";
import type { Tensor } from "../../../mod.ts";
import { ArgumentError } from "../../../src/base/errors.ts";
import { assemble } from "../../../src/backends/wasm/executable.ts";
import type { Concrete } from "../../../src/core/tensor.ts";
import { RESIDENT_BYTES } from "../../../src/backends/wasm/memory/memory.ts";
import { assertIdentical, assertRounded } from "../../laws/assertions.ts";
import { emptyMemory } from "./memory/support.ts";
import { assertRefused } from "../../support/errors.ts";
import { assert, assertEquals, assertStrictEquals } from "../../support/std.ts";
import { float32, traced } from "./support.ts";

/** A tensor with memory of its own: more than is kept on the heap. */
function large(first: number): Tensor {
  const size = RESIDENT_BYTES / 4 + 77;
  return tensor(Float32Array.from({ length: size }, (_, i) => first + i % 100));
}

/** The first elements of tensors. */
function firsts(...xs: readonly Tensor[]): number[] {
  return xs.map((x) => x.data()[0]);
}

const both = { donateArgnums: [0, 1] };
const first = { donateArgnums: 0 };

type Pair = (a: Tensor, b: Tensor) => readonly Tensor[];

/** Fails unless using `x` is an error. */
function assertUsedUp(x: Tensor, call = 1): void {
  assertRefused(
    () => x.data(),
    ArgumentError,
    `Cannot use ${x.dtype}[${x.shape}]: it was donated as args[0] of an anonymous function (call ${call}); ` +
      "use what that call returned, or keep a copy from before it: copy(x), tree.map(copy, params)",
  );
}

Deno.test("donated arguments change places", () => {
  const [a, b] = [large(1), large(2)];
  const swap = jit<[Tensor, Tensor], Tensor[]>((x, y) => [y, x], both);
  const [c, d] = swap(a, b);
  assertEquals(firsts(c, d), [2, 1]);
  assertUsedUp(a);
  const mix: Pair = (x, y) => [x.add(y), x.sub(y), flip(x, 0).mul(y)];
  const expected = mix(c, d).map((x) => x.data());
  const mixed = jit(mix, both)(c, d);
  assertEquals(mixed.map((x) => x.data()), expected);
});

Deno.test("a donated argument comes back as other tensors with the same elements", () => {
  for (const make of [() => large(3), () => tensor([3, 4]), () => full([40_000], 3)]) {
    const f = jit((x: Tensor) => [x, x, x.reshape([x.size, 1]), x.add(1)], first);
    const x = make();
    const [a, b, c, d] = f(x);
    assertUsedUp(x);
    assertEquals(firsts(a, b, c, d), [3, 3, 3, 4]);
    // Each of them can be given up by itself.
    const [e] = f(a);
    assertUsedUp(a, 2);
    assertEquals(firsts(b, c, e), [3, 3, 3]);
  }
});

Deno.test("a tensor that is given twice, once to be used up, is read and returned all the same", () => {
  const functions: Pair[] = [
    (x, y) => [x.add(1), y],
    (x, y) => [x.add(1), y.mul(2)],
    (x, y) => [flip(x, 0).add(y), x.mul(2), y.sub(1)],
    (x, y) => [y, x],
  ];
  for (const f of functions) {
    for (const options of [first, both]) {
      for (const make of [() => large(3), () => tensor([3, 4]), () => full([40_000], 3)]) {
        const x = make();
        const expected = f(x, x).map((y) => y.data());
        const results = jit(f, options)(x, x);
        assertEquals(results.map((y) => y.data()), expected);
        assertUsedUp(x);
      }
    }
  }
});

Deno.test("a tensor of the same elements in another shape survives", () => {
  const x = large(3);
  const y = x.reshape([x.size, 1]);
  const f = jit<[Tensor, Tensor], Tensor[]>((a, b) => [a.add(1), b.mul(2)], first);
  assertEquals(firsts(...f(x, y), y), [4, 6, 3]);
  assertUsedUp(x);
});

Deno.test("what a function closes over is used up with the argument that it is", () => {
  const constant = large(2);
  const f = jit((x: Tensor) => [x.add(constant), constant], first);
  const [sum, same] = f(constant);
  assertEquals(firsts(sum, same), [4, 2]);
  assertUsedUp(constant);
  // The function is of no use any more, and says why.
  assertRefused(
    () => f(large(1)),
    ArgumentError,
    `Cannot use float32[${constant.size}]: it was donated as args[0] of an anonymous function (call 1); ` +
      "use what that call returned, or keep a copy from before it: copy(x), tree.map(copy, params)",
  );
});

Deno.test("results that are the same value are the same tensor, and arguments stay themselves", () => {
  const f = jit((x: Tensor) => {
    const y = x.add(1);
    return [y, y, x, y.reshape([y.size, 1])];
  });
  const x = large(1);
  const [a, b, c, d] = f(x);
  assertStrictEquals(a, b);
  assertStrictEquals(c, x);
  assertEquals(firsts(a, d), [2, 2]);
});

Deno.test("a result takes the memory of a donated argument, again and again", () => {
  emptyMemory();
  const step = jit((x: Tensor) => x.mul(0.5).add(1), first);
  let x = step(large(1));
  const { held, residents } = inspect.memoryUsage();
  for (let i = 0; i < 100; i++) x = step(x);
  const after = inspect.memoryUsage();
  assertEquals([after.held, after.residents], [held, residents]);
  assert(Math.abs(x.data()[0] - 2) < 1e-6);
});

Deno.test("steps that are large enough to be shared run on all threads alike", () => {
  const { program, args } = traced(
    (x, y) => {
      const z = tanh(matmul(x, y));
      return [z, z.sum(0), z.sum(), z.transpose().mul(2)];
    },
    float32(130, 110),
    float32(110, 170),
  );
  const compiled = assemble(program, [false, false], { chunkTime: 1000 });
  configure({ threads: 1 });
  const expected = compiled.run(args);
  for (const threads of [2, 3, 4, 2]) {
    configure({ threads });
    for (let i = 0; i < 5; i++) assertIdentical(compiled.run(args), expected, `${threads}`);
  }
});

Deno.test("buffers written over the last reader of another lie where the result lies", () => {
  // Large results in a line of temporary values, each written over the one before.
  const { program, args } = traced((x) => {
    const y = flip(x, 0).exp();
    return [y.sub(y.max(1, { keepdims: true })), y.sum(0)];
  }, float32(300, 200));
  const compiled = assemble(program, [false], { chunkTime: 1000 });
  const results = compiled.run(args);
  const y = flip(args[0], 0).exp();
  const expected = [y.sub(y.max(1, { keepdims: true })), y.sum(0)];
  assertRounded(results, expected as Concrete[], 256, "results");
});
