/**
 * Reductions as invocations alone compute them, and as workgroups do, whichever the device would choose.
 *
 * @module
 */
import { makeProgram, max, mean, min, sqrt, square, std, sum, variance } from "../../../../mod.ts";
import type { Tensor } from "../../../../mod.ts";
import { dispatchesOf, resolve } from "../../../../src/backends/webgpu/commands.ts";
import { planProgram } from "../../../../src/backends/webgpu/plan.ts";
import type { Kernel } from "../../../../src/backends/webgpu/wgsl/kernel.ts";
import type { Concrete } from "../../../../src/core/tensor.ts";
import { dense } from "../../../../src/core/tensor.ts";
import { optimize } from "../../../../src/passes/mod.ts";
import { assert } from "../../../support/std.ts";
import { elementsOf, fill, gpuTest, LIMITS, runKernel, tensorOf, wordsOf } from "./support.ts";

type Function = (x: Tensor) => Tensor;

/** A program of one argument and one result as a kernel. */
function kernelOf(f: Function, x: Concrete, isProcessor: boolean): Kernel {
  const program = optimize(makeProgram(f)(x));
  const { commands, places, bytes } = planProgram(program, { ...LIMITS, isProcessor });
  const scratch: number[] = [];
  const operands = places.map((place, i) => {
    if (place === null || place.kind !== "arena") return place?.kind === "result" ? 1 : 0;
    return 1 + scratch.push(bytes[i]);
  });
  const passes = dispatchesOf(commands).map(({ code, workgroups, views }) => ({
    code,
    workgroups,
    operands: views.map((view) => operands[resolve(view, []).memory]),
  }));
  return { passes, scratch, operations: 0 };
}

async function check(f: Function, x: Concrete, ulps: number): Promise<void> {
  const expected = f(x).concrete("read");
  for (const isProcessor of [false, true]) {
    const kernel = kernelOf(f, x, isProcessor);
    const { results: [words] } = await runKernel(
      kernel,
      [wordsOf(x, dense(x))],
      [dense(expected).length],
    );
    const actual = elementsOf(expected, words);
    dense(expected).forEach((value, i) => {
      const isClose = Object.is(value, actual[i]) ||
        Math.abs(value - actual[i]) <= ulps * 2 ** -23 * Math.abs(value);
      const what = `${f} of ${x.dtype}[${x.shape}]${isProcessor ? " on a processor" : ""}`;
      assert(isClose, `${actual[i]} instead of ${value} at ${i}: ${what}`);
    });
  }
}

const shapes = [[3, 5], [5, 130], [70, 192], [1, 5000], [2, 256, 3]];

gpuTest("sums and moments on a device are the evaluator's to the last places", async () => {
  for (const shape of shapes) {
    const positive = tensorOf(
      "float32",
      shape,
      [...dense(fill("float32", shape, 1))].map(Math.abs),
    );
    for (const axis of shape.keys()) {
      await check((x) => sum(x, axis), positive, 2);
      await check((x) => mean(x, axis).mul(3), positive, 2);
      await check((x) => sqrt(mean(square(x), axis)), positive, 2);
      await check((x) => variance(x, axis), positive, 3);
      await check((x) => max(x, axis), fill("float32", shape, 2), 0);
      await check((x) => min(x, axis), fill("float32", shape, 2), 0);
      await check((x) => sum(x, axis), fill("int32", shape, 3), 0);
    }
  }
});

gpuTest("moments on a device have the evaluator's range", async () => {
  const scales = [1e-35, 1e-30, 1e-20, 1, 1e18, 1e30, 3e38];
  for (const length of [6, 384]) {
    const values = scales.flatMap((scale) =>
      Array.from({ length }, (_, i) => scale * Math.cos(i * 0.7))
    );
    const x = tensorOf("float32", [scales.length, length], values);
    await check((x) => mean(x.abs(), 1), x, 2);
    await check((x) => std(x, 1), x, 3);
    await check((x) => variance(x, 1), x, 3);
    // Deviations from 1.5e38 that float32 cannot hold.
    const far = values.map((_, i) => i % 4 === 0 ? -3e38 : 3e38);
    await check((x) => std(x, 1), tensorOf("float32", [scales.length, length], far), 3);
  }
});

gpuTest("deviations far smaller than their mean are exact on a device", async () => {
  for (const length of [8, 512]) {
    const values = Array.from({ length: 2 * length }, (_, i) => 1e8 + 8 * (i % 3));
    await check((x) => variance(x, 1), tensorOf("float32", [2, length], values), 3);
  }
});

gpuTest("NaN and infinities go through reductions on a device", async () => {
  for (const length of [4, 256]) {
    const rows = [[NaN], [-NaN], [Infinity], [-Infinity], [Infinity, -Infinity], [Infinity, NaN]];
    const values = rows.flatMap((row) =>
      Array.from({ length }, (_, i) => i < row.length ? row[i] : i - length / 2)
    );
    const x = tensorOf("float32", [rows.length, length], values);
    for (const f of [sum, mean, max, min, variance]) await check((x) => f(x, 1), x, 1);
  }
});
