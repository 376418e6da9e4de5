/**
 * How long does a training step of ResNet-18 take, operation by operation and compiled?
 *
 *     deno bench bench/resnet18_bench.ts
 *
 * 1x3x64x64 in float32: the forward pass, forward and backward, and the full step with SGD.
 */
import { jit, models, nn, optim, random, tree, valueAndGrad } from "@jacobi/jacobi";

const model = models.resnet18();
const [params, state] = model.init(random.key(0));
const image = random.uniform(random.key(1), [1, 3, 64, 64]);
const labels = random.uniform(random.key(2), [1, 1000]);
const optimizer = optim.sgd(0.01, { momentum: 0.9 });
const memory = optimizer.init(params);

const lossAndGrad = valueAndGrad((p: typeof params) => {
  const [prediction, next] = model.apply(p, state, image, { train: true });
  return [nn.mseLoss(prediction, labels), next] as const;
}, { hasAux: true });

const group = "ResNet-18, 1x3x64x64";

Deno.bench("forward", { group, baseline: true, n: 5, warmup: 1 }, () => {
  model.apply(params, state, image, { train: true });
});
Deno.bench("forward and backward", { group, n: 5, warmup: 1 }, () => {
  lossAndGrad(params);
});
Deno.bench("full step", { group, n: 5, warmup: 1 }, () => {
  const [, gradients] = lossAndGrad(params);
  const [updates] = optimizer.update(gradients, memory, params);
  optim.applyUpdates(params, updates);
});

const forward = jit((p: typeof params) => model.apply(p, state, image, { train: true }));
const compiledLossAndGrad = jit(lossAndGrad);
const step = jit((p: typeof params, m: typeof memory) => {
  const [value, gradients] = lossAndGrad(p);
  const [updates, next] = optimizer.update(gradients, m, p);
  return [optim.applyUpdates(p, updates), next, value] as const;
}, { donateArgnums: [0, 1] });
const [own, ownMemory] = jit((p: typeof params, m: typeof memory) =>
  [tree.map((x) => x.mul(1), p), tree.map((x) => x.mul(1), m)] as const
)(params, memory);
let training = [own, ownMemory] as const;

Deno.bench("forward, compiled", { group, n: 20, warmup: 3 }, () => {
  forward(params);
});
Deno.bench("forward and backward, compiled", { group, n: 20, warmup: 3 }, () => {
  compiledLossAndGrad(params);
});
Deno.bench("full step, compiled, with donation", { group, n: 20, warmup: 3 }, () => {
  const [nextParams, nextMemory] = step(...training);
  training = [nextParams, nextMemory];
});
