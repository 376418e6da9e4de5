/**
 * The pass that lets contractions read transposed arguments where they are, instead of having them
 * copied.
 *
 * @module
 */
import { Program, Variable } from "../core/program.ts";
import type { Atom, Equation } from "../core/program.ts";
import { typeOf } from "../core/program.ts";
import type { ContractParams } from "../primitives/contraction.ts";
import type { TransposeParams } from "../primitives/structure.ts";

/** Replaces transposed arguments of contractions whose remaining axes keep their order. */
export function absorbTransposes(program: Program): Program {
  const origins = new Map<Atom, Equation>();
  const equations = program.equations.map((equation) => {
    for (const output of equation.outputs) origins.set(output, equation);
    if (equation.primitive.name !== "contract") return equation;
    return absorb(absorb(equation, 0, origins), 1, origins);
  });
  return new Program(program.binders, equations, program.results);
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
