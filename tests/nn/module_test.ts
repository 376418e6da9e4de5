import type { Dtype } from "../../src/base/dtype.ts";
import { TensorType } from "../../src/core/tensor_type.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import { ones, stack, tensor } from "../../src/functions/mod.ts";
import { scan } from "../../src/control/mod.ts";
import { inspect } from "../../mod.ts";
import { jit } from "../../src/jit.ts";
import type { Layer } from "../../src/nn/layer.ts";
import * as nn from "../../src/nn/mod.ts";
import { key as makeKey, normal, split } from "../../src/random/mod.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import { grad, makeProgram, vmap } from "../../src/transforms/mod.ts";
import * as tree from "../../src/tree.ts";
import { assert, assertEquals, assertNotEquals, assertThrows, assertType } from "../support/std.ts";
import type { IsExact } from "../support/std.ts";
import { assertRefused } from "./support.ts";

const key = makeKey(3);
const exact = { rtol: 0, atol: 0 };
const dtype: Dtype = "float64";

/** A layer that counts its calls, and draws numbers. */
const counter: Layer<nn.Empty, { readonly calls: Tensor }> = {
  init: () => [{}, { calls: tensor(0) }],
  apply: (_, { calls }, x, { key } = {}) => [
    key === undefined ? x : x.add(normal(key, x.shape)),
    { calls: calls.add(1) },
  ],
};

const block = nn.module(
  { norm: nn.layerNorm(4), up: nn.linear(4, 8), down: nn.linear(8, 4), drop: nn.dropout(0.5) },
  ({ norm, up, down, drop }, x: Tensor, gain: Tensor) =>
    x.add(drop(down(nn.gelu(up(norm(x))))).mul(gain)),
);

const model = nn.module(
  { tokens: nn.embedding(5, 4), blocks: [block, block], count: counter },
  ({ tokens, blocks, count }, x: Tensor, gain?: Tensor) => {
    const last = blocks.reduce((y, block) => block(count(y), gain ?? ones([])), tokens(x));
    return { logits: last.matmul(tokens.params.weight.transpose()), last };
  },
);

Deno.test("parameters of a module have the form and the types of its parts", () => {
  const [params, state] = model.init(key);
  interface BlockParams {
    norm: nn.AffineParams;
    up: nn.LinearParams;
    down: nn.LinearParams;
    drop: nn.Empty;
  }
  interface Expected {
    tokens: nn.EmbeddingParams;
    blocks: [BlockParams, BlockParams];
    count: nn.Empty;
  }
  assertType<IsExact<typeof params.blocks, Expected["blocks"]>>(true);
  assertType<IsExact<typeof params.tokens, Expected["tokens"]>>(true);
  assertType<IsExact<typeof state.count, { readonly calls: Tensor }>>(true);
  assertEquals(Object.keys(nn.toStateDict(params, state)), [
    ...[0, 1].flatMap((i) =>
      ["down.bias", "down.weight", "norm.bias", "norm.weight", "up.bias", "up.weight"].map((name) =>
        `blocks.${i}.${name}`
      )
    ),
    "count.calls",
    "tokens.weight",
  ]);
  assertTensorsClose(nn.init(block, key), block.init(key), exact);
  const [several] = nn.init([block, { a: nn.linear(1, 2), none: undefined }, nn.relu], key);
  assertEquals(Object.keys(several[1]), ["a"]);
  assertEquals(several[1].a.weight.shape, [2, 1]);
});

Deno.test("a module equals its parts wired by hand", () => {
  const [params, state] = model.init(key);
  const x = tensor([1, 4], { dtype: "int32" });
  const gain = tensor(0.5);
  const [{ logits, last }, next] = model.apply(params, state, [x, gain]);
  assertType<IsExact<typeof logits, Tensor>>(true);
  let y = nn.embedding(5, 4).apply(params.tokens, {}, x)[0];
  for (const own of params.blocks) {
    const normed = nn.layerNorm(4).apply(own.norm, {}, y)[0];
    const up = nn.linear(4, 8).apply(own.up, {}, normed)[0];
    y = y.add(nn.linear(8, 4).apply(own.down, {}, nn.gelu(up))[0].mul(gain));
  }
  assertTensorsClose(last, y, exact);
  assertTensorsClose(logits, y.matmul(params.tokens.weight.transpose()), exact);
  assertEquals(next.count.calls.item(), 2);
  assertEquals(state.count.calls.item(), 0);
  const without = model.apply(params, state, [x])[0];
  assertTensorsClose(without.last, model.apply(params, state, [x, ones([])])[0].last, exact);
});

Deno.test("each call of a part has a random key of its own", () => {
  const [params, state] = model.init(key);
  const x = tensor([1, 4], { dtype: "int32" });
  const context = { train: true, key: makeKey(1) };
  const twice = nn.module({ drop: nn.dropout(0.5), inner: nn.residual(nn.dropout(0.5)) }, (
    { drop, inner },
    x,
  ) => stack([drop(x), drop(x), inner(x).sub(x)]));
  const [a, b, c] = twice.apply(...twice.init(key), ones([64]), context)[0].toArray() as number[][];
  assertNotEquals(a, b);
  assertNotEquals(a, c);
  assertNotEquals(b, c);
  const [first] = model.apply(params, state, [x], context);
  assertTensorsClose(first.last, model.apply(params, state, [x], context)[0].last, exact);
  assertThrows(() => model.apply(params, state, [x], { train: true }), Error, "without a key");
});

Deno.test("a shared parameter has the sum of the gradients of its uses", () => {
  const tied = nn.module(
    { table: nn.embedding(3, 2, { dtype }) },
    ({ table }, x: Tensor) => table(x).matmul(table.params.weight.transpose()).square().sum(),
  );
  const [{ table }, state] = tied.init(key);
  const x = tensor([0, 2], { dtype: "int32" });
  const slope = grad((p: { table: nn.EmbeddingParams }) => tied.apply(p, state, x)[0])({ table });
  const [uses, other] = grad(
    (first: Tensor, second: Tensor) => first.take(x, 0).matmul(second.transpose()).square().sum(),
    { argnums: [0, 1] },
  )(table.weight, table.weight);
  assertTensorsClose(slope.table.weight, uses.add(other));
});

Deno.test("modules are differentiable, compile, and map over ensembles", () => {
  const net = nn.module(
    [nn.linear(2, 3, { dtype }), nn.batchNorm(3, { dtype }), nn.tanh],
    ([linear, norm, tanh], x: Tensor, y: Tensor) => [tanh(norm(linear(x))).mul(y), x] as const,
  );
  const [params, state] = net.init(key);
  const x = tensor([[1, 2], [3, -1], [0, 1]], { dtype });
  const y = tensor([[2], [1], [3]], { dtype });
  const f = (p: typeof params, x: Tensor, y: Tensor) =>
    net.apply(p, state, [x, y], { train: true })[0][0];
  checkGrads(f, [params, x, y], { order: 2 });
  const whole = (p: typeof params, s: typeof state) => net.apply(p, s, [x, y], { train: true });
  assertTensorsClose(jit(whole)(params, state), whole(params, state), { rtol: 1e-12 });
  const many = vmap(net.init)(stack(split(key, 3)));
  const each = split(key, 3).map((one) => whole(...net.init(one))[0][0]);
  assertTensorsClose(vmap(whole)(...many)[0][0], stack(each), { rtol: 1e-12 });
});

Deno.test("a stack equals its layers one after another, with state and keys", () => {
  const layer = nn.module(
    { linear: nn.linear(3, 3, { dtype }), norm: nn.batchNorm(3, { dtype }), drop: nn.dropout(0.2) },
    ({ linear, norm, drop }, x: Tensor, gain: Tensor) => drop(nn.tanh(norm(linear(x)))).mul(gain),
  );
  const deep = nn.stack(layer, 4);
  const [params, state] = deep.init(key);
  assertEquals(params.linear.weight.shape, [4, 3, 3]);
  assertEquals(state.norm.num_batches_tracked.shape, [4]);
  const x = normal(makeKey(1), [5, 3], { dtype });
  const gain = tensor(1.5, { dtype });
  const dropKey = makeKey(9);
  const loop = (params: unknown, state: unknown, x: Tensor) => {
    let y = x;
    const states: unknown[] = [];
    for (const [i, key] of split(dropKey, 4).entries()) {
      const [p, s] = tree.map((leaf: Tensor) => leaf.at(i), [params, state]) as ReturnType<
        typeof layer.init
      >;
      const [out, next] = layer.apply(p, s, [y, gain], { train: true, key });
      y = out;
      states.push(next);
    }
    const [first, ...rest] = states;
    return [y, tree.map((...leaves: Tensor[]) => stack(leaves), first, ...rest)];
  };
  const whole = (p: typeof params, s: typeof state, x: Tensor) =>
    deep.apply(p, s, [x, gain], { train: true, key: dropKey });
  assertTensorsClose(whole(params, state, x), loop(params, state, x), { rtol: 1e-10 });
  assertTensorsClose(jit(whole)(params, state, x), loop(params, state, x), { rtol: 1e-10 });
  const slope = (f: typeof loop | typeof whole) =>
    grad((p: typeof params) => (f(p, state, x)[0] as Tensor).square().sum())(params);
  assertTensorsClose(slope(whole), slope(loop), { rtol: 1e-8, atol: 1e-10 });
  // Fresh layers are those of separate keys.
  const [third] = layer.init(split(key, 4)[2]);
  assertTensorsClose(tree.map((leaf) => leaf.at(2), params), third, exact);
  // The program does not grow with the number of layers.
  const sizes = [2, 20].map((count) => {
    const some = nn.stack(layer, count);
    const f = (x: Tensor) => some.apply(...some.init(key), [x, gain])[0];
    return makeProgram(f)(x).equations.length;
  });
  assertEquals(sizes[0], sizes[1]);
});

Deno.test("a summary has a row for each call, whose operations are those of the program", () => {
  const twice = nn.module(
    { first: nn.linear(4, 4), deep: nn.stack(nn.linear(4, 4), 3), act: nn.relu },
    ({ first, deep, act }, x: Tensor, y: Tensor) => act(deep(first(first(x)))).add(y),
  );
  const types = [new TensorType("float32", [2, 4]), new TensorType("float32", [2, 4])];
  const rows = nn.summary(twice, types).split("\n").map((line) => line.trim().split(/ {2,}/));
  const f = (x: Tensor, y: Tensor) => twice.apply(...twice.init(key), [x, y])[0];
  const [params] = twice.init(key);
  const layer = (p: nn.LinearParams, x: Tensor) => nn.linear(4, 4).apply(p, {}, x)[0];
  const one = inspect.countFlops(makeProgram(layer)(params.first, ones([2, 4])));
  const all = inspect.countFlops(
    makeProgram((p: typeof params, ...x: [Tensor, Tensor]) =>
      twice.apply(p, twice.init(key)[1], x)[0]
    )(
      params,
      ...types,
    ),
  );
  assertEquals(f(ones([2, 4]), ones([2, 4])).shape, [2, 4]);
  assert(all >= 5 * one, `${all} and ${one}`);
  assertEquals(rows, [
    ["name", "layer", "output", "parameters", "bytes", "operations"],
    ["module", "float32[2,4]", "80", "320", String(all)],
    ["first", "linear", "float32[2,4]", "20", "80", String(one)],
    ["first", "linear", "float32[2,4]", "again", String(one)],
    ["deep", "stack", "float32[2,4]", "60", "240", String(3 * one)],
    ["deep.0-2", "linear", "float32[2,4]", "20", "80", String(one)],
    ["parameters: 320 bytes, state: 0 bytes"],
  ]);
});

Deno.test("a part with state is not called in a loop, whose steps it does not know", () => {
  const loop = (part: (x: Tensor) => Tensor, x: Tensor) =>
    scan((y: Tensor) => [part(y), null], x, null, { length: 3 })[0];
  const looping = nn.module({ counter }, ({ counter }, x) => loop(counter, x));
  assertRefused(
    () => looping.apply(...looping.init(key), ones([2])),
    "ArgumentError",
    "Cannot keep the state of a part that was called within scan, which has returned: call the part " +
      "outside, repeat layers by nn.stack, or carry params and state through the loop with the " +
      "layer's apply",
  );
  const plain = nn.module([nn.linear(2, 2)], ([linear], x) => loop(linear, x));
  const [params, state] = plain.init(key);
  const linear = (x: Tensor) => nn.linear(2, 2).apply(params[0], {}, x)[0];
  assertTensorsClose(plain.apply(params, state, ones([2]))[0], linear(linear(linear(ones([2])))));
});
