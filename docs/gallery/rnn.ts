// Recurrent network
// A GRU learns sums of two sines and continues them from its own predictions.
import { arange, concatenate, jit, nn, optim, random, scan, sin } from "@jacobi/jacobi";
import { valueAndGrad } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, plot } from "./show.ts";

const BATCH = 16;
const LENGTH = 60;

/** `count` signals with random phases: `[length, count, 1]`. */
function signals(key: Tensor, count: number, length: number): Tensor {
  const phases = random.uniform(key, [2, count], { maxval: 2 * Math.PI });
  const time = arange(length).reshape(length, 1);
  const fast = sin(time.mul(0.5).add(phases.at(0)));
  const slow = sin(time.mul(0.2).add(phases.at(1)));
  return fast.add(slow).div(2).expandDims(-1);
}

const [modelKey, dataKey, testKey] = random.split(random.key(1), 3);
const cell = nn.gruCell(1, 24);
const readout = nn.linear(24, 1);
const [initial] = nn.init({ cell, readout }, modelKey);
type Params = typeof initial;

/** The state after an input, and the network's prediction of the next value. */
function advance(params: Params, hidden: Tensor, x: Tensor): [Tensor, Tensor] {
  const [next] = cell.apply(params.cell, {}, [x, hidden]);
  return [next, readout.apply(params.readout, {}, next)[0]];
}
const rest = (x: Tensor) => x.at(0).mul(0).tile([1, 24]);

function loss(params: Params, x: Tensor): Tensor {
  const [, expected] = scan((hidden, x) => advance(params, hidden, x), rest(x), x.at([null, -1]));
  return nn.mseLoss(expected.at([10, null]), x.at([11, null]));
}

const optimizer = optim.adam(0.01);
type State = readonly [Params, optim.OptimizerState];
const step = ([params, memory]: State, key: Tensor): [State, Tensor] => {
  const [value, gradient] = valueAndGrad(loss)(params, signals(key, BATCH, LENGTH));
  const [updates, next] = optimizer.update(gradient, memory, params);
  return [[optim.applyUpdates(params, updates), next], value];
};
const train = jit((state: State, keys: Tensor) => scan(step, state, keys));
const [[params], losses] = train(
  [initial, optimizer.init(initial)],
  random.split(dataKey, [250]),
);
await plot({ loss: losses }, { title: "Loss by step", logY: true });

/** Processes the first half of a signal, then its own predictions only. */
const goOn = jit((params: Params, x: Tensor) => {
  const [hidden, shown] = scan((h, x) => advance(params, h, x), rest(x), x.at([0, 40]));
  const [, own] = scan(
    ([h, value]) => {
      const [next, following] = advance(params, h, value);
      return [[next, following], value];
    },
    [hidden, shown.at(-1)] as const,
    null,
    { length: 40 },
  );
  return concatenate([x.at([0, 40]), own]);
});
const test = signals(testKey, 4, 80);
const continued = goOn(params, test);
await plot(
  { truth: test.at("...", 0, 0), network: continued.at("...", 0, 0) },
  { title: "The second half is the network's own" },
);
const error = nn.mseLoss(continued.at([40, 60]), test.at([40, 60])).item();
check(error < 0.05, `the next 20 values are found: mean squared error ${error.toFixed(4)}`);
