/**
 * The compiler: a short list of passes, and a runner for what they leave.
 *
 * @module
 */
import { withoutDeadEquations } from "../core/program.ts";
import type { Program } from "../core/program.ts";
import type { Concrete } from "../core/tensor.ts";
import { foldConstants } from "./fold_constants.ts";
import { makeRunner } from "./runner.ts";
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
  { name: "foldConstants", run: foldConstants },
  { name: "simplify", run: simplify },
  { name: "shareEquations", run: shareEquations },
  { name: "removeDeadEquations", run: withoutDeadEquations },
];

/** The program after all passes. */
export function optimize(program: Program): Program {
  return passes.reduce((current, pass) => pass.run(current), program);
}

/** A program ready to run on concrete values. */
export type Compiled = (args: readonly Concrete[]) => readonly Concrete[];

const compiled = new WeakMap<Program, Compiled>();

/** The program, optimised and ready to run; compiled once for as long as the program lives. */
export function compile(program: Program): Compiled {
  let run = compiled.get(program);
  if (run === undefined) compiled.set(program, run = makeRunner(optimize(program)));
  return run;
}
