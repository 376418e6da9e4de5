/**
 * Products that read the right operand in place, some rows at a time. Its columns must be
 * contiguous, and so must those of the result, which holds the running sum.
 *
 * @module
 */
import { range } from "../../../../base/shape.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { i32, v128 } from "../../assembler/operations.ts";
import type { Builder } from "../kernel.ts";
import {
  advance,
  bytesOfLanes,
  emitRows,
  lanesLoader,
  lanesOf,
  loadMicro,
  multiply,
  multiplyAdd,
  panelColumns,
  type Pointer,
  storeLanes,
  VECTOR,
} from "../panels.ts";
import {
  A,
  at,
  B,
  bytesApart,
  bytesIn,
  C,
  eachMatrix,
  heldOf,
  inStack,
  lastOrNot,
  type Parts,
  type Product,
  repeat,
  rowRuns,
  stackSize,
  wholeColumns,
  wholeRows,
} from "./blocks.ts";

/**
 * The number of rows of B that are added up before C is written: this many, or twice as many, are
 * read together.
 */
const DEPTH = 8;

/** The number of rows up to which chunks consist of columns. */
const MOST_ROWS = 32;

// Measured on two cores of an AMD EPYC (Zen 3) with Deno 2.9.6: compare the group "shared: product" of
// `deno bench bench/thresholds_bench.ts -- 1` and `-- 2`.

/** Products of fewer arithmetic operations are not divided into chunks. */
const SMALL = 1e6;

/** Arithmetic operations of a chunk, if its size can be chosen. */
const CHUNK = 2e6;

/** Factors that stay in registers. */
const HELD = 8;

/** The minimum and the maximum number of columns of a chunk. */
const COLUMNS = { least: 128, most: 1024 };

/** Adds `depth` rows of B, times the micro-panel, to rows of C: a function of B, C and B's end. */
function emitStrip(
  builder: Builder,
  { product, rows, depth, first, tail }: {
    readonly product: Product;
    readonly rows: number;
    readonly depth: number;
    readonly first: boolean;
    readonly tail: number;
  },
): FunctionReference<readonly ["i32", "i32", "i32"], "none"> {
  const { dtype, b, c } = product;
  const heldB = heldOf(product, "b");
  const [nextB, nextC] = [bytesIn(product, "b", b.row), bytesIn(product, "c", c.row)];
  return builder.module.function("strip", ["i32", "i32", "i32"], "none", (code, pb, pc, end) => {
    const lanes = lanesOf(dtype);
    const loadB = lanesLoader(code, heldB);
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
        const values = vectors.map((v) => code.let(loadB(pb, k * nextB + v * bytesOfLanes(heldB))));
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
        code.set(pc, advance(pc, bytesIn(product, "c", columns)));
        code.set(pb, advance(pb, bytesIn(product, "b", columns)));
        code.branchIf(again, i32.ltU(pb, end));
      }));
    if (tail > 0) step(tail);
  });
}

/** Rows of B that are added up at a time. */
function stripDepth(product: Product): number {
  // Rows at this distance map to the same few sets of the first-level cache.
  return bytesIn(product, "b", product.b.row) % 2048 === 0 ? DEPTH : 2 * DEPTH;
}

/** Products with contiguous columns of B and of C, and few rows or a B that fits in the caches. */
export function emitStrips(builder: Builder, product: Product): Parts {
  const { dtype, stack, m, n, k, a, b, c } = product;
  const count = stackSize(stack);
  const deep = stripDepth(product);
  const { columns, perChunk, together } = divide(builder, product, count);
  const blocks = Math.ceil(n / columns);
  const last = n - (blocks - 1) * columns;
  const bands = Math.ceil(m / perChunk);
  const lastRows = m - (bands - 1) * perChunk;

  const run = builder.module.function("product", ["i32", "i32", "i32", "i32"], "none", (
    code,
    firstA,
    firstB,
    firstC,
    chunk,
  ) => {
    const block = code.let(i32.remU(chunk, i32.const(blocks)));
    const rest = code.let(i32.divU(chunk, i32.const(blocks)));
    const band = code.let(i32.remU(rest, i32.const(bands)));
    code.set(firstB, at(firstB, block, bytesIn(product, "b", columns)));
    code.set(firstC, at(firstC, block, bytesIn(product, "c", columns)));
    code.set(firstA, at(firstA, band, bytesIn(product, "a", perChunk * a.row)));
    code.set(firstC, at(firstC, band, bytesIn(product, "c", perChunk * c.row)));

    function multiply(matrix: Pointer): void {
      const pa = code.let(inStack(code, firstA, matrix, bytesApart(product, "a")));
      const pb = code.let(inStack(code, firstB, matrix, bytesApart(product, "b")));
      const pc = code.let(inStack(code, firstC, matrix, bytesApart(product, "c")));

      function part(rows: number, width: number, depth: number, first: boolean): void {
        const tail = width % panelColumns(builder, dtype);
        const end = code.let(advance(pb, bytesIn(product, "b", width - tail)));
        const rowA = code.let(pa);
        const rowC = code.let(pc);
        for (const { count, times } of rowRuns(builder, rows)) {
          const held = heldOf(product, "a");
          const copy = { held, rows: count, depth, rowStride: a.row, depthStride: a.column };
          const strip = builder.once(emitStrip, { product, rows: count, depth, first, tail });
          repeat(code, times, () => {
            code.do(emitRows(builder, copy)(rowA), strip.call(pb, rowC, end));
            code.set(rowA, advance(rowA, bytesIn(product, "a", count * a.row)));
            code.set(rowC, advance(rowC, bytesIn(product, "c", count * c.row)));
          });
        }
        code.set(pa, advance(pa, bytesIn(product, "a", depth * a.column)));
        code.set(pb, advance(pb, bytesIn(product, "b", depth * b.row)));
      }

      lastOrNot(code, band, bands, lastRows !== perChunk, (lastBand) => {
        const rows = lastBand ? lastRows : perChunk;
        lastOrNot(code, block, blocks, last !== columns, (lastBlock) => {
          const width = lastBlock ? last : columns;
          const whole = Math.floor(k / deep);
          if (whole > 0) part(rows, width, deep, true);
          repeat(code, whole - 1, () => part(rows, width, deep, false));
          if (k % deep > 0) part(rows, width, k % deep, whole === 0);
        });
      });
    }

    eachMatrix(code, code.let(i32.divU(rest, i32.const(bands))), count, together, multiply);
  });

  return {
    stages: [{
      name: "product",
      run: run as unknown as FunctionReference,
      operands: [A, B, C],
      chunks: Math.ceil(count / together) * bands * blocks,
      rows: blocks === 1 ? wholeRows(product, together * perChunk) : wholeColumns(product, columns),
    }],
    workspaces: [],
  };
}

/** The columns and rows of a chunk, and its number of matrices. */
function divide(builder: Builder, { dtype, m, n, k }: Product, count: number) {
  const wide = panelColumns(builder, dtype);
  const roundUp = (value: number, unit: number) => Math.ceil(value / unit) * unit;
  // The time of products with few terms is mostly writing.
  const each = 2 * m * n * Math.max(k, 8);
  if (count * each <= SMALL) return { columns: roundUp(n, wide), perChunk: m, together: count };
  if (m <= MOST_ROWS && count < 8) {
    const wanted = Math.min(COLUMNS.most, Math.max(COLUMNS.least, Math.ceil(n / 8)));
    return { columns: roundUp(Math.min(n, wanted), wide), perChunk: m, together: 1 };
  }
  const bands = Math.max(1, Math.min(Math.round(each / CHUNK), Math.floor(m / 12)));
  const perChunk = bands === 1 ? m : roundUp(m / bands, builder.tile.rows);
  const together = Math.max(1, Math.min(Math.ceil(count / 8), Math.floor(CHUNK / each)));
  return { columns: roundUp(n, wide), perChunk, together };
}
