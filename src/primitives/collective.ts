/**
 * Collectives: operations across the examples of a named axis. Each is an operation on one example's
 * value, which the `vmap` over that axis replaces by an operation along it; under every other `vmap` it
 * is batched like its argument. In the program that `shardMap` runs at every position of a mesh, the
 * examples are the positions.
 *
 * @module
 */
import { argumentError, internalError, shapeError, traceError } from "../base/errors.ts";
import { describeValue, isFloat } from "../base/dtype.ts";
import { checkSize, insertAt, range, removeAt, showType } from "../base/shape.ts";
import { nameOfAxis } from "../core/axes.ts";
import type { AxisUse, BatchAxis, Batched, Derivative, Primitive } from "../core/primitive.ts";
import { allocateFor, Concrete } from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";
import { div, mul } from "./arithmetic.ts";
import { equal } from "./comparison.ts";
import { gather } from "./indexing.ts";
import { reduceMean } from "./moments.ts";
import { reduceMax, reduceMin } from "./reduction.ts";
import { pad } from "./slicing.ts";
import { alignBatch, constantLike, convert, iota, reduceSum, transpose } from "./structure.ts";

/** Parameters of every collective. */
export type CollectiveParams = AxisUse;

/** Parameters of `allGather` and `psumScatter`. */
export interface GatheredParams extends CollectiveParams {
  /** The axis that holds one entry per example. */
  readonly axis: number;
}

/** Parameters of `ppermute`. */
export interface PermuteParams extends CollectiveParams {
  /** Pairs of source and destination; no example is a source twice, nor a destination twice. */
  readonly pairs: readonly (readonly [source: number, destination: number])[];
}

/** The properties that differ between collectives. */
interface Rules<P extends CollectiveParams> {
  readonly name: string;
  readonly type: (args: readonly Type[], params: P) => Type;
  /** All examples' results, where `axis` of `x` is the named one; `null` if all have this `x`. */
  readonly across: (x: Tensor, axis: BatchAxis, params: P) => Batched;
  /** The collective with an additional axis that is not the named one. */
  readonly along: (x: Tensor, axis: number, params: P) => Batched;
  readonly derivative: Derivative<P>;
}

function collective<P extends CollectiveParams>(rules: Rules<P>): Primitive<P> {
  const { name, type, across, along, derivative } = rules;
  return {
    name,
    type: (args, params) => [type(args, params)],
    axisOf: over,
    evaluate(_args, { axisName }) {
      throw traceError(
        `Cannot compute ${name} over the axis ${describeValue(nameOfAxis(axisName))}: ` +
          `the vmap over it has ended; use what was made in its function there`,
      );
    },
    batch([x], [axis], size, params, axisName) {
      if (params.axisName !== axisName) return [along(x, axis!, params)];
      if (params.axisSize === size) return [across(x, axis, params)];
      throw argumentError(
        `Cannot compute ${name} over the axis ${describeValue(nameOfAxis(axisName))} of length ` +
          `${size}: it was made for one of length ${params.axisSize}`,
      );
    },
    derivative,
  };
}

/** The parameters that all collectives have in common. */
function over({ axisName, axisSize }: CollectiveParams): CollectiveParams {
  return { axisName, axisSize };
}

/** The sum over all examples. */
function total(x: Tensor, axis: BatchAxis, { axisSize }: CollectiveParams): Tensor {
  return axis === null ? mul(x, constantLike(x, axisSize)) : reduceSum(x, [axis]);
}

/** The sum over all examples, the same for each. Its transpose sums their cotangents. */
export const psumPrimitive: Primitive<CollectiveParams> = collective({
  name: "psum",
  type([x]) {
    if (x.dtype === "bool") throw internalError("psum of bool");
    return { dtype: x.dtype, shape: x.shape };
  },
  across: (x, axis, params) => [total(x, axis, params), null],
  along: (x, axis, params) => [psum(x, params), axis],
  derivative: { kind: "linear", transpose: ([ct], _args, params) => [psum(ct, params)] },
});

/** Sum over the examples. */
export function psum(x: Tensor, params: CollectiveParams): Tensor {
  return bindOne(psumPrimitive, [x], over(params));
}

/** The mean over all examples, the same for each; for equal values it is that value. */
export const pmeanPrimitive: Primitive<CollectiveParams> = collective({
  name: "pmean",
  type([x]) {
    if (!isFloat(x.dtype)) throw internalError(`pmean of ${x.dtype}`);
    return { dtype: x.dtype, shape: x.shape };
  },
  across: (x, axis) => [axis === null ? x : reduceMean(x, [axis]), null],
  along: (x, axis, params) => [pmean(x, params), axis],
  derivative: { kind: "linear", transpose: ([ct], _args, params) => [pmean(ct, params)] },
});

/** Mean of the examples. */
export function pmean(x: Tensor, params: CollectiveParams): Tensor {
  return bindOne(pmeanPrimitive, [x], over(params));
}

/** A collective that computes an extreme. */
function extreme(
  name: string,
  reduce: (x: Tensor, axes: readonly number[]) => Tensor,
): Primitive<CollectiveParams> {
  const primitive: Primitive<CollectiveParams> = collective<CollectiveParams>({
    name,
    type([x], { axisName, axisSize }) {
      if (axisSize > 0) return { dtype: x.dtype, shape: x.shape };
      throw shapeError(
        `Cannot take the ${name} of ${showType(x)} over the axis ` +
          `${describeValue(nameOfAxis(axisName))}: expected at least one example to choose from, ` +
          `current number is 0`,
      );
    },
    across: (x, axis) => [axis === null ? x : reduce(x, [axis]), null],
    along: (x, axis, params) => [bindOne(primitive, [x], params), axis],
    derivative: {
      kind: "smooth",
      tangents: [(dx, [x], [out], params) => {
        const isBest = convert(equal(x, out), x.dtype);
        return psum(mul(dx, div(isBest, psum(isBest, params))), params);
      }],
    },
  });
  return primitive;
}

/** The largest of all examples; ties share the derivative equally. NaN is the largest. */
export const pmaxPrimitive: Primitive<CollectiveParams> = extreme("pmax", reduceMax);

/** Largest of the examples. */
export function pmax(x: Tensor, params: CollectiveParams): Tensor {
  return bindOne(pmaxPrimitive, [x], over(params));
}

/** The smallest of all examples; ties share the derivative equally. NaN is the smallest. */
export const pminPrimitive: Primitive<CollectiveParams> = extreme("pmin", reduceMin);

/** Smallest of the examples. */
export function pmin(x: Tensor, params: CollectiveParams): Tensor {
  return bindOne(pminPrimitive, [x], over(params));
}

/** The values of all examples stacked along a new axis, the same for each. */
export const allGatherPrimitive: Primitive<GatheredParams> = collective({
  name: "allGather",
  type([x], { axisSize, axis }) {
    const shape = insertAt(x.shape, axis, axisSize);
    checkSize(shape, `Cannot gather ${showType(x)} from ${axisSize} examples`);
    return { dtype: x.dtype, shape };
  },
  across: (x, mapped, { axisSize, axis }) => [alignBatch(x, mapped, axis, axisSize), null],
  along: (x, mapped, params) =>
    params.axis <= mapped
      ? [allGather(x, params), mapped + 1]
      : [allGather(x, { ...params, axis: params.axis + 1 }), mapped],
  derivative: { kind: "linear", transpose: ([ct], _args, params) => [psumScatter(ct, params)] },
});

/** All examples' values along a new axis. */
export function allGather(x: Tensor, params: GatheredParams): Tensor {
  return bindOne(allGatherPrimitive, [x], params);
}

/**
 * The transpose of `allGather`: each example receives its own entry along an axis of the sum over all
 * examples.
 */
export const psumScatterPrimitive: Primitive<GatheredParams> = collective({
  name: "psumScatter",
  type([x], { axisSize, axis }) {
    if (x.dtype === "bool" || x.shape[axis] !== axisSize) {
      throw internalError(`psumScatter of ${showType(x)} along axis ${axis} to ${axisSize}`);
    }
    return { dtype: x.dtype, shape: removeAt(x.shape, axis) };
  },
  across: (x, mapped, params) => [total(x, mapped, params), params.axis],
  along: (x, mapped, params) =>
    params.axis < mapped
      ? [psumScatter(x, params), mapped - 1]
      : [psumScatter(x, { ...params, axis: params.axis + 1 }), mapped],
  derivative: { kind: "linear", transpose: ([ct], _args, params) => [allGather(ct, params)] },
});

/** Each example's entry of the sum over all. */
export function psumScatter(x: Tensor, params: GatheredParams): Tensor {
  return bindOne(psumScatterPrimitive, [x], params);
}

/** Parameters of `allToAll`. */
export interface ExchangeParams extends CollectiveParams {
  /** The axis with one entry for each destination, which the result does not have. */
  readonly splitAxis: number;
  /** The axis of the result with one entry for each source. */
  readonly concatAxis: number;
}

/**
 * Entries of an axis are sent, one to each example, and the received ones are stacked along another.
 * Its own inverse.
 */
export const allToAllPrimitive: Primitive<ExchangeParams> = collective({
  name: "allToAll",
  type([x], { axisSize, splitAxis, concatAxis }) {
    if (x.shape[splitAxis] !== axisSize) {
      throw internalError(`allToAll of ${showType(x)} along axis ${splitAxis} to ${axisSize}`);
    }
    return { dtype: x.dtype, shape: insertAt(removeAt(x.shape, splitAxis), concatAxis, axisSize) };
  },
  across(x, mapped, { axisSize, splitAxis, concatAxis }) {
    // The roles of the example and the entry are exchanged.
    const sent = alignBatch(x, mapped, 0, axisSize);
    const others = removeAt(range(sent.shape.length), splitAxis + 1).slice(1);
    return [transpose(sent, [splitAxis + 1, ...insertAt(others, concatAxis, 0)]), 0];
  },
  along(x, mapped, params) {
    const { splitAxis, concatAxis } = params;
    const inner = { ...params, splitAxis: splitAxis < mapped ? splitAxis : splitAxis + 1 };
    // The position of the batch axis after the split axis is removed.
    const axis = splitAxis < mapped ? mapped - 1 : mapped;
    return concatAxis <= axis
      ? [allToAll(x, inner), axis + 1]
      : [allToAll(x, { ...inner, concatAxis: concatAxis + 1 }), axis];
  },
  derivative: {
    kind: "linear",
    transpose: ([ct], _args, params) => [
      allToAll(ct, {
        ...params,
        splitAxis: params.concatAxis,
        concatAxis: params.splitAxis,
      }),
    ],
  },
});

/** Entries exchanged between all examples. */
export function allToAll(x: Tensor, params: ExchangeParams): Tensor {
  return bindOne(allToAllPrimitive, [x], params);
}

/** Values sent between examples; zeros where nothing is received. */
export const ppermutePrimitive: Primitive<PermuteParams> = collective({
  name: "ppermute",
  type: ([x]) => ({ dtype: x.dtype, shape: x.shape }),
  across(x, axis, { axisSize, pairs }) {
    const hasGaps = pairs.length < axisSize;
    if (axis === null && !hasGaps) return [x, null];
    const rows = alignBatch(x, axis, 0, axisSize);
    const none = rows.shape.map(() => 0);
    const padded = hasGaps ? pad(rows, none, none.with(0, 1), none) : rows;
    // Examples that receive nothing read the zeros at the end.
    const places = allocateFor({ dtype: "int32", shape: [axisSize] }).fill(axisSize);
    for (const [source, destination] of pairs) places[destination] = source;
    return [gather(padded, new Concrete("int32", [axisSize], places)), 0];
  },
  along: (x, axis, params) => [ppermute(x, params), axis],
  derivative: {
    kind: "linear",
    transpose: ([ct], _args, params) => [
      ppermute(ct, { ...params, pairs: params.pairs.map(([from, to]) => [to, from] as const) }),
    ],
  },
});

/** Values sent between examples. */
export function ppermute(x: Tensor, params: PermuteParams): Tensor {
  return bindOne(ppermutePrimitive, [x], params);
}

/** The error for examples that take different branches when a collective needs all of them. */
export function divergenceError(axisName: string): Error {
  return argumentError(
    `Cannot use a collective over the axis ${describeValue(nameOfAxis(axisName))} in a branch ` +
      `that each example chooses for itself: use it before cond or switchCase, ` +
      `or choose between results with where`,
  );
}

/** The identity, for values that must be equal for all examples: they select a branch. */
export const uniformPrimitive: Primitive<CollectiveParams> = collective({
  name: "uniform",
  type: ([x]) => ({ dtype: x.dtype, shape: x.shape }),
  across(x, axis, { axisName }) {
    if (axis !== null) throw divergenceError(axisName);
    return [x, null];
  },
  along: (x, axis, params) => [uniform(x, params), axis],
  derivative: { kind: "zero" },
});

/** `x`, which must be equal for all examples. */
export function uniform(x: Tensor, params: CollectiveParams): Tensor {
  return bindOne(uniformPrimitive, [x], over(params));
}

/** The index of this example, from 0. */
export const axisIndexPrimitive: Primitive<CollectiveParams> = collective({
  name: "axisIndex",
  type: () => ({ dtype: "int32", shape: [] }),
  across: (_x, _axis, { axisSize }) => [iota(axisSize), 0],
  along() {
    throw internalError("axisIndex has no argument that could be batched");
  },
  derivative: { kind: "zero" },
});

/** The index of the example. */
export function axisIndex(params: CollectiveParams): Tensor {
  return bindOne(axisIndexPrimitive, [], over(params));
}
