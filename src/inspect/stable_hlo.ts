/**
 * Programs as StableHLO, the input language of XLA and of tools based on it.
 *
 * @module
 */
import type { Program } from "../core/program.ts";
import * as stablehlo from "../stablehlo/mod.ts";
import { checkIsProgram } from "./text.ts";

/**
 * A program as StableHLO text, after all passes: a module whose function `main` takes the program's
 * arguments and returns its results. The text is the same in every run. A program that reads or writes
 * at indices has one additional result, a boolean: whether one of the indices was out of range, in
 * which case the other results are undefined.
 *
 * @category Inspection
 * @param program A program from `makeProgram`.
 * @returns A module as text.
 * @throws {ArgumentError} when `program` is not a program, or it has an operation that the evaluator
 * computes on every device.
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
  checkIsProgram(program, "write as StableHLO");
  return stablehlo.toStableHlo(program);
}
