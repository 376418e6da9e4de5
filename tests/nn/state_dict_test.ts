import { tensor, zeros } from "../../src/functions/mod.ts";
import * as nn from "../../src/nn/mod.ts";
import { key as makeKey } from "../../src/random/mod.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { vmap } from "../../src/transforms/mod.ts";
import * as tree from "../../src/tree.ts";
import { assert, assertEquals, assertType } from "../support/std.ts";
import type { IsExact } from "../support/std.ts";
import { assertRefused, wrong } from "./support.ts";

const key = makeKey(11);

const model = nn.sequential({
  conv1: nn.conv2d(1, 2, 3, { bias: false }),
  bn1: nn.batchNorm(2),
  layers: nn.sequential(nn.relu, nn.flatten(), nn.linear(8, 3)),
});

const [params, state] = model.init(key);
const dict = nn.toStateDict(params, state);

Deno.test("a state dictionary has PyTorch's keys, parameters and state together, sorted", () => {
  assertEquals(Object.keys(dict), [
    "bn1.bias",
    "bn1.num_batches_tracked",
    "bn1.running_mean",
    "bn1.running_var",
    "bn1.weight",
    "conv1.weight",
    "layers.2.bias",
    "layers.2.weight",
  ]);
  assert(dict["conv1.weight"] === params.conv1.weight);
  assert(dict["bn1.running_var"] === state.bn1.running_var);
});

Deno.test("a dictionary goes into trees and comes out again", () => {
  const [other, otherState] = model.init(makeKey(12));
  const [loaded, loadedState] = nn.fromStateDict(dict, other, otherState);
  assertTensorsClose(loaded, params, { rtol: 0, atol: 0 });
  assertTensorsClose(loadedState, state, { rtol: 0, atol: 0 });
  assertType<IsExact<typeof loaded, typeof params>>(true);
  assertType<IsExact<typeof loadedState, typeof state>>(true);
  // The template is as it was.
  assertTensorsClose(other, model.init(makeKey(12))[0], { rtol: 0, atol: 0 });
  assertEquals(Object.keys(nn.toStateDict(loaded, loadedState)), Object.keys(dict));
});

Deno.test("parameters alone need no state", () => {
  const [linear] = nn.linear(2, 3).init(key);
  const [loaded, none] = nn.fromStateDict(nn.toStateDict(linear), linear);
  assertTensorsClose(loaded, linear, { rtol: 0, atol: 0 });
  assertEquals(none, {});
  assertEquals(nn.toStateDict({}), {});
});

Deno.test("values take the template's dtypes, and may be numbers and typed arrays", () => {
  const [template] = nn.linear(2, 1, { dtype: "float64" }).init(key);
  const [loaded] = nn.fromStateDict(
    { weight: tensor([[1, 2]], { dtype: "int32" }), bias: new Float32Array([0.5]) },
    template,
  );
  assertTensorsClose(loaded, {
    weight: tensor([[1, 2]], { dtype: "float64" }),
    bias: tensor([0.5], { dtype: "float64" }),
  });
  const half = { weight: tensor([[1.5, 0.1]]).astype("bfloat16"), bias: tensor([2]) };
  const [widened] = nn.fromStateDict(half, template);
  assertEquals([widened.weight.dtype, widened.weight.at(0, 1).item()], ["float64", 0.10009765625]);
  assertEquals(nn.toStateDict(half).weight.dtype, "bfloat16");
  const [narrowed] = nn.fromStateDict({ x: tensor([0.1]) }, { x: half.weight.at(0).at([0, 1]) });
  assertEquals([narrowed.x.dtype, narrowed.x.item()], ["bfloat16", 0.10009765625]);
  const [counted] = nn.fromStateDict({ n: 3 }, { n: tensor(0, { dtype: "int32" }) });
  assertEquals([counted.n.dtype, counted.n.item()], ["int32", 3]);
});

Deno.test("a tree keeps its order, its nulls and its other leaves", () => {
  const template = { b: [zeros([2]), null], a: 1 };
  assertEquals(Object.keys(nn.toStateDict(template)), ["a", "b.0"]);
  const [loaded] = nn.fromStateDict({ "b.0": tensor([1, 2]), a: 5 }, template);
  assertEquals(Object.keys(loaded), ["b", "a"]);
  assertEquals(loaded.b[1], null);
  assertTensorsClose(loaded.b[0], [1, 2]);
  assertTensorsClose(loaded.a, 5);
});

Deno.test("a dictionary of one part of a model comes from a partition", () => {
  const [head] = tree.partition(params, (path: string) => path.startsWith("layers."));
  assertEquals(Object.keys(nn.toStateDict(head)), ["layers.2.bias", "layers.2.weight"]);
});

Deno.test("dictionaries are trees that transforms map over", () => {
  const rows = vmap((x: typeof params.conv1.weight) => nn.toStateDict({ w: x.mul(2) }).w)(
    tensor([[1], [2]]),
  );
  assertTensorsClose(rows, [[2], [4]]);
});

Deno.test("a mismatch lists missing, unexpected and misshapen keys at once", () => {
  const { "bn1.bias": _bias, "conv1.weight": _weight, ...rest } = dict;
  const wrongDict = {
    ...rest,
    "fc.weight": zeros([1]),
    "fc.bias": zeros([1]),
    "layers.2.weight": zeros([3, 7]),
    "bn1.weight": zeros([]),
  };
  assertRefused(
    () => nn.fromStateDict(wrongDict, params, state),
    "TreeError",
    "Cannot load a state dictionary; missing keys: bn1.bias, conv1.weight; " +
      "unexpected keys: fc.weight, fc.bias; " +
      "misshapen keys: bn1.weight (expected float32[2], got float32[]), " +
      "layers.2.weight (expected float32[3,8], got float32[3,7])",
  );
});

Deno.test("without strictness missing keys keep the template's values, and others are ignored", () => {
  const bias = tensor([1, 2, 3]);
  const part = { "layers.2.bias": bias, "fc.bias": zeros([1]) };
  const [loaded, loadedState] = nn.fromStateDict(part, params, state, { strict: false });
  assertTensorsClose(loaded, {
    ...params,
    layers: [{}, {}, { weight: params.layers[2].weight, bias }],
  });
  assertTensorsClose(loadedState, state);
  // Even so, a wrong shape is an error: there is nothing to take in its place.
  assertRefused(
    () => nn.fromStateDict({ "layers.2.bias": zeros([2]) }, params, state, { strict: false }),
    "TreeError",
    "Cannot load a state dictionary; misshapen keys: " +
      "layers.2.bias (expected float32[3], got float32[2])",
  );
});

Deno.test("keys of objects such as toString are keys like all others", () => {
  const template = { toString: zeros([1]), constructor: zeros([2]) };
  const made = nn.toStateDict(wrong(template));
  assertEquals(Object.keys(made), ["constructor", "toString"]);
  assertRefused(
    () => nn.fromStateDict({}, wrong(template)),
    "TreeError",
    "Cannot load a state dictionary; missing keys: constructor, toString",
  );
});

Deno.test("what is no dictionary is refused", () => {
  assertRefused(
    () => nn.toStateDict({ a: [zeros([1]), "x"] }),
    "TreeError",
    'Cannot make a state dictionary: expected a tensor or number at .a[1], got "x"',
  );
  assertRefused(
    () => nn.toStateDict({ a: zeros([1]) }, { a: zeros([1]) }),
    "TreeError",
    "Cannot make a state dictionary: a is in both params and state",
  );
  assertRefused(
    () => nn.fromStateDict(wrong(null), params, state),
    "TreeError",
    "Cannot load a state dictionary: expected an object of tensors, got null",
  );
  assertRefused(
    () => nn.fromStateDict({ w: "x" }, { w: zeros([1]) }),
    "TreeError",
    'Cannot load a state dictionary: expected a tensor or number at .w, got "x"',
  );
  assertRefused(
    () => nn.fromStateDict(dict, params, state, wrong(false)),
    "ArgumentError",
    "Cannot load a state dictionary: expected options such as { strict }, got false",
  );
});
