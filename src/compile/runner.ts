/**
 * Runs a program on the reference evaluator: no tracing, no checks of types that are known, and
 * values are dropped after their last use.
 *
 * @module
 */
import type { Atom, Program, Variable } from "../core/program.ts";
import { Concrete } from "../core/tensor.ts";
import type { Type } from "../core/tensor.ts";
import type { Primitive } from "../core/primitive.ts";

/** An equation with places in the table of values instead of variables. */
interface Step {
  readonly primitive: Primitive;
  readonly params: unknown;
  readonly inputs: readonly number[];
  readonly types: readonly Type[];
  /** Where the first result goes; the others follow it. */
  readonly target: number;
  /** Places that are not read any more after this step. */
  readonly dropped: readonly number[];
}

/** A function from the values of the binders to those of the results. */
export function makeRunner(program: Program): (args: readonly Concrete[]) => readonly Concrete[] {
  const initial: (Concrete | undefined)[] = [];
  const places = new Map<Atom, number>();
  const placeOf = (atom: Atom): number => {
    let place = places.get(atom);
    if (place === undefined) {
      places.set(atom, place = initial.length);
      initial.push(atom instanceof Concrete ? atom : undefined);
    }
    return place;
  };
  program.binders.forEach(placeOf);
  const lastReader = new Map<Variable, number>();
  const kept = new Set<Atom>(program.results);
  program.equations.forEach(({ inputs }, i) =>
    inputs.forEach((atom) => {
      if (!(atom instanceof Concrete) && !kept.has(atom)) lastReader.set(atom as Variable, i);
    })
  );
  const droppedAt = new Map<number, number[]>();
  const steps = program.equations.map((equation, i): Step => {
    const inputs = equation.inputs.map(placeOf);
    const [target] = equation.outputs.map(placeOf);
    for (const atom of equation.inputs) {
      if (lastReader.get(atom as Variable) !== i) continue;
      const list = droppedAt.get(i);
      if (list === undefined) droppedAt.set(i, [placeOf(atom)]);
      else list.push(placeOf(atom));
    }
    return {
      primitive: equation.primitive,
      params: equation.params,
      inputs,
      types: equation.outputs.map(({ type }) => type),
      target,
      dropped: droppedAt.get(i) ?? [],
    };
  });
  const results = program.results.map(placeOf);

  return (args) => {
    const values = [...initial];
    for (let i = 0; i < args.length; i++) values[i] = args[i];
    for (const { primitive, params, inputs, types, target, dropped } of steps) {
      const operands: Concrete[] = new Array(inputs.length);
      for (let i = 0; i < inputs.length; i++) operands[i] = values[inputs[i]]!;
      const outputs = primitive.evaluate(operands, params, types);
      for (let i = 0; i < outputs.length; i++) values[target + i] = outputs[i];
      for (let i = 0; i < dropped.length; i++) values[dropped[i]] = undefined;
    }
    return results.map((place) => values[place]!);
  };
}
