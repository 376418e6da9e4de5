/**
 * The reference evaluator as a backend: programs run equation by equation, without tracing and without type
 * checks that were done before. Values are dropped after their last use.
 *
 * @module
 */
import type { Atom, Program, Variable } from "../core/program.ts";
import { Concrete, Tensor } from "../core/tensor.ts";
import type { Type } from "../core/tensor.ts";
import { evaluate } from "../core/evaluation.ts";
import type { Primitive } from "../core/primitive.ts";
import type { Backend, Donations } from "./backend.ts";

/** An equation with indices into the table of values instead of variables. */
interface Step {
  readonly primitive: Primitive;
  readonly params: unknown;
  readonly inputs: readonly number[];
  readonly types: readonly Type[];
  /** The index of the first result; the other results follow. */
  readonly target: number;
  /** Indices that are not read after this step. */
  readonly dropped: readonly number[];
}

/** For each equation, the variables that are not used after it. */
export function lastUses(program: Program): readonly (readonly Variable[])[] {
  // A result that is never read is dropped immediately.
  const last = new Map<Variable, number>();
  program.equations.forEach(({ inputs, outputs }, i) => {
    for (const atom of inputs) if (!(atom instanceof Tensor)) last.set(atom, i);
    for (const variable of outputs) last.set(variable, i);
  });
  for (const atom of program.results) if (!(atom instanceof Tensor)) last.delete(atom);
  const dropped: Variable[][] = program.equations.map(() => []);
  for (const [variable, i] of last) dropped[i].push(variable);
  return dropped;
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
  const dropped = lastUses(program);
  const steps = program.equations.map((equation, i): Step => {
    const inputs = equation.inputs.map(placeOf);
    const [target] = equation.outputs.map(placeOf);
    return {
      primitive: equation.primitive,
      params: equation.params,
      inputs,
      types: equation.outputs.map(({ type }) => type),
      target,
      dropped: dropped[i].map(placeOf),
    };
  });
  const results = program.results.map(placeOf);

  return (args) => {
    const values = [...initial];
    for (let i = 0; i < args.length; i++) values[i] = args[i];
    for (const { primitive, params, inputs, types, target, dropped } of steps) {
      const operands: Concrete[] = new Array(inputs.length);
      for (let i = 0; i < inputs.length; i++) operands[i] = values[inputs[i]]!;
      const outputs = evaluate(primitive, operands, params, types);
      for (let i = 0; i < outputs.length; i++) values[target + i] = outputs[i];
      for (let i = 0; i < dropped.length; i++) values[dropped[i]] = undefined;
    }
    return results.map((place) => values[place]!);
  };
}

/**
 * Results as tensors that remain usable when arguments are donated: a result may be an argument unchanged.
 */
export function apartFrom(
  args: readonly Concrete[],
  results: readonly Concrete[],
  names: Donations = [],
): readonly Concrete[] {
  const given = new Set(args.filter((_, i) => (names[i] ?? null) !== null));
  return results.map((one) =>
    given.has(one) ? new Concrete(one.dtype, one.shape, one.storage) : one
  );
}

/** No elements are stored outside the heap. */
const NO_MEMORY = { held: 0, peak: 0, limit: 0, residents: 0, droppable: 0, window: 0 };

/** The evaluator as the backend of a device of any kind. */
export function makeEvaluator(name: string): Backend {
  return {
    name,
    compile(program) {
      const run = makeRunner(program);
      return {
        run(args, names) {
          const results = apartFrom(args, run(args), names);
          names?.forEach((name, i) => name !== null && args[i].giveUp(name));
          return results;
        },
        isWhole: true,
        describe: () => ({
          kernels: [],
          steps: program.equations.length,
          workspace: 0,
          code: 0,
          text: String(program),
        }),
      };
    },
    evaluate: () => null,
    put() {},
    threads: () => 1,
    memoryUsage: () => NO_MEMORY,
    configure() {},
  };
}

/** The evaluator on the CPU. */
export const evaluator: Backend = makeEvaluator("evaluator");
