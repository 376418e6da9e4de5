/**
 * Products of few rows whose sums run along neighbouring elements of both operands: dot products,
 * several at a time, that read the large operand in place.
 *
 * @module
 */
import { byteSize } from "../../../../base/dtype.ts";
import { range } from "../../../../base/shape.ts";
import type { Code } from "../../assembler/code.ts";
import type { Expression, Local } from "../../assembler/expression.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { i32, i8x16, v128 } from "../../assembler/operations.ts";
import { smaller } from "../addresses.ts";
import type { Builder } from "../kernel.ts";
import {
  addLanes,
  advance,
  bytesOfLanes,
  lanesLoader,
  lanesOf,
  multiplyAdd,
  type Number,
  type Pointer,
  storeLanes,
  VECTOR,
  type Vector,
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
  type Parts,
  type Product,
  stackSize,
  wholeColumns,
  WORKSPACE,
} from "./blocks.ts";

/**
 * Columns of a tile by its rows. The registers hold the sums, one vector for each row or column
 * (whichever are fewer), and one vector for the others.
 */
const TILE_COLUMNS = [0, 8, 6, 3, 2];

/** The maximum number of rows of a tile. */
const MOST_ROWS = TILE_COLUMNS.length - 1;

/** Bytes that a chunk needs for sums in two vectors that are later joined into one. */
const SPARE = 512;

/** Bytes of the large operand that one chunk reads. */
const CHUNK_BYTES = 2 ** 19;

/** The sum of a vector's lanes, in its first lane. */
function sumLanes(code: Code, dtype: Number, vector: Expression<"v128">): Local<"v128"> {
  let sum = code.let(vector);
  for (let bytes = VECTOR / 2; bytes >= byteSize(dtype); bytes /= 2) {
    const moved = i8x16.shuffle(sum, sum, range(VECTOR).map((i) => (i + bytes) % VECTOR));
    sum = code.let(addLanes(dtype, sum, moved));
  }
  return sum;
}

/** A function of A, B, C and `SPARE` bytes that computes some rows and columns of one matrix. */
function emitTile(
  builder: Builder,
  { product, rows, columns }: {
    readonly product: Product;
    readonly rows: number;
    readonly columns: number;
  },
): FunctionReference<readonly ["i32", "i32", "i32", "i32"], "none"> {
  const { dtype, k, a, b, c } = product;
  const size = byteSize(dtype);
  const [nextA, nextB] = [bytesIn(product, "a", a.row), bytesIn(product, "b", b.column)];
  const [nextRow, nextColumn] = [c.row * size, c.column * size];
  const [stepA, stepB] = (["a", "b"] as const).map((which) => bytesOfLanes(heldOf(product, which)));
  return builder.module.function(
    "dots",
    ["i32", "i32", "i32", "i32"],
    "none",
    (code, pa, pb, pc, spare) => {
      const lanes = lanesOf(dtype);
      const loadA = lanesLoader(code, heldOf(product, "a"));
      const loadB = lanesLoader(code, heldOf(product, "b"));
      // Two neighbouring vectors can become one of twice the width if the tile is made for that.
      const unroll = builder.tile.vectors > 2 ? 2 : 1;
      const sums = range(rows).map(() =>
        range(columns).map(() => range(unroll).map(() => code.local("v128")))
      );

      function step(count: number, mask: Expression<"v128"> | undefined): void {
        const vectors = (load: typeof loadA, pointer: Pointer, first: number, step: number) =>
          range(count).map((v) => {
            const vector = load(pointer, first + v * step);
            return code.let(mask === undefined ? vector : v128.and(vector, mask));
          });
        const ofA = (i: number) => vectors(loadA, pa, i * nextA, stepA);
        const ofB = (j: number) => vectors(loadB, pb, j * nextB, stepB);
        const add = (i: number, j: number, x: Vector[], y: Vector[]) =>
          sums[i][j].slice(0, count).forEach((sum, v) => {
            code.set(sum, multiplyAdd(dtype, x[v], y[v], sum));
          });
        if (rows <= columns) {
          const x = range(rows).map(ofA);
          for (const j of range(columns)) {
            const y = ofB(j);
            x.forEach((own, i) => add(i, j, own, y));
          }
        } else {
          const y = range(columns).map(ofB);
          for (const i of range(rows)) {
            const x = ofA(i);
            y.forEach((own, j) => add(i, j, x, own));
          }
        }
        code.set(pa, advance(pa, count * stepA));
        code.set(pb, advance(pb, count * stepB));
      }

      const whole = Math.floor(k / (lanes * unroll));
      if (whole > 0) {
        const end = code.let(advance(pa, whole * unroll * stepA));
        code.loop((again) => {
          step(unroll, undefined);
          code.branchIf(again, i32.ltU(pa, end));
        });
      }
      let rest = k - whole * lanes * unroll;
      for (; rest >= lanes; rest -= lanes) step(1, undefined);
      if (rest > 0) {
        const bytes = range(VECTOR).map((i) => i < rest * size ? 0xff : 0);
        step(1, code.let(v128.const(bytes)));
      }
      // V8 finds pairs of vectors by going backwards from neighbouring stores to the first memory,
      // so such stores are needed.
      const place = (i: number, j: number, v: number) => ({
        offset: ((i * columns + j) * unroll + v) * VECTOR,
      });
      const tiles = sums.flatMap((row, i) => row.map((parts, j) => ({ i, j, parts })));
      if (unroll > 1) {
        for (const { i, j, parts } of tiles) {
          parts.forEach((part, v) => code.do(v128.store(spare, part, place(i, j, v))));
        }
      }
      for (const { i, j, parts } of tiles) {
        const total = unroll === 1
          ? parts[0]
          : parts.map((_, v): Vector => v128.load(spare, place(i, j, v)))
            .reduce((sum, part) => addLanes(dtype, sum, part));
        const offset = i * nextRow + j * nextColumn;
        code.do(...storeLanes(dtype, pc, sumLanes(code, dtype, total), 1, offset));
      }
    },
  );
}

/** Products of few rows. The columns of A and the rows of B are contiguous; C may have any strides. */
export function emitDots(builder: Builder, product: Product): Parts {
  const { stack, m, n, k, a, b, c } = product;
  const count = stackSize(stack);
  const groups = Math.ceil(m / MOST_ROWS);
  const rows = range(groups).map((i) => Math.floor((m + i) / groups));
  const columns = TILE_COLUMNS[rows[groups - 1]];
  const perColumn = bytesIn(product, "b", k) + bytesIn(product, "c", m);
  const wanted = Math.ceil(CHUNK_BYTES / perColumn / columns) * columns;
  const perChunk = Math.min(Math.ceil(n / columns) * columns, Math.max(wanted, columns));
  const chunks = Math.ceil(n / perChunk);
  const together = chunks > 1
    ? 1
    : Math.min(count, Math.max(1, Math.floor(CHUNK_BYTES / (perColumn * n))));
  const total = chunks * Math.ceil(count / together);

  const run = builder.module.function("product", ["i32", "i32", "i32", "i32", "i32"], "none", (
    code,
    firstA,
    firstB,
    firstC,
    spares,
    chunk,
  ) => {
    const spare = code.let(at(spares, chunk, SPARE));

    function multiply(matrix: Pointer, part: Pointer): void {
      const pa = code.let(inStack(code, firstA, matrix, bytesApart(product, "a")));
      const begin = code.let(i32.mul(part, i32.const(perChunk)));
      const pb = inStack(code, firstB, matrix, bytesApart(product, "b"));
      const from = code.let(at(pb, begin, bytesIn(product, "b", b.column)));
      const pc = inStack(code, firstC, matrix, bytesApart(product, "c"));
      const to = code.let(at(pc, begin, bytesIn(product, "c", c.column)));
      const tile = (width: number): void => {
        rows.forEach((height, i) => {
          const before = rows.slice(0, i).reduce((sum, value) => sum + value, 0);
          const left = advance(pa, bytesIn(product, "a", before * a.row));
          const result = advance(to, bytesIn(product, "c", before * c.row));
          const call = builder.once(emitTile, { product, rows: height, columns: width });
          code.do(call.call(left, from, result, spare));
        });
      };
      const rest = n % columns;
      const end = code.let(advance(begin, perChunk));
      code.set(end, smaller(end, i32.const(n - rest)));
      code.for({ from: begin, below: end, step: columns }, () => {
        tile(columns);
        code.set(from, advance(from, bytesIn(product, "b", columns * b.column)));
        code.set(to, advance(to, bytesIn(product, "c", columns * c.column)));
      });
      if (rest > 0) {
        if (chunks === 1) tile(rest);
        else code.if(i32.eq(part, i32.const(chunks - 1)), () => tile(rest));
      }
    }

    const part = code.let(i32.remU(chunk, i32.const(chunks)));
    const group = code.let(i32.divU(chunk, i32.const(chunks)));
    eachMatrix(code, group, count, together, (matrix) => multiply(matrix, part));
  });

  return {
    stages: [{
      name: "product",
      run: run as unknown as FunctionReference,
      operands: [A, B, C, WORKSPACE],
      chunks: total,
      rows: wholeColumns(product, together * (chunks === 1 ? n : perChunk)),
    }],
    workspaces: [SPARE * total],
  };
}
