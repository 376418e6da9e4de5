import fixture from "../fixtures/more_activations.json" with { type: "json" };
import type { Tensor } from "../../src/core/tensor.ts";
import { eye, full, ones, stack, tensor } from "../../src/functions/mod.ts";
import { jit } from "../../src/jit.ts";
import * as nn from "../../src/nn/mod.ts";
import { key as makeKey, split } from "../../src/random/mod.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import { grad, vjp, vmap } from "../../src/transforms/mod.ts";
import { assert, assertEquals } from "../support/std.ts";
import { assertRefused, fromFixture } from "./support.ts";
import type { Written } from "./support.ts";

interface Elementwise {
  readonly name: string;
  readonly args: readonly unknown[];
  readonly x: Written;
  readonly y: Written;
  readonly dx: Written;
}

interface Rows {
  readonly name: string;
  readonly args: readonly unknown[];
  readonly inputs: readonly Written[];
  readonly y: Written;
  readonly cotangent: Written;
  readonly grads: readonly Written[];
}

type Activation = (...args: unknown[]) => Tensor;

const dtype = "float64";
const key = makeKey(3);
const close = { rtol: 1e-13, atol: 1e-14 };

for (const [place, { name, args, ...given }] of (fixture.elementwise as Elementwise[]).entries()) {
  Deno.test(`activation ${place}, ${name} ${JSON.stringify(args)}, has the values of PyTorch or JAX`, () => {
    const f = (x: Tensor) => (nn[name as "relu6"] as Activation)(x, ...args);
    const x = fromFixture(given.x);
    const [y, pullback] = vjp(f, x);
    assertTensorsClose(y, fromFixture(given.y), close);
    assertTensorsClose(pullback(ones(x.shape, { dtype }))[0], fromFixture(given.dx), close);
    assertTensorsClose(vmap(f)(x), y, close);
    assertTensorsClose(jit(f)(x), y, { rtol: 1e-12, atol: 1e-13 });
    assertEquals(f(x.astype("float32")).dtype, "float32");
    assertEquals(f(x.astype("bfloat16")).dtype, "bfloat16");
    // Far from kinks.
    const smooth = name === "log1mexp"
      ? tensor([0.3, 2], { dtype })
      : tensor([-4.2, -0.7, 0.7, 8], { dtype });
    checkGrads(f, [smooth], { order: 2, rtol: 1e-5, atol: 1e-6 });
  });
}

for (const [place, { name, args, ...given }] of (fixture.rows as Rows[]).entries()) {
  Deno.test(`activation ${place} along an axis, ${name} ${JSON.stringify(args)}, has the values of PyTorch or JAX`, () => {
    const f = (...inputs: Tensor[]) => (nn[name as "glu"] as Activation)(...inputs, ...args);
    const inputs = given.inputs.map((x) => fromFixture(x));
    const [y, pullback] = vjp(f, ...inputs);
    assertTensorsClose(y, fromFixture(given.y), { rtol: 1e-12, atol: 1e-13 });
    const slopes = pullback(fromFixture(given.cotangent));
    given.grads.forEach((slope, i) =>
      assertTensorsClose(slopes[i], fromFixture(slope), { rtol: 1e-11, atol: 1e-12 })
    );
    assertTensorsClose(jit(f)(...inputs), y, { rtol: 1e-12, atol: 1e-13 });
    const isNegative = args.some((arg) => arg === 0 || arg === 1 || typeof arg === "object") ||
      name === "normalize";
    if (isNegative) return;
    assertTensorsClose(vmap(f)(...inputs.map((x) => stack([x, x]))).at(1), y, { rtol: 1e-12 });
  });
}

Deno.test("infinite inputs give the limits of activations, and of their derivatives", () => {
  const limits: Readonly<
    Record<string, readonly [low: number, high: number, slopes: readonly number[]]>
  > = {
    relu6: [0, 6, [0, 0]],
    hardsigmoid: [0, 1, [0, 0]],
    hardswish: [0, Infinity, [0, 1]],
    softshrink: [-Infinity, Infinity, [1, 1]],
    hardshrink: [-Infinity, Infinity, [1, 1]],
    sparsePlus: [0, Infinity, [0, 1]],
    sparseSigmoid: [0, 1, [0, 0]],
    celu: [-1, Infinity, [0, 1]],
    selu: [-1.7580993408473766, Infinity, [0, 1.0507009873554805]],
    logsigmoid: [-Infinity, 0, [1, 0]],
    softsign: [-1, 1, [0, 0]],
    tanhshrink: [-Infinity, Infinity, [1, 1]],
  };
  for (const [name, [low, high, slopes]] of Object.entries(limits)) {
    const f = (x: Tensor) => (nn[name as "relu6"] as Activation)(x);
    const x = tensor([-Infinity, Infinity], { dtype });
    assertTensorsClose(f(x), tensor([low, high], { dtype }), { ...close, message: name });
    assertTensorsClose(grad((x: Tensor) => f(x).sum())(x), tensor(slopes, { dtype }), {
      ...close,
      message: name,
    });
    assertEquals(f(tensor([NaN])).toArray(), [NaN], name);
  }
});

Deno.test("gumbelSoftmax draws classes with their probabilities, with soft derivatives", () => {
  const logits = tensor([0, Math.log(3)]);
  const draws = vmap((key: Tensor) => nn.gumbelSoftmax(key, logits, { hard: true }))(
    split(key, [4000]),
  );
  assertEquals(new Set(draws.data() as Float32Array), new Set([0, 1]));
  const share = Number(draws.mean(0).at(1));
  assert(Math.abs(share - 0.75) < 5 * Math.sqrt(0.75 * 0.25 / 4000), String(share));
  const weights = tensor([1, 3]);
  const of = (hard: boolean) =>
    grad((x: Tensor) => nn.gumbelSoftmax(key, x, { hard, tau: 0.5 }).mul(weights).sum())(logits);
  assertTensorsClose(of(true), of(false));
  const rows = nn.gumbelSoftmax(key, ones([3, 4]), { axis: 0 });
  assertTensorsClose(rows.sum(0), ones([4]));
});

Deno.test("initializers have the variances and the shapes that they promise", () => {
  const { initializers } = nn;
  const shape = [60, 20, 3];
  const variances: readonly [nn.Initializer, number, number][] = [
    [initializers.lecunNormal(), 1 / 60, 2 / 0.8796256610342398],
    [initializers.lecunUniform(), 1 / 60, Math.sqrt(3)],
    [initializers.varianceScaling({ scale: 2, mode: "out", distribution: "normal" }), 2 / 180, 9],
    [
      initializers.varianceScaling({ mode: "average", distribution: "uniform" }),
      1 / 120,
      Math.sqrt(3),
    ],
    [initializers.truncatedNormal(0.5), (0.5 * 0.8796256610342398) ** 2, 2 / 0.8796256610342398],
  ];
  for (const [draw, variance, bound] of variances) {
    const w = draw(key, shape, dtype);
    assertEquals([w.dtype, w.shape], [dtype, shape]);
    assert(Math.abs(w.variance().item() / variance - 1) < 0.1, `${w.variance()} ${variance}`);
    assert(
      w.abs().max().item() <= bound * Math.sqrt(variance) * (1 + 1e-12),
      String(w.abs().max()),
    );
  }
  const wide = initializers.orthogonal(2)(key, [4, 3, 2], dtype).reshape([4, 6]);
  assertTensorsClose(wide.matmul(wide.transpose()), eye(4, { dtype }).mul(4), close);
  const tall = initializers.orthogonal()(key, [5, 2], dtype);
  assertTensorsClose(tall.transpose().matmul(tall), eye(2, { dtype }), close);
  const window = initializers.deltaOrthogonal()(key, [4, 2, 3, 3], dtype);
  const middle = window.at(null, null, 1, 1);
  assertTensorsClose(middle.transpose().matmul(middle), eye(2, { dtype }), close);
  assertTensorsClose(window.square().sum(), full([], 2, { dtype }), close);
  assertRefused(
    () => initializers.deltaOrthogonal()(key, [2, 4, 3]),
    "ArgumentError",
    "Cannot draw deltaOrthogonal of shape [2,4,3]: expected at least as many outputs as inputs",
  );
});
