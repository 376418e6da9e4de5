/**
 * Formulas of means, mean squares and their roots, deviations from means, and cosines, for operations
 * on tensors and for the loops of compiled programs. Terms of a sum may be too large or too small for
 * the dtype although the result is not. For float32, sums and values computed from them are float64, in
 * which everything is in range. For float64, they are replaced by sums of scaled elements if necessary,
 * as in J. L. Blue, "A portable Fortran program to find the Euclidean norm of a vector" (1978). The
 * scales are powers of two, and all other results have the bits of the plain formulas.
 *
 * @module
 */
import { lengthAlong } from "../base/shape.ts";
import type { Dtype } from "../base/dtype.ts";
import type { Primitive } from "../core/primitive.ts";
import type { Type } from "../core/tensor.ts";
import {
  addPrimitive,
  binadePrimitive,
  divPrimitive,
  maximumPrimitive,
  mulPrimitive,
  reciprocalPrimitive,
  sqrtPrimitive,
  subPrimitive,
} from "./arithmetic.ts";
import type { ReduceParams } from "./structure.ts";

/** Parameters of `reduceSquares`. */
export interface SquaresParams extends ReduceParams {
  /** The divisor of the sum: the number of elements for a mean. */
  readonly divisor: number;
}

/** Parameters of `reduceRoot`. */
export interface RootParams extends SquaresParams {
  /** The number that is added before the root is taken; not negative. */
  readonly eps: number;
}

/** Parameters of `reduceMean`. */
export interface MeanParams extends ReduceParams {
  /** The dtype of the result, if it differs from that of the elements. */
  readonly dtype?: "float64";
}

/** Parameters of `reduceSpread`. */
export interface SpreadParams extends RootParams {
  /** Whether epsilon is added and the root is taken. */
  readonly isRoot: boolean;
}

/** Parameters of `reduceCosine`. */
export interface CosineParams extends ReduceParams {
  /** The minimum length of vectors: shorter ones are treated as having it; not negative. */
  readonly eps: number;
}

/** Elementwise operations on values of type `V`. */
export interface Maps<V> {
  /** An elementwise operation; numbers are constants. */
  map(primitive: Primitive<null>, ...args: readonly (V | number)[]): V;
}

/** The operations of a formula. */
export interface Algebra<V> extends Maps<V> {
  /** Whether differences of float64 have full precision: otherwise only sums are exact. */
  readonly hasDoubles: boolean;
  /** The sum over the axes, or the sum of products if a second factor is given. For float32 it is float64. */
  sum(x: V, times?: V): V;
  /** The same, for float32 elements of which a few may be added up as float32 first. */
  coarseSum(x: V): V;
  /** The value in another dtype, or unchanged. */
  convert(x: V, dtype: Dtype): V;
  /**
   * One value where the magnitude of `x` is below `limit`, the other where it is not or `x` is NaN;
   * only the selected ones are computed.
   */
  choose(x: V, limit: number, yes: () => V, no: () => V): V;
}

/** A formula that reduces elements to one value, with one or two arguments of one type. */
export type Formula<P> = <V>(
  algebra: Algebra<V>,
  args: readonly V[],
  type: Type,
  params: P,
) => V;

/** The operations of formulas of compiled programs, which include products. */
export interface NestAlgebra<V> extends Algebra<V> {
  /** The product over the axes. */
  prod(x: V): V;
  /** The product of floats as float64; NaN if a partial product may have left the range of float64. */
  guardedProd(x: V): V;
  /** The smallest element over the axes, NaN if any element is. */
  min(x: V): V;
}

/** A formula of compiled programs. */
export type NestFormula<P> = <V>(
  algebra: NestAlgebra<V>,
  args: readonly V[],
  type: Type,
  params: P,
) => V;

/** The scaling of elements whose squares leave the range of their dtype. */
interface Scales {
  /** The factor for large elements. */
  readonly down: number;
  /**
   * A constant that is added to them then. It is far below their rounding. It keeps the squares of all
   * other elements, which are computed but not used, from being subnormal numbers, which are very slow.
   */
  readonly offset: number;
  /** The factor for small elements. */
  readonly up: number;
  /** A sum of squares below this has lost precision. */
  readonly least: number;
}

/** The scales of float64. */
export const SCALES: Scales = {
  down: 2 ** -600,
  offset: 2 ** -500,
  up: 2 ** 600,
  least: 2 ** -960,
};

/** A sum of float32 squares below this has lost precision. */
export const LEAST_FLOAT32 = 2 ** -96;

/** A power of two by which a sum of this number of floats must be divided to be in range. */
export function powerAbove(count: number): number {
  return 2 ** (Math.ceil(Math.log2(Math.max(count, 1))) + 1);
}

/** The sum divided by the number of elements. */
export const meanFormula: Formula<MeanParams> = (algebra, [x], type, { axes, dtype }) => {
  const { map } = algebra;
  const count = lengthAlong(type.shape, axes);
  const total = algebra.sum(x);
  const plain = () => map(divPrimitive, total, count);
  if (type.dtype === "float32") return algebra.convert(plain(), dtype ?? "float32");
  return algebra.choose(total, Infinity, plain, () => {
    const power = powerAbove(count);
    const smaller = algebra.sum(map(mulPrimitive, x, 1 / power));
    return map(mulPrimitive, map(divPrimitive, smaller, count), power);
  });
};

/** The sum of squares of large elements scaled by `down`. */
function squaresOfLarge<V>({ map, sum }: Algebra<V>, x: V): V {
  const scaled = map(addPrimitive, map(mulPrimitive, x, SCALES.down), SCALES.offset);
  return sum(scaled, scaled);
}

/**
 * The value that `make` computes from a sum of products; where that is infinite, or less than `least`,
 * from the sum of exact products of float32.
 */
function ofProducts<V>(
  algebra: Algebra<V>,
  [x, y]: readonly [V, V],
  least: number,
  make: (sum: V) => V,
): V {
  const exact = () => algebra.convert(make(algebra.sum(x, y)), "float32");
  if (!algebra.hasDoubles) return exact();
  const total = algebra.coarseSum(algebra.map(mulPrimitive, x, y));
  const plain = () => algebra.convert(make(total), "float32");
  const size = algebra.convert(total, "float32");
  return algebra.choose(
    size,
    Infinity,
    () => least === 0 ? plain() : algebra.choose(size, least, exact, plain),
    exact,
  );
}

/** The sum of squares divided by the divisor. */
export const squaresFormula: Formula<SquaresParams> = <V>(
  algebra: Algebra<V>,
  [x]: readonly V[],
  type: Type,
  { divisor }: SquaresParams,
): V => {
  const { map } = algebra;
  const mean = (sum: V) => map(divPrimitive, sum, divisor);
  if (type.dtype === "float32") return ofProducts(algebra, [x, x], 0, mean);
  const total = algebra.sum(x, x);
  return algebra.choose(total, Infinity, () => mean(total), () => {
    const back = 1 / SCALES.down;
    const smaller = mean(squaresOfLarge(algebra, x));
    return map(mulPrimitive, map(mulPrimitive, smaller, back), back);
  });
};

/** The root of the sum of squares divided by the divisor, plus epsilon. */
export const rootFormula: Formula<RootParams> = <V>(
  algebra: Algebra<V>,
  [x]: readonly V[],
  { dtype }: Type,
  { divisor, eps }: Pick<RootParams, "divisor" | "eps">,
): V => {
  const { map } = algebra;
  const root = (total: V, factor: number): V => {
    const mean = divisor === 1 ? total : map(divPrimitive, total, divisor);
    const sum = eps === 0 ? mean : map(addPrimitive, mean, eps * factor * factor);
    const result = map(sqrtPrimitive, sum);
    return factor === 1 ? result : map(mulPrimitive, result, 1 / factor);
  };
  const plain = (total: V): V => root(total, 1);
  // Unless epsilon is tiny itself, the lost digits have no effect on the sum.
  if (dtype === "float32") {
    return ofProducts(algebra, [x, x], eps >= LEAST_FLOAT32 ? 0 : LEAST_FLOAT32, plain);
  }
  const { up, down, least } = SCALES;
  const total = algebra.sum(x, x);
  // Division by a number below one may take a sum out of range.
  const most = divisor > 0 && divisor < 1 ? Number.MAX_VALUE * divisor : Infinity;
  const raised = () => {
    const scaled = map(mulPrimitive, x, up);
    return root(algebra.sum(scaled, scaled), up);
  };
  return algebra.choose(
    total,
    most,
    () => eps >= least ? plain(total) : algebra.choose(total, least, raised, () => plain(total)),
    () => root(squaresOfLarge(algebra, x), down),
  );
};

/** Where the square of the mean exceeds the variance by this factor, precision is lost. */
const LEAST_SPREAD = 2 ** -20;

/**
 * The mean square of deviations from the mean of float32, or its root, as the difference of the mean
 * square and the square of the mean, both in double precision. Where the mean is far larger than the
 * deviations, or without double precision, the deviations themselves are squared.
 */
export const spreadFormula: Formula<SpreadParams> = <V>(
  algebra: Algebra<V>,
  [x]: readonly V[],
  type: Type,
  params: SpreadParams,
): V => {
  const { map, convert } = algebra;
  const { divisor, eps, isRoot } = params;
  const count = lengthAlong(type.shape, params.axes);
  const share = count / divisor;
  const mean = map(divPrimitive, algebra.sum(x), count);
  const finish = (spread: V, factor: number = 1) => {
    const result = map(mulPrimitive, spread, share * factor);
    if (!isRoot) return convert(result, "float32");
    return convert(map(sqrtPrimitive, map(addPrimitive, result, eps)), "float32");
  };
  const deviations = (x: V, mean: V, factor: number) => {
    const first = convert(mean, "float32");
    const rest = convert(map(subPrimitive, mean, convert(first, "float64")), "float32");
    const less = map(subPrimitive, map(subPrimitive, x, first), rest);
    return finish(map(divPrimitive, algebra.sum(less, less), count), factor);
  };
  // Halves of deviations are in the range of float32.
  const halve = (value: V) => map(mulPrimitive, value, 0.5);
  if (!algebra.hasDoubles) return deviations(halve(x), halve(mean), 4);
  const square = map(mulPrimitive, mean, mean);
  const spread = map(subPrimitive, map(divPrimitive, algebra.sum(x, x), count), square);
  const ratio = convert(map(divPrimitive, spread, square), "float32");
  return algebra.choose(
    ratio,
    LEAST_SPREAD,
    () => deviations(x, mean, 1),
    () => finish(spread),
  );
};

/** The smallest numbers above zero. */
export const LEAST_POSITIVE = { float32: 2 ** -149, float64: Number.MIN_VALUE } as const;

/** The sum of products divided by the product of lengths, 0 where that is 0. */
export const cosineFormula: Formula<CosineParams> = <V>(
  algebra: Algebra<V>,
  args: readonly V[],
  type: Type,
  { eps }: CosineParams,
): V => {
  const { map, choose } = algebra;
  const least = type.dtype === "float32" ? LEAST_FLOAT32 : SCALES.least;
  const lengths = args.map((x) => {
    const length = rootFormula(algebra, [x], type, { axes: [], divisor: 1, eps: 0 });
    return eps === 0 ? length : map(maximumPrimitive, length, eps);
  });
  const base = map(mulPrimitive, lengths[0], lengths[1]);
  const [x, y] = args;
  const total = type.dtype === "float32"
    ? algebra.convert(algebra.coarseSum(map(mulPrimitive, x, y)), "float32")
    : algebra.sum(x, y);
  const plain = () => map(divPrimitive, total, base);
  const scaled = () => {
    const shrinks = lengths.map((length) => map(reciprocalPrimitive, map(binadePrimitive, length)));
    const [first, second] = args.map((arg, i) => map(mulPrimitive, arg, shrinks[i]));
    const near = map(
      mulPrimitive,
      map(mulPrimitive, lengths[0], shrinks[0]),
      map(mulPrimitive, lengths[1], shrinks[1]),
    );
    const sum = () => algebra.convert(algebra.sum(first, second), type.dtype);
    return choose(
      near,
      LEAST_POSITIVE[type.dtype as keyof typeof LEAST_POSITIVE],
      () => near,
      () => map(divPrimitive, sum(), near),
    );
  };
  return choose(base, 1 / least, () => choose(base, least, scaled, plain), scaled);
};
