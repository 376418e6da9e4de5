/**
 * The steps before and after transforms of vectors: filling and emptying lanes, and joining the
 * parts of a row.
 *
 * @module
 */
import { byteSize, type FloatDtype } from "../../../../base/dtype.ts";
import { range } from "../../../../base/shape.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { i32 } from "../../assembler/operations.ts";
import { advance, type Pointer, smaller, times, VECTOR } from "../addresses.ts";
import { type Builder, SCRATCH_BYTES } from "../kernel.ts";
import { type Complex, Numbers, type Place } from "./complex.ts";
import { lanesOf, SPARE_BYTES, type StagePlan } from "./plan.ts";

/** The location of intermediate numbers in a thread's memory. */
const SPARE = SCRATCH_BYTES - SPARE_BYTES;

/** Parameters of the code for rows and lanes. */
export interface RowsParams {
  readonly dtype: FloatDtype;
  /** The length of a row. */
  readonly n: number;
  /** The number of rows; `null` if they are in the memory of the vectors, one for each lane. */
  readonly count: number | null;
  /** Whether the vectors are in a thread's own memory. */
  readonly isScratch: boolean;
  /** Whether the rows are pairs of real and imaginary parts. */
  readonly arePairs: boolean;
}

/** A function of the parts of rows, and of vectors, and of the number of the first row. */
export type LanesFunction = FunctionReference<readonly ["i32", "i32", "i32", "i32", "i32"], "none">;

/** Fills lanes with rows, or rows with lanes; lanes after the last row repeat it. */
function emitLanes(builder: Builder, params: RowsParams, isInto: boolean): LanesFunction {
  const { dtype, n, count, isScratch, arePairs } = params;
  const lanes = lanesOf(dtype);
  const size = byteSize(dtype);
  const memory = isScratch ? builder.scratch : builder.memory;
  const place = { memory: count === null ? memory : builder.memory };
  const step = arePairs ? 2 * size : size;
  return builder.module.function(
    isInto ? "fourier: fill lanes" : "fourier: empty lanes",
    ["i32", "i32", "i32", "i32", "i32"],
    "none",
    (code, rowsRe, rowsIm, re, im, first) => {
      const numbers = new Numbers(code, dtype);
      const pointers = range(lanes).map((lane) => {
        const row = count === null
          ? i32.const(lane)
          : smaller(advance(first, lane), i32.const(count - 1));
        const offset = code.let(times(row, n * step));
        return [rowsRe, arePairs ? advance(rowsRe, size) : rowsIm].map((base) =>
          code.let(i32.add(base, offset))
        );
      });
      code.for({ below: n }, () => {
        const vector = { re, im, memory };
        if (isInto) {
          const x = numbers.zero();
          for (const part of ["re", "im"] as const) {
            pointers.forEach((pointer, lane) => {
              const address = pointer[part === "re" ? 0 : 1];
              code.set(x[part], numbers.loadLane(address, x[part], lane, place));
            });
          }
          numbers.store(vector, x);
        } else {
          const x = numbers.load(vector);
          pointers.forEach(([a, b], lane) => {
            code.do(
              numbers.storeLane(a, x.re, lane, place),
              numbers.storeLane(b, x.im, lane, place),
            );
          });
        }
        for (const pointer of pointers.flat()) code.set(pointer, advance(pointer, step));
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

/** Parameters of the code that joins parts. */
export interface JoinParams extends Omit<RowsParams, "count"> {
  /** Whether the row is in a thread's own memory. */
  readonly isToScratch: boolean;
  /** The number of parts that the work is divided into. */
  readonly parts: number;
}

/** A function of both parts of vectors and of a row, and of roots; then the number of the part of the work. */
export type JoinFunction = FunctionReference<
  readonly ["i32", "i32", "i32", "i32", "i32", "i32"],
  "none"
>;

/**
 * Joins the transforms of the parts of a row: rotated by the roots, they are transformed across the
 * lanes. `n` numbers, from vectors with one of each part.
 */
export function emitJoin(
  builder: Builder,
  { dtype, n, isScratch, isToScratch, arePairs, parts }: JoinParams,
): JoinFunction {
  const lanes = lanesOf(dtype);
  const memory = isScratch ? builder.scratch : builder.memory;
  const to = isToScratch ? builder.scratch : builder.memory;
  const length = n / lanes;
  const rounds = length / lanes / parts;
  const types = ["i32", "i32", "i32", "i32", "i32", "i32"] as const;
  return builder.module.function("fourier: join", types, "none", (code, ...locals) => {
    const [re, im, outRe, outIm, roots, part] = locals;
    const numbers = new Numbers(code, dtype);
    code.drop(i32.load(i32.const(0), { memory: to }));
    const out = { re: outRe, im: outIm };
    const first = code.let(times(part, rounds));
    const move = (count: Pointer): void => {
      for (const pointer of [re, im]) code.set(pointer, rowAt(pointer, count, lanes * VECTOR));
      for (const pointer of [outRe, outIm]) {
        code.set(pointer, rowAt(pointer, count, arePairs ? 2 * VECTOR : VECTOR));
      }
      code.set(roots, rowAt(roots, count, 2 * (lanes - 1) * VECTOR));
    };
    move(first);
    code.for({ below: rounds }, () => {
      const read = (i: number) => numbers.load({ re, im, offset: i * VECTOR, memory });
      join(
        numbers,
        read,
        roots,
        0,
        (k, x) =>
          numbers.store({ ...out, offset: k * length * numbers.size, memory: to, arePairs }, x),
      );
      move(i32.const(1));
    });
  });
}

/** Joins one number of each part per lane; their roots begin at `offset`. */
function join(
  numbers: Numbers,
  read: (i: number) => Complex,
  roots: Pointer,
  offset: number,
  write: (part: number, x: Complex) => void,
): void {
  const { lanes } = numbers;
  const turned = numbers.transpose(range(lanes).map(read)).map((x, part) => {
    if (part === 0) return x;
    const [cos, sin] = [-2, -1].map((i) =>
      numbers.loadWhole(roots, offset + (2 * part + i) * VECTOR)
    );
    return numbers.mul(x, cos, sin);
  });
  numbers.transform(lanes, (part) => turned[part], write);
}

/** Parameters of a last stage that joins its results. */
export interface LastParams extends Omit<JoinParams, "parts"> {
  /** The length of its own transforms. */
  readonly radix: number;
}

/** Whether a last stage with these numbers of vectors can join its results itself. */
export function canJoin(dtype: FloatDtype, { radix, rest, before }: StagePlan): boolean {
  return rest === 1 && radix % 2 === 0 && before % lanesOf(dtype) === 0;
}

/** The last stage and the joining of its results, which are kept in the thread's own memory. */
export function emitLast(
  builder: Builder,
  { dtype, n, radix, isScratch, isToScratch, arePairs }: LastParams,
): JoinFunction {
  const lanes = lanesOf(dtype);
  const memory = isScratch ? builder.scratch : builder.memory;
  const to = isToScratch ? builder.scratch : builder.memory;
  const length = n / lanes;
  const before = length / radix;
  const types = ["i32", "i32", "i32", "i32", "i32", "i32"] as const;
  return builder.module.function("fourier: last", types, "none", (code, ...locals) => {
    const [re, im, outRe, outIm, roots] = locals;
    const numbers = new Numbers(code, dtype);
    code.drop(i32.load(i32.const(0), { memory: to }));
    numbers.prepare(radix);
    const kept = (k: number, lane: number): Place => ({
      re: i32.const(SPARE),
      im: i32.const(SPARE + VECTOR),
      offset: 2 * (k * lanes + lane) * VECTOR,
      memory: builder.scratch,
    });
    code.for({ below: before / lanes }, () => {
      for (const lane of range(lanes)) {
        numbers.transform(
          radix,
          (k) => numbers.load({ re, im, offset: (k * before + lane) * VECTOR, memory }),
          (k, x) => numbers.store(kept(k, lane), x),
        );
      }
      for (const k of range(radix)) {
        const read = (lane: number) => numbers.load(kept(k, lane));
        join(numbers, read, roots, k * before / lanes * 2 * (lanes - 1) * VECTOR, (part, x) => {
          const offset = (k * before + part * length) * numbers.size;
          numbers.store({ re: outRe, im: outIm, offset, memory: to, arePairs }, x);
        });
      }
      for (const pointer of [re, im]) code.set(pointer, advance(pointer, lanes * VECTOR));
      for (const pointer of [outRe, outIm]) {
        code.set(pointer, advance(pointer, arePairs ? 2 * VECTOR : VECTOR));
      }
      code.set(roots, advance(roots, 2 * (lanes - 1) * VECTOR));
    });
  });
}

/** The address of row `i`. */
export function rowAt(base: Pointer, i: Pointer, bytes: number): Pointer {
  return i32.add(base, times(i, bytes));
}
