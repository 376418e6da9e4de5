import { checkProgram } from "../../src/core/check.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import { TensorType } from "../../src/core/tensor_type.ts";
import { arange, tensor } from "../../src/functions/mod.ts";
import * as optim from "../../src/optim/mod.ts";
import { grad } from "../../src/transforms/grad.ts";
import { makeProgram } from "../../src/transforms/stage.ts";
import { vmap } from "../../src/transforms/vmap.ts";
import { assert, assertEquals } from "../support/std.ts";
import { assertTreesClose, double } from "./trees.ts";

/** Every schedule, for a base rate. */
const schedules: Readonly<Record<string, (rate: number | Tensor) => optim.Curve>> = {
  constant: (rate) => optim.constant(rate),
  step: (rate) => optim.step(rate, { every: 2, gamma: 0.5 }),
  piecewise: (rate) => optim.piecewise(rate, { milestones: [1, 3], gamma: 0.5 }),
  exponential: (rate) => optim.exponential(rate, { gamma: 0.9 }),
  polynomial: (rate) => optim.polynomial(rate, { steps: 10, power: 1.5 }),
  cosine: (rate) => optim.cosine(rate, { steps: 10, end: 0.01 }),
  warmupCosine: (rate) =>
    optim.warmupCosine(rate, { warmupSteps: 3, totalSteps: 9, start: 0.02, end: 0.01 }),
};

for (const [name, make] of Object.entries(schedules)) {
  Deno.test(`${name} gives double precision for counts of every kind`, () => {
    const schedule = make(0.3);
    const count = tensor([[0, 1, 2], [5, 9, 100]], { dtype: "int32" });
    const curve = schedule(count);
    assertEquals([curve.dtype, curve.shape], ["float64", [2, 3]]);
    assertTreesClose(schedule([[0, 1, 2], [5, 9, 100]]), curve, 0);
    assertTreesClose(schedule(count.astype("float32")), curve, 0);
    assertTreesClose(schedule(5), curve.at(1, 0), 0);
    assertTreesClose(schedule(tensor(5, { dtype: "uint32" })), curve.at(1, 0), 0);
  });

  Deno.test(`${name} is traced without its count`, () => {
    const program = makeProgram(make(0.3))(new TensorType("int32", []));
    checkProgram(program);
    assertEquals(program.results.length, 1);
  });

  Deno.test(`${name} takes a batch of base rates, and is differentiated by one`, () => {
    const at = (rate: Tensor) => make(rate)(2);
    const rates = [0.1, 0.5, 2];
    const each = rates.map((rate) => make(rate)(2).item() as number);
    assertTreesClose(vmap(at)(double(rates)), double(each), 1e-15);
    // Every schedule is a line in its base rate.
    assertTreesClose(grad(at)(double(0.7)), double((each[2] - each[0]) / 1.9), 1e-12);
  });

  Deno.test(`${name} stays finite for the largest count`, () => {
    const rate = make(0.3)(2 ** 31 - 1).item() as number;
    assert(rate >= 0 && rate <= 0.3);
  });
}

Deno.test("piecewise takes a factor per milestone, in any order, and repeated milestones", () => {
  const schedule = optim.piecewise(8, { milestones: [4, 1, 4], gamma: [0.5, 0.25, 10] });
  assertTreesClose(schedule([0, 1, 3, 4, 5]), double([8, 2, 2, 10, 10]), 0);
  assertTreesClose(optim.piecewise(8, { milestones: [] })(3), double(8), 0);
});

Deno.test("warmupCosine without a warm-up begins at its highest rate", () => {
  const make = (rate: number | Tensor) =>
    optim.warmupCosine(rate, { warmupSteps: 0, totalSteps: 2 });
  assertTreesClose(make(1)([0, 1, 2]), double([1, 0.5, 0]), 1e-15);
  assertTreesClose(grad((rate: Tensor) => make(rate)(0))(double(1)), double(1), 0);
});

Deno.test("a number as count keeps its double precision", () => {
  const count = 2 ** 24 + 1;
  const schedule = optim.polynomial(1, { steps: 2 ** 25 });
  assertTreesClose(schedule(count), double(1 - count / 2 ** 25), 0);
});

Deno.test("a scheduled rate is rounded to the parameters' dtype only once", () => {
  const optimizer = optim.sgd(optim.exponential(0.1, { gamma: 0.9 }));
  const params = tensor([0]);
  let state = optimizer.init(params);
  for (let i = 0; i < 20; i++) {
    const [updates, next] = optimizer.update(tensor([1]), state, params);
    assertEquals(updates.item(), -Math.fround(0.1 * 0.9 ** i));
    state = next;
  }
});

Deno.test("a rate may be a curve that a user draws first", () => {
  const schedule = optim.cosine(0.1, { steps: 100 });
  const curve = schedule(arange(101)).data();
  assertEquals(curve.length, 101);
  assert(curve.every((rate, i) => i === 0 || rate < curve[i - 1]));
});
