/**
 * Collectives between the positions of a mesh, in a program that runs at each of them. Groups are lists
 * of positions, numbered in row-major order, like the partitions of XLA.
 *
 * @module
 */
import { isFloat } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { internalError } from "../base/errors.ts";
import { insertAt, range } from "../base/shape.ts";
import type { AxisUse } from "../core/primitive.ts";
import type {
  CollectiveParams,
  ExchangeParams,
  GatheredParams,
  PermuteParams,
} from "../primitives/collective.ts";
import { combiner } from "./builder.ts";
import type { Builder } from "./builder.ts";
import type { Context, Rule } from "./rule.ts";
import type { Value } from "./writer.ts";

type Args = readonly Value[];

/** The distance of neighbours along an axis, and its length. */
function strideOf({ places }: Builder, { axisName }: AxisUse): readonly [number, number] {
  const at = places?.findIndex(({ id }) => id === axisName) ?? -1;
  if (at < 0) throw internalError(`No place has the axis ${axisName}`);
  const stride = places!.slice(at + 1).reduce((product, { size }) => product * size, 1);
  return [stride, places![at].size];
}

/** For each line of positions along an axis their numbers. */
function groupsOf(b: Builder, use: AxisUse): readonly (readonly number[])[] {
  const [stride, size] = strideOf(b, use);
  const count = b.places!.reduce((product, axis) => product * axis.size, 1);
  return range(count).filter((place) => Math.floor(place / stride) % size === 0)
    .map((first) => range(size).map((i) => first + i * stride));
}

function showTable(rows: readonly (readonly number[])[]): string {
  const shown = rows.map((row) => `[${row.join(", ")}]`).join(", ");
  return `dense<[${shown}]> : tensor<${rows.length}x${rows[0].length}xi64>`;
}

function channel(b: Builder): string {
  return `channel_handle = #stablehlo.channel_handle<handle = ${b.nextChannel()}, type = 1>`;
}

function among(b: Builder, groups: readonly (readonly number[])[]): string {
  return `${channel(b)}, replica_groups = ${showTable(groups)}`;
}

/** Values of all positions of each group combined by an operation on two of them, the same result at each. */
function reduceAmong(
  b: Builder,
  operation: string,
  x: Value,
  groups: readonly (readonly number[])[],
): Value {
  const combine = combiner([x], ([p], [q]) => [b.same(operation, [p, q])]);
  const attributes = `${among(b, groups)}, use_global_device_ids`;
  return b.generic("stablehlo.all_reduce", [x], attributes, [x], [combine])[0];
}

/** Whether a flag is set at any position of the mesh. */
export function anyPlace(b: Builder, flag: Value): Value {
  const count = b.places!.reduce((product, axis) => product * axis.size, 1);
  const number = b.convert(flag, "int32");
  const most = reduceAmong(b, "stablehlo.maximum", number, [range(count)]);
  return b.compare("NE", most, 0);
}

function total(b: Builder, x: Value, use: AxisUse): Value {
  return reduceAmong(b, "stablehlo.add", x, groupsOf(b, use));
}

function psum(b: Builder, [x]: Args, { params }: Context<CollectiveParams>): Args {
  return [total(b, x, params)];
}

/** The mean, by a sum that is in range if the elements are: a power of two is extracted first. */
function pmean(b: Builder, [x]: Args, { params }: Context<CollectiveParams>): Args {
  const scale = 2 ** Math.ceil(Math.log2(params.axisSize));
  return [b.div(total(b, b.mul(x, 1 / scale), params), params.axisSize / scale)];
}

/**
 * Floats as integers in the same order, and back: for negative numbers all bits except the sign are
 * inverted.
 */
function turned(b: Builder, bits: Value): Value {
  const mask = b.splat(bits.dtype === "int32" ? 2n ** 31n - 1n : 2n ** 63n - 1n, bits);
  return b.select(b.compare("LT", bits, 0), b.elementwise("stablehlo.xor", bits, mask), bits);
}

/** Extremes are computed with integers: those of floats lose NaN on some devices. */
function extreme(operation: "maximum" | "minimum"): Rule<CollectiveParams> {
  return (b, [x], { params }) => {
    const reduce = (value: Value) =>
      reduceAmong(b, `stablehlo.${operation}`, value, groupsOf(b, params));
    if (x.dtype === "bool") return [b.compare("NE", reduce(b.convert(x, "int32")), 0)];
    if (!isFloat(x.dtype as Dtype)) return [reduce(x)];
    const float = x.dtype === "float64" ? x : b.convert(x, "float32");
    const word = x.dtype === "float64" ? "int64" : "int32";
    // NaN is placed at the end that takes precedence.
    const last = b.bitcast(b.splat(NaN, float), word);
    const nan = operation === "maximum" ? last : b.elementwise("stablehlo.not", last);
    const words = b.select(b.isNan(float), nan, turned(b, b.bitcast(float, word)));
    return [b.convert(b.bitcast(turned(b, reduce(words)), float.dtype), x.dtype)];
  };
}

function allGather(
  b: Builder,
  [x]: Args,
  { params, types: [type] }: Context<GatheredParams>,
): Args {
  const one = b.reshape(x, insertAt(x.shape, params.axis, 1));
  const attributes = `all_gather_dim = ${params.axis} : i64, ` +
    `${among(b, groupsOf(b, params))}, use_global_device_ids`;
  return b.generic("stablehlo.all_gather", [one], attributes, [type]);
}

function psumScatter(
  b: Builder,
  [x]: Args,
  { params, types: [type] }: Context<GatheredParams>,
): Args {
  const combine = combiner([x], ([p], [q]) => [b.add(p, q)]);
  const attributes = `scatter_dimension = ${params.axis} : i64, ` +
    `${among(b, groupsOf(b, params))}, use_global_device_ids`;
  const one = { dtype: x.dtype, shape: x.shape.with(params.axis, 1) };
  const [part] = b.generic("stablehlo.reduce_scatter", [x], attributes, [one], [combine]);
  return [b.reshape(part, type.shape)];
}

function ppermute(b: Builder, [x]: Args, { params, types }: Context<PermuteParams>): Args {
  const pairs = groupsOf(b, params).flatMap((group) =>
    params.pairs.map(([from, to]) => [group[from], group[to]])
  );
  if (pairs.length === 0) return [b.splat(0, x)];
  const attributes = `source_target_pairs = ${showTable(pairs)}, ${channel(b)}`;
  return b.generic("stablehlo.collective_permute", [x], attributes, types);
}

function allToAll(b: Builder, [x]: Args, { params, types: [type] }: Context<ExchangeParams>): Args {
  const { axisSize, splitAxis, concatAxis } = params;
  // The axis to list along is inserted first, with length one; the axis to split has length one in the end.
  const isBefore = concatAxis <= splitAxis;
  const [split, concat] = isBefore ? [splitAxis + 1, concatAxis] : [splitAxis, concatAxis + 1];
  const shape = insertAt(x.shape, concat, 1);
  const attributes = `split_dimension = ${split} : i64, concat_dimension = ${concat} : i64, ` +
    `split_count = ${axisSize} : i64, ${among(b, groupsOf(b, params))}`;
  const exchanged = { dtype: x.dtype, shape: shape.with(split, 1).with(concat, axisSize) };
  const [parts] = b.generic("stablehlo.all_to_all", [b.reshape(x, shape)], attributes, [exchanged]);
  return [b.reshape(parts, type.shape)];
}

function axisIndex(b: Builder, _args: Args, { params }: Context<CollectiveParams>): Args {
  const [stride, size] = strideOf(b, params);
  const type = { dtype: "uint32", shape: [] } as const;
  const place = b.convert(b.assign(type, "stablehlo.partition_id : tensor<ui32>"), "int32");
  return [b.elementwise("stablehlo.remainder", b.div(place, stride), size)];
}

/** The rules of collectives in a program that runs at every position of a mesh. */
const rules = {
  psum,
  pmean,
  pmax: extreme("maximum"),
  pmin: extreme("minimum"),
  allGather,
  psumScatter,
  ppermute,
  allToAll,
  axisIndex,
  uniform: (_b: Builder, args: Args) => args,
};

/** The rule of a collective; `null` for other primitives. */
export function collectiveOf(name: string): Rule<unknown> | null {
  return Object.hasOwn(rules, name)
    ? (rules as unknown as Readonly<Record<string, Rule<unknown>>>)[name]
    : null;
}
