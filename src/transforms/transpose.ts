/**
 * Transposition: the linear program that pulls cotangents of a linear program's results back to its
 * binders. Each equation is visited once, from the last to the first.
 *
 * @module
 */
import { argumentError } from "../base/errors.ts";
import { isFloat } from "../base/dtype.ts";
import { showType } from "../base/shape.ts";
import { currentOrigin, enterTransposed, restoreOrigin } from "../core/origin.ts";
import type { Equation, Program } from "../core/program.ts";
import { Variable } from "../core/program.ts";
import { Tensor, zerosOf } from "../core/tensor.ts";
import type { Type } from "../core/tensor.ts";
import { isZero } from "../core/zeros.ts";
import { add } from "../primitives/arithmetic.ts";

/**
 * Pulls `cotangents` (one per result, `null` for zero) back through a program all of whose variables
 * are linear in its binders. Gives one cotangent per binder, `null` for zero.
 */
export function transposeProgram(
  program: Program,
  cotangents: readonly (Tensor | null)[],
): (Tensor | null)[] {
  const totals = new Map<Variable, Tensor>();
  const accumulate = (variable: Variable, cotangent: Tensor): void => {
    const before = totals.get(variable);
    totals.set(variable, before === undefined ? cotangent : add(before, cotangent));
  };
  const outer = currentOrigin();
  try {
    enterTransposed(undefined);
    program.results.forEach((atom, i) => {
      const cotangent = cotangents[i];
      if (atom instanceof Variable && cotangent !== null) accumulate(atom, cotangent);
    });
    for (let i = program.equations.length - 1; i >= 0; i--) {
      const equation = program.equations[i];
      const received = equation.outputs.map((variable) => totals.get(variable) ?? null);
      if (received.every((cotangent) => cotangent === null)) continue;
      for (const variable of equation.outputs) totals.delete(variable);
      restoreOrigin(outer);
      enterTransposed(equation.origin);
      const pulled = pull(equation, received);
      equation.inputs.forEach((atom, k) => {
        const cotangent = pulled[k];
        if (atom instanceof Variable && cotangent !== null) accumulate(atom, cotangent);
      });
    }
  } finally {
    restoreOrigin(outer);
  }
  return program.binders.map((variable) => totals.get(variable) ?? null);
}

/** The cotangents of an equation's inputs; only those of its variables count. */
function pull(
  { primitive, inputs, params, outputs }: Equation,
  received: readonly (Tensor | null)[],
): readonly (Tensor | null)[] {
  const rule = primitive.derivative;
  const isLinear = inputs.map((atom) => atom instanceof Variable);
  const types: Type[] = inputs.map((atom) => atom instanceof Variable ? atom.type : atom);
  switch (rule.kind) {
    case "linear": {
      // An integer or bool that depends on the function's arguments is not linear in them.
      if (isLinear.some((linear, i) => linear && !isFloat(types[i].dtype))) break;
      const cotangents = outputs.map((variable, i) => received[i] ?? zerosOf(variable.type));
      if (inputs.some((atom) => atom instanceof Tensor && isOffset(atom))) break;
      return rule.transpose(cotangents, types, params, isLinear);
    }
    case "bilinear":
    case "smooth": {
      const adjoints = rule.transpose ?? [];
      const place = isLinear.indexOf(true);
      const adjoint = adjoints[place];
      if (adjoint === undefined || adjoint === null || isLinear.lastIndexOf(true) !== place) break;
      const other = inputs[place === 0 ? 1 : 0] as Tensor;
      const cotangent = adjoint(received[0]!, other, types[place], params, types);
      return inputs.map((_, i) => i === place ? cotangent : null);
    }
    case "program":
      return rule.transpose(received, types, params, isLinear);
    case "zero":
      // What stands in the place of an argument, and is not used, takes nothing from its linearity.
      if (rule.isIdentity === true && params === "unused") return inputs.map(() => null);
      break;
  }
  throw argumentError(
    `Cannot transpose ${primitive.name} of ${types.map(showType).join(" and ")}: ` +
      `the function is not linear in its arguments`,
  );
}

/**
 * Whether a constant operand shifts a linear operation, as `c` does in `x + c`. What is zero by what it
 * is made of does not, as a missing tangent times anything.
 */
export function isOffset(constant: Tensor): boolean {
  return isFloat(constant.dtype) && !isZero(constant);
}
