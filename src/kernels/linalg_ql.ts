/**
 * Implicit QL steps on tridiagonal matrices, which write down the turns that they make, and the turns
 * made on rows of vectors: those of many steps, one strip of columns after the other, which stays in
 * the first caches.
 *
 * @module
 */
import { range } from "../base/shape.ts";
import type { Code } from "../wasm/code.ts";
import type { Expression, Local } from "../wasm/expression.ts";
import type { FunctionReference } from "../wasm/module.ts";
import { f64, f64x2, i32, select, v128 } from "../wasm/operations.ts";
import { advance, type Pointer, times, VECTOR } from "./addresses.ts";
import type { Builder } from "./kernel.ts";
import { DOUBLE, offsetBy } from "./linalg_blocks.ts";

/** Bytes of a turn, its cosine and its sine, and of what stands in front of a chain of them. */
export const TURN = 16;

/** Columns of a strip. */
export const STRIP_COLUMNS = 8;

/** Sums and differences of doubles are exact to this fraction. */
const EPSILON = 2 ** -52;

/** Below this, an element of a matrix whose largest is about 1 is nothing. */
const TINY = 2 ** -400;

/** So many steps for each eigenvalue are far more than are ever needed. */
const MOST_STEPS = 90;

/** A block whose ends differ by this is graded. */
const GRADED = 64;

/** After so many steps in vain, the order of a block is reversed. */
const PATIENCE = 15;

/** Room for the turns of all steps: twice as many as are needed. */
export function turnBytes(n: number): number {
  return (3 * n * n / 2 + 200 * n + 16) * TURN;
}

/** The variables of the iteration. */
interface State {
  readonly d: Pointer;
  readonly e: Pointer;
  /** Where the next entry goes. */
  readonly cursor: Local<"i32">;
}

function at(base: Pointer, index: Pointer, shift = 0): Pointer {
  return advance(offsetBy(base, index, DOUBLE), shift * DOUBLE);
}

/** The length of the vector of two numbers, with neither overflow nor underflow. */
function hypotenuse(code: Code, x: Expression<"f64">, y: Expression<"f64">): Local<"f64"> {
  const [a, b] = [code.let(f64.abs(x)), code.let(f64.abs(y))];
  const large = code.let(f64.max(a, b));
  const ratio = code.let(f64.div(f64.min(a, b), large));
  const length = f64.mul(large, f64.sqrt(f64.add(f64.const(1), f64.mul(ratio, ratio))));
  return code.let(select(f64.eq(large, f64.const(0)), f64.const(0), length));
}

/**
 * Makes a tridiagonal matrix diagonal: a function of its diagonal, of what stands beside it, and of
 * where the turns go, that gives their end. It stops where there is no room for them, or where an
 * eigenvalue is not found.
 *
 * Sources and details are those of `src/numeric/linalg/eigh.ts`.
 */
export function emitIterateQl(
  builder: Builder,
  n: number,
): FunctionReference<readonly ["i32", "i32", "i32"], "i32"> {
  return builder.once(
    `linalg ql ${n}`,
    () =>
      builder.module.function("ql", ["i32", "i32", "i32"], "i32", (code, d, e, turns) => {
        const cursor = code.let(turns);
        const state = { d, e, cursor };
        const full = code.let(advance(turns, turnBytes(n) - (n + 4) * TURN));
        const magnitude = (base: Pointer, index: Pointer, shift = 0) =>
          f64.abs(f64.load(at(base, index, shift)));
        code.for({ below: n }, (l) => {
          const steps = code.let(i32.const(0));
          code.block((found) => {
            code.loop((again) => {
              const m = code.let(l);
              code.block((apart) => {
                code.loop((next) => {
                  code.branchIf(apart, i32.geU(m, i32.const(n - 1)));
                  const own = f64.add(magnitude(d, m), magnitude(d, m, 1));
                  const limit = f64.max(f64.mul(f64.const(EPSILON), own), f64.const(TINY));
                  code.branchIf(apart, f64.le(magnitude(e, m), limit));
                  code.set(m, i32.add(m, i32.const(1)));
                  code.branch(next);
                });
              });
              code.branchIf(found, i32.eq(m, l));
              const isHopeless = i32.eq(steps, i32.const(MOST_STEPS));
              code.if(i32.or(isHopeless, i32.gtU(cursor, full)), () => code.unreachable());
              const head = f64.add(magnitude(d, l), magnitude(e, l));
              const tail = f64.add(magnitude(d, m), magnitude(e, m, -1));
              const isGraded = f64.gt(head, f64.mul(f64.const(GRADED), tail));
              const isLate = i32.eqz(i32.remU(steps, i32.const(PATIENCE)));
              code.if(select(i32.eqz(steps), isGraded, isLate), () => reverse(code, state, l, m));
              step(code, state, l, m);
              code.set(steps, i32.add(steps, i32.const(1)));
              code.branch(again);
            });
          });
        });
        return cursor;
      }),
  );
}

/** Writes what stands in front of a chain: its first row, and the number of its turns. */
function writeHead(code: Code, place: Pointer, row: Pointer, count: Pointer, kind: number): void {
  code.do(
    i32.store(place, row),
    i32.store(place, count, { offset: 4 }),
    i32.store(place, i32.const(kind), { offset: 8 }),
  );
}

/** Reverses the order of rows and columns `l` to `m`. */
function reverse(code: Code, { d, e, cursor }: State, l: Pointer, m: Pointer): void {
  const flip = (from: Pointer, to: Pointer) => {
    const [p, q] = [code.let(from), code.let(to)];
    code.block((exit) => {
      code.loop((again) => {
        code.branchIf(exit, i32.geU(p, q));
        const kept = code.let(f64.load(p));
        code.do(f64.store(p, f64.load(q)), f64.store(q, kept));
        code.set(p, advance(p, DOUBLE));
        code.set(q, advance(q, -DOUBLE));
        code.branch(again);
      });
    });
  };
  flip(at(d, l), at(d, m));
  flip(at(e, l), at(e, m, -1));
  writeHead(code, cursor, l, m, 1);
  code.set(cursor, advance(cursor, TURN));
}

/** One implicit QL step on rows `l` to `m`, with Wilkinson's shift. */
function step(code: Code, { d, e, cursor }: State, l: Pointer, m: Pointer): void {
  const first = code.let(f64.load(at(d, l)));
  const beside = code.let(f64.load(at(e, l)));
  const gap = f64.sub(f64.load(at(d, l, 1)), first);
  const ratio = code.let(f64.div(gap, f64.mul(f64.const(2), beside)));
  const root = f64.copysign(hypotenuse(code, ratio, f64.const(1)), ratio);
  const shift = f64.div(beside, f64.add(ratio, root));
  const g = code.let(f64.add(f64.sub(f64.load(at(d, m)), first), shift));
  const [c, s, p] = [1, 1, 0].map((value) => code.let(f64.const(value)));
  const head = code.let(cursor);
  const i = code.let(m);
  code.block((apart) => {
    code.loop((again) => {
      code.set(i, i32.sub(i, i32.const(1)));
      const own = code.let(f64.load(at(e, i)));
      const f = code.let(f64.mul(s, own));
      const b = code.let(f64.mul(c, own));
      const r = hypotenuse(code, f, g);
      code.do(f64.store(at(e, i, 1), r));
      code.if(f64.lt(r, f64.const(TINY * TINY)), () => {
        // The matrix falls apart here.
        const place = at(d, i, 1);
        code.do(f64.store(place, f64.sub(f64.load(place), p)));
        code.branch(apart);
      });
      code.set(s, f64.div(f, r));
      code.set(c, f64.div(g, r));
      const next = code.let(f64.sub(f64.load(at(d, i, 1)), p));
      const twice = f64.mul(f64.mul(f64.const(2), c), b);
      const t = code.let(f64.add(f64.mul(f64.sub(f64.load(at(d, i)), next), s), twice));
      code.set(p, f64.mul(s, t));
      code.do(f64.store(at(d, i, 1), f64.add(next, p)));
      code.set(g, f64.sub(f64.mul(c, t), b));
      code.set(cursor, advance(cursor, TURN));
      code.do(f64.store(cursor, c), f64.store(cursor, s, { offset: DOUBLE }));
      code.branchIf(again, i32.gtU(i, l));
    });
    code.do(f64.store(at(d, l), f64.sub(f64.load(at(d, l)), p)));
    code.do(f64.store(at(e, l), g));
  });
  code.do(f64.store(at(e, m), f64.const(0)));
  const count = i32.shrU(i32.sub(cursor, head), i32.const(Math.log2(TURN)));
  writeHead(code, head, m, count, 0);
  code.set(cursor, advance(cursor, TURN));
}

/**
 * Makes turns on a strip of columns: a function of the address of its first row, and of the turns and
 * their end. The row between two turns stays in registers.
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
  return builder.once(
    `linalg turns ${pitch}`,
    () =>
      builder.module.function("turns", ["i32", "i32", "i32"], "none", (code, strip, turn, end) => {
        const carried = places.map(() => code.local("v128"));
        code.block((exit) => {
          code.loop((again) => {
            code.branchIf(exit, i32.geU(turn, end));
            const row = code.let(offsetBy(strip, i32.load(turn), rowBytes));
            const number = code.let(i32.load(turn, { offset: 4 }));
            const kind = code.let(i32.load(turn, { offset: 8 }));
            code.set(turn, advance(turn, TURN));
            code.if(kind, () => {
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
                const next = code.let(advance(row, -rowBytes));
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
      }),
  );
}
