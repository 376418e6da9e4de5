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

/** Replaces equations on constants by their values. */
export function foldConstants(program: Program): Program {
  return rewrite(program, ({ primitive, inputs, params, outputs }) => {
    if (primitive.derivative.kind === "program") return null;
    if (!inputs.every((atom) => atom instanceof Concrete)) return null;
    const values = inputs as readonly Concrete[];
    const isSmall = outputs.every(({ type }) => sizeOf(type.shape) <= LARGEST);
    const isConstant = values.length > 0 && values.every((value) => value.elements.length === 1);
    if (!isSmall && !isConstant) return null;
    return primitive.evaluate(values, params, outputs.map(({ type }) => type));
  });
}
