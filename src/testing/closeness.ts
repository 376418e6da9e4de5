/**
 * Comparison of flat arrays of numbers, in words.
 *
 * @module
 */
import type { RealDtype } from "../base/dtype.ts";
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { showShape } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";

/** How far apart numbers may be: `|actual - expected| <= atol + rtol * |expected|`. */
export interface Tolerance {
  /** Relative to the expected value. */
  readonly rtol: number;
  /** In absolute terms. */
  readonly atol: number;
  /** Whether NaN is close to nothing, instead of to NaN. */
  readonly refusesNan?: boolean;
}

/** The tolerances of each dtype when none are given: a few roundings of a short computation. */
const defaults: Readonly<Partial<Record<RealDtype, Tolerance>>> = {
  float32: { rtol: 1e-5, atol: 1e-6 },
  float64: { rtol: 1e-9, atol: 1e-12 },
  float16: { rtol: 4e-3, atol: 1e-4 },
  bfloat16: { rtol: 3e-2, atol: 1e-3 },
};

/** Those of integers and bools. */
const exact: Tolerance = { rtol: 0, atol: 0 };

/** The given tolerances, checked, and those of `dtype` in place of what is left out. */
export function readTolerance(
  what: string,
  { rtol, atol }: { readonly rtol?: number; readonly atol?: number },
  dtype: RealDtype,
): Tolerance {
  for (const [name, value] of [["rtol", rtol], ["atol", atol]] as const) {
    if (value !== undefined && !(typeof value === "number" && value >= 0)) {
      throw argumentError(
        `${what}: ${name} must be a number and not negative, got ${describeValue(value)}`,
      );
    }
  }
  const own = defaults[dtype] ?? exact;
  return { rtol: rtol ?? own.rtol, atol: atol ?? own.atol };
}

/** What is compared: as many numbers as the shape says, or one for all. */
export interface Values {
  /** Row-major. */
  readonly elements: ArrayLike<number>;
  /** The imaginary parts of complex numbers. */
  readonly imaginary?: ArrayLike<number>;
  /** How each is shown. */
  readonly show: (value: number) => string;
}

/** Whether two numbers are close; NaN to NaN, and an infinity only to itself. */
function areClose(actual: number, expected: number, tolerance: Tolerance): boolean {
  const { rtol, atol, refusesNan = false } = tolerance;
  if (actual === expected) return true;
  if (Number.isNaN(actual) && Number.isNaN(expected)) return !refusesNan;
  if (!Number.isFinite(actual) || !Number.isFinite(expected)) return false;
  return Math.abs(actual - expected) <= atol + rtol * Math.abs(expected);
}

/** An element with its imaginary part, which is 0 of a real number. */
function partsAt({ elements, imaginary }: Values, i: number): readonly [re: number, im: number] {
  return [elements[i], imaginary === undefined ? 0 : imaginary[i]];
}

/** Whether elements are close: both parts of them are, or their difference is small. */
function areCloseAt(actual: Values, expected: Values, i: number, tolerance: Tolerance): boolean {
  const [[a, b], [c, d]] = [partsAt(actual, i), partsAt(expected, i)];
  if (areClose(a, c, tolerance) && areClose(b, d, tolerance)) return true;
  if (actual.imaginary === undefined && expected.imaginary === undefined) return false;
  const { rtol, atol } = tolerance;
  return Math.hypot(a - c, b - d) <= atol + rtol * Math.hypot(c, d) && Math.hypot(c, d) < Infinity;
}

function showAt(values: Values, i: number): string {
  const { show, imaginary } = values;
  const [re, im] = partsAt(values, i).map(show);
  return imaginary === undefined ? re : `${re}${im.startsWith("-") ? "" : "+"}${im}i`;
}

/** How far apart two elements are. */
function distanceAt(actual: Values, expected: Values, i: number): number {
  const [[a, b], [c, d]] = [partsAt(actual, i), partsAt(expected, i)];
  return b === 0 && d === 0 ? distance(a, c) : Math.hypot(distance(a, c), distance(b, d));
}

/** How far apart two numbers are that are not close: at infinity, unless both are finite. */
function distance(actual: number, expected: number): number {
  const difference = Math.abs(actual - expected);
  return Number.isNaN(difference) ? Infinity : difference;
}

/**
 * How two lists of numbers differ: how many are not close, the first of them and the worst, with
 * their indices in `shape`; `null` when all are close.
 */
export function describeDifference(
  actual: Values,
  expected: Values,
  shape: Shape,
  tolerance: Tolerance,
): string | null {
  const size = actual.elements.length;
  let count = 0;
  let first = -1;
  let worst = -1;
  let most = -1;
  for (let i = 0; i < size; i++) {
    if (areCloseAt(actual, expected, i, tolerance)) continue;
    if (count++ === 0) first = i;
    const apart = distanceAt(actual, expected, i);
    if (apart > most) {
      worst = i;
      most = apart;
    }
  }
  if (count === 0) return null;
  const at = (i: number): string => shape.length === 0 ? "" : `at ${showShape(place(i, shape))} `;
  const pair = (i: number): string => `expected ${showAt(expected, i)}, got ${showAt(actual, i)}`;
  const shown = shape.length === 0
    ? "the values are not close"
    : `${count} of ${size} elements ${count === 1 ? "is" : "are"} not close`;
  const start = `${shown} (rtol ${tolerance.rtol}, atol ${tolerance.atol}): `;
  const isReal = actual.imaginary === undefined && expected.imaginary === undefined;
  const difference = `difference ${
    isReal
      ? Math.abs(actual.elements[worst] - expected.elements[worst])
      : distanceAt(actual, expected, worst)
  }`;
  if (first === worst) {
    const lead = count === 1 ? "" : "first and worst ";
    return `${start}${lead}${at(first)}${pair(first)}, ${difference}`;
  }
  return `${start}first ${at(first)}${pair(first)}; worst ${at(worst)}${
    pair(worst)
  }, ${difference}`;
}

/** The index of the element at a row-major position. */
function place(position: number, shape: Shape): number[] {
  const index: number[] = new Array(shape.length);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index[axis] = position % shape[axis];
    position = Math.floor(position / shape[axis]);
  }
  return index;
}
