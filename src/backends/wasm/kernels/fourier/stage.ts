/**
 * One stage of a transform of vectors: from `[radix, rest, before]` to `[rest, radix, before]`.
 *
 * Source: T. G. Stockham, "High-speed convolution and correlation", 1966: results are in order.
 *
 * @module
 */
import type { FloatDtype } from "../../../../base/dtype.ts";
import { range } from "../../../../base/shape.ts";
import type { Code } from "../../assembler/code.ts";
import type { Expression } from "../../assembler/expression.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { i32 } from "../../assembler/operations.ts";
import { advance, type Pointer, times, VECTOR } from "../addresses.ts";
import { type Builder, SCRATCH_BYTES } from "../kernel.ts";
import { type Complex, Numbers, type Place } from "./complex.ts";
import { LARGEST_WRITTEN, SPARE_BYTES, type StagePlan } from "./plan.ts";

/** What a stage reads or writes. */
export interface Side {
  /** Whether it is in a thread's own memory. */
  readonly isScratch: boolean;
  /** The vectors of a row that is a part of a longer one, and bytes from row to row; left out, rows follow. */
  readonly rows?: { readonly width: number; readonly pitch: number };
}

/** What a stage is written for. */
export interface StageParams extends StagePlan {
  readonly dtype: FloatDtype;
  readonly from: Side;
  readonly to: Side;
}

/** A function of the addresses of the parts of operand and result, and of the table. */
export type StageFunction = FunctionReference<readonly ["i32", "i32", "i32", "i32", "i32"], "none">;

/** Where sums and differences are in a thread's memory. */
const SUMS = SCRATCH_BYTES - SPARE_BYTES;

/** Writes a stage. Rows of a longer operand belong to a first stage, those of a result to a last one. */
export function emitStage(builder: Builder, params: StageParams): StageFunction {
  const { dtype, radix, before, rest, from, to, turns } = params;
  return builder.module.function(`fourier ${radix}`, ["i32", "i32", "i32", "i32", "i32"], "none", (
    code,
    fromRe,
    fromIm,
    toRe,
    toIm,
    table,
  ) => {
    const numbers = new Numbers(code, dtype);
    const bytes = before * VECTOR;
    const source = from.rows?.pitch ?? bytes;
    const memoryOf = ({ isScratch }: Side) => isScratch ? builder.scratch : builder.memory;
    const place = (re: Pointer, im: Pointer, side: Side, offset: number): Place => ({
      re,
      im,
      offset,
      memory: memoryOf(side),
    });
    const turn = code.let(advance(table, turns * numbers.size));

    // Several vectors that are multiplied by the same roots find them in variables.
    const hoisted = rest > 1 && before > 1 && radix <= 8
      ? range(radix - 1).map(() => [code.local("v128"), code.local("v128")] as const)
      : null;

    /** Reads `radix` vectors, transforms them, and writes the results. */
    const one = (re: Pointer, im: Pointer, outRe: Pointer, outIm: Pointer): void => {
      const read = (k: Pointer | number): Complex =>
        typeof k === "number"
          ? numbers.load(place(re, im, from, k * rest * source))
          : numbers.load(place(...at(re, im, times(k, rest * source)), from, 0));
      const target = to.rows === undefined ? bytes : bytes / VECTOR / to.rows.width * to.rows.pitch;
      const write = (k: Pointer | number, x: Complex): void => {
        const turned = rest === 1 || k === 0
          ? x
          : numbers.mul(x, ...hoisted?.[k as number - 1] ?? rootAt(code, numbers, turn, k));
        if (typeof k === "number") numbers.store(place(outRe, outIm, to, k * target), turned);
        else numbers.store(place(...at(outRe, outIm, times(k, target)), to, 0), turned);
      };
      if (radix % 2 === 1 && radix > LARGEST_WRITTEN) {
        large(builder, code, numbers, { ...params, table }, read, write);
      } else numbers.transform(range(radix).map(read)).forEach((x, k) => write(k, x));
    };

    /** All vectors of one root. */
    const row = (re: Pointer, im: Pointer, outRe: Pointer, outIm: Pointer): void => {
      hoisted?.forEach((pair, i) => {
        const root = rootAt(code, numbers, turn, i + 1);
        pair.forEach((variable, part) => code.set(variable, root[part]));
      });
      if (before === 1) return one(re, im, outRe, outIm);
      const [a, b, c, d] = [re, im, outRe, outIm].map((pointer) => code.let(pointer));
      const width = to.rows?.width ?? before;
      const each = (): void =>
        code.for({ below: width }, () => {
          one(a, b, c, d);
          for (const pointer of [a, b, c, d]) code.set(pointer, advance(pointer, VECTOR));
        });
      if (width === before) return each();
      const gap = to.rows!.pitch - width * VECTOR;
      code.for({ below: before / width }, () => {
        each();
        for (const pointer of [c, d]) code.set(pointer, advance(pointer, gap));
      });
    };

    if (rest === 1) return row(fromRe, fromIm, toRe, toIm);
    code.for({ below: rest }, () => {
      row(fromRe, fromIm, toRe, toIm);
      for (const pointer of [fromRe, fromIm]) code.set(pointer, advance(pointer, source));
      for (const pointer of [toRe, toIm]) code.set(pointer, advance(pointer, radix * bytes));
      code.set(turn, advance(turn, 2 * (radix - 1) * numbers.size));
    });
  });
}

function at(re: Pointer, im: Pointer, bytes: Pointer): [re: Pointer, im: Pointer] {
  return [i32.add(re, bytes), i32.add(im, bytes)];
}

/** The root that result `k` is multiplied by. */
function rootAt(
  code: Code,
  numbers: Numbers,
  turn: Pointer,
  k: Pointer | number,
): readonly [cos: Expression<"v128">, sin: Expression<"v128">] {
  const { size } = numbers;
  const place = typeof k === "number" ? { pointer: turn, offset: 2 * (k - 1) * size } : {
    pointer: code.let(i32.add(turn, times(i32.sub(k, i32.const(1)), 2 * size))),
    offset: 0,
  };
  return [
    numbers.loadSplat(place.pointer, place.offset),
    numbers.loadSplat(place.pointer, place.offset + size),
  ];
}

/** The transform of a large odd radix, in loops. */
function large(
  { scratch: memory }: Builder,
  code: Code,
  numbers: Numbers,
  { radix, matrix, table }: StageParams & { readonly table: Pointer },
  read: (k: Pointer | number) => Complex,
  write: (k: Pointer | number, x: Complex) => void,
): void {
  const half = (radix - 1) / 2;
  const step = 4 * VECTOR;
  const sum = (base: Pointer): Place => ({
    re: base,
    im: advance(base, VECTOR),
    offset: SUMS,
    memory,
  });
  const difference = (base: Pointer): Place => sum(advance(base, 2 * VECTOR));
  const first = read(0);
  const total = numbers.zero();
  numbers.set(total, first);
  code.for({ from: 1, below: half + 1 }, (j) => {
    const [x, y] = [read(j), read(code.let(i32.sub(i32.const(radix), j)))];
    const both = numbers.add(x, y);
    numbers.set(total, numbers.add(total, both));
    const base = code.let(times(i32.sub(j, i32.const(1)), step));
    numbers.store(sum(base), both);
    numbers.store(difference(base), numbers.sub(x, y));
  });
  write(0, total);
  const root = code.let(advance(table, matrix * numbers.size));
  code.for({ from: 1, below: half + 1 }, (k) => {
    const [even, odd] = [numbers.zero(), numbers.zero()];
    numbers.set(even, first);
    numbers.set(odd, numbers.zero());
    code.for({ below: half * step, step }, (base) => {
      // Tables hold the sines of negative angles.
      const [cos, sin] = [0, numbers.size].map((offset) =>
        code.let(numbers.loadSplat(root, offset))
      );
      numbers.set(even, numbers.addScaledBy(even, numbers.load(sum(base)), cos));
      numbers.set(odd, numbers.addScaledBy(odd, numbers.load(difference(base)), sin));
      code.set(root, advance(root, 2 * numbers.size));
    });
    write(k, numbers.addTurned(even, odd));
    write(code.let(i32.sub(i32.const(radix), k)), numbers.subTurned(even, odd));
  });
}
