/**
 * Means, mean squares and their roots over axes, deviations from means, and cosines, by the formulas of
 * `moment_formulas.ts`.
 *
 * @module
 */
import { isFloat, largestFinite } from "../base/dtype.ts";
import type { Dtype, Elements } from "../base/dtype.ts";
import { internalError } from "../base/errors.ts";
import { lengthAlong, range, sameShape, showType, withoutAxes } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { floatSum } from "../numeric/sums.ts";
import type { Primitive } from "../core/primitive.ts";
import { allocateFor, Concrete, splat } from "../core/tensor.ts";
import type { Tensor } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";
import {
  absPrimitive,
  binadeOf,
  div,
  divPrimitive,
  maximum,
  mul,
  mulPrimitive,
  neg,
  scale,
  sub,
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
import {
  cosineFormula,
  meanFormula,
  powerAbove,
  rootFormula,
  spreadFormula,
  squaresFormula,
} from "./moment_formulas.ts";
import type {
  Algebra,
  CosineParams,
  Formula,
  MeanParams,
  RootParams,
  SpreadParams,
  SquaresParams,
} from "./moment_formulas.ts";

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
    hasDoubles: true,
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
  const count = lengthAlong(x.shape, axes);
  const shape = withoutAxes(x.shape, axes);
  if (first.length === 1 && second.length === 1) {
    const term = times === null ? first[0] : first[0] * second[0];
    return splat(term * count, "float64", shape);
  }
  // If the elements are equal, one element represents all of them.
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

/** The common part of these primitives. */
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
      spreadRows(convert(div(ct, constantLike(ct, lengthAlong(x.shape, axes))), x.dtype), x, axes),
    ],
  },
};

/** Mean over the given axes; NaN if there are no elements. */
export function reduceMean(x: Tensor, axes: readonly number[]): Tensor {
  return axes.length === 0 ? x : bindOne(reduceMeanPrimitive, [x], { axes });
}

/** The terms of the sum, divided by the divisor. */
function dividedSum(x: Tensor, { axes, divisor }: SquaresParams, factor = 1): Tensor {
  const count = lengthAlong(x.shape, axes);
  if (divisor === 1 || count === 0) return scale(reduceSum(x, axes), factor / divisor);
  return scale(reduceMean(x, axes), factor * (count / divisor));
}

/** The sum of squares over axes, divided by a divisor. */
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

/** The root of the sum of squares over axes divided by a divisor, plus epsilon; its derivative at 0 is 0. */
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
 * The reciprocal of a root, as a product: `shrink` is a power of two, and `inverse`, from 1/2 to 1, is
 * the reciprocal of the root times that; 0 where the root is.
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
 * Elements divided by roots that are not negative, 0 where the root is. Both are first divided by a
 * power of two close to the root. Neither the quotient nor its derivatives then leave the range of
 * floats in between, and it is a product with numbers that are the same for equal roots.
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

/** Elements divided by a root that is one of their own roots over `axes`, 0 where it is. */
export function overRoot(x: Tensor, root: Tensor, axes: readonly number[]): Tensor {
  return over(x, spreadRows(root, x, axes));
}

/** The scale of deviations that could be out of range themselves. */
const HALVING = 2;

/**
 * The scale of float32 elements before they are standardized: `raise` if the root is less than `tiny`
 * and the mean less than `most`, `lower` otherwise. Neither deviations nor the reciprocal of the root
 * are then out of range unless the quotient is.
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
  const inverse = root === 0 ? 0 : Math.min(quotient, largestFinite("float32"));
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
 * Deviations from means over axes, divided by roots, with one root for each mean; 0 where the root is.
 * The mean is not rounded before it is subtracted.
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

/** Deviations from means over the given axes, divided by roots. */
export function standardize(x: Tensor, root: Tensor, axes: readonly number[]): Tensor {
  return bindOne(standardizePrimitive, [x, root], { axes });
}

/**
 * The sum of squares of deviations from the mean over axes divided by a divisor, plus epsilon, or its
 * root. Derivatives are 0 where the root is.
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

/**
 * The tangent of the cosine for the tangent of `x`: along `y`, and not along `x`, which does not change
 * the angle.
 */
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

/** The cosine of the angle between vectors along the given axes, which are treated as at least `eps` long. */
export function reduceCosine(
  x: Tensor,
  y: Tensor,
  axes: readonly number[],
  eps: number,
): Tensor {
  return bindOne(reduceCosinePrimitive, [x, y], { axes, eps });
}
