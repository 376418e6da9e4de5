/**
 * The inner part of convolutions: some rows of A times columns of B at arbitrary positions.
 *
 *     C[row, column] += Σ A[row, k] B[base(tile of column) + offset(k) + column in tile]
 *
 * Only the columns of a tile are adjacent; two lists give the start of each tile and of each step
 * of the sum. The windows of an image thus need no copy: the windows of a line are consecutive
 * tiles, and a step of the sum (a channel and a position of the kernel) is a distance from the
 * start of the window that is the same for all windows. (The scheme is that of M. Dukhan, "The
 * Indirect Convolution Algorithm", 2019, with distances in place of pointers.)
 *
 * A block of A and the list of its steps are at constant addresses of the scratch memory, which
 * need no bounds checks.
 *
 * @module
 */
import { byteSize, wideDtype } from "../../../../base/dtype.ts";
import { range } from "../../../../base/shape.ts";
import type { Effect } from "../../assembler/expression.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { f32, f64, i32, i64, v128 } from "../../assembler/operations.ts";
import type { Builder } from "../kernel.ts";
import {
  advance,
  lanesLoader,
  lanesOf,
  multiplyAdd,
  type Number,
  type Place,
  type Pointer,
  VECTOR,
} from "../panels.ts";

/** The longest sum that is written out without a loop. */
export const LONGEST = 72;

/** The address of the list of steps in the scratch memory, after the block of A. */
const STEPS = 2 ** 14;

/** The start of the free scratch memory. */
export const FREE = STEPS + 4 * LONGEST + 32;

/** Elements from one row of the block of A to the next. */
function pitchOf(dtype: Number, depth: number): number {
  const lanes = lanesOf(dtype);
  return Math.ceil(depth / lanes) * lanes;
}

/**
 * The location of sums that are not yet elements of the result, and of copies of B. V8 joins
 * vectors to wider ones only in the module's first memory, so tiles that are made for that need a
 * workspace.
 */
export function placeOfSums({ tile }: Builder): Place {
  return tile.vectors > 2 ? "memory" : "scratch";
}

/** The computation of a function made by `emitTiles`. */
export interface Tiles {
  readonly dtype: Number;
  /** Rows of A and C. */
  readonly rows: number;
  /** Columns of each tile, in vectors. */
  readonly vectors: number;
  /** Whether each half of a tile has a separate base. */
  readonly split: boolean;
  /** Steps of the sum. */
  readonly depth: number;
  /** The location of B and C. */
  readonly from: Place;
  readonly to: Place;
}

/**
 * A function of the list of bases, its end, B, C, the bytes between rows of C, and whether the sums
 * begin with zero instead of C.
 */
export type TilesFunction = FunctionReference<
  readonly ["i32", "i32", "i32", "i32", "i32", "i32"],
  "none"
>;

/** Adds the products of the block of A and tiles of B to C. */
export function emitTiles(builder: Builder, spec: Tiles): TilesFunction {
  const { dtype, rows, vectors, split, depth, from, to } = spec;
  const { module, scratch } = builder;
  return module.function(
    "tiles",
    ["i32", "i32", "i32", "i32", "i32", "i32"],
    "none",
    (code, begin, end, b, c, stride, fresh) => {
      const size = byteSize(dtype);
      const pitch = pitchOf(dtype, depth);
      const [memory, target] = [from, to].map((place) => place === "scratch" ? scratch : undefined);
      const load = size === 8 ? v128.load64Splat : v128.load32Splat;
      const zero = i32.const(0);
      const sums = range(rows).map(() => range(vectors).map(() => code.local("v128")));
      const pointer = code.local("i32");

      function eachRow(body: (row: typeof sums[number]) => void): void {
        code.set(pointer, c);
        sums.forEach((row, i) => {
          if (i > 0) code.set(pointer, i32.add(pointer, stride));
          body(row);
        });
      }

      const values = range(vectors).map(() => code.local("v128"));
      const value = code.local("v128");
      const bases = range(split ? 2 : 1).map(() => code.local("i32"));
      const step = code.local("i32");
      code.for({ from: begin, below: end, step: 4 * bases.length }, (tile) => {
        bases.forEach((base, i) =>
          code.set(base, i32.add(b, i32.load(tile, { offset: 4 * i, memory: scratch })))
        );
        code.if(fresh, () => {
          for (const row of sums) for (const sum of row) code.set(sum, v128.const(ZEROS));
        }, () => {
          eachRow((row) =>
            row.forEach((sum, v) =>
              code.set(sum, v128.load(pointer, { offset: v * VECTOR, memory: target, align: 4 }))
            )
          );
        });
        for (const k of range(depth)) {
          code.set(step, i32.load(zero, { offset: STEPS + 4 * k, memory: scratch }));
          const each = vectors / bases.length;
          values.forEach((vector, v) => {
            if (v % each === 0) code.set(pointer, i32.add(bases[v / each], step));
            const offset = v % each * VECTOR;
            code.set(vector, v128.load(pointer, { offset, memory, align: 4 }));
          });
          sums.forEach((row, i) => {
            const place = { offset: (i * pitch + k) * size, memory: scratch };
            code.set(value, load(zero, place));
            row.forEach((sum, v) => code.set(sum, multiplyAdd(dtype, value, values[v], sum)));
          });
        }
        eachRow((row) =>
          row.forEach((sum, v) =>
            code.do(v128.store(pointer, sum, { offset: v * VECTOR, memory: target, align: 4 }))
          )
        );
        code.set(c, advance(c, vectors * VECTOR));
      });
    },
  );
}

const ZEROS = Array<number>(16).fill(0);

/** Steps of a sum: `count` repetitions of a list, a given number of elements apart in A. */
export interface Steps {
  /** The positions of the list's steps in A, in elements; ascending. */
  readonly elements: readonly number[];
  /** The number of repetitions of the list. */
  readonly count: number;
}

/**
 * A function of A, the number of rows, the bytes between them, and the bytes between repetitions of
 * the list of steps: copies A to where `emitTiles` reads it. May read whole vectors.
 */
export type LoadFunction = FunctionReference<readonly ["i32", "i32", "i32", "i32"], "none">;

/** The copy of rows of A, in their type in memory, into the block. */
export function emitLoad(
  builder: Builder,
  { held, steps, from = "memory" }: {
    readonly held: Number;
    readonly steps: Steps;
    readonly from?: Place;
  },
): LoadFunction {
  const { elements, count } = steps;
  const { module, scratch } = builder;
  const size = byteSize(wideDtype(held));
  const lanes = lanesOf(held);
  const memory = from === "scratch" ? scratch : undefined;
  const pitch = pitchOf(held, elements.length * count);
  return module.function(
    "load",
    ["i32", "i32", "i32", "i32"],
    "none",
    (code, a, rows, nextRow, next) => {
      const to = code.local("i32");
      const load = lanesLoader(code, held, memory);
      const end = code.let(i32.mul(rows, i32.const(pitch * size)));
      code.for({ below: end, step: pitch * size }, (row) => {
        const source = code.let(a);
        code.set(to, row);
        code.for({ below: count }, () => {
          for (let k = 0; k < elements.length;) {
            const run = elements.slice(k).findIndex((at, i) => at !== elements[k] + i);
            const length = run < 0 ? elements.length - k : run;
            // Elements written after the end of a run are overwritten by the next run.
            for (let i = 0; i < length; i += lanes) {
              const value = load(source, (elements[k] + i) * byteSize(held));
              const place = { offset: (k + i) * size, memory: scratch, align: 4 };
              code.do(v128.store(to, value, place));
            }
            k += length;
          }
          code.set(source, i32.add(source, next));
          code.set(to, advance(to, elements.length * size));
        });
        code.set(a, i32.add(a, nextRow));
      });
    },
  );
}

/** Steps at regular distances. */
export interface Regular {
  /** The number of repetitions of the list. */
  readonly count: number;
  /** The positions of its steps, in bytes. */
  readonly offsets: readonly number[];
  /** Bytes between repetitions. */
  readonly next: number;
}

/** A function that writes the list of steps. */
export function emitWriteSteps(
  { module, scratch }: Builder,
  { offsets, count, next }: Regular,
): FunctionReference<readonly [], "none"> {
  return module.function("steps", [], "none", (code) => {
    const offset = code.local("i32");
    const pitch = 4 * offsets.length;
    code.for({ below: count * pitch, step: pitch }, (to) => {
      offsets.forEach((at, i) => {
        const place = { offset: STEPS + 4 * i, memory: scratch };
        code.do(i32.store(to, advance(offset, at), place));
      });
      code.set(offset, advance(offset, next));
    });
  });
}

/**
 * A function of C, a result, rows and the bytes between them in both, lines of each row and the bytes
 * between them in both, and the number of elements of a line: copies them, `step` elements apart.
 */
export type StoreFunction = FunctionReference<
  readonly ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"],
  "none"
>;

/** Elements of a line that are this far apart are not adjacent. */
const FAR = 16;

/** The copy of C from the location of the sums to the result. */
export function emitStore(
  builder: Builder,
  { dtype, step, from }: { readonly dtype: Number; readonly step: number; readonly from: Place },
): StoreFunction {
  const { module, scratch } = builder;
  const size = byteSize(dtype);
  const memory = from === "scratch" ? scratch : undefined;
  const place = { memory };
  function copyOne(to: Pointer, from: Pointer): Effect {
    if (dtype === "float64") return f64.store(to, f64.load(from, place));
    if (dtype === "float32") return f32.store(to, f32.load(from, place));
    return i32.store(to, i32.load(from, place));
  }
  return module.function(
    "store",
    ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"],
    "none",
    (code, c, out, rows, cRow, outRow, lines, cLine, outLine, count) => {
      if (step >= FAR) {
        // The elements of a line are in different images: the images are written one after another.
        code.for({ below: rows }, () => {
          const column = code.let(c);
          const to = code.let(out);
          const end = code.let(i32.add(c, i32.mul(count, i32.const(size))));
          code.for({ from: column, below: end, step: size }, (first) => {
            const source = code.let(first);
            const target = code.let(to);
            code.for({ below: lines }, () => {
              code.do(copyOne(target, source));
              code.set(source, i32.add(source, cLine));
              code.set(target, i32.add(target, outLine));
            });
            code.set(to, advance(to, step * size));
          });
          code.set(c, i32.add(c, cRow));
          code.set(out, i32.add(out, outRow));
        });
        return;
      }
      code.for({ below: rows }, () => {
        const line = code.let(c);
        const to = code.let(out);
        code.for({ below: lines }, () => {
          const source = code.let(line);
          const target = code.let(to);
          const end = code.let(i32.add(source, i32.mul(count, i32.const(size))));
          if (step === 1) {
            const whole = i32.sub(end, i32.const(VECTOR - 1));
            code.for({ from: source, below: whole, step: VECTOR }, (p) => {
              code.do(v128.store(target, v128.load(p, { memory, align: 4 }), {
                align: 4,
              }));
              code.set(target, advance(target, VECTOR));
              code.set(source, advance(p, VECTOR));
            });
            if (lanesOf(dtype) === 4) {
              code.if(i32.ltU(advance(source, 4), end), () => {
                const pair = i64.load(source, { memory, align: 4 });
                code.do(i64.store(target, pair, { align: 4 }));
                code.set(target, advance(target, 8));
                code.set(source, advance(source, 8));
              });
            }
            code.if(i32.ltU(source, end), () => code.do(copyOne(target, source)));
          } else {
            code.for({ from: source, below: end, step: size }, (p) => {
              code.do(copyOne(target, p));
              code.set(target, advance(target, step * size));
            });
          }
          code.set(line, i32.add(line, cLine));
          code.set(to, i32.add(to, outLine));
        });
        code.set(c, i32.add(c, cRow));
        code.set(out, i32.add(out, outRow));
      });
    },
  );
}
