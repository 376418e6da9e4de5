/**
 * The passes: program transformations, for every backend. Each is a small file and preserves the
 * results bit for bit. `kinds.ts` has the information about primitives by name, `control.ts` about
 * those that hold programs; `forms.ts` is for backends that share code between programs that differ
 * only in constants.
 *
 * @module
 */
import { runInside } from "../core/axes.ts";
import { Program, withoutDeadEquations } from "../core/program.ts";
import type { Equation } from "../core/program.ts";
import { absorbTransposes } from "./absorb_transposes.ts";
import { bindConstants } from "./bind_constants.ts";
import { asControl, placesOf, withPrograms } from "./control.ts";
import { expandComposites } from "./expand_composites.ts";
import { foldConstants } from "./fold_constants.ts";
import { hoistInvariants } from "./hoist_invariants.ts";
import { inlineBranches, inlineCalls, keepsNone } from "./inline_calls.ts";
import type { IsKept } from "./inline_calls.ts";
import { pruneLoops } from "./prune_loops.ts";
import { shareEquations } from "./share_equations.ts";
import { simplify } from "./simplify.ts";
import { spreadUpdates } from "./spread_updates.ts";
import { widen } from "./widen.ts";

/** One pass. */
export interface Pass {
  /** Its name. */
  readonly name: string;
  /** The transformed program, with the same results, bit for bit. */
  readonly run: (program: Program) => Program;
}

/** The passes that run first, also on a branch before it replaces its switch. */
function firstPasses(isKept: IsKept): readonly Pass[] {
  return [
    { name: "inlineCalls", run: (program) => inlineCalls(program, isKept) },
    { name: "widen", run: widen },
    { name: "expandComposites", run: expandComposites },
    { name: "spreadUpdates", run: spreadUpdates },
    { name: "foldConstants", run: foldConstants },
  ];
}

function allPasses(isKept: IsKept): readonly Pass[] {
  const first = firstPasses(isKept);
  return [
    ...first,
    {
      name: "inlineBranches",
      run: (program) => inlineBranches(program, (branch) => runAll(first, branch)),
    },
    { name: "simplify", run: simplify },
    { name: "absorbTransposes", run: absorbTransposes },
    { name: "bindConstants", run: bindConstants },
    { name: "optimizeBodies", run: (program) => optimizeBodies(program, isKept) },
    { name: "pruneLoops", run: pruneLoops },
    // Values that switches pass through can now cancel with their inverse operations.
    { name: "simplifyAgain", run: simplify },
    { name: "hoistInvariants", run: hoistInvariants },
    { name: "shareEquations", run: shareEquations },
    { name: "removeDeadEquations", run: withoutDeadEquations },
  ];
}

/** Every pass, in the order in which they run. */
export const passes: readonly Pass[] = allPasses(keepsNone);

/** The optimised bodies, for each backend with kernels for calls. */
const optimizedBodies = new WeakMap<IsKept, WeakMap<Program, Program>>();

/** Runs all passes on the programs of loops, switches and mesh positions, once for each. */
function optimizeBodies(program: Program, isKept: IsKept): Program {
  const hasBodies = (equation: Equation) =>
    asControl(equation) !== null || placesOf(equation) !== null;
  if (!program.equations.some(hasBodies)) return program;
  const equations = program.equations.map((equation) =>
    hasBodies(equation)
      ? runInside(
        equation.primitive,
        equation.params,
        () => withPrograms(equation, (body) => optimizeBody(body, isKept)),
      )
      : equation
  );
  return new Program(program.binders, equations, program.results);
}

function optimizeBody(body: Program, isKept: IsKept): Program {
  let known = optimizedBodies.get(isKept);
  if (known === undefined) optimizedBodies.set(isKept, known = new WeakMap());
  let optimized = known.get(body);
  if (optimized === undefined) {
    known.set(body, optimized = optimize(body, isKept));
    known.set(optimized, optimized);
  }
  return optimized;
}

function runAll(list: readonly Pass[], program: Program): Program {
  return list.reduce((current, pass) => pass.run(current), program);
}

/** The program after all passes; calls for which `isKept` holds are not inlined. */
export function optimize(program: Program, isKept: IsKept = keepsNone): Program {
  return runAll(isKept === keepsNone ? passes : allPasses(isKept), program);
}
