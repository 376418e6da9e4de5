/**
 * The primitive of `shardMap`: a program that runs at every position of a mesh on its part of the
 * arguments. It is defined as the program mapped over the mesh's axes (`program` of its parameters),
 * which runs if there is no mesh of devices. Its derivatives, transpose and batches are those of the
 * program at each position, so that they run on the mesh as well.
 *
 * @module
 */
import { identityOf } from "../base/data.ts";
import { ArgumentError, argumentError } from "../base/errors.ts";
import { inversePermutation, range, showType } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { describeValue } from "../base/dtype.ts";
import { runWithin } from "../core/axes.ts";
import type { NamedAxis } from "../core/axes.ts";
import type { BatchAxis, Primitive, ProgramDerivative } from "../core/primitive.ts";
import { dependentResultsOf, evaluateProgram, typeOf, zeroResultsOf } from "../core/program.ts";
import type { Program } from "../core/program.ts";
import { insertAxis, partsAlong } from "../core/sharding.ts";
import type { Mesh, Sharding } from "../core/sharding.ts";
import { zerosOf } from "../core/tensor.ts";
import type { Concrete, Tensor, Type } from "../core/tensor.ts";
import { bind, runEvaluated } from "../core/trace.ts";
import { scale } from "../primitives/arithmetic.ts";
import { psum } from "../primitives/collective.ts";
import { reshape, transpose } from "../primitives/structure.ts";
import { call, callPrimitive } from "./call.ts";
import type { CallParams } from "./call.ts";
import {
  batchProgram,
  keyOfFlags,
  knowingZeros,
  linearizeProgram,
  memoize,
  placed,
  placedCotangents,
  pushProgram,
  record,
  transposeOpen,
} from "./programs.ts";

/** How arguments and results are divided. */
interface Layout {
  readonly mesh: Mesh;
  /** The axes of the mesh, in its order. */
  readonly axes: readonly NamedAxis[];
  /** How each argument is divided over them. */
  readonly ins: readonly Sharding[];
  /** How each result is. */
  readonly outs: readonly Sharding[];
}

/** Parameters of `shardMap`. */
export class ShardMapParams implements Layout {
  readonly mesh: Mesh;
  readonly axes: readonly NamedAxis[];
  readonly ins: readonly Sharding[];
  readonly outs: readonly Sharding[];
  /** The program that runs at each position. */
  readonly local: Program;

  /** Equal parameters are the same object: see `paramsOf`. */
  constructor(local: Program, { mesh, axes, ins, outs }: Layout) {
    this.mesh = mesh;
    this.axes = axes;
    this.ins = ins;
    this.outs = outs;
    this.local = local;
  }

  /** The program on whole arguments and results. */
  get program(): Program {
    const { program, differs } = meaningOf(this);
    if (differs === null) return program;
    const [result, axis] = differs;
    throw argumentError(
      `Cannot shardMap to ${showType(typeOf(this.local.results[result]))}: ${
        differenceAlong(axis)
      }`,
    );
  }

  /** The text in printed programs. */
  toString(): string {
    const list = (specs: readonly Sharding[]) => `[${specs.map(showSpec).join(", ")}]`;
    const axes = this.axes.map(({ id, size }) => `${id}: ${size}`).join(", ");
    const outs = list(this.outs);
    return `{ mesh: (${axes}), ins: ${list(this.ins)}, outs: ${outs}, local: ${this.local} }`;
  }
}

function showSpec({ spec }: Sharding): string {
  return `(${spec.map((names) => names.length === 0 ? "null" : names.join(" ")).join(", ")})`;
}

/** The reason why a result does not match its sharding. */
export function differenceAlong(axis: NamedAxis): string {
  return `it differs between places along the axis ${describeValue(axis.name)} of the mesh; name ` +
    `the axis in its spec, or make it the same for all with psum or pmean`;
}

const known = memoize<ShardMapParams>();

/** Computes a value from parameters, once; a user's rules run with the mesh's axes in scope. */
function derive<T>(
  memory: ReturnType<typeof memoize<T>>,
  params: ShardMapParams,
  key: string,
  make: () => T,
): T {
  return memory(params.local, `${keyOf(params)}/${key}`, () => runWithin(params.axes, make));
}

/** A key that distinguishes layouts. */
function keyOf({ mesh, axes, ins, outs }: Layout): string {
  const lists = [[mesh], ins, outs].map((each) => each.map(identityOf).join(","));
  return JSON.stringify([axes.map(({ id }) => id), ...lists]);
}

/** The parameters for a program; equal parameters are the same object. */
export function paramsOf(local: Program, layout: Layout): ShardMapParams {
  return known(local, keyOf(layout), () => new ShardMapParams(local, layout));
}

/** Whether a sharding divides anything over an axis. */
function divides({ spec }: Sharding, { name }: NamedAxis): boolean {
  return spec.some((names) => names.includes(name));
}

/** The program on whole values, and the first result that does not match its spec, with the axis. */
interface Meaning {
  readonly program: Program;
  readonly differs: readonly [result: number, axis: NamedAxis] | null;
}

const meanings = memoize<Meaning>();

/** The definition of a program at each position of a mesh. */
export function meaningOf(params: ShardMapParams): Meaning {
  const { local, axes, ins, outs } = params;
  return derive(meanings, params, "", () => {
    let differs: Meaning["differs"] = null;
    const mapped = axes.reduceRight((program, axis) => {
      const inAxes = ins.map((one) => divides(one, axis) ? 0 : null);
      const isMapped = outs.map((one) => divides(one, axis));
      const batched = batchProgram(program, inAxes, axis.size, axis.id, isMapped);
      const result = batched.axes.findIndex((place, i) => place !== null && !isMapped[i]);
      if (result >= 0) differs ??= [result, axis];
      return batched.program;
    }, local);
    if (differs !== null) return { program: mapped, differs };
    const program = record(
      ins.map((one, i) => wholeType(local.binders[i].type, one)),
      (args) =>
        evaluateProgram(mapped, args.map((arg, i) => split(arg, ins[i], axes)))
          .map((result, i) => join(result, outs[i], axes)),
    );
    return { program, differs };
  });
}

/** The type of a whole value, from that of a part. */
function wholeType({ dtype, shape }: Type, sharding: Sharding): Type {
  return { dtype, shape: shape.map((length, axis) => length * partsAlong(sharding, axis)) };
}

/** The names of a mesh's axes along a tensor's axes, the names of each axis before the rest of that axis. */
function namedOrder({ spec }: Sharding, ndim: number): readonly (string | number)[] {
  return range(ndim).flatMap((axis) => [...(spec[axis] ?? []), axis]);
}

/** The permutation from that order to one with the mesh's axes first, in the order of the mesh. */
function toFront(
  order: readonly (string | number)[],
  axes: readonly NamedAxis[],
): readonly number[] {
  const names = axes.map(({ name }) => order.indexOf(name)).filter((place) => place >= 0);
  return [...names, ...range(order.length).filter((i) => typeof order[i] === "number")];
}

/** All parts of a whole value, with one leading axis for each axis of the mesh that divides it. */
function split(x: Tensor, sharding: Sharding, axes: readonly NamedAxis[]): Tensor {
  const order = namedOrder(sharding, x.ndim);
  const shape = order.map((one) =>
    typeof one === "string" ? sharding.mesh.axes[one] : x.shape[one] / partsAlong(sharding, one)
  );
  return transpose(reshape(x, shape), toFront(order, axes));
}

/** The whole value of such parts. */
function join(parts: Tensor, sharding: Sharding, axes: readonly NamedAxis[]): Tensor {
  const count = axes.filter((axis) => divides(sharding, axis)).length;
  const local: Shape = parts.shape.slice(count);
  const order = namedOrder(sharding, local.length);
  const apart = transpose(parts, inversePermutation(toFront(order, axes)));
  return reshape(apart, wholeType({ dtype: parts.dtype, shape: local }, sharding).shape);
}

/** For each result of a program the axes along which it may differ between positions. */
function variation(
  local: Program,
  { axes, ins }: Pick<Layout, "axes" | "ins">,
): readonly string[][] {
  const varies = local.results.map((): string[] => []);
  for (const axis of axes) {
    const inAxes = ins.map((one) => divides(one, axis) ? 0 : null);
    const batched = batchProgram(local, inAxes, axis.size, axis.id);
    batched.axes.forEach((place, i) => place !== null && varies[i].push(axis.name));
  }
  return varies;
}

/** A program at each position, split into work on primals and a linear program. */
interface Divided {
  /** From the arguments to the results and the residuals that are not arguments. */
  readonly forward: ShardMapParams;
  /** From the residuals, and the tangents of active arguments, to those of moving results. */
  readonly linear: ShardMapParams;
  /** The residuals of the linear program: arguments, by number, and further results of `forward`. */
  readonly known: readonly number[];
  readonly moves: readonly boolean[];
}

/**
 * Whether a derived program may run at each position independently: positions take the same branches if
 * they exchange values, and results match their specs. A loop that positions leave at different times
 * has a derivative with steps that only some of them take.
 */
function isSound(params: ShardMapParams): boolean {
  return unlessRefused(() => meaningOf(params))?.differs === null;
}

/** The result of batching over the mesh; `null` if it is not possible. */
function unlessRefused<T>(make: () => T): T | null {
  try {
    return make();
  } catch (error) {
    if (error instanceof ArgumentError) return null;
    throw error;
  }
}

const divided = memoize<Divided | null>();

/** The split of a program; `null` if the parts may not run at each position independently. */
function divide(params: ShardMapParams, isActive: readonly boolean[]): Divided | null {
  const { local, mesh, axes, ins, outs } = params;
  return derive(divided, params, keyOfFlags(isActive), () => {
    const { forward, linear, moves } = linearizeProgram(local, isActive);
    const count = local.results.length;
    const residuals = forward.results.slice(count);
    const varies = unlessRefused(() => variation(forward, { axes, ins }))?.slice(count);
    if (varies === undefined) return null;
    // A residual that differs between positions is passed along an axis of its own.
    const specs = varies.map((names) => mesh.sharding([names]));
    const known = residuals.map((atom) => forward.binders.findIndex((binder) => binder === atom));
    const isKept = known.map((argument) => argument < 0);
    const types = residuals.map((atom, i): Type => {
      const { dtype, shape } = typeOf(atom);
      return { dtype, shape: isKept[i] && varies[i].length > 0 ? [1, ...shape] : shape };
    });
    const opened = record(forward.binders.map(typeOf), (args) => {
      const all = evaluateProgram(forward, args);
      const kept = all.slice(count).map((value, i) => reshape(value, types[i].shape));
      return [...all.slice(0, count), ...kept.filter((_, i) => isKept[i])];
    });
    const closed = record(
      [...types, ...linear.binders.slice(types.length).map(typeOf)],
      (args) =>
        evaluateProgram(
          linear,
          args.map((arg, i) => reshape(arg, linear.binders[i].type.shape)),
        ),
    );
    const parts = {
      forward: paramsOf(opened, {
        mesh,
        axes,
        ins,
        outs: [...outs, ...specs.filter((_, i) => isKept[i])],
      }),
      linear: paramsOf(closed, {
        mesh,
        axes,
        ins: [
          ...specs.map((spec, i) => isKept[i] ? spec : ins[known[i]]),
          ...ins.filter((_, i) => isActive[i]),
        ],
        outs: outs.filter((_, i) => moves[i]),
      }),
      known,
      moves,
    };
    return isSound(parts.forward) && isSound(parts.linear) ? parts : null;
  });
}

/** A transposed program at each position. */
interface Transposed {
  readonly params: ShardMapParams;
  readonly receives: readonly boolean[];
}

const transposes = memoize<Transposed | null>();

/**
 * The transpose: an argument that positions share receives the sum of their cotangents. The cotangent
 * of a result that they share is divided equally between them. `null` if it may not run at each
 * position independently.
 */
function transposeParams(
  params: ShardMapParams,
  isLinear: readonly boolean[],
  hasCotangent: readonly boolean[],
  isZero: readonly boolean[],
): Transposed | null {
  const { local, mesh, axes, ins, outs } = params;
  return derive(transposes, params, keyOfFlags(isLinear, hasCotangent, isZero), () => {
    const { program, receives } = transposeOpen(local, isLinear, hasCotangent, { isZero });
    const known = ins.filter((_, i) => !isLinear[i]);
    const given = outs.filter((_, i) => hasCotangent[i]);
    const got = ins.filter((_, i) => isLinear[i]).filter((_, i) => receives[i]);
    const shares = (one: Sharding) => axes.filter((axis) => !divides(one, axis));
    const transposed = record(program.binders.map(typeOf), (args) => {
      const parts = args.map((arg, i) => {
        if (i < known.length) return arg;
        const places = shares(given[i - known.length]).reduce((n, { size }) => n * size, 1);
        return scale(arg, 1 / places);
      });
      return evaluateProgram(program, parts).map((cotangent, i) =>
        shares(got[i]).reduce(
          (sum, { id, size }) => psum(sum, { axisName: id, axisSize: size }),
          cotangent,
        )
      );
    });
    const own = paramsOf(transposed, { mesh, axes, ins: [...known, ...given], outs: got });
    return isSound(own) ? { params: own, receives } : null;
  });
}

/** The sharding of a batch, which is not divided along its mapped axis. */
function batchSharding(sharding: Sharding, axis: BatchAxis): Sharding {
  return axis === null ? sharding : insertAxis(sharding, axis);
}

/**
 * Runs the program of its parameters at every position of a mesh. Over a mesh of devices it is compiled
 * as a part of programs, which run there; otherwise its definition is evaluated.
 */
export const shardMapPrimitive: Primitive<ShardMapParams> = {
  name: "shardMap",
  isTotal: true,
  isCall: true,
  type: (_args, { local, outs }) =>
    local.results.map((atom, i) => wholeType(typeOf(atom), outs[i])),
  boundAxes: ({ axes }) => axes.map(({ id, size }) => ({ axisName: id, axisSize: size })),
  target: ({ mesh }) => mesh.devices === null ? undefined : mesh.sharding([]),
  evaluate: (args, { program }) => runEvaluated(() => evaluateProgram(program, args)) as Concrete[],
  batch(args, batchAxes, size, { local, mesh, axes, ins, outs }, axisName) {
    // An axis of the mesh shadows others of its name.
    const name = axes.some(({ id }) => id === axisName) ? undefined : axisName;
    const batched = runWithin(axes, () => batchProgram(local, batchAxes, size, name));
    const params = paramsOf(batched.program, {
      mesh,
      axes,
      ins: ins.map((one, i) => batchSharding(one, batchAxes[i])),
      outs: outs.map((one, i) => batchSharding(one, batched.axes[i])),
    });
    const results = bind(shardMapPrimitive, args, params);
    return results.map((result, i) => [result, batched.axes[i]] as const);
  },
  derivative: {
    kind: "program",
    linearize(primals, isActive, params) {
      const parts = divide(params, isActive);
      if (parts === null) return asCall.linearize(primals, isActive, params);
      const { forward, linear, known, moves } = parts;
      const all = bind(shardMapPrimitive, primals, forward);
      let next = params.local.results.length;
      const needed = known.map((argument) => argument < 0 ? all[next++] : primals[argument]);
      return {
        results: all.slice(0, params.local.results.length),
        push(tangents) {
          if (!moves.includes(true)) return moves.map(() => null);
          const active = primals.flatMap((primal, i) =>
            isActive[i] ? [tangents[i] ?? zerosOf(primal)] : []
          );
          return placed(moves, bind(shardMapPrimitive, [...needed, ...active], linear));
        },
      };
    },
    jvp(primals, tangents, shared) {
      const { local, mesh, axes, ins, outs } = shared;
      const isActive = tangents.map((tangent) => tangent !== null);
      const { program, moves } = runWithin(axes, () => pushProgram(local, isActive));
      const args = [...primals, ...tangents.filter((tangent) => tangent !== null)];
      const params = paramsOf(program, {
        mesh,
        axes,
        ins: [...ins, ...ins.filter((_, i) => isActive[i])],
        outs: [...outs, ...outs.filter((_, i) => moves[i])],
      });
      if (!isSound(params)) {
        const { results, push } = asCall.linearize(primals, isActive, shared);
        const pushed = push(tangents);
        return results.map((result, i) => [result, pushed[i]]);
      }
      const all = bind(shardMapPrimitive, args, params);
      let next = moves.length;
      return moves.map((moving, i) => [all[i], moving ? all[next++] : null]);
    },
    dependentResults: (isGiven, { local }) => dependentResultsOf(local, isGiven),
    zeroResults: (isZero, { local }) => zeroResultsOf(local, isZero),
    transpose(cotangents, args, params, isLinear, totals) {
      const hasCotangent = cotangents.map((cotangent) => cotangent !== null);
      const transposed = knowingZeros(
        args,
        isLinear,
        (isZero) => transposeParams(params, isLinear, hasCotangent, isZero),
      );
      if (transposed === null) return asCall.transpose(cotangents, args, params, isLinear, totals);
      const { params: own, receives } = transposed;
      const given = cotangents.filter((cotangent) => cotangent !== null);
      const known = args.filter((_, i) => !isLinear[i]) as Tensor[];
      const pulled = bind(shardMapPrimitive, [...known, ...given], own);
      return placedCotangents(isLinear, receives, pulled);
    },
  },
};

const asCall = callPrimitive.derivative as ProgramDerivative<CallParams>;

const alone = memoize<Program>();

/** Applies the program of parameters at every position of a mesh. */
export function runInPlaces(params: ShardMapParams, args: readonly Tensor[]): readonly Tensor[] {
  if (params.mesh.devices === null) return bind(shardMapPrimitive, args, params);
  const program = alone(params.local, keyOf(params), () => {
    const types = params.ins.map((one, i) => wholeType(params.local.binders[i].type, one));
    return record(types, (values) => bind(shardMapPrimitive, values, params));
  });
  return call(program, args);
}
