/**
 * Contractions: matrix products whose rows, columns and sums may be any axes, read in place.
 *
 * @module
 */
import { lengthAlong, range, sizeOf, stridesOf } from "../../../../base/shape.ts";
import type { ContractParams } from "../../../../primitives/contraction.ts";
import type { Kernel, Limits, Operand } from "../kernel.ts";
import { heldType } from "../module.ts";
import { at, place } from "./passes.ts";
import type { Matrix } from "./matrices.ts";
import { emitProduct } from "./product.ts";
import { mergedLoops, stridedWalk } from "./walks.ts";

/** The kernel of `contract`. */
export function emitContract(
  [x, y]: readonly Operand[],
  { contract, batch }: ContractParams,
  [output]: readonly Operand[],
  limits: Limits,
): Kernel {
  // In the order of the larger operand, so that its elements are read sequentially.
  const larger = sizeOf(x.shape) >= sizeOf(y.shape) ? 0 : 1;
  const order = range(contract[0].length).sort((i, j) => contract[larger][i] - contract[larger][j]);
  const pairs = contract.map((axes) => order.map((i) => axes[i]));
  const held = heldType(output.dtype);
  const free = [x, y].map(({ shape }, k) =>
    range(shape.length).filter((axis) => !pairs[k].includes(axis) && !batch[k].includes(axis))
  );
  const loops = mergedLoops(
    pairs[0].map((axis) => x.shape[axis]),
    [x, y].map(({ shape }, k) => pairs[k].map((axis) => stridesOf(shape)[axis])),
  );
  const matrix = (k: 0 | 1, operand: Operand, index: string): Matrix => {
    const { shape } = operand;
    const strides = stridesOf(shape);
    const among = (value: string, axes: readonly number[]): string =>
      place(value, axes.map((axis) => shape[axis]), axes.map((axis) => strides[axis]));
    const terms = [among("t", batch[k]), among(index, free[k]), among("p", pairs[k])];
    const last = range(shape.length).findLast((axis) => shape[axis] > 1) ?? -1;
    return {
      operand: k,
      held: heldType(operand.dtype),
      read: `return ${held}(${at(k, terms.join(" + "))});`,
      along: pairs[k].includes(last),
      walk: stridedWalk(
        (index) => `${among("t", batch[k])} + ${among(index, free[k])}`,
        loops.strides[k],
      ),
    };
  };
  const [rows, columns] = [lengthAlong(x.shape, free[0]), lengthAlong(y.shape, free[1])];
  return emitProduct({
    held,
    batch: lengthAlong(x.shape, batch[0]),
    rows,
    columns,
    length: lengthAlong(x.shape, pairs[0]),
    loops: loops.lengths,
    skips: false,
    left: matrix(0, x, "i"),
    right: matrix(1, y, "j"),
    place: `(t * ${rows}u + i) * ${columns}u + j`,
  }, limits);
}
