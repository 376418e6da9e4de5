/**
 * Rules of the LU factorisation and of systems solved by it: elimination as in `numeric/linalg/lu.ts`,
 * with one step for each pivot that updates whole matrices, for all of the batch at once.
 *
 * Source: J. H. Wilkinson, "Error analysis of direct methods of matrix inversion", 1961 (complete
 * pivoting).
 *
 * @module
 */
import { TINY_PIVOT } from "../primitives/lu.ts";
import type { LuParams, LuSolveParams } from "../primitives/lu.ts";
import type { Builder } from "./builder.ts";
import {
  asMatrices,
  asResult,
  COLUMNS,
  filled,
  partOf,
  placesIn,
  reduceAlong,
  reordered,
  ROWS,
  standing,
  stretch,
  sumAlong,
  withPart,
} from "./matrices.ts";
import type { Context } from "./rule.ts";
import type { Value } from "./writer.ts";

type Args = readonly Value[];

/**
 * The position of the largest of some magnitudes `[count, n]`, `[count, 1]`, the first of several. The
 * evaluator's comparison restarts after NaN, unless that is the last element.
 */
function placeOfLargest(b: Builder, magnitudes: Value, isLeft: Value): Value {
  const length = magnitudes.shape[1];
  const places = placesIn(b, magnitudes, 1);
  const isNan = b.isNan(magnitudes);
  const failed = b.select(b.and(isNan, isLeft), places, -1);
  const last = b.min(reduceAlong(b, "stablehlo.maximum", failed, -1, 1), length - 2);
  const isCandidate = b.and(isLeft, b.compare("GT", places, stretch(b, last, places)));
  const known = b.select(isNan, Infinity, magnitudes);
  const candidates = b.select(isCandidate, known, -1);
  const largest = reduceAlong(b, "stablehlo.maximum", candidates, -1, 1);
  const isLargest = b.compare("EQ", candidates, stretch(b, largest, candidates));
  return reduceAlong(b, "stablehlo.minimum", b.select(isLargest, places, length), length, 1);
}

/** The order of `[count, n]` elements when those at two positions are exchanged. */
function exchange(b: Builder, places: Value, here: Value, there: Value): Value {
  const [first, second] = [here, there].map((place) => stretch(b, place, places));
  return b.select(
    b.compare("EQ", places, first),
    second,
    b.select(b.compare("EQ", places, second), first, places),
  );
}

function lu(b: Builder, [a]: Args, { params: { pivoting }, types }: Context<LuParams>): Args {
  if (a.shape.includes(0)) return types.map((type, i) => b.splat(i === 4 ? 1 : 0, type));
  const whole = asMatrices(b, a);
  const [count, n] = whole.shape;
  const places = placesIn(b, { dtype: "int32", shape: [count, n] }, 1);
  const initial = [
    whole,
    b.splat(0, whole),
    places,
    places,
    filled(b, 1, "float64", [count, 1]),
  ];
  const isComplete = pivoting === "complete";
  const [upper, ...others] = b.repeat(n, initial, (k, [u, l, rows, columns, sign]) => {
    const sizes = b.abs(isComplete ? u : partOf(b, u, COLUMNS, k));
    const isBelow = standing(b, sizes, ROWS, "GE", k);
    const isLeft = isComplete ? b.and(isBelow, standing(b, sizes, COLUMNS, "GE", k)) : isBelow;
    const flat = [count, isComplete ? n * n : n];
    const place = placeOfLargest(b, b.reshape(sizes, flat), b.reshape(isLeft, flat));
    const here = stretch(b, k, place);
    const exchanged = (x: Value, there: Value, axis: number) =>
      reordered(b, x, exchange(b, places, here, there), axis);
    const row = isComplete ? b.div(place, n) : place;
    let [turned, turnedColumns] = [exchanged(u, row, ROWS), columns];
    let flips = b.compare("NE", row, here);
    if (isComplete) {
      const column = b.elementwise("stablehlo.remainder", place, n);
      turned = exchanged(turned, column, COLUMNS);
      turnedColumns = exchanged(columns, column, 1);
      flips = b.elementwise("stablehlo.xor", flips, b.compare("NE", column, here));
    }
    const top = partOf(b, turned, ROWS, k);
    const side = partOf(b, turned, COLUMNS, k);
    const head = stretch(b, partOf(b, top, COLUMNS, k), side);
    // If the largest element is 0, all remaining elements are.
    const quotient = b.select(b.compare("EQ", head, 0), 0, b.div(side, head));
    const factor = b.select(standing(b, side, ROWS, "GT", k), quotient, 0);
    const update = b.sub(turned, b.mul(stretch(b, factor, turned), stretch(b, top, turned)));
    const isLower = standing(b, turned, ROWS, "GT", k);
    const cleared = b.select(standing(b, turned, COLUMNS, "EQ", k), 0, update);
    const isUpdated = b.and(isLower, standing(b, turned, COLUMNS, "GE", k));
    const unit = b.select(standing(b, side, ROWS, "EQ", k), 1, factor);
    return [
      b.select(isUpdated, cleared, turned),
      withPart(b, exchanged(l, row, ROWS), unit, COLUMNS, k),
      exchanged(rows, row, 1),
      turnedColumns,
      b.select(flips, b.neg(sign), sign),
    ];
  });
  const factor = isComplete ? withTinyPivots(b, upper, TINY_PIVOT[a.dtype as "float32"]) : upper;
  const [lower, rows, columns, sign] = others;
  return [lower, factor, rows, columns, sign].map((x, i) => asResult(b, x, types[i]));
}

/**
 * Factors in which pivots of 0, except the last, are replaced by `tiny` times the first pivot, which
 * may itself be replaced.
 */
function withTinyPivots(b: Builder, u: Value, tiny: number): Value {
  const n = u.shape[1];
  const first = b.abs(b.slice(u, [0, 0, 0], [u.shape[0], 1, 1]));
  const isFirst = b.compare("EQ", placesIn(b, u, ROWS), 0);
  const ofZero = b.select(isFirst, b.splat(1, u), tiny);
  const ahead = stretch(b, first, u);
  const stand = b.mul(b.select(b.compare("EQ", ahead, 0), ofZero, ahead), tiny);
  const isPivot = b.compare("EQ", placesIn(b, u, ROWS), placesIn(b, u, COLUMNS));
  const isInner = b.and(isPivot, b.compare("LT", placesIn(b, u, ROWS), n - 1));
  return b.select(b.and(isInner, b.compare("EQ", u, 0)), stand, u);
}

/** How a triangle is used, as in `numeric/linalg/triangular.ts`. */
interface Triangle {
  readonly lower: boolean;
  readonly transpose: boolean;
  readonly unitDiagonal: boolean;
}

/**
 * Solutions of systems with a triangle, one unknown after the other: XLA's own operation multiplies by
 * inverses of blocks, which makes all of the unknowns infinite if one pivot is 0.
 */
function solveTriangle(b: Builder, a: Value, right: Value, how: Triangle): Value {
  const n = a.shape[1];
  const isForward = how.lower !== how.transpose;
  const [solved] = b.repeat(n, [right], (step, [x]) => {
    const i = isForward ? step : b.sub(b.scalar(n - 1, "int32"), step);
    const row = how.transpose
      ? partOf(b, a, COLUMNS, i)
      : b.transpose(partOf(b, a, ROWS, i), [0, 2, 1]);
    const isKnown = standing(b, x, ROWS, isForward ? "LT" : "GT", i);
    const terms = b.select(isKnown, b.mul(stretch(b, row, x), x), 0);
    const rest = b.sub(partOf(b, x, ROWS, i), sumAlong(b, terms, ROWS));
    const pivot = partOf(b, partOf(b, a, ROWS, i), COLUMNS, i);
    const unknown = how.unitDiagonal ? rest : b.div(rest, stretch(b, pivot, rest));
    return [withPart(b, x, unknown, ROWS, i)];
  });
  return solved;
}

function luSolve(
  b: Builder,
  [, l, u, rows, columns, right]: Args,
  { params: { transpose }, types: [type] }: Context<LuSolveParams>,
): Args {
  if (right.shape.includes(0)) return [right];
  const [lower, upper, given] = [l, u, right].map((x) => asMatrices(b, x));
  const [count, n] = lower.shape;
  const [from, to] = (transpose ? [columns, rows] : [rows, columns])
    .map((order) => b.reshape(order, [count, n]));
  let x = reordered(b, given, from, ROWS);
  for (const isLower of [!transpose, transpose]) {
    const triangle = { lower: isLower, transpose, unitDiagonal: isLower };
    x = solveTriangle(b, isLower ? lower : upper, x, triangle);
  }
  return [asResult(b, reordered(b, x, inverseOrder(b, to), ROWS), type)];
}

/** The inverse of an order `[count, n]`. */
function inverseOrder(b: Builder, order: Value): Value {
  const [count, n] = order.shape;
  const type = { dtype: "int32", shape: [count, n, n] } as const;
  const spread = b.broadcast(order, type, [0, 2]);
  const isThere = b.compare("EQ", spread, placesIn(b, type, ROWS));
  return b.reduceBy("stablehlo.add", b.select(isThere, placesIn(b, type, COLUMNS), 0), 0, [2]);
}

/** The rules, by primitive. */
export const elimination = { lu, luSolve } as const;
