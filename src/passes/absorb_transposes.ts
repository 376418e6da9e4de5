/**
 * A pass that makes contractions read transposed arguments in place, and write transposed results
 * directly, instead of having them copied.
 *
 * @module
 */
import { isNarrow } from "../base/dtype.ts";
import { range, sameShape } from "../base/shape.ts";
import { Program, Variable, withoutDeadEquations } from "../core/program.ts";
import type { Atom, Equation } from "../core/program.ts";
import { typeOf } from "../core/program.ts";
import type { ContractParams } from "../primitives/contraction.ts";
import type { TransposeParams } from "../primitives/structure.ts";

/**
 * Removes transpositions of arguments of contractions if the order of the remaining axes is not
 * changed, and replaces transposed results by those of the contraction with its arguments exchanged. A
 * transposed value that is then widened is widened first.
 */
export function absorbTransposes(program: Program): Program {
  const origins = new Map<Atom, Equation>();
  const uses = countUses(program);
  const equations = program.equations.flatMap((equation) => {
    const { name } = equation.primitive;
    let current = [equation];
    if (name === "contract") current = [absorb(absorb(equation, 0, origins), 1, origins)];
    if (name === "transpose") current = [exchange(equation, origins, uses)];
    if (name === "convert") current = widenFirst(equation, origins, uses);
    for (const one of current) for (const output of one.outputs) origins.set(output, one);
    return current;
  });
  // A contraction with exchanged arguments is not also computed in its original order.
  return withoutDeadEquations(new Program(program.binders, equations, program.results));
}

/** The number of times that each value is read. */
function countUses({ equations, results }: Program): ReadonlyMap<Atom, number> {
  const uses = new Map<Atom, number>();
  for (const atom of [...equations.flatMap(({ inputs }) => inputs), ...results]) {
    uses.set(atom, (uses.get(atom) ?? 0) + 1);
  }
  return uses;
}

/**
 * If the only use of a transposed value of a narrow dtype is its conversion, the transposition of the
 * converted value.
 */
function widenFirst(
  equation: Equation,
  origins: ReadonlyMap<Atom, Equation>,
  uses: ReadonlyMap<Atom, number>,
): Equation[] {
  const [input] = equation.inputs;
  const [output] = equation.outputs;
  const origin = origins.get(input);
  if (origin?.primitive.name !== "transpose" || uses.get(input) !== 1) return [equation];
  if (!isNarrow(typeOf(input).dtype)) return [equation];
  const { shape } = typeOf(origin.inputs[0]);
  const value = new Variable({ dtype: output.type.dtype, shape });
  return [
    { ...equation, inputs: origin.inputs, outputs: [value] },
    { ...origin, inputs: [value], outputs: [output] },
  ];
}

/** A transposition as a contraction, if it only exchanges the axes of the two arguments. */
function exchange(
  equation: Equation,
  origins: ReadonlyMap<Atom, Equation>,
  uses: ReadonlyMap<Atom, number>,
): Equation {
  const [input] = equation.inputs;
  const origin = origins.get(input);
  if (origin?.primitive.name !== "contract" || uses.get(input) !== 1) return equation;
  const { contract, batch } = origin.params as ContractParams;
  const shared = batch[0].length;
  const [first, second] = origin.inputs.map((atom, side) =>
    typeOf(atom).shape.length - contract[side].length - shared
  );
  const start = range(shared);
  const swapped = [
    ...range(shared + first, shared + first + second),
    ...range(shared, shared + first),
  ];
  const { permutation } = equation.params as TransposeParams;
  if (!sameShape(permutation, [...start, ...swapped])) return equation;
  const params: ContractParams = {
    contract: [contract[1], contract[0]],
    batch: [batch[1], batch[0]],
  };
  return { ...origin, inputs: origin.inputs.toReversed(), params, outputs: equation.outputs };
}

function absorb(
  equation: Equation,
  side: 0 | 1,
  origins: ReadonlyMap<Atom, Equation>,
): Equation {
  const input = equation.inputs[side];
  if (!(input instanceof Variable)) return equation;
  const origin = origins.get(input);
  if (origin?.primitive.name !== "transpose") return equation;
  const { permutation } = origin.params as TransposeParams;
  const { contract, batch } = equation.params as ContractParams;
  const used = new Set([...contract[side], ...batch[side]]);
  const free = typeOf(input).shape.flatMap((_, axis) => used.has(axis) ? [] : [permutation[axis]]);
  if (free.some((axis, i) => i > 0 && free[i - 1] > axis)) return equation;
  const move = (axes: readonly number[]): number[] => axes.map((axis) => permutation[axis]);
  const replace = <T>(pair: readonly [T, T], value: T): readonly [T, T] =>
    side === 0 ? [value, pair[1]] : [pair[0], value];
  const params: ContractParams = {
    contract: replace(contract, move(contract[side])),
    batch: replace(batch, move(batch[side])),
  };
  const inputs = equation.inputs.map((atom, i) => i === side ? origin.inputs[0] : atom);
  return { ...equation, inputs, params };
}
