/**
 * How is the time of a compiled training step of ResNet-18 distributed?
 *
 *     deno run bench/resnet18_profile.ts [images] [size]
 */
import { inspect, jit, models, nn, optim, random, valueAndGrad, zeros } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";

const [images = 1, size = 64] = Deno.args.map(Number);
const RUNS = 10;

const model = models.resnet18();
const [params, state] = model.init(random.key(0));
const optimizer = optim.sgd(0.01, { momentum: 0.9 });
const image = random.uniform(random.key(1), [images, 3, size, size]);
const labels = zeros([images], { dtype: "int32" });

const step = jit((p: typeof params, s: typeof state, m: typeof memory, x: Tensor) => {
  const [[loss, next], gradients] = valueAndGrad((p: typeof params) => {
    const [logits, next] = model.apply(p, s, x, { train: true });
    return [nn.crossEntropy(logits, labels), next] as const;
  }, { hasAux: true })(p);
  const [updates, nextMemory] = optimizer.update(gradients, m, p);
  return [optim.applyUpdates(p, updates), next, nextMemory, loss] as const;
}, { donateArgnums: [0, 1, 2] });

const memory = optimizer.init(params);
let [p, s, m] = [params, state, memory];
const train = inspect.profile((steps: number) => {
  for (let i = 0; i < steps; i++) [p, s, m] = step(p, s, m, image);
});
train(1);
console.log(String(train(RUNS)));
