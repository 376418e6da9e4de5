import fc from "fast-check";
import { contractPrimitive } from "../../../../src/primitives/contraction.ts";
import type { AxisPairs } from "../../../../src/primitives/contraction.ts";
import type { Dtype } from "../../../../src/base/dtype.ts";
import { sizeOf } from "../../../../src/base/shape.ts";
import { evaluate } from "../../../../src/core/evaluation.ts";
import { dense } from "../../../../src/core/tensor.ts";
import { convertPrimitive } from "../../../../src/primitives/structure.ts";
import { kernelFor } from "../../../../src/backends/webgpu/wgsl/table.ts";
import { assertAlmostEquals } from "../../../support/std.ts";
import { assertSame, elementsOf, fill, gpuTest, LIMITS, runKernel, wordsOf } from "./support.ts";

type Shape = readonly number[];

const none: AxisPairs = [[], []];

async function check(
  dtypes: readonly [Dtype, Dtype],
  [x, y]: readonly [Shape, Shape],
  contract: AxisPairs,
  batch: AxisPairs = none,
): Promise<void> {
  const length = sizeOf(contract[0].map((axis) => x[axis]));
  await assertSame(
    contractPrimitive,
    [fill(dtypes[0], x, 1), fill(dtypes[1], y, 2)],
    { contract, batch },
    () => dtypes[0] === "float32" ? (length + 2) * 2 ** -24 : 0,
  );
}

gpuTest("contractions on a device equal the evaluator's in every order", async () => {
  const pair = ["float32", "float32"] as const;
  for (const [m, n, k] of [[13, 21, 37], [130, 35, 70]]) {
    await check(pair, [[m, k], [k, n]], [[1], [0]]);
    await check(pair, [[k, m], [k, n]], [[0], [0]]);
    await check(pair, [[m, k], [n, k]], [[1], [1]]);
    await check(pair, [[k, m], [n, k]], [[0], [1]]);
  }
  await check(pair, [[3, 9, 40], [3, 40, 17]], [[2], [1]], [[0], [0]]);
  await check(pair, [[9, 3, 40], [40, 17, 3]], [[2], [0]], [[1], [2]]);
  await check(pair, [[5, 4, 6, 3], [6, 4, 20, 5]], [[0, 2], [3, 0]], [[1], [1]]);
});

for (const dtype of ["float32", "int32", "uint32"] as const) {
  const pair = [dtype, dtype] as const;
  gpuTest(`contractions of ${dtype} on a device equal the evaluator's`, async () => {
    await check(pair, [[35, 100], [100, 70]], [[1], [0]]);
    await check(pair, [[20, 9000], [9000, 18]], [[1], [0]]);
    await check(pair, [[2, 100, 300], [2, 300]], [[2], [1]], [[0], [0]]);
    await check(pair, [[300], [300, 100]], [[0], [0]]);
    await check(pair, [[4, 3, 5], [4, 5, 2]], [[2], [1]], [[0], [0]]);
    await check(pair, [[7], [5]], none);
    await check(pair, [[3, 0], [0, 4]], [[1], [0]]);
    await check(pair, [[0, 2, 3], [0, 3, 4]], [[2], [1]], [[0], [0]]);
  });
}

gpuTest("small and narrow contractions on a device equal the evaluator's", async () => {
  const pair = ["float32", "float32"] as const;
  await check(pair, [[], []], none);
  await check(pair, [[1000], [1000]], [[0], [0]]);
  await check(pair, [[70000], [70000]], [[0], [0]]);
  await check(pair, [[300, 100], [300]], [[0], [0]]);
  await check(pair, [[2, 50], [50, 200]], [[1], [0]]);
  await check(pair, [[2, 10, 3000], [2, 3000, 12]], [[2], [1]], [[0], [0]]);
  await check(pair, [[0, 3], [3, 4]], [[1], [0]]);
});

gpuTest("contractions on a device read halves and bytes as the numbers that they are", async () => {
  const inputs = (a: Dtype, b: Dtype) => [fill(a, [20, 30], 1), fill(b, [30, 18], 2)];
  const params = { contract: [[1], [0]], batch: none } as const;
  for (const [a, b, wide] of [["bfloat16", "float16", "float32"], ["uint8", "int16", "int32"]]) {
    const [x, y] = inputs(a as Dtype, b as Dtype);
    const types = [{ dtype: wide as Dtype, shape: [20, 18] }];
    const kernel = kernelFor("contract", [x, y], params, types, LIMITS)!;
    const words = [x, y].map((operand) => wordsOf(operand, dense(operand)));
    const { results: [result] } = await runKernel(kernel, words, [360]);
    const dtype = wide as Dtype;
    const [left, right] = [x, y].map((operand) => {
      const types = [{ dtype, shape: operand.shape }];
      return evaluate(convertPrimitive, [operand], { dtype }, types)[0];
    });
    const [expected] = evaluate(contractPrimitive, [left, right], params, types);
    elementsOf(types[0], result).forEach((value, i) => {
      assertAlmostEquals(value, dense(expected)[i], wide === "int32" ? 0 : 32 * 2 ** -24);
    });
  }
});

gpuTest("contractions on a device of any axes of any tensors equal the evaluator's", async () => {
  const length = fc.integer({ min: 1, max: 5 });
  const lengths = (maxLength: number) => fc.array(length, { maxLength });
  const order = fc.array(fc.nat(), { minLength: 6, maxLength: 6 });
  const cases = fc.sample(
    fc.tuple(lengths(2), lengths(2), lengths(2), lengths(2), order, order),
    { numRuns: 40, seed: 1 },
  );
  for (const [shared, summed, left, right, orderX, orderY] of cases) {
    const common = shared.length + summed.length;
    // The axes that both have come first, then those of each alone, until they are put in some order.
    const [x, y] = [[left, orderX], [right, orderY]].map(([own, keys]) => {
      const all = [...shared, ...summed, ...own];
      const axes = all.map((_, i) => i).sort((i, j) => keys[i] - keys[j]);
      const at = (from: number, end: number) =>
        axes.map((_, i) => axes.indexOf(i)).slice(from, end);
      return {
        shape: axes.map((axis) => all[axis]),
        batch: at(0, shared.length),
        contract: at(shared.length, common),
      };
    });
    await check(
      ["int32", "int32"],
      [x.shape, y.shape],
      [x.contract, y.contract],
      [x.batch, y.batch],
    );
  }
});
