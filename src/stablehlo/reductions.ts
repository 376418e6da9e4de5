/**
 * Rules that combine elements along axes: sums, products, extremes, moments, running sums.
 *
 * Sums of float32 are added in double precision, as everywhere in the library; moments of float64 are
 * scaled if they would exceed its range, by the formulas in `primitives/moments.ts`.
 *
 * @module
 */
import { isFloat } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { insertAt, lengthAlong, range } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import type { Primitive } from "../core/primitive.ts";
import type { Type } from "../core/tensor.ts";
import {
  cosineFormula,
  meanFormula,
  rootFormula,
  squaresFormula,
} from "../primitives/moment_formulas.ts";
import type {
  Algebra,
  CosineParams,
  Formula,
  MeanParams,
  RootParams,
  SpreadParams,
  SquaresParams,
} from "../primitives/moment_formulas.ts";
import type { AxisParams, ExtremeParams } from "../primitives/reduction.ts";
import type { RunningExtremeParams } from "../primitives/searching.ts";
import type { ReduceParams } from "../primitives/structure.ts";
import { combiner } from "./builder.ts";
import type { Builder } from "./builder.ts";
import { elementwise, layoutOf, wordsOf } from "./elementwise.ts";
import type { Context } from "./rule.ts";
import type { Value } from "./writer.ts";

type Args = readonly Value[];

/** The sum, in double precision for float32, without conversion back. */
function wideSum(b: Builder, x: Value, axes: readonly number[]): Value {
  return b.sum(x.dtype === "float32" ? b.convert(x, "float64") : x, axes);
}

function reduceSum(b: Builder, [x]: Args, { params: { axes } }: Context<ReduceParams>): Args {
  return [b.convert(wideSum(b, x, axes), x.dtype)];
}

/** The smallest and the largest number of a dtype. */
function limitsOf(dtype: Dtype): readonly [least: number, most: number] {
  switch (dtype) {
    case "bool":
      return [0, 1];
    case "int32":
      return [-(2 ** 31), 2 ** 31 - 1];
    case "uint32":
      return [0, 2 ** 32 - 1];
    default:
      return [-Infinity, Infinity];
  }
}

function extreme(operation: "maximum" | "minimum") {
  return (b: Builder, [x]: Args, { params }: Context<ExtremeParams>): Args => {
    const { axes, mayLoseNaN } = params;
    const [least, most] = limitsOf(x.dtype as Dtype);
    const start = operation === "maximum" ? least : most;
    const result = b.reduceBy(`stablehlo.${operation}`, x, start, axes);
    if (mayLoseNaN === true) b.sound.add(result.name);
    if (!isFloat(x.dtype as Dtype) || mayLoseNaN === true) return [result];
    // XLA loses NaN on processors; two plain reductions are faster there than one that preserves it.
    const isBroken = b.reduceBy("stablehlo.or", b.isNan(x), 0, axes);
    return [b.select(isBroken, NaN, result)];
  };
}

/**
 * Whether the first of two candidates at different positions is the extreme; NaN is an extreme, and
 * among several the first is.
 */
export function isBetter(
  b: Builder,
  direction: "GT" | "LT",
  [x, i]: readonly Value[],
  [y, j]: readonly Value[],
): Value {
  const isFirst = b.compare("LT", i, j);
  const wins = b.compare(direction, x, y);
  const ties = b.and(b.compare("EQ", x, y), isFirst);
  const better = b.or(wins, ties);
  if (!isFloat(x.dtype as Dtype)) return better;
  const [isNan, otherIsNan] = [b.isNan(x), b.isNan(y)];
  return b.select(isNan, b.or(b.not(otherIsNan), isFirst), b.and(better, b.not(otherIsNan)));
}

function extremeIndex(direction: "GT" | "LT") {
  return (b: Builder, [x]: Args, { params: { axis } }: Context<AxisParams>): Args => {
    const places = b.iota({ dtype: "int32", shape: x.shape }, axis);
    const [least, most] = limitsOf(x.dtype as Dtype);
    const start = b.scalar(direction === "GT" ? least : most, x.dtype);
    const [, index] = b.reduce(
      [x, places],
      // After all others: it never takes precedence.
      [start, b.scalar(2 ** 31 - 1, "int32")],
      [axis],
      (first, second) => {
        const better = isBetter(b, direction, first, second);
        return first.map((value, i) => b.select(better, value, second[i]));
      },
    );
    return [index];
  };
}

/**
 * The product. For floats it is a product of mantissas and of powers of two, so that partial products
 * may be out of range.
 */
function reduceProd(b: Builder, [x]: Args, { params: { axes } }: Context<ReduceParams>): Args {
  if (!isFloat(x.dtype as Dtype)) return [b.reduceBy("stablehlo.multiply", x, 1, axes)];
  if (x.dtype === "float32" && lengthAlong(x.shape, axes) <= 6) {
    const wide = b.convert(x, "float64");
    return [b.convert(b.reduceBy("stablehlo.multiply", wide, 1, axes), "float32")];
  }
  const wide = b.convert(x, "float64");
  const exponents = exponentsOf(b, wide);
  const [mantissa, exponent] = b.reduce(
    [timesPower(b, wide, b.neg(exponents)), exponents],
    [b.scalar(1, "float64"), b.scalar(0, "int32")],
    axes,
    ([x, i], [y, j]) => {
      const product = b.mul(x, y);
      const isSmall = b.compare("LT", b.abs(product), 0.5);
      const isLarge = b.compare("GE", b.abs(product), 2);
      const up = b.select(
        isSmall,
        b.splat(2, product),
        b.select(isLarge, b.splat(0.5, product), 1),
      );
      const step = b.select(isSmall, b.splat(-1, i), b.select(isLarge, b.splat(1, i), 0));
      return [b.mul(product, up), b.add(b.add(i, j), step)];
    },
  );
  return [b.convert(timesPower(b, mantissa, exponent), x.dtype)];
}

/** The exponents of float64, 0 for zeros, infinities and NaN; int32. */
function exponentsOf(b: Builder, x: Value): Value {
  const { digits, bias } = layoutOf(x);
  const isTiny = b.compare("LT", b.abs(x), 2 ** (1 - bias));
  const raised = b.select(isTiny, b.mul(x, 2 ** 60), x);
  const words = b.elementwise(
    "stablehlo.shift_right_logical",
    wordsOf(b, b.abs(raised)),
    b.splat(digits, { shape: x.shape, dtype: "uint64" }),
  );
  const field = b.convert(words, "int32");
  const exponent = b.sub(field, b.select(isTiny, b.splat(bias + 60, field), b.splat(bias, field)));
  const isPlain = b.and(b.compare("NE", field, 0), b.compare("NE", field, 2 * bias + 1));
  return b.select(isPlain, exponent, 0);
}

/** Float64 times powers of two, which may be out of range themselves. */
function timesPower(b: Builder, x: Value, exponent: Value): Value {
  const { digits, bias } = layoutOf(x);
  const most = 3 * (bias - 1);
  let left = b.max(b.min(exponent, most), -most);
  let result = x;
  for (let part = 0; part < 3; part++) {
    const own = b.max(b.min(left, bias - 1), 1 - bias);
    left = b.sub(left, own);
    const field = b.convert(b.add(own, bias), "uint64");
    const word = b.elementwise("stablehlo.shift_left", field, b.splat(digits, field));
    result = b.mul(result, b.bitcast(word, "float64"));
  }
  return result;
}

/** Formulas as text. */
function textAlgebra(b: Builder, axes: readonly number[], full: Shape): Algebra<Value> {
  const map = (primitive: Primitive<null>, ...args: readonly (Value | number)[]): Value => {
    const like = args.find((arg) => typeof arg !== "number") as Value;
    const longest = args.reduce<Shape>(
      (shape, arg) =>
        typeof arg !== "number" && arg.shape.length > shape.length ? arg.shape : shape,
      like.shape,
    );
    const values = args.map((arg) =>
      typeof arg === "number"
        ? b.splat(arg, { dtype: like.dtype, shape: longest })
        : b.spread(arg, longest, axes)
    );
    const rule = elementwise[primitive.name as "add"] ?? roots[primitive.name as "sqrt"];
    return rule(b, values, { params: null, types: [], fail() {} })[0];
  };
  const wide = (x: Value) => x.dtype === "float32" ? b.convert(x, "float64") : x;
  const sum = (x: Value, times?: Value): Value => {
    const spread = (one: Value) => wide(b.spread(one, full, axes));
    const terms = times === undefined ? spread(x) : b.mul(spread(x), spread(times));
    return b.sum(terms, axes);
  };
  return {
    hasDoubles: true,
    map,
    sum,
    coarseSum: sum,
    convert: (x, dtype) => b.convert(x, dtype),
    choose(x, limit, yes, no) {
      const isBelow = b.compare("LT", b.abs(x), limit);
      const [result] = b.choose(
        b.all(isBelow),
        [x],
        () => [yes()],
        () => [b.select(isBelow, yes(), no())],
      );
      return result;
    },
  };
}

const roots = {
  sqrt: (b: Builder, [x]: Args) => [b.elementwise("stablehlo.sqrt", x)],
} as const;

/** A moment: for float32, by `wide` on sums in double precision, which have sufficient range. */
function moment<P extends ReduceParams>(
  formula: Formula<P>,
  wide: (b: Builder, sum: (x: Value, y: Value) => Value, args: Args, params: P) => Value,
) {
  return (b: Builder, args: Args, { params, types: [type] }: Context<P>): Args => {
    const [x] = args;
    if (x.dtype !== "float32") {
      return [formula(textAlgebra(b, params.axes, x.shape), args, x as Type, params)];
    }
    const doubles = args.map((arg) => b.convert(arg, "float64"));
    const sum = (x: Value, y: Value) => b.sum(b.mul(x, y), params.axes);
    return [b.convert(wide(b, sum, doubles, params), type.dtype)];
  };
}

/** The mean. */
function reduceMean(b: Builder, [x]: Args, { params, types: [type] }: Context<MeanParams>): Args {
  if (x.dtype === "float32") {
    const total = wideSum(b, x, params.axes);
    return [b.convert(b.div(total, lengthAlong(x.shape, params.axes)), type.dtype)];
  }
  return [meanFormula(textAlgebra(b, params.axes, x.shape), [x], x as Type, params)];
}

/** Squares of deviations of float32 from their mean; those of float64 are expanded by a pass. */
function reduceSpread(b: Builder, [x]: Args, { params }: Context<SpreadParams>): Args {
  const { axes, divisor, eps, isRoot } = params;
  const wide = b.convert(x, "float64");
  const mean = b.div(b.sum(wide, axes), lengthAlong(x.shape, axes));
  const gap = b.sub(wide, b.spread(mean, x.shape, axes));
  const square = b.div(b.sum(b.mul(gap, gap), axes), divisor);
  if (!isRoot) return [b.convert(square, x.dtype)];
  return [b.convert(b.elementwise("stablehlo.sqrt", b.add(square, eps)), x.dtype)];
}

function lengthOf(
  b: Builder,
  sum: (x: Value, y: Value) => Value,
  x: Value,
  { divisor, eps }: Pick<RootParams, "divisor" | "eps">,
): Value {
  return b.elementwise("stablehlo.sqrt", b.add(b.div(sum(x, x), divisor), eps));
}

/** Running sums or products, in double precision for float32. */
function running(operation: string, start: number) {
  return (b: Builder, [x]: Args, { params }: Context<AxisParams & { reverse?: boolean }>): Args => {
    const { axis, reverse = false } = params;
    if (x.shape.includes(0)) return [x];
    const wide = x.dtype === "float32" ? b.convert(x, "float64") : x;
    const ones = range(x.shape.length).map(() => 1);
    const length = x.shape[axis];
    const before = reverse ? [0, length - 1] : [length - 1, 0];
    const padding = ones.map((_, i) => i === axis ? before : [0, 0]);
    const [result] = b.generic(
      "stablehlo.reduce_window",
      [wide, b.scalar(start, wide.dtype)],
      `window_dimensions = array<i64: ${insertAt(ones.slice(1), axis, length).join(", ")}>, ` +
        `padding = ${pairs(padding)}`,
      [wide],
      [combiner([wide], ([x], [y]) => [b.same(operation, [x, y])])],
    );
    return [b.convert(result, x.dtype)];
  };
}

/**
 * The maximum length of a line whose prefixes are reductions of all preceding elements: the work grows
 * with its square.
 */
const LINE = 16;

/** The positions of the extremes so far along the last axis, the last of equal ones. */
function runningExtreme(
  b: Builder,
  [x]: Args,
  { params: { isMax }, types: [type] }: Context<RunningExtremeParams>,
): Args {
  if (x.shape.includes(0)) return [b.splat(0, type)];
  const [least, most] = limitsOf(x.dtype as Dtype);
  // They never take precedence.
  const none = [b.scalar(isMax ? least : most, x.dtype), b.scalar(1, "int32")];
  // Counted downwards, the last of equal ones has the smallest number.
  const places = b.neg(b.iota({ dtype: "int32", shape: x.shape }, x.shape.length - 1));
  const better = (first: Args, second: Args): Args => {
    const isFirst = isBetter(b, isMax ? "GT" : "LT", first, second);
    return first.map((one, i) => b.select(isFirst, one, second[i]));
  };
  return [b.neg(prefixesOf(b, [x, places], none, better)[1])];
}

/** Prefixes along the last axis: of short parts, then of the totals of these parts. */
function prefixesOf(
  b: Builder,
  values: Args,
  none: Args,
  combine: (first: Args, second: Args) => Args,
): Args {
  const { shape } = values[0];
  const last = shape.length - 1;
  const length = shape[last];
  const padded = (one: Value, i: number, low: number, high: number): Value => {
    const zeros = one.shape.map(() => 0);
    const end = zeros.length - 1;
    return b.pad(one, none[i], {
      low: zeros.with(end, low),
      high: zeros.with(end, high),
      interior: zeros,
    });
  };
  if (length <= LINE) {
    const padding = shape.map((_, axis) => axis === last ? [length - 1, 0] : [0, 0]);
    return b.generic(
      "stablehlo.reduce_window",
      [...values, ...none],
      `window_dimensions = array<i64: ${shape.map(() => 1).with(last, length).join(", ")}>, ` +
        `padding = ${pairs(padding)}`,
      values,
      [combiner(values, combine)],
    );
  }
  const count = Math.ceil(length / LINE);
  const parts = values.map((one, i) =>
    b.reshape(padded(one, i, 0, count * LINE - length), [...shape.slice(0, last), count, LINE])
  );
  const within = prefixesOf(b, parts, none, combine);
  const totals = within.map((one, i) =>
    b.reshape(padded(one, i, 1 - LINE, 0), [...shape.slice(0, last), count])
  );
  const before = prefixesOf(b, totals, none, combine).map((one, i) =>
    b.broadcast(padded(one, i, 1, -1), within[i], range(last + 1))
  );
  return combine(before, within).map((one, i) =>
    padded(b.reshape(one, [...shape.slice(0, last), count * LINE]), i, 0, length - count * LINE)
  );
}

/** Pairs for each axis as an attribute. */
export function pairs(list: readonly (readonly number[])[]): string {
  if (list.length === 0) return "dense<> : tensor<0x2xi64>";
  const shown = list.map(([low, high]) => `[${low}, ${high}]`).join(", ");
  return `dense<[${shown}]> : tensor<${list.length}x2xi64>`;
}

function allFinite(b: Builder, [x]: Args): Args {
  return [b.all(b.compare("LT", b.abs(x), Infinity))];
}

/** The rules, by primitive. */
export const reductions = {
  allFinite,
  reduceSum,
  reduceMax: extreme("maximum"),
  reduceMin: extreme("minimum"),
  reduceProd,
  argmax: extremeIndex("GT"),
  argmin: extremeIndex("LT"),
  runningExtreme,
  cumsum: running("stablehlo.add", 0),
  cumprod: running("stablehlo.multiply", 1),
  reduceMean,
  reduceSquares: moment<SquaresParams>(
    squaresFormula,
    (b, sum, [x], { divisor }) => b.div(sum(x, x), divisor),
  ),
  reduceRoot: moment<RootParams>(
    rootFormula,
    (b, sum, [x], params) => lengthOf(b, sum, x, params),
  ),
  reduceSpread,
  reduceCosine: moment<CosineParams>(cosineFormula, (b, sum, args, { eps }) => {
    const [first, second] = args.map((x) =>
      b.max(lengthOf(b, sum, x, { divisor: 1, eps: 0 }), eps)
    );
    return b.div(sum(args[0], args[1]), b.mul(first, second));
  }),
} as const;
