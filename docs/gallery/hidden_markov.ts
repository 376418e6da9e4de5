// Hidden Markov model
// The forward algorithm as a scan; its gradients give state probabilities and train the model.
import { concatenate, exp, grad, jit, log, nn, optim, random, scan, tensor } from "@jacobi/jacobi";
import { zeros } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, plot, table } from "./show.ts";

const N = 600;
// A casino that switches between a fair die and a loaded one.
const change = tensor([[0.95, 0.05], [0.1, 0.9]]);
const dice = tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 5]]).div(tensor([[6], [10]]));

const [, [states, rolls]] = scan(
  (state, key) => {
    const [stateKey, rollKey] = random.split(key);
    const next = random.categorical(stateKey, log(change.take(state, 0)));
    return [next, [next, random.categorical(rollKey, log(dice.take(next, 0)))]];
  },
  tensor(0, { dtype: "int32" }),
  random.split(random.key(4), [N]),
);

interface Params {
  readonly change: Tensor;
  readonly dice: Tensor;
}
/** The logarithm of the likelihood of rolls, given as scores `[N, 2]` of both states. */
function likelihood(logChange: Tensor, scores: Tensor): Tensor {
  const start = scores.at(0).sub(Math.log(2));
  const [last] = scan(
    (alpha, score) => {
      return [alpha.expandDims(1).add(logChange).logsumexp(0).add(score), null];
    },
    start,
    scores.at([1, null]),
  );
  return last.logsumexp();
}
const scoresOf = (logDice: Tensor) => logDice.take(rolls, 1).transpose();

// The derivative with respect to the scores is the probability of each state at each time, given all rolls.
const chances = jit(grad(likelihood, { argnums: 1 }))(log(change), scoresOf(log(dice)));
await plot({ "true state": states.astype("float32"), "its probability": chances.at(null, 1) }, {
  title: "Probability of the loaded die",
});
check(chances.sum(1).sub(1).abs().max().item() < 1e-3, "probabilities sum to one");
const right = chances.at(null, 1).greater(0.5).equal(states.equal(1)).mean().item();
check(right > 0.75, `${(100 * right).toFixed(0)}% of the states are recognised`);

// Now the dice and the transition probabilities are unknown.
const loss = ({ change, dice }: Params) =>
  likelihood(nn.logSoftmax(change), scoresOf(nn.logSoftmax(dice))).div(-N);
const optimizer = optim.adam(0.05);
type State = readonly [Params, optim.OptimizerState];
const step = ([params, memory]: State): [State, Tensor] => {
  const [updates, next] = optimizer.update(grad(loss)(params), memory, params);
  return [[optim.applyUpdates(params, updates), next], loss(params)];
};
const start: Params = {
  change: tensor([[2, 0], [0, 2]]),
  dice: concatenate([zeros([1, 6]), zeros([1, 5]).pad([[0, 0], [0, 1]], { value: 1 })]),
};
const train = jit((start: Params) =>
  scan(step, [start, optimizer.init(start)], null, { length: 300 })
);
const [[params], losses] = train(start);
await plot({ "negative log likelihood per roll": losses });
const found = exp(nn.logSoftmax(params.dice));
await table(Array.from({ length: 6 }, (_, i) => ({
  face: i + 1,
  "first die": found.at(0, i).item(),
  "second die": found.at(1, i).item(),
})));
const truth = likelihood(log(change), scoresOf(log(dice))).div(-N).item();
check(losses.at(-1).item() < truth + 0.005, "the learned model is as likely as the true one");
check(found.at(1, 5).item() > 0.35, "one die shows six too often");
