import { assertEquals, assertThrows } from "../support/std.ts";
import { ArgumentError, AxisError } from "../../src/base/errors.ts";
import { showType } from "../../src/base/shape.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import { argsort, sort, tensor, topK, zeros } from "../../src/functions/mod.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import { vjp } from "../../src/transforms/linearize.ts";
import { vmap } from "../../src/transforms/vmap.ts";
import { float64, numbers, sections } from "./fixture.ts";

sections.ordering.forEach(({ name, options, x, values, indices, cotangent, dx }, i) => {
  Deno.test(`${name} ${JSON.stringify(options)} has PyTorch's results, case ${i}`, () => {
    const { axis, descending = false, k } = options;
    for (const dtype of ["float32", "float64"] as const) {
      const at = float64(x).astype(dtype);
      const f = (z: Tensor): [Tensor, Tensor] =>
        name === "sort"
          ? [sort(z, axis as number, { descending }), argsort(z, axis as number, { descending })]
          : topK(z, k!, axis as number);
      const [[sorted, order], pullback] = vjp(f, at);
      assertTensorsClose(sorted, float64(values).astype(dtype), { rtol: 0, atol: 0 });
      assertTensorsClose(order, tensor(numbers(indices), { dtype: "int32" }));
      const [slope] = pullback([float64(cotangent).astype(dtype), null]) as Tensor[];
      assertTensorsClose(slope, float64(dx).astype(dtype), { rtol: 0, atol: 0 });
    }
  });
});

Deno.test("ordering takes every dtype and keeps it", () => {
  for (const dtype of ["bool", "int32", "uint32", "float32", "float64"] as const) {
    const x = tensor([1, 0, 1, 0], { dtype });
    assertTensorsClose(sort(x), tensor([0, 0, 1, 1], { dtype }));
    assertTensorsClose(argsort(x), new Int32Array([1, 3, 0, 2]));
    assertTensorsClose(argsort(x, 0, { descending: true }), new Int32Array([0, 2, 1, 3]));
    const [values, places] = topK(x, 3);
    assertTensorsClose(values, tensor([1, 1, 0], { dtype }));
    assertTensorsClose(places, tensor([0, 2, 1], { dtype: "int32" }));
  }
  assertEquals(
    sort(tensor([3, 2 ** 32 - 1, 0], { dtype: "uint32" })).toArray(),
    [0, 3, 2 ** 32 - 1],
  );
});

Deno.test("topK takes the smallest when told to", () => {
  const x = tensor([[3, 1, NaN], [4, 6, 5]]);
  const [values, places] = x.topK(2, 1, { largest: false });
  assertTensorsClose(values, [[1, 3], [4, 5]]);
  assertTensorsClose(places, tensor([[1, 0], [0, 2]], { dtype: "int32" }));
  assertTensorsClose(x.topK(1, 0)[0], [[4, 6, NaN]]);
  assertEquals(x.topK(0)[0].shape, [2, 0]);
});

Deno.test("sorted values carry derivatives of second order", () => {
  const x = tensor([[3, 1, 2], [0.5, 6, -5]]);
  checkGrads((z) => z.sort(1).square().cumsum(1), [x]);
  checkGrads((z) => z.sort(0, { descending: true }).exp(), [x]);
  checkGrads((z) => z.topK(2, 1)[0].pow(3), [x]);
});

Deno.test("ordering works under vmap and without elements", () => {
  const x = tensor([[3, 1, 2], [4, 6, 5]]);
  assertTensorsClose(vmap((row) => row.sort())(x), x.sort(1));
  assertTensorsClose(vmap((column) => column.argsort(), 1, 1)(x), x.argsort(0));
  assertTensorsClose(vmap((row) => row.topK(2)[0])(x), x.topK(2, 1)[0]);
  assertEquals(showType(sort(zeros([0, 3]), 0)), "float32[0,3]");
  assertEquals(showType(argsort(zeros([2, 0]))), "int32[2,0]");
  assertEquals(sort(zeros([3])).toArray(), [0, 0, 0]);
});

Deno.test("bad arguments are refused", () => {
  const message = (f: () => unknown) => String(assertThrows(f, Error));
  assertEquals(
    message(() => sort(3, 1)),
    "AxisError: Cannot sort float32[]: axis 1 is out of range, a scalar has no axes",
  );
  assertEquals(
    message(() => argsort([1, 2], 1)),
    "AxisError: Cannot sort float32[2]: axis 1 is out of range, expected -1 to 0",
  );
  assertEquals(
    message(() => topK([1, 2, 3], 4)),
    "ArgumentError: Cannot take the top of float32[3]: " +
      "k must be an integer from 0 to 3, the length of axis 0, got 4",
  );
  assertEquals(
    message(() => topK([1, 2, 3], 1.5)),
    "ArgumentError: Cannot take the top of float32[3]: " +
      "k must be an integer from 0 to 3, the length of axis 0, got 1.5",
  );
  assertThrows(() => sort([1], 0, { ascending: true } as object), ArgumentError);
  assertThrows(() => topK([1], 1, 2), AxisError);
});
