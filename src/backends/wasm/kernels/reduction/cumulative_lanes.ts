/**
 * Running sums and products of several lines in parallel, with a few lanes of numbers in registers.
 *
 * @module
 */
import { byteSize, type Dtype, isFloat } from "../../../../base/dtype.ts";
import { range } from "../../../../base/shape.ts";
import type { Code } from "../../assembler/code.ts";
import type { Effect, Expression, Local } from "../../assembler/expression.ts";
import { f32, f64, f64x2, i32, i32x4, v128 } from "../../assembler/operations.ts";
import { type Pointer, VECTOR } from "../addresses.ts";
import { highHalf, join, lowHalf } from "../math/halves.ts";

/** The operation that combines numbers. */
export type Combination = "sum" | "prod";

/** The parameters of a running result. */
export interface Running {
  /** The element type, not bool. */
  readonly dtype: Dtype;
  /** The operation that combines elements; floats are in double precision. */
  readonly operation: Combination;
}

/** Bytes of a running result: doubles for floats. */
export function totalBytes(dtype: Dtype): number {
  return isFloat(dtype) ? 8 : 4;
}

/** A traversal of lines. */
export interface Walk {
  /** The address of the first element. */
  readonly from: Pointer;
  /** The address of the first result, if results are written. */
  readonly to: Pointer | undefined;
  /** The number of elements. */
  readonly steps: Expression<"i32">;
  /** From one element to the next; it may be negative. */
  readonly stepBytes: number;
}

/** Processes lines and keeps a running result of each. */
export interface Runner {
  /** Sets the running results to those of empty lines. */
  reset(): void;
  /** Combines the running results with those written by `saveTotal`. */
  addTotal(at: Pointer): void;
  /** Processes the lines, and writes the result after each element if requested. */
  pass(walk: Walk): void;
  /** Writes the running results in their own type. */
  saveTotal(at: Pointer): void;
}

/** Some adjacent lanes, or a single one. */
interface Cell {
  /** Sets the running result to that of an empty line. */
  reset(): void;
  /** Loads elements; the returned function combines them into the running result. */
  load(at: Pointer): () => void;
  /** Writes the running result in the elements' type. */
  store(at: Pointer): Effect;
  /** Combines the running result with the one written by `saveTotal`. */
  addTotal(at: Pointer): void;
  /** Writes the running result in its own type. */
  saveTotal(at: Pointer): readonly Effect[];
}

/** The position of a cell, in bytes from the first lane's element and from the first lane's total. */
interface Place {
  readonly offset: number;
  readonly total: number;
}

const alone: Place = { offset: 0, total: 0 };

function runnerOf(code: Code, cells: readonly Cell[]): Runner {
  return {
    reset: () => cells.forEach((cell) => cell.reset()),
    addTotal: (at) => cells.forEach((cell) => cell.addTotal(at)),
    pass: (walk) => passThrough(code, cells, walk),
    saveTotal: (at) => cells.forEach((cell) => code.do(...cell.saveTotal(at))),
  };
}

/** Processes some lines at once, each at a given distance in bytes from the one before it. */
export function lanesRunner(
  code: Code,
  running: Running,
  lanes: number,
  laneBytes: number,
): Runner {
  const size = byteSize(running.dtype);
  const perVector = VECTOR / size;
  const vectors = laneBytes === size ? Math.floor(lanes / perVector) : 0;
  const place = (lane: number): Place => ({
    offset: lane * laneBytes,
    total: lane * totalBytes(running.dtype),
  });
  return runnerOf(code, [
    ...range(vectors).map((v) => vectorCell(code, running, place(v * perVector))),
    ...range(vectors * perVector, lanes).map((lane) => scalarCell(code, running, place(lane))),
  ]);
}

/**
 * Processes one line, starting with a running result (a double for floats), and leaves the last
 * one.
 */
export function passAlone(
  code: Code,
  running: Running,
  total: Local<"f64"> | Local<"i32">,
  walk: Walk,
): void {
  const cell = total.type === "f64"
    ? floatCell(code, running, alone, total)
    : intCell(code, running, alone, total);
  passThrough(code, [cell], walk);
}

/**
 * Combines elements with the contents of cells, one after another; writes each result if requested.
 */
function passThrough(code: Code, cells: readonly Cell[], walk: Walk): void {
  const at = code.let(walk.from);
  const to = walk.to === undefined ? undefined : code.let(walk.to);
  const steps = code.let(walk.steps);
  const step = i32.const(walk.stepBytes);
  code.for({ below: steps }, () => {
    const combinations = cells.map((cell) => cell.load(at));
    for (const combine of combinations) combine();
    code.set(at, i32.add(at, step));
    if (to === undefined) return;
    code.do(...cells.map((cell) => cell.store(to)));
    code.set(to, i32.add(to, step));
  });
}

/** The vectors of totals that belong to a vector of elements. */
function widened(code: Code, dtype: Dtype, elements: Local<"v128">): Expression<"v128">[] {
  return dtype === "float32"
    ? [code.let(lowHalf(elements)), code.let(highHalf(elements))]
    : [elements];
}

function vectorCell(code: Code, { dtype, operation }: Running, place: Place): Cell {
  const isSum = operation === "sum";
  const combine = isFloat(dtype)
    ? (isSum ? f64x2.add : f64x2.mul)
    : (isSum ? i32x4.add : i32x4.mul);
  const first = isSum ? 0 : 1;
  const start = isFloat(dtype) ? f64x2.const(first) : i32x4.const(first);
  const totals = range(dtype === "float32" ? 2 : 1).map(() => code.local("v128"));
  const partOf = (i: number) => ({ offset: place.total + i * VECTOR });
  return {
    reset: () => totals.forEach((total) => code.set(total, start)),
    load(at) {
      const elements = code.let(v128.load(at, place));
      return () => {
        const wide = widened(code, dtype, elements);
        totals.forEach((total, i) => code.set(total, combine(total, wide[i])));
      };
    },
    store(at) {
      const [low, high] = totals;
      return v128.store(at, high === undefined ? low : join(low, high), place);
    },
    addTotal: (at) =>
      totals.forEach((total, i) => code.set(total, combine(total, v128.load(at, partOf(i))))),
    saveTotal: (at) => totals.map((total, i) => v128.store(at, total, partOf(i))),
  };
}

function scalarCell(code: Code, running: Running, place: Place): Cell {
  return isFloat(running.dtype) ? floatCell(code, running, place) : intCell(code, running, place);
}

/** One lane of floats, its running result in a given variable. */
function floatCell(
  code: Code,
  { dtype, operation }: Running,
  place: Place,
  total: Local<"f64"> = code.local("f64"),
): Cell {
  const combine = operation === "sum" ? f64.add : f64.mul;
  const isSingle = dtype === "float32";
  const part = { offset: place.total };
  return {
    reset: () => code.set(total, f64.const(operation === "sum" ? 0 : 1)),
    load(at) {
      const element = isSingle ? f64.promoteF32(f32.load(at, place)) : f64.load(at, place);
      const value = code.let(element);
      return () => code.set(total, combine(total, value));
    },
    store: (at) =>
      isSingle ? f32.store(at, f32.demoteF64(total), place) : f64.store(at, total, place),
    addTotal: (at) => code.set(total, combine(total, f64.load(at, part))),
    saveTotal: (at) => [f64.store(at, total, part)],
  };
}

/** One lane of integers, its running result in a given variable. */
function intCell(
  code: Code,
  { operation }: Running,
  place: Place,
  total: Local<"i32"> = code.local("i32"),
): Cell {
  const combine = operation === "sum" ? i32.add : i32.mul;
  const part = { offset: place.total };
  return {
    reset: () => code.set(total, i32.const(operation === "sum" ? 0 : 1)),
    load(at) {
      const value = code.let(i32.load(at, place));
      return () => code.set(total, combine(total, value));
    },
    store: (at) => i32.store(at, total, place),
    addTotal: (at) => code.set(total, combine(total, i32.load(at, part))),
    saveTotal: (at) => [i32.store(at, total, part)],
  };
}
