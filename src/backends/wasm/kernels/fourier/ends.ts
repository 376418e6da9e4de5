/**
 * What surrounds transforms of vectors: lanes are filled and emptied, the parts of a row are joined, and the
 * columns of a matrix become the rows of another.
 *
 * @module
 */
import { byteSize, type FloatDtype } from "../../../../base/dtype.ts";
import { range } from "../../../../base/shape.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { i32 } from "../../assembler/operations.ts";
import { advance, type Pointer, smaller, times, VECTOR } from "../addresses.ts";
import type { Builder } from "../kernel.ts";
import { type Complex, Numbers } from "./complex.ts";
import { BLOCK, lanesOf } from "./plan.ts";

/** What rows and lanes are written for. */
export interface RowsParams {
  readonly dtype: FloatDtype;
  /** The length of a row. */
  readonly n: number;
  /** The number of rows. */
  readonly count: number;
  /** Whether the vectors are in a thread's own memory. */
  readonly isScratch: boolean;
}

/** A function of the parts of rows, and of vectors, and of the number of the first row. */
export type LanesFunction = FunctionReference<readonly ["i32", "i32", "i32", "i32", "i32"], "none">;

/** Fills lanes with rows, or rows with lanes; those behind the last row are that one once more. */
function emitLanes(builder: Builder, params: RowsParams, isInto: boolean): LanesFunction {
  const { dtype, n, count, isScratch } = params;
  const lanes = lanesOf(dtype);
  const size = byteSize(dtype);
  const memory = isScratch ? builder.scratch : builder.memory;
  return builder.module.function(
    isInto ? "fourier: fill lanes" : "fourier: empty lanes",
    ["i32", "i32", "i32", "i32", "i32"],
    "none",
    (code, rowsRe, rowsIm, re, im, first) => {
      const numbers = new Numbers(code, dtype);
      const pointers = range(lanes).map((lane) => {
        const row = smaller(advance(first, lane), i32.const(count - 1));
        const offset = code.let(times(row, n * size));
        return [rowsRe, rowsIm].map((base) => code.let(i32.add(base, offset)));
      });
      code.for({ below: n }, () => {
        const place = { re, im, memory };
        if (isInto) {
          const x = numbers.zero();
          for (const part of ["re", "im"] as const) {
            pointers.forEach((pointer, lane) => {
              const address = pointer[part === "re" ? 0 : 1];
              code.set(x[part], numbers.loadLane(address, x[part], lane));
            });
          }
          numbers.store(place, x);
        } else {
          const x = numbers.load(place);
          pointers.forEach(([a, b], lane) => {
            code.do(numbers.storeLane(a, x.re, lane), numbers.storeLane(b, x.im, lane));
          });
        }
        for (const pointer of pointers.flat()) code.set(pointer, advance(pointer, size));
        for (const pointer of [re, im]) code.set(pointer, advance(pointer, VECTOR));
      });
    },
  );
}

/** Fills lanes with rows. */
export function emitFillLanes(builder: Builder, params: RowsParams): LanesFunction {
  return emitLanes(builder, params, true);
}

/** Fills rows with lanes. */
export function emitEmptyLanes(builder: Builder, params: RowsParams): LanesFunction {
  return emitLanes(builder, params, false);
}

/** A function of the parts of vectors, of a row, and of roots. */
export type JoinFunction = FunctionReference<readonly ["i32", "i32", "i32", "i32", "i32"], "none">;

/**
 * Joins the transforms of the parts of a row: turned, they are transformed across the lanes. `n` numbers,
 * from vectors with one of each part.
 */
export function emitJoin(
  builder: Builder,
  { dtype, n, isScratch }: Omit<RowsParams, "count">,
): JoinFunction {
  const lanes = lanesOf(dtype);
  const memory = isScratch ? builder.scratch : builder.memory;
  const length = n / lanes;
  return builder.module.function(
    "fourier: join",
    ["i32", "i32", "i32", "i32", "i32"],
    "none",
    (code, re, im, outRe, outIm, roots) => {
      const numbers = new Numbers(code, dtype);
      code.for({ below: length / lanes }, () => {
        const vectors = range(lanes).map((i) =>
          numbers.load({ re, im, offset: i * VECTOR, memory })
        );
        const turned = numbers.transpose(vectors).map((x, part) => {
          if (part === 0) return x;
          const offset = 2 * (part - 1) * VECTOR;
          return numbers.mul(
            x,
            numbers.loadWhole(roots, offset),
            numbers.loadWhole(roots, offset + VECTOR),
          );
        });
        numbers.transform(turned).forEach((x, k) =>
          numbers.store({ re: outRe, im: outIm, offset: k * length * numbers.size }, x)
        );
        for (const pointer of [re, im]) code.set(pointer, advance(pointer, lanes * VECTOR));
        for (const pointer of [outRe, outIm]) code.set(pointer, advance(pointer, VECTOR));
        code.set(roots, advance(roots, 2 * (lanes - 1) * VECTOR));
      });
    },
  );
}

/** What a block of columns is turned by. */
export interface TurnParams {
  readonly dtype: FloatDtype;
  /** The rows of the block. */
  readonly length: number;
  /** Bytes from a block of rows of the result to the next. */
  readonly pitch: number;
}

/** A function of the parts of the block, of the result, and of the roots of the block and of its columns. */
export type TurnFunction = FunctionReference<
  readonly ["i32", "i32", "i32", "i32", "i32", "i32"],
  "none"
>;

/**
 * Turns a block of columns, in a thread's own memory, and writes it as rows: blocks of `BLOCK` bytes of each
 * row lie one after the other.
 */
export function emitTurn(builder: Builder, { dtype, length, pitch }: TurnParams): TurnFunction {
  const lanes = lanesOf(dtype);
  const tiles = BLOCK / VECTOR;
  return builder.module.function(
    "fourier: turn",
    ["i32", "i32", "i32", "i32", "i32", "i32"],
    "none",
    (code, re, im, outRe, outIm, coarse, fine) => {
      const numbers = new Numbers(code, dtype);
      const { size } = numbers;
      const memory = builder.scratch;
      // A tile is a square of vectors; so many of them down fill the block of a row of the result.
      code.for({ below: length / lanes / tiles }, () => {
        for (const down of range(tiles)) {
          const roots = range(lanes).map((row) =>
            [0, size].map((part) => code.let(numbers.loadSplat(coarse, 2 * row * size + part)))
          );
          for (const across of range(tiles)) {
            const vectors = range(lanes).map((row): Complex => {
              const place = row * tiles + across;
              const x = numbers.load({ re, im, offset: place * VECTOR, memory });
              const turned = numbers.mul(x, roots[row][0], roots[row][1]);
              return numbers.mul(
                turned,
                numbers.loadWhole(fine, 2 * place * VECTOR),
                numbers.loadWhole(fine, (2 * place + 1) * VECTOR),
              );
            });
            numbers.transpose(vectors).forEach((x, column) =>
              numbers.store({
                re: outRe,
                im: outIm,
                offset: (across * lanes + column) * BLOCK + down * VECTOR,
              }, x)
            );
          }
          for (const pointer of [re, im]) code.set(pointer, advance(pointer, lanes * BLOCK));
          code.set(coarse, advance(coarse, 2 * lanes * size));
          code.set(fine, advance(fine, 2 * lanes * BLOCK));
        }
        for (const pointer of [outRe, outIm]) code.set(pointer, advance(pointer, pitch));
      });
    },
  );
}

/** The address of row `i`. */
export function rowAt(base: Pointer, i: Pointer, bytes: number): Pointer {
  return i32.add(base, times(i, bytes));
}
