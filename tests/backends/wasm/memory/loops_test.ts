/**
 * Loops that never let the garbage collector tell what is dead, and programs that need more memory
 * than there is.
 *
 * @module
 */
import {
  arange,
  checkpoint,
  cond,
  configure,
  debugCallback,
  foriLoop,
  full,
  grad,
  inspect,
  jit,
  map,
  matmul,
  ones,
  scan,
  tanh,
  tensor,
  tree,
  whileLoop,
} from "../../../../mod.ts";
import type { Tensor } from "../../../../mod.ts";
import { ArgumentError, MemoryError } from "../../../../src/base/errors.ts";
import { configureMemory } from "../../../../src/backends/wasm/memory/blocks.ts";
import { RESIDENT_BYTES } from "../../../../src/backends/wasm/memory/memory.ts";
import { fromValues, makeRandom, real } from "../../../laws/values.ts";
import { assertRefused } from "../../../support/errors.ts";
import { assert, assertEquals, assertInstanceOf } from "../../../support/std.ts";
import { isWhole } from "../../../support/part.ts";
import { emptyMemory } from "./support.ts";

const MEBIBYTE = 2 ** 20;

/** How many single operations the memory is watched for; each makes 4 MiB. */
const STEPS = isWhole ? 10_000 : 2500;

/** How many training steps the memory is watched for. */
const TRAINING_STEPS = 1000;

const both = { donateArgnums: [0, 1] };
const first = { donateArgnums: 0 };

/** A tensor with memory of its own: more than is kept on the heap. */
function large(first: number): Tensor {
  const size = RESIDENT_BYTES / 4 + 77;
  return tensor(Float32Array.from({ length: size }, (_, i) => first + i % 100));
}

/** The first elements of tensors. */
function firsts(...xs: readonly Tensor[]): number[] {
  return xs.map((x) => x.data()[0]);
}

Deno.test(`${STEPS} operations on 4 MiB take no more memory than they may`, () => {
  emptyMemory();
  const limit = 64 * MEBIBYTE;
  configureMemory({ limit });
  try {
    const x = fromValues(real(makeRandom(4), 2 ** 20), "float32", [2 ** 20]);
    let y: Tensor = x;
    const { rss } = Deno.memoryUsage();
    let grown = 0;
    for (let i = 0; i < STEPS; i++) {
      y = i % 2 === 0 ? y.add(1) : y.sub(1);
      if (i % 100 === 0) grown = Math.max(grown, Deno.memoryUsage().rss - rss);
      assert(inspect.memoryUsage().held <= limit, `step ${i}`);
    }
    // Besides the linear memory, the heap holds what has moved out until it is collected.
    assert(grown < 1024 * MEBIBYTE, `${grown} bytes more`);
    const first = x.data()[7];
    assert(Math.abs(y.data()[7] - first) < 1e-3);
  } finally {
    configureMemory({});
  }
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
  assertRefused(
    () => a.data(),
    ArgumentError,
    "Cannot use float32[512,512]: it was donated as args[0] of an anonymous function (call 4); " +
      "use what that call returned, or keep a copy from before it: copy(x), tree.map(copy, params)",
  );
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

/** Loops whose steps call back, so that they run step by step: sums of `ROUNDS` times `x`, and of `x`. */
const steppedLoops: Record<string, (x: Tensor, see: (x: Tensor) => void) => Tensor> = {
  scan: (x, see) => {
    const [last, ys] = scan(
      (carry: Tensor, _: null) => {
        const next = carry.add(x);
        debugCallback(see, next);
        return [next, next.at(0)];
      },
      x,
      null,
      { length: ROUNDS },
    );
    return last.add(ys.sum().mul(0));
  },
  foriLoop: (x, see) =>
    foriLoop(0, ROUNDS, (_i: Tensor, sum: Tensor) => {
      debugCallback(see, sum);
      return sum.add(x);
    }, x),
  whileLoop: (x, see) =>
    whileLoop(([i]) => i.less(ROUNDS), ([i, sum]) => {
      debugCallback(see, sum);
      return [i.add(1), sum.add(x)] as const;
    }, [tensor(0, { dtype: "int32" }), x] as const)[1],
  map: (x, see) =>
    map((i: Tensor) => {
      const y = x.mul(i);
      debugCallback(see, y);
      return y.at(0);
    }, ones([ROUNDS])).sum().add(x),
  "cond in scan": (x, see) =>
    scan(
      (carry: Tensor, i: Tensor) => {
        const next = cond(
          i.less(ROUNDS / 2),
          (c: Tensor) => {
            debugCallback(see, c);
            return c.add(x);
          },
          (c: Tensor) => c.add(x).add(0),
          carry,
        );
        return [next, i];
      },
      x,
      arange(ROUNDS),
    )[0],
  checkpoint: (x, see) =>
    grad((x: Tensor) =>
      scan(
        (carry: Tensor, _: null) => [
          checkpoint((carry: Tensor) => {
            debugCallback(see, carry);
            return carry.add(x);
          })(carry),
          null,
        ],
        x,
        null,
        { length: ROUNDS },
      )[0].sum()
    )(x),
};

/** How many rounds those loops have: each needs memory for itself, all of them more than there is. */
const ROUNDS = 100;

Deno.test("a loop that is run step by step takes the memory of a step", () => {
  const twice = jit((x: Tensor) => x.mul(2));
  for (const [name, loop] of Object.entries(steppedLoops)) {
    withLimit(4 * MEBIBYTE, () => {
      for (const compile of [(f: (x: Tensor) => Tensor) => f, jit]) {
        let calls = 0;
        // What is called back runs programs of its own.
        const see = (x: Tensor) => void (calls += twice(x).size > 0 ? 1 : 0);
        const x = large(1);
        const result = compile((x: Tensor) => loop(x, see))(x);
        assert(calls >= ROUNDS / 2, `${name}: ${calls} calls`);
        const [first] = result.data();
        assert(first === ROUNDS + 1, `${name}: ${first}`);
        assert(inspect.memoryUsage().held <= 4 * MEBIBYTE);
      }
    });
  }
});
