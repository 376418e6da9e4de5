/**
 * How long does memory-bound work take, compiled, compared with plain JavaScript loops?
 *
 *     deno bench bench/elementwise_bench.ts
 *
 * Elementwise functions and sums of a million floats, softmax and layer norm of 4096x1024. Donated calls
 * reuse the memory of their argument for the result; the others allocate new memory for each result.
 */
import { jit, nn, random } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";

const million = random.normal(random.key(0), [1_000_000]);
const matrix = random.normal(random.key(1), [4096, 1024]);

/** The function as a loop over typed arrays. */
function benchLoop(group: string, f: (x: number) => number): void {
  const x = million.data();
  const y = new Float32Array(x.length);
  Deno.bench(`${group}: loop`, { group, baseline: true }, () => {
    for (let i = 0; i < x.length; i++) y[i] = f(x[i]);
  });
}

function benchMap(group: string, loop: (x: number) => number, f: (x: Tensor) => Tensor): void {
  benchLoop(group, loop);
  const compiled = jit(f);
  Deno.bench(`${group}: compiled`, { group }, () => void compiled(million));
  const inPlace = jit(f, { donateArgnums: 0 });
  let x = million.mul(0.001);
  Deno.bench(`${group}: compiled, with donation`, { group }, () => {
    x = inPlace(x);
  });
}

benchMap("add", (x) => x + 1, (x) => x.add(1));
benchMap("exp", Math.exp, (x) => x.exp());
benchMap("sin", Math.sin, (x) => x.sin());
benchMap("tanh", Math.tanh, (x) => x.tanh());
benchMap(
  "a chain of six",
  (x) => Math.sqrt(Math.abs(2 * x + 1) * x * x) - 0.5,
  (x) => x.mul(2).add(1).abs().mul(x.square()).sqrt().sub(0.5),
);

Deno.bench("sum: loop", { group: "sum", baseline: true }, () => {
  const x = million.data();
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i];
  if (Number.isNaN(sum)) throw new Error("NaN");
});
const total = jit((x: Tensor) => x.sum());
Deno.bench("sum: compiled", { group: "sum" }, () => void total(million).item());

const group = "rows of 4096x1024";
const softmax = jit((x: Tensor) => nn.softmax(x, -1));
Deno.bench("softmax", { group, baseline: true }, () => void softmax(matrix));
const layer = nn.layerNorm([1024]);
const [params, state] = layer.init(random.key(2));
const normalize = jit((x: Tensor) => layer.apply(params, state, x)[0]);
Deno.bench("layer norm", { group }, () => void normalize(matrix));
const transpose = jit((x: Tensor) => x.transpose());
Deno.bench("transpose", { group }, () => void transpose(matrix));
const means = jit((x: Tensor) => x.mean(0));
Deno.bench("mean of columns", { group }, () => void means(matrix));
