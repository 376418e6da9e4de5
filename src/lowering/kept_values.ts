/**
 * Which values of a program get buffers, as far as is known before nests are written.
 *
 * @module
 */
import { sizeOf } from "../base/shape.ts";
import { typeOf, Variable } from "../core/program.ts";
import type { Atom, Equation, Program } from "../core/program.ts";
import type { Target } from "./target.ts";
import { Given } from "../passes/forms.ts";
import type { StraightGroup } from "./straight_groups.ts";
import type { Rule } from "./rules.ts";
import { effectiveRule, isPart, operandsOf } from "./equation_rules.ts";

/**
 * The maximum number of consecutive operations that a nest computes, which keeps the writer's stack
 * small.
 */
const DEEPEST = 64;

/** A value is recomputed in several nests if it takes no more operations than this. */
const CHEAP_OPERATIONS = 8;

/** The maximum number of parts of a concatenation that is read from its parts. */
const MOST_PARTS = 4;

/** The cost of computing a value within a nest. */
interface Cost {
  readonly operations: number;
  /** The values of its own size that it reads. */
  readonly reads: ReadonlySet<Atom>;
}

/** The values that get buffers, as far as is known before nests are written. */
export function chooseKept(
  program: Program,
  producers: ReadonlyMap<Variable, Equation>,
  groups: ReadonlyMap<Equation, StraightGroup>,
  target: Target,
): Set<Variable> {
  const kept = new Set<Variable>();
  const keep = (atom: Atom): void => {
    // If a value is a reshape of another, the other is kept.
    while (atom instanceof Variable) {
      kept.add(atom);
      const producer = producers.get(atom);
      if (producer === undefined || effectiveRule(producer, target).kind !== "alias") return;
      atom = producer.inputs[0];
    }
  };
  program.results.forEach(keep);
  for (const { needs, gives } of new Set(groups.values())) [...needs, ...gives].forEach(keep);
  const equations = program.equations.filter((equation) => !groups.has(equation));
  const producer = (value: Variable): Equation | undefined => {
    const equation = producers.get(value);
    return equation === undefined || groups.has(equation) ? undefined : equation;
  };
  for (const equation of equations) {
    const { kind } = effectiveRule(equation, target);
    if (kind !== "kernel") continue;
    [...operandsOf(equation, producer, target), ...equation.outputs].forEach(keep);
  }
  keepWholes(program, producers, kept, keep, target);
  // Backward: the nest that each value would be part of, if there is only one.
  const owners = new Map<Variable, Variable | null>();
  const several: Variable[] = [];
  for (const equation of equations.toReversed()) {
    const rule = effectiveRule(equation, target);
    const isFilled = rule.kind === "concatenate" && kept.has(equation.outputs[0]);
    if (rule.kind === "kernel" || isFilled) {
      // Each argument of a concatenation in memory is written by a nest of its own.
      if (isFilled) {
        equation.inputs.forEach((input) => meet(owners, input, equation.outputs[0]));
      }
      continue;
    }
    const [output] = equation.outputs;
    let owner: Variable | null = output;
    if (!kept.has(output)) {
      owner = owners.get(output) ?? null;
      if (rule.kind === "reduce") {
        const fits = owner !== null && sizeOf(owner.type.shape) === sizeOf(output.type.shape);
        if (!fits) {
          kept.add(output);
          owner = output;
        }
      } else if (owner === null) {
        several.push(output);
        kept.add(output);
        owner = output;
      }
    }
    for (const input of equation.inputs) {
      // A repeated value gets a nest of its own: a reduction with other readers is not computed twice.
      const isRepeated = rule.kind === "view" && input instanceof Variable &&
        sizeOf(input.type.shape) < sizeOf(output.type.shape);
      meet(owners, input, isRepeated ? input : owner);
    }
  }
  // Forward: cheap values are recomputed in each of several nests.
  const costs = new Map<Variable, Cost>();
  const depths = new Map<Atom, number>();
  const candidates = new Set(several);
  for (const equation of equations) {
    const rule = effectiveRule(equation, target);
    const [output] = equation.outputs;
    if (output === undefined || (kept.has(output) && !candidates.has(output))) continue;
    const depth = 1 + Math.max(0, ...equation.inputs.map((input) => depths.get(input) ?? 0));
    if (depth > DEEPEST) {
      keep(output);
      continue;
    }
    depths.set(output, depth);
    const cost = costOf(equation, rule, costs, kept);
    if (candidates.has(output)) {
      if (cost.operations > CHEAP_OPERATIONS || cost.reads.size > 1) continue;
      kept.delete(output);
    }
    costs.set(output, cost);
  }
  return kept;
}

/** The value from which a value is sliced, or which it pads with zeros, or itself. */
interface Whole {
  readonly base: Atom;
  /** Whether the two differ by more than their shapes. */
  readonly isPart: boolean;
}

/**
 * Decides which values padding and concatenations read. They are followed to the values of which their
 * arguments are parts, if these are in memory anyway, or if all of their elements are read. A rolled
 * value is therefore read from its original, in both directions of differentiation. Other arguments of
 * padding are kept, and so are other concatenations.
 */
function keepWholes(
  { equations }: Program,
  producers: ReadonlyMap<Variable, Equation>,
  kept: ReadonlySet<Variable>,
  keep: (atom: Atom) => void,
  target: Target,
): void {
  const wholeOf = (atom: Atom): Whole => {
    let part = false;
    while (atom instanceof Variable && !kept.has(atom)) {
      const producer = producers.get(atom);
      if (producer === undefined || !isPart(producer, target)) break;
      part ||= effectiveRule(producer, target).kind !== "alias";
      atom = producer.inputs[0];
    }
    return { base: atom, isPart: part };
  };
  const isInMemory = (atom: Atom): boolean =>
    !(atom instanceof Variable) || kept.has(atom) || !producers.has(atom);
  const read = new Map<Atom, number>();
  const readers = equations.filter((equation) => {
    const { kind } = effectiveRule(equation, target);
    return kind === "pad" || kind === "concatenate";
  });
  for (const { inputs } of readers) {
    for (const input of inputs) {
      const { base } = wholeOf(input);
      read.set(base, (read.get(base) ?? 0) + sizeOf(typeOf(input).shape));
    }
  }
  const isFollowed = ({ base }: Whole): boolean =>
    isInMemory(base) || read.get(base)! >= sizeOf(typeOf(base).shape);
  for (const equation of readers) {
    const { inputs, outputs: [output] } = equation;
    const wholes = inputs.map(wholeOf);
    if (effectiveRule(equation, target).kind === "pad") {
      keep(isPart(equation, target) && isFollowed(wholes[0]) ? wholes[0].base : inputs[0]);
      continue;
    }
    const isJoined = !kept.has(output) && inputs.length <= MOST_PARTS &&
      wholes.every((whole) => isFollowed(whole) && (whole.isPart || isInMemory(whole.base)));
    if (isJoined) wholes.forEach(({ base }) => keep(base));
    else keep(output);
  }
}

/** Records that the nest of `owner` computes `atom`; `null` once there are several. */
function meet(
  owners: Map<Variable, Variable | null>,
  atom: Atom,
  owner: Variable | null,
): void {
  if (!(atom instanceof Variable)) return;
  const known = owners.get(atom);
  owners.set(atom, known === undefined || known === owner ? owner : null);
}

function costOf(
  { inputs, outputs: [output] }: Equation,
  rule: Rule,
  costs: ReadonlyMap<Variable, Cost>,
  kept: ReadonlySet<Variable>,
): Cost {
  const size = sizeOf(output.type.shape);
  if (rule.kind === "reduce") return { operations: Infinity, reads: new Set() };
  // A repeated value is computed once, and read back.
  if (rule.kind === "view" && inputs.every((input) => sizeOf(typeOf(input).shape) < size)) {
    return { operations: 0, reads: new Set() };
  }
  let operations = rule.kind === "outer" ? 1 : 0;
  if (rule.kind === "map") operations = rule.isHeavy ? Infinity : 1;
  const reads = new Set<Atom>();
  for (const input of inputs) {
    if (!(input instanceof Variable) || input instanceof Given) continue;
    const cost = kept.has(input) ? undefined : costs.get(input);
    if (cost === undefined) {
      if (sizeOf(input.type.shape) >= size) reads.add(input);
      continue;
    }
    operations += cost.operations;
    for (const read of cost.reads) if (sizeOf(typeOf(read).shape) >= size) reads.add(read);
  }
  return { operations, reads };
}
