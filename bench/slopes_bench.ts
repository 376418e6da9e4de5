/**
 * How long do gradients of activations take, and sums of data that fits into the cache?
 *
 *     deno bench --allow-env bench/slopes_bench.ts
 *
 * One thread. Each gradient is that of the sum of a function of 65,536 elements; if the function value
 * is needed as well, both share one exponential. Sums are over rows, over columns, and over all elements;
 * those of float32 are accumulated in double precision.
 */
import { configure, grad, jit, nn, random } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";

configure({ threads: 1 });

const activations: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  tanh: (x) => x.tanh(),
  sigmoid: (x) => x.sigmoid(),
  silu: (x) => nn.silu(x),
  gelu: (x) => nn.gelu(x),
  "gelu by tanh": (x) => nn.gelu(x, { approximate: "tanh" }),
  softplus: (x) => nn.softplus(x),
  mish: (x) => nn.mish(x),
  erf: (x) => x.erf(),
};

const sums: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  rows: (x) => x.sum(1),
  columns: (x) => x.sum(0),
  all: (x) => x.sum(),
};

for (const dtype of ["float32", "float64"] as const) {
  const x = random.normal(random.key(0), [65536]).mul(2).astype(dtype);
  for (const [name, f] of Object.entries(activations)) {
    const slope = jit(grad((x: Tensor) => f(x).sum()));
    const group = `gradients, ${dtype}`;
    Deno.bench(`${name}, ${dtype}`, { group }, () => void slope(x));
  }
  for (const shape of [[1024, 64], [64, 1024], [1000, 1000]]) {
    const matrix = random.normal(random.key(1), shape).astype(dtype);
    for (const [name, f] of Object.entries(sums)) {
      const sum = jit(f);
      const group = `sums of ${shape.join("x")}, ${dtype}`;
      Deno.bench(`${name} of ${shape.join("x")}, ${dtype}`, { group }, () => void sum(matrix));
    }
  }
}
