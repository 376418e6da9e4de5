/**
 * The passes that replace calls by the equations of the called programs, so that later passes can
 * optimise across them.
 *
 * @module
 */
import { Program, Variable } from "../core/program.ts";
import type { Atom, Equation } from "../core/program.ts";
import { Concrete } from "../core/tensor.ts";
import { asControl } from "./control.ts";

/** The program that an equation runs unchanged, and its arguments. */
export interface Called {
  readonly program: Program;
  readonly args: readonly Atom[];
}

/**
 * The program that an equation calls, if it is a call. A program that runs at the positions of a mesh
 * is not inlined.
 */
function calledBy({ primitive, params, inputs }: Equation): Called | null {
  if (primitive.isCall !== true || (primitive.target?.(params) ?? null) !== null) return null;
  const { program } = params as { readonly program?: unknown };
  return program instanceof Program ? { program, args: inputs } : null;
}

/** The branch of a switch by a constant. */
function chosenBy(equation: Equation): Called | null {
  const control = asControl(equation);
  const [index, ...args] = equation.inputs;
  if (control?.kind !== "switch" || !(index instanceof Concrete)) return null;
  const { branches } = control.params;
  const [place] = index.elements;
  return { program: branches[Math.min(Math.max(place, 0), branches.length - 1)], args };
}

/** Whether a backend has a kernel for a call, which is then not inlined. */
export type IsKept = (equation: Equation) => boolean;

/** All calls are inlined. */
export const keepsNone: IsKept = () => false;

/** Replaces calls by the equations of the called programs, with new variables. */
export function inlineCalls(program: Program, isKept: IsKept = keepsNone): Program {
  return inline(program, (equation) => isKept(equation) ? null : calledBy(equation));
}

/**
 * Replaces calls of the primitive `call`: other primitives that run a program have their own
 * derivatives, and are kept.
 */
export function inlinePlainCalls(program: Program): Program {
  return inline(
    program,
    (equation) => equation.primitive.name === "call" ? calledBy(equation) : null,
  );
}

/** Replaces switches whose index is known by the equations of the branch, after `prepare`. */
export function inlineBranches(program: Program, prepare: (branch: Program) => Program): Program {
  return inline(program, (equation) => {
    const chosen = chosenBy(equation);
    return chosen === null ? null : { program: prepare(chosen.program), args: chosen.args };
  });
}

/** Replaces the equations for which `find` returns a program by that program's equations. */
export function inline(
  program: Program,
  find: (equation: Equation) => Called | null,
): Program {
  if (!program.equations.some((equation) => find(equation) !== null)) return program;
  const equations: Equation[] = [];

  /** Adds the equations of a program, given its arguments; returns its results. */
  function add(called: Program, args: readonly Atom[]): Atom[] {
    const values = new Map<Atom, Atom>();
    called.binders.forEach((variable, i) => values.set(variable, args[i]));
    const read = (atom: Atom): Atom => values.get(atom) ?? atom;
    for (const equation of called.equations) {
      const inputs = equation.inputs.map(read);
      const inner = find({ ...equation, inputs });
      if (inner !== null) {
        const results = add(inner.program, inner.args);
        equation.outputs.forEach((variable, i) => values.set(variable, results[i]));
        continue;
      }
      // The same program may be called more than once, and each call needs its own variables.
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
