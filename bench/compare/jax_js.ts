/**
 * jax-js as a contender: on its WebAssembly backend, unless `JAX_JS_ON` names another.
 *
 * @module
 */
import {
  type Call,
  isPage,
  Missing,
  noise,
  randomFloats,
  randomLabels,
  serve,
  threadsWanted,
  variable,
  weightedSum,
} from "./contender.ts";
import { JAX_JS } from "./packages.ts";
import type { ConvWork, Task } from "./works.ts";

/** The package; not a static import, so that only running this file needs it. */
const PACKAGE = `npm:@jax-js/jax@${JAX_JS}`;
const BACKEND = variable("JAX_JS_ON") ?? "wasm";

/** An array, owned by whoever it is passed to; `ref` counts one more owner. */
interface Array {
  readonly ref: Array;
  readonly shape: readonly number[];
  add(x: Array | number): Array;
  sub(x: Array | number): Array;
  mul(x: Array | number): Array;
  div(x: Array | number): Array;
  reshape(shape: readonly number[]): Array;
  blockUntilReady(): Promise<unknown>;
  data(): Promise<Float32Array>;
  dispose(): void;
}

type Functions = Readonly<Record<string, (...args: readonly unknown[]) => Array>>;
/** Complex numbers. */
type Pair = { readonly real: Array; readonly imag: Array };
type Transforms = { fft(x: Pair): Pair; rfft(x: Array): Pair };
type Tree = Array | { readonly [key: string]: Tree } | readonly Tree[];
type Transform = <F>(f: F, options?: unknown) => F;

/** The part of the package that is used here. */
interface Package {
  readonly numpy: Functions & { readonly fft: Transforms };
  readonly lax: Functions;
  readonly nn: Functions;
  readonly tree: {
    map<T extends Tree>(f: (...leaves: Array[]) => Array, tree: T, ...others: T[]): T;
    leaves(tree: Tree): Array[];
    ref<T extends Tree>(tree: T): T;
  };
  readonly jit: Transform;
  readonly grad: Transform;
  readonly hessian: Transform;
  valueAndGrad<P, R extends readonly unknown[]>(
    f: (params: P, ...rest: R) => unknown,
    options?: unknown,
  ): (params: P, ...rest: R) => [unknown, P];
  vjp(f: (...args: Array[]) => Array, primals: Array[]): [Array, (cotangent: Array) => Array[]];
  init(device: string): Promise<readonly string[]>;
  defaultDevice(device: string): string;
}

async function load(threads: number): Promise<Package | string> {
  // The backend starts one worker for each processor that it finds.
  if (!isPage) Object.defineProperty(navigator, "hardwareConcurrency", { value: threads });
  try {
    const jax: Package = await import(PACKAGE);
    await jax.init(BACKEND);
    jax.defaultDevice(BACKEND);
    return jax;
  } catch (error) {
    return `jax-js cannot be loaded: ${error}`.split("\n")[0];
  }
}

const loaded = await load(threadsWanted());
if (typeof loaded === "string") await serve({ unavailable: loaded }, () => () => {});
const jax = loaded as Package;
const { numpy: np, lax } = jax;

function fromFloats(data: Float32Array | Int32Array, shape: readonly number[]): Array {
  return np.array(data).reshape(shape);
}

function randomArray(shape: readonly number[], seed = 1, scale = 1): Array {
  const floats = randomFloats(shape.reduce((a, b) => a * b, 1), seed);
  return fromFloats(floats.map((x) => x * scale), shape);
}

/** Waits until arrays are computed. */
async function settle(results: Tree): Promise<void> {
  await Promise.all(jax.tree.leaves(results).map((array) => array.blockUntilReady()));
}

/** Waits until results are computed, then frees them; in a page, the first one is read. */
async function discard(results: Tree): Promise<void> {
  const arrays = jax.tree.leaves(results);
  await settle(results);
  if (isPage) await arrays.shift()!.data();
  for (const array of arrays) array.dispose();
}

type Operation = Extract<Task, { kind: "elementwise" }>["operation"];

const operations: Readonly<Record<Operation, (x: Array, y: Array) => Array>> = {
  add: (x, y) => x.add(y),
  exp: (x) => np.exp(x),
  sin: (x) => np.sin(x),
  sum: (x) => np.sum(x),
  chain: (x, y) => {
    const top = np.exp(np.negative(np.square(x.ref)));
    return np.sin(x).mul(y.ref).add(top.div(np.square(y).add(1)));
  },
  gelu: (x) => {
    const inner = x.ref.mul(np.square(x.ref)).mul(0.044715).add(x.ref).mul(0.797885);
    return x.mul(0.5).mul(np.tanh(inner).add(1));
  },
};

const keep = { keepdims: true };

function layerNorm(x: Array, scale: Array, shift: Array): Array {
  const centered = x.ref.sub(np.mean(x, -1, keep));
  const spread = np.sqrt(np.mean(np.square(centered.ref), -1, keep).add(1e-5));
  return centered.div(spread).mul(scale).add(shift);
}

function convolve(x: Array, w: Array, stride: number, padding: number): Array {
  const around = [padding, padding];
  return lax.conv(x, w, [stride, stride], [around, around]);
}

function prepareConv(task: ConvWork): Call {
  const { batch, inputs, size, outputs, kernel, stride, padding, gradients } = task;
  const x = randomArray([batch, inputs, size, size]);
  const w = randomArray([outputs, inputs, kernel, kernel], 2);
  const forward = (x: Array, w: Array) => convolve(x, w, stride, padding);
  if (!gradients) {
    const compiled = jax.jit(forward);
    return () => discard(compiled(x.ref, w.ref));
  }
  const side = Math.floor((size + 2 * padding - kernel) / stride) + 1;
  const cotangent = randomArray([batch, outputs, side, side], 3);
  const both = jax.jit((x: Array, w: Array, cotangent: Array): Tree => {
    const [y, pullback] = jax.vjp(forward, [x, w]);
    return [y, ...pullback(cotangent)];
  });
  return () => discard(both(x.ref, w.ref, cotangent.ref));
}

/** Mean cross entropy against one-hot labels. */
function crossEntropy(scores: Array, targets: Array): Array {
  const count = scores.shape[0];
  return np.sum(jax.nn.logSoftmax(scores, -1).mul(targets)).div(-count);
}

function prepareMlp(sizes: readonly number[], batch: number): Call {
  type Params = { w: Array; b: Array }[];
  let params: Params = sizes.slice(1).map((size, i) => ({
    w: randomArray([sizes[i], size], i + 1, 1 / Math.sqrt(sizes[i])),
    b: randomArray([size], i + 10, 1 / Math.sqrt(sizes[i])),
  }));
  const x = randomArray([batch, sizes[0]]);
  const classes = sizes.at(-1)!;
  const labels = fromFloats(randomLabels(batch, classes), [batch]);
  function loss(params: Params, x: Array, targets: Array): Array {
    let y = x;
    params.forEach(({ w, b }, i) => {
      y = np.matmul(y, w).add(b);
      if (i + 1 < params.length) y = jax.nn.relu(y);
    });
    return crossEntropy(y, targets);
  }
  const step = jax.jit((params: Params, x: Array, labels: Array): [Params, Array] => {
    const targets = jax.nn.oneHot(labels, classes);
    const [value, gradients] = jax.valueAndGrad(loss)(jax.tree.ref(params), x, targets);
    return [jax.tree.map((p, g) => p.sub(g.mul(0.1)), params, gradients), value as Array];
  });
  return async () => {
    const [next, value] = step(params, x.ref, labels.ref);
    params = next;
    await settle(params);
    await discard(value);
  };
}

/** A convolution with its batch normalisation. */
type Block = { w: Array; scale: Array; shift: Array };
type Running = { mean: Array; variance: Array };

/** ResNet-18's convolutions in order: inputs, outputs, kernel, stride. */
const stages: readonly (readonly [number, number, number])[] = [
  [64, 64, 1],
  [64, 128, 2],
  [128, 256, 2],
  [256, 512, 2],
];

/** The convolutions of a residual block: two, and a third if its shortcut has one. */
function blockShapes([inputs, outputs, stride]: readonly [number, number, number]): number[][] {
  const body = [[inputs, outputs, 3, stride], [outputs, outputs, 3, 1]];
  return stride === 1 ? body : [...body, [inputs, outputs, 1, stride]];
}

const residuals = stages.flatMap(([inputs, outputs, stride]) => [
  blockShapes([inputs, outputs, stride]),
  blockShapes([outputs, outputs, 1]),
]);

type Params = { blocks: Block[]; w: Array; b: Array };

function initResnet(): { params: Params; running: Running[] } {
  const shapes = [[3, 64, 7, 2], ...residuals.flat()];
  return {
    params: {
      blocks: shapes.map(([inputs, outputs, kernel], i) => ({
        w: randomArray([outputs, inputs, kernel, kernel], i, 1 / Math.sqrt(inputs * kernel ** 2)),
        scale: np.ones([outputs]),
        shift: np.zeros([outputs]),
      })),
      w: randomArray([512, 1000], 50, 0.04),
      b: np.zeros([1000]),
    },
    running: shapes.map(([, outputs]) => ({
      mean: np.zeros([outputs]),
      variance: np.ones([outputs]),
    })),
  };
}

/** The scores, and the running statistics after a training step. */
function applyResnet(
  { blocks, w, b }: Params,
  running: readonly Running[],
  x: Array,
  trains: boolean,
): [scores: Array, running: Running[]] {
  let next = 0;
  const statistics: Running[] = [];
  function normalized(x: Array, stride: number, padding: number): Array {
    const block = blocks[next];
    const { mean, variance } = running[next++];
    const y = convolve(x, block.w, stride, padding);
    const [count, channels, ...sides] = y.shape;
    const shaped = (v: Array) => v.reshape([1, channels, 1, 1]);
    if (!trains) {
      const factor = block.scale.div(np.sqrt(variance.add(1e-5)));
      const offset = block.shift.sub(mean.mul(factor.ref));
      return y.mul(shaped(factor)).add(shaped(offset));
    }
    const own = np.mean(y.ref, [0, 2, 3]);
    const centered = y.sub(shaped(own.ref));
    const spread = np.mean(np.square(centered.ref), [0, 2, 3]);
    const size = count * sides.reduce((a, b) => a * b, 1);
    const unbiased = spread.ref.mul(size / Math.max(1, size - 1));
    statistics.push({
      mean: mean.mul(0.9).add(lax.stopGradient(own).mul(0.1)),
      variance: variance.mul(0.9).add(lax.stopGradient(unbiased).mul(0.1)),
    });
    const factor = block.scale.div(np.sqrt(spread.add(1e-5)));
    return centered.mul(shaped(factor)).add(shaped(block.shift));
  }
  let y = jax.nn.relu(normalized(x, 2, 3));
  // Padding is less than all values here, which are not negative.
  y = np.pad(y, [[0, 0], [0, 0], [1, 1], [1, 1]]);
  y = lax.reduceWindow(y, (window: Array) => np.max(window), [3, 3], [2, 2]);
  for (const shapes of residuals) {
    const stride = shapes[0][3];
    let shortcut = y.ref;
    let body = jax.nn.relu(normalized(y, stride, 1));
    body = normalized(body, 1, 1);
    if (shapes.length === 3) shortcut = normalized(shortcut, stride, 0);
    y = jax.nn.relu(body.add(shortcut));
  }
  return [np.matmul(np.mean(y, [2, 3]), w).add(b), statistics];
}

function prepareResnet(batch: number, size: number, trains: boolean): Call {
  const initial = initResnet();
  let { params, running } = initial;
  const x = randomArray([batch, 3, size, size]);
  if (!trains) {
    const forward = jax.jit((params: Params, running: Running[], x: Array) =>
      applyResnet(params, running, x, false)[0]
    );
    return () => discard(forward(jax.tree.ref(params), jax.tree.ref(running), x.ref));
  }
  const labels = fromFloats(randomLabels(batch, 1000), [batch]);
  let momentum = jax.tree.map((p) => np.zeros(p.shape), jax.tree.ref(params));
  type Result = [Params, Running[], Params, Array];
  const step = jax.jit(
    (params: Params, running: Running[], momentum: Params, x: Array, labels: Array): Result => {
      const targets = jax.nn.oneHot(labels, 1000);
      const loss = (params: Params, running: Running[], x: Array, targets: Array) => {
        const [scores, statistics] = applyResnet(params, running, x, true);
        return [crossEntropy(scores, targets), statistics];
      };
      const differentiated = jax.valueAndGrad(loss, { hasAux: true });
      const [value, gradients] = differentiated(jax.tree.ref(params), running, x, targets);
      const [loss0, statistics] = value as [Array, Running[]];
      const buffers = jax.tree.map((m, g) => m.mul(0.9).add(g), momentum, gradients);
      const next = jax.tree.map((p, m) => p.sub(m.mul(0.01)), params, jax.tree.ref(buffers));
      return [next, statistics, buffers, loss0];
    },
  );
  return async () => {
    const [next, statistics, buffers, loss] = step(params, running, momentum, x.ref, labels.ref);
    [params, running, momentum] = [next, statistics, buffers];
    await settle(params);
    await discard(loss);
  };
}

function scalarFunction(x: Array): Array {
  const top = np.log1p(np.exp(x.ref.mul(np.sin(x.ref))));
  return top.div(np.square(x).add(1));
}

function functionOfFour(x: Array): Array {
  const first = np.sum(x.ref.mul(np.sin(x.ref)));
  return first.add(np.square(np.sum(np.square(x))));
}

function prepare(task: Task): Call {
  switch (task.kind) {
    case "matmul": {
      const a = randomArray([task.size, task.size]);
      const b = randomArray([task.size, task.size], 2);
      const product = jax.jit((a: Array, b: Array) => np.matmul(a, b));
      return () => discard(product(a.ref, b.ref));
    }
    case "elementwise": {
      const x = randomArray([task.length]);
      const y = randomArray([task.length], 2);
      const operation = operations[task.operation];
      if (operation.length === 1) {
        const compiled = jax.jit((x: Array) => operation(x, x));
        return () => discard(compiled(x.ref));
      }
      const compiled = jax.jit((x: Array, y: Array) => operation(x, y));
      return () => discard(compiled(x.ref, y.ref));
    }
    case "softmax": {
      const x = randomArray([task.rows, task.columns]);
      const softmax = jax.jit((x: Array) => jax.nn.softmax(x, -1));
      return () => discard(softmax(x.ref));
    }
    case "layerNorm": {
      const x = randomArray([task.rows, task.columns]);
      const scale = randomArray([task.columns], 2);
      const shift = randomArray([task.columns], 3);
      const norm = jax.jit(layerNorm);
      return () => discard(norm(x.ref, scale.ref, shift.ref));
    }
    case "attention": {
      const shape = [task.batch, task.heads, task.length, task.width];
      const [q, k, v] = [1, 2, 3].map((seed) => randomArray(shape, seed));
      const attend = jax.jit((q: Array, k: Array, v: Array) => {
        const scores = np.matmul(q, np.transpose(k, [0, 1, 3, 2])).div(Math.sqrt(task.width));
        return np.matmul(jax.nn.softmax(scores, -1), v);
      });
      return () => discard(attend(q.ref, k.ref, v.ref));
    }
    case "conv":
      return prepareConv(task);
    case "mlpStep":
      return prepareMlp(task.sizes, task.batch);
    case "resnetForward":
      return prepareResnet(task.batch, task.size, false);
    case "resnetStep":
      return prepareResnet(task.batch, task.size, true);
    case "fftLoop":
      throw new Missing("only transforms into new memory");
    case "fft": {
      if (task.dtype !== "float32") throw new Missing("only float32 in its WebAssembly");
      const shape = [task.rows, task.length];
      const [re, im] = [0, 1].map((seed) =>
        fromFloats(Float32Array.from(noise(task.rows * task.length, seed), (x) => 2 * x - 1), shape)
      );
      const transform = jax.jit((re: Array, im: Array) => {
        if (!task.isReal) return np.fft.fft({ real: re, imag: im });
        im.dispose();
        return np.fft.rfft(re);
      });
      const call = () => transform(re.ref, im.ref);
      const check = async () => {
        const { real, imag } = call();
        return weightedSum([await real.data(), await imag.data()], 2);
      };
      return Object.assign(() => discard(call()), { check });
    }
    case "gradient": {
      const x = np.array(0.7);
      const gradient = jax.grad(scalarFunction);
      const chosen = task.compiled ? jax.jit(gradient) : gradient;
      return () => discard(chosen(x.ref));
    }
    case "hessian": {
      const x = np.array([0.1, -0.4, 0.7, 1.2]);
      const matrix = jax.hessian(functionOfFour);
      const chosen = task.compiled ? jax.jit(matrix) : matrix;
      return () => discard(chosen(x.ref));
    }
    case "dispatch": {
      const x = np.array(0.7);
      const compiled = jax.jit((x: Array) => np.sin(x));
      return () => discard(compiled(x.ref));
    }
    default:
      throw new Missing("not in jax-js");
  }
}

await serve({ versions: { "jax-js": JAX_JS } }, prepare);
