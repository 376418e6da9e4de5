/**
 * Rules that rearrange, repeat, slice and concatenate, and that place values.
 *
 * @module
 */
import { Sharding } from "../core/sharding.ts";
import type { MoveParams, WithShardingParams } from "../primitives/move.ts";
import type {
  BitcastParams,
  BroadcastParams,
  IotaParams,
  ReshapeParams,
  TransposeParams,
} from "../primitives/structure.ts";
import type {
  ConcatenateParams,
  FlipParams,
  PadParams,
  SliceParams,
} from "../primitives/slicing.ts";
import type { Builder } from "./builder.ts";
import type { Context } from "./rule.ts";
import type { Value } from "./writer.ts";

type Args = readonly Value[];

/** The rules, by primitive. */
export const structure = {
  reshape: (b: Builder, [x]: Args, { params }: Context<ReshapeParams>) => [
    b.reshape(x, params.shape),
  ],
  transpose: (b: Builder, [x]: Args, { params }: Context<TransposeParams>) => [
    b.transpose(x, params.permutation),
  ],
  bitcast: (b: Builder, [x]: Args, { types: [type] }: Context<BitcastParams>) => [
    b.bitcast(x, type.dtype, type.shape),
  ],
  broadcast: (b: Builder, [x]: Args, { params, types: [type] }: Context<BroadcastParams>) => [
    b.broadcast(x, type, params.axes),
  ],
  iota: (b: Builder, _args: Args, { types: [type] }: Context<IotaParams>) => [b.iota(type, 0)],
  move: (b: Builder, [x]: Args, { params: { to } }: Context<MoveParams>) => [
    to instanceof Sharding ? b.constrain(x, to) : x,
  ],
  withSharding: (
    b: Builder,
    [x]: Args,
    { params: { sharding } }: Context<WithShardingParams>,
  ) => [b.constrain(x, sharding)],
  /** Results that are available as soon as all arguments are. */
  barrier: (b: Builder, args: Args) =>
    args.length === 0 ? [] : b.generic("stablehlo.optimization_barrier", args, "", args),
  slice: (b: Builder, [x]: Args, { params: { start, stop, step } }: Context<SliceParams>) => [
    b.slice(x, start, stop, step),
  ],
  pad: (b: Builder, [x]: Args, { params, types: [type] }: Context<PadParams>) => {
    const zero = b.scalar(0, x.dtype);
    // Interior padding of an empty axis would have a negative length.
    if (x.shape.includes(0)) return [b.splat(0, type)];
    return [b.pad(x, zero, params)];
  },
  concatenate: (b: Builder, args: Args, { params: { axis } }: Context<ConcatenateParams>) => [
    b.concatenate(args, axis),
  ],
  flip: (b: Builder, [x]: Args, { params: { axes } }: Context<FlipParams>) => [b.reverse(x, axes)],
} as const;
