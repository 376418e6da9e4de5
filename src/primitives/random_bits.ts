/**
 * Random bits: the block function of the library's random streams.
 *
 * Source: J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, "Parallel random numbers: as easy
 * as 1, 2, 3", 2011.
 *
 * @module
 */
import { dtypeError, shapeError } from "../base/errors.ts";
import { sameShape, showType } from "../base/shape.ts";
import { threefry2x32Into } from "../numeric/threefry.ts";
import type { Primitive } from "../core/primitive.ts";
import { allocateFor, Concrete } from "../core/tensor.ts";
import type { Tensor } from "../core/tensor.ts";
import { bind } from "../core/trace.ts";
import { batchElementwise, storedLength } from "./elementwise.ts";

/** Two random words for each pair of key words and pair of counter words, all of them uint32. */
export const threefry2x32Primitive: Primitive<null> = {
  name: "threefry2x32",
  type(args) {
    const what = `Cannot apply threefry2x32 to ${args.map(showType).join(", ")}`;
    if (args.length !== 4 || args.some((arg) => arg.dtype !== "uint32")) {
      throw dtypeError(`${what}: expected four tensors of uint32`);
    }
    const { shape } = args[0];
    if (args.some((arg) => !sameShape(arg.shape, shape))) {
      throw shapeError(`${what}: shapes must be equal`);
    }
    return [{ dtype: "uint32", shape }, { dtype: "uint32", shape }];
  },
  evaluate(args, _params, types) {
    const [k0, k1, x0, x1] = args.map((arg) => arg.elements as Uint32Array);
    const length = storedLength([k0, k1, x0, x1]);
    const words = types.map(() => allocateFor({ dtype: "uint32", shape: [length] }) as Uint32Array);
    threefry2x32Into(words[0], words[1], k0, k1, x0, x1);
    return types.map(({ dtype, shape }, i) => new Concrete(dtype, shape, words[i]));
  },
  batch: (args, axes, size) => batchElementwise(threefry2x32Primitive, args, axes, size, null),
  derivative: { kind: "zero" },
};

/** Strict Threefry-2x32: keys `k0`, `k1` and counters `x0`, `x1` of one shape give two results. */
export function threefry2x32(k0: Tensor, k1: Tensor, x0: Tensor, x1: Tensor): [Tensor, Tensor] {
  const [first, second] = bind(threefry2x32Primitive, [k0, k1, x0, x1], null);
  return [first, second];
}
