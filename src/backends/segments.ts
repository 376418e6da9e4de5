/**
 * Programs divided into segments for a device and segments for the evaluator.
 *
 * @module
 */
import { sizeOf } from "../base/shape.ts";
import { isEffectful, Program, typeOf } from "../core/program.ts";
import type { Atom, Equation, Variable } from "../core/program.ts";
import { Concrete } from "../core/tensor.ts";

/** A part of a program. */
export interface Segment {
  /** The segment as a program. */
  readonly program: Program;
  /** Its inputs: variables of the whole program. */
  readonly inputs: readonly Variable[];
  /** Its outputs. */
  readonly outputs: readonly Variable[];
  /** Whether the device computes it; otherwise the evaluator does. */
  readonly isOnDevice: boolean;
}

/**
 * The equations that are left to the evaluator: those that the device cannot compute, and scalar
 * computations that lead from arguments to them. For example, a step counter from which decays are computed
 * in float64 then does not have to be fetched from the device in each step.
 */
function leftToEvaluator(
  { binders, equations }: Program,
  isOnDevice: (equation: Equation) => boolean,
): ReadonlySet<Equation> {
  const isSmall = (atom: Atom) => sizeOf(typeOf(atom).shape) === 1;
  const left = new Set(equations.filter((equation) => !isOnDevice(equation)));
  const known = new Set<Atom>(binders);
  const near = equations.filter((equation) => {
    const { inputs, outputs } = equation;
    const isNear = inputs.every((atom) => atom instanceof Concrete || known.has(atom)) &&
      (left.has(equation) || [...inputs, ...outputs].every(isSmall) && !isEffectful(equation));
    if (isNear) outputs.forEach((variable) => known.add(variable));
    return isNear;
  });
  const needed = new Set<Atom>([...left].flatMap(({ inputs }) => inputs));
  for (const equation of near.reverse()) {
    if (!equation.outputs.some((variable) => needed.has(variable))) continue;
    left.add(equation);
    equation.inputs.forEach((atom) => needed.add(atom));
  }
  return left;
}

/**
 * Groups of equations of one kind, as few as the dependencies allow; equations with effects keep their
 * order.
 */
function groupsOf(
  { binders, equations }: Program,
  left: ReadonlySet<Equation>,
): readonly { readonly onDevice: boolean; readonly equations: readonly Equation[] }[] {
  const groups: { readonly onDevice: boolean; readonly equations: readonly Equation[] }[] = [];
  const known = new Set<Atom>(binders);
  let rest: readonly Equation[] = equations;
  for (let onDevice = false; rest.length > 0; onDevice = !onDevice) {
    const [group, later]: [Equation[], Equation[]] = [[], []];
    let waits = false;
    for (const equation of rest) {
      const acts = isEffectful(equation);
      const isNext = left.has(equation) !== onDevice && !(acts && waits) &&
        equation.inputs.every((atom) => atom instanceof Concrete || known.has(atom));
      (isNext ? group : later).push(equation);
      if (isNext) equation.outputs.forEach((variable) => known.add(variable));
      else waits ||= acts;
    }
    if (group.length > 0) groups.push({ onDevice, equations: group });
    rest = later;
  }
  return groups;
}

/**
 * The segments in order. Equations of one kind are adjacent unless equations between them are needed.
 * `isOnDevice` tests whether a device can compute an equation, including all programs in it.
 */
export function divide(
  program: Program,
  isOnDevice: (equation: Equation) => boolean,
): readonly Segment[] {
  const groups = groupsOf(program, leftToEvaluator(program, isOnDevice));
  // The values that are read after each group.
  const needed: Set<Atom>[] = [];
  const reading = new Set<Atom>(program.results);
  for (let i = groups.length - 1; i >= 0; i--) {
    needed[i] = new Set(reading);
    for (const { inputs } of groups[i].equations) inputs.forEach((atom) => reading.add(atom));
  }
  return groups.map(({ onDevice, equations }, i) => {
    const bound = new Set<Atom>(equations.flatMap(({ outputs }) => outputs));
    const read = new Set(equations.flatMap(({ inputs }) => inputs));
    const inputs = [...read].filter((atom): atom is Variable =>
      !(atom instanceof Concrete) && !bound.has(atom)
    );
    const outputs = [...bound].filter((atom): atom is Variable => needed[i].has(atom));
    return {
      program: new Program(inputs, equations, outputs),
      inputs,
      outputs,
      isOnDevice: onDevice,
    };
  });
}
