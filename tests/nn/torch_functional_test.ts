import fixture from "../fixtures/torch_functional.json" with { type: "json" };
import {
  abs,
  add,
  conv,
  maxPoolIndices,
  maxUnpool,
  ones,
  pdist,
  reshape,
  stack,
  sub,
  sum,
  tensor,
} from "../../src/functions/mod.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import { channelShuffle } from "../../src/image.ts";
import { jit } from "../../src/jit.ts";
import { fractionalMaxima } from "../../src/nn/fractional_pooling.ts";
import type { AnyLayer } from "../../src/nn/layer.ts";
import * as nn from "../../src/nn/mod.ts";
import { key as makeKey, normal } from "../../src/random/mod.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import { vjp, vmap } from "../../src/transforms/mod.ts";
import { assert, assertEquals } from "../support/std.ts";
import { assertRefused, fromFixture, wrong } from "./support.ts";
import type { Written } from "./support.ts";

// PyTorch's values and gradients; `torch_functional.py` beside the file says what is in it.

interface Case {
  readonly name: string;
  readonly args: readonly unknown[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly inputs: readonly Written[];
  readonly integers: readonly Written[];
  readonly y: Written;
  readonly cotangent: Written;
  readonly grads: readonly Written[];
}

const dtype = "float64";
const close = { rtol: 1e-12, atol: 1e-13 };
const key = makeKey(5);

/** The function of the differentiated inputs that a case is about. */
function readCase({ name, args, options, integers }: Case): (...inputs: Tensor[]) => Tensor {
  const int32 = (place: number) => fromFixture(integers[place], "int32");
  const known: Readonly<Record<string, () => (...inputs: Tensor[]) => Tensor>> = {
    conv: () => (x, w, b) =>
      add(conv(x, w, options), reshape(b, [b.size, ...x.shape.slice(2).map(() => 1)])),
    maxUnpool: () => {
      const { outputSize: _, ...pooling } = options;
      const places = maxPoolIndices(fromFixture(integers[0]), 2, pooling);
      assertTensorsClose(places, int32(1));
      return (y) => maxUnpool(y, places, 2, options);
    },
    pdist: () => (x) => pdist(x, options.p === "inf" ? { p: Infinity } : options),
    channelShuffle: () => (x) => channelShuffle(x, args[0] as number),
    fractionalMaxima: () => (x) =>
      fractionalMaxima(x, args[0] as number[], args[1] as number[], fromFixture(integers[0])),
    embeddingBag: () => {
      const layer = nn.embeddingBag(5, 3, options);
      const input = { indices: int32(0), offsets: int32(1) };
      return (weight, perSampleWeights) =>
        layer.apply(
          { weight },
          {},
          perSampleWeights === undefined ? input : { ...input, perSampleWeights },
        )[0];
    },
    tripletMarginWithDistanceLoss: () => (a, b, c) =>
      nn.tripletMarginWithDistanceLoss(a, b, c, {
        ...options,
        distanceFunction: (x, y) => sum(abs(sub(x, y)), -1),
      }),
    ...Object.fromEntries((["rnnCell", "gruCell", "lstmCell"] as const).map((cell) => [
      cell,
      () => (x: Tensor, ...rest: Tensor[]) => {
        const layer = nn[cell](3, 2, { ...options, dtype }) as AnyLayer;
        const [fresh, state] = layer.init(key);
        const names = Object.keys(fresh);
        const parts = rest.length - names.length;
        // PyTorch's order: weights, then biases.
        const order = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"].slice(0, names.length);
        assertEquals(names.toSorted(), order.toSorted());
        const params = Object.fromEntries(order.map((name, i) => [name, rest[parts + i]]));
        const start = parts === 2 ? [rest[0], rest[1]] : rest[0];
        const [y] = layer.apply(params, state, [x, start]);
        return Array.isArray(y) ? stack(y) : y;
      },
    ])),
    adaptiveLogSoftmax: () => (x, ...leaves) => {
      const headBias = options.bias as boolean;
      const layer = nn.adaptiveLogSoftmax(8, 7, [2, 3], { divValue: 2, headBias, dtype });
      const dict = Object.fromEntries((args as string[]).map((name, i) => [name, leaves[i]]));
      const fresh = layer.init(key);
      assertEquals(Object.keys(nn.toStateDict(...fresh)).toSorted(), Object.keys(dict).toSorted());
      const at = (name: string) => ({ weight: dict[name] });
      const head = headBias ? { ...at("head.weight"), bias: dict["head.bias"] } : at("head.weight");
      const tail = [0, 1].map((i) => [at(`tail.${i}.0.weight`), at(`tail.${i}.1.weight`)] as const);
      return layer.apply({ head, tail }, {}, x)[0];
    },
    dirac: () => (x) => {
      const draw = nn.initializers.dirac(args[1] as number);
      return add(x, draw(key, args[0] as number[], dtype));
    },
    rrelu: () => (x) => nn.rrelu(options).apply({}, {}, x)[0],
  };
  return known[name]();
}

for (const [place, given] of (fixture.cases as unknown as Case[]).entries()) {
  const label = `case ${place}, ${given.name} ${JSON.stringify(given.options)},`;
  Deno.test(`${label} equals PyTorch's, compiled and mapped`, () => {
    const f = readCase(given);
    const inputs = given.inputs.map((x) => fromFixture(x));
    const [y, pullback] = vjp(f, ...inputs);
    assertTensorsClose(y, fromFixture(given.y), close);
    pullback(fromFixture(given.cotangent)).forEach((slope, i) =>
      assertTensorsClose(slope, fromFixture(given.grads[i]), close)
    );
    assertTensorsClose(jit(f)(...inputs), y, close);
    const rows = vmap(f)(...inputs.map((x) => stack([x, x.mul(0.5)])));
    assertTensorsClose(rows.at(0), y, close);
    assertTensorsClose(rows.at(1), f(...inputs.map((x) => x.mul(0.5))), close);
  });
}

Deno.test("the second derivatives of these functions are right", () => {
  const x = normal(key, [1, 2, 4], { dtype });
  const w = normal(makeKey(1), [2, 2, 3], { dtype });
  for (const paddingMode of ["reflect", "replicate", "circular"] as const) {
    checkGrads((x: Tensor, w: Tensor) => conv(x, w, { padding: 2, paddingMode }), [x, w]);
  }
  checkGrads((x: Tensor) => pdist(x), [normal(key, [4, 3], { dtype })]);
});

Deno.test("convolution layers pad by their mode", () => {
  const layer = nn.conv2d(1, 1, 3, { padding: "same", paddingMode: "circular", dtype });
  const [params, state] = layer.init(key);
  const x = normal(key, [1, 1, 4, 5], { dtype });
  // On a torus, convolution and shift change places.
  const shifted = (y: Tensor) => stack([y.at(null, null, 3), y.at(null, null, 0)], 2);
  const [y] = layer.apply(params, state, x);
  const rolled = stack([3, 0, 1, 2].map((row) => x.at(null, null, row)), 2);
  assertTensorsClose(
    layer.apply(params, state, rolled)[0].at(null, null, [0, 2]),
    shifted(y),
    close,
  );
  assert(String(layer).length > 0);
});

Deno.test("bags by offsets are those of a rectangle, and weights weigh", () => {
  const layer = nn.embeddingBag(6, 2, { mode: "sum", dtype });
  const [params, state] = layer.init(key);
  const indices = tensor([[0, 5], [3, 3]], { dtype: "int32" });
  const [y] = layer.apply(params, state, indices);
  const flat = { indices: indices.reshape([4]), offsets: tensor([0, 2], { dtype: "int32" }) };
  assertTensorsClose(layer.apply(params, state, flat)[0], y, close);
  const traced = jit((offsets: Tensor) =>
    layer.apply(params, state, { indices: flat.indices, offsets })[0]
  );
  assertTensorsClose(traced(flat.offsets), y, close);
  const perSampleWeights = [[1, 2], [0, -1]];
  const [weighed] = layer.apply(params, state, { indices, perSampleWeights });
  const rows = params.weight;
  assertTensorsClose(
    weighed,
    [rows.at(0).add(rows.at(5).mul(2)), rows.at(3).neg()].map(
      (row) => row.toArray() as number[],
    ),
    close,
  );
});

Deno.test("randomized layers draw in their range, and need a key", () => {
  const x = ones([2, 3, 40]).neg();
  const [y] = nn.rrelu({ lower: 0.2, upper: 0.4 }).apply({}, {}, x, { train: true, key });
  assert(y.min().item() >= -0.4 && y.max().item() <= -0.2 && y.std().item() > 0.03);
  const [dropped] = nn.featureAlphaDropout(0.5).apply({}, {}, x, { train: true, key });
  assertTensorsClose(dropped.std(-1), ones([2, 3]).mul(0), { atol: 1e-6 });
  assertEquals(new Set(dropped.at(null, null, 0).reshape([6]).toArray() as number[]).size, 2);
  const pool = nn.fractionalMaxPool2d([2, 3], { outputRatio: [0.5, 0.25] });
  const image = normal(key, [2, 3, 9, 13], { dtype });
  const [pooled] = pool.apply({}, {}, image, { key });
  assertEquals(pooled.shape, [2, 3, 4, 3]);
  assertTensorsClose(jit((x: Tensor) => pool.apply({}, {}, x, { key })[0])(image), pooled);
  assertRefused(
    () => pool.apply({}, {}, image),
    "ArgumentError",
    "Cannot apply fractionalMaxPool2d without a key: pass { key: random.key(seed) }",
  );
  assertRefused(
    () => nn.rrelu().apply({}, {}, x, { train: true }),
    "ArgumentError",
    "Cannot apply rrelu in training without a key: pass { train: true, key: random.key(seed) }",
  );
});

Deno.test("what makes no sense is refused", () => {
  const x = ones([1, 2, 4]);
  const refusals: [() => unknown, string, string][] = [
    [
      () => conv(x, ones([1, 2, 2]), { paddingMode: wrong("mirror") }),
      "ArgumentError",
      'Cannot convolve float32[1,2,4] by float32[1,2,2] with paddingMode "mirror": ' +
      "expected one of zeros, reflect, replicate, circular",
    ],
    [
      () => maxUnpool(x, ones([1, 2, 3]).astype("int32"), 2),
      "ShapeError",
      "Cannot unpool float32[1,2,4] by int32[1,2,3]: expected a position for each element",
    ],
    [
      () => pdist([1, 2]),
      "ShapeError",
      "Cannot take distances of float32[2]: expected a matrix",
    ],
    [
      () => channelShuffle(x, 3),
      "ShapeError",
      "Cannot shuffle the channels of float32[1,2,4] in 3 groups: " +
      "expected [batch, channels, ...space] with a multiple of 3 channels",
    ],
    [
      () => nn.fractionalMaxPool2d(2, {}),
      "ArgumentError",
      "Cannot make a fractionalMaxPool2d layer: expected either outputSize or outputRatio",
    ],
    [
      () => nn.fractionalMaxPool2d(2, { outputSize: 4 }).apply({}, {}, ones([1, 1, 4, 9]), { key }),
      "ShapeError",
      "Cannot apply fractionalMaxPool2d to float32[1,1,4,9]: axis 2 has no room for 4 windows of 2",
    ],
    [
      () => nn.adaptiveLogSoftmax(8, 10, [5, 2]),
      "ArgumentError",
      "Cannot make an adaptiveLogSoftmax layer with cutoffs [5, 2]: " +
      "expected ascending integers from 1 to 9",
    ],
    [
      () => nn.rrelu({ lower: 1, upper: 0 }),
      "ArgumentError",
      "Cannot make a rrelu layer with lower 1: expected a number from -Infinity to 0",
    ],
    [
      () => bag([0, 1, 2], [1, 2]),
      "ArgumentError",
      "Cannot apply embeddingBag to int32[3] with offsets [1, 2]: " +
      "expected numbers from 0 to 3, which begin with 0 and ascend",
    ],
    [
      () => bag([0, 1, 2], [0], [1, 2, 3]),
      "ArgumentError",
      'Cannot apply embeddingBag with perSampleWeights: expected mode "sum", got "mean"',
    ],
  ];
  function bag(indices: number[], offsets: number[], perSampleWeights?: number[]) {
    const layer = nn.embeddingBag(4, 2);
    const input = { indices: tensor(indices, { dtype: "int32" }), offsets };
    const given = perSampleWeights === undefined ? input : { ...input, perSampleWeights };
    return layer.apply(layer.init(key)[0], {}, given);
  }
  for (const [call, name, message] of refusals) assertRefused(call, name, message);
});

Deno.test("cells are the steps of recurrent layers", () => {
  const xs = normal(key, [3, 2, 4], { dtype });
  for (
    const [cell, layer] of [["rnnCell", "rnn"], ["gruCell", "gru"], ["lstmCell", "lstm"]] as const
  ) {
    const whole = nn[layer as "gru"](4, 3, { dtype, outputs: "sequence" });
    const [params, state] = whole.init(key);
    const own = Object.fromEntries(
      Object.entries(params).map(([name, leaf]) => [name.replace("_l0", ""), leaf]),
    );
    const one = nn[cell](4, 3, { dtype }) as AnyLayer;
    const [sequence] = whole.apply(params, state, xs);
    let last: unknown;
    for (let t = 0; t < 3; t++) {
      [last] = one.apply(own, {}, last === undefined ? xs.at(t) : [xs.at(t), last]);
      const [hidden] = [last].flat() as Tensor[];
      assertTensorsClose(hidden, sequence.at(t), close);
      const [alone] = [one.apply(own, {}, xs.at(0, 1))[0]].flat() as Tensor[];
      assertTensorsClose(alone, sequence.at(0, 1), close);
    }
    assertRefused(
      () => one.apply(own, {}, ones([2, 5])),
      "ShapeError",
      `Cannot apply ${cell} to float32[2,5]: expected [B, 4] or [4]`,
    );
  }
  const gains = ["linear", "sigmoid", "tanh", "relu", "leakyRelu", "selu"] as const;
  const { gainOf, sparse } = nn.initializers;
  assertTensorsClose(gains.map((name) => gainOf(name, 0.5)), [
    1,
    1,
    5 / 3,
    2 ** 0.5,
    1.6 ** 0.5,
    0.75,
  ]);
  const w = sparse(0.3, 2)(key, [50, 20], dtype);
  assertTensorsClose(w.equal(0).sum(0), new Array(20).fill(15));
  assert(Math.abs(w.std().item() - 2 * 0.7 ** 0.5) < 0.15);
});
