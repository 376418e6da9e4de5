/**
 * The laws of every public function that takes or gives complex numbers, and of random compositions.
 *
 * @module
 */
import fc from "fast-check";
import * as jacobi from "../../mod.ts";
import * as fft from "../../src/fft.ts";
import * as linalg from "../../src/linalg.ts";
import * as signal from "../../src/signal.ts";
import {
  complex,
  conj,
  evalShape,
  grad,
  jit,
  jvp,
  real,
  stack,
  sum,
  Tensor,
  tensor,
  vjp,
  vmap,
  zerosLike,
} from "../../mod.ts";
import type { AnyFunction, TensorType } from "../../mod.ts";
import { isFloat } from "../../src/base/dtype.ts";
import { sizeOf } from "../../src/base/shape.ts";
import { isComplexTensor } from "../../src/core/complex.ts";
import type { Concrete } from "../../src/core/tensor.ts";
import { flatten } from "../../src/core/tree.ts";
import { programs, run } from "./complex_programs.ts";
import type { Step } from "./complex_programs.ts";
import { assertNear, assertSameKind } from "../laws/assertions.ts";
import { checkFirstOrder, checkSecondOrder } from "../laws/laws.ts";
import type { Flat, Maker } from "../laws/laws.ts";
import {
  between,
  definite,
  dominant,
  each,
  fromValues,
  makeRandom,
  seedOf,
  separated,
  wild,
} from "../laws/values.ts";
import type { Domain, Random } from "../laws/values.ts";
import { assertEquals, assertThrows } from "../support/std.ts";
import { partOf } from "../support/part.ts";

/** An argument: its shape and the domains of its parts; a real one has no imaginary parts. */
interface Argument {
  readonly shape: readonly number[];
  readonly re: Domain;
  readonly im: Domain | null;
  /** Where the function is also known for real arguments. */
  readonly line: Domain;
}

/** What a row says besides. */
interface Options {
  /** Not complex differentiable, although all results are complex. */
  readonly mixed?: true;
  /** Nothing to compare with on the real line. */
  readonly alone?: true;
  /** The derivative is zero by definition. */
  readonly stops?: true;
}

/**
 * A function, its arguments, and the types of its results: `c[2]` are complex numbers, `f[2]` real
 * ones, of the precision of the arguments.
 */
type Row = readonly [
  // deno-lint-ignore no-explicit-any
  f: (...args: any[]) => unknown,
  args: readonly Argument[],
  results: string,
  options?: Options,
];

/** A function with its results in a list. */
type ListFunction = (...xs: Tensor[]) => Tensor[];

/** Of either sign and away from both axes, where cuts, zeros and poles are. */
const off: Domain = each((random) => (random() < 0.5 ? -1 : 1) * (0.3 + 0.6 * random()));
const small = between(-0.4, 0.4);

/** Complex numbers. */
function z(...shape: readonly number[]): Argument {
  return { shape, re: off, im: off, line: between(0.3, 0.9) };
}

/** Real numbers. */
function x(...shape: readonly number[]): Argument {
  return { shape, re: between(0.3, 0.9), im: null, line: between(0.3, 0.9) };
}

/** Complex matrices with the real parts of a domain. */
function matrix(re: Domain, ...shape: readonly number[]): Argument {
  return { shape, re, im: small, line: re };
}

const general = matrix(dominant(3), 3, 3);
const spaced = matrix(separated(3, 3), 3, 3);
const tall = matrix(separated(3, 2), 3, 2);
const positive = matrix(definite(3), 3, 3);
const places = tensor([1, 0], { dtype: "int32" });
const along = tensor([[1], [0]], { dtype: "int32" });

/** Rows of functions of one argument that keep its shape. */
function unary(names: string, results = "c[3]", options: Options = {}): Record<string, Row> {
  const functions = jacobi as unknown as Record<string, (x: Tensor) => Tensor>;
  return Object.fromEntries(
    names.split(" ").map((name) => [name, [functions[name], [z(3)], results, options]]),
  );
}

/** Rows of functions of two arguments that broadcast. */
function binary(names: string, results = "c[2,3]"): Record<string, Row> {
  const functions = jacobi as unknown as Record<string, (x: Tensor, y: Tensor) => Tensor>;
  return Object.fromEntries(
    names.split(" ").map((name) => [name, [functions[name], [z(2, 3), z(3)], results]]),
  );
}

/** Rows of functions over an axis. */
function reduction(names: string, results: string): Record<string, Row> {
  const functions = jacobi as unknown as Record<string, (x: Tensor, axis: number) => Tensor>;
  return Object.fromEntries(
    names.split(" ").map((name) => [
      name,
      [(a: Tensor) => functions[name](a, 1), [z(2, 3)], results],
    ]),
  );
}

/** A function of examples along axis 0, that work together. */
function together(f: (x: Tensor) => Tensor): (x: Tensor) => Tensor {
  return (x) => vmap(f, 0, 0, { axisName: "i" })(x);
}

/** Each element of the result is made of one of each argument. */
const elementwise: Readonly<Record<string, Row>> = {
  ...unary("exp expm1 log log1p log2 sqrt rsqrt square reciprocal neg sigmoid"),
  ...unary("sin cos tan asin acos atan sinh cosh tanh asinh atanh copy"),
  ...unary("log10 deg2rad rad2deg nanToNum"),
  ...unary("acosh", "c[3]", { alone: true }),
  ...unary("sign conj", "c[3]", { mixed: true }),
  ...unary("round", "c[3]", { stops: true }),
  ...unary("stopGradient", "c[3]", { stops: true }),
  ...unary("abs real imag angle", "f[3]"),
  ...unary("isfinite isinf isnan logicalNot", "bool[3]"),
  ...binary("add sub mul div pow logaddexp"),
  ...binary("equal notEqual logicalAnd logicalOr logicalXor", "bool[2,3]"),
};

const rows: Readonly<Record<string, Row>> = {
  ...elementwise,
  ...unary("exp2"),
  ...binary("logaddexp2 floatPower"),
  ...binary("isclose", "bool[2,3]"),
  ...binary("allclose arrayEqual arrayEquiv", "bool[]"),
  lerp: [jacobi.lerp, [z(2, 3), z(3), z()], "c[2,3]"],
  addcmul: [
    (a: Tensor, b: Tensor, c: Tensor) => jacobi.addcmul(a, b, c),
    [z(3), z(3), z()],
    "c[3]",
  ],
  addcdiv: [
    (a: Tensor, b: Tensor, c: Tensor) => jacobi.addcdiv(a, b, c),
    [z(3), z(3), z()],
    "c[3]",
  ],
  ...reduction("sum mean prod logsumexp nansum nanmean nanprod average", "c[2]"),
  ...reduction("variance std norm nanvar nanstd sem", "f[2]"),
  ...reduction("countNonzero", "int32[2]"),
  ...reduction("nancumsum nancumprod gradient", "c[2,3]"),
  ...reduction("all any", "bool[2]"),
  ...reduction("cumsum cumprod flip sort", "c[2,3]"),
  ...reduction("argsort", "int32[2,3]"),
  partition: [(a: Tensor) => jacobi.partition(a, 1, 1), [z(2, 3)], "c[2,3]"],
  argpartition: [(a: Tensor) => jacobi.argpartition(a, 1, 1), [z(2, 3)], "int32[2,3]"],
  diff: [(a: Tensor) => jacobi.diff(a), [z(2, 3)], "c[2,2]"],
  ediff1d: [(a: Tensor) => jacobi.ediff1d(a), [z(3)], "c[2]"],
  trapezoid: [(a: Tensor) => jacobi.trapezoid(a), [z(2, 3)], "c[2]"],
  cov: [(a: Tensor) => jacobi.cov(a), [z(2, 3)], "c[2,2]", { mixed: true }],
  corrcoef: [(a: Tensor) => jacobi.corrcoef(a), [z(2, 3)], "c[2,2]", { mixed: true }],
  polyval: [(a: Tensor, b: Tensor) => jacobi.polyval(a, b), [z(3), z(2)], "c[2]"],
  polyadd: [(a: Tensor, b: Tensor) => jacobi.polyadd(a, b), [z(3), z(2)], "c[3]"],
  polysub: [(a: Tensor, b: Tensor) => jacobi.polysub(a, b), [z(2), z(3)], "c[3]"],
  polymul: [(a: Tensor, b: Tensor) => jacobi.polymul(a, b), [z(3), z(2)], "c[4]"],
  polydiv: [(a: Tensor, b: Tensor) => jacobi.polydiv(a, b), [z(3), z(2)], "c[2],c[1]"],
  polyder: [(a: Tensor) => jacobi.polyder(a), [z(3)], "c[2]"],
  polyint: [(a: Tensor) => jacobi.polyint(a), [z(3)], "c[4]"],
  poly: [(a: Tensor) => jacobi.poly(a), [z(3)], "c[4]"],
  roots: [(a: Tensor) => jacobi.roots(a), [z(4)], "c[3]"],
  dynamicIndex: [(a: Tensor) => jacobi.dynamicIndex(a, places.at(0)), [z(3)], "c[1]"],
  put: [(a: Tensor, b: Tensor) => jacobi.put(a, places, b), [z(3), z(2)], "c[3]"],
  scatterSet: [(a: Tensor, b: Tensor) => jacobi.scatterSet(a, places, b), [z(3), z(2)], "c[3]"],
  complex: [jacobi.complex, [x(3), x(3)], "c[3]"],
  polar: [jacobi.polar, [x(3), x(3)], "c[3]"],
  astype: [(a: Tensor) => jacobi.astype(a, a.dtype), [z(3)], "c[3]"],
  addAt: [(a: Tensor, b: Tensor) => jacobi.addAt(a, [places], b), [z(3), z(2)], "c[3]"],
  set: [(a: Tensor, b: Tensor) => jacobi.set(a, [places], b), [z(3), z(2)], "c[3]"],
  index: [(a: Tensor) => jacobi.index(a, 0, [1, null]), [z(2, 3)], "c[2]"],
  take: [(a: Tensor) => jacobi.take(a, places, 1), [z(2, 3)], "c[2,2]"],
  takeAlongAxis: [(a: Tensor) => jacobi.takeAlongAxis(a, along, 1), [z(2, 3)], "c[2,1]"],
  gather: [(a: Tensor) => jacobi.gather(a, along, 1), [z(2, 3)], "c[2,1]"],
  scatterAdd: [(a: Tensor, b: Tensor) => jacobi.scatterAdd(a, places, b), [z(3), z(2)], "c[3]"],
  dynamicSlice: [(a: Tensor) => jacobi.dynamicSlice(a, [1], [2]), [z(3)], "c[2]"],
  dynamicUpdateSlice: [
    (a: Tensor, b: Tensor) => jacobi.dynamicUpdateSlice(a, b, [1]),
    [z(3), z(2)],
    "c[3]",
  ],
  reshape: [(a: Tensor) => jacobi.reshape(a, [3, 2]), [z(2, 3)], "c[3,2]"],
  transpose: [(a: Tensor) => jacobi.transpose(a), [z(2, 3)], "c[3,2]"],
  swapaxes: [(a: Tensor) => jacobi.swapaxes(a, 0, 1), [z(2, 3)], "c[3,2]"],
  moveaxis: [(a: Tensor) => jacobi.moveaxis(a, 0, 1), [z(2, 3)], "c[3,2]"],
  broadcastTo: [(a: Tensor) => jacobi.broadcastTo(a, [2, 3]), [z(3)], "c[2,3]"],
  expandDims: [(a: Tensor) => jacobi.expandDims(a, 0), [z(3)], "c[1,3]"],
  squeeze: [(a: Tensor) => jacobi.squeeze(a), [z(1, 3)], "c[3]"],
  concatenate: [(a: Tensor, b: Tensor) => jacobi.concatenate([a, b]), [z(3), z(2)], "c[5]"],
  stack: [(a: Tensor, b: Tensor) => jacobi.stack([a, b]), [z(3), z(3)], "c[2,3]"],
  split: [(a: Tensor) => jacobi.split(a, [1]), [z(3)], "c[1],c[2]"],
  append: [jacobi.append, [z(3), z(2)], "c[5]"],
  arraySplit: [(a: Tensor) => jacobi.arraySplit(a, 2), [z(3)], "c[2],c[1]"],
  ...unary("atLeast1d flipud ravel"),
  atLeast2d: [jacobi.atLeast2d, [z(3)], "c[1,3]"],
  atLeast3d: [jacobi.atLeast3d, [z(3)], "c[1,3,1]"],
  block: [(a: Tensor, b: Tensor) => jacobi.block([[a, b]]), [z(3), z(2)], "c[1,5]"],
  broadcastArrays: [jacobi.broadcastArrays, [z(3), z(2, 1)], "c[2,3],c[2,3]"],
  columnStack: [(a: Tensor) => jacobi.columnStack([a, a]), [z(3)], "c[3,2]"],
  deleteAt: [(a: Tensor) => jacobi.deleteAt(a, 1), [z(3)], "c[2]"],
  diagEmbed: [(a: Tensor) => jacobi.diagEmbed(a), [z(2, 3)], "c[2,3,3]"],
  dstack: [(a: Tensor) => jacobi.dstack([a, a]), [z(3)], "c[1,3,2]"],
  fillDiagonal: [jacobi.fillDiagonal, [z(3, 3), z(2)], "c[3,3]"],
  fliplr: [jacobi.fliplr, [z(2, 3)], "c[2,3]"],
  hstack: [(a: Tensor) => jacobi.hstack([a, a]), [z(3)], "c[6]"],
  insert: [(a: Tensor, b: Tensor) => jacobi.insert(a, 1, b), [z(3), z(2)], "c[5]"],
  matrixTranspose: [jacobi.matrixTranspose, [z(2, 3)], "c[3,2]"],
  meshgrid: [(a: Tensor, b: Tensor) => jacobi.meshgrid([a, b]), [z(3), z(2)], "c[2,3],c[2,3]"],
  permute: [(a: Tensor) => jacobi.permute(a, 1, 0), [z(2, 3)], "c[3,2]"],
  resize: [(a: Tensor) => jacobi.resize(a, [2, 2]), [z(3)], "c[2,2]"],
  rot90: [(a: Tensor) => jacobi.rot90(a), [z(2, 3)], "c[3,2]"],
  trace: [(a: Tensor) => jacobi.trace(a), [z(3, 3)], "c[]"],
  unflatten: [(a: Tensor) => jacobi.unflatten(a, 0, [1, 3]), [z(3)], "c[1,3]"],
  unstack: [(a: Tensor) => jacobi.unstack(a), [z(2, 3)], "c[3],c[3]"],
  vander: [(a: Tensor) => jacobi.vander(a), [z(3)], "c[3,3]"],
  vstack: [(a: Tensor) => jacobi.vstack([a, a]), [z(3)], "c[2,3]"],
  inner: [jacobi.inner, [z(2, 3), z(3)], "c[2]"],
  kron: [jacobi.kron, [z(2), z(3)], "c[6]"],
  cross: [(a: Tensor, b: Tensor) => jacobi.cross(a, b), [z(2, 3), z(3)], "c[2,3]"],
  matvec: [jacobi.matvec, [z(2, 3), z(3)], "c[2]"],
  vecmat: [jacobi.vecmat, [z(2), z(2, 3)], "c[3]", { mixed: true }],
  vdot: [jacobi.vdot, [z(3), z(3)], "c[]", { mixed: true }],
  vecdot: [(a: Tensor, b: Tensor) => jacobi.vecdot(a, b), [z(2, 3), z(3)], "c[2]", { mixed: true }],
  multiDot: [
    (a: Tensor, b: Tensor, c: Tensor) => jacobi.multiDot([a, b, c]),
    [z(2, 3), z(3, 2), z(2)],
    "c[2]",
  ],
  cdist: [(a: Tensor, b: Tensor) => jacobi.cdist(a, b), [z(2, 3), z(2, 3)], "f[2,2]"],
  pdist: [(a: Tensor) => jacobi.pdist(a), [z(3, 2)], "f[3]"],
  select: [
    (a: Tensor, b: Tensor) => jacobi.select([tensor([true, false, true])], [a], b),
    [z(3), z(3)],
    "c[3]",
  ],
  piecewise: [
    (a: Tensor) =>
      jacobi.piecewise(a, [tensor([true, false, true])], [(v) => v.mul(v), (v) => v.sin()]),
    [z(3)],
    "c[3]",
  ],
  roll: [(a: Tensor) => jacobi.roll(a, 1), [z(3)], "c[3]"],
  repeat: [(a: Tensor) => jacobi.repeat(a, 2), [z(3)], "c[6]"],
  tile: [(a: Tensor) => jacobi.tile(a, 2), [z(3)], "c[6]"],
  pad: [(a: Tensor) => jacobi.pad(a, [[1, 2]]), [z(3)], "c[6]"],
  diag: [(a: Tensor) => jacobi.diag(a), [z(3)], "c[3,3]"],
  diagonal: [(a: Tensor) => jacobi.diagonal(a), [z(3, 3)], "c[3]"],
  tril: [(a: Tensor) => jacobi.tril(a), [z(3, 3)], "c[3,3]"],
  triu: [(a: Tensor) => jacobi.triu(a), [z(3, 3)], "c[3,3]"],
  where: [
    (a: Tensor, b: Tensor) => jacobi.where(tensor([true, false, true]), a, b),
    [z(3), z(3)],
    "c[3]",
  ],
  topK: [(a: Tensor) => jacobi.topK(a, 2), [z(3)], "c[2],int32[2]"],
  linspace: [(a: Tensor, b: Tensor) => jacobi.linspace(a, b, 3), [z(), z()], "c[3]"],
  full: [(a: Tensor) => jacobi.full([3], a), [z()], "c[3]"],
  fullLike: [(a: Tensor, b: Tensor) => jacobi.fullLike(a, b), [z(3), z()], "c[3]"],
  zerosLike: [(a: Tensor) => jacobi.zerosLike(a), [z(3)], "c[3]"],
  onesLike: [(a: Tensor) => jacobi.onesLike(a), [z(3)], "c[3]"],
  tensor: [(a: Tensor) => tensor(a), [z(3)], "c[3]"],
  matmul: [jacobi.matmul, [z(2, 3), z(3, 2)], "c[2,2]"],
  dot: [jacobi.dot, [z(3), z(3)], "c[]"],
  outer: [jacobi.outer, [z(2), z(3)], "c[2,3]"],
  tensordot: [(a: Tensor, b: Tensor) => jacobi.tensordot(a, b, 1), [z(2, 3), z(3, 2)], "c[2,2]"],
  einsum: [(a: Tensor, b: Tensor) => jacobi.einsum("ij,j->i", a, b), [z(2, 3), z(3)], "c[2]"],
  conv: [jacobi.conv, [z(1, 2, 4), z(2, 2, 2)], "c[1,2,3]"],
  convTranspose: [jacobi.convTranspose, [z(1, 2, 3), z(2, 2, 2)], "c[1,2,4]"],
  avgPool: [(a: Tensor) => jacobi.avgPool(a, 2), [z(1, 1, 4)], "c[1,1,2]"],
  psum: [together((a) => jacobi.psum(a, "i")), [z(2, 3)], "c[2,3]"],
  pmean: [together((a) => jacobi.pmean(a, "i")), [z(2, 3)], "c[2,3]"],
  allGather: [together((a) => jacobi.allGather(a, "i")), [z(2, 3)], "c[2,2,3]"],
  allToAll: [together((a) => jacobi.allToAll(a, "i", 0, 0)), [z(2, 2)], "c[2,2]"],
  ppermute: [together((a) => jacobi.ppermute(a, "i", [[0, 1]])), [z(2, 3)], "c[2,3]"],
  psumScatter: [together((a) => jacobi.psumScatter(a, "i")), [z(2, 2)], "c[2]"],

  "linalg.cholesky": [(a: Tensor) => linalg.cholesky(a), [positive], "c[3,3]", { mixed: true }],
  "linalg.det": [linalg.det, [general], "c[]"],
  "linalg.slogdet": [linalg.slogdet, [general], "c[],f[]"],
  "linalg.inv": [linalg.inv, [general], "c[3,3]"],
  "linalg.solve": [linalg.solve, [general, z(3, 2)], "c[3,2]"],
  "linalg.triangularSolve": [
    (a: Tensor, b: Tensor) => linalg.triangularSolve(a, b, { lower: true }),
    [general, z(3, 2)],
    "c[3,2]",
  ],
  "linalg.matrixPower": [(a: Tensor) => linalg.matrixPower(a, -2), [general], "c[3,3]"],
  "linalg.pinv": [(a: Tensor) => linalg.pinv(a), [tall], "c[2,3]", { mixed: true }],
  "linalg.cond": [(a: Tensor) => linalg.cond(a), [tall], "f[]"],
  "linalg.matrixNorm": [(a: Tensor) => linalg.matrixNorm(a), [tall], "f[]"],
  "linalg.vectorNorm": [(a: Tensor) => linalg.vectorNorm(a), [tall], "f[]"],
  "linalg.svdvals": [linalg.svdvals, [tall], "f[2]"],
  "linalg.eigvalsh": [(a: Tensor) => linalg.eigvalsh(a), [spaced], "f[3]"],
  "linalg.polar": [(a: Tensor) => linalg.polar(a), [tall], "c[3,2],c[2,2]", { mixed: true }],
  "linalg.lu": [(a: Tensor) => linalg.lu(a, { permuteL: true }), [tall], "c[3,2],c[2,2]"],
  "linalg.luFactor": [linalg.luFactor, [general], "c[3,3],int32[3]"],
  "linalg.luSolve": [
    (a: Tensor, b: Tensor) => linalg.luSolve(linalg.luFactor(a), b, { trans: 1 }),
    [general, z(3, 2)],
    "c[3,2]",
  ],
  "linalg.choFactor": [(a: Tensor) => linalg.choFactor(a), [positive], "c[3,3]", { mixed: true }],
  "linalg.choSolve": [
    (a: Tensor, b: Tensor) => linalg.choSolve(linalg.choFactor(a), b),
    [positive, z(3, 2)],
    "c[3,2]",
    { mixed: true },
  ],
  "linalg.householderProduct": [
    linalg.householderProduct,
    [tall, z(2)],
    "c[3,2]",
    { mixed: true },
  ],
  "linalg.tensorinv": [(a: Tensor) => linalg.tensorinv(a, 1), [general], "c[3,3]"],
  "linalg.tensorsolve": [
    (a: Tensor, b: Tensor) => linalg.tensorsolve(a, b),
    [general, z(3)],
    "c[3]",
  ],
  "linalg.toeplitz": [(a: Tensor, b: Tensor) => linalg.toeplitz(a, b), [z(3), z(2)], "c[3,2]"],
  "linalg.hankel": [(a: Tensor, b: Tensor) => linalg.hankel(a, b), [z(3), z(2)], "c[3,2]"],
  "linalg.circulant": [linalg.circulant, [z(3)], "c[3,3]"],
  "linalg.companion": [linalg.companion, [z(3)], "c[2,2]"],
  "linalg.fiedlerCompanion": [linalg.fiedlerCompanion, [z(4)], "c[3,3]"],
  "linalg.leslie": [linalg.leslie, [z(3), z(2)], "c[3,3]"],
  "linalg.convolutionMatrix": [
    (a: Tensor) => linalg.convolutionMatrix(a, 2),
    [z(3)],
    "c[4,2]",
  ],
  "linalg.blockDiag": [linalg.blockDiag, [z(2, 1), z(2)], "c[3,3]"],
  "linalg.expm": [linalg.expm, [general], "c[3,3]"],
  "linalg.expmFrechet": [linalg.expmFrechet, [z(2, 2), z(2, 2)], "c[2,2],c[2,2]"],
  "linalg.sqrtm": [linalg.sqrtm, [general], "c[3,3]", { alone: true }],
  "linalg.solveSylvester": [
    linalg.solveSylvester,
    [general, matrix(dominant(2), 2, 2), z(3, 2)],
    "c[3,2]",
  ],
  "linalg.tridiagonalSolve": [linalg.tridiagonalSolve, [z(2), z(2), z(2), z(2, 1)], "c[2,1]"],
  "linalg.norm": [(a: Tensor) => linalg.norm(a, [0, 1], { ord: 2 }), [spaced], "f[]"],
  "linalg.qr": [(a: Tensor) => linalg.qr(a), [tall], "c[3,2],c[2,2]", { mixed: true }],
  "linalg.svd": [(a: Tensor) => linalg.svd(a), [tall], "c[3,2],f[2],c[2,2]"],
  "linalg.eigh": [(a: Tensor) => linalg.eigh(a), [spaced], "f[3],c[3,3]"],
  "linalg.eig": [linalg.eig, [spaced], "c[3],c[3,3]", { mixed: true, alone: true }],
  "linalg.eigvals": [linalg.eigvals, [spaced], "c[3]", { alone: true }],
  "linalg.matrixRank": [(a: Tensor) => linalg.matrixRank(a), [general], "int32[]"],
  "linalg.logm": [linalg.logm, [positive], "c[3,3]"],
  "linalg.fiedler": [linalg.fiedler, [z(2)], "f[2,2]"],
  "linalg.lstsq": [
    (a: Tensor, b: Tensor) => linalg.lstsq(a, b),
    [tall, z(3, 2)],
    "c[2,2],f[2],int32[],f[2]",
  ],
  "linalg.customLinearSolve": [
    (a: Tensor, b: Tensor) =>
      linalg.customLinearSolve(
        (v: Tensor) => jacobi.matmul(a, v),
        b,
        (_, b: Tensor) => linalg.solve(a, b),
        { transposeSolve: (_, b: Tensor) => linalg.solve(conj(a.transpose()), b) },
      ),
    [general, z(3)],
    "c[3]",
  ],
  "linalg.customRoot": [
    (a: Tensor) =>
      linalg.customRoot(
        (r: Tensor) => r.mul(r).sub(a),
        jacobi.stopGradient(a),
        () => jacobi.sqrt(a),
        (g: (x: Tensor) => Tensor, y: Tensor) => y.div(g(jacobi.onesLike(y))),
      ),
    [z(3)],
    "c[3]",
  ],

  ...Object.fromEntries(
    ["fft", "ifft", "fft2", "ifft2", "fftn", "ifftn", "dct", "idct", "fftshift", "ifftshift"].map((
      name,
    ) => {
      const f = (fft as unknown as Record<string, (x: Tensor) => Tensor>)[name];
      return [`fft.${name}`, [(a: Tensor) => f(a), [z(2, 3)], "c[2,3]"]];
    }),
  ),
  "fft.rfft": [(a: Tensor) => fft.rfft(a), [x(2, 5)], "c[2,3]"],
  "fft.rfft2": [(a: Tensor) => fft.rfft2(a), [x(2, 4)], "c[2,3]"],
  "fft.rfftn": [(a: Tensor) => fft.rfftn(a), [x(2, 4)], "c[2,3]"],
  "fft.ihfft": [(a: Tensor) => fft.ihfft(a), [x(2, 5)], "c[2,3]"],
  "fft.irfft": [(a: Tensor) => fft.irfft(a), [z(2, 3)], "f[2,4]"],
  "fft.irfft2": [(a: Tensor) => fft.irfft2(a), [z(2, 3)], "f[2,4]"],
  "fft.irfftn": [(a: Tensor) => fft.irfftn(a), [z(2, 3)], "f[2,4]"],
  "fft.hfft": [(a: Tensor) => fft.hfft(a, { n: 5 }), [z(2, 3)], "f[2,5]"],

  "signal.convolve": [signal.convolve, [z(4), z(2)], "c[5]"],
  "signal.correlate": [signal.correlate, [z(4), z(2)], "c[5]", { mixed: true }],
  "signal.fftConvolve": [signal.fftConvolve, [z(4), z(2)], "c[5]"],
  "signal.convolve2d": [signal.convolve2d, [z(3, 4), z(2, 2)], "c[4,5]"],
  "signal.correlate2d": [signal.correlate2d, [z(3, 4), z(2, 2)], "c[4,5]", { mixed: true }],
  "signal.detrend": [(a: Tensor) => signal.detrend(a), [z(2, 5)], "c[2,5]"],
  "signal.stft": [
    (a: Tensor) => signal.stft(a, { nperseg: 4, onesided: false }).values,
    [z(8)],
    "c[4,5]",
  ],
  "signal.welch": [
    (a: Tensor) => signal.welch(a, { nperseg: 4, onesided: false }).values,
    [z(8)],
    "f[4]",
  ],
  "signal.periodogram": [
    (a: Tensor) => signal.periodogram(a, { onesided: false }).values,
    [z(6)],
    "f[6]",
  ],
  "signal.istft": [(a: Tensor) => signal.istft(a), [z(3, 5)], "f[8]"],
  "signal.csd": [
    (a: Tensor, b: Tensor) => signal.csd(a, b, { nperseg: 4 }).values,
    [x(8), x(8)],
    "c[3]",
  ],
};

/** Random values of the parts of arguments. */
function makerOf(args: readonly Argument[]): Maker {
  return (random) =>
    args.flatMap(({ shape, re, im }) =>
      [re, im].flatMap((domain) =>
        domain === null ? [] : [fromValues(domain(random, sizeOf(shape)), "float64", shape)]
      )
    );
}

/** The arguments that have these parts. */
function join(args: readonly Argument[], parts: readonly Tensor[]): Tensor[] {
  let next = 0;
  return args.map(({ im }) => im === null ? parts[next++] : complex(parts[next++], parts[next++]));
}

/** The tensors of a result, in a list. */
function listOf(result: unknown): Tensor[] {
  return result instanceof Tensor ? [result] : Object.values(result as Tensor[]);
}

/** The parts of tensors. */
function partsOf(xs: readonly Tensor[]): Concrete[] {
  return flatten<Concrete>(xs).leaves;
}

/** The types of results as rows write them. */
function namesOf(xs: readonly TensorType[]): string {
  const names = xs.map(({ dtype, shape }) => `${dtype}[${shape}]`).join();
  return names.replaceAll("complex128", "c").replaceAll("float64", "f");
}

/** Random tensors like these, to move along or to weigh with; `null` in the places of integers. */
function weightsOf(xs: readonly Tensor[], random: Random): (Tensor | null)[] {
  const part = ({ shape }: Tensor) =>
    fromValues(between(-1, 1)(random, sizeOf(shape)), "float64", shape);
  return xs.map((x) =>
    isComplexTensor(x) ? complex(part(x), part(x)) : isFloat(x.dtype) ? part(x) : null
  );
}

/** The sum of the products of two lists of tensors. */
function pairing(xs: readonly (Tensor | null)[], ys: readonly (Tensor | null)[]): Tensor {
  return xs.reduce<Tensor>(
    (total, x, k) => x === null || ys[k] === null ? total : total.add(sum(x.mul(ys[k]))),
    tensor(0, { dtype: "complex128" }),
  );
}

/** What is moved or pulled back: a list without the `null` of integers. */
function known(xs: readonly (Tensor | null)[]): Tensor[] {
  return xs.filter((x) => x !== null);
}

const i = { re: 0, im: 1 };

/** Derivatives of tensors of complex numbers, as users take them. */
function checkConvention(
  f: ListFunction,
  xs: Tensor[],
  random: Random,
  row: Row,
  law: string,
): void {
  const [, , , { mixed } = {}] = row;
  const out = f(...xs);
  const [vs, ws] = [weightsOf(xs, random) as Tensor[], weightsOf(out, random)];
  const push = (vs: readonly Tensor[]) => known(jvp(f, xs, vs)[1]);
  const pushed = push(vs);
  assertNear(
    [real(pairing(pushed, known(ws)))],
    [real(pairing(vs, vjp(f, ...xs)[1](ws)))],
    1e-10,
    `${law}: vjp against jvp`,
  );
  if (!xs.every(isComplexTensor)) return;
  const turned = partsOf(push(vs.map((v) => v.mul(i))));
  const isHolomorphic = mixed !== true && known(ws).every(isComplexTensor);
  if (!isHolomorphic) {
    const expected = pushed.flatMap((t) => partsOf([isComplexTensor(t) ? t.mul(i) : t]));
    assertThrows(() => assertNear(turned, expected, 1e-6, law), Error, "", `${law}: holomorphic`);
    return;
  }
  assertNear(turned, partsOf(pushed.map((t) => t.mul(i))), 1e-10, `${law}: complex linear`);
  const total = (...xs: Tensor[]) => pairing(f(...xs), ws);
  const gradients = grad(total, { holomorphic: true, argnums: xs.map((_, k) => k) })(...xs);
  assertNear(
    partsOf([pairing(gradients, vs)]),
    partsOf([pairing(pushed, known(ws))]),
    1e-10,
    `${law}: holomorphic gradient`,
  );
}

/** Mapped over the arguments that `mapped` chooses, at axis 0 or behind all: each example by itself. */
function checkMapped(f: ListFunction, row: Row, random: Random, law: string): void {
  const [, args] = row;
  const make = makerOf(args);
  const choices = args.map((_, k) => args.map((_, j) => j === k));
  if (args.length > 1) choices.push(args.map(() => true));
  for (const mapped of choices) {
    for (const axis of [0, -1]) {
      const shared = join(args, make(random));
      const examples = [0, 1].map(() =>
        join(args, make(random)).map((own, k) => mapped[k] ? own : shared[k])
      );
      const axes = mapped.map((is) => is ? axis : null);
      const batches = shared.map((own, k) =>
        mapped[k] ? stack(examples.map((xs) => xs[k]), axis) : own
      );
      const looped = examples.map((xs) => f(...xs));
      const expected = looped[0].map((_, k) => stack(looped.map((out) => out[k]), axis));
      const actual = vmap(f, axes, axis)(...batches);
      assertNear(partsOf(actual), partsOf(expected), 1e-11, `${law}: vmap over ${mapped}`);
    }
  }
}

/** The laws of a row. */
function checkLaws(name: string, row: Row): void {
  const [g, args, results, { alone, stops } = {}] = row;
  const random = makeRandom(seedOf(name));
  const f: ListFunction = (...xs) => listOf(g(...xs));
  const flat: Flat = (parts) => flatten<Tensor>(f(...join(args, parts))).leaves;
  const values = makerOf(args)(random);
  const xs = join(args, values);
  const out = f(...xs);
  assertEquals(namesOf(out), results, name);
  assertEquals(namesOf(evalShape(f)(...xs) as TensorType[]), results, name);

  const compiled = jit(f);
  const singles = xs.map((x) => x.astype(isComplexTensor(x) ? "complex64" : "float32"));
  const narrowed = out.map((y) =>
    isComplexTensor(y) ? y.astype("complex64") : y.dtype === "float64" ? y.astype("float32") : y
  );
  for (const run of [f, compiled]) {
    assertNear(
      partsOf(run(...singles)),
      partsOf(narrowed),
      1e-5,
      `${name}: in single precision`,
    );
  }

  if (!alone && args.some(({ im }) => im !== null)) {
    const line = args.map(({ shape, line }) =>
      fromValues(line(random, sizeOf(shape)), "float64", shape)
    );
    const onLine = f(...line.map((x, k) => args[k].im === null ? x : complex(x, 0)));
    const expected = f(...line);
    const actual = onLine.map((y, k) =>
      isComplexTensor(expected[k]) || !isComplexTensor(y) ? y : y.re
    );
    const rest = onLine.flatMap((y, k) =>
      isComplexTensor(y) && !isComplexTensor(expected[k]) ? [y.im] : []
    );
    assertNear(partsOf(actual), partsOf(expected), 1e-12, `${name}: of real numbers`);
    assertNear(
      partsOf(rest),
      partsOf(rest.map((part) => zerosLike(part))),
      1e-12,
      `${name}: of real numbers`,
    );
  }

  checkMapped(f, row, random, name);
  assertNear(partsOf(compiled(...xs)), partsOf(out), 1e-11, `${name}: jit`);
  if (known(weightsOf(out, random)).length === 0) return;

  const slope = stops ? "zero" : "differences";
  checkFirstOrder(flat, values, random, name, slope);
  checkSecondOrder(flat, values, random, name, slope);
  checkConvention(f, xs, random, row, name);
  const ws = weightsOf(out, random);
  const pull = (f: ListFunction) => (...xs: Tensor[]) => vjp(f, ...xs)[1](ws) as Tensor[];
  const pulled = partsOf(pull(f)(...xs));
  assertNear(partsOf(jit(pull(f))(...xs)), pulled, 1e-10, `${name}: jit of vjp`);
  assertNear(partsOf(pull(compiled)(...xs)), pulled, 1e-10, `${name}: vjp of jit`);
}

for (const [name, row] of Object.entries(rows)) {
  Deno.test(`${name} of complex numbers obeys the laws`, () => checkLaws(name, row));
}

for (const [name, [f, args]] of Object.entries(elementwise)) {
  // Powers by huge imaginary numbers turn by angles whose last digit counts.
  if (name === "pow") continue;
  Deno.test(`${name} of the strangest complex numbers is the same compiled and mapped`, () => {
    const domain = wild("float64");
    const strange = args.map(() => ({ shape: [60], re: domain, im: domain, line: domain }));
    const xs = join(strange, makerOf(strange)(makeRandom(seedOf(name))));
    const expected = partsOf([f(...xs) as Tensor]);
    assertSameKind(partsOf([jit(f)(...xs) as Tensor]), expected, `${name}: jit`);
    assertSameKind(partsOf([vmap(f as AnyFunction)(...xs) as Tensor]), expected, `${name}: vmap`);
  });
}

/** Called with complex numbers: what a function might take. */
const calls: readonly (readonly unknown[])[] = (() => {
  const random = makeRandom(1);
  const of = (arg: Argument) => join([arg], makerOf([arg])(random))[0];
  const [vector, square, image] = [of(z(3)), of(positive), of(z(1, 1, 3, 3))];
  const seconds = [vector, 0, 1, [0], [1, 3], places, "complex128", { re: 1, im: 1 }];
  return [
    ...[vector, square, image, [vector, vector], of(z(3, 5))].map((first) => [first]),
    ...seconds.map((second) => [vector, second]),
    ...[square, along, [0, 1]].map((second) => [square, second]),
    ...[image, 2, [2, 2]].map((second) => [image, second]),
    ...[[1, 2], [[1], [2]], [places, of(z(2))], [of(z(2)), [1]]].map((rest) => [vector, ...rest]),
    [true, vector, vector],
    [[3], vector],
  ];
})();

/** Those that take any value, and compute nothing with it. */
const indifferent = ["devices", "ready", "resultType"];

/** Those whose results are as long as elements say, which must be known. */
const concrete = "trimZeros argwhere flatnonzero nonzero compress extract".split(" ");

/** Those that have no derivative, or solve by steps. */
const elsewhere = "hessenberg schur rsf2csf bicgstab cg gmres".split(" ").map((name) =>
  `linalg.${name}`
);

/** Those that are something else without their options: `clip` without bounds is the identity. */
const partial = ["clip"];

/** Some that want an order, or have no meaning for complex numbers, and say so. */
const REAL_ONLY = [
  "argmax argmin max min maximum minimum less lessEqual greater greaterEqual maxPool",
  "floor ceil trunc mod atan2 digamma lgamma erf erfc erfinv bitcast",
].join(" ").split(" ");

Deno.test("each public function has a row, or refuses complex numbers", () => {
  const spaces = { "": jacobi, "linalg.": linalg, "fft.": fft, "signal.": signal };
  const known = new Set([
    ...Object.keys(rows),
    ...indifferent,
    ...concrete,
    ...partial,
    ...elsewhere,
  ]);
  const missing: string[] = [];
  const refusing = new Set<string>();
  for (const [prefix, space] of Object.entries(spaces)) {
    for (const [name, f] of Object.entries(space)) {
      if (typeof f !== "function" || /^[A-Z]/.test(name) || known.delete(prefix + name)) continue;
      const taken = calls.find((args) => {
        try {
          (f as unknown as (...args: readonly unknown[]) => unknown)(...args);
          // A condition, or a shape, in the first place and complex numbers behind it count too.
          return args.slice(0, Math.max(1, f.length)).some((arg) =>
            isComplexTensor([arg].flat()[0])
          );
        } catch (error) {
          if (/ complex\d+\[.*: expected real/.test((error as Error).message)) {
            refusing.add(prefix + name);
          }
          return false;
        }
      });
      if (taken !== undefined) missing.push(`${prefix}${name}(${taken.map(String)})`);
    }
  }
  assertEquals(missing, [], "functions that take complex numbers");
  assertEquals([...known], [], "rows of no public function");
  assertEquals(REAL_ONLY.filter((name) => !refusing.has(name)), [], "functions of real numbers");
});

/** Where fast-check begins: the same programs in every run. */
const SEED = 20_261_130;

Deno.test(`random compositions of complex functions obey the laws (seed ${SEED})`, () => {
  const args = [z(2, 2), z(2, 2), x(2, 2)];
  const law = (steps: readonly Step[], seed: number) => {
    const random = makeRandom(seed);
    const [xs, others] = [0, 1].map(() => join(args, makerOf(args)(random)));
    const f: ListFunction = (...xs) => run(steps, xs);
    const out = f(...xs);
    const compiled = jit(f);
    assertNear(partsOf(compiled(...xs)), partsOf(out), 1e-12, "jit");
    const [vs, ws] = [weightsOf(xs, random) as Tensor[], weightsOf(out, random)];
    const pull = (f: ListFunction) => (...xs: Tensor[]) => vjp(f, ...xs)[1](ws) as Tensor[];
    const pulled = pull(f)(...xs);
    assertNear(
      [real(pairing(jvp(f, xs, vs)[1], ws))],
      [real(pairing(vs, pulled))],
      1e-10,
      "vjp against jvp",
    );
    assertNear(partsOf(jit(pull(f))(...xs)), partsOf(pulled), 1e-11, "jit of vjp");
    assertNear(partsOf(pull(compiled)(...xs)), partsOf(pulled), 1e-11, "vjp of jit");
    const batches = xs.map((x, k) => stack([x, others[k]]));
    const expected = f(...others).map((y, k) => stack([out[k], y]));
    assertNear(partsOf(vmap(f)(...batches)), partsOf(expected), 1e-12, "vmap");
  };
  fc.assert(fc.property(programs, fc.nat({ max: 1000 }), law), { seed: SEED, numRuns: partOf(45) });
});
