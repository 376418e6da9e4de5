/**
 * TensorFlow.js as a contender: on its WebAssembly backend, unless `TFJS_ON` names another. It has no
 * compiler: works that other contenders compile run eagerly here. Images have channels last, as it requires.
 *
 * @module
 */
import {
  type Call,
  isPage,
  Missing,
  randomFloats,
  randomLabels,
  serve,
  threadsWanted,
  variable,
} from "./contender.ts";
import { TFJS } from "./packages.ts";
import type { ConvWork, Task } from "./works.ts";

/** The packages; not static imports, so that only running this file needs them. */
const ON = variable("TFJS_ON") ?? "wasm";
const PACKAGE = `npm:@tensorflow/tfjs@${TFJS}`;
const BACKEND = `npm:@tensorflow/tfjs-backend-${ON}@${TFJS}`;

/** A tensor; those made within a `tidy` are freed at its end. */
interface Tensor {
  readonly shape: readonly number[];
  data(): Promise<unknown>;
}

/** The part of the package that is used here. */
interface Package {
  tidy(f: () => unknown): unknown;
  dispose(tensors: unknown): void;
  variable(x: Tensor): Tensor;
  grad(f: (x: Tensor) => Tensor): (x: Tensor) => Tensor;
  grads(f: (...args: Tensor[]) => Tensor): (args: Tensor[], cotangent?: Tensor) => Tensor[];
  readonly train: { sgd(rate: number): { minimize(f: () => Tensor, returnCost: true): unknown } };
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
}

type Functions = Readonly<Record<string, (...args: readonly unknown[]) => Tensor>>;

interface Loaded {
  readonly tf: Package;
  readonly ops: Functions;
}

async function load(): Promise<Loaded | string> {
  try {
    const tf: Package = await import(PACKAGE);
    await import(BACKEND);
    if (!await tf.setBackend(ON)) return `TensorFlow.js cannot start its backend ${ON}`;
    await tf.ready();
    return { tf, ops: tf as unknown as Functions };
  } catch (error) {
    return `TensorFlow.js cannot be loaded: ${error}`.split("\n")[0];
  }
}

const loaded = threadsWanted() > 1 ? "TensorFlow.js has threads in browsers only" : await load();
if (typeof loaded === "string") await serve({ unavailable: loaded }, () => () => {});
const { tf, ops } = loaded as Loaded;

function randomTensor(shape: readonly number[], seed = 1, scale = 1): Tensor {
  const floats = randomFloats(shape.reduce((a, b) => a * b, 1), seed);
  return ops.tensor(floats.map((x) => x * scale), shape);
}

/** Does work and frees everything that it allocates; in a page, the first result is read. */
function once(f: () => unknown): Call {
  if (!isPage) return () => tf.dispose(tf.tidy(f));
  return async () => {
    const results = tf.tidy(f);
    await [results as Tensor | Tensor[]].flat()[0].data();
    tf.dispose(results);
  };
}

type Operation = Extract<Task, { kind: "elementwise" }>["operation"];

const operations: Readonly<Record<Operation, (x: Tensor, y: Tensor) => Tensor>> = {
  add: (x, y) => ops.add(x, y),
  exp: (x) => ops.exp(x),
  sin: (x) => ops.sin(x),
  sum: (x) => ops.sum(x),
  chain: (x, y) => {
    const quotient = ops.div(ops.exp(ops.neg(ops.square(x))), ops.add(1, ops.square(y)));
    return ops.add(ops.mul(ops.sin(x), y), quotient);
  },
  gelu: (x) => {
    const inner = ops.mul(0.797885, ops.add(x, ops.mul(0.044715, ops.mul(x, ops.square(x)))));
    return ops.mul(ops.mul(0.5, x), ops.add(1, ops.tanh(inner)));
  },
};

function layerNorm(x: Tensor, scale: Tensor, shift: Tensor): Tensor {
  const centered = ops.sub(x, ops.mean(x, -1, true));
  const spread = ops.sqrt(ops.add(ops.mean(ops.square(centered), -1, true), 1e-5));
  return ops.add(ops.mul(ops.div(centered, spread), scale), shift);
}

function prepareConv(task: ConvWork): Call {
  const { batch, inputs, size, outputs, kernel, stride, padding, gradients } = task;
  const x = randomTensor([batch, size, size, inputs]);
  const w = randomTensor([kernel, kernel, inputs, outputs], 2);
  const forward = (x: Tensor, w: Tensor) => convolve(x, w, stride, padding);
  if (!gradients) return once(() => forward(x, w));
  const [...shape] = forward(x, w).shape;
  const cotangent = randomTensor(shape, 3);
  const both = tf.grads(forward);
  return once(() => both([x, w], cotangent));
}

function convolve(x: Tensor, w: Tensor, stride: number, padding: number): Tensor {
  // Numeric padding requires a rounding mode; this one rounds down as the other contenders do.
  return ops.conv2d(x, w, stride, padding, "NHWC", 1, "floor");
}

function prepareMlp(sizes: readonly number[], batch: number): Call {
  const layers = sizes.slice(1).map((size, i) => ({
    w: tf.variable(randomTensor([sizes[i], size], i + 1, 1 / Math.sqrt(sizes[i]))),
    b: tf.variable(randomTensor([size], i + 10, 1 / Math.sqrt(sizes[i]))),
  }));
  const x = randomTensor([batch, sizes[0]]);
  const labels = ops.tensor(randomLabels(batch, sizes.at(-1)!), [batch], "int32");
  const optimizer = tf.train.sgd(0.1);
  return once(() =>
    optimizer.minimize(() => {
      let y = x;
      layers.forEach(({ w, b }, i) => {
        y = ops.add(ops.matMul(y, w), b);
        if (i + 1 < layers.length) y = ops.relu(y);
      });
      const targets = ops.oneHot(labels, sizes.at(-1)!);
      const terms = ops.mul(ops.logSoftmax(y, -1), targets);
      return ops.div(ops.sum(terms), -batch);
    }, true)
  );
}

/** Stages of ResNet-18: inputs, outputs, stride. */
const stages: readonly (readonly [number, number, number])[] = [
  [64, 64, 1],
  [64, 128, 2],
  [128, 256, 2],
  [256, 512, 2],
];

function prepareResnetForward(batch: number, size: number): Call {
  /** A convolution and its normalisation with running statistics. */
  function layer(inputs: number, outputs: number, kernel: number, stride: number, padding: number) {
    const w = randomTensor([kernel, kernel, inputs, outputs], outputs, 1 / kernel);
    const [mean, variance, shift, scale] = [0, 1, 0, 1].map((x) => ops.fill([outputs], x));
    return (x: Tensor): Tensor =>
      ops.batchNorm(convolve(x, w, stride, padding), mean, variance, shift, scale, 1e-5);
  }
  function block(inputs: number, outputs: number, stride: number) {
    const first = layer(inputs, outputs, 3, stride, 1);
    const second = layer(outputs, outputs, 3, 1, 1);
    const shortcut = stride === 1 ? undefined : layer(inputs, outputs, 1, stride, 0);
    return (x: Tensor): Tensor => ops.relu(ops.add(second(ops.relu(first(x))), shortcut?.(x) ?? x));
  }
  const stem = layer(3, 64, 7, 2, 3);
  const blocks = stages.flatMap(([inputs, outputs, stride]) => [
    block(inputs, outputs, stride),
    block(outputs, outputs, 1),
  ]);
  const w = randomTensor([512, 1000], 50, 0.04);
  const b = ops.zeros([1000]);
  const x = randomTensor([batch, size, size, 3]);
  return once(() => {
    const start = ops.maxPool(ops.relu(stem(x)), 3, 2, 1, "floor");
    const y = blocks.reduce((y, block) => block(y), start);
    return ops.add(ops.matMul(ops.mean(y, [1, 2]), w), b);
  });
}

function scalarFunction(x: Tensor): Tensor {
  return ops.div(ops.log1p(ops.exp(ops.mul(x, ops.sin(x)))), ops.add(1, ops.square(x)));
}

function prepare(task: Task): Call {
  switch (task.kind) {
    case "matmul": {
      const a = randomTensor([task.size, task.size]);
      const b = randomTensor([task.size, task.size], 2);
      return once(() => ops.matMul(a, b));
    }
    case "elementwise": {
      const x = randomTensor([task.length]);
      const y = randomTensor([task.length], 2);
      return once(() => operations[task.operation](x, y));
    }
    case "softmax": {
      const x = randomTensor([task.rows, task.columns]);
      return once(() => ops.softmax(x, -1));
    }
    case "layerNorm": {
      const x = randomTensor([task.rows, task.columns]);
      const scale = randomTensor([task.columns], 2);
      const shift = randomTensor([task.columns], 3);
      return once(() => layerNorm(x, scale, shift));
    }
    case "attention": {
      const shape = [task.batch, task.heads, task.length, task.width];
      const [q, k, v] = [1, 2, 3].map((seed) => randomTensor(shape, seed));
      return once(() => {
        const scores = ops.div(ops.matMul(q, k, false, true), Math.sqrt(task.width));
        return ops.matMul(ops.softmax(scores, -1), v);
      });
    }
    case "conv":
      return prepareConv(task);
    case "mlpStep":
      return prepareMlp(task.sizes, task.batch);
    case "resnetForward":
      return prepareResnetForward(task.batch, task.size);
    case "gradient": {
      if (task.compiled) throw new Missing("TensorFlow.js has no compiler");
      const x = ops.scalar(0.7);
      const gradient = tf.grad(scalarFunction);
      return once(() => gradient(x));
    }
    case "resnetStep":
      throw new Missing("TensorFlow.js has no filter gradients on wasm");
    case "hessian":
      throw new Missing("TensorFlow.js lacks second derivatives");
    case "transformerStep":
    case "rnn":
    case "cholesky":
    case "eigh":
    case "solve":
    case "fft":
    case "fftLoop":
      throw new Missing("not in TensorFlow.js on wasm");
    case "dispatch":
      throw new Missing("TensorFlow.js has no compiler");
  }
}

await serve({ versions: { "TensorFlow.js": TFJS } }, prepare);
