// Bayesian regression by Hamiltonian Monte Carlo
// Samples from the posterior, compared with the exact solution.
import { exp, eye, grad, jit, linalg, linspace, ones, random, scan, stack } from "@jacobi/jacobi";
import { where, zeros } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, plot, scatter, table } from "./show.ts";

const N = 30;
const NOISE = 0.3;
const [dataKey, chainKey] = random.split(random.key(2));
const x = linspace(-1, 1, N);
const X = stack([ones([N]), x], 1);
const y = x.mul(1.2).sub(0.4).add(random.normal(dataKey, [N]).mul(NOISE));

/** The logarithm of the posterior of intercept and slope, up to a constant. */
const logPosterior = (w: Tensor) =>
  X.matmul(w).sub(y).square().sum().div(-2 * NOISE ** 2).sub(w.square().sum().div(2));

/** One sample: a random momentum, leapfrog steps, and acceptance (Neal, 2011). */
function sample(w: Tensor, key: Tensor): [Tensor, Tensor] {
  const [momentumKey, acceptKey] = random.split(key);
  const momentum = random.normal(momentumKey, [2]);
  const size = 0.04;
  const slope = grad(logPosterior);
  const [end, last] = scan(
    ([w, p]) => {
      const half = p.add(slope(w).mul(size / 2));
      const next = w.add(half.mul(size));
      return [[next, half.add(slope(next).mul(size / 2))], null];
    },
    [w, momentum] as const,
    null,
    { length: 3 },
  )[0];
  const energy = (w: Tensor, p: Tensor) => p.square().sum().div(2).sub(logPosterior(w));
  const chance = exp(energy(w, momentum).sub(energy(end, last)));
  const chosen = where(random.uniform(acceptKey, []).less(chance), end, w);
  return [chosen, chosen];
}
const run = jit((keys: Tensor) => scan(sample, zeros([2]), keys)[1]);
const samples = run(random.split(chainKey, [4000])).at([200, null]);

// The exact posterior is normal.
const precision = X.transpose().matmul(X).div(NOISE ** 2).add(eye(2));
const covariance = linalg.inv(precision);
const mean = covariance.matmul(X.transpose().matmul(y)).div(NOISE ** 2);
await scatter({ samples }, { title: "Intercept and slope", xLabel: "intercept", yLabel: "slope" });
await plot({ intercept: samples.at([0, 200], 0), slope: samples.at([0, 200], 1) }, {
  title: "The chain",
});
const [found, spread] = [samples.mean(0), samples.std(0)];
const exact = covariance.diagonal().sqrt();
await table(["intercept", "slope"].map((name, i) => ({
  name,
  "mean of samples": found.at(i).item(),
  "exact mean": mean.at(i).item(),
  "deviation of samples": spread.at(i).item(),
  "exact deviation": exact.at(i).item(),
})));
check(found.sub(mean).abs().max().item() < 0.02, "the means agree");
check(spread.div(exact).sub(1).abs().max().item() < 0.1, "the deviations agree");
