import { assertEquals, assertThrows } from "../support/std.ts";
import { DtypeError } from "../../src/base/errors.ts";
import { ShapeError } from "../../src/base/errors.ts";
import type { Dtype } from "../../src/base/dtype.ts";
import { showType } from "../../src/base/shape.ts";
import type { Tensor, TensorLike } from "../../src/core/tensor.ts";
import * as functions from "../../src/functions/mod.ts";
import { clip, ones, tensor, where, zeros } from "../../src/functions/mod.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import { grad } from "../../src/transforms/grad.ts";
import { vjp } from "../../src/transforms/linearize.ts";
import { vmap } from "../../src/transforms/vmap.ts";
import { jit } from "../../src/jit.ts";
import { float64, numbers, sections } from "./fixture.ts";

const unary = functions as unknown as Record<string, (x: TensorLike) => Tensor>;
const binary = functions as unknown as Record<string, (x: TensorLike, y: TensorLike) => Tensor>;
const exact = { rtol: 0, atol: 0 };

for (const { name, x, y } of sections.predicates) {
  Deno.test(`${name} has PyTorch's values`, () => {
    for (const dtype of ["float32", "float64"] as const) {
      // In float32 the extreme points of the list round to zero and to infinity.
      const at = dtype === "float64" ? float64(x) : float64(x).clip(-9, 9).astype(dtype);
      const result = unary[name](at);
      assertEquals(result.dtype, "bool");
      if (dtype === "float64") assertTensorsClose(result, y);
      assertEquals(result.shape, at.shape);
    }
  });
}

for (const { name, a, b, y } of sections.comparisons) {
  Deno.test(`${name} has PyTorch's values`, () => {
    const result = binary[name](float64(a), float64(b));
    assertTensorsClose(result, tensor(y as boolean[]));
    type Methods = Record<string, (other: TensorLike) => Tensor>;
    assertTensorsClose((float64(a) as unknown as Methods)[name](float64(b)), result);
  });
}

for (const { x, min, max, y, dx } of sections.clip) {
  Deno.test(`clip from ${min} to ${max} has PyTorch's values and derivatives`, () => {
    const [low, high] = [min, max].map((bound) => bound === null ? null : numbers(bound));
    for (const dtype of ["float32", "float64"] as const) {
      const at = float64(x).astype(dtype);
      const [actual, pullback] = vjp((z) => clip(z, low, high), at);
      assertEquals(showType(actual), showType(at));
      const [slope] = pullback(ones(at.shape, { dtype })) as Tensor[];
      assertTensorsClose(actual.astype("float64"), float64(y), dtype === "float64" ? exact : {});
      // NaN passes, and so does its derivative; PyTorch's is 0 there.
      const expected = where(at.isnan(), 1, float64(dx));
      // One point is so near a bound that float32 cannot tell them apart.
      const isThere = at.isnan().logicalOr(at.equal(float64(x)));
      assertTensorsClose(
        where(isThere, slope, 0),
        where(isThere, expected, 0).astype(dtype),
        exact,
      );
    }
  });
}

for (const { condition, a, b, y, da, db } of sections.where) {
  Deno.test("where has PyTorch's values and derivatives", () => {
    const chooser = tensor(condition);
    const [actual, pullback] = vjp((p, q) => where(chooser, p, q), float64(a), float64(b));
    assertTensorsClose(actual, float64(y), exact);
    assertTensorsClose(pullback(ones(actual.shape, { dtype: "float64" })), [
      float64(da),
      float64(db),
    ], exact);
  });
}

Deno.test("comparisons promote before they compare", () => {
  const whole = tensor([1, 2, 3], { dtype: "int32" });
  assertTensorsClose(whole.equal([1, 2.5, 3]), tensor([true, false, true]));
  assertTensorsClose(whole.less(2.5), tensor([true, true, false]));
  assertTensorsClose(tensor([true, false]).equal(1), tensor([true, false]));
  assertTensorsClose(tensor([0.1]).equal(0.1), tensor([true]));
  assertEquals(
    assertThrows(
      () => tensor([-1], { dtype: "int32" }).less(tensor([1], { dtype: "uint32" })),
      DtypeError,
    ).message,
    "Cannot compare int32 and uint32: no integer dtype holds both; convert one with astype",
  );
});

Deno.test("logic takes any dtype and compares with zero first", () => {
  const x = tensor([0, 2, -0.5, NaN]);
  assertTensorsClose(x.logicalNot(), tensor([true, false, false, false]));
  assertTensorsClose(x.logicalAnd(true), tensor([false, true, true, true]));
  assertTensorsClose(x.logicalAnd(2), tensor([false, true, true, true]));
  assertTensorsClose(
    functions.logicalOr(0, tensor([0, 3], { dtype: "int32" })),
    tensor([false, true]),
  );
  assertTensorsClose(x.logicalXor([[1], [0]]), [[true, false, false, false], [
    false,
    true,
    true,
    true,
  ]]);
  assertTensorsClose(
    functions.logicalAnd(
      tensor([1, 2], { dtype: "int32" }),
      tensor([2, 1], { dtype: "uint32" }),
    ),
    tensor([true, true]),
    { message: "not the conjunction of bits" },
  );
});

Deno.test("integers and bools are finite and never NaN", () => {
  for (const dtype of ["bool", "int32", "uint32"] satisfies Dtype[]) {
    const x = ones([2], { dtype });
    assertTensorsClose(x.isnan(), tensor([false, false]));
    assertTensorsClose(x.isinf(), tensor([false, false]));
    assertTensorsClose(x.isfinite(), tensor([true, true]));
  }
});

Deno.test("where broadcasts all three and promotes the last two", () => {
  const condition = tensor([[true], [false]]);
  const chosen = where(condition, tensor([1, 2, 3], { dtype: "int32" }), 0.5);
  assertEquals(showType(chosen), "float32[2,3]");
  assertTensorsClose(chosen, [[1, 2, 3], [0.5, 0.5, 0.5]]);
  assertEquals(showType(where(condition, 1, 0)), "float32[2,1]");
  assertEquals(showType(where(condition, true, false)), "bool[2,1]");
  assertEquals(where(condition, tensor(1, { dtype: "float64" }), 0.1).at(1, 0).item(), 0.1);
  assertEquals(where(tensor([2, 0, NaN]), 1, 0).toArray(), [1, 0, 1]);
  assertEquals(where(true, 1, 2).item(), 1);
  assertTensorsClose(condition.where([1, 2], [3, 4]), [[1, 2], [3, 4]]);
});

Deno.test("where names all shapes when they do not broadcast", () => {
  assertEquals(
    assertThrows(() => where(tensor([true, false]), zeros(3), 1), ShapeError).message,
    "Cannot choose between bool[2], float32[3] and float32[]: shapes must broadcast, " +
      "axis -1 has lengths 2 and 3",
  );
});

Deno.test("where keeps the derivative of what is not chosen out", () => {
  const x = tensor([0, 4], { dtype: "float64" });
  const root = (z: Tensor) => {
    const inside = z.greater(0);
    return where(inside, where(inside, z, 1).sqrt(), 0);
  };
  assertTensorsClose(grad((z) => root(z).sum())(x), [0, 0.25]);
  checkGrads((c, a, b) => where(c, a, b), [
    tensor([[true], [false]]),
    tensor([1, 2]),
    tensor([[3, 4]]),
  ]);
});

Deno.test("clip gives NaN where a bound is NaN, as maximum and minimum do", () => {
  for (const dtype of ["float32", "float64"] as const) {
    const x = tensor([1, 2, NaN, Infinity], { dtype });
    const every = tensor([NaN, NaN, NaN, NaN], { dtype });
    const some = tensor([NaN, 0, 0, NaN], { dtype });
    const clips: ((x: Tensor, bound: Tensor) => Tensor)[] = [
      (x, bound) => clip(x, bound, null),
      (x, bound) => clip(x, null, bound.add(9)),
      (x, bound) => clip(x, bound, bound.add(9)),
    ];
    for (const f of clips) {
      for (const way of [f, jit(f), vmap(f)]) {
        assertTensorsClose(way(x, some).take([0, 3]), [NaN, NaN]);
        assertTensorsClose(way(x, some).take([1, 2]), [2, NaN]);
      }
    }
    assertTensorsClose(clip(x, NaN, null), every);
    assertTensorsClose(clip(x, null, NaN), every);
    assertTensorsClose(clip(x, NaN, 1), every);
    assertTensorsClose(jit((z: Tensor) => z.clip(0, NaN))(x), every);
  }
});

Deno.test("clip takes tensors as bounds, which share the derivative", () => {
  const x = tensor([[-2, 0.5], [0.25, 3]], { dtype: "float64" });
  const low = tensor([-1, 0], { dtype: "float64" });
  const high = tensor([[0], [2]], { dtype: "float64" });
  assertTensorsClose(clip(x, low, high), [[-1, 0], [0.25, 2]]);
  assertTensorsClose(clip(x, null, null), x);
  checkGrads((z, a, b) => clip(z, a, b), [x, low, high]);
  const slopes = grad((z, a, b) => clip(z, a, b).sum(), { argnums: [0, 1, 2] as const })(
    tensor([1, 2]),
    tensor([1, 1]),
    tensor([2, 2]),
  );
  assertTensorsClose(slopes, [[1, 1], [0, 0], [0, 0]]);
});

Deno.test("clip promotes, and refuses shapes that do not broadcast", () => {
  assertEquals(clip(tensor([1, 2], { dtype: "int32" }), 0, 1).dtype, "int32");
  assertEquals(clip(tensor([1, 2], { dtype: "int32" }), 0.5, null).dtype, "float32");
  assertEquals(
    assertThrows(() => clip(zeros([2, 3]), zeros(2), 1), ShapeError).message,
    "Cannot clip float32[2,3], float32[2] and float32[]: shapes must broadcast, " +
      "axis -1 has lengths 3 and 2",
  );
});

Deno.test("choices work under vmap", () => {
  const x = tensor([[-1, 0.5], [0.25, 2]]);
  assertTensorsClose(vmap((row) => clip(row, 0, 1))(x), clip(x, 0, 1));
  assertTensorsClose(vmap((row) => where(row.greater(0), row, 0))(x), [[0, 0.5], [0.25, 2]]);
  assertTensorsClose(vmap((row) => row.logicalAnd([1, 0]))(x), [[true, false], [true, false]]);
});
