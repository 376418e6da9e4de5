/**
 * The identity that moves between devices.
 *
 * @module
 */
import type { Device } from "../core/device.ts";
import type { Primitive } from "../core/primitive.ts";
import { Concrete } from "../core/tensor.ts";
import type { Tensor } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";

/** Parameters of `move`; `null` stands for not being placed, so that the value goes along with others. */
export interface MoveParams {
  /** Where the result is. */
  readonly device: Device | null;
  /** Where the argument was placed, and its cotangent goes; `null` also where that is not known. */
  readonly from: Device | null;
}

/**
 * The same elements on a device. A program runs on one device as a whole: within one, it says which, and
 * does nothing else.
 */
export const movePrimitive: Primitive<MoveParams> = {
  name: "move",
  isTotal: true,
  type: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
  evaluate: ([x]) => [x],
  batch: ([x], [axis], _size, params) => [[bindOne(movePrimitive, [x], params), axis]],
  derivative: {
    kind: "linear",
    transpose: ([ct], _args, { device, from }) => [
      bindOne(movePrimitive, [ct], { device: from, from: device }),
    ],
  },
  target: ({ device }) => device,
};

/** `x` on `device`; itself where it is there. */
export function move(x: Tensor, device: Device | null): Tensor {
  const from = x.placement;
  if (x instanceof Concrete && from === device) return x;
  return bindOne(movePrimitive, [x], { device, from });
}
