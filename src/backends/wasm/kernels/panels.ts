/**
 * The inner part of matrix products and convolutions: some rows of A times panels of B.
 *
 *     C[rows, columns] (+)= A[rows, depth] B[depth, columns]
 *
 * The rows of A (a micro-panel) are copied to constant addresses of the scratch memory, which need
 * no bounds checks, and are used for all panels. B is packed in panels of the tile's width, row
 * after row. The last panel may have fewer columns, rounded up to whole vectors. The sums stay in
 * registers over the depth, which is written out without a loop. (The scheme is that of K. Goto and
 * R. van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 34, 2008, with the
 * packing of A reduced to a few rows.)
 *
 * Strides and addresses are parameters of the functions, so a program contains few functions.
 *
 * @module
 */
import { byteSize, type Dtype, isNarrow, wideDtype } from "../../../base/dtype.ts";
import { range } from "../../../base/shape.ts";
import type { Code } from "../assembler/code.ts";
import type { Effect, Local } from "../assembler/expression.ts";
import type { Memory } from "../assembler/memory.ts";
import type { FunctionReference } from "../assembler/module.ts";
import { f32x4, f64x2, i32, i32x4, i64, i8x16, v128 } from "../assembler/operations.ts";
import { advance, type Pointer, VECTOR, type Vector } from "./addresses.ts";
import type { Builder } from "./kernel.ts";
import { type Lanes, lanesLoader, loadSplat } from "./lanes.ts";

export { advance, type Pointer, VECTOR, type Vector } from "./addresses.ts";
export { lanesLoader } from "./lanes.ts";

/**
 * Bytes at the start of the scratch memory that hold the rows of A; the rest belongs to the caller.
 */
export const MICRO_BYTES = 2 ** 14;

/** The element types of products. */
export type Number = Exclude<Dtype, "bool">;

/** The location of packed panels: the memory of all buffers, or the thread's own. */
export type Place = "memory" | "scratch";

/** The number of elements of the type in a vector; narrow types are held as their wide type there. */
export function lanesOf(dtype: Dtype): Lanes {
  return byteSize(dtype) === 8 ? 2 : 4;
}

/** The number of bytes of a vector's elements in memory, if stored as this type. */
export function bytesOfLanes(held: Number): number {
  return lanesOf(held) * byteSize(held);
}

/** `x * y`, lane by lane. */
export function multiply(dtype: Number, x: Vector, y: Vector): Vector {
  if (dtype === "float32") return f32x4.mul(x, y);
  return dtype === "float64" ? f64x2.mul(x, y) : i32x4.mul(x, y);
}

/** `x + y`, lane by lane. */
export function addLanes(dtype: Dtype, x: Vector, y: Vector): Vector {
  if (dtype === "float32") return f32x4.add(x, y);
  return dtype === "float64" ? f64x2.add(x, y) : i32x4.add(x, y);
}

/** `x * y + z`, lane by lane; floats may be rounded once or twice. */
export function multiplyAdd(dtype: Number, x: Vector, y: Vector, z: Vector): Vector {
  if (dtype === "float32") return f32x4.relaxedMadd(x, y, z);
  if (dtype === "float64") return f64x2.relaxedMadd(x, y, z);
  return i32x4.add(i32x4.mul(x, y), z);
}

/** Stores the first `count` lanes and nothing else. */
export function storeLanes(
  dtype: Dtype,
  address: Pointer,
  value: Local<"v128">,
  count: number,
  offset: number,
): Effect[] {
  if (count === lanesOf(dtype)) return [v128.store(address, value, { offset, align: 4 })];
  if (byteSize(dtype) === 8) return [v128.store64Lane(address, value, 0, { offset })];
  if (count === 1) return [v128.store32Lane(address, value, 0, { offset })];
  const pair = v128.store64Lane(address, value, 0, { offset, align: 4 });
  if (count === 2) return [pair];
  return [pair, v128.store32Lane(address, value, 2, { offset: offset + 8 })];
}

/** The columns of a whole panel. */
export function panelColumns({ tile }: Builder, dtype: Dtype): number {
  return tile.vectors * lanesOf(dtype);
}

/** The bytes of a panel. */
export function panelBytes(dtype: Dtype, depth: number, columns: number): number {
  return depth * Math.ceil(columns / lanesOf(dtype)) * VECTOR;
}

/**
 * The lengths of the parts into which a sum of `length` products is divided, in order. Each is the
 * tile's depth but the last, which may be up to half longer, or shorter.
 */
export function splitDepth({ tile }: Builder, length: number): number[] {
  const whole = Math.floor(length / tile.depth);
  const rest = length - whole * tile.depth;
  if (rest === 0) return range(whole).map(() => tile.depth);
  const parts = range(whole).map(() => tile.depth);
  if (whole > 0 && 2 * rest < tile.depth) parts[whole - 1] += rest;
  else parts.push(rest);
  return parts;
}

/** Elements between rows of the micro-panel. */
function microPitch(dtype: Dtype, depth: number): number {
  const lanes = lanesOf(dtype);
  return Math.ceil(depth / lanes) * lanes;
}

/** An element of the micro-panel, of `depth` columns, in all lanes. */
export function loadMicro(
  { scratch }: Builder,
  dtype: Dtype,
  depth: number,
  row: number,
  k: number,
): Vector {
  const offset = (row * microPitch(dtype, depth) + k) * byteSize(dtype);
  const load = byteSize(dtype) === 8 ? v128.load64Splat : v128.load32Splat;
  return load(i32.const(0), { offset, memory: scratch });
}

/** The computation of a function made by `emitPanels`. */
export interface Panels {
  /** The type of all elements. */
  readonly dtype: Number;
  /** Rows of A and C, at most the tile's. */
  readonly rows: number;
  /** Columns of A and rows of B. */
  readonly depth: number;
  /** Columns of each panel: those of a whole one, or fewer for the last one. */
  readonly columns: number;
  /** Whether the products are stored instead of added to C. */
  readonly first: boolean;
  /** The location of the panels. */
  readonly packed: Place;
}

/** A function of the first panel, the end of the last one, C, and the bytes between rows of C. */
export type PanelsFunction = FunctionReference<readonly ["i32", "i32", "i32", "i32"], "none">;

/**
 * C[rows, :] (+)= A[rows, depth] B[depth, :] for panel after panel, with A as copied by `emitRows`.
 * Writes only the given columns; may read whole vectors.
 */
export function emitPanels(builder: Builder, spec: Panels): PanelsFunction {
  const { dtype, rows, depth, columns, first, packed } = spec;
  return builder.module.function("panels", ["i32", "i32", "i32", "i32"], "none", (
    code,
    begin,
    end,
    c,
    stride,
  ) => {
    const lanes = lanesOf(dtype);
    const vectors = range(Math.ceil(columns / lanes));
    const memory = packed === "scratch" ? builder.scratch : undefined;
    const sums = range(rows).map(() => vectors.map(() => code.local("v128")));

    function step(k: number, panel: Pointer): void {
      const b = vectors.map((v) => {
        const offset = (k * vectors.length + v) * VECTOR;
        return code.let(v128.load(panel, { offset, memory }));
      });
      sums.forEach((row, i) => {
        const value = code.let(loadMicro(builder, dtype, depth, i, k));
        row.forEach((sum, v) => {
          const product = first && k === 0
            ? multiply(dtype, value, b[v])
            : multiplyAdd(dtype, value, b[v], sum);
          code.set(sum, product);
        });
      });
    }

    function eachRow(body: (pointer: Pointer, row: Local<"v128">[]) => void): void {
      const pointer = code.let(c);
      sums.forEach((row, i) => {
        if (i > 0) code.set(pointer, i32.add(pointer, stride));
        body(pointer, row);
      });
    }

    const bytes = panelBytes(dtype, depth, columns);
    code.for({ from: begin, below: end, step: bytes }, (panel) => {
      if (!first) {
        eachRow((pointer, row) =>
          row.forEach((sum, v) => {
            code.set(sum, v128.load(pointer, { offset: v * VECTOR, align: 4 }));
          })
        );
      }
      range(depth).forEach((k) => step(k, panel));
      eachRow((pointer, row) =>
        row.forEach((sum, v) => {
          const count = Math.min(lanes, columns - v * lanes);
          code.do(...storeLanes(dtype, pointer, sum, count, v * VECTOR));
        })
      );
      code.set(c, advance(c, vectors.length * VECTOR));
    });
  });
}

/** Rows of A to copy into the micro-panel; strides are in elements. */
export interface Rows {
  /** The type of A in memory; the micro-panel has its wide type. */
  readonly held: Number;
  /** The number of rows. */
  readonly rows: number;
  /** The number of columns. */
  readonly depth: number;
  /** From one row to the next. */
  readonly rowStride: number;
  /** From one column to the next. */
  readonly depthStride: number;
}

/** The transposed matrix of the lanes of a square block of vectors. */
export function transposeLanes(code: Code, dtype: Dtype, vectors: readonly Vector[]): Vector[] {
  const low = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
  const high = low.map((byte) => byte + 8);
  if (lanesOf(dtype) === 2) {
    const [a, b] = vectors;
    return [i8x16.shuffle(a, b, low), i8x16.shuffle(a, b, high)];
  }
  const even = [0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23];
  const odd = even.map((byte) => byte + 8);
  const [a, b, c, d] = vectors;
  const [ab, cd] = [[a, b], [c, d]].map(([x, y]) => ({
    low: code.let(i8x16.shuffle(x, y, even)),
    high: code.let(i8x16.shuffle(x, y, odd)),
  }));
  return [
    i8x16.shuffle(ab.low, cd.low, low),
    i8x16.shuffle(ab.low, cd.low, high),
    i8x16.shuffle(ab.high, cd.high, low),
    i8x16.shuffle(ab.high, cd.high, high),
  ];
}

/** Copies one element between memories, and widens it to the type of the computation. */
export function copyElement(
  code: Code,
  held: Number,
  to: Pointer,
  toPlace: { readonly offset?: number; readonly memory?: Memory | undefined },
  from: Pointer,
  offset = 0,
): Effect {
  if (isNarrow(held)) {
    return v128.store32Lane(to, loadSplat(code, held, from, offset, 4), 0, toPlace);
  }
  return byteSize(held) === 8
    ? i64.store(to, i64.load(from, { offset }), toPlace)
    : i32.store(to, i32.load(from, { offset }), toPlace);
}

/** The copy of rows of A from an address into the micro-panel. It may read whole vectors. */
export function emitRows(builder: Builder, spec: Rows): (a: Pointer) => Effect {
  const { held, rows, depth, rowStride, depthStride } = spec;
  const size = byteSize(held);
  const kind = depthStride === 1 ? "along depth" : rowStride === 1 ? "along rows" : "strided";
  const copy = builder.once(emitCopyRows, { held, rows, depth, kind });
  return (a) => copy.call(a, i32.const(rowStride * size), i32.const(depthStride * size));
}

/** A function of A and the bytes between its rows and its columns: copies them. */
function emitCopyRows(
  builder: Builder,
  { held, rows, depth, kind }: Pick<Rows, "held" | "rows" | "depth"> & {
    readonly kind: "along depth" | "along rows" | "strided";
  },
): FunctionReference<readonly ["i32", "i32", "i32"], "none"> {
  const dtype = wideDtype(held);
  const size = byteSize(dtype);
  const lanes = lanesOf(dtype);
  const pitch = microPitch(dtype, depth);
  const place = (row: number, k: number) => ({
    offset: (row * pitch + k) * size,
    memory: builder.scratch,
  });
  const zero = i32.const(0);
  return builder.module.function(
    "rows",
    ["i32", "i32", "i32"],
    "none",
    (code, a, nextRow, nextK) => {
      const load = lanesLoader(code, held);
      if (kind === "along depth") {
        for (const row of range(rows)) {
          if (row > 0) code.set(a, i32.add(a, nextRow));
          for (let k = 0; k < depth; k += lanes) {
            const value = load(a, k * byteSize(held));
            code.do(v128.store(zero, value, place(row, k)));
          }
        }
      } else if (kind === "along rows") {
        for (let k = 0; k < depth; k += lanes) {
          const pointers = range(lanes).map((i) => {
            // Past the depth, any readable address will do.
            if (k + i > 0 && k + i < depth) code.set(a, i32.add(a, nextK));
            return code.let(a);
          });
          for (let row = 0; row < rows; row += lanes) {
            const block = pointers.map((p) => code.let(load(p, row * byteSize(held))));
            transposeLanes(code, dtype, block).forEach((value, i) => {
              if (row + i < rows) code.do(v128.store(zero, value, place(row + i, k)));
            });
          }
        }
      } else {
        for (const row of range(rows)) {
          if (row > 0) code.set(a, i32.add(a, nextRow));
          const p = code.let(a);
          for (const k of range(depth)) {
            if (k > 0) code.set(p, i32.add(p, nextK));
            code.do(copyElement(code, held, zero, place(row, k), p));
          }
        }
      }
    },
  );
}

/** Rows of B to pack into panels; strides are in elements. */
export interface Packing {
  /** The type of B in memory; the panels have its wide type. */
  readonly held: Number;
  /** The number of rows of B in the panels. */
  readonly depth: number;
  /** Columns of each panel, as in `Panels`. */
  readonly columns: number;
  /** From one row of B to the next. */
  readonly depthStride: number;
  /** From one column of B to the next. */
  readonly columnStride: number;
  /** The location of the panels. */
  readonly packed: Place;
}

/**
 * Packs the columns of B from an address on into the panels between two addresses: all whole
 * panels, or the last one, which needs a separate call if it has fewer columns. May read whole
 * vectors.
 */
export function emitPacking(
  builder: Builder,
  spec: Packing,
): (b: Pointer, begin: Pointer, end: Pointer) => Effect {
  const { held, depth, columns, depthStride, columnStride, packed } = spec;
  const size = byteSize(held);
  const kind = columnStride === 1 ? "along columns" : depthStride === 1 ? "along depth" : "strided";
  const pack = builder.once(emitPack, { held, depth, columns, packed, kind });
  return (b, begin, end) =>
    pack.call(b, begin, end, i32.const(depthStride * size), i32.const(columnStride * size));
}

/** A function of B, both ends of the panels, and the bytes between rows and columns of B: packs. */
function emitPack(
  builder: Builder,
  { held, depth, columns, packed, kind }: Omit<Packing, "depthStride" | "columnStride"> & {
    readonly kind: "along columns" | "along depth" | "strided";
  },
): FunctionReference<readonly ["i32", "i32", "i32", "i32", "i32"], "none"> {
  const dtype = wideDtype(held);
  const size = byteSize(dtype);
  const lanes = lanesOf(dtype);
  const step = bytesOfLanes(held);
  const vectors = Math.ceil(columns / lanes);
  const pitch = vectors * VECTOR;
  const memory = packed === "scratch" ? builder.scratch : undefined;

  /**
   * Calls `body` for every row of the panel, `unroll` rows per round, with the address of the
   * first.
   */
  function eachRows(
    code: Code,
    panel: Pointer,
    unroll: number,
    body: (p: Pointer, count: number) => void,
  ): void {
    const rest = depth % unroll;
    if (depth > rest) {
      const end = code.let(advance(panel, (depth - rest) * pitch));
      code.for({ from: panel, below: end, step: unroll * pitch }, (p) => body(p, unroll));
    }
    if (rest > 0) body(code.let(advance(panel, (depth - rest) * pitch)), rest);
  }

  return builder.module.function("pack", ["i32", "i32", "i32", "i32", "i32"], "none", (
    code,
    b,
    begin,
    end,
    nextK,
    nextColumn,
  ) => {
    const load = lanesLoader(code, held);
    code.for({ from: begin, below: end, step: depth * pitch }, (panel) => {
      if (kind === "along columns") {
        const from = code.let(b);
        eachRows(code, panel, 4, (p, count) => {
          const values = range(count).map((k) => {
            const row = range(vectors).map((v) => code.let(load(from, v * step)));
            code.set(from, i32.add(from, nextK));
            return { k, row };
          });
          for (const { k, row } of values) {
            row.forEach((value, v) => {
              code.do(v128.store(p, value, { offset: k * pitch + v * VECTOR, memory }));
            });
          }
        });
        code.set(b, advance(b, vectors * step));
        return;
      }
      const pointers = range(vectors * lanes).map((column) => {
        const pointer = code.let(b);
        // Past the last column, its own elements fill the vectors.
        if (column < columns) code.set(b, i32.add(b, nextColumn));
        return column < columns ? pointer : undefined;
      });
      const known = pointers.map((pointer) => pointer ?? pointers[columns - 1]!);
      if (kind === "along depth") {
        eachRows(code, panel, lanes, (p, count) => {
          range(vectors).forEach((v) => {
            const group = known.slice(v * lanes, (v + 1) * lanes);
            const block = group.map((q) => code.let(load(q)));
            transposeLanes(code, dtype, block).slice(0, count).forEach((value, k) => {
              code.do(v128.store(p, value, { offset: k * pitch + v * VECTOR, memory }));
            });
          });
          for (const q of pointers) if (q !== undefined) code.set(q, advance(q, step));
        });
        return;
      }
      eachRows(code, panel, 1, (p) => {
        known.forEach((q, column) => {
          code.do(copyElement(code, held, p, { offset: column * size, memory }, q));
        });
        for (const q of pointers) if (q !== undefined) code.set(q, i32.add(q, nextK));
      });
    });
  });
}
