/**
 * Programs divided into what a device computes and what is left to the evaluator.
 *
 * @module
 */
import { sizeOf } from "../base/shape.ts";
import { Program, typeOf } from "../core/program.ts";
import type { Atom, Equation, Variable } from "../core/program.ts";
import { Concrete } from "../core/tensor.ts";

/** A part of a program. */
export interface Segment {
  /** The part as a program of its own. */
  readonly program: Program;
  /** What it is given: variables of the whole. */
  readonly inputs: readonly Variable[];
  /** What it computes. */
  readonly outputs: readonly Variable[];
  /** Whether the device computes it; the evaluator does otherwise. */
  readonly isOnDevice: boolean;
}

/**
 * The parts in order. Equations of one kind stand together where nothing between them is needed.
 * `isOnDevice` says whether a device can compute an equation, with all programs in it.
 */
export function divide(
  program: Program,
  isOnDevice: (equation: Equation) => boolean,
): readonly Segment[] {
  const groups: { readonly onDevice: boolean; readonly equations: Equation[] }[] = [];
  for (const equation of program.equations) {
    const onDevice = isOnDevice(equation);
    const last = groups.at(-1);
    if (last?.onDevice === onDevice) last.equations.push(equation);
    else groups.push({ onDevice, equations: [equation] });
  }
  // What is read behind each group.
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

/**
 * The program with what the evaluator computes of scalars before all else, and those equations: its own,
 * whose inputs are scalar arguments or come from such equations, and what is computed only for them. So
 * the count of an optimiser's steps, whose powers are float64, never goes to the device and back.
 */
export function scalarsFirst(
  program: Program,
  isOnDevice: (equation: Equation) => boolean,
): { readonly program: Program; readonly first: ReadonlySet<Equation> } {
  const isScalar = (atom: Atom): boolean => sizeOf(typeOf(atom).shape) === 1;
  const known = new Set<Atom>(program.binders.filter(isScalar));
  const isKnown = (atom: Atom): boolean =>
    atom instanceof Concrete ? isScalar(atom) : known.has(atom);
  const candidates = program.equations.filter(({ inputs, outputs }) => {
    // Those without outputs have effects, which stay in order.
    const fits = outputs.length > 0 && inputs.every(isKnown) && outputs.every(isScalar);
    if (fits) outputs.forEach((output) => known.add(output));
    return fits;
  });
  const first = new Set<Equation>();
  const wanted = new Set<Atom>();
  for (const equation of candidates.toReversed()) {
    if (isOnDevice(equation) && !equation.outputs.some((output) => wanted.has(output))) continue;
    first.add(equation);
    equation.inputs.forEach((input) => wanted.add(input));
  }
  const equations = [
    ...program.equations.filter((equation) => first.has(equation)),
    ...program.equations.filter((equation) => !first.has(equation)),
  ];
  return { program: new Program(program.binders, equations, program.results), first };
}
