/**
 * The measurements of `run.ts` in each runtime.
 *
 * @module
 */
import { configure, inspect, jit, matmul, nn, optim, random, valueAndGrad } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";

/** Times of many calls, in milliseconds. */
export interface Times {
  readonly median: number;
  readonly least: number;
}

/** Times on one thread, and the features of the engine. */
export interface Measured {
  readonly load: Times;
  readonly product: Times;
  readonly step: Times;
  readonly engine: unknown;
}

/** The times of calls over three seconds. */
function measure(call: () => void): Times {
  const times: number[] = [];
  const end = performance.now() + 3000;
  // Ten calls give the engine time to replace its baseline code.
  for (let i = 0; i < 10 || performance.now() < end; i++) {
    const start = performance.now();
    call();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return { median: times[times.length >> 1], least: times[0] };
}

/** Measures; the argument is the loading time of this program in milliseconds. */
export function run(load: number): Measured {
  configure({ threads: 1 });
  const a = random.normal(random.key(0), [512, 512]);
  const multiply = jit(matmul);
  const product = measure(() => void multiply(a, a).at(0, 0).item());

  const layers = [784, 512, 256, 10];
  const model = nn.sequential(
    nn.linear(layers[0], layers[1]),
    nn.relu,
    nn.linear(layers[1], layers[2]),
    nn.relu,
    nn.linear(layers[2], layers[3]),
  );
  let [params, state] = model.init(random.key(1));
  const x = random.normal(random.key(2), [128, 784]);
  const labels = random.randint(random.key(3), [128], 0, 10);
  const optimizer = optim.sgd(0.01, { momentum: 0.9 });
  let memory = optimizer.init(params);
  const loss = (p: typeof params): Tensor => nn.crossEntropy(model.apply(p, state, x)[0], labels);
  const train = jit((p: typeof params, slots: typeof memory) => {
    const [value, grads] = valueAndGrad(loss)(p);
    const [updates, next] = optimizer.update(grads, slots, p);
    return [value, optim.applyUpdates(p, updates), next] as const;
  }, { donateArgnums: [0, 1] });
  const step = measure(() => {
    const [value, nextParams, nextMemory] = train(params, memory);
    value.item();
    [params, memory] = [nextParams, nextMemory];
  });
  return { load: { median: load, least: load }, product, step, engine: inspect.engine() };
}
