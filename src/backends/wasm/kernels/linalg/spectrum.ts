/**
 * Sorts eigenvalues and singular values, and writes their vectors with the signs that make their
 * largest elements positive.
 *
 * @module
 */
import { byteSize, type Dtype } from "../../../../base/dtype.ts";
import type { Code } from "../../assembler/code.ts";
import type { Expression, Local } from "../../assembler/expression.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { f32, f32x4, f64, f64x2, i32, i64, select, v128 } from "../../assembler/operations.ts";
import { advance, type Pointer, smaller, VECTOR } from "../addresses.ts";
import type { Builder } from "../kernel.ts";
import { DOUBLE, elementAt, offsetBy } from "./blocks.ts";
import { transposeLanes } from "../panels.ts";

/**
 * The state shared by the stages, by offset in bytes: the ends of up to two lists of rotations; the
 * power of two that the matrix was divided by, NaN if there is no result; the position and the
 * number of steps at which an iteration continues, and whether it must; and the order of the
 * values.
 */
export const state = {
  end: 0,
  otherEnd: 4,
  scale: 8,
  resume: 16,
  steps: 20,
  isUnfinished: 24,
  order: 32,
} as const;

/** Columns that a thread writes at once. */
export const COLUMNS = 16;

/** Signs are determined by the first element that is as large as the largest, up to rounding. */
const NEARLY = 1 - 1e-6;

/** The bits of a number's exponent. */
const EXPONENT = 0x7ffn << 52n;

/**
 * The largest power of two up to a magnitude, 1 for 0, and NaN for a magnitude that is not finite.
 * Its reciprocal is finite.
 */
export function scaleOf(code: Code, largest: Local<"f64">): Local<"f64"> {
  const power = f64.reinterpretI64(i64.and(i64.reinterpretF64(largest), i64.const(EXPONENT)));
  const clamped = f64.min(f64.max(power, f64.const(2 ** -1022)), f64.const(2 ** 1022));
  const scale = code.let(select(f64.eq(largest, f64.const(0)), f64.const(1), clamped));
  const isFinite = f64.lt(largest, f64.const(Infinity));
  code.if(i32.eqz(isFinite), () => code.set(scale, f64.const(NaN)));
  return scale;
}

function storeNumber(dtype: Dtype, to: Pointer, value: Expression<"f64">) {
  return dtype === "float64" ? f64.store(to, value) : f32.store(to, f32.demoteF64(value));
}

/** Initializes an iteration, which begins at a number and has recorded no rotations. */
export function beginIteration(code: Code, at: Pointer, first: number): void {
  code.do(i32.store(at, i32.const(first), { offset: state.resume }));
  code.do(i32.store(at, i32.const(0), { offset: state.steps }));
  code.do(i32.store(at, i32.const(1), { offset: state.isUnfinished }));
}

/** Records the state of an iteration. */
export function keepIteration(
  code: Code,
  at: Pointer,
  { resume, steps, isUnfinished }: Readonly<Record<"resume" | "steps" | "isUnfinished", Pointer>>,
): void {
  code.do(i32.store(at, resume, { offset: state.resume }));
  code.do(i32.store(at, steps, { offset: state.steps }));
  code.do(i32.store(at, isUnfinished, { offset: state.isUnfinished }));
}

/** Values to sort. */
export interface Values {
  /** The type of the results. */
  readonly dtype: Dtype;
  /** Their number. */
  readonly count: number;
  /** Whether they decrease, and have lost their signs. */
  readonly isSingular: boolean;
}

/**
 * Finds the order of values and writes them: a function of them, of the address for them, and of
 * the state.
 */
export function emitSort(
  builder: Builder,
  { dtype, count, isSingular }: Values,
): FunctionReference<readonly ["i32", "i32", "i32"], "none"> {
  const size = byteSize(dtype);
  return builder.module.function(
    "linalg sort",
    ["i32", "i32", "i32"],
    "none",
    (code, values, out, at) => {
      code.if(i32.load(at, { offset: state.isUnfinished }), () => {
        code.do(f64.store(at, f64.const(NaN), { offset: state.scale }));
      });
      const scale = code.let(f64.load(at, { offset: state.scale }));
      const order = code.let(advance(at, state.order));
      const valueOf = (number: Pointer) => {
        const value = f64.load(offsetBy(values, number, DOUBLE));
        return isSingular ? f64.abs(value) : value;
      };
      // By insertion sort: the steps leave them nearly in order.
      code.for({ below: count }, (i) => {
        const value = code.let(valueOf(i));
        const place = code.let(offsetBy(order, i, 4));
        code.block((found) => {
          code.loop((again) => {
            code.branchIf(found, i32.eq(place, order));
            const before = code.let(i32.load(advance(place, -4)));
            const other = valueOf(before);
            code.branchIf(found, isSingular ? f64.ge(other, value) : f64.le(other, value));
            code.do(i32.store(place, before));
            code.set(place, advance(place, -4));
            code.branch(again);
          });
        });
        code.do(i32.store(place, i));
      });
      code.for({ below: count }, (i) => {
        const value = f64.mul(valueOf(i32.load(offsetBy(order, i, 4))), scale);
        code.do(storeNumber(dtype, offsetBy(out, i, size), value));
      });
    },
  );
}

/** Vectors to write. */
export interface Vectors {
  /** The type of the results. */
  readonly dtype: Dtype;
  /** Their number. */
  readonly count: number;
  /** The length of each. */
  readonly length: number;
  /** Doubles from one vector to the next. */
  readonly pitch: number;
}

/** The position of a vector, by its number in order. */
function vectorAt(code: Code, rows: Pointer, pitch: number, at: Pointer, number: Pointer) {
  const index = i32.load(advance(offsetBy(at, number, 4), state.order));
  return code.let(elementAt(rows, pitch, index, 0));
}

/**
 * Writes some vectors as columns: a function of them, of the address for them, of the state and of
 * the number of the first.
 */
export function emitWriteColumns(
  builder: Builder,
  { dtype, count, length, pitch }: Vectors,
): FunctionReference<readonly ["i32", "i32", "i32", "i32"], "none"> {
  const size = byteSize(dtype);
  const rowBytes = count * size;
  const signOf = builder.once(emitSign, length);
  return builder.module.function("linalg write columns", ["i32", "i32", "i32", "i32"], "none", (
    code,
    rows,
    out,
    at,
    first,
  ) => {
    const scale = code.let(f64.load(at, { offset: state.scale }));
    const isBad = code.let(f64.ne(scale, scale));
    const end = code.let(smaller(i32.add(first, i32.const(COLUMNS)), i32.const(count)));
    const signed = (row: Local<"i32">): Local<"f64"> =>
      code.let(select(isBad, f64.const(NaN), signOf.call(row)));
    const even = code.let(i32.and(i32.sub(end, first), i32.const(-2)));
    code.for({ from: first, below: i32.add(first, even), step: 2 }, (number) => {
      const next = i32.add(number, i32.const(1));
      const [p, q] = [number, next].map((one) => vectorAt(code, rows, pitch, at, one));
      const signs = code.let(f64x2.splat(signed(p)));
      code.set(signs, f64x2.replaceLane(signs, 1, signed(q)));
      const to = code.let(offsetBy(out, number, size));
      const pairs = length - length % 2;
      const last = code.let(advance(p, pairs * DOUBLE));
      const storePair = (value: Local<"v128">) =>
        size === 8
          ? v128.store(to, value, { align: 8 })
          : v128.store64Lane(to, f32x4.demoteF64x2Zero(value), 0, { align: 4 });
      code.for({ from: p, below: last, step: VECTOR }, (from) => {
        const both = [from, q].map((place) => code.let(v128.load(place, { align: 8 })));
        for (const pair of transposeLanes(code, "float64", both)) {
          code.do(storePair(code.let(f64x2.mul(pair, signs))));
          code.set(to, advance(to, rowBytes));
        }
        code.set(q, advance(q, VECTOR));
      });
      if (length === pairs) return;
      [last, q].forEach((place, i) => {
        const value = f64.mul(f64.load(place), f64x2.extractLane(signs, i));
        code.do(storeNumber(dtype, advance(to, i * size), value));
      });
    });
    code.if(i32.and(i32.sub(end, first), i32.const(1)), () => {
      const number = code.let(i32.sub(end, i32.const(1)));
      const row = vectorAt(code, rows, pitch, at, number);
      const sign = signed(row);
      const to = code.let(offsetBy(out, number, size));
      const below = code.let(advance(row, length * DOUBLE));
      code.for({ from: row, below, step: DOUBLE }, (from) => {
        code.do(storeNumber(dtype, to, f64.mul(sign, f64.load(from))));
        code.set(to, advance(to, rowBytes));
      });
    });
  });
}

/**
 * Writes the right singular vectors as rows, with the signs of the left ones, and of the values: a
 * function of both, of the values, of the address for them, of the state, and of the numbers of the
 * first one and the end.
 */
export function emitWriteRows(
  builder: Builder,
  { vectors: { dtype, length, pitch }, left }: {
    readonly vectors: Vectors;
    readonly left: Vectors;
  },
): FunctionReference<readonly ["i32", "i32", "i32", "i32", "i32", "i32", "i32"], "none"> {
  const size = byteSize(dtype);
  const parameters = ["i32", "i32", "i32", "i32", "i32", "i32", "i32"] as const;
  const signOf = builder.once(emitSign, left.length);
  return builder.module.function("linalg write rows", parameters, "none", (
    code,
    rows,
    others,
    values,
    out,
    at,
    first,
    end,
  ) => {
    const scale = code.let(f64.load(at, { offset: state.scale }));
    const isBad = code.let(f64.ne(scale, scale));
    code.for({ from: first, below: end }, (number) => {
      const row = vectorAt(code, rows, pitch, at, number);
      const other = vectorAt(code, others, left.pitch, at, number);
      const index = i32.load(advance(offsetBy(at, number, 4), state.order));
      const value = f64.load(offsetBy(values, index, DOUBLE));
      const own = f64.copysign(f64.const(1), value);
      const sign = code.let(
        select(isBad, f64.const(NaN), f64.mul(own, signOf.call(other))),
      );
      const to = code.let(offsetBy(out, number, length * size));
      const below = code.let(advance(row, length * DOUBLE));
      code.for({ from: row, below, step: DOUBLE }, (from) => {
        code.do(storeNumber(dtype, to, f64.mul(sign, f64.load(from))));
        code.set(to, advance(to, size));
      });
    });
  });
}

/** The sign that makes a vector's largest element positive: a function of the vector. */
function emitSign(
  builder: Builder,
  length: number,
): FunctionReference<readonly ["i32"], "f64"> {
  return builder.module.function("linalg sign", ["i32"], "f64", (code, x) => {
    const end = code.let(advance(x, length * DOUBLE));
    const largest = code.local("f64");
    code.for({ from: x, below: end, step: DOUBLE }, (place) => {
      code.set(largest, f64.max(largest, f64.abs(f64.load(place))));
    });
    const limit = code.let(f64.mul(largest, f64.const(NEARLY)));
    code.for({ from: x, below: end, step: DOUBLE }, (place) => {
      const value = code.let(f64.load(place));
      code.if(f64.ge(f64.abs(value), limit), () => {
        code.return(select(f64.lt(value, f64.const(0)), f64.const(-1), f64.const(1)));
      });
    });
    return f64.const(1);
  });
}
