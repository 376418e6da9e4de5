import { slice } from "../../src/core/slices.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import { tensor } from "../../src/functions/mod.ts";
import { jit } from "../../src/jit.ts";
import * as optim from "../../src/optim/mod.ts";
import { minimize } from "../../src/optimize.ts";
import { grad, valueAndGrad } from "../../src/transforms/grad.ts";
import { vmap } from "../../src/transforms/vmap.ts";
import reference from "../fixtures/optim.json" with { type: "json" };
import { assert, assertEquals, assertStrictEquals } from "../support/std.ts";
import { assertTreesClose, double, typesOf } from "./trees.ts";

const losses: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  quadratic: (x) => x.square().mul(double([1, 10, 100, 3, 0.5])).sum(),
  rosenbrock: (x) => {
    const [head, tail] = [x.at(slice(0, -1)), x.at(slice(1, null))];
    return tail.sub(head.square()).square().mul(100).add(head.sub(1).square()).sum();
  },
  valleys: (x) =>
    x.mul(0.5).exp().sub(x).add(x.mul(3).cos()).sum().add(x.square().square().sum().mul(0.1)),
};

Deno.test("lbfgs takes optax's steps, with as many points, compiled too", () => {
  const { lbfgsCases, start } = reference;
  assertEquals(lbfgsCases.length, 4);
  for (const { loss: name, memory, updates: wanted } of lbfgsCases) {
    const loss = losses[name];
    const optimizer = optim.lbfgs({ memory });
    const take = (x: Tensor, state: optim.OptimizerState) => {
      const [value, gradient] = valueAndGrad(loss)(x);
      const [updates, next] = optimizer.update(gradient, state, x, { value, loss });
      return [optim.applyUpdates(x, updates), next] as const;
    };
    for (const step of [take, jit(take)]) {
      let x = double(start);
      let state = optimizer.init(x);
      for (const { x: expected, rate, points } of wanted) {
        [x, state] = step(x, state);
        assertTreesClose(x, double(expected), 1e-9);
        const found = state as unknown as optim.LineSearchState<unknown>;
        assertTreesClose(found.rate, double(rate), 1e-8);
        assertEquals(found.points.item(), points);
        assertTreesClose(found.value, loss(x), 1e-9);
      }
    }
  }
});

Deno.test("a search begins at many places at once, each with steps of its own", () => {
  const optimizer = optim.lineSearch(optim.scale(-1), { maxPoints: 8 });
  const loss = losses.valleys;
  const step = (x: Tensor) =>
    optim.applyUpdates(x, optimizer.update(grad(loss)(x), optimizer.init(x), x, { loss })[0]);
  const all = [[1, 2, -3, 0, 1], [5, 5, 5, 5, 5], [-1, 0, 1, 0, -1]].map(double);
  const batch = vmap(step)(double(all.map((x) => x.toArray())));
  all.forEach((x, i) => assertTreesClose(batch.at(i), step(x), 1e-12));
});

Deno.test("lbfgs leaves frozen leaves, holes and integers alone", () => {
  const params = {
    a: double([3, -2]),
    b: tensor([1, 5]),
    none: null,
    count: tensor(2, { dtype: "int32" }),
  };
  const loss = ({ a, b }: typeof params) =>
    a.square().sum().add(b.astype("float64").sub(1).square().sum().mul(3)).add(a.prod());
  const optimizer = optim.lbfgs();
  let [now, state] = [params, optimizer.init(params)];
  const types = typesOf(state);
  for (let i = 0; i < 20; i++) {
    const a = grad((a: Tensor) => loss({ ...now, a }))(now.a);
    const grads = { a, b: null, none: null, count: null };
    const [updates, next] = optimizer.update(grads, state, now, { loss });
    now = optim.applyUpdates(now, updates) as typeof params;
    state = next;
  }
  assertEquals(typesOf(state), types);
  assertStrictEquals(now.b, params.b);
  assertStrictEquals(now.count, params.count);
  assertTreesClose(now.a, double([0, 0]), 1e-6);
});

Deno.test("a step that leaves where the loss is finite comes back", () => {
  const loss = (x: Tensor) => x.sub(x.log()).sum();
  const optimizer = optim.lineSearch(optim.scale(-10));
  const x = double([3]);
  const [updates, state] = optimizer.update(grad(loss)(x), optimizer.init(x), x, { loss });
  const end = optim.applyUpdates(x, updates);
  assert((loss(end).item() as number) < (loss(x).item() as number));
  assertTreesClose(state.value, loss(end), 1e-15);
  const bad = (x: Tensor) => x.mul(NaN).sum();
  const [still] = optimizer.update(double([1]), optimizer.init(x), x, { loss: bad, value: 1 });
  assertEquals(Math.abs(still.item() as number), 0);
});

Deno.test("lbfgs and minimize by L-BFGS take the same steps", () => {
  const loss = losses.rosenbrock;
  const optimizer = optim.lbfgs();
  let x = double([-1.2, 1, 0.5]);
  let state = optimizer.init(x);
  for (let i = 0; i < 6; i++) {
    const [updates, next] = optimizer.update(grad(loss)(x), state, x, { loss });
    x = optim.applyUpdates(x, updates);
    state = next;
  }
  const { jac, nit } = minimize(loss, double([-1.2, 1, 0.5]), {
    method: "L-BFGS",
    maxiter: 6,
    lineSearchMaxiter: 20,
  });
  assertEquals(nit.item(), 6);
  assertTreesClose(grad(loss)(x), jac, 1e-8);
});
