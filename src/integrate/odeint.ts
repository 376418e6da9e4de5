/**
 * Initial value problems of ordinary differential equations.
 *
 * @module
 */
import { describeValue, isComplex, partDtype } from "../base/dtype.ts";
import { argumentError, dtypeError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import { Concrete } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { checkSameStructure } from "../core/tree.ts";
import type { TensorsOf, WithNumbers } from "../core/tree_types.ts";
import { scan } from "../control/scan.ts";
import { whileLoop } from "../control/while_loop.ts";
import { checkLength } from "../functions/arguments.ts";
import { floatOperand } from "../functions/broadcasting.ts";
import {
  abs,
  add,
  astype,
  concatenate,
  div,
  expandDims,
  greater,
  index,
  less,
  lessEqual,
  logicalAnd,
  logicalOr,
  maximum,
  mean,
  minimum,
  mul,
  pow,
  sqrt,
  square,
  stack,
  sub,
  where,
  zerosLike,
} from "../functions/mod.ts";
import { checkFunction, flattenTensors } from "../transforms/flatten_function.ts";
import { checkFloats } from "../transforms/linearize.ts";
import { noGrad, stopGradient } from "../transforms/no_grad.ts";
import { vmap } from "../transforms/vmap.ts";
import { ravel } from "../tree/vectors.ts";

/**
 * Options of `odeint`.
 *
 * @category Differential equations
 */
export interface OdeintOptions {
  /** The relative error of a step, by each element. Default 1.4e-8 for doubles, else 1e-5. */
  readonly rtol?: number;
  /** The absolute error of a step, which is added. Default: the same. */
  readonly atol?: number;
  /** The most steps between two times. Default 4096. */
  readonly mxstep?: number;
  /** The longest step. Default infinity. */
  readonly hmax?: number;
}

/** The derivative of a vector at a time. */
type Slope = (y: Tensor, t: Tensor) => Tensor;

/** Dormand and Prince's stages: when, and how much of each slope before. The last one is the step. */
const STAGES: readonly (readonly [at: number, parts: readonly number[]])[] = [
  [1 / 5, [1 / 5]],
  [3 / 10, [3 / 40, 9 / 40]],
  [4 / 5, [44 / 45, -56 / 15, 32 / 9]],
  [8 / 9, [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729]],
  [1, [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656]],
  [1, [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84]],
];

/** The difference to the step of order 4. */
const ERROR = [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40];

/** The last term of the curve through a step. */
const CURVE = [
  -12715105075 / 11282082432,
  0,
  87487479700 / 32700410799,
  -10690763975 / 1880347072,
  701980252875 / 199316789632,
  -1453857185 / 822651844,
  69997945 / 29380423,
];

function combined(slopes: readonly Tensor[], parts: readonly number[]): Tensor {
  return parts.flatMap((part, i) => part === 0 ? [] : [mul(slopes[i], part)])
    .reduce((a, b) => add(a, b));
}

/** How far steps may go. */
interface Limits {
  readonly rtol: number;
  readonly atol: number;
  readonly hmax: number;
}

/** The root of the mean of squares, over what is allowed. */
function sizeOf(x: Tensor, allowed: Tensor): Tensor {
  return sqrt(mean(square(abs(div(x, allowed)))));
}

/** A first step (E. Hairer, S. P. Nørsett and G. Wanner, "Solving Ordinary Differential Equations I", II.4). */
function firstStep(slope: Slope, y: Tensor, t: Tensor, f: Tensor, limits: Limits): Tensor {
  const allowed = add(mul(abs(y), limits.rtol), limits.atol);
  const [d0, d1] = [sizeOf(y, allowed), sizeOf(f, allowed)];
  const isFlat = logicalOr(less(d0, 1e-5), less(d1, 1e-5));
  const h0 = where(isFlat, 1e-6, div(mul(d0, 0.01), where(isFlat, 1, d1)));
  const next = slope(add(y, mul(f, h0)), add(t, h0));
  const d2 = div(sizeOf(sub(next, f), allowed), h0);
  const most = maximum(d1, d2);
  const isStill = lessEqual(most, 1e-15);
  const h1 = where(
    isStill,
    maximum(mul(h0, 1e-3), 1e-6),
    pow(div(0.01, where(isStill, 1, most)), 1 / 5),
  );
  return minimum(minimum(mul(h0, 100), h1), limits.hmax);
}

/** What is carried from step to step: a place, its slope, and the curve through the last step. */
type State = readonly [y: Tensor, f: Tensor, t: Tensor, h: Tensor, from: Tensor, curve: Tensor];

/** A step, and the length of the next one; where its error is too large, only that. */
function stepFrom(slope: Slope, [y, f, t, h, from, curve]: State, limits: Limits): State {
  const slopes = [f];
  let next = y;
  for (const [at, parts] of STAGES) {
    next = add(y, mul(combined(slopes, parts), h));
    slopes.push(slope(next, add(t, mul(h, at))));
  }
  const last = slopes[slopes.length - 1];
  // Steps are as long as they are: derivatives are those of the steps that were made.
  const ratio = stopGradient(sizeOf(
    mul(combined(slopes, ERROR), h),
    add(mul(maximum(abs(y), abs(next)), limits.rtol), limits.atol),
  ));
  const isGood = lessEqual(ratio, 1);
  const least = where(isGood, 1, 0.2);
  const factor = mul(0.9, pow(where(greater(ratio, 0), ratio, 1e-10), -1 / 5));
  // Where numbers are out of range, a shorter step may do.
  const change = where(lessEqual(ratio, Infinity), minimum(maximum(factor, least), 10), 0.2);
  const rise = sub(next, y);
  const start = sub(mul(f, h), rise);
  const made = stack([
    y,
    rise,
    start,
    sub(sub(rise, mul(last, h)), start),
    mul(combined(slopes, CURVE), h),
  ]);
  const kept = (after: Tensor, before: Tensor) => where(isGood, after, before);
  return [
    kept(next, y),
    kept(last, f),
    kept(add(t, h), t),
    minimum(mul(h, change), limits.hmax),
    kept(t, from),
    kept(made, curve),
  ];
}

/** The curve through the last step, at a time within it (Hairer, Nørsett and Wanner, II.6). */
function valueAt([, , t, , from, curve]: State, time: Tensor): Tensor {
  const length = sub(t, from);
  const isStart = lessEqual(length, 0);
  const s = div(sub(time, from), where(isStart, 1, length));
  const [a, b, c, d, e] = [0, 1, 2, 3, 4].map((i) => index(curve, i));
  const rest = sub(1, s);
  const tail = add(d, mul(e, rest));
  return add(a, mul(s, add(b, mul(rest, add(c, mul(s, tail))))));
}

/** A number above 0. */
function checkPositive(value: unknown, what: string, name: string): number {
  if (typeof value === "number" && value > 0) return value;
  throw argumentError(`${what}: ${name} must be a number above 0, got ${describeValue(value)}`);
}

/** The times, which go in one direction. */
function readTimes(t: TensorLike, what: string): Tensor {
  const times = floatOperand(toTensor(t, what));
  const shown = `${what} at times ${showType(times)}`;
  if (isComplex(times.dtype)) throw dtypeError(`${shown}: expected real numbers`);
  if (times.ndim !== 1 || times.size === 0) throw shapeError(`${shown}: expected a vector`);
  if (times instanceof Concrete) {
    const list = Array.from(times.elements);
    const way = Math.sign(list[list.length - 1] - list[0]);
    const wrong = list.findIndex((time, i) => i > 0 && (time - list[i - 1]) * way < 0);
    if (wrong > 0) {
      throw argumentError(
        `${shown}: expected times in order, got ${list[wrong - 1]} before ${list[wrong]}`,
      );
    }
  }
  return times;
}

/**
 * The solution of `dy/dt = func(y, t)` from `y0` on, as `jax.experimental.ode.odeint`: steps of order 5
 * whose length follows their error, in a compiled loop.
 *
 * Forward and reverse mode go through the steps that were made, and give derivatives by `y0`, by the times,
 * and by all that `func` closes over; reverse mode keeps a number of states that grows with the logarithm of
 * `mxstep`. Where a time is not reached, because `func` gives no numbers or steps run out, results are NaN.
 *
 * Source: J. R. Dormand and P. J. Prince, "A family of embedded Runge-Kutta formulae", 1980.
 *
 * @category Differential equations
 * @param func The derivative, a tree like `y0`, of the state and the time, a scalar. It may close over
 * whatever else it depends on.
 * @param y0 The state at the first time: a tree of floating-point tensors, real or complex.
 * @param t The times `[n]`, in order, upwards or downwards.
 * @param options `rtol`, `atol`: the error of a step; `mxstep`: the most steps between two times; `hmax`:
 * the longest step.
 * @returns A tree like `y0` with leaves `[n, ...]`: the states at the times.
 * @throws {ShapeError} when `t` is not a vector, or `func` gives other shapes.
 * @throws {DtypeError} when `y0` is not floating-point, or times are complex.
 * @throws {ArgumentError} when `y0` holds no numbers, times are known and in no order, or an option is not
 * valid.
 * @throws {TreeError} when `func` gives a tree of other leaves.
 *
 * @example A pendulum
 * ```ts
 * import { integrate, linspace } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const swing = integrate.odeint(
 *   ({ angle, speed }) => ({ angle: speed, speed: angle.sin().neg() }),
 *   { angle: 0.1, speed: 0 },
 *   linspace(0, 6.2871, 3),
 * );
 * assertTensorsClose(swing.angle, [0.1, -0.1, 0.1], { atol: 1e-3 });
 * ```
 *
 * @example The gradient of an end by its beginning
 * ```ts
 * import { grad, index, integrate, tensor } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const end = (y0: Tensor) => index(integrate.odeint((y) => y.mul(y.sub(1)).neg(), y0, [0, 1]), -1);
 * assertTensorsClose(grad(end)(tensor(0.5)), 4 * Math.E / (1 + Math.E) ** 2, { rtol: 1e-3 });
 * ```
 */
export function odeint<Y>(
  func: (y: TensorsOf<Y>, t: Tensor) => TensorsOf<Y>,
  y0: Y & WithNumbers<Y>,
  t: TensorLike,
  options?: OdeintOptions,
): TensorsOf<Y>;
/** The same for a state that holds only tensors, or whose type is a type parameter. */
export function odeint<Y>(
  func: (y: NoInfer<Y>, t: Tensor) => NoInfer<Y>,
  y0: Y,
  t: TensorLike,
  options?: OdeintOptions,
): Y;
export function odeint<Y>(
  func: (y: TensorsOf<Y>, t: Tensor) => unknown,
  y0: Y,
  t: TensorLike,
  options?: OdeintOptions,
): TensorsOf<Y> {
  const what = "Cannot integrate";
  checkFunction(func, "odeint");
  const read = readOptions(what, options, ["rtol", "atol", "mxstep", "hmax"]);
  const { leaves, structure } = flattenTensors(y0, `${what} from this y0`);
  checkFloats(leaves, structure, `${what} from this y0`);
  const [start, unravel] = ravel(y0) as [Tensor, (x: TensorLike) => TensorsOf<Y>];
  if (start.size === 0) throw argumentError(`${what}: expected at least one number in y0`);
  const dtype = partDtype(start.dtype);
  const precise = dtype === "float64" ? 1.4e-8 : 1e-5;
  const limits = {
    rtol: checkPositive(read.rtol ?? precise, what, "rtol"),
    atol: checkPositive(read.atol ?? precise, what, "atol"),
    hmax: checkPositive(read.hmax ?? Infinity, what, "hmax"),
  };
  const maxSteps = checkLength(read.mxstep ?? 4096, what, "a number of steps as mxstep");
  const given = astype(readTimes(t, what), dtype);
  // Downwards is upwards with the other sign.
  const way = where(less(index(given, -1), index(given, 0)), -1, 1);
  const times = mul(given, astype(way, dtype));
  const slope: Slope = (y, time) => {
    const given = func(unravel(y), mul(time, astype(way, dtype)));
    const use = `${what}: func must give a tree like y0`;
    const rises = flattenTensors(given, use);
    checkSameStructure(structure, rises.structure, use);
    const other = rises.leaves.findIndex(({ shape }, i) => `${shape}` !== `${leaves[i].shape}`);
    if (other >= 0) {
      const [got, expected] = [rises, { leaves }].map(({ leaves }) => showType(leaves[other]));
      throw shapeError(`${use}, got ${got} for ${expected}`);
    }
    const [rise] = ravel(given) as [Tensor, unknown];
    return mul(astype(rise, y.dtype), astype(way, dtype));
  };
  const [t0, f0] = [index(times, 0), slope(start, index(times, 0))];
  const h0 = noGrad((y: Tensor, t: Tensor, f: Tensor) => firstStep(slope, y, t, f, limits))(
    start,
    t0,
    f0,
  );
  const still = zerosLike(start);
  const begin: State = [start, f0, t0, h0, t0, stack([start, still, still, still, still])];
  const [, later] = scan(
    (state: State, time: Tensor) => {
      const reached = whileLoop(
        // A step that moves nothing, or is not a number, is the last one.
        ([, , t, h]) => logicalAnd(less(t, time), greater(add(t, h), t)),
        (state) => stepFrom(slope, state, limits),
        state,
        { maxSteps, checkpoint: true },
      );
      const isThere = lessEqual(time, reached[2]);
      return [reached, where(isThere, valueAt(reached, time), NaN)];
    },
    begin,
    times.at([1, times.size]),
  );
  const all = concatenate([expandDims(start, 0), later as Tensor]);
  return vmap(unravel)(all) as TensorsOf<Y>;
}
