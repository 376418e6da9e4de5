/**
 * Three programs that run at every place of a mesh, with explicit communication between places: a training
 * step on parts of a batch, a matrix product whose second factor is passed around a ring, and attention over a
 * divided sequence, as in DeepSpeed-Ulysses. Results and derivatives equal those of one device.
 *
 *     deno run examples/shard_map.ts
 *     deno run -A jsr:@jacobi/jacobi/xla/install cpu
 *     deno run -A examples/shard_map.ts
 *
 * Without the permission to call a plugin, or without one, the mesh has no devices, and the same programs
 * are mapped over its axes; with `--devices` that is an error.
 *
 * Sequence parallelism: Jacobs et al., "DeepSpeed Ulysses: System Optimizations for Enabling Training of
 * Extreme Long Sequence Transformer Models", 2023.
 */
import {
  allToAll,
  axisIndex,
  dynamicSlice,
  foriLoop,
  grad,
  jit,
  matmul,
  mesh,
  nn,
  pmean,
  ppermute,
  random,
  shard,
  shardMap,
  valueAndGrad,
  zeros,
} from "@jacobi/jacobi";
import type { Device, Tensor } from "@jacobi/jacobi";
import { assertTensorsClose } from "@jacobi/jacobi/testing";
import { openXla } from "@jacobi/jacobi/xla";

const PLACES = 4;

/** XLA devices on the processor, or the reason why there are none. */
function openDevices(): Device[] | string {
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") {
    return "without --allow-ffi no plugin may be called";
  }
  try {
    return openXla({ options: { cpu_device_count: PLACES } });
  } catch (error) {
    return (error as Error).message;
  }
}

const opened = openDevices();
if (typeof opened === "string") {
  console.log(`On one device: ${opened}`);
  if (Deno.args.includes("--devices")) throw new Error("Devices were asked for");
}
const machines = mesh({ places: PLACES }, typeof opened === "string" ? undefined : opened);
const [whole, rows] = [shard(machines), shard(machines, "places")];
console.log(String(rows));

const keys = random.split(random.key(0), 6);
const normal = (i: number, shape: number[]): Tensor => random.normal(keys[i], shape);

// A training step: each place computes the gradient of its part of the batch; the gradients are averaged.

const loss = (w: Tensor, x: Tensor): Tensor => matmul(x, w).tanh().square().mean();
const step = jit(shardMap((w: Tensor, x: Tensor) => {
  const [value, slope] = pmean(valueAndGrad(loss)(w, x), "places");
  return [w.sub(slope.mul(0.5)), value] as const;
}, { inSpecs: [whole, rows], outSpecs: whole }));

const [start, batch] = [normal(0, [8, 4]), normal(1, [32, 8])];
let [w, alone] = [start, start];
const losses: string[] = [];
for (let i = 0; i < 10; i++) {
  const [next, value] = step(w, batch);
  w = next;
  alone = alone.sub(grad(loss)(alone, batch).mul(0.5));
  losses.push(value.item().toFixed(3));
}
assertTensorsClose(w, alone, { rtol: 1e-4, atol: 1e-5 });
console.log(`Losses of a batch in ${PLACES} parts: ${losses.join(" ")}`);

// A product of matrices that are divided by rows. The rows of the second matrix are passed around the ring;
// each place multiplies them by the corresponding columns of its rows of the first.

const around = Array.from(
  { length: PLACES },
  (_, i): [number, number] => [i, (i + PLACES - 1) % PLACES],
);
const product = jit(shardMap((a: Tensor, b: Tensor) => {
  const [length, size] = [a.shape[0], b.shape[0]];
  const turn = (i: Tensor, [sum, b]: readonly [Tensor, Tensor]): [Tensor, Tensor] => {
    const from = axisIndex("places").add(i).mod(PLACES).mul(size);
    const columns = dynamicSlice(a, [0, from], [length, size]);
    return [sum.add(matmul(columns, b)), ppermute(b, "places", around)];
  };
  return foriLoop(0, PLACES, turn, [zeros([length, b.shape[1]]), b] as const)[0];
}, { inSpecs: rows, outSpecs: rows }));

const [a, b] = [normal(2, [16, 24]), normal(3, [24, 8])];
assertTensorsClose(product(a, b), matmul(a, b), { rtol: 1e-4, atol: 1e-5 });
const slope = (f: (a: Tensor, b: Tensor) => Tensor) =>
  grad((b: Tensor) => f(a, b).square().sum())(b);
assertTensorsClose(slope(product), slope(matmul), { rtol: 1e-4, atol: 1e-3 });
console.log("A product in a ring, and its derivative, are those of the whole matrices");

// Attention over a long sequence: each place has a part of the positions. For attention itself, positions are
// exchanged for heads: each place then has all positions of some heads.

const [LENGTH, HEADS, WIDTH] = [16, 4, 8];
const attend = (x: Tensor): Tensor => {
  // [positions, heads, width] with heads as the leading axis.
  const heads = x.transpose([1, 0, 2]);
  const scores = matmul(heads, heads.transpose([0, 2, 1])).div(Math.sqrt(WIDTH));
  return matmul(nn.softmax(scores), heads).transpose([1, 0, 2]);
};
const divided = jit(shardMap((x: Tensor) => {
  const byHeads = allToAll(x, "places", 1, 0, { tiled: true });
  return allToAll(attend(byHeads), "places", 0, 1, { tiled: true });
}, { inSpecs: rows, outSpecs: rows }));

const sequence = normal(4, [LENGTH, HEADS, WIDTH]);
assertTensorsClose(divided(sequence), attend(sequence), { rtol: 1e-4, atol: 1e-5 });
const total = (f: (x: Tensor) => Tensor) => grad((x: Tensor) => f(x).square().sum())(sequence);
assertTensorsClose(total(divided), total(attend), { rtol: 1e-4, atol: 1e-4 });
console.log("Attention over a divided sequence, and its derivative, are those of the whole");
