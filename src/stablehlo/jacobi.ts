/**
 * Eigenvalues and singular values by rotations of pairs of rows, which are computed and applied to all
 * pairs of a round at once. This suits devices with many lanes.
 *
 * Source: C. G. J. Jacobi, "Über ein leichtes Verfahren, die in der Theorie der Säcularstörungen
 * vorkommenden Gleichungen numerisch aufzulösen", 1846 (symmetric matrices); M. R. Hestenes, "Inversion
 * of matrices by biorthogonalization and related results", 1958 (singular values); R. P. Brent and
 * F. T. Luk, "The solution of singular-value and symmetric eigenvalue problems on multiprocessor
 * arrays", 1985 (rounds of disjoint pairs).
 *
 * @module
 */
import type { Builder } from "./builder.ts";
import { binadeOf } from "./elementwise.ts";
import {
  asMatrices,
  asResult,
  COLUMNS,
  identity,
  placesIn,
  productOf,
  reduceAlong,
  reordered,
  ROWS,
  stretch,
  sumAlong,
} from "./matrices.ts";
import { factorizeQr } from "./orthogonal.ts";
import type { Context } from "./rule.ts";
import type { Value } from "./writer.ts";

type Args = readonly Value[];

/** Sums and differences of doubles are exact to this fraction. */
const EPSILON = 2 ** -52;

/** The maximum number of rounds of all pairs; about ten are needed, and a few more for graded matrices. */
const MOST_SWEEPS = 40;

/** From this ratio of rows to columns on, a QR factorisation in advance saves work (T. Chan, 1982). */
const TALL = 1.6;

/** The cosines and sines of rotations. */
type Turn = readonly [cosine: Value, sine: Value];

/** The halves of matrices along an axis: the first and the second of each pair. */
function halves(b: Builder, x: Value, axis: number): readonly [Value, Value] {
  const half = x.shape[axis] / 2;
  const zeros = x.shape.map(() => 0);
  return [
    b.slice(x, zeros, x.shape.map((n, i) => i === axis ? half : n)),
    b.slice(x, zeros.map((_, i) => i === axis ? half : 0), x.shape),
  ];
}

/** Rows or columns in the pairs of the next round: all except the first move by one position. */
function nextRound(b: Builder, first: Value, second: Value, axis: number): Value {
  const half = first.shape[axis];
  if (half === 1) return b.concatenate([first, second], axis);
  const part = (x: Value, from: number, to: number) =>
    b.slice(
      x,
      x.shape.map((_, i) => i === axis ? from : 0),
      x.shape.map((n, i) => i === axis ? to : n),
    );
  return b.concatenate([
    part(first, 0, 1),
    part(second, 0, 1),
    part(first, 1, half - 1),
    part(second, 1, half),
    part(first, half - 1, half),
  ], axis);
}

/** Rotates the pairs of rows, or columns, and permutes them to the order of the next round. */
function turnPairs(b: Builder, x: Value, turn: Turn, axis: number): Value {
  const [first, second] = halves(b, x, axis);
  const [c, s] = turn.map((one) =>
    stretch(b, axis === ROWS ? one : b.transpose(one, [0, 2, 1]), first)
  );
  return nextRound(
    b,
    b.sub(b.mul(c, first), b.mul(s, second)),
    b.add(b.mul(s, first), b.mul(c, second)),
    axis,
  );
}

/** The smaller rotation that makes `inner` 0, of pairs with `first` and `second` on the diagonal. */
function turnOf(b: Builder, first: Value, inner: Value, second: Value): Turn {
  const isDone = b.compare("EQ", inner, 0);
  const ratio = b.div(b.sub(second, first), b.mul(b.select(isDone, 1, inner), 2));
  const size = b.abs(ratio);
  const root = b.elementwise("stablehlo.sqrt", b.add(b.mul(ratio, ratio), 1));
  const smaller = b.div(1, b.add(size, root));
  const tangent = b.select(b.compare("LT", ratio, 0), b.neg(smaller), smaller);
  const t = b.select(isDone, 0, tangent);
  const cosine = b.div(1, b.elementwise("stablehlo.sqrt", b.add(b.mul(t, t), 1)));
  return [cosine, b.mul(t, cosine)];
}

/** Sweeps until one returns a flag that it was the last, or their maximum number is reached. */
function sweep(
  b: Builder,
  initial: Args,
  body: (values: Args) => readonly [values: Args, isLast: Value],
): Args {
  const results = b.while(
    [b.scalar(0, "int32"), b.scalar(0, "bool"), ...initial],
    ([count, isLast]) => b.and(b.compare("LT", count, MOST_SWEEPS), b.not(isLast)),
    ([count, , ...values]) => {
      const [next, isLast] = body(values);
      return [b.add(count, 1), isLast, ...next];
    },
  );
  return results.slice(2);
}

/** Which matrices `[count, 1, 1]` have only finite elements. */
function finiteOnes(b: Builder, x: Value): Value {
  const isFinite = b.compare("LT", b.abs(x), Infinity);
  return b.reshape(b.reduceBy("stablehlo.and", isFinite, 1, [1, 2]), [x.shape[0], 1, 1]);
}

/**
 * The largest power of two not above the largest magnitude of each matrix, 1 for zeros; its inverse is
 * normal.
 */
function scaleOf(b: Builder, x: Value): Value {
  const most = reduceAlong(
    b,
    "stablehlo.maximum",
    reduceAlong(b, "stablehlo.maximum", b.abs(x), 0, ROWS),
    0,
    COLUMNS,
  );
  return b.select(b.compare("EQ", most, 0), 1, b.min(binadeOf(b, most), 2 ** 1022));
}

/** Matrices with a row or column of zeros appended if their number is odd. */
function madeEven(b: Builder, x: Value, axes: readonly number[]): Value {
  const high = x.shape.map((n, i) => axes.includes(i) ? n % 2 : 0);
  const none = high.map(() => 0);
  if (high.every((n) => n === 0)) return x;
  return b.pad(x, b.scalar(0, x.dtype), { low: none, high, interior: none });
}

/** The first rows and columns. */
function cut(b: Builder, x: Value, rows: number, columns: number): Value {
  return b.slice(x, [0, 0, 0], [x.shape[0], rows, columns]);
}

/** The order that sorts keys `[count, n]`, stable. */
function orderOf(b: Builder, keys: Value, direction: "LT" | "GT"): Value {
  const places = b.iota({ dtype: "int32", shape: keys.shape }, 1);
  const types = [keys, keys, places, places].map(({ dtype }) => ({ dtype, shape: [] }));
  return b.generic(
    "stablehlo.sort",
    [keys, places],
    "dimension = 1 : i64, is_stable = true",
    [keys, places],
    [{
      types,
      isIsolated: true,
      write: ([first, second]) => [b.compare(direction, first, second)],
    }],
  )[1];
}

/** The signs `[count, n, 1]` that make the first of the largest elements of each row positive. */
function signsOf(b: Builder, x: Value): Value {
  const sizes = b.abs(x);
  const largest = reduceAlong(b, "stablehlo.maximum", sizes, 0, COLUMNS);
  const isLarge = b.compare("GE", sizes, stretch(b, b.mul(largest, 1 - 1e-6), x));
  const places = placesIn(b, x, COLUMNS);
  const end = x.shape[COLUMNS];
  const first = reduceAlong(b, "stablehlo.minimum", b.select(isLarge, places, end), end, COLUMNS);
  const isFirst = b.compare("EQ", places, stretch(b, first, places));
  const value = sumAlong(b, b.select(isFirst, x, 0), COLUMNS);
  return b.select(b.compare("LT", value, 0), b.splat(-1, value), 1);
}

/** Results with NaN if the matrix had elements that are not finite. */
function orNan(b: Builder, x: Value, isFinite: Value): Value {
  return b.select(stretch(b, isFinite, x), x, NaN);
}

function transposed(b: Builder, x: Value): Value {
  return b.transpose(x, [0, 2, 1]);
}

/** The diagonal of square matrices `[count, n, n]` as a column. */
function diagonalOf(b: Builder, x: Value): Value {
  const isPivot = b.compare("EQ", placesIn(b, x, ROWS), placesIn(b, x, COLUMNS));
  return sumAlong(b, b.select(isPivot, x, 0), COLUMNS);
}

/**
 * Eigenvalues and eigenvectors. Rotations from both sides make the matrix diagonal. The last sweep is
 * the one that begins when the off-diagonal elements are negligible: it refines small eigenvalues.
 */
function eigh(b: Builder, [a]: Args, { types }: Context<null>): Args {
  if (a.shape.includes(0)) return types.map((type) => b.splat(0, type));
  const given = asMatrices(b, a);
  const [count, n] = given.shape;
  const isLower = b.compare("GE", placesIn(b, given, ROWS), placesIn(b, given, COLUMNS));
  const lower = b.select(isLower, given, 0);
  const isFinite = finiteOnes(b, lower);
  const known = b.select(isLower, lower, transposed(b, lower));
  const safe = b.select(stretch(b, isFinite, known), known, 0);
  const scale = scaleOf(b, safe);
  const whole = madeEven(b, b.div(safe, stretch(b, scale, safe)), [ROWS, COLUMNS]);
  const size = whole.shape[ROWS];
  const limit = b.mul(squaresOf(b, whole), EPSILON * EPSILON * n);
  const isPivot = b.compare("EQ", placesIn(b, whole, ROWS), placesIn(b, whole, COLUMNS));
  const [values, vectors] = sweep(
    b,
    [whole, identity(b, count, size, size)],
    ([x, v]) => {
      const isNear = b.all(b.compare("LE", squaresOf(b, b.select(isPivot, 0, x)), limit));
      const turned = b.repeat(size - 1, [x, v], (_i, [x, v]) => {
        const [top, bottom] = halves(b, x, ROWS);
        const [first, inner] = halves(b, top, COLUMNS).map((block) => diagonalOf(b, block));
        const second = diagonalOf(b, halves(b, bottom, COLUMNS)[1]);
        const turn = turnOf(b, first, inner, second);
        return [
          turnPairs(b, turnPairs(b, x, turn, ROWS), turn, COLUMNS),
          turnPairs(b, v, turn, ROWS),
        ];
      });
      return [turned, isNear];
    },
  );
  const w = cut(b, diagonalOf(b, values), n, 1);
  const rows = cut(b, vectors, n, n);
  const order = orderOf(b, b.reshape(w, [count, n]), "LT");
  const sorted = reordered(b, rows, order, ROWS);
  const signed = b.mul(sorted, stretch(b, signsOf(b, sorted), sorted));
  const sizes = reordered(b, b.mul(w, stretch(b, scale, w)), order, ROWS);
  return [sizes, transposed(b, signed)]
    .map((x, i) => asResult(b, orNan(b, x, isFinite), types[i]));
}

/** The sums `[count, 1, 1]` of the squares of all elements. */
function squaresOf(b: Builder, x: Value): Value {
  return sumAlong(b, sumAlong(b, b.mul(x, x), COLUMNS), ROWS);
}

/**
 * Singular values and vectors. Rotations make the columns of the matrix orthogonal. The columns are
 * stored as rows, followed by the product of the rotations. The last sweep is the first that finds all
 * pairs orthogonal.
 */
function svd(b: Builder, [a]: Args, { types }: Context<null>): Args {
  if (a.shape.includes(0)) return types.map((type) => b.splat(0, type));
  const given = asMatrices(b, a);
  const isFlipped = given.shape[ROWS] < given.shape[COLUMNS];
  const isFinite = finiteOnes(b, given);
  const safe = b.select(stretch(b, isFinite, given), given, 0);
  const scale = scaleOf(b, safe);
  const scaled = b.div(safe, stretch(b, scale, safe));
  const tall = isFlipped ? transposed(b, scaled) : scaled;
  const [count, m, n] = tall.shape;
  const [basis, square] = m < TALL * n ? [null, tall] : factorizeQr(b, tall, n);
  const rows = square.shape[ROWS];
  const both = b.concatenate([transposed(b, square), identity(b, count, n, n)], COLUMNS);
  const whole = madeEven(b, both, [ROWS]);
  const size = whole.shape[ROWS];
  const [done] = sweep(b, [whole], ([x]) => {
    const [turned, isTurned] = b.repeat(
      size - 1,
      [x, b.scalar(0, "bool")],
      (_i, [x, isTurned]) => {
        const [first, second] = halves(b, x, ROWS).map((half) => cut(b, half, size / 2, rows));
        const [alpha, gamma, beta] = [[first, first], [first, second], [second, second]]
          .map(([one, other]) => sumAlong(b, b.mul(one, other), COLUMNS));
        const [length, other] = [alpha, beta].map((x) => b.elementwise("stablehlo.sqrt", x));
        const limit = b.mul(b.mul(length, other), EPSILON * rows);
        const isOff = b.compare("GT", b.abs(gamma), limit);
        const turn = turnOf(b, alpha, b.select(isOff, gamma, 0), beta);
        return [turnPairs(b, x, turn, ROWS), b.or(isTurned, b.any(isOff))];
      },
    );
    return [[turned], b.not(isTurned)];
  });
  const images = cut(b, done, n, rows);
  const turns = b.slice(done, [0, 0, rows], [count, n, rows + n]);
  const values = b.elementwise("stablehlo.sqrt", sumAlong(b, b.mul(images, images), COLUMNS));
  const order = orderOf(b, b.reshape(values, [count, n]), "GT");
  const [sorted, sizes, right] = [images, values, turns].map((x) => reordered(b, x, order, ROWS));
  // Columns of length 0, or hardly above, get a direction that is orthogonal to the others.
  const [columns] = factorizeQr(b, transposed(b, sorted), n);
  const left = transposed(b, basis === null ? columns : productOf(b, basis, columns));
  const [u, v] = isFlipped ? [right, left] : [left, right];
  const signs = signsOf(b, u);
  const [signedU, signedV] = [u, v].map((x) => b.mul(x, stretch(b, signs, x)));
  return [transposed(b, signedU), b.mul(sizes, stretch(b, scale, sizes)), signedV]
    .map((x, i) => asResult(b, orNan(b, x, isFinite), types[i]));
}

/** The rules, by primitive. */
export const jacobi = { eigh, svd } as const;
