/**
 * Mixed precision: a convolutional network on images of bytes, trained with float32, with bfloat16, and with
 * float16 and a loss scale. Parameters stay float32 in all of them; layers compute in their
 * `computeDtype`, and the loss is float32.
 *
 *     deno run examples/mixed_precision.ts
 */
import { jit, mean, models, nn, optim, random, tensor, valueAndGrad } from "@jacobi/jacobi";
import type { Dtype, Tensor } from "@jacobi/jacobi";

const COUNT = 128;
const SIZE = 12;
const STEPS = 60;

/** Noisy images of a line in one of four directions, `uint8[COUNT, 1, SIZE, SIZE]`, and their classes. */
function drawLines(key: Tensor): { images: Tensor; labels: Tensor } {
  const [labelKey, placeKey, noiseKey] = random.split(key, 3);
  const labels = random.randint(labelKey, [COUNT], 0, 4, { dtype: "uint8" });
  const places = random.randint(placeKey, [COUNT], 3, SIZE - 3, { dtype: "uint8" });
  const pixels = random.bits(noiseKey, [COUNT, SIZE, SIZE], { dtype: "uint8" }).data();
  const [classes, offsets] = [labels.data(), places.data()];
  for (let i = 0; i < COUNT; i++) {
    for (let step = 0; step < SIZE; step++) {
      const at = offsets[i];
      const row = [at, step, step, SIZE - 1 - step][classes[i]];
      const column = [step, at, step, step][classes[i]];
      pixels[(i * SIZE + row) * SIZE + column] = 255;
    }
  }
  return { images: tensor(pixels).reshape([COUNT, 1, SIZE, SIZE]), labels };
}

function network(computeDtype: Dtype) {
  return nn.sequential(
    nn.conv2d(1, 8, 3, { padding: 1, computeDtype }),
    nn.batchNorm(8, { computeDtype }),
    nn.relu,
    nn.maxPool2d(2),
    nn.conv2d(8, 16, 3, { computeDtype }),
    nn.relu,
    nn.flatten(),
    models.mlp([256, 32, 4], { computeDtype }),
  );
}

const [dataKey, modelKey] = random.split(random.key(0));
const { images, labels } = drawLines(dataKey);
const classes = labels.astype("int32");

/** The losses of all steps, and the number of steps skipped by the loss scale. */
function train(computeDtype: Dtype, scaling: optim.LossScaleOptions) {
  const model = network(computeDtype);
  const [initial, initialState] = model.init(modelKey);
  // A loss scale of 1 that neither grows nor shrinks changes nothing.
  const optimizer = optim.lossScale(optim.adam(3e-3), scaling);
  const start = optimizer.init(initial);
  const step = jit((params: typeof initial, state: typeof initialState, memory: typeof start) => {
    const scaledLoss = (own: typeof params) => {
      const [logits, next] = model.apply(own, state, images.astype(computeDtype).div(255), {
        train: true,
      });
      const loss = nn.crossEntropy(logits.astype("float32"), classes);
      return [loss.mul(memory.scale), { loss, next }] as const;
    };
    const [[, { loss, next }], grads] = valueAndGrad(scaledLoss, { hasAux: true })(params);
    const [updates, after] = optimizer.update(grads, memory, params);
    return [loss, optim.applyUpdates(params, updates), next, after] as const;
  });
  let [params, state, memory] = [initial, initialState, start];
  const losses: number[] = [];
  for (let i = 0; i < STEPS; i++) {
    const [loss, nextParams, nextState, nextMemory] = step(params, state, memory);
    [params, state, memory] = [nextParams, nextState, nextMemory];
    losses.push(loss.item());
  }
  return { losses, skipped: memory.skippedSteps.item(), scale: memory.scale.item() };
}

const still = { initialScale: 1, growthFactor: 1, backoffFactor: 1 };
const runs = {
  float32: train("float32", still),
  bfloat16: train("bfloat16", still),
  // So large at first that some gradients are infinite: those steps are skipped.
  float16: train("float16", { initialScale: 2 ** 22, growthInterval: 20 }),
};

console.log(["step", ...Object.keys(runs)].map((name) => name.padStart(9)).join(" "));
for (let i = 0; i < STEPS; i += 6) {
  const row = Object.values(runs).map(({ losses }) => losses[i].toFixed(4));
  console.log([String(i), ...row].map((text) => text.padStart(9)).join(" "));
}
const { skipped, scale } = runs.float16;
console.log(`float16: ${skipped} steps left out, the scale is 2^${Math.log2(scale)} in the end`);

for (const [name, { losses }] of Object.entries(runs)) {
  const last = mean(losses.slice(-5)).item();
  if (!(last < 0.1)) throw new Error(`the network did not converge in ${name}: loss ${last}`);
}
if (skipped === 0) throw new Error("no step was left out");
