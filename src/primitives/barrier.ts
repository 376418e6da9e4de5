/**
 * The identity that keeps compilers from looking through it.
 *
 * @module
 */
import type { Primitive } from "../core/primitive.ts";
import type { Tensor } from "../core/tensor.ts";
import { bind } from "../core/trace.ts";

/**
 * Gives its arguments back. To a compiler, every result depends on every argument, and no result
 * equals what went in: what is computed from them can neither be shared with what was computed
 * before, nor start earlier than the last argument is there. `checkpoint` keeps its recomputation in
 * the backward pass by it.
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

/** The same values, to be seen as new ones that exist as soon as all of them do. */
export function barrier(values: readonly Tensor[]): readonly Tensor[] {
  return bind(barrierPrimitive, values, null);
}
