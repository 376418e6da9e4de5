// Neural ODE
// A network as the right-hand side of a differential equation, fitted to a spiral.
import { index, integrate, jit, linspace, models, nn, optim, random, scan } from "@jacobi/jacobi";
import { tensor, valueAndGrad } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, plot, scatter } from "./show.ts";

// Data: a damped rotation with a cubic speed, observed at 40 times.
const times = linspace(0, 6, 40);
const A = tensor([[-0.1, -2], [2, -0.1]]);
const start = tensor([1.5, 0]);
const truth = integrate.odeint((y: Tensor) => A.matmul(y.pow(3).div(2)), start, times);
const data = truth.add(random.normal(random.key(0), truth.shape).mul(0.02));

const model = models.mlp([2, 32, 2], { activation: nn.tanh });
const [initial, state] = model.init(random.key(1));
type Params = typeof initial;

/** The fourth-order Runge-Kutta method over the times of the data. */
function solve(params: Params, start: Tensor, times: Tensor): Tensor {
  const f = (y: Tensor) => model.apply(params, state, y.pow(3))[0];
  const steps = times.at([1, null]).sub(times.at([null, -1]));
  return scan(
    (y: Tensor, h: Tensor) => {
      const a = f(y);
      const b = f(y.add(a.mul(h.div(2))));
      const c = f(y.add(b.mul(h.div(2))));
      const d = f(y.add(c.mul(h)));
      const next = y.add(a.add(b.mul(2)).add(c.mul(2)).add(d).mul(h.div(6)));
      return [next, next];
    },
    start,
    steps,
  )[1];
}
const loss = (params: Params) => solve(params, start, times).sub(data.at([1, null])).abs().mean();

const STEPS = 500;
const optimizer = optim.adam(optim.cosine(0.02, { steps: STEPS }));
type State = readonly [Params, optim.OptimizerState];
const step = ([params, memory]: State): [State, Tensor] => {
  const [value, gradient] = valueAndGrad(loss)(params);
  const [updates, next] = optimizer.update(gradient, memory, params);
  return [[optim.applyUpdates(params, updates), next], value];
};
const train = jit((params: Params) =>
  scan(step, [params, optimizer.init(params)], null, { length: STEPS })
);
const [[params], losses] = train(initial);
await plot({ loss: losses }, { title: "Mean absolute error by step", logY: true });

const fitted = solve(params, start, times);
await scatter({ data, fitted }, { title: "The spiral" });
await plot({ "first data": data.at("...", 0), "second data": data.at("...", 1) }, { x: times });
const error = fitted.sub(index(truth, [1, null])).abs().mean().item();
check(error < 0.06, `mean distance from the true solution: ${error.toFixed(3)}`);
