/**
 * Where masks are true: positions that depend on the elements of a tensor, in a number that is read from
 * them or given.
 *
 * @module
 */
import { sizeOf, stridesOf } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { Concrete, dense, splat } from "../core/tensor.ts";
import type { Tensor } from "../core/tensor.ts";
import { div, offset, scale, sub, trunc } from "../primitives/arithmetic.ts";
import { and, lessEqual, select } from "../primitives/comparison.ts";
import { scatterSet } from "../primitives/indexing.ts";
import { cumsum } from "../primitives/reduction.ts";
import { sliceAxis } from "../primitives/slicing.ts";
import { constantLike, convert, iota, reshape } from "../primitives/structure.ts";

/** Where a known mask is true: row-major positions, in order. */
export function knownPositions(mask: Concrete): Tensor {
  const truth = dense(mask);
  let count = 0;
  for (let i = 0; i < truth.length; i++) if (truth[i] !== 0) count++;
  const places = new Int32Array(count);
  for (let i = 0, to = 0; to < count; i++) if (truth[i] !== 0) places[to++] = i;
  return new Concrete("int32", [count], places);
}

/** Where `mask` is true: the first `size` row-major positions, followed by `fill`. */
export function firstPositions(mask: Tensor, size: number, fill: number): Tensor {
  const behind = splat(fill, "int32", [size + 1]);
  if (mask.size === 0) return sliceAxis(behind, 0, 0, size);
  const flat = reshape(mask, [mask.size]);
  const count = cumsum(convert(flat, "int32"), 0);
  const isFirst = and(flat, lessEqual(count, constantLike(count, size)));
  // All others go to one place too many.
  const slot = select(isFirst, offset(count, -1), constantLike(count, size));
  return sliceAxis(scatterSet(behind, iota(mask.size), slot), 0, 0, size);
}

/** Row-major positions in a tensor of this shape as positions on each axis. */
export function splitPositions(flat: Tensor, shape: Shape): Tensor[] {
  if (shape.length === 1 || sizeOf(shape) === 0) return shape.map(() => flat);
  const strides = stridesOf(shape);
  let rest = flat;
  return shape.map((_, axis) => {
    if (axis === shape.length - 1) return rest;
    // Exact in double precision.
    const wide = convert(rest, "float64");
    const position = convert(trunc(div(wide, constantLike(wide, strides[axis]))), "int32");
    rest = sub(rest, scale(position, strides[axis]));
    return position;
  });
}
