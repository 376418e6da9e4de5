/**
 * A training step exported to JAX: as StableHLO, with the names, types and first values of its arguments.
 * `run_in_jax.py` loads it as a function that JAX compiles, shards and runs on its own devices.
 *
 *     deno run examples/export_to_jax.ts > step.json
 *     python3 examples/run_in_jax.py step.json
 *
 * Standard output is one JSON object; standard error is a line that summarises it.
 */
import { jit, nn, optim, random, tree, valueAndGrad } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";

const BATCH = 32;
const STEPS = 5;

const [dataKey, labelKey, modelKey] = random.split(random.key(0), 3);
const x = random.normal(dataKey, [BATCH, 16]);
const y = random.randint(labelKey, [BATCH], 0, 4);

const model = nn.sequential(nn.linear(16, 64), nn.layerNorm(64), nn.linear(64, 4));
const [params, state] = model.init(modelKey);
const optimizer = optim.sgd(0.1, { momentum: 0.9 });

type Params = typeof params;

/** The next parameters, the optimiser's state, and the loss. All inputs are arguments. */
function step(params: Params, momentum: ReturnType<typeof optimizer.init>, x: Tensor, y: Tensor) {
  const loss = (params: Params) => nn.crossEntropy(model.apply(params, state, x)[0], y);
  const [value, grads] = valueAndGrad(loss)(params);
  const [updates, next] = optimizer.update(grads, momentum, params);
  return { params: optim.applyUpdates(params, updates), momentum: next, loss: value };
}

/** The description of a tensor, without its elements. */
function describe({ dtype, shape }: Tensor, path: string) {
  return { path, dtype, shape };
}

/** The elements in base64, little-endian. */
function elementsOf(x: Tensor): string {
  const data = x.data();
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

const compiled = jit(step);
const args = { params, momentum: optimizer.init(params), x, y };
const lowered = compiled.lower(args.params, args.momentum, args.x, args.y);

// The results of the step here, for comparison with JAX's.
const losses: number[] = [];
let [weights, momentum] = [args.params, args.momentum];
for (let i = 0; i < STEPS; i++) {
  const result = compiled(weights, momentum, x, y);
  losses.push(result.loss.item());
  [weights, momentum] = [result.params as Params, result.momentum as typeof momentum];
}

const example = compiled(args.params, args.momentum, args.x, args.y);
const inputs = tree.leaves([args.params, args.momentum, args.x, args.y]) as Tensor[];
const outputs = tree.leaves(example) as Tensor[];
const names = tree.paths([args.params, args.momentum, args.x, args.y]);
const text = lowered.text("stablehlo");
console.log(JSON.stringify({
  text,
  arguments: inputs.map((x, i) => ({ ...describe(x, names[i]), data: elementsOf(x) })),
  results: outputs.map((x, i) => describe(x, tree.paths(example)[i])),
  losses,
}));
console.error(
  `A step of ${inputs.length} arguments and ${outputs.length} results, ` +
    `${text.split("\n").length} lines of StableHLO; its losses here: ${losses.join(", ")}`,
);
