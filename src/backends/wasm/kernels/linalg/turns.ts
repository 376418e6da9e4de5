/**
 * Rotations of rows of vectors, by which matrices become diagonal. They are recorded first and
 * applied later: those of many steps together, one strip of columns after another, so that the
 * strip stays in the nearest caches.
 *
 * Source: F. Van Zee, R. van de Geijn and G. Quintana-Ortí, "Restructuring the tridiagonal and
 * bidiagonal QR algorithms for performance", 2014; the rotations themselves: W. Givens,
 * "Computation of plane unitary rotations transforming a general matrix to triangular form", 1958.
 *
 * @module
 */
import { range } from "../../../../base/shape.ts";
import type { Code } from "../../assembler/code.ts";
import type { Expression, Local } from "../../assembler/expression.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { f64, f64x2, i32, select, v128 } from "../../assembler/operations.ts";
import { advance, type Pointer, times, VECTOR } from "../addresses.ts";
import type { Builder } from "../kernel.ts";
import { DOUBLE, offsetBy } from "./blocks.ts";

/** Bytes of a rotation (its cosine and its sine), and of the header of a chain of rotations. */
export const TURN = 16;

/** Columns of a strip. */
export const STRIP_COLUMNS = 8;

/** Doubles in a row of vectors: an odd number of strips, so that rows do not share sets of a cache. */
export function pitchOf(length: number): number {
  return (Math.ceil(length / STRIP_COLUMNS) | 1) * STRIP_COLUMNS;
}

/**
 * Space for about as many rotations as all steps need; if there are more, they are applied in
 * rounds.
 */
export function turnBytes(n: number): number {
  return (n * n + 100 * n + 64) * TURN;
}

/** The maximum number of times that this space is filled: far more than is ever needed. */
export const ROUNDS = 6;

/**
 * Writes the header of a chain of rotations: its first row, the number of rotations, and the row
 * step from one rotation to the next. A step of 0 represents the reversal of all rows from the
 * first to that number.
 */
export function writeHead(
  code: Code,
  place: Pointer,
  row: Pointer,
  count: Pointer,
  step: Pointer,
): void {
  code.do(i32.store(place, row));
  code.do(i32.store(place, count, { offset: 4 }));
  code.do(i32.store(place, step, { offset: 8 }));
}

/** The length of the vector of two numbers, with neither overflow nor underflow. */
export function hypotenuse(code: Code, x: Expression<"f64">, y: Expression<"f64">): Local<"f64"> {
  const [a, b] = [code.let(f64.abs(x)), code.let(f64.abs(y))];
  const large = code.let(f64.max(a, b));
  const ratio = code.let(f64.div(f64.min(a, b), large));
  const length = f64.mul(large, f64.sqrt(f64.add(f64.const(1), f64.mul(ratio, ratio))));
  return code.let(select(f64.eq(large, f64.const(0)), f64.const(0), length));
}

/**
 * Applies rotations to a strip of columns: a function of the address of its first row, and of the
 * rotations and their end. The row between two rotations stays in registers.
 */
export function emitTurns(
  builder: Builder,
  pitch: number,
): FunctionReference<readonly ["i32", "i32", "i32"], "none"> {
  const rowBytes = pitch * DOUBLE;
  const places = range(STRIP_COLUMNS * DOUBLE / VECTOR).map((v) => ({
    offset: v * VECTOR,
    align: 8,
  }));
  return builder.module.function(
    "turns",
    ["i32", "i32", "i32"],
    "none",
    (code, strip, turn, end) => {
      const carried = places.map(() => code.local("v128"));
      code.block((exit) => {
        code.loop((again) => {
          code.branchIf(exit, i32.geU(turn, end));
          const row = code.let(offsetBy(strip, i32.load(turn), rowBytes));
          const number = code.let(i32.load(turn, { offset: 4 }));
          const step = code.let(times(i32.load(turn, { offset: 8 }), rowBytes));
          code.set(turn, advance(turn, TURN));
          code.if(i32.eqz(step), () => {
            const last = code.let(offsetBy(strip, number, rowBytes));
            code.block((done) => {
              code.loop((next) => {
                code.branchIf(done, i32.geU(row, last));
                for (const place of places) {
                  const kept = code.let(v128.load(row, place));
                  code.do(v128.store(row, v128.load(last, place), place));
                  code.do(v128.store(last, kept, place));
                }
                code.set(row, advance(row, rowBytes));
                code.set(last, advance(last, -rowBytes));
                code.branch(next);
              });
            });
          }, () => {
            places.forEach((place, v) => code.set(carried[v], v128.load(row, place)));
            const below = code.let(i32.add(turn, times(number, TURN)));
            code.for({ from: turn, below, step: TURN }, (turn) => {
              const c = code.let(v128.load64Splat(turn));
              const s = code.let(v128.load64Splat(turn, { offset: DOUBLE }));
              const next = code.let(i32.add(row, step));
              places.forEach((place, v) => {
                const other = code.let(v128.load(next, place));
                const turned = f64x2.relaxedMadd(s, other, f64x2.mul(c, carried[v]));
                code.do(v128.store(row, turned, place));
                const rest = f64x2.mul(c, other);
                code.set(carried[v], f64x2.relaxedNmadd(s, carried[v], rest));
              });
              code.set(row, next);
            });
            places.forEach((place, v) => code.do(v128.store(row, carried[v], place)));
            code.set(turn, below);
          });
          code.branch(again);
        });
      });
    },
  );
}
