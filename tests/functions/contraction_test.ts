import fc from "fast-check";
import { assert, assertEquals } from "../support/std.ts";
import { assertRefused } from "../support/errors.ts";
import { ArgumentError, AxisError, ShapeError } from "../../src/base/errors.ts";
import { showType, sizeOf, stridesOf } from "../../src/base/shape.ts";
import type { Tensor, TensorLike } from "../../src/core/tensor.ts";
import {
  arange,
  dot,
  einsum,
  matmul,
  mul,
  ones,
  outer,
  stack,
  sum,
  tensor,
  tensordot,
  zeros,
} from "../../src/functions/mod.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import { makeProgram, vmap } from "../../src/transforms/mod.ts";

const int32 = (values: TensorLike) => tensor(values, { dtype: "int32" });

/** Small integers of either sign, so that sums are exact. */
function sample(shape: readonly number[], seed = 1): Tensor {
  return arange(sizeOf(shape), undefined, undefined, { dtype: "float64" })
    .mul(7).add(3 * seed).mod(11).sub(5).reshape(shape);
}

Deno.test("matmul multiplies matrices and vectors by NumPy's rules", () => {
  assertTensorsClose(matmul([[1, 2], [3, 4]], [[5, 6], [7, 8]]), [[19, 22], [43, 50]]);
  assertTensorsClose(matmul([1, 2], [[5, 6], [7, 8]]), [19, 22]);
  assertTensorsClose(matmul([[1, 2], [3, 4]], [5, 6]), [17, 39]);
  assertTensorsClose(matmul([1, 2], [3, 4]), 11);
  assertTensorsClose(matmul(zeros([2, 0]), zeros([0, 3])), zeros([2, 3]));
});

Deno.test("matmul broadcasts leading axes", () => {
  const shapes: readonly (readonly [number[], number[], number[]])[] = [
    [[5, 2, 3], [3, 4], [5, 2, 4]],
    [[2, 3], [5, 3, 4], [5, 2, 4]],
    [[5, 1, 2, 3], [6, 3, 4], [5, 6, 2, 4]],
    [[1, 2, 3], [5, 3, 4], [5, 2, 4]],
    [[3], [5, 3, 4], [5, 4]],
    [[5, 2, 3], [3], [5, 2]],
    [[1, 1, 2], [1, 2, 1], [1, 1, 1]],
    [[0, 2, 3], [1, 3, 4], [0, 2, 4]],
  ];
  for (const [a, b, expected] of shapes) {
    const [x, y] = [sample(a), sample(b, 2)];
    const out = matmul(x, y);
    assertEquals(out.shape, expected);
    // As a sum of elementwise products of explicitly repeated operands.
    const left = x.ndim === 1 ? x.reshape([1, 3 * (x.size / 3)]) : x;
    const right = y.ndim === 1 ? y.reshape([y.size, 1]) : y;
    const products = mul(
      left.reshape([...left.shape, 1]),
      right.reshape([...right.shape.slice(0, -2), 1, ...right.shape.slice(-2)]),
    );
    assertTensorsClose(out, sum(products, -2).reshape(expected));
  }
});

Deno.test("matmul repeats nothing where one side has no leading axes", () => {
  const primitives = (a: number[], b: number[]) =>
    makeProgram((x: Tensor, y: Tensor) => matmul(x, y))(zeros(a), zeros(b)).equations
      .map(({ primitive }) => primitive.name);
  assertEquals(primitives([5, 2, 3], [3, 4]), ["contract"]);
  assertEquals(primitives([2, 3], [5, 3, 4]), ["contract", "transpose"]);
  assertEquals(primitives([5, 2, 3], [5, 3, 4]), ["contract"]);
  assert(!primitives([5, 1, 2, 3], [6, 3, 4]).includes("broadcast"));
});

Deno.test("products of integers are integers, of bools int32", () => {
  assertTensorsClose(matmul(int32([[1, 2]]), [[3], [4]]), int32([[11]]));
  assertTensorsClose(dot(tensor([true, true]), tensor([true, true])), int32(2));
  assertTensorsClose(einsum("i->", tensor([true, true, false])), int32(2));
  assertEquals(showType(outer(int32([1]), zeros([2]))), "float32[1,2]");
  assertEquals(
    showType(matmul(zeros([1, 2]), zeros([2, 1], { dtype: "float64" }))),
    "float64[1,1]",
  );
});

Deno.test("matmul refuses operands that do not fit", () => {
  assertRefused(
    () => matmul(zeros([2, 3]), zeros([4, 5])),
    ShapeError,
    "Cannot multiply float32[2,3] by float32[4,5]: inner axes must be equal, " +
      "current sizes are 3 and 4",
  );
  assertRefused(
    () => matmul(zeros([3]), zeros([2])),
    ShapeError,
    "Cannot multiply float32[3] by float32[2]: inner axes must be equal, " +
      "current sizes are 3 and 2",
  );
  assertRefused(
    () => matmul(2, zeros([2])),
    ShapeError,
    "Cannot multiply float32[] by float32[2]: " +
      "a matrix product needs axes on both sides; use mul for scalars",
  );
  assertRefused(
    () => matmul(zeros([2, 1, 3]), zeros([4, 3, 1])),
    ShapeError,
    "Cannot multiply float32[2,1,3] by float32[4,3,1]: leading axes must broadcast, " +
      "current ones are [2] and [4]",
  );
  assertRefused(
    () => outer(zeros([2 ** 16]), zeros([2 ** 16])),
    ShapeError,
    "Cannot contract float32[65536] with float32[65536]: " +
      "shape [65536,65536] has 4294967296 elements, at most 2147483647 fit",
  );
});

Deno.test("dot combines leading axes and multiplies scalars", () => {
  assertEquals(dot(zeros([2, 3, 4]), zeros([5, 4, 6])).shape, [2, 3, 5, 6]);
  assertTensorsClose(dot([[1, 2], [3, 4]], [1, 10]), [21, 43]);
  assertTensorsClose(dot(2, [1, 2]), [2, 4]);
  assertTensorsClose(dot([1, 2], 2), [2, 4]);
  assertTensorsClose(dot(3, 2), 6);
  assertRefused(
    () => dot(zeros([2, 3]), zeros([2, 3])),
    ShapeError,
    "Cannot multiply float32[2,3] by float32[2,3]: inner axes must be equal, " +
      "current sizes are 3 and 2",
  );
});

Deno.test("outer flattens, tensordot takes axes", () => {
  assertTensorsClose(outer([[1], [2]], [[3, 4]]), [[3, 4], [6, 8]]);
  assertTensorsClose(outer(2, [3]), [[6]]);
  const [x, y] = [sample([2, 3, 4]), sample([4, 3, 2], 2)];
  assertEquals(tensordot(x, y, 1).shape, [2, 3, 3, 2]);
  assertEquals(tensordot(x, y, 0).shape, [2, 3, 4, 4, 3, 2]);
  assertTensorsClose(tensordot(x, y, [[2, 1], [0, 1]]), einsum("abc,cbd->ad", x, y));
  assertTensorsClose(tensordot(x, y, [-1, 0]), einsum("abc,cde->abde", x, y));
  assertTensorsClose(
    tensordot(x, x.transpose([1, 2, 0])),
    einsum("abc,bcd->ad", x, x.transpose([1, 2, 0])),
  );
  assertRefused(
    () => tensordot(x, y, 2),
    ShapeError,
    "Cannot multiply float64[2,3,4] by float64[4,3,2]: axis 1 and axis 0 must be equal, " +
      "current sizes are 3 and 4",
  );
  assertRefused(
    () => tensordot(x, y, 4),
    ShapeError,
    "Cannot multiply float64[2,3,4] by float64[4,3,2] over 4 axes: expected 0 to 3",
  );
  assertRefused(
    () => tensordot(x, y, [[0, 1], 0]),
    ShapeError,
    "Cannot multiply float64[2,3,4] by float64[4,3,2]: " +
      "expected as many axes of one as of the other, got [0,1] and [0]",
  );
  assertRefused(
    () => tensordot(x, y, [[0, -3], [0, 1]]),
    AxisError,
    "Cannot multiply float64[2,3,4] by float64[4,3,2]: axis 0 is named twice in [0, -3]",
  );
  assertRefused(
    () => tensordot(x, y, [0] as unknown as [number, number]),
    ArgumentError,
    "Cannot multiply float64[2,3,4] by float64[4,3,2]: expected a pair of axes, got [0]",
  );
});

Deno.test("einsum has explicit and implicit results, diagonals and sums", () => {
  const a = sample([3, 3]);
  const b = sample([3, 4], 2);
  assertTensorsClose(einsum("ij, jk -> ik", a, b), matmul(a, b));
  assertTensorsClose(einsum("ij,jk", a, b), matmul(a, b));
  assertTensorsClose(einsum("ba", b), b.transpose());
  assertTensorsClose(einsum("ij->", b), sum(b));
  assertTensorsClose(einsum("ii->i", a), a.diag());
  assertTensorsClose(einsum("ii", a), a.diag().sum());
  assertTensorsClose(einsum("iij->ij", stack([a, a, a])).at(1), a.at(1));
  assertTensorsClose(einsum("iii", stack([a, a, a])), a.diag().sum());
  assertTensorsClose(einsum("i,i->i", a.at(0), a.at(1)), a.at(0).mul(a.at(1)));
  assertTensorsClose(einsum("i,j->", a.at(0), a.at(1)), a.at(0).sum().mul(a.at(1).sum()));
  assertTensorsClose(einsum(",ij,->ji", 2, b, 3), b.transpose().mul(6));
  assertTensorsClose(einsum("", 4), 4);
  assertTensorsClose(einsum("Zz", b), b);
});

Deno.test("einsum's dots are aligned at the last axis and broadcast", () => {
  const x = sample([5, 1, 2, 3]);
  const y = sample([4, 3, 6], 2);
  assertTensorsClose(einsum("...ij,...jk->...ik", x, y), matmul(x, y));
  assertTensorsClose(einsum("...ij,...jk", x, y), matmul(x, y));
  assertEquals(einsum("i...->...i", x).shape, [1, 2, 3, 5]);
  assertEquals(einsum("i...j,k->...kj", x, ones([7])).shape, [1, 2, 7, 3]);
  assertTensorsClose(einsum("...,...->...", x, 2), x.mul(2));
  assertTensorsClose(einsum("ij->...ij", y.at(0)), y.at(0));
  assertTensorsClose(
    einsum("ij,ij->ij", sample([1, 3]), sample([2, 3])),
    sample([1, 3]).mul(sample([2, 3])),
  );
});

/** The sum of products, one assignment of the labels after the other. */
function reference(inputs: readonly string[], output: string, operands: readonly Tensor[]) {
  const lengths = new Map<string, number>();
  inputs.forEach((labels, i) =>
    [...labels].forEach((label, axis) => {
      lengths.set(label, Math.max(operands[i].shape[axis], lengths.get(label) ?? 0));
    })
  );
  const labels = [...lengths.keys()];
  const shape = [...output].map((label) => lengths.get(label)!);
  const sums = new Float64Array(sizeOf(shape));
  const flat = (own: string, of: readonly number[], at: ReadonlyMap<string, number>) =>
    stridesOf(of).reduce(
      (s, stride, axis) => s + stride * (of[axis] === 1 ? 0 : at.get(own[axis])!),
      0,
    );
  const data = operands.map((x) => x.data());
  const visit = (count: number, at: Map<string, number>): void => {
    if (count === labels.length) {
      const term = inputs.reduce((p, own, i) => p * data[i][flat(own, operands[i].shape, at)], 1);
      sums[flat(output, shape, at)] += term;
      return;
    }
    for (let i = 0; i < lengths.get(labels[count])!; i++) {
      visit(count + 1, at.set(labels[count], i));
    }
  };
  visit(0, new Map());
  return tensor(sums).reshape(shape);
}

/** Specs with one to four operands over four labels, and lengths that fit. */
const specs = fc.record({
  inputs: fc.array(fc.string({ unit: fc.constantFrom(..."abcd"), maxLength: 3 }), {
    minLength: 1,
    maxLength: 4,
  }),
  lengths: fc.tuple(...Array.from({ length: 4 }, () => fc.integer({ min: 1, max: 3 }))),
  order: fc.shuffledSubarray([..."abcd"]),
  stretched: fc.integer({ min: 0, max: 7 }),
}).map(({ inputs, lengths, order, stretched }) => ({
  inputs,
  output: order.filter((label) => inputs.some((labels) => labels.includes(label))).join(""),
  // One operand may have length one along a label that is longer elsewhere.
  shapes: inputs.map((labels, i) =>
    [...labels].map((label) =>
      i === stretched && label === labels[0] ? 1 : lengths["abcd".indexOf(label)]
    )
  ),
}));

Deno.test("einsum agrees with the definition on random specs", () => {
  fc.assert(
    fc.property(specs, ({ inputs, output, shapes }) => {
      const operands = shapes.map((shape, i) => sample(shape, i + 1));
      const expected = reference(inputs, output, operands);
      // A label whose every axis has length one stays as long as that.
      assertTensorsClose(einsum(`${inputs.join(",")}->${output}`, ...operands), expected);
    }),
    { seed: 1, numRuns: 300 },
  );
});

Deno.test("einsum multiplies the pair first that leaves the least", () => {
  const sizes = (spec: string, ...shapes: readonly number[][]) =>
    makeProgram((...xs: Tensor[]) => einsum(spec, ...xs))(...shapes.map((s) => zeros(s))).equations
      .map(({ outputs }) => sizeOf(outputs[0].type.shape));
  // A vector at the end of a chain of matrices is multiplied from the right.
  assertEquals(sizes("ij,jk,k->i", [9, 9], [9, 9], [9]), [9, 9]);
  assertEquals(Math.max(...sizes("ij,jk,kl->il", [50, 2], [2, 50], [50, 2])), 100);
  // What stands in one operand alone is summed first.
  assertEquals(sizes("ij,jk->j", [4, 3], [3, 5]), [3, 3, 3]);
});

Deno.test("einsum refuses malformed specs", () => {
  const x = zeros([2, 3]);
  const cases: readonly (readonly [unknown, readonly Tensor[], string])[] = [
    [5, [x], 'Cannot evaluate einsum: expected a spec such as "ij,jk->ik", got 5'],
    ["ij->i->j", [x], 'Cannot evaluate einsum "ij->i->j": "->" may occur only once'],
    ["i1", [x], 'Cannot evaluate einsum "i1": labels must be letters, got "1"'],
    ["ij>i", [x], 'Cannot evaluate einsum "ij>i": labels must be letters, got ">"'],
    ["iß", [x], 'Cannot evaluate einsum "iß": labels must be letters, got "ß"'],
    ["..ij", [x], 'Cannot evaluate einsum "..ij": dots may occur only as "..."'],
    [
      "...i...",
      [x],
      'Cannot evaluate einsum "...i...": "..." may occur only once in "...i..."',
    ],
    ["ij->ii", [x], 'Cannot evaluate einsum "ij->ii": the result names "i" more than once'],
    ["ij->k", [x], 'Cannot evaluate einsum "ij->k": the result names "k", which no operand has'],
    ["ij->i,j", [x], 'Cannot evaluate einsum "ij->i,j": labels must be letters, got ","'],
    ["ij,jk", [x], 'Cannot evaluate einsum "ij,jk": expected 2 operands, got 1'],
    ["ij", [x, x], 'Cannot evaluate einsum "ij": expected 1 operands, got 2'],
    [
      "...j->j",
      [x],
      'Cannot evaluate einsum "...j->j": the result must name "...", ' +
      "as an operand has broadcast axes",
    ],
  ];
  for (const [spec, operands, message] of cases) {
    assertRefused(() => einsum(spec as string, ...operands), ArgumentError, message);
  }
});

Deno.test("einsum refuses operands that do not fit the spec", () => {
  const x = zeros([2, 3]);
  const cases: readonly (readonly [string, readonly Tensor[], string])[] = [
    [
      "ijk->i",
      [x],
      'Cannot evaluate einsum "ijk->i": operand 0 is float32[2,3], but "ijk" names 3 axes',
    ],
    ["i", [x], 'Cannot evaluate einsum "i": operand 0 is float32[2,3], but "i" names 1 axis'],
    [
      "ij,...abc",
      [x, x],
      'Cannot evaluate einsum "ij,...abc": operand 1 is float32[2,3], ' +
      'but "...abc" names at least 3 axes',
    ],
    ["ij,jk", [x, x], 'Cannot evaluate einsum "ij,jk": label "j" has lengths 3 and 2'],
    ["ii", [x], 'Cannot evaluate einsum "ii": label "i" has lengths 2 and 3'],
    ["ii", [zeros([1, 3])], 'Cannot evaluate einsum "ii": label "i" has lengths 1 and 3'],
    [
      "...,...",
      [x, zeros([4])],
      'Cannot evaluate einsum "...,...": a broadcast axis has lengths 3 and 4',
    ],
  ];
  for (const [spec, operands, message] of cases) {
    assertRefused(() => einsum(spec, ...operands), ShapeError, message);
  }
});

const functions: Readonly<Record<string, (x: Tensor, y: Tensor) => Tensor>> = {
  "matmul with leading axes of one side": (x, y) => matmul(x, y.at(0)),
  "matmul with leading axes of the other": (x, y) => matmul(x.at(0), y),
  "matmul with leading axes of both": (x, y) => matmul(x, y),
  "matmul with broadcast axes": (x, y) => matmul(x.expandDims(1), y),
  "matmul by a vector": (x, y) => matmul(x, y.at(0, null, 1)),
  dot: (x, y) => dot(x, y),
  outer: (x, y) => outer(x.at(0), y.at(1)),
  tensordot: (x, y) => tensordot(x, y, [[0, 2], [0, 1]]),
  "einsum of three": (x, y) => einsum("bij,bjk,bik->bi", x, y, x.mul(2)),
  "einsum of a diagonal": (x) => einsum("iji,j->j", x, x.at(0, null, 0)),
};

for (const [name, f] of Object.entries(functions)) {
  Deno.test(`${name} is differentiable, and vmap of it equals a loop`, () => {
    const [x, y] = [sample([2, 3, 2]).mul(0.25), sample([2, 2, 2], 2).mul(0.5)];
    checkGrads((x: Tensor, y: Tensor) => f(x, y), [x, y]);
    const [xs, ys] = [x, y].map((v) => stack([v, v.mul(2), v.sub(1)]));
    const loop = (g: (i: number) => Tensor) => stack([0, 1, 2].map(g));
    assertTensorsClose(vmap(f)(xs, ys), loop((i) => f(xs.at(i), ys.at(i))));
    assertTensorsClose(
      vmap(f, [1, null])(xs.swapaxes(0, 1), y),
      loop((i) => f(xs.at(i), y)),
    );
    assertTensorsClose(vmap(f, [null, 0])(x, ys), loop((i) => f(x, ys.at(i))));
  });
}
