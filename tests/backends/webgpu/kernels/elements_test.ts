import type { Dtype } from "../../../../src/base/dtype.ts";
import { threefry2x32Primitive } from "../../../../src/primitives/random_bits.ts";
import { bitcastPrimitive } from "../../../../src/primitives/structure.ts";
import { argmaxPrimitive, argminPrimitive } from "../../../../src/primitives/reduction.ts";
import { assertSame, fill, gpuTest, tensorOf } from "./support.ts";

const special = [NaN, 1, 1, -Infinity, -0, 0, 3e-45, -3e-45, Infinity, -1, 1e38];

gpuTest("places of extremes on a device are the evaluator's", async () => {
  for (const primitive of [argmaxPrimitive, argminPrimitive]) {
    for (const shape of [[5], [4, 100], [3, 5, 7], [2, 3000], [1, 20000], [70000, 1]]) {
      for (const axis of shape.keys()) {
        await assertSame(primitive, [fill("float32", shape, axis)], { axis });
      }
    }
    for (const dtype of ["int32", "uint32"] as const) {
      await assertSame(primitive, [fill(dtype, [6, 50], 3)], { axis: 1 });
      await assertSame(primitive, [fill(dtype, [6, 50], 3)], { axis: 0 });
    }
    await assertSame(primitive, [fill("float32", [0, 4], 1)], { axis: 1 });
    for (let from = 0; from < special.length; from++) {
      const values = Array.from({ length: 40 }, (_, i) => special[(from + i * i) % 11]);
      await assertSame(primitive, [tensorOf("float32", [4, 10], values)], { axis: 1 });
      await assertSame(primitive, [tensorOf("float32", [4, 10], values)], { axis: 0 });
    }
    await assertSame(primitive, [tensorOf("bool", [5], [0, 1, 0, 1, 0])], { axis: 0 });
  }
});

gpuTest("random words on a device have the evaluator's bits", async () => {
  for (const shape of [[], [1], [1000], [3, 5], [0]]) {
    const words = [1, 2, 3, 4].map((seed) => fill("uint32", shape, seed));
    await assertSame(threefry2x32Primitive, words, null);
  }
});

const dtypes: readonly Dtype[] = [
  "int8",
  "uint8",
  "int16",
  "uint16",
  "int32",
  "uint32",
  "float16",
  "bfloat16",
  "float32",
];

gpuTest("bits of elements on a device are the evaluator's", async () => {
  const values = [0, -0, 1, -2.5, 6e-8, -3e-5, 6.1e-5, 65504, Infinity, -Infinity, 1e-40, 0.1];
  for (const from of dtypes) {
    for (const dtype of dtypes) {
      // Bits of finite numbers of the result, which may have none of their own.
      const x = from.includes("float")
        ? tensorOf(from, [values.length / 4, 4], values)
        : fill(from, [3, 4], 1);
      const width = { from: widthOf(from), to: widthOf(dtype) };
      if (width.to <= width.from) {
        if (!dtype.includes("float")) await assertSame(bitcastPrimitive, [x], { dtype });
        continue;
      }
      const ratio = width.to / width.from;
      const parts = tensorOf(from, [3, ratio], Array.from({ length: 3 * ratio }, (_, i) => i + 1));
      await assertSame(bitcastPrimitive, [parts], { dtype });
    }
  }
  const bits = [0, 0x8000, 1, 0x3ff, 0x400, 0x3c00, 0xbc01, 0x7bff, 0x7c00, 0xfc00];
  await assertSame(bitcastPrimitive, [tensorOf("uint16", [10], bits)], { dtype: "float16" });
  await assertSame(bitcastPrimitive, [tensorOf("uint16", [10], bits)], { dtype: "bfloat16" });
  const words = bits.map((half) => half * 2 ** 16);
  await assertSame(bitcastPrimitive, [tensorOf("uint32", [10], words)], { dtype: "float32" });
  await assertSame(bitcastPrimitive, [tensorOf("float16", [0], [])], { dtype: "int16" });
});

function widthOf(dtype: Dtype): number {
  return Number(/\d+/.exec(dtype)![0]);
}
