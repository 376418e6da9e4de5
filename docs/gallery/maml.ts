// Meta-learning with MAML
// Second-order gradients through gradient steps, over a family of sine functions.
import { grad, jit, linspace, models, nn, optim, random, scan, sin, tensor } from "@jacobi/jacobi";
import { tree, valueAndGrad, vmap } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, plot } from "./show.ts";

const SHOTS = 10;
const model = models.mlp([1, 32, 32, 1], { activation: nn.tanh });
const [initial, state] = model.init(random.key(0));
type Params = typeof initial;
const predict = (params: Params, x: Tensor) =>
  model.apply(params, state, x.expandDims(1))[0].squeeze(1);
const loss = (params: Params, x: Tensor, y: Tensor) => nn.mseLoss(predict(params, x), y);

/** The parameters after three steps of gradient descent on a few examples of a task. */
function adapt(params: Params, x: Tensor, y: Tensor): Params {
  let adapted = params;
  for (let i = 0; i < 3; i++) {
    const slope = grad(loss)(adapted, x, y);
    adapted = tree.map((p: Tensor, g: Tensor) => p.sub(g.mul(0.05)), adapted, slope) as Params;
  }
  return adapted;
}

/** A sine of random height and phase, as a function. */
function task(key: Tensor): (x: Tensor) => Tensor {
  const [heightKey, phaseKey] = random.split(key);
  const height = random.uniform(heightKey, [], { minval: 0.5, maxval: 3 });
  const phase = random.uniform(phaseKey, [], { maxval: Math.PI });
  return (x) => sin(x.add(phase)).mul(height);
}

/** The loss on new examples of a task after adapting to some examples (Finn et al., 2017). */
function metaLoss(params: Params, key: Tensor): Tensor {
  const [taskKey, shownKey, newKey] = random.split(key, 3);
  const f = task(taskKey);
  const [shown, fresh] = [shownKey, newKey].map((key) =>
    random.uniform(key, SHOTS, { minval: -4, maxval: 4 })
  );
  return loss(adapt(params, shown, f(shown)), fresh, f(fresh));
}

const optimizer = optim.adam(0.002);
type State = readonly [Params, optim.OptimizerState];
const step = ([params, memory]: State, key: Tensor): [State, Tensor] => {
  const [value, gradient] = valueAndGrad((p: Params) =>
    vmap(metaLoss, [null, 0])(p, random.split(key, [16])).mean()
  )(params);
  const [updates, next] = optimizer.update(gradient, memory, params);
  return [[optim.applyUpdates(params, updates), next], value];
};
const train = jit((state: State, keys: Tensor) => scan(step, state, keys));
const start: State = [initial, optimizer.init(initial)];
const [[params], losses] = train(start, random.split(random.key(1), [800]));
await plot({ "loss after adapting": losses }, { logY: true });

const f = (x: Tensor) => sin(x.add(1)).mul(2);
const shown = tensor([-3.5, -2.9, -2, -1.2, -0.4, 0.3, 1.1, 1.9, 2.8, 3.6]);
const grid = linspace(-4, 4, 100);
await plot({
  task: f(grid),
  before: predict(params, grid),
  "after three steps": predict(adapt(params, shown, f(shown)), grid),
}, { x: grid, title: "A new task from ten examples" });
const evaluate = (params: Params) =>
  vmap(metaLoss, [null, 0])(params, random.split(random.key(2), [100])).mean().item();
const [naive, meta] = [evaluate(initial), evaluate(params)];
check(
  meta < naive / 2.5,
  `loss after three steps: ${naive.toFixed(2)} untrained, ${meta.toFixed(2)} trained`,
);
