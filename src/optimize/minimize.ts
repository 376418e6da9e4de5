/**
 * The least values of functions.
 *
 * @module
 */
import { describeValue, isComplex } from "../base/dtype.ts";
import { argumentError, dtypeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { showType } from "../base/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import type { TensorsOf } from "../core/tree_types.ts";
import { customRoot } from "../control/custom_root.ts";
import { whileLoop } from "../control/while_loop.ts";
import { checkLength } from "../functions/arguments.ts";
import {
  abs,
  add,
  all,
  astype,
  div,
  dot,
  equal,
  eye,
  greater,
  isfinite,
  less,
  logicalAnd,
  logicalNot,
  logicalOr,
  matmul,
  max,
  min,
  minimum,
  mul,
  neg,
  norm,
  outer,
  sub,
  tensor,
  where,
  zeros,
} from "../functions/mod.ts";
import { solve } from "../linalg/solving.ts";
import { checkFunction, flattenTensors } from "../transforms/flatten_function.ts";
import { grad, valueAndGrad } from "../transforms/grad.ts";
import { checkFloats } from "../transforms/linearize.ts";
import { noGrad, stopGradient } from "../transforms/no_grad.ts";
import { vmap } from "../transforms/vmap.ts";
import { ravel } from "../tree/vectors.ts";
import { remember, scaleOf, timesInverse } from "./limited_memory.ts";
import { searchLine } from "./zoom.ts";
import type { Objective } from "./zoom.ts";

/**
 * Options of `minimize`.
 *
 * @category Minimization
 */
export interface MinimizeOptions<Method extends "BFGS" | "L-BFGS" = "BFGS"> {
  /** The method. Default "BFGS"; "L-BFGS" has no matrix `[n, n]`, and so takes many numbers. */
  readonly method?: Method;
  /** How many steps "L-BFGS" remembers. Default 10. */
  readonly memory?: number;
  /** The gradient is small enough when its norm is below this. Default 1e-5. */
  readonly gtol?: number;
  /** The order of that norm. Default infinity: the largest element. */
  readonly norm?: number;
  /** The most steps. Default: 200 for each number in `x0`. */
  readonly maxiter?: number;
  /** The most points that a step looks at. Default 30. */
  readonly lineSearchMaxiter?: number;
}

/**
 * The result of `minimize`.
 *
 * @category Minimization
 */
export interface OptimizeResults<X> {
  /** Where the least value is, a tree like `x0`. */
  readonly x: TensorsOf<X>;
  /** Whether the gradient became small enough, bool. */
  readonly success: Tensor;
  /** int32: 0 for success, 1 after too many steps, 2 where no step led to a lower value. */
  readonly status: Tensor;
  /** The value there. */
  readonly fun: Tensor;
  /** The gradient there, a tree like `x0`. */
  readonly jac: TensorsOf<X>;
  /** What is known of the inverse of the Hessian, `[n, n]` in the order of `tree.ravel`. */
  readonly hessInv: Tensor;
  /** How often the function was evaluated, int32. */
  readonly nfev: Tensor;
  /** How often its gradient was, int32. */
  readonly njev: Tensor;
  /** The number of steps, int32. */
  readonly nit: Tensor;
}

/**
 * The result of `minimize` by "L-BFGS": all but an inverse of the Hessian.
 *
 * @category Minimization
 */
export type LimitedMemoryResults<X> = Omit<OptimizeResults<X>, "hessInv">;

const int = (value: number): Tensor => tensor(value, { dtype: "int32" });

/** What a method makes of the steps so far. */
interface Method {
  /** What it knows before the first one. */
  readonly start: readonly Tensor[];
  /** The inverse of the Hessian, as far as it is known, times a vector. */
  times(known: readonly Tensor[], vector: Tensor): Tensor;
  /** What it knows after a step `s` that changed the gradient by `y`, with `s·y` above 0. */
  learn(known: readonly Tensor[], s: Tensor, y: Tensor, isFirst: Tensor): readonly Tensor[];
}

/** BFGS: an inverse of the Hessian. */
function fullMemory(x0: Tensor): Method {
  const identity = eye(x0.size, { dtype: x0.dtype });
  return {
    start: [identity],
    times: ([h], g) => matmul(h, g),
    learn([h], s, y, isFirst) {
      const curvature = dot(y, s);
      const rho = div(1, where(greater(curvature, 0), curvature, 1));
      // The first step shows how large the inverse is (Nocedal and Wright, 2006, equation 6.20).
      const scale = div(curvature, where(equal(curvature, 0), 1, dot(y, y)));
      const known = where(isFirst, mul(identity, scale), h);
      const turn = sub(identity, mul(rho, outer(s, y)));
      const turned = matmul(turn, matmul(known, turn.transpose()));
      return [add(turned, mul(rho, outer(s, s)))];
    },
  };
}

/** L-BFGS: the last steps and the changes of the gradient that they made. */
function limitedMemory(x0: Tensor, memory: number): Method {
  const none = zeros([memory, x0.size], { dtype: x0.dtype });
  return {
    start: [none, none],
    times: ([steps, changes], g) => timesInverse(g, steps, changes, scaleOf(steps, changes)),
    learn: ([steps, changes], s, y) => [remember(steps, s), remember(changes, y)],
  };
}

/** Steps until the gradient is small: `x`, value, gradient, counts, status, and what the method knows. */
function descend(
  objective: Objective,
  x0: Tensor,
  { start, times, learn }: Method,
  { gtol, ord, maxiter, most }: {
    readonly gtol: number;
    readonly ord: number;
    readonly maxiter: number;
    readonly most: number;
  },
): readonly Tensor[] {
  const size = (g: Tensor): Tensor =>
    ord === Infinity ? max(abs(g)) : ord === -Infinity ? min(abs(g)) : norm(g, null, { ord });
  const [value0, gradient0] = objective(x0);
  return whileLoop(
    ([, , g, k, , status]) =>
      logicalAnd(
        logicalAnd(logicalNot(less(size(g), gtol)), equal(status, 0)),
        less(k, maxiter),
      ),
    ([x, value, g, k, count, status, ...known]) => {
      const newton = neg(times(known, g));
      // Rounding may have spoilt what is known of the Hessian.
      const isDown = less(dot(newton, g), 0);
      const p = where(isDown, newton, neg(g));
      const isFirst = equal(k, 0);
      const first = astype(where(isFirst, minimum(div(1, norm(g)), 1), 1), x.dtype);
      const found = searchLine(objective, x, p, [value, g], { first, most });
      const [step, at, gradient, goesDown, looked] = found;
      const isLower = logicalAnd(goesDown, all(isfinite(gradient)));
      const s = mul(step, p);
      const y = sub(gradient, g);
      const learns = logicalAnd(isLower, greater(dot(y, s), 0));
      const learnt = learn(known, s, y, isFirst);
      const kept = (after: Tensor, before: Tensor) => where(isLower, after, before);
      // A step to where nothing moves any more is the last one.
      const isStuck = logicalOr(logicalNot(isLower), all(equal(add(x, s), x)));
      return [
        kept(add(x, s), x),
        kept(at, value),
        kept(gradient, g),
        add(k, 1),
        add(count, looked),
        where(isStuck, int(2), status),
        ...known.map((old, i) => where(learns, learnt[i], old)),
      ];
    },
    [x0, value0, gradient0, int(0), int(1), int(0), ...start] as Tensor[],
  );
}

/** A number above 0. */
function checkPositive(value: unknown, what: string, name: string): number {
  if (typeof value === "number" && value > 0) return value;
  throw argumentError(`${what}: ${name} must be a number above 0, got ${describeValue(value)}`);
}

/**
 * The least value of a function near a first guess, by BFGS or L-BFGS with a line search, as
 * `jax.scipy.optimize.minimize`: a compiled loop that needs the function and its gradient.
 *
 * `x` and `fun` have derivatives by what `fun` closes over, those of a place where the gradient is 0, by its
 * Hessian; they mean something where `success` is true. The other results have none.
 *
 * Source: J. Nocedal and S. J. Wright, "Numerical Optimization", 2nd edition, 2006, algorithms 6.1 and 7.5.
 *
 * @category Minimization
 * @param fun A function of a tree like `x0` that gives a real scalar.
 * @param x0 Where to begin: a tree of real floating-point tensors.
 * @param options `method`; `memory`, how many steps L-BFGS remembers; `gtol`, `norm`: how small the gradient is to be, 1e-5 by its largest element; `maxiter`: the
 * most steps; `lineSearchMaxiter`: the most points of a step, 30 by default.
 * @returns `x`, `success`, `status`, `fun`, `jac`, `hessInv` (not of L-BFGS), `nfev`, `njev`, `nit`.
 * @throws {DtypeError} when `x0` is not real and floating-point.
 * @throws {ArgumentError} when an option is not valid, or `x0` holds no numbers.
 * @throws {ShapeError} when `fun` gives no scalar.
 *
 * @example Rosenbrock's valley
 * ```ts
 * import { optimize, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const { x, success } = optimize.minimize(
 *   ({ a, b }) => a.sub(1).square().add(b.sub(a.square()).square().mul(100)),
 *   { a: tensor(-1, { dtype: "float64" }), b: tensor(2, { dtype: "float64" }) },
 * );
 * assertTensorsClose(success, true);
 * assertTensorsClose(x.a, tensor(1, { dtype: "float64" }), { rtol: 1e-4 });
 * ```
 *
 * @example The derivative of a place
 * ```ts
 * import { grad, optimize, tensor } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const nearest = (a: Tensor) => optimize.minimize((x: Tensor) => x.exp().sub(a.mul(x)), tensor(0)).x;
 * assertTensorsClose(nearest(tensor(2)), Math.log(2), { rtol: 1e-4 });
 * assertTensorsClose(grad(nearest)(tensor(2)), 0.5, { rtol: 1e-4 });
 * ```
 */
export function minimize<X>(
  fun: (x: TensorsOf<X>) => Tensor,
  x0: X,
  options?: MinimizeOptions,
): OptimizeResults<X>;
/** The same by L-BFGS. */
export function minimize<X>(
  fun: (x: TensorsOf<X>) => Tensor,
  x0: X,
  options: MinimizeOptions<"L-BFGS">,
): LimitedMemoryResults<X>;
export function minimize<X>(
  fun: (x: TensorsOf<X>) => Tensor,
  x0: X,
  options?: MinimizeOptions<"BFGS" | "L-BFGS">,
): OptimizeResults<X> | LimitedMemoryResults<X> {
  const what = "Cannot minimize";
  checkFunction(fun, "minimize");
  const read = readOptions(what, options, [
    "method",
    "memory",
    "gtol",
    "norm",
    "maxiter",
    "lineSearchMaxiter",
  ]);
  const { method = "BFGS" } = read;
  if (method !== "BFGS" && method !== "L-BFGS") {
    throw argumentError(
      `${what}: method must be "BFGS" or "L-BFGS", got ${describeValue(method)}`,
    );
  }
  const memory = checkLength(read.memory ?? 10, what, "a number of steps as memory");
  if (memory === 0) throw argumentError(`${what}: memory must be at least 1, got 0`);
  const gtol = checkPositive(read.gtol ?? 1e-5, what, "gtol");
  const ord = read.norm ?? Infinity;
  if (typeof ord !== "number" || ord !== ord) {
    throw argumentError(`${what}: norm must be a number, got ${describeValue(ord)}`);
  }
  const { leaves, structure } = flattenTensors(x0, `${what} from this x0`);
  checkFloats(leaves, structure, `${what} from this x0`);
  const size = leaves.reduce((count, leaf) => count + leaf.size, 0);
  if (size === 0) throw argumentError(`${what}: expected at least one number in x0`);
  const maxiter = checkLength(read.maxiter ?? 200 * size, what, "a number of steps as maxiter");
  const most = checkLength(
    read.lineSearchMaxiter ?? 30,
    what,
    "a number of points as lineSearchMaxiter",
  );
  const [start, unravel] = ravel(x0) as [Tensor, (x: Tensor) => TensorsOf<X>];
  if (isComplex(start.dtype)) {
    throw dtypeError(`${what} from ${showType(start)}: expected real numbers`);
  }
  const onVectors = (x: Tensor): Tensor => fun(unravel(x));
  const search = noGrad((x: Tensor) =>
    descend(
      valueAndGrad(onVectors) as Objective,
      x,
      method === "BFGS" ? fullMemory(x) : limitedMemory(x, memory),
      { gtol, ord, maxiter, most },
    )
  );
  const [found, value, jac, nit, nfev, stuck, known] = search(start);
  const place = customRoot(
    grad(onVectors) as (x: Tensor) => Tensor,
    stopGradient(found),
    (_, x) => x,
    (product, y) => solve(vmap(product)(eye(size, { dtype: y.dtype })), y),
  );
  const isSmall = less(
    ord === Infinity ? max(abs(jac)) : ord === -Infinity ? min(abs(jac)) : norm(jac, null, { ord }),
    gtol,
  );
  const success = logicalAnd(isSmall, equal(value, value));
  const status = where(success, int(0), where(equal(stuck, 0), int(1), stuck));
  return {
    x: unravel(place),
    success,
    status,
    fun: onVectors(place),
    jac: unravel(jac),
    ...(method === "BFGS" ? { hessInv: known } : {}),
    nfev,
    njev: nfev,
    nit,
  };
}
