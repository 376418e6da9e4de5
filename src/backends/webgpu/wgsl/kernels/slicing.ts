/**
 * Blocks of tensors whose position may be known only when the program runs.
 *
 * @module
 */
import { range, sizeOf, stridesOf } from "../../../../base/shape.ts";
import type { BlockStart, DynamicSliceParams } from "../../../../primitives/dynamic_slicing.ts";
import type { Kernel, Limits, Operand } from "../kernel.ts";
import { heldType, type Word } from "../module.ts";
import { at, type Bound, coordinates, each } from "./passes.ts";

/**
 * A kernel that runs `body` for each of `size` places, with the first position of the block on each axis in
 * `s0`, `s1`, …, and sets a flag where the block does not lie inside of `x`. Operands of the pass are the
 * `tensors` that come first, the output and the flag, then the starts.
 */
function emitBlock(
  [x]: readonly Operand[],
  sizes: readonly number[],
  { start }: BlockStart,
  tensors: number,
  word: Word,
  size: number,
  limits: Limits,
  body: string,
): Kernel | null {
  const unknown = start.filter((first) => first === null).length;
  const [output, flag] = [tensors + unknown, tensors + unknown + 1];
  const bound: Bound[] = [
    ...range(tensors).map((k): Bound => [k, word]),
    [output, word],
    [flag, "u32"],
    ...range(unknown).map((k): Bound => [tensors + k, "i32"]),
  ];
  if (bound.length > limits.bindings) return null;
  let next = tensors + 2;
  const firsts = start.map((known, axis) =>
    known !== null ? `let s${axis} = ${known}u;` : `let first${axis} = ${at(next++, "0u")};
let fits${axis} = first${axis} >= 0 && first${axis} <= ${x.shape[axis] - sizes[axis]};
let s${axis} = select(0u, u32(first${axis}), fits${axis});`
  );
  const fits = start.flatMap((known, axis) => known === null ? [`fits${axis}`] : []);
  const inner = size === 0 ? "" : `if (i < ${size}u) {\n${body}\n}`;
  const text = `${firsts.join("\n")}
if (i == 0u) { ${at(tensors + 1, "0u")} = select(1u, 0u, ${fits.join(" && ") || "true"}); }
${inner}`;
  const passes = [each(bound, Math.max(size, 1), text)];
  return { passes, scratch: [4], operations: size, ...(unknown === 0 ? {} : { flag }) };
}

/** The kernel of `dynamicSlice`. */
export function emitDynamicSlice(
  inputs: readonly Operand[],
  params: DynamicSliceParams,
  _outputs: readonly Operand[],
  limits: Limits,
): Kernel | null {
  const { sizes } = params;
  const strides = stridesOf(inputs[0].shape);
  const terms = sizes.map((_, axis) => `(c${axis} + s${axis}) * ${strides[axis]}u`);
  const body = `${coordinates("c", "i", sizes)}
${at(1, "i")} = ${at(0, terms.join(" + ") || "0u")};`;
  return emitBlock(inputs, sizes, params, 1, "u32", sizeOf(sizes), limits, body);
}

/** A kernel that changes a block: `change` is an expression of elements of `x` and of the block. */
function emitChange(
  inputs: readonly Operand[],
  params: BlockStart,
  word: Word,
  limits: Limits,
  change: (x: string, update: string) => string,
): Kernel | null {
  const [{ shape }, { shape: sizes }] = inputs;
  const strides = stridesOf(sizes);
  const axes = shape.map((_, axis) => `let d${axis} = c${axis} - s${axis};`);
  // What lies before the block wraps to more than its size.
  const isInside = sizes.map((size, axis) => `d${axis} < ${size}u`).join(" && ") || "true";
  const source = sizes.map((_, axis) => `d${axis} * ${strides[axis]}u`).join(" + ") || "0u";
  const body = `${coordinates("c", "i", shape)}
${axes.join("\n")}
var value = ${at(0, "i")};
if (${isInside}) { value = ${change("value", at(1, source))}; }
${at(2, "i")} = value;`;
  return emitBlock(inputs, sizes, params, 2, word, sizeOf(shape), limits, body);
}

/** The kernel of `updateSlice`. */
export function emitUpdateSlice(
  inputs: readonly Operand[],
  params: BlockStart,
  _outputs: readonly Operand[],
  limits: Limits,
): Kernel | null {
  return emitChange(inputs, params, "u32", limits, (_, update) => update);
}

/** The kernel of `addSlice`. */
export function emitAddSlice(
  inputs: readonly Operand[],
  params: BlockStart,
  [output]: readonly Operand[],
  limits: Limits,
): Kernel | null {
  return emitChange(inputs, params, heldType(output.dtype), limits, (x, y) => `${x} + ${y}`);
}
