/**
 * How far to go along a line.
 *
 * @module
 */
import type { Tensor } from "../core/tensor.ts";
import { whileLoop } from "../control/while_loop.ts";
import { add, astype, dot, isnan, logicalAnd, logicalNot, logicalOr } from "../functions/mod.ts";
import { maximum, minimum, mul, tensor, where } from "../functions/mod.ts";

/** A function's value and gradient, of vectors. */
export type Objective = (x: Tensor) => readonly [value: Tensor, gradient: Tensor];

/** How much of the slope a step has to go down, and how much of it may be left at its end. */
const [LEAST_DESCENT, MOST_SLOPE] = [1e-4, 0.9];

/** Up to which share of the value two values are taken for one where the slope tells more. */
const SAME_VALUE = 1e-6;

/** An interval that is not searched further, once it has a step that goes down. */
const SHORTEST = 1e-5;

/** What is known of a step: how long it is, the value at its end, and the slope there. */
type Place = readonly [step: Tensor, value: Tensor, slope: Tensor];

/** One place or the other. */
function choose<T extends readonly Tensor[]>(condition: Tensor, a: T, b: T): T {
  return a.map((x, i) => where(condition, x, b[i])) as unknown as T;
}

/** Where the cubic through two places and the value at a third step, or else a parabola, is least. */
function between([low, a, slope]: Place, [high, b]: Place, [third, c]: readonly Tensor[]): Tensor {
  const [db, dc] = [high.sub(low), third.sub(low)];
  const [rb, rc] = [b.sub(a).sub(slope.mul(db)), c.sub(a).sub(slope.mul(dc))];
  const scale = db.mul(dc).square().mul(db.sub(dc));
  const [db2, dc2] = [db.square(), dc.square()];
  const first = rb.mul(dc2).sub(rc.mul(db2)).div(scale);
  const second = rc.mul(db2).mul(db).sub(rb.mul(dc2).mul(dc)).div(scale);
  const root = second.square().sub(first.mul(slope).mul(3)).sqrt();
  const cubic = low.add(root.sub(second).div(first.mul(3)));
  const parabola = low.sub(slope.div(rb.div(db2).mul(2)));
  const [left, right] = [minimum(low, high), maximum(low, high)];
  const isInside = (x: Tensor, margin: number) => {
    const gap = right.sub(left).mul(margin);
    return logicalAnd(x.greater(left.add(gap)), x.less(right.sub(gap)));
  };
  const middle = where(isInside(parabola, 0.1), parabola, low.add(high).mul(0.5));
  return where(isInside(cubic, 0.2), cubic, middle);
}

/**
 * A step along `direction` that goes down far enough and leaves the slope flat enough (strong Wolfe conditions),
 * by doubling until an interval has such steps, then by interpolation within it: J. Nocedal and S. J. Wright,
 * "Numerical Optimization", 2nd edition, 2006, algorithms 3.5 and 3.6, as optax does it. Close to a minimum
 * slopes decide, not values (W. W. Hager and H. Zhang, "Algorithm 851", 2006). Where `most` points are not
 * enough, the step is the best that goes down, or the last.
 *
 * @returns The step, the value and the gradient at its end, whether it goes down, and the number of points
 * looked at.
 */
export function searchLine(
  objective: Objective,
  x: Tensor,
  direction: Tensor,
  [value, gradient]: readonly [Tensor, Tensor],
  { first, most }: { readonly first: Tensor; readonly most: number },
): readonly [step: Tensor, value: Tensor, gradient: Tensor, goesDown: Tensor, count: Tensor] {
  const cast = (y: Tensor) => astype(y, x.dtype);
  const zero = tensor(0, { dtype: x.dtype });
  const start: Place = [zero, cast(value), dot(gradient, direction)];
  const [, value0, slope0] = start;
  const orInfinite = (excess: Tensor) => where(isnan(excess), Infinity, excess);
  const missedDescent = ([step, at, slope]: Place): Tensor => {
    const rise = at.sub(value0);
    const byValue = rise.sub(step.mul(slope0).mul(LEAST_DESCENT));
    const isSame = rise.sub(value0.abs().mul(SAME_VALUE));
    const bySlope = maximum(slope.sub(slope0.mul(2 * LEAST_DESCENT - 1)), isSame);
    return orInfinite(minimum(bySlope, byValue));
  };
  const end = whileLoop(
    ({ isDone, count }) => logicalAnd(logicalNot(isDone), count.less(most)),
    ({ count, last, hasInterval, low, high, third, safe, safeGradient }) => {
      const further = where(count.equal(0), first, last[0].mul(2));
      const step = where(hasInterval, between(low, high, third), further);
      const [at, gradient] = objective(add(x, mul(step, direction)));
      const now: Place = [step, cast(at), dot(gradient, direction)];
      const [, nowValue, slope] = now;
      const missed = missedDescent(now);
      const isLow = missed.lessEqual(0);
      const isFlat = slope.abs().lessEqual(slope0.abs().mul(MOST_SLOPE));
      const isGood = logicalAnd(isLow, isFlat);
      // Within the interval: its lower end is the best place so far.
      const tooFar = logicalOr(logicalNot(isLow), nowValue.greaterEqual(low[1]));
      const turns = logicalAnd(
        logicalNot(tooFar),
        slope.mul(high[0].sub(low[0])).greaterEqual(0),
      );
      const innerHigh = choose(tooFar, now, choose(turns, low, high));
      const innerLow = choose(tooFar, low, now);
      const innerThird = choose(
        logicalOr(tooFar, turns),
        [high[0], high[1]] as const,
        [low[0], low[1]] as const,
      );
      // Before there is one.
      const isOver = logicalOr(
        logicalNot(isLow),
        logicalAnd(nowValue.greaterEqual(last[1]), count.greater(0)),
      );
      const isPast = logicalAnd(slope.greaterEqual(0), logicalNot(isOver));
      const outerLow = choose(isPast, now, last);
      const outerHigh = choose(isPast, last, now);
      const outerThird = [outerLow[0], outerLow[1]] as const;
      const isSafer = logicalAnd(
        isLow,
        logicalOr(logicalNot(hasInterval), nowValue.less(safe[1])),
      );
      const nextSafe = choose(isSafer, now, safe);
      const isShort = logicalAnd(
        hasInterval,
        logicalAnd(high[0].sub(low[0]).abs().lessEqual(SHORTEST), nextSafe[0].greater(0)),
      );
      const nextCount = count.add(1);
      const fails = logicalAnd(
        logicalNot(isGood),
        logicalOr(nextCount.greaterEqual(most), isShort),
      );
      const falls = logicalAnd(
        fails,
        logicalOr(nextSafe[0].greater(0), missed.equal(Infinity)),
      );
      const nextGradient = where(isSafer, gradient, safeGradient);
      return {
        count: nextCount,
        last: choose(falls, nextSafe, now),
        goesDown: where(falls, nextSafe[0].greater(0), isLow),
        gradient: where(falls, nextGradient, gradient),
        isDone: logicalOr(isGood, fails),
        hasInterval: logicalOr(hasInterval, logicalOr(isOver, isPast)),
        low: choose(hasInterval, innerLow, outerLow),
        high: choose(hasInterval, innerHigh, outerHigh),
        third: choose(hasInterval, innerThird, outerThird),
        safe: nextSafe,
        safeGradient: nextGradient,
      };
    },
    {
      count: tensor(0, { dtype: "int32" }),
      last: start,
      gradient,
      isDone: tensor(false),
      goesDown: tensor(false),
      hasInterval: tensor(false),
      low: start,
      high: start,
      third: [zero, value0] as readonly [Tensor, Tensor],
      safe: start,
      safeGradient: gradient,
    },
  );
  return [end.last[0], end.last[1], end.gradient, end.goesDown, end.count];
}
