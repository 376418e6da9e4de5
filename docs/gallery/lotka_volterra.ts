// Fitting Lotka-Volterra equations
// Four rates are estimated from noisy counts, with gradients through an adaptive solver.
import { exp, integrate, jit, linspace, log, optimize, random, tensor } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, plot, table } from "./show.ts";

const times = linspace(0, 12, 50);
const truth = tensor([1.1, 0.4, 0.4, 0.1]);

/** Counts `[50, 2]` of rabbits and foxes for birth, hunting, death and growth rates. */
const population = (rates: Tensor) => {
  const [birth, hunting, death, growth] = [0, 1, 2, 3].map((i) => rates.at(i));
  const { rabbits, foxes } = integrate.odeint(
    ({ rabbits, foxes }) => ({
      rabbits: rabbits.mul(birth.sub(foxes.mul(hunting))),
      foxes: foxes.mul(rabbits.mul(growth).sub(death)),
    }),
    { rabbits: tensor(10), foxes: tensor(5) },
    times,
    { rtol: 1e-5, atol: 1e-5 },
  );
  return { rabbits, foxes };
};
const exact = population(truth);
const noise = (seed: number) => exp(random.normal(random.key(seed), [50]).mul(0.03));
const seen = { rabbits: exact.rabbits.mul(noise(0)), foxes: exact.foxes.mul(noise(1)) };

// Rates are positive, so their logarithms are optimised; counts are compared by ratio.
const loss = (logRates: Tensor) => {
  const { rabbits, foxes } = population(exp(logRates));
  return log(rabbits.div(seen.rabbits)).square().mean().add(
    log(foxes.div(seen.foxes)).square().mean(),
  );
};
const start = log(tensor([0.9, 0.3, 0.5, 0.13]));
const { x, fun, nit } = jit((start: Tensor) => optimize.minimize(loss, start, { gtol: 1e-4 }))(
  start,
);
const rates = exp(x);
console.log(`${nit.item()} steps of BFGS, loss ${fun.item().toExponential(2)}`);

const fitted = population(rates);
await plot(
  {
    rabbits: seen.rabbits,
    foxes: seen.foxes,
    "rabbits, fitted": fitted.rabbits,
    "foxes, fitted": fitted.foxes,
  },
  { x: times, title: "Counts and the fitted solution" },
);
await table(["birth", "hunting", "death", "growth"].map((rate, i) => ({
  rate,
  true: truth.at(i).item(),
  found: rates.at(i).item(),
})));
check(rates.div(truth).sub(1).abs().max().item() < 0.05, "all rates are found within 5%");
