import type { Tensor } from "../../src/core/tensor.ts";
import type { Tree } from "../../src/core/tree.ts";
import { tensor } from "../../src/functions/mod.ts";
import * as optim from "../../src/optim/mod.ts";
import { grad } from "../../src/transforms/grad.ts";
import * as tree from "../../src/tree.ts";
import { assertEquals, assertStrictEquals, assertType } from "../support/std.ts";
import type { IsExact } from "../support/std.ts";
import { assertTreesClose, contentsOf, double, typesOf } from "./trees.ts";

/** The updates of the first step. */
function firstUpdates<State, Params>(
  optimizer: optim.Optimizer<State>,
  grads: unknown,
  params: Params,
) {
  return optimizer.update(grads, optimizer.init(params), params)[0];
}

/** The updates of some steps with these gradients, the parameters staying where they are. */
function updatesOf<State>(
  optimizer: optim.Optimizer<State>,
  grads: readonly Tensor[],
  params: Tensor,
): Tensor[] {
  let state = optimizer.init(params);
  return grads.map((g) => {
    const [updates, next] = optimizer.update(g, state, params);
    state = next;
    return updates;
  });
}

const params = { weight: double([[1, 2], [3, 4]]), bias: double([5, 6]) };
const grads = { weight: double([[0.1, -0.2], [0.3, 0.4]]), bias: double([-0.5, 0.6]) };
const steps = [double([1, -2]), double([0.5, 0]), double([-3, 4])];

Deno.test("an empty chain is the identity", () => {
  const updates = firstUpdates(optim.chain(), grads, params);
  assertEquals(contentsOf(updates), contentsOf(grads));
  assertEquals(optim.chain().init(params), []);
});

Deno.test("a chain of chains is a chain", () => {
  const make = () =>
    [optim.clipByValue(0.3), optim.momentum(0.9), optim.scaleByLearningRate(0.1)] as const;
  const [a, b, c] = make();
  const flat = optim.chain(a, b, c);
  const nested = optim.chain(a, optim.chain(b, optim.chain(c)));
  const start = double([1, 1]);
  assertEquals(
    contentsOf(updatesOf(nested, steps, start)),
    contentsOf(updatesOf(flat, steps, start)),
  );
});

Deno.test("sgd, adam, adamw, rmsprop and adagrad are the chains that they are said to be", () => {
  const { chain, momentum, scaleByLearningRate, addDecayedWeights } = optim;
  const pairs = [
    [
      optim.sgd(0.1, { momentum: 0.9, nesterov: true, weightDecay: 0.2 }),
      chain(addDecayedWeights(0.2), momentum(0.9, { nesterov: true }), scaleByLearningRate(0.1)),
    ],
    [
      optim.adam(0.1, { weightDecay: 0.2, amsgrad: true }),
      chain(
        addDecayedWeights(0.2),
        optim.scaleByAdam({ amsgrad: true }),
        scaleByLearningRate(0.1),
      ),
    ],
    [
      optim.adamw(0.1, { weightDecay: 0.2 }),
      chain(optim.scaleByAdam(), addDecayedWeights(0.2), scaleByLearningRate(0.1)),
    ],
    [
      optim.rmsprop(0.1, { centered: true, momentum: 0.5 }),
      chain(optim.scaleByRms({ centered: true }), momentum(0.5), scaleByLearningRate(0.1)),
    ],
    [
      optim.adagrad(0.1, { initialAccumulator: 0.3 }),
      chain(optim.scaleByAdagrad({ initialAccumulator: 0.3 }), scaleByLearningRate(0.1)),
    ],
  ] as unknown as [optim.Optimizer, optim.Optimizer][];
  for (const [whole, parts] of pairs) {
    const [actual, expected] = [whole, parts].map((o) => updatesOf(o, steps, double([1, -1])));
    assertEquals(contentsOf(actual), contentsOf(expected));
  }
});

Deno.test("maximize is the opposite of what descends, but for the decay", () => {
  const { sgd, adam, adamw, rmsprop, adagrad } = optim;
  for (const make of [sgd, adam, adamw, rmsprop, adagrad]) {
    const start = double([0, 0]);
    const down = updatesOf(make(0.1), steps, start);
    const up = updatesOf(make(0.1, { maximize: true }), steps, start);
    assertTreesClose(up, down.map((u) => u.neg()), 1e-15);
  }
});

Deno.test("the first buffer of momentum is the gradient, whatever the dampening", () => {
  const transform = optim.momentum(0.5, { dampening: 0.25 });
  const updates = updatesOf(transform, steps, double([0, 0]));
  assertEquals(contentsOf(updates[0]), contentsOf(steps[0]));
  assertTreesClose(updates[1], double([0.5 + 0.75 * 0.5, -1]), 0);
});

Deno.test("without momentum, decay or schedule sgd remembers nothing", () => {
  assertEquals(optim.sgd(0.1).init(params), [null]);
  assertEquals(typesOf(optim.sgd(optim.constant(0.1), { momentum: 0.9 }).init(params)), [
    { count: "int32[]", buffer: { weight: "float64[2,2]", bias: "float64[2]" } },
    { count: "int32[]" },
  ]);
});

Deno.test("a part of the parameters is trained while the rest stays frozen", () => {
  const loss = ({ weight, bias }: typeof params) =>
    weight.mul(2).sum().add(bias.square().sum()).square();
  const [chosen, frozen] = tree.partition(params, (path) => path === "bias");
  const optimizer = optim.adam(0.1);
  const lossOf = (part: typeof chosen) => loss(tree.merge(part, frozen) as typeof params);
  const [updates, state] = optimizer.update(grad(lossOf)(chosen), optimizer.init(chosen), chosen);
  const next = tree.merge(optim.applyUpdates(chosen, updates), frozen) as typeof params;
  assertStrictEquals(next.weight, params.weight);
  assertTreesClose(next.bias, params.bias.sub(0.1), 1e-8);
  assertEquals(tree.leaves(state).length, 3);
});

Deno.test("masked leaves the other leaves as they are, and remembers nothing of them", () => {
  const optimizer = optim.masked(optim.sgd(0.1, { momentum: 0.9 }), { weight: true, bias: false });
  const state = optimizer.init(params);
  assertEquals(typesOf(state), {
    inside: [{ count: "int32[]", buffer: { weight: "float64[2,2]", bias: null } }, null],
    outside: null,
  });
  const [updates, next] = optimizer.update(grads, state, params);
  assertTreesClose(updates.weight, grads.weight.mul(-0.1), 0);
  assertStrictEquals(updates.bias as Tensor | null, null);
  assertEquals(typesOf(next), typesOf(state));
  assertStrictEquals(optim.applyUpdates(params, updates).bias, params.bias);
});

Deno.test("masked takes a function of path and leaf, which sees dotted paths", () => {
  const seen: string[] = [];
  const tree = { layers: [{ weight: double([[1]]), bias: double([1]) }, null], "a.b": double(1) };
  const isMatrix = (path: string, leaf: Tensor) => {
    seen.push(`${path} ${leaf.ndim}`);
    return leaf.ndim === 2;
  };
  const updates = firstUpdates(optim.masked(optim.scale(2), isMatrix), tree, tree);
  assertEquals(typesOf(updates), {
    layers: [{ weight: "float64[1,1]", bias: null }, null],
    "a.b": null,
  });
  assertEquals(seen.slice(0, 3), ["a.b 0", "layers.0.bias 1", "layers.0.weight 2"]);
});

Deno.test("masked gives the others an optimiser of their own when told to", () => {
  const optimizer = optim.masked(optim.adam(0.1), { weight: true, bias: false }, optim.sgd(1));
  const updates = firstUpdates(optimizer, grads, params);
  const adam = firstUpdates(optim.adam(0.1), grads, params);
  assertEquals(contentsOf(updates.weight), contentsOf(adam.weight));
  assertEquals(contentsOf(updates.bias), contentsOf(grads.bias.neg()));
});

Deno.test("masked with an empty chain passes the others on", () => {
  const optimizer = optim.chain(
    optim.masked(optim.clipByValue(0.1), { weight: true, bias: false }, optim.chain()),
    optim.scale(10),
  );
  const updates = firstUpdates(optimizer, grads, params);
  assertTreesClose(updates, { weight: double([[1, -1], [1, 1]]), bias: double([-5, 6]) }, 1e-15);
});

Deno.test("a mask may stop above the leaves, and may name leaves that are holes", () => {
  const tree = { a: { x: double(1), y: null }, b: [double(2), double(3)] };
  const mask = { a: { x: true, y: false }, b: false };
  assertEquals(typesOf(firstUpdates(optim.masked(optim.scale(1), mask), tree, tree)), {
    a: { x: "float64[]", y: null },
    b: [null, null],
  });
});

Deno.test("addDecayedWeights spares the leaves that its mask leaves out", () => {
  const decay = optim.addDecayedWeights(0.5, (_path, leaf) => leaf.ndim > 1);
  const updates = firstUpdates(decay, grads, params);
  assertTreesClose(
    updates,
    { weight: grads.weight.add(params.weight.mul(0.5)), bias: grads.bias },
    0,
  );
});

Deno.test("a learning rate of another dtype does not change that of the parameters", () => {
  const mixed = { x: tensor([1, 2]), y: double([3]) };
  for (const rate of [tensor(0.5), double(0.5), () => double(0.5), () => tensor(0.5)]) {
    const updates = firstUpdates(optim.sgd(rate), mixed, mixed);
    assertEquals(typesOf(updates), typesOf(mixed));
    assertTreesClose(updates, { x: tensor([-0.5, -1]), y: double([-1.5]) }, 0);
  }
});

Deno.test("a schedule sees how many updates were done before", () => {
  const seen: unknown[] = [];
  const schedule = (count: Tensor) => {
    seen.push(`${count.dtype} ${count.item()}`);
    return double(count.item() as number);
  };
  const updates = updatesOf(optim.scale(schedule), [double(1), double(1), double(1)], double(0));
  assertEquals(seen, ["int32 0", "int32 1", "int32 2"]);
  assertTreesClose(updates, [double(0), double(1), double(2)], 0);
});

Deno.test("a schedule may give a plain number", () => {
  const schedule = (() => 0.1) as unknown as optim.Schedule;
  assertTreesClose(firstUpdates(optim.sgd(schedule), double(3), double(0)), double(3 * -0.1), 0);
});

Deno.test("counts stay at their largest value", () => {
  const transform = optim.momentum(0.5);
  const count = tensor(2 ** 31 - 1, { dtype: "int32" });
  const [, state] = transform.update(double(1), { count, buffer: double(2) }, double(0));
  assertEquals(state.count.item(), 2 ** 31 - 1);
});

Deno.test("clipByGlobalNorm does not count leaves without a gradient", () => {
  const tree = { x: double([3, 4]), y: null, z: double([100]) };
  const [updates] = optim.clipByGlobalNorm(1).update({ ...tree, z: null }, null, tree);
  assertTreesClose(updates, { x: double([0.6, 0.8]), y: null, z: null }, 1e-6);
});

Deno.test("a norm that is not finite shows in every gradient", () => {
  const tree = { x: double([1, 2]), y: double([NaN]) };
  assertTreesClose(
    firstUpdates(optim.clipByGlobalNorm(1), tree, tree),
    { x: double([NaN, NaN]), y: double([NaN]) },
    0,
  );
});

Deno.test("globalNorm takes the widest dtype, and leaves integers and empty leaves out", () => {
  const tree = [tensor([3]), double([4]), tensor([100], { dtype: "int32" }), null, double([])];
  assertTreesClose(optim.globalNorm(tree), double(5), 1e-12);
  assertTreesClose(optim.globalNorm(tree, { ord: Infinity }), double(4), 0);
  assertTreesClose(optim.globalNorm({}), tensor(0), 0);
  assertTreesClose(optim.globalNorm([3, 4]), tensor(5), 0);
});

Deno.test("the derivative of globalNorm at zero is zero", () => {
  const norm = (tree: Tensor[]) => optim.globalNorm(tree);
  assertTreesClose(
    grad(norm)([double([0, 0]), double([0])]),
    [double([0, 0]), double([0])],
    0,
  );
  assertTreesClose(
    grad(norm)([double([0, 0]), double([2])]),
    [double([0, 0]), double([1])],
    0,
  );
});

Deno.test("a coordinate without gradients does not move, even with an epsilon of zero", () => {
  for (
    const optimizer of [
      optim.adam(0.1, { eps: 0 }),
      optim.rmsprop(0.1, { eps: 0, centered: true }),
      optim.adagrad(0.1, { eps: 0 }),
    ]
  ) {
    const updates = updatesOf(optimizer, [double([0, 1]), double([0, 1])], double([1, 1]));
    for (const update of updates) assertEquals(Math.abs(update.at(0).item() as number), 0);
  }
});

Deno.test("the types of states and updates follow from those of the parts", () => {
  const optimizer = optim.chain(optim.clipByValue(1), optim.momentum(0.9));
  const state = optimizer.init(params);
  assertType<IsExact<typeof state, [null, optim.MomentumState]>>(true);
  const [updates] = optimizer.update(grads, state, params);
  assertType<IsExact<typeof updates, { weight: Tensor; bias: Tensor }>>(true);
  const next = optim.applyUpdates(params, updates);
  assertType<IsExact<typeof next, typeof params>>(true);
  const any: optim.Optimizer = optimizer;
  assertType<IsExact<ReturnType<typeof any.init>, Tree<Tensor>>>(true);
});

Deno.test("each optimiser of a group takes the steps that it takes alone, and keeps state for no other", () => {
  const parts = { first: optim.adam(0.1), second: optim.sgd(0.5, { momentum: 0.9 }) };
  const optimizer = optim.multiTransform(parts, { weight: "first", bias: "second" });
  let state = optimizer.init(params);
  let [first, second] = [parts.first.init(params.weight), parts.second.init(params.bias)];
  for (let i = 0; i < 3; i++) {
    const [updates, next] = optimizer.update(grads, state, params);
    const [weight, nextFirst] = parts.first.update(grads.weight, first, params.weight);
    const [bias, nextSecond] = parts.second.update(grads.bias, second, params.bias);
    assertEquals(contentsOf(updates), contentsOf({ weight, bias }));
    [state, first, second] = [next, nextFirst, nextSecond];
  }
  const leaves = (x: unknown) => tree.leaves(x).map(contentsOf);
  assertEquals(leaves(state), [...leaves(first), ...leaves(second)]);
});

Deno.test("optimisers of parts of the parameters see the loss with the other parts in place", () => {
  const loss = ({ weight, bias }: typeof params) => weight.square().sum().mul(bias.square().sum());
  const inside = optim.sam(optim.sgd(0.1), { rho: 0.5 });
  const whole = { weight: params.weight, bias: null };
  const [alone] = inside.update(
    { weight: grads.weight, bias: null },
    inside.init(whole),
    whole,
    { loss: (part: typeof params) => loss({ ...params, weight: part.weight }) },
  );
  const optimizers = [
    optim.masked(inside, { weight: true, bias: false }),
    optim.multiTransform({ a: inside, b: optim.sgd(1) }, { weight: "a", bias: "b" }),
  ] as readonly optim.Optimizer[];
  for (const optimizer of optimizers) {
    const [updates] = optimizer.update(grads, optimizer.init(params), params, { loss });
    assertEquals(contentsOf(updates.weight), contentsOf(alone.weight));
  }
});

Deno.test("optimisers around optimisers hand the value of the loss on", () => {
  const plateau = () => optim.reduceOnPlateau({ factor: 0.5, patience: 1 });
  const around: readonly optim.Optimizer[] = [
    optim.multiSteps(plateau(), 1),
    optim.lookahead(plateau(), 5, 0.5),
    optim.applyIfFinite(plateau(), 1),
    optim.lossScale(plateau(), { initialScale: 1 }),
    optim.masked(plateau(), true),
    optim.injectHyperparams(plateau, {}),
  ] as never;
  for (const optimizer of around) {
    let state = optimizer.init(params);
    let updates: typeof params = params;
    for (const value of [1, 1]) {
      [updates, state] = optimizer.update(grads, state, params, { value });
    }
    assertTreesClose(updates.bias, grads.bias.mul(0.5), 0);
  }
});

Deno.test("a hyperparameter in the state may be replaced, and a schedule decides for itself", () => {
  const optimizer = optim.injectHyperparams(
    ({ rate, decay }) => optim.chain(optim.sgd(rate), optim.scale(decay)),
    { rate: 0.5, decay: optim.step(1, { every: 1, gamma: 0.5 }) },
  );
  let state = optimizer.init(double(0));
  const seen = [0.5, 0.25, 4].map((rate) => {
    const given = { ...state, hyperparams: { ...state.hyperparams, rate: double(rate) } };
    const [updates, next] = optimizer.update(double(1), given, double(0));
    state = next;
    return updates.item();
  });
  assertEquals(seen, [-0.5, -0.125, -1]);
});
