/**
 * The cost of a step of a compiled loop: carried values of which few elements change, in all examples of a
 * batch or in some; a carried value that a branch passes on or reads; and steps over small vectors and
 * reductions of them. Forward and with the gradient, in float64.
 *
 * Run it with `deno bench bench/loops_bench.ts`.
 *
 * @module
 */
import {
  arange,
  cond,
  foriLoop,
  grad,
  jit,
  mean,
  norm,
  ones,
  prod,
  slice,
  stack,
  type Tensor,
  tensor,
  vmap,
} from "@jacobi/jacobi";

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
  "a million elements of which branches read one each, 1,000 steps",
  (x) =>
    foriLoop(0, 1000, (i, s) =>
      cond(
        i.mod(2).equal(0),
        (s: Tensor) => s.add(x.at(i).square()),
        (s: Tensor) => s,
        s,
      ), tensor(0, options)),
  ones([1_000_000], options),
);

pair(
  "every second element of a column of a 1,000 x 1,000 matrix, 100 steps",
  (x) =>
    foriLoop(1, 100, (i, x) => x.set([slice(0, 20, 2), i], x.at(slice(0, 20, 2), i.sub(1))), x),
  ones([1000, 1000], options),
);

pair(
  "columns of 8 matrices of 100 x 1,000, one of its own for each, 100 steps",
  (x) =>
    vmap((x: Tensor, first: Tensor) =>
      foriLoop(1, 100, (i, x) => x.set([null, first.add(i)], x.at(null, i).mul(0.5)), x)
    )(x, arange(8, { dtype: "int32" })),
  ones([8, 100, 1000], options),
);

pair(
  "8 times 100,000 elements of which each example sets some or not, 100 steps",
  (x) =>
    vmap((x: Tensor, first: Tensor) =>
      foriLoop(1, 100, (i, x) =>
        cond(
          first.add(i).mod(3).equal(0),
          (x: Tensor) => x.set([i], x.at(i.sub(1)).mul(0.5)),
          (x: Tensor) => x,
          x,
        ), x)
    )(x, arange(8, { dtype: "int32" })),
  ones([8, 100_000], options),
);

pair(
  "10,000 Euler steps of two numbers",
  (y) => foriLoop(0, 10_000, (_i, y) => y.add(stack([y.at(1), y.at(0).neg()]).mul(1e-3)), y),
  tensor([1, 0], options),
);

for (const length of [3, 8, 16]) {
  for (const [name, reduce] of Object.entries({ prod, mean, norm })) {
    pair(
      `10,000 steps with the ${name} of ${length} numbers`,
      (y) => foriLoop(0, 10_000, (_i, y) => y.mul(0.5).add(reduce(y).mul(0.1)), y),
      arange(length, options).mul(0.05).add(0.5),
    );
  }
}
