/**
 * A small network trained to separate two half-moons, on generated data.
 *
 *     deno run examples/mlp.ts
 *     deno run --allow-write=moons.svg examples/mlp.ts --svg=moons.svg
 *
 * With `--svg`, the decision map and the loss are drawn to that file.
 */
import {
  argmax,
  concatenate,
  cos,
  equal,
  linspace,
  mean,
  models,
  nn,
  optim,
  random,
  sin,
  stack,
  tensor,
  valueAndGrad,
} from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { drawMoons } from "./support/moons_svg.ts";

const POINTS = 100;
const STEPS = 400;

/** Two interleaved half-circles with noise: `[2 n, 2]` points and `[2 n]` classes. */
function twoMoons(key: Tensor, n: number, noise: number): { x: Tensor; y: Tensor } {
  const angle = linspace(0, Math.PI, n);
  const upper = stack([cos(angle), sin(angle)], 1);
  const lower = stack([cos(angle).neg().add(1), sin(angle).neg().add(0.5)], 1);
  const x = concatenate([upper, lower], 0);
  return {
    x: x.add(random.normal(key, x.shape).mul(noise)),
    y: tensor([...new Array(n).fill(0), ...new Array(n).fill(1)], { dtype: "int32" }),
  };
}

const [dataKey, modelKey] = random.split(random.key(0));
const { x, y } = twoMoons(dataKey, POINTS, 0.1);

const model = models.mlp([2, 16, 16, 2], { activation: nn.tanh });
const [initial, state] = model.init(modelKey);

function loss(params: typeof initial): Tensor {
  return nn.crossEntropy(model.apply(params, state, x)[0], y);
}

function accuracy(params: typeof initial): number {
  const [logits] = model.apply(params, state, x);
  return mean(equal(argmax(logits, 1), y)).item();
}

const optimizer = optim.adam(optim.cosine(0.02, { steps: STEPS }));
const lossAndGrad = valueAndGrad(loss);
let params = initial;
let memory = optimizer.init(params);
const losses: number[] = [];
for (let i = 0; i < STEPS; i++) {
  const [value, gradients] = lossAndGrad(params);
  losses.push(value.item());
  if (i % 50 === 0) {
    console.log(
      `step ${String(i).padStart(3)}: loss ${losses[i].toFixed(4)}, ` +
        `accuracy ${(100 * accuracy(params)).toFixed(1)}%`,
    );
  }
  const [updates, next] = optimizer.update(gradients, memory, params);
  params = optim.applyUpdates(params, updates);
  memory = next;
}
const last = loss(params).item();
const final = accuracy(params);
console.log(`after ${STEPS} steps: loss ${last.toFixed(4)}, accuracy ${(100 * final).toFixed(1)}%`);
if (!(final > 0.98 && last < 0.05)) throw new Error("the network did not converge");

const svg = Deno.args.find((arg) => arg.startsWith("--svg="))?.slice("--svg=".length);
if (svg !== undefined) {
  const score = (grid: Tensor): Tensor =>
    nn.softmax(model.apply(params, state, grid)[0]).at(null, 1);
  Deno.writeTextFileSync(svg, drawMoons({ x, y, score, losses }));
  console.log(`drew the decision map and the loss into ${svg}`);
}
