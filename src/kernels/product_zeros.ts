/**
 * Products of no terms.
 *
 * @module
 */
import { byteSize } from "../base/dtype.ts";
import type { FunctionReference } from "../wasm/module.ts";
import { i32 } from "../wasm/operations.ts";
import type { Builder, Stage } from "./kernel.ts";
import { at, inStack, type Product, stackSize } from "./product_blocks.ts";

/** Fills C, whose columns must be neighbours, with zeros: operand 2. */
export function emitZeros(builder: Builder, { dtype, stack, m, n, c }: Product): Stage {
  const size = byteSize(dtype);
  const axes = stack.map((axis) => ({ length: axis.length, bytes: axis.c * size }));
  const key = `zeros ${size} ${m}x${n} ${c.row} ${JSON.stringify(axes)}`;
  const run = builder.once(
    key,
    () =>
      builder.module.function(key, ["i32", "i32"], "none", (code, pc, chunk) => {
        code.set(pc, inStack(code, pc, chunk, axes));
        code.for({ below: m }, (row) => {
          const to = at(pc, row, c.row * size);
          code.do(builder.memory.fill(to, i32.const(0), i32.const(n * size)));
        });
      }),
  );
  return {
    name: "zeros",
    run: run as unknown as FunctionReference,
    operands: [2],
    chunks: stackSize(stack),
  };
}
