/**
 * Rules that read and write at positions known only when the program runs. An index out of range leaves
 * the program without a result, which `fail` records; values computed with it are then ignored.
 *
 * @module
 */
import { range, sizeOf, withoutAxes } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import type { BlockStart, DynamicSliceParams } from "../primitives/dynamic_slicing.ts";
import type { GatherParams, ScatterAddParams, ScatterParams } from "../primitives/indexing.ts";
import type { Builder } from "./builder.ts";
import { combiner } from "./builder.ts";
import type { Context } from "./rule.ts";
import { list } from "./writer.ts";
import type { Value, ValueType } from "./writer.ts";

type Args = readonly Value[];

/** Records indices that are out of range, if anything is read or written by them. */
function check(
  b: Builder,
  indices: Value,
  length: number,
  lead: Shape,
  fail: (flag: Value) => void,
): void {
  if (sizeOf(lead) === 0 || sizeOf(indices.shape) === 0) return;
  const isHigh = b.compare("GE", indices, length);
  const isOut = indices.dtype === "uint32" ? isHigh : b.or(b.compare("LT", indices, 0), isHigh);
  fail(b.any(isOut));
}

/** The roles of the axes of the whole tensor, and of the rows. */
interface Places {
  /** The axis that is indexed. */
  readonly at: number;
  /** The leading axes that the indices also have. */
  readonly shared: readonly number[];
  /** The axes of the rows that are carried along: outer ones, and those after the indices. */
  readonly carried: readonly number[];
}

function placesOf(rows: ValueType, indices: Value, { batch, outer = [] }: GatherParams): Places {
  const at = batch + outer.length;
  return {
    at,
    shared: withoutAxes(range(at), outer),
    carried: [...outer, ...range(indices.shape.length + outer.length, rows.shape.length)],
  };
}

/** Indices with a last axis of length 1 for the index vectors. */
function asVectors(b: Builder, indices: Value): Value {
  return b.reshape(indices, [...indices.shape, 1]);
}

export function gatherRows(
  b: Builder,
  x: Value,
  indices: Value,
  params: GatherParams,
  type: ValueType,
): Value {
  if (sizeOf(type.shape) === 0) return b.splat(0, type);
  const { at, shared, carried } = placesOf(type, indices, params);
  const sizes = x.shape.map((length, axis) => axis === at || shared.includes(axis) ? 1 : length);
  return b.generic(
    "stablehlo.gather",
    [x, asVectors(b, indices)],
    `dimension_numbers = #stablehlo.gather<offset_dims = ${list(carried)}, ` +
      `collapsed_slice_dims = [${at}], operand_batching_dims = ${list(shared)}, ` +
      `start_indices_batching_dims = ${list(range(params.batch))}, start_index_map = [${at}], ` +
      `index_vector_dim = ${indices.shape.length}>, indices_are_sorted = false, ` +
      `slice_sizes = array<i64: ${sizes.join(", ")}>`,
    [{ dtype: x.dtype, shape: type.shape }],
  )[0];
}

function gather(
  b: Builder,
  [x, indices]: Args,
  { params, types: [type], fail }: Context<GatherParams>,
): Args {
  const at = params.batch + (params.outer?.length ?? 0);
  check(b, indices, x.shape[at], x.shape.slice(0, at), fail);
  return [gatherRows(b, x, indices, params, type)];
}

/** Rows combined with those of `x`; rows of indices out of range are ignored. */
function scatterRows(
  b: Builder,
  [x, updates, indices]: Args,
  params: GatherParams,
  combine: (old: Value, update: Value) => Value,
): Value {
  if (sizeOf(updates.shape) === 0) return x;
  const { at, shared, carried } = placesOf(updates, indices, params);
  return b.generic(
    "stablehlo.scatter",
    [x, asVectors(b, indices), updates],
    `scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = ${list(carried)}, ` +
      `inserted_window_dims = [${at}], input_batching_dims = ${list(shared)}, ` +
      `scatter_indices_batching_dims = ${list(range(params.batch))}, ` +
      `scatter_dims_to_operand_dims = [${at}], index_vector_dim = ${indices.shape.length}>, ` +
      `indices_are_sorted = false, unique_indices = false`,
    [x],
    [combiner([x], ([old], [update]) => [combine(old, update)])],
  )[0];
}

function added(b: Builder, args: Args, params: GatherParams): Value {
  const [x, updates, indices] = args;
  const add = (old: Value, update: Value) => b.add(old, update);
  if (x.dtype !== "float32") return scatterRows(b, args, params, add);
  const [whole, rows] = [x, updates].map((one) => b.convert(one, "float64"));
  return b.convert(scatterRows(b, [whole, rows, indices], params, add), "float32");
}

function scatterAdd(
  b: Builder,
  [updates, indices]: Args,
  { params, types: [type], fail }: Context<ScatterAddParams>,
): Args {
  check(
    b,
    indices,
    params.size,
    updates.shape.slice(0, params.batch + (params.outer?.length ?? 0)),
    fail,
  );
  return [added(b, [b.splat(0, type), updates, indices], params)];
}

function checkWhole(
  b: Builder,
  x: Value,
  indices: Value,
  { params: { batch, outer = [] }, fail }: Context<GatherParams>,
): void {
  const at = batch + outer.length;
  check(b, indices, x.shape[at], x.shape.slice(0, at), fail);
}

/** An operation that combines rows in any order. */
function combining(combine: (b: Builder, old: Value, update: Value) => Value) {
  return (b: Builder, args: Args, context: Context<GatherParams>): Args => {
    checkWhole(b, args[0], args[2], context);
    return [scatterRows(b, args, context.params, (old, update) => combine(b, old, update))];
  };
}

function scatterSet(
  b: Builder,
  [x, updates, indices]: Args,
  context: Context<GatherParams>,
): Args {
  const { params } = context;
  checkWhole(b, x, indices, context);
  const length = x.shape[params.batch + (params.outer?.length ?? 0)];
  const rows = sizeOf(indices.shape.slice(params.batch));
  // The order of several updates of one position is not known: only the last is written.
  const places = rows <= 1
    ? indices
    : b.select(lastOfSlots(b, indices, params.batch, length), indices, length);
  return [scatterRows(b, [x, updates, places], params, (_old, update) => update)];
}

/** Which of the indices are the last with their value. */
function lastOfSlots(b: Builder, indices: Value, batch: number, size: number): Value {
  const lead = indices.shape.slice(0, batch);
  const rest = indices.shape.slice(batch);
  if (sizeOf(indices.shape) === 0) return b.splat(0, { dtype: "bool", shape: indices.shape });
  const order = b.reshape(b.iota({ dtype: "int32", shape: [sizeOf(rest)] }, 0), rest);
  const own = b.broadcast(
    order,
    { dtype: "int32", shape: indices.shape },
    range(batch, indices.shape.length),
  );
  const none = b.splat(-1, { dtype: "int32", shape: [...lead, size] });
  const last = scatterRows(b, [none, own, indices], { batch }, (old, update) => b.max(old, update));
  return b.compare("EQ", gatherRows(b, last, indices, { batch }, own), own);
}

function lastOf(
  b: Builder,
  [indices]: Args,
  { params: { batch, size }, fail }: Context<ScatterParams>,
): Args {
  check(b, indices, size, [1], fail);
  return [lastOfSlots(b, indices, batch, size)];
}

/** The starts of a block as scalars; a block that is partly out of range is recorded. */
function startsOf(
  b: Builder,
  x: Value,
  sizes: Shape,
  starts: Args,
  { params: { start }, fail }: Context<BlockStart>,
): Args {
  let next = 0;
  return start.map((known, axis) => {
    if (known !== null) return b.scalar(known, "int32");
    const first = starts[next++];
    const isOut = b.or(
      b.compare("LT", first, 0),
      b.compare("GT", first, x.shape[axis] - sizes[axis]),
    );
    fail(isOut);
    return first;
  });
}

/** The rules, by primitive. */
export const indexing = {
  gather,
  scatterAdd,
  scatterOnto: combining((b, old, update) => b.add(old, update)),
  scatterMax: combining((b, old, update) => b.max(old, update)),
  scatterMin: combining((b, old, update) => b.min(old, update)),
  scatterSet,
  lastOf,
  dynamicSlice: (b: Builder, [x, ...starts]: Args, context: Context<DynamicSliceParams>) => {
    const { sizes } = context.params;
    return [b.dynamicSlice(x, startsOf(b, x, sizes, starts, context), sizes)];
  },
  updateSlice: (b: Builder, [x, update, ...starts]: Args, context: Context<BlockStart>) => [
    b.updateSlice(x, update, startsOf(b, x, update.shape, starts, context)),
  ],
  addSlice: (b: Builder, [x, update, ...starts]: Args, context: Context<BlockStart>) => {
    const at = startsOf(b, x, update.shape, starts, context);
    return [b.updateSlice(x, b.add(b.dynamicSlice(x, at, update.shape), update), at)];
  },
} as const;
