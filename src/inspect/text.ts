/**
 * Programs as text.
 *
 * @module
 */
import { argumentError } from "../base/errors.ts";
import { describeValue } from "../base/dtype.ts";
import { Program } from "../core/program.ts";
import { printProgram } from "../core/print.ts";

/** Throws unless `value` is a program. */
export function checkIsProgram(value: unknown, what: string): asserts value is Program {
  if (value instanceof Program) return;
  throw argumentError(
    `Cannot ${what} ${describeValue(value)}: expected a program; makeProgram(f)(...args) makes one`,
  );
}

/**
 * A program as text, one equation per line, every variable with its type.
 *
 * @category Inspection
 * @param program A program from `makeProgram`.
 * @returns The text; the same as `String(program)`.
 * @throws {ArgumentError} when `program` is not a program.
 *
 * @example The program of a sine
 * ```ts
 * import { inspect, makeProgram, sin } from "@jacobi/jacobi";
 *
 * const text = inspect.toText(makeProgram(sin)(1));
 * const expected = "program(a: float32[]) {\n  b: float32[] = sin(a)\n  return (b)\n}";
 * if (text !== expected) throw new Error(text);
 * ```
 */
export function toText(program: Program): string {
  checkIsProgram(program, "print");
  return printProgram(program);
}
