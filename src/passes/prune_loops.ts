/**
 * A pass that removes unused parts of loops, switches and programs at mesh positions: results that are
 * not read, with the work for them, arguments that no program reads, carried values that never change,
 * and sequences that are known without the loop.
 *
 * @module
 */
import { isEffectful, Program, remake, Variable, withoutDeadEquations } from "../core/program.ts";
import type { Atom, Equation } from "../core/program.ts";
import { Concrete, splat } from "../core/tensor.ts";
import { isSame } from "./bind_constants.ts";
import { asControl, type ControlEquation, placesOf, type PlacesParams } from "./control.ts";

/** Everything that the given results of a program and its effects depend on. */
function reach(program: Program, isWanted: (result: number) => boolean): ReadonlySet<Atom> {
  const live = new Set<Atom>(program.results.filter((_, i) => isWanted(i)));
  for (let i = program.equations.length - 1; i >= 0; i--) {
    const equation = program.equations[i];
    if (equation.outputs.some((output) => live.has(output)) || isEffectful(equation)) {
      equation.inputs.forEach((input) => live.add(input));
    }
  }
  return live;
}

/** The program with only some of its binders and results. */
function restrict(
  program: Program,
  binders: readonly Variable[],
  isWanted: (result: number) => boolean,
): Program {
  const results = program.results.filter((_, i) => isWanted(i));
  return pruneLoops(withoutDeadEquations(new Program(binders, program.equations, results)));
}

/** Flags for carried values, extended by each value that another flagged one needs. */
function close(
  start: readonly boolean[],
  neededFor: (flags: readonly boolean[]) => readonly boolean[],
): readonly boolean[] {
  let flags = start;
  while (true) {
    const found = neededFor(flags);
    const next = flags.map((flag, i) => flag || found[i]);
    if (next.every((flag, i) => flag === flags[i])) return flags;
    flags = next;
  }
}

type Of<Kind extends ControlEquation["kind"]> = ControlEquation & { readonly kind: Kind };

/** An equation without unused work; outputs for which `isRead` is false are removed. */
function prune(control: ControlEquation, isRead: (output: number) => boolean): Equation {
  switch (control.kind) {
    case "scan":
      return pruneScan(control, isRead);
    case "while":
      return pruneWhile(control, isRead);
    case "switch":
      return pruneSwitch(control, isRead);
  }
}

function pruneScan(control: Of<"scan">, isRead: (output: number) => boolean): Equation {
  const { primitive, params, inputs, outputs, origin } = control;
  const { body, consts, carry } = params;
  const carried = close(
    outputs.slice(0, carry).map((_, i) => isRead(i)),
    (flags) => {
      const live = reach(body, (i) => i < carry ? flags[i] : isRead(i));
      return flags.map((_, i) => live.has(body.binders[consts + i]));
    },
  );
  const isWanted = (result: number): boolean => result < carry ? carried[result] : isRead(result);
  const live = reach(body, isWanted);
  const isNeeded = (_: unknown, i: number): boolean =>
    i >= consts && i < consts + carry ? carried[i - consts] : live.has(body.binders[i]);
  const count = (flags: readonly boolean[]): number => flags.filter(Boolean).length;
  const binders = body.binders.filter(isNeeded);
  if (binders.length === inputs.length && outputs.every((_, i) => isWanted(i))) return control;
  return {
    primitive,
    inputs: inputs.filter(isNeeded),
    params: {
      ...params,
      body: restrict(body, binders, isWanted),
      consts: count(body.binders.slice(0, consts).map((one) => live.has(one))),
      carry: count(carried),
    },
    outputs: outputs.filter((_, i) => isWanted(i)),
    ...(origin === undefined ? {} : { origin }),
  };
}

function pruneWhile(control: Of<"while">, isRead: (output: number) => boolean): Equation {
  const { primitive, params, inputs, outputs, origin } = control;
  const { condition, body, conditionConsts, bodyConsts } = params;
  const asked = reach(condition, () => true);
  const carried = close(
    outputs.map((_, i) => isRead(i) || asked.has(condition.binders[conditionConsts + i])),
    (flags) => {
      const live = reach(body, (i) => flags[i]);
      return flags.map((_, i) => live.has(body.binders[bodyConsts + i]));
    },
  );
  const isWanted = (result: number): boolean => carried[result];
  const live = reach(body, isWanted);
  const own = condition.binders.filter((one, i) =>
    i < conditionConsts ? asked.has(one) : carried[i - conditionConsts]
  );
  const binders = body.binders.filter((one, i) =>
    i < bodyConsts ? live.has(one) : carried[i - bodyConsts]
  );
  const first = conditionConsts + bodyConsts;
  const kept = inputs.filter((_, i) =>
    i < conditionConsts
      ? asked.has(condition.binders[i])
      : i < first
      ? live.has(body.binders[i - conditionConsts])
      : carried[i - first]
  );
  if (kept.length === inputs.length) return control;
  const carry = carried.filter(Boolean).length;
  return {
    primitive,
    inputs: kept,
    params: {
      condition: restrict(condition, own, () => true),
      body: restrict(body, binders, isWanted),
      conditionConsts: own.length - carry,
      bodyConsts: binders.length - carry,
    },
    outputs: outputs.filter((_, i) => carried[i]),
    ...(origin === undefined ? {} : { origin }),
  };
}

function pruneSwitch(control: Of<"switch">, isRead: (output: number) => boolean): Equation {
  const { primitive, params: { branches }, inputs, outputs, origin } = control;
  const live = branches.map((branch) => reach(branch, isRead));
  const [index, ...operands] = inputs;
  const isNeeded = (_: unknown, i: number): boolean =>
    branches.some((branch, b) => live[b].has(branch.binders[i]));
  const kept = operands.filter(isNeeded);
  if (kept.length === operands.length && outputs.every((_, i) => isRead(i))) return control;
  return {
    primitive,
    inputs: [index, ...kept],
    params: {
      branches: branches.map((branch) => restrict(branch, branch.binders.filter(isNeeded), isRead)),
    },
    outputs: outputs.filter((_, i) => isRead(i)),
    ...(origin === undefined ? {} : { origin }),
  };
}

/**
 * Turns carried values that no step changes into constants of their loops, and removes the results of
 * switches that every branch passes through.
 */
function settleCarried({ binders, equations, results }: Program): Program {
  const values = new Map<Atom, Atom>();
  const read = (atom: Atom): Atom => values.get(atom) ?? atom;
  const settled = equations.map((equation) => {
    const current = { ...equation, inputs: equation.inputs.map(read) };
    const control = asControl(current);
    if (control === null) return current;
    const found = settle(control);
    equation.outputs.forEach((output, i) => values.set(output, found.results[i]));
    return found.equation;
  });
  return new Program(binders, settled, results.map(read));
}

function settle(control: ControlEquation): Settled {
  switch (control.kind) {
    case "scan":
      return settleScan(control);
    case "while":
      return settleWhile(control);
    case "switch":
      return settleSwitch(control);
  }
}

/** An equation without unchanged carried values, and the replacements of its outputs. */
interface Settled {
  readonly equation: Equation;
  readonly results: readonly Atom[];
}

/** Whether a result is the constant that the carried value starts with. */
function isConstantly(result: Atom, start: Atom): boolean {
  return result instanceof Concrete && isSame(result, start);
}

function settleScan(control: Of<"scan">): Settled {
  const { params, inputs, outputs } = control;
  const { body, consts, carry } = params;
  const end = consts + carry;
  const stays = body.results.slice(0, carry).map((atom, i) =>
    atom === body.binders[consts + i] || isConstantly(atom, inputs[consts + i])
  );
  // A sequence of results that equals one of the arguments, or has the same value everywhere, need not
  // be written.
  const known = body.results.slice(carry).map((atom, i): Atom | null => {
    const at = atom instanceof Variable ? body.binders.indexOf(atom) : -1;
    if (at >= end) return inputs[at];
    const { dtype, shape } = outputs[carry + i].type;
    return atom instanceof Concrete && atom.held === 1
      ? splat(atom.elements[0], dtype, shape)
      : null;
  });
  const count = stays.filter(Boolean).length;
  if (count === 0 && known.every((atom) => atom === null)) {
    return { equation: control, results: outputs };
  }
  const arrange = <T>(list: readonly T[]): T[] => [
    ...list.slice(0, consts),
    ...list.slice(consts, end).filter((_, i) => stays[i]),
    ...list.slice(consts, end).filter((_, i) => !stays[i]),
    ...list.slice(end),
  ];
  const isLeft = (_: unknown, i: number): boolean =>
    i < carry ? !stays[i] : known[i - carry] === null;
  return {
    equation: {
      ...control,
      inputs: arrange(inputs),
      params: {
        ...params,
        body: new Program(arrange(body.binders), body.equations, body.results.filter(isLeft)),
        consts: consts + count,
        carry: carry - count,
      },
      outputs: outputs.filter(isLeft),
    },
    results: outputs.map((output, i) =>
      isLeft(output, i) ? output : i < carry ? inputs[consts + i] : known[i - carry]!
    ),
  };
}

function settleWhile(control: Of<"while">): Settled {
  const { params, inputs, outputs } = control;
  const { condition, body, conditionConsts, bodyConsts } = params;
  const first = conditionConsts + bodyConsts;
  const stays = body.results.map((atom, i) =>
    atom === body.binders[bodyConsts + i] || isConstantly(atom, inputs[first + i])
  );
  const count = stays.filter(Boolean).length;
  if (count === 0) return { equation: control, results: outputs };
  const isLeft = (_: unknown, i: number): boolean => !stays[i];
  const arrange = <T>(list: readonly T[], consts: number): T[] => [
    ...list.slice(0, consts),
    ...list.slice(consts).filter((_, i) => stays[i]),
    ...list.slice(consts).filter(isLeft),
  ];
  const carried = inputs.slice(first);
  const settled = carried.filter((_, i) => stays[i]);
  return {
    equation: {
      ...control,
      inputs: [
        ...inputs.slice(0, conditionConsts),
        ...settled,
        ...inputs.slice(conditionConsts, first),
        ...settled,
        ...carried.filter(isLeft),
      ],
      params: {
        condition: new Program(
          arrange(condition.binders, conditionConsts),
          condition.equations,
          condition.results,
        ),
        body: new Program(
          arrange(body.binders, bodyConsts),
          body.equations,
          body.results.filter(isLeft),
        ),
        conditionConsts: conditionConsts + count,
        bodyConsts: bodyConsts + count,
      },
      outputs: outputs.filter(isLeft),
    },
    results: outputs.map((output, i) => stays[i] ? carried[i] : output),
  };
}

function settleSwitch(control: Of<"switch">): Settled {
  const { params: { branches }, inputs, outputs } = control;
  const [, ...operands] = inputs;
  const known = outputs.map((_, i): Atom | null => {
    const own = branches.map(({ binders, results }) => {
      const operand = binders.indexOf(results[i] as Variable);
      return operand < 0 ? results[i] : operands[operand];
    });
    const isOutside = own[0] instanceof Concrete || operands.includes(own[0]);
    return isOutside && own.every((atom) => isSame(atom, own[0])) ? own[0] : null;
  });
  if (known.every((atom) => atom === null)) return { equation: control, results: outputs };
  const isLeft = (_: unknown, i: number): boolean => known[i] === null;
  return {
    equation: {
      ...control,
      params: {
        branches: branches.map(({ binders, equations, results }) =>
          new Program(binders, equations, results.filter(isLeft))
        ),
      },
      outputs: outputs.filter(isLeft),
    },
    results: outputs.map((output, i) => known[i] ?? output),
  };
}

function prunePlaces(
  equation: Equation,
  params: PlacesParams,
  isRead: (output: number) => boolean,
): Equation {
  const { inputs, outputs } = equation;
  const { local, ins, outs } = params;
  const live = reach(local, isRead);
  const isNeeded = (_: unknown, i: number): boolean => live.has(local.binders[i]);
  const isWanted = (_: unknown, i: number): boolean => isRead(i);
  if (inputs.every(isNeeded) && outputs.every(isWanted)) return equation;
  const changed: Partial<PlacesParams> = {
    ins: ins.filter(isNeeded),
    outs: outs.filter(isWanted),
    local: restrict(local, local.binders.filter(isNeeded), isRead),
  };
  return {
    ...equation,
    inputs: inputs.filter(isNeeded),
    params: remake(params, Object.entries({ ...params, ...changed })),
    outputs: outputs.filter(isWanted),
  };
}

/** Removes unused parts of loops, switches and programs at mesh positions. */
export function pruneLoops(program: Program): Program {
  const hasPrograms = (equation: Equation) =>
    asControl(equation) !== null || placesOf(equation) !== null;
  if (!program.equations.some(hasPrograms)) return program;
  const { binders, equations, results } = settleCarried(program);
  const live = new Set<Atom>(results);
  const kept: Equation[] = [];
  for (let i = equations.length - 1; i >= 0; i--) {
    const equation = equations[i];
    const isNeeded = isEffectful(equation) || equation.outputs.some((output) => live.has(output));
    if (!isNeeded) continue;
    const isRead = (output: number): boolean => live.has(equation.outputs[output]);
    const control = asControl(equation);
    const places = placesOf(equation);
    const pruned = control !== null
      ? prune(control, isRead)
      : places !== null
      ? prunePlaces(equation, places, isRead)
      : equation;
    pruned.inputs.forEach((input) => live.add(input));
    kept.push(pruned);
  }
  return new Program(binders, kept.reverse(), results);
}
