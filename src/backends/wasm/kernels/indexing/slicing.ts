/**
 * Kernels that take, replace or add a block of a buffer at a position held in memory: dynamicSlice,
 * updateSlice, addSlice. A block that does not lie inside the buffer traps, like an index outside
 * its axis.
 *
 * @module
 */
import { byteSize, type Dtype } from "../../../../base/dtype.ts";
import { sizeOf, stridesOf } from "../../../../base/shape.ts";
import type { BlockStart, DynamicSliceParams } from "../../../../primitives/dynamic_slicing.ts";
import type { Code } from "../../assembler/code.ts";
import type { Local } from "../../assembler/expression.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { i32 } from "../../assembler/operations.ts";
import { advance, type Pointer, times } from "../addresses.ts";
import { combineRow, copyRow } from "./rows.ts";
import type { Buffer, Builder, Kernel } from "../kernel.ts";

/** A block within a whole. */
interface Block {
  /** The shape of the whole. */
  readonly shape: readonly number[];
  /** The shape of the block. */
  readonly sizes: readonly number[];
  /** Its start; `null` on axes whose start is in memory. */
  readonly start: readonly (number | null)[];
  readonly dtype: Dtype;
}

/** Code for the offset of a block in its whole, in bytes, given the addresses of the starts. */
function offsetOf(code: Code, block: Block, starts: readonly Pointer[]): Pointer {
  const { shape, sizes, start, dtype } = block;
  const strides = stridesOf(shape).map((stride) => stride * byteSize(dtype));
  let next = 0;
  let offset: Pointer | null = null;
  let known = 0;
  start.forEach((first, axis) => {
    if (first !== null) {
      known += first * strides[axis];
      return;
    }
    const index = code.let(i32.load(starts[next++]));
    code.if(i32.gtU(index, i32.const(shape[axis] - sizes[axis])), () => code.unreachable());
    const term = times(index, strides[axis]);
    offset = offset === null ? term : i32.add(offset, term);
  });
  return offset === null ? i32.const(known) : advance(offset, known);
}

/** Calls `visit` for each run of a block's elements that is contiguous in the whole. */
function eachRun(
  code: Code,
  { shape, sizes, dtype }: Block,
  whole: Pointer,
  block: Pointer,
  visit: (whole: Local<"i32">, block: Local<"i32">, width: number) => void,
): void {
  if (sizeOf(sizes) === 0) return;
  let inner = sizes.length - 1;
  while (inner > 0 && sizes[inner] === shape[inner]) inner--;
  const width = sizeOf(sizes.slice(Math.max(inner, 0)));
  const element = byteSize(dtype);
  const strides = stridesOf(shape);
  const from = code.let(block);
  const loop = (axis: number, base: Pointer): void => {
    if (axis >= inner) {
      visit(code.let(base), from, width);
      code.set(from, advance(from, width * element));
    } else if (sizes[axis] === 1) loop(axis + 1, base);
    else {
      const at = code.let(base);
      code.for({ below: sizes[axis] }, () => {
        loop(axis + 1, at);
        code.set(at, advance(at, strides[axis] * element));
      });
    }
  };
  loop(0, whole);
}

function operands(count: number): readonly "i32"[] {
  return Array.from({ length: count + 1 }, () => "i32" as const);
}

/** The kernel of `dynamicSlice`: `x` and the unknown starts to a block. */
export function emitDynamicSlice(
  builder: Builder,
  [x, ...starts]: readonly Buffer[],
  { start, sizes }: DynamicSliceParams,
): Kernel {
  const block: Block = { shape: x.shape, sizes, start, dtype: x.dtype };
  const count = starts.length + 2;
  const run = builder.module.function(
    "dynamicSlice",
    operands(count),
    "none",
    (code, ...places) => {
      const [x, out] = [places[0], places[count - 1]];
      const offset = offsetOf(code, block, places.slice(1, count - 1));
      eachRun(code, block, i32.add(x, offset), out, (whole, part, width) => {
        copyRow(builder, code, part, whole, width * byteSize(block.dtype));
      });
    },
  );
  return {
    stages: [{
      name: "dynamicSlice",
      run: run as unknown as FunctionReference,
      operands: Array.from({ length: count }, (_, i) => i),
      chunks: 1,
    }],
    workspaces: [],
    operations: 0,
    bytes: 2 * sizeOf(sizes) * byteSize(x.dtype),
  };
}

/** The kernel of `updateSlice`, and of `addSlice`, which may write over their first operand. */
function emitBlock(
  name: "updateSlice" | "addSlice",
): (builder: Builder, inputs: readonly Buffer[], params: BlockStart) => Kernel {
  return (builder, [x, update, ...starts], { start }) => {
    const block: Block = { shape: x.shape, sizes: update.shape, start, dtype: x.dtype };
    const count = starts.length + 3;
    const run = builder.module.function(name, operands(count), "none", (code, ...places) => {
      const [x, update] = places;
      const out = places[count - 1];
      const offset = offsetOf(code, block, places.slice(2, count - 1));
      copyWhole(builder, code, out, x, sizeOf(block.shape) * byteSize(block.dtype));
      eachRun(code, block, i32.add(out, offset), update, (whole, part, width) => {
        if (name === "addSlice") {
          combineRow(code, "add", block.dtype, block.dtype, whole, part, width);
        } else copyRow(builder, code, whole, part, width * byteSize(block.dtype));
      });
    });
    return {
      stages: [{
        name,
        run: run as unknown as FunctionReference,
        operands: Array.from({ length: count }, (_, i) => i),
        chunks: 1,
      }],
      workspaces: [],
      operations: 0,
      // In place, that is all; otherwise, the time for copying the whole is added.
      bytes: 3 * sizeOf(update.shape) * byteSize(x.dtype),
      inPlace: [[0, count - 1]],
    };
  };
}

export const emitUpdateSlice = emitBlock("updateSlice");

export const emitAddSlice = emitBlock("addSlice");

/** Code that copies a buffer to another one, unless they are the same memory. */
export function copyWhole(
  { memory }: Builder,
  code: Code,
  to: Pointer,
  from: Pointer,
  bytes: number,
): void {
  if (bytes === 0) return;
  code.if(i32.ne(to, from), () => code.do(memory.copy(to, from, i32.const(bytes))));
}

/** The kernel of `bitcast`: the bytes do not change. */
export function emitBitcast(builder: Builder, [x]: readonly Buffer[]): Kernel {
  const bytes = sizeOf(x.shape) * byteSize(x.dtype);
  return { ...builder.once(emitHand, { bytes }), bytes: 2 * bytes };
}

/**
 * The kernel of values that are passed on unchanged: no work if they stay in place, as they usually
 * do.
 */
export function emitHand(builder: Builder, { bytes }: { readonly bytes: number }): Kernel {
  const run = builder.module.function(
    "hand on",
    operands(2),
    "none",
    (code, from, to, _chunk) => copyWhole(builder, code, to, from, bytes),
  );
  return {
    stages: [{
      name: "hand on",
      run: run as unknown as FunctionReference,
      operands: [0, 1],
      chunks: 1,
    }],
    workspaces: [],
    operations: 0,
    bytes: 0,
    inPlace: [[0, 1]],
  };
}
