/**
 * A pass that computes equal expressions once (common subexpression elimination).
 *
 * @module
 */
import { isEffectful } from "../core/program.ts";
import type { Program, Variable } from "../core/program.ts";
import { keysOfEquations, rewrite } from "./rewrite.ts";

/** Replaces equations that repeat an earlier one by the results of that one. */
export function shareEquations(program: Program): Program {
  const keyOf = keysOfEquations();
  const seen = new Map<string, readonly Variable[]>();
  return rewrite(program, (equation) => {
    if (isEffectful(equation)) return null;
    const key = keyOf(equation);
    const before = seen.get(key);
    if (before === undefined) seen.set(key, equation.outputs);
    return before ?? null;
  });
}
