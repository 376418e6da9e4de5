// Fine-tuning with LoRA
// A frozen network learns a second task through low-rank changes of its weights.
import { jit, linspace, models, nn, optim, random, scan, sin, tree } from "@jacobi/jacobi";
import { valueAndGrad } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, plot, table } from "./show.ts";

const x = linspace(-3, 3, 128).expandDims(1);
const first = sin(x.mul(2));
const second = sin(x.mul(2)).add(x.mul(0.5));

/** Trains parameters of any structure for 400 steps. */
function fit<P>(start: P, loss: (params: P) => Tensor): [P, Tensor] {
  const optimizer = optim.adam(0.01);
  type State = readonly [P, optim.OptimizerState];
  const step = ([params, memory]: State): [State, Tensor] => {
    const [value, gradient] = valueAndGrad(loss as (params: unknown) => Tensor)(params);
    const [updates, next] = optimizer.update(gradient, memory, params);
    return [[optim.applyUpdates(params, updates), next], value];
  };
  const run = jit((params: P) =>
    scan<State, null, Tensor>(step, [params, optimizer.init(params)], null, { length: 400 })
  );
  const [[params], losses] = run(start) as [State, Tensor];
  return [params, losses];
}

const network = models.mlp([1, 64, 64, 1], { activation: nn.tanh });
const [initial, state] = network.init(random.key(0));
const [trained, before] = fit(
  initial,
  (params) => nn.mseLoss(network.apply(params, state, x)[0], first),
);

// The same network with low-rank changes added to every weight.
const tuned = nn.lora(network, { rank: 2 });
const [fresh, tunedState] = tuned.init(random.key(1));
const whole = { ...fresh, base: trained };
const [factors, frozen] = tree.partition(whole, (path) => path.startsWith("lora."));
const loss = (factors: unknown) =>
  nn.mseLoss(tuned.apply(tree.merge(factors, frozen) as typeof whole, tunedState, x)[0], second);
const [changed, after] = fit<unknown>(factors, loss);

await plot({ "first task": before, "second task, factors only": after }, {
  title: "Loss by step",
  logY: true,
});
const [all, few] = [tree.parameterCount(trained), tree.parameterCount(factors)];
await table([
  { training: "whole network", parameters: all, loss: before.at(-1).item() },
  { training: "factors", parameters: few, loss: after.at(-1).item() },
]);
check(after.at(0).item() > 0.2, "the second task was not solved before");
check(loss(changed).item() < 0.01, `${few} of ${all + few} parameters learned it`);
