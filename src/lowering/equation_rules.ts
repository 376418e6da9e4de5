/**
 * How lowering treats an equation: by its primitive's rule, with exceptions for certain operands or
 * backends.
 *
 * @module
 */
import { isNarrow, wideDtype } from "../base/dtype.ts";
import { typeOf, Variable } from "../core/program.ts";
import type { Atom, Equation } from "../core/program.ts";
import type { Type } from "../core/tensor.ts";
import type { Target } from "./target.ts";
import type { ContractParams } from "../primitives/contraction.ts";
import type { PadParams } from "../primitives/slicing.ts";
import type { TransposeParams } from "../primitives/structure.ts";
import { type Rule, ruleOf } from "./rules.ts";

/** The rule of an equation, given the capabilities of the backend. */
export function effectiveRule(
  { primitive, inputs, outputs, params }: Equation,
  target: Target,
): Rule {
  const isProduct = primitive.name === "contract" &&
    (params as ContractParams).contract[0].length === 0 &&
    target.writes("mul", outputs[0].type.dtype);
  if (isProduct) return { kind: "outer" };
  if (primitive.name === "transpose" && keepsOrder(params as TransposeParams, outputs[0].type)) {
    return { kind: "alias" };
  }
  const rule = ruleOf(primitive.name);
  if (rule.kind !== "map") return rule;
  // Selection, conversion and logic of bool depend on the dtype of their last operand.
  const { dtype } = inputs.length === 0 ? outputs[0].type : typeOf(inputs[inputs.length - 1]);
  return target.writes(primitive.name, dtype) ? rule : { kind: "kernel" };
}

/**
 * The value that a kernel reads for each input: the input itself, or, if the kernel widens elements,
 * the value of a narrower dtype from which it is converted. `producer` returns the equation of a value
 * outside of straight code.
 */
export function operandsOf(
  { primitive, inputs }: Equation,
  producer: (value: Variable) => Equation | undefined,
  target: Target,
): readonly Atom[] {
  if (!target.widens(primitive.name)) return inputs;
  return inputs.map((input) => {
    for (let atom = input; atom instanceof Variable;) {
      const made = producer(atom);
      if (made?.primitive.name === "convert") {
        const { dtype } = typeOf(made.inputs[0]);
        return isNarrow(dtype) && wideDtype(dtype) === atom.type.dtype ? made.inputs[0] : input;
      }
      if (made === undefined || effectiveRule(made, target).kind !== "alias") return input;
      atom = made.inputs[0];
    }
    return input;
  });
}

/** Whether each element of the result is one of the argument's, or zero, in mostly the same order. */
export function isPart(equation: Equation, target: Target): boolean {
  const { primitive: { name }, params } = equation;
  if (name === "pad") return (params as PadParams).interior.every((zeros) => zeros === 0);
  if (name === "slice" || name === "flip") return true;
  return effectiveRule(equation, target).kind === "alias";
}

/** Whether a transposition only moves axes of length one, or none, so that the elements remain in order. */
function keepsOrder({ permutation }: TransposeParams, { shape }: Type): boolean {
  const moved = permutation.filter((_, i) => shape[i] !== 1);
  return moved.every((axis, i) => i === 0 || moved[i - 1] < axis);
}
