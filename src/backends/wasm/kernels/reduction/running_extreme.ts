/**
 * The kernel of runningExtreme: the positions of the running extremes along the last axis.
 *
 * @module
 */
import { byteSize, isFloat } from "../../../../base/dtype.ts";
import { sizeOf } from "../../../../base/shape.ts";
import type { RunningExtremeParams } from "../../../../primitives/searching.ts";
import type { Expression, Local } from "../../assembler/expression.ts";
import { f32, f64, i32, select } from "../../assembler/operations.ts";
import { advance, times } from "../addresses.ts";
import type { Buffer, Builder, Kernel, Stage } from "../kernel.ts";
import { loadElement } from "../lanes.ts";
import { eachUnit, partition } from "../partition.ts";

/** Bytes of a position. */
const INDEX = 4;

/** Approximate nanoseconds for an element, on one core of an AMD EPYC (Zen 3) with Deno 2.9.6. */
const ELEMENT_TIME = 2;

/** The kernel of `runningExtreme`: each line is processed once. */
export function emitRunningExtreme(
  builder: Builder,
  [{ dtype, shape }]: readonly Buffer[],
  { isMax }: RunningExtremeParams,
): Kernel {
  const size = sizeOf(shape);
  if (size === 0) return { stages: [], workspaces: [], operations: 0, bytes: 0 };
  const length = shape[shape.length - 1];
  const lineBytes = length * byteSize(dtype);
  const parts = partition(size / length, length * ELEMENT_TIME);

  /** Whether a value replaces the best one before. */
  function replaces(value: Local<"f32">, best: Local<"f32">): Expression<"i32"> {
    // Variables of all types are handled in the same way.
    if (isFloat(dtype)) {
      const { ge, le, ne } = dtype === "float32" ? f32 : f64 as unknown as typeof f32;
      return i32.or((isMax ? ge : le)(value, best), ne(value, value));
    }
    const pair = [value, best] as unknown as readonly [Local<"i32">, Local<"i32">];
    const isSigned = dtype === "int32";
    if (isMax) return (isSigned ? i32.geS : i32.geU)(...pair);
    return (isSigned ? i32.leS : i32.leU)(...pair);
  }

  const run = builder.module.function(
    "runningExtreme",
    ["i32", "i32", "i32"],
    "none",
    (code, x, out, chunk) =>
      eachUnit(code, parts, chunk, (line) => {
        const at = code.let(i32.add(x, times(line, lineBytes)));
        const to = code.let(i32.add(out, times(line, length * INDEX)));
        const load = () => code.let(loadElement(code, dtype, at) as Expression<"f32">);
        const best = load();
        const place = code.let(i32.const(0));
        code.for({ below: length }, (i) => {
          const value = load();
          const isNew = code.let(replaces(value, best));
          code.set(best, select(isNew, value, best));
          code.set(place, select(isNew, i, place));
          code.do(i32.store(to, place));
          code.set(to, advance(to, INDEX));
          code.set(at, advance(at, byteSize(dtype)));
        });
      }),
  );
  const rows = { count: parts.count, perChunk: parts.perChunk };
  const stage: Stage = {
    name: "runningExtreme",
    run,
    operands: [0, 1],
    chunks: parts.chunks,
    rows,
  };
  return {
    stages: [stage],
    workspaces: [],
    operations: size,
    bytes: size * (byteSize(dtype) + INDEX),
  };
}
