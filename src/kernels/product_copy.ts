/**
 * Copies that bring the elements of an array into another order.
 *
 * @module
 */
import { byteSize, type Dtype } from "../base/dtype.ts";
import { sizeOf } from "../base/shape.ts";
import type { FunctionReference } from "../wasm/module.ts";
import { i32, i64 } from "../wasm/operations.ts";
import type { Builder, Stage } from "./kernel.ts";
import { at, inStack } from "./product_blocks.ts";

/** An axis of a copy; strides are in elements. */
export interface CopyAxis {
  /** Its length. */
  readonly length: number;
  /** From one element to the next in what is read. */
  readonly from: number;
  /** From one element to the next in what is written. */
  readonly to: number;
}

/** Elements that one chunk copies. */
const CHUNK = 2 ** 15;

/** Copies the elements of the array at the first operand to the second one, axis by axis. */
export function emitCopy(
  builder: Builder,
  dtype: Dtype,
  axes: readonly CopyAxis[],
  operands: readonly [from: number, to: number],
): Stage {
  const size = byteSize(dtype);
  const ordered = axes.filter(({ length }) => length !== 1).sort((x, y) => y.to - x.to);
  const inner = ordered.pop() ?? { length: 1, from: 1, to: 1 };
  const outer = sizeOf(ordered.map(({ length }) => length));
  const perChunk = Math.max(1, Math.min(outer, Math.floor(CHUNK / inner.length)));
  const key = `copy ${size} ${JSON.stringify([...ordered, inner])}`;
  const run = builder.once(
    key,
    () =>
      builder.module.function(key, ["i32", "i32", "i32"], "none", (code, from, to, chunk) => {
        const begin = code.let(i32.mul(chunk, i32.const(perChunk)));
        const end = code.let(i32.add(begin, i32.const(perChunk)));
        code.if(i32.gtU(end, i32.const(outer)), () => code.set(end, i32.const(outer)));
        const place = (pointer: typeof from, row: typeof from, which: "from" | "to") => {
          const strides = ordered.map((axis) => ({
            length: axis.length,
            bytes: axis[which] * size,
          }));
          return code.let(inStack(code, pointer, row, strides));
        };
        code.for({ from: begin, below: end }, (row) => {
          const source = place(from, row, "from");
          const target = place(to, row, "to");
          if (inner.from === 1 && inner.to === 1) {
            code.do(builder.memory.copy(target, source, i32.const(inner.length * size)));
            return;
          }
          code.for({ below: inner.length }, (i) => {
            const [p, q] = [at(target, i, inner.to * size), at(source, i, inner.from * size)];
            code.do(size === 8 ? i64.store(p, i64.load(q)) : i32.store(p, i32.load(q)));
          });
        });
      }),
  );
  return {
    name: "copy",
    run: run as unknown as FunctionReference,
    operands,
    chunks: Math.ceil(outer / perChunk),
  };
}
