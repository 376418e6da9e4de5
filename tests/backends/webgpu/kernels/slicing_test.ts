import type { Dtype } from "../../../../src/base/dtype.ts";
import {
  addSlicePrimitive,
  dynamicSlicePrimitive,
  updateSlicePrimitive,
} from "../../../../src/primitives/dynamic_slicing.ts";
import { assertEquals } from "../../../support/std.ts";
import { assertSame, fill, gpuTest, runBoth, tensorOf } from "./support.ts";

const starts = (...values: number[]) => values.map((value) => tensorOf("int32", [], [value]));

gpuTest("blocks on a device are taken, replaced and added to as by the evaluator", async () => {
  for (const dtype of ["float32", "bfloat16", "int32", "bool", "uint8"] as Dtype[]) {
    const x = fill(dtype, [5, 6, 7], 1);
    const block = fill(dtype, [2, 6, 3], 2);
    const sizes = [2, 6, 3];
    for (
      const [start, operands] of [
        [[null, 0, null], starts(3, 4)],
        [[null, null, null], starts(0, 0, 2)],
        [[1, 0, 2], []],
      ] as const
    ) {
      await assertSame(dynamicSlicePrimitive, [x, ...operands], { start, sizes });
      await assertSame(updateSlicePrimitive, [x, block, ...operands], { start });
      if (dtype !== "float32" && dtype !== "int32") continue;
      await assertSame(addSlicePrimitive, [x, block, ...operands], { start });
    }
  }
  const x = fill("float32", [3, 0], 1);
  await assertSame(dynamicSlicePrimitive, [x, ...starts(1)], { start: [null, 0], sizes: [2, 0] });
  await assertSame(updateSlicePrimitive, [x, x, ...starts(0)], { start: [null, 0] });
});

gpuTest("blocks on a device that lie outside set a flag", async () => {
  const x = fill("float32", [5, 6], 1);
  for (const first of [-1, 4, 2 ** 31 - 1, -(2 ** 31)]) {
    const start = [null, 1];
    const sizes = [2, 3];
    const cut = await runBoth(dynamicSlicePrimitive, [x, ...starts(first)], { start, sizes });
    const block = fill("float32", sizes, 2);
    const change = await runBoth(updateSlicePrimitive, [x, block, ...starts(first)], { start });
    assertEquals([cut.flag, change.flag], [1, 1]);
  }
});
