// Cart-pole by policy gradients
// REINFORCE trains a policy that balances a pole on a cart.
import { grad, jit, models, nn, optim, random, scan, stack, sum, vmap } from "@jacobi/jacobi";
import { where } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, plot } from "./show.ts";

const LENGTH = 200;
const GAMES = 32;

/** Cart and pole after 0.02 s under a force (Barto, Sutton and Anderson, 1983). */
function advance(s: Tensor, force: Tensor): Tensor {
  const [x, v, angle, spin] = [0, 1, 2, 3].map((i) => s.at(i));
  const [sin, cos] = [angle.sin(), angle.cos()];
  const pull = force.add(spin.square().mul(sin).mul(0.05)).div(1.1);
  const turn = sin.mul(9.8).sub(cos.mul(pull))
    .div(cos.square().mul(-0.1 / 1.1).add(4 / 3).mul(0.5));
  const push = pull.sub(turn.mul(cos).mul(0.05 / 1.1));
  const change = stack([v, push, spin, turn]);
  return stack([x, v, angle, spin]).add(change.mul(0.02));
}

const policy = models.mlp([4, 16, 2], { activation: nn.tanh });
const [initial, state] = policy.init(random.key(0));
type Params = typeof initial;

/** One game: states, actions, and whether the pole was still upright. */
function play(params: Params, key: Tensor): [Tensor, Tensor, Tensor] {
  const [startKey, actionKey] = random.split(key);
  const start = random.uniform(startKey, 4, { minval: -0.05, maxval: 0.05 });
  return scan(
    ([s, alive], key) => {
      const logits = policy.apply(params, state, s)[0];
      const action = random.categorical(key, logits);
      const next = advance(s, action.mul(20).sub(10).astype("float32"));
      const stands = next.at(2).abs().less(0.21).logicalAnd(next.at(0).abs().less(2.4));
      const still = alive.mul(stands.astype("float32"));
      return [[where(still.greater(0), next, s), still], [s, action, alive]];
    },
    [start, start.at(0).mul(0).add(1)] as const,
    random.split(actionKey, [LENGTH]),
  )[1] as [Tensor, Tensor, Tensor];
}

/** The objective of the policy gradient; rewards are how long the pole stays up afterwards. */
function objective(params: Params, [states, actions, alive]: readonly Tensor[]): Tensor {
  const after = alive.flip(1).cumsum(1).flip(1);
  const advantage = after.sub(after.mean(0)).div(after.std(0).add(1e-3));
  const logits = policy.apply(params, state, states)[0];
  const logProb = nn.logSoftmax(logits, -1).mul(actions.oneHot(2)).sum(-1);
  return sum(logProb.mul(advantage).mul(alive)).div(-GAMES);
}

const optimizer = optim.adam(0.01);
type State = readonly [Params, optim.OptimizerState];
const step = ([params, memory]: State, key: Tensor): [State, Tensor] => {
  const games = vmap(play, [null, 0])(params, random.split(key, [GAMES]));
  const [updates, next] = optimizer.update(grad(objective)(params, games), memory, params);
  return [[optim.applyUpdates(params, updates), next], games[2].sum(1).mean()];
};
const train = jit((state: State, keys: Tensor) => scan(step, state, keys));
const keys = random.split(random.key(1), [120]);
const [, lengths] = train([initial, optimizer.init(initial)], keys);
await plot({ steps: lengths }, { title: "Episode length (at most 200 steps)" });
const [first, last] = [lengths.at(0).item(), lengths.at([-10, null]).mean().item()];
check(
  last > 150 && last > 4 * first,
  `${first.toFixed(0)} steps at first, ${last.toFixed(0)} at last`,
);
