// Diffusion model
// A network learns to denoise points of a spiral, then generates new points from noise.
import { arange, concatenate, cumprod, jit, linspace, models, nn, optim } from "@jacobi/jacobi";
import { random, scan, stack, valueAndGrad } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, plot, scatter } from "./show.ts";

const STEPS = 50;

/** `n` points of a spiral. */
function spiral(key: Tensor, n: number): Tensor {
  const t = random.uniform(key, n).sqrt().mul(3 * Math.PI);
  return stack([t.cos().mul(t), t.sin().mul(t)], 1).div(5);
}

// The share of the signal that remains after each step (Ho et al., 2020).
const betas = linspace(0.001, 0.15, STEPS);
const left = cumprod(betas.neg().add(1), 0);

const model = models.mlp([2 + 8, 96, 96, 2], { activation: nn.silu });
const [initial, state] = model.init(random.key(0));
type Params = typeof initial;

/** The network's prediction of the noise in points `[n, 2]` at steps `[n]`. */
function noiseIn(params: Params, x: Tensor, t: Tensor): Tensor {
  const angles = t.expandDims(1).div(STEPS).mul(linspace(1, 8, 4));
  return model.apply(params, state, concatenate([x, angles.sin(), angles.cos()], 1))[0];
}

function loss(params: Params, key: Tensor): Tensor {
  const [dataKey, stepKey, noiseKey] = random.split(key, 3);
  const x = spiral(dataKey, 256);
  const t = random.randint(stepKey, 256, 0, STEPS);
  const noise = random.normal(noiseKey, [256, 2]);
  const share = left.take(t).expandDims(1);
  const noisy = x.mul(share.sqrt()).add(noise.mul(share.neg().add(1).sqrt()));
  return nn.mseLoss(noiseIn(params, noisy, t.astype("float32")), noise);
}

const TRAINING = 1800;
const optimizer = optim.adam(optim.cosine(0.004, { steps: TRAINING }));
type State = readonly [Params, optim.OptimizerState];
const step = ([params, memory]: State, key: Tensor): [State, Tensor] => {
  const [value, gradient] = valueAndGrad(loss)(params, key);
  const [updates, next] = optimizer.update(gradient, memory, params);
  return [[optim.applyUpdates(params, updates), next], value];
};
const train = jit((state: State, keys: Tensor) => scan(step, state, keys));
const start: State = [initial, optimizer.init(initial)];
const [[params], losses] = train(start, random.split(random.key(1), [TRAINING]));
await plot({ loss: losses }, { title: "Loss by step" });

/** From noise to points, by the steps of the reverse process in sequence. */
const sample = jit((key: Tensor) => {
  const reverse = (x: Tensor, t: Tensor): [Tensor, null] => {
    const [beta, share] = [betas.take(t), left.take(t)];
    const noise = noiseIn(params, x, t.astype("float32").broadcastTo([400]));
    const mean = x.sub(noise.mul(beta.div(share.neg().add(1).sqrt()))).div(
      beta.neg().add(1).sqrt(),
    );
    const fresh = random.normal(random.foldIn(key, t), [400, 2]).mul(t.greater(0));
    return [mean.add(fresh.mul(beta.sqrt())), null];
  };
  const steps = arange(STEPS, { dtype: "int32" }).flip();
  return scan(reverse, random.normal(key, [400, 2]), steps)[0];
});
const drawn = sample(random.key(2));
const truth = spiral(random.key(3), 1000);
await scatter({ drawn }, { title: "Points drawn by the model" });

/** The mean distance of points to the nearest of many points of the spiral. */
const away = (x: Tensor) => x.expandDims(1).sub(truth).square().sum(2).min(1).sqrt().mean().item();
const [noise, model2] = [away(random.normal(random.key(4), [400, 2])), away(drawn)];
check(
  model2 < noise / 2,
  `distance from the spiral: noise ${noise.toFixed(2)}, model ${model2.toFixed(2)}`,
);
