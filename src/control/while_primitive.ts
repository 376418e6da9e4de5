/**
 * The primitive of `whileLoop`: a program that is run while another program returns true.
 *
 * @module
 */
import { argumentError, internalError, shapeError } from "../base/errors.ts";
import { range, showType } from "../base/shape.ts";
import type { BatchAxis, Batched, Primitive } from "../core/primitive.ts";
import {
  dependentResultsOf,
  evaluateProgram,
  Program,
  typeOf,
  withoutEffects,
  zeroResultsOf,
} from "../core/program.ts";
import { sameType, zerosOf } from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { bind } from "../core/trace.ts";
import { reduceMax } from "../primitives/reduction.ts";
import { select } from "../primitives/comparison.ts";
import { alignBatch, broadcast } from "../primitives/structure.ts";
import { confineProgram, oneByOne } from "./confine.ts";
import { evaluateWhile } from "./evaluate.ts";
import { keptBy } from "./handed_on.ts";
import {
  batchProgram,
  fixpoint,
  keyOfFlags,
  memoize,
  nameOf,
  pushProgram,
  record,
} from "./programs.ts";

/** Parameters of `while`. */
export interface WhileParams {
  /** From its constants and the carried values to one bool: whether to continue. */
  readonly condition: Program;
  /** From its constants and the carried values to the next carried values. */
  readonly body: Program;
  /** The number of constants of the condition, which are the first arguments. */
  readonly conditionConsts: number;
  /** The number of constants of the body, which follow; all other arguments are carried. */
  readonly bodyConsts: number;
}

/** The arguments of a loop, or any values with one for each argument, by their role. */
export interface Roles<T> {
  readonly own: readonly T[];
  readonly consts: readonly T[];
  readonly carry: readonly T[];
}

/** Splits a list with one entry per argument. */
export function byRole<T>(
  list: readonly T[],
  { conditionConsts, bodyConsts }: WhileParams,
): Roles<T> {
  const start = conditionConsts + bodyConsts;
  return {
    own: list.slice(0, conditionConsts),
    consts: list.slice(conditionConsts, start),
    carry: list.slice(start),
  };
}

/** The types of a loop's results. */
export function whileType(args: readonly Type[], params: WhileParams): readonly Type[] {
  const { own, consts, carry } = byRole(args, params);
  const { condition, body } = params;
  const fit = (types: readonly Type[], program: Program) =>
    types.length === program.binders.length &&
    types.every((type, i) => sameType(type, program.binders[i].type));
  if (!fit([...own, ...carry], condition) || !fit([...consts, ...carry], body)) {
    throw internalError("The arguments of a loop are not those of its programs");
  }
  const goes = condition.results.map(typeOf);
  if (goes.length !== 1 || goes[0].dtype !== "bool" || goes[0].shape.length !== 0) {
    throw shapeError(
      `Cannot loop on a condition of ${goes.map(showType).join(", ")}: expected bool[]`,
    );
  }
  const results = body.results.map(typeOf);
  carry.forEach((type, i) => {
    if (sameType(type, results[i])) return;
    throw shapeError(
      `Cannot loop: carried value ${i} is ${showType(type)} before a step and ` +
        `${showType(results[i])} after it`,
    );
  });
  return results;
}

/** The carried values that are mapped, including those that depend on mapped ones. */
function mappedCarry(
  body: Program,
  consts: readonly BatchAxis[],
  start: readonly boolean[],
  size: number,
  axisName: string | undefined,
): readonly boolean[] {
  return fixpoint(start, (flags) => {
    const axes = [...consts, ...flags.map((flag) => flag ? 0 : null)];
    return batchProgram(body, axes, size, axisName, flags).axes.map((axis) => axis !== null);
  });
}

/** A loop whose examples end at different times. */
interface MaskedLoop {
  readonly condition: Program;
  readonly body: Program;
}

const maskedLoops = memoize<MaskedLoop>();

/**
 * The loop that continues while any example does, in which finished examples are unchanged. Mapped
 * carried values are mapped along axis 0; all others are not changed by any step.
 */
function maskLoop(
  { condition, body, conditionConsts, bodyConsts }: WhileParams,
  axes: Roles<BatchAxis>,
  size: number,
  axisName: string | undefined,
): MaskedLoop {
  const isMapped = axes.carry.map((axis) => axis !== null);
  const sizes = `${conditionConsts}/${bodyConsts}/${size}/${JSON.stringify(axisName)}`;
  const lists = [axes.own, axes.consts, axes.carry].map((list) => list.map(String)).join("/");
  return maskedLoops(body, `${nameOf([condition])}/${lists}/${sizes}`, () => {
    const types = (program: Program) => program.binders.map(({ type }) => type);
    const asked =
      batchProgram(condition, [...axes.own, ...axes.carry], size, axisName, [true]).program;
    const inner = [...axes.consts, ...axes.carry];
    const places = axes.carry.map((_, i) => bodyConsts + i);
    const confined = confineProgram(body, inner, size, axisName, isMapped, places);
    const { program: step, changes } = confined;
    const stays = keptBy(body, bodyConsts, axes.carry.length);
    const own = types(asked).slice(0, conditionConsts);
    return {
      condition: record(types(asked), (args) => {
        const [goes] = evaluateProgram(asked, args);
        // An empty batch is finished.
        return [size === 0 ? zerosOf({ dtype: "bool", shape: [] }) : reduceMax(goes, [0])];
      }),
      // The body evaluates the condition again: the flags of the continuing examples are not carried.
      body: record([...own, ...types(step).slice(1)], (args) => {
        const inner = args.slice(own.length);
        const carry = inner.slice(bodyConsts);
        const [goes] = evaluateProgram(asked, [...args.slice(0, own.length), ...carry]);
        const next = evaluateProgram(step, [goes, ...inner]);
        return next.map((value, i) =>
          stays[i]
            ? carry[i]
            : changes[i] !== null
            ? value
            : select(broadcast(goes, value.shape, [0]), value, carry[i])
        );
      }),
    };
  });
}

/** A loop primitive, and its parameters with other programs. */
export interface LoopKind<P extends WhileParams> {
  /** The primitive. */
  readonly primitive: Primitive<P>;
  /** The parameters of another loop of this kind. */
  readonly remake: (params: P, changed: WhileParams) => P;
}

/** A loop over a batch. */
export function batchLoop<P extends WhileParams>(
  { primitive, remake }: LoopKind<P>,
  args: readonly Tensor[],
  axes: readonly BatchAxis[],
  size: number,
  params: P,
  axisName: string | undefined,
): readonly Batched[] {
  const flags = byRole(axes.map((axis) => axis !== null), params);
  const inner = (list: readonly boolean[]): BatchAxis[] => list.map((flag) => flag ? 0 : null);
  const aligned = byRole(
    args.map((arg, i) => axes[i] === null ? arg : alignBatch(arg, axes[i], 0, size)),
    params,
  );
  const isMapped = mappedCarry(params.body, inner(flags.consts), flags.carry, size, axisName);
  const condition = batchProgram(
    params.condition,
    [...inner(flags.own), ...inner(isMapped)],
    size,
    axisName,
  );
  const carryOf = (mapped: readonly boolean[]) =>
    aligned.carry.map((value, i) =>
      mapped[i] && !flags.carry[i] ? alignBatch(value, null, 0, size) : value
    );
  if (condition.axes[0] === null) {
    const body = batchProgram(
      params.body,
      [...inner(flags.consts), ...inner(isMapped)],
      size,
      axisName,
      isMapped,
    );
    const results = bind(
      primitive,
      [...aligned.own, ...aligned.consts, ...carryOf(isMapped)],
      remake(params, { ...params, condition: condition.program, body: body.program }),
    );
    return results.map((result, i) => [result, isMapped[i] ? 0 : null]);
  }
  const alone = oneByOne(primitive, args, axes, size, params, axisName);
  if (alone !== null) return alone;
  // Examples leave the loop at different times: all values differ, except those that no step changes.
  const stays = keptBy(params.body, params.bodyConsts, isMapped.length);
  const differs = isMapped.map((mapped, i) => mapped || !stays[i]);
  const roles = { own: inner(flags.own), consts: inner(flags.consts), carry: inner(differs) };
  const masked = maskLoop(params, roles, size, axisName);
  const results = bind(
    primitive,
    [...aligned.own, ...aligned.own, ...aligned.consts, ...carryOf(differs)],
    remake(params, {
      ...masked,
      conditionConsts: params.conditionConsts,
      bodyConsts: params.conditionConsts + params.bodyConsts,
    }),
  );
  return results.map((result, i) => [result, differs[i] ? 0 : null]);
}

/** A loop that carries tangents. */
interface PushedLoop {
  readonly condition: Program;
  readonly body: Program;
  readonly isActive: readonly boolean[];
}

const pushedLoops = memoize<PushedLoop>();

function pushLoop(params: WhileParams, active: readonly boolean[]): PushedLoop {
  const { condition, body, bodyConsts } = params;
  const sizes = `${params.conditionConsts}/${bodyConsts}`;
  const key = `${nameOf([condition])}/${keyOfFlags(active)}/${sizes}`;
  return pushedLoops(body, key, () => {
    const flags = byRole(active, params);
    const isActive = fixpoint(
      flags.carry,
      (carried) => pushProgram(body, [...flags.consts, ...carried], carried).moves,
    );
    const { program } = pushProgram(body, [...flags.consts, ...isActive], isActive);
    const count = body.binders.length;
    const primals = program.binders.slice(0, count);
    const dConsts = flags.consts.filter(Boolean).length;
    const tangents = program.binders.slice(count);
    const binders = [
      ...primals.slice(0, bodyConsts),
      ...tangents.slice(0, dConsts),
      ...primals.slice(bodyConsts),
      ...tangents.slice(dConsts),
    ];
    const dCarry = body.results.map(typeOf).filter((_, i) => isActive[i]);
    const wider = record(
      [...condition.binders.map(({ type }) => type), ...dCarry],
      (args) => evaluateProgram(condition, args.slice(0, condition.binders.length)),
    );
    return {
      condition: wider,
      body: new Program(binders, program.equations, program.results),
      isActive,
    };
  });
}

/** A loop and its tangents. */
export function pushForward<P extends WhileParams>(
  { primitive, remake }: LoopKind<P>,
  primals: readonly Tensor[],
  tangents: readonly (Tensor | null)[],
  params: P,
): readonly (readonly [value: Tensor, tangent: Tensor | null])[] {
  // The constants of the condition have no derivative.
  const { own, consts, carry } = byRole(primals, params);
  const moving = byRole(tangents, params);
  const active = [...own.map(() => false), ...[...moving.consts, ...moving.carry].map(isMoving)];
  const { condition, body, isActive } = pushLoop(params, active);
  const dConsts = moving.consts.filter(isMoving);
  const dCarry = carry.flatMap((value, i) =>
    isActive[i] ? [moving.carry[i] ?? zerosOf(value)] : []
  );
  const results = bind(
    primitive,
    [...own, ...consts, ...dConsts, ...carry, ...dCarry],
    remake(params, {
      condition,
      body,
      conditionConsts: params.conditionConsts,
      bodyConsts: params.bodyConsts + dConsts.length,
    }),
  );
  let next = carry.length;
  return range(carry.length).map((i) => [results[i], isActive[i] ? results[next++] : null]);
}

function isMoving(tangent: Tensor | null): tangent is Tensor {
  return tangent !== null;
}

/** Runs the body of its parameters while their condition holds. */
export const whilePrimitive: Primitive<WhileParams> = {
  name: "while",
  type: whileType,
  evaluate: (args, params) => evaluateWhile(whilePrimitive, args, params),
  batch: (args, axes, size, params, axisName) =>
    batchLoop(plainLoop, args, axes, size, params, axisName),
  derivative: {
    kind: "program",
    linearize(primals, _isActive, params) {
      const results = bind(whilePrimitive, primals, params);
      const [condition, body] = [params.condition, params.body].map(withoutEffects);
      const again = { ...params, condition, body };
      const stays = keptBy(body, params.bodyConsts, results.length);
      return {
        results,
        push(tangents) {
          const { carry } = byRole(tangents, params);
          // The number of steps is known only afterwards: nothing can be kept for the tangents, which
          // run the loop again. Values that no step changes need no loop.
          return pushForward(plainLoop, primals, tangents, again)
            .map(([, tangent], i) => stays[i] ? carry[i] : tangent);
        },
      };
    },
    jvp: (primals, tangents, params) => pushForward(plainLoop, primals, tangents, params),
    dependentResults(isGiven, params) {
      const { own, consts, carry } = byRole(isGiven, params);
      const depends = fixpoint(
        carry,
        (carried) => dependentResultsOf(params.body, [...consts, ...carried]),
      );
      const [isAsked] = dependentResultsOf(params.condition, [...own, ...depends]);
      return depends.map((one) => one || isAsked);
    },
    zeroResults(isZero, params) {
      const { consts, carry } = byRole(isZero, params);
      const moves = fixpoint(
        carry.map((zero) => !zero),
        (moving) =>
          zeroResultsOf(params.body, [...consts, ...moving.map((one) => !one)]).map((one) => !one),
      );
      return moves.map((moving) => !moving);
    },
    transpose() {
      throw argumentError(
        "Cannot differentiate a loop of unknown length in reverse mode (whileLoop, or foriLoop with " +
          "bounds that are tensors): the number of steps, and so the memory for the backward pass, is " +
          "not known; give whileLoop a bound with maxSteps, use scan, or foriLoop with bounds that " +
          "are numbers, or differentiate in forward mode with jvp or jacfwd",
      );
    },
  },
};

const plainLoop: LoopKind<WhileParams> = {
  primitive: whilePrimitive,
  remake: (_, changed) => changed,
};
