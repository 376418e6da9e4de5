/**
 * Arguments: values that fit a parameter of some name, and values that fit nothing.
 *
 * @module
 */
import * as api from "../../mod.ts";
import type { Dtype, Tensor } from "../../mod.ts";
import files from "../fixtures/io.json" with { type: "json" };
import extra from "../fixtures/npz_idx.json" with { type: "json" };
import { escaped, UserError } from "./contract.ts";
import type { Draw } from "./draw.ts";
import { RECEIVER } from "./surface.ts";

/** Properties shared by the arguments of one call, so that they fit each other. */
export interface Scene {
  readonly draw: Draw;
  /** Whether all arguments should fit, so that the inside of the function is reached. */
  readonly isCalm: boolean;
  /** The length of most axes, and most counts. */
  readonly n: number;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** The options of the called function. */
  readonly options: readonly string[];
  /** The arguments so far, by parameter name. */
  readonly given: Map<string, unknown>;
}

const DTYPES = [
  ...["float32", "float64", "int32", "uint32", "bool"] as const,
  ...["float16", "bfloat16", "int8", "uint8", "int16", "uint16"] as const,
  ...["complex64", "complex128"] as const,
];

/** A scene for a function with these parameters and options. */
export function makeScene(
  draw: Draw,
  parameters: readonly string[],
  options: readonly string[],
): Scene {
  const isCalm = draw.chance(50);
  const n = draw.integer(1, 3);
  const isImage = parameters.some((name) => ["w", "window", "grid"].includes(name));
  const ndim = isImage ? draw.integer(3, 5) : draw.pick([0, 1, 1, 2, 2, 2, 3, 3]);
  const shape = Array.from(
    { length: ndim },
    () => isCalm || draw.chance(80) ? n : draw.integer(0, 4),
  );
  const dtype = isCalm || draw.chance(60) ? "float64" : draw.pick(DTYPES);
  return { draw, isCalm, n, dtype, shape, options, given: new Map() };
}

const NUMBERS = [
  ...[0, -0, 1, -1, 2, 3, 0.5, -1.5, NaN, Infinity, -Infinity, 100],
  ...[2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53, 1e9, 1e300, -1e300, 5e-324],
];

/** Numbers that are plausible as lengths. */
const LARGE = [1e6, 1e9, 2 ** 28, 2 ** 30, 2 ** 31 - 1];

const WORDS = [
  ...["", "x", "float32", "float64", "int32", "bool", "int64", "same", "valid", "constant", "edge"],
  ...[
    "reflect",
    "symmetric",
    "wrap",
    "mean",
    "sum",
    "none",
    "batchmean",
    "tanh",
    "in",
    "out",
    "...",
  ],
  ...[
    "forward",
    "reverse",
    "ij->ji",
    "ij,jk->ik",
    "__proto__",
    "constructor",
    "toString",
    "0",
    "\n",
  ],
];

/** A class without meaning to the library. */
class Unknown {
  readonly a = 1;
}

function cyclicArray(): unknown[] {
  const array: unknown[] = [1];
  array.push(array);
  return array;
}

function cyclicObject(): object {
  const inner: Record<string, unknown> = { a: 1 };
  return inner.b = { c: [inner] }, inner;
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

/** An array that consists of holes. */
function holes(length: number): unknown[] {
  const array: unknown[] = [];
  array.length = length;
  return array;
}

/** Values that fit almost nothing, newly made for each use. */
const MISFITS: readonly (() => unknown)[] = [
  () => undefined,
  () => null,
  () => Symbol("s"),
  () => 1n,
  () => -(2n ** 70n),
  () => new Date(0),
  () => new Date(NaN),
  () => new Map([[1, 2]]),
  () => new Set([1]),
  () => Promise.resolve(1),
  () => /x/,
  () => new ArrayBuffer(8),
  () => new DataView(new ArrayBuffer(8)),
  () => Object.create(null),
  () => ({}),
  () => ({ length: 3 }),
  () => ({ shape: [1], dtype: "float32" }),
  () => JSON.parse('{"__proto__": 1, "constructor": [2]}'),
  () => [],
  () => [[]],
  () => [[], [1]],
  () => [[1, 2], [3]],
  () => [1, [2]],
  () => [[1], 2],
  () => [1, "2"],
  () => [1, undefined],
  () => [1n, 2n],
  () => [Symbol("s")],
  () => [NaN, Infinity, -0],
  () => [true, 2],
  () => [null],
  // deno-lint-ignore no-sparse-arrays
  () => [1, , 3],
  // deno-lint-ignore no-sparse-arrays
  () => [[1, 2], , [3, 4]],
  () => holes(3),
  () => holes(2 ** 32 - 1),
  () => Object.freeze([1, 2]),
  () => new Array(65).fill(1),
  () => new Array(65).fill(0).map((_, i) => i),
  () => [1e9, 1e9],
  () => [2 ** 31],
  () => [2 ** 31 - 1],
  () => [0, 2 ** 53],
  () => [-1],
  () => [0.5],
  () => [NaN],
  () => cyclicArray(),
  () => cyclicObject(),
  () => nested(70),
  () => nested(3000),
  () => new Unknown(),
  () => new Error("x"),
  () => new Proxy({}, {}),
  () => new api.TensorType("float32", [2]),
  () => new api.TensorType("int32", [2 ** 30]),
  () => api.zeros([2 ** 30]),
  () => api.ones([2 ** 15, 2 ** 15], { dtype: "int32" }),
  () => api.zeros([0, 2 ** 31 - 1]),
  () => api.zeros([2 ** 31 - 1, 0]),
  () => api.tensor([1, 2, 3]),
  () => api.tensor(true),
];

const TYPED_ARRAYS: readonly (new (values: number[]) => ArrayBufferView)[] = [
  ...[Float32Array, Float64Array, Int8Array, Int16Array, Int32Array],
  ...[Uint8Array, Uint8ClampedArray, Uint16Array, Uint32Array],
];

const ELEMENTS = [1, 0, 2, -1, 0.5, 3, -2.5, 0, 1, 2];
const ODD_ELEMENTS = [NaN, Infinity, -Infinity, -0, 1e-320, 1e300, -1e300, 2 ** 31, -1, 0.1];

/** A list of `count` numbers, some of them unusual. */
function elements(scene: Scene, size: number, isInteger: boolean): number[] {
  const { draw } = scene;
  const start = draw.integer(0, 9);
  const isOdd = !isInteger && draw.chance(25);
  return Array.from({ length: size }, (_, i) => {
    const list = isOdd && i % 3 === 1 ? ODD_ELEMENTS : ELEMENTS;
    const value = list[(start + i) % list.length];
    return isInteger ? Math.abs(Math.trunc(value)) : value;
  });
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, length) => size * length, 1);
}

/** A shape: that of the scene, one that broadcasts with it, or another. */
function shape({ draw, isCalm, n, shape }: Scene): readonly number[] {
  const kind = isCalm ? 0 : draw.integer(0, 9);
  if (kind < 6) return shape;
  if (kind === 6) return shape.slice(draw.integer(0, shape.length));
  if (kind === 7) return shape.map((length) => draw.chance(50) ? 1 : length);
  if (kind === 8) return [];
  return draw.list(0, 4, () => draw.chance(50) ? n : draw.integer(0, 4));
}

/** A tensor of this shape. */
function tensorOf(scene: Scene, shape: readonly number[], dtype: Dtype): Tensor {
  const { draw } = scene;
  const isInteger = dtype !== "float32" && dtype !== "float64";
  if (draw.chance(12)) return api.full(shape, draw.integer(0, 2), { dtype });
  if (!scene.isCalm && dtype === "float64" && draw.chance(8)) {
    const parts = [0, 1].map(() => api.full(shape, draw.integer(-2, 2), { dtype }));
    return api.complex(parts[0], parts[1]);
  }
  const vector = elements(scene, sizeOf(shape), isInteger);
  return api.reshape(api.tensor(vector, { dtype }), shape);
}

/** A tensor. */
export function tensor(scene: Scene): Tensor {
  const { draw } = scene;
  const dtype = scene.isCalm || draw.chance(70) ? scene.dtype : draw.pick(DTYPES);
  return tensorOf(scene, shape(scene), dtype);
}

/** A tensor of one axis. */
function vector(scene: Scene): Tensor {
  return tensorOf(scene, [scene.isCalm || scene.draw.chance(80) ? scene.n : 0], scene.dtype);
}

function floatTensor(scene: Scene): Tensor {
  return tensorOf(scene, shape(scene), scene.draw.pick(["float64", "float32"]));
}

/** Numbers in nested arrays of this shape. */
function nestedArray(scene: Scene, [length, ...rest]: readonly number[]): unknown {
  if (length === undefined) return elements(scene, 1, false)[0];
  return Array.from({ length }, () => nestedArray(scene, rest));
}

function typedArray(scene: Scene): unknown {
  const { draw } = scene;
  if (draw.chance(10)) return BigInt64Array.of(1n, -2n);
  if (draw.chance(10)) return BigUint64Array.of(2n ** 63n);
  const type = draw.pick(TYPED_ARRAYS);
  return new type(elements(scene, draw.chance(60) ? scene.n : draw.integer(0, 4), false));
}

/** A value that is accepted as a tensor. */
function tensorLike(scene: Scene): unknown {
  const { draw } = scene;
  const kind = scene.isCalm ? 0 : draw.integer(0, 19);
  if (kind < 14) return tensor(scene);
  if (kind < 16) return draw.chance(80) ? draw.pick([1, 2, 0.5, -1, 0]) : draw.pick(NUMBERS);
  if (kind === 16) return draw.chance(50);
  if (kind === 17) return typedArray(scene);
  return nestedArray(scene, shape(scene));
}

/** Integers that are indices into axes. */
function indices(scene: Scene): unknown {
  const { draw, isCalm, n } = scene;
  const entries = (count: number) => Array.from({ length: count }, () => draw.integer(-n, n - 1));
  const kind = isCalm && draw.chance(70) ? 9 : draw.integer(0, 4);
  if (kind === 0) return draw.integer(-n, n - 1);
  if (kind === 1) return entries(draw.integer(0, 3));
  if (kind === 2) return Int32Array.from(entries(draw.integer(0, 3)));
  const own = shape(scene);
  return api.reshape(
    api.tensor(entries(sizeOf(own)), { dtype: "int32" }),
    own,
  );
}

/** An integer for each row of a batch. */
function classIndices(scene: Scene): Tensor {
  const { draw, shape: [batch, _classes, ...rest] } = scene;
  const own = batch === undefined ? [] : [batch, ...rest];
  const entries = Array.from({ length: sizeOf(own) }, () => draw.integer(0, 1));
  return api.reshape(api.tensor(entries, { dtype: "int32" }), own);
}

/** One entry of an index. */
function indexEntry(scene: Scene): unknown {
  const { draw, n } = scene;
  const bound = () => draw.chance(25) ? null : draw.integer(-n - 1, n + 1);
  switch (draw.integer(0, 7)) {
    case 0:
      return null;
    case 1:
      return "...";
    case 2:
      return [bound(), bound()];
    case 3:
      return draw.chance(70)
        ? api.slice(bound(), bound(), draw.pick([1, 2, -1, -2]))
        : [bound(), bound(), draw.pick([1, 2, -1, -2])];
    case 4:
      return indices(scene);
    case 5:
      return draw.chance(50)
        ? api.newAxis
        : tensorOf(scene, draw.chance(50) ? [n] : [n, n], "bool");
    default:
      return draw.integer(-n, n - 1);
  }
}

/** An axis, several, or none. */
function axis(scene: Scene): unknown {
  const { draw, isCalm, shape: { length } } = scene;
  const one = () => draw.integer(-length, Math.max(length - 1, 0));
  const kind = isCalm ? 0 : draw.integer(0, 9);
  if (kind < 6) return one();
  if (kind === 6) return null;
  if (kind === 7) return undefined;
  if (kind === 8) return draw.list(0, 3, one);
  return Array.from({ length }, (_, i) => i).reverse();
}

/** A shape that may not be one. */
function shapeArgument(scene: Scene): unknown {
  const { draw, isCalm, n } = scene;
  if (!isCalm && draw.chance(10)) return draw.pick([LARGE, [draw.pick(LARGE)], [1, 2 ** 30]]);
  const kind = isCalm ? 0 : draw.integer(0, 9);
  if (kind < 5) return shape(scene);
  if (kind === 5) return [sizeOf(scene.shape)];
  if (kind === 6) return [n, -1];
  if (kind === 7) return n;
  if (kind === 8) return [n, n];
  return [...scene.shape].reverse();
}

/** A small count. */
function count({ draw, isCalm, n }: Scene): unknown {
  if (!isCalm && draw.chance(10)) return draw.pick(LARGE);
  return isCalm || draw.chance(80) ? n : draw.pick([0, 1, 2, 3, 4, [n, n], [1, 2]]);
}

/** A tree with some kind of values at its leaves. */
function tree(scene: Scene, leaf: (scene: Scene) => unknown, depth = 2): unknown {
  const { draw } = scene;
  const kind = depth === 0 ? 0 : draw.integer(0, 5);
  if (kind < 2) return leaf(scene);
  if (kind === 2) return draw.chance(70) ? leaf(scene) : null;
  const part = () => tree(scene, leaf, depth - 1);
  if (kind === 3) return draw.list(0, 2, part);
  const keys = draw.list(0, 2, () => draw.pick(["a", "b", "weight", "bias", "0", ...WORDS]));
  const entries = keys.map((key) => [key, part()] as const);
  return Object.fromEntries(entries);
}

/** Traced values that functions have leaked from their transforms. */
const leaks: Tensor[] = [];

function leak(x: unknown): unknown {
  if (x instanceof api.Tensor && !escaped.has(x)) {
    escaped.add(x);
    leaks.push(x);
    if (leaks.length > 4) leaks.shift();
  }
  return x;
}

// deno-lint-ignore no-explicit-any
type Values = any[];

const CALLBACKS: readonly ((...args: Values) => unknown)[] = [
  (x) => x,
  (x) => api.sum(api.square(x)),
  (x, y) => api.add(x, y ?? 1),
  (...xs) => xs.map((x) => api.sum(api.sin(x))).reduce(api.add, api.tensor(0)),
  (x) => api.matmul(x, x),
  (...xs) => xs,
  (x) => [api.sum(api.exp(x)), { aux: x }],
  (x) => ({ b: [api.sin(x), null], a: api.cos(x) }),
  (x) => api.astype(x, "int32"),
  (x) => api.tensor(x).item(),
  (x) => x instanceof api.Tensor ? String(x) : x,
  (x) => api.grad((y: Tensor) => api.sum(api.mul(y, x)))(x),
  (x) => api.vmap((y: Tensor) => api.mul(y, 2))(x),
  (x) => api.jvp((y: Tensor) => api.sin(y), [x], [x]),
  (x) => api.noGrad((y: Tensor) => api.square(y))(x),
  (x) => api.makeProgram((y: Tensor) => api.mul(y, x))(x),
  () => api.tensor(1),
  () => 1,
  () => true,
  () => undefined,
  () => null,
  () => "text",
  () => [],
  () => [[1, 2], [3]],
  () => Symbol("s"),
  () => Promise.resolve(1),
  () => cyclicArray(),
  async (x) => await x,
  function* () {},
  (x) => leak(x),
  () => leaks.at(-1) ?? 1,
  (x) => (leak(x), leaks[0]),
  () => {
    throw new UserError("thrown by the user");
  },
  (path) => typeof path === "string" && path.length % 2 === 0,
  (_, leaf) => leaf,
  (parts, x) => typeof parts?.[0] === "function" ? parts[0](x) : x,
  (parts, x) => typeof parts?.a === "function" ? parts.a(parts.b(x)) : x,
  (x) => api.conv(x, x),
  (x) => api.index(x, 0),
  (x) => api.norm(x, 0),
  (x) => api.sort(x),
  (x) => api.nn.crossEntropy(x, x),
  (...args) => [...args],
];

function callback({ draw, isCalm }: Scene): unknown {
  const f = isCalm || draw.chance(50) ? draw.pick(CALLBACKS.slice(0, 4)) : draw.pick(CALLBACKS);
  // A new function for each call, since some functions are cached.
  return (...args: Values) => f(...args);
}

function key({ draw }: Scene): Tensor {
  return api.random.key(draw.integer(0, 9));
}

function layer(scene: Scene): unknown {
  const { draw, n } = scene;
  const { nn } = api;
  return draw.pick([
    () => nn.relu,
    () => nn.linear(n, n),
    () => nn.dropout(0.5),
    () => nn.flatten(),
    () => nn.batchNorm(n),
    () => nn.sequential(nn.linear(n, n), nn.tanh),
    () => callback(scene),
  ])();
}

function optimizer({ draw }: Scene): unknown {
  const { optim } = api;
  return draw.pick([
    () => optim.sgd(0.1, { momentum: 0.9 }),
    () => optim.adam(0.1),
    () => optim.clipByGlobalNorm(1),
    () => optim.masked(optim.sgd(0.1), true),
    () => optim.sgd(optim.cosine(1, { steps: 3 })),
    () => optim.chain(optim.zeroNans(), optim.centralize(), optim.nadam(0.1)),
    () => optim.rprop(0.1),
    () => optim.multiSteps(optim.lookahead(optim.ema(0.5), 2, 0.5), 2),
    () => optim.multiTransform({ a: optim.sgd(0.1), b: optim.setToZero() }, "a"),
    () => optim.lamb(optim.oneCycle(1, { steps: 3 }), { weightDecay: 0.1 }),
    () => optim.adafactor(0.1),
    () => optim.noisySgd(0.1, api.random.key(1)),
    () => optim.sam(optim.novograd(0.1)),
    () => optim.sophia(0.1, api.random.key(1), { every: 2 }),
    () => optim.reduceOnPlateau(),
    () => optim.injectHyperparams(({ rate }) => optim.sgd(rate), { rate: 0.1 }),
    () => optim.scheduleFree(optim.sgd(0.1), 0.1),
    () => optim.lbfgs({ memory: 2, maxPoints: 3 }),
  ])();
}

function target(scene: Scene): unknown {
  return scene.draw.chance(50) ? tensorLike(scene) : classIndices(scene);
}

function schedules({ draw }: Scene): unknown {
  const { optim } = api;
  const one = () =>
    draw.pick([
      () => optim.constant(0.1),
      () => optim.cosine(1, { steps: 3 }),
      () => optim.linear(0, { steps: 2, end: 1 }),
    ])();
  return Array.from({ length: draw.integer(1, 3) }, one);
}

function boundaries({ draw }: Scene): unknown {
  return draw.pick([() => [], () => [2], () => [2, 5]])();
}

function learningRate(scene: Scene): unknown {
  const { draw } = scene;
  return draw.pick<() => unknown>([
    () => 0.1,
    () => 0,
    () => 1,
    () => api.tensor(0.1),
    () => api.tensor(0.1, { dtype: "float64" }),
    () => api.optim.step(0.1, { every: 2 }),
    () => callback(scene),
  ])();
}

function program(scene: Scene): api.Program {
  const { draw } = scene;
  const f = draw.pick([
    (x: Tensor) => api.sin(x),
    (x: Tensor) => api.sum(api.mul(x, x)),
    (x: Tensor) => api.matmul(x, api.transpose(x)),
    (x: Tensor) => api.sort(x),
    () => 1,
  ]);
  try {
    return api.makeProgram(f)(tensor(scene));
  } catch {
    return api.makeProgram((x: Tensor) => x)(1);
  }
}

function spec({ draw, shape }: Scene): string {
  const labels = "ijklm".slice(0, shape.length);
  return draw.pick([
    ...[`${labels}->${[...labels].reverse().join("")}`, `${labels},${labels}->${labels}`, labels],
    ...[`${labels},${labels}->`, "...->...", "...,...", `${labels},`, `...${labels}`, "ij,jk->ik"],
    ...["ii->i", "ij", "->", ",", "i,j->ij", "ij,jk,kl->il", "i->ii", "i->j", "i.j", "I j -> jI"],
  ]);
}

/** Options of the called function, each with a value that may fit. */
function options(scene: Scene): unknown {
  const { draw, options } = scene;
  if (options.length === 0 || draw.chance(25)) return draw.chance(60) ? undefined : {};
  const names = draw.chance(15) ? [...options] : draw.list(1, 2, () => draw.pick(options));
  if (draw.chance(5)) names.push("misspelt");
  const value = (name: string) =>
    scene.isCalm || draw.chance(90) ? argument(scene, name) : anything(scene);
  return Object.fromEntries(names.map((name) => [name, value(name)]));
}

/** The possible values of a flag, a factor or a choice of strings. */
function setting(scene: Scene): unknown {
  const { draw, isCalm, n } = scene;
  const kind = draw.integer(0, isCalm ? 6 : 9);
  if (kind < 3) return draw.chance(50);
  if (kind < 5) return draw.pick([0, 1, 0.5, 0.1, 2]);
  if (kind < 7) return n;
  if (kind === 7) return draw.pick(WORDS);
  return kind === 8 ? undefined : draw.pick(NUMBERS);
}

/** The same value as another parameter's, or a similar one. */
function again(scene: Scene, name: string): unknown {
  if (scene.given.has(name) && (scene.isCalm || scene.draw.chance(80))) {
    return scene.given.get(name);
  }
  return tree(scene, floatTensor);
}

/** A file of each format, and an empty archive. */
const FILES: readonly Uint8Array<ArrayBuffer>[] = [
  ...[files.torch.find(({ name }) => name === "no checksums")!, ...files.npz.slice(0, 3)],
  ...[files.npy[0], files.safetensors[1]],
  { base64: extra.idx.uint8 },
].map(({ base64 }) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)))
  .concat(api.io.saveTree({ w: api.tensor([1, 2]), step: 3 }));

/** A file that a reader may accept, or part of one. */
function file({ draw, isCalm }: Scene): Uint8Array<ArrayBuffer> {
  const whole = draw.pick(FILES);
  return whole.slice(0, isCalm || draw.chance(70) ? whole.length : draw.integer(0, whole.length));
}

/** The input of a rule: a list, if the arguments are in order. */
function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

type Role = (scene: Scene, name: string) => unknown;

/** Values that fit a parameter of each of these names; other names accept anything. */
const ROLES: readonly (readonly [names: RegExp, role: Role])[] = [
  [/^(x|y|x1|x2|other|input|condition|values?|updates|logits|cotangents?|actual)$/, tensorLike],
  [/^(min|max|minval|maxval|probability|weight|posWeight)$/, tensorLike],
  [
    /^(lower|upper)$/,
    (scene) =>
      scene.draw.pick<() => unknown>([
        () => scene.draw.integer(-1, 4),
        () => api.tensor(scene.draw.integer(-1, 4), { dtype: "int32" }),
        () => tensorLike(scene),
      ])(),
  ],
  [/^pred$/, (scene) => scene.draw.chance(60) ? scene.draw.chance(50) : tensorLike(scene)],
  [/^(combine|onTrue|onFalse|step)$/, callback],
  [
    /^predicate$/,
    (scene) =>
      scene.draw.pick<() => unknown>([
        () => () => scene.draw.chance(50),
        () => (x: Tensor) => api.less(api.sum(x), 3),
        () => callback(scene),
      ])(),
  ],
  [/^branches$/, (scene) => scene.draw.list(1, 3, () => callback(scene))],
  [/^index$/, (scene) => scene.draw.chance(60) ? scene.draw.integer(-1, 4) : tensorLike(scene)],
  [/^(init|xs)$/, (scene) => tree(scene, floatTensor)],
  [/^func$/, (scene) => scene.draw.chance(60) ? (y: unknown) => y : callback(scene)],
  [/^y0$/, (scene) => scene.draw.chance(60) ? floatTensor(scene) : tree(scene, floatTensor)],
  [/^t$/, (scene) => scene.given.has("y0") ? api.arange(scene.n + 1) : tensorLike(scene)],
  [/^(a|b|c|d|e|q|z|r|dl|du|births|queries|keys|attnMask)$/, tensorLike],
  [
    /^survival$/,
    (scene) => {
      const [n = 1, ...rest] = scene.shape.toReversed();
      return tensorOf(scene, [...rest.reverse(), Math.max(n - 1, 0)], scene.dtype);
    },
  ],
  [/^points$/, (scene) => scene.shape.map((length) => api.arange(length))],
  [/^theta$/, (scene) => tensorOf(scene, [scene.n, 2, 3], scene.dtype)],
  [
    /^size$/,
    (scene) =>
      scene.given.has("theta")
        ? [scene.n, 1, 2, scene.n]
        : scene.given.has("images")
        ? [1, 1]
        : count(scene),
  ],
  [
    /^grid$/,
    (scene) =>
      tensorOf(
        scene,
        [...scene.shape.toSpliced(1, 1), Math.max(scene.shape.length - 2, 0)],
        scene.dtype,
      ),
  ],
  [
    /^coordinates$/,
    (scene) => tensorOf(scene, [scene.shape.length, scene.draw.integer(0, 3)], scene.dtype),
  ],
  [/^factors$/, (scene) => [tensorLike(scene), indices(scene)]],
  [/^(test|y|mask|choices|sample|weights|aweights|spacing|prepend|append)$/, tensorLike],
  [/^(toBegin|toEnd|left|right|fillValue)$/, ({ draw }) => draw.pick([0, 1, true, false, -1])],
  [/^(sorted|bins|xp|fp)$/, vector],
  [/^(segmentIds|fweights|sorter)$/, (scene) => tensorOf(scene, [scene.n], "int32")],
  [/^multiIndex$/, (scene) => scene.shape.map(() => indices(scene))],
  [/^(n|kth|size|length|minlength|numSegments)$/, count],
  [/^method$/, ({ draw }) => draw.pick(["linear", "lower", "average", "dense", "none"])],
  [/^(side|mode)$/, ({ draw }) => draw.pick(["left", "right", "wrap", "clip", "raise"])],
  [/^range$/, ({ draw }) => draw.pick([[0, 1], [2, 1], [0, NaN], null])],
  [/^expected$/, (scene) => scene.given.get("actual") ?? tensorLike(scene)],
  [/^input1$/, floatTensor],
  [/^input2$/, (scene) => again(scene, "input1")],
  [/^logProbs$/, (scene) => tensorOf(scene, [3, 2, scene.n + 1], scene.dtype)],
  [/^targets$/, ({ draw }) => api.full([2, 2], draw.integer(0, 1), { dtype: "int32" })],
  [/^(input|target)Lengths$/, ({ draw }) => api.full([2], draw.integer(0, 3), { dtype: "int32" })],
  [/^target$/, (scene) => {
    const input = scene.given.get("input1");
    if (!(input instanceof api.Tensor) || scene.draw.chance(20)) return target(scene);
    return api.ones(input.shape.slice(0, -1));
  }],
  [/^(primals)$/, (scene) => scene.draw.list(1, 2, () => floatTensor(scene))],
  [/^w$/, ({ draw, n, ...rest }) => {
    const ndim = draw.chance(85) ? rest.shape.length : 3;
    const lengths = Array.from({ length: ndim }, (_, i) => i < 2 ? n : draw.integer(1, 3));
    return tensorOf({ draw, n, ...rest }, lengths, rest.dtype);
  }],
  [/^\.\.\.(operands|rest|primals|examples|tangents)$/, tensorLike],
  [/^(list|args)$/, (scene) => scene.draw.list(0, 3, () => tensorLike(scene))],
  [/^(primals)$/, (scene) => scene.draw.list(1, 2, () => floatTensor(scene))],
  [/^tangents$/, (scene) => again(scene, "primals")],
  [/^grads$/, (scene) => again(scene, "params")],
  [/^bytes$/, file],
  [/^tensors$/, (scene) => ({ a: tensorLike(scene) })],
  [/^metadata$/, ({ draw }) => ({ format: draw.pick(["pt", "", "☃"]) })],
  [/^(tree|\.\.\.trees|dict)$/, (scene) => tree(scene, tensorLike)],
  [
    /^params$/,
    (scene) => scene.given.has("dict") ? again(scene, "dict") : tree(scene, floatTensor),
  ],
  [
    /^state$/,
    (scene) =>
      scene.draw.chance(50)
        ? tree(scene, floatTensor)
        : { beta: api.tensor(0.5, { dtype: "float64" }), base: null },
  ],
  [/Init$/, ({ draw }) => {
    const { constant, kaimingNormal, normal, zeros } = api.nn.initializers;
    return draw.pick([constant(1), kaimingNormal(), normal(1), zeros]);
  }],
  [/^hint$/, ({ draw }) => draw.pick(["string", "number", "default"])],
  [
    /^indices$/,
    (scene) =>
      scene.draw.chance(50) ? indices(scene) : scene.draw.list(0, 3, () => indexEntry(scene)),
  ],
  [/^\.\.\.indices$/, indexEntry],
  [
    /^axisName$/,
    ({ draw, isCalm }) => isCalm ? "i" : draw.pick<unknown>(["i", ["i"], "j", [], ""]),
  ],
  [
    /^permutation$/,
    ({ draw }) =>
      draw.pick<unknown>([[], [[0, 1], [1, 0]], [[0, 1], [1, 2], [2, 0]], [[0, 3]], [0]]),
  ],
  [/^\.\.\.axes$/, ({ draw, shape: { length } }) => draw.integer(0, Math.max(0, length - 1))],
  [/(axis|axes|Axis|Axes)$|^(argnums|source|destination|diagonal)$/, axis],
  [
    /^(first|second)$/,
    (scene) => scene.draw.chance(80) ? axis(scene) : scene.draw.chance(50) ? 3 : options(scene),
  ],
  [
    /^(third|fourth|start|stop)$/,
    (scene) => scene.draw.chance(60) ? scene.draw.pick([0, 1, 3, -2, 0.5]) : options(scene),
  ],
  [/^(\.\.\.shapes|shape|weightShape|normalizedShape)$/, shapeArgument],
  [/^\.\.\.shape$/, count],
  [/^cutoffs$/, ({ draw }) => draw.pick<unknown>([[1], [1, 2], [2, 1], [0], [1, 2, 3], []])],
  [/^places$/, (scene) => scene.draw.chance(50) ? scene.draw.integer(-1, 1) : [0]],
  [/^(count|classes|k|features|groups|channels|rows|repetitions|sections.*|data|seed)$/, count],
  [/^(in|out)(Features|Channels)$|^(every|steps|axisSize|order|maxConsecutiveErrors)$/, count],
  [/^((input|hidden|proj)Size|embedDim|num(Heads|Layers)|[kv]dim)$/, count],
  [/^(warmup|total)Steps$/, ({ draw }) => draw.integer(0, 5)],
  [/^(window|kernelSize|outputSize|stride|dilation|padding|outputPadding|shift)$/, count],
  [
    /^widths$/,
    ({ draw, n, shape }) => draw.pick([n, [1, n], shape.map(() => [n, 1]), [[0, n]], 0]),
  ],
  [/^(_?key|dropoutKey)$/, key],
  [/^(dtype|from|to)$/, ({ draw }) => draw.pick(DTYPES)],
  [/^family$/, ({ draw }) => draw.pick(["bool", "integer", "floating", "number", "signedInteger"])],
  [/^device$/, () => api.devices()[0]],
  [/^mesh$/, () => machines],
  [/^(inSpecs|outSpecs)$/, ({ draw }) => draw.chance(70) ? api.shard(machines) : null],
  [/^\.\.\.spec$/, ({ draw }) => draw.pick(["rows", "columns", null, ["columns", "rows"]])],
  [
    /^(to|sharding)$/,
    ({ draw }) => draw.chance(50) ? api.devices()[0] : api.shard(machines, "rows"),
  ],
  [
    /^forward$/,
    (scene) => {
      const f = callback(scene) as (...args: Values) => unknown;
      return scene.draw.chance(20) ? f : (...args: Values) => [f(...args), args];
    },
  ],
  [
    /^backward$/,
    (scene) =>
      scene.draw.pick<() => unknown>([
        () => (kept: unknown) => listOf(kept).map(() => null),
        () => (kept: unknown, cotangent: Tensor) =>
          listOf(kept).map((x) => api.mul(x as Tensor, cotangent)),
        () => callback(scene),
      ])(),
  ],
  [
    /^rule$/,
    (scene) =>
      scene.draw.pick<() => unknown>([
        () => (primals: unknown, tangents: unknown) => [listOf(primals)[0], listOf(tangents)[0]],
        () => (primals: unknown) => [listOf(primals)[0], null],
        () => callback(scene),
      ])(),
  ],
  [
    /^(matvec|A|M)$/,
    (scene) => scene.draw.chance(60) ? (x: Tensor) => api.mul(x, 2) : callback(scene),
  ],
  [
    /^(solve|tangentSolve)$/,
    (scene) => scene.draw.chance(60) ? (_f: unknown, x: Tensor) => x : callback(scene),
  ],
  [
    /^initialGuess$/,
    (scene) => scene.draw.chance(50) ? floatTensor(scene) : tree(scene, floatTensor),
  ],
  [/^(f|isChosen|flatten|unflatten)$/, callback],
  [/^(options|context|given)$/, options],
  [/^learningRate$/, learningRate],
  [
    /^(rate|decay|alpha|beta.*|eps|gamma|momentum|dampening|lrDecay|labelSmoothing)$/,
    (scene) => scene.draw.pick([0, 0.1, 0.5, 0.9, 1]),
  ],
  [/^mean$/, ({ draw, n }) => draw.pick([0, 1.5, api.ones([n])])],
  [/^cov$/, ({ n }) => api.eye(n)],
  [
    /^(weightDecay|limit|maxNorm|factor|gain|low|high|deviation)$/,
    (scene) => scene.draw.pick([0, 0.5, 1, -1, 2]),
  ],
  [
    /^mask$/,
    (scene) =>
      scene.draw.chance(50) ? scene.draw.chance(50) : tree(scene, ({ draw }) => draw.chance(50)),
  ],
  [/^schedules$/, schedules],
  [/^boundaries$/, boundaries],
  [/^(optimizer|otherwise|\.\.\.transforms)$/, optimizer],
  [/^make$/, (scene) => () => optimizer(scene)],
  [/^hyperparams$/, (scene) => ({ rate: learningRate(scene) })],
  [/^extras$/, (scene) => ({
    value: scene.draw.pick<unknown>([1, NaN, api.tensor(2)]),
    loss: (params: unknown) => api.tree.sum(api.tree.map((x: Tensor) => x.square(), params)),
  })],
  [/^optimizers$/, (scene) => ({ a: optimizer(scene), b: optimizer(scene) })],
  [/^(scores|predicted|images)$/, tensorLike],
  [
    /^batches$/,
    ({ draw, n }) => api.data.batches(api.arange(4), { batchSize: draw.chance(80) ? n : 1 }),
  ],
  [
    /^labels$/,
    (scene) => {
      const { draw, given, shape } = scene;
      if (!given.has("scores") && !given.has("predicted")) {
        return draw.pick<unknown>(["a", "b", { x: "a" }, () => "b", "c"]);
      }
      const own = draw.chance(50) ? shape : shape.slice(0, -1);
      return api.astype(tensorOf(scene, own, "bool"), draw.pick(["int32", "bool", "uint8"]));
    },
  ],
  [
    /^(body|shortcut|layer|model|\.\.\.args)$/,
    (scene) => scene.draw.chance(50) ? layer(scene) : tensorLike(scene),
  ],
  [
    /^parts$/,
    (scene) =>
      scene.draw.chance(50)
        ? scene.draw.list(0, 3, () => layer(scene))
        : { a: layer(scene), b: layer(scene) },
  ],
  [/^milestones$/, (scene) => scene.draw.list(0, 3, () => count(scene))],
  [
    /^sizes$/,
    (scene) =>
      scene.draw.chance(30)
        ? scene.draw.list(0, 3, () => count(scene))
        : scene.shape.map((length) => scene.draw.integer(0, length)),
  ],
  [
    /^starts$/,
    (scene) =>
      scene.draw.chance(30) ? indices(scene) : scene.shape.map(() => scene.draw.integer(-3, 3)),
  ],
  [/^update$/, (scene) => scene.draw.chance(70) ? tensor(scene) : tensorLike(scene)],
  [/^spec$/, spec],
  [/^(program|receiver of Program)$/, program],
  [/^message$/, (scene) => api.tree.toTransfer(tree(scene, tensorLike)).message],
  [/^(outer|inner)$/, ({ draw }) => api.tree.structure(draw.pick<unknown>([1, [1], { a: 1 }]))],
  [/^structure$/, (scene) => api.tree.structure(tree(scene, tensorLike))],
  [/^leaves$/, (scene) => scene.draw.list(0, 3, () => tensorLike(scene))],
  // Callable, unlike a class, since it may be mistaken for a function of the user.
  [/^type$/, () => function () {}],
  [/^callback$/, callback],
  [/^name$/, ({ draw }) => draw.pick(["a", "b/c", ""])],
  [/^resultTypes$/, ({ dtype, shape }) => new api.TensorType(dtype, shape)],
  [/^signature$/, ({ draw }) => draw.pick(["(n)->(n)", "(n),(n)->()", "()->()", "(n,m)->", "(n"])],
  [/^excluded$/, ({ draw }) => draw.pick<unknown>([[], [0], [5], 1])],
  [
    /^batchRule$/,
    (scene) =>
      scene.draw.pick<() => unknown>([
        () => (_size: unknown, isBatched: unknown, ...args: Values) => [
          args[0],
          listOf(isBatched)[0],
        ],
        () => callback(scene),
      ])(),
  ],
  [
    /^(conditions|choices)$/,
    (scene) => scene.draw.list(1, 2, () => tensorLike(scene)),
  ],
  [/^functions$/, (scene) => scene.draw.list(1, 2, () => callback(scene))],
  [/^rules$/, (scene) => ({ flatten: callback(scene), unflatten: callback(scene) })],
  [/^receiver of TensorType$/, (scene) => new api.TensorType(scene.dtype, scene.shape)],
  [/^receiver of Tensor$/, tensor],
];

/** A mesh without devices. */
const machines = api.mesh({ rows: 2, columns: 3 });

/** Anything at all. */
export function anything(scene: Scene): unknown {
  const { draw } = scene;
  const kind = draw.integer(0, 9);
  if (kind < 4) return draw.pick(MISFITS)();
  if (kind === 4) return draw.pick(NUMBERS);
  if (kind === 5) return draw.pick(WORDS);
  if (kind === 6) return callback(scene);
  if (kind === 7) return tree(scene, (s) => s.draw.chance(70) ? tensorLike(s) : anything(s));
  if (kind === 8) return leaks.length > 0 ? draw.pick(leaks) : draw.chance(50);
  const [, role] = draw.pick(ROLES.slice(0, -1));
  return role(scene, "");
}

/** An argument that fits a parameter of this name, mostly. */
export function argument(scene: Scene, name: string): unknown {
  const role = ROLES.find(([names]) => names.test(name))?.[1] ?? setting;
  const value = role(scene, name);
  scene.given.set(name, value);
  return value;
}

/** A list of arguments for these parameters: fitting, with one misfit, or anything. */
export function argumentList(scene: Scene, parameters: readonly string[]): unknown[] {
  const { draw } = scene;
  const args = parameters.flatMap((name) =>
    name.startsWith("...") ? draw.list(0, 3, () => argument(scene, name)) : [argument(scene, name)]
  );
  const first = parameters[0]?.startsWith(RECEIVER) ? 1 : 0;
  if (scene.isCalm) return args;
  const kind = draw.integer(0, 9);
  if (kind < 3) return draw.chance(50) ? args : args.slice(0, draw.integer(first, args.length));
  if (kind < 8) {
    const place = draw.integer(first, Math.max(first, args.length - 1));
    args[place] = anything(scene);
    return args;
  }
  return [...args.slice(0, first), ...draw.list(0, args.length + 1, () => anything(scene))];
}
