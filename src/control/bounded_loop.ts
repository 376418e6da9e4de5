/**
 * The primitive of `whileLoop` with `maxSteps`: a loop that supports reverse mode.
 *
 * It runs as a plain loop that counts its steps. For a derivative it becomes a tree of scans, in which
 * each node runs its own scan only if the loop continues. A loop that stops early therefore costs the
 * steps that it takes, plus at most one scan of inactive nodes for each level. This is the form of
 * equinox's bounded loops (`equinox/internal/_loop/bounded.py`). With checkpointing, a node keeps its
 * inputs and runs again in the backward pass. The memory grows with the depth of the tree, the
 * logarithm of the number of steps, and so does the number of times that a step is run. Source:
 * Griewank, "Achieving logarithmic growth of temporal and spatial complexity in reverse automatic
 * differentiation" (1992); Griewank and Walther, "Algorithm 799: revolve" (2000), choose better
 * checkpoints if the number of steps is known, and Stumm and Walther, "New algorithms for optimal
 * online checkpointing" (2010), if it is not. A loop without checkpointing keeps everything, up to 16^4
 * steps; beyond, blocks of 16^3 steps run once more in the backward pass.
 *
 * @module
 */
import type { Primitive, ProgramDerivative } from "../core/primitive.ts";
import { isFloat } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { showType } from "../base/shape.ts";
import { dependentResultsOf, evaluateProgram, typeOf, zeroResultsOf } from "../core/program.ts";
import type { Program } from "../core/program.ts";
import { Tensor, zerosOf } from "../core/tensor.ts";
import type { Concrete, Type } from "../core/tensor.ts";
import { bind, runEvaluated } from "../core/trace.ts";
import { add } from "../primitives/arithmetic.ts";
import { and, less } from "../primitives/comparison.ts";
import { constantLike, convert } from "../primitives/structure.ts";
import { linearizeFlat, pullBack } from "../transforms/linearize.ts";
import { isOffset } from "../transforms/transpose.ts";
import { callPrimitive } from "./call.ts";
import type { CallParams } from "./call.ts";
import { checkpointPrimitive } from "./checkpoint.ts";
import {
  fixpoint,
  knowingZeros,
  memoize,
  nameOf,
  placed,
  record,
  transposeOpen,
} from "./programs.ts";
import { scanPrimitive } from "./scan_primitive.ts";
import { switchPrimitive } from "./switch_primitive.ts";
import { batchLoop, byRole, pushForward, whilePrimitive, whileType } from "./while_primitive.ts";
import type { LoopKind, WhileParams } from "./while_primitive.ts";

/** The bound of a loop. */
export interface Bound {
  /** The maximum number of steps. */
  readonly maxSteps: number;
  /** Whether the memory for reverse mode grows with the logarithm of the number of steps. */
  readonly isCheckpointed: boolean;
}

/** Parameters of a bounded loop. */
export interface BoundedParams extends WhileParams, Bound {
  /** The loop as a plain one, from all arguments to the carried values. */
  readonly program: Program;
}

/** The number of nodes, or steps, that a scan of the tree runs. */
const WIDTH = 16;

/**
 * Levels of the tree that keep everything that their steps need, if the loop is not checkpointed.
 * Memory is allocated for all of these steps, and filled with zeros for steps that are not taken. In a
 * higher tree every third level is checkpointed, so that the memory, and the time to fill it, does not
 * grow with the bound.
 */
const KEPT_LEVELS = 3;

const PLACE: Type = { dtype: "int32", shape: [] };
const FLAG: Type = { dtype: "bool", shape: [] };

const plainLoops = memoize<Program>();

/** A key that distinguishes loops with the same body. */
function keyOf(
  { condition, conditionConsts, bodyConsts }: WhileParams,
  { maxSteps }: Bound,
): string {
  return `${nameOf([condition])}/${conditionConsts}/${bodyConsts}/${maxSteps}`;
}

/** The types of a loop's arguments. */
function argumentTypes({ condition, body, conditionConsts }: WhileParams): readonly Type[] {
  return [...condition.binders.slice(0, conditionConsts), ...body.binders].map(typeOf);
}

/** The parameters of a loop with this bound. */
export function boundLoop(params: WhileParams, bound: Bound): BoundedParams {
  const { condition, body, conditionConsts, bodyConsts } = params;
  const { maxSteps, isCheckpointed } = bound;
  const program = plainLoops(body, keyOf(params, bound), () => {
    const types = byRole(argumentTypes(params), params);
    const counted: WhileParams = {
      condition: record([...types.own, PLACE, ...types.carry], (args) => {
        const [own, [place], carry] = divide(args, conditionConsts, 1);
        const [goes] = evaluateProgram(condition, [...own, ...carry]);
        return [and(less(place, constantLike(place, maxSteps)), goes)];
      }),
      body: record([...types.consts, PLACE, ...types.carry], (args) => {
        const [consts, [place], carry] = divide(args, bodyConsts, 1);
        return [next(place), ...evaluateProgram(body, [...consts, ...carry])];
      }),
      conditionConsts,
      bodyConsts,
    };
    return record(argumentTypes(params), (args) => {
      const { own, consts, carry } = byRole(args, params);
      const start = constantLike(PLACE, 0);
      return bind(whilePrimitive, [...own, ...consts, start, ...carry], counted).slice(1);
    });
  });
  return { condition, body, conditionConsts, bodyConsts, maxSteps, isCheckpointed, program };
}

/** A list in three parts. */
function divide<T>(list: readonly T[], first: number, second: number) {
  return [
    list.slice(0, first),
    list.slice(first, first + second),
    list.slice(first + second),
  ] as const;
}

function next(place: Tensor): Tensor {
  return add(place, constantLike(place, 1));
}

const trees = memoize<Program>();

/** The loop as a tree of scans. */
function treeOf(params: BoundedParams): Program {
  const { condition, body, maxSteps, isCheckpointed } = params;
  return trees(body, `${keyOf(params, params)}/${isCheckpointed}`, () => {
    const types = byRole(argumentTypes(params), params);
    const consts = [...types.own, ...types.consts];
    // The carried values: the number of the step, whether there is another step, and the values of the
    // loop.
    const state = [PLACE, FLAG, ...types.carry];
    const goesOn = (own: readonly Tensor[], place: Tensor, carry: readonly Tensor[]) =>
      and(
        less(place, constantLike(place, maxSteps)),
        evaluateProgram(condition, [...own, ...carry])[0],
      );
    const step = record([...consts, ...state], (args) => {
      const [shared, [place], carry] = divide(args, consts.length, 2);
      const [own, others] = divide(shared, types.own.length, types.consts.length);
      const values = evaluateProgram(body, [...others, ...carry]);
      return [next(place), goesOn(own, next(place), values), ...values];
    });
    const rest = record([...consts, ...state], (args) => args.slice(consts.length));
    /** Runs a program if the loop continues. */
    const guard = (program: Program) =>
      record([...consts, ...state], (args) => {
        const goes = convert(args[consts.length + 1], "int32");
        return bind(switchPrimitive, [goes, ...args], { branches: [rest, program] });
      });
    /** Runs a program several times. */
    const repeat = (program: Program, length: number) =>
      record([...consts, ...state], (args) =>
        bind(scanPrimitive, args, {
          body: program,
          length,
          reverse: false,
          consts: consts.length,
          carry: state.length,
        }));
    let node = guard(step);
    let nodes = maxSteps;
    for (let level = 1; nodes > WIDTH; level++) {
      const inner = guard(repeat(node, WIDTH));
      nodes = Math.ceil(nodes / WIDTH);
      const isKept = !isCheckpointed && (level % KEPT_LEVELS > 0 || nodes <= WIDTH);
      node = isKept ? inner : record(
        [...consts, ...state],
        (args) => bind(checkpointPrimitive, args, { program: inner, policy: "nothing" }),
      );
    }
    const root = repeat(node, nodes);
    return record(argumentTypes(params), (args) => {
      const { own, consts, carry } = byRole(args, params);
      const place = constantLike(PLACE, 0);
      const start = [place, goesOn(own, place, carry), ...carry];
      return evaluateProgram(root, [...own, ...consts, ...start]).slice(2);
    });
  });
}

/** The transpose of a linear loop: the pullback of its derivative, which is the same at every point. */
function transposeLoop(
  cotangents: readonly (Tensor | null)[],
  args: readonly Type[],
  params: BoundedParams,
  isLinear: readonly boolean[],
): readonly (Tensor | null)[] {
  const flags = byRole(isLinear, params);
  const carried = fixpoint(
    flags.carry,
    (list) => dependentResultsOf(params.body, [...flags.consts, ...list]),
  );
  const shifts = (arg: Type, i: number) =>
    carried[i] && !flags.carry[i] && arg instanceof Tensor && isOffset(arg);
  if (
    dependentResultsOf(params.condition, [...flags.own, ...carried])[0] ||
    byRole(args, params).carry.some(shifts)
  ) {
    throw argumentError(
      `Cannot transpose whileLoop of ${args.map(showType).join(" and ")}: ` +
        `the function is not linear in its arguments`,
    );
  }
  // Throws if a step is not linear.
  knowingZeros(args, isLinear, (isZero) => {
    const zero = byRole(args.map((_, i) => isZero[i] ?? false), params);
    const moves = fixpoint(
      zero.carry.map((one) => !one),
      (list) =>
        zeroResultsOf(params.body, [...zero.consts, ...list.map((one) => !one)])
          .map((one) => !one),
    );
    transposeOpen(params.body, [...flags.consts, ...carried], carried, {
      isZero: [...zero.consts, ...moves.map((one) => !one)],
    });
  });
  const linear = args.filter((_, i) => isLinear[i]).map(zerosOf);
  const linearized = linearizeFlat("whileLoop", linear, (inputs) => {
    const values = placed(isLinear, inputs);
    return bind(boundedPrimitive, args.map((arg, i) => values[i] ?? arg as Tensor), params);
  });
  const given = cotangents.filter((_, i) => isFloat(linearized.results[i].dtype));
  return placed(isLinear, pullBack(linearized, given) as Tensor[]);
}

/** Runs the body of its parameters while their condition holds, up to the maximum number of steps. */
export const boundedPrimitive: Primitive<BoundedParams> = {
  name: "boundedWhile",
  isCall: true,
  type: whileType,
  evaluate: (args, { program }) => runEvaluated(() => evaluateProgram(program, args)) as Concrete[],
  batch: (args, axes, size, params, axisName) =>
    batchLoop(boundedLoop, args, axes, size, params, axisName),
  derivative: {
    kind: "program",
    linearize: (primals, isActive, params) =>
      asCall.linearize(primals, isActive, { program: treeOf(params) }),
    jvp: (primals, tangents, params) => pushForward(boundedLoop, primals, tangents, params),
    dependentResults: (isGiven, { program }) => dependentResultsOf(program, isGiven),
    zeroResults: (isZero, { program }) => zeroResultsOf(program, isZero),
    transpose: transposeLoop,
  },
};

const asCall = callPrimitive.derivative as ProgramDerivative<CallParams>;

const boundedLoop: LoopKind<BoundedParams> = {
  primitive: boundedPrimitive,
  remake: (bound, changed) => boundLoop(changed, bound),
};
