/**
 * Products of few rows that read the right operand where it stands, row after row: its columns must
 * be neighbours, and so must those of the result, which serves as the running sum.
 *
 * @module
 */
import { byteSize } from "../base/dtype.ts";
import { range } from "../base/shape.ts";
import type { FunctionReference } from "../wasm/module.ts";
import { i32, v128 } from "../wasm/operations.ts";
import type { Builder } from "./kernel.ts";
import {
  advance,
  emitRows,
  lanesOf,
  loadMicro,
  multiply,
  multiplyAdd,
  panelColumns,
  type Pointer,
  storeLanes,
  VECTOR,
} from "./panels.ts";
import {
  A,
  at,
  B,
  bytesApart,
  C,
  inStack,
  keyOf,
  lastOrNot,
  type Parts,
  type Product,
  repeat,
  stackSize,
  wholeRows,
} from "./product_blocks.ts";

/** Rows of B that are added up before C is written: so many are read side by side. */
const DEPTH = 8;

/** Factors that stay in registers. */
const HELD = 8;

/** The fewest and the most columns of a chunk. */
const COLUMNS = { least: 128, most: 1024 };

/** Adds `depth` rows of B, times the micro-panel, to rows of C: a function of B, C and B's end. */
function emitStrip(
  builder: Builder,
  { dtype, b, c }: Product,
  rows: number,
  depth: number,
  first: boolean,
  tail: number,
): FunctionReference<readonly ["i32", "i32", "i32"], "none"> {
  const size = byteSize(dtype);
  const [nextB, nextC] = [b.row * size, c.row * size];
  const key = `strip ${dtype} ${rows}x${depth}+${tail} ${nextB},${nextC} ${first ? "=" : "+="}`;
  return builder.once(
    key,
    () =>
      builder.module.function(key, ["i32", "i32", "i32"], "none", (code, pb, pc, end) => {
        const lanes = lanesOf(dtype);
        const load = (row: number, k: number) => loadMicro(builder, dtype, depth, row, k);
        const held = rows * depth <= HELD
          ? range(rows).map((row) => range(depth).map((k) => code.let(load(row, k))))
          : undefined;

        function step(columns: number): void {
          const vectors = range(Math.ceil(columns / lanes));
          const sums = range(rows).map((row) =>
            vectors.map((v) =>
              first
                ? code.local("v128")
                : code.let(v128.load(pc, { offset: row * nextC + v * VECTOR, align: 4 }))
            )
          );
          for (const k of range(depth)) {
            const values = vectors.map((v) =>
              code.let(v128.load(pb, { offset: k * nextB + v * VECTOR, align: 4 }))
            );
            sums.forEach((row, i) => {
              const factor = held?.[i][k] ?? code.let(load(i, k));
              row.forEach((sum, v) => {
                code.set(
                  sum,
                  first && k === 0
                    ? multiply(dtype, factor, values[v])
                    : multiplyAdd(dtype, factor, values[v], sum),
                );
              });
            });
          }
          sums.forEach((row, i) =>
            row.forEach((sum, v) => {
              const count = Math.min(lanes, columns - v * lanes);
              code.do(...storeLanes(dtype, pc, sum, count, i * nextC + v * VECTOR));
            })
          );
        }

        const columns = panelColumns(builder, dtype);
        code.if(i32.ltU(pb, end), () =>
          code.loop((again) => {
            step(columns);
            code.set(pc, advance(pc, columns * size));
            code.set(pb, advance(pb, columns * size));
            code.branchIf(again, i32.ltU(pb, end));
          }));
        if (tail > 0) step(tail);
      }),
  );
}

/** Products of few rows, with neighbouring columns of B and of C. */
export function emitStrips(builder: Builder, product: Product): Parts {
  const { dtype, stack, m, n, k, a, b, c } = product;
  const size = byteSize(dtype);
  const count = stackSize(stack);
  const wide = panelColumns(builder, dtype);
  const wanted = Math.min(COLUMNS.most, Math.max(COLUMNS.least, Math.ceil(n / 8)));
  const columns = Math.ceil(Math.min(n, wanted) / wide) * wide;
  const blocks = Math.ceil(n / columns);
  const last = n - (blocks - 1) * columns;
  const tail = last % wide;
  const groups = Math.ceil(m / builder.tile.rows);
  const rows = range(groups).map((i) => Math.floor((m + i) / groups));
  const key = `${keyOf(product)} strips`;

  const run = builder.once(
    key,
    () =>
      builder.module.function(`product ${key}`, ["i32", "i32", "i32", "i32"], "none", (
        code,
        pa,
        pb,
        pc,
        chunk,
      ) => {
        const index = code.let(i32.remU(chunk, i32.const(blocks)));
        if (count > 1) {
          const matrix = code.let(i32.divU(chunk, i32.const(blocks)));
          code.set(pa, inStack(code, pa, matrix, bytesApart(product, "a")));
          code.set(pb, inStack(code, pb, matrix, bytesApart(product, "b")));
          code.set(pc, inStack(code, pc, matrix, bytesApart(product, "c")));
        }
        code.set(pb, at(pb, index, columns * size));
        code.set(pc, at(pc, index, columns * size));

        function part(depth: number, first: boolean, width: number, narrow: number): void {
          const end: Pointer = code.let(advance(pb, (width - narrow) * size));
          rows.forEach((height, i) => {
            const before = rows.slice(0, i).reduce((sum, value) => sum + value, 0);
            const copy = { dtype, rows: height, depth, rowStride: a.row, depthStride: a.column };
            code.do(emitRows(builder, copy)(advance(pa, before * a.row * size)));
            const strip = emitStrip(builder, product, height, depth, first, narrow);
            code.do(strip.call(pb, advance(pc, before * c.row * size), end));
          });
          code.set(pa, advance(pa, depth * a.column * size));
          code.set(pb, advance(pb, depth * b.row * size));
        }

        lastOrNot(code, index, blocks, last !== columns, (lastBlock) => {
          const [width, narrow] = lastBlock ? [last, tail] : [columns, 0];
          const whole = Math.floor(k / DEPTH);
          if (whole > 0) part(DEPTH, true, width, narrow);
          repeat(code, whole - 1, () => part(DEPTH, false, width, narrow));
          if (k % DEPTH > 0) part(k % DEPTH, whole === 0, width, narrow);
        });
      }),
  );

  return {
    stages: [{
      name: "product",
      run: run as unknown as FunctionReference,
      operands: [A, B, C],
      chunks: count * blocks,
      rows: blocks === 1 ? wholeRows(product, m) : undefined,
    }],
    workspaces: [],
  };
}
