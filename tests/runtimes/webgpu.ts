/**
 * WebGPU in a page, a worker or Node: the law table and some programs, as the device computes them, beside the
 * evaluator. What the evaluator has to compute in between is left out: a page cannot wait for the device.
 *
 * @module
 */
import {
  bitwiseNot,
  cond,
  conv,
  devices,
  grad,
  jit,
  linalg,
  matmul,
  nn,
  ones,
  optim,
  random,
  scan,
  tensor,
  toDevice,
  tree,
  valueAndGrad,
  vmap,
  whileLoop,
} from "../../mod.ts";
import type { Device, Tensor } from "../../mod.ts";
import { backendOf } from "../../src/backends/devices.ts";
import { openWebGpu } from "../../src/backends/webgpu/mod.ts";
import type { Concrete } from "../../src/core/tensor.ts";
import { primitives } from "../../src/primitives/mod.ts";
import type { PrimitiveName } from "../../src/primitives/mod.ts";
import { assertAgrees, resultsOf, type Sample, samplesOf } from "../backends/agreement.ts";
import type { Flat } from "../laws/laws.ts";
import type { Report } from "./report.ts";

const normal = (shape: readonly number[], seed: number): Concrete =>
  random.normal(random.key(seed), shape) as Concrete;

/** Programs of several operations. */
const programs: Readonly<Record<string, readonly [f: Flat, shapes: readonly number[][]]>> = {
  attention: [
    ([q, k, v]) => [nn.scaledDotProductAttention(q, k, v, { isCausal: true })],
    [[2, 2, 17, 8], [2, 2, 17, 8], [2, 2, 17, 8]],
  ],
  "a convolution and its gradients": [
    ([x, w]) => {
      const loss = (x: Tensor, w: Tensor) => conv(x, w, { stride: 2, padding: 1 }).square().sum();
      const [value, slopes] = valueAndGrad(loss, { argnums: [0, 1] })(x, w);
      return [value, ...slopes];
    },
    [[2, 3, 9, 9], [4, 3, 3, 3]],
  ],
  "a layer, its normalisation and their gradients": [
    ([x, w]) => {
      const norm = nn.layerNorm(24);
      const [params, state] = norm.init(random.key(0));
      const loss = (w: Tensor) => nn.gelu(norm.apply(params, state, matmul(x, w))[0]).mean();
      return valueAndGrad(loss)(w);
    },
    [[33, 40], [40, 24]],
  ],
  "a scan and its gradients": [
    ([w, h, xs]) => {
      const step = (w: Tensor) => (h: Tensor, x: Tensor): [Tensor, Tensor] => {
        const next = matmul(h, w).add(x).tanh();
        return [next, next];
      };
      return [grad((w: Tensor) => scan(step(w), h, xs)[1].square().sum())(w)];
    },
    [[4, 4], [3, 4], [12, 3, 4]],
  ],
  "branches, by the sign of a sum": [
    ([x]) => [
      vmap((x: Tensor) => cond(x.sum().greater(0), (x) => x.exp(), (x) => x.cos(), x))(x),
      cond(x.sum().greater(0), (x) => matmul(x, x).exp(), (x) => matmul(x.T, x).cos(), x),
      cond(x.sum().greater(0), (x) => matmul(x.T, x).cos(), (x) => matmul(x, x).exp(), x),
    ],
    [[5, 5]],
  ],
  "a loop that ends by itself, but after 100 steps at most": [
    ([x]) => [doubled(x, { maxSteps: 100 })],
    [[7]],
  ],
};

/** A loop whose number of steps depends on numbers of the device. */
function doubled(x: Tensor, options?: { readonly maxSteps: number }): Tensor {
  return whileLoop((x: Tensor) => x.square().sum().less(1e4), (x: Tensor) => x.mul(2), x, options);
}

/** Some of the law table in float32, each primitive by its first cases, and the programs. */
function* samples(): Generator<Sample> {
  for (const name of Object.keys(primitives) as PrimitiveName[]) {
    const wanted = samplesOf(name, "float32").filter(({ law }) => /float32, case 0/.test(law));
    yield* wanted;
  }
  for (const [law, [f, shapes]] of Object.entries(programs)) {
    yield { law, f, args: shapes.map((shape, i) => normal(shape, i)) };
  }
}

function messageOf(f: () => unknown): string {
  try {
    f();
  } catch (error) {
    return (error as Error).message;
  }
  return "";
}

/** Training steps give on the device what they give here. */
async function trains(device: Device): Promise<void> {
  const optimizer = optim.adam(0.05);
  const x = normal([16, 4], 1);
  const step = jit((w: Tensor, memory: ReturnType<typeof optimizer.init>, x: Tensor) => {
    const [loss, slope] = valueAndGrad((w: Tensor) => matmul(x, w).sub(1).square().mean())(w);
    const [updates, next] = optimizer.update(slope, memory, w);
    return [optim.applyUpdates(w, updates as Tensor), next, loss] as const;
  });
  const losses = async (place: (x: Tensor) => Tensor): Promise<Tensor> => {
    let w = place(normal([4, 3], 2));
    let memory = tree.map(place, optimizer.init(w));
    const all: Tensor[] = [];
    for (let i = 0; i < 20; i++) {
      const [nextW, nextMemory, loss] = step(w, memory, place(x));
      [w, memory] = [nextW, nextMemory];
      all.push(loss);
    }
    return tensor(await Promise.all(all.map(async (loss) => (await loss.read())[0])));
  };
  const [there, here] = [await losses((x) => toDevice(x, device)), await losses((x) => x)];
  assertAgrees([there as Concrete], [here as Concrete], "losses of Adam");
  const [first, last] = [here.at(0).item(), here.at(-1).item()];
  if (!(last < first)) throw new Error(`The loss was ${first} and is ${last}`);
}

/** Results are read synchronously, whatever their bits and number. */
function readsBits(device: Device): Promise<void> {
  for (const length of [1, 3, 63, 64, 65, 4095, 4097, 100_003, 2_000_001]) {
    const bits = random.bits(random.key(length), [length]);
    const actual = jit(bitwiseNot)(toDevice(bits, device)).toArray();
    const expected = bitwiseNot(bits).toArray();
    const wrong = (actual as number[]).findIndex((word, i) => word !== (expected as number[])[i]);
    if (wrong >= 0) throw new Error(`element ${wrong} of ${length} is wrong`);
  }
  return Promise.resolve();
}

/** Where the runtime cannot wait, memory is bounded as long as the event loop turns, and nothing is lost otherwise. */
async function staysInMemory(device: Device, waits: boolean): Promise<void> {
  const limit = 2 ** 24;
  const backend = backendOf(device);
  const { limit: before } = backend.memoryUsage();
  backend.configure({ memoryLimit: limit });
  const next = jit((x: Tensor) => x.add(1));
  let x = toDevice(ones([2 ** 16]), device);
  const first = x;
  for (let i = 0; i < 1000; i++) {
    x = next(x);
    if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve));
  }
  const { held } = backend.memoryUsage();
  if (held > limit) throw new Error(`${held} bytes are held`);
  const message = messageOf(() => {
    for (let i = 0; i < 200; i++) x = next(x);
  });
  if (!waits && !message.includes("donate arguments")) {
    throw new Error(`It says ${JSON.stringify(message)}`);
  }
  await new Promise((resolve) => setTimeout(resolve));
  x = next(x);
  const [there] = await x.read();
  const [start] = await first.read();
  if (start !== 1 || !(there > 1001)) throw new Error(`It went from ${start} to ${there}`);
  backend.configure({ memoryLimit: before });
}

/** Runs everything; `waits` is `true` where the runtime can wait for the device. */
export async function run(waits?: unknown): Promise<Report> {
  const [device] = await openWebGpu({ canvas: waits === true });
  let passed = 0;
  const failures: string[] = [];
  const attempt = async (name: string, part: () => Promise<unknown>): Promise<void> => {
    try {
      if (await part() !== false) passed++;
    } catch (error) {
      failures.push(`${name}: ${(error as Error).stack ?? error}`);
    }
  };
  for (const { law, f, args } of samples()) {
    await attempt(law, async () => {
      const { isWhole, actual, expected } = resultsOf(device, f, args);
      if (!isWhole) return false;
      const given = actual();
      for (const x of given) await x.arrive();
      assertAgrees(given, expected(), law);
      return true;
    });
  }
  await attempt("training", () => trains(device));
  if (waits === true) {
    await attempt("elements of many lengths are read at once, bit by bit", () => readsBits(device));
  }
  await attempt("a loop whose end nobody knows says what to do instead", () => {
    const message = messageOf(() =>
      jit((x: Tensor) => doubled(x))(toDevice(normal([7], 1) as Tensor, device))
    );
    const isFine = waits === true
      ? message === ""
      : message.includes("give it the most steps as maxSteps");
    if (isFine) return Promise.resolve();
    throw new Error(`It says ${JSON.stringify(message)}`);
  });
  await attempt(
    "an operation of the evaluator behind the device's says what to do instead",
    async () => {
      const y = toDevice(tensor([[4, 2], [2, 3]]), device).mul(2);
      const message = messageOf(() => linalg.cholesky(y));
      if (waits !== true && !message.includes("await x.read()")) {
        throw new Error(`It says ${JSON.stringify(message)}`);
      }
      await y.read();
      const [first] = linalg.cholesky(toDevice(y, devices()[0])).data();
      if (Math.abs(first - Math.sqrt(8)) > 1e-6) throw new Error(`It is ${first}`);
    },
  );
  await attempt("memory", () => staysInMemory(device, waits === true));
  await attempt("reading at once says what to do instead", async () => {
    const x = toDevice(tensor([1, 2, 3]), device).mul(2);
    const message = messageOf(() => x.data());
    if (waits === true && message === "") return;
    if (!message.includes("await x.read()")) throw new Error(`It says ${JSON.stringify(message)}`);
    const values = await x.read();
    if (values.join() !== "2,4,6" || x.data() === undefined) throw new Error(`It is ${values}`);
  });
  return { passed, failures };
}
