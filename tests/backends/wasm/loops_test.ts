/**
 * Control flow in compiled programs against the evaluator: the same bits where that is the law, for
 * any order of chunks and any number of threads, in code and memory that do not grow with the length.
 *
 * @module
 */
import {
  concatenate,
  configure,
  exp,
  eye,
  grad,
  jit,
  makeProgram,
  matmul,
  sigmoid,
  sin,
  tanh,
  tensor,
  where,
} from "../../../mod.ts";
import type { Dtype, Tensor } from "../../../mod.ts";
import { assemble, type CompiledProgram } from "../../../src/backends/wasm/executable.ts";
import { optimize } from "../../../src/passes/mod.ts";
import { makeRunner } from "../../../src/backends/evaluator.ts";
import { checkProgram } from "../../../src/core/check.ts";
import type { Program } from "../../../src/core/program.ts";
import { type Concrete, dense } from "../../../src/core/tensor.ts";
import type { Type } from "../../../src/core/tensor.ts";
import { luSolve } from "../../../src/primitives/lu.ts";
import { pseudoInverse } from "../../../src/primitives/orthogonal.ts";
import { cholesky } from "../../../src/primitives/triangular.ts";
import { assertIdentical } from "../../laws/assertions.ts";
import { fromValues, makeRandom, real } from "../../laws/values.ts";
import { assert, assertEquals } from "../../support/std.ts";
import { sizeOf } from "../../../src/base/shape.ts";
import { type Flat, scan, switchCase, whileLoop } from "./loop_support.ts";
import { float32, runProgram } from "./support.ts";

function valuesOf(types: readonly Type[]): Concrete[] {
  const random = makeRandom(7);
  return types.map(({ dtype, shape }) => fromValues(real(random, sizeOf(shape)), dtype, shape));
}

function programOf(f: Flat, types: readonly Type[]): { program: Program; args: Concrete[] } {
  const args = valuesOf(types);
  const program = makeProgram((...inputs: Tensor[]) => [...f(inputs)])(...args) as Program;
  checkProgram(program);
  return { program, args };
}

/** Compiles, and fails unless results are the evaluator's, to `tolerance`; 0 means bit for bit. */
function check(f: Flat, types: readonly Type[], tolerance = 0, mayBeHost = false): void {
  const { program, args } = programOf(f, types);
  const expected = makeRunner(program)(args);
  const optimized = optimize(program);
  checkProgram(optimized);
  compare(makeRunner(optimized)(args), expected, 0);
  for (const version of [program, optimized]) {
    for (const chunkTime of [undefined, 200]) {
      const options = { large: 64, ...(chunkTime === undefined ? {} : { chunkTime }) };
      const results = runProgram(version, args, options, ({ schedule }) => {
        const hosts = schedule.steps.filter((step) => "task" in step);
        assert(mayBeHost || hosts.length === 0, "a loop was left to the evaluator");
      });
      compare(results, expected, tolerance);
    }
  }
}

function compare(
  results: readonly Concrete[],
  expected: readonly Concrete[],
  tolerance: number,
): void {
  if (tolerance === 0) return assertIdentical(results, expected, "results");
  results.forEach((result, i) => {
    const [a, b] = [dense(result), dense(expected[i])];
    b.forEach((value, k) => {
      const bound = tolerance * Math.max(1, Math.abs(value));
      assert(Math.abs(a[k] - value) <= bound, `result ${i} at ${k}: ${a[k]}, not ${value}`);
    });
  });
}

const scalar = float32();

/** Fails unless a program, compiled to be shared, gives the evaluator's results, the same on all threads. */
function checkOnThreads(program: Program, compiled: CompiledProgram, args: Concrete[]): void {
  try {
    configure({ threads: 1 });
    const expected = compiled.run(args);
    compare(expected, makeRunner(program)(args), 1e-4);
    for (const threads of [2, 3, 2, 3]) {
      configure({ threads });
      assertIdentical(compiled.run(args), expected, `${threads} threads`);
    }
  } finally {
    configure({ threads: 2 });
  }
  runProgram(optimize(program), args, { chunkTime: 500 });
}

Deno.test("a scan carries values, reads sequences and writes them", () => {
  for (const reverse of [false, true]) {
    for (const length of [0, 1, 2, 3, 10, 33]) {
      check(
        ([scale, start, xs]) =>
          scan(
            ([scale, carry, x]) => {
              const next = carry.mul(scale).add(x);
              return [next, next.sub(x), x];
            },
            [scale],
            [start],
            [xs],
            { length, reverse },
          ),
        [float32(5), float32(5), float32(length, 5)],
      );
    }
  }
});

Deno.test("carried values may change places, stay, repeat and be constants", () => {
  for (const length of [1, 2, 3, 4]) {
    check(
      ([a, b, c, d, xs]) =>
        scan(
          ([k, a, b, c, x]) => [b, a, c, a, a, k, x, tensor([1, 2, 3]), tensor([7, 7, 7])],
          [d],
          [a, b, c],
          [xs],
          { length },
        ),
      [float32(3), float32(3), float32(3), float32(3), float32(length, 3)],
    );
    check(
      ([a, b]) => scan(([a, b]) => [tensor([4, 5, 6]), b.add(a)], [], [a, b], [], { length }),
      [float32(3), float32(3)],
    );
  }
});

Deno.test("loops without carried values, without sequences, of empty tensors and of all dtypes", () => {
  check(([xs]) => scan(([x]) => [x.mul(x)], [], [], [xs]), [float32(7, 3)]);
  check(([a]) => scan(([a]) => [a.mul(1.5).add(1)], [], [a], [], { length: 9 }), [float32(3)]);
  check(
    ([a, xs]) => scan(([a, x]) => [a.add(x), a], [], [a], [xs]),
    [float32(0, 3), float32(5, 0, 3)],
  );
  for (const dtype of ["float32", "float64", "int32", "uint32", "bool"] as Dtype[]) {
    const type = (...shape: number[]): Type => ({ dtype, shape });
    check(
      ([a, xs]) =>
        scan(
          ([a, x]) => [where(a.equal(x), x, a), where(a.equal(x), a, x)],
          [],
          [a],
          [xs],
        ),
      [type(3), type(6, 3)],
    );
  }
});

Deno.test("a while loop runs until its condition fails, or not at all", () => {
  for (const start of [0, 1, 4, 5, 100]) {
    check(
      ([limit, a]) =>
        whileLoop(
          ([limit, i]) => i.less(limit.abs().mul(0).add(5)),
          ([limit, i, a, b]) => [i.add(1), b.mul(1.25), a.add(limit)],
          [limit],
          [a.sum().mul(0).add(start), a, a.mul(2)],
        ),
      [scalar, float32(6)],
    );
  }
});

Deno.test("a switch runs the branch that its index names, the nearest one if there is none", () => {
  for (const index of [-5, 0, 1, 2, 9]) {
    check(
      ([a, b]) =>
        switchCase(a.sum().mul(0).add(index).astype("int32"), [
          ([a, b]) => [a.add(b), a],
          ([a, b]) => [a.mul(b), b],
          ([a]) => [a.neg(), tensor([1, 2, 3, 4])],
        ], [a, b]),
      [float32(4), float32(4)],
    );
  }
});

Deno.test("loops within loops", () => {
  check(
    ([a, xss]) =>
      scan(
        ([a, xs]) => {
          const [b, ys] = scan(([b, x]) => [b.mul(0.5).add(x), b], [], [a], [xs], {
            reverse: true,
          });
          return [b, ys, b];
        },
        [],
        [a],
        [xss],
      ),
    [float32(3), float32(4, 5, 3)],
  );
  check(
    ([a, xs]) =>
      scan(
        ([a, x]) => {
          const [n, b] = whileLoop(
            ([x, n]) => n.less(x.sum().abs().mul(3)),
            ([x, n, b]) => [n.add(1), b.mul(0.75).add(x)],
            [x],
            [x.sum().mul(0), a],
          );
          const [c] = switchCase(n.astype("int32"), [
            ([b]) => [b.add(1)],
            ([b]) => [b],
            ([b]) => scan(([b]) => [b.mul(0.5)], [], [b], [], { length: 3 }),
          ], [b]);
          return [c, n];
        },
        [],
        [a],
        [xs],
      ),
    [float32(3), float32(6, 3)],
  );
  check(
    ([a]) =>
      whileLoop(
        ([n]) => n.less(4),
        ([n, a]) => {
          const [b, s] = scan(([b]) => [b.add(1), b.mul(2)], [], [a], [], { length: 3 });
          return [n.add(1), b.add(s.sum([0]).mul(0))];
        },
        [],
        [a.sum().mul(0), a],
      ),
    [float32(4)],
  );
});

Deno.test("sums, products and functions in loops agree with the evaluator", () => {
  check(
    ([w, h, xs]) =>
      scan(
        ([w, h, x]) => {
          const next = tanh(matmul(w, h).add(x));
          return [next, next.sum(), exp(sin(x))];
        },
        [w],
        [h],
        [xs],
      ),
    [float32(9, 9), float32(9), float32(12, 9)],
    1e-4,
  );
});

/** The cell of a long short-term memory (Hochreiter and Schmidhuber 1997) with its gates in a row. */
function lstmCell(weights: Tensor, h: Tensor, c: Tensor, x: Tensor): readonly [Tensor, Tensor] {
  const size = h.shape[1];
  const gates = matmul(concatenate([x, h], 1), weights);
  const parts = gates.split(gates.shape[1] / size, 1);
  const gate = (i: number) => parts[i];
  const next = sigmoid(gate(0)).mul(c).add(sigmoid(gate(1)).mul(tanh(gate(2))));
  return [sigmoid(gate(3)).mul(tanh(next)), next];
}

function lstm(weights: Tensor, h: Tensor, c: Tensor, xs: Tensor): Tensor {
  const [, , ys] = scan(
    ([weights, h, c, x]) => {
      const [nextH, nextC] = lstmCell(weights, h, c, x);
      return [nextH, nextC, nextH];
    },
    [weights],
    [h, c],
    [xs],
  );
  return ys.square().sum();
}

Deno.test("gradients through loops are those of the loop written out, under jit too", () => {
  const [weights, h, c, xs] = valuesOf([
    { dtype: "float64", shape: [7, 16] },
    { dtype: "float64", shape: [2, 4] },
    { dtype: "float64", shape: [2, 4] },
    { dtype: "float64", shape: [6, 2, 3] },
  ]);
  const unrolled = (weights: Tensor, h: Tensor, c: Tensor, xs: Tensor): Tensor => {
    let total = h.sum().mul(0);
    for (let i = 0; i < 6; i++) {
      [h, c] = lstmCell(weights, h, c, xs.take(i, 0));
      total = total.add(h.square().sum());
    }
    return total;
  };
  const options = { argnums: [0, 1, 2, 3] };
  const expected = grad(unrolled, options)(weights, h, c, xs) as Concrete[];
  compare(grad(lstm, options)(weights, h, c, xs) as Concrete[], expected, 1e-12);
  compare(jit(grad(lstm, options))(weights, h, c, xs) as Concrete[], expected, 1e-12);
  const compiled = assemble(optimize(makeProgram(grad(lstm, options))(weights, h, c, xs)), []);
  const names = compiled.schedule.summaries.map(({ name }) => name);
  assertEquals(names.filter((name) => name === "scan of 6").length, 2);
  assert(compiled.schedule.steps.every((step) => "calls" in step));
});

function recurrence(length: number): { program: Program; args: Concrete[] } {
  return programOf(
    ([w, h, xs]) =>
      scan(
        ([w, h, x]) => {
          const next = tanh(matmul(h, w.mul(0.1)).add(x));
          return [next, next.sum()];
        },
        [w],
        [h],
        [xs],
      ),
    [float32(48, 48), float32(40, 48), float32(length, 40, 48)],
  );
}

Deno.test("code does not grow with the length, and memory only by sequences", () => {
  const [short, long] = [10, 10_000].map((length) => {
    const program = makeProgram((w, h) =>
      scan(([w, h]) => [tanh(matmul(h, w))], [w], [h], [], { length })
    )(...valuesOf([float32(16, 16), float32(8, 16)])) as Program;
    return assemble(optimize(program), []);
  });
  assert(Math.abs(long.code - short.code) <= 16, `${short.code} and ${long.code} bytes of code`);
  assertEquals(long.arena, short.arena);
});

Deno.test("a loop worth it is shared by threads, with the same bits for any number", () => {
  const { program, args } = recurrence(9);
  const compiled = assemble(optimize(program), [false, false, false], { chunkTime: 500 });
  assert(compiled.schedule.steps.some((step) => "calls" in step && step.order !== null));
  checkOnThreads(program, compiled, args);
});

Deno.test("carried values that are elements of results have their place among these", () => {
  for (const reverse of [false, true]) {
    for (const length of [1, 2, 3, 6]) {
      const { program, args } = programOf(
        ([w, h, c, xs]) =>
          scan(
            ([w, h, c, x]) => {
              const next = matmul(h, w).mul(0.1).add(x);
              const other = c.mul(0.5).add(next);
              return [next, other, h, next, next, other, c];
            },
            [w],
            [h, c],
            [xs],
            { length, reverse },
          ),
        [float32(48, 48), float32(40, 48), float32(40, 48), float32(length, 40, 48)],
      );
      const expected = makeRunner(program)(args);
      for (const chunkTime of [500, 50_000]) {
        const results = runProgram(optimize(program), args, { chunkTime });
        compare(results, expected, 1e-4);
        assertIdentical([results[2 + 1]], [results[2 + 2]], "the same sequence twice");
      }
    }
  }
});

Deno.test("shared loops within shared loops and switches keep their order", () => {
  const { program, args } = programOf(
    ([w, h, xss, choices]) =>
      scan(
        ([w, h, xs, choice]) => {
          const [a, ys] = scan(
            ([w, h, x]) => {
              const next = tanh(matmul(h, w.mul(0.1)).add(x));
              return [next, next.mul(2)];
            },
            [w],
            [h],
            [xs],
          );
          const [b] = switchCase(choice.mul(9).astype("int32"), [
            ([w, a]) => [matmul(a, w).mul(0.1)],
            ([w, a, ys]) => scan(([w, b, y]) => [matmul(b, w).mul(0.1).add(y)], [w], [a], [ys]),
            ([, a]) => [a],
          ], [w, a, ys]);
          return [b, ys.sum([0, 2]), choice];
        },
        [w],
        [h],
        [xss, choices],
      ),
    [float32(48, 48), float32(40, 48), float32(5, 3, 40, 48), float32(5)],
  );
  const optimized = optimize(program);
  const compiled = assemble(optimized, args.map(() => false), { chunkTime: 500 });
  const orders = compiled.schedule.steps.flatMap((step) => "calls" in step ? [step.order] : []);
  const isNested = (parts: readonly unknown[]) => parts.some((part) => typeof part !== "number");
  assert(orders.some((order) => order !== null && isNested(order.parts)));
  checkOnThreads(program, compiled, args);
});

Deno.test("a shared loop that goes on while a condition holds", () => {
  for (const limit of [0, 1, 2, 5, 6]) {
    const { program, args } = programOf(
      ([w, h, x, v]) => {
        const [n, a] = whileLoop(
          ([, , , n, a]) => a.max().greater(-1e9).logicalAnd(n.less(limit)),
          ([w, x, , n, a, b]) => [n.add(1), tanh(matmul(a, w.mul(0.1)).add(x)), b.sub(a)],
          [w, x, v],
          [v.sum().mul(0), h, h],
        );
        // What comes behind rounds whose number is not known has numbers of its own.
        const [m, b, c] = whileLoop(
          ([, , m]) => m.less(3),
          ([w, , m, b, c]) => [m.add(1), matmul(b, w).mul(0.1), c.mul(0.5).add(b)],
          [w, x],
          [n.mul(0), a, h],
        );
        return [n, a, m, matmul(b, w), c];
      },
      [float32(48, 48), float32(40, 48), float32(40, 48), float32(3)],
    );
    const optimized = optimize(program);
    const compiled = assemble(optimized, args.map(() => false), { chunkTime: 500 });
    const { steps } = compiled.schedule;
    assertEquals(steps.filter((step) => "calls" in step && step.open !== null).length, 2);
    checkOnThreads(program, compiled, args);
  }
});

Deno.test("rounds that carry nothing are done in any order, by several threads", () => {
  check(
    ([w, xs]) =>
      scan(
        ([w, x]) => [x.mul(w).add(1).mul(x.flip(0)), x.reshape([8, 5]).max(0), w],
        [w],
        [],
        [xs],
        { reverse: true },
      ),
    [float32(40), float32(21, 40)],
  );
});

Deno.test("an index out of range within a loop is explained", () => {
  const f = (table: Tensor, indices: Tensor) =>
    scan(([table, sum, i]) => [sum.add(table.take(i, 0))], [table], [table.sum().mul(0)], [
      indices,
    ])[0];
  const table = tensor([1, 2, 3]);
  assertEquals(Number(jit(f)(table, tensor([0, 2, 1], { dtype: "int32" })).item()), 6);
  const wrong = tensor([0, 7, 1], { dtype: "int32" });
  const eager = messageOf(() => f(table, wrong));
  assert(eager.includes("7"), eager);
  assertEquals(messageOf(() => jit(f)(table, wrong)), eager);
});

Deno.test("a shared loop that fails stops all threads, and says why", () => {
  const body = (table: Tensor, w: Tensor, h: Tensor, i: Tensor) =>
    tanh(matmul(h, w.mul(0.1)).add(table.take(i, 0)));
  const loops: readonly ((...args: Tensor[]) => Tensor)[] = [
    (table, w, h, indices) =>
      scan(([table, w, h, i]) => [body(table, w, h, i)], [table, w], [h], [indices])[0],
    (table, w, h) =>
      whileLoop(
        ([, , i]) => i.less(20),
        ([table, w, i, h]) => [i.add(1), body(table, w, h, i)],
        [table, w],
        [tensor(0, { dtype: "int32" }), h],
      )[1],
  ];
  const [table, w, h] = valuesOf([float32(6, 48), float32(48, 48), float32(40, 48)]);
  const indices = tensor([1, 2, 3, 9, 4, 5], { dtype: "int32" });
  for (const loop of loops) {
    const program = makeProgram(loop)(table, w, h, indices) as Program;
    const compiled = assemble(optimize(program), [], { chunkTime: 500 });
    const [step] = compiled.schedule.steps.filter((one) => "calls" in one && one.chunks > 1);
    assert("calls" in step && (step.order !== null || step.open !== null));
    try {
      for (const threads of [1, 2, 3, 3]) {
        configure({ threads });
        const message = messageOf(() => compiled.run([table, w, h, indices] as Concrete[]));
        assert(message.includes("unreachable"), message);
      }
    } finally {
      configure({ threads: 2 });
    }
    assert(messageOf(() => jit(loop)(table, w, h, indices)).startsWith("IndexError"));
  }
});

function messageOf(f: () => unknown): string {
  try {
    f();
  } catch (error) {
    return String(error);
  }
  throw new Error("nothing was thrown");
}

Deno.test("a carried value that is given up and updated in place keeps its memory", () => {
  const { program, args } = programOf(
    ([w, xs]) => scan(([w, x]) => [w.sub(x.mul(0.1))], [], [w], [xs]),
    [float32(100), float32(5, 100)],
  );
  const expected = makeRunner(program)(args);
  const results = runProgram(optimize(program), args, { isDonated: [true, false] }, ({ plan }) => {
    assertEquals(plan.outputs.map(({ argument }) => argument), [0]);
    assertEquals(plan.arena, 64 * Math.ceil(plan.arena / 64));
  });
  compare(results, expected, 0);
});

Deno.test("long loops outside of jit run compiled, and tell their errors", () => {
  const xs = valuesOf([float32(3000, 4)])[0];
  const f = (xs: Tensor) =>
    scan(([sum, x]) => [sum.mul(0.5).add(x), sum], [], [xs.sum([0]).mul(0)], [xs]);
  assertIdentical(f(xs) as Concrete[], jit(f)(xs) as Concrete[], "a long scan");
  const [steps] = whileLoop(
    ([n]) => n.less(20_000),
    ([n, a]) => [n.add(1), a.mul(0.5).add(1)],
    [],
    [tensor(0), tensor([1, 2])],
  );
  assertEquals(Number(steps.item()), 20_000);
  const indices = tensor([...new Array(5000).fill(1), 9], { dtype: "int32" });
  const message = messageOf(() =>
    scan(([table, sum, i]) => [sum.add(table.take(i, 0))], [tensor([1, 2, 3])], [tensor(0)], [
      indices,
    ])
  );
  assert(message.includes("9"), message);
});

Deno.test("factorisations run within compiled loops", () => {
  for (const n of [3, 200]) {
    check(
      ([a, xs]) =>
        scan(
          ([a, x]) => {
            const spd = matmul(x, x.transpose()).add(eye(n).mul(2 * n));
            return [a.mul(0.5).add(cholesky(spd)).add(luSolve(spd, x)), a];
          },
          [],
          [a],
          [xs],
        ),
      [float32(n, n), float32(2, n, n)],
      1e-4,
    );
  }
});

Deno.test("what has no kernel makes its loop one that the evaluator runs", () => {
  check(
    ([a, xs]) =>
      scan(
        ([a, x]) => {
          const spd = matmul(x, x.transpose()).add(eye(3).mul(2));
          return [a.add(pseudoInverse(spd, 1e-6).p), a];
        },
        [],
        [a],
        [xs],
      ),
    [float32(3, 3), float32(4, 3, 3)],
    1e-4,
    true,
  );
});
