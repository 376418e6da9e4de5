/**
 * A pass that expands composites to reductions and elementwise work: deviations from means, softmax,
 * norms of any order, the test for finite elements, searches; and special functions with a formula.
 *
 * @module
 */
import { largestFinite } from "../base/dtype.ts";
import { range } from "../base/shape.ts";
import { RecordingTrace, typeOf } from "../core/program.ts";
import type { Equation, Program } from "../core/program.ts";
import { splat } from "../core/tensor.ts";
import type { Tensor } from "../core/tensor.ts";
import { bindOne, runUnder } from "../core/trace.ts";
import { abs, minimum, mul, reciprocal, scale, sub } from "../primitives/arithmetic.ts";
import { and, equal, less, not, select } from "../primitives/comparison.ts";
import {
  DEVIATION_SCALES,
  overRoot,
  reduceMean,
  reduceMeanPrimitive,
  reduceRoot,
  reduceSpreadPrimitive,
  reduceSquares,
  standardizePrimitive,
} from "../primitives/moments.ts";
import type { SpreadParams } from "../primitives/moment_formulas.ts";
import { checkIndicesPrimitive } from "../primitives/indexing.ts";
import {
  analyticPairPrimitive,
  analyticPrimitive,
  expandAnalytic,
  expandHypot,
  hypotPrimitive,
} from "../primitives/analytic.ts";
import type { AnalyticParams } from "../primitives/analytic.ts";
import { expandedNorm, reduceNormPrimitive } from "../primitives/norms.ts";
import type { NormParams } from "../primitives/norms.ts";
import { allFinitePrimitive, reduceMin } from "../primitives/reduction.ts";
import { expandInsertionPlaces, insertionPlacesPrimitive } from "../primitives/searching.ts";
import type { InsertionParams } from "../primitives/searching.ts";
import { formulaOf } from "../primitives/special_formulas.ts";
import { expandSoftmax, softmaxPrimitive } from "../primitives/softmax.ts";
import type { SoftmaxParams } from "../primitives/softmax.ts";
import { constantLike, convert, spreadRows } from "../primitives/structure.ts";
import type { ReduceParams } from "../primitives/structure.ts";
import { inline } from "./inline_calls.ts";

/** Replaces composites, and values computed from deviations of float64, by operations that loops support. */
export function expandComposites(program: Program): Program {
  return inline(program, (equation) => {
    const expand = expansionOf(equation);
    if (expand === null) return null;
    const trace = new RecordingTrace("jit", null);
    const args = equation.inputs.map(typeOf).map((type) => trace.newBinder(type));
    const results = [runUnder(trace, () => expand(...args))].flat();
    return { program: trace.finish(results), args: equation.inputs };
  });
}

/** The function that computes an equation's result, if the equation is to be replaced. */
function expansionOf(
  { primitive: { name }, params, outputs }: Equation,
): ((...args: readonly Tensor[]) => Tensor | readonly Tensor[]) | null {
  if (name === standardizePrimitive.name) {
    return (x, root) => standardized(x, root, (params as ReduceParams).axes);
  }
  if (name === checkIndicesPrimitive.name) return (indices) => indices;
  if (name === analyticPrimitive.name || name === analyticPairPrimitive.name) {
    return (...parts) => expandAnalytic(parts, params as AnalyticParams);
  }
  if (name === hypotPrimitive.name) return expandHypot;
  if (name === insertionPlacesPrimitive.name) {
    return (list, wanted) => expandInsertionPlaces(list, wanted, params as InsertionParams);
  }
  if (name === reduceNormPrimitive.name) return (x) => expandedNorm(x, params as NormParams);
  if (name === allFinitePrimitive.name) return (x) => everyFinite(x);
  const formula = formulaOf(name, params);
  if (formula !== null) return formula;
  if (name === softmaxPrimitive.name) return (x) => expandSoftmax(x, params as SoftmaxParams);
  if (name !== reduceSpreadPrimitive.name || outputs[0].type.dtype === "float32") return null;
  const { axes, divisor, eps, isRoot } = params as SpreadParams;
  return (x) =>
    isRoot
      ? reduceRoot(halfDeviations(x, axes), axes, divisor / 4, eps)
      : reduceSquares(halfDeviations(x, axes), axes, divisor / 4);
}

/** Whether all elements are finite. */
function everyFinite(x: Tensor): Tensor {
  if (x.size === 0) return splat(1, "bool", []);
  return reduceMin(less(abs(x), constantLike(x, Infinity)), range(x.ndim));
}

/** Half of the difference between elements of float64 and their mean. */
function halfDeviations(x: Tensor, axes: readonly number[]): Tensor {
  const less = (x: Tensor): Tensor => sub(x, spreadRows(reduceMean(x, axes), x, axes));
  // The mean was rounded: the mean of the remaining differences is subtracted, too.
  return less(less(scale(x, 0.5)));
}

/** Deviations divided by roots. */
function standardized(x: Tensor, root: Tensor, axes: readonly number[]): Tensor {
  if (x.dtype === "float64") return overRoot(halfDeviations(x, axes), scale(root, 0.5), axes);
  // The mean as a sum of two floats.
  const mean = bindOne(reduceMeanPrimitive, [x], { axes, dtype: "float64" });
  const first = convert(mean, "float32");
  const { tiny, most, raise, lower } = DEVIATION_SCALES;
  const number = (value: number): Tensor => constantLike(root, value);
  const isZero = equal(root, number(0));
  const isTiny = and(not(isZero), less(root, number(tiny)));
  const isRaised = and(isTiny, less(abs(first), number(most)));
  const factor = select(isRaised, number(raise), number(lower));
  const quotient = minimum(reciprocal(mul(root, factor)), number(largestFinite("float32")));
  const inverse = select(isZero, number(0), quotient);
  const rest = convert(sub(mean, convert(first, "float64")), "float32");
  const scaled = mul(x, spreadRows(factor, x, axes));
  const centred = sub(scaled, spreadRows(mul(first, factor), x, axes));
  return mul(sub(centred, spreadRows(mul(rest, factor), x, axes)), spreadRows(inverse, x, axes));
}
