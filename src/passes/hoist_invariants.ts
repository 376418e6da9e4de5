/**
 * A pass that moves loop-invariant computations in front of the loop.
 *
 * @module
 */
import { sizeOf } from "../base/shape.ts";
import { isEffectful, Program, Variable, withoutDeadEquations } from "../core/program.ts";
import type { Atom, Equation } from "../core/program.ts";
import { Concrete } from "../core/tensor.ts";
import { asControl, type ControlEquation } from "./control.ts";
import { pruneLoops } from "./prune_loops.ts";
import { kindOf } from "./kinds.ts";
import { isHeavy, neverFails } from "./kinds.ts";

/** Up to this number of operations on each element are repeated rather than read back. */
const CHEAP_OPERATIONS = 8;

/** Information about a loop-invariant value. */
interface Invariant {
  /** The size of the largest value from which it is computed. */
  readonly source: number;
  /** The number of operations on each element since it was last in memory. */
  readonly operations: number;
}

/** A program split into the work that is done once and the remaining work. */
interface Divided {
  /** The equations that are run once, on variables of the program. */
  readonly hoisted: readonly Equation[];
  /** The values computed there that the remaining program needs. */
  readonly values: readonly Variable[];
  /** The remaining program, with binders for those values at the front. */
  readonly rest: Program;
}

/**
 * Splits a program that is run repeatedly with the same values for the binders for which `isConstant`
 * holds. Equations that may fail are not moved unless `mayFail` is set.
 */
function divide(
  program: Program,
  isConstant: (binder: number) => boolean,
  mayFail: boolean,
): Divided | null {
  const known = new Map<Atom, Invariant>();
  const producers = new Map<Atom, Equation>();
  const worth = new Set<Equation>();
  program.binders.forEach((binder, i) => {
    if (isConstant(i)) known.set(binder, { source: sizeOf(binder.type.shape), operations: 0 });
  });
  const infoOf = (atom: Atom): Invariant | undefined =>
    atom instanceof Concrete ? { source: atom.held, operations: 0 } : known.get(atom);
  for (const equation of program.equations) {
    const { primitive, inputs, outputs } = equation;
    const infos = inputs.map(infoOf);
    const isKernel = kindOf(primitive.name).kind === "kernel";
    if (infos.includes(undefined) || !canMove(equation, mayFail)) {
      // A kernel reads its arguments from memory: views of invariants would be copied every time.
      if (isKernel) inputs.forEach((input) => markView(input, producers, worth));
      continue;
    }
    outputs.forEach((output) => producers.set(output, equation));
    const source = Math.max(0, ...infos.map((info) => info!.source));
    const { kind } = kindOf(primitive.name);
    const operations = (kind === "map" ? 1 : 0) +
      infos.reduce((sum, info) => sum + info!.operations, 0);
    const size = Math.max(0, ...outputs.map(({ type }) => sizeOf(type.shape)));
    const isWork = isKernel || kind === "reduce" ||
      (kind === "map" &&
        (isHeavy(primitive.name) || operations > CHEAP_OPERATIONS || size <= source));
    if (isWork) worth.add(equation);
    const info = isWork ? { source: size, operations: 0 } : { source, operations };
    outputs.forEach((output) => known.set(output, info));
  }
  if (worth.size === 0) return null;
  const hoisted = new Set(worth);
  const needed = new Set<Atom>([...worth].flatMap(({ inputs }) => inputs));
  for (const equation of program.equations.toReversed()) {
    if (!hoisted.has(equation) && !equation.outputs.some((output) => needed.has(output))) continue;
    hoisted.add(equation);
    equation.inputs.forEach((input) => needed.add(input));
  }
  const left = program.equations.filter((equation) => !worth.has(equation));
  const rest = withoutDeadEquations(new Program(program.binders, left, program.results));
  const read = new Set<Atom>([
    ...rest.equations.flatMap(({ inputs }) => inputs),
    ...rest.results,
  ]);
  const values = program.equations.filter((equation) => worth.has(equation))
    .flatMap(({ outputs }) => outputs.filter((output) => read.has(output)));
  return {
    hoisted: program.equations.filter((equation) => hoisted.has(equation)),
    values,
    rest: new Program([...values, ...rest.binders], rest.equations, rest.results),
  };
}

/** Whether an equation may run once instead of repeatedly, or not at all. */
function canMove(equation: Equation, mayFail: boolean): boolean {
  const { primitive, outputs } = equation;
  if (outputs.length === 0 || primitive.axisOf !== undefined || isEffectful(equation)) return false;
  // A barrier must not be moved.
  if (primitive.name === "barrier") return false;
  return mayFail || neverFails(primitive.name);
}

/** Records that a view of invariants should be stored in memory. */
function markView(atom: Atom, producers: ReadonlyMap<Atom, Equation>, worth: Set<Equation>): void {
  const producer = producers.get(atom);
  if (producer === undefined || worth.has(producer)) return;
  if (kindOf(producer.primitive.name).kind !== "alias") worth.add(producer);
  else markView(producer.inputs[0], producers, worth);
}

/** Adds equations outside of a loop, given the values of variables there; returns those of others. */
function placeOutside(
  { hoisted, values }: Divided,
  binders: readonly Variable[],
  args: readonly Atom[],
  equations: Equation[],
): Atom[] {
  const names = new Map<Atom, Atom>(binders.map((binder, i) => [binder, args[i]]));
  const read = (atom: Atom): Atom => names.get(atom) ?? atom;
  for (const equation of hoisted) {
    const outputs = equation.outputs.map(({ type }) => new Variable(type));
    equation.outputs.forEach((output, i) => names.set(output, outputs[i]));
    equations.push({ ...equation, inputs: equation.inputs.map(read), outputs });
  }
  return values.map(read);
}

type Of<Kind extends ControlEquation["kind"]> = ControlEquation & { readonly kind: Kind };

function hoistScan({ kind: _, ...equation }: Of<"scan">, equations: Equation[]): Equation {
  const { params, inputs } = equation;
  const { body, consts, length } = params;
  const divided = length === 0 ? null : divide(body, (binder) => binder < consts, true);
  if (divided === null) return equation;
  const values = placeOutside(divided, body.binders, inputs, equations);
  return {
    ...equation,
    inputs: [...values, ...inputs],
    params: { ...params, body: divided.rest, consts: consts + values.length },
  };
}

function hoistWhile({ kind: _, ...equation }: Of<"while">, equations: Equation[]): Equation {
  const { params, inputs } = equation;
  const { condition, body, conditionConsts, bodyConsts } = params;
  const own = inputs.slice(0, conditionConsts);
  const others = inputs.slice(conditionConsts);
  const asked = divide(condition, (binder) => binder < conditionConsts, false);
  const done = divide(body, (binder) => binder < bodyConsts, false);
  const first = asked === null ? [] : placeOutside(asked, condition.binders, own, equations);
  const second = done === null ? [] : placeOutside(done, body.binders, others, equations);
  return {
    ...equation,
    inputs: [...first, ...own, ...second, ...others],
    params: {
      condition: asked?.rest ?? condition,
      body: done?.rest ?? body,
      conditionConsts: conditionConsts + first.length,
      bodyConsts: bodyConsts + second.length,
    },
  };
}

/** Moves loop-invariant work out of loops, with the values that only it needs. */
export function hoistInvariants(program: Program): Program {
  if (!program.equations.some((equation) => asControl(equation) !== null)) return program;
  const equations: Equation[] = [];
  for (const equation of program.equations) {
    const control = asControl(equation);
    if (control?.kind === "scan") equations.push(hoistScan(control, equations));
    else if (control?.kind === "while") equations.push(hoistWhile(control, equations));
    else equations.push(equation);
  }
  return pruneLoops(new Program(program.binders, equations, program.results));
}
