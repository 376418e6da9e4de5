import { isFloat } from "../../../../src/base/dtype.ts";
import { emitRunningExtreme } from "../../../../src/backends/wasm/kernels/reduction/mod.ts";
import { runningExtremePrimitive } from "../../../../src/primitives/searching.ts";
import { assert } from "../../../support/std.ts";
import { assertSame, fillTensor, randomNumbers } from "./against_reference.ts";
import { testBuilder } from "./support.ts";

Deno.test("runningExtreme passes lines of every length, equal elements and NaN", () => {
  const random = randomNumbers(1);
  const specials = [NaN, Infinity, -Infinity, 0, -0, 1];
  for (const dtype of ["float32", "float64", "int32", "uint32", "bool"] as const) {
    for (const shape of [[1], [7], [3, 40], [2, 5, 9], [4, 0], [3000]]) {
      const few = fillTensor(
        dtype,
        shape,
        () => Math.floor(random() * 4) - (dtype === "bool" ? 0 : 2),
      );
      const many = fillTensor(dtype, shape, () => (random() - 0.5) * 2 ** 32);
      const odd = fillTensor(dtype, shape, () => specials[Math.floor(random() * specials.length)]);
      for (const x of isFloat(dtype) ? [few, many, odd] : dtype === "bool" ? [few] : [few, many]) {
        for (const isMax of [true, false]) {
          assertSame(emitRunningExtreme, runningExtremePrimitive, [x], { isMax });
        }
      }
    }
  }
});

Deno.test("runningExtreme of many lines is divided into chunks", () => {
  const x = { dtype: "float32" as const, shape: [300, 900] };
  assert(emitRunningExtreme(testBuilder(), [x], { isMax: true }).stages[0].chunks >= 4);
});
