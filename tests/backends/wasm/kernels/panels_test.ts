import fc from "fast-check";
import { allocate, byteSize, type Dtype, type Elements } from "../../../../src/base/dtype.ts";
import type { Kernel, Tile } from "../../../../src/backends/wasm/kernels/kernel.ts";
import {
  emitPacking,
  emitPanels,
  emitRows,
  MICRO_BYTES,
  panelBytes,
  panelColumns,
  type Place,
  splitDepth,
} from "../../../../src/backends/wasm/kernels/panels.ts";
import type { FunctionReference } from "../../../../src/backends/wasm/assembler/module.ts";
import { i32 } from "../../../../src/backends/wasm/assembler/operations.ts";
import { assert, assertEquals } from "../../../support/std.ts";
import { runKernel, testBuilder } from "./support.ts";

const dtypes = ["float32", "float64", "int32", "uint32"] as const;

const tiles: readonly Tile[] = [
  { rows: 6, vectors: 2, depth: 32 },
  { rows: 6, vectors: 4, depth: 32 },
  { rows: 4, vectors: 3, depth: 16 },
];

/** How a matrix stands in memory: its strides for the given extents. */
const layouts = {
  rows: (_rows: number, columns: number) => ({ row: columns, column: 1 }),
  columns: (rows: number, _columns: number) => ({ row: 1, column: rows }),
  strided: (_rows: number, columns: number) => ({ row: 2 * columns + 1, column: 2 }),
} as const;

type Layout = keyof typeof layouts;

interface Sample {
  readonly dtype: (typeof dtypes)[number];
  readonly tile: Tile;
  readonly rows: number;
  readonly depth: number;
  readonly columns: number;
  readonly a: Layout;
  readonly b: Layout;
  readonly packed: Place;
}

/** Whole numbers, whose sums of products all types hold exactly. */
function fill(dtype: Dtype, length: number, seed: number): Elements {
  const elements = allocate(dtype, length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    elements[i] = (state >>> 28) - (dtype === "uint32" ? 0 : 8);
  }
  return elements;
}

/** C = A B, then C += A B, on a matrix of C with three more columns than the product has. */
function check({ dtype, tile, rows, depth, columns, a, b, packed }: Sample): void {
  const size = byteSize(dtype);
  const [x, y] = [layouts[a](rows, depth), layouts[b](depth, columns)];
  const left = fill(dtype, (rows - 1) * x.row + (depth - 1) * x.column + 1, 1);
  const right = fill(dtype, (depth - 1) * y.row + (columns - 1) * y.column + 1, 2);
  const pitch = columns + 3;
  const initial = fill(dtype, rows * pitch, 3);

  const [result] = runKernel(
    (builder): Kernel => {
      const wide = panelColumns(builder, dtype);
      const whole = Math.floor(columns / wide);
      const tail = columns % wide;
      const bytes = panelBytes(dtype, depth, wide);
      const run = builder.module.function("test", ["i32", "i32", "i32", "i32", "i32"], "none", (
        code,
        pa,
        pb,
        pc,
        workspace,
      ) => {
        const copy = { held: dtype, rows, depth, rowStride: x.row, depthStride: x.column };
        code.do(emitRows(builder, copy)(pa));
        const begin = packed === "scratch" ? i32.const(MICRO_BYTES) : workspace;
        const middle = code.let(i32.add(begin, i32.const(whole * bytes)));
        const end = code.let(i32.add(middle, i32.const(panelBytes(dtype, depth, tail))));
        const packing = { held: dtype, depth, depthStride: y.row, columnStride: y.column, packed };
        const stride = i32.const(pitch * size);
        if (whole > 0) {
          code.do(emitPacking(builder, { ...packing, columns: wide })(pb, begin, middle));
        }
        if (tail > 0) {
          const rest = i32.add(pb, i32.const(whole * wide * y.column * size));
          code.do(emitPacking(builder, { ...packing, columns: tail })(rest, middle, end));
        }
        for (const first of [true, false]) {
          const spec = { dtype, rows, depth, first, packed };
          const panels = builder.once(emitPanels, { ...spec, columns: wide });
          if (whole > 0) code.do(panels.call(begin, middle, pc, stride));
          if (tail === 0) continue;
          const last = builder.once(emitPanels, { ...spec, columns: tail });
          const rest = i32.add(pc, i32.const(whole * wide * size));
          code.do(last.call(middle, end, rest, stride));
        }
      });
      return {
        stages: [{
          name: "test",
          run: run as unknown as FunctionReference,
          operands: [0, 1, 2, 3],
          chunks: 1,
        }],
        workspaces: [(whole + 1) * bytes],
        operations: 0,
        bytes: 0,
      };
    },
    [left, right],
    [{ dtype, length: initial.length, initial }],
    tile,
  );

  const expected = initial.slice();
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let k = 0; k < depth; k++) {
        sum += left[row * x.row + k * x.column] * right[k * y.row + column * y.column];
      }
      expected[row * pitch + column] = 2 * sum;
    }
  }
  assertEquals(result, expected);
}

for (const dtype of dtypes) {
  Deno.test(`panels of ${dtype} are packed and multiplied, whatever the strides`, () => {
    const layout = fc.constantFrom<Layout>("rows", "columns", "strided");
    const sample = fc.record({
      dtype: fc.constant(dtype),
      tile: fc.constantFrom(...tiles),
      rows: fc.integer({ min: 1, max: 6 }),
      depth: fc.integer({ min: 1, max: 40 }),
      columns: fc.integer({ min: 1, max: 40 }),
      a: layout,
      b: layout,
      packed: fc.constantFrom<Place>("memory", "scratch"),
    });
    fc.assert(
      fc.property(
        sample,
        (drawn) => check({ ...drawn, rows: Math.min(drawn.rows, drawn.tile.rows) }),
      ),
      { seed: 1, numRuns: 60 },
    );
  });
}

Deno.test("sums are split into parts of about the tile's depth", () => {
  fc.assert(
    fc.property(fc.constantFrom(...tiles), fc.integer({ min: 1, max: 500 }), (tile, length) => {
      const parts = splitDepth(testBuilder(tile), length);
      assertEquals(parts.reduce((sum, part) => sum + part, 0), length);
      assert(parts.slice(0, -1).every((part) => part === tile.depth), `${parts}`);
      assert(2 * parts.at(-1)! < 3 * tile.depth, `${parts}`);
      assert(parts.length === 1 || 2 * parts.at(-1)! >= tile.depth, `${parts}`);
    }),
    { seed: 1 },
  );
});
