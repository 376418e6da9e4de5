/**
 * Which results of a program are one of its arguments with changes to some elements, and may therefore
 * reuse its memory.
 *
 * @module
 */
import { bytesOf } from "../base/shape.ts";
import { type Atom, type Equation, Program, typeOf, Variable } from "../core/program.ts";
import { asControl } from "./control.ts";
import { isUpdate, kindOf } from "./kinds.ts";

/**
 * For each result of a switch the number of the operand that most branches return unchanged or with
 * changes to some elements: its memory may be reused for the result. The operands of different results
 * differ.
 */
export function heirsOf(branches: readonly Program[]): readonly (number | null)[] {
  const taken = new Set<number>();
  return branches[0].results.map((result, i) => {
    const counts = new Map<number, number>();
    for (const branch of branches) {
      const operand = ancestorOf(branch, branch.results[i]);
      if (operand === null || taken.has(operand)) continue;
      if (bytesOf(branch.binders[operand].type) !== bytesOf(typeOf(result))) continue;
      counts.set(operand, (counts.get(operand) ?? 0) + 1);
    }
    let heir: number | null = null;
    for (const [operand, count] of counts) {
      if (heir === null || count > counts.get(heir)!) heir = operand;
    }
    if (heir !== null) taken.add(heir);
    return heir;
  });
}

/** The number of the binder that a value is, possibly with changes to some elements. */
export function ancestorOf({ binders, equations }: Program, atom: Atom): number | null {
  const producers = new Map<Atom, Equation>();
  for (const equation of equations) {
    equation.outputs.forEach((output) => producers.set(output, equation));
  }
  for (let equation = producers.get(atom); equation; equation = producers.get(atom)) {
    const before = predecessorOf(equation, equation.outputs.indexOf(atom as Variable));
    if (before === null) return null;
    atom = before;
  }
  const operand = atom instanceof Variable ? binders.indexOf(atom) : -1;
  return operand < 0 ? null : operand;
}

/** The input whose memory an output of an equation may reuse. */
function predecessorOf(equation: Equation, output: number): Atom | null {
  const { primitive, inputs } = equation;
  if (isUpdate(primitive.name) || kindOf(primitive.name).kind === "alias") return inputs[0];
  if (primitive.isCall === true) {
    const { program } = equation.params as { readonly program: unknown };
    if (!(program instanceof Program)) return null;
    const operand = ancestorOf(program, program.results[output]);
    return operand === null ? null : inputs[operand];
  }
  const control = asControl(equation);
  switch (control?.kind) {
    case "scan":
      return output < control.params.carry ? inputs[control.params.consts + output] : null;
    case "while":
      return inputs[control.params.conditionConsts + control.params.bodyConsts + output];
    case "switch": {
      const heir = heirsOf(control.params.branches)[output];
      return heir === null ? null : inputs[1 + heir];
    }
    default:
      return null;
  }
}
