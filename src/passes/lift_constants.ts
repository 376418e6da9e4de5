/**
 * Constants of loop bodies as arguments of the loops: tensors that a body reads from memory belong to
 * the enclosing program.
 *
 * @module
 */
import { Program, Variable } from "../core/program.ts";
import type { Atom, Equation } from "../core/program.ts";
import { Concrete } from "../core/tensor.ts";
import { asControl } from "./control.ts";

/** A program with binders for its constants before its own binders. */
interface Lifted {
  readonly program: Program;
  readonly constants: readonly Concrete[];
}

/** Equations whose constants have become arguments of their programs, except splats. */
export function liftConstants(equation: Equation): Equation {
  const control = asControl(equation);
  if (control === null) return equation;
  const { inputs } = equation;
  switch (control.kind) {
    case "scan": {
      const { program, constants } = lift(control.params.body);
      const consts = control.params.consts + constants.length;
      const params = { ...control.params, body: program, consts };
      return { ...equation, inputs: [...constants, ...inputs], params };
    }
    case "while": {
      const condition = lift(control.params.condition);
      const body = lift(control.params.body);
      const { conditionConsts, bodyConsts } = control.params;
      const params = {
        condition: condition.program,
        body: body.program,
        conditionConsts: conditionConsts + condition.constants.length,
        bodyConsts: bodyConsts + body.constants.length,
      };
      return {
        ...equation,
        inputs: [
          ...condition.constants,
          ...inputs.slice(0, conditionConsts),
          ...body.constants,
          ...inputs.slice(conditionConsts),
        ],
        params,
      };
    }
    case "switch": {
      const lifted = control.params.branches.map(lift);
      const all = lifted.flatMap(({ constants }) => constants);
      let first = 0;
      // Each branch has binders for the constants of all branches.
      const branches = lifted.map(({ program, constants }) => {
        const own = program.binders.slice(0, constants.length);
        const binders = all.map((constant, i) => own[i - first] ?? new Variable(constant));
        first += constants.length;
        const others = program.binders.slice(constants.length);
        return new Program([...binders, ...others], program.equations, program.results);
      });
      const [index, ...operands] = inputs;
      return { ...equation, inputs: [index, ...all, ...operands], params: { branches } };
    }
  }
}

function lift(program: Program): Lifted {
  const lifted = new Map<Concrete, Variable>();
  const read = (atom: Atom): Atom => {
    if (!(atom instanceof Concrete) || atom.held === 1) return atom;
    let variable = lifted.get(atom);
    if (variable === undefined) lifted.set(atom, variable = new Variable(atom));
    return variable;
  };
  const equations = program.equations.map((equation) => {
    const own = liftConstants(equation);
    return { ...own, inputs: own.inputs.map(read) };
  });
  const results = program.results.map(read);
  return {
    program: new Program([...lifted.values(), ...program.binders], equations, results),
    constants: [...lifted.keys()],
  };
}
