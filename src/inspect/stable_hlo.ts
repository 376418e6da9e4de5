/**
 * Programs as StableHLO, the language that XLA, and what is built on it, reads.
 *
 * @module
 */
import { argumentError } from "../base/errors.ts";
import type { Program } from "../core/program.ts";
import { asControl, someEquation } from "../passes/control.ts";
import { optimize } from "../passes/mod.ts";
import { writeModule } from "../stablehlo/mod.ts";
import { ruleOf } from "../stablehlo/table.ts";

/**
 * A program as StableHLO text, after all passes: a module whose function `main` takes the program's
 * arguments and gives its results. The text is the same in every run. A program that reads or writes at
 * indices has one result more, a boolean: whether one of them was outside of its axis, so that the other
 * results mean nothing.
 *
 * @param program What `makeProgram` gave.
 * @returns A module as text.
 * @throws {ArgumentError} when it has an operation that is left to the evaluator on every device.
 *
 * @example For JAX, or another tool that reads StableHLO
 * ```ts
 * import { inspect, makeProgram } from "@jacobi/jacobi";
 *
 * const text = inspect.toStableHlo(makeProgram((x) => x.sin().sum())(1));
 * if (!text.includes("stablehlo.sine")) throw new Error(text);
 * ```
 */
export function toStableHlo(program: Program): string {
  const optimized = optimize(program);
  let missing = "";
  someEquation(optimized, (equation) => {
    if (asControl(equation) !== null || ruleOf(equation.primitive.name) !== null) return false;
    missing = equation.primitive.name;
    return true;
  });
  if (missing !== "") {
    throw argumentError(
      `Cannot write the program as StableHLO: ${missing} has no form there; leave it to what is ` +
        `computed before or after`,
    );
  }
  return writeModule(optimized).text;
}
