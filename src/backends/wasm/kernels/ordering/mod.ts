/**
 * The kernel of argsort: short lines are merged in scratch memory, long ones sorted by digits.
 *
 * @module
 */
import { byteSize } from "../../../../base/dtype.ts";
import { sizeOf } from "../../../../base/shape.ts";
import type { ArgsortParams } from "../../../../primitives/ordering.ts";
import type { Buffer, Builder, Kernel } from "../kernel.ts";
import { INDEX, type Lines } from "./lines.ts";
import { sortByMerging } from "./merge.ts";
import { sortByDigits } from "./radix.ts";

/**
 * Lines up to this length are merged: interleaved lines of short keys, and other lines, which need
 * more passes, or distant writes. Measured on an AMD EPYC (Zen 3) with Deno 2.9.6; the group "time:
 * argsort" of `deno bench bench/thresholds_bench.ts` has lengths on both sides.
 */
const SHORT_LINE = { usual: 2 ** 11, other: 2 ** 14 };

/** The kernel of `argsort`: `x` to indices. */
export function emitArgsort(
  builder: Builder,
  [x]: readonly Buffer[],
  { axis, descending }: ArgsortParams,
  output: Buffer,
): Kernel {
  const { dtype, shape } = x;
  const length = shape[axis];
  const stride = sizeOf(shape.slice(axis + 1));
  const count = sizeOf(shape.slice(0, axis)) * stride;
  const lines: Lines = { dtype, descending, count, length, stride };
  const operations = Math.ceil(count * length * Math.log2(length + 1));
  const bytes = sizeOf(shape) * byteSize(dtype) + sizeOf(output.shape) * INDEX;
  if (count * length === 0) return { stages: [], workspaces: [], operations: 0, bytes: 0 };
  const most = dtype === "float64" || stride > 1 ? SHORT_LINE.other : SHORT_LINE.usual;
  const work = length <= most
    ? builder.once(sortByMerging, lines)
    : builder.once(sortByDigits, lines);
  return { ...work, operations, bytes };
}
