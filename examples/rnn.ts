/**
 * A recurrent network that learns to continue a signal: a sum of two sines with new phases.
 * It reads twenty values, and then its own predictions.
 *
 *     deno run examples/rnn.ts
 *
 * Both halves are a `scan`: `nn.gru` runs over one, and the continuation is another, whose carry is
 * the network's state and its last prediction. A scan is one operation, however long:
 * training differentiates through both, and `jit` compiles each to one loop.
 */
import {
  arange,
  expandDims,
  jit,
  nn,
  optim,
  random,
  scan,
  sin,
  split,
  valueAndGrad,
} from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";

const STEPS = 250;
const BATCH = 16;
/** The numbers of values that the network reads, that it predicts in training, and that it predicts afterwards. */
const SHOWN = 20;
const CONTINUED = 20;
const TESTED = 40;

/** `count` signals of `length` values with random phases: `[length, count, 1]`. */
function signals(key: Tensor, count: number, length: number): Tensor {
  const phases = random.uniform(key, [2, count], { maxval: 2 * Math.PI });
  const time = arange(length).reshape([length, 1]);
  const fast = sin(time.mul(0.5).add(phases.at(0)));
  const slow = sin(time.mul(0.2).add(phases.at(1)));
  return expandDims(fast.add(slow).div(2), -1);
}

const [modelKey, dataKey, testKey] = random.split(random.key(1), 3);
const parts = { memory: nn.gru(1, 32), readout: nn.linear(32, 1) };
const [initial] = nn.init(parts, modelKey);
type Params = typeof initial;

/** A network that predicts the `count` values after `x`, `[T, B, 1]`. */
function continuation(count: number) {
  return nn.module(parts, ({ memory, readout }, x: Tensor) => {
    const [outputs, hidden] = memory(x);
    const [, values] = scan(
      ([hidden, value]) => {
        const [output, next] = memory([expandDims(value, 0), hidden]);
        return [[next, readout(output.at(0))], value];
      },
      [hidden, readout(outputs.at(-1))],
      null,
      { length: count },
    );
    return values;
  });
}

/** The network's prediction of the `count` values after `x`. */
function goOn(params: Params, x: Tensor, count: number): Tensor {
  const network = continuation(count);
  return network.apply(params, network.init(modelKey)[1], x)[0];
}

/** The mean squared error of the continuations of signals `x`. */
function loss(params: Params, x: Tensor): Tensor {
  const [shown, truth] = split(x, [SHOWN], 0);
  return nn.mseLoss(goOn(params, shown, CONTINUED), truth);
}

const optimizer = optim.adam(optim.cosine(0.01, { steps: STEPS }));
const train = jit((params: Params, state: ReturnType<typeof optimizer.init>, key: Tensor) => {
  const x = signals(key, BATCH, SHOWN + CONTINUED);
  const [value, gradients] = valueAndGrad(loss)(params, x);
  const [updates, next] = optimizer.update(gradients, state, params);
  return [optim.applyUpdates(params, updates), next, value] as const;
});

let [params, state] = [initial, optimizer.init(initial)];
for (let i = 0; i < STEPS; i++) {
  const [nextParams, nextState, value] = train(params, state, random.foldIn(dataKey, i));
  [params, state] = [nextParams, nextState];
  if (i % 50 === 0) console.log(`step ${String(i).padStart(3)}: loss ${value.item().toFixed(5)}`);
}

const test = signals(testKey, 100, SHOWN + TESTED);
const [shown, truth] = split(test, [SHOWN], 0);
const [untrained, trained] = [initial, params].map((params) => goOn(params, shown, TESTED));

/** A value from -1 to 1 as a position on a line. */
function place(value: number): number {
  return Math.round((Math.min(Math.max(value, -1), 1) + 1) * 20);
}

console.log("how one signal goes on (o), and how the network thinks that it does (x), both (*):");
for (let t = 0; t < TESTED; t += 2) {
  const line: string[] = new Array(41).fill(" ");
  const [o, x] = [truth, trained].map((values) => place(values.at(t, 0, 0).item()));
  line[o] = "o";
  line[x] = o === x ? "*" : "x";
  console.log(`${String(t + 1).padStart(4)} |${line.join("")}|`);
}

const [before, after] = [untrained, trained].map((values) => nn.mseLoss(values, truth).item());
const variance = truth.square().mean().item();
console.log(
  `mean squared error over ${TESTED} values: ${before.toFixed(4)} untrained, ` +
    `${after.toFixed(4)} trained (always zero would give ${variance.toFixed(4)})`,
);
if (!(after < 0.1 * variance)) throw new Error("the network did not learn to continue the signal");
