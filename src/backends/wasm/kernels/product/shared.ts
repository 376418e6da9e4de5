/**
 * Products whose right operand is packed as a whole first.
 *
 * @module
 */
import type { FunctionReference } from "../../assembler/module.ts";
import { i32 } from "../../assembler/operations.ts";
import type { Builder } from "../kernel.ts";
import { advance, panelBytes, type Pointer } from "../panels.ts";
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
  emitPackPart,
  emitRowLoop,
  groupParts,
  groupsOf,
  inStack,
  lastOrNot,
  layOut,
  type Parts,
  type Product,
  repeat,
  stackSize,
  wholeRows,
  type Width,
  WORKSPACE,
} from "./blocks.ts";

/** The number of rows of C from which chunks have at least 4 tiles of them. */
const MANY_ROWS = 192;

/** The maximum number of rows of a chunk. */
const MOST_ROWS = 96;

/** B packed as a whole, then blocks of rows. */
export function emitShared(builder: Builder, product: Product): Parts {
  const { dtype, stack, m, n, k, a, b, c } = product;
  const layout = layOut(builder, dtype, k, n, "memory");
  const columns = blockColumns(builder, dtype, n);
  const blocks = columnBlocks(builder, product, columns);
  const groups = groupsOf(layout, groupParts(builder, dtype, columns));
  const count = stackSize(stack);
  // Matrices that several products share are packed once.
  const right = stack.filter((axis) => axis.b !== 0);
  const packs = stackSize(right);
  const packedBytes = k * layout.rowBytes;
  let apart = packs * packedBytes;
  const packed = stack.map(({ length, b }) => ({
    length,
    bytes: b === 0 ? 0 : apart /= length,
  }));
  const { parts } = layout;

  const pack = builder.module.function(
    "pack",
    ["i32", "i32", "i32"],
    "none",
    (code, pb, pw, chunk) => {
      const index = code.let(i32.remU(chunk, i32.const(blocks.count)));
      const rest = code.let(i32.divU(chunk, i32.const(blocks.count)));
      const part = code.let(i32.remU(rest, i32.const(parts.length)));
      if (packs > 1) {
        const matrix = code.let(i32.divU(rest, i32.const(parts.length)));
        const axes = bytesApart({ ...product, stack: right }, "b");
        code.set(pb, inStack(code, pb, matrix, axes));
        code.set(pw, at(pw, matrix, packedBytes));
      }
      code.set(pb, at(pb, part, bytesIn(product, "b", parts[0] * b.row)));
      code.set(pb, at(pb, index, bytesIn(product, "b", columns * b.column)));
      code.set(pw, at(pw, part, parts[0] * layout.rowBytes));
      lastOrNot(code, part, parts.length, parts.at(-1) !== parts[0], (lastPart) => {
        const depth = lastPart ? parts.at(-1)! : parts[0];
        const packPart = emitPackPart(builder, layout, product, depth);
        const to = code.let(at(pw, index, panelBytes(dtype, depth, columns)));
        lastOrNot(code, index, blocks.count, n % columns !== 0, (lastBlock) => {
          const { panels, tail } = lastBlock ? blocks.last : blocks.width;
          packPart(code, pb, to, panels, tail);
        });
      });
    },
  );

  const step = builder.tile.rows;
  // Each chunk reads all of B again, so chunks have few rows only if the product has few.
  const wanted = m < MANY_ROWS ? Math.max(2 * step, m / 8) : Math.max(4 * step, m / 16);
  const perChunk = Math.min(m, Math.ceil(Math.min(MOST_ROWS, wanted) / step) * step);
  const chunks = Math.ceil(m / perChunk);

  const run = builder.module.function("multiply", ["i32", "i32", "i32", "i32"], "none", (
    code,
    pa,
    pw,
    pc,
    chunk,
  ) => {
    const index = code.let(i32.remU(chunk, i32.const(chunks)));
    if (count > 1) {
      const matrix = code.let(i32.divU(chunk, i32.const(chunks)));
      code.set(pa, inStack(code, pa, matrix, bytesApart(product, "a")));
      code.set(pc, inStack(code, pc, matrix, bytesApart(product, "c")));
      code.set(pw, inStack(code, pw, matrix, packed));
    }
    code.set(pa, at(pa, index, bytesIn(product, "a", perChunk * a.row)));
    code.set(pc, at(pc, index, bytesIn(product, "c", perChunk * c.row)));
    lastOrNot(code, index, chunks, m % perChunk !== 0, (lastChunk) => {
      const rows = lastChunk ? m - (chunks - 1) * perChunk : perChunk;
      const block = (width: Width, panel: Pointer): void => {
        const [from, packed] = [code.let(pa), code.let(pw)];
        const pointers = [
          { pointer: from, bytes: bytesIn(product, "a", a.column) },
          { pointer: packed, bytes: layout.rowBytes },
        ];
        eachGroup(code, layout, groups, pointers, (group) => {
          const call = builder.once(emitRowLoop, { product, layout, rows, group, width });
          code.do(call.call(from, packed, pc, panel));
        });
      };
      const panel = code.let(i32.const(0));
      repeat(code, blocks.count - 1, () => {
        block(blocks.width, panel);
        code.set(panel, advance(panel, blocks.width.panels));
        code.set(pc, advance(pc, bytesIn(product, "c", columns)));
      });
      block(blocks.last, panel);
    });
  });

  return {
    stages: [
      {
        name: "pack",
        run: pack as unknown as FunctionReference,
        operands: [B, WORKSPACE],
        chunks: packs * parts.length * blocks.count,
      },
      {
        name: "product",
        run: run as unknown as FunctionReference,
        operands: [A, WORKSPACE, C],
        chunks: count * chunks,
        rows: wholeRows(product, perChunk),
      },
    ],
    workspaces: [packs * packedBytes],
  };
}
