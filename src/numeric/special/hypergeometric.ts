/**
 * Hypergeometric functions of doubles with real parameters, and their derivatives by all
 * parameters.
 *
 * @module
 */
import { gammaSign, isPole } from "./factorials.ts";
import { isNegligible, type Jet, Jets, valueOf } from "./jets.ts";

/** How often a function is differentiated by each parameter, followed by the argument. */
export type HypergeometricOrders = readonly number[];

/** A sum, and the ratio of its largest term to it. */
interface Sum {
  readonly value: Jet;
  readonly loss: number;
}

/** The maximum length of a series. */
const LONGEST = 5000;

/** `Σ Π(above)ₖ / Π(below)ₖ xᵏ / k!` */
function series(jets: Jets, above: readonly Jet[], below: readonly Jet[], x: number): Sum {
  let term = jets.constant(1);
  let value = term;
  let largest = 1;
  // Terms may be small, or 0, near a sign change of a factor.
  const least = Math.min(LONGEST, Math.max(2, ...[...above, ...below].map((jet) => -valueOf(jet))));
  for (let k = 0; k < LONGEST; k++) {
    let next = term;
    for (const a of above) next = jets.mul(next, jets.offset(a, k));
    for (const b of below) next = jets.div(next, jets.offset(b, k));
    term = jets.scale(next, x / (k + 1));
    value = jets.add(value, term);
    largest = Math.max(largest, Math.abs(valueOf(term)));
    if (k > least && isNegligible(term, value)) break;
    if (!Number.isFinite(valueOf(value))) break;
  }
  return { value, loss: largest / Math.abs(valueOf(value)) };
}

/** `(a)ₖ / (b)ₖ` for as many parameters, and the parameters shifted by `k`. */
function moved(jets: Jets, above: readonly Jet[], below: readonly Jet[], k: number) {
  let factor = jets.constant(1);
  for (let i = 0; i < k; i++) {
    for (const a of above) factor = jets.mul(factor, jets.offset(a, i));
    for (const b of below) factor = jets.div(factor, jets.offset(b, i));
  }
  const move = (list: readonly Jet[]) => list.map((jet) => jets.offset(jet, k));
  return { factor, above: move(above), below: move(below) };
}

/** A loss of accuracy up to this does not justify a second method. */
const SMALL_LOSS = 8;

/** The result of the first method without loss of accuracy, or of the one with the least. */
function best(ways: readonly (() => Sum)[]): Jet {
  let chosen: Sum | null = null;
  for (const way of ways) {
    const sum = way();
    if (Number.isFinite(valueOf(sum.value)) && !(chosen !== null && chosen.loss <= sum.loss)) {
      chosen = sum;
    }
    if (chosen !== null && chosen.loss <= SMALL_LOSS) break;
  }
  return (chosen ?? ways[0]()).value;
}

/**
 * A derivative of Kummer's confluent hypergeometric function `Σ (a)ₖ / (b)ₖ xᵏ / k!`. Infinite if
 * `b` is 0 or a negative integer.
 */
export function hyp1f1(
  orders: HypergeometricOrders,
): (a: number, b: number, x: number) => number {
  const jets = new Jets(orders.slice(0, 2));
  return (a, b, x) => {
    if (Number.isNaN(a + b + x)) return NaN;
    if (isPole(b)) return Infinity;
    const start = [[jets.variable(a, 0)], [jets.variable(b, 1)]] as const;
    const { factor, above, below } = moved(jets, ...start, orders[2]);
    return jets.derivative(jets.mul(factor, confluent(jets, above[0], below[0], x)));
  };
}

/** Beyond this, the asymptotic series is tried. */
const FAR = 60;

function confluent(jets: Jets, a: Jet, b: Jet, x: number): Jet {
  const rest = jets.add(b, a, -1);
  const direct = () => series(jets, [a], [b], x);
  if (x >= 0 || isPole(valueOf(a))) return direct().value;
  // Kummer's transformation (NIST Handbook, 2010, 13.2.39).
  const turned = () => {
    const { value, loss } = series(jets, [rest], [b], -x);
    return { value: jets.scale(value, Math.exp(x)), loss };
  };
  return best(x < -FAR ? [() => far(jets, a, b, -x), turned, direct] : [turned, direct]);
}

/** The asymptotic series for large negative arguments `-z` (13.7.2). */
function far(jets: Jets, a: Jet, b: Jet, z: number): Sum {
  const rest = jets.add(b, a, -1);
  if (isPole(valueOf(rest))) return { value: jets.constant(NaN), loss: Infinity };
  const second = jets.offset(jets.scale(rest, -1), 1);
  let term = jets.constant(1);
  let value = term;
  let [size, largest] = [1, 1];
  for (let k = 0; k < LONGEST; k++) {
    const next = jets.mul(jets.mul(term, jets.offset(a, k)), jets.offset(second, k));
    term = jets.scale(next, 1 / ((k + 1) * z));
    const own = Math.abs(valueOf(term));
    if (own > size && k > Math.abs(valueOf(a)) + Math.abs(valueOf(second))) break;
    size = own;
    largest = Math.max(largest, size);
    value = jets.add(value, term);
    if (isNegligible(term, value)) break;
  }
  const isExact = size <= 1e-16 * Math.abs(valueOf(value));
  const logarithm = jets.add(
    jets.add(jets.lgamma(b), jets.lgamma(rest), -1),
    a,
    -Math.log(z),
  );
  const sign = gammaSign(valueOf(b)) * gammaSign(valueOf(rest));
  return {
    value: jets.scale(jets.mul(jets.exp(logarithm), value), sign),
    loss: isExact ? largest / Math.abs(valueOf(value)) : Infinity,
  };
}

/**
 * A derivative of Gauss's hypergeometric function `Σ (a)ₖ (b)ₖ / (c)ₖ xᵏ / k!`, continued to all
 * `x < 1`. NaN beyond 1, unless it is a polynomial; infinite if `c` is 0 or a negative integer.
 */
export function hyp2f1(
  orders: HypergeometricOrders,
): (a: number, b: number, c: number, x: number) => number {
  const jets = new Jets(orders.slice(0, 3));
  return (a, b, c, x) => {
    if (Number.isNaN(a + b + c + x)) return NaN;
    if (isPole(c)) return Infinity;
    const start = [[jets.variable(a, 0), jets.variable(b, 1)], [jets.variable(c, 2)]] as const;
    const { factor, above, below } = moved(jets, ...start, orders[3]);
    return jets.derivative(jets.mul(factor, gauss(jets, above[0], above[1], below[0], x)));
  };
}

/** Up to here the power series converges fast enough. */
const NEAR = 0.5;

function gauss(jets: Jets, a: Jet, b: Jet, c: Jet, x: number): Jet {
  const direct = () => series(jets, [a, b], [c], x);
  const isPolynomial = [a, b].some((jet) =>
    isPole(valueOf(jet)) && isNegligible(jet, jets.constant(Infinity))
  );
  if ((x > 1 || x === -Infinity) && !isPolynomial) return jets.constant(NaN);
  if (x === 1 && !isPolynomial) return atOne(jets, a, b, c);
  if (x >= 0) {
    return x <= NEAR || isPolynomial
      ? direct().value
      : best([() => ({ value: stepped(jets, a, b, c, 1 - x), loss: 1 })]);
  }
  // Pfaff's transformation (NIST Handbook, 2010, 15.8.1) maps negative arguments to those below 1.
  const log = Math.log1p(-x);
  const turned = (first: Jet, second: Jet) => (): Sum => {
    const place = x / (x - 1);
    const other = jets.add(c, second, -1);
    const sum = place <= NEAR
      ? series(jets, [first, other], [c], place)
      : { value: stepped(jets, first, other, c, 1 / (1 - x)), loss: 1 };
    return { value: jets.mul(jets.exp(jets.scale(first, -log)), sum.value), loss: sum.loss };
  };
  const [low, high] = valueOf(a) <= valueOf(b) ? [a, b] : [b, a];
  const ways = [turned(low, high), turned(high, low)];
  return best(x >= -NEAR ? [direct, ...ways] : isPolynomial ? [...ways, direct] : ways);
}

/** Gauss's sum, if it converges (15.4.20). */
function atOne(jets: Jets, a: Jet, b: Jet, c: Jet): Jet {
  const [first, second] = [a, b].map((jet) => jets.add(c, jet, -1));
  const rest = jets.add(first, b, -1);
  if (!(valueOf(rest) > 0)) return jets.constant(Infinity);
  const logarithm = jets.add(
    jets.add(jets.lgamma(c), jets.lgamma(rest)),
    jets.add(jets.lgamma(first), jets.lgamma(second)),
    -1,
  );
  if (isPole(valueOf(first)) || isPole(valueOf(second))) return jets.constant(0);
  const sign = [c, rest, first, second].reduce<number>(
    (sign, jet) => sign * gammaSign(valueOf(jet)),
    1,
  );
  return jets.scale(jets.exp(logarithm), sign);
}

/**
 * From 1/2 on by power series of the solution of the differential equation (15.10.1), each around a point
 * that is half as far from 1 as the one before, down to `goal`.
 */
function stepped(jets: Jets, a: Jet, b: Jet, c: Jet, goal: number): Jet {
  let distance = 1 - NEAR;
  let value = series(jets, [a, b], [c], NEAR).value;
  const next = moved(jets, [a, b], [c], 1);
  const [upA, upB] = next.above;
  let slope = jets.mul(next.factor, series(jets, [upA, upB], next.below, NEAR).value);
  const sum = jets.offset(jets.add(a, b), 1);
  while (distance > goal) {
    const step = Math.min(distance - goal, distance / 2);
    const place = 1 - distance;
    const inside = jets.add(c, sum, -place);
    const divisor = place * distance;
    // Terms of the value, and of the slope times the step.
    let [before, term] = [value, jets.scale(slope, step)];
    let [total, rise] = [jets.add(value, term), term];
    for (let k = 0; k < 400; k++) {
      const first = jets.scale(
        jets.mul(jets.offset(inside, (distance - place) * k), term),
        -step / (divisor * (k + 2)),
      );
      const second = jets.scale(
        jets.mul(jets.mul(jets.offset(a, k), jets.offset(b, k)), before),
        step * step / (divisor * (k + 1) * (k + 2)),
      );
      [before, term] = [term, jets.add(first, second)];
      total = jets.add(total, term);
      rise = jets.add(rise, term, k + 2);
      if (!Number.isFinite(valueOf(rise))) return rise;
      if (k > 4 && isNegligible(term, rise, k + 2) && isNegligible(before, rise, k + 2)) break;
    }
    value = total;
    slope = jets.scale(rise, 1 / step);
    distance = Math.max(goal, distance - step);
  }
  return value;
}
