// Gaussian process regression
// Hyperparameters by maximum marginal likelihood, and the posterior with its uncertainty.
import { diagonal, exp, eye, grad, jit, linalg, linspace, log, optim } from "@jacobi/jacobi";
import { random, scan, sin, stack, tensor } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, plot, scatter } from "./show.ts";

interface Params {
  readonly logLength: Tensor;
  readonly logSignal: Tensor;
  readonly logNoise: Tensor;
}

const [xKey, noiseKey] = random.split(random.key(1));
const x = random.uniform(xKey, 25, { minval: -3, maxval: 3 });
const y = sin(x.mul(2)).add(random.normal(noiseKey, 25).mul(0.15));

function kernel({ logLength, logSignal }: Params, a: Tensor, b: Tensor): Tensor {
  const distance = a.expandDims(1).sub(b).div(exp(logLength));
  return exp(distance.square().div(-2).add(logSignal.mul(2)));
}

/** The Cholesky factor of the covariance of the data. */
function factor(params: Params): Tensor {
  const noise = exp(params.logNoise.mul(2)).add(1e-5);
  return linalg.cholesky(kernel(params, x, x).add(eye(25).mul(noise)));
}

/** The negative logarithm of the marginal likelihood. */
function loss(params: Params): Tensor {
  const L = factor(params);
  const z = linalg.triangularSolve(L, y, { lower: true });
  return z.square().sum().div(2).add(log(diagonal(L)).sum()).add(12.5 * Math.log(2 * Math.PI));
}

const optimizer = optim.adam(0.05);
type State = readonly [Params, optim.OptimizerState];
const step = ([params, memory]: State): [State, Tensor] => {
  const [updates, next] = optimizer.update(grad(loss)(params), memory, params);
  return [[optim.applyUpdates(params, updates), next], loss(params)];
};
const start: Params = { logLength: tensor(0.5), logSignal: tensor(0), logNoise: tensor(0) };
const train = jit((start: Params) =>
  scan(step, [start, optimizer.init(start)], null, { length: 200 })
);
const [[params], losses] = train(start);
await plot({ "negative log likelihood": losses });

const grid = linspace(-4, 4, 120);
const L = factor(params);
const across = kernel(params, x, grid);
const mean = across.transpose().matmul(linalg.choSolve(L, y, { lower: true }));
const half = linalg.triangularSolve(L, across, { lower: true });
const deviation = exp(params.logSignal.mul(2)).sub(half.square().sum(0)).maximum(0).sqrt();
await plot(
  {
    mean,
    "+ 2 σ": mean.add(deviation.mul(2)),
    "- 2 σ": mean.sub(deviation.mul(2)),
    truth: sin(grid.mul(2)),
  },
  { x: grid, title: "Posterior" },
);
await scatter({ data: stack([x, y], 1) });

const noise = exp(params.logNoise).item();
console.log(`noise ${noise.toFixed(3)}, length scale ${exp(params.logLength).item().toFixed(3)}`);
const near = grid.abs().less(2.5).astype("float32");
const error = mean.sub(sin(grid.mul(2))).abs().mul(near).sum().div(near.sum()).item();
check(error < 0.15, `among the data the mean is off by ${error.toFixed(3)}`);
check(losses.at(-1).item() < losses.at(0).item(), "the likelihood grew");
check(noise > 0.05 && noise < 0.3, "the noise is near the true 0.15");
check(
  deviation.at(0).item() > 3 * deviation.at(60).item(),
  "the deviation is larger away from the data",
);
