import type { Dtype } from "../../src/base/dtype.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import * as init from "../../src/nn/initializers.ts";
import * as nn from "../../src/nn/mod.ts";
import { key as makeKey, split } from "../../src/random/mod.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { makeProgram, vmap } from "../../src/transforms/mod.ts";
import { assert, assertEquals } from "../support/std.ts";
import { assertRefused, wrong } from "./support.ts";

const key = makeKey(3);

/** Every initialiser that draws, with its standard deviation for a weight `[50, 20, 2, 3]`. */
const drawn: readonly {
  readonly name: string;
  readonly make: init.Initializer;
  readonly deviation: number;
  readonly isUniform: boolean;
}[] = [
  {
    name: "uniform",
    make: init.uniform(-0.5, 0.5),
    deviation: 1 / Math.sqrt(12),
    isUniform: true,
  },
  { name: "normal", make: init.normal(0.3), deviation: 0.3, isUniform: false },
  {
    name: "kaimingUniform",
    make: init.kaimingUniform(),
    deviation: Math.sqrt(2 / 120),
    isUniform: true,
  },
  {
    name: "kaimingUniform by fan-out",
    make: init.kaimingUniform({ mode: "out", gain: 1 }),
    deviation: Math.sqrt(1 / 300),
    isUniform: true,
  },
  {
    name: "kaimingNormal",
    make: init.kaimingNormal({ gain: 1 }),
    deviation: Math.sqrt(1 / 120),
    isUniform: false,
  },
  {
    name: "kaimingNormal by fan-out",
    make: init.kaimingNormal({ mode: "out" }),
    deviation: Math.sqrt(2 / 300),
    isUniform: false,
  },
  {
    name: "xavierUniform",
    make: init.xavierUniform(),
    deviation: Math.sqrt(2 / 420),
    isUniform: true,
  },
  {
    name: "xavierNormal",
    make: init.xavierNormal(2),
    deviation: 2 * Math.sqrt(2 / 420),
    isUniform: false,
  },
  {
    name: "the default weight",
    make: init.defaultWeight,
    deviation: 1 / Math.sqrt(3 * 120),
    isUniform: true,
  },
  {
    name: "the default bias",
    make: init.defaultBias([50, 20, 2, 3]),
    deviation: 1 / Math.sqrt(3 * 120),
    isUniform: true,
  },
];

const shape = [50, 20, 2, 3];

function statistics(x: Tensor): { mean: number; deviation: number; fourth: number; most: number } {
  const values = [...x.data()];
  const average = (list: number[]) => list.reduce((total, value) => total + value, 0) / list.length;
  const mean = average(values);
  const variance = average(values.map((value) => (value - mean) ** 2));
  const fourth = average(values.map((value) => (value - mean) ** 4)) / variance ** 2;
  const most = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return { mean, deviation: Math.sqrt(variance), fourth, most };
}

for (const { name, make, deviation, isUniform } of drawn) {
  Deno.test(`${name} has the mean, the deviation and the form that it promises`, () => {
    const found = statistics(make(key, shape));
    const count = 6000;
    // Five standard deviations of each statistic, for the wider of the two distributions.
    assert(Math.abs(found.mean) < 5 * deviation / Math.sqrt(count), `mean ${found.mean}`);
    const error = Math.abs(found.deviation / deviation - 1);
    assert(error < 5 / Math.sqrt(2 * count), `deviation ${found.deviation} of ${deviation}`);
    assert(Math.abs(found.fourth - (isUniform ? 1.8 : 3)) < 0.35, `fourth ${found.fourth}`);
    if (isUniform) assert(found.most <= Math.fround(deviation * Math.sqrt(3)));
    else assert(found.most > 3 * deviation && found.most < 5 * deviation);
  });

  Deno.test(`${name} follows its key, shape and dtype`, () => {
    for (const dtype of ["float32", "float64"] satisfies Dtype[]) {
      const x = make(key, shape, dtype);
      assertEquals([x.shape, x.dtype], [shape, dtype]);
      assertTensorsClose(make(key, shape, dtype), x, { rtol: 0, atol: 0 });
      assert(String(make(makeKey(4), shape, dtype).data()) !== String(x.data()));
    }
    assertEquals(make(key, shape).dtype, "float32");
    assertEquals(make(key, [0, 3]).shape, [0, 3]);
    assertEquals(make(key, [3, 0]).shape, [3, 0]);
  });

  Deno.test(`${name} works on traced keys`, () => {
    const keys = split(key, [2]);
    const both = vmap((key: Tensor) => make(key, [4, 3]))(keys);
    assertTensorsClose(both.at(1), make(keys.at(1), [4, 3]), { rtol: 0, atol: 0 });
    assert(makeProgram((key: Tensor) => make(key, [4, 3]))(key).equations.length > 0);
  });
}

Deno.test("constants ignore their key", () => {
  assertTensorsClose(init.constant(-1.5)(key, [2, 2]), [[-1.5, -1.5], [-1.5, -1.5]]);
  assertEquals(init.zeros(key, [3]).toArray(), [0, 0, 0]);
  const x = init.ones(key, [2], "float64");
  assertEquals([x.toArray(), x.dtype], [[1, 1], "float64"]);
});

Deno.test("a normal initialiser takes a mean", () => {
  const { mean } = statistics(init.normal(0.1, 3)(key, shape));
  assert(Math.abs(mean - 3) < 5 * 0.1 / Math.sqrt(6000), String(mean));
});

Deno.test("fans count connections as PyTorch does", () => {
  assertEquals(init.fans([4, 3]), [3, 4]);
  assertEquals(init.fans([64, 3, 7, 7]), [147, 3136]);
  assertEquals(init.fans([2, 0]), [0, 2]);
});

Deno.test("fresh layers have PyTorch's distributions", () => {
  const bound = (x: Tensor) => statistics(x).most;
  const within = (x: Tensor, limit: number) =>
    assert(bound(x) <= limit && bound(x) > 0.8 * limit, `${bound(x)} of ${limit}`);
  const [linear] = nn.linear(25, 40).init(key);
  within(linear.weight, 1 / 5);
  within(linear.bias!, 1 / 5);
  const [conv] = nn.conv2d(8, 40, [2, 3], { groups: 2 }).init(key);
  assertEquals(conv.weight.shape, [40, 4, 2, 3]);
  within(conv.weight, 1 / Math.sqrt(24));
  within(conv.bias!, 1 / Math.sqrt(24));
  const [table] = nn.embedding(200, 30).init(key);
  assert(Math.abs(statistics(table.weight).deviation - 1) < 0.05);
  const [, state] = nn.batchNorm(2).init(key);
  assertEquals(state.running_mean.toArray(), [0, 0]);
  assertEquals(state.running_var.toArray(), [1, 1]);
  assertEquals(state.num_batches_tracked.item(), 0);
  for (const layer of [nn.batchNorm(2), nn.layerNorm(2), nn.groupNorm(1, 2)]) {
    const [params] = layer.init(key) as [nn.AffineParams, unknown];
    assertEquals(params.weight!.toArray(), [1, 1]);
    assertEquals(params.bias!.toArray(), [0, 0]);
  }
});

Deno.test("a layer takes its own initialisers and dtype", () => {
  const [params] = nn.linear(2, 3, {
    weightInit: init.constant(0.25),
    biasInit: init.ones,
    dtype: "float64",
  }).init(key);
  assertTensorsClose(params, {
    weight: [[0.25, 0.25], [0.25, 0.25], [0.25, 0.25]],
    bias: [1, 1, 1],
  });
  assertEquals([params.weight.dtype, params.bias!.dtype], ["float64", "float64"]);
});

Deno.test("initialisers refuse what makes no sense", () => {
  const refuse = (make: () => unknown, message: string) =>
    assertRefused(make, "ArgumentError", message);
  refuse(
    () => init.fans([3]),
    "Cannot compute fans of shape [3]: expected [out, in, ...window]",
  );
  refuse(
    () => init.kaimingNormal()(key, [3]),
    "Cannot compute fans of shape [3]: expected [out, in, ...window]",
  );
  refuse(
    () => init.kaimingNormal({ mode: wrong("avg") }),
    'Cannot make the initializer kaimingNormal with mode "avg": expected "in" or "out"',
  );
  refuse(
    () => init.kaimingUniform({ gain: NaN }),
    "Cannot make the initializer kaimingUniform with gain NaN: expected a finite number",
  );
  refuse(
    () => init.kaimingUniform(wrong("relu")),
    'Cannot make the initializer kaimingUniform: expected options such as { mode }, got "relu"',
  );
  refuse(
    () => init.xavierUniform(Infinity),
    "Cannot make the initializer xavierUniform with gain Infinity: expected a finite number",
  );
  refuse(
    () => init.xavierNormal(wrong("1")),
    'Cannot make the initializer xavierNormal with gain "1": expected a finite number',
  );
  refuse(
    () => init.normal(NaN),
    "Cannot make the initializer normal with deviation NaN: expected a finite number",
  );
  refuse(
    () => init.normal(1, wrong(null)),
    "Cannot make the initializer normal with mean null: expected a finite number",
  );
  refuse(
    () => init.uniform(-Infinity, 0),
    "Cannot make the initializer uniform with low -Infinity: expected a finite number",
  );
  refuse(
    () => init.uniform(2, 1)(key, [2]),
    "Cannot draw uniform numbers from 2 to 1: minval must not be greater than maxval",
  );
  assertRefused(
    () => init.fans(wrong("ab")),
    "ShapeError",
    'Cannot compute fans: expected a shape such as [2, 3], got "ab"',
  );
});
