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
import type { Local } from "../../assembler/expression.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { i32 } from "../../assembler/operations.ts";
import { advance, type Pointer, times, VECTOR } from "../addresses.ts";
import { type Builder, SCRATCH_BYTES } from "../kernel.ts";
import { type Complex, type Kept, Numbers, type Place } from "./complex.ts";
import { isWritten, SPARE_BYTES, type StagePlan } from "./plan.ts";

/** Parameters of a stage. */
export interface StageParams extends StagePlan {
  readonly dtype: FloatDtype;
  /** Whether operand and result are in a thread's own memory. */
  readonly isFromScratch: boolean;
  readonly isToScratch: boolean;
  /** Whether the operand is pairs of real and imaginary parts. */
  readonly arePairs: boolean;
  /** The number of parts that it is divided into: a divisor of `rest`, or else of `before`. */
  readonly parts: number;
}

/** A function of the addresses of both parts of operand and result, and of the table; then the part's number. */
export type StageFunction = FunctionReference<
  readonly ["i32", "i32", "i32", "i32", "i32", "i32"],
  "none"
>;

/** The location of sums and differences in a thread's memory. */
const SUMS = SCRATCH_BYTES - SPARE_BYTES;

/** Writes a stage. */
export function emitStage(builder: Builder, params: StageParams): StageFunction {
  const { dtype, radix, before, rest, turns, parts, arePairs } = params;
  const types = ["i32", "i32", "i32", "i32", "i32", "i32"] as const;
  return builder.module.function(`fourier ${radix}`, types, "none", (code, ...locals) => {
    const [fromRe, fromIm, toRe, toIm, table, part] = locals;
    const numbers = new Numbers(code, dtype);
    const bytes = before * VECTOR;
    const fromBytes = arePairs ? 2 * bytes : bytes;
    const rootBytes = 2 * (radix - 1) * numbers.size;
    const [from, to] = [params.isFromScratch, params.isToScratch].map((isScratch) =>
      isScratch ? builder.scratch : builder.memory
    );
    code.drop(i32.load(i32.const(0), { memory: to }));
    const turn = code.let(advance(table, turns * numbers.size));
    if (isWritten(radix)) numbers.prepare(radix);
    // If several vectors are multiplied by the same roots, the roots are kept in variables.
    const hoisted = rest > 1 && before > 1 && isWritten(radix)
      ? range(2 * (radix - 1)).map(() => code.local("v128"))
      : null;

    /** Reads `radix` vectors, transforms them, and writes the results. */
    const one = (re: Pointer, im: Pointer, outRe: Pointer, outIm: Pointer): void => {
      const read = (k: Pointer | number): Complex =>
        numbers.load({ ...at(re, im, k, rest * bytes, arePairs), memory: from });
      const rootOf = (k: Pointer | number) =>
        typeof k === "number" && hoisted !== null
          ? [hoisted[2 * k - 2], hoisted[2 * k - 1]] as const
          : rootAt(code, numbers, turn, k);
      const write = (k: Pointer | number, x: Complex): void => {
        const turned = rest === 1 || k === 0 ? x : numbers.mul(x, ...rootOf(k));
        numbers.store({ ...at(outRe, outIm, k, bytes), memory: to }, turned);
      };
      if (isWritten(radix)) numbers.transform(radix, read, write);
      else large(builder, code, numbers, { ...params, table }, read, write);
    };

    /** A number of vectors with the same root. */
    const row = (pointers: readonly Pointer[], count: number): void => {
      const roots = hoisted === null ? [] : numbers.loadSplats(turn, 0, hoisted.length);
      roots.forEach((root, i) => code.set(hoisted![i], root));
      if (count === 1) {
        const [a, b, c, d] = pointers;
        return one(a, b, c, d);
      }
      const own = pointers.map((pointer) => code.let(pointer));
      code.for({ below: count }, () => {
        one(own[0], own[1], own[2], own[3]);
        own.forEach((pointer, i) => {
          code.set(pointer, advance(pointer, arePairs && i < 2 ? 2 * VECTOR : VECTOR));
        });
      });
    };

    const isByRoots = rest % parts === 0;
    const move = (pointers: readonly Local<"i32">[], count: Pointer | number, bytes: number) => {
      const distance = typeof count === "number" ? i32.const(count * bytes) : times(count, bytes);
      for (const pointer of pointers) code.set(pointer, i32.add(pointer, distance));
    };
    const all = [fromRe, fromIm, toRe, toIm];
    const rounds = isByRoots ? rest / parts : rest;
    if (parts > 1 && isByRoots) {
      const first = code.let(times(part, rounds));
      move([fromRe, fromIm], first, fromBytes);
      move([toRe, toIm], first, radix * bytes);
      move([turn], first, rootBytes);
    } else if (parts > 1) {
      move([fromRe, fromIm], part, fromBytes / parts);
      move([toRe, toIm], part, bytes / parts);
    }
    const count = isByRoots ? before : before / parts;
    if (rounds === 1) return row(all, count);
    code.for({ below: rounds }, () => {
      row(all, count);
      move([fromRe, fromIm], 1, fromBytes);
      move([toRe, toIm], 1, radix * bytes);
      move([turn], 1, rootBytes);
    });
  });
}

/** The location of number `k`, at the given distance in bytes. */
function at(
  re: Pointer,
  im: Pointer,
  k: Pointer | number,
  bytes: number,
  arePairs = false,
): Place {
  if (typeof k === "number") return { re, im, offset: k * bytes, arePairs };
  const distance = times(k, arePairs ? 2 * bytes : bytes);
  return { re: i32.add(re, distance), im: i32.add(im, distance), arePairs };
}

/** The root that result `k` is multiplied by. */
function rootAt(
  code: Code,
  numbers: Numbers,
  turn: Pointer,
  k: Pointer | number,
): readonly [cos: Kept, sin: Kept] {
  const { size } = numbers;
  const [cos, sin] = typeof k === "number"
    ? numbers.loadSplats(turn, 2 * (k - 1) * size, 2)
    : numbers.loadSplats(
      code.let(i32.add(turn, times(i32.sub(k, i32.const(1)), 2 * size))),
      0,
      2,
    );
  return [cos, sin];
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
      const [cos, sin] = numbers.loadSplats(root, 0, 2);
      numbers.set(even, numbers.addScaledBy(even, numbers.load(sum(base)), cos));
      numbers.set(odd, numbers.addScaledBy(odd, numbers.load(difference(base)), sin));
      code.set(root, advance(root, 2 * numbers.size));
    });
    write(k, numbers.addTurned(even, odd));
    write(code.let(i32.sub(i32.const(radix), k)), numbers.subTurned(even, odd));
  });
}
