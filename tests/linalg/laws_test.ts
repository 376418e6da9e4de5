import { exp, eye, linalg, matmul, mul, real as re } from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import type { Shape } from "../../src/base/shape.ts";
import { sizeOf } from "../../src/base/shape.ts";
import { checkBatch, checkFirstOrder, checkJit } from "../laws/laws.ts";
import { checkNestedBatch, checkPrograms, checkSecondOrder } from "../laws/laws.ts";
import type { Flat, Maker } from "../laws/laws.ts";
import { definite, dominant, fromValues, makeRandom, real, seedOf } from "../laws/values.ts";
import { separated } from "../laws/values.ts";
import type { Domain } from "../laws/values.ts";

// The laws of the primitives, held by the functions that users call.

type Case = readonly [f: Flat, ...args: readonly (readonly [shape: Shape, domain: Domain])[]];

const square = [[3, 3], dominant(3)] as const;
const tall = [[4, 3], separated(4, 3)] as const;

/** The matrices with these eigenvectors and the exponentials of these eigenvalues. */
function exponential([w, v]: readonly Tensor[]): Tensor {
  return matmul(mul(v, exp(w).expandDims(-2)), v.swapaxes(-1, -2));
}

/** Matrices with eigenvalues right of the imaginary axis. */
function shifted(a: Tensor): Tensor {
  return a.mul(0.2).add(eye(a.shape[a.ndim - 1]));
}

const cases: Readonly<Record<string, Case>> = {
  cholesky: [([a]) => [linalg.cholesky(a)], [[3, 3], definite(3)]],
  "triangularSolve on the right": [
    ([a, b]) => [linalg.triangularSolve(a, b, { leftSide: false, lower: true })],
    square,
    [[2, 3], real],
  ],
  "solve for a vector": [([a, b]) => [linalg.solve(a, b)], square, [[3], real]],
  "solve, broadcast": [
    ([a, b]) => [linalg.solve(a, b)],
    [[2, 1, 2, 2], dominant(2)],
    [[2, 2, 1], real],
  ],
  "solve for a batch of right sides": [
    ([a, b]) => [linalg.solve(a, b)],
    [[2, 2], dominant(2)],
    [[2, 2, 1], real],
  ],
  inv: [([a]) => [linalg.inv(a)], square],
  det: [([a]) => [linalg.det(a)], square],
  "det of a batch": [([a]) => [linalg.det(a)], [[2, 2, 2], dominant(2)]],
  slogdet: [([a]) => linalg.slogdet(a), square],
  qr: [([a]) => linalg.qr(a), tall],
  eigh: [([a]) => [exponential(linalg.eigh(a))], [[3, 3], separated(3, 3)]],
  svd: [([a]) => linalg.svd(a), tall],
  lstsq: [([a, b]) => linalg.lstsq(a, b), tall, [[4], real]],
  "nuclear norm": [([a]) => [linalg.norm(a, null, { ord: "nuc" })], tall],
  "spectral norm": [([a]) => [linalg.norm(a, [1, 0], { ord: 2, keepdims: true })], tall],
  "norm of row sums": [([a]) => [linalg.norm(a, null, { ord: Infinity })], tall],
  "Frobenius norm": [([a]) => [linalg.norm(a, null, { ord: "fro" })], tall],
  "matrixPower 5": [([a]) => [linalg.matrixPower(a, 5)], [[2, 2], dominant(2)]],
  pinv: [([a]) => [linalg.pinv(a)], tall],
  cond: [([a]) => [linalg.cond(a)], tall],
  "cond of order 1": [([a]) => [linalg.cond(a, { ord: 1 })], square],
  "vectorNorm of order 3": [([a]) => [linalg.vectorNorm(a, 1, { ord: 3 })], tall],
  polar: [([a]) => linalg.polar(a), tall],
  "polar on the left": [([a]) => linalg.polar(a, { side: "left" }), tall],
  lu: [([a]) => linalg.lu(a), square],
  "lu of tall matrices": [([a]) => linalg.lu(a), tall],
  "lu of wide matrices": [([a]) => linalg.lu(a, { permuteL: true }), [[2, 3], separated(2, 3)]],
  "luFactor and luSolve": [
    ([a, b]) => [linalg.luSolve(linalg.luFactor(a), b, { trans: 1 })],
    square,
    [[3], real],
  ],
  "choFactor and choSolve": [
    ([a, b]) => [linalg.choSolve(linalg.choFactor(a), b)],
    [[3, 3], definite(3)],
    [[2, 3, 1], real],
  ],
  choleskyUpdate: [
    ([a, b]) => [linalg.choleskyUpdate(linalg.choFactor(a), b)],
    [[3, 3], definite(3)],
    [[3], real],
  ],
  householderProduct: [([a, b]) => [linalg.householderProduct(a, b)], tall, [[3], real]],
  tensorinv: [([a]) => [linalg.tensorinv(a.reshape([3, 1, 3]), 1)], square],
  tensorsolve: [
    ([a, b]) => [linalg.tensorsolve(a.reshape([4, 2, 2]), b)],
    [[4, 4], dominant(4)],
    [[4], real],
  ],
  toeplitz: [([a, b]) => [linalg.toeplitz(a, b)], [[3], real], [[2, 2], real]],
  hankel: [([a, b]) => [linalg.hankel(a, b)], [[3], real], [[2, 2], real]],
  circulant: [([a]) => [linalg.circulant(a)], [[2, 3], real]],
  companion: [([a]) => [linalg.companion(a)], [[2, 4], dominant(1)]],
  fiedlerCompanion: [([a]) => [linalg.fiedlerCompanion(a)], [[5], dominant(1)]],
  leslie: [([a, b]) => [linalg.leslie(a, b)], [[3], real], [[2], real]],
  fiedler: [([a]) => [linalg.fiedler(a)], [[3], separated(1, 3)]],
  convolutionMatrix: [([a]) => [linalg.convolutionMatrix(a, 2, { mode: "same" })], [[3], real]],
  blockDiag: [([a, b]) => [linalg.blockDiag(a, b)], [[2, 1], real], [[3], real]],
  expm: [([a]) => [linalg.expm(a)], [[2, 2, 2], separated(2, 2)]],
  expmFrechet: [([a, b]) => linalg.expmFrechet(a, b), [[2, 2], real], [[2, 2], real]],
  sqrtm: [([a]) => [re(linalg.sqrtm(shifted(a)))], [[2, 3, 3], real]],
  solveSylvester: [
    ([a, b, q]) => [linalg.solveSylvester(shifted(a), shifted(b), q)],
    [[2, 2, 2], real],
    [[3, 3], real],
    [[2, 3], real],
  ],
  tridiagonalSolve: [
    ([l, d, u, b]) => [linalg.tridiagonalSolve(l, d, u, b)],
    [[3], real],
    [[2, 3], dominant(1)],
    [[3], real],
    [[2, 3, 2], real],
  ],
  eigvalshTridiagonal: [
    ([d, e]) => [linalg.eigvalshTridiagonal(d, e)],
    [[3], separated(1, 3)],
    [[2, 2], real],
  ],
  "matrixPower -2": [([a]) => [linalg.matrixPower(a, -2)], [[2, 2], dominant(2)]],
};

for (const [name, [f, ...args]] of Object.entries(cases)) {
  Deno.test(`${name} obeys the laws of derivatives, batches and compilation`, () => {
    const make: Maker = (random) =>
      args.map(([shape, domain]) => fromValues(domain(random, sizeOf(shape)), "float64", shape));
    const random = makeRandom(seedOf(name));
    const values = make(random);
    checkFirstOrder(f, values, random, name);
    checkSecondOrder(f, values, random, name);
    checkBatch(f, make, random, 1e-12, name);
    checkNestedBatch(f, make, random, 1e-12, name);
    checkPrograms(f, make, random, name);
    checkJit(f, make, random, name);
  });
}
