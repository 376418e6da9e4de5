/**
 * Optimised programs.
 *
 * @module
 */
import { optimize as runPasses } from "../passes/mod.ts";
import type { Program } from "../core/program.ts";
import { checkIsProgram } from "./text.ts";

/**
 * The program as `jit` would run it: after constant folding, simplification, sharing of equal equations
 * and removal of unused ones. Every result is bitwise identical.
 *
 * @category Inspection
 * @param program A program from `makeProgram`.
 * @returns Another program with the same binders and results.
 * @throws {ArgumentError} when `program` is not a program.
 *
 * @example Equal expressions are computed once
 * ```ts
 * import { inspect, makeProgram, sin } from "@jacobi/jacobi";
 *
 * const program = makeProgram((x) => sin(x).mul(sin(x)))(1);
 * const counts = inspect.countOperations(inspect.optimize(program));
 * if (counts.sin !== 1) throw new Error(JSON.stringify(counts));
 * ```
 */
export function optimize(program: Program): Program {
  checkIsProgram(program, "optimize");
  return runPasses(program);
}
