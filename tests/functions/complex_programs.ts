/**
 * Random compositions of functions of complex numbers.
 *
 * @module
 */
import fc from "fast-check";
import * as jacobi from "../../mod.ts";
import * as fft from "../../src/fft.ts";
import * as linalg from "../../src/linalg.ts";
import * as signal from "../../src/signal.ts";
import { abs, complex, conj, real, square, sum, tensor } from "../../mod.ts";
import type { Tensor } from "../../mod.ts";

const i = { re: 0, im: 1 };
const places = tensor([1, 0], { dtype: "int32" });

/** One step of a program: an operation, and the places of its operands among the values so far. */
export interface Step {
  readonly operation: string;
  readonly first: number;
  readonly second: number;
}

type Operation = (x: Tensor, y: Tensor) => Tensor;

/** Brings numbers into the unit disc, where nothing that is used has a cut or a pole nearby. */
function tamed(x: Tensor): Tensor {
  return x.div(square(abs(x)).add(1).sqrt());
}

function adjoint(x: Tensor): Tensor {
  return conj(x.transpose());
}

const identity = jacobi.eye(2, { dtype: "float64" });

/** Added to others, it keeps their eigenvalues and singular values apart. */
const spread = jacobi.diag(tensor([3, 9], { dtype: "float64" }));

/** Operations on two by two numbers in the unit disc, real or complex, with derivatives everywhere. */
const operations: Readonly<Record<string, Operation>> = {
  exp: (x) => jacobi.exp(x),
  expm1: (x) => jacobi.expm1(x),
  sin: (x) => jacobi.sin(x),
  cos: (x) => jacobi.cos(x),
  tan: (x) => jacobi.tan(x),
  sinh: (x) => jacobi.sinh(x),
  cosh: (x) => jacobi.cosh(x),
  tanh: (x) => jacobi.tanh(x),
  sigmoid: (x) => jacobi.sigmoid(x),
  log: (x) => jacobi.log(x.add(2)),
  log1p: (x) => jacobi.log1p(x.mul(0.7)),
  sqrt: (x) => jacobi.sqrt(x.add(2)),
  rsqrt: (x) => jacobi.rsqrt(x.add(2)),
  asin: (x) => jacobi.asin(x.mul(0.7)),
  acos: (x) => jacobi.acos(x.mul(0.7)),
  atan: (x) => jacobi.atan(x.mul(0.7)),
  asinh: (x) => jacobi.asinh(x.mul(0.7)),
  acosh: (x) => jacobi.acosh(x.add(3)),
  atanh: (x) => jacobi.atanh(x.mul(0.7)),
  reciprocal: (x) => jacobi.reciprocal(x.add(2)),
  conj: (x) => conj(x),
  turn: (x) => x.mul(i),
  abs: (x) => abs(x.add(2)),
  angle: (x) => jacobi.angle(x.add(2)),
  sign: (x) => jacobi.sign(x.add(2)),
  exchange: (x, y) => complex(jacobi.imag(x), real(y)),
  polar: (x, y) => jacobi.polar(real(x), jacobi.imag(y)),
  add: (x, y) => x.add(y),
  sub: (x, y) => x.sub(y),
  mul: (x, y) => x.mul(y),
  div: (x, y) => x.div(y.add(2)),
  pow: (x, y) => jacobi.pow(x.add(2), y),
  cube: (x) => jacobi.pow(x, 3),
  logaddexp: (x, y) => jacobi.logaddexp(x, y),
  matmul: (x, y) => jacobi.matmul(x, y),
  outer: (x, y) => jacobi.outer(x.at(0), y.at(null, 1)),
  einsum: (x, y) => jacobi.einsum("ij,ik->kj", x, y),
  transpose: (x) => x.transpose(),
  where: (x, y) => jacobi.where([[true, false], [false, true]], x, y),
  set: (x, y) => jacobi.set(x.astype("complex128"), [0], y.at(1)),
  rows: (x) => jacobi.take(x, places, 0),
  concatenate: (x, y) => jacobi.concatenate([x.at([0, 1]), y.at([1, 2])]),
  flip: (x) => jacobi.flip(x, 0),
  cumsum: (x) => jacobi.cumsum(x, 1),
  cumprod: (x) => jacobi.cumprod(x, 0),
  sum: (x, y) => sum(x, 0).mul(y),
  mean: (x, y) => x.sub(jacobi.mean(y, 1, { keepdims: true })),
  prod: (x, y) => jacobi.prod(x.add(2), 0).mul(y),
  variance: (x, y) => x.add(jacobi.variance(y, 0)),
  fft: (x) => fft.fft(x),
  ifft2: (x) => fft.ifft2(x),
  convolve: (x, y) => signal.convolve(x, y, { mode: "same" }),
  solve: (x, y) => linalg.solve(x.add(identity.mul(4)), y),
  inv: (x) => linalg.inv(x.add(identity.mul(4))),
  det: (x, y) => linalg.det(x.add(identity.mul(4))).mul(y),
  cholesky: (x) => linalg.cholesky(x.add(adjoint(x)).add(identity.mul(6))),
  logsumexp: (x, y) => jacobi.logsumexp(x, 0).mul(y),
  pad: (x) =>
    jacobi.pad(x.astype("complex128"), [[1, 0], [0, 0]], { value: { re: 0.3, im: -0.2 } }).at([
      0,
      2,
    ]),
  qr: (x) => linalg.qr(x.add(identity.mul(4)))[0],
  svd: (x, y) => linalg.svd(x.add(spread))[1].mul(y),
  eigh: (x) => linalg.eigh(x.add(adjoint(x)).add(spread))[1],
  scan: (x, y) =>
    jacobi.scan(
      (h: Tensor, row: Tensor) => [tamed(h.mul(row)), h],
      y.at(0).astype("complex128"),
      x,
    )[1],
  branch: (x, y) => jacobi.cond(true, (x) => x.mul(y), (x) => x.mul(y).neg(), x),
  checkpoint: (x) => jacobi.checkpoint((x: Tensor) => jacobi.exp(x).mul(x))(x),
};

/** What a program makes of its inputs: the last values. */
export function run(steps: readonly Step[], inputs: readonly Tensor[]): Tensor[] {
  const values = [...inputs];
  const pick = (place: number): Tensor => values[values.length - 1 - place % values.length];
  for (const { operation, first, second } of steps) {
    values.push(tamed(operations[operation](pick(first), pick(second))));
  }
  return values.slice(-2);
}

/** Programs. */
export const programs = fc.array(
  fc.record({
    operation: fc.constantFrom(...Object.keys(operations)),
    first: fc.nat({ max: 7 }),
    second: fc.nat({ max: 7 }),
  }),
  { minLength: 1, maxLength: 8 },
);
