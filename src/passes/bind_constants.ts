/**
 * A pass that moves constants that are passed to nested programs into these programs, where the other
 * passes can use them.
 *
 * @module
 */
import { Program, typeOf } from "../core/program.ts";
import type { Atom, Equation } from "../core/program.ts";
import { Concrete } from "../core/tensor.ts";
import { asControl, type ScanParams, type WhileParams } from "./control.ts";

/** A constant that is one value everywhere. */
function isUniform(atom: Atom): atom is Concrete {
  return atom instanceof Concrete && atom.held === 1;
}

/** Whether two atoms are the same, or constants of the same value everywhere. */
export function isSame(a: Atom, b: Atom): boolean {
  if (a === b) return true;
  return isUniform(a) && isUniform(b) && a.dtype === b.dtype &&
    Object.is(a.elements[0], b.elements[0]);
}

/** The program with constants in place of some binders; the binders remain. */
function bind(program: Program, constants: readonly (Concrete | null)[]): Program {
  const values = new Map<Atom, Atom>();
  constants.forEach((constant, i) => {
    if (constant !== null) values.set(program.binders[i], constant);
  });
  if (values.size === 0) return program;
  const read = (atom: Atom): Atom => values.get(atom) ?? atom;
  const equations = program.equations.map((equation) => ({
    ...equation,
    inputs: equation.inputs.map(read),
  }));
  return new Program(program.binders, equations, program.results.map(read));
}

/** Which carried values start as a constant and keep its value: `results` are those of the body. */
function staying(
  start: readonly Atom[],
  binders: readonly Atom[],
  results: readonly Atom[],
): (Concrete | null)[] {
  return start.map((atom, i) =>
    isUniform(atom) && (results[i] === binders[i] || isSame(results[i], atom)) ? atom : null
  );
}

function bindScan(equation: Equation, params: ScanParams): Equation {
  const { body, consts, carry, length } = params;
  const end = consts + carry;
  const carried = staying(
    equation.inputs.slice(consts, end),
    body.binders.slice(consts, end),
    body.results.slice(0, carry),
  );
  const constants = equation.inputs.map((atom, i) => {
    if (!isUniform(atom)) return null;
    if (i < consts) return atom;
    if (i < end) return carried[i - consts];
    const { dtype, shape } = typeOf(body.binders[i]);
    // A sequence of one element is not a constant for all steps.
    return shape.includes(0) || length === 0 ? null : new Concrete(dtype, shape, atom.storage);
  });
  const bound = bind(body, constants);
  return bound === body ? equation : { ...equation, params: { ...params, body: bound } };
}

function bindWhile(equation: Equation, params: WhileParams): Equation {
  const { condition, body, conditionConsts, bodyConsts } = params;
  const { inputs } = equation;
  const first = conditionConsts + bodyConsts;
  const carried = staying(inputs.slice(first), body.binders.slice(bodyConsts), body.results);
  const constantsOf = (atoms: readonly Atom[]) =>
    atoms.map((atom) => isUniform(atom) ? atom : null);
  const own = constantsOf(inputs.slice(0, conditionConsts));
  const consts = constantsOf(inputs.slice(conditionConsts, first));
  const bound = {
    condition: bind(condition, [...own, ...carried]),
    body: bind(body, [...consts, ...carried]),
  };
  const isUnchanged = bound.condition === condition && bound.body === body;
  return isUnchanged ? equation : { ...equation, params: { ...params, ...bound } };
}

/** Moves constants of one value into the programs of loops and switches. */
export function bindConstants(program: Program): Program {
  if (!program.equations.some((equation) => asControl(equation) !== null)) return program;
  const equations = program.equations.map((equation) => {
    const control = asControl(equation);
    switch (control?.kind) {
      case "scan":
        return bindScan(equation, control.params);
      case "while":
        return bindWhile(equation, control.params);
      case "switch": {
        const constants = equation.inputs.slice(1).map((atom) => isUniform(atom) ? atom : null);
        if (constants.every((constant) => constant === null)) return equation;
        const branches = control.params.branches.map((branch) => bind(branch, constants));
        return { ...equation, params: { ...control.params, branches } };
      }
      default:
        return equation;
    }
  });
  return new Program(program.binders, equations, program.results);
}
