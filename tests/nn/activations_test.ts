import fixture from "../fixtures/nn.json" with { type: "json" };
import type { Dtype } from "../../src/base/dtype.ts";
import type { Tensor, TensorLike } from "../../src/core/tensor.ts";
import { index, mul, onesLike, sum, tensor, zeros } from "../../src/functions/mod.ts";
import * as nn from "../../src/nn/activations.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import { grad, jvp, makeProgram, stopGradient, vjp, vmap } from "../../src/transforms/mod.ts";
import { assert, assertEquals } from "../support/std.ts";
import { assertRefused, fromFixture, wrong } from "./support.ts";

type Activation = (x: TensorLike) => Tensor;

/** Every elementwise activation, with and without its options. */
const activations: Readonly<Record<string, Activation>> = {
  relu: nn.relu,
  leakyRelu: nn.leakyRelu,
  "leakyRelu of slope 0.2": (x) => nn.leakyRelu(x, { negativeSlope: 0.2 }),
  "leakyRelu of slope 0": (x) => nn.leakyRelu(x, { negativeSlope: 0 }),
  elu: nn.elu,
  "elu of alpha 0.5": (x) => nn.elu(x, { alpha: 0.5 }),
  gelu: nn.gelu,
  "gelu by tanh": (x) => nn.gelu(x, { approximate: "tanh" }),
  silu: nn.silu,
  softplus: nn.softplus,
  "softplus of beta 2": (x) => nn.softplus(x, { beta: 2, threshold: 5 }),
  "softplus of beta 0.5": (x) => nn.softplus(x, { beta: 0.5 }),
  sigmoid: nn.sigmoid,
  tanh: nn.tanh,
  hardtanh: nn.hardtanh,
  "hardtanh of other bounds": (x) => nn.hardtanh(x, { min: -0.5, max: 2 }),
  mish: nn.mish,
};

/** An activation of the fixture, with the options in our names. */
function activationOf({ name, options }: { name: string; options: object }): Activation {
  const renamed: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(options)) {
    renamed[key === "minVal" ? "min" : key === "maxVal" ? "max" : key] = value;
  }
  const f = nn[name as "elu"] as (x: TensorLike, options?: object) => Tensor;
  return (x) => Object.keys(renamed).length === 0 ? f(x) : f(x, renamed);
}

/** The derivative of each element. */
function slope(f: Activation, x: Tensor): Tensor {
  const [y, pullback] = vjp(f, x);
  return pullback(onesLike(y))[0];
}

/** What PyTorch gives, with the limits in place of the NaN that it gives at infinity. */
function withLimits(x: Tensor, found: Tensor, atMinus: number, atPlus: number): Tensor {
  const points = x.data();
  const values = found.data().map((value, i) =>
    points[i] === -Infinity ? atMinus : points[i] === Infinity ? atPlus : value
  );
  return tensor(values, { dtype: "float64" });
}

const tolerances: Readonly<Record<string, { rtol: number; atol: number }>> = {
  float64: { rtol: 1e-12, atol: 1e-15 },
  float32: { rtol: 1e-6, atol: 1e-7 },
};

for (const dtype of ["float64", "float32"] satisfies Dtype[]) {
  for (const given of fixture.activations) {
    const { name, options } = given;
    Deno.test(`${name} ${JSON.stringify(options)} equals PyTorch's in ${dtype}`, () => {
      const f = activationOf(given);
      const x = fromFixture(given.x, dtype);
      let y = fromFixture(given.y);
      let dx = fromFixture(given.dx);
      if (["gelu", "silu", "mish"].includes(name)) {
        y = withLimits(x, y, 0, Infinity);
        dx = withLimits(x, dx, 0, 1);
      }
      assertTensorsClose(f(x).data(), y.data(), tolerances[dtype]);
      assertTensorsClose(slope(f, x).data(), dx.data(), tolerances[dtype]);
      assertEquals(f(x).dtype, dtype);
    });
  }

  for (const given of fixture.softmax) {
    const { name, options: { axis } } = given;
    Deno.test(`${name} of ${JSON.stringify(given.x)} equals PyTorch's in ${dtype}`, () => {
      const f = (x: TensorLike) =>
        name === "softmax" ? nn.softmax(x, axis) : nn.logSoftmax(x, axis);
      const [y, pullback] = vjp(f, fromFixture(given.x, dtype));
      const cotangent = fromFixture(given.cotangent, dtype);
      assertTensorsClose(y, fromFixture(given.y, dtype), tolerances[dtype]);
      assertTensorsClose(pullback(cotangent)[0], fromFixture(given.dx, dtype), tolerances[dtype]);
    });
  }
}

const smoothPoints = tensor([-30.1, -4, -2.1, -0.7, 0.3, 0.9, 1.7, 3.5, 30.1], {
  dtype: "float64",
});

for (const [name, f] of Object.entries(activations)) {
  Deno.test(`the first and second derivatives of ${name} agree with differences`, () => {
    checkGrads(f, [smoothPoints]);
  });

  Deno.test(`${name} and its derivatives are numbers at the ends of both float dtypes`, () => {
    const ends = {
      float32: [1e10, 1e20, 1e30, 3.4e38, Infinity],
      float64: [1e10, 1e100, 1e200, 1.7e308, Infinity],
    };
    for (const [dtype, list] of Object.entries(ends)) {
      for (const end of list.flatMap((x) => [x, -x])) {
        const x = tensor(end, { dtype: dtype as Dtype });
        const one = onesLike(x);
        const derivative = (y: Tensor) => jvp(f, [y], [one])[1];
        const found = [
          f(x),
          derivative(x),
          grad(f)(x),
          jvp(derivative, [x], [one])[1],
          grad(derivative)(x),
          grad(grad(f))(x),
        ].map((y) => y.item());
        const line = `${dtype} ${end}: ${found}`;
        assert(found.every((y) => !Number.isNaN(y)), line);
        // A straight line at the ends: no curvature, and the same slope in both modes.
        assertEquals(found.slice(3).map(Math.abs as (x: unknown) => number), [0, 0, 0], line);
        assertEquals(found[1], found[2], line);
      }
    }
  });

  Deno.test(`${name} maps over a batch, and keeps shape and purity`, () => {
    const x = tensor([[-3, -0.5, 0], [0.5, 1, 30]], { dtype: "float64" });
    const before = x.toArray();
    assertTensorsClose(vmap(f)(x), f(x), { rtol: 0, atol: 0 });
    assertTensorsClose(vmap(grad((y: Tensor) => sum(f(y))), 1, 1)(x), slope(f, x));
    assertEquals(f(x).shape, [2, 3]);
    assertEquals(f(zeros([0, 3])).shape, [0, 3]);
    assertEquals(x.toArray(), before);
  });

  Deno.test(`${name} takes numbers, nested arrays and integers`, () => {
    const expected = f(tensor([1, -1]));
    assertTensorsClose(f([1, -1]), expected);
    assertTensorsClose(f(1), expected.at(0));
    assertTensorsClose(f(tensor([1, -1], { dtype: "int32" })).astype("float32"), expected);
  });
}

Deno.test("relu keeps the dtype of integers and bools", () => {
  const x = nn.relu(tensor([-2, 3], { dtype: "int32" }));
  assertEquals([x.dtype, x.toArray()], ["int32", [0, 3]]);
  assertEquals(nn.relu([true, false]).toArray(), [true, false]);
});

Deno.test("derivatives at kinks follow PyTorch", () => {
  assertEquals(grad(nn.relu)(0).item(), 0);
  assertEquals(grad(nn.relu)(-0).item(), 0);
  assertEquals(grad((x) => nn.leakyRelu(x, { negativeSlope: 0.25 }))(0).item(), 0.25);
  assertEquals(grad((x) => nn.leakyRelu(x, { negativeSlope: 0 }))(0).item(), 0);
  assertEquals(grad((x) => nn.elu(x, { alpha: 0.25 }))(0).item(), 0.25);
  assertEquals(grad(nn.hardtanh)(1).item(), 0);
  assertEquals(grad(nn.hardtanh)(-1).item(), 0);
});

Deno.test("activations of NaN are NaN", () => {
  for (const [name, f] of Object.entries(activations)) {
    assertEquals(f(NaN).item(), NaN, name);
    assertEquals(f(tensor(NaN, { dtype: "float64" })).item(), NaN, name);
  }
});

Deno.test("gelu keeps its relative accuracy far below zero, where PyTorch's cancels", () => {
  // x / 2 * erfc(-x / sqrt(2)) by the continued fraction of erfc, in extended precision.
  const x = tensor([-8, -12], { dtype: "float64" });
  const expected = [-8 * 6.220960574271786e-16, -12 * 1.776482112077679e-33];
  assertTensorsClose(nn.gelu(x), expected, { rtol: 1e-13, atol: 0 });
});

Deno.test("activations take few operations", () => {
  const counts = Object.entries(activations).map((
    [name, f],
  ) => [name, makeProgram(f)(zeros([2])).equations.length]);
  assertEquals(Object.fromEntries(counts), {
    relu: 2,
    leakyRelu: 3,
    "leakyRelu of slope 0.2": 3,
    "leakyRelu of slope 0": 2,
    elu: 4,
    "elu of alpha 0.5": 5,
    gelu: 9,
    "gelu by tanh": 11,
    silu: 7,
    softplus: 3,
    "softplus of beta 2": 5,
    "softplus of beta 0.5": 5,
    sigmoid: 1,
    tanh: 1,
    hardtanh: 4,
    "hardtanh of other bounds": 4,
    mish: 8,
  });
});

Deno.test("softmax and logSoftmax are safe far from zero", () => {
  for (const dtype of ["float32", "float64"] satisfies Dtype[]) {
    const x = tensor([[1e30, 1e30, -1e30], [-1e30, 0, 1]], { dtype });
    const e = Math.E;
    assertTensorsClose(nn.softmax(x), [[0.5, 0.5, 0], [0, 1 / (1 + e), e / (1 + e)]]);
    assertTensorsClose(nn.logSoftmax(x), [
      [-Math.LN2, -Math.LN2, -2e30],
      [-1e30, -Math.log(1 + e), 1 - Math.log(1 + e)],
    ]);
  }
  // Large offsets cost nothing: the shift comes before the logarithm.
  const offset = tensor([1e6, 1e6 + 0.5]);
  assertTensorsClose(nn.logSoftmax(offset), nn.logSoftmax([0, 0.5]), { rtol: 1e-7, atol: 0 });
});

Deno.test("softmax gives masked elements no probability and no derivative", () => {
  const x = tensor([[1, -Infinity, 2], [-Infinity, -Infinity, 5]], { dtype: "float64" });
  const [y, pullback] = vjp((x: Tensor) => nn.softmax(x), x);
  const p = 1 / (1 + Math.E);
  assertTensorsClose(y, [[p, 0, 1 - p], [0, 0, 1]]);
  const cotangent = tensor([[1, 2, 3], [4, 5, 6]], { dtype: "float64" });
  assertTensorsClose(pullback(cotangent)[0], [[-2 * p * (1 - p), 0, 2 * p * (1 - p)], [0, 0, 0]]);
  const pick = (x: Tensor) => sum(mul(index(nn.logSoftmax(x), null, 2), [1, 2]));
  assertTensorsClose(grad(pick)(x), [[-p, 0, p], [0, 0, 0]]);
  const curved = grad((x: Tensor) => sum(mul(grad(pick)(x), cotangent)))(x);
  assert(curved.data().every(Number.isFinite), String(curved));
});

Deno.test("softmax and logSoftmax of a row of nothing but minus infinity are NaN, as in PyTorch", () => {
  const x = [[-Infinity, -Infinity], [0, 0]];
  assertTensorsClose(nn.softmax(x), [[NaN, NaN], [0.5, 0.5]]);
  assertTensorsClose(nn.logSoftmax(x), [[NaN, NaN], [-Math.LN2, -Math.LN2]]);
});

for (const [name, f] of Object.entries({ softmax: nn.softmax, logSoftmax: nn.logSoftmax })) {
  Deno.test(`${name} works under every transform and along every axis`, () => {
    const x = tensor([[[0.5, -1], [2, 0.25]], [[1, 3], [-2, 0]]], { dtype: "float64" });
    for (const axis of [0, 1, 2, -1, -2, -3]) {
      checkGrads((x: Tensor) => f(x, axis), [x]);
      const powers = name === "softmax" ? f(x, axis) : f(x, axis).exp();
      assertTensorsClose(powers.sum(axis), onesLike(x.sum(axis)));
    }
    for (const axis of [0, 1, 2]) {
      const mapped = vmap((y: Tensor) => f(y, 0), axis, axis)(x);
      assertTensorsClose(mapped, f(x, axis === 0 ? 1 : 0));
    }
    // The shift has no derivative of its own: that of a maximum would look for its place.
    const program = makeProgram(grad((y: Tensor) => sum(mul(f(y), stopGradient(y)))))(x);
    assert(!String(program).includes("equal("), String(program));
  });

  Deno.test(`${name} of rows without elements is empty`, () => {
    assertEquals(f(zeros([2, 0])).shape, [2, 0]);
    assertEquals(f(zeros([2, 0]), 0).shape, [2, 0]);
    assertEquals(f(zeros([0, 3])).shape, [0, 3]);
  });

  Deno.test(`${name} takes integers as floats`, () => {
    assertEquals(f(tensor([1, 2], { dtype: "int32" })).dtype, "float32");
    assertTensorsClose(f(tensor([1, 2], { dtype: "int32" })), f([1, 2]));
  });

  Deno.test(`${name} names an axis that is out of range`, () => {
    assertRefused(
      () => f([1, 2], 1),
      "AxisError",
      `Cannot apply ${name}: axis 1 is out of range, expected -1 to 0`,
    );
    assertRefused(
      () => f(1, 1),
      "AxisError",
      `Cannot apply ${name}: axis 1 is out of range, a scalar has no axes`,
    );
    assertRefused(
      () => f([1, 2], NaN),
      "AxisError",
      `Cannot apply ${name}: expected an integer axis, got NaN`,
    );
  });
}

Deno.test("activations refuse what they cannot take, and say what they take", () => {
  assertRefused(
    () => nn.relu(wrong("abc")),
    "ArgumentError",
    "Cannot apply relu: expected a tensor, number, boolean, nested array or typed array, " +
      'got "abc"',
  );
  assertRefused(
    () => nn.gelu([1], { approximate: wrong("erf") }),
    "ArgumentError",
    'Cannot apply gelu with approximate "erf": expected "none" or "tanh"',
  );
  assertRefused(
    () => nn.gelu([1], wrong(0)),
    "ArgumentError",
    "Cannot apply gelu: expected options such as { approximate }, got 0",
  );
  assertRefused(
    () => nn.elu([1], wrong({ scale: 2 })),
    "ArgumentError",
    'Cannot apply elu: there is no option "scale", the options are alpha',
  );
  assertRefused(
    () => nn.elu([1], { alpha: NaN }),
    "ArgumentError",
    "Cannot apply elu with alpha NaN: expected a number",
  );
  assertRefused(
    () => nn.leakyRelu([1], { negativeSlope: wrong("0.1") }),
    "ArgumentError",
    'Cannot apply leakyRelu with negativeSlope "0.1": expected a number',
  );
  assertRefused(
    () => nn.softplus([1], { beta: 0 }),
    "ArgumentError",
    "Cannot apply softplus with beta 0: expected a positive, finite number",
  );
  assertRefused(
    () => nn.softplus([1], { threshold: wrong(null) }),
    "ArgumentError",
    "Cannot apply softplus with threshold null: expected a number",
  );
  assertRefused(
    () => nn.hardtanh([1], { min: 2 }),
    "ArgumentError",
    "Cannot apply hardtanh with min 2 and max 1: swap them",
  );
  assertRefused(
    () => nn.hardtanh([1], { max: wrong(undefined), min: NaN }),
    "ArgumentError",
    "Cannot apply hardtanh with min NaN: expected a number",
  );
});
