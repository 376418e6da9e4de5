/**
 * Memory of a process that compiles program after program: a closure for each request, or one function
 * for sequences of many lengths. Run it with
 *
 *     deno run -A bench/many_programs.ts [what] [how] [threads] [count]
 *
 * where `what` is `constants` (equal programs with other numbers), `structures` (programs of different
 * operations) or `lengths` (one function and its gradient on sequences of 3,000 lengths), and `how` is
 * `sync` (a loop that never awaits) or `async`. It prints the resident memory and the number of memory
 * maps, which the kernel limits to some 65,000 per process.
 *
 * @module
 */
import { configure, grad, jit, matmul, ones, random, scan } from "../mod.ts";
import type { Tensor } from "../mod.ts";

const [what = "constants", how = "sync", threads = "2", total = "10000"] = Deno.args;
const count = Number(total);
configure({ threads: Number(threads) });

/** The resident memory in MB, the C heap's and the JavaScript heap's part of it, and the number of memory maps. */
function usage(): string {
  const status = Deno.readTextFileSync("/proc/self/status");
  const resident = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
  const smaps = Deno.readTextFileSync("/proc/self/smaps");
  const maps = smaps.match(/^[0-9a-f]+-[0-9a-f]+ /gm)?.length;
  const c = Number(/\[heap\]\n(?:.*\n)*?Rss:\s+(\d+)/.exec(smaps)?.[1] ?? 0) / 1024;
  const heap = Deno.memoryUsage().heapTotal / 2 ** 20;
  return `${resident.toFixed(0)} MB resident (C heap ${c.toFixed(1)}, JavaScript heap ${
    heap.toFixed(0)
  }), ${maps} maps`;
}

const x = random.normal(random.key(0), [128, 128]).div(11);

/** Operations of the programs of `structures`, one for each digit of a number. */
const operations: readonly ((y: Tensor) => Tensor)[] = [
  (y) => y.sin(),
  (y) => y.abs(),
  (y) => y.square(),
  (y) => y.transpose(),
  (y) => y.cos(),
];

const step = jit((xs: Tensor) =>
  scan(
    (carry: Tensor, one: Tensor) => {
      const next = carry.mul(0.5).add(one.tanh());
      return [next, next];
    },
    ones([16]),
    xs,
  )[1].square().mean()
);
const gradient = jit(grad(step));

const runs: Readonly<Record<string, (i: number) => unknown>> = {
  constants: (i) => jit((x: Tensor) => matmul(x, x).mul(i + 0.5).sin().sum())(x),
  structures: (i) =>
    jit((x: Tensor) => {
      let y = i % 10 === 0 ? matmul(x, x) : x; // The product is parallelised over all threads.
      for (const digit of i.toString(operations.length)) y = operations[Number(digit)](y);
      return y.sum();
    })(x),
  lengths: (i) => {
    const xs = ones([1 + i % 3000, 16]);
    return [step(xs), gradient(xs)];
  },
};

console.log(`${what}, ${how}, ${threads} threads: at first ${usage()}`);
let start = performance.now();
for (let i = 1; i <= count; i++) {
  runs[what](i);
  if (how === "async" && i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  if (i % Math.ceil(count / 10) === 0) {
    const each = (performance.now() - start) / Math.ceil(count / 10);
    console.log(`${i} programs: ${usage()}, ${each.toFixed(2)} ms for each`);
    start = performance.now();
  }
}
