/**
 * One gamma distributed number from one key: G. Marsaglia and W. W. Tsang, "A simple method for
 * generating gamma variables" (2000), in the order in which JAX draws its random words.
 *
 * Uniform and normal numbers have the resolution of the requested dtype; all other steps are in
 * double precision.
 *
 * @module
 */
import { erfinv } from "./special.ts";
import { threefry2x32 } from "./threefry.ts";

/** A key: two words of 32 bits. */
type Key = readonly [high: number, low: number];

/** Multiples of 2^-23 or 2^-52 from 0 to 1. */
type Uniform = (key: Key) => number;

/**
 * A number that is gamma distributed with unit scale and this concentration, or its logarithm with
 * `logSpace`, which for small concentrations stays finite where the number itself underflows. NaN
 * for a concentration that is negative or NaN.
 *
 * @param isDouble Whether the random words are those of a float64 instead of a float32.
 */
export function sampleGamma(
  high: number,
  low: number,
  concentration: number,
  logSpace: boolean,
  isDouble: boolean,
): number {
  if (!(concentration >= 0)) return NaN;
  if (concentration === Infinity) return Infinity;
  const uniform = isDouble ? uniformDouble : uniformSingle;
  const key: Key = [high, low];
  // A concentration below 1 is raised by 1; a power of a uniform number corrects for it.
  const isSmall = concentration < 1;
  const d = (isSmall ? concentration + 1 : concentration) - 1 / 3;
  const t = acceptedStep(child(key, 0), d, uniform, isDouble);
  const power = isSmall ? logBoost(child(key, 1), concentration, uniform) : 0;
  if (logSpace) return Math.log(d) + 3 * Math.log1p(t) + power;
  const cube = (1 + t) * (1 + t) * (1 + t);
  return isSmall ? d * cube * Math.exp(power) : d * cube;
}

/** `log (U^(1 / a))` for uniform `U` above 0. */
function logBoost(key: Key, concentration: number, uniform: Uniform): number {
  const log = Math.log1p(-uniform(key));
  return log === 0 ? 0 : log / concentration;
}

/** `t` such that `d (1 + t)³` is gamma distributed with concentration `d + 1/3`. */
function acceptedStep(key: Key, d: number, uniform: Uniform, isDouble: boolean): number {
  const c = 1 / (3 * Math.sqrt(d));
  let next = key;
  while (true) {
    const [own, uniformKey] = [child(next, 1), child(next, 2)];
    next = child(next, 0);
    const x = positiveStep(own, c, uniform, isDouble);
    const u = uniform(uniformKey);
    const square = x * x;
    if (u < 1 - 0.0331 * square * square) return c * x;
    // The paper's x²/2 + d (1 - v + log v), without the terms that cancel.
    if (Math.log(u) < 3 * d * logRest(c * x)) return c * x;
  }
}

/** A normal number `x` with `1 + c x > 0`. */
function positiveStep(key: Key, c: number, uniform: Uniform, isDouble: boolean): number {
  let next = key;
  while (true) {
    const x = normal(uniform(child(next, 1)), isDouble);
    if (1 + c * x > 0) return x;
    next = child(next, 0);
  }
}

/** `log(1 + t) - t + t²/2 - t³/3`. */
function logRest(t: number): number {
  if (Math.abs(t) > 0.25) return Math.log1p(t) - t + t * t / 2 - t * t * t / 3;
  let power = -t * t * t * t;
  let sum = power / 4;
  for (let k = 5; Math.abs(power) > 1e-17 * Math.abs(sum); k++) {
    power *= -t;
    sum += power / k;
  }
  return sum;
}

/** The normal number with the same rank as `u` between -1 and 1, from `u` between 0 and 1. */
function normal(u: number, isDouble: boolean): number {
  const low = -1 + (isDouble ? 2 ** -53 : 2 ** -24);
  const centred = 2 * u + low;
  return Math.SQRT2 * erfinv(isDouble ? centred : Math.fround(centred));
}

function uniformSingle(key: Key): number {
  const [high, low] = child(key, 0);
  return ((high ^ low) >>> 9) * 2 ** -23;
}

function uniformDouble(key: Key): number {
  const [high, low] = child(key, 0);
  return high * 2 ** -32 + (low >>> 12) * 2 ** -52;
}

/** One of the keys that a key splits into, together with the random words of one of its elements. */
function child(key: Key, index: number): Key {
  return threefry2x32(key[0], key[1], 0, index);
}
