// Classifying two moons
// A multilayer perceptron, Adam and a compiled training loop.
import { arange, concatenate, cos, jit, linspace, models, nn, optim, random } from "@jacobi/jacobi";
import { scan, sin, stack, valueAndGrad } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, image, plot, scatter } from "./show.ts";

const N = 100;
const [noiseKey, modelKey] = random.split(random.key(0));
const angle = linspace(0, Math.PI, N);
const upper = stack([cos(angle), sin(angle)], 1);
const lower = stack([cos(angle).neg().add(1), sin(angle).neg().add(0.5)], 1);
const x = concatenate([upper, lower]).add(random.normal(noiseKey, [2 * N, 2]).mul(0.1));
const y = arange(2 * N).greaterEqual(N).astype("int32");

const model = models.mlp([2, 32, 32, 2], { activation: nn.tanh });
const [initial, state] = model.init(modelKey);
type Params = typeof initial;
const loss = (params: Params) => nn.crossEntropy(model.apply(params, state, x)[0], y);

const optimizer = optim.adam(0.01);
type State = readonly [Params, optim.OptimizerState];
const step = ([params, memory]: State): [State, Tensor] => {
  const [value, gradient] = valueAndGrad(loss)(params);
  const [updates, next] = optimizer.update(gradient, memory, params);
  return [[optim.applyUpdates(params, updates), next], value];
};
const train = jit((params: Params) =>
  scan(step, [params, optimizer.init(params)], null, { length: 300 })
);
const [[params], losses] = train(initial);
await plot({ loss: losses }, { title: "Loss by step", logY: true });
await scatter({ upper: x.at([0, N]), lower: x.at([N, 2 * N]) }, { title: "The data" });

// The probability of the second moon on a grid.
const size = 48;
const across = linspace(-1.5, 2.5, size).expandDims(0).broadcastTo([size, size]);
const up = linspace(1.5, -1, size).expandDims(1).broadcastTo([size, size]);
const grid = stack([across, up], -1).reshape(-1, 2);
const probability = nn.softmax(model.apply(params, state, grid)[0], 1).at("...", 1);
await image(probability.reshape(size, size), {
  title: "Predicted probability of the second class",
  range: [0, 1],
});

const accuracy = model.apply(params, state, x)[0].argmax(1).equal(y).mean().item();
check(accuracy > 0.98, `accuracy is ${(100 * accuracy).toFixed(1)}%`);
