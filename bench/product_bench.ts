/**
 * How close do matrix products come to the peak of the arithmetic units?
 *
 *     deno bench bench/product_bench.ts
 *     DENO_V8_FLAGS=--no-wasm-bounds-checks,--experimental-wasm-revectorize deno bench bench/product_bench.ts
 *
 * One thread runs all chunks. The baseline multiplies and adds in registers alone. The names of cases are
 * m x n x k and the layouts of A and B in memory: N for row-major, T for column-major.
 *
 * - square: bound by arithmetic
 * - layers: a perceptron of layers 784, 512, 256, 10 at batch 128, forward (NN), the gradients of its
 *   weights (TN) and of its inputs (NT)
 * - thin: few rows or columns, bound by reading the large operand
 * - small: the overhead of a kernel
 */
import type { Dtype } from "../src/base/dtype.ts";
import { byteSize } from "../src/base/dtype.ts";
import { makeBuilder, makeScratch, PAGE } from "../src/backends/wasm/kernels/builder.ts";
import { type Kernel, SCRATCH_BYTES, SLACK } from "../src/backends/wasm/kernels/kernel.ts";
import { chooseTile } from "../src/backends/wasm/kernels/product/probe.ts";
import { type BatchProduct, emitProduct } from "../src/backends/wasm/kernels/product/mod.ts";
import { benchRate } from "./support/figures.ts";
import { emitPeak } from "./support/wasm_kernels.ts";

type Order = "N" | "T";

interface Case {
  readonly group: string;
  readonly shape: readonly [m: number, n: number, k: number];
  readonly orders?: readonly [a: Order, b: Order];
  readonly dtype?: Exclude<Dtype, "bool">;
  readonly batch?: number;
}

const cases: readonly Case[] = [
  ...[128, 256, 512, 1024, 2048].map((size): Case => ({
    group: "square",
    shape: [size, size, size],
  })),
  { group: "square", shape: [512, 512, 512], orders: ["N", "T"] },
  { group: "square", shape: [512, 512, 512], orders: ["T", "N"] },
  { group: "square", shape: [512, 512, 512], dtype: "float64" },
  { group: "square", shape: [512, 512, 512], dtype: "int32" },
  { group: "layers", shape: [128, 512, 784] },
  { group: "layers", shape: [128, 256, 512] },
  { group: "layers", shape: [128, 10, 256] },
  { group: "layers", shape: [784, 512, 128], orders: ["T", "N"] },
  { group: "layers", shape: [512, 256, 128], orders: ["T", "N"] },
  { group: "layers", shape: [256, 10, 128], orders: ["T", "N"] },
  { group: "layers", shape: [128, 512, 256], orders: ["N", "T"] },
  { group: "layers", shape: [128, 256, 10], orders: ["N", "T"] },
  { group: "thin", shape: [1, 4096, 1024] },
  { group: "thin", shape: [1, 4096, 1024], orders: ["N", "T"] },
  { group: "thin", shape: [4096, 1, 1024] },
  { group: "thin", shape: [512, 4, 4608] },
  { group: "thin", shape: [16, 1000, 512], orders: ["N", "T"] },
  { group: "thin", shape: [8, 4096, 1024] },
  { group: "thin", shape: [2048, 2048, 1] },
  { group: "small", shape: [4, 4, 4] },
  { group: "small", shape: [16, 16, 16] },
  { group: "small", shape: [64, 64, 64] },
  { group: "small", shape: [64, 64, 64], batch: 96 },
  { group: "small", shape: [64, 64, 64], batch: 96, orders: ["N", "T"] },
];

const tile = chooseTile();
const builder = makeBuilder({ tile, shared: true, maximumPages: 4096 });

function productOf(
  { shape: [m, n, k], orders = ["N", "N"], dtype, batch = 1 }: Case,
): BatchProduct {
  const strides = (rows: number, columns: number, order: Order) => ({
    batch: rows * columns,
    row: order === "N" ? columns : 1,
    column: order === "N" ? 1 : rows,
  });
  return {
    dtype: dtype ?? "float32",
    batch,
    m,
    n,
    k,
    a: strides(m, k, orders[0]),
    b: strides(k, n, orders[1]),
    c: strides(m, n, "N"),
  };
}

const chains = 6 * tile.vectors;
builder.module.export("peak", emitPeak(builder.module, chains, true));
const kernels = cases.map((each, i) => {
  const product = productOf(each);
  const kernel = emitProduct(builder, product);
  kernel.stages.forEach(({ run }, stage) => builder.module.export(`${i}.${stage}`, run));
  return { each, product, kernel };
});

const memory = new WebAssembly.Memory({ initial: 4096, maximum: 4096, shared: true });
const scratch = makeScratch(4096 * PAGE - SCRATCH_BYTES);
const { exports } = new WebAssembly.Instance(new WebAssembly.Module(builder.module.build()), {
  host: { memory, scratch },
});

function find(name: string): (...operands: readonly number[]) => void {
  return exports[name] as (...operands: readonly number[]) => void;
}

// Zeros except for the first elements: the cost of a product does not depend on its values.
new Float32Array(memory.buffer, 0, 2 ** 16).forEach((_, i, all) => all[i] = (i % 97) / 97 - 0.5);

/** Allocates a kernel's buffers in sequence and returns a function that runs it. */
function prepare(number: number, { dtype, batch, m, n, k }: BatchProduct, kernel: Kernel) {
  const elements = [m * k, k * n, m * n].map((length) => batch * length * byteSize(dtype));
  let end = 64;
  const addresses = [...elements, ...kernel.workspaces].map((bytes) => {
    const address = end;
    end = Math.ceil((address + bytes + SLACK) / 64) * 64;
    return address;
  });
  const stages = kernel.stages.map(({ operands, chunks }, stage) => ({
    run: find(`${number}.${stage}`),
    operands: operands.map((operand) => addresses[operand]),
    chunks,
  }));
  return () => {
    for (const { run, operands, chunks } of stages) {
      for (let chunk = 0; chunk < chunks; chunk++) run(...operands, chunk);
    }
  };
}

const peak = find("peak");
for (const group of new Set(cases.map((each) => each.group))) {
  const rounds = 100_000;
  const name = `peak of ${64 * tile.vectors} bits`;
  benchRate({ group, name, work: rounds * chains * 8, unit: "FLOP", n: 50, baseline: true }, () => {
    peak(rounds, 64);
  });
}

kernels.forEach(({ each, product, kernel }, i) => {
  const { group, shape, orders = ["N", "N"], dtype, batch } = each;
  const name = [shape.join(" x "), orders.join(""), dtype, batch && `${batch} times`]
    .filter((part) => part !== undefined).join(", ");
  const run = prepare(i, product, kernel);
  // Short kernels are measured in batches.
  const times = Math.max(1, Math.round(2e6 / (kernel.operations + 2e4)));
  const n = Math.max(5, Math.min(200, Math.round(1e10 / (kernel.operations * times))));
  benchRate({ group, name, work: times * kernel.operations, unit: "FLOP", n }, () => {
    for (let round = 0; round < times; round++) run();
  });
});
