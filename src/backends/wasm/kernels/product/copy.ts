/**
 * Auxiliary stages of products: copies into another order, zeros, sums of results.
 *
 * @module
 */
import { type Dtype, wideDtype } from "../../../../base/dtype.ts";
import type { Builder, Kernel, Stage } from "../kernel.ts";
import type { LoopNode, Nest } from "../../../../lowering/nest.ts";
import { emitNest } from "../nest/mod.ts";
import type { Product } from "./blocks.ts";

/** An axis of a copy; strides are in elements. */
export interface CopyAxis {
  /** Its length. */
  readonly length: number;
  /** From one element to the next in the source. */
  readonly from: number;
  /** From one element to the next in the target. */
  readonly to: number;
}

/** The stages of a nest that stores its last node, over axes that are brought into the order of `to`. */
function emitFill(
  builder: Builder,
  dtypes: readonly Dtype[],
  axes: readonly CopyAxis[],
  operands: readonly number[],
  nodesOf: (strides: readonly number[]) => readonly LoopNode[],
): readonly Stage[] {
  const ordered = axes.toSorted((x, y) => y.to - x.to);
  const to = { offset: 0, strides: ordered.map((axis) => axis.to) };
  const nodes = nodesOf(ordered.map(({ from }) => from));
  const nest: Nest = {
    lengths: ordered.map(({ length }) => length),
    reduced: 0,
    buffers: dtypes,
    nodes,
    stores: [{ node: nodes.length - 1, to: { buffer: operands.length - 1, ...to } }],
  };
  return emitNest(builder, nest).stages.map((stage) => ({
    ...stage,
    operands: stage.operands.map((i) => operands[i]),
    rows: undefined,
  }));
}

/**
 * Copies the elements of an array from the first operand to the second one, axis by axis. They are
 * stored as `held`, and converted to its wide type.
 */
export function emitCopy(
  builder: Builder,
  held: Dtype,
  axes: readonly CopyAxis[],
  operands: readonly [from: number, to: number],
): readonly Stage[] {
  const dtype = wideDtype(held);
  return emitFill(builder, [held, dtype], axes, operands, (strides) => {
    const load: LoopNode = { kind: "load", dtype: held, from: { buffer: 0, offset: 0, strides } };
    if (held === dtype) return [load];
    return [load, { kind: "map", operation: "convert", dtype, inputs: [0], params: { dtype } }];
  });
}

/** Fills C, the given operand, with zeros. */
export function emitZeros(
  builder: Builder,
  { dtype, stack, m, n, c }: Product,
  operand: number,
): readonly Stage[] {
  const axes = [
    ...stack.map(({ length, c }) => ({ length, from: 0, to: c })),
    { length: m, from: 0, to: c.row },
    { length: n, from: 0, to: c.column },
  ];
  const zero: LoopNode = { kind: "constant", dtype, value: 0 };
  return emitFill(builder, [dtype], axes, [operand], () => [zero]);
}

/** Adds up `count` consecutive results into C; the operands are the results and C. */
export function emitSum(
  builder: Builder,
  { dtype, m, n, c }: Product,
  count: number,
): Kernel {
  return emitNest(builder, {
    lengths: [m, n, count],
    reduced: 1,
    buffers: [dtype, dtype],
    nodes: [
      { kind: "load", dtype, from: { buffer: 0, offset: 0, strides: [n, 1, m * n] } },
      { kind: "reduce", dtype, operation: "sum", input: 0 },
    ],
    stores: [{ node: 1, to: { buffer: 1, offset: 0, strides: [c.row, c.column, 0] } }],
  });
}
