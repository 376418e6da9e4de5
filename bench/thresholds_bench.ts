/**
 * At which size does one implementation of the same work become faster than another?
 *
 *     deno bench bench/thresholds_bench.ts
 *     deno bench bench/thresholds_bench.ts -- 2    # compiled code runs on two threads
 *
 * The compiler chooses by sizes, so that equal work always has equal bits. Each group does work of one
 * size by both implementations, with sizes around the threshold:
 *
 * - operation: the evaluator and a compiled kernel (`backends/wasm/eager.ts`); compiling one takes
 *   about a millisecond, which is not counted here
 * - loop: step by step, and compiled on demand (`control/evaluate.ts`)
 * - shared: work that threads share from some size upwards (`backends/wasm/executable.ts`,
 *   `schedule/schedule.ts`, `kernels/partition.ts`, `kernels/linalg/phases.ts`); compare a run on one
 *   thread with one on two
 * - resident: a call with a tensor that is copied for it, and with one that stays in linear memory
 *   (`memory/memory.ts`)
 * - time: kernels whose time the compiler estimates by size, to divide it into chunks; one thread
 * - product: the algorithms for matrix products, all chunks on one thread (`kernels/product/stack.ts`)
 */
import {
  configure,
  conv,
  eye,
  grad,
  jit,
  linalg,
  makeProgram,
  matmul,
  random,
  scan,
  type Tensor,
  tensor,
} from "@jacobi/jacobi";
import { makeBuilder, makeScratch, PAGE } from "../src/backends/wasm/kernels/builder.ts";
import { SCRATCH_BYTES, SLACK } from "../src/backends/wasm/kernels/kernel.ts";
import type { Parts, Product } from "../src/backends/wasm/kernels/product/blocks.ts";
import { emitLocal } from "../src/backends/wasm/kernels/product/local.ts";
import { chooseTile } from "../src/backends/wasm/kernels/product/probe.ts";
import { emitShared } from "../src/backends/wasm/kernels/product/shared.ts";
import { emitStrips } from "../src/backends/wasm/kernels/product/strips.ts";
import { evaluateProgram } from "../src/core/program.ts";
import { installDispatcher } from "../src/core/trace.ts";

configure({ threads: Number(Deno.args[0] ?? 1) });
// Operations that are not compiled run in the evaluator, whatever their size.
installDispatcher(null);

function positive(size: number): Tensor {
  const x = random.normal(random.key(size), [size, size]);
  return matmul(x, x.transpose()).add(eye(size).mul(size));
}

function benchOperation(name: string, f: (x: Tensor) => Tensor, x: Tensor): void {
  const group = `operation: ${name}`;
  const compiled = jit(f);
  Deno.bench(`${name}, evaluator`, { group, baseline: true }, () => void f(x));
  Deno.bench(`${name}, compiled`, { group }, () => void compiled(x));
}

for (const size of [1024, 8192, 32768, 131072]) {
  benchOperation(`add of ${size}`, (x) => x.add(1), random.normal(random.key(0), [size]));
}
for (const size of [512, 4096, 16384]) {
  benchOperation(`exp of ${size}`, (x) => x.exp(), random.normal(random.key(1), [size]));
}
for (const size of [16, 32, 51, 64, 128]) {
  const x = random.normal(random.key(2), [size, size]);
  benchOperation(`product of ${size}x${size}`, (x) => matmul(x, x), x);
}
for (const size of [32, 64, 80, 128]) {
  benchOperation(`cholesky of ${size}x${size}`, linalg.cholesky, positive(size));
}

const step = (x: Tensor) => x.mul(0.5).add(1).sin().sub(x);
const start = tensor([0.25]);
for (const steps of [128, 512, 1250, 4096]) {
  const group = `loop: ${steps} steps of 4 operations`;
  const program = makeProgram(step)(start);
  Deno.bench(`${steps} steps, one by one`, { group, baseline: true }, () => {
    let values: readonly Tensor[] = [start];
    for (let i = 0; i < steps; i++) values = evaluateProgram(program, values);
  });
  let length = steps;
  Deno.bench(`${steps} steps, compiled for it`, { group }, () => {
    // Each length is a program of its own.
    void jit((x: Tensor) => scan((x: Tensor) => [step(x), null], x, null, { length: length++ })[0])(
      start,
    ).item();
  });
}

const shared = jit((x: Tensor) => x.square().add(x));
for (const size of [2 ** 16, 2 ** 18, 2 ** 20]) {
  const x = random.normal(random.key(3), [size]);
  Deno.bench(`${size} elements`, { group: "shared: elementwise" }, () => void shared(x));
}
const square = jit((x: Tensor) => matmul(x, x));
for (const size of [64, 96, 128, 192, 256]) {
  const x = random.normal(random.key(4), [size, size]);
  Deno.bench(`${size}x${size}`, { group: "shared: product" }, () => void square(x));
}
const factor = jit(linalg.cholesky);
for (const size of [192, 256, 384, 512]) {
  const x = positive(size);
  Deno.bench(`${size}x${size}`, { group: "shared: cholesky" }, () => void factor(x));
}

const sort = jit((x: Tensor) => x.argsort());
const add = jit((x: Tensor) => x.cumsum(1));
const addRows = jit((x: Tensor) => x.cumsum(0));
const find = jit((x: Tensor) => x.argmax(1));
const findInColumns = jit((x: Tensor) => x.argmax(0));
for (const columns of [64, 1024, 4096, 16384]) {
  const x = random.normal(random.key(5), [64, columns]);
  const size = `64x${columns}`;
  Deno.bench(`${size}: argsort`, { group: "time: argsort" }, () => void sort(x));
  Deno.bench(`${size}: cumsum of rows`, { group: "time: cumsum" }, () => void add(x));
  Deno.bench(`${size}: cumsum of columns`, { group: "time: cumsum" }, () => void addRows(x));
  Deno.bench(`${size}: argmax of rows`, { group: "time: argmax" }, () => void find(x));
  Deno.bench(`${size}: argmax of columns`, { group: "time: argmax" }, () => void findInColumns(x));
}

// Rows of a table, far apart; if there are few slots compared with the updates, they have sums of their own.
for (const [slots, width] of [[4096, 1], [4096, 16], [4096, 256], [16, 16], [16, 256]]) {
  const table = random.normal(random.key(8), [slots, width]);
  const indices = random.randint(random.key(9), [16384], 0, slots);
  const rows = random.normal(random.key(10), [16384, width]);
  const gather = jit((table: Tensor, indices: Tensor) => table.at(indices));
  const add = jit((table: Tensor, indices: Tensor, rows: Tensor) => table.addAt([indices], rows));
  const size = `16384 rows of ${width} from ${slots}`;
  Deno.bench(size, { group: "time: gather" }, () => void gather(table, indices));
  const into = size.replace("from", "to");
  Deno.bench(into, { group: "time: scatterAdd" }, () => void add(table, indices, rows));
}

// The overhead of a call, on a tensor that is copied at each call or stays in linear memory.
const one = jit((x: Tensor) => x.at(0));
for (const kilobytes of [16, 32, 60, 64, 128]) {
  const x = random.normal(random.key(11), [kilobytes * 256]);
  Deno.bench(`${kilobytes} KiB`, { group: "resident" }, () => void one(x));
}

const images = random.normal(random.key(6), [1, 128, 32, 32]);
const filters = random.normal(random.key(7), [128, 1, 3, 3]);
const depthwise = jit((x: Tensor, w: Tensor) => conv(x, w, { groups: 128, padding: "same" }));
const depthwiseGradient = jit(
  grad((w: Tensor) => conv(images, w, { groups: 128, padding: "same" }).square().sum()),
);
Deno.bench("128 of 32x32 by 3x3", { group: "time: depthwise" }, () => {
  depthwise(images, filters);
});
Deno.bench(
  "128 of 32x32 by 3x3, and its gradient by the filters",
  { group: "time: depthwise" },
  () => {
    depthwiseGradient(filters);
  },
);

const ways = { shared: emitShared, local: emitLocal, strips: emitStrips };

/** A function that computes a product by one algorithm. */
function prepare(product: Product, parts: Parts, builder: ReturnType<typeof makeBuilder>) {
  const { m, n, k } = product;
  parts.stages.forEach(({ run }, stage) => builder.module.export(`${stage}`, run));
  const memory = new WebAssembly.Memory({ initial: 512, maximum: 512, shared: true });
  const scratch = makeScratch(512 * PAGE - SCRATCH_BYTES);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(builder.module.build()), {
    host: { memory, scratch },
  });
  new Float32Array(memory.buffer, 0, 2 ** 16).forEach((_, i, all) => all[i] = (i % 97) / 97 - 0.5);
  let end = 64;
  const addresses = [4 * m * k, 4 * k * n, 4 * m * n, ...parts.workspaces].map((bytes) => {
    const address = end;
    end = Math.ceil((address + bytes + SLACK) / 64) * 64;
    return address;
  });
  return () => {
    parts.stages.forEach(({ operands, chunks }, stage) => {
      const run = exports[stage] as (...operands: readonly number[]) => void;
      const own = operands.map((operand) => addresses[operand]);
      for (let chunk = 0; chunk < chunks; chunk++) run(...own, chunk);
    });
  };
}

for (
  const [m, n, k] of [[8, 512, 512], [24, 512, 512], [48, 512, 512], [128, 96, 96], [256, 256, 256]]
) {
  const group = `product: ${m}x${n}x${k}`;
  for (const [name, emit] of Object.entries(ways)) {
    const product: Product = {
      dtype: "float32",
      stack: [],
      m,
      n,
      k,
      a: { row: k, column: 1 },
      b: { row: n, column: 1 },
      c: { row: n, column: 1 },
    };
    const builder = makeBuilder({ tile: chooseTile(), shared: true, maximumPages: 512 });
    Deno.bench(
      `${m}x${n}x${k}, ${name}`,
      { group },
      prepare(product, emit(builder, product), builder),
    );
  }
}

const memory = new ArrayBuffer(1024);
const group = "small arrays";
Deno.bench("a buffer of its own", { group, baseline: true }, () => void new Float32Array(4));
Deno.bench("a part of a buffer", { group }, () => void new Float32Array(memory, 64, 4));
