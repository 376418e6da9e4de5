/**
 * Contractions of any axes as stacks of matrix products.
 *
 * @module
 */
import { byteSize } from "../../../../base/dtype.ts";
import { range, sizeOf, stridesOf } from "../../../../base/shape.ts";
import { internalError } from "../../../../base/errors.ts";
import type { Buffer, Builder, Kernel, Stage } from "../kernel.ts";
import type { Number } from "../panels.ts";
import { emitProducts } from "./stack.ts";
import { type StackAxis, WORKSPACE } from "./blocks.ts";
import { type CopyAxis, emitCopy } from "./copy.ts";

/**
 * The parameters of the primitive `contract`: axes of the first operand, each with the matching
 * axis of the second.
 */
export interface Contraction {
  /** The axes that are multiplied and summed. */
  readonly contract: readonly [x: readonly number[], y: readonly number[]];
  /** The axes that both operands share with the result. */
  readonly batch: readonly [x: readonly number[], y: readonly number[]];
}

/** An axis of an operand: its length and the distance between its elements. */
interface Axis {
  readonly length: number;
  readonly stride: number;
}

/** Merged neighbouring axes of a group of axes whose order is given. */
function merge(axes: readonly Axis[]): Axis[] {
  const merged: Axis[] = [];
  for (const axis of axes) {
    if (axis.length === 1) continue;
    const outer = merged.at(-1);
    if (outer?.stride === axis.length * axis.stride) {
      merged[merged.length - 1] = { length: outer.length * axis.length, stride: axis.stride };
    } else merged.push(axis);
  }
  return merged;
}

/** An operand as a stack of matrices, possibly after a copy. */
interface Operand {
  /** From one matrix to the next along each batch axis. */
  readonly batch: readonly number[];
  /** From one free index to the next. */
  readonly free: number;
  /** From one contracted index to the next. */
  readonly contracted: number;
  /** The axes of the copy that is needed; undefined if none is. */
  readonly copy?: readonly CopyAxis[];
}

function axesOf({ shape }: Buffer): Axis[] {
  const strides = stridesOf(shape);
  return shape.map((length, i) => ({ length, stride: strides[i] }));
}

/**
 * Arranges an operand. Its elements are not moved if each group of axes can be treated as one axis.
 */
function arrange(
  axes: readonly Axis[],
  batch: readonly number[],
  free: readonly number[],
  contracted: readonly number[],
): Operand {
  const groups = [free, contracted].map((group) => merge(group.map((i) => axes[i])));
  if (groups.every((group) => group.length <= 1)) {
    const [row, column] = groups.map((group) => group[0]?.stride ?? 1);
    return { batch: batch.map((i) => axes[i].stride), free: row, contracted: column };
  }
  const order = [...batch, ...free, ...contracted];
  let step = sizeOf(axes.map(({ length }) => length));
  const copy = order.map((i) => {
    const { length, stride } = axes[i];
    step /= length;
    return { length, from: stride, to: step };
  });
  return {
    batch: batch.map((_, i) => copy[i].to),
    free: sizeOf(contracted.map((i) => axes[i].length)),
    contracted: 1,
    copy,
  };
}

/**
 * The contraction of operands 0 and 1 as result 2: batch axes, then the remaining axes of the first
 * operand, then those of the second. Operands may be stored as narrower types than that of the
 * computation, which is the result's.
 */
export function emitContract(
  builder: Builder,
  inputs: readonly Buffer[],
  { contract, batch }: Contraction,
  output: Buffer,
): Kernel {
  const { dtype } = output;
  if (dtype === "bool") throw internalError("Cannot contract bool");
  const axes = inputs.map(axesOf);
  const free = axes.map((all, i) =>
    range(all.length).filter((axis) => !contract[i].includes(axis) && !batch[i].includes(axis))
  );
  const length = (i: number, group: readonly number[]) =>
    sizeOf(group.map((j) => axes[i][j].length));
  const [m, n] = [0, 1].map((i) => length(i, free[i]));
  const k = length(0, contract[0]);
  // The pairs may be summed in any order; in that of one of the operands, it may need no copy.
  const orders = contract.map((own) => range(own.length).sort((i, j) => own[i] - own[j]));
  const choices = orders.map((order) =>
    [0, 1].map((i) => arrange(axes[i], batch[i], free[i], order.map((j) => contract[i][j])))
  );
  const cost = (operands: readonly Operand[]): number =>
    operands.reduce(
      (sum, { copy }, i) => copy === undefined ? sum : sum + sizeOf(inputs[i].shape),
      0,
    );
  const operands = cost(choices[1]) < cost(choices[0]) ? choices[1] : choices[0];
  const [a, b] = operands;
  // A copy widens the elements.
  const [heldA, heldB] = operands.map(({ copy }, i) =>
    copy === undefined ? inputs[i].dtype as Number : dtype
  );

  let step = sizeOf(output.shape);
  const stack = batch[0].map((axis, i): StackAxis => {
    const { length } = axes[0][axis];
    step /= length;
    return { length, a: a.batch[i], b: b.batch[i], c: step };
  });
  const product = emitProducts(builder, {
    dtype,
    stack,
    m,
    n,
    k,
    a: { row: a.free, column: a.contracted, held: heldA },
    b: { row: b.contracted, column: b.free, held: heldB },
    c: { row: n, column: 1 },
  });
  if (product.stages.length === 0 || k === 0) return product;

  const copies: Stage[] = [];
  const workspaces = [...product.workspaces];
  const places = new Map<number, number>();
  operands.forEach(({ copy }, i) => {
    if (copy === undefined) return;
    const place = WORKSPACE + workspaces.length;
    const { dtype: held, shape } = inputs[i];
    workspaces.push(sizeOf(shape) * byteSize(dtype));
    copies.push(...emitCopy(builder, held, copy, [i, place]));
    places.set(i, place);
  });
  const stages = product.stages.map((stage) => ({
    ...stage,
    operands: stage.operands.map((operand) => places.get(operand) ?? operand),
  }));
  return { ...product, stages: [...copies, ...stages], workspaces };
}
