// Comparing optimisers
// Gradient descent, momentum, Adam and L-BFGS on Rosenbrock's function.
import { jit, optim, optimize, scan, tensor, valueAndGrad } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, plot, scatter, table } from "./show.ts";

const STEPS = 400;
const start = tensor([-1.2, 1]);
const f = (x: Tensor) =>
  x.at(0).sub(1).square().add(x.at(1).sub(x.at(0).square()).square().mul(100));

/** The points and values along the path of an optimiser. */
function path(optimizer: optim.Optimizer): { points: Tensor; values: Tensor } {
  type State = readonly [Tensor, optim.OptimizerState];
  const step = ([x, memory]: State): [State, [Tensor, Tensor]] => {
    const [value, slope] = valueAndGrad(f)(x);
    const [updates, next] = optimizer.update(slope, memory, x, { loss: f, value });
    return [[optim.applyUpdates(x, updates), next], [x, value]];
  };
  const run = jit((x: Tensor) => scan(step, [x, optimizer.init(x)], null, { length: STEPS })[1]);
  const [points, values] = run(start);
  return { points, values };
}

const paths = {
  "gradient descent": path(optim.sgd(0.0015)),
  momentum: path(optim.sgd(0.0005, { momentum: 0.95 })),
  adam: path(optim.adam(0.05)),
  "l-bfgs": path(optim.lbfgs()),
};
const names = Object.keys(paths) as (keyof typeof paths)[];
await plot(
  Object.fromEntries(names.map((name) => [name, paths[name].values.add(1e-12)])),
  { title: "Value by step", logY: true },
);
await scatter(
  Object.fromEntries(names.map((name) => [name, paths[name].points])),
  { title: "Their paths; the minimum is at (1, 1)" },
);
await table(names.map((optimizer) => ({
  optimizer,
  "last value": paths[optimizer].values.at(-1).item(),
})));

const { x, nit } = optimize.minimize(f, start);
console.log(`optimize.minimize: ${x} after ${nit.item()} steps`);
check(x.sub(1).abs().max().item() < 1e-2, "BFGS finds (1, 1)");
check(paths["l-bfgs"].values.min().item() < 1e-6, "L-BFGS reaches the bottom");
