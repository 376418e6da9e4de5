/**
 * Learning-rate schedules with PyTorch's meanings, as closed forms of the number of updates done so
 * far. They compute in double precision whatever the dtype of the parameters.
 *
 * Each gives a function that takes counts of any shape, so that one call draws a whole curve.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { readOptions as readNames } from "../base/options.ts";
import { described } from "../core/description.ts";
import { fromJavaScript } from "../core/convert.ts";
import { Tensor } from "../core/tensor.ts";
import type { TensorLike } from "../core/tensor.ts";
import { greaterEqual, pow, tensor, where } from "../functions/mod.ts";
import { double } from "./count.ts";
import { checkLearningRate } from "./learning_rate.ts";
import { checkCounts, checkNotNegative, readOptions } from "./options.ts";

/**
 * A schedule that also takes numbers and counts of any shape, elementwise.
 *
 * @category Schedules
 */
export type Curve = (count: TensorLike) => Tensor;

/** A base rate in double precision. */
function baseRate(rate: number | Tensor, what: string): Tensor {
  if (typeof rate === "function") {
    throw argumentError(
      `${what} with learning rate ${describeValue(rate)}: expected a number or a scalar tensor`,
    );
  }
  checkLearningRate(rate, what);
  return rate instanceof Tensor ? rate.astype("float64") : double(rate);
}

/** A curve: the base rate and counts in double precision, put into an equation. */
function makeCurve(
  what: string,
  name: string,
  rate: number | Tensor,
  settings: object,
  equation: (base: Tensor, count: Tensor) => Tensor,
): Curve {
  const base = baseRate(rate, what);
  return described<Curve>({ name, args: [rate], settings }, (count) =>
    equation(
      base,
      // A number as such, since it is float32 as a tensor.
      count instanceof Tensor
        ? count.astype("float64")
        : fromJavaScript(count, "float64", "Cannot evaluate a schedule at this count"),
    ));
}

/**
 * The same rate at every update: η(t) = η.
 *
 * @category Schedules
 * @param rate The learning rate η: a number of at least 0, or a scalar tensor.
 * @returns The schedule.
 * @throws {ArgumentError} when the rate is negative or not finite.
 *
 * @example A rate that never changes
 * ```ts
 * import { optim } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(optim.constant(0.5)([0, 1, 2]), [0.5, 0.5, 0.5]);
 * ```
 */
export function constant(rate: number | Tensor): Curve {
  return makeCurve(
    "Cannot make a constant schedule",
    "constant",
    rate,
    {},
    (base, count) => base.broadcastTo(count.shape),
  );
}

/**
 * Options of `step`.
 *
 * @category Schedules
 */
export interface StepOptions {
  /** The number of updates between two changes. */
  readonly every: number;
  /** The factor of the rate at each change. Default 0.1. */
  readonly gamma?: number;
}

/**
 * The rate is multiplied by γ every k updates: η(t) = η γ^⌊t / k⌋; PyTorch's `StepLR`.
 *
 * @category Schedules
 * @param rate The first learning rate η: a number of at least 0, or a scalar tensor.
 * @param options How often (k) and by how much (γ).
 * @returns The schedule.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example A tenth every two updates
 * ```ts
 * import { optim } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const schedule = optim.step(1, { every: 2 });
 * assertTensorsClose(schedule([0, 1, 2, 3, 4]), [1, 1, 0.1, 0.1, 0.01]);
 * ```
 */
export function step(rate: number | Tensor, options: StepOptions): Curve {
  const what = "Cannot make a step schedule";
  const { every, gamma } = readOptions(what, options, { every: NaN, gamma: 0.1 });
  checkCounts(what, { every }, 1);
  checkNotNegative(what, { gamma });
  const settings = { every, gamma };
  return makeCurve(
    what,
    "step",
    rate,
    settings,
    (base, count) => base.mul(pow(gamma, count.div(every).floor())),
  );
}

/**
 * Options of `piecewise`.
 *
 * @category Schedules
 */
export interface PiecewiseOptions {
  /** The numbers of updates after which the rate changes; a repeated one changes it again. */
  readonly milestones: readonly number[];
  /**
   * The factor of the rate at each milestone: one factor, or one per milestone. Default 0.1.
   */
  readonly gamma?: number | readonly number[];
}

/**
 * The rate is multiplied by γ at each milestone: η(t) = η ∏ γᵢ over the milestones mᵢ ≤ t;
 * PyTorch's `MultiStepLR`, whose γ is the same for all.
 *
 * @category Schedules
 * @param rate The first learning rate η: a number of at least 0, or a scalar tensor.
 * @param options When (m) and by how much (γ).
 * @returns The schedule.
 * @throws {ArgumentError} when a milestone or a factor is out of range.
 *
 * @example Halved at the second update, then a tenth of that at the fourth
 * ```ts
 * import { optim } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const schedule = optim.piecewise(1, { milestones: [2, 4], gamma: [0.5, 0.1] });
 * assertTensorsClose(schedule([0, 1, 2, 3, 4, 5]), [1, 1, 0.5, 0.5, 0.05, 0.05]);
 * ```
 */
export function piecewise(rate: number | Tensor, options: PiecewiseOptions): Curve {
  const what = "Cannot make a piecewise schedule";
  const { milestones, gamma = 0.1 } = readNames(what, options, ["milestones", "gamma"]);
  if (!Array.isArray(milestones)) {
    throw argumentError(
      `${what} with milestones ${describeValue(milestones)}: expected a list of integers`,
    );
  }
  checkNotNegative(what, Array.isArray(gamma) ? {} : { gamma });
  const places: number[] = Array.from(milestones, (milestone, i) => {
    checkCounts(what, { [`milestones[${i}]`]: milestone }, 0);
    return milestone;
  });
  const factors: number[] = Array.from(Array.isArray(gamma) ? gamma : places, (factor, i) => {
    checkNotNegative(what, { [`gamma[${i}]`]: factor });
    return Array.isArray(gamma) ? factor : gamma;
  });
  if (factors.length !== places.length) {
    throw argumentError(
      `${what} with ${factors.length} factors for ${places.length} milestones: ` +
        `expected one factor per milestone, or one number for all`,
    );
  }
  const settings = { milestones: places, gamma };
  return makeCurve(what, "piecewise", rate, settings, (base, count) => {
    const reached = greaterEqual(count.expandDims(-1), tensor(places, { dtype: "float64" }));
    return base.mul(where(reached, tensor(factors, { dtype: "float64" }), double(1)).prod(-1));
  });
}

/**
 * Options of `exponential`.
 *
 * @category Schedules
 */
export interface ExponentialOptions {
  /** The factor of the rate at each update. */
  readonly gamma: number;
}

/**
 * The rate is multiplied by γ at every update: η(t) = η γᵗ; PyTorch's `ExponentialLR`.
 *
 * @category Schedules
 * @param rate The first learning rate η: a number of at least 0, or a scalar tensor.
 * @param options By how much (γ).
 * @returns The schedule.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example Halved every time
 * ```ts
 * import { optim } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const schedule = optim.exponential(1, { gamma: 0.5 });
 * assertTensorsClose(schedule([0, 1, 2, 3]), [1, 0.5, 0.25, 0.125]);
 * ```
 */
export function exponential(rate: number | Tensor, options: ExponentialOptions): Curve {
  const what = "Cannot make an exponential schedule";
  const { gamma } = readOptions(what, options, { gamma: NaN });
  checkNotNegative(what, { gamma });
  return makeCurve(
    what,
    "exponential",
    rate,
    { gamma },
    (base, count) => base.mul(pow(gamma, count)),
  );
}

/**
 * Options of `polynomial`.
 *
 * @category Schedules
 */
export interface PolynomialOptions {
  /** The number of updates after which the rate is the last. */
  readonly steps: number;
  /** The power p. Default 1: the rate falls along a line. */
  readonly power?: number;
  /** The last rate. Default 0. */
  readonly end?: number;
}

/**
 * The rate goes to the last one along a power of the remaining time, and stays there:
 * η(t) = (η − η′) (1 − min(t, T) / T)ᵖ + η′; PyTorch's `PolynomialLR`, whose last rate is 0, and optax's
 * `polynomial_schedule`.
 *
 * @category Schedules
 * @param rate The first learning rate η: a number of at least 0, or a scalar tensor.
 * @param options After how many updates (T), the power (p) and the last rate (η′).
 * @returns The schedule.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example A line down to zero
 * ```ts
 * import { optim } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const schedule = optim.polynomial(1, { steps: 4 });
 * assertTensorsClose(schedule([0, 1, 2, 3, 4, 5]), [1, 0.75, 0.5, 0.25, 0, 0]);
 * ```
 */
export function polynomial(rate: number | Tensor, options: PolynomialOptions): Curve {
  const what = "Cannot make a polynomial schedule";
  const { steps, power, end } = readOptions(what, options, { steps: NaN, power: 1, end: 0 });
  checkCounts(what, { steps }, 1);
  checkNotNegative(what, { power, end });
  return makeCurve(
    what,
    "polynomial",
    rate,
    { steps, power, end },
    (base, count) => base.sub(end).mul(count.minimum(steps).div(-steps).add(1).pow(power)).add(end),
  );
}

/**
 * Options of `cosine`.
 *
 * @category Schedules
 */
export interface CosineOptions {
  /** The number of updates T from the first rate to the lowest. */
  readonly steps: number;
  /** The lowest rate. Default 0. */
  readonly end?: number;
}

/**
 * The rate falls along half a cosine, and rises again after it:
 * η(t) = η₁ + (η − η₁) (1 + cos(π t / T)) / 2; PyTorch's `CosineAnnealingLR`, after
 * Loshchilov and Hutter, "SGDR: Stochastic gradient descent with warm restarts" (2017), equation 5.
 *
 * @category Schedules
 * @param rate The first and highest learning rate η: a number of at least 0, or a scalar tensor.
 * @param options The number of updates to the lowest rate (T), and that rate (η₁).
 * @returns The schedule.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example Down and up again
 * ```ts
 * import { optim } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const schedule = optim.cosine(1, { steps: 2 });
 * assertTensorsClose(schedule([0, 1, 2, 3, 4]), [1, 0.5, 0, 0.5, 1], { atol: 1e-12 });
 * ```
 */
export function cosine(rate: number | Tensor, options: CosineOptions): Curve {
  const what = "Cannot make a cosine schedule";
  const { steps, end } = readOptions(what, options, { steps: NaN, end: 0 });
  checkCounts(what, { steps }, 1);
  checkNotNegative(what, { end });
  return makeCurve(
    what,
    "cosine",
    rate,
    { steps, end },
    (base, count) => alongCosine(base, end, count.div(steps)),
  );
}

/** From `high` at progress 0 to `low` at progress 1, along half a cosine. */
function alongCosine(high: Tensor, low: number, progress: Tensor): Tensor {
  return between(high, double(low), progress);
}

/**
 * Options of `warmupCosine`.
 *
 * @category Schedules
 */
export interface WarmupCosineOptions {
  /** The number of updates W during which the rate rises. */
  readonly warmupSteps: number;
  /** The number of updates T, warm-up included, after which the rate stays at its end. */
  readonly totalSteps: number;
  /** The rate of the first update. Default 0. */
  readonly start?: number;
  /** The rate after `totalSteps` updates. Default 0. */
  readonly end?: number;
}

/**
 * The rate rises along a line, falls along half a cosine, and stays there:
 * η(t) = η₀ + (η − η₀) t / W for t < W, and after that
 * η(t) = η₁ + (η − η₁) (1 + cos(π min((t − W) / (T − W), 1))) / 2.
 *
 * @category Schedules
 * @param rate The highest learning rate η, reached after the warm-up: a number of at least 0, or a
 * scalar tensor.
 * @param options The lengths of the warm-up (W) and of the whole (T), and the first rate (η₀) and
 * the last (η₁).
 * @returns The schedule.
 * @throws {ArgumentError} when an option is out of range, or nothing is left after the warm-up.
 *
 * @example Two updates up, two down
 * ```ts
 * import { optim } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const schedule = optim.warmupCosine(1, { warmupSteps: 2, totalSteps: 4 });
 * assertTensorsClose(schedule([0, 1, 2, 3, 4, 5]), [0, 0.5, 1, 0.5, 0, 0], { atol: 1e-12 });
 * ```
 */
export function warmupCosine(rate: number | Tensor, options: WarmupCosineOptions): Curve {
  const what = "Cannot make a warmupCosine schedule";
  const defaults = { warmupSteps: NaN, totalSteps: NaN, start: 0, end: 0 };
  const { warmupSteps, totalSteps, start, end } = readOptions(what, options, defaults);
  checkCounts(what, { warmupSteps, totalSteps }, 0);
  checkNotNegative(what, { start, end });
  if (totalSteps <= warmupSteps) {
    throw argumentError(
      `${what} with totalSteps ${totalSteps}: expected more than the ${warmupSteps} of warmupSteps`,
    );
  }
  const settings = { warmupSteps, totalSteps, start, end };
  return makeCurve(what, "warmupCosine", rate, settings, (base, count) => {
    // Without a warm-up the first branch is never chosen, but must not divide by zero.
    const rising = count.mul(base.sub(start)).div(Math.max(warmupSteps, 1)).add(start);
    const progress = count.sub(warmupSteps).div(totalSteps - warmupSteps).minimum(1);
    return where(count.less(warmupSteps), rising, alongCosine(base, end, progress));
  });
}

/**
 * Options of `linear`.
 *
 * @category Schedules
 */
export interface LinearOptions {
  /** The number of updates T from the first rate to the last. */
  readonly steps: number;
  /** The rate after T updates. Default 0. */
  readonly end?: number;
}

/**
 * The rate moves along a line, and stays at its end: η(t) = η + (η₁ − η) min(t / T, 1); PyTorch's
 * `LinearLR`, optax's `linear_schedule`.
 *
 * @category Schedules
 * @param rate The first learning rate η: a number of at least 0, or a scalar tensor.
 * @param options The number of updates (T) to the last rate, and that rate (η₁).
 * @returns The schedule.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example Up in four updates
 * ```ts
 * import { optim } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const schedule = optim.linear(0, { steps: 4, end: 1 });
 * assertTensorsClose(schedule([0, 1, 2, 4, 9]), [0, 0.25, 0.5, 1, 1]);
 * ```
 */
export function linear(rate: number | Tensor, options: LinearOptions): Curve {
  const what = "Cannot make a linear schedule";
  const { steps, end } = readOptions(what, options, { steps: NaN, end: 0 });
  checkCounts(what, { steps }, 1);
  checkNotNegative(what, { end });
  return makeCurve(
    what,
    "linear",
    rate,
    { steps, end },
    (base, count) => base.add(count.div(steps).minimum(1).mul(base.neg().add(end))),
  );
}

/**
 * Options of `warmRestarts`.
 *
 * @category Schedules
 */
export interface WarmRestartsOptions {
  /** The number of updates T of the first cycle. */
  readonly steps: number;
  /** The ratio of each cycle's length to that of the one before: an integer m of at least 1. Default 1. */
  readonly growth?: number;
  /** The lowest rate. Default 0. */
  readonly end?: number;
}

/**
 * The rate falls along half a cosine again and again, from the top each time, cycles growing by a factor:
 * PyTorch's `CosineAnnealingWarmRestarts`, after Loshchilov and Hutter, "SGDR: Stochastic gradient descent
 * with warm restarts" (2017).
 *
 * @category Schedules
 * @param rate The highest learning rate: a number of at least 0, or a scalar tensor.
 * @param options The length of the first cycle (T), the factor (m), and the lowest rate.
 * @returns The schedule.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example Two updates, then four
 * ```ts
 * import { optim } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const schedule = optim.warmRestarts(1, { steps: 2, growth: 2 });
 * assertTensorsClose(schedule([0, 1, 2, 4, 6]), [1, 0.5, 1, 0.5, 1], { atol: 1e-12 });
 * ```
 */
export function warmRestarts(rate: number | Tensor, options: WarmRestartsOptions): Curve {
  const what = "Cannot make a warmRestarts schedule";
  const { steps, growth, end } = readOptions(what, options, { steps: NaN, growth: 1, end: 0 });
  checkCounts(what, { steps, growth }, 1);
  checkNotNegative(what, { end });
  return makeCurve(what, "warmRestarts", rate, { steps, growth, end }, (base, count) => {
    if (growth === 1) return alongCosine(base, end, count.div(steps).sub(count.div(steps).floor()));
    // Before cycle k lie T (mᵏ − 1) / (m − 1) updates. The logarithm may miss an exact power by rounding.
    const before = (cycle: Tensor) => pow(growth, cycle).sub(1).mul(steps / (growth - 1));
    const guess = count.mul((growth - 1) / steps).add(1).log().div(Math.log(growth)).round();
    const cycle = where(before(guess).greater(count), guess.sub(1), guess);
    const progress = count.sub(before(cycle)).div(pow(growth, cycle).mul(steps));
    return alongCosine(base, end, progress);
  });
}

/**
 * Options of `oneCycle`.
 *
 * @category Schedules
 */
export interface OneCycleOptions {
  /** The number of updates T of the whole cycle. */
  readonly steps: number;
  /** The share of the updates during which the rate rises; above 0 and below 1. Default 0.3. */
  readonly rising?: number;
  /** The divisor of the highest rate at the start. Default 25. */
  readonly startDivisor?: number;
  /** The divisor of the first rate at the end. Default 10000. */
  readonly endDivisor?: number;
}

/**
 * The rate rises along half a cosine, and falls along another one to almost nothing: PyTorch's
 * `OneCycleLR`, after Smith and Topin, "Super-convergence: Very fast training of neural networks using
 * large learning rates" (2018).
 *
 * @category Schedules
 * @param rate The highest learning rate: a number of at least 0, or a scalar tensor.
 * @param options The number of updates (T), the share of the rise, and the divisors of both ends. The last
 * update of the cycle, number T, has the last rate, and so has each after it.
 * @returns The schedule.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example Half up, half down
 * ```ts
 * import { optim } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const schedule = optim.oneCycle(1, { steps: 6, rising: 0.5, startDivisor: 4 });
 * assertTensorsClose(schedule([0, 2, 5]), [0.25, 1, 0.25e-4], { rtol: 1e-5 });
 * ```
 */
export function oneCycle(rate: number | Tensor, options: OneCycleOptions): Curve {
  const what = "Cannot make a oneCycle schedule";
  const defaults = { steps: NaN, rising: 0.3, startDivisor: 25, endDivisor: 1e4 };
  const { steps, rising, startDivisor, endDivisor } = readOptions(what, options, defaults);
  checkCounts(what, { steps }, 2);
  for (const [name, value] of Object.entries({ rising, startDivisor, endDivisor })) {
    if (value > 0 && (name !== "rising" || value < 1)) continue;
    const expected = name === "rising" ? "a number between 0 and 1" : "a number above 0";
    throw argumentError(`${what} with ${name} ${value}: expected ${expected}`);
  }
  const top = rising * steps - 1;
  const settings = { steps, rising, startDivisor, endDivisor };
  return makeCurve(what, "oneCycle", rate, settings, (base, count) => {
    const start = base.div(startDivisor);
    const falling = count.sub(top).div(steps - 1 - top).minimum(1);
    // A rise of less than an update is over at once, but must not divide by zero.
    const up = between(start, base, count.div(top > 0 ? top : 1));
    return where(count.lessEqual(top), up, between(base, start.div(endDivisor), falling));
  });
}

/** From one rate at progress 0 to the other at progress 1, along half a cosine. */
function between(first: Tensor, last: Tensor, progress: Tensor): Tensor {
  return progress.mul(Math.PI).cos().add(1).div(2).mul(first.sub(last)).add(last);
}

/**
 * One schedule after the other, each counting from its own start; optax's `join_schedules`, PyTorch's
 * `SequentialLR`.
 *
 * @category Schedules
 * @param schedules The schedules.
 * @param boundaries The numbers of updates at which the second and all later ones begin, ascending.
 * @returns The schedule.
 * @throws {ArgumentError} when there are no schedules, or not one boundary less than schedules, or the
 * boundaries do not ascend.
 *
 * @example A warm-up before a fall
 * ```ts
 * import { optim } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const up = optim.linear(0, { steps: 2, end: 1 });
 * const schedule = optim.join([up, optim.exponential(1, { gamma: 0.5 })], [2]);
 * assertTensorsClose(schedule([0, 1, 2, 3, 4]), [0, 0.5, 1, 0.5, 0.25]);
 * ```
 */
export function join(schedules: readonly Curve[], boundaries: readonly number[]): Curve {
  const what = "Cannot join schedules";
  // Holes are no schedules: findIndex sees them, every does not.
  const isList = Array.isArray(schedules) && schedules.length > 0 &&
    schedules.findIndex((schedule) => typeof schedule !== "function") < 0;
  if (!isList) {
    throw argumentError(`${what}: expected a list of schedules, got ${describeValue(schedules)}`);
  }
  const count = schedules.length - 1;
  if (!Array.isArray(boundaries) || boundaries.length !== count) {
    const got = Array.isArray(boundaries) ? `${boundaries.length}` : describeValue(boundaries);
    throw argumentError(
      `${what}: expected ${count} boundaries, one between any two schedules, got ${got}`,
    );
  }
  Array.from(boundaries).forEach((boundary, i) => {
    checkCounts(what, { [`boundary ${i}`]: boundary }, i === 0 ? 0 : boundaries[i - 1]);
  });
  const settings = { boundaries };
  return described<Curve>({ name: "join", parts: schedules, settings }, (given) => {
    const t = given instanceof Tensor
      ? given.astype("float64")
      : fromJavaScript(given, "float64", "Cannot evaluate a schedule at this count");
    return schedules.slice(1).reduce<Tensor>((rate, schedule, i) => {
      // A schedule is not evaluated before its start, where it may be undefined.
      const own = schedule(t.sub(boundaries[i]).maximum(0)).astype("float64");
      return where(t.less(boundaries[i]), rate, own);
    }, schedules[0](t).astype("float64"));
  });
}
