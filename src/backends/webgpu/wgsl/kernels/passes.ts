/**
 * Common code of all kernels: passes that run the same body for many elements, and positions among axes.
 *
 * @module
 */
import { range, stridesOf } from "../../../../base/shape.ts";
import type { Pass } from "../kernel.ts";
import {
  element,
  invocation,
  moduleOf,
  type ModuleParts,
  spread,
  type Word,
  WORKGROUP,
} from "../module.ts";

/** Invocations of a workgroup: every device supports this number. */
export const SIZE = 256;

/** The number of a workgroup in the layout of `spread`, as a term. */
export const GROUP = `(${WORKGROUP})`;

/** An operand that a pass binds, by its number in the kernel, and the type of its words. */
export type Bound = readonly [operand: number, word: Word];

/** Element `index` of the operand that a pass binds with number `k`. */
export function at(k: number, index: string): string {
  return element(k, `(${index})`);
}

/** The parts of its module that a pass defines. */
type Parts = Omit<ModuleParts, "operands" | "workgroup">;

/** A pass with this number of workgroups. */
export function pass(
  bound: readonly Bound[],
  groups: number,
  parts: Parts,
  size: number = SIZE,
): Pass {
  const operands = bound.map(([, word]) => word);
  return {
    code: moduleOf({ ...parts, operands, workgroup: [size, 1, 1] }),
    operands: bound.map(([operand]) => operand),
    workgroups: spread(groups),
  };
}

/** A pass whose body runs once for each number `i` below `count`. */
export function each(
  bound: readonly Bound[],
  count: number,
  body: string,
  parts: Omit<Parts, "body"> = {},
): Pass {
  const lines = [`let i = ${invocation(SIZE)};`, `if (i >= ${count}u) { return; }`, body];
  return pass(bound, Math.ceil(count / SIZE), { ...parts, body: lines.join("\n") });
}

/** Sets all elements of an operand to zero. */
export function zeros([operand, word]: Bound, count: number): Pass {
  return each([[operand, word]], count, `${at(0, "i")} = ${word}(0);`);
}

/**
 * The position of the element with row-major number `value` among axes of these lengths, for these strides,
 * as an expression.
 */
export function place(
  value: string,
  shape: readonly number[],
  strides: readonly number[],
): string {
  const axes: { length: number; stride: number }[] = [];
  shape.forEach((length, axis) => {
    if (length === 1) return;
    const last = axes[axes.length - 1];
    // Axes that are contiguous in memory are merged.
    if (last?.stride === strides[axis] * length) {
      last.length *= length;
      last.stride = strides[axis];
    } else axes.push({ length, stride: strides[axis] });
  });
  const inner = stridesOf(axes.map(({ length }) => length));
  const terms = axes.flatMap(({ length, stride }, i) => {
    if (stride === 0) return [];
    const divided = inner[i] === 1 ? value : `${value} / ${inner[i]}u`;
    const own = i === 0 ? divided : `(${divided}) % ${length}u`;
    return stride === 1 ? [own] : [`(${own}) * ${stride}u`];
  });
  return terms.length === 0 ? "0u" : `(${terms.join(" + ")})`;
}

/** The coordinates `name0`, `name1`, … of a row-major number among axes of these lengths, as statements. */
export function coordinates(name: string, value: string, shape: readonly number[]): string {
  return range(shape.length).map((axis) => {
    const strides = shape.map((_, i) => i === axis ? 1 : 0);
    return `let ${name}${axis} = ${place(value, shape, strides)};`;
  }).join("\n");
}
