/**
 * Jacobi as a contender, through its public functions alone.
 *
 * @module
 */
import {
  add,
  complex,
  conv,
  div,
  exp,
  eye,
  fft,
  grad,
  hessian,
  imag,
  jit,
  linalg,
  log1p,
  matmul,
  mean,
  models,
  mul,
  nn,
  optim,
  random,
  real,
  scan,
  sin,
  sqrt,
  square,
  sub,
  sum,
  tanh,
  tensor,
  valueAndGrad,
  variance,
  vjp,
  zeros,
} from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import * as jacobi from "@jacobi/jacobi";
import manifest from "../../deno.json" with { type: "json" };
import {
  type Call,
  isPage,
  noise,
  randomFloats,
  randomLabels,
  serve,
  threadsWanted,
  variable,
  weightedSum,
} from "./contender.ts";
import type { ConvWork, Task } from "./works.ts";

/** A random tensor. */
function randomTensor(shape: readonly number[], seed = 1): Tensor {
  return tensor(randomFloats(shape.reduce((a, b) => a * b, 1), seed)).reshape(shape);
}

type Operation = Extract<Task, { kind: "elementwise" }>["operation"];

const operations: Readonly<Record<Operation, (x: Tensor, y: Tensor) => Tensor>> = {
  add: (x, y) => add(x, y),
  exp: (x) => exp(x),
  sin: (x) => sin(x),
  sum: (x) => sum(x),
  chain: (x, y) => add(mul(sin(x), y), div(exp(square(x).neg()), add(1, square(y)))),
  gelu: (x) => {
    const inner = mul(0.797885, add(x, mul(0.044715, mul(x, square(x)))));
    return mul(mul(0.5, x), add(1, tanh(inner)));
  },
};

function layerNorm(x: Tensor, scale: Tensor, shift: Tensor): Tensor {
  const centered = sub(x, mean(x, -1, { keepdims: true }));
  const spread = sqrt(add(variance(x, -1, { keepdims: true }), 1e-5));
  return add(mul(div(centered, spread), scale), shift);
}

function prepareConv(task: ConvWork): Call {
  const { batch, inputs, size, outputs, kernel, stride, padding, gradients } = task;
  const x = randomTensor([batch, inputs, size, size]);
  const w = randomTensor([outputs, inputs, kernel, kernel], 2);
  const forward = (x: Tensor, w: Tensor) => conv(x, w, { stride, padding });
  if (!gradients) {
    const compiled = jit(forward);
    return () => compiled(x, w);
  }
  const cotangent = randomTensor(forward(x, w).shape, 3);
  const both = jit((x: Tensor, w: Tensor, cotangent: Tensor) => {
    const [y, pullback] = vjp(forward, x, w);
    return [y, ...pullback(cotangent)];
  });
  return () => both(x, w, cotangent);
}

function prepareMlp(sizes: readonly number[], batch: number): Call {
  const model = models.mlp(sizes);
  const [initial, state] = model.init(random.key(0));
  let params = initial;
  const inputs = randomTensor([batch, sizes[0]]);
  const labels = tensor(randomLabels(batch, sizes.at(-1)!));
  const optimizer = optim.sgd(0.1);
  let memory = optimizer.init(params);
  const step = jit((p: typeof params, m: typeof memory, inputs: Tensor, labels: Tensor) => {
    const [loss, gradients] = valueAndGrad((p: typeof params) =>
      nn.crossEntropy(model.apply(p, state, inputs)[0], labels)
    )(p);
    const [updates, next] = optimizer.update(gradients, m, p);
    return [optim.applyUpdates(p, updates), next, loss] as const;
  }, { donateArgnums: [0, 1] });
  return () => {
    const [nextParams, nextMemory, loss] = step(params, memory, inputs, labels);
    [params, memory] = [nextParams, nextMemory];
    return [loss, params];
  };
}

/** A matrix and its additive term, or a scale and a shift. */
type Layer = readonly [Tensor, Tensor];

function prepareTransformer(
  { layers, heads, width, tokens, batch, length }: Extract<Task, { kind: "transformerStep" }>,
): Call {
  let seeds = 0;
  const weight = (shape: readonly number[], scale = 1 / Math.sqrt(shape[0])): Tensor => {
    const elements = noise(shape.reduce((a, b) => a * b, 1), seeds++);
    return tensor(Float32Array.from(elements, (x) => (2 * x - 1) * scale)).reshape(shape);
  };
  const affine = (): Layer => [add(1, weight([width], 0.1)), weight([width], 0.1)];
  const dense = (from: number, to: number): Layer => [weight([from, to]), weight([to], 0.1)];
  const block = () => ({
    norm1: affine(),
    attention: dense(width, 3 * width),
    output: dense(width, width),
    norm2: affine(),
    wide: dense(width, 4 * width),
    narrow: dense(4 * width, width),
  });
  let params = {
    tokens: weight([tokens, width], 1),
    places: weight([length, width], 1),
    blocks: Array.from({ length: layers }, block),
    norm: affine(),
    logits: dense(width, tokens),
  };
  const texts = tensor(
    Int32Array.from(noise(batch * (length + 1), seeds++), (x) => Math.floor(x * tokens)),
  ).reshape([batch, length + 1]);
  const standard = nn.layerNorm(width);
  const normalized = (x: Tensor, [weight, bias]: Layer) =>
    standard.apply({ weight, bias }, {}, x)[0];
  const apply = (x: Tensor, [w, b]: Layer) => add(matmul(x, w), b);
  const lossOf = (p: typeof params, texts: Tensor): Tensor => {
    const [inputs, targets] = [texts.at(null, [0, length]), texts.at(null, [1, length + 1])];
    let x = add(p.tokens.at(inputs), p.places);
    for (const block of p.blocks) {
      const parts = apply(normalized(x, block.norm1), block.attention)
        .reshape([batch, length, 3, heads, width / heads]).transpose([2, 0, 3, 1, 4]);
      const y = nn.scaledDotProductAttention(parts.at(0), parts.at(1), parts.at(2), {
        isCausal: true,
      });
      x = add(x, apply(y.transpose([0, 2, 1, 3]).reshape(x.shape), block.output));
      const wide = nn.gelu(apply(normalized(x, block.norm2), block.wide), { approximate: "tanh" });
      x = add(x, apply(wide, block.narrow));
    }
    const scores = apply(normalized(x, p.norm), p.logits);
    return nn.crossEntropy(scores.reshape([-1, tokens]), targets.reshape([-1]));
  };
  const optimizer = optim.sgd(0.1);
  let memory = optimizer.init(params);
  const step = jit((p: typeof params, m: typeof memory, texts: Tensor) => {
    const [loss, gradients] = valueAndGrad((p: typeof params) => lossOf(p, texts))(p);
    const [updates, next] = optimizer.update(gradients, m, p);
    return [optim.applyUpdates(p, updates), next, loss] as const;
  }, { donateArgnums: [0, 1] });
  return () => {
    const [next, nextMemory, loss] = step(params, memory, texts);
    [params, memory] = [next, nextMemory];
    return [loss, params];
  };
}

type FftTask = Extract<Task, { kind: "fft" | "fftLoop" }>;

function prepareFft({ kind, rows, length, isReal, dtype }: FftTask): Call {
  const part = (seed: number): Tensor =>
    tensor(noise(rows * length, seed).map((x) => 2 * x - 1), { dtype })
      .reshape(rows > 1 ? [rows, length] : [length]);
  let x = isReal ? part(0) : complex(part(0), part(1));
  const sumOf = (y: Tensor): number => weightedSum([real(y).data(), imag(y).data()], 2);
  if (kind === "fftLoop") {
    const round = jit(
      (x: Tensor) => isReal ? fft.irfft(fft.rfft(x), { n: length }) : fft.ifft(fft.fft(x)),
      { donateArgnums: 0 },
    );
    return Object.assign(() => x = round(x), { check: () => sumOf(x = round(x)) });
  }
  const transform = jit((x: Tensor) => isReal ? fft.rfft(x) : fft.fft(x));
  return Object.assign(() => transform(x), { check: () => sumOf(transform(x)) });
}

function prepareResnet(batch: number, size: number, trains: boolean): Call {
  const model = models.resnet18();
  let [params, state] = model.init(random.key(0));
  const images = randomTensor([batch, 3, size, size]);
  if (!trains) {
    const forward = jit((p: typeof params, s: typeof state, images: Tensor) =>
      model.apply(p, s, images, { train: false })[0]
    );
    return () => forward(params, state, images);
  }
  const labels = tensor(randomLabels(batch, 1000));
  const optimizer = optim.sgd(0.01, { momentum: 0.9 });
  let memory = optimizer.init(params);
  type Arguments = [typeof params, typeof state, typeof memory, Tensor, Tensor];
  const step = jit((...[p, s, m, images, labels]: Arguments) => {
    const [[loss, nextState], gradients] = valueAndGrad((p: typeof params) => {
      const [y, next] = model.apply(p, s, images, { train: true });
      return [nn.crossEntropy(y, labels), next] as const;
    }, { hasAux: true })(p);
    const [updates, nextMemory] = optimizer.update(gradients, m, p);
    return [optim.applyUpdates(p, updates), nextState, nextMemory, loss] as const;
  }, { donateArgnums: [0, 1, 2] });
  return () => {
    [params, state, memory] = step(params, state, memory, images, labels);
    return params;
  };
}

function prepareRnn(steps: number, batch: number, hidden: number, gradients: boolean): Call {
  const xs = randomTensor([steps, batch, hidden]);
  const scale = 1 / Math.sqrt(hidden);
  const w = randomTensor([hidden, hidden], 2).mul(scale);
  const v = randomTensor([hidden, hidden], 3).mul(scale);
  const outputs = (w: Tensor, v: Tensor, xs: Tensor) =>
    scan(
      (h, x) => {
        const next = tanh(add(x, matmul(h, v)));
        return [next, next];
      },
      zeros([batch, hidden]),
      matmul(xs, w),
    )[1];
  const total = (w: Tensor, v: Tensor, xs: Tensor) => sum(outputs(w, v, xs));
  const work = gradients ? jit(grad(total, { argnums: [0, 1] })) : jit(outputs);
  return () => work(w, v, xs);
}

/** A random symmetric positive definite matrix. */
function positiveDefinite(size: number): Tensor {
  const a = randomTensor([size, size]);
  return add(matmul(a, a.transpose()).div(size), eye(size));
}

const scalarFunction = (x: Tensor) => div(log1p(exp(mul(x, sin(x)))), add(1, square(x)));
const functionOfFour = (x: Tensor) => add(sum(mul(x, sin(x))), square(sum(square(x))));

function prepare(task: Task): Call {
  switch (task.kind) {
    case "matmul": {
      const dtype = (task.dtype ?? "float32") as jacobi.Dtype;
      const a = randomTensor([task.size, task.size]).astype(dtype);
      const b = randomTensor([task.size, task.size], 2).astype(dtype);
      const product = jit((a: Tensor, b: Tensor) => matmul(a, b));
      return () => product(a, b);
    }
    case "elementwise": {
      const x = randomTensor([task.length]);
      const y = randomTensor([task.length], 2);
      const operation = jit(operations[task.operation]);
      return () => operation(x, y);
    }
    case "softmax": {
      const x = randomTensor([task.rows, task.columns]);
      const softmax = jit((x: Tensor) => nn.softmax(x, -1));
      return () => softmax(x);
    }
    case "layerNorm": {
      const x = randomTensor([task.rows, task.columns]);
      const scale = randomTensor([task.columns], 2);
      const shift = randomTensor([task.columns], 3);
      const norm = jit(layerNorm);
      return () => norm(x, scale, shift);
    }
    case "attention": {
      const shape = [task.batch, task.heads, task.length, task.width];
      const [q, k, v] = [1, 2, 3].map((seed) => randomTensor(shape, seed));
      const attend = jit((q: Tensor, k: Tensor, v: Tensor) =>
        nn.scaledDotProductAttention(q, k, v)
      );
      return () => attend(q, k, v);
    }
    case "conv":
      return prepareConv(task);
    case "mlpStep":
      return prepareMlp(task.sizes, task.batch);
    case "transformerStep":
      return prepareTransformer(task);
    case "resnetForward":
      return prepareResnet(task.batch, task.size, false);
    case "resnetStep":
      return prepareResnet(task.batch, task.size, true);
    case "rnn":
      return prepareRnn(task.steps, task.batch, task.hidden, task.gradients);
    case "cholesky":
    case "eigh": {
      const a = positiveDefinite(task.size);
      const decompose = task.kind === "eigh"
        ? jit((a: Tensor) => linalg.eigh(a))
        : jit((a: Tensor) => linalg.cholesky(a));
      return () => decompose(a);
    }
    case "solve": {
      const a = randomTensor([task.size, task.size]);
      const b = randomTensor([task.size, task.columns], 2);
      const solve = jit((a: Tensor, b: Tensor) => linalg.solve(a, b));
      return () => solve(a, b);
    }
    case "fft":
    case "fftLoop":
      return prepareFft(task);
    case "gradient": {
      const x = tensor(0.7);
      const gradient = grad(scalarFunction);
      const chosen = task.compiled ? jit(gradient) : gradient;
      return () => chosen(x);
    }
    case "hessian": {
      const x = tensor([0.1, -0.4, 0.7, 1.2]);
      const matrix = hessian(functionOfFour);
      const chosen = task.compiled ? jit(matrix) : matrix;
      return () => chosen(x);
    }
    case "dispatch": {
      const x = tensor(0.7);
      const compiled = jit((x: Tensor) => sin(x));
      return () => compiled(x);
    }
  }
}

/** Sets the number of threads, if possible. */
function chooseThreads(threads: number): readonly string[] {
  const { configure } = jacobi as { configure?: (options: { threads: number }) => void };
  if (configure === undefined) return ["Jacobi has no `configure`: threads are as they are"];
  configure({ threads });
  return [];
}

/** XLA's device with the given number of threads: it starts one for each processor of its opener. */
async function openDevice(threads: number): Promise<jacobi.Device> {
  const { openXla } = await import("../../src/backends/xla/mod.ts");
  const open = () => openXla({ options: { cpu_device_count: 1 } })[0];
  if (Deno.build.os !== "linux") return open();
  const definition = { parameters: ["i32", "usize", "buffer"], result: "i32" } as const;
  const { symbols } = Deno.dlopen("libc.so.6", {
    sched_getaffinity: definition,
    sched_setaffinity: definition,
  });
  const all = new Uint8Array(128);
  symbols.sched_getaffinity(0, BigInt(all.length), all);
  const processors = Array.from({ length: 1024 }, (_, i) => i).filter((i) =>
    all[i >> 3] >> i % 8 & 1
  );
  const few = new Uint8Array(128);
  for (const i of processors.slice(0, threads)) few[i >> 3] |= 1 << i % 8;
  symbols.sched_setaffinity(0, BigInt(few.length), few);
  const device = open();
  // The threads have started: they may run on any processor, like those of the other contenders.
  for (const { name } of Deno.readDirSync("/proc/self/task")) {
    symbols.sched_setaffinity(Number(name), BigInt(all.length), all);
  }
  return device;
}

/** XLA's first GPU, whose memory is shared with other contenders. */
async function openGpu(): Promise<jacobi.Device> {
  const { openXla } = await import("../../src/backends/xla/mod.ts");
  try {
    return openXla({ options: { preallocate: false } })[0];
  } catch (error) {
    // Plugins for CPUs do not support this option.
    if (!/preallocate/.test((error as Error).message)) throw error;
    throw new Error("Cannot open a GPU: the plugin that is installed or named is not one for CUDA");
  }
}

/** Sends all work to another device if requested: calls then wait for their results. */
async function chooseDevice(): Promise<typeof prepare> {
  const on = variable("JACOBI_ON");
  if (on === undefined) return prepare;
  const [cpu, device] = [jacobi.devices()[0], await openOther(on)];
  jacobi.configure({ device });
  return (task) => {
    // A page cannot wait for the values that initialisers would read.
    if (isPage) jacobi.configure({ device: cpu });
    const call = prepare(task);
    jacobi.configure({ device });
    // In a page the first result is read.
    const wait = (results: unknown) =>
      isPage ? (jacobi.tree.leaves(results)[0] as Tensor).read() : jacobi.ready(results);
    return Object.assign(() => wait(call()), { check: call.check });
  };
}

async function openOther(name: string): Promise<jacobi.Device> {
  if (name !== "webgpu") {
    return name === "gpu" ? await openGpu() : await openDevice(threadsWanted());
  }
  const { openWebGpu } = await import("../../src/backends/webgpu/mod.ts");
  return (await openWebGpu())[0];
}

const notes = chooseThreads(threadsWanted());
const chosen = await chooseDevice();
await serve({
  versions: {
    Jacobi: manifest.version,
    ...isPage ? {} : { Deno: Deno.version.deno, V8: Deno.version.v8 },
  },
  notes,
}, chosen);
