/**
 * ResNet-18 on one 64 by 64 image: forward, backward, one step of SGD, then a few steps that reduce a
 * mean squared error. The main example of PyTorch's autograd tutorial.
 *
 *     deno run examples/resnet18.ts
 */
import { jit, models, nn, optim, random, tree, valueAndGrad } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";

const started = performance.now();

/** Runs `work`; prints its name and duration. */
function step<T>(name: string, work: () => T): T {
  const start = performance.now();
  const result = work();
  const seconds = ((performance.now() - start) / 1000).toFixed(2);
  console.log(`[${seconds.padStart(6)} s] ${name}`);
  return result;
}

console.log("ResNet-18, 1x3x64x64, 1000 labels");

const model = models.resnet18();
const [params, state] = step("draw the parameters", () => model.init(random.key(0)));
console.log(`           ${tree.parameterCount(params).toLocaleString("en")} parameters`);

const [imageKey, labelKey] = random.split(random.key(1));
const image = random.uniform(imageKey, [1, 3, 64, 64]);
const labels = random.uniform(labelKey, [1, 1000]);

type Params = typeof params;
type State = typeof state;

/** The tutorial's loss: the plain sum of all errors. */
function sumOfErrors(p: Params, s: State): [Tensor, State] {
  const [prediction, next] = model.apply(p, s, image, { train: true });
  return [prediction.sub(labels).sum(), next];
}

/** A loss with a minimum. */
function meanSquaredError(p: Params, s: State): [Tensor, State] {
  const [prediction, next] = model.apply(p, s, image, { train: true });
  return [nn.mseLoss(prediction, labels), next];
}

const [prediction] = step("forward", () => model.apply(params, state, image, { train: true }));
console.log(`           prediction: float32[${prediction.shape}]`);

const [[loss], gradients] = step(
  "forward and backward",
  () => valueAndGrad(sumOfErrors, { hasAux: true })(params, state),
);
console.log(`           loss = sum(prediction - labels) = ${loss.item().toFixed(4)}`);
console.log(
  `           norm of the gradient = ${optim.globalNorm(gradients).item().toFixed(4)}`,
);

const optimizer = optim.sgd(0.01, { momentum: 0.9 });
step("one step of SGD (lr 0.01, momentum 0.9)", () => {
  const [updates] = optimizer.update(gradients, optimizer.init(params), params);
  return optim.applyUpdates(params, updates);
});

console.log(
  "Steps on mean((prediction - labels)²), compiled; the first is traced and compiled too:",
);
type Memory = ReturnType<typeof optimizer.init>;
const trainingStep = jit((params: Params, state: State, memory: Memory) => {
  const lossAndGrad = valueAndGrad(meanSquaredError, { hasAux: true });
  const [[loss, nextState], gradients] = lossAndGrad(params, state);
  const [updates, nextMemory] = optimizer.update(gradients, memory, params);
  return [optim.applyUpdates(params, updates), nextState, nextMemory, loss] as const;
}, { donateArgnums: [0, 1, 2] }); // The new parameters reuse the memory of the old ones.

let training = [params, state, optimizer.init(params)] as const;
const losses: number[] = [];
for (let i = 1; i <= 5; i++) {
  training = step(`step ${i}`, () => {
    const [params, state, memory, loss] = trainingStep(...training);
    losses.push(loss.item());
    return [params, state, memory] as const;
  });
  console.log(`           loss ${losses[i - 1].toFixed(6)}`);
}

if (!(losses[losses.length - 1] < losses[0])) {
  throw new Error(`The loss did not fall: ${losses.join(", ")}`);
}
const total = ((performance.now() - started) / 1000).toFixed(1);
console.log(
  `The loss fell from ${losses[0].toFixed(4)} to ${losses[4].toFixed(4)}; ${total} s in all.`,
);
