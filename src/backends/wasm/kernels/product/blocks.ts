/**
 * The loops around the panels of a product: rows of C, blocks of columns that fit the caches, and
 * groups of parts of the sums.
 *
 * Source: K. Goto and R. van de Geijn, "Anatomy of high-performance matrix multiplication", 2008.
 *
 * @module
 */
import { byteSize } from "../../../../base/dtype.ts";
import { range } from "../../../../base/shape.ts";
import type { Code } from "../../assembler/code.ts";
import type { Local } from "../../assembler/expression.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { i32 } from "../../assembler/operations.ts";
import { smaller, times } from "../addresses.ts";
import type { Builder, Rows, Stage } from "../kernel.ts";
import {
  advance,
  emitPacking,
  emitPanels,
  emitRows,
  lanesOf,
  type Number,
  panelBytes,
  panelColumns,
  type Place,
  type Pointer,
  splitDepth,
  VECTOR,
} from "../panels.ts";

/** Distances between the elements of a matrix, in elements. */
export interface Matrix {
  /** From one row to the next. */
  readonly row: number;
  /** From one column to the next. */
  readonly column: number;
}

/** A matrix that is read. */
export interface Operand extends Matrix {
  /** The type of its elements in memory, if that is narrower than the type of the computation. */
  readonly held?: Number;
}

/** An axis along which there are several products, and the distances of their matrices in elements. */
export interface StackAxis {
  /** The number of products. */
  readonly length: number;
  /** From one A to the next; 0 if they share it. */
  readonly a: number;
  /** From one B to the next; 0 if they share it. */
  readonly b: number;
  /** From one C to the next. */
  readonly c: number;
}

/** `C[m, n] = Σ_k A[m, k] B[k, n]` for each matrix of a stack. */
export interface Product {
  /** The type of the computation, and that of C. */
  readonly dtype: Number;
  /** The axes of the stack, outermost first. */
  readonly stack: readonly StackAxis[];
  /** Rows of A and C. */
  readonly m: number;
  /** Columns of B and C. */
  readonly n: number;
  /** Columns of A and rows of B. */
  readonly k: number;
  /** The strides of A. */
  readonly a: Operand;
  /** The strides of B. */
  readonly b: Operand;
  /** The strides of C. */
  readonly c: Matrix;
}

/** The type of a matrix's elements in memory. */
export function heldOf(product: Product, which: "a" | "b"): Number {
  return product[which].held ?? product.dtype;
}

/** Bytes between elements of a matrix at a given distance in elements. */
export function bytesIn(product: Product, which: "a" | "b" | "c", elements: number): number {
  return elements * byteSize(which === "c" ? product.dtype : heldOf(product, which));
}

/** The number of matrices of a stack. */
export function stackSize(stack: readonly { readonly length: number }[]): number {
  return stack.reduce((product, { length }) => product * length, 1);
}

/** The pointer to matrix `index` of a stack, given the bytes from one to the next on each axis. */
export function inStack(
  code: Code,
  pointer: Pointer,
  index: Pointer,
  axes: readonly ByteAxis[],
): Pointer {
  let rest = index;
  return axes.reduceRight((sum, { length, bytes }, i) => {
    if (length === 1) return sum;
    if (i === 0) return at(sum, rest, bytes);
    const whole = code.let(rest);
    rest = i32.divU(whole, i32.const(length));
    return bytes === 0 ? sum : at(sum, i32.remU(whole, i32.const(length)), bytes);
  }, pointer);
}

/** The numbers of the operands; workspaces follow the result. */
export const A = 0;
/** The right operand. */
export const B = 1;
/** The result. */
export const C = 2;
/** The first workspace. */
export const WORKSPACE = 3;

/** The stages and workspaces of a product. */
export interface Parts {
  /** The stages, in order. */
  readonly stages: readonly Stage[];
  /** Bytes of each workspace; they are numbered from `WORKSPACE` on. */
  readonly workspaces: readonly number[];
}

/** Bytes of packed panels that are reused before other panels are read: they stay in a cache. */
const BLOCK_BYTES = 2 ** 18;

/**
 * The maximum number of columns of a block: its part of a few rows of C stays in the first-level
 * cache.
 */
const BLOCK_COLUMNS = 512;

/**
 * The layout of packed panels of `k` rows and some columns: the parts of the rows one after
 * another.
 */
export interface Layout {
  /** The type of the elements. */
  readonly dtype: Number;
  /** The length of each part. */
  readonly parts: readonly number[];
  /** Whole panels. */
  readonly panels: number;
  /** Columns of the last, narrower panel; 0 if there is none. */
  readonly tail: number;
  /** Bytes of one row, in all panels together. */
  readonly rowBytes: number;
  /** The location of the panels. */
  readonly packed: Place;
}

/** The layout of a matrix of `k` rows and `n` columns. */
export function layOut(
  builder: Builder,
  dtype: Number,
  k: number,
  n: number,
  packed: Place,
): Layout {
  const columns = panelColumns(builder, dtype);
  const panels = Math.floor(n / columns);
  const tail = n - panels * columns;
  const vectors = panels * builder.tile.vectors + Math.ceil(tail / lanesOf(dtype));
  return {
    dtype,
    parts: splitDepth(builder, k),
    panels,
    tail,
    rowBytes: vectors * VECTOR,
    packed,
  };
}

/** The columns of a block: whole panels, about as many as fit in the cache. */
export function blockColumns(builder: Builder, dtype: Number, n: number): number {
  const columns = panelColumns(builder, dtype);
  const most = BLOCK_COLUMNS * 4 / byteSize(dtype);
  if (n <= most) return Math.ceil(n / columns) * columns;
  const blocks = Math.ceil(n / most);
  return Math.ceil(n / blocks / columns) * columns;
}

/** The number of parts of the sums that are done while one block of columns stays in the cache. */
export function groupParts(builder: Builder, dtype: Number, columns: number): number {
  return Math.max(1, Math.floor(BLOCK_BYTES / (columns * byteSize(dtype) * builder.tile.depth)));
}

/** `count` rounds, unrolled if there is only one; `body` receives the number of the round. */
export function repeat(code: Code, count: number, body: (round: Pointer) => void): void {
  if (count === 1) body(i32.const(0));
  else if (count > 1) code.for({ below: count }, (i) => body(i));
}

/** The address of element `index`, given the distance of elements in bytes. */
export function at(pointer: Pointer, index: Pointer, bytes: number): Pointer {
  return bytes === 0 ? pointer : i32.add(pointer, times(index, bytes));
}

/** A function that packs one part of the sums, of `depth` rows, for some panels. */
export function emitPackPart(
  builder: Builder,
  { dtype, packed }: Layout,
  product: Product,
  depth: number,
): (code: Code, from: Pointer, to: Pointer, panels: number, tail: number) => void {
  const { b } = product;
  const columns = panelColumns(builder, dtype);
  const held = heldOf(product, "b");
  const common = { held, depth, depthStride: b.row, columnStride: b.column, packed };
  return (code, from, to, panels, tail) => {
    const end = code.let(advance(to, panels * panelBytes(dtype, depth, columns)));
    if (panels > 0) code.do(emitPacking(builder, { ...common, columns })(from, to, end));
    if (tail > 0) {
      const rest = advance(from, bytesIn(product, "b", panels * columns * b.column));
      const past = advance(end, panelBytes(dtype, depth, tail));
      code.do(emitPacking(builder, { ...common, columns: tail })(rest, end, past));
    }
  };
}

/** Some consecutive parts of the sums. */
export interface Group {
  /** The number of the first part. */
  readonly begin: number;
  /** The number of parts. */
  readonly count: number;
}

/** Columns of a block that one call computes. */
export interface Width {
  /** Whole panels. */
  readonly panels: number;
  /** Columns of the narrower panel; 0 if there is none. */
  readonly tail: number;
}

/** A function of A, the packed group, C, and the number of the first panel. */
export type GroupFunction = FunctionReference<readonly ["i32", "i32", "i32", "i32"], "none">;

/** A few rows of C, a block of its columns, a group of the sums' parts. */
function emitGroup(
  builder: Builder,
  { product, layout, rows, group: { begin, count }, width: { panels, tail } }: {
    readonly product: Product;
    readonly layout: Layout;
    readonly rows: number;
    readonly group: Group;
    readonly width: Width;
  },
): GroupFunction {
  const { dtype, a, c } = product;
  const { parts, rowBytes, packed } = layout;
  const depths = parts.slice(begin, begin + count);
  const size = byteSize(dtype);
  const columns = panelColumns(builder, dtype);
  return builder.module.function(
    "group",
    ["i32", "i32", "i32", "i32"],
    "none",
    (code, pa, pb, pc, panel) => {
      const stride = i32.const(c.row * size);
      const tailC = code.let(advance(pc, panels * columns * size));

      function part(depth: number, first: boolean): void {
        const spec = { dtype, rows, depth, first, packed };
        const held = heldOf(product, "a");
        const copy = { held, rows, depth, rowStride: a.row, depthStride: a.column };
        code.do(emitRows(builder, copy)(pa));
        const from = code.let(at(pb, panel, panelBytes(dtype, depth, columns)));
        const end = code.let(advance(from, panels * panelBytes(dtype, depth, columns)));
        if (panels > 0) {
          code.do(builder.once(emitPanels, { ...spec, columns }).call(from, end, pc, stride));
        }
        if (tail > 0) {
          const past = advance(end, panelBytes(dtype, depth, tail));
          code.do(
            builder.once(emitPanels, { ...spec, columns: tail }).call(end, past, tailC, stride),
          );
        }
        code.set(pa, advance(pa, bytesIn(product, "a", depth * a.column)));
        code.set(pb, advance(pb, depth * rowBytes));
      }

      let done = 0;
      if (begin === 0) part(depths[done++], true);
      for (const { depth, times } of runsOf(depths.slice(done))) {
        repeat(code, times, () => part(depth, false));
      }
    },
  );
}

/** Consecutive parts of equal length. */
export interface Run {
  /** The length of each. */
  readonly depth: number;
  /** Their number. */
  times: number;
}

/** Counts runs of equal values. */
export function runsOf(depths: readonly number[]): Run[] {
  const runs: Run[] = [];
  for (const depth of depths) {
    const last = runs.at(-1);
    if (last?.depth === depth) last.times++;
    else runs.push({ depth, times: 1 });
  }
  return runs;
}

/** The groups of a layout's parts: `size` each, fewer in the last. */
export function groupsOf({ parts }: Layout, size: number): Group[] {
  return range(Math.ceil(parts.length / size)).map((i) => ({
    begin: i * size,
    count: Math.min(size, parts.length - i * size),
  }));
}

/** The rows of B in a group. */
export function groupDepth({ parts }: Layout, { begin, count }: Group): number {
  return parts.slice(begin, begin + count).reduce((sum, depth) => sum + depth, 0);
}

/**
 * Writes `body` for each group, in a loop for those between the first and the last, which are
 * equal. After it, each pointer advances by its number of bytes for each row of B.
 */
export function eachGroup(
  code: Code,
  layout: Layout,
  groups: readonly Group[],
  pointers: readonly { readonly pointer: Local<"i32">; readonly bytes: number }[],
  body: (group: Group) => void,
): void {
  const write = (group: Group, times: number): void =>
    repeat(code, times, () => {
      body(group);
      for (const { pointer, bytes } of pointers) {
        code.set(pointer, advance(pointer, groupDepth(layout, group) * bytes));
      }
    });
  write(groups[0], 1);
  if (groups.length > 2) write(groups[1], groups.length - 2);
  if (groups.length > 1) write(groups[groups.length - 1], 1);
}

/** Equal numbers of rows, repeated. */
export interface RowRun {
  /** The number of rows at a time. */
  readonly count: number;
  /** The number of repetitions. */
  readonly times: number;
}

/** Rows distributed evenly over tiles: small tiles would leave the arithmetic units idle. */
export function rowRuns({ tile }: Builder, rows: number): RowRun[] {
  const calls = Math.ceil(rows / tile.rows);
  const least = Math.floor(rows / calls);
  const larger = rows - calls * least;
  return [{ count: least + 1, times: larger }, { count: least, times: calls - larger }]
    .filter(({ times }) => times > 0);
}

/** Some matrices of a stack of `count`: group number `group` of `together` each. */
export function eachMatrix(
  code: Code,
  group: Local<"i32">,
  count: number,
  together: number,
  body: (matrix: Pointer) => void,
): void {
  if (together === 1) return body(group);
  const begin = code.let(i32.mul(group, i32.const(together)));
  const end = code.let(advance(begin, together));
  if (count % together !== 0) code.set(end, smaller(end, i32.const(count)));
  code.for({ from: begin, below: end }, (matrix) => body(matrix));
}

/** All rows of a chunk, a block of columns and a group of parts; parameters as of `emitGroup`. */
export function emitRowLoop(
  builder: Builder,
  { product, layout, rows, group, width }: {
    readonly product: Product;
    readonly layout: Layout;
    readonly rows: number;
    readonly group: Group;
    readonly width: Width;
  },
): GroupFunction {
  const { a, c } = product;
  const runs = rowRuns(builder, rows)
    .map((run) => ({
      ...run,
      run: builder.once(emitGroup, { product, layout, rows: run.count, group, width }),
    }));
  const key = runs.map(({ times, run }) => `${times} times ${run.name}`).join(", ");
  return builder.module.function(
    key,
    ["i32", "i32", "i32", "i32"],
    "none",
    (code, pa, pb, pc, panel) => {
      for (const { count, times, run } of runs) {
        repeat(code, times, () => {
          code.do(run.call(pa, pb, pc, panel));
          code.set(pa, advance(pa, bytesIn(product, "a", count * a.row)));
          code.set(pc, advance(pc, bytesIn(product, "c", count * c.row)));
        });
      }
    },
  );
}

/** Whether the matrices of the result are contiguous. */
function isDense({ stack, m, n }: Product): boolean {
  let step = m * n;
  return stack.toReversed().every((axis) => {
    const fits = axis.c === step;
    step *= axis.length;
    return fits;
  });
}

/** If the result is in row-major order, the rows of all matrices that chunks divide. */
export function wholeRows(product: Product, perChunk: number): Rows | undefined {
  const { stack, m, n, c } = product;
  const even = stackSize(stack) === 1 || perChunk % m === 0 || m % perChunk === 0;
  const lines = (m === 1 || c.row === n) && (n === 1 || c.column === 1);
  return lines && even && isDense(product) ? { count: stackSize(stack) * m, perChunk } : undefined;
}

/**
 * The rows of the result that chunks of `perChunk` columns of C form. This requires that C has one
 * row, or that its columns are contiguous, so that each is a row in memory.
 */
export function wholeColumns(product: Product, perChunk: number): Rows | undefined {
  const { stack, m, n, c } = product;
  const lines = m === 1 ? c.column === 1 : c.row === 1 && c.column === m;
  const even = stackSize(stack) === 1 || perChunk % n === 0 || n % perChunk === 0;
  return lines && even && isDense(product) ? { count: stackSize(stack) * n, perChunk } : undefined;
}

/** The division of the columns of a product into blocks. */
export interface ColumnBlocks {
  /** The number of blocks. */
  readonly count: number;
  /** The columns of each but the last. */
  readonly width: Width;
  /** The columns of the last one. */
  readonly last: Width;
}

/** Blocks of columns: some of whole panels, then the rest. */
export function columnBlocks(
  builder: Builder,
  { dtype, n }: Product,
  columns: number,
): ColumnBlocks {
  const wide = panelColumns(builder, dtype);
  const count = Math.ceil(n / columns);
  const left = n - (count - 1) * columns;
  const width: Width = { panels: columns / wide, tail: 0 };
  const last: Width = { panels: Math.floor(left / wide), tail: left % wide };
  return { count, width, last };
}

/** Runs one of two bodies: the last of `count` rounds may differ. */
export function lastOrNot(
  code: Code,
  index: Pointer,
  count: number,
  differs: boolean,
  body: (last: boolean) => void,
): void {
  if (count === 1) body(true);
  else if (!differs) body(false);
  else code.if(i32.eq(index, i32.const(count - 1)), () => body(true), () => body(false));
}

/** An axis of a stack, in bytes. */
export interface ByteAxis {
  /** Its length. */
  readonly length: number;
  /** From one matrix to the next. */
  readonly bytes: number;
}

/** The distances of the matrices of a stack, in bytes. */
export function bytesApart(product: Product, which: "a" | "b" | "c"): ByteAxis[] {
  return product.stack.map((axis) => ({
    length: axis.length,
    bytes: bytesIn(product, which, axis[which]),
  }));
}
