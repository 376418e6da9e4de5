import { assertEquals, assertThrows } from "../support/std.ts";
import { AxisError } from "../../src/base/errors.ts";
import { showType } from "../../src/base/shape.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import { cumprod, cumsum, tensor, zeros } from "../../src/functions/mod.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import { vjp } from "../../src/transforms/linearize.ts";
import { vmap } from "../../src/transforms/vmap.ts";
import { float64, sections } from "./fixture.ts";

const running = { cumsum, cumprod } as const;

sections.reductions.forEach(({ name, options, x, y, cotangent, dx }, i) => {
  if (name !== "cumsum" && name !== "cumprod") return;
  Deno.test(`${name} ${JSON.stringify(options)} has PyTorch's values, case ${i}`, () => {
    for (const dtype of ["float32", "float64"] as const) {
      const at = float64(x).astype(dtype);
      const f = (z: Tensor) => running[name](z, options.axis as number);
      const [actual, pullback] = vjp(f, at);
      const [slope] = pullback(float64(cotangent).astype(dtype)) as Tensor[];
      const tolerance = dtype === "float64" ? { rtol: 1e-14, atol: 1e-15 } : {};
      assertTensorsClose(actual, float64(y).astype(dtype), tolerance);
      assertTensorsClose(slope, float64(dx).astype(dtype), tolerance);
    }
  });
});

Deno.test("running results keep the dtype, and bools become int32", () => {
  for (const f of [cumsum, cumprod]) {
    for (const dtype of ["int32", "uint32", "float32", "float64"] as const) {
      assertEquals(showType(f(zeros([2, 3], { dtype }), 1)), `${dtype}[2,3]`);
    }
    assertEquals(showType(f(zeros([2], { dtype: "bool" }), 0)), "int32[2]");
  }
  assertTensorsClose(cumsum([true, false, true], 0), new Int32Array([1, 1, 2]));
  assertTensorsClose(tensor([2 ** 31 - 1, 1], { dtype: "int32" }).cumsum(0).at(1), -(2 ** 31));
});

Deno.test("running results have derivatives of second order, beside zeros too", () => {
  const at = tensor([[0.5, -1.5, 2], [3, 0, 0.25]]);
  for (const axis of [0, 1, -1]) {
    checkGrads((z) => z.cumsum(axis), [at]);
    checkGrads((z) => z.cumprod(axis), [at]);
  }
});

Deno.test("running results of nothing are nothing", () => {
  assertEquals(cumsum(zeros([0, 2]), 0).shape, [0, 2]);
  assertEquals(cumprod(zeros([2, 0]), 1).shape, [2, 0]);
});

Deno.test("running results work under vmap", () => {
  const x = tensor([[1, 2, 3], [4, 5, 6]]);
  assertTensorsClose(vmap((row) => row.cumsum(0))(x), x.cumsum(1));
  assertTensorsClose(vmap((column) => column.cumprod(-1), 1, 1)(x), x.cumprod(0));
});

Deno.test("running results need an axis in range", () => {
  const message = (f: () => unknown) => assertThrows(f, AxisError).message;
  assertEquals(
    message(() => cumsum(zeros([2]), 1)),
    "Cannot take running sums of float32[2]: axis 1 is out of range, expected -1 to 0",
  );
  assertEquals(
    message(() => cumprod(2, 1)),
    "Cannot take running products of float32[]: axis 1 is out of range, a scalar has no axes",
  );
  assertEquals(
    message(() => (cumsum as (x: Tensor) => Tensor)(zeros([2]))),
    "Cannot take running sums of float32[2]: expected an integer axis, got undefined",
  );
});
