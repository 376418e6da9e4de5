import {
  fourierOfRealPrimitive,
  fourierPrimitive,
  realOfFourierPrimitive,
} from "../../../../src/primitives/fourier.ts";
import { kernelFor } from "../../../../src/backends/webgpu/wgsl/table.ts";
import { assertEquals } from "../../../support/std.ts";
import { assertSame, fill, gpuTest, LIMITS } from "./support.ts";

const shapes = [
  ...[[1], [3, 2], [2, 5, 8], [300, 4], [3, 512], [2, 2048], [2, 8192], [0, 8]],
  ...[[2, 3], [2, 5, 7], [3, 509], [2, 3000], [0, 6]],
];

gpuTest("transforms on a device equal the evaluator's", async () => {
  for (const shape of shapes) {
    const n = shape[shape.length - 1];
    // The numbers are below 1, so that those of the results are around the root of n.
    const tolerance = () => 2 ** -22 * Math.sqrt(n) * (1 + Math.log2(n));
    const [re, im] = [fill("float32", shape, 1), fill("float32", shape, 2)];
    for (const inverse of [false, true]) {
      await assertSame(fourierPrimitive, [re, im], { inverse }, tolerance);
    }
    await assertSame(fourierOfRealPrimitive, [re], null, tolerance);
    const half = [...shape.slice(0, -1), Math.floor(n / 2) + 1];
    const parts = [fill("float32", half, 3), fill("float32", half, 4)];
    await assertSame(realOfFourierPrimitive, parts, { length: n }, tolerance);
  }
});

Deno.test("very long transforms are left to the evaluator", () => {
  const params = { inverse: false };
  for (
    const [length, isHere] of [[2 ** 22, true], [2 ** 23, false], [60000, true], [70000, false]]
  ) {
    const type = { dtype: "float32", shape: [length as number] } as const;
    const kernel = kernelFor("fourier", [type, type], params, [type, type], LIMITS);
    assertEquals(kernel !== null, isHere, `${length}`);
  }
});
