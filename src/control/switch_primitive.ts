/**
 * The primitive of `cond` and `switchCase`: one of several programs, selected by an index.
 *
 * @module
 */
import { internalError, shapeError } from "../base/errors.ts";
import { range, showType } from "../base/shape.ts";
import { exchangedAxes } from "../core/axes.ts";
import type { BatchAxis, Batched, Primitive, Totals } from "../core/primitive.ts";
import {
  dependentResultsOf,
  evaluateProgram,
  Program,
  typeOf,
  Variable,
  withoutDeadEquations,
  zeroResultsOf,
} from "../core/program.ts";
import type { Atom } from "../core/program.ts";
import { sameType, zerosOf } from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { bind } from "../core/trace.ts";
import { divergenceError, uniform } from "../primitives/collective.ts";
import { and, lessEqual, not, select } from "../primitives/comparison.ts";
import { reduceMax } from "../primitives/reduction.ts";
import { alignBatch, broadcast, constantLike, convert } from "../primitives/structure.ts";
import { confineProgram, oneByOne } from "./confine.ts";
import { evaluateSwitch } from "./evaluate.ts";
import { commonChanges } from "./few_places.ts";
import { handedOnByBranches } from "./handed_on.ts";
import {
  anyOf,
  batchProgram,
  keyOfFlags,
  linearizeProgram,
  memoize,
  nameOf,
  placed,
  pullThrough,
  pushProgram,
} from "./programs.ts";

/** Parameters of `switch`. */
export interface SwitchParams {
  /** The branches: programs of the same arguments, with results of the same types. */
  readonly branches: readonly Program[];
}

function switchType(args: readonly Type[], { branches }: SwitchParams): readonly Type[] {
  const [index, ...operands] = args;
  if (index.dtype !== "int32" || index.shape.length !== 0) {
    throw shapeError(`Cannot switch by ${showType(index)}: expected int32[]`);
  }
  const results = branches[0].results.map(typeOf);
  for (const { binders, results: own } of branches) {
    const fits = binders.length === operands.length && own.length === results.length &&
      binders.every(({ type }, i) => sameType(type, operands[i])) &&
      own.every((atom, i) => sameType(typeOf(atom), results[i]));
    if (!fits) throw internalError("The branches of a switch differ in their types");
  }
  return results;
}

function batchSwitch(
  args: readonly Tensor[],
  axes: readonly BatchAxis[],
  size: number,
  { branches }: SwitchParams,
  axisName: string | undefined,
): readonly Batched[] {
  const [index, ...operands] = args;
  const [indexAxis, ...operandAxes] = axes;
  if (indexAxis === null) {
    const free = branches.map((branch) => batchProgram(branch, operandAxes, size, axisName));
    const isMapped = anyOf(free.map((batched) => batched.axes.map((axis) => axis !== null)));
    const programs = branches.map((branch) =>
      batchProgram(branch, operandAxes, size, axisName, isMapped).program
    );
    const results = bind(switchPrimitive, [index, ...operands], { branches: programs });
    return results.map((result, i) => [result, isMapped[i] ? 0 : null]);
  }
  // Within a branch that not all examples of an axis take, the examples that do not take it have no
  // derivative for the collectives of the others.
  const exchanged = exchangedAxes(branches);
  if (exchanged.some((use) => use.axisName === axisName)) throw divergenceError(axisName!);
  const choice = exchanged.reduce(uniform, index);
  const params = { branches };
  const alone = oneByOne(switchPrimitive, [choice, ...operands], axes, size, params, axisName);
  if (alone !== null) return alone;
  const passed = handedOnByBranches(branches);
  const isComputed = passed.map((place) => place === null);
  const computed = chooseEach(choice, operands, operandAxes, size, branches, isComputed, axisName);
  return placed(isComputed, computed).map((value, i) =>
    value === null ? [operands[passed[i]!], operandAxes[passed[i]!]] : [value, 0]
  );
}

const narrowed = memoize<Program>();

/** The program that returns only some of the results. */
function giving(program: Program, isGiven: readonly boolean[]): Program {
  return narrowed(program, keyOfFlags(isGiven), () => {
    const { binders, equations, results } = program;
    const given = results.filter((_, i) => isGiven[i]);
    return withoutDeadEquations(new Program(binders, equations, given));
  });
}

const idle = memoize<Program>();

/**
 * A program of the same arguments that returns those in `changes` unchanged, and zeros for all other
 * results.
 */
function idleLike(program: Program, changes: readonly (number | null)[]): Program {
  return idle(program, changes.map(String).join(), () => {
    const binders = program.binders.map(({ type }) => new Variable(type));
    const results = program.results.map((atom, i) => {
      const place = changes[i];
      return place === null ? zerosOf(typeOf(atom)) : binders[1 + place];
    });
    return new Program(binders, [], results);
  });
}

/**
 * The results if examples select different branches: a branch runs for all of them if any selects it,
 * and each takes the results of its own. Only results for which `isComputed` holds, all mapped along
 * axis 0.
 */
function chooseEach(
  choice: Tensor,
  operands: readonly Tensor[],
  axes: readonly BatchAxis[],
  size: number,
  branches: readonly Program[],
  isComputed: readonly boolean[],
  axisName: string | undefined,
): readonly Tensor[] {
  const programs = branches.map((branch) => giving(branch, isComputed));
  const types = programs[0].results.map(typeOf);
  if (size === 0) return types.map(({ dtype, shape }) => zerosOf({ dtype, shape: [0, ...shape] }));
  const last = branches.length - 1;
  const upTo = range(last).map((i) => lessEqual(choice, constantLike(choice, i)));
  // Values of which every branch changes few elements are passed through all of them, and each changes
  // those of its examples.
  const changes = commonChanges(programs);
  const current = operands.map((operand, i) =>
    changes.includes(i) ? alignBatch(operand, axes[i], 0, size) : operand
  );
  const currentAxes = axes.map((axis, i) => changes.includes(i) ? 0 : axis);
  const forced = types.map(() => true);
  const results = programs.map((branch, i) => {
    const takes = i === 0
      ? upTo[0]
      : i === last
      ? not(upTo[i - 1])
      : and(upTo[i], not(upTo[i - 1]));
    const confined = confineProgram(branch, currentAxes, size, axisName, forced, changes);
    const { program, isTotal } = confined;
    let own: readonly Tensor[];
    if (isTotal) own = evaluateProgram(program, [takes, ...current]);
    else {
      const isTaken = convert(reduceMax(takes, [0]), "int32");
      own = bind(switchPrimitive, [isTaken, takes, ...current], {
        branches: [idleLike(program, confined.changes), program],
      });
    }
    confined.changes.forEach((operand, place) => {
      if (operand !== null) current[operand] = own[place];
    });
    return own;
  });
  return types.map((_, place) => {
    const operand = changes[place];
    return operand !== null ? current[operand] : results.map((own) => own[place])
      .reduceRight((others, own, i) => select(broadcast(upTo[i], own.shape, [0]), own, others));
  });
}

/** The source of a value that tangents need: the operands, or the residuals that branches keep. */
interface KeptSource {
  readonly kind: "operand" | "kept";
  readonly index: number;
}

/** The branches of a switch split into work on primals and on tangents. */
interface LinearizedSwitch {
  /** Each returns the results, then the residuals: every branch fills only its own residuals. */
  readonly forward: readonly Program[];
  /** From the residuals, the required operands, and the tangents of active ones. */
  readonly linear: readonly Program[];
  /** The operands that tangents need. */
  readonly needed: readonly number[];
  readonly moves: readonly boolean[];
}

const linearizedSwitches = memoize<LinearizedSwitch>();

function linearizeBranches(
  branches: readonly Program[],
  isActive: readonly boolean[],
): LinearizedSwitch {
  const names = nameOf(branches);
  return linearizedSwitches(branches[0], `${names}/${keyOfFlags(isActive)}`, () => {
    const moves = anyOf(branches.map((branch) => linearizeProgram(branch, isActive).moves));
    const parts = branches.map((branch) => linearizeProgram(branch, isActive, moves));
    const count = branches[0].results.length;
    // Residuals of the same type in different branches share a position, since only one branch runs.
    const places: Type[] = [];
    const needed: number[] = [];
    const sources = parts.map(({ forward }) => {
      const taken = new Set<number>();
      return forward.results.slice(count).map((atom): KeptSource => {
        const operand = atom instanceof Variable ? forward.binders.indexOf(atom) : -1;
        if (operand >= 0) {
          const known = needed.indexOf(operand);
          return { kind: "operand", index: known >= 0 ? known : needed.push(operand) - 1 };
        }
        const type = typeOf(atom);
        let place = places.findIndex((other, i) => !taken.has(i) && sameType(other, type));
        if (place < 0) place = places.push({ dtype: type.dtype, shape: type.shape }) - 1;
        taken.add(place);
        return { kind: "kept", index: place };
      });
    });
    const forward = parts.map((part, b) => {
      const kept: Atom[] = places.map(zerosOf);
      part.forward.results.slice(count).forEach((atom, i) => {
        const source = sources[b][i];
        if (source.kind === "kept") kept[source.index] = atom;
      });
      return new Program(part.forward.binders, part.forward.equations, [
        ...part.forward.results.slice(0, count),
        ...kept,
      ]);
    });
    const linear = parts.map((part, b) => {
      const residuals = sources[b].length;
      const own = places.map((type) => new Variable(type));
      const operands = needed.map((i) => new Variable(branches[b].binders[i].type));
      part.linear.binders.slice(0, residuals).forEach((variable, i) => {
        const source = sources[b][i];
        (source.kind === "kept" ? own : operands)[source.index] = variable;
      });
      const binders = [...own, ...operands, ...part.linear.binders.slice(residuals)];
      return new Program(binders, part.linear.equations, part.linear.results);
    });
    return { forward, linear, needed, moves };
  });
}

/** Runs one of the programs of its parameters. */
export const switchPrimitive: Primitive<SwitchParams> = {
  name: "switch",
  isTotal: true,
  type: switchType,
  evaluate: evaluateSwitch,
  batch: batchSwitch,
  derivative: {
    kind: "program",
    linearize([index, ...operands], [, ...isActive], { branches }) {
      const { forward, linear, needed, moves } = linearizeBranches(branches, isActive);
      const all = bind(switchPrimitive, [index, ...operands], { branches: forward });
      const count = branches[0].results.length;
      const kept = [...all.slice(count), ...needed.map((i) => operands[i])];
      return {
        results: all.slice(0, count),
        push([, ...tangents]) {
          if (!moves.includes(true)) return moves.map(() => null);
          const active = operands.flatMap((operand, i) =>
            isActive[i] ? [tangents[i] ?? zerosOf(operand)] : []
          );
          const pushed = bind(switchPrimitive, [index, ...kept, ...active], { branches: linear });
          return placed(moves, pushed);
        },
      };
    },
    jvp([index, ...operands], [, ...tangents], { branches }) {
      const isActive = tangents.map((tangent) => tangent !== null);
      const moves = anyOf(branches.map((branch) => pushProgram(branch, isActive).moves));
      const programs = branches.map((branch) => pushProgram(branch, isActive, moves).program);
      const given = tangents.filter((tangent) => tangent !== null);
      const all = bind(switchPrimitive, [index, ...operands, ...given], { branches: programs });
      let next = moves.length;
      return moves.map((moving, i) => [all[i], moving ? all[next++] : null]);
    },
    dependentResults: ([isIndex, ...isGiven], { branches }) =>
      anyOf(branches.map((branch) => dependentResultsOf(branch, isGiven)))
        .map((depends) => depends || isIndex),
    zeroResults([, ...isZero], { branches }) {
      const found = branches.map((branch) => zeroResultsOf(branch, isZero));
      return found[0].map((_, i) => found.every((zeros) => zeros[i]));
    },
    transpose(cotangents, [index, ...args], { branches }, [, ...isLinear], totals) {
      const own: Totals = { has: (i) => totals.has(i + 1), take: (i) => totals.take(i + 1) };
      const pulled = pullThrough(
        branches,
        cotangents,
        args,
        isLinear,
        own,
        (programs, values) =>
          bind(switchPrimitive, [index as Tensor, ...values], { branches: programs }),
      );
      return [null, ...pulled];
    },
  },
};
