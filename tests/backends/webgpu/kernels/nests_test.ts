/**
 * Reductions as invocations alone compute them, and as workgroups do, whichever the device would choose.
 *
 * @module
 */
import {
  flip,
  makeProgram,
  max,
  mean,
  min,
  nn,
  sqrt,
  square,
  std,
  sum,
  variance,
  where,
} from "../../../../mod.ts";
import type { Tensor } from "../../../../mod.ts";
import { dispatchesOf, resolve } from "../../../../src/backends/webgpu/commands.ts";
import { planProgram } from "../../../../src/backends/webgpu/plan.ts";
import type { Kernel } from "../../../../src/backends/webgpu/wgsl/kernel.ts";
import type { Concrete } from "../../../../src/core/tensor.ts";
import { dense } from "../../../../src/core/tensor.ts";
import { optimize } from "../../../../src/passes/mod.ts";
import { assert } from "../../../support/std.ts";
import {
  elementsOf,
  fill,
  gpuTest,
  LIMITS,
  randomNumbers,
  runKernel,
  tensorOf,
  wordsOf,
} from "./support.ts";

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

/** The results of a program as both kinds of devices compute them, and the evaluator's. */
async function* resultsOf(f: Function, x: Concrete) {
  const expected = f(x).concrete("read");
  for (const isProcessor of [false, true]) {
    const kernel = kernelOf(f, x, isProcessor);
    const { results: [words] } = await runKernel(
      kernel,
      [wordsOf(x, dense(x))],
      [dense(expected).length],
    );
    yield {
      expected: dense(expected),
      actual: elementsOf(expected, words),
      passes: kernel.passes.length,
      where: `of ${x.dtype}[${x.shape}]${isProcessor ? " on a processor" : ""}`,
    };
  }
}

async function check(f: Function, x: Concrete, ulps: number): Promise<void> {
  for await (const { expected, actual, where } of resultsOf(f, x)) {
    expected.forEach((value, i) => {
      const isClose = Object.is(value, actual[i]) ||
        Math.abs(value - actual[i]) <= ulps * 2 ** -23 * Math.abs(value);
      assert(isClose, `${actual[i]} instead of ${value} at ${i}: ${f} ${where}`);
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

/**
 * Fails unless results are the evaluator's up to 1e-5 of the largest one. Returns on how many of the two
 * kinds of devices they are one pass.
 */
async function checkNear(f: Function, x: Concrete, text: string): Promise<number> {
  let joined = 0;
  for await (const { expected, actual, passes, where } of resultsOf(f, x)) {
    if (passes === 1) joined++;
    const most = Math.max(...[...expected].map(Math.abs));
    expected.forEach((value, i) => {
      assert(
        Math.abs(value - actual[i]) <= 1e-5 * most,
        `${actual[i]} instead of ${value} at ${i}: ${text} ${where}`,
      );
    });
  }
  return joined;
}

/** A chain of elementwise operations on rows and reductions of these rows. */
function chainOf(seed: number, axes: number | readonly number[]): { f: Function; text: string } {
  const next = randomNumbers(seed);
  const links: readonly (readonly [string, Function])[] = [
    ["- max", (x) => x.sub(max(x, axes, { keepdims: true }))],
    ["/ sum of exp", (x) => x.exp().div(sum(x.exp(), axes, { keepdims: true }))],
    ["- mean", (x) => x.sub(mean(x, axes, { keepdims: true }))],
    ["/ std", (x) => x.div(std(x, axes, { keepdims: true }).add(1))],
    ["sin", (x) => x.mul(2).sin()],
    ["+ min", (x) => x.square().add(min(x, axes, { keepdims: true }))],
    ["over its sign", (x) => where(x.less(mean(x, axes, { keepdims: true })), x.neg(), x.mul(0.5))],
  ];
  const chosen = Array.from(
    { length: 2 + Math.floor(3 * next()) },
    () => links[Math.floor(links.length * next())],
  );
  return {
    f: (x) => chosen.reduce((x, [, link]) => link(x), x),
    text: chosen.map(([name]) => name).join(", "),
  };
}

gpuTest("random chains along rows are the evaluator's", async () => {
  const shapes = [[70, 33], [64, 64], [5, 1000], [300, 63], [2, 4097], [1, 3000], [66, 32, 5]];
  let joined = 0;
  for (let seed = 0; seed < 21; seed++) {
    const shape = shapes[seed % shapes.length];
    const { f, text } = chainOf(seed, shape.length === 3 ? [1, 2] : 1);
    const x = fill("float32", shape, seed);
    joined += await checkNear(f, x, text);
  }
  assert(joined > 12, `only ${joined} chains are one pass`);
});

gpuTest("a softmax and a layer norm are one pass", async () => {
  const norm = (x: Tensor) =>
    x.sub(mean(x, 1, { keepdims: true })).div(sqrt(variance(x, 1, { keepdims: true }).add(1e-5)));
  for (const shape of [[70, 192], [200, 33], [3, 1000]]) {
    const x = fill("float32", shape, 5);
    for (const f of [nn.softmax, nn.logSoftmax, norm]) {
      for (const isProcessor of shape[0] < 64 ? [false] : [false, true]) {
        const { passes } = kernelOf((x) => f(x), x, isProcessor);
        assert(passes.length === 1, `${passes.length} passes for ${f.name} of [${shape}]`);
      }
      await check((x) => f(x), x, 16);
    }
  }
});

gpuTest("many reductions of long rows stay within the memory of a workgroup", async () => {
  const x = fill("float32", [2, 5000], 9);
  const parts: readonly Function[] = [
    (x) => sum(x.sin(), 1),
    (x) => sum(x.cos(), 1),
    (x) => sum(x.exp(), 1),
    (x) => sum(x.square(), 1),
    (x) => max(x, 1),
    (x) => min(x.sin(), 1),
  ];
  const sizes: Readonly<Record<string, number>> = { "i32": 4, "vec2<f32>": 8, Wide: 12 };
  for (let count = 1; count <= parts.length; count++) {
    const total: Function = (x) =>
      parts.slice(0, count).map((f) => f(x)).reduce((a, b) => a.mul(2).add(b));
    for (const { code } of kernelOf(total, x, false).passes) {
      const arrays = [...code.matchAll(/var<workgroup> \w+: array<(\S+), (\d+)>/g)];
      const bytes = arrays.reduce((sum, [, type, length]) => sum + sizes[type] * Number(length), 4);
      assert(bytes <= LIMITS.workgroupBytes, `${bytes} bytes for ${count} reductions`);
    }
    if (count >= 5) await check(total, x, 64);
  }
});

gpuTest("a row that other rows read is not overwritten", async () => {
  const x = fill("float32", [80, 64], 7);
  const f = (x: Tensor) => {
    const y = x.sub(max(x, 1, { keepdims: true })).exp();
    return y.div(sum(y, 1, { keepdims: true })).add(flip(x, 0)).add(flip(y, 0));
  };
  assert(await checkNear(f, x, "a softmax and rows from the other end") === 0);
});

gpuTest("NaN and infinities go through reductions on a device", async () => {
  for (const length of [4, 256]) {
    const rows = [[NaN], [-NaN], [Infinity], [-Infinity], [Infinity, -Infinity], [Infinity, NaN]];
    const values = rows.flatMap((row) =>
      Array.from({ length }, (_, i) => i < row.length ? row[i] : i - length / 2)
    );
    const x = tensorOf("float32", [rows.length, length], values);
    for (const f of [sum, mean, max, min, variance]) {
      await check((x) => f(x, 1), x, 1);
      await check((x) => x.add(f(x, 1, { keepdims: true })), x, 1);
    }
  }
});
