/**
 * Blocks of tensors whose position may be known only at run time.
 *
 * @module
 */
import { range, sizeOf, stridesOf } from "../../../../base/shape.ts";
import type { BlockStart, DynamicSliceParams } from "../../../../primitives/dynamic_slicing.ts";
import type { Kernel, Limits, Operand } from "../kernel.ts";
import { heldType, type Word } from "../module.ts";
import { at, type Bound, coordinates, each } from "./passes.ts";

/**
 * A kernel that runs `statement` for each element `i` of a block in `x`, and sets a flag if the block is out
 * of range. The pass binds operand `tensors - 1` and the output; `statement` is a function of the element's
 * position in `x`.
 */
function emitBlock(
  [x]: readonly Operand[],
  sizes: readonly number[],
  { start }: BlockStart,
  tensors: number,
  word: Word,
  limits: Limits,
  statement: (place: string) => string,
): Kernel | null {
  const unknown = start.filter((first) => first === null).length;
  const [output, flag] = [tensors + unknown, tensors + unknown + 1];
  const bound: Bound[] = [[tensors - 1, word], [output, word]];
  if (unknown > 0) bound.push([flag, "u32"]);
  bound.push(...range(unknown).map((k): Bound => [tensors + k, "i32"]));
  if (bound.length > limits.bindings) return null;
  let next = 3;
  const firsts = start.map((known, axis) =>
    known !== null ? `let s${axis} = ${known}u;` : `let first${axis} = ${at(next++, "0u")};
let fits${axis} = first${axis} >= 0 && first${axis} <= ${x.shape[axis] - sizes[axis]};
let s${axis} = select(0u, u32(first${axis}), fits${axis});`
  );
  const fits = start.flatMap((known, axis) => known === null ? [`fits${axis}`] : []);
  const strides = stridesOf(x.shape);
  const terms = sizes.map((_, axis) => `(c${axis} + s${axis}) * ${strides[axis]}u`);
  const size = sizeOf(sizes);
  const lines = [
    ...firsts,
    ...(unknown === 0 ? [] : [`if (i == 0u && !(${fits.join(" && ")})) { ${at(2, "0u")} = 1u; }`]),
    ...(size === 0 ? [] : [
      `if (i < ${size}u) {`,
      coordinates("c", "i", sizes),
      statement(terms.join(" + ") || "0u"),
      "}",
    ]),
  ];
  const isIdle = size === 0 && unknown === 0;
  const passes = isIdle ? [] : [each(bound, Math.max(size, 1), lines.join("\n"))];
  return { passes, scratch: [4], operations: size, ...(unknown === 0 ? {} : { flag }) };
}

/** The kernel of `dynamicSlice`. */
export function emitDynamicSlice(
  inputs: readonly Operand[],
  params: DynamicSliceParams,
  _outputs: readonly Operand[],
  limits: Limits,
): Kernel | null {
  const statement = (place: string) => `${at(1, "i")} = ${at(0, place)};`;
  return emitBlock(inputs, params.sizes, params, 1, "u32", limits, statement);
}

/** A kernel that changes a block: `operator` combines the update's element with the existing one. */
function emitChange(
  inputs: readonly Operand[],
  params: BlockStart,
  word: Word,
  limits: Limits,
  operator: "=" | "+=",
): Kernel | null {
  const statement = (place: string) => `${at(1, place)} ${operator} ${at(0, "i")};`;
  const kernel = emitBlock(inputs, inputs[1].shape, params, 2, word, limits, statement);
  return kernel === null ? null : { ...kernel, isChange: true };
}

/** The kernel of `updateSlice`. */
export function emitUpdateSlice(
  inputs: readonly Operand[],
  params: BlockStart,
  _outputs: readonly Operand[],
  limits: Limits,
): Kernel | null {
  return emitChange(inputs, params, "u32", limits, "=");
}

/** The kernel of `addSlice`. */
export function emitAddSlice(
  inputs: readonly Operand[],
  params: BlockStart,
  [output]: readonly Operand[],
  limits: Limits,
): Kernel | null {
  return emitChange(inputs, params, heldType(output.dtype), limits, "+=");
}
