/**
 * Means, mean squares and their roots over axes, deviations from means, and cosines. What is added up
 * may be too large or too small for the dtype although the result is not. For float32, sums and what
 * is made of them are float64, where everything is in range. For float64, sums of scaled elements take
 * their place where it is necessary, as in J. L. Blue, "A portable Fortran program to find the
 * Euclidean norm of a vector" (1978). The scales are powers of two, and all other results have the bits
 * of the plain formulas.
 *
 * @module
 */
import { isFloat, LARGEST_FINITE } from "../base/dtype.ts";
import type { Dtype, Elements } from "../base/dtype.ts";
import { internalError } from "../base/errors.ts";
import { range, sameShape, showType, withoutAxes } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { floatSum } from "../numeric/sums.ts";
import type { Primitive } from "../core/primitive.ts";
import { allocateFor, Concrete, splat } from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";
import {
  absPrimitive,
  addPrimitive,
  binadeOf,
  binadePrimitive,
  div,
  divPrimitive,
  maximum,
  maximumPrimitive,
  mul,
  mulPrimitive,
  neg,
  reciprocalPrimitive,
  scale,
  sqrtPrimitive,
  sub,
  subPrimitive,
} from "./arithmetic.ts";
import { batchElementwise, storedLength } from "./elementwise.ts";
import { less, lessPrimitive, select, selectPrimitive } from "./comparison.ts";
import {
  alignBatch,
  batchReduction,
  broadcast,
  broadcastPrimitive,
  constantLike,
  convert,
  convertPrimitive,
  mapRows,
  reducedType,
  reduceSum,
  reduceSumPrimitive,
  reductionRows,
  spreadRows,
} from "./structure.ts";
import type { ReduceParams } from "./structure.ts";

/** Parameters of `reduceSquares`. */
export interface SquaresParams extends ReduceParams {
  /** What the sum is divided by: the number of elements for a mean. */
  readonly divisor: number;
}

/** Parameters of `reduceRoot`. */
export interface RootParams extends SquaresParams {
  /** What is added before the root is taken; not negative. */
  readonly eps: number;
}

/** Parameters of `reduceMean`. */
export interface MeanParams extends ReduceParams {
  /** The dtype of the result, where it is not that of the elements. */
  readonly dtype?: "float64";
}

/** Parameters of `reduceSpread`. */
export interface SpreadParams extends RootParams {
  /** Whether epsilon is added and the root is taken. */
  readonly isRoot: boolean;
}

/** Parameters of `reduceCosine`. */
export interface CosineParams extends ReduceParams {
  /** The least length that vectors are taken to have; not negative. */
  readonly eps: number;
}

/** Elementwise operations, for whoever computes them: `V` stands for a value. */
export interface Maps<V> {
  /** An elementwise operation; numbers are constants. */
  map(primitive: Primitive<null>, ...args: readonly (V | number)[]): V;
}

/** What a formula is made of. */
export interface Algebra<V> extends Maps<V> {
  /** The sum over the axes, of products if a second factor is given. That of float32 is float64. */
  sum(x: V, times?: V): V;
  /** The same, of float32 elements of which a few may be added up as float32 first. */
  coarseSum(x: V): V;
  /** The value in another dtype, or as it is. */
  convert(x: V, dtype: Dtype): V;
  /**
   * One value where the magnitude of `x` is below `limit`, the other where it is not or `x` is NaN;
   * only those are computed that are chosen.
   */
  choose(x: V, limit: number, yes: () => V, no: () => V): V;
}

/** A formula for elements that are reduced to one, of one or two arguments of one type. */
export type Formula<P> = <V>(
  algebra: Algebra<V>,
  args: readonly V[],
  type: Type,
  params: P,
) => V;

/** What formulas of compiled programs are made of: there, products are taken too. */
export interface NestAlgebra<V> extends Algebra<V> {
  /** The product over the axes. */
  prod(x: V): V;
  /** That of floats as float64; NaN where the product of some may have left the range of float64. */
  guardedProd(x: V): V;
  /** The least over the axes, NaN if any is. */
  min(x: V): V;
}

/** A formula of compiled programs. */
export type NestFormula<P> = <V>(
  algebra: NestAlgebra<V>,
  args: readonly V[],
  type: Type,
  params: P,
) => V;

/** How elements are scaled where their squares leave the range of their dtype. */
interface Scales {
  /** What large elements are multiplied by. */
  readonly down: number;
  /**
   * What is added to them then. It is far below their rounding, and keeps the squares of all others,
   * which are computed for nothing, from being subnormal numbers, which take very long.
   */
  readonly offset: number;
  /** What small elements are multiplied by. */
  readonly up: number;
  /** A sum of squares below this has lost digits. */
  readonly least: number;
}

/** The scales of float64. */
const SCALES: Scales = { down: 2 ** -600, offset: 2 ** -500, up: 2 ** 600, least: 2 ** -960 };

/** A sum of float32 squares below this has lost digits. */
const LEAST_FLOAT32 = 2 ** -96;

/** How many elements are reduced to one. */
function countOf(x: Type, axes: readonly number[]): number {
  return axes.reduce((product, axis) => product * x.shape[axis], 1);
}

/** A power of two such that a sum of so many floats over it is in range. */
function powerAbove(count: number): number {
  return 2 ** (Math.ceil(Math.log2(Math.max(count, 1))) + 1);
}

/** The sum divided by the number of elements. */
export const meanFormula: Formula<MeanParams> = (algebra, [x], type, { axes, dtype }) => {
  const { map } = algebra;
  const count = countOf(type, axes);
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
 * What `make` makes of a sum of products; where that is infinite, or less than `least`, of the sum of
 * exact products of float32.
 */
function ofProducts<V>(
  algebra: Algebra<V>,
  [x, y]: readonly [V, V],
  least: number,
  make: (sum: V) => V,
): V {
  const total = algebra.coarseSum(algebra.map(mulPrimitive, x, y));
  const exact = () => algebra.convert(make(algebra.sum(x, y)), "float32");
  const plain = () => algebra.convert(make(total), "float32");
  const size = algebra.convert(total, "float32");
  return algebra.choose(
    size,
    Infinity,
    () => least === 0 ? plain() : algebra.choose(size, least, exact, plain),
    exact,
  );
}

/** The sum of squares by the divisor. */
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

/** The root of the sum of squares by the divisor, and epsilon. */
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
  // Beside an epsilon that is not tiny itself, lost digits do not count.
  if (dtype === "float32") {
    return ofProducts(algebra, [x, x], eps >= LEAST_FLOAT32 ? 0 : LEAST_FLOAT32, plain);
  }
  const { up, down, least } = SCALES;
  const total = algebra.sum(x, x);
  // A divisor below one may take a sum out of range.
  const most = divisor > 0 && divisor < 1 ? LARGEST_FINITE.float64 * divisor : Infinity;
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

/** Where the square of the mean is this much larger than the variance, digits are lost. */
const LEAST_SPREAD = 2 ** -20;

/**
 * The mean square of deviations from the mean of float32, or its root, as the difference of the mean
 * square and the square of the mean, both in double precision. Where the mean is far larger than the
 * deviations, these are squared themselves.
 */
export const spreadFormula: Formula<SpreadParams> = (algebra, [x], type, params) => {
  const { map, convert } = algebra;
  const { divisor, eps, isRoot } = params;
  const count = countOf(type, params.axes);
  const share = count / divisor;
  const mean = map(divPrimitive, algebra.sum(x), count);
  const square = map(mulPrimitive, mean, mean);
  const spread = map(subPrimitive, map(divPrimitive, algebra.sum(x, x), count), square);
  const finish = (spread: typeof mean) => {
    const result = map(mulPrimitive, spread, share);
    if (!isRoot) return convert(result, "float32");
    return convert(map(sqrtPrimitive, map(addPrimitive, result, eps)), "float32");
  };
  const ratio = convert(map(divPrimitive, spread, square), "float32");
  return algebra.choose(ratio, LEAST_SPREAD, () => {
    const first = convert(mean, "float32");
    const rest = convert(map(subPrimitive, mean, convert(first, "float64")), "float32");
    const less = map(subPrimitive, map(subPrimitive, x, first), rest);
    return finish(map(divPrimitive, algebra.sum(less, less), count));
  }, () => finish(spread));
};

/** The least numbers above zero. */
export const LEAST_POSITIVE = { float32: 2 ** -149, float64: Number.MIN_VALUE } as const;

/** The sum of products by the product of lengths, 0 where that is. */
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

/** Formulas of concrete tensors. */
function concreteAlgebra({ axes }: ReduceParams): Algebra<Concrete> {
  const map = (primitive: Primitive<null>, ...args: readonly (Concrete | number)[]): Concrete => {
    const like = args.find((arg) => arg instanceof Concrete)!;
    const shape = args.reduce<readonly number[]>(
      (longest, arg) => typeof arg !== "number" && arg.ndim > longest.length ? arg.shape : longest,
      like.shape,
    );
    const values = args.map((arg) =>
      typeof arg === "number" ? splat(arg, like.dtype, shape) : spreadTo(arg, shape, axes)
    );
    return primitive.evaluate(values, null, primitive.type(values, null))[0];
  };
  return {
    map,
    sum(x, times) {
      if (x.dtype === "float32") return wideSum(x, times ?? null, axes);
      const terms = times === undefined ? x : map(mulPrimitive, x, times);
      return reduceSumPrimitive.evaluate([terms], { axes }, [reducedType(x, axes)])[0];
    },
    coarseSum: (x) => wideSum(x, null, axes),
    convert: (x, dtype) =>
      x.dtype === dtype
        ? x
        : convertPrimitive.evaluate([x], { dtype }, [{ dtype, shape: x.shape }])[0],
    choose(x, limit, yes, no) {
      const { elements } = x;
      let below = 0;
      for (let i = 0; i < elements.length; i++) if (Math.abs(elements[i]) < limit) below++;
      if (below === elements.length) return yes();
      if (below === 0) return no();
      const test = map(lessPrimitive, map(absPrimitive, x), limit);
      return map(selectPrimitive, test, yes(), no());
    },
  };
}

/** One value for each row repeated along the axes, if it is not of that shape. */
function spreadTo(x: Concrete, shape: Shape, axes: readonly number[]): Concrete {
  if (x.ndim === shape.length) return x;
  const params = { shape, axes: withoutAxes(range(shape.length), axes) };
  return broadcastPrimitive.evaluate([x], params, [{ dtype: x.dtype, shape }])[0];
}

/** The sums of float32 elements, or of products of two, in double precision. */
function wideSum(x: Concrete, times: Concrete | null, axes: readonly number[]): Concrete {
  const [first, second] = [x, times ?? x].map((one) => reductionRows(one, axes).elements);
  const count = countOf(x, axes);
  const shape = withoutAxes(x.shape, axes);
  if (first.length === 1 && second.length === 1) {
    const term = times === null ? first[0] : first[0] * second[0];
    return splat(term * count, "float64", shape);
  }
  // One element stands for all where they are equal.
  const [step, other] = [first, second].map(({ length }) => length === 1 ? 0 : 1);
  const out = allocateFor({ dtype: "float64", shape });
  for (let i = 0, at = 0; i < out.length; i++) {
    const end = at + count;
    if (times === null) {
      out[i] = floatSum(first, at, end);
      at = end;
      continue;
    }
    let sum = 0;
    for (; at < end; at++) sum += first[at * step] * second[at * other];
    out[i] = sum;
  }
  return new Concrete("float64", shape, out);
}

/** What such primitives have in common. */
function moment<P extends ReduceParams>(
  name: string,
  formula: Formula<P>,
): Pick<Primitive<P>, "name" | "type" | "evaluate"> {
  return {
    name,
    type([x], { axes, dtype }: P & { readonly dtype?: Dtype }) {
      if (!isFloat(x.dtype)) throw internalError(`${name} of ${x.dtype}`);
      return [reducedType(x, axes, dtype)];
    },
    evaluate: (args, params) => [formula(concreteAlgebra(params), args, args[0], params)],
  };
}

/** The mean over axes. */
export const reduceMeanPrimitive: Primitive<MeanParams> = {
  ...moment("reduceMean", meanFormula),
  batch: ([x], [axis], _size, params) => [batchReduction(reduceMeanPrimitive, x, axis!, params)],
  derivative: {
    kind: "linear",
    transpose: ([ct], [x], { axes }) => [
      spreadRows(convert(div(ct, constantLike(ct, countOf(x, axes))), x.dtype), x, axes),
    ],
  },
};

/** Mean over the given axes; of nothing it is NaN. */
export function reduceMean(x: Tensor, axes: readonly number[]): Tensor {
  return axes.length === 0 ? x : bindOne(reduceMeanPrimitive, [x], { axes });
}

/** What is added up, by the divisor. */
function dividedSum(x: Tensor, { axes, divisor }: SquaresParams, factor = 1): Tensor {
  const count = countOf(x, axes);
  if (divisor === 1 || count === 0) return scale(reduceSum(x, axes), factor / divisor);
  return scale(reduceMean(x, axes), factor * (count / divisor));
}

/** The sum of squares over axes, by a divisor. */
export const reduceSquaresPrimitive: Primitive<SquaresParams> = {
  ...moment("reduceSquares", squaresFormula),
  batch: ([x], [axis], _size, params) => [batchReduction(reduceSquaresPrimitive, x, axis!, params)],
  derivative: {
    kind: "smooth",
    tangents: [(dx, [x], _results, params) => dividedSum(mul(dx, x), params, 2)],
  },
};

/** Sum of squares over the given axes, divided by a number. */
export function reduceSquares(x: Tensor, axes: readonly number[], divisor: number): Tensor {
  return bindOne(reduceSquaresPrimitive, [x], { axes, divisor });
}

/** The root of the sum of squares over axes by a divisor, and epsilon; its derivative at 0 is 0. */
export const reduceRootPrimitive: Primitive<RootParams> = {
  ...moment("reduceRoot", rootFormula),
  batch: ([x], [axis], _size, params) => [batchReduction(reduceRootPrimitive, x, axis!, params)],
  derivative: {
    kind: "smooth",
    tangents: [
      (dx, [x], [root], params) => dividedSum(mul(dx, overRoot(x, root, params.axes)), params),
    ],
  },
};

/** `√(Σ x² / divisor + eps)` over the given axes. */
export function reduceRoot(
  x: Tensor,
  axes: readonly number[],
  divisor: number,
  eps = 0,
): Tensor {
  return bindOne(reduceRootPrimitive, [x], { axes, divisor, eps });
}

function roundingOf(dtype: Dtype): (value: number) => number {
  return dtype === "float32" ? Math.fround : (value) => value;
}

/**
 * One over a root, as a product: `shrink` is a power of two, and `inverse`, from 1/2 to 1, one over the
 * root times that; 0 where the root is.
 */
function inverseOf(
  root: number,
  dtype: Dtype,
): { readonly shrink: number; readonly inverse: number } {
  if (root === 0) return { shrink: 0, inverse: 0 };
  const round = roundingOf(dtype);
  const shrink = round(1 / binadeOf(root, dtype));
  return { shrink, inverse: round(1 / round(root * shrink)) };
}

/**
 * Elements divided by roots that are not negative, 0 where the root is. The quotient is that of both
 * by a power of two close to the root: so neither it nor its derivatives leave the range of floats in
 * between, and it is a product with numbers that are the same for equal roots.
 */
export const overPrimitive: Primitive<null> = {
  name: "over",
  isTotal: true,
  type: ([x, root]) => divPrimitive.type([x, root], null),
  evaluate([x, root], _params, [type]) {
    const [elements, roots] = [x.elements, root.elements];
    const out = allocateFor({ dtype: type.dtype, shape: [storedLength([elements, roots])] });
    const round = roundingOf(type.dtype);
    const [step, other] = [elements, roots].map(({ length }) => length === 1 ? 0 : 1);
    let [last, { shrink, inverse }] = [0, inverseOf(0, type.dtype)];
    for (let i = 0; i < out.length; i++) {
      const own = roots[i * other];
      if (own !== last) {
        last = own;
        ({ shrink, inverse } = inverseOf(own, type.dtype));
      }
      out[i] = round(elements[i * step] * shrink) * inverse;
    }
    return [new Concrete(type.dtype, type.shape, out)];
  },
  batch: (args, axes, size) => batchElementwise(overPrimitive, args, axes, size, null),
  derivative: {
    kind: "smooth",
    tangents: [
      (dx, [, root]) => over(dx, root),
      (dr, [, root], [out]) => neg(mul(dr, over(out, root))),
    ],
    transpose: [(ct, root) => over(ct, root), null],
  },
};

/** Strict x / root, 0 where the root is. */
function over(x: Tensor, root: Tensor): Tensor {
  return bindOne(overPrimitive, [x, root], null);
}

/** Elements divided by a root that is one of theirs over `axes`, 0 where it is. */
export function overRoot(x: Tensor, root: Tensor, axes: readonly number[]): Tensor {
  return over(x, spreadRows(root, x, axes));
}

/** What deviations are divided by where they could be out of range themselves. */
const HALVING = 2;

/**
 * What float32 elements are scaled by before they are standardized: `raise` if the root is less than
 * `tiny` and the mean less than `most`, `lower` otherwise. So neither deviations nor one over the root
 * are out of range unless the quotient is.
 */
export const DEVIATION_SCALES = {
  tiny: 2 ** -96,
  most: 2 ** 31,
  raise: 2 ** 96,
  lower: 0.25,
} as const;

/** Standardizes a row of float32, with the bits of `expandComposites`. */
function standardizeSingle(row: Elements, root: number, out: Elements, at: number): void {
  const { fround } = Math;
  const mean = floatSum(row, 0, row.length) / row.length;
  const first = fround(mean);
  const { tiny, most, raise, lower } = DEVIATION_SCALES;
  const factor = root !== 0 && root < tiny && Math.abs(first) < most ? raise : lower;
  const quotient = fround(1 / fround(root * factor));
  const inverse = root === 0 ? 0 : Math.min(quotient, LARGEST_FINITE.float32);
  const [high, low] = [fround(first * factor), fround(fround(mean - first) * factor)];
  for (let i = 0; i < row.length; i++) {
    out[at + i] = fround(fround(fround(row[i] * factor) - high) - low) * inverse;
  }
}

/** Standardizes a row of float64. */
function standardizeDouble(row: Elements, root: number, out: Elements, at: number): void {
  const half = row.map((value) => 0.5 * value);
  for (let turn = 0; turn < 2; turn++) {
    const sum = floatSum(half, 0, half.length);
    let mean = sum / half.length;
    if (!(Math.abs(sum) < Infinity)) {
      const power = powerAbove(half.length);
      const smaller = half.map((value) => value * (1 / power));
      mean = floatSum(smaller, 0, half.length) / half.length * power;
    }
    for (let i = 0; i < half.length; i++) half[i] -= mean;
  }
  const { shrink, inverse } = inverseOf(0.5 * root, "float64");
  for (let i = 0; i < half.length; i++) out[at + i] = half[i] * shrink * inverse;
}

/**
 * Deviations from means over axes, divided by roots of which there is one for each mean; 0 where the
 * root is. The mean is not rounded before it is subtracted.
 */
export const standardizePrimitive: Primitive<ReduceParams> = {
  name: "standardize",
  isTotal: true,
  type([x, root], { axes }) {
    const rows = reducedType(x, axes);
    if (!isFloat(x.dtype) || root.dtype !== x.dtype || !sameShape(rows.shape, root.shape)) {
      throw internalError(`standardize of ${showType(x)} and ${showType(root)}`);
    }
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  evaluate([x, root], { axes }) {
    const write = x.dtype === "float32" ? standardizeSingle : standardizeDouble;
    const { elements, held } = root;
    return [
      mapRows(x, axes, (row, out, at, number) => {
        write(row, elements[held === 1 ? 0 : number], out, at);
      }),
    ];
  },
  batch([x, root], [axis, rootAxis], size, { axes }) {
    const target = axis ?? 0;
    const moved = axes.map((a) => a < target ? a : a + 1);
    const place = target - axes.filter((a) => a < target).length;
    const rows = alignBatch(root, rootAxis, place, size);
    return [[standardize(alignBatch(x, axis, target, size), rows, moved), target]];
  },
  derivative: {
    kind: "smooth",
    tangents: [
      (dx, [, root], _results, { axes }) => standardize(dx, root, axes),
      (dr, [x, root], [out], { axes }) => neg(mul(out, spreadRows(over(dr, root), x, axes))),
    ],
    // The difference from the mean is its own transpose.
    transpose: [(ct, root, _own, { axes }) => standardize(ct, root, axes), null],
  },
};

/** Deviations from means over the given axes by roots. */
export function standardize(x: Tensor, root: Tensor, axes: readonly number[]): Tensor {
  return bindOne(standardizePrimitive, [x, root], { axes });
}

/**
 * The sum of squares of deviations from the mean over axes by a divisor, and epsilon, or its root.
 * Derivatives are 0 where the root is.
 */
export const reduceSpreadPrimitive: Primitive<SpreadParams> = {
  ...moment("reduceSpread", spreadFormula),
  evaluate([x], params, [type]) {
    const algebra = concreteAlgebra(params);
    if (type.dtype === "float32") return [spreadFormula(algebra, [x], x, params)];
    const ones = splat(HALVING, type.dtype, type.shape);
    const half = standardizePrimitive.evaluate([x, ones], params, [x]) as [Concrete];
    const formula = params.isRoot ? rootFormula : squaresFormula;
    return [formula(algebra, half, x, { ...params, divisor: params.divisor / HALVING ** 2 })];
  },
  batch: ([x], [axis], _size, params) => [batchReduction(reduceSpreadPrimitive, x, axis!, params)],
  derivative: {
    kind: "smooth",
    tangents: [(dx, [x], [out], params) => {
      const root = params.isRoot ? out : constantLike(out, HALVING);
      const quotients = standardize(x, root, params.axes);
      return dividedSum(mul(dx, quotients), params, params.isRoot ? 1 : 2 * HALVING);
    }],
  },
};

/** `Σ (x - mean)² / divisor` over the given axes. */
export function reduceVariance(x: Tensor, axes: readonly number[], divisor: number): Tensor {
  return bindOne(reduceSpreadPrimitive, [x], { axes, divisor, eps: 0, isRoot: false });
}

/** `√(Σ (x - mean)² / divisor + eps)` over the given axes. */
export function reduceDeviation(
  x: Tensor,
  axes: readonly number[],
  divisor: number,
  eps = 0,
): Tensor {
  return bindOne(reduceSpreadPrimitive, [x], { axes, divisor, eps, isRoot: true });
}

/** The cosine of the angle between vectors along axes. */
export const reduceCosinePrimitive: Primitive<CosineParams> = {
  ...moment("reduceCosine", cosineFormula),
  batch(args, mapped, size, params) {
    const target = mapped.find((axis) => axis !== null)!;
    const [x, y] = args.map((arg, i) => alignBatch(arg, mapped[i], target, size));
    const axes = params.axes.map((a) => a < target ? a : a + 1);
    const place = target - params.axes.filter((a) => a < target).length;
    return [[reduceCosine(x, y, axes, params.eps), place]];
  },
  derivative: {
    kind: "smooth",
    tangents: [
      (dx, [x, y], [out], params) => cosineTangent(dx, x, y, out, params),
      (dy, [x, y], [out], params) => cosineTangent(dy, y, x, out, params),
    ],
  },
};

/** The tangent of the cosine for that of `x`: along `y`, and not along `x`, which has no angle. */
function cosineTangent(
  dx: Tensor,
  x: Tensor,
  y: Tensor,
  out: Tensor,
  { axes, eps }: CosineParams,
): Tensor {
  const kept = withoutAxes(range(x.ndim), axes);
  const [first, second] = [x, y].map((one) => reduceRoot(one, axes, 1));
  const least = constantLike(first, eps);
  const isShort = less(first, least);
  const along = select(isShort, constantLike(out, 0), out);
  const [xs, ys] = [[x, first], [y, second]].map(([one, length]) =>
    overRoot(one, maximum(length, least), axes)
  );
  const across = sub(ys, mul(xs, broadcast(along, x.shape, kept)));
  return overRoot(reduceSum(mul(dx, across), axes), maximum(first, least), []);
}

/** The cosine of the angle between vectors along the given axes, taken to be `eps` long at least. */
export function reduceCosine(
  x: Tensor,
  y: Tensor,
  axes: readonly number[],
  eps: number,
): Tensor {
  return bindOne(reduceCosinePrimitive, [x, y], { axes, eps });
}
