/**
 * The pass that puts the equations of called programs in the place of the calls, so that the passes
 * behind it see all of the work at once.
 *
 * @module
 */
import { Program, Variable } from "../core/program.ts";
import type { Atom, Equation } from "../core/program.ts";

/** The program that an equation calls, if it does. */
function calledBy({ primitive, params }: Equation): Program | null {
  if (primitive.name !== "call") return null;
  const { program } = params as { readonly program?: unknown };
  return program instanceof Program ? program : null;
}

/** Replaces calls by the equations of what they call, with variables of their own. */
export function inlineCalls(program: Program): Program {
  if (!program.equations.some((equation) => calledBy(equation) !== null)) return program;
  const equations: Equation[] = [];

  /** Adds the equations of a program, given its arguments; gives its results. */
  function add(called: Program, args: readonly Atom[]): Atom[] {
    const values = new Map<Atom, Atom>();
    called.binders.forEach((variable, i) => values.set(variable, args[i]));
    const read = (atom: Atom): Atom => values.get(atom) ?? atom;
    for (const equation of called.equations) {
      const inputs = equation.inputs.map(read);
      const inner = calledBy(equation);
      if (inner !== null) {
        const results = add(inner, inputs);
        equation.outputs.forEach((variable, i) => values.set(variable, results[i]));
        continue;
      }
      // The same program may be called more than once, and each call binds variables of its own.
      const outputs = called === program
        ? equation.outputs
        : equation.outputs.map(({ type }) => new Variable(type));
      equation.outputs.forEach((variable, i) => values.set(variable, outputs[i]));
      equations.push({ ...equation, inputs, outputs });
    }
    return called.results.map(read);
  }

  const results = add(program, program.binders);
  return new Program(program.binders, equations, results);
}
