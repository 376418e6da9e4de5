/**
 * Equations on few elements, which become straight code: the selection of these equations, and an order
 * in which they are adjacent.
 *
 * @module
 */
import { sizeOf } from "../base/shape.ts";
import { isEffectful, Program, typeOf, Variable } from "../core/program.ts";
import type { Atom, Equation } from "../core/program.ts";
import { Concrete } from "../core/tensor.ts";
import type { ContractParams } from "../primitives/contraction.ts";
import type { GatherParams } from "../primitives/indexing.ts";
import { Given } from "../passes/forms.ts";
import type { Target } from "./target.ts";
import { ruleOf } from "./rules.ts";
import { reductionCost } from "./straight_reductions.ts";
import { isUpdate } from "../passes/kinds.ts";

/** Values of more elements than this are computed in loops. */
export const MOST_ELEMENTS = 16;

/** Sums of more terms than this, in total, are computed in loops. */
export const MOST_TERMS = 64;

/** The maximum number of straight operations of a program, which keeps its code small. */
const MOST_OPERATIONS = 2048;

/** Adjacent equations that become one piece of straight code. */
export interface StraightGroup {
  readonly equations: readonly Equation[];
  /** The values that they read but do not compute. */
  readonly needs: readonly Atom[];
  /** The values that others, or the program's results, read. */
  readonly gives: readonly Variable[];
  /** The value with the same elements in the same order. */
  originOf(atom: Atom): Atom;
}

/** A program whose equations on few elements are adjacent. */
export interface Grouped {
  readonly program: Program;
  /** The group of each equation that has one. */
  readonly groups: ReadonlyMap<Equation, StraightGroup>;
}

export function sizeOfAtom(atom: Atom): number {
  return sizeOf(typeOf(atom).shape);
}

/** The number of operations of an equation as straight code; `null` if it is not supported. */
function straightCost(
  { primitive, inputs, outputs, params }: Equation,
  target: Target,
): number | null {
  const [output] = outputs;
  if (outputs.length !== 1) return null;
  const { name } = primitive;
  const isSmall = (atom: Atom): boolean => sizeOfAtom(atom) <= MOST_ELEMENTS;
  if (isUpdate(name)) {
    const [x, update, ...indices] = inputs;
    if (isUniform(x)) return null;
    if (name.startsWith("scatter")) {
      const { batch, outer = [] } = params as GatherParams;
      if (batch > 0 || outer.length > 0) return null;
    }
    return isSmall(update) && indices.every(isSmall) && sizeOfAtom(output) > 0
      ? 2 * sizeOfAtom(update)
      : null;
  }
  if (!isSmall(output)) return null;
  const rule = ruleOf(name);
  switch (rule.kind) {
    case "map":
      return target.writes(name, typeOf(inputs[inputs.length - 1]).dtype)
        ? sizeOfAtom(output)
        : null;
    case "alias":
    case "iota":
      return 0;
    case "pad":
    case "concatenate":
      return inputs.every(isSmall) ? 0 : null;
    case "view":
      return name === "slice" || inputs.every(isSmall) ? 1 : null;
    case "reduce": {
      const terms = sizeOfAtom(inputs[0]);
      return terms > 0 && terms <= MOST_TERMS
        ? reductionCost(rule.operation, output.type.dtype, terms, sizeOfAtom(output))
        : null;
    }
    case "kernel":
      break;
    default:
      return null;
  }
  if (isUniform(inputs[0]) && name !== "contract") return null;
  if (name === "dynamicSlice") return sizeOfAtom(output);
  if (name === "gather") {
    const { batch, outer = [] } = params as GatherParams;
    return batch === 0 && outer.length === 0 && isSmall(inputs[1]) ? sizeOfAtom(output) : null;
  }
  if (name !== "contract") return null;
  const terms = sizeOfAtom(output) * sharedSize(inputs[0], params as ContractParams);
  return inputs.every((input) => sizeOfAtom(input) <= MOST_TERMS) && terms <= MOST_TERMS
    ? 2 * terms
    : null;
}

/** The number of products that each element of a contraction sums up. */
export function sharedSize(x: Atom, { contract: [axes] }: ContractParams): number {
  const { shape } = typeOf(x);
  return sizeOf(axes.map((axis) => shape[axis]));
}

/** The value with the same elements in the same order. */
function originOf(producers: ReadonlyMap<Atom, Equation>, atom: Atom): Atom {
  for (let maker = producers.get(atom); maker; maker = producers.get(atom)) {
    if (ruleOf(maker.primitive.name).kind !== "alias") break;
    atom = maker.inputs[0];
  }
  return atom;
}

function producersOf({ equations }: Program): Map<Atom, Equation> {
  const producers = new Map<Atom, Equation>();
  for (const equation of equations) {
    for (const output of equation.outputs) producers.set(output, equation);
  }
  return producers;
}

/** Groups equations on few elements, with readers of a value before those that change it. */
export function groupStraight(program: Program, target: Target): Grouped {
  const straight = new Set<Equation>();
  let left = MOST_OPERATIONS;
  for (const equation of program.equations) {
    const cost = straightCost(equation, target);
    if (cost === null || cost > left) continue;
    left -= cost;
    straight.add(equation);
  }
  const isWork = (equation: Equation): boolean =>
    straight.has(equation) && ruleOf(equation.primitive.name).kind !== "alias";
  if (![...straight].some(isWork)) return { program, groups: new Map() };
  const producers = producersOf(program);
  const before = precedence(program, producers);
  const ordered: Equation[] = [];
  const lists: Equation[][] = [];
  const waiting = new Set(program.equations);
  const takeReady = (isWanted: (equation: Equation) => boolean): Equation[] => {
    const taken: Equation[] = [];
    for (let count = -1; count !== taken.length;) {
      count = taken.length;
      for (const equation of waiting) {
        if (!isWanted(equation) || before.get(equation)!.some((one) => waiting.has(one))) continue;
        waiting.delete(equation);
        taken.push(equation);
      }
    }
    ordered.push(...taken);
    return taken;
  };
  while (waiting.size > 0) {
    const group = takeReady((equation) => straight.has(equation));
    if (group.some(isWork)) lists.push(group);
    takeReady((equation) => !straight.has(equation));
  }
  const grouped = new Program(program.binders, ordered, program.results);
  const groups = new Map<Equation, StraightGroup>();
  for (const list of lists) {
    const group = boundaryOf(grouped, producers, list);
    for (const equation of list) groups.set(equation, group);
  }
  return { program: grouped, groups };
}

/** The equations that each equation must follow. */
function precedence(
  { equations }: Program,
  producers: ReadonlyMap<Atom, Equation>,
): ReadonlyMap<Equation, Equation[]> {
  const before = new Map<Equation, Equation[]>();
  const readers = new Map<Atom, Equation[]>();
  let lastEffect: Equation | null = null;
  for (const equation of equations) {
    const own = new Set<Equation>();
    for (const input of equation.inputs) {
      const maker = producers.get(input);
      if (maker !== undefined) own.add(maker);
      if (ruleOf(equation.primitive.name).kind === "alias") continue;
      const origin = originOf(producers, input);
      const list = readers.get(origin);
      if (list === undefined) readers.set(origin, [equation]);
      else list.push(equation);
    }
    if (isEffectful(equation)) {
      if (lastEffect !== null) own.add(lastEffect);
      lastEffect = equation;
    }
    before.set(equation, [...own]);
  }
  const needs = (equation: Equation, other: Equation): boolean => {
    const seen = new Set<Equation>();
    const queue = [equation];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (next === other) return true;
      if (seen.has(next)) continue;
      seen.add(next);
      queue.push(...before.get(next)!);
    }
    return false;
  };
  for (const equation of equations) {
    if (!isUpdate(equation.primitive.name)) continue;
    const changed = originOf(producers, equation.inputs[0]);
    for (const reader of new Set(readers.get(changed))) {
      if (reader !== equation && !needs(reader, equation)) before.get(equation)!.push(reader);
    }
  }
  return before;
}

/** The values that a group reads from others, and that others read from it. */
function boundaryOf(
  { equations, results }: Program,
  producers: ReadonlyMap<Atom, Equation>,
  list: readonly Equation[],
): StraightGroup {
  const own = new Set(list);
  const isOwn = (atom: Atom): boolean => own.has(producers.get(atom)!);
  const needs = new Set<Atom>();
  for (const { inputs } of list) {
    for (const input of inputs) {
      const origin = originOf(producers, input);
      if (!isOwn(origin) && !isUniform(origin)) needs.add(origin);
    }
  }
  const gives = new Set<Variable>();
  const give = (atom: Atom): void => {
    const origin = originOf(producers, atom);
    if (origin instanceof Variable && isOwn(origin)) gives.add(origin);
  };
  for (const equation of equations) if (!own.has(equation)) equation.inputs.forEach(give);
  results.forEach(give);
  return {
    equations: list,
    needs: [...needs],
    gives: [...gives],
    originOf: (atom) => originOf(producers, atom),
  };
}

/** Whether a value is one number everywhere, known or passed at each run. */
export function isUniform(atom: Atom): atom is Concrete | Given {
  return atom instanceof Given || atom instanceof Concrete && (atom.held === 1 || atom.size === 0);
}

/** Whether a value is small enough to be copied element by element. */
export function isStraight(atom: Atom): boolean {
  return sizeOfAtom(atom) <= MOST_ELEMENTS;
}
