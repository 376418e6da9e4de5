/**
 * A pass that computes equal expressions once (common subexpression elimination).
 *
 * @module
 */
import { encode, showNumber } from "../base/data.ts";
import { isEffectful, Variable } from "../core/program.ts";
import type { Atom, Program } from "../core/program.ts";
import { Concrete } from "../core/tensor.ts";
import { rewrite } from "./rewrite.ts";

/** Replaces equations that repeat an earlier one by the results of that one. */
export function shareEquations(program: Program): Program {
  const numbers = new Map<unknown, number>();
  const numberOf = (value: unknown): string => {
    let number = numbers.get(value);
    if (number === undefined) numbers.set(value, number = numbers.size);
    return `#${number}`;
  };
  const nameOf = (atom: Atom): string => {
    const isSplat = atom instanceof Concrete && atom.held === 1;
    if (atom instanceof Variable || !isSplat) return numberOf(atom);
    const [value] = atom.elements;
    return `${atom.dtype}[${atom.shape}]${showNumber(value)}`;
  };
  const seen = new Map<string, readonly Variable[]>();
  return rewrite(program, (equation) => {
    const { primitive, inputs, params, outputs } = equation;
    if (isEffectful(equation)) return null;
    const key = [
      numberOf(primitive),
      encode(params, numberOf),
      ...inputs.map(nameOf),
    ].join("|");
    const before = seen.get(key);
    if (before === undefined) seen.set(key, outputs);
    return before ?? null;
  });
}
