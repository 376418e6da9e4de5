/**
 * The cost of loops: one compiled loop compared with calls of a compiled step from JavaScript, gradients
 * of loops, and the time that `checkpoint` spends to save memory.
 *
 *     deno bench bench/control_bench.ts
 */
import {
  associativeScan,
  checkpoint,
  cond,
  grad,
  jit,
  matmul,
  random,
  scan,
  tensor,
  whileLoop,
} from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";

const hidden = 64;
const w = random.normal(random.key(0), [hidden, hidden]).div(8);
const steps = 1000;
const xs = random.normal(random.key(1), [steps, 1, hidden]);
const start = random.normal(random.key(2), [1, hidden]);

function cell(w: Tensor, h: Tensor, x: Tensor): Tensor {
  return matmul(h, w).add(x).tanh();
}

const forward = jit((w: Tensor, h: Tensor, xs: Tensor) =>
  scan((h, x) => [cell(w, h, x), null], h, xs)[0]
);
const gradient = jit(
  grad((w: Tensor, h: Tensor, xs: Tensor) => scan((h, x) => [cell(w, h, x), null], h, xs)[0].sum()),
);
const thrifty = jit(
  grad((w: Tensor, h: Tensor, xs: Tensor) =>
    scan(checkpoint((h: Tensor, x: Tensor) => [cell(w, h, x), null]), h, xs)[0].sum()
  ),
);
const step = jit(cell);
const elements = Array.from({ length: steps }, (_, i) => xs.at(i));

const rnn = `RNN of ${hidden} hidden units, ${steps} steps`;

Deno.bench("scan, compiled", { group: rnn, baseline: true }, () => {
  forward(w, start, xs);
});
Deno.bench("a JavaScript loop over the compiled step", { group: rnn }, () => {
  let h = start;
  for (const x of elements) h = step(w, h, x);
});
Deno.bench("scan, eager", { group: rnn }, () => {
  scan((h, x) => [cell(w, h, x), null], start, xs);
});

const backward = `${rnn}: gradient of the weights`;

Deno.bench("grad of scan, compiled", { group: backward, baseline: true }, () => {
  gradient(w, start, xs);
});
Deno.bench("with a checkpointed step", { group: backward }, () => {
  thrifty(w, start, xs);
});
Deno.bench("a JavaScript loop under grad, eager", { group: backward }, () => {
  grad((w: Tensor) => {
    let h = start;
    for (const x of elements) h = cell(w, h, x);
    return h.sum();
  })(w);
});

const scalars = random.uniform(random.key(3), [10_000]);
const scalarScan = jit((xs: Tensor) => scan((t, x) => [t.mul(0.9).add(x), t], 0, xs)[1]);
const parallel = jit((xs: Tensor) =>
  associativeScan(
    ([a, b], [c, d]) => [a.mul(c), b.mul(c).add(d)],
    [xs.mul(0).add(0.9), xs],
  )[1]
);
const recurrence = "y[i] = 0.9 y[i - 1] + x[i], 10,000 steps";

Deno.bench("scan, compiled ", { group: recurrence, baseline: true }, () => {
  scalarScan(scalars);
});
Deno.bench("associativeScan, compiled", { group: recurrence }, () => {
  parallel(scalars);
});
Deno.bench("a loop over a Float32Array", { group: recurrence }, () => {
  const x = scalars.data();
  const y = new Float32Array(x.length);
  let t = 0;
  for (let i = 0; i < x.length; i++) {
    y[i] = t;
    t = Math.fround(Math.fround(t * Math.fround(0.9)) + x[i]);
  }
  tensor(y);
});

const root = jit((x: Tensor) =>
  whileLoop((y) => y.square().sub(x).abs().greater(1e-6), (y) => y.add(x.div(y)).div(2), x)
);
const branch = jit((x: Tensor) => cond(x.greater(0), (x) => x.sin(), (x) => x.cos(), x));
const plain = jit((x: Tensor) => x.sin());
const two = tensor(2);

Deno.bench("a call of a compiled sin", { group: "choices", baseline: true }, () => {
  plain(two);
});
Deno.bench("a call of a compiled cond", { group: "choices" }, () => {
  branch(two);
});
Deno.bench("a call of a compiled whileLoop, five steps", { group: "choices" }, () => {
  root(two);
});

const width = 256;
const weights = random.normal(random.key(4), [width, width]).div(16);
const chain = (wrap: (f: (x: Tensor) => Tensor) => (x: Tensor) => Tensor) => {
  const group = wrap((x) => {
    for (let i = 0; i < 8; i++) x = matmul(x, weights).tanh().add(x.sin());
    return x;
  });
  return jit(grad((x: Tensor) => {
    for (let i = 0; i < 8; i++) x = group(x);
    return x.sum();
  }));
};
const batch = random.normal(random.key(5), [128, width]);
const deep = "gradient through 64 blocks of 128x256";
const policies = {
  "without checkpoint": chain((f) => f),
  "checkpoint in groups of eight": chain((f) => checkpoint(f)),
  "checkpoint that keeps products": chain((f) => checkpoint(f, { policy: "products" })),
};
for (const [name, f] of Object.entries(policies)) {
  Deno.bench(name, { group: deep, baseline: name === "without checkpoint" }, () => {
    f(batch);
  });
}

const orbit = tensor([1, 0.5, 0.25, 0.125]);
const taken = 1000;
const next = (y: Tensor) => y.mul(0.999).add(y.cos());
type Counted = [Tensor, Tensor];
const start32 = () => tensor(0, { dtype: "int32" });
const boundedGradient = (maxSteps: number, checkpoint: boolean) =>
  jit(grad((x: Tensor) =>
    whileLoop(
      ([i]: Counted) => i.less(taken),
      ([i, y]: Counted): Counted => [i.add(1), next(y)],
      [start32(), x] as Counted,
      { maxSteps, checkpoint },
    )[1].sum()
  ));
const early = `gradient of ${taken} steps of a whileLoop with a bound`;
const ways = {
  "scan of as many steps": jit(
    grad((x: Tensor) => scan((y: Tensor) => [next(y), null], x, null, { length: taken })[0].sum()),
  ),
  "at most 1000 steps": boundedGradient(taken, false),
  "at most 100 000 steps": boundedGradient(100_000, false),
  "at most 1000 steps, checkpointed": boundedGradient(taken, true),
  "at most 100 000 steps, checkpointed": boundedGradient(100_000, true),
  "scan of 100 000 steps that hands on what is done": jit(
    grad((x: Tensor) =>
      scan(
        ([i, y]: Counted) => [
          [i.add(1), cond(i.less(taken), next, (y) => y, y)] as Counted,
          null,
        ],
        [start32(), x] as Counted,
        null,
        { length: 100_000 },
      )[0][1].sum()
    ),
  ),
};
for (const [name, f] of Object.entries(ways)) {
  Deno.bench(name, { group: early, baseline: name === "scan of as many steps" }, () => {
    f(orbit);
  });
}
