/**
 * Programs as StableHLO text. `table.ts` has a rule for each primitive, in families; `control.ts` writes
 * loops and branches; `writer.ts` and `builder.ts` are what rules write with.
 *
 * @module
 */
import { argumentError, internalError } from "../base/errors.ts";
import { sizeOf } from "../base/shape.ts";
import type { Program } from "../core/program.ts";
import { programsIn, typeOf } from "../core/program.ts";
import { Concrete, isSplat } from "../core/tensor.ts";
import { asControl, someEquation } from "../passes/control.ts";
import { optimize } from "../passes/mod.ts";
import { Builder } from "./builder.ts";
import { mayFail, writeProgram } from "./control.ts";
import { ruleOf } from "./table.ts";
import { showTensor } from "./writer.ts";
import type { Value } from "./writer.ts";

/** Options of `writeModule`. */
export interface ModuleOptions {
  /** Which arguments are given up. */
  readonly isDonated?: readonly boolean[];
  /** Whether large constants become arguments behind the others, instead of text. */
  readonly hoists?: boolean;
}

/** A program as text. */
export interface Module {
  /** A module with one public function, `main`. */
  readonly text: string;
  /** The constants that are its last arguments. */
  readonly constants: readonly Concrete[];
  /** Whether its last result says that there is none: an index was outside of its axis. */
  readonly mayFail: boolean;
}

/** Constants of more elements than this become arguments. */
const LARGE = 256;

/** The large constants of a program, and of those within it. */
function findConstants(program: Program, found: Set<Concrete>): void {
  const look = (atom: unknown) => {
    if (atom instanceof Concrete && !isSplat(atom) && sizeOf(atom.shape) > LARGE) found.add(atom);
  };
  for (const { inputs, params } of program.equations) {
    inputs.forEach(look);
    for (const inner of programsIn(params)) findConstants(inner, found);
  }
  program.results.forEach(look);
}

/** Writes a program whose primitives all have rules. */
export function writeModule(program: Program, options: ModuleOptions = {}): Module {
  const found = new Set<Concrete>();
  if (options.hoists === true) findConstants(program, found);
  const constants = [...found];
  const b = new Builder();
  const parameters = [...program.binders.map(typeOf), ...constants].map((type, i): Value => ({
    dtype: type.dtype,
    shape: type.shape,
    name: `%arg${i}`,
  }));
  const hoisted = new Map(constants.map((x, i) => [x, parameters[program.binders.length + i]]));
  const { results, flag } = writeProgram(
    b,
    program,
    parameters.slice(0, program.binders.length),
    hoisted,
  );
  const fails = mayFail(program);
  if (fails !== (flag !== null)) throw internalError("A program that may fail has no flag");
  const all = flag === null ? results : [...results, flag];
  b.line(all.length === 0 ? "return" : `return ${names(all)} : ${all.map(showTensor).join(", ")}`);
  const shown = parameters.map((parameter, i) =>
    `${parameter.name}: ${showTensor(parameter)}` +
    (options.isDonated?.[i] === true ? " {jax.buffer_donor = true}" : "")
  );
  const text = [
    "module @jacobi {",
    `  func.func public @main(${shown.join(", ")}) -> (${all.map(showTensor).join(", ")}) {`,
    b.text,
    "  }",
    "}",
    "",
  ].join("\n");
  return { text, constants, mayFail: fails };
}

function names(values: readonly Value[]): string {
  return values.map(({ name }) => name).join(", ");
}

/** A program as text, after all passes; throws where it has an operation without a form there. */
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
