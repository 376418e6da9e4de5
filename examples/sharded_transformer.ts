/**
 * A small transformer, trained on one device and on four: with the batch divided (data parallel), with the
 * weights divided (tensor parallel, as in Megatron-LM), and with both. The losses are the same to rounding.
 *
 *     deno run -A jsr:@jacobi/jacobi/xla/install cpu
 *     deno run -A examples/sharded_transformer.ts
 *
 * The training step is written for one device and stays unchanged: the shardings of its arguments alone
 * determine how XLA divides the work, and what it sends between devices. Without the permission to call a
 * plugin, or without one, the processor trains alone, and the pictures show the shardings; with
 * `--devices` that is an error.
 *
 * Tensor parallelism: Shoeybi et al., "Megatron-LM: Training Multi-Billion Parameter Language Models Using
 * Model Parallelism", 2019. Attention is divided by heads; the first matrix of a block's network by
 * columns and the second by rows, so that a block needs two sums over devices.
 */
import {
  add,
  arange,
  devices,
  einsum,
  inspect,
  jit,
  mesh,
  nn,
  optim,
  random,
  shard,
  toDevice,
  valueAndGrad,
} from "@jacobi/jacobi";
import type { Device, Mesh, Placements, Sharding, Tensor } from "@jacobi/jacobi";
import { openXla } from "@jacobi/jacobi/xla";

const STEPS = 20;
const [BATCH, LENGTH, TOKENS] = [8, 12, 16];
const [WIDTH, HEADS, HIDDEN, BLOCKS] = [32, 4, 64, 2];

const norm = nn.layerNorm(WIDTH);
const [dataKey, modelKey] = random.split(random.key(0));

/** Sequences that count up in individual steps, modulo `TOKENS`. */
function makeBatch(key: Tensor): Tensor {
  const [start, step] = random.randint(key, [2, BATCH, 1], 0, TOKENS);
  return add(start, step.mul(arange(LENGTH + 1, { dtype: "int32" }))).mod(TOKENS);
}

function initialise(key: Tensor) {
  const keys = random.split(key, 3 + 6 * BLOCKS);
  let next = 0;
  const normal = (shape: number[], inputs: number): Tensor =>
    random.normal(keys[next++], shape).mul(1 / Math.sqrt(inputs));
  const head = WIDTH / HEADS;
  return {
    tokens: normal([TOKENS, WIDTH], 1),
    positions: normal([LENGTH, WIDTH], 1),
    blocks: Array.from({ length: BLOCKS }, () => ({
      norms: [norm.init(key)[0], norm.init(key)[0]],
      query: normal([WIDTH, HEADS, head], WIDTH),
      key: normal([WIDTH, HEADS, head], WIDTH),
      value: normal([WIDTH, HEADS, head], WIDTH),
      output: normal([HEADS, head, WIDTH], WIDTH),
      up: normal([WIDTH, HIDDEN], WIDTH),
      down: normal([HIDDEN, WIDTH], HIDDEN),
    })),
    logits: normal([WIDTH, TOKENS], WIDTH),
  };
}
type Params = ReturnType<typeof initialise>;

/** The mean cross entropy of the next numbers. */
function loss(params: Params, batch: Tensor): Tensor {
  const inputs = batch.at(null, [0, LENGTH]);
  let x = params.tokens.take(inputs, 0).add(params.positions);
  for (const { norms, query, key, value, output, up, down } of params.blocks) {
    const [normed] = norm.apply(norms[0], {}, x);
    const [q, k, v] = [query, key, value].map((w) => einsum("btd,dhe->bhte", normed, w));
    const seen = nn.scaledDotProductAttention(q, k, v, { isCausal: true });
    x = x.add(einsum("bhte,hed->btd", seen, output));
    const hidden = nn.gelu(norm.apply(norms[1], {}, x)[0].matmul(up));
    x = x.add(hidden.matmul(down));
  }
  const targets = batch.at(null, [1, LENGTH + 1]);
  return nn.crossEntropy(x.matmul(params.logits).reshape([-1, TOKENS]), targets.reshape([-1]));
}

const optimizer = optim.adam(0.01);

function step(params: Params, state: ReturnType<typeof optimizer.init>, batch: Tensor) {
  const [value, grads] = valueAndGrad(loss)(params, batch);
  const [updates, next] = optimizer.update(grads, state, params);
  return { params: optim.applyUpdates(params, updates) as Params, state: next, value };
}

const trainStep = jit(step, { donateArgnums: [0, 1] });

/** The shardings of parameters and batches. */
interface Plan {
  readonly params: Placements;
  readonly batch: Placements;
}

/** Heads and hidden units over the mesh's axis `model`, examples over `data`, if it has these axes. */
function planOver(machines: Mesh): Plan {
  const { data, model } = machines.axes;
  const whole = shard(machines);
  const split = (...spec: (string | null)[]): Sharding =>
    model === undefined ? whole : shard(machines, ...spec);
  const block = {
    norms: whole,
    query: split(null, "model"),
    key: split(null, "model"),
    value: split(null, "model"),
    output: split("model"),
    up: split(null, "model"),
    down: split("model"),
  };
  return {
    params: {
      tokens: whole,
      positions: whole,
      blocks: Array.from({ length: BLOCKS }, () => block),
      logits: whole,
    },
    batch: data === undefined ? whole : shard(machines, "data"),
  };
}

/** The losses of some steps. */
function train({ params: place, batch: batchPlace }: Plan): number[] {
  let params = toDevice(initialise(modelKey), place) as Params;
  let state = optimizer.init(params);
  const losses: Tensor[] = [];
  for (const key of random.split(dataKey, STEPS)) {
    const result = trainStep(params, state, toDevice(makeBatch(key), batchPlace));
    params = result.params as Params;
    state = result.state as typeof state;
    losses.push(result.value);
  }
  // Nothing is awaited until here.
  return losses.map((loss) => loss.item());
}

/** Four XLA devices on the processor, or the reason why there are none. */
function openDevices(): Device[] | string {
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") {
    return "without --allow-ffi no plugin may be called";
  }
  try {
    return openXla({ options: { cpu_device_count: 4 } });
  } catch (error) {
    return (error as Error).message;
  }
}

const opened = openDevices();
const machines = typeof opened === "string" ? undefined : opened;
const meshes = [{ data: 4 }, { model: 4 }, { data: 2, model: 2 }].map((axes) =>
  mesh(axes, machines)
);

const both = meshes[2];
console.log("A batch of sequences over both axes of a mesh, data and model:");
console.log(inspect.showSharding(shard(both, "data"), [BATCH, LENGTH + 1]));
console.log("The first matrix of a block's network:");
console.log(inspect.showSharding(shard(both, null, "model"), [WIDTH, HIDDEN]));

const [first] = machines ?? devices();
const alone = train({ params: first, batch: first });
const show = (losses: number[]): string =>
  losses.filter((_, i) => i % 5 === 4).map((x) => x.toFixed(6)).join(" ");
console.log(`\nLosses on ${first}: ${show(alone)}`);
if (typeof opened === "string") {
  console.log(`Nothing was divided: ${opened}`);
  if (Deno.args.includes("--devices")) throw new Error("Devices were asked for");
} else {
  for (const one of meshes) {
    const losses = train(planOver(one));
    const axes = Object.entries(one.axes).map(([name, length]) => `${name} ${length}`);
    console.log(`Over ${axes.join(" x ")}: ${show(losses)}`);
    const worst = Math.max(...losses.map((x, i) => Math.abs(x / alone[i] - 1)));
    if (!(worst < 1e-3)) throw new Error(`The losses differ by ${worst}`);
  }
}
if (!(alone[STEPS - 1] < 0.8 * alone[0])) throw new Error("The network has not learned");
