// Per-example gradients
// `vmap(grad(loss))` computes one gradient per example; large norms reveal wrong labels.
import { grad, jit, nn, optim, random, scan, tree, vmap } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, scatter } from "./show.ts";

const N = 200;
const WRONG = 10;
const [dataKey, modelKey] = random.split(random.key(3));
const x = random.normal(dataKey, [N, 2]);
const truth = x.at("...", 0).add(x.at("...", 1)).greater(0).astype("float32");
// The first ten labels are wrong.
const y = truth.set([[0, WRONG]], truth.at([0, WRONG]).neg().add(1));

const model = nn.sequential(nn.linear(2, 8), nn.tanh, nn.linear(8, 1));
const [initial, state] = model.init(modelKey);
type Params = typeof initial;
const lossOfOne = (params: Params, x: Tensor, y: Tensor) =>
  nn.binaryCrossEntropyWithLogits(model.apply(params, state, x)[0].at(0), y);
const loss = (params: Params) => vmap(lossOfOne, [null, 0, 0])(params, x, y).mean();

const optimizer = optim.adam(0.02);
type State = readonly [Params, optim.OptimizerState];
const step = ([params, memory]: State): [State, null] => {
  const [updates, next] = optimizer.update(grad(loss)(params), memory, params);
  return [[optim.applyUpdates(params, updates), next], null];
};
const train = jit((params: Params) =>
  scan(step, [params, optimizer.init(params)], null, { length: 150 })[0][0]
);
const params = train(initial);

const gradients = vmap(grad(lossOfOne), [null, 0, 0])(params, x, y);
const norms = tree.leaves(gradients)
  .map((leaf) => (leaf as Tensor).square().reshape(N, -1).sum(1))
  .reduce((sum, part) => sum.add(part)).sqrt();

const suspects = norms.topK(WRONG)[1];
await scatter({ all: x, suspects: x.at(suspects) }, { title: "Examples with large gradients" });
const found = suspects.less(WRONG).sum().item();
check(found >= 8, `${found} of the ${WRONG} largest gradients belong to wrong labels`);
