/**
 * Identities that determine the placement of values: `move` transfers them to a device or over a mesh,
 * and `withSharding` states how they are divided where they are computed.
 *
 * @module
 */
import type { Primitive } from "../core/primitive.ts";
import { insertAxis, Sharding, shardShape } from "../core/sharding.ts";
import type { Placement } from "../core/sharding.ts";
import { Concrete } from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";

/** Parameters of `move`; `null` means that the value is not placed, and is moved along with others. */
export interface MoveParams {
  /** The placement of the result. */
  readonly to: Placement | null;
  /** The placement of the argument, to which its cotangent is moved; `null` also if it is not known. */
  readonly from: Placement | null;
}

/** The type of `x`, which is the same for all placements; throws if it cannot be divided in this way. */
function typeAt({ dtype, shape }: Type, to: Placement | null): readonly Type[] {
  if (to instanceof Sharding) shardShape(to, shape, "Cannot divide");
  return [{ dtype, shape }];
}

/** The placement of a batch whose examples are at `placement`: it is not divided along the mapped axis. */
function batched(placement: Placement | null, axis: number): Placement | null {
  return placement instanceof Sharding ? insertAxis(placement, axis) : placement;
}

/**
 * The same elements with another placement. A program runs on one device, or one mesh, as a whole;
 * within a program, a `move` states the device or mesh, and how the value is divided.
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

/** `x` at `to`; unchanged if it is there already. */
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

/** The same elements, divided over a mesh; over a mesh without devices they are not moved. */
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
