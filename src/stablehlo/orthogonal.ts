/**
 * Rules of factorisations into matrices with orthonormal columns. All matrices of a batch are
 * factorised at once, in double precision, with the conventions of `numeric/linalg`.
 *
 * Source: A. S. Householder, "Unitary triangularization of a nonsymmetric matrix", 1958 (reflections).
 *
 * @module
 */
import { binadeOf } from "./elementwise.ts";
import type { Builder } from "./builder.ts";
import {
  asMatrices,
  asResult,
  COLUMNS,
  filled,
  identity,
  partOf,
  placesIn,
  productOf,
  ROWS,
  standing,
  stretch,
  sumAlong,
  withPart,
} from "./matrices.ts";
import type { Context } from "./rule.ts";
import type { Value } from "./writer.ts";

type Args = readonly Value[];

/** A reflection `I - factor v vᵀ` that maps a column to `head` times the unit vector of a row. */
interface Reflection {
  readonly v: Value;
  readonly factor: Value;
  readonly head: Value;
}

/** The reflection of the elements of columns `[count, m, 1]` from row `k` on, as in `makeReflection`. */
function reflectionOf(b: Builder, column: Value, k: Value): Reflection {
  const first = partOf(b, column, ROWS, k);
  const isRest = standing(b, column, ROWS, "GT", k);
  const rest = b.select(isRest, column, 0);
  const size = sumAlong(b, b.abs(rest), ROWS);
  const isDone = b.compare("EQ", size, 0);
  // Scaled by a power of two, so that numbers hardly above 0 make an orthogonal reflection too. Its
  // reciprocal, by which compilers may multiply instead, is not a subnormal number.
  const scale = b.min(binadeOf(b, b.add(size, b.abs(first))), 2 ** 1022);
  const inner = b.div(first, scale);
  const scaled = b.div(rest, stretch(b, scale, rest));
  const squares = b.add(b.mul(inner, inner), sumAlong(b, b.mul(scaled, scaled), ROWS));
  const length = b.elementwise("stablehlo.sqrt", squares);
  const image = b.select(b.compare("GT", inner, 0), b.neg(length), length);
  const gap = b.sub(inner, image);
  const tail = b.select(stretch(b, isDone, rest), 0, b.div(scaled, stretch(b, gap, rest)));
  return {
    v: b.select(standing(b, column, ROWS, "EQ", k), 1, tail),
    factor: b.select(isDone, 0, b.div(b.neg(gap), image)),
    head: b.select(isDone, first, b.mul(image, scale)),
  };
}

/**
 * Matrices with the part of their columns from row `k` on reflected, for the columns for which `isIn`
 * holds.
 */
function reflected(
  b: Builder,
  x: Value,
  { v, factor }: Pick<Reflection, "v" | "factor">,
  k: Value,
  isIn: Value,
): Value {
  const isBelow = standing(b, x, ROWS, "GE", k);
  const sums = productOf(b, v, b.select(isBelow, x, 0), [ROWS, ROWS]);
  const turned = b.sub(
    x,
    b.mul(stretch(b, b.mul(v, stretch(b, factor, v)), x), stretch(b, sums, x)),
  );
  const isTurned = b.and(isBelow, b.and(isIn, stretch(b, b.compare("NE", factor, 0), x)));
  return b.select(isTurned, turned, x);
}

/**
 * `q` `[count, m, columns]` with orthonormal columns, and the upper triangular `r` `[count, columns,
 * n]` with a non-negative diagonal.
 */
export function factorizeQr(b: Builder, a: Value, columns: number): readonly [q: Value, r: Value] {
  const [count, m, n] = a.shape;
  const steps = Math.min(m, n);
  const [triangle, vectors, factors] = b.repeat(
    steps,
    [a, filled(b, 0, "float64", [count, m, steps]), filled(b, 0, "float64", [count, 1, steps])],
    (k, [x, vectors, factors]) => {
      const column = partOf(b, x, COLUMNS, k);
      const reflection = reflectionOf(b, column, k);
      const { v, factor, head } = reflection;
      const next = reflected(b, x, reflection, k, standing(b, x, COLUMNS, "GT", k));
      const isHead = standing(b, column, ROWS, "EQ", k);
      const cleared = b.select(standing(b, column, ROWS, "GT", k), 0, column);
      return [
        withPart(b, next, b.select(isHead, stretch(b, head, column), cleared), COLUMNS, k),
        withPart(b, vectors, v, COLUMNS, k),
        withPart(b, factors, factor, COLUMNS, k),
      ];
    },
  );
  const [basis] = b.repeat(steps, [identity(b, count, m, columns)], (step, [q]) => {
    const k = b.sub(b.scalar(steps - 1, "int32"), step);
    const [v, factor] = [vectors, factors].map((x) => partOf(b, x, COLUMNS, k));
    return [reflected(b, q, { v, factor }, k, standing(b, q, COLUMNS, "GE", k))];
  });
  const upper = withRows(b, triangle, columns);
  // The sign of each column that makes the diagonal positive.
  const isPivot = b.compare("EQ", placesIn(b, upper, ROWS), placesIn(b, upper, COLUMNS));
  const isNegative = b.compare(
    "LT",
    sumAlong(b, b.select(isPivot, upper, 0), COLUMNS),
    0,
  );
  const flips = (x: Value, isTurned: Value) => b.select(isTurned, b.sub(b.splat(0, x), x), x);
  const isSecond = b.reshape(isNegative, [count, 1, columns]);
  return [
    flips(basis, stretch(b, isSecond, basis)),
    flips(upper, stretch(b, isNegative, upper)),
  ];
}

/** The first rows of matrices whose last rows are zeros. */
function withRows(b: Builder, x: Value, rows: number): Value {
  const [count, m, n] = x.shape;
  if (rows <= m) return b.slice(x, [0, 0, 0], [count, rows, n]);
  return b.concatenate([x, filled(b, 0, x.dtype, [count, rows - m, n])], ROWS);
}

function qr(b: Builder, [a]: Args, { types }: Context<null>): Args {
  if (a.shape.includes(0)) return types.map((type) => b.splat(0, type));
  const k = Math.min(...a.shape.slice(-2));
  return factorizeQr(b, asMatrices(b, a), k).map((x, i) => asResult(b, x, types[i]));
}

function complement(b: Builder, [q]: Args, { types: [type] }: Context<null>): Args {
  if (type.shape.includes(0)) return [b.splat(0, type)];
  const [m, k] = q.shape.slice(-2);
  const matrices = asMatrices(b, q);
  const whole = k === 0 ? identity(b, matrices.shape[0], m, m) : factorizeQr(b, matrices, m)[0];
  return [asResult(b, b.slice(whole, [0, 0, k], whole.shape), type)];
}

/** The rules, by primitive. */
export const orthogonal = {
  qr,
  complement,
  pseudoInverse: (_b: Builder, [, p]: Args) => [p],
} as const;
