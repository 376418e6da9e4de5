/**
 * A pass that computes values that depend on constants alone.
 *
 * @module
 */
import { sizeOf } from "../base/shape.ts";
import { evaluate } from "../core/evaluation.ts";
import type { Program } from "../core/program.ts";
import { Concrete, zerosOf } from "../core/tensor.ts";
import { keysOfEquations, rewrite } from "./rewrite.ts";

/** Results of more elements than this are computed when the program runs, and are not stored with it. */
const LARGEST = 4096;

/** Whether a constant is stored as a single value. */
function isSplat(value: Concrete): boolean {
  return value.held === 1;
}

/** Whether all elements are (positive) zeros, held as one. */
function isZeroSplat(value: Concrete): boolean {
  return isSplat(value) && Object.is(value.elements[0], 0);
}

/** Replaces equations on constants by their values, equal ones by one constant. */
export function foldConstants(program: Program): Program {
  const keyOf = keysOfEquations();
  const known = new Map<string, readonly Concrete[]>();
  return rewrite(program, (equation) => {
    const { primitive, inputs, params, outputs } = equation;
    if (primitive.derivative.kind === "program" || primitive.isEffectful) return null;
    if (!inputs.every((atom) => atom instanceof Concrete)) return null;
    const values = inputs as readonly Concrete[];
    if (primitive.axisOf !== undefined) {
      // Values that depend on other examples are not known, but a linear operation maps zeros to zeros.
      const isZero = primitive.derivative.kind === "linear" && values.every(isZeroSplat);
      return isZero ? outputs.map(({ type }) => zerosOf(type)) : null;
    }
    const isSmall = outputs.every(({ type }) => sizeOf(type.shape) <= LARGEST);
    if (!isSmall && !(values.length > 0 && values.every(isSplat))) return null;
    const key = keyOf(equation);
    const results = known.get(key) ??
      evaluate(primitive, values, params, outputs.map(({ type }) => type));
    known.set(key, results);
    // Some operations, such as padding, produce many different elements from equal ones.
    return isSmall || results.every(isSplat) ? results : null;
  });
}
