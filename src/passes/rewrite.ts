/**
 * The basis of passes: a traversal of a program's equations that replaces variables.
 *
 * @module
 */
import { Program, Variable } from "../core/program.ts";
import type { Atom, Equation } from "../core/program.ts";

/**
 * The replacement of an equation: other atoms in place of its results, or `null` if it is kept.
 * `inputs` are its inputs with all replacements so far.
 */
export type Rule = (equation: Equation) => readonly Atom[] | null;

/** Applies a rule to every equation, in order; results are replaced wherever they are read. */
export function rewrite(program: Program, rule: Rule): Program {
  const replaced = new Map<Variable, Atom>();
  const read = (atom: Atom): Atom => atom instanceof Variable ? replaced.get(atom) ?? atom : atom;
  const equations: Equation[] = [];
  for (const equation of program.equations) {
    const current = { ...equation, inputs: equation.inputs.map(read) };
    const atoms = rule(current);
    if (atoms === null) equations.push(current);
    else equation.outputs.forEach((variable, i) => replaced.set(variable, atoms[i]));
  }
  return new Program(program.binders, equations, program.results.map(read));
}
