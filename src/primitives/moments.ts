/**
 * Means, mean squares and their roots over axes. What is added up may be too large or too small for a
 * float although the result is not: then sums of scaled elements take its place, as in J. L. Blue, "A
 * portable Fortran program to find the Euclidean norm of a vector" (1978). The scales are powers of
 * two, and all other results have the bits of the plain formulas.
 *
 * @module
 */
import { isFloat } from "../base/dtype.ts";
import { internalError } from "../base/errors.ts";
import { range, withoutAxes } from "../base/shape.ts";
import type { Primitive } from "../core/primitive.ts";
import { Concrete } from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";
import {
  absPrimitive,
  addPrimitive,
  binade,
  div,
  divPrimitive,
  mul,
  mulPrimitive,
  reciprocal,
  scale,
  sqrtPrimitive,
  squarePrimitive,
} from "./arithmetic.ts";
import { equal, lessPrimitive, select, selectPrimitive } from "./comparison.ts";
import {
  batchReduction,
  broadcast,
  constantLike,
  reducedType,
  reduceSum,
  reduceSumPrimitive,
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

/** Elementwise operations, for whoever computes them: `V` stands for a value. */
export interface Maps<V> {
  /** An elementwise operation; numbers are constants. */
  map(primitive: Primitive<null>, ...args: readonly (V | number)[]): V;
}

/** What a formula is made of. */
export interface Algebra<V> extends Maps<V> {
  /** The sum over the axes. */
  sum(x: V): V;
  /**
   * One value where the magnitude of `x` is below `limit`, the other where it is not or `x` is NaN;
   * only those are computed that are chosen.
   */
  choose(x: V, limit: number, yes: () => V, no: () => V): V;
}

/** A formula for elements that are reduced to one. */
export type Formula<P> = <V>(algebra: Algebra<V>, x: V, type: Type, params: P) => V;

/** What formulas of compiled programs are made of: there, products are taken too. */
export interface NestAlgebra<V> extends Algebra<V> {
  /** The product over the axes. */
  prod(x: V): V;
}

/** A formula of compiled programs. */
export type NestFormula<P> = <V>(algebra: NestAlgebra<V>, x: V, type: Type, params: P) => V;

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

const SCALES: Readonly<Record<"float32" | "float64", Scales>> = {
  float32: { down: 2 ** -80, offset: 2 ** -60, up: 2 ** 80, least: 2 ** -96 },
  float64: { down: 2 ** -600, offset: 2 ** -500, up: 2 ** 600, least: 2 ** -960 },
};

function scalesOf({ dtype }: Type): Scales {
  return SCALES[dtype as keyof typeof SCALES];
}

/** How many elements are reduced to one. */
function countOf(x: Type, axes: readonly number[]): number {
  return axes.reduce((product, axis) => product * x.shape[axis], 1);
}

/** The sum divided by the number of elements. */
export const meanFormula: Formula<ReduceParams> = (algebra, x, type, { axes }) => {
  const { map } = algebra;
  const count = countOf(type, axes);
  const total = algebra.sum(x);
  return algebra.choose(
    total,
    Infinity,
    () => map(divPrimitive, total, count),
    () => {
      const power = 2 ** (Math.ceil(Math.log2(Math.max(count, 1))) + 1);
      const smaller = algebra.sum(map(mulPrimitive, x, 1 / power));
      return map(mulPrimitive, map(divPrimitive, smaller, count), power);
    },
  );
};

/** The sum of squares. */
function squares<V>({ map, sum }: Algebra<V>, x: V): V {
  return sum(map(squarePrimitive, x));
}

/** The sum of squares of large elements scaled by `down`. */
function squaresOfLarge<V>(algebra: Algebra<V>, x: V, { down, offset }: Scales): V {
  const { map } = algebra;
  return squares(algebra, map(addPrimitive, map(mulPrimitive, x, down), offset));
}

/** The sum of squares by the divisor. */
export const squaresFormula: Formula<SquaresParams> = (algebra, x, type, { divisor }) => {
  const { map } = algebra;
  const total = squares(algebra, x);
  return algebra.choose(
    total,
    Infinity,
    () => map(divPrimitive, total, divisor),
    () => {
      const scales = scalesOf(type);
      const smaller = map(divPrimitive, squaresOfLarge(algebra, x, scales), divisor);
      const back = 1 / scales.down;
      return map(mulPrimitive, map(mulPrimitive, smaller, back), back);
    },
  );
};

/** The root of the sum of squares by the divisor, and epsilon. */
export const rootFormula: Formula<RootParams> = <V>(
  algebra: Algebra<V>,
  x: V,
  type: Type,
  { divisor, eps }: RootParams,
): V => {
  const { map } = algebra;
  const scales = scalesOf(type);
  const { up, down, least } = scales;
  const root = (total: V, factor: number): V => {
    const mean = divisor === 1 ? total : map(divPrimitive, total, divisor);
    const sum = eps === 0 ? mean : map(addPrimitive, mean, eps * factor * factor);
    const result = map(sqrtPrimitive, sum);
    return factor === 1 ? result : map(mulPrimitive, result, 1 / factor);
  };
  const total = squares(algebra, x);
  const plain = () => root(total, 1);
  return algebra.choose(
    total,
    Infinity,
    // Beside an epsilon that is not tiny itself, lost digits do not count.
    () =>
      eps >= least ? plain() : algebra.choose(
        total,
        least,
        () => root(squares(algebra, map(mulPrimitive, x, up)), up),
        plain,
      ),
    () => root(squaresOfLarge(algebra, x, scales), down),
  );
};

/** Formulas of concrete tensors. */
function concreteAlgebra({ axes }: ReduceParams): Algebra<Concrete> {
  const map = (primitive: Primitive<null>, ...args: readonly (Concrete | number)[]): Concrete => {
    const like = args.find((arg) => arg instanceof Concrete)!;
    const values = args.map((arg) => typeof arg === "number" ? constantLike(like, arg) : arg);
    return primitive.evaluate(values, null, primitive.type(values, null))[0];
  };
  return {
    map,
    sum: (x) => reduceSumPrimitive.evaluate([x], { axes }, [reducedType(x, axes)])[0],
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

/** What such primitives have in common. */
function moment<P extends ReduceParams>(
  name: string,
  formula: Formula<P>,
): Pick<Primitive<P>, "name" | "type" | "evaluate"> {
  return {
    name,
    type([x], { axes }) {
      if (!isFloat(x.dtype)) throw internalError(`${name} of ${x.dtype}`);
      return [reducedType(x, axes)];
    },
    evaluate: ([x], params) => [formula(concreteAlgebra(params), x, x, params)],
  };
}

/** The mean over axes. */
export const reduceMeanPrimitive: Primitive<ReduceParams> = {
  ...moment("reduceMean", meanFormula),
  batch: ([x], [axis], _size, params) => [batchReduction(reduceMeanPrimitive, x, axis!, params)],
  derivative: {
    kind: "linear",
    transpose: ([ct], [x], { axes }) => [
      broadcast(
        div(ct, constantLike(ct, countOf(x, axes))),
        x.shape,
        withoutAxes(range(x.shape.length), axes),
      ),
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

/**
 * Elements divided by a root that is one of theirs over `axes`, 0 where it is. The quotient is that of
 * both by a power of two close to the root: so neither it nor its derivatives leave the range of
 * floats in between.
 */
export function overRoot(x: Tensor, root: Tensor, axes: readonly number[]): Tensor {
  const kept = withoutAxes(range(x.ndim), axes);
  const { shrink, inverse } = inverseOf(root);
  return mul(mul(x, broadcast(shrink, x.shape, kept)), broadcast(inverse, x.shape, kept));
}

/**
 * One over numbers that are not negative, as a product: `shrink` is a power of two, and `inverse`, from
 * 1/2 to 1, one over the number times that; 0 where the number is.
 */
export function inverseOf(x: Tensor): { readonly shrink: Tensor; readonly inverse: Tensor } {
  const shrink = reciprocal(binade(x));
  const near = mul(x, shrink);
  const zero = constantLike(x, 0);
  const isZero = equal(near, zero);
  const inverse = reciprocal(select(isZero, constantLike(x, 1), near));
  return { shrink, inverse: select(isZero, zero, inverse) };
}
