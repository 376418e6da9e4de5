/**
 * Products of one stage, in which each chunk packs the part of B that it needs.
 *
 * @module
 */
import type { FunctionReference } from "../../assembler/module.ts";
import { i32 } from "../../assembler/operations.ts";
import type { Builder } from "../kernel.ts";
import { advance, panelColumns, type Pointer } from "../panels.ts";
import {
  A,
  at,
  B,
  blockColumns,
  bytesApart,
  bytesIn,
  C,
  columnBlocks,
  eachGroup,
  eachMatrix,
  emitPackPart,
  emitRowLoop,
  groupDepth,
  groupParts,
  groupsOf,
  inStack,
  lastOrNot,
  layOut,
  type Parts,
  type Product,
  repeat,
  runsOf,
  stackSize,
  wholeRows,
  WORKSPACE,
} from "./blocks.ts";

// Measured on two cores of an AMD EPYC (Zen 3) with Deno 2.9.6: compare the group "shared: product" of
// `deno bench bench/thresholds_bench.ts -- 1` and `-- 2`.

/** Products of fewer arithmetic operations are not divided into chunks: some 20 microseconds. */
const SMALL = 1e6;

/** Arithmetic operations of a chunk, if its size can be chosen. */
const CHUNK = 1e6;

/** Chunks of some columns, or of several whole matrices, that pack the part of B that they need. */
export function emitLocal(builder: Builder, product: Product): Parts {
  const { dtype, stack, m, n, k, a, b } = product;
  const wide = panelColumns(builder, dtype);
  const count = stackSize(stack);
  const perColumn = 2 * m * k;
  const few = count * n * perColumn <= SMALL;
  const wanted = few || count >= 8 ? n : Math.max(4 * wide, CHUNK / perColumn);
  const most = blockColumns(builder, dtype, n);
  const columns = Math.min(most, Math.ceil(wanted / wide) * wide);
  const blocks = columnBlocks(builder, product, columns);
  // Small matrices are multiplied several at a time.
  const together = blocks.count > 1
    ? 1
    : few
    ? count
    : Math.max(1, Math.min(Math.ceil(count / 8), Math.floor(CHUNK / (n * perColumn))));
  const chunks = Math.ceil(count / together) * blocks.count;
  const perGroup = groupParts(builder, dtype, columns);
  // A chunk reuses its workspace, so that it stays in the cache.
  const whole = layOut(builder, dtype, k, columns, "memory");
  const depths = groupsOf(whole, perGroup).map((group) => groupDepth(whole, group));
  const room = Math.ceil(Math.max(...depths) * whole.rowBytes / 64) * 64;

  const run = builder.module.function("product", ["i32", "i32", "i32", "i32", "i32"], "none", (
    code,
    firstA,
    firstB,
    firstC,
    rooms,
    chunk,
  ) => {
    const place = code.let(at(rooms, chunk, room));
    const index = code.let(i32.remU(chunk, i32.const(blocks.count)));
    code.set(firstB, at(firstB, index, bytesIn(product, "b", columns * b.column)));
    code.set(firstC, at(firstC, index, bytesIn(product, "c", columns)));

    function multiply(matrix: Pointer): void {
      const pa = code.let(inStack(code, firstA, matrix, bytesApart(product, "a")));
      const pb = code.let(inStack(code, firstB, matrix, bytesApart(product, "b")));
      const pc = code.let(inStack(code, firstC, matrix, bytesApart(product, "c")));
      lastOrNot(code, index, blocks.count, n % columns !== 0, (lastBlock) => {
        const width = lastBlock ? blocks.last : blocks.width;
        const layout = layOut(builder, dtype, k, width.panels * wide + width.tail, "memory");
        const pointers = [{ pointer: pa, bytes: bytesIn(product, "a", a.column) }];
        eachGroup(code, layout, groupsOf(layout, perGroup), pointers, (group) => {
          const to = code.let(place);
          const depths = layout.parts.slice(group.begin, group.begin + group.count);
          for (const { depth, times } of runsOf(depths)) {
            const packPart = emitPackPart(builder, layout, product, depth);
            repeat(code, times, () => {
              packPart(code, pb, to, width.panels, width.tail);
              code.set(pb, advance(pb, bytesIn(product, "b", depth * b.row)));
              code.set(to, advance(to, depth * layout.rowBytes));
            });
          }
          const call = builder.once(emitRowLoop, { product, layout, rows: m, group, width });
          code.do(call.call(pa, place, pc, i32.const(0)));
        });
      });
    }

    const group = code.let(i32.divU(chunk, i32.const(blocks.count)));
    eachMatrix(code, group, count, together, multiply);
  });

  return {
    stages: [{
      name: "product",
      run: run as unknown as FunctionReference,
      operands: [A, B, C, WORKSPACE],
      chunks,
      rows: blocks.count === 1 ? wholeRows(product, together * m) : undefined,
    }],
    workspaces: [chunks * room],
  };
}
