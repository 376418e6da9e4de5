/**
 * Values that programs pass through unchanged: a result of control flow that is one of its operands,
 * whichever branch is taken and however many steps a loop runs.
 *
 * @module
 */
import { asControl } from "../passes/control.ts";
import type { Program } from "../core/program.ts";
import type { Atom, Equation } from "../core/program.ts";

const found = new WeakMap<Program, readonly (number | null)[]>();

/**
 * For each result of a program the number of the binder that it equals, `null` for results that are
 * computed.
 */
export function handedOn(program: Program): readonly (number | null)[] {
  let places = found.get(program);
  if (places === undefined) {
    const origins = new Map<Atom, Atom>();
    const read = (atom: Atom): Atom => origins.get(atom) ?? atom;
    for (const equation of program.equations) {
      handedOnBy(equation).forEach((input, i) => {
        if (input !== null) origins.set(equation.outputs[i], read(equation.inputs[input]));
      });
    }
    const binders = new Map<Atom, number>(program.binders.map((variable, i) => [variable, i]));
    found.set(program, places = program.results.map((atom) => binders.get(read(atom)) ?? null));
  }
  return places;
}

/** The operand that all branches return as this result, `null` if there is none. */
export function handedOnByBranches(
  branches: readonly Program[],
): readonly (number | null)[] {
  const [first, ...others] = branches.map(handedOn);
  return first.map((place, i) => others.every((other) => other[i] === place) ? place : null);
}

/** Which carried values are not changed by any step; the first of them is binder `first`. */
export function keptBy(body: Program, first: number, count: number): readonly boolean[] {
  return handedOn(body).slice(0, count).map((place, i) => place === first + i);
}

/** For each result of an equation the input that it equals, or `null`. */
function handedOnBy(equation: Equation): readonly (number | null)[] {
  const control = asControl(equation);
  const carried = (body: Program, before: number, first: number, count: number) =>
    keptBy(body, first, count).map((isKept, i) => isKept ? before + first + i : null);
  switch (control?.kind) {
    case "switch":
      return handedOnByBranches(control.params.branches)
        .map((place) => place === null ? null : place + 1);
    case "scan": {
      const { body, consts, carry } = control.params;
      return carried(body, 0, consts, carry);
    }
    case "while": {
      const { body, conditionConsts, bodyConsts } = control.params;
      return carried(body, conditionConsts, bodyConsts, equation.outputs.length);
    }
  }
  // Calls with custom derivative rules do not pass derivatives through.
  const { primitive: { name }, params } = equation;
  if (name !== "call" && name !== "checkpoint") return [];
  const { program } = params as { readonly program: Program };
  return handedOn(program);
}
