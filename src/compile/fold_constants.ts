/**
 * The pass that computes what depends on constants alone.
 *
 * @module
 */
import { sizeOf } from "../base/shape.ts";
import type { Program } from "../core/program.ts";
import { Concrete } from "../core/tensor.ts";
import { rewrite } from "./rewrite.ts";

/** Results of more elements than this are computed when the program runs, not kept with it. */
const LARGEST = 4096;

/** Whether one value everywhere is all that is kept of a constant. */
function isSplat(value: Concrete): boolean {
  return value.held === 1;
}

/** Replaces equations on constants by their values. */
export function foldConstants(program: Program): Program {
  return rewrite(program, ({ primitive, inputs, params, outputs }) => {
    if (primitive.derivative.kind === "program") return null;
    if (!inputs.every((atom) => atom instanceof Concrete)) return null;
    const values = inputs as readonly Concrete[];
    const isSmall = outputs.every(({ type }) => sizeOf(type.shape) <= LARGEST);
    if (!isSmall && !(values.length > 0 && values.every(isSplat))) return null;
    const results = primitive.evaluate(values, params, outputs.map(({ type }) => type));
    // Some operations, as padding, make many different elements of equal ones.
    return isSmall || results.every(isSplat) ? results : null;
  });
}
