/**
 * Programs as StableHLO, the language that XLA, and what is built on it, reads.
 *
 * @module
 */
import type { Program } from "../core/program.ts";
import * as stablehlo from "../stablehlo/mod.ts";
import { checkIsProgram } from "./text.ts";

/**
 * A program as StableHLO text, after all passes: a module whose function `main` takes the program's
 * arguments and gives its results. The text is the same in every run. A program that reads or writes at
 * indices has one result more, a boolean: whether one of them was outside of its axis, so that the other
 * results mean nothing.
 *
 * @category Inspection
 * @param program What `makeProgram` gave.
 * @returns A module as text.
 * @throws {ArgumentError} when `program` is not a program, or it has an operation that is left to the
 *   evaluator on every device.
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
