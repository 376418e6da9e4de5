/**
 * Reductions of few elements as straight code: in the evaluator's order, and therefore with the same
 * bits, except for sums of float64, where the evaluator also accumulates rounding errors.
 *
 * @module
 */
import { isFloat } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { range } from "../base/shape.ts";
import type { Type } from "../core/tensor.ts";
import type { Algebra, Formula } from "../primitives/moment_formulas.ts";
import type { Reduction } from "./rules.ts";

/** The operations for writing values, which are represented by numbers. */
export interface Emit {
  /** An elementwise operation. */
  map(dtype: Dtype, operation: string, inputs: readonly number[], params?: unknown): number;
  /** A constant. */
  constant(dtype: Dtype, value: number): number;
}

/** The elements that are combined, or one value computed from them. */
export interface Terms {
  readonly dtype: Dtype;
  readonly values: readonly number[];
}

/** Products of up to this number of float32 factors are within the range of float64. */
const FEW_FACTORS = 6;

/**
 * A formula of more terms for each result is computed in loops, which skip operations that are not
 * needed. Measured on an AMD EPYC (Zen 3) with Deno 2.9.6: `deno bench bench/loops_bench.ts`.
 */
const FEW_TERMS = 8;

/**
 * The approximate number of operations for reducing this number of terms to this number of results;
 * `null` if loops are better.
 */
export function reductionCost(
  operation: Reduction,
  dtype: Dtype,
  terms: number,
  results: number,
): number | null {
  if (typeof operation === "string" || !isFloat(dtype)) return terms;
  return terms <= FEW_TERMS * results ? 20 * terms : null;
}

/**
 * Terms combined by an operation or a formula; `type` is the type of the argument of which they are a
 * part.
 */
export function reduceTerms(
  emit: Emit,
  name: string,
  operation: Reduction,
  args: readonly Terms[],
  type: Type,
  params: unknown,
): number {
  const [{ dtype, values }] = args;
  if (name === "reduceProd") return product(emit, dtype, values);
  if (typeof operation === "function") {
    // Of all formulas only that of products needs more operations, and these are implemented.
    const formula = operation as Formula<never>;
    return formula(algebraOf(emit), args, type, params as never).values[0];
  }
  if (operation === "sum") return total(emit, dtype, values);
  return values.reduce((best, value) => better(emit, dtype, operation === "max", best, value));
}

/** A value in another dtype, or unchanged. */
export function converted(emit: Emit, value: number, from: Dtype, to: Dtype): number {
  return from === to ? value : emit.map(to, "convert", [value], { dtype: to });
}

/** The dtype in which sums and products of a dtype are computed. */
function wideOf(dtype: Dtype): Dtype {
  return dtype === "float32" ? "float64" : dtype;
}

/** Numbers added up one after the other, in double precision. */
export function total(emit: Emit, dtype: Dtype, terms: readonly number[]): number {
  const wide = wideOf(dtype);
  const sum = terms.reduce(
    (sum, term) => emit.map(wide, "add", [sum, converted(emit, term, dtype, wide)]),
    emit.constant(wide, 0),
  );
  return converted(emit, sum, wide, dtype);
}

/** The larger, or the smaller, of two numbers; the first of equal ones; NaN takes precedence. */
function better(emit: Emit, dtype: Dtype, isMax: boolean, best: number, value: number): number {
  if (dtype === "bool") return emit.map(dtype, isMax ? "or" : "and", [best, value]);
  let wins = emit.map("bool", "less", isMax ? [best, value] : [value, best]);
  if (isFloat(dtype)) {
    wins = emit.map("bool", "or", [wins, emit.map("bool", "isNan", [value])]);
  }
  return emit.map(dtype, "select", [wins, value, best]);
}

/** A number times a power of 2^512. */
interface Scaled {
  readonly value: number;
  readonly power: number;
}

/** Numbers multiplied one after the other, in double precision. */
function product(emit: Emit, dtype: Dtype, terms: readonly number[]): number {
  const wide = wideOf(dtype);
  const factors = terms.map((term) => converted(emit, term, dtype, wide));
  const times = (x: number, y: number): number => emit.map(wide, "mul", [x, y]);
  const one = emit.constant(wide, 1);
  if (!isFloat(dtype) || (dtype === "float32" && terms.length <= FEW_FACTORS)) {
    return converted(emit, factors.reduce(times, one), wide, dtype);
  }
  let all: Scaled = { value: one, power: emit.constant(wide, 0) };
  for (const factor of factors) {
    // Neither is far from 1 when they are multiplied.
    const own = within(emit, { value: factor, power: all.power }, 2 ** 511);
    all = within(emit, { value: times(all.value, own.value), power: own.power }, 2 ** 256);
  }
  // Beyond the third power the product is out of range.
  const whole = [0, 1, 2].reduce((value, k) => {
    const isMore = emit.map("bool", "less", [emit.constant(wide, k), all.power]);
    const isLess = emit.map("bool", "less", [all.power, emit.constant(wide, -k)]);
    return times(value, chosen(emit, isMore, 2 ** 512, isLess, 2 ** -512, 1));
  }, all.value);
  return converted(emit, whole, wide, dtype);
}

/** One number where the first test holds, another where the second does, and a third elsewhere. */
function chosen(
  emit: Emit,
  first: number,
  yes: number,
  second: number,
  other: number,
  rest: number,
): number {
  const [one, two, three] = [yes, other, rest].map((value) => emit.constant("float64", value));
  const behind = emit.map("float64", "select", [second, two, three]);
  return emit.map("float64", "select", [first, one, behind]);
}

/** The same product, with a power of 2^512 extracted from numbers above `most` or below its reciprocal. */
function within(emit: Emit, { value, power }: Scaled, most: number): Scaled {
  const size = emit.map("float64", "abs", [value]);
  const isLarge = emit.map("bool", "less", [emit.constant("float64", most), size]);
  const isSmall = emit.map("bool", "less", [size, emit.constant("float64", 1 / most)]);
  const factor = chosen(emit, isLarge, 2 ** -512, isSmall, 2 ** 512, 1);
  return {
    value: emit.map("float64", "mul", [value, factor]),
    power: emit.map("float64", "add", [power, chosen(emit, isLarge, 1, isSmall, -1, 0)]),
  };
}

/** Formulas of straight code: both branches of a selection are computed. */
function algebraOf(emit: Emit): Algebra<Terms> {
  const algebra: Algebra<Terms> = {
    map(primitive, ...args) {
      const known = args.findLast((arg) => typeof arg !== "number")!;
      const terms = args.map((arg) =>
        typeof arg === "number"
          ? { dtype: known.dtype, values: [emit.constant(known.dtype, arg)] }
          : arg
      );
      const types = terms.map(({ dtype }) => ({ dtype, shape: [] }));
      const [{ dtype }] = primitive.type(types, null);
      const count = Math.max(...terms.map(({ values }) => values.length));
      const values = range(count).map((i) => {
        const inputs = terms.map(({ values }) => values[values.length === 1 ? 0 : i]);
        return emit.map(dtype, primitive.name, inputs);
      });
      return { dtype, values };
    },
    hasDoubles: true,
    sum(x, times) {
      const dtype = wideOf(x.dtype);
      const [first, second] = [x, times].map((one) =>
        one?.values.map((value) => converted(emit, value, one.dtype, dtype))
      );
      const terms = second === undefined
        ? first!
        : first!.map((value, i) => emit.map(dtype, "mul", [value, second[i]]));
      return { dtype, values: [total(emit, dtype, terms)] };
    },
    coarseSum: (x) => algebra.sum(x),
    convert: (x, dtype) => ({
      dtype,
      values: x.values.map((value) => converted(emit, value, x.dtype, dtype)),
    }),
    choose(x, limit, yes, no) {
      const size = emit.map(x.dtype, "abs", [x.values[0]]);
      const isBelow = emit.map("bool", "less", [size, emit.constant(x.dtype, limit)]);
      const [one, other] = [yes(), no()];
      const chosen = emit.map(one.dtype, "select", [isBelow, one.values[0], other.values[0]]);
      return { dtype: one.dtype, values: [chosen] };
    },
  };
  return algebra;
}
