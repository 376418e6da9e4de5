/**
 * The primitive of `scan`: a program run once for each element of a sequence, carrying values from step
 * to step. However long the sequence, it is one equation.
 *
 * @module
 */
import { argumentError, internalError, shapeError } from "../base/errors.ts";
import { range, sameShape, showType } from "../base/shape.ts";
import type { Batched, Primitive, Totals } from "../core/primitive.ts";
import { dependentResultsOf, evaluateProgram, typeOf, zeroResultsOf } from "../core/program.ts";
import { Tensor, zerosOf } from "../core/tensor.ts";
import type { Type } from "../core/tensor.ts";
import { bind } from "../core/trace.ts";
import { alignBatch } from "../primitives/structure.ts";
import { isOffset } from "../transforms/transpose.ts";
import { evaluateScan } from "./evaluate.ts";
import { batchProgram, fixpoint, knowingZeros, placed } from "./programs.ts";
import {
  byRole,
  linearizeBody,
  pushBody,
  restrict,
  sumProducts,
  transposeBody,
} from "./scan_bodies.ts";
import type { ResidualSource, ScanParams } from "./scan_bodies.ts";

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
      return placed(moves, pushed);
    },
  };
}

/** Which carried values depend on any of these arguments, in any step. */
function dependentCarry(isGiven: readonly boolean[], params: ScanParams): readonly boolean[] {
  const { consts, carry, xs } = byRole(isGiven, params);
  return fixpoint(
    carry,
    (carried) => dependentResultsOf(params.body, [...consts, ...carried, ...xs]),
  );
}

function zeroResultsOfScan(
  isZero: readonly boolean[],
  params: ScanParams,
): readonly boolean[] {
  const { consts, carry, xs } = byRole(isZero, params);
  const step = (moving: readonly boolean[]) =>
    zeroResultsOf(params.body, [...consts, ...moving.map((one) => !one), ...xs]);
  const moves = fixpoint(
    carry.map((zero) => !zero),
    (moving) => step(moving).slice(0, params.carry).map((zero) => !zero),
  );
  return [...moves.map((one) => !one), ...step(moves).slice(params.carry)];
}

function transposeScan(
  cotangents: readonly (Tensor | null)[],
  args: readonly Type[],
  params: ScanParams,
  isLinear: readonly boolean[],
  totals: Totals,
): readonly (Tensor | null)[] {
  const flags = byRole(isLinear, params);
  const carryDepends = dependentCarry(isLinear, params);
  if (carryDepends.includes(false)) {
    return transposeMixed(cotangents, args, params, isLinear, totals, carryDepends);
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
  const { body, products, receives } = knowingZeros(
    args,
    allLinear,
    (isZero) => transposeBody(params.body, allLinear, hasCotangent, params, isZero),
  );
  const known = own.consts.filter((_, i) => !flags.consts[i]) as Tensor[];
  const sums = range(params.consts).filter((i) => flags.consts[i])
    .filter((_, i) => products[i] === null)
    .map((i) => totals.take(i) ?? zerosOf(own.consts[i]));
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
  let nextX = carried.length + sums.length;
  const toXs = receives.map((has) => has ? pulled[nextX++] : null);
  let nextSum = carried.length;
  const toConsts = products.map((product) =>
    product === null
      ? pulled[nextSum++]
      : sumProducts(product, elements[product.sequence], pulled[nextX++])
  );
  let [place, element] = [0, 0];
  return [
    ...flags.consts.map((linear) => linear ? toConsts[place++] : null),
    ...flags.carry.map((linear, i) => linear ? toCarry[i] : null),
    ...flags.xs.map((linear) => linear ? toXs[element++] : null),
  ];
}

/** Some carried values do not depend on linear ones: they are known, and become sequences. */
function transposeMixed(
  cotangents: readonly (Tensor | null)[],
  args: readonly Type[],
  params: ScanParams,
  isLinear: readonly boolean[],
  totals: Totals,
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
  const ysDepend = dependentResultsOf(body, [...flags.consts, ...carryDepends, ...flags.xs]).slice(
    carry,
  );
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
    // The positions of the constants are unchanged.
    { has: (i) => i < consts && totals.has(i), take: (i) => i < consts ? totals.take(i) : null },
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
    dependentResults(isGiven, params) {
      const carried = dependentCarry(isGiven, params);
      const { consts, xs } = byRole(isGiven, params);
      const depends = dependentResultsOf(params.body, [...consts, ...carried, ...xs]);
      return [...carried, ...depends.slice(params.carry)];
    },
    zeroResults: zeroResultsOfScan,
    transpose: transposeScan,
  },
};
