/**
 * The contraction of two tensors: every matrix product, dot product and outer product.
 *
 * @module
 */
import { dtypeError, shapeError } from "../base/errors.ts";
import {
  checkSize,
  inversePermutation,
  lengthAlong,
  range,
  showShape,
  showType,
} from "../base/shape.ts";
import { matmul } from "../numeric/matmul.ts";
import type { Numbers } from "../numeric/matmul.ts";
import type { Primitive } from "../core/primitive.ts";
import { allocateFor, Concrete, dense, withinMemory } from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";
import { transpose, transposePrimitive } from "./structure.ts";

/** Axes of the first argument, each paired with one of the second. */
export type AxisPairs = readonly [x: readonly number[], y: readonly number[]];

/** Parameters of `contract`. */
export interface ContractParams {
  /** The axes that are multiplied and summed. */
  readonly contract: AxisPairs;
  /** The axes that both arguments share with the result. */
  readonly batch: AxisPairs;
}

/**
 * The sum over the contracted axes of the products of elements, as JAX's `dot_general` defines it:
 * the result's axes are the batch axes, then the remaining axes of `x`, then those of `y`. Floats
 * accumulate in double precision, integers modulo 2^32.
 */
export const contractPrimitive: Primitive<ContractParams> = {
  name: "contract",
  isTotal: true,
  type([x, y], params) {
    checkContraction(x, y, params);
    const { contract, batch } = params;
    const shape = [
      ...batch[0].map((axis) => x.shape[axis]),
      ...freeAxes(x, contract[0], batch[0]).map((axis) => x.shape[axis]),
      ...freeAxes(y, contract[1], batch[1]).map((axis) => y.shape[axis]),
    ];
    checkSize(shape, `Cannot contract ${showType(x)} with ${showType(y)}`);
    return [{ dtype: x.dtype, shape }];
  },
  evaluate([x, y], params, [type]) {
    const { a, b, shared } = chooseOperands(x, y, params);
    const out = allocateFor(type);
    const operands = [read(x, a), read(y, b)] as const;
    withinMemory(type, () =>
      matmul(out as Numbers, operands[0], operands[1], {
        batch: lengthOf(x, params.batch[0]),
        m: lengthOf(x, a.free),
        n: lengthOf(y, b.free),
        k: lengthOf(x, shared),
        transposeA: a.contractFirst,
        transposeB: !b.contractFirst,
      }));
    return [new Concrete(type.dtype, type.shape, out)];
  },
  batch([x, y], [axisX, axisY], _size, params) {
    const [contractX, contractY] = params.contract;
    const [batchX, batchY] = params.batch;
    const contract = [avoid(contractX, axisX), avoid(contractY, axisY)] as const;
    const others = [avoid(batchX, axisX), avoid(batchY, axisY)] as const;
    if (axisX !== null && axisY !== null) {
      const batch = [[axisX, ...others[0]], [axisY, ...others[1]]] as const;
      return [[bindOne(contractPrimitive, [x, y], { contract, batch }), 0]];
    }
    // If it is mapped in one argument alone, the axis is an additional axis that is not contracted.
    const free = axisX !== null
      ? freeAxes(x, contract[0], others[0]).indexOf(axisX)
      : freeAxes(x, contract[0], others[0]).length +
        freeAxes(y, contract[1], others[1]).indexOf(axisY!);
    const result = bindOne(contractPrimitive, [x, y], { contract, batch: others });
    return [[result, batchX.length + free]];
  },
  derivative: {
    kind: "bilinear",
    transpose: [
      (ct, y, x, { contract, batch }) => {
        const between = x.shape.length - contract[0].length;
        const axes = range(between, ct.ndim);
        return pullBack(ct, axes, y, x, contract, batch);
      },
      (ct, x, y, { contract, batch }) => {
        const axes = range(batch[0].length, x.ndim - contract[0].length);
        return pullBack(ct, axes, x, y, swap(contract), swap(batch));
      },
    ],
  },
};

/** Strict contraction: `[batch..., free axes of x..., free axes of y...]`. */
export function contract(x: Tensor, y: Tensor, params: ContractParams): Tensor {
  return bindOne(contractPrimitive, [x, y], params);
}

/**
 * The cotangent of the argument of type `own`, whose axes come first in `pairs` and `batch`, given the
 * axes of the cotangent that come from the other argument.
 */
function pullBack(
  ct: Tensor,
  fromOther: readonly number[],
  other: Tensor,
  own: Type,
  pairs: AxisPairs,
  batch: AxisPairs,
): Tensor {
  const free = freeAxes(own, pairs[0], batch[0]);
  // The contracted axes of `own`, in the order of the corresponding axes of `other` in its shape.
  const contracted = pairs[1].map((_, i) => i)
    .sort((i, j) => pairs[1][i] - pairs[1][j])
    .map((i) => pairs[0][i]);
  const summed = [fromOther, freeAxes(other, pairs[1], batch[1])] as const;
  const shared = [range(batch[0].length), batch[1]] as const;
  // Either order of the arguments gives the same sums: use the one that needs no transposition.
  const otherFirst = inversePermutation([...batch[0], ...contracted, ...free]);
  if (otherFirst.every((axis, i) => axis === i)) {
    return contract(other, ct, { contract: swap(summed), batch: swap(shared) });
  }
  const result = contract(ct, other, { contract: summed, batch: shared });
  return transpose(result, inversePermutation([...batch[0], ...free, ...contracted]));
}

function swap(pairs: AxisPairs): AxisPairs {
  return [pairs[1], pairs[0]];
}

/** `axes` of an example as axes of a batch whose mapped axis is `mapped`. */
function avoid(axes: readonly number[], mapped: number | null): readonly number[] {
  return mapped === null ? axes : axes.map((axis) => axis < mapped ? axis : axis + 1);
}

/** The axes of `x` that are neither contracted nor shared. */
function freeAxes({ shape }: Type, contracted: readonly number[], shared: readonly number[]) {
  return range(shape.length).filter((axis) => !contracted.includes(axis) && !shared.includes(axis));
}

function lengthOf({ shape }: Type, axes: readonly number[]): number {
  return lengthAlong(shape, axes);
}

function checkContraction(x: Type, y: Type, { contract, batch }: ContractParams): void {
  const shown = `${showType(x)} with ${showType(y)}`;
  if (x.dtype === "bool" || y.dtype === "bool") {
    throw dtypeError(`Cannot contract ${shown}: expected numbers; convert bool with astype`);
  }
  if (x.dtype !== y.dtype) throw dtypeError(`Cannot contract ${shown}: dtypes must be equal`);
  const axesX = [...contract[0], ...batch[0]];
  const axesY = [...contract[1], ...batch[1]];
  const fits = contract[0].length === contract[1].length && batch[0].length === batch[1].length &&
    areDistinctAxes(axesX, x) && areDistinctAxes(axesY, y);
  const place = `along axes ${showShape(axesX)} and ${showShape(axesY)}`;
  if (!fits) {
    throw shapeError(`Cannot contract ${shown} ${place}: expected pairs of distinct axes`);
  }
  axesX.forEach((axis, i) => {
    const lengths = [x.shape[axis], y.shape[axesY[i]]];
    if (lengths[0] !== lengths[1]) {
      throw shapeError(
        `Cannot contract ${shown} ${place}: axis ${axis} has length ${lengths[0]}, ` +
          `axis ${axesY[i]} has length ${lengths[1]}`,
      );
    }
  });
}

function areDistinctAxes(axes: readonly number[], { shape }: Type): boolean {
  return new Set(axes).size === axes.length &&
    axes.every((axis) => Number.isInteger(axis) && axis >= 0 && axis < shape.length);
}

/** The layout of an argument as a batch of matrices. */
interface Operand {
  /** The axes that are neither contracted nor shared. */
  readonly free: readonly number[];
  /** All axes: shared, then contracted and free in one order or the other. */
  readonly order: readonly number[];
  /** Whether the contracted axes come before the free ones. */
  readonly contractFirst: boolean;
  /** The number of elements that must be moved to bring the axes into this order. */
  readonly cost: number;
}

/** The layout of both arguments, and the contracted axes of `x` in the order of the sum. */
function chooseOperands(x: Type, y: Type, { contract, batch }: ContractParams) {
  // The pairs may be summed in any order; only the orders of x and of y can avoid a copy.
  const orders = contract.map((axes) => range(axes.length).sort((i, j) => axes[i] - axes[j]));
  const choices = orders.map((order) => {
    const shared = order.map((i) => contract[0][i]);
    return {
      shared,
      a: operand(x, shared, batch[0]),
      b: operand(y, order.map((i) => contract[1][i]), batch[1]),
    };
  });
  const [first, second] = choices;
  return second.a.cost + second.b.cost < first.a.cost + first.b.cost ? second : first;
}

function operand(x: Type, contracted: readonly number[], shared: readonly number[]): Operand {
  const free = freeAxes(x, contracted, shared);
  const contractLast = [...shared, ...free, ...contracted];
  if (isStored(x, contractLast)) {
    return { free, order: contractLast, contractFirst: false, cost: 0 };
  }
  const contractFirst = [...shared, ...contracted, ...free];
  if (isStored(x, contractFirst)) {
    return { free, order: contractFirst, contractFirst: true, cost: 0 };
  }
  return {
    free,
    order: contractLast,
    contractFirst: false,
    cost: lengthOf(x, range(x.shape.length)),
  };
}

/** Whether the elements are in memory in this order of axes. */
function isStored({ shape }: Type, order: readonly number[]): boolean {
  let last = -1;
  for (const axis of order) {
    if (shape[axis] === 1) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

/** The elements of `x` with its axes in the operand's order; copied only if necessary. */
function read(x: Concrete, { order, cost }: Operand): Numbers {
  if (cost === 0) return dense(x) as Numbers;
  const shape = order.map((axis) => x.shape[axis]);
  const [moved] = transposePrimitive.evaluate([x], { permutation: order }, [{
    dtype: x.dtype,
    shape,
  }]);
  return dense(moved) as Numbers;
}
