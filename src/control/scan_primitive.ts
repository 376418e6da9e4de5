/**
 * The primitive behind `scan`: a program run once for each element of a sequence, carrying values
 * from step to step. However long the sequence, it is one equation.
 *
 * @module
 */
import { argumentError, internalError, shapeError } from "../base/errors.ts";
import { sameShape, showType } from "../base/shape.ts";
import type { Batched, Primitive } from "../core/primitive.ts";
import { evaluateProgram, Program, typeOf, Variable } from "../core/program.ts";
import type { Atom, Equation } from "../core/program.ts";
import { Concrete, Tensor, zerosOf } from "../core/tensor.ts";
import type { Type } from "../core/tensor.ts";
import { bind } from "../core/trace.ts";
import { add } from "../primitives/arithmetic.ts";
import { alignBatch } from "../primitives/structure.ts";
import { isOffset } from "../transforms/transpose.ts";
import { evaluateScan } from "./evaluate.ts";
import {
  batchProgram,
  linearizeProgram,
  memoize,
  pushProgram,
  record,
  transposeOpen,
} from "./programs.ts";

/** Parameters of `scan`. */
export interface ScanParams {
  /**
   * What is done in a step: from constants, carried values and one element of each sequence to
   * carried values and one element of each sequence of results.
   */
  readonly body: Program;
  /** The number of steps. */
  readonly length: number;
  /** Whether sequences are read, and written, from the last element to the first. */
  readonly reverse: boolean;
  /** How many of the first arguments are the same in every step. */
  readonly consts: number;
  /** How many of the next are carried; all others are sequences. */
  readonly carry: number;
}

/** The arguments of a scan, or anything that there is one of for each, by their role. */
interface Roles<T> {
  readonly consts: readonly T[];
  readonly carry: readonly T[];
  readonly xs: readonly T[];
}

/** Divides a list with one entry per argument. */
function byRole<T>(list: readonly T[], { consts, carry }: ScanParams): Roles<T> {
  return {
    consts: list.slice(0, consts),
    carry: list.slice(consts, consts + carry),
    xs: list.slice(consts + carry),
  };
}

/** A sequence of `length` elements of a type. */
function stacked({ dtype, shape }: Type, length: number): Type {
  return { dtype, shape: [length, ...shape] };
}

function scanType(args: readonly Type[], params: ScanParams): readonly Type[] {
  const { body, length, carry } = params;
  if (args.length !== body.binders.length) {
    throw internalError(`A scan of ${body.binders.length} arguments got ${args.length}`);
  }
  const own = byRole(args, params);
  const inner = byRole(body.binders.map(({ type }) => type), params);
  const results = body.results.map(typeOf);
  const expected = [
    ...inner.consts,
    ...inner.carry,
    ...inner.xs.map((type) => stacked(type, length)),
  ];
  [...own.consts, ...own.carry, ...own.xs].forEach((type, i) => {
    if (type.dtype === expected[i].dtype && sameShape(type.shape, expected[i].shape)) return;
    throw shapeError(
      `Cannot scan: argument ${i} must be ${showType(expected[i])}, got ${showType(type)}`,
    );
  });
  inner.carry.forEach((type, i) => {
    if (type.dtype === results[i].dtype && sameShape(type.shape, results[i].shape)) return;
    throw shapeError(
      `Cannot scan: carried value ${i} is ${showType(type)} before a step and ` +
        `${showType(results[i])} after it`,
    );
  });
  return [...inner.carry, ...results.slice(carry).map((type) => stacked(type, length))];
}

/** Grows a list of flags until `step` adds none. */
function fixpoint(
  start: readonly boolean[],
  step: (flags: readonly boolean[]) => readonly boolean[],
): readonly boolean[] {
  let flags = start;
  while (true) {
    const found = step(flags);
    const next = flags.map((flag, i) => flag || found[i]);
    if (next.every((flag, i) => flag === flags[i])) return flags;
    flags = next;
  }
}

function batchScan(
  args: readonly Tensor[],
  axes: readonly (number | null)[],
  size: number,
  params: ScanParams,
  axisName: string | undefined,
): readonly Batched[] {
  const { body, carry } = params;
  const mapped = byRole(axes.map((axis) => axis !== null), params);
  // Within the body everything is mapped along its first axis, sequences along their second.
  const axesFor = (flags: readonly boolean[]) =>
    [...mapped.consts, ...flags, ...mapped.xs].map((flag) => flag ? 0 : null);
  const noYs = body.results.slice(carry).map(() => false);
  const isMapped = fixpoint(
    mapped.carry,
    (flags) => {
      const batched = batchProgram(body, axesFor(flags), size, axisName, [...flags, ...noYs]);
      return batched.axes.slice(0, carry).map((axis) => axis !== null);
    },
  );
  const ys = batchProgram(body, axesFor(isMapped), size, axisName, [...isMapped, ...noYs]).axes
    .slice(carry).map((axis) => axis !== null);
  const { program } = batchProgram(body, axesFor(isMapped), size, axisName, [...isMapped, ...ys]);
  const aligned = byRole(
    args.map((arg, i) => {
      const isSequence = i >= params.consts + carry;
      if (i < params.consts || isSequence) {
        return axes[i] === null ? arg : alignBatch(arg, axes[i], isSequence ? 1 : 0, size);
      }
      return isMapped[i - params.consts] ? alignBatch(arg, axes[i], 0, size) : arg;
    }),
    params,
  );
  const results = bind(
    scanPrimitive,
    [...aligned.consts, ...aligned.carry, ...aligned.xs],
    { ...params, body: program },
  );
  return results.map((result, i) =>
    i < carry ? [result, isMapped[i] ? 0 : null] : [result, ys[i - carry] ? 1 : null]
  );
}

/** Where the linear part of a scan finds one of the values that it needs. */
type ResidualSource =
  /** Among the arguments of the scan: a constant, or a sequence. */
  | { readonly kind: "argument"; readonly index: number }
  /** Among the values that depend on constants alone, computed once. */
  | { readonly kind: "invariant"; readonly index: number }
  /** Among the sequences that the forward scan writes for it. */
  | { readonly kind: "stacked"; readonly index: number };

/** A scan's body divided into work on primals and work on tangents. */
interface LinearizedBody {
  /** From the constants to the values that need computing once only. */
  readonly invariants: Program;
  /** The body that also gives what must be kept of each step. */
  readonly forward: Program;
  /** The body on tangents: constants are kept values and tangents, and so are sequences. */
  readonly linear: Program;
  /** For each kept value that is the same in every step, where it is. */
  readonly constSources: readonly ResidualSource[];
  /** For each kept value of a step, where its sequence is. */
  readonly sequenceSources: readonly ResidualSource[];
  /** Which carried values have tangents. */
  readonly isActive: readonly boolean[];
  /** Which results of the body have tangents. */
  readonly moves: readonly boolean[];
}

const linearizedBodies = memoize<LinearizedBody>();

/** The variables of `program` that depend on the first `count` binders and constants alone. */
function invariantsOf(program: Program, count: number): ReadonlySet<Atom> {
  const invariant = new Set<Atom>(program.binders.slice(0, count));
  for (const { primitive, inputs, outputs } of program.equations) {
    // What acts by being run must run as often as it is written.
    if (primitive.derivative.kind === "program" || outputs.length === 0) continue;
    if (inputs.every((atom) => atom instanceof Concrete || invariant.has(atom))) {
      outputs.forEach((variable) => invariant.add(variable));
    }
  }
  return invariant;
}

function linearizeBody(
  body: Program,
  active: readonly boolean[],
  params: ScanParams,
): LinearizedBody {
  const { consts, carry } = params;
  const key = `${active.map(Number).join("")}/${consts}/${carry}`;
  return linearizedBodies(body, key, () => {
    const flags = byRole(active, params);
    const noYs = body.results.slice(carry).map(() => false);
    const linearizedWith = (carried: readonly boolean[]) =>
      linearizeProgram(
        body,
        [...flags.consts, ...carried, ...flags.xs],
        [...carried, ...noYs],
      );
    const isActive = fixpoint(
      flags.carry,
      (carried) => linearizedWith(carried).moves.slice(0, carry),
    );
    const { forward, linear, moves } = linearizedWith(isActive);
    const count = body.results.length;
    const residuals = forward.results.slice(count);
    const invariant = invariantsOf(forward, consts);
    const hoisted: Atom[] = [];
    const kept: Atom[] = [];
    const sources = residuals.map((atom): ResidualSource => {
      const binder = atom instanceof Variable ? forward.binders.indexOf(atom) : -1;
      if (binder >= 0 && (binder < consts || binder >= consts + carry)) {
        return { kind: "argument", index: binder };
      }
      if (atom instanceof Tensor || invariant.has(atom)) {
        return { kind: "invariant", index: hoisted.push(atom) - 1 };
      }
      return { kind: "stacked", index: kept.push(atom) - 1 };
    });
    const isConst = (source: ResidualSource) =>
      source.kind === "invariant" || (source.kind === "argument" && source.index < consts);
    // The linear program takes residuals first, then tangents by role.
    const inputs = linear.binders.slice(0, residuals.length);
    let next = residuals.length;
    const take = (list: readonly boolean[]) =>
      list.flatMap((flag) => flag ? [linear.binders[next++]] : []);
    const [dConsts, dCarry, dXs] = [take(flags.consts), take(isActive), take(flags.xs)];
    const binders = [
      ...inputs.filter((_, i) => isConst(sources[i])),
      ...dConsts,
      ...dCarry,
      ...inputs.filter((_, i) => !isConst(sources[i])),
      ...dXs,
    ];
    const equations = forward.equations.filter(({ outputs }) =>
      outputs.some((variable) => invariant.has(variable))
    );
    return {
      invariants: new Program(forward.binders.slice(0, consts), equations, hoisted),
      forward: new Program(forward.binders, forward.equations, [
        ...forward.results.slice(0, count),
        ...kept,
      ]),
      linear: new Program(binders, linear.equations, linear.results),
      constSources: sources.filter(isConst),
      sequenceSources: sources.filter((source) => !isConst(source)),
      isActive,
      moves,
    };
  });
}

/** A scan in forward mode. */
interface PushedBody {
  readonly body: Program;
  readonly isActive: readonly boolean[];
  readonly moves: readonly boolean[];
}

const pushedBodies = memoize<PushedBody>();

/** The body that carries tangents along with values: what is carried, then its tangents. */
function pushBody(body: Program, active: readonly boolean[], params: ScanParams): PushedBody {
  const { consts, carry } = params;
  return pushedBodies(body, `${active.map(Number).join("")}/${consts}/${carry}`, () => {
    const flags = byRole(active, params);
    const noYs = body.results.slice(carry).map(() => false);
    const pushedWith = (carried: readonly boolean[]) =>
      pushProgram(body, [...flags.consts, ...carried, ...flags.xs], [...carried, ...noYs]);
    const isActive = fixpoint(
      flags.carry,
      (carried) => pushedWith(carried).moves.slice(0, carry),
    );
    const { program, moves } = pushedWith(isActive);
    const primals = byRole(program.binders.slice(0, body.binders.length), params);
    let next = body.binders.length;
    const take = (list: readonly boolean[]) =>
      list.flatMap((flag) => flag ? [program.binders[next++]] : []);
    const [dConsts, dCarry, dXs] = [take(flags.consts), take(isActive), take(flags.xs)];
    const count = body.results.length;
    const carriedTangents = isActive.filter(Boolean).length;
    const results = [
      ...program.results.slice(0, carry),
      ...program.results.slice(count, count + carriedTangents),
      ...program.results.slice(carry, count),
      ...program.results.slice(count + carriedTangents),
    ];
    const binders = [
      ...primals.consts,
      ...dConsts,
      ...primals.carry,
      ...dCarry,
      ...primals.xs,
      ...dXs,
    ];
    return { body: new Program(binders, program.equations, results), isActive, moves };
  });
}

function pushScan(
  primals: readonly Tensor[],
  tangents: readonly (Tensor | null)[],
  params: ScanParams,
): readonly (readonly [value: Tensor, tangent: Tensor | null])[] {
  const active = tangents.map((tangent) => tangent !== null);
  const { body, isActive, moves } = pushBody(params.body, active, params);
  const own = byRole(primals, params);
  const moving = byRole(tangents, params);
  const given = (list: readonly (Tensor | null)[]) => list.filter((tangent) => tangent !== null);
  const dConsts = given(moving.consts);
  const dCarry = own.carry.flatMap((value, i) =>
    isActive[i] ? [moving.carry[i] ?? zerosOf(value)] : []
  );
  const results = bind(
    scanPrimitive,
    [...own.consts, ...dConsts, ...own.carry, ...dCarry, ...own.xs, ...given(moving.xs)],
    {
      ...params,
      body,
      consts: params.consts + dConsts.length,
      carry: params.carry + dCarry.length,
    },
  );
  const carried = results.slice(0, params.carry);
  const carriedTangents = results.slice(params.carry, params.carry + dCarry.length);
  const ysCount = params.body.results.length - params.carry;
  const start = params.carry + dCarry.length;
  const values = [...carried, ...results.slice(start, start + ysCount)];
  const out = [...carriedTangents, ...results.slice(start + ysCount)];
  let next = 0;
  return values.map((value, i) => [value, moves[i] ? out[next++] : null]);
}

function linearizeScan(
  primals: readonly Tensor[],
  active: readonly boolean[],
  params: ScanParams,
) {
  const { consts, length, reverse } = params;
  const parts = linearizeBody(params.body, active, params);
  const count = params.body.results.length;
  const all = bind(scanPrimitive, primals, { ...params, body: parts.forward });
  const stackedValues = all.slice(count);
  const invariants = evaluateProgram(parts.invariants, primals.slice(0, consts));
  const valueOf = ({ kind, index }: ResidualSource): Tensor =>
    (kind === "argument" ? primals : kind === "invariant" ? invariants : stackedValues)[index];
  const constValues = parts.constSources.map(valueOf);
  const sequences = parts.sequenceSources.map(valueOf);
  const { isActive, moves } = parts;
  return {
    results: all.slice(0, count),
    push(tangents: readonly (Tensor | null)[]): readonly (Tensor | null)[] {
      if (!moves.includes(true)) return moves.map(() => null);
      const filled = primals.map((primal, i) => tangents[i] ?? zerosOf(primal));
      const own = byRole(filled, params);
      const flags = byRole(active, params);
      const dConsts = own.consts.filter((_, i) => flags.consts[i]);
      const dCarry = own.carry.filter((_, i) => isActive[i]);
      const dXs = own.xs.filter((_, i) => flags.xs[i]);
      const pushed = bind(
        scanPrimitive,
        [...constValues, ...dConsts, ...dCarry, ...sequences, ...dXs],
        {
          body: parts.linear,
          length,
          reverse,
          consts: constValues.length + dConsts.length,
          carry: dCarry.length,
        },
      );
      let next = 0;
      return moves.map((moving) => moving ? pushed[next++] : null);
    },
  };
}

/** Which results of a program depend on the binders for which `isLinear`. */
function dependsOn(program: Program, isLinear: readonly boolean[]): readonly boolean[] {
  const dependent = new Set<Atom>(program.binders.filter((_, i) => isLinear[i]));
  for (const { inputs, outputs } of program.equations) {
    if (!inputs.some((atom) => dependent.has(atom))) continue;
    // An integer made of linear values, as a comparison's result, is seen when it is transposed.
    outputs.forEach((variable) => dependent.add(variable));
  }
  return program.results.map((atom) => dependent.has(atom));
}

/** The program with these binders and results alone. */
function restrict(
  { equations }: Program,
  binders: readonly Variable[],
  results: readonly Atom[],
): Program {
  const live = new Set<Atom>(results);
  const kept: Equation[] = [];
  for (let i = equations.length - 1; i >= 0; i--) {
    if (!equations[i].outputs.some((variable) => live.has(variable))) continue;
    equations[i].inputs.forEach((atom) => live.add(atom));
    kept.push(equations[i]);
  }
  return new Program(binders, kept.reverse(), results);
}

/** The transposed body: carries cotangents backward and adds up those of constants. */
interface TransposedBody {
  readonly body: Program;
  /** Which linear sequences get a cotangent. */
  readonly receives: readonly boolean[];
}

const transposedBodies = memoize<TransposedBody>();

/**
 * The transpose of a body whose carried values are all linear: its constants are the known ones, it
 * carries cotangents and sums for the linear constants, and reads known sequences and cotangents.
 */
function transposeBody(
  body: Program,
  isLinear: readonly boolean[],
  hasCotangent: readonly boolean[],
  params: ScanParams,
): TransposedBody {
  const key = [isLinear, hasCotangent].map((list) => list.map(Number).join("")).join("/") +
    `/${params.consts}/${params.carry}`;
  return transposedBodies(body, key, () => {
    const types = byRole(body.binders.map(({ type }) => type), params);
    const flags = byRole(isLinear, params);
    const linearConsts = types.consts.filter((_, i) => flags.consts[i]);
    const knownConsts = types.consts.filter((_, i) => !flags.consts[i]);
    const knownXs = types.xs.filter((_, i) => !flags.xs[i]);
    const given = body.results.slice(params.carry).map(typeOf).filter((_, i) => hasCotangent[i]);
    const { program, receives } = transposeOpen(
      body,
      isLinear,
      [...types.carry.map(() => true), ...hasCotangent],
      [...linearConsts.map(() => true), ...types.carry.map(() => true)],
    );
    const transposed = record(
      [...knownConsts, ...types.carry, ...linearConsts, ...knownXs, ...given],
      (args) => {
        let next = 0;
        const take = (count: number) => args.slice(next, next += count);
        const [known, carried, sums, elements, cotangents] = [
          knownConsts.length,
          types.carry.length,
          linearConsts.length,
          knownXs.length,
          given.length,
        ].map(take);
        const pulled = evaluateProgram(program, [...known, ...elements, ...carried, ...cotangents]);
        const toConsts = pulled.slice(0, linearConsts.length);
        const toCarry = pulled.slice(linearConsts.length, linearConsts.length + carried.length);
        const toXs = pulled.slice(linearConsts.length + carried.length);
        return [...toCarry, ...sums.map((sum, i) => add(sum, toConsts[i])), ...toXs];
      },
    );
    return { body: transposed, receives: receives.slice(linearConsts.length + types.carry.length) };
  });
}

function transposeScan(
  cotangents: readonly (Tensor | null)[],
  args: readonly Type[],
  params: ScanParams,
  isLinear: readonly boolean[],
): readonly (Tensor | null)[] {
  const flags = byRole(isLinear, params);
  const carryDepends = fixpoint(
    flags.carry,
    (carried) => dependsOn(params.body, [...flags.consts, ...carried, ...flags.xs]),
  );
  if (carryDepends.includes(false)) {
    return transposeMixed(cotangents, args, params, isLinear, carryDepends);
  }
  const own = byRole(args, params);
  own.carry.forEach((value) => {
    if (!(value instanceof Tensor) || !isOffset(value)) return;
    throw argumentError(
      `Cannot transpose scan from the constant ${showType(value)}: ` +
        `the function is not linear in its arguments`,
    );
  });
  const ysCotangents = cotangents.slice(params.carry);
  const hasCotangent = ysCotangents.map((cotangent) => cotangent !== null);
  const allLinear = [...flags.consts, ...own.carry.map(() => true), ...flags.xs];
  const { body, receives } = transposeBody(params.body, allLinear, hasCotangent, params);
  const known = own.consts.filter((_, i) => !flags.consts[i]) as Tensor[];
  const sums = own.consts.filter((_, i) => flags.consts[i]).map(zerosOf);
  const carried = own.carry.map((type, i) => cotangents[i] ?? zerosOf(type));
  const elements = own.xs.filter((_, i) => !flags.xs[i]) as Tensor[];
  const given = ysCotangents.filter((cotangent) => cotangent !== null);
  const pulled = bind(
    scanPrimitive,
    [...known, ...carried, ...sums, ...elements, ...given],
    {
      body,
      length: params.length,
      reverse: !params.reverse,
      consts: known.length,
      carry: carried.length + sums.length,
    },
  );
  const toCarry = pulled.slice(0, carried.length);
  let nextConst = carried.length;
  let nextX = carried.length + sums.length;
  let place = 0;
  return [
    ...flags.consts.map((linear) => linear ? pulled[nextConst++] : null),
    ...flags.carry.map((linear, i) => linear ? toCarry[i] : null),
    ...flags.xs.map((linear) => linear && receives[place++] ? pulled[nextX++] : null),
  ];
}

/** Some carried values do not depend on linear ones: they are known, and become sequences. */
function transposeMixed(
  cotangents: readonly (Tensor | null)[],
  args: readonly Type[],
  params: ScanParams,
  isLinear: readonly boolean[],
  carryDepends: readonly boolean[],
): readonly (Tensor | null)[] {
  const { body, length, reverse, consts, carry } = params;
  const flags = byRole(isLinear, params);
  const own = byRole(args, params);
  const binders = byRole(body.binders, params);
  const isKnown = (_: unknown, i: number) => !carryDepends[i];
  const isCarried = (_: unknown, i: number) => carryDepends[i];
  const knownBinders = [
    ...binders.consts.filter((_, i) => !flags.consts[i]),
    ...binders.carry.filter(isKnown),
    ...binders.xs.filter((_, i) => !flags.xs[i]),
  ];
  const knownBody = restrict(body, knownBinders, [
    ...body.results.slice(0, carry).filter(isKnown),
    ...binders.carry.filter(isKnown),
  ]);
  const knownCarry = own.carry.filter(isKnown) as Tensor[];
  const known = bind(
    scanPrimitive,
    [
      ...own.consts.filter((_, i) => !flags.consts[i]) as Tensor[],
      ...knownCarry,
      ...own.xs.filter((_, i) => !flags.xs[i]) as Tensor[],
    ],
    {
      body: knownBody,
      length,
      reverse,
      consts: flags.consts.filter((linear) => !linear).length,
      carry: knownCarry.length,
    },
  ).slice(knownCarry.length);
  const ysDepend = dependsOn(body, [...flags.consts, ...carryDepends, ...flags.xs]).slice(carry);
  const linearBody = restrict(body, [
    ...binders.consts,
    ...binders.carry.filter(isCarried),
    ...binders.carry.filter(isKnown),
    ...binders.xs,
  ], [
    ...body.results.slice(0, carry).filter(isCarried),
    ...body.results.slice(carry).filter((_, i) => ysDepend[i]),
  ]);
  const pulled = transposeScan(
    [
      ...cotangents.slice(0, carry).filter(isCarried),
      ...cotangents.slice(carry).filter((_, i) => ysDepend[i]),
    ],
    [...own.consts, ...own.carry.filter(isCarried), ...known, ...own.xs],
    { body: linearBody, length, reverse, consts, carry: carryDepends.filter(Boolean).length },
    [
      ...flags.consts,
      ...flags.carry.filter(isCarried),
      ...known.map(() => false),
      ...flags.xs,
    ],
  );
  let next = consts;
  const toCarry = carryDepends.map((depends) => depends ? pulled[next++] : null);
  return [...pulled.slice(0, consts), ...toCarry, ...pulled.slice(next + known.length)];
}

/** Runs the program of its parameters once for each element of its sequences. */
export const scanPrimitive: Primitive<ScanParams> = {
  name: "scan",
  type: scanType,
  evaluate: (args, params, types) => evaluateScan(scanPrimitive, args, params, types),
  batch: batchScan,
  derivative: {
    kind: "program",
    linearize: linearizeScan,
    jvp: pushScan,
    transpose: transposeScan,
  },
};
