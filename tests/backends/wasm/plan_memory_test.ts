import fc from "fast-check";
import { concatenate, cumsum, exp, flip, matmul, roll, sin, tensor } from "../../../mod.ts";
import type { Tensor } from "../../../mod.ts";
import { makeRunner } from "../../../src/backends/evaluator.ts";
import { optimize } from "../../../src/passes/mod.ts";
import type { Type } from "../../../src/core/tensor.ts";
import { pad } from "../../../src/primitives/slicing.ts";
import { assertRounded } from "../../laws/assertions.ts";
import { assert, assertEquals } from "../../support/std.ts";
import { growProgram } from "./random_programs.ts";
import { checkPlan, float32, load, runProgram, traced } from "./support.ts";
import { partOf } from "../../support/part.ts";

const SEED = 20_240_501;

/**
 * Which argument's memory each result takes, `null` for memory of its own, if all arguments are given
 * up. It is run in chunks of several sizes and orders, and held to what it means.
 */
function takenBy(
  f: (...args: Tensor[]) => unknown,
  types: readonly Type[],
  isDonated: readonly boolean[] = types.map(() => true),
): (number | null)[] {
  const { program, args } = traced(f, ...types);
  const expected = makeRunner(program)(args);
  const all = [1e9, 400, 50].map((chunkTime) => {
    let taken: (number | null)[] = [];
    const options = { chunkTime, isDonated, large: 64 };
    const results = runProgram(program, args, options, ({ plan, lowered }) => {
      const argumentOf = new Map(plan.outputs.map(({ buffer, argument }) => [buffer, argument]));
      taken = lowered.results.map((r) => "buffer" in r ? argumentOf.get(r.buffer) ?? null : null);
    });
    assertRounded(results, expected, 64, `in chunks of ${chunkTime} ns`);
    return taken;
  });
  return all[0];
}

// No lengths that fill vectors.
const vector = float32(4099);
const matrix = float32(61, 61);

Deno.test("a donated argument's memory is taken by a result that reads it element by element", () => {
  assertEquals(takenBy((x) => x.add(1), [vector]), [0]);
  assertEquals(takenBy((x) => sin(x).mul(x), [matrix]), [0]);
  assertEquals(takenBy((x, y) => x.sub(y), [vector, vector], [false, true]), [1]);
  assertEquals(takenBy((x, y) => x.sub(y.mul(0.1)), [vector, vector], [true, false]), [0]);
  assertEquals(takenBy((x) => x.reshape([4099]).mul(2), [float32(4099, 1)]), [0]);
  assertEquals(takenBy((x, y) => x.add(y), [matrix, float32(61)]), [0]);
  assertEquals(takenBy((x) => x.add(1), [vector], [false]), [null]);
});

Deno.test("what reads other elements than it writes takes no memory that it reads", () => {
  const square = [matrix];
  assertEquals(takenBy((x) => x.transpose(), square), [null]);
  assertEquals(takenBy((x) => x.add(x.transpose()), square), [null]);
  assertEquals(takenBy((x) => flip(x, 0), square), [null]);
  assertEquals(takenBy((x) => flip(x, 1).mul(2), square), [null]);
  assertEquals(takenBy((x) => roll(x, 1, 0), square), [null]);
  assertEquals(takenBy((x) => pad(x.mul(2), [-1, 0], [1, 0], [0, 0]), square), [0]);
  assertEquals(takenBy((x) => x.sub(x.at([0, 1])), square), [null]);
  assertEquals(takenBy((x) => x.mul(x.at(tensor([0, 60], { dtype: "int32" })).sum(0)), square), [
    0,
  ]);
  assertEquals(takenBy((x) => matmul(x, x), square), [null]);
  assertEquals(takenBy((x) => concatenate([x.at([30, null]), x.at([0, 30])], 0), square), [null]);
});

Deno.test("parts of a whole that stand elsewhere in it take no memory that they read", () => {
  const [own, other] = [[matrix, matrix], [true, false]];
  const up = (x: Tensor, y: Tensor) => concatenate([x.at([1, null]), y.at([0, 1])], 0);
  assertEquals(takenBy(up, own, other), [null]);
  const down = (x: Tensor, y: Tensor) => concatenate([y.at([60, null]), x.at([0, 60])], 0);
  assertEquals(takenBy(down, own, other), [null]);
});

Deno.test("what follows within a kernel's chunks takes no memory that other chunks read", () => {
  const large = float32(230, 230);
  takenBy((x, y) => matmul(x, y).mul(2).add(1), [large, large], [false, true]);
  takenBy((x, y) => matmul(x, y).mul(2).add(1), [large, large], [true, false]);
  takenBy((x, y) => matmul(y, x).mul(2).sub(y), [large, large]);
  const backwards = tensor(Array.from({ length: 230 }, (_, i) => 229 - i), { dtype: "int32" });
  takenBy((x) => x.at(backwards).mul(2), [large]);
  takenBy((x) => cumsum(x, 0).mul(2), [large]);
  takenBy((x) => cumsum(x, 1).mul(2), [large]);
  takenBy((x) => cumsum(x, 1).mul(2).add(x), [large]);
});

Deno.test("other types of the same size are no place for results", () => {
  assertEquals(takenBy((x) => x.astype("int32"), [vector]), [null]);
  assertEquals(takenBy((x) => x.astype("float64"), [float32(2, 61)]), [null]);
  assertEquals(takenBy((x) => x.astype("float32"), [{ dtype: "int32", shape: [4099] }]), [null]);
});

Deno.test("an argument that is read again later keeps its memory until then", () => {
  // Only the last reader may write over it.
  assertEquals(takenBy((x) => [x.add(1), flip(x, 0)], [vector]), [null, null]);
  const [first, second] = takenBy((x) => [x.add(1), x.mul(2)], [vector]);
  assert(first === null || second === null);
  const shared = (x: Tensor) => {
    const y = exp(x);
    return [y.sum(1), y.mul(x), x.sum(0)];
  };
  takenBy(shared, [matrix]);
  takenBy((x) => [x.sum(0), x.mul(2)], [matrix]);
  takenBy((x) => [x.mul(2), x.sum(0)], [matrix]);
  takenBy((x) => [x.sub(x.mean(0)), x.sub(x.mean(1, { keepdims: true }))], [matrix]);
  takenBy((x) => cumsum(x, 0).add(x), [matrix]);
  takenBy((x) => [cumsum(x, 0), x.mul(2)], [matrix]);
  takenBy((x) => [matmul(x, x), x.mul(2)], [matrix]);
  takenBy((x) => [x.mul(2), matmul(x, x)], [matrix]);
});

Deno.test("several arguments change places", () => {
  const pair = [vector, vector];
  assertEquals(takenBy((x, y) => [y, x], pair), [null, null]);
  takenBy((x, y) => [x.add(y), x.sub(y)], pair);
  takenBy((x, y) => [y.mul(2), x.mul(2)], pair);
  takenBy((x, y) => [flip(y, 0), x.mul(2)], pair);
  takenBy((x, y) => [flip(y, 0), flip(x, 0)], pair);
  takenBy((x, y) => [y.add(1), flip(x, 0).add(y)], pair);
  // As optimisers do it.
  const step = (w: Tensor, m: Tensor, v: Tensor, g: Tensor) => {
    const [m1, v1] = [m.mul(0.9).add(g.mul(0.1)), v.mul(0.99).add(g.square().mul(0.01))];
    return [w.sub(m1.div(v1.sqrt().add(1e-3)).mul(0.01)), m1, v1];
  };
  const types = [vector, vector, vector, vector];
  takenBy((w, m, v, g) => step(w, m, v.square(), g), types);
  const taken = takenBy((w, m, v, g) => step(w, m, v.square(), g), types, [
    true,
    true,
    true,
    false,
  ]);
  assertEquals(new Set(taken.filter((argument) => argument !== null)).size, 3);
});

Deno.test("what is returned as it is gives no memory away", () => {
  assertEquals(takenBy((x) => [x, x.add(1)], [vector]), [null, null]);
  assertEquals(takenBy((x) => [x.reshape([4099, 1]), x, x.add(1)], [vector]), [null, null, null]);
});

Deno.test("buffers that are done with serve again", () => {
  const { program, args } = traced((x) => {
    let y = x;
    for (let i = 0; i < 20; i++) y = flip(matmul(y, x).mul(0.1), 0);
    return y.sum();
  }, float32(64, 64));
  const loaded = load(program);
  checkPlan(loaded);
  const tasks = loaded.lowered.tasks.length;
  assert(tasks > 20, `${tasks} tasks`);
  assert(loaded.plan.arena < 5 * 64 * 64 * 4, `${loaded.plan.arena} bytes`);
  assertRounded(loaded.run(args), makeRunner(program)(args), 64, "results");
});

Deno.test("what is as large as a tensor of its own is not kept in working memory", () => {
  const { program } = traced((x, y) => [x.add(1), x.sum(), y.mul(2)], vector, float32(5));
  const large = load(program, { large: 4 * 4099 }).plan;
  assertEquals(large.places.slice(0, 2).map((place) => place?.kind), ["argument", "arena"]);
  assertEquals(large.uploads.map(({ source }) => source), [1]);
  assert(large.arena < 4 * 4099);
  const small = load(program, { large: 4 * 4099 + 1 }).plan;
  assertEquals(small.places.slice(0, 2).map((place) => place?.kind), ["arena", "arena"]);
  assertEquals(small.uploads.map(({ source }) => source), [0, 1]);
});

Deno.test(`areas that are needed at once never overlap (seed ${SEED})`, () => {
  const lists = fc.array(fc.nat({ max: 65535 }), { minLength: 50, maxLength: 400, size: "max" });
  fc.assert(
    fc.property(lists, fc.nat({ max: 15 }), (list, choice) => {
      const { program, args } = growProgram(list);
      const isDonated = args.map((_, i) => (choice >> (i % 3) & 1) === 1);
      const options = { isDonated, chunkTime: choice < 8 ? 100 : 50_000, large: 4 ** (choice % 8) };
      checkPlan(load(optimize(program), options));
    }),
    { seed: SEED, numRuns: partOf(120), endOnFailure: true },
  );
});
