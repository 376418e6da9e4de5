import nnFixture from "../fixtures/nn.json" with { type: "json" };
import windows from "../fixtures/windows.json" with { type: "json" };
import type { Dtype } from "../../src/base/dtype.ts";
import { checkProgram } from "../../src/core/check.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import { mean, mul, notEqual, ones, stack, sum, tensor, zeros } from "../../src/functions/mod.ts";
import type { Layer } from "../../src/nn/layer.ts";
import * as nn from "../../src/nn/mod.ts";
import { bernoulli, foldIn, key as makeKey, split } from "../../src/random/mod.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import { grad, makeProgram, vjp, vmap } from "../../src/transforms/mod.ts";
import * as tree from "../../src/tree.ts";
import { assert, assertEquals, assertType } from "../support/std.ts";
import type { IsExact } from "../support/std.ts";
import { assertRefused, fromFixture, wrong } from "./support.ts";
import type { Written } from "./support.ts";

// deno-lint-ignore no-explicit-any
type AnyLayer = Layer<any, any>;

type Dict = Readonly<Record<string, Written>>;

interface Case {
  readonly layer: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly stateDict: Dict;
  readonly steps: readonly {
    readonly train: boolean;
    readonly x: Written;
    readonly y: Written;
    readonly cotangent: Written;
    readonly dx: Written | null;
    readonly grads: Dict;
    readonly stateAfter: Dict;
  }[];
}

const cases = nnFixture.layers as unknown as readonly Case[];

/** The positional arguments of each layer, by PyTorch's names. */
const positional: Readonly<Record<string, readonly string[]>> = {
  linear: ["inFeatures", "outFeatures"],
  conv2d: ["inChannels", "outChannels", "kernelSize"],
  batchNorm: ["numFeatures"],
  layerNorm: ["normalizedShape"],
  groupNorm: ["numGroups", "numChannels"],
  embedding: ["numEmbeddings", "embeddingDim"],
};

function makeLayer({ layer, options }: Case, dtype: Dtype): AnyLayer {
  const names = positional[layer];
  const rest = Object.entries(options).filter(([name]) => !names.includes(name));
  const make = nn[layer as "linear"] as (...args: unknown[]) => AnyLayer;
  return make(...names.map((name) => options[name]), { ...Object.fromEntries(rest), dtype });
}

function readDict(dict: Dict, dtype: Dtype): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(dict).map(([name, value]) => [
      name,
      fromFixture(value, name === "num_batches_tracked" ? "int32" : dtype),
    ]),
  );
}

const key = makeKey(7);

const tolerances: Readonly<Record<string, { rtol: number; atol: number }>> = {
  float64: { rtol: 1e-12, atol: 1e-13 },
  float32: { rtol: 1e-5, atol: 1e-5 },
};

for (const dtype of ["float64", "float32"] satisfies Dtype[]) {
  for (const [place, given] of cases.entries()) {
    const { layer: name, options, stateDict, steps } = given;
    Deno.test(`layer ${place}, ${name} ${JSON.stringify(options)}, equals PyTorch's in ${dtype}`, () => {
      const tolerance = tolerances[dtype];
      const layer = makeLayer(given, dtype);
      const fresh = layer.init(key);
      const [params, first] = nn.fromStateDict(readDict(stateDict, dtype), ...fresh);
      let state = first;
      for (const [i, step] of steps.entries()) {
        const at = (what: string) => ({ ...tolerance, message: `${what} of step ${i}` });
        const isInteger = step.dx === null;
        const x = fromFixture(step.x, isInteger ? "int32" : dtype);
        const before = nn.toStateDict(params, state);
        const copies = Object.values(before).map((leaf) => leaf.toArray());
        const context = { train: step.train };
        const f = (p: unknown, x: Tensor) => layer.apply(p, state, x, context)[0];
        const [y, pullback] = vjp(f, params, x);
        assertTensorsClose(y, fromFixture(step.y, dtype), at("y"));
        const [slopes, dx] = pullback(fromFixture(step.cotangent, dtype));
        assertTensorsClose(nn.toStateDict(slopes), readDict(step.grads, dtype), at("gradients"));
        if (step.dx === null) assertEquals(dx, null);
        else assertTensorsClose(dx, fromFixture(step.dx, dtype), at("dx"));
        const next = layer.apply(params, state, x, context)[1];
        assertTensorsClose(nn.toStateDict(next), readDict(step.stateAfter, dtype), at("state"));
        // Nothing that went in has changed.
        assertEquals(Object.values(before).map((leaf) => leaf.toArray()), copies);
        state = next;
      }
    });
  }
}

for (const [place, given] of cases.entries()) {
  const { layer: name, options, stateDict, steps } = given;
  const label = `layer ${place}, ${name} ${JSON.stringify(options)},`;
  const layer = makeLayer(given, "float64");
  const fresh = layer.init(key);
  const dict = readDict(stateDict, "float64");
  const [params, state] = nn.fromStateDict(dict, ...fresh);
  const step = steps[0];
  const isInteger = step.dx === null;
  const x = fromFixture(step.x, isInteger ? "int32" : "float64");
  const context = { train: step.train };

  Deno.test(`${label} has PyTorch's keys, shapes and dtypes`, () => {
    const names = Object.keys(nn.toStateDict(...fresh));
    assertEquals(names, Object.keys(stateDict).sort());
    for (const [name, leaf] of Object.entries(nn.toStateDict(...fresh))) {
      assertEquals(leaf.shape, dict[name].shape);
      assertEquals(leaf.dtype, name === "num_batches_tracked" ? "int32" : "float64");
    }
    const plain = makeLayer(given, "float32").init(key);
    assertEquals(plain.flatMap((part) => tree.leaves(part)).length, names.length);
  });

  Deno.test(`${label} maps over inputs and over parameters`, () => {
    const f = (p: unknown, s: unknown, x: Tensor) => layer.apply(p, s, x, context);
    const xs = isInteger ? stack([x, x]) : stack([x, x.mul(2).add(0.25)]);
    const loop = [0, 1].map((i) => f(params, state, xs.at(i)));
    const both = tree.map((a: Tensor, b: Tensor) => stack([a, b]), loop[0], loop[1]);
    assertTensorsClose(vmap(f, [null, null, 0])(params, state, xs), both);
    const several = tree.map((leaf: Tensor) => stack([leaf, leaf.mul(2)]), params);
    const doubled = tree.map((leaf: Tensor) => leaf.mul(2), params);
    const ensemble = vmap((p: unknown) => f(p, state, x)[0], 0, 0, { axisSize: 2 })(several);
    const expected = [params, doubled].map((p) => f(p, state, x)[0]);
    assertTensorsClose(ensemble, stack(expected));
  });

  Deno.test(`${label} becomes a well-formed program, and so does its gradient`, () => {
    const loss = (p: unknown, x: Tensor) => sum(layer.apply(p, state, x, context)[0].square());
    const program = makeProgram(loss)(params, x);
    checkProgram(program);
    assert(program.equations.length > 0);
    checkProgram(makeProgram(grad(loss))(params, x));
    checkProgram(
      makeProgram((p: unknown, s: unknown) => layer.apply(p, s, x, context))(params, state),
    );
  });

  if (!isInteger) {
    Deno.test(`${label} has right first and second derivatives`, () => {
      const f = (p: unknown, x: Tensor) => layer.apply(p, state, x, context)[0];
      checkGrads(f, [params, x], { rtol: 1e-5, atol: 1e-5 });
    });
  }
}

Deno.test("running statistics carry no derivative", () => {
  const layer = nn.batchNorm(2, { dtype: "float64" });
  const [params, state] = layer.init(key);
  const x = tensor([[1, 2], [3, 5], [-1, 0]], { dtype: "float64" });
  const loss = (x: Tensor) => {
    const { running_mean, running_var } = layer.apply(params, state, x, { train: true })[1];
    return sum(running_mean.add(running_var));
  };
  assertTensorsClose(grad(loss)(x), zeros([3, 2], { dtype: "float64" }));
});

Deno.test("batchNorm keeps a float32 state beside a float64 input, and counts in int32", () => {
  const layer = nn.batchNorm(2);
  const [params, state] = layer.init(key);
  const x = tensor([[1, 2], [3, 5]], { dtype: "float64" });
  const [y, next] = layer.apply(params, state, x, { train: true });
  assertEquals(y.dtype, "float64");
  const dtypes = Object.values(next as unknown as Record<string, Tensor>).map((leaf) => leaf.dtype);
  assertEquals(dtypes, ["float32", "float32", "int32"]);
});

Deno.test("evaluation gives back the very same state", () => {
  const layer = nn.sequential(nn.batchNorm(2), nn.relu);
  const [params, state] = layer.init(key);
  const next = layer.apply(params, state, ones([3, 2]))[1];
  assertTensorsClose(next, state, { rtol: 0, atol: 0 });
  assert(next[0].running_mean === state[0].running_mean);
});

Deno.test("an embedding's padding row starts at zero and stays, wherever it is counted from", () => {
  for (const paddingIdx of [0, 2, -1, -3]) {
    const layer = nn.embedding(3, 2, { paddingIdx });
    const [params] = layer.init(key);
    const row = (paddingIdx + 3) % 3;
    assertEquals(params.weight.at(row).toArray(), [0, 0]);
    const x = tensor([0, 1, 2, row], { dtype: "int32" });
    const slope = grad((p: typeof params) => sum(layer.apply(p, {}, x)[0]))(params);
    const expected = [0, 1, 2].map((i) => i === row ? [0, 0] : [1, 1]);
    assertTensorsClose(slope.weight, expected);
  }
});

Deno.test("an embedding takes every integer dtype and shape", () => {
  const layer = nn.embedding(4, 2);
  const [params] = layer.init(key);
  const x = tensor([[3, 0, 1]], { dtype: "uint32" });
  const [y] = layer.apply(params, {}, x);
  assertEquals(y.shape, [1, 3, 2]);
  assertTensorsClose(y.at(0, 0), params.weight.at(3));
});

// ---- pooling ------------------------------------------------------------------------------------------

interface PoolCase {
  readonly window?: number | readonly number[];
  readonly outputSize?: readonly number[];
  readonly options?: object;
  readonly x: Written;
  readonly y: Written;
  readonly cotangent: Written;
  readonly dx: Written;
}

for (const name of ["maxPool", "avgPool", "adaptiveAvgPool2d"] as const) {
  for (const [place, given] of (windows[name] as unknown as PoolCase[]).entries()) {
    const { window, outputSize, options = {} } = given;
    const x = fromFixture(given.x);
    if (x.ndim !== 4) continue;
    const layer = name === "adaptiveAvgPool2d"
      ? nn.adaptiveAvgPool2d(wrong(outputSize))
      : nn[`${name}2d`](wrong(window), options);
    Deno.test(`pooling ${place}, ${name}, equals PyTorch's`, () => {
      const [y, pullback] = vjp((x: Tensor) => layer.apply({}, {}, x)[0], x);
      const tolerance = { rtol: 1e-13, atol: 1e-14 };
      assertTensorsClose(y, fromFixture(given.y), tolerance);
      const [dx] = pullback(fromFixture(given.cotangent));
      assertTensorsClose(dx, fromFixture(given.dx), tolerance);
      assertTensorsClose(vmap((x: Tensor) => layer.apply({}, {}, x)[0])(stack([x, x])).at(1), y);
    });
  }
}

Deno.test("an infinity stays in its region of an adaptive pooling", () => {
  const x = tensor([[[[1, 2, 3, Infinity], [4, 5, 6, 7], [7, 8, 9, NaN]]]]);
  const [y] = nn.adaptiveAvgPool2d(2).apply({}, {}, x);
  assertTensorsClose(y, [[[[3, Infinity], [6, NaN]]]]);
});

Deno.test("adaptive pooling enlarges, and takes integers", () => {
  const x = tensor([[[[1, 2], [3, 4]]]], { dtype: "int32" });
  const [y] = nn.adaptiveAvgPool2d([1, 3]).apply({}, {}, x);
  assertEquals(y.dtype, "float32");
  assertTensorsClose(y, [[[[2, 2.5, 3]]]]);
});

// ---- dropout ------------------------------------------------------------------------------------------

Deno.test("dropout does nothing outside training, at rate 0, and with no key needed", () => {
  const x = tensor([1, -2, 3]);
  assert(nn.dropout(0.5).apply({}, {}, x)[0] === x);
  assert(nn.dropout(0.5).apply({}, {}, x, { train: false, key })[0] === x);
  assert(nn.dropout(0).apply({}, {}, x, { train: true })[0] === x);
});

Deno.test("dropout zeroes with its rate and divides by what is left", () => {
  const x = ones([10000]);
  const [y] = nn.dropout(0.2).apply({}, {}, x, { train: true, key });
  const values = new Set(y.data());
  assertEquals([...values].sort(), [0, Math.fround(1.25)]);
  const kept = Number(mean(notEqual(y, 0).astype("float32")).item());
  // Five standard deviations of the mean of so many draws.
  assert(Math.abs(kept - 0.8) < 5 * Math.sqrt(0.2 * 0.8 / 10000), String(kept));
  const mask = bernoulli(key, 0.8, [10000]);
  assertTensorsClose(y, mask.astype("float32").mul(1.25));
});

Deno.test("dropout at rate 1 leaves nothing, and has no derivative", () => {
  const layer = nn.dropout(1);
  const f = (x: Tensor) => sum(layer.apply({}, {}, x, { train: true, key })[0]);
  const x = tensor([1, Infinity]);
  assertTensorsClose(layer.apply({}, {}, x, { train: true, key })[0], [0, 0]);
  assertTensorsClose(grad(f)(x), [0, 0]);
});

Deno.test("dropout gives the same for the same key, and its derivative is its mask", () => {
  const layer = nn.dropout(0.5);
  const x = tensor([[1, 2, 3, 4], [5, 6, 7, 8]], { dtype: "float64" });
  const f = (x: Tensor) => layer.apply({}, {}, x, { train: true, key })[0];
  assertTensorsClose(f(x), f(x), { rtol: 0, atol: 0 });
  assertTensorsClose(mul(grad((x: Tensor) => sum(f(x)))(x), x), f(x));
  checkGrads(f, [x]);
  const other = layer.apply({}, {}, ones([100]), { train: true, key: makeKey(1) })[0];
  const first = layer.apply({}, {}, ones([100]), { train: true, key })[0];
  assert(String(other.data()) !== String(first.data()));
});

Deno.test("dropout maps over keys, so that each example has its own mask", () => {
  const layer = nn.dropout(0.5);
  const keys = split(key, [3]);
  const f = (key: Tensor) => layer.apply({}, {}, ones([50]), { train: true, key })[0];
  const rows = vmap(f)(keys);
  assertTensorsClose(rows, stack([0, 1, 2].map((i) => f(keys.at(i)))));
  assert(String(rows.at(0).data()) !== String(rows.at(1).data()));
});

// ---- combinators --------------------------------------------------------------------------------------

Deno.test("sequential applies its layers in order, functions among them", () => {
  const model = nn.sequential(nn.linear(3, 4), nn.relu, nn.linear(4, 2), nn.softmax);
  const [params, state] = model.init(key);
  const x = tensor([[1, -2, 0.5], [0, 3, 1]]);
  const hidden = nn.relu(nn.linear(3, 4).apply(params[0], {}, x)[0]);
  const expected = nn.softmax(nn.linear(4, 2).apply(params[2], {}, hidden)[0]);
  assertTensorsClose(model.apply(params, state, x)[0], expected);
  const names = Object.keys(nn.toStateDict(params, state));
  assertEquals(names, ["0.bias", "0.weight", "2.bias", "2.weight"]);
  assertType<IsExact<typeof params[0]["weight"], Tensor>>(true);
});

Deno.test("sequential passes the context to layers, not to functions", () => {
  const seen: unknown[][] = [];
  const spy = (...args: [Tensor]): Tensor => {
    seen.push(args);
    return args[0];
  };
  const model = nn.sequential(nn.batchNorm(1), spy, nn.gelu);
  const [params, state] = model.init(key);
  const x = tensor([[1], [3]]);
  const [, next] = model.apply(params, state, x, { train: true, key });
  assertEquals(seen.map((args) => args.length), [1]);
  assertEquals(next[0].num_batches_tracked.item(), 1);
  assertEquals(state[0].num_batches_tracked.item(), 0);
});

Deno.test("a record names the layers of sequential, and states follow their layers", () => {
  const model = nn.sequential({ conv: nn.conv2d(1, 2, 3), norm: nn.batchNorm(2), act: nn.silu });
  const [params, state] = model.init(key);
  const names = Object.keys(nn.toStateDict(params, state));
  assertEquals(names, [
    "conv.bias",
    "conv.weight",
    "norm.bias",
    "norm.num_batches_tracked",
    "norm.running_mean",
    "norm.running_var",
    "norm.weight",
  ]);
  const [y, next] = model.apply(params, state, ones([2, 1, 4, 4]), { train: true });
  assertEquals(y.shape, [2, 2, 2, 2]);
  assertEquals(next.norm.num_batches_tracked.item(), 1);
});

Deno.test("layers inside each other nest their trees", () => {
  const block = nn.sequential(nn.linear(2, 2), nn.tanh);
  const model = nn.sequential({ stem: block, body: nn.residual(block) });
  const [params, state] = model.init(key);
  assertEquals(Object.keys(nn.toStateDict(params, state)), [
    "body.body.0.bias",
    "body.body.0.weight",
    "stem.0.bias",
    "stem.0.weight",
  ]);
  const x = tensor([[1, -1]]);
  const stem = block.apply(params.stem, state.stem, x)[0];
  const expected = stem.add(block.apply(params.body.body, state.body.body, stem)[0]);
  assertTensorsClose(model.apply(params, state, x)[0], expected);
});

Deno.test("residual adds the input, or what its shortcut makes of it", () => {
  const x = tensor([[1, 2]]);
  const twice = nn.residual((x) => x.mul(3));
  assertTensorsClose(twice.apply(...twice.init(key), x)[0], [[4, 8]]);
  const projected = nn.residual(nn.linear(2, 3), nn.linear(2, 3, { bias: false }));
  const [params, state] = projected.init(key);
  const body = nn.linear(2, 3).apply(params.body, {}, x)[0];
  const shortcut = nn.linear(2, 3).apply(params.shortcut, {}, x)[0];
  assertTensorsClose(projected.apply(params, state, x)[0], body.add(shortcut));
});

Deno.test("every dropout in a model draws its own mask, the same for the same key", () => {
  const model = nn.sequential(nn.dropout(0.5), nn.dropout(0.5));
  const [params, state] = model.init(key);
  const context = { train: true, key };
  const x = ones([200]);
  const [y] = model.apply(params, state, x, context);
  assertTensorsClose(model.apply(params, state, x, context)[0], y, { rtol: 0, atol: 0 });
  const kept = Number(sum(notEqual(y, 0).astype("int32")).item());
  // With one mask for both it would be about 100, with two about 50: standard deviation 6.
  assert(kept > 20 && kept < 80, String(kept));
  assert(String(foldIn(key, 0)) !== String(foldIn(key, 1)));
});

Deno.test("layers made with different parts of a key differ, with the same they do not", () => {
  const model = nn.sequential(nn.linear(4, 4), nn.linear(4, 4));
  const [params] = model.init(key);
  const [again] = model.init(key);
  assertTensorsClose(params, again, { rtol: 0, atol: 0 });
  assert(String(params[0].weight.data()) !== String(params[1].weight.data()));
});

Deno.test("a module runs its parts any number of times", () => {
  const shared = nn.module(
    { core: nn.linear(2, 2), norm: nn.batchNorm(2) },
    ({ core, norm }, x) => norm(core(norm(core(x)))),
  );
  const [params, state] = shared.init(key);
  const x = tensor([[1, 2], [3, -1], [0, 1]]);
  const [y, next] = shared.apply(params, state, x, { train: true });
  assertEquals(next.norm.num_batches_tracked.item(), 2);
  assertEquals(state.norm.num_batches_tracked.item(), 0);
  const [linear, norm] = [nn.linear(2, 2), nn.batchNorm(2)];
  let [expected, statistics] = [x, state.norm];
  for (let i = 0; i < 2; i++) {
    const hidden = linear.apply(params.core, {}, expected)[0];
    [expected, statistics] = norm.apply(params.norm, statistics, hidden, { train: true });
  }
  assertTensorsClose(y, expected);
  assertTensorsClose(next.norm, statistics);
});

Deno.test("a whole model trains as one program, and maps over an ensemble", () => {
  const model = nn.sequential(
    nn.conv2d(1, 2, 3, { padding: 1, dtype: "float64" }),
    nn.batchNorm(2, { dtype: "float64" }),
    nn.relu,
    nn.maxPool2d(2),
    nn.flatten(),
    nn.linear(8, 3, { dtype: "float64" }),
  );
  const x = tensor(Array.from({ length: 32 }, (_, i) => Math.sin(i * i)), { dtype: "float64" })
    .reshape([2, 1, 4, 4]);
  const loss = (params: unknown, state: unknown): Tensor =>
    nn.crossEntropy(model.apply(wrong(params), wrong(state), x, { train: true })[0], [0, 2]);
  const [first, second] = split(key).map((key) => model.init(key));
  const expected = [first, second].map(([params, state]) => grad(loss)(params, state));
  checkProgram(makeProgram(grad(loss))(...first));
  const join = (a: unknown, b: unknown) =>
    tree.map((x: Tensor, y: Tensor) => stack([x, y]), a as Tensor, b as Tensor);
  const mapped = vmap(grad(loss))(join(first[0], second[0]), join(first[1], second[1]));
  assertTensorsClose(mapped, join(expected[0], expected[1]));
});

Deno.test("flatten joins the axes it is told to", () => {
  const x = zeros([2, 3, 4, 5]);
  const shape = (...args: number[]) => nn.flatten(...args).apply({}, {}, x)[0].shape;
  assertEquals(shape(), [2, 60]);
  assertEquals(shape(0), [120]);
  assertEquals(shape(2), [2, 3, 20]);
  assertEquals(shape(1, 2), [2, 12, 5]);
  assertEquals(shape(-2), [2, 3, 20]);
  assertEquals(shape(1, 1), [2, 3, 4, 5]);
  assertEquals(nn.flatten().apply({}, {}, zeros([0, 3, 2]))[0].shape, [0, 6]);
});

Deno.test("layers take batches without examples", () => {
  const linear = nn.linear(3, 2);
  assertEquals(linear.apply(...linear.init(key), zeros([0, 3]))[0].shape, [0, 2]);
  const norm = nn.layerNorm(3);
  assertEquals(norm.apply(...norm.init(key), zeros([0, 3]))[0].shape, [0, 3]);
  const groups = nn.groupNorm(1, 3);
  assertEquals(groups.apply(...groups.init(key), zeros([0, 3, 2]))[0].shape, [0, 3, 2]);
  const conv = nn.conv2d(3, 2, 1);
  assertEquals(conv.apply(...conv.init(key), zeros([0, 3, 2, 2]))[0].shape, [0, 2, 2, 2]);
});

Deno.test("normalisation ignores a large offset", () => {
  const x = tensor([[1, 2, 4], [0, 1, 5]], { dtype: "float64" });
  for (const layer of [nn.layerNorm(3), nn.groupNorm(1, 3)] as AnyLayer[]) {
    const [params, state] = layer.init(key);
    const [near] = layer.apply(params, state, x);
    const [far] = layer.apply(params, state, x.add(1e6));
    assertTensorsClose(far, near, { rtol: 1e-8 });
  }
  const layer = nn.batchNorm(3);
  const [params, state] = layer.init(key);
  const [near] = layer.apply(params, state, x, { train: true });
  const [far] = layer.apply(params, state, x.add(1e6), { train: true });
  assertTensorsClose(far, near, { rtol: 1e-8 });
});

// ---- errors -------------------------------------------------------------------------------------------

Deno.test("layers refuse sizes and options that make no sense", () => {
  const refuse = (make: () => unknown, message: string) =>
    assertRefused(make, "ArgumentError", message);
  refuse(
    () => nn.linear(NaN, 2),
    "Cannot make a linear layer with inFeatures NaN: expected a positive integer",
  );
  refuse(
    () => nn.linear(2, 0),
    "Cannot make a linear layer with outFeatures 0: expected a positive integer",
  );
  refuse(
    () => nn.linear(2, 2, wrong({ biass: false })),
    'Cannot make a linear layer: there is no option "biass", ' +
      "the options are bias, weightInit, biasInit, dtype, computeDtype",
  );
  refuse(
    () => nn.linear(2, 2, { dtype: "int32" }),
    'Cannot make a linear layer with dtype "int32": expected a floating-point dtype',
  );
  refuse(
    () => nn.conv2d(1.5, 2, 3),
    "Cannot make a conv2d layer with inChannels 1.5: expected a positive integer",
  );
  refuse(
    () => nn.conv2d(1, 2, wrong([1, 2, 3])),
    "Cannot make a conv2d layer: kernelSize must be a number or a pair of numbers, got [1, 2, 3]",
  );
  refuse(
    () => nn.conv2d(1, 2, [3, -1]),
    "Cannot make a conv2d layer with kernelSize -1: expected a positive integer",
  );
  refuse(
    () => nn.conv2d(3, 2, 3, { groups: 2 }),
    "Cannot make a conv2d layer with groups 2: it must divide inChannels 3 and outChannels 2",
  );
  refuse(
    () => nn.conv2d(3, 2, 3, wrong(null)),
    "Cannot make a conv2d layer: expected options such as { bias }, got null",
  );
  refuse(
    () => nn.batchNorm(3, { eps: NaN }),
    "Cannot make a batchNorm layer with eps NaN: expected a number from 0 to Infinity",
  );
  refuse(
    () => nn.batchNorm(3, { momentum: 2 }),
    "Cannot make a batchNorm layer with momentum 2: expected a number from 0 to 1",
  );
  refuse(
    () => nn.layerNorm([]),
    "Cannot make a layerNorm layer with normalizedShape []: " +
      "expected the lengths of the last axes, or of the last one",
  );
  refuse(
    () => nn.layerNorm(wrong("ab")),
    'Cannot make a layerNorm layer with normalizedShape "ab": ' +
      "expected the lengths of the last axes, or of the last one",
  );
  refuse(
    () => nn.layerNorm([2, 0]),
    "Cannot make a layerNorm layer with normalizedShape 0: expected a positive integer",
  );
  refuse(
    () => nn.groupNorm(2, 3),
    "Cannot make a groupNorm layer with groups 2: it must divide channels 3",
  );
  refuse(
    () => nn.embedding(3, 2, { paddingIdx: 3 }),
    "Cannot make an embedding layer with paddingIdx 3: expected an integer from -3 to 2",
  );
  refuse(
    () => nn.dropout(1.5),
    "Cannot make a dropout layer with rate 1.5: expected a number from 0 to 1",
  );
  refuse(
    () => nn.maxPool2d(wrong("a")),
    'Cannot make a maxPool2d layer: window must be a number or a pair of numbers, got "a"',
  );
  refuse(
    () => nn.avgPool2d(0),
    "Cannot make an avgPool2d layer with window 0: expected a positive integer",
  );
  refuse(
    () => nn.sequential(nn.relu, wrong(3)),
    "Cannot put 3 into sequential at 1: expected a layer or a function",
  );
  refuse(
    () => nn.residual(wrong({})),
    "Cannot put object into residual at body: expected a layer or a function",
  );
  refuse(
    () => nn.module(wrong(null), (_, x) => x),
    "Cannot put null into a module: expected a layer, a function, or a list or record of them",
  );
  refuse(
    () => nn.module({}, wrong(null)),
    "Cannot make a module that is wired by null: expected a function of the parts and the inputs",
  );
  refuse(() => nn.stack(wrong(nn.relu), 2), "Cannot stack function relu: expected a layer");
  refuse(
    () => nn.stack(nn.linear(2, 2), 0),
    "Cannot make a stack layer with count 0: expected a positive integer",
  );
  refuse(() => nn.summary(wrong(3), ones([2])), "Cannot summarize 3: expected a layer");
});

Deno.test("layers refuse inputs that do not fit", () => {
  const refuse = (layer: AnyLayer, x: Tensor, name: string, message: string) => {
    const [params, state] = layer.init(key);
    assertRefused(() => layer.apply(params, state, x, { train: true }), name, message);
  };
  refuse(
    nn.linear(3, 2),
    ones([5, 2]),
    "ShapeError",
    "Cannot apply linear to float32[5,2]: expected length 3 on axis -1, current length is 2",
  );
  refuse(
    nn.linear(3, 2),
    ones([]),
    "ShapeError",
    "Cannot apply linear to float32[]: expected length 3 on axis -1 of at least 1 axes",
  );
  refuse(
    nn.conv2d(3, 2, 1),
    ones([3, 4, 4]),
    "ShapeError",
    "Cannot apply conv2d to float32[3,4,4]: expected length 3 on axis 1 of at least 4 axes",
  );
  refuse(
    nn.batchNorm(3),
    ones([1, 3]),
    "ShapeError",
    "Cannot normalize float32[1,3] by batch in training: " +
      "expected more than one value per feature, got 1",
  );
  refuse(
    nn.batchNorm(3),
    ones([2, 4]),
    "ShapeError",
    "Cannot apply batchNorm to float32[2,4]: expected length 3 on axis 1, current length is 4",
  );
  refuse(
    nn.layerNorm([2, 3]),
    ones([3]),
    "ShapeError",
    "Cannot apply layerNorm to float32[3]: expected last axes [2,3]",
  );
  refuse(
    nn.groupNorm(1, 3),
    ones([2, 4]),
    "ShapeError",
    "Cannot apply groupNorm to float32[2,4]: expected length 3 on axis 1, current length is 4",
  );
  refuse(
    nn.embedding(3, 2),
    ones([2]),
    "DtypeError",
    "Cannot apply embedding to float32[2]: expected integers; convert with astype",
  );
  refuse(
    nn.embedding(3, 2),
    tensor([0, 3], { dtype: "int32" }),
    "IndexError",
    "Cannot gather index 3 from an axis of length 3",
  );
  refuse(
    nn.embedding(3, 2),
    tensor([-1], { dtype: "int32" }),
    "IndexError",
    "Cannot gather index -1 from an axis of length 3",
  );
  refuse(
    nn.maxPool2d(2),
    ones([2, 2]),
    "ShapeError",
    "Cannot apply maxPool2d to float32[2,2]: expected [batch, channels, height, width]",
  );
  refuse(
    nn.dropout(0.5),
    ones([2]),
    "ArgumentError",
    "Cannot apply dropout in training without a key: " +
      "pass { train: true, key: random.key(seed) }",
  );
  refuse(
    nn.flatten(),
    ones([2]),
    "AxisError",
    "Cannot apply flatten: axis 1 is out of range, expected -1 to 0",
  );
  refuse(
    nn.flatten(2, 1),
    ones([2, 2, 2]),
    "ArgumentError",
    "Cannot apply flatten from axis 2 to axis 1: swap them",
  );
});

Deno.test("layers refuse parameters and state that are not theirs", () => {
  const x = ones([2, 3]);
  const use = "use the params and state that its init gave";
  assertRefused(
    () => nn.linear(3, 2).apply(wrong({}), {}, x),
    "TreeError",
    `Cannot apply linear: its params has nothing at weight; ${use}`,
  );
  assertRefused(
    () => nn.linear(3, 2).apply(wrong(undefined), {}, x),
    "TreeError",
    "Cannot apply linear: expected the params that its init gave, got undefined",
  );
  assertRefused(
    () => nn.linear(3, 2).apply(wrong({ weight: null, bias: null }), {}, x),
    "TreeError",
    "Cannot apply linear: its params has null at weight; " +
      "put the parts of a partitioned tree together with tree.merge",
  );
  assertRefused(
    () => nn.linear(3, 2).apply(wrong({ weight: 3 }), {}, x),
    "ShapeError",
    "Cannot apply linear with weight float32[]: expected [outFeatures, inFeatures]",
  );
  const [params, state] = nn.batchNorm(3).init(key);
  assertRefused(
    () => nn.batchNorm(3).apply(params, wrong({}), x),
    "TreeError",
    `Cannot apply batchNorm: its state has nothing at running_mean; ${use}`,
  );
  assertRefused(
    () => nn.batchNorm(3).apply(wrong({ ...params, bias: "x" }), state, x),
    "ArgumentError",
    "Cannot apply batchNorm with this bias: expected a tensor, number, boolean, nested array or " +
      'typed array, got "x"',
  );
  const model = nn.sequential(nn.linear(3, 3), nn.batchNorm(3));
  assertRefused(
    () => model.apply(wrong([]), model.init(key)[1], x),
    "TreeError",
    `Cannot apply a module: its params has nothing at 0; ${use}`,
  );
  assertRefused(
    () => model.apply(model.init(key)[0], wrong(null), x),
    "TreeError",
    `Cannot apply a module: its state has nothing at 0; ${use}`,
  );
  const pair = nn.module([nn.linear(3, 3)], ([a], x: Tensor, y: Tensor) => a(x).add(y));
  assertRefused(
    () => pair.apply(...pair.init(key), wrong(x)),
    "ArgumentError",
    "Cannot apply a module of several inputs to float32[2,3]: expected a list of them",
  );
});

Deno.test("a misspelt context is refused, not taken for evaluation", () => {
  const layer = nn.batchNorm(3);
  const [params, state] = layer.init(key);
  const apply = (context: unknown) => () =>
    layer.apply(params, state, ones([2, 3]), wrong(context));
  assertRefused(
    apply({ training: true }),
    "ArgumentError",
    'Cannot apply batchNorm in this context: there is no option "training", ' +
      "the options are train, key",
  );
  assertRefused(
    apply(true),
    "ArgumentError",
    "Cannot apply batchNorm in this context: expected options such as { train }, got true",
  );
  assertRefused(
    apply({ train: 1 }),
    "ArgumentError",
    "Cannot apply batchNorm in this context: train must be true or false, got 1",
  );
  const model = nn.sequential(nn.relu);
  assertRefused(
    () => model.apply(...model.init(key), ones([2]), wrong({ rng: key })),
    "ArgumentError",
    'Cannot apply a module in this context: there is no option "rng", ' +
      "the options are train, key",
  );
});

Deno.test("an input that was forgotten, or is a list, is refused with advice", () => {
  const layer = nn.linear(2, 3);
  const [params, state] = layer.init(makeKey(0));
  assertRefused(
    () => layer.apply(params, wrong(ones([4, 2])), wrong(undefined)),
    "ArgumentError",
    "Cannot apply linear without an input: apply takes params, state and x, in this order",
  );
  assertRefused(
    () => layer.apply(params, state, wrong([ones([4, 2]), ones([2])])),
    "ArgumentError",
    "Cannot apply linear to a list of tensors: expected one; take one of them, and let a " +
      'recurrent layer in front of it give one with outputs "sequence" or "last"',
  );
});
