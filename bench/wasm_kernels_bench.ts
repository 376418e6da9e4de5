/**
 * How fast are the kernels that the compiler emits, in isolation?
 *
 *     deno bench bench/wasm_kernels_bench.ts
 *     DENO_V8_FLAGS=--no-wasm-bounds-checks,--experimental-wasm-revectorize deno bench bench/wasm_kernels_bench.ts
 *
 * - peak: multiplications and additions in registers, the limit of all other groups
 * - panels: a row panel of A times packed panels of B; rows x columns of the tile, the number of unrolled
 *   steps of the sum, and the location of A (at constant addresses of a memory of its own, or
 *   packed next to B)
 * - product: whole square matrices, packing included
 * - elementwise: one million floats
 * - call: the overhead of a call of an exported function
 *
 * Rates are printed after the table of times: GFLOP/s, GB/s (read and written), calls.
 */
import { type FunctionReference, Module } from "../src/backends/wasm/assembler/module.ts";
import { f32x4, i32 } from "../src/backends/wasm/assembler/operations.ts";
import { benchRate } from "./support/figures.ts";
import {
  emitMap,
  emitPanels,
  emitPeak,
  emitProduct,
  emitSum,
  prepareExp,
} from "./support/wasm_kernels.ts";

const MEGA = 2 ** 20;
const PAGE = 65536;
const sizes = [512, 1024];
const largest = Math.max(...sizes);

// Three matrices of the largest size, then packed panels of B.
const matrix = largest * largest * 4;
const [a, b, c, panels] = [0, 1, 2, 3].map((i) => i * matrix);
const pages = 4 * matrix / PAGE;

const module = new Module();
const limits = { minimum: pages, maximum: pages, shared: true };
const memory = module.importMemory("host", "memory", limits);
const scratch = module.memory({ minimum: 1 });
const names: string[] = [];

/** Exports a kernel and returns its name in the instance's exports. */
function register(kernel: FunctionReference): string {
  const name = `${names.length}`;
  names.push(name);
  module.export(name, kernel);
  return name;
}

// In 256 bits, twice as many chains are needed to fill the registers.
const peaks = [8, 12, 16, 24].flatMap((chains) =>
  [true, false].map((fused) => ({
    chains,
    fused,
    kernel: register(emitPeak(module, chains, fused)),
  }))
);

interface Variant {
  readonly rows: number;
  readonly vectors: number;
  readonly depth: number;
  readonly unroll: number;
  readonly constant: boolean;
  readonly fused?: boolean;
}

const variants: readonly Variant[] = [
  { rows: 6, vectors: 2, depth: 64, unroll: 64, constant: true },
  { rows: 6, vectors: 2, depth: 64, unroll: 64, constant: true, fused: false },
  { rows: 6, vectors: 2, depth: 32, unroll: 32, constant: true },
  { rows: 6, vectors: 2, depth: 128, unroll: 128, constant: true },
  { rows: 6, vectors: 2, depth: 64, unroll: 4, constant: false },
  { rows: 6, vectors: 2, depth: 64, unroll: 1, constant: false },
  { rows: 4, vectors: 2, depth: 64, unroll: 64, constant: true },
  { rows: 4, vectors: 2, depth: 64, unroll: 1, constant: false },
  { rows: 4, vectors: 3, depth: 64, unroll: 64, constant: true },
  { rows: 3, vectors: 4, depth: 64, unroll: 64, constant: true },
  { rows: 4, vectors: 4, depth: 64, unroll: 64, constant: true },
  { rows: 6, vectors: 4, depth: 64, unroll: 64, constant: true },
  { rows: 6, vectors: 4, depth: 64, unroll: 4, constant: false },
];
const columns = 192;
const strideC = columns * 4;
const tiles = variants.map((variant) => {
  const { constant, fused = true, ...shape } = variant;
  const tile = constant ? { ...shape, fused, scratch } : { ...shape, fused };
  return { variant, kernel: register(emitPanels(module, tile, strideC)) };
});

const shapes = [
  { rows: 6, vectors: 2, depth: 64 },
  { rows: 6, vectors: 2, depth: 32 },
  { rows: 6, vectors: 4, depth: 64 },
];
const products = sizes.flatMap((size) =>
  shapes.map((shape) => ({
    size,
    shape,
    kernel: register(emitProduct(module, memory, scratch, size, shape)),
  }))
);

const additions = [1, 4].map((unroll) => ({
  unroll,
  kernel: register(emitMap(module, `add ${unroll}`, unroll, () => f32x4.add)),
}));
const sums = [1, 4, 8].map((chains) => ({ chains, kernel: register(emitSum(module, chains)) }));
const exponentials = [[1, true], [1, false], [2, true], [4, true]] as const;
const exps = exponentials.map(([unroll, hoist]) => ({
  unroll,
  hoist,
  kernel: register(emitMap(module, `exp ${unroll}`, unroll, (code) => {
    const exp = prepareExp(code, hoist);
    return (x) => exp(x);
  })),
}));
// A loop that ends at once: without it the engine inlines the function into its caller.
const empty = register(
  module.function("empty", ["i32", "i32", "i32"], "none", (code, from, below) => {
    code.for({ from, below }, (i) => code.do(i32.store(i, from)));
  }),
);

const begin = performance.now();
const bytes = module.build();
const built = performance.now();
const compiled = new WebAssembly.Module(bytes);
const ready = performance.now();
console.log(
  `${bytes.length} bytes assembled in ${(built - begin).toFixed(1)} ms, ` +
    `compiled in ${(ready - built).toFixed(1)} ms (lazily)`,
);

const shared = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
const { exports } = new WebAssembly.Instance(compiled, { host: { memory: shared } });

function find(name: string): (...args: readonly number[]) => number {
  const found = exports[name];
  if (typeof found !== "function") throw new TypeError(`No kernel is called ${name}`);
  return (...args) => found(...args);
}

function floats(address: number, length: number): Float32Array {
  return new Float32Array(shared.buffer, address, length);
}

for (const [i, address] of [a, b].entries()) {
  floats(address, largest * largest).forEach((_, at, all) => {
    all[at] = ((at * (i + 1) * 7919) % 1009) / 1009 - 0.5;
  });
}

function checkProduct(size: number, kernel: string): void {
  find(kernel)(a, b, c, panels);
  const [left, right, result] = [a, b, c].map((address) => floats(address, size * size));
  for (const [row, column] of [[0, 0], [size - 1, size - 1], [size >> 1, 13], [5, size - 9]]) {
    let expected = 0;
    for (let k = 0; k < size; k++) expected += left[row * size + k] * right[k * size + column];
    const actual = result[row * size + column];
    if (!(Math.abs(actual - expected) < 1e-3)) {
      throw new Error(`The product is ${actual} at [${row}, ${column}] instead of ${expected}`);
    }
  }
}

for (const { size, kernel } of products) checkProduct(size, kernel);

const one = new Float32Array(1);
const oneBits = new Int32Array(one.buffer);

/** The distance from a float to a number in units of the float's last place. */
function ulps(actual: number, expected: number): number {
  one[0] = expected;
  const exponent = Math.max((oneBits[0] >> 23) & 0xff, 1);
  return Math.abs(actual - expected) / 2 ** (exponent - 150);
}

function measureExp(kernel: string): void {
  const length = MEGA;
  const x = floats(a, length).map((_, i) => i / length * 190 - 103);
  x.set([0, -0, NaN, Infinity, -Infinity, 88.72283, 88.72284, -103.97, -200, 200]);
  const saved = floats(a, length).slice();
  floats(a, length).set(x);
  find(kernel)(a, a + 4 * length, c);
  floats(a, length).set(saved);
  const y = floats(c, length);
  const ends = [...y.subarray(0, 10)];
  const wanted = [...x.subarray(0, 10)].map((value) => Math.fround(Math.exp(value)));
  let [normal, subnormal] = [0, 0];
  for (let i = 10; i < length; i++) {
    const expected = Math.exp(x[i]);
    if (expected < 2 ** -126) subnormal = Math.max(subnormal, ulps(y[i], expected));
    else if (expected < 3.4e38) normal = Math.max(normal, ulps(y[i], expected));
  }
  console.log(
    `exp: at most ${normal.toFixed(3)} ulp, below 2^-126 ${subnormal.toFixed(3)} ulp; ` +
      `of ${[...x.subarray(0, 10)].join(", ")}: ${ends.join(", ")} (${wanted.join(", ")})`,
  );
}

measureExp(exps[0].kernel);

for (const { chains, fused, kernel } of peaks) {
  const rounds = 100_000;
  const run = find(kernel);
  const name = `${chains} chains, ${fused ? "relaxed_madd" : "mul and add"}`;
  const baseline = chains === 12 && fused;
  benchRate(
    { group: "peak", name, work: rounds * chains * 8, unit: "FLOP", n: 50, baseline },
    () => {
      run(rounds, c);
    },
  );
}

for (const { variant: { rows, vectors, depth, unroll, constant, fused }, kernel } of tiles) {
  const run = find(kernel);
  const count = Math.floor(columns / (4 * vectors));
  const end = panels + count * depth * vectors * 16;
  const rounds = 20;
  const work = 2 * rows * 4 * vectors * depth * count * rounds;
  const name = [
    `${rows}x${4 * vectors}`,
    unroll === depth ? `all ${depth} steps` : `${unroll} of ${depth} steps`,
    constant ? "A at constants" : "A packed",
    fused === false ? "mul and add" : "relaxed_madd",
  ].join(", ");
  benchRate({ group: "panels", name, work, unit: "FLOP", n: 200 }, () => {
    for (let i = 0; i < rounds; i++) run(a, panels, end, c);
  });
}

for (const { size, shape: { rows, vectors, depth }, kernel } of products) {
  const run = find(kernel);
  const name = `${size}, ${rows}x${4 * vectors}, depth ${depth}`;
  benchRate({ group: "product", name, work: 2 * size ** 3, unit: "FLOP", n: 10 }, () => {
    run(a, b, c, panels);
  });
}

for (const { unroll, kernel } of additions) {
  const run = find(kernel);
  const name = `add, ${unroll} vectors at a time`;
  benchRate({ group: "elementwise", name, work: 12 * MEGA, unit: "B", n: 50 }, () => {
    run(a, a + 4 * MEGA, c);
  });
}
for (const { chains, kernel } of sums) {
  const run = find(kernel);
  const name = `sum, ${chains} vectors at a time`;
  benchRate({ group: "elementwise", name, work: 4 * MEGA, unit: "B", n: 50 }, () => {
    run(a, a + 4 * MEGA);
  });
}
for (const { unroll, hoist, kernel } of exps) {
  const run = find(kernel);
  const constants = hoist ? "in locals" : "in place";
  const name = `exp, ${unroll} vectors at a time, constants ${constants}`;
  benchRate({ group: "elementwise", name, work: 8 * MEGA, unit: "B", n: 50 }, () => {
    run(a, a + 4 * MEGA, c);
  });
}

const call = exports[empty] as (x: number, y: number, z: number) => void;
benchRate({ group: "call", name: "10000 calls", work: 10_000, unit: "call", n: 50 }, () => {
  for (let i = 0; i < 10_000; i++) call(i, i, i);
});
