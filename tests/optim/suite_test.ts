import { checkProgram } from "../../src/core/check.ts";
import { evaluateProgram } from "../../src/core/program.ts";
import { Tensor } from "../../src/core/tensor.ts";
import { flatten, unflatten } from "../../src/core/tree.ts";
import { stack, tensor } from "../../src/functions/mod.ts";
import { loadTree, saveTree } from "../../src/io/tree.ts";
import { jit } from "../../src/jit.ts";
import * as optim from "../../src/optim/mod.ts";
import { key } from "../../src/random/key.ts";
import { grad } from "../../src/transforms/grad.ts";
import { makeProgram } from "../../src/transforms/stage.ts";
import { vmap } from "../../src/transforms/vmap.ts";
import { assert, assertEquals, assertStrictEquals } from "../support/std.ts";
import { assertTreesClose, contentsOf, double, freezeTree, mapTree, typesOf } from "./trees.ts";

// One suite for all optimisers: whatever is added to this list must keep every promise of
// `Optimizer`.

interface Row {
  /** The optimiser for a learning rate. */
  readonly make: (rate: optim.LearningRate) => optim.Optimizer;
  /** A rate and a number of steps that bring down a parabola and Rosenbrock's function. */
  readonly parabola: readonly [rate: number, steps: number];
  readonly rosenbrock: readonly [rate: number, steps: number];
  /** Where it begins in the valley, if signs of parameters never change. */
  readonly start?: readonly [x: number, y: number];
  /** Whether an update of one leaf depends on the others. */
  readonly mixesLeaves?: boolean;
  /** Whether random numbers of either dtype are others. */
  readonly draws?: boolean;
}

const rows: Readonly<Record<string, Row>> = {
  sgd: { make: (rate) => optim.sgd(rate), parabola: [0.1, 100], rosenbrock: [1e-3, 2000] },
  "sgd with momentum": {
    make: (rate) => optim.sgd(rate, { momentum: 0.9 }),
    parabola: [0.02, 150],
    rosenbrock: [1e-3, 1000],
  },
  "sgd with dampening and weight decay": {
    make: (rate) => optim.sgd(rate, { momentum: 0.9, dampening: 0.5, weightDecay: 1e-4 }),
    parabola: [0.02, 300],
    rosenbrock: [1e-3, 1500],
  },
  "sgd with nesterov": {
    make: (rate) => optim.sgd(rate, { momentum: 0.9, nesterov: true }),
    parabola: [0.02, 150],
    rosenbrock: [1e-3, 1000],
  },
  adam: { make: (rate) => optim.adam(rate), parabola: [0.1, 300], rosenbrock: [0.05, 1000] },
  "adam with amsgrad and weight decay": {
    make: (rate) => optim.adam(rate, { amsgrad: true, weightDecay: 1e-4 }),
    parabola: [0.1, 300],
    rosenbrock: [0.05, 1500],
  },
  adamw: {
    make: (rate) => optim.adamw(rate, { weightDecay: 1e-4 }),
    parabola: [0.1, 300],
    rosenbrock: [0.05, 1000],
  },
  rmsprop: {
    make: (rate) => optim.rmsprop(rate),
    parabola: [0.01, 500],
    rosenbrock: [0.005, 1500],
  },
  "rmsprop, centered and with momentum": {
    make: (rate) => optim.rmsprop(rate, { centered: true, momentum: 0.5 }),
    parabola: [0.005, 500],
    rosenbrock: [0.001, 2000],
  },
  adagrad: { make: (rate) => optim.adagrad(rate), parabola: [1, 200], rosenbrock: [0.5, 1500] },
  "adagrad with its own decay": {
    make: (rate) => optim.adagrad(rate, { lrDecay: 1e-3, initialAccumulator: 0.1 }),
    parabola: [1, 200],
    rosenbrock: [0.5, 1500],
  },
  adamax: { make: (rate) => optim.adamax(rate), parabola: [0.1, 300], rosenbrock: [0.05, 1500] },
  "nadam with weight decay": {
    make: (rate) => optim.nadam(rate, { weightDecay: 1e-4 }),
    parabola: [0.1, 300],
    rosenbrock: [0.05, 1000],
  },
  radam: { make: (rate) => optim.radam(rate), parabola: [0.1, 300], rosenbrock: [5e-3, 1000] },
  rprop: { make: (rate) => optim.rprop(rate), parabola: [0.1, 100], rosenbrock: [0.01, 500] },
  adadelta: {
    make: (rate) => optim.adadelta(rate, { eps: 1e-6 }),
    parabola: [20, 500],
    rosenbrock: [1, 500],
  },
  adabelief: {
    make: (rate) => optim.adabelief(rate, { eps: 1e-8 }),
    parabola: [0.1, 300],
    rosenbrock: [0.05, 1500],
  },
  lion: {
    make: (rate) => optim.lion(rate, { weightDecay: 1e-4 }),
    parabola: [0.05, 300],
    rosenbrock: [5e-3, 2000],
  },
  lamb: {
    make: (rate) => optim.lamb(rate),
    parabola: [0.1, 300],
    rosenbrock: [5e-3, 1000],
    start: [0.3, 0.5],
  },
  lars: {
    make: (rate) => optim.lars(rate, { coefficient: 1, momentum: 0.5 }),
    parabola: [0.05, 300],
    rosenbrock: [2e-3, 1000],
    start: [0.3, 0.5],
  },
  muon: { make: (rate) => optim.muon(rate), parabola: [0.1, 300], rosenbrock: [0.05, 1000] },
  yogi: { make: (rate) => optim.yogi(rate), parabola: [0.1, 300], rosenbrock: [0.05, 1000] },
  adan: {
    make: (rate) => optim.adan(rate, { weightDecay: 1e-4 }),
    parabola: [0.1, 600],
    rosenbrock: [0.02, 1000],
  },
  signum: {
    make: (rate) => optim.signSgd(rate, { beta: 0.9 }),
    parabola: [0.05, 300],
    rosenbrock: [5e-3, 2000],
  },
  "polyakSgd, slowed down": {
    make: (rate) => optim.chain(optim.polyakSgd(), optim.scale(-1), optim.sgd(rate)),
    parabola: [1, 300],
    rosenbrock: [0.5, 2000],
    mixesLeaves: true,
  },
  novograd: {
    make: (rate) => optim.novograd(rate),
    parabola: [0.1, 300],
    rosenbrock: [5e-3, 1500],
  },
  "adafactor with weight decay": {
    make: (rate) => optim.adafactor(rate, { weightDecay: 1e-4 }),
    parabola: [0.1, 300],
    rosenbrock: [0.02, 1500],
    start: [0.3, 0.5],
  },
  "scaleByLbfgs without a search": {
    make: (rate) => optim.chain(optim.scaleByLbfgs({ memory: 3 }), optim.sgd(rate)),
    parabola: [0.5, 40],
    rosenbrock: [0.2, 300],
    mixesLeaves: true,
  },
  noisySgd: {
    make: (rate) => optim.noisySgd(rate, key(1)),
    parabola: [0.1, 200],
    rosenbrock: [1e-3, 2000],
    mixesLeaves: true,
    draws: true,
  },
  sophia: {
    make: (rate) => optim.sophia(rate, key(1), { every: 5 }),
    parabola: [0.1, 300],
    rosenbrock: [5e-3, 1000],
  },
  sam: {
    make: (rate) => optim.sam(optim.adam(rate), { rho: 0.01 }),
    parabola: [0.1, 300],
    rosenbrock: [0.05, 1000],
    mixesLeaves: true,
  },
  "sgd with steps that shrink on a plateau": {
    make: (rate) => optim.chain(optim.sgd(rate), optim.reduceOnPlateau({ patience: 20 })),
    parabola: [0.1, 100],
    rosenbrock: [1e-3, 2000],
  },
  "adam with its rate in the state": {
    make: (rate) => optim.injectHyperparams(({ rate }) => optim.adam(rate), { rate }),
    parabola: [0.1, 300],
    rosenbrock: [0.05, 1000],
  },
  scheduleFree: {
    make: (rate) => optim.scheduleFree(optim.sgd(rate), rate),
    parabola: [0.1, 300],
    rosenbrock: [1e-3, 2000],
  },
  "a chain that centralizes and takes no NaN": {
    make: (rate) => optim.chain(optim.zeroNans(), optim.centralize(), optim.sgd(rate)),
    parabola: [0.1, 100],
    rosenbrock: [1e-3, 2000],
  },
  "a chain with clipping": {
    make: (rate) =>
      optim.chain(optim.clipByGlobalNorm(2), optim.momentum(0.5), optim.scaleByLearningRate(rate)),
    parabola: [0.1, 100],
    rosenbrock: [2e-3, 1500],
    mixesLeaves: true,
  },
  "a chain with clipped values": {
    make: (rate) => optim.chain(optim.clipByValue(10), optim.scale(2), optim.sgd(rate)),
    parabola: [0.1, 100],
    rosenbrock: [1e-3, 2000],
  },
  ema: {
    make: (rate) => optim.chain(optim.ema(0.5), optim.sgd(rate)),
    parabola: [0.1, 100],
    rosenbrock: [1e-3, 2000],
  },
  "steps of two gradients": {
    make: (rate) => optim.multiSteps(optim.adam(rate), 2),
    parabola: [0.1, 500],
    rosenbrock: [0.05, 2000],
  },
  "steps that are finite": {
    make: (rate) => optim.applyIfFinite(optim.adam(rate), 2),
    parabola: [0.1, 300],
    rosenbrock: [0.05, 1000],
  },
  lookahead: {
    make: (rate) => optim.lookahead(optim.adam(rate), 2, 0.5),
    parabola: [0.1, 500],
    rosenbrock: [0.05, 2000],
  },
  "three optimisers for three groups": {
    make: (rate) =>
      optim.multiTransform(
        { adam: optim.adam(rate), sgd: optim.sgd(rate), still: optim.setToZero() },
        (path) => path.endsWith("x") ? "adam" : path.endsWith("none") ? "still" : "sgd",
      ),
    parabola: [0.05, 300],
    rosenbrock: [4e-3, 2000],
  },
  "two optimisers for two parts": {
    make: (rate) => optim.masked(optim.adam(rate), (path) => path.endsWith("x"), optim.sgd(rate)),
    parabola: [0.05, 300],
    rosenbrock: [4e-3, 2000],
  },
};

/** Registers a test for every optimiser. */
function testAll(sentence: string, check: (row: Row) => void): void {
  for (const [name, row] of Object.entries(rows)) {
    Deno.test(`${name}: ${sentence}`, () => check(row));
  }
}

type Params = ReturnType<typeof makeParams>;

/** Parameters of every kind: nested, of both float dtypes, with a hole and a counter. */
function makeParams() {
  return {
    x: double([1, -2, 0.5]),
    layers: [
      { weight: tensor([[1, 2], [3, 4]]), x: tensor([0.25, -0.75]) },
      { weight: null, x: double(3) },
    ],
    empty: {},
    none: tensor(new Float64Array(0)),
    count: tensor(7, { dtype: "int32" }),
  };
}

function makeGrads(seed: number) {
  const wave = (shape: readonly number[], dtype: "float32" | "float64") => {
    const size = shape.reduce((product, length) => product * length, 1);
    const values = Float64Array.from({ length: size }, (_, i) => Math.sin(seed * 7 + i * 3 + 1));
    return tensor(values).reshape(shape).astype(dtype);
  };
  return {
    x: wave([3], "float64"),
    layers: [
      { weight: wave([2, 2], "float32"), x: wave([2], "float32") },
      { weight: null, x: wave([], "float64") },
    ],
    empty: {},
    none: wave([0], "float64"),
    count: null,
  };
}

/** What some optimisers need beside gradients. */
const extras: optim.UpdateExtras = {
  value: 1,
  loss: (params) =>
    flatten<Tensor>(params).leaves.map((x) => x.astype("float64").sub(1).square().sum())
      .reduce((sum, x) => sum.add(x), double(0)),
};

/** The updates and states of some steps, from different gradients. */
function run<P>(optimizer: optim.Optimizer, params: P, grads: readonly unknown[]) {
  let state = optimizer.init(params);
  const updates: unknown[] = [];
  const states: optim.OptimizerState[] = [state];
  for (const gradient of grads) {
    const [update, next] = optimizer.update(gradient, state, params, extras);
    updates.push(update);
    states.push(next);
    state = next;
  }
  return { updates, states };
}

testAll("changes none of its arguments", ({ make }) => {
  const optimizer = make(0.1);
  const params = freezeTree(makeParams());
  let state = freezeTree(optimizer.init(params));
  for (let i = 0; i < 3; i++) {
    const grads = freezeTree(makeGrads(i));
    const before = [contentsOf(grads), contentsOf(state), contentsOf(params)];
    const [updates, next] = optimizer.update(grads, state, params, extras);
    optim.applyUpdates(params, freezeTree(updates));
    assertEquals([contentsOf(grads), contentsOf(state), contentsOf(params)], before);
    state = freezeTree(next);
  }
});

testAll("gives the same results for the same arguments", ({ make }) => {
  const grads = [0, 1, 2].map(makeGrads);
  const first = run(make(0.1), makeParams(), grads);
  const second = run(make(0.1), makeParams(), grads);
  assertEquals(contentsOf(first), contentsOf(second));
});

testAll(
  "keeps the structure, shapes and dtypes of its state, which holds only tensors",
  ({ make }) => {
    const { states } = run(
      make(optim.cosine(0.1, { steps: 9 })),
      makeParams(),
      [0, 1].map(makeGrads),
    );
    for (const leaf of flatten(states).leaves) assert(leaf instanceof Tensor);
    for (const state of states) assertEquals(typesOf(state), typesOf(states[0]));
  },
);

testAll("gives updates and new parameters like the parameters", ({ make }) => {
  const params = makeParams();
  const optimizer = make(0.1);
  const [updates] = optimizer.update(makeGrads(0), optimizer.init(params), params, extras);
  assertEquals(typesOf(updates), typesOf(makeGrads(0)));
  const next = optim.applyUpdates(params, updates);
  assertEquals(typesOf(next), typesOf(params));
  assertEquals(Object.keys(next), Object.keys(params));
});

testAll("leaves holes, integers and leaves without a gradient alone", ({ make }) => {
  const params = makeParams();
  const optimizer = make(0.1);
  const state = run(optimizer, params, [makeGrads(0)]).states[1];
  const grads = { ...makeGrads(1), x: null };
  const [updates, next] = optimizer.update(grads, state, params, extras);
  const applied = optim.applyUpdates(params, updates);
  assertStrictEquals(updates.count as Tensor | null, null);
  assertStrictEquals(updates.x as Tensor | null, null);
  assertStrictEquals(updates.layers[1].weight, null);
  assertStrictEquals(applied.count, params.count);
  assertStrictEquals(applied.x, params.x);
  assertEquals(typesOf(next), typesOf(state));
  assertEquals(contentsOf(stateAt(next, "x")), contentsOf(stateAt(state, "x")));
  const remembers = flatten(state).leaves.length > 0;
  const moved = JSON.stringify(contentsOf(next)) !== JSON.stringify(contentsOf(state));
  assertEquals(moved, remembers);
});

/** The leaves of a state that belong to the parameter of this name at the top. */
function stateAt(state: unknown, name: string): unknown[] {
  if (typeof state !== "object" || state === null || state instanceof Tensor) return [];
  if (name in state) return [(state as Record<string, unknown>)[name]];
  return Object.values(state).flatMap((part) => stateAt(part, name));
}

testAll("takes trees without leaves", ({ make }) => {
  for (const empty of [{}, [], null, { a: [], b: null }]) {
    const optimizer = make(0.1);
    const [updates, state] = optimizer.update(empty, optimizer.init(empty), empty, extras);
    assertEquals(updates as unknown, empty);
    assertEquals(optim.applyUpdates(empty as unknown, updates) as unknown, empty);
    assertEquals(typesOf(state), typesOf(optimizer.init(empty)));
  }
});

testAll("takes numbers for scalar leaves", ({ make }) => {
  const optimizer = make(0.1);
  const [updates] = optimizer.update({ x: 2 }, optimizer.init({ x: 3 }), { x: 3 }, extras);
  const [expected] = optimizer.update(
    { x: tensor(2) },
    optimizer.init({ x: tensor(3) }),
    { x: tensor(3) },
    extras,
  );
  assertEquals(contentsOf(updates), contentsOf(expected));
});

testAll("treats a tree as its leaves one by one", ({ make, mixesLeaves }) => {
  const [x, y] = [double([1, 2]), double([[3]])];
  const grads = [0, 1, 2].map((i) => [double([i + 1, -0.5]), double([[0.3 - i]])]);
  const whole = run(
    make(0.1),
    { a: { x }, b: [{ x: y }] },
    grads.map(([g, h]) => ({
      a: { x: g },
      b: [{ x: h }],
    })),
  );
  const first = run(make(0.1), { x }, grads.map(([g]) => ({ x: g })));
  const second = run(make(0.1), { x: y }, grads.map(([, h]) => ({ x: h })));
  const parts = first.updates.map((update, i) => ({ a: update, b: [second.updates[i]] }));
  const isEqual = JSON.stringify(contentsOf(whole.updates)) === JSON.stringify(contentsOf(parts));
  assertEquals(isEqual, mixesLeaves !== true);
});

testAll("computes alike in float32 and float64", ({ make, draws }) => {
  if (draws) return;
  const convert = (tree: unknown, dtype: "float32" | "float64") =>
    mapTree(tree, (leaf) => leaf.dtype === "int32" ? leaf : leaf.astype(dtype));
  const results = (["float32", "float64"] as const).map((dtype) => {
    const params = convert(makeParams(), dtype) as Params;
    const grads = [0, 1, 2].map((i) => convert(makeGrads(i), dtype));
    return run(make(0.1), params, grads).updates;
  });
  assertTreesClose(mapTree(results[0], (leaf) => leaf.astype("float64")), results[1], 2e-6);
});

testAll("finds the minimum of a parabola", ({ make, parabola: [rate, steps] }) => {
  const loss = ({ x, y }: { x: Tensor; y: Tensor }) =>
    x.sub(1).square().sum().add(y.add(2).square().mul(3).sum());
  let params = { x: double([0, 3]), y: double([-1]) };
  const optimizer = make(optim.polynomial(rate, { steps }));
  let state = optimizer.init(params);
  for (let i = 0; i < steps; i++) {
    const value = loss(params);
    const [updates, next] = optimizer.update(grad(loss)(params), state, params, { value, loss });
    params = optim.applyUpdates(params, updates);
    state = next;
  }
  assertTreesClose(params, { x: double([1, 1]), y: double([-2]) }, 2e-2);
});

testAll("descends into Rosenbrock's valley", ({ make, rosenbrock: [rate, steps], start }) => {
  // The gradient by hand, in plain numbers: the steps are what is tested.
  const gradient = (x: number, y: number) => ({
    x: double(-2 * (1 - x) - 400 * x * (y - x * x)),
    y: double(200 * (y - x * x)),
  });
  const lossAt = (x: number, y: number) => (1 - x) ** 2 + 100 * (y - x * x) ** 2;
  const loss = ({ x, y }: { x: Tensor; y: Tensor }) =>
    x.neg().add(1).square().add(y.sub(x.square()).square().mul(100));
  const read = (params: { x: Tensor; y: Tensor }) =>
    [params.x.item() as number, params.y.item() as number] as const;
  const [x, y] = start ?? [-1, 0.5];
  let params = { x: double(x), y: double(y) };
  const optimizer = make(rate);
  let state = optimizer.init(params);
  for (let i = 0; i < steps; i++) {
    const own = { value: lossAt(...read(params)), loss };
    const [updates, next] = optimizer.update(gradient(...read(params)), state, params, own);
    params = optim.applyUpdates(params, updates);
    state = next;
  }
  assert(lossAt(x, y) > 15);
  assert(lossAt(...read(params)) < 0.3, `the loss is still ${lossAt(...read(params))}`);
});

testAll("is its own program", ({ make }) => {
  const optimizer = make(optim.warmupCosine(0.1, { warmupSteps: 2, totalSteps: 9 }));
  const step = (grads: unknown, state: optim.OptimizerState, params: unknown) => {
    const [updates, next] = optimizer.update(grads, state, params, extras);
    return [optim.applyUpdates(params, updates), next];
  };
  const params = makeParams();
  const states = run(optimizer, params, [makeGrads(0), makeGrads(1)]).states;
  const program = makeProgram(step)(makeGrads(0), states[0], params);
  checkProgram(program);
  states.forEach((state, i) => {
    const args = [makeGrads(i + 3), state, params];
    const expected = flatten(step(makeGrads(i + 3), state, params));
    const results = evaluateProgram(program, flatten<Tensor>(args).leaves);
    assertEquals(
      contentsOf(unflatten(expected.structure, results)),
      contentsOf(unflatten(expected.structure, expected.leaves)),
    );
  });
});

testAll("is compiled to what it is", ({ make }) => {
  const optimizer = make(optim.exponential(0.1, { gamma: 0.9 }));
  const grads = [0, 1].map(makeGrads);
  const update = jit((g: unknown, s: optim.OptimizerState, p: unknown) =>
    optimizer.update(g, s, p, extras)
  );
  const compiled = {
    ...optimizer,
    update: (g, s, p) => update(g, s, p),
  } as optim.Optimizer;
  const [first, second] = [optimizer, compiled].map((o) => run(o, makeParams(), grads));
  const wide = (tree: unknown) => mapTree(tree, (leaf) => leaf.astype("float64"));
  assertEquals(typesOf(second), typesOf(first));
  assertTreesClose(wide(second), wide(first), 1e-6);
});

testAll("goes on from a state that was saved and loaded", ({ make }) => {
  const optimizer = make(optim.exponential(0.1, { gamma: 0.9 }));
  const [params, state] = [makeParams(), run(optimizer, makeParams(), [makeGrads(0)]).states[1]];
  const loaded = loadTree(saveTree(state)) as typeof state;
  assertEquals(contentsOf(loaded), contentsOf(state));
  const [next, wanted] = [loaded, state].map((s) =>
    optimizer.update(makeGrads(1), s, params, extras)
  );
  assertEquals(contentsOf(next), contentsOf(wanted));
});

testAll("starts under tracing as it does without", ({ make }) => {
  const params = makeParams();
  const init = (tree: unknown) => make(0.1).init(tree);
  const program = makeProgram(init)(params);
  checkProgram(program);
  const results = evaluateProgram(program, flatten<Tensor>(params).leaves);
  const { structure } = flatten(init(params));
  assertEquals(contentsOf(unflatten(structure, results)), contentsOf(init(params)));
});

testAll("runs as a batch, each with its own learning rate and state", ({ make }) => {
  const params = makeParams();
  const rates = [0, 0.01, 0.3];
  const train = (rate: Tensor) => {
    const { updates, states } = run(make(rate), params, [makeGrads(0), makeGrads(1)]);
    return { updates, state: states[2] };
  };
  const batch = vmap(train)(double(rates));
  const each = rates.map((rate) => train(double(rate)));
  const { structure } = flatten(each[0]);
  const leaves = each.map((result) => flatten<Tensor>(result).leaves);
  const stacked = leaves[0].map((_, i) => stack(leaves.map((list) => list[i])));
  assertTreesClose(batch, unflatten(structure, stacked), 1e-7);
});

testAll("continues a batch of states", ({ make }) => {
  const optimizer = make(optim.exponential(0.1, { gamma: 0.5 }));
  const params = [double([[1, 2], [3, 4], [5, 6]])];
  const grads = [double([[0.1, 0.2], [-0.3, 0.4], [0.5, -0.6]])];
  const takeStep = (g: unknown, state: optim.OptimizerState, p: unknown) =>
    optimizer.update(g, state, p, extras);
  const state = vmap(optimizer.init)(params);
  const [, second] = vmap(takeStep)(grads, state, params);
  const [updates] = vmap(takeStep)(grads, second, params);
  const rowsOf = (tree: readonly Tensor[], i: number) => tree.map((leaf) => leaf.at(i));
  const expected = [0, 1, 2].map((i) => {
    const { updates } = run(optimizer, rowsOf(params, i), [rowsOf(grads, i), rowsOf(grads, i)]);
    return (updates[1] as Tensor[])[0];
  });
  assertTreesClose(updates, [stack(expected)], 1e-15);
});

testAll("is differentiated by its learning rate", ({ make }) => {
  // The second coordinate never has a gradient: its derivative must be zero, not NaN.
  const loss = ([x]: Tensor[]) => x.mul(double([1, 0, 3])).square().sum();
  const train = (rate: Tensor) => {
    const optimizer = make(rate);
    let params = [double([1, 2, -0.5])];
    let state = optimizer.init(params);
    for (let i = 0; i < 3; i++) {
      const own = { value: loss(params), loss };
      const [updates, next] = optimizer.update(grad(loss)(params), state, params, own);
      params = optim.applyUpdates(params, updates);
      state = next;
    }
    return loss(params);
  };
  const at = 0.02;
  const step = 2e-5;
  const rise = (h: number) =>
    (train(double(at + h)).item() as number) - (train(double(at - h)).item() as number);
  // Central differences of the fourth order.
  const slope = (8 * rise(step) - rise(2 * step)) / (12 * step);
  assert(Math.abs(slope) > 1e-3);
  assertTreesClose(grad(train)(double(at)), double(slope), 1e-8 * Math.max(1, Math.abs(slope)));
});
