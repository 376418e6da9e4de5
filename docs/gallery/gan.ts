// Generative adversarial network
// A generator and a discriminator learn a distribution of points on a circle.
import { grad, jit, models, nn, optim, random, scan, stack } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, scatter } from "./show.ts";

/** `n` points near the unit circle. */
function ring(key: Tensor, n: number): Tensor {
  const [angleKey, noiseKey] = random.split(key);
  const angle = random.uniform(angleKey, n, { maxval: 2 * Math.PI });
  return stack([angle.cos(), angle.sin()], 1).add(random.normal(noiseKey, [n, 2]).mul(0.05));
}

const generator = models.mlp([2, 32, 32, 2], { activation: nn.relu });
const critic = models.mlp([2, 32, 32, 1], { activation: nn.leakyRelu });
const [initial, state] = nn.init({ generator, critic }, random.key(0));
type Params = typeof initial;

const generate = (params: Params["generator"], key: Tensor, n: number) =>
  generator.apply(params, state.generator, random.normal(key, [n, 2]))[0];
const judge = (params: Params["critic"], x: Tensor) => critic.apply(params, state.critic, x)[0];

// Both are trained in every step, with gradients of different losses.
const optimizer = optim.adam(0.002, { beta1: 0.5 });
type State = readonly [Params, optim.OptimizerState];
const step = ([params, memory]: State, key: Tensor): [State, null] => {
  const [realKey, fakeKey] = random.split(key);
  const real = ring(realKey, 128);
  const gradient = grad((p: Params) => {
    const made = generate(p.generator, fakeKey, 128);
    const fixed = generate(params.generator, fakeKey, 128);
    const fooled = nn.softplus(judge(params.critic, made).neg()).mean();
    const right = nn.softplus(judge(p.critic, real).neg()).mean();
    const caught = nn.softplus(judge(p.critic, fixed)).mean();
    return fooled.add(right).add(caught);
  })(params);
  const [updates, next] = optimizer.update(gradient, memory, params);
  return [[optim.applyUpdates(params, updates), next], null];
};
const train = jit((state: State, keys: Tensor) => scan(step, state, keys)[0]);
const [params] = train([initial, optimizer.init(initial)], random.split(random.key(1), [2000]));

const [before, after] = [initial, params].map((p) => generate(p.generator, random.key(2), 500));
await scatter({ data: ring(random.key(3), 500), generated: after }, { title: "After training" });

const away = (x: Tensor) => x.norm(1).sub(1).abs().mean().item();
console.log(
  `mean distance from the ring: ${away(before).toFixed(2)}, then ${away(after).toFixed(2)}`,
);
check(away(after) < 0.25, "generated points are near the ring");
const octants = new Set(
  await after.at("...", 1).atan2(after.at("...", 0)).div(Math.PI / 4).floor().read(),
);
check(octants.size >= 7, `they cover it: ${octants.size} of 8 sectors`);
