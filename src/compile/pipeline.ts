/**
 * The compiler: a short list of passes, and a runner for what they leave.
 *
 * @module
 */
import { withoutDeadEquations } from "../core/program.ts";
import type { Program } from "../core/program.ts";
import type { Concrete } from "../core/tensor.ts";
import { absorbTransposes } from "./absorb_transposes.ts";
import { assemble, type CompiledProgram } from "./executable.ts";
import { foldConstants } from "./fold_constants.ts";
import { inlineCalls } from "./inline_calls.ts";
import { shareEquations } from "./share_equations.ts";
import { simplify } from "./simplify.ts";

/** One step of the compiler. */
export interface Pass {
  /** What it is called. */
  readonly name: string;
  /** The program after it; the same results, bit for bit. */
  readonly run: (program: Program) => Program;
}

/** Every pass, in the order in which they run. */
export const passes: readonly Pass[] = [
  { name: "inlineCalls", run: inlineCalls },
  { name: "foldConstants", run: foldConstants },
  { name: "simplify", run: simplify },
  { name: "absorbTransposes", run: absorbTransposes },
  { name: "shareEquations", run: shareEquations },
  { name: "removeDeadEquations", run: withoutDeadEquations },
];

/** The program after all passes. */
export function optimize(program: Program): Program {
  return passes.reduce((current, pass) => pass.run(current), program);
}

/**
 * A program ready to run on concrete values. `names` are those of arguments that are given up, and
 * `null` for all others.
 */
export type Compiled = (
  args: readonly Concrete[],
  names?: readonly (string | null)[],
) => readonly Concrete[];

/** What a program becomes. */
interface Entry {
  readonly optimized: Program;
  /** By which arguments are donated. */
  readonly versions: Map<string, CompiledProgram>;
}

const compiled = new WeakMap<Program, Entry>();

function entryOf(program: Program): Entry {
  let entry = compiled.get(program);
  if (entry === undefined) {
    compiled.set(program, entry = { optimized: optimize(program), versions: new Map() });
  }
  return entry;
}

/** The program as a module, compiled once for as long as the program lives. */
export function assembled(
  program: Program,
  isDonated: readonly boolean[] = program.binders.map(() => false),
): CompiledProgram {
  const { optimized, versions } = entryOf(program);
  const key = isDonated.map(Number).join("");
  let version = versions.get(key);
  if (version === undefined) versions.set(key, version = assemble(optimized, isDonated));
  return version;
}

/** The program, optimised and ready to run; compiled once for as long as the program lives. */
export function compile(program: Program): Compiled {
  return (args, names) => assembled(program, names?.map((name) => name !== null)).run(args, names);
}
