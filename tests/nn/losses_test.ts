import fixture from "../fixtures/nn.json" with { type: "json" };
import type { Dtype } from "../../src/base/dtype.ts";
import { DtypeError } from "../../src/base/errors.ts";
import type { Tensor, TensorLike } from "../../src/core/tensor.ts";
import {
  complex,
  full,
  log,
  logaddexp,
  mean,
  mul,
  neg,
  oneHot,
  sigmoid,
  stack,
  sum,
  tensor,
  zeros,
} from "../../src/functions/mod.ts";
import { jit } from "../../src/jit.ts";
import { logSoftmax, softmax } from "../../src/nn/activations.ts";
import * as nn from "../../src/nn/mod.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import { grad, jacfwd, makeProgram, valueAndGrad, vjp, vmap } from "../../src/transforms/mod.ts";
import { assert, assertEquals, assertThrows, assertType } from "../support/std.ts";
import type { IsExact } from "../support/std.ts";
import { assertRefused, fromFixture, wrong } from "./support.ts";
import type { Written } from "./support.ts";

interface Case {
  readonly name: string;
  readonly options: object;
  readonly inputs: Readonly<Record<string, Written>>;
  readonly constants: Readonly<Record<string, Written>>;
  readonly results: Readonly<
    Record<string, {
      readonly y: Written;
      readonly cotangent: Written;
      readonly grads: Readonly<Record<string, Written>> | null;
    }>
  >;
}

type Named = Record<string, Tensor>;

/** The loss of a case, as a function of its arguments by name. */
function apply({ name, options }: Case, reduction: string, args: Named): Tensor {
  const { input, target, x1, x2, ...weights } = args;
  const f = nn[name as "mseLoss"] as (x: Tensor, y: Tensor, options: object) => Tensor;
  return f(input ?? x1, target ?? x2, { ...options, ...weights, reduction });
}

const tolerances: Readonly<Record<string, { rtol: number; atol: number }>> = {
  float64: { rtol: 1e-12, atol: 1e-14 },
  float32: { rtol: 1e-5, atol: 1e-6 },
};

for (const dtype of ["float64", "float32"] satisfies Dtype[]) {
  for (const [place, given] of (fixture.losses as unknown as Case[]).entries()) {
    const { name, options, constants, results } = given;
    const hasClasses = name === "nllLoss" || name === "crossEntropy";
    const isClasses = (key: string) => key === "target" && hasClasses;
    const read = (from: Readonly<Record<string, Written>>, isConstant: boolean): Named =>
      Object.fromEntries(
        Object.entries(from).map(([key, value]) =>
          [key, fromFixture(value, isConstant && isClasses(key) ? "int32" : dtype)] as const
        ),
      );
    const label = [JSON.stringify(options), ...Object.keys(constants)].join(" ");
    Deno.test(`loss ${place}, ${name} ${label}, equals PyTorch's in ${dtype}`, () => {
      const known = read(constants, true);
      for (const [reduction, { y, cotangent, grads }] of Object.entries(results)) {
        const f = (inputs: Named) => apply(given, reduction, { ...known, ...inputs });
        const [value, pullback] = vjp(f, read(given.inputs, false));
        const tolerance = { ...tolerances[dtype], message: reduction };
        assertTensorsClose(value, fromFixture(y, dtype), tolerance);
        if (grads === null) continue;
        const [found] = pullback(fromFixture(cotangent, dtype));
        assertTensorsClose(found, read(grads, false), tolerance);
      }
    });
  }
}

const random = [0.31, -1.7, 0.92, 2.05, -0.44, 1.13, -2.6, 0.08, 0.77, -0.95, 1.5, -0.2];

function numbers(shape: readonly number[], start = 0): Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  const list = Array.from({ length: size }, (_, i) => random[(i + start) % random.length]);
  return tensor(list, { dtype: "float64" }).reshape(shape);
}

function ints(list: TensorLike): Tensor {
  return tensor(list, { dtype: "int32" });
}

const x = numbers([3, 4]);
const y = numbers([3, 4], 5);
const classes = ints([2, 0, 3]);
const distribution = softmax(y, 1);

/** Every loss as a function of what it is differentiated by. */
const smooth: Readonly<Record<string, readonly [(...args: Tensor[]) => Tensor, Tensor[]]>> = {
  mseLoss: [(x, y) => nn.mseLoss(x, y), [x, y]],
  l1Loss: [(x, y) => nn.l1Loss(x, y), [x, y]],
  huberLoss: [(x, y) => nn.huberLoss(x, y, { delta: 0.7 }), [x, y]],
  "crossEntropy of classes": [(x) => nn.crossEntropy(x, classes, { labelSmoothing: 0.1 }), [x]],
  "crossEntropy by the weights": [
    (x, weight) => nn.crossEntropy(x, classes, { weight, ignoreIndex: 3, labelSmoothing: 0.1 }),
    [x, tensor([0.5, 1, 2, 0.25], { dtype: "float64" })],
  ],
  "crossEntropy of probabilities": [(x, y) => nn.crossEntropy(x, y), [x, distribution]],
  nllLoss: [(x) => nn.nllLoss(x, classes), [x]],
  binaryCrossEntropyWithLogits: [
    (x, y) => nn.binaryCrossEntropyWithLogits(x, y, { posWeight: 2 }),
    [x, distribution],
  ],
  klDiv: [(x, y) => nn.klDiv(x, y), [logSoftmax(x), distribution]],
  "klDiv of logarithms": [
    (x, y) => nn.klDiv(x, y, { logTarget: true }),
    [logSoftmax(x), log(distribution)],
  ],
  cosineSimilarity: [(x, y) => nn.cosineSimilarity(x, y), [x, y]],
};

for (const [name, [f, args]] of Object.entries(smooth)) {
  Deno.test(`the first and second derivatives of ${name} agree with differences`, () => {
    checkGrads(f, args, { rtol: 1e-5 });
  });

  Deno.test(`${name} is the same as a program and leaves its arguments alone`, () => {
    const before = args.map((arg) => arg.toArray());
    const program = makeProgram(f)(...args);
    assert(program.equations.length > 0 && program.binders.length === args.length);
    f(...args);
    assertEquals(args.map((arg) => arg.toArray()), before);
  });
}

Deno.test("losses map over a batch of one-example losses", () => {
  const each = { reduction: "none" } as const;
  const expected = nn.crossEntropy(x, classes, each);
  const mapped = vmap((x: Tensor, t: Tensor) => nn.crossEntropy(x, t))(x, classes);
  assertTensorsClose(mapped, expected);
  const shared = vmap((x: Tensor) => nn.crossEntropy(x, 1))(x);
  assertTensorsClose(shared, nn.crossEntropy(x, [1, 1, 1], each));
  const byTarget = vmap((t: Tensor) => nn.nllLoss(x.at(0), t))(ints([0, 1, 2, 3]));
  assertTensorsClose(byTarget, neg(x.at(0)));
  const gradients = vmap(grad((x: Tensor, t: Tensor) => nn.crossEntropy(x, t)))(x, classes);
  const whole = grad((x: Tensor) => nn.crossEntropy(x, classes, { reduction: "sum" }))(x);
  assertTensorsClose(gradients, whole);
  const pairs = vmap((x: Tensor, y: Tensor) => nn.cosineSimilarity(x, y, { axis: 0 }))(x, y);
  assertTensorsClose(pairs, nn.cosineSimilarity(x, y));
  assertTensorsClose(
    vmap((x: Tensor, y: Tensor) => nn.huberLoss(x, y))(x, y),
    mean(nn.huberLoss(x, y, each), 1),
  );
  const divergences = vmap((x: Tensor, y: Tensor) => nn.klDiv(x, y, { reduction: "sum" }));
  assertTensorsClose(
    divergences(logSoftmax(x), distribution),
    sum(nn.klDiv(logSoftmax(x), distribution, each), 1),
  );
});

Deno.test("crossEntropy maps over batches with weights, ignored classes and places", () => {
  const logits = numbers([2, 3, 4, 2]);
  const target = ints([[[0, 3], [1, -100], [2, 2]], [[3, 3], [-100, 0], [1, 2]]]);
  const options = { weight: [0.5, 1, 2, 0.25], labelSmoothing: 0.2 };
  const loss = (x: Tensor, t: Tensor) => nn.crossEntropy(x, t, options);
  const stack = [0, 1].map((i) => loss(logits.at(i), target.at(i).reshape([3, 2])));
  const mapped = vmap(loss)(logits, target);
  assertTensorsClose(mapped, tensor(stack.map((x) => x.item() as number), { dtype: "float64" }));
});

Deno.test("class indices as plain numbers and as integers of every dtype are the same", () => {
  const expected = nn.crossEntropy(x, classes);
  assertTensorsClose(nn.crossEntropy(x, [2, 0, 3]), expected);
  assertTensorsClose(nn.crossEntropy(x, new Int32Array([2, 0, 3])), expected);
  assertTensorsClose(nn.crossEntropy(x, tensor([2, 0, 3], { dtype: "uint32" })), expected);
  assertTensorsClose(nn.crossEntropy(x, oneHot(classes, 4)), expected);
  assertTensorsClose(nn.crossEntropy(x, [[0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1]]), expected);
  assertTensorsClose(nn.nllLoss(logSoftmax(x, 1), classes), expected);
  assertEquals(nn.crossEntropy([1, 2, 3], 1).dtype, "float32");
});

Deno.test("a target that is ignored is never looked up, and has no derivative", () => {
  const logits = tensor([[0, -Infinity, 1], [2, 0, 1]], { dtype: "float64" });
  for (const ignoreIndex of [-100, -1, 1, 1000000]) {
    const target = ints([ignoreIndex, 0]);
    const options = { ignoreIndex, weight: [1, Infinity, 3] };
    const loss = (x: Tensor) => nn.crossEntropy(x, target, options);
    const [value, slope] = valueAndGrad(loss)(logits);
    assertTensorsClose(value, nn.crossEntropy(logits.at(1), 0));
    assertTensorsClose(slope.at(0), [0, 0, 0]);
    assertTensorsClose(slope.at(1), grad((x: Tensor) => nn.crossEntropy(x, 0))(logits.at(1)));
    const mapped = vmap((x: Tensor, t: Tensor) =>
      nn.nllLoss(x, t, { ignoreIndex, reduction: "sum" })
    )(logits, target);
    assertTensorsClose(mapped, [0, -2]);
  }
});

Deno.test("a mean over nothing is NaN, and its derivative zero where all is ignored", () => {
  const loss = (x: Tensor) => nn.crossEntropy(x, [-100, -100, -100]);
  assertEquals(loss(x).item(), NaN);
  assertTensorsClose(grad(loss)(x), zeros([3, 4], { dtype: "float64" }));
  assertEquals(nn.mseLoss([], []).item(), NaN);
  assertEquals(nn.mseLoss([], [], { reduction: "sum" }).item(), 0);
  assertEquals(nn.crossEntropy(zeros([0, 3]), zeros([0], { dtype: "int32" })).item(), NaN);
});

Deno.test("losses are safe far from zero", () => {
  const each = { reduction: "none" } as const;
  for (const dtype of ["float32", "float64"] satisfies Dtype[]) {
    const far = tensor([1e30, -1e30, 800, -800], { dtype });
    const zero = tensor([0, 0, 0, 0], { dtype });
    const one = tensor([1, 1, 1, 1], { dtype });
    const binary = (y: Tensor) => (x: Tensor) => nn.binaryCrossEntropyWithLogits(x, y, each);
    assertTensorsClose(binary(zero)(far), [1e30, 0, 800, 0]);
    assertTensorsClose(binary(one)(far), [0, 1e30, 0, 800]);
    assertTensorsClose(vjp(binary(zero), far)[1](one)[0], [1, 0, 1, 0]);
    assertTensorsClose(vjp(binary(one), far)[1](one)[0], [0, -1, 0, -1]);
    const huber = (x: Tensor) => sum(nn.huberLoss(x, zero, each));
    const slope = grad(huber)(mul(far, 1e8));
    assertTensorsClose(slope, [1, -1, 1, -1]);
    const infinite = tensor([Infinity, -Infinity, 0.5, 0], { dtype });
    assertTensorsClose(nn.huberLoss(infinite, zero, each), [Infinity, Infinity, 0.125, 0]);
    assertTensorsClose(grad(huber)(infinite), [1, -1, 0.5, 0]);
    assertTensorsClose(grad((x: Tensor) => sum(grad(huber)(x)))(infinite), [0, 0, 1, 1]);
    const logits = tensor([[1e30, 0, -1e30]], { dtype });
    assertTensorsClose(nn.crossEntropy(logits, [0]), 0);
    assertTensorsClose(nn.crossEntropy(logits, [2]), 2e30);
    assertTensorsClose(grad((x: Tensor) => nn.crossEntropy(x, [2]))(logits), [[1, 0, -1]]);
  }
});

Deno.test("the binary cross entropy and its derivative keep their accuracy where they are tiny", () => {
  for (const dtype of ["float32", "float64"] satisfies Dtype[]) {
    const target = tensor([1, 0], { dtype });
    const loss = (x: Tensor) => nn.binaryCrossEntropyWithLogits(x, target, { reduction: "sum" });
    const tiny = Math.log1p(Math.exp(-40));
    const [value, slope] = valueAndGrad(loss)(tensor([40, -40], { dtype }));
    assertTensorsClose(value, 2 * tiny, { rtol: 1e-7, atol: 0 });
    assertTensorsClose(slope, [-tiny, tiny], { rtol: 1e-7, atol: 0 });
  }
});

Deno.test("impossible outcomes add nothing to a divergence, and have no derivative by the input", () => {
  const input = tensor([-Infinity, Math.log(0.25), 0], { dtype: "float64" });
  const target = tensor([0, 1, 0], { dtype: "float64" });
  const expected = [0, Math.log(4), 0];
  const plain = (x: Tensor, y: Tensor) => nn.klDiv(x, y, { reduction: "none" });
  const logs = (x: Tensor, y: Tensor) => nn.klDiv(x, y, { reduction: "none", logTarget: true });
  const one = tensor([1, 1, 1], { dtype: "float64" });
  for (const [f, y] of [[plain, target], [logs, log(target)]] as const) {
    assertTensorsClose(f(input, y), expected);
    const [byInput, byTarget] = vjp(f, input, y)[1](one);
    assertTensorsClose(byInput, [0, -1, 0]);
    assert(byTarget.data().every(Number.isFinite), String(byTarget));
  }
});

Deno.test("batchmean divides by the batch, and leaves a scalar alone", () => {
  const terms = nn.klDiv(x, distribution, { reduction: "none" });
  const batchmean = nn.klDiv(x, distribution, { reduction: "batchmean" });
  assertTensorsClose(batchmean, sum(terms).div(3));
  const scalar = nn.klDiv(tensor(-1), tensor(1), { reduction: "batchmean" });
  assertTensorsClose(scalar, 1);
});

Deno.test("a vector of zeros is similar to nothing, with finite derivatives of both orders", () => {
  const pair = (x: Tensor, y: Tensor) => sum(nn.cosineSimilarity(x, y));
  for (const dtype of ["float32", "float64"] satisfies Dtype[]) {
    const none = zeros([1, 2], { dtype });
    const some = tensor([[3, 4]], { dtype });
    assertTensorsClose(pair(none, some), 0);
    assertTensorsClose(pair(none, none), 0);
    const first = grad(pair)(none, some);
    const second = grad((x: Tensor) => sum(grad(pair)(x, some)))(none);
    // Within eps of zero the similarity is linear: the other direction, divided by eps.
    assertTensorsClose(first, [[0.6e8, 0.8e8]], { rtol: 1e-5 });
    assertTensorsClose(second, [[0, 0]]);
  }
});

Deno.test("cosineSimilarity broadcasts one vector against many", () => {
  const query = tensor([1, 0], { dtype: "float64" });
  const many = tensor([[2, 0], [0, 3], [-1, 0]], { dtype: "float64" });
  assertTensorsClose(nn.cosineSimilarity(many, query), [1, 0, -1]);
  assertTensorsClose(nn.cosineSimilarity(query, many, { reduction: "sum" }), 0);
});

Deno.test("class weights may be arrays, and meet the scores in the wider dtype", () => {
  const weight = [0.1, 0.2, 0.3, 0.4];
  const wide = nn.crossEntropy(x, classes, { weight: tensor(weight, { dtype: "float64" }) });
  assertTensorsClose(nn.crossEntropy(x, classes, { weight }), wide, { rtol: 1e-14, atol: 0 });
  const mixed = nn.crossEntropy(x.astype("float32"), classes, {
    weight: tensor(weight, { dtype: "float64" }),
  });
  assertEquals(mixed.dtype, "float64");
  const posWeight = [0.1, 0.2, 0.3, 0.4];
  assertTensorsClose(
    nn.binaryCrossEntropyWithLogits(x, distribution, { posWeight }),
    nn.binaryCrossEntropyWithLogits(x, distribution, {
      posWeight: tensor(posWeight, { dtype: "float64" }),
    }),
    { rtol: 1e-14, atol: 0 },
  );
});

Deno.test("integers and bools count as floats", () => {
  const loss = nn.mseLoss(ints([1, 2]), ints([3, 3]));
  assertEquals([loss.dtype, loss.item()], ["float32", 2.5]);
  const binary = nn.binaryCrossEntropyWithLogits([0, 0], [true, false]);
  assertTensorsClose(binary, Math.LN2);
});

Deno.test("the reduction is typed", () => {
  assertType<IsExact<nn.Reduction, "mean" | "sum" | "none">>(true);
  assertType<
    IsExact<NonNullable<nn.KlDivOptions["reduction"]>, "mean" | "sum" | "none" | "batchmean">
  >(true);
});

Deno.test("losses refuse shapes that PyTorch would broadcast", () => {
  const column = zeros([3, 1]);
  const row = zeros([3]);
  for (
    const name of [
      "mseLoss",
      "l1Loss",
      "huberLoss",
      "binaryCrossEntropyWithLogits",
      "klDiv",
    ] as const
  ) {
    assertRefused(
      () => nn[name](column, row),
      "ShapeError",
      `Cannot compute ${name} of float32[3,1] against float32[3]: shapes must be equal; ` +
        "reshape or broadcast one of them",
    );
    assertRefused(
      () => nn[name](column, 0),
      "ShapeError",
      `Cannot compute ${name} of float32[3,1] against float32[]: shapes must be equal; ` +
        "reshape or broadcast one of them",
    );
  }
});

Deno.test("losses refuse an unknown reduction or option", () => {
  for (
    const name of [
      "mseLoss",
      "l1Loss",
      "huberLoss",
      "nllLoss",
      "crossEntropy",
      "binaryCrossEntropyWithLogits",
      "cosineSimilarity",
    ] as const
  ) {
    assertRefused(
      () =>
        nn[name]([[1, 2]], wrong(name === "nllLoss" ? [0] : [[0, 1]]), {
          reduction: wrong("avg"),
        }),
      "ArgumentError",
      `Cannot compute ${name} with reduction "avg": expected "mean", "sum" or "none"`,
    );
  }
  assertRefused(
    () => nn.klDiv([1], [1], { reduction: wrong(null) }),
    "ArgumentError",
    'Cannot compute klDiv with reduction null: expected "mean", "sum", "none" or "batchmean"',
  );
  assertRefused(
    () => nn.mseLoss([1], [1], wrong("sum")),
    "ArgumentError",
    'Cannot compute mseLoss: expected options such as { reduction }, got "sum"',
  );
  assertRefused(
    () => nn.l1Loss([1], [1], wrong({ delta: 1 })),
    "ArgumentError",
    'Cannot compute l1Loss: there is no option "delta", the options are reduction',
  );
});

Deno.test("losses refuse numbers out of range", () => {
  for (const delta of [0, -1, NaN, Infinity, wrong("1")]) {
    assertRefused(
      () => nn.huberLoss([1], [1], { delta }),
      "ArgumentError",
      `Cannot compute huberLoss with delta ${JSON.stringify(delta) === '"1"' ? '"1"' : delta}: ` +
        "expected a positive, finite number",
    );
  }
  assertRefused(
    () => nn.crossEntropy(x, classes, { labelSmoothing: 1.5 }),
    "ArgumentError",
    "Cannot compute crossEntropy with labelSmoothing 1.5: expected a number from 0 to 1",
  );
  assertRefused(
    () => nn.crossEntropy(x, classes, { ignoreIndex: 0.5 }),
    "ArgumentError",
    "Cannot compute crossEntropy with ignoreIndex 0.5: expected an integer",
  );
  assertRefused(
    () => nn.crossEntropy(x, distribution, { ignoreIndex: 0 }),
    "ArgumentError",
    "Cannot compute crossEntropy with ignoreIndex 0 and probabilities as target: " +
      "only class indices can be ignored; leave it out",
  );
  assertRefused(
    () => nn.cosineSimilarity(x, y, { eps: -1 }),
    "ArgumentError",
    "Cannot compute cosineSimilarity with eps -1: expected a number from 0 up",
  );
  assertRefused(
    () => nn.cosineSimilarity(x, y, { axis: 2 }),
    "AxisError",
    "Cannot compute cosineSimilarity of float64[3,4]: axis 2 is out of range, expected -2 to 1",
  );
});

Deno.test("a class index out of range is an error, not a wrong row", () => {
  assertRefused(
    () => nn.crossEntropy(x, [2, 4, 0]),
    "IndexError",
    "Cannot compute crossEntropy: class index 4 at [1] is out of range for 4 classes; " +
      "ignoreIndex is -100",
  );
  assertRefused(
    () => nn.nllLoss(numbers([2, 3, 2]), [[0, 1], [2, -1]], { ignoreIndex: 3 }),
    "IndexError",
    "Cannot compute nllLoss: class index -1 at [1][1] is out of range for 3 classes; " +
      "ignoreIndex is 3",
  );
  assertRefused(
    () => nn.crossEntropy([1, 2], 2),
    "IndexError",
    "Cannot compute crossEntropy: class index 2 is out of range for 2 classes; " +
      "ignoreIndex is -100",
  );
  assertRefused(
    () => nn.crossEntropy(x, tensor([0, 4294967196, 0], { dtype: "uint32" })),
    "IndexError",
    "Cannot compute crossEntropy: class index 4294967196 at [1] is out of range for 4 classes; " +
      "ignoreIndex is -100",
  );
  // Under grad the target is known; under vmap the lookup itself refuses.
  assertRefused(
    () => grad((x: Tensor, t: Tensor) => nn.crossEntropy(x, t))(x, ints([0, 0, 9])),
    "IndexError",
    "Cannot compute crossEntropy: class index 9 at [2] is out of range for 4 classes; " +
      "ignoreIndex is -100",
  );
  assertRefused(
    () => vmap((x: Tensor, t: Tensor) => nn.crossEntropy(x, t))(x, ints([0, -1, 0])),
    "IndexError",
    "Cannot gather index -1 from an axis of length 4",
  );
});

Deno.test("targets of the wrong shape or dtype are refused", () => {
  const expected = "expected integer class indices of shape [3]";
  const either = `${expected} or floating-point probabilities of shape [3,4]`;
  assertRefused(
    () => nn.crossEntropy(x, ints([1, 2])),
    "ShapeError",
    `Cannot compute crossEntropy of float64[3,4] against int32[2]: ${either}`,
  );
  assertRefused(
    () => nn.crossEntropy(x, zeros([3, 4], { dtype: "int32" })),
    "ShapeError",
    `Cannot compute crossEntropy of float64[3,4] against int32[3,4]: ${either}`,
  );
  assertRefused(
    () => nn.nllLoss(x, distribution),
    "ShapeError",
    `Cannot compute nllLoss of float64[3,4] against float64[3,4]: ${expected}`,
  );
  assertRefused(
    () => nn.crossEntropy(x, zeros([3])),
    "DtypeError",
    "Cannot compute crossEntropy with float32[3] as indices: expected an integer dtype; " +
      'convert with astype("int32")',
  );
  assertRefused(
    () => nn.crossEntropy(x, [0, 0.5, 1]),
    "DtypeError",
    "Cannot compute crossEntropy: 0.5 at [1] is not an integer from -2147483648 to 2147483647, " +
      "as int32 needs; convert with astype or choose another dtype",
  );
  assertRefused(
    () => nn.crossEntropy(1, 0),
    "ShapeError",
    "Cannot compute crossEntropy of float32[]: expected [batch, classes, ...], " +
      "or [classes] for one example",
  );
  assertRefused(
    () => nn.crossEntropy(x, wrong(null)),
    "ArgumentError",
    "Cannot compute crossEntropy: expected a tensor, number, boolean, nested array or typed " +
      "array, got null",
  );
});

Deno.test("weights of the wrong shape are refused", () => {
  assertRefused(
    () => nn.crossEntropy(x, classes, { weight: [1, 2, 3] }),
    "ShapeError",
    "Cannot compute crossEntropy with weight float32[3]: expected one weight per class, " +
      "of shape [4]",
  );
  assertRefused(
    () => nn.crossEntropy(x, distribution, { weight: x }),
    "ShapeError",
    "Cannot compute crossEntropy with weight float64[3,4]: expected one weight per class, " +
      "of shape [4]",
  );
  assertRefused(
    () => nn.binaryCrossEntropyWithLogits(x, distribution, { posWeight: [1, 2, 3] }),
    "ShapeError",
    "Cannot broadcast posWeight float64[3] to [3,4]: axis 0 has length 3, expected 1 or 4",
  );
  assertRefused(
    () => nn.binaryCrossEntropyWithLogits(x, distribution, { weight: zeros([2, 3, 4]) }),
    "ShapeError",
    "Cannot broadcast weight float64[2,3,4] to [3,4]: it has 3 axes, more than 2",
  );
});

Deno.test("binaryCrossEntropyWithLogits has the logit as its derivative by the target, to all digits", () => {
  const scores = [0, 1e-300, 1e-20, -1e-10, 0.1, -3, 40, -800, 1e200];
  for (const dtype of ["float64", "float32"] as const) {
    const x = tensor(dtype === "float64" ? scores : scores.slice(2, -1), { dtype });
    const y = full(x.shape, 0.25, { dtype });
    const exact = { rtol: dtype === "float64" ? 1e-15 : 1e-6, atol: 0 };
    const f = (x: Tensor, y: Tensor) =>
      nn.binaryCrossEntropyWithLogits(x, y, { reduction: "sum", weight: 2 });
    const weighed = (x: Tensor, y: Tensor) =>
      nn.binaryCrossEntropyWithLogits(x, y, { reduction: "sum", posWeight: 3 });
    for (const run of [<F>(f: F): F => f, jit] as (typeof jit)[]) {
      assertTensorsClose(run(grad(f, { argnums: 1 }))(x, y), x.mul(-2), exact);
      assertTensorsClose(run(jacfwd(f, { argnums: 1 }))(x, y) as Tensor, x.mul(-2), exact);
      const pairs = vmap(grad(f, { argnums: 1 }))(stack([x, x]), stack([y, y]));
      assertTensorsClose(pairs.at(1), x.mul(-2), exact);
      assertTensorsClose(run(f)(x, y), f(x, y), exact);
      const slopeOfX = (x: Tensor) => grad(f, { argnums: 1 })(x, y).sum();
      assertTensorsClose(run(grad(slopeOfX))(x), full(x.shape, -2, { dtype }), exact);
      const slopeOfY = (y: Tensor) => grad(f)(x, y).sum();
      assertTensorsClose(run(grad(slopeOfY))(y), full(x.shape, -2, { dtype }), exact);
      // 3 log(1 + exp(-x)) - log(1 + exp(x)).
      const expected = logaddexp(x.neg(), 0).mul(2).sub(x);
      assertTensorsClose(run(grad(weighed, { argnums: 1 }))(x, y), expected, exact);
      const byX = grad((x: Tensor) => grad(weighed, { argnums: 1 })(x, y).sum());
      assertTensorsClose(run(byX)(x), sigmoid(x.neg()).mul(-2).sub(1), { ...exact, rtol: 1e-6 });
    }
  }
});

Deno.test("losses of complex numbers are refused, but for the absolute error", () => {
  const [z, x] = [complex([3, 0], [4, 1]), tensor([1, 2])];
  const { mseLoss, huberLoss, klDiv, binaryCrossEntropyWithLogits, l1Loss } = nn;
  for (const loss of [mseLoss, huberLoss, klDiv, binaryCrossEntropyWithLogits]) {
    for (const reduction of ["none", "sum", "mean"] as const) {
      for (const [a, b] of [[z, x], [x, z], [z, z]]) {
        assertThrows(
          () => loss(a, b, { reduction }),
          DtypeError,
          "expected real numbers; take abs",
        );
      }
    }
  }
  assertThrows(() => nn.nllLoss(z, 1), DtypeError, "Cannot apply nllLoss to complex64[2]");
  assertThrows(() => nn.crossEntropy(z, 1), DtypeError, "complex64[2]: expected real");
  assertTensorsClose(l1Loss(z, zeros([2]), { reduction: "none" }), [5, 1]);
});
