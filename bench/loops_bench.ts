/**
 * What a step of a compiled loop costs: a carried value that is changed in one place, one that a branch
 * hands on, and a step over a small vector; forward and with the gradient, in float64.
 *
 * Run it with `deno bench bench/loops_bench.ts`.
 *
 * @module
 */
import { cond, foriLoop, grad, jit, ones, stack, type Tensor, tensor } from "@jacobi/jacobi";

const options = { dtype: "float64" } as const;

/** Defines a benchmark of a function of one tensor and one of its gradient. */
function pair(name: string, f: (x: Tensor) => Tensor, x: Tensor): void {
  const forward = jit(f);
  const gradient = jit(grad((x: Tensor) => f(x).sum()));
  Deno.bench(name, { group: name }, () => void forward(x).data());
  Deno.bench(`${name}, gradient`, { group: name }, () => void gradient(x).data());
}

const LENGTH = 30_000;
pair(
  "30,000 elements set in turn",
  (x) => foriLoop(1, LENGTH, (i, x) => x.set([i], x.at(i.sub(1)).mul(0.5).add(1)), x),
  ones([LENGTH], options),
);

pair(
  "a million elements that a branch hands on, 100 steps",
  (x) =>
    foriLoop(
      0,
      100,
      (i, x) => cond(i.less(50), (x: Tensor) => x, (x: Tensor) => x.set([i], 2), x),
      x,
    ),
  ones([1_000_000], options),
);

pair(
  "10,000 Euler steps of two numbers",
  (y) => foriLoop(0, 10_000, (_i, y) => y.add(stack([y.at(1), y.at(0).neg()]).mul(1e-3)), y),
  tensor([1, 0], options),
);
