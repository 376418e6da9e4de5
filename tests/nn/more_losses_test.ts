import fixture from "../fixtures/more_losses.json" with { type: "json" };
import { maximum, stack, sub, sum, tensor } from "../../src/functions/mod.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import { jit } from "../../src/jit.ts";
import * as nn from "../../src/nn/mod.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import { grad, vjp, vmap } from "../../src/transforms/mod.ts";
import { assertEquals } from "../support/std.ts";
import { assertRefused, fromFixture } from "./support.ts";
import type { Written } from "./support.ts";

interface Case {
  readonly name: string;
  readonly options: object;
  readonly inputs: readonly Written[];
  readonly constants: readonly Written[];
  readonly weight: Written | null;
  readonly results: Readonly<
    Record<
      string,
      { readonly y: Written; readonly cotangent: Written; readonly grads: readonly Written[] }
    >
  >;
}

const dtype = "float64";
const close = { rtol: 1e-11, atol: 1e-12 };
const takesClasses = ["multiMarginLoss", "multiLabelMarginLoss", "ctcLoss"];

for (const [place, given] of ([...fixture.losses, ...fixture.ctc] as unknown as Case[]).entries()) {
  const { name, options, results } = given;
  const weight = given.weight === null ? {} : { weight: fromFixture(given.weight) };
  const label = JSON.stringify({
    ...options,
    ...(given.weight === null ? {} : { weight: "given" }),
  });
  Deno.test(`loss ${place}, ${name} ${label}, equals PyTorch's`, () => {
    const constants = given.constants.map((x) =>
      fromFixture(x, takesClasses.includes(name) ? "int32" : dtype)
    );
    const inputs = given.inputs.map((x) => fromFixture(x));
    const apply = (reduction: string, inputs: readonly Tensor[]) => {
      const f = nn[name as "mseLoss"] as unknown as (...args: unknown[]) => Tensor;
      const own = name === "ctcLoss" ? inputs.map((x) => nn.logSoftmax(x, -1)) : inputs;
      return f(...own, ...constants, { ...options, ...weight, reduction });
    };
    for (const [reduction, { y, cotangent, grads }] of Object.entries(results)) {
      const f = (...inputs: Tensor[]) => apply(reduction, inputs);
      const [value, pullback] = vjp(f, ...inputs);
      assertTensorsClose(value, fromFixture(y), { ...close, message: reduction });
      assertTensorsClose(jit(f)(...inputs), value, { ...close, message: reduction });
      if (String(y).includes("inf")) continue;
      const slopes = pullback(fromFixture(cotangent));
      grads.forEach((slope, i) =>
        assertTensorsClose(slopes[i], fromFixture(slope), { ...close, message: reduction })
      );
    }
    const each = (...inputs: Tensor[]) => apply("none", inputs);
    const rows = vmap(each)(...inputs.map((x) => stack([x, x])));
    assertTensorsClose(rows.at(1), each(...inputs), close);
    assertEquals(apply("mean", inputs.map((x) => x.astype("float32"))).ndim, 0);
  });
}

Deno.test("hinge and contrastive losses are their formulas", () => {
  const x = tensor([[0.5, -2], [3, 0.25]], { dtype });
  const y = tensor([[1, 1], [-1, -1]], { dtype });
  assertTensorsClose(nn.hingeLoss(x, y, { reduction: "sum" }), 0.5 + 3 + 4 + 1.25);
  const [a, b] = [x, tensor([[0.5, -1.5], [3, 0]], { dtype })];
  const target = tensor([1, 0], { dtype });
  const distances = sub(a, b).square().sum(-1).sqrt();
  const expected = distances.square().mul(target)
    .add(maximum(sub(2, distances), 0).square().mul(sub(1, target))).div(2);
  const f = (a: Tensor, b: Tensor) =>
    nn.contrastiveLoss(a, b, target, { margin: 2, reduction: "none" });
  assertTensorsClose(f(a, b), expected, close);
  checkGrads(f, [a, b], { order: 2 });
  assertTensorsClose(grad((a: Tensor) => f(a, a).sum())(a), a.mul(0));
});

Deno.test("ctcLoss sums over all alignments, and has right derivatives", () => {
  const ints = (x: number[] | number[][]) => tensor(x, { dtype: "int32" });
  const logits = tensor(Array.from({ length: 12 }, (_, i) => Math.sin(i * i)), { dtype }).reshape([
    4,
    1,
    3,
  ]);
  const probabilities = nn.softmax(logits, -1).reshape([4, 3]).toArray() as number[][];
  const reads = (path: number[]) => path.filter((c, i) => c !== 0 && c !== path[i - 1]).join();
  let total = 0;
  for (let code = 0; code < 81; code++) {
    const path = [0, 1, 2, 3].map((i) => Math.floor(code / 3 ** i) % 3);
    if (reads(path) === "2,2") total += path.reduce((p, c, t) => p * probabilities[t][c], 1);
  }
  const f = (x: Tensor) =>
    nn.ctcLoss(nn.logSoftmax(x, -1), ints([[2, 2, 0]]), ints([4]), ints([2]), { reduction: "sum" });
  assertTensorsClose(f(logits), -Math.log(total), close);
  checkGrads(f, [logits], { order: 2 });
  const slope = grad(f)(logits);
  assertTensorsClose(sum(slope, -1), logits.at(null, null, 0).mul(0), { atol: 1e-12 });
  assertRefused(
    () => nn.ctcLoss(logits, ints([[1]]), ints([4]), ints([1]), { blank: 3 }),
    "ArgumentError",
    "Cannot compute ctcLoss with blank 3: expected a class from 0 to 2",
  );
  assertRefused(
    () => nn.ctcLoss(logits, ints([1]), ints([4]), ints([1])),
    "ShapeError",
    "Cannot compute ctcLoss of float64[4,1,3] against int32[1], of lengths int32[1] and int32[1]: " +
      "expected [time, batch, classes], [batch, length], [batch] and [batch]",
  );
});

Deno.test("weights, targets and variances of no dtype keep their digits beside float64", () => {
  const x = tensor([[0.3, 0.6], [0.2, 0.9]], { dtype });
  const third = [[1 / 3, 0.1], [0.7, 1 / 7]];
  const row = [1 / 3, 0.7];
  const classes = tensor([0, 1], { dtype: "int32" });
  const losses: ((value: (list: number[] | number[][]) => number[] | Tensor) => Tensor)[] = [
    (v) => nn.binaryCrossEntropy(x, x, { weight: v(third) }),
    (v) => nn.binaryCrossEntropyWithLogits(x, x, { weight: v(third), posWeight: v(row) }),
    (v) => nn.multiLabelSoftMarginLoss(x, x, { weight: v(row) }),
    (v) => nn.multiMarginLoss(x, classes, { weight: v(row) }),
    (v) => nn.crossEntropy(x, classes, { weight: v(row) }),
    (v) => nn.nllLoss(x, classes, { weight: v(row) }),
    (v) => nn.gaussianNllLoss(x, x, v(third), { full: true }),
    (v) => nn.contrastiveLoss(x, x.mul(x), v(row)),
    (v) => nn.mseLoss(x, v(third)),
    (v) => nn.klDiv(x, v(third)),
  ];
  for (const [place, loss] of losses.entries()) {
    const written = loss((list) => list as number[]);
    const exact = loss((list) => tensor(list, { dtype }));
    assertTensorsClose(written, exact, { rtol: 1e-15, atol: 0, message: `loss ${place}` });
  }
});
