import { dense } from "../../../../src/core/tensor.ts";
import { argsortPrimitive } from "../../../../src/primitives/ordering.ts";
import { cumprodPrimitive, cumsumPrimitive } from "../../../../src/primitives/reduction.ts";
import { runningExtremePrimitive } from "../../../../src/primitives/searching.ts";
import { assertSame, fill, gpuTest, tensorOf } from "./support.ts";

const special = [NaN, 1, 1, -Infinity, -0, 0, 3e-45, -3e-45, Infinity, -1, 1e38];

gpuTest("orders on a device are the evaluator's, of equal elements too", async () => {
  for (const descending of [false, true]) {
    for (
      const [shape, axis] of [
        [[7], 0],
        [[1], 0],
        [[5, 33], 1],
        [[33, 5], 0],
        [[3, 2, 700], 2],
        [[2, 3000], 1],
        [[9000], 0],
        [[0, 4], 1],
      ] as const
    ) {
      await assertSame(argsortPrimitive, [fill("float32", shape, 1)], { axis, descending });
    }
    for (const dtype of ["int32", "uint32", "bool"] as const) {
      await assertSame(argsortPrimitive, [fill(dtype, [3, 300], 2)], { axis: 1, descending });
    }
    const values = Array.from({ length: 5000 }, (_, i) => special[i * i % 11]);
    await assertSame(argsortPrimitive, [tensorOf("float32", [5, 1000], values)], {
      axis: 1,
      descending,
    });
    await assertSame(argsortPrimitive, [tensorOf("float32", [5000], values)], {
      axis: 0,
      descending,
    });
  }
});

const shapes: readonly (readonly [shape: readonly number[], axis: number])[] = [
  [[1], 0],
  [[7], 0],
  [[5, 33], 1],
  [[33, 5], 0],
  [[2, 3, 1500], 2],
  [[2, 1100, 3], 1],
  [[20000], 0],
  [[9001, 2], 0],
  [[3, 0], 1],
];

gpuTest("running sums on a device are the evaluator's, rounded once more at most", async () => {
  for (const reverse of [false, true]) {
    for (const [shape, axis] of shapes) {
      await assertSame(
        cumsumPrimitive,
        [fill("float32", shape, 1)],
        { axis, reverse },
        (expected) => 2 ** -23 * Math.abs(expected) + 2 ** -40,
      );
      await assertSame(cumsumPrimitive, [fill("int32", shape, 1)], { axis, reverse });
    }
    await assertSame(cumsumPrimitive, [fill("uint32", [2, 9000], 1)], { axis: 1, reverse });
  }
  const values = [1, Infinity, 2, -Infinity, 3, NaN, 1];
  const params = { axis: 0, reverse: false };
  await assertSame(cumsumPrimitive, [tensorOf("float32", [7], values)], params);
  // Beyond float32 in between, as with float64.
  const large = [2 ** 127, 2 ** 127, -(2 ** 127), -(2 ** 127), 2 ** -149, -0];
  await assertSame(cumsumPrimitive, [tensorOf("float32", [6], large)], params);
  const long = Array.from({ length: 100 }, (_, i) => i === 50 ? Infinity : i);
  await assertSame(cumsumPrimitive, [tensorOf("float32", [100], long)], params);
});

gpuTest(
  "running products on a device are the evaluator's, also beyond float32 in between",
  async () => {
    for (const [shape, axis] of shapes) {
      const signs = fill("float32", shape, 1);
      const x = tensorOf("float32", shape, [...dense(signs)].map((value) => 1 + value / 64));
      const tolerance = (expected: number) => shape[axis] * 2 ** -23 * Math.abs(expected);
      await assertSame(cumprodPrimitive, [x], { axis }, tolerance);
      await assertSame(cumprodPrimitive, [fill("int32", shape, 1)], { axis });
    }
    for (const length of [9, 300, 9000]) {
      // Powers of two alone, so that the results are exact.
      const powers = [
        1,
        2 ** 100,
        2 ** 80,
        2 ** -120,
        -(2 ** -130),
        2 ** 60,
        2 ** -149,
        2 ** 120,
        1,
      ];
      const values = Array.from({ length }, (_, i) => i % 40 < 9 ? powers[i % 9] : -1);
      await assertSame(cumprodPrimitive, [tensorOf("float32", [length], values)], { axis: 0 });
      values[length - 3] = 0;
      await assertSame(cumprodPrimitive, [tensorOf("float32", [length], values)], { axis: 0 });
      values[length - 2] = Infinity;
      await assertSame(cumprodPrimitive, [tensorOf("float32", [length], values)], { axis: 0 });
    }
  },
);

gpuTest(
  "places of running extremes on a device are the evaluator's, of equal and NaN too",
  async () => {
    for (const isMax of [false, true]) {
      for (const shape of [[1], [7], [5, 33], [2, 3, 1500], [20000], [3, 0], [70, 40]]) {
        await assertSame(runningExtremePrimitive, [fill("float32", shape, 1)], { isMax });
      }
      for (const dtype of ["int32", "uint32", "bool"] as const) {
        await assertSame(runningExtremePrimitive, [fill(dtype, [2, 9000], 2)], { isMax });
      }
      const lowest = tensorOf("int32", [300], Array.from({ length: 300 }, () => -(2 ** 31)));
      await assertSame(runningExtremePrimitive, [lowest], { isMax });
      for (const [shape, first] of [[[5, 1000], 3], [[9000], 1], [[400, 11], 0]] as const) {
        const size = shape.reduce((product, length) => product * length, 1);
        const values = Array.from({ length: size }, (_, i) => special[(i * i + first) % 11]);
        await assertSame(runningExtremePrimitive, [tensorOf("float32", shape, values)], { isMax });
        const late = values.map((value, i) => Number.isNaN(value) && i < size / 2 ? 0 : value);
        await assertSame(runningExtremePrimitive, [tensorOf("float32", shape, late)], { isMax });
      }
    }
  },
);
