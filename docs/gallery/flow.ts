// Normalising flow
// Coupling layers map two moons to a normal distribution, with an exact density.
import { concatenate, cos, exp, jit, linalg, linspace, models, nn, optim } from "@jacobi/jacobi";
import { random, scan, sin, stack, valueAndGrad } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, image, plot, scatter } from "./show.ts";

/** `n` points of two moons. */
function moons(key: Tensor, n: number): Tensor {
  const [angleKey, sideKey, noiseKey] = random.split(key, 3);
  const angle = random.uniform(angleKey, n, { maxval: Math.PI });
  const side = random.bernoulli(sideKey, 0.5, n).astype("float32");
  const sign = side.mul(-2).add(1);
  const x = cos(angle).mul(sign).add(side).sub(0.5);
  const y = sin(angle).mul(sign).add(side.mul(0.5)).sub(0.25);
  return stack([x, y], 1).add(random.normal(noiseKey, [n, 2]).mul(0.08)).mul(1.5);
}

// Coupling layers (Dinh et al., 2017): a network computes the shift of one coordinate from the other.
const LAYERS = 8;
const coupling = models.mlp([1, 32, 32, 2], { activation: nn.tanh });
const parts = Array.from({ length: LAYERS }, () => coupling);
const [initial] = nn.init(parts, random.key(0));
const [, state] = coupling.init(random.key(0));
type Params = typeof initial;

function scaleAndShift(params: Params[number], x: Tensor): Tensor[] {
  const [scale, shift] = coupling.apply(params, state, x)[0].split(2, 1);
  return [scale.tanh().mul(2), shift];
}

/** From data to noise; also the logarithm of the determinant of the Jacobian. */
function forward(params: Params, x: Tensor): [Tensor, Tensor] {
  let [a, b] = x.split(2, 1);
  let logDet = a.mul(0);
  for (const layer of params) {
    const [scale, shift] = scaleAndShift(layer, a);
    [a, b] = [b.mul(exp(scale)).add(shift), a];
    logDet = logDet.add(scale);
  }
  return [concatenate([a, b], 1), logDet.squeeze(1)];
}

/** From noise to data: the inverses of the layers, the last one first. */
function inverse(params: Params, z: Tensor): Tensor {
  let [a, b] = z.split(2, 1);
  for (const layer of [...params].reverse()) {
    const [scale, shift] = scaleAndShift(layer, b);
    [a, b] = [b, a.sub(shift).mul(exp(scale.neg()))];
  }
  return concatenate([a, b], 1);
}

function logDensity(params: Params, x: Tensor): Tensor {
  const [z, logDet] = forward(params, x);
  return z.square().sum(1).div(-2).sub(Math.log(2 * Math.PI)).add(logDet);
}

const STEPS = 800;
const optimizer = optim.adam(optim.cosine(0.004, { steps: STEPS }));
type State = readonly [Params, optim.OptimizerState];
const step = ([params, memory]: State, key: Tensor): [State, Tensor] => {
  const x = moons(key, 256);
  const [value, gradient] = valueAndGrad((p: Params) => logDensity(p, x).mean().neg())(params);
  const [updates, next] = optimizer.update(gradient, memory, params);
  return [[optim.applyUpdates(params, updates), next], value];
};
const train = jit((state: State, keys: Tensor) => scan(step, state, keys));
const start: State = [initial, optimizer.init(initial)];
const [[params], losses] = train(start, random.split(random.key(1), [STEPS]));
await plot({ "negative log likelihood": losses });
const drawn = inverse(params, random.normal(random.key(2), [600, 2]));
await scatter({ drawn }, { title: "Drawn from the flow" });

const size = 64;
const axis = linspace(-3, 3, size);
const grid = stack([axis.tile(size), axis.flip().repeat(size)], 1);
const density = exp(logDensity(params, grid));
await image(density.reshape(size, size), { title: "Its density" });

const mass = density.sum().item() * (6 / (size - 1)) ** 2;
check(Math.abs(mass - 1) < 0.06, `the density integrates to ${mass.toFixed(3)}`);
const [there] = forward(params, drawn);
check(inverse(params, there).sub(drawn).abs().max().item() < 1e-2, "the flow is invertible");
// A normal distribution with the covariance of the data, for comparison.
const centred = moons(random.key(3), 4000).sub(moons(random.key(3), 4000).mean(0));
const covariance = centred.transpose().matmul(centred).div(4000);
const normal = Math.log(2 * Math.PI * Math.E) + linalg.slogdet(covariance)[1].item() / 2;
const last = losses.at([-20, null]).mean().item();
check(last < normal - 0.5, `likelihood: ${last.toFixed(2)}, of a normal: ${normal.toFixed(2)}`);
