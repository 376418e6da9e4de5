/**
 * The basis of passes: a traversal of a program's equations that replaces variables.
 *
 * @module
 */
import { encode, showNumber } from "../base/data.ts";
import { Program, Variable } from "../core/program.ts";
import type { Atom, Equation } from "../core/program.ts";
import { Concrete } from "../core/tensor.ts";

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

/** A function that gives equations keys, equal ones to those of equal operations on equal inputs only. */
export function keysOfEquations(): (equation: Equation) => string {
  const numbers = new Map<unknown, number>();
  const numberOf = (value: unknown): string => {
    let number = numbers.get(value);
    if (number === undefined) numbers.set(value, number = numbers.size);
    return `#${number}`;
  };
  const nameOf = (atom: Atom): string => {
    const isSplat = atom instanceof Concrete && atom.held === 1;
    if (atom instanceof Variable || !isSplat) return numberOf(atom);
    const [value] = atom.elements;
    return `${atom.dtype}[${atom.shape}]${showNumber(value)}`;
  };
  return ({ primitive, params, inputs }) =>
    [numberOf(primitive), encode(params, numberOf), ...inputs.map(nameOf)].join("|");
}
