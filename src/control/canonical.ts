/**
 * One program for all that are equal. Control flow outside of `jit` traces its functions at each call;
 * what was derived from the same program before, its linearisation, its transpose or a compiled module,
 * is found again by it.
 *
 * @module
 */
import { encode, showNumber } from "../base/data.ts";
import { isInspecting } from "../core/origin.ts";
import { Variable } from "../core/program.ts";
import type { Atom, Program } from "../core/program.ts";
import { Concrete } from "../core/tensor.ts";

/** How many programs are kept; the one that was used longest ago makes room. */
const MOST = 256;

/** Programs with more equations than this take long to compare, and are rarely made twice. */
const LARGEST = 2000;

const programs = new Map<string, Program>();

/** Numbers of what is compared by identity: primitives, functions, tensors. */
const identities = new WeakMap<WeakKey, number>();
let nextIdentity = 0;

/** Whether the program at hand holds functions or objects that were never met before. */
let isUnheardOf = false;

function identityOf(value: WeakKey): number {
  let identity = identities.get(value);
  if (identity === undefined) identities.set(value, identity = nextIdentity++);
  return identity;
}

/** The same for what a user's closures may hang from. */
function identityOfParameter(value: WeakKey): string {
  if (!identities.has(value)) isUnheardOf = true;
  return `#${identityOf(value)}`;
}

/** A program that was met before and equals this one, or else this one. */
export function canonical(program: Program): Program {
  // Equations made while somebody looks for the line that they come from are not exchanged.
  if (program.equations.length > LARGEST || isInspecting()) return program;
  isUnheardOf = false;
  const key = keyOf(program);
  // A derivative rule or a callback that was made in this call will not be met again, and keeping it
  // would keep all that it closes over.
  if (isUnheardOf) return program;
  const found = programs.get(key);
  if (found !== undefined) programs.delete(key);
  const chosen = found ?? program;
  programs.set(key, chosen);
  // Programs that hold this one are kept too.
  identityOf(chosen);
  if (programs.size > MOST) programs.delete(programs.keys().next().value!);
  return chosen;
}

/** A text that two programs share only if they do the same. */
function keyOf({ binders, equations, results }: Program): string {
  const numbers = new Map<Variable, number>();
  const bindVariable = (variable: Variable): string => {
    numbers.set(variable, numbers.size);
    return `${variable.type.dtype}[${variable.type.shape}]`;
  };
  const read = (atom: Atom): string => {
    if (atom instanceof Variable) return String(numbers.get(atom));
    if (!(atom instanceof Concrete) || atom.held !== 1) return `#${identityOf(atom)}`;
    return `${atom.dtype}[${atom.shape}]${showNumber(atom.elements[0])}`;
  };
  const parts = [binders.map(bindVariable).join(" ")];
  for (const { primitive, inputs, params, outputs } of equations) {
    const shownInputs = inputs.map(read).join(" ");
    const shownOutputs = outputs.map(bindVariable).join(" ");
    const shownParams = params === null ? "" : encode(params, identityOfParameter);
    parts.push(`${identityOf(primitive)}(${shownInputs})${shownOutputs}${shownParams}`);
  }
  parts.push(results.map(read).join(" "));
  return parts.join("\n");
}
