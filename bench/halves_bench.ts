/**
 * What is the cost of half floats in products and convolutions, and how much memory do they save?
 *
 *     deno bench bench/halves_bench.ts
 *
 * Compiled, compared with float32: a result of half floats is computed in float32 and rounded once. The names
 * give the working memory of the program; arguments and results take half as much as in float32.
 *
 * - square: bound by arithmetic
 * - vector: bound by reading the weights once
 * - convolutions: as in residual networks
 */
import { conv, inspect, jit, makeProgram, matmul, random } from "@jacobi/jacobi";
import type { Dtype, Tensor } from "@jacobi/jacobi";
import { benchRate } from "./support/figures.ts";

interface Case {
  readonly group: string;
  readonly run: (x: Tensor, w: Tensor) => Tensor;
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly operations: number;
}

function product(group: string, m: number, n: number, k: number): Case {
  return { group, run: matmul, x: [m, k], w: [k, n], operations: 2 * m * n * k };
}

function convolution(group: string, channels: number, width: number, kernel: number): Case {
  const operations = 2 * (channels * width * kernel) ** 2;
  const run = (x: Tensor, w: Tensor) => conv(x, w, { padding: "same" });
  const shapes = { x: [1, channels, width, width], w: [channels, channels, kernel, kernel] };
  return { group, run, ...shapes, operations };
}

const cases: readonly Case[] = [
  product("square 1024", 1024, 1024, 1024),
  product("layer 128 x 512 x 784", 128, 512, 784),
  product("vector 4096 x 4096", 1, 4096, 4096),
  convolution("convolution 3x3, 64 channels, 56x56", 64, 56, 3),
  convolution("convolution 1x1, 64 channels, 56x56", 64, 56, 1),
];

for (const { group, run, x, w, operations } of cases) {
  for (const dtype of ["float32", "bfloat16", "float16"] satisfies Dtype[]) {
    const args = [x, w].map((shape, i) => random.normal(random.key(i), shape).astype(dtype));
    const [a, b] = args;
    const { workspace } = inspect.kernels(makeProgram(run)(a, b));
    const name = `${dtype}, ${(workspace / 2 ** 20).toFixed(1)} MiB of workspace`;
    const compiled = jit(run);
    const n = Math.max(20, Math.min(400, Math.round(3e10 / operations)));
    const baseline = dtype === "float32";
    benchRate({ group, name, work: operations, unit: "FLOP", n, baseline }, () => {
      compiled(a, b);
    });
  }
}
