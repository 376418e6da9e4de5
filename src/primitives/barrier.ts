/**
 * An identity that is opaque to compilers.
 *
 * @module
 */
import type { Primitive } from "../core/primitive.ts";
import type { Tensor } from "../core/tensor.ts";
import { bind } from "../core/trace.ts";

/**
 * Returns its arguments. For a compiler, every result depends on every argument, and no result equals
 * an argument: computations on the results can neither be shared with earlier ones, nor start before
 * the last argument is available. `checkpoint` uses it to preserve its recomputation in the backward
 * pass.
 */
export const barrierPrimitive: Primitive<null> = {
  name: "barrier",
  isTotal: true,
  type: (args) => args.map(({ dtype, shape }) => ({ dtype, shape })),
  evaluate: (args) => args,
  batch(args, axes) {
    return bind(barrierPrimitive, args, null).map((result, i) => [result, axes[i]] as const);
  },
  derivative: {
    kind: "program",
    linearize(primals, isActive) {
      return {
        results: bind(barrierPrimitive, primals, null),
        push: (tangents) => tangents.map((tangent, i) => isActive[i] ? tangent : null),
      };
    },
    dependentResults: (isGiven) => isGiven,
    zeroResults: (isZero) => isZero,
    transpose: (cotangents) => cotangents,
  },
};

/** The same values, treated as new values that are available when all of the arguments are. */
export function barrier(values: readonly Tensor[]): readonly Tensor[] {
  return bind(barrierPrimitive, values, null);
}
