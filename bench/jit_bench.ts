/**
 * How much does `jit` save on small work? The arithmetic is negligible here: the figures are those of
 * tracing, differentiating and dispatch. Divide by the number of operations in a group's name for the
 * time per operation.
 *
 *     deno bench bench/jit_bench.ts
 *
 * - a chain of 100 operations on scalars, its gradient with `jit` outside and inside, a first call
 * - one operation, which shows the cost of a call of a compiled function
 * - the Hessian of a small function
 * - a training step of a small network (16-32-4, batch 8) with SGD and momentum
 */
import {
  grad,
  hessian,
  jit,
  mul,
  nn,
  optim,
  random,
  sin,
  tensor,
  tree,
  valueAndGrad,
} from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";

const OPERATIONS = 100;

/** Products and sines in turn, 100 in all. */
function chain(x: Tensor): Tensor {
  let y = x;
  for (let i = 0; i < OPERATIONS / 2; i++) y = sin(mul(y, x));
  return y;
}

const x = tensor(1.5);

{
  const group = "100 scalar operations";
  const compiled = jit(chain);
  Deno.bench("eager", { group, baseline: true }, () => {
    chain(x);
  });
  Deno.bench("jit", { group }, () => {
    compiled(x);
  });
  Deno.bench("first call of jit", { group }, () => {
    jit(chain)(x);
  });
}

{
  const group = "gradient of 100 scalar operations";
  const gradient = grad(chain);
  const outside = jit(grad(chain));
  const inside = grad(jit(chain));
  const both = jit(grad(jit(chain)));
  Deno.bench("grad", { group, baseline: true }, () => {
    gradient(x);
  });
  Deno.bench("jit of grad", { group }, () => {
    outside(x);
  });
  Deno.bench("grad of jit", { group }, () => {
    inside(x);
  });
  Deno.bench("jit of grad of jit", { group }, () => {
    both(x);
  });
  Deno.bench("first call of jit of grad", { group }, () => {
    jit(grad(chain))(x);
  });
}

{
  const group = "1 scalar operation";
  const compiled = jit((y: Tensor) => sin(y));
  Deno.bench("eager", { group, baseline: true }, () => {
    sin(x);
  });
  Deno.bench("jit", { group }, () => {
    compiled(x);
  });
}

{
  const group = "Hessian of a function of 4";
  const f = (y: Tensor) => y.mul(y.sin()).sum().add(y.square().sum().square());
  const point = tensor([0.1, -0.4, 0.7, 1.2]);
  const eager = hessian(f);
  const outside = jit(hessian(f));
  const inside = hessian(jit(f));
  Deno.bench("hessian", { group, baseline: true }, () => {
    eager(point);
  });
  Deno.bench("jit of hessian", { group }, () => {
    outside(point);
  });
  Deno.bench("hessian of jit", { group }, () => {
    inside(point);
  });
}

{
  const group = "training step, 16-32-4";
  const model = nn.sequential(nn.linear(16, 32), nn.tanh, nn.linear(32, 4));
  const [params, state] = model.init(random.key(0));
  const optimizer = optim.sgd(0.01, { momentum: 0.9 });
  const memory = optimizer.init(params);
  const inputs = random.normal(random.key(1), [8, 16]);
  const targets = random.normal(random.key(2), [8, 4]);
  const lossOf = (p: typeof params) =>
    nn.mseLoss(model.apply(p, state, inputs, { train: true })[0] as Tensor, targets);
  const step = (p: typeof params, m: typeof memory) => {
    const [loss, gradients] = valueAndGrad(lossOf)(p);
    const [updates, next] = optimizer.update(gradients, m, p);
    return [optim.applyUpdates(p, updates), next, loss] as const;
  };
  const compiled = jit(step);
  const compiledLoss = jit(lossOf);
  Deno.bench("eager", { group, baseline: true }, () => {
    step(params, memory);
  });
  Deno.bench("jit of the step", { group }, () => {
    compiled(params, memory);
  });
  Deno.bench("valueAndGrad of the jitted loss alone", { group }, () => {
    valueAndGrad(compiledLoss)(params);
  });
  Deno.bench("flattening the parameters alone", { group }, () => {
    tree.leaves(params);
  });
}
