import expected from "../fixtures/halves.json" with { type: "json" };
import {
  ArgumentError,
  grad,
  inspect,
  jit,
  models,
  nn,
  random,
  tensor,
  vjp,
  vmap,
} from "../../mod.ts";
import type { Dtype, Tensor } from "../../mod.ts";
import { epsilonOf } from "../../src/base/dtype.ts";
import { arange, flip, ones } from "../../src/functions/mod.ts";
import * as tree from "../../src/tree.ts";
import { assert, assertEquals } from "../support/std.ts";
import { assertRefused } from "../support/errors.ts";

const [ROWS, COLUMNS] = [4, 16];

function affine(dtype: Dtype) {
  return {
    weight: arange(1, COLUMNS + 1, 1).div(8).astype(dtype),
    bias: arange(COLUMNS).div(8).sub(1).astype(dtype),
  };
}

function normalized(layer: nn.Layer<nn.AffineParams, unknown>, x: Tensor): Tensor {
  const [, state] = layer.init(random.key(0));
  return layer.apply(affine(x.dtype), state, x, { train: true })[0];
}

function attend(
  x: Tensor,
  target: Tensor,
  options: nn.ScaledDotProductAttentionOptions,
): Tensor {
  const [query, key, value] = [x, target.mul(2), flip(x, 0)].map((y) => y.reshape([2, 8, 4]));
  return nn.scaledDotProductAttention(query, key, value, options);
}

const functions: Readonly<Record<string, (x: Tensor, target: Tensor) => Tensor>> = {
  softmax: (x) => nn.softmax(x),
  logSoftmax: (x) => nn.logSoftmax(x),
  layerNorm: (x) => normalized(nn.layerNorm(COLUMNS), x),
  groupNorm: (x) => normalized(nn.groupNorm(4, COLUMNS), x),
  batchNorm: (x) => normalized(nn.batchNorm(COLUMNS), x),
  crossEntropy: (x) => nn.crossEntropy(x, classes),
  "crossEntropy of all": (x) => nn.crossEntropy(x, classes, { reduction: "none" }),
  mseLoss: (x, target) => nn.mseLoss(x, target),
  l1Loss: (x, target) => nn.l1Loss(x, target, { reduction: "sum" }),
  huberLoss: (x, target) => nn.huberLoss(x, target, { reduction: "none" }),
  binaryCrossEntropyWithLogits: (x, target) => nn.binaryCrossEntropyWithLogits(x, target.sigmoid()),
  attention: (x, target) => attend(x, target, { scale: 2 }),
  "causal attention": (x, target) => attend(x, target, { isCausal: true }),
  "attention with a mask": (x, target) => attend(x, target, { attnMask: target.reshape([8, 8]) }),
  klDiv: (x, target) => nn.klDiv(nn.logSoftmax(x), nn.softmax(target), { reduction: "batchmean" }),
};

const classes = tensor([0, 4, 8, 12], { dtype: "int32" });

/** The largest difference, in units of the last place of each wanted number, or of the mean one. */
function units(actual: Tensor, wanted: readonly number[], dtype: Dtype): number {
  const mean = wanted.reduce((sum, value) => sum + Math.abs(value), 0) / wanted.length;
  return Math.max(...Array.from(actual.astype("float64").data(), (value, i) => {
    const unit = 2 ** Math.floor(Math.log2(Math.max(Math.abs(wanted[i]), mean))) * epsilonOf(dtype);
    return Math.abs(value - wanted[i]) / unit;
  }));
}

for (const { name, dtype, x, target, torch, exact } of expected) {
  Deno.test(`${name} of ${dtype} is as exact as PyTorch's, and compiled`, () => {
    const [values, goal] = [x, target].map((list) =>
      tensor(list).astype(dtype as Dtype).reshape([ROWS, COLUMNS])
    );
    const scale = tensor(exact.y.map((_, i) => i % 5 + 1)).astype(dtype as Dtype);
    const run = (values: Tensor): [Tensor, Tensor] => {
      const [out, pullback] = vjp((x: Tensor) => functions[name](x, goal), values);
      const [slope] = pullback(scale.reshape(out.shape));
      return [out, slope];
    };
    for (const [y, grad] of [run(values), jit(run)(values)]) {
      assertEquals([y.dtype, grad.dtype], [dtype, dtype]);
      for (const [own, key] of [[y, "y"], [grad, "grad"]] as const) {
        const error = units(own, exact[key], own.dtype);
        const theirs = units(tensor(torch[key]), exact[key], own.dtype);
        assert(error <= Math.max(0.51, theirs), `${key} is off by ${error} units, not ${theirs}`);
      }
    }
  });
}

const key = random.key(4);

/** Layers with `computeDtype`, and an input for each. */
// deno-lint-ignore no-explicit-any
type AnyLayer = nn.Layer<any, any, any, any>;
type Row = [make: (options: nn.ParameterOptions) => AnyLayer, x: unknown];
const layers: Readonly<Record<string, Row>> = {
  linear: [(options) => nn.linear(3, 4, options), random.normal(key, [5, 3])],
  conv2d: [(options) => nn.conv2d(2, 4, 3, options), random.normal(key, [2, 2, 5, 5])],
  embedding: [(options) => nn.embedding(7, 4, options), tensor([1, 6], { dtype: "uint8" })],
  batchNorm: [(options) => nn.batchNorm(3, options), random.normal(key, [5, 3])],
  layerNorm: [(options) => nn.layerNorm(3, options), random.normal(key, [5, 3])],
  groupNorm: [(options) => nn.groupNorm(2, 4, options), random.normal(key, [5, 4])],
  rnn: [(options) => nn.rnn(3, 4, options), random.normal(key, [6, 2, 3])],
  lstm: [(options) => nn.lstm(3, 4, options), random.normal(key, [6, 2, 3])],
  gru: [
    (options) => nn.gru(3, 4, { ...options, outputs: "last" }),
    [random.normal(key, [6, 2, 3]), random.normal(key, [1, 2, 4])],
  ],
  multiHeadAttention: [
    (options) => nn.multiHeadAttention(8, 2, options),
    random.normal(key, [6, 2, 8]),
  ],
};

for (const [name, [make, x]] of Object.entries(layers)) {
  Deno.test(`${name} computes in its computeDtype, close to float32, with float32 parameters`, () => {
    const plain = make({});
    const [params, state] = plain.init(key);
    const context = { train: true };
    for (const computeDtype of ["bfloat16", "float16"] as const) {
      const layer = make({ computeDtype });
      assertEquals(layer.init(key), plain.init(key));
      assertEquals(inspect.describe(layer).includes(`computeDtype="${computeDtype}"`), true);
      const [y, next] = layer.apply(params, state, x, context);
      const [wanted, nextWanted] = plain.apply(params, state, x, context);
      const [flat, flatWanted] = [y, wanted].map((part) => tree.leaves(part) as Tensor[]);
      flat.forEach((part, i) => {
        assertEquals(part.dtype, computeDtype);
        const scale = Number(flatWanted[i].abs().max());
        const error = Number(part.sub(flatWanted[i]).abs().max());
        assert(error <= 8 * scale * epsilonOf(computeDtype), `${error} of ${scale}`);
      });
      assertEquals(
        tree.map((leaf: Tensor) => leaf.dtype, next),
        tree.map((leaf: Tensor) => leaf.dtype, nextWanted),
      );
      const loss = (p: unknown) =>
        (tree.leaves(layer.apply(p, state, x, context)[0]) as Tensor[])
          .reduce((sum, part) => sum.add(part.astype("float32").square().sum()), tensor(0));
      const grads = grad(loss)(params);
      assertEquals(
        tree.map((leaf: Tensor) => [leaf.dtype, leaf.shape], grads),
        tree.map((leaf: Tensor) => [leaf.dtype, leaf.shape], params),
      );
      const compiled = jit((p: unknown) => layer.apply(p, state, x, context)[0])(params);
      (tree.leaves(compiled) as Tensor[]).forEach((part) => assertEquals(part.dtype, computeDtype));
    }
  });
}

Deno.test("computeDtype is an option of whole models, and no integer dtype", () => {
  const model = models.mlp([3, 8, 2], { computeDtype: "bfloat16" });
  const [params, state] = model.init(key);
  assertEquals((params[0] as nn.LinearParams).weight.dtype, "float32");
  assertEquals(model.apply(params, state, ones([4, 3]))[0].dtype, "bfloat16");
  const network = models.resnet18({ classes: 3, computeDtype: "bfloat16" });
  assert(inspect.describe(network).includes('computeDtype="bfloat16"'));
  assertRefused(
    () => nn.linear(2, 3, { computeDtype: "int8" }),
    ArgumentError,
    'Cannot make a linear layer with computeDtype "int8": expected a floating-point dtype',
  );
});

Deno.test("layers with computeDtype are mapped as one by one", () => {
  const layer = nn.sequential(
    nn.linear(3, 4, { computeDtype: "bfloat16" }),
    nn.layerNorm(4, { computeDtype: "bfloat16" }),
  );
  const [params, state] = layer.init(key);
  const x = random.normal(key, [5, 3]);
  const rows = vmap((row: Tensor) => layer.apply(params, state, row)[0])(x);
  for (let i = 0; i < 5; i++) assertEquals(rows.at(i), layer.apply(params, state, x.at(i))[0]);
});

Deno.test("running statistics of half floats move as those of float32, rounded", () => {
  const layer = nn.batchNorm(3, { dtype: "bfloat16" });
  const [params, state] = layer.init(key);
  const x = random.normal(key, [50, 3]).mul(3).add(100).astype("bfloat16");
  const [y, next] = layer.apply(params, state, x, { train: true });
  const [plain, float32State] = nn.batchNorm(3).init(key);
  const [, wanted] = nn.batchNorm(3).apply(plain, float32State, x.astype("float32"), {
    train: true,
  });
  assertEquals([y.dtype, next.running_mean.dtype], ["bfloat16", "bfloat16"]);
  assertEquals(next.running_mean, wanted.running_mean.astype("bfloat16"));
  assertEquals(next.running_var, wanted.running_var.astype("bfloat16"));
  const [evaluated] = layer.apply(params, next, x);
  assertEquals(evaluated.dtype, "bfloat16");
});
