/**
 * A gradient for each example, not only their mean: `vmap(grad(loss))`, compiled.
 *
 *     deno run examples/per_sample_gradients.ts
 *
 * The norms of these gradients show which examples a network struggles with: here, those with a
 * wrong label. Each gradient can also be bounded individually, as in differentially private training,
 * where no single example may move the parameters by much (Abadi et al., "Deep learning with
 * differential privacy", 2016, algorithm 1).
 */
import {
  argmax,
  argsort,
  concatenate,
  equal,
  grad,
  greater,
  jit,
  mean,
  minimum,
  models,
  nn,
  optim,
  random,
  sum,
  tensor,
  tree,
  vmap,
} from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { assertTensorsClose } from "@jacobi/jacobi/testing";

/** The number of examples of each class, and how many of the first ones have a wrong label. */
const COUNT = 100;
const WRONG = 4;

const [pointKey, modelKey, noiseKey] = random.split(random.key(0), 3);
const noise = random.normal(pointKey, [2 * COUNT, 2]).mul(0.5);
const centres = concatenate([
  tensor([[-1, 0]]).repeat(COUNT, 0),
  tensor([[1, 0]]).repeat(COUNT, 0),
]);
const x = centres.add(noise);
const truth = [...new Array(COUNT).fill(0), ...new Array(COUNT).fill(1)];
const y = tensor(truth.map((label, i) => i < WRONG ? 1 - label : label), { dtype: "int32" });

const model = models.mlp([2, 16, 2], { activation: nn.tanh });
const [initial, state] = model.init(modelKey);
type Params = typeof initial;

/** The loss of one example, or the mean loss of several. */
function loss(params: Params, x: Tensor, y: Tensor): Tensor {
  return nn.crossEntropy(model.apply(params, state, x)[0], y);
}

function accuracy(params: Params): number {
  const labels = tensor(truth, { dtype: "int32" });
  return mean(equal(argmax(model.apply(params, state, x)[0], 1), labels)).item();
}

/** Like the parameters, but each leaf holds one gradient for each example. */
const perSample = jit(vmap(grad(loss), [null, 0, 0]));
const gradients = perSample(initial, x, y);

// The same as computed one by one; their mean is the gradient of the mean.
for (const i of [0, 57, 2 * COUNT - 1]) {
  const alone = grad(loss)(initial, x.at(i), y.at(i));
  assertTensorsClose(tree.map((leaf) => leaf.at(i), gradients), alone, { atol: 1e-6 });
}
const means = tree.map((leaf) => mean(leaf, 0), gradients);
assertTensorsClose(means, grad(loss)(initial, x, y), { atol: 1e-6 });
console.log(
  `${2 * COUNT} gradients by ${tree.parameterCount(initial)} parameters, ` +
    `the same as one by one and as the gradient of the mean loss`,
);

/** The gradient of one example, clipped to the norm `bound`, and its norm before. */
function clipped(params: Params, x: Tensor, y: Tensor, bound: number): [Params, Tensor] {
  const gradient = grad(loss)(params, x, y);
  const norm = optim.globalNorm(gradient);
  const factor = minimum(1, norm.reciprocal().mul(bound));
  return [tree.map((leaf) => leaf.mul(factor), gradient), norm];
}

const BOUND = 0.5;
/** The standard deviation of the noise, in units of the bound. */
const NOISE = 1;
const STEPS = 100;

const optimizer = optim.sgd(0.5);

/** One step of private training: bounded gradients, their sum with noise, and its mean. */
const train = jit((params: Params, key: Tensor) => {
  const each = (x: Tensor, y: Tensor) => clipped(params, x, y, BOUND);
  const [shortened, norms] = vmap(each)(x, y);
  const leaves = tree.leaves(shortened);
  const keys = random.split(key, leaves.length);
  const noisy = leaves.map((leaf, i) =>
    sum(leaf, 0).add(random.normal(keys[i], leaf.shape.slice(1)).mul(NOISE * BOUND))
      .div(2 * COUNT)
  );
  const gradient = tree.unflatten(tree.structure(params), noisy) as Params;
  const [updates] = optimizer.update(gradient, optimizer.init(params), params);
  return [optim.applyUpdates(params, updates), norms] as const;
});

let params = initial;
for (let i = 0; i < STEPS; i++) {
  const [next, norms] = train(params, random.foldIn(noiseKey, i));
  if (i % 20 === 0) {
    const long = sum(greater(norms, BOUND)).item();
    console.log(
      `step ${String(i).padStart(3)}: mean norm ${norms.mean().item().toFixed(3)}, ` +
        `${String(long).padStart(3)} shortened, accuracy ${(100 * accuracy(params)).toFixed(1)}%`,
    );
  }
  params = next;
}

const norms = vmap((x: Tensor, y: Tensor) => clipped(params, x, y, BOUND)[1])(x, y);
const longest = [...argsort(norms, 0, { descending: true }).at([0, 2 * WRONG]).data()];
const found = longest.filter((i) => i < WRONG).length;
console.log(
  `the ${2 * WRONG} longest gradients come from the examples ${longest.join(", ")}; ` +
    `those with a wrong label are 0 to ${WRONG - 1}`,
);
const final = accuracy(params);
console.log(`accuracy after ${STEPS} private steps: ${(100 * final).toFixed(1)}%`);
if (found < WRONG) throw new Error("a wrong label does not show in the norms of the gradients");
if (!(final > 0.95)) throw new Error("the network did not learn in private");
