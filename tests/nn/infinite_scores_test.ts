/**
 * Places that count for nothing do no harm: minus infinity among scores, and weights of zero beside
 * what is infinite.
 */
import type { Dtype } from "../../src/base/dtype.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import { index, logaddexp, logsumexp, stack, tensor, where } from "../../src/functions/mod.ts";
import { jit } from "../../src/jit.ts";
import * as nn from "../../src/nn/mod.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { grad, hessian, jacfwd, jacrev, vmap } from "../../src/transforms/mod.ts";
import { assert } from "../support/std.ts";

const I = Infinity;
const DTYPES: readonly Dtype[] = ["float32", "float64"];

function ints(list: readonly number[]): Tensor {
  return tensor(list, { dtype: "int32" });
}

/** A function, where it is looked at, and its value and gradient there. */
interface Case {
  readonly name: string;
  readonly f: (x: Tensor) => Tensor;
  readonly x: unknown;
  readonly value: unknown;
  readonly slope: unknown;
}

const each = { reduction: "none" } as const;
const p = 1 / (1 + Math.E);

const cases: readonly Case[] = [
  { name: "logsumexp of nothing", f: (x) => logsumexp(x), x: [-I, -I], value: -I, slope: [0, 0] },
  {
    name: "logsumexp of something",
    f: (x) => logsumexp(x, 1).sum(),
    x: [[-I, 2, -I], [0, 1, -I]],
    value: 3 - Math.log(1 - p),
    slope: [[0, 1, 0], [p, 1 - p, 0]],
  },
  {
    name: "logaddexp of two minus infinities",
    f: (x) => logaddexp(x, -I).sum(),
    x: [-I, 0],
    value: -I,
    slope: [0.5, 1],
  },
  {
    name: "logaddexp of two infinities",
    f: (x) => logaddexp(I, x).sum(),
    x: [I, 0],
    value: I,
    slope: [0.5, 0],
  },
  {
    name: "a softmax that is not used",
    f: (x) => where([[true], [false]], nn.softmax(x), 0).at([0, 1], 0).sum(),
    x: [[0, 1], [-I, -I]],
    value: p,
    slope: [[p * (1 - p), -p * (1 - p)], [0, 0]],
  },
  {
    name: "a logSoftmax that is not used",
    f: (x) => where([[true], [false]], nn.logSoftmax(x), 0).at([0, 1], 0).sum(),
    x: [[0, 1], [-I, -I]],
    value: Math.log(p),
    slope: [[1 - p, p - 1], [0, 0]],
  },
  {
    name: "crossEntropy of a certain target",
    f: (x) => nn.crossEntropy(x, tensor([[0, 1]], { dtype: x.dtype })),
    x: [[-I, 0]],
    value: 0,
    slope: [[0, 0]],
  },
  {
    name: "crossEntropy of probabilities with class weights",
    f: (x) =>
      nn.crossEntropy(x, tensor([[0.5, 0.5, 0], [0, 0.5, 0.5]], { dtype: x.dtype }), {
        reduction: "sum",
        weight: [1, 1, 0],
      }),
    x: [[0, 1, -I], [-I, 1, -I]],
    value: -Math.log(p) / 2 - Math.log(1 - p) / 2,
    slope: [[p - 0.5, 0.5 - p, 0], [0, 0, 0]],
  },
  {
    name: "crossEntropy of a row without probabilities",
    f: (x) => nn.crossEntropy(x, tensor([[0, 0], [0, 1]], { dtype: x.dtype })),
    x: [[-I, -I], [0, 1]],
    value: -Math.log(1 - p) / 2,
    slope: [[0, 0], [p / 2, -p / 2]],
  },
  {
    name: "crossEntropy that ignores a row",
    f: (x) => nn.crossEntropy(x, ints([-100, 1])),
    x: [[-I, -I], [0, 1]],
    value: -Math.log(1 - p),
    slope: [[0, 0], [p, -p]],
  },
  {
    name: "crossEntropy with label smoothing that ignores a row",
    f: (x) => nn.crossEntropy(x, ints([-100, 1]), { labelSmoothing: 0.5 }),
    x: [[-I, -I], [0, 1]],
    value: -0.25 * Math.log(p) - 0.75 * Math.log(1 - p),
    slope: [[0, 0], [p - 0.25, 0.25 - p]],
  },
  {
    name: "crossEntropy with label smoothing of 1, where a class weighs nothing",
    f: (x) =>
      nn.crossEntropy(x, ints([2]), { labelSmoothing: 1, weight: [1, 1, 0], reduction: "sum" }),
    x: [[0, 1, -I]],
    value: -(Math.log(p) + Math.log(1 - p)) / 3,
    slope: [[(2 * p - 1) / 3, (1 - 2 * p) / 3, 0]],
  },
  {
    name: "crossEntropy of an impossible class that weighs nothing",
    f: (x) => nn.crossEntropy(x, ints([0, 1]), { weight: [0, 1] }),
    x: [[-I, 0], [0, 1]],
    value: -Math.log(1 - p),
    slope: [[0, 0], [p, -p]],
  },
  {
    name: "nllLoss of an impossible class that weighs nothing",
    f: (x) => nn.nllLoss(x, ints([0, -100, 1]), { weight: [0, 2] }),
    x: [[-I, 0], [-I, -I], [0, -3]],
    value: 3,
    slope: [[0, 0], [0, 0], [0, -1]],
  },
  {
    name: "binaryCrossEntropyWithLogits of certain scores",
    f: (x) => nn.binaryCrossEntropyWithLogits(x, tensor([1, 0], { dtype: x.dtype }), each).sum(),
    x: [I, -I],
    value: 0,
    slope: [0, 0],
  },
  {
    name: "binaryCrossEntropyWithLogits with weights",
    f: (x) =>
      nn.binaryCrossEntropyWithLogits(x, tensor([1, 0, 1, 1, 0], { dtype: x.dtype }), {
        reduction: "sum",
        weight: [1, 1, 0, 1, 0],
        posWeight: [2, 0, 2, 0, 3],
      }),
    x: [I, -I, -I, -I, I],
    value: 0,
    slope: [0, 0, 0, 0, 0],
  },
  {
    name: "klDiv of an impossible outcome",
    f: (x) => nn.klDiv(x, tensor([0, 1], { dtype: x.dtype }), { reduction: "sum" }),
    x: [-I, -2],
    value: 2,
    slope: [0, -1],
  },
  {
    name: "klDiv of logarithms of an impossible outcome",
    f: (x) =>
      nn.klDiv(x, tensor([-I, 0], { dtype: x.dtype }), { reduction: "sum", logTarget: true }),
    x: [-I, -2],
    value: 2,
    slope: [0, -1],
  },
  {
    name: "softplus of infinities",
    f: (x) => where([true, false], nn.softplus(x), 0).sum(),
    x: [-I, I],
    value: 0,
    slope: [0, 0],
  },
  {
    name: "sigmoid of infinities",
    f: (x) => x.sigmoid().sum(),
    x: [-I, I],
    value: 1,
    slope: [0, 0],
  },
];

for (const { name, f, x, value, slope } of cases) {
  for (const dtype of DTYPES) {
    Deno.test(`${name}: value and derivatives in ${dtype}`, () => {
      const at = tensor(x as number[], { dtype });
      const tolerance = dtype === "float64" ? { rtol: 1e-13, atol: 1e-15 } : {};
      for (const g of [f, jit(f)]) {
        assertTensorsClose(g(at), value as number, tolerance);
        for (const derivative of [grad(g), jacfwd(g), jacrev(g), jit(grad(g))]) {
          assertTensorsClose(derivative(at), slope as number[], tolerance);
        }
        assertTensorsClose(vmap(grad(g))(stack([at, at])).at(1), slope as number[], tolerance);
      }
      const second = hessian(f)(at) as Tensor;
      assert(second.data().every(Number.isFinite), String(second));
      assertTensorsClose(jit(hessian(f))(at) as Tensor, second, tolerance);
      assertTensorsClose(jacrev(jacrev(f))(at) as Tensor, second, tolerance);
      assertTensorsClose(jacfwd(jacfwd(f))(at) as Tensor, second, tolerance);
    });
  }
}

/**
 * Functions of scores `[2, n]` whose last `n - 3` columns are masked, and what they are without
 * these.
 */
const masked: Readonly<Record<string, (x: Tensor, classes: number) => Tensor>> = {
  logsumexp: (x) => logsumexp(x, 1),
  softmax: (x) => index(nn.softmax(x), null, [0, 3]),
  logSoftmax: (x) => index(nn.logSoftmax(x), null, [0, 3]),
  "crossEntropy by classes": (x) => nn.crossEntropy(x, ints([2, 0]), each),
  "crossEntropy with class weights": (x, n) =>
    nn.crossEntropy(x, ints([2, 0]), { weight: [1, 2, 3, 5, 7].slice(0, n) }),
  "crossEntropy by probabilities": (x, n) => {
    const rows = [[0.25, 0.25, 0.5, 0, 0], [1, 0, 0, 0, 0]].map((row) => row.slice(0, n));
    return nn.crossEntropy(x, tensor(rows, { dtype: x.dtype }), each);
  },
  klDiv: (x, n) => {
    const rows = [[0.25, 0.25, 0.5, 0, 0], [1, 0, 0, 0, 0]].map((row) => row.slice(0, n));
    return nn.klDiv(nn.logSoftmax(x), tensor(rows, { dtype: x.dtype }), { reduction: "sum" });
  },
  scaledDotProductAttention: (x, n) => {
    // The queries are the scores themselves: keys are unit vectors.
    const keys = tensor([[1, 0, 0], [0, 1, 0], [0, 0, 1], [3, 1, 4], [1, 5, 9]].slice(0, n));
    const values = tensor([[2, 1], [-1, 3], [0.5, 1], [8, 9], [7, 6]].slice(0, n));
    return nn.scaledDotProductAttention(
      index(x, null, [0, 3]),
      keys.astype(x.dtype),
      values.astype(x.dtype),
      { attnMask: where(x.lessEqual(-I), -I, 0) },
    );
  },
};

for (const [name, f] of Object.entries(masked)) {
  Deno.test(`${name} with masked columns is that without them, to the second derivative`, () => {
    const x = tensor([[0.5, -1, 2], [1.5, 0.25, -3]], { dtype: "float64" });
    const column = tensor([[-I], [-I]], { dtype: "float64" });
    const widened = (x: Tensor): Tensor =>
      stack([0, 1, 2, 3, 3].map((i) => i < 3 ? x.at(null, i) : column.at(null, 0)), 1);
    const wide = (x: Tensor) => f(widened(x), 5).square().sum();
    const narrow = (x: Tensor) => f(x, 3).square().sum();
    const tolerance = { rtol: 1e-13, atol: 1e-14 };
    for (const g of [wide, jit(wide)]) {
      assertTensorsClose(g(x), narrow(x), tolerance);
      assertTensorsClose(grad(g)(x), grad(narrow)(x), tolerance);
      assertTensorsClose(jacfwd(g)(x), grad(narrow)(x), tolerance);
      assertTensorsClose(hessian(g)(x) as Tensor, hessian(narrow)(x) as Tensor, tolerance);
    }
    // By the masked scores themselves the derivatives are 0.
    const direct = grad((y: Tensor) => f(y, 5).square().sum())(widened(x));
    assertTensorsClose(index(direct, null, [3, 5]), [[0, 0], [0, 0]]);
  });
}

Deno.test("a query that may look at nothing gives zeros and has no derivatives, under all transforms", () => {
  for (const dtype of DTYPES) {
    const [q, k, v] = [[[1, 2], [0, 1]], [[1, 0], [2, 1]], [[3, 4], [5, 6]]].map((rows) =>
      tensor(rows, { dtype })
    );
    for (
      const attnMask of [tensor([[0, 0], [-I, -I]], { dtype }), [[true, true], [false, false]]]
    ) {
      const f = (q: Tensor) => nn.scaledDotProductAttention(q, k, v, { attnMask });
      const loss = (q: Tensor) => f(q).square().sum();
      for (const g of [loss, jit(loss)]) {
        const slope = grad(g)(q);
        assert(slope.data().every(Number.isFinite));
        assertTensorsClose(slope.at(1), [0, 0]);
        assertTensorsClose((hessian(g)(q) as Tensor).at(1), [[[0, 0], [0, 0]], [[0, 0], [0, 0]]]);
      }
      assertTensorsClose(f(q).at(1), [0, 0]);
    }
  }
});
