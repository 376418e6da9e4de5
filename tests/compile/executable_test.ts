import {
  configure,
  flip,
  full,
  grad,
  inspect,
  jit,
  matmul,
  ones,
  tanh,
  tensor,
  tree,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { ArgumentError, MemoryError } from "../../src/base/errors.ts";
import { assemble } from "../../src/compile/executable.ts";
import type { Concrete } from "../../src/core/tensor.ts";
import { configureMemory, RESIDENT_BYTES } from "../../src/runtime/memory.ts";
import { fromValues, makeRandom, real } from "../laws/values.ts";
import { assertIdentical, assertRounded } from "../laws/assertions.ts";
import { emptyMemory } from "../runtime/support.ts";
import { assertRefused } from "../support/errors.ts";
import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "../support/std.ts";
import { float32, traced } from "./support.ts";

const MEBIBYTE = 2 ** 20;

/** How many training steps the memory is watched for. */
const TRAINING_STEPS = 1000;

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
function assertUsedUp(x: Tensor): void {
  assertRefused(
    () => x.data(),
    ArgumentError,
    `Cannot use ${x.dtype}[${x.shape}]: it was donated to a jitted function as args[0]; ` +
      "keep the result instead",
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
  const f = jit((x: Tensor) => [x, x, x.reshape([x.size, 1]), x.add(1)], first);
  for (const make of [() => large(3), () => tensor([3, 4]), () => full([40_000], 3)]) {
    const x = make();
    const [a, b, c, d] = f(x);
    assertUsedUp(x);
    assertEquals(firsts(a, b, c, d), [3, 3, 3, 4]);
    // Each of them can be given up by itself.
    const [e] = f(a);
    assertUsedUp(a);
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
    `Cannot use float32[${constant.size}]: it was donated to a jitted function as args[0]; ` +
      "keep the result instead",
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

/** A tree of the weights of three layers, with memory of their own each. */
function makeWeights(): Record<string, Tensor> {
  const random = makeRandom(2);
  const shapes = { first: [256, 128], second: [128, 160], third: [160, 128] };
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      fromValues(real(random, shape[0] * shape[1]), "float32", shape).mul(0.05),
    ]),
  );
}

function lossOf(weights: Record<string, Tensor>, x: Tensor, y: Tensor): Tensor {
  const hidden = tanh(matmul(tanh(matmul(x, weights.first)), weights.second));
  return matmul(hidden, weights.third).sub(y).square().mean();
}

function trainingStep(weights: Record<string, Tensor>, x: Tensor, y: Tensor) {
  return tree.map(
    (w: Tensor, g: Tensor) => w.sub(g.mul(0.5)),
    weights,
    grad(lossOf)(weights, x, y),
  );
}

Deno.test(`${TRAINING_STEPS} training steps stay within the memory that they may take`, () => {
  const limit = 24 * MEBIBYTE;
  const random = makeRandom(3);
  const x = fromValues(real(random, 16 * 256), "float32", [16, 256]);
  const y = fromValues(real(random, 16 * 128).map(Math.sin), "float32", [16, 128]);
  const losses: number[] = [];
  for (const options of [{}, first]) {
    emptyMemory();
    configure({ memoryLimit: limit });
    try {
      const step = jit(trainingStep, options);
      let weights = step(makeWeights(), x, y);
      const { held } = inspect.memoryUsage();
      const { rss } = Deno.memoryUsage();
      for (let i = 1; i < TRAINING_STEPS; i++) {
        weights = step(weights, x, y);
        assert(inspect.memoryUsage().held <= limit, `step ${i}`);
      }
      // In place, nothing is taken; else the heap holds what has moved out until it is collected.
      if (options === first) assertEquals(inspect.memoryUsage().held, held);
      const grown = Deno.memoryUsage().rss - rss;
      assert(grown < 512 * MEBIBYTE, `${grown} bytes more`);
      losses.push(lossOf(weights, x, y).item());
    } finally {
      configureMemory({});
    }
  }
  const start = lossOf(makeWeights(), x, y).item();
  assert(losses[0] < start / 4, `${losses} from ${start}`);
  assertEquals(losses[0], losses[1]);
});

/** Runs `f` with so little memory, everything else having moved out. */
function withLimit(limit: number, f: () => void): void {
  emptyMemory();
  configure({ memoryLimit: limit });
  try {
    f();
  } finally {
    configureMemory({});
  }
}

Deno.test("a jitted function that needs too much memory says so, and nothing is lost", () => {
  const f = jit((a: Tensor, b: Tensor) => [matmul(a, b).add(1), a.mul(2)], both);
  const small = jit((a: Tensor) => a.mul(2).add(1));
  const [a, b] = [full([512, 512], 2).add(ones([512])), ones([512, 512]).add(ones([512]))];
  assertEquals(firsts(a, b), [3, 2]);
  withLimit(2 * MEBIBYTE, () => {
    for (let i = 0; i < 3; i++) {
      let thrown: unknown;
      try {
        f(a, b);
      } catch (error) {
        thrown = error;
      }
      assertInstanceOf(thrown, MemoryError);
      const { message } = thrown;
      assert(
        /^Cannot make room for .* in linear memory: it takes \d+ bytes, /.test(message),
        message,
      );
      assert(message.includes(`${2 * MEBIBYTE} are allowed`), message);
      // The donated arguments were not given up, and what fits runs.
      assertEquals(firsts(a, b), [3, 2]);
      assertEquals(firsts(small(large(1)), small(tensor([1, 2]))), [3, 3]);
      assert(inspect.memoryUsage().held <= 2 * MEBIBYTE);
    }
  });
  const [product, twice] = f(a, b);
  assertEquals(firsts(product, twice), [512 * 6 + 1, 6]);
  assertUsedUp(a);
});

Deno.test("results that had to make room are there when they are read", () => {
  withLimit(4 * MEBIBYTE, () => {
    const step = jit((x: Tensor, y: Tensor) => [x.mul(2).add(y), x.sub(y)]);
    const add = jit((x: Tensor) => x.add(1));
    // Far more than there is room for; the arguments of old results move, and are given up.
    const kept: Tensor[] = [];
    let x = large(0);
    const y = large(5);
    for (let i = 0; i < 100; i++) {
      const one = add(x);
      const [sum, difference] = step(one, y);
      kept.push(one, sum, difference);
      x = jit((z: Tensor) => z.sub(z).add(i), first)(difference.add(0));
    }
    for (let i = 0; i < 100; i++) {
      const before = i === 0 ? 0 : i - 1;
      const one = before + 1;
      assertEquals(firsts(...kept.slice(3 * i, 3 * i + 3)), [one, 2 * one + 5, one - 5], `${i}`);
    }
    assert(inspect.memoryUsage().held <= 4 * MEBIBYTE);
  });
});
