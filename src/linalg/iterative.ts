/**
 * Linear systems solved step by step, by products with the matrix alone.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError, treeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { showType } from "../base/shape.ts";
import { Tensor } from "../core/tensor.ts";
import { sameStructure } from "../core/tree.ts";
import type { TensorsOf } from "../core/tree_types.ts";
import { customLinearSolve } from "../control/custom_linear_solve.ts";
import { scan } from "../control/scan.ts";
import { whileLoop } from "../control/while_loop.ts";
import { checkLength } from "../functions/arguments.ts";
import {
  add,
  astype,
  broadcastTo,
  concatenate,
  conj,
  div,
  equal,
  expandDims,
  greater,
  index,
  less,
  lessEqual,
  logicalAnd,
  logicalNot,
  logicalOr,
  matmul,
  maximum,
  mul,
  norm,
  oneHot,
  real,
  sub,
  sum,
  where,
  zeros,
  zerosLike,
} from "../functions/mod.ts";
import { checkSquare } from "../primitives/matrices.ts";
import { iota } from "../primitives/structure.ts";
import { flattenTensors } from "../transforms/flatten_function.ts";
import { ravel } from "../tree/vectors.ts";
import { lstsq } from "./solving.ts";

/**
 * A linear function of trees, or a matrix that vectors are multiplied by.
 *
 * @category Systems of equations
 */
export type LinearOperator<X> = ((x: TensorsOf<X>) => TensorsOf<X>) | Tensor;

/**
 * Options of `cg` and `bicgstab`.
 *
 * @category Systems of equations
 */
export interface IterativeOptions<X> {
  /** Where to begin, a tree like `b`. Default: zeros. */
  readonly x0?: X;
  /** The residual is small enough when it is at most this times the right side. Default 1e-5. */
  readonly tol?: number;
  /** Or when it is at most this. Default 0. */
  readonly atol?: number;
  /** The most steps. Default: ten times the number of elements of `b`. */
  readonly maxiter?: number;
  /** A preconditioner: something like the inverse of the matrix. Default: none. */
  readonly M?: LinearOperator<X>;
}

/**
 * Options of `gmres`.
 *
 * @category Systems of equations
 */
export interface GmresOptions<X> extends IterativeOptions<X> {
  /** How many vectors are kept before it begins anew; `maxiter` counts beginnings. Default 20. */
  readonly restart?: number;
}

/** A linear function of vectors. */
type Product = (x: Tensor) => Tensor;

/** What a method gets to solve a system on vectors. */
interface Task {
  readonly product: Product;
  readonly precondition: Product;
  readonly b: Tensor;
  readonly x0: Tensor;
  /** Up to which length residuals are small enough. */
  readonly enough: Tensor;
  readonly maxiter: number;
}

/** `operator` as a function of trees. */
function asFunction<X>(
  operator: LinearOperator<X>,
  what: string,
  name: string,
): (x: TensorsOf<X>) => TensorsOf<X> {
  if (typeof operator === "function") return operator;
  if (operator instanceof Tensor) {
    checkSquare(operator, what);
    return (x) => matmul(operator, x as Tensor) as TensorsOf<X>;
  }
  throw argumentError(
    `${what}: ${name} must be a function or a matrix, got ${describeValue(operator)}`,
  );
}

/** A number that is at least 0. */
function checkTolerance(value: unknown, what: string, name: string): number {
  if (typeof value === "number" && value >= 0) return value;
  throw argumentError(`${what}: ${name} must be at least 0, got ${describeValue(value)}`);
}

/** What all methods have in common. */
function solveBy<X>(
  name: string,
  A: LinearOperator<X>,
  b: X,
  options: GmresOptions<X> | undefined,
  names: readonly (keyof GmresOptions<X> & string)[],
  method: (task: Task) => Tensor,
  isSymmetric: boolean,
): [x: TensorsOf<X>, info: Tensor] {
  const what = `Cannot apply ${name}`;
  const read = readOptions(what, options, names);
  const tol = checkTolerance(read.tol ?? 1e-5, what, "tol");
  const atol = checkTolerance(read.atol ?? 0, what, "atol");
  const matvec = asFunction(A, what, "the operator");
  const apply = read.M === undefined ? null : asFunction(read.M, what, "M");
  const right = flattenTensors(b, `${what} to this right-hand side`);
  const size = right.leaves.reduce((count, leaf) => count + leaf.size, 0);
  const maxiter = checkLength(read.maxiter ?? 10 * size, what, "a number of steps as maxiter");
  const guess = read.x0 === undefined ? null : flattenTensors(read.x0, `${what} from this x0`);
  const differs = guess !== null && (!sameStructure(guess.structure, right.structure) ||
    guess.leaves.some(({ shape }, i) => String(shape) !== String(right.leaves[i].shape)));
  if (differs) {
    const [got, expected] = [guess, right].map(({ leaves }) => leaves.map(showType).join(", "));
    throw treeError(`${what}: x0 must be like the right-hand side, ${expected}; got ${got}`);
  }
  const lengthOf = (x: Tensor) => norm(x);
  const enoughFor = (length: Tensor) => maximum(mul(length, tol), atol);
  const solve = (from: boolean) =>
  (
    product: (x: TensorsOf<X>) => TensorsOf<X>,
    side: TensorsOf<X>,
  ): TensorsOf<X> => {
    const [vector, unravel] = ravel(side);
    const on = (f: (x: TensorsOf<X>) => TensorsOf<X>): Product => (x) =>
      astype(ravel(f(unravel(x)))[0], vector.dtype);
    const start = from && guess !== null
      ? astype(ravel(read.x0)[0] as Tensor, vector.dtype)
      : zerosLike(vector);
    return unravel(method({
      product: on(product),
      precondition: apply === null ? (x) => x : on(apply),
      b: vector,
      x0: start,
      enough: enoughFor(lengthOf(vector)),
      maxiter,
    }));
  };
  const x = customLinearSolve(
    matvec,
    b,
    solve(true),
    isSymmetric ? { symmetric: true } : { transposeSolve: solve(false) },
  );
  const [vector] = ravel(b);
  const left = lengthOf(sub(vector as Tensor, ravel(matvec(x))[0] as Tensor));
  // Rounding may leave a little more than what the steps have seen.
  const isSolved = lessEqual(left, mul(enoughFor(lengthOf(vector as Tensor)), 2));
  return [x, astype(logicalNot(isSolved), "int32")];
}

/** The product of the conjugate of one vector with another. */
function dot(x: Tensor, y: Tensor): Tensor {
  return sum(mul(conj(x), y));
}

/** The length of a vector, squared. */
function square(x: Tensor): Tensor {
  return real(dot(x, x));
}

/**
 * The better of two solutions, by the squares of their residuals' lengths, and its square. A step of any length
 * along what the matrix takes to zero lets a residual shrink by rounding: that is not better.
 */
function better(x: Tensor, r: Tensor, best: Tensor, least: Tensor): [best: Tensor, least: Tensor] {
  const size = square(r);
  const isBetter = less(size, mul(least, 0.999));
  return [where(isBetter, x, best), where(isBetter, size, least)];
}

function conjugateGradients({ product, precondition, b, x0, enough, maxiter }: Task): Tensor {
  const limit = mul(enough, enough);
  const r0 = sub(b, product(x0));
  const z0 = precondition(r0);
  const size0 = square(r0);
  // Systems without a solution end in steps of any length: the best one before counts.
  const [, , , , , best] = whileLoop(
    ([, r, , , k]) => logicalAnd(greater(square(r), limit), less(k, maxiter)),
    ([x, r, p, gamma, k, best, least]) => {
      const moved = product(p);
      const alpha = div(gamma, real(dot(p, moved)));
      const rest = sub(r, mul(alpha, moved));
      const z = precondition(rest);
      const next = real(dot(rest, z));
      const moving = add(z, mul(div(next, gamma), p));
      const stepped = add(x, mul(alpha, p));
      return [stepped, rest, moving, next, add(k, 1), ...better(stepped, rest, best, least)];
    },
    [x0, r0, z0, real(dot(r0, z0)), zeros([], { dtype: "int32" }), x0, size0] as Tensor[],
  );
  return best;
}

function stabilizedGradients({ product, precondition, b, x0, enough, maxiter }: Task): Tensor {
  const limit = mul(enough, enough);
  const shadow = sub(b, product(x0));
  const one = dot(shadow, zerosLike(shadow)).add(1);
  const [, , , , , , , , best] = whileLoop(
    ([, r, , , , , , k]) => logicalAnd(greater(square(r), limit), less(k, maxiter)),
    ([x, r, p, q, alpha, omega, rho, k, best, least]) => {
      const rhoNext = dot(shadow, r);
      const beta = mul(div(rhoNext, rho), div(alpha, omega));
      const pNext = add(r, mul(beta, sub(p, mul(omega, q))));
      const pMoved = precondition(pNext);
      const qNext = product(pMoved);
      const alphaNext = div(rhoNext, dot(shadow, qNext));
      const s = sub(r, mul(alphaNext, qNext));
      const isEnough = lessEqual(square(s), limit);
      const sMoved = precondition(s);
      const t = product(sMoved);
      const omegaNext = div(dot(t, s), dot(t, t));
      const half = add(x, mul(alphaNext, pMoved));
      const whole = where(isEnough, half, add(half, mul(omegaNext, sMoved)));
      const rest = where(isEnough, s, sub(s, mul(omegaNext, t)));
      // Nothing more is to be had once a factor vanishes.
      const isStuck = logicalOr(equal(rhoNext, 0), equal(alphaNext, 0));
      const count = where(logicalOr(isStuck, equal(omegaNext, 0)), maxiter, add(k, 1));
      const found = better(whole, rest, best, least);
      return [whole, rest, pNext, qNext, alphaNext, omegaNext, rhoNext, count, ...found];
    },
    [
      ...[x0, shadow, shadow, shadow, one, one, one],
      ...[zeros([], { dtype: "int32" }), x0, square(shadow)],
    ] as Tensor[],
  );
  return best;
}

/** One beginning: an orthonormal basis of what products give, and the best solution within. */
function improve({ product, precondition, b }: Task, x: Tensor, restart: number): Tensor {
  const residual = precondition(sub(b, product(x)));
  const size = norm(residual);
  const unit = (y: Tensor, length: Tensor) => div(y, where(greater(length, 0), length, 1));
  const first = expandDims(unit(residual, size), 0);
  const basis = concatenate([first, zerosLike(broadcastTo(residual, [restart, residual.size]))], 0);
  const [vectors, columns] = scan(
    (v: Tensor, k: Tensor): [Tensor, Tensor] => {
      const w = precondition(product(index(v, k)));
      const along = matmul(conj(v), w);
      const once = sub(w, matmul(along, v));
      // Once more, since the first time leaves rounding behind.
      const more = matmul(conj(v), once);
      const rest = sub(once, matmul(more, v));
      const length = norm(rest);
      const isNew = greater(length, mul(norm(w), 1e-30));
      const kept = where(isNew, length, 0);
      const place = oneHot(add(k, 1), restart + 1, { dtype: "float32" });
      const hot = astype(place, length.dtype);
      const grown = add(v, mul(expandDims(hot, -1), where(isNew, unit(rest, length), 0)));
      return [grown, add(add(along, more), mul(hot, kept))];
    },
    basis,
    iota(restart),
  );
  const goal = mul(astype(oneHot(zeros([], { dtype: "int32" }), restart + 1), size.dtype), size);
  const y = lstsq(columns.transpose(), goal)[0];
  return add(x, matmul(y, index(vectors, [0, restart])));
}

function generalizedResiduals(task: Task, restart: number): Tensor {
  const { product, b, x0, enough, maxiter } = task;
  const size = Math.min(restart, b.size);
  if (size === 0) return x0;
  const [x] = whileLoop(
    ([x, k]) => logicalAnd(greater(norm(sub(b, product(x))), enough), less(k, maxiter)),
    ([x, k]) => [improve(task, x, size), add(k, 1)],
    [x0, zeros([], { dtype: "int32" })] as Tensor[],
  );
  return x;
}

/**
 * The solution of `A x = b` by conjugate gradients, for symmetric (Hermitian) positive definite `A`.
 *
 * A compiled loop. The derivative is that of the solution, by the same method, not of its steps.
 *
 * Source: M. R. Hestenes and E. Stiefel, "Methods of conjugate gradients for solving linear systems", 1952.
 *
 * @category Systems of equations
 * @param A The product with a tree like `b`, or a matrix `[n, n]`.
 * @param b The right-hand side: a tree of floating-point tensors.
 * @param options `x0`: where to begin; `tol`, `atol`: how small the residual is to be, at most `tol` times
 * the right side or `atol`; `maxiter`: the most steps; `M`: a preconditioner.
 * @returns `[x, info]`: a tree like `b`, and int32: 0 where the residual is within twice the tolerance, else 1.
 * @throws {TreeError} when `A` or `x0` gives something else than a tree like `b`.
 * @throws {ArgumentError} when an option is not valid.
 *
 * @example A gradient through a solution
 * ```ts
 * import { grad, tensor } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { cg } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const f = (a: Tensor) => cg(a, tensor([1, 2]))[0].sum();
 * const a = tensor([[4, 1], [1, 4]]);
 * assertTensorsClose(f(a), 0.6, { rtol: 1e-5 });
 * assertTensorsClose(grad(f)(a), [[-2 / 75, -7 / 75], [-2 / 75, -7 / 75]], { atol: 1e-6 });
 * ```
 */
export function cg<X>(
  A: LinearOperator<X>,
  b: X,
  options?: IterativeOptions<X>,
): [x: TensorsOf<X>, info: Tensor] {
  return solveBy("cg", A, b, options, NAMES, conjugateGradients, true);
}

/** The options of all methods. */
const NAMES = ["x0", "tol", "atol", "maxiter", "M"] as const;

/**
 * The solution of `A x = b` by stabilised biconjugate gradients, for any `A`.
 *
 * A compiled loop. The derivative is that of the solution, by the same method, not of its steps.
 *
 * Source: H. A. van der Vorst, "Bi-CGSTAB", 1992.
 *
 * @category Systems of equations
 * @param A The product with a tree like `b`, or a matrix `[n, n]`.
 * @param b The right-hand side: a tree of floating-point tensors.
 * @param options As those of `cg`.
 * @returns `[x, info]`: a tree like `b`, and int32: 0 where the residual is within twice the tolerance, else 1.
 * @throws {TreeError} when `A` or `x0` gives something else than a tree like `b`.
 * @throws {ArgumentError} when an option is not valid.
 *
 * @example Two equations
 * ```ts
 * import { tensor } from "@jacobi/jacobi";
 * import { bicgstab } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [x, info] = bicgstab(tensor([[2, 1], [0, 3]]), tensor([3, 3]));
 * assertTensorsClose(x, [1, 1], { rtol: 1e-5 });
 * assertTensorsClose(info, 0);
 * ```
 */
export function bicgstab<X>(
  A: LinearOperator<X>,
  b: X,
  options?: IterativeOptions<X>,
): [x: TensorsOf<X>, info: Tensor] {
  return solveBy("bicgstab", A, b, options, NAMES, stabilizedGradients, false);
}

/**
 * The solution of `A x = b` by generalised minimal residuals, for any `A`.
 *
 * A compiled loop. The derivative is that of the solution, by the same method, not of its steps.
 *
 * Source: Y. Saad and M. H. Schultz, "GMRES: a generalized minimal residual algorithm for solving
 * nonsymmetric linear systems", 1986.
 *
 * @category Systems of equations
 * @param A The product with a tree like `b`, or a matrix `[n, n]`.
 * @param b The right-hand side: a tree of floating-point tensors.
 * @param options As those of `cg`; `restart`: how many vectors are kept before it begins anew, 20 by
 * default. `maxiter` counts beginnings.
 * @returns `[x, info]`: a tree like `b`, and int32: 0 where the residual is within twice the tolerance, else 1.
 * @throws {TreeError} when `A` or `x0` gives something else than a tree like `b`.
 * @throws {ArgumentError} when an option is not valid.
 *
 * @example A function of a tree
 * ```ts
 * import { tensor } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { gmres } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * type Pair = { u: Tensor; v: Tensor };
 * const A = ({ u, v }: Pair): Pair => ({ u: u.mul(2).add(v), v: v.sub(u) });
 * const [x] = gmres(A, { u: tensor(4), v: tensor(1) });
 * assertTensorsClose(x.u, 1, { rtol: 1e-5 });
 * assertTensorsClose(x.v, 2, { rtol: 1e-5 });
 * ```
 */
export function gmres<X>(
  A: LinearOperator<X>,
  b: X,
  options?: GmresOptions<X>,
): [x: TensorsOf<X>, info: Tensor] {
  const what = "Cannot apply gmres";
  const names = [...NAMES, "restart"] as const;
  const { restart = 20 } = readOptions(what, options, names);
  if (checkLength(restart, what, "a number of vectors as restart") === 0) {
    throw argumentError(`${what}: expected at least one vector as restart, got 0`);
  }
  return solveBy(
    "gmres",
    A,
    b,
    options,
    names,
    (task) => generalizedResiduals(task, restart),
    false,
  );
}
