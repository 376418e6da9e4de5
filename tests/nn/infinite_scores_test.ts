/**
 * Places that count for nothing do no harm: minus infinity among scores, and weights of zero beside
 * what is infinite.
 */
import type { Dtype } from "../../src/base/dtype.ts";
import { slice } from "../../src/core/slices.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import { index, logaddexp, logsumexp, stack, tensor, where } from "../../src/functions/mod.ts";
import { jit } from "../../src/jit.ts";
import * as nn from "../../src/nn/mod.ts";
import { key as makeKey, normal } from "../../src/random/mod.ts";
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
  ...[I, NaN].flatMap((score): readonly Case[] => [
    {
      name: `crossEntropy of rows with ${score} whose class weighs nothing`,
      f: (x) => nn.crossEntropy(x, ints([0, 1, 0]), { weight: [0, 1] }),
      x: [[score, 0], [0, 1], [-I, score]],
      value: -Math.log(1 - p),
      slope: [[0, 0], [p, -p], [0, 0]],
    },
    {
      name: `crossEntropy of rows with ${score} without probabilities that weigh`,
      f: (x) =>
        nn.crossEntropy(x, tensor([[1, 0], [0, 1], [0, 0]], { dtype: x.dtype }), {
          weight: [0, 1],
          reduction: "sum",
        }),
      x: [[score, 0], [0, 1], [score, score]],
      value: -Math.log(1 - p),
      slope: [[0, 0], [p, -p], [0, 0]],
    },
    {
      name: `crossEntropy of rows with ${score} without probabilities`,
      f: (x) =>
        nn.crossEntropy(x, tensor([[0, 0], [0, 1]], { dtype: x.dtype }), { reduction: "sum" }),
      x: [[score, 0], [0, 1]],
      value: -Math.log(1 - p),
      slope: [[0, 0], [p, -p]],
    },
    {
      name: `binaryCrossEntropyWithLogits of ${score} that weighs nothing`,
      f: (x) =>
        nn.binaryCrossEntropyWithLogits(x, tensor([0, 1, 0.5, 1], { dtype: x.dtype }), {
          weight: [0, 0, 0, 1],
          reduction: "sum",
        }),
      x: [score, -score, score, 0],
      value: Math.LN2,
      slope: [0, 0, 0, -0.5],
    },
  ]),
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

const anything = [Infinity, NaN];
const padded = { query: [[1, 0], [0, 1]], key: [[1, 2], [3, 4]], value: [[1, 2], [3, 5]] };
const masks: Readonly<Record<string, unknown>> = {
  "a mask": [[true, true, false], [true, false, false]],
  "a mask for all queries": [true, true, false],
  "what is added": [[0, 0, -I], [0, -I, -I]],
};
for (const [name, mask] of Object.entries(masks)) {
  Deno.test(`keys and values that no query looks at may be anything, by ${name}`, () => {
    const d = (x: unknown) => tensor(x as number[][], { dtype: "float64" });
    const attnMask = tensor(mask as number[]);
    const attend = (attnMask: Tensor) => (q: Tensor, k: Tensor, v: Tensor) =>
      nn.scaledDotProductAttention(q, k, v, { attnMask }).square().sum();
    const short = [padded.query, padded.key, padded.value].map(d) as [Tensor, Tensor, Tensor];
    const long = [padded.query, [...padded.key, anything], [...padded.value, anything]]
      .map(d) as [Tensor, Tensor, Tensor];
    const few = attnMask.ndim === 1 ? attnMask.at([0, 2]) : attnMask.at(null, [0, 2]);
    const [f, g] = [attend(attnMask), attend(few)];
    for (const run of [<F>(f: F): F => f, jit] as (typeof jit)[]) {
      assertTensorsClose(run(f)(...long), g(...short));
      for (const derive of [jacrev, jacfwd]) {
        const [q, k, v] = run((...x: [Tensor, Tensor, Tensor]) =>
          [0, 1, 2].map((i) => (derive as typeof grad)(f, { argnums: i })(...x))
        )(...long);
        const [Q, K, V] = grad(g, { argnums: [0, 1, 2] })(...short);
        assertTensorsClose(q, Q);
        assertTensorsClose(k, [...K.toArray() as number[][], [0, 0]]);
        assertTensorsClose(v, [...V.toArray() as number[][], [0, 0]]);
      }
      const second = (f: (q: Tensor, k: Tensor, v: Tensor) => Tensor) =>
        run((...x: [Tensor, Tensor, Tensor]) => hessian((q: Tensor) => f(q, x[1], x[2]))(x[0]));
      assertTensorsClose(second(f)(...long), second(g)(...short));
    }
    const both = vmap(f, [0, null, null])(stack([long[0], long[0]]), long[1], long[2]);
    assertTensorsClose(both, stack([g(...short), g(...short)]));
  });
}

/** What some queries see: masks by which the second one alone sees the last key. */
const partial: Readonly<Record<string, unknown>> = {
  "a mask": [[true, true, false], [true, true, true], [true, false, false]],
  "what is added": [[0.5, 0, -I], [0, 1, 0], [0, -I, -I]],
};

for (const dtype of DTYPES) {
  for (const [name, mask] of Object.entries(partial)) {
    for (const bad of dtype === "float64" ? [I, -I, NaN] : [I]) {
      Deno.test(`${bad} reaches those queries alone that see it, by ${name} in ${dtype}`, () => {
        const d = (x: unknown) => tensor(x as number[][], { dtype });
        const attnMask = tensor(mask as number[][]);
        const attend = (q: Tensor, k: Tensor, v: Tensor) =>
          nn.scaledDotProductAttention(q, k, v, { attnMask });
        const good = [
          d([[1, 0], [0, 1], [-1, 2]]),
          d([[1, 2], [3, 4], [-2, 0.5]]),
          d([[1, 2], [3, 5], [4, -1]]),
        ];
        const tolerance = dtype === "float64" ? { rtol: 1e-12, atol: 1e-13 } : { atol: 1e-5 };
        type Args = [Tensor, Tensor, Tensor];
        // The place that is infinite or NaN, and the results that have nothing to do with it.
        const others = (out: Tensor) => out.at(slice(0, 3, 2)).square().sum();
        const places: [number, number[], (out: Tensor) => Tensor][] = [
          [0, [1], others],
          [1, [2, 0], others],
          [2, [2], others],
          [2, [2, 0], (out) => others(out).add(out.at(1, 1).square())],
        ];
        for (const [argument, place, part] of places) {
          const loss = (...args: Args) => part(attend(...args));
          const args = good.map((x, i) => i === argument ? x.set(place, bad) : x) as Args;
          const derivatives = (derive: typeof grad, f: typeof loss) => (...args: Args): Tensor[] =>
            [0, 1, 2].map((i) => derive(f, { argnums: i })(...args));
          const want = derivatives(grad, loss)(...good as Args);
          for (const run of [<F>(f: F): F => f, jit] as (typeof jit)[]) {
            assertTensorsClose(run(loss)(...args), loss(...good as Args), tolerance);
            const seen = run(attend)(...args).data().map((x) => Number(Number.isFinite(x)));
            const column = place.length === 2 && argument === 2 ? 1 : 0;
            assertTensorsClose(tensor(seen), [1, 1, 0, column, 1, 1]);
            for (const derive of [jacrev, jacfwd] as (typeof grad)[]) {
              const got = run(derivatives(derive, loss))(...args);
              got.forEach((slope, i) => assertTensorsClose(slope, want[i], tolerance));
            }
            const second = run((...args: Args) =>
              [0, 1, 2].map((i) => hessian(loss, { argnums: i })(...args) as Tensor)
            );
            second(...args).forEach((curve, i) => {
              const expected = hessian(loss, { argnums: i })(...good as Args) as Tensor;
              assertTensorsClose(curve, expected, tolerance);
            });
            const pairs = args.map((x, i) => stack([x, good[i]])) as Args;
            const mapped = run(vmap(derivatives(grad, loss)))(...pairs);
            mapped.forEach((slope, i) => {
              assertTensorsClose(slope, stack([want[i], want[i]]), tolerance);
            });
          }
        }
      });
    }
  }
}

Deno.test("an infinite value that a query sees has its weight as its derivative", () => {
  const [q, k] = [[[1, 0], [0, 1]], [[1, 2], [3, 4]]];
  const f = (v: Tensor) => nn.scaledDotProductAttention(q, k, v, { isCausal: true });
  const plain = tensor([[1, 2], [3, 4]]);
  const v = tensor([[1, 2], [I, -I]]);
  for (const g of [f, jit(f)]) {
    assertTensorsClose(g(v), [[1, 2], [I, -I]]);
    assertTensorsClose(jacrev(g)(v) as Tensor, jacrev(f)(plain) as Tensor);
    assertTensorsClose(jacfwd(g)(v) as Tensor, jacfwd(f)(plain) as Tensor);
  }
});

Deno.test("scores that overflow beside a mask that is added do no harm", () => {
  const big = tensor([[1e200]], { dtype: "float64" });
  const f = (q: Tensor) =>
    nn.scaledDotProductAttention(q, [[1e200], [1e-200]], [[7], [3]], { attnMask: [[-I, 0]] }).sum();
  assertTensorsClose(f(big), 3);
  assertTensorsClose(jit(grad(f))(big), [[0]]);
});

Deno.test("padding of multiHeadAttention may be anything, for parameters too", () => {
  const layer = nn.multiHeadAttention(4, 2, { batchFirst: true, dtype: "float64" });
  const [params] = layer.init(makeKey(0));
  const query = normal(makeKey(1), [2, 3, 4], { dtype: "float64" });
  const key = normal(makeKey(2), [2, 3, 4], { dtype: "float64" });
  const dirty = key.set([0, 2], I).set([1, [1, 3]], NaN);
  const keyPaddingMask = tensor([[false, false, true], [false, true, true]]);
  const loss = (key: Tensor) => (p: typeof params, query: Tensor) =>
    layer.apply(p, {}, { query, key, keyPaddingMask })[0].square().sum();
  for (const run of [<F>(f: F): F => f, jit] as (typeof jit)[]) {
    const [got, want] = [dirty, key].map((key) =>
      run(grad(loss(key), { argnums: [0, 1] }))(params, query)
    );
    assertTensorsClose(got, want);
  }
});

for (const reduction of ["mean", "sum", "none"] as const) {
  Deno.test(`logits of ignored rows may be anything, reduction ${reduction}`, () => {
    const x = tensor([[0, 0], [I, -I], [NaN, 3]], { dtype: "float64" });
    for (const labelSmoothing of [0, 0.3]) {
      const f = (x: Tensor) =>
        nn.crossEntropy(x, ints([1, -100, -100]), { reduction, labelSmoothing }).sum();
      const edge = 0.5 - labelSmoothing / 2;
      for (const slope of [grad(f), jit(grad(f)), jacfwd(f)]) {
        assertTensorsClose(slope(x), [[edge, -edge], [0, 0], [0, 0]]);
      }
    }
  });
}

Deno.test("targets and weights have no derivatives where logits that count for nothing are infinite", () => {
  const x = tensor([I, -I, NaN, 0], { dtype: "float64" });
  const f = (y: Tensor, weight: Tensor) =>
    nn.binaryCrossEntropyWithLogits(x, y, { weight, reduction: "sum" });
  const y = tensor([0, 1, 0.5, 1], { dtype: "float64" });
  const weight = tensor([0, 0, 0, 1], { dtype: "float64" });
  for (const slope of [grad(f), jit(grad(f)), jacfwd(f)]) {
    assertTensorsClose(slope(y, weight), [0, 0, 0, 0]);
  }
  const posWeight = (y: Tensor) =>
    nn.binaryCrossEntropyWithLogits([-I, 0], y, { posWeight: [0, 2], reduction: "sum" });
  assertTensorsClose(grad(posWeight)(tensor([1, 1])), [0, Math.LN2]);
});

Deno.test("tiny probabilities and their derivatives have all of their digits", () => {
  for (const [dtype, tail, rtol] of [["float32", 80, 1e-5], ["float64", 700, 1e-12]] as const) {
    const scores = [0, -20, -40, -tail];
    const x = tensor(scores, { dtype });
    // Exact to the last digits: the first probability is 1 less about e^-20.
    const total = scores.reduce((sum, score) => sum + Math.exp(score), 0);
    const p = scores.map((score) => Math.exp(score) / total);
    const close = { rtol, atol: 0 };
    const tiny = [1, 2, 3];
    for (const run of [<F>(f: F): F => f, jit] as (typeof jit)[]) {
      const logsumexpSlope = run(grad((x: Tensor) => logsumexp(x)))(x);
      assertTensorsClose(logsumexpSlope, p, close);
      const softmaxSlopes = [jacfwd, jacrev].map((derive) =>
        run(derive((x: Tensor) => nn.softmax(x)))(x) as Tensor
      );
      const logSlopes = [jacfwd, jacrev].map((derive) =>
        run(derive((x: Tensor) => nn.logSoftmax(x)))(x) as Tensor
      );
      const curve = run(hessian((x: Tensor) => logsumexp(x)))(x) as Tensor;
      for (const i of tiny) {
        const column = p.map((other, j) => j === i ? p[i] * (1 - p[i]) : -p[i] * other);
        for (const slopes of [...softmaxSlopes, curve]) {
          const smallest = dtype === "float32" ? 1e-43 : 1e-320;
          assertTensorsClose(slopes.at(i), column, { rtol, atol: smallest });
        }
        for (const slopes of logSlopes) assertTensorsClose(slopes.at(0, i), -p[i], close);
      }
      for (
        const loss of [
          (x: Tensor) => nn.crossEntropy(x, tensor(0, { dtype: "int32" })),
          (x: Tensor) => nn.crossEntropy(x, tensor([1, 0, 0, 0], { dtype })),
        ]
      ) {
        const slope = run(grad(loss))(x);
        for (const i of tiny) assertTensorsClose(slope.at(i), p[i], close);
      }
    }
  }
});
