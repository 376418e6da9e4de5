import type { Dtype } from "../../../../src/base/dtype.ts";
import { sizeOf } from "../../../../src/base/shape.ts";
import type { Concrete } from "../../../../src/core/tensor.ts";
import {
  gatherPrimitive,
  lastOfPrimitive,
  scatterAddPrimitive,
  scatterMaxPrimitive,
  scatterMinPrimitive,
  scatterOntoPrimitive,
  scatterSetPrimitive,
} from "../../../../src/primitives/indexing.ts";
import { assertEquals } from "../../../support/std.ts";
import { assertSame, fill, gpuTest, randomNumbers, runBoth, tensorOf } from "./support.ts";

function positions(
  shape: readonly number[],
  slots: number,
  dtype: "int32" | "uint32" = "int32",
): Concrete {
  const next = randomNumbers(slots + 1000);
  const values = Array.from({ length: sizeOf(shape) }, () => Math.floor(slots * next()));
  return tensorOf(dtype, shape, values);
}

interface Case {
  /** `[B..., n, R...]`. */
  readonly x: readonly number[];
  /** `[B..., M...]`. */
  readonly indices: readonly number[];
  readonly batch: number;
  readonly outer?: readonly number[];
}

const cases: readonly Case[] = [
  { x: [10], indices: [], batch: 0 },
  { x: [10], indices: [25], batch: 0 },
  { x: [7, 3, 2], indices: [4, 5], batch: 0 },
  { x: [2, 7, 3], indices: [2, 40], batch: 1 },
  { x: [3, 2, 5, 4], indices: [2, 6], batch: 1, outer: [0] },
  { x: [2, 3, 4, 50, 2], indices: [2, 4, 70], batch: 2, outer: [1] },
  { x: [100, 3], indices: [40], batch: 0 },
  { x: [3, 2, 90, 2], indices: [2, 45], batch: 1, outer: [0] },
  { x: [300, 2], indices: [3000], batch: 0 },
  { x: [2], indices: [5000], batch: 0 },
  { x: [4, 2], indices: [0], batch: 0 },
  { x: [4, 0], indices: [3], batch: 0 },
  { x: [0, 4, 2], indices: [0, 3], batch: 1 },
];

/** What the operands of a case are. */
function operandsOf(dtype: Dtype, { x, indices, batch, outer }: Case) {
  const axis = batch + (outer?.length ?? 0);
  const updates = [...x.slice(0, axis), ...indices.slice(batch), ...x.slice(axis + 1)];
  return {
    x: fill(dtype, x, 1),
    updates: fill(dtype, updates, 2),
    at: positions(indices, x[axis]),
    size: x[axis],
    params: outer === undefined ? { batch } : { batch, outer },
  };
}

gpuTest("rows on a device are gathered and replaced as by the evaluator", async () => {
  for (const dtype of ["float32", "int32", "bool", "bfloat16"] as const) {
    for (const one of dtype === "float32" ? cases : cases.slice(3, 6)) {
      const { x, updates, at, params } = operandsOf(dtype, one);
      await assertSame(gatherPrimitive, [x, at], params);
      await assertSame(scatterSetPrimitive, [x, updates, at], params);
    }
  }
  const at = positions([9], 10, "uint32");
  await assertSame(gatherPrimitive, [fill("float32", [10], 1), at], { batch: 0 });
});

gpuTest("rows on a device are added up as by the evaluator", async () => {
  for (const dtype of ["float32", "int32"] as const) {
    for (const one of cases) {
      const { x, updates, at, size, params } = operandsOf(dtype, one);
      const isExact = dtype === "int32";
      // Sums have more digits than the evaluator's where that adds one after the other.
      const [once, often] = [2 ** -23, 2 ** -21 * sizeOf(one.indices) / size];
      await assertSame(
        scatterAddPrimitive,
        [updates, at],
        { ...params, size },
        (expected) => isExact ? 0 : once * Math.abs(expected) + 2 ** -40,
      );
      await assertSame(
        scatterOntoPrimitive,
        [x, updates, at],
        params,
        () => isExact ? 0 : once + often,
      );
    }
  }
});

gpuTest("zeros on a device keep their sign where rows are added to them", async () => {
  for (const count of [4, 40]) {
    const [x, updates] = [6, count].map((n) => tensorOf("float32", [n], Array(n).fill(-0)));
    const at = tensorOf("int32", [count], Array.from({ length: count }, (_, i) => i % 4));
    await assertSame(scatterOntoPrimitive, [x, updates, at], { batch: 0 });
    await assertSame(scatterAddPrimitive, [updates, at], { batch: 0, size: 6 });
  }
});

gpuTest("extremes of rows on a device are the evaluator's", async () => {
  for (const primitive of [scatterMaxPrimitive, scatterMinPrimitive]) {
    for (const dtype of ["float32", "int32", "uint32"] as const) {
      for (const one of dtype === "float32" ? cases : cases.slice(3, 6)) {
        const { x, updates, at, params } = operandsOf(dtype, one);
        await assertSame(primitive, [x, updates, at], params);
      }
    }
    const numbers = [NaN, 1, -Infinity, -0, 0, 3e-45, -3e-45, Infinity];
    const pairs = numbers.flatMap((a) => numbers.map((b) => [a, b]));
    const [x, updates] = [0, 1].map((k) => tensorOf("float32", [64], pairs.map((pair) => pair[k])));
    const at = tensorOf("int32", [64], pairs.map((_, i) => i));
    await assertSame(primitive, [x, updates, at], { batch: 0 });
  }
});

gpuTest("the last of equal positions on a device are the evaluator's", async () => {
  for (
    const [shape, batch] of [[[40], 0], [[3, 20, 2], 1], [[5000], 0], [[0], 0], [[], 0]] as const
  ) {
    await assertSame(lastOfPrimitive, [positions(shape, 11)], { batch, size: 11 });
  }
});

gpuTest(
  "positions on a device that lie outside set a flag, whatever is written there",
  async () => {
    for (const count of [5, 50]) {
      for (const wrong of [-1, 7, 2 ** 31 - 1, -(2 ** 31)]) {
        const at = tensorOf(
          "int32",
          [count],
          Array.from({ length: count }, (_, i) => i === 3 ? wrong : 2),
        );
        const [x, updates] = [fill("float32", [7, 2], 1), fill("float32", [count, 2], 2)];
        const params = { batch: 0 };
        const flags = [
          await runBoth(gatherPrimitive, [x, at], params),
          await runBoth(scatterSetPrimitive, [x, updates, at], params),
          await runBoth(scatterOntoPrimitive, [x, updates, at], params),
          await runBoth(scatterMaxPrimitive, [x, updates, at], params),
          await runBoth(scatterAddPrimitive, [updates, at], { ...params, size: 7 }),
          await runBoth(lastOfPrimitive, [at], { ...params, size: 7 }),
          await runBoth(lastOfPrimitive, [at], { ...params, size: 0 }),
          await runBoth(scatterAddPrimitive, [updates, at], { ...params, size: 0 }),
          await runBoth(gatherPrimitive, [fill("float32", [7, 0], 1), at], params),
          await runBoth(gatherPrimitive, [fill("float32", [0, 2], 1), at], params),
        ].map(({ flag }) => flag);
        assertEquals(flags, flags.map(() => 1));
      }
    }
  },
);
