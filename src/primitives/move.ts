/**
 * The identities that say where values are: `move` brings them to a device or over a mesh, and
 * `withSharding` says how they are divided where they are computed.
 *
 * @module
 */
import type { Primitive } from "../core/primitive.ts";
import { insertAxis, Sharding, shardShape } from "../core/sharding.ts";
import type { Placement } from "../core/sharding.ts";
import { Concrete } from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";

/** Parameters of `move`; `null` stands for not being placed, so that the value goes along with others. */
export interface MoveParams {
  /** Where the result is. */
  readonly to: Placement | null;
  /** Where the argument was placed, and its cotangent goes; `null` also where that is not known. */
  readonly from: Placement | null;
}

/** The type of `x`, which is the same everywhere; throws where it cannot be divided so. */
function typeAt({ dtype, shape }: Type, to: Placement | null): readonly Type[] {
  if (to instanceof Sharding) shardShape(to, shape, "Cannot divide");
  return [{ dtype, shape }];
}

/** Where a batch is whose examples are at `placement`: they stay whole along the mapped axis. */
function batched(placement: Placement | null, axis: number): Placement | null {
  return placement instanceof Sharding ? insertAxis(placement, axis) : placement;
}

/**
 * The same elements elsewhere. A program runs on one device, or one mesh, as a whole: within one, it says
 * which, and how the value is divided.
 */
export const movePrimitive: Primitive<MoveParams> = {
  name: "move",
  narrow: "own",
  isTotal: true,
  type: ([x], { to }) => typeAt(x, to),
  evaluate: ([x]) => [x],
  batch([x], [axis], _size, { to, from }) {
    const params = { to: batched(to, axis!), from: batched(from, axis!) };
    return [[bindOne(movePrimitive, [x], params), axis]];
  },
  derivative: {
    kind: "linear",
    transpose: ([ct], _args, { to, from }) => [
      bindOne(movePrimitive, [ct], { to: from, from: to }),
    ],
  },
  target: ({ to }) => to,
};

/** `x` at `to`; itself where it is there. */
export function move(x: Tensor, to: Placement | null): Tensor {
  const from = x.placement;
  if (x instanceof Concrete && from === to) return x;
  return bindOne(movePrimitive, [x], { to, from });
}

/** Parameters of `withSharding`. */
export interface WithShardingParams {
  /** How the value is divided. */
  readonly sharding: Sharding;
}

/** The same elements, divided over a mesh; over one without devices they stay where they are. */
export const withShardingPrimitive: Primitive<WithShardingParams> = {
  name: "withSharding",
  narrow: "own",
  isTotal: true,
  type: ([x], { sharding }) => typeAt(x, sharding),
  evaluate: ([x]) => [x],
  batch: ([x], [axis], _size, { sharding }) => [
    [bindOne(withShardingPrimitive, [x], { sharding: insertAxis(sharding, axis!) }), axis],
  ],
  derivative: {
    kind: "linear",
    transpose: ([ct], _args, params) => [bindOne(withShardingPrimitive, [ct], params)],
  },
  target: ({ sharding }) => sharding.mesh.devices === null ? undefined : sharding,
};
