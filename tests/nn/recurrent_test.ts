import fixture from "../fixtures/sequence_layers.json" with { type: "json" };
import type { Dtype } from "../../src/base/dtype.ts";
import { checkProgram } from "../../src/core/check.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import { concatenate, flip, ones, stack, sum, swapaxes, zeros } from "../../src/functions/mod.ts";
import { jit } from "../../src/jit.ts";
import type { Layer } from "../../src/nn/layer.ts";
import * as nn from "../../src/nn/mod.ts";
import * as optim from "../../src/optim/mod.ts";
import { foldIn, key as makeKey, normal, split } from "../../src/random/mod.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import { grad, makeProgram, vjp, vmap } from "../../src/transforms/mod.ts";
import * as tree from "../../src/tree.ts";
import { assert, assertEquals, assertType } from "../support/std.ts";
import type { IsExact } from "../support/std.ts";
import { assertRefused, fromFixture, wrong } from "./support.ts";
import type { Written } from "./support.ts";

type Dict = Readonly<Record<string, Written>>;

interface Case {
  readonly layer: "rnn" | "lstm" | "gru";
  readonly sizes: readonly [number, number];
  readonly options: Readonly<Record<string, unknown>>;
  readonly stateDict: Dict;
  readonly inputs: Dict;
  readonly outputs: Dict;
  readonly cotangents: Dict;
  readonly grads: Dict;
  readonly inputGrads: Dict;
}

type Tensors = Record<string, Tensor>;

// deno-lint-ignore no-explicit-any
type AnyRecurrent = Layer<nn.RecurrentParams, nn.Empty, any, any>;

/** The layers, for tests that look at all of them. */
const makers: Readonly<
  Record<Case["layer"], (inputSize: number, hiddenSize: number, options?: object) => AnyRecurrent>
> = { rnn: nn.rnn, lstm: nn.lstm, gru: nn.gru };

const cases = fixture.recurrent as unknown as readonly Case[];

const key = makeKey(5);

const tolerances: Readonly<Record<string, { rtol: number; atol: number }>> = {
  float64: { rtol: 1e-12, atol: 1e-13 },
  float32: { rtol: 1e-4, atol: 2e-5 },
};

function readDict(dict: Dict, dtype: Dtype): Tensors {
  return Object.fromEntries(
    Object.entries(dict).map(([name, value]) => [name, fromFixture(value, dtype)]),
  );
}

function makeLayer({ layer, sizes, options }: Case, more: object): AnyRecurrent {
  return makers[layer](...sizes, { ...options, ...more });
}

/** A case's layer, parameters and inputs, and the function of parameters and inputs. */
function readCase(given: Case, dtype: Dtype) {
  const layer = makeLayer(given, { dtype });
  const [params] = nn.fromStateDict(readDict(given.stateDict, dtype), ...layer.init(key));
  const inputs = readDict(given.inputs, dtype);
  const f = (params: nn.RecurrentParams, { input, hidden, cell }: Tensors): Tensors => {
    const x = hidden === undefined ? input : [input, cell === undefined ? hidden : [hidden, cell]];
    const [[output, last]] = layer.apply(params, {}, x);
    return Array.isArray(last)
      ? { output, hidden: last[0], cell: last[1] }
      : { output, hidden: last };
  };
  return { layer, params, inputs, f };
}

/** Two trees as one with a new first axis. */
function join<T>(a: T, b: T): T {
  return tree.map(((x: Tensor, y: Tensor) => stack([x, y])) as never, a, b) as T;
}

for (const [place, given] of cases.entries()) {
  const { layer: name, sizes, options } = given;
  const start = "hidden" in given.inputs ? "a first state" : "zeros";
  const label = `recurrent ${place}, ${name} ${JSON.stringify([...sizes, options])} from ${start},`;

  for (const dtype of ["float64", "float32"] satisfies Dtype[]) {
    Deno.test(`${label} equals PyTorch's in ${dtype}, eager and compiled`, () => {
      const tolerance = tolerances[dtype];
      const { params, inputs, f } = readCase(given, dtype);
      const both = (p: typeof params, x: Tensors, cotangents: Tensors) => {
        const [y, pullback] = vjp(f, p, x);
        const [slopes, dx] = pullback(cotangents);
        return { y, slopes, dx };
      };
      const cotangents = readDict(given.cotangents, dtype);
      for (const run of [both, jit(both)]) {
        const { y, slopes, dx } = run(params, inputs, cotangents);
        const at = (message: string) => ({ ...tolerance, message });
        assertTensorsClose(y, readDict(given.outputs, dtype), at("outputs"));
        assertTensorsClose(slopes, readDict(given.grads, dtype), at("gradients of parameters"));
        assertTensorsClose(dx, readDict(given.inputGrads, dtype), at("gradients of inputs"));
      }
    });
  }

  Deno.test(`${label} has PyTorch's keys and shapes, and goes into a dictionary and back`, () => {
    const { layer, params } = readCase(given, "float64");
    const dict = readDict(given.stateDict, "float64");
    const fresh = nn.toStateDict(...layer.init(key));
    assertEquals(Object.keys(fresh), Object.keys(dict).sort());
    for (const [name, leaf] of Object.entries(fresh)) assertEquals(leaf.shape, dict[name].shape);
    assertTensorsClose(nn.toStateDict(params), dict, { rtol: 0, atol: 0 });
  });

  Deno.test(`${label} becomes a well-formed program, and so does its gradient`, () => {
    const { params, inputs, f } = readCase(given, "float64");
    checkProgram(makeProgram(f)(params, inputs));
    const loss = (p: typeof params, x: Tensors) => sum(f(p, x).output.square());
    checkProgram(makeProgram(grad(loss, { argnums: [0, 1] }))(params, inputs));
  });

  Deno.test(`${label} maps over inputs and over parameters, with gradients`, () => {
    const { params, inputs, f } = readCase(given, "float64");
    const others = tree.map((x) => x.mul(2).add(0.25), inputs);
    const scaled = Object.fromEntries(
      Object.entries(params).map(([name, leaf]) => [name, leaf.mul(0.5)]),
    );
    assertTensorsClose(
      vmap(f, [null, 0])(params, join(inputs, others)),
      join(f(params, inputs), f(params, others)),
    );
    const slopes = grad(
      (p: typeof params, x: Tensors) => sum(f(p, x).output.square()),
      { argnums: [0, 1] },
    );
    const mapped = vmap(slopes);
    for (const run of [mapped, jit(mapped)]) {
      assertTensorsClose(
        run(join(params, scaled), join(inputs, others)),
        join(slopes(params, inputs), slopes(scaled, others)),
        { rtol: 1e-10, atol: 1e-12 },
      );
    }
  });
}

for (const name of ["rnn", "lstm", "gru"] as const) {
  Deno.test(`${name} has right first and second derivatives, eager and compiled`, () => {
    const layer: AnyRecurrent = makers[name](2, 2, { dtype: "float64", bidirectional: true });
    const [params] = layer.init(key);
    const x = normal(foldIn(key, 1), [3, 1, 2], { dtype: "float64" });
    const f = (p: typeof params, x: Tensor) => layer.apply(p, {}, x)[0];
    checkGrads(f, [params, x], { rtol: 1e-5, atol: 1e-5 });
    checkGrads((p: typeof params, x: Tensor) => jit(f)(p, x), [params, x], {
      rtol: 1e-5,
      atol: 1e-5,
    });
  });

  Deno.test(`${name} is the same on a batch as on each of its sequences`, () => {
    const layer: AnyRecurrent = makers[name](3, 4, { numLayers: 2, bidirectional: true });
    const [params] = layer.init(key);
    const x = normal(key, [5, 2, 3]);
    const whole = layer.apply(params, {}, x)[0];
    const f = (x: Tensor) => layer.apply(params, {}, x)[0];
    assertTensorsClose(vmap(f, 1, 1)(x), whole, { atol: 1e-6 });
    const second = tree.map((y: Tensor) => y.at(null, 1), whole);
    assertTensorsClose(f(x.at(null, 1)), second, { atol: 1e-6 });
  });

  Deno.test(`${name} in two parts is ${name} in one`, () => {
    const layer: AnyRecurrent = makers[name](3, 4, { numLayers: 2 });
    const [params] = layer.init(key);
    const x = normal(key, [7, 2, 3]);
    const [whole, last] = layer.apply(params, {}, x)[0];
    const [first, middle] = layer.apply(params, {}, x.at([0, 3]))[0];
    const [rest, end] = layer.apply(params, {}, [x.at([3, 7]), middle])[0];
    assertTensorsClose(concatenate([first, rest]), whole, { atol: 1e-6 });
    assertTensorsClose(end, last, { atol: 1e-6 });
  });

  Deno.test(`${name} backwards is ${name} on the flipped sequence`, () => {
    const both: AnyRecurrent = makers[name](3, 4, { bidirectional: true });
    const single: AnyRecurrent = makers[name](3, 4);
    const [params] = both.init(key);
    const x = normal(key, [6, 2, 3]);
    const [output, last] = both.apply(params, {}, x)[0];
    const backward = Object.fromEntries(
      Object.entries(params).filter(([name]) => name.endsWith("_reverse"))
        .map(([name, leaf]) => [name.replace("_reverse", ""), leaf]),
    );
    const [flipped, end] = single.apply(backward, {}, flip(x, 0))[0];
    assertTensorsClose(output.at(null, null, [4, 8]), flip(flipped, 0), { atol: 1e-6 });
    assertTensorsClose(
      tree.map((part: Tensor) => part.at([1, 2]), last),
      end,
      { atol: 1e-6 },
    );
  });

  Deno.test(`${name} gives the sequence or the last hidden state when told to`, () => {
    const options = { numLayers: 2, bidirectional: true } as const;
    const all: AnyRecurrent = makers[name](3, 4, options);
    const [params] = all.init(key);
    const sequence = makers[name](3, 4, { ...options, outputs: "sequence" });
    const last = makers[name](3, 4, { ...options, outputs: "last" });
    for (const shape of [[5, 2, 3], [5, 3]]) {
      const x = normal(key, shape);
      const [output, state] = all.apply(params, {}, x)[0];
      const hidden: Tensor = name === "lstm" ? state[0] : state;
      assertTensorsClose(sequence.apply(params, {}, x)[0], output, { rtol: 0, atol: 0 });
      const ends = last.apply(params, {}, x)[0];
      assertTensorsClose(ends, concatenate([hidden.at(2), hidden.at(3)], -1));
      // The forward direction ends at the last time, the other at the first.
      assertTensorsClose(ends.at("...", [0, 4]), output.at(4).at("...", [0, 4]));
      assertTensorsClose(ends.at("...", [4, 8]), output.at(0).at("...", [4, 8]));
    }
    const first: AnyRecurrent = makers[name](3, 4, { ...options, batchFirst: true });
    const x = normal(key, [5, 2, 3]);
    const [output, state] = all.apply(params, {}, x)[0];
    const [swapped, same] = first.apply(params, {}, swapaxes(x, 0, 1))[0];
    assertTensorsClose(swapaxes(swapped, 0, 1), output);
    assertTensorsClose(same, state);
  });

  Deno.test(`${name} drops outputs between layers, in training only`, () => {
    const layer: AnyRecurrent = makers[name](2, 50, { numLayers: 2, dropout: 0.5 });
    const [params] = layer.init(key);
    const x = normal(key, [3, 1, 2]);
    const context = { train: true, key };
    const whole = layer.apply(params, {}, x)[0];
    const some = layer.apply(params, {}, x, context)[0];
    assertTensorsClose(layer.apply(params, {}, x, { key })[0], whole, { rtol: 0, atol: 0 });
    assertTensorsClose(layer.apply(params, {}, x, context)[0], some, { rtol: 0, atol: 0 });
    assert(String(some[0].data()) !== String(whole[0].data()));
    const ofLayer = (layer: number) =>
      Object.fromEntries(
        Object.entries(params).filter(([name]) => name.endsWith(`l${layer}`))
          .map(([name, leaf]) => [name.replace(/\d$/, "0"), leaf]),
      );
    const [hidden] = (makers[name](2, 50) as AnyRecurrent).apply(ofLayer(0), {}, x)[0];
    const own = { train: true, key: foldIn(key, 1) };
    const [dropped] = nn.dropout(0.5).apply({}, {}, hidden, own);
    const [expected] = (makers[name](50, 50) as AnyRecurrent).apply(ofLayer(1), {}, dropped)[0];
    assertTensorsClose(some[0], expected, { atol: 1e-6 });
    assertRefused(
      () => layer.apply(params, {}, x, { train: true }),
      "ArgumentError",
      "Cannot apply dropout in training without a key: pass { train: true, key: random.key(seed) }",
    );
    const single: AnyRecurrent = makers[name](2, 3, { dropout: 0.5 });
    const [own1] = single.init(key);
    assertTensorsClose(single.apply(own1, {}, x, { train: true })[0], single.apply(own1, {}, x)[0]);
  });

  Deno.test(`${name} takes empty sequences and empty batches`, () => {
    const layer: AnyRecurrent = makers[name](2, 3);
    const [params] = layer.init(key);
    const hidden = ones([1, 4, 3]);
    const start = name === "lstm" ? [hidden, hidden] : hidden;
    const [output, last] = layer.apply(params, {}, [zeros([0, 4, 2]), start])[0];
    assertEquals(output.shape, [0, 4, 3]);
    assertTensorsClose(last, start);
    assertEquals(layer.apply(params, {}, zeros([5, 0, 2]))[0][0].shape, [5, 0, 3]);
  });

  Deno.test(`${name} computes in the widest dtype of parameters, input and state`, () => {
    const layer: AnyRecurrent = makers[name](2, 3);
    const [params] = layer.init(key);
    const dtypeOf = (x: unknown) =>
      tree.leaves(layer.apply(params, {}, x)[0]).map((y) => wrong(y).dtype);
    assertEquals([...new Set(dtypeOf(ones([2, 1, 2])))], ["float32"]);
    assertEquals([...new Set(dtypeOf(ones([2, 1, 2], { dtype: "int32" })))], ["float32"]);
    assertEquals([...new Set(dtypeOf(ones([2, 1, 2], { dtype: "float64" })))], ["float64"]);
    const hidden = ones([1, 1, 3], { dtype: "float64" });
    const start = name === "lstm" ? [hidden, hidden] : hidden;
    assertEquals([...new Set(dtypeOf([ones([2, 1, 2]), start]))], ["float64"]);
    assertTensorsClose(
      layer.apply(params, {}, [[[1, 2]], [[3, 4]]])[0],
      layer.apply(params, {}, stack([ones([1, 2]).mul([1, 2]), ones([1, 2]).mul([3, 4])]))[0],
    );
  });

  Deno.test(`${name}'s program does not grow with the sequence`, () => {
    const layer: AnyRecurrent = makers[name](2, 3);
    const [params] = layer.init(key);
    const count = (steps: number) =>
      makeProgram((x: Tensor) => layer.apply(params, {}, x)[0])(ones([steps, 1, 2])).equations
        .length;
    assertEquals(count(1000), count(3));
  });

  Deno.test(`fresh parameters of ${name} are uniform between plus and minus 1/sqrt(H)`, () => {
    const layer: AnyRecurrent = makers[name](8, 16, { numLayers: 2 });
    const [params] = layer.init(key);
    const seen = new Set<string>();
    for (const [name, leaf] of Object.entries(params)) {
      const most = Number(leaf.abs().max());
      assert(most <= 0.25 && most > 0.2, `${name}: ${most}`);
      assert(Math.abs(Number(leaf.mean())) < 0.11, name);
      seen.add(String(leaf.data()));
    }
    assertEquals(seen.size, 8);
  });
}

Deno.test("recurrent layers stand in sequential and train as one program", () => {
  const model = nn.sequential(
    nn.gru(2, 4, { batchFirst: true, outputs: "sequence" }),
    nn.lstm(4, 4, { batchFirst: true, outputs: "sequence" }),
    nn.rnn(4, 3, { batchFirst: true, outputs: "last" }),
    nn.linear(3, 1),
  );
  const [params, state] = model.init(key);
  assertType<IsExact<typeof params[3]["weight"], Tensor>>(true);
  assertType<IsExact<typeof params[0]["weight_ih_l0"], Tensor>>(true);
  const names = Object.keys(nn.toStateDict(params, state));
  assertEquals(names.length, 14);
  assert(names.includes("1.weight_hh_l0"));
  const x = normal(key, [6, 5, 2]);
  const y = x.at(null, 4, [0, 1]);
  const loss = (p: typeof params) => nn.mseLoss(model.apply(p, state, x)[0], y);
  const optimizer = optim.adam(0.03);
  const step = jit((p: typeof params, memory: ReturnType<typeof optimizer.init>) => {
    const [updates, next] = optimizer.update(grad(loss)(p), memory, p);
    return [optim.applyUpdates(p, updates), next] as const;
  });
  let [trained, memory] = [params, optimizer.init(params)];
  for (let i = 0; i < 60; i++) [trained, memory] = step(trained, memory);
  const [before, after] = [params, trained].map((p) => Number(loss(p)));
  assert(after < 0.5 * before, `${before} to ${after}`);
});

Deno.test("outputs decides the types of recurrent layers", () => {
  const x = ones([4, 2, 3]);
  const rnn = nn.rnn(3, 2);
  const [params, state] = rnn.init(key);
  const [[output, hidden]] = rnn.apply(params, state, x);
  assertType<IsExact<typeof output, Tensor>>(true);
  assertType<IsExact<typeof hidden, Tensor>>(true);
  rnn.apply(params, state, [x, hidden]);
  const lstm = nn.lstm(3, 2, { numLayers: 1 });
  const [lstmParams] = lstm.init(key);
  const [[, last]] = lstm.apply(lstmParams, state, x);
  assertType<IsExact<typeof last, [hidden: Tensor, cell: Tensor]>>(true);
  lstm.apply(lstmParams, state, [x, last]);
  const short = nn.gru(3, 2, { outputs: "last" });
  const [y] = short.apply(short.init(key)[0], state, x);
  assertType<IsExact<typeof y, Tensor>>(true);
  assertEquals(y.shape, [2, 2]);
});

Deno.test("gradients and updates of recurrent parameters keep their type", () => {
  const layer = nn.lstm(2, 2, { outputs: "last" });
  const [params] = layer.init(key);
  const slopes = grad((p: typeof params) => sum(layer.apply(p, {}, ones([3, 1, 2]))[0]))(params);
  assertEquals(slopes.weight_ih_l0.shape, [8, 2]);
  const halved: nn.RecurrentParams = tree.map((x) => x.mul(0.5), slopes);
  assertTensorsClose(halved.bias_hh_l0, slopes.bias_ih_l0.mul(0.5));
});

Deno.test("different keys give different recurrent parameters, the same key the same", () => {
  const layer = nn.gru(2, 3);
  const [first, second] = split(key).map((key) => layer.init(key)[0]);
  assert(String(first.weight_ih_l0.data()) !== String(second.weight_ih_l0.data()));
  assertTensorsClose(layer.init(key)[0], layer.init(key)[0], { rtol: 0, atol: 0 });
});

// ---- errors -------------------------------------------------------------------------------------------

Deno.test("recurrent layers refuse sizes and options that make no sense", () => {
  const refuse = (make: () => unknown, message: string) =>
    assertRefused(make, "ArgumentError", message);
  refuse(
    () => nn.rnn(0, 2),
    "Cannot make an rnn layer with inputSize 0: expected a positive integer",
  );
  refuse(
    () => nn.lstm(2, NaN),
    "Cannot make an lstm layer with hiddenSize NaN: expected a positive integer",
  );
  refuse(
    () => nn.gru(2, 2, { numLayers: 0 }),
    "Cannot make a gru layer with numLayers 0: expected a positive integer",
  );
  refuse(
    () => nn.gru(2, 2, { numLayers: 1001 }),
    "Cannot make a gru layer with numLayers 1001: expected at most 1000",
  );
  refuse(
    () => nn.rnn(2, 2, { nonlinearity: wrong("sin") }),
    'Cannot make an rnn layer with nonlinearity "sin": expected "tanh" or "relu"',
  );
  refuse(
    () => nn.lstm(2, 2, { outputs: wrong("first") }),
    'Cannot make an lstm layer with outputs "first": expected "all", "sequence" or "last"',
  );
  refuse(
    () => nn.lstm(2, 2, { projSize: 2 }),
    "Cannot make an lstm layer with projSize 2: it must be less than hiddenSize 2",
  );
  refuse(
    () => nn.lstm(2, 2, { projSize: -1 }),
    "Cannot make an lstm layer with projSize -1: expected a non-negative integer",
  );
  refuse(
    () => nn.lstm(2, 2, { bidirectional: wrong(1) }),
    "Cannot make an lstm layer with bidirectional 1: expected true or false",
  );
  refuse(
    () => nn.gru(2, 2, { dropout: 2 }),
    "Cannot make a gru layer with dropout 2: expected a number from 0 to 1",
  );
  refuse(
    () => nn.gru(2, 2, wrong({ projSize: 1 })),
    'Cannot make a gru layer: there is no option "projSize", the options are numLayers, bias, ' +
      "batchFirst, dropout, bidirectional, outputs, dtype, computeDtype",
  );
  refuse(
    () => nn.rnn(2, 2, { dtype: "int32" }),
    'Cannot make an rnn layer with dtype "int32": expected a floating-point dtype',
  );
});

Deno.test("recurrent layers refuse inputs, states and parameters that do not fit", () => {
  const x = ones([5, 2, 3]);
  const refuse = (layer: AnyRecurrent, x: unknown, name: string, message: string) =>
    assertRefused(() => layer.apply(layer.init(key)[0], {}, x), name, message);
  refuse(
    nn.rnn(3, 4),
    ones([3]),
    "ShapeError",
    "Cannot apply rnn to float32[3]: expected [T, B, 3] or [T, 3]",
  );
  refuse(
    nn.gru(4, 4, { batchFirst: true }),
    x,
    "ShapeError",
    "Cannot apply gru to float32[5,2,3]: expected [B, T, 4] or [T, 4]",
  );
  refuse(
    nn.gru(3, 4, { bidirectional: true }),
    [x, ones([1, 2, 4])],
    "ShapeError",
    "Cannot apply gru to float32[5,2,3] with hidden state float32[1,2,4]: expected shape [2,2,4]",
  );
  refuse(
    nn.lstm(3, 4),
    [ones([5, 3]), [ones([1, 4]), ones([1, 5])]],
    "ShapeError",
    "Cannot apply lstm to float32[5,3] with cell state float32[1,5]: expected shape [1,4]",
  );
  refuse(
    nn.lstm(3, 4),
    [x, ones([1, 2, 4])],
    "ArgumentError",
    "Cannot apply lstm with the state float32[1,2,4]: expected a pair [hidden, cell]",
  );
  refuse(
    nn.rnn(3, 4),
    [x, "h"],
    "ArgumentError",
    "Cannot apply rnn with this hidden state: expected a tensor, number, boolean, nested array or " +
      'typed array, got "h"',
  );
  refuse(
    nn.rnn(3, 4),
    [x, x, x],
    "ArgumentError",
    "Cannot apply rnn to a list of 3: " +
      "expected a sequence, or a pair of a sequence and an initial state",
  );
  refuse(
    nn.rnn(3, 4),
    undefined,
    "ArgumentError",
    "Cannot apply rnn: expected a tensor, number, boolean, nested array or typed array, " +
      "got undefined",
  );
  const layer = nn.rnn(3, 4);
  const [params] = layer.init(key);
  assertRefused(
    () => layer.apply(wrong({}), {}, x),
    "TreeError",
    "Cannot apply rnn: its params has nothing at weight_ih_l0; " +
      "use the params and state that its init gave",
  );
  assertRefused(
    () => layer.apply({ ...params, bias_hh_l0: ones([3]) }, {}, x),
    "ShapeError",
    "Cannot apply rnn with bias_hh_l0 float32[3]: expected shape [4]",
  );
  assertRefused(
    () => layer.apply(params, {}, x, wrong({ training: true })),
    "ArgumentError",
    'Cannot apply rnn in this context: there is no option "training", the options are train, key',
  );
});
