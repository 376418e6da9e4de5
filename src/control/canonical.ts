/**
 * A canonical instance for equal programs. Control flow outside of `jit` traces its functions at each
 * call. With a canonical program, values derived from an equal earlier program, such as its
 * linearisation, its transpose or a compiled module, are found again.
 *
 * @module
 */
import { encode, showNumber } from "../base/data.ts";
import { isInspecting } from "../core/origin.ts";
import { Variable } from "../core/program.ts";
import type { Atom, Program } from "../core/program.ts";
import { Concrete } from "../core/tensor.ts";

/** The maximum number of programs kept; the least recently used one is removed first. */
const MOST = 256;

/** Larger programs are slow to compare, and are rarely created twice. */
const LARGEST = 2000;

const programs = new Map<string, Program>();

/** Numbers of values that are compared by identity: primitives, functions, tensors. */
const identities = new WeakMap<WeakKey, number>();
let nextIdentity = 0;

/** Whether the current program contains functions or objects that are seen for the first time. */
let isUnheardOf = false;

function identityOf(value: WeakKey): number {
  let identity = identities.get(value);
  if (identity === undefined) identities.set(value, identity = nextIdentity++);
  return identity;
}

/** The same for objects that a user's closures may reference. */
function identityOfParameter(value: WeakKey): string {
  if (!identities.has(value)) isUnheardOf = true;
  return `#${identityOf(value)}`;
}

/** An equal earlier program if there is one, or else this one. */
export function canonical(program: Program): Program {
  // Equations recorded while results are inspected are not replaced, since they store their source lines.
  if (program.equations.length > LARGEST || isInspecting()) return program;
  isUnheardOf = false;
  const key = keyOf(program);
  // A derivative rule or a callback that was created in this call will not be seen again, and keeping
  // it would retain everything that it closes over.
  if (isUnheardOf) return program;
  const found = programs.get(key);
  if (found !== undefined) programs.delete(key);
  const chosen = found ?? program;
  programs.set(key, chosen);
  // Programs that contain this one are kept too.
  identityOf(chosen);
  if (programs.size > MOST) programs.delete(programs.keys().next().value!);
  return chosen;
}

/** A text that is equal for two programs only if they do the same. */
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
