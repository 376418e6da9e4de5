/**
 * Loops over programs whose results are quick to compute and have 4 MB each: the time of a call, compared with
 * a copy of such a result to fresh memory, which is the cost of moving one out.
 *
 * Run it with `deno bench bench/large_results_bench.ts`.
 *
 * @module
 */
import { add, complex, cumsum, fft, jit, matmul, mul, random, take, tensor } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";

const SIZE = 1024;
const x = random.normal(random.key(0), [SIZE, SIZE]);
const z = complex(x, x);
const [tall, wide] = [[SIZE, 8], [8, SIZE]].map((shape) => random.normal(random.key(1), shape));
const places = tensor(Int32Array.from({ length: SIZE }, (_, i) => 37 * i % SIZE));

const group = "results of 4 MB";
const elements = x.data<Float32Array>();
Deno.bench("a copy to new memory", { group, baseline: true }, () => void elements.slice());

const compiled: Readonly<Record<string, (x: Tensor) => unknown>> = {
  "rows picked out": jit((x: Tensor) => take(x, places, 0)),
  "an element replaced": jit((x: Tensor) => x.set([3], 1)),
  "running sums": jit((x: Tensor) => cumsum(x, 1)),
  "a sum and a product": jit((x: Tensor) => [add(x, 1), mul(x, 2)]),
  "fft of 1024 rows, two results": jit((x: Tensor) => fft.fft(x)),
};
for (const [name, f] of Object.entries(compiled)) {
  const argument = name.startsWith("fft") ? z : x;
  Deno.bench(name, { group }, () => void f(argument));
}
const product = jit((a: Tensor, b: Tensor) => matmul(a, b));
Deno.bench("a product over 8", { group }, () => void product(tall, wide));
